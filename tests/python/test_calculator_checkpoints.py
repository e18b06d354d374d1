"""The calculator with a checkpoint of another package: converted on the fly, kept, and what `set` changes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calculations import GOLDEN, MODEL, ethanol, golden_atoms, refusal

from painnless import PainnlessCalculator
from painnless.model_file import read_model


def test_an_unsaid_unit_is_assumed_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    checkpoint = GOLDEN / "schnetpack/gaussian.model"
    for _ in range(2):  # converted, then from the cache
        with pytest.warns(UserWarning, match="assumed to be kcal/mol"), PainnlessCalculator(checkpoint):
            pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with PainnlessCalculator(checkpoint, energy_unit="eV") as in_ev, PainnlessCalculator(checkpoint, energy_unit="meV") as in_mev:
            atoms = golden_atoms("ethanol")
            assert in_ev.get_forces(atoms) == pytest.approx(1000 * in_mev.get_forces(atoms), rel=1e-12)


def test_a_damaged_copy_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    checkpoint = GOLDEN / "schnetpack/gaussian.model"
    with PainnlessCalculator(checkpoint, energy_unit="eV") as calculator:
        forces = calculator.get_forces(golden_atoms("ethanol"))
    (copy,) = (tmp_path / "painnless").glob("*.safetensors")
    copy.write_bytes(copy.read_bytes()[:-100])
    with PainnlessCalculator(checkpoint, energy_unit="eV") as calculator:
        assert np.array_equal(calculator.get_forces(golden_atoms("ethanol")), forces)
    assert read_model(copy).config.energy_unit == "eV"


def test_set_gives_what_a_new_calculator_would(tmp_path: Path) -> None:
    with PainnlessCalculator(MODEL) as calculator:
        atoms = ethanol()
        calculator.get_forces(atoms)
        assert calculator.set(precision="f64", timeout=10.0) == {"precision": "f64"}
        assert calculator.set(precision="f32") == {"precision": "f32"}
        assert calculator.side == "native:cpu:f32" and calculator.results == {}
        assert calculator.todict()["precision"] == "f32"
        with refusal("USAGE", "colour"):
            calculator.set(colour="red")
        forces, parameters = calculator.get_forces(atoms), calculator.todict()
        refused: list[dict[str, Any]] = [{"precision": "f17"}, {"model": "/nowhere"}, {"energy_unit": "kJ/mol"}]
        for changes in refused:
            with refusal("NOT_FOUND" if "model" in changes else "USAGE", *changes):
                calculator.set(**changes)
            assert calculator.todict() == parameters and np.array_equal(calculator.results["forces"], forces)
            calculator.reset()
            assert np.array_equal(calculator.get_forces(atoms), forces)

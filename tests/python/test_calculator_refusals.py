"""What the calculator refuses: atoms, options, files and devices, each with a typed error that says what there is."""

from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from calculations import ELEMENTS_OF_MODEL, MODEL, ethanol, refusal

from painnless import PainnlessCalculator, PainnlessError


@pytest.fixture(scope="module")
def calc() -> Iterator[PainnlessCalculator]:
    with PainnlessCalculator(MODEL) as calculator:
        yield calculator


REFUSED_ATOMS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "no atoms": (Atoms, "numbers", ("0 atoms",)),
    "an element it does not know": (lambda: Atoms("Fe"), "numbers", ("26", ELEMENTS_OF_MODEL)),
    "a ghost": (lambda: Atoms("X"), "numbers", ("atomic number 0",)),
    "NaN": (lambda: Atoms("H2", [[0, 0, 0], [0, 0, np.nan]]), "positions", ("atom 1",)),
    "two at one place": (lambda: Atoms("H2", np.zeros((2, 3))), "positions", ("atoms 0 and 1 coincide",)),
    "periodic without a cell": (lambda: Atoms("H", pbc=True), "cell", ()),
    "a flat cell": (lambda: Atoms("H", cell=[[1, 0, 0], [2, 0, 0], [0, 0, 1]], pbc=True), "cell", ("independent",)),
}


@pytest.mark.parametrize("name", REFUSED_ATOMS)
def test_refused_atoms_leave_nothing_behind(calc: PainnlessCalculator, name: str) -> None:
    make, field, said = REFUSED_ATOMS[name]
    good = ethanol()
    calc.get_forces(good)
    with refusal("BAD_STRUCTURE", field, *said):
        calc.get_forces(make())
    assert calc.results == {} and calc.atoms is None
    assert calc.get_forces(good).shape == (9, 3)


def test_stress_needs_a_volume(calc: PainnlessCalculator) -> None:
    for atoms in (ethanol(), Atoms("H", cell=[5, 5, 0], pbc=(True, True, False)), Atoms("H", cell=[5, 5, 5])):
        calc.get_potential_energy(atoms)
        with pytest.raises(PropertyNotImplementedError, match="volume"):
            calc.get_stress(atoms)
        assert calc.results == {}
    with pytest.raises(PropertyNotImplementedError, match="dipole"):
        calc.get_dipole_moment(ethanol())
    with refusal("USAGE", "atoms"):
        calc.calculate()
    with refusal("USAGE", "properties", "['forces']"):
        calc.compute_many([ethanol()], "forces")


@pytest.mark.parametrize(
    ("keywords", "field", "said"),
    [
        ({"device": "tpu"}, "device", ("'tpu'", "auto, cpu, cuda")),
        ({"precision": "f16"}, "precision", ("'f16'", "auto, f64, f32, mixed")),
        ({"precision": "mixed", "device": "cpu"}, "precision", ("f64 or f32",)),
        ({"energy_unit": "eV/mol"}, "energy_unit", ("kcal/mol, kJ/mol",)),
        ({"energy_unit": "kcal/mol"}, "energy_unit", ("says 'eV'",)),
        ({"threads": 0}, "threads", ("0", "1 to 1024")),
        ({"threads": True}, "threads", ("True",)),
        ({"timeout": float("nan")}, "timeout", ("nan",)),
        ({"model": None}, "model", ("None",)),
        pytest.param({"model": object()}, "model", ("object", "save it"), id="an object"),  # whose own name is another in every process
        ({"server": "http://localhost"}, "server", ("ipc://PATH or tcp://HOST:PORT",)),
        ({"server": "ipc:///x", "device": "cuda"}, "device", ("'cuda'", "the server")),
        ({"neighbor_list": 1}, "neighbor_list", ("energy_unit, device, precision", "SpkCalculator")),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_refused_options_say_what_there_is(keywords: dict[str, Any], field: str, said: tuple[str, ...]) -> None:
    with refusal("USAGE", field, *said):
        PainnlessCalculator(**{"model": MODEL, **keywords})


def test_refused_files_and_devices(tmp_path: Path) -> None:
    with refusal("NOT_FOUND", "model", "nowhere"):
        PainnlessCalculator(tmp_path / "nowhere")
    (tmp_path / "text").write_text("hello, this is no model")
    with pytest.raises(PainnlessError, match="not a checkpoint"):
        PainnlessCalculator(tmp_path / "text")
    (tmp_path / "torn").write_bytes(MODEL.read_bytes()[:-10])
    with pytest.raises(PainnlessError, match=r"torn.*ends at byte"):
        PainnlessCalculator(tmp_path / "torn")


@pytest.mark.skipif(find_library("cuda") is not None, reason="skipped: there is a GPU driver")
@pytest.mark.parametrize("keywords", [{"device": "cuda"}, {"precision": "mixed"}], ids=str)
def test_a_device_that_is_not_there(keywords: dict[str, Any]) -> None:
    with refusal("MISSING", "device", "driver"):
        PainnlessCalculator(MODEL, **keywords)


@pytest.mark.skipif(find_library("cuda") is None, reason="skipped: there is no GPU driver")
def test_mixed_precision_without_its_crosscheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with refusal("UNSUPPORTED", "side", "native:cuda:mixed", "run painnless crosscheck"):
        PainnlessCalculator(MODEL, precision="mixed")

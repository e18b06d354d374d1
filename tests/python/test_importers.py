"""Foreign files become model files that compute what the original package computed, or are refused by name."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ase.units
import numpy as np
import pytest
from checkpoints import GOLDEN, ROOT, SHARED

from painnless.errors import PainnlessError, error_codes
from painnless.importers import convert, read_foreign
from painnless.importers.checkpoint import read_source
from painnless.model_file import read_model
from painnless.reference import load
from painnless.units import energy_units_in_ev

SCHNETPACK: dict[str, Any] = json.loads((GOLDEN / "schnetpack" / "expected.json").read_text())
DISTILLER: dict[str, Any] = json.loads((GOLDEN / "distiller" / "expected.json").read_text())
STUDENTS = [(file, name) for name, model in DISTILLER["models"].items() for file in model["sha256"]]
VOIGT = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]

shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason="skipped: no shared data")


def structure(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[bool, bool, bool]]:
    s = SCHNETPACK["structures"][name]
    cell = np.array(s["cell"]) if any(s["pbc"]) else None
    return np.array(s["numbers"]), np.array(s["positions"]), cell, tuple(s["pbc"])


def worst(a: Any, b: Any) -> float:
    """The largest difference; NaN stays NaN, so that it fails every comparison."""
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


# What the original package computed


@pytest.mark.parametrize("name", SCHNETPACK["models"])
def test_schnetpack_values(name: str, tmp_path: Path) -> None:
    summary = convert(GOLDEN / "schnetpack" / f"{name}.model", tmp_path / "m", "kcal/mol")
    assert summary["config"]["source_sha256"] == SCHNETPACK["models"][name]["sha256"]
    unit = energy_units_in_ev["kcal/mol"]
    reference = load(tmp_path / "m")
    for key, expected in SCHNETPACK["models"][name]["results"].items():
        result = reference.evaluate([structure(key)], ("energy", "forces", "stress"))[0]
        assert worst(result["net_energy"], expected["net_energy"] * unit) <= 1e-12
        assert worst(result["energy"], expected["energy"] * unit) <= 1e-15 * abs(expected["energy"])
        assert worst(result["forces"], np.array(expected["forces"]) * unit) <= 1e-12
        if expected["stress"] is not None:
            voigt = [expected["stress"][i][j] * unit for i, j in VOIGT]
            assert worst(result["stress"], voigt) <= 1e-13


@pytest.mark.parametrize(("file", "name"), STUDENTS, ids=[file for file, _ in STUDENTS])
def test_distiller_values(file: str, name: str, tmp_path: Path) -> None:
    convert(GOLDEN / "distiller" / file, tmp_path / "m", "eV")
    for key, expected in DISTILLER["models"][name]["results"].items():
        result = load(tmp_path / "m").evaluate([structure(key)])[0]
        assert worst(result["energy"], expected["energy"]) <= 1e-12
        assert worst(result["forces"], expected["forces"]) <= 1e-12


EXPECTED_FIELDS: list[tuple[str, dict[str, Any]]] = [
    (
        "gaussian",
        {"n_layers": 3, "n_features": 16, "n_rbf": 8, "max_z": 99, "cutoff": 5.0, "readout_widths": [8, 1], "source_version": "2.1.1"},
    ),
    ("gaussian", {"energy_offset": "-1786.226809289834", "energy_offset_per_atom": True, "norm_eps": 1e-8, "atom_refs": None}),
    ("bessel", {"rbf": "bessel", "rbf_gamma_convention": None, "n_features": 24, "n_rbf": 12, "readout_widths": [12, 1]}),
    ("shared_interactions", {"shared_layers": True, "shared_filters": False, "n_layers": 3}),
    ("shared_filters", {"shared_layers": False, "shared_filters": True}),
    ("shared_both", {"shared_layers": True, "shared_filters": True}),
    ("atomrefs_without_mean", {"energy_offset": "0.0"}),
    ("not_extensive", {"energy_offset_per_atom": False}),
    ("without_offsets", {"energy_offset": "0.0", "atom_refs": None}),
    ("readout_deep", {"readout_widths": [20, 12, 1]}),
    ("readout_one_layer", {"readout_widths": [1]}),
    ("float64", {"weight_dtype": "float64"}),
    (
        "odd_sizes",
        {"n_features": 18, "n_layers": 1, "n_rbf": 5, "cutoff": float(np.float32(4.3)), "norm_eps": 1e-6, "shared_layers": False},
    ),
    ("version_2_0", {"max_z": 29, "source_version": None}),
]


@pytest.mark.parametrize(("name", "fields"), EXPECTED_FIELDS, ids=[name for name, _ in EXPECTED_FIELDS])
def test_schnetpack_fields(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    config = convert(GOLDEN / "schnetpack" / f"{name}.model", tmp_path / "m")["config"]
    assert {key: list(config[key]) if isinstance(config[key], tuple) else config[key] for key in fields} == fields


def test_atom_references_keep_every_digit(tmp_path: Path) -> None:
    refs = convert(GOLDEN / "schnetpack" / "atomrefs.model", tmp_path / "m")["config"]["atom_refs"]
    assert {z: refs[z] for z in (0, 1, 6, 7, 8)} == {0: 0.0, 1: -313.75, 6: -23786.123456789, 7: -34220.987654321, 8: -47048.25}


# Units


def test_one_table_of_units() -> None:
    typescript = (ROOT / "src" / "system" / "units.ts").read_text()
    table = re.search(r"energyUnitsInEv = \{(.*?)\}", typescript, re.S)
    assert table is not None
    pairs = re.findall(r"\"?([\w/]+)\"?: ([-\d.e]+),", table[1])
    assert {name: float(value) for name, value in pairs} == energy_units_in_ev
    ours = {
        "eV": ase.units.eV,
        "meV": ase.units.eV / 1000,
        "Hartree": ase.units.Hartree,
        "kcal/mol": ase.units.kcal / ase.units.mol,
        "kJ/mol": ase.units.kJ / ase.units.mol,
    }
    assert energy_units_in_ev == ours


def test_one_table_of_error_codes() -> None:
    typescript = (ROOT / "src" / "errors.ts").read_text()
    table = re.search(r"errorCodes = \[(.*?)\]", typescript, re.S)
    assert table is not None
    assert tuple(re.findall(r'"(\w+)"', table[1])) == error_codes


@pytest.mark.parametrize(
    ("file", "unit", "expected"),
    [
        ("schnetpack/gaussian.model", None, ("kcal/mol", "assumed")),
        ("schnetpack/gaussian.model", "Hartree", ("Hartree", "user")),
        ("distiller/student.pt", None, ("eV", "assumed")),
        ("distiller/student.onnx", "meV", ("meV", "user")),
    ],
)
def test_units_and_their_origin(file: str, unit: str | None, expected: tuple[str, str], tmp_path: Path) -> None:
    summary = convert(GOLDEN / file, tmp_path / "m", unit)
    assert (summary["config"]["energy_unit"], summary["config"]["units_origin"]) == expected
    assert any("assumed" in warning for warning in summary["warnings"]) == (unit is None)
    assert json.loads(json.dumps(summary)) is not None


def test_unknown_unit(tmp_path: Path) -> None:
    with pytest.raises(PainnlessError, match="'furlong' is unknown") as caught:
        convert(GOLDEN / "schnetpack" / "gaussian.model", tmp_path / "m", "furlong")
    assert caught.value.code == "USAGE"
    assert not (tmp_path / "m").exists()


# Neither torch nor the file's own package


def test_without_torch_and_schnetpack(tmp_path: Path) -> None:
    files = sorted(str(p) for folder in ("schnetpack", "distiller") for p in (GOLDEN / folder).iterdir() if p.suffix != ".json")
    program = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'schnetpack', 'onnx', 'ase'):
            raise ImportError('made unimportable: ' + name)
sys.meta_path.insert(0, Refuse())
from painnless.importers import convert
for file in {files!r}:
    convert(file, {str(tmp_path / "m")!r})
print(len({files!r}), sorted({{'torch', 'schnetpack', 'onnx', 'ase'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout == f"{len(files)} []\n"


def test_onnx_and_checkpoint_agree() -> None:
    a, b = (read_foreign(read_source(GOLDEN / "distiller" / f"student.{kind}")) for kind in ("pt", "onnx"))
    assert {k: v for k, v in a.fields.items() if not k.startswith("source")} == {
        k: v for k, v in b.fields.items() if not k.startswith("source")
    }
    assert set(a.tensors) - set(b.tensors) == {"interactions.1.update.mixing_matrix"}  # unused in the last layer, pruned by the export
    assert all(np.array_equal(a.tensors[name], b.tensors[name]) for name in b.tensors)


# Files that are not ours to copy


@shared_data
def test_shared_schnetpack_file(tmp_path: Path) -> None:
    summary = convert(SHARED / "schnetpack_painn_rmd17_ethanol.model", tmp_path / "m", "kcal/mol")
    model = read_model(tmp_path / "m")
    config = summary["config"]
    assert (config["n_features"], config["n_layers"], config["n_rbf"], config["cutoff"]) == (128, 3, 20, 5.0)
    assert (config["energy_offset"], config["energy_offset_per_atom"], config["atom_refs"]) == ("-10786.226809289834", True, None)
    # 39 in the state dict: mean, atomref and cutoff are fields of the configuration; 40 of the values are radial functions, not weights
    assert len(model.tensors) == 39 - 3
    assert sum(tensor.size for tensor in model.tensors.values()) == 589_057 + 40
    result = load(tmp_path / "m").evaluate([read_xyz(SHARED / "md_ethanol.xyz")])[0]
    assert abs(result["net_energy"] - -0.515435222044) <= 1e-12
    assert abs(result["energy"] - -4210.130975702719) <= 1e-9
    assert result["forces"] is not None
    assert np.abs(result["forces"][0] - [0.70084433, 0.08737433, 0.09017835]).max() <= 6e-9


@shared_data
def test_shared_student(tmp_path: Path) -> None:
    config = convert(SHARED / "distiller_student_tiny_77k.onnx", tmp_path / "m")["config"]
    assert (config["n_features"], config["n_layers"], config["n_rbf"], config["cutoff"], config["max_z"]) == (64, 2, 12, 5.0, 100)
    assert (config["equivariant"], config["continuous_at_cutoff"], config["pbc_supported"]) == (False, False, False)
    result = load(tmp_path / "m").evaluate([read_xyz(SHARED / "md_ethanol.xyz")])[0]
    assert abs(result["energy"] - -53.581237536792) <= 1e-12
    assert result["forces"] is not None
    assert np.abs(result["forces"][8] - [0.42733490, -0.24385913, -0.22856664]).max() <= 6e-9


def read_xyz(path: Path) -> tuple[np.ndarray, np.ndarray, None, tuple[bool, bool, bool]]:
    symbols = {"H": 1, "C": 6, "O": 8}
    rows = [line.split() for line in path.read_text().splitlines()[2:]]
    numbers = np.array([symbols[row[0]] for row in rows])
    return numbers, np.array([[float(x) for x in row[1:4]] for row in rows]), None, (False, False, False)

"""Writes tests/golden/model-file/: small model files and tables for both languages, of valid configurations and the tensors they need.

python tests/golden/make_model_files.py
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from painnless.model_file import ModelConfig, expected_tensors, write_model

FOLDER = Path(__file__).parent / "model-file"

PAINN = ModelConfig(
    arch="painn-schnetpack",
    n_features=4,
    n_layers=2,
    n_rbf=3,
    max_z=2,
    elements=(1, 2),
    cutoff=4.5,
    cutoff_applies_to="filter",
    rbf="gaussian",
    rbf_gamma_convention="half_inv_w2",
    norm_eps=1e-8,
    dir_eps=0.0,
    edge_rule="lt",
    shared_layers=False,
    shared_filters=False,
    readout_widths=(2, 1),
    energy_unit="kcal/mol",
    energy_unit_in_ev=0.04336410390059322,
    energy_offset="-10786.226809289834",
    energy_offset_per_atom=True,
    atom_refs=(0.0, -313.75, 0.1),
    pbc_supported=True,
    equivariant=True,
    continuous_at_cutoff=True,
    weight_dtype="float32",
    source_format="golden",
    source_sha256="",
    source_version=None,
    units_origin="user",
)
STUDENT = replace(
    PAINN,
    arch="painn-distiller",
    cutoff_applies_to="rbf_input",
    rbf_gamma_convention="inv_w2",
    norm_eps=0.0,
    dir_eps=1e-8,
    edge_rule="le",
    readout_widths=(2, 1, 1),
    energy_unit="eV",
    energy_unit_in_ev=1.0,
    energy_offset="0.0",
    atom_refs=None,
    pbc_supported=False,
    equivariant=False,
    continuous_at_cutoff=False,
    weight_dtype="float64",
)
CONFIGS = {
    "painn": PAINN,
    "bessel": replace(PAINN, rbf="bessel", rbf_gamma_convention=None),
    "shared_layers": replace(PAINN, shared_layers=True, n_layers=3),
    "shared_filters": replace(PAINN, shared_filters=True),
    "readout": replace(PAINN, readout_widths=(7, 5, 3, 1)),
    "one_layer": replace(PAINN, n_layers=1, readout_widths=(1,)),
    "student": STUDENT,
}

# Changes to a configuration, and whether the result is one. DELETE stands for a field that is missing.
CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("painn", {}, True),
    ("student", {}, True),
    ("painn", {"surprise": 1}, False),
    *[("painn", {field: "DELETE"}, False) for field in asdict(PAINN)],
    *[("painn", {"n_features": value}, False) for value in (0, 4097, 1.5, "4", None, True, -1)],
    *[("painn", {"n_layers": value}, False) for value in (0, 65)],
    *[("painn", {"max_z": value}, False) for value in (0, 119, 3)],
    *[("painn", {"cutoff": value}, valid) for value, valid in ((5, True), (0, False), (-1.0, False), ("5", False), (None, False))],
    *[("painn", {"elements": value}, valid) for value, valid in ((None, True), ([], False), ([0], False), ([119], False), ([1.5], False))],
    *[
        ("painn", {"readout_widths": value}, valid)
        for value, valid in (([1], True), ([3, 2], False), ([], False), ([0, 1], False), (1, False))
    ],
    *[("painn", {"energy_offset": v}, True) for v in ("0", "-1.5e-3", ".5", "1e3", "5.")],
    *[("painn", {"energy_offset": v}, False) for v in ("", "NaN", "Infinity", "-", "1e", "0x10", " 1", "1e999", 1.0, None, "1\n", "１")],
    *[
        ("painn", {"atom_refs": v}, valid)
        for v, valid in ((None, True), ([0, 0, 0], True), ([0.0, 0.0], False), ([0, 0, "0"], False), ({}, False))
    ],
    *[("painn", {"energy_unit_in_ev": v}, False) for v in (1.0, 0.0433641042418, 0, -1.0)],
    ("painn", {"energy_unit": "eV"}, False),
    ("painn", {"energy_unit": "eV", "energy_unit_in_ev": 1}, True),
    ("painn", {"energy_unit": "furlong"}, False),
    ("painn", {"rbf": "bessel"}, False),
    ("painn", {"rbf": "bessel", "rbf_gamma_convention": None}, True),
    ("painn", {"rbf_gamma_convention": "inv_w2"}, False),
    ("painn", {"rbf_gamma_convention": None}, False),
    ("painn", {"cutoff_applies_to": "rbf_input"}, False),
    ("painn", {"dir_eps": 1e-8}, False),
    ("painn", {"norm_eps": 0}, True),
    ("painn", {"norm_eps": -1e-8}, False),
    ("painn", {"edge_rule": "le"}, True),
    ("painn", {"edge_rule": "lte"}, False),
    ("painn", {"arch": "painn-distiller"}, False),
    ("painn", {"arch": "schnet"}, False),
    ("painn", {"cutoff_fn": "polynomial"}, False),
    ("painn", {"activation": "relu"}, False),
    ("painn", {"aggregation": "avg"}, False),
    ("painn", {"length_unit": "Bohr"}, False),
    ("painn", {"format_version": 2}, False),
    ("painn", {"format": "other"}, False),
    ("painn", {"shared_layers": 1}, False),
    ("painn", {"weight_dtype": "float16"}, False),
    ("painn", {"units_origin": "guess"}, False),
    ("painn", {"source_version": 2}, False),
    ("painn", {"source_version": "2.1.1"}, True),
    ("student", {"rbf": "bessel", "rbf_gamma_convention": None}, False),
    ("student", {"rbf_gamma_convention": "half_inv_w2"}, False),
    ("student", {"shared_layers": True}, False),
    ("student", {"shared_filters": True}, False),
    ("student", {"pbc_supported": True}, False),
    ("student", {"cutoff_applies_to": "filter"}, False),
    ("student", {"equivariant": True}, True),
]


def tables() -> dict[str, Any]:
    return {
        "configs": {name: json.loads(config.to_json()) for name, config in CONFIGS.items()},
        "tensors": {name: {key: list(shape) for key, shape in expected_tensors(config)[0].items()} for name, config in CONFIGS.items()},
        "optional": {name: sorted(expected_tensors(config)[1]) for name, config in CONFIGS.items()},
        "cases": [{"config": config, "change": change, "valid": valid} for config, change, valid in CASES],
    }


def weights(config: ModelConfig) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    return {name: random.normal(size=shape).astype(config.weight_dtype) for name, shape in expected_tensors(config)[0].items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    record = tables() | {"files": {}}
    for name in ("painn", "student"):
        tensors = weights(CONFIGS[name])
        sha256 = write_model(FOLDER / f"{name}.safetensors", CONFIGS[name], tensors)
        record["files"][name] = {"sha256": sha256, "values": {key: array.ravel().tolist() for key, array in tensors.items()}}
    (FOLDER / "expected.json").write_text(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

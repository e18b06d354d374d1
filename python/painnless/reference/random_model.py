"""Small models with random weights, one for every variation of the hyper-parameters: what tests run on.

python -m painnless.reference.random_model OUT --seed 1 --json '{"n_features": 24, "shared_filters": true}'
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch

from painnless.errors import PainnlessError
from painnless.model_file import Model, ModelConfig, expected_tensors, write_model
from painnless.reference.reference import Reference

# A bent chain of five atoms of the first rows, all distances between 0.9 and 3 Å.
_PROBE = np.array([[0, 0, 0], [1.4, 0.1, 0], [1.9, 1.3, 0.3], [-0.5, 0.9, 0.2], [2.8, 1.4, -0.2]], dtype=np.float64)


def write_random_model(path: str | os.PathLike[str], seed: int, *, equivariant_mixing: bool = False, **overrides: Any) -> ModelConfig:
    """Writes a model with random weights and returns its configuration.

    overrides: any field of ModelConfig. The weights are scaled so that the largest force on a small molecule is 1 eV/Å.
    equivariant_mixing (painn-distiller): each mixing matrix is a multiple of the identity, which makes the model rotation equivariant.
    """
    config = random_config(equivariant_mixing=equivariant_mixing, **overrides)
    tensors = random_tensors(config, np.random.default_rng(seed), equivariant_mixing)
    write_model(path, config, _with_forces_of_order_one(config, tensors))
    return config


def random_config(*, equivariant_mixing: bool = False, **overrides: Any) -> ModelConfig:
    """A small configuration with some fields replaced; fields that follow from others follow."""
    if unknown := sorted(overrides.keys() - {f.name for f in fields(ModelConfig)}):
        raise PainnlessError("USAGE", f"unknown model fields {unknown}", field=unknown[0])
    painn = overrides.get("arch", "painn-schnetpack") == "painn-schnetpack"
    features = overrides.get("n_features", 16)
    gaussian = overrides.get("rbf", "gaussian") == "gaussian"
    settings: dict[str, Any] = {
        "arch": "painn-schnetpack",
        "n_features": features,
        "n_layers": 2,
        "n_rbf": 8,
        "max_z": 20,
        "elements": None,
        "cutoff": 5.0,
        "cutoff_applies_to": "filter" if painn else "rbf_input",
        "rbf": "gaussian",
        "rbf_gamma_convention": ("half_inv_w2" if painn else "inv_w2") if gaussian else None,
        "norm_eps": 1e-8 if painn else 0.0,
        "dir_eps": 0.0 if painn else 1e-8,
        "edge_rule": "lt" if painn else "le",
        "shared_layers": False,
        "shared_filters": False,
        "readout_widths": (max(features // 2, 1), 1) if painn else (max(features // 2, 1), max(features // 4, 1), 1),
        "energy_unit": "eV",
        "energy_unit_in_ev": 1.0,
        "energy_offset": "0.0",
        "energy_offset_per_atom": True,
        "atom_refs": None,
        "pbc_supported": painn,
        "equivariant": painn or equivariant_mixing,
        "continuous_at_cutoff": painn,
        "weight_dtype": "float32",
        "source_format": "random",
        "source_sha256": "",
        "source_version": None,
        "units_origin": "file",
    }
    return ModelConfig(**(settings | overrides))


def random_tensors(config: ModelConfig, random: np.random.Generator, equivariant_mixing: bool = False) -> dict[str, np.ndarray]:
    """Weights by name: matrices Xavier uniform, embedding normal, biases small but not zero, so that a forgotten one shows."""
    shapes, _ = expected_tensors(config)
    dtype = np.dtype(config.weight_dtype)
    tensors: dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        if name.endswith("embedding.weight"):
            value = random.normal(size=shape)
        elif name.endswith(("radial_basis.offsets", "rbf.centers")):
            value = np.linspace(0, config.cutoff, config.n_rbf)
        elif name.endswith("radial_basis.freqs"):
            value = np.pi * np.arange(1, config.n_rbf + 1) / config.cutoff
        elif name.endswith("widths"):
            value = np.full(shape, config.cutoff / max(config.n_rbf - 1, 1))
        elif name.endswith("mixing_matrix"):
            value = 0.7 * np.eye(3) if equivariant_mixing else random.normal(scale=0.5, size=shape)
        elif name.endswith("weight"):
            value = random.uniform(-1, 1, size=shape) * np.sqrt(6 / sum(shape))
        else:
            value = random.normal(scale=0.1, size=shape)
        tensors[name] = value.astype(dtype)
    return tensors


def _with_forces_of_order_one(config: ModelConfig, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The last readout layer scaled; a model whose force on the probe is zero (a constant readout) is refused."""
    known = config.elements or tuple(range(1, config.max_z + 1))
    numbers = np.resize(np.array([z for z in (6, 1, 8) if z in known] or known[:1]), len(_PROBE))
    positions = _PROBE * min(1.0, config.cutoff / 3)
    reference = Reference(Model(replace(config, atom_refs=None), tensors, ""), torch.float64, "cpu")
    forces = reference.evaluate([(numbers, positions, None, (False, False, False))])[0]["forces"]
    largest = 0.0 if forces is None else float(np.abs(forces).max())
    if not largest > 0:
        raise PainnlessError("BAD_MODEL", "random weights give no force; use another seed or more features")
    last = len(config.readout_widths) - 1
    prefix = f"output_modules.0.outnet.{last}" if config.arch == "painn-schnetpack" else f"energy_head.{2 * last}"
    dtype = np.dtype(config.weight_dtype)
    return tensors | {name: (tensors[name] / largest).astype(dtype) for name in (f"{prefix}.weight", f"{prefix}.bias")}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m painnless.reference.random_model", description="Write a small model with random weights."
    )
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", default="{}", help="fields of the model configuration, and equivariant_mixing")
    arguments = parser.parse_args()
    write_random_model(arguments.out, arguments.seed, **json.loads(arguments.json))


if __name__ == "__main__":
    main()

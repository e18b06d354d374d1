"""The shipped architecture: its configuration, first weights and file."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from painnless.model_file import Model, ModelConfig, write_model
from painnless.reference.random_model import random_config, random_tensors
from painnless.reference.reference import with_weights

MAX_Z = 8

# Added under the root of the norm of vector features, where SchNetPack has 1e-8: a vector that comes near zero then bends the
# energy within 1e-4, which no time step resolves, and each such passage leaves the energy of a trajectory elsewhere
# (docs/accuracy.md, Where the drift comes from).
NORM_EPS = 1e-2


def ethanol_config(elements: tuple[int, ...], atom_refs: np.ndarray, features: int = 64) -> ModelConfig:
    """PaiNN as SchNetPack has it but for the epsilon: 3 layers, 20 Gaussians, cutoff 5 Å; energies in eV, no offset."""
    return random_config(
        n_features=features,
        n_layers=3,
        n_rbf=20,
        max_z=MAX_Z,
        elements=elements,
        cutoff=5.0,
        norm_eps=NORM_EPS,
        atom_refs=tuple(atom_refs.tolist()),
        source_format="painnless.training",
    )


def first_weights(config: ModelConfig, seed: int) -> nn.Module:
    """The module to train: random matrices, biases zero."""
    tensors = random_tensors(config, np.random.default_rng(seed))
    zeroed = {name: np.zeros_like(array) if name.endswith("bias") else array for name, array in tensors.items()}
    return with_weights(Model(config, zeroed, ""), torch.float32)


def save(path: str | os.PathLike[str], config: ModelConfig, tensors: dict[str, Tensor], version: str) -> str:
    """Writes the model file; its SHA-256."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    return write_model(path, replace(config, source_version=version), arrays)

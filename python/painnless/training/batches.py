"""Labelled frames as tensors: edges found once, batches put together by concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from painnless.reference.graph import Graph
from painnless.reference.neighbors import find_edges
from painnless.training.dataset import Frame


@dataclass(frozen=True)
class Batch:
    """B molecules, N atoms, E edges. graph.vectors is a leaf that asks for gradients."""

    graph: Graph
    structure_of_atom: Tensor  # (N) int64
    sizes: Tensor  # (B) atoms of each molecule
    energies: Tensor  # (B) eV, without atom references
    forces: Tensor  # (N, 3) eV/Å


@dataclass(frozen=True)
class _Prepared:
    numbers: np.ndarray
    receivers: np.ndarray
    senders: np.ndarray
    vectors: np.ndarray
    energy: float
    forces: np.ndarray


class Frames:
    """Frames ready to be batched. atom_refs[Z] (eV) is what an atom of element Z contributes to the total energy by itself."""

    def __init__(self, frames: Sequence[Frame], atom_refs: np.ndarray, cutoff: float) -> None:
        self._prepared = [_prepare(frame, atom_refs, cutoff) for frame in frames]

    def __len__(self) -> int:
        return len(self._prepared)

    def batch(self, indices: Sequence[int]) -> Batch:
        chosen = [self._prepared[k] for k in indices]
        sizes = np.array([len(p.numbers) for p in chosen])
        firsts = np.cumsum(sizes) - sizes
        receivers = np.concatenate([p.receivers + first for p, first in zip(chosen, firsts, strict=True)])
        senders = np.concatenate([p.senders + first for p, first in zip(chosen, firsts, strict=True)])
        vectors = torch.from_numpy(np.concatenate([p.vectors for p in chosen])).requires_grad_()
        numbers = torch.from_numpy(np.concatenate([p.numbers for p in chosen]))
        return Batch(
            graph=Graph(numbers, torch.from_numpy(receivers), torch.from_numpy(senders), vectors),
            structure_of_atom=torch.from_numpy(np.repeat(np.arange(len(chosen)), sizes)),
            sizes=torch.from_numpy(sizes.astype(np.float32)),
            energies=torch.tensor([p.energy for p in chosen], dtype=torch.float32),
            forces=torch.from_numpy(np.concatenate([p.forces for p in chosen])),
        )


def fit_atom_refs(frames: Sequence[Frame], max_z: int) -> np.ndarray:
    """(max_z + 1) eV: the share of each element in the total energy, least squares in float64; 0 for elements that do not occur."""
    counts = np.array([np.bincount(f.numbers, minlength=max_z + 1) for f in frames], dtype=np.float64)
    energies = np.array([f.energy for f in frames], dtype=np.float64)
    return np.linalg.lstsq(counts, energies, rcond=None)[0] * (counts.sum(axis=0) > 0)


def _prepare(frame: Frame, atom_refs: np.ndarray, cutoff: float) -> _Prepared:
    edges = find_edges(frame.positions, None, (False, False, False), cutoff)
    vectors = frame.positions[edges.senders] - frame.positions[edges.receivers]
    return _Prepared(
        numbers=frame.numbers.astype(np.int64),
        receivers=edges.receivers,
        senders=edges.senders,
        vectors=vectors.astype(np.float32),
        energy=frame.energy - float(atom_refs[frame.numbers].sum()),
        forces=frame.forces.astype(np.float32),
    )

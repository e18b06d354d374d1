"""A model file as a potential: the plain PyTorch model, forces and stress by autograd, constants kept apart in float64."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from painnless.errors import PainnlessError
from painnless.model_file import Model, ModelConfig, read_model
from painnless.reference.distiller import Distiller
from painnless.reference.graph import Graph
from painnless.reference.neighbors import Edges, find_edges
from painnless.reference.painn import Painn

Structure = tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[bool, bool, bool]]
"""numbers (n), positions (n, 3) Å, cell (3, 3) Å or None, pbc (3)"""

Property = Literal["energy", "forces", "stress", "energies"]

_EDGES_AT_ONCE = 50_000


class Result(TypedDict):
    """What the model says of one structure; None where it was not asked for. The fields of `Evaluation` in src/system/potential.ts."""

    energy: float  # eV
    net_energy: float  # eV, without offset and atom references
    forces: np.ndarray | None  # (n, 3) float64, eV/Å
    stress: np.ndarray | None  # (6) Voigt xx yy zz yz xz xy, eV/Å^3, positive is tension; None without a volume or a periodic axis
    energies: np.ndarray | None  # (n), eV, constants included; they add up to energy


def build(config: ModelConfig) -> nn.Module:
    """The architecture, its weights still without meaning. The random numbers that torch puts there are not taken from the user's."""
    with torch.random.fork_rng(devices=[]):
        return Painn(config) if config.arch == "painn-schnetpack" else Distiller(config)


def with_weights(model: Model, dtype: torch.dtype, device: str = "cpu") -> nn.Module:
    """The model with its weights, trainable: each parameter is an nn.Parameter named as in the file."""
    module = build(model.config)
    names = module.state_dict().keys()
    tensors = {name: torch.from_numpy(model.tensors[name].copy()).to(device=device, dtype=dtype) for name in names}
    module.load_state_dict(tensors, strict=True, assign=True)
    return module


def load(path: str | os.PathLike[str], dtype: Literal["float32", "float64"] = "float64", device: str = "cpu") -> Reference:
    """The reference for a model file. Raises what `read_model` raises; MISSING where the device is not there."""
    if dtype not in ("float32", "float64"):
        raise PainnlessError("USAGE", f'dtype is "{dtype}", expected "float32" or "float64"', field="dtype")
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise PainnlessError("MISSING", f'device "{device}": torch {torch.__version__} sees no CUDA device; use "cpu"', field="device")
    return Reference(read_model(path), getattr(torch, dtype), device)


class Reference:
    """Evaluates structures one after another or, small ones, several in one graph."""

    def __init__(self, model: Model, dtype: torch.dtype, device: str) -> None:
        self.config = model.config
        self.sha256 = model.sha256
        self.dtype = dtype
        self.device = device
        self.module = with_weights(model, dtype, device).requires_grad_(False)

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers it accepts."""
        return self.config.elements or tuple(range(1, self.config.max_z + 1))

    def evaluate(self, structures: Sequence[Structure], want: Collection[Property] = ("energy", "forces")) -> list[Result]:
        """One result per structure, in order. Raises PainnlessError BAD_STRUCTURE, USAGE or NOT_FINITE."""
        if unknown := set(want) - {"energy", "forces", "stress", "energies"}:
            raise PainnlessError("USAGE", f"unknown property {sorted(unknown)}, expected energy, forces, stress, energies", field="want")
        for index, structure in enumerate(structures):
            self._check(index, structure)
        prepared = [(s, find_edges(s[1], s[2], s[3], self.config.cutoff, self.config.edge_rule)) for s in structures]
        return [result for group in _groups(prepared) for result in self._evaluate_group(group, want)]

    def _evaluate_group(self, group: list[tuple[Structure, Edges]], want: Collection[Property]) -> list[Result]:
        with torch.set_grad_enabled("forces" in want or "stress" in want):
            positions, strains, structure_of_atom, graph = self._graph(group)
            per_atom = self.module(graph)
            inputs = [positions] * ("forces" in want) + [strains] * ("stress" in want)
            gradients = iter(torch.autograd.grad(per_atom.sum(), inputs) if inputs else [])
        position_gradient = next(gradients).double().cpu().numpy() if "forces" in want else None
        strain_gradient = next(gradients).double().cpu().numpy() if "stress" in want else None
        net = per_atom.detach().double().cpu().numpy()
        unit = self.config.energy_unit_in_ev
        results: list[Result] = []
        for index, ((numbers, _, cell, pbc), _) in enumerate(group):
            own = structure_of_atom == index
            constants = self._constants(numbers)
            volume = abs(float(np.dot(cell[0], np.cross(cell[1], cell[2])))) if cell is not None and any(pbc) else 0.0
            result: Result = {
                "energy": float(net[own].sum() + constants.sum()) * unit,
                "net_energy": float(net[own].sum()) * unit,
                "forces": None if position_gradient is None else -position_gradient[own] * unit,
                "stress": None if strain_gradient is None or volume == 0 else _voigt(strain_gradient[index] * (unit / volume)),
                "energies": (net[own] + constants) * unit if "energies" in want else None,
            }
            _assert_finite(result, f"structure {index} of the batch, {len(numbers)} atoms, {self.dtype}")
            results.append(result)
        return results

    def _graph(self, group: list[tuple[Structure, Edges]]) -> tuple[Tensor, Tensor, np.ndarray, Graph]:
        """Positions (N, 3) and strains (B, 3, 3) that everything depends on, the structure of each atom, and the graph.

        r -> r (I + eps)^T at eps = 0: its derivative is that of straining positions and cell together (T35).
        """
        sizes = [len(s[0]) for s, _ in group]
        firsts = np.cumsum([0, *sizes])
        structure_of_atom = np.repeat(np.arange(len(group)), sizes)
        receivers = self._indices(np.concatenate([e.receivers + first for (_, e), first in zip(group, firsts, strict=False)]))
        senders = self._indices(np.concatenate([e.senders + first for (_, e), first in zip(group, firsts, strict=False)]))
        structure_of_edge = self._indices(structure_of_atom)[receivers]
        positions = self._floats(np.concatenate([s[1] for s, _ in group])).requires_grad_()
        cells = self._floats(np.stack([np.zeros((3, 3)) if s[2] is None else s[2] for s, _ in group]))
        shifts = self._floats(np.concatenate([e.shifts for _, e in group]).astype(np.float64))
        strains = torch.zeros_like(cells, requires_grad=True)
        vectors = positions[senders] - positions[receivers] + torch.einsum("ek,ekx->ex", shifts, cells[structure_of_edge])
        vectors = vectors + torch.einsum("exy,ey->ex", strains[structure_of_edge], vectors)
        numbers = self._indices(np.concatenate([s[0] for s, _ in group]))
        return positions, strains, structure_of_atom, Graph(numbers, receivers, senders, vectors)

    def _constants(self, numbers: np.ndarray) -> np.ndarray:
        """Offset and atom references by atom (n), float64, in the unit of the weights (T33). An offset added once is spread evenly."""
        count = 1 if self.config.energy_offset_per_atom else len(numbers)
        constants = np.full(len(numbers), self.config.offset / count)
        return constants if self.config.atom_refs is None else constants + np.array(self.config.atom_refs)[numbers]

    def _floats(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64)).to(device=self.device, dtype=self.dtype)

    def _indices(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(self.device)

    def _check(self, index: int, structure: Structure) -> None:
        numbers, positions, cell, pbc = structure

        def bad(field: str, message: str) -> PainnlessError:
            return PainnlessError("BAD_STRUCTURE", f"structure {index}: {message}", field=field)

        n = len(numbers)
        if n == 0:
            raise bad("numbers", "has 0 atoms, expected at least 1")
        if np.shape(positions) != (n, 3):
            raise bad("positions", f"positions have shape {np.shape(positions)}, expected ({n}, 3)")
        if unknown := sorted({int(z) for z in numbers} - set(self.elements)):
            raise bad("numbers", f"atomic numbers {unknown} are unknown to the model; it knows {list(self.elements)}")
        if not np.all(np.isfinite(positions)):
            raise bad("positions", f"position of atom {int(np.argwhere(~np.isfinite(positions))[0, 0])} is not finite")
        if cell is not None and (np.shape(cell) != (3, 3) or not np.all(np.isfinite(cell))):
            raise bad("cell", f"cell is {np.array(cell).tolist()}, expected 3 x 3 finite numbers")
        if any(pbc):
            if not self.config.pbc_supported:
                raise bad("pbc", f"is periodic (pbc {tuple(pbc)}), but the model was made for molecules only; set pbc to false")
            if cell is None:
                raise bad("cell", "is periodic but has no cell")
            rows = cell[list(pbc)]
            lengths = np.linalg.norm(rows, axis=1)
            if not (np.all(lengths > 0) and np.linalg.det((rows / lengths[:, None]) @ (rows / lengths[:, None]).T) > 1e-8):
                raise bad("cell", f"the periodic lattice vectors {rows.tolist()} are singular, expected independent directions")


def _groups(prepared: list[tuple[Structure, Edges]]) -> Iterator[list[tuple[Structure, Edges]]]:
    """Consecutive structures that fit in one graph; a larger one stands alone."""
    group: list[tuple[Structure, Edges]] = []
    edges = 0
    for structure, own in prepared:
        if group and edges + len(own.receivers) > _EDGES_AT_ONCE:
            yield group
            group, edges = [], 0
        group.append((structure, own))
        edges += len(own.receivers)
    if group:
        yield group


def _assert_finite(result: Result, where: str) -> None:
    for name in ("energy", "forces", "stress", "energies"):
        value = result[name]
        if value is not None and not np.all(np.isfinite(value)):
            raise PainnlessError("NOT_FINITE", f"{where}: {name} is not finite", field=name)


def _voigt(stress: np.ndarray) -> np.ndarray:
    """The symmetric part (T36) as xx yy zz yz xz xy."""
    symmetric = (stress + stress.T) / 2
    return symmetric[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]

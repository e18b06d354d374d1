"""Every pair of atoms within the cutoff, over all the periodic images that can matter, in float64.

Independent of ASE and of the engine on purpose: both are tested against this. SciPy's tree proposes pairs a little beyond
the cutoff; which of them are edges is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.spatial import KDTree

from painnless.errors import PainnlessError

_ROWS_AT_ONCE = 4096  # bounds the memory of the proposals
_BEYOND = 1 + 1e-9  # the tree's own rounding loses no pair


@dataclass(frozen=True)
class Edges:
    """Directed edges, sorted by receiver, sender, shift; each has its reverse (j, i, -S) in the list."""

    receivers: np.ndarray  # (E) int64, i
    senders: np.ndarray  # (E) int64, j
    shifts: np.ndarray  # (E, 3) int64, S: the edge goes from R_i to R_j + S·cell


def find_edges(positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, bool, bool], cutoff: float, edge_rule: str = "lt") -> Edges:
    """All edges with |R_j - R_i + S·cell| < cutoff (<= where edge_rule is "le"), but i = j with S = 0.

    positions (n, 3) Å, cell (3, 3) rows are lattice vectors, Å. Raises BAD_STRUCTURE where two atoms coincide.
    """
    n = len(positions)
    found: list[np.ndarray] = []
    tree = KDTree(positions)
    for shift in product(*_shift_ranges(positions, cell, pbc, cutoff)):
        offset = np.zeros(3) if cell is None else np.array(shift, dtype=np.float64) @ cell
        for first in range(0, n, _ROWS_AT_ONCE):
            rows = positions[first : first + _ROWS_AT_ONCE]
            i, j = _near(tree, rows - offset, cutoff * _BEYOND)
            if shift == (0, 0, 0):
                i, j = i[j != first + i], j[j != first + i]
            distances = np.sqrt(((positions[j] + offset - rows[i]) ** 2).sum(axis=1))
            near = distances <= cutoff if edge_rule == "le" else distances < cutoff
            i, j, distances = i[near], j[near], distances[near]
            if np.any(distances == 0):
                k = int(np.argmin(distances))
                raise PainnlessError(
                    "BAD_STRUCTURE",
                    f"atoms {first + i[k]} and {j[k]} (image {shift}) are at the same place; expected distinct positions",
                    field="positions",
                )
            found.append(np.column_stack([first + i, j, np.broadcast_to(np.array(shift, dtype=np.int64), (len(i), 3))]))
    table = np.concatenate(found)
    table = table[np.lexsort(table.T[::-1])]
    return Edges(receivers=table[:, 0], senders=table[:, 1], shifts=table[:, 2:])


def _near(tree: KDTree, points: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (row of points, atom of the tree) at most so far apart, in order, and perhaps a few more."""
    pairs = KDTree(points).sparse_distance_matrix(tree, radius, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs["j"], pairs["i"]))]
    return pairs["i"].astype(np.int64), pairs["j"].astype(np.int64)


def _shift_ranges(positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, bool, bool], cutoff: float) -> list[range]:
    """The images that can hold a neighbour. In fractional coordinates a pair is f_j - f_i + S apart, and along axis k it is
    at least |f_j - f_i + S|_k times the spacing of the lattice planes of k; beyond the cutoff nothing is missed."""
    if cell is None or not any(pbc):
        return [range(1)] * 3
    basis = _with_orthogonal_complement(cell, pbc)
    inverse = np.linalg.inv(basis)
    fractional = positions @ inverse
    ranges = []
    for k in range(3):
        if not pbc[k]:
            ranges.append(range(1))
            continue
        spacing = 1 / np.linalg.norm(inverse[:, k])
        spread = float(np.ptp(fractional[:, k]))
        reach = int(np.ceil(cutoff / spacing + spread + 1e-9))
        ranges.append(range(-reach, reach + 1))
    return ranges


def _with_orthogonal_complement(cell: np.ndarray, pbc: tuple[bool, bool, bool]) -> np.ndarray:
    """The cell with each non-periodic row replaced by a unit vector orthogonal to the periodic ones."""
    periodic = cell[list(pbc)]
    _, _, directions = np.linalg.svd(periodic)
    basis = np.array(cell, dtype=np.float64)
    basis[[not p for p in pbc]] = directions[len(periodic) :]
    return basis

"""Atoms that coincide: what no force field can compute, and what only distances show."""

import numpy as np
from numpy.typing import NDArray

from painnless.errors import PainnlessError
from painnless.structure import Structure

__all__ = ["assert_distinct"]

Floats = NDArray[np.float64]

_COINCIDENT = 1e-6
"""Å; two atoms closer than this are one. The same in native/neighbors.h."""

_THINNEST = 0.1
"""Å; lattice planes closer than this make more images than any model has use for."""

_DIRECTION = np.sqrt([2.0, 3.0, 5.0]) / np.sqrt(10.0)


def assert_distinct(structure: Structure) -> None:
    """Raises BAD_STRUCTURE where two atoms, or an atom and a periodic image, coincide. The structure is computable otherwise."""
    points, owners = structure.positions, np.arange(len(structure.numbers))
    if structure.cell is not None and any(structure.pbc):
        points, owners = _with_images_at_faces(structure, structure.cell)
    # Sorted along a direction that no lattice has, atoms that coincide are neighbours in the list, or nearly so.
    along = points @ _DIRECTION
    order = np.argsort(along)
    for step in range(1, len(order)):
        near = np.flatnonzero(along[order[step:]] - along[order[:-step]] <= _COINCIDENT)
        if len(near) == 0:
            return
        p, q = order[near], order[near + step]
        found = np.flatnonzero(np.linalg.norm(points[p] - points[q], axis=1) < _COINCIDENT)
        if len(found):
            i, j = sorted((int(owners[p[found[0]]]), int(owners[q[found[0]]])))
            raise PainnlessError(
                "BAD_STRUCTURE",
                f'structure "{structure.name}": atoms {i} and {j} coincide (closer than {_COINCIDENT} Å), expected distinct positions',
                "positions",
            )


def _with_images_at_faces(structure: Structure, cell: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Positions wrapped into the cell, with copies of the atoms that lie at a periodic face; and whose each is."""
    basis = _complete(cell, structure.pbc)
    inverse = np.linalg.inv(basis)
    fractional = structure.positions @ inverse
    owners = np.arange(len(fractional))
    for axis in range(3):
        if not structure.pbc[axis]:
            continue
        spacing = 1 / float(np.linalg.norm(inverse[:, axis]))
        if not spacing >= _THINNEST:
            raise PainnlessError(
                "BAD_STRUCTURE",
                f'structure "{structure.name}": lattice planes of axis {axis} are {spacing} Å apart, expected at least {_THINNEST} Å',
                "cell",
            )
        fractional[:, axis] -= np.floor(fractional[:, axis])
        at_face = fractional[:, axis] <= 2 * _COINCIDENT / spacing
        images = fractional[at_face].copy()
        images[:, axis] += 1
        fractional, owners = np.concatenate([fractional, images]), np.concatenate([owners, owners[at_face]])
    return fractional @ basis, owners


def _complete(cell: Floats, pbc: tuple[bool, bool, bool]) -> Floats:
    """The cell with each row of a non-periodic axis replaced by a unit vector orthogonal to the periodic ones."""
    periodic = cell[list(pbc)]
    basis = cell.copy()
    basis[[not p for p in pbc]] = np.linalg.svd(periodic)[2][len(periodic) :]
    return basis

"""Atoms in space, and what can be computed of them: the rules of `src/system/structure.ts`."""

from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from painnless.errors import PainnlessError

__all__ = ["Domain", "Structure", "assert_computable"]

Floats = NDArray[np.float64]


class Structure(Struct, frozen=True, eq=False):  # as a dataclass it would take five times as long to make
    """numbers (n) int64; positions (n, 3) Å; cell (3, 3) rows are lattice vectors, Å, None without one; pbc: is the axis periodic."""

    name: str
    numbers: NDArray[np.int64]
    positions: Floats
    cell: Floats | None
    pbc: tuple[bool, bool, bool]


@dataclass(frozen=True)
class Domain:
    """What a side accepts; elements is None where it does not say."""

    elements: tuple[int, ...] | None
    max_atoms: int
    periodic: bool


def assert_computable(structure: Structure, domain: Domain) -> None:
    """Raises PainnlessError BAD_STRUCTURE naming the field, what was found and what was expected."""
    where, n = f'structure "{structure.name}"', len(structure.numbers)

    def bad(field: str, message: str) -> PainnlessError:
        return PainnlessError("BAD_STRUCTURE", f"{where}{message}", field)

    if n == 0:
        raise bad("numbers", " has 0 atoms, expected at least 1")
    if n > domain.max_atoms:
        raise bad("numbers", f" has {n} atoms, the limit is {domain.max_atoms}")
    if structure.positions.shape != (n, 3):
        raise bad("positions", f": positions have shape {structure.positions.shape}, expected ({n}, 3)")
    for i, z in enumerate(structure.numbers.tolist()):
        if not 1 <= z <= 118:
            raise bad("numbers", f": atom {i} has atomic number {z}, expected an integer from 1 to 118")
        if domain.elements is not None and z not in domain.elements:
            known = ", ".join(map(str, domain.elements))
            raise bad("numbers", f": atom {i} has atomic number {z}, which the model does not know; it knows {known}")
    far = np.argwhere(~(np.abs(structure.positions) <= 1e6))
    if len(far):
        i, axis = far[0]
        raise bad("positions", f": position of atom {i}, {'xyz'[axis]}, is {structure.positions[i, axis]}, expected at most 1e6 Å from 0")
    if any(structure.pbc) and not domain.periodic:
        raise bad("pbc", f" is periodic (pbc {structure.pbc}), but the model was made for molecules only; set pbc to false")
    if structure.cell is None:
        if any(structure.pbc):
            raise bad("cell", " is periodic but has no cell")
        return
    if not np.all(np.isfinite(structure.cell)):
        raise bad("cell", f": cell is {structure.cell.tolist()}, expected finite numbers of Å")
    rows = structure.cell[list(structure.pbc)]
    lengths = np.linalg.norm(rows, axis=1)
    if not (np.all(lengths > 0) and np.linalg.det((rows / lengths[:, None]) @ (rows / lengths[:, None]).T) > 1e-8):
        raise bad("cell", f": the periodic lattice vectors {rows.tolist()} are singular or zero, expected independent directions")

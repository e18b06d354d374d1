"""ASE's atoms as structures, and evaluations as its results."""

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from painnless.batch import Evaluation
from painnless.codec import LARGE_BYTES
from painnless.structure import Structure

__all__ = ["has_volume", "results_of", "same_bits", "structure_of"]


def structure_of(atoms: Atoms, name: str) -> Structure:
    pbc = atoms.pbc
    return Structure(name, atoms.numbers, atoms.positions, atoms.cell.array, (bool(pbc[0]), bool(pbc[1]), bool(pbc[2])))


def has_volume(atoms: Atoms) -> bool:
    """Whether there is a stress: a periodic axis, and a cell with a volume."""
    return bool(atoms.pbc.any()) and abs(float(np.linalg.det(atoms.cell.array))) > 0


def same_bits(old: NDArray[Any], new: NDArray[Any]) -> bool:
    """Whether they are the same in type, shape and every bit: NaN is itself, and 0 is not -0."""
    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    if old.nbytes < LARGE_BYTES:
        return old.tobytes() == new.tobytes()
    # What has moved shows in the first rows, and NumPy compares to the end whatever it finds.
    rows = LARGE_BYTES // (old.nbytes // len(old)) or 1
    return _same(old[:rows], new[:rows]) and _same(old[rows:], new[rows:])


def _same(old: NDArray[Any], new: NDArray[Any]) -> bool:
    bits = np.dtype(f"i{old.itemsize}")
    return np.array_equal(old.view(bits), new.view(bits))  # pyright: ignore[reportUnknownMemberType] (of numpy)


def results_of(evaluation: Evaluation) -> dict[str, Any]:
    """As ASE's `results`; what was not asked for is absent."""
    results: dict[str, Any] = {"energy": evaluation.energy, "free_energy": evaluation.energy}
    for name in ("forces", "stress", "energies"):
        value = getattr(evaluation, name)
        if value is not None:
            results[name] = value
    return results

"""Which of ASE's constraints hold an atom; ASE itself is the business of who has such atoms."""

from typing import Any

import numpy as np

__all__ = ["holding"]

_OF_ATOMS = {"FixAtoms", "FixCartesian", "FixScaled"}


def holding(atoms: Any) -> list[Any]:
    """Those of `atoms` (ase.Atoms) that hold any: readers of some formats (EON, Turbomole, extended XYZ) attach others."""
    return [constraint for constraint in atoms.constraints if _holds(constraint, atoms)]


def _holds(constraint: Any, atoms: Any) -> bool:
    if type(constraint).__name__ not in _OF_ATOMS:
        return True
    forces = np.ones((len(atoms), 3))
    constraint.adjust_forces(atoms, forces)
    return not np.allclose(forces, 1)

"""Models and structures on which the reference is tried."""

from typing import Any

import numpy as np
import pytest

from painnless.reference import Structure

MOLECULE = (False, False, False)
CRYSTAL = (True, True, True)

VARIANTS: dict[str, dict[str, Any]] = {
    "gaussian": {},
    "bessel": {"rbf": "bessel"},
    "shared layers": {"shared_layers": True, "n_layers": 3},
    "shared filters": {"shared_filters": True, "n_layers": 3},
    "shared both": {"shared_layers": True, "shared_filters": True},
    "odd sizes, one layer": {"n_features": 13, "n_layers": 1, "n_rbf": 5, "readout_widths": (1,), "cutoff": 4.3},
    "four layers, deep readout": {"n_features": 12, "n_layers": 4, "readout_widths": (7, 5, 1)},
    "kcal/mol, offset": {"energy_unit": "kcal/mol", "energy_unit_in_ev": 0.04336410390059322, "energy_offset": "-10786.226809289834"},
    "references, offset once": {"atom_refs": tuple(-3.25 * z for z in range(21)), "energy_offset": "7.5", "energy_offset_per_atom": False},
    "norm without epsilon": {"norm_eps": 0.0},
    "smooth norm": {"norm_eps": 1e-2},
    "student": {"arch": "painn-distiller"},
    "student, one layer": {"arch": "painn-distiller", "n_layers": 1, "n_features": 10},
    "student, equivariant": {"arch": "painn-distiller", "equivariant_mixing": True, "n_layers": 3},
}
variants = pytest.mark.parametrize("variant", VARIANTS)
opponent_variations = pytest.mark.parametrize(
    "variation",
    [
        {},
        {"rbf": "bessel"},
        {"shared_layers": True},
        {"shared_filters": True},
        {"energy_unit": "kcal/mol", "energy_unit_in_ev": 0.04336410390059322},
    ],
    ids=["plain", "bessel", "shared layers", "shared filters", "kcal/mol"],
)
"""PaiNN as those who are timed beside us must compute it."""
PERIODIC = [name for name in VARIANTS if not name.startswith("student")]


def cluster(count: int, seed: int, side: float = 3.2) -> Structure:
    """Atoms at random places in a box, none closer than 0.9 Å."""
    random = np.random.default_rng(seed)
    placed: list[np.ndarray] = []
    while len(placed) < count:
        trial = random.uniform(0, side, size=3)
        if all(np.linalg.norm(trial - p) > 0.9 for p in placed):
            placed.append(trial)
    return random.choice([1, 6, 8], size=count), np.array(placed), None, MOLECULE


def crystal(seed: int) -> Structure:
    """Five atoms in a triclinic cell smaller than the cutoff; some lie outside it."""
    numbers, positions, _, _ = cluster(5, seed)
    cell = np.array([[4.4, 0.2, 0.0], [0.7, 4.3, 0.1], [-0.4, 0.5, 4.6]])
    return numbers, positions + cell[0] - 2 * cell[2], cell, CRYSTAL


def moved(structure: Structure, positions: np.ndarray, cell: np.ndarray | None = None) -> Structure:
    return structure[0], positions, structure[2] if cell is None else cell, structure[3]

"""Does the model hold a molecule together: a short NVE run with the reference, watching the total energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.build import molecule
from ase.data import atomic_masses
from ase.units import fs, kB

from painnless.reference import Reference
from painnless.training.dataset import MOLECULES


@dataclass(frozen=True)
class Stability:
    """Total energy along the run, meV/atom, and the stretch of distances that were within 1.7 Å at the start."""

    picoseconds: float
    time_step: float  # fs
    mean_temperature: float  # K
    rms: float
    drift_per_picosecond: float
    largest_stretch: float  # Å


def run_nve(reference: Reference, name: str, steps: int = 4000, time_step: float = 0.5, temperature: float = 300.0) -> Stability:
    """Velocity Verlet from ASE's geometry with velocities drawn at twice the temperature, half of which becomes potential energy."""
    atoms = molecule(MOLECULES[name])
    numbers, positions, h = atoms.numbers, atoms.positions.copy(), time_step * fs
    masses = atomic_masses[numbers][:, None]
    velocities = np.sqrt(2 * kB * temperature / masses) * np.random.default_rng(1).normal(size=positions.shape)
    velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    start = _distances(positions)
    bonded = (start > 0) & (start < 1.7)
    energy, forces = _evaluate(reference, numbers, positions)
    totals, kinetics, stretch = [], [], 0.0
    for _ in range(steps):
        velocities = velocities + h / 2 * forces / masses
        positions = positions + h * velocities
        energy, forces = _evaluate(reference, numbers, positions)
        velocities = velocities + h / 2 * forces / masses
        kinetics.append(float((masses * velocities**2).sum() / 2))
        totals.append(energy + kinetics[-1])
        stretch = max(stretch, float((_distances(positions) - start)[bonded].max()))
    time = np.arange(1, steps + 1) * time_step * 1e-3
    per_atom = 1e3 * (np.array(totals) - totals[0]) / len(numbers)
    slope, level = np.polyfit(time, per_atom, 1)
    return Stability(
        time_step=time_step,
        picoseconds=steps * time_step * 1e-3,
        mean_temperature=2 * float(np.mean(kinetics)) / (3 * len(numbers) - 3) / kB,
        rms=float(np.std(per_atom - slope * time - level)),
        drift_per_picosecond=float(slope),
        largest_stretch=stretch,
    )


def _evaluate(reference: Reference, numbers: np.ndarray, positions: np.ndarray) -> tuple[float, np.ndarray]:
    result = reference.evaluate([(numbers, positions, None, (False, False, False))])[0]
    assert result["forces"] is not None
    return result["net_energy"], result["forces"]


def _distances(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions[:, None] - positions[None], axis=2)

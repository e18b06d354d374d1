"""Dynamics inside the engine, asked for and told in ASE's units and atoms."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_masses

from painnless.calculator.conversion import structure_of
from painnless.connection import Connection
from painnless.constraints import holding
from painnless.errors import PainnlessError
from painnless.motion import Snapshot

__all__ = ["run"]


def run(
    connection: Connection, atoms: Atoms, steps: int, every: int, replicas: int, draws: bool, options: dict[str, Any]
) -> Iterator[list[Atoms]]:
    """The replicas at each `every`-th step, the first and the last included. draws: velocities are the engine's to draw.

    options: the rest of SimulationRequest of src/dynamics/options.ts, in its units. Raises USAGE or UNSUPPORTED before anything is begun.
    """
    steps, every, replicas = map(_plain, (steps, every, replicas))
    for name, count, least in (("steps", steps, 0), ("replicas", replicas, 1)):
        if not (isinstance(count, int) and count >= least):
            raise PainnlessError("USAGE", f"{name} is {count!r}, expected a whole number, {least} or more", name)
    if not (isinstance(every, int) and every >= 1 and steps % every == 0):
        raise PainnlessError("USAGE", f"every is {every!r}, expected a divisor of steps, {steps!r}, so that the last one is seen", "every")
    if holding(atoms):
        raise PainnlessError("UNSUPPORTED", "the engine knows no constraints; remove them, or use ASE's dynamics", "constraints")
    if not np.array_equal(atoms.get_masses(), atomic_masses[atoms.numbers]):
        raise PainnlessError("UNSUPPORTED", "the engine knows ASE's standard masses; for others use ASE's dynamics", "masses")
    start = atoms.copy()
    velocities = None if draws else np.tile(start.get_velocities() * units.fs, (replicas, 1, 1))  # Å/fs
    plain = {name: _plain(value) for name, value in options.items()}
    request = {**plain, "steps": steps, "frameEvery": every, "replicas": replicas, "recordEvery": max(1, steps)}
    snapshots = connection.move(structure_of(start, "atoms"), request, velocities)
    return (_replicas(start, snapshot) for snapshot in snapshots)


def _plain(value: Any) -> Any:
    """A number as messages carry it: those of np.linspace and the like are NumPy's."""
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0 else value


def _replicas(start: Atoms, snapshot: Snapshot) -> list[Atoms]:
    frames: list[Atoms] = []
    for r, energy in enumerate(snapshot.energy.tolist()):
        frame = start.copy()
        frame.positions = snapshot.positions[r]
        frame.set_velocities(snapshot.velocities[r] / units.fs)
        frame.info.update(step=snapshot.step, time_fs=snapshot.time)
        frame.calc = SinglePointCalculator(frame, energy=energy, free_energy=energy, forces=snapshot.forces[r])
        frames.append(frame)
    return frames

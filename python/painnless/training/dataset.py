"""Ethanol and its relatives, labelled by the teacher: geometries from Langevin dynamics, thermal normal modes and Gaussian rattling.

Everything is drawn in blocks, each from its own seed; a whole block belongs to training, validation or test, so that no frame of a
test trajectory has a neighbour in time among the training data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase.build import molecule
from ase.data import atomic_masses
from ase.units import fs, kB

from painnless.training.teacher import Teacher

Source = Literal["dynamics", "modes", "rattle"]
Split = Literal["train", "validation", "test"]

MOLECULES = {
    "ethanol": "CH3CH2OH",
    "methanol": "CH3OH",
    "water": "H2O",
    "dimethyl ether": "CH3OCH3",
    "acetaldehyde": "CH3CHO",
    "methane": "CH4",
    "ethane": "C2H6",
    "ethylene": "C2H4",
    "formaldehyde": "H2CO",
    "acetic acid": "CH3COOH",
}
"""Name in the card -> name in ASE's molecule collection."""

TEMPERATURES = (300.0, 500.0, 700.0, 1000.0)  # K, of dynamics and modes
RATTLES = (0.03, 0.06, 0.1, 0.15)  # Å, standard deviation of each coordinate
LARGEST_FORCE = 25.0  # eV/Å; beyond it a geometry is dropped
TIME_STEP = 1.0  # fs; for sampling, not for conserved energy
FRICTION = 0.02  # 1/fs
STRIDE = 10  # steps between frames
EQUILIBRATION = 200  # steps before the first frame


@dataclass(frozen=True)
class Recipe:
    """What a set of frames is made from; two equal recipes give the same frames."""

    seed: int = 1
    molecules: tuple[str, ...] = tuple(MOLECULES)
    emphasis: int = 3  # the first molecule gets so many times more blocks
    dynamics: int = 20  # blocks of each source for a molecule
    modes: int = 12
    rattle: int = 8
    frames: int = 50  # of a block


@dataclass(frozen=True)
class Frame:
    """One labelled geometry."""

    molecule: str
    source: Source
    split: Split
    numbers: np.ndarray  # (n)
    positions: np.ndarray  # (n, 3) Å
    energy: float  # eV
    forces: np.ndarray  # (n, 3) eV/Å


def make_frames(recipe: Recipe, report: Callable[[str], None]) -> list[Frame]:
    """All frames, in a fixed order. Equal recipes give equal frames up to rounding of the teacher, which dynamics amplifies."""
    frames: list[Frame] = []
    sources: tuple[tuple[Source, int], ...] = (("dynamics", recipe.dynamics), ("modes", recipe.modes), ("rattle", recipe.rattle))
    for index, name in enumerate(recipe.molecules):
        sampler = _Sampler(name)
        for kind, (source, blocks) in enumerate(sources):
            for block in range(blocks * (recipe.emphasis if index == 0 else 1)):
                random = np.random.default_rng([recipe.seed, index, kind, block])
                frames += sampler.block(source, _split(block), block, recipe.frames, random)
        report(f"{name}: {len(frames)} frames so far, {sampler.dropped} dropped")
    return frames


def _split(block: int) -> Split:
    """Of eight blocks one is for test, of sixteen one for validation."""
    if block % 8 == 3:
        return "test"
    return "validation" if block % 16 == 6 else "train"


class _Sampler:
    """Draws blocks of geometries of one molecule."""

    def __init__(self, name: str) -> None:
        atoms = molecule(MOLECULES[name])
        self.name = name
        self.numbers = np.array(atoms.numbers)
        self.masses = atomic_masses[self.numbers]
        self.teacher = Teacher(self.numbers, atoms.positions)
        self.minimum = _relax(self.teacher, atoms.positions)
        self.hessian = _hessian(self.teacher, self.minimum)
        self.dropped = 0

    def block(self, source: Source, split: Split, block: int, count: int, random: np.random.Generator) -> list[Frame]:
        if source == "dynamics":  # the second term spreads the held-out blocks over all temperatures
            geometries = self._dynamics(TEMPERATURES[(block + block // 8) % len(TEMPERATURES)], count, random)
        elif source == "modes":
            geometries = (self._thermal_modes(random.choice(TEMPERATURES), random) for _ in range(count))
        else:
            geometries = (self._rattled(random.choice(RATTLES), random) for _ in range(count))
        frames = []
        for positions in geometries:
            label = self._label(positions)
            if label is None:
                self.dropped += 1
                continue
            frames.append(Frame(self.name, source, split, self.numbers, positions, *label))
        return frames

    def _label(self, positions: np.ndarray) -> tuple[float, np.ndarray] | None:
        """Energy and forces, or None where the geometry is out of bounds: forces too large or the teacher without an answer."""
        try:
            energy, forces = self.teacher.evaluate(positions)
        except RuntimeError:
            return None
        within = np.isfinite(energy) and np.all(np.abs(forces) <= LARGEST_FORCE)
        return (energy, forces) if within else None

    def _dynamics(self, temperature: float, count: int, random: np.random.Generator) -> Iterator[np.ndarray]:
        """Frames of a Langevin trajectory (BAOAB), from the minimum with thermal velocities."""
        h, masses = TIME_STEP * fs, self.masses[:, None]
        thermal = np.sqrt(kB * temperature / masses)
        keep = np.exp(-FRICTION * TIME_STEP)
        renew = np.sqrt(1 - keep**2)
        positions = self.minimum.copy()
        velocities = thermal * random.normal(size=positions.shape)
        forces = self.teacher.evaluate(positions)[1]
        for step in range(1, EQUILIBRATION + STRIDE * count + 1):
            velocities = velocities + h / 2 * forces / masses
            positions = positions + h / 2 * velocities
            velocities = keep * velocities + renew * thermal * random.normal(size=positions.shape)
            positions = positions + h / 2 * velocities
            forces = self.teacher.evaluate(positions)[1]
            velocities = velocities + h / 2 * forces / masses
            if step > EQUILIBRATION and step % STRIDE == 0:
                yield positions.copy()

    def _thermal_modes(self, temperature: float, random: np.random.Generator) -> np.ndarray:
        """The minimum displaced along its vibrations, each with classical energy kB T; soft modes as if they had 200 cm^-1."""
        root = np.sqrt(np.repeat(self.masses, 3))
        curvatures, modes = np.linalg.eigh(self.hessian / np.outer(root, root))
        stiff = np.maximum(curvatures, (2 * np.pi * 2.99792458e-5 * 200 / fs) ** 2)
        amplitudes = np.sqrt(kB * temperature / stiff) * random.normal(size=len(stiff))
        amplitudes[:6] = 0.0  # translations and rotations; no molecule here is linear
        return self.minimum + ((modes @ amplitudes) / root).reshape(-1, 3)

    def _rattled(self, sigma: float, random: np.random.Generator) -> np.ndarray:
        return self.minimum + random.normal(scale=sigma, size=self.minimum.shape)


def _relax(teacher: Teacher, positions: np.ndarray) -> np.ndarray:
    """A minimum of the teacher, by steepest descent with a step that adapts; forces below 5 meV/Å."""
    step = 0.02
    energy, forces = teacher.evaluate(positions)
    for _ in range(2000):
        if np.abs(forces).max() < 5e-3:
            return positions
        trial = positions + step * forces
        trial_energy, trial_forces = teacher.evaluate(trial)
        if trial_energy < energy:
            positions, energy, forces, step = trial, trial_energy, trial_forces, step * 1.2
        else:
            step /= 2
    raise RuntimeError(f"relaxation stopped with a force of {np.abs(forces).max()} eV/Å, expected less than 5e-3")


def _hessian(teacher: Teacher, positions: np.ndarray, step: float = 5e-3) -> np.ndarray:
    """Second derivatives (3n, 3n), eV/Å^2, by central differences of the forces."""
    rows = []
    for k in range(positions.size):
        shift = np.zeros(positions.size)
        shift[k] = step
        shift = shift.reshape(positions.shape)
        rows.append(-(teacher.evaluate(positions + shift)[1] - teacher.evaluate(positions - shift)[1]).ravel() / (2 * step))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2

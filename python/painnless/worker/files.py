"""Structures in files of any format that ASE knows."""

import os
from collections.abc import Sequence
from typing import Any

import ase.data
import ase.io
import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_masses
from ase.io.formats import UnknownFileTypeError
from ase.io.trajectory import TrajectoryWriter
from ase.utils import string2index

from painnless.batch import Evaluation
from painnless.constraints import holding
from painnless.errors import PainnlessError
from painnless.structure import Structure

# u; formats that write masses round them. What is nearer (lithium 7) is taken for the element's own.
ROUNDED_MASS = 0.1

__all__ = ["convert_trajectory", "read_structures", "write_structures"]


def read_structures(source: str, *, moved: bool = False) -> list[Structure]:
    """FILE (all frames), FILE@INDEX or FILE@FROM:TO:STEP (some), name:NAME (a molecule of ASE's collection, or an element's atom).

    moved: the atoms will be moved, by an integrator that knows no constraints and no masses but the elements'.
    Raises NOT_FOUND, USAGE for a bad index, BAD_STRUCTURE for a file that ASE cannot read or that holds no structure, UNSUPPORTED for a
    structure that says it moves otherwise.
    """
    if source.startswith("name:"):
        return [_structure(_named(source.removeprefix("name:")), source.removeprefix("name:"))]
    path, index = source, ":"
    if not os.path.exists(path) and "@" in path:
        path, _, index = source.rpartition("@")
    try:
        selected = string2index(index)
    except ValueError as exc:
        raise PainnlessError("USAGE", f'{source}: "{index}" is not an index; expected INDEX or FROM:TO or FROM:TO:STEP') from exc
    if not os.path.isfile(path):
        raise PainnlessError(
            "NOT_FOUND", f'no structure file {path}; name:NAME takes a molecule from ASE\'s collection, e.g. "name:CH3CH2OH"'
        )
    frames = _read(path)
    every = range(len(frames))
    try:
        chosen = every[selected] if isinstance(selected, slice) else [every[int(selected)]]
    except (IndexError, ValueError) as exc:
        raise PainnlessError("USAGE", f'{source}: index "{index}", the file has structures 0 to {len(frames) - 1}') from exc
    if not chosen:
        raise PainnlessError("BAD_STRUCTURE", f"{source}: no structure in it, expected at least one of {len(frames)}")
    base = os.path.basename(path)
    if moved:
        for k in chosen:
            _assert_free(frames[k], source)
    return [_structure(frames[k], base if len(frames) == 1 else f"{base}@{k}") for k in chosen]


def _assert_free(atoms: Atoms, source: str) -> None:
    other = "remove them, or use ASE's dynamics with PainnlessCalculator"
    if constraints := holding(atoms):
        kinds = ", ".join(sorted({type(constraint).__name__ for constraint in constraints}))
        raise PainnlessError(
            "UNSUPPORTED", f"{source} has constraints ({kinds}), expected none: md moves every atom; {other}", "constraints"
        )
    standard = atomic_masses[atoms.numbers]
    off = np.flatnonzero(np.abs(atoms.get_masses() - standard) > ROUNDED_MASS)
    if len(off):
        i = off[0]
        found = f"the mass of atom {i} ({atoms.symbols[i]}) is {atoms.get_masses()[i]:g} u, expected {standard[i]:g} u"
        raise PainnlessError("UNSUPPORTED", f"{source} has masses of its own, {found}: md knows those of the elements; {other}", "masses")


def write_structures(path: str, structures: Sequence[Structure], evaluations: Sequence[Evaluation] | None) -> None:
    """The structures, and what was computed for them, in the format that the file's name says. Raises USAGE, UNSUPPORTED."""
    frames = [Atoms(numbers=s.numbers, positions=s.positions, cell=s.cell, pbc=s.pbc) for s in structures]
    for atoms, evaluation in zip(frames, evaluations or (), strict=evaluations is not None):
        results: dict[str, Any] = {"energy": evaluation.energy, "forces": evaluation.forces}
        results |= {"stress": evaluation.stress, "energies": evaluation.energies}
        atoms.calc = SinglePointCalculator(atoms, **{name: value for name, value in results.items() if value is not None})
    try:
        ase.io.write(path, frames)
    except UnknownFileTypeError as exc:
        raise PainnlessError("USAGE", f"{path}: ASE knows no format by that name ({exc}); use e.g. .xyz", "path") from exc
    except Exception as exc:
        raise PainnlessError(
            "UNSUPPORTED", f"{path}: ASE cannot write {len(frames)} structures there: {type(exc).__name__}: {exc}", "path"
        ) from exc


def convert_trajectory(source: str, target: str) -> None:
    """Every frame of an extended XYZ file as an ASE trajectory, one at a time; the target appears whole or not at all.

    Raises NOT_FOUND, BAD_STRUCTURE, WRITE_FAILED.
    """
    if not os.path.isfile(source):
        raise PainnlessError("NOT_FOUND", f"no file {source}, whose frames were to go to {target}")
    temporary = f"{target}.tmp"
    try:
        with TrajectoryWriter(temporary) as writer:
            for atoms in ase.io.iread(source, index=":", format="extxyz", do_not_split_by_at_sign=True):
                writer.write(atoms)
        os.replace(temporary, target)
    except OSError as exc:
        _remove(temporary)
        raise PainnlessError("WRITE_FAILED", f'cannot write "{target}": {exc}') from exc
    except ValueError as exc:  # XYZError among them
        _remove(temporary)
        raise PainnlessError("BAD_STRUCTURE", f"{source}: ASE cannot read it: {exc}") from exc


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)


def _read(path: str) -> list[Atoms]:
    try:
        frames = ase.io.read(path, index=":", do_not_split_by_at_sign=True)
    except Exception as exc:  # each of ASE's ~80 readers fails in its own way
        raise PainnlessError("BAD_STRUCTURE", f"{path}: ASE cannot read it: {type(exc).__name__}: {exc}") from exc
    return list(frames) if isinstance(frames, list) else [frames]


def _named(name: str) -> Atoms:
    if name in ase.data.chemical_symbols[1:]:
        return Atoms(name)
    try:
        return molecule(name)
    except KeyError as exc:
        raise PainnlessError("NOT_FOUND", f'"{name}" is neither a molecule of ASE\'s collection nor an element; try name:CH3CH2OH') from exc


def _structure(atoms: Atoms, name: str) -> Structure:
    has_cell = bool(np.any(atoms.cell.array))
    return Structure(
        name=name,
        numbers=np.array(atoms.numbers, dtype=np.int64),
        positions=np.array(atoms.positions, dtype=np.float64),
        cell=np.array(atoms.cell.array) if has_cell else None,
        pbc=(bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2])),
    )

"""Any ASE calculator behind the wire."""

import importlib
import json
import sys
from collections.abc import Collection, Sequence
from typing import Any

import ase
import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from numpy.typing import NDArray

from painnless.batch import Evaluation
from painnless.errors import PainnlessError
from painnless.structure import Domain, Structure
from painnless.wire import Property

__all__ = ["AseSide", "make_calculator"]

_MAX_ATOMS = 100_000


class AseSide:
    """The calculator that MODULE:FACTORY[?JSON] names: FACTORY of MODULE, called with the keyword arguments in JSON."""

    def __init__(self, spec: str) -> None:
        self._calculator = make_calculator(spec)
        implemented = getattr(self._calculator, "implemented_properties", ())
        self.name = f"ase:{spec}"
        self.provides: Collection[Property] = tuple(p for p in ("energy", "forces", "stress", "energies") if p in implemented)
        if "energy" not in self.provides:
            raise PainnlessError("UNSUPPORTED", f"calculator {spec} implements {list(implemented)}, expected energy among them")
        self.domain = Domain(elements=None, max_atoms=_MAX_ATOMS, periodic=True)
        self.model = None
        self.cutoff = None
        self.versions = {"python": sys.version.split()[0], "ase": ase.__version__}

    def evaluate(self, structures: Sequence[Structure], want: Collection[Property]) -> list[Evaluation]:
        return [self._evaluate(structure, want) for structure in structures]

    def _evaluate(self, structure: Structure, want: Collection[Property]) -> Evaluation:
        atoms = Atoms(numbers=structure.numbers, positions=structure.positions, cell=structure.cell, pbc=structure.pbc)
        has_volume = any(structure.pbc) and atoms.cell.rank == 3
        asked = [p for p in want if p != "stress" or has_volume]
        # A calculator compares atoms with those of its last call and may keep results; what it kept of another request is not ours.
        self._calculator.reset()
        try:
            energy = float(self._calculator.get_property("energy", atoms))
            found = {p: _copy(self._calculator.get_property(p, atoms)) for p in asked if p != "energy"}
        except PropertyNotImplementedError as exc:
            raise PainnlessError("UNSUPPORTED", f"{self.name}: {exc}") from exc
        _expect_shape("forces", found, structure.positions.shape)
        _expect_shape("stress", found, (6,))
        _expect_shape("energies", found, structure.numbers.shape)
        return Evaluation(energy, energy, found.get("forces"), found.get("stress"), found.get("energies"))


def make_calculator(spec: str) -> Any:
    """Raises USAGE for a malformed spec, MISSING for a module that cannot be imported, NOT_FOUND for an unknown factory."""
    target, _, arguments = spec.partition("?")
    module_name, _, factory_name = target.partition(":")
    if not module_name or not factory_name:
        raise PainnlessError("USAGE", f'calculator "{spec}", expected MODULE:FACTORY[?JSON], e.g. ase.calculators.lj:LennardJones', "side")
    try:
        keywords = json.loads(arguments) if arguments else {}
    except ValueError as exc:
        raise PainnlessError("USAGE", f"calculator {target}: its arguments {arguments!r} are not JSON: {exc}", "side") from exc
    if not isinstance(keywords, dict):
        raise PainnlessError("USAGE", f"calculator {target}: its arguments are {arguments}, expected a JSON object", "side")
    try:
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise PainnlessError("MISSING", f"calculator {target}: cannot import {module_name}: {exc}", "side") from exc
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise PainnlessError("NOT_FOUND", f"calculator {target}: {module_name} has no {factory_name} to call", "side")
    return factory(**keywords)


def _copy(values: Any) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _expect_shape(name: str, found: dict[str, NDArray[np.float64]], expected: tuple[int, ...]) -> None:
    if name in found and found[name].shape != expected:
        raise PainnlessError("WORKER_FAILED", f"the calculator's {name} have shape {found[name].shape}, expected {expected}", name)

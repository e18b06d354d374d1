"""A calculator for tests: the structure says how long it takes and how it ends."""

import time

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Sleepy(Calculator):
    """Sleeps as many seconds as the first x coordinate says; E = sum of x^2, so that every structure has an energy of its own.

    Element 100 raises, 101 gives NaN, 102 gives forces of a wrong shape.
    """

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        positions, first = atoms.positions, atoms.numbers[0]
        time.sleep(max(0.0, positions[0, 0]))
        if first == 100:
            raise ValueError("this calculator does not do fermium")
        energy = np.nan if first == 101 else float((positions**2).sum())
        forces = np.zeros((1, 2)) if first == 102 else -2 * positions
        self.results = {"energy": energy, "forces": forces}

"""The teacher: GFN2-xTB by tblite, called in-process. Needs tblite: pip install "painnless[teacher]"."""

from __future__ import annotations

import numpy as np
from ase.units import Bohr, Hartree

try:
    from tblite.interface import Calculator
except ImportError as exc:
    raise ImportError('painnless.training.teacher needs tblite: pip install "painnless[teacher]"') from exc

METHOD = "GFN2-xTB"


class Teacher:
    """Energies (eV, total) and forces (n, 3) eV/Å of one molecule's geometries: neutral, closed shell, no cell."""

    def __init__(self, numbers: np.ndarray, positions: np.ndarray) -> None:
        self._calculator = Calculator(METHOD, numbers, positions / Bohr)
        self._calculator.set("verbosity", 0)

    def evaluate(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Raises RuntimeError where the self-consistent field does not converge."""
        self._calculator.update(positions / Bohr)
        result = self._calculator.singlepoint()
        return float(result.get("energy")) * Hartree, -np.asarray(result.get("gradient")) * (Hartree / Bohr)

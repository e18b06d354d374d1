"""Structures and models that tests of the calculator share."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from painnless import PainnlessError
from painnless.errors import ErrorCode

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
MODEL = ROOT / "models/ethanol.safetensors"
ELEMENTS_OF_MODEL = "1, 6, 8"
SCHNETPACK: dict[str, Any] = json.loads((GOLDEN / "schnetpack/expected.json").read_text())


def ethanol(seed: int = 0) -> Atoms:
    atoms = molecule("CH3CH2OH")
    atoms.positions += np.random.default_rng(seed).normal(scale=0.05, size=(9, 3))
    return atoms


def crystal(pbc: tuple[bool, bool, bool] = (True, True, True)) -> Atoms:
    """Methane in a triclinic cell smaller than twice the cutoff."""
    atoms = molecule("CH4")
    atoms.positions += np.random.default_rng(1).normal(scale=0.03, size=(5, 3))
    atoms.set_cell([[4.4, 0.2, 0.1], [0.5, 4.2, -0.3], [-0.2, 0.4, 4.6]])
    atoms.pbc = pbc
    return atoms


def golden_atoms(name: str) -> Atoms:
    """A structure of the golden file that holds what SchNetPack computed."""
    structure = SCHNETPACK["structures"][name]
    cell = structure["cell"] if any(structure["pbc"]) else None
    return Atoms(numbers=structure["numbers"], positions=structure["positions"], cell=cell, pbc=structure["pbc"])


@contextmanager
def refusal(code: ErrorCode, field: str | None, *said: str) -> Iterator[None]:
    """The error that is expected, by code, field and words of its message."""
    with pytest.raises(PainnlessError) as caught:
        yield
    error = caught.value
    assert (error.code, error.field, [word for word in said if word not in str(error)]) == (code, field, []), error

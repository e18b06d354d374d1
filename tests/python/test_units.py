"""Numbers of the TypeScript side that are ASE's."""

import re
from pathlib import Path

import ase.units
import pytest
from ase.data import atomic_masses

SYSTEM = Path(__file__).resolve().parents[2] / "src" / "system"


def test_masses() -> None:
    ours = [float(x) for x in re.findall(r"\d+\.\d+", (SYSTEM / "masses.ts").read_text(encoding="utf-8"))]
    assert ours == [float(x) for x in atomic_masses[1:119]]


@pytest.mark.parametrize(("name", "value"), [("fsInAseTime", ase.units.fs), ("boltzmannInEv", ase.units.kB)])
def test_constants(name: str, value: float) -> None:
    found = re.search(rf"export const {name} = ([-\d.e]+);", (SYSTEM / "units.ts").read_text(encoding="utf-8"))
    assert found is not None
    assert float(found[1]) == value

"""Runs inside the engine, against ASE's own integrator step by step."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.constraints import FixAtoms
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet
from calculations import MODEL, crystal, ethanol, refusal

from painnless import PainnlessCalculator, PainnlessError

STEP = 0.5 * units.fs


@pytest.fixture(scope="module")
def calc() -> Iterator[PainnlessCalculator]:
    with PainnlessCalculator(MODEL) as calculator:
        yield calculator


def moving(atoms: Atoms, seed: int = 1) -> Atoms:
    thermalize_momenta(atoms, temperature_K=200, rng=np.random.default_rng(seed))
    return atoms


@pytest.mark.parametrize("make", [ethanol, crystal], ids=["molecule", "crystal"])
def test_run_nve_goes_where_ase_goes(calc: PainnlessCalculator, make: type[Atoms]) -> None:
    atoms = moving(make())
    before = atoms.copy()
    frames = list(calc.run_nve(atoms, 60, STEP, every=20))
    assert [frame.info["step"] for frame in frames] == [0, 20, 40, 60]
    assert [frame.info["time_fs"] for frame in frames] == pytest.approx([0, 10, 20, 30])
    assert atoms == before and np.array_equal(atoms.get_momenta(), before.get_momenta())
    atoms.calc = calc
    for frame in frames:
        assert frame.positions == pytest.approx(atoms.positions, abs=1e-9)
        assert frame.get_momenta() == pytest.approx(atoms.get_momenta(), abs=1e-9)
        assert frame.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert frame.get_forces() == pytest.approx(atoms.get_forces(), abs=1e-7)
        VelocityVerlet(atoms, STEP).run(20)


def test_atoms_without_momenta_begin_at_rest(calc: PainnlessCalculator) -> None:
    first, *_, last = calc.run_nve(ethanol(), 10, STEP)
    assert first.get_kinetic_energy() == 0 < last.get_kinetic_energy()


def test_other_calls_are_answered_while_a_run_goes_on_and_who_leaves_ends_it(calc: PainnlessCalculator) -> None:
    forces = calc.get_forces(ethanol(7))
    run = calc.run_nve(moving(ethanol()), 1_000_000, STEP, every=10)
    for frame in itertools.islice(run, 5):
        calc.reset()
        assert np.array_equal(calc.get_forces(ethanol(7)), forces)
        assert frame.positions.shape == (9, 3)
    run.close()  # type: ignore[attr-defined]  (it is a generator)
    calc.reset()
    assert np.array_equal(calc.get_forces(ethanol(7)), forces)


def test_replicas_are_what_they_would_be_alone(calc: PainnlessCalculator) -> None:
    def last(seed: int, replicas: int) -> list[Atoms]:
        run = calc.dynamics(ethanol(), 40, STEP, ensemble="langevin", temperature_K=300, seed=seed, replicas=replicas, every=20)
        return list(run)[-1]

    together = last(seed=5, replicas=3)
    assert [np.array_equal(frame.positions, last(5 + r, 1)[0].positions) for r, frame in enumerate(together)] == [True] * 3
    assert not np.array_equal(together[0].positions, together[1].positions)
    assert all(50 < frame.get_temperature() < 900 for frame in together)


@pytest.mark.parametrize("real", [np.float64, np.array])
def test_numbers_may_be_those_of_numpy(calc: PainnlessCalculator, real: Any) -> None:
    def ends(real: Any, whole: Any) -> list[np.ndarray]:
        options = {
            "temperature_K": real(300.0),
            "friction": real(0.1),
            "relaxation": real(10.0),
            "seed": whole(1),
            "equilibration": whole(2),
        }
        replicas, every = whole(2), whole(2)
        *_, last = calc.dynamics(ethanol(), whole(4), real(STEP), ensemble="langevin", replicas=replicas, every=every, **options)
        *_, frame = calc.run_nve(ethanol(), whole(4), real(STEP), every=every)
        return [atoms.positions for atoms in (*last, frame)]

    assert np.array_equal(ends(real, np.int64), ends(float, int))


def test_a_run_that_cannot_go_on_says_so(calc: PainnlessCalculator) -> None:
    atoms = ethanol()
    atoms.set_velocities(np.full((9, 3), 50.0) * np.arange(9)[:, None])
    with pytest.raises(PainnlessError) as caught:
        list(calc.run_nve(atoms, 100, STEP))
    assert caught.value.code == "UNSTABLE" and "step" in str(caught.value)


def fixed() -> Atoms:
    atoms = ethanol()
    atoms.set_constraint(FixAtoms([0]))
    return atoms


def deuterated() -> Atoms:
    atoms = ethanol()
    atoms.arrays["masses"] = np.where(atoms.numbers == 1, 2.014, atoms.get_masses())
    return atoms


def test_refused_runs(calc: PainnlessCalculator) -> None:
    for atoms, field in ((fixed(), "constraints"), (deuterated(), "masses")):
        with pytest.raises(PainnlessError) as caught:
            calc.run_nve(atoms, 10, STEP)
        assert (caught.value.code, caught.value.field) == ("UNSUPPORTED", field)
    for every in (0, 3, 1.5):
        with pytest.raises(PainnlessError, match="divisor"):
            calc.run_nve(ethanol(), 10, STEP, every=every)  # type: ignore[arg-type]
    refused: list[dict[str, Any]] = [{"steps": 10.0}, {"steps": -5}, {"replicas": -1}, {"replicas": 1.5}]
    for options in refused:
        with refusal("USAGE", next(iter(options)), "whole number"):
            calc.dynamics(ethanol(), **{"steps": 10, "timestep": STEP, "every": 5, **options})
    with pytest.raises(PainnlessError, match="temperature_K"):
        calc.dynamics(ethanol(), 10, STEP, ensemble="langevin")
    with pytest.raises(PainnlessError) as caught:
        list(calc.run_nve(ethanol(), 10, -1.0))
    assert (caught.value.code, caught.value.field) == ("USAGE", "timestep")

"""ASE's own tools with the calculator: what users of ASE do with one."""

# ase's own hints do not know that its tools take filters and bands, or None for a log file.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportIndexIssue=false, reportOperatorIssue=false

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.lj import LennardJones
from ase.calculators.mixing import SumCalculator
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.io import Trajectory
from ase.md.langevin import Langevin
from ase.md.melchionna import MelchionnaNPT
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS, FIRE, LBFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from calculations import MODEL, crystal, ethanol

from painnless import PainnlessCalculator


@pytest.fixture(scope="module")
def calc() -> Iterator[PainnlessCalculator]:
    with PainnlessCalculator(MODEL) as calculator:
        yield calculator


@pytest.fixture
def atoms(calc: PainnlessCalculator) -> Atoms:
    made = ethanol()
    made.calc = calc
    return made


@pytest.fixture(scope="module")
def ice(calc: PainnlessCalculator) -> Atoms:
    """Water in a periodic cell, atoms and cell relaxed. Made by the tools under test: each test looks at what it gave."""
    made = molecule("H2O", cell=[5.5, 5.6, 5.4], pbc=True, calculator=calc)
    made.rattle(0.02, seed=1)
    assert BFGS(FrechetCellFilter(made), logfile=None).run(fmax=2e-3, steps=100)
    return made


def test_optimizers_find_the_same_minimum(calc: PainnlessCalculator) -> None:
    energies: list[float] = []
    for optimizer in (BFGS, LBFGS, FIRE):
        made = ethanol()
        made.calc = calc
        assert optimizer(made, logfile=None).run(fmax=1e-3, steps=300)
        assert np.linalg.norm(made.get_forces(), axis=1).max() < 1e-3
        energies.append(made.get_potential_energy())
    assert max(energies) - min(energies) < 1e-4
    assert calc.get_potential_energy(ethanol()) - max(energies) > 0.1


def test_velocity_verlet_conserves_energy(atoms: Atoms) -> None:
    thermalize_momenta(atoms, temperature_K=100, rng=np.random.default_rng(3))
    dynamics = VelocityVerlet(atoms, 0.25 * units.fs)
    total: list[float] = []
    dynamics.attach(lambda: total.append(atoms.get_total_energy()))
    dynamics.run(200)
    assert np.std(total) < 1e-3 < np.ptp([atoms.get_kinetic_energy(), 0])


def test_langevin_and_npt_run(atoms: Atoms, calc: PainnlessCalculator) -> None:
    Langevin(atoms, 0.5 * units.fs, temperature_K=300, friction=0.01 / units.fs, fixcm=False, rng=np.random.default_rng(1)).run(20)
    assert 0 < atoms.get_temperature() < 3000
    box = crystal()
    box.set_cell(np.triu(box.cell.array), scale_atoms=False)
    box.calc = calc
    thermalize_momenta(box, temperature_K=100, rng=np.random.default_rng(1))
    Stationary(box)
    before = box.get_volume()
    MelchionnaNPT(box, 0.5 * units.fs, temperature_K=100, externalstress=0.0, ttime=25 * units.fs, pfactor=100.0).run(20)
    assert box.get_volume() != before and np.isfinite(box.get_total_energy())


def test_a_cell_relaxes(ice: Atoms) -> None:
    assert np.abs(ice.get_stress()).max() < 1e-3 and np.abs(ice.get_forces()).max() < 2e-3
    assert ice.get_volume() != pytest.approx(5.5 * 5.6 * 5.4, rel=1e-3)


def test_equation_of_state_finds_the_relaxed_volume(ice: Atoms, calc: PainnlessCalculator) -> None:
    images = [ice.copy() for _ in range(7)]
    for image, scale in zip(images, np.linspace(0.97, 1.03, 7), strict=True):
        image.set_cell(ice.cell * scale, scale_atoms=True)
    energies = [result["energy"] for result in calc.compute_many(images, ["energy"])]
    volume, _, stiffness = EquationOfState([image.get_volume() for image in images], energies).fit()
    assert volume == pytest.approx(ice.get_volume(), rel=2e-3)
    assert stiffness > 0


def test_vibrations_of_a_minimum(calc: PainnlessCalculator, tmp_path: Path) -> None:
    water = molecule("H2O")
    water.calc = calc
    BFGS(water, logfile=None).run(fmax=1e-4)
    vibrations = Vibrations(water, name=str(tmp_path / "vib"))
    vibrations.run()
    frequencies = vibrations.get_frequencies()
    assert np.abs(frequencies[:6]).max() < 60  # cm^-1: displacements of 0.01 Å are not infinitesimal
    assert frequencies[6:].real == pytest.approx([1580, 3640, 3650], rel=0.1)


def test_phonons_have_three_acoustic_branches(ice: Atoms, calc: PainnlessCalculator, tmp_path: Path) -> None:
    phonons = Phonons(ice.copy(), calc, supercell=(2, 1, 1), delta=0.01, name=str(tmp_path / "phonon"))
    phonons.run()
    phonons.read(acoustic=True)
    at_gamma = np.asarray(phonons.band_structure([[0, 0, 0]], verbose=False))[0]
    assert np.abs(at_gamma[:3]).max() < 2e-3  # eV
    assert at_gamma[6:] == pytest.approx([0.19, 0.45, 0.45], rel=0.05)  # bend and stretches of water


def test_neb_with_a_calculator_for_each_image() -> None:
    """The hydroxyl of ethanol turns; all images share one process."""
    start = molecule("CH3CH2OH")
    end = start.copy()
    dihedral = start.get_dihedral(0, 1, 2, 3)
    end.set_dihedral(0, 1, 2, 3, -dihedral if abs(dihedral) < 170 else 60, indices=[3])
    images = [start, *(start.copy() for _ in range(3)), end]
    for image in images:
        image.calc = PainnlessCalculator(MODEL)
    servers = {image.calc._connection.server_pid for image in images if image.calc is not None}
    assert len(servers) == 1
    for image in (start, end):
        BFGS(image, logfile=None).run(fmax=0.02, steps=100)
    band = NEB(images, climb=False, method="improvedtangent")
    band.interpolate("idpp")
    forces = band.get_forces()
    assert np.isfinite(forces).all()
    assert BFGS(band, logfile=None).run(fmax=0.2, steps=100)
    for image in images:
        image.calc = None


def test_sum_with_another_calculator(calc: PainnlessCalculator) -> None:
    other = LennardJones(sigma=2.0, epsilon=0.01)
    made = crystal()
    parts = [(c.get_potential_energy(made), c.get_forces(made), c.get_stress(made)) for c in (calc, other)]
    made.calc = SumCalculator([calc, other])
    assert made.get_potential_energy() == pytest.approx(parts[0][0] + parts[1][0], rel=1e-14)
    assert made.get_forces() == pytest.approx(parts[0][1] + parts[1][1], abs=1e-12)
    assert made.get_stress() == pytest.approx(parts[0][2] + parts[1][2], abs=1e-12)


def test_a_trajectory_keeps_results(atoms: Atoms, tmp_path: Path) -> None:
    forces = atoms.get_forces()
    with Trajectory(tmp_path / "x.traj", "w", atoms) as trajectory:
        trajectory.write()
    with Trajectory(tmp_path / "x.traj") as trajectory:
        assert np.array_equal(trajectory[0].get_forces(), forces)


def test_one_atom_and_many(ice: Atoms, calc: PainnlessCalculator) -> None:
    one = Atoms("C", calculator=calc)
    assert np.isfinite(one.get_potential_energy()) and np.array_equal(one.get_forces(), np.zeros((1, 3)))
    many = ice * (7, 7, 7)
    many.calc = calc
    assert many.get_potential_energy() == pytest.approx(343 * ice.get_potential_energy(), rel=1e-12)
    assert many.get_forces() == pytest.approx(np.tile(ice.get_forces(), (343, 1)), abs=1e-9)
    assert many.get_stress() == pytest.approx(ice.get_stress(), abs=1e-11)

"""The ASE calculator against the package's own values and ASE's contract: properties, units, cache, refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError, all_changes
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.stress import voigt_6_to_full_3x3_stress
from calculations import GOLDEN, MODEL, SCHNETPACK, crystal, ethanol, golden_atoms, refusal

from painnless import PainnlessCalculator
from painnless.units import energy_units_in_ev

KCAL = energy_units_in_ev["kcal/mol"]


@pytest.fixture(scope="module")
def calc() -> Iterator[PainnlessCalculator]:
    with PainnlessCalculator(MODEL) as calculator:
        yield calculator


# Values


@pytest.mark.parametrize("name", ["stress", "bessel", "atomrefs"])
def test_a_checkpoint_gives_what_its_package_gave(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with PainnlessCalculator(GOLDEN / f"schnetpack/{name}.model", energy_unit="kcal/mol") as calculator:
        for key, expected in SCHNETPACK["models"][name]["results"].items():
            atoms = golden_atoms(key)
            atoms.calc = calculator
            assert atoms.get_potential_energy() == pytest.approx(expected["energy"] * KCAL, rel=1e-14, abs=1e-12)
            assert atoms.get_forces() == pytest.approx(np.array(expected["forces"]) * KCAL, abs=1e-12)
            if expected["stress"] is not None:
                assert atoms.get_stress(voigt=False) == pytest.approx(np.array(expected["stress"]) * KCAL, abs=1e-13)
    assert len(list((tmp_path / "painnless").glob("*.safetensors"))) == 1


@pytest.mark.parametrize("make", [ethanol, crystal, lambda: crystal(pbc=(True, False, True))], ids=["molecule", "crystal", "mixed pbc"])
def test_forces_and_stress_are_derivatives_of_the_energy(calc: PainnlessCalculator, make: Any) -> None:
    atoms = make()
    atoms.calc = calc
    assert atoms.get_forces() == pytest.approx(calculate_numerical_forces(atoms, eps=1e-4), abs=2e-6)
    if atoms.pbc.all():
        assert atoms.get_stress() == pytest.approx(calculate_numerical_stress(atoms, eps=1e-5), abs=1e-7)
        assert atoms.get_stress(voigt=False) == pytest.approx(voigt_6_to_full_3x3_stress(atoms.get_stress()))
    assert atoms.get_forces().sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)


def test_energies_add_up_to_the_energy(calc: PainnlessCalculator) -> None:
    atoms = ethanol()
    atoms.calc = calc
    energies = atoms.get_potential_energies()
    assert energies.shape == (9,)
    assert energies.sum() == pytest.approx(atoms.get_potential_energy(), rel=1e-14)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()


def test_precisions_differ_by_rounding(calc: PainnlessCalculator) -> None:
    with PainnlessCalculator(MODEL, precision="f32", threads=1, device="cpu") as single:
        assert (single.side, calc.side) == ("native:cpu:f32", "native:cpu:f64")
        atoms = ethanol()
        difference = single.get_forces(atoms) - calc.get_forces(atoms)
        assert 0 < np.abs(difference).max() < 1e-5


# What is computed, and when


class Counting(PainnlessCalculator):
    """Notes the properties that each evaluation asked for."""

    asked: list[set[str]]

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        self.asked = []

    def _wanted(self, atoms: Atoms, properties: Any) -> Any:
        want = super()._wanted(atoms, properties)
        self.asked.append(set(want))
        return want


@pytest.fixture
def counting() -> Iterator[Counting]:
    calculator = Counting(MODEL)
    yield calculator
    calculator.close()


def test_energy_alone_needs_no_forces_and_nothing_is_computed_twice(counting: Counting) -> None:
    atoms = ethanol()
    atoms.calc = counting
    energy = atoms.get_potential_energy()
    assert set(counting.results) == {"energy", "free_energy"}
    atoms.get_forces()
    assert atoms.get_potential_energy() == energy  # bit for bit, though computed with forces now
    atoms.get_forces()
    atoms.get_potential_energies()
    assert counting.asked == [{"energy"}, {"forces"}, {"energies"}]
    assert set(counting.results) == {"energy", "free_energy", "forces", "energies"}
    assert not counting.calculation_required(atoms, ["energy", "forces", "energies"])


def test_who_uses_stress_pays_once(counting: Counting) -> None:
    atoms = crystal()
    atoms.calc = counting
    for k in range(3):
        atoms.positions[0, 0] += 0.01
        atoms.get_forces()
        atoms.get_stress()
        assert len(counting.asked) == 2 + k  # once forces first, then stress; both together ever after


@pytest.mark.parametrize("changes", [*all_changes, "info", "array", "constraint"])
def test_the_cache_knows_what_matters(counting: Counting, changes: str) -> None:
    atoms = crystal()
    atoms.calc = counting
    atoms.get_potential_energy()
    change: dict[str, Any] = {
        "positions": lambda: atoms.positions.__setitem__((0, 0), np.nextafter(atoms.positions[0, 0], 9)),
        "numbers": lambda: atoms.numbers.__setitem__(0, 8),
        "cell": lambda: atoms.set_cell(atoms.cell.array * 1.01),
        "pbc": lambda: atoms.set_pbc((True, True, False)),
        "initial_charges": lambda: atoms.set_initial_charges(np.ones(len(atoms))),
        "initial_magmoms": lambda: atoms.set_initial_magnetic_moments(np.ones(len(atoms))),
        "info": lambda: atoms.info.update(note="x"),
        "array": lambda: atoms.set_array("mine", np.ones(len(atoms))),
        "constraint": lambda: atoms.set_velocities(np.ones((len(atoms), 3))),
    }
    change[changes]()
    matters = changes in ("positions", "numbers", "cell", "pbc")
    assert counting.calculation_required(atoms, ["energy"]) == matters
    assert counting.check_state(atoms) == ([changes] if matters else [])
    atoms.get_potential_energy()
    assert len(counting.asked) == 1 + matters


def test_results_of_other_atoms_are_not_kept_whatever_is_said_of_changes(calc: PainnlessCalculator) -> None:
    atoms = ethanol()
    calc.get_forces(atoms)
    atoms.rattle(0.1, seed=1)
    calc.calculate(atoms, ["energy"], [])
    (alone,) = calc.compute_many([atoms])
    assert np.array_equal(calc.get_forces(atoms), alone["forces"])


def test_several_atoms_share_a_calculator(calc: PainnlessCalculator) -> None:
    ours = [ethanol(), molecule("CH4"), crystal()]
    alone = [PainnlessCalculator.get_forces(calc, atoms) for atoms in ours]
    for atoms in ours:
        atoms.calc = calc
    for _ in range(2):
        for atoms, forces in zip(ours, alone, strict=True):
            assert np.array_equal(atoms.get_forces(), forces)


def test_what_is_given_stays_as_it_is_and_what_is_got_is_a_copy(calc: PainnlessCalculator) -> None:
    atoms = ethanol()
    atoms.info["note"] = {"deep": [1]}
    atoms.set_array("mine", np.arange(9))
    before = atoms.copy()
    atoms.calc = calc
    forces = atoms.get_forces()
    forces[:] = 0
    assert np.abs(atoms.get_forces()).max() > 0.1
    assert atoms == before and atoms.info == before.info and set(atoms.arrays) == set(before.arrays)
    atoms.positions += 1.0  # what the calculator remembers is its own
    assert calc.atoms is not None and calc.atoms.positions[0] == pytest.approx(before.positions[0])


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::-1][::-1], np.asfortranarray, lambda a: a.astype(">f8"), lambda a: np.repeat(a, 2, axis=0)[::2]],
    ids=["reversed", "Fortran", "big-endian", "strided"],
)
def test_arrays_of_any_layout(calc: PainnlessCalculator, view: Any) -> None:
    atoms, other = ethanol(), ethanol()
    other.arrays["positions"] = view(other.arrays["positions"])
    assert np.array_equal(calc.get_forces(other), calc.get_forces(atoms))


# Many at once


def test_compute_many_is_one_by_one_bit_for_bit(calc: PainnlessCalculator) -> None:
    images = [ethanol(seed) for seed in range(5)] + [crystal(), molecule("H2O")]
    alone = [calc.get_forces(atoms) for atoms in images]
    stress = calc.get_stress(images[5])
    calc.reset()
    together = calc.compute_many(images, ["energy", "forces", "stress", "energies"])
    assert [np.array_equal(result["forces"], forces) for result, forces in zip(together, alone, strict=True)] == [True] * 7
    assert [("stress" in result) for result in together] == [False] * 5 + [True, False]
    assert np.array_equal(together[5]["stress"], stress)
    assert set(calc.compute_many(images[:1], ["energy"])[0]) == {"energy", "free_energy"}
    assert calc.compute_many([]) == [] and calc.results == {}
    with refusal("BAD_STRUCTURE", "numbers", "atoms[1]", "0 atoms"):
        calc.compute_many([ethanol(), Atoms()])
    with pytest.raises(PropertyNotImplementedError, match="dipole"):
        calc.compute_many(images, ["dipole"])

"""The reference against published values, finite differences and the laws a potential keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from checkpoints import SHARED
from reference_cases import MOLECULE, PERIODIC, cluster, crystal, moved, variants

from painnless.importers import convert
from painnless.reference import Structure, load


def slope(energy: Any, h: float = 1e-4) -> float:
    """The derivative at 0 by central differences of fourth order; h so small that no pair crosses the cutoff, where f'' jumps."""
    return (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)


# Values


REFERENCE_VALUES = {
    "schnetpack_painn_rmd17_ethanol.model": (
        "kcal/mol",
        -0.515435222044,
        -4210.130975702719,
        """0.70084433  0.08737433  0.09017835  -0.48389993 -0.44958087 -0.44381316  -0.24683511  0.53198474  0.51985772
        -0.31409153 -0.73150410  0.20658035  -0.30798485  0.19392601 -0.73753983   0.30687776 -0.11243870  0.97204559
         0.31400246  0.96759336 -0.12980374  -1.32699760 -0.46632636 -0.46565599   1.35808447 -0.02102841 -0.01184928""",
    ),
    "distiller_student_tiny_77k.onnx": (
        "eV",
        -53.581237536792,
        -53.581237536792,
        """-0.99407141  0.28777747  0.44673817   0.58646335 -0.09226702 -0.34567835  -0.04193454  0.05844365  0.06488646
        -0.07402246 -0.33210550  0.00432318  -0.07090480  0.01830728 -0.42231077   0.22165963 -0.14502203  0.38341706
         0.17268796  0.22714940 -0.10032635  -0.22721260  0.22157588  0.19751724   0.42733490 -0.24385913 -0.22856664""",
    ),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="skipped: no shared data")
@pytest.mark.parametrize("name", REFERENCE_VALUES)
def test_reference_values_to_every_printed_digit(name: str, tmp_path: Path) -> None:
    unit, net_energy, energy, forces = REFERENCE_VALUES[name]
    convert(SHARED / name, tmp_path / "m", unit)
    ethanol = read(SHARED / "md_ethanol.xyz")
    assert isinstance(ethanol, Atoms)
    result = load(tmp_path / "m").evaluate([(ethanol.numbers, ethanol.positions, None, MOLECULE)])[0]
    assert abs(result["net_energy"] - net_energy) <= 0.51e-12
    assert abs(result["energy"] - energy) <= 1e-12
    assert result["forces"] is not None
    assert np.abs(result["forces"].ravel() - np.fromstring(forces, sep=" ")).max() <= 0.501e-8


# Derivatives


@variants
def test_forces_are_slopes_of_the_energy(variant: str, models: dict[str, Path]) -> None:
    reference = load(models[variant])
    for structure in [cluster(6, 1), *([crystal(2)] if variant in PERIODIC else [])]:
        forces = reference.evaluate([structure])[0]["forces"]
        assert forces is not None
        assert np.abs(forces).max() > 0.05
        for atom, axis in [(0, 0), (2, 1), (4, 2)]:

            def energy(h: float, structure: Structure = structure, atom: int = atom, axis: int = axis) -> float:
                positions = structure[1].copy()
                positions[atom, axis] += h
                return reference.evaluate([moved(structure, positions)], ["energy"])[0]["net_energy"]

            assert abs(-slope(energy) - forces[atom, axis]) <= 1e-9 * max(1, np.abs(forces).max())


@pytest.mark.parametrize("variant", PERIODIC)
def test_stress_is_the_slope_along_a_strain(variant: str, models: dict[str, Path]) -> None:
    reference = load(models[variant])
    structure = crystal(3)
    _, positions, cell, _ = structure
    assert cell is not None
    stress = reference.evaluate([structure], ["stress"])[0]["stress"]
    assert stress is not None
    for component, (x, y) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):

        def energy(h: float, x: int = x, y: int = y) -> float:
            strain = np.eye(3)
            strain[x, y] += h / 2
            strain[y, x] += h / 2
            return reference.evaluate([moved(structure, positions @ strain.T, cell @ strain.T)], ["energy"])[0]["net_energy"]

        assert abs(slope(energy) / np.linalg.det(cell) - stress[component]) <= 1e-10


def test_stress_needs_a_periodic_axis_and_a_volume(models: dict[str, Path]) -> None:
    reference = load(models["gaussian"])
    numbers, positions, cell, _ = crystal(4)
    flat = np.array([[5.0, 0, 0], [0, 5.0, 0], [0, 0, 0]])
    cells: list[Structure] = [
        (numbers, positions, cell, MOLECULE),
        (numbers, positions, flat, (True, True, False)),
        (numbers, positions, cell, (True, False, False)),
    ]
    assert [r["stress"] is not None for r in reference.evaluate(cells, ["stress"])] == [False, False, True]


# Laws


@variants
def test_batch_equals_single_and_energies_add_up(variant: str, models: dict[str, Path]) -> None:
    reference = load(models[variant])
    want = ("energy", "forces", "stress", "energies")
    structures = [cluster(n, n) for n in (1, 7, 2, 5)] + ([crystal(5)] if variant in PERIODIC else [])
    for single, batched in zip([reference.evaluate([s], want)[0] for s in structures], reference.evaluate(structures, want), strict=True):
        assert abs(single["net_energy"] - batched["net_energy"]) <= 1e-12
        assert single["forces"] is not None
        assert np.abs(single["forces"] - batched["forces"]).max() <= 1e-12
        assert batched["energies"] is not None
        assert abs(batched["energies"].sum() - batched["energy"]) <= 1e-12 * max(1, abs(batched["energy"]))
        assert (single["stress"] is None) == (batched["stress"] is None)
        assert single["stress"] is None or np.abs(single["stress"] - batched["stress"]).max() <= 1e-12


@variants
def test_equivariant_exactly_where_the_file_says_so(variant: str, models: dict[str, Path]) -> None:
    reference = load(models[variant])
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    structure = cluster(7, 3)
    straight, turned = reference.evaluate([structure, moved(structure, structure[1] @ rotation.T)])
    assert straight["forces"] is not None and turned["forces"] is not None
    difference = np.abs(turned["forces"] - straight["forces"] @ rotation.T).max()
    layers_that_mix = reference.config.n_layers > 1 and not reference.config.equivariant
    assert difference > 1e-3 if layers_that_mix else difference <= 1e-12


@variants
def test_float32_is_float64_rounded(variant: str, models: dict[str, Path]) -> None:
    structure = cluster(7, 9)
    double, single = (load(models[variant], dtype).evaluate([structure])[0] for dtype in ("float64", "float32"))
    assert double["forces"] is not None and single["forces"] is not None
    difference = np.abs(double["forces"] - single["forces"]).max()
    assert 0 < difference <= 1e-4 * np.abs(double["forces"]).max()


def test_atoms_without_neighbours_feel_nothing(models: dict[str, Path]) -> None:
    reference = load(models["gaussian"])
    alone: Structure = (np.array([6]), np.zeros((1, 3)), None, MOLECULE)
    far: Structure = (np.array([6, 6]), np.array([[0.0, 0, 0], [0, 0, 5.5]]), None, MOLECULE)
    one, two = reference.evaluate([alone, far])
    assert abs(two["energy"] - 2 * one["energy"]) <= 1e-14
    assert two["forces"] is not None
    assert np.all(two["forces"] == 0)


def test_constants(models: dict[str, Path]) -> None:
    structure = cluster(4, 1)
    once = load(models["references, offset once"]).evaluate([structure])[0]
    assert abs(once["energy"] - once["net_energy"] - (7.5 - 3.25 * structure[0].sum())) <= 1e-12
    each = load(models["kcal/mol, offset"]).evaluate([structure])[0]
    assert abs(each["energy"] - each["net_energy"] - 4 * -10786.226809289834 * 0.04336410390059322) <= 1e-12 * abs(each["energy"])

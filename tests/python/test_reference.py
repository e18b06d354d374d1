"""The reference against published values, finite differences and the laws a potential keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.io import read
from checkpoints import SHARED

from painnless.errors import PainnlessError
from painnless.importers import convert
from painnless.model_file import expected_tensors, read_model
from painnless.reference import Reference, Structure, load, with_weights
from painnless.reference.random_model import write_random_model

MOLECULE = (False, False, False)
CRYSTAL = (True, True, True)

VARIANTS: dict[str, dict[str, Any]] = {
    "gaussian": {},
    "bessel": {"rbf": "bessel"},
    "shared layers": {"shared_layers": True, "n_layers": 3},
    "shared filters": {"shared_filters": True, "n_layers": 3},
    "shared both": {"shared_layers": True, "shared_filters": True},
    "odd sizes, one layer": {"n_features": 13, "n_layers": 1, "n_rbf": 5, "readout_widths": (1,), "cutoff": 4.3},
    "four layers, deep readout": {"n_features": 12, "n_layers": 4, "readout_widths": (7, 5, 1)},
    "kcal/mol, offset": {"energy_unit": "kcal/mol", "energy_unit_in_ev": 0.04336410390059322, "energy_offset": "-10786.226809289834"},
    "references, offset once": {"atom_refs": tuple(-3.25 * z for z in range(21)), "energy_offset": "7.5", "energy_offset_per_atom": False},
    "student": {"arch": "painn-distiller"},
    "student, one layer": {"arch": "painn-distiller", "n_layers": 1, "n_features": 10},
    "student, equivariant": {"arch": "painn-distiller", "equivariant_mixing": True, "n_layers": 3},
}
variants = pytest.mark.parametrize("variant", VARIANTS)
PERIODIC = [name for name in VARIANTS if not name.startswith("student")]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    paths = {name: folder / f"{k}.safetensors" for k, name in enumerate(VARIANTS)}
    for seed, (name, path) in enumerate(paths.items()):
        write_random_model(path, seed, **VARIANTS[name])
    return paths


def cluster(count: int, seed: int, side: float = 3.2) -> Structure:
    """Atoms at random places in a box, none closer than 0.9 Å."""
    random = np.random.default_rng(seed)
    placed: list[np.ndarray] = []
    while len(placed) < count:
        trial = random.uniform(0, side, size=3)
        if all(np.linalg.norm(trial - p) > 0.9 for p in placed):
            placed.append(trial)
    return random.choice([1, 6, 8], size=count), np.array(placed), None, MOLECULE


def crystal(seed: int) -> Structure:
    """Five atoms in a triclinic cell smaller than the cutoff; some lie outside it."""
    numbers, positions, _, _ = cluster(5, seed)
    cell = np.array([[4.4, 0.2, 0.0], [0.7, 4.3, 0.1], [-0.4, 0.5, 4.6]])
    return numbers, positions + cell[0] - 2 * cell[2], cell, CRYSTAL


def moved(structure: Structure, positions: np.ndarray, cell: np.ndarray | None = None) -> Structure:
    return structure[0], positions, structure[2] if cell is None else cell, structure[3]


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


# The modules


@variants
def test_names_and_shapes_are_those_of_the_file(variant: str, models: dict[str, Path]) -> None:
    model = read_model(models[variant])
    shapes, optional = expected_tensors(model.config)
    state = with_weights(model, torch.float64).state_dict()
    assert {name: tuple(t.shape) for name, t in state.items()} == {k: v for k, v in shapes.items() if k not in optional}
    assert all(np.array_equal(t.numpy(), model.tensors[name]) for name, t in state.items())


def test_weights_are_trainable(models: dict[str, Path]) -> None:
    module = with_weights(read_model(models["gaussian"]), torch.float32)
    assert all(p.requires_grad and p.dtype == torch.float32 for p in module.parameters())


def test_defaults_of_torch_stay_as_they_are(models: dict[str, Path]) -> None:
    def state() -> tuple[Any, ...]:
        return torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), torch.random.get_rng_state().tolist()

    before = state()
    with torch.no_grad():
        assert load(models["gaussian"]).evaluate([cluster(4, 1)])[0]["forces"] is not None
    assert state() == before


# Refusals

_N, _R, _C = np.array([6, 1]), np.array([[0.0, 0, 0], [1, 0, 0]]), 5.0 * np.eye(3)
REFUSED: dict[str, tuple[str, str, Any]] = {
    "no atoms": ("gaussian", "numbers", (np.array([], dtype=int), np.zeros((0, 3)), None, MOLECULE)),
    "shape": ("gaussian", "positions", (_N, _R.ravel(), None, MOLECULE)),
    "element 0": ("gaussian", "numbers", (np.array([0, 1]), _R, None, MOLECULE)),
    "element beyond the embedding": ("gaussian", "numbers", (np.array([21, 1]), _R, None, MOLECULE)),
    "NaN": ("gaussian", "positions", (_N, _R * np.nan, None, MOLECULE)),
    "infinity": ("gaussian", "positions", (_N, _R + np.inf, None, MOLECULE)),
    "coincident": ("gaussian", "positions", (_N, _R * 0, None, MOLECULE)),
    "no cell": ("gaussian", "cell", (_N, _R, None, CRYSTAL)),
    "NaN in the cell": ("gaussian", "cell", (_N, _R, _C * np.nan, CRYSTAL)),
    "zero cell": ("gaussian", "cell", (_N, _R, _C * 0, CRYSTAL)),
    "flat cell": ("gaussian", "cell", (_N, _R, np.array([[5.0, 0, 0], [0, 5, 0], [5, 5, 0]]), CRYSTAL)),
    "student with a cell": ("student", "pbc", (_N, _R, _C, CRYSTAL)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_field(case: str, models: dict[str, Path]) -> None:
    variant, field, structure = REFUSED[case]
    reference = load(models[variant])
    with pytest.raises(PainnlessError) as caught:
        reference.evaluate([structure])
    assert (caught.value.code, caught.value.field) == ("BAD_STRUCTURE", field)
    assert reference.evaluate([(_N, _R, None, MOLECULE)])[0]["forces"] is not None


def test_unknown_arguments_are_refused(models: dict[str, Path]) -> None:
    reference: Any = load(models["gaussian"])
    with pytest.raises(PainnlessError, match="charges"):
        reference.evaluate([(_N, _R, None, MOLECULE)], ["charges"])
    with pytest.raises(PainnlessError, match="float16"):
        load(models["gaussian"], "float16")  # pyright: ignore[reportArgumentType]


def test_overflow_is_not_an_answer(models: dict[str, Path]) -> None:
    model = read_model(models["gaussian"])
    name = "output_modules.0.outnet.1.weight"
    model.tensors[name] = np.full_like(model.tensors[name], 3e38)
    with pytest.raises(PainnlessError) as caught:
        Reference(model, torch.float32, "cpu").evaluate([cluster(6, 1)])
    assert caught.value.code == "NOT_FINITE"


# Random models


def test_random_models_are_repeatable_and_differ_by_seed(tmp_path: Path) -> None:
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        write_random_model(tmp_path / name, seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c
    with pytest.raises(PainnlessError, match="n_featurs"):
        write_random_model(tmp_path / "d", 1, n_featurs=8)


def test_random_models_have_forces_of_order_one(models: dict[str, Path]) -> None:
    for path in models.values():
        forces = load(path).evaluate([cluster(7, 3)])[0]["forces"]
        assert forces is not None
        assert 0.01 < np.abs(forces).max() < 100

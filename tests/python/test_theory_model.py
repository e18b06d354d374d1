"""The layers of docs/theory.md put together: energy, forces and virial of whole networks against a complex step in positions and strain,
against painnless.reference, and against the values that the published checkpoints' own packages gave."""

from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
import theory as T
import torch
from theory_checks import CELL, assert_close, complex_step
from theory_model import PainnModel, StudentModel

from painnless.importers import convert
from painnless.model_file import Model, ModelConfig, read_model
from painnless.reference.random_model import random_config, random_tensors
from painnless.reference.reference import Reference

Arrays = dict[str, np.ndarray]


def whole(arch: str, **overrides: Any) -> tuple[ModelConfig, Arrays, PainnModel]:
    config = random_config(arch=arch, n_features=5, n_layers=3, n_rbf=4, readout_widths=(3, 1), **overrides)
    tensors = random_tensors(config, np.random.default_rng(5))
    return config, tensors, (PainnModel if arch == "painn-schnetpack" else StudentModel)(config, tensors)


@pytest.mark.parametrize(
    ("arch", "overrides", "periodic"),
    [
        ("painn-schnetpack", {}, True),
        ("painn-schnetpack", {"rbf": "bessel"}, True),
        ("painn-schnetpack", {"shared_layers": True, "shared_filters": True}, False),
        ("painn-distiller", {}, True),
        ("painn-distiller", {}, False),
    ],
    ids=["PaiNN, periodic", "PaiNN, Bessel, periodic", "PaiNN, shared layers", "student, periodic", "student"],
)
def test_t34_t35_forces_and_virial(arch: str, overrides: dict, periodic: bool) -> None:
    config, tensors, model = whole(arch, **overrides)
    rng = np.random.default_rng(6)
    numbers, positions = np.array([6, 1, 8]), rng.uniform(0, 1, (3, 3)) @ (CELL if periodic else 0.5 * CELL)
    cell, pbc = CELL if periodic else np.zeros((3, 3)), (periodic, periodic, periodic)
    edges = T.find_edges(positions, cell, pbc, config.cutoff)
    r, _, _ = T.geometry(positions, cell, edges, 0.0)
    g = model.pair_gradients(numbers, positions, cell, edges)
    forces, virial = T.forces(edges, g, 3), T.virial(r, g)
    assert_close(-forces, complex_step(lambda p: model.energies(numbers, p, cell, edges).sum(), positions), "forces")

    def strained(strain: np.ndarray) -> complex:
        stretch = (np.eye(3) + strain).T
        return model.energies(numbers, positions @ stretch, cell @ stretch, edges).sum()

    assert_close(virial, complex_step(strained, np.zeros((3, 3))), "virial")
    if arch == "painn-schnetpack":
        assert_close(virial, virial.T, "symmetry of the virial")
    if not periodic or config.pbc_supported:
        reference = Reference(Model(config, tensors, ""), dtype=torch.float64, device="cpu")
        want = ("energy", "forces", "stress", "energies")
        result = reference.evaluate([(numbers, positions, cell if periodic else None, pbc)], want)[0]
        unit = config.energy_unit_in_ev
        assert_close(np.array(result["net_energy"]), np.array(model.energies(numbers, positions, cell, edges).sum() * unit), "T33")
        assert result["forces"] is not None
        assert_close(result["forces"], forces * unit, "forces of the reference")
        if periodic:
            assert result["stress"] is not None
            stress = (virial + virial.T)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] * unit / (2 * abs(np.linalg.det(cell)))
            assert_close(result["stress"], stress, "T36, stress of the reference")


# The published checkpoints: an energy (in the unit of the weights) and two forces (eV/Å) that their own packages gave in float64

PUBLISHED = {
    "schnetpack_painn_rmd17_ethanol.model": (PainnModel, "kcal/mol", -11.886218685050, [0.70084433, 0.08737433, 0.09017835, 1.35808447]),
    "distiller_student_tiny_77k.onnx": (StudentModel, "eV", -53.581237536792, [-0.99407141, 0.28777747, 0.44673817, 0.42733490]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_equations_reproduce_published_checkpoints(name: str, tmp_path: Path) -> None:
    data = Path(__file__).parents[3] / "shared" / "data"
    if not data.exists():
        pytest.skip("no shared data")
    network, unit, energy, (x, y, z, last_x) = PUBLISHED[name]
    convert(data / name, tmp_path / "m.safetensors", unit)
    file = read_model(tmp_path / "m.safetensors")
    model, cell, molecule = network(file.config, file.tensors), np.zeros((3, 3)), ase.io.read(data / "md_ethanol.xyz")
    assert isinstance(molecule, ase.Atoms)
    edges = T.find_edges(molecule.positions, cell, (False, False, False), file.config.cutoff)
    assert abs(model.energies(molecule.numbers, molecule.positions, cell, edges).sum() - energy) <= 1e-12
    g = model.pair_gradients(molecule.numbers, molecule.positions, cell, edges)
    forces = T.forces(edges, g, 9) * file.config.energy_unit_in_ev
    assert np.abs([*forces[0] - [x, y, z], forces[8, 0] - last_x]).max() <= 5.1e-9  # half of the last printed digit

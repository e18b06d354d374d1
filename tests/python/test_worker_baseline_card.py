"""What PyTorch is timed as on a card."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_cases import opponent_variations

from painnless.errors import PainnlessError
from painnless.model_file import read_model
from painnless.reference.neighbors import find_edges
from painnless.reference.random_model import write_random_model
from painnless.reference.reference import Reference
from painnless.worker.baseline_card import CardSession
from painnless.worker.baseline_model import Inputs, make_inputs, pairs_within
from painnless.worker.baseline_schnetpack import schnetpack_model
from painnless.worker.baseline_search import all_distances, nvalchemi, searches
from painnless.worker.opponents import import_opponent

without_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="skipped: no GPU")


def batch(molecules: int, atoms: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(4)
    positions = 6 * torch.rand(molecules * atoms, 3, generator=random, dtype=torch.float64)
    return positions, torch.arange(molecules * atoms) // atoms


@pytest.mark.parametrize(("molecules", "atoms", "rows"), [(1, 50, 16), (1, 50, 64), (7, 9, 4), (7, 9, 64)])
def test_searches_find_the_same_pairs(molecules: int, atoms: int, rows: int) -> None:
    positions, of = batch(molecules, atoms)
    distances = torch.linalg.vector_norm(positions[:, None] - positions[None], dim=-1)
    near = (distances < 3) & (of[:, None] == of[None]) & ~torch.eye(len(of), dtype=torch.bool)
    expected = near.nonzero()
    assert 0 < len(expected) < len(of) * (atoms - 1)
    ids = pairs_within(positions, of, 3, None, rows)
    assert torch.equal(torch.stack([ids // len(of), ids % len(of)], 1), expected)
    found = all_distances(positions.reshape(molecules, atoms, 3), 3, None, rows)
    both = found[:, 1:] + found[:, :1] * atoms
    assert torch.equal(both[(both[:, 0] * len(of) + both[:, 1]).argsort()], expected)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What we ask of nvalchemi-toolkit-ops, and what it answers: one method that is not for this device, one with every distance."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "nvalchemiops"]:
        del sys.modules[name]


def sets_of(molecules: int, atoms: int, box: torch.Tensor | None) -> tuple[list[Inputs], torch.Tensor]:
    positions, of = batch(molecules, atoms)
    return make_inputs(torch.ones(len(of), dtype=torch.int64), of, [positions, 1.01 * positions - 0.1], 3, box), of


def assert_finds_edges(box: torch.Tensor | None, molecules: int, atoms: int) -> None:
    inputs, of = sets_of(molecules, atoms, box)
    search = nvalchemi(inputs, of, 3, box)
    cell = None if box is None else torch.diag(box).numpy()
    periodic = box is not None
    for k, own in enumerate(inputs):
        structures = own.positions.reshape(molecules, atoms, 3).numpy()
        expected = sum(len(find_edges(x, cell, (periodic, periodic, periodic), 3).receivers) for x in structures)
        search.place(k)
        assert search.edges(search.run()) == own.edges == expected


shapes = pytest.mark.parametrize(
    ("box", "molecules", "atoms"), [(None, 1, 50), (None, 7, 9), (torch.tensor([6.0, 6.5, 7.0], dtype=torch.float64), 1, 50)]
)


@shapes
@pytest.mark.usefixtures("stand_in")
def test_nvalchemi_is_asked_for_our_edges(box: torch.Tensor | None, molecules: int, atoms: int) -> None:
    assert_finds_edges(box, molecules, atoms)


@shapes
@pytest.mark.skipif(importlib.util.find_spec("nvalchemiops") is None, reason="skipped: no nvalchemi-toolkit-ops")
def test_nvalchemi_itself_finds_our_edges(box: torch.Tensor | None, molecules: int, atoms: int) -> None:
    assert_finds_edges(box, molecules, atoms)


def test_all_distances_know_a_periodic_box() -> None:
    box = torch.tensor([6.0, 6.5, 7.0], dtype=torch.float64)
    inputs, of = sets_of(1, 50, box)
    search = searches["torch-search"](inputs, of, 3, box)
    for k, own in enumerate(inputs):
        search.place(k)
        expected = find_edges(own.positions.numpy(), torch.diag(box).numpy(), (True, True, True), 3)
        assert search.edges(search.run()) == own.edges == len(expected.receivers)


@pytest.mark.usefixtures("stand_in")
def test_where_no_method_works_its_reason_is_told() -> None:
    inputs, of = sets_of(1, 50, None)
    with pytest.raises(ValueError, match="strategy='tile' requires CUDA"):
        nvalchemi(inputs, of, 3, None, methods=[("naive", "tile")])


def test_a_package_that_cannot_be_imported_is_missing_with_the_reason() -> None:
    with pytest.raises(PainnlessError, match=r"nobodys-package is not installed in ") as caught:
        import_opponent("nobodys-package", "nobodys.search")
    assert caught.value.code == "MISSING" and sys.executable in caught.value.message
    with pytest.raises(PainnlessError, match=r"numpy cannot be imported by .*: No module named 'numpy.nothing'"):
        import_opponent("numpy", "numpy.nothing")


def has_schnetpack() -> bool:
    """It may be installed beside a PyTorch that it does not know; and golden files on the path have its name."""
    try:
        import_opponent("schnetpack", "schnetpack.model")
    except PainnlessError:
        return False
    return True


@pytest.mark.skipif(not has_schnetpack(), reason="skipped: no schnetpack")
@opponent_variations
def test_schnetpack_with_our_weights_is_the_reference(tmp_path: Path, variation: dict[str, Any]) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5, n_layers=3, **variation)
    model = read_model(path)
    positions, of = batch(2, 12)
    (inputs,) = make_inputs(torch.tensor([6, 1, 8] * 8), of, [positions], model.config.cutoff)
    energies, forces = schnetpack_model(model, "cpu")(inputs, of)()
    structures = [(np.array([6, 1, 8] * 4), half, None, (False, False, False)) for half in np.split(positions.numpy(), 2)]
    expected = Reference(model, torch.float64, "cpu").evaluate(structures)
    right = np.concatenate([np.asarray(e["forces"]) for e in expected])
    assert np.abs(forces.double().numpy() - right).max() <= 1e-5 * max(1, np.abs(right).max())
    assert abs(float(energies.sum()) - sum(e["net_energy"] for e in expected)) <= 1e-4


def test_fewer_edges_are_filled_with_those_of_other_sets() -> None:
    positions, of = batch(2, 12)
    inputs = make_inputs(torch.ones(24, dtype=torch.int64), of, [positions, 1.3 * positions], 3)
    assert inputs[1].edges < inputs[0].edges == len(inputs[0].senders) == len(inputs[1].senders)
    pairs = {tuple(pair) for pair in torch.stack([inputs[1].senders, inputs[1].receivers], 1).tolist()}
    assert len(pairs) == len(inputs[1].senders)
    assert all(of[a] == of[b] and a != b for a, b in pairs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    write_random_model(tmp_path / "model.safetensors", 5)
    with pytest.raises(PainnlessError, match=r"sees no GPU; install a build of it for CUDA") as caught:
        CardSession(str(tmp_path / "model.safetensors"))
    assert caught.value.code == "MISSING"


@without_gpu
def test_every_way_is_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5)
    positions, of = batch(2, 12)
    sets = [(k * positions).ravel().tolist() for k in (1.0, 1.1)]
    session = CardSession(str(path))
    session.load([6] * 24, of.tolist(), sets)
    reference = Reference(read_model(path), torch.float64, "cpu")
    for k, scale in enumerate((1.0, 1.1)):
        halves = np.split(scale * positions.numpy(), 2)
        expected = reference.evaluate([(np.full(12, 6), half, None, (False, False, False)) for half in halves])
        forces = np.concatenate([np.asarray(e["forces"]) for e in expected]).ravel()
        for how, precision, tolerance in (
            ("eager", "f64", 1e-11),
            ("graph", "f32", 1e-4),
            ("compiled", "f32", 1e-4),
            ("graph", "tf32", 5e-2),
        ):
            found = np.asarray(session.evaluate(how, precision, k)["forces"])
            assert np.abs(found - forces).max() <= tolerance * max(1, np.abs(forces).max()), (how, precision, k)
    assert session.time("compiled", "f32", 1, 20)["graphs"] == 1
    assert len(session.time("graph", "f32", 0, 2, cold=True)["seconds"]) == 2
    for how in ("torch-search", *(("nvalchemi-eager", "nvalchemi-graph") if importlib.util.find_spec("nvalchemiops") else ())):
        for k, inputs in enumerate(session._inputs):
            assert session.search(how, k)["edges"] == inputs.edges, (how, k)
        assert min(session.time(how, "f32", 0, 5)["seconds"]) > 0

"""What PyTorch is timed as on a card."""

from pathlib import Path

import numpy as np
import pytest
import torch

from painnless.errors import PainnlessError
from painnless.model_file import read_model
from painnless.reference.random_model import write_random_model
from painnless.reference.reference import Reference
from painnless.worker.baseline_card import CardSession, all_distances
from painnless.worker.baseline_model import make_inputs, pairs_within

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
    ids = pairs_within(positions, of, 3, rows)
    assert torch.equal(torch.stack([ids // len(of), ids % len(of)], 1), expected)
    found = all_distances(positions, of, 3, rows)()
    both = found[:, 1:] + found[:, :1] * atoms
    assert torch.equal(both[(both[:, 0] * len(of) + both[:, 1]).argsort()], expected)


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
    assert min(session.time("search", "f32", 0, 5)["seconds"]) > 0

"""The modules of the reference, what it refuses, and the random models it is tried on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_cases import CRYSTAL, MOLECULE, cluster, variants

from painnless.errors import PainnlessError
from painnless.model_file import expected_tensors, read_model
from painnless.reference import Reference, load, with_weights
from painnless.reference.painn import length
from painnless.reference.random_model import write_random_model

# The modules


@variants
def test_names_and_shapes_are_those_of_the_file(variant: str, models: dict[str, Path]) -> None:
    model = read_model(models[variant])
    shapes, optional = expected_tensors(model.config)
    state = with_weights(model, torch.float64).state_dict()
    assert {name: tuple(t.shape) for name, t in state.items()} == {k: v for k, v in shapes.items() if k not in optional}
    assert all(np.array_equal(t.numpy(), model.tensors[name]) for name, t in state.items())


def test_a_length_that_vanishes_has_no_gradient() -> None:
    vectors = torch.tensor([[0.0, 0, 0], [3.0, 0, 4.0]], dtype=torch.float64)[:, :, None].requires_grad_()
    for eps, expected in [(0.0, [0.0, 5.0]), (1e-8, [1e-4, np.sqrt(25 + 1e-8)])]:
        lengths = length(vectors, eps)
        assert lengths[:, 0].tolist() == pytest.approx(expected, abs=1e-15)
        gradient = torch.autograd.grad(lengths.sum(), vectors)[0][:, :, 0]
        assert gradient[0].tolist() == [0, 0, 0]
        assert gradient[1].tolist() == pytest.approx([0.6, 0, 0.8], abs=1e-9)


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

"""Section 15 of docs/theory.md: the spline is the one the text says, follows the filters as closely as docs/accuracy.md says, and its own
derivative makes the forces the exact gradient of the tabulated energy."""

from typing import Any

import numpy as np
import pytest
import theory as T
from scipy.interpolate import BSpline
from theory_model import PainnModel, StudentModel
from theory_table import Spline, basis

from painnless.model_file import ModelConfig
from painnless.reference.random_model import random_config, random_tensors

RC = 5.0


def tabulated(model: PainnModel, intervals: int) -> PainnModel:
    """The same model with filters from a table."""
    tables = [Spline(lambda d, layer=t: model.filters(layer, d)[0], RC, intervals) for t in range(model.config.n_layers)]

    class Tabulated(type(model)):
        def filters(self, layer: int, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return tables[layer].value(d), tables[layer].slope(d)

    return Tabulated(model.config, model.tensors)


def models() -> list[tuple[str, PainnModel]]:
    """As wide as the published ones in the radial basis, which decides how smooth a filter is; few features."""

    def config(**overrides: Any) -> ModelConfig:
        return random_config(n_features=3, n_layers=2, **overrides)

    def tensors(config: ModelConfig) -> dict[str, np.ndarray]:
        return random_tensors(config, np.random.default_rng(8))

    painn, student = config(n_rbf=20), config(arch="painn-distiller", n_rbf=12)
    return [("PaiNN", PainnModel(painn, tensors(painn))), ("student", StudentModel(student, tensors(student)))]


MODELS = pytest.mark.parametrize("model", [model for _, model in models()], ids=[name for name, _ in models()])


def test_t49_basis_is_the_uniform_b_spline() -> None:
    t = np.linspace(0, 1, 11)
    for degree in (4, 5):
        for k, found in enumerate(basis(degree, t)):
            # the function that starts degree - k intervals before this one
            expected = BSpline.basis_element(np.arange(degree + 2) - degree + k, extrapolate=False)(np.clip(t, 0, 1 - 1e-15))
            assert np.allclose(found, np.nan_to_num(expected), rtol=0, atol=1e-14)
        assert np.allclose(sum(basis(degree, t)), 1, rtol=0, atol=1e-15)


def test_t48_slope_is_the_derivative_of_t47() -> None:
    spline = Spline(lambda d: np.stack([np.sin(d), np.exp(-d)], axis=1), RC, 16)
    d = np.random.default_rng(7).uniform(0, RC, 50)
    expected = np.imag(spline.value(d + 1e-30j)) / 1e-30
    assert np.all(np.abs(spline.slope(d) - expected) <= 1e-14 * np.abs(expected).max())


def errors(model: PainnModel, intervals: int) -> tuple[float, float]:
    """Of W and W' between the knots, relative to their largest values: what the engine looks at before it takes a table."""
    d = (np.arange(2 * intervals) + 0.5) / (2 * intervals) * RC
    worst = np.zeros(2)
    for layer in range(model.config.n_layers):
        spline = Spline(lambda x, layer=layer: model.filters(layer, x)[0], RC, intervals)
        for k, (found, exact) in enumerate(zip((spline.value(d), spline.slope(d)), model.filters(layer, d), strict=True)):
            worst[k] = max(worst[k], np.abs(found - exact).max() / np.abs(exact).max())
    return worst[0], worst[1]


@MODELS
def test_table_follows_the_filters(model: PainnModel) -> None:
    """Sixth order for W, fifth for W'; 512 intervals are within the engine's bounds."""
    coarse, fine, finest = (errors(model, intervals) for intervals in (64, 128, 512))
    assert coarse[0] / fine[0] > 2**5.3
    assert coarse[1] / fine[1] > 2**4.3
    assert finest[0] <= 1e-8
    assert finest[1] <= 3e-7


@MODELS
def test_rounding_the_coefficients_moves_little(model: PainnModel) -> None:
    """float32 coefficients: half an ulp of the largest for W, that over half a step for W'."""
    spline = Spline(lambda x: model.filters(0, x)[0], RC, 128)
    d = np.random.default_rng(9).uniform(0, RC, 500)
    value, slope, largest = spline.value(d), spline.slope(d), np.abs(spline.coefficients).max()
    spline.coefficients = spline.coefficients.astype(np.float32).astype(float)
    assert np.abs(spline.value(d) - value).max() <= 2.0**-24 * largest
    assert np.abs(spline.slope(d) - slope).max() <= 2.0**-24 * largest * 2 / spline.step


@MODELS
def test_forces_are_the_gradient_of_the_tabulated_energy(model: PainnModel) -> None:
    """With a table so coarse that its energy is another one."""
    numbers, positions = np.array([6, 1, 8]), np.array([[0.1, 0.2, 0.0], [1.3, -0.2, 0.4], [0.5, 1.6, 2.4]])
    cell, edges = np.zeros((3, 3)), T.find_edges(positions, np.zeros((3, 3)), (False, False, False), RC)
    table = tabulated(model, 12)

    def energy(x: np.ndarray) -> np.complex128:
        return table.energies(numbers, x, cell, edges).sum()

    assert abs(energy(positions) - model.energies(numbers, positions, cell, edges).sum()) > 1e-6
    forces = T.forces(edges, table.pair_gradients(numbers, positions, cell, edges), 3)
    for index in np.ndindex(positions.shape):
        moved = positions.astype(complex)
        moved[index] += 1e-30j
        assert abs(forces[index] + energy(moved).imag / 1e-30) <= 1e-13

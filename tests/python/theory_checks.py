"""How the tests of the theory compare and differentiate."""

from collections.abc import Callable

import numpy as np

TOLERANCE = 1e-13  # of the largest value, or of 1: some 450 roundings of float64
STEP = 1e-30
CELL = np.array([[4.2, 0.1, 0.0], [0.3, 5.5, 0.0], [-0.2, 0.6, 6.1]])  # Å, smaller than the cutoff of 5 Å
PERIODIC = (True, True, True)


def assert_close(found: np.ndarray, expected: np.ndarray, what: str, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape, what
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert np.all(np.abs(found - expected) <= tolerance * scale), f"{what}: {np.abs(found - expected).max() / scale}"


def complex_step(energy: Callable[[np.ndarray], complex], x: np.ndarray) -> np.ndarray:
    """dE/dx, component by component: Im E(x + ih) / h subtracts nothing, so a tiny h gives the derivative to rounding."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1j * STEP
        gradient[index] = energy(moved).imag / STEP
    return gradient

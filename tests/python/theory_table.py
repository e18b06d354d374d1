"""The filter table of docs/theory.md (section 15) as code: a quintic spline on equal intervals of [0, rc], fitted in float64."""

import numpy as np
from theory import Array

DEGREE = 5


def basis(degree: int, t: Array) -> list[Array]:
    """T49: the degree + 1 functions that are not zero in an interval, at t in [0, 1]."""
    functions = [np.ones_like(t)]
    for p in range(1, degree + 1):
        lower = [0 * t, *functions, 0 * t]  # B_(k-1) and B_k of degree p - 1 are lower[k] and lower[k + 1]
        functions = [((t + p - k) * lower[k] + (1 - t + k) * lower[k + 1]) / p for k in range(p + 1)]
    return functions


class Spline:
    """Coefficients c (intervals + 5, columns) for values given by `function(d) -> (len(d), columns)` on [0, end]."""

    def __init__(self, function, end: float, intervals: int) -> None:
        middle = np.arange(2, intervals - 1)
        self.step, self.intervals = end / intervals, intervals
        sites = np.concatenate([[0, 0.5, 1, 1.5], middle, intervals - np.array([1.5, 1, 0.5, 0])])
        conditions = np.zeros((intervals + DEGREE, intervals + DEGREE))
        for row, site in enumerate(sites):
            i = min(int(site), intervals - 1)
            conditions[row, i : i + DEGREE + 1] = basis(DEGREE, np.array(site - i))
        self.coefficients = np.linalg.solve(conditions, function(sites * self.step))

    def place(self, d: Array) -> tuple[Array, Array]:
        i = np.minimum((np.real(d) / self.step).astype(int), self.intervals - 1)
        return i, d / self.step - i

    def value(self, d: Array) -> Array:
        """T47."""
        i, t = self.place(d)
        return np.einsum("kd,kdc->dc", np.array(basis(DEGREE, t)), self.coefficients[i + np.arange(DEGREE + 1)[:, None]])

    def slope(self, d: Array) -> Array:
        """T48."""
        i, t = self.place(d)
        rise = np.diff(self.coefficients, axis=0)
        return np.einsum("kd,kdc->dc", np.array(basis(DEGREE - 1, t)), rise[i + np.arange(DEGREE)[:, None]]) / self.step

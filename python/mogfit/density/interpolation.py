"""Smooth functions on an interval or a rectangle, by Chebyshev polynomials."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChebyshevSurface"]

Floats = NDArray[np.float64]

_FIRST_DEGREE = 8
_LAST_DEGREE = 128
# Points at which an interpolant is compared with the function itself.
_CHECKS = 24


class ChebyshevSurface:
    """A function of one or two variables between `low` and `high`, as a polynomial.

    Parameters
    ----------
    coefficients : ndarray of shape (n_1, ..., n_V)
        Of products of Chebyshev polynomials.
    low, high : ndarray of shape (V,)
    """

    def __init__(self, coefficients: Floats, low: Floats, high: Floats) -> None:
        self._coefficients = coefficients
        self.low, self.high = low, high

    @classmethod
    def fitted(
        cls,
        function: Callable[[Floats], Floats],
        low: Floats,
        high: Floats,
        tolerance: float,
        most: int,
    ) -> ChebyshevSurface | None:
        """The polynomial of the lowest degrees that meets the tolerance.

        A degree is doubled until the last coefficients along its axis are below the tolerance,
        and the result is then compared with the function at points between the nodes.

        Parameters
        ----------
        function : callable
            Values (N,) at points (N, V).
        tolerance : float
            Absolute error.
        most : int
            Most nodes to evaluate at once.

        Returns
        -------
        ChebyshevSurface or None
            None if more nodes would be needed.
        """
        degrees = [_FIRST_DEGREE] * len(low)
        checks = low + (high - low) * _scattered(len(low))
        expected: Floats | None = None
        while np.prod([d + 1 for d in degrees]) <= most:
            surface = cls(_coefficients_of(function, low, high, degrees), low, high)
            rough = surface._unresolved(tolerance)
            if not rough.any():
                if expected is None:
                    expected = function(checks)
                if np.abs(surface(checks) - expected).max() <= tolerance:
                    return surface
                rough[:] = True
            degrees = [2 * d if more else d for d, more in zip(degrees, rough, strict=True)]
            if max(degrees) > _LAST_DEGREE:
                break
        return None

    def _unresolved(self, tolerance: float) -> NDArray[np.bool_]:
        """Along which axes the last coefficients are not small yet."""
        sizes = np.abs(self._coefficients)
        tails = [np.take(sizes, [-3, -2, -1], axis=axis).max() for axis in range(sizes.ndim)]
        return np.asarray(tails) > 0.1 * tolerance

    def __call__(self, points: Floats) -> Floats:
        """Values (N,) at points (N, V)."""
        first = self._polynomials(points[:, 0], 0) @ self._coefficients
        if self._coefficients.ndim == 1:
            return first
        return np.einsum("ni,ni->n", first, self._polynomials(points[:, 1], 1))

    def on_grid(self, axes: Sequence[Floats]) -> Floats:
        """Values at every combination of values of the variables, the first one last."""
        values = self._polynomials(axes[0], 0) @ self._coefficients
        if len(axes) == 2:
            return self._polynomials(axes[1], 1) @ values.T
        return values

    def _polynomials(self, x: Floats, axis: int) -> Floats:
        """Chebyshev polynomials (N, degree + 1) at values of one variable."""
        t = (2.0 * x - self.low[axis] - self.high[axis]) / (self.high[axis] - self.low[axis])
        return np.polynomial.chebyshev.chebvander(t, self._coefficients.shape[axis] - 1)


def _coefficients_of(
    function: Callable[[Floats], Floats], low: Floats, high: Floats, degrees: Sequence[int]
) -> Floats:
    """Coefficients of the interpolant at the extrema of the last Chebyshev polynomial."""
    nodes = [
        0.5 * (a + b) + 0.5 * (b - a) * np.cos(np.pi * np.arange(d + 1) / d)
        for a, b, d in zip(low, high, degrees, strict=True)
    ]
    grid = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
    values = function(grid.reshape(-1, len(degrees))).reshape(grid.shape[:-1])
    for axis, degree in enumerate(degrees):
        # The discrete cosine transform of the first kind, whose end terms count half.
        j = np.arange(degree + 1)
        halves = np.where((j == 0) | (j == degree), 0.5, 1.0)
        transform = np.cos(np.pi * np.outer(j, j) / degree) * np.outer(halves, halves)
        values = np.moveaxis(np.tensordot(2.0 / degree * transform, values, (1, axis)), 0, axis)
    return values


def _scattered(nvars: int) -> Floats:
    """Points (_CHECKS, nvars) spread over the unit square, the same ones every time."""
    # Roberts' sequence: multiples of powers of the inverse of the plastic number, modulo 1.
    steps = np.array([0.7548776662466927, 0.5698402909980532])[:nvars]
    return (0.5 + np.arange(1, _CHECKS + 1)[:, None] * steps) % 1.0

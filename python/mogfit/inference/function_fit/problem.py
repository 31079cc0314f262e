"""A least-squares problem in standard units, and where descents in it end.

Inside, the box of the mesh is the unit cube and the sum of the squared values is 1, so that shifts
and scales of any variable, or of the values, change nothing but the units.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core

__all__ = ["SHORT", "Limits", "Observer", "Point", "Problem", "coarsened"]

Floats = NDArray[np.float64]

# A bump narrower than this part of the distance between points is seen by one point at most.
_NARROWEST = 0.3

# A bump wider than this many boxes is flat, or the slope of one, inside the box.
_WIDEST = 10.0

# A search goes over at most twice as many points.
_SEARCHED = 10_000

# Gaps between coordinates that differ by rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Limits:
    """How far a descent goes."""

    iterations: int = 500
    tolerance: float = 1e-8


# Enough to tell a good start from a bad one.
SHORT = Limits(15, 1e-4)


@dataclass(frozen=True)
class Point:
    """Bumps, and how well they fit: their heights are the best at these means and factors.

    Attributes
    ----------
    means, factors : ndarray of shape (K, V), (K, V, V)
        In units of the box.
    log_heights : ndarray of shape (K,)
        Logarithms of the heights at the means.
    loss : float
        Sum of the squared residuals over that of the squared values.
    gradient_norm : float
        Largest cosine between the residuals and a column of the Jacobian that is free.
    price : ndarray of shape (K,)
        What the loss would grow by without each bump, to first order.
    iterations : int
    ending : str
        "converged", "rounding", "iteration limit" or "stopped".
    """

    means: Floats
    factors: Floats
    log_heights: Floats
    loss: float
    gradient_norm: float
    price: Floats
    iterations: int
    ending: str

    @property
    def ngauss(self) -> int:
        """Number of bumps."""
        return len(self.means)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which bumps have a height above 0."""
        return np.isfinite(self.log_heights)


Observer = Callable[[int, float, Floats, Floats, Floats], object]


class Problem:
    """Points, values and weights of a mesh, and the descents in it.

    Parameters
    ----------
    points : ndarray of shape (N, V)
    values : ndarray of shape (N,)
    weights : ndarray of shape (N,) or None
        All above 0.
    bounds : ndarray of shape (2, V)
        The box.
    threads : int
    """

    def __init__(
        self,
        points: Floats,
        values: Floats,
        weights: Floats | None,
        bounds: Floats,
        threads: int = 0,
    ) -> None:
        self.lower, self.width = bounds[0], bounds[1] - bounds[0]
        order = np.argsort(points[:, 0], kind="stable") if points.shape[1] == 1 else slice(None)
        # Neighbours side by side: bumps are then negligible in most blocks.
        self.points = np.ascontiguousarray((points[order] - self.lower) / self.width)
        self.roots = None if weights is None else np.sqrt(weights[order] / weights.max())
        weighted = values[order] if self.roots is None else self.roots * values[order]
        largest = float(np.abs(weighted).max())
        self.scale = largest * float(np.linalg.norm(weighted / largest))
        self.values = values[order] / self.scale
        self.threads = threads
        self.spacing = _spacing(self.points)
        self.narrowest = _NARROWEST * self.spacing
        self.widest = np.full(self.nvars, _WIDEST)
        self.mesh = _core.FunctionMesh(self.points, self.values, self.roots)
        self.evaluations = 0
        self.seconds = 0.0

    @property
    def nvars(self) -> int:
        """Number of variables."""
        return self.points.shape[1]

    def descend(
        self,
        means: Floats,
        factors: Floats,
        limits: Limits = Limits(),
        *,
        fixed_means: bool = False,
        observer: Observer | None = None,
    ) -> Point:
        """Levenberg-Marquardt from these means and factors."""
        return _as_point(self._fit(means, factors, limits, fixed_means, observer))

    def add_cost(self, other: Problem) -> None:
        """Count what was spent on a coarser problem, in evaluations of this one."""
        if other is not self:
            part = len(other.points) / len(self.points)
            self.evaluations += round(part * other.evaluations)
            self.seconds += other.seconds

    def evaluate(self, means: Floats, factors: Floats) -> tuple[Point, Floats]:
        """The point of these means and factors, and the derivatives of the loss there.

        Those along a (mu + L a) and along the lower triangle of T (L T, the diagonal of T being
        exp(t_ii)), row by row: (K, V + V (V + 1) / 2).
        """
        fit = self._fit(means, factors, Limits(0), False, None)
        return _as_point(fit), fit.slopes

    def _fit(
        self,
        means: Floats,
        factors: Floats,
        limits: Limits,
        fixed_means: bool,
        observer: Observer | None,
    ) -> _core.BumpFit:
        begun = time.perf_counter()
        fit = self.mesh.fit(
            means,
            factors,
            self.narrowest,
            self.widest,
            fixed_means,
            limits.iterations,
            limits.tolerance,
            observer,
            self.threads,
        )
        self.seconds += time.perf_counter() - begun
        self.evaluations += fit.evaluations
        return fit

    def r_squared(self, point: Point) -> float:
        """1 - SS_res / SS_tot; 1 of a constant function, where SS_tot is rounding."""
        weights = np.ones(len(self.values)) if self.roots is None else self.roots**2
        centred = self.values - weights @ self.values / weights.sum()
        total = float(weights @ centred**2)
        return 1.0 - point.loss / total if total > 1e-28 else 1.0

    def residuals(self, point: Point | None) -> Floats:
        """Values less the bumps, each times the root of its weight."""
        left: Any = self.values
        if point is not None:
            left = left - self.mesh.values(
                point.means, point.factors, point.log_heights, self.threads
            )
        return left if self.roots is None else self.roots * left

    def bumps(self, point: Point) -> Floats:
        """Each bump by itself at the points, with height 1, (N, K)."""
        prepared = _core.PreparedMixture.from_factors(
            np.zeros(point.ngauss), point.means, point.factors
        )
        logs = _core.component_logpdf(prepared, self.points, self.threads)
        return np.exp(logs - logs.max(axis=0))


def coarsened(problem: Problem) -> Problem:
    """The same problem on means over cells, where there are so many points that a search is long.

    Neighbours are averaged rather than left out, so that narrow bumps stay seen.
    """
    n_points, nvars = problem.points.shape
    if n_points < 2 * _SEARCHED:
        return problem
    if nvars == 1:
        # Sorted: as many points in each cell, however they are spread.
        cells = np.arange(n_points) * _SEARCHED // n_points
    else:
        side = int(_SEARCHED ** (1.0 / nvars))
        index = np.minimum((problem.points * side).astype(np.intp), side - 1)
        cells = np.ravel_multi_index(tuple(index.T), (side,) * nvars)
        cells = np.unique(cells, return_inverse=True)[1]
    weights = np.ones(n_points) if problem.roots is None else problem.roots**2
    total: Floats = np.bincount(cells, weights).astype(np.float64)
    points = [np.bincount(cells, weights * column) / total for column in problem.points.T]
    values = np.bincount(cells, weights * problem.values) / total
    unit = np.stack([np.zeros(nvars), np.ones(nvars)])
    return Problem(np.column_stack(points), values, total, unit, problem.threads)


def _as_point(fit: _core.BumpFit) -> Point:
    return Point(
        fit.means,
        fit.factors,
        fit.log_heights,
        fit.loss,
        fit.gradient_norm,
        _prices(fit.gram, fit.heights),
        fit.iterations,
        fit.ending,
    )


def _prices(gram: Floats, heights: Floats) -> Floats:
    """h_k^2 / (G^-1)_kk: what the loss grows by when bump k goes and the heights adapt."""
    price = np.zeros(len(heights))
    active = np.flatnonzero(heights > 0)
    if active.size:
        part = gram[np.ix_(active, active)]
        unit = 1.0 / np.sqrt(np.diag(part))
        scaled = part * np.outer(unit, unit) + 1e-13 * np.eye(len(active))
        inverse = np.linalg.inv(scaled)
        price[active] = (heights[active] / unit) ** 2 / np.diag(inverse)
    return price


def _spacing(points: Floats) -> Floats:
    """Distance between neighbours of the mesh along each variable, in boxes."""
    n_points, nvars = points.shape
    steps, sizes = np.empty(nvars), np.empty(nvars)
    for j in range(nvars):
        gaps = np.diff(np.sort(points[:, j]))
        gaps = gaps[gaps > _ROUNDING]
        sizes[j] = len(gaps) + 1
        # Meshes may be finer in some places than in others.
        steps[j] = np.quantile(gaps, 0.1)
    if sizes.prod() > 2.0 * n_points:
        # Scattered points: every coordinate is another, and gaps along one variable say nothing.
        return np.full(nvars, n_points ** (-1.0 / nvars))
    return steps

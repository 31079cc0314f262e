"""The search for a good optimum: bumps one after the other, then moves of those that gain least.

Every step is a short descent from several starts, of which the best goes on. A new bump comes where
the residuals are largest at their own scale (matching pursuit), or from one that is split in two.
Nothing in it is random.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mogfit.inference.function_fit.problem import SHORT, Point, Problem
from mogfit.inference.function_fit.scan import Candidate, Scan

__all__ = ["Search"]

Floats = NDArray[np.float64]
Start = tuple[Floats, Floats]

# Tried in each step: places for a new bump, bumps to split, bumps to take away.
_PLACES, _SPLITS, _DROPS = 3, 3, 3

_ROUNDS = 6

# A gain of a smaller part of the loss, or of less than rounding, is none.
_GAIN, _ROUNDING = 1e-6, 1e-28


class Search:
    """What is tried around a problem.

    Parameters
    ----------
    problem : Problem
    tell : callable
        Told each loss that is the least so far for its number of bumps.
    """

    def __init__(self, problem: Problem, tell: Callable[[float], None]) -> None:
        self._problem = problem
        self._scan = Scan(problem)
        self._tell = tell
        self.tried = 0

    def grow(self, point: Point | None, ngauss: int) -> Point:
        """The best point found of `ngauss` bumps that grows from a smaller one, or from none."""
        while point is None or point.ngauss < ngauss:
            starts = self._with_new(point)
            if point is not None:
                starts += self._with_split(point)
            point = min((self.short(start) for start in starts), key=lambda found: found.loss)
            if not point.alive.any():
                # Around every place values below 0 prevail: one value is above it all the same.
                point = self.short(self._highest(point.ngauss))
            self._tell(point.loss)
        return point

    def improve(self, point: Point) -> Point:
        """Take away bumps that gain least and put one elsewhere, as long as that pays."""
        for _ in range(_ROUNDS if point.ngauss > 1 else 0):
            best = point
            for k in np.argsort(point.price)[:_DROPS]:
                fewer = self.short((np.delete(point.means, k, 0), np.delete(point.factors, k, 0)))
                for start in self._with_new(fewer) + self._with_split(fewer):
                    other = self.short(start)
                    if other.loss < best.loss * (1 - _GAIN) - _ROUNDING:
                        best = other
            if best is point:
                break
            point = self._problem.descend(best.means, best.factors)
            self._tell(point.loss)
        return point

    def short(self, start: Start) -> Point:
        """A short descent."""
        self.tried += 1
        return self._problem.descend(*start, SHORT)

    def _highest(self, ngauss: int) -> Start:
        """As narrow bumps as there are at the largest value."""
        at = int(self._problem.residuals(None).argmax())
        return (
            np.tile(self._problem.points[at], (ngauss, 1)),
            np.tile(np.diag(self._problem.narrowest), (ngauss, 1, 1)),
        )

    def _with_new(self, point: Point | None) -> list[Start]:
        residuals = self._problem.residuals(point)
        found = self._scan.candidates(residuals, _PLACES)
        return [_added(point, candidate) for candidate in found]

    def _with_split(self, point: Point) -> list[Start]:
        """The bumps below which most of the residuals lie, each split along its longest axis."""
        shapes = self._problem.bumps(point) ** 2
        energy = self._problem.residuals(point) ** 2
        local = energy @ shapes / shapes.sum(axis=0)
        return [_split(point, int(k)) for k in np.argsort(-local)[:_SPLITS]]


def _added(point: Point | None, candidate: Candidate) -> Start:
    mean, factor = candidate.mean[None], np.diag(candidate.sigmas)[None]
    if point is None:
        return mean, factor
    return np.concatenate([point.means, mean]), np.concatenate([point.factors, factor])


def _split(point: Point, k: int) -> Start:
    """Bump k as two of half its variance along its longest axis, 1.4 standard deviations apart."""
    covariance = point.factors[k] @ point.factors[k].T
    variances, axes = np.linalg.eigh(covariance)
    along = np.sqrt(variances[-1]) * axes[:, -1]
    factor = np.linalg.cholesky(covariance - 0.5 * np.outer(along, along))
    halves = point.means[k] + 0.7 * np.stack([along, -along])
    return (
        np.concatenate([np.delete(point.means, k, 0), halves]),
        np.concatenate([np.delete(point.factors, k, 0), np.stack([factor, factor])]),
    )

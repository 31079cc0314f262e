"""Where the next bump might go: sums of the residuals over cells of many sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.inference.function_fit.problem import Problem

__all__ = ["Candidate", "Scan"]

Floats = NDArray[np.float64]

# Cells of one level are wider than those of the next by this.
_RATIO = {1: 1.5, 2: 1.7}
_RATIO_BEYOND = 2.0

# The widest cells, and the narrowest in distances between points.
_LARGEST, _SMALLEST = 0.6, 2.0

# A bump of standard deviation s resembles a cell of width 2.8 s most.
_SIGMAS = 2.8

# Cells of each level that are looked at.
_LOOKED_AT = 8

# Cells for each point beyond which the empty ones are left out.
_SPARSE = 2


class Candidate(NamedTuple):
    """A round bump, in units of the box."""

    mean: Floats  # (V,)
    sigmas: Floats  # (V,)


class _Level(NamedTuple):
    widths: Floats  # (V,), of a cell
    origin: Floats  # (V,)
    shape: tuple[int, ...]
    numbers: NDArray[np.intp]  # of the cells that hold points
    cells: NDArray[np.int32]  # (N,): the place there of each point's cell
    norms: Floats  # root of the sum of the weights of each


class Scan:
    """Cells of many sizes over a mesh, each size twice, half a cell apart.

    A cell scores the drop of the loss that a constant on it would bring.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._levels: list[_Level] = []
        weights = np.ones(len(problem.points)) if problem.roots is None else problem.roots**2
        ratio = _RATIO.get(problem.nvars, _RATIO_BEYOND)
        finest = _SMALLEST * problem.spacing
        width = _LARGEST
        while True:
            widths = np.maximum(width, np.minimum(finest, _LARGEST))
            for shift in (0.0, 0.5):
                self._levels.append(_level(problem.points, weights, widths, shift))
            if (width <= finest).all():
                break
            width /= ratio

    def candidates(self, residuals: Floats, count: int) -> list[Candidate]:
        """At most so many places, the most promising first, no two of them alike; at least one.

        `residuals` are weighted as `Problem.residuals` gives them.
        """
        roots = self._problem.roots
        weighted = residuals if roots is None else residuals * roots
        scores, means, widths = [], [], []
        for level in self._levels:
            sums = np.bincount(level.cells, weighted, len(level.norms))
            score = sums / level.norms
            looked_at = min(_LOOKED_AT, len(score))
            best = np.argpartition(score, -looked_at)[-looked_at:]
            where = np.column_stack(np.unravel_index(level.numbers[best], level.shape))
            scores.append(score[best])
            means.append(level.origin + (where + 0.5) * level.widths)
            widths.append(np.broadcast_to(level.widths, where.shape))
        score = np.concatenate(scores)
        mean, width = np.concatenate(means), np.concatenate(widths)
        mean = np.clip(mean, 0.0, 1.0)
        found: list[Candidate] = []
        while len(found) < count:
            best_one = int(score.argmax())
            if not score[best_one] > 0.0:
                break
            found.append(Candidate(mean[best_one], width[best_one] / _SIGMAS))
            reach = 0.5 * np.maximum(width, width[best_one])
            near = (np.abs(mean - mean[best_one]) < reach).all(axis=1)
            alike = np.abs(np.log(width / width[best_one])).max(axis=1) < 1.2
            score[near & alike] = -np.inf
        if not found:
            # No cell has a positive sum: what is left is smaller than any.
            highest = self._problem.points[int(weighted.argmax())]
            found.append(Candidate(highest, self._problem.spacing))
        return found


def _level(points: Floats, weights: Floats, widths: Floats, shift: float) -> _Level:
    origin = -shift * widths
    counts = np.ceil((1.0 - origin) / widths).astype(int)
    shape = tuple(int(count) for count in counts)
    index = np.minimum(((points - origin) / widths).astype(np.intp), counts - 1)
    cells = np.ravel_multi_index(tuple(index.T), shape)
    size = int(np.prod(shape))
    if size > _SPARSE * len(points):
        numbers, cells = np.unique(cells, return_inverse=True)
    else:
        numbers = np.arange(size)
    total = np.bincount(cells, weights, len(numbers))
    # Empty cells score nothing.
    norms = np.sqrt(np.where(total > 0.0, total, np.inf))
    return _Level(widths, origin, shape, numbers, cells.astype(np.int32), norms)

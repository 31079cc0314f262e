"""How the components of a fit to a function are found, mode by mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DataWarning, InputError, warn_user
from mogfit.inference.function_fit.mesh import Mesh
from mogfit.inference.function_fit.options import FunctionFitOptions
from mogfit.inference.function_fit.peaks import (
    LOOSE,
    PLAIN,
    STRICT,
    Peaks,
    find_peaks,
)
from mogfit.inference.function_fit.problem import Limits, Point, Problem, coarsened
from mogfit.inference.function_fit.search import Search

__all__ = ["Found", "find_components"]

Floats = NDArray[np.float64]

# Widths that fixed peaks are tried with, in those measured.
_WIDTHS = (1.0, 0.5, 2.0)

# Adaptive fits move components as long as they are at most so many: the next one comes anyway.
_MOVED = 12

# Gains of so many components in a row decide whether one more is worth it.
_LAST_GAINS = 3


class Found(NamedTuple):
    """Where the last descent begins, how many short ones it took, and how it goes on."""

    point: Point
    starts: int
    fixed_means: bool
    remark: str = ""


def find_components(
    problem: Problem,
    mesh: Mesh,
    ngauss: int,
    given: tuple[Floats, Floats] | None,
    options: FunctionFitOptions,
    share: Callable[[Point], Floats],
    tell: Callable[[float], None],
) -> Found:
    """Components in the units of the problem, near an optimum.

    Parameters
    ----------
    problem : Problem
    mesh : Mesh
        Its points; values of the sign that is fitted.
    ngauss : int
        Wanted by the modes that do not find the number themselves.
    given : (means, factors) or None
        The user's start, in the units of the problem; looked at by mode "lsq" alone.
    options : FunctionFitOptions
    share : callable
        Weights of the components of a point, summing to 1.
    tell : callable
        Told the losses on the way.
    """
    coarse = coarsened(problem)
    try:
        return _find(problem, Search(coarse, tell), mesh, ngauss, given, options, share)
    finally:
        problem.add_cost(coarse)


def _find(
    problem: Problem,
    search: Search,
    mesh: Mesh,
    ngauss: int,
    given: tuple[Floats, Floats] | None,
    options: FunctionFitOptions,
    share: Callable[[Point], Floats],
) -> Found:
    if options.mode == "adaptive":
        point, remark = _adapt(problem, search, options, share)
        return Found(point, search.tried, False, remark)
    remark = ""
    if options.fixed_means:
        seeding = PLAIN if options.mode == "multimodal" else STRICT
        peaks = find_peaks(mesh, seeding)
        if len(peaks.means):
            return _at_peaks(problem, peaks, options.maxgauss)
        remark = "no peaks, as mode 'lsq'"
    if options.mode == "lsq" and given is not None:
        return Found(_from_given(problem, search, given), search.tried, False)
    seeded = None
    if options.mode == "noisy" or (mesh.nvars == 1 and ngauss > 1):
        seeded = _seeded(problem, search, mesh, ngauss)
    points = [] if seeded is None else [search.grow(seeded, ngauss)]
    if options.mode != "noisy" or seeded is None:
        points.append(search.grow(None, ngauss))
    best = min(points, key=lambda point: point.loss)
    return Found(search.improve(best), search.tried, False, remark)


def _from_given(problem: Problem, search: Search, given: tuple[Floats, Floats]) -> Point:
    """The user's start as it is, but for components that no descent would move.

    Those that are the same as others stay the same, and those whose best height is 0 stay there.
    """
    means, factors = given
    flat = np.concatenate([means, factors.reshape(len(means), -1)], axis=1)
    first = np.sort(np.unique(flat, axis=0, return_index=True)[1])
    point = problem.descend(means[first], factors[first], Limits(0))
    lost = len(means) - int(point.alive.sum())
    if not lost:
        return point
    warn_user(
        f"{lost} of the {len(means)} starting components cannot be told from others, or lie where "
        "the values leave them no height; they are searched for instead",
        DataWarning,
    )
    kept = point.alive
    rest = search.short((point.means[kept], point.factors[kept])) if kept.any() else None
    return search.grow(rest, len(means))


def _standard(problem: Problem, peaks: Peaks, width: float = 1.0) -> tuple[Floats, Floats]:
    """Means and factors of peaks in the units of the problem."""
    means = (peaks.means - problem.lower) / problem.width
    sigmas = np.maximum(width * peaks.sigmas / problem.width, problem.narrowest)
    return means, sigmas[:, :, None] * np.eye(problem.nvars)


def _seeded(problem: Problem, search: Search, mesh: Mesh, ngauss: int) -> Point | None:
    """A short descent from the most prominent peaks, at most `ngauss` of them."""
    peaks = find_peaks(mesh, LOOSE)
    if not len(peaks.means):
        return None
    return search.short(_standard(problem, Peaks(*(part[:ngauss] for part in peaks))))


def _at_peaks(problem: Problem, peaks: Peaks, most: int) -> Found:
    """One component at each peak, whose mean stays there."""
    count = len(peaks.means)
    if count > most:
        raise InputError(
            f"mode: {count} peaks found, at most maxgauss={most} allowed; use a noisy mode, which "
            "smooths the values, mode='lsq', or a larger maxgauss"
        )
    points = [
        problem.descend(*_standard(problem, peaks, width), fixed_means=True) for width in _WIDTHS
    ]
    return Found(min(points, key=lambda point: point.loss), len(points), True)


def _adapt(
    problem: Problem,
    search: Search,
    options: FunctionFitOptions,
    share: Callable[[Point], Floats],
) -> tuple[Point, str]:
    """One component after the other until the fit is good enough, or gains too little."""
    point: Point | None = None
    reached: list[float] = []
    remark = f"maxgauss={options.maxgauss} reached before a tolerance"
    while len(reached) < options.maxgauss:
        point = search.grow(point, len(reached) + 1)
        point = problem.descend(point.means, point.factors)
        if point.ngauss <= _MOVED:
            point = search.improve(point)
        reached.append(problem.r_squared(point))
        if options.atol is not None and reached[-1] >= options.atol:
            remark = f"R2 >= {options.atol:g}"
            break
        if options.rtol is not None and len(reached) > _LAST_GAINS:
            gain = (reached[-1] - reached[-1 - _LAST_GAINS]) / _LAST_GAINS
            if gain < options.rtol:
                remark = f"mean gain of R2 below {options.rtol:g}"
                break
    assert point is not None
    for _ in range(point.ngauss):
        kept = share(point) >= options.wtol
        if kept.all() or not kept.any():
            break
        point = problem.descend(point.means[kept], point.factors[kept])
    return point, remark

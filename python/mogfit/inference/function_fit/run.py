"""One fit to a function from start to report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import (
    ConvergenceWarning,
    DataWarning,
    DegeneracyWarning,
    InputError,
    MoGWarning,
    warn_user,
)
from mogfit.inference.bounded import Bounds
from mogfit.inference.function_fit.mesh import Mesh
from mogfit.inference.function_fit.modes import Found, find_components
from mogfit.inference.function_fit.options import FunctionFitOptions
from mogfit.inference.function_fit.problem import Point, Problem
from mogfit.inference.function_fit.report import FunctionFitReport, measure_quality
from mogfit.inference.function_fit.scipy_descent import descend_by_scipy
from mogfit.inference.function_fit.squares import SquaresObjective, descend_bounded

__all__ = ["FunctionFit", "function_fit_doubts", "model_values", "run_function_fit"]

Floats = NDArray[np.float64]

# Standard deviations outside the mesh from which on a component shows a tail alone.
_FAR_OUTSIDE = 4.0

# The lesser sign's part of the sum of squares from which on both signs are tried.
_MIXED = 0.1

# A weight of less is rounding.
_EMPTY = 1e-12

# Descents that find no better step have converged up to this multiple of the criterion.
_SLACK = 10.0

# What is asked of scipy's methods, most of which stop by the decrease of the loss.
_SCIPY_GRADIENT = 1e-5

# Parts of the narrowest width that still count as it.
_AT_LIMIT = 1.0 + 1e-9


class FunctionFit(NamedTuple):
    """A mixture in the user's units, what to multiply it with, and how it was found."""

    mixture: _core.PreparedMixture
    normalization: float
    report: FunctionFitReport


class _Ending(NamedTuple):
    mixture: _core.PreparedMixture
    converged: bool
    reason: str
    gradient_norm: float
    iterations: int


class _Units:
    """From the units of a problem to the user's, and back."""

    def __init__(self, problem: Problem, bounds: Floats) -> None:
        self._problem, self._bounds = problem, bounds

    def _truncated(self, point: Point) -> tuple[_core.PreparedMixture, Floats]:
        """Components in their order, and the logarithms of their integrals over the box."""
        problem = self._problem
        factors = problem.width[:, None] * point.factors
        mixture = _core.PreparedMixture.from_factors(
            np.zeros(point.ngauss),
            problem.lower + problem.width * point.means,
            factors,
            self._bounds,
        )
        logs = (
            point.log_heights
            + np.log(problem.scale)
            + 0.5 * problem.nvars * np.log(2.0 * np.pi)
            + np.log(np.einsum("kii->ki", factors)).sum(axis=1)
            + mixture.log_masses
        )
        return mixture, logs

    def weights(self, point: Point) -> Floats:
        """Weights of the components in their order, summing to 1."""
        _, logs = self._truncated(point)
        relative = np.exp(logs - logs.max())
        return relative / relative.sum()

    def mixture(self, point: Point) -> _core.PreparedMixture:
        """The mixture truncated to the box, its components in decreasing order of weight."""
        mixture, logs = self._truncated(point)
        largest = logs.max()
        total = largest + np.log(np.exp(logs - largest).sum())
        order = np.argsort(-logs, kind="stable")
        return _core.PreparedMixture.from_factors(
            logs[order] - total, mixture.means[order], mixture.factors[order], self._bounds
        )

    def shapes(self, mixture: _core.PreparedMixture) -> tuple[Floats, Floats]:
        """Means and factors of a mixture in the units of the problem."""
        problem = self._problem
        return (
            (mixture.means - problem.lower) / problem.width,
            mixture.factors / problem.width[:, None],
        )


def model_values(
    mixture: _core.PreparedMixture, mesh: Mesh, threads: int = 0
) -> tuple[Floats, float]:
    """c p(x) on the mesh and c, which makes it fit the values best."""
    density = _core.pdf(mixture, mesh.points, threads)
    weights: Any = 1.0 if mesh.weights is None else mesh.weights
    values = mesh.values if mesh.weights is None else np.where(mesh.weights > 0, mesh.values, 0.0)
    # Densities and values have units, whose squares need not be numbers.
    unit, size = float(density.max()), float(np.abs(values).max())
    p, f = density / unit, values / size
    scale = float((weights * p) @ f) / float((weights * p) @ p) * (size / unit)
    return scale * density, scale


def run_function_fit(
    mesh: Mesh,
    ngauss: int,
    given: _core.PreparedMixture | None,
    options: FunctionFitOptions,
    bounds_of: Callable[[int], Bounds | None],
    tell: Callable[[float], None],
    begun: float,
) -> FunctionFit:
    """Fit a mixture to checked values; from `given`, where the mode takes a start, or from none.

    `bounds_of` gives the user's bounds on so many components, `tell` is told the losses on the way,
    as MultiMin measures them. `begun` is the `time.perf_counter` at which the fit began.
    """
    counted = mesh.counted()
    if options.mode in ("lsq", "noisy"):
        bounds_of(ngauss)  # refused before the work begins
    fits = [
        _fit_signed(sign, mesh, counted, ngauss, given, options, bounds_of, tell, begun)
        for sign in _signs(counted)
    ]
    return min(fits, key=lambda fit: fit.report.loss)


def _signs(counted: Mesh) -> list[float]:
    """Signs of the normalisation to try: weights are not negative, it may be.

    That of most of the values, by their squares; both where neither side has nearly all.
    """
    scaled = counted.values / np.abs(counted.values).max()
    weights: Any = 1.0 if counted.weights is None else counted.weights / counted.weights.max()
    squares = weights * scaled**2
    negative = float(squares[scaled < 0].sum() / squares.sum())
    both = [1.0, -1.0] if negative <= 0.5 else [-1.0, 1.0]
    return both if _MIXED < negative < 1 - _MIXED else both[:1]


def _fit_signed(
    sign: float,
    mesh: Mesh,
    counted: Mesh,
    ngauss: int,
    given: _core.PreparedMixture | None,
    options: FunctionFitOptions,
    bounds_of: Callable[[int], Bounds | None],
    tell: Callable[[float], None],
    begun: float,
) -> FunctionFit:
    """The fit of a positive multiple, or of a negative one, to the values that count."""
    signed = sign * counted.values
    problem = Problem(counted.points, signed, counted.weights, mesh.bounds, options.threads)
    units = _Units(problem, mesh.bounds)
    heaviest = 1.0 if counted.weights is None else float(counted.weights.max())
    unit = heaviest * (problem.scale / float(np.abs(counted.values).max())) ** 2

    def tell_scaled(loss: float) -> None:
        tell(loss * unit)

    found = find_components(
        problem,
        _with_peaks(mesh, counted, sign),
        ngauss,
        None if given is None else units.shapes(given),
        options,
        units.weights,
        tell_scaled,
    )
    parameters = _count_parameters(found.point.ngauss, mesh.nvars, found.fixed_means)
    if parameters > len(signed):
        warn_user(
            f"{parameters} parameters for {len(signed)} values: the fit will follow single values; "
            "use fewer components",
            DataWarning,
        )
    bounds = bounds_of(found.point.ngauss)
    evaluations = 0
    if bounds is not None:
        objective = SquaresObjective(counted, signed, mesh.bounds, options.threads)
        ending = _end_bounded(
            objective, units.mixture(found.point), bounds, options, found.fixed_means
        )
        evaluations = objective.evaluations
        problem.seconds += objective.seconds
    elif options.by_scipy:
        ending = _end_by_scipy(problem, units, found, options, tell_scaled)
    else:
        ending = _end(problem, units, found, options, tell_scaled)
    model, normalization = model_values(ending.mixture, mesh, options.threads)
    largest = float(np.abs(counted.values).max())
    quality = measure_quality(mesh.values / largest, model / largest, mesh.weights)
    reason = f"{found.remark}; {ending.reason}" if found.remark else ending.reason
    outside = np.maximum(
        mesh.bounds[0] - ending.mixture.means, ending.mixture.means - mesh.bounds[1]
    ) / np.sqrt(np.einsum("kii->ki", ending.mixture.covariances))
    diagonals = np.einsum("kii->ki", ending.mixture.factors) / problem.width
    report = FunctionFitReport(
        converged=ending.converged,
        reason=reason,
        mode=options.mode,
        method="L-BFGS-B" if bounds is not None else options.method,
        ngauss=ending.mixture.ngauss,
        nvars=mesh.nvars,
        n_points=quality["n_points"],
        n_parameters=parameters,
        R2=quality["R2"],
        loss=quality["SS_res"],
        gradient_norm=ending.gradient_norm,
        evaluations=problem.evaluations + evaluations,
        iterations=ending.iterations,
        starts=found.starts,
        seconds_core=problem.seconds,
        seconds_total=time.perf_counter() - begun,
        empty_components=_numbers(ending.mixture.weights < _EMPTY),
        outside_components=_numbers((outside > _FAR_OUTSIDE).any(axis=1)),
        narrow_components=_numbers((diagonals <= _AT_LIMIT * problem.narrowest).any(axis=1)),
    )
    return FunctionFit(ending.mixture, normalization, report)


def _with_peaks(mesh: Mesh, counted: Mesh, sign: float) -> Mesh:
    """The mesh to look for peaks on: on a grid, values that do not count are no peaks."""
    scale = sign / float(np.abs(counted.values).max())
    if mesh.nvars == 1 or mesh.weights is None:
        return Mesh(counted.points, scale * counted.values, None, counted.shape)
    lowest = float((scale * counted.values).min())
    values = np.where(mesh.weights > 0, scale * mesh.values, lowest)
    return Mesh(mesh.points, values, None, mesh.shape)


def _count_parameters(ngauss: int, nvars: int, fixed_means: bool) -> int:
    return ngauss * (1 + (0 if fixed_means else nvars) + nvars * (nvars + 1) // 2)


def _numbers(flags: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.flatnonzero(flags))


def _end(
    problem: Problem,
    units: _Units,
    found: Found,
    options: FunctionFitOptions,
    tell: Callable[[float], None],
) -> _Ending:
    """Levenberg-Marquardt to the optimum."""
    point = problem.descend(
        found.point.means,
        found.point.factors,
        options.limits,
        fixed_means=found.fixed_means,
        observer=lambda iteration, loss, *_: tell(loss),
    )
    at_rounding = point.gradient_norm <= _SLACK * options.limits.tolerance
    converged = point.ending == "converged" or (point.ending == "rounding" and at_rounding)
    words = {
        "converged": "at an optimum",
        "rounding": "no better step" + (" beyond rounding" if converged else ""),
        "iteration limit": f"the limit of {options.limits.iterations} iterations was reached",
    }
    return _Ending(
        units.mixture(point),
        converged,
        f"{words[point.ending]}; largest gradient {point.gradient_norm:.1e}",
        point.gradient_norm,
        point.iterations,
    )


def _end_by_scipy(
    problem: Problem,
    units: _Units,
    found: Found,
    options: FunctionFitOptions,
    tell: Callable[[float], None],
) -> _Ending:
    point, iterations, message = descend_by_scipy(
        problem,
        found.point,
        options.method,
        fixed_means=found.fixed_means,
        tolerance=options.tolerance,
        options=options.options,
        observer=lambda iteration, loss, *_: tell(loss),
    )
    exact = point.ending == "converged"
    return _Ending(
        units.mixture(point),
        exact or point.gradient_norm <= _SCIPY_GRADIENT,
        f"{message}; largest gradient {point.gradient_norm:.1e}",
        point.gradient_norm,
        iterations,
    )


def _end_bounded(
    objective: SquaresObjective,
    start: _core.PreparedMixture,
    bounds: Bounds,
    options: FunctionFitOptions,
    fixed_means: bool,
) -> _Ending:
    if options.by_scipy and options.method != "L-BFGS-B":
        raise InputError(
            f"method: {options.method!r} does not take bounds; leave method out, or the bounds"
        )
    if fixed_means:
        bounds = Bounds(
            bounds.lower._replace(mus=start.means), bounds.upper._replace(mus=start.means)
        )
    outcome = descend_bounded(
        objective, start, bounds, tolerance=options.tolerance, options=options.options
    )
    order = np.argsort(-outcome.mixture.weights, kind="stable")
    at = outcome.mixture
    return _Ending(
        _core.PreparedMixture.from_factors(
            at.log_weights[order], at.means[order], at.factors[order], at.domain
        ),
        outcome.converged,
        outcome.reason,
        outcome.gradient_norm,
        outcome.iterations,
    )


def function_fit_doubts(report: FunctionFitReport) -> Iterator[tuple[str, type[MoGWarning]]]:
    """What a user must know of a fit that ended: texts and categories of warnings."""
    if not report.converged:
        yield (
            f"the fit is not at an optimum after {report.iterations} iterations: {report.reason}; "
            "call fit_data again to continue from here",
            ConvergenceWarning,
        )
    for held, words in (
        (report.empty_components, "without weight: fewer components fit as well"),
        (
            report.outside_components,
            "so far outside the mesh that tails alone are seen: the fit is sound on the mesh, "
            "their means and standard deviations are not known on their own",
        ),
        (
            report.narrow_components,
            "as narrow as the distance between points lets them be: they follow single values",
        ),
    ):
        if held:
            noun = f"component{'s' if len(held) > 1 else ''} {', '.join(map(str, held))}"
            yield f"{noun} ended {words}", DegeneracyWarning

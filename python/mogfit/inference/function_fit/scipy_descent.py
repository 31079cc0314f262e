"""The methods of `scipy.optimize.minimize` on a least-squares problem, for those who want them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.inference.function_fit.problem import Limits, Observer, Point, Problem
from mogfit.inference.scipy_methods import WITH_GRADIENT, require_known_options

__all__ = ["descend_by_scipy"]

Floats = NDArray[np.float64]

# Losses are measured in that of the start, or in this.
_NOTHING = 1e-16

# Trial steps that change a width by a larger factor than exp of this are cut to it.
_STEEPEST = 5.0


class _Shapes:
    """Coordinates anchored at a point: mu + L a, L T with T lower and diagonal exp(t_ii)."""

    def __init__(self, problem: Problem, anchor: Point, fixed_means: bool) -> None:
        self._problem, self._anchor = problem, anchor
        self._nvars = problem.nvars
        self._rows, self._columns = np.tril_indices(self._nvars)
        self._first = self._nvars if fixed_means else 0
        self.size = anchor.ngauss * (self._nvars - self._first + len(self._rows))
        self.best = anchor
        self.reported = 0

    def _stretches(self, x: Floats) -> tuple[Floats, Floats]:
        """Shifts (K, V) and matrices T (K, V, V)."""
        ngauss, nvars = self._anchor.ngauss, self._nvars
        parts = np.zeros((ngauss, nvars + len(self._rows)))
        parts[:, self._first :] = x.reshape(ngauss, -1)
        stretch = np.zeros((ngauss, nvars, nvars))
        stretch[:, self._rows, self._columns] = np.clip(parts[:, nvars:], -_STEEPEST, _STEEPEST)
        diagonal = np.arange(nvars)
        stretch[:, diagonal, diagonal] = np.exp(stretch[:, diagonal, diagonal])
        return parts[:, :nvars], stretch

    def value_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        """The loss with the best heights, and its gradient."""
        shift, stretch = self._stretches(x)
        anchor = self._anchor
        means = anchor.means + np.einsum("kij,kj->ki", anchor.factors, shift)
        point, slopes = self._problem.evaluate(means, anchor.factors @ stretch)
        if point.loss < self.best.loss:
            self.best = point
        nvars = self._nvars
        back = np.linalg.inv(stretch).transpose(0, 2, 1)
        by_stretch = np.zeros_like(stretch)
        by_stretch[:, self._rows, self._columns] = slopes[:, nvars:]
        by_stretch = back @ by_stretch
        diagonal = np.arange(nvars)
        by_stretch[:, diagonal, diagonal] *= stretch[:, diagonal, diagonal]
        gradient = np.concatenate(
            [
                np.einsum("kij,kj->ki", back, slopes[:, :nvars]),
                by_stretch[:, self._rows, self._columns],
            ],
            axis=1,
        )
        return point.loss, gradient[:, self._first :].ravel()


def descend_by_scipy(
    problem: Problem,
    start: Point,
    method: str,
    *,
    fixed_means: bool = False,
    tolerance: float | None = None,
    options: dict[str, Any] | None = None,
    observer: Observer | None = None,
) -> tuple[Point, int, str]:
    """The point that a method ends at, its iterations, and its message.

    Heights are the best ones throughout; methods that use gradients have exact ones.
    """
    from scipy.optimize import minimize

    if options:
        require_known_options(method, options)
    shapes = _Shapes(problem, start, fixed_means)
    with_gradient = method in WITH_GRADIENT

    # The tolerances of the methods are meant for values of about 1.
    unit = max(start.loss, _NOTHING)

    def value(x: Floats) -> Any:
        loss, gradient = shapes.value_and_gradient(x)
        return (loss / unit, gradient / unit) if with_gradient else loss / unit

    def report(*_: Any) -> None:
        shapes.reported += 1
        best = shapes.best
        if observer is not None:
            observer(shapes.reported, best.loss, best.means, best.factors, best.log_heights)

    result = minimize(
        value,
        np.zeros(shapes.size),
        method=method,
        jac=with_gradient or None,
        tol=tolerance,
        options=options or {},
        callback=report,
    )
    # The criteria of the methods differ; the gradient at the end is measured in one way.
    ended = problem.descend(
        shapes.best.means, shapes.best.factors, Limits(0), fixed_means=fixed_means
    )
    return ended, int(result.get("nit", shapes.reported)), str(result.message).rstrip(".")

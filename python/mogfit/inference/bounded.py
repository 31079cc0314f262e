"""Fits under the user's bounds on weights, means, standard deviations and correlations."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DegenerateError, InputError
from mogfit.inference.checks import Spread
from mogfit.inference.descent import GRADIENT_TOLERANCE, Outcome
from mogfit.inference.likelihood import Observer
from mogfit.parameters import Stdcorr, covariances_from_stdcorr, stdcorr_from_covariances

__all__ = ["BoundedObjective", "Bounds", "run_bounded"]

Floats = NDArray[np.float64]

# How often a step that leaves the positive definite matrices is shortened, and by how much.
_MAX_SHORTENINGS = 40
_SHORTER = 0.25


@dataclass(frozen=True)
class Bounds:
    """Lower and upper bounds, each in the shape of the parameters."""

    lower: Stdcorr
    upper: Stdcorr

    def check_weights(self) -> None:
        """Refuse bounds between which no weights sum to 1.

        Raises
        ------
        InputError
            Saying what the bounds add up to.
        """
        least, most = self.lower.weights.sum(), self.upper.weights.sum()
        if least > 1 + 1e-12 or most < 1 - 1e-12:
            raise InputError(
                f"bounds: the weights of {len(self.lower.weights)} components between their "
                f"bounds sum to {least:g} at least and {most:g} at most; they must be able to "
                "sum to 1"
            )


class BoundedObjective(Protocol):
    """What is minimised, as a function of a mixture; `Likelihood` is one."""

    spread: Spread
    domain: Floats | None
    seconds: float

    def stdcorr_objective(self, at: _core.PreparedMixture) -> tuple[float, Stdcorr]:
        """The objective and its gradient, weights being divided by their sum."""

    def loglik(self, mixture: _core.PreparedMixture) -> float:
        """The log-likelihood."""


class _LeftDomainError(Exception):
    """The optimiser tried correlations that no covariance matrix has."""


class _BoundedSimplex:
    """Weights between bounds that sum to 1, as a smooth image of K free numbers.

    w_k = l_k + (u_k - l_k) / (1 + exp(-v_k - t)), with t such that the weights sum to 1.
    """

    def __init__(self, lower: Floats, upper: Floats) -> None:
        self._lower, self._width = lower, upper - lower

    def weights(self, v: Floats) -> Floats:
        from scipy.optimize import brentq
        from scipy.special import expit

        def excess(t: float) -> float:
            return float((self._lower + self._width * expit(v + t)).sum()) - 1.0

        reach = 800.0 + float(np.abs(v).max())
        low, high = excess(-reach), excess(reach)
        if low >= 0.0 or high <= 0.0:
            # The bounds leave one choice only.
            self._slope = np.zeros_like(v)
            return self._lower + (self._width if high <= 0.0 else 0.0)
        t = brentq(excess, -reach, reach, xtol=1e-15, rtol=1e-15)
        self._slope = self._width * expit(v + t) * expit(-v - t)
        return self._lower + self._width * expit(v + t)

    def gradient(self, by_weight: Floats) -> Floats:
        """Gradient in v at the last point, from that in the weights."""
        total = self._slope.sum()
        if not total > 0.0:
            return np.zeros_like(by_weight)
        return self._slope * (by_weight - self._slope @ by_weight / total)

    def free_numbers(self, weights: Floats) -> Floats:
        """Numbers v whose image is nearest to the given weights."""
        width = np.where(self._width > 0, self._width, 1.0)
        part = np.clip((weights - self._lower) / width, 1e-6, 1 - 1e-6)
        return np.log(part / (1 - part))


class _BoundedCoordinates:
    """x = (v, (mu - location) / scale, log(sigma / scale), rho): weights free, the rest boxed."""

    def __init__(self, likelihood: BoundedObjective, bounds: Bounds, ngauss: int) -> None:
        self._likelihood = likelihood
        self._spread = likelihood.spread
        self._shape = (ngauss, len(self._spread.location))
        self._simplex = _BoundedSimplex(bounds.lower.weights, bounds.upper.weights)
        self.lower = self._join(np.full(ngauss, -np.inf), *bounds.lower[1:])
        self.upper = self._join(np.full(ngauss, np.inf), *bounds.upper[1:])

    def _join(self, v: Floats, mus: Floats, sigmas: Floats, rhos: Floats) -> Floats:
        location, scale = self._spread.location, self._spread.scale
        with np.errstate(divide="ignore"):
            return np.concatenate(
                [
                    v,
                    ((mus - location) / scale).ravel(),
                    np.log(sigmas / scale).ravel(),
                    rhos.ravel(),
                ]
            )

    def start(self, mixture: _core.PreparedMixture) -> Floats:
        """The point of the box nearest to a mixture."""
        sigmas, rhos = stdcorr_from_covariances(mixture.covariances)
        v = self._simplex.free_numbers(mixture.weights)
        return np.clip(self._join(v, mixture.means, sigmas, rhos), self.lower, self.upper)

    def split(self, x: Floats) -> Stdcorr:
        ngauss, nvars = self._shape
        ends = np.cumsum([ngauss, ngauss * nvars, ngauss * nvars])
        v, mus, sigmas, rhos = np.split(x, ends)
        location, scale = self._spread.location, self._spread.scale
        return Stdcorr(
            self._simplex.weights(v),
            location + scale * mus.reshape(self._shape),
            scale * np.exp(sigmas.reshape(self._shape)),
            rhos.reshape(ngauss, -1),
        )

    def mixture(self, x: Floats) -> tuple[_core.PreparedMixture, Stdcorr]:
        parts = self.split(x)
        try:
            covariances = covariances_from_stdcorr(parts.sigmas, parts.rhos)
            at = _core.PreparedMixture(
                parts.weights, parts.mus, covariances, self._likelihood.domain
            )
            return at, parts
        except DegenerateError as error:
            raise _LeftDomainError from error

    def objective(self, x: Floats) -> tuple[float, Floats]:
        """The objective and its gradient, both exact."""
        at, parts = self.mixture(x)
        value, by = self._likelihood.stdcorr_objective(at)
        gradient = np.concatenate(
            [
                self._simplex.gradient(by.weights),
                (by.mus * self._spread.scale).ravel(),
                (by.sigmas * parts.sigmas).ravel(),
                by.rhos.ravel(),
            ]
        )
        return value, gradient


def run_bounded(
    likelihood: BoundedObjective,
    mixture: _core.PreparedMixture,
    bounds: Bounds,
    *,
    tolerance: float | None = None,
    options: dict[str, Any] | None = None,
    observer: Observer | None = None,
) -> Outcome:
    """L-BFGS-B under bounds in MultiMin's coordinates, with exact gradients.

    A step whose correlations no covariance matrix has ends the run; the next one starts from the
    best point so far in a box around it that is smaller.
    """
    from scipy.optimize import minimize

    bounds.check_weights()
    coordinates = _BoundedCoordinates(likelihood, bounds, mixture.ngauss)
    gtol = GRADIENT_TOLERANCE if tolerance is None else tolerance
    given = {"ftol": 0.0, "gtol": gtol, "maxiter": 2000, "maxcor": 20} | (options or {})
    best = coordinates.start(mixture)
    best = _into_positive_definite(coordinates, best)
    best_value = np.inf
    reach = np.inf
    iterations = 0
    optimizer_seconds = 0.0
    stopped = False

    def objective(x: Floats) -> tuple[float, Floats]:
        nonlocal best, best_value
        value, gradient = coordinates.objective(x)
        if value < best_value:
            best, best_value = np.array(x), value
        return value, gradient

    def report(*_: Any) -> None:
        nonlocal iterations, stopped
        iterations += 1
        if observer is None:
            return
        at, _parts = coordinates.mixture(best)
        if observer(iterations, best_value, np.nan, at) is False:
            stopped = True
            raise StopIteration

    message = "too many steps left the positive definite matrices"
    success = False
    for _ in range(_MAX_SHORTENINGS):
        lower = np.maximum(coordinates.lower, best - reach)
        upper = np.minimum(coordinates.upper, best + reach)
        core_before, begun = likelihood.seconds, time.perf_counter()
        try:
            result = minimize(
                objective,
                best,
                method="L-BFGS-B",
                jac=True,
                bounds=np.column_stack([lower, upper]),
                options=given,
                callback=report,
            )
        except _LeftDomainError:
            reach = _SHORTER * (1.0 if np.isinf(reach) else reach)
            continue
        finally:
            optimizer_seconds += time.perf_counter() - begun - (likelihood.seconds - core_before)
        message, success = str(result.message), bool(result.success)
        inner = (best > lower) & (best < upper)
        at_limit = ~inner & (best > coordinates.lower) & (best < coordinates.upper)
        if stopped or not at_limit.any():
            break
        reach *= 2.0
    at, _parts = coordinates.mixture(best)
    loglik = likelihood.loglik(at)
    _, gradient = coordinates.objective(best)
    projected = best - np.clip(best - gradient, coordinates.lower, coordinates.upper)
    norm = float(np.abs(projected).max())
    converged = success and not stopped and norm <= 10 * gtol
    return Outcome(
        at,
        loglik,
        norm,
        np.nan,
        iterations,
        converged,
        f"{'stopped by the callback' if stopped else message}; "
        f"largest projected gradient entry {norm:.1e}",
        optimizer_seconds,
    )


def _into_positive_definite(coordinates: _BoundedCoordinates, x: Floats) -> Floats:
    """Shrink the correlations of a start towards the point nearest 0 in the box until they fit."""
    neutral = np.clip(np.zeros_like(x), coordinates.lower, coordinates.upper)
    parts = coordinates.split(x)
    first_rho = x.size - parts.rhos.size
    for _ in range(_MAX_SHORTENINGS):
        try:
            coordinates.mixture(x)
            return x
        except _LeftDomainError:
            x = x.copy()
            x[first_rho:] = 0.5 * (x[first_rho:] + neutral[first_rho:])
    raise InputError("bounds: no correlations within boundr make a covariance matrix; widen boundr")

"""Probabilities of boxes under a mixture, its distribution function among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.data import as_points
from mogfit.density.domain import parse_domain
from mogfit.density.marginal import inside_log_weights
from mogfit.density.protocol import Mixture
from mogfit.errors import DomainError, DtypeError, InputError, shape_message

__all__ = ["box_probability", "cdf"]

Floats = NDArray[np.float64]


def cdf(mog: Mixture, X: Any) -> float | Floats:
    """P(x <= X in every variable) at points; see `MixtureOfGaussians`."""
    points = as_points(
        X, nvars=mog.nvars, names=mog.names, name="X", single_row_ok=True, allow_empty=True,
        finite=False,
    )  # fmt: skip
    upper = np.asarray(points.values, dtype=np.float64)
    probabilities = np.exp(_log_probabilities(mog, np.full(mog.nvars, -np.inf), upper))
    return float(probabilities[0]) if len(upper) == 1 else probabilities


def box_probability(mog: Mixture, lower: Any, upper: Any) -> float:
    """P(lower <= x <= upper); see `MixtureOfGaussians`.

    Raises
    ------
    InputError
        If there is not one bound for each variable.
    DomainError
        If a bound is NaN, or a lower one is above its upper one.
    """
    low, high = (_side(mog, side, name) for side, name in ((lower, "lower"), (upper, "upper")))
    wrong = np.flatnonzero(~(low <= high))
    if wrong.size:
        i = int(wrong[0])
        raise DomainError(
            f"lower: {low[i]:g} and upper {high[i]:g} seen for variable {i}; allowed: lower <= "
            "upper, -inf and inf where a side is open"
        )
    return float(np.exp(_log_probabilities(mog, low, high[None])[0]))


def _side(mog: Mixture, side: Any, name: str) -> Floats:
    try:
        bounds = np.atleast_1d(np.asarray(side, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DtypeError(f"{name}: {side!r} seen; allowed: one number for each variable") from error
    if bounds.shape != (mog.nvars,):
        raise InputError(
            shape_message(name, bounds.shape, (mog.nvars,), other="the variables of the mixture")
        )
    return bounds


def _log_probabilities(mog: Mixture, lower: Floats, upper: Floats) -> Floats:
    """log P(lower <= x <= upper_i) for bounds upper_i, (N, V); NaN where one is NaN.

    Inside a domain it is the probability of what the two boxes have in common, of each component
    in relation to that of the domain.
    """
    domain = parse_domain(mog.domain, mog.nvars)
    if domain is not None:
        lower, upper = np.maximum(lower, domain[0]), np.minimum(upper, domain[1])
    found = np.where(np.isnan(upper).any(axis=1), np.nan, -np.inf)
    some = (lower < upper).all(axis=1)
    if some.any():
        found[some] = _log_shares(mog, lower, upper[some])
    return found


def _log_shares(mog: Mixture, lower: Floats, upper: Floats) -> Floats:
    logs = inside_log_weights(mog)
    found = np.full(len(upper), -np.inf)
    # A domain may leave the whole of it.
    for k in np.flatnonzero(logs > -np.inf):
        masses = _log_masses(mog.mus[k], mog.Sigmas[k], lower, upper) - mog.log_masses[k]
        found = np.logaddexp(found, logs[k] + np.minimum(masses, 0.0))
    return found


def _log_masses(mu: Floats, Sigma: Floats, lower: Floats, upper: Floats) -> Floats:
    """log P(lower <= x <= upper_i) for x ~ N(mu, Sigma), (N,)."""
    if np.isfinite(lower).any():
        return np.array([_core.box_probability(mu, Sigma, lower, high)[0] for high in upper])
    masses = np.zeros(len(upper))
    # Open on one side all boxes are one, shifted; variables without a bound are integrated out.
    bounded = np.isfinite(upper)
    for pattern in np.unique(bounded, axis=0):
        if pattern.any():
            rows = (bounded == pattern).all(axis=1)
            means = mu[pattern] - upper[np.ix_(rows, pattern)]
            sides = np.full(len(means[0]), -np.inf), np.zeros(len(means[0]))
            masses[rows] = _core.log_masses_of_means(means, Sigma[np.ix_(pattern, pattern)], *sides)
    return masses

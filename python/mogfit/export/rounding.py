"""The numbers of a mixture as exports write them: in full, or rounded without ruining the density.

Rounding to d decimal places is what users expect to read, and no harm where numbers are of the
order of 1. A variance of 1e-8 would be gone. So a number is written with d decimal places if that
changes the density, in units of its own widths, by less than 10^(-d/2); otherwise with the fewest
significant digits, d or more, that do. In these units a change of

* a mean is the length of L^-1 (difference),
* a covariance is the norm of L^-1 (difference) L^-T, so that what is written stays positive
  definite,
* a standard deviation, a weight or a mass is relative,

and where a domain cuts a component so far out that its mass there is exp(-z^2 / 2), means count
1 + z times and widths (1 + z)^2 times, for so they change the density in the tail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.density.components import check_count
from mogfit.density.protocol import Mixture

__all__ = ["Numbers", "log_scales", "written_numbers"]

Floats = NDArray[np.float64]

# What a double has at most.
_ALL_DIGITS = 17

# A mass below this is written as its logarithm: quotients by it could overflow.
_SMALLEST_LOG_MASS = -600.0


class Numbers(NamedTuple):
    """What a source writes.

    Attributes
    ----------
    weights : ndarray of shape (G,)
    mus : ndarray of shape (G, V)
    Sigmas : ndarray of shape (G, V, V)
    sigmas : ndarray of shape (G, V)
    bounds : ndarray of shape (2, V) or None
        Those of the domain, in full.
    masses : ndarray of shape (G,) or (1,)
        By which the density of each component, or of all, is divided; 1 without a domain. 0 where
        the mass is too small: then `log_masses` is written.
    log_masses : ndarray of the same shape
    """

    weights: Floats
    mus: Floats
    Sigmas: Floats
    sigmas: Floats
    bounds: Floats | None
    masses: Floats
    log_masses: Floats


def log_scales(mog: Mixture) -> Floats:
    """log of what the densities of the components are divided by inside the domain.

    Of shape (G,) where each component is normalised on its own, and (1,) where the mixture is as
    a whole: log (sum_k w_k Z_k / sum_k w_k).
    """
    if mog.truncation == "components" or mog.domain is None:
        return np.array(mog.log_masses)
    with np.errstate(divide="ignore"):
        logs = np.log(mog.weights) + mog.log_masses
    top = logs.max()
    return np.array([top + np.log(np.exp(logs - top).sum() / mog.weights.sum())])


def written_numbers(mog: Mixture, decimals: int | None) -> Numbers:
    """The numbers of a mixture with `decimals` places, or more where it takes more.

    Parameters
    ----------
    mog : Mixture
    decimals : int or None
        None keeps every digit.

    Raises
    ------
    InputError
        If `decimals` is not a whole number, 0 or more.
    """
    log_masses = log_scales(mog)
    masses = np.exp(np.where(log_masses < _SMALLEST_LOG_MASS, -np.inf, log_masses))
    bounds = _bounds(mog)
    if decimals is None:
        exact = (mog.weights, mog.mus, mog.Sigmas, mog.sigmas)
        return Numbers(*exact, bounds, masses, log_masses)
    places = check_count(decimals, "decimals", 0)
    # However few digits are asked for: a change by a third is no rounding any more.
    allowed = 10.0 ** -max(places / 2, 0.5)
    stretch = 1.0 + np.sqrt(-2.0 * np.minimum(mog.log_masses, 0.0))
    mus, Sigmas = np.empty_like(mog.mus), np.empty_like(mog.Sigmas)
    sigmas = np.empty_like(mog.sigmas)
    for k in range(mog.ngauss):
        shift, spread = _changes(mog.mus[k], mog.Sigmas[k])
        steady = allowed / stretch[k] ** 2
        mus[k] = _rounded(mog.mus[k], places, shift, allowed / stretch[k])
        Sigmas[k] = _rounded(mog.Sigmas[k], places, spread, steady)
        sigmas[k] = _each(mog.sigmas[k], places, steady)
    weights, masses = _each(mog.weights, places, allowed), _each(masses, places, allowed)
    return Numbers(weights, mus, Sigmas, sigmas, bounds, masses, log_masses)


def _bounds(mog: Mixture) -> Floats | None:
    if mog.domain is None:
        return None
    free = (-math.inf, math.inf)
    return np.array([pair or free for pair in mog.domain]).T


def _changes(
    mean: Floats, covariance: Floats
) -> tuple[Callable[[Floats], float], Callable[[Floats], float]]:
    """How far other means, and other covariances, are from these in units of the component."""
    scale = np.sqrt(np.diag(covariance))
    factor = np.linalg.cholesky(covariance / scale / scale[:, None])

    def shift(other: Floats) -> float:
        return float(np.linalg.norm(np.linalg.solve(factor, (other - mean) / scale)))

    def spread(other: Floats) -> float:
        half = np.linalg.solve(factor, (other - covariance) / scale / scale[:, None])
        return float(np.linalg.norm(np.linalg.solve(factor, half.T), 2))

    return shift, spread


def _rounded(values: Floats, places: int, change: Callable[[Floats], float], most: float) -> Floats:
    """`values` with the fewest digits that change them by `most` at most."""
    # Adding 0 makes a plain 0 of -0.
    fixed = np.array([round(float(value), places) + 0.0 for value in values.flat])
    fixed = candidate = fixed.reshape(values.shape)
    for digits in range(max(places, 1), _ALL_DIGITS):
        if change(candidate) <= most:
            return candidate
        form = f".{digits}g"
        shorter = np.array([float(format(value, form)) for value in values.flat])
        shorter = shorter.reshape(values.shape)
        # Large numbers among small ones keep their decimal places.
        candidate = np.where(abs(fixed - values) < abs(shorter - values), fixed, shorter)
    return candidate if change(candidate) <= most else values


def _each(values: Floats, places: int, most: float) -> Floats:
    """Numbers rounded one by one, each changed by at most this part of itself."""
    return np.concatenate(
        [
            _rounded(values[i : i + 1], places, _relative_to(float(values[i])), most)
            for i in range(len(values))
        ]
    )


def _relative_to(value: float) -> Callable[[Floats], float]:
    return lambda other: abs(float(other[0]) - value) / abs(value) if value else 0.0

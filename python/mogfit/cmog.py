"""Densities under the names of MultiMin's C routines, run by the core.

Each takes points (N, V), one point (V,), or (N,) for one variable, and gives an array (N,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.data import as_points
from mogfit.density.components import check_covariances, check_means, check_weights, real_array
from mogfit.density.domain import parse_domain, rows_inside
from mogfit.errors import InputError, shape_message

__all__ = ["has_c_lib", "mog_c", "nmd_c", "tmog_c", "tnmd_c"]

Floats = NDArray[np.float64]

has_c_lib = True
"""Whether the compiled core is there: it always is."""


def nmd_c(X: Any, mu: ArrayLike, Sigma: ArrayLike) -> Floats:
    """Density of a normal with mean `mu` (V,) and covariance `Sigma` (V, V) at points.

    For one variable `mu` is a number and `Sigma` the variance. Returns an array (N,).

    Raises
    ------
    InputError
        If shapes do not fit or the covariance is not positive definite.

    Examples
    --------
    >>> from mogfit import cmog
    >>> cmog.nmd_c([0.0, 1.0], 0.0, 1.0).round(6)
    array([0.398942, 0.241971])
    """
    mean, covariance = _one(mu, Sigma)
    return _density(X, np.ones(1), mean, covariance)


def tnmd_c(
    X: Any, mu: ArrayLike, Sigma: ArrayLike, a: ArrayLike, b: ArrayLike, Z: float = 1.0
) -> Floats:
    """Density of a normal cut to the box from `a` to `b`, divided by `Z`: 0 outside the box.

    `Z` is the probability of the box, which the caller knows: see `mogfit.box_probability`.
    """
    mean, covariance = _one(mu, Sigma)
    return _inside(X, a, b, mean.shape[1]) * _density(
        X, np.ones(1) / _masses(Z, 1), mean, covariance
    )


def mog_c(X: Any, weights: ArrayLike, mus: ArrayLike, Sigmas: ArrayLike) -> Floats:
    """Density of a mixture, sum_k w_k N(x; mu_k, Sigma_k), the weights as they are."""
    means = check_means(mus)
    shares = check_weights(weights, len(means), normalise=False)
    return _density(X, shares, means, Sigmas)


def tmog_c(
    X: Any,
    weights: ArrayLike,
    mus: ArrayLike,
    Sigmas: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    Zs: ArrayLike,
) -> Floats:
    """Density of a mixture cut to a box, sum_k w_k N_k(x) / Z_k: 0 outside the box.

    `Zs` (G,) are the probabilities of the box under each component, which the caller knows.
    """
    means = check_means(mus)
    shares = check_weights(weights, len(means), normalise=False)
    inside = _inside(X, a, b, means.shape[1])
    return inside * _density(X, shares / _masses(Zs, len(means)), means, Sigmas)


def _one(mu: ArrayLike, Sigma: ArrayLike) -> tuple[Floats, Floats]:
    mean, covariance = np.atleast_1d(real_array(mu, "mu")), real_array(Sigma, "Sigma")
    if mean.ndim != 1:
        raise InputError(shape_message("mu", mean.shape, "one mean (V,)"))
    return mean[None], covariance.reshape(1, 1, 1) if covariance.size == 1 else covariance[None]


def _masses(Z: ArrayLike, count: int) -> Floats:
    masses = np.atleast_1d(real_array(Z, "Z"))
    if masses.shape != (count,) or (masses <= 0).any():
        raise InputError(f"Z: {masses.tolist()} seen; allowed: {count} numbers > 0")
    return masses


def _points(X: Any, nvars: int) -> NDArray[Any]:
    points = as_points(X, nvars=nvars, name="X", single_row_ok=True, allow_empty=True, finite=False)
    return points.values


def _density(X: Any, weights: Floats, means: Floats, Sigmas: ArrayLike) -> Floats:
    covariances = check_covariances(Sigmas, *means.shape)
    return _core.pdf(_core.PreparedMixture(weights, means, covariances), _points(X, means.shape[1]))


def _inside(X: Any, a: ArrayLike, b: ArrayLike, nvars: int) -> NDArray[np.bool_]:
    low, high = (np.atleast_1d(np.asarray(side, dtype=float)) for side in (a, b))
    for name, side in (("a", low), ("b", high)):
        if side.shape != (nvars,):
            raise InputError(shape_message(name, side.shape, (nvars,)))
    points = _points(X, nvars)
    bounds = parse_domain(list(zip(low.tolist(), high.tolist(), strict=True)), nvars)
    return np.ones(len(points), dtype=bool) if bounds is None else rows_inside(points, bounds)

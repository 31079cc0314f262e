"""Densities under the names of MultiMin's C routines, run by the core.

Each takes points (N, V), one point (V,), or numbers (N,) in one variable, and gives an array (N,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.data import as_points
from mogfit.density.components import check_covariances, check_means, check_weights, real_array
from mogfit.density.domain import rows_inside
from mogfit.errors import DomainError, DtypeError, InputError, bad_values_message, shape_message

__all__ = ["has_c_lib", "mog_c", "nmd_c", "tmog_c", "tnmd_c"]

Floats = NDArray[np.float64]

has_c_lib = True
"""Whether the compiled core is there: it always is."""


def nmd_c(X: Any, mu: ArrayLike, Sigma: ArrayLike) -> Floats:
    """Density of a normal distribution.

    Parameters
    ----------
    X : array_like of shape (N, V) or (V,), or a number or (N,) in one variable
        Where. A NaN gives NaN.
    mu : array_like of shape (V,), or a number
        Mean.
    Sigma : array_like of shape (V, V), or a number
        Covariance; the variance in one variable, for every kind of `X`. As in SciPy, (V,) are
        variances of independent variables, and a number is the variance of each.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InputError
        If shapes do not fit, or the covariance is not symmetric and positive definite.

    Examples
    --------
    >>> from mogfit import cmog
    >>> cmog.nmd_c([0.0, 1.0], 0.0, 1.0).round(6)
    array([0.398942, 0.241971])
    >>> cmog.nmd_c([0.0, 1.0], [0.0, 0.0], [[1.0, 0.5], [0.5, 2.0]]).round(6)
    array([0.09041])
    """
    mean, covariance = one_normal(mu, Sigma)
    return _density(points_of(X, mean.shape[1]), np.zeros(1), mean, covariance)


def tnmd_c(
    X: Any, mu: ArrayLike, Sigma: ArrayLike, a: ArrayLike, b: ArrayLike, Z: float = 1.0
) -> Floats:
    """Density of a normal distribution inside a box, divided by `Z`; 0 outside.

    Parameters
    ----------
    X, mu, Sigma : array_like
        As in `nmd_c`.
    a, b : array_like of shape (V,), or numbers
        Lower and upper sides of the box, which belong to it and may be infinite. A number is the
        side of every variable.
    Z : float, default 1
        Probability of the box, which the caller knows: see `mogfit.box_probability`.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InputError
        As `nmd_c`, and if `Z` is not above 0.
    DomainError
        If a lower side is not below its upper side.

    Examples
    --------
    Half of a standard normal distribution:

    >>> import numpy as np
    >>> from mogfit import cmog
    >>> cmog.tnmd_c([-1.0, 0.0, 1.0], 0.0, 1.0, 0.0, np.inf, Z=0.5).round(6)
    array([0.      , 0.797885, 0.483941])
    """
    mean, covariance = one_normal(mu, Sigma)
    sides = box_sides(a, b, mean.shape[1])
    return _cut(points_of(X, mean.shape[1]), -_log_masses(Z, 1, "Z"), mean, covariance, sides)


def mog_c(X: Any, weights: ArrayLike, mus: ArrayLike, Sigmas: ArrayLike) -> Floats:
    """Density of a mixture, sum_k w_k N(x; mu_k, Sigma_k).

    Parameters
    ----------
    X : array_like of shape (N, V) or (V,), or a number or (N,) in one variable
        Where. A NaN gives NaN.
    weights : array_like of shape (G,)
        Used as they are: they need not have the sum 1.
    mus : array_like of shape (G, V), or (G,) in one variable
        Means.
    Sigmas : array_like of shape (G, V, V), or (G,) variances in one variable
        Covariances.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InputError
        If shapes do not fit, a weight is negative or all are 0, or a covariance is not symmetric
        and positive definite.

    Examples
    --------
    >>> from mogfit import cmog
    >>> cmog.mog_c([0.0, 1.3], [0.5, 0.5], [0.0, 2.5], [1.0, 0.25]).round(6)
    array([0.199473, 0.108079])
    """
    log_weights, means, covariances = _mixture(weights, mus, Sigmas)
    return _density(points_of(X, means.shape[1]), log_weights, means, covariances)


def tmog_c(
    X: Any,
    weights: ArrayLike,
    mus: ArrayLike,
    Sigmas: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    Zs: ArrayLike,
) -> Floats:
    """Density of a mixture inside a box, sum_k w_k N_k(x) / Z_k; 0 outside.

    Parameters
    ----------
    X, weights, mus, Sigmas : array_like
        As in `mog_c`.
    a, b : array_like of shape (V,), or numbers
        Sides of the box, as in `tnmd_c`.
    Zs : array_like of shape (G,)
        Probability of the box under each component, used as it is.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InputError
        As `mog_c`, and if one of `Zs` is not above 0.
    DomainError
        If a lower side is not below its upper side.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[[0, 1]])
    >>> Zs = [mn.Util.exp(log_mass) for log_mass in mog.log_masses]
    >>> mn.cmog.tmog_c([0.5, 1.5], mog.weights, mog.mus, mog.Sigmas, 0.0, 1.0, Zs).round(6)
    array([0.316053, 0.      ])
    """
    log_weights, means, covariances = _mixture(weights, mus, Sigmas)
    sides = box_sides(a, b, means.shape[1])
    log_weights = log_weights - _log_masses(Zs, len(means), "Zs")
    return _cut(points_of(X, means.shape[1]), log_weights, means, covariances, sides)


def one_normal(mu: ArrayLike, Sigma: ArrayLike) -> tuple[Floats, Floats]:
    """Mean (1, V) and covariance (1, V, V) of one distribution, checked."""
    mean, covariance = np.atleast_1d(real_array(mu, "mu")), real_array(Sigma, "Sigma")
    nvars = mean.size
    if mean.ndim != 1 or nvars == 0:
        raise InputError(shape_message("mu", mean.shape, "one mean (V,)"))
    if covariance.shape in ((), (nvars,)):
        covariance = np.diag(np.broadcast_to(covariance, nvars))
    if covariance.shape != (nvars, nvars):
        raise InputError(
            shape_message(
                "Sigma", covariance.shape, (nvars, nvars), other="mu", other_shape=mean.shape
            )
        )
    return mean[None], check_covariances(covariance, 1, nvars, name="Sigma")


def box_sides(a: ArrayLike, b: ArrayLike, nvars: int) -> Floats:
    """Lower and upper sides of a box, (2, V), checked; a number is the side of every variable."""
    sides = np.empty((2, nvars))
    for row, (name, values) in enumerate((("a", a), ("b", b))):
        side = np.asarray(values)
        if side.dtype.kind not in "fiu":
            raise DtypeError(f"{name}: dtype {side.dtype} seen; allowed: numbers, also infinite")
        if side.shape not in ((), (nvars,)):
            raise InputError(shape_message(name, side.shape, (nvars,)))
        sides[row] = side
    wrong = np.flatnonzero(~(sides[0] < sides[1]))
    if wrong.size:
        i = int(wrong[0])
        raise DomainError(
            f"a: {sides[0, i]:g} seen where b is {sides[1, i]:g}, first at index {i}; allowed: a < "
            "b in every variable"
        )
    return sides


def points_of(X: Any, nvars: int) -> NDArray[Any]:
    """Points (N, V) to evaluate a density at."""
    points = as_points(X, nvars=nvars, name="X", single_row_ok=True, allow_empty=True, finite=False)
    return points.values


def _mixture(
    weights: ArrayLike, mus: ArrayLike, Sigmas: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Logarithms of the weights, means and covariances of a mixture, checked."""
    means = check_means(mus)
    with np.errstate(divide="ignore"):  # a weight may be 0
        log_weights = np.log(check_weights(weights, len(means), normalise=False))
    return log_weights, means, check_covariances(Sigmas, *means.shape)


def _log_masses(Z: ArrayLike, count: int, name: str) -> Floats:
    masses = np.atleast_1d(real_array(Z, name))
    if masses.shape != (count,):
        raise InputError(shape_message(name, masses.shape, (count,)))
    bad = np.flatnonzero(masses <= 0)
    if bad.size:
        raise InputError(
            bad_values_message(
                name,
                bad.size,
                count,
                "not positive",
                first=f"index {bad[0]}",
                seen=f"{masses[bad[0]]:g}",
                allowed="probabilities > 0",
            )
        )
    return np.log(masses)


def _density(
    points: NDArray[Any], log_weights: Floats, means: Floats, covariances: Floats
) -> Floats:
    prepared = _core.PreparedMixture(np.ones(len(means)), means, covariances)
    return _core.pdf(prepared.with_log_weights(log_weights), points)


def _cut(
    points: NDArray[Any],
    log_weights: Floats,
    means: Floats,
    covariances: Floats,
    sides: Floats,
) -> Floats:
    """The density inside the box, 0 outside; a point with a NaN keeps it, since 0 NaN is NaN."""
    return rows_inside(points, sides) * _density(points, log_weights, means, covariances)

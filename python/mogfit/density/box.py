"""The probability that a normal vector falls into a box, with its derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.density.components import check_covariances, real_array
from mogfit.errors import DomainError, InputError, scalar_message, shape_message

__all__ = ["BoxProbability", "box_probability"]

Floats = NDArray[np.float64]


class BoxProbability(NamedTuple):
    """What `box_probability` finds.

    Attributes
    ----------
    log_probability : float
        log Z, finite however far away the box is.
    error : float
        Estimate of the relative error of Z.
    mean, covariance : ndarray of shape (V,) and (V, V)
        Of the normal vector inside the box.
    gradient_mean : ndarray of shape (V,)
        d log Z / d mean.
    gradient_covariance : ndarray of shape (V, V)
        G with d log Z = sum_ij G_ij dSigma_ij for symmetric changes of the covariance.
    """

    log_probability: float
    error: float
    mean: Floats
    covariance: Floats
    gradient_mean: Floats
    gradient_covariance: Floats


def box_probability(
    mean: ArrayLike,
    covariance: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    rtol: float = 1e-4,
) -> BoxProbability:
    r"""Probability Z that x ~ N(mean, covariance) has lower <= x <= upper, and its derivatives.

    Variables without finite bounds are integrated out, groups of variables that are independent of
    each other multiply. Up to four bounded variables Z is computed by nested quadrature, to
    rounding and at any distance in the tails; beyond, by a rank-1 lattice rule with minimax
    tilting. The same arguments give the same bits.

    Parameters
    ----------
    mean : array_like of shape (V,)
    covariance : array_like of shape (V, V)
        Symmetric and positive definite.
    lower, upper : array_like of shape (V,)
        Bounds, -inf and inf where a side is open.
    rtol : float, default 1e-4
        Relative error that lattice rules aim at, from five bounded variables on.

    Returns
    -------
    BoxProbability

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, or the covariance is not one.
    DomainError
        If a lower bound is not below its upper bound.

    Notes
    -----
    With m = E[x - mean | box] and M = E[(x - mean)(x - mean)^T | box],
    d log Z / d mean = Sigma^-1 m and d log Z / d Sigma = Sigma^-1 (M - Sigma) Sigma^-1 / 2. The
    lattice rules are those of Genz & Bretz (2009), tilted as in Botev (2017), "The normal law
    under linear restrictions".

    Examples
    --------
    An orthant of two variables with correlation 1/2 holds a third:

    >>> import numpy as np
    >>> import mogfit as mn
    >>> found = mn.box_probability([0, 0], [[1, 0.5], [0.5, 1]], [0, 0], [np.inf, np.inf])
    >>> round(np.exp(found.log_probability), 12)
    0.333333333333
    """
    centre = np.atleast_1d(real_array(mean, "mean"))
    if centre.ndim != 1 or not centre.size:
        raise InputError(shape_message("mean", centre.shape, "one value for each variable,"))
    nvars = len(centre)
    sigma = check_covariances(
        np.reshape(covariance, np.shape(covariance) or 1), 1, nvars, name="covariance"
    )[0]
    sides = np.empty((2, nvars))
    for row, (name, values) in enumerate((("lower", lower), ("upper", upper))):
        side = np.atleast_1d(np.asarray(values, dtype=np.float64))
        if side.shape != (nvars,):
            raise InputError(shape_message(name, side.shape, (nvars,), other="mean"))
        sides[row] = side
    wrong = np.flatnonzero(~(sides[0] < sides[1]))
    if wrong.size:
        i = int(wrong[0])
        raise DomainError(
            f"lower: {sides[0, i]:g} and upper {sides[1, i]:g} seen at index {i}; allowed: lower < "
            "upper"
        )
    if not (isinstance(rtol, (float, int)) and 0 < rtol < np.inf):
        raise InputError(scalar_message("rtol", rtol, "a number > 0"))
    log_z, error, first, excess = _core.box_probability(centre, sigma, sides[0], sides[1], rtol)
    # In standard deviations: the units of the variables may be far apart.
    scale = np.sqrt(np.diag(sigma))
    precision = np.linalg.inv(sigma / np.outer(scale, scale))
    spread = np.outer(scale, scale)
    whitened = precision @ (excess / spread) @ precision
    # Rounding differs between the triangles.
    by_covariance = 0.25 * (whitened + whitened.T) / spread
    return BoxProbability(
        log_z,
        error,
        centre + first,
        sigma + excess - np.outer(first, first),
        precision @ (first / scale) / scale,
        by_covariance,
    )

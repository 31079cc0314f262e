"""Formulas that MultiMin's scripts use, which `Util` gathers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.cmog import box_sides, nmd_c, one_normal, points_of, tnmd_c
from mogfit.density.components import real_array
from mogfit.errors import InputError, scalar_message, shape_message
from mogfit.parameters import bound_to_unbound, unbound_to_bound

__all__ = [
    "f2u",
    "logit_transform",
    "mantisa_exp",
    "nmd",
    "t_if",
    "tnmd",
    "true_anomaly_to_mean_anomaly",
    "u2f",
]

Floats = NDArray[np.float64]


def f2u(x: Any, s: Any) -> Any:
    """Map the interval (0, s) to the real line.

    Parameters
    ----------
    x : float or array_like
        Values; 0 and `s` give -inf and inf, and what lies outside gives NaN.
    s : float or array_like
        Length of the interval, not 0.

    Returns
    -------
    float or ndarray
        log(x / (s - x)), the logit of x / s.

    Raises
    ------
    InputError
        If a length is 0: `t_if` and `logit_transform` leave such values as they are.

    Examples
    --------
    >>> float(f2u(9.0, 10.0)) == float(np.log(9.0))
    True
    """
    value, length = np.asarray(x, dtype=float), np.asarray(s, dtype=float)
    if (length == 0).any():
        raise InputError(scalar_message("s", s, "lengths other than 0"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(value / (length - value))[()]


def u2f(t: Any, s: Any) -> Any:
    """Map the real line to the interval (0, s): the inverse of `f2u`.

    Parameters
    ----------
    t : float or array_like
        Values.
    s : float or array_like
        Length of the interval.

    Returns
    -------
    float or ndarray
        s / (1 + exp(-t)).

    Examples
    --------
    >>> float(u2f(0.0, 10.0))
    5.0
    """
    with np.errstate(over="ignore"):
        return (np.asarray(s) / (1.0 + np.exp(-np.asarray(t, dtype=float))))[()]


def t_if(p: Iterable[Any], s: Iterable[Any], f: Callable[[Any, Any], Any]) -> list[Any]:
    """Apply a function to the values that have a scale.

    Parameters
    ----------
    p : iterable
        Values.
    s : iterable
        Scales, at least as many.
    f : callable
        Function of a value and its scale.

    Returns
    -------
    list
        ``f(p_i, s_i)`` where s_i > 0, and p_i elsewhere.

    Raises
    ------
    InputError
        If there are fewer scales than values.

    Examples
    --------
    >>> [float(x) for x in t_if([3.0, 0.0], [0, 10], u2f)]
    [3.0, 5.0]
    """
    values, scales = list(p), list(s)
    if len(scales) < len(values):
        raise InputError(
            f"s: {len(scales)} scales seen for {len(values)} values of p; give one for each"
        )
    return [
        f(value, scale) if scale > 0 else value
        for value, scale in zip(values, scales, strict=False)
    ]


def logit_transform(data: ArrayLike, scales: ArrayLike, inverse: bool = False) -> Floats:
    """Map columns with a scale above 0 from (0, scale) to the real line, or back.

    Parameters
    ----------
    data : array_like of shape (N, V) or (V,)
        Values.
    scales : array_like of shape (V,)
        Of each column; 0 leaves it as it is.
    inverse : bool, default False
        Map back.

    Returns
    -------
    ndarray of the shape of `data`

    Raises
    ------
    InputError
        If there is not one scale for each column, or a value is not finite.

    Examples
    --------
    >>> logit_transform([[7.0, 5.0], [8.0, 10.0]], [0, 10])
    array([[ 7.,  0.],
           [ 8., inf]])
    """
    values, scale = real_array(data, "data"), np.atleast_1d(real_array(scales, "scales"))
    if scale.shape != values.shape[-1:]:
        raise InputError(
            shape_message(
                "scales", scale.shape, values.shape[-1:], other="data", other_shape=values.shape
            )
        )
    return unbound_to_bound(values, scale) if inverse else bound_to_unbound(values, scale)


def nmd(X: Any, mu: ArrayLike, Sigma: ArrayLike) -> Any:
    r"""Density of a normal distribution. MIND THE THIRD ARGUMENT: it has two meanings.

    For a float `X` it is the STANDARD DEVIATION; for everything else, whole numbers and
    arrays of one number included, it is the COVARIANCE (in one variable the variance). The
    name and the two meanings are MultiMin's, on which scripts rely. `mogfit.cmog.nmd_c`, the
    `pdf` of a mixture and the functions that `get_function` writes have one meaning only.

    Parameters
    ----------
    X : float, or array_like of shape (V,), (N, V) or (..., V), or (N,) in one variable
        Where.
    mu : array_like of shape (V,), or a number
        Mean.
    Sigma : array_like of shape (V, V), or a number
        Standard deviation or covariance, as said above. As in SciPy, (V,) are variances of
        independent variables.

    Returns
    -------
    numpy.float64 or ndarray
        One number for one point, otherwise (N,), or the shape of `X` without its last axis.
        With a float `X`, `mu` and `Sigma` may be arrays, which are broadcast.

    Raises
    ------
    InputError
        If shapes do not fit, a standard deviation is not above 0, or a covariance is not
        symmetric and positive definite.

    Examples
    --------
    >>> round(float(nmd(1.0, 0.0, 2.0)), 6)  # standard deviation 2
    0.176033
    >>> round(float(nmd(1, 0.0, 2.0)), 6)  # variance 2
    0.219696
    """
    if isinstance(X, float):
        width = real_array(Sigma, "Sigma")
        if (width <= 0).any():
            raise InputError(scalar_message("Sigma", Sigma, "standard deviations > 0"))
        mean = real_array(mu, "mu")
        try:
            z = (X - mean) / width
        except ValueError as error:
            raise InputError(shape_message("Sigma", width.shape, mean.shape, other="mu")) from error
        with np.errstate(over="ignore", under="ignore"):
            return (np.exp(-0.5 * z * z) / (width * math.sqrt(2.0 * math.pi)))[()]
    grid = np.shape(X) if isinstance(X, np.ndarray) and X.ndim > 2 else None
    density = nmd_c(X if grid is None else X.reshape(-1, grid[-1]), mu, Sigma)
    if grid is not None:
        return density.reshape(grid[:-1])
    return density[0] if len(density) == 1 else density


def tnmd(
    X: Any,
    mu: ArrayLike,
    Sigma: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    Z: float | None = None,
) -> Any:
    """Density of a normal distribution cut to a box: 0 outside.

    Parameters
    ----------
    X : array_like of shape (V,) or (N, V), or a number or numbers in one variable
        Where. A NaN gives NaN.
    mu : array_like of shape (V,), or a number
        Mean.
    Sigma : array_like of shape (V, V), or a number
        Covariance; in one variable the VARIANCE, whatever `X` is (unlike in `nmd`).
    a, b : array_like of shape (V,), or numbers
        Lower and upper sides of the box, which belong to it and may be infinite.
    Z : float, optional
        Probability of the box, to divide by. By default it is computed, not drawn: to rounding
        up to four bounded variables and at any distance in the tails (see
        `mogfit.box_probability`). In one variable it always is, and `Z` is passed over.

    Returns
    -------
    float or ndarray of shape (N,)
        A float for one point.

    Raises
    ------
    InputError
        If shapes do not fit, `Z` is not above 0, or the covariance is not symmetric and
        positive definite.
    DomainError
        If a lower side is not below its upper side.

    Examples
    --------
    Half of a standard normal distribution, twice its density:

    >>> round(tnmd(0.0, 0.0, 1.0, 0.0, np.inf), 6)
    0.797885
    """
    mean, covariance = one_normal(mu, Sigma)
    nvars = mean.shape[1]
    if Z is None or nvars == 1:
        points = points_of(np.ravel(X) if nvars == 1 else X, nvars)
        # The core divides logarithms: Z itself may be too small for a float.
        law = _core.PreparedMixture(np.ones(1), mean, covariance, box_sides(a, b, nvars))
        density = _core.pdf(law, points)
    else:
        density = tnmd_c(X, mean[0], covariance[0], a, b, Z)
    return float(density[0]) if len(density) == 1 else density


def true_anomaly_to_mean_anomaly(e: Any, f: Any) -> Any:
    """Mean anomaly of an elliptic orbit.

    Parameters
    ----------
    e : float or array_like
        Eccentricity, from 0 to below 1; others, which are no ellipses, give NaN.
    f : float or array_like
        True anomaly in radians.

    Returns
    -------
    float or ndarray
        In radians from -pi to pi: M = E - e sin E with
        tan(E / 2) = sqrt((1 - e) / (1 + e)) tan(f / 2) (Murray & Dermott 1999, section 2.4).

    Examples
    --------
    >>> round(float(true_anomaly_to_mean_anomaly(0.5, np.pi / 2)), 6)
    0.614185
    """
    eccentricity, half = np.asarray(e, dtype=float), 0.5 * np.asarray(f, dtype=float)
    ellipse = (eccentricity >= 0) & (eccentricity < 1)
    eccentricity = np.where(ellipse, eccentricity, np.nan)
    with np.errstate(invalid="ignore"):
        root = np.sqrt((1.0 - eccentricity) / (1.0 + eccentricity))
        anomaly = 2.0 * np.arctan(root * np.tan(half))
    return (anomaly - eccentricity * np.sin(anomaly))[()]


def mantisa_exp(x: float) -> tuple[float, int]:
    """Mantissa and exponent of a number, x = mantissa 10**exponent.

    Parameters
    ----------
    x : float
        The number, finite.

    Returns
    -------
    mantissa : float
        Of absolute value from 1 to below 10; 0 for 0.
    exponent : int

    Raises
    ------
    InputError
        If the number is not finite, or not one number.
    DtypeError
        If it is not a number.

    Examples
    --------
    >>> mantisa_exp(-0.00123)
    (-1.23, -3)
    """
    number = real_array(x, "x")
    if number.ndim:
        raise InputError(shape_message("x", number.shape, "one number"))
    if number == 0:
        return 0.0, 0
    # The decimal digits know the exponent; a logarithm rounds 1000 to just below 3.
    mantissa, exponent = np.format_float_scientific(float(number)).split("e")
    return float(mantissa), int(exponent)

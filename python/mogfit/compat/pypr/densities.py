"""Draws from a mixture, its density, its likelihood, and the components that points belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.compat.pypr.lists import CENTER_LIST, Parts, parts, points, prepared
from mogfit.density.components import check_count, check_covariances, real_array
from mogfit.errors import InputError, scalar_message, shape_message
from mogfit.rng import draw_seed

__all__ = [
    "gm_assign_to_cluster",
    "gm_log_likelihood",
    "gmm_pdf",
    "logmulnormpdf",
    "mulnormpdf",
    "sample_gaussian_mixture",
]

Floats = NDArray[np.float64]

# Weights whose sum is farther from 1 are a mistake rather than rounding.
_SUM_TOLERANCE = 1e-6


def sample_gaussian_mixture(
    centroids: Any, ccov: Any, mc: Any = None, samples: int = 1, *, rng: Any = None
) -> Floats:
    """Draw points from a mixture.

    Parameters
    ----------
    centroids : list of K arrays of shape (D,)
        Centres.
    ccov : list of K arrays of shape (D, D)
        Covariances.
    mc : array_like of shape (K,), optional
        Weights, of sum 1 up to rounding; equal ones by default.
    samples : int, default 1
        Number of points.
    rng : None, int, numpy.random.Generator or RandomState, optional
        Source of the seed; None takes one draw from numpy's global state, so that
        ``np.random.seed`` makes a script repeatable.

    Returns
    -------
    ndarray of shape (samples, D)

    Raises
    ------
    InputError
        If shapes do not fit, the weights do not have the sum 1, or a covariance is not symmetric
        and positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> centroids, ccov = [np.array([0, 0]), np.array([3, 3])], [np.eye(2), np.diag([1, 2])]
    >>> sample_gaussian_mixture(centroids, ccov, [0.4, 0.6], samples=1000).shape
    (1000, 2)
    """
    found = parts(centroids, ccov, mc)
    total = float(found.weights.sum())
    if abs(total - 1.0) > _SUM_TOLERANCE:
        raise InputError(
            scalar_message("mc", total, "weights of sum 1", remedy="divide them by their sum")
        )
    drawn, _ = _core.sample(prepared(found), check_count(samples, "samples", 0), draw_seed(rng))
    return drawn


def mulnormpdf(X: Any, MU: Any, SIGMA: Any) -> Floats:
    """Density of one multivariate Gaussian.

    Parameters
    ----------
    X : array_like of shape (N, D), or (D,) for one point, or (N,) when D = 1
        Points as rows.
    MU : array_like of shape (D,)
        Mean.
    SIGMA : array_like of shape (D, D), or a variance when D = 1
        Covariance.

    Returns
    -------
    ndarray of shape (N,)
        NaN where a coordinate is NaN.

    Raises
    ------
    InputError
        If MU is not a vector, a shape does not fit it, or SIGMA is not symmetric and positive
        definite.

    Examples
    --------
    >>> mulnormpdf([[0.0, 0.0], [1.0, 0.0]], [0.0, 0.0], [[1.0, 0.4], [0.4, 1.0]]).round(6)
    array([0.173652, 0.095757])
    """
    one = prepared(_one(MU, SIGMA))
    return _core.pdf(one, points(X, one.nvars))


def logmulnormpdf(X: Any, MU: Any, SIGMA: Any) -> Floats:
    """Logarithm of the density of one multivariate Gaussian, finite however far away.

    Takes, returns and raises what `mulnormpdf` does.

    Examples
    --------
    >>> logmulnormpdf([0.0, 100.0], [0.0], 1.0).round(3)
    array([-9.190000e-01, -5.000919e+03])
    """
    one = prepared(_one(MU, SIGMA))
    return _core.logpdf(one, points(X, one.nvars))


def gmm_pdf(X: Any, centroids: Any, ccov: Any, mc: Any, individual: bool = False) -> Floats:
    """Density of a mixture, or the parts of it that its components give.

    Parameters
    ----------
    X : array_like of shape (N, D), or (D,) for one point, or (N,) when D = 1
        Points as rows.
    centroids, ccov, mc : list
        The mixture, as in `sample_gaussian_mixture`. Weights are used as they are.
    individual : bool, default False
        Whether to return the parts.

    Returns
    -------
    ndarray of shape (N,), or (N, K) if `individual`
        The density; or mc[k] N(x; centroids[k], ccov[k]), whose sum over k is the density.

    Raises
    ------
    InputError
        As `sample_gaussian_mixture`, whatever the sum of the weights is.

    Examples
    --------
    >>> gmm_pdf([[0.0], [2.0]], [[0.0], [2.0]], [[[1.0]], [[1.0]]], [0.5, 0.5]).round(6)
    array([0.226467, 0.226467])
    """
    found = parts(centroids, ccov, mc)
    mixture, rows = prepared(found), points(X, found.means.shape[1])
    if not individual:
        return _core.pdf(mixture, rows)
    return np.exp(_core.component_logpdf(mixture, rows) + mixture.log_weights)


def gm_log_likelihood(X: Any, center_list: Any, cov_list: Any, p_k: Any) -> float:
    """Log-likelihood of all points together, sum_i log p(x_i).

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    center_list, cov_list, p_k : list
        The mixture, as in `gmm_pdf`.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If a coordinate is not finite, or as `gmm_pdf`.

    Examples
    --------
    >>> round(gm_log_likelihood([[0.0], [100.0]], [[0.0]], [[[1.0]]], [1.0]), 3)
    -5001.838
    """
    found = parts(center_list, cov_list, p_k, CENTER_LIST)
    return _core.log_likelihood(prepared(found), points(X, found.means.shape[1], finite=True))


def gm_assign_to_cluster(X: Any, center_list: Any, cov_list: Any, p_k: Any) -> NDArray[np.int64]:
    """The component that each point most probably came from.

    Takes and raises what `gm_log_likelihood` does.

    Returns
    -------
    ndarray of int, shape (N,)
        The k of largest p_k N(x; center_list[k], cov_list[k]), from 0; the first one of several.

    Examples
    --------
    >>> gm_assign_to_cluster([[-1.0], [1.0], [9.0]], [[0.0], [2.0]], [[[1.0]], [[1.0]]], [0.5, 0.5])
    array([0, 0, 1])
    """
    found = parts(center_list, cov_list, p_k, CENTER_LIST)
    mixture, rows = prepared(found), points(X, found.means.shape[1], finite=True)
    logs = _core.component_logpdf(mixture, rows) + mixture.log_weights
    return np.argmax(logs, axis=1).astype(np.int64)


def _one(MU: Any, SIGMA: Any) -> Parts:
    """One Gaussian as a mixture."""
    mean = real_array(MU, "MU")
    if mean.ndim != 1 or mean.size == 0:
        raise InputError(shape_message("MU", mean.shape, "one mean (D,)"))
    covariance = real_array(SIGMA, "SIGMA")
    if covariance.size == 1 == mean.size:
        covariance = covariance.reshape(1, 1)
    if covariance.shape != (mean.size, mean.size):
        raise InputError(
            shape_message(
                "SIGMA",
                covariance.shape,
                (mean.size, mean.size),
                other="MU",
                other_shape=mean.shape,
            )
        )
    checked = check_covariances(covariance, 1, mean.size, name="SIGMA")
    return Parts(np.ones(1), mean[None], checked)

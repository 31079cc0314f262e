"""How far components lie from each other, and the ellipses that they are drawn as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.compat.pypr.lists import CENTER_LIST, Parts, mixture, parts
from mogfit.errors import InputError, choice_message, shape_message

__all__ = ["find_density_diff", "gauss_ellipse_2d"]

Floats = NDArray[np.float64]

_METHODS = ("hellinger", "hellinger_weighted", "KL")


def find_density_diff(
    center_list: Any,
    cov_list: Any,
    p_k: Any = None,
    method: str | Callable[..., float] = "hellinger",
) -> Floats:
    """Compare every two components of a mixture.

    Parameters
    ----------
    center_list, cov_list : list
        K centres (D,) and covariances (D, D).
    p_k : array_like of shape (K,), optional
        Weights, which "hellinger_weighted" alone looks at; equal ones by default.
    method : {"hellinger", "hellinger_weighted", "KL"} or callable, default "hellinger"
        With N_i and N_j the densities of two components:

        * ``"hellinger"``: the Bhattacharyya coefficient BC = integral of sqrt(N_i N_j), 1 for
          identical components and 0 for ones that are far apart; Hellinger's distance is
          sqrt(1 - BC);
        * ``"hellinger_weighted"``: the integral of (sqrt(p_i N_i) - sqrt(p_j N_j))^2
          = p_i + p_j - 2 sqrt(p_i p_j) BC, the squared Hellinger distance of the components with
          their weights (Sung 2004, equation 3.9), 0 for identical ones of equal weight;
        * ``"KL"``: the divergence KL(N_j || N_i), 0 for identical components;
        * a function: ``method(center_i, cov_i, center_j, cov_j)``.

    Returns
    -------
    ndarray of shape (K, K)
        Entry (i, j) compares components i <= j; below the diagonal it is 0.

    Raises
    ------
    InputError
        If the method is none of these, or the mixture is none.

    Examples
    --------
    >>> import numpy as np
    >>> find_density_diff([[0.0], [2.0]], [[[1.0]], [[1.0]]]).round(6)
    array([[1.      , 0.606531],
           [0.      , 1.      ]])
    >>> find_density_diff([[0.0], [2.0]], [[[1.0]], [[1.0]]], method="KL")
    array([[0., 2.],
           [0., 0.]])
    """
    found = parts(center_list, cov_list, p_k, CENTER_LIST)
    if callable(method):
        return _by_function(found, method)
    if method not in _METHODS:
        raise InputError(choice_message("method", method, _METHODS))
    mog = mixture(found)
    if method == "KL":
        return np.triu(mog.component_distances("kl").T)
    distances = mog.component_distances("bhattacharyya")
    if method == "hellinger":
        return np.triu(np.exp(-distances))
    # p_i + p_j - 2 sqrt(p_i p_j) BC in terms that are positive: nothing cancels.
    roots = np.sqrt(found.weights)
    apart = 2.0 * roots[:, None] * roots * -np.expm1(-distances)
    return np.triu(np.square(roots[:, None] - roots) + apart)


def gauss_ellipse_2d(
    centroid: Any, ccov: Any, sdwidth: float = 1, points: int = 100
) -> tuple[Floats, Floats]:
    """The ellipse at which a Gaussian in two variables is `sdwidth` standard deviations away.

    Parameters
    ----------
    centroid : array_like of shape (2,)
        Centre.
    ccov : array_like of shape (2, 2)
        Covariance.
    sdwidth : float, default 1
        Mahalanobis distance of the ellipse from the centre.
    points : int, default 100
        Number of points; the last one is the first one again.

    Returns
    -------
    x, y : ndarray of shape (points,)

    Raises
    ------
    InputError
        If there are not two variables, the covariance is not symmetric and positive definite, or
        a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = gauss_ellipse_2d([1.0, 2.0], np.diag([4.0, 1.0]), sdwidth=2)
    >>> round(float(x.max()), 2), x.shape, bool(x[0] == x[-1])
    (5.0, (100,), True)
    """
    if np.shape(centroid) != (2,):
        raise InputError(shape_message("centroid", np.shape(centroid), (2,)))
    found = parts([centroid], [ccov], None, ("centroid", "ccov", "mc"))
    curve = mixture(found).ellipse(0, nsigma=sdwidth, points=points)
    return curve[:, 0].copy(), curve[:, 1].copy()


def _by_function(found: Parts, method: Callable[..., float]) -> Floats:
    count = len(found.weights)
    centres, covariances, _ = found.lists()
    differences = np.zeros((count, count))
    for i in range(count):
        for j in range(i, count):
            differences[i, j] = method(centres[i], covariances[i], centres[j], covariances[j])
    return differences

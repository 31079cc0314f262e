"""PyPR's information criterion, of which larger is better."""

from __future__ import annotations

import math

from mogfit.density.components import check_count

__all__ = ["bic", "bic_gmm"]


def bic(logL: float, M: float, N: float) -> float:
    """Bayesian information criterion, log L - (M / 2) log N: larger is better.

    Parameters
    ----------
    logL : float
        Log-likelihood of all points at its maximum.
    M : float
        Number of free parameters.
    N : float
        Number of points.

    Returns
    -------
    float
        -1/2 times what most others call BIC, -2 log L + M log N, of which smaller is better
        (Schwarz 1978; Bishop 2006, equation 4.139).

    Examples
    --------
    >>> round(bic(-1000.0, 5, 100), 3)
    -1011.513
    """
    return logL - 0.5 * M * math.log(N)


def bic_gmm(logL: float, N: int, D: int, K: int) -> float:
    """`bic` of a mixture of K Gaussians in D variables, full covariances: larger is better.

    Parameters
    ----------
    logL : float
        Log-likelihood of all points at its maximum.
    N, D, K : int
        Numbers of points, of variables and of components. The mixture has
        M = (K - 1) + K (D + D (D + 1) / 2) free parameters.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If a number is not a whole one, 1 or more.

    Examples
    --------
    >>> bic_gmm(-1000.0, 100, 2, 1) == bic(-1000.0, 5, 100)
    True
    """
    points, variables = check_count(N, "N", 1), check_count(D, "D", 1)
    components = check_count(K, "K", 1)
    each = variables + variables * (variables + 1) // 2
    return bic(logL, components - 1 + components * each, points)

"""Information criteria, on the scale where smaller is better.

Weights of points say how much each counts, not how many there are: with weights s_i the number of
points is Kish's effective size ``n = (sum s)^2 / sum s^2``, and log L is scaled to as many points,
``n sum_i s_i log p(x_i) / sum s``. Equal weights of any size then change nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.components import is_number
from mogfit.errors import InputError, scalar_message
from mogfit.observations import Observations

__all__ = ["aic", "bic", "check_size", "entropy_of_rows", "icl", "responsibility_entropy"]

Floats = NDArray[np.float64]

# Rows for which responsibilities are held at once.
_ROWS_AT_ONCE = 1 << 15


def aic(loglik: float, n_parameters: int) -> float:
    """Akaike's information criterion, -2 log L + 2 p (Akaike 1974).

    Parameters
    ----------
    loglik : float
        Log-likelihood at its maximum.
    n_parameters : int
        Free parameters p.

    Examples
    --------
    >>> aic(-100.0, 5)
    210.0
    """
    return -2.0 * loglik + 2.0 * n_parameters


def bic(loglik: float, n_parameters: int, n_points: float) -> float:
    """Schwarz's information criterion, -2 log L + p log n (Schwarz 1978).

    Parameters
    ----------
    loglik : float
        Log-likelihood at its maximum.
    n_parameters : int
        Free parameters p.
    n_points : float
        Number of points n.

    Raises
    ------
    InputError
        If `n_points` is no number above 0.

    Examples
    --------
    >>> round(bic(-100.0, 5, 1000), 3)
    234.539
    """
    check_size(n_points)
    return -2.0 * loglik + n_parameters * math.log(n_points)


def check_size(n_points: float) -> None:
    """Refuse what is no number of points.

    Raises
    ------
    InputError
        If it is not a number above 0.
    """
    if not (is_number(n_points) and 0.0 < n_points < math.inf):
        raise InputError(scalar_message("n_points", n_points, "a number > 0"))


def icl(bic_value: float, entropy: float) -> float:
    """Integrated completed likelihood, BIC + 2 E (Biernacki, Celeux & Govaert 2000).

    It asks for components that are apart: E counts what is not known of the points' components.

    Parameters
    ----------
    bic_value : float
        BIC.
    entropy : float
        E = -sum_i sum_k r_ik log r_ik of the responsibilities, 0 where components do not overlap.

    Examples
    --------
    >>> icl(234.5, 10.0)
    254.5
    """
    return bic_value + 2.0 * entropy


def entropy_of_rows(responsibilities: Floats) -> Floats:
    """Entropy of each row of responsibilities, -sum_k r_ik log r_ik, (N,)."""
    logs = np.log(responsibilities, out=np.zeros_like(responsibilities), where=responsibilities > 0)
    return np.asarray(-np.einsum("ik,ik->i", responsibilities, logs))


def responsibility_entropy(
    mixture: _core.PreparedMixture, seen: Observations, threads: int = 0
) -> float:
    """Entropy of the responsibilities, -sum_i s_i sum_k r_ik log r_ik, at blocks of the points."""
    if mixture.ngauss == 1:
        return 0.0
    total = 0.0
    for first in range(0, seen.n_points, _ROWS_AT_ONCE):
        part = seen.take(slice(first, first + _ROWS_AT_ONCE))
        rows = entropy_of_rows(_core.responsibilities(mixture, part.core, threads))
        total += float(rows.sum() if part.weight is None else part.weight @ rows)
    return total

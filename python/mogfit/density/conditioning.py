"""Gaussians given the values of some of their variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conditioned", "condition", "solve_lower"]

Floats = NDArray[np.float64]

_LOG_2_PI = math.log(2.0 * math.pi)


class Conditioned(NamedTuple):
    """Gaussians given the values of some variables.

    Attributes
    ----------
    log_densities : ndarray of shape (G,)
        Log density of each Gaussian at the given values.
    mus, Sigmas : ndarray of shape (G, S) and (G, S, S)
        Means and covariances of the free variables.
    """

    log_densities: Floats
    mus: Floats
    Sigmas: Floats


def condition(
    mus: Floats, Sigmas: Floats, given: Sequence[int], free: Sequence[int], values: Sequence[float]
) -> Conditioned:
    r"""Condition each of several Gaussians on the values of some variables.

    One variable after the other: with l = Sigma_:i / sqrt(Sigma_ii) and
    y = (c_i - mu_i) / sqrt(Sigma_ii), x given x_i = c_i has the mean mu + l y and the covariance
    Sigma - l l^T, and log N(c_i) is -y^2 / 2 - log sqrt(2 pi Sigma_ii). These are the steps of a
    Cholesky factorisation that eliminates the given variables first, and as accurate, whatever
    the units of the variables.

    Parameters
    ----------
    mus, Sigmas : ndarray of shape (G, V) and (G, V, V)
    given, free : sequence of int
        Different variables.
    values : sequence of float
        Those of the given variables, finite; where they are more than some 1e154 standard
        deviations away, the log density is -inf.
    """
    minus_logs = np.full(len(mus), 0.5 * _LOG_2_PI * len(given))
    with np.errstate(over="ignore"):
        for i, value in zip(given, values, strict=True):
            sigmas = np.sqrt(Sigmas[:, i, i])
            y = (value - mus[:, i]) / sigmas
            minus_logs += np.log(sigmas)
            minus_logs += 0.5 * y * y
            column = Sigmas[:, i] / sigmas[:, None]
            mus = mus + column * y[:, None]
            Sigmas = Sigmas - column[:, :, None] * column[:, None]
    left = np.array(free)
    return Conditioned(-minus_logs, mus.take(left, 1), Sigmas.take(left, 1).take(left, 2))


def solve_lower(lower: Floats, right: Floats) -> Floats:
    """Solve L_k Y_k = B_k for lower triangular L_k, (G, n, n) and (G, n, m), row by row.

    Rows and columns of L_k beyond those of B_k are not looked at. Units of the variables that are
    far apart cost no accuracy: each row is scaled by its own.
    """
    solved = np.empty(right.shape)
    for i in range(right.shape[1]):
        row = right[:, i]
        if i:
            row = row - (lower[:, i, None, :i] @ solved[:, :i])[:, 0]
        np.divide(row, lower[:, i, i, None], out=solved[:, i])
    return solved

"""Gaussians given the values of some of their variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core

__all__ = ["Conditioned", "condition", "solve_lower"]

Floats = NDArray[np.float64]

_LOG_2_PI = math.log(2.0 * math.pi)


class Conditioned(NamedTuple):
    """Gaussians given the values of some variables.

    Attributes
    ----------
    log_densities : ndarray of shape (G,)
        Log density of each Gaussian at the given values.
    mus, factors : ndarray of shape (G, S) and (G, S, S)
        Means of the free variables, and lower factors of their covariances.
    """

    log_densities: Floats
    mus: Floats
    factors: Floats


def condition(
    mus: Floats, Sigmas: Floats, given: Sequence[int], free: Sequence[int], values: Floats
) -> Conditioned:
    r"""Condition each of several Gaussians on x_R = c.

    With Sigma = L L^T in the order (R, S) and L_RR y = c - mu_R, what is left has the mean
    mu_S + L_SR y and the covariance L_SS L_SS^T, and log N(c; mu_R, Sigma_RR) is
    -|y|^2 / 2 - sum_j log (L_RR)_jj - (|R| / 2) log 2 pi: nothing is inverted or subtracted.

    Parameters
    ----------
    mus, Sigmas : ndarray of shape (G, V) and (G, V, V)
    given, free : sequence of int
        The variables R and S, which are all.
    values : ndarray of shape (len(given),)
        The values c, finite; where they are more than some 1e154 standard deviations away, the
        log density is -inf.
    """
    count = len(given)
    order = np.array([*given, *free])
    means = mus.take(order, 1)
    ordered = Sigmas.take(order, 1).take(order, 2)
    factors = _core.PreparedMixture(np.ones(len(mus)), means, ordered).factors
    y = solve_lower(factors, (values - means[:, :count])[:, :, None])
    terms = np.log(factors.diagonal(0, 1, 2)[:, :count])
    with np.errstate(over="ignore"):
        terms += 0.5 * y[:, :, 0] ** 2
    log_densities = np.add.reduce(terms, 1)
    log_densities += 0.5 * count * _LOG_2_PI
    shifted = (factors[:, count:, :count] @ y)[:, :, 0]
    shifted += means[:, count:]
    return Conditioned(-log_densities, shifted, factors[:, count:, count:])


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

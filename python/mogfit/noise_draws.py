"""Points as they would be observed: projected, with noise, and with the values that are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.observations import Observations

__all__ = ["observe_again", "observe_points"]

Floats = NDArray[np.float64]


def observe_points(points: Floats, seen: Observations, rng: np.random.Generator) -> Floats:
    """What would be seen of points, y_i = R_i x_i + e_i.

    Parameters
    ----------
    points : ndarray of shape (N, V)
    seen : Observations
        Of N rows, whose projections, errors and missing values are used.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (N, M)
        NaN where the values of `seen` are.
    """
    if seen.projection is None:
        values = points.copy()
    else:
        values = np.einsum("nij,nj->ni", seen.projection, points)
    if seen.noisy:
        normals = rng.standard_normal(values.shape)
        missing = np.isnan(seen.values)
        if seen.deviations is not None:
            values += np.where(missing, 0.0, seen.deviations) * normals
        elif seen.shared is not None:
            finite = np.where(np.isfinite(seen.shared), seen.shared, 0.0)
            values += normals @ _roots(finite[None])[0].T
        elif seen.covariances is not None:
            known = ~(missing[:, :, None] | missing[:, None, :])
            roots = _roots(np.where(known, seen.covariances, 0.0))
            values += np.einsum("nij,nj->ni", roots, normals)
    values[np.isnan(seen.values)] = np.nan
    return values


def observe_again(points: Floats, seen: Observations, rng: np.random.Generator) -> Observations:
    """Points observed as rows of `seen` were, one row after the other and again from the first."""
    rows: Any = np.arange(len(points)) % seen.n_points
    twin = seen.take(rows)
    return replace(twin, values=observe_points(points, twin, rng))


def _roots(covariances: Floats) -> Floats:
    """A with A A^T = S of each covariance, which may be singular."""
    variances, axes = np.linalg.eigh(covariances)
    return axes * np.sqrt(np.maximum(variances, 0.0))[:, None, :]

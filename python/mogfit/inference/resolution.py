"""Whether noisy data can tell how wide the components are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.observations import Observations

__all__ = ["Unresolved", "unresolved_components"]

Floats = NDArray[np.float64]

# Rows looked at: enough for an error of a per cent.
_LOOK = 10_000

# Standard errors that the smallest variance of a component must be above 0.
_STANDARD_ERRORS = 2.0


class Unresolved(NamedTuple):
    """A component, its smallest standard deviation, and the one that the noise hides."""

    component: int
    seen: float
    hidden: float


def unresolved_components(
    mixture: _core.PreparedMixture, data: Observations, threads: int = 0
) -> list[Unresolved]:
    """Components that are as narrow in some direction as if they had no width there.

    Along a direction e in which the noise of point i has the variance v_i = e^T S_i e and the
    component has none, r_i points of it tell the variance with the standard error
    (sum_i r_i / (2 v_i^2))^(-1/2), the inverse of the Fisher information.
    """
    if not data.noisy or data.projection is not None:
        return []
    step = -(-data.n_points // _LOOK)
    part = data.take(slice(None, None, step))
    shares = _core.responsibilities(mixture, part.core, threads)
    if part.weight is not None:
        shares = shares * part.weight[:, None]
    found = []
    for k, covariance in enumerate(mixture.covariances):
        # In units of the component: which direction is narrow must not depend on the variables'.
        noise = _mean_noise(part, shares[:, k])
        if noise is None:
            continue
        root = np.linalg.cholesky(noise)
        relative = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
        if not np.isfinite(relative).all():
            continue  # noise that is next to none
        _, axes = np.linalg.eigh(0.5 * relative + 0.5 * relative.T)
        along = np.linalg.solve(root.T, axes[:, 0])
        along /= np.linalg.norm(along)
        variance = float(along @ covariance @ along)
        hidden_by = _variances_along(part, along)
        # Errors may be as large, or as small, as doubles go.
        with np.errstate(over="ignore", divide="ignore"):
            information = step * (0.5 * shares[:, k] * (1.0 / hidden_by) ** 2).sum()
            hidden = _STANDARD_ERRORS / np.sqrt(information)
        if variance < hidden:
            found.append(Unresolved(k, float(np.sqrt(variance)), float(np.sqrt(hidden))))
    return found


def _mean_noise(data: Observations, shares: Floats) -> Floats | None:
    """The typical noise of the points of a component; None where some of it is none at all."""
    total = shares.sum()
    if total <= 0.0:
        return None
    if data.shared is not None:
        mean = data.shared
    elif data.deviations is not None:
        variances = np.where(np.isnan(data.values), 0.0, data.deviations) ** 2
        with np.errstate(over="ignore"):
            mean = np.diag(shares @ variances / total)
    else:
        mean = np.einsum("n,nij->ij", shares, _known(data)) / total
    scale = np.sqrt(mean.diagonal())
    if not (np.isfinite(scale).all() and scale.min() > 0.0):
        return None
    smallest = np.linalg.eigvalsh(mean / scale / scale[:, None])[0]
    return mean if smallest > 1e-10 else None


def _variances_along(data: Observations, along: Floats) -> Floats:
    """e^T S_i e of every point, infinite where a value that counts is missing."""
    if data.shared is not None:
        variances = np.full(data.n_points, along @ data.shared @ along)
    elif data.deviations is not None:
        variances = np.where(np.isnan(data.values), 0.0, data.deviations) ** 2 @ along**2
    else:
        variances = np.einsum("i,nij,j->n", along, _known(data), along)
    missing = np.isnan(data.values) & (np.abs(along) > 1e-3)
    return np.where(missing.any(axis=1), np.inf, np.maximum(variances, np.finfo(float).tiny))


def _known(data: Observations) -> Floats:
    missing = np.isnan(data.values)
    unknown = missing[:, :, None] | missing[:, None, :]
    return np.where(unknown, 0.0, np.asarray(data.covariances))

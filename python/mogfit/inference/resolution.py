"""Whether noisy data can tell how wide the components are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.first_look import glance
from mogfit.inference.model import Model
from mogfit.observations import Observations

__all__ = ["Unresolved", "unresolved_components"]

Floats = NDArray[np.float64]

# Values looked at together, where all of them are.
_BLOCK = 100_000

# Standard errors that the smallest variance of a component must be above 0.
_STANDARD_ERRORS = 2.0


class Unresolved(NamedTuple):
    """A component, its smallest standard deviation, and the one that the noise hides."""

    component: int
    seen: float
    hidden: float


def unresolved_components(
    mixture: _core.PreparedMixture,
    data: Observations,
    threads: int = 0,
    model: Model | None = None,
) -> list[Unresolved]:
    """Components that are as narrow in some direction as if they had no width there.

    Along a direction e in which the noise of point i has the variance v_i = e^T S_i e and the
    component has none, r_i points of it tell the variance with the standard error
    (sum_i r_i / (2 v_i^2))^(-1/2), the inverse of the Fisher information. Directions are those
    that the family of the `model` knows: any of full covariances, the variables of diagonal ones,
    all variables together of spherical ones; of tied covariances all components tell together.
    Covariances that are held are not looked at.
    """
    model = Model() if model is None else model
    if not data.noisy or data.projection is not None:
        return []
    noise = _mean_noise(data, mixture, threads)
    if model.tied:
        known = [one for one in noise if one is not None]
        everywhere = len(known) == len(noise)
        noise = [np.mean(known, axis=0) if everywhere else None] * len(noise)
    held = model.held(mixture.ngauss).covariances
    directions = [
        (k, along)
        for k in range(mixture.ngauss)
        if not held[k]
        for along in _directions(mixture.covariances[k], noise[k], model)
    ]
    if not directions:
        return []
    information = np.zeros(len(noise))
    for part, shares in _parts(data, mixture, threads):
        for k, along in directions:
            sigmas = np.sqrt(mixture.covariances[k].diagonal())
            # Errors may be as large, or as small, as doubles go.
            with np.errstate(over="ignore", divide="ignore"):
                weight = (1.0 / _variances_along(part, along, sigmas)) ** 2
                information[k] += 0.5 * (shares[:, k] * weight).sum()
    if model.tied:
        information[:] = information.sum()
    found = []
    for k, along in {k: (k, along) for k, along in directions}.values():
        variance = float(along @ mixture.covariances[k] @ along)
        with np.errstate(over="ignore", divide="ignore"):
            hidden = _STANDARD_ERRORS / np.sqrt(information[k])
        if variance < hidden:
            found.append(Unresolved(k, float(np.sqrt(variance)), float(np.sqrt(hidden))))
    return found


def _parts(
    data: Observations, mixture: _core.PreparedMixture, threads: int
) -> Iterator[tuple[Observations, Floats]]:
    """Rows, and how much of the components' points they stand for, (n, K).

    All rows of incomplete data, where a column may be seen in few of them; else a sample.
    """
    blocks: list[slice | NDArray[np.intp]] = [glance(data.n_points)]
    if data.incomplete:
        size = max(1, _BLOCK // data.values.shape[1])
        blocks = [slice(start, start + size) for start in range(0, data.n_points, size)]
    for part in map(data.take, blocks):
        shares = _core.responsibilities(mixture, part.core, threads)
        if part.weight is not None:
            shares = shares * part.weight[:, None]
        yield part, shares if data.incomplete else shares * (data.n_points / part.n_points)


def _directions(covariance: Floats, noise: Floats | None, model: Model) -> list[Floats]:
    """Along which the width of a component is told: together one of its parameters."""
    if noise is None:
        return []
    if not model.diagonal:
        along = _narrowest(covariance, noise)
        return [] if along is None else [along]
    axes = list(np.eye(len(covariance)))
    if model.spherical:
        return axes
    return [axes[int(np.argmin(covariance.diagonal() / noise.diagonal()))]]


def _narrowest(covariance: Floats, noise: Floats) -> Floats | None:
    """The direction in which a covariance is smallest beside the noise, in units of a variable.

    That is the one that counts most in it, so that no other's units change a width along it. None
    where there is next to no noise.
    """
    root = np.linalg.cholesky(noise)
    relative = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
    if not np.isfinite(relative).all():
        return None
    _, axes = np.linalg.eigh(0.5 * relative + 0.5 * relative.T)
    along = np.linalg.solve(root.T, axes[:, 0])
    sigmas = np.sqrt(covariance.diagonal())
    parts = np.abs(along) * sigmas
    # The first of those that count as much, but for rounding.
    most = int(np.argmax(parts > 0.999 * parts.max()))
    return np.asarray(along * (sigmas[most] / np.linalg.norm(parts)))


def _mean_noise(
    data: Observations, mixture: _core.PreparedMixture, threads: int
) -> list[Floats | None]:
    """The typical noise of the points of each component; None where some of it is none at all."""
    ngauss, nvars = len(mixture.weights), data.nvars
    if data.shared is not None:
        return [_all_there(data.shared)] * ngauss
    # Each entry is the mean over the points in which it is seen.
    total, count = np.zeros((2, ngauss, nvars, nvars))
    with np.errstate(over="ignore"):
        for part, shares in _parts(data, mixture, threads):
            seen = (~np.isnan(part.values)).astype(np.float64)
            if part.deviations is not None:
                squares = np.where(seen, part.deviations, 0.0) ** 2
                diagonal = np.arange(nvars)
                total[:, diagonal, diagonal] += shares.T @ squares
                count[:, diagonal, diagonal] += shares.T @ seen
            else:
                total += np.einsum("nk,nij->kij", shares, _known(part))
                count += np.einsum("nk,ni,nj->kij", shares, seen, seen)
    mean = total / np.where(count > 0.0, count, 1.0)
    return [_all_there(noise) for noise in mean]


def _all_there(noise: Floats) -> Floats | None:
    """The covariance of some noise; None if it is next to none in some direction."""
    scale = np.sqrt(noise.diagonal())
    if not (np.isfinite(scale).all() and scale.min() > 0.0):
        return None
    smallest = np.linalg.eigvalsh(noise / scale / scale[:, None])[0]
    return noise if smallest > 1e-10 else None


def _variances_along(data: Observations, along: Floats, sigmas: Floats) -> Floats:
    """e^T S_i e of every point, infinite where a value that counts is missing."""
    if data.shared is not None:
        variances = np.full(data.n_points, along @ data.shared @ along)
    elif data.deviations is not None:
        variances = np.where(np.isnan(data.values), 0.0, data.deviations) ** 2 @ along**2
    else:
        variances = np.einsum("i,nij,j->n", along, _known(data), along)
    parts = np.abs(along) * sigmas
    missing = np.isnan(data.values) & (parts > 1e-3 * parts.max())
    return np.where(missing.any(axis=1), np.inf, np.maximum(variances, np.finfo(float).tiny))


def _known(data: Observations) -> Floats:
    missing = np.isnan(data.values)
    unknown = missing[:, :, None] | missing[:, None, :]
    return np.where(unknown, 0.0, np.asarray(data.covariances))

"""Priors, points and starts of variational steps, for tests."""

from __future__ import annotations

import numpy as np

from mogfit import _core
from mogfit.inference import variational
from mogfit.inference.variational_posterior import Prior

NVARS = 3
PROCESSES = (True, False)


class PointSums:
    """Moments of points under responsibilities, about the means they give."""

    def __init__(self, points, resp, weight=None):
        resp = resp if weight is None else resp * weight[:, None]
        self.s0 = resp.sum(axis=0)
        self.centres = resp.T @ points / self.s0[:, None]
        self.s1 = np.zeros_like(self.centres)
        apart = points[:, None] - self.centres
        self.s2 = np.einsum("nk,nki,nkj->kij", resp, apart, apart)


def some_points(rng, n_points=60):
    mixing = rng.normal(size=(2, NVARS, NVARS))
    centres = np.array([[0.0, 0.0, 0.0], [4.0, -3.0, 2.0]])
    which = rng.integers(0, 2, n_points)
    return centres[which] + np.einsum(
        "nij,nj->ni", mixing[which], rng.normal(size=(n_points, NVARS))
    )


def a_prior(structure, process, rng, nvars=NVARS):
    root = rng.normal(size=(nvars, nvars + 2))
    matrix = root @ root.T
    covariance = {
        "full": matrix,
        "tied": matrix,
        "diag": matrix.diagonal(),
        "spherical": np.asarray(matrix[0, 0]),
    }[structure]
    return Prior(structure, process, 0.7, rng.normal(size=nvars), 1.3, nvars + 0.4, covariance)


def started(structure, process, rng, points, ngauss=3, ridge=0.0, weight=None):
    prior = a_prior(structure, process, rng, points.shape[1])
    sums = PointSums(points, rng.dirichlet(np.ones(ngauss), len(points)), weight)
    return variational.update(prior, sums, sums.centres, ridge)


def stepped(posterior, data, ridge=0.0, weight=None):
    moments = _core.data_pass(posterior.mixture, data, weight)
    entropy = variational.responsibility_entropy(posterior, moments)
    return variational.update(posterior.prior, moments, posterior.means, ridge), entropy


def climbed(posterior, data, steps, weight=None, ridge=0.0):
    bounds = []
    for _ in range(steps):
        bound, posterior = variational.step(posterior, data, weight, ridge=ridge, threads=1)
        bounds.append(bound)
    return posterior, bounds

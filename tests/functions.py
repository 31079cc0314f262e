"""Functions to fit, made of bumps that are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import mogfit as mn

__all__ = ["Bumpy", "F", "X", "bumps_in_the_plane", "fitted", "loss_of", "three_bumps"]

X = np.linspace(0, 10, 200)
F = 2 * np.exp(-0.5 * ((X - 3) / 0.7) ** 2) + np.exp(-0.5 * (X - 6) ** 2)


class Bumpy(NamedTuple):
    """A function on a mesh, and the bumps it was made of."""

    x: np.ndarray
    F: np.ndarray
    mus: np.ndarray
    sigmas: np.ndarray
    heights: np.ndarray


def three_bumps(seed):
    """Three Gaussians 1.5 to 6 sigma apart, heights 1:10, 512 points; odd seeds have 2 % noise."""
    rng = np.random.default_rng(1000 + seed)
    sigmas = rng.uniform(0.6, 1.4, 3)
    apart = rng.uniform(1.5, 6.0, 2) * (sigmas[1:] + sigmas[:-1]) / 2
    mus = np.concatenate([[0.0], np.cumsum(apart)])
    heights = 10.0 ** rng.uniform(0, 1, 3)
    x = np.linspace(mus[0] - 4 * sigmas[0] - 1, mus[2] + 4 * sigmas[2] + 1, 512)
    F = (heights * np.exp(-0.5 * ((x[:, None] - mus) / sigmas) ** 2)).sum(axis=1)
    noise = 0.02 * (seed % 2) * F.max()
    return Bumpy(x, F + noise * rng.standard_normal(512), mus, sigmas, heights)


def bumps_in_the_plane(seed, ngauss=3, side=40, noise=0.01):
    """Correlated Gaussians on a square grid: (X, Y), F, and the covariances that made it."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(-5, 5, side)
    X, Y = np.meshgrid(axis, axis)
    points = np.column_stack([X.ravel(), Y.ravel()])
    mus = rng.uniform(-4, 4, (ngauss, 2))
    sigmas = rng.uniform(0.5, 1.5, (ngauss, 2))
    rho = rng.uniform(-0.7, 0.7, ngauss)
    Sigmas = np.array(
        [[[a * a, r * a * b], [r * a * b, b * b]] for (a, b), r in zip(sigmas, rho, strict=True)]
    )
    F = np.zeros(len(points))
    for mu, Sigma, height in zip(mus, Sigmas, rng.uniform(1, 5, ngauss), strict=True):
        y = points - mu
        F += height * np.exp(-0.5 * np.einsum("ni,ij,nj->n", y, np.linalg.inv(Sigma), y))
    F += noise * F.max() * rng.standard_normal(len(F))
    return (X, Y), F.reshape(X.shape), mus, Sigmas


def fitted(data=(X, F), ngauss=2, given=None, **keywords):
    fit = mn.FitFunctionMoG(data, ngauss, **(given or {}))
    fit.fit_data(**keywords)
    return fit


def loss_of(fit):
    """The sum of the squared residuals, computed here."""
    s = 1.0 if fit.weights is None else fit.weights
    return (s * (fit.F - fit.normalization * fit.mog.pdf(fit.X)) ** 2).sum()

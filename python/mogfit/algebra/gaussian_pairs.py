"""Integrals over pairs of Gaussians, inside the domains they are truncated to: closed forms.

With x ~ f_a, a Gaussian normalised in its box, all that bounds, divergences and distances of
mixtures need are two families: E[log g_b(x)], and the integral of f_a^p g_b^q. Both are those of
whole Gaussians, and the moments or the probability of a box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.domain import parse_domain
from mogfit.density.marginal import inside_log_weights
from mogfit.density.protocol import Mixture

__all__ = [
    "Components",
    "components_of",
    "expected_logs",
    "gaussian_of",
    "log_product_integrals",
    "moments",
]

Floats = NDArray[np.float64]

_LOG_2PI = float(np.log(2.0 * np.pi))


class Components(NamedTuple):
    """Gaussians, normalised in a box each if there is one.

    Attributes
    ----------
    log_weights : ndarray of shape (G,)
        Logarithms of the shares of the points inside the domain, which sum to 1.
    mus, factors : ndarray of shape (G, V) and (G, V, V)
        Means, and L with Sigma = L L^T, before truncation.
    log_dets : ndarray of shape (G,)
        log det Sigma.
    bounds : ndarray of shape (2, V) or None
    log_masses : ndarray of shape (G,)
        log Z_k, 0 without a box.
    """

    log_weights: Floats
    mus: Floats
    factors: Floats
    log_dets: Floats
    bounds: Floats | None
    log_masses: Floats

    @property
    def weights(self) -> Floats:
        """Shares of the points inside the domain, (G,); 0 where they are below about 1e-308."""
        return np.exp(self.log_weights)

    @property
    def covariances(self) -> Floats:
        """Covariances before truncation, (G, V, V)."""
        return self.factors @ self.factors.transpose(0, 2, 1)


def components_of(mog: Mixture, *, weightless: bool = False) -> Components:
    """The components of a mixture; those of weight 0 only if `weightless` asks for them."""
    logs = inside_log_weights(mog)
    kept = np.full(mog.ngauss, True) if weightless else logs > -np.inf
    prepared = _core.PreparedMixture(np.ones(kept.sum()), mog.mus[kept], mog.Sigmas[kept])
    factors = prepared.factors
    return Components(
        logs[kept] - np.logaddexp.reduce(logs),
        prepared.means,
        factors,
        _log_dets(factors),
        parse_domain(mog.domain, mog.nvars),
        mog.log_masses[kept],
    )


def gaussian_of(mean: Floats, covariance: Floats) -> Components:
    """A Gaussian that is not truncated, alone."""
    factors = _core.PreparedMixture(np.ones(1), mean[None], covariance[None]).factors
    return Components(np.zeros(1), mean[None], factors, _log_dets(factors), None, np.zeros(1))


def _log_dets(factors: Floats) -> Floats:
    return 2.0 * np.log(np.einsum("...ii->...i", factors)).sum(axis=-1)


def moments(f: Components) -> tuple[Floats, Floats]:
    """E[x - mu] (G, V) and the covariance of x (G, V, V), inside the box."""
    covariances = f.covariances
    offsets = np.zeros_like(f.mus)
    if f.bounds is not None:
        for a, (mu, Sigma) in enumerate(zip(f.mus, covariances.copy(), strict=True)):
            _, _, first, excess = _core.box_probability(mu, Sigma, *f.bounds)
            offsets[a] = first
            covariances[a] = Sigma + excess - np.outer(first, first)
    return offsets, covariances


def expected_logs(f: Components, g: Components) -> Floats:
    """E[log g_b(x)] for x ~ f_a, (A, B); the box of f lies in that of g."""
    offsets, covariances = moments(f)
    count, nvars = f.mus.shape
    found = np.empty((count, len(g.mus)))
    for b, (mu, factor) in enumerate(zip(g.mus, g.factors, strict=True)):
        shifts = np.linalg.solve(factor, (f.mus - mu + offsets).T)
        if f.bounds is None:
            spreads = np.linalg.solve(factor, f.factors)
            squares = (spreads**2).sum(axis=(1, 2))
        else:
            halves = np.linalg.solve(factor, covariances)
            squares = np.einsum("aii->a", np.linalg.solve(factor, halves.transpose(0, 2, 1)))
        found[:, b] = squares + (shifts**2).sum(axis=0)
    return -0.5 * (found + g.log_dets + nvars * _LOG_2PI) - g.log_masses


def log_product_integrals(f: Components, g: Components, p: float = 1.0, q: float = 1.0) -> Floats:
    r"""log of the integral of f_a^p g_b^q over both boxes, (A, B); p and q above 0.

    With M = p Sigma_b + q Sigma_a the integral over the whole space is

    .. math:: (2\pi)^{V (1-p-q) / 2} |\Sigma_a|^{(1-p)/2} |\Sigma_b|^{(1-q)/2} |M|^{-1/2}
              e^{-p q \delta^T M^{-1} \delta / 2},

    and the integrand is in proportion to a Gaussian, whose mass in the boxes is the other factor.
    """
    nvars = f.mus.shape[1]
    of_g = g.covariances
    found = np.empty((len(f.mus), len(g.mus)))
    for a, (mu, Sigma) in enumerate(zip(f.mus, f.covariances, strict=True)):
        joint = np.linalg.cholesky(p * of_g + q * Sigma)
        shifts = np.linalg.solve(joint, (g.mus - mu)[:, :, None])[:, :, 0]
        found[a] = -0.5 * (p * q * (shifts**2).sum(axis=1) + _log_dets(joint))
    found += 0.5 * ((1.0 - p) * f.log_dets[:, None] + (1.0 - q) * g.log_dets)
    found += 0.5 * nvars * (1.0 - p - q) * _LOG_2PI
    if f.bounds is None and g.bounds is None:
        return found
    return found + _log_box_masses(f, g, p, q) - p * f.log_masses[:, None] - q * g.log_masses


def _log_box_masses(f: Components, g: Components, p: float, q: float) -> Floats:
    """log mass, in both boxes, of the Gaussian in proportion to f_a^p g_b^q, (A, B)."""
    free = np.tile(np.array([-np.inf, np.inf])[:, None], f.mus.shape[1])
    boxes = [free if bounds is None else bounds for bounds in (f.bounds, g.bounds)]
    low, high = np.maximum(boxes[0][0], boxes[1][0]), np.minimum(boxes[0][1], boxes[1][1])
    found = np.full((len(f.mus), len(g.mus)), -np.inf)
    if not (low < high).all():
        return found
    for a, (mu, factor) in enumerate(zip(f.mus, f.factors, strict=True)):
        # Sigma = L_a N^-1 L_a^T with N = p + q K^T K, K = L_b^-1 L_a: positive as it stands.
        between = np.linalg.solve(g.factors, np.broadcast_to(factor, g.factors.shape))
        shifts = np.linalg.solve(g.factors, (g.mus - mu)[:, :, None])
        turned = between.transpose(0, 2, 1)
        inner = np.linalg.cholesky(p * np.eye(len(mu)) + q * turned @ between)
        roots = np.linalg.solve(inner, np.broadcast_to(factor.T, inner.shape)).transpose(0, 2, 1)
        means = mu + (roots @ np.linalg.solve(inner, q * turned @ shifts))[:, :, 0]
        covariances = roots @ roots.transpose(0, 2, 1)
        for b, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
            found[a, b] = _core.box_probability(mean, covariance, low, high)[0]
    return found

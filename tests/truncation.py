"""Truncated mixtures by plain quadrature and by rejection, for the tests of domains.

Shares no code with the core: the mass of a Gaussian in a box is an integral over all of its bounded
variables but one by products of Gauss-Legendre rules, the last one by the error function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr
from scipy.stats import multivariate_normal

Array = NDArray[Any]

# Standard deviations from the mean where an infinite side is cut: 1e-18 of the mass is beyond.
CUT = 9.0


@functools.cache
def legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(count)


def bounds_of(domain: Sequence[Any]) -> Array:
    """A domain as rows of lower and of upper bounds, (2, V)."""
    sides = [pair if pair is not None else (None, None) for pair in domain]
    return np.array(
        [[-np.inf if low is None else low, np.inf if high is None else high] for low, high in sides]
    ).T


def grid(low: Any, high: Any, count: int) -> tuple[Array, Array]:
    """Nodes (M, V) and weights (M,) of the product rule in a finite box."""
    nodes, weights = legendre(count)
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    half, middle = (high - low) / 2, (high + low) / 2
    axes = np.meshgrid(*[m + h * nodes for m, h in zip(middle, half, strict=True)], indexing="ij")
    factors = np.meshgrid(*[h * weights for h in half], indexing="ij")
    points = np.stack([axis.ravel() for axis in axes], axis=1)
    return points, np.prod([factor.ravel() for factor in factors], axis=0)


def cut_box(mus: Array, Sigmas: Array, bounds: Array) -> tuple[Array, Array]:
    """A finite box that holds all that the mixture has inside the bounds."""
    sigmas = np.sqrt(np.diagonal(Sigmas, axis1=1, axis2=2))
    low = np.maximum(bounds[0], (mus - CUT * sigmas).min(axis=0))
    return low, np.minimum(bounds[1], (mus + CUT * sigmas).max(axis=0))


def integral(
    function: Callable[[Array], Array], mus: Array, Sigmas: Array, domain: Any, count: int
) -> Any:
    """Integral over the domain of a function (M, V) -> (M, ...) that these Gaussians make up."""
    low, high = cut_box(np.asarray(mus), np.asarray(Sigmas), bounds_of(domain))
    points, weights = grid(low, high, count)
    return np.tensordot(weights, function(points), axes=1)


def mass(mean: Array, covariance: Array, bounds: Array, count: int = 48) -> float:
    """P(lower <= x <= upper) for N(mean, covariance), where it is no tail."""
    bounded = np.isfinite(bounds).any(axis=0)
    if not bounded.any():
        return 1.0
    mean, covariance = mean[bounded], covariance[np.ix_(bounded, bounded)]
    low, high = bounds[:, bounded]
    first, last = mean[:-1], mean[-1]
    block, cross = covariance[:-1, :-1], covariance[:-1, -1]
    slope = np.linalg.solve(block, cross)
    deviation = np.sqrt(covariance[-1, -1] - cross @ slope)
    if not len(first):
        return float(ndtr((high[0] - last) / deviation) - ndtr((low[0] - last) / deviation))
    box = cut_box(first[None], block[None], np.array([low[:-1], high[:-1]]))
    points, weights = grid(*box, count)
    centre = last + (points - first) @ slope
    inner = ndtr((high[-1] - centre) / deviation) - ndtr((low[-1] - centre) / deviation)
    density = multivariate_normal.pdf(points, first, block)
    return float(weights @ (np.atleast_1d(density) * inner))


def terms(mus: Array, Sigmas: Array, bounds: Array, points: Array, count: int = 48) -> Array:
    """log N_k(x_i) - log Z_k, (N, K), of points inside the bounds."""
    columns = [
        np.atleast_1d(multivariate_normal.logpdf(points, m, S)) - np.log(mass(m, S, bounds, count))
        for m, S in zip(mus, Sigmas, strict=True)
    ]
    return np.stack(columns, axis=1)


def loglik(
    log_weights: Array,
    mus: Array,
    Sigmas: Array,
    bounds: Array,
    points: Array,
    sample_weight: Array | None = None,
    count: int = 48,
) -> float:
    """Sum over the points of s_i log sum_k w_k N_k(x_i) / Z_k, weights divided by their sum."""
    log_weights = log_weights - logsumexp(log_weights)
    logs = logsumexp(terms(mus, Sigmas, bounds, points, count) + log_weights, axis=1)
    return float(logs.sum() if sample_weight is None else sample_weight @ logs)


def slopes(function: Callable[[Array], float], at: Array, step: float = 1e-3) -> Array:
    """Gradient by central differences of the sixth order, error step^6."""
    at = np.asarray(at, dtype=float)
    found = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        for shift, share in ((1, 45.0), (2, -9.0), (3, 1.0)):
            up, down = at.copy(), at.copy()
            up[index] += shift * step
            down[index] -= shift * step
            found[index] += share * (function(up) - function(down))
    return found / (60.0 * step)


def draw_inside(
    weights: Any, mus: Any, Sigmas: Any, domain: Sequence[Any], count: int, seed: int
) -> Array:
    """Points of a mixture of Gaussians, each truncated on its own, by rejection with NumPy."""
    rng = np.random.default_rng(seed)
    low, high = bounds_of(domain)
    labels = rng.choice(len(weights), count, p=weights)
    points = np.empty((count, len(low)))
    for k, (mean, covariance) in enumerate(zip(mus, Sigmas, strict=True)):
        wanted = np.flatnonzero(labels == k)
        while wanted.size:
            points[wanted] = rng.multivariate_normal(mean, covariance, wanted.size)
            inside = ((points[wanted] >= low) & (points[wanted] <= high)).all(axis=1)
            wanted = wanted[~inside]
    return points

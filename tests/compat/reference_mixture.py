"""The mixture of all examples of PyPR's pages, and its formulas from scipy and plain loops."""

from __future__ import annotations

import numpy as np
from scipy.stats import multivariate_normal

MC = [0.4, 0.4, 0.2]
CENTROIDS = [np.array([0, 0]), np.array([3, 3]), np.array([0, 4])]
CCOV = [np.array([[1, 0.4], [0.4, 1]]), np.diag((1, 2)), np.diag((0.4, 0.1))]
MIXTURE = (CENTROIDS, CCOV, MC)


def density(X, centroids=CENTROIDS, ccov=CCOV, mc=MC):
    """p(x) at rows X (N, D)."""
    return sum(
        w * np.atleast_1d(multivariate_normal.pdf(X, mean, covariance))
        for w, mean, covariance in zip(mc, centroids, ccov, strict=True)
    )


def random_mixture(rng, K, D):
    """Centres, covariances and weights of a mixture."""
    factors = rng.normal(size=(K, D, D + 2))
    weights = rng.uniform(0.2, 1.0, K)
    return list(rng.normal(0, 2, (K, D))), [A @ A.T for A in factors], weights / weights.sum()

"""The two NumPy references, SciPy's own functions, and NumPy's normals as a yardstick."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from benchmarks import numpy_reference as reference
from benchmarks.cases import PassCase
from benchmarks.numpy_reference import Array, Mixture, Moments
from benchmarks.peers.base import (
    EM_ITERATION,
    GRADIENT,
    LOG_DENSITY,
    MOMENTS,
    Call,
    Peer,
    flat,
    flat_mixture,
)


def flat_moments(moments: Moments) -> Array:
    """Log-likelihood and moments in one array."""
    return flat(moments.loglik, moments.s0, moments.s1, moments.s2)


class NumpyPlain(Peer):
    """Vectorised over the points, a loop over the components."""

    name = "NumPy plain"
    distribution = "numpy"

    def calls(self, case: PassCase) -> dict[str, Call]:
        """Everything but fits."""
        mixture, points = case.mixture, case.points

        def gradient() -> tuple[float, tuple[Array, ...]]:
            moments = self.moments(mixture, points)
            return moments.loglik, reference.gradient_factors(mixture, moments)

        def em() -> Mixture:
            return reference.em_update(mixture, self.moments(mixture, points))

        return {
            LOG_DENSITY: Call(lambda: self.logpdf(mixture, points)),
            MOMENTS: Call(lambda: self.moments(mixture, points), flat_moments),
            GRADIENT: Call(gradient, lambda result: flat(result[0], *result[1])),
            EM_ITERATION: Call(em, flat_mixture),
        }

    def logpdf(self, mixture: Mixture, points: Array) -> Array:
        """Log density."""
        return reference.plain_logpdf(mixture, points)

    def moments(self, mixture: Mixture, points: Array) -> Moments:
        """Log-likelihood and moments."""
        return reference.plain_moments(mixture, points)

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw points in random order."""
        seed = np.random.SeedSequence(5)
        rng = np.random.default_rng(seed)
        return Call(lambda: reference.plain_sample(mixture, n, rng)[0], note="random order")


class NumpyBlocked(NumpyPlain):
    """Chunks in cache, all components in matrix products."""

    name = "NumPy blocked"

    def logpdf(self, mixture: Mixture, points: Array) -> Array:
        """Log density."""
        return reference.blocked_logpdf(mixture, points)

    def moments(self, mixture: Mixture, points: Array) -> Moments:
        """Log-likelihood and moments."""
        return reference.blocked_moments(mixture, points)

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw points grouped by component."""
        rng = np.random.default_rng(5)
        return Call(
            lambda: reference.blocked_sample(mixture, n, rng)[0], note="grouped by component"
        )


class NumpyNormals(Peer):
    """The standard normals that the draws need, and nothing else."""

    name = "NumPy normals alone"
    distribution = "numpy"

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw n x d standard normals."""
        rng = np.random.default_rng(5)
        return Call(lambda: rng.standard_normal((n, mixture.nvars)), flatten=None)


class Scipy(Peer):
    """One `multivariate_normal.logpdf` per component, then `logsumexp`."""

    name = "SciPy"
    distribution = "scipy"

    def calls(self, case: PassCase) -> dict[str, Call]:
        """Log density only."""
        mixture, points = case.mixture, case.points
        covariances = mixture.covariances

        def logpdf() -> Array:
            terms = np.empty((mixture.ngauss, len(points)))
            for k in range(mixture.ngauss):
                component = multivariate_normal(mixture.means[k], covariances[k])
                terms[k] = mixture.log_weights[k] + component.logpdf(points)
            result: Array = logsumexp(terms, axis=0)
            return result

        return {LOG_DENSITY: Call(logpdf)}

"""Some variables of a truncated mixture, the others integrated out inside the domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mogfit import _core

if TYPE_CHECKING:
    from mogfit.mixture import MixtureOfGaussians

__all__ = ["TruncatedMarginal"]

Floats = NDArray[np.float64]


class TruncatedMarginal:
    """Density of some variables S of a mixture that is truncated to a box.

    With R the bounded variables that are integrated out, component k contributes
    ``w_k N_k(x_S) P_k(x_R in the box | x_S) / Z_k``: no truncated mixture again, for the second
    factor depends on the point.

    Parameters
    ----------
    mog : MixtureOfGaussians
        With a domain.
    variables : sequence of int
        The variables S that stay.

    Attributes
    ----------
    ngauss : int
    weights, mus, Sigmas : ndarray
        Shares of the components inside the domain; means and covariances, before truncation, of
        the variables that stay.
    """

    def __init__(self, mog: MixtureOfGaussians, variables: Sequence[int]) -> None:
        kept = np.asarray(variables)
        bounds = np.asarray(mog._domain_bounds).T
        bounded = np.isfinite(bounds).any(axis=0)
        bounded[kept] = False
        self._rest = np.flatnonzero(bounded)
        self._means = mog.mus
        self.ngauss = mog.ngauss
        self.weights = mog._prepared.weights
        self.mus = mog.mus[:, kept]
        self.Sigmas = mog.Sigmas[:, kept[:, None], kept[None, :]]
        self._cross = mog.Sigmas[:, self._rest[:, None], kept[None, :]]
        self._within = mog.Sigmas[:, self._rest[:, None], self._rest[None, :]]
        self._sides = bounds[:, self._rest]
        self._kept_sides = bounds[:, kept]
        self._log_masses = mog.log_masses
        self._normal = [
            _core.PreparedMixture(np.ones(1), self.mus[k : k + 1], self.Sigmas[k : k + 1])
            for k in range(self.ngauss)
        ]

    def component_logpdf(self, X: Floats) -> Floats:
        """Log density of each component at points (N, V) or (N,) of one variable, (N, G)."""
        points = np.ascontiguousarray(X, dtype=np.float64).reshape(-1, self.mus.shape[1])
        low, high = self._kept_sides
        inside = ((points >= low) & (points <= high)).all(axis=1)
        densities = np.full((len(points), self.ngauss), -np.inf)
        for k in range(self.ngauss):
            densities[inside, k] = self._one(k, points[inside])
        return densities

    def _one(self, k: int, points: Floats) -> Floats:
        density = _core.logpdf(self._normal[k], points) - self._log_masses[k]
        if not self._rest.size:
            return density
        gain = np.linalg.solve(self.Sigmas[k], self._cross[k].T)
        means = self._means[k, self._rest] + (points - self.mus[k]) @ gain
        conditional = self._within[k] - self._cross[k] @ gain
        conditional = 0.5 * (conditional + conditional.T)
        return density + _core.log_masses_of_means(means, conditional, *self._sides)

    def pdf(self, X: Floats) -> Floats:
        """Density at points (N, V) or (N,) of one variable."""
        return np.exp(self.component_logpdf(X)) @ self.weights

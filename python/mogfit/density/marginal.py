"""Some variables of a mixture: the others integrated out, or held at a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.density.conditioning import condition
from mogfit.density.domain import parse_domain
from mogfit.density.grids import grid_points, grid_shape
from mogfit.density.protocol import Mixture
from mogfit.density.truncated_marginal import TruncatedMarginal

__all__ = [
    "Density",
    "PreparedDensity",
    "conditional_slice",
    "inside_log_weights",
    "is_separable",
    "marginal",
]

Floats = NDArray[np.float64]


class Density(Protocol):
    """A density in one or a few variables: components before truncation, and values at points."""

    weights: Floats
    mus: Floats
    Sigmas: Floats
    bounds: Floats

    @property
    def ngauss(self) -> int:
        """Number of components."""

    def pdf(self, X: Floats) -> Floats:
        """Density at points (N, V), or (N,) of one variable."""

    def component_logpdf(self, X: Floats) -> Floats:
        """Log density of each component without its weight, (N, G)."""

    def pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density at every combination of values of the variables, the first one last."""

    def component_pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density of each component, without its weight, on such a grid; components first."""

    def draws(self, count: int, component: int | None = None) -> Floats:
        """Points (count, V) drawn from it, or from one component; the same at every call."""


class PreparedDensity:
    """A weighted sum of Gaussians in a few variables, in a box if there is one: the core's.

    Parameters
    ----------
    log_weights : ndarray of shape (G,)
        They need not sum to 1: the density is multiplied by their sum.
    prepared : PreparedMixture
        Whose weights do not count.

    Attributes
    ----------
    weights, mus, Sigmas : ndarray
        Weights (G,); means (G, V) and covariances (G, V, V) before truncation.
    bounds : ndarray of shape (2, V)
        Sides of the box, infinite where it is open.
    log_total : float
        Logarithm of the sum of the weights, finite when that sum underflows.
    """

    def __init__(self, log_weights: Floats, prepared: _core.PreparedMixture) -> None:
        self._prepared = prepared.with_log_weights(log_weights)
        self._log_weights = log_weights
        self.mus, self.Sigmas = prepared.means, prepared.covariances
        self.weights = np.exp(log_weights)
        self.bounds = _open(self.mus.shape[1]) if prepared.domain is None else prepared.domain
        self.log_total = float(np.logaddexp.reduce(log_weights))

    @property
    def ngauss(self) -> int:
        """Number of components."""
        return len(self.mus)

    def pdf(self, X: Floats) -> Floats:
        """Density at points (N, V), or (N,) of one variable."""
        return _core.pdf(self._prepared, self._points(X))

    def component_logpdf(self, X: Floats) -> Floats:
        """Log density of each component without its weight, (N, G)."""
        return _core.component_logpdf(self._prepared, self._points(X))

    def pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density at every combination of values of the variables, the first one last."""
        return self.pdf(grid_points(*axes)).reshape(grid_shape(*axes))

    def component_pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density of each component, without its weight, on such a grid; components first."""
        logs = self.component_logpdf(grid_points(*axes))
        return np.exp(logs.T).reshape((-1, *grid_shape(*axes)))

    def draws(self, count: int, component: int | None = None) -> Floats:
        """Points (count, V) drawn from it, or from one component; the same at every call."""
        logs = self._log_weights - self.log_total
        if component is not None:
            logs = np.where(np.arange(self.ngauss) == component, 0.0, -np.inf)
        return _core.sample(self._prepared.with_log_weights(logs), count, 0)[0]

    def _points(self, X: Floats) -> Floats:
        return np.ascontiguousarray(X, dtype=np.float64).reshape(-1, self.mus.shape[1])


def inside_log_weights(mog: Mixture) -> Floats:
    """Logarithms of the shares of the components inside the domain, whatever is normalised."""
    with np.errstate(divide="ignore"):
        logs = np.log(mog.weights)
    if mog.domain is None or mog.truncation == "components":
        return logs
    shares = logs + mog.log_masses
    return shares - np.logaddexp.reduce(shares) + np.logaddexp.reduce(logs)


def is_separable(mog: Mixture, bounds: Floats, kept: NDArray[np.intp]) -> bool:
    """Whether what bounds the variables that are integrated out leaves the others as they are.

    It does where no such variable is bounded, or those that are have no covariance with any that
    is kept, in any component: the domain then factorises.
    """
    rest = np.setdiff1d(np.arange(mog.nvars), kept)
    bounded = rest[np.isfinite(bounds[:, rest]).any(axis=0)]
    return not mog.Sigmas[:, bounded[:, None], kept].any()


def marginal(
    mog: Mixture, variables: Sequence[int], *, within: Floats | None = None
) -> PreparedDensity | TruncatedMarginal:
    """Density of some of the variables, the others integrated out, inside the domain.

    Parameters
    ----------
    mog : Mixture
    variables : sequence of int
        The variables that stay, in this order.
    within : ndarray of shape (2, len(variables)), optional
        Where values are wanted on a fine grid: a truncated mixture is then interpolated there,
        to a relative error of 1e-5 of each component.
    """
    kept = np.asarray(variables)
    bounds = parse_domain(mog.domain, mog.nvars)
    log_weights = inside_log_weights(mog)
    mus, Sigmas = mog.mus[:, kept], mog.Sigmas[:, kept[:, None], kept[None, :]]
    if bounds is not None and not is_separable(mog, bounds, kept):
        return TruncatedMarginal(mog, log_weights, bounds, kept, within)
    box = None if bounds is None else bounds[:, kept]
    prepared = _core.PreparedMixture(np.ones(mog.ngauss), mus, Sigmas, box)
    return PreparedDensity(log_weights, prepared)


def conditional_slice(mog: Mixture, variables: Sequence[int], point: ArrayLike) -> PreparedDensity:
    r"""Density of a mixture along some of the variables, the others held at a point.

    p(x_S, x_R = c) is a sum of the Gaussians in x_S that `condition` finds, component k with the
    weight w_k N(c; mu_R, Sigma_RR).

    Parameters
    ----------
    mog : Mixture
    variables : sequence of int
        The variables S along which it is sliced, in this order.
    point : array_like of shape (V,)
        Values c of the variables; those of S are not used. Inside the domain.
    """
    kept = np.asarray(variables)
    rest = np.setdiff1d(np.arange(mog.nvars), kept)
    held = np.asarray(point, dtype=float)[rest]
    found = condition(mog.mus, mog.Sigmas, rest.tolist(), kept.tolist(), held.tolist())
    bounds = parse_domain(mog.domain, mog.nvars)
    box = None if bounds is None else bounds[:, kept]
    prepared = _core.PreparedMixture(np.ones(mog.ngauss), found.mus, found.Sigmas, box)
    log_weights = inside_log_weights(mog) + found.log_densities
    # The core normalises in the box of the slice what was normalised in the whole domain.
    return PreparedDensity(log_weights + prepared.log_masses - mog.log_masses, prepared)


def _open(nvars: int) -> Floats:
    return np.tile([[-np.inf], [np.inf]], nvars)

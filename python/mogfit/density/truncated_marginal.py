"""Some variables of a truncated mixture, the others integrated out inside the domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.grids import grid_points, grid_shape
from mogfit.density.interpolation import ChebyshevSurface
from mogfit.density.linear_image import LinearImage
from mogfit.density.protocol import Mixture

__all__ = ["TruncatedMarginal"]

Floats = NDArray[np.float64]

# Absolute error of an interpolated log probability, and so the relative one of a component; that
# of a lattice rule, from five variables on, is not smooth and cannot be followed further down.
_TOLERANCE, _LATTICE_TOLERANCE = 1e-5, 2e-3
_MOST_BY_QUADRATURE = 4
# A component is looked at this many standard deviations around its mean, unless most of it lies
# outside the domain.
_REACH = 8.0
_LOG_MOSTLY_OUTSIDE = -14.0
# Interpolation pays while it needs fewer nodes than a panel has points.
_MOST_NODES = 20_000


class TruncatedMarginal:
    """Density of some variables S of a mixture that is truncated to a box.

    With R the bounded variables that are integrated out, component k contributes
    ``w_k N_k(x_S) P_k(x_R in the box | x_S) / Z_k``: no truncated mixture again, for the second
    factor depends on the point. Its logarithm is smooth, so that between given limits it can be
    interpolated.

    Parameters
    ----------
    mog : Mixture
        With a domain.
    log_weights : ndarray of shape (G,)
        Logarithms of the shares of the components inside the domain.
    bounds : ndarray of shape (2, V)
        The domain.
    kept : ndarray of int
        The variables S that stay; some other variable is bounded.
    within : ndarray of shape (2, len(kept)), optional
        Limits between which values are interpolated, for one or two variables.

    Attributes
    ----------
    weights, mus, Sigmas : ndarray
        Shares of the components inside the domain; means and covariances, before truncation, of
        the variables that stay.
    bounds : ndarray of shape (2, len(kept))
        Domain of the variables that stay.
    """

    def __init__(
        self,
        mog: Mixture,
        log_weights: Floats,
        bounds: Floats,
        kept: NDArray[np.intp],
        within: Floats | None = None,
    ) -> None:
        rest = np.setdiff1d(np.arange(mog.nvars), kept)
        bounded = rest[np.isfinite(bounds[:, rest]).any(axis=0)]
        self._count = len(bounded)
        order = np.concatenate([kept, bounded])
        used = _core.PreparedMixture(
            np.ones(mog.ngauss), mog.mus[:, order], mog.Sigmas[:, order[:, None], order]
        )
        every = np.eye(len(order))
        self._image = LinearImage(
            used.means,
            used.factors,
            mog.log_masses,
            bounds[:, order],
            every[: len(kept)],
            np.zeros(len(kept)),
            every[:, len(kept) :],
        )
        self.weights = np.exp(log_weights)
        self.mus = mog.mus[:, kept]
        self.Sigmas = mog.Sigmas[:, kept[:, None], kept[None, :]]
        self.bounds = bounds[:, kept]
        self._log_masses = mog.log_masses
        self._mog, self._kept, self._box = mog, kept, bounds
        self._normal = [
            _core.PreparedMixture(np.ones(1), self.mus[k : k + 1], self.Sigmas[k : k + 1])
            for k in range(self.ngauss)
        ]
        self._limits = within if within is not None and len(kept) <= 2 else None
        self._surfaces: list[ChebyshevSurface | None] = [None] * self.ngauss
        self._reaches = np.tile(np.array([-np.inf, np.inf])[:, None], (self.ngauss, 1, len(kept)))
        if self._limits is not None:
            for k in range(self.ngauss):
                self._interpolate(k, self._limits)

    def _interpolate(self, k: int, within: Floats) -> None:
        """Interpolate the second factor of component k where the component matters."""
        low, high = np.maximum(within[0], self.bounds[0]), np.minimum(within[1], self.bounds[1])
        if self._log_masses[k] > _LOG_MOSTLY_OUTSIDE:
            spread = _REACH * np.sqrt(np.diag(self.Sigmas[k]))
            self._reaches[k] = self.mus[k] - spread, self.mus[k] + spread
            low, high = np.maximum(low, self._reaches[k, 0]), np.minimum(high, self._reaches[k, 1])
        if (low < high).all():
            smooth = self._count <= _MOST_BY_QUADRATURE
            self._surfaces[k] = ChebyshevSurface.fitted(
                lambda points: self._image.log_share(k, points),
                low,
                high,
                _TOLERANCE if smooth else _LATTICE_TOLERANCE,
                _MOST_NODES,
            )

    @property
    def ngauss(self) -> int:
        """Number of components."""
        return len(self.mus)

    def component_logpdf(self, X: Floats) -> Floats:
        """Log density of each component at points (N, V) or (N,) of one variable, (N, G)."""
        points = np.ascontiguousarray(X, dtype=np.float64).reshape(-1, self.mus.shape[1])
        inside = _between(points, self.bounds)
        densities = np.full((len(points), self.ngauss), -np.inf)
        for k in range(self.ngauss):
            densities[inside, k] = self._one(k, points[inside])
        return densities

    def _one(self, k: int, points: Floats) -> Floats:
        density = _core.logpdf(self._normal[k], points) - self._log_masses[k]
        # Beyond its reach a component is 0 to rounding, and the second factor is not above 1.
        wanted = _between(points, self._reaches[k])
        surface = self._surfaces[k]
        if surface is not None:
            easy = wanted & _between(points, np.stack([surface.low, surface.high]))
            density[easy] += surface(points[easy])
            wanted &= ~easy
        if wanted.any():
            density[wanted] += self._image.log_share(k, points[wanted])
        return density

    def pdf(self, X: Floats) -> Floats:
        """Density at points (N, V) or (N,) of one variable."""
        return np.exp(self.component_logpdf(X)) @ self.weights

    def pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density at every combination of values of the variables, the first one last."""
        return np.tensordot(self.weights, self.component_pdf_on_grid(*axes), 1)

    def component_pdf_on_grid(self, *axes: Floats) -> Floats:
        """Density of each component, without its weight, on such a grid; components first."""
        points = grid_points(*axes)
        inside = _between(points, self.bounds)
        logs = np.full((self.ngauss, len(points)), -np.inf)
        for k in range(self.ngauss):
            surface = self._surfaces[k]
            if surface is None or not self._covers(axes):
                logs[k, inside] = self._one(k, points[inside])
                continue
            logs[k, inside] = _core.logpdf(self._normal[k], points[inside]) - self._log_masses[k]
            # A product of polynomials on both axes is cheaper than as many points.
            chosen = [
                np.flatnonzero((a >= low) & (a <= high))
                for a, low, high in zip(axes, surface.low, surface.high, strict=True)
            ]
            grid = logs[k].reshape(grid_shape(*axes))
            grid[np.ix_(*chosen[::-1])] += surface.on_grid(
                [a[i] for a, i in zip(axes, chosen, strict=True)]
            )
        return np.exp(logs).reshape(-1, *grid_shape(*axes))

    def draws(self, count: int, component: int | None = None) -> Floats:
        """Points (count, V) drawn from it, or from one component; the same at every call."""
        if component is None:
            points = self._mog.rvs(count, rng=0)
        else:
            one = slice(component, component + 1)
            alone = _core.PreparedMixture(
                np.ones(1), self._mog.mus[one], self._mog.Sigmas[one], self._box
            )
            points = _core.sample(alone, count, 0)[0]
        return np.ascontiguousarray(points[:, self._kept])

    def _covers(self, axes: tuple[Floats, ...]) -> bool:
        """Whether a grid stays within the limits of interpolation."""
        if self._limits is None:
            return False
        low, high = self._limits
        return all(a.min() >= low[i] and a.max() <= high[i] for i, a in enumerate(axes))


def _between(points: Floats, limits: Floats) -> NDArray[np.bool_]:
    return ((points >= limits[0]) & (points <= limits[1])).all(axis=1)

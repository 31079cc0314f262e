"""The density of y = A x + b, where x follows Gaussians that are truncated to a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.conditioning import solve_lower

__all__ = ["LinearImage"]

Floats = NDArray[np.float64]

# Rounding in a computed basis of the null space of A, in standard deviations of the variables.
_ROUNDING = 1e-12
# Sine of the angle below which two directions are one.
_PARALLEL = 1e-10
# What lattice rules aim at, from five bounded variables on: the core's own choice for a domain.
_RTOL = 1e-4


class _Follower(NamedTuple):
    """A bounded variable that is known from y and another one: x_i = g (y - b) + c x_leader."""

    of_y: Floats
    slope: float
    leader: int
    sides: Floats


class LinearImage:
    r"""The components of the density of y = A x + b, x truncated to a box, A of full row rank.

    Component k contributes N(y; A mu + b, A Sigma A^T) P(x in the box | y) / Z_k. With
    Sigma = L L^T and the QR decomposition L^T A^T = Q1 R, x given y is Gaussian with the mean
    mu + L Q1 u, R^T u = y - A mu - b, and the covariance (L Q2) (L Q2)^T, Q2 completing Q1.
    Some of the variables may be known from y; the others move along the null space of A, and where
    the bounded ones do so independently of each other, the probability is that of a box.

    Parameters
    ----------
    mus, factors : ndarray of shape (G, n) and (G, n, n)
        Means and lower factors L of the covariances, before truncation.
    log_masses : ndarray of shape (G,)
        The log Z_k.
    bounds : ndarray of shape (2, n)
        The box, infinite where it is open.
    A, b : ndarray of shape (M, n) and (M,)
    null : ndarray of shape (n, n - M), optional
        A basis of the null space of A that has no rounding errors; by default one is computed.

    Attributes
    ----------
    bounds : ndarray of shape (2, M)
        Least and largest value of each y: the density is 0 beyond.

    Raises
    ------
    NotImplementedError
        If the bounded variables that lead to one y fill a polytope that is no box.
    """

    def __init__(
        self,
        mus: Floats,
        factors: Floats,
        log_masses: Floats,
        bounds: Floats,
        A: Floats,
        b: Floats,
        null: Floats | None = None,
    ) -> None:
        count = len(A)
        self._A, self._b, self._mus, self._log_masses = A, b, mus, log_masses
        sides = np.multiply(bounds[:, None], A, out=np.zeros((2, *A.shape)), where=A != 0)
        self.bounds = np.array([sides.min(0).sum(1), sides.max(0).sum(1)]) + b
        self._scales = np.sqrt((factors**2).sum(2).mean(0))
        self._sure: list[tuple[Floats, Floats]] = []
        self._leaders: list[int] = []
        self._followers: list[_Follower] = []
        self._sort(bounds, null)
        self._sides = bounds[:, self._leaders]
        Q, R = np.linalg.qr((A @ factors).transpose(0, 2, 1), mode="complete")
        # Whichever signs the decomposition has taken, a factor has a positive diagonal.
        signs = np.sign(R[:, :count].diagonal(0, 1, 2))[:, None, :]
        self._lower = R[:, :count].transpose(0, 2, 1) * signs
        self._along = factors[:, self._leaders] @ (Q[:, :, :count] * signs)
        self._across = factors[:, self._leaders] @ Q[:, :, count:]
        self._centres = mus @ A.T + b
        self._normal = _core.PreparedMixture.from_factors(
            np.zeros(len(mus)), self._centres, self._lower
        )

    def _sort(self, bounds: Floats, null: Floats | None) -> None:
        """Tell which bounded variables y determines, which move, and which move with another."""
        exact = null is not None
        steps = _null_space(self._A, self._scales) if null is None else null
        scaled = steps / self._scales[:, None]
        lengths = np.sqrt((scaled**2).sum(1))
        ways = scaled / np.where(lengths > 0, lengths, 1.0)[:, None]
        for i in np.flatnonzero(np.isfinite(bounds).any(0)).tolist():
            if lengths[i] <= (0.0 if exact else _ROUNDING):
                known = self._from_y(i, None, 0.0)
                # One that y holds as it is lies in the box where y is within its own bounds.
                if np.count_nonzero(known) > 1:
                    self._sure.append((known, bounds[:, i]))
                continue
            for place, leader in enumerate(self._leaders):
                apart = ways[i] - (ways[i] @ ways[leader]) * ways[leader]
                if np.sqrt(apart @ apart) < _PARALLEL:
                    slope = float(steps[i] @ steps[leader] / (steps[leader] @ steps[leader]))
                    known = self._from_y(i, leader, slope)
                    self._followers.append(_Follower(known, slope, place, bounds[:, i]))
                    break
            else:
                self._leaders.append(i)
        moving = len(self._leaders)
        if moving and np.linalg.matrix_rank(ways[self._leaders], tol=_PARALLEL) < moving:
            raise NotImplementedError(
                f"{moving} bounded variables remain free in {steps.shape[1]} dimensions once the "
                "result is known: its density is the probability of a polytope, which is not "
                "computed; keep more of the variables, lift the domain of some, or use draws"
            )

    def _from_y(self, i: int, leader: int | None, slope: float) -> Floats:
        """The g of x_i - slope * x_leader = g (y - b)."""
        target = np.zeros(self._A.shape[1])
        target[i] = 1.0
        if leader is not None:
            target[leader] = -slope
        known = np.zeros(len(self._A))
        for row, entries in enumerate(self._A):
            if entries[i] != 0 and (entries == entries[i] * target).all():
                known[row] = 1.0 / entries[i]
                return known
        return np.linalg.lstsq((self._A * self._scales).T, target * self._scales, rcond=None)[0]

    def component_logpdf(self, points: Floats) -> Floats:
        """Log density of each component at points (N, M), without its weight, (N, G)."""
        inside = ((points >= self.bounds[0]) & (points <= self.bounds[1])).all(1)
        offsets = points - self._b
        for of_y, sides in self._sure:
            values = offsets @ of_y
            inside &= (values >= sides[0]) & (values <= sides[1])
        logs = _core.component_logpdf(self._normal, points) - self._log_masses
        logs[~inside] = -np.inf
        if self._leaders and inside.any():
            for k in range(len(self._mus)):
                logs[inside, k] += self.log_share(k, points[inside])
        return logs

    def log_share(self, k: int, points: Floats) -> Floats:
        """Log probability of the box given y, for component k, where what is sure is inside."""
        if not self._leaders:
            return np.zeros(len(points))
        u = solve_lower(self._lower[k : k + 1], (points - self._centres[k]).T[None])[0]
        means = self._mus[k, self._leaders] + (self._along[k] @ u).T
        covariance = self._across[k] @ self._across[k].T
        covariance = 0.5 * (covariance + covariance.T)
        if not self._followers:
            return _core.log_masses_of_means(means, covariance, *self._sides)
        low, high = self._limits(points)
        logs = np.full(len(points), -np.inf)
        for i in np.flatnonzero((low < high).all(1)):
            logs[i] = _core.box_probability(means[i], covariance, low[i], high[i], _RTOL)[0]
        return logs

    def _limits(self, points: Floats) -> Floats:
        """Limits of the variables that move, for every point, (2, N, number of them)."""
        shape = (2, len(points), len(self._leaders))
        low, high = np.array(np.broadcast_to(self._sides[:, None], shape))
        offsets = points - self._b
        for of_y, slope, leader, sides in self._followers:
            ends = (sides[:, None] - offsets @ of_y) / slope
            low[:, leader] = np.maximum(low[:, leader], ends.min(0))
            high[:, leader] = np.minimum(high[:, leader], ends.max(0))
        return np.array([low, high])


def _null_space(A: Floats, scales: Floats) -> Floats:
    """A basis, (n, n - M), orthonormal in units of the scales."""
    rows = A * scales
    rows = rows / np.sqrt((rows**2).sum(1))[:, None]
    basis: Floats = scales[:, None] * np.linalg.qr(rows.T, mode="complete")[0][:, len(A) :]
    return basis

"""Climbs on the density of a mixture, many at once, to points where it is flat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.gaussian_pairs import Components

__all__ = ["Surface"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_EPSILON = float(np.finfo(float).eps)
# A climb ends where the slope, in local widths, is below this and rounding.
_TOLERANCE = 1e-10
_ITERATIONS = 500
# What a climb may have left when its steps are used up: flat tops are reached slowly.
_NEARLY = 1e-5
# Newton's steps are taken where they promise less than this in log p.
_NEWTON = 0.5
_SHORTEST = 1e-9
# Climbs are followed together, but not so many that their matrices fill the memory.
_TERMS = 1 << 18
# Ends that agree so far, in local widths, are one.
_APART = 1e-5
# Climbs that have come so close go on as one; they are compared every few steps.
_TOGETHER, _EVERY = 1e-3, 4


class _Local(NamedTuple):
    """log p, its gradient, sum_k r_k P_k, and the covariance C of the gradients of the components.

    The Hessian of log p is C - sum_k r_k P_k.
    """

    heights: Floats
    gradients: Floats
    precisions: Floats
    spreads: Floats


class Surface:
    """The logarithm of the density of a mixture, to climb on; in a box, if there is one."""

    def __init__(self, f: Components) -> None:
        nvars = f.mus.shape[1]
        self._mus = f.mus
        self._whiten = np.linalg.solve(f.factors, np.broadcast_to(np.eye(nvars), f.factors.shape))
        self._precisions = self._whiten.transpose(0, 2, 1) @ self._whiten
        self._constants = f.log_weights - f.log_masses - 0.5 * f.log_dets
        free = np.tile(np.array([-np.inf, np.inf])[:, None], nvars)
        self._low, self._high = free if f.bounds is None else f.bounds
        self._block = max(_TERMS // (len(f.mus) * nvars), 16)

    def inside(self, points: Floats) -> Floats:
        """The nearest points of the box."""
        return np.clip(points, self._low, self._high)

    def heights(self, points: Floats) -> Floats:
        """log p, but for a constant, (N,)."""
        blocks = [
            _log_sums(self._terms(points[i : i + self._block])[0])
            for i in range(0, len(points), self._block)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def _terms(self, points: Floats) -> tuple[Floats, Floats]:
        # Components first: products of matrices are then whole blocks of points.
        white = (points - self._mus[:, None, :]) @ self._whiten.transpose(0, 2, 1)
        return self._constants - 0.5 * np.einsum("kni,kni->nk", white, white), white

    def _local(self, points: Floats) -> _Local:
        logs, white = self._terms(points)
        heights = _log_sums(logs)
        shares = np.exp(logs - heights[:, None])
        slopes = -(white @ self._whiten).transpose(1, 2, 0)
        gradients = (slopes @ shares[:, :, None])[:, :, 0]
        apart = (slopes - gradients[:, :, None]) * np.sqrt(shares)[:, None, :]
        return _Local(
            heights,
            gradients,
            np.tensordot(shares, self._precisions, 1),
            apart @ apart.transpose(0, 2, 1),
        )

    def _free(self, points: Floats, gradients: Floats) -> Flags:
        """Which variables can move: not those pressed against a bound."""
        low, high = (
            (points <= self._low) & (gradients < 0),
            (points >= self._high) & (gradients > 0),
        )
        return ~(low | high)

    def climbed(self, points: Floats) -> Floats:
        """Where climbs from the points end, those that do not reach a flat point left out."""
        ends = [
            self._climbed(points[i : i + self._block]) for i in range(0, len(points), self._block)
        ]
        return np.concatenate(ends) if ends else points

    def _climbed(self, points: Floats) -> Floats:
        r"""Climb by steps of the EM algorithm, and of Newton's near a top.

        The EM step for the maximum of a mixture solves :math:`\sum_k r_k P_k s = \nabla \log p`
        and never lowers p (Carreira-Perpinan 2000, "Mode-finding for mixtures of Gaussian
        distributions", section 4.2). Variables pressed against a bound stay (Bertsekas 1982,
        "Projected Newton methods").
        """
        x = points.copy()
        left = np.arange(len(x))
        state = self._local(x)
        length = np.ones(len(x))
        slope = np.full(len(x), np.inf)
        for iteration in range(_ITERATIONS):
            free = self._free(x[left], state.gradients)
            step, slope[left], limit = self._step(x[left], state, free, length)
            going = slope[left] > limit
            if not going.any():
                break
            left, length = left[going], length[going]
            state = _Local(*(part[going] for part in state))
            trial = self.inside(x[left] + length[:, None] * step[going])
            there = self._local(trial)
            # Equal heights are progress too: near the top they cannot be told apart.
            rounding = 4.0 * _EPSILON * (1.0 + np.abs(state.heights))
            better = there.heights >= state.heights - rounding
            x[left[better]] = trial[better]
            state = _Local(
                *(
                    np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip(there, state, strict=True)
                )
            )
            length = np.where(better, 1.0, 0.4 * length)
            kept = length >= _SHORTEST
            if iteration % _EVERY == _EVERY - 1:
                kept &= _first_of_each(x[left], state.precisions, _TOGETHER)
            if not kept.all():
                left, length = left[kept], length[kept]
                state = _Local(*(part[kept] for part in state))
        return x[slope < _NEARLY]

    def _step(
        self, points: Floats, state: _Local, free: Flags, length: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Steps, slopes in local widths, and the slopes that are rounding."""
        pairs = free[:, :, None] & free[:, None, :]
        # Variables that stay have rows of the identity.
        stays = np.einsum("ni,ij->nij", ~free, np.eye(points.shape[1]))
        gradients = np.where(free, state.gradients, 0.0)[:, :, None]
        steps = np.linalg.solve(np.where(pairs, state.precisions, stays), gradients)
        slopes = np.sqrt(np.maximum((steps * gradients).sum(axis=(1, 2)), 0.0))
        widths = np.einsum("nii->ni", state.precisions)
        limits = _TOLERANCE + 8.0 * _EPSILON * np.sqrt((widths * points**2).sum(axis=1))
        # A step that had to be shortened is not Newton's again.
        near = np.flatnonzero((slopes < 1.0) & (length == 1.0))
        if near.size:
            bends = np.where(pairs, state.precisions - state.spreads, stays)[near]
            near = near[np.linalg.eigvalsh(bends)[:, 0] > _TOLERANCE]
        if near.size:
            bends = np.where(pairs, state.precisions - state.spreads, stays)[near]
            newton = np.linalg.solve(bends, gradients[near])
            good = (newton * gradients[near]).sum(axis=(1, 2)) < _NEWTON
            steps[near[good]] = newton[good]
        return steps[:, :, 0], slopes, limits

    def thinned(self, points: Floats) -> Floats:
        """The points without most of those that are the same as another but for rounding."""
        if not len(points):
            return points
        return points[_first_of_each(points, self._local(points).precisions, _APART)]

    def bends(self, points: Floats) -> tuple[Floats, Floats]:
        """Largest curvature of log p at flat points (N,), and a local width in its direction.

        In units of the curvature of the components, along variables that can move.
        """
        state = self._local(points)
        free = self._free(points, np.where(self._pressed(state), state.gradients, 0.0))
        pairs = free[:, :, None] & free[:, None, :]
        stays = np.einsum("ni,ij->nij", ~free, np.eye(points.shape[1]))
        factors = np.linalg.cholesky(np.where(pairs, state.precisions, stays))
        half = np.linalg.solve(factors, np.where(pairs, state.spreads, 0.0))
        white = np.linalg.solve(factors, half.transpose(0, 2, 1))
        values, vectors = np.linalg.eigh(0.5 * (white + white.transpose(0, 2, 1)))
        widths = np.linalg.solve(factors.transpose(0, 2, 1), vectors[:, :, -1:])[:, :, 0]
        return np.where(free.any(axis=1), values[:, -1] - 1.0, -1.0), np.where(free, widths, 0.0)

    @staticmethod
    def _pressed(state: _Local) -> Flags:
        """Whether gradients, in the widths of their variables, are more than rounding."""
        widths = np.sqrt(np.einsum("nii->ni", state.precisions))
        return np.abs(state.gradients) > _NEARLY * widths


def _first_of_each(points: Floats, precisions: Floats, distance: float) -> Flags:
    """Which points are the first of those that agree to a distance in local widths."""
    widths = np.sqrt(np.einsum("nii->ni", precisions))
    _, first = np.unique(np.round(points * (widths / distance)), axis=0, return_index=True)
    kept = np.full(len(points), False)
    kept[first] = True
    return kept


def _log_sums(logs: Floats) -> Floats:
    """log of the sums of e^logs along the rows."""
    top = logs.max(axis=1)
    return top + np.log(np.exp(logs - top[:, None]).sum(axis=1))

"""Every mode of a mixture: where its density is highest nearby, inside its domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.climbing import Surface
from mogfit.algebra.gaussian_pairs import Components, components_of
from mogfit.algebra.mode_starts import starts
from mogfit.density.protocol import Mixture

__all__ = ["Modes", "modes"]

Floats = NDArray[np.float64]

# A curvature up to this, in units of that of the components, is rounding.
_CURVED = 1e-8
# How far from a saddle the climbs to its two sides start, in local widths.
_ASIDE = 0.05
_ROUNDS = 3
# Parts of the way to a higher top at which the density is looked at: it dips at once, if at all.
_BETWEEN = np.append(2.0 ** -np.arange(24.0, 0.0, -1.0), [0.7, 0.85])
# A dip in log p that is rounding.
_DIP = 1e-12


class Modes(NamedTuple):
    """The modes of a mixture, highest first.

    Attributes
    ----------
    points : ndarray of shape (M, V)
    log_densities : ndarray of shape (M,)
    """

    points: Floats
    log_densities: Floats


def modes(mog: Mixture) -> Modes:
    """Every mode; see `MixtureOfGaussians`."""
    given = components_of(mog)
    f, centre, scale = _standardised(given)
    surface = Surface(f)
    waiting = starts(f, surface)
    tops = np.empty((0, mog.nvars))
    for _ in range(_ROUNDS):
        ends = surface.thinned(surface.climbed(waiting))
        curvatures, directions = surface.bends(ends)
        saddles = curvatures > _CURVED
        tops = np.concatenate([tops, ends[~saddles]])
        if not saddles.any():
            break
        # What ended on a saddle goes on to both of its sides.
        aside = _ASIDE * directions[saddles]
        waiting = surface.inside(np.concatenate([ends[saddles] + aside, ends[saddles] - aside]))
    found = _merged(surface, tops)
    points = found * scale + centre
    if f.bounds is not None and given.bounds is not None:
        # What lies on a bound lies there whatever the units were meanwhile.
        for ours, theirs in zip(f.bounds, given.bounds, strict=True):
            points = np.where(found == ours, theirs, points)
        points = np.clip(points, *given.bounds)
    logs = np.atleast_1d(np.asarray(mog.logpdf(points)))
    order = np.argsort(-logs, kind="stable")
    return Modes(points[order], logs[order])


def _standardised(f: Components) -> tuple[Components, Floats, Floats]:
    """The components in units of their own, for variables may be of any size; and the units."""
    centre = f.weights @ f.mus
    scale = np.sqrt(f.weights @ np.einsum("kij,kij->ki", f.factors, f.factors))
    inside = f._replace(
        mus=(f.mus - centre) / scale,
        factors=f.factors / scale[:, None],
        log_dets=f.log_dets - 2.0 * np.log(scale).sum(),
        bounds=None if f.bounds is None else (f.bounds - centre) / scale,
    )
    return inside, centre, scale


def _merged(surface: Surface, tops: Floats) -> Floats:
    """One point for each top: between two of them the density dips, on one it does not."""
    heights = surface.heights(tops)
    kept: list[int] = []
    for i in np.argsort(-heights, kind="stable"):
        if kept:
            others = tops[kept]
            between = tops[i] + (others - tops[i])[:, None] * _BETWEEN[:, None]
            lowest = surface.heights(between.reshape(-1, tops.shape[1])).reshape(len(kept), -1)
            dips = lowest.min(axis=1) < heights[i] - _DIP * (1.0 + np.abs(heights[i]))
            if not dips.all():
                continue
        kept.append(int(i))
    return tops[kept]

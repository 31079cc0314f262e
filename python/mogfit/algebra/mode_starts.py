"""Points from which climbs find the modes of a mixture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.climbing import Surface
from mogfit.algebra.gaussian_pairs import Components, log_product_integrals

__all__ = ["starts"]

Floats = NDArray[np.float64]

# Places on the ridge between two components, as shares of one of them. Climbs start at every
# so many of them, and at those higher than their neighbours: long steps could pass a low top.
_SHARES = 1.0 / (1.0 + np.exp(-np.linspace(-5.0, 5.0, 37)))
_EVERY = 6
# Pairs taken of the components, those that overlap most first; neighbours taken in threes.
_PAIRS = 600
_ALL_THREES = 10
_NEIGHBOURS = 4
# Faces of the domain whose own mixtures are looked at.
_FACES = 200


def starts(f: Components, surface: Surface) -> Floats:
    r"""Points (N, V) near which modes can be.

    All flat points of the density lie on the surface of the

    .. math:: x(\alpha) = (\sum_k \alpha_k P_k)^{-1} \sum_k \alpha_k P_k \mu_k,

    with the precisions P_k and shares alpha_k that sum to 1 (Ray & Lindsay 2005, "The topography
    of multivariate normal mixtures", theorem 1). It is followed from each component, between pairs,
    and among threes. In a domain each of its faces is looked at too: along it the density is that
    of a mixture again.
    """
    pairs = _pairs(f)
    groups = [_ridges(f.mus, f.covariances, pairs)]
    if f.bounds is not None:
        groups += [_on_face(f, sides, pairs) for sides in islice(_faces(f.bounds), _FACES)]
    found = []
    for points, ridges in groups:
        along = surface.inside(ridges)
        heights = surface.heights(along.reshape(-1, along.shape[2])).reshape(along.shape[:2])
        chosen = np.full(heights.shape, False)
        chosen[:, ::_EVERY] = True
        middle = heights[:, 1:-1]
        chosen[:, 1:-1] |= (middle > heights[:, :-2]) & (middle >= heights[:, 2:])
        found += [surface.inside(points), along[chosen]]
    return np.unique(np.concatenate(found), axis=0)


def _pairs(f: Components) -> NDArray[np.intp]:
    first, second = np.triu_indices(len(f.mus), 1)
    if len(first) > _PAIRS:
        near = log_product_integrals(f._replace(bounds=None), f._replace(bounds=None), 0.5, 0.5)
        order = np.argsort(-near[first, second], kind="stable")[:_PAIRS]
        first, second = first[order], second[order]
    return np.stack([first, second], axis=1)


def _threes(count: int, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    if count <= _ALL_THREES:
        return np.array(list(combinations(range(count), 3)), dtype=np.intp).reshape(-1, 3)
    found = set()
    for k in range(count):
        touching = pairs[(pairs == k).any(axis=1)][:_NEIGHBOURS]
        others = [int(b if a == k else a) for a, b in touching]
        found |= {tuple(sorted((k, *two))) for two in combinations(others, 2)}
    return np.array(sorted(found), dtype=np.intp).reshape(-1, 3)


def _ridges(mus: Floats, Sigmas: Floats, pairs: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Means and points among threes of components (N, V); ridges between pairs (., M, V)."""
    precisions = np.linalg.inv(Sigmas)
    pulls = np.einsum("kij,kj->ki", precisions, mus)

    def between(groups: NDArray[np.intp], shares: Floats) -> Floats:
        together = np.einsum("sm,nmij->nsij", shares, precisions[groups])
        pull = np.einsum("sm,nmi->nsi", shares, pulls[groups])
        points: Floats = np.linalg.solve(together, pull[..., None])[..., 0]
        return points

    among = between(_threes(len(mus), pairs), np.full((1, 3), 1.0 / 3.0))[:, 0]
    return np.concatenate([mus, among]), between(pairs, np.stack([_SHARES, 1.0 - _SHARES], axis=1))


def _faces(bounds: Floats) -> Iterator[tuple[tuple[int, float], ...]]:
    """Sides (variable, value) of every face, large faces first."""
    sides = [
        [(i, float(value)) for value in bounds[:, i] if np.isfinite(value)]
        for i in range(bounds.shape[1])
    ]
    bounded = [pair for pair in sides if pair]
    for count in range(1, len(bounded) + 1):
        for chosen in combinations(bounded, count):
            yield from product(*chosen)


def _on_face(
    f: Components, sides: tuple[tuple[int, float], ...], pairs: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """What `_ridges` finds for the mixture that the density is along a face."""
    fixed = np.array([i for i, _ in sides])
    values = np.array([value for _, value in sides])
    rest = np.setdiff1d(np.arange(f.mus.shape[1]), fixed)

    def inserted(along: Floats) -> Floats:
        points = np.empty((*along.shape[:-1], f.mus.shape[1]))
        points[..., rest], points[..., fixed] = along, values
        return points

    if not rest.size:
        return inserted(np.empty((1, 0))), inserted(np.empty((0, 1, 0)))
    Sigmas = f.covariances
    own, cross = Sigmas[:, fixed[:, None], fixed], Sigmas[:, fixed[:, None], rest]
    gains = np.linalg.solve(own, cross)
    mus = f.mus[:, rest] + np.einsum("kij,ki->kj", gains, values - f.mus[:, fixed])
    inner = Sigmas[:, rest[:, None], rest] - gains.transpose(0, 2, 1) @ cross
    points, ridges = _ridges(mus, inner, pairs)
    return inserted(points), inserted(ridges)

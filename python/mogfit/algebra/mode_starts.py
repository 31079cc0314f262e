"""Points from which climbs find the modes of a mixture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.gaussian_pairs import Components, log_product_integrals

__all__ = ["starts"]

Floats = NDArray[np.float64]

# Places on the ridge between two components, as shares of one of them.
_SHARES = np.array([0.03, 0.12, 0.3, 0.5, 0.7, 0.88, 0.97])
# Pairs taken of the components, those that overlap most first; neighbours taken in threes.
_PAIRS = 600
_ALL_THREES = 10
_NEIGHBOURS = 4
# Faces of the domain whose own mixtures are looked at.
_FACES = 200


def starts(f: Components) -> Floats:
    r"""Points (N, V) near which modes can be.

    All flat points of the density lie on the surface of the

    .. math:: x(\alpha) = (\sum_k \alpha_k P_k)^{-1} \sum_k \alpha_k P_k \mu_k,

    with the precisions P_k and shares alpha_k that sum to 1 (Ray & Lindsay 2005, "The topography
    of multivariate normal mixtures", theorem 1). It is followed from each component, between pairs,
    and among threes. In a domain each of its faces is looked at too: along it the density is that
    of a mixture again.
    """
    pairs = _pairs(f)
    found = [_ridges(f.mus, f.covariances, pairs)]
    if f.bounds is None:
        return np.unique(found[0], axis=0)
    found += [_on_face(f, sides, pairs) for sides in islice(_faces(f.bounds), _FACES)]
    return np.unique(np.clip(np.concatenate(found), *f.bounds), axis=0)


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


def _ridges(mus: Floats, Sigmas: Floats, pairs: NDArray[np.intp]) -> Floats:
    """Means, points between the pairs, and one among each of the threes of components."""
    precisions = np.linalg.inv(Sigmas)
    pulls = np.einsum("kij,kj->ki", precisions, mus)
    of_pairs = np.stack([_SHARES, 1.0 - _SHARES], axis=1)
    of_threes = np.full((1, 3), 1.0 / 3.0)
    return np.concatenate(
        [
            mus,
            _between(precisions, pulls, pairs, of_pairs),
            _between(precisions, pulls, _threes(len(mus), pairs), of_threes),
        ]
    )


def _between(
    precisions: NDArray[np.floating], pulls: Floats, groups: NDArray[np.intp], shares: Floats
) -> Floats:
    """x(alpha) of groups of components, each for all shares (M, .), (groups times M, V)."""
    together = np.einsum("sm,nmij->nsij", shares, precisions[groups])
    pull = np.einsum("sm,nmi->nsi", shares, pulls[groups])
    return np.linalg.solve(together, pull[..., None]).reshape(-1, pulls.shape[1])


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
) -> Floats:
    """Starts of the mixture that the density is along a face."""
    fixed = np.array([i for i, _ in sides])
    values = np.array([value for _, value in sides])
    rest = np.setdiff1d(np.arange(f.mus.shape[1]), fixed)
    along = np.empty((1, 0))
    if rest.size:
        Sigmas = f.covariances
        own, cross = Sigmas[:, fixed[:, None], fixed], Sigmas[:, fixed[:, None], rest]
        gains = np.linalg.solve(own, cross)
        mus = f.mus[:, rest] + np.einsum("kij,ki->kj", gains, values - f.mus[:, fixed])
        inner = Sigmas[:, rest[:, None], rest] - gains.transpose(0, 2, 1) @ cross
        along = _ridges(mus, inner, pairs)
    points = np.empty((len(along), f.mus.shape[1]))
    points[:, rest], points[:, fixed] = along, values
    return points

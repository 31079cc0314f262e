"""k-means: the points nearest to each of K centres, and the centres of these points, in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.compat.pypr.lists import points, say
from mogfit.density.components import check_count
from mogfit.errors import InputError, bad_values_message, choice_message, place, shape_message
from mogfit.rng import draw_seed

__all__ = [
    "find_centroids",
    "find_distance",
    "find_intra_cluster_variance",
    "find_membership",
    "first_centres",
    "kmeans",
]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def kmeans(
    X: Any,
    K: int,
    iter: int = 20,
    verbose: bool = False,
    cluster_init: str = "sample",
    delta_stop: float | None = None,
    *,
    rng: Any = None,
) -> tuple[Labels, Floats]:
    """Part points into K clusters around their centres (Lloyd 1982).

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    K : int
        Number of clusters.
    iter : int, default 20
        Most iterations. Fewer are done where the membership no longer changes, which no further
        one would.
    verbose : bool, default False
        Print the sum of the distances at each iteration.
    cluster_init : {"sample", "box"}, default "sample"
        Start from K of the points, or from points drawn evenly from the box around them.
    delta_stop : float, optional
        Stop when the sum of the distances changes by less than this.
    rng : None, int, numpy.random.Generator or RandomState, optional
        Source of the seed; None takes one draw from numpy's global state.

    Returns
    -------
    membership : ndarray of int, shape (N,)
        The cluster of each point, from 0.
    centres : ndarray of shape (K, D)
        Their centres. A cluster that runs empty starts anew from the point farthest from its own
        centre, so that none is NaN.

    Raises
    ------
    InputError
        If a coordinate is not finite, there are fewer than K distinct points, or an argument is
        not one of those allowed.

    Examples
    --------
    >>> membership, centres = kmeans([[0.0], [1.0], [10.0], [11.0]], 2, rng=1)
    >>> sorted(centres.ravel().tolist())
    [0.5, 10.5]
    """
    rows = points(X, finite=True)
    limit = check_count(iter, "iter", 0)
    generator = np.random.default_rng(draw_seed(rng))
    centres = first_centres(rows, K, cluster_init, generator)
    distances = find_distance(rows, centres)
    membership = np.argmin(distances, axis=1).astype(np.int64)
    before = np.inf
    for i in range(limit):
        centres = _filled(rows, find_centroids(rows, len(centres), membership), distances)
        distances = find_distance(rows, centres)
        following = np.argmin(distances, axis=1).astype(np.int64)
        spread = float(distances.min(axis=1).sum())
        say(verbose, f"k-means iteration {i}: sum of distances {spread:g}")
        settled = np.array_equal(following, membership)
        membership = following
        if settled or (delta_stop is not None and abs(before - spread) < delta_stop):
            break
        before = spread
    return membership, centres


def find_distance(X: Any, c: Any) -> Floats:
    """Distances of points to centres.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    c : array_like of shape (K, D), or list of K arrays (D,)
        Centres. The distance to one that is NaN is NaN.

    Returns
    -------
    ndarray of shape (N, K)

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> find_distance([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]])
    array([[5., 1.]])
    """
    centres = _centres(c)
    rows = points(X, centres.shape[1])
    distances = np.empty((len(rows), len(centres)))
    for k, centre in enumerate(centres):
        distances[:, k] = np.sqrt(np.square(rows - centre).sum(axis=1))
    return distances


def find_membership(X: Any, c: Any) -> Labels:
    """The nearest centre of each point.

    Takes and raises what `find_distance` does; a centre that is NaN is nobody's nearest.

    Returns
    -------
    ndarray of int, shape (N,)
        From 0; the first one of several that are equally near.

    Examples
    --------
    >>> find_membership([[0.0], [9.0]], [[10.0], [1.0]])
    array([1, 0])
    """
    distances = find_distance(X, c)
    return np.argmin(np.where(np.isnan(distances), np.inf, distances), axis=1).astype(np.int64)


def find_centroids(X: Any, K: int, m: Any) -> Floats:
    """The centres of the points of each cluster.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    K : int
        Number of clusters.
    m : array_like of int, shape (N,)
        The cluster of each point, from 0.

    Returns
    -------
    ndarray of shape (K, D)
        NaN where a cluster has no points.

    Raises
    ------
    InputError
        If a cluster is not one of 0, ..., K - 1, or there is not one for each point.

    Examples
    --------
    >>> find_centroids([[0.0], [1.0], [8.0]], 3, [0, 0, 2]).tolist()
    [[0.5], [nan], [8.0]]
    """
    rows, count = points(X), check_count(K, "K", 1)
    membership = _membership(m, len(rows), count)
    sizes = np.bincount(membership, minlength=count)
    # About a point of each cluster: sums of coordinates far from 0 would lose digits.
    origins = np.zeros((count, rows.shape[1]))
    origins[membership] = rows
    offsets = rows - origins[membership]
    sums = np.stack([np.bincount(membership, column, count) for column in offsets.T], axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        return origins + sums / sizes[:, None]


def find_intra_cluster_variance(X: Any, m: Any, c: Any) -> float:
    """Sum of the distances of all points to the centres of their clusters.

    As in PyPR these are distances, not their squares, whatever the name says.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    m : array_like of int, shape (N,)
        The cluster of each point, from 0.
    c : array_like of shape (K, D)
        Centres.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> find_intra_cluster_variance([[0.0], [1.0], [8.0]], [0, 0, 1], [[0.5], [8.0]])
    1.0
    """
    centres = _centres(c)
    rows = points(X, centres.shape[1])
    membership = _membership(m, len(rows), len(centres))
    return float(np.sqrt(np.square(rows - centres[membership]).sum(axis=1)).sum())


def first_centres(
    rows: NDArray[Any], K: int, cluster_init: str, generator: np.random.Generator
) -> Floats:
    """Centres to start from, (K, D): K distinct points, or ones drawn from the box around them."""
    count = check_count(K, "K", 1)
    if cluster_init not in ("sample", "box"):
        raise InputError(choice_message("cluster_init", cluster_init, ("sample", "box")))
    if count > len(rows):
        raise InputError(f"K: {count} clusters seen for {len(rows)} points; give at most as many")
    if cluster_init == "box":
        low, high = rows.min(axis=0), rows.max(axis=0)
        return low + (high - low) * generator.random((count, rows.shape[1]))
    chosen = np.asarray(rows[generator.choice(len(rows), count, replace=False)], dtype=np.float64)
    if len(np.unique(chosen, axis=0)) == count:
        return chosen
    distinct = np.unique(rows, axis=0)
    if len(distinct) < count:
        raise InputError(
            f"K: {count} clusters seen for {len(distinct)} distinct points; give at most as many"
        )
    chosen = distinct[generator.choice(len(distinct), count, replace=False)]
    return np.asarray(chosen, dtype=np.float64)


def _filled(rows: NDArray[Any], centres: Floats, distances: Floats) -> Floats:
    """The centres, those of empty clusters put on the points that are farthest from theirs."""
    empty = np.flatnonzero(np.isnan(centres).any(axis=1))
    if empty.size:
        farthest = np.argsort(-distances.min(axis=1), kind="stable")
        centres[empty] = rows[farthest[: empty.size]]
    return centres


def _centres(c: Any) -> Floats:
    """Centres (K, D), which may be NaN; a vector is one centre for each cluster in one variable."""
    centres = np.asarray(c, dtype=np.float64)
    if centres.ndim == 1:
        centres = centres[:, None]
    if centres.ndim != 2 or 0 in centres.shape:
        raise InputError(shape_message("c", centres.shape, "K centres, shape (K, D),"))
    return centres


def _membership(m: Any, n: int, count: int) -> Labels:
    """The clusters of `n` points, checked."""
    membership = np.asarray(m)
    if membership.shape != (n,):
        raise InputError(shape_message("m", membership.shape, (n,), other="the rows of X"))
    bad = np.flatnonzero(~((membership >= 0) & (membership < count) & (membership % 1 == 0)))
    if bad.size:
        raise InputError(
            bad_values_message(
                "m",
                bad.size,
                n,
                "not clusters",
                first=place(index=int(bad[0])),
                seen=membership[bad[0]],
                allowed=f"whole numbers from 0 to {count - 1}",
            )
        )
    return membership.astype(np.int64)

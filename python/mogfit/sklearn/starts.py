"""Where fits start: the moments of clusters, found or drawn as `init_params` says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus

from mogfit import _core
from mogfit.rng import draw_seed
from mogfit.sklearn.training_data import Floats, TrainingData

__all__ = ["OF_ONE_POINT", "ClusterMoments", "draw_clusters", "kmeans_rows", "widened"]

# Starts of which every cluster is a point of the data.
OF_ONE_POINT = ("k-means++", "random_from_data")


@dataclass(frozen=True)
class ClusterMoments:
    """What an M-step from first responsibilities needs of the data."""

    counts: Floats  # (K,): sums of weight times responsibility
    total: float  # what `counts` are parts of
    means: Floats  # (K, d)
    covariances: Floats  # (K, d, d), about the means; all equal for covariance_type="tied"


def widened(clusters: ClusterMoments, data: TrainingData) -> ClusterMoments:
    """The same means, each with its share of the covariance of the data.

    For starts of one point each with a tied covariance: as large as that one comes out, EM and a
    descent would take the place where all components are one for an optimum.
    """
    X, _ = data.completed
    n_clusters, nvars = clusters.means.shape
    share = np.cov(X, rowvar=False, bias=True, aweights=data.weight).reshape(nvars, nvars)
    share *= n_clusters ** (-2.0 / nvars)
    return replace(clusters, covariances=np.repeat(share[np.newaxis], n_clusters, axis=0))


def draw_clusters(
    data: TrainingData,
    n_clusters: int,
    method: str,
    covariance_type: str,
    random_state: np.random.RandomState,
) -> ClusterMoments:
    """Moments of first clusters.

    Parameters
    ----------
    data : TrainingData
    n_clusters : int
    method : {"kmeans", "k-means++", "random", "random_from_data"}
        "kmeans" sees `kmeans_rows` rows at most, drawn in proportion to their weights.
    covariance_type : str
        Of "diag" and "spherical" covariances, no more than the diagonal is needed.
    random_state : numpy.random.RandomState
        Draws what scikit-learn draws, in the same order, except for "kmeans".
    """
    if method == "kmeans":
        return _of_kmeans(data, n_clusters, covariance_type, random_state)
    X, lost = data.completed
    tied = covariance_type == "tied"
    if method == "random":
        resp = random_state.uniform(size=(len(X), n_clusters))
        resp /= resp.sum(axis=1, keepdims=True)
        return _of_responsibilities(X, lost, resp, data, tied)
    if method == "random_from_data":
        p = None if data.weight is None else data.weight / data.total
        rows = random_state.choice(len(X), size=n_clusters, replace=False, p=p)
    else:
        _, rows = kmeans_plusplus(
            X, n_clusters, sample_weight=data.weight, random_state=random_state
        )
    return _of_rows(X, lost, rows, data.total, tied)


def _of_kmeans(
    data: TrainingData,
    n_clusters: int,
    covariance_type: str,
    random_state: np.random.RandomState,
) -> ClusterMoments:
    data = _thinned(data, kmeans_rows(n_clusters, data.shape[1]), random_state)
    X, lost = data.completed
    # Distances as scikit-learn's, in the units of the data.
    labels, _ = _core.kmeans_labels(
        X,
        data.weight,
        n_clusters,
        data.means,
        np.ones(X.shape[1]),
        draw_seed(random_state),
    )
    diagonal = covariance_type in ("diag", "spherical")
    counts, means, scatter = _core.label_moments(X, labels, data.weight, n_clusters, diagonal)
    held = np.where(counts > 0.0, counts, 1.0)[:, np.newaxis]
    if not counts.all():
        means[counts == 0.0] = data.means
    scatter /= held[:, :, np.newaxis]
    if covariance_type == "tied":
        scatter[:] = np.tensordot(counts, scatter, 1) / data.total
    return ClusterMoments(counts, data.total, means, _with_variance(scatter, lost))


def kmeans_rows(n_clusters: int, nvars: int) -> int:
    """Most rows that k-means looks at: some hundreds a cluster, more where there are many columns.

    From 5,000 to 20,000.
    """
    return min(max(5_000, n_clusters * max(500, 20 * nvars)), 20_000)


def _thinned(data: TrainingData, rows: int, random_state: np.random.RandomState) -> TrainingData:
    """At most so many rows, drawn with replacement in proportion to their weights."""
    n = len(data.X)
    if n <= rows:
        return data
    if data.weight is None:
        return data.rows(random_state.randint(n, size=rows))
    return data.rows(random_state.choice(n, size=rows, p=data.weight / data.total))


def _of_responsibilities(
    X: NDArray[Any], lost: Floats | None, resp: Floats, data: TrainingData, tied: bool
) -> ClusterMoments:
    if data.weight is not None:
        resp *= data.weight[:, np.newaxis]
    counts = resp.sum(axis=0)
    means = resp.T @ X / counts[:, np.newaxis]
    covariances = np.empty((*means.shape, X.shape[1]))
    for k, mean in enumerate(means):
        about = X - mean
        covariances[k] = (resp[:, k] * about.T) @ about / counts[k]
    if tied:
        covariances[:] = np.tensordot(counts, covariances, 1) / data.total
    return ClusterMoments(counts, data.total, means, _with_variance(covariances, lost))


def _of_rows(
    X: NDArray[Any], lost: Floats | None, rows: NDArray[np.int64], total: float, tied: bool
) -> ClusterMoments:
    """Clusters of one point each."""
    means = np.asarray(X[rows], float)
    n_clusters, nvars = means.shape
    covariances = np.zeros((n_clusters, nvars, nvars))
    if tied:
        # What scikit-learn's M-step makes of responsibilities that are 0 nearly everywhere.
        covariances[:] = (X.T @ X - means.T @ means) / n_clusters
    return ClusterMoments(np.ones(n_clusters), total, means, _with_variance(covariances, lost))


def _with_variance(covariances: Floats, lost: Floats | None) -> Floats:
    if lost is not None:
        covariances[:, np.arange(len(lost)), np.arange(len(lost))] += lost
    return covariances

"""Where fits start: the moments of clusters, found or drawn as `init_params` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, kmeans_plusplus

from mogfit.sklearn.training_data import Floats, TrainingData

__all__ = ["ClusterMoments", "draw_clusters"]

# Rows that k-means looks at: enough to place centres, and few enough to cost less than EM.
KMEANS_ROWS = 20_000


@dataclass(frozen=True)
class ClusterMoments:
    """What an M-step from first responsibilities needs of the data."""

    counts: Floats  # (K,): sums of weight times responsibility
    total: float  # what `counts` are parts of
    means: Floats  # (K, d)
    covariances: Floats  # (K, d, d), about the means; all equal for covariance_type="tied"


def draw_clusters(
    data: TrainingData,
    n_clusters: int,
    method: str,
    *,
    tied: bool,
    random_state: np.random.RandomState,
) -> ClusterMoments:
    """Moments of first clusters.

    Parameters
    ----------
    data : TrainingData
    n_clusters : int
    method : {"kmeans", "k-means++", "random", "random_from_data"}
        "kmeans" sees at most 20,000 rows, drawn in proportion to their weights.
    tied : bool
        Whether one covariance is shared by all.
    random_state : numpy.random.RandomState
        Draws what scikit-learn draws in the same order, except by "kmeans".
    """
    if method == "kmeans":
        return _of_kmeans(data, n_clusters, tied, random_state)
    if method == "random":
        return _of_random(data, n_clusters, tied, random_state)
    X, lost = data.completed
    if method == "random_from_data":
        p = None if data.weight is None else data.weight / data.total
        rows = random_state.choice(len(X), size=n_clusters, replace=False, p=p)
    else:
        _, rows = kmeans_plusplus(
            X, n_clusters, sample_weight=data.weight, random_state=random_state
        )
    return _of_rows(X, lost, rows, data.total, tied)


def _of_kmeans(
    data: TrainingData, n_clusters: int, tied: bool, random_state: np.random.RandomState
) -> ClusterMoments:
    if len(data.X) > KMEANS_ROWS:
        data = _thinned(data, random_state)
    X, lost = data.completed
    labels = (
        KMeans(n_clusters, n_init=1, random_state=random_state)
        .fit(X, sample_weight=data.weight)
        .labels_
    )
    resp = np.zeros((len(X), n_clusters))
    resp[np.arange(len(X)), labels] = 1.0
    return _of_responsibilities(X, lost, resp, data, tied)


def _thinned(data: TrainingData, random_state: np.random.RandomState) -> TrainingData:
    """Rows drawn with replacement, in proportion to their weights."""
    n = len(data.X)
    if data.weight is None:
        return data.rows(random_state.randint(n, size=KMEANS_ROWS), weighted=False)
    chosen = random_state.choice(n, size=KMEANS_ROWS, p=data.weight / data.total)
    return data.rows(chosen, weighted=False)


def _of_random(
    data: TrainingData, n_clusters: int, tied: bool, random_state: np.random.RandomState
) -> ClusterMoments:
    X, lost = data.completed
    resp = random_state.uniform(size=(len(X), n_clusters))
    resp /= resp.sum(axis=1, keepdims=True)
    return _of_responsibilities(X, lost, resp, data, tied)


def _of_responsibilities(
    X: NDArray[Any], lost: Floats | None, resp: Floats, data: TrainingData, tied: bool
) -> ClusterMoments:
    if data.weight is not None:
        resp *= data.weight[:, np.newaxis]
    counts = resp.sum(axis=0)
    # A cluster that no point belongs to waits, with weight 0, where the data are.
    held = np.where(counts > 0.0, counts, 1.0)[:, np.newaxis]
    means = np.where(counts[:, np.newaxis] > 0.0, resp.T @ X / held, data.means)
    n_clusters, nvars = means.shape
    covariances = np.zeros((n_clusters, nvars, nvars))
    for k in range(n_clusters):
        about = X - means[k]
        covariances[k] = (resp[:, k] * about.T) @ about / held[k]
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

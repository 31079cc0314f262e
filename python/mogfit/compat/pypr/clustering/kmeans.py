"""PyPR's module of k-means: its names."""

from __future__ import annotations

from mogfit.compat.pypr.clusters import (
    find_centroids,
    find_distance,
    find_intra_cluster_variance,
    find_membership,
    kmeans,
)

__all__ = [
    "find_centroids",
    "find_distance",
    "find_intra_cluster_variance",
    "find_membership",
    "kmeans",
]

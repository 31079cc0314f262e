"""PyPR's package of clustering: mixtures of Gaussians (`gmm`) and k-means (`kmeans`)."""

from __future__ import annotations

from mogfit.compat.pypr.clustering import gmm, gmm_plot, kmeans, rnd_gauss_clusters

__all__ = ["gmm", "gmm_plot", "kmeans", "rnd_gauss_clusters"]

"""The older name of `sample_gaussian_mixture`, which the example of k-means still imports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.compat.pypr.densities import sample_gaussian_mixture

__all__ = ["rnd_gauss_clusters"]


def rnd_gauss_clusters(
    centroids: Any, ccov: Any, samples: int = 1, *, rng: Any = None
) -> NDArray[np.float64]:
    """Draw points from Gaussians of equal weights: see `sample_gaussian_mixture`.

    Examples
    --------
    >>> import numpy as np
    >>> rnd_gauss_clusters([[1, 1], [3, 3]], [np.eye(2), np.eye(2)], 1000).shape
    (1000, 2)
    """
    return sample_gaussian_mixture(centroids, ccov, samples=samples, rng=rng)

"""Where EM starts: centres from the data, and covariances so narrow that each point has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.compat.pypr.clusters import find_intra_cluster_variance, first_centres, kmeans
from mogfit.compat.pypr.lists import Lists, points, say
from mogfit.density.components import check_count
from mogfit.errors import InputError, choice_message
from mogfit.rng import draw_seed

__all__ = ["gmm_init"]

Floats = NDArray[np.float64]

# The covariances of a start, as a part of the variances of the data (or of 1).
_NARROW = 1e-10


def gmm_init(
    X: Any,
    K: int,
    verbose: bool = False,
    cluster_init: str = "sample",
    cluster_init_prop: Mapping[str, Any] | None = None,
    max_init_iter: int = 5,
    cov_init: str = "var",
    *,
    rng: Any = None,
) -> Lists:
    """Choose centres, covariances and weights that EM may start from.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    K : int
        Number of components.
    verbose : bool, default False
        Print the spread of each run of k-means.
    cluster_init : {"sample", "box", "kmeans"}, default "sample"
        Centres are K of the points; points drawn evenly from the box around them; or the best of
        `max_init_iter` runs of `kmeans` on the data brought to mean 0 and standard deviation 1,
        the best being the one of smallest `find_intra_cluster_variance`.
    cluster_init_prop : mapping, optional
        Arguments of `kmeans`.
    max_init_iter : int, default 5
        Runs of k-means.
    cov_init : {"var", "iso"}, default "var"
        Covariances are diag(variances of X) / 1e10, or the identity / 1e10.
    rng : None, int, numpy.random.Generator or RandomState, optional
        Source of the seed; None takes one draw from numpy's global state.

    Returns
    -------
    centres : list of K arrays of shape (D,)
    covariances : list of K arrays of shape (D, D)
    p_k : ndarray of shape (K,)
        1 / K each.

    Raises
    ------
    InputError
        If a coordinate is not finite, there are fewer than K distinct points, or an argument is
        not one of those allowed.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(1).normal(size=(100, 2))
    >>> centres, covariances, p_k = gmm_init(X, 3, cluster_init="kmeans", rng=1)
    >>> len(centres), covariances[0].shape, p_k.round(3)
    (3, (2, 2), array([0.333, 0.333, 0.333]))
    """
    rows, count = points(X, finite=True), check_count(K, "K", 1)
    if cluster_init not in ("sample", "box", "kmeans"):
        raise InputError(choice_message("cluster_init", cluster_init, ("sample", "box", "kmeans")))
    if cov_init not in ("var", "iso"):
        raise InputError(choice_message("cov_init", cov_init, ("var", "iso")))
    generator = np.random.default_rng(draw_seed(rng))
    variances = rows.var(axis=0, dtype=np.float64)
    if cluster_init == "kmeans":
        runs = check_count(max_init_iter, "max_init_iter", 1)
        centres = _best_centres(
            rows, count, runs, dict(cluster_init_prop or {}), verbose, generator
        )
    else:
        centres = first_centres(rows, count, cluster_init, generator)
    widths = variances if cov_init == "var" else np.ones_like(variances)
    covariances = [np.diag(_NARROW * widths) for _ in range(count)]
    return list(centres), covariances, np.full(count, 1.0 / count)


def _best_centres(
    rows: NDArray[Any],
    count: int,
    runs: int,
    properties: dict[str, Any],
    verbose: bool,
    generator: np.random.Generator,
) -> Floats:
    """Centres of the k-means run of the smallest spread, in standardised coordinates."""
    location, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale[scale == 0.0] = 1.0  # a constant column has nothing to say
    standard = (rows - location) / scale
    best, smallest = np.empty(0), np.inf
    for run in range(runs):
        membership, centres = kmeans(standard, count, **{"rng": generator, **properties})
        spread = find_intra_cluster_variance(standard, membership, centres)
        say(verbose, f"k-means run {run}: sum of distances {spread:g}")
        if spread < smallest:
            best, smallest = centres, spread
    return location + scale * best

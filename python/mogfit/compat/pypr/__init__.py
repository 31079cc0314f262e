"""The names of PyPR 0.1.1 for mixtures of Gaussians and k-means, computed by mogfit.

``import mogfit.compat.pypr as pypr`` stands in for ``import pypr``: its modules are
`clustering.gmm`, `clustering.gmm_plot`, `clustering.kmeans`, `clustering.rnd_gauss_clusters` and
`stattest`, which are reached without ``clustering`` too (``pypr.gmm.em_gm``); so are the functions
of `gmm` and of `stattest` (``from mogfit.compat.pypr import em_gm, bic``). ``kmeans`` is the
module, as it is in PyPR; ``kmeans.kmeans`` is the function.

A mixture is what it is there: a list of K centres (D,), a list of K covariances (D, D), and K
weights. What PyPR does wrong is done right here: docs/coming-from-pypr.md lists it.
"""

from __future__ import annotations

from mogfit.compat.pypr import clustering, stattest
from mogfit.compat.pypr.clustering import gmm, gmm_plot, kmeans
from mogfit.compat.pypr.clustering.gmm import (
    Cov_problem,
    Prediction,
    cond_dist,
    cond_moments,
    em,
    em_gm,
    find_density_diff,
    gauss_ellipse_2d,
    gm_assign_to_cluster,
    gm_log_likelihood,
    gmm_em_continue,
    gmm_init,
    gmm_pdf,
    logmulnormpdf,
    marg_dist,
    mulnormpdf,
    predict,
    sample_gaussian_mixture,
)
from mogfit.compat.pypr.stattest import bic, bic_gmm

__all__ = [
    "Cov_problem",
    "Prediction",
    "bic",
    "bic_gmm",
    "clustering",
    "cond_dist",
    "cond_moments",
    "em",
    "em_gm",
    "find_density_diff",
    "gauss_ellipse_2d",
    "gm_assign_to_cluster",
    "gm_log_likelihood",
    "gmm",
    "gmm_em_continue",
    "gmm_init",
    "gmm_pdf",
    "gmm_plot",
    "kmeans",
    "logmulnormpdf",
    "marg_dist",
    "mulnormpdf",
    "predict",
    "sample_gaussian_mixture",
    "stattest",
]

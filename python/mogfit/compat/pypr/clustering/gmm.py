"""PyPR's module of mixtures of Gaussians: its names, gathered from the rooms that hold them."""

from __future__ import annotations

from mogfit.compat.pypr.conditionals import (
    Prediction,
    cond_dist,
    cond_moments,
    marg_dist,
    predict,
)
from mogfit.compat.pypr.densities import (
    gm_assign_to_cluster,
    gm_log_likelihood,
    gmm_pdf,
    logmulnormpdf,
    mulnormpdf,
    sample_gaussian_mixture,
)
from mogfit.compat.pypr.em_steps import Cov_problem, em, em_gm, gmm_em_continue
from mogfit.compat.pypr.shapes import find_density_diff, gauss_ellipse_2d
from mogfit.compat.pypr.starts import gmm_init

__all__ = [
    "Cov_problem",
    "Prediction",
    "cond_dist",
    "cond_moments",
    "em",
    "em_gm",
    "find_density_diff",
    "gauss_ellipse_2d",
    "gm_assign_to_cluster",
    "gm_log_likelihood",
    "gmm_em_continue",
    "gmm_init",
    "gmm_pdf",
    "logmulnormpdf",
    "marg_dist",
    "mulnormpdf",
    "predict",
    "sample_gaussian_mixture",
]

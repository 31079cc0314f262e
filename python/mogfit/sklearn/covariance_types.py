"""Covariances, precisions and their factors in the shapes of each `covariance_type`.

In the core a covariance is a full matrix; outside it is a number for "spherical", (K,), a row for
"diag", (K, d), one matrix for "tied", (d, d), and a stack of matrices for "full", (K, d, d).
"""

from __future__ import annotations

import numpy as np

from mogfit.sklearn.training_data import Floats

__all__ = [
    "expand_precision_factors",
    "from_matrices",
    "maximise",
    "precision_factors",
    "precision_factors_of_precisions",
    "precisions",
    "shape_of",
]

_ADDED = 10.0 * np.finfo(float).eps


def shape_of(covariance_type: str, n_components: int, n_features: int) -> tuple[int, ...]:
    """The shape of covariances and of what is made of them."""
    return {
        "full": (n_components, n_features, n_features),
        "tied": (n_features, n_features),
        "diag": (n_components, n_features),
        "spherical": (n_components,),
    }[covariance_type]


def from_matrices(matrices: Floats, covariance_type: str) -> Floats:
    """What a stack of matrices (K, d, d) of this type says, in its own shape."""
    if covariance_type == "full":
        return matrices
    if covariance_type == "tied":
        return matrices[0].copy()
    variances = np.diagonal(matrices, axis1=1, axis2=2)
    return variances.copy() if covariance_type == "diag" else variances[:, 0].copy()


def maximise(
    counts: Floats, means: Floats, covariances: Floats, covariance_type: str, reg_covar: float
) -> Floats:
    """scikit-learn's M-step: matrices (K, d, d) of the type, of the moments of clusters.

    It adds 10 eps to the counts. For "diag" and "spherical" that leaves points that are all in one
    place, but not at 0, a variance of the size of rounding, on which some programs count.
    """
    d = means.shape[1]
    if covariance_type == "tied":
        covariances = np.tensordot(counts / counts.sum(), covariances, 1)
        covariances = np.broadcast_to(covariances, (len(counts), d, d))
    elif covariance_type != "full":
        part = np.where(counts > 0.0, _ADDED / (counts + _ADDED), 0.0)
        variances = np.diagonal(covariances, axis1=1, axis2=2) + part[:, np.newaxis] * means**2
        if covariance_type == "spherical":
            mean = variances.mean(axis=1, keepdims=True)
            variances = np.broadcast_to(mean, variances.shape)
        covariances = variances[:, :, np.newaxis] * np.eye(d)
    return covariances + reg_covar * np.eye(d)


def precision_factors(factors: Floats, covariance_type: str) -> Floats:
    """Upper factors U, with precision U U^T, of lower factors (K, d, d) of the covariances."""
    if covariance_type in ("full", "tied"):
        lower = factors if covariance_type == "full" else factors[0]
        # The inverse of the transposed, which is upper, needs no exchange of rows.
        return np.linalg.inv(np.swapaxes(lower, -1, -2))
    return 1.0 / from_matrices(factors, covariance_type)


def expand_precision_factors(
    precisions_cholesky: Floats, covariance_type: str, n_components: int, n_features: int
) -> Floats:
    """Lower factors (K, d, d) of the covariances, of upper ones of the precisions."""
    upper = np.asarray(precisions_cholesky, float)
    if covariance_type in ("full", "tied"):
        lower = np.swapaxes(np.linalg.inv(upper), -1, -2)
        return np.broadcast_to(lower, (n_components, n_features, n_features))
    deviations = 1.0 / upper
    if covariance_type == "spherical":
        deviations = np.broadcast_to(deviations[:, np.newaxis], (n_components, n_features))
    return deviations[:, :, np.newaxis] * np.eye(n_features)


def precision_factors_of_precisions(given: Floats, covariance_type: str) -> Floats:
    """Upper factors U of precisions U U^T: the Cholesky factor of the rows and columns reversed."""
    if covariance_type in ("full", "tied"):
        reversed_ = np.linalg.cholesky(given[..., ::-1, ::-1])
        return np.ascontiguousarray(reversed_[..., ::-1, ::-1])
    return np.sqrt(given)


def precisions(precisions_cholesky: Floats, covariance_type: str) -> Floats:
    """Precisions of their factors."""
    if covariance_type in ("full", "tied"):
        return precisions_cholesky @ np.swapaxes(precisions_cholesky, -1, -2)
    return precisions_cholesky**2

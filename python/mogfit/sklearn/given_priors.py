"""The priors of `BayesianGaussianMixture`: what was given, checked, and what the data suggest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from mogfit.errors import InputError, scalar_message
from mogfit.inference.checks import mean_and_covariance
from mogfit.sklearn.given_starts import require_shape
from mogfit.sklearn.training_data import Floats, TrainingData

__all__ = [
    "check_covariance_prior",
    "check_degrees_of_freedom_prior",
    "check_mean_prior",
    "moments_of_data",
]


def check_mean_prior(given: ArrayLike, n_features: int) -> Floats:
    """A mean (d,)."""
    mean = check_array(given, dtype=np.float64, ensure_2d=False)
    require_shape(mean, (n_features,), "means")
    return mean


def check_degrees_of_freedom_prior(given: float, n_features: int) -> float:
    """Degrees of freedom above d - 1, with which a Wishart distribution is one."""
    if not given > n_features - 1.0:
        raise InputError(
            "The parameter 'degrees_of_freedom_prior' should be greater than "
            f"{n_features - 1}, but got {given:.3f}."
        )
    return given


def check_covariance_prior(given: Any, covariance_type: str, n_features: int) -> Floats:
    """A covariance of this type: positive, or symmetric and positive definite."""
    if covariance_type == "spherical":
        if np.ndim(given) or not 0.0 < float(given) < np.inf:
            raise InputError(scalar_message("covariance_prior", given, "a number > 0"))
        return np.asarray(given, dtype=float)
    name = f"{covariance_type} covariance_prior"
    shape = (n_features,) if covariance_type == "diag" else (n_features, n_features)
    if np.ndim(given) == 0:
        require_shape(np.asarray(given), shape, name)
    covariance = check_array(given, dtype=np.float64, ensure_2d=False)
    require_shape(covariance, shape, name)
    if covariance_type == "diag":
        if np.any(covariance <= 0.0):
            raise InputError(f"'{name}' should be positive")
    elif not (
        np.allclose(covariance, covariance.T) and np.all(np.linalg.eigvalsh(covariance) > 0.0)
    ):
        raise InputError(f"'{name}' should be symmetric, positive-definite")
    return covariance


def moments_of_data(data: TrainingData) -> tuple[Floats, Floats]:
    """Mean (d,) and unbiased covariance (d, d); weights count points.

    Where values are missing, they stand at the mean of their column, and the variance that this
    takes from the column is given back: a scale for a prior, and no more than that.
    """
    if data.total <= 1.0:
        raise InputError(
            f"sample_weight: the weights sum to {data.total:g}; they count points here, and a "
            "covariance_prior from the data needs more than one; multiply them, or give the prior"
        )
    X, lost = data.completed
    mean, covariance = mean_and_covariance(X, data.weight)
    if lost is not None:
        covariance = covariance + np.diag(lost)
    return mean, covariance * (data.total / (data.total - 1.0))

"""Checks of `weights_init`, `means_init` and `precisions_init`, in scikit-learn's words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from mogfit.errors import InputError

__all__ = ["check_means", "check_precisions", "check_weights", "require_shape"]

_FLOATS = (np.float64, np.float32)


def check_weights(given: ArrayLike, n_components: int) -> NDArray[Any]:
    """Weights (K,) that sum to 1."""
    weights = check_array(given, dtype=_FLOATS, ensure_2d=False)
    require_shape(weights, (n_components,), "weights")
    if np.any(weights < 0.0) or np.any(weights > 1.0):
        raise InputError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.max():.5f}, min value {weights.min():.5f}"
        )
    slack = 1e-6 if weights.dtype == np.float32 else 1e-8
    if abs(1.0 - weights.sum()) > slack:
        raise InputError(
            "The parameter 'weights' should be normalized, but got sum(weights) = "
            f"{weights.sum():.5f}"
        )
    return weights


def check_means(given: ArrayLike, n_components: int, n_features: int) -> NDArray[Any]:
    """Means (K, d)."""
    means = check_array(given, dtype=_FLOATS, ensure_2d=False)
    require_shape(means, (n_components, n_features), "means")
    return means


def check_precisions(
    given: ArrayLike, covariance_type: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Precisions of this type and shape: positive, or symmetric and positive definite."""
    precisions = check_array(given, dtype=_FLOATS, ensure_2d=False, allow_nd=len(shape) == 3)
    require_shape(precisions, shape, f"{covariance_type} precision")
    if covariance_type in ("full", "tied"):
        transposed = np.swapaxes(precisions, -1, -2)
        if not (
            np.allclose(precisions, transposed) and np.all(np.linalg.eigvalsh(precisions) > 0.0)
        ):
            raise InputError(
                f"'{covariance_type} precision' should be symmetric, positive-definite"
            )
    elif np.any(precisions <= 0.0):
        raise InputError(f"'{covariance_type} precision' should be positive")
    return precisions


def require_shape(seen: NDArray[Any], expected: tuple[int, ...], name: str) -> None:
    """Refuse a parameter of another shape."""
    if seen.shape != expected:
        raise InputError(
            f"The parameter '{name}' should have the shape of {expected}, but got {seen.shape}"
        )

"""What differs between the versions of scikit-learn, from 1.3 on."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.exceptions
from numpy.typing import NDArray

from mogfit import errors

__all__ = ["ConvergenceWarning", "validate_points"]

try:
    from sklearn.utils.validation import validate_data as _validate_data

    _FINITE = "ensure_all_finite"
except ImportError:  # before 1.6 it was a method, and its argument had another name

    def _validate_data(estimator: Any, X: Any, **options: Any) -> NDArray[Any]:
        return estimator._validate_data(X, **options)

    _FINITE = "force_all_finite"


class ConvergenceWarning(sklearn.exceptions.ConvergenceWarning, errors.ConvergenceWarning):  # type: ignore[misc]
    """A fit stopped before it met its own criterion: both scikit-learn's warning and mogfit's."""


def validate_points(estimator: Any, X: Any, **options: Any) -> NDArray[Any]:
    """`X` as a matrix of floats, its width and the names of its columns kept or compared.

    Values need not be finite: the core looks at each once.
    """
    return _validate_data(
        estimator, X, dtype=[np.float64, np.float32], **{_FINITE: False}, **options
    )

"""Weights, means and covariances that users supply: checked, and put into one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import (
    DtypeError,
    InputError,
    bad_values_message,
    place,
    scalar_message,
    shape_message,
)
from mogfit.parameters import correlation_pairs

__all__ = [
    "check_count",
    "check_covariances",
    "check_means",
    "check_sigmas_rhos",
    "check_weights",
    "is_number",
    "real_array",
]

Floats = NDArray[np.float64]

# An asymmetry up to this part of sqrt(S_ii S_jj) is rounding, and averaged away.
_ASYMMETRY = 1e-10


def is_number(value: Any) -> bool:
    """Whether a value is a real number, Python's or NumPy's; a boolean is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def check_count(value: Any, name: str, least: int) -> int:
    """A whole number of at least `least`; floats and booleans are not counts."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise InputError(scalar_message(name, value, f"a whole number >= {least}"))
    return int(value)


def real_array(values: Any, name: str) -> Floats:
    """A new float64 array of real, finite numbers.

    Raises
    ------
    DtypeError
        If `values` does not hold real numbers.
    InputError
        If `values` is ragged, or a value is not finite.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(
            f"{name}: rows of different lengths seen; give one value for each entry"
        ) from error
    if array.dtype.kind not in "fiub" and not (
        array.dtype == object and all(isinstance(v, (int, float)) for v in array.ravel())
    ):
        raise DtypeError(f"{name}: dtype {array.dtype} seen; allowed: real numbers")
    array = np.array(array, dtype=np.float64, order="C")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size and not array.ndim:
        raise InputError(scalar_message(name, values, "a finite number"))
    if bad.size:
        first = tuple(int(i) for i in np.unravel_index(bad[0], array.shape))
        raise InputError(
            bad_values_message(
                name,
                bad.size,
                array.size,
                "not finite",
                first=f"index {first[0] if len(first) == 1 else first}",
                seen=array.ravel()[bad[0]],
                allowed="finite numbers",
            )
        )
    return array


def check_weights(weights: Any, ngauss: int, *, normalise: bool = True) -> Floats:
    """Weights of `ngauss` components; None stands for equal ones.

    Raises
    ------
    InputError
        If their number differs, one is negative or not finite, or all are 0.
    """
    if weights is None:
        return np.full(ngauss, 1.0 / ngauss)
    array = np.atleast_1d(real_array(weights, "weights"))
    if array.shape != (ngauss,):
        raise InputError(
            shape_message(
                "weights", array.shape, (ngauss,), other=f"the {ngauss} components of mus"
            )
        )
    negative = np.flatnonzero(array < 0)
    if negative.size:
        k = int(negative[0])
        raise InputError(
            bad_values_message(
                "weights",
                negative.size,
                ngauss,
                "negative",
                first=place(component=k),
                seen=f"{array[k]:g}",
                allowed="numbers >= 0",
            )
        )
    total = array.sum()
    if not total > 0:
        raise InputError(
            f"weights: all {ngauss} are 0; allowed: numbers >= 0, at least one of them above 0"
        )
    return array / total if normalise else array


def check_means(mus: Any) -> Floats:
    """Means of shape (G, V); a vector is one value for each component in one variable.

    Raises
    ------
    InputError
        If the shape is not that of G points, or a value is not finite.
    """
    array = real_array(mus, "mus")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(
            shape_message(
                "mus",
                np.shape(mus),
                "shape (components, variables), or one value for each component in one variable,",
            )
        )
    return array


def check_covariances(Sigmas: Any, ngauss: int, nvars: int, *, name: str = "Sigmas") -> Floats:
    """Covariance matrices of shape (G, V, V); a vector is one variance for each component.

    Raises
    ------
    InputError
        If the shapes do not fit, a value is not finite, or a matrix is not symmetric, not
        positive definite, or singular.
    """
    array = real_array(Sigmas, name)
    given = array.shape
    if array.ndim == 1 and nvars == 1:
        array = array[:, None, None]
    elif array.ndim == 2 and ngauss == 1:
        array = array[None]
    # One matrix by itself is not that of a component.
    lone = len(given) == 2
    if array.shape != (ngauss, nvars, nvars):
        wanted = f"shape {(ngauss, nvars, nvars)}" + (
            f" or {ngauss} variances" if nvars == 1 else ""
        )
        raise InputError(
            shape_message(name, given, wanted, other="mus", other_shape=(ngauss, nvars))
        )
    variances = np.einsum("kii->ki", array)
    bad = np.argwhere(~(variances > 0))
    if bad.size:
        k, i = (int(v) for v in bad[0])
        raise InputError(
            bad_values_message(
                name,
                len(bad),
                variances.size,
                "not positive",
                first=f"variable {i}" if lone else f"{place(component=k)}, variable {i}",
                seen=f"{variances[k, i]:g}",
                allowed="variances > 0",
                noun="variance",
            )
        )
    sigmas = np.sqrt(variances)
    correlations = array / sigmas[:, :, None] / sigmas[:, None, :]
    asymmetry = np.abs(correlations - correlations.transpose(0, 2, 1))
    if asymmetry.max() > _ASYMMETRY:
        k, i, j = (int(v) for v in np.unravel_index(asymmetry.argmax(), asymmetry.shape))
        raise InputError(
            f"{name}: {_whose(k, lone)} is not symmetric: entry ({i}, {j}) is "
            f"{array[k, i, j]:g} and entry ({j}, {i}) is {array[k, j, i]:g}; give "
            "symmetric matrices, for example (S + S.T) / 2"
        )
    _check_positive_definite(correlations, name, lone)
    return 0.5 * (array + array.transpose(0, 2, 1))


def _whose(component: int, lone: bool) -> str:
    return "the matrix" if lone else f"component {component}"


def _check_positive_definite(correlations: Floats, name: str, lone: bool = False) -> None:
    """Name the first component whose correlation matrix is singular or indefinite."""
    nvars = correlations.shape[-1]
    # The core factorises to this accuracy; below it an eigenvalue is its rounding error.
    smallest_allowed = nvars * np.finfo(float).eps
    eigenvalues = np.linalg.eigvalsh(correlations)
    for k, values in enumerate(eigenvalues):
        if values[0] > smallest_allowed:
            continue
        if values[0] < -1e3 * smallest_allowed:
            raise InputError(
                f"{name}: {_whose(k, lone)} is not positive definite: smallest correlation "
                f"eigenvalue {values[0]:.3g}; every eigenvalue must be > 0"
            )
        rank = int(np.count_nonzero(values > 1e3 * smallest_allowed))
        raise InputError(
            f"{name}: {_whose(k, lone)} is singular: rank {rank} of {nvars}; drop the variables "
            f"that others determine, or widen {'it' if lone else 'the component'}"
        )


def check_sigmas_rhos(sigmas: Floats, rhos: Floats) -> None:
    """Standard deviations (G, V) and correlations (G, C) that make covariance matrices.

    Raises
    ------
    InputError
        Naming the component and the variable or pair: a standard deviation that is not positive,
        a correlation outside (-1, 1), or correlations that no covariance matrix has.
    """
    nvars = sigmas.shape[1]
    bad = np.argwhere(~(sigmas > 0))
    if bad.size:
        k, i = (int(v) for v in bad[0])
        raise InputError(
            bad_values_message(
                "sigmas",
                len(bad),
                sigmas.size,
                "not positive",
                first=f"{place(component=k)}, variable {i}",
                seen=f"{sigmas[k, i]:g}",
                allowed="numbers > 0",
            )
        )
    first, second = correlation_pairs(nvars)
    bad = np.argwhere(~(np.abs(rhos) < 1))
    if bad.size:
        k, pair = (int(v) for v in bad[0])
        raise InputError(
            bad_values_message(
                "rhos",
                len(bad),
                rhos.size,
                "outside (-1, 1)",
                first=f"{place(component=k)}, variables {first[pair]} and {second[pair]}",
                seen=f"{rhos[k, pair]:g}",
                allowed="correlations between -1 and 1",
            )
        )
    correlations = np.empty((len(sigmas), nvars, nvars))
    correlations[:] = np.eye(nvars)
    correlations[:, first, second] = correlations[:, second, first] = rhos
    _check_positive_definite(correlations, "rhos")

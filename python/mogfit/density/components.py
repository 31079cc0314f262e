"""Weights, means and covariances that users supply: checked, and put into one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DtypeError, InputError
from mogfit.parameters import correlation_pairs

__all__ = ["check_covariances", "check_means", "check_sigmas_rhos", "check_weights", "real_array"]

Floats = NDArray[np.float64]

# An asymmetry up to this part of sqrt(S_ii S_jj) is rounding, and averaged away.
_ASYMMETRY = 1e-10


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
            f"{name}: rows have different lengths; give one value for each entry"
        ) from error
    if array.dtype.kind not in "fiub" and not (
        array.dtype == object and all(isinstance(v, (int, float)) for v in array.ravel())
    ):
        raise DtypeError(f"{name}: has dtype {array.dtype}, must hold real numbers")
    array = np.array(array, dtype=np.float64, order="C")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        first = tuple(int(i) for i in np.unravel_index(bad[0], array.shape))
        where = first[0] if len(first) == 1 else first
        raise InputError(
            f"{name}: {bad.size} of {array.size} values are not finite, the first at "
            f"index {where}: {array.ravel()[bad[0]]}; every value must be a finite number"
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
            f"weights: has shape {array.shape}, but there are {ngauss} components; "
            f"give {ngauss} weights"
        )
    negative = np.flatnonzero(array < 0)
    if negative.size:
        k = int(negative[0])
        raise InputError(
            f"weights: {negative.size} of {ngauss} are negative, the first of component {k}: "
            f"{array[k]:g}; weights must be 0 or more"
        )
    total = array.sum()
    if not total > 0:
        raise InputError("weights: all are 0; at least one must be positive")
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
            f"mus: has shape {np.shape(mus)}, must be (components, variables), or one value for "
            "each component of a univariate mixture"
        )
    return array


def check_covariances(Sigmas: Any, ngauss: int, nvars: int) -> Floats:
    """Covariance matrices of shape (G, V, V); a vector is one variance for each component.

    Raises
    ------
    InputError
        If the shapes do not fit, a value is not finite, or a matrix is not symmetric, not
        positive definite, or singular.
    """
    array = real_array(Sigmas, "Sigmas")
    given = array.shape
    if array.ndim == 1 and nvars == 1:
        array = array[:, None, None]
    elif array.ndim == 2 and ngauss == 1 and nvars > 1:
        array = array[None]
    if array.shape != (ngauss, nvars, nvars):
        raise InputError(
            f"Sigmas: has shape {given}, but there are {ngauss} components in {nvars} variables; "
            f"expected ({ngauss}, {nvars}, {nvars})"
            + (f" or {ngauss} variances" if nvars == 1 else "")
        )
    variances = np.einsum("kii->ki", array)
    bad = np.argwhere(~(variances > 0))
    if bad.size:
        k, i = (int(v) for v in bad[0])
        raise InputError(
            f"Sigmas: {len(bad)} of {variances.size} variances are not positive, the first of "
            f"component {k}, variable {i}: {variances[k, i]:g}; variances must be > 0"
        )
    sigmas = np.sqrt(variances)
    correlations = array / sigmas[:, :, None] / sigmas[:, None, :]
    asymmetry = np.abs(correlations - correlations.transpose(0, 2, 1))
    if asymmetry.max() > _ASYMMETRY:
        k, i, j = (int(v) for v in np.unravel_index(asymmetry.argmax(), asymmetry.shape))
        raise InputError(
            f"Sigmas: component {k} is not symmetric: entry ({i}, {j}) is {array[k, i, j]:g} and "
            f"entry ({j}, {i}) is {array[k, j, i]:g}; give symmetric matrices, for example "
            "(S + S.T) / 2"
        )
    _check_positive_definite(correlations, "Sigmas")
    return 0.5 * (array + array.transpose(0, 2, 1))


def _check_positive_definite(correlations: Floats, name: str) -> None:
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
                f"{name}: component {k} is not positive definite: smallest correlation "
                f"eigenvalue {values[0]:.3g}; every eigenvalue must be > 0"
            )
        rank = int(np.count_nonzero(values > 1e3 * smallest_allowed))
        raise InputError(
            f"{name}: component {k} is singular: rank {rank} of {nvars}; drop the variables "
            "that others determine, or widen the component"
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
            f"sigmas: {len(bad)} of {sigmas.size} are not positive, the first of component {k}, "
            f"variable {i}: {sigmas[k, i]:g}; standard deviations must be > 0"
        )
    first, second = correlation_pairs(nvars)
    bad = np.argwhere(~(np.abs(rhos) < 1))
    if bad.size:
        k, pair = (int(v) for v in bad[0])
        raise InputError(
            f"rhos: {len(bad)} of {rhos.size} are outside (-1, 1), the first of component {k}, "
            f"pair ({first[pair] + 1}, {second[pair] + 1}): {rhos[k, pair]:g}"
        )
    correlations = np.empty((len(sigmas), nvars, nvars))
    correlations[:] = np.eye(nvars)
    correlations[:, first, second] = correlations[:, second, first] = rhos
    _check_positive_definite(correlations, "rhos")

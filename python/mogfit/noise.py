"""Errors of measurement: the noise of one, some or all points, in any of the usual shapes.

`as_noise` tells apart by its shape what was given, checks it, and says which values carry an
infinite error, that is, were not measured.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError, bad_values_message, place, scalar_message, shape_message
from mogfit.noise_covariances import Tally, check_noise_covariances
from mogfit.noise_tables import holds_switches, read_errors

__all__ = [
    "BLOCK",
    "Noise",
    "as_noise",
    "blank_unmeasured",
    "check_noise",
    "has_infinite",
    "noise_of_measured",
]

Floats = NDArray[np.float64]

# Rows that are checked together: what is made on the way stays this small.
BLOCK = 4096
# An asymmetry, or a negative eigenvalue of a correlation matrix, up to this size is rounding.
_ROUNDING = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-6}
# A matrix that differs from its transpose by more than this was not meant to be a covariance.
_CLEARLY_ASYMMETRIC = 1e-3
# A variance beyond the range of doubles counts as infinite.
_LARGEST_DEVIATION = math.sqrt(sys.float_info.max)

_DEVIATIONS = "standard deviations >= 0, or infinite where a value was not measured"


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise that was checked; at most one of the first three is given.

    Attributes
    ----------
    deviations : ndarray of shape (N, M) or None
        Standard deviations of the noise of every value.
    covariances : ndarray of shape (N, M, M) or None
        Covariances of the noise of every point.
    shared : ndarray of shape (M, M) or None
        The covariance of the noise of all points.
    unmeasured : Tally
        The values that are there in spite of an infinite error.
    """

    deviations: Floats | None = None
    covariances: Floats | None = None
    shared: Floats | None = None
    unmeasured: Tally = field(default_factory=Tally)


def as_noise(
    errors: Any,
    values: NDArray[Any],
    *,
    names: tuple[str, ...] | None = None,
    argument: str = "errors",
    data: str = "data",
    kept: NDArray[np.bool_] | None = None,
) -> Noise:
    """Check errors of measurement.

    Parameters
    ----------
    errors : array_like, table, mapping, Noise or None
        None is no noise; of a `Noise` it is known what its array means. A number or an array of
        shape (M,) are standard deviations that all points share; (N, M), or (N,) when M is 1, those
        of every point. (M, M) with M other than N, or (1, M, M), is a covariance that all points
        share; (N, M, M) are those of every point. One number of shape (1, 1) is a standard
        deviation. The columns of a table are matched by name, and so are the standard deviations
        of a mapping: of each name a number, or N. 0 is no noise; an infinite standard deviation or
        variance marks a value that was not measured. What belongs to a value that is NaN is not
        looked at. Never modified.
    values : ndarray of shape (N, M)
        The data, with NaN where a value is missing.
    names : tuple of str, optional
        Names of their columns.
    argument : str, default "errors"
        Name of the argument, for messages.
    data : str, default "data"
        Name of the data, for messages.
    kept : ndarray of bool, optional
        Which rows of a longer table the data are: errors may have a row for each of its rows.

    Returns
    -------
    Noise
        float64, C-contiguous, without a copy of what is so already. Covariances that are
        symmetric but for rounding are averaged with their transposes.

    Raises
    ------
    InputError
        If the shape does not fit, N and M are equal so that an array (N, M) can be read in two
        ways, a standard deviation or a variance is negative or NaN, or a covariance is not
        symmetric or not positive semi-definite (beyond 1e-10 of the standard deviations; 1e-6
        for float32).
    DtypeError
        If `errors` does not hold real numbers in memory.

    Examples
    --------
    >>> as_noise([0.1, 0.2], np.zeros((4, 2))).shared
    array([[0.01, 0.  ],
           [0.  , 0.04]])
    >>> as_noise([[0.1], [np.inf]], np.array([[7.0], [8.0]])).unmeasured.first
    (1, 0)
    """
    if errors is None:
        return Noise()
    if isinstance(errors, Noise):
        return check_noise(errors, values, names=names, argument=argument, data=data)
    if holds_switches(errors):
        raise InputError(scalar_message(argument, errors, _DEVIATIONS))
    array = read_errors(errors, values.shape, names, argument, data)
    if kept is not None and array.ndim and len(array) == len(kept) != len(values):
        array = array[kept]
    words: dict[str, Any] = {"names": names, "argument": argument, "data": data}
    words["rounding"] = _ROUNDING[array.dtype]
    array = np.asarray(array, dtype=np.float64, order="C")
    n, m = values.shape
    shape = array.shape
    if shape in ((), (m,)) or (shape == (1, 1) and m == 1):
        shared = _shared_deviations(array.reshape(shape[:1]), m, names, argument)
        return Noise(shared=shared, unmeasured=_unmeasured_columns(shared, values))
    by_name = isinstance(errors, Mapping)
    if shape == (n, m) and n == m > 1 and not (by_name or _clearly_asymmetric(array)):
        raise InputError(_two_meanings(argument, n, data))
    if shape == (n, m) or (shape == (n,) and m == 1):
        return check_noise(Noise(deviations=array.reshape(n, m)), values, **words)
    if shape in ((m, m), (1, m, m)):
        return check_noise(Noise(shared=array.reshape(m, m)), values, **words)
    return check_noise(Noise(covariances=array), values, **words)


def check_noise(
    noise: Noise,
    values: NDArray[Any],
    *,
    names: tuple[str, ...] | None = None,
    argument: str = "errors",
    data: str = "data",
    rounding: float = _ROUNDING[np.dtype(np.float64)],
) -> Noise:
    """Check noise of which it is known what its array means, as `as_noise` does.

    Parameters
    ----------
    noise : Noise
        One array in float64; its `unmeasured` is not looked at.
    values, names, argument, data
        As `as_noise` takes them.
    rounding : float, default 1e-10
        See `check_noise_covariances`.

    Raises
    ------
    InputError
        As `as_noise` does.
    """
    n, m = values.shape
    if noise.deviations is not None:
        if noise.deviations.shape != (n, m):
            raise InputError(_wrong_shape(argument, noise.deviations.shape, (n, m), data))
        found = _check_deviations(noise.deviations, values, names, argument)
        return Noise(deviations=noise.deviations, unmeasured=found)
    of_all = noise.shared is not None
    array = noise.shared[None] if noise.shared is not None else noise.covariances
    if array is None:
        return Noise()
    if array.shape != (1 if of_all else n, m, m):
        raise InputError(_wrong_shape(argument, array.shape, (n, m), data))
    checked, found = check_noise_covariances(
        array, None if of_all else values, rounding=rounding, names=names, argument=argument
    )
    if of_all:
        return Noise(shared=checked[0], unmeasured=_unmeasured_columns(checked[0], values))
    return Noise(covariances=checked, unmeasured=found)


def has_infinite(noise: Noise) -> bool:
    """Whether an error is infinite, be it of a value that is there or not."""
    if noise.deviations is not None:
        return bool((noise.deviations > _LARGEST_DEVIATION).any())
    if noise.covariances is not None:
        return bool((np.einsum("nii->ni", noise.covariances) == np.inf).any())
    return noise.shared is not None and bool((np.diag(noise.shared) == np.inf).any())


def blank_unmeasured(values: NDArray[Any], noise: Noise) -> NDArray[Any]:
    """Copy data, with NaN where the error is infinite.

    Parameters
    ----------
    values : ndarray of shape (N, M)
        The data; not modified.
    noise : Noise
        Their errors.

    Returns
    -------
    ndarray of shape (N, M)
        Of the same dtype.
    """
    blanked = values.copy(order="K")
    for start in range(0, len(blanked), BLOCK):
        rows = slice(start, start + BLOCK)
        if noise.deviations is not None:
            blanked[rows][noise.deviations[rows] > _LARGEST_DEVIATION] = np.nan
        elif noise.covariances is not None:
            variances = np.einsum("nii->ni", noise.covariances[rows])
            blanked[rows][variances == np.inf] = np.nan
        elif noise.shared is not None:
            blanked[rows, np.diag(noise.shared) == np.inf] = np.nan
    return blanked


def noise_of_measured(noise: Noise, values: NDArray[Any]) -> Noise:
    """The same noise, 0 where a value is missing or not measured.

    Parameters
    ----------
    noise : Noise
        Errors of the data, of no meaning where a value is missing; not modified.
    values : ndarray of shape (N, M)
        The data, with NaN where a value is missing or its error infinite.
    """
    if noise.shared is not None:
        unknown = np.diag(noise.shared) == np.inf
        return Noise(shared=np.where(unknown | unknown[:, None], 0.0, noise.shared))
    unknown = np.isnan(values)
    if not unknown.any():
        return noise
    if noise.deviations is not None:
        return Noise(deviations=np.where(unknown, 0.0, noise.deviations))
    if noise.covariances is not None:
        both = unknown[:, :, None] | unknown[:, None, :]
        return Noise(covariances=np.where(both, 0.0, noise.covariances))
    return noise


def _shared_deviations(
    array: Floats, m: int, names: tuple[str, ...] | None, argument: str
) -> Floats:
    """The covariance of noise with the same standard deviations at all points."""
    deviations = np.broadcast_to(array, (m,))
    bad = ~(deviations >= 0)
    if bad.any():
        first = int(np.argmax(bad))
        seen = float(deviations[first])
        if array.ndim == 0:
            raise InputError(f"{argument}: {seen} seen; allowed: {_DEVIATIONS}")
        raise InputError(
            bad_values_message(
                argument,
                int(bad.sum()),
                m,
                "negative or NaN",
                first=place(column=first, name=names[first] if names else None),
                seen=seen,
                allowed=_DEVIATIONS,
            )
        )
    with np.errstate(over="ignore"):
        return np.diag(deviations**2)


def _unmeasured_columns(shared: Floats, values: NDArray[Any]) -> Tally:
    """The values in columns that have an infinite error everywhere."""
    found = Tally()
    infinite = np.diag(shared) == np.inf
    if infinite.any():
        for start in range(0, len(values), BLOCK):
            found.add(~np.isnan(values[start : start + BLOCK]) & infinite, start)
    return found


def _check_deviations(
    deviations: Floats, values: NDArray[Any], names: tuple[str, ...] | None, argument: str
) -> Tally:
    """Refuse deviations that are none; find the values whose deviation is infinite."""
    found, bad = Tally(), Tally()
    if not deviations.size or (deviations.min() >= 0 and deviations.max() <= _LARGEST_DEVIATION):
        return found
    for start in range(0, len(values), BLOCK):
        block = deviations[start : start + BLOCK]
        present = ~np.isnan(values[start : start + BLOCK])
        bad.add(~(block >= 0) & present, start)
        found.add((block > _LARGEST_DEVIATION) & present, start)
    if bad.count:
        row, column = bad.first
        raise InputError(
            bad_values_message(
                argument,
                bad.count,
                deviations.size,
                "negative or NaN",
                first=place(row=row, column=column, name=names[column] if names else None),
                seen=float(deviations[row, column]),
                allowed=_DEVIATIONS,
            )
        )
    return found


def _clearly_asymmetric(matrix: Floats) -> bool:
    """Whether a square array cannot have been meant as a covariance."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(matrix - matrix.T).max()
    return bool(gap > _CLEARLY_ASYMMETRIC * np.abs(matrix).max())


def _wrong_shape(argument: str, seen: tuple[int, ...], shape: tuple[int, int], data: str) -> str:
    n, m = shape
    each = f"({n},)" if m == 1 else f"{shape}"
    one = f"{(1, m, m)}" if m in (1, n) else f"{(m, m)}"
    return shape_message(
        argument,
        seen,
        f"shape ({m},) or {each} of standard deviations, or {one} or {(n, m, m)} of covariances,",
        other=data,
        other_shape=shape,
        remedy="a number, or the first shape of either kind, is for all points",
    )


def _two_meanings(argument: str, n: int, data: str) -> str:
    return (
        f"{argument}: shape {(n, n)} seen, which for {data} of shape {(n, n)} can be one "
        f"covariance for all points or the standard deviations of each; for the first give shape "
        f"{(1, n, n)}: np.asarray({argument})[None]; for the second covariances of shape "
        f"{(n, n, n)}: np.square({argument})[:, None] * np.eye({n})"
    )

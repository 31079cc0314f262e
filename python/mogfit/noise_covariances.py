"""Covariances of measurement, one for every point: symmetric and positive semi-definite or not.

They may be singular, as noise may be absent in some directions, and in any units; they are
checked a block of points at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError, bad_values_message, place

__all__ = ["BLOCK", "Tally", "check_noise_covariances", "correlations"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Numbers that are checked together: what is made on the way stays within a processor's cache.
BLOCK = 2**16

_VARIANCES = "variances >= 0, or infinite where a value was not measured"


class Tally:
    """Counts what is at fault, and keeps the place of the first."""

    def __init__(self) -> None:
        self.count = 0
        self.first: tuple[int, ...] = ()

    def add(self, flags: Flags, start: int) -> None:
        """Add flags of further rows, the first of which is row `start`."""
        found = int(np.count_nonzero(flags))
        if found and not self.count:
            row, *rest = np.unravel_index(int(np.argmax(flags)), flags.shape)
            self.first = (start + int(row), *map(int, rest))
        self.count += found


def check_noise_covariances(
    covariances: Floats,
    values: NDArray[Any] | None,
    *,
    rounding: float,
    names: tuple[str, ...] | None,
    argument: str,
) -> tuple[Floats, Tally]:
    """Check covariances of the noise of points.

    Parameters
    ----------
    covariances : ndarray of shape (N, M, M)
        The covariances. What belongs to a missing value, or beside an infinite variance, is not
        looked at.
    values : ndarray of shape (N, M) or None
        The data, with NaN where a value is missing; None if the one matrix is that of all points.
    rounding : float
        The asymmetry, in units of the standard deviations, and the negative correlation
        eigenvalue that still count as rounding.
    names : tuple of str or None
        Names of the columns of the data.
    argument : str
        Name of the argument, for messages.

    Returns
    -------
    covariances : ndarray of shape (N, M, M)
        The same array if every matrix is exactly symmetric, else the averages with the
        transposes.
    unmeasured : Tally
        The values that are there in spite of an infinite variance.

    Raises
    ------
    InputError
        If a variance is negative or NaN, or a matrix is not symmetric or not positive
        semi-definite.
    """
    n, m, _ = covariances.shape
    check = _Check(rounding)
    size = max(1, BLOCK // m**2)
    uneven = False
    for start in range(0, n, size):
        block = covariances[start : start + size]
        missing = None if values is None else np.isnan(values[start : start + size])
        with np.errstate(all="ignore"):
            uneven |= check.add(block, missing, start)
    if check.variances.count:
        row, column = check.variances.first
        raise InputError(
            bad_values_message(
                argument,
                check.variances.count,
                n * m,
                "negative or NaN",
                first=place(
                    row=None if values is None else row,
                    column=column,
                    name=names[column] if names else None,
                ),
                seen=f"{covariances[row, column, column]:g}",
                allowed=_VARIANCES,
                noun="variance",
            )
        )
    for fault in check.faults:
        if fault.tally.count:
            subject = f"{argument}: the covariance of all points is {fault.problem}"
            if values is not None:
                subject = bad_values_message(
                    argument,
                    fault.tally.count,
                    n,
                    fault.problem,
                    first=place(row=fault.tally.first[0]),
                    noun="covariance",
                )
            raise InputError(f"{subject}: {fault.describe(fault.first)}; {fault.remedy}")
    if not uneven:
        return covariances, check.unmeasured
    averaged = np.empty_like(covariances)
    for start in range(0, n, size):
        block = covariances[start : start + size]
        averaged[start : start + size] = 0.5 * block + 0.5 * block.transpose(0, 2, 1)
    return averaged, check.unmeasured


@dataclass
class _Fault:
    """One way in which matrices are no covariances."""

    problem: str
    describe: Callable[[Floats], str]
    remedy: str
    tally: Tally = field(default_factory=Tally)
    first: Floats = field(default_factory=lambda: np.empty((0, 0)))  # the first such matrix


class _Check:
    """What was found in the matrices so far."""

    def __init__(self, rounding: float) -> None:
        self.rounding = rounding
        self.unmeasured, self.variances = Tally(), Tally()
        self.faults = _faults()

    def add(self, block: Floats, missing: Flags | None, start: int) -> bool:
        """Look at the matrices of a block of rows; tell whether one is not exactly symmetric."""
        matrices, variances, unused = _measured(block, missing)
        if missing is not None:
            self.unmeasured.add(unused.T & ~missing, start)
        self.variances.add(~(variances >= 0).T, start)
        uneven = bool((matrices != matrices.transpose(1, 0, 2)).any())
        infinite = np.zeros(len(block), bool)
        asymmetric, indefinite = infinite.copy(), infinite.copy()
        if not np.isfinite(matrices.sum()):  # far faster where all of them are
            infinite |= ~np.isfinite(matrices).all(axis=(0, 1))
        positive = variances > 0
        if not positive.all():
            # No variance, and yet a covariance: no scale would show how far that is from possible.
            indefinite |= ((matrices != 0) & ~(positive[:, None] & positive)).any(axis=(0, 1))
        scale = np.where(positive, 1.0 / np.sqrt(variances), 0.0)
        matrices *= scale[:, None]
        matrices *= scale
        if uneven:
            gap = np.abs(matrices - matrices.transpose(1, 0, 2))
            asymmetric |= (gap > self.rounding).any(axis=(0, 1))
        indefinite |= _indefinite(matrices, variances, self.rounding)
        for fault, odd in zip(self.faults, (infinite, asymmetric, indefinite), strict=True):
            if odd.any() and not fault.tally.count:
                i = int(np.argmax(odd))
                one = slice(i, i + 1)
                matrix, _, _ = _measured(block[one], None if missing is None else missing[one])
                fault.first = matrix[..., 0]
            fault.tally.add(odd, start)
        return uneven


def _measured(block: Floats, missing: Flags | None) -> tuple[Floats, Floats, Flags]:
    """Matrices (M, M, B), their diagonals (M, B, a view), and what was not measured (M, B).

    An independent variable of variance 1 stands for what was not measured.
    """
    # Rows along the last axis: each step is one sweep over contiguous memory.
    matrices = np.array(block.transpose(1, 2, 0), order="C")
    variances = np.einsum("iib->ib", matrices)
    unused: Flags = np.asarray(variances == np.inf)
    if missing is not None:
        unused |= missing.T
    if unused.any():
        matrices[unused[:, None] | unused] = 0.0
        variances[unused] = 1.0
    return matrices, variances, unused


def _indefinite(matrices: Floats, diagonals: Floats, rounding: float) -> Flags:
    """Correlation matrices with an eigenvalue below -rounding, overwritten on the way.

    The smallest eigenvalue is above -rounding if and only if Gaussian elimination of the matrix,
    with rounding added to its diagonal, meets positive pivots alone.
    """
    diagonals += rounding
    found = np.zeros(matrices.shape[-1], bool)
    for j in range(len(matrices)):
        pivot = matrices[j, j]
        found |= ~(pivot > 0)
        rest = matrices[j + 1 :, j + 1 :]
        rest -= matrices[j + 1 :, None, j] * (matrices[j, j + 1 :] / pivot)
    return found


def correlations(matrix: Floats) -> Floats:
    """A matrix in units of its standard deviations; variances of 0 leave 0."""
    with np.errstate(all="ignore"):
        scale = np.where(np.diag(matrix) > 0, 1.0 / np.sqrt(np.diag(matrix)), 0.0)
        return matrix * scale[:, None] * scale


def _place_of_largest(size: NDArray[Any]) -> tuple[int, int]:
    i, j = np.unravel_index(int(np.argmax(size)), size.shape)
    return int(i), int(j)


def _entry(matrix: Floats, i: int, j: int) -> str:
    return f"entry ({i}, {j}) is {matrix[i, j]:g}"


def _show_infinite(matrix: Floats) -> str:
    return _entry(matrix, *_place_of_largest(~np.isfinite(matrix)))


def _show_asymmetry(matrix: Floats) -> str:
    scaled = correlations(matrix)
    i, j = _place_of_largest(np.abs(scaled - scaled.T))
    return f"{_entry(matrix, i, j)} and {_entry(matrix, j, i)}"


def _show_eigenvalue(matrix: Floats) -> str:
    zero = np.diag(matrix) == 0
    alone = (matrix != 0) & (zero[:, None] | zero)
    if alone.any():
        i, j = _place_of_largest(alone)
        k = i if zero[i] else j
        return f"{_entry(matrix, k, k)}, but {_entry(matrix, i, j)}"
    # Clipped, as eigenvalues of numbers near the end of the range are not to be had.
    scaled = np.clip(correlations(matrix), -1e100, 1e100)
    return f"smallest correlation eigenvalue {np.linalg.eigvalsh(scaled)[0]:.3g}"


def _faults() -> tuple[_Fault, _Fault, _Fault]:
    """The faults in the order in which they are looked for."""
    return (
        _Fault(
            "not finite",
            _show_infinite,
            "allowed: finite covariances of the values that were measured; "
            "to leave a value out, make its variance infinite",
        ),
        _Fault(
            "not symmetric",
            _show_asymmetry,
            "allowed: symmetric matrices; if only rounding is to blame, average each matrix with "
            "its transpose",
        ),
        _Fault(
            "not positive semi-definite",
            _show_eigenvalue,
            "allowed: eigenvalues >= 0; beside the diagonal stands rho * sigma_i * sigma_j "
            "with abs(rho) <= 1",
        ),
    )

"""Points as the core takes them: weights of 0 left out, NaN as values not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import InputError, bad_values_message, place, scalar_message

__all__ = ["TrainingData", "count_missing", "observed"]

Floats = NDArray[np.float64]


def count_missing(X: NDArray[Any], *, nan_allowed: bool, names: Sequence[str] | None = None) -> int:
    """How many values are NaN.

    Raises
    ------
    InputError
        If a value is infinite, or NaN where that is not allowed. `names` are those of the columns.
    """
    n_nan, n_inf, row, column = _core.count_nonfinite(X)
    if not n_inf and (nan_allowed or not n_nan):
        return n_nan
    if n_inf:
        row, column = (int(i) for i in np.argwhere(np.isinf(X))[0])
    raise InputError(
        bad_values_message(
            "X",
            n_inf or n_nan,
            X.size,
            "infinite (inf)" if n_inf else "NaN",
            first=place(row=row, column=column, name=None if names is None else names[column]),
            seen=float(X[row, column]) if n_inf else None,
            allowed="finite numbers" + (", or NaN where a value is missing" if nan_allowed else ""),
            remedy=None if n_inf else "missing='marginal' uses the rest of such a row",
        )
    )


def observed(X: NDArray[Any], n_missing: int) -> NDArray[Any] | _core.Observations:
    """`X` itself, or as points seen in part where some values are missing."""
    return _core.Observations(X, missing=True) if n_missing else X


@dataclass(frozen=True)
class TrainingData:
    """Points that count, and their weights."""

    X: NDArray[Any]  # (N, d), float64 or float32; NaN where a value is missing
    weight: Floats | None  # (N,), positive
    n_missing: int
    unit: float = 1.0  # what each point counts, where `weight` is None

    @classmethod
    def of(cls, X: NDArray[Any], sample_weight: Floats | None, n_missing: int) -> TrainingData:
        """Leave rows of weight 0 out; refuse columns of which nothing was seen.

        `n_missing` counts the NaN of all rows.

        Raises
        ------
        InputError
            If a weight is negative or none is positive, or if a column is NaN throughout.
        """
        unit = 1.0
        if sample_weight is not None:
            X, sample_weight, unit = _with_weight(X, sample_weight)
        if n_missing:
            n_missing = _core.count_nonfinite(X)[0]
            unseen = np.flatnonzero(np.isnan(X).all(axis=0))
            if len(unseen):
                raise InputError(
                    f"X: {len(unseen)} of {X.shape[1]} columns have no value, first "
                    f"{place(column=int(unseen[0]))}; leave them out"
                )
        return cls(X, sample_weight, n_missing, unit)

    @property
    def shape(self) -> tuple[int, int]:
        """Points that count, and variables."""
        return self.X.shape

    @cached_property
    def counted(self) -> TrainingData:
        """The same where weights are numbers of points, and not their ratios alone matter."""
        if self.unit == 1.0:
            return self
        return TrainingData(self.X, np.full(len(self.X), self.unit), self.n_missing)

    @cached_property
    def total(self) -> float:
        """The sum of the weights."""
        return float(len(self.X) if self.weight is None else self.weight.sum())

    @cached_property
    def seen(self) -> tuple[NDArray[Any] | _core.Observations, Floats | None]:
        """The two arguments by which functions of the core take the data."""
        if self.n_missing or self.weight is not None:
            # Looked at once, not at every pass.
            return _core.Observations(self.X, self.weight, missing=self.n_missing > 0), None
        return self.X, None

    @cached_property
    def means(self) -> Floats:
        """Of the values seen of each column."""
        if not self.n_missing:
            return np.average(self.X, axis=0, weights=self.weight)
        weight = np.ones(len(self.X)) if self.weight is None else self.weight
        counts = weight @ ~np.isnan(self.X)
        return weight @ np.nan_to_num(self.X) / counts

    def rows(self, chosen: NDArray[np.int64]) -> TrainingData:
        """Some of the points, each as often as it was chosen, which stand for all."""
        X = self.X[chosen]
        part = TrainingData(X, None, int(np.isnan(X).sum()) if self.n_missing else 0)
        if part.n_missing:
            part.__dict__["means"] = self.means  # a column may have no value among these rows
        return part

    @cached_property
    def completed(self) -> tuple[NDArray[Any], Floats | None]:
        """The points with means of columns for what is missing, to start a fit from.

        And what that takes from the variance of each column, (d,), where anything is missing.
        """
        if not self.n_missing:
            return self.X, None
        gaps = np.isnan(self.X)
        filled = np.where(gaps, self.means, self.X)
        spread = np.average((filled - self.means) ** 2, axis=0, weights=self.weight)
        part = np.average(gaps, axis=0, weights=self.weight)
        return filled, spread * part / (1.0 - part)


def _with_weight(X: NDArray[Any], weight: Floats) -> tuple[NDArray[Any], Floats | None, float]:
    smallest = weight.min()
    if smallest < 0.0:
        row = int(np.argmax(weight < 0.0))
        raise InputError(
            scalar_message(f"sample_weight, row {row}", float(weight[row]), "numbers >= 0")
        )
    if smallest == 0.0:
        counted = np.flatnonzero(weight)
        if not len(counted):
            raise InputError("sample_weight: all are 0; allowed: numbers >= 0, some of them > 0")
        X, weight = X[counted], weight[counted]
    # Equal weights change nothing: then the same draws and sums as without any.
    smallest = float(weight.min())
    return (X, None, smallest) if smallest == weight.max() else (X, weight, 1.0)

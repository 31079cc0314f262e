"""The rows of observations, with all that belongs to them.

Of a point x_i of V variables M values are seen, y_i = R_i x_i + e_i with e_i ~ N(0, S_i); without a
projection R_i is the identity and M is V.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mogfit.noise import Noise, blank_unmeasured, has_infinite

__all__ = ["BELONGINGS", "Observations", "seen_as"]

Floats = NDArray[np.float64]

# What may belong to the values of all rows.
BELONGINGS = ("deviations", "covariances", "shared", "projection")


@dataclass(frozen=True, eq=False, repr=False)
class Observations:
    """Observations that were checked, one row for each point; not to be written to.

    Attributes
    ----------
    values : ndarray of shape (N, M)
        float64 or float32, any strides. NaN where a value is missing or its error infinite.
    nvars : int
        Number V of variables of the points.
    names : tuple of str or None
        Their names.
    weight : ndarray of shape (N,) or None
        Weights of the rows.
    deviations : ndarray of shape (N, M) or None
        Standard deviations of the noise of every value. Like the two below float64,
        C-contiguous, and of no meaning where a value is missing.
    covariances : ndarray of shape (N, M, M) or None
        Covariances of the noise of every point.
    shared : ndarray of shape (M, M) or None
        The covariance of the noise of all points. At most one of these three is given.
    projection : ndarray of shape (N, M, V) or None
        The matrices R_i; rows share memory (stride 0) where one holds for all points.
    incomplete : bool
        Whether a value is missing, so that the row counts with those that it has. False where
        NaN were not looked at.
    single : bool
        Whether the input was one point without an axis of rows.
    unmarked : ndarray of shape (N, M) or None
        The values as they were given, where an infinite error has marked some of them as missing;
        None where those are `values`.
    kept : ndarray of bool or None
        Which of the rows that were given these are, where rows were left out.
    """

    values: NDArray[Any]
    nvars: int
    names: tuple[str, ...] | None = None
    weight: Floats | None = None
    deviations: Floats | None = None
    covariances: Floats | None = None
    shared: Floats | None = None
    projection: Floats | None = None
    incomplete: bool = False
    single: bool = False
    unmarked: NDArray[Any] | None = None
    kept: NDArray[np.bool_] | None = None

    @property
    def given(self) -> NDArray[Any]:
        """The values as they were given, be their errors infinite or not."""
        return self.values if self.unmarked is None else self.unmarked

    @property
    def n_points(self) -> int:
        """Number N of rows."""
        return len(self.values)

    @property
    def total(self) -> float:
        """Sum of the weights; the number of rows where there are none."""
        return float(len(self.values) if self.weight is None else self.weight.sum())

    @property
    def effective_points(self) -> float:
        """Kish's effective size, (sum s)^2 / sum s^2: the number of rows, if weights are equal.

        As many equally weighted points have a mean of the same variance (Kish 1965, section 8.2).
        """
        if self.weight is None:
            return float(len(self.values))
        # Of the largest, so that no square is too large for a double, or too small.
        weight = self.weight / self.weight.max()
        return float(weight.sum() ** 2 / np.square(weight).sum())

    @property
    def noisy(self) -> bool:
        """Whether there are errors of measurement, be they 0."""
        return not (self.deviations is None and self.covariances is None and self.shared is None)

    @property
    def noise(self) -> Noise | None:
        """Their errors, to be given again with other values or projections."""
        return Noise(self.deviations, self.covariances, self.shared) if self.noisy else None

    @property
    def plain(self) -> bool:
        """Whether the values are the points themselves, complete and without noise."""
        return not (self.incomplete or self.noisy or self.projection is not None)

    @cached_property
    def core(self) -> Any:
        """The same for the compiled core, which reads the arrays where they lie."""
        from mogfit import _core

        return _core.Observations(
            self.values,
            sample_weight=self.weight,
            missing=self.incomplete,
            deviations=self.deviations,
            covariances=self.covariances,
            shared=self.shared,
            projection=self.projection,
        )

    @property
    def belongings(self) -> dict[str, Floats]:
        """What belongs to the values, for `seen_as`: noise and projection, those that there are.

        The projection is of shape (M, V) where it is that of all points.
        """
        held = {name: getattr(self, name) for name in BELONGINGS}
        if _is_repeated(self.projection):
            held["projection"] = self.projection[0]
        return {name: array for name, array in held.items() if array is not None}

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "core"}
        # A matrix that all rows share would be written, or copied, once for each of them.
        return state | {"projection": self.belongings.get("projection")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        projection = _for_each(state["projection"], len(state["values"]))
        self.__dict__.update(state | {"projection": projection})

    def take(self, rows: Any) -> Observations:
        """Some of the rows, with all that belongs to them.

        Parameters
        ----------
        rows : slice, or ndarray of int or bool
            Which rows, as numpy indexes with it; a slice copies nothing.

        Returns
        -------
        Observations

        Examples
        --------
        >>> from mogfit.observations import as_observations
        >>> two = as_observations([[1.0], [2.0], [3.0]], errors=[[0.1], [0.2], [0.3]]).take([0, 2])
        >>> two.values.ravel(), two.deviations.ravel()
        (array([1., 3.]), array([0.1, 0.3]))
        """
        values = self.values[rows]
        projection = self.projection
        if _is_repeated(projection):
            projection = _for_each(projection[0], len(values))
        else:
            projection = _rows_of(projection, rows)
        incomplete = self.incomplete and _any_nan(values)
        return Observations(
            values,
            self.nvars,
            self.names,
            _rows_of(self.weight, rows),
            _rows_of(self.deviations, rows),
            _rows_of(self.covariances, rows),
            self.shared,
            projection,
            incomplete,
            unmarked=self.unmarked[rows] if incomplete and self.unmarked is not None else None,
        )

    def keep(self, flags: NDArray[np.bool_]) -> Observations:
        """The rows that are flagged, for good: `kept` tells which of those given they are."""
        kept = flags
        if self.kept is not None:
            kept = self.kept.copy()
            kept[self.kept] = flags
        return replace(self.take(flags), kept=kept)


def seen_as(
    values: NDArray[Any],
    nvars: int,
    names: tuple[str, ...] | None = None,
    belongings: Mapping[str, Floats] | None = None,
) -> Observations:
    """Observations of values that were checked before, together with what belongs to them.

    Parameters
    ----------
    values : ndarray of shape (N, M)
        The values as they were given, NaN where one is missing.
    nvars : int
        Number V of variables.
    names : tuple of str, optional
        Their names.
    belongings : mapping, optional
        What `Observations.belongings` was.

    Examples
    --------
    >>> from mogfit.observations import as_observations
    >>> seen = as_observations([[1.0], [2.0]], errors=[[0.1], [0.2]])
    >>> seen_as(seen.values, 1, belongings=seen.belongings).deviations.ravel()
    array([0.1, 0.2])
    """
    held: dict[str, Any] = dict(belongings or {})
    held["projection"] = _for_each(held.get("projection"), len(values))
    noise = Noise(held.get("deviations"), held.get("covariances"), held.get("shared"))
    if has_infinite(noise):
        marked = blank_unmeasured(values, noise)
        if np.count_nonzero(np.isnan(marked)) > np.count_nonzero(np.isnan(values)):
            return Observations(marked, nvars, names, incomplete=True, unmarked=values, **held)
    return Observations(values, nvars, names, incomplete=_any_nan(values), **held)


def _is_repeated(projection: Floats | None) -> TypeGuard[Floats]:
    """Whether one matrix stands for all rows."""
    return projection is not None and len(projection) > 1 and projection.strides[0] == 0


def _for_each(projection: Floats | None, n_points: int) -> Floats | None:
    if projection is None or projection.ndim == 3:
        return projection
    return np.broadcast_to(projection, (n_points, *projection.shape))


def _rows_of(array: Floats | None, rows: Any) -> Floats | None:
    return None if array is None else np.ascontiguousarray(array[rows])


def _any_nan(values: NDArray[Any]) -> bool:
    # Imported late: the core is needed only once there are values to look at.
    from mogfit._core import count_nonfinite

    return bool(values.size) and count_nonfinite(values)[0] > 0

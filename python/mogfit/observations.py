"""Points as they were observed: with values missing, through noise, weighted, projected.

Of a point x_i of V variables M values are seen, y_i = R_i x_i + e_i with e_i ~ N(0, S_i); without a
projection R_i is the identity and M is V. `as_observations` checks all that belongs to the points
together, and keeps it together when rows are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mogfit.data import HOW_TO_GO_ON, as_points, as_sample_weight
from mogfit.errors import (
    DataWarning,
    InputError,
    bad_values_message,
    choice_message,
    place,
    warn_user,
)
from mogfit.noise import BLOCK, Noise, as_noise, blank_unmeasured, noise_of_measured
from mogfit.projections import as_projection, one_per_point, require_columns

__all__ = [
    "BELONGINGS",
    "MISSING",
    "Missing",
    "Observations",
    "as_observations",
    "seen_as",
    "weighted",
]

Floats = NDArray[np.float64]
Missing = Literal["error", "marginal", "drop", "nan"]

# What a user may choose.
MISSING = ("error", "marginal", "drop")
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

    @property
    def n_points(self) -> int:
        """Number N of rows."""
        return len(self.values)

    @property
    def total(self) -> float:
        """Sum of the weights; the number of rows where there are none."""
        return float(len(self.values) if self.weight is None else self.weight.sum())

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
        return Observations(
            values,
            self.nvars,
            self.names,
            _rows_of(self.weight, rows),
            _rows_of(self.deviations, rows),
            _rows_of(self.covariances, rows),
            self.shared,
            projection,
            self.incomplete and _any_nan(values),
        )


def as_observations(
    X: Any,
    *,
    nvars: int | None = None,
    names: Sequence[str] | None = None,
    name: str = "data",
    missing: Missing = "error",
    errors: Any = None,
    projection: Any = None,
    sample_weight: Any = None,
    single_row_ok: bool = False,
    allow_empty: bool = False,
) -> Observations:
    """Check observations and all that belongs to them.

    Parameters
    ----------
    X : array_like or table
        What was seen of the points, as rows of shape (N, M), in any form that
        `mogfit.data.as_points` reads. A value that is NaN, masked, NA or null is missing.
    nvars : int, optional
        Number V of variables that is expected; None takes it from the data.
    names : sequence of str, optional
        Names of the variables. Without a projection they are those of the columns, which are
        put in this order.
    name : str, default "data"
        Name of `X`, for messages.
    missing : {"error", "marginal", "drop", "nan"}, default "error"
        What a missing value means: an error; that the row counts with the values that it has;
        that the row is left out, with a warning; or a result of NaN, in which case the values
        are not looked at, be they NaN or infinite.
    errors : array_like or table, optional
        Errors of measurement, in any of the shapes that `mogfit.noise.as_noise` reads. An
        infinite error makes its value a missing one.
    projection : array_like of shape (N, M, V) or (M, V), optional
        The matrix R_i of every point, or the one of all points.
    sample_weight : array_like of shape (N,), optional
        Weights of the rows, >= 0.
    single_row_ok : bool, default False
        Whether a 1-D array of length M (a scalar if M is 1) is one point.
    allow_empty : bool, default False
        Whether there may be nothing to learn from: no rows, or columns without a single value.

    Returns
    -------
    Observations
        Values in float64 or float32 are not copied, unless rows are left out or an infinite
        error stands at a value that is there.

    Raises
    ------
    InputError
        If a shape or the names do not fit; a value is infinite, or missing where that is not
        allowed; an error or a weight cannot be one; or nothing is left.
    DtypeError
        If an argument does not hold real numbers in memory.

    Warns
    -----
    DataWarning
        When rows are left out, and for booleans and integers beyond 2**53.

    Examples
    --------
    >>> seen = as_observations([[1.0, np.nan], [2.0, 3.0]], missing="marginal", errors=[0.1, 0.2])
    >>> seen.incomplete, seen.n_points
    (True, 2)
    """
    # Calls that come a million times have nothing but points: they leave here.
    if missing == "nan" and errors is None and projection is None and sample_weight is None:
        points = as_points(
            X,
            nvars=nvars,
            names=names,
            name=name,
            single_row_ok=single_row_ok,
            allow_empty=allow_empty,
            finite=False,
        )
        values = points.values
        plain = object.__new__(Observations)  # the rest is as the class has it, in half the time
        plain.__dict__.update(
            values=values, nvars=values.shape[1], names=points.names, single=points.single
        )
        return plain
    if missing not in (*MISSING, "nan"):
        raise InputError(choice_message("missing", missing, MISSING))
    matrices = None if projection is None else as_projection(projection, nvars)
    if matrices is not None:
        require_columns(X, matrices, name)
    points = as_points(
        X,
        nvars=nvars if matrices is None else matrices.shape[1],
        names=names if matrices is None else None,
        name=name,
        single_row_ok=single_row_ok,
        allow_empty=allow_empty,
        finite=missing != "nan",
        missing=missing,
    )
    values, columns = points.values, points.names
    weight = as_sample_weight(sample_weight, len(values))
    if matrices is not None:
        matrices = one_per_point(matrices, len(values), name)
    noise = as_noise(errors, values, names=columns, data=name)
    if noise.unmeasured.count:
        if missing == "error":
            raise InputError(_unmeasured_message(noise, values, columns))
        values = blank_unmeasured(values, noise)
    if missing == "nan":
        # The row of a missing value is computed as any other, to be NaN.
        noise = noise_of_measured(noise, values)
    incomplete = missing != "nan" and points.n_missing + noise.unmeasured.count > 0
    observations = Observations(
        values,
        values.shape[1] if matrices is None else matrices.shape[2],
        columns if matrices is None else _names_of_variables(names, matrices.shape[2]),
        weight,
        noise.deviations,
        noise.covariances,
        noise.shared,
        matrices,
        incomplete,
        points.single,
    )
    if incomplete and missing == "drop":
        return _complete_rows(observations, name, allow_empty)
    if incomplete and not allow_empty:
        _require_values(observations, columns, name)
    return observations


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
        The values, NaN where one is missing.
    nvars : int
        Number V of variables.
    names : tuple of str, optional
        Their names.
    belongings : mapping, optional
        What `Observations.belongings` was.

    Examples
    --------
    >>> seen = as_observations([[1.0], [2.0]], errors=[[0.1], [0.2]])
    >>> seen_as(seen.values, 1, belongings=seen.belongings).deviations.ravel()
    array([0.1, 0.2])
    """
    held: dict[str, Any] = dict(belongings or {})
    held["projection"] = _for_each(held.get("projection"), len(values))
    return Observations(values, nvars, names, incomplete=_any_nan(values), **held)


def weighted(observations: Observations, sample_weight: Any) -> Observations:
    """The same observations with these weights of their rows.

    Raises
    ------
    InputError
        If they cannot be weights, or leave nothing of a column.
    """
    weight = as_sample_weight(sample_weight, observations.n_points)
    found = replace(observations, weight=weight)
    if found.incomplete:
        _require_values(found, None if found.projection is not None else found.names, "data")
    return found


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


def _names_of_variables(names: Sequence[str] | None, nvars: int) -> tuple[str, ...] | None:
    if names is not None and len(names) != nvars:
        raise InputError(f"names: {len(names)} names seen for {nvars} variables; give one for each")
    return None if names is None else tuple(names)


def _unmeasured_message(noise: Noise, values: NDArray[Any], names: tuple[str, ...] | None) -> str:
    row, column = noise.unmeasured.first
    return bad_values_message(
        "errors",
        noise.unmeasured.count,
        values.size,
        "infinite, which marks a missing value",
        first=place(row=row, column=column, name=names[column] if names else None),
        allowed="finite errors",
        remedy=HOW_TO_GO_ON,
    )


def _complete_rows(observations: Observations, argument: str, allow_empty: bool) -> Observations:
    """Leave out rows with a missing value, and say so."""
    values, weight = observations.values, observations.weight
    keep = np.empty(len(values), dtype=bool)
    for start in range(0, len(values), BLOCK):
        rows = slice(start, start + BLOCK)
        np.any(np.isnan(values[rows]), axis=1, out=keep[rows])
    np.logical_not(keep, out=keep)
    n_left = int(np.count_nonzero(keep))
    n_gone = len(values) - n_left
    first = place(row=int(np.argmin(keep)))
    advice = "missing='marginal' would use the values that they do have"
    if not n_left and not allow_empty:
        raise InputError(
            bad_values_message(
                argument,
                n_gone,
                len(values),
                "incomplete, so that missing='drop' leaves none",
                first=first,
                allowed="at least one complete row",
                remedy=advice,
                noun="row",
            )
        )
    if weight is not None and n_left and not weight[keep].any():
        raise InputError(
            f"sample_weight: all {n_left} weights of the rows that missing='drop' leaves are 0; "
            f"allowed: at least one above 0; {advice}"
        )
    dropped = bad_values_message(
        argument,
        n_gone,
        len(values),
        "left out for a missing value (missing='drop')",
        first=first,
        noun="row",
    )
    warn_user(f"{dropped}; {n_left} are left; {advice}", DataWarning)
    return observations.take(keep)


def _require_values(
    observations: Observations, names: tuple[str, ...] | None, argument: str
) -> None:
    """Refuse columns of which nothing was seen; of projected points, only data without any."""
    values, weight = observations.values, observations.weight
    seen = np.zeros(values.shape[1], dtype=bool)
    for start in range(0, len(values), BLOCK):
        rows = slice(start, start + BLOCK)
        present = ~np.isnan(values[rows])
        if weight is not None:
            present &= weight[rows, None] > 0
        seen |= present.any(axis=0)
        if seen.all() or (observations.projection is not None and seen.any()):
            return
    counted = "" if weight is None else " in a row of positive weight"
    column = int(np.argmin(seen))
    raise InputError(
        bad_values_message(
            argument,
            int(np.count_nonzero(~seen)),
            len(seen),
            f"without a value{counted}",
            first=place(column=column, name=names[column] if names else None),
            allowed="at least one value in each column",
            remedy="leave out such a column",
            noun="column",
        )
    )

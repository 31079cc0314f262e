"""Points as they were observed: with values missing, through noise, weighted, projected.

`as_observations` checks all that belongs to the points together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mogfit.data import as_points, as_sample_weight
from mogfit.errors import InputError, choice_message
from mogfit.noise import as_noise, blank_unmeasured, noise_of_measured
from mogfit.observation_checks import complete_rows, require_values
from mogfit.observed_rows import BELONGINGS, Observations, seen_as
from mogfit.projections import as_projection, one_per_point, require_columns

__all__ = [
    "BELONGINGS",
    "MISSING",
    "MISSING_OF_DENSITIES",
    "Missing",
    "Observations",
    "as_observations",
    "check_missing",
    "seen_as",
    "weighted",
]

Missing = Literal["error", "marginal", "drop", "nan"]

# What a user may choose: of points that are counted together, and of those that are not.
MISSING = ("error", "marginal", "drop")
MISSING_OF_DENSITIES = ("nan", "marginal", "error")


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
    blank_columns_ok: bool = False,
    kept: NDArray[np.bool_] | None = None,
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
        What a NaN means: an error; that the row counts with the values that it has; that the
        row is left out, with a warning; or a result of NaN, in which case the values are not
        looked at, be they NaN or infinite.
    errors : array_like or table, optional
        Errors of measurement, in any of the shapes that `mogfit.noise.as_noise` reads. An
        infinite error makes its value a missing one: with "drop" the row is left out, otherwise it
        counts with the values that it has.
    projection : array_like of shape (N, M, V) or (M, V), optional
        The matrix R_i of every point, or the one of all points.
    sample_weight : array_like of shape (N,), optional
        Weights of the rows, >= 0.
    single_row_ok : bool, default False
        Whether a 1-D array of length M (a scalar if M is 1) is one point.
    allow_empty : bool, default False
        Whether there may be nothing to learn from: no rows, or columns without a single value.
    blank_columns_ok : bool, default False
        Whether there may be columns without a single value, as nothing is to be learnt.
    kept : ndarray of bool, optional
        Which rows of a longer table these are: what belongs to the rows may have one for each of
        that table's.

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
    if missing != "nan":
        check_missing(missing)
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
    weight = as_sample_weight(sample_weight, len(values), kept=kept)
    if matrices is not None:
        if kept is not None and len(matrices) == len(kept):
            matrices = matrices[kept]
        matrices = one_per_point(matrices, len(values), name)
    noise = as_noise(errors, values, names=columns, data=name, kept=kept)
    unmarked = None
    if noise.unmeasured.count:
        unmarked, values = values, blank_unmeasured(values, noise)
    elif missing == "nan":
        # The row of a missing value is computed as any other, to be NaN.
        noise = noise_of_measured(noise, values)
    incomplete = points.n_missing + noise.unmeasured.count > 0
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
        unmarked,
        kept,
    )
    if incomplete and missing == "drop":
        return observations.keep(complete_rows(values, weight, name, allow_empty))
    if incomplete and not (allow_empty or blank_columns_ok):
        require_values(values, weight, matrices is not None, columns, name)
    return observations


def check_missing(missing: Any, allowed: Sequence[str] = MISSING) -> None:
    """Refuse what a missing value cannot mean.

    Raises
    ------
    InputError
        If it is not one of those allowed.
    """
    if missing not in allowed:
        raise InputError(choice_message("missing", missing, allowed))


def weighted(observations: Observations, sample_weight: Any) -> Observations:
    """The same observations with these weights of their rows.

    Raises
    ------
    InputError
        If they cannot be weights, or leave nothing of a column.
    """
    weight = as_sample_weight(sample_weight, observations.n_points, kept=observations.kept)
    if observations.incomplete:
        projected = observations.projection is not None
        names = None if projected else observations.names
        require_values(observations.values, weight, projected, names, "data")
    return replace(observations, weight=weight)


def _names_of_variables(names: Sequence[str] | None, nvars: int) -> tuple[str, ...] | None:
    if names is not None and len(names) != nvars:
        raise InputError(f"names: {len(names)} names seen for {nvars} variables; give one for each")
    return None if names is None else tuple(names)

"""What may come in as data: any container of real numbers, checked before any work is done.

`as_points` turns it into rows of points without copying what can be read where it lies;
`as_sample_weight` does the same for weights of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.containers import Loaded, load
from mogfit.errors import InputError, bad_values_message, place, shape_message

__all__ = ["HOW_TO_GO_ON", "Points", "as_points", "as_sample_weight", "match_names"]

# What to do about missing values, where there is an argument `missing`.
HOW_TO_GO_ON = "missing='marginal' uses the rest of such a row, missing='drop' leaves the row out"

_FLOAT64 = np.dtype(np.float64)


@dataclass(slots=True)
class Points:
    """Points that were checked.

    Attributes
    ----------
    values : ndarray of shape (N, nvars)
        float64 or float32, native byte order, aligned, any strides. Shares memory with the
        input where that was possible, so it must not be written to.
    names : tuple of str or None
        Names of the columns.
    single : bool
        Whether the input was one point without an axis of rows.
    n_missing : int
        How many values are NaN; 0 where they were not looked at.
    """

    values: NDArray[Any]
    names: tuple[str, ...] | None = None
    single: bool = False
    n_missing: int = 0


def as_points(
    X: Any,
    *,
    nvars: int | None = None,
    names: Sequence[str] | None = None,
    name: str = "data",
    single_row_ok: bool = False,
    allow_empty: bool = False,
    finite: bool = True,
    missing: str | None = None,
) -> Points:
    """Check data and view them as rows of points.

    Parameters
    ----------
    X : array_like or table
        Points as rows, of shape (N, nvars). NumPy arrays (also masked, structured and
        memory-mapped ones), sequences, pandas, polars and pyarrow tables, 2-D xarray arrays and
        torch tensors on the CPU. A 1-D array is N points of one variable, or one point if
        `single_row_ok` allows it. Never modified.
    nvars : int, optional
        Number of variables that is expected; None takes it from the data.
    names : sequence of str, optional
        Names of the columns. Columns of a table are put in this order; data without names get
        these.
    name : str, default "data"
        Name of the argument, for messages.
    single_row_ok : bool, default False
        Whether a 1-D array of length `nvars` (a scalar if `nvars` is 1) is one point.
    allow_empty : bool, default False
        Whether no rows at all are allowed.
    finite : bool, default True
        Whether NaN and infinite values are refused. If not, a missing or masked value is NaN.
    missing : {"error", "marginal", "drop"}, optional
        What the caller's argument of that name says, where it has one and `finite` is True:
        "error" has the message about a NaN name the other two, with which NaN are let through.

    Returns
    -------
    Points
        The values and the names of their columns. float64 and float32 are not copied; everything
        else becomes float64.

    Raises
    ------
    InputError
        If the shape or the names do not fit, or a value is not finite.
    DtypeError
        If `X` is not a container of real numbers in memory.

    Warns
    -----
    DataWarning
        For booleans and for integers beyond 2**53.

    Examples
    --------
    >>> as_points([[1, 2], [3, 4], [5, 6]], finite=False).values
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    >>> as_points([0.5, 1.5], nvars=2, single_row_ok=True, finite=False).values.shape
    (1, 2)
    """
    # Calls that come a million times bring plain double precision: they leave here.
    if not finite and (names is None or (type(names) is tuple and len(names) == nvars)):
        if type(X) is list:
            X = _flat_list(X)
        elif type(X) is float:
            X = np.array(X)
        if type(X) is np.ndarray and X.dtype is _FLOAT64 and X.flags.aligned and X.size:
            shape = X.shape
            if len(shape) == 2:
                if shape[1] == nvars:
                    return Points(X, names)
            elif len(shape) == 1:
                if nvars == 1:
                    return Points(X.reshape(-1, 1), names)
                if shape[0] == nvars and single_row_ok:
                    return Points(X.reshape(1, -1), names, True)
            elif nvars == 1 and single_row_ok and not shape:
                return Points(X.reshape(1, 1), names, True)
    loaded = load(X, name)
    values, own, single = _rows(loaded, nvars, single_row_ok, allow_empty, name)
    order, kept = match_names(own, names, values.shape[1], name)
    n_missing = 0
    if finite and values.size:
        n_missing = _require_finite(values, own or kept, loaded, name, missing)
    return Points(values if order is None else values[:, order], kept, single, n_missing)


def as_sample_weight(
    w: Any,
    n: int,
    *,
    name: str = "sample_weight",
    kept: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64] | None:
    """Check weights of rows.

    Parameters
    ----------
    w : array_like of shape (n,) or None
        One weight per row, >= 0 and not all 0; None means that all rows count once. Weights are
        in the order of the rows: the index of a pandas Series is not looked at. Never modified.
    n : int
        Number of rows.
    name : str, default "sample_weight"
        Name of the argument, for messages.
    kept : ndarray of bool, optional
        Which rows of a longer table the `n` are: there may be a weight for each of its rows.

    Returns
    -------
    ndarray of shape (n,) or None
        float64, C-contiguous; `w` itself where it is so already. None if `w` is None.

    Raises
    ------
    InputError
        If the length is wrong, a weight is negative or not finite, all are 0, or their sum is
        beyond the range of a double.
    DtypeError
        If `w` does not hold real numbers in memory.

    Examples
    --------
    >>> as_sample_weight([1, 0, 2], 3)
    array([1., 0., 2.])
    """
    if w is None:
        return None
    if str(getattr(w, "dtype", "")) == "bool" and hasattr(w, "astype"):
        w = w.astype(np.float64)  # a selection of rows, which needs no warning
    loaded = load(w, name).array
    if kept is not None and loaded.shape == kept.shape:
        loaded = loaded[kept]
    if loaded.shape != (n,):
        raise InputError(shape_message(name, loaded.shape, (n,), remedy="give one weight per row"))
    weights = np.ascontiguousarray(loaded, dtype=np.float64)
    if n == 0:
        return weights
    total = _weight_sum(weights)
    if not (np.isfinite(total) and weights.min() >= 0):
        bad = ~(np.isfinite(weights) & (weights >= 0))
        if not bad.any():
            raise InputError(
                f"{name}: the sum of {n} weights is beyond the range of double precision; "
                "divide them by their largest"
            )
        first = int(np.argmax(bad))
        raise InputError(
            bad_values_message(
                name,
                int(bad.sum()),
                n,
                "negative or not finite",
                first=place(index=first),
                seen=float(weights[first]),
                allowed="finite numbers >= 0",
                remedy="give a row weight 0 to leave it out",
            )
        )
    if total == 0:
        raise InputError(
            f"{name}: all {n} weights are 0, first at index 0: 0.0; allowed: finite numbers >= 0, "
            "at least one above 0; give the rows that should count a positive weight"
        )
    return weights


def _weight_sum(weights: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(weights.sum())


def _flat_list(X: list[Any]) -> Any:
    """Turn a list of numbers into an array; leave a list of anything else as it came."""
    try:
        array = np.array(X)
    except (TypeError, ValueError):
        return X
    return array if array.ndim == 1 else X


def _rows(
    loaded: Loaded,
    nvars: int | None,
    single_row_ok: bool,
    allow_empty: bool,
    argument: str,
) -> tuple[NDArray[Any], tuple[str, ...] | None, bool]:
    """View what was loaded as rows: values (N, nvars), the names of columns, whether one point."""
    array, names, single = loaded.array, loaded.names, False
    shape = array.shape
    wanted = f"shape (N, {'nvars' if nvars is None else nvars})"
    if array.ndim == 0 and nvars == 1 and single_row_ok:
        array, single = array.reshape(1, 1), True
    elif array.ndim == 1 and nvars in (None, 1):
        array = array.reshape(-1, 1)
    elif array.ndim == 1 and len(array) == nvars and single_row_ok:
        array, names, single = array.reshape(1, -1), loaded.row_names, True
    elif array.ndim == 1 and len(array) == 0 and allow_empty and nvars is not None:
        array, names = array.reshape(0, nvars), None
    elif array.ndim != 2:
        remedy = "give one row per point"
        if array.ndim == 1:
            remedy = f"for one point: np.reshape({argument}, (1, -1))"
            wanted += f" or ({nvars},)" if single_row_ok else ""
        raise InputError(shape_message(argument, shape, wanted, remedy=remedy))
    if array.shape[1] == 0:
        raise InputError(
            shape_message(argument, shape, wanted, remedy="there are 0 columns: give at least one")
        )
    if nvars is not None and array.shape[1] != nvars:
        remedy = f"{array.shape[1]} columns were given for {nvars} variables"
        if array.shape[0] == nvars:
            remedy += f"; rows are points: transpose with {argument}.T"
        raise InputError(shape_message(argument, shape, wanted, remedy=remedy))
    if array.shape[0] == 0 and not allow_empty:
        raise InputError(
            shape_message(argument, shape, wanted, remedy="there are 0 rows: give at least one")
        )
    return array, names, single


def match_names(
    own: tuple[str, ...] | None, names: Sequence[str] | None, nvars: int, argument: str
) -> tuple[list[int] | None, tuple[str, ...] | None]:
    """Find the order that brings the columns of a table under the expected names.

    Parameters
    ----------
    own : tuple of str or None
        The names that the columns have, if they have any.
    names : sequence of str or None
        The names that are expected; None takes the columns as they come.
    nvars : int
        How many columns there are.
    argument : str
        Name of the argument, for messages.

    Returns
    -------
    order : list of int or None
        The columns in the expected order; None where they are in it already.
    names : tuple of str or None
        Their names in that order.

    Raises
    ------
    InputError
        If the two sets of names differ.
    """
    if names is None:
        return None, own
    expected = tuple(names)
    if len(set(expected)) != len(expected):
        raise InputError(f"names: {_listed(expected)} seen; allowed: distinct names")
    if own is None:
        if len(expected) != nvars:
            raise InputError(
                f"{argument}: {nvars} columns seen, but {len(expected)} names: "
                f"{_listed(expected)}; give one name per column"
            )
        return None, expected
    if own == expected:
        return None, expected
    missing = [name for name in expected if name not in own]
    extra = [name for name in own if name not in expected]
    if missing or extra:
        differences = [f"{len(missing)} missing: {_listed(missing)}"] if missing else []
        differences += [f"{len(extra)} unexpected: {_listed(extra)}"] if extra else []
        raise InputError(
            f"{argument}: the names of the columns differ, {'; '.join(differences)}; "
            f"allowed: {_listed(expected)} in any order; select or rename the columns, or give "
            "an array without names"
        )
    return [own.index(name) for name in expected], expected


def _listed(names: Sequence[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(repr(name) for name in names[:limit]) + more


def _require_finite(
    values: NDArray[Any],
    names: tuple[str, ...] | None,
    loaded: Loaded,
    argument: str,
    missing: str | None,
) -> int:
    """Refuse infinite values, and NaN unless `missing` has a use for them; count the NaN."""
    # Imported late: reading data needs no compiled code until there are values to look at.
    from mogfit._core import count_nonfinite

    n_nan, n_inf, row, column = count_nonfinite(values)
    nan_allowed = missing in ("marginal", "drop")
    if not n_inf and (nan_allowed or not n_nan):
        return n_nan
    n_bad, problem, seen, allowed = n_inf, "infinite", None, "finite numbers"
    axis = ".all(axis=1)" if loaded.array.ndim == 2 else ""
    remedy = f"drop those rows: {loaded.drop_nonfinite.format(argument, axis=axis)}"
    if nan_allowed:
        row, column = _first_infinite(values)
        allowed += ", or NaN where a value is missing"
        remedy = "replace those values by NaN to have them count as missing"
    elif n_nan:
        n_bad += n_nan
        problem = f"not finite ({n_inf} infinite, {n_nan} NaN)" if n_inf else loaded.missing
    if n_inf:
        seen = float(values[row, column])
    elif missing is not None:
        remedy = HOW_TO_GO_ON
    else:
        remedy = f"drop those rows: {loaded.drop_nan.format(argument, axis=axis)}"
    raise InputError(
        bad_values_message(
            argument,
            n_bad,
            values.size,
            problem,
            first=place(row=row, column=column, name=names[column] if names else None),
            seen=seen,
            allowed=allowed,
            remedy=remedy,
        )
    )


def _first_infinite(values: NDArray[Any], rows: int = 4096) -> tuple[int, int]:
    """Find the first infinite value, row by row, of an array that has one."""
    for start in range(0, len(values), rows):
        found = np.argwhere(np.isinf(values[start : start + rows]))
        if len(found):
            break
    return start + int(found[0, 0]), int(found[0, 1])

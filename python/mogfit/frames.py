"""Data frames and labelled arrays of other libraries, read column by column.

Nothing here imports those libraries: what is needed of them are methods of the objects.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.dtypes import ALLOWED_DTYPES, as_float, dtype_remedy, is_real
from mogfit.errors import DtypeError, InputError, bad_values_message, place

__all__ = [
    "Column",
    "Loaded",
    "load_pandas",
    "load_polars",
    "load_pyarrow",
    "load_xarray",
    "stack_columns",
]


_PANDAS_DROP = ("{0}.dropna()", "{0}.replace([np.inf, -np.inf], np.nan).dropna()")
_POLARS_DROP = "{0}.filter(pl.all_horizontal(pl.all().is_finite()))"


@dataclass(slots=True)
class Loaded:
    """What a container held, before its shape is judged.

    Attributes
    ----------
    array : ndarray
        float64 or float32, native, aligned, of any shape and strides.
    names : tuple of str or None
        Names of the columns.
    row_names : tuple of str or None
        Names of the entries of a 1-D array that is one row of a table.
    missing : str
        What a NaN in `array` is called in the container.
    drop_nan, drop_nonfinite : str
        Python expressions that leave out the rows with such values; `{0}` is the container and
        `{axis}` is what reduces over columns, if there are any. Formatted by `data`.
    """

    array: NDArray[Any]
    names: tuple[str, ...] | None = None
    row_names: tuple[str, ...] | None = None
    missing: str = "NaN"
    drop_nan: str = "{0}[np.isfinite({0}){axis}]"
    drop_nonfinite: str = "{0}[np.isfinite({0}){axis}]"


class Column(NamedTuple):
    """One column of a table: its dtype in the table's own words, and how to read it."""

    dtype: str
    real: bool
    read: Callable[[], tuple[NDArray[Any], NDArray[Any] | None]]  # values, flags of missing ones


def stack_columns(
    columns: Sequence[Column], names: Sequence[str], n_rows: int, argument: str
) -> NDArray[Any]:
    """Read the columns of a table into one array, float32 if all of them are.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    names : sequence of str
        Their names, for messages.
    n_rows : int
        Their length.
    argument : str
        Name of the argument, for messages.

    Returns
    -------
    ndarray of shape (n_rows, len(columns))
        The columns, each contiguous, with NaN where values are missing.

    Raises
    ------
    DtypeError
        If a column does not hold real numbers.
    """
    _require_real(columns, names, argument)
    read = [column.read() for column in columns]
    single = bool(read) and all(a.dtype.kind == "f" and a.dtype.itemsize == 4 for a, _ in read)
    values = np.empty((len(columns), n_rows), np.float32 if single else np.float64)
    for number, (array, flags) in enumerate(read):
        values[number] = as_float(array, argument, number, names[number])
        if flags is not None:
            values[number, flags] = np.nan
    return values.T


def _read_one(column: Column, name: str | None, argument: str) -> NDArray[Any]:
    names = None if name is None else (name,)
    _require_real([column], names, argument)
    array, flags = column.read()
    values = as_float(array, argument, 0, name)
    return values if flags is None else np.where(flags, values.dtype.type(np.nan), values)


def _require_real(columns: Sequence[Column], names: Sequence[str] | None, argument: str) -> None:
    wrong = [number for number, column in enumerate(columns) if not column.real]
    if wrong:
        dtype = columns[wrong[0]].dtype
        raise DtypeError(
            bad_values_message(
                argument,
                len(wrong),
                len(columns),
                "not numeric",
                first=place(column=wrong[0], name=names[wrong[0]] if names else None),
                seen=f"dtype {dtype}",
                allowed=ALLOWED_DTYPES,
                remedy=dtype_remedy(dtype),
                noun="column",
            )
        )


def _unique(labels: Iterable[Any], argument: str) -> tuple[str, ...]:
    names = tuple(str(label) for label in labels)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        listed = ", ".join(repr(name) for name in twice[:10])
        raise InputError(
            f"{argument}: {len(twice)} of {len(set(names))} column names "
            f"{'stands' if len(twice) == 1 else 'stand'} more than once, first {listed}; "
            "allowed: distinct names; rename or drop columns"
        )
    return names


def _texts(labels: Iterable[Any]) -> tuple[str, ...] | None:
    """Labels as names, if they are text (numbers would only be positions)."""
    found = tuple(labels)
    return tuple(map(str, found)) if found and all(isinstance(t, str) for t in found) else None


def _pandas_column(series: Any) -> Column:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return Column(str(dtype), is_real(dtype), lambda: (series.to_numpy(), None))
    if "decimal" in str(dtype):
        return Column(str(dtype), True, lambda: (series.astype(object).to_numpy(), None))

    def read() -> tuple[NDArray[Any], NDArray[Any] | None]:
        flags = series.isna().to_numpy()
        return series.to_numpy(dtype=dtype.numpy_dtype, na_value=0), flags if flags.any() else None

    real = getattr(dtype, "kind", "O") in "fiub" and hasattr(dtype, "numpy_dtype")
    return Column(str(dtype), real, read)


def load_pandas(X: Any, argument: str) -> Loaded:
    """Read a pandas DataFrame, Series, Index or extension array (see `mogfit.containers.load`)."""
    missing = "missing (NA or NaN)"
    if not hasattr(X, "dtypes") or not hasattr(X, "index"):
        X = sys.modules["pandas"].Series(X)
    if X.ndim == 1:
        name = None if X.name is None else str(X.name)
        values = _read_one(_pandas_column(X), name, argument)
        return Loaded(
            values,
            None if name is None else (name,),
            _texts(X.index),
            missing,
            *_PANDAS_DROP,
        )
    names = _unique(X.columns, argument)
    dtypes = set(X.dtypes)
    if dtypes in ({np.dtype(np.float64)}, {np.dtype(np.float32)}):
        values = as_float(X.to_numpy(), argument)
    else:
        columns = [_pandas_column(X.iloc[:, number]) for number in range(len(names))]
        values = stack_columns(columns, names, len(X), argument)
    return Loaded(values, names, None, missing, *_PANDAS_DROP)


def _polars_column(series: Any) -> Column:
    def read() -> tuple[NDArray[Any], NDArray[Any] | None]:
        if not series.null_count():
            return series.to_numpy(), None
        filled = series.fill_null(False if str(series.dtype) == "Boolean" else 0)
        return filled.to_numpy(), series.is_null().to_numpy()

    real = series.dtype.is_numeric() or str(series.dtype) == "Boolean"
    return Column(str(series.dtype), real, read)


def load_polars(X: Any, argument: str) -> Loaded:
    """Read a polars DataFrame or Series (see `mogfit.containers.load`)."""
    missing = "missing (null or NaN)"
    if hasattr(X, "columns"):
        names = _unique(X.columns, argument)
        columns = [_polars_column(series) for series in X.iter_columns()]
        values = stack_columns(columns, names, X.height, argument)
        return Loaded(values, names, None, missing, _POLARS_DROP, _POLARS_DROP)
    name = X.name or None
    values = _read_one(_polars_column(X), name, argument)
    drop = "{0}.filter({0}.is_finite())"
    return Loaded(values, None if name is None else (name,), None, missing, drop, drop)


def _pyarrow_column(column: Any) -> Column:
    name = str(column.type)
    real = name.startswith(("float", "halffloat", "double", "int", "uint", "bool", "decimal"))

    def read() -> tuple[NDArray[Any], NDArray[Any] | None]:
        if not column.null_count:
            return column.to_numpy(zero_copy_only=False), None
        if name in ("halffloat", "float", "double") or name.startswith("decimal"):
            return column.to_numpy(zero_copy_only=False), None
        filled = column.fill_null(False if name == "bool" else 0)
        return (
            filled.to_numpy(zero_copy_only=False),
            column.is_null().to_numpy(zero_copy_only=False),
        )

    return Column(name, real, read)


def load_pyarrow(X: Any, argument: str) -> Loaded:
    """Read a pyarrow Table, RecordBatch, Array or ChunkedArray (see `mogfit.containers.load`)."""
    missing = "missing (null or NaN)"
    if hasattr(X, "column_names"):
        drop = tuple(text.replace("{0}", "{0}.to_pandas()") for text in _PANDAS_DROP)
        names = _unique(X.column_names, argument)
        columns = [_pyarrow_column(X.column(number)) for number in range(len(names))]
        values = stack_columns(columns, names, X.num_rows, argument)
        return Loaded(values, names, None, missing, *drop)
    drop_one = "{0}.filter(pc.is_finite({0}))"
    values = _read_one(_pyarrow_column(X), None, argument)
    return Loaded(values, None, None, missing, drop_one, drop_one)


def load_xarray(X: Any, argument: str) -> Loaded:
    """Read an xarray DataArray, rows along its first dimension (see `mogfit.containers.load`)."""
    names = row_names = None
    if X.ndim == 2 and X.dims[1] in X.coords:
        labels = X.coords[X.dims[1]].values
        names = _unique(labels, argument) if _texts(labels) else None
    if X.ndim == 1 and X.dims[0] in X.coords:
        row_names = _texts(X.coords[X.dims[0]].values)
    first = repr(X.dims[0]) if X.ndim else ""
    drop_nan = f"{{0}}.dropna({first})"
    drop_nonfinite = f"{{0}}.where(np.isfinite({{0}})).dropna({first})"
    return Loaded(as_float(X.values, argument), names, row_names, "NaN", drop_nan, drop_nonfinite)

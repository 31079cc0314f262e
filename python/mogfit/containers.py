"""Arrays, tables and data frames of any library, read as one array of floats with column names.

Foreign objects are recognised by the module of their class, so that none of these libraries is
imported here. What lives outside this process's memory is refused, with the way to load it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.datasets import Dataset
from mogfit.dtypes import ALLOWED_DTYPES, as_float, is_real
from mogfit.errors import (
    DtypeError,
    InputError,
    bad_values_message,
    place,
    scalar_message,
    shape_message,
)
from mogfit.frames import (
    Column,
    Loaded,
    load_pandas,
    load_polars,
    load_pyarrow,
    load_xarray,
    stack_columns,
)

__all__ = ["Loaded", "load"]


_MASKED_DROP = "np.ma.compress_rows(np.ma.masked_invalid({0}))"
_RECORD_DROP = "{0}[np.all([np.isfinite({0}[c]) for c in {0}.dtype.names], axis=0)]"
_LIST_DROP = "np.array([row for row in {0} if np.isfinite(np.array(row, float)).all()])"

# How to bring data into memory as an array, by the package that they come from.
_LOAD_WITH = {
    "dask": "{0}.compute()",
    "dask_expr": "{0}.compute()",
    "zarr": "{0}[:]",
    "h5py": "{0}[:]",
    "netCDF4": "{0}[:]",
    "tables": "{0}[:]",
    "cupy": "{0}.get()",
    "cupyx": "{0}.get().toarray()",
    "cudf": "{0}.to_pandas()",
    "sparse": "{0}.todense()",
}

_READERS = (
    (
        load_pandas,
        {("pandas", name) for name in ("DataFrame", "Series", "Index", "ExtensionArray")},
    ),
    (load_polars, {("polars", name) for name in ("DataFrame", "Series")}),
    (
        load_pyarrow,
        {("pyarrow", n) for n in ("Table", "RecordBatch", "Array", "ChunkedArray")},
    ),
    (load_xarray, {("xarray", "DataArray")}),
)


def load(X: Any, argument: str) -> Loaded:
    """Read a container of numbers.

    Parameters
    ----------
    X : array_like, masked or structured array, pandas, polars, pyarrow or xarray object
        The data; never modified.
    argument : str
        Name of the argument, for messages.

    Returns
    -------
    Loaded
        The values, copied only where a conversion needs it, and the names.

    Raises
    ------
    DtypeError
        If `X` is not a container of real numbers in this process's memory.
    InputError
        If `X` is None, ragged, has columns of the same name, or numbers beyond a double.
    """
    if isinstance(X, np.ndarray):
        return _load_ndarray(X, argument)
    if isinstance(X, Dataset):
        return replace(_load_ndarray(X.data, argument), names=X.names)
    if X is None:
        raise InputError(scalar_message(argument, None, "an array of shape (N, nvars)"))
    if type(X) in (list, tuple, float, int):
        return _load_array_like(X, argument)
    kinds = {(base.__module__.partition(".")[0], base.__name__) for base in type(X).__mro__}
    _refuse_unloaded(X, {package for package, _ in kinds}, argument)
    for reader, readable in _READERS:
        if not kinds.isdisjoint(readable):
            return reader(X, argument)
    if ("torch", "Tensor") in kinds:
        X = X.detach()
    return _load_array_like(X, argument)


def _refuse_unloaded(X: Any, packages: set[str], argument: str) -> None:
    """Refuse what is lazy, on disk, on a device or sparse, and say how to load it."""
    recipe = next((_LOAD_WITH[package] for package in packages & _LOAD_WITH.keys()), None)
    where = ""
    if recipe == "{0}[:]" and not hasattr(X, "dtype"):
        recipe = "{0}['name'][:], with the name of a data set in it"
    elif "polars" in packages and hasattr(X, "collect"):
        recipe = "{0}.collect()"
    elif "pyarrow" in packages and hasattr(X, "to_table"):
        recipe = "{0}.to_table()"
    elif "scipy" in packages and hasattr(X, "toarray"):
        recipe = "{0}.toarray()"
    elif "xarray" in packages and hasattr(X, "to_dataarray"):
        recipe = "{0}.to_dataarray('variable').transpose(..., 'variable')"
    elif "xarray" in packages and getattr(X, "chunks", None) is not None:
        where, recipe = " in chunks", "{0}.load()"
    elif "torch" in packages and "sparse" in str(getattr(X, "layout", "")):
        where, recipe = " (sparse)", "{0}.to_dense()"
    elif "torch" in packages and hasattr(X, "device") and X.device.type != "cpu":
        where, recipe = f" on device {str(X.device)!r}", "{0}.detach().cpu().numpy()"
    elif recipe is None and hasattr(X, "__cuda_array_interface__"):
        where, recipe = " on a device", "{0}.copy_to_host()"
    if recipe is not None:
        package = type(X).__module__.partition(".")[0]
        raise DtypeError(
            f"{argument}: {package} {type(X).__name__}{where} seen; allowed: an array or a table "
            f"in memory; convert it with {recipe.format(argument)}"
        )


def _load_ndarray(X: NDArray[Any], argument: str) -> Loaded:
    if X.dtype.names is not None:
        return _load_records(X, argument)
    if isinstance(X, np.ma.MaskedArray):
        array, flags = _split_mask(X)
        values = _blank(as_float(array, argument), flags)
        drop = _MASKED_DROP if X.ndim == 2 else "np.ma.masked_invalid({0}).compressed()"
        return Loaded(values, None, None, "masked or NaN", drop, drop)
    if isinstance(X, np.memmap):
        values = as_float(X, argument)  # as a memmap, so that a copy is not made unawares
        return Loaded(np.asarray(values))
    return Loaded(as_float(np.asarray(X), argument))


def _split_mask(X: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Split a masked array into values, with a harmless one where masked, and flags."""
    if not np.ma.is_masked(X):
        return np.asarray(np.ma.getdata(X)), None
    flags = np.ma.getmaskarray(X)
    if not is_real(X.dtype):
        return np.asarray(np.ma.getdata(X)), None  # refused by its dtype
    return np.where(flags, np.zeros((), X.dtype), np.ma.getdata(X)), flags


def _blank(values: NDArray[Any], flags: NDArray[Any] | None) -> NDArray[Any]:
    return values if flags is None else np.where(flags, values.dtype.type(np.nan), values)


def _load_records(X: NDArray[Any], argument: str) -> Loaded:
    names = X.dtype.names or ()
    for number, name in enumerate(names):
        inner = X.dtype[name].shape
        if inner:
            raise InputError(
                f"{argument}: {place(column=number, name=name)} holds arrays of shape {inner}; "
                "allowed: one number per row; make each entry a field of its own"
            )
    if X.ndim > 1:
        raise InputError(shape_message(argument, X.shape, "a 1-D structured array (N,)"))
    rows = X.reshape(1) if X.ndim == 0 else X

    def column(name: str) -> Column:
        dtype = X.dtype[name]
        return Column(str(dtype), is_real(dtype), lambda: _split_mask(rows[name]))

    values = stack_columns([column(name) for name in names], names, len(rows), argument)
    loaded = Loaded(values, names, None, "NaN", _RECORD_DROP, _RECORD_DROP)
    if isinstance(X, np.ma.MaskedArray):
        loaded.missing = "masked or NaN"
        loaded.drop_nan = loaded.drop_nonfinite = (
            "{0}[np.all([np.isfinite(np.ma.filled({0}[c].astype(float), np.nan)) "
            "for c in {0}.dtype.names], axis=0)]"
        )
    if X.ndim == 0:
        loaded.array, loaded.row_names = values[0], names
    return loaded


def _load_array_like(X: Any, argument: str) -> Loaded:
    if isinstance(X, (str, bytes, Mapping, set, frozenset)) or not (
        hasattr(X, "__array__")
        or hasattr(X, "__array_interface__")
        or isinstance(X, (Sequence, int, float, complex, np.generic))
        or (hasattr(X, "__len__") and hasattr(X, "__getitem__"))
    ):
        raise DtypeError(
            scalar_message(
                argument,
                X,
                "an array of shape (N, nvars), or a table in memory",
                remedy="convert it with np.array, one row per point",
            )
        )
    try:
        if isinstance(X, (list, tuple)) and any(isinstance(row, np.ma.MaskedArray) for row in X):
            return _load_ndarray(np.ma.stack(X), argument)
        array = np.asarray(X)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _not_an_array(X, argument, error) from error
    loaded = _load_ndarray(array, argument)
    if isinstance(X, (list, tuple)):
        loaded.drop_nan = loaded.drop_nonfinite = _LIST_DROP
    return loaded


def _not_an_array(X: Any, argument: str, error: Exception) -> Exception:
    """Find out why numpy could not make an array: rows of different lengths, or a wrong type."""
    if isinstance(X, (list, tuple)) and isinstance(error, ValueError):
        lengths = [len(row) if hasattr(row, "__len__") else 0 for row in X]
        odd = [number for number, length in enumerate(lengths) if length != lengths[0]]
        if odd:
            return InputError(
                bad_values_message(
                    argument,
                    len(odd),
                    len(X),
                    f"not as long as row 0 ({lengths[0]})",
                    first=place(row=odd[0]),
                    seen=f"length {lengths[odd[0]]}",
                    allowed="rows of equal length",
                    noun="row",
                )
            )
        return InputError(f"{argument}: not a rectangular array of numbers ({error})")
    return DtypeError(
        f"{argument}: {type(X).__name__} cannot be read as an array ({error}); allowed: "
        f"{ALLOWED_DTYPES}; convert it with np.array first"
    )

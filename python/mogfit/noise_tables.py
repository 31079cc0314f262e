"""Errors of measurement as they are given: by name, in tables and mappings, or by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.containers import Loaded, load
from mogfit.data import match_names
from mogfit.errors import InputError

__all__ = ["holds_switches", "read_errors"]


def read_errors(
    errors: Any, shape: tuple[int, ...], names: tuple[str, ...] | None, argument: str, data: str
) -> NDArray[Any]:
    """Read errors of measurement, in the order of the columns of the data.

    Parameters
    ----------
    errors : array_like, table or mapping
        The errors. A mapping has for each name a standard deviation, or one per point.
    shape : (int, int)
        Shape of the data.
    names : tuple of str or None
        Names of their columns.
    argument, data : str
        Names of the errors and of the data, for messages.

    Returns
    -------
    ndarray
        float32 or float64, of the shape that was given; of a mapping (M,) or (N, M).

    Raises
    ------
    InputError
        If the names do not fit.
    DtypeError
        If there are no real numbers in memory.
    """
    if isinstance(errors, Mapping):
        return _of_names(errors, shape[1], names, argument, data)
    return _in_order(load(errors, argument), shape, names, argument)


def holds_switches(errors: Any) -> bool:
    """Whether errors are booleans, which say whether there are some but not which."""
    if isinstance(errors, (list, tuple)):
        return bool(errors) and all(map(holds_switches, errors))
    if isinstance(errors, (bool, np.bool_)):
        return True
    dtypes = getattr(errors, "dtypes", None)  # of the columns of a table
    if not isinstance(errors, np.ndarray) and dtypes is not None and np.iterable(dtypes):
        kinds = {str(dtype).lower() for dtype in dtypes}
    else:
        kinds = {str(getattr(errors, "dtype", None)).lower()}
    return bool(kinds) and kinds <= {"bool", "boolean"}


def _of_names(
    errors: Mapping[Any, Any], m: int, names: tuple[str, ...] | None, argument: str, data: str
) -> NDArray[Any]:
    """Standard deviations given by the names of the columns, in the order of these."""
    if names is None:
        raise InputError(
            f"{argument}: names seen, {', '.join(map(repr, list(errors)[:10]))}, but {data} have "
            "none; give one standard deviation per column"
        )
    own = tuple(map(str, errors))
    order, _ = match_names(own, names, m, argument)
    columns = [load(value, f"{argument}[{name!r}]").array for name, value in errors.items()]
    try:
        deviations = np.stack(np.broadcast_arrays(*columns), axis=-1)
    except ValueError:
        shapes = ", ".join(
            f"{name!r}: {column.shape}" for name, column in zip(own, columns, strict=True)
        )
        raise InputError(
            f"{argument}: shapes {shapes} seen; allowed: a number for each name, or one per point"
        ) from None
    return deviations if order is None else deviations[..., order]


def _in_order(
    loaded: Loaded, shape: tuple[int, ...], names: tuple[str, ...] | None, argument: str
) -> NDArray[Any]:
    """Bring errors with names of their own into the order of the data's columns."""
    array, m = loaded.array, shape[1]
    if array.ndim == 1 and loaded.row_names is not None and len(array) == m > 1:
        order, _ = match_names(loaded.row_names, names, m, argument)
        return array if order is None else array[order]
    if array.ndim != 2 or loaded.names is None:
        return array
    order, _ = match_names(loaded.names, names, array.shape[1], argument)
    if order is None:
        return array
    # The rows of a table of covariances are in the order of its columns.
    is_covariance = array.shape == (m, m) != shape
    return array[np.ix_(order, order)] if is_covariance else array[:, order]

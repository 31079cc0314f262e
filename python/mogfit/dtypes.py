"""From any numeric array to native, aligned double or single precision, with nothing lost silently.

`as_float` leaves float64 and float32 where they lie, in any strides, and converts the rest to
float64. What a double cannot hold is an error; what it can hold only approximately is a warning.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import (
    DataWarning,
    DtypeError,
    InputError,
    bad_values_message,
    place,
    shorten,
    warn_user,
)

__all__ = ["ALLOWED_DTYPES", "as_float", "dtype_remedy", "is_real"]

ALLOWED_DTYPES = "real numbers (floating point or integer)"
_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_LARGEST_EXACT = 2**53
# A memory-mapped file is converted in memory only when that takes less than this share of it.
_MEMORY_SHARE = 0.25

_REMEDIES = (
    (("struct", "list"), "make each number inside an entry a column of its own"),
    (("complex",), "pass the real part, and the imaginary part as further columns"),
    (
        ("datetime", "timedelta", "timestamp", "date", "time", "duration", "period"),
        "convert to numbers, for example days: (t - t.min()) / np.timedelta64(1, 'D')",
    ),
    (
        ("categ", "dictionary", "enum"),
        "leave the column out, or convert it if its categories are numbers: .astype(float)",
    ),
    (
        ("str", "bytes", "utf8", "binary", "object"),
        "leave text out, or convert it if it spells numbers: .astype(float)",
    ),
    (("sparse",), "convert to a dense column: .sparse.to_dense()"),
    (("bfloat", "float8"), "convert to single or double precision first"),
)


def dtype_remedy(name: str) -> str:
    """Say what to do about a dtype that is not a real number.

    Parameters
    ----------
    name : str
        Name of the dtype, as its own library spells it.

    Returns
    -------
    str
        Advice to end an error message with.
    """
    lower = name.lower()
    for words, remedy in _REMEDIES:
        if any(word in lower for word in words):
            return remedy
    return "convert it to real numbers first"


def is_real(dtype: np.dtype[Any]) -> bool:
    """Tell whether `as_float` can take a dtype (objects are looked at one by one)."""
    return dtype.kind in "fiubO"


def as_float(
    array: NDArray[Any], argument: str, column: int | None = None, name: str | None = None
) -> NDArray[Any]:
    """Convert an array of real numbers to float64, leaving float32 as it is.

    Parameters
    ----------
    array : ndarray
        Any shape, strides, byte order and alignment; never modified.
    argument : str
        Name of the argument, for messages.
    column : int, optional
        The number of the column, where `array` is one column of a table.
    name : str, optional
        Its name.

    Returns
    -------
    ndarray
        float64 or float32, native byte order, aligned. `array` itself where it is so already.

    Raises
    ------
    DtypeError
        If the values are not real numbers.
    InputError
        If a value is finite and beyond the range of a double.

    Warns
    -----
    DataWarning
        For booleans, integers beyond 2**53 and long doubles too small for a double.
    """
    source = _Source(argument, column, name)
    dtype = array.dtype
    kind = dtype.kind
    if not is_real(dtype):
        raise DtypeError(
            f"{argument}: dtype {dtype} seen; allowed: {ALLOWED_DTYPES}; {dtype_remedy(dtype.name)}"
        )
    if dtype in (_FLOAT64, _FLOAT32) and array.flags.aligned:  # other byte orders differ
        return array
    target = _FLOAT32 if kind == "f" and dtype.itemsize == 4 else _FLOAT64
    _refuse_hidden_copy(array, argument, target)
    if kind == "O":
        return _from_objects(array, source)
    if kind == "f" and dtype.itemsize > 8:
        return _from_long_double(array, source)
    if kind == "b" and array.size:
        _warn_boolean(array.size, array.size, source.argument, source.place((0,) * array.ndim))
    if kind in "iu" and dtype.itemsize == 8 and array.size:
        _warn_large_integers(array, source)
    return array.astype(target)


class _Source(NamedTuple):
    """What an array is, in the words of the user's call."""

    argument: str
    column: int | None
    name: str | None

    def place(self, position: tuple[int, ...]) -> str:
        """Describe a position in the array."""
        if self.column is not None:
            return place(row=position[0], column=self.column, name=self.name)
        if len(position) == 2:
            return place(row=position[0], column=position[1])
        if len(position) == 1:
            return place(index=position[0])
        return f"position {position}"


def _refuse_hidden_copy(array: NDArray[Any], argument: str, target: np.dtype[Any]) -> None:
    if not isinstance(array, np.memmap):
        return
    needed = array.size * target.itemsize
    if needed > _MEMORY_SHARE * _physical_memory():
        raise DtypeError(
            f"{argument}: a memory-mapped array of dtype {array.dtype} and shape {array.shape} "
            f"would need a copy of {needed / 1e9:.1f} GB; allowed without a copy: aligned float64 "
            f"or float32 in native byte order; write the file once in such a dtype, for example "
            f"with np.lib.format.open_memmap, a block of rows at a time"
        )


def _physical_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _warn_boolean(n_bad: int, n_total: int, argument: str, first: str) -> None:
    message = bad_values_message(argument, n_bad, n_total, "boolean", first=first)
    warn_user(
        f"{message}; used as 0.0 and 1.0, but the variable is discrete and a mixture of "
        "Gaussians describes continuous ones",
        DataWarning,
    )


def _warn_large_integers(array: NDArray[Any], source: _Source) -> None:
    if array.max() <= _LARGEST_EXACT and array.min() >= -_LARGEST_EXACT:
        return
    large = (array > _LARGEST_EXACT) | (array < -_LARGEST_EXACT)
    first = _first(large)
    _warn_beyond_exact(
        int(large.sum()), array.size, source.argument, source.place(first), int(array[first])
    )


def _warn_beyond_exact(n_bad: int, n_total: int, argument: str, first: str, seen: int) -> None:
    message = bad_values_message(
        argument, n_bad, n_total, "beyond 2**53 in size", first=first, seen=seen
    )
    warn_user(
        f"{message}; double precision holds every integer up to 2**53 and rounds larger ones; "
        "subtract an offset first if the difference matters",
        DataWarning,
    )


def _from_long_double(array: NDArray[Any], source: _Source) -> NDArray[Any]:
    with np.errstate(over="ignore", under="ignore"):
        values: NDArray[Any] = array.astype(_FLOAT64)
    beyond = np.isinf(values) & ~np.isinf(array)
    if beyond.any():
        first = _first(beyond)
        raise _beyond_double(
            int(beyond.sum()), array.size, source.argument, source.place(first), array[first]
        )
    lost = (values == 0) & (array != 0)
    if lost.any():
        first = _first(lost)
        message = bad_values_message(
            source.argument,
            int(lost.sum()),
            array.size,
            "too small for double precision",
            first=source.place(first),
            seen=str(array[first]),
        )
        warn_user(f"{message}; used as 0.0; rescale the column if it matters", DataWarning)
    return values


def _beyond_double(n_bad: int, n_total: int, argument: str, first: str, seen: object) -> InputError:
    shown = str(seen) if isinstance(seen, np.generic) else shorten(seen, 40)
    return InputError(
        bad_values_message(
            argument,
            n_bad,
            n_total,
            "beyond the range of double precision",
            first=first,
            seen=shown,
            allowed="-1.798e308 to 1.798e308",
            remedy="rescale the column",
        )
    )


def _first(flags: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(flags)), flags.shape))


class _Tally:
    """Counts one kind of odd value and keeps the first."""

    def __init__(self) -> None:
        self.count = 0
        self.index = 0
        self.seen: Any = None

    def add(self, index: int, seen: object) -> None:
        if self.count == 0:
            self.index, self.seen = index, seen
        self.count += 1


def _from_objects(array: NDArray[Any], source: _Source) -> NDArray[Any]:
    """Convert Python numbers one by one; None and NA become NaN."""
    values = np.empty(array.size)
    wrong, beyond, large, boolean = _Tally(), _Tally(), _Tally(), _Tally()
    for index, item in enumerate(array.flat):
        if item is None or type(item).__name__ == "NAType":
            values[index] = np.nan
            continue
        if not _looks_real(item):
            wrong.add(index, item)
            continue
        try:
            values[index] = float(item)
        except OverflowError:
            beyond.add(index, item)
            continue
        except (TypeError, ValueError):
            wrong.add(index, item)
            continue
        if np.isinf(values[index]) and item != values[index]:
            beyond.add(index, item)
        elif isinstance(item, (bool, np.bool_)):
            boolean.add(index, item)
        elif isinstance(item, (int, np.integer)) and abs(int(item)) > _LARGEST_EXACT:
            large.add(index, item)

    def where(tally: _Tally) -> str:
        return source.place(tuple(int(i) for i in np.unravel_index(tally.index, array.shape)))

    if wrong.count:
        raise DtypeError(
            bad_values_message(
                source.argument,
                wrong.count,
                array.size,
                f"not {'a real number' if wrong.count == 1 else 'real numbers'} (dtype object)",
                first=where(wrong),
                seen=f"{shorten(wrong.seen, 40)} ({type(wrong.seen).__name__})",
                allowed=ALLOWED_DTYPES,
                remedy=dtype_remedy(type(wrong.seen).__name__),
            )
        )
    if beyond.count:
        raise _beyond_double(beyond.count, array.size, source.argument, where(beyond), beyond.seen)
    if large.count:
        _warn_beyond_exact(large.count, array.size, source.argument, where(large), int(large.seen))
    if boolean.count:
        _warn_boolean(boolean.count, array.size, source.argument, where(boolean))
    return values.reshape(array.shape)


def _looks_real(item: object) -> bool:
    """Tell numbers from what Python's float() would take too readily, such as text."""
    if isinstance(item, np.generic):
        return is_real(item.dtype)
    return hasattr(item, "__float__") or hasattr(item, "__index__")

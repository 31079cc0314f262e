"""What the trees of `pickle_machine` stand for: arrays, numbers, texts and dictionaries of these.

Arrays are not left to NumPy's own functions for unpickling, which take a shape, a type and bytes
from the file and trust them: here the three must agree first, and nothing but real numbers is
taken. So an array never takes more memory than the bytes that the file has for it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import FileFormatError, shorten
from mogfit.export.pickle_machine import Made, Named, Table

__all__ = ["HARMLESS", "Unpacker", "array_of", "class_of", "pack"]

_BUILTINS = ("builtins", "__builtin__")
_RECONSTRUCTORS = {Named(module, "_reconstructor") for module in ("copyreg", "copy_reg")}
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NDARRAYS = {Named(module, "_reconstruct") for module in _MULTIARRAY}
_SCALARS = {Named(module, "scalar") for module in _MULTIARRAY}
_BUFFERS = {
    Named(module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")
}
_DTYPE = Named("numpy", "dtype")
_ENCODE = Named("_codecs", "encode")
_BYTES = {Named(module, name) for module in _BUILTINS for name in ("bytes", "bytearray")}

# The names of Python's, NumPy's and SciPy's own that pickles of fits hold.
HARMLESS = frozenset(
    {Named("numpy", "ndarray"), _DTYPE, _ENCODE, Named("collections", "OrderedDict")}
    | _RECONSTRUCTORS
    | _NDARRAYS
    | _SCALARS
    | _BUFFERS
    | _BYTES
    | {
        Named(module, name)
        for module in _BUILTINS
        for name in ("object", "list", "tuple", "dict", "set", "frozenset", "complex", "slice")
    }
    | {
        Named(f"scipy.optimize.{module}", name)
        for module, name in (
            ("optimize", "OptimizeResult"),
            ("_optimize", "OptimizeResult"),
            ("lbfgsb", "LbfgsInvHessProduct"),
            ("_lbfgsb_py", "LbfgsInvHessProduct"),
            ("_constraints", "Bounds"),
        )
    }
)

_TYPE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
_MOST_AXES = 8
_LONGEST_EMPTY = 1 << 20  # an axis of an array without entries, whose length no bytes back
_MOST_VALUES = 1 << 18
_DEEPEST = 8
_SHORT_TEXT = 100  # such as one that many places share
_PACKED = "ndarray"


def class_of(value: Any) -> Named | None:
    """The class of what would have been made, whichever protocol wrote it."""
    if not isinstance(value, Made):
        return None
    if value.kind in _RECONSTRUCTORS:
        first = value.arguments[0] if value.arguments else None
        return first if isinstance(first, Named) else None
    return value.kind


def array_of(value: Any, place: str) -> NDArray[Any]:
    """One of NumPy's arrays or scalars, of real numbers, in memory of its own.

    Raises
    ------
    FileFormatError
        If it is none, or its shape, type and bytes do not agree.
    """
    if isinstance(value, Made):
        if value.kind in _NDARRAYS:
            # (version, shape, type, whether columns lie together, bytes)
            _, shape, kind, by_columns, content = _parts(value.state, 5, place)
            return _array(_type(kind, place), shape, content, place, "F" if by_columns else "C")
        if value.kind in _BUFFERS:
            content, kind, shape, order = _parts(value.arguments, 4, place)
            if type(order) is not str or order not in ("C", "F"):
                raise FileFormatError(f"{place}: an array in an order of its own; allowed: C, F")
            return _array(_type(kind, place), shape, content, place, order)
        if value.kind in _SCALARS:
            kind, content = _parts(value.arguments, 2, place)
            return _array(_type(kind, place), (), content, place)
    raise FileFormatError(f"{place}: is no array, but {_called(value)}")


def _parts(value: Any, count: int, place: str) -> tuple[Any, ...]:
    if type(value) is not tuple or len(value) != count:
        raise FileFormatError(f"{place}: is not made of {count} parts; the file is damaged")
    return value


def _type(value: Any, place: str) -> str:
    """Type of the entries of an array, as NumPy spells it."""
    if not isinstance(value, Made) or value.kind != _DTYPE or not value.arguments:
        raise FileFormatError(f"{place}: an array without a type; the file is damaged")
    code, state = value.arguments[0], value.state
    # (version, order of the bytes, ...)
    order = state[1] if type(state) is tuple and len(state) > 1 else ""
    return f"{order}{code}" if type(code) is type(order) is str else ""


def _array(code: Any, shape: Any, content: Any, place: str, order: Any = "C") -> NDArray[Any]:
    if type(code) is not str or not _TYPE.fullmatch(code):
        seen = shorten(code) if type(code) is str else "of its own"
        raise FileFormatError(
            f"{place}: an array of type {seen}; allowed: real numbers of up to 8 bytes"
        )
    if type(shape) is not tuple or not all(type(side) is int and side >= 0 for side in shape):
        raise FileFormatError(f"{place}: an array of no shape; the file is damaged")
    kind = np.dtype(code)
    data = _bytes(content, place)
    size = math.prod(shape[:_MOST_AXES]) * kind.itemsize
    too_long = size == 0 and max(shape) > _LONGEST_EMPTY
    if len(shape) > _MOST_AXES or len(data) != size or too_long:
        raise FileFormatError(
            f"{place}: an array of shape {shorten(shape)} and type {code}, and {len(data)} bytes "
            "for it; the file is damaged"
        )
    values = np.frombuffer(data, kind) if size else np.empty(0, kind)
    return np.array(values.reshape(shape, order=order), dtype=kind.newbyteorder("="), order="K")


def _bytes(value: Any, place: str) -> bytes | memoryview:
    # Protocols 0 to 2 write bytes as a text to be encoded, and none as a call of bytes().
    if isinstance(value, Made) and value.kind in _BYTES:
        value = value.arguments[0] if value.arguments else b""
    if isinstance(value, Made) and value.kind == _ENCODE:
        text, encoding = _parts(value.arguments, 2, place)
        try:
            value = text.encode("latin-1") if type(text) is str and encoding == "latin1" else None
        except UnicodeEncodeError:
            value = None
    if not isinstance(value, (bytes, memoryview)):
        raise FileFormatError(f"{place}: an array without bytes of its own; the file is damaged")
    return value


def _is_text(value: Any, text: str) -> bool:
    return type(value) is str and value == text


def _called(value: Any) -> str:
    return str(class_of(value)) if isinstance(value, Made) else type(value).__name__


class Unpacker:
    """Plain values of a tree, or of what `pack` has written.

    A part may stand at a thousand places of another one, and that at a thousand places again. All
    that one unpacker goes through is counted, and an array that is met again is not made again.

    Parameters
    ----------
    most_bytes : int
        Bytes of arrays and of long texts at most: the size of the file, of which an honest one
        uses each byte once.
    """

    def __init__(self, most_bytes: int) -> None:
        self._values_left = _MOST_VALUES
        self._bytes_left = most_bytes
        self._arrays: dict[int, NDArray[Any]] = {}

    def entries(self, value: Any, place: str) -> dict[str, Any]:
        """A dictionary by its names; of what would have been made, its content and its state.

        Raises
        ------
        FileFormatError
            If it is neither.
        """
        if isinstance(value, Mapping):
            return {key: entry for key, entry in value.items() if type(key) is str}
        if not isinstance(value, Table):
            raise FileFormatError(f"{place}: is no set of named values, but {_called(value)}")
        parts: list[Any] = [value]
        if isinstance(value, Made):
            parts += value.arguments if value.kind in _RECONSTRUCTORS else ()
            parts.append(value.state)
        pairs = [part.pairs for part in parts if isinstance(part, Table)]
        self._count(place, values=len(parts) + sum(map(len, pairs)))
        found = {}
        for key, entry in itertools.chain(*pairs):
            if type(key) is str:
                self._count(place, text=key)
                found[key] = entry
        return found

    def plain(self, value: Any, place: str, depth: int = 0) -> Any:
        """None, booleans, numbers, texts and arrays, in lists, tuples and dictionaries.

        Whatever is none of these is replaced by its name.

        Raises
        ------
        FileFormatError
            If an array is damaged, or there is far more, or deeper, than a fit holds.
        """
        self._count(place, values=1)
        if depth > _DEEPEST:
            raise FileFormatError(f"{place}: is nested far deeper than a fit; the file is damaged")
        if value is None or type(value) in (bool, int, float):
            return value
        if type(value) is str:
            self._count(place, text=value)
            return value
        if type(value) is tuple and len(value) == 4 and _is_text(value[0], _PACKED):
            return self._once(value, lambda: _array(*value[1:], place), place)
        if type(value) in (list, tuple):
            return type(value)([self.plain(entry, place, depth + 1) for entry in value])
        if isinstance(value, Made):
            if value.kind in _SCALARS:
                return array_of(value, place).item()
            if value.kind in _NDARRAYS | _BUFFERS:
                return self._once(value, lambda: array_of(value, place), place)
            return _called(value)
        if not isinstance(value, (Table, Mapping)):
            return _called(value)
        return {
            key: self.plain(entry, f"{place}.{shorten(key, 40)}", depth + 1)
            for key, entry in self.entries(value, place).items()
        }

    def _once(self, value: Any, make: Callable[[], NDArray[Any]], place: str) -> NDArray[Any]:
        if id(value) not in self._arrays:
            array = make()
            self._count(place, size=array.nbytes)
            self._arrays[id(value)] = array
        return self._arrays[id(value)]

    def _count(self, place: str, values: int = 0, size: int = 0, text: str = "") -> None:
        self._values_left -= values
        self._bytes_left -= size + (len(text) if len(text) > _SHORT_TEXT else 0)
        if self._values_left < 0 or self._bytes_left < 0:
            raise FileFormatError(f"{place}: holds far more than a fit does; the file is damaged")


def pack(value: Any, depth: int = 0) -> Any:
    """Write a value so that `Unpacker.plain` gives it back, whatever versions of NumPy meet.

    What is no number, text, array of real numbers, or list, tuple or dictionary of these is
    replaced by its text.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is int and abs(value) < 1 << 63:
        return value
    if isinstance(value, np.ndarray) and _TYPE.fullmatch(value.dtype.str):
        return _PACKED, value.dtype.str, value.shape, value.tobytes()
    if depth < _DEEPEST:
        if type(value) in (list, tuple):
            return type(value)([pack(entry, depth + 1) for entry in value])
        if isinstance(value, Mapping):
            return {str(key): pack(entry, depth + 1) for key, entry in value.items()}
    return shorten(value)

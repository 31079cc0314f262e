"""What a file must be before it is read: a regular one, and not obviously of another kind."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from mogfit.errors import FileFormatError

__all__ = ["foreign_kind", "open_regular"]

_FOREIGN = {
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"PK": "a zip archive, such as .npz",
    b"\x93NUMPY": "a NumPy array: the data, not the fit",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a figure",
    b"%PDF": "a figure",
}


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes, unless it is a folder, a pipe or a device.

    Raises
    ------
    FileFormatError
        If it is a pipe or a device.
    OSError
        If it is a folder, or cannot be opened.
    """
    place = Path(os.fspath(path))
    status = place.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{place}: is a folder; give the name of a file in it")
    if not stat.S_ISREG(status.st_mode):
        # Reading a pipe could wait for ever, and reading a device never end.
        raise FileFormatError(f"{place}: is not a regular file")
    return place.open("rb")


def foreign_kind(head: bytes) -> str | None:
    """What a file that begins so is, to follow "is", where it is known to be no file of ours."""
    for mark, meaning in _FOREIGN.items():
        if head.startswith(mark):
            return meaning
    return None

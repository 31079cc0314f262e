"""Saved fits in MultiMin's way: what `save_fit` writes, and what `FitMoG("file")` reads.

A file is a Python pickle, which `pickle.load` opens as a `FitMoG` too where mogfit is installed,
and a line of text behind it, which `pickle.load` passes over::

    mogfit saved fit, format 1, sha256 <64 digits>

The checksum is that of everything before its digits. Inside are numbers, texts, lists and bytes
alone, so that a file outlives the versions of Python and NumPy that wrote it.

Reading takes these files, ordinary pickles of a `FitMoG`, and those of MultiMin since its version
0.5, whose classes had other names. No pickle is run: see `pickle_machine`.
"""

from __future__ import annotations

import copyreg
import hashlib
import io
import os
import pickle
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from mogfit.errors import FileFormatError, UnsafeFileError
from mogfit.export.atomic import write_atomically
from mogfit.export.opening import foreign_kind, open_regular
from mogfit.export.pickle_fits import OUR_FIT, fit_of, is_known, mixture_of
from mogfit.export.pickle_machine import Named, parse_pickle
from mogfit.export.saved import FORMAT_VERSION, SavedFit, SavedMixture, check_version, state_of

__all__ = [
    "fit_from_bytes",
    "fit_pickle_bytes",
    "read_fit_pickle",
    "read_mixture_pickle",
    "saved_fit",
    "write_fit_pickle",
]

Found = TypeVar("Found")

# Everything up to the version of an own file is in its checksum.
_TRAILER = b"\nmogfit saved fit, format %d, sha256 "
_TRAILER_FOUND = re.compile(rb"\nmogfit saved fit, format (\d{1,9}), sha256 ([0-9a-f]{64})\n\Z")
_LONGEST_TRAILER = 160

_HEAD_BYTES = 64


# -- writing -------------------------------------------------------------------------------------


def write_fit_pickle(fit: Any, path: str | os.PathLike[str], data: bool = True) -> None:
    """Write a fit to a file that `read_fit_pickle` and `pickle.load` read.

    The file is written whole or not at all: a failure leaves an older file as it was.

    Parameters
    ----------
    fit : FitMoG
        The fit, made or not.
    path : str or os.PathLike
        File to write, or to replace.
    data : bool, default True
        Whether to keep the points too.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_atomically(path, fit_pickle_bytes(fit, data))


def fit_pickle_bytes(fit: Any, data: bool = True) -> bytes:
    """Return the content that `write_fit_pickle` would write."""
    buffer = io.BytesIO()
    pickle.dump(_AsFit(_face(type(fit)), state_of(saved_fit(fit, data))), buffer, protocol=4)
    buffer.write(_TRAILER % FORMAT_VERSION)
    with buffer.getbuffer() as written:
        digest = hashlib.sha256(written).hexdigest()
    buffer.write(digest.encode("ascii") + b"\n")
    return buffer.getvalue()


class _AsFit:
    """Pickles as a fit of that state would, if its class had no other one."""

    def __init__(self, face: type, state: dict[str, Any]) -> None:
        self.face, self.state = face, state

    def __reduce__(self) -> Any:
        # As protocols 0 and 1 write objects: no instance of the class is needed for it.
        return copyreg._reconstructor, (self.face, object, None), self.state  # type: ignore[attr-defined]


def _face(kind: type) -> type:
    """`FitMoG` itself: a file of a class that users have derived from it is one of `FitMoG`."""
    return next(base for base in kind.__mro__ if Named(base.__module__, base.__name__) == OUR_FIT)


def saved_fit(fit: Any, data: bool = True) -> SavedFit:
    """Return what a file holds of a `FitMoG`, with or without its data."""
    held = {}
    if data and fit.data is not None:
        # A memory map is to be kept as an array.
        held = {"data": np.asarray(fit.data), **fit._belongings}
    return SavedFit(
        source="mogfit",
        mixture=SavedMixture(**fit.mog.__getstate__()),
        outside=fit.outside,
        report=fit.report,
        optimum=fit._optimum,
        bounds=fit.bounds,
        sigma_scale=float(fit._sigmax),
        # What MultiMin's own file had, if the fit has come from one and was not made anew.
        solution=getattr(fit, "_read_solution", None),
        minargs=fit.minargs,
        set_by_user=fit._initial_params_set_by_user,
        missing=fit.missing,
        covariance=fit.covariance,
        **held,
    )


# -- reading -------------------------------------------------------------------------------------


def read_fit_pickle(path: str | os.PathLike[str]) -> SavedFit:
    """Read a fit that `save_fit` of mogfit or of MultiMin has written.

    No code is run from the file, neither its own nor that of the classes it names, and memory
    stays in proportion to its size.

    Parameters
    ----------
    path : str or os.PathLike
        File to read.

    Returns
    -------
    SavedFit
        Checked values.

    Raises
    ------
    FileFormatError
        If the file is empty, cut, damaged, of another kind, or of a newer version.
    UnsafeFileError
        If it is a pickle that names what no fit holds.
    OSError
        If it cannot be opened.

    Warns
    -----
    DataWarning
        If rows of the data lie outside the domain of the fit, and were dropped.
    """
    return _read(path, fit_of)


def read_mixture_pickle(path: str | os.PathLike[str]) -> SavedMixture:
    """Read a mixture out of its own pickle, or out of that of a fit.

    Takes and raises what `read_fit_pickle` does.
    """
    return _read(path, mixture_of)


def fit_from_bytes(raw: bytes) -> SavedFit:
    """Return what `read_fit_pickle` reads from a file of this content; raises what that does."""
    return fit_of(_parsed(raw), len(raw))


def _read(path: str | os.PathLike[str], interpret: Callable[[Any, int], Found]) -> Found:
    with open_regular(path) as file:
        try:
            head = file.read(_HEAD_BYTES)
            _refuse_other_kinds(head)
            raw = head + file.read()
            return interpret(_parsed(raw), len(raw))
        except (FileFormatError, UnsafeFileError) as error:
            raise type(error)(f"{os.fspath(path)}: {error}") from error.__cause__


def _refuse_other_kinds(head: bytes) -> None:
    if not head.strip():
        raise FileFormatError(f"is empty ({len(head)} bytes)")
    foreign = foreign_kind(head)
    if foreign is not None:
        raise FileFormatError(f"is {foreign}; expected a fit that save_fit has written")
    if head.lstrip()[:1] in (b"{", b"["):
        raise FileFormatError("is a text such as JSON: mogfit.load reads what mogfit.save wrote")


def _parsed(raw: bytes) -> Any:
    """The tree of the pickle, once the line behind it, if there is one, is right."""
    _refuse_other_kinds(raw[:_HEAD_BYTES])
    trailer = _TRAILER_FOUND.search(raw, max(0, len(raw) - _LONGEST_TRAILER))
    if trailer is not None:
        check_version(int(trailer[1]), "a newer mogfit")
        checked = memoryview(raw)[: trailer.start(2)]
        if hashlib.sha256(checked).hexdigest().encode("ascii") != trailer[2]:
            raise FileFormatError(
                "the checksum differs: the file was damaged, or changed after it was saved"
            )
    value, end = parse_pickle(raw, is_known)
    if end != (len(raw) if trailer is None else trailer.start()):
        raise FileFormatError(
            f"goes on after the end of its pickle, at byte {end}: it is damaged, or more than one "
            "file"
        )
    return value

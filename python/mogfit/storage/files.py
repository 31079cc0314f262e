"""The lasting file format: `save` and `load`.

A file is JSON in plain ASCII, made to be read in twenty years by any program::

    {
     "format": "mogfit",
     "format_version": 1,
     "kind": "FitMoG",              or "MixtureOfGaussians"
     "ngauss": 2,
     "nvars": 3,
     "written_by": "mogfit 0.1.0",
     "sha256": "...",
     "mixture": {"names": [...], "normalize_weights": true,
                 "weights": [...], "mus": [[...]], "Sigmas": [[[...]]],
                 and where there is one: "domain": [null, [0.0, 1.0], [0.0, null]],
                 "truncation": "components"},
     "fit": {"report": {...}, "bounds": null, "sigma_scale": 10.0,
             "outside": "error", "missing": "error", "covariance": "full"}
    }

``outside`` and ``missing`` were added later: files without them mean "error"; so was
``covariance``, without which covariances are full. Numbers have as many
digits as it takes to give back the same double. ``sha256`` is that of the document without this
entry, as ``json.dumps(document, sort_keys=True, separators=(",", ":"))`` writes it: changing the
layout of a file does no harm, changing a value does.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickletools
import re
from collections.abc import Iterable
from typing import Any, BinaryIO

from mogfit.config import package_version
from mogfit.errors import DtypeError, FileFormatError, UnsafeFileError, shorten
from mogfit.export.atomic import write_atomically
from mogfit.export.opening import foreign_kind, open_regular
from mogfit.fit import FitMoG
from mogfit.mixture import MixtureOfGaussians
from mogfit.storage.records import (
    fit_from_record,
    fit_record,
    mixture_from_record,
    mixture_record,
)

__all__ = ["FORMAT_VERSION", "dump", "load", "save"]

FORMAT_VERSION = 1
_OLDEST_VERSION = 1
_KINDS = ("FitMoG", "MixtureOfGaussians")

_HEAD_BYTES = 4096
# Files up to this size are parsed whatever they hold; larger ones must first show what they are.
_SMALL_BYTES = 1 << 20
_LARGEST_BYTES = 1 << 30
_BYTES_PER_NUMBER = 64  # 24 digits, and room for the layout


def save(obj: MixtureOfGaussians | FitMoG, path: str | os.PathLike[str]) -> None:
    """Write a mixture or a fit to a JSON file that `load` gives back, bit for bit.

    The file is written whole or not at all: a failure leaves an older file as it was. Of a fit,
    the mixture, names, bounds, report, and what `outside` and `missing` say are kept, but neither
    the data nor their errors.

    Parameters
    ----------
    obj : MixtureOfGaussians or FitMoG
        What to save; a fit must have been made.
    path : str or os.PathLike
        File to write, or to replace.

    Raises
    ------
    DtypeError
        If `obj` is neither of the two.
    NotFittedError
        If `obj` is a fit without a result.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.3, 0.7], mus=[0.0, 2.5], Sigmas=[1.0, 0.25])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mn.save(mog, pathlib.Path(folder) / "mog.json")
    ...     again = mn.load(pathlib.Path(folder) / "mog.json")
    >>> bool((again.mus == mog.mus).all())
    True
    """
    write_atomically(path, dump(obj))


def dump(obj: MixtureOfGaussians | FitMoG) -> bytes:
    """Return the content that `save` would write; takes and raises what that does."""
    document: dict[str, Any] = {"format": "mogfit", "format_version": FORMAT_VERSION}
    if isinstance(obj, FitMoG):
        parts = {"mixture": mixture_record(obj.mog), "fit": fit_record(obj)}
    elif isinstance(obj, MixtureOfGaussians):
        parts = {"mixture": mixture_record(obj)}
    else:
        raise DtypeError(f"obj: {type(obj).__name__} seen; allowed: MixtureOfGaussians or FitMoG")
    document["kind"] = "FitMoG" if isinstance(obj, FitMoG) else "MixtureOfGaussians"
    document["ngauss"], document["nvars"] = obj.ngauss, obj.nvars
    document["written_by"] = f"mogfit {package_version()}"
    document["sha256"] = _digest(document | parts)
    return ("".join(_layout(document | parts)) + "\n").encode("ascii")


def load(path: str | os.PathLike[str]) -> MixtureOfGaussians | FitMoG:
    """Read a mixture or a fit that `save` has written.

    No code is ever run from a file: pickles are refused. Memory stays in proportion to the
    sizes that a file declares and really has.

    Parameters
    ----------
    path : str or os.PathLike
        File to read.

    Returns
    -------
    MixtureOfGaussians or FitMoG
        What was saved; a fit comes without its data.

    Raises
    ------
    FileFormatError
        If the file is empty, cut, damaged, of another kind, or of a newer version.
    UnsafeFileError
        If it is a pickle.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import mogfit as mn
    >>> fit = mn.load("fit.json")  # doctest: +SKIP
    >>> fit.mog.pdf([1.0, 0.4, 10.0])  # doctest: +SKIP
    0.0123
    """
    with open_regular(path) as file:
        try:
            raw = _read(file)
            return _rebuild(_parse(raw))
        except (FileFormatError, UnsafeFileError) as error:
            raise type(error)(f"{os.fspath(path)}: {error}") from error.__cause__


def _read(file: BinaryIO) -> bytes:
    """All of a file, once its beginning and its size agree on what it is."""
    head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise FileFormatError(f"is empty ({len(head)} bytes)")
    if _is_pickle(head):
        raise UnsafeFileError(
            "is a Python pickle, and load reads only files that save has written; "
            "mogfit.FitMoG(file) reads those of save_fit and of MultiMin, running nothing in them"
        )
    foreign = foreign_kind(head)
    if foreign is not None:
        raise FileFormatError(f"is {foreign}; expected JSON that save has written")
    size = os.fstat(file.fileno()).st_size
    most = _SMALL_BYTES
    if size > most:
        sizes = [re.search(rf'"{key}"\s*:\s*(\d{{1,9}})\b'.encode(), head) for key in _SIZES]
        if not head.lstrip().startswith(b"{") or None in sizes:
            raise FileFormatError(
                f"has {size} bytes and does not begin as a file that save has written"
            )
        ngauss, nvars = (int(match[1]) for match in sizes if match)
        numbers = ngauss * (1 + nvars + nvars * nvars)
        most = min(_LARGEST_BYTES, _SMALL_BYTES + _BYTES_PER_NUMBER * numbers)
        if size > most:
            raise FileFormatError(
                f"has {size} bytes; {ngauss} components in {nvars} variables, as it declares, "
                f"take at most {most}"
            )
        raw = head + file.read(most)
        lists = ngauss * (1 + nvars) + _SMALL_BYTES // 8
        if raw.count(b"[") + raw.count(b"{") > lists or raw.count(b",") > numbers + _SMALL_BYTES:
            raise FileFormatError(
                f"holds more values than {ngauss} components in {nvars} variables, as it declares"
            )
        return raw
    return head + file.read(most)


_SIZES = ("ngauss", "nvars")


def _is_pickle(head: bytes) -> bool:
    """Whether a file begins as a pickle does; its instructions are looked at, not followed."""
    if head[:1] == b"\x80" and head[1:2] <= b"\x10":
        return True
    if head.lstrip()[:1] in (b"{", b"[", b'"'):
        return False
    read = 0
    try:
        for operation, _, _ in pickletools.genops(head):
            read += 1
            if operation.name == "STOP" or read >= 3:
                return read > 1
    except (ValueError, IndexError, KeyError, OverflowError):
        return False
    return False


def _parse(raw: bytes) -> dict[str, Any]:
    """Text to a document whose version can be read and whose checksum is right."""
    try:
        document = json.loads(
            raw.decode("ascii"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_short_int,
        )
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"is not text: byte {error.start} is 0x{raw[error.start]:02x}; the file is damaged "
            "or of another kind"
        ) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        if error.pos >= len(raw.rstrip()) or error.msg.startswith("Unterminated string"):
            raise FileFormatError(f"ends too early, at {where}: it was cut") from error
        raise FileFormatError(
            f"is not valid JSON at {where}: {error.msg}; it is damaged, or of another kind"
        ) from error
    except RecursionError as error:
        raise FileFormatError("is nested too deeply for a file that save has written") from error
    if not isinstance(document, dict) or document.get("format") != "mogfit":
        raise FileFormatError(
            'is JSON of another kind: it has no entry "format": "mogfit"; load reads only files '
            "that save has written"
        )
    version = document.get("format_version")
    if type(version) is not int or version < _OLDEST_VERSION:
        raise FileFormatError(f"format_version: {shorten(version)} seen; allowed: 1, 2, ...")
    if version > FORMAT_VERSION:
        raise FileFormatError(
            f"has format version {version}, written by {shorten(document.get('written_by'))}; "
            f"mogfit {package_version()} reads versions {_OLDEST_VERSION} to {FORMAT_VERSION}: "
            "install a newer mogfit"
        )
    stated = document.pop("sha256", None)
    if stated != _digest(document):
        raise FileFormatError(
            "the checksum differs: the file was damaged, or changed after it was saved"
        )
    return document


def _rebuild(document: dict[str, Any]) -> MixtureOfGaussians | FitMoG:
    kind = document.get("kind")
    if kind not in _KINDS:
        raise FileFormatError(f"kind: {shorten(kind)} seen; allowed: {', '.join(_KINDS)}")
    for key in _SIZES:
        size = document.get(key)
        if type(size) is not int or size < 1:
            raise FileFormatError(f"{key}: {shorten(size)} seen; allowed: a whole number >= 1")
    for key in ("mixture", "fit") if kind == "FitMoG" else ("mixture",):
        if type(document.get(key)) is not dict:
            raise FileFormatError(f"has no entry {key!r}")
    mog = mixture_from_record(document["mixture"], document["ngauss"], document["nvars"])
    return fit_from_record(document["fit"], mog) if kind == "FitMoG" else mog


def _digest(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _layout(value: Any, depth: int = 1) -> Iterable[str]:
    """JSON with one entry a line, and one line for each row of numbers."""
    nested = (dict, list)
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, nested) or not any(isinstance(entry, nested) for entry in inner):
        yield json.dumps(value, allow_nan=False)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else None
    yield opening
    for place, entry in enumerate(inner):
        yield ("," if place else "") + "\n" + " " * depth + (keys[place] if keys else "")
        yield from _layout(entry, depth + 1)
    yield "\n" + " " * (depth - 1) + closing


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise FileFormatError("an entry is there twice: the file is damaged")
    return entries


def _refuse_constant(text: str) -> float:
    raise FileFormatError(f"holds {text}, which is no number: the file is damaged")


def _short_int(text: str) -> int:
    if len(text) > 20:
        raise FileFormatError(f"holds a whole number of {len(text)} digits: the file is damaged")
    return int(text)

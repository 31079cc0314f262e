"""The data files that the command line reads: delimited text, also compressed, and ``.npy``."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mogfit.cli.columns import Table
from mogfit.cli.npy_table import read_npy
from mogfit.cli.text_table import TextReader
from mogfit.errors import FileFormatError

__all__ = ["read_table"]

_FOREIGN = {
    b"PK\x03\x04": "a zip archive, such as .npz or a spreadsheet",
    b"\x89HDF": "an HDF5 file",
    b"SIMPLE  =": "a FITS file",
    b"PAR1": "a Parquet file",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x80": "a Python pickle, which is never read",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


def read_table(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    weights: str | None = None,
    errors: Sequence[str] | None = None,
    delimiter: str | None = None,
    missing: str = "error",
) -> Table:
    """Read columns of a file.

    Parameters
    ----------
    path : Path
        Comma-, semicolon-, tab- or space-separated text, with or without a heading, plain or
        compressed by gzip; or a ``.npy`` file of one array.
    columns : sequence of str, optional
        Names, or numbers from 0; by default all columns but those of errors and weights.
    weights : str, optional
        Column that weighs the rows.
    errors : sequence of str, optional
        Columns of standard deviations, one for each of `columns`. An infinite one says that its
        value was not measured.
    delimiter : str, optional
        What separates values; found out from the first line by default.
    missing : {"error", "marginal", "drop"}, default "error"
        What is done about values that are missing (empty, NaN, NA, null): an error; NaN in the
        data that are returned, while weights, and errors of what is there, must be there; or that
        such rows are left out.

    Raises
    ------
    InputError
        If a column is not there, a value is missing or no finite number, or there are no rows.
    FileFormatError
        If the file is of another kind, or damaged.
    OSError
        If the file cannot be opened.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; give the name of a file in it")
    with path.open("rb") as file:
        head = file.read(16)
    for mark, meaning in _FOREIGN.items():
        if head.startswith(mark):
            raise FileFormatError(
                f"{path}: is {meaning}; export the table as CSV, or save the array as .npy"
            )
    if head.startswith(b"\x93NUMPY"):
        return read_npy(path, columns, weights, errors, missing)
    try:
        with path.open("rb") as raw:
            packed = head.startswith(b"\x1f\x8b")
            binary: Any = gzip.open(raw) if packed else raw  # noqa: SIM115  # closed with `raw`
            # What is not UTF-8 can only be in words that nobody asked for.
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="replace")
            return TextReader(path, text, delimiter, missing).read(columns, weights, errors)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(f"{path}: the compressed file is damaged or cut: {error}") from error

"""Names that tell saved fits apart, in MultiMin's pattern."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["fit_file_name", "fit_hash", "fit_prefix"]

_DEFAULT_NAME = "FitMoG.pkl"
_HASHED_ROWS = 1 << 16


def fit_hash(fit: Any) -> str:
    """Five hexadecimal digits that tell fits apart: those of a digest of parameters and data.

    The same fit of the same data has the same digits, whenever and wherever it is made.

    Parameters
    ----------
    fit : FitMoG
        The fit, with or without its data.
    """
    digest = hashlib.sha256(repr((fit.ngauss, fit.nvars, fit.domain)).encode())
    digest.update(fit.mog.params.tobytes())
    data = fit.data
    arrays = [] if data is None else [data, *fit._belongings.values()]
    for array in arrays:
        for first in range(0, len(array), _HASHED_ROWS):
            digest.update(array[first : first + _HASHED_ROWS].tobytes())
    return digest.hexdigest()[:5]


def fit_prefix(ngauss: int, hash_digits: str, myprefix: object = None) -> str:
    """Prefix for names of files: ``<G>mog[_<myprefix>]_<5 hexadecimal digits>``.

    Examples
    --------
    >>> fit_prefix(2, "cc510"), fit_prefix(2, "cc510", "asteroids")
    ('2mog_cc510', '2mog_asteroids_cc510')
    """
    return (
        f"{ngauss}mog_{hash_digits}"
        if myprefix is None
        else f"{ngauss}mog_{myprefix}_{hash_digits}"
    )


def fit_file_name(objfile: str | os.PathLike[str] | None, prefix: str | None = None) -> Path:
    """Name of the file that a fit is saved under: ``<root>-<prefix><ext>``.

    Parameters
    ----------
    objfile : str or os.PathLike, optional
        The name that the user gives; by default FitMoG.pkl in the folder for temporary files.
    prefix : str, optional
        What `fit_prefix` returns; without it the name stays as it is.

    Examples
    --------
    >>> fit_file_name("fit.pkl", "2mog_cc510").name
    'fit-2mog_cc510.pkl'
    """
    path = Path(tempfile.gettempdir(), _DEFAULT_NAME) if objfile is None else Path(objfile)
    if prefix is None:
        return path
    root, extension = os.path.splitext(path)
    return Path(f"{root}-{prefix}{extension}")

"""Data sets that come with mogfit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mogfit.errors import InputError, choice_message

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Dataset", "load_asteroids", "multimin_file"]

_ASTEROIDS = "near_earth_asteroids.csv.gz"
# MultiMin's file of the same objects, and what it calls their columns.
_MULTIMIN_ASTEROIDS = "nea_data.json.gz"
_MULTIMIN_COLUMNS = {"H": "H", "i": "i", "e": "e", "a": "a", "q": "Perihelion_dist"}
_UNITS = {"q": "au", "e": "", "i": "deg", "a": "au", "H": "mag"}
_MEANINGS = {
    "q": "perihelion distance",
    "e": "eccentricity",
    "i": "inclination to the ecliptic",
    "a": "semi-major axis",
    "H": "absolute magnitude",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset:
    """A table of numbers with the names, units and meanings of its columns.

    Data that mogfit takes can be given as a `Dataset`: the names go along.

    Attributes
    ----------
    data : ndarray of shape (N, nvars)
        The values, C-contiguous float64; NaN where a value is missing.
    names : tuple of str
        Names of the columns.
    units : tuple of str
        Units of the columns, empty for a pure number.
    meanings : tuple of str
        What the columns are, in words.
    description : str
        What the rows are, and their source.
    """

    data: NDArray[np.float64]
    names: tuple[str, ...]
    units: tuple[str, ...]
    meanings: tuple[str, ...]
    description: str

    def __repr__(self) -> str:
        """Describe the columns, without the data."""
        columns = ", ".join(
            f"{name} [{unit}]" if unit else name
            for name, unit in zip(self.names, self.units, strict=True)
        )
        return f"Dataset({len(self.data)} rows: {columns})"


def load_asteroids(columns: Iterable[str] | str | None = None) -> Dataset:
    """Load the orbits of 40,761 near-Earth asteroids.

    Parameters
    ----------
    columns : iterable of str or str, optional
        Which columns, in which order, out of "q" (perihelion distance, au, at most 1.3), "e"
        (eccentricity, 0 to 1), "i" (inclination, degree, 0 to 180), "a" (semi-major axis, au)
        and "H" (absolute magnitude; see Notes). A string may separate names with
        commas. By default all, in this order.

    Returns
    -------
    Dataset
        The values of shape (40761, number of columns), with names, units and description.

    Raises
    ------
    InputError
        If a column is not known, is named twice, or none is named.

    Notes
    -----
    From the public catalogue of the Minor Planet Center, https://www.minorplanetcenter.net, as
    of early 2026. The elements are not independent: q = a (1 - e). H is NaN for two objects, and
    99.99, the catalogue's mark for an unknown magnitude, for nine others.

    Examples
    --------
    >>> asteroids = load_asteroids("q,e,i")
    >>> asteroids
    Dataset(40761 rows: q [au], e, i [deg])
    >>> asteroids.data.mean(axis=0).round(3)
    array([ 0.915,  0.434, 11.844])
    """
    names = _choose(columns)
    table = _read_table(_ASTEROIDS)
    order = list(_UNITS)
    return Dataset(
        data=table[:, [order.index(name) for name in names]].copy(order="C"),
        names=names,
        units=tuple(_UNITS[name] for name in names),
        meanings=tuple(_MEANINGS[name] for name in names),
        description=(
            f"{len(table)} near-Earth asteroids, one a row, from the public catalogue of the "
            "Minor Planet Center (early 2026)"
        ),
    )


def multimin_file(filename: str) -> str:
    """Path of a file under the name that MultiMin has for it; see `mogfit.Util.get_data`.

    Raises
    ------
    FileNotFoundError
        If neither mogfit nor an installed MultiMin has it.
    """
    from importlib.util import find_spec
    from pathlib import Path

    if filename == _MULTIMIN_ASTEROIDS:
        return str(_asteroids_as_records())
    # Looked for, not imported.
    found = find_spec("multimin")
    for folder in (found.submodule_search_locations or []) if found else []:
        home = Path(folder, "data")
        path = home / filename
        if path.is_file() and home.resolve() in path.resolve().parents:
            return str(path)
    where = "in the MultiMin that is installed" if found else "and MultiMin is not installed"
    raise FileNotFoundError(
        f"filename: {filename!r} is no data file of mogfit, which has {_MULTIMIN_ASTEROIDS!r}, "
        f"{'nor ' if found else ''}{where}"
    )


def _asteroids_as_records() -> Path:
    """Where the asteroids are as a list of JSON records: written once, then found again."""
    import hashlib
    import os
    from pathlib import Path

    from mogfit.export.atomic import write_atomically

    # Another catalogue, of another version of mogfit, has another folder.
    edition = hashlib.sha256(_packed(_ASTEROIDS)).hexdigest()[:12]
    home = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path would be another one in each folder; the standard says to pass over it.
    base = Path(home) if os.path.isabs(home) else Path(os.path.expanduser("~"), ".cache")
    path = base / "mogfit" / edition / _MULTIMIN_ASTEROIDS
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _records())
    except OSError:
        path = _private_folder() / _MULTIMIN_ASTEROIDS
        if not path.is_file():
            write_atomically(path, _records())
    return path


def _records() -> bytes:
    import gzip
    import json
    import math

    asteroids = load_asteroids(list(_MULTIMIN_COLUMNS))
    names = tuple(_MULTIMIN_COLUMNS.values())
    # A value that is missing has no entry, as there.
    records = [
        {name: value for name, value in zip(names, row, strict=True) if not math.isnan(value)}
        for row in asteroids.data.tolist()
    ]
    return gzip.compress(json.dumps(records).encode("ascii"), compresslevel=6, mtime=0)


@cache
def _private_folder() -> Path:
    """A folder that nobody else can write to; the same one until Python ends, then removed."""
    import atexit
    import shutil
    import tempfile
    from pathlib import Path

    folder = tempfile.mkdtemp(prefix="mogfit-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _choose(columns: Iterable[str] | str | None) -> tuple[str, ...]:
    if columns is None:
        return tuple(_UNITS)
    if isinstance(columns, str):
        columns = [name.strip() for name in columns.split(",")]
    names = tuple(columns)
    for name in names:
        if name not in _UNITS:
            raise InputError(choice_message("columns", name, _UNITS))
    if len(set(names)) != len(names) or not names:
        raise InputError(
            f"columns: {names!r} seen; allowed: one or more of {', '.join(_UNITS)}, each once"
        )
    return names


def _read_table(file: str) -> NDArray[np.float64]:
    import gzip
    import io

    import numpy as np

    body = gzip.decompress(_packed(file)).decode("ascii").partition("\n")[2]
    # An empty last field is a missing value.
    return np.loadtxt(io.StringIO(body.replace(",\n", ",nan\n")), delimiter=",", ndmin=2)


def _packed(file: str) -> bytes:
    from importlib.resources import files

    return (files("mogfit") / "datasets_data" / file).read_bytes()

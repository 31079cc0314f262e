"""The shipped asteroids."""

from __future__ import annotations

import csv
import doctest
import gzip
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mogfit import datasets
from mogfit.errors import InputError

FILE = Path(datasets.__file__).parent / "datasets_data" / "near_earth_asteroids.csv.gz"


@pytest.fixture(scope="module")
def rows():
    with gzip.open(FILE, "rt") as file:
        return list(csv.DictReader(file))


def test_all_columns_equal_the_file(rows):
    asteroids = datasets.load_asteroids()
    expected = np.array([[float(v or "nan") for v in row.values()] for row in rows])
    assert asteroids.names == ("q", "e", "i", "a", "H") == tuple(rows[0])
    assert asteroids.data.shape == (40761, 5)
    assert asteroids.data.dtype == np.float64
    assert asteroids.data.flags.c_contiguous
    np.testing.assert_array_equal(asteroids.data, expected)


def test_missing_magnitudes_are_those_documented():
    asteroids = datasets.load_asteroids()
    assert np.isnan(asteroids.data).sum(axis=0).tolist() == [0, 0, 0, 0, 2]
    # Marked as unknown in the catalogue, and documented so.
    assert np.sum(asteroids.data[:, 4] == 99.99) == 9


def test_elements_are_orbits():
    q, e, i, a, _ = datasets.load_asteroids().data.T
    assert q.max() <= 1.3
    assert 0 <= e.min() <= e.max() < 1
    assert 0 <= i.min() <= i.max() <= 180
    np.testing.assert_allclose(a * (1 - e), q, atol=1e-7)


@pytest.mark.parametrize("columns", [["i", "q"], ("i", "q"), "i,q", "i, q", iter(["i", "q"])])
def test_columns_are_chosen_and_ordered(columns):
    chosen = datasets.load_asteroids(columns)
    everything = datasets.load_asteroids()
    assert chosen.names == ("i", "q")
    assert chosen.units == ("deg", "au")
    assert chosen.meanings == ("inclination to the ecliptic", "perihelion distance")
    assert chosen.data.flags.c_contiguous
    np.testing.assert_array_equal(chosen.data, everything.data[:, [2, 0]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "q,E",
            r"columns: 'E' seen; allowed: 'q', 'e', 'i', 'a', 'H'; did you mean 'e'\?",
        ),
        (["q", 1], "columns: 1 seen"),
        (["q", "q"], "each once"),
        ([], "one or more of q, e, i, a, H"),
    ],
)
def test_unknown_columns_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        datasets.load_asteroids(columns)


def test_loading_twice_gives_independent_arrays():
    first = datasets.load_asteroids("q")
    first.data[:] = math.nan
    assert not np.isnan(datasets.load_asteroids("q").data).any()


def test_repr_is_short():
    assert repr(datasets.load_asteroids("q,e")) == "Dataset(40761 rows: q [au], e)"


def test_module_imports_nothing_heavy():
    # Run as a module of its own: the package around it imports numpy anyway.
    code = (
        "import importlib.util, sys, types\n"
        "package = types.ModuleType('mogfit'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['mogfit'] = package\n"
        "import mogfit.datasets\n"
        "print([m for m in ('numpy', 'pandas', 'gzip', 'csv') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(FILE.parent.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_docstring_examples_run():
    result = doctest.testmod(datasets)
    assert result.attempted >= 3
    assert result.failed == 0

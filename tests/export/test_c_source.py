"""The density in C, compiled with every warning an error, beside the core's and 50 digits."""

from __future__ import annotations

import ctypes
import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mogfit as mn
from mogfit.errors import InputError
from mogfit.export.c_source import c_source
from tests.export import TRUNCATED_3D, TUTORIAL, mixture
from tests.oracles import exact_density, log_density_bounds

COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler, cc, on this machine")

FLAGS = ["-O2", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]


class Compiled:
    """The two functions of a source, called point by point."""

    def __init__(self, library, prefix):
        self.functions = []
        for name in ("logpdf", "pdf"):
            function = getattr(library, f"{prefix}_{name}")
            function.restype = ctypes.c_double
            function.argtypes = [ctypes.POINTER(ctypes.c_double)]
            self.functions.append(function)

    def __call__(self, points):
        rows = np.ascontiguousarray(points, dtype=float)
        pointer = ctypes.POINTER(ctypes.c_double)
        return np.array([[f(row.ctypes.data_as(pointer)) for row in rows] for f in self.functions])


def compile_all(folder, sources):
    """A library of sources, each of its own prefix."""
    for number, source in enumerate(sources.values()):
        (folder / f"{number}.c").write_text(source + "\n")
    library = folder / "densities.so"
    files = [str(folder / f"{number}.c") for number in range(len(sources))]
    result = subprocess.run(
        [COMPILER, *FLAGS, "-shared", "-fPIC", *files, "-o", str(library), "-lm"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    loaded = ctypes.CDLL(str(library))
    return {prefix: Compiled(loaded, prefix) for prefix in sources}


CASES = {
    f"v{nvars}k{ngauss}_{truncation}": mixture(
        nvars, ngauss, log10_condition=2.0,
        **({} if truncation == "free" else {"truncation": truncation}),
    )
    for nvars, ngauss, truncation in itertools.product(
        range(1, 7), (1, 3), ("free", "components", "mixture")
    )
}  # fmt: skip
CASES["scales"] = mixture(3, 2, scales=[1e-150, 1.0, 1e150])
CASES["weights"] = mn.MixtureOfGaussians(
    weights=[1.0, 0.0, 1e-300], mus=[[0.0], [1.0], [2.0]], Sigmas=[1.0, 1.0, 1e-4]
)
CASES["counts"] = mn.MixtureOfGaussians(
    weights=[30.0, 12.0], mus=[[0.0], [1.0]], Sigmas=[1.0, 2.0], normalize_weights=False
)
CASES["tail"] = mn.MixtureOfGaussians(
    mus=[-60.0, 3.0], Sigmas=[1.0, 1.0], domain=[(0, None)], truncation="components"
)
# Where one component is out of reach of doubles, another may not be.
APART = np.array([[1.0, 0.5], [0.5, 1.0]])
CASES["apart"] = mn.MixtureOfGaussians(mus=np.zeros((2, 2)), Sigmas=[1e-300 * APART, 1e300 * APART])
CASES["tutorial"], CASES["box"] = TUTORIAL, TRUNCATED_3D


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    sources = {name: c_source(mog, prefix=name) for name, mog in CASES.items()}
    return compile_all(tmp_path_factory.mktemp("c"), sources)


def points_of(mog):
    """Inside, around, and far out; on the sides of the domain, and at odd places."""
    rng = np.random.default_rng(7)
    scale = mog.sigmas.max(axis=0)
    around = mog.mus.mean(axis=0) + scale * rng.standard_normal((20, mog.nvars)) * 3
    far = around * 10.0 ** rng.uniform(1, 12, (20, 1))
    sides = np.array([pair or (-1.0, 1.0) for pair in mog.domain or [None] * mog.nvars])
    sides = np.where(np.isfinite(sides), sides, 0.5)
    return np.concatenate([mog.rvs(30, rng=1), around, far, sides.T])


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_density(compiled, name):
    mog = CASES[name]
    points = points_of(mog)
    logs, densities = compiled[name](points)
    expected = np.atleast_1d(mog.logpdf(points))
    np.testing.assert_array_equal(np.isinf(logs), np.isinf(expected))
    inside = np.isfinite(expected)
    assert inside.sum() > 10
    # Terms of the order of 1 make up a logarithm; and log Z, from which as much is taken away.
    size = 1.0 + abs(mog.log_masses).max()
    np.testing.assert_allclose(logs[inside], expected[inside], rtol=1e-13, atol=1e-13 * size)
    np.testing.assert_allclose(densities, np.exp(logs), rtol=1e-15)


@pytest.mark.parametrize("name", ["v1k3_free", "v3k3_free", "v6k1_free", "tutorial"])
def test_it_is_the_density_to_50_digits(compiled, name):
    mog = CASES[name]
    points = points_of(mog)[::4]
    exact = exact_density(mog.weights, mog.mus, points, covariances=mog.Sigmas).logpdf
    bound = log_density_bounds(mog.weights, mog.mus, points, covariances=mog.Sigmas).logpdf
    assert (abs(compiled[name](points)[0] - exact) <= bound).all()


@pytest.mark.parametrize("name", ["v2k3_free", "v2k3_components", "apart"])
def test_odd_points_are_as_logpdf_has_them(compiled, name):
    odd = [0.5, np.nan, np.inf, -np.inf, 1e160, 1e200, 1e308, -1e308, -2.0]
    points = [[a, b] for a in odd for b in odd]
    with np.errstate(over="ignore"):
        expected = CASES[name].logpdf(points)
    logs, densities = compiled[name](points)
    np.testing.assert_allclose(logs, expected, rtol=1e-13)
    np.testing.assert_allclose(densities, np.exp(expected), rtol=1e-12)


def test_the_functions_have_the_prefix_alone(compiled):
    source = c_source(TRUNCATED_3D, prefix="asteroid_density")
    assert "double asteroid_density_pdf(const double x[3])" in source
    assert "double asteroid_density_logpdf(const double x[3])" in source
    assert "mog" not in source


@pytest.mark.parametrize("prefix", ["", "2d", "a-b", "a b", "é", "x;", "_x", "a\n", None, 3])
def test_what_no_name_begins_with_is_refused(prefix):
    with pytest.raises(InputError, match="prefix"):
        c_source(TUTORIAL, prefix=prefix)


def test_every_number_has_all_its_digits():
    mog = mixture(2, 2)
    numbers = {float(x) for x in re.findall(r"-?\d+\.\d+(?:e[+-]?\d+)?", c_source(mog))}
    assert set(mog.mus.ravel().tolist()) <= numbers


@given(st.lists(st.text(max_size=12), min_size=3, max_size=3, unique=True))
@settings(max_examples=30)
def test_names_stay_in_the_comment(names):
    plain = c_source(TRUNCATED_3D)
    named = c_source(TRUNCATED_3D, properties=names)
    comment = named.partition("*/")[0]
    assert re.fullmatch(r"[\w, ]*\.", comment.splitlines()[0].partition("point x: ")[2])
    assert named.splitlines()[1:] == plain.splitlines()[1:]
    assert named.isascii()

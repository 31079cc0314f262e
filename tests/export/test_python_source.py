"""The density as Python source: what it evaluates to, in which shapes, and with which names."""

from __future__ import annotations

import ast
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm, truncnorm

import mogfit as mn
from mogfit.errors import InputError
from mogfit.export.functions import get_function
from mogfit.export.names import identifiers
from mogfit.export.python_source import python_source
from tests.export import SEMI_INFINITE, TRUNCATED, TRUNCATED_3D, TUTORIAL, mixture
from tests.oracles import log_density_bounds


def function_of(mog, **options):
    return get_function(mog, print_code=False, **options)[1]


# Values


@st.composite
def any_mixtures(draw):
    """Mixtures with and without domains, and points in and around them."""
    nvars = draw(st.integers(1, 5))
    exponents = draw(st.lists(st.integers(-6, 6), min_size=nvars, max_size=nvars))
    scales = 10.0 ** np.array(exponents, dtype=float)
    seed = draw(st.integers(0, 999))
    mog = mixture(
        nvars, draw(st.integers(1, 4)), seed, scales=scales, log10_condition=draw(st.floats(0, 5))
    )
    if draw(st.booleans()):
        pairs = zip(SEMI_INFINITE[:nvars], scales, strict=True)
        sides = [pair and tuple(side and side * scale for side in pair) for pair, scale in pairs]
        mog = mn.MixtureOfGaussians(
            weights=mog.weights, mus=mog.mus, Sigmas=mog.Sigmas, domain=sides,
            truncation=draw(st.sampled_from(["components", "mixture"])),
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    points = 3 * scales * rng.standard_normal((20, nvars))
    return mog, np.concatenate([points, mog.rvs(20, rng=seed)])


@given(any_mixtures())
@settings(max_examples=30)
def test_a_source_with_all_digits_is_the_density(drawn):
    mog, points = drawn
    found, expected = function_of(mog, decimals=None)(points), mog.pdf(points)
    np.testing.assert_array_equal(found == 0, expected == 0)
    inside = expected > 1e-300
    # Both round, each within the bound; log Z and the last exp add a few units of their own.
    bound = log_density_bounds(mog.weights, mog.mus, points, covariances=mog.Sigmas).logpdf
    off = abs(np.log(found[inside]) - np.log(expected[inside]))
    assert (off <= 2 * bound[inside] + 1e-13 * (1 + abs(np.log(expected[inside])))).all()


@given(any_mixtures())
@settings(max_examples=15)
def test_a_rounded_source_is_the_density_to_half_its_decimals(drawn):
    mog, _ = drawn
    points = mog.rvs(50, rng=0)
    found, expected = function_of(mog, decimals=8)(points), mog.pdf(points)
    # Each number is off by 1e-4 of a width at most, at a few widths from the means.
    np.testing.assert_allclose(found, expected, rtol=1e-4 * 40)


def test_it_is_right_for_every_kind_of_number():
    # MultiMin's reads 1 as another kind of number than 1.0, and answers 0.1507 in place of 0.1254.
    density = function_of(TUTORIAL)
    expected = 0.5 * norm.pdf([0.2, 1.0]) + 0.5 * norm.pdf([0.2, 1.0], 2.5, 0.5)
    for x in (0.2, np.float64(0.2), np.array(0.2), [0.2], [[0.2]]):
        assert density(x) == pytest.approx(expected[0], rel=1e-14)
        assert type(density(x)) is float
    assert density(1) == density(1.0) == density(np.int8(1)) == pytest.approx(expected[1])
    for many in ([0.2, 1], (0.2, 1), np.array([[0.2], [1.0]]), pd.DataFrame({"u": [0.2, 1.0]})):
        found = density(many)
        assert found.shape == (2,)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_the_published_values_come_out():
    fitted = mn.MixtureOfGaussians(
        weights=[0.499474, 0.500526], mus=[2.508023, 0.025683], Sigmas=[0.244823, 1.004006]
    )
    assert function_of(fitted)(0.2) == pytest.approx(0.1962968566936807, abs=5e-7)
    sigmas = np.array([[0.605644, 0.150459, 0.595910], [0.591069, 0.151054, 0.610339]])
    rhos = np.array([[0.015416, 0.005950, -0.013201], [0.033821, 0.018985, -0.010914]])
    mus = [[0.042126, 0.291250, -0.002683], [-0.005589, 0.699513, 0.026577]]
    truncated = mn.MixtureOfGaussians(
        stdcorr=np.concatenate([[0.489455, 0.510545], np.ravel(mus), sigmas.ravel(), rhos.ravel()]),
        nvars=3, domain=[None, [0, 1], None],
    )  # fmt: skip
    code, density = get_function(truncated, print_code=False)
    masses = [line.split()[-1] for line in code.splitlines() if line.strip().startswith("Z")]
    np.testing.assert_allclose(np.array(masses, dtype=float), [0.973549, 0.976663], atol=2e-6)
    assert density([0, 0.3, 1.2]) == pytest.approx(0.07924082073, rel=2e-5)


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_truncated_values_agree_with_scipy(truncation):
    x = np.linspace(-0.5, 3, 50)
    weights, means, sigmas = np.array([0.3, 0.7]), np.array([-0.4, 0.8]), np.array([0.3, 0.5])
    mog = mn.MixtureOfGaussians(
        weights=weights, mus=means, Sigmas=sigmas**2, domain=[(0, None)], truncation=truncation
    )
    if truncation == "components":
        parts = truncnorm.pdf(x[:, None], -means / sigmas, np.inf, means, sigmas)
        expected = parts @ weights
    else:
        inside = weights @ norm.sf(0, means, sigmas)
        expected = np.where(x >= 0, norm.pdf(x[:, None], means, sigmas) @ weights / inside, 0)
    np.testing.assert_allclose(function_of(mog, decimals=None)(x), expected, rtol=1e-13)


def test_small_covariances_survive():
    mog = mn.MixtureOfGaussians(mus=[[0.0, 1e-5]], Sigmas=[[[1e-8, 0], [0, 2.5e-9]]])
    x = [[1e-4, 0.0], [0.0, 1e-5]]
    expected = multivariate_normal.pdf(x, [0.0, 1e-5], [[1e-8, 0], [0, 2.5e-9]])
    np.testing.assert_allclose(function_of(mog)(x), expected, rtol=1e-12)


def test_components_far_outside_their_domain_are_right():
    mog = mn.MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[-60.0, -4.0], Sigmas=[1.0, 1.0], domain=[(0, 2)]
    )
    code, density = get_function(mog, print_code=False, decimals=None)
    assert "log_Z1 = -18" in code
    mass = float(code.split("Z2 = ")[1].split()[0])
    assert mass == pytest.approx(norm.sf(4) - norm.sf(6), rel=1e-14)
    x = np.linspace(0, 2, 9)
    np.testing.assert_allclose(density(x), mog.pdf(x), rtol=1e-11)
    np.testing.assert_allclose(function_of(mog)(x), mog.pdf(x), rtol=2e-3)
    together = mn.MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[-60.0, -61.0], Sigmas=[1.0, 1.0], domain=[(0, 2)],
        truncation="mixture",
    )  # fmt: skip
    np.testing.assert_allclose(function_of(together, decimals=None)(x), together.pdf(x), rtol=1e-11)


# Shapes and odd points


def test_points_come_in_all_the_shapes_that_pdf_takes():
    mog = mixture(3, 2, truncation="components")
    density = function_of(mog, decimals=None)
    point = mog.rvs(1, rng=0)
    for x in (point, point[0], point[0].tolist(), tuple(point[0])):
        assert type(density(x)) is float
        assert density(x) == pytest.approx(mog.pdf(x), rel=1e-12)
    assert density(np.zeros((0, 3))).shape == density([]).shape == (0,)
    assert function_of(TUTORIAL)([]).shape == function_of(TRUNCATED)(np.zeros((0, 1))).shape == (0,)
    assert density([[0, 0, 1], [1, 1, 1]]).shape == (2,)
    assert density(np.float32(point)) == pytest.approx(mog.pdf(np.float32(point)), rel=1e-12)


@pytest.mark.parametrize("shape", [(), (2,), (4,), (2, 2), (3, 2), (1, 3, 3)])
def test_other_shapes_are_refused(shape):
    for mog in (mixture(3, 2), TRUNCATED_3D):
        with pytest.raises(ValueError, match=r"X: shape .* seen; allowed: \(3,\) or \(N, 3\)"):
            function_of(mog)(np.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 2), (3, 3), (2, 1, 1)])
def test_other_shapes_are_refused_for_one_variable(shape):
    for mog in (TUTORIAL, TRUNCATED):
        with pytest.raises(ValueError, match=r"X: shape .* seen; allowed: a number"):
            function_of(mog)(np.zeros(shape))


# Where one component is out of reach of doubles, another may not be.
FAR_APART = mn.MixtureOfGaussians(
    mus=np.zeros((2, 2)), Sigmas=np.array([1e-300, 1e300])[:, None, None] * [[1.0, 0.5], [0.5, 1.0]]
)


@pytest.mark.parametrize("mog", [mixture(2, 2), mixture(2, 2, domain=[(0, 1), None]), FAR_APART])
def test_odd_points_are_as_pdf_has_them(mog):
    odd = [0.5, np.nan, np.inf, -np.inf, 1e150, 1e200, -1e308, 2.0]
    points = [[a, b] for a in odd for b in odd]
    np.testing.assert_array_equal(
        np.isnan(function_of(mog)(points)), np.isnan(np.array(points)).any(axis=1)
    )
    np.testing.assert_allclose(
        function_of(mog, decimals=None)(points), mog.pdf(points), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("mog", [TUTORIAL, TRUNCATED])
def test_odd_values_are_as_pdf_has_them(mog):
    odd = np.array([0.5, np.nan, np.inf, -np.inf, 1e200, -1e308, 0.0, 1.0, 2.0])
    np.testing.assert_allclose(function_of(mog, decimals=None)(odd), mog.pdf(odd), rtol=1e-12)


# The text


def test_one_variable_is_laid_out_as_in_multimin():
    assert python_source(TUTORIAL).split("\n\n\n")[-1].splitlines() == [
        "def mog(X):",
        "",
        "    mu1_1 = 0.0",
        "    sigma1_1 = 1.0",
        "    n1 = nmd(X, mu1_1, sigma1_1)",
        "",
        "    mu2_1 = 2.5",
        "    sigma2_1 = 0.5",
        "    n2 = nmd(X, mu2_1, sigma2_1)",
        "",
        "    w1 = 0.5",
        "    w2 = 0.5",
        "",
        "    return (",
        "        w1*n1",
        "        + w2*n2",
        "    )",
    ]


def test_several_variables_are_laid_out_as_in_multimin():
    half_open = mn.MixtureOfGaussians(
        mus=[[0.0, 0.3]], Sigmas=[[[0.36, 0.01], [0.01, 0.0225]]], domain=[None, (0, None)]
    )
    assert python_source(half_open, properties=["q", "e"]).split("\n\n\n")[-1].splitlines() == [
        "def mog(X):",
        "",
        "    a = [-np.inf, 0.0]",
        "    b = [np.inf, np.inf]",
        "",
        "    mu1_q = 0.0",
        "    mu1_e = 0.3",
        "    mu1 = [mu1_q, mu1_e]",
        "    Sigma1 = [[0.36, 0.01], [0.01, 0.0225]]",
        "    Z1 = 0.97725",
        "    n1 = tnmd(X, mu1, Sigma1, a, b, log_Z=np.log(Z1))",
        "",
        "    w1 = 1.0",
        "",
        "    return (",
        "        w1*n1",
        "    )",
    ]


def test_a_mixture_normalised_as_a_whole_has_one_mass():
    mog = mixture(1, 2, truncation="mixture")
    lines = [line.strip() for line in python_source(mog).splitlines()]
    assert [line for line in lines if line.startswith("Z")] == [
        f"Z = {round(float(mog.weights @ np.exp(mog.log_masses)), 6)}"
    ]
    assert sum("log_Z=np.log(Z))" in line for line in lines) == 2


def test_all_digits_are_there_when_asked_for():
    mog = mixture(3, 2)
    tree = ast.parse(python_source(mog, decimals=None))
    numbers = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    numbers |= {-value for value in numbers if isinstance(value, float)}
    for values in (mog.weights, mog.mus, mog.Sigmas):
        assert set(values.ravel().tolist()) <= numbers


@pytest.mark.parametrize("mog", [TUTORIAL, TRUNCATED, mixture(3, 2), TRUNCATED_3D])
def test_the_text_runs_with_numpy_alone(mog, run_python):
    points = mog.rvs(5, rng=0)
    program = f"""
import json, sys
sys.modules["mogfit"] = sys.modules["scipy"] = None
{python_source(mog, decimals=None)}
print(json.dumps([mog(json.loads(sys.argv[1])).tolist(), mog(json.loads(sys.argv[1])[0])]))
"""
    many, one = json.loads(run_python(program, json.dumps(points.tolist())).stdout)
    np.testing.assert_allclose(many, mog.pdf(points), rtol=1e-13)
    assert one == many[0]


def test_names_of_the_mixture_are_used():
    assert "mu1_q = " in python_source(mixture(2, 1, names=("q", "e")))
    assert "mu1_a = " in python_source(mixture(2, 1, names=("q", "e")), properties=["a"])


# Names that mean harm

HOSTILE = [
    "x = 1\nimport os\nos._exit(3)",
    "1; __import__('os')._exit(3)",
    "= 0\n    raise SystemExit",
    "'''",
    '"""\nraise SystemExit\n"""',
    "\\",
    "#",
    "a\rb",
    "a\u2028b",
    "a\x00b",
    "__import__",
    "{mu1}",
    "%s",
    "import",
    "None",
    "X",
    "np",
    "ﬁ",
    "²",
    "",
]


class Renamed(ast.NodeTransformer):
    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


@given(
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), min_size=3, max_size=3, unique=True)
)
@settings(max_examples=40)
def test_names_change_nothing_but_endings(names):
    mog = TRUNCATED_3D
    plain, named = python_source(mog), python_source(mog, properties=names)
    endings = identifiers(names)
    back = {f"mu{k}_{ending}": f"mu{k}_{i}" for k in (1, 2) for i, ending in enumerate(endings, 1)}
    assert ast.dump(Renamed(back).visit(ast.parse(named))) == ast.dump(ast.parse(plain))
    assert len(named.splitlines()) == len(plain.splitlines())
    density = function_of(mog, properties=names)
    assert density([0, 0.5, 0]) == function_of(mog)([0, 0.5, 0])


@pytest.mark.parametrize("name", HOSTILE)
def test_one_hostile_name_for_one_variable(name):
    for mog in (TUTORIAL, TRUNCATED):
        assert function_of(mog, properties=[name])(0.3) == function_of(mog)(0.3)


# get_function


def test_the_code_is_printed_and_is_what_runs(capsys):
    code, density = get_function(TUTORIAL)
    assert capsys.readouterr().out == code + "\n"
    names = {}
    exec(code, names)
    assert names["mog"].__code__.co_code == density.__code__.co_code
    assert names["mog"].__code__.co_consts == density.__code__.co_consts
    assert TUTORIAL.get_function(print_code=False)[0] == code
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("type", ["latex", "c"])
def test_formulas_and_c_come_without_a_function(type, capsys):
    code, nothing = get_function(TUTORIAL, type=type)
    assert nothing is None
    assert capsys.readouterr().out == code + "\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "fortran"}, "type: 'fortran' seen; allowed: 'python', 'latex', 'c'"),
        ({"type": "latex", "cmog": True}, "cmog: True seen with type='latex'"),
        ({"decimals": -1}, "decimals: -1"),
    ],
)
def test_what_cannot_be_written_is_refused_before_printing(options, words, capsys):
    with pytest.raises(InputError, match=words):
        get_function(TUTORIAL, **options)
    assert capsys.readouterr().out == ""


# One call of mogfit.cmog


@pytest.mark.parametrize("nvars", [1, 2, 3])
@pytest.mark.parametrize("truncation", [None, "components", "mixture"])
def test_one_call_is_the_density(nvars, truncation):
    mog = mixture(nvars, 3, **({} if truncation is None else {"truncation": truncation}))
    points = np.concatenate([mog.rvs(20, rng=0), np.full((1, nvars), -5.0)])
    code, density = get_function(mog, print_code=False, cmog=True, decimals=None)
    np.testing.assert_allclose(density(points), mog.pdf(points), rtol=1e-12)
    called = "cmog.mog_c(" if truncation is None else "cmog.tmog_c("
    assert code.splitlines()[1] == "from mogfit import cmog"
    assert code.splitlines()[-1].startswith(f"    return {called}X, weights, mus, Sigmas")


def test_one_call_for_a_truncated_variable_is_normalised():
    # MultiMin's has 0.279 here.
    density = function_of(TRUNCATED, cmog=True, decimals=None)
    assert density(0.5).shape == (1,)
    assert density(0.5)[0] == pytest.approx(0.3160530018742784, rel=1e-12)


def test_decimals_mean_the_same_in_both_sources():
    mog = mixture(2, 2)
    numbers = [
        {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
        for source in (python_source(mog), python_source(mog, cmog=True))
    ]
    assert {value for value in numbers[1] if isinstance(value, float)} <= numbers[0]


def test_a_mass_that_no_double_holds_has_no_call():
    mog = mn.MixtureOfGaussians(mus=[-60.0], Sigmas=[1.0], domain=[(0, 2)])
    with pytest.raises(InputError, match=r"component 0 has the mass exp\(-180.*cmog=False"):
        python_source(mog, cmog=True)

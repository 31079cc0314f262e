"""The density as LaTeX: its numbers give the mixture back, and nothing in it is broken."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mogfit as mn
from mogfit.export.latex import latex_number, latex_source
from tests.export import TRUNCATED, TRUNCATED_3D, TUTORIAL, mixture

EVERY = {
    "one variable": TUTORIAL,
    "one variable, one component": mixture(1, 1),
    "truncated": TRUNCATED,
    "truncated, one component": mixture(1, 1, truncation="components"),
    "semi-infinite": mixture(1, 2, truncation="components"),
    "as a whole": mixture(1, 3, truncation="mixture"),
    "three variables": mixture(3, 2),
    "three variables, one component": mixture(3, 1),
    "three variables, truncated": mixture(3, 2, truncation="components"),
    "three variables, as a whole": mixture(3, 2, truncation="mixture"),
    "far out": mn.MixtureOfGaussians(mus=[-60.0], Sigmas=[1e-30], domain=[(0, None)]),
    "twelve components": mixture(2, 12),
}


def check_well_formed(text):
    """Mathematics begins and ends, groups nest, and arrays are closed."""
    assert text.count("$") % 2 == 0
    for block in re.split(r"\n+", text):
        # Displayed lines stand alone; no mathematics runs over the end of a line.
        assert len(re.findall(r"(?<!\\)\$", block)) % 2 == 0, block
        assert not block.startswith("$$") or block.endswith("$$"), block
        depth = 0
        for brace in re.findall(r"(?<!\\)[{}]", block):
            depth += 1 if brace == "{" else -1
            assert depth >= 0, block
        assert depth == 0, block
        assert len(re.findall(r"\\left\b", block)) == len(re.findall(r"\\right\b", block)), block
        assert block.count(r"\begin") == block.count(r"\end"), block


@pytest.mark.parametrize("mog", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("decimals", [6, None])
def test_it_is_well_formed(mog, decimals):
    text = latex_source(mog, decimals)
    check_well_formed(text)
    words = re.sub(r"\\infty|\\in\b", "", text)
    assert not re.search(r"\binf\b|\bnan\b|\d[eE][+-]?\d|None", words)


def value(text):
    text = text.replace(r"\infty", "inf")
    mantissa, _, exponent = text.partition(r" \times 10^{")
    return float(f"{mantissa}e{exponent[:-1]}" if exponent else mantissa)


def matrices(text, symbol):
    """The arrays that are said to be `symbol` of each component."""
    found = re.findall(
        rf"\$\$\\{symbol}_(?:\d+) = \\left\( \\begin{{array}}{{c+}} (.*?) \\end", text
    )
    return [[[value(x) for x in row.split(" & ")] for row in m.split(r" \\ ")] for m in found]


@pytest.mark.parametrize("truncation", [None, "components"])
@pytest.mark.parametrize("ngauss", [1, 3])
def test_the_numbers_give_the_mixture_back(truncation, ngauss):
    options = {} if truncation is None else {"truncation": truncation}
    mog = mixture(3, ngauss, scales=[1e-9, 1.0, 1e7], **options)
    text = latex_source(mog, None)
    weights = [value(w) for w in re.findall(r"^\$\$w_\d+ = (.*)\$\$$", text, re.MULTILINE)]
    np.testing.assert_array_equal(weights, mog.weights)
    mus = np.array(matrices(text, r"boldsymbol{\\mu}"))[:, :, 0]
    np.testing.assert_array_equal(mus, mog.mus)
    np.testing.assert_array_equal(matrices(text, r"mathbf{\\Sigma}"), mog.Sigmas)
    masses = [value(z) for z in re.findall(r"^\$\$Z_\d+ = (.*)\$\$$", text, re.MULTILINE)]
    np.testing.assert_array_equal(masses, [] if truncation is None else np.exp(mog.log_masses))


def test_the_numbers_of_one_variable_give_the_mixture_back():
    mog = mixture(1, 3, truncation="components")
    lines = [line for line in latex_source(mog, None).splitlines() if line.startswith("$$w_")]
    found = [
        [value(part.split(" = ")[1]) for part in line[2:-2].split(r",\quad ")] for line in lines
    ]
    for k, (weight, mu, sigma, low, high, mass) in enumerate(found):
        assert weight == mog.weights[k]
        assert mu == mog.mus[k, 0]
        assert sigma == mog.sigmas[k, 0]
        assert (low, high) == (0.0, np.inf)
        assert mass == np.exp(mog.log_masses[k])


def test_the_layout_is_that_of_multimin():
    blocks = latex_source(TUTORIAL).split("\n\n")
    assert blocks[:4] == [
        r"$$f(x) = w_1 \, \mathcal{N}(x; \mu_{1}, \sigma_{1})"
        r" + w_2 \, \mathcal{N}(x; \mu_{2}, \sigma_{2})$$",
        "where",
        r"$$w_1 = 0.5,\quad \mu_{1} = 0.0,\quad \sigma_{1} = 1.0$$",
        r"$$w_2 = 0.5,\quad \mu_{2} = 2.5,\quad \sigma_{2} = 0.5$$",
    ]
    blocks = latex_source(TRUNCATED_3D).split("\n\n")
    assert blocks[1] == r"- $x_{2}$ in $[0.0, 1.0]$"
    assert r"w_1 \, \mathcal{TN}(\mathbf{x}; \boldsymbol{\mu}_1, \mathbf{\Sigma}_1" in blocks[2]
    assert blocks[5].splitlines() == [
        "$$w_1 = 0.5$$",
        r"$$\boldsymbol{\mu}_1 = \left( \begin{array}{c} 0.0 \\ 0.3 \\ 0.0 \end{array}\right)$$",
        r"$$\mathbf{\Sigma}_1 = \left( \begin{array}{ccc} 0.36 & 0.0 & 0.0 \\ 0.0 & 0.0225 & 0.0"
        r" \\ 0.0 & 0.0 & 0.36 \end{array}\right)$$",
        "$$Z_1 = 0.977248$$",
    ]
    assert r"\frac{1}{\sqrt{(2\pi)^{3} \det \mathbf{\Sigma}}}" in blocks[-3]


def test_every_variable_that_is_bounded_is_listed():
    mog = mn.MixtureOfGaussians(
        mus=np.zeros((1, 4)), domain=[(0, None), (None, 1e-9), None, (-1, 2.5)]
    )
    listed = [line for line in latex_source(mog).splitlines() if line.startswith("- ")]
    assert listed == [
        r"- $x_{1}$ in $[0.0, \infty)$",
        r"- $x_{2}$ in $(-\infty, 1 \times 10^{-9}]$",
        r"- $x_{4}$ in $[-1.0, 2.5]$",
    ]
    half = mixture(1, 1, truncation="components")
    assert r"- $x_{1}$ in $[0.0, \infty)$" in latex_source(half)


def test_a_mixture_normalised_as_a_whole_says_so():
    text = latex_source(mixture(1, 2, truncation="mixture"))
    assert r"\frac{1}{Z} \left[ w_1 \, \mathcal{N}(" in text
    assert "TN" not in text
    assert len(re.findall(r"^\$\$Z = ", text, re.MULTILINE)) == 1


def test_names_are_shown_as_they_are():
    text = latex_source(TRUNCATED_3D, properties=["M_sun", "50 %", "$x$"])
    assert r"$$\mathbf{x} = (M\_sun, 50\ \%, \$x\$)^\top$$" in text
    assert r"- $x_{50\ \%}$ in $[0.0, 1.0]$" in text
    assert r"\mu_{1,q} = 0.2,\quad \sigma_{1,q} = 0.1" in latex_source(TRUNCATED, properties=["q"])
    assert r"\mu_{1,q}" in latex_source(mixture(1, 1, names=("q",)))


@given(st.lists(st.text(max_size=10), min_size=3, max_size=3, unique=True))
@settings(max_examples=30)
def test_no_name_breaks_it(names):
    for mog in (TRUNCATED_3D, mixture(3, 1)):
        check_well_formed(re.sub(r"\\[{}$&#%_^ ]", "", latex_source(mog, properties=names)))


def test_numbers_are_written_out():
    assert latex_number(1e22) == r"1 \times 10^{22}"
    assert latex_number(-2.5e-300) == r"-2.5 \times 10^{-300}"
    assert latex_number(-np.inf) == r"-\infty"
    assert latex_number(np.float64(0.1)) == "0.1"

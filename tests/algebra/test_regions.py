"""Ellipses and highest-density levels, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import mogfit as mn
from mogfit.errors import InputError
from tests.algebra.mixtures import integrated, mixture


def test_ellipses_are_at_their_distance_all_the_way_around():
    mog = mixture(3, 4, seed=1)
    pair = [2, 0]
    found = mog.ellipse(1, nsigma=2.5, points=40, variables=pair)
    assert found.shape == (40, 2)
    offsets = found - mog.mus[1, pair]
    S = mog.Sigmas[1][np.ix_(pair, pair)]
    squares = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(S), offsets)
    np.testing.assert_allclose(squares, 2.5**2, rtol=1e-12)
    np.testing.assert_array_equal(found[0], found[-1])
    white = np.linalg.solve(np.linalg.cholesky(S), offsets.T)
    angles = np.unwrap(np.arctan2(white[1], white[0]))
    np.testing.assert_allclose(np.diff(angles), 2 * np.pi / 39, rtol=1e-9)


def test_ellipses_know_names():
    mog = mixture(2, 3)
    mog.names = ("q", "e", "i")
    np.testing.assert_array_equal(
        mog.ellipse(0, variables=("i", "q")), mog.ellipse(0, variables=(2, 0))
    )
    np.testing.assert_array_equal(
        mog.ellipse(0, variables=("i", -3)), mog.ellipse(0, variables=(2, 0))
    )
    with pytest.raises(InputError, match="'q', 'e', 'i'"):
        mog.ellipse(0, variables=("q", "z"))


@pytest.mark.parametrize(
    "variables", [(0, 0), (0, 2), (0, True), "01", 0, (0,), (0, 1, 2), (0, -2)]
)
def test_variables_must_be_two(variables):
    with pytest.raises(
        InputError, match=r"variables: .* allowed: two different variables of 0 to 1"
    ):
        mixture(2, 2).ellipse(0, variables=variables)


@pytest.mark.parametrize(
    ("k", "nsigma", "points", "word"),
    [(2, 1, 9, "k"), (-1, 1, 9, "k"), (True, 1, 9, "k"), (0.0, 1, 9, "k"), (0, 0, 9, "nsigma"),
     (0, np.nan, 9, "nsigma"), (0, "1", 9, "nsigma"), (0, 1, 1, "points")],
)  # fmt: skip
def test_numbers_of_an_ellipse_must_be_in_range(k, nsigma, points, word):
    with pytest.raises(InputError, match=f"{word}: "):
        mixture(2, 2).ellipse(k, nsigma, points)


def test_one_variable_has_no_ellipse():
    with pytest.raises(InputError, match="two different variables"):
        mixture(2, 1).ellipse(0)


@pytest.mark.parametrize("nvars", [1, 2, 5])
def test_levels_of_one_component_are_exact(nvars):
    mog = mixture(1, nvars, seed=2)
    mass = np.array([0.1, 0.5, 0.999])
    distances = stats.chi2.ppf(mass, nvars)
    expected = stats.multivariate_normal(np.zeros(nvars), mog.Sigmas[0]).pdf(np.zeros(nvars))
    np.testing.assert_allclose(mog.hdr_level(mass), expected * np.exp(-distances / 2), rtol=1e-11)


@pytest.mark.parametrize("options", [{}, {"domain": [[-1.0, 2.0], [0.0, 4.0]]}])
def test_the_region_of_a_level_holds_its_probability(options):
    mog = mixture(3, 2, seed=3, **options)
    mass = [0.2, 0.68, 0.95]
    levels = mog.hdr_level(mass, size=40_000, rng=1)

    def inside(x):
        density = mog.pdf(x)
        return (density[:, None] >= levels) * density[:, None]

    # Four errors of a proportion, and what quadrature loses at the borders.
    error = 4 * np.sqrt(np.array(mass) * (1 - np.array(mass)) / 40_000) + 2e-3
    assert (np.abs(integrated(inside, mog) - mass) < error).all()


def test_levels_keep_the_shape_of_what_was_asked():
    mog = mixture(2, 1)
    assert isinstance(mog.hdr_level(0.5, size=100, rng=0), float)
    levels = mog.hdr_level([[0.2, 0.5], [0.7, 0.9]], size=1000, rng=0)
    assert levels.shape == (2, 2)
    assert (np.diff(levels.ravel()) < 0).all()
    assert mog.hdr_level(0.7, size=1000, rng=0) == levels[1, 0]
    one = mixture(1, 1)
    assert isinstance(one.hdr_level(0.5), float)
    np.random.seed(1)  # noqa: NPY002
    first = mog.hdr_level(0.5, size=100)
    np.random.seed(1)  # noqa: NPY002
    assert mog.hdr_level(0.5, size=100) == first


def test_levels_follow_the_scale_of_the_density():
    given = {"mus": [0.0, 3.0], "Sigmas": [1.0, 2.0], "normalize_weights": False}
    small, large = (mn.MixtureOfGaussians(weights=w, **given) for w in ([0.5, 0.5], [2.0, 2.0]))
    assert large.hdr_level(0.5, rng=0) == pytest.approx(4 * small.hdr_level(0.5, rng=0), rel=1e-12)


@pytest.mark.parametrize("mass", [0.0, 1.0, -0.1, [0.5, 2.0], np.nan])
def test_masses_are_between_0_and_1(mass):
    with pytest.raises(InputError, match="mass: "):
        mixture(2, 1).hdr_level(mass)

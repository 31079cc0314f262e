"""A frozen mixture: a distribution like SciPy's, and a value that cannot change."""

from __future__ import annotations

import copy
import pickle
import re
import types

import numpy as np
import pytest
from scipy.stats import multivariate_normal, truncnorm

import mogfit as mn
from mogfit.errors import DtypeError, InputError
from mogfit.export.frozen import FrozenMixture
from tests.export import TRUNCATED, TRUNCATED_3D, TUTORIAL, mixture
from tests.truncation import integral

EVERY = {
    "one variable": TUTORIAL,
    "truncated": TRUNCATED,
    "one component": mixture(3, 1),
    "free": mixture(3, 4),
    "components": mixture(3, 3, truncation="components"),
    "whole": mixture(2, 3, truncation="mixture"),
    "counts": mn.MixtureOfGaussians(
        weights=[3.0, 9.0], mus=[[0.0, 1.0], [2.0, 0.0]], normalize_weights=False
    ),
}


@pytest.fixture(params=EVERY)
def pair(request):
    mog = EVERY[request.param]
    return mog, FrozenMixture(mog)


# Densities


def test_densities_are_those_of_the_mixture(pair):
    mog, frozen = pair
    points = np.concatenate([mog.rvs(50, rng=0), np.full((1, mog.nvars), -7.0)])
    np.testing.assert_array_equal(frozen.logpdf(points), mog.logpdf(points))
    np.testing.assert_array_equal(frozen.pdf(points), mog.pdf(points))


def test_one_component_is_scipys_normal():
    mog = EVERY["one component"]
    frozen, normal = FrozenMixture(mog), multivariate_normal(mog.mus[0], mog.Sigmas[0])
    points = np.random.default_rng(0).normal(size=(2, 4, 3))
    np.testing.assert_allclose(frozen.logpdf(points), normal.logpdf(points), rtol=1e-12)
    np.testing.assert_allclose(frozen.mean(), normal.mean, rtol=1e-15)
    np.testing.assert_allclose(frozen.cov(), normal.cov, rtol=1e-15)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (4, 1, 2)])
def test_densities_have_the_shape_of_the_points(shape):
    mog = EVERY["free"]
    frozen = FrozenMixture(mog)
    points = np.random.default_rng(0).normal(size=(*shape, 3))
    for found, one in ((frozen.pdf, mog.pdf), (frozen.logpdf, mog.logpdf)):
        values = found(points)
        assert np.shape(values) == shape
        assert isinstance(values, np.ndarray) == bool(shape)
        for index in np.ndindex(shape):
            assert np.asarray(values)[index] == one(points[index])
    np.testing.assert_array_equal(
        frozen.pdf(points.tolist() if points.size else points), frozen.pdf(points)
    )


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (0.5, ()),
        (1, ()),
        ([0.5], (1,)),
        ([0.5, 1.0], (2,)),
        ([[0.5], [1.0]], (2,)),
        (np.full((2, 3, 1), 0.5), (2, 3)),
        ([], (0,)),
    ],
)
def test_one_variable_needs_no_axis(x, shape):
    values = FrozenMixture(TUTORIAL).pdf(x)
    assert np.shape(values) == shape
    np.testing.assert_array_equal(np.ravel(values), np.ravel(TUTORIAL.pdf(np.ravel(x))))


@pytest.mark.parametrize("shape", [(), (2,), (4,), (3, 2), (3, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=re.escape("(..., 3) expected")):
        FrozenMixture(EVERY["free"]).pdf(np.zeros(shape))
    with pytest.raises(InputError, match=re.escape("(..., 1) expected")):
        FrozenMixture(TUTORIAL).pdf(np.zeros((1, 2)))


def test_what_is_no_number_is_refused():
    frozen = FrozenMixture(TUTORIAL)
    with pytest.raises(DtypeError):
        frozen.pdf(["a", "b"])
    with pytest.raises(InputError, match="different lengths"):
        frozen.pdf([[1, 2], [3]])
    assert np.isnan(frozen.pdf(np.ma.masked_array([0.5, 1.0], mask=[True, False]))[0])


# Draws


SIZES = {1: (), None: (), (): (), 4: (4,), 0: (0,), (1,): (1,), (2, 3): (2, 3), (2, 0): (2, 0)}


@pytest.mark.parametrize(("size", "shape"), SIZES.items())
def test_draws_have_the_shape_asked_for(size, shape):
    assert np.shape(FrozenMixture(EVERY["free"]).rvs(size, random_state=0)) == (*shape, 3)
    drawn = FrozenMixture(TUTORIAL).rvs(size, random_state=0)
    assert np.shape(drawn) == shape
    assert isinstance(drawn, float) == (shape == ())


def test_draws_are_those_of_the_mixture(pair):
    mog, frozen = pair
    drawn = frozen.rvs((2, 5), random_state=3)
    np.testing.assert_array_equal(drawn.reshape(10, -1), mog.rvs(10, rng=3))
    np.random.seed(5)  # noqa: NPY002
    first = frozen.rvs(4)
    np.random.seed(5)  # noqa: NPY002
    np.testing.assert_array_equal(frozen.rvs(4), first)
    generator = np.random.default_rng(1)
    assert (frozen.rvs(4, random_state=generator) != frozen.rvs(4, random_state=generator)).all()


@pytest.mark.parametrize("size", [-1, 2.0, "3", (2, -1), [2, 3]])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(InputError, match="size"):
        FrozenMixture(TUTORIAL).rvs(size)


# Moments


def test_moments_without_a_domain_are_those_of_the_parts():
    mog = EVERY["counts"]
    frozen = FrozenMixture(mog)
    # E[x x^T] - E[x] E[x]^T, from raw moments.
    shares = np.array([0.25, 0.75])
    mean = shares @ mog.mus
    second = np.einsum("k,kij->ij", shares, mog.Sigmas + mog.mus[:, :, None] * mog.mus[:, None, :])
    np.testing.assert_allclose(frozen.mean(), mean, rtol=1e-15)
    np.testing.assert_allclose(frozen.cov(), second - np.outer(mean, mean), rtol=1e-14)


@pytest.mark.parametrize("name", ["truncated", "components", "whole"])
def test_moments_inside_a_domain_are_integrals(name):
    mog = EVERY[name]
    frozen = FrozenMixture(mog)

    def moments(points):
        squares = (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)
        powers = np.concatenate([np.ones((len(points), 1)), points, squares], axis=1)
        return mog.pdf(points)[:, None] * powers

    count = 60 if mog.nvars == 3 else 150
    total, *rest = integral(moments, mog.mus, mog.Sigmas, mog.domain, count)
    mean, second = np.array(rest[: mog.nvars]), np.reshape(rest[mog.nvars :], (mog.nvars,) * 2)
    assert total == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(frozen.mean(), mean, atol=1e-8)
    np.testing.assert_allclose(frozen.cov(), second - np.outer(mean, mean), atol=1e-8)


def test_moments_of_one_truncated_normal_are_scipys():
    mog = mn.MixtureOfGaussians(mus=[1.0], Sigmas=[4.0], domain=[(0, 5)])
    normal = truncnorm(-0.5, 2.0, 1.0, 2.0)
    assert FrozenMixture(mog).mean()[0] == pytest.approx(normal.mean(), rel=1e-12)
    assert FrozenMixture(mog).cov()[0, 0] == pytest.approx(normal.var(), rel=1e-12)


def test_moments_are_those_of_draws_with_many_bounded_variables():
    mog = mixture(6, 2, domain=[(-2, 1)] * 6)
    frozen = FrozenMixture(mog)
    drawn = frozen.rvs(40_000, random_state=0)
    # Four standard errors of numbers with a spread of the order of 1.
    np.testing.assert_allclose(frozen.mean(), drawn.mean(axis=0), atol=4 / 40_000**0.5)
    np.testing.assert_allclose(frozen.cov(), np.cov(drawn.T), atol=6 / 40_000**0.5)


def test_components_without_weight_do_not_matter():
    mog = mn.MixtureOfGaussians(
        weights=[1.0, 0.0], mus=[0.0, 30.0], Sigmas=[1.0, 1.0], domain=[(-1, 1)]
    )
    assert FrozenMixture(mog).mean()[0] == pytest.approx(0.0, abs=1e-15)


# A value


def test_what_happens_to_the_mixture_does_not_matter():
    mog = mixture(2, 2)
    frozen = FrozenMixture(mog)
    before = frozen.logpdf([0.0, 0.0])
    mog.update_params(mus=[5.0, 5.0])
    mog.set_domain([(0, 1), None])
    assert frozen.logpdf([0.0, 0.0]) == before
    assert frozen.domain is None


def test_the_arrays_are_its_own():
    names = ("weights", "mus", "Sigmas", "domain", "truncation", "nvars")
    like = types.SimpleNamespace(**{name: getattr(TRUNCATED, name) for name in names})
    like.mus = TRUNCATED.mus.copy()
    frozen = FrozenMixture(like)
    like.mus[:] = 5.0
    assert frozen == FrozenMixture(TRUNCATED)


def test_nothing_of_it_can_be_changed():
    frozen = FrozenMixture(TRUNCATED_3D)
    for name in ("weights", "mus", "ngauss", "_mus", "anything"):
        with pytest.raises(AttributeError, match="cannot change"):
            setattr(frozen, name, 1)
        with pytest.raises(AttributeError):
            delattr(frozen, name)
    for array in (frozen.weights, frozen.mus, frozen.Sigmas):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    frozen.mean()[:] = frozen.cov()[:] = 3.0
    assert frozen.mean()[0] == 0.0


def test_equal_ones_are_equal_keys(pair):
    mog, frozen = pair
    again = FrozenMixture(mog.copy())
    assert frozen == again
    assert {frozen: 1}[again] == 1
    assert frozen != mog


def test_any_difference_counts():
    frozen = FrozenMixture(TRUNCATED)
    others = [TRUNCATED.copy() for _ in range(5)]
    others[0].update_params(weights=[0.4, 0.6])
    others[1].update_params(mus=[[0.2], [0.9]])
    others[2].set_domain(None)
    others[3].set_domain([(0, 2)])
    others[4] = mn.MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[(0, 1)],
        truncation="mixture",
    )  # fmt: skip
    for other in others:
        assert FrozenMixture(other) != frozen


def test_copies_and_pickles_are_equal_and_have_the_same_bits(pair):
    mog, frozen = pair
    points = mog.rvs(20, rng=0)
    for again in (copy.copy(frozen), copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert again == frozen
        assert hash(again) == hash(frozen)
        np.testing.assert_array_equal(again.logpdf(points), frozen.logpdf(points))
        np.testing.assert_array_equal(again.rvs(3, random_state=1), frozen.rvs(3, random_state=1))
        with pytest.raises(AttributeError):
            again.mus = 1


def test_it_says_what_it_is():
    assert repr(FrozenMixture(EVERY["free"])) == "FrozenMixture(ngauss=4, nvars=3)"
    assert repr(FrozenMixture(TRUNCATED)) == "FrozenMixture(ngauss=2, nvars=1, domain=[(0.0, 1.0)])"
    frozen = FrozenMixture(TRUNCATED)
    assert (frozen.ngauss, frozen.nvars, frozen.truncation) == (2, 1, "components")
    np.testing.assert_array_equal(frozen.Sigmas, TRUNCATED.Sigmas)
    np.testing.assert_array_equal(frozen.weights, TRUNCATED.weights)

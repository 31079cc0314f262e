"""`MixtureOfGaussians.marginal`, against integrals of the joint density."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import mogfit as mn
from mogfit.algebra.derived import DerivedDensity
from tests.algebra.cases import (
    BOX,
    DOMAINS,
    TRUNCATIONS,
    integrated,
    mixture,
    named,
    points_of,
)
from tests.strategies import mixtures


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("kept", [[0, 1], [2, 0], [1], [2]])
def test_a_marginal_is_the_integral_of_the_joint_density(kept, domain, truncation):
    mog = mixture(domain=domain, truncation=truncation)
    points = points_of(mog, kept)
    found = mog.marginal(kept)
    np.testing.assert_allclose(found.pdf(points), integrated(mog, kept, points), rtol=1e-10)
    np.testing.assert_allclose(np.exp(found.logpdf(points)), found.pdf(points), rtol=1e-13)
    lost = domain and any(domain[i] is not None for i in range(3) if i not in kept)
    assert isinstance(found, DerivedDensity if lost else mn.MixtureOfGaussians)
    assert (found.ngauss, found.nvars) == (3, len(kept))


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_independent_bounded_variables_leave_a_mixture(truncation):
    # x and z depend on each other; y, bounded, on none of them, but is where one component is not.
    Sigmas = np.array([[[1.0, 0, 0.6], [0, 0.5, 0], [0.6, 0, 1.0]]] * 2)
    mog = mn.MixtureOfGaussians(
        weights=[0.3, 0.7], mus=[[0, 0, 0], [1, 2, 1]], Sigmas=Sigmas,
        domain=[[0, 2], [None, 0.5], None], truncation=truncation,
    )  # fmt: skip
    found = mog.marginal([2, 0])
    assert isinstance(found, mn.MixtureOfGaussians)
    assert (found.domain, found.truncation) == ([None, (0.0, 2.0)], truncation)
    points = points_of(mog, [2, 0])
    np.testing.assert_allclose(found.pdf(points), integrated(mog, [2, 0], points), rtol=1e-10)
    # One covariance in one component is enough to change that.
    Sigmas[1, 0, 1] = Sigmas[1, 1, 0] = 0.1
    mog.set_sigmas(Sigmas)
    assert isinstance(mog.marginal([2, 0]), DerivedDensity)
    points = points_of(mog, [2, 0])
    expected = integrated(mog, [2, 0], points)
    np.testing.assert_allclose(mog.marginal([2, 0]).pdf(points), expected, rtol=1e-10)


@given(mixtures(max_nvars=6), st.data())
def test_of_a_free_mixture_the_parameters_are_taken_as_they_are(case, data):
    mog = mn.MixtureOfGaussians(weights=case.weights, mus=case.means, Sigmas=case.covariances)
    every = list(range(mog.nvars))
    kept = data.draw(st.permutations(every))[: data.draw(st.integers(1, mog.nvars))]
    found = mog.marginal(kept)
    assert found.weights.tobytes() == mog.weights.tobytes()
    np.testing.assert_array_equal(found.mus, mog.mus[:, kept])
    np.testing.assert_array_equal(found.Sigmas, mog.Sigmas[np.ix_(range(mog.ngauss), kept, kept)])
    # Marginals of marginals, and permutations back.
    again = found.marginal(0)
    np.testing.assert_array_equal(again.params, mog.marginal(kept[0]).params)
    there = mog.marginal(every[::-1]).marginal(every[::-1])
    assert there.params.tobytes() == mog.params.tobytes()


def test_variables_go_by_number_and_by_name():
    mog = named(mixture(domain=BOX))
    assert mog.marginal("y").names == ("y",)
    assert mog.marginal(["z", 0]).names == ("z", "x")
    assert mog.marginal(-3).names == ("x",)
    assert mog.marginal(np.array([2, 1])).names == ("z", "y")
    assert mog.marginal([0, 2]).domain == [(-1.0, 2.0), (0.0, np.inf)]
    assert mog.marginal(["x", "z"]).truncation == "components"
    table = pd.DataFrame({"z": [1.0, 2.0], "x": [0.5, 0.1]})
    for found in (mog.marginal(["x", "z"]), mog.marginal(["z", "x"])):
        np.testing.assert_allclose(
            found.pdf(table), mog.marginal([0, 2]).pdf([[0.5, 1.0], [0.1, 2.0]]), rtol=1e-13
        )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (3, r"variables: 3 \(int\) seen; allowed: whole numbers from 0 to 2, or names"),
        (-4, "from 0 to 2"),
        ([0, 0], r"variables: \[0, 0\] seen, one of them twice; allowed: each once"),
        ([0, "x"], "twice"),
        ([], "none; allowed: each once"),
        ("w", "variables: 'w' .*names of variables: one of 'x', 'y', 'z'"),
        (True, "whole numbers"),
        (0.0, "whole numbers"),
        ([None], "whole numbers"),
    ],
)
def test_what_is_no_variable_is_refused(variables, message):
    with pytest.raises(mn.InputError, match=message):
        named(mixture()).marginal(variables)


def test_a_mixture_without_names_says_so():
    with pytest.raises(mn.InputError, match="numbers, for there are none"):
        mixture().marginal("x")


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_weights_that_do_not_sum_to_1_scale_the_marginal_too(domain, truncation):
    options = {"domain": domain, "truncation": truncation}
    plain = mixture(**options)
    mog = mn.MixtureOfGaussians(
        weights=5 * plain.weights, mus=plain.mus, Sigmas=plain.Sigmas, normalize_weights=False,
        **options,
    )  # fmt: skip
    points = points_of(plain, [0])
    expected = 5 * plain.marginal(0).pdf(points)
    np.testing.assert_allclose(mog.marginal(0).pdf(points), expected, rtol=1e-13)


def test_components_of_weight_0_do_no_harm():
    mog = mn.MixtureOfGaussians(
        weights=[1.0, 0.0], mus=[[0, 0], [1, 1]], Sigmas=[[[1, 0.5], [0.5, 1]]] * 2,
        domain=[None, [0, 1]], truncation="mixture",
    )  # fmt: skip
    points = points_of(mog, [0])
    np.testing.assert_allclose(mog.marginal(0).pdf(points), integrated(mog, [0], points), 1e-10)
    assert mog.marginal(1).weights.tolist() == [1.0, 0.0]


# What is no truncated mixture


def derived(**options):
    found = named(mixture(domain=[[-1, 2], None, [0, 1]], **options)).marginal(["y", "x"])
    assert isinstance(found, DerivedDensity)
    return found


def test_a_derived_density_says_what_it_is():
    found = derived()
    assert repr(found) == (
        "DerivedDensity: marginal of a truncated mixture, 3 components in 2 variables (y, x)"
    )
    assert found.domain == [None, (-1.0, 2.0)]
    assert found.weights.sum() == pytest.approx(1)
    assert found.component_logpdf([[0.0, 0.0]] * 2).shape == (2, 3)
    assert found.component_logpdf([0.0, 0.0]).shape == (3,)


def test_a_derived_density_takes_what_a_mixture_takes():
    found = derived()
    one = found.pdf([0.2, 0.3])
    assert isinstance(one, float)
    assert one == found.pdf([[0.2, 0.3]]) == pytest.approx(np.exp(found.logpdf([0.2, 0.3])))
    assert found.pdf(np.zeros((0, 2))).shape == (0,)
    values = found.logpdf([[0, np.nan], [np.inf, 0], [0, 2.1], [0, 2], [0, -1], [0, -np.inf]])
    assert np.isnan(values[0])
    assert (values[[1, 2, 5]] == -np.inf).all()
    assert np.isfinite(values[[3, 4]]).all()
    with pytest.raises(mn.InputError, match="X"):
        found.pdf([[1.0, 2.0, 3.0]])
    with pytest.raises(mn.InputError, match="Nsam"):
        found.rvs(-1)


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_draws_and_moments_of_a_derived_density(truncation):
    mog = mixture(domain=[[-1, 2], None, [0, 1]], truncation=truncation)
    found = mog.marginal(1)
    x = np.linspace(-9, 9, 4001)
    density = found.pdf(x)
    mean = integrate.trapezoid(x * density, x)
    variance = integrate.trapezoid((x - mean) ** 2 * density, x)
    assert integrate.trapezoid(density, x) == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(found.mean(), [mean], rtol=1e-9)
    np.testing.assert_allclose(found.covariance(), [[variance]], rtol=1e-9)
    np.testing.assert_allclose(mog.mean()[1:2], found.mean(), rtol=1e-13)
    draws = found.rvs(5000, rng=1)
    assert draws.shape == (5000, 1)
    assert (draws == found.rvs(5000, rng=1)).all()
    assert (draws != found.rvs(5000, rng=2)).any()
    cumulative = integrate.cumulative_trapezoid(density, x, initial=0.0)
    assert stats.kstest(draws[:, 0], lambda at: np.interp(at, x, cumulative)).pvalue > 1e-3
    np.random.seed(5)  # noqa: NPY002
    first = found.rvs(3)
    np.random.seed(5)  # noqa: NPY002
    assert (first == found.rvs(3)).all()


def test_a_derived_density_far_away_keeps_its_digits():
    Sigma = [[1.0, 0.9], [0.9, 1.0]]
    mog = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[Sigma], domain=[None, [5.0, None]])
    found = mog.marginal(0)
    # log of phi(x) Phi(-t) / Phi(-5): the correlation takes -60 from far outside of the box.
    x = -60.0
    t = (5.0 - 0.9 * x) / np.sqrt(1 - 0.81)
    expected = stats.norm.logpdf(x) + stats.norm.logsf(t) - stats.norm.logsf(5.0)
    assert found.logpdf(x) == pytest.approx(expected, rel=1e-13)
    assert found.pdf(x) == 0.0


def test_a_derived_density_is_copied_and_pickled_and_stays_as_it_is():
    mog = mixture(domain=[[-1, 2], None, [0, 1]])
    found = mog.marginal([0, 1])
    points = points_of(mog, [0, 1])
    values = found.pdf(points)
    for twin in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert twin.pdf(points).tobytes() == values.tobytes()
        assert twin.rvs(5, rng=1).tobytes() == found.rvs(5, rng=1).tobytes()
        assert repr(twin) == repr(found)
    mog.set_domain(None)
    mog.mus = mog.mus + 1
    assert found.pdf(points).tobytes() == values.tobytes()


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_marginal_is_pickled_to_the_bit(domain):
    mog = named(mixture(domain=domain, truncation="mixture"))
    found = mog.marginal([2, 1])
    twin = pickle.loads(pickle.dumps(found))
    points = points_of(mog, [2, 1])
    assert twin.pdf(points).tobytes() == found.pdf(points).tobytes()
    assert twin.names == found.names

"""`MixtureOfGaussians`: built, evaluated, drawn from and changed."""

from __future__ import annotations

import doctest
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy.stats import kstest, norm

from mogfit import DomainError, InputError, MixtureOfGaussians, mixture
from tests.fitting import TRUTH, plain
from tests.oracles import exact_density, log_density_bounds
from tests.strategies import make_mixture, make_points, mixtures


def build(mixture):
    weights, mus, Sigmas = mixture
    return MixtureOfGaussians(weights=weights, mus=mus, Sigmas=Sigmas)


def same(a, b):
    return a.params.tobytes() == b.params.tobytes()


# Construction


def test_all_four_ways_to_build_agree():
    again = MixtureOfGaussians(params=TRUTH.params, nvars=2)
    assert same(again, TRUTH)
    third = MixtureOfGaussians(stdcorr=TRUTH.stdcorr, nvars=2)
    np.testing.assert_allclose(third.params, TRUTH.params, rtol=1e-15, atol=1e-16)
    empty = MixtureOfGaussians(ngauss=3, nvars=2)
    np.testing.assert_array_equal(empty.params, [1 / 3] * 3 + [0] * 6 + [1, 0, 1] * 3)
    empty.set_params(TRUTH.params, 2)
    assert same(empty, TRUTH)


def test_left_out_parts_are_equal_weights_and_unit_covariances():
    mog = MixtureOfGaussians(mus=[[0, 1], [2, 3]])
    np.testing.assert_array_equal(mog.weights, [0.5, 0.5])
    np.testing.assert_array_equal(mog.Sigmas, [np.eye(2)] * 2)


def test_univariate_covariances_are_variances():
    # MultiMin's tutorial prints 0.10807882631874657.
    mog = MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])
    assert mog.pdf(1.3) == pytest.approx(0.10807882631874657, rel=1e-14)
    np.testing.assert_array_equal(mog.sigmas, [[1.0], [0.5]])


def test_attributes_count_and_agree():
    assert (TRUTH.ngauss, TRUTH.nvars, TRUTH.Npars, TRUTH.Ncor) == (3, 2, 18, 18)
    assert TRUTH.params.shape == TRUTH.stdcorr.shape == (18,)
    np.testing.assert_allclose(TRUTH.sigmas**2, np.einsum("kii->ki", TRUTH.Sigmas), rtol=1e-15)
    expected = TRUTH.Sigmas[:, 0, 1] / TRUTH.sigmas.prod(axis=1)
    np.testing.assert_allclose(TRUTH.rhos[:, 0], expected, rtol=1e-15)


def test_unnormalised_weights_scale_densities_and_not_draws():
    loose = MixtureOfGaussians(
        weights=4 * TRUTH.weights, mus=TRUTH.mus, Sigmas=TRUTH.Sigmas, normalize_weights=False
    )
    assert loose.pdf([0.3, 0.7]) == pytest.approx(4 * TRUTH.pdf([0.3, 0.7]), rel=1e-14)
    np.testing.assert_array_equal(loose.weights, 4 * TRUTH.weights)
    np.testing.assert_array_equal(loose.rvs(100, rng=1), TRUTH.rvs(100, rng=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing to build it from"),
        ({"ngauss": 2}, "nvars: 0 .* whole number >= 1"),
        ({"ngauss": 2.0, "nvars": 1}, "ngauss: 2.0 .float. seen; allowed: a whole number >= 0"),
        ({"ngauss": True, "nvars": 1}, "ngauss: True .bool. seen"),
        ({"params": [1, 0, 1]}, "nvars: 0"),
        ({"params": [1, 0], "nvars": 1}, r"params: shape \(2,\) seen, one vector of 3 values"),
        ({"mus": [0.0], "Sigmas": [1.0, 2.0]}, r"Sigmas: shape \(2,\) seen"),
        ({"mus": [0.0, 1.0], "weights": [1.0]}, r"weights: shape \(1,\) seen, shape \(2,\)"),
        ({"stdcorr": [1, 0, -1], "nvars": 1}, "sigmas: 1 of 1 value is not positive"),
    ],
)
def test_what_does_not_make_a_mixture(arguments, message):
    with pytest.raises(InputError, match=message):
        MixtureOfGaussians(**arguments)


def test_unknown_keywords_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sigmas'"):
        MixtureOfGaussians(mus=[0.0], sigmas=[1.0])


# What is a domain


@pytest.mark.parametrize(
    "domain", [None, [None, None], [None, (-np.inf, np.inf)], [(None, None)] * 2]
)
def test_a_domain_without_bounds_is_none(domain):
    assert same(MixtureOfGaussians(ngauss=1, nvars=2, domain=domain), MixtureOfGaussians(1, 2))


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ([None, (1, 0)], r"domain: \(1, 0\) seen at index 1; allowed: None, or \(low, high\)"),
        ([(1, 1), None], "seen at index 0"),
        ([(np.nan, 1), None], "seen at index 0"),
        ([None, "ab"], "'ab' seen at index 1"),
        ([None, 3], "3 seen at index 1"),
        ([None], "1 entries seen for 2 variables"),
        ("ab", "'ab' .str. seen"),
        (3, "3 .int. seen"),
    ],
)
def test_what_is_no_domain(domain, message):
    with pytest.raises(DomainError, match=message):
        MixtureOfGaussians(ngauss=1, nvars=2, domain=domain)


# Evaluation


@settings(max_examples=15)
@given(mixtures(max_nvars=5, max_ngauss=4))
def test_log_densities_are_those_of_50_digits(mixture):
    mog = build(mixture)
    given_points = make_points(mixture, 5, inflate=3.0)
    exact = exact_density(*mixture[:2], given_points, covariances=mixture.covariances)
    bounds = log_density_bounds(*mixture[:2], given_points, covariances=mixture.covariances)
    assert (np.abs(mog.logpdf(given_points) - exact.logpdf) <= bounds.logpdf).all()


def test_densities_components_and_responsibilities_belong_together(rng):
    points = rng.normal(size=(40, 2))
    terms = TRUTH.component_logpdf(points) + np.log(TRUTH.weights)
    np.testing.assert_allclose(np.exp(terms).sum(axis=1), TRUTH.pdf(points), rtol=1e-13)
    np.testing.assert_allclose(np.exp(TRUTH.logpdf(points)), TRUTH.pdf(points), rtol=1e-13)
    shares = TRUTH.responsibilities(points)
    np.testing.assert_allclose(shares, np.exp(terms) / TRUTH.pdf(points)[:, None], rtol=1e-12)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)


def test_one_point_gives_one_number_and_rows_give_arrays():
    assert type(TRUTH.pdf([0.0, 0.0])) is float
    assert type(TRUTH.logpdf(np.zeros((1, 2)))) is float
    assert TRUTH.pdf(np.zeros((3, 2))).shape == (3,)
    assert TRUTH.component_logpdf([0, 0]).shape == TRUTH.responsibilities([0, 0]).shape == (3,)
    assert TRUTH.component_logpdf(np.zeros((1, 2))).shape == (1, 3)
    univariate = MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1.0, 1.0])
    assert type(univariate.pdf(0.5)) is float
    assert univariate.pdf([0.1, 0.2, 0.3]).shape == (3,)
    assert univariate.pdf(univariate.rvs(4, rng=1)).shape == (4,)


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
def test_no_points_give_no_values(method):
    assert getattr(TRUTH, method)(np.empty((0, 2))).shape == (0,)
    assert TRUTH.responsibilities(np.empty((0, 2))).shape == (0, 3)
    assert TRUTH.rvs(0, rng=1).shape == (0, 2)


def test_nan_is_nan_and_infinity_has_no_density():
    points = np.array([[np.nan, 0.0], [0.0, np.inf], [0.0, 0.0], [-np.inf, np.nan]])
    logpdf = TRUTH.logpdf(points)
    assert np.isnan(logpdf[[0, 3]]).all()
    assert logpdf[1] == -np.inf
    assert np.isfinite(logpdf[2])
    assert TRUTH.pdf(points)[1] == 0.0


def test_a_million_standard_deviations_away_nothing_is_lost():
    mog = MixtureOfGaussians(weights=[0.25, 0.75], mus=[0.0, 1.0], Sigmas=[1.0, 1.0])
    expected = -0.5 * (1e6 - 1.0) ** 2 - 0.5 * np.log(2 * np.pi) + np.log(0.75)
    assert mog.logpdf(1e6) == pytest.approx(expected, rel=3e-16)
    assert mog.pdf(1e6) == 0.0


@pytest.mark.parametrize("points", [[0.0, 1.0, 2.0], np.zeros((4, 3)), np.zeros((2, 2, 2)), 1.0])
def test_points_of_another_width_are_refused(points):
    with pytest.raises(InputError, match=r"^X: shape .* seen, .*2"):
        TRUTH.pdf(points)


def test_columns_of_a_table_are_matched_by_name():
    mog = MixtureOfGaussians(mus=[[0.0, 5.0]], Sigmas=[np.diag([1.0, 4.0])])
    mog.names = ("a", "b")
    table = pd.DataFrame({"b": [5.0, 6.0], "a": [0.5, 1.0]})
    np.testing.assert_array_equal(mog.pdf(table), mog.pdf([[0.5, 5.0], [1.0, 6.0]]))
    with pytest.raises(InputError, match=r"1 missing: 'b'; 1 unexpected: 'c'"):
        mog.pdf(table.rename(columns={"b": "c"}))


# Draws


def test_draws_repeat_by_seed_and_differ_between_draws():
    np.testing.assert_array_equal(TRUTH.rvs(50, rng=3), TRUTH.rvs(50, rng=3))
    generator = np.random.default_rng(3)
    assert (TRUTH.rvs(50, rng=generator) != TRUTH.rvs(50, rng=generator)).all()
    np.random.seed(5)  # noqa: NPY002
    first, second = TRUTH.rvs(50), TRUTH.rvs(50)
    assert (first != second).all()
    np.random.seed(5)  # noqa: NPY002
    np.testing.assert_array_equal(TRUTH.rvs(50), first)


def test_draws_leave_the_global_state_alone_when_rng_is_given():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    TRUTH.rvs(10, rng=1)
    assert np.random.random() == expected  # noqa: NPY002


def test_draws_do_not_depend_on_threads():
    np.testing.assert_array_equal(
        TRUTH.rvs(100_000, rng=1, threads=1), TRUTH.rvs(100_000, rng=1, threads=7)
    )


def test_draws_have_the_distribution_of_the_mixture():
    mog = MixtureOfGaussians(weights=[0.3, 0.7], mus=[-1.0, 2.0], Sigmas=[0.25, 4.0])
    sample = mog.rvs(50_000, rng=2)[:, 0]

    def cdf(x):
        return 0.3 * norm.cdf(x, -1.0, 0.5) + 0.7 * norm.cdf(x, 2.0, 2.0)

    # A fixed seed: either it always passes or the sampler is wrong, at 1 in 1e4.
    assert kstest(sample, cdf).pvalue > 1e-4


@pytest.mark.parametrize("count", [-1, 2.5, "3", True, None])
def test_what_is_no_number_of_draws(count):
    with pytest.raises(InputError, match=r"^Nsam: .*whole number >= 0"):
        TRUTH.rvs(count)


# Changes


def test_parts_are_updated_and_rows_stand_for_all_components():
    mog = TRUTH.copy()
    mog.update_params(weights=[1, 1, 2], mus=[5.0, 6.0], sigmas=[2.0, 3.0], rhos=[0.25])
    np.testing.assert_array_equal(mog.weights, [0.25, 0.25, 0.5])
    np.testing.assert_array_equal(mog.mus, [[5.0, 6.0]] * 3)
    np.testing.assert_allclose(mog.Sigmas, [[[4.0, 1.5], [1.5, 9.0]]] * 3, rtol=1e-15)
    mog.set_sigmas(TRUTH.Sigmas)
    np.testing.assert_array_equal(mog.Sigmas, TRUTH.Sigmas)
    np.testing.assert_array_equal(mog.weights, [0.25, 0.25, 0.5])
    mog.set_stdcorr([1.0, 7.0, 2.0], 1)
    assert (mog.ngauss, mog.nvars, mog.pdf(7.0)) == (1, 1, pytest.approx(norm.pdf(0) / 2))


def test_evaluation_follows_every_change():
    mog = TRUTH.copy()
    before = mog.pdf([0.0, 0.0])
    mog.update_params(mus=[100.0, 100.0])
    assert mog.pdf([0.0, 0.0]) == 0.0
    mog.set_params(TRUTH.params, 2)
    assert mog.pdf([0.0, 0.0]) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda mog: mog.update_params(weights=[1, -1, 1]),
        lambda mog: mog.update_params(mus=[1.0, 2.0, 3.0]),
        lambda mog: mog.update_params(mus=[9.0, 9.0], sigmas=[1.0, -1.0]),
        lambda mog: mog.update_params(rhos=[1.5]),
        lambda mog: mog.set_sigmas(-TRUTH.Sigmas),
        lambda mog: mog.set_sigmas(TRUTH.Sigmas[:2]),
        lambda mog: mog.set_params(np.full(18, np.nan), 2),
        lambda mog: mog.set_stdcorr(TRUTH.stdcorr[:-1], 2),
        lambda mog: mog.set_params(TRUTH.params, 2.0),
    ],
)
def test_a_change_that_fails_changes_nothing(change):
    mog = TRUTH.copy()
    with pytest.raises(InputError):
        change(mog)
    assert same(mog, TRUTH)
    assert mog.pdf([0.1, 0.2]) == TRUTH.pdf([0.1, 0.2])


def test_a_copy_is_independent():
    twin = TRUTH.copy()
    twin.update_params(mus=[0.0, 0.0])
    assert not np.array_equal(twin.mus, TRUTH.mus)


# Text


def test_repr_shows_the_components_and_never_floods():
    text = repr(TRUTH)
    assert text.startswith("MixtureOfGaussians: 3 components in 2 variables\n")
    rows = re.findall(r"w=(\S+)  mu=\[(.*)\]  sigma=\[(.*)\]", text)
    assert [float(weight) for weight, _, _ in rows] == [0.2, 0.3, 0.5]
    assert rows[1][1] == "1.5, 1"
    assert rows[2][2] == "1.414, 1"
    crowd = repr(build(make_mixture(50, 200)))
    assert "and 190 more" in crowd
    assert len(crowd) < 5000
    assert "1 component in 1 variable\n" in repr(MixtureOfGaussians(mus=[0.0], Sigmas=[1.0]))


def test_the_examples_of_the_documentation_run():
    assert doctest.testmod(mixture).failed == 0
    assert doctest.testmod(mixture).attempted > 3


def test_plain_arrays_are_what_the_oracles_take():
    assert same(build(plain(TRUTH)), TRUTH)


# What MultiMin's scripts do to a mixture


def test_dropping_a_component_leaves_vectors_that_agree():
    mog = MixtureOfGaussians(weights=[1, 1, 2], mus=[0, 1, 5], Sigmas=[1, 2, 3])
    mog.drop(-2)
    np.testing.assert_array_equal(mog.weights, [1 / 3, 2 / 3])
    np.testing.assert_array_equal(mog.mus, [[0], [5]])
    np.testing.assert_array_equal(mog.params, [1 / 3, 2 / 3, 0, 5, 1, 3])
    np.testing.assert_array_equal(mog.stdcorr[:2], mog.params[:2])
    assert mog.pdf(5.0) == pytest.approx(
        MixtureOfGaussians(weights=[1, 2], mus=[0, 5], Sigmas=[1, 3]).pdf(5.0), rel=1e-15
    )


@pytest.mark.parametrize("index", [3, -4, 0.0, True, "1", None])
def test_a_component_that_is_not_there_cannot_be_dropped(index):
    mog = MixtureOfGaussians(mus=[0, 1, 5], Sigmas=[1, 2, 3])
    with pytest.raises(InputError, match=r"^index: .* from 0 to 2"):
        mog.drop(index)
    assert mog.ngauss == 3


def test_the_only_component_stays():
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    with pytest.raises(InputError, match="only component"):
        mog.drop(0)


def test_parameters_can_be_assigned_and_are_checked():
    mog = MixtureOfGaussians(mus=[[0, 0], [1, 1]], Sigmas=[np.eye(2)] * 2)
    mog.weights = [1, 3]
    mog.mus = [[0, 1], [2, 3]]
    mog.Sigmas = [np.eye(2), 2 * np.eye(2)]
    np.testing.assert_array_equal(mog.params[:6], [0.25, 0.75, 0, 1, 2, 3])
    np.testing.assert_array_equal(mog.params[6:], [1, 0, 1, 2, 0, 2])
    before = mog.params
    with pytest.raises(InputError, match=r"^weights: "):
        mog.weights = [-1, 2]
    with pytest.raises(InputError, match=r"^Sigmas: "):
        mog.Sigmas = [np.eye(2), -np.eye(2)]
    np.testing.assert_array_equal(mog.params, before)


def test_the_likelihood_of_a_sample_sets_the_mixture():
    mog = MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1.0, 1.0])
    data = np.array([[0.1], [0.7], [-2.0]])
    vector = [0.25, 0.75, 0.0, 2.0, 1.0, 4.0]
    expected = -np.log(0.25 * norm.pdf(data) + 0.75 * norm.pdf(data, 2.0, 2.0)).sum()
    assert mog.sample_mog_likelihood(vector, data, tset="params") == pytest.approx(expected)
    np.testing.assert_array_equal(mog.params, vector)
    again = mog.sample_mog_likelihood(
        [np.log(0.25 / 0.75), np.log(3), 0.0, 2.0, 0.0, 0.0],
        data,
        scales=[1, 1, 0, 0, 2, 4],
    )
    assert again == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "^data: "),
        ({"data": [[1.0]], "tset": "other"}, "^tset: 'other' seen"),
        ({"data": [[1.0]], "scales": [1.0]}, "^scales: shape"),
        ({"data": [[1.0, 2.0]]}, "^data: "),
        ({"data": [[1.0]], "uparams": [1.0, 2.0]}, "^stdcorr: "),
    ],
)
def test_the_likelihood_of_a_sample_refuses_what_does_not_fit(arguments, message):
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    before = mog.params
    with pytest.raises(InputError, match=message):
        mog.sample_mog_likelihood(**({"uparams": [1.0, 0.0, 1.0]} | arguments))
    np.testing.assert_array_equal(mog.params, before)

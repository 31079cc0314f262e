"""`predict` and `impute`: closed forms, quadrature of the joint density, distributions of draws."""

from __future__ import annotations

import doctest
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, multivariate_normal, norm

from mogfit import DomainError, InputError, MixtureOfGaussians, mixture_density, mixture_prediction
from tests.observation_oracles import Case, loop_posteriors, posterior
from tests.observed_fits import knock_out
from tests.oracles import Mixture
from tests.strategies import make_mixture, make_points

LEAST_P_VALUE = 1e-4


def as_mog(mixture, **options):
    return MixtureOfGaussians(
        weights=mixture.weights, mus=mixture.means, Sigmas=mixture.covariances, **options
    )


MIXTURE = make_mixture(3, 4)
MOG = as_mog(MIXTURE)
POINTS = make_points(MIXTURE, 200)


# Against oracles


@pytest.mark.parametrize("free", [[0], [2], [0, 2], [1, 2]])
def test_one_gaussian_is_linear_regression(free):
    mixture = make_mixture(3, 1)
    X = make_points(mixture, 50)
    X[:, free] = np.nan
    seen = [j for j in range(3) if j not in free]
    mu, Sigma = mixture.means[0], mixture.covariances[0]
    slopes = Sigma[np.ix_(free, seen)] @ np.linalg.inv(Sigma[np.ix_(seen, seen)])
    prediction = as_mog(mixture).predict(X)
    assert list(prediction.variables) == free
    expected = mu[free] + (X[:, seen] - mu[seen]) @ slopes.T
    np.testing.assert_allclose(prediction.mean, expected, rtol=1e-12, atol=1e-12)
    left = Sigma[np.ix_(free, free)] - slopes @ Sigma[np.ix_(seen, free)]
    assert prediction.covariance.shape == (50, len(free), len(free))
    np.testing.assert_allclose(prediction.covariance, [left] * 50, rtol=1e-12, atol=1e-12)


def test_one_target_of_a_mixture_by_quadrature():
    X = POINTS[:20].copy()
    X[:, 1] = np.nan
    prediction = MOG.predict(X)
    # The trapezoid rule is as good as exact for Gaussians, once the step is half a deviation.
    grid = np.linspace(-25.0, 25.0, 2001)
    rows = np.repeat(POINTS[:20, None], len(grid), axis=1)
    rows[:, :, 1] = grid
    density = sum(w * multivariate_normal(m, S).pdf(rows) for w, m, S in zip(*MIXTURE, strict=True))
    total = density.sum(axis=1)
    mean = density @ grid / total
    variance = (density * (grid - mean[:, None]) ** 2).sum(axis=1) / total
    np.testing.assert_allclose(prediction.mean[:, 0], mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(prediction.covariance[:, 0, 0], variance, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("free", [(0, 1), (0, 2), (1, 2)])
def test_two_targets_of_a_mixture_by_quadrature(free):
    X = POINTS[:3].copy()
    X[:, free] = np.nan
    prediction = MOG.predict(X)
    assert prediction.mean.shape == (3, 2)
    assert prediction.covariance.shape == (3, 2, 2)
    axis = np.linspace(-16.0, 16.0, 321)
    first, second = (values.ravel() for values in np.meshgrid(axis, axis, indexing="ij"))
    targets = np.stack([first, second], axis=1)
    for i in range(3):
        rows = np.tile(POINTS[i], (len(first), 1))
        rows[:, free] = targets
        density = sum(
            w * multivariate_normal(m, S).pdf(rows) for w, m, S in zip(*MIXTURE, strict=True)
        )
        share = density / density.sum()
        mean = share @ targets
        covariance = (targets - mean).T @ ((targets - mean) * share[:, None])
        np.testing.assert_allclose(prediction.mean[i], mean, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(prediction.covariance[i], covariance, rtol=1e-8, atol=1e-8)


@given(
    st.integers(1, 6), st.integers(1, 5), st.integers(0, 30), st.floats(0, 1), st.integers(0, 99)
)
def test_any_pattern_is_the_conditional_of_each_row(nvars, ngauss, count, probability, seed):
    mixture = make_mixture(nvars, ngauss, seed)
    X = knock_out(make_points(mixture, count), probability, seed)
    prediction = as_mog(mixture).predict(X)
    missing = np.isnan(X)
    free = np.flatnonzero(missing.any(axis=0))
    assert list(prediction.variables) == list(free)
    case = Case(mixture, X)
    means, covariances = posterior(case, loop_posteriors(case))
    np.testing.assert_allclose(prediction.mean, means[:, free], rtol=1e-10, atol=1e-10)
    expected = covariances[:, free][:, :, free]
    np.testing.assert_allclose(prediction.covariance, expected, rtol=1e-9, atol=1e-10)
    # Exactly what was given, where it was given.
    known = ~missing[:, free]
    np.testing.assert_array_equal(prediction.mean[known], X[:, free][known])
    np.testing.assert_array_equal(prediction.covariance[known], 0.0)


def test_far_values_keep_the_right_component():
    # Densities of 1e-50000: in doubles all would be 0.
    mog = MixtureOfGaussians(
        weights=[0.5, 0.5],
        mus=[[0.0, 0.0], [1.0, 10.0]],
        Sigmas=[[[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.5], [-0.5, 1.0]]],
    )
    prediction = mog.predict([[400.0, np.nan], [-400.0, np.nan]])
    np.testing.assert_allclose(prediction.mean[:, 0], [10 - 0.5 * 399, -200.0], rtol=1e-13)
    np.testing.assert_allclose(prediction.covariance[:, 0, 0], 0.75, rtol=1e-12)


def test_nothing_given_is_the_mixture_itself():
    prediction = MOG.predict(np.full((2, 3), np.nan))
    weights, means, covariances = MIXTURE
    mean = weights @ means
    off = means - mean
    expected = np.einsum("k,kab->ab", weights, covariances + off[:, :, None] * off[:, None])
    np.testing.assert_allclose(prediction.mean, [mean] * 2, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(prediction.covariance, [expected] * 2, rtol=1e-12, atol=1e-13)


def test_nothing_missing_leaves_nothing_to_predict():
    prediction = MOG.predict(POINTS)
    assert len(prediction.variables) == 0
    assert prediction.mean.shape == (200, 0)
    assert prediction.covariance.shape == (200, 0, 0)


def test_a_row_without_its_value_is_predicted_from_the_others_alone():
    X = knock_out(POINTS, 0.4)
    whole = MOG.predict(X)
    free = np.flatnonzero(np.isnan(X).any(axis=0))
    for i in range(0, 200, 17):
        one = MOG.predict(X[i : i + 1])
        for j, variable in enumerate(one.variables):
            column = list(free).index(variable)
            assert one.mean[0, j] == pytest.approx(whole.mean[i, column], rel=1e-12)


def test_units_change_the_units_alone():
    scales = np.array([1e12, 1.0, 1e-12])
    X = knock_out(POINTS, 0.4)
    scaled = Mixture(
        MIXTURE.weights, MIXTURE.means * scales, MIXTURE.covariances * np.outer(scales, scales)
    )
    expected, seen = MOG.predict(X), as_mog(scaled).predict(X * scales)
    np.testing.assert_allclose(seen.mean / scales, expected.mean, rtol=1e-10, atol=1e-10)
    back = seen.covariance / np.outer(scales, scales)
    np.testing.assert_allclose(back, expected.covariance, rtol=1e-9, atol=1e-10)


# Imputation


def test_imputing_means_fills_with_the_prediction():
    X = knock_out(POINTS, 0.4)
    before = X.tobytes()
    filled = MOG.impute(X)
    assert X.tobytes() == before
    missing = np.isnan(X)
    np.testing.assert_array_equal(filled[~missing], X[~missing])
    prediction = MOG.predict(X)
    expected = X.copy()
    expected[:, prediction.variables] = prediction.mean
    np.testing.assert_array_equal(filled, expected)
    np.testing.assert_array_equal(MOG.impute(X, method="mean"), filled)
    assert np.isfinite(filled).all()


def test_imputing_draws_keeps_what_was_seen():
    X = knock_out(POINTS, 0.4)
    filled = MOG.impute(X, method="draw", rng=1)
    missing = np.isnan(X)
    np.testing.assert_array_equal(filled[~missing], X[~missing])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(MOG.impute(X, method="draw", rng=1), filled)
    other = MOG.impute(X, method="draw", rng=2)
    assert (other[missing] != filled[missing]).all()


def test_draws_are_repeatable_through_numpys_global_seed():
    X = knock_out(POINTS, 0.4)
    np.random.seed(4)  # noqa: NPY002
    one = MOG.impute(X, method="draw")
    two = MOG.impute(X, method="draw")
    np.random.seed(4)  # noqa: NPY002
    np.testing.assert_array_equal(MOG.impute(X, method="draw"), one)
    assert (one != two).any()


def test_draws_have_the_conditional_distribution():
    # x_0 given, x_1 and x_2 drawn: Rosenblatt's transform, first x_1 given x_0, then x_2.
    X = np.full((5000, 3), np.nan)
    X[:, 0] = POINTS[5, 0]
    drawn = MOG.impute(X, method="draw", rng=3)
    uniform = [conditional_cdf(drawn, j) for j in (1, 2)]
    for u in (*uniform, sum(uniform) % 1.0):
        assert kstest(u, "uniform").pvalue > LEAST_P_VALUE


def conditional_cdf(points, j):
    """Distribution function of x_j given all the variables before it."""
    total, below = np.zeros(len(points)), np.zeros(len(points))
    for w, mu, Sigma in zip(*MIXTURE, strict=True):
        share = w * multivariate_normal(mu[:j], Sigma[:j, :j]).pdf(points[:, :j])
        slopes = np.linalg.solve(Sigma[:j, :j], Sigma[:j, j])
        centre = mu[j] + (points[:, :j] - mu[:j]) @ slopes
        deviation = np.sqrt(Sigma[j, j] - slopes @ Sigma[:j, j])
        total += share
        below += share * norm.cdf((points[:, j] - centre) / deviation)
    return below / total


def test_filled_points_of_the_mixture_are_points_of_the_mixture():
    points = make_points(MIXTURE, 4000, 7)
    drawn = MOG.impute(knock_out(points, 0.5), method="draw", rng=5)
    weights, means, covariances = MIXTURE
    for j in range(3):
        z = (drawn[:, j, None] - means[:, j]) / np.sqrt(covariances[:, j, j])
        assert kstest(norm.cdf(z) @ weights, "uniform").pvalue > LEAST_P_VALUE
    # Means instead of draws would lose much of the spread.
    expected = np.cov(points.T)
    spread = np.sqrt(np.diagonal(expected))
    allowed = 6 * np.outer(spread, spread) / np.sqrt(4000)
    assert (abs(np.cov(drawn.T) - expected) < allowed).all()


# What comes in


@pytest.mark.parametrize("method", ["mean", "draw"])
def test_any_form_of_the_data(method):
    X = knock_out(POINTS, 0.4)
    gone = np.isnan(X)
    expected = MOG.impute(X, method=method, rng=1)
    for form in (
        np.asfortranarray(X),
        np.ma.masked_array(np.where(gone, 0.0, X), gone),
        pd.DataFrame(POINTS).astype("Float64").mask(gone).rename(columns=str),
        X.tolist(),
    ):
        np.testing.assert_array_equal(np.asarray(MOG.impute(form, method=method, rng=1)), expected)


def test_sigmas_are_the_roots_of_the_variances():
    X = knock_out(POINTS, 0.3)
    found = MOG.predict(X)
    np.testing.assert_array_equal(
        found.sigmas, [np.sqrt(np.diag(covariance)) for covariance in found.covariance]
    )
    assert found.sigmas.shape == found.mean.shape
    one = MOG.predict([POINTS[0, 0], np.nan, np.nan])
    assert one.sigmas.shape == (2,)
    boxed = as_mog(MIXTURE, domain=[(100.0, None), None, None])
    assert np.isnan(boxed.predict([[0.0, np.nan, 1.0]]).sigmas).all()
    assert len(found) == 3, "mean, covariance, variables = predict(...)"


def test_only_a_point_without_an_axis_of_rows_comes_back_without_it():
    rows, point = POINTS[:1], POINTS[0]
    assert MOG.classify(rows).shape == (1,)
    assert isinstance(MOG.classify(point), int)
    assert MOG.responsibilities(rows).shape == MOG.component_logpdf(rows).shape == (1, 4)
    assert MOG.responsibilities(point).shape == MOG.component_logpdf(point).shape == (4,)
    assert MOG.predict(rows, errors=0.1).mean.shape == (1, 3)
    assert MOG.predict(point, errors=0.1).mean.shape == (3,)
    # Densities are floats for one row of either shape, as in MultiMin.
    for X in (rows, point):
        for errors in (None, 0.1):
            assert isinstance(MOG.pdf(X, errors=errors), float)
            assert isinstance(MOG.logpdf(X, errors=errors), float)


@pytest.mark.parametrize("options", [{}, {"errors": 0.3}, {"missing": "marginal"}])
def test_labels_are_the_same_in_blocks(options, monkeypatch):
    X = knock_out(POINTS, 0.3) if "missing" in options else POINTS
    shares = MOG.responsibilities(X, **options)
    expected = MOG.classify(X, **options)
    np.testing.assert_array_equal(expected, shares.argmax(axis=1))
    assert expected.dtype == np.int64
    boxed = as_mog(MIXTURE, domain=[(X[np.isfinite(X[:, 0]), 0].min() + 1.0, None), None, None])
    with pytest.raises(DomainError) as told:
        boxed.classify(X, missing="marginal")
    for size in (1, 28, 4 * 200, 1000):
        monkeypatch.setattr(mixture_prediction, "_SHARES_AT_ONCE", size)
        np.testing.assert_array_equal(MOG.classify(X, **options), expected)
        with pytest.raises(DomainError) as again:
            boxed.classify(X, missing="marginal")
        assert str(again.value) == str(told.value)


def test_labels_take_no_array_of_all_responsibilities():
    mog = as_mog(make_mixture(1, 40))
    X = np.linspace(-3, 3, 200_000)[:, None]
    tracemalloc.start()
    labels = mog.classify(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < labels.nbytes + 2 * 8 * 2**20 + 1e6 < 8 * 40 * len(X) / 2


def test_no_rows():
    X = np.empty((0, 3))
    assert MOG.classify(X).shape == (0,)
    assert MOG.impute(X).shape == (0, 3)
    assert MOG.predict(X).mean.shape == (0, 0)


@pytest.mark.parametrize("method", ["predict", "impute"])
def test_what_cannot_be_predicted_from_is_refused(method):
    function = getattr(MOG, method)
    with pytest.raises(InputError, match=r"row 1, column 2"):
        function([[1.0, np.nan, 0.0], [1.0, np.nan, np.inf]])
    with pytest.raises(InputError, match="2"):
        function([[1.0, np.nan]])


def test_the_methods_of_imputation_are_named():
    with pytest.raises(InputError, match=r"method.*'median'.*mean.*draw"):
        MOG.impute(POINTS, method="median")


@pytest.mark.parametrize("module", [mixture_density, mixture_prediction])
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 6
    assert not result.failed

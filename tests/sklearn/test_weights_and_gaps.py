"""What theirs cannot do: weights of points, and values that are missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mogfit.sklearn import GaussianMixture
from tests.sklearn.data import TYPES, assert_same_fit, clouds, given_start

INITS = ("kmeans", "k-means++", "random", "random_from_data")


@pytest.mark.parametrize("solver", ["em", "lbfgs"])
@pytest.mark.parametrize("kind", TYPES)
def test_weights_that_are_whole_numbers_are_repetitions(kind, solver):
    X = clouds(200)
    counts = np.arange(len(X)) % 4
    arguments = {
        "covariance_type": kind, "solver": solver, "max_iter": 300, **given_start(X, kind)
    }  # fmt: skip
    weighted = GaussianMixture(3, **arguments).fit(X, sample_weight=counts)
    repeated = GaussianMixture(3, **arguments).fit(np.repeat(X, counts, axis=0))
    if solver == "lbfgs":  # rounding alone parts two descents
        weighted.n_iter_ = repeated.n_iter_
    assert_same_fit(weighted, repeated, rtol=1e-9 if solver == "em" else 1e-4)


@pytest.mark.parametrize("init_params", INITS)
def test_a_point_of_weight_zero_is_absent(init_params):
    X = clouds(200)
    X[::5] = 1e6
    weight = np.ones(len(X))
    weight[::5] = 0.0
    arguments = {"init_params": init_params, "random_state": 3}
    present = GaussianMixture(3, **arguments).fit(X, sample_weight=weight)
    absent = GaussianMixture(3, **arguments).fit(X[weight > 0])
    np.testing.assert_array_equal(present.means_, absent.means_)
    labels = GaussianMixture(3, **arguments).fit_predict(X, sample_weight=weight)
    np.testing.assert_array_equal(labels, present.predict(X))


@pytest.mark.parametrize("solver", ["em", "lbfgs"])
@pytest.mark.parametrize("init_params", INITS)
def test_only_ratios_of_weights_matter(init_params, solver):
    X = clouds(200)
    weight = np.linspace(0.1, 3.0, len(X))
    fits = [
        GaussianMixture(
            3, init_params=init_params, random_state=1, max_iter=500, solver=solver
        ).fit(X, sample_weight=scale * weight)
        for scale in (1.0, 1000.0)
    ]
    np.testing.assert_allclose(fits[0].means_, fits[1].means_, rtol=1e-6)
    assert fits[0].lower_bound_ == pytest.approx(fits[1].lower_bound_, rel=1e-9)


def _with_gaps(X, seed=0):
    rng = np.random.default_rng(seed)
    holed = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    holed[0] = np.nan
    holed[1] = X[1]
    return holed


def _covariance(mixture, k):
    d = mixture.n_features_in_
    return {
        "full": lambda c: c[k],
        "tied": lambda c: c,
        "diag": lambda c: np.diag(c[k]),
        "spherical": lambda c: c[k] * np.eye(d),
    }[mixture.covariance_type](mixture.covariances_)


def _marginal_densities(mixture, row):
    """Weight times density of the values seen, of each component, by SciPy."""
    seen = np.flatnonzero(~np.isnan(row))
    densities = np.array(mixture.weights_, float)
    for k in range(len(densities)) if len(seen) else ():
        covariance = _covariance(mixture, k)[np.ix_(seen, seen)]
        densities[k] *= multivariate_normal(mixture.means_[k, seen], covariance).pdf(row[seen])
    return densities


@pytest.mark.parametrize("kind", TYPES)
def test_missing_values_leave_exact_marginals(kind):
    X = _with_gaps(clouds(120))
    mixture = GaussianMixture(3, covariance_type=kind, random_state=0, tol=1e-6).fit(X)
    joint = np.array([_marginal_densities(mixture, row) for row in X])
    np.testing.assert_allclose(mixture.score_samples(X), np.log(joint.sum(axis=1)), atol=1e-10)
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mixture.predict_proba(X), expected, atol=1e-10)
    np.testing.assert_array_equal(mixture.predict(X), expected.argmax(axis=1))
    assert mixture.lower_bounds_ == sorted(mixture.lower_bounds_)
    assert not np.isnan(mixture.sample(20)[0]).any()


@pytest.mark.parametrize("solver", ["em", "lbfgs"])
def test_one_component_with_gaps_ends_at_the_marginal_likelihood_s_optimum(solver):
    X = _with_gaps(clouds(150, 2))
    arguments = {"reg_covar": 0.0, "tol": 1e-10, "max_iter": 3000, "solver": solver}
    mixture = GaussianMixture(1, **arguments).fit(X)

    def mean_loglik(mean, covariance):
        total = 0.0
        for row in X:
            seen = np.flatnonzero(~np.isnan(row))
            if len(seen):
                part = multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
                total += part.logpdf(row[seen])
        return total / len(X)

    mean, covariance = mixture.means_[0], mixture.covariances_[0]
    best = mean_loglik(mean, covariance)
    assert mixture.score(X) == pytest.approx(best, abs=1e-12)
    for step in (1e-3, -1e-3):
        for i in range(2):
            assert mean_loglik(mean + step * np.eye(2)[i], covariance) < best
        for i, j in ((0, 0), (1, 1), (0, 1)):
            change = np.zeros((2, 2))
            change[i, j] = change[j, i] = step
            assert mean_loglik(mean, covariance + change) < best


@pytest.mark.parametrize("init_params", INITS)
def test_every_start_takes_gaps_and_weights(init_params):
    X = _with_gaps(clouds(300))
    weight = np.linspace(0.5, 1.5, len(X))
    mixture = GaussianMixture(
        3, init_params=init_params, n_init=2, random_state=0, max_iter=500, tol=1e-5
    ).fit(X, sample_weight=weight)
    assert np.isfinite(mixture.score(X))


def test_rows_by_the_million_start_from_a_sample_of_them(monkeypatch):
    from mogfit.sklearn import starts

    assert starts.kmeans_rows(1, 1) == 5_000
    assert starts.kmeans_rows(100, 100) == 20_000
    monkeypatch.setattr(starts, "kmeans_rows", lambda *_: 150)
    X = _with_gaps(clouds(2000))
    for weight in (None, np.linspace(0.5, 1.5, len(X))):
        thinned = GaussianMixture(3, random_state=0, tol=1e-7, max_iter=2000)
        thinned.fit(X, sample_weight=weight)
        assert thinned.converged_
        assert thinned.score(X) > GaussianMixture(1).fit(X).score(X) + 0.3

"""EM beside scikit-learn's own: the same iterates, attributes, draws and words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mogfit.sklearn import GaussianMixture
from tests.sklearn.data import TYPES, assert_same_fit, clouds, given_start, pair

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("kind", TYPES)
def test_iterates_are_the_same_for_twenty_steps(kind):
    X = clouds()
    for steps in range(1, 21):
        ours, theirs = pair(covariance_type=kind, tol=0.0, max_iter=steps, **given_start(X, kind))
        assert_same_fit(ours.fit(X), theirs.fit(X))
        bounds = getattr(theirs, "lower_bounds_", ours.lower_bounds_)  # since 1.7
        np.testing.assert_allclose(ours.lower_bounds_, bounds, rtol=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_warm_starts_of_one_step_are_the_same_for_twenty_steps(kind):
    X = clouds(seed=3)
    ours, theirs = pair(
        covariance_type=kind, max_iter=1, tol=1e-6, warm_start=True, **given_start(X, kind)
    )
    for _ in range(20):
        assert_same_fit(ours.fit(X), theirs.fit(X))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("init_params", ["random", "random_from_data", "k-means++"])
def test_starts_are_drawn_as_theirs(kind, init_params):
    X = clouds(n=200)
    ours, theirs = pair(
        covariance_type=kind, init_params=init_params, max_iter=20, tol=1e-5, random_state=4
    )
    assert_same_fit(ours.fit(X), theirs.fit(X))


@pytest.mark.parametrize("kind", TYPES)
def test_a_start_by_k_means_ends_where_theirs_does(kind):
    X = clouds()
    ours, theirs = pair(covariance_type=kind, n_init=3, tol=1e-9, max_iter=1000, random_state=0)
    assert ours.fit(X).lower_bound_ == pytest.approx(theirs.fit(X).lower_bound_, rel=1e-6)


@pytest.mark.parametrize("kind", TYPES)
def test_evaluations_and_draws_are_the_same(kind):
    X = clouds()
    ours, theirs = pair(covariance_type=kind, random_state=7, **given_start(X, kind))
    ours.fit(X)
    theirs.fit(X)
    probe = clouds(seed=5)
    np.testing.assert_array_equal(ours.predict(probe), theirs.predict(probe))
    np.testing.assert_allclose(ours.predict_proba(probe), theirs.predict_proba(probe), atol=1e-10)
    np.testing.assert_allclose(ours.score_samples(probe), theirs.score_samples(probe), rtol=1e-9)
    for criterion in ("score", "aic", "bic"):
        assert getattr(ours, criterion)(probe) == pytest.approx(
            getattr(theirs, criterion)(probe), rel=1e-10
        )
    drawn, labels = ours.sample(50)
    expected, expected_labels = theirs.sample(50)
    np.testing.assert_array_equal(labels, expected_labels)
    np.testing.assert_allclose(drawn, expected, rtol=1e-7)
    np.testing.assert_array_equal(ours.fit_predict(X), ours.predict(X))


def test_given_parts_of_a_start_go_with_drawn_ones():
    X = clouds()
    start = given_start(X, "full")
    for name, value in start.items():
        ours, theirs = pair(init_params="random", random_state=0, max_iter=3, **{name: value})
        assert_same_fit(ours.fit(X), theirs.fit(X))


def test_without_iterations_the_last_start_is_kept():
    X = clouds()
    ours, theirs = pair(init_params="random", random_state=0, max_iter=0, n_init=3)
    np.testing.assert_allclose(ours.fit(X).means_, theirs.fit(X).means_, rtol=1e-9)
    assert (ours.lower_bound_, ours.lower_bounds_) == (-np.inf, [])


def test_bounds_can_be_rounded_by_their_own_method():
    mixture, _ = pair(random_state=0, warm_start=True, covariance_type="diag")
    for _ in range(2):
        mixture.fit(clouds())
        assert mixture.lower_bound_.round(3) == mixture.lower_bounds_[-1].round(3)
        assert isinstance(mixture.converged_, bool)  # and no number of NumPy's


def test_verbose_fits_print_the_same_lines(capsys):
    X = clouds()
    start = given_start(X, "full")
    printed = []
    for verbose in (1, 2):
        for estimator in pair(n_init=2, verbose=verbose, verbose_interval=2, **start):
            estimator.fit(X)
            printed.append(re.sub(r"lapse \d+\.\d+", "lapse", capsys.readouterr().out))
    if "converged: True" in printed[1]:
        pytest.skip("an older scikit-learn ends its starts with other words")
    assert printed[0] == printed[1]
    assert "  Iteration 2\n" in printed[0]
    assert printed[2] == printed[3]
    assert "ll change" in printed[2]


def test_a_verbose_fit_is_the_silent_one(capsys):
    X = clouds()
    start = given_start(X, "diag")
    loud, silent = (
        GaussianMixture(3, covariance_type="diag", verbose=verbose, **start).fit(X)
        for verbose in (1, 0)
    )
    np.testing.assert_array_equal(loud.means_, silent.means_)
    assert loud.lower_bounds_ == silent.lower_bounds_
    assert capsys.readouterr().out.endswith("Initialization converged.\n")


def test_single_precision_comes_back_in_single_precision():
    X = clouds().astype(np.float32)
    mixture = GaussianMixture(3, random_state=0).fit(X)
    assert mixture.means_.dtype == mixture.precisions_cholesky_.dtype == np.float32
    assert mixture.score_samples(X).dtype == mixture.predict_proba(X).dtype == np.float32
    # The sums are double all the same.
    double = GaussianMixture(3, random_state=0).fit(X.astype(float))
    np.testing.assert_allclose(mixture.means_, double.means_, rtol=1e-6)


def test_points_in_one_place_keep_the_variance_that_theirs_keep():
    X = np.vstack([np.full((5, 2), 3.0), clouds(40, 2)])
    start = {
        "weights_init": [0.1, 0.9],
        "means_init": [[3.0, 3.0], X[5:].mean(axis=0)],
        "precisions_init": [[1e6, 1e6], [1.0, 1.0]],
    }
    ours, theirs = pair(2, covariance_type="diag", reg_covar=0.0, max_iter=2, **start)
    assert_same_fit(ours.fit(X), theirs.fit(X), rtol=0.5)
    assert ours.covariances_[0].max() < 1e-12

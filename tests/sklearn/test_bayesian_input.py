"""What BayesianGaussianMixture refuses, and what it makes of data that lack something."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn.mixture

from mogfit import DegenerateError
from mogfit.errors import MoGError
from mogfit.sklearn import BayesianGaussianMixture
from tests.sklearn.data import TYPES, some_points
from tests.sklearn.test_bayesian_mixture import FITTED

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mean_prior": [0.0, 1.0]}, r"'means' should have the shape of \(3,\), but got \(2,\)"),
        ({"mean_prior": [0.0, np.nan, 1.0]}, "NaN"),
        ({"degrees_of_freedom_prior": 2.0}, "should be greater than 2, but got 2.000"),
        ({"covariance_prior": np.eye(2)}, r"shape of \(3, 3\), but got \(2, 2\)"),
        ({"covariance_prior": 1.0}, r"shape of \(3, 3\), but got \(\)"),
        ({"covariance_prior": -np.eye(3)}, "symmetric, positive-definite"),
        ({"covariance_prior": np.triu(np.ones((3, 3)))}, "symmetric, positive-definite"),
        ({"covariance_type": "tied", "covariance_prior": np.zeros((3, 3))}, "positive-definite"),
        (
            {"covariance_type": "diag", "covariance_prior": np.eye(3)},
            r"shape of \(3,\), but got \(3, 3\)",
        ),
        ({"covariance_type": "diag", "covariance_prior": [1.0, 0.0, 1.0]}, "be positive"),
        ({"covariance_type": "spherical", "covariance_prior": [1.0]}, "a number > 0"),
        ({"weight_concentration_prior": 0.0}, "weight_concentration_prior"),
        ({"weight_concentration_prior_type": "process"}, "weight_concentration_prior_type"),
        ({"mean_precision_prior": -1.0}, "mean_precision_prior"),
        ({"covariance_type": "tied_diag"}, "covariance_type"),
        ({"n_components": 121}, "n_samples >= n_components"),
    ],
)
def test_what_cannot_be_used_is_refused(wrong, message, rng):
    model = BayesianGaussianMixture(**wrong)
    with pytest.raises(ValueError, match=message):
        model.fit(some_points(rng))
    assert not hasattr(model, "means_")


def test_collinear_columns_need_a_ridge_or_a_prior(rng):
    points = some_points(rng)[:, [0, 0, 1]]
    with pytest.raises(DegenerateError, match=r"ill-defined empirical covariance.*has collapsed"):
        BayesianGaussianMixture(2, reg_covar=0.0, random_state=0).fit(points)
    model = BayesianGaussianMixture(2, random_state=0).fit(points)
    assert np.isfinite(model.lower_bound_)
    # The default prior is singular, and so no distribution.
    assert np.isnan(model.evidence_lower_bound_)
    proper = BayesianGaussianMixture(2, covariance_prior=np.eye(3), random_state=0).fit(points)
    assert np.isfinite(proper.evidence_lower_bound_)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_components_that_empty_survive_a_column_that_does_not_vary(covariance_type, rng):
    points = some_points(rng)
    points[:, 1] = 7.3
    for data in (points, np.full((20, 2), 3.0)):
        settings = {
            "n_components": 8,
            "covariance_type": covariance_type,
            "weight_concentration_prior": 1e-5,
            "max_iter": 200,
            "init_params": "random",
            "random_state": 0,
        }
        ours = BayesianGaussianMixture(**settings).fit(data)
        theirs = sklearn.mixture.BayesianGaussianMixture(**settings).fit(data)
        assert ours.score(data) == pytest.approx(theirs.score(data), abs=0.01)


@pytest.mark.parametrize("max_iter", [0, 5])
def test_points_in_one_place_without_a_ridge_have_collapsed(max_iter):
    model = BayesianGaussianMixture(
        3, covariance_type="spherical", init_params="random", reg_covar=0.0, max_iter=max_iter
    )
    with pytest.raises(DegenerateError):
        model.fit(np.full((4, 2), 0.0))


def test_a_failed_fit_leaves_an_estimator_as_it_was(rng):
    points = some_points(rng)
    model = BayesianGaussianMixture(2, reg_covar=0.0, random_state=0).fit(points)
    before = {name: getattr(model, name) for name in (*FITTED, "evidence_lower_bound_")}
    with pytest.raises(MoGError):
        model.fit(points[:, [0, 0, 1]])
    for name, value in before.items():
        assert getattr(model, name) is value


def test_nothing_warns_of_numbers(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for covariance_type in TYPES:
            BayesianGaussianMixture(
                8, covariance_type=covariance_type, max_iter=2000, tol=0.1, random_state=0
            ).fit(1e6 + 1e-3 * some_points(rng))

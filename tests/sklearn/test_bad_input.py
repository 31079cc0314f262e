"""What cannot be fitted is refused, in words that say where and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

import mogfit
from mogfit.sklearn import GaussianMixture
from tests.sklearn.data import clouds


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_components": 0},
        {"n_components": 2.5},
        {"tol": -1.0},
        {"reg_covar": -1.0},
        {"max_iter": -1},
        {"n_init": 0},
        {"init_params": "bad"},
        {"covariance_type": "tied_diag"},
        {"solver": "sgd"},
        {"missing": "drop"},
        {"random_state": "seed"},
        {"verbose_interval": 0},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_arguments_are_checked_as_theirs_are(arguments):
    with pytest.raises(InvalidParameterError, match=next(iter(arguments))):
        GaussianMixture(**arguments).fit(clouds())


def test_infinite_values_are_placed():
    frame = pd.DataFrame(clouds(), columns=["x", "y", "z"])
    frame.loc[7, "y"] = -np.inf
    frame.loc[3, "z"] = np.nan
    message = r"X: 1 of 1800 values is infinite.*row 7, column 1 \('y'\): -inf"
    with pytest.raises(mogfit.InputError, match=message):
        GaussianMixture(2).fit(frame)
    mixture = GaussianMixture(2, random_state=0).fit(clouds())
    for method in (mixture.predict, mixture.predict_proba, mixture.score_samples):
        with pytest.raises(mogfit.InputError, match="infinite"):
            method([[1.0, np.inf, 2.0]])


def test_missing_values_are_refused_where_that_is_asked_for():
    X = clouds()
    mixture = GaussianMixture(2, missing="error", random_state=0).fit(X)
    X[4, 2] = np.nan
    for method in (mixture.fit, mixture.predict, mixture.score_samples):
        with pytest.raises(mogfit.InputError, match=r"NaN, first at row 4, column 2.*marginal"):
            method(X)


def test_a_column_without_values_is_refused():
    X = clouds()
    X[:, 1] = np.nan
    with pytest.raises(mogfit.InputError, match="1 of 3 columns have no value, first column 1"):
        GaussianMixture(2).fit(X)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), "sample_weight"),
        (np.full(600, -1.0), "row 0"),
        (np.zeros(600), "all are 0|at least one non-zero"),
        (np.full(600, np.nan), "NaN"),
        (np.full(600, np.inf), "infinity"),
        (np.ones((600, 1)), "1D"),
    ],
)
def test_weights_that_cannot_be_used(weight, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2).fit(clouds(), sample_weight=weight)


def test_fewer_points_than_components():
    X = clouds()[:5]
    with pytest.raises(mogfit.InputError, match="Expected n_samples >= n_components"):
        GaussianMixture(6).fit(X)
    with pytest.raises(mogfit.InputError, match="n_samples = 2 of positive weight"):
        GaussianMixture(3).fit(X, sample_weight=[1, 0, 1, 0, 0])


def test_collapsed_points_are_told_of_in_their_words():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    for solver in ("em", "lbfgs"):
        mixture = GaussianMixture(2, reg_covar=0.0, random_state=0, solver=solver)
        with pytest.raises(mogfit.DegenerateError, match=r"ill-defined empirical cov.*component"):
            mixture.fit(X)
        mixture.set_params(reg_covar=1e-6).fit(X)


def test_more_components_than_distinct_points_are_fitted_as_theirs_are():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    mixture = GaussianMixture(3, random_state=0).fit(X)
    assert mixture.predict(X).max() <= 2
    assert np.isfinite(mixture.score(X))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights_init", [0.5, 0.5], r"weights.*shape of \(3,\)"),
        ("weights_init", [0.5, 0.7, -0.2], r"max value 0.70000, min value -0.20000"),
        ("weights_init", [0.5, 0.5, 0.5], r"normalized, but got sum\(weights\) = 1.50000"),
        ("means_init", np.zeros((3, 2)), r"means.*shape of \(3, 3\)"),
        ("means_init", np.full((3, 3), np.nan), "NaN"),
        ("precisions_init", np.ones((3, 3)), r"full precision.*shape of \(3, 3, 3\)"),
        ("precisions_init", -np.ones((3, 3, 3)), "symmetric, positive-definite"),
        ("precisions_init", np.triu(np.ones((3, 3, 3))), "symmetric, positive-definite"),
    ],
)
def test_starts_that_cannot_be_used(name, value, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(3, **{name: value}).fit(clouds())


def test_draws_are_one_or_more():
    mixture = GaussianMixture(2, random_state=0).fit(clouds())
    for number in (0, -3):
        with pytest.raises(mogfit.InputError, match="Invalid value for 'n_samples'"):
            mixture.sample(number)


def test_a_warm_start_needs_the_same_size():
    X = clouds()
    mixture = GaussianMixture(2, warm_start=True, random_state=0).fit(X)
    with pytest.raises(mogfit.InputError, match=r"means_: shape \(2, 3\) seen, shape \(3, 3\)"):
        mixture.set_params(n_components=3).fit(X)
    with pytest.raises(mogfit.InputError, match="warm_start"):
        mixture.set_params(n_components=2).fit(X[:, :2])

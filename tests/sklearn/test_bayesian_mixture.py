"""BayesianGaussianMixture beside scikit-learn's, and what it can do beyond."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn.mixture
from sklearn.base import clone

from mogfit import InputError
from mogfit.inference.evidence import evidence_lower_bound
from mogfit.inference.variational_posterior import Posterior, Prior
from mogfit.sklearn import BayesianGaussianMixture
from tests.sklearn.data import TYPES, some_points

PRIOR_TYPES = ("dirichlet_process", "dirichlet_distribution")
FITTED = (
    "weights_",
    "means_",
    "covariances_",
    "precisions_",
    "precisions_cholesky_",
    "mean_precision_",
    "degrees_of_freedom_",
    "weight_concentration_",
    "weight_concentration_prior_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
    "lower_bound_",
    "lower_bounds_",
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def given_priors(covariance_type, rng, nvars=3):
    root = rng.normal(size=(nvars, nvars + 2))
    matrix = root @ root.T
    return {
        "weight_concentration_prior": 0.3,
        "mean_precision_prior": 2.5,
        "mean_prior": rng.normal(size=nvars),
        "degrees_of_freedom_prior": nvars + 1.7,
        "covariance_prior": {
            "full": matrix,
            "tied": matrix,
            "diag": matrix.diagonal(),
            "spherical": float(matrix[0, 0]),
        }[covariance_type],
    }


@pytest.mark.parametrize("given", [False, True], ids=["default", "given"])
@pytest.mark.parametrize("prior_type", PRIOR_TYPES)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_iterations_are_those_of_scikit_learn(covariance_type, prior_type, given, rng):
    points = some_points(rng)
    settings = {
        "n_components": 5,
        "covariance_type": covariance_type,
        "weight_concentration_prior_type": prior_type,
        # Both draw the same responsibilities.
        "init_params": "random",
        "random_state": 3,
        "tol": 0.0,
        "reg_covar": 1e-2 if given else 1e-6,
        **(given_priors(covariance_type, rng) if given else {}),
    }
    for max_iter in (0, 1, 2, 20):
        ours = BayesianGaussianMixture(**settings, max_iter=max_iter).fit(points)
        theirs = sklearn.mixture.BayesianGaussianMixture(**settings, max_iter=max_iter).fit(points)
        for name in FITTED:
            if name == "lower_bounds_" and not hasattr(theirs, name):
                continue  # before 1.7
            found, expected = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
            if "bound" in name:
                # Theirs of "tied" is an array of length 1.
                expected = expected.reshape(found.shape)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8, err_msg=name)
        assert ours.n_iter_ == theirs.n_iter_
    elsewhere = some_points(rng, 50)
    np.testing.assert_allclose(
        ours.score_samples(elsewhere), theirs.score_samples(elsewhere), rtol=1e-8
    )
    np.testing.assert_allclose(
        ours.predict_proba(elsewhere), theirs.predict_proba(elsewhere), atol=1e-8
    )
    np.testing.assert_array_equal(ours.predict(elsewhere), theirs.predict(elsewhere))
    for mine, other in zip(ours.sample(30), theirs.sample(30), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)


@pytest.mark.parametrize("prior_type", PRIOR_TYPES)
def test_types_of_covariance_are_restrictions_of_the_full_one(prior_type, rng):
    # scikit-learn tests this through private methods; max_iter=0 shows the first update.
    points = some_points(rng)

    def first(covariance_type):
        model = BayesianGaussianMixture(
            5,
            covariance_type=covariance_type,
            weight_concentration_prior_type=prior_type,
            init_params="random",
            random_state=0,
            max_iter=0,
        ).fit(points)
        scale = np.asarray(model.degrees_of_freedom_)
        shape = scale.shape + (1,) * (model.covariances_.ndim - scale.ndim)
        return model.covariances_ * scale.reshape(shape)

    full = first("full")
    np.testing.assert_allclose(first("tied"), full.mean(axis=0), rtol=1e-12)
    diagonals = np.einsum("kii->ki", full)
    np.testing.assert_allclose(first("diag"), diagonals, rtol=1e-12)
    np.testing.assert_allclose(first("spherical"), diagonals.mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("prior_type", PRIOR_TYPES)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_weights_count_points(covariance_type, prior_type, rng):
    points = some_points(rng)
    settings = {
        "covariance_type": covariance_type,
        "weight_concentration_prior_type": prior_type,
        "reg_covar": 1e-3,
        "random_state": 0,
    }
    weight = rng.integers(0, 4, len(points))
    repeated = np.repeat(points, weight, axis=0)
    for sample_weight, twin in (
        (weight, repeated),
        (np.full(120, 3), np.repeat(points, 3, axis=0)),
    ):
        ours = BayesianGaussianMixture(**settings).fit(points, sample_weight=sample_weight)
        expected = BayesianGaussianMixture(**settings).fit(twin)
        for name in FITTED:
            np.testing.assert_allclose(getattr(ours, name), getattr(expected, name), rtol=1e-9)
        assert ours.evidence_lower_bound_ == pytest.approx(expected.evidence_lower_bound_)
    # From the same start, with several components too.
    ours = BayesianGaussianMixture(3, init_params="random", **settings, max_iter=0).fit(points)
    twin = clone(ours).set_params(warm_start=True).fit(repeated)
    ours.set_params(warm_start=True, max_iter=30)
    twin.set_params(warm_start=True, max_iter=30)
    for name in ("weight_concentration_", "mean_precision_", "means_", "degrees_of_freedom_"):
        setattr(twin, name, getattr(ours, name))
    twin.covariances_, twin.precisions_cholesky_ = ours.covariances_, ours.precisions_cholesky_
    ours.fit(points, sample_weight=weight)
    twin.fit(repeated)
    np.testing.assert_allclose(ours.covariances_, twin.covariances_, rtol=1e-8)
    np.testing.assert_allclose(ours.lower_bounds_, twin.lower_bounds_, rtol=1e-10)


def test_weights_that_sum_to_no_more_than_a_point_need_a_prior(rng):
    points = some_points(rng)
    tiny = np.full(len(points), 1e-3)
    with pytest.raises(InputError, match=r"sum to 0.12; they count points.*give the prior"):
        BayesianGaussianMixture().fit(points, sample_weight=tiny)
    model = BayesianGaussianMixture(covariance_prior=np.eye(3), mean_prior=np.zeros(3))
    model.fit(points, sample_weight=tiny)
    # Less than one point moves the prior only a little.
    np.testing.assert_allclose(model.mean_precision_, 1.12)


def test_weights_are_not_asked_for_where_priors_are_given(rng):
    points = some_points(rng)
    model = BayesianGaussianMixture(mean_prior=np.ones(3), covariance_prior=np.eye(3)).fit(points)
    np.testing.assert_array_equal(model.mean_prior_, np.ones(3))
    np.testing.assert_array_equal(model.covariance_prior_, np.eye(3))


# Missing values.


@pytest.mark.parametrize("prior_type", PRIOR_TYPES)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_missing_values_use_what_was_seen(covariance_type, prior_type, rng):
    points = some_points(rng, 400)
    holes = points.copy()
    holes[rng.random(points.shape) < 0.15] = np.nan
    settings = {
        "n_components": 4,
        "covariance_type": covariance_type,
        "weight_concentration_prior_type": prior_type,
        "max_iter": 300,
        "random_state": 0,
    }
    whole = BayesianGaussianMixture(**settings).fit(points)
    partial = BayesianGaussianMixture(**settings).fit(holes)
    assert partial.converged_
    # Close to what all values say, and far closer than one standard deviation of the data.
    assert abs(partial.score(points) - whole.score(points)) < 0.15
    assert np.isfinite(partial.evidence_lower_bound_)
    # The score of a row is the marginal's.
    row = points[:1].copy()
    row[0, 1] = np.nan
    grid = np.linspace(-60, 60, 24001)
    filled = np.repeat(row, len(grid), axis=0)
    filled[:, 1] = grid
    marginal = np.log(np.exp(partial.score_samples(filled)).sum() * (grid[1] - grid[0]))
    assert partial.score_samples(row)[0] == pytest.approx(marginal, abs=1e-6)
    assert (partial.predict(holes) == partial.predict(points)).mean() > 0.85
    strict = BayesianGaussianMixture(**settings, missing="error")
    with pytest.raises(InputError, match="NaN"):
        strict.fit(holes)


def test_a_few_missing_values_change_a_fit_by_a_little(rng):
    points = some_points(rng, 400)
    settings = {"n_components": 3, "max_iter": 50, "tol": 0.0, "warm_start": True}
    base = BayesianGaussianMixture(**settings, random_state=0).fit(points)
    holes = points.copy()
    holes[7, 1] = np.nan
    with_hole = pickle.loads(pickle.dumps(base)).fit(holes)
    whole = pickle.loads(pickle.dumps(base)).fit(points)
    apart = np.abs(with_hole.means_ - whole.means_).max()
    assert 0.0 < apart < 0.05


def test_default_priors_of_incomplete_data_are_those_of_what_was_seen(rng):
    points = some_points(rng, 300)
    points[rng.random(300) < 0.3, 1] = np.nan
    model = BayesianGaussianMixture(covariance_type="diag").fit(points)
    np.testing.assert_allclose(model.mean_prior_, np.nanmean(points, axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.covariance_prior_, np.nanvar(points, axis=0), rtol=5e-3)


# Pruning and the evidence.


@pytest.mark.parametrize("prior_type", PRIOR_TYPES)
def test_components_that_are_not_needed_are_emptied(prior_type, rng):
    points = np.concatenate([rng.normal(size=(150, 2)) + 9.0 * i for i in range(3)])
    model = BayesianGaussianMixture(
        10,
        weight_concentration_prior_type=prior_type,
        weight_concentration_prior=1e-3,
        max_iter=1000,
        random_state=0,
    ).fit(points)
    assert model.converged_
    assert model.n_effective_components_ == 3
    assert set(model.predict(points)) == set(np.argsort(model.weights_)[-3:])
    np.testing.assert_allclose(np.sort(model.weights_)[-3:], 1 / 3, atol=0.01)
    np.testing.assert_allclose(np.sort(model.weights_)[:-3], 0.0, atol=0.01)


def test_the_evidence_is_that_of_the_posterior_and_chooses_among_models(rng):
    points = some_points(rng, 300)
    found = {}
    for covariance_type in TYPES:
        model = BayesianGaussianMixture(
            4, covariance_type=covariance_type, max_iter=300, random_state=0
        ).fit(points)
        found[covariance_type] = model.evidence_lower_bound_
        prior = Prior(
            covariance_type,
            True,
            model.weight_concentration_prior_,
            model.mean_prior_,
            model.mean_precision_prior_,
            model.degrees_of_freedom_prior_,
            np.asarray(model.covariance_prior_),
        )
        posterior = Posterior(
            prior,
            model.weight_concentration_,
            model.mean_precision_,
            model.means_,
            np.asarray(model.degrees_of_freedom_),
            model.covariances_,
        )
        assert model.evidence_lower_bound_ == pytest.approx(
            evidence_lower_bound(posterior, points), rel=1e-12
        )
    # The points have three full covariances.
    assert max(found, key=found.get) == "full"


def test_every_iteration_raises_the_evidence_of_full_covariances(rng):
    points = some_points(rng, 200)
    model = BayesianGaussianMixture(
        5, reg_covar=0.0, max_iter=1, tol=0.0, warm_start=True, random_state=0
    )
    evidence = [model.fit(points).evidence_lower_bound_ for _ in range(40)]
    # Rounding of a sum of 200 terms near 10.
    assert np.diff(evidence).min() > -1e-9
    reported = [model.fit(points).lower_bound_ for _ in range(10)]
    assert np.diff(reported).min() > -1e-9


# An estimator's life.


def test_a_fit_in_steps_is_a_fit_at_once(rng):
    points = some_points(rng)
    settings = {"n_components": 4, "tol": 0.0, "random_state": 0}
    once = BayesianGaussianMixture(**settings, max_iter=30).fit(points)
    steps = BayesianGaussianMixture(**settings, max_iter=1, warm_start=True)
    for _ in range(30):
        steps.fit(points)
    for name in set(FITTED) - {"lower_bounds_"}:
        np.testing.assert_allclose(getattr(steps, name), getattr(once, name), rtol=1e-9, atol=1e-12)


def test_it_ends_where_the_bound_does_and_says_so(rng, capsys):
    points = some_points(rng)
    model = BayesianGaussianMixture(4, random_state=0, max_iter=500).fit(points)
    assert model.converged_
    assert model.n_iter_ == len(model.lower_bounds_)
    changes = np.abs(np.diff(model.lower_bounds_))
    assert changes[-1] < model.tol
    assert (changes[:-1] >= model.tol).all()
    assert model.lower_bound_ == model.lower_bounds_[-1]
    assert capsys.readouterr().out == ""
    model.set_params(verbose=2, verbose_interval=1, max_iter=3)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="did not converge"):
        model.fit(points)
    told = capsys.readouterr().out
    assert told.count("Iteration") == 3


def test_the_best_of_several_starts_is_kept(rng):
    points = some_points(rng)
    one, *others = (
        BayesianGaussianMixture(6, n_init=n, random_state=0, init_params="random", tol=0.01)
        for n in (1, 5)
    )
    assert others[0].fit(points).lower_bound_ >= one.fit(points).lower_bound_


def test_copies_and_pickles_say_the_same(rng):
    points = some_points(rng)
    model = BayesianGaussianMixture(3, random_state=0).fit(points)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score_samples(points), model.score_samples(points))
    np.testing.assert_array_equal(clone(model).fit(points).means_, model.means_)
    assert again.n_effective_components_ == model.n_effective_components_
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(model, "_prior")


def test_priors_are_numbers_of_their_own(rng):
    for covariance_type in TYPES:
        model = BayesianGaussianMixture(covariance_type=covariance_type).fit(some_points(rng))
        if covariance_type != "spherical":
            assert model.covariance_prior_.flags.writeable
        assert isinstance(model.lower_bound_.round(3), np.float64)


def test_single_precision_is_kept_outside(rng):
    points = some_points(rng).astype(np.float32)
    model = BayesianGaussianMixture(3, random_state=0).fit(points)
    double = BayesianGaussianMixture(3, random_state=0).fit(points.astype(float))
    for name in ("weights_", "means_", "covariances_", "mean_precision_", "precisions_"):
        assert getattr(model, name).dtype == np.float32
        # The fits are the same; results are rounded, and precisions made of what was rounded.
        np.testing.assert_allclose(getattr(model, name), getattr(double, name), rtol=1e-5)
    assert model.lower_bound_ == pytest.approx(double.lower_bound_, rel=1e-6)

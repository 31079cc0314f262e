"""solver="lbfgs": on from the same starts to a true optimum."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mogfit.sklearn import GaussianMixture
from tests.sklearn.data import PARAMETERS, TYPES, clouds, given_start


@pytest.mark.parametrize("kind", TYPES)
def test_a_step_of_em_does_not_move_the_optimum(kind):
    X = clouds()
    mixture = GaussianMixture(
        3, covariance_type=kind, reg_covar=0.0, solver="lbfgs", max_iter=500, **given_start(X, kind)
    ).fit(X)
    assert mixture.converged_
    before = {name: getattr(mixture, name).copy() for name in PARAMETERS}
    mixture.set_params(solver="em", warm_start=True, tol=1e-6).fit(X)
    assert mixture.converged_
    assert mixture.n_iter_ == 1
    for name, value in before.items():
        np.testing.assert_allclose(getattr(mixture, name), value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
def test_it_ends_no_lower_than_em_does(kind, init_params):
    X = clouds()
    arguments = {"covariance_type": kind, "init_params": init_params, "random_state": 5}
    climbed = GaussianMixture(3, solver="lbfgs", n_init=4, max_iter=1000, **arguments).fit(X)
    em = GaussianMixture(3, n_init=4, **arguments).fit(X)
    assert climbed.converged_
    assert climbed.score(X) >= em.score(X) - 1e-6
    # The bound is the mean log-likelihood, less what reg_covar takes.
    assert climbed.lower_bound_ == pytest.approx(climbed.score(X), abs=1e-4)
    assert climbed.lower_bounds_[-1] == climbed.lower_bound_
    assert len(climbed.lower_bounds_) == climbed.n_iter_


def _penalised(mixture, X):
    """Mean log-likelihood less what reg_covar takes, for full covariances."""
    traces = np.trace(mixture.precisions_, axis1=1, axis2=2)
    return mixture.score(X) - 0.5 * mixture.reg_covar * mixture.weights_ @ traces


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
def test_from_one_start_it_ends_no_lower_than_em_does(init_params):
    # More components than there are clouds: many optima, and a descent of its own takes others.
    for seed in range(12):
        X = clouds(60, 3, seed)
        climbed, em = (
            GaussianMixture(
                5, solver=solver, init_params=init_params, random_state=seed, reg_covar=1e-3
            ).fit(X)
            for solver in ("lbfgs", "em")
        )
        assert _penalised(climbed, X) >= _penalised(em, X) - 1e-9


def test_the_bound_is_that_of_the_fit_where_steps_of_em_end_at_the_optimum():
    X = clouds(60)
    mixture = GaussianMixture(solver="lbfgs", reg_covar=0.1).fit(X)
    assert mixture.converged_
    assert mixture.lower_bound_ == pytest.approx(_penalised(mixture, X), rel=1e-12)
    assert len(mixture.lower_bounds_) == mixture.n_iter_


def test_reg_covar_is_a_penalty_on_precisions():
    X = clouds()
    fits = [
        GaussianMixture(3, solver="lbfgs", reg_covar=r, random_state=0, max_iter=500).fit(X)
        for r in (0.0, 0.5)
    ]
    free, held = (np.linalg.eigvalsh(fit.covariances_).min() for fit in fits)
    assert held > max(free, 0.5)
    mixture = fits[1]
    assert mixture.lower_bound_ == pytest.approx(_penalised(mixture, X), rel=1e-9)


def test_the_limit_of_iterations_holds_and_is_told():
    X = clouds()
    for limit in (3, 9):
        mixture = GaussianMixture(3, solver="lbfgs", max_iter=limit, random_state=0)
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            mixture.fit(X)
        assert mixture.n_iter_ == limit
        assert not mixture.converged_
    untouched = GaussianMixture(3, solver="lbfgs", max_iter=0, random_state=0).fit(X)
    assert untouched.n_iter_ == 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_goes_on_from_where_the_last_fit_ended():
    X = clouds()
    mixture = GaussianMixture(3, solver="lbfgs", max_iter=9, warm_start=True, random_state=0)
    bounds = [mixture.fit(X).lower_bound_ for _ in range(60)]
    assert np.diff(bounds).min() > -1e-12  # rounding
    assert mixture.converged_
    at_once = GaussianMixture(3, solver="lbfgs", max_iter=500, random_state=0).fit(X)
    assert mixture.lower_bound_ == pytest.approx(at_once.lower_bound_, abs=1e-8)


def test_progress_is_told(capsys):
    X = clouds()
    GaussianMixture(3, solver="lbfgs", max_iter=500, random_state=0, verbose=2).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization 0"
    assert lines[1].startswith("  Iteration 10\t time lapse")
    assert lines[-1].startswith("Initialization converged.")

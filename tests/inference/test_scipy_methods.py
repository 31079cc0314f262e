"""scipy's methods: names, options, and what happens when a gradient is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import ConvergenceWarning, DtypeError, InputError
from mogfit.errors import DegenerateError
from mogfit.inference.likelihood import Likelihood
from tests.fitting import START, fit, state


@pytest.mark.parametrize("spelling", ["bfgs", "BFGS", "Bfgs"])
def test_names_are_known_in_any_case(spelling):
    assert fit(method=spelling).report.method == "BFGS"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "LBFGS",
            r"method: 'LBFGS' seen; allowed: 'L-BFGS', 'EM', 'BFGS'.* mean 'L-BFGS'",
        ),
        ("trust-exact", "did you mean 'trust-constr'"),
        (3, "method: 3 seen; allowed: 'L-BFGS', 'EM'"),
        (min, "method: <built-in function min> seen"),
    ],
)
def test_other_names_are_refused_with_a_proposal(method, message):
    with pytest.raises(InputError, match=message):
        fit(method=method)


def test_options_reach_scipy():
    with pytest.warns(ConvergenceWarning):
        F = fit(start=START, method="CG", options={"maxiter": 2})
    assert F.report.iterations == 2


@pytest.mark.parametrize(
    ("method", "options", "error", "message"),
    [
        ("BFGS", {"nonsense": 3}, InputError, "options: Unknown solver options: nonsense; allowed"),
        (
            "L-BFGS",
            {"gtol": 1e-3},
            InputError,
            "options: 'gtol' seen; allowed: 'maxiter'",
        ),
        ("L-BFGS", {"maxiter": 0}, InputError, r"options\['maxiter'\]: 0 .int. seen"),
        ("L-BFGS", {"maxiter": 2.5}, InputError, r"options\['maxiter'\]: 2.5 .float. seen"),
        ("L-BFGS", {"maxcor": True}, InputError, r"options\['maxcor'\]: True .bool. seen"),
        ("L-BFGS", 3, DtypeError, r"options: 3 .int. seen; allowed: a mapping"),
    ],
)
def test_no_option_is_swallowed(method, options, error, message):
    with pytest.raises(error, match=message):
        fit(method=method, options=options)


@pytest.mark.parametrize("method", ["Powell", "Nelder-Mead", "COBYLA"])
def test_methods_without_gradients_go_down_and_are_judged_like_the_others(method):
    before = -START.logpdf(fit().data).mean()
    with pytest.warns(ConvergenceWarning):
        F = fit(start=START, method=method, options={"maxiter": 60})
    assert F.report.neg_loglik_per_point < before
    assert not F.report.converged
    assert F.report.gradient_norm > 1e-6


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG"])
def test_a_wrong_gradient_is_never_reported_as_convergence(method, monkeypatch):
    sound = Likelihood.whitened_objective

    def wrong(self, coordinates, theta):
        value, gradient, loglik = sound(self, coordinates, theta)
        if np.any(theta):
            gradient = gradient.copy()
            gradient[0] = -gradient[0] + 0.1
        return value, gradient, loglik

    monkeypatch.setattr(Likelihood, "whitened_objective", wrong)
    with pytest.warns(ConvergenceWarning, match="largest gradient entry"):
        F = fit(start=START, method=method, options={"maxiter": 50})
    assert not F.report.converged
    assert np.isfinite(F.report.neg_loglik)
    # The best point that was seen is kept: never worse than the start.
    assert F.report.neg_loglik_per_point <= -START.logpdf(F.data).mean()


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG"])
def test_trial_points_without_a_mixture_are_stepped_over(method, monkeypatch):
    """A line search that jumps to where covariances overflow must come back."""
    sound = Likelihood.whitened_objective
    thrown = []

    def brittle(self, coordinates, theta):
        if np.abs(theta).max() > 0.2:
            thrown.append(theta)
            raise DegenerateError("beyond the edge")
        return sound(self, coordinates, theta)

    monkeypatch.setattr(Likelihood, "whitened_objective", brittle)
    F = fit(start=START, method=method)
    assert thrown
    assert F.report.neg_loglik_per_point < -START.logpdf(F.data).mean()


def test_an_error_inside_scipy_leaves_the_fit_as_it_was(monkeypatch):
    F = fit()
    before = state(F)
    monkeypatch.setattr(Likelihood, "whitened_objective", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        F.fit_data(method="BFGS")
    assert state(F) == before

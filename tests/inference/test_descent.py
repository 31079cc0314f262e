"""Optima: what a finished fit must satisfy, and the descents that get there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mogfit import ConvergenceWarning, FitMoG, MixtureOfGaussians
from mogfit.inference.descent import finish
from mogfit.inference.scipy_methods import SCIPY_METHODS
from tests.fitting import POINTS, START, fit, parameters, plain
from tests.oracles import numpy_em_step

GRADIENT_METHODS = [
    "L-BFGS",
    "EM",
    "BFGS",
    "CG",
    "L-BFGS-B",
    "Newton-CG",
    "SLSQP",
    "TNC",
    "trust-constr",
]


@pytest.fixture(scope="module")
def optimum():
    return fit(tol=1e-10)


@pytest.mark.parametrize("method", GRADIENT_METHODS)
def test_every_method_reaches_the_same_optimum_from_the_same_start(method):
    tight = fit(start=START, tol=1e-10)
    F = fit(start=START, method=method)
    assert F.report.converged, F.report
    assert F.report.method == method
    assert F.report.gradient_norm <= 1e-5
    assert F.report.em_gain < 1e-3
    # A gradient of 1e-6 in a metric near the curvature: 1e-12 in the objective, and more where the
    # components overlap and the curvature is small.
    assert F.report.neg_loglik_per_point == pytest.approx(
        tight.report.neg_loglik_per_point, abs=1e-8
    )
    np.testing.assert_allclose(parameters(F.mog), parameters(tight.mog), atol=3e-3)


def test_an_em_step_does_not_move_an_optimum(optimum):
    after = numpy_em_step(
        plain(optimum.mog), POINTS, penalty=1e-9, reference=np.cov(POINTS.T, bias=True)
    )
    # EM moves by the whitened gradient, 1e-10, times the scale of a parameter.
    np.testing.assert_allclose(after.weights, optimum.mog.weights, atol=1e-9)
    np.testing.assert_allclose(after.means, optimum.mog.mus, atol=1e-9)
    np.testing.assert_allclose(after.covariances, optimum.mog.Sigmas, atol=1e-9)


@pytest.mark.parametrize("size", [1e-4, 1e-3, 1e-2, 0.1])
def test_no_random_step_from_an_optimum_raises_the_likelihood(optimum, size, rng):
    best = optimum.log_l()
    mog = optimum.mog
    other = FitMoG(POINTS, 3)
    for _ in range(50):
        trial = mog.copy()
        trial.update_params(
            weights=mog.weights * np.exp(size * rng.normal(size=3)),
            mus=mog.mus + size * rng.normal(size=(3, 2)),
            sigmas=mog.sigmas * np.exp(size * rng.normal(size=(3, 2))),
            rhos=np.tanh(np.arctanh(mog.rhos) + size * rng.normal(size=(3, 1))),
        )
        other.set_initial_params(from_mog=trial)
        # The penalty moves the optimum of the likelihood by some 1e-9 a component.
        assert other.log_l() > best - 3000 * 1e-10


def test_a_restart_from_an_optimum_stays(optimum):
    F = fit(start=optimum.mog, tol=1e-10)
    np.testing.assert_allclose(F.mog.params, optimum.mog.params, atol=1e-8)
    assert F.report.iterations <= 2


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
def test_tol_is_the_largest_gradient_entry(tol):
    F = fit(start=START, tol=tol)
    assert F.report.converged
    assert F.report.gradient_norm <= tol
    assert f"<= {tol:.0e}" in F.report.reason


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS", "CG", "L-BFGS-B", "Nelder-Mead"])
def test_an_early_end_is_told_and_the_best_parameters_are_kept(method):
    F = FitMoG(POINTS, 3)
    F.set_initial_params(from_mog=START)
    before = F.log_l()
    with pytest.warns(ConvergenceWarning, match=r"not at an optimum after \d+ .*gradient entry"):
        F.fit_data(method=method, options={"maxiter": 3})
    assert not F.report.converged
    assert not F.solution.success
    assert F.solution.status == 1
    assert "limit" in F.report.reason.lower() or "maximum" in F.report.reason.lower()
    assert F.report.gradient_norm > 1e-6
    assert F.log_l() < before
    assert F.log_l() == pytest.approx(F.report.neg_loglik, rel=1e-12)
    F.fit_data()
    assert F.report.converged


@pytest.mark.parametrize("far", [3.0, 10.0, 30.0, 1e3, 1e8])
@pytest.mark.filterwarnings("ignore::mogfit.DataWarning", "ignore::mogfit.DegeneracyWarning")
def test_wild_starts_converge(far, rng):
    for _ in range(20):
        F = FitMoG(POINTS, 3)
        F.set_initial_params(
            mus=far * rng.normal(size=(3, 2)),
            sigmas=np.exp(rng.normal(size=(3, 2))),
            rhos=rng.uniform(-0.9, 0.9, (3, 1)),
        )
        F.fit_data()
        assert F.report.converged, F.report
        assert F.mog.weights.min() * len(POINTS) > 0.5
        assert F.report.neg_loglik_per_point < 3.4


def test_more_components_never_fit_worse_from_split_starts():
    F = fit(ngauss=2)
    mog = F.mog
    split = MixtureOfGaussians(
        weights=[mog.weights[0] / 2, mog.weights[0] / 2, mog.weights[1]],
        mus=mog.mus[[0, 0, 1]] + np.array([[0.3, 0], [-0.3, 0], [0, 0]]),
        Sigmas=mog.Sigmas[[0, 0, 1]],
    )
    assert fit(start=split).report.neg_loglik < F.report.neg_loglik


def test_scipys_methods_are_all_known_to_scipy():
    from scipy.optimize import minimize

    for method in SCIPY_METHODS:
        if method == "COBYQA" and "cobyqa" not in (minimize.__doc__ or "").lower():
            continue  # scipy before 1.14
        found = minimize(lambda x: x @ x, np.ones(1), method=method, tol=1e-3, jac=_jac(method))
        assert abs(found.x[0]) < 0.1


def _jac(method):
    return (lambda x: 2 * x) if method in GRADIENT_METHODS else None


class Stretches:
    """A likelihood whose descents go as they are told, and then as the last of them for ever."""

    total = 100.0

    def __init__(self, *stretches):
        self.stretches, self.taken = stretches, 0

    def descend(self, mixture, tolerance, **options):
        objective, gradient, passes = self.stretches[min(self.taken, len(self.stretches) - 1)]
        self.taken += 1
        return SimpleNamespace(
            mixture=mixture,
            objective=objective,
            loglik=-objective,
            gradient_norm=gradient,
            em_gain=1e-9,
            iterations=200,
            passes=passes,
            ending="iteration limit",
        )

    def points_held(self, mixture):
        return np.full(1, 100.0)


@pytest.mark.parametrize(
    ("stretches", "taken"),
    [
        # Neither the objective nor the gradient falls any further.
        ([(2.0, 3e-6, 300.0)], 2),
        ([(2.1, 3e-5, 300.0), (2.0, 2e-6, 300.0), (2.0 - 1e-14, 3e-6, 300.0)], 3),
        # The gradient still does.
        ([(2.0, 4e-5, 300.0), (2.0, 1e-5, 300.0), (2.0, 4e-6, 300.0)], 4),
    ],
)
def test_a_descent_that_gets_no_further_ends(stretches, taken):
    likelihood = Stretches(*stretches)
    outcome = finish(likelihood, None, max_iterations=20_000)
    assert likelihood.taken == taken
    assert outcome.iterations == 200 * taken
    assert outcome.converged
    assert "as low as rounding lets the line search go" in outcome.reason


def test_one_that_gets_no_further_far_from_an_optimum_has_not_converged():
    outcome = finish(Stretches((2.0, 1e-3, 300.0)), None, max_iterations=20_000)
    assert outcome.iterations == 400
    assert not outcome.converged
    assert outcome.reason.startswith("the line search found no lower point")


def test_line_searches_that_gain_next_to_nothing_end_without_an_optimum():
    # A gain counts in nats: of 100 points, the third gains enough, the fourth does not.
    stretches = [(2.0, 3e-6, 4000.0), (1.9, 3e-6, 300.0), (1.8, 3e-6, 4000.0)]
    likelihood = Stretches(*stretches, (1.8 - 1e-6, 3e-6, 4000.0))
    outcome = finish(likelihood, None, max_iterations=20_000)
    assert likelihood.taken == 4
    assert not outcome.converged
    assert outcome.reason.startswith("the line searches find hardly any lower points, largest")


def test_one_that_still_descends_goes_on_to_the_limit():
    stretches = [(2.0 - 1e-9 * k, 3e-6, 300.0) for k in range(10)]
    outcome = finish(Stretches(*stretches), None, max_iterations=2000)
    assert outcome.iterations == 2000
    assert outcome.reason.startswith("iteration limit 2000 reached")

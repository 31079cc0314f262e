"""`FitMoG`: starts, vectors, likelihoods, results, and cases with known answers."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

import mogfit
from mogfit import DataWarning, DtypeError, FitMoG, InputError, MixtureOfGaussians
from tests.fitting import POINTS, START, TRUTH, draw_points, fit, parameters, plain, state
from tests.oracles import log_terms

TUTORIAL = Path(__file__).parent.parent / "benchmarks" / "data"


def neg_loglik_per_point(mog, points):
    return -logsumexp(log_terms(plain(mog), points), axis=1).mean()


# Construction and starts


def test_a_new_fit_holds_the_default_vectors():
    F = FitMoG(POINTS, ngauss=2)
    assert (F.ngauss, F.nvars, F.Ndim, F.Ncorr, F.extrap) == (2, 2, 4, 1, [])
    np.testing.assert_allclose(F.minparams, [0.5] * 2 + [0.5] * 4 + [1] * 4 + [1.5] * 2)
    assert F.solution is None
    assert F.report is None
    assert FitMoG(nvars=3).extrap == [1]
    assert FitMoG().nvars == 2
    assert FitMoG(POINTS[:, 0]).nvars == 1


def test_initial_likelihood_is_that_of_the_default_vectors():
    F = FitMoG(POINTS, ngauss=2)
    assert F.norm_log_l() == pytest.approx(neg_loglik_per_point(F.mog, POINTS), rel=1e-13)
    assert F.log_l() == pytest.approx(len(POINTS) * F.norm_log_l(), rel=1e-15)
    part = POINTS[:100]
    assert F.norm_log_l(part) == pytest.approx(neg_loglik_per_point(F.mog, part), rel=1e-13)


def test_scales_and_vectors_follow_their_layout():
    F = FitMoG(POINTS, ngauss=2)
    sigmax = F.scales[6]
    assert sigmax >= 10
    np.testing.assert_array_equal(F.scales, [1, 1, 0, 0, 0, 0] + [sigmax] * 4 + [2, 2])
    np.testing.assert_allclose(F.pmap(F.minparams), F.mog.stdcorr)
    wide = FitMoG(1e4 * POINTS, ngauss=1)
    assert (wide.scales[2:4] >= 10 * (1e4 * POINTS).std(axis=0).max()).all()
    wide.fit_data()
    assert np.isfinite(wide.uparams).all()


def test_initial_parameters_are_set_whole_in_rows_or_from_a_mixture():
    F = FitMoG(POINTS, ngauss=3)
    F.set_initial_params(mus=TRUTH.mus, sigmas=[2.0, 3.0], rhos=[0.1])
    np.testing.assert_array_equal(F.mog.mus, TRUTH.mus)
    np.testing.assert_allclose(F.mog.sigmas, [[2.0, 3.0]] * 3, rtol=1e-15)
    np.testing.assert_allclose(F.mog.rhos, [[0.1]] * 3, rtol=1e-15)
    F.set_initial_params(from_mog=TRUTH, mus=[7.0, 8.0])
    np.testing.assert_array_equal(F.mog.weights, TRUTH.weights)
    np.testing.assert_array_equal(F.mog.mus, [[7.0, 8.0]] * 3)
    np.testing.assert_array_equal(F.mog.Sigmas, TRUTH.Sigmas)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"mus": [1.0, 2.0, 3.0]},
            InputError,
            r"mus: shape \(3,\) seen, shape \(3, 2\), or one row",
        ),
        ({"sigmas": [0.0, 1.0]}, InputError, "sigmas: 3 of 6 values are not positive"),
        ({"rhos": [2.0]}, InputError, "rhos: 3 of 3 values are outside"),
        (
            {"from_mog": MixtureOfGaussians(2, 2)},
            InputError,
            r"from_mog: shape \(2, 2\) seen, shape",
        ),
        ({"from_mog": [1, 2]}, DtypeError, r"from_mog: \[1, 2\] .list. seen; allowed: a Mixture"),
        ({"mus": ["a", "b"]}, DtypeError, "mus: dtype <U1 seen"),
    ],
)
def test_initial_parameters_that_cannot_be_change_nothing(arguments, error, message):
    F = FitMoG(POINTS, ngauss=3)
    before = state(F)
    with pytest.raises(error, match=message):
        F.set_initial_params(**arguments)
    assert state(F) == before
    F.fit_data(random_state=1)  # still by its own search
    np.testing.assert_array_equal(F.mog.params, fit().mog.params)


def test_set_params_goes_back_to_the_search():
    F = FitMoG(POINTS, ngauss=3)
    F.set_initial_params(from_mog=START)
    F.set_params(mu=1.0, sigma=2.0, rho=0.0)
    np.testing.assert_array_equal(F.mog.mus, np.ones((3, 2)))
    F.fit_data(random_state=1)
    assert len(F.report.starts) > 1
    with pytest.raises(DtypeError, match="mu: dtype <U1"):
        F.set_params(mu="a")
    with pytest.raises(InputError, match="sigmas: 6 of 6 values are not positive"):
        F.set_params(sigma=-1.0)


def test_identical_starting_components_are_moved_apart_and_told():
    F = FitMoG(POINTS, ngauss=3)
    F.set_initial_params(mus=[0.5, 0.5], sigmas=[1.0, 1.0], rhos=[0.0])
    with pytest.warns(DataWarning, match="starting components 0, 1, 2 are identical"):
        F.fit_data()
    assert F.report.converged
    assert F.report.neg_loglik_per_point < fit(ngauss=1).report.neg_loglik_per_point - 0.1


def test_a_further_fit_continues_from_the_last_optimum():
    F = fit(options={"maxiter": 100})
    first = F.report
    F.fit_data()
    assert F.report.starts == ()
    assert F.report.passes < 10 < first.passes
    assert F.report.neg_loglik_per_point == pytest.approx(first.neg_loglik_per_point, abs=1e-11)
    F.fit_data(n_starts=2, random_state=0)
    assert len(F.report.starts) == 2


# Results


def test_solution_is_the_result_in_scipys_form():
    F = fit()
    assert F.solution.success
    assert F.solution.fun == F.report.neg_loglik
    assert F.solution.fun == pytest.approx(F.log_l(), rel=1e-13)
    assert F.solution.fun == pytest.approx(3000 * neg_loglik_per_point(F.mog, POINTS), rel=1e-13)
    np.testing.assert_array_equal(F.solution.x, F.uparams)
    assert F.solution.message == F.report.reason
    assert F.solution.nit == F.report.iterations


def test_the_report_counts_and_reads():
    F = fit()
    report = F.report
    assert (report.ngauss, report.nvars, report.n_points, report.n_parameters) == (3, 2, 3000, 17)
    assert report.converged
    assert report.gradient_norm <= 1e-6
    assert report.em_gain < 1e-3
    assert report.total_weight == 3000.0
    assert report.neg_loglik == pytest.approx(3000 * report.neg_loglik_per_point, rel=1e-15)
    assert [start.chosen for start in report.starts] == [True] + [False] * (len(report.starts) - 1)
    assert report.starts[0].neg_loglik_per_point == report.neg_loglik_per_point
    parts = report.seconds_core + report.seconds_optimizer + report.seconds_python
    assert parts == pytest.approx(report.seconds_total, rel=1e-9)
    text = str(report)
    for word in ("L-BFGS converged", f"{report.neg_loglik_per_point:.6f}", "17 parameters", "3000"):
        assert word in text
    assert text in repr(F)
    assert "not fitted yet" in repr(FitMoG(POINTS, 2))


def test_components_come_in_decreasing_order_of_weight():
    for seed in range(5):
        assert (np.diff(fit(random_state=seed).mog.weights) <= 0).all()


def test_data_given_to_the_fit_replace_those_of_the_object():
    F = FitMoG(draw_points(200, seed=5), ngauss=2)
    F.fit_data(POINTS, random_state=1)
    assert F.data.shape == POINTS.shape
    np.testing.assert_array_equal(F.mog.params, fit(ngauss=2).mog.params)


def test_verbose_prints_the_report_and_silence_is_the_default(capsys):
    fit()
    assert capsys.readouterr() == ("", "")
    F = fit(verbose=1)
    assert capsys.readouterr().out == f"{F.report}\n"


def test_the_example_of_the_documentation_runs():
    results = doctest.testmod(mogfit.fit)
    assert results.failed == 0
    assert results.attempted > 3


# Known answers


@pytest.mark.parametrize("nvars", [1, 2, 5])
def test_one_component_is_the_mean_and_the_covariance(nvars, rng):
    points = rng.normal(size=(500, nvars)) @ rng.normal(size=(nvars, nvars)) + 10.0
    F = fit(points, 1)
    covariance = np.cov(points.T, bias=True).reshape(nvars, nvars)
    np.testing.assert_allclose(F.mog.mus[0], points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(F.mog.Sigmas[0], covariance, rtol=1e-12, atol=1e-13)
    expected = 0.5 * (nvars * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + nvars)
    assert F.report.neg_loglik_per_point == pytest.approx(expected, rel=1e-13)


# Two components in the tutorial's mixtures. Optima by scikit-learn (GaussianMixture, reg_covar=0,
# tol=1e-14, from the truth), as benchmarks/data/README.md has them too; initial values by scipy.
@pytest.mark.parametrize(
    ("name", "initial", "optimum"),
    [
        ("tutorial_1d", 2.314051214618813, 1.637365323),
        ("tutorial_3d", 11.38238738090843, 4.913489302),
    ],
)
@pytest.mark.parametrize("method", ["L-BFGS", "EM", "L-BFGS-B"])
def test_the_tutorials_mixtures_are_recovered(name, initial, optimum, method):
    points = np.load(TUTORIAL / f"{name}.npy")
    F = FitMoG(points, ngauss=2)
    assert F.norm_log_l() == pytest.approx(initial, rel=1e-13)
    F.fit_data(method=method, random_state=1)
    assert F.report.converged
    assert F.norm_log_l() == pytest.approx(optimum, abs=1e-9)


def test_the_asteroids_best_optimum_is_found():
    points = mogfit.datasets.load_asteroids("q,e,i").data
    best = min(fit(points, 5, random_state=s).report.neg_loglik_per_point for s in (0, 1))
    assert best == pytest.approx(2.80786, abs=1e-5)
    assert fit(points, 1).report.neg_loglik_per_point == pytest.approx(3.302872, abs=1e-6)


def test_the_truth_is_recovered_within_its_standard_errors():
    F = fit(draw_points(100_000, seed=3))
    order = np.argsort(-TRUTH.weights)
    # Overlapping components: some 10 times the 1 / sqrt(N) of a lone one.
    np.testing.assert_allclose(F.mog.weights, TRUTH.weights[order], atol=0.03)
    np.testing.assert_allclose(F.mog.mus, TRUTH.mus[order], atol=0.1)
    np.testing.assert_allclose(F.mog.sigmas, TRUTH.sigmas[order], atol=0.1)
    assert parameters(F.mog).shape == (18,)

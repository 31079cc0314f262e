"""`FitFunctionMoG`: its modes, where it starts, what bounds it, and what it warns of."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import (
    ConvergenceWarning,
    DataWarning,
    DegeneracyWarning,
    InputError,
)
from tests.functions import F, X, bumps_in_the_plane, fitted, loss_of, three_bumps

# -- modes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_blind_fits_reach_what_seeded_ones_reach(seed):
    case = three_bumps(seed)
    best = fitted((case.x, case.F), 3).report
    assert best.converged
    for mode in ("noisy", "noisy_multimodal"):
        other = fitted((case.x, case.F), 3, mode=mode).report
        assert best.loss <= other.loss * (1 + 1e-8) + 1e-24, mode


def test_components_at_peaks_have_their_means_there():
    fit = fitted(ngauss=7, mode="multimodal")
    assert fit.ngauss == fit.mog.ngauss == 2
    peaks = X[1:-1][(F[1:-1] > F[:-2]) & (F[1:-1] > F[2:])]
    assert np.sort(fit.mog.mus[:, 0]) == pytest.approx(peaks, abs=1e-9)
    assert len(fit.uparams) == 6
    free = fitted()
    assert free.report.loss < fit.report.loss < 0.02


def test_the_number_of_strict_peaks_in_noise(rng):
    noisy = F + 0.03 * rng.standard_normal(200)
    fit = fitted((X, noisy), 5, mode="noisy_multimodal")
    assert fit.ngauss == 2
    assert np.sort(fit.mog.mus[:, 0]) == pytest.approx([3, 6], abs=0.3)
    assert abs(fit.mog.mus - X).min(axis=1) == pytest.approx([0, 0], abs=1e-9)


def test_noisy_fits_have_as_many_components_as_asked_for(rng):
    noisy = F + 0.03 * rng.standard_normal(200)
    for ngauss in (1, 2, 4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegeneracyWarning)
            fit = fitted((X, noisy), ngauss, mode="noisy")
        assert fit.ngauss == ngauss
    assert fit.report.R2 > 0.99


def test_without_peaks_the_modes_search_freely():
    slope = np.exp(-X / 3)
    for mode in ("multimodal", "noisy", "noisy_multimodal"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = fitted((X, slope), 2, mode=mode)
        assert fit.ngauss == 2
        assert fit.report.R2 > 0.999999
    assert "no peaks" in fit.report.reason


def test_too_many_peaks_are_refused(rng):
    with pytest.raises(InputError, match=r"peaks found, at most maxgauss=50 allowed; use a noisy"):
        fitted((X, rng.uniform(0.5, 1, 200)), mode="multimodal")


def test_noisy_modes_are_for_one_variable():
    (A, B), G, _, _ = bumps_in_the_plane(0)
    with pytest.raises(InputError, match="noisy modes are for one variable"):
        fitted(((A, B), G), 2, mode="noisy")


def test_adaptive_fits_find_the_number():
    fit = fitted(ngauss=9, mode="adaptive", atol=0.999999)
    assert fit.ngauss == 2
    assert "R2 >= 0.999999" in fit.report.reason
    case = three_bumps(1)
    fit = fitted((case.x, case.F), mode="adaptive", rtol=1e-3)
    assert fit.ngauss >= 3
    assert "mean gain of R2 below 0.001" in fit.report.reason
    assert (fit.mog.weights >= 0.01).all()
    # neither tolerance is needed
    assert fitted((case.x, case.F), mode="adaptive").report.R2 >= 0.99
    limited = fitted((case.x, case.F), mode="adaptive", atol=1.0, maxgauss=2)
    assert limited.ngauss == 2
    assert "maxgauss=2 reached" in limited.report.reason


def test_adaptive_fits_drop_light_components():
    case = three_bumps(0)
    whole = fitted((case.x, case.F), mode="adaptive", atol=1 - 1e-9)
    assert whole.ngauss == 3
    between = whole.mog.weights[1:].mean()
    heavy = fitted((case.x, case.F), mode="adaptive", atol=1 - 1e-9, wtol=between)
    assert heavy.ngauss == 2
    assert heavy.report.converged


# -- starts, bounds and methods ------------------------------------------------------------------


def test_a_second_fit_goes_on_from_the_first():
    fit = fitted()
    before = fit.mog.mus.copy()
    fit.fit_data()
    assert fit.report.starts == 0
    assert fit.mog.mus == pytest.approx(before, abs=1e-13)


def test_default_parameters_are_no_start():
    fit = fitted()
    fit.set_params()
    fit.fit_data()
    assert fit.report.starts > 0
    assert fit.mog.mus[:, 0] == pytest.approx([3, 6], abs=1e-9)


def test_given_starts_are_taken():
    mus, sigmas = [[3.2], [6.3]], [[0.5], [0.8]]
    fit = mn.FitFunctionMoG((X, F), 2)
    fit.set_initial_params(mus=mus, sigmas=sigmas)
    fit.fit_data()
    assert fit.report.starts == 0
    assert fit.mog.mus[:, 0] == pytest.approx([3, 6], abs=1e-9)


def test_components_that_start_alike_are_told_apart():
    fit = mn.FitFunctionMoG((X, F), 2)
    fit.set_initial_params(mus=[4.0], sigmas=[1.0])
    with pytest.warns(
        DataWarning, match="1 of the 2 starting components cannot be told from others"
    ):
        fit.fit_data()
    assert pytest.approx(1, abs=1e-12) == fit.report.R2


def test_components_that_start_where_values_are_negative_are_searched_for():
    fit = mn.FitFunctionMoG((X, F - 0.2 * np.exp(-((X - 9) ** 2))), 2)
    fit.set_initial_params(mus=[[3.0], [9.5]], sigmas=[0.5])
    with pytest.warns(DataWarning, match="1 of the 2 starting components"):
        fit.fit_data()
    assert np.sort(fit.mog.mus[:, 0]) == pytest.approx([3, 6], abs=0.05)


def test_one_value_above_zero_is_enough(rng):
    spike = np.where(np.arange(200) == 40, 0.3, -0.2 - 0.1 * rng.random(200))
    spike[60:] = 0.0
    for values in (spike, np.where(np.arange(200) == 3, 5.0, -1.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = fitted((X, values), 2)
        assert np.isfinite(fit.normalization)
        assert np.isfinite(fit.mog.mus).all()
        assert loss_of(fit) < (values**2).sum()


def test_bounds_are_honoured():
    fit = mn.FitFunctionMoG((X, F), 2)
    pairs = fit.set_bounds(boundw=(0.45, 0.55), bounds=(0.75, 0.9), boundsm=[(3.1, 5.5)])
    assert len(pairs) == 6
    assert fit.bounds == pairs
    fit.fit_data()
    assert fit.report.converged
    assert fit.report.method == "L-BFGS-B"
    assert (fit.mog.weights >= 0.45 - 1e-9).all()
    assert (fit.mog.weights <= 0.55 + 1e-9).all()
    assert (fit.mog.sigmas >= 0.75 - 1e-9).all()
    assert (fit.mog.sigmas <= 0.9 + 1e-9).all()
    assert (fit.mog.mus >= 3.1 - 1e-9).all()
    assert (fit.mog.mus <= 5.5 + 1e-9).all()
    bounded = fit.report.loss
    # no point of the box beside it is better
    for change in ({"mus": fit.mog.mus + 0.01}, {"sigmas": np.clip(fit.mog.sigmas + 0.01, 0, 0.9)}):
        mog = fit.mog.copy()
        mog.update_params(**change)
        p = np.clip(mog.mus, 3.1, 5.5)
        mog.update_params(mus=p)
        density = mog.pdf(X)
        c = F @ density / (density @ density)
        assert ((F - c * density) ** 2).sum() / F.max() ** 2 >= bounded * (1 - 1e-6)
    # wide ones change nothing, and those of a call count for it alone
    free = fitted()
    wide = mn.FitFunctionMoG((X, F), 2)
    pairs = wide.set_bounds()
    wide.bounds = None
    wide.fit_data(bounds=pairs)
    assert wide.mog.mus == pytest.approx(free.mog.mus, abs=1e-5)
    assert wide.bounds is None


def test_bounds_in_the_plane():
    (A, B), G, _, _ = bumps_in_the_plane(1, 2)
    fit = mn.FitFunctionMoG(((A, B), G), 2)
    fit.set_bounds(boundr=(-0.1, 0.1))
    fit.fit_data()
    assert (abs(fit.mog.rhos) <= 0.1 + 1e-9).all()
    assert fit.report.converged


def test_bounds_with_fixed_means():
    fit = mn.FitFunctionMoG((X, F), 2)
    fit.set_bounds(bounds=(0.1, 0.8))
    fit.fit_data(mode="multimodal")
    assert abs(fit.mog.mus - X).min(axis=1) == pytest.approx([0, 0], abs=1e-9)
    assert (fit.mog.sigmas <= 0.8 + 1e-9).all()


def test_bounds_for_another_number_of_components_are_refused():
    fit = mn.FitFunctionMoG((X, F), 3)
    fit.set_bounds(bounds=(0.1, 1))
    with pytest.raises(InputError, match="9 pairs seen, 6 expected"):
        fit.fit_data(mode="multimodal")
    with pytest.raises(InputError, match="adaptive mode changes the number"):
        fit.fit_data(mode="adaptive")


@pytest.mark.parametrize("method", ["L-BFGS-B", "powell", "BFGS", "LM"])
def test_methods_end_at_the_same_optimum(method):
    case = three_bumps(3)
    fit = fitted((case.x, case.F), 3, method=method)
    best = fitted((case.x, case.F), 3)
    assert fit.report.loss == pytest.approx(best.report.loss, rel=1e-6)
    assert fit.report.converged
    assert fit.minargs["method"].lower() == method.lower()


def test_limits_on_iterations_are_told():
    fit = mn.FitFunctionMoG((X, (abs(X - 5) < 2) * 1.0), 2)
    fit.set_initial_params(mus=[[3.0], [7.0]], sigmas=[0.3])
    with pytest.warns(ConvergenceWarning, match="limit of 1 iterations"):
        fit.fit_data(options={"maxiter": 1})
    assert not fit.solution.success
    assert fit.solution.status == 1


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"mode": "lsqq"}, "mode: 'lsqq' seen; allowed: 'lsq', .*did you mean 'lsq'"),
        ({"mode": None}, "mode: None seen"),
        ({"method": "LBFGS"}, "method: 'LBFGS' seen; allowed: 'LM'"),
        ({"jac": True}, "keyword 'jac' is not taken; derivatives are exact already"),
        ({"callback": print}, "'callback' is not taken; use advance="),
        ({"whatever": 1}, "'whatever' is not taken; of scipy.optimize.minimize: method, tol"),
        ({"options": {"ftol": 1}}, "options: 'ftol' seen; allowed: 'maxiter'"),
        ({"options": {"maxiter": 0}}, r"options\['maxiter'\]: 0"),
        ({"method": "BFGS", "options": {"ftol": 1}}, "options: .*ftol"),
        ({"tol": -1}, "tol: -1"),
        ({"atol": 2}, "atol: 2"),
        ({"wtol": 1}, "wtol: 1"),
        ({"maxgauss": 0}, "maxgauss: 0"),
        ({"verbose": "yes"}, "verbose: 'yes'"),
        ({"advance": -1}, "advance: -1"),
        ({"threads": 0}, "threads: 0"),
        ({"bounds": [(0, 1)]}, "1 pair seen, 6 expected"),
        ({"method": "Powell", "bounds": [(None, None)] * 6}, "'Powell' does not take bounds"),
    ],
)
def test_arguments_that_cannot_be_used(keywords, message):
    fit = mn.FitFunctionMoG((X, F), 2)
    with pytest.raises(InputError, match=message):
        fit.fit_data(**keywords)
    assert fit.report is None
    assert fit.normalization is None


@pytest.mark.parametrize("ngauss", [0, 1.5, True])
def test_counts_that_are_none(ngauss):
    with pytest.raises(InputError, match="ngauss"):
        mn.FitFunctionMoG((X, F), ngauss)


# -- warnings ------------------------------------------------------------------------------------


def test_components_that_fit_nothing_are_named():
    with pytest.warns(DegeneracyWarning, match="component 2 ended without weight"):
        fit = fitted(ngauss=3)
    assert fit.report.empty_components == (2,)
    assert fit.report.R2 == 1.0


def test_components_far_outside_are_named():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = fitted((X, np.exp(-X)), 1)
    assert any("outside the mesh that tails alone" in str(w.message) for w in caught)
    assert fit.report.outside_components == (0,)
    assert fit.report.R2 > 0.999999


def test_components_below_the_mesh_are_named():
    with pytest.warns(DegeneracyWarning, match="component 0 ended as narrow as the distance"):
        fit = fitted((X, (np.arange(200) == 77) * 1.0), 1)
    assert fit.report.narrow_components == (0,)
    assert fit.mog.mus[0, 0] == pytest.approx(X[77], abs=0.03)


def test_more_parameters_than_values_are_told():
    with pytest.warns(DataWarning, match="6 parameters for 4 values"):
        fitted(([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 2.5]), 2)

"""`FitFunctionMoG`: what it takes, what it finds, and what it says of itself."""

from __future__ import annotations

import copy
import pickle
import time
import warnings

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import (
    ConvergenceWarning,
    DataWarning,
    DegeneracyWarning,
    InputError,
    NotFittedError,
)
from mogfit.parameters import unbound_to_bound
from tests.functions import bumps_in_the_plane, three_bumps

X = np.linspace(0, 10, 200)
F = 2 * np.exp(-0.5 * ((X - 3) / 0.7) ** 2) + np.exp(-0.5 * (X - 6) ** 2)


def fitted(data=(X, F), ngauss=2, given=None, **keywords):
    fit = mn.FitFunctionMoG(data, ngauss, **(given or {}))
    fit.fit_data(**keywords)
    return fit


def loss_of(fit):
    """The sum of the squared residuals, computed here."""
    s = 1.0 if fit.weights is None else fit.weights
    return (s * (fit.F - fit.normalization * fit.mog.pdf(fit.X)) ** 2).sum()


def test_a_sum_of_gaussians_is_found_again():
    fit = fitted()
    assert fit.mog.mus[:, 0] == pytest.approx([3, 6], abs=1e-12)
    assert fit.mog.sigmas[:, 0] == pytest.approx([0.7, 1], abs=1e-12)
    assert fit.normalization * fit.mog.pdf(X) == pytest.approx(F, abs=1e-13)
    # the integral over the mesh's box, up to 6 sigma away
    integral = 2 * 0.7 * np.sqrt(2 * np.pi) + np.sqrt(2 * np.pi)
    assert fit.normalization == pytest.approx(integral, rel=1e-4)
    assert fit.mog.weights.sum() == pytest.approx(1, abs=1e-15)
    assert fit.mog.domain == fit.domain == [(0.0, 10.0)]
    assert fit.report.converged
    assert fit.quality_of_fit()["R2"] == 1.0


def test_a_new_object():
    fit = mn.FitFunctionMoG((X, F), 2)
    assert (fit.ngauss, fit.nvars, fit.Ndim, fit.Ncorr, fit.extrap) == (2, 1, 2, 0, [])
    assert fit.data == (X, F)
    assert (X[:, None] == fit.X).all()
    assert (fit.F == F).all()
    assert fit._Fmax == F.max()
    assert (fit._Fnorm == F / F.max()).all()
    assert fit._sigmax == 20.0
    assert fit.scales.tolist() == [100, 100, 0, 0, 20, 20]
    for empty in (fit.normalization, fit.solution, fit.report, fit.bounds, fit.fig):
        assert empty is None
    assert fit.neval == 0
    assert "not fitted yet" in repr(fit)
    for method in (fit.quality_of_fit, fit.plot_fit):
        with pytest.raises(NotFittedError, match="call fit_data first"):
            method()


def test_the_solution_in_scipys_form():
    case = three_bumps(1)
    fit = fitted((case.x, case.F), 3)
    solution = fit.solution
    assert solution.success
    assert solution.status == 0
    assert solution.fun == pytest.approx(loss_of(fit) / abs(case.F).max() ** 2, rel=1e-12)
    assert (solution.x == fit.uparams).all()
    assert unbound_to_bound(solution.x, fit.scales) == pytest.approx(fit.minparams, rel=1e-12)
    assert solution.nfev == fit.neval > 0
    assert solution.nit >= 0
    assert "optimum" in solution.message
    # parameters may change afterwards, what the fit found does not
    fit.set_params()
    assert (fit.solution.x == solution.x).all()


def test_qualities():
    case = three_bumps(3)
    fit = fitted((case.x, case.F), 3)
    quality = fit.quality_of_fit()
    residual, total = loss_of(fit), ((case.F - case.F.mean()) ** 2).sum()
    assert quality == pytest.approx(
        {
            "R2": 1 - residual / total,
            "RMSE": np.sqrt(residual / 512),
            "SS_res": residual,
            "SS_tot": total,
            "n_points": 512,
        },
        rel=1e-9,
    )


def test_weights_count_as_repetition_and_zero_as_absence(rng):
    case = three_bumps(5)
    times = rng.integers(0, 4, 512)
    holes = np.where(times > 0, case.F, np.nan)
    one = fitted((case.x, holes), 3, {"weights": times})
    x, F = np.repeat(case.x, times), np.repeat(case.F, times)
    # the same box
    other = fitted(
        (np.r_[case.x, x], np.r_[holes, F]), 3, {"weights": np.arange(512 + len(x)) >= 512}
    )
    assert one.mog.mus == pytest.approx(other.mog.mus, rel=1e-7)
    assert one.normalization == pytest.approx(other.normalization, rel=1e-9)
    mine, theirs = one.quality_of_fit(), other.quality_of_fit()
    for name in ("R2", "RMSE", "SS_res", "SS_tot"):
        assert mine[name] == pytest.approx(theirs[name], rel=1e-8), name
    assert mine["n_points"] == (times > 0).sum()
    assert one.solution.fun == pytest.approx(mine["SS_res"] / np.nanmax(abs(holes)) ** 2, rel=1e-9)


def test_sigma_stands_for_weights(rng):
    case = three_bumps(7)
    sigma = rng.uniform(0.5, 2, 512)
    one = fitted((case.x, case.F), 3, {"sigma": sigma})
    other = fitted((case.x, case.F), 3, {"weights": 1 / sigma**2})
    assert one.mog.mus == pytest.approx(other.mog.mus, rel=1e-8)
    # what is known better is followed more closely
    plain = fitted((case.x, case.F), 3)
    assert abs(one.mog.mus - plain.mog.mus).max() > 1e-5


def test_negative_functions_have_a_negative_normalisation():
    fit, mirror = fitted((X, -F)), fitted()
    assert fit.normalization == -mirror.normalization
    assert (fit.mog.mus == mirror.mog.mus).all()
    assert (fit.mog.weights >= 0).all()
    # neither sign has nearly all: the better one is taken
    waves = np.sin(3 * X) + 0.1
    both = fitted((X, waves), 3)
    assert both.normalization > 0
    assert fitted((X, -waves), 3).normalization == -both.normalization


def test_units_change_nothing_but_the_units():
    case = three_bumps(9)
    plain = fitted((case.x, case.F), 3)
    for scale, shift, height in ((1e-9, 4.0, 1e200), (1e6, -1e9, 1e-250)):
        fit = fitted((case.x * scale + shift, case.F * height), 3)
        assert (fit.mog.mus - shift) / scale == pytest.approx(plain.mog.mus, abs=1e-5)
        assert pytest.approx(plain.report.R2, rel=1e-9) == fit.report.R2
        ratio = fit.normalization / height / scale
        assert ratio == pytest.approx(plain.normalization, rel=1e-6)


def test_the_order_of_points_changes_nothing(rng):
    case = three_bumps(1)
    order = rng.permutation(512)
    one, other = fitted((case.x, case.F), 3), fitted((case.x[order], case.F[order]), 3)
    assert one.mog.mus == pytest.approx(other.mog.mus, rel=1e-12)


def test_two_and_three_variables():
    (A, B), G, mus, Sigmas = bumps_in_the_plane(0, noise=0.0)
    fit = fitted(((A, B), G), 3)
    assert fit.report.converged
    order = [int(abs(mus - mu).sum(axis=1).argmin()) for mu in fit.mog.mus]
    assert fit.mog.mus == pytest.approx(mus[order], abs=1e-9)
    assert fit.mog.Sigmas == pytest.approx(Sigmas[order], abs=1e-9)
    axis = np.linspace(-2, 2, 12)
    P = np.meshgrid(axis, axis, axis)
    solid = np.exp(-0.5 * ((P[0] - 0.3) ** 2 + (P[1] + 0.2) ** 2 / 0.5 + P[2] ** 2))
    fit = fitted((tuple(P), solid), 1)
    assert fit.mog.mus == pytest.approx(np.array([[0.3, -0.2, 0]]), abs=1e-9)
    assert fit.mog.sigmas**2 == pytest.approx(np.array([[1, 0.5, 1]]), abs=1e-9)


def test_points_that_form_no_grid(rng):
    points = rng.uniform(-3, 3, (800, 2))
    fit = fitted((points, np.exp(-0.5 * (points**2).sum(axis=1))), 1)
    assert fit.mog.mus == pytest.approx(np.zeros((1, 2)), abs=1e-9)


def test_means_outside_the_mesh_are_found():
    x = np.linspace(0, 5, 200)
    fit = fitted((x, np.exp(-0.5 * (x + 1) ** 2)), 1)
    assert fit.mog.mus[0, 0] == pytest.approx(-1, abs=1e-9)
    assert fit.report.R2 == 1.0


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


# -- words ---------------------------------------------------------------------------------------


def test_nothing_is_printed_unasked(capsys):
    fit = fitted()
    fit.quality_of_fit()
    fit.quality_of_fit(verbose=False)
    assert capsys.readouterr() == ("", "")


def test_what_is_printed_when_asked_for(capsys, monkeypatch):
    case = three_bumps(1)
    fit = fitted((case.x, case.F), 3, advance=2, verbose=1)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Iterations:"
    steps = [line for line in out if line.startswith("  Iter ")]
    assert steps[0].startswith("  Iter 0: loss = ")
    assert steps[1].startswith("  Iter 2: loss = ")
    losses = [float(line.split("=")[1]) for line in steps]
    assert losses == sorted(losses, reverse=True)
    assert any(line.startswith("LM converged") for line in out)
    fit.quality_of_fit(verbose=True)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2
    assert out[1].split()[:2] == ["R2", "="]
    monkeypatch.setattr(mn, "verbose", True)
    fitted().quality_of_fit()
    out = capsys.readouterr().out
    assert "Loading a FitFunctionMoG object." in out
    assert "Number of grid points: 200" in out
    assert "Domain: [[0.0, 10.0]]" in out
    assert "FitFunctionMoG.fit_data executed in" in out
    assert "R2" in out


def test_repr_and_report_say_how_it_went():
    fit = fitted()
    text = repr(fit)
    assert text == str(fit)
    assert text.startswith("FitFunctionMoG: 2 components, 1 variables, 200 values\nLM converged")
    assert "R2                 1" in text
    assert len(text.splitlines()) < 15


# -- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, mn.FitFunctionMoG.copy])
def test_copies_are_independent(twin_of):
    fit = fitted()
    twin = twin_of(fit)
    assert (twin.mog.mus == fit.mog.mus).all()
    twin.set_params()
    assert fit.mog.mus[0, 0] == pytest.approx(3)


def test_pickles_keep_everything():
    fit = fitted(given={"weights": np.ones(200)})
    again = pickle.loads(pickle.dumps(fit))
    assert again.report == fit.report
    assert again.normalization == fit.normalization
    assert (again.uparams == fit.uparams).all()
    assert (again.solution.x == fit.solution.x).all()
    assert again.quality_of_fit() == fit.quality_of_fit()
    again.fit_data()
    assert again.report.converged


def test_threads_change_no_bit():
    axis = np.linspace(-3, 3, 120)
    A, B = np.meshgrid(axis, axis)
    G = np.exp(-0.5 * (A**2 + (B - 1) ** 2)) + 0.3 * np.exp(-2 * ((A - 1) ** 2 + (B + 1) ** 2))
    one, two = (fitted(((A, B), G), 2, threads=threads) for threads in (1, 2))
    assert one.uparams.tobytes() == two.uparams.tobytes()
    assert one.normalization == two.normalization


def test_a_failed_fit_changes_nothing():
    fit = fitted()
    before = pickle.dumps(fit.mog)
    with pytest.raises(InputError):
        fit.fit_data(bounds=[(0, 1)])
    assert pickle.dumps(fit.mog) == before


def test_ten_components_on_a_thousand_points_are_quick():
    rng = np.random.default_rng(0)
    mus, sigmas = 5 + 10 * np.arange(10) + rng.uniform(-2.5, 2.5, 10), rng.uniform(0.8, 3, 10)
    x = np.linspace(0, 100, 1000)
    values = np.exp(-0.5 * ((x[:, None] - mus) / sigmas) ** 2) @ rng.uniform(1, 10, 10)
    noise = 0.01 * values.max() * rng.standard_normal(1000)
    begun = time.perf_counter()
    fit = fitted((x, values + noise), 10)
    assert fit.report.converged
    assert np.sort(fit.mog.mus[:, 0]) == pytest.approx(mus, abs=0.1)
    assert time.perf_counter() - begun < 2.0  # 0.06 s on an idle machine

"""`FitFunctionMoG`: what it takes, what it finds, and what it says of itself."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import (
    InputError,
    NotFittedError,
)
from mogfit.parameters import unbound_to_bound
from tests.functions import F, X, bumps_in_the_plane, fitted, loss_of, three_bumps


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


def test_ten_components_on_a_thousand_points_take_few_evaluations():
    rng = np.random.default_rng(0)
    mus, sigmas = 5 + 10 * np.arange(10) + rng.uniform(-2.5, 2.5, 10), rng.uniform(0.8, 3, 10)
    x = np.linspace(0, 100, 1000)
    values = np.exp(-0.5 * ((x[:, None] - mus) / sigmas) ** 2) @ rng.uniform(1, 10, 10)
    noise = 0.01 * values.max() * rng.standard_normal(1000)
    fit = fitted((x, values + noise), 10)
    assert fit.report.converged
    assert np.sort(fit.mog.mus[:, 0]) == pytest.approx(mus, abs=0.1)
    assert fit.neval < 3000  # about 1,100, of 30 microseconds each

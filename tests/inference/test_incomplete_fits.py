"""Fits of data with missing values: closed forms, the reference's likelihood, what must agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mogfit import DataWarning, DegenerateError, FitMoG, InputError, MixtureOfGaussians
from tests.fitting import POINTS, START, TRUTH, parameters
from tests.observed_fits import fit, knock_out, largest_em_move, loglik
from tests.strategies import make_mixture, make_points

INCOMPLETE = knock_out(POINTS, 0.2)
INCOMPLETE.flags.writeable = False
# Gradients of 1e-9 leave parameters off by about that; EM ends by itself at 1e-6.
EXACT = {"L-BFGS": 1e-9, "EM": None}
every_method = pytest.mark.parametrize("method", EXACT)


def monotone_mle(values):
    """Mean and covariance of one Gaussian where column j is only seen where j - 1 is.

    The likelihood factorises into regressions of each column on those before it, each over the
    rows that have it (Anderson 1957, Journal of the American Statistical Association 52, 200).
    """
    nvars = values.shape[1]
    mean, covariance = np.zeros(nvars), np.zeros((nvars, nvars))
    for j in range(nvars):
        rows = values[~np.isnan(values[:, j])]
        design = np.column_stack([np.ones(len(rows)), rows[:, :j]])
        slopes, *_ = np.linalg.lstsq(design, rows[:, j], rcond=None)
        residual = np.mean((rows[:, j] - design @ slopes) ** 2)
        mean[j] = slopes[0] + slopes[1:] @ mean[:j]
        covariance[j, :j] = covariance[:j, j] = covariance[:j, :j] @ slopes[1:]
        covariance[j, j] = residual + slopes[1:] @ covariance[:j, :j] @ slopes[1:]
    return mean, covariance


@every_method
@pytest.mark.parametrize("nvars", [2, 3, 5])
def test_one_component_with_a_monotone_pattern_has_a_closed_form(nvars, method):
    values = make_points(make_mixture(nvars, 2), 800)
    left = np.random.default_rng(nvars).integers(1, nvars + 1, 800)
    values = np.where(np.arange(nvars) < left[:, None], values, np.nan)
    F = fit(values, 1, missing="marginal", method=method, tol=EXACT[method])
    mean, covariance = monotone_mle(values)
    rtol = 1e-8 if method == "L-BFGS" else 1e-5
    np.testing.assert_allclose(F.mog.mus[0], mean, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(F.mog.Sigmas[0], covariance, rtol=rtol, atol=rtol)
    assert F.report.converged
    exact = MixtureOfGaussians(mus=[mean], Sigmas=[covariance])
    assert F.report.neg_loglik == pytest.approx(-loglik(exact, values), rel=1e-12)


@every_method
def test_the_likelihood_is_that_of_the_marginals_and_at_an_optimum(method):
    F = fit(INCOMPLETE, 3, START, missing="marginal", method=method)
    assert F.report.converged
    assert F.report.gradient_norm <= 1e-6
    assert F.report.neg_loglik == pytest.approx(-loglik(F.mog, INCOMPLETE), rel=1e-12)
    assert F.solution.fun == F.report.neg_loglik
    assert F.report.n_points == F.report.total_weight == len(INCOMPLETE)
    assert loglik(F.mog, INCOMPLETE) > loglik(START, INCOMPLETE) + 10
    assert largest_em_move(F.mog, INCOMPLETE) < 1e-4


def test_both_methods_arrive_at_the_same_optimum():
    fits = [
        fit(INCOMPLETE, 3, TRUTH, missing="marginal", method=method, tol=tol)
        for method, tol in EXACT.items()
    ]
    assert fits[0].report.neg_loglik == pytest.approx(fits[1].report.neg_loglik, abs=1e-4)
    np.testing.assert_allclose(parameters(fits[0].mog), parameters(fits[1].mog), atol=3e-3)


def test_every_em_step_raises_the_likelihood():
    values = []
    fit(
        INCOMPLETE,
        3,
        START,
        missing="marginal",
        method="EM",
        callback=lambda state: values.append(state.neg_loglik_per_point),
    )
    assert len(values) > 20
    assert (np.diff(values) <= 1e-14).all()


@every_method
def test_a_fit_is_as_far_above_the_truth_as_chance_allows(method):
    F = fit(INCOMPLETE, 3, TRUTH, missing="marginal", method=method)
    # Twice the gain is chi-square with 17 degrees of freedom.
    assert 0 < loglik(F.mog, INCOMPLETE) - loglik(TRUTH, INCOMPLETE) < 30


def test_its_own_search_is_at_least_as_good_as_the_truth():
    truth = make_mixture(5, 3, spread=3.0)
    values = knock_out(make_points(truth, 2000), 0.1)
    F = fit(values, 3, missing="marginal", penalty=1e-9)
    assert F.report.converged
    mog = MixtureOfGaussians(weights=truth.weights, mus=truth.means, Sigmas=truth.covariances)
    assert loglik(F.mog, values) > loglik(mog, values)
    # Twice the gain is chi-square with as many degrees of freedom as there are parameters, 62.
    assert loglik(F.mog, values) < loglik(mog, values) + 80


def test_values_missing_for_a_reason_that_was_seen_leave_no_bias():
    # y is missing where x > 0: complete rows alone say nothing true of its mean.
    rng = np.random.default_rng(1)
    points = rng.multivariate_normal([0.0, 1.0], [[1.0, 0.8], [0.8, 1.0]], 4000)
    values = points.copy()
    values[points[:, 0] > 0, 1] = np.nan
    F = fit(values, 1, missing="marginal")
    mean, covariance = F.mog.mus[0], F.mog.Sigmas[0]
    # Standard error of the mean of y: that of a regression extrapolated over one deviation.
    assert abs(mean[1] - 1.0) < 5 * 0.03
    assert abs(covariance[0, 1] - 0.8) < 5 * 0.03
    assert np.nanmean(values[:, 1]) < 0.5


@every_method
def test_complete_data_are_fitted_as_ever(method):
    plain = fit(POINTS, 3, START, method=method)
    seen = fit(POINTS, 3, START, method=method, missing="marginal")
    np.testing.assert_allclose(parameters(seen.mog), parameters(plain.mog), atol=1e-10)
    assert seen.report.neg_loglik == pytest.approx(plain.report.neg_loglik, rel=1e-12)


@every_method
def test_sample_weights_are_repetitions(method):
    weight = np.random.default_rng(5).integers(0, 4, len(INCOMPLETE))
    options = {"missing": "marginal", "method": method}
    if method == "L-BFGS":
        options["tol"] = 1e-9
    a = fit(INCOMPLETE, 3, START, sample_weight=weight, **options)
    b = fit(np.repeat(INCOMPLETE, weight, axis=0), 3, START, **options)
    assert a.report.neg_loglik == pytest.approx(b.report.neg_loglik, rel=1e-12)
    # EM's steps are the same ones; a descent's rounding is another, its end the same.
    atol = 1e-10 if method == "EM" else 1e-7
    np.testing.assert_allclose(parameters(a.mog), parameters(b.mog), atol=atol)


def test_columns_of_any_scale_change_only_the_units():
    base = fit(INCOMPLETE, 3, START, missing="marginal", tol=1e-9)
    for scales in (2.0 ** np.array([-40, 40]), np.array([1e12, 1e-12])):
        start = MixtureOfGaussians(
            weights=START.weights,
            mus=START.mus * scales,
            Sigmas=START.Sigmas * np.outer(scales, scales),
        )
        F = fit(INCOMPLETE * scales, 3, start, missing="marginal", tol=1e-9)
        np.testing.assert_allclose(F.mog.weights, base.mog.weights, rtol=1e-7)
        np.testing.assert_allclose(F.mog.mus / scales, base.mog.mus, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(
            F.mog.Sigmas / np.outer(scales, scales), base.mog.Sigmas, rtol=1e-7, atol=1e-7
        )
        shift = (~np.isnan(INCOMPLETE) * np.log(scales)).sum()
        assert F.report.neg_loglik == pytest.approx(base.report.neg_loglik + shift, rel=1e-10)


def test_the_search_does_not_mind_units():
    base = fit(INCOMPLETE, 3, missing="marginal")
    scales = 2.0 ** np.array([-40, 40])
    F = fit(INCOMPLETE * scales, 3, missing="marginal")
    shift = (~np.isnan(INCOMPLETE) * np.log(scales)).sum()
    assert F.report.neg_loglik - shift == pytest.approx(base.report.neg_loglik, abs=1e-4)


@pytest.mark.filterwarnings("ignore::mogfit.DataWarning")
def test_rows_that_say_nothing_change_nothing():
    empty = np.concatenate([INCOMPLETE, np.full((200, 2), np.nan)])
    base = fit(INCOMPLETE, 3, START, missing="marginal", tol=1e-9)
    F = fit(empty, 3, START, missing="marginal", tol=1e-9)
    np.testing.assert_allclose(parameters(F.mog), parameters(base.mog), atol=1e-7)
    assert F.report.neg_loglik == pytest.approx(base.report.neg_loglik, rel=1e-11)


def test_threads_change_no_bit():
    fits = [fit(INCOMPLETE, 3, missing="marginal", threads=threads) for threads in (1, 2)]
    np.testing.assert_array_equal(fits[0].mog.params, fits[1].mog.params)


@pytest.mark.parametrize("ngauss", [1, 3])
def test_missing_values_in_every_form_are_the_same(ngauss):
    gone = np.isnan(INCOMPLETE)
    expected = fit(INCOMPLETE, ngauss, missing="marginal").mog.params
    forms = [
        np.ma.masked_array(np.where(gone, 1e9, POINTS), gone),
        pd.DataFrame(INCOMPLETE, columns=["a", "b"]),
        pd.DataFrame(POINTS, columns=["a", "b"]).astype("Float64").mask(gone),
        np.asfortranarray(INCOMPLETE),
    ]
    for data in forms:
        np.testing.assert_array_equal(fit(data, ngauss, missing="marginal").mog.params, expected)


def test_dropping_rows_is_a_fit_of_the_complete_ones():
    complete = ~np.isnan(INCOMPLETE).any(axis=1)
    weight = np.random.default_rng(1).exponential(size=len(INCOMPLETE))
    with pytest.warns(DataWarning, match=rf"{(~complete).sum()} of {len(complete)}"):
        dropped = FitMoG(INCOMPLETE, 3, missing="drop")
    dropped.set_initial_params(from_mog=START)
    dropped.fit_data(penalty=0, random_state=1)
    expected = fit(INCOMPLETE[complete], 3, START)
    np.testing.assert_array_equal(dropped.mog.params, expected.mog.params)
    F = FitMoG(POINTS, 3, missing="drop")
    F.set_initial_params(from_mog=START)
    with pytest.warns(DataWarning):
        F.fit_data(INCOMPLETE, sample_weight=weight, penalty=0)
    expected = fit(INCOMPLETE[complete], 3, START, sample_weight=weight[complete])
    np.testing.assert_allclose(F.mog.params, expected.mog.params, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"missing": "error"}])
def test_missing_values_are_an_error_unless_one_says_otherwise(options):
    with pytest.raises(InputError, match=r"data: .*missing='marginal'.*'drop'"):
        FitMoG(INCOMPLETE, 2, **options)


def test_what_missing_may_be_is_named():
    with pytest.raises(InputError, match=r"missing.*'ignore'.*marginal"):
        FitMoG(INCOMPLETE, 2, missing="ignore")


@pytest.mark.parametrize("missing", ["error", "marginal", "drop"])
def test_infinite_values_are_refused(missing):
    values = POINTS.copy()
    values[7, 1] = np.inf
    with pytest.raises(InputError, match=r"row 7, column 1"):
        FitMoG(values, 2, missing=missing)


@pytest.mark.filterwarnings("ignore::mogfit.DataWarning")
def test_a_column_that_was_never_seen_cannot_be_fitted():
    values = POINTS.copy()
    values[:, 1] = np.nan
    with pytest.raises((DegenerateError, InputError), match=r"column"):
        fit(values, 2, missing="marginal")


@pytest.mark.filterwarnings("ignore::mogfit.DataWarning")
def test_a_column_that_is_constant_where_seen_cannot_be_fitted():
    values = INCOMPLETE.copy()
    values[~np.isnan(values[:, 1]), 1] = 2.5
    with pytest.raises(DegenerateError, match=r"column.*2\.5"):
        fit(values, 2, missing="marginal")


def test_a_fit_leaves_the_data_as_they_are():
    values = INCOMPLETE.copy()
    before = values.tobytes()
    fit(values, 2, missing="marginal")
    assert values.tobytes() == before


def test_a_fit_that_is_refused_leaves_the_object_as_it_was():
    F = fit(INCOMPLETE, 3, START, missing="marginal")
    before = F.mog.params.tobytes(), F.report
    with pytest.raises(InputError):
        F.fit_data(np.full((10, 2), np.inf))
    assert (F.mog.params.tobytes(), F.report) == before

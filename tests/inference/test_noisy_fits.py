"""Fits of noisy data: closed forms, scipy on explicit likelihoods, what must agree, recovery."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from mogfit import FitMoG, InputError, MixtureOfGaussians
from tests.fitting import POINTS, START, TRUTH, parameters
from tests.observed_fits import fit, knock_out, largest_em_move, loglik

RNG = np.random.default_rng(8)
N = len(POINTS)
DEVIATIONS = 10.0 ** RNG.uniform(-1.0, 0.0, (N, 2))
NOISY = POINTS + DEVIATIONS * RNG.standard_normal((N, 2))
ROOTS = 0.5 * RNG.standard_normal((N, 2, 2))
COVARIANCES = ROOTS @ ROOTS.transpose(0, 2, 1)
COVARIANCES = (COVARIANCES + COVARIANCES.transpose(0, 2, 1)) / 2 + 0.01 * np.eye(2)
CORRELATED = POINTS + np.einsum(
    "nij,nj->ni", np.linalg.cholesky(COVARIANCES), RNG.standard_normal((N, 2))
)
SHARED = np.array([[0.3, 0.1], [0.1, 0.2]])
FORMS = {
    "deviations": (NOISY, DEVIATIONS, {"deviations": DEVIATIONS}),
    "covariances": (CORRELATED, COVARIANCES, {"covariances": COVARIANCES}),
}
METHODS = ["L-BFGS", "EM"]
# From START the likelihood has two optima within reach: what compares descents begins at TRUTH.
every_form = pytest.mark.parametrize("form", FORMS)
every_method = pytest.mark.parametrize("method", METHODS)


# One component


@every_method
def test_one_noisy_variable_beside_scipy(method):
    values, deviations = NOISY[:500, 0], DEVIATIONS[:500, 0]

    def neg_loglik(parameters):
        variance = np.exp(2 * parameters[1]) + deviations**2
        return 0.5 * (np.log(2 * np.pi * variance) + (values - parameters[0]) ** 2 / variance).sum()

    best = minimize(
        neg_loglik, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9}
    )
    F = fit(values, 1, errors=deviations, method=method)
    assert F.report.converged
    assert F.report.neg_loglik == pytest.approx(best.fun, abs=1e-6)
    assert F.report.neg_loglik == pytest.approx(
        neg_loglik([F.mog.mus[0, 0], np.log(F.mog.sigmas[0, 0])]), rel=1e-12
    )
    assert F.mog.mus[0, 0] == pytest.approx(best.x[0], abs=1e-4)
    assert F.mog.sigmas[0, 0] == pytest.approx(np.exp(best.x[1]), abs=1e-4)


@every_form
@every_method
def test_two_noisy_variables_beside_scipy(method, form):
    values, errors, _ = FORMS[form]
    values, errors = values[:400], errors[:400]
    full = errors if errors.ndim == 3 else errors[:, :, None] ** 2 * np.eye(2)

    def neg_loglik(p):
        # Determinant and inverse of 2 x 2 matrices, written out.
        a, b, c = np.exp(p[2]), p[3], np.exp(p[4])
        T00, T01 = a * a + full[:, 0, 0], a * b + full[:, 0, 1]
        T11 = b * b + c * c + full[:, 1, 1]
        determinant = T00 * T11 - T01**2
        y0, y1 = values[:, 0] - p[0], values[:, 1] - p[1]
        q = (T11 * y0**2 - 2 * T01 * y0 * y1 + T00 * y1**2) / determinant
        return 0.5 * (q + np.log(determinant)).sum() + len(values) * np.log(2 * np.pi)

    best = minimize(neg_loglik, np.zeros(5), method="BFGS", options={"gtol": 1e-4})
    F = fit(values, 1, errors=errors, method=method)
    assert F.report.neg_loglik <= best.fun + 1e-6
    assert F.report.neg_loglik == pytest.approx(best.fun, abs=1e-4)
    lower = np.array([[np.exp(best.x[2]), 0.0], [best.x[3], np.exp(best.x[4])]])
    np.testing.assert_allclose(F.mog.mus[0], best.x[:2], atol=1e-3)
    np.testing.assert_allclose(F.mog.Sigmas[0], lower @ lower.T, atol=1e-3)
    cholesky = np.linalg.cholesky(F.mog.Sigmas[0])
    at = [*F.mog.mus[0], np.log(cholesky[0, 0]), cholesky[1, 0], np.log(cholesky[1, 1])]
    assert F.report.neg_loglik == pytest.approx(neg_loglik(np.array(at)), rel=1e-12)


@every_method
def test_one_component_with_one_noise_for_all_has_a_closed_form(method):
    rng = np.random.default_rng(4)
    values = POINTS + rng.multivariate_normal([0.0, 0.0], SHARED, N)
    F = fit(values, 1, errors=SHARED[None], method=method)
    np.testing.assert_allclose(F.mog.mus[0], values.mean(axis=0), atol=1e-5)
    expected = np.cov(values.T, bias=True) - SHARED
    np.testing.assert_allclose(F.mog.Sigmas[0], expected, atol=1e-5)


# The likelihood and its optimum


@every_form
@every_method
def test_the_likelihood_is_the_references_and_at_an_optimum(form, method):
    values, errors, noise = FORMS[form]
    F = fit(values, 3, START, errors=errors, method=method)
    assert F.report.converged
    assert F.report.gradient_norm <= 1e-6
    assert F.report.neg_loglik == pytest.approx(-loglik(F.mog, values, **noise), rel=1e-12)
    assert F.solution.fun == F.report.neg_loglik
    assert loglik(F.mog, values, **noise) > loglik(START, values, **noise) + 10
    assert largest_em_move(F.mog, values, **noise) < 1e-4


@every_form
def test_both_methods_arrive_at_the_same_optimum(form):
    values, errors, _ = FORMS[form]
    fits = [fit(values, 3, TRUTH, errors=errors, method=method) for method in METHODS]
    assert fits[0].report.neg_loglik == pytest.approx(fits[1].report.neg_loglik, abs=1e-4)
    np.testing.assert_allclose(parameters(fits[0].mog), parameters(fits[1].mog), atol=3e-3)


def test_every_em_step_raises_the_likelihood():
    values = []
    fit(
        NOISY,
        3,
        START,
        errors=DEVIATIONS,
        method="EM",
        callback=lambda state: values.append(state.neg_loglik_per_point),
    )
    assert len(values) > 20
    assert (np.diff(values) <= 1e-14).all()


def test_its_own_search_is_at_least_as_good_as_the_truth():
    F = fit(NOISY, 3, errors=DEVIATIONS, penalty=1e-9)
    assert F.report.converged
    gain = loglik(F.mog, NOISY, deviations=DEVIATIONS) - loglik(TRUTH, NOISY, deviations=DEVIATIONS)
    # Twice the gain is chi-square with 17 degrees of freedom.
    assert 0 < gain < 30


@every_form
def test_the_noise_is_taken_away_again(form):
    # 20,000 points of two components, half of the spread being noise.
    rng = np.random.default_rng(6)
    n = 20_000
    truth = MixtureOfGaussians(
        weights=[0.3, 0.7],
        mus=[[-1.5, 0.0], [1.5, 1.0]],
        Sigmas=[[[0.5, 0.3], [0.3, 0.5]], [[1.0, -0.4], [-0.4, 0.6]]],
    )
    labels = rng.choice(2, n, p=truth.weights)
    roots = np.linalg.cholesky(truth.Sigmas)
    points = truth.mus[labels] + np.einsum("nij,nj->ni", roots[labels], rng.standard_normal((n, 2)))
    if form == "deviations":
        errors = rng.uniform(0.2, 1.0, (n, 2))
        values = points + errors * rng.standard_normal((n, 2))
    else:
        lower = 0.4 * rng.standard_normal((n, 2, 2)) + 0.3 * np.eye(2)
        errors = lower @ lower.transpose(0, 2, 1)
        errors = (errors + errors.transpose(0, 2, 1)) / 2
        values = points + np.einsum("nij,nj->ni", lower, rng.standard_normal((n, 2)))
    found = fit(values, 2, errors=errors).mog
    order = np.argsort(found.mus[:, 0])
    # Five standard errors: of a mean of 6,000 points of variance 1; twice that for variances.
    error = 5 / np.sqrt(0.3 * n)
    np.testing.assert_allclose(found.weights[order], truth.weights, atol=error / 2)
    np.testing.assert_allclose(found.mus[order], truth.mus, atol=error)
    np.testing.assert_allclose(found.Sigmas[order], truth.Sigmas, atol=2 * error)
    blurred = fit(values, 2).mog
    order = np.argsort(blurred.mus[:, 0])
    inflated = np.diagonal(blurred.Sigmas[order] - truth.Sigmas, axis1=1, axis2=2)
    assert (inflated > 2 * error).all()


# What must agree


@every_method
@pytest.mark.parametrize(
    "errors",
    [0.0, np.zeros(2), np.zeros((N, 2)), np.zeros((1, 2, 2)), np.zeros((N, 2, 2))],
    ids=lambda errors: str(np.shape(errors)),
)
def test_no_noise_is_the_plain_fit(errors, method):
    # EM to the end; L-BFGS from any rounding to a gradient of 1e-9.
    options = {"method": method} | ({"tol": 1e-9} if method == "L-BFGS" else {})
    plain = fit(POINTS, 3, START, **options)
    seen = fit(POINTS, 3, START, errors=errors, **options)
    atol = 1e-10 if method == "EM" else 1e-7
    np.testing.assert_allclose(parameters(seen.mog), parameters(plain.mog), atol=atol)
    assert seen.report.neg_loglik == pytest.approx(plain.report.neg_loglik, rel=1e-12)


def test_forms_of_the_same_errors_agree():
    one = np.array([0.3, 0.5])
    forms = [
        one,
        np.tile(one, (N, 1)),
        np.diag(one**2),
        np.diag(one**2)[None],
        np.tile(np.diag(one**2), (N, 1, 1)),
    ]
    fits = [fit(NOISY, 3, TRUTH, errors=errors, tol=1e-9) for errors in forms]
    for F in fits[1:]:
        np.testing.assert_allclose(parameters(F.mog), parameters(fits[0].mog), atol=1e-7)
        assert F.report.neg_loglik == pytest.approx(fits[0].report.neg_loglik, rel=1e-12)
    number = fit(NOISY, 3, TRUTH, errors=0.3, tol=1e-9)
    pair = fit(NOISY, 3, TRUTH, errors=[0.3, 0.3], tol=1e-9)
    np.testing.assert_array_equal(number.mog.params, pair.mog.params)


def test_errors_may_be_given_with_the_data_of_a_fit():
    expected = fit(NOISY, 3, START, errors=DEVIATIONS).mog.params
    F = FitMoG(ngauss=3, nvars=2)
    F.set_initial_params(from_mog=START)
    F.fit_data(NOISY, errors=DEVIATIONS, penalty=0, random_state=1)
    np.testing.assert_array_equal(F.mog.params, expected)


def test_an_infinite_error_is_a_missing_value():
    values = knock_out(NOISY, 0.2)
    gone = np.isnan(values)
    expected = fit(values, 3, TRUTH, errors=DEVIATIONS, missing="marginal", tol=1e-9)
    infinite = np.where(gone, np.inf, DEVIATIONS)
    seen = fit(np.where(gone, 5.0, values), 3, TRUTH, errors=infinite, missing="marginal", tol=1e-9)
    np.testing.assert_allclose(parameters(seen.mog), parameters(expected.mog), atol=1e-7)
    assert seen.report.neg_loglik == pytest.approx(expected.report.neg_loglik, rel=1e-12)
    # What the error of a value that is not there is does not matter.
    unknown = fit(
        values, 3, TRUTH, errors=np.where(gone, np.nan, DEVIATIONS), missing="marginal", tol=1e-9
    )
    np.testing.assert_allclose(parameters(unknown.mog), parameters(expected.mog), atol=1e-7)


@every_form
def test_sample_weights_are_repetitions(form):
    values, errors, _ = FORMS[form]
    weight = np.random.default_rng(5).integers(0, 4, N)
    options = {"method": "EM", "tol": 1e-7}
    a = fit(values, 3, START, errors=errors, sample_weight=weight, **options)
    repeated = (np.repeat(array, weight, axis=0) for array in (values, errors))
    b = fit(next(repeated), 3, START, errors=next(repeated), **options)
    np.testing.assert_allclose(parameters(a.mog), parameters(b.mog), atol=1e-10)
    assert a.report.neg_loglik == pytest.approx(b.report.neg_loglik, rel=1e-12)


@every_method
def test_noise_missing_values_and_weights_together(method):
    values = knock_out(CORRELATED, 0.15)
    weight = np.random.default_rng(5).exponential(size=N)
    F = fit(
        values,
        3,
        START,
        errors=COVARIANCES,
        missing="marginal",
        sample_weight=weight,
        method=method,
    )
    assert F.report.converged
    expected = loglik(F.mog, values, weight, covariances=COVARIANCES)
    assert F.report.neg_loglik == pytest.approx(-expected, rel=1e-12)
    assert F.report.total_weight == pytest.approx(weight.sum())
    assert expected > loglik(TRUTH, values, weight, covariances=COVARIANCES)


def test_columns_of_any_scale_change_only_the_units():
    scales = np.array([1e12, 1e-12])
    base = fit(NOISY, 3, TRUTH, errors=DEVIATIONS, tol=1e-9)
    start = MixtureOfGaussians(
        weights=TRUTH.weights,
        mus=TRUTH.mus * scales,
        Sigmas=TRUTH.Sigmas * np.outer(scales, scales),
    )
    F = fit(NOISY * scales, 3, start, errors=DEVIATIONS * scales, tol=1e-9)
    np.testing.assert_allclose(F.mog.mus / scales, base.mog.mus, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(
        F.mog.Sigmas / np.outer(scales, scales), base.mog.Sigmas, rtol=1e-7, atol=1e-7
    )
    shift = N * np.log(scales).sum()
    assert F.report.neg_loglik == pytest.approx(base.report.neg_loglik + shift, rel=1e-10)


def test_an_invertible_projection_is_a_change_of_coordinates():
    A = np.array([[1.0, 0.5], [-0.3, 2.0]])
    seen = NOISY @ A.T
    errors = np.einsum("ab,nb,cb->nac", A, DEVIATIONS**2, A)
    errors = (errors + errors.transpose(0, 2, 1)) / 2
    expected = fit(NOISY, 3, TRUTH, errors=DEVIATIONS, tol=1e-9)
    F = fit(seen, 3, TRUTH, errors=errors, projection=np.tile(A, (N, 1, 1)), tol=1e-9)
    np.testing.assert_allclose(parameters(F.mog), parameters(expected.mog), atol=1e-6)
    shift = N * np.log(np.linalg.det(A))
    assert F.report.neg_loglik == pytest.approx(expected.report.neg_loglik + shift, rel=1e-11)


@every_method
def test_directions_seen_one_at_a_time_give_the_whole(method):
    # Each point is seen along one random direction only; together they give both variables.
    rng = np.random.default_rng(3)
    n = 6000
    points = rng.multivariate_normal([1.0, -1.0], [[1.0, 0.6], [0.6, 2.0]], n)
    angle = rng.uniform(0, np.pi, n)
    projection = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None]
    errors = rng.uniform(0.1, 0.5, (n, 1))
    seen = np.einsum("nmv,nv->nm", projection, points) + errors * rng.standard_normal((n, 1))
    F = fit(seen, 1, nvars=2, errors=errors, projection=projection, method=method)
    np.testing.assert_allclose(F.mog.mus[0], [1.0, -1.0], atol=5 * np.sqrt(4 / n))
    np.testing.assert_allclose(F.mog.Sigmas[0], [[1.0, 0.6], [0.6, 2.0]], atol=10 * np.sqrt(4 / n))
    expected = loglik(F.mog, seen, deviations=errors, projection=projection)
    assert F.report.neg_loglik == pytest.approx(-expected, rel=1e-12)


def test_threads_change_no_bit():
    fits = [fit(NOISY, 3, errors=DEVIATIONS, threads=threads) for threads in (1, 2)]
    np.testing.assert_array_equal(fits[0].mog.params, fits[1].mog.params)


def test_a_fit_leaves_data_and_errors_as_they_are():
    values, errors = CORRELATED.copy(), COVARIANCES.copy()
    fit(values, 2, errors=errors)
    np.testing.assert_array_equal(values, CORRELATED)
    np.testing.assert_array_equal(errors, COVARIANCES)


# What is refused


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("errors", "match"),
    [
        (changed(DEVIATIONS, (5, 1), -0.1), r"errors.*row 5.*-0\.1"),
        (changed(DEVIATIONS, (5, 1), np.nan), r"errors.*row 5"),
        (DEVIATIONS[:-1], rf"errors.*\({N - 1}, 2\)"),
        (np.ones((N, 3)), rf"errors.*\({N}, 3\)"),
        (np.ones(3), r"errors.*\(3,\)"),
        (changed(COVARIANCES, (7, 0, 1), 3.0), r"errors.*row 7"),
        (changed(COVARIANCES, 9, [[1.0, 2.0], [2.0, 1.0]]), r"errors.*row 9"),
        (changed(COVARIANCES, (7, 0, 0), np.nan), r"errors.*row 7"),
        ([[1.0, 2.0], [2.0, 1.0]], r"errors"),
        (-0.5, r"errors.*-0\.5"),
    ],
)
def test_errors_that_are_none_are_refused(errors, match):
    with pytest.raises(InputError, match=match):
        fit(NOISY, 2, errors=errors)

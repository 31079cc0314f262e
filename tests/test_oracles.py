"""The oracles themselves: against scipy, against each other and against finite differences."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from tests import oracles
from tests.strategies import LAYOUTS, make_mixture, make_points, mixtures

SHAPES = [(1, 1), (1, 3), (2, 5), (5, 2), (7, 3)]


def scipy_terms(mixture, points):
    return np.stack(
        [
            np.log(w) + np.atleast_1d(multivariate_normal(m, c).logpdf(points))
            for w, m, c in zip(*mixture, strict=True)
        ],
        axis=1,
    )


def random_parameters(nvars, ngauss, seed=1):
    rng = np.random.default_rng([seed, nvars, ngauss])
    mixture = make_mixture(nvars, ngauss, seed)
    factors = np.linalg.cholesky(mixture.covariances)
    return np.log(mixture.weights), mixture.means, factors, rng


def central_difference(function, at, step=1e-5):
    result = np.empty(at.size)
    for j in range(at.size):
        move = np.zeros(at.size)
        move[j] = step
        move = move.reshape(at.shape)
        ends = [function(at + f * move).real for f in (-2, -1, 1, 2)]
        result[j] = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)
    return result.reshape(at.shape)


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_exact_density_is_that_of_scipy(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, 9)
    exact = oracles.exact_density(mixture.weights, mixture.means, points, covariances=mixture[2])
    expected = scipy_terms(mixture, points)
    total = logsumexp(expected, axis=1)
    np.testing.assert_allclose(exact.logpdf, total, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        exact.components + np.log(mixture.weights), expected, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        exact.responsibilities, np.exp(expected - total[:, None]), rtol=1e-10, atol=1e-300
    )


def test_exact_density_from_factors_is_that_from_covariances():
    factors = np.tril(np.arange(1.0, 10.0).reshape(1, 3, 3))
    covariances = factors @ factors.transpose(0, 2, 1)  # whole numbers: no rounding
    points = np.array([[1.5, -2.0, 3.0], [1e9, 0.0, 0.0]])
    one = oracles.exact_density([1.0], np.ones((1, 3)), points, covariances=covariances)
    two = oracles.exact_density([1.0], np.ones((1, 3)), points, factors=factors)
    np.testing.assert_array_equal(one.logpdf, two.logpdf)


def test_exact_density_has_a_closed_form_in_one_dimension():
    exact = oracles.exact_density([1.0], [[3.0]], [[1e6 + 3.0]], covariances=[[[4.0]]])
    with mpmath.workdps(60):
        expected = -mpmath.log(2) - mpmath.log(2 * mpmath.pi) / 2 - mpmath.mpf(10) ** 12 / 8
    assert exact.logpdf[0] == float(expected)


@given(mixtures(max_nvars=8, max_ngauss=4))
@settings(max_examples=25)
def test_careful_numpy_stays_within_the_error_bounds(mixture):
    points = make_points(mixture, 5, inflate=3.0)
    exact = oracles.exact_density(*mixture[:2], points, covariances=mixture.covariances)
    bounds = oracles.log_density_bounds(*mixture[:2], points, covariances=mixture.covariances)
    terms = oracles.log_terms(mixture, points)
    assert (abs(logsumexp(terms, axis=1) - exact.logpdf) <= bounds.logpdf).all()


@pytest.mark.parametrize("nvars", [1, 3, 16])
def test_error_bounds_are_tight_for_easy_mixtures(nvars):
    mixture = make_mixture(nvars, 3)
    points = make_points(mixture, 20)
    bounds = oracles.log_density_bounds(*mixture[:2], points, covariances=mixture.covariances)
    size = abs(oracles.log_terms(mixture, points)).max()
    assert bounds.logpdf.max() < 4e-14 * nvars**2 * size


def test_error_bounds_do_not_mind_the_scale_of_columns():
    mixture = make_mixture(4, 2)
    points = make_points(mixture, 10)
    scales = 2.0 ** np.array([-40, 0, 20, 40])
    scaled = mixture._replace(
        means=mixture.means * scales, covariances=mixture.covariances * np.outer(scales, scales)
    )
    one = oracles.log_density_bounds(*mixture[:2], points, covariances=mixture.covariances)
    two = oracles.log_density_bounds(*scaled[:2], points * scales, covariances=scaled.covariances)
    assert (two.logpdf < 4 * one.logpdf).all()  # the logarithms of the scales are larger terms


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_numpy_moments_are_sums_over_points(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, 11)
    weight = np.arange(11.0)
    got = oracles.numpy_moments(mixture, points, weight)
    terms = scipy_terms(mixture, points)
    loglik, s0 = 0.0, np.zeros(ngauss)
    s1, s2 = np.zeros((ngauss, nvars)), np.zeros((ngauss, nvars, nvars))
    for x, s, row in zip(points, weight, terms, strict=True):
        density = np.exp(row).sum()
        loglik += s * np.log(density)
        for k in range(ngauss):
            r, y = s * np.exp(row[k]) / density, x - mixture.means[k]
            s0[k] += r
            s1[k] += r * y
            s2[k] += r * np.outer(y, y)
    for seen, expected in zip(got, (loglik, s0, s1, s2), strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_numpy_em_step_is_a_maximum_of_the_complete_likelihood(penalty):
    mixture = make_mixture(2, 3)
    points = make_points(mixture, 60)
    weight = np.linspace(0.5, 2.0, 60)
    reference = np.cov(points.T)
    shares = weight[:, None] * np.exp(
        (terms := scipy_terms(mixture, points)) - logsumexp(terms, axis=1)[:, None]
    )

    def complete(weights, means, covariances):
        candidate = oracles.Mixture(weights / weights.sum(), means, covariances)
        value = (shares * scipy_terms(candidate, points)).sum()
        return value - oracles.penalty_value(candidate, penalty, reference, weight.sum())

    best = oracles.numpy_em_step(mixture, points, weight, penalty, reference)
    for index, values in enumerate(best):
        moves = np.eye(values.size).reshape(-1, *values.shape)
        if index == 2:
            moves = moves + moves.transpose(0, 1, 3, 2)
        for move in moves:
            up, down = (
                complete(*best[:index], values + sign * 1e-4 * move, *best[index + 1 :])
                for sign in (1, -1)
            )
            here = complete(*best)
            assert here > max(up, down)
            assert abs(up - down) < 1e-2 * (2 * here - up - down)


def test_em_step_raises_the_likelihood():
    mixture = make_mixture(3, 2)
    points = make_points(make_mixture(3, 2, 5), 100)
    after = oracles.numpy_em_step(mixture, points)
    before = oracles.numpy_moments(mixture, points).loglik
    assert oracles.numpy_moments(after, points).loglik > before


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_complex_step_agrees_with_finite_differences(nvars, ngauss):
    log_weights, means, factors, rng = random_parameters(nvars, ngauss)
    points = rng.standard_normal((20, nvars))
    s = rng.random(20)
    for function, at in [
        (lambda p: oracles.analytic_loglik(p, means, factors, points, s), log_weights),
        (lambda p: oracles.analytic_loglik(log_weights, p, factors, points, s), means),
        (lambda p: oracles.analytic_loglik(log_weights, means, np.tril(p), points, s), factors),
        (lambda p: oracles.analytic_penalty(np.tril(p), 0.1, np.eye(nvars), 2.0), factors),
    ]:
        expected = central_difference(function, at)
        seen = oracles.gradient(function, at)
        np.testing.assert_allclose(seen, expected, rtol=1e-7, atol=1e-7 * (1 + abs(expected).max()))


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_analytic_likelihood_and_penalty_are_the_real_ones(nvars, ngauss):
    log_weights, means, factors, rng = random_parameters(nvars, ngauss)
    points = rng.standard_normal((20, nvars))
    mixture = oracles.Mixture(np.exp(log_weights), means, factors @ factors.transpose(0, 2, 1))
    seen = oracles.analytic_loglik(log_weights + 7.0, means, factors, points)
    expected = logsumexp(scipy_terms(mixture, points), axis=1).sum()
    assert abs(seen - expected) < 1e-11 * abs(expected)
    reference = np.cov(rng.standard_normal((nvars, 9))).reshape(nvars, nvars)
    seen = oracles.analytic_penalty(factors, 0.3, reference, 2.0)
    expected = oracles.penalty_value(mixture, 0.3, reference, 2.0)
    assert abs(seen - expected) < 1e-12 * abs(expected)
    lower = oracles.analytic_cholesky(mixture.covariances[0])
    np.testing.assert_allclose(lower, factors[0], rtol=1e-12, atol=1e-14)


def test_stdcorr_pairs_run_along_rows():
    covariance = oracles.covariance_from_stdcorr(
        np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])
    )
    np.testing.assert_allclose(covariance, [[1.0, 0.2, 0.6], [0.2, 4.0, 1.8], [0.6, 1.8, 9.0]])


def test_whitened_coordinates_are_zero_at_the_anchor():
    log_weights, means, factors, _ = random_parameters(3, 2)
    seen = oracles.Whitened(log_weights, means, factors).mixture(
        np.zeros(2), np.zeros((2, 3)), np.zeros((2, 3, 3))
    )
    for got, expected in zip(seen, (log_weights, means, factors), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_the_values(layout):
    for shape in [(0, 2), (1, 1), (5, 3)]:
        for dtype in (np.float64, np.float32):
            x = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
            laid_out = LAYOUTS[layout](x)
            assert laid_out.dtype == dtype
            np.testing.assert_array_equal(laid_out, x)


def test_condition_numbers_are_those_asked_for():
    mixture = make_mixture(6, 3, log10_condition=5.0)
    np.testing.assert_allclose(np.linalg.cond(mixture.covariances), 1e5, rtol=1e-9)

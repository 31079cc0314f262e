"""The NumPy references of the benchmarks, against scipy, finite differences and each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2, multivariate_normal

from benchmarks import numpy_reference as reference
from benchmarks.numpy_reference import Array, Mixture, Moments

SHAPES = [(1, 1), (1, 3), (2, 5), (3, 20), (6, 10), (25, 3), (40, 2)]
MOMENTS = [reference.plain_moments, reference.blocked_moments]
LOGPDFS = [reference.plain_logpdf, reference.blocked_logpdf]


def make_mixture(nvars: int, ngauss: int, seed: int = 0) -> Mixture:
    rng = np.random.default_rng([seed, nvars, ngauss])
    roots = rng.standard_normal((ngauss, nvars, 2 * nvars + 1)) / np.sqrt(2 * nvars + 1)
    weights = rng.dirichlet(np.full(ngauss, 3.0))
    means = 2.0 * rng.standard_normal((ngauss, nvars)) + 5.0
    return Mixture.from_covariances(weights, means, roots @ roots.transpose(0, 2, 1))


def make_points(mixture: Mixture, n: int = 211) -> Array:
    rng = np.random.default_rng(n)
    points, _ = reference.plain_sample(mixture, n, rng)
    return points


def scipy_log_terms(mixture: Mixture, points: Array) -> Array:
    columns = [
        np.log(weight) + np.atleast_1d(multivariate_normal(mean, covariance).logpdf(points))
        for weight, mean, covariance in zip(
            mixture.weights, mixture.means, mixture.covariances, strict=True
        )
    ]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
@pytest.mark.parametrize("logpdf", LOGPDFS)
def test_log_density_is_that_of_scipy(logpdf: Callable[..., Array], nvars: int, ngauss: int):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture)
    expected = logsumexp(scipy_log_terms(mixture, points), axis=1)
    np.testing.assert_allclose(logpdf(mixture, points), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("logpdf", LOGPDFS)
def test_log_density_is_exact_far_from_every_component(logpdf: Callable[..., Array]):
    mixture = make_mixture(3, 4)
    points = make_points(mixture, 5) + 1e6
    expected = logsumexp(scipy_log_terms(mixture, points), axis=1)
    assert (expected < -1e10).all()
    np.testing.assert_allclose(logpdf(mixture, points), expected, rtol=1e-9)


@pytest.mark.parametrize("chunk", [1, 7, 210, 211, 212])
def test_chunks_of_any_size_give_the_same_answer(chunk: int):
    mixture = make_mixture(3, 4)
    points = make_points(mixture)
    np.testing.assert_allclose(
        reference.blocked_logpdf(mixture, points, chunk=chunk),
        reference.plain_logpdf(mixture, points),
        rtol=1e-12,
    )
    blocked = reference.blocked_moments(mixture, points, chunk=chunk)
    np.testing.assert_allclose(
        blocked.s2, reference.plain_moments(mixture, points).s2, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("moments", MOMENTS)
def test_moments_are_their_definition(
    moments: Callable[..., Moments], weighted: bool, nvars: int, ngauss: int
):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture)
    weight = np.random.default_rng(1).uniform(0.0, 3.0, len(points)) if weighted else None
    counts = np.ones(len(points)) if weight is None else weight
    terms = scipy_log_terms(mixture, points)
    logpdf = logsumexp(terms, axis=1)
    shares = counts[:, None] * np.exp(terms - logpdf[:, None])
    residuals = points[:, None, :] - mixture.means
    found = moments(mixture, points, weight)
    assert found.loglik == pytest.approx(counts @ logpdf, rel=1e-12)
    np.testing.assert_allclose(found.s0, shares.sum(axis=0), rtol=1e-9)
    tolerances = {"rtol": 1e-8, "atol": 1e-9 * len(points)}
    np.testing.assert_allclose(found.s1, np.einsum("ik,ikj->kj", shares, residuals), **tolerances)
    np.testing.assert_allclose(
        found.s2, np.einsum("ik,ikj,ikl->kjl", shares, residuals, residuals), **tolerances
    )


def test_responsibilities_sum_to_one_and_weigh_the_components():
    mixture = make_mixture(2, 5)
    points = make_points(mixture)
    shares = reference.plain_responsibilities(mixture, points)
    terms = scipy_log_terms(mixture, points)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-13)
    np.testing.assert_allclose(
        shares, np.exp(terms - logsumexp(terms, axis=1)[:, None]), rtol=1e-9, atol=1e-300
    )


def central_difference(function: Callable[[Array], float], at: Array) -> Array:
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        step = 1e-5 * max(1.0, abs(at[index]))
        ends = []
        for sign in (1.0, -1.0):
            moved = at.copy()
            moved[index] += sign * step
            ends.append(function(moved))
        gradient[index] = (ends[0] - ends[1]) / (2.0 * step)
    return gradient


@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 1), (1, 3), (2, 4), (3, 2), (6, 3)])
def test_gradient_in_factors_is_the_slope(nvars: int, ngauss: int):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture)

    def loglik(log_weights: Array, means: Array, factors: Array) -> float:
        normalised = log_weights - logsumexp(log_weights)
        return float(reference.plain_logpdf(Mixture(normalised, means, factors), points).sum())

    log_weights, means, factors = mixture.log_weights, mixture.means, mixture.factors
    expected = (
        central_difference(lambda value: loglik(value, means, factors), log_weights),
        central_difference(lambda value: loglik(log_weights, value, factors), means),
        np.tril(central_difference(lambda value: loglik(log_weights, means, value), factors)),
    )
    found = reference.gradient_factors(mixture, reference.blocked_moments(mixture, points))
    for value, slope in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, slope, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 1), (1, 3), (2, 4), (3, 2), (6, 3)])
def test_gradient_in_standard_deviations_and_correlations_is_the_slope(nvars: int, ngauss: int):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture)
    first, second = np.triu_indices(nvars, 1)
    sigmas = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    outer = sigmas[:, :, None] * sigmas[:, None, :]
    rhos = (mixture.covariances / outer)[:, first, second]

    def loglik(weights: Array, means: Array, sigmas: Array, rhos: Array) -> float:
        correlations = np.broadcast_to(np.eye(nvars), (ngauss, nvars, nvars)).copy()
        correlations[:, first, second] = rhos
        correlations[:, second, first] = rhos
        covariances = correlations * sigmas[:, :, None] * sigmas[:, None, :]
        moved = Mixture.from_covariances(weights / weights.sum(), means, covariances)
        return float(reference.plain_logpdf(moved, points).sum())

    values = [mixture.weights, mixture.means, sigmas, rhos]
    found = reference.gradient_stdcorr(mixture, reference.plain_moments(mixture, points))
    for position, value in enumerate(values):

        def along(moved: Array, position: int = position) -> float:
            return loglik(*values[:position], moved, *values[position + 1 :])

        np.testing.assert_allclose(
            found[position], central_difference(along, value), rtol=1e-6, atol=1e-5
        )


@pytest.mark.parametrize("moments", MOMENTS)
def test_em_reaches_the_sample_moments_at_one_component(moments: Callable[..., Moments]):
    mixture = make_mixture(3, 1)
    points = make_points(make_mixture(3, 4))
    fitted = reference.em_update(mixture, moments(mixture, points))
    np.testing.assert_allclose(fitted.means[0], points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fitted.covariances[0], np.cov(points.T, ddof=0), rtol=1e-9)


def test_em_never_lowers_the_likelihood_and_stops_where_the_gradient_does():
    mixture = make_mixture(2, 2)
    points = make_points(mixture, 2000)
    path = []
    for _ in range(300):
        moments = reference.blocked_moments(mixture, points)
        path.append(moments.loglik)
        mixture = reference.em_update(mixture, moments)
    assert (np.diff(path) > -1e-8).all()
    gradient = reference.gradient_factors(mixture, reference.plain_moments(mixture, points))
    assert max(np.abs(part).max() for part in gradient) < 1e-3
    np.testing.assert_allclose(mixture.weights.sum(), 1.0, rtol=1e-14)


def test_em_refuses_a_component_without_points():
    mixture = make_mixture(2, 2)
    moments = reference.plain_moments(mixture, make_points(mixture))
    empty = Moments(moments.loglik, np.array([1.0, 0.0]), moments.s1, moments.s2)
    with pytest.raises(ZeroDivisionError, match="component 1 holds no points"):
        reference.em_update(mixture, empty)


@pytest.mark.parametrize("sample", [reference.plain_sample, reference.blocked_sample])
def test_draws_have_the_moments_of_their_components(sample: Callable[..., tuple[Array, Array]]):
    mixture = make_mixture(3, 4)
    n = 200_000
    points, labels = sample(mixture, n, np.random.default_rng(7))
    counts = np.bincount(labels, minlength=4)
    assert points.shape == (n, 3)
    assert counts.sum() == n
    statistic = ((counts - n * mixture.weights) ** 2 / (n * mixture.weights)).sum()
    assert statistic < chi2.isf(1e-6, 3)
    for k in range(4):
        drawn = points[labels == k]
        whitened = (drawn - mixture.means[k]) @ mixture.whiteners()[k].T
        bound = 6.0 / np.sqrt(len(drawn))
        assert np.abs(whitened.mean(axis=0)).max() < bound
        assert np.abs(np.cov(whitened.T) - np.eye(3)).max() < 2.0 * bound

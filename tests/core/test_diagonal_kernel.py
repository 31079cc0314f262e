"""Diagonal mixtures and the diagonal of the scatter, against loops over points and variables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mogfit import _core
from tests.core import EDGES
from tests.oracles import Mixture
from tests.strategies import LAYOUTS, make_mixture, make_points


def make_diagonal(nvars, ngauss, seed=0):
    """A random mixture of diagonal covariances."""
    rng = np.random.default_rng([seed, nvars, ngauss])
    variances = rng.uniform(0.2, 3.0, (ngauss, nvars))
    covariances = np.array([np.diag(row) for row in variances])
    means = 2 * rng.standard_normal((ngauss, nvars))
    return Mixture(rng.dirichlet(np.full(ngauss, 3.0)), means, covariances)


def as_triangular(mixture):
    """The same density by the triangular kernels: one more component, correlated, of weight 0."""
    nvars = mixture.means.shape[1]
    correlated = np.full((nvars, nvars), 0.1) + 0.9 * np.eye(nvars)
    return _core.PreparedMixture(
        np.append(mixture.weights, 0.0),
        np.vstack([mixture.means, np.zeros(nvars)]),
        np.concatenate([mixture.covariances, correlated[None]]),
    )


def expected_moments(mixture, points, deviations=None, weight=None):
    """loglik, S0, S1 and the diagonals of S2 of diagonal mixtures, by loops.

    NaN is missing. With errors of standard deviation e, y ~ N(mu, v + e^2) is seen, and
    x | y has the mean mu + v / (v + e^2) (y - mu) and the variance v e^2 / (v + e^2).
    """
    ngauss, nvars = mixture.means.shape
    loglik, s0 = 0.0, np.zeros(ngauss)
    s1, s2 = np.zeros((ngauss, nvars)), np.zeros((ngauss, nvars))
    for i, point in enumerate(points):
        s = 1.0 if weight is None else weight[i]
        terms, first, second = np.log(mixture.weights), np.zeros((ngauss, nvars)), []
        for k in range(ngauss):
            squares = np.zeros(nvars)
            for j in range(nvars):
                v = mixture.covariances[k, j, j]
                if np.isnan(point[j]):
                    squares[j] = v
                    continue
                e2 = 0.0 if deviations is None else deviations[i, j] ** 2
                y = point[j] - mixture.means[k, j]
                terms[k] += -0.5 * (y**2 / (v + e2) + np.log(2 * np.pi * (v + e2)))
                first[k, j] = v / (v + e2) * y
                squares[j] = first[k, j] ** 2 + v * e2 / (v + e2)
            second.append(squares)
        top = terms.max()
        total = top + np.log(np.exp(terms - top).sum())
        loglik += s * total
        for k in range(ngauss):
            r = s * np.exp(terms[k] - total)
            s0[k] += r
            s1[k] += r * first[k]
            s2[k] += r * second[k]
    return loglik, s0, s1, s2


def assert_moments(moments, expected, rtol=1e-10):
    # Responsibilities err by about eps * d * distance^2; sums are of at most some 1000 terms.
    loglik, s0, s1, s2 = expected
    scale = max(1.0, s0.sum())
    np.testing.assert_allclose(moments.loglik, loglik, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(moments.s0, s0, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(moments.s1, s1, rtol=rtol, atol=rtol * scale)
    diagonals = np.diagonal(moments.s2, axis1=1, axis2=2)
    np.testing.assert_allclose(diagonals, s2, rtol=rtol, atol=rtol * scale)


def assert_same_bits(one, two):
    for name in ("loglik", "s0", "s1", "s2"):
        assert np.asarray(getattr(one, name)).tobytes() == np.asarray(getattr(two, name)).tobytes()


def assert_diagonal(s2):
    off = ~np.eye(s2.shape[1], dtype=bool)
    assert not s2[:, off].any()


@pytest.mark.parametrize("nvars", range(1, 41))
def test_zeros_of_the_triangle_add_exactly_nothing(nvars):
    mixture = make_diagonal(nvars, 3)
    points = make_points(mixture, 300, inflate=2.0)
    diagonal, triangular = _core.PreparedMixture(*mixture), as_triangular(mixture)
    logpdf = _core.logpdf(diagonal, points)
    assert logpdf.tobytes() == _core.logpdf(triangular, points).tobytes()
    by_component = _core.component_logpdf(diagonal, points)
    np.testing.assert_array_equal(by_component, _core.component_logpdf(triangular, points)[:, :3])
    shares = _core.responsibilities(diagonal, points)
    np.testing.assert_array_equal(shares, _core.responsibilities(triangular, points)[:, :3])
    one, two = _core.data_pass(diagonal, points), _core.data_pass(triangular, points)
    assert one.loglik == two.loglik
    for name in ("s0", "s1", "s2"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name)[:3])


@pytest.mark.parametrize("nvars", range(1, 41))
def test_moments_of_every_dimension(nvars):
    mixture = make_diagonal(nvars, 2)
    points = make_points(mixture, 140)
    weight = np.random.default_rng(nvars).exponential(size=140)
    weight[::7] = 0.0
    expected = expected_moments(mixture, points, weight=weight)
    prepared = _core.PreparedMixture(*mixture)
    full = _core.data_pass(prepared, points, weight)
    diagonal = _core.data_pass(prepared, points, weight, diagonal=True)
    for moments in (full, diagonal):
        assert_moments(moments, expected)
    assert_diagonal(diagonal.s2)
    assert full.loglik == diagonal.loglik == _core.log_likelihood(prepared, points, weight)
    # S2 in full where it is asked for, off the diagonal as well.
    s = weight[:, None] * _core.responsibilities(prepared, points)
    for k, mean in enumerate(mixture.means):
        outer = (points - mean).T @ (s[:, k, None] * (points - mean))
        np.testing.assert_allclose(full.s2[k], outer, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("nvars", [1, 2, 3, 6, 7, 8, 9, 13, 16, 17, 18, 33])
def test_the_diagonal_of_the_scatter_of_correlated_components(nvars):
    mixture = make_mixture(nvars, 3)
    points = make_points(mixture, 500)
    prepared = _core.PreparedMixture(*mixture)
    full = _core.data_pass(prepared, points)
    diagonal = _core.data_pass(prepared, points, diagonal=True)
    diagonals = np.array([np.diag(np.diag(s2)) for s2 in full.s2])
    assert diagonal.loglik == full.loglik
    np.testing.assert_allclose(diagonal.s0, full.s0, rtol=1e-12)
    np.testing.assert_allclose(diagonal.s1, full.s1, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(diagonal.s2, diagonals, rtol=1e-12)


@pytest.mark.parametrize("count", EDGES)
@pytest.mark.parametrize("nvars", [1, 3, 9, 17])
def test_every_number_of_points(nvars, count):
    mixture = make_diagonal(nvars, 2)
    points = make_points(mixture, count)
    prepared = _core.PreparedMixture(*mixture)
    moments = _core.data_pass(prepared, points, diagonal=True)
    shares = _core.responsibilities(prepared, points)
    np.testing.assert_allclose(moments.s0, shares.sum(axis=0), rtol=1e-12, atol=1e-12)
    for k, mean in enumerate(mixture.means):
        squares = shares[:, k] @ (points - mean) ** 2
        np.testing.assert_allclose(np.diag(moments.s2[k]), squares, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("nvars", [1, 2, 3, 8, 17, 40])
def test_layouts_and_threads_change_no_bit(nvars, dtype):
    mixture = make_diagonal(nvars, 4)
    points = make_points(mixture, 20_000 // nvars).astype(dtype)
    prepared = _core.PreparedMixture(*mixture)
    expected = _core.data_pass(prepared, points.astype(float), threads=1, diagonal=True)
    for layout in LAYOUTS.values():
        seen = _core.data_pass(prepared, layout(points), threads=1, diagonal=True)
        assert_same_bits(seen, expected)
    for threads in (2, 5):
        seen = _core.data_pass(prepared, points, threads=threads, diagonal=True)
        assert_same_bits(seen, expected)


@pytest.mark.parametrize("nvars", [2, 3, 9, 18])
@pytest.mark.parametrize("noise", [None, "deviations", "shared"])
@pytest.mark.parametrize("missing", [False, True])
def test_missing_and_noisy_values(nvars, noise, missing):
    mixture = make_diagonal(nvars, 3)
    points = make_points(mixture, 150)
    rng = np.random.default_rng(nvars)
    deviations = None
    given = {}
    if noise == "deviations":
        deviations = given["deviations"] = rng.uniform(0.0, 2.0, points.shape)
    elif noise == "shared":
        deviations = np.tile(rng.uniform(0.1, 2.0, nvars), (150, 1))
        given["shared"] = np.diag(deviations[0] ** 2)
    if missing:
        points[rng.random(points.shape) < 0.3] = np.nan
        points[7] = np.nan
        given["missing"] = True
    weight = rng.exponential(size=150)
    data = _core.Observations(points, weight, **given)
    prepared = _core.PreparedMixture(*mixture)
    expected = expected_moments(mixture, points, deviations, weight)
    for diagonal in (False, True):
        moments = _core.data_pass(prepared, data, diagonal=diagonal)
        assert_moments(moments, expected)
    assert_diagonal(moments.s2)
    other = _core.data_pass(prepared, data, threads=3, diagonal=True)
    assert_same_bits(other, moments)


@pytest.mark.parametrize("correlated", ["mixture", "noise"])
def test_the_diagonal_where_variables_tell_of_each_other(correlated):
    # gain S2 gain^T needs all of S2: its diagonal is more than that of S2.
    mixture = make_mixture(4, 3) if correlated == "mixture" else make_diagonal(4, 3)
    points = make_points(mixture, 400)
    rng = np.random.default_rng(0)
    points[rng.random(points.shape) < 0.3] = np.nan
    shared = None if correlated == "mixture" else 0.5 * np.eye(4) + 0.4
    data = _core.Observations(points, missing=True, shared=shared)
    prepared = _core.PreparedMixture(*mixture)
    full = _core.data_pass(prepared, data)
    diagonal = _core.data_pass(prepared, data, diagonal=True)
    assert diagonal.loglik == full.loglik
    np.testing.assert_array_equal(diagonal.s2, [np.diag(np.diag(s2)) for s2 in full.s2])


@pytest.mark.parametrize("nvars", [1, 2, 5, 17])
def test_domains(nvars):
    mixture = make_diagonal(nvars, 3)
    points = make_points(mixture, 600)
    bounds = np.array([np.full(nvars, -4.0), np.full(nvars, 5.0)])
    bounds[1, -1] = np.inf
    points = points[((points > bounds[0]) & (points < bounds[1])).all(axis=1)]
    assert len(points) > 20
    prepared = _core.PreparedMixture(*mixture, domain=bounds)
    sigmas = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    edges = [norm.cdf(bound, mixture.means, sigmas) for bound in bounds]
    masses = (edges[1] - edges[0]).prod(axis=1)
    inside = mixture._replace(weights=mixture.weights / masses)
    for diagonal in (False, True):
        moments = _core.data_pass(prepared, points, diagonal=diagonal)
        assert_moments(moments, expected_moments(inside, points), rtol=1e-9)
    assert_diagonal(moments.s2)
    outside = np.vstack([points, np.full(nvars, -4.5)])
    assert _core.data_pass(prepared, outside, diagonal=True).loglik == -np.inf


def test_far_and_unusual_points():
    prepared = _core.PreparedMixture(*make_diagonal(3, 2))
    points = np.array([[1e8, 0.0, 0.0], [0.0, -1e150, 0.0], [1.0, 2.0, 3.0]])
    moments = _core.data_pass(prepared, points[[0, 2]], diagonal=True)
    assert moments.s0.sum() == pytest.approx(2.0, rel=1e-14)
    assert np.isfinite(moments.loglik)
    broken = np.vstack([points, [np.nan, 0.0, 0.0]])
    assert np.isnan(_core.data_pass(prepared, broken, diagonal=True).loglik)
    counted = _core.data_pass(prepared, broken, [0, 0, 1, 0], diagonal=True)
    alone = _core.data_pass(prepared, points[2:], diagonal=True)
    assert_same_bits(counted, alone)

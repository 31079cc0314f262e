"""Draws: the right distribution, the same for the same seed, and independent of each other.

Every p-value is that of a fixed seed, so nothing here fails by chance; the level of each test is
1e-4 divided by the number of comparisons that it makes (Bonferroni).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import solve_triangular

from mogfit import _core
from mogfit.errors import InputError
from tests.core import prepare
from tests.oracles import Mixture
from tests.strategies import make_mixture

LEVEL = 1e-4
SHAPES = [(1, 1), (1, 4), (2, 3), (3, 20), (5, 2), (16, 3), (20, 2), (33, 2)]


def standard_normals(count, seed, nvars=1):
    prepared = _core.PreparedMixture([1.0], [np.zeros(nvars)], [np.eye(nvars)])
    return _core.sample(prepared, count, seed)[0]


def whitened(mixture, points, labels):
    """z with x = mu + L z, for the component that each point came from."""
    z = np.empty_like(points)
    for k, covariance in enumerate(mixture.covariances):
        lower = np.linalg.cholesky(covariance)
        chosen = labels == k
        z[chosen] = solve_triangular(lower, (points[chosen] - mixture.means[k]).T, lower=True).T
    return z


def assert_uncorrelated(one, two, comparisons=1):
    """The correlation of independent normals is normal with variance 1 / n."""
    statistic = np.mean(one * two) * np.sqrt(len(one))
    assert 2 * stats.norm.sf(abs(statistic)) > LEVEL / comparisons


# The distribution


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
@pytest.mark.parametrize("seed", [0, 12345])
def test_labels_follow_the_weights(nvars, ngauss, seed):
    mixture = make_mixture(nvars, ngauss)
    _, labels = _core.sample(prepare(mixture), 50_000, seed)
    assert labels.min() >= 0
    counts = np.bincount(labels, minlength=ngauss)
    assert len(counts) == ngauss
    if ngauss > 1:
        assert stats.chisquare(counts, 50_000 * mixture.weights).pvalue > LEVEL


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_whitened_coordinates_are_standard_normal(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    points, labels = _core.sample(prepare(mixture), 40_000, 7)
    z = whitened(mixture, points, labels)
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > LEVEL / nvars
    assert stats.kstest(np.square(z).sum(axis=1), stats.chi2(nvars).cdf).pvalue > LEVEL
    # Every component by itself, so that no two of them make up for each other.
    for k in range(ngauss):
        radii = np.square(z[labels == k]).sum(axis=1)
        assert stats.kstest(radii, stats.chi2(nvars).cdf).pvalue > LEVEL / ngauss


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_moments_are_those_of_the_mixture(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    count = 100_000
    points, _ = _core.sample(prepare(mixture), count, 99)
    mean = mixture.weights @ mixture.means
    y = mixture.means - mean
    covariance = np.tensordot(mixture.weights, mixture.covariances, 1)
    covariance += (y * mixture.weights[:, None]).T @ y
    error = (points.mean(axis=0) - mean) / np.sqrt(np.diagonal(covariance) / count)
    assert 2 * stats.norm.sf(abs(error).max()) > LEVEL / nvars
    centred = points - mean
    for i, column in enumerate(centred.T):
        products = centred * column[:, None]
        deviation = products.mean(axis=0) - covariance[i]
        deviation /= products.std(axis=0) / np.sqrt(count)
        assert 2 * stats.norm.sf(abs(deviation).max()) > LEVEL / nvars**2


def test_coordinates_are_independent():
    z = standard_normals(100_000, 3, nvars=20)
    pairs = [(i, j) for i in range(20) for j in range(i)]
    for i, j in pairs:
        assert_uncorrelated(z[:, i], z[:, j], 2 * len(pairs))
        assert_uncorrelated(
            (z[:, i] ** 2 - 1) / np.sqrt(2), (z[:, j] ** 2 - 1) / np.sqrt(2), 2 * len(pairs)
        )


def test_points_are_independent_of_those_before():
    # Around every length that lanes, blocks and counters may have.
    z = standard_normals(300_000, 4)[:, 0]
    lags = [1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 128, 255, 256, 257, 512, 1024, 2048, 4096,
            8192, 16384, 32768, 65536]  # fmt: skip
    for lag in lags:
        assert_uncorrelated(z[lag:], z[:-lag], 2 * len(lags))
        squares = (z**2 - 1) / np.sqrt(2)
        assert_uncorrelated(squares[lag:], squares[:-lag], 2 * len(lags))


def test_labels_are_independent_of_points_and_of_each_other():
    mixture = Mixture(np.array([0.25, 0.75]), np.zeros((2, 1)), np.ones((2, 1, 1)))
    points, labels = _core.sample(prepare(mixture), 200_000, 5)
    coin = (labels - 0.75) / np.sqrt(0.25 * 0.75)
    for lag in (0, 1, 2, 4, 8, 16, 256):
        stop = len(coin) - lag
        assert_uncorrelated(coin[lag:], points[:stop, 0], 24)
        assert_uncorrelated(coin[:stop], points[lag:, 0], 24)
        if lag:
            assert_uncorrelated(coin[lag:], coin[:stop], 24)


def test_tails_are_as_heavy_as_they_should_be():
    z = standard_normals(500_000, 6, nvars=4).ravel()
    for sign in (-1, 1):
        for edge in (3.0, 4.0, 4.5, 5.0):
            expected = len(z) * stats.norm.sf(edge)
            seen = int(np.count_nonzero(sign * z > edge))
            p = min(stats.poisson.cdf(seen, expected), stats.poisson.sf(seen - 1, expected))
            assert p > LEVEL / 16
    assert np.isfinite(z).all()


def test_the_whole_distribution_is_normal_to_three_digits():
    z = standard_normals(1_000_000, 8, nvars=2).ravel()
    edges = stats.norm.ppf(np.linspace(0, 1, 1001))
    counts, _ = np.histogram(z, edges)
    assert stats.chisquare(counts).pvalue > LEVEL


def test_no_point_is_drawn_twice():
    # 53-bit uniforms make a pair equal among 1e6 with probability 1e-4; 32-bit ones make 100.
    z = standard_normals(1_000_000, 9)[:, 0]
    assert len(np.unique(z)) >= len(z) - 1


def test_p_values_of_many_seeds_are_uniform():
    p = [stats.kstest(standard_normals(400, seed)[:, 0], "norm").pvalue for seed in range(300)]
    assert stats.kstest(p, "uniform").pvalue > LEVEL


# Seeds


def test_the_same_seed_gives_the_same_bits():
    prepared = prepare(make_mixture(3, 4))
    for count in (1, 100, 10_000):
        for one, two in zip(
            _core.sample(prepared, count, 5), _core.sample(prepared, count, 5), strict=True
        ):
            np.testing.assert_array_equal(one, two)


def test_other_seeds_give_other_points():
    draws = {seed: standard_normals(20_000, seed)[:, 0] for seed in
             (0, 1, 2, 3, 2**31, 2**32, 2**32 + 1, 2**63, 2**64 - 1)}  # fmt: skip
    seeds = list(draws)
    pairs = [(a, b) for i, a in enumerate(seeds) for b in seeds[:i]]
    for a, b in pairs:
        assert not np.isin(draws[a][:2000], draws[b]).any()
        assert_uncorrelated(draws[a], draws[b], len(pairs))


@pytest.mark.parametrize("nvars", [1, 3, 20])
def test_fewer_draws_are_the_first_of_more(nvars):
    prepared = prepare(make_mixture(nvars, 4))
    points, labels = _core.sample(prepared, 70_000, 11)
    for count in (1, 2, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 65537):
        fewer, their_labels = _core.sample(prepared, count, 11)
        np.testing.assert_array_equal(fewer, points[:count])
        np.testing.assert_array_equal(their_labels, labels[:count])


def test_numpy_global_state_is_untouched():
    before = np.random.get_state()  # noqa: NPY002
    standard_normals(100, 1)
    after = np.random.get_state()  # noqa: NPY002
    assert before[2] == after[2]
    np.testing.assert_array_equal(before[1], after[1])


# Edges


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_shapes_and_dtypes(nvars, ngauss):
    prepared = prepare(make_mixture(nvars, ngauss))
    for count in (0, 1, 17):
        points, labels = _core.sample(prepared, count, 1)
        assert points.shape == (count, nvars)
        assert points.dtype == np.float64
        assert points.flags.c_contiguous
        assert points.flags.writeable
        assert labels.shape == (count,)
        assert labels.dtype == np.int64


def test_a_component_of_weight_zero_is_never_drawn():
    for weights in ([0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.3, 0.7], [0.3, 0.7, 0.0]):
        mixture = make_mixture(2, 3)._replace(weights=np.array(weights))
        _, labels = _core.sample(prepare(mixture), 100_000, 2)
        assert set(labels) == set(np.flatnonzero(weights))


@pytest.mark.parametrize("total", [1e-300, 0.1, 2.0, 1e300])
def test_weights_are_drawn_in_proportion(total):
    weights = total * np.array([0.1, 0.2, 0.7])
    mixture = make_mixture(2, 3)._replace(weights=weights)
    _, labels = _core.sample(prepare(mixture), 50_000, 3)
    counts = np.bincount(labels, minlength=3)
    assert stats.chisquare(counts, 50_000 * weights / weights.sum()).pvalue > LEVEL


def test_forty_thousand_components_of_one_weight():
    # A cumulative sum that falls short of 1 must not give a label that does not exist.
    ngauss = 40_000
    prepared = _core.PreparedMixture(
        np.full(ngauss, 1 / ngauss),
        np.arange(float(ngauss))[:, None],
        np.full((ngauss, 1, 1), 1e-6),
    )
    points, labels = _core.sample(prepared, 400_000, 3)
    assert labels.max() < ngauss
    assert abs(points[:, 0] - labels).max() < 0.01
    assert stats.chisquare(np.bincount(labels, minlength=ngauss)).pvalue > LEVEL


def test_badly_scaled_covariances_are_drawn():
    covariance = np.diag([1e-12, 1e12]) + np.array([[0.0, 0.5], [0.5, 0.0]])
    prepared = _core.PreparedMixture([1.0], [[1.0, -1.0]], [covariance])
    points, _ = _core.sample(prepared, 50_000, 1)
    z = (points - [1.0, -1.0]) / np.sqrt(np.diagonal(covariance))
    assert stats.kstest(z[:, 0], "norm").pvalue > LEVEL
    assert stats.kstest(z[:, 1], "norm").pvalue > LEVEL
    # Fisher's transform of a correlation is normal with variance 1 / (n - 3).
    shift = np.arctanh(np.corrcoef(z.T)[0, 1]) - np.arctanh(0.5)
    assert 2 * stats.norm.sf(abs(shift) * np.sqrt(len(z) - 3)) > LEVEL


def test_numbers_that_cannot_be_drawn_are_refused():
    prepared = prepare(make_mixture(2, 2))
    with pytest.raises(InputError, match=r"n: .*-1"):
        _core.sample(prepared, -1, 1)
    for count, seed in [(1.5, 1), ("3", 1), (3, -1), (3, 2**64), (3, 1.5), (3, None)]:
        with pytest.raises((TypeError, InputError)):
            _core.sample(prepared, count, seed)
    for count in (2**45, 2**60):
        with pytest.raises((MemoryError, ValueError)):
            _core.sample(prepared, count, 1)

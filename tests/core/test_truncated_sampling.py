"""Draws inside a domain: the right distribution in any tail, and the same for the same seed.

As for draws without a domain, every p-value is that of a fixed seed and the level of each test is
1e-4 divided by the number of its comparisons.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_ndtr

from mogfit import _core
from mogfit.errors import DegenerateError
from tests import box_oracles
from tests.core import prepare
from tests.oracles import Mixture
from tests.strategies import make_mixture

LEVEL = 1e-4
INF = np.inf


def truncated(mean, covariance, lower, upper):
    return _core.PreparedMixture([1.0], [mean], [covariance], domain=[lower, upper])


def one_factor(nvars, seed, upper=0.8):
    """Loadings and specific variances of a correlation matrix l l^T + diag(v)."""
    loadings = np.random.default_rng([seed, nvars]).uniform(-upper, upper, nvars)
    return loadings, 1 - loadings**2


def correlated(nvars, seed):
    loadings, specific = one_factor(nvars, seed)
    return np.outer(loadings, loadings) + np.diag(specific)


# Sides in standard deviations: (name, lower, upper)
BOXES = [
    ("half a line", [0.7], [INF]),
    ("far below", [-INF], [-12.0]),
    ("interval", [-0.3], [1.0]),
    ("most of the mass", [-2.5, -3.0], [3.0, INF]),
    ("a tenth of the mass", [-0.7, -0.7, -0.7], [0.8, 0.8, 0.8]),
    ("orthant", [0.0, 0.0, 0.0], [INF, INF, INF]),
    ("corner of a tail", [2.5, -INF, 3.0], [INF, -2.0, 5.0]),
    ("free ones", [1.0, -INF, -INF, 0.5], [INF, INF, INF, 0.7]),
    ("forty sigma", [40.0, 40.0], [INF, INF]),
    ("narrow", [3.0, -INF, 0.0], [3.0 + 1e-6, 0.1, 1e-3]),
    ("five", [0.5] * 5, [INF] * 5),
    ("eight", [-0.5] * 8, [0.8] * 8),
    ("twenty, upper sides", [-INF] * 20, [0.3] * 20),
]
NAMES = [name for name, _, _ in BOXES]


def case(name):
    """Mean, covariance and sides in units that differ from variable to variable."""
    _, lower, upper = BOXES[NAMES.index(name)]
    nvars = len(lower)
    rng = np.random.default_rng([7, nvars])
    scales = 10.0 ** rng.uniform(-3, 3, nvars)
    mean = scales * rng.normal(size=nvars)
    covariance = correlated(nvars, 1) * np.outer(scales, scales)
    return mean, covariance, mean + scales * lower, mean + scales * upper


def truncated_normal_cdf(x, lower, upper):
    """P(Z <= x | lower <= Z <= upper), differences of tails taken on the side that is light."""
    flip = lower > -upper
    x, lower, upper = (
        np.where(flip, -x, x),
        np.where(flip, -upper, lower),
        np.where(flip, -lower, upper),
    )
    top, at, bottom = log_ndtr(upper), log_ndtr(x), log_ndtr(lower)
    below = np.exp(at - top) * np.expm1(bottom - at) / np.expm1(bottom - top)
    return np.where(flip, 1 - below, below)


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_given_the_others_is_a_truncated_normal(name):
    # These conditionals determine the distribution (Besag 1974), and none needs the box's mass.
    mean, covariance, lower, upper = case(name)
    points, _ = _core.sample(truncated(mean, covariance, lower, upper), 20_000, 1)
    assert (points >= lower).all()
    assert (points <= upper).all()
    precision = np.linalg.inv(covariance)
    y = points - mean
    for j in range(len(mean)):
        deviation = 1 / np.sqrt(precision[j, j])
        centre = points[:, j] - (y @ precision[j]) / precision[j, j]
        u = truncated_normal_cdf(
            (points[:, j] - centre) / deviation,
            (lower[j] - centre) / deviation,
            (upper[j] - centre) / deviation,
        )
        assert stats.kstest(u, "uniform").pvalue > LEVEL / len(mean)


@pytest.mark.parametrize("name", [name for name, low, _ in BOXES if len(low) <= 4])
def test_moments_are_those_of_the_box(name):
    mean, covariance, lower, upper = case(name)
    count = 100_000
    points, _ = _core.sample(truncated(mean, covariance, lower, upper), count, 2)
    _, _, first, excess = _core.box_probability(mean, covariance, lower, upper)
    y = points - mean
    nvars = len(mean)
    pairs = [(i, j) for i in range(nvars) for j in range(i + 1)]

    def p_value(values, expected):
        error = values.std() / np.sqrt(count)
        return 2 * stats.norm.sf(abs(values.mean() - expected) / error)

    for j in range(nvars):
        assert p_value(y[:, j], first[j]) > LEVEL / nvars
    # About the expected mean, so that a narrow side far away does not drown the rest.
    second = excess + covariance - np.outer(first, first)
    centred = y - first
    for i, j in pairs:
        # What the difference of the moments loses to rounding.
        rounding = 1e-8 * abs(first[i] * first[j])
        if abs(second[i, j]) > rounding:
            assert p_value(centred[:, i] * centred[:, j], second[i, j]) > LEVEL / len(pairs)


@pytest.mark.parametrize(
    ("nvars", "lower", "upper"),
    [
        (2, [6.0, -1.0], [INF, INF]),
        (2, [5.0, 4.0], [6.0, 7.0]),
        (3, [3.0, 4.0, 4.5], [INF, INF, INF]),
        (6, [3.5] * 6, [INF] * 6),
    ],
)
def test_cells_far_in_the_tail_hold_their_probability(nvars, lower, upper):
    loadings, specific = one_factor(nvars, 3, upper=0.6)
    loadings = abs(loadings)
    covariance = np.outer(loadings, loadings) + np.diag(specific)
    prepared = truncated(np.zeros(nvars), covariance, lower, upper)
    points, _ = _core.sample(prepared, 50_000, 3)

    def mass(below, above):
        return box_oracles.one_factor(
            [0.0] * nvars, loadings, specific, below, above, digits=8, slopes=False
        ).z

    whole = mass(lower, upper)
    assert whole < 1e-8
    # Cells of the first two variables, the others anywhere, with about as many points in each.
    edges = [
        [lower[j], *np.quantile(points[:2000, j], [0.25, 0.5, 0.75]), upper[j]] for j in range(2)
    ]
    rest = points[2000:]
    cells = [np.searchsorted(edges[j][1:-1], rest[:, j]) for j in range(2)]
    seen = np.bincount(4 * cells[0] + cells[1], minlength=16)
    share = [
        float(
            mass(
                [edges[0][i], edges[1][j], *lower[2:]],
                [edges[0][i + 1], edges[1][j + 1], *upper[2:]],
            )
            / whole
        )
        for i, j in itertools.product(range(4), repeat=2)
    ]
    assert abs(sum(share) - 1) < 1e-6
    assert stats.chisquare(seen, len(rest) * np.array(share) / sum(share)).pvalue > LEVEL


def test_labels_follow_the_weights_of_the_truncated_components():
    mixture = make_mixture(3, 4)
    domain = [[-0.5, -INF, 0.0], [1.0, 0.5, INF]]
    prepared = prepare(mixture).with_domain(domain)
    points, labels = _core.sample(prepared, 50_000, 4)
    assert ((points >= domain[0]) & (points <= domain[1])).all()
    assert stats.chisquare(np.bincount(labels), 50_000 * mixture.weights).pvalue > LEVEL


def test_points_of_each_label_come_from_its_component():
    mixture = make_mixture(2, 3)
    lower, upper = [-1.0, 0.0], [0.5, INF]
    points, labels = _core.sample(prepare(mixture).with_domain([lower, upper]), 60_000, 5)
    for k in range(3):
        chosen = points[labels == k]
        _, _, first, excess = _core.box_probability(
            mixture.means[k], mixture.covariances[k], lower, upper
        )
        deviation = np.sqrt(np.diagonal(excess + mixture.covariances[k]) - first**2)
        error = (chosen.mean(axis=0) - mixture.means[k] - first) / deviation
        assert 2 * stats.norm.sf(abs(error).max() * np.sqrt(len(chosen))) > LEVEL / 6


def test_a_component_of_weight_zero_is_never_drawn():
    mixture = make_mixture(2, 3)._replace(weights=np.array([0.0, 1.0, 0.0]))
    prepared = prepare(mixture).with_domain([[0.0, 0.0], [1.0, 1.0]])
    assert set(_core.sample(prepared, 10_000, 6)[1]) == {1}


def test_a_domain_without_sides_changes_no_bit():
    mixture = make_mixture(3, 4)
    plain = _core.sample(prepare(mixture), 10_000, 7)
    boundless = _core.sample(prepare(mixture).with_domain([[-INF] * 3, [INF] * 3]), 10_000, 7)
    for one, two in zip(plain, boundless, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("nvars", [1, 3, 8])
def test_threads_and_counts_change_no_bit(nvars):
    mixture = make_mixture(nvars, 3)
    prepared = prepare(mixture).with_domain([[0.0] * nvars, [2.0] * nvars])
    points, labels = _core.sample(prepared, 20_000, 8, threads=1)
    for threads in (2, 3):
        again = _core.sample(prepared, 20_000, 8, threads=threads)
        np.testing.assert_array_equal(again[0], points)
        np.testing.assert_array_equal(again[1], labels)
    for count in (0, 1, 255, 511, 512, 513, 4096, 12_345):
        fewer = _core.sample(prepared, count, 8)
        np.testing.assert_array_equal(fewer[0], points[:count])
        np.testing.assert_array_equal(fewer[1], labels[:count])
    assert not np.isin(_core.sample(prepared, 1000, 9)[0], points).any()


def test_no_point_is_drawn_twice():
    # In a tail 0.2 wide the doubles around 5 make a pair among 5e5 with probability 1e-3.
    prepared = truncated([0.0], [[1.0]], [5.0], [INF])
    points = _core.sample(prepared, 500_000, 10)[0][:, 0]
    assert len(np.unique(points)) >= len(points) - 1


def test_points_are_independent_of_those_before():
    prepared = truncated(np.zeros(2), correlated(2, 1), [0.5, 0.5], [INF, INF])
    x = _core.sample(prepared, 200_000, 11)[0][:, 0]
    z = (x - x.mean()) / x.std()
    lags = [1, 2, 3, 8, 64, 511, 512, 513, 1024]
    for lag in lags:
        statistic = np.mean(z[lag:] * z[:-lag]) * np.sqrt(len(z) - lag)
        assert 2 * stats.norm.sf(abs(statistic)) > LEVEL / len(lags)


def test_points_near_a_bound_keep_their_digits():
    # 1e-30 beside a mean of 5: nothing of it survives a subtraction.
    points, _ = _core.sample(truncated([-5.0], [[1.0]], [0.0], [1e-30]), 20_000, 12)
    assert stats.kstest(points[:, 0] * 1e30, "uniform").pvalue > LEVEL
    points, _ = _core.sample(truncated([1.0], [[1e-4]], [-1.0], [0.0]), 20_000, 13)
    # From 100 standard deviations away: exponential with rate 100 per 0.01, but for a part in 1e4.
    assert stats.kstest(-points[:, 0] * 1e4, "expon").statistic < 0.02


def test_what_cannot_be_drawn_exactly_is_refused():
    # The weights of proposals 10^7 standard deviations away are lost in rounding.
    covariance = [[1.0, 0.5], [0.5, 1.0]]
    mixture = _core.PreparedMixture(
        [0.5, 0.5], [[1e7, 1e7], [0.0, 0.0]], [covariance] * 2, domain=[[1e7, 1e7], [INF, INF]]
    )
    with pytest.raises(DegenerateError, match="component 1 holds next to no mass"):
        _core.sample(mixture, 100, 1)


def test_mixtures_with_many_components_are_drawn():
    mixture = Mixture(np.full(500, 1 / 500), np.linspace(-5, 5, 500)[:, None], np.ones((500, 1, 1)))
    points, labels = _core.sample(prepare(mixture).with_domain([[0.0], [1.0]]), 50_000, 14)
    assert ((points >= 0) & (points <= 1)).all()
    assert stats.chisquare(np.bincount(labels, minlength=500)).pvalue > LEVEL

"""`box_probability` as users call it: derivatives, moments, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import truncnorm

import mogfit as mn
from mogfit.errors import DomainError, InputError

MEAN = np.array([0.3, -0.2, 1.0])
SIGMA = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, -0.3], [0.2, -0.3, 0.8]])
LOWER, UPPER = np.array([-0.5, -np.inf, 0.4]), np.array([1.5, 0.7, np.inf])


def log_z(mean, sigma):
    return mn.box_probability(mean, sigma, LOWER, UPPER).log_probability


def test_gradients_are_those_of_log_z():
    found = mn.box_probability(MEAN, SIGMA, LOWER, UPPER)
    h = 1e-5
    by_mean = [
        (log_z(MEAN + h * e, SIGMA) - log_z(MEAN - h * e, SIGMA)) / (2 * h) for e in np.eye(3)
    ]
    np.testing.assert_allclose(found.gradient_mean, by_mean, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.gradient_covariance, found.gradient_covariance.T)
    for i in range(3):
        for j in range(i + 1):
            change = np.zeros((3, 3))
            change[i, j] = change[j, i] = h
            slope = (log_z(MEAN, SIGMA + change) - log_z(MEAN, SIGMA - change)) / (2 * h)
            expected = (found.gradient_covariance * (change > 0)).sum()
            assert slope == pytest.approx(expected, abs=1e-9)


def test_moments_are_those_of_points_in_the_box():
    found = mn.box_probability(MEAN, SIGMA, LOWER, UPPER)
    draws = np.random.default_rng(0).multivariate_normal(MEAN, SIGMA, 400_000)
    inside = draws[((draws >= LOWER) & (draws <= UPPER)).all(axis=1)]
    error = np.sqrt(np.diag(found.covariance) / len(inside))
    assert (np.abs(inside.mean(axis=0) - found.mean) < 5 * error).all()
    np.testing.assert_allclose(np.cov(inside.T), found.covariance, rtol=0, atol=0.02)
    share = len(inside) / len(draws)
    assert np.exp(found.log_probability) == pytest.approx(
        share, abs=5 * np.sqrt(share / len(draws))
    )


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 0.5), (3.0, np.inf), (-np.inf, -6.0), (37.0, 38.0)]
)
def test_one_variable_agrees_with_scipy(low, high):
    found = mn.box_probability(1.0, 4.0, [1 + 2 * low], [1 + 2 * high])
    assert mn.box_probability([1.0], [[4.0]], 1 + 2 * low, 1 + 2 * high)[0] == found[0]
    law = truncnorm(low, high, loc=1.0, scale=2.0)
    assert found.mean[0] == pytest.approx(law.mean(), rel=1e-10)
    assert found.covariance[0, 0] == pytest.approx(law.var(), rel=1e-5)


def test_units_far_apart_change_nothing_but_the_units():
    scale = np.array([1e-12, 1.0, 1e12])
    plain = mn.box_probability(MEAN, SIGMA, LOWER, UPPER)
    moved = mn.box_probability(
        scale * MEAN, SIGMA * np.outer(scale, scale), scale * LOWER, scale * UPPER
    )
    assert moved.log_probability == pytest.approx(plain.log_probability, rel=1e-12)
    np.testing.assert_allclose(moved.gradient_mean * scale, plain.gradient_mean, rtol=1e-10)
    np.testing.assert_allclose(
        moved.gradient_covariance * np.outer(scale, scale), plain.gradient_covariance, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[0, 0]], np.eye(2), [0, 0], [1, 1]), InputError, "mean"),
        (([0, 0], np.eye(3), [0, 0], [1, 1]), InputError, "covariance"),
        (([0, np.nan], np.eye(2), [0, 0], [1, 1]), InputError, "not finite"),
        (
            ([0, 0], [[1, 2], [2, 1]], [0, 0], [1, 1]),
            InputError,
            "covariance: .* positive definite",
        ),
        (([0, 0], np.eye(2), [0, 0, 0], [1, 1]), InputError, "lower"),
        (([0, 0], np.eye(2), [0, 2], [1, 1]), DomainError, "index 1"),
        (([0, 0], np.eye(2), [0, np.nan], [1, 1]), DomainError, "index 1"),
    ],
)
def test_bad_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        mn.box_probability(*arguments)


@pytest.mark.parametrize("rtol", [0.0, -1e-4, np.nan, "1e-4"])
def test_a_tolerance_is_a_positive_number(rtol):
    with pytest.raises(InputError, match="rtol"):
        mn.box_probability([0, 0], np.eye(2), [0, 0], [1, 1], rtol=rtol)

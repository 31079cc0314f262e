"""Coordinates of bounded fits: their gradient, and weights on a bounded simplex."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, check_grad

from mogfit import _core
from mogfit.inference.bounded import Bounds, _BoundedCoordinates, _BoundedSimplex
from mogfit.inference.checks import measure_spread
from mogfit.inference.likelihood import Likelihood
from mogfit.parameters import Stdcorr
from tests.fitting import POINTS, START, observed


def coordinates_of(ngauss=3, nvars=2, penalty=1e-4, weight=None):
    likelihood = Likelihood(
        observed(POINTS, weight), measure_spread(observed(POINTS, weight), None, 1), penalty, 1
    )
    shape, pairs = (ngauss, nvars), (ngauss, nvars * (nvars - 1) // 2)
    lower = Stdcorr(
        np.full(ngauss, 0.05), np.full(shape, -3.0), np.full(shape, 0.1), np.full(pairs, -0.9)
    )
    upper = Stdcorr(
        np.full(ngauss, 0.8), np.full(shape, 4.0), np.full(shape, 5.0), np.full(pairs, 0.9)
    )
    return _BoundedCoordinates(likelihood, Bounds(lower, upper), ngauss)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_objective(weighted, rng):
    weight = rng.uniform(0, 2, len(POINTS)) if weighted else None
    coordinates = coordinates_of(weight=weight)
    x = coordinates.start(START._prepared) + 0.05 * rng.normal(size=18)
    value, gradient = coordinates.objective(x)
    assert np.abs(gradient).max() > 0.01, "not at an optimum, or the test shows nothing"
    error = check_grad(
        lambda y: coordinates.objective(y)[0], lambda y: coordinates.objective(y)[1], x
    )
    # Forward differences with steps of 1.5e-8: curvature times the step, and rounding over it.
    assert error < 3e-7 * np.sqrt(x.size)
    assert value == pytest.approx(coordinates.objective(x)[0], rel=0)


def test_the_objective_is_the_penalised_likelihood_per_weight():
    coordinates = coordinates_of()
    x = coordinates.start(START._prepared)
    at, parts = coordinates.mixture(x)
    # The start lies within the bounds: it is taken as it is.
    np.testing.assert_allclose(parts.mus, START.mus, rtol=1e-13)
    np.testing.assert_allclose(parts.weights, START.weights, rtol=1e-9)
    S = np.cov(POINTS.T, bias=True)
    penalty = 1e-4 * sum(
        np.trace(np.linalg.solve(C, S)) + np.linalg.slogdet(C)[1] for C in START.Sigmas
    )
    expected = penalty - START.logpdf(POINTS).mean()
    assert coordinates.objective(x)[0] == pytest.approx(expected, rel=1e-9)
    assert at.ngauss == 3


@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=6),
    st.floats(0.0, 0.99),
    st.floats(0.01, 1.0),
)
def test_weights_lie_between_their_bounds_and_sum_to_1(v, low_share, high_share):
    count = len(v)
    low = np.full(count, low_share / count)
    high = np.full(count, 1.0 / count + high_share * (1.0 - 1.0 / count))
    weights = _BoundedSimplex(low, high).weights(np.array(v))
    assert abs(weights.sum() - 1.0) < 1e-12
    assert (weights >= low - 1e-16).all()
    assert (weights <= high + 1e-16).all()


def test_weights_come_back_from_their_free_numbers():
    simplex = _BoundedSimplex(np.full(3, 0.1), np.full(3, 0.6))
    weights = np.array([0.15, 0.3, 0.55])
    np.testing.assert_allclose(simplex.weights(simplex.free_numbers(weights)), weights, rtol=1e-12)


def test_the_simplex_has_the_gradient_of_its_map():
    simplex = _BoundedSimplex(np.array([0.0, 0.1, 0.2]), np.array([0.5, 0.6, 0.9]))
    v, by_weight = np.array([0.3, -1.0, 0.7]), np.array([2.0, -1.0, 0.5])
    simplex.weights(v)
    expected = approx_fprime(v, lambda u: by_weight @ simplex.weights(u), 1e-7)
    simplex.weights(v)
    np.testing.assert_allclose(simplex.gradient(by_weight), expected, atol=1e-6)


def test_bounds_that_leave_one_choice_leave_no_gradient():
    simplex = _BoundedSimplex(np.array([1.0]), np.array([1.0]))
    np.testing.assert_array_equal(simplex.weights(np.array([3.0])), [1.0])
    np.testing.assert_array_equal(simplex.gradient(np.array([5.0])), [0.0])
    tight = _BoundedSimplex(np.array([0.3, 0.7]), np.array([0.4, 0.9]))
    np.testing.assert_array_equal(tight.weights(np.zeros(2)), [0.3, 0.7])


def test_the_start_is_the_nearest_point_of_the_box():
    coordinates = coordinates_of()
    far = _core.PreparedMixture(
        np.full(3, 1 / 3), np.full((3, 2), 100.0), np.tile(1e4 * np.eye(2), (3, 1, 1))
    )
    _, parts = coordinates.mixture(coordinates.start(far))
    np.testing.assert_allclose(parts.mus, 4.0, rtol=1e-14)
    np.testing.assert_allclose(parts.sigmas, 5.0, rtol=1e-14)

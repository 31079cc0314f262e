"""The objective in whitened coordinates, and what a fit counts."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.inference.checks import measure_spread
from mogfit.inference.likelihood import Likelihood
from tests.fitting import POINTS, START, fit, observed, plain
from tests.oracles import numpy_em_step, numpy_moments, penalty_value


def likelihood_of(points=POINTS, weight=None, penalty=1e-9):
    return Likelihood(
        observed(points, weight), measure_spread(observed(points, weight), None, 1), penalty, 1
    )


def central_differences(function, at, step):
    columns = []
    for i in range(at.size):
        move = np.zeros(at.size)
        move[i] = step
        columns.append((function(at + move) - function(at - move)) / (2 * step))
    return np.array(columns)


@pytest.mark.parametrize("nvars", [1, 2, 4])
def test_at_one_component_the_hessian_is_the_identity(nvars, rng):
    points = rng.normal(size=(400, nvars)) @ rng.normal(size=(nvars, nvars)) * 1e3 + 7.0
    likelihood = likelihood_of(points)
    location, _, covariance = likelihood.spread
    optimum = _core.PreparedMixture(np.ones(1), location[None], covariance[None])
    coordinates = _core.WhitenedCoordinates(optimum)
    gradient = lambda theta: likelihood.whitened_objective(coordinates, theta)[1]  # noqa: E731
    hessian = central_differences(gradient, np.zeros(coordinates.size), 1e-5)
    # Truncation of order step**2, rounding of order eps / step.
    np.testing.assert_allclose(hessian, np.eye(coordinates.size), atol=1e-9)


def test_the_whitened_gradient_is_that_of_the_objective(rng):
    likelihood = likelihood_of(weight=rng.uniform(0, 2, len(POINTS)), penalty=1e-4)
    coordinates = _core.WhitenedCoordinates(START._prepared)
    theta = 0.1 * rng.normal(size=coordinates.size)
    value = lambda at: likelihood.whitened_objective(coordinates, at)[0]  # noqa: E731
    _, gradient, _ = likelihood.whitened_objective(coordinates, theta)
    assert np.abs(gradient).max() > 0.01
    # Step 1e-5: truncation 1e-10 times the third derivative, rounding eps |f| / step = 1e-10.
    np.testing.assert_allclose(central_differences(value, theta, 1e-5), gradient, atol=2e-9)


def test_the_objective_is_the_penalised_likelihood_per_unit_of_weight(rng):
    weight = rng.uniform(0, 2, len(POINTS))
    likelihood = likelihood_of(weight=weight, penalty=1e-3)
    coordinates = _core.WhitenedCoordinates(START._prepared)
    value, _, loglik = likelihood.whitened_objective(coordinates, np.zeros(coordinates.size))
    expected = numpy_moments(plain(START), POINTS, weight).loglik
    taken = penalty_value(plain(START), 1e-3, likelihood.spread.covariance, weight.sum())
    assert loglik == pytest.approx(expected, rel=1e-13)
    assert likelihood.penalty_value(START._prepared) == pytest.approx(taken, rel=1e-12)
    assert value == pytest.approx(-(expected - taken) / weight.sum(), rel=1e-13)


def test_an_em_step_maximises_the_penalised_completed_likelihood(rng):
    weight = rng.uniform(0, 2, len(POINTS))
    likelihood = likelihood_of(weight=weight, penalty=1e-3)
    loglik, after = likelihood.em_step(START._prepared)
    expected = numpy_em_step(plain(START), POINTS, weight, 1e-3, likelihood.spread.covariance)
    assert loglik == pytest.approx(numpy_moments(plain(START), POINTS, weight).loglik, rel=1e-13)
    np.testing.assert_allclose(after.weights, expected.weights, rtol=1e-12)
    np.testing.assert_allclose(after.means, expected.means, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(after.covariances, expected.covariances, rtol=1e-11, atol=1e-12)


def test_the_penalty_is_exact_at_one_component():
    weak, strong = fit(ngauss=1), fit(ngauss=1, penalty=0.1, method="EM")
    np.testing.assert_allclose(strong.mog.params, weak.mog.params, rtol=1e-12)


def test_passes_are_counted_in_proportion(rng):
    likelihood = likelihood_of()
    part = likelihood.sample(300, rng)
    part.loglik(START._prepared)
    part.em_step(START._prepared)
    assert part.passes == 2
    likelihood.add_cost(part)
    assert likelihood.passes == pytest.approx(2 * 300 / 3000)
    assert part.passes == 0
    likelihood.add_cost(likelihood)
    assert likelihood.passes == pytest.approx(0.2)
    _, _ = likelihood.em_run(START._prepared, 3)
    assert likelihood.passes == pytest.approx(3.2)
    likelihood.em_run(fit(tol=1e-10).mog._prepared, 50, 1e-6)
    assert likelihood.passes < 10, "it stops where a step gains nothing"


def test_a_sample_is_distinct_rows_with_their_weights(rng):
    weight = np.arange(1.0, len(POINTS) + 1)
    likelihood = likelihood_of(weight=weight)
    part = likelihood.sample(500, rng)
    rows = (part.data.weight - 1).astype(int)
    assert len(set(rows)) == 500
    np.testing.assert_array_equal(part.data.values, POINTS[rows])
    assert likelihood.sample(3000, rng) is likelihood

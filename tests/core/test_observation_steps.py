"""EM steps, gradients and descents on noisy and incomplete data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import observations_reference as reference
from mogfit import _core
from tests import observation_oracles as oracles
from tests.core.observed import KINDS, every_kind
from tests.observation_oracles import make_case
from tests.oracles import Mixture, analytic_penalty, gradient
from tests.strategies import make_mixture


@every_kind
@pytest.mark.parametrize("penalty", [0.0, 1e-2])
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (3, 2), (5, 4), (10, 2)])
def test_an_em_step_is_that_of_extreme_deconvolution(kind, nvars, ngauss, penalty):
    case = make_case(nvars, ngauss, 600, **KINDS[kind])
    prior = make_mixture(nvars, 1, 11).covariances[0]
    mixture, data = case.referred()
    before, expected = reference.em_step(mixture, data, penalty, prior)
    loglik, after = _core.em_step(
        case.prepared(), case.observations(), None, penalty, prior if penalty else None, 1
    )
    assert loglik == pytest.approx(before, rel=1e-12)
    np.testing.assert_allclose(after.weights, expected.weights, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(after.means, expected.means, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(after.covariances, expected.covariances, rtol=1e-9, atol=1e-10)


@every_kind
def test_the_likelihood_never_falls(kind):
    case = make_case(3, 2, 400, **KINDS[kind], elsewhere=False)
    mixture, data = case.prepared(), case.observations()
    values = []
    for _ in range(40):
        loglik, mixture = _core.em_step(mixture, data)
        values.append(loglik)
    assert (np.diff(values) >= -1e-11 * abs(values[-1])).all()
    assert values[-1] > values[0] + 1.0


@every_kind
def test_a_run_is_its_steps(kind):
    case = make_case(2, 3, 400, **KINDS[kind])
    data, prior = case.observations(), np.eye(2)
    mixture = case.prepared()
    for _ in range(5):
        before = mixture
        loglik, mixture = _core.em_step(mixture, data, None, 1e-3, prior)
    penalty = _core.penalty_value(before, 1e-3, prior, case.total)
    run, value, steps = _core.em_run(case.prepared(), data, None, 1e-3, prior, steps=5)
    assert steps == 5
    assert value == pytest.approx(loglik - penalty, rel=1e-13)
    np.testing.assert_allclose(run.means, mixture.means, rtol=1e-13)
    np.testing.assert_allclose(run.covariances, mixture.covariances, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("nvars", [1, 3, 9])
def test_one_component_with_shared_noise_arrives_in_the_limit(nvars):
    # The maximum: the mean of the data, and their covariance less the noise's.
    case = make_case(nvars, 1, 3000, noise="shared")
    covariance = np.cov(case.values.T, bias=True).reshape(nvars, nvars)
    mixture, _, _ = _core.em_run(case.prepared(), case.observations(), steps=400)
    np.testing.assert_allclose(mixture.means[0], case.values.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(mixture.covariances[0], covariance - case.shared, atol=1e-8)


class Coordinates:
    """Whitened coordinates of a case, and its objective by the formulas, analytic."""

    def __init__(self, case, penalty=0.0):
        self.case, self.penalty = case, penalty
        self.prior = make_mixture(case.mixture.means.shape[1], 1, 11).covariances[0]
        self.core = _core.WhitenedCoordinates(case.prepared())
        self.data = case.observations()

    def evaluate(self, theta):
        prior = self.prior if self.penalty else None
        return self.core.objective(theta, self.data, None, self.penalty, prior)

    def expected(self, theta, step=1e-6):
        """Objective and gradient, by the chain rule over complex steps.

        How the parameters move with theta is linear or exponential and the core's own, tested
        elsewhere: central differences of it are right to 1e-10.
        """
        mixture = self.core.mixture(theta)
        at = np.log(mixture.weights), mixture.means, mixture.factors

        def value(log_weights=at[0], means=at[1], factors=at[2]):
            loglik = oracles.analytic_loglik(log_weights, means, np.tril(factors), self.case)
            if self.penalty:
                loglik -= analytic_penalty(factors, self.penalty, self.prior, self.case.total)
            return -loglik / self.case.total

        slopes = (
            gradient(lambda p: value(log_weights=p), at[0]),
            gradient(lambda p: value(means=p), at[1]),
            gradient(lambda p: value(factors=p), at[2]),
        )
        result = np.empty(len(theta))
        for j, move in enumerate(step * np.eye(len(theta))):
            ends = [self.core.mixture(theta + sign * move) for sign in (1, -1)]
            moves = (
                ends[0].log_weights - ends[1].log_weights,
                ends[0].means - ends[1].means,
                ends[0].factors - ends[1].factors,
            )
            parts = zip(slopes, moves, strict=True)
            result[j] = sum((slope * moved).sum() for slope, moved in parts) / (2 * step)
        return value().real, result


@every_kind
@pytest.mark.parametrize("penalty", [0.0, 0.01])
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (3, 2), (9, 1)])
def test_objective_and_gradient_in_whitened_coordinates(kind, nvars, ngauss, penalty):
    coordinates = Coordinates(make_case(nvars, ngauss, 15, **KINDS[kind]), penalty)
    size = coordinates.core.size
    for theta in (np.zeros(size), 0.2 * np.random.default_rng(3).standard_normal(size)):
        value, seen, loglik = coordinates.evaluate(theta)
        expected, slopes = coordinates.expected(theta)
        assert value == pytest.approx(expected, rel=1e-12)
        moved = replace(coordinates.case, mixture=as_mixture(coordinates.core.mixture(theta)))
        assert loglik == pytest.approx(reference.log_likelihood(*moved.referred()), rel=1e-12)
        np.testing.assert_allclose(seen, slopes, rtol=1e-8, atol=1e-8 * abs(slopes).max())


@every_kind
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (3, 2), (9, 2)])
def test_gradients_from_the_moments(kind, nvars, ngauss):
    case = make_case(nvars, ngauss, 30, **KINDS[kind])
    prepared = case.prepared()
    at = np.log(case.mixture.weights), case.mixture.means, np.linalg.cholesky(case.mixture[2])
    seen = _core.gradient_factors(prepared, _core.data_pass(prepared, case.observations()))
    for position, value in enumerate(seen):

        def loglik(moved, position=position):
            moved = np.tril(moved) if position == 2 else moved
            return oracles.analytic_loglik(*at[:position], moved, *at[position + 1 :], case)

        expected = gradient(loglik, at[position])
        size = max(abs(expected).max(), case.total)
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-11 * size)


def as_mixture(prepared):
    return Mixture(prepared.weights, prepared.means, prepared.covariances)


@every_kind
def test_a_descent_ends_where_em_stands_still(kind):
    case = make_case(2, 2, 500, **KINDS[kind], elsewhere=False)
    data = case.observations()
    descent = _core.descend(case.prepared(), [(data, None, 1e-8)], 0.0, None)
    assert descent.ending == "converged"
    assert descent.gradient_norm <= 1e-8
    assert descent.em_gain < 1e-6
    found = replace(case, mixture=as_mixture(descent.mixture)).referred()
    assert descent.loglik == pytest.approx(reference.log_likelihood(*found), rel=1e-12)
    start = reference.log_likelihood(*case.referred())
    assert descent.loglik > start + 1.0
    _, after = reference.em_step(*found)
    np.testing.assert_allclose(after.means, descent.mixture.means, atol=1e-6)
    np.testing.assert_allclose(after.covariances, descent.mixture.covariances, atol=1e-6)


def test_a_descent_may_begin_on_a_part_of_the_data():
    case = make_case(2, 2, 2000, **KINDS["deviations"], missing=0.2, elsewhere=False)
    part, data = case.take(slice(0, 400)).observations(), case.observations()
    whole = _core.descend(case.prepared(), [(data, None, 1e-8)], 0.0, None)
    growing = _core.descend(case.prepared(), [(part, None, 1e-3), (data, None, 1e-8)], 0.0, None)
    assert growing.loglik == pytest.approx(whole.loglik, rel=1e-9)


def test_em_and_descents_have_the_same_bits_on_any_number_of_threads():
    case = make_case(3, 3, 3000, **KINDS["all"])
    data, prior = case.observations(), np.eye(3)
    coordinates = _core.WhitenedCoordinates(case.prepared())
    theta = np.zeros(coordinates.size)
    results = []
    for threads in (1, 2, 7):
        _, after = _core.em_step(case.prepared(), data, None, 1e-3, prior, threads)
        value, slopes, _ = coordinates.objective(theta, data, None, 1e-3, prior, threads)
        descent = _core.descend(
            case.prepared(), [(data, None, 1e-4)], 0.0, None, max_iterations=5, threads=threads
        )
        results.append((after.factors.tobytes(), value, slopes.tobytes(), descent.objective))
    assert results[0] == results[1] == results[2]

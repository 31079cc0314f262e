"""Gradients and EM of truncated mixtures, against differences of a likelihood by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm

from mogfit import _core
from mogfit.errors import DegenerateError
from tests import oracles
from tests.core import prepare
from tests.strategies import make_mixture
from tests.truncation import bounds_of, draw_inside, loglik, slopes

# Bounds of every kind, mixed; count is that of the nodes in each variable, for 12 digits.
DOMAINS = [
    pytest.param([(0, 1)], 2, 2, id="1, closed"),
    pytest.param([(None, 0.5)], 3, 2, id="1, open"),
    pytest.param([(-1, 1.5), (0, 2)], 2, 60, id="2, closed"),
    pytest.param([(0.2, None), (None, 1.0)], 2, 60, id="2, a quadrant"),
    pytest.param([None, (0, 1)], 3, 2, id="2, a strip"),
    pytest.param([(-1, 1), (0, None), (-2, 0.5)], 2, 40, id="3, mixed"),
    pytest.param([None, (0, 1), None], 2, 2, id="3, a slab"),
    pytest.param([(-1, 1), None, (0, None), (None, 1)], 2, 40, id="4, three bounded"),
    pytest.param([(-1, 1), (-1, 1.5), (-0.5, None), (-1, 1)], 1, 26, id="4, all bounded"),
]

# Differences of the sixth order with a step of 1e-3: h^6 times a seventh derivative, up to 1e-10,
# and rounding of sums of some 1e2 over the step, as much. Both relative to the largest entry.
RTOL = 1e-9


class Case:
    """A truncated mixture, points inside that do not come from it, weights and a penalty."""

    def __init__(self, domain, ngauss, count, penalty):
        nvars = len(domain)
        self.bounds, self.count = bounds_of(domain), count
        self.mixture = make_mixture(nvars, ngauss, log10_condition=0.6, spread=0.5)
        elsewhere = make_mixture(nvars, ngauss, seed=9, log10_condition=0.6, spread=0.5)
        self.points = draw_inside(*elsewhere, domain, 40, seed=3)
        self.weight = np.random.default_rng(4).exponential(size=40)
        self.total = float(self.weight.sum())
        self.penalty = penalty
        self.reference = np.cov(self.points.T).reshape(nvars, nvars)
        self.prepared = prepare(self.mixture).with_domain(self.bounds)
        self.moments = _core.data_pass(self.prepared, self.points, self.weight)
        self.log_weights = np.log(self.mixture.weights)
        self.factors = np.linalg.cholesky(self.mixture.covariances)

    def value(self, log_weights=None, means=None, factors=None):
        """Penalised log-likelihood by quadrature."""
        log_weights = self.log_weights if log_weights is None else log_weights
        means = self.mixture.means if means is None else means
        factors = self.factors if factors is None else factors
        covariances = factors @ factors.transpose(0, 2, 1)
        value = loglik(
            log_weights, means, covariances, self.bounds, self.points, self.weight, self.count
        )
        if self.penalty:
            value -= oracles.analytic_penalty(factors, self.penalty, self.reference, self.total)
        return value

    @property
    def penalty_arguments(self):
        return (self.penalty, self.reference, self.total) if self.penalty else ()


def assert_close(seen, expected):
    assert seen.shape == expected.shape
    np.testing.assert_allclose(seen, expected, rtol=0, atol=RTOL * abs(expected).max(initial=1.0))


@pytest.mark.parametrize(("domain", "ngauss", "count"), DOMAINS)
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_log_likelihood_is_that_of_quadrature(domain, ngauss, count, penalty):
    case = Case(domain, ngauss, count, penalty)
    seen = _core.log_likelihood(case.prepared, case.points, case.weight)
    assert case.moments.loglik == pytest.approx(seen, rel=1e-13)
    if penalty:
        seen -= _core.penalty_value(case.prepared, penalty, case.reference, case.total)
    assert seen == pytest.approx(case.value(), rel=1e-11)


@pytest.mark.parametrize(("domain", "ngauss", "count"), DOMAINS)
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_gradient_in_log_weights_means_and_factors(domain, ngauss, count, penalty):
    case = Case(domain, ngauss, count, penalty)
    seen = _core.gradient_factors(case.prepared, case.moments, *case.penalty_arguments)
    assert_close(seen[0], slopes(lambda p: case.value(log_weights=p), case.log_weights))
    assert_close(seen[1], slopes(lambda p: case.value(means=p), case.mixture.means))
    lower = np.tril_indices(len(domain))

    def at(triangles):
        factors = np.zeros_like(case.factors)
        factors[:, lower[0], lower[1]] = triangles
        return case.value(factors=factors)

    expected = slopes(at, case.factors[:, lower[0], lower[1]])
    assert_close(seen[2][:, lower[0], lower[1]], expected)
    np.testing.assert_array_equal(np.triu(seen[2], 1), 0.0)


@pytest.mark.parametrize(("domain", "ngauss", "count"), DOMAINS)
def test_gradient_in_weights_means_sigmas_and_correlations(domain, ngauss, count):
    case = Case(domain, ngauss, count, 0.01)
    sigmas = np.sqrt(np.diagonal(case.mixture.covariances, axis1=1, axis2=2))
    rows, columns = np.triu_indices(len(domain), 1)
    rhos = case.mixture.covariances[:, rows, columns] / (sigmas[:, rows] * sigmas[:, columns])

    def factors(sigmas, rhos):
        return np.linalg.cholesky(
            [oracles.covariance_from_stdcorr(s, r) for s, r in zip(sigmas, rhos, strict=True)]
        )

    seen = _core.gradient_stdcorr(case.prepared, case.moments, *case.penalty_arguments)
    weights = case.mixture.weights
    expected = slopes(lambda p: case.value(log_weights=np.log(p)), weights, step=5e-4)
    assert_close(seen[0], expected)
    assert_close(seen[1], slopes(lambda p: case.value(means=p), case.mixture.means))
    assert_close(seen[2], slopes(lambda p: case.value(factors=factors(p, rhos)), sigmas))
    assert_close(seen[3], slopes(lambda p: case.value(factors=factors(sigmas, p)), rhos))


@pytest.mark.parametrize(("domain", "ngauss", "count"), DOMAINS)
@pytest.mark.parametrize("size", [0.0, 0.2])
def test_gradient_in_whitened_coordinates(domain, ngauss, count, size):
    case = Case(domain, ngauss, count, 0.01)
    coordinates = _core.WhitenedCoordinates(case.prepared)

    def objective(theta):
        there = coordinates.mixture(theta)
        np.testing.assert_array_equal(there.domain, case.bounds)
        return -case.value(there.log_weights, there.means, there.factors) / case.total

    theta = size * np.random.default_rng(3).standard_normal(coordinates.size)
    value, gradient, plain = coordinates.objective(
        theta, case.points, case.weight, case.penalty, case.reference
    )
    assert value == pytest.approx(objective(theta), rel=1e-11)
    there = coordinates.mixture(theta)
    expected = _core.log_likelihood(there, case.points, case.weight)
    assert plain == pytest.approx(expected, rel=1e-13)
    assert_close(gradient, slopes(objective, theta))


@pytest.mark.parametrize("low", [5.0, 20.0, 40.0])
def test_gradients_far_in_a_tail_are_those_of_scipys_truncnorm(low):
    points = low + np.random.default_rng(0).exponential(1 / low, (50, 1))
    prepared = _core.PreparedMixture([1.0], [[0.0]], [[[1.0]]], [[low], [np.inf]])
    seen = _core.gradient_factors(prepared, _core.data_pass(prepared, points))

    def value(p):
        law = truncnorm((low - p[0]) / p[1], np.inf, loc=p[0], scale=p[1])
        return law.logpdf(points).sum()

    expected = slopes(value, [0.0, 1.0])
    # 50 terms of low^2 / 2 nats that cancel, over the step.
    atol = 50 * 20 * np.finfo(float).eps * low**2 / 1e-3
    assert seen[1][0, 0] == pytest.approx(expected[0], rel=1e-9, abs=atol)
    assert seen[2][0, 0, 0] == pytest.approx(expected[1], rel=1e-9, abs=atol)


def test_a_free_domain_changes_no_bit_of_a_gradient():
    mixture = make_mixture(3, 2)
    points = np.random.default_rng(0).normal(size=(100, 3))
    plain = prepare(mixture)
    free = plain.with_domain([[-np.inf] * 3, [np.inf] * 3])
    for function in (_core.gradient_factors, _core.gradient_stdcorr):
        one = function(plain, _core.data_pass(plain, points))
        two = function(free, _core.data_pass(free, points))
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


# EM


@st.composite
def hard_cases(draw):
    """A truncated mixture far from its points, and these: often with most of it outside."""
    nvars, ngauss = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    side = st.sampled_from([-np.inf, -3.0, -1.0, -0.2])
    lower = [draw(side) for _ in range(nvars)]
    upper = [-draw(side) for _ in range(nvars)]
    mixture = make_mixture(
        nvars,
        ngauss,
        seed,
        log10_condition=draw(st.sampled_from([0.0, 1.0, 3.0])),
        spread=draw(st.sampled_from([0.3, 2.0, 6.0])),
    )
    points = draw(st.sampled_from([0.1, 1.0, 3.0])) * rng.standard_normal((200, nvars))
    points = np.clip(points, lower, upper)
    # A point that the clipping moved stays on the bound, which is part of the domain.
    return prepare(mixture).with_domain([lower, upper]), points


def penalised(mixture, points, penalty, reference):
    value = _core.log_likelihood(mixture, points)
    return value - (_core.penalty_value(mixture, penalty, reference, len(points)) if penalty else 0)


@settings(max_examples=60)
@given(hard_cases(), st.sampled_from([0.0, 1e-9, 1e-2]))
def test_a_monotone_step_never_lowers_the_likelihood(case, penalty):
    mixture, points = case
    nvars = points.shape[1]
    reference = np.cov(points.T).reshape(nvars, nvars) + 1e-6 * np.eye(nvars)
    before = penalised(mixture, points, penalty, reference)
    for _ in range(4):
        try:
            loglik_, mixture = _core.em_step(
                mixture, points, None, penalty, reference if penalty else None, monotone=True
            )
        except DegenerateError:
            assert penalty == 0.0, "a component on a single point is what the penalty is for"
            return
        after = penalised(mixture, points, penalty, reference)
        # Rounding of quadratic forms with covariances of condition 1e3.
        slack = 1e-12 * (200 + abs(before) + abs(loglik_))
        assert after >= before - slack
        before = after


@pytest.mark.parametrize("structure", ["diag", "spherical", "tied", "tied_diag", "tied_spherical"])
def test_monotone_steps_of_families_climb_to_the_end(structure):
    # The bounds cut one of the components: near the optimum, what lies outside of it decides.
    domain = [(-1.0, None), (-5.0, 5.0)]
    truth = make_mixture(2, 2, log10_condition=0.3)._replace(means=np.array([[-1.0, 2.0], [4, -1]]))
    points = draw_inside(*truth, domain, 400, seed=1)
    mixture = _core.constrained(prepare(truth), structure).with_domain(bounds_of(domain))
    model = _core.Model(structure)
    before = -np.inf
    for _ in range(100):
        loglik_, after = _core.em_step(mixture, points, monotone=True, model=model)
        assert loglik_ >= before - 1e-12 * (400 + abs(loglik_))
        before, mixture = loglik_, after


@pytest.mark.parametrize("monotone", [True, False])
@pytest.mark.parametrize(("domain", "ngauss", "count"), DOMAINS[::2])
def test_a_step_from_the_truth_of_many_points_stays_near(domain, ngauss, count, monotone):
    mixture = make_mixture(len(domain), ngauss, log10_condition=0.6, spread=0.5)
    points = draw_inside(*mixture, domain, 50_000, seed=1)
    prepared = prepare(mixture).with_domain(bounds_of(domain))
    _, after = _core.em_step(prepared, points, monotone=monotone)
    # The scores' errors, 1 / sqrt(N), in the units of the components.
    np.testing.assert_allclose(after.weights, prepared.weights, atol=0.01)
    sigmas = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    np.testing.assert_allclose(after.means / sigmas, prepared.means / sigmas, atol=0.05)
    np.testing.assert_allclose(after.covariances, prepared.covariances, atol=0.05)

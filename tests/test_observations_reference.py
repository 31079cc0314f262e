"""The NumPy reference of noisy and incomplete data: against loops, 50 digits and differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from scipy.special import logsumexp

from benchmarks import numpy_reference as complete
from benchmarks import observations_reference as reference
from tests import observation_oracles as oracles
from tests.observation_oracles import cases, make_case
from tests.oracles import gradient

# Conditions of about 100 at most: an inverse is right to some 1e-13, sums of 60 points too.
RTOL = 1e-10

KINDS = [
    {"missing": 0.4},
    {"noise": "deviations"},
    {"noise": "covariances", "missing": 0.3},
    {"noise": "shared", "missing": 0.3, "weighted": True},
    {"noise": "none", "projection": "fewer"},
    {"noise": "deviations", "projection": "more", "missing": 0.2, "weighted": True},
    {"noise": "covariances", "projection": "square", "missing": 0.2},
]
MOMENTS = [complete.plain_moments, complete.blocked_moments]


def assert_close(seen, expected, rtol=RTOL):
    size = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(seen, expected, rtol=rtol, atol=rtol * size)


@given(cases())
def test_everything_is_what_loops_over_points_say(case):
    mixture, data = case.referred()
    posteriors = oracles.loop_posteriors(case)
    shares, log_density = oracles.responsibilities(case, posteriors)
    assert_close(reference.component_logpdf(mixture, data), posteriors.components)
    assert_close(reference.logpdf(mixture, data), log_density)
    assert_close(reference.responsibilities(mixture, data), shares)
    means, covariances = oracles.posterior(case, posteriors)
    for seen, expected in zip(
        reference.posterior(mixture, data), (means, covariances), strict=True
    ):
        assert_close(seen, expected)
    expected = oracles.moments(case, posteriors)
    assert reference.log_likelihood(mixture, data) == pytest.approx(expected.loglik, rel=RTOL)
    for function in MOMENTS:
        seen = reference.moments(mixture, data, function)
        for name in ("loglik", "s0", "s1", "s2"):
            assert_close(getattr(seen, name), getattr(expected, name))
        np.testing.assert_array_equal(seen.s2, seen.s2.transpose(0, 2, 1))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_loops_are_right_to_50_digits(kind):
    case = make_case(3, 2, 12, **kind)
    for seen, expected in zip(
        oracles.loop_posteriors(case), oracles.exact_posteriors(case), strict=True
    ):
        assert_close(seen, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_reference_is_right_to_50_digits(kind):
    case = make_case(4, 3, 12, **kind)
    mixture, data = case.referred()
    exact = oracles.exact_posteriors(case)
    assert_close(reference.component_logpdf(mixture, data), exact.components, rtol=1e-13)
    seen, expected = reference.moments(mixture, data), oracles.moments(case, exact)
    for name in ("loglik", "s0", "s1", "s2"):
        assert_close(getattr(seen, name), getattr(expected, name), rtol=1e-12)
    for seen, value in zip(
        reference.posterior(mixture, data), oracles.posterior(case, exact), strict=True
    ):
        assert_close(seen, value, rtol=1e-12)


def test_many_points_are_many_blocks():
    case = make_case(3, 4, 5000, noise="covariances", missing=0.2)
    mixture, data = case.referred()
    whole = reference.logpdf(mixture, data)
    some = slice(100, 4000, 39)
    part = case.take(some).referred()[1]
    np.testing.assert_allclose(reference.logpdf(mixture, part), whole[some], rtol=1e-13)
    total = reference.moments(mixture, data)
    halves = [
        reference.moments(mixture, case.take(rows).referred()[1])
        for rows in (slice(0, 2500), slice(2500, None))
    ]
    assert_close(halves[0].s2 + halves[1].s2, total.s2, rtol=1e-12)


def test_complete_data_without_noise_are_plain_data():
    case = make_case(3, 4, 300, weighted=True)
    mixture, data = case.referred()
    expected = complete.plain_moments(mixture, case.values, case.weight)
    for same in (data, replace(data, deviations=np.zeros_like(case.values))):
        seen = reference.moments(mixture, same)
        for name in ("loglik", "s0", "s1", "s2"):
            assert_close(getattr(seen, name), getattr(expected, name), rtol=1e-12)


@pytest.mark.parametrize("noise", ["deviations", "covariances"])
def test_an_infinite_error_is_a_missing_value(noise):
    case = make_case(3, 2, 50, noise=noise, missing=0.3)
    gone = np.isnan(case.values)
    finite = np.where(gone, 1e3, case.values)
    infinity = gone if noise == "deviations" else gone[:, :, None] & np.eye(3, dtype=bool)
    errors = np.where(infinity, np.inf, getattr(case, noise))
    infinite = replace(case, values=finite, **{noise: errors})
    mixture, data = case.referred()
    np.testing.assert_array_equal(
        reference.logpdf(mixture, infinite.referred()[1]), reference.logpdf(mixture, data)
    )
    loops = oracles.loop_posteriors(infinite)
    assert_close(loops.components, oracles.loop_posteriors(case).components, rtol=1e-15)


def richardson(function, at, step=1e-3):
    """Central differences at two steps, extrapolated: the error is of order step^4."""
    result = np.empty_like(at)
    for index in np.ndindex(at.shape):
        slopes = []
        for h in (step, step / 2):
            ends = []
            for sign in (1.0, -1.0):
                moved = at.copy()
                moved[index] += sign * h
                ends.append(function(moved))
            slopes.append((ends[0] - ends[1]) / (2 * h))
        result[index] = (4 * slopes[1] - slopes[0]) / 3
    return result


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gradients_by_fishers_identity_are_slopes(kind):
    case = make_case(3, 2, 40, **kind)
    mixture, data = case.referred()
    log_weights, means, covariances = np.log(case.mixture.weights), *case.mixture[1:]

    def loglik(log_weights=log_weights, means=means, covariances=covariances):
        weights = np.exp(log_weights - logsumexp(log_weights))
        # Not symmetric while one entry moves; both triangles count as half.
        covariances = (covariances + covariances.transpose(0, 2, 1)) / 2
        moved = complete.Mixture.from_covariances(weights, means, covariances)
        return reference.log_likelihood(moved, data)

    seen = reference.covariance_gradient(mixture, reference.moments(mixture, data))
    assert_close(seen[0], richardson(lambda p: loglik(log_weights=p), log_weights), rtol=1e-8)
    assert_close(seen[1], richardson(lambda p: loglik(means=p), means), rtol=1e-8)
    # Steps of 1e-3 in eigenvalues of 0.05.
    slopes = richardson(lambda p: loglik(covariances=p), covariances, step=2e-4)
    assert_close(seen[2], slopes, rtol=1e-7)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gradients_are_those_of_the_complex_step(kind):
    case = make_case(3, 2, 40, **kind)
    mixture, data = case.referred()
    at = np.log(case.mixture.weights), case.mixture.means, mixture.factors
    assert oracles.analytic_loglik(*at, case).real == pytest.approx(
        reference.log_likelihood(mixture, data), rel=1e-12
    )
    seen = complete.gradient_factors(mixture, reference.moments(mixture, data))
    for position, value in enumerate(seen):

        def loglik(moved, position=position):
            moved = np.tril(moved) if position == 2 else moved
            return oracles.analytic_loglik(*at[:position], moved, *at[position + 1 :], case)

        assert_close(value, gradient(loglik, at[position]), rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_em_climbs(kind):
    case = make_case(2, 3, 200, **kind)
    mixture, data = case.referred()
    values = []
    for _ in range(20):
        loglik, mixture = reference.em_step(mixture, data)
        values.append(loglik)
    assert (np.diff(values) > -1e-11 * abs(values[-1])).all()
    assert values[-1] > values[0] + 1.0


def test_a_penalised_step_is_a_maximum_of_what_em_maximises():
    # Q(Sigma) = -1/2 [s0 log det Sigma + tr(Sigma^-1 scatter)] - c [tr(S Sigma^-1) + log det Sigma]
    case = make_case(2, 2, 100, noise="deviations", weighted=True)
    mixture, data = case.referred()
    prior, penalty = np.array([[1.0, 0.3], [0.3, 2.0]]), 0.02
    _, after = reference.em_step(mixture, data, penalty, prior)
    sums = reference.moments(mixture, data)
    for k, covariance in enumerate(after.covariances):
        shift = after.means[k] - mixture.means[k]
        cross = np.outer(shift, sums.s1[k])
        scatter = sums.s2[k] - cross - cross.T + sums.s0[k] * np.outer(shift, shift)

        def q(entries, k=k, scatter=scatter):
            Sigma = np.array([[entries[0], entries[1]], [entries[1], entries[2]]])
            log_det = np.linalg.slogdet(Sigma)[1]
            inverse = np.linalg.inv(Sigma)
            value = -0.5 * (sums.s0[k] * log_det + np.trace(inverse @ scatter))
            return value - penalty * case.total * (np.trace(prior @ inverse) + log_det)

        entries = covariance[[0, 0, 1], [0, 1, 1]]
        assert abs(richardson(q, entries)).max() < 1e-6 * sums.s0[k]


def test_nothing_seen_is_the_prior():
    case = replace(make_case(3, 2, 4), values=np.full((4, 3), np.nan))
    mixture, data = case.referred()
    np.testing.assert_allclose(reference.logpdf(mixture, data), 0.0, atol=1e-15)
    sums = reference.moments(mixture, data)
    np.testing.assert_allclose(sums.s0, 4 * mixture.weights, rtol=1e-14)
    np.testing.assert_array_equal(sums.s1, 0.0)


def test_no_rows_have_no_moments():
    for kind in KINDS:
        mixture, data = make_case(3, 2, 0, **kind).referred()
        assert reference.log_likelihood(mixture, data) == 0.0
        assert reference.logpdf(mixture, data).shape == (0,)
        assert not reference.moments(mixture, data).s2.any()

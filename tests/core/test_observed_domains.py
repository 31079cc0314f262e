"""Truncated mixtures of points seen in part or through noise, by quadrature over the box."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from mogfit import FitMoG, MixtureOfGaussians, _core

WEIGHTS = np.array([0.4, 0.6])
MEANS = np.array([[0.3, 0.2], [-0.5, 1.0]])
COVARIANCES = np.array([[[1.0, 0.6], [0.6, 1.5]], [[0.7, -0.3], [-0.3, 0.5]]])
BOX = np.array([[-1.0, -np.inf], [2.0, 1.8]])
MIXTURE = _core.PreparedMixture(WEIGHTS, MEANS, COVARIANCES, BOX)

# Gauss-Legendre nodes over the box; nothing is left below -10.
NODES, GAUSS = np.polynomial.legendre.leggauss(200)
FIRST, FIRST_WEIGHTS = -1 + 1.5 * (NODES + 1), 1.5 * GAUSS
SECOND, SECOND_WEIGHTS = -10 + 5.9 * (NODES + 1), 5.9 * GAUSS
GRID = np.stack(np.meshgrid(FIRST, SECOND, indexing="ij"), axis=-1)
GRID_WEIGHTS = FIRST_WEIGHTS[:, None] * SECOND_WEIGHTS


def normal(x, mean, covariance):
    offset = x - mean
    square = np.einsum("...i,ij,...j->...", offset, np.linalg.inv(covariance), offset)
    return np.exp(-0.5 * square) / np.sqrt(np.linalg.det(2 * np.pi * covariance))


def posteriors(likelihood):
    """p_k(y), E[x - mu_k | y] and E[(x - mu_k) (x - mu_k)^T | y] of both components."""
    found = []
    for mean, covariance in zip(MEANS, COVARIANCES, strict=True):
        inside = normal(GRID, mean, covariance) * GRID_WEIGHTS
        joint = inside / inside.sum() * likelihood(GRID)
        density = joint.sum()
        first = np.einsum("ij,ijk->k", joint, GRID - mean) / density
        second = np.einsum("ij,ijk,ijl->kl", joint, GRID - mean, GRID - mean) / density
        found.append((density, first, second))
    return found


def gaussian_noise(y, deviations):
    def likelihood(x):
        square = ((y - x) / deviations) ** 2
        return np.exp(-0.5 * square.sum(axis=-1)) / np.prod(np.sqrt(2 * np.pi) * deviations)

    return likelihood


# The second point was seen outside the bounds.
NOISY = np.array([[0.5, 0.7], [1.9, 2.5], [-1.4, 0.0]])
DEVIATIONS = np.array([[0.3, 0.5], [0.6, 0.4], [0.5, 0.2]])


@pytest.mark.parametrize("kind", ["deviations", "covariances", "projection"])
def test_noisy_points_of_a_box(kind):
    if kind == "deviations":
        seen = _core.Observations(NOISY, deviations=DEVIATIONS)
    elif kind == "covariances":
        seen = _core.Observations(NOISY, covariances=[np.diag(d**2) for d in DEVIATIONS])
    else:
        # The same seen turned round: the projection undoes it.
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        covariances = [turn @ np.diag(d**2) @ turn.T for d in DEVIATIONS]
        seen = _core.Observations(
            NOISY @ turn.T, covariances=covariances, projection=np.tile(turn, (3, 1, 1))
        )
    moments = _core.data_pass(MIXTURE, seen)
    logs = _core.component_logpdf(MIXTURE, seen)
    means, covariances = _core.posterior(MIXTURE, seen)
    s0, s1, s2 = np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2, 2))
    loglik = 0.0
    for i in range(3):
        found = posteriors(gaussian_noise(NOISY[i], DEVIATIONS[i]))
        densities = np.array([density for density, _, _ in found])
        np.testing.assert_allclose(logs[i], np.log(densities), rtol=0, atol=1e-11)
        shares = WEIGHTS * densities / (WEIGHTS @ densities)
        loglik += np.log(WEIGHTS @ densities)
        centres = np.array([MEANS[k] + found[k][1] for k in range(2)])
        np.testing.assert_allclose(means[i], shares @ centres, atol=1e-11)
        second = sum(
            shares[k]
            * (found[k][2] + np.outer(MEANS[k], found[k][1]) + np.outer(centres[k], MEANS[k]))
            for k in range(2)
        )
        np.testing.assert_allclose(
            covariances[i], second - np.outer(means[i], means[i]), atol=1e-10
        )
        for k in range(2):
            s0[k] += shares[k]
            s1[k] += shares[k] * found[k][1]
            s2[k] += shares[k] * found[k][2]
    assert moments.loglik == pytest.approx(loglik, abs=1e-10)
    np.testing.assert_allclose(moments.s0, s0, atol=1e-10)
    np.testing.assert_allclose(moments.s1, s1, atol=1e-10)
    np.testing.assert_allclose(moments.s2, s2, atol=1e-10)


def test_a_missing_variable_is_integrated_over_its_bounds():
    values = np.array([[0.5, np.nan], [1.9, np.nan], [np.nan, 1.2], [np.nan, 2.5]])
    seen = _core.Observations(values, missing=True)
    logs = _core.component_logpdf(MIXTURE, seen)
    for k in range(2):
        mass = (normal(GRID, MEANS[k], COVARIANCES[k]) * GRID_WEIGHTS).sum()
        for i, row in enumerate(values):
            if np.isnan(row[1]):
                line = np.stack([np.full(200, row[0]), SECOND], axis=-1)
                weights = SECOND_WEIGHTS
            else:
                line, weights = np.stack([FIRST, np.full(200, row[1])], axis=-1), FIRST_WEIGHTS
            expected = (normal(line, MEANS[k], COVARIANCES[k]) * weights).sum() / mass
            # The last value lies outside the bounds of its variable.
            expected = np.log(expected) if i < 3 else -np.inf
            assert logs[i, k] == pytest.approx(expected, abs=1e-11)


def incomplete_and_noisy():
    rng = np.random.default_rng(1)
    points = _core.sample(MIXTURE, 200, 1)[0]
    values = points.copy()
    values[rng.random(points.shape) < 0.3] = np.nan
    deviations = np.column_stack([rng.random(200), np.full(200, 0.3)])
    deviations[::3, 0] = 0.0
    return {
        "missing": _core.Observations(values, missing=True),
        "deviations": _core.Observations(points, deviations=deviations),
        "both": _core.Observations(values, missing=True, deviations=deviations),
        "shared": _core.Observations(points, shared=0.1 * np.eye(2)),
        "projected": _core.Observations(
            points @ np.ones((2, 1)),
            projection=np.ones((200, 1, 2)),
            deviations=np.full((200, 1), 0.2),
        ),
    }


@pytest.mark.parametrize("kind", ["missing", "deviations", "both", "shared", "projected"])
def test_gradients_are_those_of_the_likelihood(kind):
    seen = incomplete_and_noisy()[kind]
    coordinates = _core.WhitenedCoordinates(MIXTURE)
    theta = np.random.default_rng(2).normal(size=coordinates.size) * 0.05
    step = 1e-5

    def objective(at):
        return coordinates.objective(at, seen, None, 0.0, None)

    _, gradient, _ = objective(theta)
    differences = [
        (objective(theta + step * e)[0] - objective(theta - step * e)[0]) / (2 * step)
        for e in np.eye(len(theta))
    ]
    np.testing.assert_allclose(gradient, differences, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["missing", "both"])
def test_any_number_of_threads_gives_the_same_bits(kind):
    seen = incomplete_and_noisy()[kind]
    one = _core.data_pass(MIXTURE, seen, threads=1)
    for threads in (2, 7):
        other = _core.data_pass(MIXTURE, seen, threads=threads)
        assert other.loglik == one.loglik
        np.testing.assert_array_equal(other.s2, one.s2)
    np.testing.assert_array_equal(
        _core.posterior_draws(MIXTURE, seen, 3, 1), _core.posterior_draws(MIXTURE, seen, 3, 5)
    )


def test_draws_of_a_missing_variable_are_truncated_normals():
    single = _core.PreparedMixture(np.ones(1), MEANS[:1], COVARIANCES[:1], BOX)
    rows = np.full((5000, 2), np.nan)
    rows[:, 0] = 0.5
    draws = _core.posterior_draws(single, _core.Observations(rows, missing=True), 3)
    np.testing.assert_array_equal(draws[:, 0], 0.5)
    mean, deviation = 0.2 + 0.6 * (0.5 - 0.3), np.sqrt(1.5 - 0.36)
    expected = truncnorm(-np.inf, (1.8 - mean) / deviation, mean, deviation)
    assert kstest(draws[:, 1], expected.cdf).pvalue > 1e-4


def test_draws_of_noisy_points_have_the_moments_of_the_posterior_and_lie_inside():
    count = 20_000
    seen = _core.Observations(np.tile([1.9, 1.5], (count, 1)), deviations=np.full((count, 2), 0.4))
    draws = _core.posterior_draws(MIXTURE, seen, 1)
    assert ((draws >= BOX[0]) & (draws <= BOX[1])).all()
    means, covariances = _core.posterior(MIXTURE, seen)
    error = np.sqrt(np.diag(covariances[0]) / count)
    assert (abs(draws.mean(axis=0) - means[0]) < 4.5 * error).all()
    np.testing.assert_allclose(np.cov(draws.T), covariances[0], atol=0.01)


def test_exact_values_of_bounded_variables_need_no_quadrature():
    # Noise and missing values of a free variable alone: against the same without the domain.
    box = np.array([[-1.0, -np.inf], [2.0, np.inf]])
    free = _core.PreparedMixture(WEIGHTS, MEANS, COVARIANCES)
    bounded = free.with_domain(box)
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.uniform(-1, 2, 50), rng.normal(size=50)])
    values[::4, 1] = np.nan
    deviations = np.column_stack([np.zeros(50), np.full(50, 0.7)])
    seen = _core.Observations(values, missing=True, deviations=deviations)
    np.testing.assert_allclose(
        _core.component_logpdf(bounded, seen),
        _core.component_logpdf(free, seen) - bounded.log_masses,
        rtol=1e-13,
    )
    values[0, 0] = 2.5
    outside = _core.Observations(values, missing=True, deviations=deviations)
    assert _core.logpdf(bounded, outside)[0] == -np.inf


def test_what_is_not_computed_is_refused_with_the_reason():
    wide = _core.PreparedMixture(
        np.ones(1), np.zeros((1, 6)), np.eye(6)[None], np.array([[-9.0] * 6, [9.0] * 6])
    )
    values = np.full((1, 6), np.nan)
    values[0, 0] = 0.0
    with pytest.raises(NotImplementedError, match=r"domain: 5 bounded variables .* up to 4"):
        _core.logpdf(wide, _core.Observations(values, missing=True))
    sums = _core.Observations(np.zeros((3, 1)), projection=np.ones((3, 1, 2)))
    with pytest.raises(NotImplementedError, match="without noise, leaves its variables on a line"):
        _core.logpdf(MIXTURE, sums)


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_fit_of_noisy_incomplete_points_in_a_domain_finds_the_truth(truncation):
    truth = MixtureOfGaussians(
        mus=[[0.5, 1.0]], Sigmas=[[[1.0, 0.5], [0.5, 1.0]]], domain=[[0.0, None], None]
    )
    rng = np.random.default_rng(5)
    values = truth.rvs(1500, rng=1, errors=0.3)
    values[rng.random(values.shape) < 0.1] = np.nan
    F = FitMoG(
        values,
        1,
        domain=[[0.0, None], None],
        errors=0.3,
        missing="marginal",
        truncation=truncation,
    )
    F.fit_data(random_state=1)
    assert F.report.converged
    assert -F.log_l() >= truth.log_likelihood(values, errors=0.3, missing="marginal")
    np.testing.assert_allclose(F.mog.mus, truth.mus, atol=0.3)
    np.testing.assert_allclose(F.mog.Sigmas, truth.Sigmas, atol=0.3)

"""Variational steps against loops over the points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import digamma, logsumexp

from mogfit import DegenerateError, _core
from mogfit.inference import variational
from mogfit.inference.evidence import evidence_lower_bound
from mogfit.inference.variational_posterior import VARIATIONAL_STRUCTURES, Prior
from tests.inference.variational_cases import (
    NVARS,
    PROCESSES,
    PointSums,
    a_prior,
    climbed,
    some_points,
    started,
    stepped,
)

# The oracle: Bishop (2006), section 10.2, point by point with Wishart parameters W and nu.


def plain_precisions(posterior):
    """W_k (d, d) and nu_k of every component, whatever the structure."""
    ngauss, nvars = posterior.means.shape
    found = []
    for k in range(ngauss):
        structure = posterior.prior.structure
        covariance = {
            "full": lambda k=k: posterior.covariances[k],
            "tied": lambda: posterior.covariances,
            "diag": lambda k=k: np.diag(posterior.covariances[k]),
            "spherical": lambda k=k: posterior.covariances[k] * np.eye(nvars),
        }[structure]()
        nu = float(posterior.dof if structure == "tied" else posterior.dof[k])
        found.append((np.linalg.inv(nu * covariance), nu))
    return found


def plain_log_rho(posterior, points):
    ngauss, nvars = posterior.means.shape
    prior = posterior.prior
    if prior.process:
        a, b = posterior.concentration
        log_weights = [
            digamma(a[k])
            - digamma(a[k] + b[k])
            + sum(digamma(b[j]) - digamma(a[j] + b[j]) for j in range(k))
            for k in range(ngauss)
        ]
    else:
        (alpha,) = posterior.concentration
        log_weights = [digamma(alpha[k]) - digamma(sum(alpha)) for k in range(ngauss)]
    result = np.empty((len(points), ngauss))
    for k, (W, nu) in enumerate(plain_precisions(posterior)):
        # Eq. B.81 / 10.65.
        log_det = sum(digamma((nu + 1 - i) / 2) for i in range(1, nvars + 1))
        log_det += nvars * math.log(2) + math.log(np.linalg.det(W))
        for n, x in enumerate(points):
            y = x - posterior.means[k]
            # Eqs. 10.46 and 10.64.
            distance = nvars / posterior.mean_precision[k] + nu * y @ W @ y
            result[n, k] = (
                log_weights[k] + 0.5 * (log_det - distance) - 0.5 * nvars * math.log(2 * math.pi)
            )
    return result


def plain_update(prior, points, resp, ridge):
    """Eqs. 10.51 to 10.53 and 10.58 to 10.63; returns concentration, beta, m, nu, nu * Sigma."""
    n_points, ngauss = resp.shape
    nvars = points.shape[1]
    held = [sum(resp[:, k]) for k in range(ngauss)]
    if prior.process:
        concentration = (
            [1 + held[k] for k in range(ngauss)],
            [prior.concentration + sum(held[k + 1 :]) for k in range(ngauss)],
        )
    else:
        concentration = ([prior.concentration + h for h in held],)
    beta, means, scatters = [], [], []
    for k in range(ngauss):
        mean = sum(resp[n, k] * points[n] for n in range(n_points)) / held[k]
        scatter = sum(
            resp[n, k] * np.outer(points[n] - mean, points[n] - mean) for n in range(n_points)
        )
        beta.append(prior.mean_precision + held[k])
        means.append((prior.mean_precision * prior.mean + held[k] * mean) / beta[k])
        pull = prior.mean_precision * held[k] / beta[k]
        shift = mean - prior.mean
        scatters.append(scatter + held[k] * ridge * np.eye(nvars) + pull * np.outer(shift, shift))
    dof = [prior.dof + h for h in held]
    if prior.structure == "full":
        inverse_scales = [prior.covariance + s for s in scatters]
    elif prior.structure == "tied":
        dof = prior.dof + n_points / ngauss
        inverse_scales = prior.covariance + sum(scatters) / ngauss
    elif prior.structure == "diag":
        inverse_scales = [prior.covariance + np.diag(s) for s in scatters]
    else:
        inverse_scales = [prior.covariance + np.trace(s) / nvars for s in scatters]
    return concentration, beta, means, dof, inverse_scales


@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("structure", VARIATIONAL_STRUCTURES)
def test_steps_are_those_of_loops_over_the_points(structure, process, ridge, rng):
    points = some_points(rng)
    posterior = started(structure, process, rng, points, ridge=ridge)
    for _ in range(4):
        log_rho = plain_log_rho(posterior, points)
        resp = np.exp(log_rho - logsumexp(log_rho, axis=1, keepdims=True))
        concentration, beta, means, dof, inverse_scales = plain_update(
            posterior.prior, points, resp, ridge
        )
        bound, alike = variational.step(posterior, points, ridge=ridge)
        posterior, entropy = stepped(posterior, points, ridge)
        assert bound == variational.collapsed_bound(posterior, entropy)
        np.testing.assert_array_equal(alike.covariances, posterior.covariances)
        np.testing.assert_allclose(posterior.concentration, concentration, rtol=1e-11)
        np.testing.assert_allclose(posterior.mean_precision, beta, rtol=1e-11)
        np.testing.assert_allclose(posterior.means, means, atol=1e-11)
        np.testing.assert_allclose(posterior.dof, dof, rtol=1e-11)
        nu = posterior.dof.reshape(
            posterior.dof.shape + (1,) * (posterior.covariances.ndim - posterior.dof.ndim)
        )
        np.testing.assert_allclose(posterior.covariances * nu, inverse_scales, atol=1e-9)
        assert entropy == pytest.approx(-np.sum(resp * np.log(resp)), abs=1e-10)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("structure", VARIATIONAL_STRUCTURES)
def test_weights_of_points_are_repetitions(structure, process, rng):
    points = some_points(rng, 40)
    weight = rng.integers(0, 4, len(points))
    repeated = np.repeat(points, weight, axis=0)
    posterior = started(structure, process, rng, points, weight=weight)
    one, bounds = climbed(posterior, points, 10, weight.astype(float))
    other, expected_bounds = climbed(posterior, repeated, 10)
    np.testing.assert_allclose(one.covariances, other.covariances, rtol=1e-10)
    np.testing.assert_allclose(bounds, expected_bounds, rtol=1e-12)
    # The bound counts weights as repetitions too.
    bound = evidence_lower_bound(one, points, weight.astype(float))
    assert bound == pytest.approx(evidence_lower_bound(other, repeated), rel=1e-12)


def test_expected_weights_are_those_of_drawn_sticks(rng):
    points = some_points(rng)
    posterior = started("full", True, rng, points, ngauss=4)
    first, second = posterior.concentration
    sticks = rng.beta(first, second, size=(200_000, 4))
    left = np.cumprod(1 - sticks, axis=1)
    drawn = sticks * np.hstack([np.ones((len(sticks), 1)), left[:, :-1]])
    # 4 standard errors of 200,000 draws.
    error = 4 * drawn.std(axis=0).max() / math.sqrt(len(drawn))
    np.testing.assert_allclose(posterior.weights, drawn.mean(0) / drawn.mean(0).sum(), atol=error)
    logs = np.log(drawn)
    error = 4 * logs.std(axis=0).max() / math.sqrt(len(drawn))
    np.testing.assert_allclose(posterior.expected_log_weights, logs.mean(axis=0), atol=error)


# Components without points, values without measurements, data of any units.


def test_a_component_without_points_goes_back_to_the_prior(rng):
    points = some_points(rng)
    prior = a_prior("full", False, rng)
    sums = PointSums(points, rng.dirichlet(np.ones(2), len(points)))
    for array in (sums.s0, sums.s1, sums.s2):
        array[1] = 0.0
    posterior = variational.update(prior, sums, sums.centres)
    np.testing.assert_allclose(posterior.means[1], prior.mean, rtol=1e-14)
    np.testing.assert_allclose(posterior.covariances[1], prior.covariance / prior.dof, rtol=1e-13)
    assert posterior.held[1] == 0.0


def test_superfluous_components_are_emptied(rng):
    points = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) + 9.0])
    prior = Prior("full", True, 1e-3, points.mean(axis=0), 1.0, 2.0, np.cov(points.T))
    sums = PointSums(points, rng.dirichlet(np.ones(6), len(points)))
    start = variational.update(prior, sums, sums.centres)
    found, _ = climbed(start, points, 300)
    assert (found.held >= 1.0).sum() == 2
    np.testing.assert_allclose(np.sort(found.weights)[-2:], 0.5, atol=0.01)


@pytest.mark.parametrize("structure", VARIATIONAL_STRUCTURES)
def test_looking_for_missing_values_where_there_are_none_changes_nothing(structure, rng):
    points = some_points(rng)
    posterior = started(structure, False, rng, points)
    complete, bounds = climbed(posterior, points, 5)
    seen, bounds_seen = climbed(posterior, _core.Observations(points, missing=True), 5)
    np.testing.assert_allclose(bounds_seen, bounds, rtol=1e-13)
    np.testing.assert_allclose(seen.means, complete.means, atol=1e-12)


@pytest.mark.parametrize("process", PROCESSES)
def test_missing_values_are_one_more_factor(process, rng):
    # The oracle fills in what is missing under q(x_missing | z), point by point.
    points = some_points(rng, 40)
    points[rng.random(points.shape) < 0.25] = np.nan
    complete = np.where(np.isnan(points), 0.5, points)
    posterior = started("full", process, rng, complete)
    data = _core.Observations(points, missing=True)
    for _ in range(3):
        ngauss = len(posterior.means)
        log_rho = np.empty((len(points), ngauss))
        filled = np.empty((len(points), ngauss, NVARS))
        spread = np.zeros((len(points), ngauss, NVARS, NVARS))
        entropy = np.zeros((len(points), ngauss))
        for k in range(ngauss):
            mean, sigma = posterior.means[k], posterior.covariances[k]
            for n, x in enumerate(points):
                lost = np.isnan(x)
                seen = ~lost
                solved = np.linalg.solve(sigma[np.ix_(seen, seen)], sigma[np.ix_(seen, lost)])
                filled[n, k] = x
                filled[n, k, lost] = mean[lost] + (x[seen] - mean[seen]) @ solved
                rest = sigma[np.ix_(lost, lost)] - sigma[np.ix_(lost, seen)] @ solved
                spread[n, k][np.ix_(lost, lost)] = rest
                # Expected ln rho, and the entropy of what is missing.
                entropy[n, k] = 0.5 * np.linalg.slogdet(2 * math.pi * math.e * rest)[1]
                y = filled[n, k] - mean
                log_rho[n, k] = plain_log_rho(posterior, mean[None])[0, k] - 0.5 * (
                    np.trace(np.linalg.solve(sigma, np.outer(y, y) + spread[n, k]))
                )
        log_resp = log_rho + entropy
        log_resp -= logsumexp(log_resp, axis=1, keepdims=True)
        resp = np.exp(log_resp)
        expected_entropy = (resp * (entropy - log_resp)).sum()
        sums = PointSums(complete, resp)
        sums.centres = np.einsum("nk,nki->ki", resp, filled) / sums.s0[:, None]
        apart = filled - sums.centres
        sums.s2 = np.einsum("nk,nki,nkj->kij", resp, apart, apart)
        sums.s2 += np.einsum("nk,nkij->kij", resp, spread)
        expected = variational.update(posterior.prior, sums, sums.centres)
        posterior, found_entropy = stepped(posterior, data)
        assert found_entropy == pytest.approx(expected_entropy, rel=1e-11)
        np.testing.assert_allclose(posterior.means, expected.means, atol=1e-11)
        np.testing.assert_allclose(posterior.covariances, expected.covariances, atol=1e-11)


@pytest.mark.parametrize("process", PROCESSES)
def test_with_missing_values_too_every_step_raises_the_bound(process, rng):
    points = some_points(rng, 150)
    points[rng.random(points.shape) < 0.2] = np.nan
    data = _core.Observations(points, missing=True)
    posterior = started("full", process, rng, np.nan_to_num(points), ngauss=4)
    evidence = []
    for _ in range(40):
        evidence.append(evidence_lower_bound(posterior, data))
        posterior, _ = stepped(posterior, data)
    assert np.diff(evidence).min() > -1e-10
    _, reported = climbed(posterior, data, 40)
    assert np.diff(reported).min() > -1e-10


@pytest.mark.parametrize("structure", ["full", "tied", "diag"])
def test_units_and_origin_change_nothing(structure, rng):
    points = some_points(rng)
    # Powers of 2: the points themselves are the same to the last bit.
    units = np.array([2.0**-30, 1.0, 2.0**30])
    origin = 2.0**12 * units
    moved = points * units + origin
    resp = rng.dirichlet(np.ones(3), len(points))
    found = []
    for values, scale, shift in ((points, np.ones(NVARS), np.zeros(NVARS)), (moved, units, origin)):
        covariance = np.cov(points.T) * np.outer(scale, scale)
        if structure == "diag":
            covariance = covariance.diagonal()
        prior = Prior(
            structure, True, 0.5, points.mean(axis=0) * scale + shift, 1.0, 3.0, covariance
        )
        sums = PointSums(values, resp)
        start = variational.update(prior, sums, sums.centres)
        found.append(climbed(start, values, 15))
    (plain, bounds), (scaled, scaled_bounds) = found
    # The points carry a rounding of 2**12 times that of a point.
    np.testing.assert_allclose((scaled.means - origin) / units, plain.means, atol=1e-9)
    jump = np.array(scaled_bounds) - np.array(bounds)
    assert np.ptp(jump) < 1e-8


def test_a_collapsed_covariance_is_named(rng):
    points = np.repeat(rng.normal(size=(30, 1)), 2, axis=1)
    for structure, where in (("full", "component 0"), ("tied", "common covariance")):
        prior = Prior(structure, True, 1.0, points.mean(axis=0), 1.0, 2.0, np.cov(points.T))
        sums = PointSums(points, np.ones((30, 1)))
        with pytest.raises(DegenerateError, match=f"{where} has collapsed.*raise reg_covar"):
            variational.step(variational.update(prior, sums, sums.centres), points)

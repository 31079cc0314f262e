"""Variational steps against loops over the points, and their bound against quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import digamma, gammaln, logsumexp, multigammaln

from mogfit import DegenerateError, _core
from mogfit.inference import variational
from mogfit.inference.evidence import evidence_lower_bound
from mogfit.inference.variational import VARIATIONAL_STRUCTURES, Prior

NVARS = 3
PROCESSES = (True, False)


class PointSums:
    """Moments of points under responsibilities, about the means they give."""

    def __init__(self, points, resp, weight=None):
        resp = resp if weight is None else resp * weight[:, None]
        self.s0 = resp.sum(axis=0)
        self.centres = resp.T @ points / self.s0[:, None]
        self.s1 = np.zeros_like(self.centres)
        apart = points[:, None] - self.centres
        self.s2 = np.einsum("nk,nki,nkj->kij", resp, apart, apart)


def some_points(rng, n_points=60):
    mixing = rng.normal(size=(2, NVARS, NVARS))
    centres = np.array([[0.0, 0.0, 0.0], [4.0, -3.0, 2.0]])
    which = rng.integers(0, 2, n_points)
    return centres[which] + np.einsum(
        "nij,nj->ni", mixing[which], rng.normal(size=(n_points, NVARS))
    )


def a_prior(structure, process, rng, nvars=NVARS):
    root = rng.normal(size=(nvars, nvars + 2))
    matrix = root @ root.T
    covariance = {
        "full": matrix,
        "tied": matrix,
        "diag": matrix.diagonal(),
        "spherical": np.asarray(matrix[0, 0]),
    }[structure]
    return Prior(structure, process, 0.7, rng.normal(size=nvars), 1.3, nvars + 0.4, covariance)


def started(structure, process, rng, points, ngauss=3, ridge=0.0, weight=None):
    prior = a_prior(structure, process, rng, points.shape[1])
    sums = PointSums(points, rng.dirichlet(np.ones(ngauss), len(points)), weight)
    return variational.update(prior, sums, sums.centres, ridge)


def stepped(posterior, data, ridge=0.0, weight=None):
    moments = _core.data_pass(posterior.mixture, data, weight)
    entropy = variational.responsibility_entropy(posterior, moments)
    return variational.update(posterior.prior, moments, posterior.means, ridge), entropy


def climbed(posterior, data, steps, weight=None, ridge=0.0):
    bounds = []
    for _ in range(steps):
        bound, posterior = variational.step(posterior, data, weight, ridge=ridge, threads=1)
        bounds.append(bound)
    return posterior, bounds


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


# The bound.


@pytest.mark.parametrize("process", PROCESSES)
def test_every_step_raises_the_evidence_by_what_it_raises_the_reported_bound(process, rng):
    points = some_points(rng, 150)
    posterior = started("full", process, rng, points, ngauss=5)
    reported, evidence = [], []
    for _ in range(60):
        evidence.append(evidence_lower_bound(posterior, points))
        posterior, entropy = stepped(posterior, points)
        reported.append(variational.collapsed_bound(posterior, entropy))
    # Rounding of a sum of 150 terms near 10.
    assert np.diff(reported).min() > -1e-10
    assert np.diff(evidence).min() > -1e-10
    assert evidence[-1] - evidence[0] > 10
    # A step for q(z) lies between two for the parameters, so the two bounds interleave.
    constant = evidence_of_collapsed(posterior.prior, points, 5) + np.array(reported)
    assert (constant[:-1] - np.array(evidence[:-1])).min() > -1e-9
    assert (np.array(evidence[1:]) - constant[:-1]).min() > -1e-9


def evidence_of_collapsed(prior, points, ngauss):
    """What scikit-learn's bound leaves out: the normalisers of the prior and powers of 2 pi."""
    n_points, nvars = points.shape
    log_b = -(
        0.5 * prior.dof * (nvars * math.log(2) - np.linalg.slogdet(prior.covariance)[1])
        + sum(gammaln(0.5 * (prior.dof - i)) for i in range(nvars))
    )
    if prior.process:
        weights = ngauss * math.log(prior.concentration)
    else:
        weights = gammaln(ngauss * prior.concentration) - ngauss * gammaln(prior.concentration)
    normals = 0.5 * nvars * ngauss * math.log(prior.mean_precision)
    return ngauss * log_b + weights + normals - 0.5 * n_points * nvars * math.log(2 * math.pi)


def test_one_component_has_the_evidence_itself(rng):
    # With K = 1 the q is exact: the bound is the marginal likelihood, Murphy (2007), eq. 266.
    points = some_points(rng, 25)
    posterior = started("full", False, rng, points, ngauss=1)
    prior = posterior.prior
    n_points, nvars = points.shape
    mean = points.mean(axis=0)
    apart = points - mean
    pull = prior.mean_precision * n_points / (prior.mean_precision + n_points)
    scale = prior.covariance + apart.T @ apart
    scale = scale + pull * np.outer(mean - prior.mean, mean - prior.mean)
    expected = (
        -0.5 * n_points * nvars * math.log(math.pi)
        + multigammaln(0.5 * (prior.dof + n_points), nvars)
        - multigammaln(0.5 * prior.dof, nvars)
        + 0.5 * prior.dof * np.linalg.slogdet(prior.covariance)[1]
        - 0.5 * (prior.dof + n_points) * np.linalg.slogdet(scale)[1]
        + 0.5 * nvars * math.log(prior.mean_precision / (prior.mean_precision + n_points))
    )
    assert evidence_lower_bound(posterior, points) == pytest.approx(expected, rel=1e-12)


def test_one_spherical_or_diagonal_component_has_the_evidence_itself(rng):
    # A normal-gamma distribution for each variable; of one variable spherical is the same.
    points = some_points(rng, 25)
    diag = started("diag", False, rng, points, ngauss=1)
    prior = diag.prior

    def log_evidence(values, m0, b0, shape, rate):
        def integrand(precision):
            # The mean integrated out: x ~ N(m0, (I + 11^T / b0) / precision).
            covariance = (np.eye(len(values)) + 1 / b0) / precision
            density = stats.multivariate_normal(np.full(len(values), m0), covariance)
            return math.exp(density.logpdf(values) + 60) * stats.gamma(shape, scale=1 / rate).pdf(
                precision
            )

        return math.log(integrate.quad(integrand, 0, np.inf, epsabs=0, epsrel=1e-9)[0]) - 60

    separate = [
        log_evidence(
            points[:, j],
            prior.mean[j],
            prior.mean_precision,
            prior.dof / 2,
            prior.covariance[j] / 2,
        )
        for j in range(NVARS)
    ]
    assert evidence_lower_bound(diag, points) == pytest.approx(sum(separate), abs=1e-6)
    line = started("spherical", False, rng, points[:, :1], ngauss=1)
    prior = line.prior
    expected = log_evidence(
        points[:, 0], prior.mean[0], prior.mean_precision, prior.dof / 2, prior.covariance / 2
    )
    assert evidence_lower_bound(line, points[:, :1]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("structure", VARIATIONAL_STRUCTURES)
def test_the_bound_is_the_expectation_over_draws_of_the_posterior(structure, process, rng):
    points = some_points(rng, 8)[:, :2]
    posterior = started(structure, process, rng, points, ngauss=2)
    prior, ngauss, nvars = posterior.prior, 2, 2
    size = 4_000
    values = np.zeros(size)
    dof, covariances = posterior.dof, posterior.covariances

    def draw_precisions(k):
        """Draws of Lambda_k, and the log ratio of its prior to its posterior there."""
        if structure in ("full", "tied"):
            nu, sigma = (dof[k], covariances[k]) if structure == "full" else (dof, covariances)
            q = stats.wishart(float(nu), np.linalg.inv(nu * sigma))
            p = stats.wishart(prior.dof, np.linalg.inv(prior.covariance))
            draws = q.rvs(size, random_state=rng)
            stacked = np.moveaxis(draws, 0, -1)
            return draws, p.logpdf(stacked) - q.logpdf(stacked)
        copies = nvars if structure == "spherical" else 1
        rates = copies * dof[k] * np.atleast_1d(covariances[k]) / 2
        q = stats.gamma(copies * dof[k] / 2, scale=1 / rates)
        p = stats.gamma(
            copies * prior.dof / 2, scale=2 / (copies * np.atleast_1d(prior.covariance))
        )
        drawn = q.rvs((size, len(rates)), random_state=rng)
        ratio = (p.logpdf(drawn) - q.logpdf(drawn)).sum(axis=1)
        return np.einsum("sj,jl->sjl", np.broadcast_to(drawn, (size, nvars)), np.eye(nvars)), ratio

    if process:
        a, b = posterior.concentration
        sticks = rng.beta(a, b, size=(size, ngauss))
        left = np.cumprod(1 - sticks, axis=1)
        weights = sticks * np.hstack([np.ones((size, 1)), left[:, :-1]])
        values += (
            stats.beta(1, prior.concentration).logpdf(sticks) - stats.beta(a, b).logpdf(sticks)
        ).sum(axis=1)
    else:
        (alpha,) = posterior.concentration
        weights = rng.dirichlet(alpha, size)
        values += stats.dirichlet([prior.concentration] * ngauss).logpdf(weights.T)
        values -= stats.dirichlet(alpha).logpdf(weights.T)
    log_joint = np.empty((size, len(points), ngauss))
    for k in range(ngauss):
        if structure != "tied" or k == 0:
            precisions, ratio = draw_precisions(k)
            values += ratio
        roots = np.linalg.cholesky(np.linalg.inv(precisions))
        beta = posterior.mean_precision[k]
        means = posterior.means[k] + np.einsum(
            "sij,sj->si", roots, rng.normal(size=(size, nvars))
        ) / math.sqrt(beta)

        def log_normal(apart, strength, precisions=precisions):
            log_det = np.linalg.slogdet(precisions)[1] + nvars * math.log(strength / 2 / math.pi)
            return 0.5 * (log_det - strength * np.einsum("si,sij,sj->s", apart, precisions, apart))

        values += log_normal(means - prior.mean, prior.mean_precision)
        values -= log_normal(means - posterior.means[k], beta)
        for n, x in enumerate(points):
            log_joint[:, n, k] = np.log(weights[:, k]) + log_normal(x - means, 1.0)
    # q(z): the best one is in proportion to exp of the expectation, here that over the draws.
    expected = log_joint.mean(axis=0)
    log_resp = expected - logsumexp(expected, axis=1, keepdims=True)
    resp = np.exp(log_resp)
    values += (resp * (log_joint - log_resp)).sum(axis=(1, 2))
    error = values.std() / math.sqrt(size)
    assert error < 0.2
    bound = evidence_lower_bound(posterior, points)
    assert values.mean() == pytest.approx(bound, abs=4.5 * error)


def test_an_improper_prior_has_no_evidence(rng):
    points = some_points(rng)
    for structure in ("full", "diag"):
        prior = a_prior(structure, True, rng)
        improper = Prior(structure, True, 1.0, prior.mean, 1.0, 3.0, 0.0 * prior.covariance)
        sums = PointSums(points, rng.dirichlet(np.ones(2), len(points)))
        posterior = variational.update(improper, sums, sums.centres, 1e-6)
        assert math.isnan(evidence_lower_bound(posterior, points))


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

"""A bound of the evidence against closed forms, quadrature and draws of the posterior."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammaln, logsumexp, multigammaln

from mogfit.inference import variational
from mogfit.inference.evidence import evidence_lower_bound
from mogfit.inference.variational_posterior import VARIATIONAL_STRUCTURES, Prior
from tests.inference.variational_cases import (
    NVARS,
    PROCESSES,
    PointSums,
    a_prior,
    some_points,
    started,
    stepped,
)


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

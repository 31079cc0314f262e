"""A lower bound of the log evidence, for posteriors of `mogfit.inference.variational_posterior`.

With the best q(z) and q(x_missing | z) for a q of the parameters, ::

    ln p(data) >= sum_i s_i ln sum_k rho_k(x_i)
                  - KL(q(weights) || p) - sum_k KL(q(mu_k, Lambda_k) || p)

(Bishop 2006, eqs. 10.70 to 10.77, gathered): every constant is in it, so it compares numbers of
components, structures and priors on the same data.

It holds for any q. For it the precisions have the distribution that goes with the updates: a
Wishart for ``"full"`` and ``"tied"``; for ``"diag"`` a gamma distribution of shape nu_k / 2 and
rate nu_k Sigma_kj / 2 for each variable; for ``"spherical"`` one of shape d nu_k / 2 and rate
d nu_k Sigma_k / 2. Only for ``"full"`` without a ridge do the updates climb just this bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.variational_posterior import Posterior, Prior

__all__ = ["evidence_lower_bound"]

Floats = NDArray[np.float64]


def evidence_lower_bound(
    posterior: Posterior,
    data: _core.Observations | Floats,
    sample_weight: Floats | None = None,
    threads: int = 0,
) -> float:
    """The bound at a posterior, in nats for all the data, by one pass over them.

    NaN where the prior is not a distribution: where its `covariance` is singular.
    """
    if not _is_distribution(posterior.prior):
        return math.nan
    log_dets = expected_log_dets(posterior)
    log_weights = posterior.expected_log_weights + 0.5 * (
        log_dets + posterior.log_dets - posterior.prior.nvars / posterior.mean_precision
    )
    rho = posterior.weighted(log_weights)
    loglik = _core.log_likelihood(rho, data, sample_weight, threads)
    return float(
        loglik
        - _divergence_of_weights(posterior)
        - _divergence_of_means(posterior)
        - _divergence_of_precisions(posterior, log_dets)
    )


def expected_log_dets(posterior: Posterior) -> Floats:
    """E[ln |Lambda_k|], (K,) or (1,)."""
    from scipy.special import digamma

    nvars = posterior.prior.nvars
    if not posterior.diagonal:
        return posterior.log_scaled_dets - posterior.log_dets
    shape = _gamma_shape(posterior.prior, posterior.dof)
    return nvars * (digamma(shape) - np.log(shape)) - posterior.log_dets


def _gamma_shape(prior: Prior, dof: Floats) -> Floats:
    return 0.5 * dof * (prior.nvars if prior.structure == "spherical" else 1)


def _divergence_of_weights(posterior: Posterior) -> float:
    from scipy.special import betaln, digamma, gammaln

    prior = posterior.prior
    if prior.process:
        first, second = posterior.concentration
        both = digamma(first + second)
        return float(
            (
                betaln(1.0, prior.concentration)
                - betaln(first, second)
                + (first - 1.0) * (digamma(first) - both)
                + (second - prior.concentration) * (digamma(second) - both)
            ).sum()
        )
    (concentration,) = posterior.concentration
    total = concentration.sum()
    count = len(concentration)
    return float(
        gammaln(total)
        - gammaln(count * prior.concentration)
        + (
            gammaln(prior.concentration)
            - gammaln(concentration)
            + (concentration - prior.concentration) * (digamma(concentration) - digamma(total))
        ).sum()
    )


def _divergence_of_means(posterior: Posterior) -> float:
    """E over q(Lambda_k) of the divergences of the normal distributions of the means."""
    prior = posterior.prior
    shifts = posterior.means - prior.mean
    whitened = np.linalg.solve(posterior.factors, shifts[:, :, None])
    ratio = prior.mean_precision / posterior.mean_precision
    return 0.5 * float(
        prior.nvars * (ratio - 1.0 - np.log(ratio)).sum()
        + prior.mean_precision * (whitened * whitened).sum()
    )


def _divergence_of_precisions(posterior: Posterior, log_dets: Floats) -> float:
    prior = posterior.prior
    if not posterior.diagonal:
        return _divergence_of_wisharts(posterior, log_dets)
    from scipy.special import digamma, gammaln

    spherical = prior.structure == "spherical"
    shape = _gamma_shape(prior, posterior.dof)
    if not spherical:
        shape = shape[:, None]
    rate = shape * posterior.covariances
    prior_shape = float(_gamma_shape(prior, np.asarray(prior.dof)))
    prior_rate = 0.5 * prior.covariance * (prior.nvars if spherical else 1)
    divergences = (
        (shape - prior_shape) * digamma(shape)
        - gammaln(shape)
        + gammaln(prior_shape)
        + prior_shape * np.log(rate / prior_rate)
        + shape * (prior_rate / rate - 1.0)
    )
    return float(divergences.sum())


def _divergence_of_wisharts(posterior: Posterior, log_dets: Floats) -> float:
    from scipy.special import gammaln

    prior, dof = posterior.prior, posterior.dof
    nvars = prior.nvars
    steps = np.arange(nvars)

    def log_norm(degrees: Floats, log_det_inverse_scale: Floats | float) -> Floats:
        """-ln B(W, nu) but for the power of pi, Bishop (2006), eq. B.79."""
        gammas = gammaln(0.5 * (degrees[..., None] - steps)).sum(axis=-1)
        return gammas + 0.5 * degrees * (nvars * math.log(2.0) - log_det_inverse_scale)

    _, log_det_prior = np.linalg.slogdet(prior.covariance)
    log_det = posterior.log_dets + nvars * np.log(dof)
    # As a stack of one: NumPy 1 takes (d, d) for a stack of vectors.
    whitened = np.linalg.solve(posterior.factors, prior.covariance[np.newaxis])
    traces = np.einsum("kii->k", np.linalg.solve(posterior.factors, whitened.transpose(0, 2, 1)))
    divergences = (
        log_norm(np.asarray(prior.dof, dtype=float), log_det_prior)
        - log_norm(dof, log_det)
        + 0.5 * (dof - prior.dof) * log_dets
        - 0.5 * dof * nvars
        + 0.5 * traces
    )
    return float(divergences.sum())


def _is_distribution(prior: Prior) -> bool:
    """Whether the covariance is positive definite, but for rounding, and in any units."""
    matrix = prior.covariance
    if prior.structure in ("diag", "spherical"):
        return bool(np.all(matrix > 0.0))
    scales = np.sqrt(matrix.diagonal())
    if not np.all(scales > 0.0):
        return False
    smallest = np.linalg.eigvalsh(matrix / np.outer(scales, scales))[0]
    return bool(smallest > 10.0 * len(matrix) * np.finfo(float).eps)

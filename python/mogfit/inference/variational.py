"""Variational inference for mixtures of Gaussians: a posterior of the parameters, not one value.

The posterior is sought among the products q(z) q(weights) prod_k q(mu_k, Lambda_k) (Bishop 2006,
section 10.2; Blei & Jordan 2006 for the Dirichlet process). Given the q of the parameters, the best
q(z) has responsibilities in proportion to ::

    ln rho_k(x) = E[ln w_k] + E[ln |Lambda_k|] / 2 - d / (2 beta_k) - (d / 2) ln 2 pi
                  - (nu_k / 2) (x - m_k)^T W_k (x - m_k),

and that is the log density of a Gaussian of mean m_k and covariance Sigma_k = (nu_k W_k)^-1 with a
weight that is not normalised: one pass of the core over the data gives sum_i ln sum_k rho_k(x_i)
and the three moments from which all of the next q follows. All that stands here is algebra on K
small matrices.

Values that are missing are one more thing that is not known: with a q(x_missing | z) for each row,
the best of which is the conditional of that same Gaussian, the pass over what was seen gives the
expected moments that the update needs. Nothing is approximated beyond the product itself, so every
step raises the bound with missing values as without.

Structures, priors and updates are those that scikit-learn's `BayesianGaussianMixture` defines. Its
E[ln |Lambda_k|] is a Wishart's for all four of them, and a tied covariance learns from the average
component; so the updates climb the evidence exactly for ``"full"`` without a ridge, and closely
for the others (`mogfit.inference.evidence` says what the bound is there).
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.variational_posterior import Posterior, Prior

__all__ = [
    "Sums",
    "collapsed_bound",
    "responsibility_entropy",
    "step",
    "update",
]

Floats = NDArray[np.float64]

_LOG_2PI = math.log(2.0 * math.pi)

# What scikit-learn adds to the points of each component.
_ADDED = 10.0 * np.finfo(float).eps


class Sums(Protocol):
    """What an update learns of the data; `_core.Moments` is one."""

    @property
    def s0(self) -> Floats:
        """sum_i s_i r_ik, (K,)."""

    @property
    def s1(self) -> Floats:
        """sum_i s_i r_ik y_ik with y_ik = x_i - centre_k, (K, d)."""

    @property
    def s2(self) -> Floats:
        """sum_i s_i r_ik y_ik y_ik^T, (K, d, d)."""


def update(prior: Prior, sums: Sums, centres: Floats, ridge: float = 0.0) -> Posterior:
    """The best q of the parameters, given what the data say under q(z).

    Parameters
    ----------
    prior : Prior
    sums : Sums
        The moments about `centres`.
    centres : ndarray of shape (K, d)
    ridge : float, default 0
        A variance that every point brings along in each variable, scikit-learn's `reg_covar`.

    Notes
    -----
    Bishop (2006), eqs. 10.58 and 10.60 to 10.63. The scatter is taken about the new m_k, ::

        sum_i r_ik (x_i - m_k) (x_i - m_k)^T + beta_0 (m_k - m_0) (m_k - m_0)^T,

    which equals his sum about the mean of the points and needs no division by N_k, so that a
    component without points is nothing special.
    """
    s0, s1 = sums.s0, sums.s1
    precision = prior.mean_precision
    mean_precision = precision + s0
    # How far the means go; from differences, so that a far origin costs nothing.
    steps = (s1 + precision * (prior.mean - centres)) / mean_precision[:, None]
    means = centres + steps
    shifts = means - prior.mean
    held = s0[:, None]
    if prior.structure in ("diag", "spherical"):
        scatter = (
            np.einsum("kii->ki", sums.s2)
            + steps * (held * steps - 2.0 * s1)
            + precision * shifts * shifts
        )
    else:
        cross = steps[:, :, None] * s1[:, None, :]
        scatter = (
            sums.s2
            - cross
            - cross.transpose(0, 2, 1)
            + steps[:, :, None] * (held * steps)[:, None, :]
            + shifts[:, :, None] * (precision * shifts)[:, None, :]
        )
    dof, covariances = _precisions(prior, s0, scatter, ridge)
    return Posterior(prior, _concentration(prior, s0), mean_precision, means, dof, covariances)


def responsibility_entropy(posterior: Posterior, moments: _core.Moments) -> float:
    """-sum_i s_i sum_k r_ik ln r_ik, from a pass with the mixture of `posterior`.

    As ln r = ln rho - ln sum rho, the pass has it all. Of missing values it holds the entropy of
    q(x_missing | z) too.
    """
    s0, s2 = moments.s0, moments.s2
    log_dets = posterior.log_dets + posterior.prior.nvars * _LOG_2PI
    constants = posterior.log_weights - 0.5 * log_dets
    expected = s0 @ np.where(s0 > 0.0, constants, 0.0)
    scales = posterior.scales
    if posterior.correlation_factors is None:
        distances = (np.einsum("kii->ki", s2) / (scales * scales)).sum()
    else:
        if posterior.prior.structure == "tied":
            s2 = s2.sum(axis=0, keepdims=True)
        whitenings = np.linalg.inv(posterior.correlation_factors) / scales[:, None, :]
        distances = ((whitenings @ s2) * whitenings).sum()
    return float(moments.loglik - expected + 0.5 * distances)


def collapsed_bound(posterior: Posterior, entropy: float) -> float:
    """The bound that scikit-learn reports, for parameters updated from q(z) of this entropy.

    The evidence lower bound but for a constant, once the q of the parameters is the best one for
    q(z): what is left of it are the entropy and the normalisers of the posterior.
    """
    from scipy.special import betaln, gammaln

    nvars, dof = posterior.prior.nvars, posterior.dof
    # -ln B(W, nu) of Bishop (2006), eq. B.79, without the power of pi.
    log_dets = posterior.log_dets + nvars * np.log(dof)
    wisharts = gammaln(posterior.wishart_halves).sum(axis=-1) + 0.5 * dof * (
        nvars * math.log(2.0) - log_dets
    )
    count = len(posterior.means) if posterior.prior.structure == "tied" else 1
    if posterior.prior.process:
        weights = betaln(*posterior.concentration).sum()
    else:
        (concentration,) = posterior.concentration
        weights = gammaln(concentration).sum() - gammaln(concentration.sum())
    normals = -0.5 * nvars * np.log(posterior.mean_precision).sum()
    return float(entropy + count * wisharts.sum() + weights + normals)


def step(
    posterior: Posterior,
    data: _core.Observations | NDArray[Any],
    sample_weight: Floats | None = None,
    *,
    ridge: float = 0.0,
    threads: int = 0,
) -> tuple[float, Posterior]:
    """One pass over the data, and the bound and the posterior after it.

    Parameters
    ----------
    posterior : Posterior
        Where to start.
    data : _core.Observations, or ndarray of shape (N, d) with its weights
    sample_weight : ndarray of shape (N,), optional
        How many points each row counts for.
    ridge : float, default 0
        See `update`.
    threads : int, default 0

    Returns
    -------
    bound : float
        See `collapsed_bound`.
    posterior : Posterior
    """
    moments = _core.data_pass(
        posterior.mixture, data, sample_weight, threads, diagonal=posterior.diagonal
    )
    entropy = responsibility_entropy(posterior, moments)
    following = update(posterior.prior, moments, posterior.means, ridge)
    return collapsed_bound(following, entropy), following


def _concentration(prior: Prior, s0: Floats) -> tuple[Floats, ...]:
    """Parameters of q(weights): Bishop eq. 10.58; Blei & Jordan (2006), eqs. 18 and 19."""
    if not prior.process:
        return (prior.concentration + s0,)
    beyond = np.zeros_like(s0)
    beyond[:-1] = s0[:0:-1].cumsum()[::-1]
    return 1.0 + s0, prior.concentration + beyond


def _precisions(prior: Prior, s0: Floats, scatter: Floats, ridge: float) -> tuple[Floats, Floats]:
    """nu_k and Sigma_k; the scatter is (K, d, d), or its diagonals (K, d)."""
    if prior.structure == "tied":
        # The average component teaches the one covariance.
        count = s0.mean()
        dof = np.asarray(prior.dof + count)
        inverse_scale = prior.covariance + scatter.mean(axis=0)
        np.einsum("ii->i", inverse_scale)[...] += ridge * count
        return dof, inverse_scale / dof
    dof = prior.dof + s0
    # A component without points has a ridge too, however small: its variance along a column that
    # does not vary is nothing else.
    added = ridge * (s0 + _ADDED)
    if prior.structure == "full":
        inverse_scale = prior.covariance + scatter
        np.einsum("kii->ki", inverse_scale)[...] += added[:, None]
        return dof, inverse_scale / dof[:, None, None]
    if prior.structure == "diag":
        return dof, (prior.covariance + scatter + added[:, None]) / dof[:, None]
    return dof, (prior.covariance + scatter.mean(axis=1) + added) / dof

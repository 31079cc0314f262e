"""What is believed of a mixture of Gaussians before and after its data.

Names follow Bishop (2006), section 10.2, and Blei & Jordan (2006) for the Dirichlet process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DegenerateError

__all__ = ["VARIATIONAL_STRUCTURES", "Posterior", "Prior"]

Floats = NDArray[np.float64]

VARIATIONAL_STRUCTURES = ("full", "tied", "diag", "spherical")


@dataclass(frozen=True)
class Prior:
    """What is believed of a mixture before its data.

    The weights are Dirichlet(concentration, ..., concentration), or sticks broken by
    Beta(1, concentration) in the Dirichlet process; the means are N(mean, (mean_precision
    Lambda_k)^-1) and the precisions Wishart(dof, covariance^-1).

    Attributes
    ----------
    structure : {"full", "tied", "diag", "spherical"}
        What covariances may look like.
    process : bool
        Whether the weights follow a Dirichlet process.
    concentration, mean_precision : float
        Positive.
    mean : ndarray of shape (d,)
    dof : float
        Above d - 1.
    covariance : ndarray
        The inverse scale matrix, (d, d) for full and tied, its diagonal (d,) for diag, one number
        for spherical.
    """

    structure: str
    process: bool
    concentration: float
    mean: Floats
    mean_precision: float
    dof: float
    covariance: Floats

    @property
    def nvars(self) -> int:
        """Variables d of the points."""
        return len(self.mean)


@dataclass(frozen=True)
class Posterior:
    """The factors q of the parameters.

    Attributes
    ----------
    prior : Prior
    concentration : tuple of ndarray of shape (K,)
        The Dirichlet's parameters; or both of the Beta distributions' of the sticks.
    mean_precision : ndarray of shape (K,)
        beta_k.
    means : ndarray of shape (K, d)
        m_k.
    dof : ndarray of shape (K,), or () for tied
        nu_k.
    covariances : ndarray
        Sigma_k = (nu_k W_k)^-1: (K, d, d) for full, (d, d) for tied, (K, d) for diag, (K,) for
        spherical.
    """

    prior: Prior
    concentration: tuple[Floats, ...]
    mean_precision: Floats
    means: Floats
    dof: Floats
    covariances: Floats

    @cached_property
    def scales(self) -> Floats:
        """Square roots of the diagonals of the Sigma_k, (K, d), or (1, d) for tied."""
        structure = self.prior.structure
        if structure == "full":
            return np.sqrt(np.einsum("kii->ki", self.covariances))
        if structure == "tied":
            return np.sqrt(self.covariances.diagonal())[None]
        if structure == "diag":
            return np.sqrt(self.covariances)
        return np.sqrt(self.covariances)[:, None].repeat(self.prior.nvars, axis=1)

    @cached_property
    def correlation_factors(self) -> Floats | None:
        """Lower Cholesky factors of the correlation matrices, (K, d, d) or (1, d, d).

        None where covariances are diagonal.
        """
        if self.diagonal:
            return None
        scales = self.scales
        # Units of the columns that lie far apart cost no accuracy this way.
        scaled = self.covariances / (scales[:, :, None] * scales[:, None, :])
        try:
            return np.asarray(np.linalg.cholesky(scaled), dtype=np.float64)
        except np.linalg.LinAlgError as error:
            shared = self.prior.structure == "tied"
            raise DegenerateError(_singular_message(scaled, shared)) from error

    @cached_property
    def factors(self) -> Floats:
        """Lower Cholesky factors of the Sigma_k, (K, d, d) or (1, d, d)."""
        scales, correlation = self.scales, self.correlation_factors
        if correlation is not None:
            return scales[:, :, None] * correlation
        factors = np.zeros((*scales.shape, scales.shape[1]))
        np.einsum("kii->ki", factors)[...] = scales
        return factors

    @cached_property
    def log_dets(self) -> Floats:
        """Log determinants of the Sigma_k, (K,) or (1,)."""
        halves = np.log(self.scales).sum(axis=1)
        if self.correlation_factors is not None:
            halves += np.log(np.einsum("kii->ki", self.correlation_factors)).sum(axis=1)
        return 2.0 * halves

    @property
    def diagonal(self) -> bool:
        """Whether the Sigma_k are diagonal."""
        return self.prior.structure in ("diag", "spherical")

    @cached_property
    def expected_log_weights(self) -> Floats:
        """E[ln w_k], (K,): Bishop (2006), eq. 10.66; sticks: Blei & Jordan (2006), section 3."""
        from scipy.special import digamma

        if not self.prior.process:
            (concentration,) = self.concentration
            return digamma(concentration) - digamma(concentration.sum())
        first, second = self.concentration
        taken, left = digamma((first, second)) - digamma(first + second)
        taken[1:] += left[:-1].cumsum()
        return taken

    @cached_property
    def weights(self) -> Floats:
        """Expected weights, (K,), normalised: what the last stick leaves over is shared out."""
        if not self.prior.process:
            (concentration,) = self.concentration
            return concentration / concentration.sum()
        first, second = self.concentration
        total = first + second
        weights = first / total
        weights[1:] *= (second[:-1] / total[:-1]).cumprod()
        return weights / weights.sum()

    @cached_property
    def wishart_halves(self) -> Floats:
        """(nu_k + 1 - i) / 2 for i = 1, ..., d, (K, d) or (d,)."""
        return 0.5 * (self.dof[..., None] - np.arange(self.prior.nvars))

    @cached_property
    def log_scaled_dets(self) -> Floats:
        """E[ln |Lambda_k|] + ln |Sigma_k| of Wishart distributions, (K,) or ()."""
        from scipy.special import digamma

        gammas = digamma(self.wishart_halves).sum(axis=-1)
        return gammas - self.prior.nvars * np.log(0.5 * self.dof)

    @cached_property
    def log_weights(self) -> Floats:
        """Log weights, (K,), with which Gaussians N(m_k, Sigma_k) are the rho_k."""
        spread = self.log_scaled_dets - self.prior.nvars / self.mean_precision
        return self.expected_log_weights + 0.5 * spread

    @cached_property
    def mixture(self) -> _core.PreparedMixture:
        """The rho_k: sum_k w_k N_k is not normalised."""
        return self.weighted(self.log_weights)

    def weighted(self, log_weights: Floats) -> _core.PreparedMixture:
        """The Gaussians N(m_k, Sigma_k) with these weights."""
        factors = self.factors
        if len(factors) != len(self.means):
            factors = np.broadcast_to(factors, (len(self.means), *factors.shape[1:]))
        return _core.PreparedMixture.from_factors(log_weights, self.means, factors)

    @property
    def held(self) -> Floats:
        """Points that each component holds in expectation, (K,)."""
        return self.mean_precision - self.prior.mean_precision


def _singular_message(correlations: Floats, shared: bool) -> str:
    smallest = np.linalg.eigvalsh(correlations)[:, 0]
    component = int(smallest.argmin())
    where = "the common covariance" if shared else f"component {component}"
    return (
        f"data: {where} has collapsed, smallest correlation eigenvalue {smallest[component]:.1e}; "
        "drop columns that determine one another, give a covariance_prior that is positive "
        "definite, or raise reg_covar"
    )

"""Plain expectation-maximisation to a tolerance."""

from __future__ import annotations

import numpy as np

from mogfit import _core
from mogfit.inference.descent import GRADIENT_TOLERANCE, ROUNDING_SLACK, Outcome
from mogfit.inference.likelihood import Likelihood, Observer

__all__ = ["run_em"]

# Nats that a step gains in total when the gradient is first looked at.
_FIRST_LOOK = 1e-6

# Steps between looks, each of which costs a pass.
_LOOK_EVERY = 10


def run_em(
    likelihood: Likelihood,
    mixture: _core.PreparedMixture,
    *,
    tolerance: float | None = None,
    max_iterations: int = 100_000,
    observer: Observer | None = None,
) -> Outcome:
    """EM steps until one gains less than `tolerance` in the mean log-likelihood per point.

    By default until the largest entry of the whitened gradient is as small as every fit asks: a
    small gain alone is no sign of an optimum where EM crawls. Each step raises the penalised
    log-likelihood, with a prior the posterior density.
    """
    total = likelihood.total

    def penalised(loglik: float, at: _core.PreparedMixture) -> float:
        return -likelihood.objective(at, loglik)

    # By default, the gain from which on to look at the gradient now and then.
    enough = _FIRST_LOOK / total if tolerance is None else tolerance
    loglik, following = likelihood.em_step(mixture)
    reached = penalised(loglik, mixture)
    gain = np.inf
    gradient_norm = np.nan
    iterations = 0
    stopped = False
    while iterations < max_iterations:
        before_step, before = mixture, reached
        mixture = following
        iterations += 1
        loglik, following = likelihood.em_step(mixture)
        reached = penalised(loglik, mixture)
        if reached < before and likelihood.domain is not None:
            # Too bold for a truncated mixture: the same step again, shorter.
            _, mixture = likelihood.em_step(before_step, monotone=True)
            loglik, following = likelihood.em_step(mixture)
            reached = penalised(loglik, mixture)
        gain = reached - before
        if observer is not None and observer(iterations, -reached, np.nan, mixture) is False:
            stopped = True
            break
        if gain < enough:
            if tolerance is not None or gain <= 0.0:
                break
            if iterations % _LOOK_EVERY:
                continue
            gradient_norm = likelihood.gradient_norm(mixture)
            if gradient_norm <= GRADIENT_TOLERANCE:
                break
    em_gain = total * (penalised(likelihood.loglik(following), following) - reached)
    gradient_norm = likelihood.gradient_norm(mixture)
    converged, reason = _judge(gain, enough, gradient_norm, tolerance, max_iterations)
    if stopped:
        converged, reason = False, f"stopped by the callback, {_gradient(gradient_norm)}"
    return Outcome(mixture, loglik, gradient_norm, em_gain, iterations, converged, reason)


def _judge(
    gain: float,
    enough: float,
    gradient_norm: float,
    tolerance: float | None,
    max_iterations: int,
) -> tuple[bool, str]:
    """Whether EM ended where it was asked to, and the reason in words."""
    if tolerance is not None and gain < enough:
        return True, f"a step gained {gain:.1e} in log L / N, less than {enough:.0e}"
    if gradient_norm <= GRADIENT_TOLERANCE:
        return True, f"{_gradient(gradient_norm)} <= {GRADIENT_TOLERANCE:.0e}"
    if gain > 0.0:
        return False, f"iteration limit {max_iterations} reached, {_gradient(gradient_norm)}"
    if gradient_norm <= ROUNDING_SLACK * GRADIENT_TOLERANCE:
        return True, f"{_gradient(gradient_norm)}, as low as rounding lets EM go"
    return False, f"rounding hides what another step would gain, {_gradient(gradient_norm)}"


def _gradient(norm: float) -> str:
    return f"largest gradient entry {norm:.1e}"

"""Plain expectation-maximisation to a tolerance."""

from __future__ import annotations

import numpy as np

from mogfit import _core
from mogfit.inference.descent import EM_GAIN, Outcome
from mogfit.inference.likelihood import Likelihood, Observer

__all__ = ["run_em"]


def run_em(
    likelihood: Likelihood,
    mixture: _core.PreparedMixture,
    *,
    tolerance: float | None = None,
    max_iterations: int = 100_000,
    observer: Observer | None = None,
) -> Outcome:
    """EM steps until one gains less than `tolerance` in the mean log-likelihood per point.

    By default until a step gains less than 1e-3 nats in total and the whitened gradient, of which
    an EM step is close to, predicts no more. Each step raises the penalised log-likelihood.
    """
    total = likelihood.total
    enough = EM_GAIN / total * 1e-3 if tolerance is None else tolerance
    previous = -np.inf
    gain = np.inf
    iterations = 0
    stopped = False
    while iterations < max_iterations:
        loglik, following = likelihood.em_step(mixture)
        penalised = (loglik - likelihood.penalty_value(mixture)) / total
        gain = penalised - previous
        if gain < enough:
            break
        previous = penalised
        iterations += 1
        mixture = following
        if observer is not None and observer(iterations, -penalised, np.nan, mixture) is False:
            stopped = True
            break
    loglik = likelihood.loglik(mixture)
    reached = (loglik - likelihood.penalty_value(mixture)) / total
    _, following = likelihood.em_step(mixture)
    em_gain = likelihood.loglik(following) - likelihood.penalty_value(following) - reached * total
    gradient_norm = likelihood.gradient_norm(mixture)
    if stopped:
        converged, reason = False, "stopped by the callback"
    elif gain < enough:
        converged, reason = True, f"a step gained {gain:.1e} in log L / N, less than {enough:.0e}"
    else:
        converged, reason = False, f"iteration limit {max_iterations} reached"
    return Outcome(mixture, loglik, gradient_norm, em_gain, iterations, converged, reason)

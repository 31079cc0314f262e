"""From a start to an optimum: a few steps of EM, then L-BFGS in the core."""

from __future__ import annotations

import numpy as np

from mogfit import _core
from mogfit.inference.descent import EM_GAIN, ROUNDING_SLACK
from mogfit.sklearn.base import Progress, Run
from mogfit.sklearn.training_data import TrainingData

__all__ = ["climb"]

# EM goes first, as far as `solver="em"` goes at its default `tol`, which settles what optimum is
# near: so the descent ends no lower. Some steps it takes in any case, for a start may be a point
# for each component, or all components in one place.
_EM_STEPS = 5
_EM_TOL = 1e-3

# The largest entry of the whitened gradient at an optimum, as a part of `tol`: 1e-6 by default.
_GRADIENT = 1e-3

# No tighter than this, however small `tol` is: rounding hides the rest.
_SMALLEST_GRADIENT = 1e-12


def climb(
    data: TrainingData,
    mixture: _core.PreparedMixture,
    model: _core.Model,
    *,
    tol: float,
    max_iter: int,
    progress: Progress,
    from_start: bool = True,
) -> Run:
    """Raise the mean log-likelihood, less the model's ridge, until its gradient vanishes.

    Steps of EM count as iterations. Converged: no entry of the whitened gradient is above a
    thousandth of `tol`, and a step of EM would gain less than 1e-3 nats in all. Bounds are those of
    the mixture after each iteration, but for EM's, which are mean log-likelihoods before it.
    """
    X, weight = data.seen
    path: list[float] = []
    if from_start:
        mixture, path = _by_em(data, mixture, model, max(tol, _EM_TOL), max_iter)
        for number, bound in enumerate(path, 1):
            progress.iteration(number, bound - path[number - 2] if number > 1 else np.inf)

    def observe(
        _iteration: int, objective: float, _gradient: float, _mixture: _core.PreparedMixture
    ) -> None:
        change = -objective - path[-1] if path else np.inf
        path.append(-objective)
        progress.iteration(len(path), change)

    wanted = tolerance = max(_GRADIENT * tol, _SMALLEST_GRADIENT)
    # As if each point weighed 1: how much they weigh in all says nothing of an optimum.
    gain_allowed = EM_GAIN * data.total / len(data.X)
    while True:
        descent = _core.descend(
            mixture,
            [(X, weight, tolerance)],
            0.0,
            None,
            max_iterations=max_iter - len(path),
            observer=observe,
            model=model,
        )
        mixture = descent.mixture
        optimal = descent.em_gain < gain_allowed
        converged = optimal and descent.gradient_norm <= wanted
        if converged or descent.ending != "converged" or len(path) == max_iter:
            # Rounding may end a line search a little before.
            close = descent.gradient_norm <= ROUNDING_SLACK * wanted
            converged |= optimal and close and descent.ending == "rounding"
            break
        # The gradient is small, but a flat direction is left.
        tolerance *= 0.1
    # Of the mixture as it is now, also where the descent found nothing to do.
    path[-1:] = [-descent.objective]
    return Run(mixture, path, converged)


def _by_em(
    data: TrainingData,
    mixture: _core.PreparedMixture,
    model: _core.Model,
    tol: float,
    max_iter: int,
) -> tuple[_core.PreparedMixture, list[float]]:
    """EM until a step gains less than `tol`, and the mean log-likelihoods before its steps."""
    path: list[float] = []
    for steps, tolerance in ((max_iter, tol), (min(_EM_STEPS, max_iter), 0.0)):
        if len(path) >= steps:
            break
        mixture, _, _, logliks = _core.em_run(
            mixture,
            *data.seen,
            steps=steps - len(path),
            tolerance=tolerance,
            model=model,
            path=True,
        )
        path += [loglik / data.total for loglik in logliks]
    return mixture, path

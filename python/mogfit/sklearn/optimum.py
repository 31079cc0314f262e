"""From a start to an optimum: a few steps of EM, then L-BFGS in the core."""

from __future__ import annotations

import numpy as np

from mogfit import _core
from mogfit.inference.descent import EM_GAIN, ROUNDING_SLACK
from mogfit.sklearn.base import Progress, Run
from mogfit.sklearn.training_data import TrainingData

__all__ = ["EM_STEPS", "climb"]

# Steps of EM that make a mixture of a start, which may be a point for each component.
EM_STEPS = 5

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
    em_steps: int = EM_STEPS,
) -> Run:
    """Raise the mean log-likelihood, less the model's ridge, until its gradient vanishes.

    Steps of EM count as iterations. Converged: no entry of the whitened gradient is above a
    thousandth of `tol`, and a step of EM would gain less than 1e-3 nats in all.
    """
    X, weight = data.seen
    path: list[float] = []
    n_em = min(em_steps, max_iter)
    if n_em:
        mixture, _, _, logliks = _core.em_run(
            mixture, X, weight, steps=n_em, tolerance=0.0, model=model, path=True
        )
        path += [loglik / data.total for loglik in logliks]
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
    converged = False
    while len(path) < max_iter:
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
        if not path:  # it began at the optimum
            path.append(-descent.objective)
        optimal = descent.em_gain < gain_allowed
        converged = optimal and descent.gradient_norm <= wanted
        if converged or descent.ending != "converged":
            # Rounding may end a line search a little before.
            close = descent.gradient_norm <= ROUNDING_SLACK * wanted
            converged |= optimal and close and descent.ending == "rounding"
            break
        # The gradient is small, but a flat direction is left.
        tolerance *= 0.1
    return Run(mixture, path, converged)

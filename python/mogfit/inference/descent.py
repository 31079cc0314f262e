"""The last stretch: L-BFGS in whitened coordinates until the fit is at an optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mogfit import _core
from mogfit.inference.given_starts import EMPTY, approach
from mogfit.inference.likelihood import Likelihood, Observer

__all__ = ["EM_GAIN", "GRADIENT_TOLERANCE", "ROUNDING_SLACK", "Outcome", "finish"]

# Converged: no entry of the whitened gradient above this, and one EM step gains less (in nats).
GRADIENT_TOLERANCE = 1e-6
EM_GAIN = 1e-3

# A line search that rounding stops this close to the criterion counts.
ROUNDING_SLACK = 10.0

# Large data: most of the descent runs on samples that grow by this factor, each until its
# gradient is this part of the sampling error of a gradient, 1 / sqrt(rows).
_GROWTH = 8
_SAMPLING_ERROR = 0.1

# Iterations between looks at whether a component has been emptied, and how often to refill.
_STRETCH = 200
_MAX_REFILLS = 3

# A stretch at its limit has stalled when it has lowered the objective by no more than rounding, in
# parts of it, and the gradient not by this factor; or when its iterations took as many passes as a
# line search makes at most.
_NO_DECREASE = 1e-13
_GRADIENT_FALL = 0.5
_PASSES_OF_A_SEARCH = 20


@dataclass(frozen=True)
class Outcome:
    """Where a way of fitting ended, and why."""

    mixture: _core.PreparedMixture
    loglik: float
    gradient_norm: float
    em_gain: float
    iterations: int
    converged: bool
    reason: str
    seconds_optimizer: float = 0.0


def growing_samples(
    likelihood: Likelihood, first: Likelihood, rng: np.random.Generator
) -> tuple[tuple[Likelihood, float], ...]:
    """`first` and larger samples of the data, with the gradient tolerance for each.

    None when `first` is most of the data.
    """
    samples = []
    sample = first
    while 2 * sample.n_points < likelihood.n_points:
        samples.append((sample, _SAMPLING_ERROR / np.sqrt(sample.n_points)))
        sample = likelihood.sample(_GROWTH * sample.n_points, rng)
    return tuple(samples)


def finish(
    likelihood: Likelihood,
    mixture: _core.PreparedMixture,
    *,
    smaller: tuple[tuple[Likelihood, float], ...] = (),
    gradient_tolerance: float = GRADIENT_TOLERANCE,
    max_iterations: int = 2000,
    memory: int = 20,
    observer: Observer | None = None,
) -> Outcome:
    """Descend until the gradient and the gain of an EM step say that this is an optimum.

    A component that the descent empties is refilled, a few times at most, and it goes on. Where
    rounding hides every decrease it ends, although line searches would go on for ever.
    """
    iterations = refills = 0
    stalled = False
    before: _core.Descent | None = None
    tolerance = gradient_tolerance
    while True:
        left = max_iterations - iterations
        descent = likelihood.descend(
            mixture,
            tolerance,
            smaller=smaller,
            observer=_counting_on(observer, iterations),
            max_iterations=left if smaller else min(left, _STRETCH),
            memory=memory,
        )
        iterations += descent.iterations
        mixture, smaller = descent.mixture, ()
        if descent.ending == "stopped" or iterations >= max_iterations:
            break
        if descent.ending == "converged":
            if descent.em_gain < EM_GAIN:
                break
            # The gradient is small but a flat direction remains: on to a tighter tolerance.
            tolerance *= 0.1
        elif refills < _MAX_REFILLS and likelihood.points_held(mixture).min() < EMPTY:
            refills += 1
            mixture = approach(likelihood, mixture)
            before = None
            continue
        elif descent.ending != "iteration limit":
            break
        elif _has_stalled(descent, before):
            stalled = True
            break
        before = descent
    converged, reason = judge(descent, gradient_tolerance, max_iterations, stalled)
    if refills:
        reason += f"; an emptied component was refilled {refills} time{'s' if refills > 1 else ''}"
    return Outcome(
        descent.mixture,
        descent.loglik,
        descent.gradient_norm,
        descent.em_gain,
        iterations,
        converged,
        reason,
    )


def _has_stalled(descent: _core.Descent, before: _core.Descent | None) -> bool:
    """Whether a stretch got no further than the one before, for all its iterations."""
    if descent.passes > _PASSES_OF_A_SEARCH * max(descent.iterations, 1):
        return True
    if before is None:
        return False
    lowered = before.objective - descent.objective
    return (
        lowered <= _NO_DECREASE * max(1.0, abs(descent.objective))
        and descent.gradient_norm > _GRADIENT_FALL * before.gradient_norm
    )


def _counting_on(observer: Observer | None, before: int) -> Observer | None:
    """The observer, told iterations that go on from an earlier stretch."""
    if observer is None or before == 0:
        return observer

    def observe(
        iteration: int, objective: float, gradient: float, mixture: _core.PreparedMixture
    ) -> bool | None:
        return observer(before + iteration, objective, gradient, mixture)

    return observe


def judge(
    descent: _core.Descent, gradient_tolerance: float, max_iterations: int, stalled: bool
) -> tuple[bool, str]:
    """Whether a descent ended at an optimum, and the reason in words.

    One that has stalled is where rounding ends every line search, whatever its own ending says.
    """
    gradient = f"largest gradient entry {descent.gradient_norm:.1e}"
    if descent.ending == "stopped":
        return False, f"stopped by the callback, {gradient}"
    if descent.ending == "iteration limit" and not stalled:
        return False, f"iteration limit {max_iterations} reached, {gradient}"
    if not descent.em_gain < EM_GAIN:
        return False, f"one EM step would still gain {descent.em_gain:.1e} nats, {gradient}"
    if descent.gradient_norm <= gradient_tolerance:
        return True, f"{gradient} <= {gradient_tolerance:.0e}"
    if descent.gradient_norm <= ROUNDING_SLACK * gradient_tolerance:
        return True, f"{gradient}, as low as rounding lets the line search go"
    return False, f"the line search found no lower point, {gradient}"

"""The last stretch: L-BFGS in whitened coordinates until the fit is at an optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mogfit import _core
from mogfit.inference.given_starts import approach, refillable
from mogfit.inference.likelihood import EMPTY, Likelihood, Observer

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

# A stretch at its limit has ended at rounding when it has lowered the objective by no more, in
# parts of it, and the gradient not by this factor.
_NO_DECREASE = 1e-13
_GRADIENT_FALL = 0.5

# It is the last one, too, when its iterations took that many passes, most of those that a line
# search may make, and it gained less than an EM step may at an optimum.
_MANY_PASSES = 15


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

    A component that the descent empties is refilled, a few times at most, and it goes on. It
    ends as well where rounding hides every decrease, or line searches gain next to nothing.
    """
    iterations = refills = 0
    ending = None
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
        converged = descent.ending == "converged"
        if refills < _MAX_REFILLS and _emptied(likelihood, mixture, converged):
            refills += 1
            mixture = approach(likelihood, mixture)
            before = None
            continue
        if converged:
            if descent.em_gain < EM_GAIN:
                break
            # The gradient is small but a flat direction remains: on to a tighter tolerance.
            tolerance *= 0.1
        elif descent.ending != "iteration limit" or (
            ending := _ends_here(likelihood, before, descent)
        ):
            break
        before = descent
    converged, reason = judge(descent, ending or descent.ending, gradient_tolerance, max_iterations)
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


def _emptied(likelihood: Likelihood, mixture: _core.PreparedMixture, at_optimum: bool) -> bool:
    """Whether the descent has emptied a component that may be refilled."""
    if at_optimum:
        # There weights tell how many points a component holds, and no pass is needed.
        empty = mixture.weights * likelihood.n_points < EMPTY
    else:
        empty = likelihood.points_held(mixture) < EMPTY
    return bool(empty.any()) and bool(empty[refillable(likelihood.model, len(empty))].any())


def _ends_here(
    likelihood: Likelihood, before: _core.Descent | None, descent: _core.Descent
) -> str | None:
    """How a descent ended whose last stretch got hardly any further; None where it did."""
    if before is None:
        return None
    lowered = before.objective - descent.objective
    if (
        lowered <= _NO_DECREASE * max(1.0, abs(descent.objective))
        and descent.gradient_norm > _GRADIENT_FALL * before.gradient_norm
    ):
        return "rounding"
    laborious = descent.passes > _MANY_PASSES * max(descent.iterations, 1)
    if laborious and lowered * likelihood.total < EM_GAIN:
        return "no progress"
    return None


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
    descent: _core.Descent, ending: str, gradient_tolerance: float, max_iterations: int
) -> tuple[bool, str]:
    """Whether a descent that ended like that did so at an optimum, and the reason in words."""
    gradient = f"largest gradient entry {descent.gradient_norm:.1e}"
    if ending == "stopped":
        return False, f"stopped by the callback, {gradient}"
    if ending == "iteration limit":
        return False, f"iteration limit {max_iterations} reached, {gradient}"
    if ending == "no progress":
        return False, f"the line searches find hardly any lower points, {gradient}"
    if not descent.em_gain < EM_GAIN:
        return False, f"one EM step would still gain {descent.em_gain:.1e} nats, {gradient}"
    if descent.gradient_norm <= gradient_tolerance:
        return True, f"{gradient} <= {gradient_tolerance:.0e}"
    if descent.gradient_norm <= ROUNDING_SLACK * gradient_tolerance:
        return True, f"{gradient}, as low as rounding lets the line search go"
    return False, f"the line search found no lower point, {gradient}"

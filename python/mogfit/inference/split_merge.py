"""Split-and-merge moves: out of a poor optimum, one misplaced component at a time.

Ueda, Nakano, Ghahramani & Hinton (2000) move components from where they are least needed to where
the mixture fits worst. Here a component whose loss costs the likelihood least is taken away and
given to another one, which splits along one of its axes; every such move is tried on a small
sample, the best few on a larger one, and what survives must win on the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DegenerateError
from mogfit.inference.likelihood import EMPTY, Likelihood

__all__ = ["Splitter", "improve", "most_promising"]

Floats = NDArray[np.float64]

# Tuned on the near-Earth asteroids with 5, 10 and 20 components, for the likelihood reached in a
# given time: components that may be taken away, axes along which others may split, EM steps of the
# trial on the small sample, moves that go on to the larger one and iterations there, and those that
# go on to the data.
_REMOVED = 3
_AXES = 1
_EM_STEPS = 5
_TRIALS = 6
_TRIAL_ITERATIONS = 15
_ATTEMPTS = 3
_ATTEMPT_ITERATIONS = 30
_MAX_ROUNDS = 5

# Rows of the small sample, relative to the larger one.
_SMALL = 3

# A split puts two means this many standard deviations to both sides and narrows the axis, so that
# the pair has the mean and the covariance of the one.
_OFFSET = 0.7

# How much worse than where it started a move may look on the sample and still be worth a try on
# the data, in log L / N: samples rank close optima no better than this.
_BENEFIT_OF_DOUBT = 1e-3

# A move must gain this many nats on the data.
_LEAST_GAIN = 1.0


@dataclass(frozen=True)
class _Move:
    removed: int
    split: int
    axis: int


def improve(
    mixture: _core.PreparedMixture,
    objective: float,
    sample: Likelihood,
    data: Likelihood,
    rng: np.random.Generator,
) -> tuple[_core.PreparedMixture, float]:
    """The best mixture that rounds of split-and-merge moves reach, and its objective on `data`."""
    if mixture.ngauss < 3:
        return mixture, objective
    small = sample.sample(sample.n_points // _SMALL, rng)
    for _ in range(_MAX_ROUNDS):
        better = _one_round(mixture, objective, sample, small, data)
        if better is None:
            break
        mixture, objective = better
    sample.add_cost(small)
    return mixture, objective


def _one_round(
    mixture: _core.PreparedMixture,
    objective: float,
    sample: Likelihood,
    small: Likelihood,
    data: Likelihood,
) -> tuple[_core.PreparedMixture, float] | None:
    """A mixture that is better on the data, or None."""
    here = sample.descend(mixture, 1e-4, max_iterations=_TRIAL_ITERATIONS).objective
    trials = [
        sample.descend(start, 1e-4, max_iterations=_TRIAL_ITERATIONS)
        for start in _best_moves(mixture, small)
    ]
    trials.sort(key=lambda trial: trial.objective)
    for trial in trials[:_ATTEMPTS]:
        if trial.objective > here + _BENEFIT_OF_DOUBT:
            break
        if sample is data:
            reached = trial
        else:
            reached = data.descend(trial.mixture, 1e-4, max_iterations=_ATTEMPT_ITERATIONS)
        if (objective - reached.objective) * data.total > _LEAST_GAIN:
            return reached.mixture, reached.objective
    return None


def _best_moves(mixture: _core.PreparedMixture, small: Likelihood) -> list[_core.PreparedMixture]:
    """The mixtures after the most promising moves and a few EM steps, best first."""
    splitter = Splitter(mixture, small)
    starts = (
        partial(splitter.move, move.removed, move.split, move.axis)
        for move in _moves(mixture, small)
    )
    return most_promising(starts, small, _TRIALS)


def most_promising(
    starts: Iterable[Callable[[], _core.PreparedMixture]], small: Likelihood, count: int
) -> list[_core.PreparedMixture]:
    """Where a few EM steps on a small sample lead from `starts`: the best `count`, best first.

    Starts that collapse, or empty a component, are left out.
    """
    tried: list[tuple[float, int, _core.PreparedMixture]] = []
    for start in starts:
        try:
            after, loglik = small.em_run(start(), _EM_STEPS)
        except DegenerateError:
            continue
        if after.weights.min() * small.n_points >= EMPTY:
            tried.append((-loglik, len(tried), after))
    tried.sort()
    return [after for _, _, after in tried[:count]]


def _moves(mixture: _core.PreparedMixture, small: Likelihood) -> list[_Move]:
    shares = small.responsibilities(mixture)
    # Without component k the density at x_i is (1 - r_ik) of what it was.
    lost = -np.log1p(-np.minimum(shares, 1.0 - 1e-12))
    weight = small.data.weight
    loss = lost.sum(axis=0) if weight is None else weight @ lost
    axes = min(_AXES, small.nvars)
    return [
        _Move(int(removed), split, axis)
        for removed in np.argsort(loss)[:_REMOVED]
        for split in range(mixture.ngauss)
        if split != removed
        for axis in range(axes)
    ]


class Splitter:
    """Splits components of one mixture, in two halves along a principal axis."""

    def __init__(self, mixture: _core.PreparedMixture, small: Likelihood) -> None:
        self._weights, self._means = mixture.weights, mixture.means
        self._domain = mixture.domain
        self._model = small.model
        # Where a family leaves no room for how its points lie, the points themselves say where to
        # split.
        full = self._model.structure == "full"
        self._covariances = mixture.covariances if full else small.scatter(mixture)
        factors = mixture.factors if full else np.linalg.cholesky(self._covariances)
        scale = small.spread.scale
        # Principal axes in units of the data's spread, longest first, then in the data's units.
        left, lengths, _ = np.linalg.svd(factors / scale[:, None])
        self._axes = (left * lengths[:, None, :]).transpose(0, 2, 1) * scale

    def move(self, removed: int, split: int, axis: int = 0) -> _core.PreparedMixture:
        """The mixture without one component, whose place a half of another takes."""
        return self._halved(
            split, removed, axis, self._weights.copy(), self._means.copy(), self._covariances.copy()
        )

    def split(self, split: int, axis: int = 0, offset: float = _OFFSET) -> _core.PreparedMixture:
        """The mixture with two halves in place of one component, and so one component more.

        They are `offset` standard deviations to both sides of its mean, below 1; together they
        have its mean and covariance, and at an offset of 0 its density.
        """
        return self._halved(
            split,
            len(self._weights),
            axis,
            np.append(self._weights, 0.0),
            np.concatenate([self._means, self._means[:1]]),
            np.concatenate([self._covariances, self._covariances[:1]]),
            offset,
        )

    def _halved(
        self,
        j: int,
        k: int,
        axis: int,
        weights: Floats,
        means: Floats,
        covariances: Floats,
        offset: float = _OFFSET,
    ) -> _core.PreparedMixture:
        """A mixture of these parameters in which j and k are the halves of what j was."""
        step = offset * self._axes[j, axis]
        means[k], means[j] = means[j] + step, means[j] - step
        covariances[k] = covariances[j] = covariances[j] - np.outer(step, step)
        weights[j] = weights[k] = 0.5 * weights[j]
        covariances = self._model.constrain(covariances, weights)
        return self._model.in_order(
            _core.PreparedMixture(weights / weights.sum(), means, covariances, self._domain)
        )

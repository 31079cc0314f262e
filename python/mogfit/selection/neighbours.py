"""Where a fit of K components may start: from those of K - 1 and of K + 1 components.

One component more comes of a split, one fewer of a merge of two (Ueda, Nakano, Ghahramani & Hinton
2000, who make both at once).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import MoGError
from mogfit.inference.likelihood import Likelihood
from mogfit.inference.split_merge import Splitter, most_promising

__all__ = ["Start", "gentle_split", "merges", "splits", "worth_finishing"]

Floats = NDArray[np.float64]
Start = Callable[[], _core.PreparedMixture]

# Merges that are tried: those of the pairs that lose least by it.
_PAIRS = 12

# Splits or merges that go on from the small sample to the larger one, iterations there, and those
# that are finished.
_TRIALS = 4
_TRIAL_ITERATIONS = 25
_FINISHED = 2

# Rows of the small sample, relative to the larger one.
_SMALL = 3

# How much worse than where it started a fit may look on the sample and still be finished.
_BENEFIT_OF_DOUBT = 1e-3

# Standard deviations to both sides at which halves are nearly what was split.
_GENTLE = 1e-2


def splits(mixture: _core.PreparedMixture, sample: Likelihood) -> list[Start]:
    """One component more: each component in turn split along its longest axis."""
    splitter = Splitter(mixture, sample)
    return [partial(splitter.split, j) for j in range(mixture.ngauss)]


def gentle_split(
    mixture: _core.PreparedMixture, data: Likelihood, split: int
) -> _core.PreparedMixture:
    """One component more at nearly the same density: from here no descent can do worse."""
    return Splitter(mixture, data).split(split, offset=_GENTLE)


def merges(mixture: _core.PreparedMixture, sample: Likelihood) -> list[Start]:
    """One component fewer: two of them replaced by the Gaussian of their mean and covariance.

    Pairs come by Runnalls' (2007) bound on the Kullback-Leibler divergence that a merge costs,
    ``(w_i + w_j) log det S - w_i log det S_i - w_j log det S_j``, half of it; the lowest first.
    """
    pairs = list(combinations(range(mixture.ngauss), 2))
    costs = list(_costs(mixture, pairs))
    order = np.argsort(costs, kind="stable")[:_PAIRS]
    return [partial(_merged, mixture, pairs[place], sample) for place in order]


def _costs(mixture: _core.PreparedMixture, pairs: list[tuple[int, int]]) -> Iterator[float]:
    log_dets = 2.0 * np.log(np.einsum("kii->ki", mixture.factors)).sum(axis=1)
    parts = weights, _, _ = mixture.weights, mixture.means, mixture.covariances
    for i, j in pairs:
        weight, _, covariance = _moments_of_pair(*parts, i, j)
        log_det = np.linalg.slogdet(covariance)[1]
        yield float(weight * log_det - weights[i] * log_dets[i] - weights[j] * log_dets[j])


def _moments_of_pair(
    weights: Floats, means: Floats, covariances: Floats, i: int, j: int
) -> tuple[float, Floats, Floats]:
    """Weight, mean and covariance of two components together."""
    weight = float(weights[i] + weights[j])
    share = weights[j] / weight if weight else 0.5
    apart = means[j] - means[i]
    mean = means[i] + share * apart
    covariance = (1.0 - share) * covariances[i] + share * covariances[j]
    return weight, mean, covariance + share * (1.0 - share) * np.outer(apart, apart)


def _merged(
    mixture: _core.PreparedMixture, pair: tuple[int, int], sample: Likelihood
) -> _core.PreparedMixture:
    i, j = pair
    weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
    weights[i], means[i], covariances[i] = _moments_of_pair(weights, means, covariances, i, j)
    kept = np.arange(mixture.ngauss) != j
    weights = weights[kept] / weights[kept].sum()
    covariances = sample.model.constrain(covariances[kept], weights)
    return _core.PreparedMixture(weights, means[kept], covariances, mixture.domain)


def worth_finishing(
    starts: list[Start],
    here: _core.PreparedMixture | None,
    sample: Likelihood,
    rng: np.random.Generator,
) -> list[_core.PreparedMixture]:
    """The best few mixtures that short descents on a sample reach from `starts`, best first.

    Those that look worse there than `here`, the fit so far, are left out.
    """
    small = sample.sample(sample.n_points // _SMALL, rng) if len(starts) > _TRIALS else sample
    trials = []
    for start in most_promising(starts, small, _TRIALS):
        try:
            trials.append(sample.descend(start, 1e-4, max_iterations=_TRIAL_ITERATIONS))
        except MoGError:
            continue  # a component collapsed, or lost all of its points
    bar = np.inf
    if here is not None:
        bar = sample.descend(here, 1e-4, max_iterations=_TRIAL_ITERATIONS).objective
    trials.sort(key=lambda trial: trial.objective)
    return [
        trial.mixture for trial in trials[:_FINISHED] if trial.objective < bar + _BENEFIT_OF_DOUBT
    ]

"""The search for a good start: many cheap ones on a sample, the best few on the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.likelihood import Likelihood
from mogfit.inference.report import StartRecord
from mogfit.inference.split_merge import improve
from mogfit.parameters import number_of_parameters

__all__ = ["Search", "default_starts", "search_start"]

# Successive halving (Jamieson & Talwalkar 2016), tuned on the near-Earth asteroids with 5, 10 and
# 20 components: iterations of each round on the sample and the part of the starts that goes on;
# then the starts, the iterations and the larger sample (all the data, unless they are many) of the
# contest between the last few.
_SAMPLE_ROUNDS = ((10, 0.5), (20, 0.5))
_FINALISTS = 3
_CONTEST_ITERATIONS = 20
_CONTEST_GROWTH = 8
_EM_STEPS = 5
_LLOYD_ITERATIONS = 3

# Two starts whose objectives agree to this have met in the same optimum.
_SAME = 1e-6


@dataclass(frozen=True)
class Search:
    """The mixture to continue from, the sample it won on, and the starts tried."""

    mixture: _core.PreparedMixture
    sample: Likelihood
    records: tuple[StartRecord, ...]


@dataclass
class _Candidate:
    mixture: _core.PreparedMixture
    objective: float = np.inf
    passes: float = 0.0  # times points
    stage: str = "sample"


def default_starts(ngauss: int) -> int:
    """Starts for `ngauss` components: more components have more optima."""
    return 1 if ngauss == 1 else min(8, 2 * ngauss)


def sample_size(ngauss: int, nvars: int, structure: str = "full") -> int:
    """Rows enough to rank starts by: some thousands, and 10 a parameter."""
    parameters = number_of_parameters(ngauss, nvars, structure)
    return max(2000 if ngauss <= 2 else 8000, 10 * parameters)


def search_start(
    likelihood: Likelihood, ngauss: int, n_starts: int, rng: np.random.Generator
) -> Search:
    """Find a start worth finishing.

    Greedy k-means++ starts with a few EM steps descend on one sample of the data, in rounds that
    keep the better half; the best few distinct ones then compete on all the data, or on a larger
    sample of many data.
    """
    nvars = likelihood.nvars
    sample = likelihood.sample(sample_size(ngauss, nvars, likelihood.model.structure), rng)
    contest_size = _CONTEST_GROWTH * sample.n_points
    contest = likelihood
    if 2 * contest_size < likelihood.n_points:
        contest = likelihood.sample(contest_size, rng)
    seed = int(rng.integers(0, 2**63 - 1))
    points = sample.completed_points()
    field = candidates = [
        _Candidate(_start(sample, points, ngauss, seed, stream), passes=_EM_STEPS * sample.n_points)
        for stream in range(n_starts)
    ]
    if n_starts > 1:
        for iterations, kept in _SAMPLE_ROUNDS:
            _advance(sample, field, iterations)
            field = _best(field, max(_FINALISTS, round(kept * len(field))))
        if sample is not likelihood:
            field = _best(field, _FINALISTS)
            for candidate in field:
                candidate.stage = "contest"
            _advance(contest, field, _CONTEST_ITERATIONS)
    chosen = min(field, key=lambda candidate: candidate.objective)
    mixture = chosen.mixture
    if n_starts > 1:
        mixture, chosen.objective = improve(mixture, chosen.objective, sample, contest, rng)
    for part in {id(part): part for part in (sample, contest)}.values():
        likelihood.add_cost(part)
    records = sorted(
        (
            StartRecord(c.objective, c.passes / likelihood.n_points, c.stage, c is chosen)
            for c in candidates
        ),
        key=lambda record: (not record.chosen, record.neg_loglik_per_point),
    )
    return Search(mixture, contest, tuple(records))


def _start(
    sample: Likelihood, points: NDArray[Any], ngauss: int, seed: int, stream: int
) -> _core.PreparedMixture:
    spread = sample.spread
    # The scale of the spread is the metric of the family: one for all columns, if it is spherical.
    full = sample.timed(
        _core.kmeans_start,
        points,
        sample.data.weight,
        ngauss,
        spread.location,
        spread.scale,
        sample.reference,
        shrinkage=len(spread.location) + 1.0,
        lloyd_iterations=_LLOYD_ITERATIONS,
        seed=seed,
        stream=stream,
    )
    model = sample.model
    mixture = model.in_order(model.constrained(full)).with_domain(sample.domain)
    after, _ = sample.em_run(mixture, _EM_STEPS)
    # A component that EM empties could never come back.
    return after if after.weights.min() > 0 else mixture


def _advance(likelihood: Likelihood, candidates: list[_Candidate], iterations: int) -> None:
    for candidate in candidates:
        descent = likelihood.descend(candidate.mixture, 1e-4, max_iterations=iterations)
        candidate.mixture = descent.mixture
        candidate.objective = descent.objective
        candidate.passes += descent.passes * likelihood.n_points


def _best(candidates: list[_Candidate], count: int) -> list[_Candidate]:
    """The best distinct candidates, at most `count`."""
    best: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: c.objective):
        if len(best) == count:
            break
        if best and candidate.objective - best[-1].objective < _SAME:
            continue
        best.append(candidate)
    return best

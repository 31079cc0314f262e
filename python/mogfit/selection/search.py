"""The fits that are compared: each first by itself, then from those of its neighbours too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import InputError, MoGError, MoGWarning, collected_warnings
from mogfit.inference.checks import measure_spread
from mogfit.inference.identified import check_identified
from mogfit.inference.likelihood import Likelihood
from mogfit.inference.report import FitReport
from mogfit.inference.run import FitOptions, run_fit
from mogfit.inference.starts import sample_size
from mogfit.observations import Observations
from mogfit.selection.criteria import responsibility_entropy
from mogfit.selection.neighbours import gentle_split, merges, splits, worth_finishing
from mogfit.selection.pool import Pool

__all__ = ["Model", "Problem", "Trial", "explore", "held_out", "judged"]

Floats = NDArray[np.float64]

# A fit from a neighbour replaces the one there was when it gains this many nats: as much as an EM
# step may gain at an optimum.
_LEAST_GAIN = 1e-3

# The streams of random numbers of a model: those of its search, of each round and of each fold.
_SEARCH, _ROUND, _FOLD = 0, 1, 2


class Model(NamedTuple):
    """A number of components and a structure of their covariances."""

    ngauss: int
    covariance: str = "full"


@dataclass(frozen=True)
class Trial:
    """The best fit of one model so far; or the error that it ended with.

    Attributes
    ----------
    model : Model
    start : str
        Where it started: "search", "split of 2" or "merge of 4".
    mixture, report
        The fit; None where it failed.
    error : MoGError or None
        Why it failed.
    warnings : tuple of (str, type)
        What it would have warned of.
    tried : tuple of str
        All starts that were fitted.
    entropy : float
        Of the responsibilities, for ICL.
    """

    model: Model
    start: str
    mixture: _core.PreparedMixture | None = None
    report: FitReport | None = None
    error: MoGError | None = None
    warnings: tuple[tuple[str, type[MoGWarning]], ...] = ()
    tried: tuple[str, ...] = ()
    entropy: float = float("nan")

    @property
    def loglik(self) -> float:
        """log L; -inf where the fit failed."""
        return -np.inf if self.report is None else -self.report.neg_loglik

    @property
    def held(self) -> bool:
        """Whether only the penalty keeps a component from collapsing."""
        return self.report is not None and bool(self.report.penalized_components)

    def beats(self, other: Trial) -> bool:
        """Whether to keep this one in place of another of the same model.

        The likelihood of a fit that is held up by the penalty says more of the penalty than of the
        data: one that stands by itself comes first.
        """
        if other.report is None or self.report is None:
            return other.report is None and self.report is not None
        if self.held != other.held:
            return other.held
        return self.loglik > other.loglik + _LEAST_GAIN


@dataclass(frozen=True)
class Problem:
    """What is fitted, and how.

    Attributes
    ----------
    seen : Observations
        The data, all inside the domain.
    domain : ndarray of shape (2, V) or None
        Bounds of the variables.
    options : FitOptions
        How to fit.
    seed : int
        What all randomness follows from.
    """

    seen: Observations
    domain: Floats | None
    options: FitOptions
    seed: int

    def rng(self, model: Model, *stream: int) -> np.random.Generator:
        """A generator that belongs to this model, whatever else is fitted and in what order."""
        key = (model.ngauss, *model.covariance.encode(), *stream)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def positive(self) -> Observations:
        """The data without rows of weight 0."""
        weight = self.seen.weight
        return self.seen if weight is None or weight.all() else self.seen.take(weight > 0)


def explore(problem: Problem, models: Sequence[Model], rounds: int, pool: Pool) -> list[Trial]:
    """The best fit of each model that a search and `rounds` of neighbours' starts find.

    Raises
    ------
    DegenerateError
        If the data themselves cannot be fitted.
    """
    with collected_warnings():  # each fit says it again, of itself
        check_identified(problem.positive(), problem.seen.names)
        measure_spread(problem.positive(), problem.seen.names, pool.threads)
    # The longest first, so that no thread ends up with the longest alone.
    ordered = sorted(models, reverse=True)
    found = pool.map(partial(_search, problem, pool), ordered, "search")
    trials = {trial.model: trial for trial in found}
    changed = set(trials)
    for number in range(rounds):
        asked = [
            model
            for model in ordered
            if not isinstance(trials[model].error, InputError)
            and any(near in changed for near in _neighbours(model))
        ]
        if not asked:
            break
        before = dict(trials)
        found = pool.map(
            partial(_from_neighbours, problem, pool, before, number), asked, f"round {number + 1}"
        )
        changed = set()
        for trial in found:
            if trial.beats(trials[trial.model]):
                changed.add(trial.model)
                trials[trial.model] = trial
            else:
                old = trials[trial.model]
                trials[trial.model] = replace(old, tried=trial.tried)
    if rounds:
        _never_fall(problem, pool, trials)
    return [trials[model] for model in models]


def judged(problem: Problem, trials: Iterable[Trial], pool: Pool) -> list[Trial]:
    """The trials with the entropies of their responsibilities."""

    def judge(trial: Trial, threads: int) -> Trial:
        if trial.mixture is None:
            return trial
        entropy = responsibility_entropy(trial.mixture, problem.positive(), threads)
        return replace(trial, entropy=entropy)

    return pool.map(judge, list(trials), "criteria")


def _neighbours(model: Model) -> Iterator[Model]:
    yield model._replace(ngauss=model.ngauss - 1)
    yield model._replace(ngauss=model.ngauss + 1)


def _search(problem: Problem, pool: Pool, model: Model, threads: int) -> Trial:
    return _fit(problem, pool, model, None, "search", problem.rng(model, _SEARCH), threads)


def _fit(
    problem: Problem,
    pool: Pool,
    model: Model,
    start: _core.PreparedMixture | None,
    label: str,
    rng: np.random.Generator,
    threads: int,
    seen: Observations | None = None,
) -> Trial:
    """One fit; its warnings are kept, and errors that belong to it are its result."""

    def goes_on(*_: Any) -> bool:
        return not pool.stopped.is_set()

    with collected_warnings() as warnings:
        try:
            mixture, report = run_fit(
                problem.seen if seen is None else seen,
                problem.domain,
                model.ngauss,
                start,
                replace(problem.options, threads=threads),
                rng,
                problem.seen.names,
                goes_on,
                time.perf_counter(),
            )
        except MoGError as error:
            return Trial(model, label, error=error, warnings=tuple(warnings), tried=(label,))
    return Trial(model, label, mixture, report, None, tuple(warnings), (label,))


def _from_neighbours(
    problem: Problem,
    pool: Pool,
    trials: dict[Model, Trial],
    number: int,
    model: Model,
    threads: int,
) -> Trial:
    """The best of the fits from splits of one component fewer, and merges of one more."""
    here = trials[model]
    rng = problem.rng(model, _ROUND, number)
    likelihood = _likelihood(problem, model, threads)
    sample = likelihood.sample(sample_size(model.ngauss, likelihood.nvars), rng)
    below, above = (trials.get(near) for near in _neighbours(model))
    sources = []
    if below is not None and below.mixture is not None:
        starts = splits(below.mixture, likelihood.spread.scale)
        sources.append((f"split of {below.model.ngauss}", starts))
    if above is not None and above.mixture is not None:
        sources.append((f"merge of {above.model.ngauss}", merges(above.mixture)))
    best, tried = here, here.tried
    for label, starts in sources:
        for start in worth_finishing(starts, here.mixture, sample, rng):
            trial = _fit(problem, pool, model, start, label, rng, threads)
            if trial.beats(best):
                best = trial
        tried = tried if label in tried else (*tried, label)
    return replace(best, tried=tried)


def _likelihood(problem: Problem, model: Model, threads: int) -> Likelihood:
    data = problem.positive()
    with collected_warnings():
        spread = measure_spread(data, problem.seen.names, threads)
    return Likelihood(data, spread, problem.options.penalty, threads, problem.domain)


def _never_fall(problem: Problem, pool: Pool, trials: dict[Model, Trial]) -> None:
    """Fit models again that one component fewer describes better: from nearly its density."""
    for model in sorted(trials):
        here, below = trials[model], trials.get(model._replace(ngauss=model.ngauss - 1))
        if here.report is None or below is None or below.mixture is None:
            continue
        if below.held or here.loglik >= below.loglik:
            continue
        scale = _likelihood(problem, model, pool.threads).spread.scale
        label = f"split of {below.model.ngauss}"
        trial = _fit(
            problem,
            pool,
            model,
            gentle_split(below.mixture, scale),
            label,
            problem.rng(model, _SEARCH),
            pool.threads,
        )
        if trial.report is not None and trial.loglik > here.loglik:
            trials[model] = replace(trial, tried=tuple(dict.fromkeys((*here.tried, label))))


# -- cross-validation ------------------------------------------------------------------------------


def held_out(
    problem: Problem, models: Sequence[Model], folds: int, pool: Pool
) -> dict[Model, float | MoGError]:
    """log L of points that a fit has not seen, summed over `folds` parts of the data.

    Each part in turn is held out, the model fitted to the others. An error where a fit fails.
    """
    data = problem.positive()
    rng = np.random.default_rng(np.random.SeedSequence(problem.seed, spawn_key=(_FOLD,)))
    part_of = rng.permutation(np.arange(data.n_points) % folds)
    work = [(model, fold) for model in sorted(models, reverse=True) for fold in range(folds)]

    def score(item: tuple[Model, int], threads: int) -> float | MoGError:
        model, fold = item
        kept = part_of != fold
        rng = problem.rng(model, _FOLD, fold)
        trial = _fit(problem, pool, model, None, "search", rng, threads, data.take(kept))
        if trial.mixture is None:
            assert trial.error is not None
            return trial.error
        return _core.log_likelihood(trial.mixture, data.take(~kept).core, None, threads)

    scores: dict[Model, float | MoGError] = dict.fromkeys(models, 0.0)
    for (model, _), value in zip(work, pool.map(score, work, "folds"), strict=True):
        total = scores[model]
        if not isinstance(total, MoGError):
            scores[model] = value if isinstance(value, MoGError) else total + value
    return scores

"""The fits that are compared: each first by itself, then from those of its neighbours too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import InputError, MoGError, MoGWarning, collected_warnings
from mogfit.inference.likelihood import Likelihood
from mogfit.inference.report import FitReport
from mogfit.inference.run import FitOptions, likelihood_of, run_fit
from mogfit.inference.starts import sample_size
from mogfit.observations import Observations
from mogfit.parameters import number_of_parameters
from mogfit.selection.criteria import responsibility_entropy
from mogfit.selection.neighbours import (
    Start,
    gentle_split,
    merges,
    splits,
    worth_finishing,
)
from mogfit.selection.pool import Pool

__all__ = ["Candidate", "Problem", "Trial", "explore", "held_out", "judged"]

Floats = NDArray[np.float64]

# A fit from a neighbour replaces the one there was when it gains this many nats: as much as an EM
# step may gain at an optimum.
_LEAST_GAIN = 1e-3

# Largest entry of the gradient at which a fit that might win is compared: most do not, and the last
# digits are half of the work.
_ROUGH = 1e-4

# Iterations of a fit with a firm penalty, from which another one starts.
_FIRM_ITERATIONS = 100

# Structures that are special cases of others: a fit of one is a start for these.
_PARTS = {
    "full": ("diag", "tied"),
    "diag": ("spherical", "tied_diag"),
    "spherical": ("tied_spherical",),
    "tied": ("tied_diag",),
    "tied_diag": ("tied_spherical",),
    "tied_spherical": (),
}

# A component is spurious, a chance clump rather than a part of the density (McLachlan & Peel 2000,
# section 3.10), when it has hardly more points than parameters; or so many for each of d + 1, and
# a variance below so much of the data's in some direction.
_FEW, _NARROW = 50.0, 1e-3
# What each must gain, in multiples of log n, to be kept where there is a fit without it.
_PRICE = 3.0

# The streams of random numbers of a candidate: those of its search, of each round and of each fold.
_SEARCH, _ROUND, _FOLD = 0, 1, 2


class Candidate(NamedTuple):
    """A model: a number of components, and the structure of their covariances."""

    ngauss: int
    covariance: str = "full"


@dataclass(frozen=True)
class Trial:
    """The best fit of one candidate so far; or the error that it ended with.

    Attributes
    ----------
    candidate : Candidate
    start : str
        Where it started: "search", "split of 2", "merge of 4" or "diag fit".
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
    spurious : int
        How many components look like chance clumps.
    """

    candidate: Candidate
    start: str
    mixture: _core.PreparedMixture | None = None
    report: FitReport | None = None
    error: MoGError | None = None
    warnings: tuple[tuple[str, type[MoGWarning]], ...] = ()
    tried: tuple[str, ...] = ()
    entropy: float = float("nan")
    spurious: int = 0

    @property
    def height(self) -> float:
        """log L, with the logarithm of the prior where there is one; -inf where the fit failed."""
        report = self.report
        return -np.inf if report is None else report.log_prior - report.neg_loglik

    @property
    def held(self) -> bool:
        """Whether only the penalty keeps a component from collapsing."""
        return self.report is not None and bool(self.report.penalized_components)

    def beats(self, other: Trial) -> bool:
        """Whether to keep this one in place of another of the same candidate.

        The likelihood of a fit that is held up by the penalty says more of the penalty than of the
        data: one that stands by itself comes first. Spurious components must be worth it.
        """
        if other.report is None or self.report is None:
            return other.report is None and self.report is not None
        if self.held != other.held:
            return other.held
        return self._worth > other._worth + _LEAST_GAIN

    @property
    def sound(self) -> bool:
        """Whether every component stands for a part of the density."""
        return self.report is not None and not (self.held or self.spurious)

    @property
    def _worth(self) -> float:
        if self.report is None or not self.spurious:
            return self.height
        return self.height - _PRICE * self.spurious * float(np.log(self.report.effective_points))


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

    def rng(self, candidate: Candidate, *stream: int) -> np.random.Generator:
        """A generator that belongs to this candidate, whatever else is fitted and in what order."""
        key = (candidate.ngauss, *candidate.covariance.encode(), *stream)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def rough(self, most_iterations: int | None = None) -> Problem:
        """The same, ended early: near enough to an optimum to tell whether it is a better one."""
        options = self.options
        if options.method != "L-BFGS":
            return self
        limits = dict(options.options)
        if most_iterations is not None:
            limits["maxiter"] = min(limits.get("maxiter", most_iterations), most_iterations)
        tolerance = options.tolerance or _ROUGH
        return replace(self, options=replace(options, tolerance=tolerance, options=limits))

    def positive(self) -> Observations:
        """The data without rows of weight 0."""
        weight = self.seen.weight
        return self.seen if weight is None or weight.all() else self.seen.take(weight > 0)


def explore(
    problem: Problem, candidates: Sequence[Candidate], rounds: int, pool: Pool
) -> list[Trial]:
    """The best fit of each candidate that a search and `rounds` of neighbours' starts find."""
    # The longest first, so that no thread ends up with the longest alone.
    ordered = sorted(candidates, reverse=True)
    found = pool.map(partial(_search, problem), ordered, "search")
    trials = {trial.candidate: trial for trial in found}
    changed = set(trials)
    for number in range(rounds):
        asked = [
            candidate
            for candidate in ordered
            if not isinstance(trials[candidate].error, InputError)
            and any(near in changed for _, near in _neighbours(candidate))
        ]
        if not asked:
            break
        before = dict(trials)
        work = partial(_from_neighbours, problem, before, number)
        found = pool.map(work, asked, f"round {number + 1}")
        changed = set()
        for trial in found:
            if trial.beats(trials[trial.candidate]):
                changed.add(trial.candidate)
                trials[trial.candidate] = trial
            else:
                old = trials[trial.candidate]
                trials[trial.candidate] = replace(old, tried=trial.tried)
    if rounds and problem.options.prior is None:
        _never_fall(problem, pool, trials)
    return [trials[candidate] for candidate in candidates]


def judged(problem: Problem, trials: Iterable[Trial], pool: Pool) -> list[Trial]:
    """The trials with the entropies of their responsibilities."""

    def judge(trial: Trial, threads: int) -> Trial:
        if trial.mixture is None:
            return trial
        entropy = responsibility_entropy(trial.mixture, problem.positive(), threads)
        return replace(trial, entropy=entropy)

    return pool.map(judge, list(trials), "criteria")


def _neighbours(candidate: Candidate) -> Iterator[tuple[str, Candidate]]:
    """The candidates whose fits may lead to this one, and how."""
    ngauss, covariance = candidate
    yield f"split of {ngauss - 1}", Candidate(ngauss - 1, covariance)
    yield f"merge of {ngauss + 1}", Candidate(ngauss + 1, covariance)
    for part in _PARTS[covariance]:
        yield f"{part} fit", Candidate(ngauss, part)


def _search(problem: Problem, candidate: Candidate, threads: int) -> Trial:
    """A fit by itself; where a component collapses, another that begins with more of a penalty."""
    rng = problem.rng(candidate, _SEARCH)
    trial = _fit(problem, candidate, None, "search", rng, threads)
    if trial.sound or isinstance(trial.error, InputError):
        return trial
    # As if each component held as many more points of the data's covariance as a prior of Fraley
    # & Raftery's (2007) has degrees of freedom; from its optimum on without them.
    pseudo_points = problem.seen.nvars + 2.0
    firm = min(0.5 * pseudo_points / problem.positive().n_points, 0.5)
    options = replace(problem.options, penalty=max(firm, problem.options.penalty))
    firm_problem = replace(problem, options=options).rough(_FIRM_ITERATIONS)
    held_up = _fit(firm_problem, candidate, None, "", rng, threads)
    if held_up.mixture is None:
        return trial
    label = "firm search"
    again = _fit(problem, candidate, held_up.mixture, label, rng, threads)
    best = again if again.beats(trial) else trial
    return replace(best, tried=("search", label))


def _fit(
    problem: Problem,
    candidate: Candidate,
    start: _core.PreparedMixture | None,
    label: str,
    rng: np.random.Generator,
    threads: int,
    seen: Observations | None = None,
) -> Trial:
    """One fit; its warnings are kept, and errors that belong to it are its result."""
    with collected_warnings() as warnings:
        try:
            mixture, report = run_fit(
                problem.seen if seen is None else seen,
                problem.domain,
                candidate.ngauss,
                start,
                replace(problem.options, threads=threads, covariance=candidate.covariance),
                rng,
                problem.seen.names,
                None,
                time.perf_counter(),
            )
        except MoGError as error:
            return Trial(candidate, label, error=error, warnings=tuple(warnings), tried=(label,))
    spurious = _count_spurious(problem, candidate, mixture)
    return Trial(
        candidate, label, mixture, report, None, tuple(warnings), (label,), spurious=spurious
    )


def _from_neighbours(
    problem: Problem,
    trials: dict[Candidate, Trial],
    number: int,
    candidate: Candidate,
    threads: int,
) -> Trial:
    """The best of the fits that start from those of the neighbours."""
    here = trials[candidate]
    rng = problem.rng(candidate, _ROUND, number)
    try:
        likelihood = _likelihood(problem, candidate, threads)
    except MoGError:
        return here  # data that this structure cannot describe, whatever the start
    size = sample_size(candidate.ngauss, likelihood.nvars, candidate.covariance)
    sample = likelihood.sample(size, rng)
    best, tried = here, here.tried
    for label, near in _neighbours(candidate):
        mixture = trials[near].mixture if near in trials else None
        if mixture is None:
            continue
        starts: list[Start] = [partial(_itself, mixture)]
        if near.ngauss < candidate.ngauss:
            starts = splits(mixture, sample)
        elif near.ngauss > candidate.ngauss:
            starts = merges(mixture, sample)
        # The likelihood of a fit with a clump is no measure of others.
        bar = here.mixture if here.sound else None
        for start in worth_finishing(starts, bar, sample, rng):
            trial = _fit(problem.rough(), candidate, start, label, rng, threads)
            if trial.beats(best):
                trial = _fit(problem, candidate, trial.mixture, label, rng, threads)
            if trial.beats(best):
                best = trial
        tried = tried if label in tried else (*tried, label)
    return replace(best, tried=tried)


def _itself(mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    return mixture


def _likelihood(problem: Problem, candidate: Candidate, threads: int) -> Likelihood:
    options = replace(problem.options, threads=threads, covariance=candidate.covariance)
    with collected_warnings():  # the fits have them
        return likelihood_of(
            problem.positive(), problem.domain, candidate.ngauss, None, options, problem.seen.names
        )


def _never_fall(problem: Problem, pool: Pool, trials: dict[Candidate, Trial]) -> None:
    """Fit candidates again that one component fewer describes better: from nearly its density."""
    for candidate in sorted(trials):
        here = trials[candidate]
        label, near = next(_neighbours(candidate))
        below = trials.get(near)
        if here.report is None or below is None or below.mixture is None:
            continue
        if not (below.sound and here.sound) or here.height >= below.height:
            continue
        likelihood = _likelihood(problem, candidate, pool.threads)
        rng = problem.rng(candidate, _SEARCH)
        # From a split of one component the descent may run into a clump; from another it does not.
        for split in np.argsort(-below.mixture.weights, kind="stable"):
            start = gentle_split(below.mixture, likelihood, int(split))
            trial = _fit(problem, candidate, start, label, rng, pool.threads)
            if trial.sound and trial.height >= below.height:
                trials[candidate] = replace(trial, tried=tuple(dict.fromkeys((*here.tried, label))))
                break


def _count_spurious(problem: Problem, candidate: Candidate, mixture: _core.PreparedMixture) -> int:
    """How many components look like chance clumps of points."""
    if mixture.ngauss == 1:
        return 0
    nvars = problem.seen.nvars
    n_points = problem.seen.effective_points
    held = mixture.weights * n_points
    parameters = (number_of_parameters(2, nvars, candidate.covariance) + 1) // 2
    mean = mixture.weights @ mixture.means
    apart = mixture.means - mean
    whole = np.tensordot(mixture.weights, mixture.covariances, 1)
    whole += np.einsum("k,ki,kj->ij", mixture.weights, apart, apart)
    root = np.linalg.cholesky(whole)
    inner = np.linalg.solve(root, mixture.factors)
    narrowest = np.linalg.svd(inner, compute_uv=False)[:, -1] ** 2
    small = (narrowest < _NARROW) & (held < _FEW * (nvars + 1))
    return int(np.count_nonzero(small | (held <= parameters)))


# -- cross-validation ------------------------------------------------------------------------------


def held_out(
    problem: Problem, candidates: Sequence[Candidate], folds: int, pool: Pool
) -> dict[Candidate, float | MoGError]:
    """log L of points that a fit has not seen, summed over `folds` parts of the data.

    Each part in turn is held out, the candidate fitted to the others. An error where a fit fails.
    """
    data = problem.positive()
    rng = np.random.default_rng(np.random.SeedSequence(problem.seed, spawn_key=(_FOLD,)))
    part_of = rng.permutation(np.arange(data.n_points) % folds)
    work = [
        (candidate, fold) for candidate in sorted(candidates, reverse=True) for fold in range(folds)
    ]

    def score(item: tuple[Candidate, int], threads: int) -> float | MoGError:
        candidate, fold = item
        kept = part_of != fold
        rng = problem.rng(candidate, _FOLD, fold)
        trial = _fit(problem, candidate, None, "search", rng, threads, data.take(kept))
        if trial.mixture is None:
            assert trial.error is not None
            return trial.error
        return _core.log_likelihood(trial.mixture, data.take(~kept).core, None, threads)

    scores: dict[Candidate, float | MoGError] = dict.fromkeys(candidates, 0.0)
    for (candidate, _), value in zip(work, pool.map(score, work, "folds"), strict=True):
        total = scores[candidate]
        if not isinstance(total, MoGError):
            scores[candidate] = value if isinstance(value, MoGError) else total + value
    return scores

"""`select`: how many components, and of what shape."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from mogfit.errors import InputError, MoGError, warn_user
from mogfit.inference.run import FitOptions
from mogfit.observations import Missing, Observations
from mogfit.parameters import number_of_parameters
from mogfit.prior import Prior, check_prior
from mogfit.rng import draw_seed
from mogfit.selection.criteria import aic, bic, icl
from mogfit.selection.options import SelectionOptions
from mogfit.selection.pool import Pool
from mogfit.selection.progress import counting
from mogfit.selection.result import Row, Selection
from mogfit.selection.search import Candidate, Problem, Trial, explore, held_out, judged

if TYPE_CHECKING:
    from mogfit.fit import FitMoG

__all__ = ["Selection", "select", "select_for"]


def select(
    data: Any,
    ngauss: int | Iterable[int] = range(1, 11),
    *,
    criterion: str = "bic",
    covariance: str | Sequence[str] = "full",
    sample_weight: ArrayLike | None = None,
    errors: Any = None,
    projection: Any = None,
    missing: Missing = "error",
    domain: Sequence[Any] | None = None,
    outside: str = "error",
    truncation: str = "components",
    folds: int = 5,
    rounds: int = 2,
    n_starts: int | None = None,
    random_state: Any = None,
    penalty: float = 1e-9,
    method: str | None = None,
    prior: Prior | bool | None = None,
    threads: int | None = None,
    progress: bool | str = False,
) -> Selection:
    """Fit mixtures of several numbers of components, and choose among them.

    First each model is fitted by itself, all of them side by side. Then, in a few rounds, each
    starts from its neighbours too: from that of one component fewer with one split, and from that
    of one more with two merged; what is better is kept. A fit of which a component has collapsed on
    a few points, or may be a chance clump of some, gives way to one without: the likelihood of a
    mixture has no largest value, and the best fit is its highest sound maximum (McLachlan & Peel
    2000, sections 3.8 to 3.10).

    Parameters
    ----------
    data : array_like of shape (N, V), or (N,) for one variable
        Points, as `FitMoG` takes them.
    ngauss : int or iterable of int, default range(1, 11)
        Numbers of components to compare.
    criterion : {"bic", "aic", "icl", "cv"}, default "bic"
        What chooses: Schwarz's (Bayesian) or Akaike's information criterion, the integrated
        completed likelihood, which asks for components that are apart, or the log-likelihood of
        points held out. The first three are always computed.
    covariance : str or sequence of str, default "full"
        Structures of the covariances to compare; every one with every number of components.
    sample_weight, errors, projection, missing, domain, outside, truncation
        As for `FitMoG` and its `fit_data`. With weights s the number of points in the criteria is
        Kish's effective size (sum s)^2 / sum s^2, and log L is scaled to it: weights times 1000
        change nothing.
    folds : int, default 5
        Parts of the data, each held out once, for "cv".
    rounds : int, default 2
        Rounds of starts from neighbours; 0 leaves every fit by itself.
    n_starts : int, optional
        Starts that each search tries; by default 2 K, at most 8.
    random_state : None, int, numpy.random.Generator or RandomState, optional
        Source of the one seed that all searches follow from. None takes one draw from numpy's
        global state.
    penalty, method, prior
        As for `FitMoG.fit_data`.
    threads : int, optional
        Threads to use. The result depends neither on it nor on which fit ends first.
    progress : bool or {"tqdm", "text"}, default False
        Show a bar, or print a line for each fit.

    Returns
    -------
    Selection
        The best fit, all others, and a table of them.

    Raises
    ------
    InputError
        If an argument or the data cannot be used, or no model could be fitted.
    DegenerateError
        If a column is constant or columns are collinear.
    DomainError
        If rows lie outside the domain and are not to be dropped.

    Warns
    -----
    ConvergenceWarning, DegeneracyWarning, DataWarning
        What the best fit alone would warn of. Of the others the table tells, failures included.

    Notes
    -----
    Criteria are on the scale where smaller is better: -2 log L + 2 p (Akaike 1974), -2 log L + p
    log n (Schwarz 1978), BIC plus twice the entropy of the responsibilities (Biernacki, Celeux &
    Govaert 2000), -2 times the log-likelihood held out (Smyth 2000).

    Examples
    --------
    >>> import mogfit as mn
    >>> truth = mn.MixtureOfGaussians(mus=[0.0, 5.0], Sigmas=[1.0, 0.25])
    >>> selection = mn.select(truth.rvs(500, rng=1), range(1, 4), random_state=1)
    >>> selection.best_ngauss
    2
    >>> selection.best.report.converged
    True
    """
    from mogfit.fit import FitMoG

    options = SelectionOptions.checked(ngauss, covariance, criterion, folds, rounds)
    fit_options = FitOptions.checked(
        method=method,
        tolerance=None,
        options=None,
        n_starts=n_starts,
        penalty=penalty,
        threads=threads,
        bounds=None,
    )
    template = FitMoG(
        data,
        domain=domain,
        outside=outside,
        truncation=truncation,
        missing=missing,
        errors=errors,
        projection=projection,
    )
    if template.data is None:
        raise InputError("data: none given; give the points to fit")
    for candidate in options.candidates:
        fit_options = replace(
            fit_options, prior=check_prior(prior, candidate.ngauss, template.nvars)
        )
    seen = template._inside(template._observed(sample_weight=sample_weight, to_fit=True))
    selection = select_for(template, seen, options, fit_options, random_state, progress)
    for text, category in selection.table[selection._best].warnings:
        warn_user(text, category)
    return selection


def select_for(
    template: FitMoG,
    seen: Observations,
    options: SelectionOptions,
    fit_options: FitOptions,
    random_state: Any,
    progress: bool | str,
) -> Selection:
    """Fit the models to checked data, and choose; each fit is a copy of `template` that was fitted.

    Raises
    ------
    MoGError
        If the data cannot be fitted, or no model can.
    """
    begun = time.perf_counter()
    # What may be held depends on the number of components: nothing is.
    fit_options = replace(fit_options, fixed=None)
    problem = Problem(seen, template._bounds, fit_options, draw_seed(random_state, "random_state"))
    options.require_folds(problem.positive().n_points)
    with counting(progress) as report:
        pool = Pool(fit_options.threads, report)
        problem = replace(problem, options=replace(fit_options, stopped=pool.stopped))
        trials = judged(problem, explore(problem, options.candidates, options.rounds, pool), pool)
        scores: dict[Candidate, float | MoGError] = {}
        if options.criterion == "cv":
            fitted = [trial.candidate for trial in trials if trial.report is not None]
            scores = held_out(problem, fitted, options.folds, pool)
    _require_one(trials, scores)
    fits = {}
    rows = []
    for trial in trials:
        if trial.report is not None:
            fit = _fit_of(template, seen, trial, fit_options)
            fits[trial.candidate.covariance, trial.candidate.ngauss] = fit
            warnings = (*trial.warnings, *fit._doubts(seen, fit_options))
            trial = replace(trial, warnings=warnings)
        rows.append(_row(trial, seen, scores.get(trial.candidate, math.nan)))
    return Selection(
        options.criterion, rows, fits, seen.effective_points, time.perf_counter() - begun
    )


def _fit_of(template: FitMoG, seen: Observations, trial: Trial, options: FitOptions) -> FitMoG:
    """The fit that a trial is, as `fit_data` would have left it."""
    assert trial.mixture is not None
    assert trial.report is not None
    fit: FitMoG = copy.copy(template)
    fit.ngauss, fit.covariance = trial.candidate
    fit._auto, fit.selection = False, None
    fit._forget_drawings()
    fit._commit(trial.mixture, trial.report, seen)
    fit.minargs = {"method": options.method, "tol": options.tolerance, "options": options.options}
    return fit


def _require_one(trials: Sequence[Trial], scores: dict[Candidate, float | MoGError]) -> None:
    """Refuse a selection from nothing, with the first reason why there is nothing."""
    errors = [trial.error for trial in trials if trial.error is not None]
    if len(errors) == len(trials):
        kind = type(errors[0])
        if len({str(error) for error in errors}) == 1:
            raise kind(str(errors[0])) from errors[0]
        raise kind(
            f"none of {len(errors)} models could be fitted; the first: {errors[0]}"
        ) from errors[0]
    errors = [score for score in scores.values() if isinstance(score, MoGError)]
    if scores and len(errors) == len(scores):
        raise type(errors[0])(
            "criterion: 'cv' needs fits to all parts of the data but one, and no model has all of "
            f"them; use more folds, which leave more points to fit; the first error: {errors[0]}"
        ) from errors[0]


def _row(trial: Trial, seen: Observations, score: float | MoGError) -> Row:
    model, report = trial.candidate, trial.report
    if report is None:
        assert trial.error is not None
        count = number_of_parameters(model.ngauss, seen.nvars, model.covariance)
        reason = f"{type(trial.error).__name__}: {trial.error}"
        return Row(
            *model, "failed", reason, count, start=trial.start, tried=trial.tried,
            warnings=trial.warnings,
        )  # fmt: skip
    status, reason = "converged" if report.converged else "not converged", report.reason
    if trial.held:
        held = report.penalized_components
        status = "held by the penalty"
        reason = f"component{'s' if len(held) > 1 else ''} {', '.join(map(str, held))}"
    if isinstance(score, MoGError):
        reason += f"; a fold failed: {type(score).__name__}: {score}"
        score = math.nan
    n_points = report.effective_points
    scale = n_points / report.total_weight
    loglik = -report.neg_loglik * scale
    by_bic = bic(loglik, report.n_parameters, n_points)
    return Row(
        *model,
        status,
        reason,
        report.n_parameters,
        log_likelihood=-report.neg_loglik,
        aic=aic(loglik, report.n_parameters),
        bic=by_bic,
        icl=icl(by_bic, trial.entropy * scale),
        cv=-2.0 * score * scale,
        start=trial.start,
        tried=trial.tried,
        searched=report.starts,
        warnings=trial.warnings,
        spurious=trial.spurious,
    )

"""Fits of several models, side by side, and what each is judged by."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mogfit.errors import MoGError
from mogfit.fit_stages import FitStages
from mogfit.inference.run import FitOptions
from mogfit.observations import Observations
from mogfit.parameters import number_of_parameters
from mogfit.rng import draw_seed
from mogfit.selection.criteria import aic, bic, icl
from mogfit.selection.options import SelectionOptions
from mogfit.selection.pool import Pool
from mogfit.selection.progress import counting
from mogfit.selection.result import Row, Selection
from mogfit.selection.search import Candidate, Problem, Trial, explore, held_out, judged

__all__ = ["select_for"]


def select_for(
    template: FitStages,
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


def _fit_of(
    template: FitStages, seen: Observations, trial: Trial, options: FitOptions
) -> FitStages:
    """The fit that a trial is, as `fit_data` would have left it."""
    assert trial.mixture is not None
    assert trial.report is not None
    fit: FitStages = copy.copy(template)
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

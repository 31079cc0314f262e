"""One fit from start to report: which way down, and how it is judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.components import check_count, is_number
from mogfit.errors import DegenerateError, DtypeError, InputError, choice_message, scalar_message
from mogfit.fixed import Fixed
from mogfit.inference.bounded import Bounds, run_bounded
from mogfit.inference.checks import check_enough_rows, measure_spread
from mogfit.inference.descent import GRADIENT_TOLERANCE, Outcome, finish, growing_samples
from mogfit.inference.em import run_em
from mogfit.inference.given_starts import approach, prepare_start
from mogfit.inference.identified import check_identified
from mogfit.inference.likelihood import Likelihood, Observer
from mogfit.inference.model import Model, permuted
from mogfit.inference.report import FitReport, StartRecord
from mogfit.inference.scipy_methods import canonical_method, run_scipy
from mogfit.inference.starts import default_starts, search_start
from mogfit.inference.structure import is_diagonal
from mogfit.observations import Observations
from mogfit.prior import Prior

__all__ = ["FitOptions", "likelihood_of", "run_fit"]

Floats = NDArray[np.float64]

# Options of the methods that run inside the core.
_OWN_OPTIONS = {"L-BFGS": ("maxiter", "maxcor"), "EM": ("maxiter",)}


@dataclass(frozen=True)
class FitOptions:
    """How to fit, checked."""

    method: str
    tolerance: float | None
    options: dict[str, Any] = field(default_factory=dict)
    n_starts: int | None = None
    penalty: float = 1e-9
    threads: int = 0
    bounds: Bounds | None = None
    covariance: str = "full"
    prior: Prior | None = None
    fixed: Fixed | None = None
    # Set when the fit is to end: how one in another thread is told.
    stopped: Event | None = None

    @classmethod
    def checked(
        cls,
        *,
        method: str | None,
        tolerance: float | None,
        options: Mapping[str, Any] | None,
        n_starts: int | None,
        penalty: float,
        threads: int | None,
        bounds: Bounds | None,
        covariance: str = "full",
        prior: Prior | None = None,
        fixed: Fixed | None = None,
    ) -> FitOptions:
        """Check what the user asked for; the last three have been.

        Raises
        ------
        InputError
            Naming the argument that cannot be used and what is allowed.
        """
        name = canonical_method("L-BFGS" if method is None else method)
        if bounds is not None and name not in ("L-BFGS", "L-BFGS-B"):
            raise InputError(
                f"method: {name!r} does not take bounds; leave method out, or the bounds"
            )
        if bounds is not None:
            _require_plain_model(covariance, prior, fixed)
        if options is not None and not isinstance(options, Mapping):
            raise DtypeError(scalar_message("options", options, "a mapping of names to values"))
        given = dict(options or {})
        if bounds is None and name in _OWN_OPTIONS:
            for key in given:
                if key not in _OWN_OPTIONS[name]:
                    raise InputError(choice_message("options", key, _OWN_OPTIONS[name]))
            for key, value in given.items():
                check_count(value, f"options[{key!r}]", 1)
        if tolerance is not None and not (is_number(tolerance) and 0 < tolerance < np.inf):
            raise InputError(scalar_message("tol", tolerance, "a number > 0"))
        if not (is_number(penalty) and 0 <= penalty < 1):
            raise InputError(scalar_message("penalty", penalty, "a number from 0 to below 1"))
        if n_starts is not None:
            check_count(n_starts, "n_starts", 1)
        if threads is not None:
            check_count(threads, "threads", 1)
        return cls(
            name,
            tolerance,
            given,
            n_starts,
            float(penalty),
            threads or 0,
            bounds,
            covariance,
            prior,
            fixed,
        )


def _require_plain_model(covariance: str, prior: Prior | None, fixed: Fixed | None) -> None:
    """Refuse bounds on what has none of MultiMin's coordinates."""
    asked = [f"covariance={covariance!r}"] if covariance != "full" else []
    asked += ["a prior"] if prior is not None else []
    asked += ["fixed parameters"] if fixed is not None and fixed.some else []
    if asked:
        raise InputError(
            "bounds: fits under bounds are those of full covariances, all parameters free and "
            f"without a prior; {' and '.join(asked)} seen; leave one or the other out (bounds = "
            "None forgets what set_bounds has set)"
        )


def run_fit(
    data: Observations,
    domain: Floats | None,
    ngauss: int,
    start: _core.PreparedMixture | None,
    options: FitOptions,
    rng: np.random.Generator,
    names: tuple[str, ...] | None,
    observer: Observer | None,
    begun: float,
) -> tuple[_core.PreparedMixture, FitReport]:
    """Fit `ngauss` components to checked data; from `start`, or from a search when it is None.

    Every row lies inside the `domain`, (2, V), if there is one. Components come in decreasing order
    of weight, wherever they started; where something tells them apart, what is held or a prior,
    they keep their order.
    `begun` is the `time.perf_counter` at which the fit began.
    """
    n_rows = data.n_points
    if data.weight is not None and not data.weight.all():
        # As if they were absent, to the last bit: rows of weight 0 go before anything else.
        data = data.take(data.weight > 0)
    likelihood = likelihood_of(data, domain, ngauss, start, options, names)
    model = likelihood.model
    try:
        if model.n_parameters(ngauss, data.nvars) == 0 and start is not None:
            records: tuple[StartRecord, ...] = ()
            outcome = _evaluate(likelihood, start)
        else:
            mixture, records, smaller = _find_start(likelihood, ngauss, start, options, rng)
            outcome = _run_method(likelihood, mixture, smaller, options, observer)
    except DegenerateError as error:
        # The data are sound: this can only be a component that shrinks without end.
        raise DegenerateError(
            "a component collapsed on identical or collinear points, where the likelihood has no "
            f"maximum: ngauss={ngauss}, penalty={options.penalty:g}; use "
            f"{'the default penalty' if options.penalty < 1e-9 else 'a larger penalty'}, fewer "
            "components, or another random_state"
        ) from error
    fitted = outcome.mixture
    if model.exchangeable:
        fitted = permuted(fitted, np.argsort(-fitted.weights, kind="stable"))
    log_prior = likelihood.log_prior(outcome.mixture)
    if records:
        final = -(outcome.loglik + log_prior) / likelihood.total
        chosen = StartRecord(final, records[0].passes, "finished", True)
        records = (chosen, *records[1:])
    seconds = time.perf_counter() - begun
    report = FitReport(
        converged=outcome.converged,
        reason=outcome.reason,
        method=options.method if options.bounds is None else "L-BFGS-B with bounds",
        ngauss=ngauss,
        nvars=data.nvars,
        n_points=n_rows,
        n_parameters=model.n_parameters(ngauss, data.nvars),
        total_weight=likelihood.total,
        neg_loglik=-outcome.loglik,
        neg_loglik_per_point=-outcome.loglik / likelihood.total,
        gradient_norm=outcome.gradient_norm,
        em_gain=outcome.em_gain,
        passes=likelihood.passes,
        iterations=outcome.iterations,
        starts=records,
        seconds_core=likelihood.seconds,
        seconds_optimizer=outcome.seconds_optimizer,
        seconds_python=max(0.0, seconds - likelihood.seconds - outcome.seconds_optimizer),
        seconds_total=seconds,
        threads=options.threads or _core.get_num_threads(),
        variant=_core.variant,
        penalized_components=likelihood.held_by_penalty(fitted),
        effective_points=data.effective_points,
        covariance=model.structure,
        log_prior=log_prior,
        **{f"fixed_{name}": held for name, held in model.held(ngauss).numbers().items()},
    )
    return fitted, report


def likelihood_of(
    data: Observations,
    domain: Floats | None,
    ngauss: int,
    start: _core.PreparedMixture | None,
    options: FitOptions,
    names: tuple[str, ...] | None,
) -> Likelihood:
    """The likelihood of data that have been looked at: they can tell what is to be fitted."""
    structure, prior, fixed = options.covariance, options.prior, options.fixed
    model = Model(structure, fixed)
    parameters = model.n_parameters(ngauss, data.nvars)
    support = _support(start, prior, fixed)
    supported = support is not None
    if parameters:
        check_enough_rows(data, ngauss, structure, parameters=parameters, supported=supported)
        check_identified(data, names, covariances=not (supported or is_diagonal(structure)))
    spread = measure_spread(data, names, options.threads, structure, support)
    if prior is not None:
        reference = model.constrain_one(spread.covariance)
        model = Model(structure, fixed, prior.resolved(spread.location, reference, ngauss))
    return Likelihood(
        data,
        spread,
        options.penalty,
        options.threads,
        domain,
        model=model,
        stopped=options.stopped,
    )


def _support(
    start: _core.PreparedMixture | None, prior: Prior | None, fixed: Fixed | None
) -> Floats | None:
    """A covariance that is known without the data: that of the prior, or those held."""
    if fixed is not None and start is not None and fixed.covariances.all():
        return np.asarray(np.tensordot(start.weights, start.covariances, 1))
    if prior is None or prior.scale is None:
        return None
    scale = np.asarray(prior.scale, dtype=float)
    dof = len(scale) + 2.0 if prior.dof is None else prior.dof
    return scale / (dof + len(scale) + 2.0)


def _evaluate(likelihood: Likelihood, start: _core.PreparedMixture) -> Outcome:
    """Where a fit ends that has nothing to fit."""
    mixture = prepare_start(likelihood, start.with_domain(likelihood.domain))
    loglik = likelihood.loglik(mixture)
    if not np.isfinite(loglik):
        raise InputError(
            "fixed: everything is held, where the log-likelihood of the data is not finite; hold "
            "means nearer to them, or wider covariances"
        )
    return Outcome(mixture, loglik, 0.0, 0.0, 0, True, "everything is held: evaluated only")


def _find_start(
    likelihood: Likelihood,
    ngauss: int,
    given: _core.PreparedMixture | None,
    options: FitOptions,
    rng: np.random.Generator,
) -> tuple[_core.PreparedMixture, tuple[StartRecord, ...], tuple[tuple[Likelihood, float], ...]]:
    """Where the fit starts, the starts tried, and the samples to descend on before the data."""
    closed_form = options.method == "L-BFGS" and likelihood.domain is None and likelihood.data.plain
    if ngauss == 1 and not likelihood.model.holds and (given is None or closed_form):
        # Without a domain the optimum: the mean and the covariance of the data.
        location, covariance = likelihood.spread.location, likelihood.reference
        one = _core.PreparedMixture(np.ones(1), location[None], covariance[None], likelihood.domain)
        if likelihood.model.prior is not None:
            # One step leads to the mode, wherever it starts.
            one, _ = likelihood.em_run(one, 1)
        return one, (), ()
    if given is None:
        n_starts = options.n_starts or default_starts(ngauss)
        search = search_start(likelihood, ngauss, n_starts, rng)
        mixture = likelihood.model.in_order(search.mixture)
        return mixture, search.records, growing_samples(likelihood, search.sample, rng)
    mixture = prepare_start(likelihood, given.with_domain(likelihood.domain))
    if options.method != "EM" and options.bounds is None:
        mixture = approach(likelihood, mixture)
    return mixture, (), ()


def _run_method(
    likelihood: Likelihood,
    mixture: _core.PreparedMixture,
    smaller: tuple[tuple[Likelihood, float], ...],
    options: FitOptions,
    observer: Observer | None,
) -> Outcome:
    own = options.options
    if options.bounds is not None:
        return run_bounded(
            likelihood,
            mixture,
            options.bounds,
            tolerance=options.tolerance,
            options=own,
            observer=observer,
        )
    if options.method == "L-BFGS":
        return finish(
            likelihood,
            mixture,
            smaller=smaller,
            gradient_tolerance=options.tolerance or GRADIENT_TOLERANCE,
            max_iterations=own.get("maxiter", 2000 if likelihood.domain is None else 20_000),
            memory=own.get("maxcor", 20),
            observer=observer,
        )
    if options.method == "EM":
        return run_em(
            likelihood,
            mixture,
            tolerance=options.tolerance,
            max_iterations=own.get("maxiter", 100_000),
            observer=observer,
        )
    return run_scipy(
        likelihood,
        mixture,
        options.method,
        tolerance=options.tolerance,
        options=own,
        observer=observer,
    )

"""One fit from start to report: which way down, and how it is judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.components import check_count, is_number
from mogfit.errors import DegenerateError, DtypeError, InputError, choice_message, scalar_message
from mogfit.inference.bounded import Bounds, run_bounded
from mogfit.inference.checks import check_enough_rows, measure_spread
from mogfit.inference.descent import GRADIENT_TOLERANCE, Outcome, finish, growing_samples
from mogfit.inference.em import run_em
from mogfit.inference.given_starts import approach, prepare_start
from mogfit.inference.identified import check_identified
from mogfit.inference.likelihood import Likelihood, Observer
from mogfit.inference.report import FitReport, StartRecord
from mogfit.inference.scipy_methods import canonical_method, run_scipy
from mogfit.inference.starts import default_starts, search_start
from mogfit.observations import Observations
from mogfit.parameters import number_of_parameters

__all__ = ["FitOptions", "run_fit"]

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
    ) -> FitOptions:
        """Check what the user asked for.

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
        return cls(name, tolerance, given, n_starts, float(penalty), threads or 0, bounds)


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
    of weight, wherever they started.
    `begun` is the `time.perf_counter` at which the fit began.
    """
    n_rows = data.n_points
    if data.weight is not None and not data.weight.all():
        # As if they were absent, to the last bit: rows of weight 0 go before anything else.
        data = data.take(data.weight > 0)
    check_enough_rows(data, ngauss)
    check_identified(data, names)
    spread = measure_spread(data, names, options.threads)
    likelihood = Likelihood(data, spread, options.penalty, options.threads, domain)
    try:
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
    fitted = _by_weight(outcome.mixture)
    if records:
        final = -outcome.loglik / likelihood.total
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
        n_parameters=number_of_parameters(ngauss, data.nvars),
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
    )
    return fitted, report


def _by_weight(mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    order = np.argsort(-mixture.weights, kind="stable")
    return _core.PreparedMixture.from_factors(
        mixture.log_weights[order], mixture.means[order], mixture.factors[order], mixture.domain
    )


def _find_start(
    likelihood: Likelihood,
    ngauss: int,
    given: _core.PreparedMixture | None,
    options: FitOptions,
    rng: np.random.Generator,
) -> tuple[_core.PreparedMixture, tuple[StartRecord, ...], tuple[tuple[Likelihood, float], ...]]:
    """Where the fit starts, the starts tried, and the samples to descend on before the data."""
    closed_form = options.method == "L-BFGS" and likelihood.domain is None and likelihood.data.plain
    if ngauss == 1 and (given is None or closed_form):
        # Without a domain the optimum: the mean and the covariance of the data.
        location, _, covariance = likelihood.spread
        one = _core.PreparedMixture(np.ones(1), location[None], covariance[None], likelihood.domain)
        return one, (), ()
    if given is None:
        n_starts = options.n_starts or default_starts(ngauss)
        search = search_start(likelihood, ngauss, n_starts, rng)
        return search.mixture, search.records, growing_samples(likelihood, search.sample, rng)
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

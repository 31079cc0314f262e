"""Data as they come, and the algebra: noisy and incomplete passes, predictions, single rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks import numpy_reference as complete
from benchmarks import observations_reference as reference
from benchmarks.cases import draw, make_mixture, pass_mixture, shape_name
from benchmarks.measure import Fit, Results, Task, Timing, deviation, in_turns, seconds_of
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.observations_reference import Observations
from benchmarks.peers.base import EM_ITERATION, GRADIENT, Call, Fitted, flat
from benchmarks.peers.mogfit_peer import Mogfit, prepare
from benchmarks.peers.toolbox_peers import Exact, Ours, Pygmmis, Xdgmm, toolbox_contestants
from benchmarks.threads import limited

NOISY_EM = "EM iteration, data as they come"
NOISY_GRADIENT = "log-likelihood + gradient, data as they come"
QUANTITIES = {NOISY_EM: EM_ITERATION, NOISY_GRADIENT: GRADIENT}
PREDICTION = "conditional means"
SINGLE = "one row, d=3 K=10"
POSTERIOR, PREDICT, IMPUTE = "mogfit core posterior", "mogfit predict", "mogfit impute"
MARGINALS = ("marginal of two", "marginal of one")
CONDITIONALS = ("conditional on a row", "conditional on two values")
NUMPY = "NumPy"
TOLERANCE = 1e-8  # relative to the largest entry of the answer
MISSING_SHARE = 0.1
NOISE = 0.5  # typical standard deviation; those of the components are 0.3 to 1.7

Log = Callable[[str], None]


@dataclass(frozen=True)
class ToolboxCase:
    """Noisy or incomplete data, the mixture at which passes run, and the complete values.

    Attributes
    ----------
    name : str
        As the tables show it.
    data : Observations
        What was observed.
    mixture : Mixture
        Off the truth, as in `benchmarks.cases`.
    complete : ndarray of shape (N, d)
        Values without gaps, for the pass that the others are measured by.
    """

    name: str
    data: Observations
    mixture: Mixture
    complete: Array


# -- the data --------------------------------------------------------------------------------------


def noisy_sample(n: int, ngauss: int, *, correlated: bool = False) -> Observations:
    """Draw points in three variables with noise of their own: deviations, or covariances."""
    points = draw(make_mixture(3, ngauss), n)
    rng = np.random.default_rng(11)
    deviations = NOISE * np.exp(0.3 * rng.standard_normal(points.shape))
    noise = rng.standard_normal(points.shape)
    if not correlated:
        return Observations(points + deviations * noise, deviations=deviations)
    roots = np.tril(0.2 * rng.standard_normal((n, 3, 3)), -1)
    roots[:, range(3), range(3)] = deviations
    covariances = roots @ roots.transpose(0, 2, 1)
    noise = (roots @ noise[:, :, None])[:, :, 0]
    return Observations(points + noise, covariances=covariances)


def with_gaps(points: Array) -> Array:
    """Leave out a tenth of the values, at random."""
    gaps = np.random.default_rng(12).random(points.shape) < MISSING_SHARE
    return np.where(gaps, np.nan, points)


def toolbox_cases(*, quick: bool) -> Iterator[ToolboxCase]:
    """Noisy data by deviations and by covariances, and data with gaps."""
    n = 2_000 if quick else 100_000
    for kind in ("deviations", "covariances"):
        data = noisy_sample(n, 10, correlated=kind == "covariances")
        name = f"{shape_name((n, 3, 10))}, {kind}"
        yield ToolboxCase(name, data, pass_mixture(3, 10), data.values)
    n = 4_000 if quick else 200_000
    points = draw(make_mixture(6, 10), n)
    name = f"{shape_name((n, 6, 10))}, {MISSING_SHARE:.0%} missing"
    yield ToolboxCase(name, Observations(with_gaps(points)), pass_mixture(6, 10), points)


def prediction_cases(*, quick: bool) -> Iterator[tuple[str, Array]]:
    """Rows with one gap each: the last value, or any of the three."""
    n = 10_000 if quick else 1_000_000
    points = draw(make_mixture(3, 20), n)
    shape = shape_name((n, 3, 20))
    last = points.copy()
    last[:, 2] = np.nan
    yield f"{shape}, the last missing", last
    points[np.arange(n), np.random.default_rng(13).integers(0, 3, n)] = np.nan
    yield f"{shape}, any one missing", points


# -- the runs --------------------------------------------------------------------------------------


def run_toolbox(rounds: int, seeds: int, budget: float, log: Log, *, quick: bool) -> Results:
    """Time everything on one thread; answers are held to NumPy's."""
    results = Results()
    with limited(1), one_thread():
        for case in toolbox_cases(quick=quick):
            for quantity in QUANTITIES:
                log(f"{case.name}: {quantity}")
                _run_pass(results, case, quantity, rounds, budget)
        for name, rows in prediction_cases(quick=quick):
            log(f"{PREDICTION}, {name}")
            _run_prediction(results, name, rows, rounds, budget)
        if Mogfit.version() is not None:
            log(SINGLE)
            _run_single(results, rounds)
        n = 200 if quick else 5_000
        _run_fits(results, n, 5, min(seeds, 5), budget, log)
        if not quick:  # on few points others gain by narrow components, which we hold up
            results.problems += _worse_than_others(results.fits, fit_name(n, 5))
    return results


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep to one thread what has no argument for it: the faces of mogfit."""
    if Mogfit.version() is None:
        yield
        return
    import mogfit

    mogfit.set_num_threads(1)
    try:
        yield
    finally:
        mogfit.set_num_threads(None)


def _run_pass(
    results: Results, case: ToolboxCase, quantity: str, rounds: int, budget: float
) -> None:
    exact = replace(case.data, values=case.complete)
    calls = {}
    for peer in toolbox_contestants():
        data = exact if isinstance(peer, Exact) else case.data
        if not peer.takes(data):
            continue
        offered = peer.passes(case.mixture, data)
        if QUANTITIES[quantity] in offered:
            calls[peer.label] = offered[QUANTITIES[quantity]]
    moments = reference.moments(case.mixture, case.data)
    if quantity == NOISY_EM:
        updated = complete.em_update(case.mixture, moments)
        expected = flat(updated.weights, updated.means, updated.covariances)
    else:
        gradient = complete.gradient_factors(case.mixture, moments)
        expected = flat(moments.loglik, *gradient)
    _race(results, case.name, quantity, calls, expected, rounds, budget)


def _race(
    results: Results,
    case: str,
    quantity: str,
    calls: Mapping[str, Call],
    expected: Array,
    rounds: int,
    budget: float,
) -> None:
    """Time calls in turns; the answers are those of the timed work, some of which takes long."""
    latest: dict[str, Any] = {}

    def work(label: str, call: Call) -> None:
        latest[label] = call.run()

    tasks = [
        Task(label, partial(seconds_of, partial(work, label, call)), None)
        for label, call in calls.items()
    ]
    for label, samples in in_turns(tasks, rounds, budget).items():
        call = calls[label]
        error = None if call.flatten is None else deviation(call.flatten(latest[label]), expected)
        timing = Timing(case, quantity, label, median(samples), len(samples), error, call.note)
        results.timings.append(timing)
        if error is not None and not error <= TOLERANCE:
            results.problems.append(f"{case}, {quantity}, {label}: off by {error:.1e}")


# -- predictions -----------------------------------------------------------------------------------


def filled(mixture: Mixture, rows: Array) -> Array:
    """Fill the one gap of each row by its conditional mean, in NumPy.

    For each pattern: responsibilities of the marginal, times regressions that are linear in the
    row, so that two matrix products with the responsibilities do it.
    """
    result = rows.copy()
    covariances = mixture.covariances
    for target in range(mixture.nvars):
        seen = [j for j in range(mixture.nvars) if j != target]
        inner = covariances[:, seen][:, :, seen]
        marginal = Mixture.from_covariances(mixture.weights, mixture.means[:, seen], inner)
        slopes = np.linalg.solve(inner, covariances[:, seen, target, None])[:, :, 0]
        offsets = mixture.means[:, target] - (slopes * marginal.means).sum(axis=1)
        places = np.flatnonzero(np.isnan(rows[:, target]))
        for part in np.array_split(places, max(1, len(places) // 50_000)):
            given = np.ascontiguousarray(rows[np.ix_(part, seen)])
            shares = complete.plain_responsibilities(marginal, given)
            result[part, target] = shares @ offsets + ((shares @ slopes) * given).sum(axis=1)
    return result


def prediction_calls(mixture: Mixture, rows: Array) -> dict[str, Callable[[], Any]]:
    """Ways to the conditional means, from the rows to the means."""
    calls: dict[str, Callable[[], Any]] = {}
    if Mogfit.version() is not None:
        from mogfit import _core

        model = face(mixture)

        def posterior() -> Any:
            observed = _core.Observations(rows, missing=True)
            return _core.posterior(prepare(mixture), observed, covariance=False, threads=1)

        calls[POSTERIOR] = posterior
        calls[PREDICT] = lambda: model.predict(rows)
        calls[IMPUTE] = lambda: model.impute(rows)
    calls[NUMPY] = partial(filled, mixture, rows)
    return calls


def _run_prediction(results: Results, name: str, rows: Array, rounds: int, budget: float) -> None:
    mixture = make_mixture(3, 20)
    gaps = np.isnan(rows)
    columns = gaps.any(axis=0)
    # Only what was missing: some ways give it alone, others with the rest of the row.
    answers: dict[str, Callable[[Any], Array]] = {
        POSTERIOR: lambda result: np.asarray(result[0])[gaps],
        PREDICT: lambda result: result.mean[gaps[:, columns]],
        IMPUTE: lambda result: np.asarray(result)[gaps],
        NUMPY: lambda result: result[gaps],
    }
    calls = {
        label: Call(run, answers[label]) for label, run in prediction_calls(mixture, rows).items()
    }
    expected = filled(mixture, rows)[gaps]
    _race(results, name, PREDICTION, calls, expected, rounds, budget)


# -- a single row ----------------------------------------------------------------------------------


def face(mixture: Mixture) -> Any:
    """mogfit's mixture with these parameters."""
    import mogfit

    return mogfit.MixtureOfGaussians(
        weights=mixture.weights, mus=mixture.means, Sigmas=mixture.covariances
    )


def conditional(mixture: Mixture, row: Array) -> Mixture:
    """The conditional mixture of the missing values of a row, in NumPy."""
    free = np.isnan(row)
    covariances = mixture.covariances
    seen = covariances[:, ~free][:, :, ~free]
    cross = covariances[:, free][:, :, ~free]
    gains = cross @ np.linalg.inv(seen)
    residuals = row[~free] - mixture.means[:, ~free]
    given = Mixture.from_covariances(mixture.weights, mixture.means[:, ~free], seen)
    shares = complete.plain_responsibilities(given, row[None, ~free])[0]
    means = mixture.means[:, free] + (gains @ residuals[:, :, None])[:, :, 0]
    inner = covariances[:, free][:, :, free] - gains @ cross.transpose(0, 2, 1)
    return Mixture.from_covariances(shares, means, inner)


def _run_single(results: Results, rounds: int) -> None:
    mixture = make_mixture(3, 10)
    model = face(mixture)
    row = np.array([0.3, np.nan, 0.1])

    def marginal(variables: list[int]) -> Mixture:
        inner = mixture.covariances[:, variables][:, :, variables]
        return Mixture.from_covariances(mixture.weights, mixture.means[:, variables], inner)

    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Mixture]]] = {
        CONDITIONALS[0]: (lambda: model.conditional(row), lambda: conditional(mixture, row)),
        CONDITIONALS[1]: (
            lambda: model.conditional({0: 0.3, 2: 0.1}),
            lambda: conditional(mixture, row),
        ),
        MARGINALS[0]: (lambda: model.marginal((0, 2)), lambda: marginal([0, 2])),
        MARGINALS[1]: (lambda: model.marginal(1), lambda: marginal([1])),
    }
    for case, (ours, numpys) in pairs.items():
        calls = {
            Mogfit.name: Call(ours, lambda m: flat(m.weights, m.mus, m.Sigmas)),
            NUMPY: Call(numpys, _flat),
        }
        _race(results, case, SINGLE, calls, _flat(numpys()), rounds, budget=10.0)


def _flat(mixture: Mixture) -> Array:
    return flat(mixture.weights, mixture.means, mixture.covariances)


# -- whole fits ------------------------------------------------------------------------------------


def fit_name(n: int, ngauss: int) -> str:
    """Name of the fit of noisy points."""
    return f"noisy {shape_name((n, 3, ngauss))}"


def _run_fits(results: Results, n: int, ngauss: int, seeds: int, budget: float, log: Log) -> None:
    """Fit noisy points with deviations, likelihoods by NumPy from the parameters."""
    data, name = noisy_sample(n, ngauss), fit_name(n, ngauss)
    peers = [peer for peer in toolbox_contestants() if type(peer) in (Ours, Pygmmis, Xdgmm)]
    fitted: dict[str, list[Fitted]] = {peer.label: [] for peer in peers}
    for seed in range(seeds):
        for peer in peers:
            if sum(fit.seconds for fit in fitted[peer.label]) <= budget:
                log(f"{name}: {peer.label}, seed {seed}")
                fit = peer.fit_noisy(data, ngauss, seed)
                if fit is not None:
                    fitted[peer.label].append(fit)
    for label, fits in fitted.items():
        values = [-float(reference.logpdf(fit.mixture, data).mean()) for fit in fits]
        if fits:
            seconds = tuple(fit.seconds for fit in fits)
            results.fits.append(Fit(name, label, seconds, tuple(values), fits[0].note))


def _worse_than_others(fits: Iterable[Fit], name: str) -> list[str]:
    """Say so when our worst fit is worse than the best of extreme deconvolution's."""
    by_label = {fit.contestant: fit for fit in fits if fit.case == name}
    ours, theirs = by_label.get(Ours.name), by_label.get(Xdgmm.name)
    if ours is None or theirs is None:
        return []
    worst, best = max(ours.neg_logliks), min(theirs.neg_logliks)
    return [] if worst <= best + 1e-7 else [f"{name}: {worst} is worse than XDGMM's {best}"]

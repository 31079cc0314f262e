"""Bounded domains: probabilities of boxes; passes, fits and draws of truncated mixtures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal

from benchmarks.cases import DATA, asteroids, make_mixture, shape_name
from benchmarks.measure import Fit, Results, Task, Timing, in_turns, seconds_of
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.multimin_peer import MultiMin, silently

BOX = "log Z of a box, with its gradient"
TRUNCATED_PASS = "log-likelihood + gradient, as in a fit"
TRUNCATED_DRAWS = "draws in a box"
BOX_DIMENSIONS = (1, 2, 3, 4, 6, 8)
AS_IN_A_FIT = "mogfit, as in a fit"
UNBOUNDED, TRUNCATED = "without a domain", "with a domain"
TUTORIALS = {
    "truncated 1-D": ("truncated_1d.npy", [(0.0, 1.0)]),
    "truncated 3-D": ("truncated_3d.npy", [None, (0.0, 1.0), None]),
}
ORBITS = [(0.0, 1.3), (0.0, 1.0), (0.0, 180.0)]
RESTRICTED = "mogfit without a domain, restricted to it"
ADAPTIVE_ERROR = 1e-4  # of SciPy's quasi-Monte-Carlo, relative to a probability near 0.1
_MANY = 20
SAME = 1e-9  # of -log L / N, what convergence leaves open

Log = Callable[[str], None]
Domain = list[tuple[float, float] | None]


@dataclass(frozen=True)
class _Box:
    mean: Array
    covariance: Array
    lower: Array
    upper: Array


def run_domains(rounds: int, points: int, seeds: int, draws: int, log: Log) -> Results:
    """Time everything about domains; answers are held to SciPy's and to each other."""
    results = Results()
    if Mogfit.version() is None:
        return results
    for nvars in BOX_DIMENSIONS:
        log(f"{BOX}, d={nvars}")
        _run_box(results, nvars, rounds)
    for nvars in (1, 2, 3):
        log(f"{TRUNCATED_PASS}, d={nvars}")
        _run_pass(results, (points, nvars, 10), rounds)
    log(TRUNCATED_DRAWS)
    _run_draws(results, draws, rounds)
    for name, (file, domain) in TUTORIALS.items():
        log(name)
        _run_tutorial(results, name, np.load(DATA / file), domain, seeds)
    orbits = np.ascontiguousarray(asteroids()[:: 1 if points > 50_000 else 10])
    for ngauss in (1, 5, 10):
        log(f"asteroids in a box, K={ngauss}")
        _run_asteroids(results, orbits, ngauss, seeds)
    return results


def _box(nvars: int) -> _Box:
    """A box around the mean of a correlated normal, half of its sides at infinity."""
    covariance = make_mixture(nvars, 1).covariances[0]
    scale = np.sqrt(np.diag(covariance))
    upper = np.where(np.arange(nvars) % 2, np.inf, 1.5 * scale)
    return _Box(np.zeros(nvars), covariance, -0.8 * scale, upper)


def _run_box(results: Results, nvars: int, rounds: int) -> None:
    from mogfit import _core

    box = _box(nvars)

    def ours() -> tuple[float, float, Any, Any]:
        return _core.box_probability(box.mean, box.covariance, box.lower, box.upper)

    # What a fit pays: no conversion of arguments, the plan of a lattice rule made once.
    means = np.zeros((_MANY, nvars))

    def many() -> Any:
        return _core.log_masses_of_means(means, box.covariance, box.lower, box.upper, 1)

    def scipys() -> float:
        return float(
            multivariate_normal.cdf(box.upper, box.mean, box.covariance, lower_limit=box.lower)
        )

    tasks = [
        Task(AS_IN_A_FIT, lambda: seconds_of(many) / _MANY, None),
        Task("mogfit, one call", partial(seconds_of, ours), None),
        Task("SciPy cdf, no gradient", partial(seconds_of, scipys), None),
    ]
    name = f"d={nvars}"
    for label, samples in in_turns(tasks, rounds, budget=10.0).items():
        results.timings.append(Timing(name, BOX, label, median(samples), len(samples)))
    difference = abs(np.exp(ours()[0]) / scipys() - 1.0)
    if not difference <= ADAPTIVE_ERROR * max(1, nvars - 2):
        results.problems.append(f"{BOX}, {name}: {difference:.1e} from SciPy's")


def _run_pass(results: Results, shape: tuple[int, int, int], rounds: int) -> None:
    from mogfit import _core

    n, nvars, ngauss = shape
    mixture = make_mixture(nvars, ngauss)
    bounds = np.array([[-2.0] * nvars, [2.0] * nvars])
    prepared = _core.PreparedMixture.from_factors(
        mixture.log_weights, mixture.means, mixture.factors, bounds
    )
    points, _ = _core.sample(prepared, n, 1)

    def one_pass(domain: Array | None) -> Any:
        at = _core.PreparedMixture.from_factors(
            mixture.log_weights, mixture.means, mixture.factors, domain
        )
        return _core.gradient_factors(at, _core.data_pass(at, points, threads=1))

    tasks = [
        Task(label, partial(seconds_of, partial(one_pass, domain)), None)
        for label, domain in ((UNBOUNDED, None), (TRUNCATED, bounds))
    ]
    for label, samples in in_turns(tasks, rounds, budget=10.0).items():
        results.timings.append(
            Timing(shape_name(shape), TRUNCATED_PASS, label, median(samples), len(samples))
        )


def _run_draws(results: Results, n: int, rounds: int) -> None:
    """Points in a box that holds a tenth of a normal in three variables."""
    from mogfit import _core

    lower, upper = np.full(3, -np.inf), np.array([-0.15, -0.15, -0.15])
    covariance = np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 1.0]])
    prepared = _core.PreparedMixture(
        np.ones(1), np.zeros((1, 3)), covariance[None], np.array([lower, upper])
    )
    mass = float(np.exp(prepared.log_masses[0]))
    task = Task(
        Mogfit.name, partial(seconds_of, lambda: _core.sample(prepared, n, 1, threads=1)), None
    )
    samples = in_turns([task], rounds, budget=10.0)[Mogfit.name]
    case = f"N={n:.0e} d=3, mass {mass:.2f}".replace("e+0", "e")
    results.timings.append(
        Timing(case, TRUNCATED_DRAWS, Mogfit.name, median(samples), len(samples))
    )


def _run_tutorial(results: Results, name: str, points: Array, domain: Domain, seeds: int) -> None:
    """MultiMin's truncated cases; likelihoods by mogfit's density, for both."""
    fits = [_fit(points, 2, domain, seed) for seed in range(seeds)]
    ours = Fit(name, Mogfit.name, *map(tuple, zip(*[fit[:2] for fit in fits], strict=True)))
    results.fits.append(ours)
    if MultiMin.version() is None:
        return
    multimin = silently(__import__, "multimin")
    start = perf_counter()
    fit = silently(multimin.FitMoG, data=points, ngauss=2, domain=domain)
    silently(fit.fit_data)
    seconds = perf_counter() - start
    found = Mixture.from_covariances(fit.mog.weights, fit.mog.mus, fit.mog.Sigmas)
    theirs = _neg_loglik(found, points, domain, "components")
    results.fits.append(Fit(name, MultiMin.name, (seconds,), (theirs,)))
    if not max(ours.neg_logliks) <= theirs + SAME:
        results.problems.append(f"{name}: {max(ours.neg_logliks)} is worse than MultiMin's")


def _run_asteroids(results: Results, orbits: Array, ngauss: int, seeds: int) -> None:
    name = f"asteroids in a box, K={ngauss}"
    inside = [_fit(orbits, ngauss, ORBITS, seed) for seed in range(seeds)]
    outside = [_fit(orbits, ngauss, None, seed) for seed in range(seeds)]
    restricted = [_neg_loglik(mixture, orbits, ORBITS, "mixture") for _, _, mixture, _ in outside]
    converged = sum(fit[3] for fit in inside)
    results.fits += [
        Fit(
            name,
            Mogfit.name,
            tuple(fit[0] for fit in inside),
            tuple(fit[1] for fit in inside),
            f"converged with {converged} of {seeds} seeds",
        ),
        Fit(name, RESTRICTED, tuple(fit[0] for fit in outside), tuple(restricted)),
    ]
    if not max(fit[1] for fit in inside) <= min(restricted) + SAME:
        results.problems.append(f"{name}: worse than the unbounded fit restricted to the box")


def _fit(
    points: Array, ngauss: int, domain: Domain | None, seed: int
) -> tuple[float, float, Mixture, bool]:
    """Seconds, -log L / N, the mixture, and whether it converged."""
    import mogfit

    start = perf_counter()
    fit = mogfit.FitMoG(points, ngauss, domain=domain)
    fit.fit_data(random_state=seed, threads=1)
    seconds = perf_counter() - start
    mog, report = fit.mog, fit.report
    assert report is not None, "a fit that returns has a report"
    mixture = Mixture.from_covariances(mog.weights, mog.mus, mog.Sigmas)
    return seconds, report.neg_loglik_per_point, mixture, report.converged


def _neg_loglik(mixture: Mixture, points: Array, domain: Domain, truncation: str) -> float:
    import mogfit

    mog = mogfit.MixtureOfGaussians(
        weights=mixture.weights,
        mus=mixture.means,
        Sigmas=mixture.covariances,
        domain=domain,
        truncation=truncation,
    )
    return -float(np.mean(mog.logpdf(points)))

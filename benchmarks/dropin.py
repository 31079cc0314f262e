"""The same calls through MultiMin and mogfit: fits, draws, qualities, densities, spectra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import DATA, make_mixture
from benchmarks.measure import Results, Timing, seconds_of
from benchmarks.numpy_reference import Array
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.multimin_peer import MultiMin, silently

SAME_CALL = "the same call through MultiMin"
RNG_SEED = 1
FIT_EXCESS = 1e-9  # of -log L / N, what convergence leaves open
DENSITY_ERROR = 1e-11

Log = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """One piece of a script, run by both libraries.

    Attributes
    ----------
    name : str
        As the tables show it.
    call : callable
        Takes the module, does the work and returns what it gave.
    judge : callable
        Takes what mogfit and what MultiMin gave; returns a note, and whether ours is as good.
    target : float
        How many times MultiMin's speed is asked for.
    """

    name: str
    call: Callable[[Any], Any]
    judge: Callable[[Any, Any], tuple[str, bool]]
    target: float


def comparisons(*, quick: bool) -> list[Comparison]:
    """What is compared; a quick run draws, simulates and fits less."""
    draws = 500 if quick else 50_000
    grid = 40 if quick else 400
    tutorial = [
        ("tutorial 1-D", "tutorial_1d.npy", 1, None),
        ("tutorial 1-D", "tutorial_1d.npy", 2, None),
        ("tutorial 3-D", "tutorial_3d.npy", 1, None),
        ("tutorial 3-D", "tutorial_3d.npy", 2, None),
        ("truncated 1-D", "truncated_1d.npy", 2, [[0, 1]]),
        ("truncated 3-D", "truncated_3d.npy", 2, [None, [0, 1], None]),
    ]
    if quick:
        tutorial = tutorial[:3]
    fits = [
        Comparison(
            f"fit, {name}, K={ngauss}",
            partial(_fit, file=file, ngauss=ngauss, domain=domain),
            _judge_fits,
            50.0,
        )
        for name, file, ngauss, domain in tutorial
    ]
    values, lines = (100, 2) if quick else (1000, 10)
    return [
        *fits,
        Comparison(f"rvs({draws}), d=3", partial(_draw, count=draws), _judge_draws, 1000.0),
        Comparison(
            f"quality_of_fit, {draws} simulated points",
            partial(_quality, n_sim=draws),
            _judge_qualities,
            500.0,
        ),
        Comparison(
            f"pdf on {grid} x {grid} points, d=5 K=10",
            partial(_density, side=grid),
            _judge_densities,
            20.0,
        ),
        Comparison(
            f"FitFunctionMoG, {values} points, K={lines}",
            partial(_fit_function, count=values, lines=lines),
            _judge_functions,
            50.0,
        ),
    ]


def run_dropin(rounds: int, log: Log, *, quick: bool) -> Results:
    """Time each comparison, MultiMin's side once and ours every round."""
    results = Results()
    if Mogfit.version() is None or MultiMin.version() is None:
        return results
    import mogfit

    multimin = silently(__import__, "multimin")
    for comparison in comparisons(quick=quick):
        log(f"{SAME_CALL}: {comparison.name}")
        ours = comparison.call(mogfit)
        seconds = [seconds_of(partial(comparison.call, mogfit)) for _ in range(rounds)]
        start = perf_counter()
        theirs = silently(comparison.call, multimin)
        their_seconds = perf_counter() - start
        note, good = comparison.judge(ours, theirs)
        results.timings += [
            Timing(comparison.name, SAME_CALL, Mogfit.name, median(seconds), rounds, note=note),
            Timing(comparison.name, SAME_CALL, MultiMin.name, their_seconds, 1),
        ]
        if not good:
            results.problems.append(f"{SAME_CALL}, {comparison.name}: {note}")
    return results


# -- the calls, on data that are made once, before anything is timed -------------------------------


@cache
def _sample(file: str) -> Array:
    points: Array = np.load(DATA / file)
    return points


def _fit(library: Any, file: str, ngauss: int, domain: Any) -> float:
    np.random.seed(RNG_SEED)  # noqa: NPY002  (as MultiMin's scripts seed)
    fit = library.FitMoG(data=_sample(file), ngauss=ngauss, domain=domain)
    fit.fit_data()
    return float(fit.norm_log_l())


def _judge_fits(ours: float, theirs: float) -> tuple[str, bool]:
    return f"-log L / N {ours:.9f} against {theirs:.9f}", ours <= theirs + FIT_EXCESS


def _tutorial_mixture(library: Any) -> Any:
    sigmas = [[1, 1.2, 2.3], [0.8, 0.2, 3.3]]
    angles = np.radians([[10, 30, 20], [-20, 0, 30]]).tolist()
    covariances = library.Stats.calc_covariance_from_rotation(sigmas, angles)
    return library.MixtureOfGaussians(
        mus=[[1, 0.5, -0.5], [1, -0.5, 0.5]], weights=[0.5, 0.5], Sigmas=covariances
    )


def _draw(library: Any, count: int) -> Array:
    np.random.seed(RNG_SEED)  # noqa: NPY002
    points: Array = _tutorial_mixture(library).rvs(count)
    return points


def _judge_draws(ours: Array, theirs: Array) -> tuple[str, bool]:
    """Means and covariances differ by no more than five standard errors."""
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / len(ours))
    off = float((np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / error).max())
    same_shape = ours.shape == theirs.shape
    return f"means within {off:.1f} standard errors", same_shape and off < 5.0


def _quality(library: Any, n_sim: int) -> tuple[float, float]:
    """The quality of the true mixture: the fit itself is timed elsewhere."""
    np.random.seed(RNG_SEED)  # noqa: NPY002
    fit = library.FitMoG(data=_sample("tutorial_3d.npy"), ngauss=2)
    fit.set_initial_params(from_mog=_tutorial_mixture(library))
    quality = fit.quality_of_fit(n_sim=n_sim, resample=True)
    return float(quality["ks_dist"]), float(quality["r2_identity"])


def _judge_qualities(ours: tuple[float, float], theirs: tuple[float, float]) -> tuple[str, bool]:
    """Two samples of a true model: both distances are small."""
    note = f"KS {ours[0]:.4f} against {theirs[0]:.4f}, R2 {ours[1]:.4f} against {theirs[1]:.4f}"
    return note, max(ours[0], theirs[0]) < 0.1


@cache
def _slice_of_five(side: int) -> Array:
    """A grid over two of five variables, the others fixed."""
    x, y = np.meshgrid(np.linspace(-3, 3, side), np.linspace(-3, 3, side))
    points = np.full((x.size, 5), 0.1)
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    return points


def _density(library: Any, side: int) -> Array:
    mixture = make_mixture(5, 10)
    mog = library.MixtureOfGaussians(
        weights=mixture.weights, mus=mixture.means, Sigmas=mixture.covariances
    )
    density: Array = mog.pdf(_slice_of_five(side))
    return density


def _judge_densities(ours: Array, theirs: Array) -> tuple[str, bool]:
    error = float(np.abs(ours / theirs - 1.0).max())
    return f"largest relative difference {error:.0e}", error < DENSITY_ERROR


@cache
def _spectrum(count: int, lines: int) -> tuple[Array, Array]:
    """Overlapping lines of different heights and widths, with 1 % of noise."""
    rng = np.random.default_rng(5)
    x = np.linspace(0.0, 100.0, count)
    centres = np.linspace(8.0, 92.0, lines) + rng.uniform(-2.0, 2.0, lines)
    widths, heights = rng.uniform(1.5, 3.5, lines), rng.uniform(1.0, 6.0, lines)
    values = (heights * np.exp(-0.5 * ((x[:, None] - centres) / widths) ** 2)).sum(axis=1)
    return x, values + 0.01 * values.max() * rng.standard_normal(count)


def _fit_function(library: Any, count: int, lines: int) -> float:
    fit = library.FitFunctionMoG(data=_spectrum(count, lines), ngauss=lines)
    fit.fit_data()
    return float(fit.quality_of_fit(verbose=False)["R2"])


def _judge_functions(ours: float, theirs: float) -> tuple[str, bool]:
    return f"R2 {ours:.6f} against {theirs:.6f}", ours >= theirs - 1e-9

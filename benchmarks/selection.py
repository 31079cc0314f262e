"""How many components: what AIC and BIC choose, beside scikit-learn, and how long it takes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.cases import asteroids
from benchmarks.measure import Results, Table, Timing
from benchmarks.numpy_reference import Array, Mixture, plain_logpdf
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.sklearn_peer import ScikitLearn
from benchmarks.threads import limited

SELECTION = "choice among 1 to 10 components"
HUMPS, ASTEROIDS = "1,000 points of three Gaussians", "40,761 asteroids"
NUMBERS = range(1, 11)
N_INIT = 5
CRITERIA = ("AIC", "BIC")
# Of sums of a thousand logarithms, in another order.
ROUNDING = 1e-6

Log = Callable[[str], None]


def three_humps(seed: int) -> Array:
    """Draw 350 points of N(-1, 1.5), 500 of N(0, 1) and 150 of N(3, 0.5): standard deviations."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.normal(-1, 1.5, 350), rng.normal(0, 1, 500), rng.normal(3, 0.5, 150)]
    )[:, None]


@dataclass(frozen=True)
class Chosen:
    """Fits of one contestant to one sample: log L of each number of components, by NumPy.

    Attributes
    ----------
    logliks : ndarray of shape (K,)
    healthy : ndarray of bool, shape (K,)
        Whether every component of the fit is.
    eligible : ndarray of bool, shape (K,)
        Whether the fit may be chosen.
    """

    logliks: Array
    healthy: Array
    eligible: Array

    def choice(self, criterion: str, n_points: int) -> int:
        """Find the number of components of the lowest value."""
        parameters = 3 * np.array(NUMBERS) - 1
        price = 2.0 if criterion == "AIC" else np.log(n_points)
        values = np.where(self.eligible, -2.0 * self.logliks + price * parameters, np.inf)
        return NUMBERS[int(values.argmin())]


def is_healthy(mixture: Mixture, points: Array) -> bool:
    """Whether no component has collapsed or lives of a few points.

    At least 5 (d + 1) effective points in each, and no eigenvalue of a covariance, in the metric
    of the data's, below 1e-3.
    """
    n_points, nvars = points.shape
    if mixture.weights.min() * n_points < 5 * (nvars + 1):
        return False
    root = np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(points.T, ddof=0))))
    whitened = root @ mixture.covariances @ root.T
    return bool(np.linalg.eigvalsh(whitened).min() >= 1e-3)


def _judged(mixtures: Sequence[Mixture], points: Array, eligible: Sequence[bool]) -> Chosen:
    return Chosen(
        np.array([float(plain_logpdf(mixture, points).sum()) for mixture in mixtures]),
        np.array([is_healthy(mixture, points) for mixture in mixtures]),
        np.array(eligible),
    )


def _ours(points: Array, seed: int) -> tuple[Chosen, float]:
    import mogfit

    begun = perf_counter()
    selection = mogfit.select(points, NUMBERS, random_state=seed, threads=1)
    seconds = perf_counter() - begun
    mixtures = [
        Mixture.from_covariances(fit.mog.weights, fit.mog.mus, fit.mog.Sigmas)
        for fit in selection.fits.values()
    ]
    sound = [row.status != "held by the penalty" for row in selection.table]
    return _judged(mixtures, points, sound), seconds


def _theirs(points: Array, seed: int) -> tuple[Chosen, float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    begun = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = [
            GaussianMixture(ngauss, n_init=N_INIT, random_state=seed).fit(points)
            for ngauss in NUMBERS
        ]
    seconds = perf_counter() - begun
    mixtures = [
        Mixture.from_covariances(fit.weights_, fit.means_, fit.covariances_) for fit in fits
    ]
    return _judged(mixtures, points, [True] * len(fits)), seconds


def run_selection(seeds: int, log: Log, *, quick: bool) -> Results:
    """Choose for some samples with both libraries in turns, then time the asteroids."""
    results = Results()
    if Mogfit.version() is None:
        return results
    beside = ScikitLearn.version() is not None
    runs: dict[str, list[tuple[Chosen, float]]] = {"mogfit": []}
    label = f"scikit-learn n_init={N_INIT}"
    with limited(1):
        for seed in range(seeds):
            log(f"{HUMPS}, seed {seed}")
            points = three_humps(seed)
            runs["mogfit"].append(_ours(points, seed))
            if beside:
                runs.setdefault(label, []).append(_theirs(points, seed))
    for name, made in runs.items():
        seconds = median(seconds for _, seconds in made)
        results.timings.append(Timing(HUMPS, SELECTION, name, seconds, len(made)))
    results.tables.append(_table_of_choices(runs, seeds))
    if beside:
        pairs = zip(runs["mogfit"], runs[label], strict=True)
        lower, table = compare([(ours, theirs) for (ours, _), (theirs, _) in pairs])
        results.problems += lower
        results.tables.append(table)
    _time_asteroids(results, log, quick=quick)
    return results


def _table_of_choices(runs: dict[str, list[tuple[Chosen, float]]], seeds: int) -> Table:
    rows = []
    for name, made in runs.items():
        for criterion in CRITERIA:
            choices = [chosen.choice(criterion, 1000) for chosen, _ in made]
            counts = [str(choices.count(ngauss) or "") for ngauss in NUMBERS]
            rows.append((name, criterion, *counts))
    agreed = [
        seed
        for seed, (chosen, _) in enumerate(runs["mogfit"])
        if {chosen.choice(criterion, 1000) for criterion in CRITERIA} == {3}
    ]
    text = (
        f"How often each number of components is chosen, of {seeds} samples of 350 points of "
        "N(-1, 1.5), 500 of N(0, 1) and 150 of N(3, 0.5), standard deviations in brackets. mogfit "
        "passes over fits that only its penalty holds up. Both criteria of mogfit choose 3 at "
        f"{len(agreed)} of the seeds: {', '.join(map(str, agreed)) or 'none'}."
    )
    header = ("", "criterion", *map(str, NUMBERS))
    return Table("Choices of the number of components", text, header, rows)


def compare(pairs: Sequence[tuple[Chosen, Chosen]]) -> tuple[list[str], Table]:
    """How much higher our log L is than theirs; a problem where theirs is healthy and higher."""
    problems, rows = [], []
    gains = np.array([ours.logliks - theirs.logliks for ours, theirs in pairs])
    healthy = np.array([theirs.healthy for _, theirs in pairs])
    for place, ngauss in enumerate(NUMBERS):
        gain, sound = gains[:, place], healthy[:, place]
        problems += [
            f"{HUMPS}, seed {seed}, K={ngauss}: log L {gain[seed]:.4f} above scikit-learn's"
            for seed in np.flatnonzero(sound & (gain < -ROUNDING))
        ]
        rows.append(
            (
                str(ngauss),
                str(int(sound.sum())),
                f"{gain[sound].min():.4f}" if sound.any() else "",
                f"{np.median(gain):.4f}",
                f"{gain.max():.4f}",
            )
        )
    text = (
        "log L of mogfit less scikit-learn's, in nats, over the seeds; the least one where every "
        "component of its fit has 10 effective points and a variance of 1e-3 of the data's."
    )
    header = ("components", "healthy", "least of those", "median", "largest")
    return problems, Table("Likelihoods reached", text, header, rows)


def _time_asteroids(results: Results, log: Log, *, quick: bool) -> None:
    import mogfit

    orbits = np.ascontiguousarray(asteroids()[:: 20 if quick else 1])
    case = f"a twentieth of {ASTEROIDS}" if quick else ASTEROIDS
    for threads in (1, 2):
        log(f"{ASTEROIDS}, {threads} threads")
        seconds = []
        for seed in range(1 if quick else 3):
            begun = perf_counter()
            selection = mogfit.select(orbits, NUMBERS, random_state=seed, threads=threads)
            seconds.append(perf_counter() - begun)
        note = f"best: {selection.best_ngauss} components"
        name = "mogfit" if threads == 1 else f"mogfit, {threads} threads"
        timing = Timing(case, SELECTION, name, median(seconds), len(seconds), note=note)
        results.timings.append(timing)

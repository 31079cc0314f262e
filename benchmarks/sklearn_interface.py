"""Fits by the estimators with scikit-learn's interface, beside its own, on one thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cases import Shape, shape_name
from benchmarks.measure import Results, Table, Timing, seconds_of
from benchmarks.numpy_reference import Array, Mixture, blocked_logpdf
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.sklearn_peer import ScikitLearn
from benchmarks.threads import limited

SHAPES: tuple[Shape, ...] = ((200, 2, 3), (10_000, 2, 5), (100_000, 16, 16), (1_000_000, 3, 20))
QUICK_SHAPES: tuple[Shape, ...] = ((200, 2, 3), (1000, 2, 2))
COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
# How far apart the means are drawn, in standard deviations of the components.
SEPARATIONS = {"apart": 3.0, "overlapping": 1.0}
GAUSSIAN, BAYESIAN = "GaussianMixture", "BayesianGaussianMixture"
OURS, THEIRS = "mogfit", "scikit-learn"
# Bayesian fits of so many points take as many iterations as they are given, of seconds each.
LARGE, FEW_ITERATIONS = 100_000, 10

Log = Callable[[str], None]


def fit_of(estimator: str) -> str:
    """Name what is timed."""
    return f"{estimator}.fit"


def case_name(shape: Shape, covariance_type: str, separation: str) -> str:
    """Data and type of covariance of a fit."""
    return f"{shape_name(shape)} {covariance_type}, {separation}"


def clouds(shape: Shape, separation: float, seed: int = 0) -> Array:
    """Draw points of clusters with full covariances and equal weights."""
    n_points, nvars, ngauss = shape
    rng = np.random.default_rng(seed)
    centres = separation * rng.normal(size=(ngauss, nvars))
    factors = np.eye(nvars) + 0.3 * rng.normal(size=(ngauss, nvars, nvars))
    points: Array = rng.normal(size=(n_points, nvars))
    labels = rng.integers(ngauss, size=n_points)
    for label, (centre, factor) in enumerate(zip(centres, factors, strict=True)):
        chosen = labels == label
        points[chosen] = centre + points[chosen] @ factor.T
    return points


@dataclass
class Fits:
    """Fits of one case by one library, one for each seed."""

    seconds: list[float] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    logliks: list[float] = field(default_factory=list)

    def add(self, estimator: Any, points: Array) -> None:
        """Time a fit, and have NumPy say what came of it."""
        self.seconds.append(seconds_of(lambda: estimator.fit(points)))
        self.iterations.append(int(estimator.n_iter_))
        self.logliks.append(float(blocked_logpdf(_mixture(estimator), points).mean()))


def _mixture(estimator: Any) -> Mixture:
    ngauss, nvars = estimator.means_.shape
    covariances = np.asarray(estimator.covariances_)
    kind = estimator.covariance_type
    if kind == "tied":
        covariances = np.repeat(covariances[np.newaxis], ngauss, axis=0)
    elif kind == "diag":
        covariances = covariances[:, :, np.newaxis] * np.eye(nvars)
    elif kind == "spherical":
        covariances = covariances[:, np.newaxis, np.newaxis] * np.eye(nvars)
    return Mixture.from_covariances(estimator.weights_, estimator.means_, covariances)


def _settings(estimator: str, shape: Shape) -> dict[str, Any]:
    n_points, _, ngauss = shape
    few = estimator == BAYESIAN and n_points >= LARGE
    return {"n_components": ngauss, **({"max_iter": FEW_ITERATIONS} if few else {})}


def _in_turns(
    libraries: dict[str, Any],
    estimator: str,
    settings: dict[str, Any],
    points: Array,
    seeds: int,
    budget: float,
) -> dict[str, Fits]:
    """Fit with each seed by both; a library that has used its budget gets no further seeds."""
    made = {name: Fits() for name in libraries}
    for seed, (name, library) in product(range(seeds), libraries.items()):
        if sum(made[name].seconds) < budget:
            made[name].add(getattr(library, estimator)(**settings, random_state=seed), points)
    return made


def _cases(shapes: tuple[Shape, ...]) -> Iterator[tuple[Shape, str, Array]]:
    for shape, (name, separation) in product(shapes, SEPARATIONS.items()):
        yield shape, name, clouds(shape, separation)


def run_sklearn_interface(seeds: int, budget: float, log: Log, *, quick: bool) -> Results:
    """Time fits by both libraries, at scikit-learn's default settings."""
    results = Results()
    if Mogfit.version() is None or ScikitLearn.version() is None:
        return results
    import sklearn.mixture
    from sklearn.exceptions import ConvergenceWarning

    import mogfit.sklearn

    libraries = {OURS: mogfit.sklearn, THEIRS: sklearn.mixture}
    rows: dict[str, list[tuple[str, ...]]] = {GAUSSIAN: [], BAYESIAN: []}
    before = mogfit.get_num_threads()
    mogfit.set_num_threads(1)
    try:
        with limited(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for shape, separation, points in _cases(QUICK_SHAPES if quick else SHAPES):
                for estimator, kind in product(rows, COVARIANCE_TYPES):
                    case = case_name(shape, kind, separation)
                    log(f"{fit_of(estimator)}, {case}")
                    settings = {**_settings(estimator, shape), "covariance_type": kind}
                    made = _in_turns(libraries, estimator, settings, points, seeds, budget)
                    results.add(_judged(estimator, case, made))
                    rows[estimator].append(_row(case, made))
    finally:
        mogfit.set_num_threads(before)
    results.tables += [_table(estimator, shown) for estimator, shown in rows.items()]
    return results


def _judged(estimator: str, case: str, made: dict[str, Fits]) -> Results:
    results = Results()
    for name, fits in made.items():
        seconds = median(fits.seconds)
        results.timings.append(Timing(case, fit_of(estimator), name, seconds, len(fits.seconds)))
        if not np.isfinite(fits.logliks).all():
            results.problems.append(f"{fit_of(estimator)}, {case}, {name}: log L is not finite")
    return results


def _row(case: str, made: dict[str, Fits]) -> tuple[str, ...]:
    ours, theirs = made[OURS], made[THEIRS]
    ratio = median(theirs.seconds) / median(ours.seconds)
    return (
        case,
        *(f"{1e3 * median(fits.seconds):.4g}" for fits in (ours, theirs)),
        f"{ratio:.1f}x",
        *(f"{median(fits.iterations):g}" for fits in (ours, theirs)),
        *(f"{median(fits.logliks):.4f}" for fits in (ours, theirs)),
    )


def _table(estimator: str, rows: list[tuple[str, ...]]) -> Table:
    text = (
        "Medians over the seeds, one thread, scikit-learn's default settings, clusters of "
        "`benchmarks/sklearn_interface.py`. Both start from k-means, each from its own, and end "
        "where a step gains less than `tol`; log L is the mean log-likelihood of the fitted "
        "parameters."
    )
    if estimator == BAYESIAN:
        text += f" From {LARGE:.0e} points on with max_iter={FEW_ITERATIONS}."
    header = ("", "ms", "scikit-learn", "ratio", "iterations", "theirs", "log L", "theirs")
    return Table(f"{fit_of(estimator)} beside scikit-learn's", text, header, rows)

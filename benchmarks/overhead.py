"""What a call costs before it computes anything, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal

from benchmarks.cases import make_mixture
from benchmarks.measure import Results, Task, Timing, in_turns, seconds_of
from benchmarks.numpy_reference import Mixture, plain_logpdf
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.multimin_peer import MultiMin
from benchmarks.peers.multimin_peer import with_parameters as multimin_mixture

ONE_POINT = "pdf of one point, d=3 K=2"
IMPORT = "import"
IMPORT_BEYOND = "beyond numpy's and scipy's modules"
IMPORT_WHOLE = "whole, from a fresh interpreter"
TOLERANCE = 1e-12

Log = Callable[[str], None]

_LIST_MODULES = """
import sys, mogfit
print(*(name for name in sys.modules if name.partition(".")[0] in ("numpy", "scipy")))
"""
_TIME_IMPORT = """
import importlib, sys, time
for name in sys.argv[1:]:
    importlib.import_module(name)
start = time.perf_counter()
import mogfit
print(time.perf_counter() - start)
"""


def run_overhead(rounds: int, log: Log) -> Results:
    """Time the density of one point beside SciPy's, and the import."""
    results = Results()
    log(ONE_POINT)
    _one_point(results, rounds)
    if Mogfit.version() is not None:
        log("import mogfit")
        modules = _python(_LIST_MODULES).split()
        for name, before in ((IMPORT_BEYOND, modules), (IMPORT_WHOLE, [])):
            samples = [float(_python(_TIME_IMPORT, *before)) for _ in range(rounds)]
            results.timings.append(Timing(name, IMPORT, Mogfit.name, median(samples), len(samples)))
    return results


def _one_point(results: Results, rounds: int) -> None:
    mixture = make_mixture(3, 2)
    point = np.array([0.3, -0.2, 0.1])
    expected = float(np.exp(plain_logpdf(mixture, point[None])[0]))
    functions = _densities(mixture)
    tasks = [
        Task(name, partial(seconds_of, partial(density, point)), None)
        for name, (density, _) in functions.items()
    ]
    samples = in_turns(tasks, rounds, budget=10.0)
    for name, (density, comparable) in functions.items():
        error = abs(float(density(point)) / expected - 1.0) if comparable else None
        results.timings.append(
            Timing("", ONE_POINT, name, median(samples[name]), len(samples[name]), error)
        )
        if error is not None and not error <= TOLERANCE:
            results.problems.append(f"{ONE_POINT}, {name}: off by {error:.1e}")


def _densities(mixture: Mixture) -> dict[str, tuple[Callable[[Any], Any], bool]]:
    """Return density functions of one point, and whether they are the mixture's."""
    mean, covariance = mixture.means[0], mixture.covariances[0]
    functions: dict[str, tuple[Callable[[Any], Any], bool]] = {
        "SciPy multivariate_normal.pdf (one component)": (
            lambda point: multivariate_normal.pdf(point, mean, covariance),
            False,
        ),
        "SciPy frozen multivariate_normal (one component)": (
            multivariate_normal(mean, covariance).pdf,
            False,
        ),
    }
    if Mogfit.version() is not None:
        import mogfit

        ours = mogfit.MixtureOfGaussians(
            weights=mixture.weights, mus=mixture.means, Sigmas=mixture.covariances
        )
        functions[Mogfit.name] = (ours.pdf, True)
    if MultiMin.version() is not None:
        functions[MultiMin.name] = (multimin_mixture(mixture).pdf, True)
    return functions


def _python(code: str, *args: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True
    )
    return done.stdout

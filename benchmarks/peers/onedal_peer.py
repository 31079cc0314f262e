"""Intel's oneDAL, through `daal4py.em_gmm`.

`daalinit` does not limit the threads of this algorithm, and the thread composability manager that
comes with its TBB keeps it on one thread. So each number of threads has a process of its own,
pinned to as many processors, with the manager switched off.
"""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import PassCase, Shape, pass_case
from benchmarks.measure import Task
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers.base import EM_ITERATION, Call, Fitted, Peer, flat
from benchmarks.worker import Worker

ENVIRONMENT = {"TCM_ENABLE": "0"}
MAX_ITERATIONS = 2000
EXTRA_ITERATIONS = 4
SECONDS_PER_SAMPLE = 0.05  # short cases get more extra iterations, up to this


def run_em(case: PassCase, iterations: int) -> Any:
    """Iterate from the case's mixture; a threshold of 0 makes it do exactly so many."""
    import daal4py

    mixture = case.mixture
    algorithm = daal4py.em_gmm(
        nComponents=mixture.ngauss, maxIterations=iterations, accuracyThreshold=0.0
    )
    return algorithm.compute(
        case.points, mixture.weights[None], mixture.means, list(mixture.covariances)
    )


def seconds_for(shape: Shape, iterations: int) -> float:
    """Time a whole call with so many iterations."""
    case = pass_case(shape)
    start = perf_counter()
    run_em(case, iterations)
    return perf_counter() - start


@lru_cache(maxsize=1)
def extra_iterations(shape: Shape) -> int:
    """Iterations whose cost is measured: 4, or more where they are short."""
    once = max(seconds_for(shape, 1), 1e-6)
    return max(EXTRA_ITERATIONS, min(200, round(SECONDS_PER_SAMPLE / once)))


def seconds_per_iteration(shape: Shape) -> float:
    """Difference between a long and a short call: without its copies and preparations."""
    extra = extra_iterations(shape)
    short = seconds_for(shape, 1)
    return (seconds_for(shape, 1 + extra) - short) / extra


def flat_result(result: Any) -> Array:
    """Weights, means and covariances in one array."""
    return flat(result.weights, result.means, np.stack(result.covariances))


def first_iteration(shape: Shape) -> Array:
    """Return the mixture after one iteration, flat."""
    return flat_result(run_em(pass_case(shape), 1))


def fit_here(points: Array, ngauss: int, seed: int) -> tuple[float, Array, Array, Array, int]:
    """Find its own start, then iterate to its default accuracy threshold."""
    import daal4py

    start = perf_counter()
    engine = daal4py.engines_mt19937(seed=777 + seed)
    first = daal4py.em_gmm_init(nComponents=ngauss, engine=engine).compute(points)
    algorithm = daal4py.em_gmm(nComponents=ngauss, maxIterations=MAX_ITERATIONS)
    result = algorithm.compute(points, first.weights, first.means, first.covariances)
    seconds = perf_counter() - start
    iterations = int(result.nIterations[0, 0])
    return seconds, result.weights[0], result.means, np.stack(result.covariances), iterations


class OneDal(Peer):
    """oneDAL's EM for Gaussian mixtures."""

    name = "oneDAL"
    distribution = "scikit-learn-intelex"

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._worker: Worker | None = None

    def _run(self, function: Any, *args: Any) -> Any:
        if self._worker is None:
            self._worker = Worker(self.threads, ENVIRONMENT)
        return self._worker.run(function, *args)

    def calls(self, case: PassCase) -> dict[str, Call]:
        """One EM iteration, in this process (for the peak of its memory)."""
        return {EM_ITERATION: Call(lambda: run_em(case, 1), flat_result)}

    def tasks(self, case: PassCase) -> dict[str, Task]:
        """One EM iteration, by the difference of two calls in the process of its own."""
        task = Task(
            contestant=self.label,
            measure=lambda: float(self._run(seconds_per_iteration, case.shape)),
            answer=lambda: np.asarray(self._run(first_iteration, case.shape)),
            note="difference of two calls",
        )
        return {EM_ITERATION: task}

    def fit(self, points: Array, ngauss: int, seed: int) -> Fitted:
        """Fit from its own start to its default accuracy threshold, in the process of its own."""
        seconds, weights, means, covariances, iterations = self._run(fit_here, points, ngauss, seed)
        mixture = Mixture.from_covariances(weights, means, covariances)
        return Fitted(seconds, mixture, f"{iterations} iterations")

    def close(self) -> None:
        """End the process of its own."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

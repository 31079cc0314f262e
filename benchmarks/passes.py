"""Passes over the data: log density, moments, gradient, EM iteration; and draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from statistics import median

import numpy as np

from benchmarks.cases import Shape, make_mixture, pass_case, shape_name
from benchmarks.measure import Results, Task, Timing, deviation, in_turns
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers import Peer
from benchmarks.peers.base import DRAWS, PASSES
from benchmarks.peers.numpy_peers import NumpyPlain
from benchmarks.threads import limited

TOLERANCE = 1e-8  # relative to the largest entry of the answer
STANDARD_ERRORS = 6.0  # that the mean and variances of draws may be off

Log = Callable[[str], None]


def run_passes(
    shapes: Iterable[Shape], peers: list[Peer], rounds: int, budget: float, log: Log
) -> Results:
    """Time every pass of every contestant, and hold its answer to that of plain NumPy."""
    results = Results()
    for shape in shapes:
        case = pass_case(shape)
        offered = [peer.tasks(case) for peer in peers]
        expected = NumpyPlain().tasks(case)
        for quantity in PASSES:
            log(f"{case.name}: {quantity}")
            tasks = [tasks[quantity] for tasks in offered if quantity in tasks]
            truth = expected[quantity].answer
            assert truth is not None, "plain NumPy answers everything"
            _run(
                results,
                case.name,
                quantity,
                tasks,
                rounds,
                budget,
                TOLERANCE,
                partial(deviation, expected=truth()),
            )
    return results


def run_draws(
    shapes: Iterable[Shape], peers: list[Peer], n: int, rounds: int, budget: float, log: Log
) -> Results:
    """Time n draws from each mixture, and hold their moments to the mixture's."""
    results = Results()
    for _, nvars, ngauss in shapes:
        mixture = make_mixture(nvars, ngauss)
        name = shape_name((n, nvars, ngauss))
        log(f"{name}: draws")
        calls = [(peer, peer.draws(mixture, n)) for peer in peers]
        tasks = [peer.task(call) for peer, call in calls if call is not None]
        _run(
            results,
            name,
            DRAWS,
            tasks,
            rounds,
            budget,
            STANDARD_ERRORS,
            partial(draws_deviation, mixture=mixture),
        )
    return results


def draws_deviation(flat_points: Array, mixture: Mixture) -> float:
    """Largest distance of the draws' means and variances from the mixture's, in standard errors."""
    points = flat_points.reshape(-1, mixture.nvars)
    mean = mixture.weights @ mixture.means
    inner = np.diagonal(mixture.covariances, axis1=1, axis2=2)
    variance = mixture.weights @ (inner + (mixture.means - mean) ** 2)
    largest = 0.0
    for j in range(mixture.nvars):
        centred = points[:, j] - mean[j]
        for values, target in ((centred, 0.0), (centred**2, variance[j])):
            error = values.std() / np.sqrt(len(values))
            largest = max(largest, abs(values.mean() - target) / error)
    return largest


def _run(
    results: Results,
    case: str,
    quantity: str,
    tasks: list[Task],
    rounds: int,
    budget: float,
    tolerance: float,
    off_by: Callable[[Array], float],
) -> None:
    """Check and time tasks of one quantity on one thread of BLAS, and record both."""
    with limited(1):
        errors = {task.contestant: off_by(task.answer()) for task in tasks if task.answer}
        samples = in_turns(tasks, rounds, budget)
    for task in tasks:
        seconds = samples[task.contestant]
        error = errors.get(task.contestant)
        results.timings.append(
            Timing(case, quantity, task.contestant, median(seconds), len(seconds), error, task.note)
        )
        if error is not None and not error <= tolerance:
            results.problems.append(
                f"{case}, {quantity}, {task.contestant}: off by {error:.1e}, allowed {tolerance}"
            )

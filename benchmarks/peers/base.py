"""What a contestant can be asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from typing import Any

import numpy as np

from benchmarks.cases import PassCase
from benchmarks.measure import Task, seconds_of
from benchmarks.numpy_reference import Array, Mixture

LOG_DENSITY = "log density"
MOMENTS = "log-likelihood + moments"
GRADIENT = "log-likelihood + gradient"
EM_ITERATION = "EM iteration"
DRAWS = "draws"
PASSES = (LOG_DENSITY, MOMENTS, GRADIENT, EM_ITERATION)


@dataclass(frozen=True)
class Call:
    """A callable that does one piece of work, and how its result becomes a flat array.

    Attributes
    ----------
    run : callable
        Does the work, with everything that can be set up beforehand set up.
    flatten : callable or None
        Turns the result into one array; None where the figure is computed, not run.
    times : float
        The figure is the time of ``run`` times this.
    note : str
        What a reader must know about the figure.
    """

    run: Callable[[], Any]
    flatten: Callable[[Any], Array] | None = np.ravel
    times: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Fitted:
    """A fitted mixture in the units of the data, and the wall time it took."""

    seconds: float
    mixture: Mixture
    note: str = ""


class Peer:
    """One library at one number of threads. Subclasses offer what their library can do.

    Parameters
    ----------
    threads : int
        Threads it may use.
    """

    name = ""
    distribution = ""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    @property
    def label(self) -> str:
        """Name and number of threads, as the tables show it."""
        return self.name if self.threads == 1 else f"{self.name}, {self.threads} threads"

    @classmethod
    def version(cls) -> str | None:
        """Version of the installed package; None when it is not installed."""
        try:
            return package_version(cls.distribution)
        except PackageNotFoundError:
            return None

    def calls(self, case: PassCase) -> dict[str, Call]:
        """Return what it can compute on the case, by quantity."""
        return {}

    def draws(self, mixture: Mixture, n: int) -> Call | None:
        """Draw n points from the mixture; None when it cannot."""
        return None

    def fit(self, points: Array, ngauss: int, seed: int) -> Fitted | None:
        """Fit a mixture; None when it cannot."""
        return None

    def tasks(self, case: PassCase) -> dict[str, Task]:
        """Turn `calls` into tasks that time themselves in this process."""
        return {quantity: self.task(call) for quantity, call in self.calls(case).items()}

    def task(self, call: Call) -> Task:
        """Wrap a call so that it times itself."""
        flatten = call.flatten
        return Task(
            contestant=self.label,
            measure=lambda: call.times * seconds_of(call.run),
            answer=None if flatten is None else lambda: flatten(call.run()),
            note=call.note,
        )

    def close(self) -> None:
        """Release what it holds."""


def flat(*arrays: Any) -> Array:
    """Concatenate arrays into one."""
    return np.concatenate([np.ravel(np.asarray(array, dtype=np.float64)) for array in arrays])


def flat_mixture(mixture: Mixture) -> Array:
    """Weights, means and covariances in one array."""
    return flat(mixture.weights, mixture.means, mixture.covariances)

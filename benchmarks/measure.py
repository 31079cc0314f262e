"""What is measured: tasks, their timing in turns, and the records of what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from benchmarks.numpy_reference import Array

SHORTEST = 0.02  # seconds; a shorter call is repeated and divided


@dataclass(frozen=True)
class Task:
    """One piece of work by one contestant.

    Attributes
    ----------
    contestant : str
        Label of the contestant.
    measure : callable
        Does the work and returns the seconds it took.
    answer : callable or None
        Returns the result as a flat array, outside any timing; None where only the time is of
        interest.
    note : str
        What a reader must know about the figure.
    """

    contestant: str
    measure: Callable[[], float]
    answer: Callable[[], Array] | None
    note: str = ""


@dataclass(frozen=True)
class Timing:
    """Seconds of one task on one case: the median of its samples, and how far its answer is off."""

    case: str
    quantity: str
    contestant: str
    seconds: float
    samples: int
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Memory:
    """Peak memory of one contestant beyond its data, in MB (1e6 bytes)."""

    case: str
    quantity: str
    contestant: str
    megabytes: float


@dataclass(frozen=True)
class Fit:
    """Fits of one case by one contestant, one per seed."""

    case: str
    contestant: str
    seconds: tuple[float, ...]
    neg_logliks: tuple[float, ...]
    note: str = ""

    @property
    def typical_seconds(self) -> float:
        """Median wall time of a fit."""
        return median(self.seconds)


@dataclass(frozen=True)
class Table:
    """What belongs into the report as it is: a title, some words, a header and rows."""

    title: str
    text: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass
class Results:
    """Everything one run measured."""

    timings: list[Timing] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Results) -> Results:
        """Take in what another part of the run measured."""
        self.timings += other.timings
        self.memory += other.memory
        self.fits += other.fits
        self.tables += other.tables
        self.problems += other.problems
        return self

    def seconds(self, case: str, quantity: str, contestant: str) -> float | None:
        """Look up a timing; None when it was not measured."""
        for timing in self.timings:
            if (timing.case, timing.quantity, timing.contestant) == (case, quantity, contestant):
                return timing.seconds
        return None

    def fit(self, case: str, contestant: str) -> Fit | None:
        """Look up the fits of a case; None when there are none."""
        for fit in self.fits:
            if (fit.case, fit.contestant) == (case, contestant):
                return fit
        return None

    def peak(self, case: str, contestant: str) -> float | None:
        """Look up a peak in MB; None when it was not measured."""
        for record in self.memory:
            if (record.case, record.contestant) == (case, contestant):
                return record.megabytes
        return None


def seconds_of(function: Callable[[], object], shortest: float = SHORTEST) -> float:
    """Time one call; a call shorter than ``shortest`` is repeated until it adds up to it."""
    calls, spent = 0, 0.0
    while spent < shortest:
        start = time.perf_counter()
        function()
        spent += time.perf_counter() - start
        calls += 1
    return spent / calls


def in_turns(tasks: Sequence[Task], rounds: int, budget: float) -> dict[str, list[float]]:
    """Sample each task once a round, so that a busy moment of the machine hits all alike.

    A task that has used ``budget`` seconds gets no further rounds.
    """
    samples: dict[str, list[float]] = {task.contestant: [] for task in tasks}
    spent = dict.fromkeys(samples, 0.0)
    for _ in range(rounds):
        for task in tasks:
            if spent[task.contestant] < budget:
                start = time.perf_counter()
                samples[task.contestant].append(task.measure())
                spent[task.contestant] += time.perf_counter() - start
    return samples


def deviation(answer: Array, expected: Array) -> float:
    """Largest difference over the largest expected entry."""
    if answer.shape != expected.shape:
        return float("inf")
    return float(np.abs(answer - expected).max() / np.abs(expected).max())

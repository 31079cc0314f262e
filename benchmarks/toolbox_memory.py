"""Peak memory of noisy and incomplete passes and of predictions, beyond input and output.

Run as a program, it is the fresh process of one contestant: it loads the data, warms up on a few
rows, and prints how far one piece of work, its preparations included, raises the peak of the
resident memory, less what it gave back.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import make_mixture, pass_mixture
from benchmarks.measure import Memory, Results
from benchmarks.memory import WARM_UP, peak_bytes, reset_peak
from benchmarks.observations_reference import Observations
from benchmarks.peers.base import EM_ITERATION
from benchmarks.peers.toolbox_peers import Exact, OursAnew, toolbox_contestants
from benchmarks.threads import limited
from benchmarks.toolbox import (
    NOISY_EM,
    PREDICTION,
    one_thread,
    prediction_calls,
    prediction_cases,
    toolbox_cases,
)

BEYOND = "memory beyond input and output"

Log = Callable[[str], None]


def run_toolbox_memory(log: Log, *, quick: bool) -> Results:
    """Measure every contestant of each case in a process of its own; a quick run, the first."""
    results = Results()
    most = 1 if quick else None
    for case in islice(toolbox_cases(quick=quick), most):
        labels = [
            peer.label
            for peer in toolbox_contestants()
            if not isinstance(peer, (Exact, OursAnew)) and peer.takes(case.data)
        ]
        _measure(results, case.name, NOISY_EM, labels, case.data, log)
    for name, rows in islice(prediction_cases(quick=quick), most):
        labels = list(prediction_calls(make_mixture(3, 20), rows[:1]))
        _measure(results, name, PREDICTION, labels, Observations(rows), log)
    return results


def _measure(
    results: Results, case: str, quantity: str, labels: list[str], data: Observations, log: Log
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        parts = {field.name: getattr(data, field.name) for field in fields(data)}
        np.savez(path, **{name: part for name, part in parts.items() if part is not None})
        for label in labels:
            log(f"{case}: memory, {label}")
            command = [sys.executable, "-m", "benchmarks.toolbox_memory", quantity, label, path]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"measuring the memory of {label} failed:\n{done.stderr}")
            megabytes = float(done.stdout.split()[-1])
            results.memory.append(Memory(f"{quantity}, {case}", BEYOND, label, megabytes))


def work(quantity: str, label: str, data: Observations) -> Any:
    """Do one piece of work, from the arrays of the data to the answer."""
    nvars = data.values.shape[1]
    if quantity == PREDICTION:
        return prediction_calls(make_mixture(nvars, 20), data.values)[label]()
    peer = next(peer for peer in toolbox_contestants() if peer.label == label)
    return peer.passes(pass_mixture(nvars, 10), data)[EM_ITERATION].run()


def given_back(result: Any) -> int:
    """Bytes of the arrays of a result: an array, a tuple or a record of them."""
    if is_dataclass(result):
        parts: tuple[Any, ...] = tuple(getattr(result, field.name) for field in fields(result))
    else:
        parts = result if isinstance(result, tuple) else (result,)
    return sum(part.nbytes for part in parts if isinstance(part, np.ndarray))


def main() -> None:
    """Print the rise of the peak in MB (1e6 bytes) for what the command line says."""
    quantity, label, path = sys.argv[1:]
    with np.load(path) as stored:
        data = Observations(**stored)
    few = {field.name: getattr(data, field.name) for field in fields(data)}
    few = {name: None if part is None else part[:WARM_UP].copy() for name, part in few.items()}
    with limited(1), one_thread():
        work(quantity, label, Observations(**few))
        reset_peak()
        before = peak_bytes()
        result = work(quantity, label, data)
        rise = peak_bytes() - before
    print((rise - given_back(result)) / 1e6)


if __name__ == "__main__":
    main()

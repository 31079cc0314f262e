"""Interrupts, forks, threads, errors in the middle: the object is as before, the next fit works."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import pytest

import mogfit
from mogfit import FitMoG
from mogfit.inference.likelihood import Likelihood
from tests.fitting import POINTS, START, TRUTH, draw_points, fit, state

# A fit that would run for long, in a child that a SIGINT stops: what the child prints is checked.
# scipy is imported beforehand: where the signal meets it being imported, CPython can take the
# interrupt for an unhandled one, caught or not, and end the child by SIGINT.
INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import scipy.optimize
import mogfit
method, delay = sys.argv[1], float(sys.argv[2])
data = np.random.default_rng(0).normal(size=(200_000, 6))
F = mogfit.FitMoG(data, 20)
if method == "bounded":
    F.set_bounds(boundw=(0.001, 0.9))
before = (F.mog.params.tobytes(), F.report, id(F.mog), F.bounds)
sent = []
def interrupt():
    time.sleep(delay)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=interrupt)
thread.start()
try:
    F.fit_data(
        random_state=1, method=None if method in ("default", "bounded") else method, tol=1e-14
    )
    print("finished")
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - sent[0])
thread.join()
print((F.mog.params.tobytes(), F.report, id(F.mog), F.bounds) == before)
small = mogfit.FitMoG(data[:2000, :2], 2)
small.fit_data(random_state=0)
print(small.report.converged, threading.active_count())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to oneself")
@pytest.mark.parametrize(
    ("method", "delay"),
    [("default", 0.05), ("default", 0.7), ("EM", 0.7), ("BFGS", 0.7), ("bounded", 0.7)],
)
def test_an_interrupt_ends_a_long_fit_at_once_and_changes_nothing(run_python, method, delay):
    lines = run_python(INTERRUPTED, method, delay, OMP_NUM_THREADS="2").stdout.splitlines()
    word, seconds = lines[0].split()
    assert word == "interrupted"
    assert float(seconds) < 0.5
    assert lines[1] == "True", "the object is as before"
    assert lines[2] == "True 1", "the next fit works, and no thread is left"


def test_an_interrupt_ends_a_long_evaluation(run_python):
    code = """
import os, signal, threading, time
import numpy as np, mogfit
rng = np.random.default_rng(0)
mog = mogfit.MixtureOfGaussians(mus=rng.normal(size=(300, 10)))
X = rng.normal(size=(400_000, 10))
sent = []
def interrupt():
    time.sleep(0.3); sent.append(time.perf_counter()); os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    while True:
        mog.logpdf(X)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
"""
    assert float(run_python(code).stdout) < 0.5


@pytest.mark.parametrize("where", ["descend", "em_run", "loglik", "points_held"])
def test_an_error_in_the_middle_changes_nothing(where, monkeypatch):
    F = fit(random_state=2)
    before = state(F)

    def fail(*_, **__):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Likelihood, where, fail)
        try:
            F.fit_data(draw_points(500, seed=9), n_starts=3 if where != "points_held" else None)
        except MemoryError:
            assert state(F) == before
        else:
            assert where == "loglik", "only the methods of others ask for it"
    F.fit_data(POINTS, n_starts=2, random_state=1)
    assert F.report.converged


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("threads", [1, 4])
def test_a_forked_child_fits_with_the_same_bits_in_normal_time(run_python, threads):
    code = """
import os, sys, time
import numpy as np, mogfit
mogfit.set_num_threads(int(sys.argv[1]))
data = np.random.default_rng(0).normal(size=(60_000, 3)) ** 3
def run():
    F = mogfit.FitMoG(data, 3)
    F.fit_data(random_state=1, tol=1e-4)
    return F.mog.params.tobytes()
begun = time.perf_counter(); here = run(); alone = time.perf_counter() - begun
begun = time.perf_counter()
child = os.fork()
if child == 0:
    os._exit(0 if run() == here else 1)
status = os.waitpid(child, 0)[1]
print(os.waitstatus_to_exitcode(status), (time.perf_counter() - begun) < 5 + 10 * alone)
print(run() == here)
"""
    assert run_python(code, threads, timeout=60).stdout.split() == ["0", "True", "True"]


def test_many_threads_evaluate_one_mixture():
    expected = TRUTH.logpdf(POINTS).tobytes()
    seen = in_threads(lambda _: [TRUTH.logpdf(POINTS).tobytes() for _ in range(20)], 8)
    assert all(value == expected for values in seen for value in values)


def test_many_threads_fit_at_once():
    def one(i):
        return fit(start=None if i % 2 else START, random_state=i).mog.params.tobytes()

    assert in_threads(one, 8) == [one(i) for i in range(8)]


def test_the_interpreter_is_free_while_the_core_works():
    """Another thread makes progress during one long call: the lock is released."""
    data = np.random.default_rng(0).normal(size=(400_000, 8))
    mog = mogfit.MixtureOfGaussians(mus=data[:100])
    ticks = []
    done = threading.Event()

    def count():
        while not done.wait(0.002):
            ticks.append(1)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        mog.logpdf(data, threads=1)
        during = len(ticks)
    finally:
        done.set()
        thread.join()
    assert during >= 5


def test_a_fit_refused_half_way_can_be_mended():
    F = FitMoG(POINTS, 3)
    with pytest.raises(mogfit.InputError):
        F.fit_data(sample_weight=[1.0])
    F.fit_data(random_state=1)
    np.testing.assert_array_equal(F.mog.params, fit().mog.params)


def in_threads(work, count):
    results = [None] * count
    errors = []

    def run(i):
        try:
            results[i] = work(i)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    return results

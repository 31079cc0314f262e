"""Threads: the same bits for any number, settings that are wrong, forks, the GIL."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mogfit
from mogfit import _core
from mogfit.errors import InputError
from tests.core import CHUNK_EDGES, EDGES, prepare
from tests.strategies import make_mixture, make_points

ALLOWED_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
needs_openmp = pytest.mark.skipif(not _core.build_info["openmp"], reason="built without OpenMP")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def default_threads():
    """Go back to the default number of threads afterwards."""
    yield
    _core.set_num_threads(0)


def evaluate(prepared, points, weight, threads):
    moments = _core.data_pass(prepared, points, weight, threads=threads)
    loglik, after = _core.em_step(prepared, points, weight, threads=threads)
    coordinates = _core.WhitenedCoordinates(prepared)
    theta = np.zeros(coordinates.size)
    value, gradient, _ = coordinates.objective(theta, points, weight, 0.0, None, threads=threads)
    drawn, labels = _core.sample(prepared, len(points), 5, threads=threads)
    return {
        "logpdf": _core.logpdf(prepared, points, threads=threads),
        "pdf": _core.pdf(prepared, points, threads=threads),
        "component_logpdf": _core.component_logpdf(prepared, points, threads=threads),
        "responsibilities": _core.responsibilities(prepared, points, threads=threads),
        "log_likelihood": _core.log_likelihood(prepared, points, weight, threads=threads),
        "loglik": moments.loglik,
        "s0": moments.s0,
        "s1": moments.s1,
        "s2": moments.s2,
        "em loglik": loglik,
        "em factors": after.factors,
        "objective": value,
        "gradient": gradient,
        "points": drawn,
        "labels": labels,
        "nonfinite": _core.count_nonfinite(points, threads=threads),
    }


def assert_same_bits(seen, expected):
    for name, value in expected.items():
        assert np.asarray(seen[name]).tobytes() == np.asarray(value).tobytes(), name


# The same bits


@pytest.mark.parametrize(
    ("nvars", "ngauss", "count"),
    [
        *((2, 3, count) for count in (*EDGES[10:], *CHUNK_EDGES)),
        *((1, 3, 200_001), (3, 20, 100_003), (8, 4, 60_000), (16, 5, 30_011), (20, 3, 20_000)),
        *((40, 3, 8_000), (64, 2, 5_000)),
    ],
)
def test_any_number_of_threads_gives_the_same_bits(nvars, ngauss, count):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, count)
    weight = np.random.default_rng(count).exponential(size=count)
    prepared = prepare(mixture)
    expected = evaluate(prepared, points, weight, 1)
    for threads in (2, 3, 7):
        assert_same_bits(evaluate(prepared, points, weight, threads), expected)


def test_the_same_bits_from_call_to_call(default_threads):
    mixture = make_mixture(3, 5)
    points = make_points(mixture, 150_000)
    prepared = prepare(mixture)
    expected = evaluate(prepared, points, None, 0)
    for threads in (64, 2, 2, 2, 1):
        _core.set_num_threads(threads)
        assert_same_bits(evaluate(prepared, points, None, 0), expected)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_more_threads_than_points(count):
    mixture = make_mixture(2, 2)
    points = make_points(mixture, count)
    expected = _core.logpdf(prepare(mixture), points, threads=1)
    for threads in (2, 64, 10**6, 2**31 - 1):
        seen = _core.logpdf(prepare(mixture), points, threads=threads)
        np.testing.assert_array_equal(seen, expected)


# The setting


def test_threads_can_be_set_and_given_back(default_threads):
    default = mogfit.get_num_threads()
    assert 1 <= default <= ALLOWED_CORES
    mogfit.set_num_threads(3)
    assert mogfit.get_num_threads() == (3 if _core.build_info["openmp"] else 1)
    mogfit.set_num_threads(np.int64(1))
    assert mogfit.get_num_threads() == 1
    mogfit.set_num_threads(None)
    assert mogfit.get_num_threads() == default


@pytest.mark.parametrize("bad", [0, -1, 2.5, "3", "abc", True, np.nan, 10**30])
def test_numbers_of_threads_that_are_none_are_refused(bad, default_threads):
    before = mogfit.get_num_threads()
    with pytest.raises(InputError, match=r"^n: "):
        mogfit.set_num_threads(bad)
    assert mogfit.get_num_threads() == before


@pytest.mark.parametrize("name", ["logpdf", "pdf", "component_logpdf", "responsibilities",
                                  "data_pass", "log_likelihood", "em_step"])  # fmt: skip
@pytest.mark.parametrize("bad", [-1, "2", 1.5])
def test_threads_of_one_call_are_checked(name, bad):
    mixture = make_mixture(2, 2)
    with pytest.raises((InputError, TypeError), match="threads"):
        getattr(_core, name)(prepare(mixture), make_points(mixture, 30), threads=bad)


REPORT = """
import os, sys, warnings
if len(sys.argv) > 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import mogfit
    threads = mogfit.get_num_threads()
import numpy as np
from mogfit import _core
mixture = _core.PreparedMixture([0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[2.0]]])
points = np.linspace(-3, 3, 1_000_000)[:, None]
value = _core.log_likelihood(mixture, points)
running = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
print(threads, running, value.hex(), "|".join(str(w.message) for w in caught))
"""


def report(run_python, *arguments, **environment):
    # NumPy's BLAS has threads of its own.
    result = run_python(REPORT, *arguments, OPENBLAS_NUM_THREADS=1, **environment)
    threads, running, value, warned = result.stdout.rstrip("\n").split(" ", 3)
    return int(threads), int(running), value, warned


def test_threads_are_the_allowed_cores_by_default(run_python):
    threads, running, _, warned = report(run_python, OMP_NUM_THREADS=None)
    assert threads == (ALLOWED_CORES if _core.build_info["openmp"] else 1)
    if running:
        assert running == threads
    assert warned == ""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
@pytest.mark.parametrize("asked", [None, 4])
def test_cpu_affinity_is_honoured(run_python, asked):
    threads, running, _, warned = report(run_python, "one core", OMP_NUM_THREADS=asked)
    assert threads == 1
    assert running <= 1
    assert warned == ""


@needs_openmp
@pytest.mark.parametrize(("asked", "expected"), [("1", 1), ("2", 2), (" 2 ", 2), ("2,1", 2)])
def test_omp_num_threads_is_honoured(run_python, asked, expected):
    threads, running, _, warned = report(run_python, OMP_NUM_THREADS=asked)
    assert threads == min(expected, ALLOWED_CORES)
    assert running <= threads
    assert warned == ""


@pytest.mark.parametrize("bad", ["0", "abc", "-3", "2.5", "", ",", "1e3", "9" * 40])
def test_a_bad_omp_num_threads_is_warned_of_and_has_no_effect(run_python, bad):
    threads, running, value, warned = report(run_python, OMP_NUM_THREADS=bad)
    assert 1 <= threads <= ALLOWED_CORES
    assert running <= ALLOWED_CORES
    assert "OMP_NUM_THREADS" in warned
    assert repr(bad) in warned
    assert f"{threads} thread" in warned
    assert value == report(run_python, OMP_NUM_THREADS="1")[2]


@pytest.mark.parametrize("huge", ["1000", "100000", "2147483647"])
def test_more_threads_than_cores_are_not_taken_from_the_environment(run_python, huge):
    threads, running, value, _ = report(run_python, OMP_NUM_THREADS=huge)
    assert 1 <= threads <= ALLOWED_CORES
    assert running <= ALLOWED_CORES
    assert value == report(run_python, OMP_NUM_THREADS="1")[2]


# Forks

FORK = """
import os, sys, time
import numpy as np
from mogfit import _core
rng = np.random.default_rng(0)
mixture = _core.PreparedMixture([0.3, 0.7], rng.standard_normal((2, 3)), [np.eye(3)] * 2)
points = rng.standard_normal((300_000, 3))
expected = _core.data_pass(mixture, points, threads=2)
children = []
for threads in (0, 1, 2, 7):
    child = os.fork()
    if not child:
        _core.set_num_threads(2)
        seen = _core.data_pass(mixture, points, threads=threads)
        same = seen.loglik == expected.loglik and (seen.s2 == expected.s2).all()
        _core.sample(mixture, 100_000, 1, threads=threads)
        grandchild = os.fork()
        if not grandchild:
            os._exit(0 if _core.log_likelihood(mixture, points, threads=2) < 0 else 1)
        same = same and os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if same else 1)
    children.append(child)
    again = _core.data_pass(mixture, points, threads=2)  # the parent goes on meanwhile
    assert again.loglik == expected.loglik
end = time.monotonic() + 20
while children and time.monotonic() < end:
    done, status = os.waitpid(-1, os.WNOHANG)
    if done:
        assert status == 0, status
        children.remove(done)
    else:
        time.sleep(0.01)
for child in children:
    os.kill(child, 9)
assert not children, f"{len(children)} children hang"
"""


@needs_fork
def test_a_forked_child_works(run_python):
    run_python(FORK)


POOL = """
import multiprocessing as mp
import numpy as np
from mogfit import _core

rng = np.random.default_rng(0)
points = rng.standard_normal((100_000, 2))

def loglik(shift):
    mixture = _core.PreparedMixture([1.0], [[shift, 0.0]], [np.eye(2)])
    return _core.log_likelihood(mixture, points, threads=2)

if __name__ == "__main__":
    expected = [loglik(s) for s in range(6)]
    with mp.get_context("fork").Pool(2) as pool:
        assert pool.map_async(loglik, range(6)).get(timeout=20) == expected
"""


@needs_fork
def test_a_pool_of_forked_processes_works(run_python, tmp_path):
    run_python(POOL)


# Python threads


def test_many_python_threads_share_one_mixture():
    mixture = make_mixture(3, 8)
    prepared = prepare(mixture)
    points = make_points(mixture, 40_000)
    weight = np.linspace(0, 1, len(points))
    expected = evaluate(prepared, points, weight, 1)
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait(timeout=30)
        return [evaluate(prepared, points, weight, number % 3) for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(work, range(8)):
            for seen in results:
                assert_same_bits(seen, expected)


def long_call(name):
    """A call that takes some 0.3 seconds on one thread, as no small part of it would show."""
    mixture = make_mixture(16, 20)
    prepared = prepare(mixture)
    # One row, repeated without memory.
    points = np.broadcast_to(mixture.means[0], (10_000, 16))

    def call(points):
        if name == "sample":
            return _core.sample(prepared, len(points), 1, threads=1)
        if name == "em_step":
            return _core.em_step(prepared, points, None, 0.1, np.eye(16), threads=1)
        return getattr(_core, name)(prepared, points, threads=1)

    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        call(points)
        seconds.append(time.perf_counter() - begun)
    many = np.broadcast_to(points[0], (int(10_000 * 0.3 / min(seconds)), 16))
    return lambda: call(many)


@pytest.mark.parametrize("name", ["logpdf", "responsibilities", "data_pass", "em_step", "sample"])
def test_other_python_threads_run_during_a_long_call(name):
    call = long_call(name)
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.002):
            ticks.append(time.perf_counter())

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        begun = time.perf_counter()
        call()
        ended = time.perf_counter()
    finally:
        stop.set()
        ticker.join()
    assert ended - begun > 0.05
    during = [begun, *(t for t in ticks if begun < t < ended), ended]
    # With the GIL held there would be one gap, as long as the call.
    assert np.diff(during).max() < 0.5 * (ended - begun)

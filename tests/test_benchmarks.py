"""The machinery of the benchmarks: that it notices wrong answers and reports what it measured."""

from __future__ import annotations

import os
from itertools import count

import numpy as np
import pytest

from benchmarks import (
    cases,
    cli,
    memory,
    passes,
    report,
    selection,
    sklearn_interface,
    toolbox,
    toolbox_memory,
)
from benchmarks import observations_reference as reference
from benchmarks.measure import Fit, Memory, Results, Task, Timing, deviation, in_turns, seconds_of
from benchmarks.numpy_reference import Mixture, blocked_logpdf, blocked_moments, blocked_sample
from benchmarks.observations_reference import Observations
from benchmarks.peers.base import EM_ITERATION, LOG_DENSITY, Call, Peer
from benchmarks.peers.numpy_peers import NumpyBlocked
from benchmarks.targets import D3, Target, targets
from benchmarks.worker import Worker, WorkerError

SMALL = (500, 2, 3)


class Wrong(NumpyBlocked):
    """Off by a millionth."""

    name = "wrong"

    def calls(self, case: cases.PassCase) -> dict[str, Call]:
        mixture, points = case.mixture, case.points
        return {LOG_DENSITY: Call(lambda: blocked_logpdf(mixture, points) * (1 + 1e-6))}

    def draws(self, mixture, n) -> Call:
        rng = np.random.default_rng(0)
        return Call(lambda: 1.1 * blocked_sample(mixture, n, rng)[0])


RIGHT_AND_WRONG: list[Peer] = [NumpyBlocked(), Wrong()]
VALUES = (("right", 1.0), ("wrong", 1.0 + 1e-7))


def silent(message: str) -> None:
    pass


def test_a_wrong_density_is_a_problem_and_a_right_one_is_not():
    results = passes.run_passes([SMALL], RIGHT_AND_WRONG, 1, 1.0, silent)
    assert len(results.problems) == 1
    assert "log density, wrong: off by 1.0e-06" in results.problems[0]
    assert results.seconds(cases.shape_name(SMALL), EM_ITERATION, "NumPy blocked") > 0


def test_draws_from_a_wider_mixture_are_a_problem():
    results = passes.run_draws([SMALL], RIGHT_AND_WRONG, 100_000, 1, 1.0, silent)
    assert [problem.split(",")[2].split(":")[0] for problem in results.problems] == [" wrong"]


def test_rounds_go_in_turns_until_the_budget_is_spent():
    order: list[str] = []

    def task(name: str) -> Task:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return Task(name, measure, None)

    samples = in_turns([task("a"), task("b")], rounds=3, budget=10.0)
    assert order == ["a", "b"] * 3
    assert samples == {"a": [1.0, 3.0, 5.0], "b": [2.0, 4.0, 6.0]}
    order.clear()
    assert in_turns([task("a")], rounds=3, budget=1e-12) == {"a": [1.0]}


def test_short_calls_are_repeated():
    calls = count()
    assert 0.0 < seconds_of(lambda: next(calls), shortest=0.001) < 0.001
    assert next(calls) > 10


def test_deviation_is_relative_to_the_largest_entry_and_shapes_must_agree():
    expected = np.array([1.0, -4.0])
    assert deviation(np.array([1.0, -3.0]), expected) == 0.25
    assert deviation(np.array([1.0]), expected) == np.inf
    assert not deviation(np.array([1.0, np.nan]), expected) <= passes.TOLERANCE


@pytest.mark.parametrize(
    ("value", "more", "verdict"),
    [
        (9.0, True, "aim reached"),
        (6.0, True, "reached"),
        (4.0, True, "**not reached**"),
        (None, True, "not measured"),
        (9.0, False, "**not reached**"),
    ],
)
def test_verdicts(value: float | None, more: bool, verdict: str):
    assert Target("speed", value, 5.0, 8.0, more).verdict() == verdict


def test_targets_take_the_ratio_of_the_peer_to_mogfit():
    results = Results(
        timings=[
            Timing(D3, LOG_DENSITY, "mogfit", 2.0, 1),
            Timing(D3, LOG_DENSITY, "NumPy blocked", 12.0, 1),
        ],
        fits=[Fit("asteroids K=5", "mogfit", (1.0, 2.0, 3.0), (2.8, 2.81, 2.82))],
    )
    found = {target.what: target for target in targets(results, threads=2)}
    assert found[f"log density vs NumPy blocked, {D3}"].value == 6.0
    assert found["asteroids K=5, -log L / N, median of 3 seeds"].value == 2.81
    assert found["asteroids K=5, -log L / N, worst of 3 seeds"].verdict() == "**not reached**"
    assert sum(target.value is not None for target in found.values()) == 3


def test_the_report_shows_every_figure():
    results = Results(
        timings=[
            Timing("N=1e6 d=3 K=20", LOG_DENSITY, "mogfit", 0.024, 3),
            Timing("N=1e6 d=3 K=20", LOG_DENSITY, "NumPy blocked", 0.12, 3, note="a note"),
        ]
    )
    text = report.markdown(results, {"oneDAL": "not installed"}, 1, dgemm=50.0, quick=False)
    assert "| 1.20 " in text
    assert "| 6.00 (5.00x) " in text
    assert "- NumPy blocked: a note." in text
    assert "not installed" in text
    assert "not measured" in text


def test_cases_are_the_same_every_time_and_overlap():
    first = cases.pass_case(SMALL)
    cases.pass_case.cache_clear()
    again = cases.pass_case(SMALL)
    np.testing.assert_array_equal(first.points, again.points)
    moments = blocked_moments(first.mixture, first.points)
    assert (moments.s0 > 20.0).all()
    assert cases.shape_name((200_000, 6, 10)) == "N=2e5 d=6 K=10"


def test_tutorial_samples_and_asteroids_are_there():
    found = {case.name: case for case in cases.fit_cases(quick=True)}
    assert found["tutorial 3-D"].points.shape == (5_000, 3)
    assert found["tutorial 1-D"].points.shape == (10_000, 1)
    assert cases.asteroids().shape == (40_761, 3)
    assert all(case.points.flags.c_contiguous for case in found.values())


def test_memory_is_that_of_the_work_in_a_fresh_process():
    shape = (200_000, 2, 5)
    results = memory.run_memory([shape], [NumpyBlocked()], silent)
    plain = memory.run_memory(
        [shape], [p for p in cli.pass_contestants(1) if "plain" in p.name], silent
    )
    blocked_peak, plain_peak = results.memory[0].megabytes, plain.memory[0].megabytes
    assert blocked_peak < 4.0
    assert 8.0 * 200_000 * 5 / 1e6 < plain_peak < 60.0


def test_conditional_means_are_those_of_the_posterior():
    mixture = cases.make_mixture(3, 4)
    for _, rows in toolbox.prediction_cases(quick=True):
        few = rows[:300]
        means, _ = reference.posterior(mixture, Observations(few))
        np.testing.assert_allclose(toolbox.filled(mixture, few), means, rtol=0, atol=1e-12)
        row = few[0]
        conditional = toolbox.conditional(mixture, row)
        expected = conditional.weights @ conditional.means
        np.testing.assert_allclose(means[0][np.isnan(row)], expected, rtol=0, atol=1e-12)


def test_noise_is_as_large_as_it_says():
    for correlated in (False, True):
        data = toolbox.noisy_sample(20_000, 3, correlated=correlated)
        noise = data.values - cases.draw(cases.make_mixture(3, 3), 20_000)
        if data.covariances is None:
            assert data.deviations is not None
            whitened = noise / data.deviations
        else:
            roots = np.linalg.cholesky(data.covariances)
            whitened = np.linalg.solve(roots, noise[:, :, None])[:, :, 0]
        # Standard errors are 0.007 for the mean and 0.010 for a covariance.
        np.testing.assert_allclose(whitened.mean(axis=0), 0.0, atol=0.035)
        np.testing.assert_allclose(np.cov(whitened.T), np.eye(3), atol=0.05)


def test_the_toolbox_notices_a_wrong_answer_and_shows_every_figure():
    results = Results()
    case = f"{cases.shape_name((100_000, 3, 10))}, deviations"
    calls = {name: Call(lambda value=value: np.array([value])) for name, value in VALUES}
    toolbox._race(results, case, toolbox.NOISY_EM, calls, np.ones(1), 1, 1.0)
    assert [problem.partition(": ")[0].split(", ")[-1] for problem in results.problems] == ["wrong"]
    results = Results(
        timings=[
            Timing(case, toolbox.NOISY_EM, "mogfit", 0.010, 1),
            Timing(case, toolbox.NOISY_EM, "mogfit, exact complete data", 0.002, 1),
            Timing(case, toolbox.NOISY_EM, "astroML XDGMM", 1.0, 1, note="a note"),
        ],
        memory=[Memory(f"{toolbox.NOISY_EM}, {case}", toolbox_memory.BEYOND, "mogfit", 5.0)],
    )
    verdicts = {target.what: target.verdict() for target in targets(results, threads=1)}
    assert verdicts[f"{toolbox.NOISY_EM} vs astroML XDGMM's EM iteration, {case}"] == "reached"
    over = f"{toolbox.NOISY_EM}, over exact complete data, {case}"
    assert verdicts[over] == "reached"
    peaks = [verdict for what, verdict in verdicts.items() if toolbox_memory.BEYOND in what]
    assert peaks[0] == "**not reached**"
    assert set(peaks[1:]) == {"not measured"}
    text = report.markdown(results, {}, 1, dgemm=50.0, quick=False, partial=True)
    for shown in ("10.0 (1.00x)", "1,000 (100x)", "- astroML XDGMM: a note.", "| 5.00 "):
        assert shown in text
    assert "Peak memory beyond the data" not in text


def test_a_choice_is_that_of_the_lowest_value_and_lower_likelihoods_are_a_problem():
    logliks = np.r_[-110.0, -100.0, -98.0, np.full(7, -97.0)]
    everywhere = np.ones(10, dtype=bool)
    ours = selection.Chosen(logliks, everywhere, everywhere)
    assert (ours.choice("AIC", 1000), ours.choice("BIC", 1000)) == (2, 1)
    passed_over = selection.Chosen(logliks, everywhere, np.arange(10) != 1)
    assert passed_over.choice("AIC", 1000) == 3
    theirs = selection.Chosen(logliks + np.eye(10)[2], everywhere, everywhere)
    problems, shown = selection.compare([(ours, theirs)])
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"{selection.HUMPS}, seed 0, K=3"
    ]
    sick = selection.Chosen(theirs.logliks, np.arange(10) != 2, everywhere)
    assert selection.compare([(ours, sick)])[0] == []
    results = Results(
        timings=[Timing(selection.ASTEROIDS, selection.SELECTION, "mogfit, 2 threads", 5.0, 1)],
        tables=[shown],
    )
    verdicts = {target.what: target.verdict() for target in targets(results, threads=1)}
    assert verdicts[f"{selection.SELECTION}, {selection.ASTEROIDS}, 2 threads"] == "reached"
    text = report.markdown(results, {}, 1, dgemm=50.0, quick=False, partial=True)
    assert "## Likelihoods reached" in text


def test_health_of_a_fit():
    points = np.random.default_rng(0).normal(size=(200, 1))

    def mixture(share, variance):
        return Mixture.from_covariances(
            np.array([1 - share, share]), np.zeros((2, 1)), np.array([[[1.0]], [[variance]]])
        )

    assert selection.is_healthy(mixture(0.06, 0.01), points)
    assert not selection.is_healthy(mixture(0.04, 0.01), points)
    assert not selection.is_healthy(mixture(0.06, 1e-4), points)


def test_both_estimators_are_fitted_beside_scikit_learn(monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("threadpoolctl")
    shape = (200, 2, 3)
    monkeypatch.setattr(sklearn_interface, "QUICK_SHAPES", (shape,))
    results = sklearn_interface.run_sklearn_interface(1, 1.0, silent, quick=True)
    assert results.problems == []
    verdicts = {
        target.what: target.value for target in targets(results, 1) if target.value is not None
    }
    for estimator in (sklearn_interface.GAUSSIAN, sklearn_interface.BAYESIAN):
        for kind in sklearn_interface.COVARIANCE_TYPES:
            assert (
                verdicts[f"{estimator}.fit vs scikit-learn, {cases.shape_name(shape)} {kind}"] > 0
            )
    gaussian, bayesian = results.tables
    assert len(gaussian.rows) == len(bayesian.rows) == 8
    for row in gaussian.rows:  # both reach much the same
        assert float(row[-2]) == pytest.approx(float(row[-1]), abs=0.2)
    text = report.markdown(results, {}, 1, dgemm=50.0, quick=True, partial=True)
    assert "## GaussianMixture.fit beside scikit-learn's" in text


def test_memory_of_an_answer_is_not_counted():
    data = Observations(np.zeros((10, 2)))
    assert toolbox_memory.given_back((data.values, "x")) == 160
    assert toolbox_memory.given_back(data) == 160
    assert toolbox_memory.given_back(data.values) == 160


def test_a_worker_has_its_own_environment_and_says_what_failed():
    worker = Worker(1, {"BENCHMARKS_TEST": "yes"})
    try:
        assert worker.run(os.getenv, "BENCHMARKS_TEST") == "yes"
        assert os.getenv("BENCHMARKS_TEST") is None
        if hasattr(os, "sched_getaffinity"):
            assert len(worker.run(os.sched_getaffinity, 0)) == 1
        with pytest.raises(WorkerError, match="listdir: FileNotFoundError"):
            worker.run(os.listdir, "/no/such/folder")
    finally:
        worker.close()


def test_unknown_sections_are_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as failure:
        cli.main(["--only", "passes,speed"])
    assert failure.value.code == 2
    assert "unknown section 'speed'" in capsys.readouterr().err

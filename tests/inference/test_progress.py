"""Callbacks, bars and lines."""

from __future__ import annotations

import builtins
import re

import numpy as np
import pytest

from mogfit import ConvergenceWarning, FitMoG, InputError
from tests.fitting import POINTS, START, fit, state

METHODS = ["L-BFGS", "EM", "BFGS", "CG", "L-BFGS-B", "SLSQP", "TNC", "trust-constr", "Powell"]


@pytest.mark.parametrize("method", [*METHODS[:-1], "bounded"])
def test_a_callback_sees_every_iteration(method):
    states = []
    F = FitMoG(POINTS, 3)
    F.set_initial_params(from_mog=START)
    if method == "bounded":
        F.set_bounds(boundw=(0.1, 0.8))
        method = None
    F.fit_data(method=method, callback=states.append)
    assert len(states) > 3
    assert [s.iteration for s in states] == list(range(1, len(states) + 1))
    values = [s.neg_loglik_per_point for s in states]
    assert values[-1] == pytest.approx(F.report.neg_loglik_per_point, abs=1e-6)
    for s in states:
        assert s.weights.shape == (3,)
        assert s.mus.shape == (3, 2)
        assert s.Sigmas.shape == (3, 2, 2)
        assert s.weights.sum() == pytest.approx(1, rel=1e-12)


def test_the_state_is_that_of_its_iteration():
    states = []
    fit(start=START, callback=states.append, penalty=0)
    for s in states[::5]:
        # What a state says of its likelihood is the likelihood of its mixture.
        mog = type(START)(weights=s.weights, mus=s.mus, Sigmas=s.Sigmas)
        assert -mog.logpdf(POINTS).mean() == pytest.approx(s.neg_loglik_per_point, rel=1e-12)
    assert states[-1].gradient_norm <= 1e-6


def stop_by_answer(_):
    return True


def stop_by_exception(_):
    raise StopIteration


def stop_by_a_comparison(state):
    return state.weights.max() > 0


@pytest.mark.parametrize("stop", [stop_by_answer, stop_by_a_comparison, stop_by_exception])
@pytest.mark.parametrize("method", METHODS)
def test_a_callback_ends_the_fit_and_the_best_so_far_is_kept(method, stop):
    F = FitMoG(POINTS, 3)
    F.set_initial_params(from_mog=START)
    before = F.log_l()
    with pytest.warns(ConvergenceWarning, match="stopped by the callback"):
        F.fit_data(method=method, callback=stop)
    assert not F.report.converged
    assert F.report.iterations == 1
    assert F.log_l() < before


def test_a_bounded_fit_is_ended_too():
    F = FitMoG(POINTS, 3)
    F.set_bounds(boundw=(0.1, 0.8))
    with pytest.warns(ConvergenceWarning, match="stopped by the callback"):
        F.fit_data(random_state=1, callback=stop_by_answer)
    assert not F.report.converged


@pytest.mark.parametrize("answer", [None, False, 0, 1, "no", np.False_])
def test_only_true_ends_a_fit(answer):
    assert fit(start=START, callback=lambda _: answer).report.converged


@pytest.mark.parametrize("method", [*METHODS, "bounded"])
def test_what_a_callback_raises_reaches_the_user_and_nothing_changes(method):
    F = fit(random_state=2)
    F.set_initial_params(from_mog=START)
    if method == "bounded":
        F.set_bounds(boundw=(0.1, 0.8))
        method = None
    before = state(F)

    class OwnError(Exception):
        pass

    def fail(s):
        raise OwnError("from the callback")

    with pytest.raises(OwnError, match="from the callback"):
        F.fit_data(method=method, callback=fail, data=POINTS[:100])
    assert state(F) == before
    F.bounds = None
    F.fit_data()
    assert F.report.converged


def test_a_bar_counts_iterations_on_stderr(capsys):
    pytest.importorskip("tqdm")
    F = fit(start=START, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Minimizing" in err
    assert f"{F.report.iterations}it" in err
    assert re.search(r"-log L / N = 3\.\d{6}", err)


def test_a_bar_ends_where_the_user_has_set_a_limit(capsys):
    pytest.importorskip("tqdm")
    F = fit(start=START, progress="tqdm", options={"maxiter": 500})
    assert f"{F.report.iterations}/500" in capsys.readouterr().err


def test_lines_show_iterations_parameters_and_likelihood(capsys):
    F = fit(start=START, progress="text")
    out, err = capsys.readouterr()
    assert err == ""
    head, *rest = out.splitlines()
    assert head == "Iterations:"
    assert len(rest) == 3 * F.report.iterations
    assert rest[0] == "Iter 1:"
    assert len(rest[1].split(",")) == 18
    assert rest[1].startswith("\tVars: [")
    assert rest[2].startswith("\tLogL/N: 3.")


def test_advance_prints_every_so_many_iterations(capsys):
    F = fit(start=START, advance=10)
    out = capsys.readouterr().out
    iterations = [int(n) for n in re.findall(r"Iter (\d+):", out)]
    assert iterations == [1, *range(10, F.report.iterations + 1, 10)]


def test_a_missing_tqdm_is_told_with_a_remedy(monkeypatch):
    real = builtins.__import__

    def without_tqdm(name, *args, **kwargs):
        if name.startswith("tqdm"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    with pytest.raises(ImportError, match=r"tqdm is needed for progress bars .* pip install"):
        fit(progress="tqdm")
    assert fit(progress="text").report.converged


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"progress": "bar"}, "progress: 'bar' seen; allowed: 'tqdm', 'text'"),
        ({"progress": 3}, "progress: 3 seen"),
        ({"callback": 3}, "callback: 3 .int. seen; allowed: a function"),
        ({"advance": -1}, "advance: -1 .int. seen; allowed: a whole number >= 0"),
        ({"advance": 1.5}, "advance: 1.5"),
        ({"verbose": "x"}, "verbose: 'x' .str. seen"),
    ],
)
def test_what_cannot_show_progress(arguments, message):
    with pytest.raises(InputError, match=message):
        fit(**arguments)


def test_a_fit_that_shows_progress_has_the_bits_of_one_that_does_not(capsys):
    expected = fit(start=START).mog.params
    for options in ({"progress": "text"}, {"callback": lambda _: None}, {"advance": 3}):
        np.testing.assert_array_equal(fit(start=START, **options).mog.params, expected)
    capsys.readouterr()

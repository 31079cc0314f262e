"""The parts of a search: splits, merges, clumps, and which of two fits is kept."""

from __future__ import annotations

import math
import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import InputError
from mogfit.inference import likelihood
from mogfit.selection import neighbours, search
from mogfit.selection.search import Candidate, Trial
from tests.selection.samples import fit_options, three_humps, two_apart


@pytest.fixture(scope="module")
def humps():
    return mn.select(three_humps(9), [3], random_state=9)


def prepared(mog):
    return mog._prepared


def likelihood_of(points):
    seen = mn.FitMoG(points)._observed(None)
    return search.likelihood_of(seen, None, 1, None, fit_options(), None)


@pytest.fixture
def mixture():
    return mn.MixtureOfGaussians(
        weights=[0.5, 0.3, 0.2],
        mus=[[0, 0], [4, 0], [4.5, 0.5]],
        Sigmas=[[[4, 0], [0, 1]], [[1, 0.3], [0.3, 1]], [[1, 0], [0, 2]]],
    )


def moments(weights, mus, Sigmas):
    mean = weights @ mus
    return mean, np.einsum("k,kij->ij", weights, Sigmas) + np.cov(mus.T, aweights=weights, ddof=0)


def test_after_an_interrupt_the_core_is_not_called_again(monkeypatch):
    stopped, calls = threading.Event(), []
    options = search.replace(fit_options(), stopped=stopped)
    problem = search.Problem(mn.FitMoG(two_apart(60))._observed(None), None, options, 0)
    em_run = likelihood._core.em_run

    def interrupted(*args, **kwargs):
        calls.append(1)
        stopped.set()
        return em_run(*args, **kwargs)

    monkeypatch.setattr(likelihood._core, "em_run", interrupted)
    with pytest.raises(CancelledError):
        search._search(problem, Candidate(3), 1)
    assert len(calls) == 1


def test_an_interrupt_ends_a_long_descent_inside():
    class Soon(threading.Event):
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked > 5

    points = np.random.default_rng(1).standard_t(3.0, size=(40_000, 2))
    data = search.replace(likelihood_of(points), stopped=Soon())
    start = mn.MixtureOfGaussians(mus=[[-1, 0], [1, 0]], Sigmas=[np.eye(2)] * 2)
    descent = data.descend(prepared(start), 1e-12)
    assert descent.ending == "stopped"
    assert descent.iterations < 6


def test_splits_and_merges_keep_mean_and_covariance(mixture):
    data = likelihood_of(mixture.rvs(500, rng=1))
    expected = moments(mixture.weights, mixture.mus, mixture.Sigmas)
    starts = neighbours.splits(prepared(mixture), data) + neighbours.merges(prepared(mixture), data)
    assert [start().ngauss for start in starts] == [4, 4, 4, 2, 2, 2]
    for start in starts:
        made = start()
        for ours, theirs in zip(
            moments(made.weights, made.means, made.covariances), expected, strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_the_first_merge_is_that_of_the_nearest_pair(mixture):
    first = neighbours.merges(prepared(mixture), likelihood_of(mixture.rvs(500, rng=1)))[0]()
    np.testing.assert_allclose(first.means[0], [0, 0])
    np.testing.assert_allclose(first.means[1], [4.2, 0.2])


def test_a_gentle_split_hardly_changes_the_density(mixture):
    points = mixture.rvs(500, rng=1)
    made = neighbours.gentle_split(prepared(mixture), likelihood_of(points), 1)
    ours = mn.MixtureOfGaussians(weights=made.weights, mus=made.means, Sigmas=made.covariances)
    assert ours.log_likelihood(points) == pytest.approx(mixture.log_likelihood(points), abs=1e-3)


def test_chance_clumps_are_told_from_components(rng):
    points = np.r_[rng.normal(size=990), 0.3 + 1e-3 * rng.normal(size=10)]
    few = np.r_[rng.normal(size=990), 20 + rng.normal(size=3)]
    many = np.r_[rng.normal(size=890), 0.3 + 1e-3 * rng.normal(size=110)]
    for data, clump, spurious in (
        (points, (0.3, 1e-6, 10), 1),
        (few, (20.0, 1.0, 2.9), 1),
        (many, (0.3, 1e-6, 110), 0),
        (points, (0.3, 0.1, 10), 0),
    ):
        mean, variance, size = clump
        share = size / len(data)
        mog = mn.MixtureOfGaussians(
            weights=[1 - share, share], mus=[0.0, mean], Sigmas=[1.0, variance]
        )
        seen = mn.FitMoG(data)._observed(None)
        problem = search.Problem(seen, None, fit_options(), 0)
        assert search._count_spurious(problem, Candidate(2), mog._prepared) == spurious


def test_a_clump_must_be_worth_it(humps):
    report = humps.best.report
    price = 3 * math.log(1000)
    one = Trial(Candidate(3), "search", humps.best.mog._prepared, report)
    for gain, wins in ((price - 0.1, False), (price + 0.1, True)):
        higher = search.replace(report, neg_loglik=report.neg_loglik - gain)
        clump = Trial(Candidate(3), "search", one.mixture, higher, spurious=1)
        assert clump.beats(one) == wins
        assert one.beats(clump) == (not wins)


def test_a_sound_fit_beats_one_that_is_held_up(humps):
    report = humps.best.report
    held = search.replace(report, neg_loglik=report.neg_loglik - 100, penalized_components=(1,))
    failed = Trial(Candidate(3), "search", error=InputError("no"))
    one, spike = (
        Trial(Candidate(3), "search", humps.best.mog._prepared, r) for r in (report, held)
    )
    assert one.beats(spike)
    assert not spike.beats(one)
    assert spike.beats(failed)
    assert not failed.beats(spike)
    assert not one.beats(one)

"""`FitMoG` beside MultiMin's: vectors, likelihoods and qualities equal, fits never worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mogfit
from tests.peers import multimin, quietly

SAMPLES = Path(__file__).parents[2] / "benchmarks" / "data"
RNG = np.random.default_rng(3)
PLANE = RNG.normal(0.4, 0.3, (200, 2))
HEAP = np.concatenate([RNG.normal(0.3, 0.05, 150), RNG.normal(0.7, 0.08, 100)])
LINE = RNG.uniform(0, 1, (100, 1))
CASES = {
    "K=1": {"data": PLANE, "ngauss": 1},
    "K=2": {"data": PLANE, "ngauss": 2},
    "1-D": {"data": LINE, "ngauss": 3},
    "no data": {"ngauss": 2, "nvars": 3},
    "neither": {},
    "interval": {"data": LINE, "ngauss": 2, "domain": [[0, 1]]},
    "one in an interval": {"data": LINE, "ngauss": 1, "domain": [[0, 1]]},
    "half-line": {"data": LINE, "ngauss": 2, "domain": [[-np.inf, 5]]},
    "strip": {"ngauss": 3, "nvars": 3, "domain": [None, [-1, 4], [0, np.inf]]},
}


def both(name):
    return quietly(multimin.FitMoG, **CASES[name]), mogfit.FitMoG(**CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_a_new_fit_holds_the_same_vectors(name):
    theirs, ours = both(name)
    for attribute in ("ngauss", "nvars", "Ndim", "Ncorr", "extrap"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    for attribute in ("minparams", "scales", "uparams"):
        expected = np.asarray(getattr(theirs, attribute), dtype=float)
        np.testing.assert_allclose(
            getattr(ours, attribute), expected, rtol=1e-13, atol=1e-15, err_msg=attribute
        )
    np.testing.assert_allclose(
        ours.pmap(ours.minparams), theirs.pmap(np.array(theirs.minparams)), rtol=1e-13
    )
    assert theirs._sigmax == ours._sigmax == 10


@pytest.mark.parametrize("name", ["K=1", "K=2", "1-D", "interval", "half-line"])
def test_likelihoods_of_the_same_vectors(name):
    theirs, ours = both(name)
    assert ours.norm_log_l() == pytest.approx(theirs.norm_log_l(), rel=1e-12)
    assert ours.log_l() == pytest.approx(theirs.log_l(), rel=1e-12)
    part = CASES[name]["data"][:20]
    assert ours.log_l(part) == pytest.approx(theirs.log_l(part), rel=1e-12)


def test_published_likelihoods_of_the_truncated_cases():
    line = np.load(SAMPLES / "truncated_1d.npy")
    F = mogfit.FitMoG(line, ngauss=2, domain=[[0, 1]])
    assert F.norm_log_l() == pytest.approx(0.004026885720446497, rel=1e-12)
    F.fit_data(advance=0, random_state=1)
    # A gradient below 1e-6 leaves the eleventh decimal open.
    assert F.norm_log_l() <= -0.12932597694140233 + 1e-11
    space = np.load(SAMPLES / "truncated_3d.npy")
    F = mogfit.FitMoG(space, ngauss=2, domain=[None, [0, 1], None])
    assert F.norm_log_l() == pytest.approx(2.27007315804755, rel=1e-12)
    F.fit_data(random_state=1)
    assert F.norm_log_l() <= 1.7358797044214596


def test_initial_parameters_are_set_alike():
    theirs, ours = both("K=2")
    for F in (theirs, ours):
        F.set_initial_params(mus=[[0, 1], [2, 3]], sigmas=[0.5, 0.7], rhos=[[0.1], [-0.4]])
    np.testing.assert_allclose(ours.minparams, theirs.minparams, rtol=1e-13)
    np.testing.assert_allclose(ours.mog.stdcorr, theirs.mog.stdcorr, rtol=1e-13)
    assert ours._initial_params_set_by_user is theirs._initial_params_set_by_user is True
    for F in (theirs, ours):
        F.set_params(mu=0.2, sigma=2.0, rho=0.1)
    np.testing.assert_allclose(ours.minparams, theirs.minparams, rtol=1e-13)
    assert ours._initial_params_set_by_user is theirs._initial_params_set_by_user is False


@pytest.mark.parametrize("wrong", [{"mus": [[1, 2, 3]]}, {"sigmas": [1, 2, 3]}, {"rhos": [1, 2]}])
def test_initial_parameters_of_the_wrong_shape_are_refused_by_both(wrong):
    for F in both("K=2"):
        with pytest.raises(ValueError, match=r"."):
            F.set_initial_params(**wrong)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"boundw": (0.1, 0.9)},
        {"bounds": (0.1, 9.0)},
        {"boundr": (-0.9, 0.9)},
        {"boundsm": ((-2, 1), (-3, 0))},
        {"boundw": (0.1, 0.9), "bounds": (0.1, 9), "boundr": (-0.5, 0.9), "boundsm": ((0, 1),) * 2},
    ],
)
@pytest.mark.parametrize("name", ["K=1", "K=2"])
def test_bounds_in_unbound_coordinates(name, arguments):
    theirs, ours = both(name)
    expected = np.array(theirs.set_bounds(**arguments), dtype=float)
    got = ours.set_bounds(**arguments)
    assert isinstance(got, tuple)
    np.testing.assert_allclose(np.array(got), expected, rtol=1e-12)


def test_bounds_of_means_are_the_domain_by_default():
    theirs, ours = both("interval")
    expected = np.array(theirs.set_bounds(bounds=(0.01, 2.0)), dtype=float)
    np.testing.assert_allclose(np.array(ours.set_bounds(bounds=(0.01, 2.0))), expected, rtol=1e-12)


def test_the_quality_of_the_same_fit_and_sample():
    theirs, ours = both("K=2")
    drawn = np.random.default_rng(4).normal(0.4, 0.35, (500, 2))
    for F in (theirs, ours):
        F.set_initial_params(mus=[[0.3, 0.4], [0.5, 0.4]], sigmas=[0.3, 0.3], rhos=[0.0])
        F.mog_qsample = drawn
    expected = quietly(theirs.quality_of_fit, n_sim=500)
    quality = ours.quality_of_fit(n_sim=500)
    assert list(quality.keys()) == list(expected)
    for key, value in expected.items():
        assert quality[key] == pytest.approx(value, rel=1e-10), key
    assert isinstance(quality, dict)
    assert ours.mog_qsample is drawn


@pytest.mark.parametrize(
    "case",
    [
        {"data": PLANE, "ngauss": 1},
        {"data": PLANE, "ngauss": 2},
        {"data": HEAP[:, None], "ngauss": 2, "domain": [[0, 1]]},
    ],
)
def test_fits_are_never_worse_and_have_the_same_form(case):
    theirs, ours = quietly(multimin.FitMoG, **case), mogfit.FitMoG(**case)
    quietly(theirs.fit_data)
    ours.fit_data(random_state=1)
    assert ours.norm_log_l() <= theirs.norm_log_l() + 1e-9
    for key in ("fun", "x", "nit", "nfev", "success", "status", "message"):
        assert key in theirs.solution
        assert key in ours.solution, key
    assert type(ours.solution) is type(theirs.solution)
    assert np.shape(ours.solution.x) == np.shape(theirs.solution.x)
    assert ours.solution.fun == pytest.approx(ours.log_l(), rel=1e-12)
    np.testing.assert_allclose(ours.uparams, ours.solution.x, rtol=1e-13)
    # The optimum in our vectors is one of theirs: the likelihoods agree there.
    at_ours = theirs.mog.sample_mog_likelihood(
        ours.uparams, data=ours.data, pmap=theirs.pmap, scales=list(ours.scales)
    )
    assert at_ours == pytest.approx(ours.log_l(), rel=1e-10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": np.zeros((3, 2)), "nvars": 3},
        {"data": np.zeros((3, 2, 2))},
    ],
)
def test_data_of_the_wrong_shape_are_refused_by_both(wrong):
    for library in (multimin, mogfit):
        with pytest.raises(ValueError, match=r"."):
            quietly(library.FitMoG, **wrong)


def test_every_method_of_theirs_is_there():
    names = [name for name in dir(multimin.FitMoG) if not name.startswith("_")]
    assert [name for name in names if not hasattr(mogfit.FitMoG, name)] == []

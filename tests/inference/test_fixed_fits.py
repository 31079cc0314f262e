"""Fits that hold some of their parameters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mogfit import (
    DataWarning,
    DegeneracyWarning,
    FitMoG,
    InputError,
    MixtureOfGaussians,
    MoGWarning,
    Prior,
)
from mogfit.inference.structure import STRUCTURES
from tests.fitting import POINTS, START, fit, permuted, plain, state
from tests.inference.structured_oracle import Problem
from tests.inference.test_structured_fits import TWO, assert_of_family, assert_same, in_family

SMALL = POINTS[:100]
HELD = [
    {"means": (0,)},
    {"means": (0, 1)},
    {"covariances": (0, 1)},
    {"weights": (0, 1)},
    {"weights": (0,), "means": (1,)},
    {"weights": (0, 1), "covariances": (0, 1)},
]


def holding(data, start, held, structure="full", **options):
    F = FitMoG(data, start.ngauss, covariance=structure)
    F.set_initial_params(from_mog=start)
    F.fit_data(fixed=held, **options)
    return F


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_optimum_is_that_of_a_direct_minimisation(structure, held):
    start = in_family(TWO, structure)
    problem = Problem(SMALL, structure, held=held)
    highest, expected = problem.maximum(plain(start))
    for method in ("L-BFGS", "EM", "BFGS"):
        F = holding(SMALL, start, held, structure, method=method, penalty=0)
        assert F.report.converged
        assert -F.report.neg_loglik == pytest.approx(highest, abs=1e-8)
        assert_same(F, expected, 1e-4)
        assert F.report.n_parameters == problem.pack(plain(start)).size
        assert_of_family(F.mog.Sigmas, structure)


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "SLSQP"])
@pytest.mark.parametrize("structure", ["full", "spherical"])
def test_what_is_held_stays_and_components_keep_their_order(structure, method):
    # The first component would be the last, by its weight.
    start = in_family(permuted(START, [0, 2, 1]), structure)
    held = {"weights": 0, "mus": [1], "Sigmas": [2]}
    F = holding(POINTS, start, held, structure, method=method)
    assert F.report.converged
    np.testing.assert_allclose(F.mog.weights[0], start.weights[0], rtol=1e-14)
    np.testing.assert_array_equal(F.mog.mus[1], start.mus[1])
    np.testing.assert_allclose(F.mog.Sigmas[2], start.Sigmas[2], rtol=1e-14)
    assert F.report.fixed_weights == (0,)
    assert F.report.fixed_means == (1,)
    assert F.report.fixed_covariances == (2,)
    text = str(F.report)
    for line in ("weights held       0", "means held         1", "covariances held   2"):
        assert line in text


def test_all_of_one_kind_are_told_as_such():
    F = holding(POINTS, START, {"means": True})
    assert "means held         all" in str(F.report)


def test_with_a_prior():
    values = {
        "concentration": np.array([3.0, 1.5]),
        "mean": np.array([0.3, 1.0]),
        "mean_strength": 2.5,
        "dof": 7.0,
        "scale": np.array([[3.0, 0.6], [0.6, 2.0]]),
    }
    for structure, held in itertools.product(("full", "diag", "tied"), HELD):
        start = in_family(TWO, structure)
        highest, expected = Problem(SMALL, structure, prior=values, held=held).maximum(plain(start))
        F = holding(SMALL, start, held, structure, prior=Prior(**values), penalty=0)
        assert F.report.log_prior - F.report.neg_loglik == pytest.approx(highest, abs=1e-8)
        assert_same(F, expected, 1e-4)


@pytest.mark.parametrize("held", [{"weights": [0]}, {"means": [0]}, {"covariances": True}])
def test_in_a_domain(held):
    box = np.array([[-1.5, 0.0], [2.0, 3.0]])
    points = SMALL[((box[0] < SMALL) & (box[1] > SMALL)).all(axis=1)]
    start = in_family(TWO, "diag")
    masks = {name: (0, 1) if which is True else tuple(which) for name, which in held.items()}
    highest, _ = Problem(points, "diag", box=box, held=masks).maximum(plain(start))
    F = FitMoG(points, 2, domain=box.T.tolist(), covariance="diag")
    F.set_initial_params(from_mog=start)
    F.fit_data(fixed=held, penalty=0)
    assert F.report.converged
    assert -F.report.neg_loglik == pytest.approx(highest, abs=1e-6)


# -- nothing to fit ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS"])
def test_with_all_held_the_mixture_is_evaluated(method):
    everything = dict.fromkeys(("weights", "means", "covariances"), True)
    F = holding(SMALL[:2], START, everything, method=method)
    # Weights are kept by their logarithms, covariances by their factors.
    np.testing.assert_allclose(F.mog.params, START.params, rtol=1e-15)
    assert F.report.neg_loglik == pytest.approx(-START.logpdf(SMALL[:2]).sum(), rel=1e-14)
    assert F.report.converged
    assert F.report.n_parameters == 0
    assert F.report.reason == "everything is held: evaluated only"
    assert F.report.passes == 1


def test_an_evaluation_that_overflows_is_refused():
    F = FitMoG(SMALL, 3)
    F.set_initial_params(from_mog=START)
    F.set_initial_params(mus=START.mus + 1e200)
    with pytest.raises(InputError, match=r"^fixed: everything is held, where the log-likelihood"):
        F.fit_data(fixed={"weights": True, "means": True, "covariances": True})
    assert F.report is None


def test_one_component_whose_mean_and_covariance_are_held_is_evaluated():
    one = MixtureOfGaussians(mus=[[0.0, 1.0]], Sigmas=np.eye(2)[None])
    F = holding(SMALL, one, {"means": True, "covariances": True})
    assert F.report.n_parameters == 0


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_component_with_one_part_held_has_a_closed_form(structure):
    one = in_family(TWO, structure)
    one = MixtureOfGaussians(mus=one.mus[:1], Sigmas=one.Sigmas[:1])
    F = holding(SMALL, one, {"means": True}, structure)
    y = SMALL - one.mus[0]
    covariance = y.T @ y / len(SMALL)
    if structure.endswith("diag"):
        covariance = np.diag(np.diag(covariance))
    elif structure.endswith("spherical"):
        covariance = np.diag(covariance).mean() * np.eye(2)
    np.testing.assert_allclose(F.mog.Sigmas[0], covariance, rtol=1e-5, atol=1e-6)
    F = holding(SMALL, one, {"covariances": True}, structure)
    np.testing.assert_allclose(F.mog.mus[0], SMALL.mean(axis=0), rtol=1e-5)


def test_held_covariances_make_up_for_rows():
    one = MixtureOfGaussians(mus=[[9.0, 9.0]], Sigmas=np.eye(2)[None])
    with pytest.warns(DataWarning, match="2 parameters for 1 point:"):
        F = holding(SMALL[:1], one, {"covariances": True})
    np.testing.assert_allclose(F.mog.mus, SMALL[:1], rtol=1e-6)


# -- starts that need mending --------------------------------------------------------------------


def test_refilling_does_not_touch_what_is_held():
    start = MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[[0.0, 1.0], [1e5, 0.0]], Sigmas=np.tile(np.eye(2), (2, 1, 1))
    )
    with pytest.warns(DataWarning, match="component 1 holds no points, .* except for what is held"):
        F = holding(POINTS, start, {"covariances": True})
    np.testing.assert_array_equal(F.mog.Sigmas, start.Sigmas)
    assert np.abs(F.mog.mus).max() < 10
    with pytest.warns(MoGWarning) as told:
        F = holding(POINTS, start, {"means": [1], "covariances": [1]})
    assert [w.category for w in told] == [DataWarning, DegeneracyWarning]
    assert str(told[1].message).startswith("component 1 ended without points")
    np.testing.assert_array_equal(F.mog.mus[1], start.mus[1])


def test_separating_does_not_touch_what_is_held():
    start = MixtureOfGaussians(
        weights=[0.3, 0.3, 0.4], mus=np.zeros((3, 2)), Sigmas=np.tile(np.eye(2), (3, 1, 1))
    )
    with pytest.warns(DataWarning, match="components 0, 1, 2 are identical"):
        F = holding(POINTS, start, {"means": [1]})
    np.testing.assert_array_equal(F.mog.mus[1], [0.0, 0.0])
    assert len(np.unique(F.mog.mus[:, 0].round(3))) == 3
    # Components that differ in what is held are not the same, and nothing is moved.
    F = holding(POINTS, START, {"means": True})
    np.testing.assert_array_equal(F.mog.mus, START.mus)


# -- what contradicts itself ---------------------------------------------------------------------


def test_something_to_hold_is_needed():
    F = FitMoG(POINTS, 3)
    before = state(F)
    with pytest.raises(InputError, match=r"^fixed: .* which nothing says; call set_initial_params"):
        F.fit_data(fixed={"means": [0]})
    assert state(F) == before
    F.fit_data(fixed={"means": []}, random_state=1)  # nothing is held
    with pytest.raises(InputError, match=r"^fixed: .* n_starts=3 lets it search"):
        F.fit_data(fixed={"means": [0]}, n_starts=3)
    mus = F.mog.mus.copy()
    F.fit_data(POINTS[:1000], fixed={"means": [0]})  # an earlier fit is a start
    np.testing.assert_array_equal(F.mog.mus[0], mus[0])


def test_held_weights_must_leave_something():
    for weights, held, message in (
        ([0.5, 0.5, 0.0], [0, 1], "sum to 1, which leaves nothing for the 1 component whose"),
        ([0.5, 0.5, 0.0], [2], r"1 of 1 held weight is held at 0, first at component 2"),
    ):
        start = MixtureOfGaussians(weights=weights, mus=START.mus, Sigmas=START.Sigmas)
        with pytest.raises(InputError, match=message):
            holding(POINTS, start, {"weights": held})


def test_held_covariances_must_be_of_the_family():
    F = FitMoG(POINTS, 3, covariance="diag")
    F.set_initial_params(from_mog=START)
    with pytest.raises(
        InputError, match=r"^fixed: the starting covariance of component 2 .* covariance='diag'"
    ):
        F.fit_data(fixed={"covariances": [2]})


def test_a_covariance_for_all_is_held_for_all():
    with pytest.raises(InputError, match=r"^fixed: the covariance of 1 of 3 .*'tied' has one"):
        holding(POINTS, in_family(START, "tied"), {"covariances": [2]}, "tied")


def test_bounds_and_held_parameters_are_not_offered_together():
    F = FitMoG(POINTS, 3)
    F.set_initial_params(from_mog=START)
    F.set_bounds(boundw=(0.2, 0.9))
    with pytest.raises(InputError, match=r"^bounds: .* fixed parameters seen"):
        F.fit_data(fixed={"weights": [0]})


def test_a_fit_that_holds_nothing_is_one_without_fixed():
    a = fit(start=START)
    b = fit(start=START, fixed={})
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert b.report.fixed_means == ()

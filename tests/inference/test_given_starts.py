"""Starts from which no descent could go on."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mogfit import DataWarning, FitMoG, MixtureOfGaussians, _core
from mogfit.inference.checks import measure_spread
from mogfit.inference.given_starts import prepare_start, refill_empty, separate_identical
from mogfit.inference.likelihood import Likelihood
from tests.fitting import POINTS, START, fit, observed

LIKELIHOOD = Likelihood(observed(POINTS), measure_spread(observed(POINTS), None, 1), 1e-9, 1)


def prepared(weights, mus, Sigmas):
    return _core.PreparedMixture(np.array(weights), np.array(mus), np.array(Sigmas))


def test_a_sound_start_is_used_as_it_is():
    assert prepare_start(LIKELIHOOD, START._prepared) is START._prepared


def test_components_without_points_get_the_spread_of_the_data():
    start = prepared([0.3, 0.7], [[0.0, 1.0], [500.0, 0.0]], [np.eye(2)] * 2)
    after, empty = refill_empty(LIKELIHOOD, start)
    assert empty == [1]
    np.testing.assert_array_equal(after.means[0], [0.0, 1.0])
    np.testing.assert_allclose(after.means[1], POINTS.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(after.covariances[1], np.cov(POINTS.T, bias=True), rtol=1e-12)
    np.testing.assert_allclose(after.weights, [0.3, 0.7], rtol=1e-15)


def test_a_weight_of_0_is_refilled_with_an_equal_share():
    start = prepared([0.0, 1.0], [[0.0, 0.0], [0.0, 1.0]], [np.eye(2)] * 2)
    after, empty = refill_empty(LIKELIHOOD, start)
    assert empty == [0]
    np.testing.assert_allclose(after.weights, [1 / 3, 2 / 3], rtol=1e-14)


def test_a_start_far_from_all_points_moves_and_converges():
    far = MixtureOfGaussians(
        weights=[0.2, 0.3, 0.5],
        mus=[[1e6, 1e6], [-1e6, 0.0], [0.0, 3e6]],
        Sigmas=[1e-4 * np.eye(2)] * 3,
    )
    with pytest.warns(DataWarning, match="starting components 0, 1, 2 hold no points, being far"):
        F = fit(start=far)
    assert F.report.converged
    assert F.report.neg_loglik_per_point < fit(ngauss=1).report.neg_loglik_per_point - 0.1


def test_one_far_component_is_named_alone():
    start = MixtureOfGaussians(mus=[[0.0, 0.0], [1.0, 1.0], [1e5, 0.0]])
    with pytest.warns(DataWarning) as told:
        F = fit(start=start)
    assert [str(w.message)[:40] for w in told] == ["starting component 2 holds no points, be"]
    assert F.report.converged
    assert F.report.neg_loglik_per_point == pytest.approx(
        fit().report.neg_loglik_per_point, abs=1e-6
    )


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_identical_components_part_along_their_longest_axis_in_any_units(scale):
    Sigma = np.array([[4.0, 0.0], [0.0, 1.0]]) * np.outer([scale, 1.0], [scale, 1.0])
    start = prepared([0.25, 0.25, 0.5], [[scale, 1.0]] * 2 + [[0.0, 0.0]], [Sigma] * 3)
    after, groups = separate_identical(start, np.array([scale, 1.0]))
    assert groups == [[0, 1]]
    moved = (after.means - start.means) / [scale, 1.0]
    # Half of a standard deviation of 2 to either side.
    np.testing.assert_allclose(np.abs(moved[:2]), [[1.0, 0.0]] * 2, atol=1e-12)
    np.testing.assert_allclose(moved[0], -moved[1], atol=1e-12)
    np.testing.assert_array_equal(moved[2], [0.0, 0.0])


def test_after_the_default_vectors_nothing_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FitMoG(POINTS, 3).fit_data(random_state=1)

"""Components that collapse, with the penalty that holds them up and without it."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import DataWarning, DegeneracyWarning, DegenerateError, FitMoG, MixtureOfGaussians
from tests.fitting import POINTS, fit, state

CLUSTER = np.concatenate([POINTS, np.tile([30.0, 30.0], (6, 1))])
NEAR = CLUSTER.copy()
NEAR[-6:] += 1e-9 * np.random.default_rng(0).normal(size=(6, 2))


@pytest.mark.parametrize("data", [CLUSTER, NEAR])
@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS"])
def test_the_penalty_holds_up_a_component_on_repeated_points_and_says_so(data, method):
    with pytest.warns(DegeneracyWarning, match="component 3 is held up by the penalty"):
        F = fit(data, 4, method=method)
    assert F.report.converged
    assert F.report.penalized_components == (3,)
    assert "components 3" in str(F.report)
    assert np.isfinite(F.report.neg_loglik)
    # Six points, of no spread of their own: the penalty's optimum is 2 c S / (6 + 2 c).
    pseudo = 2e-9 * len(data)
    expected = pseudo * np.cov(data.T, bias=True) / (6 + pseudo)
    np.testing.assert_allclose(F.mog.Sigmas[3], expected, rtol=1e-4)
    np.testing.assert_allclose(F.mog.mus[3], [30.0, 30.0], atol=1e-6)


def test_without_the_penalty_near_duplicates_are_fitted_as_they_are():
    F = fit(NEAR, 4, penalty=0)
    assert F.report.converged
    assert F.report.penalized_components == ()
    np.testing.assert_allclose(
        F.mog.Sigmas[3], np.cov(NEAR[-6:].T, bias=True), rtol=1e-3, atol=1e-21
    )


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS"])
def test_without_the_penalty_a_collapse_is_an_error_that_names_it(method):
    F = FitMoG(CLUSTER, 4)
    before = state(F)
    with pytest.raises(
        DegenerateError, match=r"a component collapsed .* ngauss=4, penalty=0; use the"
    ):
        F.fit_data(method=method, penalty=0, random_state=1)
    assert state(F) == before


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_penalty_knows_no_units(scale):
    with pytest.warns(DegeneracyWarning):
        a = fit(CLUSTER, 4)
    with pytest.warns(DegeneracyWarning):
        b = fit(CLUSTER * scale, 4)
    assert a.report.penalized_components == b.report.penalized_components
    np.testing.assert_allclose(b.mog.sigmas / scale, a.mog.sigmas, rtol=1e-6)


def test_the_penalty_leaves_sound_components_alone():
    strict, free = fit(tol=1e-10), fit(tol=1e-10, penalty=0)
    assert strict.report.penalized_components == ()
    # 1e-9 of the spread of the data, over curvatures of some 1e-2.
    np.testing.assert_allclose(strict.mog.params, free.mog.params, atol=1e-6)


def test_reported_likelihoods_are_without_the_penalty():
    with pytest.warns(DegeneracyWarning):
        F = fit(ngauss=2, penalty=0.05)
    assert F.report.neg_loglik == pytest.approx(-F.mog.logpdf(POINTS).sum(), rel=1e-12)


def test_points_on_a_grid_are_told():
    with pytest.warns(DegeneracyWarning, match="held up by the penalty"):
        F = fit(POINTS.round(0), 6)
    assert np.isfinite(F.report.neg_loglik)


def test_one_point_more_than_a_covariance_needs():
    with pytest.warns(DataWarning, match="5 parameters for 3 points"):
        F = fit(POINTS[:3], 1)
    np.testing.assert_allclose(F.mog.Sigmas[0], np.cov(POINTS[:3].T, bias=True), rtol=1e-10)


@pytest.mark.parametrize("far", [30.0, 1e3])
def test_a_tiny_far_cluster_survives(far):
    data = np.concatenate([POINTS, far + np.random.default_rng(2).normal(size=(50, 2))])
    F = fit(data, 4)
    assert F.report.converged
    # The gradient is 1e-6 and less, the cluster apart: its parameters are as good.
    assert F.mog.weights[-1] == pytest.approx(50 / len(data), rel=1e-6)
    np.testing.assert_allclose(F.mog.mus[-1], data[-50:].mean(axis=0), atol=1e-5)


def test_nearly_collinear_columns_are_fitted(rng):
    x = rng.normal(size=2000)
    data = np.column_stack([x, x + 1e-5 * rng.normal(size=2000)])
    F = fit(data, 1)
    np.testing.assert_allclose(F.mog.Sigmas[0], np.cov(data.T, bias=True), rtol=1e-9)
    truth = MixtureOfGaussians(mus=data.mean(axis=0)[None], Sigmas=np.cov(data.T, bias=True)[None])
    assert F.log_l() == pytest.approx(-truth.logpdf(data).sum(), rel=1e-9)

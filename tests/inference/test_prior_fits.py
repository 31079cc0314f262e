"""Fits to the mode of a posterior: closed forms, direct minimisation, samples of the data."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import (
    DataWarning,
    DegeneracyWarning,
    DegenerateError,
    DtypeError,
    FitMoG,
    InputError,
    MixtureOfGaussians,
    Prior,
)
from mogfit.inference.structure import STRUCTURES
from tests.fitting import POINTS, fit, parameters, plain
from tests.inference.structured_oracle import Problem, ordered
from tests.inference.test_structured_fits import TWO, assert_of_family, assert_same, in_family

SMALL = POINTS[:80]
VALUES = {
    "concentration": np.array([3.0, 1.5]),
    "mean": np.array([0.3, 1.0]),
    "mean_strength": 2.5,
    "dof": 7.0,
    "scale": np.array([[3.0, 0.6], [0.6, 2.0]]),
}


def with_prior(data, ngauss, structure, start=None, **options):
    F = FitMoG(data, ngauss, covariance=structure)
    if start is not None:
        F.set_initial_params(from_mog=in_family(start, structure))
    F.fit_data(**({"random_state": 1} | options))
    return F


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "Newton-CG"])
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_component_has_the_closed_form(structure, method, weighted, rng):
    weight = rng.uniform(0.1, 2.0, len(SMALL)) if weighted else None
    F = with_prior(
        SMALL,
        1,
        structure,
        prior=Prior(**(VALUES | {"concentration": 3.0})),
        penalty=0,
        method=method,
        sample_weight=weight,
    )
    m, kappa, nu, psi = (VALUES[k] for k in ("mean", "mean_strength", "dof", "scale"))
    n = len(SMALL) if weight is None else weight.sum()
    mean = np.average(SMALL, axis=0, weights=weight)
    scatter = n * np.cov(SMALL.T, bias=True, aweights=weight)
    mode = (n * mean + kappa * m) / (n + kappa)
    apart = n * kappa / (n + kappa) * np.outer(mean - m, mean - m)
    covariance = (psi + scatter + apart) / (n + nu + 2 + 2)
    if structure.endswith("diag"):
        covariance = np.diag(np.diag(covariance))
    elif structure.endswith("spherical"):
        covariance = np.diag(covariance).mean() * np.eye(2)
    assert F.report.converged
    # Descents end at a gradient of 1e-6, steps of EM at the mode itself.
    np.testing.assert_allclose(F.mog.mus[0], mode, rtol=1e-5)
    np.testing.assert_allclose(F.mog.Sigmas[0], covariance, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_mode_is_that_of_a_direct_minimisation(structure):
    start = in_family(TWO, structure)
    problem = Problem(SMALL, structure, prior=VALUES)
    highest, expected = problem.maximum(plain(start))
    for method in ("L-BFGS", "EM", "BFGS"):
        F = with_prior(SMALL, 2, structure, TWO, prior=Prior(**VALUES), penalty=0, method=method)
        assert F.report.converged
        # Concentrations tell components apart: they keep their order.
        assert_same(F, expected, 1e-4)
        assert F.report.log_prior - F.report.neg_loglik == pytest.approx(highest, abs=1e-8)
        assert_of_family(F.mog.Sigmas, structure)


def test_every_step_of_em_raises_the_posterior():
    values = []
    with_prior(
        POINTS,
        3,
        "diag",
        prior=Prior(concentration=5.0, mean_strength=3.0),
        method="EM",
        callback=lambda state: values.append(state.neg_loglik_per_point),
    )
    assert len(values) > 10
    assert (np.diff(values) <= 1e-14).all()


def test_the_default_prior_is_that_of_fraley_and_raftery():
    F = fit(POINTS, 3, prior=True)
    covariance = np.cov(POINTS.T, bias=True)
    by_hand = Prior(
        concentration=1.0,
        mean=POINTS.mean(axis=0),
        mean_strength=0.01,
        dof=4.0,
        scale=covariance / 3.0,
    )
    again = fit(POINTS, 3, prior=by_hand)
    np.testing.assert_allclose(again.mog.params, F.mog.params, rtol=1e-10)
    assert F.report.log_prior == pytest.approx(again.report.log_prior, rel=1e-10)


@pytest.mark.parametrize("ngauss", [2, 3])  # of two, the descent grows through samples too
@pytest.mark.parametrize("structure", ["full", "tied", "spherical"])
def test_samples_have_their_share_of_a_strong_prior(structure, ngauss):
    # Far more rows than the samples that starts are looked for in; a prior worth half of them.
    points = np.repeat(POINTS, 20, axis=0) + 0.3 * np.random.default_rng(0).normal(size=(60_000, 2))
    strong = Prior(
        concentration=2000.0, mean_strength=5000.0, dof=30_000.0, scale=30_000.0 * np.eye(2)
    )
    F = with_prior(points, ngauss, structure, prior=strong)
    assert F.report.converged
    objective = F.report.neg_loglik - F.report.log_prior
    # What candidates reached on samples estimates what the fit reached.
    for start in F.report.starts:
        assert start.neg_loglik_per_point == pytest.approx(objective / len(points), abs=0.05)
    em = with_prior(points, ngauss, structure, F.mog, prior=strong, method="EM")
    np.testing.assert_allclose(parameters(em.mog), parameters(F.mog), atol=1e-4)
    # The last stretch has little left to do.
    assert F.report.iterations < 100


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_prior_holds_up_what_would_collapse(structure):
    points = np.concatenate([POINTS[:200], np.tile([30.0, 30.0], (4, 1))])
    F = with_prior(points, 3, structure, prior=True, penalty=0)
    assert F.report.converged
    assert F.report.penalized_components == ()
    assert F.mog.sigmas.min() > 0.05


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.filterwarnings("ignore:.*parameters for:mogfit.DataWarning")
def test_a_prior_with_a_scale_makes_up_for_rows(structure):
    # One row: the mode lies between it and the prior's mean, with the covariance known beforehand.
    prior = Prior(mean=[0.0, 0.0], mean_strength=1.0, dof=4.0, scale=8.0 * np.eye(2))
    F = with_prior(np.array([[2.0, 0.0]]), 1, structure, prior=prior)
    np.testing.assert_allclose(F.mog.mus, [[1.0, 0.0]], atol=1e-6)
    assert F.report.converged
    collinear = np.column_stack([SMALL[:, 0], SMALL[:, 0], np.ones(len(SMALL))])
    wide = Prior(scale=np.eye(3))
    assert with_prior(collinear, 1, structure, prior=wide).report.converged
    if structure in ("full", "tied"):
        with pytest.raises(DegenerateError):
            with_prior(collinear, 2, structure, prior=True)


@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
def test_a_component_that_the_prior_alone_wants_is_where_it_says(method):
    # Two components on the points of one: the second goes to the mode of the prior.
    points = np.random.default_rng(0).normal(size=(80, 2)) * [1.0, 0.1]
    prior = Prior(mean=[0.0, 5.0], mean_strength=1.0, dof=6.0, scale=np.eye(2))
    start = MixtureOfGaussians(
        weights=[0.9, 0.1], mus=[[0.0, 0.0], [0.0, 4.0]], Sigmas=np.tile(np.eye(2), (2, 1, 1))
    )
    with pytest.warns(DegeneracyWarning, match="component 1 ended without points"):
        F = with_prior(points, 2, "full", start, prior=prior, method=method)
    assert F.report.converged, F.report
    np.testing.assert_allclose(F.mog.mus[1], [0.0, 5.0], atol=1e-4)
    np.testing.assert_allclose(F.mog.Sigmas[1], np.eye(2) / 10.0, atol=1e-4)
    assert F.report.penalized_components == ()


def test_whole_weights_are_repetitions_for_priors_too(rng):
    weight = rng.integers(0, 4, len(SMALL))
    prior = Prior(**VALUES)
    a = with_prior(SMALL, 2, "full", TWO, prior=prior, sample_weight=weight)
    b = with_prior(np.repeat(SMALL, weight, axis=0), 2, "full", TWO, prior=prior)
    np.testing.assert_allclose(a.mog.params, b.mog.params, atol=1e-10)


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "tied_diag"])
def test_the_default_prior_knows_no_units(structure):
    units = np.array([1e-4, 1e5])
    a = with_prior(POINTS[:300], 3, structure, prior=True)
    b = with_prior(POINTS[:300] * units, 3, structure, prior=True)
    np.testing.assert_allclose(b.mog.mus / units, a.mog.mus, atol=1e-4)
    np.testing.assert_allclose(b.mog.sigmas / units, a.mog.sigmas, rtol=1e-4)


@pytest.mark.parametrize("structure", ["full", "diag"])
def test_priors_with_missing_values_and_noise(structure, rng):
    points = rng.normal(size=(60, 2)) @ [[1.0, 0.4], [0.0, 0.8]]
    points[::3] += [4.0, -3.0]
    points[::7, 0] = np.nan
    start = MixtureOfGaussians(
        weights=[0.6, 0.4], mus=[[0.0, 0.0], [4.0, -3.0]], Sigmas=np.tile(np.eye(2), (2, 1, 1))
    )
    problem = Problem(points, structure, noise=np.full((60, 1, 1), 0.09) * np.eye(2), prior=VALUES)
    highest, expected = problem.maximum(plain(start))
    F = FitMoG(points, 2, covariance=structure, missing="marginal", errors=0.3)
    F.set_initial_params(from_mog=start)
    F.fit_data(prior=Prior(**VALUES), penalty=0)
    assert F.report.log_prior - F.report.neg_loglik == pytest.approx(highest, abs=1e-7)
    assert_same(F, expected, 1e-3)


def test_exchangeable_priors_leave_the_order_to_the_weights():
    F = with_prior(POINTS, 3, "full", prior=Prior(concentration=2.0))
    assert (np.diff(F.mog.weights) <= 0).all()
    _, expected = Problem(
        SMALL, "full", prior=VALUES | {"concentration": np.array([2.0, 2.0])}
    ).maximum(plain(TWO))
    F = with_prior(
        SMALL, 2, "full", TWO, prior=Prior(**(VALUES | {"concentration": 2.0})), penalty=0
    )
    assert_same(F, ordered(expected), 1e-4)


def test_bounds_and_priors_are_not_offered_together():
    F = FitMoG(POINTS, 2)
    F.set_bounds(bounds=(0.1, 5.0))
    with pytest.raises(InputError, match=r"^bounds: .* a prior seen"):
        F.fit_data(prior=True)


@pytest.mark.parametrize("prior", [1, "weak", {"dof": 3}])
def test_priors_are_priors(prior):
    with pytest.raises(DtypeError, match=r"^prior: .* allowed: None, True or a mogfit.Prior"):
        fit(prior=prior)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"concentration": [1.0, 2.0]}, r"^prior: concentration: shape \(2,\) seen"),
        ({"mean": [1.0]}, r"^prior: mean: shape \(1,\) seen, shape \(2,\) expected"),
        ({"scale": [[1.0]]}, r"^prior: scale: shape \(1, 1\) seen, shape \(2, 2\) expected"),
        ({"dof": 1.0}, r"^prior: dof: 1.0 .* allowed: a number > 1, for 2 variables"),
    ],
)
def test_priors_fit_the_mixture(values, message):
    with pytest.raises(InputError, match=message):
        fit(prior=Prior(**values))


def test_a_fit_without_a_prior_has_none():
    assert fit().report.log_prior == 0.0
    assert fit(prior=False).report.log_prior == 0.0
    assert "log prior" not in str(fit().report)
    assert "log prior" in str(fit(prior=True).report)


def test_more_parameters_than_rows_are_told_with_a_prior_too():
    with pytest.warns(DataWarning, match="11 parameters for 10 points"):
        fit(SMALL[:10], 2, prior=True)


@pytest.mark.parametrize("structure", ["full", "tied_spherical"])
def test_searches_give_each_component_to_its_concentration(structure):
    rng = np.random.default_rng(0)
    counts = {"many": 600, "some": 300, "few": 100}
    centres = {"many": [0.0, 0.0], "some": [8.0, 0.0], "few": [0.0, 9.0]}
    points = np.concatenate([rng.normal(centres[c], 1.0, (n, 2)) for c, n in counts.items()])
    prior = Prior(concentration=[10.0, 1.0, 50.0])
    for seed in range(4):
        F = with_prior(points, 3, structure, prior=prior, random_state=seed)
        expected = [centres[c] for c in ("some", "few", "many")]
        np.testing.assert_allclose(F.mog.mus, expected, atol=0.5)
    # An order that a user gives is kept.
    start = MixtureOfGaussians(mus=list(centres.values()), Sigmas=[np.eye(2)] * 3)
    F = with_prior(points, 3, structure, start, prior=prior)
    np.testing.assert_allclose(F.mog.mus, list(centres.values()), atol=0.5)

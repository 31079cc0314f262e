"""Fits of every family of covariances: closed forms, direct minimisation, invariances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mogfit import (
    DataWarning,
    FitMoG,
    InputError,
    MixtureOfGaussians,
)
from mogfit.inference.structure import STRUCTURES, constrain_covariances
from tests.fitting import POINTS, START, fit, parameters, plain
from tests.inference.structured_oracle import Problem, ordered

SMALL = POINTS[:120]
SIMPLE = [s for s in STRUCTURES if s not in ("full", "tied")]
TIED = [s for s in STRUCTURES if s.startswith("tied")]
TWO = MixtureOfGaussians(
    weights=[0.6, 0.4],
    mus=[[-1.0, 1.5], [1.3, 0.7]],
    Sigmas=[[[1.5, -0.3], [-0.3, 1.2]], [[0.6, 0.1], [0.1, 0.8]]],
)


def in_family(mixture, structure):
    """The mixture with covariances of the family, written out here once more."""
    Sigmas = np.array(mixture.Sigmas)
    if structure.startswith("tied"):
        Sigmas[:] = (mixture.weights[:, None, None] * Sigmas).sum(axis=0)
    for k in range(len(Sigmas)):
        if structure.endswith("diag"):
            Sigmas[k] = np.diag(np.diag(Sigmas[k]))
        elif structure.endswith("spherical"):
            Sigmas[k] = np.trace(Sigmas[k]) / len(Sigmas[k]) * np.eye(len(Sigmas[k]))
    return MixtureOfGaussians(weights=mixture.weights, mus=mixture.mus, Sigmas=Sigmas)


def structured(data, ngauss, structure, start=None, **options):
    F = FitMoG(data, ngauss, covariance=structure)
    if start is not None:
        F.set_initial_params(from_mog=in_family(start, structure))
    F.fit_data(**({"random_state": 1} | options))
    return F


def assert_same(F, expected, atol):
    for ours, theirs in zip((F.mog.weights, F.mog.mus, F.mog.Sigmas), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def assert_of_family(Sigmas, structure):
    if structure.startswith("tied"):
        assert (Sigmas == Sigmas[0]).all()
    if structure not in ("full", "tied"):
        assert (Sigmas * (1 - np.eye(Sigmas.shape[1])) == 0).all()
    if structure.endswith("spherical"):
        variances = np.einsum("kii->ki", Sigmas)
        np.testing.assert_allclose(variances, variances[:, :1].repeat(variances.shape[1], 1), 1e-14)


# -- one component: closed forms -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_component_has_the_moments_of_the_data(structure, method, weighted, rng):
    points = rng.normal(size=(40, 3)) @ [[1.0, 0.5, 0.0], [0.0, 2.0, 0.1], [0.0, 0.0, 5.0]]
    weight = rng.uniform(0.1, 2.0, 40) if weighted else None
    F = structured(points, 1, structure, method=method, sample_weight=weight)
    covariance = np.cov(points.T, bias=True, aweights=weight)
    if structure.endswith("diag"):
        covariance = np.diag(np.diag(covariance))
    elif structure.endswith("spherical"):
        covariance = np.diag(covariance).mean() * np.eye(3)
    np.testing.assert_allclose(F.mog.mus[0], np.average(points, axis=0, weights=weight), 1e-11)
    np.testing.assert_allclose(F.mog.Sigmas[0], covariance, rtol=1e-11, atol=1e-13)
    assert F.report.converged
    assert F.report.covariance == structure
    # -log L / N = (d log 2 pi + log det Sigma + d) / 2 for each of the families.
    expected = 0.5 * (3 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + 3)
    assert F.report.neg_loglik_per_point == pytest.approx(expected, rel=1e-13)


# -- two components: direct minimisation ---------------------------------------------------------


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_optimum_is_that_of_a_direct_minimisation(structure):
    start = in_family(TWO, structure)
    highest, expected = Problem(SMALL, structure).maximum(plain(start))
    for method in ("L-BFGS", "EM"):
        F = structured(SMALL, 2, structure, TWO, method=method, penalty=0)
        assert F.report.converged
        assert -F.report.neg_loglik == pytest.approx(highest, abs=1e-8)
        assert_same(F, ordered(expected), 1e-4)
        assert_of_family(F.mog.Sigmas, structure)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_weights_missing_values_and_noise_count_in_every_family(structure, rng):
    # Far enough apart that there is one optimum near the start.
    points = rng.normal(size=(60, 2)) @ [[1.0, 0.4], [0.0, 0.8]]
    points[::3] += [4.0, -3.0]
    points[::7, 0] = np.nan
    points[3::11, 1] = np.nan
    errors = rng.uniform(0.05, 0.4, points.shape)
    weight = rng.uniform(0.2, 2.0, len(points))
    noise = errors[:, :, None] ** 2 * np.eye(2)
    start = MixtureOfGaussians(
        weights=[0.6, 0.4], mus=[[0.0, 0.0], [4.0, -3.0]], Sigmas=np.tile(TWO.Sigmas[0], (2, 1, 1))
    )
    start = in_family(start, structure)
    highest, expected = Problem(points, structure, weight, noise).maximum(plain(start))
    F = FitMoG(points, 2, covariance=structure, missing="marginal", errors=errors)
    F.set_initial_params(from_mog=start)
    F.fit_data(sample_weight=weight, penalty=0)
    assert F.report.converged
    assert -F.report.neg_loglik == pytest.approx(highest, abs=1e-7)
    assert_same(F, ordered(expected), 1e-3)
    assert_of_family(F.mog.Sigmas, structure)


@pytest.mark.parametrize("structure", SIMPLE)
def test_a_domain_counts_in_every_family(structure):
    box = np.array([[-1.5, 0.0], [2.0, 3.0]])
    points = SMALL[((box[0] < SMALL) & (box[1] > SMALL)).all(axis=1)]
    start = in_family(TWO, structure)
    highest, expected = Problem(points, structure, box=box).maximum(plain(start))
    F = FitMoG(points, 2, domain=box.T.tolist(), covariance=structure)
    F.set_initial_params(from_mog=start)
    F.fit_data(penalty=0)
    assert F.report.converged
    assert -F.report.neg_loglik == pytest.approx(highest, abs=1e-6)
    assert_same(F, ordered(expected), 2e-2)  # few points tell little of what lies outside


@pytest.mark.parametrize("structure", ["full", "tied"])
def test_tied_covariances_in_a_domain_are_at_an_optimum(structure):
    F = FitMoG(POINTS[POINTS[:, 0] > 0], 2, domain=[(0, None), None], covariance=structure)
    F.fit_data(random_state=1)
    assert F.report.converged
    assert_of_family(F.mog.Sigmas, structure)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("method", ["L-BFGS-B", "Newton-CG", "SLSQP", "trust-constr"])
def test_methods_of_scipy_end_where_ours_do(structure, method):
    ours = structured(POINTS[:600], 2, structure, TWO)
    theirs = structured(POINTS[:600], 2, structure, TWO, method=method)
    assert theirs.report.neg_loglik == pytest.approx(ours.report.neg_loglik, abs=1e-4)
    assert_of_family(theirs.mog.Sigmas, structure)


# -- against scikit-learn ------------------------------------------------------------------------


@pytest.mark.parametrize("structure", ["full", "diag", "spherical", "tied"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scikit_learn_never_finds_better(structure, seed):
    mixture = pytest.importorskip("sklearn.mixture")
    rng = np.random.default_rng(seed)
    centres = rng.permutation([[0.0, 0, 0], [4, 0, 2], [0, 3, -4], [5, 5, 5]])
    points = centres[rng.integers(0, 4, 500)] + rng.normal(size=(500, 3)) * [1.0, 0.7, 1.5]
    theirs = mixture.GaussianMixture(
        4, covariance_type=structure, n_init=2, tol=1e-6, max_iter=500, reg_covar=0, random_state=0
    ).fit(points)
    ours = structured(points, 4, structure)
    assert -ours.report.neg_loglik >= theirs.score(points) * len(points) - 1e-4


# -- families and one another --------------------------------------------------------------------


def test_a_larger_family_fits_better():
    reached = {s: -structured(POINTS, 3, s).report.neg_loglik for s in STRUCTURES}
    for smaller, larger in (
        ("diag", "full"),
        ("spherical", "diag"),
        ("tied", "full"),
        ("tied_diag", "diag"),
        ("tied_diag", "tied"),
        ("tied_spherical", "spherical"),
        ("tied_spherical", "tied_diag"),
    ):
        assert reached[smaller] < reached[larger] + 1e-6


@pytest.mark.parametrize("structure", STRUCTURES)
def test_nearest_members_are_those_of_the_core(structure):
    from mogfit import _core

    near = _core.constrained(START._prepared, structure)
    ours = constrain_covariances(np.array(START.Sigmas), START.weights, structure)
    np.testing.assert_allclose(near.covariances, ours, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(ours, in_family(START, structure).Sigmas, rtol=1e-14)


# -- invariances ---------------------------------------------------------------------------------


@pytest.mark.parametrize("structure", ["full", "diag", "tied", "tied_diag"])
def test_columns_may_have_any_units(structure):
    units = np.array([1e-6, 1e8])
    a = structured(POINTS, 3, structure)
    b = structured(POINTS * units, 3, structure)
    np.testing.assert_allclose(b.mog.weights, a.mog.weights, atol=1e-5)
    np.testing.assert_allclose(b.mog.mus / units, a.mog.mus, atol=1e-5)
    np.testing.assert_allclose(b.mog.sigmas / units, a.mog.sigmas, rtol=1e-5)
    shift = len(POINTS) * np.log(units).sum()
    assert b.report.neg_loglik - shift == pytest.approx(a.report.neg_loglik, abs=1e-5)


@pytest.mark.parametrize("structure", ["spherical", "tied_spherical"])
def test_spherical_fits_have_one_unit_and_no_axes(structure):
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    start = in_family(START, structure)
    turned = MixtureOfGaussians(
        weights=start.weights, mus=1e9 * start.mus @ turn.T, Sigmas=1e18 * start.Sigmas
    )
    a = structured(POINTS, 3, structure, start)
    b = structured(1e9 * POINTS @ turn.T, 3, structure, turned)
    np.testing.assert_allclose(b.mog.mus / 1e9 @ turn, a.mog.mus, atol=1e-5)
    np.testing.assert_allclose(b.mog.sigmas / 1e9, a.mog.sigmas, rtol=1e-5)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_whole_weights_are_repetitions_and_their_unit_is_free(structure, rng):
    weight = rng.integers(0, 4, len(SMALL))
    a = structured(SMALL, 2, structure, TWO, sample_weight=weight)
    b = structured(np.repeat(SMALL, weight, axis=0), 2, structure, TWO)
    c = structured(SMALL, 2, structure, TWO, sample_weight=1000.0 * weight)
    np.testing.assert_allclose(parameters(b.mog), parameters(a.mog), atol=1e-10)
    np.testing.assert_allclose(parameters(c.mog), parameters(a.mog), atol=1e-10)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_threads_and_layout_change_no_bit(structure):
    points = np.repeat(POINTS, 4, axis=0) + np.random.default_rng(0).normal(size=(12000, 2))
    a = structured(points, 3, structure, threads=1)
    b = structured(np.asfortranarray(points), 3, structure, threads=3)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()


# -- starts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("structure", [*SIMPLE, "tied"])
def test_searches_find_the_clusters(structure):
    # A hundred columns of a grid: every start but a good one ends elsewhere.
    rng = np.random.default_rng(4)
    centres = np.array(list(itertools.product([0.0, 6.0, 12.0], [0.0, 6.0, 12.0])))
    points = centres[rng.integers(0, 9, 4000)] + rng.normal(size=(4000, 2))
    F = structured(points, 9, structure)
    distances = np.linalg.norm(F.mog.mus[:, None] - centres, axis=2)
    assert (distances.min(axis=0) < 0.3).all()
    assert F.report.starts[0].chosen
    assert_of_family(F.mog.Sigmas, structure)


def test_a_start_that_is_not_of_the_family_is_brought_there_and_told():
    F = FitMoG(POINTS, 3, covariance="diag")
    F.set_initial_params(from_mog=START)
    with pytest.warns(
        DataWarning,
        match=r"starting covariance of component 2 is not of the family of covariance='diag'",
    ):
        F.fit_data()
    direct = structured(POINTS, 3, "diag", START)
    np.testing.assert_allclose(F.mog.params, direct.mog.params, atol=1e-9)


def test_starting_means_alone_are_a_start_of_every_family():
    for structure in STRUCTURES:
        F = FitMoG(POINTS, 3, covariance=structure)
        F.set_initial_params(mus=START.mus)
        F.fit_data()
        assert F.report.converged
        assert F.report.starts == ()


@pytest.mark.parametrize("structure", STRUCTURES)
def test_identical_and_empty_starts_are_mended_in_the_family(structure):
    F = FitMoG(POINTS, 3, covariance=structure)
    F.set_initial_params(mus=[[0.0, 0.0], [0.0, 0.0], [1e6, 1e6]], sigmas=[1.0, 1.0], rhos=[0.0])
    with pytest.warns(DataWarning) as told:
        F.fit_data()
    assert [str(w.message).split(";")[0] for w in told] == [
        "starting component 2 holds no points, being far from all of them or without weight",
        "starting components 0, 1 are identical",
    ]
    assert F.report.converged
    assert_of_family(F.mog.Sigmas, structure)


def test_another_structure_searches_anew_and_is_kept():
    F = fit()
    F.fit_data(covariance="tied", random_state=1)
    assert F.covariance == F.report.covariance == "tied"
    assert len(F.report.starts) > 1
    F.fit_data()
    assert F.report.covariance == "tied"
    assert F.report.starts == ()
    direct = structured(POINTS, 3, "tied").report.neg_loglik
    assert F.report.neg_loglik == pytest.approx(direct, abs=1e-6)


def test_a_failure_leaves_the_structure_as_it_was():
    F = fit()
    with pytest.raises(InputError):
        F.fit_data(covariance="diag", tol=-1)
    assert F.covariance == "full"

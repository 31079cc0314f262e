"""Data that lack what some families of covariances need, and what fits say of them."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import (
    ConvergenceWarning,
    DegeneracyWarning,
    DegenerateError,
    FitMoG,
    InputError,
    MixtureOfGaussians,
)
from mogfit.inference.checks import check_enough_rows, measure_spread
from mogfit.inference.structure import STRUCTURES, constrain_covariances
from tests.fitting import POINTS, START, fit, observed
from tests.inference.test_structured_fits import SIMPLE, SMALL, TIED, structured


@pytest.mark.parametrize(
    ("structure", "words", "needed"),
    [
        ("full", "full", 4),
        ("tied", "tied", 4),
        ("diag", "diag", 2),
        ("tied_diag", "tied diag", 2),
        ("spherical", "spherical", 2),
        ("tied_spherical", "tied spherical", 2),
    ],
)
@pytest.mark.filterwarnings("ignore:.*parameters for:mogfit.DataWarning")
def test_rows_that_a_structure_needs(structure, words, needed):
    points = np.random.default_rng(0).normal(size=(needed, 3))
    check_enough_rows(observed(points), 1, structure)
    with pytest.raises(
        DegenerateError, match=rf"a {words} covariance in d=3 needs {needed}; bring"
    ):
        check_enough_rows(observed(points[1:]), 1, structure)
    with pytest.raises(DegenerateError, match=rf"are identical .* needs {needed} distinct rows"):
        check_enough_rows(observed(np.ones((9, 3))), 1, structure)


def test_the_message_names_the_family_that_would_do():
    with pytest.raises(DegenerateError, match=r"or use covariance='diag'$"):
        check_enough_rows(observed(SMALL[:2]), 1)
    with pytest.raises(DegenerateError, match=r"or use covariance='tied_diag'$"):
        measure_spread(observed(SMALL[:, [0, 0]]), None, 1, "tied")


@pytest.mark.parametrize("errors", [None, 0.1])
@pytest.mark.parametrize("structure", SIMPLE)
def test_diagonal_fits_take_collinear_columns(structure, errors):
    points = np.column_stack([POINTS, POINTS @ [1.0, 2.0]])[:400]
    F = FitMoG(points, 2, covariance=structure, errors=errors)
    F.fit_data(random_state=1)
    assert F.report.converged


def test_only_spherical_fits_take_constant_columns():
    points = np.column_stack([POINTS[:400], np.full(400, 3.0)])
    for structure in ("diag", "tied_diag", "full", "tied"):
        with pytest.raises(DegenerateError, match=r"column 2 is constant \(3\); drop it"):
            structured(points, 2, structure)
    for structure in ("spherical", "tied_spherical"):
        assert structured(points, 2, structure).report.converged


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_penalty_holds_up_what_collapses(structure):
    points = np.concatenate([POINTS[:500], np.tile([30.0, 30.0], (6, 1))])
    start = MixtureOfGaussians(
        weights=[0.5, 0.48, 0.02],
        mus=[[0.0, 0.0], [1.0, 1.0], [30.0, 30.0]],
        Sigmas=np.tile(np.eye(2), (3, 1, 1)),
    )
    if structure in TIED:
        F = structured(points, 3, structure, start)  # the other points hold it up
        assert F.report.penalized_components == ()
        return
    with pytest.warns(DegeneracyWarning, match="component 2 is held up by the penalty"):
        F = structured(points, 3, structure, start)
    # Six points, of no spread of their own: the penalty's optimum is 2 c S / (6 + 2 c).
    pseudo = 2e-9 * len(points)
    reference = constrain_covariances(np.cov(points.T, bias=True)[None], np.ones(1), structure)[0]
    np.testing.assert_allclose(F.mog.Sigmas[2], pseudo * reference / (6 + pseudo), rtol=1e-4)
    assert F.report.penalized_components == (2,)


def test_a_tied_covariance_without_spread_is_held_up_in_all_components():
    points = np.repeat([[0.0, 0.0], [1.0, 5.0], [9.0, 2.0]], 20, axis=0)
    with pytest.warns(DegeneracyWarning, match="components 0, 1, 2 are held up by the penalty"):
        structured(points, 3, "tied")


def test_columns_never_seen_together_matter_to_covariances_alone():
    points = np.array(POINTS[:400])
    points[::2, 0] = np.nan
    points[1::2, 1] = np.nan
    F = FitMoG(points, 1, covariance="diag", missing="marginal")
    F.fit_data()
    np.testing.assert_allclose(F.mog.mus[0], np.nanmean(points, axis=0), rtol=1e-6)
    np.testing.assert_allclose(F.mog.sigmas[0], np.nanstd(points, axis=0), rtol=1e-6)
    with pytest.warns(DegeneracyWarning, match="never seen together"):
        FitMoG(points, 1, covariance="tied", missing="marginal").fit_data()


@pytest.mark.parametrize("structure", STRUCTURES)
def test_noise_that_hides_a_width_is_told(structure, rng):
    points = rng.normal(size=(300, 2)) * 1.0
    F = FitMoG(points, 1, errors=1.0, covariance=structure)
    with pytest.warns(DegeneracyWarning, match="as narrow in some direction as if"):
        F.fit_data(random_state=1)
    resolved = FitMoG(3.0 * points, 1, errors=1.0, covariance=structure)
    resolved.fit_data(random_state=1)


# -- what is not offered -------------------------------------------------------------------------


def test_bounds_are_those_of_full_covariances():
    F = FitMoG(POINTS, 2, covariance="diag")
    F.set_bounds(bounds=(0.1, 5.0))
    with pytest.raises(
        InputError, match=r"^bounds: fits under bounds are those of full .*covariance='diag' seen"
    ):
        F.fit_data()
    F.fit_data(covariance="full")
    assert F.report.method == "L-BFGS-B with bounds"


@pytest.mark.parametrize("covariance", ["diagonal", "Full", 3, None, True])
def test_structures_are_named(covariance):
    with pytest.raises(InputError, match=r"^covariance: .* seen; allowed: 'full', 'diag'"):
        FitMoG(POINTS, 2, covariance=covariance)
    if covariance is not None:
        with pytest.raises(InputError, match=r"^covariance: .* seen; allowed: 'full', 'diag'"):
            FitMoG(POINTS, 2).fit_data(covariance=covariance)


def test_a_limit_on_iterations_is_told_in_every_family():
    for structure in STRUCTURES:
        with pytest.warns(ConvergenceWarning, match="iteration limit 1 reached"):
            structured(POINTS, 3, structure, START, options={"maxiter": 1})


def test_the_report_says_which_family():
    text = str(structured(POINTS, 3, "tied_diag").report)
    assert "3 components, 2 variables, tied_diag covariances, 10 parameters" in text
    assert "covariances" not in str(fit().report)

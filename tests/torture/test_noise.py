"""Errors of measurement: what they do, and what of them is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mogfit import DataWarning, DomainError, FitMoG, InputError, MoGWarning
from tests.fitting import TRUTH, parameters
from tests.torture.observed import (
    BOXED,
    COVARIANCES,
    DEVIATIONS,
    GONE,
    HOLED,
    METHODS,
    POINTS,
    START,
    N,
    changed,
    fit,
    whole_state,
)

# Errors of measurement

ZERO = [0.0, np.zeros(2), np.zeros((N, 2)), np.zeros((1, 2, 2)), np.zeros((N, 2, 2))]


@pytest.mark.parametrize("errors", ZERO, ids=lambda errors: str(np.shape(errors)))
def test_errors_of_zero_are_none(errors):
    for data, missing in ((POINTS, "error"), (HOLED, "marginal")):
        F, G = (
            FitMoG(data, 3, missing=missing, errors=errors),
            FitMoG(data, 3, missing=missing),
        )
        for H in (F, G):
            H.set_initial_params(from_mog=TRUTH)
        assert F.log_l() == pytest.approx(G.log_l(), rel=1e-12)
        seen = TRUTH.logpdf(data, errors=errors, missing="marginal")
        expected = TRUTH.logpdf(data, missing="marginal")
        np.testing.assert_allclose(seen, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(TRUTH.impute(HOLED, errors=errors), TRUTH.impute(HOLED), rtol=1e-10)
    np.testing.assert_array_equal(TRUTH.classify(POINTS, errors=errors), TRUTH.classify(POINTS))
    drawn = TRUTH.rvs(N, errors=errors, rng=1)
    np.testing.assert_array_equal(drawn, TRUTH.rvs(N, rng=1))


@pytest.mark.parametrize("large", [1e8, 1e50, 1e150])
@pytest.mark.parametrize("method", METHODS)
def test_a_huge_error_is_a_missing_value(large, method):
    errors = np.where(GONE, large, DEVIATIONS)
    # Each such value costs its log density, which is that of the noise alone.
    cost = GONE.sum() * np.log(large * np.sqrt(2 * np.pi))
    F = fit(POINTS, errors=errors, method=method)
    expected = fit(HOLED, missing="marginal", errors=DEVIATIONS, method=method)
    assert F.report.neg_loglik - cost == pytest.approx(expected.report.neg_loglik, abs=1e-5)
    np.testing.assert_allclose(parameters(F.mog), parameters(expected.mog), atol=1e-3)
    infinite = fit(
        POINTS, missing="marginal", errors=np.where(GONE, np.inf, DEVIATIONS), method=method
    )
    assert infinite.report.neg_loglik == pytest.approx(expected.report.neg_loglik, rel=1e-13)


@pytest.mark.parametrize("size", [1e-160, 1e-150, 1e-30, 1e30, 1e100, 1e150])
def test_errors_of_any_size_end_without_a_number_that_is_none(size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MoGWarning)
        for errors in (size, np.full((N, 2), size), np.tile(size**2 * np.eye(2), (N, 1, 1))):
            F = fit(POINTS, errors=errors)
            assert np.isfinite(F.report.neg_loglik)
            assert np.isfinite(F.mog.params).all()


BAD_ERRORS = [
    (-0.1, "errors: -0.1 seen"),
    (np.nan, "errors: nan seen"),
    ("a", "errors"),
    ([0.1, -0.2], "first at column 1: -0.2"),
    (changed(DEVIATIONS, (5, 1), -1.0), "first at row 5, column 1: -1"),
    (changed(DEVIATIONS, (5, 1), np.nan), "first at row 5, column 1: nan"),
    (changed(DEVIATIONS, (5, 1), np.inf), "row 5, column 1; allowed: finite errors"),
    (DEVIATIONS[1:], r"shape \(399, 2\) seen"),
    (DEVIATIONS[:, :1], r"shape \(400, 1\) seen"),
    (np.ones((N, 2, 3)), r"shape \(400, 2, 3\) seen"),
    (np.ones((N, 1, 2, 2)), r"shape \(400, 1, 2, 2\) seen"),
    (changed(COVARIANCES, 6, [[1.0, 2.0], [2.0, 1.0]]), "not positive semi-definite, .* row 6"),
    (changed(COVARIANCES, (6, 0, 1), 0.3), "not symmetric, first at row 6"),
    (changed(COVARIANCES, (6, 0, 0), -1.0), "row 6, column 0: -1"),
    ([[1.0, 2.0], [2.0, 1.0]], "covariance of all points is not positive semi-definite"),
]


@pytest.mark.parametrize(("errors", "words"), BAD_ERRORS, ids=lambda value: str(np.shape(value)))
def test_errors_that_are_none_are_named_everywhere_and_change_nothing(errors, words):
    F = FitMoG(POINTS, 2)
    F.set_initial_params(from_mog=START)
    before = whole_state(F)
    calls = [
        lambda: FitMoG(POINTS, 2, errors=errors),
        lambda: F.fit_data(errors=errors),
        lambda: F.fit_data(POINTS, errors=errors),
        lambda: F.log_l(errors=errors),
        lambda: F.log_l(POINTS, errors=errors),
        lambda: TRUTH.log_likelihood(POINTS, errors=errors),
        lambda: TRUTH.classify(POINTS, errors=errors),
    ]
    if "finite errors" not in words:  # elsewhere these are values that are missing
        calls += [
            lambda: TRUTH.logpdf(POINTS, errors=errors),
            lambda: TRUTH.pdf(POINTS, errors=errors),
            lambda: TRUTH.predict(POINTS, errors=errors),
            lambda: TRUTH.impute(POINTS, errors=errors),
            lambda: TRUTH.rvs(N, errors=errors),
        ]
    for call in calls:
        with pytest.raises((InputError, TypeError), match=words):
            call()
    assert whole_state(F) == before


@pytest.mark.parametrize("mog", [TRUTH, BOXED], ids=["free", "in a box"])
def test_a_density_at_a_value_with_an_infinite_error_is_that_of_a_missing_one(mog):
    points = np.abs(POINTS[:5])
    every = changed(np.full((5, 2), 0.1), (slice(None), 0), np.inf)
    full = np.tile(np.diag([np.inf, 0.01]), (5, 1, 1))
    expected = mog.logpdf(changed(points, (slice(None), 0), np.nan), errors=0.1, missing="marginal")
    for errors in ([np.inf, 0.1], every, full, full[:1]):
        assert np.isnan(mog.logpdf(points, errors=errors)).all()
        seen = mog.logpdf(points, errors=errors, missing="marginal")
        np.testing.assert_allclose(seen, expected, rtol=1e-12)
    # Also where only one value is missing, whose error may be anything.
    holed = changed(points, (0, 0), np.nan)
    expected = changed(mog.logpdf(points, errors=0.1), 0, np.nan)
    for error in (0.1, np.nan, np.inf):
        every = changed(np.full((5, 2), 0.1), (0, 0), error)
        full = changed(np.tile(0.01 * np.eye(2), (5, 1, 1)), 0, [[error, np.nan], [np.nan, 0.01]])
        for errors in (every, full):
            np.testing.assert_allclose(mog.logpdf(holed, errors=errors), expected, rtol=1e-12)
    assert np.isnan(mog.rvs(5, errors=[np.inf, 0.1], rng=1)[:, 0]).all()


def test_an_exact_value_outside_the_domain_is_found_among_noisy_ones():
    data, errors = np.abs(POINTS), np.full((N, 2), 0.1)
    data[4, 0], data[9, 0] = -0.05, -1.0
    errors[9, 0] = 0.0
    covariances = np.einsum("ni,ij->nij", errors**2, np.eye(2))
    options = {"domain": [(0.0, None), None]}
    for noise in (errors, covariances):
        with pytest.raises(DomainError, match=r"1 of 400 rows .* row 9, column 0: -1"):
            FitMoG(data, 2, errors=noise, **options)
        with pytest.warns(DataWarning, match="1 of 400 rows"):
            F = FitMoG(data, 2, errors=noise, outside="drop", **options)
        np.testing.assert_array_equal(F.data, np.delete(data, 9, axis=0))
        assert np.isfinite(F.log_l())


def test_what_is_not_given_anew_stays_with_the_data_of_the_fit():
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    expected = FitMoG(POINTS, 2, errors=DEVIATIONS, projection=swap)
    expected.set_initial_params(from_mog=START)
    for F, given in (
        (FitMoG(POINTS, 2, projection=swap), {"errors": DEVIATIONS}),
        (FitMoG(POINTS, 2, errors=DEVIATIONS), {"projection": swap}),
        (FitMoG(POINTS, 2, errors=9.0, projection=swap), {"errors": DEVIATIONS}),
    ):
        F.set_initial_params(from_mog=START)
        assert F.log_l(**given) == expected.log_l()
        # Other data have nothing of it.
        assert F.log_l(POINTS) == pytest.approx(-START.logpdf(POINTS).sum(), rel=1e-12)


@pytest.mark.parametrize("projection", [3.0, [1.0, 1.0], np.ones((1, 3)), [[np.nan, 1.0]]])
def test_projections_that_are_none_are_named(projection):
    for call in (
        lambda: TRUTH.rvs(3, projection=projection),
        lambda: TRUTH.logpdf([[1.0]], projection=projection),
        lambda: FitMoG(POINTS[:, :1], 1, nvars=2, projection=projection),
    ):
        with pytest.raises(InputError, match="projection"):
            call()

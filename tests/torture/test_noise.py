"""Errors of measurement: what they do, and what of them is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
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
        lambda: F.quality_of_fit(errors=errors),
        lambda: TRUTH.logpdf(POINTS, errors=errors),
        lambda: TRUTH.pdf(POINTS, errors=errors),
        lambda: TRUTH.component_logpdf(POINTS, errors=errors),
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
        for missing in ("nan", "marginal", "error"):
            seen = mog.logpdf(points, errors=errors, missing=missing)
            np.testing.assert_allclose(seen, expected, rtol=1e-12)
        # A NaN beside it is still one.
        gone = changed(points, (2, 1), np.nan)
        given = {"X": gone, "errors": errors}
        np.testing.assert_allclose(mog.logpdf(**given), changed(expected, 2, np.nan), rtol=1e-12)
        np.testing.assert_array_equal(np.isnan(mog.pdf(**given)), np.isnan(mog.logpdf(**given)))
        for method in (mog.component_logpdf, mog.responsibilities):
            lost = np.isnan(method(**given)).all(axis=1)
            np.testing.assert_array_equal(lost, np.arange(5) == 2)
            np.testing.assert_array_equal(
                method(points, errors=errors)[~lost], method(**given)[~lost]
            )
        with pytest.raises(InputError, match="X: 1 of 10 values is NaN, first at row 2, column 1"):
            mog.logpdf(**given, missing="error")
        assert mog.log_likelihood(points, errors=errors) == pytest.approx(expected.sum())
        labels = mog.classify(changed(points, (slice(None), 0), np.nan), missing="marginal")
        np.testing.assert_array_equal(mog.classify(points, errors=errors), labels)
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
        # Nor does it go where the very data are given once more, in whatever form.
        for same in (POINTS, POINTS.copy(), POINTS.tolist()):
            assert F.log_l(same, **given) == expected.log_l()
        # Other data have nothing of it, which is told.
        other = POINTS + 1
        with pytest.warns(DataWarning, match="data: not those of the fit, whose"):
            assert F.log_l(other) == pytest.approx(-START.logpdf(other).sum(), rel=1e-12)
        exact = F.log_l(other, errors=0.0, projection=np.eye(2))
        assert exact == pytest.approx(-START.logpdf(other).sum(), rel=1e-12)


def test_other_data_without_errors_are_taken_as_exact_and_that_is_told():
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    other = POINTS + 1.0
    head = "data: not those of the fit, whose "
    for options, words in [
        (
            {"errors": 0.5},
            "errors they do not share; taken as exact; give errors= (0 if they are exact) with "
            "them",
        ),
        (
            {"projection": swap},
            "projection they do not share; taken as points themselves; give projection= "
            "(np.eye(2) if they are points themselves) with them",
        ),
        (
            {"errors": 0.5, "projection": swap},
            "errors and projection they do not share; taken as exact and points themselves; give "
            "errors= (0 if they are exact) and projection= (np.eye(2) if they are points "
            "themselves) with them",
        ),
    ]:
        F = fit(POINTS, **options)
        state = F.mog.params.tobytes()
        again = fit(POINTS, **options)
        again.fit_data(POINTS)  # errors stay: the fit is where it ended
        np.testing.assert_allclose(again.mog.params, F.mog.params, atol=1e-4)
        assert again._own.belongings.keys() == F._own.belongings.keys()
        for call in (F.log_l, F.norm_log_l, F.quality_of_fit, F.fit_data):
            with pytest.warns(DataWarning) as caught:
                call(other)
            assert str(caught[0].message) == head + words
        assert F.mog.params.tobytes() != state
        # After that the fit has exact data of its own.
        F.log_l(other)
        F.log_l(POINTS)
    F = fit(POINTS, errors=0.0)
    F.log_l(other)  # there was nothing to lose


@pytest.mark.parametrize("projection", [3.0, [1.0, 1.0], np.ones((1, 3)), [[np.nan, 1.0]]])
def test_projections_that_are_none_are_named(projection):
    for call in (
        lambda: TRUTH.rvs(3, projection=projection),
        lambda: TRUTH.logpdf([[1.0]], projection=projection),
        lambda: FitMoG(POINTS[:, :1], 1, nvars=2, projection=projection),
    ):
        with pytest.raises(InputError, match="projection"):
            call()


def test_errors_given_anew_are_held_to_the_domain():
    F = FitMoG(POINTS - 2, 1, errors=1.0, domain=[(0.0, None), None])
    outside = int((POINTS[:, 0] < 2).sum())
    for given in ({"errors": 0.0}, {"data": POINTS - 2, "errors": 0.0}):
        with pytest.raises(DomainError, match=rf"{outside} of 400 rows .*outside"):
            F.fit_data(**given)
    F.outside = "drop"
    with pytest.warns(DataWarning, match=rf"{outside} of 400 rows lie outside"):
        F.fit_data(errors=0.0, random_state=1)
    assert len(F.data) == N - outside
    # Weights may be of the rows there are, or of all that there were.
    full = np.arange(1.0, N + 1)
    losses = []
    for weights in (full, full[POINTS[:, 0] >= 2]):
        F.fit_data(sample_weight=weights, random_state=1, n_starts=2)
        losses.append(F.report.neg_loglik)
    assert losses[0] == losses[1]
    with pytest.raises(InputError, match=r"sample_weight: shape \(399,\) seen"):
        F.fit_data(sample_weight=full[1:])


def test_values_with_an_infinite_error_stay_with_the_fit():
    data, errors = POINTS.copy(), np.full((N, 2), 0.3)
    errors[:200, 1] = np.inf
    for missing in ("error", "marginal"):
        F = FitMoG(data, 2, errors=errors, missing=missing)
        F.set_initial_params(from_mog=START)
        assert F.data is data
        holed = changed(data, (slice(None, 200), 1), np.nan)
        expected = -START.logpdf(holed, errors=0.3, missing="marginal").sum()
        assert F.log_l() == pytest.approx(expected, rel=1e-12)
        assert F.log_l(errors=0.3) == pytest.approx(-START.logpdf(data, errors=0.3).sum())
        F.fit_data(random_state=1)
        assert F.data is data
        expected = fit(holed, errors=np.full((N, 2), 0.3), missing="marginal")
        assert F.mog.params.tobytes() == expected.mog.params.tobytes()
    with pytest.warns(DataWarning, match="200 of 400 rows"):
        F = FitMoG(data, 2, errors=errors, missing="drop")
    np.testing.assert_array_equal(F.data, data[200:])
    with pytest.raises(InputError, match="values is NaN"):
        FitMoG(changed(data, (0, 0), np.nan), 2, errors=errors)


def test_noise_of_draws_is_named_as_that():
    with pytest.raises(
        InputError, match=r"errors: shape \(3, 2\) .* with the draws of shape \(5, 2"
    ):
        TRUTH.rvs(5, errors=np.ones((3, 2)))
    with pytest.raises(InputError, match=r"projection: .* with the draws of shape \(5, 2"):
        TRUTH.rvs(5, projection=np.ones((3, 2, 2)))


def test_errors_by_the_names_of_the_variables():
    table = pd.DataFrame(POINTS, columns=["a", "b"])
    F = FitMoG(table, 2, errors={"b": 0.2, "a": DEVIATIONS[:, 0]})
    expected = np.column_stack([DEVIATIONS[:, 0], np.full(N, 0.2)])
    np.testing.assert_array_equal(F._own.deviations, expected)
    F.set_initial_params(from_mog=START)
    by_name = F.mog.logpdf(table, errors={"b": 0.2, "a": 0.1})
    np.testing.assert_array_equal(by_name, F.mog.logpdf(POINTS, errors=[0.1, 0.2]))
    drawn = F.mog.rvs(5, rng=1, errors={"b": 0.2, "a": 0.1})
    np.testing.assert_array_equal(drawn, F.mog.rvs(5, rng=1, errors=[0.1, 0.2]))


def test_quality_of_noisy_points_is_that_of_a_fit_that_has_them():
    F = fit(POINTS, errors=DEVIATIONS)
    expected = F.quality_of_fit(random_state=1)
    bare = FitMoG(ngauss=2, nvars=2)
    bare.set_initial_params(from_mog=F.mog)
    assert bare.quality_of_fit(POINTS, errors=DEVIATIONS, random_state=1) == expected
    assert bare.quality_of_fit(POINTS, random_state=1)["ks_dist"] != expected["ks_dist"]
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    swapped = bare.quality_of_fit(
        POINTS[:, ::-1], errors=DEVIATIONS[:, ::-1], projection=swap, random_state=1
    )
    assert swapped["ks_dist"] == pytest.approx(expected["ks_dist"], abs=0.02)
    holed = bare.quality_of_fit(HOLED, missing="marginal", random_state=1)
    assert holed["ks_dist"] < 0.2

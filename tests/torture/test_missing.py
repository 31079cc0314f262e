"""Missing values and weights: what they do, and what of them is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mogfit import DataWarning, FitMoG, InputError
from tests.fitting import TRUTH, parameters
from tests.torture.observed import (
    BOXED,
    COMPLETE,
    COVARIANCES,
    GONE,
    HOLED,
    KINDS,
    METHODS,
    POINTS,
    START,
    WEIGHTS,
    N,
    every_kind,
    fit,
    rows_of,
    whole_state,
)

# Missing values


@pytest.mark.parametrize("place", [(3, 1), (0, 0), (N - 1, 1)])
def test_one_nan_is_named_with_what_may_be_done(place):
    data = POINTS.copy()
    data[place] = np.nan
    row, column = place
    words = (
        rf"data: 1 of 800 values is NaN, first at row {row}, column {column}; .*"
        "missing='marginal' .* missing='drop'"
    )
    F = FitMoG(POINTS, 2)
    mog = F.mog
    for call in (
        lambda: FitMoG(data, 2),
        lambda: F.fit_data(data),
        lambda: F.log_l(data),
        lambda: F.norm_log_l(data),
        lambda: F.quality_of_fit(data),
    ):
        with pytest.raises(InputError, match=words):
            call()
    for method in (mog.classify, mog.log_likelihood):
        with pytest.raises(InputError, match=words.replace("data:", "X:")):
            method(data)
    named = pd.DataFrame(data, columns=["a", "b"])
    with pytest.raises(InputError, match=rf"column {column} \('{'ab'[column]}'\)"):
        FitMoG(named, 2)


def in_forms(holed):
    table = pd.DataFrame(POINTS, columns=["a", "b"]).mask(GONE)
    return {
        "masked": np.ma.masked_array(np.where(GONE, 1e300, holed), GONE),
        "masked NaN": np.ma.masked_array(holed, GONE),
        "float32 view": np.asfortranarray(holed),
        "lists with None": [[None if v != v else v for v in row] for row in holed.tolist()],
        "pandas": table,
        "pandas NA": table.astype("Float64"),
        "pandas objects": table.astype(object).where(~GONE, None),
        "pandas backwards": table.iloc[::-1].iloc[::-1],
    }


@pytest.mark.parametrize("form", in_forms(HOLED))
def test_a_missing_value_is_the_same_in_every_form(form):
    data = in_forms(HOLED)[form]
    expected = fit(HOLED, missing="marginal")
    F = fit(data, missing="marginal")
    assert F.mog.params.tobytes() == expected.mog.params.tobytes()
    assert F.log_l() == expected.log_l()
    np.testing.assert_array_equal(TRUTH.impute(data), TRUTH.impute(HOLED))
    np.testing.assert_array_equal(TRUTH.predict(data).mean, TRUTH.predict(HOLED).mean)
    np.testing.assert_array_equal(
        TRUTH.classify(data, missing="marginal"), TRUTH.classify(HOLED, missing="marginal")
    )
    np.testing.assert_array_equal(
        TRUTH.logpdf(data, missing="marginal"), TRUTH.logpdf(HOLED, missing="marginal")
    )
    with pytest.raises(InputError, match=f"{GONE.sum()} of {2 * N} values"):
        FitMoG(data, 2)


def test_the_likelihood_of_what_is_missing_is_that_of_the_columns_that_are_there():
    expected = np.zeros(N)
    expected[COMPLETE] = TRUTH.logpdf(HOLED[COMPLETE])
    for column in (0, 1):
        rows = GONE[:, 1 - column] & ~GONE[:, column]
        expected[rows] = TRUTH.marginal(column).logpdf(HOLED[rows, column])
    np.testing.assert_allclose(TRUTH.logpdf(HOLED, missing="marginal"), expected, rtol=1e-12)
    F = FitMoG(HOLED, 3, missing="marginal")
    F.set_initial_params(from_mog=TRUTH)
    assert F.log_l() == pytest.approx(-expected.sum(), rel=1e-12)
    assert F.norm_log_l() == pytest.approx(-expected.mean(), rel=1e-12)
    weighed = TRUTH.log_likelihood(HOLED, sample_weight=WEIGHTS, missing="marginal")
    assert weighed == pytest.approx(WEIGHTS @ expected, rel=1e-12)


@pytest.mark.parametrize("mog", [TRUTH, BOXED], ids=["free", "in a box"])
def test_rows_of_which_nothing_is_known(mog):
    nothing = np.full((2, 2), np.nan)
    np.testing.assert_allclose(mog.logpdf(nothing, missing="marginal"), 0.0, atol=1e-12)
    np.testing.assert_allclose(mog.predict(nothing).mean, [mog.mean()] * 2, rtol=1e-9)
    labels = mog.classify(nothing, missing="marginal")
    assert (labels == np.argmax(mog.weights)).all()
    F = fit(np.concatenate([HOLED, nothing]), missing="marginal", tol=1e-9)
    expected = fit(HOLED, missing="marginal", tol=1e-9)
    np.testing.assert_allclose(parameters(F.mog), parameters(expected.mog), atol=1e-6)
    with pytest.raises(InputError, match="2 of 2 columns are without a value"):
        FitMoG(nothing, 1, missing="marginal")


def test_rows_that_are_dropped_take_everything_with_them():
    options = {"errors": COVARIANCES, "sample_weight": WEIGHTS}
    expected = fit(POINTS[COMPLETE], **rows_of(options, COMPLETE))
    F = FitMoG(ngauss=2, nvars=2, missing="drop")
    F.set_initial_params(from_mog=START)
    with pytest.warns(DataWarning, match=f"{(~COMPLETE).sum()} of {N} rows are left out"):
        F.fit_data(HOLED, random_state=1, **options)
    assert F.mog.params.tobytes() == expected.mog.params.tobytes()
    assert F.data.tobytes() == POINTS[COMPLETE].tobytes()
    # The same rows once more, in full or without those that were dropped, are the data of the fit.
    loss = F.norm_log_l()
    assert F.norm_log_l(HOLED) == F.norm_log_l(POINTS[COMPLETE]) == loss
    assert F.norm_log_l(errors=COVARIANCES) == F.norm_log_l(errors=COVARIANCES[COMPLETE]) == loss
    for weights in (WEIGHTS, WEIGHTS[COMPLETE]):
        F.set_initial_params(from_mog=START)
        F.fit_data(random_state=1, sample_weight=weights)
        assert F.mog.params.tobytes() == expected.mog.params.tobytes()
    with pytest.warns(DataWarning) as caught:
        other = F.norm_log_l(2 * HOLED, errors=0.5)
    assert len(caught) == 1
    assert other == pytest.approx(F.norm_log_l(2 * POINTS[COMPLETE], errors=0.5))


def test_data_in_the_place_of_others_are_checked_when_they_are_used():
    F = FitMoG(POINTS, 2)
    for data, words in [
        (HOLED, "values are NaN"),
        (HOLED.tolist(), "values are NaN"),
        (POINTS[:, :1], r"shape \(400, 1\) seen"),
    ]:
        F.data = data
        for call in (F.log_l, F.fit_data, F.quality_of_fit, F.plot_fit):
            with pytest.raises(InputError, match=words):
                call()
    F.data = POINTS.tolist()
    assert F.log_l() == FitMoG(POINTS, 2).log_l()
    G = FitMoG(POINTS, 2, missing="marginal")
    G.data = HOLED
    assert G.log_l() == FitMoG(HOLED, 2, missing="marginal").log_l()


def test_each_method_lists_what_a_missing_value_may_mean():
    F = FitMoG(POINTS, 2)
    together = "'error', 'marginal', 'drop'"
    alone = "'nan', 'marginal', 'error'"
    for calls, refused, allowed in [
        (
            [TRUTH.log_likelihood, TRUTH.classify, F.fit_data, F.log_l, F.norm_log_l,
             F.quality_of_fit, lambda X, missing: FitMoG(X, 2, missing=missing)],
            ("nan", "dropp", 1, True),
            together,
        ),
        (
            [TRUTH.pdf, TRUTH.logpdf, TRUTH.component_logpdf, TRUTH.responsibilities],
            ("drop", "none", 1, None),
            alone,
        ),
    ]:  # fmt: skip
        for call in calls:
            for missing in refused:
                with pytest.raises(
                    InputError, match=f"missing: {missing!r} seen; allowed: {allowed}"
                ):
                    call(POINTS, missing=missing)


def test_a_fit_may_be_told_later_what_is_missing():
    expected = fit(HOLED, missing="marginal")
    F = FitMoG(ngauss=2, nvars=2)
    F.set_initial_params(from_mog=START)
    with pytest.raises(InputError, match="missing='marginal' uses"):
        F.log_l(HOLED)
    marginal = -START.logpdf(HOLED, missing="marginal").sum()
    assert F.log_l(HOLED, missing="marginal") == pytest.approx(marginal, rel=1e-12)
    assert F.norm_log_l(HOLED, missing="marginal") == pytest.approx(marginal / N, rel=1e-12)
    assert F.missing == "error"
    with pytest.raises(InputError, match="missing='marginal' uses"):
        F.fit_data(HOLED, missing="error")
    F.fit_data(HOLED, missing="marginal", random_state=1)
    assert F.mog.params.tobytes() == expected.mog.params.tobytes()
    assert F.missing == "marginal"
    # The same data in another way.
    with pytest.raises(InputError, match="missing='marginal' uses"):
        F.log_l(missing="error")
    with pytest.warns(DataWarning, match="rows are left out"):
        dropped = F.log_l(missing="drop")
    assert dropped == pytest.approx(-F.mog.logpdf(POINTS[COMPLETE]).sum(), rel=1e-12)
    assert len(F.data) == N


def test_a_likelihood_needs_no_value_in_each_column():
    row = [[np.nan, 1.0]]
    expected = TRUTH.marginal(1).logpdf(1.0)
    assert TRUTH.log_likelihood(row, missing="marginal") == pytest.approx(expected, rel=1e-12)
    F = FitMoG(ngauss=3, nvars=2, missing="marginal")
    F.set_initial_params(from_mog=TRUTH)
    assert F.log_l(row) == F.norm_log_l(row) == pytest.approx(-expected, rel=1e-12)
    with pytest.raises(InputError, match="1 of 2 columns is without a value"):
        F.fit_data(row)


# Weights


@every_kind
@pytest.mark.parametrize("method", METHODS)
def test_rows_of_weight_0_are_absent_to_the_last_bit(kind, method):
    data, options = KINDS[kind]
    rows = WEIGHTS > 0
    a = fit(data, **options, sample_weight=WEIGHTS, method=method)
    b = fit(data[rows], **rows_of(options, rows), sample_weight=WEIGHTS[rows], method=method)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.neg_loglik == b.report.neg_loglik


@every_kind
def test_a_thousand_times_the_weights_is_the_same_estimate(kind):
    data, options = KINDS[kind]
    weights = WEIGHTS + 0.5
    a = fit(data, **options, sample_weight=weights, tol=1e-9)
    b = fit(data, **options, sample_weight=1000 * weights, tol=1e-9)
    np.testing.assert_allclose(parameters(a.mog), parameters(b.mog), atol=1e-7)
    assert b.report.neg_loglik == pytest.approx(1000 * a.report.neg_loglik, rel=1e-10)


@every_kind
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.where(np.arange(N) == 3, -0.5, 1.0), "negative or not finite, first at index 3: -0.5"),
        (np.where(np.arange(N) == 7, np.nan, 1.0), "index 7: nan"),
        (np.where(np.arange(N) == 7, np.inf, 1.0), "index 7: inf"),
        (np.zeros(N), "all 400 weights are 0"),
        (WEIGHTS[1:], r"shape \(399,\) seen, shape \(400,\) expected"),
    ],
)
def test_weights_that_are_none_are_named_and_change_nothing(kind, weights, words):
    data, options = KINDS[kind]
    F = FitMoG(data, 2, **options)
    F.set_initial_params(from_mog=START)
    before = whole_state(F)
    for given in ({}, {"data": data, "errors": options.get("errors")}):
        with pytest.raises(InputError, match=words):
            F.fit_data(**given, sample_weight=weights)
        assert whole_state(F) == before


def test_weights_that_leave_nothing_of_a_column_are_named():
    weights = np.where(GONE[:, 0], 1.0, 0.0)
    F = FitMoG(HOLED, 2, missing="marginal")
    for data in (None, HOLED):
        with pytest.raises(InputError, match="without a value in a row of positive weight"):
            F.fit_data(data, sample_weight=weights)

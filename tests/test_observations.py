"""Observations: missing values, and what belongs to the points kept beside them."""

from __future__ import annotations

import doctest
import pickle
import tracemalloc
import types

import numpy as np
import pytest

from mogfit import (
    _core,
    data,
    noise,
    noise_covariances,
    observation_checks,
    observations,
    observed_rows,
    projections,
)
from mogfit.data import as_points
from mogfit.errors import DataWarning, DtypeError, InputError
from mogfit.observations import as_observations, seen_as, weighted

RNG = np.random.default_rng(41)
X = RNG.normal(size=(500, 2))
X.flags.writeable = False
NAMES = ("a", "b")
DEVIATIONS = RNG.uniform(0.1, 1, size=(500, 2))
COVARIANCES = DEVIATIONS[:, :, None] * DEVIATIONS[:, None] * [[1, 0.5], [0.5, 1]]
WEIGHT = RNG.uniform(size=500)
PROJECTION = RNG.normal(size=(500, 2, 3))

CHOICES = "missing='marginal' uses the rest of such a row, missing='drop' leaves the row out"


def changed(array, index, value):
    copy = np.array(array, float)
    copy[index] = value
    return copy


def message(*args, **kwargs):
    with pytest.raises(InputError) as caught:
        as_observations(*args, **kwargs)
    return str(caught.value)


WITH_NAN = changed(X, (3, 1), np.nan)


# Complete data


@pytest.mark.parametrize("missing", ["error", "marginal", "drop", "nan"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("layout", ["C", "F", "step", "reversed", "stride 0"])
def test_complete_data_are_read_where_they_lie(missing, dtype, layout):
    given = np.asarray(X, dtype, order="F" if layout == "F" else "C")
    if layout == "step":
        given = given[::3]
    elif layout == "reversed":
        given = given[::-1, ::-1]
    elif layout == "stride 0":
        given = np.broadcast_to(given[:1], (500, 2))
    for extra in ({}, {"errors": 0.1, "sample_weight": np.ones(len(given))}):
        seen = as_observations(given, names=NAMES, missing=missing, **extra)
        assert seen.values.strides == given.strides
        assert seen.values.__array_interface__["data"] == given.__array_interface__["data"]
        assert seen.values.dtype == dtype
        assert (seen.nvars, seen.names, seen.incomplete) == (2, NAMES, False)
        assert seen.n_points == seen.total == len(given)
        assert not seen.single
        assert seen.projection is None
        assert seen.noisy is bool(extra)


def test_the_short_way_gives_the_same_as_the_long_way():
    for given, nvars in [(X, 2), (X[0], 2), (X[0].tolist(), 2), (0.5, 1), (X[:, 0], 1)]:
        settings = {"nvars": nvars, "single_row_ok": True, "missing": "nan", "name": "X"}
        short = as_observations(given, **settings)
        long = as_observations(given, errors=0.0, **settings)
        np.testing.assert_array_equal(short.values, long.values)
        for name in ("nvars", "names", "single", "incomplete", "weight", "projection", "total"):
            assert getattr(short, name) == getattr(long, name), name
        assert not short.noisy
        assert long.noisy


@pytest.mark.parametrize("given", [X, WITH_NAN, changed(X, (0, 0), np.inf)])
def test_densities_do_not_look_at_values(given, monkeypatch):
    monkeypatch.setattr(_core, "count_nonfinite", None)
    for extra in ({}, {"errors": 0.1}, {"sample_weight": WEIGHT}):
        seen = as_observations(given, missing="nan", **extra)
        assert seen.values is given or np.shares_memory(seen.values, given)
        assert not seen.incomplete


def test_shapes_are_judged_as_those_of_points():
    for given, settings in [
        (np.zeros((2, 2, 2)), {}),
        (np.zeros((3, 2)), {"nvars": 3}),
        (np.zeros((0, 2)), {}),
        (None, {}),
    ]:
        with pytest.raises(InputError) as expected:
            as_points(given, **settings)
        assert message(given, **settings) == str(expected.value)
    assert as_observations(np.zeros((0, 2)), allow_empty=True, errors=0.1).n_points == 0


def test_an_unknown_policy():
    assert message(X, missing="dropp") == (
        "missing: 'dropp' seen; allowed: 'error', 'marginal', 'drop'; did you mean 'drop'?"
    )
    assert "missing: None seen; allowed: " in message(X, missing=None)


# Missing values


def test_one_nan_of_a_thousand():
    assert message(WITH_NAN, names=NAMES) == (
        "data: 1 of 1000 values is NaN, first at row 3, column 1 ('b'); allowed: finite numbers; "
        + CHOICES
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda values, library: np.ma.masked_invalid(values), "masked or NaN"),
        (lambda values, pandas: pandas.DataFrame(values).convert_dtypes(), "missing (NA or NaN)"),
        (lambda values, polars: polars.DataFrame(values).fill_nan(None), "missing (null or NaN)"),
        (
            lambda values, pyarrow: pyarrow.table(
                [pyarrow.array(column, from_pandas=True) for column in values.T], names=["0", "1"]
            ),
            "missing (null or NaN)",
        ),
        (lambda values, library: values.tolist(), "NaN"),
        (
            lambda values, library: [[None if v != v else v for v in row] for row in values],
            "NaN",
        ),
    ],
    ids=["numpy", "pandas", "polars", "pyarrow", "list", "None"],
)
def test_what_is_missing_in_any_container(make, words, request):
    library = request.node.callspec.id
    module = pytest.importorskip(library if library not in ("list", "None") else "numpy")
    given = make(WITH_NAN, module)
    text = message(given)
    assert text.startswith(f"data: 1 of 1000 values is {words}, first at row 3, column 1")
    assert text.endswith(CHOICES)
    seen = as_observations(given, missing="marginal")
    np.testing.assert_array_equal(seen.values, WITH_NAN)
    assert seen.incomplete
    with pytest.warns(DataWarning, match=r"1 of 500 rows is left out"):
        np.testing.assert_array_equal(
            as_observations(given, missing="drop").values, np.delete(X, 3, axis=0)
        )


def test_infinite_values_are_refused():
    for bad in (np.inf, -np.inf):
        given = changed(WITH_NAN, (5, 0), bad)
        assert message(given, names=NAMES) == (
            "data: 2 of 1000 values are not finite (1 infinite, 1 NaN), first at row 3, column 1 "
            "('b'): nan; allowed: finite numbers; drop those rows: "
            "data[np.isfinite(data).all(axis=1)]"
        )
        for missing in ("marginal", "drop"):
            assert message(given, names=NAMES, missing=missing) == (
                f"data: 1 of 1000 values is infinite, first at row 5, column 0 ('a'): {bad}; "
                "allowed: finite numbers, or NaN where a value is missing; replace those values "
                "by NaN to have them count as missing"
            )
    late = changed(X[:1].repeat(10_000, 0), (9000, 1), np.inf)
    assert "first at row 9000, column 1: inf" in message(late, missing="marginal")


def test_arguments_without_a_choice_offer_none():
    with pytest.raises(InputError, match=r"allowed: finite numbers; drop those rows: data\["):
        as_points(WITH_NAN)
    assert as_points(WITH_NAN, missing="marginal").n_missing == 1


def test_marginal_keeps_what_there_is():
    given = changed(WITH_NAN, 7, np.nan)  # a row of which nothing is known
    seen = as_observations(given, missing="marginal")
    assert seen.incomplete
    assert np.shares_memory(seen.values, given)
    assert seen.n_points == 500


def test_marginal_of_complete_data_is_complete():
    assert not as_observations(X, missing="marginal").incomplete


def test_a_column_without_a_value():
    given = changed(X, (slice(None), 1), np.nan)
    assert message(given, names=NAMES, missing="marginal") == (
        "data: 1 of 2 columns is without a value, first at column 1 ('b'); allowed: at least one "
        "value in each column; leave out such a column"
    )
    assert "2 of 2 columns are without a value" in message(given * np.nan, missing="marginal")
    assert as_observations(given, missing="marginal", allow_empty=True).incomplete
    given = changed(given, (400, 1), 1.0)
    assert as_observations(given, missing="marginal").incomplete


def test_a_column_with_values_in_rows_that_do_not_count():
    given = changed(X, (slice(5, None), 1), np.nan)
    weight = changed(WEIGHT, slice(0, 5), 0.0)
    assert message(given, names=NAMES, missing="marginal", sample_weight=weight) == (
        "data: 1 of 2 columns is without a value in a row of positive weight, first at column 1 "
        "('b'); allowed: at least one value in each column; leave out such a column"
    )
    assert as_observations(given, missing="marginal", sample_weight=WEIGHT).incomplete


def test_a_single_point_with_a_missing_value():
    settings = {"nvars": 2, "single_row_ok": True, "allow_empty": True, "name": "X"}
    seen = as_observations([0.5, np.nan], missing="marginal", **settings)
    assert seen.single
    assert seen.incomplete
    assert seen.values.shape == (1, 2)
    assert not as_observations([0.5, np.nan], missing="nan", **settings).incomplete


# Rows left out


def test_drop_keeps_everything_aligned(monkeypatch):
    monkeypatch.setattr(observation_checks, "BLOCK", 7)
    given = changed(X, ([3, 3, 30, 499], [0, 1, 0, 1]), np.nan)
    keep = np.delete(np.arange(500), [3, 30, 499])
    for name, errors in (("deviations", DEVIATIONS), ("covariances", COVARIANCES)):
        with pytest.warns(DataWarning) as caught:
            seen = as_observations(
                given,
                missing="drop",
                errors=errors,
                projection=PROJECTION,
                sample_weight=WEIGHT,
            )
        assert [str(w.message) for w in caught] == [
            "data: 3 of 500 rows are left out for a missing value (missing='drop'), first at row "
            "3; 497 are left; missing='marginal' would use the values that they do have"
        ]
        np.testing.assert_array_equal(seen.values, X[keep])
        np.testing.assert_array_equal(getattr(seen, name), errors[keep])
        np.testing.assert_array_equal(seen.projection, PROJECTION[keep])
        np.testing.assert_array_equal(seen.weight, WEIGHT[keep])
        assert not seen.incomplete
        assert (seen.n_points, seen.nvars) == (497, 3)
        assert seen.total == WEIGHT[keep].sum()


def test_drop_of_complete_data_says_nothing():
    assert as_observations(X, missing="drop").values is X


def test_drop_that_leaves_nothing():
    given = X.copy()
    given[::2, 0] = np.nan
    given[1::2, 1] = np.nan
    assert message(given, missing="drop") == (
        "data: 500 of 500 rows are incomplete, so that missing='drop' leaves none, first at row "
        "0; allowed: at least one complete row; missing='marginal' would use the values that they "
        "do have"
    )
    with pytest.warns(DataWarning, match="500 of 500 rows are left out"):
        assert as_observations(given, missing="drop", allow_empty=True).n_points == 0


def test_drop_that_leaves_no_weight():
    weight = changed(np.zeros(500), 3, 1.0)
    assert message(WITH_NAN, missing="drop", sample_weight=weight) == (
        "sample_weight: all 499 weights of the rows that missing='drop' leaves are 0; allowed: at "
        "least one above 0; missing='marginal' would use the values that they do have"
    )


# Weights


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_none(bad):
    assert message(X, sample_weight=changed(WEIGHT, 3, bad)) == (
        f"sample_weight: 1 of 500 values is negative or not finite, first at index 3: {bad}; "
        "allowed: finite numbers >= 0; give a row weight 0 to leave it out"
    )


def test_weights_that_do_not_fit_or_count():
    assert message(X, sample_weight=np.ones(4)) == (
        "sample_weight: shape (4,) seen, shape (500,) expected; give one weight per row"
    )
    assert message(X, sample_weight=np.zeros(500)) == (
        "sample_weight: all 500 weights are 0, first at index 0: 0.0; allowed: finite numbers "
        ">= 0, at least one above 0; give the rows that should count a positive weight"
    )


# Errors of measurement


def test_infinite_error_is_a_missing_value():
    errors = changed(DEVIATIONS, (3, 1), np.inf)
    for missing in ("error", "marginal", "nan"):
        seen = as_observations(X, errors=errors, missing=missing)
        np.testing.assert_array_equal(seen.values, WITH_NAN)
        assert seen.incomplete
        assert seen.given is X
    assert not np.isnan(X).any()
    # To give the error says what it means; a NaN does not.
    assert CHOICES in message(WITH_NAN, errors=changed(DEVIATIONS, (7, 0), np.inf))
    with pytest.warns(DataWarning, match="1 of 500 rows is left out"):
        dropped = as_observations(X, errors=errors, missing="drop")
    np.testing.assert_array_equal(dropped.deviations, np.delete(DEVIATIONS, 3, axis=0))
    np.testing.assert_array_equal(dropped.kept, np.arange(500) != 3)
    assert dropped.given is dropped.values
    covariances = changed(COVARIANCES, (3, 1, 1), np.inf)
    seen = as_observations(X, errors=covariances, missing="marginal")
    np.testing.assert_array_equal(seen.values, WITH_NAN)


def test_infinite_error_of_a_missing_value_needs_no_copy():
    errors = changed(DEVIATIONS, (3, 1), np.inf)
    seen = as_observations(WITH_NAN, errors=errors, missing="marginal")
    assert seen.values is seen.given is WITH_NAN


@pytest.mark.parametrize("kind", ["deviations", "covariances", "shared"])
def test_values_that_an_infinite_error_marks_are_kept(kind):
    given, errors = changed(X, (5, 0), np.nan), {
        "deviations": changed(DEVIATIONS, (3, 1), np.inf),
        "covariances": changed(COVARIANCES, (3, 1, 1), np.inf),
        "shared": [0.1, np.inf],
    }[kind]  # fmt: skip
    options = {"errors": errors, "missing": "marginal", "blank_columns_ok": True}
    seen = as_observations(given, **options)
    again = seen_as(seen.given, 2, belongings=seen.belongings)
    for found in (seen, again):
        assert found.given is given
        assert found.incomplete
        marked = np.isnan(found.values) & ~np.isnan(given)
        assert marked[3, 1]
        assert marked.sum() == (500 if kind == "shared" else 1)
    few = seen.take(slice(2, 5))
    np.testing.assert_array_equal(few.given, X[2:5])
    np.testing.assert_array_equal(few.values, seen.values[2:5])
    without = seen_as(given, 2)
    assert without.given is without.values is given


def test_which_rows_were_kept_adds_up():
    given = changed(X, ([3, 9], 0), np.nan)
    with pytest.warns(DataWarning, match="2 of 500"):
        seen = as_observations(given, missing="drop")
    left = seen.keep(seen.values[:, 0] > 0)
    np.testing.assert_array_equal(left.values, given[left.kept])
    np.testing.assert_array_equal(left.kept, given[:, 0] > 0)
    again = as_observations(
        left.values,
        errors=DEVIATIONS,
        projection=PROJECTION,
        sample_weight=WEIGHT,
        kept=left.kept,
    )
    np.testing.assert_array_equal(again.deviations, DEVIATIONS[left.kept])
    np.testing.assert_array_equal(again.projection, PROJECTION[left.kept])
    np.testing.assert_array_equal(again.weight, WEIGHT[left.kept])
    np.testing.assert_array_equal(weighted(left, WEIGHT).weight, WEIGHT[left.kept])
    assert "shape (499,) seen" in message(left.values, sample_weight=WEIGHT[1:], kept=left.kept)


def test_columns_without_a_value_where_nothing_is_learnt():
    seen = as_observations([[np.nan, 1.0]], missing="marginal", blank_columns_ok=True)
    assert seen.incomplete
    with pytest.raises(InputError, match="0 rows"):
        as_observations(np.zeros((0, 2)), missing="marginal", blank_columns_ok=True)


def test_infinite_error_of_a_whole_column():
    assert "1 of 2 columns is without a value, first at column 1" in message(
        X, errors=[0.1, np.inf], missing="marginal"
    )


def test_errors_are_matched_to_the_names_of_the_variables():
    pandas = pytest.importorskip("pandas")
    points = pandas.DataFrame(X[:, ::-1], columns=["b", "a"])
    errors = pandas.DataFrame(DEVIATIONS, columns=["a", "b"])
    seen = as_observations(points, names=NAMES, errors=errors)
    np.testing.assert_array_equal(seen.values, X)
    np.testing.assert_array_equal(seen.deviations, DEVIATIONS)
    unordered = as_observations(points, errors=errors)
    np.testing.assert_array_equal(unordered.deviations, DEVIATIONS[:, ::-1])


def test_errors_are_judged_beside_missing_values():
    errors = changed(DEVIATIONS, (3, 1), np.nan)
    assert as_observations(WITH_NAN, errors=errors, missing="marginal").incomplete
    assert "row 3, column 1: nan; allowed: standard deviations" in message(X, errors=errors)
    assert "to agree with sample of shape" in message(X, errors=DEVIATIONS[:3], name="sample")


# Projections


@pytest.mark.parametrize("given", [PROJECTION, PROJECTION[0], PROJECTION[:1], PROJECTION.tolist()])
def test_projections(given):
    names = ("x", "y", "z")
    seen = as_observations(X, projection=given, names=names, nvars=3, errors=DEVIATIONS)
    assert (seen.nvars, seen.names) == (3, names)
    np.testing.assert_array_equal(seen.projection, np.broadcast_to(np.asarray(given), (500, 2, 3)))
    if isinstance(given, np.ndarray):
        assert np.shares_memory(seen.projection, given)
    assert as_observations(X, projection=given).names is None


def test_projection_of_one_point():
    seen = as_observations([0.5, 1.0], projection=PROJECTION[0], single_row_ok=True, nvars=3)
    assert seen.single
    assert seen.projection.shape == (1, 2, 3)
    assert seen.values.shape == (1, 2)


def test_names_of_columns_are_in_messages_beside_a_projection():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(WITH_NAN, columns=NAMES)
    names = ("x", "y", "z")
    assert "column 1 ('b'); allowed" in message(table, projection=PROJECTION, names=names)
    seen = as_observations(table, projection=PROJECTION, names=names, missing="marginal")
    assert seen.names == names


def test_projected_columns_may_be_empty_but_not_all():
    given = changed(X, (slice(None), 1), np.nan)
    assert as_observations(given, projection=PROJECTION, missing="marginal").incomplete
    assert "2 of 2 columns are without a value" in message(
        given * np.nan, projection=PROJECTION, missing="marginal"
    )


def test_projections_that_do_not_fit():
    remedy = "M is the number of values seen of a point, V that of its variables"
    assert message(X, projection=PROJECTION, nvars=2) == (
        "projection: shape (500, 2, 3) seen, shape (N, M, 2), or (M, 2) for all points, expected; "
        + remedy
    )
    for shape in ((3,), (2, 0), (0, 3), (2, 2, 2, 2)):
        assert message(X, projection=np.ones(shape)) == (
            f"projection: shape {shape} seen, shape (N, M, V), or (M, V) for all points, "
            f"expected; {remedy}"
        )
    assert message(X, projection=PROJECTION[:4]) == (
        "projection: shape (4, 2, 3) seen, shape (500, 2, 3) or (2, 3) expected to agree with "
        "data of shape (500, 2)"
    )
    assert message(X, projection=np.ones((1, 3))) == (
        "data: shape (500, 2) seen, shape (N, 1) expected to agree with projection of shape "
        "(1, 3); a projection has one row for each column of the data"
    )
    assert "shape (500, 2) seen, shape (N, 1)" in message(X.tolist(), projection=np.ones((1, 3)))
    assert message(X, projection=PROJECTION, names=NAMES) == (
        "names: 2 names seen for 3 variables; give one for each"
    )
    with pytest.raises(DtypeError, match="projection: dtype complex128"):
        as_observations(X, projection=PROJECTION * 1j)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_projections_that_are_not_finite(bad):
    tail = f"{bad}; allowed: finite numbers; what is missing is marked by a NaN in the data"
    assert message(X, projection=changed(PROJECTION, (400, 1, 2), bad)) == (
        f"projection: 1 of 3000 values is not finite, first at row 400, entry (1, 2): {tail}"
    )
    assert message(X, projection=changed(PROJECTION[0], (1, 2), bad)) == (
        f"projection: 1 of 6 values is not finite, first at entry (1, 2): {tail}"
    )


# Some of the rows, and the core


@pytest.mark.parametrize(
    "rows", [slice(10, 20), slice(None, None, 7), np.array([5, 3, 3]), np.arange(500) % 3 == 0]
)
@pytest.mark.parametrize("projection", [PROJECTION, PROJECTION[0]])
def test_take(rows, projection):
    seen = as_observations(
        WITH_NAN,
        errors=DEVIATIONS,
        projection=projection,
        sample_weight=WEIGHT,
        missing="marginal",
    )
    part = seen.take(rows)
    np.testing.assert_array_equal(part.values, WITH_NAN[rows])
    np.testing.assert_array_equal(part.weight, WEIGHT[rows])
    np.testing.assert_array_equal(part.deviations, DEVIATIONS[rows])
    np.testing.assert_array_equal(part.projection, seen.projection[rows])
    for array in (part.deviations, part.weight):
        assert array.flags.c_contiguous
    assert part.incomplete is bool(np.isnan(WITH_NAN[rows]).any())
    assert part.total == WEIGHT[rows].sum()
    if projection.ndim == 2:
        assert np.shares_memory(part.projection, projection)


def test_take_of_neighbours_copies_nothing():
    part = as_observations(X, errors=DEVIATIONS, sample_weight=WEIGHT).take(slice(10, 20))
    assert np.shares_memory(part.values, X)
    assert np.shares_memory(part.deviations, DEVIATIONS)
    assert np.shares_memory(part.weight, WEIGHT)


def test_take_keeps_what_is_shared():
    shared = as_observations(X, errors=[0.1, 0.2]).take(slice(5))
    np.testing.assert_array_equal(shared.shared, np.diag([0.1**2, 0.2**2]))
    assert (shared.n_points, shared.total, shared.nvars) == (5, 5.0, 2)
    full = as_observations(X, errors=COVARIANCES).take([7, 8])
    np.testing.assert_array_equal(full.covariances, COVARIANCES[7:9])
    assert as_observations(X[:0], allow_empty=True, missing="marginal").take([]).n_points == 0


def test_the_core_is_given_everything_once(monkeypatch):
    calls = []
    monkeypatch.setattr(
        _core,
        "Observations",
        lambda *args, **kwargs: calls.append((args, kwargs)) or types.SimpleNamespace(),
        raising=False,
    )
    seen = as_observations(WITH_NAN, errors=DEVIATIONS, sample_weight=WEIGHT, missing="marginal")
    assert seen.core is seen.core
    ((values,), settings) = calls[0]
    assert len(calls) == 1
    assert values is seen.values
    assert settings == {
        "sample_weight": seen.weight,
        "missing": True,
        "deviations": seen.deviations,
        "covariances": None,
        "shared": None,
        "projection": None,
    }
    copied = pickle.loads(pickle.dumps(seen))  # the core's object stays here
    np.testing.assert_array_equal(copied.deviations, DEVIATIONS)
    assert "core" not in copied.__dict__
    assert copied.core is not seen.core


def test_observations_are_not_changed():
    seen = as_observations(X)
    with pytest.raises(AttributeError, match="cannot assign"):
        seen.values = X


# Cost


def test_memory_beyond_the_input_is_that_of_blocks():
    n = 200_000
    values = np.zeros((n, 4))
    values[::10, 1] = np.nan
    settings = {
        "errors": np.ones((n, 4)),
        "sample_weight": np.ones(n),
        "projection": np.ones((4, 4)),
    }
    tracemalloc.start()
    as_observations(values, missing="marginal", **settings)
    marginal = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert marginal < 1e6 < values.nbytes / 6


@pytest.mark.parametrize(
    "module",
    [data, noise, noise_covariances, observations, observed_rows, projections],
    ids=lambda m: m.__name__,
)
def test_examples(module):
    result = doctest.testmod(module, extraglobs={"np": np})
    assert not result.failed

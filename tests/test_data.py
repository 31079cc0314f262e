"""Data and sample weights: what is read, what is refused, and in which words."""

from __future__ import annotations

import doctest
import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mogfit import data, dtypes
from mogfit.data import as_points, as_sample_weight
from mogfit.datasets import load_asteroids
from mogfit.errors import DataWarning, DtypeError, InputError

RNG = np.random.default_rng(20)
X = RNG.normal(size=(50, 3))
X.flags.writeable = False
REAL_DTYPES = ["f2", "f4", "f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def follow_advice(message, given, **names):
    """Run the expression with which a message says that rows can be dropped."""
    expression = re.search(r"drop those rows: (.*)$", message).group(1)
    return eval(expression, {"np": np, "data": given, **names})


# Layouts and dtypes


@st.composite
def real_arrays(draw):
    """Arrays of any real dtype and byte order, in any layout."""
    dtype = np.dtype(draw(st.sampled_from(REAL_DTYPES)))
    if draw(st.booleans()):
        dtype = dtype.newbyteorder()
    shape = draw(npst.array_shapes(min_dims=2, max_dims=2, max_side=6))
    if dtype.kind == "f":
        elements = st.floats(-100, 100, width=16)
    else:
        elements = st.integers(0 if dtype.kind == "u" else -100, 100)
    array = draw(npst.arrays(dtype, shape, elements=elements))
    layout = draw(st.sampled_from(["C", "F", "step", "reversed", "stride 0", "unaligned"]))
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "step":
        array = np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3]
    elif layout == "reversed":
        array = array[::-1, ::-1]
    elif layout == "stride 0":
        array = np.broadcast_to(array[:1], shape)
    elif layout == "unaligned":
        raw = np.empty(array.nbytes + 1, np.uint8)
        odd = raw[1:].view(dtype).reshape(shape)
        odd[...] = array
        array = odd
    if draw(st.booleans()):
        array.flags.writeable = False
    return array


@given(real_arrays())
def test_any_real_array_has_the_values_of_its_conversion(array):
    before = array.tobytes()
    values = as_points(array).values
    assert values.dtype == (np.float32 if array.dtype.kind + str(array.itemsize) == "f4" else "f8")
    assert values.dtype.isnative
    assert values.flags.aligned
    np.testing.assert_array_equal(values, np.asarray(array, np.float64))
    assert array.tobytes() == before


@given(real_arrays())
def test_evaluation_reads_arrays_alike(array):
    points = as_points(array, nvars=array.shape[1], finite=False)
    assert points.values.flags.aligned
    assert points.values.dtype.isnative
    np.testing.assert_array_equal(points.values, np.asarray(array, np.float64))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("finite", [True, False])
def test_unaligned_floats_are_moved(dtype, finite):
    raw = np.zeros(X.size * np.dtype(dtype).itemsize + 1, np.uint8)
    odd = raw[1:].view(dtype).reshape(X.shape)
    odd[...] = X
    assert not odd.flags.aligned
    values = as_points(odd, nvars=3, finite=finite).values
    assert values.flags.aligned
    np.testing.assert_array_equal(values, X.astype(dtype))


@given(real_arrays())
def test_native_floats_are_never_copied(array):
    plain = array.dtype in (np.float64, np.float32) and array.dtype.isnative
    values = as_points(array).values
    if plain and array.flags.aligned:
        assert values.strides == array.strides
        assert values.__array_interface__["data"] == array.__array_interface__["data"]
    else:
        assert not np.shares_memory(values, array)


@pytest.mark.parametrize("finite", [True, False])
def test_the_short_way_gives_the_same_as_the_long_way(finite):
    for points_in, nvars, single in [
        (X, 3, False),
        (X[0], 3, True),
        (X[0].tolist(), 3, True),
        (X[:, 0].copy(), 1, False),
        (0.5, 1, True),
        (np.float64(0.5), 1, True),
        ([0.5], 1, False),
        (X[::-1, ::2], 2, False),
    ]:
        points = as_points(points_in, nvars=nvars, single_row_ok=True, finite=finite)
        expected = np.reshape(np.asarray(points_in, float), (-1, nvars))
        np.testing.assert_array_equal(points.values, expected)
        assert points.single is single
        assert points.names is None


def test_memory_map_is_read_where_it_lies(tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    values = as_points(mapped).values
    assert np.shares_memory(values, mapped)
    assert type(values) is np.ndarray
    np.testing.assert_array_equal(values, X)


def test_memory_map_too_big_to_convert_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "points.npy"
    np.save(path, X.astype(">f8"))
    mapped = np.load(path, mmap_mode="r")
    np.testing.assert_array_equal(as_points(mapped).values, X)
    memory = dtypes._physical_memory
    assert memory() > 1e6
    monkeypatch.setattr(dtypes, "_physical_memory", lambda: 4 * X.nbytes - 1)
    with pytest.raises(DtypeError, match=r"data: .* dtype >f8 and shape \(50, 3\) .*open_memmap"):
        as_points(mapped)
    monkeypatch.setattr(dtypes, "_physical_memory", memory)
    monkeypatch.delattr(dtypes.os, "sysconf", raising=False)  # as on Windows
    np.testing.assert_array_equal(as_points(mapped).values, X)
    np.save(path, X.astype("f4"))
    assert as_points(np.load(path, mmap_mode="r")).values.dtype == np.float32


def test_subclasses_become_plain_arrays():
    class Subclass(np.ndarray):
        def __getitem__(self, item):
            raise AssertionError("the subclass must not be asked")

    values = as_points(X.view(Subclass)).values
    assert type(values) is np.ndarray
    np.testing.assert_array_equal(values, X)


# Numbers that do not fit a double


@pytest.mark.parametrize("dtype", ["i8", ">i8", "u8"])
def test_integers_beyond_2_to_53_are_told(dtype):
    exact = np.array([[0, 2**53], [1, 7]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(as_points(exact).values, [[0, 2.0**53], [1, 7]])
    large = np.array([[0, 1], [7, 2**53 + 1], [2**60 + 1, 0]], dtype)
    message = (
        r"data: 2 of 6 values are beyond 2\*\*53 in size, first at row 1, column 1: "
        "9007199254740993; "
    )
    with pytest.warns(DataWarning, match=message):
        values = as_points(large).values
    np.testing.assert_array_equal(values, large.astype("f8"))


def test_a_shape_that_is_refused_is_still_described():
    with (
        pytest.warns(
            DataWarning, match=r"8 of 8 values are boolean, first at position \(0, 0, 0\)"
        ),
        pytest.raises(InputError, match=r"shape \(2, 2, 2\) seen"),
    ):
        as_points(np.zeros((2, 2, 2), bool))
    with (
        pytest.warns(DataWarning, match=r"1 of 3 values is beyond .* first at index 2"),
        pytest.raises(InputError, match=r"shape \(3,\) seen"),
    ):
        as_points([0, 1, 2**60], nvars=2)


def test_large_negative_integers_are_told():
    with pytest.warns(DataWarning, match="first at row 0, column 0: -9007199254740993"):
        as_points(np.array([[-(2**53) - 1, 0]]))
    with pytest.warns(DataWarning, match="first at row 0, column 0: -9223372036854775808"):
        as_points(np.array([[np.iinfo(np.int64).min, 0]]))


@pytest.mark.parametrize("given", [X > 0, (X > 0).tolist(), np.array(X > 0, object)])
def test_booleans_are_told(given):
    with pytest.warns(DataWarning, match=r"data: 150 of 150 values are boolean, .* is discrete"):
        values = as_points(given).values
    np.testing.assert_array_equal(values, (X > 0).astype(float))


needs_long_double = pytest.mark.skipif(
    np.finfo(np.longdouble).maxexp <= 1024, reason="long double is double here"
)


@needs_long_double
def test_long_double_beyond_double_is_refused():
    wide = X.astype(np.longdouble)
    wide[4, 1] = np.longdouble("1e400")
    wide[5, 0] = np.longdouble("-1e4000")
    with pytest.raises(InputError, match=r"data: 2 of 150 values are beyond the range .* row 4, c"):
        as_points(wide)


@needs_long_double
def test_long_double_that_vanishes_is_told():
    wide = X.astype(np.longdouble)
    wide[4, 1] = np.longdouble("1e-4000")
    with pytest.warns(DataWarning, match=r"1 of 150 values is too small .*, first at row 4, col"):
        assert as_points(wide).values[4, 1] == 0


def test_long_double_infinity_is_infinity():
    wide = X.astype(np.longdouble)
    wide[4, 1] = np.inf
    with pytest.raises(InputError, match="1 of 150 values is infinite"):
        as_points(wide)


def test_python_numbers_of_every_kind():
    rows = [
        [Fraction(1, 4), 2],
        [Decimal("0.5"), np.float32(1.5)],
        [np.int8(3), 10**16],
    ]
    with pytest.warns(DataWarning, match=r"1 of 6 values is beyond 2\*\*53 .* row 2, column 1"):
        values = as_points(rows).values
    assert values.tolist() == [[0.25, 2.0], [0.5, 1.5], [3.0, 1e16]]


@pytest.mark.parametrize(
    "huge", [10**400, 10**5000, Fraction(10**400), Decimal("-1e400")], ids=type
)
def test_python_numbers_beyond_double_are_refused(huge):
    with pytest.raises(InputError, match=r"1 of 4 values is beyond the range .* row 1, column 0"):
        as_points([[1, 2], [huge, 4]])


# What is not a number


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X.astype(complex), "data: dtype complex128 seen; .* real part"),
        (
            X.astype("M8[D]"),
            r"data: dtype datetime64\[D\] seen; .* np.timedelta64\(1, 'D'\)",
        ),
        (X.astype("m8[s]"), r"data: dtype timedelta64\[s\] seen"),
        (X.astype("S"), r"data: dtype \|S\d+ seen; .*\.astype\(float\)"),
        (X.astype("U"), r"data: dtype <U\d+ seen; .*\.astype\(float\)"),
        ([["1", "2"]], "data: dtype <U1 seen"),
        ([[1, 2], [3, 4j]], "data: dtype complex128 seen"),
        (np.zeros((2, 2), "V4"), r"data: dtype \|V4 seen"),
        (
            np.array([[1.0, "a"], [b"b", 2j]], object),
            r"3 of 4 values are not real numbers \(dtype object\), .* column 1: 'a' \(str\);",
        ),
        (np.ma.array([1j, 2], mask=[True, False]), "data: dtype complex128 seen"),
        (np.array([[1.0, Decimal("sNaN")]], object), "is not a real number"),
        (np.array([[1.0, {}]], object), r"is not a real number .* \{\} \(dict\)"),
        (
            np.array([[1.0, np.datetime64("2020-01-01")]], object),
            "is not a real number",
        ),
        ("file.csv", r"data: 'file.csv' \(str\) seen"),
        (b"file.csv", r"\(bytes\) seen"),
        ({"a": [1, 2]}, r"\(dict\) seen"),
        ({1.0, 2.0}, r"\(set\) seen"),
        ((row for row in X), r"\(generator\) seen"),
        (object(), r"\(object\) seen"),
    ],
)
@pytest.mark.parametrize("finite", [True, False])
def test_what_is_not_a_real_number_is_refused(given, message, finite):
    with pytest.raises(DtypeError, match=message):
        as_points(given, nvars=2, single_row_ok=True, finite=finite)


def test_none_is_refused():
    with pytest.raises(InputError, match=r"sample: None seen; allowed: an array of shape"):
        as_points(None, name="sample")


# Shapes


@pytest.mark.parametrize(
    ("given", "nvars", "message"),
    [
        (
            np.zeros((0, 3)),
            3,
            r"data: shape \(0, 3\) seen, shape \(N, 3\) expected; .* 0 rows",
        ),
        (np.zeros((0, 3)), None, "0 rows"),
        ([], None, r"shape \(0,\) seen.* 0 rows"),
        (np.zeros((4, 0)), None, r"data: shape \(4, 0\) seen, .* 0 columns"),
        (
            np.zeros((2, 3, 4)),
            None,
            r"data: shape \(2, 3, 4\) seen, shape \(N, nvars\) expected",
        ),
        (np.float64(1.5), 1, r"data: shape \(\) seen, shape \(N, 1\) expected"),
        (1.5, None, r"data: shape \(\) seen"),
        (7, 3, r"data: shape \(\) seen"),
        (
            X,
            2,
            r"data: shape \(50, 3\) seen, shape \(N, 2\) expected; 3 columns .* 2 variables",
        ),
        (X.T, 3, r"data: shape \(3, 50\) seen.*transpose with data\.T"),
        (X[0], 3, r"data: shape \(3,\) seen, .*np\.reshape\(data, \(1, -1\)\)"),
    ],
)
def test_shapes_that_are_refused_are_quoted(given, nvars, message):
    with pytest.raises(InputError, match=message):
        as_points(given, nvars=nvars)


def test_a_row_of_the_wrong_length_is_not_a_point():
    with pytest.raises(InputError, match=r"shape \(2,\) seen, shape \(N, 3\) or \(3,\) expected"):
        as_points([1.0, 2.0], nvars=3, single_row_ok=True, finite=False)


def test_ragged_rows_are_refused():
    with pytest.raises(InputError, match=r"1 of 3 rows is not as long as row 0 \(2\), .* row 1: l"):
        as_points([[1, 2], [3], [4, 5]])
    with pytest.raises(InputError, match="1 of 2 rows is not as long as row 0"):
        as_points([1.0, [2.0, 3.0]], nvars=2, single_row_ok=True, finite=False)
    with pytest.raises(InputError, match="not a rectangular array"):
        as_points([[[1], [2]], [[3, 4], [5]]])


@pytest.mark.parametrize("given", [np.zeros((0, 3)), np.zeros((0, 3), "f4"), []])
def test_no_rows_where_they_are_allowed(given):
    assert as_points(given, nvars=3, allow_empty=True).values.shape == (0, 3)
    assert as_points(given, nvars=3, allow_empty=True, finite=False).values.shape == (
        0,
        3,
    )


def test_one_dimension_is_points_of_one_variable():
    for nvars in (1, None):
        points = as_points([1, 2, 3], nvars=nvars)
        assert points.values.tolist() == [[1.0], [2.0], [3.0]]
        assert not points.single


# Missing and infinite values


@pytest.mark.parametrize("dtype", ["f8", "f4", "g"])
def test_one_nan(dtype):
    given = np.ones((500, 2), dtype)
    given[3, 1] = np.nan
    expected = (
        "data: 1 of 1000 values is NaN, first at row 3, column 1 ('b'); allowed: finite numbers; "
        "drop those rows: data[np.isfinite(data).all(axis=1)]"
    )
    with pytest.raises(InputError) as caught:
        as_points(given, names=["a", "b"])
    assert str(caught.value) == expected
    assert follow_advice(str(caught.value), given).shape == (499, 2)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([np.inf], "1 of 150 values is infinite, first at row 7, column 0: inf"),
        (
            [-np.inf, np.inf],
            "2 of 150 values are infinite, first at row 7, column 0: -inf",
        ),
        (
            [np.nan, np.inf],
            r"2 of 150 values are not finite \(1 infinite, 1 NaN\), .* 0: nan",
        ),
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, np.ndarray.tolist])
def test_infinite_values(bad, message, convert):
    given = X.copy()
    given[7 : 7 + len(bad), 0] = bad
    given = convert(given)
    with pytest.raises(InputError, match=f"data: {message}") as caught:
        as_points(given)
    kept = follow_advice(str(caught.value), given)
    np.testing.assert_array_equal(kept, np.delete(X, range(7, 7 + len(bad)), axis=0))


def test_nan_and_infinity_pass_where_asked():
    given = X.copy()
    given[7] = [np.nan, np.inf, -np.inf]
    np.testing.assert_array_equal(as_points(given, finite=False).values, given)


def test_none_in_a_list_is_missing():
    rows = [[1.0, 2.0], [None, 3.0]]
    with pytest.raises(
        InputError, match="1 of 4 values is NaN, first at row 1, column 0"
    ) as caught:
        as_points(rows)
    assert follow_advice(str(caught.value), rows).tolist() == [[1.0, 2.0]]
    assert np.isnan(as_points(rows, finite=False).values[1, 0])


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", ">f8", object])
def test_a_masked_value_is_missing(dtype):
    plain = np.arange(12).reshape(6, 2).astype(dtype)
    masked = np.ma.array(plain, mask=False)
    masked[4, 1] = np.ma.masked
    before = masked.copy()
    with pytest.raises(InputError, match=r"1 of 12 values is masked or NaN, .* row 4, column 1"):
        as_points(masked)
    values = as_points(masked, finite=False).values
    assert np.isnan(values[4, 1])
    assert np.isnan(values).sum() == 1
    np.testing.assert_array_equal(np.delete(values, 4, axis=0), np.delete(plain, 4, axis=0))
    np.testing.assert_array_equal(masked.mask, before.mask)
    np.testing.assert_array_equal(masked.data, before.data)


def test_advice_for_masked_arrays_works():
    masked = np.ma.array(X, mask=False, copy=True)
    masked[4, 1] = np.ma.masked
    masked[5, 0] = np.inf
    with pytest.raises(InputError) as caught:
        as_points(masked)
    kept = follow_advice(str(caught.value), masked)
    np.testing.assert_array_equal(kept, np.delete(X, [4, 5], axis=0))
    with pytest.raises(InputError) as caught:
        as_points(masked[:, 1])
    kept = follow_advice(str(caught.value), masked[:, 1])
    np.testing.assert_array_equal(kept, np.delete(X[:, 1], 4))


def test_masked_rows_in_a_list_keep_their_masks():
    rows = [np.ma.array([1.0, 2.0], mask=[0, 1]), np.ma.array([3.0, 4.0])]
    with pytest.raises(
        InputError, match="1 of 4 values is masked or NaN, first at row 0, column 1"
    ):
        as_points(rows)
    with pytest.raises(InputError, match="1 of 2 values is masked or NaN"):
        as_points([1.0, np.ma.masked])


def test_what_lies_under_a_mask_does_not_matter():
    masked = np.ma.array([[1, "text"], [2**60, 4]], mask=[[0, 1], [1, 0]], dtype=object)
    values = as_points(masked, finite=False).values
    np.testing.assert_array_equal(values, [[1, np.nan], [np.nan, 4]])


def test_a_mask_without_masked_values_costs_nothing():
    masked = np.ma.array(X, mask=np.zeros(X.shape, bool))
    assert np.shares_memory(as_points(masked).values, X)


# Structured arrays and names


def records(dtype=(("a", "f8"), ("b", "i4"), ("c", ">f4"))):
    array = np.zeros(5, list(dtype))
    for number, name in enumerate(array.dtype.names):
        array[name] = np.arange(5) * (number + 1)
    return array


def test_structured_arrays_keep_their_names():
    points = as_points(records())
    assert points.names == ("a", "b", "c")
    expected = np.outer(np.arange(5), [1, 2, 3]).astype(float)
    np.testing.assert_array_equal(points.values, expected)
    assert as_points(records([("a", "f4"), ("b", ">f4")])).values.dtype == np.float32


def test_one_record_is_one_point():
    points = as_points(records()[2], nvars=3, single_row_ok=True, names=("c", "a", "b"))
    assert points.values.tolist() == [[6.0, 2.0, 4.0]]
    assert points.single


def test_structured_arrays_are_checked_by_column():
    with pytest.raises(
        DtypeError, match=r"1 of 2 columns is not numeric, .* 1 \('when'\): dtype d"
    ):
        as_points(np.zeros(4, [("a", "f8"), ("when", "M8[D]")]))
    with pytest.raises(InputError, match=r"column 1 \('v'\) holds arrays of shape \(3,\)"):
        as_points(np.zeros(4, [("a", "f8"), ("v", "f8", 3)]))
    with pytest.raises(InputError, match=r"shape \(2, 2\) seen, a 1-D structured array"):
        as_points(np.zeros((2, 2), [("a", "f8")]))
    bad = records()
    bad["a"][3] = np.nan
    with pytest.raises(InputError, match=r"row 3, column 0 \('a'\)") as caught:
        as_points(bad)
    assert len(follow_advice(str(caught.value), bad)) == 4


def test_masked_records_keep_their_masks():
    masked = np.ma.array(records(), mask=False)
    masked["b"][2] = np.ma.masked
    with pytest.raises(
        InputError, match=r"masked or NaN, first at row 2, column 1 \('b'\)"
    ) as caught:
        as_points(masked)
    assert follow_advice(str(caught.value), masked)["a"].tolist() == [0, 1, 3, 4]


def test_large_integers_in_a_named_column():
    array = np.array([(1.0, 2**53 + 1)], [("a", "f8"), ("id", "i8")])
    with pytest.warns(DataWarning, match=r"1 of 1 value is .* at row 0, column 1 \('id'\): 90071"):
        as_points(array)


def test_columns_are_put_in_the_expected_order():
    points = as_points(records(), names=("c", "a", "b"))
    assert points.names == ("c", "a", "b")
    assert as_points(records(), names=["a", "b", "c"]).names == ("a", "b", "c")
    np.testing.assert_array_equal(points.values[2], [6.0, 2.0, 4.0])


def test_a_bad_value_is_placed_in_the_columns_as_they_came():
    bad = records()
    bad["c"][1] = np.nan
    with pytest.raises(InputError, match=r"first at row 1, column 2 \('c'\)"):
        as_points(bad, names=("c", "a", "b"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("a", "b", "z"),
            "1 missing: 'z'; 1 unexpected: 'c'; allowed: 'a', 'b', 'z' in any order",
        ),
        (("a", "b"), "differ, 1 unexpected: 'c'; allowed"),
        (("a", "b", "c", "d", "e"), "differ, 2 missing: 'd', 'e'; allowed"),
    ],
)
def test_columns_that_differ_are_listed(names, message):
    with pytest.raises(InputError, match=message):
        as_points(records(), names=names, nvars=3)


def test_names_are_given_to_data_without():
    assert as_points(X, names=["a", "b", "c"]).names == ("a", "b", "c")
    assert as_points(X, names=("a", "b", "c"), nvars=3, finite=False).names == (
        "a",
        "b",
        "c",
    )
    for finite in (True, False):
        with pytest.raises(InputError, match="3 columns seen, but 2 names: 'a', 'b'"):
            as_points(X, names=("a", "b"), nvars=3, finite=finite)


def test_names_must_differ():
    with pytest.raises(InputError, match="names: 'a', 'b', 'a' seen; allowed: distinct names"):
        as_points(X, names=["a", "b", "a"])


def test_shipped_data_bring_their_names():
    asteroids = load_asteroids("q,e,i")
    points = as_points(asteroids)
    assert points.names == ("q", "e", "i")
    assert points.values is asteroids.data


# Sample weights


@pytest.mark.parametrize(
    "given",
    [
        [1, 0, 2],
        (1.0, 0.0, 2.0),
        np.array([1, 0, 2], "u1"),
        np.array([1, 0, 2], ">f8"),
        np.array([1, 0, 2], "f4"),
        np.array([1, 9, 0, 9, 2], "f8")[::2],
        np.array([2, 0, 1], "f8")[::-1],
        [Fraction(1), 0, Decimal(2)],
    ],
)
def test_weights_become_contiguous_doubles(given):
    weights = as_sample_weight(given, 3)
    assert weights.dtype == np.float64
    assert weights.dtype.isnative
    assert weights.flags.c_contiguous
    assert weights.tolist() == [1.0, 0.0, 2.0]


def test_weights_of_that_kind_are_not_copied():
    given = np.array([1.0, 0.5])
    given.flags.writeable = False
    assert np.shares_memory(as_sample_weight(given, 2), given)


def test_no_rows_have_no_weights():
    assert as_sample_weight([], 0).shape == (0,)


def test_no_weights():
    assert as_sample_weight(None, 3) is None


def test_a_selection_is_a_weight():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_sample_weight(np.array([True, False]), 2).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [1, -0.5, -2],
            r"2 of 3 values are negative or not finite, first at index 1: -0\.5; allow",
        ),
        (
            [1, 2, np.nan],
            "1 of 3 values is negative or not finite, first at index 2: nan",
        ),
        ([1, np.inf, 2], "first at index 1: inf"),
        ([-np.inf, np.inf, 2], "first at index 0: -inf"),
        ([0, 0, 0], r"all 3 weights are 0, first at index 0: 0\.0"),
        ([1, 2], r"shape \(2,\) seen, shape \(3,\) expected"),
        ([[1], [2], [3]], r"shape \(3, 1\) seen, shape \(3,\) expected"),
        (1.0, r"shape \(\) seen, shape \(3,\) expected"),
        ([1e308, 1e308, 1], "sum of 3 weights is beyond the range"),
        (np.ma.array([1.0, 2, 3], mask=[0, 1, 0]), "first at index 1: nan"),
    ],
)
def test_weights_that_are_refused(given, message):
    with pytest.raises(InputError, match=f"sample_weight: .*{message}"):
        as_sample_weight(given, 3)


def test_weights_that_are_not_numbers():
    with pytest.raises(DtypeError, match="sample_weight: dtype complex128 seen"):
        as_sample_weight([1j, 2, 3], 3)
    with pytest.raises(DtypeError, match=r"weights: 'uniform' \(str\) seen"):
        as_sample_weight("uniform", 3, name="weights")


@given(npst.arrays("f8", st.integers(1, 20), elements=st.floats(0, 1e300)))
def test_any_weights_at_least_zero_pass_unless_all_are(weights):
    if weights.any():
        np.testing.assert_array_equal(as_sample_weight(weights, len(weights)), weights)
    else:
        with pytest.raises(InputError, match="all"):
            as_sample_weight(weights, len(weights))


def test_docstring_examples_run():
    result = doctest.testmod(data)
    assert result.attempted >= 3
    assert result.failed == 0

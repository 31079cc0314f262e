"""Errors of measurement: the shapes they come in, what is refused, and in which words."""

from __future__ import annotations

import doctest
import tracemalloc

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from mogfit import noise, noise_covariances
from mogfit.errors import DtypeError, InputError
from mogfit.noise import as_noise, blank_unmeasured

RNG = np.random.default_rng(40)
X = RNG.normal(size=(500, 2))
X.flags.writeable = False
NAMES = ("a", "b")
DEVIATIONS = RNG.uniform(0.1, 1, size=(500, 2))
COVARIANCES = DEVIATIONS[:, :, None] * DEVIATIONS[:, None] * [[1, 0.5], [0.5, 1]]


def changed(array, index, value):
    copy = np.array(array, float)
    copy[index] = value
    return copy


def message(*args, **kwargs):
    with pytest.raises(InputError) as caught:
        as_noise(*args, **kwargs)
    return str(caught.value)


# Shapes


def test_none_is_no_noise():
    none = as_noise(None, X)
    assert none.deviations is None
    assert none.covariances is None
    assert none.shared is None
    assert not none.unmeasured.count


@pytest.mark.parametrize("given", [0.3, np.float32(0.3), [0.3, 0.3], np.array([0.3, 0.3], "f4")])
def test_standard_deviations_of_all_points(given):
    found = as_noise(given, X)
    assert found.deviations is None
    assert found.covariances is None
    np.testing.assert_allclose(found.shared, [[0.09, 0], [0, 0.09]], rtol=1e-7)


def test_standard_deviations_of_every_point_are_not_copied():
    found = as_noise(DEVIATIONS, X)
    assert np.shares_memory(found.deviations, DEVIATIONS)
    assert found.shared is None
    assert found.covariances is None
    one = as_noise(DEVIATIONS[:, 0], X[:, :1]).deviations
    np.testing.assert_array_equal(one, DEVIATIONS[:, :1])
    assert as_noise(DEVIATIONS[:, :1], X[:, :1]).deviations.shape == (500, 1)


@pytest.mark.parametrize("given", [[[0.04, 0.01], [0.01, 0.09]], [[[0.04, 0.01], [0.01, 0.09]]]])
def test_covariance_of_all_points(given):
    found = as_noise(given, X)
    assert found.covariances is None
    assert found.deviations is None
    np.testing.assert_array_equal(found.shared, [[0.04, 0.01], [0.01, 0.09]])


def test_covariances_of_every_point_are_not_copied():
    found = as_noise(COVARIANCES, X)
    assert found.covariances is COVARIANCES
    assert found.shared is None


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((), "shared"),
        ((1,), "shared"),
        ((5,), "deviations"),
        ((5, 1), "deviations"),
        ((1, 1), "shared"),
        ((1, 1, 1), "shared"),
        ((5, 1, 1), "covariances"),
    ],
)
def test_shapes_for_one_variable(shape, kind):
    found = as_noise(np.full(shape, 0.25), np.zeros((5, 1)))
    value = getattr(found, kind)
    assert value is not None
    squared = 0.0625 if shape in ((), (1,), (1, 1)) else 0.25
    np.testing.assert_array_equal(value, np.full(value.shape, squared))


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i4", "g"])
def test_other_dtypes_become_double(dtype):
    given = np.arange(1000).reshape(500, 2).astype(dtype)
    found = as_noise(given, X).deviations
    assert found.dtype == np.float64
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.arange(1000.0).reshape(500, 2))


def test_any_layout_becomes_contiguous():
    for given in (np.asfortranarray(DEVIATIONS), np.repeat(DEVIATIONS, 2, axis=1)[:, ::2]):
        found = as_noise(given, X).deviations
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, DEVIATIONS)


def test_no_rows():
    empty = np.zeros((0, 3))
    assert as_noise(empty, empty).deviations.shape == (0, 3)
    assert as_noise(np.zeros((0, 3, 3)), empty).covariances.shape == (0, 3, 3)
    assert as_noise(0.1, empty).shared.shape == (3, 3)


@pytest.mark.parametrize(
    "shape", [(3,), (500,), (4, 2), (2, 500), (500, 3, 3), (2, 2, 2), (1,) * 4]
)
def test_shape_that_fits_nothing(shape):
    assert message(np.zeros(shape), X) == (
        f"errors: shape {shape} seen, shape (2,) or (500, 2) of standard deviations, or (2, 2) or "
        "(500, 2, 2) of covariances, expected to agree with data of shape (500, 2); a number, or "
        "the first shape of either kind, is for all points"
    )


def test_shape_that_fits_nothing_for_one_variable():
    assert message(np.zeros(4), X[:, :1], data="X", argument="noise") == (
        "noise: shape (4,) seen, shape (1,) or (500,) of standard deviations, or (1, 1, 1) or "
        "(500, 1, 1) of covariances, expected to agree with X of shape (500, 1); a number, or the "
        "first shape of either kind, is for all points"
    )


def test_as_many_points_as_variables_need_a_clear_shape():
    values = np.zeros((2, 2))
    text = message([[1, 0.5], [0.5, 1]], values)
    assert text == (
        "errors: shape (2, 2) seen, which for data of shape (2, 2) can be one covariance for all "
        "points or the standard deviations of each; for the first give shape (1, 2, 2): "
        "np.asarray(errors)[None]; for the second covariances of shape (2, 2, 2): "
        "np.square(errors)[:, None] * np.eye(2)"
    )
    errors = np.array([[0.1, 0.2], [0.20001, 0.4]])
    assert "can be one covariance" in message(errors, values)
    advice = text.split(": ")
    one = eval(advice[2].split(";")[0], {"np": np, "errors": [[1, 0.5], [0.5, 1]]})
    np.testing.assert_array_equal(as_noise(one, values).shared, [[1, 0.5], [0.5, 1]])
    each = eval(advice[3], {"np": np, "errors": errors})
    np.testing.assert_array_equal(
        as_noise(each, values).covariances, [np.diag(row**2) for row in errors]
    )


def test_what_is_clearly_no_covariance_is_read_as_deviations():
    errors = [[0.1, 0.2], [0.5, 0.4]]
    np.testing.assert_array_equal(as_noise(errors, np.zeros((2, 2))).deviations, errors)
    # Rounding beside the diagonal does not make a covariance into deviations.
    rounded = [[1.0, 1e-18], [2e-18, 1.0]]
    assert "can be one covariance" in message(rounded, np.zeros((2, 2)))


@pytest.mark.parametrize("given", ["0.1", 1j, [[1j, 2]], b"1", {1}])
def test_what_is_not_a_real_number(given):
    with pytest.raises(DtypeError, match="errors: "):
        as_noise(given, X)


def test_a_switch_is_no_error():
    assert message(True, X) == (
        "errors: True (bool) seen; allowed: standard deviations >= 0, or infinite where a value "
        "was not measured"
    )


@pytest.mark.parametrize("container", ["list", "nested", "array", "table", "null table"])
def test_switches_are_no_errors_in_any_container(container):
    flags = [[True, False]] * 500
    given = {"list": [True, True], "nested": flags, "array": np.array(flags)}.get(container)
    if given is None:
        pandas = pytest.importorskip("pandas")
        dtype = "boolean" if container == "null table" else bool
        given = pandas.DataFrame(flags, dtype=dtype)
    words = message(given, X)
    assert words.startswith("errors: ")
    assert words.endswith("seen; allowed: standard deviations >= 0, or infinite where a value "
                          "was not measured")  # fmt: skip


# Tables and mappings


def test_deviations_by_name():
    found = as_noise({"b": 0.2, "a": 0.1}, X, names=NAMES)
    np.testing.assert_array_equal(found.shared, np.diag([0.1**2, 0.2**2]))
    found = as_noise({"b": DEVIATIONS[:, 1], "a": 0.1}, X, names=NAMES).deviations
    np.testing.assert_array_equal(found, np.column_stack([np.full(500, 0.1), DEVIATIONS[:, 1]]))
    # As many points as variables: what is given by name are deviations.
    found = as_noise({"a": 0.1, "b": [0.2, 0.3]}, X[:2], names=NAMES).deviations
    np.testing.assert_array_equal(found, [[0.1, 0.2], [0.1, 0.3]])


def test_deviations_by_names_that_do_not_fit():
    assert message({"a": 0.1}, X, names=NAMES).startswith(
        "errors: the names of the columns differ, 1 missing: 'b'; allowed: 'a', 'b' in any order"
    )
    assert message({"a": 0.1, "b": 0.2}, X) == (
        "errors: names seen, 'a', 'b', but data have none; give one standard deviation per column"
    )
    assert message({"a": [0.1, 0.2], "b": [0.1, 0.2, 0.3]}, X, names=NAMES) == (
        "errors: shapes 'a': (2,), 'b': (3,) seen; allowed: a number for each name, or one per "
        "point"
    )
    with pytest.raises(DtypeError, match=r"errors\['b'\]: 'x' \(str\) seen"):
        as_noise({"a": 1, "b": "x"}, X, names=NAMES)


def test_errors_of_rows_that_were_left_out():
    kept = np.arange(500) % 3 > 0
    for given, name in ((DEVIATIONS, "deviations"), (COVARIANCES, "covariances")):
        found = getattr(as_noise(given, X[kept], kept=kept), name)
        np.testing.assert_array_equal(found, given[kept])
        same = getattr(as_noise(given[kept], X[kept], kept=kept), name)
        np.testing.assert_array_equal(same, given[kept])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_of_a_table_are_matched_by_name(library):
    module = pytest.importorskip(library)
    columns = {"b": DEVIATIONS[:, 1].copy(), "a": DEVIATIONS[:, 0].copy()}
    table = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    np.testing.assert_array_equal(as_noise(table, X, names=NAMES).deviations, DEVIATIONS)
    np.testing.assert_array_equal(as_noise(table, X).deviations, DEVIATIONS[:, ::-1])


def test_columns_of_other_names_are_listed():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(DEVIATIONS, columns=["a_err", "b_err"])
    assert message(table, X, names=NAMES) == (
        "errors: the names of the columns differ, 2 missing: 'a', 'b'; 2 unexpected: 'a_err', "
        "'b_err'; allowed: 'a', 'b' in any order; select or rename the columns, or give an array "
        "without names"
    )


def test_named_deviations_and_covariance_of_all_points():
    pandas = pytest.importorskip("pandas")
    deviations = pandas.Series({"b": 0.2, "a": 0.1})
    np.testing.assert_array_equal(
        as_noise(deviations, X, names=NAMES).shared, np.diag([0.1**2, 0.2**2])
    )
    covariance = pandas.DataFrame([[4.0, 1.0], [1.0, 9.0]], index=["b", "a"], columns=["b", "a"])
    found = as_noise(covariance, X, names=NAMES).shared
    np.testing.assert_array_equal(found, [[9.0, 1.0], [1.0, 4.0]])


def test_masked_errors_belong_to_missing_values():
    values = changed(X, (3, 1), np.nan)
    masked = np.ma.array(DEVIATIONS, mask=np.isnan(values))
    found = as_noise(masked, values)
    assert not found.unmeasured.count
    assert message(masked, X).endswith("first at row 3, column 1: nan; allowed: standard "
        "deviations >= 0, or infinite where a value was not measured")  # fmt: skip


# Standard deviations


@pytest.mark.parametrize("bad", [-0.5, np.nan, -np.inf, -5e-324])
def test_a_deviation_that_is_none(bad):
    allowed = "allowed: standard deviations >= 0, or infinite where a value was not measured"
    assert message(bad, X) == f"errors: {bad} seen; {allowed}"
    assert message([0.1, bad], X, names=NAMES) == (
        f"errors: 1 of 2 values is negative or NaN, first at column 1 ('b'): {bad}; {allowed}"
    )
    assert message(changed(DEVIATIONS, (3, 1), bad), X, names=NAMES) == (
        "errors: 1 of 1000 values is negative or NaN, first at row 3, column 1 ('b'): "
        f"{bad}; {allowed}"
    )


def test_faults_are_counted_over_blocks(monkeypatch):
    monkeypatch.setattr(noise, "BLOCK", 7)
    bad = changed(DEVIATIONS, ([20, 30, 400], [1, 0, 0]), -1)
    assert "errors: 3 of 1000 values are negative or NaN, first at row 20, column 1: -1" in message(
        bad, X
    )


def test_zero_is_no_noise():
    np.testing.assert_array_equal(as_noise(0, X).shared, np.zeros((2, 2)))
    assert not as_noise(np.zeros_like(X), X).unmeasured.count
    assert not as_noise(-0.0 * DEVIATIONS, X).unmeasured.count


def test_what_belongs_to_a_missing_value_is_not_looked_at():
    values = changed(X, (3, 1), np.nan)
    for anything in (np.nan, np.inf, -999.0):
        deviations = changed(DEVIATIONS, (3, 1), anything)
        assert not as_noise(deviations, values).unmeasured.count
        covariances = changed(COVARIANCES, (3, 1), anything)
        covariances[3, :, 1] = anything
        found = as_noise(covariances, values)
        assert found.covariances is covariances
        assert not found.unmeasured.count
    # Its neighbour is.
    values = changed(X, (3, 0), np.nan)
    assert "row 3, column 1: -999.0" in message(changed(DEVIATIONS, (3, 1), -999.0), values)
    assert "row 3, column 1: -999" in message(changed(COVARIANCES, (3, 1, 1), -999.0), values)


@pytest.mark.parametrize("huge", [np.inf, 1e155])
def test_infinite_deviations_mark_values(huge):
    values = changed(X, (3, 1), np.nan)
    deviations = changed(DEVIATIONS, ([3, 7, 9], [1, 0, 1]), huge)
    found = as_noise(deviations, values)
    assert found.unmeasured.count == 2  # the third is missing already
    assert found.unmeasured.first == (7, 0)
    before = values.copy()
    blanked = blank_unmeasured(values, found)
    expected = changed(values, ([7, 9], [0, 1]), np.nan)
    np.testing.assert_array_equal(blanked, expected)
    np.testing.assert_array_equal(values, before)
    largest = as_noise(changed(DEVIATIONS, (7, 0), 1.3e154), X)
    assert largest.unmeasured.count == 0


@pytest.mark.parametrize("given", [[0.1, np.inf], [0.1, 1e200], [[0.01, 0], [0, np.inf]]])
def test_infinite_deviation_of_a_column(given):
    values = changed(X, (0, 1), np.nan)
    found = as_noise(given, values)
    assert found.unmeasured.count == 499
    assert found.unmeasured.first == (1, 1)
    blanked = blank_unmeasured(values.astype("f4"), found)
    assert blanked.dtype == np.float32
    assert np.isnan(blanked[:, 1]).all()
    np.testing.assert_array_equal(blanked[:, 0], values[:, 0].astype("f4"))


def test_infinite_variances_mark_values(monkeypatch):
    monkeypatch.setattr(noise, "BLOCK", 7)
    monkeypatch.setattr(noise_covariances, "BLOCK", 7 * 4)
    covariances = changed(COVARIANCES, ([3, 30], [1, 0], [1, 0]), np.inf)
    covariances[30, 0, 1] = np.nan  # what stands beside an infinite variance does not matter
    found = as_noise(covariances, X)
    assert (found.unmeasured.count, found.unmeasured.first) == (2, (3, 1))
    np.testing.assert_array_equal(blank_unmeasured(X, found), changed(X, ([3, 30], [1, 0]), np.nan))


# Covariances


def random_covariances(rng, n, m, smallest):
    """Matrices Q diag(lambda) Q^T whose smallest eigenvalue has the sign of `smallest`."""
    q = np.linalg.qr(rng.normal(size=(n, m, m)))[0]
    eigenvalues = rng.uniform(0.5, 1.5, size=(n, m))
    eigenvalues[:, 0] = smallest
    matrices = q * eigenvalues[:, None] @ q.transpose(0, 2, 1)
    return 0.5 * (matrices + matrices.transpose(0, 2, 1))


@for_all(st.integers(0, 2**32 - 1), st.integers(1, 7), st.floats(-12, 12), st.floats(-12, 12))
def test_the_sign_of_the_smallest_eigenvalue_decides_in_any_units(seed, m, low, high):
    rng = np.random.default_rng(seed)
    n = 20
    units = 10 ** rng.uniform(min(low, high), max(low, high), size=m)
    values = np.zeros((n, m))
    for smallest in (1e-3, 1e-7, 0.0):
        good = random_covariances(rng, n, m, smallest if m > 1 else abs(smallest))
        good *= units[:, None] * units
        assert as_noise(good, values).covariances is good
    bad = good.copy()
    bad[11] = random_covariances(rng, 1, m, -1e-3)[0] * (units[:, None] * units)
    negative = np.diag(bad[11]).min() < 0  # a variance, which is told first
    text = message(bad, values)
    assert "first at row 11" in text
    assert ("variances is negative" if negative else "1 of 20 covariances is not posi") in text


def test_smallest_eigenvalue_is_the_one_of_the_correlations():
    covariance = np.array([[1.0, 1.8, 0], [1.8, 1.0, 0], [0, 0, 1.0]])
    units = np.array([1e-12, 1e12, 1.0])
    covariances = np.broadcast_to(np.eye(3), (50, 3, 3)).copy()
    covariances[7] = covariance * units[:, None] * units
    text = message(covariances, np.zeros((50, 3)))
    assert text == (
        "errors: 1 of 50 covariances is not positive semi-definite, first at row 7: smallest "
        "correlation eigenvalue -0.8; allowed: eigenvalues >= 0; beside the diagonal stands "
        "rho * sigma_i * sigma_j with abs(rho) <= 1"
    )
    assert message(covariances[7], np.zeros((50, 3))).startswith(
        "errors: the covariance of all points is not positive semi-definite: smallest "
        "correlation eigenvalue -0.8; "
    )


def test_negative_eigenvalues_from_rounding_are_allowed():
    for beyond, fits in ((5e-11, True), (1e-9, False)):
        matrix = np.array([[1.0, 1.0 + beyond], [1.0 + beyond, 1.0]])
        if fits:
            np.testing.assert_array_equal(as_noise(matrix, X).shared, matrix)
        else:
            assert "smallest correlation eigenvalue -1e-09; " in message(matrix, X)


def test_singular_covariances_are_allowed():
    directions = RNG.integers(-3, 4, size=(300, 4, 2)).astype(float)  # rank 2 of 4, exactly
    covariances = directions @ directions.transpose(0, 2, 1)
    covariances[5] = 0
    units = np.array([1e-12, 1e-3, 1e5, 1e12])
    covariances *= units[:, None] * units
    assert as_noise(covariances, np.zeros((300, 4))).covariances is covariances


def test_a_covariance_without_a_variance():
    covariances = changed(COVARIANCES, 3, [[0, 1e-30], [1e-30, 1]])
    assert "first at row 3: entry (0, 0) is 0, but entry (0, 1) is 1e-30; " in message(
        covariances, X
    )
    for lower, upper in ((0, 0.1), (0.1, 0)):  # nor symmetric
        place = f"({int(upper == 0)}, {int(lower == 0)})"
        assert f"is 0, but entry {place} is 0.1; " in message([[0, upper], [lower, 1]], X)
    zero = changed(COVARIANCES, 3, [[0, 0], [0, 1]])
    assert as_noise(zero, X).covariances is zero


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_ends_of_the_range(scale):
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]]) * scale * scale
    np.testing.assert_array_equal(as_noise(matrix, X).shared, matrix)
    wrong = np.array([[1e-300, 1e300], [1e300, 1e-300]])
    assert "not positive semi-definite" in message(wrong, X)


@pytest.mark.parametrize("bad", [-0.5, np.nan, -np.inf])
def test_a_variance_that_is_none(bad):
    seen = f"{bad:g}"
    allowed = "allowed: variances >= 0, or infinite where a value was not measured"
    assert message(changed(COVARIANCES, (3, 1, 1), bad), X, names=NAMES) == (
        "errors: 1 of 1000 variances is negative or NaN, first at row 3, column 1 ('b'): "
        f"{seen}; {allowed}"
    )
    assert message(changed(np.eye(2), (1, 1), bad), X, names=NAMES) == (
        f"errors: 1 of 2 variances is negative or NaN, first at column 1 ('b'): {seen}; {allowed}"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_covariance_that_is_not_finite(bad):
    covariances = changed(COVARIANCES, (3, 0, 1), bad)
    covariances[3, 1, 0] = bad
    assert message(covariances, X) == (
        f"errors: 1 of 500 covariances is not finite, first at row 3: entry (0, 1) is {bad:g}; "
        "allowed: finite covariances of the values that were measured; to leave a value out, "
        "make its variance infinite"
    )


def test_asymmetry():
    assert message(changed(COVARIANCES, (3, 0, 1), 0.0), X) == (
        "errors: 1 of 500 covariances is not symmetric, first at row 3: entry (0, 1) is 0 and "
        f"entry (1, 0) is {COVARIANCES[3, 1, 0]:g}; allowed: symmetric matrices; if only rounding "
        "is to blame, average each matrix with its transpose"
    )
    assert (
        "the covariance of all points is not symmetric: entry (0, 1) is 0.2 and entry (1, 0)"
        in (message([[1, 0.2], [0.3, 1]], X))
    )


def test_asymmetry_from_rounding_is_averaged():
    units = np.array([1e-12, 1e12])
    odd = np.array([[1, 0.5], [0.5 + 8e-11, 1]]) * units[:, None] * units
    covariances = np.broadcast_to(odd, (500, 2, 2)).copy()
    found = as_noise(covariances, X).covariances
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    np.testing.assert_allclose(found[0, 0, 1], 0.5 + 4e-11, rtol=1e-15)
    assert covariances[0, 0, 1] != covariances[0, 1, 0]
    covariances[3, 1, 0] += 8e-11
    assert "1 of 500 covariances is not symmetric, first at row 3" in message(covariances, X)


def test_single_precision_has_its_own_rounding():
    directions = RNG.normal(size=(500, 2, 1)).astype("f4")
    covariances = directions @ directions.transpose(0, 2, 1)  # singular but for rounding
    assert np.linalg.eigvalsh(covariances.astype("f8")).min() < -1e-9
    np.testing.assert_allclose(as_noise(covariances, X).covariances, covariances)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({3: [[1, 2], [2, 1]], 5: [[1, 0], [1, 1]], 6: [[1, np.nan], [0, 1]]}, "not finite"),
        ({3: [[1, 2], [2, 1]], 5: [[1, 0], [1, 1]]}, "not symmetric"),
        ({3: [[1, 2], [2, 1]], 5: [[1, 3], [3, 1]]}, "not positive semi-definite"),
        ({3: [[1, 2], [2, 1]], 5: [[1, 3], [3, -1]]}, "negative"),
    ],
)
def test_one_fault_is_told_of_several(faults, told):
    covariances = COVARIANCES.copy()
    for row, matrix in faults.items():
        covariances[row] = matrix
    text = message(covariances, X)
    assert told in text
    count = 2 if told == "not positive semi-definite" else 1
    assert text.startswith(f"errors: {count} of ")


# Cost


def test_memory_beyond_the_input_is_that_of_blocks():
    n = 200_000
    values = np.zeros((n, 3))
    values[::10, 1] = np.nan
    deviations = np.ones((n, 3))
    deviations[::10, 1] = np.nan
    covariances = np.broadcast_to(np.eye(3), (n, 3, 3)).copy()
    covariances[::10, 1] = np.nan
    for given in (deviations, covariances):
        tracemalloc.start()
        as_noise(given, values)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 6e6 < given.nbytes + values.nbytes
        assert peak < 0.5 * given.nbytes + 4e6


@pytest.mark.parametrize("module", [noise, noise_covariances])
def test_examples(module):
    result = doctest.testmod(module, extraglobs={"np": np})
    assert not result.failed

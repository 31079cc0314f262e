"""Data that cannot be fitted, data that can only just, and data in every guise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mogfit import DataWarning, DegeneracyWarning, DegenerateError, DtypeError, FitMoG, InputError
from tests.fitting import POINTS, fit, state
from tests.strategies import LAYOUTS


def with_entry(index, value):
    changed = POINTS.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            with_entry((3, 1), np.nan),
            InputError,
            r"^data: 1 of 6000 values is NaN, first at row 3, column 1;",
        ),
        (
            with_entry((5, 0), -np.inf),
            InputError,
            r"1 of 6000 values is infinite, first at row 5, column 0: -inf",
        ),
        (
            with_entry(0, [np.nan, np.inf]),
            InputError,
            r"2 of 6000 values are not finite \(1 infinite, 1 NaN\)",
        ),
        (np.empty((0, 2)), InputError, r"data: shape \(0, 2\) seen.*there are 0 rows"),
        (np.empty((5, 0)), InputError, r"data: shape \(5, 0\) seen.*there are 0 columns"),
        (POINTS[None], InputError, r"data: shape \(1, 3000, 2\) seen"),
        (3.0, InputError, r"data: shape \(\) seen"),
        (POINTS.astype(complex), DtypeError, "complex128"),
        (POINTS.astype("datetime64[s]"), DtypeError, "datetime64"),
        (np.full((5, 2), b"1"), DtypeError, "S1"),
        (POINTS[:1], DegenerateError, "1 distinct row, a full covariance in d=2 needs 3"),
        (np.ones((50, 2)), DegenerateError, r"all 50 rows are identical \(1, 1\)"),
        (POINTS * [1, 0], DegenerateError, r"column 1 is constant \(0\); drop it"),
        (POINTS @ [[1, 2], [1, 2]], DegenerateError, "rank 1 of 2; column 0, column 1 determine"),
    ],
)
@pytest.mark.parametrize("method", [None, "EM", "BFGS"])
def test_data_that_cannot_be_fitted(data, error, message, method):
    F = FitMoG(POINTS[:200], 1)
    before = state(F)
    with pytest.raises(error, match=message):
        F.fit_data(data, method=method, random_state=1)
    assert state(F) == before


def test_names_of_columns_are_in_the_messages():
    table = pd.DataFrame(with_entry((3, 1), np.nan), columns=["a", "b"])
    with pytest.raises(InputError, match=r"row 3, column 1 \('b'\)"):
        FitMoG(table, 2)
    with pytest.raises(DegenerateError, match=r"column 'b' is constant \(7\); drop it"):
        fit(pd.DataFrame({"a": POINTS[:, 0], "b": 7.0}), 2)


@pytest.mark.parametrize("ngauss", [4, 100])
def test_fewer_rows_than_components(ngauss):
    with pytest.raises(InputError, match=f"data: 3 rows, 3 of them distinct, for ngauss={ngauss}"):
        fit(POINTS[:3], ngauss)


def test_more_parameters_than_points_fit_with_a_warning():
    with pytest.warns(DataWarning, match="5 parameters for 4 points"):
        F = fit(POINTS[:4], 1)
    np.testing.assert_allclose(F.mog.mus[0], POINTS[:4].mean(axis=0), rtol=1e-12)
    with pytest.warns((DataWarning, DegeneracyWarning)):
        assert np.isfinite(fit(POINTS[:8], 2).report.neg_loglik)


# The same numbers in other clothes


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("method", [None, "EM"])
def test_no_layout_changes_a_bit(layout, method):
    F = fit(LAYOUTS[layout](POINTS), method=method)
    assert F.mog.params.tobytes() == fit(method=method).mog.params.tobytes()
    assert F.report.neg_loglik == fit(method=method).report.neg_loglik


@pytest.mark.parametrize("dtype", [">f8", "<f8", "longdouble", object])
def test_no_kind_of_double_changes_a_bit(dtype):
    assert fit(POINTS.astype(dtype)).mog.params.tobytes() == fit().mog.params.tobytes()


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f2", "i1", "i8", "u4", ">i2"])
def test_narrow_numbers_are_the_doubles_they_stand_for(dtype):
    narrow = np.round(5 * POINTS + 60).astype(dtype) if dtype[-2] in "iu" else POINTS.astype(dtype)
    wide = narrow.astype(np.float64)
    a, b = fit(narrow, 2), fit(wide, 2)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.neg_loglik == b.report.neg_loglik


def test_float32_is_accumulated_in_doubles():
    narrow = POINTS.astype("f4") + np.float32(4096.0)
    exact = fit(narrow.astype(float) - 4096.0, 1)
    shifted = fit(narrow, 1)
    # Doubles of size 4096 keep 1e-12; single precision would keep 5e-4.
    np.testing.assert_allclose(shifted.mog.Sigmas, exact.mog.Sigmas, rtol=1e-10)


def test_stride_0_rows_are_repetitions():
    one = np.broadcast_to(POINTS[:1], (50, 2))
    data = np.concatenate([np.array(one), POINTS])
    assert fit(data, 1).mog.params.tobytes() == fit(np.asfortranarray(data), 1).mog.params.tobytes()
    with pytest.raises(DegenerateError, match="all 50 rows are identical"):
        fit(one, 1)


def test_a_memory_map_is_read_where_it_lies(tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, POINTS)
    mapped = np.load(path, mmap_mode="r")
    F = fit(mapped)
    assert F.mog.params.tobytes() == fit().mog.params.tobytes()
    assert np.shares_memory(F.data, mapped)


def test_the_users_data_are_never_changed_or_copied():
    data = POINTS.copy()
    F = FitMoG(data, 3)
    assert np.shares_memory(F.data, data)
    F.fit_data(random_state=1, sample_weight=np.arange(3000.0))
    np.testing.assert_array_equal(data, POINTS)


def test_tables_keep_their_names_and_their_order():
    table = pd.DataFrame(POINTS, columns=["a", "b"])
    F = fit(table)
    assert F.names == F.mog.names == ("a", "b")
    assert F.mog.params.tobytes() == fit().mog.params.tobytes()
    swapped = table[["b", "a"]]
    assert F.log_l(swapped) == F.log_l(table)
    first = F.mog.params
    F.fit_data(swapped)
    np.testing.assert_allclose(F.mog.params, first, atol=1e-5)
    with pytest.raises(InputError, match=r"1 missing: 'a'; 1 unexpected: 'c'"):
        F.fit_data(table.rename(columns={"a": "c"}))

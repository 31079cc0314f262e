"""Data frames, labelled arrays and tensors of other libraries."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import types

import numpy as np
import pytest

from mogfit.data import as_points, as_sample_weight
from mogfit.errors import DataWarning, DtypeError, InputError

NAMES = ("q", "e", "i")
X = np.random.default_rng(21).normal(size=(40, 3))
X.flags.writeable = False


def follow_advice(message, given, **names):
    """Run the expression with which a message says that rows can be dropped."""
    expression = re.search(r"drop those rows: (.*)$", message).group(1)
    return eval(expression, {"np": np, "data": given, **names})


def frame(library, columns):
    """Make a data frame of a library out of a dictionary of columns."""
    module = pytest.importorskip(library)
    return module.table(columns) if library == "pyarrow" else module.DataFrame(columns)


def columns_of(values):
    return dict(zip(NAMES, np.array(values).T.copy(), strict=True))


LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])


# All data frames alike


@LIBRARIES
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_frames_give_what_arrays_give(library, dtype):
    points = as_points(frame(library, columns_of(X.astype(dtype))))
    assert points.names == NAMES
    assert points.values.dtype == dtype
    np.testing.assert_array_equal(points.values, X.astype(dtype))


@LIBRARIES
def test_columns_of_different_dtypes(library):
    table = frame(
        library,
        {"q": X[:, 0], "e": np.arange(40, dtype="i2"), "i": X[:, 2].astype("f4")},
    )
    values = as_points(table).values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values[:, 0], X[:, 0])
    np.testing.assert_array_equal(values[:, 1], np.arange(40))
    np.testing.assert_array_equal(values[:, 2], X[:, 2].astype("f4"))


@LIBRARIES
def test_reordered_columns_are_put_back(library):
    table = frame(library, columns_of(X))
    table = table.select(["i", "q", "e"]) if library != "pandas" else table[["i", "q", "e"]]
    for finite in (True, False):
        points = as_points(table, names=NAMES, nvars=3, finite=finite)
        assert points.names == NAMES
        np.testing.assert_array_equal(points.values, X)


@LIBRARIES
def test_columns_that_differ_are_listed(library):
    table = frame(library, columns_of(X))
    with pytest.raises(InputError, match="1 missing: 'H'; 1 unexpected: 'i'; allowed: 'q', 'e', "):
        as_points(table, names=("q", "e", "H"))


@LIBRARIES
def test_booleans_and_large_integers_are_told_by_column(library):
    with pytest.warns(DataWarning, match=r"1 of 1 value is boolean, .* column 1 \('flag'\)"):
        as_points(frame(library, {"q": [1.0], "flag": [True]}))
    with pytest.warns(DataWarning, match=r"1 of 2 values is beyond .* 1 \('id'\): 90071992547409"):
        values = as_points(frame(library, {"q": [1.0, 2.0], "id": [0, 2**53 + 1]})).values
    assert values[1, 1] == 2.0**53


@LIBRARIES
def test_text_is_refused_by_column(library):
    table = frame(library, {"q": [1.0, 2.0], "name": ["a", "b"], "other": ["c", "d"]})
    # Older pandas keeps text as objects, which are looked at one by one.
    words = "2 of 3 columns are not numeric|2 of 2 values are not real numbers"
    with pytest.raises(DtypeError, match=rf"data: ({words}).* column 1 \('name'\): .*float\)"):
        as_points(table)


@LIBRARIES
def test_dates_are_refused_by_column(library):
    table = frame(library, {"q": [1.0], "when": np.array(["2026-01-01"], "M8[ms]")})
    with pytest.raises(DtypeError, match=r"1 of 2 columns is not numeric, .* 1 \('when'\): dtype "):
        as_points(table)


@LIBRARIES
def test_nan_and_infinity_are_found_and_the_advice_works(library):
    import_names = {"pl": importlib.import_module("polars")} if library == "polars" else {}
    for bad, word in ((np.nan, "missing"), (np.inf, "infinite")):
        values = X.copy()
        values[7, 1] = bad
        table = frame(library, columns_of(values))
        with pytest.raises(
            InputError, match=rf"120 values is {word}.* row 7, column 1 \('e'\)"
        ) as e:
            as_points(table)
        kept = as_points(follow_advice(str(e.value), table, **import_names))
        np.testing.assert_array_equal(kept.values, np.delete(X, 7, axis=0))


@LIBRARIES
@pytest.mark.parametrize(
    ("column", "filled"),
    [
        ([1, None, 3], [1, np.nan, 3]),
        ([0.5, None, 2.5], [0.5, np.nan, 2.5]),
        ([None, 2**53, 3], [np.nan, 2.0**53, 3]),
        ([True, None, False], [1, np.nan, 0]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*boolean")
def test_a_missing_value_is_found(library, column, filled):
    if library == "pandas":
        pandas = pytest.importorskip("pandas")
        table = pandas.DataFrame({"z": pandas.array(column), "a": [1.0, 2.0, 3.0]})
        assert str(table.dtypes["z"]) in ("Int64", "Float64", "boolean")
    else:
        table = frame(library, {"z": column, "a": [1.0, 2.0, 3.0]})
    row = column.index(None)
    with pytest.raises(
        InputError, match=rf"1 of 6 values is missing.* row {row}, column 0 \('z'\)"
    ):
        as_points(table)
    values = as_points(table, finite=False).values
    np.testing.assert_array_equal(values[:, 0], filled)


@LIBRARIES
def test_large_integers_beside_a_missing_value_are_told(library):
    column = [None, 2**53 + 1]
    if library == "pandas":
        column = pytest.importorskip("pandas").array(column, dtype="Int64")
    with pytest.warns(DataWarning, match="first at row 1, column 0"):
        as_points(frame(library, {"z": column}), finite=False)


@LIBRARIES
def test_decimals_are_numbers(library):
    pyarrow = pytest.importorskip("pyarrow")
    column = pyarrow.array([1, None, 3], pyarrow.decimal128(10, 2))
    table = pyarrow.table({"z": column})
    if library == "polars":
        table = pytest.importorskip("polars").from_arrow(table)
    if library == "pandas":
        table = table.to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)
    values = as_points(table, finite=False).values
    np.testing.assert_array_equal(values[:, 0], [1, np.nan, 3])


@LIBRARIES
def test_no_rows_and_no_columns(library):
    empty = frame(library, {"q": np.zeros(0), "e": np.zeros(0)})
    with pytest.raises(InputError, match=r"shape \(0, 2\) seen.* 0 rows"):
        as_points(empty)
    assert as_points(empty, allow_empty=True).values.shape == (0, 2)
    with pytest.raises(InputError, match="0 columns"):
        as_points(frame(library, {}))


@LIBRARIES
def test_weights_from_a_column(library):
    column = np.linspace(0, 1, 5)
    table = frame(library, {"w": column})
    series = table.column(0) if library == "pyarrow" else table["w"]
    np.testing.assert_array_equal(as_sample_weight(series, 5), column)
    np.testing.assert_array_equal(as_points(series).values[:, 0], column)
    with pytest.raises(
        InputError, match=r"sample_weight: shape \(5,\) seen, shape \(4,\) expected"
    ):
        as_sample_weight(series, 4)


def test_weights_with_a_missing_value():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"sample_weight: 1 of 2 values .* index 1: nan"):
        as_sample_weight(pandas.Series([1, None], dtype="Int64"), 2)
    weights = as_sample_weight(pandas.Series([True, False]), 2)
    assert weights.tolist() == [1.0, 0.0]


# pandas


def test_pandas_floats_are_not_copied():
    pandas = pytest.importorskip("pandas")
    for dtype in ("f8", "f4"):
        table = pandas.DataFrame(X.astype(dtype), columns=NAMES)
        assert np.shares_memory(as_points(table).values, table.to_numpy())
        assert np.shares_memory(as_points(table["q"]).values, table["q"].to_numpy())


def test_pandas_names_that_stand_twice():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["q", "e", "q"])
    with pytest.raises(InputError, match="1 of 2 column names stands more than once, first 'q'"):
        as_points(table)
    with pytest.raises(InputError, match="first '1'"):
        as_points(pandas.DataFrame(X, columns=[1, "1", 2]))


def test_pandas_dtypes_that_are_not_numbers():
    pandas = pytest.importorskip("pandas")
    series = {
        "category": pandas.Series(["a", "b"], dtype="category"),
        "Sparse[float64, nan]": pandas.Series([1.0, np.nan], dtype="Sparse[float]"),
        "period[M]": pandas.Series(pandas.period_range("2026-01", periods=2, freq="M")),
        "datetime64": pandas.Series(pandas.date_range("2026-01-01", periods=2, tz="UTC")),
        "interval": pandas.Series(pandas.interval_range(0, 2)),
        "complex128": pandas.Series([1j, 2]),
        "string": pandas.Series(["a", "b"], dtype="string"),
    }
    for name, column in series.items():
        table = pandas.DataFrame({"a": [1.0, 2.0], "z": column})
        message = (
            rf"1 of 2 columns is not numeric, first at column 1 \('z'\): dtype {re.escape(name)}"
        )
        with pytest.raises(DtypeError, match=message):
            as_points(table)
        with pytest.raises(DtypeError, match=f"dtype {re.escape(name)}"):
            as_sample_weight(column, 2)


def test_pandas_objects_that_are_numbers():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": pandas.Series([1, 2.5], dtype=object)})
    np.testing.assert_array_equal(as_points(table).values, [[1], [2.5]])
    table = pandas.DataFrame({"a": pandas.Series([1, pandas.NA], dtype=object)})
    with pytest.raises(InputError, match=r"missing .* row 1, column 0"):
        as_points(table)


def test_pandas_row_is_a_point():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=NAMES)
    points = as_points(table.iloc[4], nvars=3, names=("i", "q", "e"), single_row_ok=True)
    assert points.single
    np.testing.assert_array_equal(points.values, X[4:5, [2, 0, 1]])
    with pytest.raises(InputError, match="1 missing: 'H'; 1 unexpected: 'i'"):
        as_points(table.iloc[4], nvars=3, names=("q", "e", "H"), single_row_ok=True)
    unnamed = pandas.Series(X[4])
    points = as_points(unnamed, nvars=3, names=NAMES, single_row_ok=True)
    np.testing.assert_array_equal(points.values, X[4:5])


def test_other_pandas_containers():
    pandas = pytest.importorskip("pandas")
    for container in (
        pandas.Index([1, 2]),
        pandas.array([1, 2]),
        pandas.Series([1, 2], name="q"),
    ):
        assert as_points(container).values.tolist() == [[1.0], [2.0]]
    assert as_points(pandas.Series([1, 2], name="q")).names == ("q",)
    for wrong in (
        pandas.Timestamp("2026-01-01"),
        pandas.NA,
        pandas.DataFrame({"a": [1]}).groupby("a"),
    ):
        with pytest.raises(DtypeError, match="data: "):
            as_points(wrong)


def test_pandas_data_are_not_modified():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": pandas.array([1, None]), "b": [1.0, np.nan]})
    before = table.copy(deep=True)
    as_points(table, finite=False)
    pandas.testing.assert_frame_equal(table, before)


# polars, pyarrow


def test_polars_that_is_not_loaded_or_not_numeric():
    polars = pytest.importorskip("polars")
    with pytest.raises(DtypeError, match=r"polars LazyFrame seen; .* data\.collect\(\)"):
        as_points(polars.DataFrame({"a": [1.0]}).lazy())
    for column in (
        polars.Series("z", ["a"], dtype=polars.Categorical),
        polars.Series("z", [[1.0]]),
        polars.Series("z", [None]),
    ):
        with pytest.raises(DtypeError, match=r"column 0 \('z'\): dtype "):
            as_points(polars.DataFrame({"z": column}))
    with pytest.raises(DtypeError, match="data: "):
        as_points(polars.col("z"))


def test_pyarrow_containers_and_types():
    pyarrow = pytest.importorskip("pyarrow")
    batch = pyarrow.RecordBatch.from_pydict(columns_of(X))
    points = as_points(batch)
    assert points.names == NAMES
    np.testing.assert_array_equal(points.values, X)
    chunks = pyarrow.chunked_array([[1.0], [2.0, 3.0]])
    assert as_points(chunks).values.tolist() == [[1.0], [2.0], [3.0]]
    half = pyarrow.array(np.array([1, 2], "f2"))
    assert as_points(half).values.tolist() == [[1.0], [2.0]]
    with pytest.raises(DtypeError, match=r"column 0 \('z'\): dtype dictionary<.*leave the column"):
        as_points(pyarrow.table({"z": pyarrow.array(["a", "b"]).dictionary_encode()}))
    with pytest.raises(DtypeError, match=r"FileSystemDataset|InMemoryDataset"):
        as_points(pytest.importorskip("pyarrow.dataset").dataset(batch))
    with pytest.raises(InputError, match="1 of 2 column names stands more than once, first 'a'"):
        as_points(pyarrow.table([[1.0], [2.0], [3.0]], names=["a", "a", "b"]))


# xarray


def test_xarray_two_dimensions_with_names():
    xarray = pytest.importorskip("xarray")
    plain = xarray.DataArray(X, dims=("row", "column"))
    assert as_points(plain).names is None
    assert np.shares_memory(as_points(plain).values, X)
    named = plain.assign_coords(column=list(NAMES))
    assert as_points(named).names == NAMES
    points = as_points(named.sel(column=["i", "q", "e"]), names=NAMES)
    np.testing.assert_array_equal(points.values, X)
    point = as_points(named[3], nvars=3, names=("e", "q", "i"), single_row_ok=True)
    np.testing.assert_array_equal(point.values, X[3:4, [1, 0, 2]])
    assert as_points(plain.assign_coords(column=[0.5, 1.5, 2.5])).names is None


def test_xarray_of_other_dimensions_or_not_loaded():
    xarray = pytest.importorskip("xarray")
    with pytest.raises(InputError, match=r"shape \(40, 3, 1\) seen"):
        as_points(xarray.DataArray(X[:, :, np.newaxis]))
    table = xarray.Dataset({name: ("row", X[:, k].copy()) for k, name in enumerate(NAMES)})
    with pytest.raises(DtypeError, match=r"xarray Dataset seen; .* convert it with (.*)") as caught:
        as_points(table)
    expression = str(caught.value).partition("convert it with ")[2]
    points = as_points(eval(expression, {"data": table}))
    assert points.names == NAMES
    np.testing.assert_array_equal(points.values, X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_xarray_advice_works(bad):
    xarray = pytest.importorskip("xarray")
    values = X.copy()
    values[7, 1] = bad
    given = xarray.DataArray(values, dims=("row", "column"))
    with pytest.raises(InputError, match="row 7, column 1") as caught:
        as_points(given)
    kept = follow_advice(str(caught.value), given)
    np.testing.assert_array_equal(kept, np.delete(X, 7, axis=0))


# Not in memory, on a device, sparse: refused, and the recipe works


def load_as_told(error, given):
    expression = str(error).partition("convert it with ")[2]
    return eval(expression, {"data": given})


def make_dask_array():
    return pytest.importorskip("dask.array").from_array(X, chunks=10)


def make_dask_frame():
    pandas = pytest.importorskip("pandas")
    frames = pytest.importorskip("dask.dataframe")
    return frames.from_pandas(pandas.DataFrame(X, columns=NAMES), npartitions=2)


def make_zarr():
    return pytest.importorskip("zarr").array(X)


def make_xarray_in_chunks():
    xarray = pytest.importorskip("xarray")
    return xarray.DataArray(make_dask_array(), dims=("row", "column"))


def make_csr():
    return pytest.importorskip("scipy.sparse").csr_array(X)


def make_coo_matrix():
    return pytest.importorskip("scipy.sparse").coo_matrix(X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_dask_array, "data: dask Array seen"),
        (make_dask_frame, r"data: dask.* DataFrame seen"),
        (make_zarr, "data: zarr Array seen"),
        (make_xarray_in_chunks, "data: xarray DataArray in chunks seen"),
        (make_csr, "data: scipy csr_array seen"),
        (make_coo_matrix, "data: scipy coo_matrix seen"),
    ],
)
def test_what_is_not_in_memory_comes_with_a_recipe(make, message):
    given = make()
    with pytest.raises(
        DtypeError, match=f"{message}; allowed: an array or a table in mem"
    ) as caught:
        as_points(given)
    np.testing.assert_array_equal(as_points(load_as_told(caught.value, given)).values, X)


def test_hdf5_comes_with_a_recipe(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "points.h5", "w") as file:
        file["name"] = X
        for given in (file["name"], file):
            with pytest.raises(DtypeError, match=r"data: h5py (Dataset|File) seen") as caught:
                as_points(given)
            expression = str(caught.value).partition("convert it with ")[2].partition(",")[0]
            values = eval(expression, {"data": given})
            np.testing.assert_array_equal(values, X)


def stand_in(module, name, **attributes):
    """An object as a library that needs a device would make it."""
    return type(name, (), {"__module__": module, **attributes})()


def test_devices_come_with_a_recipe():
    device = types.SimpleNamespace(type="cuda")
    cases = [
        (
            stand_in("torch", "Tensor", device=device, layout="torch.strided"),
            ".detach().cpu().numpy()",
        ),
        (stand_in("cupy", "ndarray", __cuda_array_interface__={}), ".get()"),
        (
            stand_in("numba.cuda", "DeviceNDArray", __cuda_array_interface__={}),
            ".copy_to_host()",
        ),
        (stand_in("cudf.core", "DataFrame"), ".to_pandas()"),
        (stand_in("sparse._coo", "COO"), ".todense()"),
    ]
    for given, recipe in cases:
        with pytest.raises(DtypeError, match=re.escape(f"convert it with data{recipe}")):
            as_points(given)


def test_torch():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X, requires_grad=True)
    values = as_points(tensor).values
    np.testing.assert_array_equal(values, X)
    assert values.ctypes.data == tensor.data_ptr()
    with pytest.raises(DtypeError, match="torch Tensor on device 'meta' seen"):
        as_points(tensor.detach().to("meta"))
    with pytest.raises(DtypeError, match=r"torch Tensor \(sparse\) seen; .* data\.to_dense\(\)"):
        as_points(tensor.detach().to_sparse())
    with pytest.raises(DtypeError, match=r"data: Tensor cannot be read as an array .*BFloat16"):
        as_points(tensor.detach().to(torch.bfloat16))


def test_none_of_these_libraries_is_imported():
    code = (
        "import sys\n"
        "from mogfit.data import as_points, as_sample_weight\n"
        "as_points([[1.0, 2.0]]); as_sample_weight([1.0], 1)\n"
        "names = ('pandas', 'polars', 'pyarrow', 'xarray', 'dask', 'h5py', 'zarr', 'torch')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

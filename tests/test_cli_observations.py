"""The command line on incomplete and noisy data: what it reads, fits and refuses."""

from __future__ import annotations

import numpy as np
import pytest

import mogfit as mn
from mogfit.cli.tables import read_table
from mogfit.errors import InputError
from mogfit.noise import Noise
from tests.command_line import one_line
from tests.observed_fits import knock_out

DONE, USAGE, BAD_DATA = 0, 2, 3
N = 200
NAMES = ("x", "y", "x_err", "y_err", "w")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rows():
    """Two groups of noisy points, a tenth of the values missing: x, y, their errors, a weight."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(120, 2)), rng.normal(size=(80, 2)) * 0.5 + 4.0])
    errors = rng.uniform(0.1, 0.5, (N, 2))
    values = knock_out(points + errors * rng.normal(size=(N, 2)), 0.1)
    return np.column_stack([values, errors, rng.integers(0, 4, N)])


def write(rows, kind, missing=("", "nan", "NA", " -nan ", "<NA>")):
    """A table of these rows; in text, missing values are written in turn in these ways."""
    if kind == "npy":
        np.save("table.npy", rows)
    elif kind == "records":
        records = np.zeros(len(rows), dtype=[(name, "f8") for name in NAMES])
        for name, column in zip(NAMES, rows.T, strict=True):
            records[name] = column
        np.save("table.npy", records)
    else:
        ways = iter(np.resize(missing, rows.size))
        words = [[next(ways) if v != v else repr(float(v)) for v in row] for row in rows]
        with open("table.csv", "w", encoding="utf-8") as file:
            file.writelines(",".join(line) + "\n" for line in (NAMES, *words))
        return "table.csv"
    return "table.npy"


def columns(kind, *wanted):
    """Names of columns, or numbers where the file has no names."""
    return ",".join(str(NAMES.index(name)) if kind == "npy" else name for name in wanted)


def direct(values, **options):
    """The fit that a Python script would make."""
    made = {name: options.pop(name) for name in ("missing", "errors", "domain") if name in options}
    F = mn.FitMoG(values, 2, **made)
    F.fit_data(random_state=0, **options)
    return F


def same(F, G):
    return F.mog.stdcorr.tobytes() == G.mog.stdcorr.tobytes()


every_kind = pytest.mark.parametrize("kind", ["text", "npy", "records"])


@every_kind
def test_missing_values_count_with_the_rest_of_their_rows(kind, rows, run):
    path = write(rows, kind)
    code, _, err = run(
        "fit", path, "--columns", columns(kind, "x", "y"), "-k", 2, "--missing", "marginal",
        "-o", "fit.json", "-p", "fit.png",
    )  # fmt: skip
    assert code == DONE
    missing = int(np.isnan(rows[:, :2]).sum())
    assert f"{N} points of " in err
    assert f", {missing} values missing, threads" in err
    F = mn.load("fit.json")
    assert same(F, direct(rows[:, :2], missing="marginal"))
    assert (F.missing, F.report.n_points) == ("marginal", N)


@every_kind
def test_errors_missing_values_and_weights_together(kind, rows, run):
    path = write(rows, kind)
    options = ["--errors", columns(kind, "x_err", "y_err"), "--weights", columns(kind, "w")]
    # Without --columns all the others are the data.
    code, _, err = run(
        "fit", path, *options, "-k", 2, "--missing", "marginal", "-o", "f.json", "-p", "f.pdf"
    )
    assert code == DONE
    assert ", with errors, threads" in err
    expected = direct(
        rows[:, :2], missing="marginal", errors=rows[:, 2:4], sample_weight=rows[:, 4]
    )
    F = mn.load("f.json")
    assert same(F, expected)
    assert F.names == (("c0", "c1") if kind == "npy" else ("x", "y"))
    assert not same(F, direct(rows[:, :2], missing="marginal"))


@every_kind
@pytest.mark.parametrize("option", [["--missing", "drop"], ["--drop-missing"]])
def test_rows_are_dropped_with_their_errors_and_weights(kind, option, rows, run):
    rows[3, 2:] = np.inf, np.nan, np.nan
    path = write(rows, kind)
    if kind == "text":
        assert np.isnan(rows).any()
    code, _, err = run(
        "fit", path, "--columns", columns(kind, "x", "y"), "--weights", columns(kind, "w"),
        "--errors", columns(kind, "x_err", "y_err"), "-k", 2, *option, "-o", "f.json", "-q",
    )  # fmt: skip
    assert code == DONE
    kept = rows[np.isfinite(rows).all(axis=1)]
    assert f"warning: {N - len(kept)} rows with missing values were left out" in one_line(err)
    F = mn.load("f.json")
    assert same(F, direct(kept[:, :2], errors=kept[:, 2:4], sample_weight=kept[:, 4]))
    assert F.missing == "drop"


@every_kind
def test_an_infinite_error_is_a_missing_value(kind, rows, run):
    rows[:, :2] = np.nan_to_num(rows[:, :2], nan=50.0)
    gone = rows[:, :2] == 50.0
    rows[:, 2:4][gone] = np.inf
    path = write(rows, kind)
    more = ["--columns", columns(kind, "x", "y"), "--errors", columns(kind, "x_err", "y_err")]
    assert run("fit", path, *more, "-k", 2, "-o", "f.json", "--missing", "marginal")[0] == DONE
    expected = direct(np.where(gone, np.nan, rows[:, :2]), missing="marginal", errors=rows[:, 2:4])
    assert same(mn.load("f.json"), expected)
    code, _, err = run("fit", path, *more, "-k", 2)
    assert code == BAD_DATA
    message = one_line(err)
    assert f"{gone.sum()} of {4 * N} values are" in message
    assert "--missing marginal uses the rest of such a row" in message
    assert run("fit", path, *more, "-k", 2, "--missing", "drop", "-q", "-o", "g.json")[0] == DONE
    kept = ~gone.any(axis=1)
    assert same(mn.load("g.json"), direct(rows[kept, :2], errors=rows[kept, 2:4]))


@every_kind
def test_errors_and_weights_of_what_is_there_must_be_there(kind, rows, run):
    rows[:, :2] = np.nan_to_num(rows[:, :2], nan=1.5)
    rows[5, 0] = rows[5, 2] = np.nan  # no value, no error
    rows[7, 3] = np.nan
    path = write(rows, kind)
    options = ["--columns", columns(kind, "x", "y"), "--errors", columns(kind, "x_err", "y_err")]
    where = "line 9, column 3 ('y_err'): ''" if kind == "text" else "row 7, column 3"
    code, _, err = run("fit", path, *options, "-k", 2, "--missing", "marginal")
    message = one_line(err)
    assert code == BAD_DATA
    assert f"1 of {4 * N} values is" in message
    assert where.rstrip("'") in message
    assert "--missing drop leaves such a row out" in message
    rows[7, 3] = 0.1
    assert run("fit", write(rows, kind), *options, "-k", 2, "--missing", "marginal")[0] == DONE
    rows[7, 4] = np.nan
    options += ["--weights", columns(kind, "w")]
    code, _, err = run("fit", write(rows, kind), *options, "-k", 2, "--missing", "marginal")
    assert code == BAD_DATA
    assert "column 4" in one_line(err)


@every_kind
def test_a_value_that_is_missing_is_an_error_by_default(kind, rows, run):
    path = write(rows, kind)
    code, _, err = run("fit", path, "-k", 1, "--columns", columns(kind, "x", "y"))
    message = one_line(err)
    assert code == BAD_DATA
    assert message.startswith(f"mogfit: error: {path}: {np.isnan(rows).sum()} of {2 * N} values")
    assert "--missing marginal" in message
    assert "--missing drop" in message
    assert run("fit", path, "-k", 1, "--missing", "error")[0] == BAD_DATA


@every_kind
def test_points_in_a_domain_that_were_seen_through_noise_may_lie_outside(kind, rows, run):
    rows[:, :2] = np.nan_to_num(rows[:, :2], nan=1.5)
    rows[:, 3] = 0.0  # y is exact
    rows[:, 0] += 3.0
    rows[::20, 0] = -0.2
    path = write(rows, kind)
    x, y = columns(kind, "x"), columns(kind, "y")
    options = ["--columns", f"{x},{y}", "--errors", columns(kind, "x_err", "y_err"), "-k", 2]
    x, y = ("c0", "c1") if kind == "npy" else (x, y)
    more = ["--domain", f"{x}=0:", "-o", "f.json", "-q"]
    assert run("fit", path, *options, *more)[0] == DONE
    expected = direct(rows[:, :2], errors=rows[:, 2:4], domain=[(0, None), None])
    assert same(mn.load("f.json"), expected)
    code, _, err = run("fit", path, *options, "--domain", f"{y}=0:")
    assert code == BAD_DATA
    assert "--drop-outside" in one_line(err)
    inside = rows[rows[:, 1] >= 0]
    more = ["--domain", f"{y}=0:", "--drop-outside", "-o", "f.json", "-q"]
    weights = ["--weights", columns(kind, "w")]
    code, _, err = run("fit", path, *options, *more, *weights)
    assert code == DONE
    assert f"{N - len(inside)} rows outside the domain" in one_line(err)
    expected = direct(
        inside[:, :2], errors=inside[:, 2:4], domain=[None, (0, None)], sample_weight=inside[:, 4]
    )
    assert same(mn.load("f.json"), expected)


def test_one_column_of_errors_may_be_that_of_several_columns(rows):
    path = write(rows, "text")
    table = read_table_of(path, ["y", "x"], errors=["x_err", "x_err"])
    np.testing.assert_array_equal(table.errors, rows[:, [2, 2]])
    np.testing.assert_array_equal(table.values, rows[:, [1, 0]])


def read_table_of(path, *arguments, **options):
    from pathlib import Path

    return read_table(Path(path), *arguments, missing="marginal", **options)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--errors", "x_err"], BAD_DATA, "--errors: 1 column seen for 2 of data, x, y; give one"),
        (["--errors", "w,w,w"], BAD_DATA, "--errors: 3 columns seen for 2 of data, x, y"),
        (["--errors", "x_err,e"], BAD_DATA, "column of --errors: 'e' seen; allowed: 'x', 'y'"),
        (["--weights", "e"], BAD_DATA, "column of --weights: 'e' seen; allowed: 'x', 'y'"),
        (["--errors", "x_err,,"], USAGE, "names separated by commas"),
        (["--missing", "nan"], USAGE, "'nan' seen; allowed: error, marginal, drop"),
        (["--missing", "error", "--drop-missing"], USAGE, "--drop-missing and --missing error"),
        (["--missing", "marginal", "--drop-missing"], USAGE, "give one of them"),
    ],
)
def test_options_that_do_not_fit(rows, run, options, code, words):
    seen, _, err = run("fit", write(rows, "text"), "-k", 2, "--columns", "x,y", *options)
    assert seen == code
    assert words in one_line(err)


def test_negative_errors_are_named(rows, run):
    rows[4, :4] = 1.0, 1.0, 0.1, -0.25
    path = write(rows, "text")
    options = ["--columns", "x,y", "--errors", "x_err,y_err", "--missing", "marginal"]
    code, _, err = run("fit", path, "-k", 2, *options)
    assert code == BAD_DATA
    expected = "--errors: 1 of 400 values is negative or NaN, first at row 4, column 1 ('y'): -0.25"
    assert expected in one_line(err)


def test_infinite_values_are_no_missing_ones(rows, run):
    for column, value in ((0, np.inf), (2, -np.inf), (4, np.inf)):
        changed = rows.copy()
        changed[0] = 1.0
        changed[0, column] = value
        for kind in ("text", "npy"):
            path = write(changed, kind)
            for missing in ("marginal", "drop", "error"):
                code, _, err = run(
                    "fit", path, "-k", 2, "--columns", "0,1", "--errors", "2,3", "--weights", "4",
                    "--missing", missing,
                )  # fmt: skip
                assert code == BAD_DATA
                assert "1 of 1000 values is" in one_line(err), (column, kind, missing)
                assert "finite" in err


def test_a_column_of_words_in_an_array_is_named(tmp_path):
    records = np.zeros(3, dtype=[("x", "f8"), ("name", "U3"), ("e", "f8")])
    np.save("r.npy", records)
    for options in ({"columns": ["name"]}, {"columns": ["x"], "weights": "name"}):
        with pytest.raises(InputError, match=r"column 1 of <U3 seen; allowed: real numbers"):
            read_table(tmp_path / "r.npy", **options)


def test_what_cannot_be_learnt_from_is_named(run):
    with open("t.csv", "w", encoding="utf-8") as file:
        file.writelines(["x,y\n"] + [f"{k},\n" for k in range(30)])
    code, _, err = run("fit", "t.csv", "-k", 1, "--missing", "marginal")
    assert code == BAD_DATA
    assert "without a value, first at column 1 ('y')" in one_line(err)


def test_a_fit_with_errors_can_be_continued(rows, run):
    path = write(rows, "text")
    options = ["--columns", "x,y", "--errors", "x_err,y_err", "--missing", "marginal", "-k", 2]
    run("fit", path, *options, "-q", "-o", "f.json", "--tol", "1e-2")
    assert run("fit", path, *options, "-q", "-o", "g.json", "--start-from", "f.json")[0] == DONE
    assert mn.load("g.json").report.starts == ()


def test_values_are_read_where_they_lie(tmp_path, rows):
    np.save("t.npy", rows)
    table = read_table(tmp_path / "t.npy", ["0", "1"], errors=["2", "3"], missing="marginal")
    base = table.values
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    assert table.n_missing == np.isnan(rows).sum()
    noise = Noise(deviations=table.errors)
    assert mn.FitMoG(table.values, 1, missing="marginal", errors=noise).data is not None

"""The command line: what it reads, fits, writes and says, and with which exit code."""

from __future__ import annotations

import doctest
import errno
import gzip
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mogfit as mn
from mogfit.cli import text_table
from mogfit.cli.tables import read_table
from mogfit.errors import FileFormatError, InputError
from mogfit.export.component_text import component_text
from tests.command_line import one_line

DONE, NOT_CONVERGED, USAGE, BAD_DATA, BAD_FILE, INTERRUPTED = 0, 1, 2, 3, 4, 130


@pytest.fixture
def data():
    """Points of two well separated groups, in three columns."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(300, 3)), rng.normal(size=(200, 3)) * 0.5 + 5.0])


@pytest.fixture
def table(tmp_path, monkeypatch, data):
    """`data` as a CSV file in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data.csv"
    np.savetxt(path, data, delimiter=",", header="x [km],y,z", comments="", fmt="%.17g")
    return path


# The main job


def test_a_table_is_fitted_and_everything_written(table, run, data):
    code, out, err = run(
        "fit", table, "--columns", "x,z", "--ngauss", 2, "--out", "fit.json", "--plot", "fit.png"
    )
    assert code == DONE
    fit = mn.load("fit.json")
    assert fit.names == ("x", "z")
    assert fit.report.converged
    direct = mn.FitMoG(data[:, [0, 2]], ngauss=2)
    direct.fit_data(random_state=0)
    assert fit.mog.stdcorr.tobytes() == direct.mog.stdcorr.tobytes()
    assert (table.parent / "fit.png").read_bytes().startswith(b"\x89PNG")
    assert "converged" in out
    assert f"{direct.report.neg_loglik_per_point:.6f}" in out
    assert "x [km]" in out
    assert "wrote fit.json and fit.png" in out
    assert re.search(r"fitting 2 Gaussians to 500 points of x, z", err)
    assert sorted(path.name for path in table.parent.iterdir()) == [
        "data.csv",
        "fit.json",
        "fit.png",
    ]


def test_the_demo_writes_into_the_current_folder(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("demo", "--ngauss", 3)
    assert code == DONE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asteroids.json", "asteroids.png"]
    fit = mn.load("asteroids.json")
    assert (fit.ngauss, fit.names, fit.report.n_points) == (3, ("q", "e", "i"), 40_761)
    assert "40761 near-Earth asteroids" in out
    assert "perihelion distance" in out
    assert "rho(q,e)" in out


def test_as_a_program_of_its_own(table):
    command = [sys.executable, "-m", "mogfit", "fit", str(table), "-k", "2", "-o", "fit.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=table.parent)
    assert done.returncode == DONE, done.stderr
    assert "wrote fit.json" in done.stdout
    # Without a terminal the progress is plain lines, with the time of day.
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in done.stderr.splitlines())
    assert "\r" not in done.stderr
    refused = subprocess.run(
        [*command[:4], "none.csv", "-k", "2"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == BAD_FILE
    assert one_line(refused.stderr) == "mogfit: error: none.csv: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text, as on Linux")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_cannot_be_shown_do_not_stop_it(table, encoding):
    table.write_text(table.read_text().replace("y", "Größe"), encoding="utf-8")
    odd = os.fsdecode(b"fit\xff.json")
    done = subprocess.run(
        [sys.executable, "-m", "mogfit", "fit", str(table), "-k", "2", "-o", odd],
        capture_output=True,
        check=False,
        cwd=table.parent,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert done.returncode == DONE, done.stderr
    assert b"wrote fit?.json" in done.stdout
    assert mn.load(table.parent / odd).names == ("x", "Größe", "z")


def test_quiet_prints_nothing(table, run):
    assert run("fit", table, "-k", 2, "--quiet", "-o", "fit.json") == (DONE, "", "")
    assert mn.load("fit.json").report.converged


def test_the_same_command_gives_the_same_result_and_the_seed_counts(table, run):
    def result(*more):
        assert run("fit", table, "-k", 4, "-q", "-o", "fit.json", *more)[0] == DONE
        return mn.load("fit.json")

    assert result().mog.stdcorr.tobytes() == result("--seed", "0").mog.stdcorr.tobytes()
    assert result().report.starts != result("--seed", "1").report.starts


def test_options_reach_the_fit(table, run):
    run("fit", table, "-k", 2, "-q", "-o", "fit.json", "--method", "em", "--n-starts", 3)
    report = mn.load("fit.json").report
    assert report.method == "EM"
    assert len(report.starts) == 3
    run("fit", table, "-k", 4, "-q", "-o", "fit.json", "--tol", "1e-2", "--threads", 1)
    loose = mn.load("fit.json").report
    assert loose.threads == 1
    assert loose.gradient_norm > 1e-6


def test_weights_are_a_column_like_any_other(table, run, data):
    weights = np.arange(500) % 3
    np.savetxt("w.csv", np.column_stack([data, weights]), delimiter=",", fmt="%.17g")
    assert run("fit", "w.csv", "-k", 1, "-q", "--weights", "3", "-o", "fit.json")[0] == DONE
    mog = mn.load("fit.json").mog
    assert mog.nvars == 3
    np.testing.assert_allclose(mog.mus[0], np.average(data, axis=0, weights=weights), rtol=1e-9)
    np.savetxt("w.csv", np.column_stack([data, weights - 1]), delimiter=",")
    code, _, err = run("fit", "w.csv", "-k", 1, "--weights", "3")
    assert code == BAD_DATA
    assert "--weights" in one_line(err)
    assert "negative" in err


def test_a_fit_that_has_not_converged_says_so_and_can_be_continued(table, run):
    code, out, err = run("fit", table, "-k", 5, "--max-iterations", 1, "-o", "half.json")
    assert code == NOT_CONVERGED
    assert "NOT converged" in out
    message = one_line(err)
    assert "--max-iterations" in message
    assert "--start-from half.json" in message
    assert mn.load("half.json").report.converged is False
    code, _, _ = run("fit", table, "-k", 5, "--start-from", "half.json", "-o", "whole.json")
    assert code == DONE
    whole, half = mn.load("whole.json"), mn.load("half.json")
    assert whole.report.starts == ()
    assert whole.report.neg_loglik <= half.report.neg_loglik


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-k", "3"], "has 2 Gaussians in 3 variables; 3 in 3 are asked for"),
        (["-k", "2", "--columns", "x,y"], "2 in 2 are asked for"),
        (["-k", "2", "--columns", "z,y,x"], "is about x, y, z, the data about z, y, x"),
        (["-k", "2", "--n-starts", "2"], "give one of them"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(table, run, options, words):
    run("fit", table, "-k", 2, "-q", "-o", "fit.json")
    code, _, err = run("fit", table, *options, "--start-from", "fit.json")
    assert code == USAGE
    assert words in one_line(err)


def test_the_profile_adds_up(table, run):
    _, out, _ = run("fit", table, "-k", 2, "--profile", "--quiet", "--plot", "fit.svg")
    seconds = {name: float(value) for name, value in re.findall(r"^ *(\w+) +([\d.]+)$", out, re.M)}
    assert set(seconds) == {"reading", "fitting", "core", "scipy", "Python", "drawing", "total"}
    stages = seconds["reading"] + seconds["fitting"] + seconds["drawing"]
    assert seconds["total"] == pytest.approx(stages, abs=0.003)
    assert seconds["fitting"] >= seconds["core"] + seconds["scipy"] - 0.002
    assert re.search(r"passes over 500 points with 2 Gaussians: [\d,]+ points per second", out)


def test_show_config_version_and_help(run):
    code, out, _ = run("show-config")
    assert code == DONE
    assert mn.get_config()["variant"] in out
    assert run("--version")[:2] == (DONE, f"mogfit {mn.__version__}\n")
    code, out, _ = run("fit", "--help")
    assert code == DONE
    for words in (
        "--columns q,e,i --ngauss 10 --out fit.json",
        "exit codes",
        "SLURM_CPUS_PER_TASK",
    ):
        assert words in out


# Outputs


@pytest.mark.parametrize("kind", ["png", "pdf", "svg", "PNG"])
def test_figures_of_every_kind(table, run, kind):
    assert run("fit", table, "-k", 2, "-q", "--plot", f"fit.{kind}")[0] == DONE
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert (table.parent / f"fit.{kind}").read_bytes().startswith(starts[kind.lower()])


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--out", "no/fit.json"], BAD_FILE, "no does not exist; create it"),
        (["--plot", "no/fit.png"], BAD_FILE, "no does not exist; create it"),
        (["--out", "."], BAD_FILE, "is a folder"),
        (["--plot", "fit.xyz"], USAGE, "'xyz' seen; allowed: "),
        (["--plot", "fit"], USAGE, "'' seen; allowed: "),
        (["--out", "data.csv"], USAGE, "is the file with the data"),
        (["--out", "./a.png", "--plot", "a.png"], USAGE, "give different names"),
        (["--start-from", "none.json"], BAD_FILE, "none.json: No such file"),
    ],
)
def test_bad_outputs_are_found_before_the_work(table, run, monkeypatch, options, code, words):
    def never(*_, **__):
        raise AssertionError("the table was read")

    monkeypatch.setattr("mogfit.cli.commands.read_table", never)
    before = sorted(table.parent.iterdir())
    seen, _, err = run("fit", table, "-k", 2, *options)
    assert seen == code
    assert words in one_line(err)
    assert sorted(table.parent.iterdir()) == before


def test_an_older_result_survives_a_failure(table, run, monkeypatch):
    (table.parent / "fit.json").write_text("precious")

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mogfit.export.atomic.os.fsync", fail)
    code, _, err = run("fit", table, "-k", 2, "-o", "fit.json")
    assert code == BAD_FILE
    assert "No space left on device" in one_line(err)
    assert (table.parent / "fit.json").read_text() == "precious"
    assert len(list(table.parent.iterdir())) == 2


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="no /dev/stdout")
def test_the_result_can_go_to_a_pipe(table):
    done = subprocess.run(
        [sys.executable, "-m", "mogfit", "fit", str(table), "-k", "2", "-q", "-o", "/dev/stdout"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == DONE, done.stderr
    assert json.loads(done.stdout)["kind"] == "FitMoG"


# Usage


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "required"),
        (["-k", "0"], "'0' seen; allowed: a whole number >= 1"),
        (["-k", "2.5"], "'2.5' seen"),
        (["-k", "2", "--threads", "-1"], "'-1' seen"),
        (["-k", "2", "--seed", "x"], "'x' seen"),
        (["-k", "2", "--tol", "0"], "a number > 0"),
        (["-k", "2", "--tol", "nan"], "a number > 0"),
        (["-k", "2", "--penalty", "1"], "from 0 to below 1"),
        (["-k", "2", "--method", "LBFGS"], "did you mean 'L-BFGS'?"),
        (["-k", "2", "--columns", "x,,y"], "names separated by commas"),
        (["-k", "2", "--delimiter", "ab"], "one character"),
        (["-k", "2", "--colums", "x"], "unrecognized arguments: --colums"),
        (["-k", "2", "--col", "x"], "unrecognized arguments: --col"),
    ],
)
def test_options_that_cannot_be_used(table, run, options, words):
    code, _, err = run("fit", table, *options)
    assert code == USAGE
    assert words in one_line(err)


def test_no_command_and_an_unknown_one(run):
    assert run()[0] == USAGE
    code, _, err = run("fti")
    assert code == USAGE
    assert "'fit'" in err


def test_debug_shows_where_an_error_came_from(table, run):
    code, _, err = run("fit", table, "-k", 2, "--columns", "q", "--debug")
    assert code == BAD_DATA
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("mogfit: error:")


# Bad data


def lines(*rows):
    return "\n".join(rows) + "\n"


GOOD = [f"{k},{k * k % 7}.5" for k in range(20)]
BAD_TABLES = {
    "missing": (lines("x,y", *GOOD, "1,", "NA,2"), "2 of 44 values are missing, first at line 22, "
                "column 1 ('y'): ''; --missing marginal uses the rest of such a row"),
    "garbled": (lines("x,y", *GOOD, "1,2o"), "1 of 42 values is no finite number, first at line "
                "22, column 1 ('y'): '2o'"),
    "infinite": (lines("x,y", *GOOD, "inf,2"), "no finite number, first at line 22, column 0 "
                 "('x'): 'inf'"),
    "underscore": (lines("x,y", *GOOD, "1_0,2"), "'1_0'"),
    "other digits": (lines("x,y", *GOOD, "\u0661,2"), "no finite number"),
    "too few": (lines("x,y", *GOOD, "", "# c", "1"), "line 24 has 1 values: '1'; expected 2"),
    "too many": (lines("x,y", *GOOD, "1,5,2"), "line 22 has 3 values: '1,5,2'; expected 2"),
    "decimal commas": ("a;b\n1,5;2,5\n", "line 2, column 0 ('a'): '1,5'"),
    "empty": ("", "is empty"),
    "only comments": ("# a\n\n# b\n", "is empty but for comments"),
    "only a heading": ("x,y\n", "has no rows of data"),
    "heading of years": (lines("id,2020,2021", "a1,5,6", "1,5,6", "2,3,5"), "'id'"),
    "year heading": (lines("id,2020,2021", "1,5,6", "2,3,5"), "line 1 has 'id' where the next "
                     "line has a number"),
    "same rows": (lines("x,y", *["1,2"] * 50), "identical"),
    "collinear": (lines("x,y", *[f"{k},{2 * k}" for k in range(50)]), "collinear"),
    "constant": (lines("x,y", *[f"{k},2" for k in range(50)]), "'y'"),
    "too few rows": (lines("x,y", "1,2", "2,1"), "2 distinct rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_data_are_named_with_line_column_and_value(tmp_path, run, case):
    content, words = BAD_TABLES[case]
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    code, _, err = run("fit", path, "-k", 1, "-o", tmp_path / "fit.json")
    assert code == BAD_DATA
    assert words in one_line(err)
    assert not (tmp_path / "fit.json").exists()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("x,w", "'w' seen; allowed: 'x', 'y', 'z'; or by number, 0 to 2"),
        ("x,3", "'3' seen"),
        ("x,-1", "'-1' seen"),
        ("x,0", "column 0 ('x') is asked for more than once"),
        ("X", "did you mean 'x'?"),
    ],
)
def test_unknown_columns_list_those_there_are(table, run, columns, words):
    code, _, err = run("fit", table, "-k", 2, "--columns", columns)
    assert code == BAD_DATA
    assert words in one_line(err)


def test_rows_with_missing_values_are_dropped_on_request_and_counted(tmp_path, run):
    (tmp_path / "a.csv").write_text(lines("x,y", *GOOD, "1,", ",", "nan,2", "N/A,1"))
    code, _, err = run("fit", tmp_path / "a.csv", "-k", 1, "--drop-missing", "-o", tmp_path / "f")
    assert code == DONE
    assert "warning: 4 rows with missing values were left out" in one_line(err)
    assert mn.load(tmp_path / "f").report.n_points == 20


def test_warnings_are_lines_that_name_options(tmp_path, run):
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.normal(size=(60, 2)), np.full((3, 2), 5.0)])
    np.savetxt(tmp_path / "a.txt", data)
    _, _, err = run("fit", tmp_path / "a.txt", "-k", 12)
    assert "mogfit: warning: " in err
    assert "more parameters" in err or "parameters" in err
    assert "random_state" not in err
    assert "Warning:" not in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04" + b"x" * 50, "zip archive"),
        (b"\x80\x04K\x01.", "pickle"),
        (b"\xff\xfex\x00,\x00y\x00", "UTF-16"),
        (b"\x7fELF\x00\x00\x00", "is not text"),
        (gzip.compress(bytes(range(33, 127)) * 9, mtime=0)[:60], "damaged or cut"),
        (b"\x1f\x8b\x08\x00garbage", "damaged or cut"),
        (b"\x93NUMPY\x01\x00", "cannot be read as a .npy file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_another_kind(tmp_path, run, content, words):
    (tmp_path / "data").write_bytes(content)
    code, _, err = run("fit", tmp_path / "data", "-k", 1)
    assert code == BAD_FILE
    assert words in one_line(err)


# Tables of all layouts


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", "  "])
@pytest.mark.parametrize("heading", [None, "plain", "comment", "quoted"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_layout_gives_the_same_numbers(tmp_path, data, mark, heading, end, packed):
    names = ["x", "y", "z"]
    head = {
        None: [],
        "plain": [mark.join(names)],
        "comment": ["# made by hand", "# " + mark.join(names)],
        "quoted": [mark.join(f'"{name}"' for name in names)],
    }[heading]
    if mark.strip() == "" and mark != "\t" and heading == "quoted":
        head = [mark.join(names)]
    rows = [mark.join(repr(float(value)) for value in row) for row in data]
    text = end.join([*head, *rows]) + end
    content = ("\ufeff" + text if heading == "plain" else text).encode()
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(content) if packed else content)
    table = read_table(path)
    assert table.values.tobytes() == data.tobytes()
    assert table.names == (("c0", "c1", "c2") if heading is None else ("x", "y", "z"))
    chosen = read_table(path, ["2", "0"], weights="1")
    assert chosen.values.tolist() == data[:, [2, 0]].tolist()
    assert chosen.weights.tolist() == data[:, 1].tolist()


def test_the_slow_way_reads_what_the_fast_one_does(tmp_path, data, monkeypatch):
    # A comment and a blank line send the block through the slow parser.
    rows = [",".join(repr(float(value)) for value in row) for row in data]
    (tmp_path / "fast").write_text(lines("x,y,z", *rows))
    mixed = [rows[0], "", "# a comment", *rows[1:-1], rows[-1] + " # end"]
    (tmp_path / "slow").write_text(lines("x,y,z", *mixed))
    calls = []
    slow = text_table.TextReader._slow
    monkeypatch.setattr(
        text_table.TextReader, "_slow", lambda *args: calls.append(1) or slow(*args)
    )
    assert read_table(tmp_path / "fast").values.tobytes() == data.tobytes()
    assert not calls
    assert read_table(tmp_path / "slow").values.tobytes() == data.tobytes()
    assert calls


def test_a_quoted_number_and_a_quoted_comma_are_read(tmp_path):
    (tmp_path / "q").write_text('name,x\n"Doe, J.","1.5"\n"Roe, R.",2.5\n')
    assert read_table(tmp_path / "q", ["x"]).values.tolist() == [[1.5], [2.5]]


def test_words_in_columns_that_nobody_asked_for_do_no_harm(tmp_path):
    (tmp_path / "w").write_bytes("name,x,note\nB\xfcrger,1,a\nCeres,2,\n".encode("latin-1"))
    assert read_table(tmp_path / "w", ["x"]).values.tolist() == [[1.0], [2.0]]
    (tmp_path / "n").write_text("Ceres 1 2\nVesta 3 5\n")
    assert read_table(tmp_path / "n", ["1", "2"]).values.tolist() == [[1.0, 2.0], [3.0, 5.0]]


def test_a_sign_of_comments_in_a_column_that_nobody_asked_for_does_no_harm(tmp_path):
    rows = ["1,Planet #9,a", "2,#4,b", "3,plain,c"]
    # The second table has a missing value and goes the slow way.
    for more, missing in (([], "error"), ([",x,d # a comment"], "drop")):
        (tmp_path / "n.csv").write_text(lines("x,name,note", *rows, "#4,x,y", *more))
        table = read_table(tmp_path / "n.csv", ["x"], missing=missing)
        assert table.values.tolist() == [[1.0], [2.0], [3.0]]


def test_headings_with_units_are_found_by_name_with_or_without(tmp_path):
    (tmp_path / "u").write_text('q [au],speed (km/s),"a, b"\n1,2,3\n4,5,6\n')
    table = read_table(tmp_path / "u", ["speed", "q [au]", "a, b"])
    assert table.names == ("speed", "q", "a, b")
    assert table.units == ("km/s", "au", "")
    assert table.values.tolist() == [[2.0, 1.0, 3.0], [5.0, 4.0, 6.0]]


def test_columns_of_the_same_name_go_by_number(tmp_path):
    (tmp_path / "d").write_text("x,x,y\n1,2,3\n4,5,6\n")
    with pytest.raises(InputError, match=r"2 columns are called 'x': 0, 1"):
        read_table(tmp_path / "d", ["x"])
    table = read_table(tmp_path / "d", ["0", "1"])
    assert len(set(table.names)) == 2


def test_line_numbers_hold_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(text_table, "_LINES_AT_ONCE", 7)
    rows = [f"{k},1" for k in range(40)]
    rows[13] = ""  # at the end of a block
    rows[20] = "# a comment"
    rows[33] = "x1,1"
    (tmp_path / "b").write_text(lines("a,b", *rows))
    with pytest.raises(InputError, match=r"1 of 76 values .* line 35, column 0 \('a'\): 'x1'"):
        read_table(tmp_path / "b")


cells = st.sampled_from(
    ["1", "-2.5", "1e3", "", "nan", "-NaN", "NA", "x", '"3"', "inf", " 4 ", "#", "1,2"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.lists(st.lists(cells, min_size=4, max_size=4), max_size=6),
    st.booleans(),
    st.sampled_from(["error", "marginal", "drop"]),
    st.sampled_from([{}, {"weights": "3"}, {"errors": ["2", "3"]}, {"errors": ["2", "2"]}]),
)
def test_fast_and_slow_agree_on_any_small_table(tmp_path, rows, heading, missing, more):
    content = lines(*(["a,b,c,d"] if heading else []), *(",".join(row) for row in rows))
    path = tmp_path / "t.csv"
    path.write_text(content)

    def outcome():
        try:
            table = read_table(path, ["0", "1"], missing=missing, **more)
        except (InputError, FileFormatError) as error:
            return str(error)
        gone = np.isnan(table.values)
        assert not np.isinf(table.values).any()
        assert gone.sum() == table.n_missing
        assert table.n_missing == 0 or missing == "marginal"
        assert table.values.shape[1] == 2
        weights, errors = table.weights, table.errors
        assert (weights is None) == ("weights" not in more)
        assert (errors is None) == ("errors" not in more)
        if weights is not None:
            assert np.isfinite(weights).all()
        if errors is not None:
            assert np.isfinite(errors[~gone] if missing != "marginal" else 0.0).all()
            assert not np.isnan(errors[~gone]).any()
        held = [None if part is None else part.tobytes() for part in (weights, errors)]
        return np.nan_to_num(table.values, nan=9.5).tobytes(), held, table.names, table.n_dropped

    usual = outcome()
    fast = text_table.TextReader._fast
    text_table.TextReader._fast = lambda *_: None
    try:
        assert outcome() == usual
    finally:
        text_table.TextReader._fast = fast


def test_a_large_table_is_read_in_bounded_memory_and_time(tmp_path):
    count = 400_000
    rng = np.random.default_rng(0)
    block = "".join(f"{a:.6f},{b:.6f},{c:.6f},word\n" for a, b, c in rng.normal(size=(1000, 3)))
    path = tmp_path / "large.csv"
    path.write_text("a,b,c,d\n" + block * (count // 1000))
    begun = time.perf_counter()
    table = read_table(path, ["a", "c"])
    seconds = time.perf_counter() - begun
    assert table.values.shape == (count, 2)
    assert seconds < 15
    tracemalloc.start()
    read_table(path, ["a", "c"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The numbers, once in blocks and once together, and one block of lines.
    assert peak < 2 * table.values.nbytes + 25e6


# Arrays


def owner(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize("columns", [None, ["0", "1"], ["1"], ["0", "2"], ["1", "2"]])
@pytest.mark.parametrize("dtype", ["<f8", "<f4", ">f8", "<i4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_where_they_lie(tmp_path, data, columns, dtype, order):
    array = np.asarray(data * 10, dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy", columns)
    numbers = [0, 1, 2] if columns is None else [int(word) for word in columns]
    assert isinstance(owner(table.values), np.memmap)
    assert table.values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(table.values, array[:, numbers])
    assert table.names == tuple(f"c{k}" for k in numbers)


def test_an_array_on_the_disk_is_fitted_without_a_copy(tmp_path, run, monkeypatch):
    data = np.random.default_rng(0).normal(size=(1000, 4))
    np.save(tmp_path / "a.npy", data)
    seen = []
    fit_data = mn.FitMoG.fit_data

    def spy(self, *args, **options):
        seen.append(self.data)
        return fit_data(self, *args, **options)

    monkeypatch.setattr(mn.FitMoG, "fit_data", spy)
    code, _, _ = run(
        "fit", tmp_path / "a.npy", "-k", 1, "--columns", "1,2", "-q", "-o", tmp_path / "f.json"
    )
    assert code == DONE
    assert isinstance(owner(seen[0]), np.memmap)
    expected = data[:, 1:3].mean(axis=0)
    np.testing.assert_allclose(mn.load(tmp_path / "f.json").mog.mus[0], expected, atol=1e-12)


def test_structured_and_one_dimensional_arrays(tmp_path):
    records = np.zeros(5, dtype=[("a", "f4"), ("name", "U5"), ("b", "i2")])
    records["a"], records["b"] = np.arange(5) / 2, np.arange(5)
    np.save(tmp_path / "s.npy", records)
    table = read_table(tmp_path / "s.npy", ["b", "a"])
    assert table.values.tolist() == [[k, k / 2] for k in range(5)]
    assert table.names == ("b", "a")
    np.save(tmp_path / "v.npy", np.arange(4.0))
    assert read_table(tmp_path / "v.npy").values.shape == (4, 1)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.float64(3), r"shape \(\)"),
        (np.zeros((3, 2), complex), "complex128"),
        (np.array([["a", "b"]]), "<U1"),
        (np.zeros((0, 2)), "no rows|cannot be read"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), r"1 of 4 values is NaN, first at row 1, column 0"),
        (np.array([[1.0, -np.inf]]), "1 of 2 values is infinite, first at row 0, column 1"),
        (np.full((2, 2), np.nan), "4 of 4 values are NaN"),
    ],
)
def test_arrays_that_are_no_points(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises((InputError, FileFormatError), match=words):
        read_table(tmp_path / "a.npy")


def test_rows_of_arrays_with_nan_are_dropped_on_request(tmp_path):
    array = np.arange(12.0).reshape(4, 3)
    array[1, 0] = array[3, 2] = np.nan
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy", ["0", "1"], weights="2", missing="drop")
    assert table.values.tolist() == [[0.0, 1.0], [6.0, 7.0]]
    assert table.weights.tolist() == [2.0, 8.0]
    assert table.n_dropped == 2


def test_pickled_objects_in_arrays_are_not_run(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_table(tmp_path / "a.npy")


# Threads


@pytest.fixture
def threads_of(table, run):
    def threads(*options):
        code, _, err = run("fit", table, "-k", 1, "-q", "-o", "fit.json", *options)
        assert code == DONE
        return mn.load("fit.json").report.threads, err

    before = mn.get_num_threads()
    yield threads
    assert mn.get_num_threads() == before  # the command leaves this process as it was


def test_threads_come_from_the_option_then_slurm_then_the_core(threads_of, monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    assert threads_of() == (mn.get_num_threads(), "")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert threads_of() == (1, "")
    assert threads_of("--threads", 2) == (2, "")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "100000")
    assert threads_of()[0] <= os.cpu_count()


@pytest.mark.parametrize("value", ["abc", "0", "-3", "2.5", "", "2,2"])
def test_a_bad_grant_of_slurm_is_a_warning(threads_of, monkeypatch, value):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", value)
    threads, err = threads_of()
    assert threads == mn.get_num_threads()
    assert f"warning: SLURM_CPUS_PER_TASK is {value!r}" in one_line(err)


def test_any_number_of_threads_gives_the_same_file(table, run):
    mixtures = set()
    for threads in (1, 2, 3):
        run("fit", table, "-k", 3, "-q", "-o", "fit.json", "--threads", threads)
        mixtures.add(mn.load("fit.json").mog.stdcorr.tobytes())
    assert len(mixtures) == 1


# Terminals and interruptions


@pytest.mark.skipif(os.name != "posix", reason="terminals as on POSIX systems")
def test_a_terminal_gets_a_bar(table):
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "mogfit", "fit", str(table), "-k", "3"],
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    out = child.communicate()[0].decode()
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert child.returncode == DONE
    assert "fitting: " in shown
    assert "iterations" in shown
    assert not re.search(r"\d\d:\d\d:\d\d fitting", shown)
    assert "converged" in out
    # The bar goes away; the report stays.
    assert shown.rstrip(" ").endswith("\r")


def test_without_a_terminal_lines_come_at_most_every_second(table, run, monkeypatch):
    clock = itertools.count(0, 0.5)
    monkeypatch.setattr("mogfit.cli.terminal.time.monotonic", lambda: next(clock))
    _, _, err = run("fit", table, "-k", 4)
    shown = re.findall(r"^\d\d:\d\d:\d\d iteration (\d+): -log L / N = [\d.]+, gradient", err, re.M)
    numbers = [int(number) for number in shown]
    assert numbers[:2] == [2, 4]
    assert numbers == sorted(set(numbers))


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX systems")
def test_ctrl_c_ends_it_with_a_word_and_no_file(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.normal(size=(300_000, 6)))
    child = subprocess.Popen(
        [sys.executable, "-m", "mogfit", "fit", "a.npy", "-k", "40", "-o", "fit.json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Started in the background of a shell, these tests themselves are told to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    line = child.stderr.readline()
    assert "fitting 40 Gaussians" in line
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    begun = time.perf_counter()
    out, err = child.communicate(timeout=30)
    assert time.perf_counter() - begun < 3
    assert child.returncode == INTERRUPTED, err
    assert one_line(err) == "mogfit: interrupted"
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_a_reader_that_goes_away_is_no_error(table):
    command = f'"{sys.executable}" -m mogfit fit "{table}" -k 2 --profile 2>err | true'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], check=False, cwd=table.parent)
    assert done.returncode == DONE, (table.parent / "err").read_text()
    assert "Error" not in (table.parent / "err").read_text()


def test_running_out_of_memory_is_one_line(table, run, monkeypatch):
    def starve(*_, **__):
        raise MemoryError

    monkeypatch.setattr(mn.FitMoG, "fit_data", starve)
    code, _, err = run("fit", table, "-k", 2)
    assert code == BAD_DATA
    assert one_line(err) == "mogfit: error: out of memory"


# The table of components


def test_the_component_table_says_what_the_mixture_is():
    mog = mn.MixtureOfGaussians(
        weights=[0.25, 0.75],
        mus=[[1.0, -200.0], [2.0, 300.0]],
        Sigmas=[[[0.01, 0.5], [0.5, 100.0]], [[0.04, 0.0], [0.0, 400.0]]],
    )
    mog.names = ("q", "v")
    assert component_text(mog, units=["au", "km/s"]).splitlines() == [
        "k  weight         q [au]       v [km/s]  rho(q,v)",
        "1  0.7500  2.000 ± 0.200   300.0 ± 20.0     0.000",
        "0  0.2500  1.000 ± 0.100  -200.0 ± 10.0     0.500",
    ]
    plain = component_text(mog, plain=True)
    assert plain.isascii()
    assert " +- " in plain


@pytest.mark.parametrize("nvars", [1, 2, 4, 9])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e8])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_component_table_keeps_to_the_width(nvars, scale, width):
    rng = np.random.default_rng(0)
    mog = mn.MixtureOfGaussians(
        weights=rng.random(12),
        mus=rng.normal(size=(12, nvars)) * scale,
        Sigmas=np.eye(nvars) * rng.uniform(0.1, 9, (12, 1, 1)) * scale**2,
    )
    text = component_text(mog, width=width)
    assert max(map(len, text.splitlines())) <= width
    # Every mean is there, with digits enough to tell it by its standard deviation.
    shown = re.findall(r"(\S+) ± +(\S+)", text)
    assert len(shown) == 12 * nvars
    order = np.argsort(-mog.weights, kind="stable")
    seen = sorted(float(mean) for mean, _ in shown)
    np.testing.assert_allclose(seen, np.sort(mog.mus[order].ravel()), atol=0.02 * scale)
    sigmas = sorted(float(sigma) for _, sigma in shown)
    np.testing.assert_allclose(sigmas, np.sort(mog.sigmas.ravel()), rtol=0.06)


def test_doctest_of_the_table():
    module = sys.modules["mogfit.export.component_text"]
    assert doctest.testmod(module) == (0, 3)

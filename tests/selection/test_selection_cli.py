"""`mogfit fit --ngauss auto` and `--select`."""

from __future__ import annotations

import numpy as np
import pytest

import mogfit as mn
from tests.selection.samples import two_apart


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.csv"
    np.savetxt(path, two_apart(), delimiter=",", header="x,y", comments="")
    return path


def test_select_prints_the_table_and_keeps_the_best(run, table, tmp_path):
    out, plot = tmp_path / "fit.json", tmp_path / "fit.png"
    code, text, log = run("fit", table, "--select", "1:4", "--out", out, "--plot", plot)
    assert code == 0
    lines = text.splitlines()
    assert lines[0].startswith("Selection by BIC: 2 components")
    assert lines[3].startswith("->")
    assert "fitting 1 to 4 Gaussians to 300 points of x, y" in log
    assert "model              2 components" in text
    assert mn.load(out).ngauss == 2
    assert plot.read_bytes().startswith(b"\x89PNG")
    selection = mn.select(two_apart(), range(1, 5), random_state=0)
    np.testing.assert_array_equal(mn.load(out).mog.mus, selection.best.mog.mus)


def test_auto_compares_one_to_ten(run, table):
    code, text, _ = run("fit", table, "-k", "auto", "--n-starts", "1", "--profile")
    assert code == 0
    assert "10 models of 300 points" in text
    assert "profile, seconds" in text


def test_a_criterion_a_structure_and_weights_are_passed_on(run, tmp_path):
    path = tmp_path / "data.csv"
    rows = np.column_stack([two_apart(90), np.r_[np.zeros(30), np.ones(60)]])
    np.savetxt(path, rows, delimiter=",", header="x,y,w", comments="")
    code, text, _ = run(
        "fit", path, "--weights", "w", "--select", "1:2", "--criterion", "icl",
        "--covariance", "spherical",
    )  # fmt: skip
    assert code == 0
    # The rows of weight 0 were one of the clusters.
    assert text.startswith("Selection by ICL: 1 component, spherical covariance; 2 models of 60 ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--select", "3"], "allowed: LOW:HIGH"),
        (["--select", "4:2"], "allowed: LOW:HIGH"),
        (["--select", "0:2"], "allowed: LOW:HIGH"),
        (["--select", "a:b"], "allowed: LOW:HIGH"),
        (["--select", "1:3", "-k", "2"], "not allowed with"),
        (["-k", "auto", "--start-from", "x.json"], "--start-from and --ngauss auto"),
        (["--select", "1:2", "--start-from", "x.json"], "--start-from and --select"),
        (["-k", "2", "--criterion", "bic"], "--criterion: there is nothing to choose from"),
        (["--select", "1:2", "--criterion", "hqc"], "invalid choice: 'hqc'"),
        (["-k", "many"], "allowed: a whole number >= 1 or auto"),
        ([], "one of the arguments -k/--ngauss --select is required"),
    ],
)
def test_options_that_cannot_be_used(run, table, options, words):
    code, _, log = run("fit", table, *options)
    assert code == 2
    assert words in log


def test_data_of_which_nothing_can_be_fitted(run, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "1,2\n" * 5)
    code, _, log = run("fit", path, "--select", "1:3")
    assert code == 3
    assert "all 5 rows are identical" in log

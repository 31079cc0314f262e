"""Domains in files and on the command line: kept bit for bit, or refused with a reason."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import FileFormatError
from tests.command_line import one_line
from tests.test_files import MIXTURE_V1, bits, load_bytes, same_mixture, same_object, signed

DONE, USAGE, BAD_DATA = 0, 2, 3

DOMAINS = [
    [(0.0, 1.0), None],
    [(0.1, np.inf), (-np.inf, 1e-300)],
    [(-0.1 - 2**-50, 0.1), (-1e300, 1e300)],
    [None, (5e-324, 1e-3)],
]


def make(domain, truncation="components", **more):
    return mn.MixtureOfGaussians(
        weights=[0.1, 0.2, 0.5],
        mus=[[0.1, 0.2], [0.3, -0.1], [2.0, 3.0]],
        Sigmas=[np.eye(2), [[2.0, 0.3], [0.3, 0.5]], [[1.0, -0.9], [-0.9, 1.0]]],
        domain=domain,
        truncation=truncation,
        **more,
    )


# Round trips


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
@pytest.mark.parametrize("normalize_weights", [True, False])
def test_a_truncated_mixture_comes_back_bit_for_bit(
    tmp_path, domain, truncation, normalize_weights
):
    mog = make(domain, truncation, normalize_weights=normalize_weights)
    mn.save(mog, tmp_path / "mog.json")
    again = mn.load(tmp_path / "mog.json")
    assert same_mixture(again, mog)
    assert (again.domain, again.truncation) == (domain, truncation)
    assert bits(again.log_masses) == bits(mog.log_masses)
    x = np.random.default_rng(0).normal(size=(100, 2))
    assert bits(again.logpdf(x)) == bits(mog.logpdf(x))


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_truncated_fit_comes_back_and_goes_on(tmp_path, truncation):
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(0.5, 1.0, (2000, 2)))
    fit = mn.FitMoG(x, 2, domain=[(0, None), (0, None)], truncation=truncation)
    fit.fit_data(random_state=0)
    mn.save(fit, tmp_path / "fit.json")
    again = mn.load(tmp_path / "fit.json")
    assert same_object(again, fit)
    assert again.mog.domain == fit.mog.domain == [(0.0, np.inf)] * 2
    assert again.mog.truncation == again.truncation == truncation
    assert again.log_l(x) == fit.log_l()
    again.fit_data(x)
    assert again.report.converged
    assert again.report.passes < 10
    assert again.mog.domain == fit.mog.domain
    with pytest.raises(mn.DomainError):
        again.fit_data(-x)


def test_the_file_says_what_is_truncated_and_only_then(tmp_path):
    mn.save(make([(0, None), None], "mixture"), tmp_path / "mog.json")
    mixture = json.loads((tmp_path / "mog.json").read_text())["mixture"]
    assert mixture["domain"] == [[0.0, None], None]
    assert mixture["truncation"] == "mixture"
    mn.save(make(None), tmp_path / "mog.json")
    assert not {"domain", "truncation"} & set(
        json.loads((tmp_path / "mog.json").read_text())["mixture"]
    )


def test_old_files_without_a_domain_have_none(tmp_path):
    assert b"domain" not in MIXTURE_V1
    mog = load_bytes(tmp_path, MIXTURE_V1)
    assert (mog.domain, mog.truncation) == (None, "components")


# Damage


def changed(tmp_path, **entries):
    """A file whose mixture has other entries, under a right checksum; None takes one away."""
    mn.save(make([(0.0, 1.0), None]), tmp_path / "whole.json")
    document = json.loads((tmp_path / "whole.json").read_text())
    for key, value in entries.items():
        document["mixture"][key] = value
        if value is ...:
            del document["mixture"][key]
    return signed(document)


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (None, "mixture.domain: None seen"),
        (3, "mixture.domain: 3 seen"),
        ("[0, 1]", "mixture.domain: '[0, 1]' seen"),
        ({"0": [0, 1]}, "mixture.domain"),
        ([], "0 entries seen for 2 variables"),
        ([[0, 1]], "1 entries seen for 2 variables"),
        ([[0, 1], None, None], "3 entries seen for 2 variables"),
        ([[1, 0], None], "[1, 0] seen at index 0"),
        ([None, [1, 1]], "[1, 1] seen at index 1"),
        ([None, [0]], "[0] seen at index 1"),
        ([None, [0, 1, 2]], "[0, 1, 2] seen at index 1"),
        ([None, 3], "3 seen at index 1"),
        ([None, {"low": 0}], "seen at index 1"),
        ([None, "01"], "mixture.domain"),
        ([None, ["0", 1]], "mixture.domain"),
        ([None, ["Infinity", 1]], "mixture.domain"),
        ([None, [False, True]], "mixture.domain"),
        ([None, [[0], 1]], "mixture.domain"),
        ([None, [0, 10**400]], "whole number of 401 digits"),
    ],
)
def test_a_damaged_domain_is_refused(tmp_path, domain, words):
    with pytest.raises(FileFormatError, match=re.escape(words)) as caught:
        load_bytes(tmp_path, changed(tmp_path, domain=domain))
    assert str(tmp_path / "content.json") in str(caught.value)


@pytest.mark.parametrize(
    ("truncation", "words"),
    [
        (..., "has no 'truncation'"),
        (None, "mixture.truncation: None seen"),
        (1, "mixture.truncation: 1 seen"),
        ("component", "mixture.truncation: 'component' seen"),
    ],
)
def test_a_damaged_truncation_is_refused(tmp_path, truncation, words):
    with pytest.raises(FileFormatError, match=re.escape(words)):
        load_bytes(tmp_path, changed(tmp_path, truncation=truncation))


def test_every_byte_of_a_domain_matters(tmp_path):
    mn.save(make([(0.25, None), None], "mixture"), tmp_path / "mog.json")
    content = (tmp_path / "mog.json").read_bytes()
    original = load_bytes(tmp_path, content)
    begin = content.index(b'"domain"')
    end = content.index(b'"mixture"', begin) + 9
    for place in range(begin, end):
        if chr(content[place]).isspace():
            continue
        flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(FileFormatError):
            load_bytes(tmp_path, flipped)
    assert original.domain == [(0.25, np.inf), None]


# The command line


@pytest.fixture
def table(tmp_path, monkeypatch):
    """500 points in the working directory; column x is above 0, 5 of y are below."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    data = np.column_stack(
        [np.abs(rng.normal(1, 1, 500)), np.abs(rng.normal(2, 1, 500)), rng.exponential(size=500)]
    )
    data[[3, 50, 51, 200, 499], 1] = [-1, -2, -3, -4, -5]
    path = tmp_path / "data.csv"
    np.savetxt(path, data, delimiter=",", header="x,y [km],w", comments="", fmt="%.17g")
    return path


@pytest.fixture
def data(table):
    return np.loadtxt(table, delimiter=",", skiprows=1)


def fit_xy(run, table, *options):
    return run("fit", table, "--columns", "x,y", "-k", 1, "-o", "fit.json", *options)


def test_a_table_is_fitted_inside_a_domain(table, run, data):
    code, out, _ = fit_xy(run, table, "--domain", "x=0:6")
    assert code == DONE
    assert "converged" in out
    fit = mn.load("fit.json")
    assert fit.mog.domain == [(0.0, 6.0), None]
    assert json.loads((table.parent / "fit.json").read_text())["mixture"]["domain"] == [
        [0.0, 6.0],
        None,
    ]
    direct = mn.FitMoG(data[:, :2], 1, domain=[(0, 6), None])
    direct.fit_data(random_state=0)
    assert fit.mog.params.tobytes() == direct.mog.params.tobytes()
    assert fit.mog.pdf([-1.0, 1.0]) == 0.0


@pytest.mark.parametrize(
    ("side", "pair"),
    [
        ("x=0:", (0.0, np.inf)),
        ("x=:6", (-np.inf, 6.0)),
        ("x=-0.5:6", (-0.5, 6.0)),
        ("x=-1e1:1e1", (-10.0, 10.0)),
        (" x = 0 : 6 ", (0.0, 6.0)),
        ("x=-inf:6", (-np.inf, 6.0)),
    ],
)
@pytest.mark.filterwarnings("ignore::mogfit.MoGWarning")
def test_sides_are_left_open_and_numbers_are_written_as_usual(table, run, side, pair):
    assert fit_xy(run, table, f"--domain={side}")[0] == DONE
    assert mn.load("fit.json").mog.domain == [pair, None]


@pytest.mark.parametrize(
    "side",
    [
        *("", "x", "x=", "x=0", "x=:", "=0:1", " =0:1", "0:1", "x=1:0", "x=1:1", "x=0:1:2"),
        *("x=a:1", "x=0:b", "x=nan:1", "x=0:nan", "x=0,1", "x=(0:1)"),
    ],
)
def test_what_is_no_domain_is_a_bad_option(table, run, side):
    code, _, err = fit_xy(run, table, f"--domain={side}")
    assert code == USAGE
    assert "--domain" in one_line(err)
    assert "allowed: COLUMN=LOW:HIGH" in one_line(err)
    assert not (table.parent / "fit.json").exists()


def test_a_name_with_an_equals_sign_is_a_name(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.abs(np.random.default_rng(0).normal(1, 1, (200, 1)))
    np.savetxt(tmp_path / "d.csv", x, header="a=b", comments="")
    assert run("fit", "d.csv", "-k", 1, "-q", "-o", "fit.json", "--domain", "a=b=0:9")[0] == DONE
    assert mn.load("fit.json").mog.domain == [(0.0, 9.0)]


@pytest.mark.parametrize("column", ["z", "X", "w"])
def test_an_unknown_column_is_named_with_those_there_are(table, run, column):
    code, _, err = fit_xy(run, table, "--domain", f"{column}=0:1")
    assert code == USAGE
    line = one_line(err)
    for word in ("--domain", repr(column), "x", "y"):
        assert word in line


def test_a_column_that_is_bounded_twice_is_a_bad_option(table, run):
    # One of the two would go unnoticed.
    code, _, err = fit_xy(run, table, "--domain", "x=0:9", "--domain", "x=0:8")
    assert code == USAGE
    assert "--domain" in one_line(err)
    assert "'x'" in one_line(err)


def test_rows_outside_no_domain_cannot_be_dropped(table, run):
    code, _, err = fit_xy(run, table, "--drop-outside")
    assert code == USAGE
    assert "--domain" in one_line(err)


def test_a_truncated_start_wants_its_domain(table, run):
    assert fit_xy(run, table, "--domain", "x=0:6")[0] == DONE
    code, _, err = fit_xy(run, table, "--start-from", "fit.json")
    assert code == USAGE
    assert "--domain" in one_line(err)
    assert fit_xy(run, table, "--start-from", "fit.json", "--domain", "x=0:6")[0] == DONE


def test_a_column_of_an_array_goes_by_its_name(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.abs(np.random.default_rng(0).normal(1, 1, (200, 3)))
    np.save("a.npy", x)
    code, _, _ = run(
        "fit", "a.npy", "--columns", "0,2", "-k", 1, "-q", "-o", "f.json", "--domain", "c2=0:9"
    )
    assert code == DONE
    assert mn.load("f.json").mog.domain == [None, (0.0, 9.0)]


def test_data_outside_are_refused_with_the_option_that_drops_them(table, run):
    code, _, err = fit_xy(run, table, "--domain", "y=0:")
    assert code == BAD_DATA
    line = one_line(err)
    assert "5 of 500 rows are outside the domain" in line
    assert "row 3, column 1 ('y'): -1" in line
    assert "--drop-outside" in line
    assert "outside='drop'" not in line
    assert not (table.parent / "fit.json").exists()


def test_rows_outside_are_dropped_on_request(table, run, data):
    code, _, err = fit_xy(run, table, "--domain", "y=0:", "--drop-outside")
    assert code == DONE
    assert "5 rows outside the domain were left out" in one_line(err)
    fit = mn.load("fit.json")
    assert fit.report.n_points == 495
    direct = mn.FitMoG(data[data[:, 1] >= 0, :2], 1, domain=[None, (0, None)])
    direct.fit_data(random_state=0)
    assert fit.mog.params.tobytes() == direct.mog.params.tobytes()


def test_nothing_is_said_where_nothing_is_dropped(table, run):
    assert fit_xy(run, table, "--domain", "x=0:", "--drop-outside", "-q") == (DONE, "", "")


def test_weights_follow_the_rows_that_stay(table, run, data):
    options = ("--domain", "y=0:", "--drop-outside", "--weights", "w")
    assert fit_xy(run, table, *options)[0] == DONE
    kept = data[data[:, 1] >= 0]
    direct = mn.FitMoG(kept[:, :2], 1, domain=[None, (0, None)])
    direct.fit_data(sample_weight=kept[:, 2], random_state=0)
    assert mn.load("fit.json").mog.params.tobytes() == direct.mog.params.tobytes()


def test_a_domain_that_holds_no_row_is_bad_data(table, run):
    for more in ((), ("--drop-outside",)):
        code, _, err = fit_xy(run, table, "--domain", "x=100:101", *more)
        assert code == BAD_DATA
        assert "Traceback" not in err
        assert re.search(r"500 of 500 rows|0 rows|no rows", err)


def test_a_fit_goes_on_inside_the_domain_that_is_asked_for(table, run):
    assert fit_xy(run, table, "-q", "--domain", "x=0:6")[0] == DONE
    first = mn.load("fit.json")
    code, _, _ = fit_xy(run, table, "-q", "--domain", "x=0:6", "--start-from", "fit.json")
    assert code == DONE
    again = mn.load("fit.json")
    assert again.mog.domain == first.mog.domain
    assert again.report.passes < 10 < first.report.passes


def test_a_figure_of_a_truncated_fit_is_written(table, run):
    assert fit_xy(run, table, "-q", "--domain", "x=0:6", "-p", "fit.png")[0] == DONE
    assert (table.parent / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_the_help_tells_of_domains(run):
    code, out, _ = run("fit", "--help")
    assert code == DONE
    assert "--domain COLUMN=LOW:HIGH" in out
    assert "--drop-outside" in out

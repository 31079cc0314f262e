"""Files and the command line keep what a fit was of: its structure, prior and what was held."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import FileFormatError
from mogfit.export.report_record import report_from_record, report_record
from mogfit.storage import files
from tests.command_line import one_line
from tests.fitting import START, draw_points

DATA = draw_points(300)


@pytest.fixture
def fitted():
    F = mn.FitMoG(DATA, 3, covariance="tied_diag")
    F.set_initial_params(mus=START.mus)
    F.fit_data(prior=True, fixed={"means": [0, 2], "weights": [1]})
    return F


def by_json(F, folder):
    mn.save(F, folder / "fit.json")
    return mn.load(folder / "fit.json")


def by_save_fit(F, folder):
    F.save_fit(folder / "fit.pkl", useprefix=False)
    return mn.FitMoG(str(folder / "fit.pkl"))


def by_pickle(F, folder):
    return pickle.loads(pickle.dumps(F))


def by_pickle_as_a_file(F, folder):
    (folder / "fit.pkl").write_bytes(pickle.dumps(F))
    return mn.FitMoG(str(folder / "fit.pkl"))


def by_copy(F, folder):
    return copy.deepcopy(F)


@pytest.mark.parametrize("way", [by_json, by_save_fit, by_pickle, by_pickle_as_a_file, by_copy])
def test_a_fit_comes_back_as_what_it_was(way, fitted, tmp_path):
    again = way(fitted, tmp_path)
    assert again.covariance == "tied_diag"
    assert again.report == fitted.report
    assert again.report.fixed_means == (0, 2)
    assert again.report.log_prior == fitted.report.log_prior != 0.0
    assert again.mog.params.tobytes() == fitted.mog.params.tobytes()
    # It goes on in the same family.
    for F in (fitted, again):
        F.fit_data(DATA)
    assert again.report.covariance == "tied_diag"
    assert again.mog.params.tobytes() == fitted.mog.params.tobytes()


def test_files_from_before_there_was_a_choice_mean_full_covariances(fitted, tmp_path):
    document = json.loads(files.dump(fitted))
    del document["sha256"], document["fit"]["covariance"]
    for name in ("covariance", "log_prior", "fixed_weights", "fixed_means", "fixed_covariances"):
        del document["fit"]["report"][name]
    document["sha256"] = files._digest(document)
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))
    old = mn.load(path)
    assert old.covariance == old.report.covariance == "full"
    assert old.report.log_prior == 0.0
    assert old.report.fixed_means == ()
    state = fitted.__getstate__()
    del state["covariance"]
    older = mn.FitMoG.__new__(mn.FitMoG)
    older.__setstate__(state)
    assert older.covariance == "full"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("covariance", "diagonal", "covariance: 'diagonal' seen; allowed: 'full'"),
        ("covariance", 3, "covariance: 3 seen, of another type"),
        ("log_prior", None, "log_prior: None seen, of another type"),
        ("fixed_means", [3], r"fixed_means: \[3\] seen; allowed: numbers of components, 0 to 2"),
        ("fixed_weights", True, "fixed_weights: True seen"),
    ],
)
def test_absurd_values_are_refused(fitted, name, value, message):
    record = report_record(fitted.report) | {name: value}
    with pytest.raises(FileFormatError, match=rf"fit\.report\.{message}"):
        report_from_record(record, 3, 2)


def test_a_structure_that_is_none_is_refused(fitted, tmp_path):
    document = json.loads(files.dump(fitted))
    del document["sha256"]
    document["fit"]["covariance"] = "round"
    document["sha256"] = files._digest(document)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match="covariance: 'round' seen; allowed: 'full'"):
        mn.load(path)


# -- the command line ----------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data.csv"
    np.savetxt(path, DATA, delimiter=",", header="x,y", comments="", fmt="%.17g")
    return path


def test_the_command_line_fits_every_structure(run, table):
    for structure in ("diag", "tied_spherical"):
        code, _, _ = run("fit", table, "-k", 2, "--covariance", structure, "-o", "fit.json")
        assert code == 0
        fit = mn.load("fit.json")
        assert fit.covariance == fit.report.covariance == structure
        direct = mn.FitMoG(DATA, 2, covariance=structure)
        direct.fit_data(random_state=0)
        np.testing.assert_array_equal(fit.mog.params, direct.mog.params)


def test_the_command_line_names_the_structures(run, table):
    code, _, err = run("fit", table, "-k", 2, "--covariance", "round")
    assert code == 2
    assert "'round'" in one_line(err)
    assert "tied_diag" in one_line(err)

"""`save_fit` and `FitMoG("file")`: what a script does with files, in the old way."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mogfit import FileFormatError, FitMoG, UnsafeFileError
from tests.fitting import START, draw_points, fit

HERE = Path(__file__).parent / "data"
DATA = draw_points(200)


def saved(F, folder, **options):
    folder.mkdir(exist_ok=True)
    F.save_fit(folder / "fit.pkl", **options)
    (written,) = folder.iterdir()
    return written


def by_name(path):
    return FitMoG(str(path))


def by_keyword(path):
    return FitMoG(objfile=path)


def by_pickle(path):
    with path.open("rb") as file:
        return pickle.load(file)


@pytest.mark.parametrize("read", [by_name, by_keyword, by_pickle])
def test_a_saved_fit_comes_back_and_goes_on(read, tmp_path):
    F = fit(DATA, start=START)
    F.set_bounds(boundw=(0.05, 0.9))
    G = read(saved(F, tmp_path))
    np.testing.assert_array_equal(G.data, DATA)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    assert G.minparams.tobytes() == F.minparams.tobytes()
    assert (G.report, G.bounds, G.minargs) == (F.report, F.bounds, F.minargs)
    assert G.solution.fun == F.solution.fun
    np.testing.assert_array_equal(G.solution.x, F.solution.x)
    assert G.log_l() == F.log_l()
    assert (F.prefix, G.prefix, G.hash) == (f"3mog_{F.hash}", "", F.hash)
    assert (G.fig, G.mog_qsample) == (None, None)
    assert G.quality_of_fit(random_state=1) == F.quality_of_fit(random_state=1)
    for H in (F, G):
        H.fit_data(DATA)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    assert G.prefix == F.prefix


def test_the_data_stay_behind_where_asked(tmp_path):
    G = FitMoG(saved(fit(DATA), tmp_path, data=False))
    assert G.data is None
    assert G.log_l(DATA) == fit(DATA).log_l()


def test_names_of_files_and_prefixes(tmp_path, monkeypatch):
    F = FitMoG(DATA, 2)
    assert F.prefix == ""
    F.fit_data(random_state=1)
    digits = F.hash
    assert F.prefix == f"2mog_{digits}"
    assert saved(F, tmp_path / "a", myprefix="mine").name == f"fit-2mog_mine_{digits}.pkl"
    assert F.prefix == f"2mog_mine_{digits}"
    assert saved(F, tmp_path / "b", useprefix=False).name == "fit.pkl"
    assert F.prefix == f"2mog_{digits}"
    (tmp_path / "c").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "c"))
    F.save_fit()
    assert [path.name for path in (tmp_path / "c").iterdir()] == [f"FitMoG-2mog_{digits}.pkl"]


@pytest.mark.filterwarnings("ignore:starting component 0 holds no points")  # as 0.5.1 left it
@pytest.mark.parametrize("version", ["0.5.1", "0.9.7", "0.11.2"])
def test_a_file_of_multimin_goes_on(version, tmp_path):
    F = FitMoG(str(HERE / f"multimin_{version}.pkl"))
    assert F.report is None
    assert F.solution.fun == pytest.approx(F.log_l(), rel=1e-12)
    np.testing.assert_allclose(F.solution.x[2:], F.uparams[2:], rtol=1e-9, err_msg="but weights")
    assert F.prefix == ""
    again = FitMoG(saved(F, tmp_path))
    assert again.solution.fun == F.solution.fun
    assert again.mog.params.tobytes() == F.mog.params.tobytes()
    if "hess_inv" in F.solution:
        np.testing.assert_array_equal(
            again.solution.hess_inv.todense(), F.solution.hess_inv.todense()
        )
    before = F.solution.fun
    F.fit_data(random_state=1)
    assert F.solution.fun < before
    assert F.solution.fun == F.report.neg_loglik


def test_files_that_are_none(tmp_path):
    path = tmp_path / "fit.pkl"
    for raw, error in [(b"", FileFormatError), (b"cos\nsystem\n.", UnsafeFileError)]:
        path.write_bytes(raw)
        with pytest.raises(error):
            FitMoG(str(path))
    with pytest.raises(FileNotFoundError):
        FitMoG(str(tmp_path / "none.pkl"))


def test_a_derived_class_reads_and_writes(tmp_path):
    class Mine(FitMoG):
        pass

    F = Mine(DATA, 1)
    F.fit_data(random_state=1)
    path = saved(F, tmp_path)
    assert type(Mine(path)) is Mine
    assert type(by_pickle(path)) is FitMoG
    assert Mine(path).mog.params.tobytes() == F.mog.params.tobytes()

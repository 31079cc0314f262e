"""Saved fits in MultiMin's way: what is written, and what of it, and of MultiMin's, is read."""

from __future__ import annotations

import json
import pickle
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

import mogfit
from mogfit import DataWarning, FileFormatError, FitMoG, MixtureOfGaussians
from mogfit.export import pickles
from mogfit.export.fit_names import fit_file_name, fit_hash, fit_prefix
from mogfit.export.pickles import (
    fit_pickle_bytes,
    read_fit_pickle,
    read_mixture_pickle,
    saved_fit,
    write_fit_pickle,
)
from mogfit.export.saved import SavedFit, saved_from_state, state_of
from tests.fitting import START, TRUTH, draw_points, fit
from tests.standins import multimin_like

HERE = Path(__file__).parents[1] / "data"
DATA = draw_points(60)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.pkl"


def finished(**changes):
    F = fit(DATA, start=START)
    F.set_bounds(boundw=(0.05, 0.9))
    for name, value in changes.items():
        setattr(F, name, value)
    return F


def assert_same(seen, expected):
    """Two saved fits, bit for bit."""
    for name, value in vars(expected).items():
        other = getattr(seen, name)
        if name == "mixture":
            assert_same(other, value)
        elif isinstance(value, np.ndarray):
            assert (other.dtype, other.shape) == (value.dtype, value.shape), name
            assert other.tobytes() == value.tobytes(), name
        elif isinstance(value, dict):
            assert repr(other) == repr(value), name
        else:
            assert other == value, name
            assert type(other) is type(value), name


# -- own files -----------------------------------------------------------------------------------


def bounded():
    F = FitMoG(np.abs(DATA), 2, domain=[[0, None], None], truncation="mixture", outside="drop")
    F.fit_data(random_state=1, options={"maxiter": 5, "maxcor": 9})
    return F


def named():
    import pandas as pd

    F = FitMoG(pd.DataFrame(DATA, columns=["q [au]", "Größe 中"]), 1)
    F.fit_data(random_state=1)
    return F


def started():
    F = FitMoG(DATA, 3)
    F.set_initial_params(from_mog=TRUTH)
    return F


FITS = {
    "finished": finished,
    "bounded": bounded,
    "names of columns": named,
    "not fitted": lambda: FitMoG(DATA, 2),
    "from a given start": started,
    "float32": lambda: fit(DATA.astype(np.float32), 2),
    "one variable": lambda: fit(DATA[:, 0], 2),
    "no data": lambda: FitMoG(ngauss=3, nvars=4),
    "wide": lambda: fit(DATA * 1e7, 2),
}


@pytest.mark.filterwarnings("ignore::mogfit.MoGWarning")
@pytest.mark.parametrize("name", FITS)
def test_what_is_read_is_what_was_written(name, path):
    F = FITS[name]()
    write_fit_pickle(F, path)
    seen = read_fit_pickle(path)
    assert_same(seen, saved_fit(F))
    assert seen.source == "mogfit"
    assert seen.mixture.mus.tobytes() == F.mog.mus.tobytes()
    assert seen.mixture.weights.tobytes() == F.mog.weights.tobytes()
    assert seen.mixture.domain == F.domain
    assert seen.report == F.report
    assert seen.bounds == F.bounds
    assert seen.sigma_scale == F._sigmax
    assert (seen.data is None) == (F.data is None)


def test_the_data_are_left_out_where_asked(path):
    F = finished()
    write_fit_pickle(F, path, data=False)
    assert read_fit_pickle(path).data is None
    assert len(fit_pickle_bytes(F)) - len(fit_pickle_bytes(F, data=False)) > DATA.nbytes


def test_data_from_a_memory_map_are_kept(path, tmp_path):
    np.save(tmp_path / "points.npy", DATA)
    F = FitMoG(np.load(tmp_path / "points.npy", mmap_mode="r"), 1)
    write_fit_pickle(F, path)
    seen = read_fit_pickle(path).data
    assert type(seen) is np.ndarray
    np.testing.assert_array_equal(seen, DATA)
    assert seen.flags.writeable


def test_weights_that_are_not_normalised_stay_as_they_are(path):
    F = finished()
    F.mog.normalize_weights = False
    F.mog.update_params(weights=[1.0, 2.0, 3.0])
    write_fit_pickle(F, path)
    assert read_fit_pickle(path).mixture.weights.tolist() == [1.0, 2.0, 3.0]


def test_a_file_holds_no_class_but_that_of_the_fit():
    """So that no change of NumPy, of a report or of a mixture makes it unreadable."""
    import pickletools

    raw = fit_pickle_bytes(finished())
    texts = {arg for _, arg, _ in pickletools.genops(raw) if type(arg) is str}
    assert {"mogfit.fit", "FitMoG", "copyreg", "_reconstructor", "builtins", "object"} <= texts
    names = [op for op, _, _ in pickletools.genops(raw) if op.name in ("STACK_GLOBAL", "GLOBAL")]
    assert len(names) == 3
    assert not any("numpy" in text for text in texts)


def test_a_file_of_a_derived_class_is_one_of_fitmog(path):
    class Mine(FitMoG):
        pass

    F = Mine(DATA, 1)
    write_fit_pickle(F, path)
    assert read_fit_pickle(path).mixture.mus.tobytes() == F.mog.mus.tobytes()


@pytest.mark.parametrize("protocol", range(6))
def test_ordinary_pickles_are_read_too(protocol, path):
    F = finished(keep_data=True)
    path.write_bytes(pickle.dumps(F, protocol))
    assert_same(read_fit_pickle(path), saved_fit(F))


def test_an_ordinary_pickle_before_any_mixture_says_so(path):
    path.write_bytes(pickle.dumps(FitMoG(ngauss=2)))
    with pytest.raises(FileFormatError, match="has no mixture"):
        read_fit_pickle(path)


def test_a_mixture_is_read_from_its_pickle_and_from_that_of_a_fit(path):
    mog = MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1.0, 2.0], domain=[[0, None]])
    mog.names = ("x",)
    for protocol in range(6):
        path.write_bytes(pickle.dumps(mog, protocol))
        seen = read_mixture_pickle(path)
        assert seen.mus.tolist() == [[0.0], [1.0]]
        assert seen.Sigmas.tolist() == [[[1.0]], [[2.0]]]
        assert (seen.domain, seen.names) == ([(0.0, np.inf)], ("x",))
        with pytest.raises(FileFormatError, match="holds no FitMoG, but a MixtureOfGaussians"):
            read_fit_pickle(path)
    F = finished()
    write_fit_pickle(F, path)
    assert read_mixture_pickle(path).mus.tobytes() == F.mog.mus.tobytes()


def test_the_golden_file_of_each_version_is_read():
    for version in (1,):
        seen = read_fit_pickle(HERE / f"saved_fit_v{version}.pkl")
        drawn = np.random.default_rng(1).normal(size=(60, 1)) + 3.0
        assert seen.data.tobytes() == drawn.tobytes()
        same = mogfit.load(HERE / f"fit_v{version}.json")
        np.testing.assert_allclose(seen.mixture.mus, same.mog.mus, rtol=1e-6)
        np.testing.assert_allclose(seen.mixture.Sigmas, same.mog.Sigmas, rtol=1e-6)
        assert seen.report.neg_loglik == pytest.approx(same.report.neg_loglik, rel=1e-10)
        assert seen.bounds == same.bounds
        assert (seen.outside, seen.set_by_user, seen.sigma_scale) == ("error", False, 10.0)


def test_a_state_may_come_without_a_file():
    """As `pickle.load` hands it to `FitMoG.__setstate__`."""
    saved = saved_fit(finished())
    assert_same(saved_from_state(state_of(saved)), saved)


# -- MultiMin's files ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.5.1", "0.9.7", "0.11.2"])
def test_fits_of_multimin_are_what_multimin_said_they_are(version):
    expected = json.loads((HERE / f"multimin_{version}.json").read_text())
    saved = read_fit_pickle(HERE / f"multimin_{version}.pkl")
    assert saved.source == "MultiMin"
    mog = saved.mixture
    for name in ("weights", "mus", "Sigmas"):
        np.testing.assert_array_equal(getattr(mog, name), expected[name])
    assert (mog.domain is None) == (expected["domain"] is None)
    if mog.domain:
        np.testing.assert_array_equal(mog.domain, expected["domain"])
    assert (saved.solution["fun"], saved.solution["message"]) == (
        expected["neg_loglik"],
        expected["message"],
    )
    np.testing.assert_array_equal(saved.solution["x"], expected["x"])
    assert saved.minargs["method"] == expected["method"]
    assert saved.sigma_scale == 10.0
    assert (saved.report, saved.optimum, saved.bounds) == (None, None, None)
    ours = MixtureOfGaussians(
        weights=mog.weights, mus=mog.mus, Sigmas=mog.Sigmas, domain=mog.domain
    )
    assert -ours.logpdf(saved.data).sum() == pytest.approx(expected["neg_loglik"], rel=1e-12)
    if expected["method"] == "L-BFGS-B":
        hessian = saved.solution["hess_inv"]
        assert hessian["sk"].shape == hessian["yk"].shape
        assert hessian["sk"].shape[1] == len(expected["x"])


def test_a_fit_of_multimin_can_be_saved_again(path):
    saved = read_fit_pickle(HERE / "multimin_0.11.2.pkl")
    raw = pickle.dumps(state_of(saved))
    assert_same(saved_from_state(pickle.loads(raw)), saved)


MIXTURE = {
    "weights": np.array([0.25, 0.75]),
    "mus": np.array([[0.0], [1.0]]),
    "Sigmas": np.array([[[1.0]], [[4.0]]]),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("module", "fit_name", "mixture_name", "attribute"),
    [
        ("multimin", "FitCMND", "ComposedMultiVariateNormal", "cmnd"),
        ("multimin.multimin", "FitCMND", "CMND", "cmnd"),
        ("multimin.fitting", "FitMoG", "MixtureOfGaussians", "mog"),
    ],
)
def test_every_name_and_protocol(
    module, fit_name, mixture_name, attribute, protocol, path, monkeypatch
):
    with multimin_like(monkeypatch) as make:
        mixture = make(module, mixture_name, **MIXTURE)
        fitted = make(module, fit_name, data=np.array([[0.5], [1.5]]), **{attribute: mixture})
        path.write_bytes(pickle.dumps(fitted, protocol))
    seen = read_fit_pickle(path)
    for name, value in MIXTURE.items():
        np.testing.assert_array_equal(getattr(seen.mixture, name), value)
    assert seen.data.tolist() == [[0.5], [1.5]]
    assert seen.sigma_scale is None
    assert read_mixture_pickle(path).mus.tolist() == [[0.0], [1.0]]


def test_rows_that_multimin_let_in_outside_the_domain_are_dropped_with_a_warning(path, monkeypatch):
    with multimin_like(monkeypatch) as make:
        mixture = make("multimin.mog", "MixtureOfGaussians", _domain_bounds=[(0, 1)], **MIXTURE)
        fitted = make("multimin.fitting", "FitMoG", data=np.array([[0.5], [1.5]]), mog=mixture)
        path.write_bytes(pickle.dumps(fitted))
    with pytest.warns(DataWarning, match="1 of 2 rows in the file lie outside the domain"):
        assert read_fit_pickle(path).data.tolist() == [[0.5]]


def test_weights_that_multimin_did_not_normalise_are(path, monkeypatch):
    with multimin_like(monkeypatch) as make:
        kept = MIXTURE | {"weights": np.array([1.0, 3.0])}
        path.write_bytes(pickle.dumps(make("multimin.mog", "MixtureOfGaussians", **kept)))
    assert read_mixture_pickle(path).weights.tolist() == [0.25, 0.75]


def test_nothing_is_imported_to_read_a_file_of_multimin(run_python):
    """Neither the classes it names nor the optimizer whose result it holds."""
    code = (
        "import sys\n"
        "from mogfit.export.pickles import read_fit_pickle\n"
        "read_fit_pickle(sys.argv[1])\n"
        "print(sorted({'multimin', 'scipy', 'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    path = HERE / "multimin_0.11.2.pkl"
    assert run_python(code, path).stdout.strip() == "[]"


# -- names of files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objfile", "myprefix", "expected"),
    [
        ("a.pkl", None, "a-2mog_cc510.pkl"),
        ("b", None, "b-2mog_cc510"),
        ("c.d.pkl", None, "c.d-2mog_cc510.pkl"),
        ("sub.dir/k", None, "sub.dir/k-2mog_cc510"),
        ("g.pkl", "my", "g-2mog_my_cc510.pkl"),
        ("q.pkl", 3, "q-2mog_3_cc510.pkl"),
        ("j.pkl", "", "j-2mog__cc510.pkl"),
        (".hid", None, ".hid-2mog_cc510"),
        (Path("i.pkl"), None, "i-2mog_cc510.pkl"),
        ("r.", None, "r-2mog_cc510."),
    ],
)
def test_names_of_files_follow_the_pattern_of_multimin(objfile, myprefix, expected):
    """The names that MultiMin gave in these calls, the five digits apart."""
    assert fit_file_name(objfile, fit_prefix(2, "cc510", myprefix)) == Path(expected)
    assert fit_file_name(objfile) == Path(objfile)


def test_the_name_without_a_name_is_in_the_folder_for_temporary_files():
    folder = Path(tempfile.gettempdir())
    assert fit_file_name(None) == folder / "FitMoG.pkl"
    assert fit_file_name(None, "2mog_cc510") == folder / "FitMoG-2mog_cc510.pkl"


def test_the_digits_are_those_of_the_fit_wherever_it_is_made(run_python):
    code = (
        "from mogfit.export.fit_names import fit_hash\n"
        "from mogfit import FitMoG\n"
        "print(fit_hash(FitMoG([[0.0, 1.0], [2.0, 3.5]], 2)))"
    )
    here = fit_hash(FitMoG([[0.0, 1.0], [2.0, 3.5]], 2))
    assert re.fullmatch("[0-9a-f]{5}", here)
    assert run_python(code, PYTHONHASHSEED="7").stdout.strip() == here
    others = [
        FitMoG([[0.0, 1.0], [2.0, 3.6]], 2),
        FitMoG([[0.0, 1.0], [2.0, 3.5]], 1),
        FitMoG([[0.0, 1.0], [2.0, 3.5]], 2, domain=[[-9, None], None]),
        FitMoG(ngauss=2),
    ]
    assert len({here, *map(fit_hash, others)}) == 5
    columns = np.asfortranarray([[0.0, 1.0], [2.0, 3.5]])
    assert fit_hash(FitMoG(columns, 2)) == here, "the layout is not the data"
    changed = FitMoG([[0.0, 1.0], [2.0, 3.5]], 2)
    changed.set_params(mu=0.25)
    assert fit_hash(changed) != here


def test_only_the_face_is_named():
    """The room below names the classes above it and never imports them."""
    source = Path(pickles.__file__).parent
    for room in ("pickles", "pickle_fits", "pickle_machine", "pickle_values", "saved"):
        text = (source / f"{room}.py").read_text()
        assert not re.search(r"^(from|import) mogfit\.(fit|mixture|fit_function)\b", text, re.M)
    assert SavedFit.__module__ == "mogfit.export.saved"

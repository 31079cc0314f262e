"""Saved fits of incomplete, noisy and projected data: what belongs to the data comes back too."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import mogfit
from mogfit import DataWarning, FileFormatError, FitMoG
from mogfit.export.pickle_values import pack
from mogfit.export.pickles import (
    _AsFit,
    fit_from_bytes,
    fit_pickle_bytes,
    read_fit_pickle,
    saved_fit,
    write_fit_pickle,
)
from mogfit.export.saved import saved_from_state, state_of
from mogfit.observations import BELONGINGS
from mogfit.storage.files import dump
from tests.fitting import draw_points
from tests.observed_fits import knock_out
from tests.test_files import load_bytes, signed

HERE = Path(__file__).parents[1] / "data"
RNG = np.random.default_rng(5)
N = 40
DATA = draw_points(N)
HOLED = knock_out(DATA, 0.2)
DEVIATIONS = RNG.uniform(0.1, 0.5, (N, 2))
ROOTS = 0.3 * RNG.standard_normal((N, 2, 2))
COVARIANCES = ROOTS @ ROOTS.transpose(0, 2, 1)
COVARIANCES = (COVARIANCES + COVARIANCES.transpose(0, 2, 1)) / 2
PROJECTION = RNG.standard_normal((N, 1, 2))
# What is of no meaning may be anything.
UNKNOWN = np.where(np.isnan(HOLED), [[np.nan, np.inf]], DEVIATIONS)


def changed(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


FITS = {
    "missing": lambda: FitMoG(HOLED, 2, missing="marginal"),
    "float32": lambda: FitMoG(HOLED.astype(np.float32), 2, missing="marginal"),
    "complete": lambda: FitMoG(DATA, 2, missing="marginal"),
    "deviations": lambda: FitMoG(DATA, 2, errors=DEVIATIONS),
    "covariances": lambda: FitMoG(DATA, 2, errors=COVARIANCES),
    "shared": lambda: FitMoG(DATA, 2, errors=[0.1, 0.2]),
    "missing deviations": lambda: FitMoG(HOLED, 2, missing="marginal", errors=UNKNOWN),
    "missing covariances": lambda: FitMoG(HOLED, 2, missing="marginal", errors=COVARIANCES),
    "projection": lambda: FitMoG(DATA[:, :1], 2, errors=0.1, projection=PROJECTION),
    "one projection": lambda: FitMoG(HOLED, 2, missing="marginal", projection=np.eye(2)),
    "domain": lambda: FitMoG(
        np.abs(HOLED), 2, domain=[(0, None), None], missing="marginal", outside="drop"
    ),
    "noisy domain": lambda: FitMoG(DATA, 2, domain=[(0, None), None], errors=[0.3, 0.0]),
    "infinite deviations": lambda: FitMoG(DATA, 2, errors=changed(DEVIATIONS, (2, 1), np.inf)),
    "infinite covariances": lambda: FitMoG(
        HOLED, 2, missing="marginal", errors=changed(COVARIANCES, (2, 1, 1), np.inf)
    ),
    "two points": lambda: FitMoG(DATA[:2], 1, errors=[[[0.1, 0.0], [0.0, 0.2]]] * 2),
    "square": lambda: FitMoG(DATA[:2], 1, errors=[[0.1, 0.9], [0.2, 0.3]]),
}


def by_file(F, tmp_path):
    F.save_fit(tmp_path / "fit.pkl", useprefix=False)
    return FitMoG(tmp_path / "fit.pkl")


def by_file_and_pickle(F, tmp_path):
    F.save_fit(tmp_path / "fit.pkl", useprefix=False)
    return pickle.loads((tmp_path / "fit.pkl").read_bytes())


def by_pickle(F, _):
    F.keep_data = True
    return pickle.loads(pickle.dumps(F))


def by_pickle_as_a_file(F, tmp_path):
    assert F.mog is not None, "made when it is asked for"
    F.keep_data = True
    (tmp_path / "fit.pkl").write_bytes(pickle.dumps(F, 2))
    return FitMoG(tmp_path / "fit.pkl")


def by_joblib(F, tmp_path):
    joblib = pytest.importorskip("joblib")
    F.keep_data = True
    joblib.dump(F, tmp_path / "fit.joblib")
    return joblib.load(tmp_path / "fit.joblib")


def by_copy(F, _):
    return copy.copy(F)


def by_deepcopy(F, _):
    return copy.deepcopy(F)


WAYS = [
    by_file,
    by_file_and_pickle,
    by_pickle,
    by_pickle_as_a_file,
    by_joblib,
    by_copy,
    by_deepcopy,
]


def bits(seen):
    """What was seen, to compare."""
    held = [(name, array.shape, array.tobytes()) for name, array in seen.belongings.items()]
    values = seen.values
    return (values.dtype, values.shape, values.tobytes(), seen.incomplete, seen.nvars, held)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("way", WAYS)
def test_what_belongs_to_the_data_comes_back(way, name, tmp_path):
    F = FITS[name]()
    G = way(F, tmp_path)
    assert G.missing == F.missing
    assert G.data.tobytes() == F.data.tobytes()
    assert bits(G._observed(None)) == bits(F._observed(None))
    assert G.hash == F.hash
    if np.isfinite(F.log_l()):
        assert G.log_l() == F.log_l()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["missing", "missing covariances", "projection"])
def test_a_fit_goes_on_as_it_would_have(way, name, tmp_path):
    F = FITS[name]()
    F.set_initial_params(from_mog=mogfit.MixtureOfGaussians(mus=DATA[:2], Sigmas=[np.eye(2)] * 2))
    options = {"options": {"maxiter": 4}, "random_state": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mogfit.MoGWarning)
        F.fit_data(**options)
        G = way(F, tmp_path)
        assert G.mog.params.tobytes() == F.mog.params.tobytes()
        assert G.quality_of_fit(random_state=1) == F.quality_of_fit(random_state=1)
        for H in (F, G):
            H.fit_data(**options)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    assert G.report.neg_loglik == F.report.neg_loglik


def test_a_projection_of_all_points_is_written_and_copied_once(tmp_path):
    F = FitMoG(np.tile(DATA, (50, 1)), 1, projection=np.eye(2), missing="marginal")
    F.keep_data = True
    size = F.data.nbytes
    for raw in (fit_pickle_bytes(F), pickle.dumps(F)):
        assert len(raw) < size + 5000
    for twin in (copy.deepcopy(F), pickle.loads(pickle.dumps(F))):
        assert twin._seen.projection.strides[0] == 0
        assert twin._seen.projection.shape == (50 * N, 2, 2)


@pytest.mark.parametrize("name", ["missing deviations", "projection"])
def test_without_the_data_nothing_stays_that_belongs_to_them(name, tmp_path):
    F = FITS[name]()
    write_fit_pickle(F, tmp_path / "fit.pkl", data=False)
    for G in (FitMoG(tmp_path / "fit.pkl"), pickle.loads(pickle.dumps(F))):
        assert (G.data, G._seen) == (None, None)
        assert G.missing == F.missing
        assert G.nvars == 2
    # And what comes next is treated as before.
    H = pickle.loads(pickle.dumps(FitMoG(HOLED, 2, missing="marginal")))
    assert H.log_l(HOLED) == FitMoG(HOLED, 2, missing="marginal").log_l()


def test_data_that_took_the_place_of_others_are_saved_without_their_errors(tmp_path):
    F = FITS["deviations"]()
    F.data = DATA + 1.0
    expected = FitMoG(DATA + 1.0, 2).log_l()
    assert F.log_l() == expected
    for way in WAYS:
        assert way(F, tmp_path).log_l() == expected


def test_the_lasting_format_keeps_what_is_done_about_missing_values(tmp_path):
    with pytest.warns(DataWarning, match="left out"):
        F = FitMoG(HOLED, 1, missing="drop", outside="drop")
    F.fit_data(random_state=1)
    mogfit.save(F, tmp_path / "fit.json")
    G = mogfit.load(tmp_path / "fit.json")
    assert (G.missing, G.outside, G.data) == ("drop", "drop", None)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()


@pytest.mark.parametrize("key", ["missing", "outside"])
@pytest.mark.parametrize("value", ["nan", "", None, 3, ["error"]])
def test_a_choice_in_a_lasting_file_is_checked(key, value, tmp_path):
    F = FitMoG(DATA, 1)
    F.fit_data(random_state=1)
    document = json.loads(dump(F))
    assert document["fit"][key] == "error"
    document["fit"][key] = value
    with pytest.raises(FileFormatError, match=key):
        load_bytes(tmp_path, signed(document))


# -- files of before, and of now -----------------------------------------------------------------


def test_a_file_of_before_has_plain_data():
    state = state_of(saved_fit(FitMoG(DATA, 2)))
    for name in ("missing", *BELONGINGS):
        del state[name]
    saved = saved_from_state(state)
    assert saved.missing == "error"
    assert saved.belongings == {}
    assert saved.data.tobytes() == DATA.tobytes()
    F = FitMoG(DATA, 2)
    F.keep_data = True
    old = F.__getstate__()
    del old["missing"], old["_seen"]
    G = FitMoG.__new__(FitMoG)
    G.__setstate__(old)
    assert (G.missing, G._seen, G.log_l()) == ("error", None, F.log_l())


def test_the_golden_file_is_read():
    for G in (
        FitMoG(HERE / "saved_observed_fit_v1.pkl"),
        pickle.loads((HERE / "saved_observed_fit_v1.pkl").read_bytes()),
    ):
        rng = np.random.default_rng(2)
        X = rng.normal(size=(40, 2)) * [1.0, 3.0]
        X[::5, 1] = np.nan
        np.testing.assert_array_equal(G.data, X)
        roots = 0.3 * rng.normal(size=(40, 2, 2))
        errors = roots @ roots.transpose(0, 2, 1)
        np.testing.assert_allclose(G._seen.covariances, errors, rtol=1e-12, atol=1e-15)
        assert (G.missing, G.outside, G.report.converged) == ("marginal", "drop", True)
        assert G.log_l() == pytest.approx(G.report.neg_loglik, rel=1e-13)
        same = mogfit.load(HERE / "observed_fit_v1.json")
        assert (same.missing, same.outside, same.data) == ("marginal", "drop", None)
        np.testing.assert_array_equal(same.mog.mus, G.mog.mus)


# -- files that are none -------------------------------------------------------------------------


def refused(name, **changes):
    """Message of the error that a file of this fit raises, with these values in it."""
    state = state_of(saved_fit(FITS[name]()))
    packed = {key: pack(value) for key, value in changes.items()}
    with pytest.raises(FileFormatError) as caught:
        fit_from_bytes(pickle.dumps(_AsFit(FitMoG, state | packed), 4))
    return str(caught.value)


SKEW = np.array([[1.0, 0.5], [0.2, 1.0]])
INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("missing", "missing", "nan", "missing: 'nan' seen"),
        ("missing", "missing", None, "missing: None seen"),
        ("missing", "missing", "error", "NaN"),
        ("missing", "data", changed(HOLED, (3, 1), np.inf), "infinite, first at row 3, column 1"),
        ("missing", "data", np.full((N, 2), np.nan), "without a value"),
        ("missing", "data", HOLED[:, :1], "shape (40, 1)"),
        ("deviations", "deviations", "a", "deviations: 'a' seen"),
        ("deviations", "deviations", DEVIATIONS.tolist(), "deviations: "),
        ("deviations", "deviations", DEVIATIONS.astype("f4"), "allowed: an array of doubles"),
        ("deviations", "deviations", DEVIATIONS[1:], "deviations: shape (39, 2) seen"),
        ("deviations", "deviations", DEVIATIONS[:, :1], "deviations: shape (40, 1) seen"),
        ("deviations", "deviations", np.array(0.1), "deviations: shape () seen"),
        ("deviations", "deviations", changed(DEVIATIONS, (2, 1), -1.0), "row 2, column 1: -1.0"),
        ("deviations", "deviations", changed(DEVIATIONS, (2, 1), np.nan), "row 2, column 1: nan"),
        ("deviations", "shared", np.eye(2), "deviations and shared"),
        ("covariances", "covariances", COVARIANCES[1:], "covariances: shape (39, 2, 2) seen"),
        ("covariances", "covariances", COVARIANCES[0], "covariances: shape (2, 2) seen"),
        ("covariances", "covariances", changed(COVARIANCES, 4, SKEW), "not symmetric"),
        ("covariances", "covariances", changed(COVARIANCES, 4, INDEFINITE), "row 4"),
        ("covariances", "data", None, "data: none, but covariances"),
        ("shared", "shared", INDEFINITE, "shared: the covariance of all points is not positive"),
        ("shared", "shared", np.eye(3), "shared: shape (1, 3, 3) seen"),
        ("shared", "shared", np.array([0.1, 0.2]), "shared: shape (1, 2) seen"),
        ("projection", "projection", PROJECTION[1:], "projection: shape (39, 1, 2) seen"),
        ("projection", "projection", PROJECTION[:, :, :1], "projection: shape (40, 1, 1) seen"),
        ("projection", "projection", changed(PROJECTION, (3, 0, 1), np.nan), "not finite"),
        ("projection", "projection", None, "shape (40, 1)"),
        ("projection", "projection", np.zeros((0, 1, 2)), "projection: shape (0, 1, 2)"),
    ],
)
def test_a_value_of_another_kind_is_named(name, key, value, words):
    assert words in refused(name, **{key: value})


def test_an_ordinary_pickle_is_checked_as_well(tmp_path):
    F = FITS["deviations"]()
    F.set_params()
    F.keep_data = True
    state = F.__getstate__()
    for seen, words in [
        ({"deviations": -DEVIATIONS}, "negative"),
        ({"errors": DEVIATIONS}, "_seen: "),
        ([DEVIATIONS], "_seen: "),
    ]:
        raw = pickle.dumps(_AsFit(FitMoG, state | {"_seen": seen}), 4)
        with pytest.raises(FileFormatError, match=words):
            fit_from_bytes(raw)


def test_rows_outside_the_domain_go_with_their_errors():
    state = state_of(saved_fit(FITS["deviations"]()))
    deviations = DEVIATIONS * [1.0, 0.0]
    mixture = state["mixture"] | {"domain": [None, (0.0, 9.0)]}
    state |= {"mixture": mixture, "deviations": pack(deviations)}
    with pytest.warns(DataWarning, match="of 40 rows in the file lie outside the domain"):
        saved = saved_from_state(state)
    inside = DATA[:, 1] >= 0
    assert 0 < inside.sum() < N
    np.testing.assert_array_equal(saved.data, DATA[inside])
    np.testing.assert_array_equal(saved.deviations, deviations[inside])


def test_reading_gives_what_was_written(tmp_path):
    for make in FITS.values():
        F = make()
        write_fit_pickle(F, tmp_path / "fit.pkl")
        seen, expected = read_fit_pickle(tmp_path / "fit.pkl"), saved_fit(F)
        assert seen.missing == expected.missing
        assert list(seen.belongings) == list(expected.belongings)
        for name, array in expected.belongings.items():
            assert getattr(seen, name).tobytes() == array.tobytes()

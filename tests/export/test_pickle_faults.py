"""Files that are damaged, of another kind or hostile: the documented error, and nothing is run."""

from __future__ import annotations

import copyreg
import hashlib
import os
import pickle
import random
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import mogfit
from mogfit import DataWarning, FileFormatError, FitMoG, UnsafeFileError
from mogfit.export import pickles
from mogfit.export.pickle_values import pack
from mogfit.export.pickles import (
    fit_from_bytes,
    fit_pickle_bytes,
    read_fit_pickle,
    saved_fit,
    write_fit_pickle,
)
from mogfit.export.saved import state_of
from tests.fitting import draw_points, fit
from tests.standins import multimin_like

HERE = Path(__file__).parents[1]
THEIRS = {path.stem: path.read_bytes() for path in sorted((HERE / "data").glob("multimin_*.pkl"))}
OWN = fit_pickle_bytes(fit(draw_points(8), ngauss=1))
BODY = OWN[: OWN.rindex(b"\nmogfit saved fit")]


def observed(**errors):
    """A file of a fit of incomplete, noisy points."""
    values = draw_points(8)
    values[2, 1] = np.nan
    raw = fit_pickle_bytes(FitMoG(values, missing="marginal", **errors))
    return raw, raw[: raw.rindex(b"\nmogfit saved fit")]


# Each of the arrays that may belong to the data.
OBSERVED = [
    observed(errors=np.full((8, 2), 0.1)),
    observed(errors=np.tile(0.01 * np.eye(2), (8, 1, 1))),
    observed(errors=0.1, projection=np.tile(np.eye(2), (8, 1, 1))),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.pkl"


def refused(raw, error=FileFormatError):
    """Message of the error that a file of this content raises."""
    try:
        fit_from_bytes(bytes(raw))
    except error as caught:
        return str(caught)
    return pytest.fail(f"{bytes(raw)[:80]!r}... was read")


# -- damage --------------------------------------------------------------------------------------


def test_any_changed_byte_of_an_own_file_is_found():
    rng = random.Random(1)
    for raw in (OWN, *(raw for raw, _ in OBSERVED)):
        for place in range(len(raw)):
            changed = bytearray(raw)
            changed[place] ^= rng.choice((1 << rng.randrange(8), rng.randrange(1, 256)))
            refused(changed)


def test_a_cut_own_file_is_found():
    for raw, body in ((OWN, BODY), *OBSERVED):
        for length in range(len(raw)):
            if length != len(body):
                refused(raw[:length])
    # Up to here it is a whole pickle, as pickle.dump would have written it.
    assert fit_from_bytes(BODY).report is not None


@pytest.mark.parametrize("name", THEIRS)
def test_a_cut_file_of_multimin_is_found(name):
    for length in range(0, len(THEIRS[name]), 7):
        message = refused(THEIRS[name][:length])
        assert length < 2 or "too early" in message


def test_what_follows_a_pickle_is_found():
    for raw in (BODY, OBSERVED[0][1], *THEIRS.values()):
        assert "goes on after the end" in refused(raw + b"\n")
        assert "goes on after the end" in refused(raw + raw)


@pytest.mark.parametrize("seed", range(6))
def test_damage_that_no_checksum_finds_gives_an_error_or_a_fit(seed):
    """Files of MultiMin, and own ones without their last line."""
    rng = random.Random(seed)
    whole = [BODY, *(body for _, body in OBSERVED), *THEIRS.values()]
    outcomes = set()
    for _ in range(600):
        raw = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 1, 2, 8))):
            place = rng.randrange(len(raw))
            raw[place] = rng.choice((rng.randrange(256), raw[place] ^ 1, *b"()}tRb."))
        if rng.random() < 0.2:
            del raw[rng.randrange(len(raw)) :]
        if rng.random() < 0.2:
            place, part = rng.randrange(len(raw) + 1), rng.choice(whole)
            start = rng.randrange(len(part))
            raw[place:place] = part[start : start + rng.randrange(80)]
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            try:
                fit_from_bytes(bytes(raw))
                outcomes.add("read")
            except (FileFormatError, UnsafeFileError) as error:
                outcomes.add(type(error).__name__)
        assert time.perf_counter() - begun < 2.0
    assert outcomes == {"read", "FileFormatError", "UnsafeFileError"}


# -- other files ---------------------------------------------------------------------------------


def test_files_of_other_kinds_are_named(tmp_path):
    np.save(tmp_path / "points.npy", np.zeros(3))
    mogfit.save(fit(draw_points(30), ngauss=1), tmp_path / "fit.json")
    for raw, words in [
        (b"", "is empty (0 bytes)"),
        (b" \n\n", "is empty (3 bytes)"),
        ((tmp_path / "points.npy").read_bytes(), "a NumPy array"),
        ((tmp_path / "fit.json").read_bytes(), "mogfit.load reads what mogfit.save wrote"),
        (b"\x1f\x8b" + bytes(90), "gzip"),
        (b"PK\x03\x04" + bytes(90), "zip"),
        (b"x,y\n1.0,2.0\n", "no pickle"),
        (b"1.0 2.0\n3.0 4.0\n", "is damaged"),
        (b"cluster,x\n1.0,2.0\n", "no pickle"),
        ("épsilon".encode(), "no pickle"),
        (bytes(90), "no pickle"),
        (b"\x80\x09" + BODY[2:], "protocol 9"),
    ]:
        assert words in refused(raw)
    for value, words in [
        (7, "holds no FitMoG, but a int"),
        ({"data": [1.0]}, "holds no FitMoG, but a Table"),
        (np.zeros(3), "holds no FitMoG, but a _reconstruct"),
        (fit(draw_points(30), ngauss=1).mog, "holds no FitMoG, but a MixtureOfGaussians"),
    ]:
        assert words in refused(pickle.dumps(value))


@pytest.mark.parametrize("name", ["FitFunctionMoG", "FitFunctionCMND"])
def test_a_fit_of_a_function_is_named(name, monkeypatch):
    with multimin_like(monkeypatch) as make:
        raw = pickle.dumps(make("multimin.fitting", name, X=[1.0]))
    assert f"holds no FitMoG, but a {name}; such a fit of a function" in refused(raw)


def test_a_message_begins_with_the_name_of_the_file(path):
    for raw, error in [(OWN[:-5], FileFormatError), (b"cos\nsystem\n.", UnsafeFileError)]:
        path.write_bytes(raw)
        with pytest.raises(error) as caught:
            read_fit_pickle(path)
        assert str(caught.value) == f"{path}: {refused(raw, error)}"


def test_folders_pipes_and_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_fit_pickle(tmp_path / "none.pkl")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_fit_pickle(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileFormatError, match="not a regular file"):
            read_fit_pickle(tmp_path / "pipe")


def with_trailer(body, version):
    head = body + b"\nmogfit saved fit, format %d, sha256 " % version
    return head + hashlib.sha256(head).hexdigest().encode() + b"\n"


def test_a_newer_version_is_named():
    assert with_trailer(BODY, 1) == OWN
    message = refused(with_trailer(BODY, 2))
    assert "has format version 2" in message
    assert "install a newer mogfit" in message
    assert "format_version: 0 seen" in refused(with_trailer(BODY, 0))
    state = state_of(saved_fit(FitMoG(ngauss=1))) | {"format_version": 3, "written_by": "M 9"}
    assert "has format version 3, written by 'M 9'" in refused(dumped(state))


def dumped(state):
    return pickle.dumps(pickles._AsFit(FitMoG, state), 4)


CHANGES = {
    "mixture": [None, {}, {"weights": None}],
    "data": ["x", [[0.0]], np.zeros((3, 5)), np.array([[np.nan]]), np.zeros((2, 1), "c16")],
    "outside": ["away", None],
    "report": [3, {}, {"starts": []}],
    "optimum": [np.zeros(3), [0.0, 1.0], np.array([0.0, np.nan]), np.array([0.0, -1.0])],
    "bounds": [3, [1.0], [[1.0, 2.0]], [[0.0, "a"], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]],
    "sigma_scale": [0.0, -1.0, np.inf, np.nan, "a", True],
    "solution": [3],
    "minargs": ["a"],
    "set_by_user": [3, None],
    "source": ["me", None],
}
MIXTURES = {
    "weights": [np.array([-1.0]), np.zeros(1), np.ones(2), np.array([np.nan]), "a", None],
    "mus": [np.zeros((1, 2)), np.zeros((0, 1)), np.zeros((1, 1, 1)), np.array([[np.inf]])],
    "Sigmas": [np.zeros((1, 1, 1)), -np.ones((1, 1, 1)), np.ones((1, 2, 2)), np.array(1.0)],
    "normalize_weights": [1, None],
    "names": [3, ["a", "b"], [3], "a"],
    "domain": [3, "a", [3], [[1.0]], [[2.0, 1.0]], [["a", "b"]], [[0.0, np.nan]], np.zeros((1, 2))],
    "truncation": ["none", 3, np.zeros(2)],
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_value_of_another_kind_is_named(key):
    state = state_of(saved_fit(fit(draw_points(8)[:, :1], ngauss=1)))
    for value in CHANGES[key]:
        changed = state | {key: pack(value)}
        assert key in refused(dumped(changed)), value
    without = {name: value for name, value in state.items() if name != key}
    assert key in refused(dumped(without))


@pytest.mark.parametrize("key", MIXTURES)
def test_a_mixture_that_is_none_is_named(key):
    state = state_of(saved_fit(fit(draw_points(8)[:, :1], ngauss=1)))
    for value in MIXTURES[key]:
        mixture = state["mixture"] | {key: pack(value)}
        message = refused(dumped(state | {"mixture": mixture}))
        assert key in message, (value, message)


def test_numbers_on_the_edge_of_what_a_double_holds(monkeypatch):
    """They overflow within the checks, which must say so themselves."""
    extremes = [np.finfo(float).max, np.finfo(float).tiny, 5e-324, np.nan, -np.inf]
    for a in extremes:
        for b in extremes:
            with multimin_like(monkeypatch) as make:
                mixture = make(
                    "multimin.mog",
                    "MixtureOfGaussians",
                    weights=np.array([1.0]),
                    mus=np.array([[a, b]]),
                    Sigmas=np.array([[[a, b], [b, a]]]),
                )
                raw = pickle.dumps(make("multimin.fitting", "FitMoG", mog=mixture))
            if np.isfinite([a, b]).all() and b < a:
                fit_from_bytes(raw)  # strange, but a mixture
            else:
                assert "mixture" in refused(raw)


# -- saving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file_whole(step, path, monkeypatch):
    F = fit(draw_points(30), ngauss=1)
    write_fit_pickle(F, path)
    before = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError("no space left")

    if step == "write":
        monkeypatch.setattr(pickles, "fit_pickle_bytes", fail)
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space"):
        write_fit_pickle(fit(draw_points(30), ngauss=2), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


KILLED = """
import os, sys
import numpy as np
from mogfit import FitMoG
from mogfit.export.pickles import write_fit_pickle
replace = os.replace
def die(*arguments):
    os._exit(9)
os.replace = die
write_fit_pickle(FitMoG(np.zeros((5, 1)) + [[0], [1], [2], [3], [4]], 2), sys.argv[1])
"""


def test_a_save_that_is_killed_leaves_the_old_file_whole(path, run_python):
    write_fit_pickle(fit(draw_points(30), ngauss=1), path)
    before = path.read_bytes()
    assert run_python(KILLED, path, check=False).returncode == 9
    assert path.read_bytes() == before
    read_fit_pickle(path)


# -- hostile files -------------------------------------------------------------------------------


class Call:
    """Pickles as a call of `function`, by its name."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def at_the_root(attack, _make):
    return attack


def in_an_attribute_nobody_reads(attack, make):
    return make("multimin.fitting", "FitMoG", fig=attack)


def in_the_mixture(attack, make):
    return make("multimin.fitting", "FitMoG", mog=attack)


def in_an_array_of_objects(attack, make):
    return make("multimin.fitting", "FitMoG", data=np.array([[attack]], dtype=object))


def in_a_dictionary_of_arguments(attack, make):
    return make("multimin.fitting", "FitMoG", minargs={"options": [attack]})


def as_a_key(attack, make):
    return make("multimin.fitting", "FitMoG", minargs={attack: 1})


PLACES = [
    at_the_root,
    in_an_attribute_nobody_reads,
    in_the_mixture,
    in_an_array_of_objects,
    in_a_dictionary_of_arguments,
    as_a_key,
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("place", PLACES)
def test_no_call_in_a_pickle_is_made(place, protocol, path, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    with multimin_like(monkeypatch) as make:
        raw = pickle.dumps(place(Call(os.mkdir, str(canary)), make), protocol)
        message = refused(raw, UnsafeFileError)
        assert f"asks for '{os.mkdir.__module__}.mkdir'" in message
        assert "mogfit.save" in message
        assert not canary.exists()
        pickle.loads(raw)
        assert canary.exists(), "Python's own reader does run it: the test can fail"


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.", "os.system"),
        (b"\x80\x04Vbuiltins\np0\n0g0\nVeval\n\x93.", "builtins.eval"),
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.", "numpy.ndarray.tofile"),
        (b"\x80\x04\x8c\x0amogfit.fit\x8c\x09os.system\x93.", "mogfit.fit.os.system"),
        (b"\x80\x04\x8c\x0amogfit.fit\x8c\x0fFitMoG.save_fit\x93.", "mogfit.fit.FitMoG.save_fit"),
        (b"cmultimin.fitting\nos\n.", "multimin.fitting.os"),
        (b"cmultimin_evil\nFitMoG\n.", "multimin_evil.FitMoG"),
        (b"cevil.multimin\nFitMoG\n.", "evil.multimin.FitMoG"),
        (b"c__main__\nFitMoG\n.", "__main__.FitMoG"),
        (b"cpickle\nloads\n.", "pickle.loads"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "numpy.core.multiarray.fromfile"),
        (b"cscipy.optimize._optimize\nminimize\n.", "scipy.optimize._optimize.minimize"),
        (b"cfunctools\npartial\n.", "functools.partial"),
        (b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n.", "joblib.numpy_pickle.NumpyArrayWrapper"),
    ],
)
def test_names_off_the_list_are_refused_however_they_are_spelt(raw, named):
    assert f"asks for {named!r}" in refused(raw, UnsafeFileError)
    # Behind a whole fit, too, and with a checksum that is right.
    assert f"asks for {named!r}" in refused(with_trailer(raw, 1), UnsafeFileError)


@pytest.mark.parametrize(
    "raw", [b"Pevil\n.", b"\x80\x04K\x01Q.", b"\x80\x04\x82\x01.", b"\x80\x05\x97."]
)
def test_what_lies_outside_of_the_file_is_not_asked_for(raw):
    copyreg.add_extension("os", "system", 1)
    try:
        assert "outside of the file" in refused(raw, UnsafeFileError)
    finally:
        copyreg.remove_extension("os", "system", 1)


def test_classes_on_the_list_are_not_made_either(path, monkeypatch, tmp_path):
    """Even if what goes by their name in this process would do harm."""
    canary = tmp_path / "canary"
    with multimin_like(monkeypatch) as make:
        fitted = make("multimin.fitting", "FitMoG", data=None)
        kind = type(fitted)
        raw = pickle.dumps(fitted)
        for method in ("__new__", "__setstate__", "__init__", "__setattr__"):
            monkeypatch.setattr(kind, method, lambda *_: canary.mkdir(), raising=False)
        refused(raw)
        assert not canary.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="limits on memory hold on Linux only")
def test_memory_and_time_stay_in_proportion(path):
    """Files of up to 10 MB; a reader that trusted them would need hours and terabytes."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.pickle_bombs", str(path), "1000"],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    outcomes = dict(line.split(": ") for line in result.stdout.splitlines())
    assert outcomes.pop("nothing wrong").startswith("read ")
    for name, outcome in outcomes.items():
        error, seconds = outcome.split()
        assert error == "FileFormatError", name
        assert float(seconds) < 10.0, name
    assert len(outcomes) == 27

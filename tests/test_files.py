"""The file format: what is saved comes back bit for bit, what is damaged is refused."""

from __future__ import annotations

import doctest
import errno
import gzip
import json
import os
import pickle
import re
import stat
import struct
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import mogfit as mn
from mogfit.errors import DtypeError, FileFormatError, NotFittedError, UnsafeFileError
from mogfit.export import atomic
from mogfit.export.atomic import check_writable, write_atomically
from mogfit.storage import files

GOLDEN = Path(__file__).parent / "data"
MIXTURE_V1 = (GOLDEN / "mixture_v1.json").read_bytes()
FIT_V1 = (GOLDEN / "fit_v1.json").read_bytes()
OBSERVED_FIT_V1 = (GOLDEN / "observed_fit_v1.json").read_bytes()

# Hypothesis runs many examples in the one folder that pytest makes: each writes its file anew.
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def fitted():
    asteroids = mn.datasets.load_asteroids("q,e,i")
    fit = mn.FitMoG(asteroids, ngauss=3)
    fit.fit_data(random_state=0)
    return fit


def bits(array):
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def same_mixture(a, b):
    return (
        all(bits(getattr(a, key)) == bits(getattr(b, key)) for key in ("weights", "mus", "Sigmas"))
        and a.mus.shape == b.mus.shape
        and a.names == b.names
        and a.normalize_weights == b.normalize_weights
    )


def same_object(a, b):
    """Whether two loaded objects are equal in every bit; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, mn.MixtureOfGaussians):
        return same_mixture(a, b)
    return (
        same_mixture(a.mog, b.mog)
        and repr(a.report) + repr(a.report.starts) == repr(b.report) + repr(b.report.starts)
        and (a.bounds, a._sigmax, a.names) == (b.bounds, b._sigmax, b.names)
        and (a.outside, a.missing) == (b.outside, b.missing)
    )


def load_bytes(folder, content):
    path = folder / "content.json"
    path.write_bytes(content)
    return mn.load(path)


def signed(document):
    """A document with a right checksum: what only its content can betray."""
    document = {key: value for key, value in document.items() if key != "sha256"}
    return json.dumps(document | {"sha256": files._digest(document)}).encode()


# Round trips

# Two values are averaged when a matrix is checked: their sum must stay a double.
doubles = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def mixtures(draw):
    ngauss, nvars = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    mus = draw(npst.arrays(np.float64, (ngauss, nvars), elements=doubles))
    weights = draw(npst.arrays(np.float64, ngauss, elements=st.floats(1e-300, 1e300)))
    variances = draw(npst.arrays(np.float64, (ngauss, nvars), elements=st.floats(1e-200, 1e200)))
    Sigmas = np.array([np.diag(row) for row in variances])
    mog = mn.MixtureOfGaussians(
        weights=weights, mus=mus, Sigmas=Sigmas, normalize_weights=draw(st.booleans())
    )
    if draw(st.booleans()):
        mog.names = tuple(draw(st.lists(st.text(), min_size=nvars, max_size=nvars)))
    return mog


@in_one_folder
@given(mixtures())
def test_a_mixture_comes_back_bit_for_bit(tmp_path, mog):
    path = tmp_path / "mog.json"
    mn.save(mog, path)
    again = mn.load(path)
    assert type(again) is mn.MixtureOfGaussians
    assert same_mixture(again, mog)
    X = mog.mus + 0.5 * mog.sigmas
    np.testing.assert_array_equal(np.atleast_1d(again.logpdf(X)), np.atleast_1d(mog.logpdf(X)))


def test_correlated_covariances_come_back_bit_for_bit(tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(7, 6, 6))
    Sigmas = factors @ factors.transpose(0, 2, 1)
    mog = mn.MixtureOfGaussians(weights=rng.random(7), mus=rng.normal(size=(7, 6)), Sigmas=Sigmas)
    mn.save(mog, tmp_path / "mog.json")
    assert same_mixture(mn.load(tmp_path / "mog.json"), mog)


def test_a_fit_comes_back_without_its_data(tmp_path, fitted):
    path = tmp_path / "fit.json"
    mn.save(fitted, path)
    assert path.stat().st_size < 10_000
    again = mn.load(str(path))
    assert type(again) is mn.FitMoG
    assert same_object(again, fitted)
    assert again.data is None
    assert again.report == fitted.report
    assert again.names == ("q", "e", "i")
    assert bits(again.solution.x) == bits(fitted.solution.x)
    assert again.solution.fun == fitted.solution.fun
    assert again.log_l(fitted.data) == fitted.log_l()


def test_a_loaded_fit_goes_on_from_where_it_was(tmp_path, fitted):
    mn.save(fitted, tmp_path / "fit.json")
    again = mn.load(tmp_path / "fit.json")
    again.fit_data(fitted.data)
    assert again.report.converged
    assert again.report.passes < 10 < fitted.report.passes


def test_bounds_of_a_fit_are_kept_and_obeyed(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 1))
    fit = mn.FitMoG(X, ngauss=2)
    fit.set_bounds(bounds=(1e-3, 0.5))
    fit.fit_data(random_state=0)
    mn.save(fit, tmp_path / "fit.json")
    again = mn.load(tmp_path / "fit.json")
    assert again.bounds == fit.bounds
    again.fit_data(X)
    assert again.mog.sigmas.max() == pytest.approx(0.5, abs=1e-6)


def test_the_unbound_vector_keeps_its_scale(tmp_path):
    fit = mn.FitMoG(np.random.default_rng(0).normal(size=(200, 1)), ngauss=1)
    fit.set_bounds(bounds=(1e-3, 500.0))  # far wider than any sigma of the mixture
    fit.fit_data(random_state=0)
    mn.save(fit, tmp_path / "fit.json")
    again = mn.load(tmp_path / "fit.json")
    assert again.scales.max() == fit.scales.max() == 500.0
    assert bits(again.uparams) == bits(fit.uparams)


def test_saving_twice_gives_the_same_bytes(fitted):
    assert files.dump(fitted) == files.dump(fitted)


def test_another_layout_of_the_same_document_is_read(tmp_path, fitted):
    content = files.dump(fitted)
    for changed in (
        content.replace(b"\n", b"\r\n"),
        json.dumps(json.loads(content), indent=7, sort_keys=True).encode(),
        json.dumps(json.loads(content), separators=(",", ":")).encode(),
    ):
        assert changed != content
        assert same_object(load_bytes(tmp_path, changed), fitted)


def test_the_format_is_what_its_description_says(fitted):
    # Read with nothing but the standard library, following the module's docstring.
    import hashlib

    document = json.loads(files.dump(fitted))
    stated = document.pop("sha256")
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == stated
    assert document["format"] == "mogfit"
    assert document["format_version"] == 1
    assert np.array_equal(document["mixture"]["Sigmas"], fitted.mog.Sigmas)


def test_doctests():
    assert doctest.testmod(files).failed == 0


# Golden files: what has been released is read for ever


def test_the_mixture_of_version_1_is_read():
    mog = mn.load(GOLDEN / "mixture_v1.json")
    assert mog.names == ("q [au]", "Größe 中")
    assert mog.normalize_weights is False
    assert mog.weights.tolist() == [1.0, 2.0]
    # The doubles themselves, not decimal digits that a reader would have to round.
    expected = [0x3FB999999999999A, 0x81A56E1FC2F8F359, 0x8000000000000000, 0x419D6F34547E6B75]
    seen = [struct.unpack("<Q", struct.pack("<d", value))[0] for value in mog.mus.ravel()]
    assert seen == expected
    assert mog.Sigmas[0, 0, 0] == float.fromhex("0x1.5555555555555p-2")
    assert mog.Sigmas[0, 1, 1] == float.fromhex("0x1.82db34012b251p-79")
    assert mog.Sigmas[1, 1, 0] == float.fromhex("0x1.3333333333333p-2")


def test_the_fit_of_version_1_is_read():
    fit = mn.load(GOLDEN / "fit_v1.json")
    assert (fit.ngauss, fit.nvars, fit.data, fit.names) == (2, 1, None, None)
    assert fit.report.converged
    assert fit.report.n_points == 60
    assert np.isnan(fit.report.em_gain)
    assert fit.report.starts[0].chosen
    assert fit.report.starts[0].stage == "finished"
    assert len(fit.bounds) == 6
    assert fit.bounds[0] == (-np.inf, np.inf)
    assert fit.mog.weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert "converged" in str(fit.report)


# Damage


def refused_or_unharmed(folder, content, original):
    """True when refused; a change that alters no value (white space) must alter no bit."""
    try:
        again = load_bytes(folder, content)
    except (FileFormatError, UnsafeFileError):
        return True
    assert same_object(again, original)
    return False


@pytest.mark.parametrize(
    ("content", "flips"),
    [(MIXTURE_V1, (0x01, 0x10, 0x80)), (FIT_V1, (0x04,)), (OBSERVED_FIT_V1, (0x01,))],
    ids=["mixture", "fit", "observed fit"],
)
def test_every_single_byte_matters(tmp_path, content, flips):
    original = load_bytes(tmp_path, content)
    refused = black = 0
    for place, byte in enumerate(content):
        for flip in flips:
            changed = content[:place] + bytes([byte ^ flip]) + content[place + 1 :]
            answer = refused_or_unharmed(tmp_path, changed, original)
            if not chr(byte).isspace():
                black += 1
                refused += answer
    # A last digit of 17 may be beyond what a double can tell apart: such a change is none.
    assert refused >= black - 12


@in_one_folder
@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_noise_is_refused(tmp_path, content):
    with pytest.raises((FileFormatError, UnsafeFileError)):
        load_bytes(tmp_path, content)


@in_one_folder
@given(st.data())
def test_cut_spliced_and_scribbled_files_are_refused(tmp_path, data):
    original = load_bytes(tmp_path, FIT_V1)
    places = st.integers(0, len(FIT_V1))
    content = bytearray(FIT_V1)
    for _ in range(data.draw(st.integers(1, 3))):
        low, high = sorted((data.draw(places), data.draw(places)))
        content[low:high] = data.draw(st.binary(max_size=20))
    refused_or_unharmed(tmp_path, bytes(content), original)


def test_every_truncation_is_refused(tmp_path):
    for length in range(len(MIXTURE_V1) - 2):
        with pytest.raises(FileFormatError):
            load_bytes(tmp_path, MIXTURE_V1[:length])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def every_place(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from every_place(inner, (*path, key))


@in_one_folder
@given(st.data())
def test_wrong_content_under_a_right_checksum_is_refused(tmp_path, data):
    document = json.loads(FIT_V1)
    place = data.draw(st.sampled_from(list(every_place(document))[1:]))
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[place[-1]]
    else:
        holder[place[-1]] = data.draw(json_values)
    try:
        content = signed(document)
    except ValueError:  # NaN and infinity cannot be signed
        return
    try:
        again = load_bytes(tmp_path, content)
    except FileFormatError:
        return
    # A value may be replaced by one that is as good: then everything can be used.
    assert np.isfinite(again.mog.pdf(0.0))
    assert again.mog.mus.shape == (2, 1)
    assert again.solution.x.shape == again.uparams.shape
    assert isinstance(repr(again), str)


MESSAGES = [
    (b"", "is empty"),
    (b" \n\t ", "is empty"),
    (MIXTURE_V1[:200], "ends too early"),
    (b'{"a": 1}', "JSON of another kind"),
    (b"[1, 2, 3]", "JSON of another kind"),
    (b'"mogfit"', "JSON of another kind"),
    (b"q,e,i\n1,2,3\n", "not valid JSON at line 1, column 1"),
    (b"\x89PNG\r\n\x1a\n", "a figure"),
    (b"\x93NUMPY\x01\x00", "a NumPy array"),
    (gzip.compress(MIXTURE_V1), "compressed by gzip"),
    (MIXTURE_V1.replace(b"0.1,", b"0.2,"), "checksum differs"),
    (MIXTURE_V1.replace(b"sha256", b"sha257"), "checksum differs"),
    (MIXTURE_V1.replace(b'"nvars": 2', b'"nvars": 2, "nvars": 2'), "is there twice"),
    (MIXTURE_V1.replace(b"0.1,", b"NaN,"), "holds NaN"),
    (MIXTURE_V1.replace(b"0.1,", b"9" * 5000 + b","), "whole number of 5000 digits"),
    (MIXTURE_V1.replace(b"0.1,", b"\xff,"), "is not text: byte"),
    (b'{"format": "mogfit", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
]


@pytest.mark.parametrize(("content", "words"), MESSAGES, ids=[words for _, words in MESSAGES])
def test_messages_say_what_is_wrong(tmp_path, content, words):
    with pytest.raises(FileFormatError, match=re.escape(words)) as caught:
        load_bytes(tmp_path, content)
    assert str(tmp_path / "content.json") in str(caught.value)


def test_a_newer_version_is_named_with_those_that_can_be_read(tmp_path):
    document = json.loads(MIXTURE_V1) | {"format_version": 7, "written_by": "mogfit 3.2.1"}
    with pytest.raises(FileFormatError, match=r"version 7.*mogfit 3\.2\.1.*versions 1 to 1"):
        load_bytes(tmp_path, signed(document))


@pytest.mark.parametrize("version", [0, -1, 1.0, True, "1", None])
def test_a_version_that_is_none_is_refused(tmp_path, version):
    document = json.loads(MIXTURE_V1) | {"format_version": version}
    with pytest.raises(FileFormatError, match="format_version"):
        load_bytes(tmp_path, signed(document))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ngauss": 3}, "mixture.weights: 2 entries"),
        ({"nvars": 10**9}, "mixture.names"),
        ({"ngauss": 0}, "ngauss: 0"),
        ({"ngauss": True}, "ngauss: True"),
        ({"kind": "Gaussian"}, "kind: 'Gaussian'"),
        ({"mixture": None}, "no entry 'mixture'"),
        ({"kind": "FitMoG"}, "no entry 'fit'"),
    ],
)
def test_sizes_and_parts_must_agree(tmp_path, change, words):
    with pytest.raises(FileFormatError, match=re.escape(words)):
        load_bytes(tmp_path, signed(json.loads(MIXTURE_V1) | change))


def test_a_covariance_that_is_none_is_refused(tmp_path):
    document = json.loads(MIXTURE_V1)
    document["mixture"]["Sigmas"][1] = [[1.0, 2.0], [2.0, 1.0]]
    with pytest.raises(FileFormatError, match="component 1"):
        load_bytes(tmp_path, signed(document))


def test_entries_of_a_later_version_1_writer_are_passed_over(tmp_path):
    document = json.loads(FIT_V1) | {"comment": "unknown today"}
    document["fit"]["report"]["colour"] = "blue"
    assert same_object(load_bytes(tmp_path, signed(document)), mn.load(GOLDEN / "fit_v1.json"))


# Absurd sizes


def peak_memory(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [b"", b"{", b'{"format": "mogfit", "format_version": 1, "ngauss": 2, "nvars": 3, "x": "'],
)
def test_a_huge_file_is_refused_unread(tmp_path, head):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.write(head + b"x")
        file.truncate(1 << 40)  # a terabyte, sparse

    def read():
        with pytest.raises(FileFormatError, match=r"bytes|empty"):
            mn.load(path)

    assert peak_memory(read) < 1 << 20


def test_a_file_of_many_tiny_values_is_refused_unparsed(tmp_path):
    # 3 bytes of text would become 70 bytes of memory each.
    head = b'{"format": "mogfit", "format_version": 1, "ngauss": 100, "nvars": 50, "x": ['
    content = head + b"[]," * 3_000_000 + b"[]]}"
    path = tmp_path / "many.json"
    path.write_bytes(content)

    def read():
        with pytest.raises(FileFormatError, match="more values than"):
            mn.load(path)

    assert peak_memory(read) < 3 * len(content)


def test_a_large_mixture_is_read(tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(60, 40, 40))
    mog = mn.MixtureOfGaussians(
        mus=rng.normal(size=(60, 40)), Sigmas=factors @ factors.transpose(0, 2, 1)
    )
    path = tmp_path / "large.json"
    mn.save(mog, path)
    assert path.stat().st_size > 1 << 20
    assert same_mixture(mn.load(path), mog)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="not a regular file"):
        mn.load(tmp_path / "pipe")


def test_a_folder_and_a_missing_file_are_errors_of_the_system(tmp_path):
    with pytest.raises(IsADirectoryError):
        mn.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        mn.load(tmp_path / "none.json")


# Pickles


class Canary:
    sung = False

    def __reduce__(self):
        return (setattr, (Canary, "sung", True))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["evil.pkl", "evil.json"])
def test_a_pickle_is_refused_and_not_run(tmp_path, protocol, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps([Canary(), 1.0], protocol=protocol))
    with pytest.raises(UnsafeFileError, match="pickle"):
        mn.load(path)
    assert Canary.sung is False
    pickle.loads(path.read_bytes())
    assert Canary.sung is True  # so the file would have run code
    Canary.sung = False


# Writing


@pytest.mark.parametrize("obj", [None, 1, {"weights": [1.0]}, mn.MixtureOfGaussians])
def test_other_objects_are_refused(tmp_path, obj):
    with pytest.raises(DtypeError, match="MixtureOfGaussians or FitMoG"):
        mn.save(obj, tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_a_fit_without_result_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match="fit_data"):
        mn.save(mn.FitMoG(ngauss=2, nvars=1), tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    """A file that takes some bytes and then no more."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def write(self, content):
        self.file.write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fault", ["write", "fsync", "replace", "interrupt"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_failure_leaves_the_folder_as_it_was(tmp_path, monkeypatch, fitted, fault, existing):
    path = tmp_path / "fit.json"
    if existing:
        path.write_bytes(b"precious")
    real_open = os.fdopen

    def fail(*args):
        raise KeyboardInterrupt if fault == "interrupt" else OSError(errno.EIO, "fault")

    if fault == "write":
        monkeypatch.setattr(atomic.os, "fdopen", lambda *args: FullDisk(real_open(*args)))
    else:
        monkeypatch.setattr(atomic.os, "fsync" if fault == "interrupt" else fault, fail)
    with pytest.raises((OSError, KeyboardInterrupt)):
        mn.save(fitted, path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == (["fit.json"] if existing else [])
    assert not existing or path.read_bytes() == b"precious"


def test_a_reader_never_sees_half_a_file(tmp_path, fitted):
    path = tmp_path / "fit.json"
    mn.save(fitted, path)
    smaller = fitted.mog
    stop = threading.Event()

    def write():
        while not stop.is_set():
            mn.save(smaller, path)
            mn.save(fitted, path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        kinds = {type(mn.load(path)) for _ in range(200)}
    finally:
        stop.set()
        writer.join()
    assert kinds <= {mn.FitMoG, mn.MixtureOfGaussians}


posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links as on POSIX systems")


@posix
def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_mode(tmp_path):
    previous = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", b"1")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o604)
    write_atomically(tmp_path / "new", b"2")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o604


@posix
def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(Path("folder") / "target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "target").read_bytes() == b"new"
    (tmp_path / "dangling").symlink_to(Path("folder") / "later")
    write_atomically(tmp_path / "dangling", b"newer")
    assert (tmp_path / "folder" / "later").read_bytes() == b"newer"


@posix
def test_a_device_is_written_to_and_not_replaced():
    write_atomically("/dev/null", b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_is_read_only_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    # The answers of the system are stood in for: root may write anywhere.
    denied = {path}
    monkeypatch.setattr(atomic.os, "access", lambda place, mode: Path(place) not in denied)
    with pytest.raises(PermissionError, match="read-only"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    denied.add(tmp_path)
    with pytest.raises(PermissionError, match="no permission"):
        check_writable(tmp_path / "other")


def test_folders_that_cannot_be_written_into_are_found_first(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_writable(tmp_path / "none" / "fit.json")
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        check_writable(tmp_path / "file" / "fit.json")
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)
    check_writable(tmp_path / "fit.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]

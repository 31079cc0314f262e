"""Pickles followed as data, beside Python's own machine, which shares no code with this one."""

from __future__ import annotations

import collections
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogfit import FileFormatError, UnsafeFileError
from mogfit.export import pickle_machine
from mogfit.export.pickle_machine import Made, Named, Table, parse_pickle
from mogfit.export.pickle_values import HARMLESS, Unpacker, array_of, pack

PROTOCOLS = range(6)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=300),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(st.text(), inner),
    ),
    max_leaves=20,
)


def parse(raw, known=HARMLESS):
    return parse_pickle(raw, lambda named: named in known)


def rebuilt(value):
    """What a tree without calls stands for; of calls, those that protocols 0 to 2 make of bytes."""
    if isinstance(value, Made):
        made = {"encode": lambda text, _: text.encode("latin-1"), "bytes": lambda: b""}
        return made[value.kind.name](*value.arguments)
    if isinstance(value, Table):
        return {rebuilt(key): rebuilt(entry) for key, entry in value.pairs}
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return type(value)(rebuilt(entry) for entry in value)
    return value


def test_every_instruction_of_python_is_there():
    known = {ord(operation.code) for operation in pickletools.opcodes}
    assert known == {*pickle_machine._INSTRUCTIONS, ord(".")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(value=PLAIN)
def test_plain_values_are_those_that_python_reads(protocol, value):
    raw = pickle.dumps(value, protocol)
    tree, end = parse(raw + b"more")
    assert end == len(raw)
    assert rebuilt(tree) == value
    assert repr(rebuilt(tree)) == repr(value), "0 is not False, -0.0 is not 0.0"


def test_sets_and_what_no_pickler_writes_any_more():
    assert sorted(parse(pickle.dumps({3, 1, 2}, 4))[0]) == [1, 2, 3]
    assert sorted(parse(pickle.dumps(frozenset("ab"), 4))[0]) == ["a", "b"]
    assert parse(b"I01\n.")[0] is True
    assert parse(b"I00\n.")[0] is False
    assert parse(b"I12\n.")[0] == 12
    assert parse(b"L12L\n.")[0] == 12
    assert parse(b"(I1\nI2\nl.")[0] == [1, 2]
    assert rebuilt(parse(b"(Va\nI2\nd.")[0]) == {"a": 2}
    assert parse(b"(I1\n1I2\n2\x86.")[0] == (2, 2), "POP_MARK and DUP"
    assert parse(b"I2\n(I1\n00.")[0] == 2, "POP takes a mark too"
    assert parse(b"U\x02\xe9a.")[0] == parse(b"T\x02\x00\x00\x00\xe9a.")[0] == "éa"


def test_parts_are_shared_and_may_contain_themselves():
    inner = [1.5]
    tree, _ = parse(pickle.dumps([inner, inner]))
    assert tree[0] is tree[1]
    inner.append(inner)
    tree, _ = parse(pickle.dumps(inner))
    assert tree[1] is tree


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_calls_are_noted_and_not_made(protocol):
    kind = Named("collections", "OrderedDict")
    tree, _ = parse(pickle.dumps(collections.OrderedDict(a=1), protocol))
    assert isinstance(tree, Made)
    assert tree.kind == kind
    noted = tree.pairs or tree.arguments
    assert "a" in str(noted)


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(24.0).reshape(2, 3, 4)[:, ::2],
    np.array(2.5),
    np.empty((2, 0)),
    np.empty(0),
    np.array([1.5, -0.0, np.nan, np.inf, 1e-310]),
    np.arange(3, dtype=">f8"),
    np.arange(3, dtype="<f4"),
    np.arange(3, dtype="f2"),
    np.arange(300, dtype="i8"),
    np.arange(3, dtype=">u2"),
    np.array([True, False]),
    np.float64(0.1),
    np.int64(-7),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}{array.shape}")
def test_arrays_have_the_bits_that_were_written(protocol, array):
    tree, _ = parse(pickle.dumps(array, protocol))
    seen = array_of(tree, "it")
    assert seen.dtype == array.dtype.newbyteorder("=")
    assert seen.shape == array.shape
    assert seen.tobytes() == np.asarray(array, seen.dtype).tobytes()
    assert seen.flags.writeable
    assert seen.flags.owndata
    if array.ndim == 2 and array.size:
        assert seen.flags.f_contiguous == array.flags.f_contiguous


def test_names_that_numpy_had_before():
    raw = pickle.dumps(np.arange(3.0), 0)
    older = raw.replace(b"numpy._core.", b"numpy.core.")
    newer = raw.replace(b"numpy.core.", b"numpy._core.")
    assert older != newer
    for spelt in (older, newer):
        assert array_of(parse(spelt)[0], "it").tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a"], dtype=object),
        np.array([1 + 2j]),
        np.array(["a"]),
        np.zeros(2, dtype=[("a", "f8")]),
        np.zeros(1, dtype="M8[s]"),
        np.zeros(1, dtype=np.longdouble),
    ],
    ids=lambda array: array.dtype.str,
)
@pytest.mark.parametrize("protocol", [0, 4, 5])
def test_arrays_of_anything_but_real_numbers_are_refused(protocol, array):
    if array.dtype == np.float64:
        pytest.skip("a long double is a double here")
    tree, _ = parse(pickle.dumps(array, protocol))
    with pytest.raises(FileFormatError, match=r"it: an array (of type|without)"):
        array_of(tree, "it")


def test_an_array_whose_parts_do_not_agree_is_refused():
    raw = pickle.dumps(np.arange(3.0), 0)
    for old, new in [
        (b"(I3\n", b"(I4\n"),
        (b"(I3\n", b"(I-3\n"),
        (b"(I3\n", b"(F3\n"),
        (b"Vf8\n", b"Vf4\n"),
        (b"Vf8\n", b"V<f8\n"),
        (b"V<\n", b"V!\n"),
        (b"Vf8\n", b"VO\n"),
    ]:
        assert old in raw
        with pytest.raises(FileFormatError, match="it: an array"):
            array_of(parse(raw.replace(old, new))[0], "it")
    empty = pickle.dumps(np.empty((0, 2)), 0).replace(b"I2\n", b"I99999999999\n")
    with pytest.raises(FileFormatError, match="shape"):
        array_of(parse(empty)[0], "it")
    with pytest.raises(FileFormatError, match="is no array, but int"):
        array_of(3, "it")


PACKABLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text() | st.floats(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(), inner, max_size=3),
    ),
    max_leaves=10,
)


@given(value=PACKABLE)
def test_packed_values_come_back_through_a_pickle(value):
    raw = pickle.dumps(pack(value), 4)
    assert repr(Unpacker(len(raw)).plain(parse(raw)[0], "it")) == repr(value)
    assert repr(Unpacker(1000).plain(pack(value), "it")) == repr(value)


def test_packed_arrays_come_back_and_the_rest_as_its_text():
    value = {"x": np.arange(6.0).reshape(2, 3), "y": np.float32(0.5), 3: (np.arange(2),)}
    raw = pickle.dumps(pack(value), 4)
    back = Unpacker(len(raw)).plain(parse(raw)[0], "it")
    np.testing.assert_array_equal(back["x"], value["x"])
    np.testing.assert_array_equal(back["3"][0], [0, 1])
    assert back["y"] == 0.5
    assert pack([len, 10**30, 1j]) == ["<built-in function len>", str(10**30), "1j"]
    assert pack(np.array([None])) == "array([None], dtype=object)"


def test_what_is_not_plain_is_named():
    tree, _ = parse(pickle.dumps([slice(1), {1, 2}, b"ab"], 4))
    assert Unpacker(100).plain(tree, "it") == ["builtins.slice", [1, 2], "bytes"]


FRAGMENTS = st.sampled_from(
    [bytes([code]) for code in pickle_machine._INSTRUCTIONS]
    + [b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"\x8c\x02f8", b"K\x03", b"C\x01a", b"h\x00"]
    + [b"(", b")", b"}", b"]", b"I3\n", b"\x94", b"Vtext\n", b".", b"\x86", b"R", b"b", b"u"]
)


@given(st.lists(FRAGMENTS, max_size=60).map(b"".join))
def test_any_run_of_instructions_is_read_or_refused(raw):
    try:
        tree, end = parse(raw + b".")
    except (FileFormatError, UnsafeFileError):
        return
    assert end <= len(raw) + 1
    try:
        Unpacker(len(raw)).plain(tree, "it")
        array_of(tree, "it")
    except FileFormatError:
        pass

"""Files that would take hours or all memory, did a reader trust what they say. Run as a script.

Each is at most 10 MB. The script limits the memory of its own process, reads each of them and
prints what came of it: a line for each, "<name> <class of the error> <seconds>".
"""

from __future__ import annotations

import resource
import struct
import sys
import time
from pathlib import Path

from mogfit.errors import MoGError
from mogfit.export.pickles import read_fit_pickle

FIT = b"\x80\x04cmultimin.fitting\nFitMoG\n)\x81}"
MANY = 100_000


def text(word: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word


def content(raw: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(raw)) + raw


def array(shape: bytes, raw: bytes) -> bytes:
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01"
        + shape
        + b"cnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xff"
        + b"J\xff\xff\xff\xffK\0tb\x89"
        + raw
        + b"tb"
    )


ONE = struct.pack("<d", 1.0)
MIXTURE = {
    "weights": array(b"K\x01\x85", content(ONE)),
    "mus": array(b"K\x01K\x01\x86", content(ONE)),
    "Sigmas": array(b"K\x01K\x01K\x01\x87", content(ONE)),
}


def entries(values: dict[str, bytes]) -> bytes:
    return b"(" + b"".join(text(name.encode()) + value for name, value in values.items()) + b"u"


def fit(before: bytes = b"", mixture: dict[str, bytes] | None = None, **values: bytes) -> bytes:
    """A fit of MultiMin, whole but for these values; what `before` leaves on the stack is lost."""
    held = b"cmultimin.mog\nMixtureOfGaussians\n)\x81}" + entries(MIXTURE | (mixture or {})) + b"b"
    return FIT[:2] + before + FIT[2:] + entries({"mog": held} | values) + b"b."


def laughs(doublings: int) -> bytes:
    """A tuple of two of a tuple of two of ..., in memory 0 to `doublings`; nothing on the stack."""
    steps = (
        b"h" + bytes([i]) * 1 + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) + b"0"
        for i in range(doublings)
    )
    return text(b"ha") + b"q\x000" + b"".join(steps)


def nested(depth: int) -> bytes:
    return b")" + b"\x85" * depth


LONG = text(b"x" * 5_000_000) + b"q\x070"
AGAIN = b"h\x07"
FEW_BYTES = content(b"x" * 8_000_000) + b"q\x070"

BOMBS = {
    "nothing wrong": fit(),
    "nested lists": fit(data=nested(400_000)),
    "nested mixture": FIT + text(b"mog") + nested(400_000) + b"sb.",
    "open marks": FIT[:2] + b"(" * 1_000_000 + b".",
    "dictionaries": FIT[:2] + b"}" * 1_000_000 + b".",
    "far memory": FIT[:2] + b"Nr\xff\xff\xff\x7f.",
    "far memory in text": FIT[:2] + b"Np99999999999999\n.",
    "promised bytes": FIT[:2] + b"\x8e" + struct.pack("<Q", 1 << 62) + b".",
    "promised array of bytes": FIT[:2] + b"\x96" + struct.pack("<Q", 1 << 40) + b".",
    "promised frame": FIT[:2] + b"\x95" + struct.pack("<Q", 1 << 62) + b".",
    "long number": FIT[:2] + b"\x8b" + struct.pack("<i", 5_000_000) + b"\xff" * 5_000_000 + b".",
    "many digits": FIT[:2] + b"I" + b"9" * 5_000_000 + b"\n.",
    "absurd shape": fit(data=array(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", content(b""))),
    "empty but long": fit(data=array(b"K\0J\xff\xff\xff\x7f\x86", content(b""))),
    "laughs as data": fit(laughs(200), data=b"h\xc8"),
    "laughs as arguments": fit(laughs(200), minargs=b"}" + text(b"a") + b"h\xc8s"),
    "laughs as a shape": fit(laughs(200), data=array(b"h\xc8", content(b""))),
    "laughs as a type": fit(laughs(200), mixture={"truncation": b"h\xc8"}),
    "few laughs as a domain": fit(laughs(7), mixture={"_domain_bounds": b"h\x07"}),
    "a text many times": fit(LONG, minargs=b"}" + text(b"a") + b"(" + AGAIN * MANY + b"ts"),
    "a long name many times": fit(LONG, mixture={"names": b"(" + AGAIN * MANY + b"t"}),
    "a long side many times": fit(LONG, mixture={"_domain_bounds": b"(" + AGAIN * MANY + b"t"}),
    "a long key many times": fit(LONG, solution=b"}(" + (AGAIN + b"N") * MANY + b"u"),
    "bytes of many arrays": fit(
        FEW_BYTES,
        solution=b"}"
        + entries(
            {
                f"{i}": array(b"J" + struct.pack("<i", 1_000_000) + b"\x85", AGAIN)
                for i in range(3000)
            }
        ),
    ),
    "a table many times": fit(
        b"}(" + b"NN" * MANY + b"uq\x070", minargs=b"}" + text(b"a") + b"(" + AGAIN * MANY + b"ts"
    ),
    "a state many times": fit(
        b"cscipy.optimize._lbfgsb_py\nLbfgsInvHessProduct\n)\x81}(" + b"NN" * MANY + b"ubq\x070",
        solution=b"}" + entries({f"{i}": AGAIN for i in range(30_000)}),
    ),
    "a list in itself": fit(b"]q\x07h\x07a0", minargs=b"}" + text(b"a") + b"h\x07s"),
    "bytes of bytes of bytes": fit(
        data=array(b"K\x01\x85", b"c__builtin__\nbytearray\n" * 1000 + b"C\0" + b"\x85R" * 1000)
    ),
}

if __name__ == "__main__":
    path = Path(sys.argv[1])
    most = int(sys.argv[2]) << 20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    for name, raw in BOMBS.items():
        path.write_bytes(raw)
        begun = time.perf_counter()
        try:
            read_fit_pickle(path)
            outcome = "read"
        except MoGError as error:
            outcome = type(error).__name__
        sys.stdout.write(f"{name}: {outcome} {time.perf_counter() - begun:.2f}\n")

"""Python pickles, read as data: nothing that a pickle names is ever imported, called or changed.

A pickle is a program for a small stack machine whose instructions may call any function there is.
`parse_pickle` follows the program, but where Python's own machine would import a class it notes
the name, and where that would call it, it notes what it would be called with. What comes out is a
tree of plain values, `Table`, `Named` and `Made`; what they stand for is the reader's business.

Names that are not expected are refused all the same, so that no one mistakes a hostile file for a
fit that merely lacks something.

Sources: the instructions are those of `pickletools.opcodes`, protocols 0 to 5.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from mogfit.errors import FileFormatError, MoGError, UnsafeFileError, shorten

__all__ = ["Made", "Named", "Table", "parse_pickle"]

# More than any fit takes: it bounds the time (a second) and the memory (some 100 MB above that of
# the file).
_MOST_INSTRUCTIONS = 1 << 19
_MOST_DIGITS = 20  # of a whole number; 8 bytes of one in binary
_MOST_BYTES_OF_INT = 9
_NEWEST_PROTOCOL = 5


class Named(NamedTuple):
    """A class or function that the pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Table:
    """A dictionary: pairs in their order, keys neither hashed nor compared."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] = []


class Made(Table):
    """What the pickle would make by a call: of what, from what, with what state and content."""

    __slots__ = ("arguments", "items", "kind", "state")

    def __init__(self, kind: Named, arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = arguments
        self.state: Any = None
        self.items: list[Any] = []


def parse_pickle(raw: bytes, expected: Callable[[Named], bool]) -> tuple[Any, int]:
    """Read the first pickle in `raw`.

    Parameters
    ----------
    raw : bytes
        Content of a file, beginning with a pickle.
    expected : callable
        Whether a name is one of those that the reader knows.

    Returns
    -------
    value : object
        None, bool, int, float, str, list and tuple as they are, bytes as such or as
        memoryviews of `raw`, sets as lists, dictionaries as `Table`, and what would have been
        made by calls as `Made`. Values may occur at several places, and contain themselves.
    end : int
        Where the pickle ends.

    Raises
    ------
    UnsafeFileError
        If the pickle names something unexpected, or refers to things outside of it.
    FileFormatError
        If it is no pickle, or cut, damaged, of a newer protocol or far too long for a fit.
    """
    machine = _Machine(raw, expected)
    try:
        return machine.run()
    except MoGError:
        raise
    except (IndexError, KeyError, ValueError, OverflowError, struct.error) as error:
        raise FileFormatError(
            f"is damaged: the instruction before byte {machine.position} makes no sense there"
        ) from error


_Step = Callable[["_Machine"], object]
_STOP = ord(".")


class _Machine:
    """The stack, the marks in it, and the memory of a pickle."""

    def __init__(self, raw: bytes, expected: Callable[[Named], bool]) -> None:
        self.view = memoryview(raw)
        self.raw = raw
        self.expected = expected
        self.position = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: dict[int, Any] = {}

    def run(self) -> tuple[Any, int]:
        for _ in range(_MOST_INSTRUCTIONS):
            code = self.take(1)[0]
            if code == _STOP:
                value = self.stack.pop()
                if self.stack or self.marks:
                    raise FileFormatError("is damaged: it ends with values left over")
                return value, self.position
            follow = _INSTRUCTIONS.get(code)
            if follow is None:
                raise FileFormatError(
                    f"is no pickle, or damaged: byte {self.position - 1} is 0x{code:02x}, which "
                    "is no instruction there"
                )
            follow(self)
        raise FileFormatError(
            f"has more than {_MOST_INSTRUCTIONS} instructions, far more than a fit takes"
        )

    # -- what follows an instruction -------------------------------------------------------------

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        end = self.position + count
        if count < 0 or end > len(self.raw):
            raise FileFormatError(
                f"ends too early, at byte {len(self.raw)}: it was cut, or is no pickle"
            )
        taken = self.view[self.position : end]
        self.position = end
        return taken

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> bytes:
        end = self.raw.find(b"\n", self.position)
        if end < 0:
            raise FileFormatError("ends too early, within a line: it was cut, or is no pickle")
        taken = bytes(self.take(end - self.position))
        self.position += 1
        return taken

    def whole(self, text: bytes) -> int:
        if len(text) > _MOST_DIGITS:
            raise FileFormatError(f"holds a whole number of {len(text)} digits: it is damaged")
        return int(text)

    # -- the stack -------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def last(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise IndexError
        values = tuple(self.stack[-count:])
        del self.stack[-count:]
        return values

    def remember(self, place: int) -> None:
        # Python writes at most one place for each instruction.
        if not 0 <= place < len(self.raw):
            raise IndexError
        self.memory[place] = self.stack[-1]

    # -- names and what is made of them ----------------------------------------------------------

    def name(self, module: Any, name: Any) -> Named:
        parts = [module, name] if type(module) is type(name) is str else []
        if not parts or not all(part.isidentifier() for part in ".".join(parts).split(".")):
            raise FileFormatError("is damaged, or no pickle: a name in it is none")
        named = Named(module, name)
        if not self.expected(named):
            raise UnsafeFileError(
                f"asks for {shorten(str(named), 120)}, which no fit of mogfit or of MultiMin "
                "holds: nothing of it was run. If you trust where the file comes from, open it "
                "with pickle.load where that is installed, and save the mixture anew with "
                "mogfit.save"
            )
        return named

    def named_in_lines(self) -> Named:
        return self.name(str(self.line(), "utf-8"), str(self.line(), "utf-8"))

    def make(self, kind: Any, arguments: Any) -> None:
        if type(kind) is not Named or type(arguments) is not tuple:
            raise FileFormatError("is damaged: it makes something of what is no class")
        self.push(Made(kind, arguments))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is not Made:
            raise FileFormatError("is damaged: it sets the state of what has none")
        target.state = state

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in (list, Made):
            raise FileFormatError("is damaged: it adds to what is no list")
        (target if type(target) is list else target.items).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, Table) or len(values) % 2:
            raise FileFormatError("is damaged: it sets entries of what is no dictionary")
        target.pairs.extend(zip(values[::2], values[1::2], strict=True))

    def frame(self) -> None:
        if self.number("<Q") > len(self.raw) - self.position:
            raise FileFormatError(f"ends too early, at byte {len(self.raw)}: it was cut")

    def protocol(self) -> None:
        version = self.take(1)[0]
        if version > _NEWEST_PROTOCOL:
            raise FileFormatError(
                f"is a pickle of protocol {version}, or none; allowed: 0 to {_NEWEST_PROTOCOL}"
            )

    def pop(self) -> None:
        # A mark may be popped like a value.
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def refuse_outside(self) -> None:
        raise UnsafeFileError(
            "refers to objects outside of the file, which no fit of mogfit or of MultiMin does"
        )


def _whole_or_truth(machine: _Machine) -> int | bool:
    text = machine.line()
    return text == b"01" if text in (b"00", b"01") else machine.whole(text)


def _long(machine: _Machine, form: str) -> int:
    size = machine.number(form)
    if size > _MOST_BYTES_OF_INT:
        raise FileFormatError(f"holds a whole number of {size} bytes: it is damaged")
    return int.from_bytes(machine.take(size), "little", signed=True)


def _text(form: str) -> _Step:
    return lambda m: m.push(str(m.take(m.number(form)), "utf-8", "surrogatepass"))


def _old_text(form: str) -> _Step:
    return lambda m: m.push(str(m.take(m.number(form)), "latin-1"))


def _bytes(form: str) -> _Step:
    return lambda m: m.push(m.take(m.number(form)))


def _recall(form: str) -> _Step:
    return lambda m: m.push(m.memory[m.number(form)])


def _remember(form: str) -> _Step:
    return lambda m: m.remember(m.number(form))


def _tuple_of(count: int) -> _Step:
    return lambda m: m.push(m.last(count))


def _class_from_stack(machine: _Machine) -> None:
    kind, *arguments = machine.since_mark()
    machine.make(kind, tuple(arguments))


def _table_since_mark(machine: _Machine) -> None:
    values = machine.since_mark()
    machine.push(Table())
    machine.set_items(values)


def _object(count: int) -> _Step:
    """A call of what lies below its arguments, and below those by name if there are any."""

    def follow(machine: _Machine) -> None:
        kind, *arguments = machine.last(count)
        machine.make(kind, arguments[0])

    return follow


_INSTRUCTIONS: dict[int, _Step] = {
    code[0]: step
    for code, step in {
        b"\x80": _Machine.protocol,
        b"\x95": _Machine.frame,
        # single values
        b"N": lambda m: m.push(None),
        b"\x88": lambda m: m.push(True),
        b"\x89": lambda m: m.push(False),
        b"I": lambda m: m.push(_whole_or_truth(m)),
        b"L": lambda m: m.push(m.whole(m.line().removesuffix(b"L"))),
        b"K": lambda m: m.push(m.number("<B")),
        b"M": lambda m: m.push(m.number("<H")),
        b"J": lambda m: m.push(m.number("<i")),
        b"\x8a": lambda m: m.push(_long(m, "<B")),
        b"\x8b": lambda m: m.push(_long(m, "<i")),
        b"F": lambda m: m.push(float(m.line())),
        b"G": lambda m: m.push(m.number(">d")),
        b"V": lambda m: m.push(str(m.line(), "raw-unicode-escape")),
        b"X": _text("<I"),
        b"\x8c": _text("<B"),
        b"\x8d": _text("<Q"),
        b"S": lambda m: m.push(str(m.line(), "latin-1")),
        b"T": _old_text("<i"),
        b"U": _old_text("<B"),
        b"B": _bytes("<I"),
        b"C": lambda m: m.push(bytes(m.take(m.number("<B")))),
        b"\x8e": _bytes("<Q"),
        b"\x96": _bytes("<Q"),
        # the stack and the memory
        b"(": lambda m: m.marks.append(len(m.stack)),
        b"0": _Machine.pop,
        b"1": _Machine.since_mark,
        b"2": lambda m: m.push(m.stack[-1]),
        b"g": lambda m: m.push(m.memory[m.whole(m.line())]),
        b"h": _recall("<B"),
        b"j": _recall("<I"),
        b"p": lambda m: m.remember(m.whole(m.line())),
        b"q": _remember("<B"),
        b"r": _remember("<I"),
        b"\x94": lambda m: m.remember(len(m.memory)),
        # tuples, lists, sets and dictionaries
        b")": lambda m: m.push(()),
        b"\x85": _tuple_of(1),
        b"\x86": _tuple_of(2),
        b"\x87": _tuple_of(3),
        b"t": lambda m: m.push(tuple(m.since_mark())),
        b"]": lambda m: m.push([]),
        b"l": lambda m: m.push(m.since_mark()),
        b"a": lambda m: m.append([m.stack.pop()]),
        b"e": lambda m: m.append(m.since_mark()),
        b"\x8f": lambda m: m.push([]),
        b"\x90": lambda m: m.append(m.since_mark()),
        b"\x91": lambda m: m.push(m.since_mark()),
        b"}": lambda m: m.push(Table()),
        b"d": _table_since_mark,
        b"s": lambda m: m.set_items(list(m.last(2))),
        b"u": lambda m: m.set_items(m.since_mark()),
        # names, and calls of them
        b"c": lambda m: m.push(m.named_in_lines()),
        b"\x93": lambda m: m.push(m.name(*m.last(2))),
        b"R": _object(2),
        b"\x81": _object(2),
        b"\x92": _object(3),
        b"i": lambda m: m.make(m.named_in_lines(), tuple(m.since_mark())),
        b"o": _class_from_stack,
        b"b": _Machine.build,
        b"P": _Machine.refuse_outside,
        b"Q": _Machine.refuse_outside,
        b"\x82": _Machine.refuse_outside,
        b"\x83": _Machine.refuse_outside,
        b"\x84": _Machine.refuse_outside,
        b"\x97": _Machine.refuse_outside,
        b"\x98": _Machine.refuse_outside,
    }.items()
}

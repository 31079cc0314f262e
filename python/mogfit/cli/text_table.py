"""Delimited text, with or without a heading.

Text is read in blocks of lines by NumPy's parser; a block that it cannot read goes through a slow
one, which knows the line, the column and the text of every value at fault.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mogfit.cli.columns import MISSING_REMEDIES, Table, name_columns, select_columns
from mogfit.errors import FileFormatError, InputError, bad_values_message, shorten

__all__ = ["TextReader"]

_LINES_AT_ONCE = 1 << 16
_MISSING = frozenset(("", "nan", "-nan", "+nan", "na", "n/a", "null", "none", "--", "<na>"))


@dataclass
class _Faults:
    """What is wrong with the values of a file: how many, and the first of each kind."""

    missing: int = 0
    garbled: int = 0
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, line: int, column: str, text: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.first.setdefault(kind, f"line {line}, column {column}: {shorten(text, 40)}")


class TextReader:
    """One pass over the lines of a file."""

    def __init__(self, path: Path, file: TextIO, delimiter: str | None, missing: str) -> None:
        self._path = path
        self._file = file
        self._delimiter = delimiter
        self._missing = missing
        self._faults = _Faults()
        self._dropped = self._n_missing = 0
        self._rows = 0
        self._headings: list[str] | None = None

    def read(
        self, columns: Sequence[str] | None, weights: str | None, errors: Sequence[str] | None
    ) -> Table:
        """Find out about the layout, choose the columns, and read them."""
        first_line, pending = self._open()
        self._chosen = chosen = select_columns(
            self._path, self._headings, self._count, columns, weights, errors
        )
        self._used = chosen.all
        blocks = []
        for number, lines in self._blocks(first_line, pending):
            block = self._fast(lines)
            blocks.append(self._slow(number, lines) if block is None else block)
        self._complain()
        values = np.concatenate(blocks) if blocks else np.empty((0, len(self._used)))
        if len(values) == 0:
            left = f"; {self._dropped} rows had missing values" if self._dropped else ""
            raise InputError(f"{self._path}: has no rows of data{left}")
        names, units = name_columns(self._headings, chosen.data)
        data, deviations, weigh = chosen.split(values)
        return Table(
            data,
            names,
            units,
            np.ascontiguousarray(weigh[:, 0]) if weigh.size else None,
            self._dropped,
            np.ascontiguousarray(deviations) if deviations.size else None,
            self._n_missing,
        )

    def _open(self) -> tuple[int, list[str]]:
        """Find the heading and what separates values; return the first line of data."""
        comment = None
        for number, line in enumerate(self._file, 1):
            if "\0" in line:
                raise FileFormatError(f"{self._path}: line {number} is not text")
            text = line.strip()
            if text.startswith("#"):
                comment = text.lstrip("#").strip()
                continue
            if not text:
                continue
            if self._delimiter is None:
                self._delimiter = next((mark for mark in ",;\t" if mark in line), " ")
            fields = self._split(line, heading=True)
            self._count = len(fields)
            if any(_is_number(word) for word in fields) or all(_is_missing(w) for w in fields):
                self._take_comment(comment, fields)
                return number, self._and_next(number, line)
            self._headings = fields
            return number + 1, []
        but = "" if comment is None else " but for comments"
        raise InputError(f"{self._path}: is empty{but}")

    def _take_comment(self, comment: str | None, fields: list[str]) -> None:
        """Use a comment with as many words as there are columns as their names."""
        above = [] if comment is None else self._split(comment, heading=True)
        if len(above) == len(fields) and not all(_is_number(word) for word in above):
            self._headings = above

    def _and_next(self, number: int, line: str) -> list[str]:
        """First lines of data, unless the first may be a heading of words and numbers."""
        following = self._file.readline()
        pairs = zip(self._split(line), self._split(following), strict=False)
        for word, below in pairs:
            if self._headings is None and _is_word(word) and _is_number(below):
                raise InputError(
                    f"{self._path}: line {number} has {shorten(word, 40)} where the next line has "
                    f"a number, and numbers besides; if it is a heading, put # before it"
                )
        return [line, following] if following else [line]

    def _split(self, line: str, *, heading: bool = False) -> list[str]:
        line = line if heading or '"' in line else line.partition("#")[0]
        if self._delimiter == " ":
            return line.split()
        try:
            rows = list(csv.reader([line.strip("\r\n")], delimiter=self._delimiter or ","))
        except csv.Error as error:
            raise FileFormatError(f"{self._path}: {error}: is it a table?") from error
        return [word.strip() for word in rows[0]] if rows else []

    def _blocks(self, number: int, pending: list[str]) -> Iterator[tuple[int, list[str]]]:
        while True:
            lines = [*pending, *islice(self._file, _LINES_AT_ONCE - len(pending))]
            pending = []
            if not lines:
                return
            count = len(lines)
            yield number, lines
            number += count

    def _fast(self, lines: list[str]) -> NDArray[np.float64] | None:
        """Parse plain lines quickly; None where a closer look is needed."""
        while lines and not lines[-1].strip(" \r\n"):
            lines.pop()
        if not lines:
            return np.empty((0, len(self._used)))
        if self._delimiter == " ":
            even = all(len(line.split()) == self._count for line in lines)
        else:
            mark = self._delimiter or ","
            even = all(line.count(mark) == self._count - 1 for line in lines)
        if not even or any(line.lstrip().startswith("#") for line in lines):
            return None
        try:
            values = np.loadtxt(
                lines,
                delimiter=None if self._delimiter == " " else self._delimiter,
                usecols=self._used,
                comments=None,
                ndmin=2,
            )
        except ValueError:
            return None
        if len(values) != len(lines):
            return None
        if not np.isfinite(values).all():
            data, *others = self._chosen.split(values)
            certain = self._missing == "marginal" and not np.isinf(data).any()
            if not certain or not all(np.isfinite(part).all() for part in others):
                return None
            self._n_missing += int(np.count_nonzero(np.isnan(data)))
        self._rows += len(values)
        return values

    def _slow(self, number: int, lines: list[str]) -> NDArray[np.float64]:
        """Parse line by line, and note what is wrong and where."""
        rows = []
        for offset, line in enumerate(lines):
            if not line.strip(" \r\n") or line.lstrip().startswith("#"):
                continue
            fields = self._split(line)
            if len(fields) != self._count and "#" in line:
                # What looks like a comment may be a word in a column, "Planet #9".
                whole = self._split(line, heading=True)
                fields = whole if len(whole) == self._count else fields
            self._rows += 1
            if len(fields) != self._count:
                raise InputError(
                    f"{self._path}: line {number + offset} has {len(fields)} values: "
                    f"{shorten(line.strip(), 60)}; expected {self._count}, as in the first line"
                )
            row = [self._value(place, fields, number + offset) for place in range(len(self._used))]
            if self._note_missing(row, fields, number + offset) and self._missing == "drop":
                self._dropped += 1
            else:
                rows.append(row)
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self._used))

    def _value(self, place: int, fields: list[str], line: int) -> float:
        """The number at a place among the columns used, NaN where it is missing."""
        column = self._used[place]
        text = fields[column]
        if _is_missing(text):
            return np.nan
        if _is_number(text):
            value = float(text)
            # An infinite error says that its value was not measured.
            if np.isfinite(value) or (value == np.inf and self._is_error(place)):
                return value
        self._faults.add("garbled", line, self._label(column), text)
        return 0.0

    def _is_error(self, place: int) -> bool:
        return 0 <= place - len(self._chosen.data) < len(self._chosen.errors)

    def _note_missing(self, row: list[float], fields: list[str], line: int) -> bool:
        """Note what is missing from a row; tell whether it is more than may be."""
        n = len(self._chosen.data)
        marginal = self._missing == "marginal"
        before = self._faults.missing
        for place, value in enumerate(row):
            if np.isfinite(value):
                continue
            if marginal and place < n:
                self._n_missing += 1
            elif not (
                marginal and self._is_error(place) and (value == np.inf or np.isnan(row[place - n]))
            ):
                column = self._used[place]
                self._faults.add("missing", line, self._label(column), fields[column])
        return self._faults.missing > before

    def _label(self, column: int) -> str:
        name = f" ({self._headings[column]!r})" if self._headings else ""
        return f"{column}{name}"

    def _complain(self) -> None:
        faults = self._faults
        total = self._rows * len(self._used)
        if faults.garbled:
            raise InputError(
                bad_values_message(
                    str(self._path),
                    faults.garbled,
                    total,
                    "no finite number" if faults.garbled == 1 else "no finite numbers",
                    first=faults.first["garbled"],
                    remedy="mend them, or choose other columns with --columns",
                )
            )
        if faults.missing and self._missing != "drop":
            raise InputError(
                bad_values_message(
                    str(self._path),
                    faults.missing,
                    total,
                    "missing",
                    first=faults.first["missing"],
                    remedy=MISSING_REMEDIES[self._missing],
                )
            )


def _is_missing(text: str) -> bool:
    return text.lower() in _MISSING


def _is_word(text: str) -> bool:
    return not _is_number(text) and not _is_missing(text)


def _is_number(text: str) -> bool:
    # float() reads more than files should hold: underscores, and digits of other scripts.
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True

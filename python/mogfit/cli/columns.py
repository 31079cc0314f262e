"""Columns of a data file: which are wanted, what they are called, and what was read of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError, choice_message

__all__ = ["MISSING_REMEDIES", "Chosen", "Table", "name_columns", "select_columns"]

# What to do about missing values, by what --missing says.
MISSING_REMEDIES = {
    "error": "--missing marginal uses the rest of such a row, --missing drop leaves the row out",
    "marginal": "--missing marginal is for values alone, not for their errors or weights; "
    "--missing drop leaves such a row out",
}


@dataclass
class Table:
    """Columns that were read.

    Attributes
    ----------
    values : ndarray of shape (N, number of columns)
        Rows of finite numbers, NaN where a value may be missing and is; of a ``.npy`` file a view
        of it on the disk, where that is possible.
    names, units : tuple of str
        Names of the columns, and their units where the heading has them: "q [au]".
    weights : ndarray of shape (N,) or None
        The column of weights.
    n_dropped : int
        Rows left out because a value was missing.
    errors : ndarray of shape (N, number of columns) or None
        Standard deviations of the values; infinite where one was not measured.
    n_missing : int
        Values missing from the rows that are there.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    units: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    n_dropped: int = 0
    errors: NDArray[np.float64] | None = None
    n_missing: int = 0


@dataclass(frozen=True)
class Chosen:
    """Numbers of the columns to be read: of the data, of their errors, and of the weights."""

    data: list[int]
    errors: list[int]
    weight: int | None

    @property
    def all(self) -> list[int]:
        """All of them, in this order."""
        return [*self.data, *self.errors, *([] if self.weight is None else [self.weight])]

    def split(self, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The parts of rows of these columns."""
        first, second = len(self.data), len(self.data) + len(self.errors)
        return rows[:, :first], rows[:, first:second], rows[:, second:]


def _choose(
    path: Path,
    headings: Sequence[str] | None,
    count: int,
    wanted: Sequence[str],
    noun: str = "column",
) -> list[int]:
    """Numbers of the columns that are wanted, by heading, bare name or number."""
    headings = headings or []
    bare = [_split_unit(heading)[0] for heading in headings]
    chosen = []
    for word in wanted:
        places = [k for k, heading in enumerate(headings) if heading == word]
        places = places or [k for k, name in enumerate(bare) if name == word]
        if len(places) > 1:
            raise InputError(
                f"{path}: {len(places)} columns are called {word!r}: {_listed(places)}; name "
                "columns by their numbers"
            )
        if not places and re.fullmatch(r"\d{1,9}", word) and int(word) < count:
            places = [int(word)]
        if not places:
            numbers = f"0 to {count - 1}"
            if not headings:
                raise InputError(
                    f"{path}: {noun}: {word!r} is not there; the {count} columns have no names: "
                    f"use their numbers, {numbers}"
                )
            raise InputError(f"{path}: {choice_message(noun, word, bare)}; or by number, {numbers}")
        chosen.append(places[0])
    return chosen


def select_columns(
    path: Path,
    headings: Sequence[str] | None,
    count: int,
    columns: Sequence[str] | None,
    weights: str | None,
    errors: Sequence[str] | None = None,
) -> Chosen:
    """Columns of the data, of their errors, and that of the weights.

    Raises
    ------
    InputError
        If one of them is not there, one of the data is asked for twice, or there is not one of
        errors for each of the data.
    """
    weight = None
    if weights is not None:
        (weight,) = _choose(path, headings, count, [weights], "column of --weights")
    deviations = _choose(path, headings, count, errors or [], "column of --errors")
    if columns is None:
        chosen = [k for k in range(count) if k != weight and k not in deviations]
        if not chosen:
            others = "that of the weights" if errors is None else "those of errors and weights"
            raise InputError(f"{path}: has no column besides {others}")
    else:
        chosen = _choose(path, headings, count, columns)
    for k in chosen:
        if chosen.count(k) > 1:
            name = f" ({_split_unit(headings[k])[0]!r})" if headings else ""
            raise InputError(f"{path}: column {k}{name} is asked for more than once")
    if errors is not None and len(deviations) != len(chosen):
        names, _ = name_columns(headings, chosen)
        raise InputError(
            f"--errors: {len(deviations)} column{'' if len(deviations) == 1 else 's'} seen for "
            f"{len(chosen)} of data, {', '.join(names)}; give one column of standard deviations "
            "for each, in this order"
        )
    return Chosen(chosen, deviations, weight)


def _split_unit(heading: str) -> tuple[str, str]:
    """Name and unit of a heading such as "q [au]" or "q (au)"."""
    match = re.fullmatch(r"(.*\S)\s*[\[(]([^\[\]()]*)[\])]", heading)
    return (match[1], match[2].strip()) if match else (heading, "")


def name_columns(headings: Sequence[str] | None, chosen: list[int]) -> tuple[tuple[str, ...], ...]:
    """Names and units of chosen columns; those without a heading are called c0, c1, ...."""
    pairs = [_split_unit(headings[k]) if headings else (f"c{k}", "") for k in chosen]
    names = [name or f"c{k}" for k, (name, _) in zip(chosen, pairs, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{name} ({k})" for k, name in zip(chosen, names, strict=True)]
    return tuple(names), tuple(unit for _, unit in pairs)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))

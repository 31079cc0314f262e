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

__all__ = ["Table", "name_columns", "select_columns"]


@dataclass
class Table:
    """Columns that were read.

    Attributes
    ----------
    values : ndarray of shape (N, number of columns)
        Rows of finite numbers; of a ``.npy`` file a view of it on the disk, where that is possible.
    names, units : tuple of str
        Names of the columns, and their units where the heading has them: "q [au]".
    weights : ndarray of shape (N,) or None
        The column of weights.
    n_dropped : int
        Rows left out because a value was missing.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    units: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    n_dropped: int = 0


def _choose(
    path: Path, headings: Sequence[str] | None, count: int, wanted: Sequence[str]
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
                    f"{path}: column {word!r} is not there; the {count} columns have no names: "
                    f"use their numbers, {numbers}"
                )
            raise InputError(
                f"{path}: {choice_message('column', word, bare)}; or by number, {numbers}"
            )
        chosen.append(places[0])
    for k in chosen:
        if chosen.count(k) > 1:
            name = f" ({bare[k]!r})" if bare else ""
            raise InputError(f"{path}: column {k}{name} is asked for more than once")
    return chosen


def select_columns(
    path: Path,
    headings: Sequence[str] | None,
    count: int,
    columns: Sequence[str] | None,
    weights: str | None,
) -> tuple[list[int], int | None]:
    """Columns of the data and that of the weights."""
    weight = None if weights is None else _choose(path, headings, count, [weights])[0]
    if columns is None:
        chosen = [k for k in range(count) if k != weight]
        if not chosen:
            raise InputError(f"{path}: has no column besides that of the weights")
        return chosen, weight
    return _choose(path, headings, count, columns), weight


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

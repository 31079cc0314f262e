"""The errors and warnings of mogfit, and the wording that they share.

Each error is also the builtin that users already catch (`ValueError`, `TypeError`), and all of
them derive from `MoGError`. A message says which argument is at fault, how many values are bad,
where the first one is, what was seen, what is allowed and what to do about it: the builders below
put these parts in the same order everywhere.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches

__all__ = [
    "ConvergenceWarning",
    "DataWarning",
    "DegeneracyWarning",
    "DegenerateError",
    "DomainError",
    "DtypeError",
    "FileFormatError",
    "InputError",
    "MoGError",
    "MoGWarning",
    "NotFittedError",
    "UnsafeFileError",
    "bad_values_message",
    "choice_message",
    "collected_warnings",
    "missing_package_message",
    "place",
    "scalar_message",
    "shape_message",
    "shorten",
    "warn_user",
]

# Frames of files that lie here belong to mogfit, not to the user.
_HOMES = (os.path.dirname(__file__) + os.sep,)


class MoGError(Exception):
    """Base of every error that mogfit raises on purpose."""


class InputError(MoGError, ValueError):
    """An argument has a value or a shape that cannot be used."""


class DomainError(MoGError, ValueError):
    """A domain is not valid, or values lie outside it."""


class DegenerateError(MoGError, ValueError):
    """The data or a covariance matrix leave a density undefined (singular or collapsed)."""


class FileFormatError(MoGError, ValueError):
    """A file is damaged, of another kind, or of a version that cannot be read."""


class UnsafeFileError(MoGError, ValueError):
    """Reading a file would mean running code from it."""


class DtypeError(MoGError, TypeError):
    """An argument is of a type, or holds values of a type, that is not a real number."""


class NotFittedError(MoGError, ValueError, AttributeError):
    """A result was asked for before there was a fit."""


class MoGWarning(UserWarning):
    """Base of every warning that mogfit gives."""


class ConvergenceWarning(MoGWarning):
    """A fit stopped before it met its own criterion of convergence."""


class DegeneracyWarning(MoGWarning):
    """A component is close to collapsing, or is held up by the penalty."""


class DataWarning(MoGWarning):
    """The data can be used, but perhaps not in the way that was meant."""


# Where `warn_user` puts what it is told, instead of warning.
_collected: ContextVar[list[tuple[str, type[MoGWarning]]] | None] = ContextVar(
    "_collected", default=None
)


def place(
    *,
    row: int | None = None,
    column: int | None = None,
    name: str | None = None,
    component: int | None = None,
    index: int | None = None,
) -> str:
    """Say where a value stands, counted from 0.

    Parameters
    ----------
    row, column, component, index : int, optional
        The parts of the place that are known.
    name : str, optional
        Name of the column, put after its number.

    Returns
    -------
    str
        The parts that were given, separated by commas.

    Examples
    --------
    >>> place(row=3, column=1, name="b")
    "row 3, column 1 ('b')"
    """
    parts = []
    if component is not None:
        parts.append(f"component {component}")
    if index is not None:
        parts.append(f"index {index}")
    if row is not None:
        parts.append(f"row {row}")
    if column is not None:
        parts.append(f"column {column}" + ("" if name is None else f" ({name!r})"))
    return ", ".join(parts)


def bad_values_message(
    argument: str,
    n_bad: int,
    n_total: int,
    problem: str,
    *,
    first: str,
    seen: object = None,
    allowed: str | None = None,
    remedy: str | None = None,
    noun: str = "value",
) -> str:
    """Describe an array in which some values cannot be used.

    Parameters
    ----------
    argument : str
        Name of the argument as the user typed it.
    n_bad, n_total : int
        How many values are bad, and out of how many.
    problem : str
        What is wrong with them, to follow "is" or "are": "NaN", "negative".
    first : str
        Where the first bad value stands (see `place`).
    seen : object, optional
        The first bad value, where `problem` does not say it already.
    allowed, remedy : str, optional
        What is allowed, and what to do.
    noun : str, default "value"
        What is counted.

    Returns
    -------
    str

    Examples
    --------
    >>> bad_values_message("data", 1, 1000, "NaN", first=place(row=3, column=1, name="b"))
    "data: 1 of 1000 values is NaN, first at row 3, column 1 ('b')"
    >>> bad_values_message("weights", 2, 9, "negative", first=place(component=4), seen=-1.5,
    ...                    allowed="numbers >= 0")
    'weights: 2 of 9 values are negative, first at component 4: -1.5; allowed: numbers >= 0'
    """
    verb = "is" if n_bad == 1 else "are"
    plural = noun if n_total == 1 else f"{noun}s"
    text = f"{argument}: {n_bad} of {n_total} {plural} {verb} {problem}, first at {first}"
    if seen is not None:
        text += f": {seen}"
    return text + _tail(allowed, remedy)


def shape_message(
    argument: str,
    seen: Sequence[int],
    expected: str | Sequence[int],
    *,
    other: str | None = None,
    other_shape: Sequence[int] | None = None,
    remedy: str | None = None,
) -> str:
    """Describe an array of the wrong shape, quoting both shapes.

    Parameters
    ----------
    argument : str
        Name of the argument as the user typed it.
    seen : sequence of int
        The shape that was given.
    expected : str or sequence of int
        The shape that is allowed, in figures or in words.
    other : str, optional
        Name of the argument that `argument` has to agree with.
    other_shape : sequence of int, optional
        Its shape.
    remedy : str, optional
        What to do.

    Returns
    -------
    str

    Examples
    --------
    >>> shape_message("mus", (2, 3), (3, 3), other="weights", other_shape=(3,))
    'mus: shape (2, 3) seen, shape (3, 3) expected to agree with weights of shape (3,)'
    """
    wanted = expected if isinstance(expected, str) else f"shape {_shape(expected)}"
    text = f"{argument}: shape {_shape(seen)} seen, {wanted} expected"
    if other is not None:
        text += f" to agree with {other}"
        if other_shape is not None:
            text += f" of shape {_shape(other_shape)}"
    return text + _tail(None, remedy)


def scalar_message(argument: str, seen: object, allowed: str, *, remedy: str | None = None) -> str:
    """Describe a single value that is not allowed.

    Parameters
    ----------
    argument : str
        Name of the argument as the user typed it.
    seen : object
        The value that was given.
    allowed : str
        What is allowed, in words.
    remedy : str, optional
        What to do.

    Returns
    -------
    str

    Examples
    --------
    >>> scalar_message("ngauss", 2.5, "an integer >= 1")
    'ngauss: 2.5 (float) seen; allowed: an integer >= 1'
    """
    shown = shorten(seen)
    text = (
        f"{argument}: {shown} seen"
        if seen is None
        else (f"{argument}: {shown} ({type(seen).__name__}) seen")
    )
    return text + _tail(allowed, remedy)


def choice_message(argument: str, seen: object, choices: Iterable[str]) -> str:
    """Describe a value that is not one of a few allowed words.

    Parameters
    ----------
    argument : str
        Name of the argument as the user typed it.
    seen : object
        The value that was given.
    choices : iterable of str
        The words that are allowed.

    Returns
    -------
    str
        The message, with the nearest choice where one is close.

    Examples
    --------
    >>> choice_message("method", "L-BFGSB", ["L-BFGS-B", "EM"])
    "method: 'L-BFGSB' seen; allowed: 'L-BFGS-B', 'EM'; did you mean 'L-BFGS-B'?"
    """
    words = list(choices)
    text = f"{argument}: {shorten(seen)} seen; allowed: {', '.join(repr(word) for word in words)}"
    by_lower = {word.lower(): word for word in words}
    near = get_close_matches(seen.lower(), by_lower, n=1) if isinstance(seen, str) else []
    return text + (f"; did you mean {by_lower[near[0]]!r}?" if near else "")


def missing_package_message(package: str, purpose: str, extra: str | None = None) -> str:
    """Say that an optional package is needed and how to install it.

    Parameters
    ----------
    package : str
        Name of the package on the package index.
    purpose : str
        What it is needed for, to follow "needed".
    extra : str, optional
        The extra of mogfit that brings it.

    Returns
    -------
    str
        Text for an `ImportError`.

    Examples
    --------
    >>> missing_package_message("tqdm", "for progress='tqdm'")
    "the package tqdm is needed for progress='tqdm' and is not installed; pip install tqdm"
    """
    target = package if extra is None else f"'mogfit[{extra}]'"
    return f"the package {package} is needed {purpose} and is not installed; pip install {target}"


def shorten(value: object, limit: int = 80) -> str:
    """Show a value in a message, however long it is and whether or not it can be shown.

    Parameters
    ----------
    value : object
        Any value.
    limit : int, default 80
        Most characters to return.

    Returns
    -------
    str
        The `repr` of `value`, cut with "..." where it is too long.

    Examples
    --------
    >>> shorten("a long story", limit=10)
    "'a long..."
    """
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # such as an integer of more digits than Python spells out
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def warn_user(message: str, category: type[MoGWarning]) -> None:
    """Warn, pointing at the line of the caller's code that called into mogfit.

    Parameters
    ----------
    message : str
        What to say.
    category : type of MoGWarning
        Which warning.
    """
    collected = _collected.get()
    if collected is not None:
        collected.append((message, category))
        return
    level = 1
    frame = sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HOMES):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def collected_warnings() -> Iterator[list[tuple[str, type[MoGWarning]]]]:
    """Collect what `warn_user` is told, instead of warning: texts and categories.

    For work of many parts, in this thread alone: `warnings.catch_warnings` is for all of them.

    Examples
    --------
    >>> with collected_warnings() as collected:
    ...     warn_user("few points", DataWarning)
    >>> collected
    [('few points', <class 'mogfit.errors.DataWarning'>)]
    """
    collected: list[tuple[str, type[MoGWarning]]] = []
    before = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(before)


def _tail(allowed: str | None, remedy: str | None) -> str:
    return ("" if allowed is None else f"; allowed: {allowed}") + (
        "" if remedy is None else f"; {remedy}"
    )


def _shape(shape: Sequence[int]) -> str:
    return str(tuple(int(length) for length in shape))

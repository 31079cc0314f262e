"""A mixture as plain numbers, texts, lists and dictionaries, ready for JSON, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mogfit.density.domain import TRUNCATIONS, parse_domain
from mogfit.density.protocol import Mixture
from mogfit.errors import DomainError, InputError, choice_message, scalar_message, shorten

__all__ = ["Record", "mixture_record", "mixture_state", "state_from_dict"]

Record = dict[str, Any]

_KEYS = ("names", "normalize_weights", "weights", "mus", "Sigmas", "domain", "truncation")


class _Recordable(Mixture, Protocol):
    normalize_weights: bool


def mixture_record(mog: _Recordable) -> Record:
    """Write down a mixture: every double is one whose decimal digits give it back exactly.

    Parameters
    ----------
    mog : Mixture

    Returns
    -------
    dict
        "names" (a list, or None), "normalize_weights", "weights" (G), "mus" (G x V) and "Sigmas"
        (G x V x V) as nested lists; with a domain, "domain" (for each variable None or
        [low, high], a side None where it is infinite) and "truncation".

    Examples
    --------
    >>> import mogfit as mn
    >>> record = mixture_record(mn.MixtureOfGaussians(mus=[0.5], Sigmas=[4.0], domain=[(0, None)]))
    >>> record["mus"], record["domain"]
    ([[0.5]], [[0.0, None]])
    """
    truncated: Record = {}
    if mog.domain is not None:
        sides = [
            pair and [side if math.isfinite(side) else None for side in pair] for pair in mog.domain
        ]
        truncated = {"domain": sides, "truncation": mog.truncation}
    return {
        "names": None if mog.names is None else list(mog.names),
        "normalize_weights": mog.normalize_weights,
        "weights": mog.weights.tolist(),
        "mus": mog.mus.tolist(),
        "Sigmas": mog.Sigmas.tolist(),
        **truncated,
    }


def state_from_dict(record: Any) -> Record:
    """What a mixture unpickles from, out of a dictionary such as `mixture_record` writes.

    Numbers may be integers, and lists tuples or arrays. Parameters that no mixture has, such as
    negative weights, are found when the mixture is made of the state.

    Raises
    ------
    InputError
        If `record` is no dictionary; an entry is missing, unknown, or of another type or shape; or
        the weights do not add up to 1 though they are said to be normalised.
    """
    if not isinstance(record, Mapping):
        raise InputError(scalar_message("record", record, "a dictionary, as to_dict returns it"))
    for key in record:
        if key not in _KEYS:
            raise InputError(choice_message("record", key, _KEYS))
    plain = {key: _plain(value) for key, value in record.items()}
    mus = _take(plain, "mus", (list,), "record")
    nvars = len(mus[0]) if mus and type(mus[0]) is list else 0
    if not nvars:
        allowed = "a list of V numbers for each component"
        raise InputError(scalar_message("record.mus", record["mus"], allowed))
    state = mixture_state(plain, len(mus), nvars, place="record")
    total = float(state["weights"].sum())
    if state["normalize_weights"] and not math.isclose(total, 1.0, rel_tol=1e-9):
        raise InputError(
            f"record.weights: a sum of {total:g} seen; allowed: 1, or "
            "record.normalize_weights false"
        )
    return state


def mixture_state(record: Record, ngauss: int, nvars: int, *, place: str) -> Record:
    """What a mixture of `ngauss` components in `nvars` variables unpickles from.

    `place` names the record in messages.

    Raises
    ------
    InputError
        If a part is missing, or of another type or shape.
    """
    names = _take(record, "names", (list, type(None)), place)
    if names is not None:
        if len(names) != nvars or not all(isinstance(name, str) for name in names):
            raise InputError(
                f"{place}.names: {shorten(names)} seen; allowed: {nvars} texts, or null"
            )
        names = tuple(names)
    return {
        "names": names,
        "normalize_weights": _take(record, "normalize_weights", (bool,), place),
        "weights": _numbers(record, "weights", (ngauss,), place),
        "mus": _numbers(record, "mus", (ngauss, nvars), place),
        "Sigmas": _numbers(record, "Sigmas", (ngauss, nvars, nvars), place),
        **_domain(record, nvars, place),
    }


def _domain(record: Record, nvars: int, place: str) -> Record:
    """Domain and truncation; a mixture without a domain has neither key."""
    if "domain" not in record:
        return {}
    pairs = _take(record, "domain", (list,), place)
    sides = [side for pair in pairs if type(pair) is list for side in pair if side is not None]
    if not all(type(side) in (int, float) for side in sides):
        raise InputError(
            f"{place}.domain: {shorten(pairs)} seen; allowed: null or [low, high] for each variable"
        )
    try:
        parse_domain(pairs, nvars)
    except DomainError as error:
        raise InputError(f"{place}.{error}") from error
    truncation = _take(record, "truncation", (str,), place)
    if truncation not in TRUNCATIONS:
        raise InputError(f"{place}." + choice_message("truncation", truncation, TRUNCATIONS))
    return {"domain": pairs, "truncation": truncation}


def _take(record: Record, key: str, kinds: tuple[type, ...], place: str) -> Any:
    if key not in record:
        raise InputError(f"{place}: has no {key!r}")
    value = record[key]
    if type(value) not in kinds:  # not isinstance: true and false are no whole numbers
        raise InputError(f"{place}.{key}: {shorten(value)} seen, of another type than written")
    return value


def _numbers(record: Record, key: str, shape: tuple[int, ...], place: str) -> NDArray[np.float64]:
    """An array of doubles of exactly this shape; nothing is converted or repeated to fit."""
    level = [_take(record, key, (list,), place)]
    for length in shape:
        for row in level:
            if type(row) is not list or len(row) != length:
                seen = f"{len(row)} entries" if type(row) is list else shorten(row)
                raise InputError(f"{place}.{key}: {seen} seen where shape {shape} needs {length}")
        level = [entry for row in level for entry in row]
    for entry in level:
        if type(entry) not in (float, int):
            raise InputError(f"{place}.{key}: {shorten(entry)} seen; allowed: finite numbers")
    try:
        return np.array(level, dtype=np.float64).reshape(shape)
    except OverflowError as error:
        raise InputError(f"{place}.{key}: an integer too large for a double seen") from error


def _plain(value: Any) -> Any:
    """Tuples and arrays as lists, numpy's numbers as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value

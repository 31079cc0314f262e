"""The variables of a figure as users name them: `properties=` in every figure and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from mogfit.errors import DtypeError, InputError, scalar_message, shorten

__all__ = ["parse_properties"]


def parse_properties(
    properties: Any,
    nvars: int,
    ranges: Sequence[Any] | None = None,
    *,
    names: Sequence[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Name, label and range of every variable.

    Parameters
    ----------
    properties : None, sequence of str, or dict
        * None: `names`, or the letters a, b, c, ...;
        * a sequence: names, which are the labels too;
        * a dict from names to ``dict(label=..., range=(low, high) or None)``; an entry may also be
          None, a label, or a range.

        Variables that are left out at the end are named as if there were no `properties`.
    nvars : int
        Number of variables.
    ranges : sequence of (low, high) or None, optional
        What to show of each variable that has no range in `properties`.
    names : sequence of str, optional
        Names of the variables, where the data brought some.

    Returns
    -------
    dict
        From each name to a dict with the keys ``label`` and ``range``, ``[low, high]`` or None,
        and whatever else the user put there.

    Raises
    ------
    InputError
        If there are more entries than variables, two have one name, or a range is not
        (low, high) with finite low < high.
    DtypeError
        If `properties` is of another kind.

    Examples
    --------
    >>> parse_properties(["u"], 2, ranges=[(0, 1)])
    {'u': {'label': 'u', 'range': [0.0, 1.0]}, 'b': {'label': '$b$', 'range': None}}
    """
    given = _entries(properties, nvars)
    if len(given) > nvars:
        raise InputError(f"properties: {len(given)} seen for {nvars} variable{'s'[: nvars > 1]}")
    spans = [] if ranges is None else list(ranges)
    if len(spans) > nvars:
        raise InputError(f"ranges: {len(spans)} seen for {nvars} variable{'s'[: nvars > 1]}")
    result: dict[str, dict[str, Any]] = {}
    for i in range(nvars):
        if i < len(given):
            name, entry = given[i]
        else:
            name, entry = _default(i, names, result)
        if name in result:
            raise InputError(f"properties: {name!r} seen twice; allowed: a different name for each")
        entry = {"label": name, "range": None, **entry}
        if entry["range"] is None and i < len(spans):
            entry["range"] = spans[i]
        entry["range"] = _checked_range(entry["range"], name)
        result[name] = entry
    return result


def _entries(properties: Any, nvars: int) -> list[tuple[str, dict[str, Any]]]:
    if properties is None:
        return []
    if isinstance(properties, str):
        # MultiMin takes a word letter by letter; one variable can only mean the word.
        properties = [properties] if nvars == 1 else list(properties)
    if isinstance(properties, Mapping):
        return [(str(name), _entry(value)) for name, value in properties.items()]
    if isinstance(properties, (Sequence, np.ndarray)) or hasattr(properties, "tolist"):
        return [(str(name), {}) for name in properties]
    raise DtypeError(
        scalar_message("properties", properties, "None, a list of names, or a dict of them")
    )


def _entry(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items() if item is not None}
    if isinstance(value, str):
        return {"label": value}
    return {"range": value}


def _default(
    i: int, names: Sequence[str] | None, taken: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    if names is not None:
        return names[i], {}
    letters = ascii_letters[i : i + 1]
    for name in (letters, *ascii_letters):
        if name and name not in taken:
            return name, {"label": f"${name}$"}
    return f"x{i}", {}


def _checked_range(pair: Any, name: str) -> list[float] | None:
    if pair is None:
        return None
    try:
        low, high = (float(side) for side in pair)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not -np.inf < low < high < np.inf:
        raise InputError(
            f"ranges: of {name!r}: {shorten(pair)} seen; allowed: None, or (low, high), finite, "
            "low < high"
        )
    return [low, high]

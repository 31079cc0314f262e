"""The box that a mixture is truncated to: as users write it, and as two rows of bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DomainError, bad_values_message, place, scalar_message, shorten

__all__ = [
    "TRUNCATIONS",
    "check_inside",
    "domain_pairs",
    "parse_domain",
    "rows_inside",
]

Floats = NDArray[np.float64]

# What a domain normalises: each component inside it, or the mixture as a whole.
TRUNCATIONS = ("components", "mixture")

# Rows looked at together: a mask of the data is the only thing of their size that is made.
_CHUNK = 1 << 16


def parse_domain(domain: Any, nvars: int) -> Floats | None:
    """Rows of lower and of upper bounds, (2, nvars); None when no side is finite.

    Parameters
    ----------
    domain : None, or a sequence of one (low, high) or None for each variable
        A side may be None or infinite.
    nvars : int

    Raises
    ------
    DomainError
        If there is not one entry for each variable, or a pair is not low < high.
    """
    if domain is None:
        return None
    no_sequence = isinstance(domain, (str, bytes)) or not hasattr(domain, "__len__")
    # An array of one number has a length by name only.
    if no_sequence or getattr(domain, "ndim", 1) == 0:
        raise DomainError(scalar_message("domain", domain, "None, or one pair for each variable"))
    if len(domain) != nvars:
        raise DomainError(
            f"domain: {len(domain)} entries seen for {nvars} variables; allowed: one pair "
            "(low, high) or None for each"
        )
    bounds = np.empty((2, nvars))
    for i, pair in enumerate(domain):
        low, high = _sides(pair)
        if not low < high:
            raise DomainError(
                f"domain: {shorten(pair)} seen at index {i}; allowed: None, or (low, high) with "
                "low < high"
            )
        bounds[:, i] = low, high
    return bounds if np.isfinite(bounds).any() else None


def _sides(pair: Any) -> tuple[float, float]:
    """Bounds of one variable; NaN where they are none."""
    if pair is None:
        return -np.inf, np.inf
    try:
        low, high = pair
        if isinstance(low, str) or isinstance(high, str):
            return np.nan, np.nan
        return -np.inf if low is None else float(low), np.inf if high is None else float(high)
    except (TypeError, ValueError, OverflowError):
        return np.nan, np.nan


def domain_pairs(bounds: Floats | None) -> list[tuple[float, float] | None] | None:
    """What `parse_domain` has read, as users write it: None for a free variable."""
    if bounds is None:
        return None
    return [
        (float(low), float(high)) if np.isfinite([low, high]).any() else None
        for low, high in bounds.T
    ]


def rows_inside(values: NDArray[np.floating], bounds: Floats) -> NDArray[np.bool_]:
    """Which rows lie in the closed box, as far as they were seen."""
    inside = np.empty(len(values), dtype=bool)
    for first in range(0, len(values), _CHUNK):
        rows = values[first : first + _CHUNK]
        outside = (rows < bounds[0]) | (rows > bounds[1])
        inside[first : first + _CHUNK] = ~outside.any(axis=1)
    return inside


def check_inside(
    values: NDArray[np.floating],
    bounds: Floats,
    names: Sequence[str] | None,
    *,
    to_drop: str = "outside='drop'",
) -> None:
    """Refuse rows outside the box; `to_drop` is how the caller's user drops them.

    Raises
    ------
    DomainError
        Saying how many there are, and which is the first, in which column.
    """
    inside = rows_inside(values, bounds)
    if inside.all():
        return
    row = int(np.flatnonzero(~inside)[0])
    column = int(np.flatnonzero((values[row] < bounds[0]) | (values[row] > bounds[1]))[0])
    low, high = bounds[:, column]
    raise DomainError(
        bad_values_message(
            "data",
            len(values) - int(inside.sum()),
            len(values),
            "outside the domain",
            first=place(row=row, column=column, name=names[column] if names else None),
            seen=f"{values[row, column]:g}",
            allowed=f"[{low:g}, {high:g}]",
            remedy=f"widen the domain, or drop such rows with {to_drop}",
            noun="row",
        )
    )

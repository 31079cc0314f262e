"""What must be there of incomplete data: rows that are left, and a value in each column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DataWarning, InputError, bad_values_message, place, warn_user
from mogfit.noise import BLOCK

__all__ = ["complete_rows", "require_values"]

Floats = NDArray[np.float64]


def complete_rows(
    values: NDArray[Any], weight: Floats | None, argument: str, allow_empty: bool
) -> NDArray[np.bool_]:
    """Find the rows without a missing value, and say how many are left out.

    Parameters
    ----------
    values : ndarray of shape (N, M)
        The data, with NaN where a value is missing; at least one is.
    weight : ndarray of shape (N,) or None
        Weights of the rows.
    argument : str
        Name of the data, for messages.
    allow_empty : bool
        Whether nothing may be left.

    Returns
    -------
    ndarray of bool of shape (N,)

    Raises
    ------
    InputError
        If nothing is left, or nothing that counts.

    Warns
    -----
    DataWarning
        Saying how many rows are left out.
    """
    keep = np.empty(len(values), dtype=bool)
    for start in range(0, len(values), BLOCK):
        rows = slice(start, start + BLOCK)
        np.any(np.isnan(values[rows]), axis=1, out=keep[rows])
    np.logical_not(keep, out=keep)
    n_left = int(np.count_nonzero(keep))
    n_gone = len(values) - n_left
    first = place(row=int(np.argmin(keep)))
    advice = "missing='marginal' would use the values that they do have"
    if not n_left and not allow_empty:
        raise InputError(
            bad_values_message(
                argument,
                n_gone,
                len(values),
                "incomplete, so that missing='drop' leaves none",
                first=first,
                allowed="at least one complete row",
                remedy=advice,
                noun="row",
            )
        )
    if weight is not None and n_left and not weight[keep].any():
        raise InputError(
            f"sample_weight: all {n_left} weights of the rows that missing='drop' leaves are 0; "
            f"allowed: at least one above 0; {advice}"
        )
    dropped = bad_values_message(
        argument,
        n_gone,
        len(values),
        "left out for a missing value (missing='drop')",
        first=first,
        noun="row",
    )
    warn_user(f"{dropped}; {n_left} are left; {advice}", DataWarning)
    return keep


def require_values(
    values: NDArray[Any],
    weight: Floats | None,
    projected: bool,
    names: tuple[str, ...] | None,
    argument: str,
) -> None:
    """Refuse columns of which nothing was seen; of projected points, only data without any.

    Parameters
    ----------
    values : ndarray of shape (N, M)
        The data, with NaN where a value is missing.
    weight : ndarray of shape (N,) or None
        Weights of the rows: what has none counts as not seen.
    projected : bool
        Whether they are projections of points.
    names : tuple of str or None
        Names of the columns.
    argument : str
        Name of the data, for messages.

    Raises
    ------
    InputError
        Saying how many columns there are without a value, and which is the first.
    """
    seen = np.zeros(values.shape[1], dtype=bool)
    for start in range(0, len(values), BLOCK):
        rows = slice(start, start + BLOCK)
        present = ~np.isnan(values[rows])
        if weight is not None:
            present &= weight[rows, None] > 0
        seen |= present.any(axis=0)
        if seen.all() or (projected and seen.any()):
            return
    counted = "" if weight is None else " in a row of positive weight"
    column = int(np.argmin(seen))
    raise InputError(
        bad_values_message(
            argument,
            int(np.count_nonzero(~seen)),
            len(seen),
            f"without a value{counted}",
            first=place(column=column, name=names[column] if names else None),
            allowed="at least one value in each column",
            remedy="leave out such a column",
            noun="column",
        )
    )

"""Which observations lie in a domain: what was seen through noise or a projection may anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.domain import check_inside, rows_inside
from mogfit.errors import DomainError
from mogfit.noise import BLOCK
from mogfit.observations import Observations

__all__ = ["keep_inside", "require_inside"]

Floats = NDArray[np.float64]


def keep_inside(observations: Observations, bounds: Floats) -> Observations:
    """The rows of which nothing is known to be outside a box, `bounds` of shape (2, V).

    Raises
    ------
    DomainError
        If there is no such row.
    """
    inside = _are_inside(observations, bounds)
    if inside.all():
        return observations
    if not inside.any():
        raise DomainError(
            f"data: no rows of the {observations.n_points} lie inside the domain; widen it"
        )
    return observations.keep(inside)


def require_inside(
    observations: Observations,
    bounds: Floats,
    names: Sequence[str] | None,
    *,
    to_drop: str = "outside='drop'",
) -> None:
    """Refuse rows of which something is known to be outside a box.

    `to_drop` is how the caller's user drops them.

    Raises
    ------
    DomainError
        Saying how many there are, and which is the first, in which column.
    """
    if not _are_inside(observations, bounds).all():
        everything = _known(observations, slice(None))
        check_inside(everything, bounds, names, to_drop=to_drop)


def _are_inside(observations: Observations, bounds: Floats) -> NDArray[np.bool_]:
    inside = np.ones(observations.n_points, dtype=bool)
    if observations.projection is not None:
        return inside
    if not observations.noisy:
        return rows_inside(observations.values, bounds)
    for start in range(0, len(inside), BLOCK):
        rows = slice(start, start + BLOCK)
        inside[rows] = rows_inside(_known(observations, rows), bounds)
    return inside


def _known(observations: Observations, rows: slice) -> NDArray[Any]:
    """The values of the points themselves, NaN where they were seen through noise."""
    values = observations.values[rows]
    if observations.deviations is not None:
        spread = observations.deviations[rows]
    elif observations.covariances is not None:
        spread = np.einsum("nii->ni", observations.covariances[rows])
    elif observations.shared is not None:
        spread = observations.shared.diagonal()
    else:
        return values
    return np.where(spread == 0.0, values, np.nan)

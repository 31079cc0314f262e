"""Projections of points: the matrices by which a point's variables become the values seen of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.containers import load
from mogfit.errors import InputError, bad_values_message, place, shape_message
from mogfit.noise_covariances import BLOCK, Tally

__all__ = ["as_projection", "one_per_point", "require_columns"]

Floats = NDArray[np.float64]


def as_projection(projection: Any, nvars: int | None) -> Floats:
    """Check projections.

    Parameters
    ----------
    projection : array_like of shape (N, M, V) or (M, V)
        The matrix of every point, or the one of all points.
    nvars : int or None
        V, where it is known.

    Returns
    -------
    ndarray of shape (N, M, V) or (1, M, V)
        float64, C-contiguous; not copied if it is so already.

    Raises
    ------
    InputError
        If the shape does not fit, or a value is not finite.
    DtypeError
        If `projection` does not hold real numbers in memory.
    """
    matrices = np.asarray(load(projection, "projection").array, dtype=np.float64, order="C")
    shape = matrices.shape
    n_variables = "V" if nvars is None else nvars
    wanted = f"shape (N, M, {n_variables}), or (M, {n_variables}) for all points,"
    if len(shape) not in (2, 3) or 0 in shape[-2:] or nvars not in (None, shape[-1]):
        remedy = "M is the number of values seen of a point, V that of its variables"
        raise InputError(shape_message("projection", shape, wanted, remedy=remedy))
    matrices = matrices.reshape(-1, *shape[-2:])
    bad = Tally()
    size = max(1, BLOCK // math.prod(shape[-2:]))
    for start in range(0, len(matrices), size):
        bad.add(~np.isfinite(matrices[start : start + size]), start)
    if bad.count:
        row, i, j = bad.first
        at = f"entry ({i}, {j})"
        raise InputError(
            bad_values_message(
                "projection",
                bad.count,
                matrices.size,
                "not finite",
                first=f"{place(row=row)}, {at}" if len(shape) == 3 else at,
                seen=float(matrices[row, i, j]),
                allowed="finite numbers",
                remedy="what is missing is marked by a NaN in the data",
            )
        )
    return matrices


def require_columns(X: Any, matrices: Floats, argument: str) -> None:
    """Refuse arrays whose columns are not the values that the projections lead to.

    Parameters
    ----------
    X : array_like or table
        The data; what has no shape yet is left to `mogfit.data.as_points`.
    matrices : ndarray of shape (N, M, V)
        The projections.
    argument : str
        Name of the data, for messages.

    Raises
    ------
    InputError
        If `X` has another number of columns than M.
    """
    shape: tuple[int, ...] = getattr(X, "shape", ())
    m = matrices.shape[1]
    if len(shape) == 2 and shape[1] != m:
        raise InputError(
            shape_message(
                argument,
                shape,
                f"shape (N, {m})",
                other="projection",
                other_shape=matrices.shape[1:] if len(matrices) == 1 else matrices.shape,
                remedy="a projection has one row for each column of the data",
            )
        )


def one_per_point(matrices: Floats, n_points: int, data: str) -> Floats:
    """Give each point its matrix, without a copy.

    Parameters
    ----------
    matrices : ndarray of shape (N, M, V) or (1, M, V)
        The projections.
    n_points : int
        N.
    data : str
        Name of the data, for messages.

    Returns
    -------
    ndarray of shape (N, M, V)
        Rows share memory where one matrix holds for all points.

    Raises
    ------
    InputError
        If there are neither N matrices nor one.
    """
    if len(matrices) == n_points:
        return matrices
    if len(matrices) == 1:
        return np.broadcast_to(matrices[0], (n_points, *matrices.shape[1:]))
    m = matrices.shape[1]
    raise InputError(
        shape_message(
            "projection",
            matrices.shape,
            f"shape {(n_points, *matrices.shape[1:])} or {matrices.shape[1:]}",
            other=data,
            other_shape=(n_points, m),
        )
    )

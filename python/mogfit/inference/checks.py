"""What must hold of the data before a fit starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DataWarning, DegenerateError, InputError, warn_user
from mogfit.parameters import number_of_parameters

__all__ = ["Spread", "check_enough_rows", "mean_and_covariance", "measure_spread"]

Floats = NDArray[np.float64]

# Rows looked at before all: enough distinct ones there settle the question without sorting them.
_GLANCE = 1000

# A correlation matrix with a smaller eigenvalue is singular to the accuracy of its entries.
_SINGULAR = 1e-13


class Spread(NamedTuple):
    """Location (V,), scale (V,) and covariance (V, V) of the data, maximum-likelihood."""

    location: Floats
    scale: Floats
    covariance: Floats


def _label(column: int, names: tuple[str, ...] | None) -> str:
    return f"column {names[column]!r}" if names else f"column {column}"


def _rows(count: int, kind: str = "") -> str:
    return f"{count} {kind}row{'' if count == 1 else 's'}"


def count_distinct_rows(values: NDArray[np.floating], enough: int) -> int:
    """Number of distinct rows; any number >= `enough` when there are that many."""
    # Of a few rows a set is made in a tenth of the time of a sort.
    distinct = len(set(map(tuple, values[: 2 * enough].tolist())))
    for glance in (max(_GLANCE, 4 * enough), len(values)):
        if distinct >= enough:
            break
        distinct = len(np.unique(values[:glance], axis=0))
    return distinct


def check_enough_rows(values: NDArray[np.floating], ngauss: int) -> None:
    """Refuse fewer rows than components; warn of more parameters than rows.

    Raises
    ------
    InputError
        If there are fewer rows, or fewer distinct rows, than components.
    DegenerateError
        If no covariance can be estimated: fewer than V + 1 distinct rows.
    """
    n_points, nvars = values.shape
    needed = max(ngauss, nvars + 1)
    distinct = count_distinct_rows(values, needed)
    if distinct == 1 < n_points:
        row = ", ".join(f"{v:g}" for v in values[0])
        raise DegenerateError(
            f"data: all {n_points} rows are identical ({row}); a covariance in d={nvars} needs "
            f"{nvars + 1} distinct rows; bring data that vary"
        )
    if distinct < ngauss:
        raise InputError(
            f"data: {_rows(n_points)}, {distinct} of them distinct, for ngauss={ngauss} "
            f"components; ask for at most {distinct} or bring more data"
        )
    if distinct < nvars + 1:
        raise DegenerateError(
            f"data: {_rows(distinct, 'distinct ')}, a full covariance in d={nvars} needs "
            f"{nvars + 1}; bring more data or fewer columns"
        )
    parameters = number_of_parameters(ngauss, nvars)
    if parameters > n_points:
        warn_user(
            f"{parameters} parameters for {n_points} points: the fit will follow single points; "
            "use fewer components",
            DataWarning,
        )


def mean_and_covariance(
    values: NDArray[np.floating], weight: Floats | None = None, threads: int = 0
) -> tuple[Floats, Floats]:
    """Mean (V,) and maximum-likelihood covariance (V, V), in two passes without a copy."""
    unit = np.eye(values.shape[1])[None]

    def moments(centre: Floats) -> _core.Moments:
        one = _core.PreparedMixture.from_factors(np.zeros(1), centre[None], unit)
        return _core.data_pass(one, values, weight, threads)

    anchor = values[0].astype(float)
    first = moments(anchor)
    near = anchor + first.s1[0] / first.s0[0]
    # Centred that closely, nothing cancels.
    second = moments(near)
    shift = second.s1[0] / second.s0[0]
    return near + shift, second.s2[0] / second.s0[0] - np.outer(shift, shift)


def measure_spread(
    values: NDArray[np.floating],
    weight: Floats | None,
    names: tuple[str, ...] | None,
    threads: int,
) -> Spread:
    """Location, scale and covariance of the data.

    Raises
    ------
    DegenerateError
        If a column is constant, or columns are collinear: no mixture of full covariances has a
        finite likelihood on such data.
    """
    location, covariance = mean_and_covariance(values, weight, threads)
    scale = np.sqrt(np.diag(covariance))
    rounding = 4 * np.finfo(float).eps * np.abs(location)
    for column in np.flatnonzero(~(scale > rounding)):
        raise DegenerateError(
            f"data: {_label(int(column), names)} is constant ({location[column]:g}); drop it"
        )
    _check_collinear(covariance / np.outer(scale, scale), names)
    return Spread(location, scale, covariance)


def _check_collinear(correlation: Floats, names: tuple[str, ...] | None) -> None:
    eigenvalues, vectors = np.linalg.eigh(correlation)
    if eigenvalues[0] > _SINGULAR:
        return
    nvars = len(correlation)
    rank = int(np.count_nonzero(eigenvalues > _SINGULAR))
    # The columns that take part in the linear relations between columns.
    involved = np.flatnonzero(np.abs(vectors[:, : nvars - rank]).max(axis=1) > 1e-3)
    columns = ", ".join(_label(int(c), names) for c in involved)
    raise DegenerateError(
        f"data: the columns are collinear: rank {rank} of {nvars}; {columns} determine one "
        f"another; drop {nvars - rank} of them"
    )

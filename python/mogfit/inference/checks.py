"""What must hold of the data before a fit starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DataWarning, DegenerateError, InputError, warn_user
from mogfit.observations import Observations
from mogfit.parameters import number_of_parameters

__all__ = [
    "Spread",
    "check_enough_rows",
    "mean_and_covariance",
    "measure_spread",
    "overall_moments",
]

Floats = NDArray[np.float64]

# Rows looked at before all: enough distinct ones there settle the question without sorting them.
_GLANCE = 1000

# Rows from which EM of one Gaussian takes its start; its steps, and the gain in log L / N of the
# last of them.
_LOOK = 10_000
_EM_STEPS = 100
_EM_GAIN = 1e-8

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

    def first(count: int) -> NDArray[np.floating]:
        # Missing values count as equal; data have no infinite ones.
        rows = values[:count]
        return np.where(np.isnan(rows), np.inf, rows)

    # Of a few rows a set is made in a tenth of the time of a sort.
    distinct = len(set(map(tuple, first(2 * enough).tolist())))
    for glance in (max(_GLANCE, 4 * enough), len(values)):
        if distinct >= enough:
            break
        distinct = len(np.unique(first(glance), axis=0))
    return distinct


def check_enough_rows(data: Observations, ngauss: int) -> None:
    """Refuse fewer rows than components; warn of more parameters than rows.

    Rows that were seen through noise, or projected, need not be distinct.

    Raises
    ------
    InputError
        If there are fewer rows, or fewer distinct rows, than components.
    DegenerateError
        If no covariance can be estimated: fewer than V + 1 distinct rows.
    """
    values, n_points, nvars = data.values, data.n_points, data.nvars
    exact = not data.noisy and data.projection is None
    needed = max(ngauss, nvars + 1)
    distinct = count_distinct_rows(values, needed) if exact else n_points
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
    if exact and distinct < nvars + 1:
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


def measure_spread(data: Observations, names: tuple[str, ...] | None, threads: int) -> Spread:
    """Location, scale and covariance of the points.

    Of points that were seen in part or through noise, those of one Gaussian after a hundred steps
    of EM: near the maximum of its likelihood.

    Raises
    ------
    DegenerateError
        If a column is constant, or columns are collinear: no mixture of full covariances has a
        finite likelihood on such data.
    """
    exact = not data.noisy and data.projection is None
    if data.incomplete and exact:
        lowest, highest = np.fmin.reduce(data.values), np.fmax.reduce(data.values)
        for column in np.flatnonzero(lowest == highest):
            _refuse_constant(int(column), float(lowest[column]), names)
    location, covariance = overall_moments(data, threads)
    scale = np.sqrt(np.diag(covariance))
    if exact:
        rounding = 4 * np.finfo(float).eps * np.abs(location)
        for column in np.flatnonzero(~(scale > rounding)):
            _refuse_constant(int(column), float(location[column]), names)
        _check_collinear(covariance / np.outer(scale, scale), names)
    return Spread(location, scale, covariance)


def overall_moments(data: Observations, threads: int = 0) -> tuple[Floats, Floats]:
    """Mean (V,) and covariance (V, V) of the points, as `measure_spread` takes them."""
    if data.plain:
        return mean_and_covariance(data.values, data.weight, threads)
    return _one_gaussian(data, threads)


def _refuse_constant(column: int, value: float, names: tuple[str, ...] | None) -> None:
    raise DegenerateError(f"data: {_label(column, names)} is constant ({value:g}); drop it")


def _one_gaussian(data: Observations, threads: int) -> tuple[Floats, Floats]:
    """Mean (V,) and covariance (V, V) of one Gaussian, by EM from what a look at the data says."""
    location, variance = _first_look(data.take(slice(None, None, -(-data.n_points // _LOOK))))
    one = _core.PreparedMixture(np.ones(1), location[None], np.diag(variance)[None])
    try:
        one, _, _ = _core.em_run(
            one, data.core, steps=_EM_STEPS, tolerance=_EM_GAIN, threads=threads
        )
    except DegenerateError as error:
        raise DegenerateError(
            "data: the columns are collinear, or there are too few rows that hold them together; "
            "drop one of those that determine one another"
        ) from error
    return one.means[0], one.covariances[0]


def _first_look(data: Observations) -> tuple[Floats, Floats]:
    """A location (V,) and a variance (V,) to start EM from."""
    values = np.asarray(data.values, dtype=np.float64)
    seen = np.isfinite(values)
    if data.projection is not None:
        # Least squares, and one variance for all.
        rows, targets = data.projection[seen], values[seen]
        location = np.asarray(np.linalg.lstsq(rows, targets, rcond=None)[0], dtype=np.float64)
        rest = ((targets - rows @ location) ** 2).sum() / np.square(rows).sum()
        return location, np.full(data.nvars, rest if rest > 0 else 1.0)
    noise = np.zeros(values.shape)
    if data.deviations is not None:
        noise = np.where(seen, data.deviations, 0.0) ** 2
    elif data.covariances is not None:
        noise = np.where(seen, np.einsum("nii->ni", data.covariances), 0.0)
    # Values of large errors count less: as if the rest were as wide as a typical error.
    count = seen / (noise + np.median(noise, axis=0) + np.finfo(float).tiny)
    count /= count.max(axis=0)
    filled = np.where(seen, values, 0.0)
    total = count.sum(axis=0)
    location = (count * filled).sum(axis=0) / total
    variance = (count * np.where(seen, filled - location, 0.0) ** 2).sum(axis=0) / total
    return location, np.where(variance > 0, variance, np.maximum(noise.max(axis=0), 1.0))


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

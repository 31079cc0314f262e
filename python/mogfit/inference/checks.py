"""What must hold of the data before a fit starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DataWarning, DegenerateError, InputError, warn_user
from mogfit.inference.first_look import first_look
from mogfit.inference.structure import constrain_covariances, is_diagonal, is_spherical
from mogfit.noise import BLOCK
from mogfit.observations import Observations
from mogfit.parameters import number_of_parameters

__all__ = [
    "Spread",
    "check_enough_rows",
    "mean_and_covariance",
    "measure_spread",
    "overall_moments",
    "rows_needed",
]

Floats = NDArray[np.float64]

# Rows looked at before all: enough distinct ones there settle the question without sorting them.
_GLANCE = 1000

# Steps of EM of one Gaussian, and the gain in log L / N of the last of them.
_EM_STEPS = 100
_EM_GAIN = 1e-8

# What to use where there are too few rows, or columns determine one another.
_DIAGONAL_OF = {"full": "diag", "tied": "tied_diag"}

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


def rows_needed(nvars: int, structure: str) -> int:
    """Distinct rows that a covariance of this structure takes: V + 1, or 2 if it is diagonal."""
    return 2 if is_diagonal(structure) else nvars + 1


def check_enough_rows(
    data: Observations,
    ngauss: int,
    structure: str = "full",
    *,
    parameters: int | None = None,
    supported: bool = False,
) -> None:
    """Refuse fewer rows than components; warn of more parameters than rows.

    Components may share rows that were seen through noise, or projected. But V rows or fewer say
    nothing of a full covariance in some direction, however they were seen.

    Parameters
    ----------
    data : Observations
        The data.
    ngauss : int
        Components.
    structure : str, default "full"
        Structure of the covariances.
    parameters : int, optional
        How many are free; by default all.
    supported : bool, default False
        Whether something other than the rows says how wide the components are.

    Raises
    ------
    InputError
        If there are fewer rows, or fewer distinct rows, than components.
    DegenerateError
        If no covariance can be estimated: fewer distinct rows than `rows_needed`.
    """
    if parameters is None:
        parameters = number_of_parameters(ngauss, data.nvars, structure)
    if not supported:
        _require_rows(data, ngauss, structure)
    if parameters > data.n_points:
        warn_user(
            f"{parameters} parameters for {data.n_points} point{'s' if data.n_points > 1 else ''}: "
            "the fit will follow single points; use fewer components",
            DataWarning,
        )


def _require_rows(data: Observations, ngauss: int, structure: str) -> None:
    values, n_points, nvars = data.values, data.n_points, data.nvars
    projected = data.projection is not None
    enough = rows_needed(nvars, structure)
    needed = max(ngauss, enough)
    kind = f"{structure.replace('_', ' ')} covariance in d={nvars}"
    distinct = n_points if projected else count_distinct_rows(values, needed)
    at_most = distinct if _exact_columns(data).all() else n_points
    if distinct == 1 < n_points:
        row = ", ".join(f"{v:g}" for v in values[0])
        raise DegenerateError(
            f"data: all {n_points} rows are identical ({row}); a {kind} needs "
            f"{enough} distinct rows; bring data that vary"
        )
    if at_most < ngauss:
        raise InputError(
            f"data: {_rows(n_points)}, {distinct} of them distinct, for ngauss={ngauss} "
            f"components; ask for at most {at_most} or bring more data"
        )
    if distinct < enough:
        rows = _rows(distinct, "" if projected else "distinct ")
        remedy = "bring more data"
        if enough > 2 and distinct > 1:
            remedy += f" or fewer columns, or use covariance={_DIAGONAL_OF.get(structure)!r}"
        raise DegenerateError(f"data: {rows}, a {kind} needs {enough}; {remedy}")


def mean_and_covariance(
    values: NDArray[np.floating],
    weight: Floats | None = None,
    threads: int = 0,
    diagonal: bool = False,
) -> tuple[Floats, Floats]:
    """Mean (V,) and maximum-likelihood covariance (V, V), in two passes without a copy.

    Of a `diagonal` one the entries off the diagonal are 0, and not summed.
    """
    unit = np.eye(values.shape[1])[None]

    def moments(centre: Floats) -> _core.Moments:
        one = _core.PreparedMixture.from_factors(np.zeros(1), centre[None], unit)
        return _core.data_pass(one, values, weight, threads, diagonal)

    anchor = values[0].astype(float)
    first = moments(anchor)
    near = anchor + first.s1[0] / first.s0[0]
    # Centred that closely, nothing cancels.
    second = moments(near)
    shift = second.s1[0] / second.s0[0]
    covariance = second.s2[0] / second.s0[0] - np.outer(shift, shift)
    return near + shift, np.diag(np.diag(covariance)) if diagonal else covariance


def measure_spread(
    data: Observations,
    names: tuple[str, ...] | None,
    threads: int,
    structure: str = "full",
    support: Floats | None = None,
) -> Spread:
    """Location, scale and covariance of the points.

    Of points that were seen in part or through noise, those of one Gaussian after a hundred steps
    of EM: near the maximum of its likelihood. Columns of spherical covariances have one scale,
    since their units are the same; columns of the others have one each.

    Parameters
    ----------
    data : Observations
        The data.
    names : tuple of str or None
        Names of the columns, for messages.
    threads : int
        Threads to use.
    structure : str, default "full"
        Structure of the covariances that are to be fitted.
    support : ndarray of shape (V, V), optional
        A covariance that something other than the data speaks for: what they lack of one is taken
        from it, and nothing is refused.

    Raises
    ------
    DegenerateError
        If a column is constant, or columns are collinear: no mixture of full covariances has a
        finite likelihood on such data. Diagonal covariances need columns that vary, spherical ones
        need one of them to vary.
    """
    if support is not None:
        location, covariance = _supported_moments(data, threads, support)
        return Spread(location, _scales(covariance, structure), covariance)
    exact = np.flatnonzero(_exact_columns(data))
    if is_spherical(structure):
        location, covariance = overall_moments(data, threads, structure)
        scale = _scales(covariance, structure)
        if exact.size == data.nvars and not scale[0] > _rounding_of(location).min():
            raise DegenerateError("data: all columns are constant; bring data that vary")
        return Spread(location, scale, covariance)
    if not data.plain:
        for column in exact:
            values = data.values[:, column]
            lowest, highest = np.fmin.reduce(values), np.fmax.reduce(values)
            if lowest == highest:
                _refuse_constant(int(column), float(lowest), names)
    location, covariance = overall_moments(data, threads, structure)
    scale = _scales(covariance, structure)
    for column in exact[~(scale > _rounding_of(location))[exact]]:
        _refuse_constant(int(column), float(location[column]), names)
    if exact.size and not is_diagonal(structure):
        correlation = (covariance / np.outer(scale, scale))[np.ix_(exact, exact)]
        _check_collinear(correlation, exact, names, _DIAGONAL_OF[structure])
    return Spread(location, scale, covariance)


def overall_moments(
    data: Observations, threads: int = 0, structure: str = "full"
) -> tuple[Floats, Floats]:
    """Mean (V,) and covariance (V, V) of the points, as `measure_spread` takes them.

    Of a family of diagonal covariances the variances alone, where the points are plain.
    """
    if data.plain:
        return mean_and_covariance(data.values, data.weight, threads, is_diagonal(structure))
    return _one_gaussian(data, threads, structure)


def _supported_moments(data: Observations, threads: int, support: Floats) -> tuple[Floats, Floats]:
    """Moments of the points; with the support's share, as of one more point, if degenerate."""
    try:
        location, covariance = overall_moments(data, threads)
    except DegenerateError:
        location, covariance = overall_moments(data, threads, "diag")
    scale = np.sqrt(np.diag(covariance))
    sound = (scale > _rounding_of(location)).all() and (
        np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] > _SINGULAR
    )
    return location, covariance if sound else covariance + support / (data.n_points + 1.0)


def _scales(covariance: Floats, structure: str) -> Floats:
    """The scale of each column; one for all, where covariances are spherical."""
    variances = np.diag(covariance)
    if is_spherical(structure):
        variances = np.full_like(variances, variances.mean())
    return np.sqrt(variances)


def _rounding_of(location: Floats) -> Floats:
    """What standard deviations cannot be told from 0."""
    return 4 * np.finfo(float).eps * np.abs(location)


def _refuse_constant(column: int, value: float, names: tuple[str, ...] | None) -> None:
    raise DegenerateError(f"data: {_label(column, names)} is constant ({value:g}); drop it")


def _exact_columns(data: Observations) -> NDArray[np.bool_]:
    """Which variables were seen as they are, without noise or with errors of 0, (V,)."""
    if data.projection is not None:
        return np.zeros(data.nvars, dtype=bool)
    if data.shared is not None:
        return np.asarray(data.shared.diagonal() == 0.0)
    exact = np.ones(data.nvars, dtype=bool)
    if data.deviations is not None:
        errors = data.deviations
    elif data.covariances is not None:
        errors = np.einsum("nii->ni", data.covariances)
    else:
        return exact
    for start in range(0, data.n_points, BLOCK):
        rows = slice(start, start + BLOCK)
        # Of a value that is missing the error may be anything.
        exact &= ~((errors[rows] != 0.0) & ~np.isnan(data.values[rows])).any(axis=0)
        if not exact.any():
            break
    return exact


def _one_gaussian(
    data: Observations, threads: int, structure: str = "full"
) -> tuple[Floats, Floats]:
    """Mean (V,) and covariance (V, V) of one Gaussian, by EM from what a look at the data says.

    A full one, which says more of values that are missing, where there is one.
    """
    location, variance = first_look(data)
    one = _core.PreparedMixture(np.ones(1), location[None], np.diag(variance)[None])
    family = constrain_covariances(one.covariances, one.weights, structure)
    try:
        return _gaussian_from(one, data, threads)
    except DegenerateError as error:
        if is_diagonal(structure):
            start = _core.PreparedMixture(one.weights, one.means, family)
            return _gaussian_from(start, data, threads, _core.Model(structure))
        raise DegenerateError(
            "data: the columns are collinear, or there are too few rows that hold them together; "
            "drop one of those that determine one another"
        ) from error


def _gaussian_from(
    one: _core.PreparedMixture,
    data: Observations,
    threads: int,
    model: _core.Model | None = None,
) -> tuple[Floats, Floats]:
    one, _, _ = _core.em_run(
        one, data.core, steps=_EM_STEPS, tolerance=_EM_GAIN, threads=threads, model=model
    )
    return one.means[0], one.covariances[0]


def _check_collinear(
    correlation: Floats,
    numbers: NDArray[np.intp],
    names: tuple[str, ...] | None,
    instead: str,
) -> None:
    """Refuse the columns of these numbers if one of them follows from the others."""
    eigenvalues, vectors = np.linalg.eigh(correlation)
    if eigenvalues[0] > _SINGULAR:
        return
    nvars = len(correlation)
    rank = int(np.count_nonzero(eigenvalues > _SINGULAR))
    # The columns that take part in the linear relations between columns.
    involved = np.flatnonzero(np.abs(vectors[:, : nvars - rank]).max(axis=1) > 1e-3)
    columns = ", ".join(_label(int(c), names) for c in numbers[involved])
    raise DegenerateError(
        f"data: the columns are collinear: rank {rank} of {nvars}; {columns} determine one "
        f"another; drop {nvars - rank} of them, or use covariance={instead!r}"
    )

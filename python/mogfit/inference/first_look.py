"""Where one Gaussian may start from, of points that were seen in part or through noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit.inference.identified import seen_equations
from mogfit.observations import Observations

__all__ = ["first_look", "glance"]

Floats = NDArray[np.float64]

# Rows that are looked at.
_LOOK = 10_000


def glance(count: int) -> slice | NDArray[np.intp]:
    """At most 10,000 of `count` rows, in order, with no pattern that those of the data may have."""
    if count <= _LOOK:
        return slice(None)
    rows = np.random.default_rng(0).choice(count, _LOOK, replace=False, shuffle=False)
    rows.sort()
    return np.asarray(rows, dtype=np.intp)


def first_look(data: Observations) -> tuple[Floats, Floats]:
    """A location (V,) and a variance (V,) to start EM from."""
    if data.projection is not None:
        return _look_at_projected(data)
    looks = []
    for column in range(data.nvars):
        values = data.values[:, column]
        if data.incomplete:
            # What is seen rarely, or never where another is, must be seen here.
            seen = np.flatnonzero(~np.isnan(values))
            rows = seen[glance(len(seen))]
        else:
            rows = np.arange(len(values))[glance(len(values))]
        looks.append(
            _look_at_column(values[rows].astype(np.float64), _errors_of(data, rows, column))
        )
    location, variance = np.transpose(looks)
    return location, variance


def _errors_of(data: Observations, rows: NDArray[np.intp], column: int) -> Floats:
    """Standard deviations of the noise of some values of a column."""
    if data.deviations is not None:
        return data.deviations[rows, column]
    if data.covariances is not None:
        return np.asarray(np.sqrt(data.covariances[rows, column, column]))
    shared = 0.0 if data.shared is None else data.shared[column, column]
    return np.full(len(rows), np.sqrt(shared))


def _look_at_column(values: Floats, errors: Floats) -> tuple[float, float]:
    """Mean and variance of values seen; those of large errors count less.

    As if the values were spread as widely as a good error, that of the best quarter. Errors may be
    as large as doubles go, so that their squares are not summed.
    """
    typical = np.partition(errors, len(errors) // 4)[len(errors) // 4]
    if typical > 0.0:
        with np.errstate(over="ignore"):
            root = 1.0 / np.hypot(1.0, errors / typical)
    else:
        root = np.where(errors == 0.0, 1.0, 0.0)
    root /= np.linalg.norm(root)
    location = float(root**2 @ values)
    with np.errstate(over="ignore"):
        variance = float(np.square(root * (values - location)).sum())
    if not variance > 0.0:
        variance = float(errors.max()) ** 2 or 1.0
    return location, min(variance, float(np.finfo(float).max))


def _look_at_projected(data: Observations) -> tuple[Floats, Floats]:
    """Least squares for the location, and one variance for all."""
    equations = seen_equations(data)
    solution = np.linalg.lstsq(equations[:, :-1], equations[:, -1], rcond=None)[0]
    location = np.asarray(solution, dtype=np.float64)
    part = data.take(glance(data.n_points))
    assert part.projection is not None
    seen = ~np.isnan(part.values)
    rows = part.projection[seen]
    with np.errstate(over="ignore"):
        squares = np.square(part.values[seen] - rows @ location).sum()
        rest = float(squares / np.square(rows).sum())
    return location, np.full(data.nvars, rest if 0.0 < rest < np.inf else 1.0)

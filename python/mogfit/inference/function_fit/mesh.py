"""Values of a function on a mesh: what users may give, checked, and the grid it may form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.containers import load
from mogfit.data import as_sample_weight
from mogfit.errors import (
    DegenerateError,
    InputError,
    bad_values_message,
    place,
    shape_message,
)

__all__ = ["Grid", "Mesh", "read_mesh"]

Floats = NDArray[np.float64]


class Grid(NamedTuple):
    """A mesh that is a product of axes.

    Attributes
    ----------
    axes : tuple of V arrays
        Coordinates along each variable, increasing.
    order : ndarray of int
        Which point of the mesh stands at each place of the grid, variables in order.
    """

    axes: tuple[Floats, ...]
    order: NDArray[np.intp]


@dataclass(frozen=True)
class Mesh:
    """Points, values and weights.

    Attributes
    ----------
    points : ndarray of shape (N, V)
    values : ndarray of shape (N,)
        NaN only where the weight is 0.
    weights : ndarray of shape (N,) or None
    shape : tuple of int
        Of the values as they were given.
    """

    points: Floats
    values: Floats
    weights: Floats | None
    shape: tuple[int, ...]

    @property
    def nvars(self) -> int:
        """Number of variables."""
        return self.points.shape[1]

    @property
    def bounds(self) -> Floats:
        """The smallest box that holds the points, (2, V)."""
        return np.stack([self.points.min(axis=0), self.points.max(axis=0)])

    def counted(self) -> Mesh:
        """The points of positive weight."""
        if self.weights is None or self.weights.all():
            return self
        kept = self.weights > 0
        return Mesh(self.points[kept], self.values[kept], self.weights[kept], (int(kept.sum()),))

    def grid(self) -> Grid | None:
        """The grid that the points form, if they do."""
        return find_grid(self.points, self.shape)


def find_grid(points: Floats, shape: Sequence[int]) -> Grid | None:
    """The grid that points form, if each coordinate depends on one axis of the array alone."""
    nvars = points.shape[1]
    if nvars == 1:
        order = np.argsort(points[:, 0], kind="stable")
        return Grid((points[order, 0],), order)
    if len(shape) != nvars or np.prod(shape) != len(points):
        return None
    places = np.arange(len(points)).reshape(shape)
    along = []
    for j in range(nvars):
        coordinates = points[:, j].reshape(shape)
        varying = [a for a in range(nvars) if not (np.diff(coordinates, axis=a) == 0).all()]
        if len(varying) != 1 or varying[0] in along:
            return None
        along.append(varying[0])
    places = places.transpose(along)
    axes = []
    for j in range(nvars):
        first = tuple(slice(None) if a == j else 0 for a in range(nvars))
        axis = points[places[first], j]
        order = np.argsort(axis, kind="stable")
        axes.append(axis[order])
        places = np.take(places, order, axis=j)
    return Grid(tuple(axes), places)


def read_mesh(data: Any, weights: Any = None, sigma: Any = None) -> Mesh:
    """Check a mesh and its values as users give them; see `mogfit.FitFunctionMoG`.

    Raises
    ------
    InputError
        If there is no pair, shapes do not agree, a coordinate is not finite, a value is not finite
        that counts, or all values are 0.
    DegenerateError
        If all points have the same value of a variable.
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        seen = f"{len(data)} entries" if isinstance(data, (tuple, list)) else type(data).__name__
        raise InputError(
            f"data: {seen} seen; allowed: a pair (X, F), coordinates of a mesh and the values of "
            "a function there"
        )
    values = np.asarray(load(data[1], "F").array, dtype=np.float64)
    if values.ndim == 0 or values.size == 0:
        raise InputError(shape_message("F", values.shape, "at least one value"))
    points = _read_points(data[0], values.shape)
    flat = np.array(values.ravel())
    found = _read_weights(weights, sigma, values.shape)
    _require_finite(flat, found, values.shape)
    width = np.ptp(points, axis=0)
    for j in np.flatnonzero(~(width > 0)):
        raise DegenerateError(
            f"X: variable {j} is {points[0, j]:g} at every point; a mesh needs two values of each "
            "variable at least: leave it out"
        )
    counted = flat if found is None else flat[found > 0]
    if not counted.any():
        raise InputError(
            f"F: all {counted.size} values are 0; there is nothing to fit a mixture to"
        )
    return Mesh(points, flat, found, values.shape)


def _read_points(X: Any, shape: tuple[int, ...]) -> Floats:
    """Coordinates (N, V) of the values of an array of this shape."""
    if isinstance(X, (tuple, list)) and len(X) > 0 and np.ndim(X[0]) > 0:
        arrays = [np.asarray(load(x, f"X[{j}]").array, dtype=np.float64) for j, x in enumerate(X)]
        for j, array in enumerate(arrays):
            if array.shape != shape:
                raise InputError(
                    shape_message(
                        f"X[{j}]",
                        array.shape,
                        shape,
                        other="F",
                        other_shape=shape,
                        remedy="make a mesh of the axes with np.meshgrid",
                    )
                )
        columns = [array.ravel() for array in arrays]
    else:
        array = np.asarray(load(X, "X").array, dtype=np.float64)
        flat = array.size == int(np.prod(shape)) and array.size in (*shape, 1)
        if flat and (array.shape == shape or array.size in array.shape):
            columns = [array.ravel()]
        elif array.ndim == len(shape) + 1 and array.shape[1:] == shape:
            columns = list(array.reshape(len(array), -1))
        elif array.ndim == 2 and len(shape) == 1 and len(array) == shape[0]:
            columns = list(array.T)
        else:
            raise InputError(
                shape_message(
                    "X",
                    array.shape,
                    "an array of F's shape for one variable, or a tuple of one such array for "
                    "each variable,",
                    other="F",
                    other_shape=shape,
                )
            )
    points = np.column_stack(columns)
    bad = np.argwhere(~np.isfinite(points))
    if bad.size:
        row, column = (int(i) for i in bad[0])
        raise InputError(
            bad_values_message(
                "X",
                len(bad),
                points.size,
                "not finite",
                first=f"{_place(row, shape)}, variable {column}",
                seen=points[row, column],
                allowed="finite coordinates",
            )
        )
    return np.ascontiguousarray(points)


def _place(index: int, shape: tuple[int, ...]) -> str:
    where = tuple(int(i) for i in np.unravel_index(index, shape))
    return place(index=where[0]) if len(where) == 1 else f"index {where}"


def _read_weights(weights: Any, sigma: Any, shape: tuple[int, ...]) -> Floats | None:
    """Weights of the squared residuals, flat."""
    if weights is not None and sigma is not None:
        raise InputError("weights and sigma: both seen; allowed: one of them, weights = 1/sigma^2")
    if weights is not None:
        return as_sample_weight(
            _flat(weights, "weights", shape), int(np.prod(shape)), name="weights"
        )
    if sigma is None:
        return None
    errors = _flat(sigma, "sigma", shape)
    bad = np.flatnonzero(~(errors > 0))
    if bad.size:
        raise InputError(
            bad_values_message(
                "sigma",
                bad.size,
                errors.size,
                "not positive",
                first=_place(int(bad[0]), shape),
                seen=errors[bad[0]],
                allowed="standard deviations > 0, inf for a value that does not count",
            )
        )
    if not np.isfinite(errors).any():
        raise InputError("sigma: all values are inf; at least one must count")
    # By the smallest, so that no square overflows; weights are relative.
    return as_sample_weight((errors.min() / errors) ** 2, errors.size, name="sigma")


def _flat(given: Any, name: str, shape: tuple[int, ...]) -> Floats:
    if str(getattr(given, "dtype", "")) == "bool":
        given = given.astype(np.float64)  # a selection of values, which needs no warning
    array = np.asarray(load(given, name).array, dtype=np.float64)
    if array.shape != shape:
        raise InputError(shape_message(name, array.shape, shape, other="F", other_shape=shape))
    return array.ravel()


def _require_finite(values: Floats, weights: Floats | None, shape: tuple[int, ...]) -> None:
    counts = np.ones(len(values), dtype=bool) if weights is None else weights > 0
    bad = np.flatnonzero(counts & ~np.isfinite(values))
    if bad.size:
        raise InputError(
            bad_values_message(
                "F",
                bad.size,
                values.size,
                "not finite",
                first=_place(int(bad[0]), shape),
                seen=values[bad[0]],
                allowed="finite values",
                remedy="leave such values out, or give them weights=0 (or sigma=inf)",
            )
        )

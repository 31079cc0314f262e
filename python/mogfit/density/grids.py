"""Points on a grid, in the order in which figures want their values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["grid_points", "grid_shape"]

Floats = NDArray[np.float64]


def grid_shape(*axes: Floats) -> tuple[int, ...]:
    """Shape of values on a grid: the first variable runs along the last axis."""
    return tuple(len(values) for values in axes[::-1])


def grid_points(*axes: Floats) -> Floats:
    """Every combination of values, (product of lengths, V); the first variable runs fastest.

    Examples
    --------
    >>> import numpy as np
    >>> grid_points(np.array([0.0, 1.0]), np.array([5.0, 6.0])).tolist()
    [[0.0, 5.0], [1.0, 5.0], [0.0, 6.0], [1.0, 6.0]]
    """
    points = np.empty((*grid_shape(*axes), len(axes)))
    for i, values in enumerate(axes):
        points[..., i] = values.reshape([-1] + [1] * i)
    return points.reshape(-1, len(axes))

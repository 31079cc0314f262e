"""Peaks of a function on a mesh: where the seeded modes begin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError
from mogfit.inference.function_fit.mesh import Grid, Mesh

__all__ = ["LOOSE", "PLAIN", "STRICT", "Peaks", "Seeding", "find_peaks"]

Floats = NDArray[np.float64]

# Full width at half maximum of a Gaussian of standard deviation 1.
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))

# The window of the moving average: this part of the points, at least so many.
_WINDOW_PART, _WINDOW_LEAST = 0.03, 7


class Seeding(NamedTuple):
    """What counts as a peak: its height and its prominence as parts of the largest value."""

    height: float
    prominence: float
    smooth: bool


PLAIN = Seeding(0.05, 0.0, False)
LOOSE = Seeding(0.05, 0.005, True)
STRICT = Seeding(0.05, 0.07, True)


class Peaks(NamedTuple):
    """Peaks, the most prominent first.

    Attributes
    ----------
    means : ndarray of shape (K, V)
    sigmas : ndarray of shape (K, V)
        Full widths at half prominence over 2.355; in several variables at half the height.
    """

    means: Floats
    sigmas: Floats


def find_peaks(mesh: Mesh, seeding: Seeding) -> Peaks:
    """Peaks of the positive part of a function; there may be none.

    Raises
    ------
    InputError
        If the mesh has several variables and is no grid, or is to be smoothed.
    """
    grid = mesh.grid()
    if grid is None:
        raise InputError(
            f"mode: points of {mesh.nvars} variables that form no grid have no neighbours to tell "
            "peaks by; use mode='lsq' or mode='adaptive'"
        )
    values = mesh.values[grid.order]
    if mesh.nvars == 1:
        return _along_one(grid.axes[0], values, seeding)
    return _on_grid(grid, values, seeding)


def _along_one(x: Floats, values: Floats, seeding: Seeding) -> Peaks:
    # Not by scipy.signal, whose import takes longer than most fits.
    if seeding.smooth:
        values = _moving_average(values, max(_WINDOW_LEAST, int(_WINDOW_PART * len(x))) | 1)
    largest = float(values.max())
    peaks = local_maxima(values)
    peaks = peaks[values[peaks] >= seeding.height * largest]
    sides = [_half_prominence(values, int(peak)) for peak in peaks]
    prominence = np.array([side[0] for side in sides])
    kept = np.flatnonzero(prominence >= seeding.prominence * largest)
    if not len(kept):
        return Peaks(np.empty((0, 1)), np.empty((0, 1)))
    kept = kept[np.argsort(-prominence[kept], kind="stable")]
    left, right = np.array(sides)[kept, 1:].T
    places = np.arange(len(x))
    width = np.interp(right, places, x) - np.interp(left, places, x)
    return Peaks(x[peaks[kept], None], width[:, None] / _FWHM)


def _moving_average(values: Floats, window: int) -> Floats:
    """Means over a window around each value, the first and the last being repeated."""
    half = min(window, len(values)) // 2
    sums = np.cumsum(np.concatenate([[0.0], np.pad(values, half, mode="edge")]))
    return (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)


def local_maxima(values: Floats) -> NDArray[np.intp]:
    """Places of values above both neighbours; the middle of a plateau, and no ends."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0]))
    last = np.append(first[1:], len(values)) - 1
    heights = values[first]
    top = np.flatnonzero((heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])) + 1
    return (first[top] + last[top]) // 2


def _half_prominence(values: Floats, peak: int) -> tuple[float, float, float]:
    """Prominence of a peak, and where the values cross half of it on the left and on the right.

    The prominence is the height above the higher of the lowest values between the peak and the next
    higher value, or the end, on either side.
    """
    left, right = values[peak::-1], values[peak:]
    prominence = values[peak] - max(_valley(left), _valley(right))
    level = values[peak] - 0.5 * prominence
    return prominence, peak - _crossing(left, level), peak + _crossing(right, level)


def _valley(away: Floats) -> float:
    """The lowest of values that lead away from a peak, up to the first that is higher."""
    reach = 16
    while True:
        higher = np.flatnonzero(away[:reach] > away[0])
        if higher.size:
            return float(away[: higher[0]].min())
        if reach >= len(away):
            return float(away.min())
        reach *= 4


def _crossing(away: Floats, level: float) -> float:
    """How far away from a peak values fall below a level, by linear interpolation."""
    reach = 16
    while True:
        below = np.flatnonzero(away[:reach] <= level)
        if below.size:
            after = int(below[0])
            drop = away[after - 1] - away[after]
            return after - 1 + float((away[after - 1] - level) / drop)
        if reach >= len(away):
            return float(len(away) - 1)
        reach *= 4


def _on_grid(grid: Grid, values: Floats, seeding: Seeding) -> Peaks:
    from scipy.ndimage import label, maximum_filter, maximum_position

    if seeding.smooth:
        raise InputError(
            f"mode: the noisy modes are for one variable, {len(grid.axes)} seen; use mode='lsq'"
        )
    largest = float(values.max())
    top = (values == maximum_filter(values, size=3, mode="nearest")) & (
        values >= seeding.height * largest
    )
    # A plateau is one peak.
    plateaus, count = label(top, np.ones((3,) * values.ndim))
    places = np.array(maximum_position(values, plateaus, np.arange(1, count + 1)), dtype=int)
    places = places[np.argsort(-values[tuple(places.T)], kind="stable")]
    means = np.column_stack([axis[places[:, j]] for j, axis in enumerate(grid.axes)])
    sigmas = np.array([_half_widths(grid, values, place) for place in places])
    return Peaks(means, sigmas * 2.0 / _FWHM)


def _half_widths(grid: Grid, values: Floats, place: NDArray[np.intp]) -> Floats:
    """Distance along each axis at which a function falls to half a peak, the nearer side's."""
    half = 0.5 * values[tuple(place)]
    widths = np.empty(len(grid.axes))
    for j, axis in enumerate(grid.axes):
        along = values[tuple(slice(None) if a == j else place[a] for a in range(len(place)))]
        below = np.flatnonzero(along <= half)
        nearest = np.abs(axis[below] - axis[place[j]])
        widths[j] = nearest.min() if nearest.size else 0.5 * np.ptp(axis)
    return widths

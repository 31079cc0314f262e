"""Points in the panels of a `MultiPlot`: histograms and dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.pyplot import get_cmap
from numpy.typing import NDArray

from mogfit.plotting.panels import PanelGrid
from mogfit.plotting.styles import line_options, split_options
from mogfit.plotting.surfaces import Limits

__all__ = [
    "default_bins",
    "outline_of",
    "paint_all_bars",
    "paint_bars",
    "paint_counts",
    "paint_dots",
    "paint_jitter",
]

Floats = NDArray[np.float64]

_BAR = {"color": "#b8c7d9", "histtype": "stepfilled", "zorder": 1}
# More dots than this make a drawing of lines slow and large.
_MOST_VECTOR_DOTS = 2000


def default_bins(count: int) -> int:
    """Bins along one axis for a number of points."""
    return min(50, max(10, count // 20))


def paint_counts(
    grid: PanelGrid, points: Floats, limits: Sequence[Limits], options: Mapping[str, Any]
) -> list[QuadMesh]:
    """Shade cells by how many points they hold, for each pair; cells without any stay blank."""
    images = []
    for i, j in combinations(range(grid.nvars), 2):
        settings: dict[str, Any] = {
            # Densities are those of the points in sight, if there are any.
            "density": _any_inside(points[:, [i, j]], limits[i], limits[j]),
            "range": [limits[i], limits[j]],
            "cmin": np.finfo(float).tiny,
            "zorder": -100,
            "rasterized": True,
        }
        settings.update(split_options(options)[0])
        if "norm" not in settings:
            settings.setdefault("vmin", 0.0)
        images.append(grid.pair(i, j).hist2d(points[:, i], points[:, j], **settings)[3])
    return images


def _any_inside(points: Floats, across: Limits, up: Limits) -> bool:
    low, high = np.array([across, up]).T
    return bool(((points >= low) & (points <= high)).all(axis=1).any())


def paint_all_bars(
    grid: PanelGrid, points: Floats, limits: Sequence[Limits], options: Mapping[str, Any]
) -> None:
    """Draw a histogram of every variable, on the diagonal."""
    for i in range(grid.nvars):
        paint_bars(grid, i, points[:, i], limits[i], options)


def paint_bars(
    grid: PanelGrid, i: int, x: Floats, limits: Limits, options: Mapping[str, Any]
) -> Any:
    """Draw a histogram of one variable as a density, which points out of sight are part of."""
    settings: dict[str, Any] = {**_BAR, **line_options(options)}
    if "cmap" in options and "color" not in options:
        settings["color"] = get_cmap(options["cmap"])(0.45)
    bins = settings.get("bins", default_bins(len(x)))
    if hasattr(bins, "__index__") and not {"density", "weights", "range"} & settings.keys():
        edges = np.linspace(*limits, int(bins) + 1)
        settings["bins"] = edges
        settings["weights"] = np.full(len(x), 1.0 / (len(x) * (edges[1] - edges[0])))
    elif "weights" not in settings:
        settings.setdefault("density", True)
    axes: Any = grid.single(i)
    heights, _, bars = axes.hist(x, **settings)
    grid.raise_top(i, bars=float(np.max(heights)))
    return bars[0]


def paint_dots(grid: PanelGrid, points: Floats, options: Mapping[str, Any]) -> list[PathCollection]:
    """Draw points for each pair of variables, smaller the more there are."""
    settings = _dots(len(points), options)
    return [
        grid.pair(i, j).scatter(points[:, i], points[:, j], **settings)
        for i, j in combinations(range(grid.nvars), 2)
    ]


def paint_jitter(axes: Axes, x: Floats, options: Mapping[str, Any]) -> PathCollection:
    """Draw points of one variable at heights that mean nothing, the same ones every time.

    Over the bars, and below the curves.
    """
    heights = np.random.default_rng(0).random(len(x))
    settings = {**_dots(len(x), options), "transform": axes.get_xaxis_transform()}
    if "zorder" not in options:
        settings["zorder"] = 3
    return axes.scatter(x, heights, **settings)


def _dots(count: int, options: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "s": float(np.clip(3000.0 / max(count, 1), 0.8, 9.0)),
        "zorder": 100,
        "rasterized": count > _MOST_VECTOR_DOTS,
    }
    if not {"c", "color", "facecolor", "facecolors"} & options.keys():
        # The first colour, whatever has been drawn before.
        settings["c"] = "C0"
    # Markers other than dots may consist of their edges.
    if not {"marker", "linewidths", "linewidth", "lw"} & options.keys():
        settings["linewidths"] = 0.0
    return {**settings, **options}


def outline_of(dots: PathCollection) -> dict[str, Any]:
    """Options of histograms as outlines in the colour of dots; dark where they have several."""
    colours = dots.get_facecolor()
    colour = to_rgba(colours[0], 1.0) if len(colours) == 1 else to_rgba("0.3")
    return {"histtype": "step", "color": colour, "linewidth": 1.0, "zorder": 3}

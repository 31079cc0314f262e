"""What is drawn in the panels of a figure; each painter adds one thing to one set of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from mogfit.algebra.regions import ellipse_points
from mogfit.density.marginal import Density
from mogfit.plotting.regions import curve_grid

__all__ = [
    "DATA_FILL",
    "INK",
    "LineStyle",
    "component_styles",
    "paint_component_curves",
    "paint_contours",
    "paint_counts",
    "paint_curve",
    "paint_dots",
    "paint_ellipses",
    "paint_histogram",
]

Floats = NDArray[np.float64]

# Okabe & Ito (2008), told apart with any colour vision; the yellow too pale for thin lines and the
# black that the whole density has are left out.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.4)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)))

INK = "#1a1a1a"
DATA_FILL = "#d4d4d4"
_DATA_DOT = "#7a7a7a"
_SHADES = LinearSegmentedColormap.from_list("mogfit_counts", ["#ebebeb", "#b9b9b9", "#6e6e6e"])


@dataclass(frozen=True)
class LineStyle:
    """Colour, dashes and width of the lines of one component, in every panel."""

    colour: str
    dashes: Any
    width: float


def component_styles(weights: Floats, *, ranked: bool = True) -> list[LineStyle]:
    """Styles of components: the heavier, the thicker; 24 differ, then they start anew.

    Colours go by weight, or by the numbers of the components where `ranked` is False.
    """
    order = np.argsort(-weights, kind="stable") if ranked else np.arange(len(weights))
    widths = 0.8 + 1.2 * np.sqrt(weights / weights.max())
    styles: list[Any] = [None] * len(weights)
    for rank, k in enumerate(order):
        dashes = _DASHES[rank // len(_COLOURS) % len(_DASHES)]
        styles[k] = LineStyle(_COLOURS[rank % len(_COLOURS)], dashes, float(widths[k]))
    return styles


def paint_dots(axes: Axes, x: Floats, y: Floats, weights: Floats | None) -> None:
    """Draw a few thousand points, smaller the more there are; areas follow the weights."""
    area = float(np.clip(3000.0 / max(len(x), 1), 0.8, 9.0))
    size: Any = area if weights is None else area * np.clip(weights / weights.mean(), 0.1, 6.0)
    axes.scatter(x, y, s=size, color=_DATA_DOT, linewidths=0, rasterized=True, zorder=1)


def paint_counts(axes: Axes, x: Floats, y: Floats, weights: Floats | None, bins: int) -> None:
    """Shade cells by the logarithm of how many points they hold; cells without any stay white."""
    extent = (*axes.get_xlim(), *axes.get_ylim())
    column = _cells(x, extent[0], extent[1], bins)
    row = _cells(y, extent[2], extent[3], bins)
    inside = (column >= 0) & (row >= 0)
    counts = np.bincount(
        row[inside] * bins + column[inside],
        None if weights is None else weights[inside] / weights.mean(),
        minlength=bins * bins,
    ).reshape(bins, bins)
    shades = np.ma.masked_equal(np.log1p(counts), 0.0)
    axes.imshow(
        shades,
        extent=extent,
        origin="lower",
        aspect="auto",
        cmap=_SHADES,
        vmin=0.0,
        interpolation="nearest",
        zorder=1,
    )


def _cells(values: Floats, low: float, high: float, bins: int) -> NDArray[np.intp]:
    """Number of the cell each value lies in, -1 outside."""
    scaled = (values - low) * (bins / (high - low))
    # Comparing first keeps values far outside from overflowing an integer.
    inside = (scaled >= 0.0) & (scaled < bins)
    return np.where(inside, scaled, -1.0).astype(np.intp)


def paint_contours(axes: Axes, mog: Density, levels: Floats, *, colour: str = INK) -> None:
    """Draw the borders of regions of highest density of a mixture of two variables."""
    points = _grid_points(axes, mog)
    x = curve_grid(mog, 0, *axes.get_xlim(), points)
    y = curve_grid(mog, 1, *axes.get_ylim(), points)
    density = mog.pdf_on_grid(x, y)
    # From the outermost in, as contour wants them; the outermost is the thinnest.
    ordered = np.unique(levels)
    widths = np.linspace(0.7, 1.5, len(ordered)) if len(ordered) > 1 else [1.2]
    ordered_inside = ordered < density.max()
    if ordered_inside.any():
        axes.contour(
            x,
            y,
            density,
            levels=ordered[ordered_inside],
            colors=colour,
            linewidths=np.asarray(widths)[ordered_inside],
            zorder=3,
        )


def _grid_points(axes: Axes, mog: Density) -> int:
    """Grid points a side with which the narrowest component is still smooth, within reason."""
    sides = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())])
    narrowest = np.sqrt(np.linalg.eigvalsh(mog.Sigmas / np.outer(sides, sides))[:, 0].min())
    return int(np.clip(3.0 / max(narrowest, 1e-9), 90, 300))


def paint_ellipses(axes: Axes, mog: Density, styles: Sequence[LineStyle]) -> None:
    """Draw the ellipse of one standard deviation of each component of two variables."""
    axes.add_collection(
        LineCollection(
            [ellipse_points(mu, Sigma) for mu, Sigma in zip(mog.mus, mog.Sigmas, strict=True)],
            colors=[style.colour for style in styles],
            linestyles=[style.dashes for style in styles],
            linewidths=[style.width for style in styles],
            zorder=4,
        ),
        autolim=False,
    )


def paint_histogram(axes: Axes, x: Floats, weights: Floats | None, bins: int) -> float:
    """Draw a histogram of all data as a density; return its highest value.

    Points outside the range of the axes count in the norm, so that the histogram can be compared
    with a density.
    """
    low, high = axes.get_xlim()
    counts, edges = np.histogram(x, bins=bins, range=(low, high), weights=weights)
    total = len(x) if weights is None else weights.sum()
    heights = counts / (total * (edges[1] - edges[0]))
    axes.stairs(heights, edges, fill=True, color=DATA_FILL, zorder=1)
    return float(heights.max())


def paint_curve(axes: Axes, mog: Density, *, colour: str = INK) -> float:
    """Draw the density of a mixture of one variable; return its highest value."""
    x = curve_grid(mog, 0, *axes.get_xlim(), 300)
    density = mog.pdf(x)
    axes.plot(x, density, color=colour, linewidth=1.4, zorder=3)
    return float(density.max())


def paint_component_curves(axes: Axes, mog: Density, styles: Sequence[LineStyle]) -> None:
    """Draw the share of each component in the density of one variable."""
    x = curve_grid(mog, 0, *axes.get_xlim(), 300)
    shares = mog.weights * np.exp(mog.component_logpdf(x))
    axes.add_collection(
        LineCollection(
            [np.stack([x, share], axis=1) for share in shares.T],
            colors=[style.colour for style in styles],
            linestyles=[style.dashes for style in styles],
            linewidths=[0.75 * style.width for style in styles],
            zorder=2,
        ),
        autolim=False,
    )

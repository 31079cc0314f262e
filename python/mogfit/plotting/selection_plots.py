"""The figure of a selection: the best fit, the criteria, and which component is likely where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.marginal import Density, marginal
from mogfit.density.protocol import Mixture
from mogfit.density.text import counted
from mogfit.plotting.regions import curve_grid, robust_range, subset
from mogfit.plotting.watermark import multimin_watermark, shows_watermark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mogfit.plotting.painters import LineStyle

__all__ = ["selection_figure", "widest_pair"]

Floats = NDArray[np.float64]

# More points than this are shaded by their number.
_MOST_DOTS = 5000
_MOST_POINTS = 1_000_000
_DRAWS = 40_000
# Cells along each side of the map of the most probable component.
_CELLS = 240
# The part of it, at each edge, that is too narrow for a number.
_RIM = 0.04
# Criteria: words, marker and dashes; greys, as colours are those of components.
_LOOKS = {
    "bic": ("BIC", "o", "solid", "#1a1a1a"),
    "aic": ("AIC", "s", (0, (4, 1.4)), "#8a8a8a"),
    "icl": ("ICL", "^", (0, (1.2, 1.2)), "#5a5a5a"),
    "cv": ("held out", "D", (0, (5, 1.2, 1.2, 1.2)), "#5a5a5a"),
}
_MARKERS = "os^Dv*"
# Criteria beyond so many times their median are cut off, at so many times the median.
_STEEP, _CUT = 12.0, 4.0
# Area of the ring around a minimum, and least width and height of a band with a number, in parts
# of the panel.
_RING = 150
_NUMBERED = (0.02, 0.13)


def selection_figure(
    mog: Mixture,
    points: NDArray[Any],
    weights: Floats | None,
    table: Sequence[Any],
    criterion: str,
    names: Sequence[str] | None = None,
    figsize: tuple[float, float] | None = None,
    n_fitted: int | None = None,
) -> Figure:
    """Draw the best mixture over its data, the criteria of all models, and a map of the components.

    Parameters
    ----------
    mog : Mixture
        The best one.
    points : ndarray of shape (N, V)
        Complete points.
    weights : ndarray of shape (N,) or None
        Their weights.
    table : sequence of Row
        The models, as a selection has them.
    criterion : str
        What chose: the name of a value of each row.
    names : sequence of str, optional
        Names of the variables.
    figsize : (float, float), optional
        Width and height in inches.
    n_fitted : int, optional
        How many points were fitted, where some of them cannot be drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from mogfit.plotting import painters

    figure = Figure(figsize=figsize or (12.0, 3.7), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    n_points = len(points)
    if len(points) > _MOST_POINTS:
        rows = subset(points, _MOST_POINTS, np.random.default_rng(0))
        points, weights = points[rows], None if weights is None else weights[rows]
    points = np.asarray(points, dtype=np.float64)
    shown = [0] if mog.nvars == 1 else list(widest_pair(mog))
    draws = mog.rvs(_DRAWS, rng=0)
    limits = [robust_range(draws[:, v], points[:, v], weights) for v in shown]
    part = marginal(mog, shown, within=np.array(limits).T)
    words = [_name(names or mog.names, v, mog.nvars) for v in shown]
    styles = painters.component_styles(mog.weights)
    if len(shown) == 1:
        _draw_curves(left, part, points[:, 0], weights, limits[0], styles)
        _stack(right, part, limits[0], styles)
        left.set(xlabel=words[0], ylabel="density")
        right.set(xlabel=words[0], ylabel="probability of each component")
    else:
        _draw_ellipses(left, part, points[:, shown], weights, limits, styles)
        _draw_map(right, part, limits, styles)
        for axes in (left, right):
            axes.set(xlabel=words[0], ylabel=words[1])
        right.set_title("most probable component", fontsize=10)
    ellipses = "" if len(shown) == 1 else " (ellipses: 1\N{GREEK SMALL LETTER SIGMA})"
    of_all = "" if n_fitted in (None, n_points) else f" of {n_fitted:,}"
    left.set_title(
        f"{n_points:,}{of_all} points, {counted(mog.ngauss, 'component')}{ellipses}", fontsize=10
    )
    _draw_criteria(middle, table, criterion)
    for axes in (left, middle, right):
        axes.tick_params(labelsize=9)
    if shows_watermark():
        multimin_watermark(right)
    return figure


def widest_pair(mog: Mixture) -> tuple[int, int]:
    """The two variables in which the components are farthest apart, the lower one first.

    By the trace of W^-1 B of each pair, W the mean covariance of the components and B that of
    their means (Fisher 1936; Rao 1948).
    """
    shares = mog.weights / mog.weights.sum()
    within = np.einsum("k,kij->ij", shares, mog.Sigmas)
    apart = mog.mus - shares @ mog.mus
    between = np.einsum("k,ki,kj->ij", shares, apart, apart)

    def separation(pair: tuple[int, int]) -> float:
        block = np.ix_(pair, pair)
        return float(np.trace(np.linalg.solve(within[block], between[block])))

    return max(combinations(range(mog.nvars), 2), key=separation)


def _name(names: Sequence[str] | None, variable: int, nvars: int) -> str:
    from mogfit.plotting.labels import drawable

    if names is not None:
        return drawable(names[variable])
    return "x" if nvars == 1 else f"x{variable}"


# -- one variable ----------------------------------------------------------------------------------


def _draw_curves(
    axes: Axes,
    density: Density,
    x: Floats,
    weights: Floats | None,
    limits: tuple[float, float],
    styles: Sequence[LineStyle],
) -> None:
    from mogfit.plotting import painters

    axes.set_xlim(limits)
    bins = int(np.clip(2.0 * len(x) ** (1 / 3), 10, 60))
    highest = painters.paint_histogram(axes, x, weights, bins)
    peak = painters.paint_curve(axes, density)
    # A needle of a component may leave the panel: it would flatten everything else.
    axes.set_ylim(0.0, 1.08 * max(highest, min(peak, 4.0 * highest) if highest else peak))
    axes.patches[-1].set_label("data")
    axes.lines[-1].set_label("best fit")
    axes.legend(frameon=False, fontsize=9)
    if density.ngauss > 1:
        painters.paint_component_curves(axes, density, styles)


def _probabilities(density: Density, logs: Floats) -> Floats:
    """Probability of each component, components last, from log densities without weights.

    NaN where there is no density: outside the domain.
    """
    logs = logs + np.log(density.weights, where=density.weights > 0, out=_floor(density.weights))
    highest = logs.max(axis=-1, keepdims=True)
    shares = np.exp(logs - np.where(np.isfinite(highest), highest, np.nan))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _floor(weights: Floats) -> Floats:
    return np.full(len(weights), -np.inf)


def _stack(
    axes: Axes, density: Density, limits: tuple[float, float], styles: Sequence[LineStyle]
) -> None:
    """Probabilities of the components stacked along the variable, from the lowest mean up."""
    x = curve_grid(density, 0, *limits, 600)
    order = np.argsort(density.mus[:, 0], kind="stable")
    shares = _probabilities(density, density.component_logpdf(x))
    bands = axes.stackplot(
        x,
        shares[:, order].T,
        colors=[_tint(styles[k], k_rank) for k, k_rank in zip(order, _ranks(density), strict=True)],
        edgecolor="white",
        linewidth=0.8,
    )
    for band, k in zip(bands, order, strict=True):
        band.set_label(f"component {k}")
    axes.set(xlim=limits, ylim=(0.0, 1.0))
    _number_bands(axes, x, shares[:, order], order)


def _ranks(density: Density) -> list[int]:
    """Place of each component by weight, in the order of their means."""
    place = np.empty(density.ngauss, dtype=int)
    place[np.argsort(-density.weights, kind="stable")] = np.arange(density.ngauss)
    return [int(rank) for rank in place[np.argsort(density.mus[:, 0], kind="stable")]]


def _tint(style: LineStyle, rank: int) -> Any:
    """Colour of a filled area: paler each time that the colours begin anew."""
    from matplotlib.colors import to_rgb

    pale = min(0.25 + 0.25 * (rank // 6), 0.8)
    return tuple(1.0 - (1.0 - channel) * (1.0 - pale) for channel in to_rgb(style.colour))


def _number_bands(axes: Axes, x: Floats, shares: Floats, order: NDArray[np.intp]) -> None:
    """Write the number of each component where its band is high, and wide enough for it."""
    tops = shares.cumsum(axis=1)
    for place, k in enumerate(order):
        share = shares[:, place]
        high = share >= max(0.85 * share.max(), _NUMBERED[1])
        width = (x[high][-1] - x[high][0]) / np.ptp(x) if high.any() else 0.0
        if width < _NUMBERED[0]:
            continue
        at = int(np.flatnonzero(high)[np.count_nonzero(high) // 2])
        axes.text(
            x[at], tops[at, place] - 0.5 * share[at], str(k),
            ha="center", va="center", fontsize=11, color="black",
        )  # fmt: skip


# -- two variables ---------------------------------------------------------------------------------


def _draw_ellipses(
    axes: Axes,
    density: Density,
    points: Floats,
    weights: Floats | None,
    limits: Sequence[tuple[float, float]],
    styles: Sequence[LineStyle],
) -> None:
    from mogfit.plotting import painters

    axes.set(xlim=limits[0], ylim=limits[1])
    x, y = points.T
    if len(points) > _MOST_DOTS:
        bins = int(np.clip(0.35 * len(points) ** 0.5, 24, 90))
        painters.paint_counts(axes, x, y, weights, bins)
    else:
        painters.paint_dots(axes, x, y, weights)
    painters.paint_ellipses(axes, density, styles)
    axes.set(xlim=limits[0], ylim=limits[1])


def _draw_map(
    axes: Axes,
    density: Density,
    limits: Sequence[tuple[float, float]],
    styles: Sequence[LineStyle],
) -> None:
    """The most probable component everywhere, the paler the less sure."""
    from matplotlib.patheffects import withStroke

    x, y = (low + (np.arange(_CELLS) + 0.5) / _CELLS * (high - low) for low, high in limits)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    logs = density.component_logpdf(grid)
    shares = _probabilities(density, logs)
    best = shares.argmax(axis=1)
    rank = np.argsort(np.argsort(-density.weights, kind="stable"), kind="stable")
    tints = np.array([_tint(style, int(r)) for style, r in zip(styles, rank, strict=True)])
    # From white, where all are as likely, to the full tint.
    even = 1.0 / density.ngauss
    sure = (shares.max(axis=1) - even) / (1.0 - even) if density.ngauss > 1 else shares[:, 0]
    colours = 1.0 - (1.0 - tints[best]) * (0.15 + 0.85 * sure)[:, None]
    nowhere = np.isnan(sure)
    colours[nowhere], best[nowhere] = 1.0, -1
    axes.imshow(
        colours.reshape(_CELLS, _CELLS, 3),
        extent=(*limits[0], *limits[1]),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    rim = int(_RIM * _CELLS)
    inner = np.pad(np.ones((_CELLS - 2 * rim,) * 2, dtype=bool), rim).ravel()
    for k in range(density.ngauss):
        cells = np.flatnonzero(best == k)
        if not cells.size:
            continue
        # Where it is the most probable, and densest, if it can be inside the panel.
        cells = cells[inner[cells]] if inner[cells].any() else cells
        at = grid[cells[logs[cells, k].argmax()]]
        axes.text(
            at[0], at[1], str(k), ha="center", va="center", fontsize=10, color="black",
            clip_on=True, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


# -- the criteria ----------------------------------------------------------------------------------


def _draw_criteria(axes: Axes, table: Sequence[Any], criterion: str) -> None:
    """Criteria above their lowest against the number of components, minima ringed."""
    from matplotlib.ticker import MaxNLocator

    structures = list(dict.fromkeys(row.covariance for row in table))
    heights: list[float] = []
    if len(structures) == 1:
        shown = ["bic", "aic", *([criterion] if criterion not in ("bic", "aic") else [])]
        for name in shown:
            label, marker, dashes, colour = _LOOKS[name]
            values = _values(table, name)
            heights += _draw_line(axes, table, values - _lowest(table, values), label, marker,
                                  dashes, colour)  # fmt: skip
        what = "criterion"
    else:
        from matplotlib import colormaps

        values = _values(table, criterion)
        lowest = _lowest(table, values)
        shades = colormaps["cividis"](np.linspace(0.0, 0.9, len(structures)))
        for place, name in enumerate(structures):
            rows = [k for k, row in enumerate(table) if row.covariance == name]
            heights += _draw_line(
                axes, [table[k] for k in rows], values[rows] - lowest, name,
                _MARKERS[place % len(_MARKERS)], "solid", shades[place],
            )  # fmt: skip
        what = _LOOKS[criterion][0]
    above = np.array([height for height in heights if math.isfinite(height)])
    top = float(above.max())
    middle = float(np.median(above))
    if top > _STEEP * middle > 0.0:
        top = _CUT * middle
    top = top or 1.0
    axes.set_ylim(-0.06 * top, 1.06 * top)
    for status, marker in (("failed", "x"), ("held by the penalty", "v")):
        numbers = sorted({row.ngauss for row in table if row.status == status})
        if numbers and len(structures) == 1:
            axes.plot(
                numbers, [0.98 * top] * len(numbers), marker, color="#8a8a8a", label=status,
                markerfacecolor="white", linestyle="none", markersize=5,
            )  # fmt: skip
    axes.set(xlabel="number of components", ylabel=f"{what} above its lowest value")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9)
    axes.set_title("lowest values ringed", fontsize=10)


def _values(table: Sequence[Any], name: str) -> Floats:
    return np.array([getattr(row, name) for row in table], dtype=np.float64)


def _lowest(table: Sequence[Any], values: Floats) -> float:
    """Lowest value of the fits that stand by themselves, if there are any."""
    sound = [row.status != "held by the penalty" for row in table]
    known = np.isfinite(values)
    kept = known & sound if (known & sound).any() else known
    return float(values[kept].min())


def _draw_line(
    axes: Axes,
    table: Sequence[Any],
    above: Floats,
    label: str,
    marker: str,
    dashes: Any,
    colour: Any,
) -> list[float]:
    """One criterion of the fits that stand by themselves, the lowest ringed; returns it."""
    counts = np.array([row.ngauss for row in table])
    held = np.array([row.status == "held by the penalty" for row in table])
    axes.plot(
        counts, np.where(held, np.nan, above), marker=marker, linestyle=dashes, color=colour,
        markersize=5, linewidth=1.3, label=label,
    )  # fmt: skip
    sound = np.where(np.isfinite(above) & ~held, above, np.inf)
    if sound.min() <= 0.0:
        place = int(sound.argmin())
        axes.scatter(
            counts[place], above[place], s=_RING, facecolors="none", edgecolors=colour,
            linewidths=1.4, zorder=4,
        )  # fmt: skip
    return [float(height) for height in above[~held]]

"""Figures of a fit to a function: values, model and what is left, as curves or as maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mogfit.algebra.regions import ellipse_points
from mogfit.density.protocol import Mixture
from mogfit.errors import DtypeError, scalar_message
from mogfit.plotting.painters import INK, LineStyle, component_styles
from mogfit.plotting.regions import curve_grid
from mogfit.plotting.watermark import multimin_watermark, shows_watermark
from mogfit.properties import parse_properties

__all__ = ["FunctionValues", "plot_curve", "plot_maps"]

Floats = NDArray[np.float64]
Options = Mapping[str, Any] | bool | None

_DATA = "#6b8fb5"
_MODEL = "#c1272d"

# Legends with more entries go beside the panel, and list so many components at most.
_BESIDE, _LISTED = 5, 12

# Default height of a figure is for so many rows of maps.
_ROWS = 2


class FunctionValues(NamedTuple):
    """What a fit to a function was made to.

    Attributes
    ----------
    points : ndarray of shape (N, V)
    values : ndarray of shape (N,)
        NaN where a value does not count.
    axes : tuple of V arrays, or None
        The grid that the points form, if they do,
    order : ndarray or None
        and which point stands at each place of it.
    """

    points: Floats
    values: Floats
    axes: tuple[Floats, ...] | None
    order: NDArray[np.intp] | None


def plot_curve(
    data: FunctionValues,
    mog: Mixture,
    scale: float,
    *,
    figsize: tuple[float, float] = (8, 5),
    xlabel: str | None = None,
    ylabel: str | None = None,
    n_curve: int = 300,
    sargs: Options = True,
    pargs: Options = True,
    hargs: Options = None,
    largs: Options = None,
    dargs: Options = None,
    residuals: bool = True,
    curve_options: Mapping[str, Any] | None = None,
) -> Figure:
    """Values of one variable, ``scale * mog.pdf``, its components, and the residuals below.

    What each argument draws says `FitFunctionMoG.plot_fit`.
    """
    order = np.argsort(data.points[:, 0], kind="stable")
    x, values = data.points[order, 0], data.values[order]
    # One panel, or the residuals in a flatter one below.
    fig, panels = plt.subplots(
        2 if residuals else 1,
        1,
        figsize=figsize,
        sharex=True,
        squeeze=False,
        layout="constrained",
        height_ratios=[3.5, 1] if residuals else [1],
    )
    axes: Axes = panels[0, 0]
    markers = _options(
        "sargs",
        sargs,
        {
            "marker": ".",
            "linestyle": "none",
            "color": _DATA,
            "markersize": _dot(x),
            "label": "data",
        },
    )
    if markers is not None:
        axes.plot(x, values, **markers)
    steps = _options("hargs", hargs, {"where": "mid", "color": _DATA, "linewidth": 0.8})
    if steps is not None:
        if markers is None:
            steps.setdefault("label", "data")
        axes.step(x, values, **steps)
    low, high = float(x[0]), float(x[-1])
    density: Any = mog
    grid = curve_grid(density, 0, low, high, n_curve)
    lines = _options("dargs", dargs, {})
    if lines is not None:
        _draw_components(axes, grid, mog, scale, lines)
    curve = _options(
        "pargs", pargs, {"color": _MODEL, "linewidth": 1.6, "label": "fit", "zorder": 4}
    )
    if curve is not None:
        axes.plot(grid, scale * np.asarray(mog.pdf(grid)), **(curve | dict(curve_options or {})))
    axes.axhline(0.0, color=INK, linewidth=0.5, alpha=0.4, zorder=0)
    axes.set_ylabel("" if ylabel is None else ylabel)
    axes.margins(x=0.02)
    _add_legend(axes, _options("largs", largs, {}) or {})
    if residuals:
        below: Axes = panels[1, 0]
        left = values - scale * np.asarray(mog.pdf(x))
        below.axhline(0.0, color=_MODEL, linewidth=1.0)
        below.plot(x, left, ".", color=_DATA, markersize=0.8 * _dot(x))
        below.set_ylabel("residuals")
        reach = _reach(left)
        below.set_ylim(-1.15 * reach, 1.15 * reach)
    panels[-1, 0].set_xlabel("" if xlabel is None else xlabel)
    return _signed(fig, axes)


def _signed(fig: Figure, axes: Axes) -> Figure:
    """The figure, with the watermark at the right of some axes where the user wants it."""
    if shows_watermark():
        fig.canvas.draw()  # sizes are known then
        multimin_watermark(axes)
    return fig


def _options(name: str, given: Options, defaults: dict[str, Any]) -> dict[str, Any] | None:
    """Options over defaults; None where nothing is to be drawn."""
    if given is None or given is False:
        return None
    if given is True:
        return dict(defaults)
    if not isinstance(given, Mapping):
        raise DtypeError(scalar_message(name, given, "True, None, or a dict of options"))
    chosen = dict(given)
    for short, long in (("c", "color"), ("lw", "linewidth"), ("ls", "linestyle")):
        if short in chosen:
            chosen[long] = chosen.pop(short)
    if name == "sargs":
        # Areas, as of a scatter plot, and short names of lines.
        if "s" in chosen:
            chosen["markersize"] = float(np.sqrt(chosen.pop("s")))
        if "ms" in chosen:
            chosen["markersize"] = chosen.pop("ms")
    return defaults | chosen


def _dot(x: Floats) -> float:
    """Size of the markers: smaller the more there are."""
    return float(np.clip(90.0 / np.sqrt(len(x)), 2.0, 7.0))


def _reach(left: Floats) -> float:
    finite = np.abs(left[np.isfinite(left)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _draw_components(
    axes: Axes, grid: Floats, mog: Mixture, scale: float, options: dict[str, Any]
) -> None:
    shares = scale * mog.weights * np.exp(mog.component_logpdf(grid))
    for k, style in enumerate(component_styles(mog.weights)):
        line: dict[str, Any] = {
            "color": style.colour,
            "linestyle": "--" if style.dashes == "solid" else style.dashes,
            "linewidth": 1.2,
            "label": _label(mog, k),
        }
        axes.plot(grid, shares[:, k], **(line | options))


def _label(mog: Mixture, k: int) -> str | None:
    """Mean and standard deviation of a component, the heaviest ones being listed."""
    if k >= _LISTED:
        more = mog.ngauss - _LISTED
        return f"and {more} more" if k == _LISTED and more else None
    return rf"{k + 1}: $\mu$={mog.mus[k, 0]:.3g}, $\sigma$={mog.sigmas[k, 0]:.3g}"


def _add_legend(axes: Axes, options: dict[str, Any]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    place = beside if len(handles) > _BESIDE and "loc" not in options else {}
    chosen: dict[str, Any] = {"frameon": False, "fontsize": "small"} | place | options
    axes.legend(handles, labels, **chosen)


# -- maps ----------------------------------------------------------------------------------------


class _Map(NamedTuple):
    """What is shown of a pair of variables: values on a grid, or at points."""

    x: Floats
    y: Floats
    values: Floats
    model: Floats


def plot_maps(
    data: FunctionValues,
    mog: Mixture,
    scale: float,
    *,
    figsize: tuple[float, float] = (8, 5),
    labels: tuple[str | None, str | None] = (None, None),
    properties: Any = None,
    pargs: Options = True,
    largs: Options = None,
    dargs: Options = None,
    residuals: bool = True,
    map_options: Mapping[str, Any] | None = None,
) -> Figure:
    """Maps of values, model and residuals over each pair of variables, and model against values.

    In more than two variables a map shows means over the others, which needs a grid; points that
    form none are shown as dots where there are two variables, else only against the model.
    `figsize` is for two rows.
    """
    nvars = data.points.shape[1]
    names = _names(properties, nvars, labels)
    model = scale * np.asarray(mog.pdf(data.points))
    pairs = list(combinations(range(nvars), 2)) if nvars == 2 or data.axes is not None else []
    colours = _options("pargs", pargs, {"cmap": "viridis"}) or {"cmap": "viridis"}
    colours |= dict(map_options or {})
    lines = _options("dargs", dargs, {})
    if len(pairs) == 1:
        kinds = ["data", "fit", "residuals"] if residuals else ["data", "fit"]
        fig, panels = plt.subplots(
            2 if residuals else 1,
            2,
            figsize=figsize,
            squeeze=False,
            layout="constrained",
        )
        _draw_pair(fig, panels.ravel()[: len(kinds)], kinds, _map_of(data, model, 0, 1), colours)
        _label_pair(panels.ravel()[: len(kinds)], names, 0, 1)
        if lines is not None:
            _draw_ellipses(panels.ravel()[:2], mog, (0, 1), lines)
        if residuals:
            _draw_agreement(panels[1, 1], data.values, model, _options("largs", largs, {}) or {})
        return _signed(fig, panels[-1, 1])
    kinds = ["data", "fit", "residuals"] if residuals else ["data", "fit"]
    rows = len(pairs) + 1
    fig = plt.figure(figsize=(figsize[0], figsize[1] * rows / _ROWS), layout="constrained")
    cells = fig.add_gridspec(rows, len(kinds))
    for row, (i, j) in enumerate(pairs):
        panels = np.array([fig.add_subplot(cells[row, column]) for column in range(len(kinds))])
        _draw_pair(fig, panels, kinds, _map_of(data, model, i, j), colours)
        _label_pair(panels, names, i, j)
        rest = ", ".join(name for a, name in enumerate(names) if a not in (i, j))
        panels[0].set_title(f"data, mean over {rest}", fontsize="medium")
        if lines is not None:
            _draw_ellipses(panels[:2], mog, (i, j), lines)
    agreement = fig.add_subplot(cells[rows - 1, :])
    _draw_agreement(agreement, data.values, model, _options("largs", largs, {}) or {})
    return _signed(fig, agreement)


def _names(properties: Any, nvars: int, labels: tuple[str | None, str | None]) -> list[str]:
    """Labels of the variables."""
    names = [entry["label"] for entry in parse_properties(properties, nvars).values()]
    for j, label in enumerate(labels):
        if label is not None:
            names[j] = label
    return names


def _map_of(data: FunctionValues, model: Floats, i: int, j: int) -> _Map:
    """Values and model over variables i and j, means over the others."""
    if data.axes is None or data.order is None:
        return _Map(data.points[:, i], data.points[:, j], data.values, model)
    others = tuple(a for a in range(len(data.axes)) if a not in (i, j))
    values, fitted = data.values[data.order], model[data.order]
    counts = np.isfinite(values)
    number = np.maximum(counts.sum(axis=others), 1)
    # The model over the very points that count, so that residuals are those of the fit.
    mean = np.where(counts, values, 0.0).sum(axis=others) / number
    mean_model = np.where(counts, fitted, 0.0).sum(axis=others) / number
    empty = ~counts.any(axis=others)
    return _Map(
        data.axes[i],
        data.axes[j],
        np.where(empty, np.nan, mean),
        mean_model if others else fitted,
    )


def _draw_pair(
    fig: Figure, panels: NDArray[Any], kinds: Sequence[str], shown: _Map, colours: dict[str, Any]
) -> None:
    low = float(min(np.nanmin(shown.values), shown.model.min()))
    high = float(max(np.nanmax(shown.values), shown.model.max()))
    reach = _reach(shown.values - shown.model)
    for panel, kind in zip(panels, kinds, strict=True):
        if kind == "residuals":
            artist = _paint(
                panel,
                shown,
                shown.values - shown.model,
                {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach},
            )
        else:
            artist = _paint(
                panel,
                shown,
                shown.values if kind == "data" else shown.model,
                {"vmin": low, "vmax": high} | colours,
            )
        fig.colorbar(artist, ax=panel)
        panel.set_title(kind, fontsize="medium")


def _paint(axes: Axes, shown: _Map, values: Floats, options: dict[str, Any]) -> Any:
    if values.ndim == 2:
        return axes.pcolormesh(
            shown.x,
            shown.y,
            np.ma.masked_invalid(values).T,
            shading="nearest",
            rasterized=True,
            **options,
        )
    return axes.scatter(
        shown.x, shown.y, c=values, s=_dot(shown.x) ** 2, linewidths=0, rasterized=True, **options
    )


def _label_pair(panels: NDArray[Any], names: Sequence[str], i: int, j: int) -> None:
    for panel in panels:
        panel.set_xlabel(names[i])
        panel.set_ylabel(names[j])


def _draw_ellipses(
    panels: NDArray[Any], mog: Mixture, pair: tuple[int, int], options: dict[str, Any]
) -> None:
    """The ellipse of one standard deviation of each component, without moving the limits."""
    styles: list[LineStyle] = component_styles(mog.weights)
    at = np.array(pair)
    for panel in panels:
        limits = panel.get_xlim(), panel.get_ylim()
        for k, style in enumerate(styles):
            line: dict[str, Any] = {
                "color": "white",
                "linestyle": "-",
                "linewidth": style.width,
            } | options
            x, y = ellipse_points(mog.mus[k, at], mog.Sigmas[k][np.ix_(at, at)]).T
            panel.plot(x, y, **line)
        panel.set_xlim(limits[0])
        panel.set_ylim(limits[1])


def _draw_agreement(axes: Axes, values: Floats, model: Floats, options: dict[str, Any]) -> None:
    """The model against the values, and the line on which they agree."""
    counted = np.isfinite(values)
    axes.plot(
        values[counted], model[counted], ".", color=_DATA, markersize=_dot(values), rasterized=True
    )
    ends = [float(values[counted].min()), float(values[counted].max())]
    axes.plot(ends, ends, color=_MODEL, linewidth=1.2, label="fit = data")
    axes.set_xlabel("data")
    axes.set_ylabel("fit")
    axes.legend(**({"frameon": False, "fontsize": "small", "loc": "upper left"} | options))

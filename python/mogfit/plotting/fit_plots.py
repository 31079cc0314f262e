"""Figures of a fit: the mixture over its data, and how well the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mogfit.data import as_points
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError
from mogfit.plotting.multiplot import MultiPlot, closed_on_error
from mogfit.plotting.view import sample_spans
from mogfit.plotting.watermark import multimin_watermark, shows_watermark
from mogfit.properties import parse_properties

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_fit", "qq_plot"]

_DOT, _EDGE, _LINE = "#9ecae1", "#3182bd", "#d62728"


def plot_fit(
    mog: Mixture,
    data: Any,
    N: int = 10000,
    figsize: float = 2,
    properties: Any = None,
    ranges: Sequence[Any] | None = None,
    hargs: Mapping[str, Any] | None = None,
    sargs: Mapping[str, Any] | None = None,
    pargs: Mapping[str, Any] | bool | None = True,
    cargs: Mapping[str, Any] | None = None,
    marginals: bool = False,
) -> MultiPlot:
    """Draw a fitted mixture and the data it was fitted to.

    Parameters
    ----------
    mog : Mixture
        The fit.
    data : array_like of shape (N, V), or (N,) for one variable
        What it was fitted to.
    N : int, default 10000
        Points to draw from the fit for histograms of several variables.
    figsize : float, default 2
        Size of a panel, in inches.
    properties, ranges
        As for `plot_pdf`; by default panels show what the data span.
    hargs : dict, optional
        Draw histograms, with these options of matplotlib's ``hist2d`` or ``hist``: of the data
        where there is one variable, of points drawn from the fit where there are several.
    sargs : dict, optional
        Draw the data as dots, with these options of matplotlib's ``scatter``.
    pargs : dict or bool, default True
        Draw the density of the fit, with these options of `MultiPlot.mog_pdf`; None or False does
        not.
    cargs : dict, optional
        Draw contours of the fit, with these options of `MultiPlot.mog_contour`.
    marginals : bool, default False
        Whether to show each variable alone, on the diagonal.

    Returns
    -------
    MultiPlot
    """
    points = np.asarray(as_points(data, nvars=mog.nvars, names=mog.names).values, dtype=float)
    named = parse_properties(properties, mog.nvars, ranges, names=mog.names)
    for entry, (low, high) in zip(named.values(), sample_spans(points), strict=True):
        if entry["range"] is None:
            entry["range"] = [low, high]
    with closed_on_error(MultiPlot(named, figsize=figsize, marginals=marginals)) as plot:
        if hargs is not None:
            plot.sample_hist(points if mog.nvars == 1 else mog.rvs(N), **hargs)
        if pargs is not None and pargs is not False:
            plot.mog_pdf(mog, **({} if pargs is True else pargs))
        if cargs is not None:
            plot.mog_contour(mog, **cargs)
        if sargs is not None:
            plot.sample_scatter(points, **sargs)
    return plot


def qq_plot(
    observed: ArrayLike,
    simulated: ArrayLike,
    ks_dist: float,
    r2_identity: float,
    figsize: float = 5,
    ax: Axes | None = None,
    plot_line: bool = True,
    title: str | None = "Q-Q Plot",
) -> tuple[Figure, Axes]:
    """Draw quantiles of what was observed against those of what a fit predicts.

    Both are values of S = -2 log p(x), of the data and of points drawn from the fit: of a perfect
    fit the points lie on the diagonal.

    Parameters
    ----------
    observed : array_like of shape (N,)
        Values at the data, in any order.
    simulated : array_like of shape (N,)
        As many quantiles of the values at draws, at equally spaced percentages from 0 to 100.
    ks_dist : float
        Kolmogorov-Smirnov distance, written into the figure.
    r2_identity : float
        Coefficient of determination of the diagonal, written into the legend.
    figsize : float, default 5
        Width and height of a new figure, in inches.
    ax : Axes, optional
        Where to draw instead.
    plot_line : bool, default True
        Whether to draw the diagonal.
    title : str, optional

    Returns
    -------
    figure : matplotlib.figure.Figure
    ax : matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the two have not the same length.
    """
    import matplotlib.pyplot as plt

    y = np.sort(np.asarray(observed, dtype=np.float64).ravel())
    x = np.sort(np.asarray(simulated, dtype=np.float64).ravel())
    if x.shape != y.shape or not x.size:
        raise InputError(
            f"simulated: {x.size} quantiles seen for {y.size} observed values; allowed: as many, "
            "at least one"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(figsize, figsize), layout="constrained")
    figure: Any = ax.figure
    ax.scatter(
        x, y, s=30, color=_DOT, edgecolors=_EDGE, linewidths=0.5, zorder=2,
        rasterized=x.size > 2000, label=f"data against model ($R^2$ = {r2_identity:.4f})",
    )  # fmt: skip
    if plot_line:
        ends = [min(x[0], y[0]), max(x[-1], y[-1])]
        ax.plot(
            ends, ends, color=_LINE, linestyle="--", linewidth=1.4, zorder=3, label="perfect fit"
        )
    ax.set_xlabel("quantiles of the model, $-2\\,\\log\\,p$")
    ax.set_ylabel("quantiles of the data, $-2\\,\\log\\,p$")
    if title:
        ax.set_title(title)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left")
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.6"}
    ax.text(
        0.96, 0.04, f"$D_{{KS}}$ = {ks_dist:.4f}", transform=ax.transAxes, ha="right", va="bottom",
        bbox=box, zorder=4,
    )  # fmt: skip
    if shows_watermark():
        multimin_watermark(ax)
    return figure, ax

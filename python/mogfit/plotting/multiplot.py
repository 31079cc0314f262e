"""`MultiPlot`: one panel for each pair of variables, for samples and mixtures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.base import MultiMinBase
from mogfit.data import as_points
from mogfit.errors import InputError, scalar_message
from mogfit.plotting import samples
from mogfit.plotting.layers import ContourLayer, DensityLayer
from mogfit.plotting.legends import Keys, component_handles, component_texts
from mogfit.plotting.panels import PanelGrid
from mogfit.plotting.styles import contour_options, line_options, split_options
from mogfit.plotting.surfaces import (
    check_grid_size,
    check_mass,
    check_mixture,
    check_projection,
)
from mogfit.plotting.view import View
from mogfit.plotting.watermark import multimin_watermark, shows_watermark
from mogfit.properties import parse_properties

__all__ = ["MultiPlot", "closed_on_error"]

Floats = NDArray[np.float64]


class MultiPlot(MultiMinBase):
    """A figure with a panel for each pair of variables, or one panel for one variable.

    Samples and mixtures are drawn into all panels at once, and over each other. With `marginals`
    the diagonal shows each variable alone.

    Parameters
    ----------
    properties : dict, or sequence of str
        Names of the variables; of a dict, the entries are ``dict(label=..., range=...)``, what is
        written on the axes and what is shown, None for what is drawn.
    figsize : float, default 3
        Size of a panel, in inches; a figure of one variable is half as wide again.
    fontsize : float, default 10
        Of the labels; the numbers at the ticks are a little smaller.
    direction : {"out", "in", "inout"}, default "out"
        Of the ticks.
    marginals : bool, default False
        Whether to show each variable alone, on the diagonal.

    Attributes
    ----------
    fig : matplotlib.figure.Figure
        Made with pyplot: notebooks show it.
    axs : ndarray of Axes of shape (M, M)
        Those above the diagonal are empty.
    axp : dict of dict of Axes
        ``axp[a][b]`` is the panel of the variables a and b, ``axp[a][a]`` that of a alone.
    properties : list of str
        Names of the variables.
    dproperties : dict
        Their labels and ranges.
    N, M : int
        Number of variables, and of panels along a side: N with `marginals`, else N - 1.
    fw, fs : float
        `figsize` and `fontsize`.
    marginals, single, constrained : bool
        As given; whether there is only one panel; that margins follow the words, always True.
    data : array_like or None
        The sample that was drawn last.

    Raises
    ------
    InputError
        If there is no property, or a range is not (low, high).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import mogfit as mn
    >>> from mogfit.plotting import MultiPlot
    >>> mog = mn.MixtureOfGaussians(mus=[[0, 0], [3, 1]], Sigmas=[[[1, 0], [0, 1]]] * 2)
    >>> plot = MultiPlot(["x", "y"], marginals=True)
    >>> plot.mog_pdf(mog)
    >>> dots = plot.sample_scatter(mog.rvs(500, rng=1), color="k")
    >>> plot.axp["x"]["y"].get_xlabel(), plot.axs.shape
    ('x', (2, 2))
    """

    def __init__(
        self,
        properties: Any,
        figsize: float = 3,
        fontsize: float = 10,
        direction: str = "out",
        marginals: bool = False,
    ) -> None:
        for name, value in (("figsize", figsize), ("fontsize", fontsize)):
            if not (isinstance(value, (int, float, np.number)) and 0 < value < np.inf):
                raise InputError(scalar_message(name, value, "a number > 0"))
        count = len(properties) if hasattr(properties, "__len__") else 0
        if not count:
            raise InputError(scalar_message("properties", properties, "at least one name"))
        self.dproperties = parse_properties(properties, count)
        self.properties = list(self.dproperties)
        self.data: Any = None
        self.N = count
        self.marginals = bool(marginals)
        self.fw, self.fs = figsize, fontsize
        self.constrained = True
        self._univariate = count == 1
        self._grid = PanelGrid(
            [str(entry["label"]) for entry in self.dproperties.values()],
            side=float(figsize),
            fontsize=float(fontsize),
            direction=direction,
            marginals=self.marginals,
        )
        self.fig, self.axs, self.M = self._grid.figure, self._grid.axs, self._grid.rows
        self.single = self.M == 1
        self.axp = self._grid.by_name(self.properties)
        self._twin_axes = {
            name: self.axp[name][name] for name in self.properties if name in self.axp[name]
        }
        self._ax_twin: Any = None
        self._watermark_added = False
        self._keys = Keys(self._grid)
        self._view = View(self._grid, self.dproperties)

    def __repr__(self) -> str:
        on_diagonal = ", marginals=True" if self.marginals else ""
        return f"MultiPlot({self.properties}{on_diagonal})"

    # -- samples ---------------------------------------------------------------------------------

    def sample_hist(
        self,
        data: Any,
        colorbar: bool = False,
        *,
        margs: Mapping[str, Any] | None = None,
        **args: Any,
    ) -> list[Any]:
        """Draw histograms of a sample: shaded cells for pairs, bars for single variables.

        Parameters
        ----------
        data : array_like of shape (N, V), or (N,) for one variable; or table
            The points.
        colorbar : bool, default False
            Whether to explain the shades.
        margs : dict, optional
            Options of matplotlib's ``hist`` for the diagonal.
        **args
            Options of matplotlib's ``hist2d`` (``bins``, ``cmap``, ``density``, ...), or of
            ``hist`` for one variable. By default densities, in min(50, max(10, N / 20)) bins; cells
            without points are left blank.

        Returns
        -------
        list of QuadMesh
            One for each pair; empty for one variable.
        """
        points = self._take(data)
        bins = samples.default_bins(len(points))
        if self._univariate:
            options = {"label": "sample histogram", "bins": bins, **args}
            bars = samples.paint_bars(self._grid, 0, points[:, 0], self._view.limits[0], options)
            self._finish("density", {options["label"]: bars})
            return []
        options = {"bins": bins, **args}
        if self.marginals:
            own = {"bins": options["bins"], **(margs or {})}
            samples.paint_all_bars(self._grid, points, self._view.limits, own)
        images = samples.paint_counts(self._grid, points, self._view.limits, options)
        if colorbar:
            word = "sample density" if args.get("density", True) else "points"
            self._keys.add_bar(images[0], word, absolute=self.single)
        self._finish()
        return images

    def sample_scatter(
        self, data: Any, nbins: int = 20, *, margs: Mapping[str, Any] | None = None, **args: Any
    ) -> list[Any]:
        """Draw a sample as dots: over each other for pairs, at random heights for one variable.

        Parameters
        ----------
        data : array_like of shape (N, V), or (N,) for one variable; or table
            The points.
        nbins : int, default 20
            Bins of the histograms on the diagonal.
        margs : dict, optional
            Options of matplotlib's ``hist`` for the diagonal. By default outlines in the colour of
            the dots, none where `sample_hist` has drawn the same data.
        **args
            Options of matplotlib's ``scatter``.

        Returns
        -------
        list of PathCollection
            One for each pair, or one.
        """
        again = data is self.data
        points = self._take(data)
        if self._univariate:
            options = {"label": "sample", **args}
            if self._ax_twin is None:
                label = next(iter(self.dproperties.values()))["label"]
                self._ax_twin = self._grid.add_twin(f"sample {label}")
            dots = samples.paint_jitter(self.axs[0, 0], points[:, 0], options)
            self._finish(None, {options["label"]: dots})
            return [dots]
        clouds = samples.paint_dots(self._grid, points, args)
        if self.marginals and (margs is not None or not again):
            own = {"bins": nbins, **samples.outline_of(clouds[0]), **(margs or {})}
            samples.paint_all_bars(self._grid, points, self._view.limits, own)
        self._finish()
        return clouds

    def _take(self, data: Any) -> Floats:
        """Check a sample, and show all of it."""
        points = np.asarray(as_points(data, nvars=self.N).values, dtype=np.float64)
        self.data = data
        self._view.include_sample(points)
        return points

    # -- mixtures --------------------------------------------------------------------------------

    def mog_pdf(
        self,
        mog: Any,
        grid_size: int = 200,
        *,
        colorbar: bool = False,
        margs: Mapping[str, Any] | None = None,
        projection: str = "slice",
        **args: Any,
    ) -> None:
        """Draw the density of a mixture: shades for pairs, a curve for a single variable.

        Parameters
        ----------
        mog : MixtureOfGaussians or FitMoG
            The mixture, in as many variables as there are properties.
        grid_size : int, default 200
            Cells along each side of a panel.
        colorbar : bool, default False
            Whether to explain the shades.
        margs : dict, optional
            Options of the curves on the diagonal, the density of each variable alone.
        projection : {"slice", "marginal"}, default "slice"
            What a panel shows where there are more than two variables: the density with the others
            at the weighted mean of the means (brought into the domain), or with the others
            integrated out, exactly, within the domain.
        **args
            Options of matplotlib's ``pcolormesh`` (``cmap``, ``vmin``, ``alpha``, ...), or of
            ``plot`` for one variable.
        """
        shades, line = split_options(args)
        curve = {**line_options(line), **(margs or {})}
        if self._univariate:
            curve = {"label": "PDF", "linewidth": 2.0, **line_options(args), **(margs or {})}
        mixture = self._view.snapshot(check_mixture(mog, self.N))
        layer = DensityLayer(
            mixture, check_grid_size(grid_size), check_projection(projection), shades, curve
        )
        self._view.add(layer)
        if self._univariate:
            self._finish("density", {curve["label"]: layer.lines[0]})
            return
        if colorbar and layer.meshes:
            absolute = self.single or bool({"norm", "vmax"} & shades.keys())
            layer.bar = self._keys.add_bar(layer.meshes[0], "density", absolute=absolute)
        self._finish()

    def mog_contour(
        self,
        mog: Any,
        grid_size: int = 200,
        *,
        levels: Any = None,
        mass: Any = None,
        decomp: bool = False,
        legend: bool = True,
        margs: Mapping[str, Any] | None = None,
        projection: str = "slice",
        **args: Any,
    ) -> None:
        """Draw contours of the density of a mixture, or of each of its components.

        Parameters
        ----------
        mog : MixtureOfGaussians or FitMoG
            The mixture, in as many variables as there are properties.
        grid_size : int, default 200
            Points along each side of a panel.
        levels : int or sequence of float, optional
            How many contours there are between 10 % and 95 % of the highest density of a panel, 5
            by default; or the densities themselves.
        mass : float or sequence of float, optional
            In place of levels: the probability inside each contour, in the smallest region that
            holds it. 0.39 and 0.86 are those of one and two standard deviations of a single
            Gaussian. In a slice they are shares of what the slice holds.
        decomp : bool, default False
            Whether to draw each component alone, in a colour of its own.
        legend : bool, default True
            Whether to explain colours of components, and contours of given mass.
        margs : dict, optional
            Options of the curves on the diagonal.
        projection : {"slice", "marginal"}, default "slice"
            As in `mog_pdf`.
        **args
            Options of matplotlib's ``contour`` (``cmap``, ``alpha``, ``linewidths``, ...);
            ``linewidth``, ``linestyle`` and ``color`` are understood too.

        Notes
        -----
        Highest-density regions follow Hyndman (1996), "Computing and graphing highest density
        regions", section 3.2.
        """
        if levels is not None and mass is not None:
            raise InputError("levels: given together with mass; give one of them")
        mixture = self._view.snapshot(check_mixture(mog, self.N))
        shares = None if mass is None else check_mass(mass)
        known = any(layer.mog is mixture and layer.lines for layer in self._view.layers)
        curve = None if self._univariate or (known and margs is None) else dict(margs or {})
        count, projection = check_grid_size(grid_size), check_projection(projection)
        layer = ContourLayer(
            mixture, count, projection, contour_options(args), curve,
            levels=levels, mass=shares, decomp=bool(decomp),
        )  # fmt: skip
        self._view.add(layer)
        if legend and decomp:
            handles, words = component_handles(layer.styles), component_texts(mixture)
            if self._univariate:
                self._finish("density", dict(zip(words[-1], handles, strict=True)))
            else:
                self._keys.add_legend(handles, words)
        elif legend and shares is not None and not self._univariate:
            self._keys.add_legend(*layer.mass_key())
        self._finish()

    def _finish(self, word: str | None = None, drawn: Mapping[str, Any] | None = None) -> None:
        """What follows every drawing: limits, the legend of one variable, the watermark."""
        self._view.place()
        if word is not None:
            self.axs[0, 0].set_ylabel(word, fontsize=self.fs)
        if drawn:
            self._keys.explain_one(drawn)
        if shows_watermark() and not self._watermark_added:
            first = self.axs[0, 0]
            height = first.get_window_extent().height / self.fig.dpi
            # Letters of six points at least.
            self._watermark: Any = multimin_watermark(first, frac=max(0.25, 0.75 / height))
            self._watermark_added = True
            self._grid.keep_clear(self._watermark)
        if self._watermark_added and self._ax_twin is not None:
            self._ax_twin.yaxis.labelpad = self._watermark.get_fontsize() + 6.0

    # -- ranges and words ------------------------------------------------------------------------

    def set_ranges(self) -> None:
        """Show the ranges in `dproperties`, and of other variables all that has been drawn."""
        self._view.apply()

    def reset_ranges(self) -> None:
        """Show the samples, whatever the ranges were: these become what the samples span."""
        self._view.reset()

    def set_labels(self, **args: Any) -> None:
        """Write the labels of the axes again; `args` are options of matplotlib's texts."""
        self._grid.write_labels(**args)

    def set_tick_params(self, **args: Any) -> None:
        """Pass `args` on to matplotlib's ``tick_params`` in every panel."""
        for axes in self.axs.flat:
            if axes.axison:
                axes.tick_params(**args)

    def tight_layout(self) -> None:
        """Fit the margins to the words now; it is also done whenever the figure is drawn."""
        self._grid.layout.execute(self.fig)


@contextmanager
def closed_on_error(plot: MultiPlot) -> Iterator[MultiPlot]:
    """Leave no half-drawn figure behind that a notebook would show, should drawing fail."""
    import matplotlib.pyplot as plt

    try:
        yield plot
    except BaseException:
        plt.close(plot.fig)
        raise

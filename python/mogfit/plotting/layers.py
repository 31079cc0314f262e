"""Mixtures in the panels of a `MultiPlot`: shaded densities, contours and curves.

A layer keeps what it has drawn, so that it can be drawn again when the panels come to show more.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.pyplot import get_cmap
from numpy.typing import NDArray

from mogfit.density.marginal import Density
from mogfit.density.protocol import Mixture
from mogfit.plotting.painters import LineStyle, component_styles
from mogfit.plotting.panels import PanelGrid
from mogfit.plotting.surfaces import (
    Densities,
    Limits,
    contour_levels,
    curve,
    inside,
)

__all__ = ["ContourLayer", "DensityLayer", "Layer"]

Floats = NDArray[np.float64]

_CURVE = {"color": "k", "linewidth": 1.4, "zorder": 5}
# Contours are thin enough to lie over dots.
_CONTOUR = {"linewidths": 1.2, "zorder": 110, "cmap": "Reds"}


class Layer:
    """A mixture in all panels.

    Parameters
    ----------
    mog : Mixture
        One that does not change.
    count : int
        Points along each side of a panel.
    projection : {"slice", "marginal"}
        What the panels of pairs show.
    options : mapping
        For what is drawn there.
    line : mapping or None
        For the curves in the panels of single variables; None draws none.

    Attributes
    ----------
    artists : list of Artist
        What it has drawn.
    lines : list of Line2D
        The curves among them.
    """

    def __init__(
        self,
        mog: Mixture,
        count: int,
        projection: str,
        options: Mapping[str, Any],
        line: Mapping[str, Any] | None,
    ) -> None:
        self.mog, self._count, self._projection = mog, count, projection
        self._options, self._line = dict(options), line
        self._painted: list[Limits] | None = None
        self.artists: list[Artist] = []
        self.lines: list[Line2D] = []

    def paint(self, grid: PanelGrid, densities: Densities) -> None:
        """Draw what the panels show, in place of what was drawn before."""
        if self._painted == densities.limits:
            return
        limits = self._painted = densities.limits
        for artist in self.artists:
            artist.remove()
        self.artists, self.lines = [], []
        for i in range(grid.nvars):
            axes = grid.single(i)
            if axes is not None:
                self._paint_single(grid, i, axes, densities)
        for i, j in combinations(range(grid.nvars), 2):
            density = densities.pair(self.mog, i, j, self._projection)
            across, up = inside(density, 0, limits[i]), inside(density, 1, limits[j])
            if across is not None and up is not None:
                self._paint_pair(grid.pair(i, j), density, across, up)

    def _paint_single(self, grid: PanelGrid, i: int, axes: Axes, densities: Densities) -> None:
        if self._line is None:
            return
        style = {**_CURVE, **self._line}
        density = densities.single(self.mog, i)
        x, y = curve(density, densities.limits[i], max(self._count, 200))
        lines = axes.plot(x, y, **style)
        self.artists += lines
        self.lines += lines
        grid.raise_top(i, curve=float(y.max()))

    def _paint_pair(self, axes: Axes, density: Density, across: Limits, up: Limits) -> None:
        raise NotImplementedError


class DensityLayer(Layer):
    """The density of a mixture as shades.

    Attributes
    ----------
    bar : Colorbar or None
        What explains the shades.
    """

    bar: Colorbar | None = None

    @property
    def meshes(self) -> list[QuadMesh]:
        """What it has drawn for pairs of variables."""
        return [artist for artist in self.artists if isinstance(artist, QuadMesh)]

    def paint(self, grid: PanelGrid, densities: Densities) -> None:
        """Draw what the panels show, in place of what was drawn before."""
        super().paint(grid, densities)
        if self.bar is not None and isinstance(self.bar.mappable, QuadMesh) and self.meshes:
            self.bar.update_normal(self.meshes[0])

    def _paint_pair(self, axes: Axes, density: Density, across: Limits, up: Limits) -> None:
        x, y = _middles(across, self._count), _middles(up, self._count)
        options: dict[str, Any] = {
            "cmap": "Spectral_r",
            "shading": "nearest",
            "rasterized": True,
            "zorder": -100,
            **self._options,
        }
        if not {"norm", "vmin"} & options.keys():
            options["vmin"] = 0.0
        self.artists.append(axes.pcolormesh(x, y, density.pdf_on_grid(x, y), **options))


class ContourLayer(Layer):
    """Contours of a mixture, or of each of its components.

    Parameters
    ----------
    levels, mass
        As for `contour_levels`.
    decomp : bool
        Whether each component is drawn alone, in a colour of its own.
    """

    def __init__(
        self,
        mog: Mixture,
        count: int,
        projection: str,
        options: Mapping[str, Any],
        line: Mapping[str, Any] | None,
        *,
        levels: Any,
        mass: tuple[float, ...] | None,
        decomp: bool,
    ) -> None:
        super().__init__(mog, count, projection, options, line)
        self._levels, self._mass, self._decomp = levels, mass, decomp
        self.styles: list[LineStyle] = component_styles(mog.weights, ranked=False)

    def _paint_single(self, grid: PanelGrid, i: int, axes: Axes, densities: Densities) -> None:
        super()._paint_single(grid, i, axes, densities)
        if not self._decomp:
            return
        density = densities.single(self.mog, i)
        for k, style in enumerate(self.styles):
            x, y = curve(density, densities.limits[i], max(self._count, 200), k)
            self.artists += axes.plot(
                x, y, color=style.colour, linestyle=style.dashes, linewidth=1.2, zorder=4
            )
            grid.raise_top(i, curve=float(y.max()))

    def _paint_pair(self, axes: Axes, density: Density, across: Limits, up: Limits) -> None:
        x, y = np.linspace(*across, self._count), np.linspace(*up, self._count)
        if not self._decomp:
            self._contour(axes, density, x, y, density.pdf_on_grid(x, y), None)
            return
        shares = density.component_pdf_on_grid(x, y)
        for k in range(self.mog.ngauss):
            self._contour(axes, density, x, y, density.weights[k] * shares[k], k)

    def _contour(
        self, axes: Axes, density: Density, x: Floats, y: Floats, values: Floats, k: int | None
    ) -> None:
        levels = contour_levels(density, values, self._levels, self._mass, k)
        crossed = (levels > values.min()) & (levels < values.max())
        if not crossed.any():
            return
        options: dict[str, Any] = {
            "linewidths": 1.2,
            "zorder": 110,
            "cmap": "Reds",
            **self._options,
        }
        if k is not None:
            options.setdefault("colors", self.styles[k].colour)
            options.setdefault("linestyles", [self.styles[k].dashes])
        elif self._mass is not None:
            colours = self._mass_colours()
            options["colors"] = [colours[place] for place in np.flatnonzero(crossed)]
        levels = levels[crossed]
        if "colors" in options:
            options.pop("cmap", None)
        elif not {"norm", "vmin"} & options.keys():
            # The palest colours of a map cannot be seen as lines on white.
            options["vmin"] = 1.6 * levels[0] - 0.6 * levels[-1]
            options.setdefault("vmax", levels[-1])
        self.artists.append(axes.contour(x, y, values, levels=levels, **options))

    def _mass_colours(self) -> list[Any]:
        """Colours of contours of given mass, from the outermost in."""
        count = len(self._mass or ())
        given = self._options.get("colors")
        if given is not None:
            colours = list(to_rgba_array(given))
            return [colours[place % len(colours)] for place in range(count)]
        shades = np.linspace(0.45, 0.9, count) if count > 1 else [0.75]
        return list(get_cmap(self._options.get("cmap", "Reds"))(shades))

    def mass_key(self) -> tuple[list[Line2D], list[list[str]]]:
        """Handles and words of a legend for contours of given mass, from the innermost out."""
        shares = self._mass or ()
        handles = [Line2D([], [], color=colour) for colour in self._mass_colours()[::-1]]
        return handles, [[f"{100 * share:.3g} %" for share in shares]]


def _middles(limits: Limits, count: int) -> Floats:
    """Middles of cells that fill a range."""
    edges = np.linspace(*limits, count + 1)
    return 0.5 * (edges[:-1] + edges[1:])

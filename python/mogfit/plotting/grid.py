"""The layout of a corner figure: a triangle of panels, and room for words in the free corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from mogfit.plotting.labels import drawable, fit_label
from mogfit.plotting.ticks import AxisScale, PanelFormatter, PanelLocator, text_width

__all__ = ["CornerGrid"]

_POINTS = 72.0  # of a font, in an inch


class CornerGrid:
    """A lower triangle of panels, one for each pair of variables, with the diagonal.

    It knows where things go and what is written on the axes, and nothing of what is drawn in the
    panels. Sizes are kept in inches, so that margins fit their words at any size of the figure.

    Parameters
    ----------
    ranges : sequence of (low, high)
        What each variable shows.
    names, units : sequence of str
        What is written on the axes; an empty unit is left out.
    figsize : (float, float), optional
        Width and height in inches.
    title : str, optional
        Written above everything.
    fontsize : float, default 9
        Of the ticks; labels are a little larger.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    diagonal : list of Axes
        Panel of each variable alone.
    panels : dict of (row, column) to Axes
        Panel with variable ``row`` upwards and ``column`` to the right, for row > column.
    side : Axes
        The free corner, without axes; data coordinates are inches from its upper left, y upwards.
    """

    def __init__(
        self,
        ranges: Sequence[tuple[float, float]],
        names: Sequence[str],
        units: Sequence[str],
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
        fontsize: float = 9.0,
    ) -> None:
        self.ranges = list(ranges)
        self.nvars = len(self.ranges)
        self.fontsize = fontsize
        self._scales = [AxisScale.of_range(*pair) for pair in self.ranges]
        self._labels = [
            drawable(scale.label(" ".join(name.split()), unit))
            for scale, name, unit in zip(self._scales, names, units, strict=True)
        ]
        if figsize is None:
            side = 4.5 + self.nvars
            figsize = (7.2, 4.2) if self.nvars == 1 else (side, side)
        self.figure = Figure(figsize=figsize, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._measure(title)
        self.diagonal: list[Axes] = []
        self.panels: dict[tuple[int, int], Axes] = {}
        for row in range(self.nvars):
            for column in range(row + 1):
                axes = self._add_panel(row, column)
                if row == column:
                    self.diagonal.append(axes)
                else:
                    self.panels[row, column] = axes
        self.side = self._add_side()

    def _measure(self, title: str | None) -> None:
        """Margins from the words in them, then panels from what is left; all in inches."""
        em = self.fontsize / _POINTS
        width, height = self.figure.get_size_inches()
        widest = text_width("000")
        if self.nvars > 1:
            # Two passes: the room for ticks decides which are shown, and these how wide they are.
            for row in range(1, self.nvars):
                locator = PanelLocator(self._scales[row], 0.7 * height / self.nvars / em, False)
                ticks = locator.tick_values(*self.ranges[row])
                widest = max([widest, *map(text_width, self._scales[row].texts(ticks))])
        self._label_gap = (0.9 + widest) * em
        left = self._label_gap + 2.0 * em if self.nvars > 1 else 1.5 * em
        bottom, right = 3.9 * em, 1.2 * em
        top = 1.2 * em
        if title:
            top += 2.4 * em
            self.figure.text(
                left / width,
                1.0 - 1.1 * em / height,
                title,
                fontsize=self.fontsize + 4,
                ha="left",
                va="top",
            )
        self._gap = 0.8 * em
        self._origin = (left, bottom)
        if self.nvars == 1:
            self._side_width = min(2.4, 0.36 * width)
            right += self._side_width
        count, gaps = self.nvars, (self.nvars - 1) * self._gap
        self._panel = (
            max(0.2, (width - left - right - gaps) / count),
            max(0.2, (height - bottom - top - gaps) / count),
        )

    def _box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel in inches; row 0 is at the top."""
        wide, high = self._panel
        left = self._origin[0] + column * (wide + self._gap)
        bottom = self._origin[1] + (self.nvars - 1 - row) * (high + self._gap)
        return left, bottom, wide, high

    def _add_axes(self, left: float, bottom: float, wide: float, high: float) -> Axes:
        width, height = self.figure.get_size_inches()
        return self.figure.add_axes((left / width, bottom / height, wide / width, high / height))

    def _add_panel(self, row: int, column: int) -> Axes:
        axes = self._add_axes(*self._box(row, column))
        axes.set_xlim(self.ranges[column])
        self._set_ticks(axes.xaxis, column, self._panel[0], upright=True)
        axes.tick_params(
            direction="out",
            length=2.5,
            width=0.7,
            pad=2.0,
            labelsize=self.fontsize,
            labelbottom=row == self.nvars - 1,
            labelleft=column == 0 and row != column,
        )
        for spine in axes.spines.values():
            spine.set_linewidth(0.7)
        if row == self.nvars - 1:
            self._fit(axes.set_xlabel(self._labels[column]), self._panel[0] + 0.5 * self._gap)
            below = 2.1 * self.fontsize / _POINTS / self._panel[1]
            axes.xaxis.set_label_coords(0.5, -below)
        if row == column:
            axes.set_yticks([])
            for place in ("left", "top", "right"):
                axes.spines[place].set_visible(False)
        else:
            axes.set_ylim(self.ranges[row])
            self._set_ticks(axes.yaxis, row, self._panel[1], upright=False)
            if column == 0:
                self._fit(axes.set_ylabel(self._labels[row]), self._panel[1] + 0.5 * self._gap)
                axes.yaxis.set_label_coords(-self._label_gap / self._panel[0], 0.5)
        return axes

    def _fit(self, label: Text, room: float) -> None:
        fit_label(label, room, self.fontsize + 1.5, 0.7 * self.fontsize)

    def _set_ticks(self, axis: Any, variable: int, length: float, *, upright: bool) -> None:
        scale = self._scales[variable]
        room = length * _POINTS / self.fontsize
        axis.set_major_locator(PanelLocator(scale, room, upright))
        axis.set_major_formatter(PanelFormatter(scale))

    def _add_side(self) -> Axes:
        """The free corner: right of the first row, or of the only panel."""
        wide, high = self._panel
        em = self.fontsize / _POINTS
        left, bottom, _, _ = self._box(0, 0)
        left += wide + self._gap + (1.0 * em if self.nvars == 1 else 0.5 * em)
        width = self.figure.get_size_inches()[0] - left - 0.8 * em
        axes = self._add_axes(left, bottom, width, high)
        axes.set_xlim(0.0, width)
        axes.set_ylim(-high, 0.0)
        axes.axis("off")
        return axes

"""The panels of a `MultiPlot`: a pyplot figure with one for each pair of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.layout_engine import TightLayoutEngine
from numpy.typing import NDArray

from mogfit.plotting.labels import drawable, fit_label
from mogfit.plotting.ticks import FollowingFormatter, FollowingLocator

__all__ = ["PanelGrid"]

_POINTS = 72.0  # of a font, in an inch
# Lengths in heights of the font of labels.
_GAP, _EDGE, _TICK, _BEFORE_LABEL = 0.8, 0.7, 0.6, 0.35
# Labels that are too long become smaller down to this size, then shorter.
_SMALLEST = 0.75
# Figure texts whose middle is above this share of the height are titles.
_TITLE = 0.9


class PanelGrid:
    """A lower triangle of panels in a pyplot figure, with or without the diagonal.

    It knows where things go and what is written on the axes, and nothing of what is drawn in the
    panels. Margins follow the words on the axes each time the figure is drawn.

    Parameters
    ----------
    labels : sequence of str
        What is written on the axes of each variable.
    side : float
        Size of a panel, in inches.
    fontsize : float
        Of the labels; ticks are a little smaller.
    direction : {"out", "in", "inout"}
        Of the ticks.
    marginals : bool
        Whether there is a diagonal.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axs : ndarray of Axes of shape (M, M)
        Those above the diagonal are empty and not shown.
    univariate : bool
        Whether there is one variable, and one panel for it.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        side: float,
        fontsize: float,
        direction: str,
        marginals: bool,
    ) -> None:
        self.nvars, self.fontsize = len(labels), fontsize
        self.univariate = self.nvars == 1
        self._marginals = marginals and not self.univariate
        self._labels = [drawable(" ".join(label.split())) for label in labels]
        self._written: dict[Axis, str] = {}
        self._tops: dict[int, list[float]] = {}
        self.rows = max(1, self.nvars - (not marginals))
        size = (1.5 * side, side) if self.univariate else (self.rows * side, self.rows * side)
        self.layout = _PanelLayout(self)
        self.figure = plt.figure(figsize=size, layout=self.layout)
        self.axs = self._add_panels()
        for axes in self.axs.flat:
            if axes.axison:
                self._prepare(axes, direction)
        self.write_labels()

    def _add_panels(self) -> NDArray[Any]:
        count = self.rows
        axs = np.empty((count, count), dtype=object)
        for row in range(count):
            for column in range(count):
                # The diagonal is upright in densities, not in its variable.
                upper = axs[column, column] if row > column else None
                left = axs[row, 0] if 0 < column < row + (not self._marginals) else None
                axes = self.figure.add_subplot(
                    count, count, row * count + column + 1, sharex=upper, sharey=left
                )
                if column > row:
                    axes.axis("off")
                axs[row, column] = axes
        return axs

    def _prepare(self, axes: Axes, direction: str) -> None:
        for axis, upright in ((axes.xaxis, True), (axes.yaxis, False)):
            # Densities begin at 0, which is worth a tick where no other panel's can meet it.
            corner = 0.0 if self.univariate and not upright else None
            axis.set_major_locator(FollowingLocator(upright, corner))
            axis.set_major_formatter(FollowingFormatter())
        small = 0.8 * self.fontsize
        axes.tick_params(direction=direction, labelsize=small, length=0.3 * self.fontsize)
        axes.tick_params(labelbottom=self._is_lowest(axes), labelleft=self._is_leftmost(axes))
        if self._marginals and axes in np.diag(self.axs):
            axes.tick_params(left=False)
            for place in ("left", "top", "right"):
                axes.spines[place].set_visible(False)

    def _is_lowest(self, axes: Axes) -> bool:
        return axes in self.axs[-1]

    def _is_leftmost(self, axes: Axes) -> bool:
        return axes in self.axs[int(self._marginals) :, 0]

    # -- where things are ------------------------------------------------------------------------

    def pair(self, i: int, j: int) -> Axes:
        """The panel of two different variables, the one with the smaller number to the right."""
        low, high = sorted((i, j))
        return self.axs[high - (not self._marginals), low]

    def single(self, i: int) -> Axes | None:
        """The panel of one variable alone, if there is one."""
        if self.univariate:
            return self.axs[0, 0]
        return self.axs[i, i] if self._marginals else None

    def by_name(self, names: Sequence[str]) -> dict[str, dict[str, Axes]]:
        """The panels by the names of their variables, in either order; alone: of a name twice."""
        panels: dict[str, dict[str, Axes]] = {}
        for i, a in enumerate(names):
            panels[a] = {}
            for j, b in enumerate(names):
                axes = self.single(i) if i == j else self.pair(i, j)
                if axes is not None:
                    panels[a][b] = axes
        return panels

    def set_limits(self, i: int, low: float, high: float) -> None:
        """Show a variable from `low` to `high`, wherever it is."""
        if i < self.rows:
            self.axs[-1, i].set_xlim(low, high)
        row = i - (not self._marginals)
        if row >= int(self._marginals) and not self.univariate:
            self.axs[row, 0].set_ylim(low, high)

    def raise_top(self, i: int, *, bars: float = 0.0, curve: float = 0.0) -> None:
        """Let the panel of a single variable reach up to a density that was drawn there."""
        axes = self.single(i)
        if axes is None:
            return
        tops = self._tops.setdefault(i, [0.0, 0.0])
        tops[:] = max(tops[0], bars), max(tops[1], curve)
        # A needle of a component may leave the panel: it would flatten everything else.
        top = max(tops[0], min(tops[1], 4.0 * tops[0]) if tops[0] else tops[1])
        if top > 0.0:
            axes.set_ylim(0.0, 1.08 * top)

    def add_twin(self, label: str) -> Axes:
        """A second y axis without ticks, on the right of the only panel."""
        twin = self.axs[0, 0].twinx()
        twin.set(ylim=(0.0, 1.0), yticks=[])
        twin.set_ylabel(drawable(label), fontsize=self.fontsize)
        self.keep_clear(twin.yaxis)
        return twin

    # -- words -----------------------------------------------------------------------------------

    def labelled(self) -> list[tuple[Axis, int, bool]]:
        """The axes that bear labels, the variables that these name, and whether it is an x axis."""
        found = [(axes.xaxis, i, True) for i, axes in enumerate(self.axs[-1])]
        if not self.univariate:
            first = int(self._marginals)
            shift = int(not self._marginals)
            found += [
                (axes.yaxis, i + first + shift, False) for i, axes in enumerate(self.axs[first:, 0])
            ]
        return found

    def write_labels(self, **options: Any) -> None:
        """Write every label; `options` are those of matplotlib's texts."""
        for axis, i, _ in self.labelled():
            axis.set_label_text(self._labels[i], **{"fontsize": self.fontsize, **options})
            self._written[axis] = self._labels[i]

    def refresh_labels(self) -> None:
        """Put what the numbers at the ticks share into labels that nobody has changed."""
        for axis, i, _ in self.labelled():
            formatter = axis.get_major_formatter()
            if axis.label.get_text() == self._written[axis] and isinstance(
                formatter, FollowingFormatter
            ):
                self._written[axis] = formatter.scale().label(self._labels[i], "")
                axis.set_label_text(self._written[axis])

    def fit_label(self, axis: Axis, room: float, size: float) -> None:
        """Make a label no longer than `room` inches, and remember that nobody else changed it."""
        own = axis.label.get_text() == self._written[axis]
        fit_label(axis.label, room, size, min(size, _SMALLEST * self.fontsize))
        if own:
            self._written[axis] = axis.label.get_text()

    def keep_clear(self, artist: Artist, instead_of: Artist | None = None) -> None:
        """Leave room at the edges of the figure for something at the side of a panel."""
        beside = self.layout.beside
        self.layout.beside = [*(a for a in beside if a is not instead_of), artist]


class _PanelLayout(TightLayoutEngine):
    """Margins as wide as the words in them, panels as large as what is left.

    It measures the outer labels alone: matplotlib's own engines look at everything, and take
    longer than all the drawing. As a tight layout it gives way to ``tight_layout`` of users.
    """

    def __init__(self, grid: PanelGrid) -> None:
        super().__init__()
        self._grid = grid
        self.beside: list[Artist] = []

    def execute(self, fig: Any) -> None:
        """Place the panels; matplotlib calls it before it draws."""
        self._grid.refresh_labels()
        # The room for ticks decides which are shown, and these how wide they are.
        for _ in range(2):
            self._place(fig)

    def _place(self, fig: Any) -> None:
        grid, axs = self._grid, self._grid.axs
        em = grid.fontsize / _POINTS
        width, height = fig.get_size_inches()
        leftmost = [axes for axes in axs[:, 0] if axes.yaxis.get_visible()]
        ticks = max(_widest(axes.get_yticklabels(), 0, fig.dpi) for axes in leftmost)
        labels = max(_widest([axes.yaxis.label], 0, fig.dpi) for axes in leftmost)
        y_label = (_TICK + _BEFORE_LABEL) * em + ticks
        left = y_label + labels + _EDGE * em
        lowest = [axes for axes in axs[-1] if axes.xaxis.get_visible()]
        ticks = max(_widest(axes.get_xticklabels(), 1, fig.dpi) for axes in lowest)
        labels = max(_widest([axes.xaxis.label], 1, fig.dpi) for axes in lowest)
        x_label = (_TICK + _BEFORE_LABEL) * em + ticks
        bottom = x_label + labels + _EDGE * em
        right, top = self._overhang(fig)
        gap = _GAP * em
        panel = np.maximum(
            0.1,
            [
                (width - left - right - (grid.rows - 1) * gap) / grid.rows,
                (height - bottom - top - (grid.rows - 1) * gap) / grid.rows,
            ],
        )
        fig.subplots_adjust(
            left=left / width,
            bottom=bottom / height,
            right=(left + grid.rows * panel[0] + (grid.rows - 1) * gap) / width,
            top=(bottom + grid.rows * panel[1] + (grid.rows - 1) * gap) / height,
            wspace=gap / panel[0],
            hspace=gap / panel[1],
        )
        labelled = grid.labelled()
        for axis, _, upright in labelled:
            room = float(panel[0 if upright else 1]) + 0.6 * gap
            size = float(axis.label.get_fontsize())
            grid.fit_label(axis, room, size)
        smallest = min(axis.label.get_fontsize() for axis, _, _ in labelled)
        for axis, _, upright in labelled:
            axis.label.set_fontsize(smallest)
            if upright:
                axis.set_label_coords(0.5, -x_label / panel[1])
            else:
                axis.set_label_coords(-y_label / panel[0], 0.5)

    def _overhang(self, fig: Any) -> tuple[float, float]:
        """Room, in inches, that what is beside the panels needs on the right and above."""
        em = self._grid.fontsize / _POINTS
        block = self._grid.axs[0, -1].get_window_extent()
        right, top = block.x1, block.y1
        titles = [axes.title for axes in self._grid.axs[0] if axes.title.get_text()]
        for artist in [*self.beside, *titles]:
            if artist.figure is not None and artist.get_visible():
                box = artist.get_tightbbox()
                if box is not None:
                    right, top = max(right, box.x1), max(top, box.y1)
        whole = fig.bbox
        lowest = [
            text.get_window_extent().y0
            for text in fig.texts
            if text.get_text() and text.get_position()[1] > _TITLE
        ]
        titled = (whole.y1 - min(lowest)) / fig.dpi if lowest else 0.0
        return (right - block.x1) / fig.dpi + _EDGE * em, (top - block.y1) / fig.dpi + max(
            _EDGE * em, titled + 0.3 * em if titled else 0.0
        )


def _widest(texts: Sequence[Any], direction: int, dpi: float) -> float:
    """Largest width (0) or height (1) of some texts, in inches."""
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    sizes = [text.get_window_extent().size[direction] for text in shown]
    return float(max(sizes, default=0.0)) / dpi

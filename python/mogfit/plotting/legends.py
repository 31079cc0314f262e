"""Legends and colour bars of a `MultiPlot`, all beside the panels and none over the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize, to_rgba
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mogfit.density.protocol import Mixture
from mogfit.plotting.painters import LineStyle
from mogfit.plotting.panels import PanelGrid

__all__ = ["Keys", "component_handles", "component_texts"]

# In parts of a panel: thickness of a colour bar, and what it takes with its words.
_BAR, _BAR_ROOM, _INDENT = 0.05, 0.34, 0.1
# Sizes of letters, in those of labels, from the best to the smallest that can be read.
_SIZES = (0.8, 0.7, 0.6)
# A legend above the only panel takes no more than this part of the figure.
_MOST_ABOVE = 0.5


def component_handles(styles: Sequence[LineStyle]) -> list[Line2D]:
    """Lines that stand for components in a legend."""
    return [
        Line2D([], [], color=style.colour, linestyle=style.dashes, linewidth=style.width)
        for style in styles
    ]


def component_texts(mog: Mixture) -> list[list[str]]:
    """What a legend may say of each component, from the fullest to the shortest."""
    weights = [f"{k + 1}: w = {weight:.3g}" for k, weight in enumerate(mog.weights)]
    means = [_listed(r"\mu", row) for row in mog.mus]
    sigmas = [_listed(r"\sigma", row) for row in mog.sigmas]
    rhos = [_listed(r"\rho", row) for row in mog.rhos]
    rows = list(zip(weights, means, sigmas, rhos, strict=True))
    if mog.nvars == 1:
        rows = [(*row[:3], "") for row in rows]
    whole = [", ".join(filter(None, row)) for row in rows]
    two_lines = [f"{w}, {m}\n{', '.join(filter(None, (s, r)))}" for w, m, s, r in rows]
    more_lines = ["\n".join(filter(None, (f"{w}, {m}", s, r))) for w, m, s, r in rows]
    return [whole, two_lines, more_lines, [f"{w}, {m}" for w, m, _, _ in rows], weights]


def _listed(symbol: str, values: Sequence[float]) -> str:
    numbers = ", ".join(f"{value:.3g}" for value in values).replace("-", "\N{MINUS SIGN}")
    return f"${symbol}$ = ({numbers})" if len(values) > 1 else f"${symbol}$ = {numbers}"


class Keys:
    """Puts legends and colour bars into the free corner, or beside the only panel.

    Parameters
    ----------
    grid : PanelGrid
    """

    def __init__(self, grid: PanelGrid) -> None:
        self._grid = grid
        self._corner = grid.axs[0, -1]
        self._alone = grid.rows == 1
        self._used = 0.0
        self._bars = 0
        self._drawn: dict[str, Any] = {}
        self._handles: list[Any] = []
        self._texts: list[Sequence[Sequence[str]]] = []
        self._above: Any = None

    def add_bar(self, mesh: Any, label: str, *, absolute: bool) -> Colorbar:
        """Explain the shades of a mesh, or those of several relative to the darkest of each."""
        size = 0.8 * self._grid.fontsize
        if self._alone:
            place = (1.04 + 0.32 * self._bars, 0.0, _BAR, 1.0)
        else:
            place = (_INDENT, 1.0 - self._used - _BAR, 1.0 - 2.0 * _INDENT, _BAR)
            self._used += _BAR_ROOM
        box = self._corner.inset_axes(place)
        if not self._alone and not absolute:
            mesh, label = (
                ScalarMappable(Normalize(0.0, 1.0), mesh.get_cmap()),
                f"{label} / highest in panel",
            )
        direction = "vertical" if self._alone else "horizontal"
        bar = self._grid.figure.colorbar(mesh, cax=box, orientation=direction)
        bar.set_label(label, fontsize=size)
        box.tick_params(labelsize=size)
        bar.locator = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
        bar.update_ticks()
        bar.outline.set_linewidth(0.6)
        self._bars += 1
        if self._alone:
            self._grid.keep_clear(box)
        return bar

    def add_legend(self, handles: Sequence[Any], texts: Sequence[Sequence[str]]) -> Legend:
        """Write a legend in the fullest words that there is room for, with what it had before.

        Parameters
        ----------
        handles : sequence of Artist
        texts : sequence of sequence of str
            Words for every handle, from the fullest to the shortest.
        """
        self._handles += handles
        self._texts.append(texts)
        depth = max(map(len, self._texts))
        return self._write_best(
            self._handles,
            [
                [word for known in self._texts for word in known[min(level, len(known) - 1)]]
                for level in range(depth)
            ],
        )

    def _write_best(self, handles: Sequence[Any], texts: Sequence[Sequence[str]]) -> Legend:
        self._grid.layout.execute(self._grid.figure)
        legend = None
        columns = (4, 3, 2, 1) if self._alone else (1, 2, 3)
        # All parameters in small letters rather than fewer in larger ones.
        for choices in (
            product(_SIZES, texts[:-2], (1,)),
            product(_SIZES, texts[-2:-1], (1,)),
            product(_SIZES, texts[-1:], columns),
        ):
            for size, words, side_by_side in choices:
                lines = sum(word.count("\n") + 1 for word in words) / side_by_side
                # Measuring means laying out every word: not where lines alone are too many.
                if 1.2 * lines * size * self._grid.fontsize <= self._highest():
                    legend = self._write(handles, words, size, side_by_side)
                    if self._fits(legend):
                        return self._kept(legend)
        # As many of the shortest as fit, and how many more there are.
        words, shown = texts[-1], len(handles) - 1
        while shown > 0:
            more = f"+ {len(handles) - shown}"
            rest = Line2D([], [], linestyle="none")
            every = [*words[:shown], more]
            legend = self._write([*handles[:shown], rest], every, _SIZES[-1], 1)
            if self._fits(legend):
                break
            shown = min(shown - 1, int(shown * self._highest() / self._height_of(legend)))
        assert legend is not None
        return self._kept(legend)

    def _kept(self, legend: Legend) -> Legend:
        if self._alone:
            self._grid.keep_clear(legend, instead_of=self._above)
            self._above = legend
        return legend

    def _highest(self) -> float:
        """Most height of a legend, in points."""
        figure, rows = self._grid.figure, self._grid.rows
        inches = figure.get_size_inches()[1]
        if self._alone:
            return float(72.0 * _MOST_ABOVE * inches)
        return float(72.0 * inches * (rows - 1) / rows)

    def _height_of(self, legend: Legend) -> float:
        return float(72.0 * legend.get_window_extent().height / self._grid.figure.dpi)

    def _write(
        self, handles: Sequence[Any], words: Sequence[str], size: float, columns: int
    ) -> Legend:
        anchor = (0.0, 1.02) if self._alone else (1.0, 1.0 - self._used)
        legend: Legend = self._corner.legend(
            handles,
            words,
            loc="lower left" if self._alone else "upper right",
            bbox_to_anchor=anchor,
            borderaxespad=0.0,
            frameon=False,
            handlelength=1.6,
            ncols=columns,
            columnspacing=1.2,
            fontsize=size * self._grid.fontsize,
        )
        return legend

    def _fits(self, legend: Legend) -> bool:
        figure, rows = self._grid.figure, self._grid.rows
        box = legend.get_window_extent()
        panel = self._corner.get_window_extent()
        if self._alone:
            return bool(
                panel.x0 + box.width <= figure.bbox.width
                and self._height_of(legend) <= self._highest()
            )
        # Below the first row there is room for one panel less, and so on.
        return any(
            box.height <= (deep - self._used) * panel.height
            and box.width <= (rows - deep) * panel.width
            for deep in range(1, rows)
        )

    def explain_one(self, drawn: Mapping[str, Any]) -> None:
        """Explain what is drawn of one variable, above its panel, in as many columns as fit."""
        # Words that are empty, or begin with an underscore, stay out of legends in matplotlib too.
        explained = {w: handle for w, handle in drawn.items() if w and not str(w).startswith("_")}
        self._drawn.update(explained)
        if not self._drawn:
            return
        self._grid.layout.execute(self._grid.figure)
        width = self._grid.figure.bbox.width
        panel = self._corner.get_window_extent()
        middle = 0.5 * (panel.x0 + panel.x1)
        legend: Any = None
        handles = [_visible(handle) for handle in self._drawn.values()]
        for columns, size in product(range(len(handles), 0, -1), _SIZES[:2]):
            legend = self._corner.legend(
                handles,
                self._drawn.keys(),
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=columns,
                frameon=False,
                columnspacing=1.2,
                handlelength=1.6,
                borderaxespad=0.2,
                fontsize=size * self._grid.fontsize,
            )
            if 0.5 * legend.get_window_extent().width <= min(middle, width - middle):
                break
        self._grid.keep_clear(legend, instead_of=self._above)
        self._above = legend


def _visible(handle: Any) -> Any:
    """A handle for dots that is large enough to be seen, however small they are."""
    if not isinstance(handle, PathCollection):
        return handle
    colours: Any = handle.get_facecolor() if len(handle.get_facecolor()) else handle.get_edgecolor()
    colour = colours[0] if len(colours) else "0.3"
    return Line2D([], [], linestyle="none", marker="o", markersize=3, color=to_rgba(colour, 1.0))

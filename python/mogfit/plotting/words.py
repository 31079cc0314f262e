"""The words in the free corner of a figure: sizes, likelihood, and what the lines mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from mogfit.plotting.painters import DATA_FILL, INK, LineStyle

__all__ = ["Words"]

# Lengths in font heights.
_LINE = 1.5
_SAMPLE = 2.0
_INDENT = 2.5
_ENTRY = 7.2
_APART = 2.0


class Words:
    """Writes line after line into the free corner of a `CornerGrid`.

    Parameters
    ----------
    axes : Axes
        With inches from the upper left as coordinates, as `CornerGrid.side`.
    fontsize : float
    """

    def __init__(self, axes: Axes, fontsize: float) -> None:
        self._axes = axes
        self._fontsize = fontsize
        self._em = fontsize / 72.0
        self._width = axes.get_xlim()[1] / self._em
        self._height = -axes.get_ylim()[0] / self._em
        self._depth = 0.0
        self._widest = 0.0

    def write_notes(self, notes: Sequence[str]) -> None:
        """Write lines in a slightly larger font."""
        for note in notes:
            self._text(0.0, self._depth + 0.6, note, 1.5)
            self._depth += 1.25 * _LINE
        self._depth += 0.3 if notes else 0.0

    def explain(
        self, *, with_data: bool, mass: Sequence[float], with_ellipses: bool, truncated: bool
    ) -> None:
        """Say what data, density and contours look like."""
        entries = ["data"] if with_data else []
        entries.append("density of the mixture")
        if mass:
            entries.append(f"contours hold {_listed([f'{100 * share:.3g}' for share in mass])} %")
        if with_ellipses:
            before = ", before truncation" if truncated else ""
            entries.append(f"1\N{GREEK SMALL LETTER SIGMA} ellipses of components{before}")
        for entry in entries:
            middle = self._depth + 0.6
            indent = _INDENT
            if entry == "data":
                self._patch(middle)
            elif entry.startswith("density"):
                self._line(0.0, middle, LineStyle(INK, "solid", 1.4))
            else:
                indent = 0.0
            self._text(indent, middle, entry)
            self._depth += _LINE

    def list_components(self, weights: Sequence[float], styles: Sequence[LineStyle]) -> None:
        """List the components by weight, beside what was written so far or below it.

        As many as there is room for; how many more there are is said.
        """
        left, top = 0.0, self._depth + 0.5
        if self._width - self._widest - _APART >= 1.5 * _ENTRY:
            left, top = self._widest + _APART, 0.0
        columns = max(1, int((self._width - left + 0.8) // _ENTRY))
        rows = int((self._height - top) // _LINE) - 1
        if rows < 1:
            return
        order = sorted(range(len(weights)), key=lambda k: -weights[k])
        columns = min(columns, math.ceil(len(order) / rows))
        rows = min(rows, math.ceil(len(order) / columns))
        shown = order if len(order) <= rows * columns else order[: rows * columns - 1]
        self._text(left, top + 0.6, "components by weight" if len(order) > 1 else "component")
        for place, k in enumerate(shown):
            x = left + _ENTRY * (place // rows)
            y = top + 0.6 + _LINE * (1 + place % rows)
            self._line(x, y, styles[k])
            self._text(x + _INDENT, y, _percent(weights[k]))
        if len(shown) < len(order):
            x, y = left + _ENTRY * (columns - 1), top + 0.6 + _LINE * rows
            self._text(x + _INDENT, y, f"+ {len(order) - len(shown)}")

    def _text(self, x: float, y: float, text: str, larger: float = 0.0) -> None:
        artist = self._axes.text(
            x * self._em,
            -y * self._em,
            text,
            fontsize=self._fontsize + larger,
            color=INK,
            ha="left",
            va="center_baseline",
        )
        figure = self._axes.figure
        right = artist.get_window_extent().x1 - self._axes.get_window_extent().x0
        self._widest = max(self._widest, right / figure.dpi / self._em)

    def _line(self, x: float, y: float, style: LineStyle) -> None:
        self._axes.add_line(
            Line2D(
                [x * self._em, (x + _SAMPLE) * self._em],
                [-y * self._em, -y * self._em],
                color=style.colour,
                linestyle=style.dashes,
                linewidth=style.width,
            )
        )

    def _patch(self, y: float) -> None:
        self._axes.add_patch(
            Rectangle(
                (0.0, (-y - 0.4) * self._em), _SAMPLE * self._em, 0.8 * self._em, color=DATA_FILL
            )
        )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _percent(weight: float) -> str:
    share = 100.0 * weight
    return f"{share:.1f} %" if share >= 1.0 else f"{share:.2f} %" if share >= 0.01 else "<0.01 %"

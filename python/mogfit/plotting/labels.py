"""Words along axes: that they can be drawn, and that they are no longer than there is room."""

from __future__ import annotations

from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

__all__ = ["drawable", "fit_label"]


def drawable(label: str) -> str:
    """A label whose dollar signs are drawn as such where they do not enclose a formula."""
    try:
        MathTextParser("agg").parse(label)
    except ValueError:
        return label.replace("$", r"\$")
    return label


def fit_label(label: Text, room: float, largest: float, smallest: float) -> None:
    """Make words no longer than `room` inches: smaller, and in the end shorter."""

    def excess() -> float:
        box = label.get_window_extent()
        return max(box.width, box.height) / label.figure.dpi / room

    label.set_fontsize(largest)
    if excess() > 1.0:
        label.set_fontsize(max(smallest, largest / excess()))
    words = label.get_text()
    # Formulas, and units in brackets, are kept whole.
    ends = [start for start in (words.find("$"), words.find(" [")) if start >= 0]
    place = min(ends, default=len(words))
    head, tail = words[:place], words[place:]
    while excess() > 1.0 and len(head) > 3:
        head = head[:-1]
        label.set_text(f"{head.rstrip()}\N{HORIZONTAL ELLIPSIS}{tail}")

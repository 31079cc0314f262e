"""The name of the library at the side of a figure, for those who want it there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mogfit.config import package_version

if TYPE_CHECKING:
    from matplotlib.text import Text

__all__ = ["multimin_watermark", "shows_watermark"]


def shows_watermark() -> bool:
    """Whether figures bear the watermark: the user's ``mogfit.show_watermark``, read each time."""
    return bool(getattr(sys.modules.get("mogfit"), "show_watermark", False))


def multimin_watermark(ax: Any, frac: float = 1 / 4, alpha: float = 1) -> Text:
    """Write "mogfit" and its version along the right side of some axes, from the top down.

    Figures do so by themselves when ``mogfit.show_watermark`` is True.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Two- or three-dimensional.
    frac : float, default 1/4
        Size of the letters: 8 points for each inch of `frac` times the height of the axes.
    alpha : float, default 1
        Opacity.

    Returns
    -------
    matplotlib.text.Text

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> multimin_watermark(axes).get_text().split()[0]
    'mogfit'
    >>> plt.close(figure)
    """
    figure = ax.figure
    height = ax.get_window_extent().height / figure.dpi
    write = getattr(ax, "text2D", ax.text)
    text: Text = write(
        1.0,
        1.0,
        f"mogfit {package_version()}",
        rotation=270,
        ha="left",
        va="top",
        transform=ax.transAxes,
        color="pink",
        fontsize=8 * frac * height,
        alpha=alpha,
        zorder=100,
    )
    return text

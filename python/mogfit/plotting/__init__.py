"""Figures of mixtures and of the data they were fitted to.

`MultiPlot` and the figures made of it use pyplot, so that notebooks show them; `corner_figure`
draws on a figure of its own, without pyplot and without a display. matplotlib is imported when the
first of them is asked for.
"""

from __future__ import annotations

from mogfit.lazy import lazy_names

__all__ = ["MultiMinBase", "MultiPlot", "Util", "corner_figure", "multimin_watermark"]

# Two of them are here because MultiMin's module of this name has them.
_HOMES = {
    "MultiPlot": "mogfit.plotting.multiplot",
    "corner_figure": "mogfit.plotting.corner",
    "multimin_watermark": "mogfit.plotting.watermark",
    "MultiMinBase": "mogfit.base",
    "Util": "mogfit.util",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

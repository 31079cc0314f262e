"""Figures of mixtures and of the data they were fitted to.

`MultiPlot` and the figures made of it use pyplot, so that notebooks show them; `corner_figure`
draws on a figure of its own, without pyplot and without a display. matplotlib is imported when the
first of them is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["MultiPlot", "corner_figure", "multimin_watermark"]

_HOMES = {"MultiPlot": "multiplot", "corner_figure": "corner", "multimin_watermark": "watermark"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mogfit.plotting.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

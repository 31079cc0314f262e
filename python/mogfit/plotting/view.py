"""What a `MultiPlot` shows of each variable, and the mixtures that are drawn to fill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.protocol import Mixture
from mogfit.plotting.layers import Layer
from mogfit.plotting.panels import PanelGrid
from mogfit.plotting.surfaces import Densities, Limits, same_mixture, shown_span

__all__ = ["View"]

Floats = NDArray[np.float64]

# Margin around data, as a part of what they span.
_PAD = 0.04


class View:
    """Limits of all variables: ranges that users gave, else all that was drawn.

    Parameters
    ----------
    grid : PanelGrid
    properties : mapping
        From each name to a dict with the key ``range``, which users may change.

    Attributes
    ----------
    limits : list of (low, high)
    layers : list of Layer
        The mixtures drawn so far; they are drawn again where limits change.
    """

    def __init__(self, grid: PanelGrid, properties: Mapping[str, dict[str, Any]]) -> None:
        self._grid, self._properties = grid, properties
        self._of_samples: list[Limits] | None = None
        self._of_all: list[Limits] | None = None
        self.limits: list[Limits] = [(0.0, 1.0)] * len(properties)
        self.layers: list[Layer] = []
        self._densities = Densities(self.limits)
        self.apply()

    def snapshot(self, mog: Mixture) -> Mixture:
        """The mixture as it is now, whatever becomes of it: the one drawn before if it is equal."""
        for layer in self.layers:
            if same_mixture(layer.mog, mog):
                return layer.mog
        return copy(mog)

    def include_sample(self, points: Floats) -> None:
        """Show all points of a sample."""
        spans = sample_spans(points)
        self._of_samples = _union(self._of_samples, spans)
        self._include(spans)

    def add(self, layer: Layer) -> None:
        """Show a mixture, and draw it."""
        self._include(shown_span(layer.mog))
        layer.paint(self._grid, self._densities)
        self.layers.append(layer)
        self.place()

    def _include(self, spans: Sequence[Limits]) -> None:
        self._of_all = _union(self._of_all, spans)
        self.apply()

    def apply(self) -> None:
        """Look up ranges and limits again, and draw again what no longer fills them."""
        for i, entry in enumerate(self._properties.values()):
            if entry["range"] is not None:
                low, high = entry["range"]
                self.limits[i] = float(low), float(high)
            elif self._of_all is not None:
                self.limits[i] = self._of_all[i]
        if self._densities.limits != self.limits:
            self._densities = Densities(self.limits)
        for layer in self.layers:
            layer.paint(self._grid, self._densities)
        self.place()

    def place(self) -> None:
        """Give the panels their limits, which drawing may have moved."""
        for i, (low, high) in enumerate(self.limits):
            self._grid.set_limits(i, low, high)

    def reset(self) -> None:
        """Let what the samples span, or else the mixtures, be the range of every variable."""
        spans = self._of_all if self._of_samples is None else self._of_samples
        if spans is not None:
            for entry, (low, high) in zip(self._properties.values(), spans, strict=True):
                entry["range"] = [low, high]
            self.apply()


def sample_spans(points: Floats) -> list[Limits]:
    """From the smallest to the largest value of each variable, and a little margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.where(high > low, high - low, np.maximum(np.abs(low), 1.0))
    low, high = low - _PAD * width, high + _PAD * width
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _union(known: Sequence[Limits] | None, more: Sequence[Limits]) -> list[Limits]:
    if known is None:
        return list(more)
    return [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(known, more, strict=True)]

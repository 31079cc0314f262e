"""Ticks of small panels: few, short, away from the corners, and never on top of each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import Formatter, MaxNLocator
from numpy.typing import NDArray

__all__ = [
    "AxisScale",
    "FollowingFormatter",
    "FollowingLocator",
    "PanelFormatter",
    "PanelLocator",
    "text_width",
]

Floats = NDArray[np.float64]

# Widths in font heights, as in wide sans-serif fonts.
_DIGIT, _POINT, _MINUS = 0.64, 0.32, 0.84
# Ticks nearer to a corner than this share of the axis would meet those of the next panel.
_CORNER = 0.09


def text_width(number: str) -> float:
    """Width of the text of a number, in font heights."""
    points, minuses = number.count("."), number.count("\N{MINUS SIGN}")
    return (len(number) - points - minuses) * _DIGIT + points * _POINT + minuses * _MINUS


@dataclass(frozen=True)
class AxisScale:
    """What is taken out of the numbers at the ticks and said once, in the label of the axis.

    Attributes
    ----------
    offset : float
        Subtracted from the values.
    power : int
        The values are divided by ten to this power.
    """

    offset: float = 0.0
    power: int = 0

    @classmethod
    def of_range(cls, low: float, high: float) -> AxisScale:
        """Scale that leaves numbers of few digits between `low` and `high`."""
        width = high - low
        offset = 0.0
        largest = max(abs(low), abs(high))
        # Numbers that need a power of ten anyway should not need many digits besides.
        if largest > (1e3 if 1e-2 < largest < 1e4 else 1e2) * width:
            unit = 10.0 ** math.ceil(math.log10(width))
            offset = round(0.5 * (low + high) / unit) * unit
        largest = max(abs(low - offset), abs(high - offset))
        power = math.floor(math.log10(largest))
        return cls(offset, power if power >= 4 or power <= -3 else 0)

    def shown(self, values: Floats) -> Floats:
        """The numbers to show at given values."""
        return (np.asarray(values) - self.offset) / 10.0**self.power

    def label(self, name: str, unit: str) -> str:
        """Label of the axis of a variable; a unit may also stand in brackets behind its name."""
        if not unit and name.endswith("]") and " [" in name:
            name, _, unit = name[:-1].rpartition(" [")
        if self.offset:
            sign = "-" if self.offset > 0 else "+"
            name = f"{name} {sign} {abs(self.offset):.15g}".replace("-", "\N{MINUS SIGN}")
        power = rf"$10^{{{self.power}}}$" if self.power else ""
        inside = f"{power} {unit}".strip()
        return f"{name} [{inside}]" if inside else name

    def texts(self, ticks: Floats) -> list[str]:
        """Texts at ticks, all with the digits that their spacing needs."""
        if len(ticks) == 0:
            return []
        shown = self.shown(ticks)
        spacing = float(np.diff(shown).min()) if len(shown) > 1 else float(abs(shown[0])) or 1.0
        decimals = 0
        while decimals < 8 and not np.allclose(
            shown, np.round(shown, decimals), rtol=0.0, atol=1e-3 * spacing
        ):
            decimals += 1
        # Adding 0 turns -0 into 0.
        return [f"{v + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for v in shown]


class PanelLocator(MaxNLocator):
    """As many round ticks as there is room for.

    Parameters
    ----------
    scale : AxisScale
        How numbers are shown.
    room : float
        Length of the axis in heights of the font.
    upright : bool
        Whether texts stand next to each other (x axis), rather than above each other (y axis).
    """

    def __init__(self, scale: AxisScale, room: float, upright: bool) -> None:
        super().__init__(nbins=5, steps=[1, 2, 2.5, 5, 10])
        self._scale = scale
        self._room = room
        self._upright = upright
        self._corner = _CORNER

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Ticks between two limits, in the units of the data."""
        low, high = sorted((vmin, vmax))
        # A tick at the very end may be off by rounding.
        margin = (self._corner - 1e-9) * (high - low)
        best = np.array([])
        for bins in (5, 4, 3, 2, 6, 8, 10):
            self.set_params(nbins=bins)
            shifted = super().tick_values(low - self._scale.offset, high - self._scale.offset)
            ticks = np.asarray(shifted, dtype=float) + self._scale.offset
            ticks = ticks[(ticks >= low + margin) & (ticks <= high - margin)]
            # All of them, else every second, else one in the middle.
            for some in (ticks, ticks[::2], ticks[1::2], ticks[len(ticks) // 2 :][:1]):
                if len(some) > min(len(best), 1) and self._fits(some, high - low):
                    best = some
                    break
            if len(best) >= 2:
                break
        return best

    def _fits(self, ticks: Floats, length: float) -> bool:
        if len(ticks) == 1:
            return True
        size = 1.3
        if self._upright:
            size = max(map(text_width, self._scale.texts(ticks))) + 0.6
        return float(np.diff(ticks).min()) / length * self._room >= size


class PanelFormatter(Formatter):
    """Texts at the ticks of a panel, all with equally many digits."""

    def __init__(self, scale: AxisScale) -> None:
        self._scale = scale

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Text at one value, with digits for itself alone."""
        return self._scale.texts(np.array([x]))[0]

    def format_ticks(self, values: list[float]) -> list[str]:
        """Texts at all ticks of an axis."""
        return self._scale.texts(np.asarray(values, dtype=float))


class FollowingLocator(PanelLocator):
    """Ticks for the limits and the length that an axis has when they are asked for.

    Parameters
    ----------
    upright : bool
        Whether texts stand next to each other (x axis), rather than above each other (y axis).
    corner : float, optional
        Part of the axis at each end that stays without ticks.
    """

    def __init__(self, upright: bool, corner: float | None = None) -> None:
        super().__init__(AxisScale(), 1.0, upright)
        if corner is not None:
            self._corner = corner
        self._last: tuple[tuple[float, float, float], Any] | None = None

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Ticks between two limits, in the units of the data."""
        low, high = sorted((vmin, vmax))
        if not -np.inf < low < high < np.inf:
            return np.array([])
        axis: Any = self.axis
        pixels = axis.axes.bbox.width if self._upright else axis.axes.bbox.height
        asked = (low, high, pixels / _height(axis))
        # Every panel of a row or a column asks the same, several times for one figure.
        if self._last is None or self._last[0] != asked:
            self._scale, self._room = AxisScale.of_range(low, high), asked[2]
            self._last = asked, super().tick_values(low, high)
        return self._last[1]


class FollowingFormatter(PanelFormatter):
    """Texts at the ticks of `FollowingLocator`."""

    def __init__(self) -> None:
        super().__init__(AxisScale())

    def scale(self) -> AxisScale:
        """The scale for the limits that the axis has now."""
        axis: Any = self.axis
        return AxisScale.of_range(*sorted(axis.get_view_interval()))

    def format_ticks(self, values: list[float]) -> list[str]:
        """Texts at all ticks of an axis."""
        if len(values):
            self._scale = self.scale()
        return super().format_ticks(values)


def _height(axis: Any) -> float:
    """Height of the font of the ticks of an axis, in pixels."""
    size = axis.get_tick_params().get("labelsize", "medium")
    points = FontProperties(size=size).get_size_in_points()
    return points * axis.figure.dpi / 72.0

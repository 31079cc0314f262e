"""Options that users pass for artists, under any of the names that matplotlib knows them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LINE_OPTIONS", "contour_options", "line_options", "split_options"]

# What belongs to lines alone, and to shaded panels alone: each is ignored by the other, so that
# the same options can be given for one variable and for several.
LINE_OPTIONS = ("color", "c", "lw", "linewidth", "ls", "linestyle", "label")
_MESH_OPTIONS = ("cmap", "norm", "vmin", "vmax", "cmin", "cmax", "shading", "colorbar")

_CONTOUR_NAMES = {
    "linewidth": "linewidths",
    "lw": "linewidths",
    "linestyle": "linestyles",
    "ls": "linestyles",
    "color": "colors",
    "c": "colors",
}
_LINE_NAMES = {"c": "color", "lw": "linewidth", "ls": "linestyle"}


def _renamed(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in options.items()}


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of shaded panels, and those of lines."""
    lines = {key: value for key, value in options.items() if key in LINE_OPTIONS}
    return {key: value for key, value in options.items() if key not in LINE_OPTIONS}, lines


def line_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a curve or a histogram of one variable, each under one name."""
    kept = {key: value for key, value in options.items() if key not in _MESH_OPTIONS}
    return _renamed(kept, _LINE_NAMES)


def contour_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for contours, which have names of their own for lines."""
    kept = {key: value for key, value in options.items() if key != "label"}
    return _renamed(kept, _CONTOUR_NAMES)

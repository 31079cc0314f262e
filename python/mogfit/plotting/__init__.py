"""Figures of mixtures and of the data they were fitted to.

Everything here draws on figures of its own, without pyplot, so it works without a display and
leaves the state of pyplot alone. matplotlib is imported when the first figure is drawn.
"""

from mogfit.plotting.corner import corner_figure

__all__ = ["corner_figure"]

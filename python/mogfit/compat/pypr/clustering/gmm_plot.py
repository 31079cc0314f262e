"""PyPR's module of figures of a mixture."""

from __future__ import annotations

from mogfit.compat.pypr.figures import plot_marg

__all__ = ["plot_marg"]

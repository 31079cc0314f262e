"""`FitMoG` and `FitFunctionMoG` under the name of MultiMin's module of them."""

from __future__ import annotations

from typing import Any

from mogfit.base import MultiMinBase
from mogfit.fit import FitMoG
from mogfit.lazy import lazy_names
from mogfit.mixture import MixtureOfGaussians
from mogfit.stats import Stats
from mogfit.util import Util

__all__ = [
    "FitFunctionMoG",
    "FitMoG",
    "MixtureOfGaussians",
    "MultiMinBase",
    "MultiPlot",
    "Stats",
    "Util",
    "multimin_watermark",
]

# Only some programs use these, and figures bring matplotlib: imported when first asked for.
FitFunctionMoG: Any
MultiPlot: Any
multimin_watermark: Any

_HOMES = {
    "FitFunctionMoG": "mogfit.fit_function",
    "MultiPlot": "mogfit.plotting.multiplot",
    "multimin_watermark": "mogfit.plotting.watermark",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

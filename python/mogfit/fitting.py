"""`FitMoG` and `FitFunctionMoG` under the name of MultiMin's module of them."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any

from mogfit.base import MultiMinBase
from mogfit.fit import FitMoG
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

_LAZY_NAMES = {
    "FitFunctionMoG": "mogfit.fit_function",
    "MultiPlot": "mogfit.plotting.multiplot",
    "multimin_watermark": "mogfit.plotting.watermark",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY_NAMES:
        return getattr(_import_module(_LAZY_NAMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_NAMES})

"""`MixtureOfGaussians` under the name of MultiMin's module of it."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any

from mogfit.base import MultiMinBase
from mogfit.mixture import MixtureOfGaussians
from mogfit.stats import Stats
from mogfit.util import Util

__all__ = [
    "MixtureOfGaussians",
    "MultiMinBase",
    "MultiPlot",
    "Stats",
    "Util",
    "multimin_watermark",
]

# Only some programs use these, and figures bring matplotlib: imported when first asked for.
MultiPlot: Any
multimin_watermark: Any

_LAZY_NAMES = {
    "MultiPlot": "mogfit.plotting.multiplot",
    "multimin_watermark": "mogfit.plotting.watermark",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY_NAMES:
        return getattr(_import_module(_LAZY_NAMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_NAMES})

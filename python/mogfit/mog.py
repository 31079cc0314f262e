"""`MixtureOfGaussians` under the name of MultiMin's module of it."""

from mogfit.base import MultiMinBase
from mogfit.mixture import MixtureOfGaussians
from mogfit.plotting.multiplot import MultiPlot
from mogfit.plotting.watermark import multimin_watermark
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

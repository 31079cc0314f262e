"""`FitMoG` and `FitFunctionMoG` under the name of MultiMin's module of them."""

from mogfit.base import MultiMinBase
from mogfit.fit import FitMoG
from mogfit.fit_function import FitFunctionMoG
from mogfit.mixture import MixtureOfGaussians
from mogfit.plotting.multiplot import MultiPlot
from mogfit.plotting.watermark import multimin_watermark
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

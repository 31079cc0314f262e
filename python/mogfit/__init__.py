"""Mixtures of multivariate Gaussians, fitted and evaluated fast.

`MixtureOfGaussians` is a mixture that is given, evaluated and drawn from; `FitMoG` fits one to
data, `FitFunctionMoG` to the values of a function. ``import mogfit as mn`` in place of MultiMin.

Attributes
----------
verbose : bool
    Whether to print MultiMin's reports and timings; False, unless ``MOGFIT_VERBOSE`` says yes.
show_watermark : bool
    Whether figures carry the name of mogfit; False, unless ``MOGFIT_WATERMARK`` says yes.
"""

from __future__ import annotations

from mogfit import cmog, datasets
from mogfit.base import MultiMinBase
from mogfit.config import get_config, get_num_threads, set_num_threads, show_config
from mogfit.console import set_in_environment as _set_in_environment
from mogfit.density.box import box_probability
from mogfit.errors import (
    ConvergenceWarning,
    DataWarning,
    DegeneracyWarning,
    DegenerateError,
    DomainError,
    DtypeError,
    FileFormatError,
    InputError,
    MoGError,
    MoGWarning,
    NotFittedError,
    UnsafeFileError,
)
from mogfit.fit import FitMoG
from mogfit.lazy import lazy_names as _lazy_names
from mogfit.mixture import MixtureOfGaussians
from mogfit.stats import Stats
from mogfit.util import ROOTDIR, Util

__all__ = [
    "ROOTDIR",
    "ConvergenceWarning",
    "DataWarning",
    "DegeneracyWarning",
    "DegenerateError",
    "DomainError",
    "DtypeError",
    "FileFormatError",
    "FitFunctionMoG",
    "FitMoG",
    "InputError",
    "MixtureOfGaussians",
    "MoGError",
    "MoGWarning",
    "MultiMinBase",
    "MultiPlot",
    "NotFittedError",
    "Prior",
    "Selection",
    "Stats",
    "UnsafeFileError",
    "Util",
    "__author__",
    "__description__",
    "__email__",
    "__license__",
    "__url__",
    "__version__",
    "box_probability",
    "cmog",
    "datasets",
    "get_config",
    "get_num_threads",
    "load",
    "multimin_watermark",
    "save",
    "select",
    "set_num_threads",
    "show_config",
    "show_watermark",
    "welcome",
]

__author__ = "The mogfit developers"
__email__ = ""
__url__ = ""
__license__ = "BSD-3-Clause"
__description__ = "Mixtures of multivariate Gaussians, fitted and evaluated fast"

verbose = _set_in_environment("MOGFIT_VERBOSE")
show_watermark = _set_in_environment("MOGFIT_WATERMARK")

# What only some programs use is imported when it is first asked for; so are the modules that
# users of other libraries import from.
_HOMES = {
    "FitFunctionMoG": "mogfit.fit_function",
    "MultiPlot": "mogfit.plotting.multiplot",
    "multimin_watermark": "mogfit.plotting.watermark",
    "Prior": "mogfit.prior",
    "Selection": "mogfit.selection.result",
    "select": "mogfit.model_selection",
    "load": "mogfit.storage.files",
    "save": "mogfit.storage.files",
    "__version__": "mogfit.version",
    **dict.fromkeys(("base", "compat", "fitting", "mog", "plotting", "sklearn", "util", "version")),
}

__getattr__, __dir__ = _lazy_names(__name__, _HOMES)


def welcome() -> None:
    """Print the version, as MultiMin does when it is imported."""
    print(f"mogfit {__getattr__('__version__')}: {__description__.lower()}")  # noqa: T201


if verbose:
    welcome()

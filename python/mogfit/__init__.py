"""Mixtures of multivariate Gaussians, fitted and evaluated fast.

`MixtureOfGaussians` is a mixture that is given, evaluated and drawn from; `FitMoG` fits one to
data. ``import mogfit as mn`` in place of MultiMin.
"""

from __future__ import annotations

from typing import Any

from mogfit import datasets
from mogfit.config import get_config, get_num_threads, set_num_threads, show_config
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
from mogfit.mixture import MixtureOfGaussians

__all__ = [
    "ConvergenceWarning",
    "DataWarning",
    "DegeneracyWarning",
    "DegenerateError",
    "DomainError",
    "DtypeError",
    "FileFormatError",
    "FitMoG",
    "InputError",
    "MixtureOfGaussians",
    "MoGError",
    "MoGWarning",
    "NotFittedError",
    "UnsafeFileError",
    "__version__",
    "box_probability",
    "datasets",
    "get_config",
    "get_num_threads",
    "load",
    "save",
    "set_num_threads",
    "show_config",
]


def __getattr__(name: str) -> Any:
    # What only some programs use is imported when it is first asked for.
    if name == "__version__":
        from mogfit.config import package_version

        return package_version()
    if name in ("load", "save"):
        from mogfit.export import files

        return getattr(files, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Mixtures and fits as plain numbers, texts, lists and dictionaries, and back.

What is written here is format version 1. A later version may add keys, which readers of version 1
pass over; a key that changes its meaning or goes away needs a new version.
"""

from __future__ import annotations

import math
from typing import Any

from mogfit.errors import FileFormatError, InputError, NotFittedError
from mogfit.export.mixture_record import Record, mixture_record, mixture_state
from mogfit.export.report_record import (
    number,
    report_from_record,
    report_record,
    take,
    to_plain,
)
from mogfit.fit import FitMoG
from mogfit.mixture import MixtureOfGaussians

__all__ = ["fit_from_record", "fit_record", "mixture_from_record", "mixture_record"]


def mixture_from_record(record: Record, ngauss: int, nvars: int) -> MixtureOfGaussians:
    """Rebuild a mixture of `ngauss` components in `nvars` variables.

    Raises
    ------
    FileFormatError
        If a part is missing, has another shape, or is not that of a mixture.
    """
    try:
        state = mixture_state(record, ngauss, nvars, place="mixture")
    except InputError as error:
        raise FileFormatError(str(error)) from error
    try:
        return MixtureOfGaussians._from_state(state)
    except InputError as error:
        raise FileFormatError(f"mixture: {error}") from error


def fit_record(fit: FitMoG) -> Record:
    """Write down what a fit found and how, without its data.

    Raises
    ------
    NotFittedError
        If there has been no fit.
    """
    if fit.report is None:
        raise NotFittedError(
            "fit: has no result yet; call fit_data first, or save its starting mixture, fit.mog"
        )
    bounds = fit.bounds and [[to_plain(low), to_plain(high)] for low, high in fit.bounds]
    return {
        "report": report_record(fit.report),
        "bounds": bounds,
        "sigma_scale": float(fit._sigmax),
        "outside": fit.outside,
        "missing": fit.missing,
        "covariance": fit.covariance,
    }


def fit_from_record(record: Record, mog: MixtureOfGaussians) -> FitMoG:
    """Rebuild a fit that ended at `mog`; it has no data.

    Raises
    ------
    FileFormatError
        If a part is missing or of another type.
    """
    raw = take(record, "report", (dict,), "fit")
    report = report_from_record(raw, mog.ngauss, mog.nvars)
    try:
        fit = FitMoG(
            ngauss=mog.ngauss,
            nvars=mog.nvars,
            domain=mog.domain,
            truncation=mog.truncation,
            # These were added later.
            outside=take(record, "outside", (str,), "fit") if "outside" in record else "error",
            missing=take(record, "missing", (str,), "fit") if "missing" in record else "error",
            covariance=(
                take(record, "covariance", (str,), "fit") if "covariance" in record else "full"
            ),
        )
    except InputError as error:
        raise FileFormatError(f"fit.{error}") from error
    fit.names = mog.names
    fit._restore(mog, report)
    scale = number(take(record, "sigma_scale", (float, int), "fit"), "fit.sigma_scale")
    if not 0 < scale < math.inf:
        raise FileFormatError(f"fit.sigma_scale: {scale} seen; allowed: a number > 0")
    fit._sigma_scale = scale
    fit.bounds = _bounds(take(record, "bounds", (list, type(None)), "fit"), fit)
    return fit


def _bounds(pairs: list[Any] | None, fit: FitMoG) -> tuple[tuple[float, float], ...] | None:
    if pairs is None:
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise FileFormatError("fit.bounds: a bound is not a pair [low, high]")
    bounds = tuple((number(low, "fit.bounds"), number(high, "fit.bounds")) for low, high in pairs)
    try:
        fit._parse_bounds(bounds)
    except InputError as error:
        raise FileFormatError(f"fit.{error}") from error
    return bounds

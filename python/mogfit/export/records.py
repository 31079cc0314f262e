"""Mixtures and fits as plain numbers, texts, lists and dictionaries, and back.

What is written here is format version 1. A later version may add keys, which readers of version 1
pass over; a key that changes its meaning or goes away needs a new version.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np

from mogfit.errors import FileFormatError, InputError, NotFittedError, shorten
from mogfit.export.mixture_record import Record, mixture_record, mixture_state
from mogfit.fit import FitMoG
from mogfit.inference.report import FitReport, StartRecord
from mogfit.mixture import MixtureOfGaussians

__all__ = ["fit_from_record", "fit_record", "mixture_from_record", "mixture_record"]

# JSON has no number for these.
_BY_NAME = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


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
    mog = MixtureOfGaussians.__new__(MixtureOfGaussians)
    try:
        # As unpickling does: weights that were normalised once keep their bits.
        mog.__setstate__(state)
    except InputError as error:
        raise FileFormatError(f"mixture: {error}") from error
    return mog


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
    report = {part.name: getattr(fit.report, part.name) for part in fields(FitReport)}
    report["starts"] = [_to_plain(vars(start)) for start in fit.report.starts]
    report["penalized_components"] = list(fit.report.penalized_components)
    bounds = fit.bounds and [[_to_plain(low), _to_plain(high)] for low, high in fit.bounds]
    return {
        "report": _to_plain(report),
        "bounds": bounds,
        "sigma_scale": float(fit._sigmax),
    }


def fit_from_record(record: Record, mog: MixtureOfGaussians) -> FitMoG:
    """Rebuild a fit that ended at `mog`; it has no data.

    Raises
    ------
    FileFormatError
        If a part is missing or of another type.
    """
    raw = _take(record, "report", (dict,), "fit")
    starts = _take(raw, "starts", (list,), "fit.report")
    held = _take(raw, "penalized_components", (list,), "fit.report")
    if not all(type(k) is int and 0 <= k < mog.ngauss for k in held):
        raise FileFormatError(
            f"fit.report.penalized_components: {shorten(held)} seen; allowed: numbers of "
            f"components, 0 to {mog.ngauss - 1}"
        )
    if not all(isinstance(start, dict) for start in starts):
        raise FileFormatError("fit.report.starts: a start is not a set of named values")
    ready = {
        "starts": tuple(
            StartRecord(**_typed(StartRecord, start, f"fit.report.starts[{place}]"))
            for place, start in enumerate(starts)
        ),
        "penalized_components": tuple(held),
    }
    report = FitReport(**_typed(FitReport, raw, "fit.report", ready))
    if (report.ngauss, report.nvars) != (mog.ngauss, mog.nvars):
        raise FileFormatError(
            f"fit.report: of {report.ngauss} components in {report.nvars} variables, but the "
            f"mixture has {mog.ngauss} in {mog.nvars}"
        )
    fit = FitMoG(ngauss=mog.ngauss, nvars=mog.nvars, domain=mog.domain, truncation=mog.truncation)
    fit.names = mog.names
    fit._restore(mog, report)
    scale = _number(_take(record, "sigma_scale", (float, int), "fit"), "fit.sigma_scale")
    if not 0 < scale < math.inf:
        raise FileFormatError(f"fit.sigma_scale: {scale} seen; allowed: a number > 0")
    fit._sigma_scale = scale
    fit.bounds = _bounds(_take(record, "bounds", (list, type(None)), "fit"), fit)
    return fit


def _bounds(pairs: list[Any] | None, fit: FitMoG) -> tuple[tuple[float, float], ...] | None:
    if pairs is None:
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise FileFormatError("fit.bounds: a bound is not a pair [low, high]")
    bounds = tuple((_number(low, "fit.bounds"), _number(high, "fit.bounds")) for low, high in pairs)
    try:
        fit._parse_bounds(bounds)
    except InputError as error:
        raise FileFormatError(f"fit.{error}") from error
    return bounds


# The types of the fields of a report, as their annotations spell them.
_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "str": (str,),
    "int": (int,),
    "float": (float, int, str),
}


def _typed(kind: Any, raw: Record, place: str, ready: Record | None = None) -> Record:
    """The fields of a dataclass out of `raw`, each checked; `ready` has those done already."""
    values = dict(ready or {})
    for part in fields(kind):
        if part.name not in values:
            value = _take(raw, part.name, _FIELD_TYPES[str(part.type)], place)
            is_float = part.type == "float"
            values[part.name] = _number(value, f"{place}.{part.name}") if is_float else value
    return values


def _take(record: Record, key: str, kinds: tuple[type, ...], place: str) -> Any:
    if key not in record:
        raise FileFormatError(f"{place}: has no {key!r}")
    value = record[key]
    if type(value) not in kinds:  # not isinstance: true and false are no whole numbers
        raise FileFormatError(f"{place}.{key}: {shorten(value)} seen, of another type than written")
    return value


def _number(value: Any, place: str) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str and value in _BY_NAME:
        return _BY_NAME[value]
    raise FileFormatError(f"{place}: {shorten(value)} seen; allowed: a number")


def _to_plain(value: Any) -> Any:
    """Numpy scalars as Python's, floats that JSON lacks by their names."""
    if isinstance(value, dict):
        return {key: _to_plain(entry) for key, entry in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value

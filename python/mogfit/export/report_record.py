"""Reports of fits as plain numbers, texts, lists and dictionaries, and back, each value checked."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np

from mogfit.errors import FileFormatError, choice_message, shorten
from mogfit.inference.report import FitReport, StartRecord
from mogfit.parameters import STRUCTURES

__all__ = ["COMPONENTS", "number", "report_from_record", "report_record", "take", "to_plain"]

# JSON has no number for these.
_BY_NAME = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

Record = dict[str, Any]

# Fields that hold numbers of components.
COMPONENTS = ("penalized_components", "fixed_weights", "fixed_means", "fixed_covariances")

# Files that were written before have none of these.
_ADDED: Record = {
    "covariance": "full",
    "log_prior": 0.0,
    "fixed_weights": [],
    "fixed_means": [],
    "fixed_covariances": [],
    "effective_points": "NaN",
}


def report_record(report: FitReport) -> Record:
    """Write down a report."""
    record = {part.name: getattr(report, part.name) for part in fields(FitReport)}
    record["starts"] = [to_plain(vars(start)) for start in report.starts]
    for name in COMPONENTS:
        record[name] = list(record[name])
    return to_plain(record)


def report_from_record(raw: Record, ngauss: int, nvars: int) -> FitReport:
    """Rebuild the report of a fit of `ngauss` components in `nvars` variables.

    Raises
    ------
    FileFormatError
        If a part is missing, of another type, or belongs to a fit of another size.
    """
    starts = take(raw, "starts", (list,), "fit.report")
    raw = _ADDED | raw
    held = {name: take(raw, name, (list,), "fit.report") for name in COMPONENTS}
    for name, numbers in held.items():
        if not all(type(k) is int and 0 <= k < ngauss for k in numbers):
            raise FileFormatError(
                f"fit.report.{name}: {shorten(numbers)} seen; allowed: numbers of components, 0 to "
                f"{ngauss - 1}"
            )
    structure = take(raw, "covariance", (str,), "fit.report")
    if structure not in STRUCTURES:
        raise FileFormatError("fit.report." + choice_message("covariance", structure, STRUCTURES))
    if not all(isinstance(start, dict) for start in starts):
        raise FileFormatError("fit.report.starts: a start is not a set of named values")
    ready: Record = {
        "starts": tuple(
            StartRecord(**_typed(StartRecord, start, f"fit.report.starts[{place}]"))
            for place, start in enumerate(starts)
        ),
        **{name: tuple(numbers) for name, numbers in held.items()},
    }
    report = FitReport(**_typed(FitReport, raw, "fit.report", ready))
    if (report.ngauss, report.nvars) != (ngauss, nvars):
        raise FileFormatError(
            f"fit.report: of {report.ngauss} components in {report.nvars} variables, but the "
            f"mixture has {ngauss} in {nvars}"
        )
    return report


def take(record: Record, key: str, kinds: tuple[type, ...], place: str) -> Any:
    """An entry of a record that must be there, and be of exactly one of these types."""
    if key not in record:
        raise FileFormatError(f"{place}: has no {key!r}")
    value = record[key]
    if type(value) not in kinds:  # not isinstance: true and false are no whole numbers
        raise FileFormatError(f"{place}.{key}: {shorten(value)} seen, of another type than written")
    return value


def number(value: Any, place: str) -> float:
    """A number, or one of the three floats that `to_plain` writes by their names."""
    if type(value) in (int, float):
        return float(value)
    if type(value) is str and value in _BY_NAME:
        return _BY_NAME[value]
    raise FileFormatError(f"{place}: {shorten(value)} seen; allowed: a number")


def to_plain(value: Any) -> Any:
    """Numpy scalars as Python's, floats that JSON lacks by their names."""
    if isinstance(value, dict):
        return {key: to_plain(entry) for key, entry in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


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
            value = take(raw, part.name, _FIELD_TYPES[str(part.type)], place)
            is_float = part.type == "float"
            values[part.name] = number(value, f"{place}.{part.name}") if is_float else value
    return values

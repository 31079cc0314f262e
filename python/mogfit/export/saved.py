"""What a saved fit holds, as checked values: between the objects and the files of `save_fit`.

A file holds the dictionary that `state_of` makes, of numbers, texts, lists and packed arrays alone.
It is format version 1. A later version may add keys, which readers of version 1 pass over; a key
that changes its meaning or goes away needs a new version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.config import package_version
from mogfit.density.components import check_covariances, check_means, check_weights
from mogfit.density.domain import TRUNCATIONS, domain_pairs, parse_domain
from mogfit.errors import (
    DomainError,
    DtypeError,
    FileFormatError,
    InputError,
    choice_message,
    shorten,
)
from mogfit.export.pickle_values import Unpacker, pack
from mogfit.export.report_record import report_from_record, report_record
from mogfit.export.saved_data import checked_data
from mogfit.inference.report import FitReport
from mogfit.intervals import parse_bounds
from mogfit.observations import BELONGINGS, MISSING, Missing
from mogfit.parameters import STRUCTURES

__all__ = [
    "FORMAT_VERSION",
    "SavedFit",
    "SavedMixture",
    "check_version",
    "checked_fit",
    "checked_mixture",
    "is_state",
    "saved_from_state",
    "state_of",
]

FORMAT_VERSION = 1
_FORMAT = "mogfit saved fit"

Floats = NDArray[np.float64]
Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class SavedMixture:
    """A mixture: its parameters are those of one, and read-only by convention.

    Attributes
    ----------
    weights, mus, Sigmas : ndarray of shape (G,), (G, V) and (G, V, V)
    normalize_weights : bool
        Whether weights are kept at a sum of 1.
    names : tuple of str or None
        Names of the variables.
    domain : list or None
        For each variable (low, high) or None.
    truncation : str
        See `mogfit.MixtureOfGaussians`.
    """

    weights: Floats
    mus: Floats
    Sigmas: Floats
    normalize_weights: bool = True
    names: tuple[str, ...] | None = None
    domain: list[Pair | None] | None = None
    truncation: str = "components"


@dataclass(frozen=True, eq=False)
class SavedFit:
    """A fit, as a file has it.

    Attributes
    ----------
    source : {"mogfit", "MultiMin"}
        Whose fit it is.
    mixture : SavedMixture
        The mixture.
    data : ndarray of shape (N, M) or None
        The points as they were seen, float64 or float32; M is V unless there is a projection.
    outside : {"error", "drop"}
        What to do about rows outside the domain.
    report : FitReport or None
        How the fit went; None for MultiMin's fits, and where there was no fit.
    optimum : ndarray or None
        `minparams` where the fit ended.
    bounds : tuple of (float, float) or None
        What `set_bounds` has set, in unbound coordinates; None for MultiMin's fits, which obey
        only what is given to `fit_data`.
    sigma_scale : float or None
        Scale of the standard deviations in the unbound vector.
    solution : dict or None
        Entries of MultiMin's own result, as MultiMin has them.
    minargs : dict
        Arguments of the last fit.
    set_by_user : bool
        Whether the mixture is where the user wants the next fit to start.
    missing : {"error", "marginal", "drop"}
        What to do about missing values.
    covariance : str
        Structure of the covariances that are fitted.
    deviations, covariances, shared, projection : ndarray or None
        What belongs to the data, as `mogfit.observations.Observations` has it; the projection of
        shape (M, V) where it is that of all points.
    """

    source: str
    mixture: SavedMixture
    data: NDArray[Any] | None = None
    outside: str = "error"
    report: FitReport | None = None
    optimum: Floats | None = None
    bounds: tuple[Pair, ...] | None = None
    sigma_scale: float | None = None
    solution: dict[str, Any] | None = None
    minargs: dict[str, Any] = field(default_factory=dict)
    set_by_user: bool = False
    missing: Missing = "error"
    covariance: str = "full"
    deviations: Floats | None = None
    covariances: Floats | None = None
    shared: Floats | None = None
    projection: Floats | None = None

    @property
    def belongings(self) -> dict[str, Floats]:
        """What belongs to the data, those of the arrays that there are."""
        held = {name: getattr(self, name) for name in BELONGINGS}
        return {name: array for name, array in held.items() if array is not None}


# Files that were written before have none of these.
_ADDED = ("missing", "covariance", *BELONGINGS)


# -- the dictionary in a file --------------------------------------------------------------------


def state_of(saved: SavedFit) -> dict[str, Any]:
    """Write a fit down as numbers, texts, lists and packed arrays."""
    mixture = saved.mixture
    return {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "written_by": f"mogfit {package_version()}",
        "source": saved.source,
        "mixture": {name: pack(value) for name, value in vars(mixture).items()},
        "data": pack(saved.data),
        "outside": saved.outside,
        "report": None if saved.report is None else report_record(saved.report),
        "optimum": pack(saved.optimum),
        "bounds": pack(saved.bounds),
        "sigma_scale": pack(saved.sigma_scale),
        "solution": pack(saved.solution),
        "minargs": pack(saved.minargs),
        "set_by_user": saved.set_by_user,
        "missing": saved.missing,
        "covariance": saved.covariance,
        **{name: pack(getattr(saved, name)) for name in BELONGINGS},
    }


def is_state(value: object) -> bool:
    """Whether this is what `state_of` has made, of whichever version."""
    return isinstance(value, Mapping) and value.get("format") == _FORMAT


def saved_from_state(state: Mapping[str, Any], most_bytes: int | None = None) -> SavedFit:
    """Read what `state_of` has made.

    Parameters
    ----------
    state : mapping
        It.
    most_bytes : int, optional
        Most bytes of arrays to make, where the state has come from a file of that size.

    Raises
    ------
    FileFormatError
        If it is of a newer version, or a part is missing, of another type or another shape.
    """
    check_version(state.get("format_version"), state.get("written_by"))
    unpacker = Unpacker(1 << 62 if most_bytes is None else most_bytes)
    plain = {key: unpacker.plain(value, key) for key, value in state.items()}
    mixture = checked_mixture(**_known(SavedMixture, plain.get("mixture"), "mixture"))
    return checked_fit(**_known(SavedFit, plain | {"mixture": mixture}, "fit"))


def _known(kind: Any, values: Any, place: str) -> dict[str, Any]:
    """The fields of a dataclass, which must be there unless they were added later."""
    names = [part.name for part in fields(kind)]
    found = values if type(values) is dict else {}
    for name in names:
        if name not in found and name not in _ADDED:
            raise FileFormatError(f"{place}: has no {name!r}")
    return {name: found[name] for name in names if name in found}


def check_version(version: object, written_by: object) -> None:
    """Refuse versions of the format that this one cannot read.

    Raises
    ------
    FileFormatError
        Saying which one would be needed.
    """
    if type(version) is not int or version < 1:
        raise FileFormatError(f"format_version: {shorten(version)} seen; allowed: 1, 2, ...")
    if version > FORMAT_VERSION:
        raise FileFormatError(
            f"has format version {version}, written by {shorten(written_by)}; mogfit "
            f"{package_version()} reads version {FORMAT_VERSION}: install a newer mogfit"
        )


# -- checks --------------------------------------------------------------------------------------


def checked_mixture(
    weights: Any,
    mus: Any,
    Sigmas: Any,
    normalize_weights: Any = True,
    names: Any = None,
    domain: Any = None,
    truncation: Any = "components",
) -> SavedMixture:
    """Make a mixture of values from a file.

    Raises
    ------
    FileFormatError
        If they are not those of a mixture.
    """
    for name, value in (("weights", weights), ("mus", mus), ("Sigmas", Sigmas)):
        if not isinstance(value, np.ndarray):
            raise FileFormatError(f"mixture.{name}: {shorten(value)} seen; allowed: an array")
    if type(normalize_weights) is not bool:
        raise FileFormatError(f"mixture.normalize_weights: {shorten(normalize_weights)} seen")
    if type(truncation) is not str or truncation not in TRUNCATIONS:
        raise FileFormatError("mixture." + choice_message("truncation", truncation, TRUNCATIONS))
    try:
        # Absurd values overflow in the checks themselves, which then find what is wrong.
        with np.errstate(all="ignore"):
            mus = check_means(mus)
            ngauss, nvars = mus.shape
            Sigmas = check_covariances(Sigmas, ngauss, nvars)
            weights = check_weights(weights, ngauss, normalise=False)
            if normalize_weights and abs(weights.sum() - 1.0) > _ROUNDING:
                weights = check_weights(weights, ngauss)
            bounds = parse_domain(_checked_domain(domain), nvars)
    except (InputError, DomainError, DtypeError, np.linalg.LinAlgError) as error:
        raise FileFormatError(f"mixture.{error}") from error
    return SavedMixture(
        weights,
        mus,
        Sigmas,
        normalize_weights,
        _checked_names(names, nvars),
        domain_pairs(bounds),
        truncation,
    )


_ROUNDING = 1e-12


def _checked_domain(domain: Any) -> Any:
    """Values that stand where the sides of a domain do, whatever these are."""
    pairs = [] if domain is None else domain
    if type(pairs) not in (list, tuple) or not all(
        pair is None or _is_pair(pair, missing=True) for pair in pairs
    ):
        raise DomainError(f"domain: {shorten(domain)} seen; allowed: None, or None or (low, high)")
    return domain


def _checked_names(names: Any, nvars: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    texts = type(names) in (list, tuple) and all(type(name) is str for name in names)
    if not texts or len(names) != nvars:
        raise FileFormatError(f"names: {shorten(names)} seen; allowed: {nvars} texts, or None")
    return tuple(names)


def checked_fit(
    source: Any,
    mixture: SavedMixture,
    data: Any = None,
    outside: Any = "error",
    report: Any = None,
    optimum: Any = None,
    bounds: Any = None,
    sigma_scale: Any = None,
    solution: Any = None,
    minargs: Any = None,
    set_by_user: Any = False,
    missing: Any = "error",
    covariance: Any = "full",
    **belongings: Any,
) -> SavedFit:
    """Make a fit of values from a file, the report being a dictionary still.

    `belongings` are deviations, covariances, shared and projection, None where there is none.

    Raises
    ------
    FileFormatError
        If they are not those of a fit.

    Warns
    -----
    DataWarning
        If rows of the data lie outside the domain, and were dropped.
    """
    for name, value, allowed in (
        ("source", source, ("mogfit", "MultiMin")),
        ("outside", outside, ("error", "drop")),
        ("set_by_user", set_by_user, (True, False)),
        ("missing", missing, MISSING),
        ("covariance", covariance, STRUCTURES),
    ):
        if type(value) is not type(allowed[0]) or value not in allowed:
            raise FileFormatError(f"{name}: {shorten(value)} seen; allowed: {allowed}")
    for name, value in (("report", report), ("solution", solution), ("minargs", minargs)):
        if value is not None and type(value) is not dict:
            raise FileFormatError(f"{name}: {shorten(value)} seen; allowed: named values, or None")
    if sigma_scale is not None and not (_is_number(sigma_scale) and 0 < sigma_scale < math.inf):
        raise FileFormatError(f"sigma_scale: {shorten(sigma_scale)} seen; allowed: a number > 0")
    ngauss, nvars = mixture.mus.shape
    scales = np.repeat(
        [1.0, 0.0, sigma_scale or 10.0, 2.0],
        [
            0 if ngauss == 1 else ngauss,
            ngauss * nvars,
            ngauss * nvars,
            ngauss * (nvars * (nvars - 1) // 2),
        ],
    )
    seen = checked_data(data, mixture.names, mixture.domain, nvars, missing, belongings)
    return SavedFit(
        source,
        mixture,
        None if seen is None else seen.given,
        outside,
        None if report is None else report_from_record(report, ngauss, nvars),
        None if optimum is None else _checked_optimum(optimum, scales),
        None if bounds is None else _checked_bounds(bounds, scales, ngauss, nvars),
        None if sigma_scale is None else float(sigma_scale),
        solution,
        minargs or {},
        set_by_user,
        missing,
        covariance,
        **({} if seen is None else seen.belongings),
    )


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _checked_optimum(optimum: Any, scales: Floats) -> Floats:
    if not isinstance(optimum, np.ndarray) or optimum.shape != scales.shape:
        raise FileFormatError(f"optimum: {shorten(optimum)} seen; allowed: {len(scales)} numbers")
    # Means, whose scale is 0, may be anything.
    inside = (scales == 0) | ((optimum >= 0) & (optimum <= scales))
    if optimum.dtype != np.float64 or not (np.isfinite(optimum) & inside).all():
        raise FileFormatError("optimum: holds what are no parameters of a mixture")
    return optimum


def _checked_bounds(
    pairs: Any, scales: Floats, ngauss: int, nvars: int
) -> tuple[tuple[float, float], ...]:
    if type(pairs) not in (list, tuple) or not all(_is_pair(pair) for pair in pairs):
        raise FileFormatError(f"bounds: {shorten(pairs)} seen; allowed: pairs (low, high), or None")
    try:
        with np.errstate(all="ignore"):
            parse_bounds(pairs, scales, ngauss, nvars)
    except (InputError, DtypeError) as error:
        raise FileFormatError(str(error)) from error
    return tuple((float(low), float(high)) for low, high in pairs)


def _is_pair(value: Any, missing: bool = False) -> bool:
    """Whether this is a pair of numbers, or of None where they may be missing."""
    return (
        type(value) in (list, tuple)
        and len(value) == 2
        and all(_is_number(side) or (missing and side is None) for side in value)
    )

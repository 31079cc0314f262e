"""Fits and mixtures out of the trees of `pickle_machine`: mogfit's, and MultiMin's since 0.5.

What MultiMin's pickles hold was found out by looking at those that its releases 0.5.1, 0.6.0,
0.6.6, 0.9.0, 0.9.7, 0.10.0 and 0.11.2 have written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mogfit.errors import FileFormatError, shorten
from mogfit.export.pickle_machine import Named
from mogfit.export.pickle_values import HARMLESS, Unpacker, array_of, class_of
from mogfit.export.report_record import COMPONENTS
from mogfit.export.saved import (
    SavedFit,
    SavedMixture,
    checked_fit,
    checked_mixture,
    is_state,
    saved_from_state,
)
from mogfit.observations import BELONGINGS

__all__ = ["OUR_FIT", "fit_of", "is_known", "mixture_of"]

# Names that MultiMin's classes have had, in one module or another.
_FITS = ("FitMoG", "FitCMND")
_MIXTURES = ("MixtureOfGaussians", "ComposedMultiVariateNormal", "CMND")
_FUNCTIONS = ("FitFunctionMoG", "FitFunctionCMND")

OUR_FIT = Named("mogfit.fit", "FitMoG")
_OURS = {
    OUR_FIT,
    Named("mogfit.mixture", "MixtureOfGaussians"),
    Named("mogfit.fit_function", "FitFunctionMoG"),
    Named("mogfit.inference.report", "FitReport"),
    Named("mogfit.inference.report", "StartRecord"),
}

State = dict[str, Any]


def is_known(named: Named) -> bool:
    """Whether a pickle of a fit or of a mixture may hold this class or function."""
    if named in HARMLESS or named in _OURS:
        return True
    theirs = named.module == "multimin" or named.module.startswith("multimin.")
    return theirs and named.name in (*_FITS, *_MIXTURES, *_FUNCTIONS)


def fit_of(value: Any, size: int) -> SavedFit:
    """The fit that a tree stands for, read from a file of `size` bytes.

    Raises
    ------
    FileFormatError
        If it stands for something else, or its values are not those of a fit.
    """
    kind = class_of(value)
    if kind is None or kind.name not in _FITS:
        held = type(value).__name__ if kind is None else kind.name
        function = held in _FUNCTIONS
        more = "; such a fit of a function is opened by pickle.load" if function else ""
        raise FileFormatError(f"holds no FitMoG, but a {held}{more}")
    unpacker = Unpacker(size)
    state = unpacker.entries(value, "fit")
    if is_state(state):
        return saved_from_state(state, size)
    return (_our_fit if kind == OUR_FIT else _their_fit)(state, unpacker)


def mixture_of(value: Any, size: int) -> SavedMixture:
    """The mixture that a tree stands for, or that of the fit which it stands for.

    Raises
    ------
    FileFormatError
        If it stands for something else, or its values are not those of a mixture.
    """
    kind = class_of(value)
    if kind is not None and kind.name in _MIXTURES:
        return _mixture(value, Unpacker(size))
    return fit_of(value, size).mixture


def _mixture(value: Any, unpacker: Unpacker, domain: Any = None) -> SavedMixture:
    """A mixture of either library; `domain` stands in where MultiMin's has none of its own."""
    if class_of(value) is None:
        raise FileFormatError("has no mixture: the fit was never made")
    state = unpacker.entries(value, "mixture")
    parameters = {}
    for name in ("weights", "mus", "Sigmas"):
        if state.get(name) is None:
            raise FileFormatError(f"mixture: has no {name}")
        parameters[name] = array_of(state[name], f"mixture.{name}")
    plain = _plain(state, unpacker)
    return checked_mixture(
        **parameters,
        normalize_weights=plain("normalize_weights", True),
        names=plain("names"),
        domain=plain("_domain_bounds", plain("domain", domain)),
        truncation=plain("truncation", "components"),
    )


def _their_fit(state: State, unpacker: Unpacker) -> SavedFit:
    """A fit of MultiMin."""
    plain = _plain(state, unpacker)
    mixture = _mixture(state.get("mog", state.get("cmnd")), unpacker, plain("domain"))
    return checked_fit(
        "MultiMin",
        mixture,
        data=plain("data"),
        sigma_scale=_sigma_scale(plain("scales"), *mixture.mus.shape),
        solution=_solution(state.get("solution"), unpacker),
        minargs=plain("minargs"),
        set_by_user=plain("_initial_params_set_by_user", False),
    )


def _our_fit(state: State, unpacker: Unpacker) -> SavedFit:
    """A fit that `pickle.dump` has written as it is in memory."""
    plain = _plain(state, unpacker)
    return checked_fit(
        "mogfit",
        _mixture(state.get("_mog"), unpacker),
        data=plain("data"),
        outside=plain("outside", "error"),
        report=_report(state.get("report"), unpacker),
        optimum=plain("_optimum"),
        bounds=plain("bounds"),
        sigma_scale=plain("_sigma_scale"),
        solution=plain("_read_solution"),
        minargs=plain("minargs"),
        set_by_user=plain("_initial_params_set_by_user", False),
        missing=plain("missing", "error"),
        covariance=plain("covariance", "full"),
        **_belongings(plain("_seen")),
    )


def _belongings(seen: Any) -> State:
    """What belongs to the data of a fit, if anything does."""
    if seen is not None and (type(seen) is not dict or not set(seen) <= set(BELONGINGS)):
        allowed = ", ".join(BELONGINGS)
        raise FileFormatError(f"_seen: {shorten(seen)} seen; allowed: None, or {allowed}")
    return seen or {}


def _plain(state: State, unpacker: Unpacker) -> Any:
    def plain(key: str, default: Any = None) -> Any:
        return unpacker.plain(state[key], key) if key in state else default

    return plain


def _sigma_scale(scales: Any, ngauss: int, nvars: int) -> float | None:
    """Scale of the standard deviations in MultiMin's flat vectors: 10, unless a user has set it."""
    first = (0 if ngauss == 1 else ngauss) + ngauss * nvars
    if not isinstance(scales, np.ndarray) or scales.ndim != 1 or len(scales) <= first:
        return None
    return float(scales[first : first + ngauss * nvars].max())


def _solution(value: Any, unpacker: Unpacker) -> State | None:
    """Entries of a `scipy.optimize.OptimizeResult`."""
    if value is None:
        return None
    found = {}
    for key, entry in unpacker.entries(value, "solution").items():
        kind = class_of(entry)
        if kind is not None and kind.name == "LbfgsInvHessProduct":
            parts = _plain(unpacker.entries(entry, "solution"), unpacker)
            found[key] = {"sk": parts("sk"), "yk": parts("yk")}
        else:
            found[key] = unpacker.plain(entry, "solution")
    return found


def _report(value: Any, unpacker: Unpacker) -> State | None:
    """Fields of a `FitReport`, and of its starts, as `report_from_record` takes them."""
    if value is None:
        return None
    state = unpacker.entries(value, "report")
    starts = state.pop("starts", None)
    if type(starts) is not tuple:
        raise FileFormatError("report: has no starts")
    report = {key: unpacker.plain(entry, "report") for key, entry in state.items()}
    for name in COMPONENTS:
        if type(report.get(name)) is tuple:
            report[name] = list(report[name])
    report["starts"] = [
        {key: unpacker.plain(entry, "report.starts") for key, entry in fields.items()}
        for fields in (unpacker.entries(start, "report.starts") for start in starts)
    ]
    return report

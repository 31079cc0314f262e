"""The data of a saved fit, and what belongs to them: from a file, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mogfit.density.domain import parse_domain
from mogfit.errors import (
    DataWarning,
    DomainError,
    DtypeError,
    FileFormatError,
    InputError,
    shorten,
    warn_user,
)
from mogfit.noise import Noise
from mogfit.observations import Missing, Observations, as_observations
from mogfit.observed_domain import keep_inside

__all__ = ["checked_data"]


def checked_data(
    data: Any,
    names: tuple[str, ...] | None,
    domain: Any,
    nvars: int,
    missing: Missing,
    belongings: Mapping[str, Any],
) -> Observations | None:
    """Make observations of values from a file, checked as a user's would be.

    Parameters
    ----------
    data : object
        The values; None where the file has none.
    names, domain, nvars, missing
        Of the fit, checked before.
    belongings : mapping
        Errors and projection by the names of `BELONGINGS`, None where there is none.

    Returns
    -------
    Observations or None
        The rows inside the domain.

    Raises
    ------
    FileFormatError
        If they are not those of a fit.

    Warns
    -----
    DataWarning
        If rows lie outside the domain, and were dropped.
    """
    held = {name: array for name, array in belongings.items() if array is not None}
    for name, array in held.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise FileFormatError(f"{name}: {shorten(array)} seen; allowed: an array of doubles")
    if data is None:
        if held:
            raise FileFormatError(f"data: none, but {next(iter(held))} of them")
        return None
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu":
        raise FileFormatError(f"data: {shorten(data)} seen; allowed: an array of real numbers")
    bounds = parse_domain(domain, nvars)
    projection = held.pop("projection", None)
    if len(held) > 1:
        raise FileFormatError(f"{' and '.join(held)}: only one kind of errors is allowed")
    try:
        # Absurd values overflow in the checks themselves, which then find what is wrong.
        with np.errstate(all="ignore"):
            seen = as_observations(
                data,
                nvars=nvars,
                names=names,
                missing=missing,
                errors=Noise(**held) if held else None,
                projection=projection,
            )
        kept = seen if bounds is None else keep_inside(seen, bounds)
    except (InputError, DtypeError, DomainError) as error:
        words = str(error)
        name = next(iter(held), "")
        raise FileFormatError(words.replace("errors:", f"{name}:", 1)) from error
    if kept.n_points < seen.n_points:
        warn_user(
            f"{seen.n_points - kept.n_points} of {seen.n_points} rows in the file lie outside the "
            "domain of its fit and were dropped",
            DataWarning,
        )
    return kept

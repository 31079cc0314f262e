"""Some variables of a mixture, given the values of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.parts import MixtureParts, bounds_of, open_or, variable_index
from mogfit.data import as_points
from mogfit.density.components import is_number
from mogfit.density.conditioning import condition
from mogfit.density.marginal import inside_log_weights
from mogfit.density.protocol import Mixture
from mogfit.errors import (
    DomainError,
    DtypeError,
    InputError,
    place,
    scalar_message,
    shape_message,
    shorten,
)

__all__ = ["conditional"]

Floats = NDArray[np.float64]


def conditional(mog: Mixture, given: Any) -> MixtureParts:
    r"""The density of the free variables S, given the values c of the others R.

    It is a mixture of the components given c, with weights w_k N(c; mu_k, Sigma_k), by sums of
    exponentials that cannot underflow; inside a domain times Z_k(c) / Z_k, what the box holds of
    component k given c over what it holds in all. The weights sum to 1.

    Parameters
    ----------
    mog : Mixture
    given : mapping or array_like of shape (V,)
        Values by the number or the name of the variable, or a row with NaN for the free ones.

    Raises
    ------
    InputError
        If there is no such variable, a value is not finite, or no variable is left free.
    DtypeError
        If a value is not a number.
    DomainError
        If a value lies outside the domain; or so far away, some 1e154 standard deviations, that
        the density there is 0 even as a logarithm.
    """
    values = _given(given, mog)
    nvars, names = mog.nvars, mog.names
    fixed = sorted(values)
    free = [i for i in range(nvars) if i not in values]
    if not free:
        raise InputError(f"given: all {nvars} variables seen; leave at least one of them free")
    at = [values[i] for i in fixed]
    bounds = bounds_of(mog)
    if bounds is not None:
        _check_inside(values, bounds, names)
    found = condition(mog.mus, mog.Sigmas, fixed, free, at)
    highest = np.maximum.reduce(found.log_densities)
    if not highest > -np.inf:
        raise DomainError(_zero_message(given))
    # Of logarithms that are large the differences come first: they may be small, and exact.
    logs = inside_log_weights(mog) + (found.log_densities - highest)
    box = None
    if bounds is not None:
        logs = logs - mog.log_masses
        box = open_or(bounds[:, free])
        if box is not None and mog.truncation == "components":
            ones = np.ones(mog.ngauss)
            logs = logs + _core.PreparedMixture(ones, found.mus, found.Sigmas, box).log_masses
    highest = np.maximum.reduce(logs)
    if not highest > -np.inf:
        raise DomainError(_zero_message(given))
    weights = np.exp(logs - highest)
    weights /= np.add.reduce(weights)
    kept = None if names is None else tuple([names[i] for i in free])
    return MixtureParts(weights, found.mus, found.Sigmas, box, mog.truncation, kept)


def _given(given: Any, mog: Mixture) -> dict[int, float]:
    """The given values by the numbers of their variables."""
    if getattr(given, "ndim", 0) == 1 and hasattr(given, "dropna"):
        # A row of a table, of pandas for one, which says by itself what its values are.
        given = dict(given.dropna().items())
    if not isinstance(given, Mapping):
        row = as_points(
            given, nvars=mog.nvars, names=mog.names, name="given", single_row_ok=True,
            finite=False,
        ).values  # fmt: skip
        if len(row) != 1:
            raise InputError(shape_message("given", row.shape, f"one row of {mog.nvars} values"))
        given = {i: value for i, value in enumerate(row[0].tolist()) if value == value}
    values: dict[int, float] = {}
    for key, value in given.items():
        i = variable_index(key, mog.nvars, mog.names, "given")
        if i in values:
            raise InputError(f"given: variable {i} seen twice, as {key!r} too; give it once")
        if type(value) is not float and not is_number(value):
            raise DtypeError(scalar_message("given", value, "a number for each variable"))
        values[i] = float(value)
        if not -np.inf < values[i] < np.inf:
            raise InputError(
                f"given: {value} seen for variable {key!r}; allowed: finite numbers; leave free "
                "variables out"
            )
    return values


def _zero_message(given: Any) -> str:
    return (
        f"given: the density at {shorten(given)} is 0 even as a logarithm, below -1.8e308; "
        "allowed: values within 1e154 standard deviations of some mean"
    )


def _check_inside(
    values: Mapping[int, float], bounds: Floats, names: tuple[str, ...] | None
) -> None:
    for i, value in values.items():
        low, high = bounds[:, i]
        if not low <= value <= high:
            where = place(column=i, name=names[i] if names else None)
            raise DomainError(
                f"given: {value:g} seen, outside the domain, at {where}; allowed: "
                f"[{low:g}, {high:g}], for the density is 0 elsewhere"
            )

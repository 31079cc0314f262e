"""Bounds on parameters, as users give them and in the unbound coordinates of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DtypeError, InputError, scalar_message, shorten
from mogfit.inference.bounded import Bounds
from mogfit.parameters import (
    Stdcorr,
    bound_to_unbound,
    split_stdcorr,
    stdcorr_from_minparams,
    unbound_to_bound,
)

__all__ = ["Intervals", "parse_bounds"]

Floats = NDArray[np.float64]
Pair = tuple[float, float]


class Intervals(NamedTuple):
    """One interval for the weights, for the means of each variable, for the sigmas and the rhos."""

    weight: Pair
    means: list[Pair]
    sigma: Pair
    rho: Pair

    @classmethod
    def checked(
        cls,
        nvars: int,
        boundw: Any = None,
        bounds: Any = None,
        boundr: Any = None,
        boundsm: Any = None,
    ) -> Intervals:
        """Check the arguments of `FitMoG.set_bounds`; None leaves the whole range.

        Raises
        ------
        InputError
            If an interval is empty or outside its range.
        """
        weight = _interval(boundw, "boundw", 0.0, 1.0)
        sigma = _interval(bounds, "bounds", 0.0, np.inf)
        rho = _interval(boundr, "boundr", -1.0, 1.0)
        if boundsm is None:
            return cls(weight, [(-np.inf, np.inf)] * nvars, sigma, rho)
        if np.ndim(boundsm) == 0 or len(boundsm) != nvars:
            raise InputError(
                f"boundsm: {shorten(boundsm)} seen; allowed: {nvars} pairs (low, high), "
                "one for each variable"
            )
        means = [_interval(pair, "boundsm", -np.inf, np.inf) for pair in boundsm]
        return cls(weight, means, sigma, rho)

    def unbound(self, ngauss: int, scales: Floats) -> tuple[Pair, ...]:
        """These intervals for every entry of the unbound vector of these scales."""
        nvars = len(self.means)
        pairs = ngauss * (nvars * (nvars - 1) // 2)
        widest = float(scales[_sigmas_of(ngauss, nvars)].max())
        in_range = [self.weight] * (0 if ngauss == 1 else ngauss)
        in_range += self.means * ngauss
        in_range += [(self.sigma[0], min(self.sigma[1], widest))] * (ngauss * nvars)
        in_range += [(1.0 + self.rho[0], 1.0 + self.rho[1])] * pairs
        unbound = bound_to_unbound(np.array(in_range).T, scales)
        return tuple((float(low), float(high)) for low, high in unbound.T)


def parse_bounds(pairs: Sequence[Any], scales: Floats, ngauss: int, nvars: int) -> Bounds:
    """Bounds in unbound coordinates -> bounds on the parameters themselves.

    Raises
    ------
    DtypeError
        If `pairs` is not a sequence.
    InputError
        If their number does not fit, a lower bound is above its upper one, or no weights can
        sum to 1.
    """
    expected = len(scales)
    if isinstance(pairs, str) or not hasattr(pairs, "__len__"):
        raise DtypeError(scalar_message("bounds", pairs, f"{expected} pairs (low, high)"))
    if ngauss == 1 and len(pairs) == expected + 1:
        # MultiMin's own `bounds` keep the weight of a single component.
        pairs = pairs[1:]
    if len(pairs) != expected:
        raise InputError(
            f"bounds: {len(pairs)} pair{'' if len(pairs) == 1 else 's'} seen, {expected} "
            "expected: weights (if G > 1), means, standard deviations, correlations, as "
            "set_bounds returns them"
        )
    sides = []
    for side, missing in ((0, -np.inf), (1, np.inf)):
        values = [missing if pair is None or pair[side] is None else pair[side] for pair in pairs]
        bounded = unbound_to_bound(values, scales)
        # A sigma bound at its scale is no bound.
        sigmas = _sigmas_of(ngauss, nvars)
        bounded[sigmas][np.isposinf(np.array(values, dtype=float)[sigmas])] = np.inf
        whole = split_stdcorr(stdcorr_from_minparams(bounded, ngauss, nvars), nvars)
        if ngauss == 1:
            whole = whole._replace(weights=np.ones(1))
        sides.append(whole)
    for name, low, high in zip(Stdcorr._fields, *sides, strict=True):
        if np.any(low > high) or np.any(np.isnan(low) | np.isnan(high)):
            raise InputError(f"bounds: a lower bound of {name} is above its upper bound")
    parsed = Bounds(*sides)
    parsed.check_weights()
    return parsed


def _sigmas_of(ngauss: int, nvars: int) -> slice:
    """Where the standard deviations stand in the vectors of a fit."""
    first = (0 if ngauss == 1 else ngauss) + ngauss * nvars
    return slice(first, first + ngauss * nvars)


def _interval(
    pair: tuple[float, float] | None, name: str, lowest: float, highest: float
) -> tuple[float, float]:
    if pair is None:
        return lowest, highest
    try:
        low, high = (float(v) for v in pair)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {pair!r} seen, a pair (low, high) expected") from error
    if not lowest <= low < high <= highest:
        raise InputError(
            f"{name}: ({low:g}, {high:g}) seen, must be low < high within [{lowest:g}, {highest:g}]"
        )
    return low, high

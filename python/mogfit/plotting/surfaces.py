"""What the panels of a `MultiPlot` show of a mixture, as numbers: no drawing here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.domain import parse_domain
from mogfit.density.marginal import Density, conditional_slice, marginal
from mogfit.density.protocol import Mixture, mixture_of
from mogfit.errors import InputError, choice_message, scalar_message, shorten
from mogfit.plotting.regions import curve_grid, density_levels

__all__ = [
    "PROJECTIONS",
    "Densities",
    "Limits",
    "check_grid_size",
    "check_mass",
    "check_mixture",
    "check_projection",
    "contour_levels",
    "curve",
    "inside",
    "same_mixture",
    "shown_span",
    "slice_centre",
]

Floats = NDArray[np.float64]
Limits = tuple[float, float]

PROJECTIONS = ("slice", "marginal")

# Levels, where only their number is given, lie between these shares of the highest density.
_LOWEST, _HIGHEST = 0.10, 0.95
_DEFAULT_COUNT = 5
# Draws behind contours of given mass: 0.35 % of probability. What a mixture spans is what these
# draws do, without the farthest ones, and with a margin.
_DRAWS, _TAIL, _PAD = 20_000, 5e-4, 0.08


def check_mixture(mog: Any, nvars: int) -> Mixture:
    """The mixture of a fit, or the mixture itself, in as many variables as a figure has.

    Raises
    ------
    DtypeError
        If it is no mixture.
    InputError
        If it has other variables.
    """
    mixture = mixture_of(mog)
    if mixture.nvars != nvars:
        raise InputError(
            f"mog: {mixture.nvars} variables seen; allowed: {nvars}, as the figure has properties"
        )
    return mixture


def check_grid_size(grid_size: Any) -> int:
    """A whole number of at least 2, or InputError."""
    if not hasattr(grid_size, "__index__") or isinstance(grid_size, bool) or grid_size < 2:
        raise InputError(scalar_message("grid_size", grid_size, "a whole number >= 2"))
    return int(grid_size)


def check_projection(projection: Any) -> str:
    """One of `PROJECTIONS`, or InputError."""
    if projection not in PROJECTIONS:
        raise InputError(choice_message("projection", projection, PROJECTIONS))
    return str(projection)


def same_mixture(a: Mixture, b: Mixture) -> bool:
    """Whether two mixtures have equal parameters."""
    return (
        np.array_equal(a.weights, b.weights)
        and np.array_equal(a.mus, b.mus)
        and np.array_equal(a.Sigmas, b.Sigmas)
        and a.domain == b.domain
        and a.truncation == b.truncation
    )


def check_mass(mass: Any) -> tuple[float, ...]:
    """Probabilities between 0 and 1, in order; one number is one of them.

    Raises
    ------
    InputError
        If one is not.
    """
    try:
        shares = tuple(sorted(float(share) for share in np.atleast_1d(mass)))
    except (TypeError, ValueError):
        shares = (np.nan,)
    if not shares or not all(0.0 < share < 1.0 for share in shares):
        raise InputError(f"mass: {shorten(mass)} seen; allowed: probabilities above 0 and below 1")
    return shares


def shown_span(mog: Mixture) -> list[Limits]:
    """Where each variable of a mixture lies: nearly all of its probability, and a margin."""
    low, high = np.quantile(mog.rvs(_DRAWS, rng=0), (_TAIL, 1.0 - _TAIL), axis=0)
    margin = _PAD * (high - low)
    return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))


def slice_centre(mog: Mixture) -> Floats:
    """The weighted mean of the means, in the domain: the point that slices run through."""
    centre = mog.weights @ mog.mus / mog.weights.sum()
    bounds = parse_domain(mog.domain, mog.nvars)
    return centre if bounds is None else np.clip(centre, bounds[0], bounds[1])


class Densities:
    """Densities of pairs of variables and of single ones, each prepared once.

    Parameters
    ----------
    limits : sequence of (low, high)
        What is shown of every variable.
    """

    def __init__(self, limits: Sequence[Limits]) -> None:
        self.limits = list(limits)
        self._known: dict[tuple[Any, ...], Density] = {}

    def pair(self, mog: Mixture, i: int, j: int, projection: str) -> Density:
        """Density of two variables, the others integrated out, or held at the centre.

        `mog` must not change while it is drawn.
        """
        key = (id(mog), i, j, projection)
        if key not in self._known:
            if projection == "slice":
                self._known[key] = conditional_slice(mog, [i, j], slice_centre(mog))
            else:
                within = np.array([self.limits[i], self.limits[j]]).T
                self._known[key] = marginal(mog, [i, j], within=within)
        return self._known[key]

    def single(self, mog: Mixture, i: int) -> Density:
        """Density of one variable, the others integrated out."""
        key = (id(mog), i)
        if key not in self._known:
            self._known[key] = marginal(mog, [i], within=np.array([self.limits[i]]).T)
        return self._known[key]


def inside(density: Density, axis: int, limits: Limits) -> Limits | None:
    """The part of a panel that lies in the domain; None if no part does."""
    low = max(limits[0], float(density.bounds[0, axis]))
    high = min(limits[1], float(density.bounds[1, axis]))
    return (low, high) if low < high else None


def curve(
    density: Density, limits: Limits, count: int, component: int | None = None
) -> tuple[Floats, Floats]:
    """A density of one variable, or the share of a component in it, as a line.

    At the borders of the domain the line has two points, so that it falls upright.
    """
    part = inside(density, 0, limits)
    if part is None:
        return np.array(limits), np.zeros(2)
    x = curve_grid(density, 0, *part, count)
    if component is None:
        y = density.pdf(x)
    else:
        shares = density.weights[component] * np.exp(density.component_logpdf(x)[:, component])
        y = np.asarray(shares)
    before = [limits[0], part[0]] if part[0] > limits[0] else []
    after = [part[1], limits[1]] if part[1] < limits[1] else []
    x = np.concatenate([before, x, after])
    return x, np.concatenate([np.zeros(len(before)), y, np.zeros(len(after))])


def contour_levels(
    density: Density,
    values: Floats,
    levels: Any,
    mass: tuple[float, ...] | None,
    component: int | None = None,
) -> Floats:
    """Levels of contours, in ascending order.

    Parameters
    ----------
    density : Density
    values : ndarray
        Its values in a panel, or those of a component with its weight.
    levels : None, int or array_like
        None or a number: as many between 10 % and 95 % of the highest value; or densities.
    mass : tuple of float or None
        Probabilities inside the contours, in place of `levels`.
    component : int, optional
        The component that the values belong to.
    """
    if mass is not None:
        wanted = density_levels(density, mass, component, _DRAWS)
        if component is not None:
            wanted = density.weights[component] * wanted
    elif levels is None or (np.ndim(levels) == 0 and not isinstance(levels, bool)):
        count = _DEFAULT_COUNT if levels is None else levels
        if not hasattr(count, "__index__") or count < 1:
            raise InputError(
                scalar_message("levels", levels, "a whole number >= 1, or a list of densities")
            )
        wanted = np.linspace(_LOWEST, _HIGHEST, int(count)) * values.max()
    else:
        wanted = np.asarray(levels, dtype=np.float64).ravel()
    return np.sort(wanted)

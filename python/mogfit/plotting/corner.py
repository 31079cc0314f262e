"""The corner figure: a fitted mixture and its data, for every variable and every pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.density.marginal import marginal
from mogfit.density.protocol import Mixture, mixture_of
from mogfit.errors import InputError, scalar_message, shape_message, shorten
from mogfit.noise import Noise
from mogfit.observations import Missing, Observations, as_observations
from mogfit.rng import draw_seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["corner_figure"]

Floats = NDArray[np.float64]

# More points than this change nothing that can be seen in a histogram.
_MOST_POINTS = 1_000_000
_MOST_VARIABLES = 16
# Draws in place of data for the ranges.
_DRAWS = 40_000
# Rows for which the log density is held at once.
_ROWS_AT_ONCE = 1 << 16


def corner_figure(
    mog: Any,
    data: Any = None,
    *,
    names: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    ranges: Sequence[tuple[float, float] | None] | None = None,
    sample_weight: ArrayLike | None = None,
    missing: Missing = "error",
    errors: Any = None,
    mass: Sequence[float] = (0.39, 0.86, 0.99),
    components: bool = True,
    max_points: int = 5000,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    random_state: Any = None,
) -> Figure:
    """Draw a mixture of Gaussians and its data, for every variable and every pair of variables.

    The diagonal shows each variable alone: a histogram of the data, the density of the mixture in
    black, the share of each component in colour. Below it, each pair: the data, contours of the
    marginal density of the mixture, and the ellipse of one standard deviation of each component,
    the thicker the heavier.

    Parameters
    ----------
    mog : MixtureOfGaussians or FitMoG
        What to draw; a fit brings its data along.
    data : array_like of shape (N, V), or table, optional
        Points. Up to `max_points` are drawn as dots, more as a histogram shaded by the logarithm
        of the counts.
    names, units : sequence of str, optional
        Names and units of the variables; by default those of the data or the mixture.
    ranges : sequence of (low, high) or None, optional
        What to show of each variable; None, and by default, from the 0.1 to the 99.9 percentile
        of the data and from the 0.3 to the 99.7 percentile of the mixture, a little widened.
    sample_weight : array_like of shape (N,), optional
        Weights of the points.
    missing : {"error", "marginal", "drop"}, default "error"
        What a missing value means, as for `mogfit.FitMoG`; a fit brings its own choice along.
        Rows with one count in the likelihood that is written, but are not drawn.
    errors : array_like, optional
        Errors of the points, as `mogfit.FitMoG` takes them, for that likelihood; a fit brings its
        own along. Points are drawn where they were seen.
    mass : sequence of float, default (0.39, 0.86, 0.99)
        Probability of the pair inside each contour, in the smallest region that holds it; 0.39
        and 0.86 are those of one and two standard deviations of a single Gaussian. Empty draws no
        contours.
    components : bool, default True
        Whether to draw single components.
    max_points : int, default 5000
        Most points drawn as dots.
    title : str, optional
        Written above everything.
    figsize : (float, float), optional
        Width and height in inches.
    random_state : None, int, numpy.random.Generator or RandomState, optional
        Used only beyond a million points, of which as many are chosen at random for the
        histograms. None takes one draw from numpy's global state.

    Returns
    -------
    matplotlib.figure.Figure
        With an Agg canvas and without pyplot: save it with its ``savefig``.

    Raises
    ------
    InputError
        If data, weights, names, ranges or masses do not fit, or there are more than 16 variables.
    DtypeError
        If `mog` is no mixture.

    Notes
    -----
    Highest-density contours follow Hyndman (1996), "Computing and graphing highest density
    regions", section 3.2. The log-likelihood that is written takes all points.

    Examples
    --------
    >>> import mogfit as mn
    >>> from mogfit.plotting import corner_figure
    >>> mog = mn.MixtureOfGaussians(mus=[[0, 0], [3, 1]], Sigmas=[[[1, 0], [0, 1]]] * 2)
    >>> figure = corner_figure(mog, mog.rvs(2000, rng=1), names=["x", "y"])
    >>> len(figure.axes)  # two variables, one pair, and the free corner
    4
    """
    if data is None:
        data = getattr(mog, "data", None)
        missing = getattr(mog, "missing", missing)
        errors = _errors_of(mog) if errors is None else errors
    mog = mixture_of(mog)
    if mog.nvars > _MOST_VARIABLES:
        raise InputError(
            f"mog: {mog.nvars} variables seen; allowed: up to {_MOST_VARIABLES} in one figure; "
            "draw some of them, from their means and blocks of Sigmas"
        )
    shares = _check_mass(mass)
    if isinstance(max_points, bool) or not hasattr(max_points, "__index__") or max_points < 0:
        raise InputError(scalar_message("max_points", max_points, "a whole number >= 0"))
    names = _check_words(names, "names", mog.nvars)
    own_units = getattr(data, "units", None) if units is None else units
    points: NDArray[Any] | None = None
    weights = seen = None
    if data is not None:
        seen = as_observations(
            data,
            nvars=mog.nvars,
            names=mog.names,
            missing=missing,
            errors=errors,
            sample_weight=sample_weight,
        )
        names = names or seen.names
        points, weights = _complete(seen)
    names = names or mog.names or tuple(f"x{i}" for i in range(mog.nvars))
    unit_words = _check_words(own_units, "units", mog.nvars) or ("",) * mog.nvars
    notes = _notes(mog, seen)
    if points is not None:
        points, weights = _thin(points, weights, random_state)
    limits = _ranges(ranges, mog.rvs(_DRAWS, rng=0), points, weights)
    return _draw(
        mog, points, weights, limits, names, unit_words, notes, shares,
        components=components, max_points=int(max_points), title=title, figsize=figsize,
    )  # fmt: skip


def _draw(
    mog: Mixture,
    points: NDArray[Any] | None,
    weights: Floats | None,
    limits: list[tuple[float, float]],
    names: Sequence[str],
    units: Sequence[str],
    notes: list[str],
    mass: tuple[float, ...],
    *,
    components: bool,
    max_points: int,
    title: str | None,
    figsize: tuple[float, float] | None,
) -> Figure:
    from mogfit.plotting import painters
    from mogfit.plotting.grid import CornerGrid
    from mogfit.plotting.regions import density_levels
    from mogfit.plotting.words import Words

    grid = CornerGrid(limits, names, units, figsize=figsize, title=title)
    styles = painters.component_styles(mog.weights)
    dense = points is not None and len(points) > max_points
    for variable, axes in enumerate(grid.diagonal):
        single = marginal(mog, [variable], within=np.array([limits[variable]]).T)
        highest = 0.0
        if points is not None:
            bins = int(np.clip(2.0 * len(points) ** (1 / 3), 10, 60))
            highest = painters.paint_histogram(axes, points[:, variable], weights, bins)
        peak = painters.paint_curve(axes, single)
        # A needle of a component may leave the panel: it would flatten everything else.
        top = max(highest, min(peak, 4.0 * highest) if highest else peak)
        axes.set_ylim(0.0, 1.08 * top)
        if components and mog.ngauss > 1:
            painters.paint_component_curves(axes, single, styles)
    for column, row in combinations(range(mog.nvars), 2):
        axes = grid.panels[row, column]
        pair = marginal(mog, [column, row], within=np.array([limits[column], limits[row]]).T)
        if points is not None:
            x, y = points[:, column], points[:, row]
            if dense:
                bins = int(np.clip(0.35 * len(points) ** 0.5, 24, 90))
                painters.paint_counts(axes, x, y, weights, bins)
            else:
                painters.paint_dots(axes, x, y, weights)
        if mass:
            levels = density_levels(pair, mass)
            painters.paint_contours(axes, pair, levels)
        if components and mog.ngauss > 1:
            painters.paint_ellipses(axes, pair, styles)
    words = Words(grid.side, grid.fontsize)
    words.write_notes(notes)
    several = components and mog.ngauss > 1
    words.explain(
        with_data=points is not None,
        mass=mass if mog.nvars > 1 else (),
        with_ellipses=several and mog.nvars > 1,
        truncated=mog.domain is not None,
    )
    if several:
        words.list_components(mog.weights.tolist(), styles)
    return grid.figure


def _errors_of(fit: Any) -> Noise | None:
    """Errors of the data that a fit brings along."""
    seen = getattr(fit, "_seen", None) if hasattr(fit, "mog") else None
    if seen is None or seen.given is not fit.data:
        return None
    if seen.projection is not None:
        raise InputError(
            "data: projections of points cannot be drawn beside their mixture; "
            "corner_figure(fit.mog) draws that"
        )
    return seen.noise


def _complete(seen: Observations) -> tuple[NDArray[Any] | None, Floats | None]:
    """Points to draw and their weights: those without a missing value, if there are any."""
    if not seen.incomplete:
        return seen.values, seen.weight
    kept = ~np.isnan(seen.values).any(axis=1)
    weight = seen.weight if seen.weight is None else seen.weight[kept]
    if not kept.any() or (weight is not None and not weight.any()):
        return None, None
    return seen.values[kept], weight


def _notes(mog: Mixture, seen: Observations | None) -> list[str]:
    """Sizes and likelihood, in the words of the figure."""
    plural = "" if mog.ngauss == 1 else "s"
    components = f"{mog.ngauss} Gaussian{plural}"
    if seen is None:
        return [components]
    loglik = 0.0
    logpdf: Any = mog.logpdf
    for first in range(0, seen.n_points, _ROWS_AT_ONCE):
        part = seen.take(slice(first, first + _ROWS_AT_ONCE))
        options = {} if part.plain else {"missing": "marginal", "errors": part.noise}
        density = np.atleast_1d(logpdf(part.values, **options))
        loglik += float(density.sum() if part.weight is None else part.weight @ density)
    mean = f"{-loglik / seen.total:.4f}".replace("-", "\N{MINUS SIGN}")
    # A thin space groups thousands in every country.
    count = f"{seen.n_points:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return [
        f"{count} points, {components}",
        f"\N{MINUS SIGN}log L / N = {mean}",
    ]


def _thin(
    points: NDArray[Any], weights: Floats | None, random_state: Any
) -> tuple[NDArray[Any], Floats | None]:
    """Doubles of at most a million points, those of weight 0 left out."""
    from mogfit.plotting.regions import subset

    rows: Any = slice(None)
    if len(points) > _MOST_POINTS:
        rng = np.random.default_rng(draw_seed(random_state, "random_state"))
        rows = subset(points, _MOST_POINTS, rng)
    chosen = np.asarray(points[rows], dtype=np.float64)
    if weights is None:
        return chosen, None
    weights = weights[rows]
    counted = weights > 0
    return chosen[counted], weights[counted]


def _ranges(
    ranges: Sequence[tuple[float, float] | None] | None,
    draws: Floats,
    points: Floats | None,
    weights: Floats | None,
) -> list[tuple[float, float]]:
    from mogfit.plotting.regions import robust_range

    nvars = draws.shape[1]
    if ranges is None:
        ranges = [None] * nvars
    if len(ranges) != nvars:
        raise InputError(f"ranges: {len(ranges)} seen; allowed: {nvars}, one for each variable")
    limits = []
    for variable, pair in enumerate(ranges):
        if pair is None:
            column = None if points is None else points[:, variable]
            limits.append(robust_range(draws[:, variable], column, weights))
            continue
        try:
            low, high = (float(v) for v in pair)
        except (TypeError, ValueError):
            low, high = np.nan, np.nan
        if not -np.inf < low < high < np.inf:
            raise InputError(
                f"ranges: of variable {variable}: {shorten(pair)} seen; allowed: (low, high), "
                "finite, low < high"
            )
        limits.append((low, high))
    return limits


def _check_mass(mass: Sequence[float]) -> tuple[float, ...]:
    try:
        shares = tuple(float(share) for share in mass)
    except (TypeError, ValueError):
        shares = (np.nan,)
    if not all(0.0 < share < 1.0 for share in shares):
        raise InputError(f"mass: {shorten(mass)} seen; allowed: probabilities above 0 and below 1")
    return tuple(sorted(shares))


def _check_words(words: Sequence[str] | None, argument: str, nvars: int) -> tuple[str, ...] | None:
    if words is None:
        return None
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{argument}: {shorten(words)} seen; allowed: a sequence of texts")
    if len(words) != nvars:
        raise InputError(shape_message(argument, (len(words),), (nvars,)))
    return tuple(words)

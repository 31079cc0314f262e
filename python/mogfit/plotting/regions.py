"""What a figure shows of a mixture and of data, as numbers: no drawing here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.regions import levels_of_draws
from mogfit.density.marginal import Density

__all__ = [
    "curve_grid",
    "density_levels",
    "robust_range",
    "subset",
    "weighted_quantiles",
]

Floats = NDArray[np.float64]

# Positions, in standard deviations from a mean, at which a narrow component needs grid points.
_AROUND_A_MEAN = np.array(
    [-4, -3, -2.4, -1.8, -1.3, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.3, 1.8, 2.4]
)


def density_levels(
    density: Density, mass: Sequence[float], component: int | None = None, count: int = 40_000
) -> Floats:
    """Densities on the borders of the highest-density regions of given probabilities.

    They are quantiles of the density of draws; it does not matter whether it is normalised.

    Parameters
    ----------
    density : Density
    mass : sequence of float
        Probabilities inside, between 0 and 1.
    component : int, optional
        The component to take alone, without its weight.
    count : int, default 40000
        Draws; the probabilities are right to about 0.5 / sqrt(count).

    Returns
    -------
    ndarray of shape (len(mass),)
        Levels in the order of `mass`.
    """
    draws = density.draws(count, component)
    if component is None:
        values = density.pdf(draws)
    else:
        values = np.exp(density.component_logpdf(draws)[:, component])
    return levels_of_draws(values, mass)


def curve_grid(mog: Density, axis: int, low: float, high: float, count: int) -> Floats:
    """Values of one variable at which a density looks smooth, however narrow its components.

    Evenly spaced ones, and some around the mean of each component that is narrower than a few
    spacings.
    """
    even = np.linspace(low, high, count)
    means, sigmas = mog.mus[:, axis], np.sqrt(mog.Sigmas[:, axis, axis])
    narrow = sigmas < 4.0 * (high - low) / count
    extra = (means[narrow, None] + sigmas[narrow, None] * _AROUND_A_MEAN).ravel()
    return np.unique(np.concatenate([even, extra[(extra > low) & (extra < high)]]))


def weighted_quantiles(values: Floats, weights: Floats | None, at: Sequence[float]) -> Floats:
    """Quantiles of a sample whose points count as often as their weights say."""
    if weights is None:
        return np.quantile(values, at)
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    places = np.searchsorted(cumulative, np.asarray(at) * cumulative[-1])
    return values[order[np.minimum(places, len(values) - 1)]]


def robust_range(
    draws: Floats, values: Floats | None = None, weights: Floats | None = None, pad: float = 0.05
) -> tuple[float, float]:
    """A range that shows a mixture and its data and is not stretched by a few far points.

    From the 0.1 to the 99.9 percentile of the data, and from the 0.3 to the 99.7 percentile of
    draws from the mixture, whichever is farther; widened on both sides by `pad` of the width.
    """
    low, high = np.quantile(draws, (0.003, 0.997))
    if values is not None:
        lowest, highest = weighted_quantiles(values, weights, (0.001, 0.999))
        low, high = min(low, lowest), max(high, highest)
    margin = pad * (high - low)
    return float(low - margin), float(high + margin)


def subset(values: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Numbers of `count` different rows, in order, each as likely as any other."""
    return np.sort(rng.choice(len(values), count, replace=False, shuffle=False))

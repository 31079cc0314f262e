"""Ellipses of components, and the borders of the regions of highest density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.components import check_count, is_number, real_array
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, scalar_message

__all__ = ["component_ellipse", "ellipse_points", "hdr_level", "levels_of_draws"]

Floats = NDArray[np.float64]


def ellipse_points(mu: Floats, Sigma: Floats, count: int = 73, nsigma: float = 1.0) -> Floats:
    """Points, of shape (count, 2), on the ellipse at a Mahalanobis distance from a Gaussian.

    At a distance of one it holds 39.3 % of the probability. The last point is the first.
    """
    angle = np.linspace(0.0, 2.0 * np.pi, count)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circle[-1] = circle[0]
    return mu + nsigma * circle @ np.linalg.cholesky(Sigma).T


def component_ellipse(
    mog: Mixture, k: int, nsigma: float, points: int, variables: Sequence[int | str]
) -> Floats:
    """The ellipse of one component in two of the variables; see `MixtureOfGaussians`.

    Raises
    ------
    InputError
        If there is no such component or variable, or a number is out of range.
    """
    last = mog.ngauss - 1
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or not 0 <= k <= last:
        raise InputError(scalar_message("k", k, f"a whole number from 0 to {last}"))
    if not is_number(nsigma) or not 0 < nsigma < np.inf:
        raise InputError(scalar_message("nsigma", nsigma, "a number > 0"))
    count = check_count(points, "points", 2)
    pair = _two_variables(mog, variables)
    return ellipse_points(mog.mus[k, pair], mog.Sigmas[k][np.ix_(pair, pair)], count, float(nsigma))


def _two_variables(mog: Mixture, variables: Any) -> list[int]:
    names = list(mog.names or ())
    allowed = f"two different variables of 0 to {mog.nvars - 1}" + (
        f" or {', '.join(map(repr, names))}" if names else ""
    )
    found = [
        names.index(v) if v in names else v
        for v in (variables if isinstance(variables, (tuple, list, np.ndarray)) else ())
    ]
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in found)
    if not whole or len(found) != 2 or not all(-mog.nvars <= v < mog.nvars for v in found):
        raise InputError(scalar_message("variables", variables, allowed))
    pair = [int(v) % mog.nvars for v in found]
    if pair[0] == pair[1]:
        raise InputError(scalar_message("variables", variables, allowed))
    return pair


def levels_of_draws(densities: Floats, mass: Sequence[float] | Floats) -> Floats:
    """Densities on the borders of the highest-density regions of given probabilities.

    The region {x: p(x) > t} holds the share of draws whose density exceeds t, so that t is a
    quantile of the density of the draws (Hyndman 1996, section 3.2).

    Parameters
    ----------
    densities : ndarray of shape (N,)
        p(x) at points drawn from p.
    mass : sequence of float
        Probabilities inside, between 0 and 1.
    """
    return np.quantile(densities, 1.0 - np.asarray(mass, dtype=float))


def hdr_level(mog: Mixture, mass: Any, size: int, rng: Any) -> float | Floats:
    """The level of the region of highest density of a probability; see `MixtureOfGaussians`.

    Raises
    ------
    InputError
        If a probability is not between 0 and 1, or `size` is not a count.
    """
    wanted = real_array(mass, "mass")
    if not ((wanted > 0) & (wanted < 1)).all():
        raise InputError(scalar_message("mass", mass, "numbers between 0 and 1"))
    count = check_count(size, "size", 1)
    if mog.ngauss == 1 and mog.domain is None:
        levels = _levels_of_one(mog, wanted)
    else:
        levels = levels_of_draws(np.atleast_1d(mog.pdf(mog.rvs(count, rng=rng))), wanted)
    return float(levels) if wanted.ndim == 0 else levels


def _levels_of_one(mog: Mixture, mass: Floats) -> Floats:
    """Of a Gaussian: Mahalanobis distances squared follow a chi-square distribution."""
    from scipy.special import chdtri

    return np.exp(mog.logpdf(mog.mus) - 0.5 * chdtri(mog.nvars, 1.0 - mass))

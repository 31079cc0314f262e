"""PyPR's mixtures, which are lists of centres, covariances and weights, as mogfit takes them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.data import as_points
from mogfit.density.components import check_covariances, real_array
from mogfit.errors import InputError, bad_values_message, place, shape_message
from mogfit.mixture import MixtureOfGaussians

__all__ = [
    "CENTER_LIST",
    "CENTROIDS",
    "Lists",
    "Parts",
    "lists",
    "mixture",
    "parts",
    "points",
    "prepared",
    "say",
]

Floats = NDArray[np.float64]
Lists = tuple[list[Floats], list[Floats], Floats]

# What PyPR's functions call centres, covariances and weights.
CENTROIDS = ("centroids", "ccov", "mc")
CENTER_LIST = ("center_list", "cov_list", "p_k")


class Parts(NamedTuple):
    """Weights (K,), means (K, D) and covariances (K, D, D), checked."""

    weights: Floats
    means: Floats
    covariances: Floats

    def lists(self) -> Lists:
        """Centres, covariances and weights as PyPR has them, which may be written to."""
        return (
            [np.array(mean) for mean in self.means],
            [np.array(covariance) for covariance in self.covariances],
            np.array(self.weights),
        )


def parts(
    centres: Any, covariances: Any, weights: Any = None, names: tuple[str, str, str] = CENTROIDS
) -> Parts:
    """Check a mixture; in one variable a centre or a covariance may be a number.

    Weights are used as they are, equal ones if None.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, a weight is negative or all are 0, or a
        covariance is not symmetric and positive definite.
    """
    means = real_array(centres, names[0])
    if means.ndim == 1:
        means = means[:, None]
    if means.ndim != 2 or 0 in means.shape:
        raise InputError(shape_message(names[0], means.shape, "a list of K centres (D,)"))
    count, nvars = means.shape
    checked = check_covariances(covariances, count, nvars, name=names[1])
    if weights is None:
        return Parts(np.full(count, 1.0 / count), means, checked)
    shares = np.atleast_1d(real_array(weights, names[2]))
    if shares.shape != (count,):
        raise InputError(
            shape_message(names[2], shares.shape, (count,), other=f"the {count} of {names[0]}")
        )
    bad = np.flatnonzero(shares < 0)
    if bad.size or not shares.sum() > 0:
        k = int(bad[0]) if bad.size else 0
        problem = "negative" if bad.size else "0, as all of them are"
        raise InputError(
            bad_values_message(
                names[2],
                bad.size or count,
                count,
                problem,
                first=place(component=k),
                seen=f"{shares[k]:g}",
                allowed="numbers >= 0, at least one of them above 0",
            )
        )
    return Parts(shares, means, checked)


def prepared(found: Parts) -> _core.PreparedMixture:
    """What the core evaluates; weights are used as they are."""
    return _core.PreparedMixture(found.weights, found.means, found.covariances)


def mixture(found: Parts) -> MixtureOfGaussians:
    """The mixture, whose weights have the sum 1."""
    return MixtureOfGaussians(weights=found.weights, mus=found.means, Sigmas=found.covariances)


def lists(mog: Any) -> Lists:
    """Centres, covariances and weights of a mixture of mogfit."""
    return Parts(mog.weights, mog.mus, mog.Sigmas).lists()


def points(X: Any, nvars: int | None = None, *, finite: bool = False) -> NDArray[Any]:
    """Points as rows (N, D); a vector is one point if D > 1, or N points of one variable."""
    return as_points(
        X, nvars=nvars, name="X", single_row_ok=True, allow_empty=not finite, finite=finite
    ).values


def say(verbose: bool, text: str) -> None:
    """Print what the user has asked for with ``verbose=True``."""
    if verbose:
        print(text)  # noqa: T201  (asked for)

"""Components from which no descent can go on: far from all points, without weight, or identical.

Starts that users give are used as they are but for these, and a warning says which they were.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DataWarning, warn_user
from mogfit.inference.likelihood import Likelihood

__all__ = ["EMPTY", "approach", "prepare_start", "refill_empty", "separate_identical"]

Floats = NDArray[np.float64]

# EM steps before a descent, and the gain in log L / N below which the descent takes over.
_EM_STEPS = 20
_EM_GAIN = 1e-2

# A component that holds less than this part of one point is empty.
EMPTY = 1e-3


def prepare_start(likelihood: Likelihood, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    """The start to fit from: empty components refilled, identical ones moved apart.

    Warns
    -----
    DataWarning
        Naming the components that were changed.
    """
    refilled, empty = refill_empty(likelihood, mixture)
    if empty:
        one = len(empty) == 1
        warn_user(
            f"starting component{'' if one else 's'} {_listed(empty)} {'holds' if one else 'hold'} "
            "no points, being far from all of them or without weight; started from the mean and "
            "covariance of the data instead",
            DataWarning,
        )
    separated, groups = separate_identical(refilled, likelihood.spread.scale)
    # Of components that were refilled the user knows already.
    told = [group for group in groups if not set(group) <= set(empty)]
    if told:
        warn_user(
            f"starting components {'; '.join(map(_listed, told))} are identical; their means were "
            "moved apart, within half a standard deviation",
            DataWarning,
        )
    return separated


def approach(likelihood: Likelihood, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    """EM steps towards the data, as long as each gains much.

    Far from an optimum a descent can overshoot and drive weights to 0; EM steps do not overshoot.
    At an optimum, where a further fit starts, there is one step and no gain.
    """
    after, _ = likelihood.em_run(mixture, _EM_STEPS, _EM_GAIN)
    refilled, _ = refill_empty(likelihood, after)
    return separate_identical(refilled, likelihood.spread.scale)[0]


def refill_empty(
    likelihood: Likelihood, mixture: _core.PreparedMixture
) -> tuple[_core.PreparedMixture, list[int]]:
    """Give components that hold no points the mean and the covariance of the data.

    The gradient of an empty component vanishes: it would stay where it is while its weight runs to
    0. Returns the mixture and the components that were changed.
    """
    empty: set[int] = set()
    for _ in range(mixture.ngauss):
        found = np.flatnonzero(~(likelihood.points_held(mixture) > EMPTY))
        if not found.size or empty.issuperset(found.tolist()):
            break
        empty.update(found.tolist())
        weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
        spent = found[weights[found] * likelihood.n_points < EMPTY]
        weights[spent] = 1.0 / mixture.ngauss
        means[found] = likelihood.spread.location
        covariances[found] = likelihood.spread.covariance
        # Round again: components that were the nearest to all points may hold none now.
        mixture = _core.PreparedMixture(
            weights / weights.sum(), means, covariances, likelihood.domain
        )
    return mixture, sorted(empty)


def separate_identical(
    mixture: _core.PreparedMixture, scale: Floats
) -> tuple[_core.PreparedMixture, list[list[int]]]:
    """Move the means of identical components apart: together they are a saddle point.

    No gradient can tell identical components apart, so a descent would never separate them. Each
    group is spread along the longest axis of its covariance, within half a standard deviation.
    Returns the mixture and the groups.
    """
    means, factors = mixture.means, mixture.factors
    groups: dict[bytes, list[int]] = {}
    for k in range(mixture.ngauss):
        groups.setdefault(means[k].tobytes() + factors[k].tobytes(), []).append(k)
    same = [group for group in groups.values() if len(group) > 1]
    if not same:
        return mixture, []
    for group in same:
        # The longest axis relative to the spread of the data, so that units do not matter.
        left, lengths, _ = np.linalg.svd(factors[group[0]] / scale[:, None])
        axis = left[:, 0] * lengths[0] * scale
        for k, offset in zip(group, np.linspace(-0.5, 0.5, len(group)), strict=True):
            means[k] += offset * axis
    separated = _core.PreparedMixture.from_factors(
        mixture.log_weights, means, factors, mixture.domain
    )
    return separated, same


def _listed(components: list[int]) -> str:
    return ", ".join(map(str, components))

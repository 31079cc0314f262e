"""Components from which no descent can go on: far from all points, without weight, or identical.

Starts that users give are used as they are but for these, and a warning says which they were.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DataWarning, InputError, warn_user
from mogfit.fixed import check_held_weights
from mogfit.inference.likelihood import EMPTY, Likelihood
from mogfit.inference.model import Model

__all__ = ["approach", "prepare_start", "refill_empty", "refillable", "separate_identical"]

Floats = NDArray[np.float64]

# EM steps before a descent, and the gain in log L / N below which the descent takes over.
_EM_STEPS = 20
_EM_GAIN = 1e-2

# A covariance that differs from one of the family by less is one, but for rounding.
_ROUNDING = 1e-12


def prepare_start(likelihood: Likelihood, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    """The start to fit from: a member of the family, no component empty, none identical.

    What is held stays as it is.

    Raises
    ------
    InputError
        If a covariance is held that is not of the family, or weights with which nothing can be
        fitted.

    Warns
    -----
    DataWarning
        Naming the components that were changed.
    """
    mixture = _into_family(likelihood, mixture)
    refilled, empty = refill_empty(likelihood, mixture)
    if empty:
        one = len(empty) == 1
        warn_user(
            f"starting component{'' if one else 's'} {_listed(empty)} {'holds' if one else 'hold'} "
            "no points, being far from all of them or without weight; started from the mean and "
            "covariance of the data instead"
            + (", except for what is held" if likelihood.model.holds else ""),
            DataWarning,
        )
    held = likelihood.model.held(mixture.ngauss).means
    separated, groups = separate_identical(refilled, likelihood.spread.scale, held)
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
    held = likelihood.model.held(mixture.ngauss).means
    return separate_identical(refilled, likelihood.spread.scale, held)[0]


def refill_empty(
    likelihood: Likelihood, mixture: _core.PreparedMixture
) -> tuple[_core.PreparedMixture, list[int]]:
    """Give components that hold no points the mean and the covariance of the data.

    The gradient of an empty component vanishes: it would stay where it is while its weight runs to
    0. What is held is not touched, nor a covariance that all components share. Returns the mixture
    and the components that were changed.
    """
    empty: set[int] = set()
    held = likelihood.model.held(mixture.ngauss)
    movable = refillable(likelihood.model, mixture.ngauss)
    if not movable.any():
        return mixture, []
    for _ in range(mixture.ngauss):
        found = np.flatnonzero(~(likelihood.points_held(mixture) > EMPTY) & movable)
        if not found.size or empty.issuperset(found.tolist()):
            break
        empty.update(found.tolist())
        weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
        spent = found[(weights[found] * likelihood.n_points < EMPTY) & ~held.weights[found]]
        weights[spent] = 1.0 / mixture.ngauss
        means[found[~held.means[found]]] = likelihood.spread.location
        if not likelihood.model.tied:
            covariances[found[~held.covariances[found]]] = likelihood.reference
        # Round again: components that were the nearest to all points may hold none now.
        mixture = _core.PreparedMixture(
            _shared_out(weights, held.weights), means, covariances, likelihood.domain
        )
    return mixture, sorted(empty)


def refillable(model: Model, ngauss: int) -> NDArray[np.bool_]:
    """Components of which not everything is held, (ngauss,)."""
    held = model.held(ngauss)
    return ~(held.weights & held.means & (held.covariances | model.tied))


def _shared_out(weights: Floats, held: NDArray[np.bool_]) -> Floats:
    """Weights that sum to 1, those that are held being what they are."""
    if not held.any():
        return weights / weights.sum()
    free = weights[~held]
    if free.size:
        weights[~held] = free * ((1.0 - weights[held].sum()) / free.sum())
    return weights


def _into_family(likelihood: Likelihood, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
    """The member of the family nearest to a start; says so, if the start is none."""
    model = likelihood.model
    held = model.held(mixture.ngauss)
    check_held_weights(mixture.weights, held.weights)
    if model.structure == "full":
        return mixture
    given = mixture.covariances
    nearest = model.constrain(given, mixture.weights)
    scale = np.sqrt(np.einsum("kii->ki", given))
    changed = np.abs(nearest - given) / scale[:, :, None] / scale[:, None, :]
    outside = changed.max(axis=(1, 2)) > _ROUNDING
    if not outside.any():
        return model.constrained(mixture)
    kind = f"covariance={model.structure!r}"
    refused = np.flatnonzero(outside & held.covariances)
    if refused.size:
        raise InputError(
            f"fixed: the starting covariance of component {refused[0]} is held, but is not of the "
            f"family of {kind}; hold one that is, leave it free, or fit with covariance='full'"
        )
    one = int(outside.sum()) == 1
    warn_user(
        f"starting covariance{'' if one else 's'} of component{'' if one else 's'} "
        f"{_listed(np.flatnonzero(outside).tolist())} {'is' if one else 'are'} not of the family "
        f"of {kind}; started from the nearest that is",
        DataWarning,
    )
    return model.constrained(mixture)


def separate_identical(
    mixture: _core.PreparedMixture, scale: Floats, held: NDArray[np.bool_] | None = None
) -> tuple[_core.PreparedMixture, list[list[int]]]:
    """Move the means of identical components apart: together they are a saddle point.

    No gradient can tell identical components apart, so a descent would never separate them. Each
    group is spread along the longest axis of its covariance, within half a standard deviation;
    means that are `held`, (G,), stay. Returns the mixture and the groups.
    """
    means, factors = mixture.means, mixture.factors
    groups: dict[bytes, list[int]] = {}
    for k in range(mixture.ngauss):
        groups.setdefault(means[k].tobytes() + factors[k].tobytes(), []).append(k)
    stays = np.zeros(mixture.ngauss, dtype=bool) if held is None else held
    same = [group for group in groups.values() if len(group) > 1 and not stays[group].all()]
    if not same:
        return mixture, []
    for group in same:
        # The longest axis relative to the spread of the data, so that units do not matter.
        left, lengths, _ = np.linalg.svd(factors[group[0]] / scale[:, None])
        axis = left[:, 0] * lengths[0] * scale
        for k, offset in zip(group, np.linspace(-0.5, 0.5, len(group)), strict=True):
            means[k] += 0.0 if stays[k] else offset * axis
    separated = _core.PreparedMixture.from_factors(
        mixture.log_weights, means, factors, mixture.domain
    )
    return separated, same


def _listed(components: list[int]) -> str:
    return ", ".join(map(str, components))

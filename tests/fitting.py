"""Data, starts and comparisons that the tests of fits share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import FitMoG, MixtureOfGaussians
from mogfit.observations import Observations
from tests.oracles import Mixture

Array = NDArray[Any]

# Three components that overlap, so that no fit is trivial.
TRUTH = MixtureOfGaussians(
    weights=[0.2, 0.3, 0.5],
    mus=[[0.0, 0.0], [1.5, 1.0], [-1.0, 2.0]],
    Sigmas=[np.eye(2), [[0.5, 0.2], [0.2, 0.7]], [[2.0, -1.0], [-1.0, 1.0]]],
)

# A start that is neither the truth nor an optimum.
START = MixtureOfGaussians(
    weights=[0.3, 0.3, 0.4],
    mus=[[0.5, 0.0], [1.0, 1.3], [-0.5, 1.7]],
    Sigmas=[np.eye(2), np.eye(2), [[1.0, -0.4], [-0.4, 1.0]]],
)


def draw_points(n: int = 3000, seed: int = 1) -> Array:
    """Points of `TRUTH`, drawn by NumPy."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=TRUTH.weights)
    roots = np.linalg.cholesky(TRUTH.Sigmas)
    z = rng.standard_normal((n, 2))
    return TRUTH.mus[labels] + np.einsum("nij,nj->ni", roots[labels], z)


POINTS = draw_points()
POINTS.flags.writeable = False


def observed(points: Array, weight: Array | None = None) -> Observations:
    """Points that were seen as they are."""
    return Observations(points, points.shape[1], weight=weight)


def fit(data: Any = POINTS, ngauss: int = 3, start: Any = None, **options: Any) -> FitMoG:
    """A finished fit, from a given start or from its own search with seed 1."""
    F = FitMoG(data, ngauss)
    if start is not None:
        F.set_initial_params(from_mog=start)
    F.fit_data(**({"random_state": 1} | options))
    return F


def parameters(mog: MixtureOfGaussians) -> Array:
    """All parameters of a mixture, components in decreasing order of weight."""
    order = np.argsort(-mog.weights, kind="stable")
    parts = (mog.weights[order], mog.mus[order], mog.sigmas[order], mog.rhos[order])
    return np.concatenate([part.ravel() for part in parts])


def plain(mog: MixtureOfGaussians) -> Mixture:
    """The plain arrays that the oracles take."""
    return Mixture(np.array(mog.weights), np.array(mog.mus), np.array(mog.Sigmas))


def mapped(mog: MixtureOfGaussians, matrix: Array, shift: Any = 0.0) -> MixtureOfGaussians:
    """The mixture of A x + b for x of `mog`."""
    Sigmas = matrix @ mog.Sigmas @ matrix.T
    return MixtureOfGaussians(
        weights=mog.weights,
        mus=mog.mus @ matrix.T + shift,
        Sigmas=(Sigmas + Sigmas.transpose(0, 2, 1)) / 2,
    )


def permuted(mog: MixtureOfGaussians, order: Any) -> MixtureOfGaussians:
    """The same mixture with its components in another order."""
    return MixtureOfGaussians(
        weights=mog.weights[order], mus=mog.mus[order], Sigmas=mog.Sigmas[order]
    )


def state(F: FitMoG) -> tuple[Any, ...]:
    """Everything a user can see of a fit, to compare before and after a failure."""
    return (
        F.mog.params.tobytes(),
        F.uparams.tobytes(),
        F.minparams.tobytes(),
        F.scales.tobytes(),
        F.bounds,
        F.names,
        F.report,
        None if F.data is None else F.data.tobytes(),
        id(F.mog),
        id(F.data),
    )

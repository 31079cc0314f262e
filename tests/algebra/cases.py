"""Mixtures that the tests of the algebra share, and integrals over some of their variables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import mogfit as mn
from tests.truncation import bounds_of, cut_box, grid

Array = NDArray[Any]

BOX = [[-1.0, 2.0], None, [0.0, None]]
DOMAINS = [None, BOX, [None, [-0.5, 1.5], None], [[-1, 1], [-1, 2], [-2, 1]]]
TRUNCATIONS = ["components", "mixture"]


def mixture(ngauss: int = 3, nvars: int = 3, seed: int = 0, **options: Any) -> Any:
    """A mixture of overlapping components with correlations."""
    rng = np.random.default_rng([seed, ngauss, nvars])
    factors = rng.normal(size=(ngauss, nvars, nvars)) * 0.5
    return mn.MixtureOfGaussians(
        weights=rng.random(ngauss) + 0.2,
        mus=rng.normal(size=(ngauss, nvars)),
        Sigmas=factors @ factors.transpose(0, 2, 1) + 0.3 * np.eye(nvars),
        **options,
    )


def named(mog: Any, names: str = "xyz") -> Any:
    """The mixture with one letter for each variable."""
    mog.names = tuple(names[: mog.nvars])
    return mog


def rows(kept: list[int], points: Array, rest: list[int], others: Array) -> Array:
    """Every point of some variables with every one of the others, (N, M, V)."""
    whole = np.empty((len(points), len(others), len(kept) + len(rest)))
    whole[:, :, kept] = points[:, None]
    whole[:, :, rest] = others[None]
    return whole


def integrated(mog: Any, kept: list[int], points: Array, count: int = 160) -> Array:
    """The joint density at points of some variables, integrated over all the others."""
    rest = [i for i in range(mog.nvars) if i not in kept]
    bounds = bounds_of(mog.domain or [None] * mog.nvars)
    low, high = cut_box(mog.mus, mog.Sigmas, bounds)
    others, weights = grid(low[rest], high[rest], count)
    whole = rows(kept, points, rest, others)
    return mog.pdf(whole.reshape(-1, mog.nvars)).reshape(whole.shape[:2]) @ weights


def points_of(mog: Any, kept: list[int], count: int = 7) -> Array:
    """Points of some of the variables, inside the domain."""
    return mog.rvs(count, rng=3)[:, kept]

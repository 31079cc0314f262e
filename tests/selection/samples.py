"""Data that selections are tested on, and how they are fitted."""

from __future__ import annotations

import numpy as np

from mogfit.inference.run import FitOptions


def three_humps(seed: int) -> np.ndarray:
    """350 draws of N(-1, 1.5), 500 of N(0, 1) and 150 of N(3, 0.5), by standard deviations."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.normal(-1, 1.5, 350), rng.normal(0, 1, 500), rng.normal(3, 0.5, 150)]
    )


def two_apart(count: int = 300, nvars: int = 2, seed: int = 0) -> np.ndarray:
    """Two round clusters that hardly overlap."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, nvars))
    points[: count // 3, 0] += 6.0
    return points


def fit_options() -> FitOptions:
    """What fits have unless told otherwise."""
    return FitOptions.checked(
        method=None, tolerance=None, options=None, n_starts=None, penalty=1e-9, threads=None,
        bounds=None,
    )  # fmt: skip

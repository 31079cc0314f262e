"""Fits of noisy and incomplete data, and their likelihood by the NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import numpy_reference
from benchmarks import observations_reference as reference
from mogfit import FitMoG, MixtureOfGaussians

Array = NDArray[Any]
CONSTRUCTOR = ("errors", "missing", "projection", "domain", "outside", "nvars")


def fit(data: Any, ngauss: int, start: MixtureOfGaussians | None = None, **options: Any) -> FitMoG:
    """A finished fit without a penalty, from a given start or from its own search with seed 1."""
    made = {name: options.pop(name) for name in CONSTRUCTOR if name in options}
    F = FitMoG(data, ngauss, **made)
    if start is not None:
        F.set_initial_params(from_mog=start)
    F.fit_data(**({"random_state": 1, "penalty": 0} | options))
    return F


def referred(mog: MixtureOfGaussians) -> numpy_reference.Mixture:
    """A mixture in the form of the NumPy reference."""
    return numpy_reference.Mixture.from_covariances(mog.weights, mog.mus, mog.Sigmas)


def loglik(
    mog: MixtureOfGaussians, values: Array, weight: Array | None = None, **noise: Any
) -> float:
    """log L of noisy and incomplete data by the NumPy reference."""
    return reference.log_likelihood(referred(mog), reference.Observations(values, weight, **noise))


def largest_em_move(mog: MixtureOfGaussians, values: Array, **noise: Any) -> float:
    """How far one EM step of the reference moves a mean or a covariance."""
    _, after = reference.em_step(referred(mog), reference.Observations(values, **noise))
    return float(max(abs(after.means - mog.mus).max(), abs(after.covariances - mog.Sigmas).max()))


def knock_out(points: Array, probability: float, seed: int = 3) -> Array:
    """A copy with values missing completely at random."""
    gone = np.random.default_rng(seed).random(points.shape) < probability
    return np.where(gone, np.nan, points)

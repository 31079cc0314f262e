"""Incomplete and noisy data of every kind, and fits of them, that the tests here share."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import FitMoG, MixtureOfGaussians
from tests.fitting import TRUTH, draw_points, state
from tests.observed_fits import knock_out

RNG = np.random.default_rng(3)
N = 400
POINTS = draw_points(N)
HOLED = knock_out(POINTS, 0.2)
GONE = np.isnan(HOLED)
COMPLETE = ~GONE.any(axis=1)
DEVIATIONS = RNG.uniform(0.1, 0.5, (N, 2))
COVARIANCES = np.einsum("ni,ij,nj->nij", DEVIATIONS, [[1.0, 0.5], [0.5, 1.0]], DEVIATIONS)
WEIGHTS = RNG.integers(0, 4, N).astype(float)
START = MixtureOfGaussians(
    weights=[0.5, 0.5], mus=[[1.0, 0.5], [-1.0, 2.0]], Sigmas=[np.eye(2)] * 2
)
BOXED = MixtureOfGaussians(
    weights=TRUTH.weights, mus=TRUTH.mus, Sigmas=TRUTH.Sigmas, domain=[(-1.0, None), None]
)
MADE = ("missing", "errors", "projection", "domain", "outside", "nvars")
# Everything at once, and each alone.
KINDS = {
    "missing": (HOLED, {"missing": "marginal"}),
    "deviations": (POINTS, {"errors": DEVIATIONS}),
    "covariances": (POINTS, {"errors": COVARIANCES}),
    "shared": (POINTS, {"errors": [0.2, 0.4]}),
    "all": (HOLED, {"missing": "marginal", "errors": COVARIANCES}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
METHODS = ["L-BFGS", "EM"]


def fit(data, ngauss=2, start=START, **options):
    made = {name: options.pop(name) for name in MADE if name in options}
    F = FitMoG(data, ngauss, **made)
    if start is not None:
        F.set_initial_params(from_mog=start)
    F.fit_data(**{"random_state": 1} | options)
    return F


def rows_of(options, rows):
    """What belongs to some of the rows."""
    taken = {key: value[rows] for key, value in options.items() if np.shape(value)[:1] == (N,)}
    return options | taken


def whole_state(F):
    return state(F), id(F._seen), F.missing, F.minargs, F.hash


def changed(array, index, value):
    array = np.array(array)
    array[index] = value
    return array

"""What the core evaluates of a mixture, whichever way its domain normalises it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core

__all__ = ["prepare"]

Floats = NDArray[np.float64]


def prepare(
    weights: Floats, mus: Floats, Sigmas: Floats, bounds: Floats | None, truncation: str
) -> _core.PreparedMixture:
    """The core's mixture, whose weights are shares of the points inside the domain.

    Parameters
    ----------
    weights, mus, Sigmas : ndarray of shape (G,), (G, V) and (G, V, V)
    bounds : ndarray of shape (2, V) or None
        Those of the domain.
    truncation : {"components", "mixture"}
        Whether each component is normalised in the domain, and its weight is such a share; or the
        mixture as a whole, and the share is w_k Z_k / sum_j w_j Z_j.
    """
    prepared = _core.PreparedMixture(weights, mus, Sigmas, bounds)
    if bounds is None or truncation == "components":
        return prepared
    logs = prepared.log_weights + prepared.log_masses
    relative = np.exp(logs - logs.max())
    shares = relative * (weights.sum() / relative.sum())
    with np.errstate(divide="ignore"):
        return prepared.with_log_weights(np.log(shares))

"""Mean and covariance of a mixture, inside its domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.parts import bounds_of
from mogfit.density.marginal import inside_log_weights
from mogfit.density.protocol import Mixture

__all__ = ["mixture_moments", "moments"]

Floats = NDArray[np.float64]

# Relative error of the moments in a domain, from five bounded variables on; rounding below.
_RTOL = 1e-5


def moments(mog: Mixture) -> tuple[Floats, Floats]:
    """Mean (V,) and covariance (V, V) of a mixture inside its domain, whatever is normalised."""
    shares = np.exp(inside_log_weights(mog))
    return mixture_moments(shares, mog.mus, mog.Sigmas, bounds_of(mog))


def mixture_moments(
    weights: Floats, mus: Floats, Sigmas: Floats, bounds: Floats | None
) -> tuple[Floats, Floats]:
    r"""Mean and covariance of a mixture.

    With m_k and S_k those of the components (inside the box), the mean is m = sum_k w_k m_k and
    the covariance sum_k w_k (S_k + (m_k - m) (m_k - m)^T).

    Parameters
    ----------
    weights : ndarray of shape (G,)
        Shares of the points inside the box; divided by their sum.
    mus, Sigmas : ndarray of shape (G, V) and (G, V, V)
        Before truncation.
    bounds : ndarray of shape (2, V) or None
    """
    kept = weights > 0
    shares, means, covariances = weights[kept] / weights.sum(), mus[kept], Sigmas[kept]
    if bounds is not None:
        low, high = bounds
        found = [
            _core.box_probability(mean, covariance, low, high, _RTOL)[2:]
            for mean, covariance in zip(means, covariances, strict=True)
        ]
        shifts = np.array([shift for shift, _ in found])
        covariances = covariances + np.array([excess for _, excess in found])
        covariances = covariances - shifts[:, :, None] * shifts[:, None, :]
        means = means + shifts
    # About the mean of all: no digits are lost where it is far from 0.
    reference = means[0]
    centre = reference + shares @ (means - reference)
    apart = means - centre
    spread = np.tensordot(shares, covariances, 1) + (shares[:, None] * apart).T @ apart
    return centre, 0.5 * (spread + spread.T)

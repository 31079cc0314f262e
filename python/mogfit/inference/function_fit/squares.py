"""Least squares in the coordinates that bounds are given in: weights, mus, sigmas and rhos."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.bounded import Bounds, run_bounded
from mogfit.inference.checks import Spread
from mogfit.inference.descent import Outcome
from mogfit.inference.function_fit.mesh import Mesh
from mogfit.parameters import Stdcorr

__all__ = ["SquaresObjective", "descend_bounded"]

Floats = NDArray[np.float64]

# The loss, as a part of the sum of the squared values, below which its logarithm levels off: the
# rounding errors of its gradient are then small beside what counts as no gradient.
_NOTHING = 1e-8


class SquaresObjective:
    """Half the logarithm of the loss with the best normalisation: sum_i s_i (F_i - c p(x_i))^2.

    c = <F, p> / <p, p> makes the residuals r orthogonal to p, so that the gradient of the loss is
    -2 c sum_i s_i r_i dp(x_i): that of a log-likelihood with weights s_i r_i p(x_i), positive and
    negative ones in turn.

    Parameters
    ----------
    mesh : Mesh
        Points of positive weight.
    values : ndarray of shape (N,)
        Those of the mesh, or their negatives.
    bounds : ndarray of shape (2, V)
        The box.
    threads : int
    """

    def __init__(self, mesh: Mesh, values: Floats, bounds: Floats, threads: int) -> None:
        self.domain: Floats | None = bounds
        width = bounds[1] - bounds[0]
        self.spread = Spread(bounds[0], width, np.diag(width**2))
        self.seconds = 0.0
        self.evaluations = 0
        self._points, self._threads = mesh.points, threads
        self._values = values / np.abs(values).max()
        self._weights = np.ones(len(values)) if mesh.weights is None else mesh.weights
        self._total = float(self._weights @ self._values**2)

    def _residuals(self, at: _core.PreparedMixture) -> tuple[Floats, Floats, float]:
        density = _core.pdf(at, self._points, self._threads)
        # Densities have units; what is summed must not.
        unit = density.max() or 1.0
        p = density / unit
        weighted = self._weights * p
        scale = max(float(weighted @ self._values), 0.0) / float(weighted @ p)
        return self._values - scale * p, p, scale

    def loss(self, at: _core.PreparedMixture) -> float:
        """The loss as a part of the sum of the squared values."""
        residuals, _, _ = self._residuals(at)
        return float(self._weights @ residuals**2) / self._total

    def loglik(self, mixture: _core.PreparedMixture) -> float:
        """Minus the objective."""
        return -0.5 * float(np.log(self.loss(mixture) + _NOTHING))

    def stdcorr_objective(self, at: _core.PreparedMixture) -> tuple[float, Stdcorr]:
        """The objective and its gradient, weights being divided by their sum."""
        begun = time.perf_counter()
        self.evaluations += 1
        residuals, p, scale = self._residuals(at)
        loss = float(self._weights @ residuals**2) / self._total
        signed = self._weights * residuals * p
        gradient: Any = 0.0
        for side in (1.0, -1.0):
            moments = _core.data_pass(
                at, self._points, np.maximum(side * signed, 0.0), self._threads
            )
            parts = _core.gradient_stdcorr(at, moments)
            gradient = gradient + side * np.concatenate([part.ravel() for part in parts])
        gradient *= -scale / (self._total * (loss + _NOTHING))
        ends = np.cumsum([part.size for part in parts])[:-1]
        split = [
            piece.reshape(part.shape)
            for piece, part in zip(np.split(gradient, ends), parts, strict=True)
        ]
        self.seconds += time.perf_counter() - begun
        return 0.5 * float(np.log(loss + _NOTHING)), Stdcorr(*split)


def descend_bounded(
    objective: SquaresObjective,
    start: _core.PreparedMixture,
    bounds: Bounds,
    *,
    tolerance: float | None,
    options: dict[str, Any],
    observer: Any = None,
) -> Outcome:
    """L-BFGS-B under bounds, from the point of the box nearest to `start`."""
    return run_bounded(
        objective, start, bounds, tolerance=tolerance, options=options, observer=observer
    )

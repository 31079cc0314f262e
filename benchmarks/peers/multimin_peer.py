"""MultiMin 0.11.2, through its public interface."""

from __future__ import annotations

import contextlib
import io
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import PassCase
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers.base import GRADIENT, LOG_DENSITY, Call, Fitted, Peer

DRAWN = 1_000


def silently(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)


def with_parameters(mixture: Mixture) -> Any:
    """Make its mixture with the given parameters."""
    multimin = silently(__import__, "multimin")
    return silently(
        multimin.MixtureOfGaussians,
        weights=mixture.weights,
        mus=mixture.means,
        Sigmas=mixture.covariances,
    )


class MultiMin(Peer):
    """The library whose interface mogfit replaces."""

    name = "MultiMin"
    distribution = "multimin"

    def calls(self, case: PassCase) -> dict[str, Call]:
        """Log of its density; its gradient is one such pass per parameter and one more."""
        model, points = with_parameters(case.mixture), case.points
        nvars, ngauss = case.mixture.nvars, case.mixture.ngauss
        parameters = ngauss * (1 + nvars + nvars * (nvars + 1) // 2)

        def logpdf() -> Array:
            result: Array = np.log(model.pdf(points))
            return result

        return {
            LOG_DENSITY: Call(logpdf),
            GRADIENT: Call(
                logpdf,
                flatten=None,
                times=parameters + 1.0,
                note="finite differences, computed from the log density",
            ),
        }

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw a few points and extrapolate: its loop takes minutes for a million."""
        model = with_parameters(mixture)
        return Call(
            lambda: silently(model.rvs, DRAWN),
            times=n / DRAWN,
            note=f"extrapolated from {DRAWN} draws",
        )

    def fit(self, points: Array, ngauss: int, seed: int) -> Fitted:
        """Fit with its defaults, which do not depend on the seed."""
        multimin = silently(__import__, "multimin")
        start = perf_counter()
        fit = silently(multimin.FitMoG, data=points, ngauss=ngauss)
        silently(fit.fit_data)
        seconds = perf_counter() - start
        mixture = Mixture.from_covariances(fit.mog.weights, fit.mog.mus, fit.mog.Sigmas)
        return Fitted(seconds, mixture, f"{fit.solution.nfev} evaluations")

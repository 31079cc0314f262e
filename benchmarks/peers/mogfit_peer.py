"""mogfit: the core for the passes, the public face for the fits."""

from __future__ import annotations

import itertools
from time import perf_counter
from typing import Any

from benchmarks.cases import PassCase
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers.base import (
    EM_ITERATION,
    GRADIENT,
    LOG_DENSITY,
    MOMENTS,
    Call,
    Fitted,
    Peer,
    flat,
)


def prepare(mixture: Mixture) -> Any:
    """Hand the mixture to the core; part of every timed pass, as in a fit."""
    from mogfit import _core

    return _core.PreparedMixture.from_factors(mixture.log_weights, mixture.means, mixture.factors)


class Mogfit(Peer):
    """This package."""

    name = "mogfit"
    distribution = "mogfit"

    @classmethod
    def version(cls) -> str | None:
        """Version and variant of the core; None when the core is not built."""
        try:
            import mogfit
        except ImportError:
            return None
        config = mogfit.get_config()
        return f"{config['version']}, variant {config['variant']}"

    def calls(self, case: PassCase) -> dict[str, Call]:
        """All passes, from the Cholesky factors to the answer."""
        from mogfit import _core

        mixture, points, threads = case.mixture, case.points, self.threads

        def moments() -> Any:
            return _core.data_pass(prepare(mixture), points, threads=threads)

        def gradient() -> tuple[float, Any]:
            prepared = prepare(mixture)
            result = _core.data_pass(prepared, points, threads=threads)
            return result.loglik, _core.gradient_factors(prepared, result)

        def em() -> Any:
            return _core.em_step(prepare(mixture), points, threads=threads)[1]

        return {
            LOG_DENSITY: Call(lambda: _core.logpdf(prepare(mixture), points, threads=threads)),
            MOMENTS: Call(moments, lambda m: flat(m.loglik, m.s0, m.s1, m.s2)),
            GRADIENT: Call(gradient, lambda result: flat(result[0], *result[1])),
            EM_ITERATION: Call(em, lambda m: flat(m.weights, m.means, m.covariances)),
        }

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw points in random order, from a fresh seed at each call."""
        from mogfit import _core

        prepared, seeds = prepare(mixture), itertools.count(5)
        return Call(
            lambda: _core.sample(prepared, n, next(seeds), threads=self.threads)[0],
            note="random order",
        )

    def fit(self, points: Array, ngauss: int, seed: int) -> Fitted:
        """Fit with default settings."""
        import mogfit

        start = perf_counter()
        fit = mogfit.FitMoG(data=points, ngauss=ngauss)
        fit.fit_data(random_state=seed, threads=self.threads)
        seconds = perf_counter() - start
        mog, report = fit.mog, fit.report
        assert report is not None, "a fit that returns has a report"
        note = "converged" if report.converged else f"not converged: {report.reason}"
        mixture = Mixture.from_covariances(mog.weights, mog.mus, mog.Sigmas)
        smallest = mog.weights.min() * len(points)
        note += f", {report.passes:.0f} passes, smallest component {smallest:.0f} points"
        return Fitted(seconds, mixture, note)

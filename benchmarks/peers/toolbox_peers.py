"""Those who take part where data are noisy or incomplete: what they compute, and how they fit.

astroML's `XDGMM` and pygmmis take a covariance of the noise of every point, so standard deviations
are written out for them before anything is timed.
"""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import numpy_reference as complete
from benchmarks import observations_reference as reference
from benchmarks.cases import PassCase
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.observations_reference import Observations
from benchmarks.peers.base import EM_ITERATION, GRADIENT, Call, Fitted, Peer, flat, flat_mixture
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.numpy_peers import NumpyPlain

UNSEEN = 1e10  # variance that pygmmis gives to what is missing


class ToolboxPeer(Peer):
    """One library on noisy or incomplete data."""

    def takes(self, data: Observations) -> bool:
        """Whether it can work on such data."""
        return True

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """Return what it can compute from the data at the mixture, by quantity."""
        return {}

    def fit_noisy(self, data: Observations, ngauss: int, seed: int) -> Fitted | None:
        """Fit the mixture behind noisy data; None when it cannot."""
        return None


def prepared_data(data: Observations) -> Any:
    """Hand the data to the core, once for all passes, as a fit does."""
    from mogfit import _core

    return _core.Observations(
        data.values,
        sample_weight=data.sample_weight,
        missing=bool(np.isnan(data.values).any()),
        deviations=data.deviations,
        covariances=data.covariances,
        shared=data.shared,
        projection=data.projection,
    )


class Ours(ToolboxPeer, Mogfit):
    """mogfit."""

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """The passes over complete data, which take observations where they take points."""
        observed: Any = prepared_data(data)
        return _ours(mixture, observed, data.values.shape)

    def fit_noisy(self, data: Observations, ngauss: int, seed: int) -> Fitted:
        """Fit with default settings."""
        import mogfit

        start = perf_counter()
        fit = mogfit.FitMoG(data=data.values, ngauss=ngauss, errors=data.deviations)
        fit.fit_data(random_state=seed, threads=1)
        seconds = perf_counter() - start
        mog, report = fit.mog, fit.report
        assert report is not None, "a fit that returns has a report"
        note = "converged" if report.converged else f"not converged: {report.reason}"
        mixture = Mixture.from_covariances(mog.weights, mog.mus, mog.Sigmas)
        return Fitted(seconds, mixture, f"{note}, {report.passes:.0f} passes")


class OursAnew(Ours):
    """mogfit when the data are handed over for this pass alone, as a single density is."""

    name = "mogfit, data handed over anew"

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """The preparation of the data and the pass."""
        calls = Ours.passes(self, mixture, data)
        return {
            quantity: Call(
                lambda quantity=quantity: Ours().passes(mixture, data)[quantity].run(), call.flatten
            )
            for quantity, call in calls.items()
        }


class Exact(ToolboxPeer, Mogfit):
    """mogfit on values that are taken as exact and complete: the yardstick."""

    name = "mogfit, exact complete data"

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """The passes over the complete values; their answers are others than asked for."""
        calls = _ours(mixture, data.values, data.values.shape)
        return {quantity: Call(call.run, None) for quantity, call in calls.items()}


def _ours(mixture: Mixture, points: Any, shape: tuple[int, ...]) -> dict[str, Call]:
    offered = Mogfit(1).calls(PassCase((*shape, mixture.ngauss), points, mixture))
    return {quantity: offered[quantity] for quantity in (GRADIENT, EM_ITERATION)}


class Reference(ToolboxPeer):
    """`benchmarks.observations_reference`, its fastest way."""

    name, distribution = "NumPy reference", NumpyPlain.distribution

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """Both passes."""
        fast = complete.blocked_moments

        def gradient() -> tuple[float, tuple[Array, ...]]:
            moments = reference.moments(mixture, data, fast)
            return moments.loglik, complete.gradient_factors(mixture, moments)

        return {
            GRADIENT: Call(gradient, lambda result: flat(result[0], *result[1])),
            EM_ITERATION: Call(
                lambda: reference.em_step(mixture, data, complete_moments=fast)[1], flat_mixture
            ),
        }


def noise_covariances(data: Observations) -> Array:
    """Covariances of the noise of every point, (N, d, d); zeros where there is no noise."""
    if data.covariances is not None:
        return data.covariances
    n, nvars = data.values.shape
    covariances = np.zeros((n, nvars, nvars))
    if data.deviations is not None:
        covariances[:, range(nvars), range(nvars)] = data.deviations**2
    return covariances


class Pygmmis(ToolboxPeer):
    """Melchior & Goulding's EM for noisy and incomplete data."""

    name = distribution = "pygmmis"

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """One turn of its EM loop, with its components worked on one after the other."""
        import pygmmis

        unseen = np.isnan(data.values)
        values = np.where(unseen, 0.0, data.values)
        covariances = noise_covariances(data).copy()
        rows, columns = np.nonzero(unseen)
        covariances[rows, columns, columns] += UNSEEN
        ngauss = mixture.ngauss
        everything = {"amp": slice(None), "mean": slice(None), "covar": slice(None)}

        def iterate() -> Any:
            model = pygmmis.GMM(ngauss, mixture.nvars)
            model.amp[:], model.mean[:] = mixture.weights, mixture.means
            model.covar[:] = mixture.covariances
            empty: list[list[Any]] = [[None] * ngauss for _ in range(3)]
            pygmmis._EMstep(
                model,
                *empty,
                np.zeros(len(values)),
                len(values),
                values,
                covar=covariances,
                pool=_InTurn(),
                changeable=everything,
            )
            return model

        def answer(model: Any) -> Array:
            # Its covariances are about the means before the step.
            moved = model.mean - mixture.means
            about_the_new = model.covar - moved[:, :, None] * moved[:, None, :]
            return flat(model.amp, model.mean, about_the_new)

        note = "in this process, its own fit has one for each processor"
        return {EM_ITERATION: Call(iterate, answer, note=note)}

    def fit_noisy(self, data: Observations, ngauss: int, seed: int) -> Fitted:
        """Fit with its defaults, in its processes."""
        import pygmmis

        covariances = noise_covariances(data)
        model = pygmmis.GMM(ngauss, data.values.shape[1])
        rng = np.random.RandomState(seed)
        start = perf_counter()
        pygmmis.fit(model, data.values, covar=covariances, rng=rng)
        seconds = perf_counter() - start
        mixture = Mixture.from_covariances(model.amp, model.mean, model.covar)
        return Fitted(seconds, mixture, "its tolerance, in processes of its own")


class _InTurn:
    """What pygmmis asks of a pool of processes, in this one."""

    def map_async(self, function: Any, arguments: Any, chunksize: Any = None) -> _InTurn:
        self._results = [function(argument) for argument in arguments]
        return self

    def get(self) -> list[Any]:
        return self._results


class Xdgmm(ToolboxPeer):
    """astroML's extreme deconvolution."""

    name, distribution = "astroML XDGMM", "astroML"

    def takes(self, data: Observations) -> bool:
        """It takes no missing values."""
        return not np.isnan(data.values).any()

    def passes(self, mixture: Mixture, data: Observations) -> dict[str, Call]:
        """One EM step, without the log-likelihood that its fit takes after each."""
        from astroML.density_estimation import XDGMM

        covariances = noise_covariances(data)
        model = XDGMM(mixture.ngauss)

        def iterate() -> Any:
            model.alpha, model.mu, model.V = mixture.weights, mixture.means, mixture.covariances
            model._EMstep(data.values, covariances)
            return model

        note = "without the log-likelihood that its fit takes after each"
        return {EM_ITERATION: Call(iterate, lambda m: flat(m.alpha, m.mu, m.V), note=note)}

    def fit_noisy(self, data: Observations, ngauss: int, seed: int) -> Fitted:
        """Fit with its defaults."""
        from astroML.density_estimation import XDGMM
        from sklearn.exceptions import ConvergenceWarning

        covariances = noise_covariances(data)
        model = XDGMM(ngauss, random_state=seed)
        start = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of its start, meant to be short
            model.fit(data.values, covariances)
        seconds = perf_counter() - start
        mixture = Mixture.from_covariances(model.alpha, model.mu, model.V)
        return Fitted(seconds, mixture, f"at most {model.max_iter} iterations")


TOOLBOX_KINDS: tuple[type[ToolboxPeer], ...] = (
    Ours,
    OursAnew,
    Exact,
    Reference,
    Pygmmis,
    Xdgmm,
)


def toolbox_contestants() -> list[ToolboxPeer]:
    """Who takes part, mogfit first; who is not installed is left out."""
    return [kind() for kind in TOOLBOX_KINDS if kind.version() is not None]

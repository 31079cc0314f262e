"""scikit-learn's `GaussianMixture`."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import PassCase
from benchmarks.numpy_reference import Array, Mixture
from benchmarks.peers.base import EM_ITERATION, LOG_DENSITY, Call, Fitted, Peer, flat


def with_parameters(mixture: Mixture) -> Any:
    """Make an estimator that holds the mixture, as after a fit."""
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(mixture.ngauss, reg_covar=0.0)
    model.weights_, model.means_ = mixture.weights, mixture.means
    model.covariances_ = mixture.covariances
    model.precisions_cholesky_ = np.ascontiguousarray(mixture.whiteners().transpose(0, 2, 1))
    return model


class ScikitLearn(Peer):
    """GaussianMixture with full covariances.

    Parameters
    ----------
    threads : int
        Threads it may use.
    n_init : int
        Starts of a fit; its default is 1.
    standardise : bool
        Fit standardised columns and map the result back, which its absolute `reg_covar` asks for
        when the columns have different units.
    """

    name = "scikit-learn"
    distribution = "scikit-learn"

    def __init__(self, threads: int = 1, n_init: int = 1, standardise: bool = False) -> None:
        super().__init__(threads)
        self.n_init = n_init
        self.standardise = standardise

    @property
    def label(self) -> str:
        """Name, with the settings that are not its defaults."""
        starts = f" n_init={self.n_init}" if self.n_init > 1 else ""
        scaled = " standardised" if self.standardise else ""
        return super().label.replace(self.name, self.name + starts + scaled)

    def calls(self, case: PassCase) -> dict[str, Call]:
        """Log density, and one turn of its EM loop without the checks around it."""
        points = case.points
        density, em = with_parameters(case.mixture), with_parameters(case.mixture)
        start = with_parameters(case.mixture)

        def iterate() -> Any:
            em.weights_, em.means_ = start.weights_, start.means_
            em.precisions_cholesky_ = start.precisions_cholesky_
            _, log_shares = em._e_step(points)
            em._m_step(points, log_shares)
            return em

        return {
            LOG_DENSITY: Call(lambda: density.score_samples(points)),
            EM_ITERATION: Call(iterate, lambda m: flat(m.weights_, m.means_, m.covariances_)),
        }

    def draws(self, mixture: Mixture, n: int) -> Call:
        """Draw points grouped by component."""
        model = with_parameters(mixture)
        return Call(lambda: model.sample(n)[0], note="grouped by component")

    def fit(self, points: Array, ngauss: int, seed: int) -> Fitted:
        """Fit with its default tolerance."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        start = perf_counter()
        location = points.mean(axis=0) if self.standardise else np.zeros(points.shape[1])
        scale = points.std(axis=0) if self.standardise else np.ones(points.shape[1])
        scaled = (points - location) / scale if self.standardise else points
        model = GaussianMixture(ngauss, n_init=self.n_init, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(scaled)
        seconds = perf_counter() - start
        mixture = Mixture.from_covariances(
            model.weights_,
            location + scale * model.means_,
            model.covariances_ * scale[:, None] * scale,
        )
        return Fitted(seconds, mixture, f"{model.n_iter_} iterations in the best start")

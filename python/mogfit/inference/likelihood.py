"""The likelihood of one data set: what every way of fitting asks of the core, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.checks import Spread
from mogfit.observations import Observations
from mogfit.parameters import Stdcorr

__all__ = ["Likelihood", "Observer"]

Floats = NDArray[np.float64]
Result = TypeVar("Result")

# Called after every iteration: iteration, objective, largest gradient entry, mixture.
# Returning False ends the descent.
Observer = Callable[[int, float, float, _core.PreparedMixture], "bool | None"]


@dataclass
class Likelihood:
    """The data and the penalty, and a count of passes and of seconds in the core.

    The objective everywhere is -(log L - penalty) / sum(s), with the penalty of Chen & Tan (2008):
    ``penalty * sum(s) * sum_k [tr(S Sigma_k^-1) + log det Sigma_k]``, S the overall covariance.

    Attributes
    ----------
    data : Observations
        What was seen of the points, and their weights.
    spread : Spread
        Location, scale and covariance of the data.
    penalty : float
    threads : int
    domain : ndarray of shape (2, V) or None
        Bounds of the variables; every row of the values lies inside.
    passes : float
        Passes over the data so far; a pass over a sample counts in proportion.
    seconds : float
        Seconds in the core so far.
    """

    data: Observations
    spread: Spread
    penalty: float
    threads: int
    domain: Floats | None = None
    passes: float = 0.0
    seconds: float = field(default=0.0)

    @property
    def n_points(self) -> int:
        """Rows of the data."""
        return self.data.n_points

    @property
    def nvars(self) -> int:
        """Variables of the points."""
        return self.data.nvars

    @property
    def total(self) -> float:
        """Sum of the sample weights."""
        return self.data.total

    def timed(self, call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Call the core and count its seconds."""
        begun = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - begun

    def sample(self, size: int, rng: np.random.Generator) -> Likelihood:
        """The likelihood of `size` rows drawn without replacement, or of all when there are fewer.

        Same spread and penalty.
        """
        if size >= self.n_points:
            return self
        rows = rng.choice(self.n_points, size, replace=False, shuffle=False)
        rows.sort()
        return Likelihood(
            self.data.take(rows), self.spread, self.penalty, self.threads, self.domain
        )

    def completed_points(self) -> NDArray[Any]:
        """The points; where they were seen in part or through noise, their expectations.

        Those under one Gaussian, that of the spread: what starts are looked for in.
        """
        if self.data.plain:
            return self.data.values
        one = _core.PreparedMixture(
            np.ones(1), self.spread.location[None], self.spread.covariance[None]
        )
        means, _ = self.timed(_core.posterior, one, self.data.core, False, threads=self.threads)
        return means

    def responsibilities(self, mixture: _core.PreparedMixture) -> Floats:
        """Probability that each point came from each component, (N, ngauss)."""
        return self.timed(_core.responsibilities, mixture, self.data.core, self.threads)

    def add_cost(self, other: Likelihood) -> None:
        """Count what was spent on a sample of these data, in passes over all of them."""
        if other is not self:
            self.passes += other.passes * other.n_points / self.n_points
            self.seconds += other.seconds
            other.passes = other.seconds = 0.0

    def loglik(self, mixture: _core.PreparedMixture) -> float:
        """log L, without the penalty."""
        self.passes += 1
        return self.timed(_core.log_likelihood, mixture, self.data.core, None, self.threads)

    def points_held(self, mixture: _core.PreparedMixture) -> Floats:
        """How many of the points each component holds, (ngauss,), by its share of the weight."""
        self.passes += 1
        moments = self.timed(_core.data_pass, mixture, self.data.core, None, self.threads)
        return moments.s0 * (self.n_points / self.total)

    def penalty_value(self, mixture: _core.PreparedMixture) -> float:
        """What the penalty takes from log L."""
        if self.penalty == 0.0:
            return 0.0
        return _core.penalty_value(mixture, self.penalty, self.spread.covariance, self.total)

    def em_step(
        self, mixture: _core.PreparedMixture, *, monotone: bool = False
    ) -> tuple[float, _core.PreparedMixture]:
        """log L at the mixture, without the penalty, and the mixture after one EM step.

        Inside a domain a full step can lower the likelihood; a monotone one never does.
        """
        self.passes += 1
        return self.timed(
            _core.em_step,
            mixture,
            self.data.core,
            None,
            self.penalty,
            self.spread.covariance,
            self.threads,
            monotone,
        )

    def em_run(
        self, mixture: _core.PreparedMixture, steps: int, least_gain: float = -np.inf
    ) -> tuple[_core.PreparedMixture, float]:
        """The mixture after some EM steps, and log L less the penalty before the last of them.

        Ends early when a step gains less than `least_gain` in the mean log-likelihood per point.
        """
        after, loglik, taken = self.timed(
            _core.em_run,
            mixture,
            self.data.core,
            None,
            self.penalty,
            self.spread.covariance,
            steps=steps,
            tolerance=least_gain,
            threads=self.threads,
        )
        self.passes += taken
        return after, loglik

    def descend(
        self,
        mixture: _core.PreparedMixture,
        gradient_tolerance: float,
        *,
        smaller: tuple[tuple[Likelihood, float], ...] = (),
        observer: Observer | None = None,
        **options: Any,
    ) -> _core.Descent:
        """Descend by L-BFGS in whitened coordinates; on `smaller` samples first, if given.

        `smaller` holds pairs of a sample and the gradient tolerance there.
        """
        samples = [(s.data.core, None, tolerance) for s, tolerance in smaller]
        samples.append((self.data.core, None, gradient_tolerance))
        descent = self.timed(
            _core.descend,
            mixture,
            samples,
            self.penalty,
            self.spread.covariance,
            observer=observer,
            threads=self.threads,
            **options,
        )
        self.passes += descent.passes
        return descent

    def gradient_norm(self, mixture: _core.PreparedMixture) -> float:
        """Largest entry of the whitened gradient of the objective at a mixture.

        Components that EM has emptied have no coordinates and are left out.
        """
        alive = mixture.weights > 0
        if not alive.all():
            mixture = _core.PreparedMixture.from_factors(
                mixture.log_weights[alive],
                mixture.means[alive],
                mixture.factors[alive],
                mixture.domain,
            )
        coordinates = _core.WhitenedCoordinates(mixture)
        _, gradient, _ = self.whitened_objective(coordinates, np.zeros(coordinates.size))
        return float(np.abs(gradient).max())

    def whitened_objective(
        self, coordinates: _core.WhitenedCoordinates, theta: Floats
    ) -> tuple[float, Floats, float]:
        """Objective, its gradient in whitened coordinates, and log L."""
        self.passes += 1
        return self.timed(
            coordinates.objective,
            theta,
            self.data.core,
            None,
            self.penalty,
            self.spread.covariance,
            self.threads,
        )

    def stdcorr_objective(self, at: _core.PreparedMixture) -> tuple[float, Stdcorr]:
        """Objective and its gradient in weights, means, standard deviations and correlations."""
        self.passes += 1
        moments = self.timed(_core.data_pass, at, self.data.core, None, self.threads)
        gradient = _core.gradient_stdcorr(
            at, moments, self.penalty, self.spread.covariance, self.total
        )
        value = -(moments.loglik - self.penalty_value(at)) / self.total
        return value, Stdcorr(*(-part / self.total for part in gradient))

    def held_by_penalty(self, mixture: _core.PreparedMixture) -> tuple[int, ...]:
        """Components whose covariance the penalty holds up by more than 1 % in some direction."""
        if self.penalty == 0.0 or mixture.ngauss == 1:
            return ()  # exact at one component
        pseudo_points = 2.0 * self.penalty * self.total
        points = mixture.weights * self.total
        held = []
        for k, factor in enumerate(mixture.factors):
            whitened = np.linalg.solve(factor, np.linalg.solve(factor, self.spread.covariance).T)
            if pseudo_points * np.linalg.eigvalsh(whitened)[-1] > 0.01 * points[k]:
                held.append(k)
        return tuple(held)

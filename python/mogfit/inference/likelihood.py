"""The likelihood of one data set: what every way of fitting asks of the core, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.inference.checks import Spread
from mogfit.inference.model import Model
from mogfit.observations import Observations
from mogfit.parameters import Stdcorr

__all__ = ["EMPTY", "Likelihood", "Observer"]

Floats = NDArray[np.float64]

# A component that holds less than this part of one point is empty.
EMPTY = 1e-3

# Values of all components in a pass, from which on a descent is long enough to be stopped inside.
_LONG = 100_000

Result = TypeVar("Result")

# Called after every iteration: iteration, objective, largest gradient entry, mixture.
# Returning False ends the descent.
Observer = Callable[[int, float, float, _core.PreparedMixture], "bool | None"]


@dataclass
class Likelihood:
    """The data, the penalty and the model, and a count of passes and of seconds in the core.

    The objective everywhere is -(log L + log prior - penalty) / sum(s), with the penalty of Chen &
    Tan (2008): ``penalty * sum(s) * sum_k [tr(S Sigma_k^-1) + log det Sigma_k]``, S the overall
    covariance, and the log density of the prior up to a constant.

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
    model : Model
        What is estimated: the family of the covariances, what is held, and the prior.
    share : float
        The part of all the data that these are, by weight: their prior counts in proportion, so
        that the objective of a sample is an estimate of that of the data.
    passes : float
        Passes over the data so far; a pass over a sample counts in proportion.
    seconds : float
        Seconds in the core so far.
    stopped : threading.Event or None
        Set by another thread to end what runs on these data: then the core is not called again.
    """

    data: Observations
    spread: Spread
    penalty: float
    threads: int
    domain: Floats | None = None
    passes: float = 0.0
    seconds: float = field(default=0.0)
    model: Model = field(default_factory=Model)
    share: float = 1.0
    stopped: Event | None = None

    @property
    def _core_model(self) -> _core.Model | None:
        return self.model.core(self.share)

    @cached_property
    def reference(self) -> Floats:
        """The overall covariance as the family has it, (V, V): the S of the penalty."""
        return self.model.constrain_one(self.spread.covariance)

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
        """Call the core and count its seconds.

        Raises
        ------
        concurrent.futures.CancelledError
            If another thread has asked for an end.
        """
        if self.stopped is not None and self.stopped.is_set():
            raise CancelledError
        begun = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - begun

    def sample(self, size: int, rng: np.random.Generator) -> Likelihood:
        """The likelihood of `size` rows drawn without replacement, or of all when there are fewer.

        Same spread, penalty and model.
        """
        if size >= self.n_points:
            return self
        rows = rng.choice(self.n_points, size, replace=False, shuffle=False)
        rows.sort()
        part = self.data.take(rows)
        return replace(
            self,
            data=part,
            passes=0.0,
            seconds=0.0,
            share=self.share * part.total / self.total,
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

    def scatter(self, mixture: _core.PreparedMixture) -> Floats:
        """Covariance of the points of each component, (ngauss, V, V), of whichever family it is.

        That of the component where it holds too few points to have one of its own.
        """
        self.passes += 1
        moments = self.timed(_core.data_pass, mixture, self.data.core, None, self.threads)
        count = np.maximum(moments.s0, np.finfo(float).tiny)
        shift = moments.s1 / count[:, None]
        own = moments.s2 / count[:, None, None] - shift[:, :, None] * shift[:, None, :]
        covariances = mixture.covariances
        # As if V + 1 more points lay as the component does: no axis is without length.
        points = (moments.s0 * (self.n_points / self.total))[:, None, None]
        share = points / (points + mixture.nvars + 1.0)
        return share * own + (1.0 - share) * covariances

    def penalty_value(self, mixture: _core.PreparedMixture) -> float:
        """What the penalty takes from log L."""
        if self.penalty == 0.0:
            return 0.0
        return _core.penalty_value(mixture, self.penalty, self.reference, self.total)

    def log_prior(self, mixture: _core.PreparedMixture) -> float:
        """Log density of the prior, up to a constant, these data's share of it; 0 without one."""
        model = self._core_model
        return 0.0 if model is None else model.log_prior(mixture)

    def objective(self, mixture: _core.PreparedMixture, loglik: float) -> float:
        """What is minimised, at a mixture of this log L."""
        gained = loglik + self.log_prior(mixture) - self.penalty_value(mixture)
        return -gained / self.total

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
            self.reference,
            self.threads,
            monotone,
            model=self._core_model,
        )

    def em_run(
        self, mixture: _core.PreparedMixture, steps: int, least_gain: float = -np.inf
    ) -> tuple[_core.PreparedMixture, float]:
        """The mixture after some EM steps, and what was maximised before the last of them.

        That is log L and the log prior, less the penalty.

        Ends early when a step gains less than `least_gain` in the mean log-likelihood per point.
        """
        after, loglik, taken = self.timed(
            _core.em_run,
            mixture,
            self.data.core,
            None,
            self.penalty,
            self.reference,
            steps=steps,
            tolerance=least_gain,
            threads=self.threads,
            model=self._core_model,
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
        values = self.n_points * self.nvars * mixture.ngauss
        # Of short descents each iteration would cost a turn at Python's lock.
        if observer is None and self.stopped is not None and values > _LONG:
            observer = self._goes_on
        samples = [(s.data.core, None, tolerance) for s, tolerance in smaller]
        samples.append((self.data.core, None, gradient_tolerance))
        descent = self.timed(
            _core.descend,
            mixture,
            samples,
            self.penalty,
            self.reference,
            observer=observer,
            threads=self.threads,
            model=self._core_model,
            **options,
        )
        self.passes += descent.passes
        return descent

    def _goes_on(self, *_: object) -> bool:
        return self.stopped is None or not self.stopped.is_set()

    def gradient_norm(self, mixture: _core.PreparedMixture) -> float:
        """Largest entry of the whitened gradient of the objective at a mixture.

        Components that EM has emptied have no coordinates and are left out.
        """
        alive = mixture.weights > 0
        model = self.model
        if not alive.all():
            model = model.of(alive)
            mixture = _core.PreparedMixture.from_factors(
                mixture.log_weights[alive],
                mixture.means[alive],
                mixture.factors[alive],
                mixture.domain,
            )
        core_model = model.core(self.share)
        coordinates = _core.WhitenedCoordinates(mixture, core_model, self.total)
        origin = np.zeros(coordinates.size)
        _, gradient, _ = self._whitened_objective(coordinates, origin, core_model)
        return float(np.abs(gradient).max(initial=0.0))

    def coordinates(self, mixture: _core.PreparedMixture) -> _core.WhitenedCoordinates:
        """Whitened coordinates of what is estimated, around a mixture."""
        return _core.WhitenedCoordinates(mixture, self._core_model, self.total)

    def whitened_objective(
        self, coordinates: _core.WhitenedCoordinates, theta: Floats
    ) -> tuple[float, Floats, float]:
        """Objective, its gradient in whitened coordinates, and log L."""
        return self._whitened_objective(coordinates, theta, self._core_model)

    def _whitened_objective(
        self,
        coordinates: _core.WhitenedCoordinates,
        theta: Floats,
        model: _core.Model | None,
    ) -> tuple[float, Floats, float]:
        self.passes += 1
        return self.timed(
            coordinates.objective,
            theta,
            self.data.core,
            None,
            self.penalty,
            self.reference,
            self.threads,
            model,
        )

    def stdcorr_objective(self, at: _core.PreparedMixture) -> tuple[float, Stdcorr]:
        """Objective and its gradient in weights, means, standard deviations and correlations.

        Of full covariances, all free, without a prior.
        """
        self.passes += 1
        moments = self.timed(_core.data_pass, at, self.data.core, None, self.threads)
        gradient = _core.gradient_stdcorr(at, moments, self.penalty, self.reference, self.total)
        value = -(moments.loglik - self.penalty_value(at)) / self.total
        return value, Stdcorr(*(-part / self.total for part in gradient))

    def held_by_penalty(self, mixture: _core.PreparedMixture) -> tuple[int, ...]:
        """Components whose covariance the penalty holds up by more than 1 % in some direction.

        Of tied covariances all or none. Those that the user holds are not counted.
        """
        if self.penalty == 0.0 or mixture.ngauss == 1:
            return ()  # exact at one component
        free = ~self.model.held(mixture.ngauss).covariances
        pseudo_points = 2.0 * self.penalty * self.total
        points = mixture.weights * self.total
        if self.model.tied:
            # One covariance, which all the points tell of, with the penalty of each component.
            pseudo_points *= mixture.ngauss
            points = np.full(mixture.ngauss, self.total)
        if self.model.prior is not None:
            points = points + self.model.prior.dof + mixture.nvars + 2.0
        held = []
        for k, factor in enumerate(mixture.factors):
            if not free[k]:
                continue
            whitened = np.linalg.solve(factor, np.linalg.solve(factor, self.reference).T)
            if pseudo_points * np.linalg.eigvalsh(whitened)[-1] > 0.01 * points[k]:
                held.append(k)
        return tuple(held)

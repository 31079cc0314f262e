"""What the mixtures with scikit-learn's interface share."""

from __future__ import annotations

import time
from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from mogfit import _core
from mogfit.errors import DegenerateError, InputError, scalar_message, shape_message, warn_user
from mogfit.sklearn import covariance_types
from mogfit.sklearn.starts import ClusterMoments, draw_clusters
from mogfit.sklearn.training_data import Floats, TrainingData, count_missing, observed
from mogfit.sklearn.versions import ConvergenceWarning, validate_points

__all__ = ["BaseMixture", "Progress", "Run"]

# scikit-learn's words, which its users may look for.
_DEGENERATE = (
    "Fitting the mixture model failed because some components have ill-defined empirical "
    "covariance (for instance caused by singleton or collapsed samples). Try to decrease the "
    "number of components, increase reg_covar, or scale the input data."
)
_NOT_CONVERGED = (
    "Best performing initialization did not converge. Try different init parameters, or increase "
    "max_iter, tol, or check for degenerate data."
)


@dataclass(frozen=True)
class Run:
    """One start and what became of it."""

    state: Any  # the parameters, as the class keeps them while it fits
    lower_bounds: list[float]  # of every iteration
    converged: bool


class Progress:
    """The lines that `verbose` asks for, of one start."""

    def __init__(self, verbose: int, interval: int) -> None:
        self.verbose, self.interval = int(verbose), interval
        self.begun = self.last = time.perf_counter()

    def _say(self, text: str, details: str) -> None:
        print(text + (details if self.verbose > 1 else ""))  # noqa: T201  (asked for)

    def begin(self, start: int) -> None:
        """Number of a start."""
        if self.verbose:
            self._say(f"Initialization {start}", "")

    def iteration(self, number: int, change: float) -> None:
        """After every iteration; every so many of them are told."""
        if self.verbose and number % self.interval == 0:
            now = time.perf_counter()
            lapse, self.last = now - self.last, now
            self._say(
                f"  Iteration {number}", f"\t time lapse {lapse:.5f}s\t ll change {change:.5f}"
            )

    def end(self, lower_bound: float, converged: bool) -> None:
        """How the start ended."""
        if self.verbose:
            lapse = time.perf_counter() - self.begun
            self._say(
                f"Initialization {'converged' if converged else 'did not converge'}.",
                f" time lapse {lapse:.5f}s\t lower bound {lower_bound:.5f}.",
            )


class BaseMixture(DensityMixin, BaseEstimator, metaclass=ABCMeta):  # type: ignore[misc]
    """A mixture fitted from several starts, which then evaluates through the core.

    A class of its own says how it checks its arguments, what it keeps while it fits (its state),
    how a state follows from first clusters, what one iteration does, and which mixture of
    Gaussians evaluates the result.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "random", "random_from_data", "k-means++"})],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "missing": [StrOptions({"marginal", "error"})],
    }

    # --- what a class says of itself ---

    @abstractmethod
    def _check_parameters(self, n_features: int) -> None:
        """Check the arguments against the width of the data, before any work."""

    @abstractmethod
    def _initialize(self, data: TrainingData, clusters: ClusterMoments | None) -> Any:
        """The first state; `clusters` is None where `_needs_clusters` says no."""

    @abstractmethod
    def _step(self, data: TrainingData, state: Any) -> tuple[float, Any]:
        """The lower bound per point that scikit-learn reports of a step, and the state after it."""

    @abstractmethod
    def _set_parameters(self, state: Any, dtype: Any) -> None:
        """Set the attributes that end in an underscore, of a type of floats."""

    @abstractmethod
    def _get_parameters(self) -> Any:
        """The state that the attributes say, to go on from."""

    @abstractmethod
    def _log_weights(self) -> Floats:
        """(K,): what is added to the log density of each component, normalised or not."""

    def _needs_clusters(self) -> bool:
        return True

    def _iterate(
        self, data: TrainingData, state: Any, lower_bound: float, progress: Progress
    ) -> Run:
        """Steps from `state` on until the lower bound changes by less than `tol`."""
        lower_bounds: list[float] = []
        converged = False
        while len(lower_bounds) < self.max_iter and not converged:
            before = lower_bound
            lower_bound, state = self._step(data, state)
            lower_bounds.append(lower_bound)
            change = lower_bound - before
            progress.iteration(len(lower_bounds), change)
            converged = abs(change) < self.tol
        return Run(state, lower_bounds, converged)

    # --- fitting ---

    def fit(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> BaseMixture:
        """Fit the mixture to points.

        From `n_init` starts, of which the one with the largest lower bound is kept; with
        `warm_start`, from where the last fit ended.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The points. NaN where a value is missing: such a row counts with the exact marginal
            density of the rest.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            How often each point counts; 0 leaves it out.

        Returns
        -------
        self
        """
        self._fit(X, sample_weight)
        return self

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Fit the mixture, and say which component each point most probably belongs to.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            What `predict` then says of the same points.
        """
        points, n_missing = self._fit(X, sample_weight)
        seen = observed(points, n_missing)
        return _core.responsibilities(self._prepared(), seen).argmax(axis=1)

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> tuple[NDArray[Any], int]:
        """Fit; return the points and how many of their values are missing."""
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()
        points = validate_points(self, X, ensure_min_samples=2)
        n_missing = self._count_missing(points)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, points, dtype=np.float64)
        data = TrainingData.of(points, weight, n_missing)
        if len(data.X) < self.n_components:
            raise InputError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {len(data.X)}"
                + (" of positive weight" if sample_weight is not None else "")
            )
        self._check_parameters(points.shape[1])
        try:
            best = self._best_run(data)
        except DegenerateError as error:
            raise DegenerateError(f"{_DEGENERATE} ({error})") from error
        self._set_parameters(best.state, points.dtype)
        self.converged_ = bool(best.converged)
        self.n_iter_ = len(best.lower_bounds)
        # NumPy's numbers, as scikit-learn's are: they can be rounded by their method.
        self.lower_bounds_ = [np.float64(bound) for bound in best.lower_bounds]
        self.lower_bound_ = self.lower_bounds_[-1] if best.lower_bounds else -np.inf
        self._prepared()
        if not best.converged and self.max_iter > 0:
            warn_user(_NOT_CONVERGED, ConvergenceWarning)
        return points, n_missing

    def _best_run(self, data: TrainingData) -> Run:
        goes_on = self.warm_start and hasattr(self, "converged_")
        shape = (self.n_components, data.shape[1])
        if goes_on and self.means_.shape != shape:
            raise InputError(
                shape_message(
                    "means_",
                    self.means_.shape,
                    shape,
                    other="n_components and X",
                    remedy="warm_start goes on from a fit of the same size: clone the estimator",
                )
            )
        random_state = check_random_state(self.random_state)
        best: Run | None = None
        for start in range(1 if goes_on else self.n_init):
            progress = Progress(self.verbose, self.verbose_interval)
            progress.begin(start)
            if goes_on:
                state, lower_bound = self._get_parameters(), self.lower_bound_
            else:
                state, lower_bound = self._first_state(data, random_state), -np.inf
            if self.max_iter == 0:
                best = Run(state, [], False)  # of several, the last one, as scikit-learn has it
                continue
            run = self._iterate(data, state, lower_bound, progress)
            progress.end(run.lower_bounds[-1], run.converged)
            if best is None or run.lower_bounds[-1] > best.lower_bounds[-1]:
                best = run
        assert best is not None
        return best

    def _first_state(self, data: TrainingData, random_state: np.random.RandomState) -> Any:
        clusters = None
        if self._needs_clusters():
            clusters = draw_clusters(
                data,
                self.n_components,
                self.init_params,
                self.covariance_type,
                random_state,
            )
        return self._initialize(data, clusters)

    # --- evaluating ---

    def _factors(self) -> Floats:
        """(K, d, d): lower factors of the covariances that evaluate."""
        return covariance_types.expand_precision_factors(
            self.precisions_cholesky_, self.covariance_type, *self.means_.shape
        )

    def _prepared(self) -> _core.PreparedMixture:
        """The mixture of the attributes as they are now, whoever set them."""
        key = (self._log_weights(), self.means_, self.precisions_cholesky_)
        kept = self.__dict__.get("_kept_mixture")
        if kept is None or not all(map(np.array_equal, kept[0], key)):
            mixture = _core.PreparedMixture.from_factors(key[0], key[1], self._factors())
            # Copies, for attributes may be changed in place.
            kept = self._kept_mixture = (tuple(np.array(part) for part in key), mixture)
        return kept[1]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_kept_mixture", None)
        return state

    def _count_missing(self, points: NDArray[Any]) -> int:
        return count_missing(
            points,
            nan_allowed=self.missing == "marginal",
            names=getattr(self, "feature_names_in_", None),
        )

    def _points(self, X: ArrayLike) -> tuple[NDArray[Any] | _core.Observations, Any]:
        """Points to evaluate, and the type of their values."""
        check_is_fitted(self)
        points = validate_points(self, X, reset=False)
        return observed(points, self._count_missing(points)), points.dtype

    def score_samples(self, X: ArrayLike) -> NDArray[Any]:
        """Log density of each point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The points; of values that are NaN, the marginal density of the rest is taken.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        seen, dtype = self._points(X)
        return _core.logpdf(self._prepared(), seen).astype(dtype, copy=False)

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log density per point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X)))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """The component that each point most probably belongs to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        seen, _ = self._points(X)
        return _core.responsibilities(self._prepared(), seen).argmax(axis=1)

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """The probability of each component, given the point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Rows sum to 1.
        """
        seen, dtype = self._points(X)
        return _core.responsibilities(self._prepared(), seen).astype(dtype, copy=False)

    def sample(self, n_samples: int = 1) -> tuple[Floats, NDArray[np.int64]]:
        """Draw points from the fitted mixture; the draws that scikit-learn makes.

        Parameters
        ----------
        n_samples : int, default 1

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Component by component.
        y : ndarray of shape (n_samples,)
            The component of each.
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise InputError(
                scalar_message("Invalid value for 'n_samples'", n_samples, "an integer >= 1")
            )
        random = check_random_state(self.random_state)
        # Components of float32 may sum to 1 only as closely as that.
        weights = np.asarray(self.weights_, float)
        counts = random.multinomial(n_samples, weights / weights.sum())
        X = np.vstack([self._draw(k, int(count), random) for k, count in enumerate(counts)])
        return X, np.repeat(np.arange(len(counts)), counts)

    def _draw(self, k: int, count: int, random: np.random.RandomState) -> Floats:
        mean = self.means_[k]
        if self.covariance_type in ("full", "tied"):
            covariance = self.covariances_
            covariance = covariance if self.covariance_type == "tied" else covariance[k]
            return random.multivariate_normal(mean, covariance, count)
        normal = random.standard_normal(size=(count, len(mean)))
        return mean + normal * np.sqrt(self.covariances_[k])

    # --- what scikit-learn asks of an estimator ---

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "marginal"
        return tags

    def _more_tags(self) -> dict[str, Any]:
        # The same for scikit-learn before 1.6.
        return {"allow_nan": self.missing == "marginal"}

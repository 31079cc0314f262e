"""`BayesianGaussianMixture`: scikit-learn's class, on mogfit's core."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from mogfit.inference import variational
from mogfit.inference.evidence import evidence_lower_bound
from mogfit.inference.variational_posterior import VARIATIONAL_STRUCTURES, Posterior, Prior
from mogfit.sklearn import covariance_types
from mogfit.sklearn.base import BaseMixture, Run
from mogfit.sklearn.given_priors import (
    check_covariance_prior,
    check_degrees_of_freedom_prior,
    check_mean_prior,
    moments_of_data,
)
from mogfit.sklearn.starts import ClusterMoments
from mogfit.sklearn.training_data import Floats, TrainingData

__all__ = ["BayesianGaussianMixture"]

_POSITIVE = Interval(Real, 0.0, None, closed="neither")


class BayesianGaussianMixture(BaseMixture):
    """Variational Bayesian mixture of Gaussians with the interface of scikit-learn's class.

    The posterior of weights, means and precisions is sought among products of their
    distributions. Components that the data do not need are emptied: `n_components` is the most
    there can be, `weights_` show what became of each, and `n_effective_components_` counts those
    that hold at least one point.

    Parameters
    ----------
    n_components : int, default 1
        The most components there can be.
    covariance_type : {"full", "tied", "diag", "spherical"}, default "full"
        What covariances look like: a matrix each, one matrix for all, a variance for each
        variable, or one number each.
    tol : float, default 1e-3
        Iterations end when the lower bound, of all the data together, changes by less.
    reg_covar : float, default 1e-6
        A variance that each point brings along in every variable.
    max_iter : int, default 100
        Most iterations of each start; 0 keeps the first parameters.
    n_init : int, default 1
        Starts, of which the one with the largest lower bound is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default "kmeans"
        Where starts come from.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}
        The prior of the weights: sticks broken by Beta(1, concentration), cut off after
        `n_components` of them, or a symmetric Dirichlet distribution.
    weight_concentration_prior : float, optional
        The concentration: the smaller, the fewer components stay. By default 1 / n_components.
    mean_precision_prior : float, optional
        How many points the prior of the means counts for. By default 1.
    mean_prior : array-like of shape (n_features,), optional
        The prior mean of the means; by default that of the data.
    degrees_of_freedom_prior : float, optional
        How many points the prior of the covariances counts for; above n_features - 1. By default
        n_features.
    covariance_prior : float or array-like, optional
        The prior of the covariances, times its degrees of freedom, as one component has it: a
        matrix for "full" and "tied", its diagonal for "diag", a number for "spherical". By default
        the covariance of the data.
    random_state : int, numpy.random.RandomState or None
        Draws the starts and the points of `sample`.
    warm_start : bool, default False
        Whether `fit` goes on from where the last one ended.
    verbose : int, default 0
        1 tells of the iterations, 2 also of times and changes.
    verbose_interval : int, default 10
        How many iterations lie between two lines.
    missing : {"marginal", "error"}, default "marginal"
        What NaN means: a value that was not seen, or an error.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Expected weights.
    means_ : ndarray of shape (n_components, n_features)
        Expected means.
    covariances_, precisions_, precisions_cholesky_ : ndarray
        Inverses of the expected precisions; these precisions; and upper triangular U with U U^T
        the precision. Shapes (K, d, d), (d, d), (K, d) or (K,), as `covariance_type` says.
    weight_concentration_ : tuple of ndarray, or ndarray, of shape (n_components,)
        Parameters of the posterior of the weights: both of the Beta distributions of the sticks,
        or those of the Dirichlet distribution.
    mean_precision_ : ndarray of shape (n_components,)
        Points that each mean rests on, those of the prior included.
    degrees_of_freedom_ : ndarray of shape (n_components,), or float for "tied"
        The same of the covariances.
    weight_concentration_prior_, mean_precision_prior_, mean_prior_, degrees_of_freedom_prior_, \
covariance_prior_
        The priors that were used.
    n_effective_components_ : int
        Components that hold at least one point in expectation.
    converged_ : bool
        Whether the best start ended by `tol`.
    n_iter_ : int
        Iterations of the best start.
    lower_bound_, lower_bounds_ : float, list of float
        The bound that scikit-learn reports, last and after every iteration: the evidence lower
        bound but for a constant.
    evidence_lower_bound_ : float
        A lower bound of the log evidence log p(X) of this fit, with every constant: it compares
        numbers of components, types of covariance and priors on the same points. NaN where
        `covariance_prior_` is singular, for then the prior is no distribution. Every iteration
        raises it with "full" covariances and reg_covar=0; for other types scikit-learn's updates
        come close to the best ones and no more (see Notes).
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    Bishop (2006), section 10.2; for the Dirichlet process Blei & Jordan (2006). An iteration is one
    pass over the data, with Gaussians N(m_k, (nu_k W_k)^-1) and weights that are not normalised;
    from a start with the same responsibilities, iterations are those of scikit-learn.

    A value that is missing has a factor q(x_missing | component) of its own in the posterior. The
    best one is the component's conditional given what was seen, so that what the pass computes is
    all there is to it, and the bounds hold as they do without missing values.

    `sample_weight` counts points: a point of weight 2 is a point seen twice, and larger weights
    make the prior count for less.

    scikit-learn takes E[ln |Lambda|] from a Wishart distribution for every type of covariance, and
    lets "tied" learn from n_samples / n_components points. `evidence_lower_bound_` takes the
    normal-gamma model that the updates of "diag" and "spherical" belong to, and the Wishart
    distribution of `degrees_of_freedom_` for "tied": a bound of the evidence for every type.
    For "dirichlet_process" it is that of the whole process, of which a fit has `n_components`
    sticks: more of them come closer, and do not stand for another model.

    Examples
    --------
    >>> import numpy as np
    >>> from mogfit.sklearn import BayesianGaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(100, 2)) + 8])
    >>> model = BayesianGaussianMixture(8, max_iter=500, random_state=0).fit(X)
    >>> model.n_effective_components_
    2
    >>> np.sort(model.weights_)[-2:].round(2)
    array([0.33, 0.67])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMixture._parameter_constraints,
        "covariance_type": [StrOptions(set(VARIATIONAL_STRUCTURES))],
        "weight_concentration_prior_type": [
            StrOptions({"dirichlet_process", "dirichlet_distribution"})
        ],
        "weight_concentration_prior": [None, _POSITIVE],
        "mean_precision_prior": [None, _POSITIVE],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, _POSITIVE],
        "covariance_prior": [None, "array-like", _POSITIVE],
    }

    _prior: Prior  # while a fit runs

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: Literal["full", "tied", "diag", "spherical"] = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: Literal["kmeans", "k-means++", "random", "random_from_data"] = "kmeans",
        weight_concentration_prior_type: Literal[
            "dirichlet_process", "dirichlet_distribution"
        ] = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: float | ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        missing: Literal["marginal", "error"] = "marginal",
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.missing = missing

    def _check_parameters(self, n_features: int) -> None:
        if self.mean_prior is not None:
            check_mean_prior(self.mean_prior, n_features)
        if self.degrees_of_freedom_prior is not None:
            check_degrees_of_freedom_prior(self.degrees_of_freedom_prior, n_features)
        if self.covariance_prior is not None:
            check_covariance_prior(self.covariance_prior, self.covariance_type, n_features)

    def _prior_of(self, data: TrainingData) -> Prior:
        n_features, kind = data.shape[1], self.covariance_type
        concentration = self.weight_concentration_prior
        dof = self.degrees_of_freedom_prior
        if self.mean_prior is None or self.covariance_prior is None:
            mean, matrix = moments_of_data(data)
        if self.mean_prior is not None:
            mean = check_mean_prior(self.mean_prior, n_features)
        if self.covariance_prior is not None:
            covariance = check_covariance_prior(self.covariance_prior, kind, n_features)
        else:
            covariance = {
                "full": matrix,
                "tied": matrix,
                "diag": matrix.diagonal().copy(),
                "spherical": np.asarray(matrix.diagonal().mean()),
            }[kind]
        return Prior(
            kind,
            self.weight_concentration_prior_type == "dirichlet_process",
            1.0 / self.n_components if concentration is None else concentration,
            mean,
            1.0 if self.mean_precision_prior is None else self.mean_precision_prior,
            n_features if dof is None else dof,
            covariance,
        )

    def _best_run(self, data: TrainingData) -> Run:
        data = data.counted
        self._prior = self._prior_of(data)
        try:
            best = super()._best_run(data)
        finally:
            del self._prior
        _ = best.state.mixture  # refuses covariances that have collapsed
        self.evidence_lower_bound_ = evidence_lower_bound(best.state, *data.seen)
        return best

    def _initialize(self, data: TrainingData, clusters: ClusterMoments | None) -> Posterior:
        assert clusters is not None
        return variational.update(
            self._prior,
            _ClusterSums(clusters, data.total / clusters.total),
            clusters.means,
            self.reg_covar,
        )

    def _step(self, data: TrainingData, state: Posterior) -> tuple[float, Posterior]:
        return variational.step(state, *data.seen, ridge=self.reg_covar)

    def _set_parameters(self, state: Posterior, dtype: Any) -> None:
        def cast(values: Floats) -> NDArray[Any]:
            return values.astype(dtype, copy=False)

        prior, kind = state.prior, self.covariance_type
        self.weight_concentration_prior_ = prior.concentration
        self.mean_precision_prior_ = prior.mean_precision
        self.mean_prior_ = prior.mean
        self.degrees_of_freedom_prior_ = prior.dof
        self.covariance_prior_ = prior.covariance[()]
        concentration = tuple(map(cast, state.concentration))
        self.weight_concentration_ = concentration if prior.process else concentration[0]
        self.mean_precision_ = cast(state.mean_precision)
        self.degrees_of_freedom_ = cast(state.dof)[()]
        self.weights_ = cast(state.weights)
        self.means_ = cast(state.means)
        self.covariances_ = cast(state.covariances)
        upper = covariance_types.precision_factors(state.factors, kind)
        self.precisions_cholesky_ = cast(upper)
        self.precisions_ = covariance_types.precisions(self.precisions_cholesky_, kind)

    def _get_parameters(self) -> Posterior:
        return self._posterior(self._prior)

    def _posterior(self, prior: Prior) -> Posterior:
        """What the attributes say, as they are now."""
        concentration = self.weight_concentration_
        parts = concentration if prior.process else [concentration]
        return Posterior(
            prior,
            tuple(np.asarray(part, float) for part in parts),
            np.asarray(self.mean_precision_, float),
            np.asarray(self.means_, float),
            np.asarray(self.degrees_of_freedom_, float),
            np.asarray(self.covariances_, float),
        )

    def _log_weights(self) -> Floats:
        prior = Prior(
            self.covariance_type,
            isinstance(self.weight_concentration_, tuple),
            self.weight_concentration_prior_,
            self.mean_prior_,
            self.mean_precision_prior_,
            self.degrees_of_freedom_prior_,
            np.asarray(self.covariance_prior_),
        )
        return self._posterior(prior).log_weights

    @property
    def n_effective_components_(self) -> int:
        """Components that hold at least one point in expectation."""
        held = np.asarray(self.mean_precision_, float) - self.mean_precision_prior_
        return int(np.count_nonzero(held >= 1.0))


class _ClusterSums:
    """Moments of clusters as an update takes them."""

    def __init__(self, clusters: ClusterMoments, points_each_stands_for: float) -> None:
        self.s0 = clusters.counts * points_each_stands_for
        self.s1 = np.zeros_like(clusters.means)
        self.s2 = clusters.covariances * self.s0[:, np.newaxis, np.newaxis]

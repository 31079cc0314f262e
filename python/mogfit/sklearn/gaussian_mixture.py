"""`GaussianMixture`: scikit-learn's class, on mogfit's core."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from mogfit import _core
from mogfit.errors import DegenerateError
from mogfit.parameters import number_of_parameters
from mogfit.selection.criteria import aic, bic
from mogfit.sklearn import covariance_types
from mogfit.sklearn.base import BaseMixture, Progress, Run
from mogfit.sklearn.given_starts import check_means, check_precisions, check_weights
from mogfit.sklearn.optimum import climb
from mogfit.sklearn.starts import OF_ONE_POINT, ClusterMoments, widened
from mogfit.sklearn.training_data import Floats, TrainingData

__all__ = ["GaussianMixture"]


class GaussianMixture(BaseMixture):
    """Mixture of Gaussians with the interface of scikit-learn's class.

    The same arguments mean the same thing, iteration by iteration; `sample_weight`, values that
    are missing and `solver` come in addition. K components, N points, d features.

    Parameters
    ----------
    n_components : int, default 1
        K, 1 or more.
    covariance_type : {"full", "tied", "diag", "spherical"}, default "full"
        A matrix for each component, one for all, variances along the axes, or one variance for
        each component.
    tol : float, default 1e-3
        EM has converged when a step changes the mean log-likelihood by less. For "lbfgs": a
        thousandth of it is the largest entry of the whitened gradient at an optimum.
    reg_covar : float, default 1e-6
        Added to the variances of every M-step. For "lbfgs": a penalty on the mean log-likelihood
        with the same stationary covariances, ``reg_covar / 2 * sum_k w_k tr(precision_k)``.
    max_iter : int, default 100
        Most iterations of a start; those of "lbfgs" count the EM steps that they begin with.
    n_init : int, default 1
        Starts, of which the one that ends with the largest lower bound is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default "kmeans"
        Where starts come from. Of many points, "kmeans" clusters a sample of 5,000 to 20,000,
        drawn in proportion to their weights; the others draw what scikit-learn draws.
    weights_init : array-like of shape (K,), optional
    means_init : array-like of shape (K, d), optional
    precisions_init : array-like, optional
        Parts of the start that are given, the last in the shape of `precisions_`.
    random_state : int, numpy.random.RandomState or None, default None
        Draws starts, and points of `sample`.
    warm_start : bool, default False
        Whether `fit` goes on from where the last one ended.
    verbose : int, default 0
        1 prints starts and iterations, 2 also times and changes.
    verbose_interval : int, default 10
        Iterations from one line to the next.
    solver : {"em", "lbfgs"}, default "em"
        Expectation-maximisation as in scikit-learn; or that until a step gains less than 1e-3 (or
        `tol`, where it is larger), then L-BFGS to an optimum.
    missing : {"marginal", "error"}, default "marginal"
        What NaN means: a value not seen, so that its row counts with the exact marginal density
        of the rest; or an error, as in scikit-learn.

    Attributes
    ----------
    weights_ : ndarray of shape (K,)
    means_ : ndarray of shape (K, d)
    covariances_, precisions_, precisions_cholesky_ : ndarray
        Covariances, their inverses P and upper triangular U with P = U U^T: (K, d, d) for "full",
        (d, d) for "tied", (K, d) for "diag" and (K,) for "spherical". All attributes have the
        type of the data, float64 or float32.
    converged_ : bool
    n_iter_ : int
        Iterations of the start that was kept.
    lower_bounds_ : list of float
        Mean log-likelihood before each M-step; of iterations of L-BFGS less the penalty, and after
        each.
    lower_bound_ : float
        The last of them.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,)
        Where the columns of X have names.

    Raises
    ------
    InputError
        From `fit`, for an argument or values that cannot be used; `DegenerateError` where a
        covariance collapses.

    References
    ----------
    Dempster, Laird & Rubin (1977), J. R. Stat. Soc. B 39, 1; Pedregosa et al. (2011), J. Mach.
    Learn. Res. 12, 2825 (scikit-learn).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 2.0], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> gm = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> gm.means_[gm.means_[:, 0].argsort()]
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> labels = gm.predict([[0, 0], [12, 3], [12, np.nan]])
    >>> bool(labels[0] != labels[1] == labels[2])
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMixture._parameter_constraints,
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "solver": [StrOptions({"em", "lbfgs"})],
    }

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
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        solver: Literal["em", "lbfgs"] = "em",
        missing: Literal["marginal", "error"] = "marginal",
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.solver = solver
        self.missing = missing

    def _check_parameters(self, n_features: int) -> None:
        K = self.n_components
        if self.weights_init is not None:
            check_weights(self.weights_init, K)
        if self.means_init is not None:
            check_means(self.means_init, K, n_features)
        if self.precisions_init is not None:
            shape = covariance_types.shape_of(self.covariance_type, K, n_features)
            check_precisions(self.precisions_init, self.covariance_type, shape)

    def _needs_clusters(self) -> bool:
        return self.weights_init is None or self.means_init is None or self.precisions_init is None

    def _initialize(
        self, data: TrainingData, clusters: ClusterMoments | None
    ) -> _core.PreparedMixture:
        weights, means = self.weights_init, self.means_init
        kind, shape = self.covariance_type, (self.n_components, data.shape[1])
        covariances = None
        if clusters is not None:
            weights = clusters.counts / clusters.total if weights is None else weights
            means = clusters.means if means is None else means
            if self.precisions_init is None:
                one_place = kind == "tied" and self.init_params in OF_ONE_POINT
                if one_place and self.solver == "lbfgs":
                    clusters = widened(clusters, data)
                covariances = covariance_types.maximise(
                    clusters.counts, clusters.means, clusters.covariances, kind, self.reg_covar
                )
        weights, means = np.asarray(weights, float), np.asarray(means, float)
        if covariances is not None:
            return _core.PreparedMixture(weights, means, covariances)
        upper = covariance_types.precision_factors_of_precisions(
            np.asarray(self.precisions_init, float), kind
        )
        factors = covariance_types.expand_precision_factors(upper, kind, *shape)
        return _core.PreparedMixture.from_factors(_log(weights), means, factors)

    def _model(self) -> _core.Model:
        return _core.Model(self.covariance_type, ridge=self.reg_covar)

    def _iterate(
        self,
        data: TrainingData,
        state: _core.PreparedMixture,
        lower_bound: float,
        progress: Progress,
    ) -> Run:
        if self.solver == "lbfgs":
            return climb(
                data,
                state,
                self._model(),
                tol=self.tol,
                max_iter=self.max_iter,
                progress=progress,
                from_start=not np.isfinite(lower_bound),
            )
        if self.verbose:
            return super()._iterate(data, state, lower_bound, progress)
        try:
            mixture, _, _, path = _core.em_run(
                state,
                *data.seen,
                steps=self.max_iter,
                tolerance=self.tol,
                model=self._model(),
                previous=lower_bound * data.total,
                path=True,
            )
        except DegenerateError:
            # Step by step, for what rounding may make of a variance of 0.
            return super()._iterate(data, state, lower_bound, progress)
        before = path[-2] / data.total if len(path) > 1 else lower_bound
        bounds = [loglik / data.total for loglik in path]
        return Run(mixture, bounds, abs(bounds[-1] - before) < self.tol)

    def _step(
        self, data: TrainingData, state: _core.PreparedMixture
    ) -> tuple[float, _core.PreparedMixture]:
        try:
            loglik, following = _core.em_step(state, *data.seen, model=self._model())
        except DegenerateError:
            loglik, following = self._step_with_rounding(data, state)
        return loglik / data.total, following

    def _step_with_rounding(
        self, data: TrainingData, state: _core.PreparedMixture
    ) -> tuple[float, _core.PreparedMixture]:
        """The same step where scikit-learn's rounding keeps a component alive."""
        moments = _core.data_pass(state, *data.seen)
        counts = moments.s0
        held = np.where(counts > 0.0, counts, 1.0)[:, np.newaxis]
        shifts = moments.s1 / held
        covariances = moments.s2 / held[:, :, np.newaxis]
        covariances -= shifts[:, :, np.newaxis] * shifts[:, np.newaxis, :]
        means = state.means + shifts
        covariances = covariance_types.maximise(
            counts, means, covariances, self.covariance_type, self.reg_covar
        )
        following = _core.PreparedMixture(counts / counts.sum(), means, covariances)
        return moments.loglik, following

    def _set_parameters(self, state: _core.PreparedMixture, dtype: Any) -> None:
        kind = self.covariance_type
        self.weights_ = state.weights.astype(dtype, copy=False)
        self.means_ = state.means.astype(dtype, copy=False)
        matrices = covariance_types.from_matrices(state.covariances, kind)
        self.covariances_ = matrices.astype(dtype, copy=False)
        upper = covariance_types.precision_factors(state.factors, kind)
        self.precisions_cholesky_ = upper.astype(dtype, copy=False)
        self.precisions_ = covariance_types.precisions(self.precisions_cholesky_, kind)

    def _get_parameters(self) -> _core.PreparedMixture:
        return self._prepared()

    def _log_weights(self) -> Floats:
        return _log(self.weights_)

    def _n_parameters(self) -> int:
        n_components, n_features = self.means_.shape
        return number_of_parameters(n_components, n_features, self.covariance_type)

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion on `X`; the lower the better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        float
            -2 log L + p log n, with p free parameters and n points.
        """
        scores = self.score_samples(X)
        n = len(scores)
        return float(bic(scores.mean() * n, self._n_parameters(), n))

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion on `X`; the lower the better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        float
            -2 log L + 2 p, with p free parameters.
        """
        scores = self.score_samples(X)
        return float(aic(scores.mean() * len(scores), self._n_parameters()))


def _log(weights: ArrayLike) -> Floats:
    with np.errstate(divide="ignore"):  # a component without weight
        return np.log(np.asarray(weights, float))

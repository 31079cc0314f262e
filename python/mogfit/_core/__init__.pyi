# What the compiled core offers, as cpp/*bindings.cpp define it. K components, d variables, N
# points, C = d (d - 1) / 2 pairs. `threads=0` is the package's default; results have the same bits
# for any number of threads and for any memory layout of X. The GIL is released during the work.
#
# Errors, all of mogfit.errors: InputError for a wrong shape or a value out of range,
# DegenerateError for a covariance that is singular. TypeError for an X of another kind.

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Parameters are small: converted and copied freely. Results are C-contiguous.
_Array: TypeAlias = ArrayLike
_Output: TypeAlias = NDArray[np.float64]
# Data are read where they lie: 2-D, native float64 or float32, aligned, with any strides.
_Points: TypeAlias = NDArray[np.float64] | NDArray[np.float32] | NDArray[Any]

LEVELS: tuple[str, ...]  # every variant there can be, best first
MAX_THREADS: int  # the largest number that set_num_threads takes
variant: str  # the one in use
build_info: dict[str, object]  # compiler, eigen, openmp, lane_doubles

def available_variants() -> tuple[str, ...]: ...

class PreparedMixture:
    """Weights, means and factorised covariances, ready for evaluation; immutable."""

    def __init__(
        self,
        weights: _Array,  # (K,)
        means: _Array,  # (K, d)
        covariances: _Array,  # (K, d, d), symmetric; equilibrated before they are factorised
        domain: _Array | None = None,  # (2, d): lower and upper bounds, infinite where free
    ) -> None: ...
    @staticmethod
    def from_factors(
        log_weights: _Array,  # (K,)
        means: _Array,  # (K, d)
        factors: _Array,  # (K, d, d): L_k, lower, Sigma_k = L_k L_k^T
        domain: _Array | None = None,
    ) -> PreparedMixture: ...
    # Truncated to a box, every component normalised there; None leaves the mixture as it is.
    def with_domain(self, domain: _Array | None) -> PreparedMixture: ...
    def with_log_weights(self, log_weights: _Array) -> PreparedMixture: ...
    @property
    def domain(self) -> _Output | None: ...  # (2, d)
    @property
    def log_masses(self) -> _Output: ...  # (K,): log Z_k, the mass inside the domain
    @property
    def mass_errors(self) -> _Output: ...  # (K,): estimated relative errors of the Z_k
    @property
    def ngauss(self) -> int: ...
    @property
    def nvars(self) -> int: ...
    @property
    def weights(self) -> _Output: ...  # (K,)
    @property
    def log_weights(self) -> _Output: ...  # (K,); -inf where the weight is 0
    @property
    def means(self) -> _Output: ...  # (K, d)
    @property
    def covariances(self) -> _Output: ...  # (K, d, d)
    @property
    def factors(self) -> _Output: ...  # (K, d, d), lower

class Observations:
    """What was seen of N points, and their weights: stands where X and its weights do.

    y_i = R_i x_i + e_i with e_i ~ N(0, S_i): M values of the V variables. A value is missing where
    it is NaN or its error is infinite, when `missing` says to look. Arrays are kept, not copied,
    where they are contiguous float64.
    """

    def __init__(
        self,
        X: _Points,  # (N, M)
        sample_weight: _Array | None = None,  # (N,)
        missing: bool = False,
        deviations: _Array | None = None,  # (N, M): S_i diagonal
        covariances: _Array | None = None,  # (N, M, M): S_i, symmetric, positive semi-definite
        shared: _Array | None = None,  # (M, M): the same for all; one of the three at most
        projection: _Array | None = None,  # (N, M, V): R_i; the identity when left out
    ) -> None: ...
    @property
    def size(self) -> int: ...  # N
    @property
    def nvars(self) -> int: ...  # V
    @property
    def total_weight(self) -> float: ...
    # The columns seen, and of how many rows; empty when every value was.
    @property
    def patterns(self) -> list[tuple[tuple[int, ...], int]]: ...

# What functions of the data take: points, with weights beside them, or observations.
_Data: TypeAlias = _Points | Observations

class Moments:
    """What one pass over the data gives, centred at the components' means."""

    @property
    def loglik(self) -> float: ...  # sum_i s_i log p(x_i)
    @property
    def s0(self) -> _Output: ...  # (K,): sum_i s_i r_ik
    @property
    def s1(self) -> _Output: ...  # (K, d): sum_i s_i r_ik y_ik
    @property
    def s2(self) -> _Output: ...  # (K, d, d): sum_i s_i r_ik y_ik y_ik^T

class Prior:
    """The conjugate prior: Dirichlet on the weights, normal-inverse-Wishart on the components."""

    def __init__(
        self,
        concentration: _Array,  # (K,): a_k, 1 or more
        mean: _Array,  # (d,): m
        mean_strength: float,  # kappa
        dof: float,  # nu
        scale: _Array,  # (d, d): Psi
    ) -> None: ...

class Model:
    """What is estimated, and what counts beside the log-likelihood.

    The family of the covariances ("full", "diag", "spherical", "tied", "tied_diag" or
    "tied_spherical"), parameters that are held, a prior, and a ridge: what every M-step adds to
    the variances.
    """

    def __init__(
        self,
        structure: str = "full",
        *,
        fixed_weights: NDArray[np.bool_] | None = None,  # each (K,)
        fixed_means: NDArray[np.bool_] | None = None,
        fixed_covariances: NDArray[np.bool_] | None = None,
        prior: Prior | None = None,
        ridge: float = 0.0,
    ) -> None: ...
    @property
    def structure(self) -> str: ...
    # For a sample that is this part of the data: the prior counts in proportion.
    def for_fraction(self, fraction: float) -> Model: ...
    # Up to a constant that depends on the prior alone.
    def log_prior(self, mixture: PreparedMixture) -> float: ...
    # (ridge / 2) total sum_k w_k tr(Sigma_k^-1), what the ridge takes from a descent's objective
    def ridge_value(self, mixture: PreparedMixture, total: float) -> float: ...

# The member of the family nearest in likelihood: diagonals, mean variances, weighted means.
def constrained(mixture: PreparedMixture, structure: str) -> PreparedMixture: ...

class WhitenedCoordinates:
    """The coordinates fits run in, all zero at the anchor.

    Every weight of it is positive, and its covariances are in the model's family.
    """

    def __init__(self, anchor: PreparedMixture, model: Model | None = None) -> None: ...
    @property
    def size(self) -> int: ...  # of a full model K - 1 + K d + K d (d + 1) / 2
    @property
    def anchor(self) -> PreparedMixture: ...
    def mixture(self, theta: _Array) -> PreparedMixture: ...
    # -(loglik + prior - penalty - ridge) / sum(s), its gradient (size,), and loglik itself. The
    # model is that of the coordinates.
    def objective(
        self,
        theta: _Array,
        X: _Data,
        sample_weight: _Array | None,
        penalty: float,
        reference: _Array | None,
        threads: int = 0,
        model: Model | None = None,
    ) -> tuple[float, _Output, float]: ...

class Descent:
    """Where a descent ended, and why."""

    @property
    def mixture(self) -> PreparedMixture: ...
    @property
    def objective(self) -> float: ...  # -(loglik + prior - penalty - ridge) / sum(s)
    @property
    def loglik(self) -> float: ...  # of the data alone
    @property
    def gradient_norm(self) -> float: ...  # largest entry of the whitened gradient
    @property
    def em_gain(self) -> float: ...  # nats that one EM step would gain in total
    @property
    def iterations(self) -> int: ...
    @property
    def passes(self) -> float: ...  # over the last sample; smaller ones count in proportion
    # "converged", "iteration limit", "rounding", "small decrease" or "stopped"
    @property
    def ending(self) -> str: ...

class BumpFit:
    """Bumps h_k exp(-|L_k^-1 (x - mu_k)|^2 / 2) fitted to a function, and how that went."""

    @property
    def means(self) -> _Output: ...  # (K, d)
    @property
    def factors(self) -> _Output: ...  # (K, d, d), lower
    @property
    def log_heights(self) -> _Output: ...  # (K,): log h_k; -inf where a bump counts nothing
    # (K,): the largest value of each bump on the mesh, which the gram belongs to.
    @property
    def heights(self) -> _Output: ...
    @property
    def loss(self) -> float: ...  # sum_i roots_i^2 (F_i - f(x_i))^2
    # Derivatives of the loss along a (mu + L a) and T (L T, lower, diagonal exp(t_ii), row by row):
    # (K, d + d (d + 1) / 2).
    @property
    def slopes(self) -> _Output: ...
    @property
    def gram(self) -> _Output: ...  # (K, K): sum_i roots_i^2 b_k b_l, bumps of largest value 1
    # Largest cosine between the residuals and a column of the Jacobian that is free.
    @property
    def gradient_norm(self) -> float: ...
    @property
    def iterations(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    # "converged", "rounding", "iteration limit" or "stopped"
    @property
    def ending(self) -> str: ...

class FunctionMesh:
    """Points, values and roots of the weights of a mesh; values should be scaled to norm 1."""

    def __init__(self, X: _Points, F: _Array, roots: _Array | None = None) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def nvars(self) -> int: ...
    # Levenberg-Marquardt; heights are the best ones >= 0 throughout. narrowest, widest: (d,), the
    # limits of the diagonals of the factors. observer(iteration, loss, means, factors, log_heights)
    # after every iteration; False stops. max_iterations=0 evaluates.
    def fit(
        self,
        means: _Array,
        factors: _Array,
        narrowest: _Array,
        widest: _Array,
        fixed_means: bool = False,
        max_iterations: int = 200,
        tolerance: float = 1e-8,
        observer: Callable[[int, float, _Output, _Output, _Output], object] | None = None,
        threads: int = 0,
    ) -> BumpFit: ...
    # (N,): the sum of the bumps at the points.
    def values(
        self, means: _Array, factors: _Array, log_heights: _Array, threads: int = 0
    ) -> _Output: ...

# (N,): NaN where a coordinate is NaN, -inf (pdf: 0) where one is infinite.
def logpdf(mixture: PreparedMixture, X: _Data, threads: int = 0) -> _Output: ...
def pdf(mixture: PreparedMixture, X: _Data, threads: int = 0) -> _Output: ...

# (N, K): log N_k(x), without the weight.
def component_logpdf(mixture: PreparedMixture, X: _Data, threads: int = 0) -> _Output: ...

# (N, K), rows sum to 1; NaN where a coordinate is not finite.
def responsibilities(mixture: PreparedMixture, X: _Data, threads: int = 0) -> _Output: ...

# sample_weight: (N,), 0 or more; a point of weight 0 counts as absent. diagonal: of s2 only the
# diagonals are wanted, the other entries are 0.
def data_pass(
    mixture: PreparedMixture,
    X: _Data,
    sample_weight: _Array | None = None,
    threads: int = 0,
    diagonal: bool = False,
) -> Moments: ...
def log_likelihood(
    mixture: PreparedMixture, X: _Data, sample_weight: _Array | None = None, threads: int = 0
) -> float: ...

# Of loglik - penalty: d/d log w (K,), d/d mu (K, d), d/d L (K, d, d) lower. `reference` is the
# (d, d) overall covariance S of the penalty and `total` the sum of the sample weights.
def gradient_factors(
    mixture: PreparedMixture,
    moments: Moments,
    penalty: float = 0.0,
    reference: _Array | None = None,
    total: float = 0.0,
) -> tuple[_Output, _Output, _Output]: ...

# The same in (weights (K,), mus (K, d), sigmas (K, d), rhos (K, C)).
def gradient_stdcorr(
    mixture: PreparedMixture,
    moments: Moments,
    penalty: float = 0.0,
    reference: _Array | None = None,
    total: float = 0.0,
) -> tuple[_Output, _Output, _Output, _Output]: ...

# penalty * total * sum_k [tr(S Sigma_k^-1) + log det Sigma_k]
def penalty_value(
    mixture: PreparedMixture, penalty: float, reference: _Array, total: float
) -> float: ...

# The log-likelihood at `mixture`, and the mixture after one step. With a domain a full step can
# lower the likelihood; a monotone one never does.
def em_step(
    mixture: PreparedMixture,
    X: _Data,
    sample_weight: _Array | None = None,
    penalty: float = 0.0,
    reference: _Array | None = None,
    threads: int = 0,
    monotone: bool = False,
    model: Model | None = None,
) -> tuple[float, PreparedMixture]: ...

# The mixture after at most `steps` steps, the log-likelihood with prior and penalty before the last
# of them, how many were taken, and with `path` that log-likelihood before each of them. Ends early
# when a step changes it by less than tolerance * sum(s); the first one as seen from `previous`.
@overload
def em_run(
    mixture: PreparedMixture,
    X: _Data,
    sample_weight: _Array | None = None,
    penalty: float = 0.0,
    reference: _Array | None = None,
    steps: int = 1,
    tolerance: float = -1.0,
    threads: int = 0,
    model: Model | None = None,
    previous: float = ...,
    path: Literal[False] = False,
) -> tuple[PreparedMixture, float, int]: ...
@overload
def em_run(
    mixture: PreparedMixture,
    X: _Data,
    sample_weight: _Array | None = None,
    penalty: float = 0.0,
    reference: _Array | None = None,
    steps: int = 1,
    tolerance: float = -1.0,
    threads: int = 0,
    model: Model | None = None,
    previous: float = ...,
    *,
    path: Literal[True],
) -> tuple[PreparedMixture, float, int, list[float]]: ...

# samples: (X, sample_weight, gradient_tolerance) each, growing, the data themselves last.
# observer(iteration, objective, gradient_norm, mixture) after every iteration; False stops.
def descend(
    mixture: PreparedMixture,
    samples: Sequence[tuple[_Data, _Array | None, float]],
    penalty: float,
    reference: _Array | None,
    decrease_tolerance: float = 0.0,
    max_iterations: int = 1000,
    memory: int = 20,
    reanchor: int = 200,
    observer: Callable[[int, float, float, PreparedMixture], bool | None] | None = None,
    threads: int = 0,
    model: Model | None = None,
) -> Descent: ...

# Greedy k-means++ on (X - location) / scale and a few of Lloyd's iterations; each cluster's
# covariance is shrunk towards `covariance` (d, d) as if by `shrinkage` points.
def kmeans_start(
    X: _Points,
    sample_weight: _Array | None,
    ngauss: int,
    location: _Array,  # (d,)
    scale: _Array,  # (d,)
    covariance: _Array,
    shrinkage: float,
    lloyd_iterations: int,
    seed: int,
    stream: int,
) -> PreparedMixture: ...

# Greedy k-means++ on (X - location) / scale, then Lloyd's iterations until no label changes or the
# squared shift of all centres is at most `tolerance` times the mean variance of the columns.
# Returns the labels (N,) and the centres (K, d), in the units of X. A cluster stays empty only
# where there are fewer distinct points than clusters. The same bits for any number of threads.
def kmeans_labels(
    X: _Points,
    sample_weight: _Array | None,
    ngauss: int,
    location: _Array,  # (d,)
    scale: _Array,  # (d,)
    seed: int,
    stream: int = 0,
    max_iterations: int = 300,
    tolerance: float = 1e-4,
    threads: int = 0,
) -> tuple[NDArray[np.int32], _Output]: ...

# Of the points of each label 0, ..., K - 1: the weight (K,), the mean (K, d) and the scatter about
# it, sum_i s_i (x_i - m_k) (x_i - m_k)^T (K, d, d), or its diagonal. Zeros for a label without
# weight.
def label_moments(
    X: _Points,
    labels: NDArray[np.integer[Any]],  # (N,)
    sample_weight: _Array | None,
    ngauss: int,
    diagonal: bool = False,
    threads: int = 0,
) -> tuple[_Output, _Output, _Output]: ...

# log Z = log P(lower <= x <= upper) for N(mean, covariance), an estimate of the relative error of
# Z, E[x - mean | box] (d,) and E[(x - mean) (x - mean)^T | box] - covariance (d, d). Bounds may be
# infinite. rtol: what lattice rules, from five bounded variables on, aim at.
def box_probability(
    mean: _Array, covariance: _Array, lower: _Array, upper: _Array, rtol: float = 1e-4
) -> tuple[float, float, _Output, _Output]: ...

# (N,): log P(lower <= x <= upper) for N(means[i], covariance), means of shape (N, d).
def log_masses_of_means(
    means: _Array, covariance: _Array, lower: _Array, upper: _Array, threads: int = 0
) -> _Output: ...

# E[x | seen] (N, U) and Cov[x | seen] (N, U, U), or None, of U of the variables, in increasing
# order, or of all; values seen without noise are given back as they are. NaN where the density of
# what was seen is not positive.
@overload
def posterior(
    mixture: PreparedMixture,
    X: _Data,
    covariance: Literal[True] = True,
    variables: Sequence[int] | None = None,
    threads: int = 0,
) -> tuple[_Output, _Output]: ...
@overload
def posterior(
    mixture: PreparedMixture,
    X: _Data,
    covariance: Literal[False],
    variables: Sequence[int] | None = None,
    threads: int = 0,
) -> tuple[_Output, None]: ...

# (N, V): one draw from p(x | seen) for every row, each with a random stream of its own.
def posterior_draws(mixture: PreparedMixture, X: _Data, seed: int, threads: int = 0) -> _Output: ...

# Points (n, d) and their components (n,); the first m of n draws are those of a call for m.
def sample(
    mixture: PreparedMixture, n: int, seed: int, threads: int = 0
) -> tuple[_Output, NDArray[np.int64]]: ...

# How many NaN, how many infinite, and row and column of the first of either (-1, -1 for none).
def count_nonfinite(X: _Points, threads: int = 0) -> tuple[int, int, int, int]: ...
def get_num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...  # 0: back to what OpenMP allows

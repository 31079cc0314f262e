"""Two NumPy implementations of everything a mixture fit needs from the data.

*plain* is what a careful user of NumPy writes first: vectorised over the points, with a loop over
the components. It keeps K x N and N x d temporaries. Its residuals are taken from each component's
own mean, so it is also the more accurate of the two, and an oracle in the tests.

*blocked* is what NumPy does best: chunks that stay in cache, the rows of all whitening matrices
stacked in matrix products (a column of ones carries the means), every ufunc in place, and the
moments of all components as one matrix product. It measures the points from the mixture's overall
mean; with residual y and standard deviation s of a component, its log density carries a relative
rounding error of about 1e-16 |y| / s, and its covariances one of about 1e-16 (|y| / s)^2.

Both take finite C-contiguous float64 points of shape (N, d) and use log-sum-exp throughout. How
they were tuned (NumPy 2.4, OpenBLAS, AVX-512, one thread): forming row j of all whitening matrices
in one product, with only the j + 1 coordinates it needs, is as fast as one product of all the rows
at d = 3 and 6, and 1.3 to 1.5 times faster at d = 16 and 64, where it halves the work; a matrix
of products y_i y_j (i <= j) is faster than scaled copies of the residuals up to d of about 24.
A quadratic form expanded in monomials, x^T P x - 2 b^T x + c as one product, would be up to 1.6
times faster at d = 3 but has rounding errors that grow as the squared condition number, so it
does not compute the same thing.

The formulas are those of Dempster, Laird & Rubin (1977) for EM and of the exponential family for
the gradient (the score of the complete data, averaged over the responsibilities).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

# Up to this number of variables the moments come from the products y_i y_j, beyond it from the
# residuals scaled by the responsibilities.
PRODUCTS_UP_TO = 24


@dataclass(frozen=True)
class Mixture:
    """A mixture of K Gaussians in d variables, by log-weights, means and Cholesky factors.

    Attributes
    ----------
    log_weights : ndarray of shape (K,)
        Logarithms of the weights; the weights sum to 1.
    means : ndarray of shape (K, d)
        Means.
    factors : ndarray of shape (K, d, d)
        Lower Cholesky factors L_k of the covariances, Sigma_k = L_k L_k^T.
    """

    log_weights: Array
    means: Array
    factors: Array

    @classmethod
    def from_covariances(cls, weights: Array, means: Array, covariances: Array) -> Mixture:
        """Make a mixture from weights (K,), means (K, d) and covariances (K, d, d)."""
        factors = np.linalg.cholesky(np.asarray(covariances, dtype=np.float64))
        return cls(np.log(weights), np.array(means, dtype=np.float64), factors)

    @property
    def ngauss(self) -> int:
        """Number of components, K."""
        return len(self.means)

    @property
    def nvars(self) -> int:
        """Number of variables, d."""
        return int(self.means.shape[1])

    @cached_property
    def weights(self) -> Array:
        """Weights, shape (K,)."""
        return np.exp(self.log_weights)

    @cached_property
    def covariances(self) -> Array:
        """Covariances, shape (K, d, d)."""
        covariances: Array = self.factors @ self.factors.transpose(0, 2, 1)
        return covariances

    def whiteners(self) -> Array:
        """Inverses of the factors, shape (K, d, d), by forward substitution."""
        inverse = np.zeros_like(self.factors)
        for i in range(self.nvars):
            inverse[:, i, i] = 1.0
            above = self.factors[:, i : i + 1, :i] @ inverse[:, :i, :i]
            inverse[:, i, :i] = -above[:, 0, :]
            inverse[:, i, : i + 1] /= self.factors[:, i, i, None]
        return inverse

    def log_constants(self) -> Array:
        """log w_k - log det L_k - (d/2) log(2 pi), shape (K,)."""
        diagonals = np.diagonal(self.factors, axis1=1, axis2=2)
        log_determinants = np.log(diagonals).sum(axis=1)
        constants: Array = self.log_weights - log_determinants
        constants -= 0.5 * self.nvars * np.log(2.0 * np.pi)
        return constants


@dataclass(frozen=True)
class Moments:
    """Log-likelihood of a data set and its moments per component.

    With sample weights s_i, responsibilities r_ik and residuals y_ik = x_i - mu_k:
    ``loglik`` = sum_i s_i log p(x_i), ``s0`` (K,) = sum_i s_i r_ik, ``s1`` (K, d) =
    sum_i s_i r_ik y_ik and ``s2`` (K, d, d) = sum_i s_i r_ik y_ik y_ik^T.
    """

    loglik: float
    s0: Array
    s1: Array
    s2: Array


# ---- plain -------------------------------------------------------------------------------------


def _plain_log_terms(mixture: Mixture, points: Array) -> Array:
    """Return log w_k N_k(x_i), shape (K, N): contiguous in the points, as everything below."""
    terms = np.empty((mixture.ngauss, len(points)))
    whiteners, constants = mixture.whiteners(), mixture.log_constants()
    for k in range(mixture.ngauss):
        whitened = whiteners[k] @ (points - mixture.means[k]).T
        terms[k] = constants[k] - 0.5 * (whitened * whitened).sum(axis=0)
    return terms


def _logsumexp(terms: Array) -> Array:
    """Logarithm of the sum of exp(terms) over the components."""
    largest: Array = terms.max(axis=0)
    total: Array = np.exp(terms - largest).sum(axis=0)
    return largest + np.log(total)


def plain_logpdf(mixture: Mixture, points: Array) -> Array:
    """Log density at each point, shape (N,)."""
    return _logsumexp(_plain_log_terms(mixture, points))


def plain_responsibilities(mixture: Mixture, points: Array) -> Array:
    """Probability that point i was drawn from component k, shape (N, K)."""
    terms = _plain_log_terms(mixture, points)
    shares: Array = np.exp(terms - _logsumexp(terms)).T
    return shares


def plain_moments(mixture: Mixture, points: Array, sample_weight: Array | None = None) -> Moments:
    """Log-likelihood and moments per component (see `Moments`)."""
    terms = _plain_log_terms(mixture, points)
    logpdf = _logsumexp(terms)
    shares = np.exp(terms - logpdf)
    if sample_weight is not None:
        shares *= sample_weight
        logpdf *= sample_weight
    s1 = np.empty_like(mixture.means)
    s2 = np.empty_like(mixture.factors)
    for k in range(mixture.ngauss):
        residuals = points - mixture.means[k]
        s1[k] = shares[k] @ residuals
        s2[k] = (shares[k, :, None] * residuals).T @ residuals
    return Moments(float(logpdf.sum()), shares.sum(axis=1), s1, s2)


def plain_sample(mixture: Mixture, n: int, rng: np.random.Generator) -> tuple[Array, Labels]:
    """Draw n points, shape (n, d), and their components, shape (n,), in random order."""
    labels = rng.choice(mixture.ngauss, size=n, p=mixture.weights / mixture.weights.sum())
    points = rng.standard_normal((n, mixture.nvars))
    for k in range(mixture.ngauss):
        rows = np.flatnonzero(labels == k)
        points[rows] = mixture.means[k] + points[rows] @ mixture.factors[k].T
    return points, labels


# ---- blocked -----------------------------------------------------------------------------------


def chunk_points(mixture: Mixture) -> int:
    """Points per chunk: 2,048, more for tiny mixtures and fewer for large ones (measured)."""
    size = mixture.ngauss * (mixture.nvars + 1)
    if size <= 20:
        return 8192
    return 2048 if size <= 400 else 1024


class _Chunk:
    """Buffers for n points at a time, and the mixture in the form the products need.

    Row 0 of ``coordinates`` is 1, rows 1 to d are the coordinates from the overall mean, one point
    a column. ``rows[j]`` is row j of sqrt(1/2) W_k for all k, behind the offset that takes the
    component's mean away, so rows[j] @ coordinates[: j + 2] is whitened coordinate j.
    """

    def __init__(self, mixture: Mixture, n: int) -> None:
        self.centre = (mixture.weights @ mixture.means)[:, None]
        whiteners = np.sqrt(0.5) * mixture.whiteners()
        offsets = -whiteners @ (mixture.means - self.centre[:, 0])[:, :, None]
        augmented = np.concatenate([offsets, whiteners], axis=2)
        self.rows = [augmented[:, j, : j + 2].copy() for j in range(mixture.nvars)]
        self.constants = mixture.log_constants()[:, None]
        self.coordinates = np.ones((mixture.nvars + 1, n))
        self.terms = np.empty((mixture.ngauss, n))
        self.whitened = np.empty((mixture.ngauss, n))
        self.largest = np.empty(n)
        self.total = np.empty(n)
        self._scratch = np.empty((0, n))

    def scratch(self, rows: int) -> Array:
        """Room for ``rows`` numbers per point, allocated once."""
        if len(self._scratch) != rows:
            self._scratch = np.empty((rows, self.total.size))
        return self._scratch

    def exponentiate(self, points: Array) -> None:
        """Fill ``terms`` with w_k N_k(x) over its largest value, and ``total`` with their sum."""
        coordinates, terms, whitened = self.coordinates, self.terms, self.whitened
        np.subtract(points.T, self.centre, out=coordinates[1:])
        np.matmul(self.rows[0], coordinates[:2], out=terms)
        np.multiply(terms, terms, out=terms)
        for j in range(1, len(self.rows)):
            np.matmul(self.rows[j], coordinates[: j + 2], out=whitened)
            np.multiply(whitened, whitened, out=whitened)
            np.add(terms, whitened, out=terms)
        np.subtract(self.constants, terms, out=terms)
        terms.max(axis=0, out=self.largest)
        np.subtract(terms, self.largest, out=terms)
        np.exp(terms, out=terms)
        terms.sum(axis=0, out=self.total)

    def logpdf(self, out: Array) -> None:
        """Write the log density of the points of the last `exponentiate`."""
        np.log(self.total, out=out)
        np.add(out, self.largest, out=out)


def _chunks(mixture: Mixture, n_points: int, chunk: int | None) -> Iterator[tuple[slice, _Chunk]]:
    """Yield each slice of the points with buffers of its length."""
    size = chunk or chunk_points(mixture)
    buffers = _Chunk(mixture, min(size, max(n_points, 1)))
    for start in range(0, n_points, size):
        length = min(size, n_points - start)
        if length < buffers.total.size:
            buffers = _Chunk(mixture, length)
        yield slice(start, start + length), buffers


def blocked_logpdf(mixture: Mixture, points: Array, chunk: int | None = None) -> Array:
    """Log density at each point, shape (N,); ``chunk`` overrides the points per chunk."""
    result = np.empty(len(points))
    for rows, buffers in _chunks(mixture, len(points), chunk):
        buffers.exponentiate(points[rows])
        buffers.logpdf(result[rows])
    return result


def blocked_moments(
    mixture: Mixture, points: Array, sample_weight: Array | None = None, chunk: int | None = None
) -> Moments:
    """Log-likelihood and moments per component (see `Moments`)."""
    gather = _by_products if mixture.nvars <= PRODUCTS_UP_TO else _by_scaling
    raw = np.zeros((mixture.ngauss, mixture.nvars + 1, mixture.nvars + 1))
    loglik = 0.0
    for rows, buffers in _chunks(mixture, len(points), chunk):
        buffers.exponentiate(points[rows])
        weights = 1.0 if sample_weight is None else sample_weight[rows]
        shares = weights / buffers.total
        raw += gather(buffers, shares)
        buffers.logpdf(buffers.total)
        loglik += float(np.sum(buffers.total * weights))
    centre = mixture.weights @ mixture.means
    return _recentred(loglik, raw, mixture.means - centre)


def _by_products(buffers: _Chunk, shares: Array) -> Array:
    """Sums of r_ik (1, y_i) (1, y_i)^T, shape (K, d + 1, d + 1), by one product with all y_a y_b.

    ``shares`` holds the sample weights over the sums that make the terms responsibilities.
    """
    coordinates = buffers.coordinates
    size = len(coordinates)
    upper = np.triu_indices(size)
    products = buffers.scratch(len(upper[0]))
    scaled = products[:size]
    np.multiply(coordinates, shares, out=scaled)
    start = size
    for a in range(1, size):
        np.multiply(coordinates[a], scaled[a:], out=products[start : start + size - a])
        start += size - a
    sums = buffers.terms @ products.T
    result = np.empty((len(sums), size, size))
    result[:, upper[0], upper[1]] = sums
    result[:, upper[1], upper[0]] = sums
    return result


def _by_scaling(buffers: _Chunk, shares: Array) -> Array:
    """Return the sums of `_by_products`, by one product with r_ik (1, y_i) for all k."""
    coordinates, terms = buffers.coordinates, buffers.terms
    size, n = coordinates.shape
    scaled = buffers.scratch(len(terms) * size)
    np.multiply(terms[:, None, :], coordinates, out=scaled.reshape(len(terms), size, n))
    sums = scaled @ (coordinates * shares).T
    result: Array = sums.reshape(len(terms), size, size)
    return result


def _recentred(loglik: float, raw: Array, shifts: Array) -> Moments:
    """Moments about the component means from sums about a point that lies ``shifts`` before them.

    Adding and subtracting S0 shift shift^T in the order below keeps S2 symmetric.
    """
    s0, about, second = raw[:, 0, 0], raw[:, 0, 1:], raw[:, 1:, 1:]
    s1 = about - s0[:, None] * shifts
    cross = about[:, :, None] * shifts[:, None, :]
    square = s0[:, None, None] * shifts[:, :, None] * shifts[:, None, :]
    s2 = second - (cross + cross.transpose(0, 2, 1)) + square
    return Moments(loglik, s0.copy(), s1, s2)


def blocked_sample(
    mixture: Mixture, n: int, rng: np.random.Generator, chunk: int = 8192
) -> tuple[Array, Labels]:
    """Draw n points, shape (n, d), grouped by component, and their components, shape (n,).

    The counts are multinomial; each component's points are normals times its factor, a chunk at a
    time. The rows are in no random order, which a shuffle would add.
    """
    counts = rng.multinomial(n, mixture.weights / mixture.weights.sum())
    points = np.empty((n, mixture.nvars))
    normals = np.empty((chunk, mixture.nvars))
    stop = 0
    for k, count in enumerate(counts):
        start, stop = stop, stop + count
        for first in range(start, stop, chunk):
            block = points[first : min(first + chunk, stop)]
            drawn = rng.standard_normal(out=normals[: len(block)])
            np.matmul(drawn, mixture.factors[k].T, out=block)
            np.add(block, mixture.means[k], out=block)
    return points, np.repeat(np.arange(mixture.ngauss), counts)


# ---- from the moments: independent of the number of points -------------------------------------


def em_update(mixture: Mixture, moments: Moments) -> Mixture:
    """Maximise the expected complete-data log-likelihood (the M step) from the moments.

    A component without responsibility (S0 = 0) has no update and raises ZeroDivisionError.
    """
    if not moments.s0.all():
        raise ZeroDivisionError(f"component {int(np.argmin(moments.s0))} holds no points")
    shifts = moments.s1 / moments.s0[:, None]
    covariances = moments.s2 / moments.s0[:, None, None]
    covariances -= shifts[:, :, None] * shifts[:, None, :]
    weights = moments.s0 / moments.s0.sum()
    return Mixture.from_covariances(weights, mixture.means + shifts, covariances)


def gradient_factors(mixture: Mixture, moments: Moments) -> tuple[Array, Array, Array]:
    """Gradient of the log-likelihood in the log-weights, means and Cholesky factors.

    The log-weights are those of a softmax, so their gradient sums to 0: S0 - w sum(S0). For the
    means it is Sigma^-1 S1, for the factors the lower triangle of
    Sigma^-1 (S2 - S0 Sigma) Sigma^-1 L. Shapes (K,), (K, d) and (K, d, d).
    """
    log_weights = moments.s0 - mixture.weights * moments.s0.sum()
    means, covariances = _score(mixture, moments)
    return log_weights, means, np.tril(2.0 * covariances @ mixture.factors)


def gradient_stdcorr(mixture: Mixture, moments: Moments) -> tuple[Array, Array, Array, Array]:
    """Gradient of the log-likelihood in weights, means, standard deviations and correlations.

    Correlations are in the order (1,2), (1,3), ..., (2,3), ...; weights are divided by their sum
    (here 1) before use, so theirs is S0 / w - sum(S0). Shapes (K,), (K, d), (K, d) and
    (K, d (d - 1) / 2).
    """
    weights = moments.s0 / mixture.weights - moments.s0.sum()
    means, covariances = _score(mixture, moments)
    sigmas = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    d_sigmas = 2.0 * (covariances * mixture.covariances).sum(axis=2) / sigmas
    first, second = np.triu_indices(mixture.nvars, 1)
    d_rhos = 2.0 * covariances[:, first, second] * sigmas[:, first] * sigmas[:, second]
    return weights, means, d_sigmas, d_rhos


def _score(mixture: Mixture, moments: Moments) -> tuple[Array, Array]:
    """Gradient in the means and in the covariances, all d x d entries taken as independent."""
    whiteners = mixture.whiteners()
    precisions = whiteners.transpose(0, 2, 1) @ whiteners
    means = (precisions @ moments.s1[:, :, None])[:, :, 0]
    excess = moments.s2 - moments.s0[:, None, None] * mixture.covariances
    return means, 0.5 * precisions @ excess @ precisions

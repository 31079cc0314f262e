"""Independent answers to what the core computes, written from the formulas alone.

Three kinds, none of which shares code with the core or with each other's method:

* 50 digits (mpmath) for densities: the answer, rounded once;
* textbook NumPy for responsibilities, moments and the EM step (Dempster, Laird & Rubin 1977):
  one N x K array and no cleverness;
* complex step for gradients: f(x + ih) with h = 1e-100 has f'(x) h as its imaginary part, with no
  subtraction and so no rounding beyond that of f (Squire & Trapp 1998). All that it passes
  through is analytic: no conjugates, no absolute values.

`log_density_bounds` bounds the rounding error that a careful double-precision evaluation may have:
the tolerance of the tests is a theorem, not a number that happened to pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

Array = NDArray[Any]

EPS = float(np.finfo(float).eps)
DIGITS = 50
_STEP = 1e-100


class Mixture(NamedTuple):
    """A mixture as plain arrays: weights (K,), means (K, d), covariances (K, d, d)."""

    weights: Array
    means: Array
    covariances: Array


# 50 digits


class ExactDensity(NamedTuple):
    """Log density (N,), log densities of the components (N, K), responsibilities (N, K)."""

    logpdf: Array
    components: Array
    responsibilities: Array


def exact_density(
    weights: Array,
    means: Array,
    points: Array,
    *,
    covariances: Array | None = None,
    factors: Array | None = None,
) -> ExactDensity:
    """The densities to 50 digits, rounded to double.

    Parameters
    ----------
    weights, means : array_like of shape (K,), (K, d)
    points : array_like of shape (N, d)
    covariances, factors : array_like of shape (K, d, d)
        One of the two: covariances, or lower Cholesky factors.
    """
    with mpmath.workdps(DIGITS):
        half_log_two_pi = mpmath.log(2 * mpmath.pi) / 2
        columns = []
        for k, mean in enumerate(means):
            lower = exact_cholesky(covariances[k]) if factors is None else _exact(factors[k])
            centre = _exact(mean)
            log_normaliser = -sum(
                mpmath.log(lower[i][i]) + half_log_two_pi for i in range(len(mean))
            )
            column = []
            for point in points:
                residual = [mpmath.mpf(float(x)) - m for x, m in zip(point, centre, strict=True)]
                z = exact_forward_solve(lower, residual)
                column.append(log_normaliser - mpmath.fdot(z, z) / 2)
            columns.append(column)
        log_weights = [mpmath.log(float(w)) if w > 0 else mpmath.ninf for w in weights]
        totals, shares = [], []
        for i in range(len(points)):
            terms = [lw + column[i] for lw, column in zip(log_weights, columns, strict=True)]
            top = max(terms)
            scaled = [mpmath.exp(term - top) for term in terms]
            norm = mpmath.fsum(scaled)
            totals.append(float(top + mpmath.log(norm)))
            shares.append([float(term / norm) for term in scaled])
        components = [[float(column[i]) for column in columns] for i in range(len(points))]
    shape = (len(points), len(means))
    return ExactDensity(
        np.array(totals, dtype=float),
        np.array(components, dtype=float).reshape(shape),
        np.array(shares, dtype=float).reshape(shape),
    )


def exact_cholesky(matrix: Array) -> list[list[Any]]:
    """Lower Cholesky factor in mpmath numbers, at the precision in force."""
    a = _exact(matrix)
    lower = [[mpmath.mpf(0)] * len(a) for _ in a]
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i][j] - mpmath.fdot(lower[i][:j], lower[j][:j])
            lower[i][j] = mpmath.sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def exact_forward_solve(lower: list[list[Any]], right: list[Any]) -> list[Any]:
    """Solve lower z = right."""
    z: list[Any] = []
    for i, row in enumerate(lower):
        z.append((right[i] - mpmath.fdot(row[:i], z)) / row[i])
    return z


def _exact(values: Array) -> list[Any]:
    return [
        _exact(value) if np.ndim(value) else mpmath.mpf(float(value))
        for value in np.asarray(values)
    ]


# What rounding may do


class Bounds(NamedTuple):
    """Largest absolute errors of the log density (N,) and of the components' (N, K)."""

    logpdf: Array
    components: Array


def log_density_bounds(
    weights: Array,
    means: Array,
    points: Array,
    *,
    covariances: Array | None = None,
    factors: Array | None = None,
) -> Bounds:
    """Bound the error of log densities computed in doubles with unit roundoff u = eps / 2.

    With y = x - mu, z = L^-1 y, q = z^T z, W = L^-1, s_i = sqrt(Sigma_ii), Sigma^-1 y = v
    (Higham 2002, Accuracy and Stability of Numerical Algorithms, 8.1, 10.1, 14.1):

    * a computed Cholesky factor is exact for Sigma + E, |E_ij| <= (d + 1) u s_i s_j, and
      equilibrating adds 3 u: |dq| <= (d + 4) u (sum_i |v_i| s_i)^2 and
      |d log det| <= (d + 4) u sum_ij |Sigma^-1|_ij s_i s_j;
      relative to q this is at most d (d + 4) u times the condition of the CORRELATION matrix:
      eps * cond. Badly scaled columns cost nothing;
    * an inverted factor and its product with y: |dz| <= (2 d + 6) u |W| |L| |W| |y|;
    * the rounding of log, of sums and of y itself: 8 u times the size of each term.

    To first order, so doubled; the log density of the mixture has the mean of its components'
    errors under the responsibilities, plus that of exp, log and a sum of K terms.
    """
    unit = EPS / 2
    count, d = np.shape(points)
    log_terms = np.empty((count, len(means)))
    errors = np.empty_like(log_terms)
    for k, mean in enumerate(means):
        if factors is None:
            with mpmath.workdps(DIGITS):
                lower = np.array(
                    [[float(x) for x in row] for row in exact_cholesky(covariances[k])]
                )
        else:
            lower = np.asarray(factors[k], dtype=float)
        scale = np.sqrt(np.square(lower).sum(axis=1))
        unscaled = lower / scale[:, None]
        white = solve_triangular(unscaled, np.eye(d), lower=True)
        y = ((points - mean) / scale).T
        z = white @ y
        q = np.square(z).sum(axis=0)
        dz = (2 * d + 6) * unit * (abs(white) @ abs(unscaled) @ abs(white) @ abs(y))
        dq = 2 * (abs(z) * dz).sum(axis=0)
        log_diagonal = np.log(np.diagonal(lower))
        d_log_det = 8 * unit * (abs(log_diagonal).sum() + d)
        if factors is None:
            dq += (d + 4) * unit * np.square(abs(white.T @ z).sum(axis=0))
            d_log_det += (d + 4) * unit * abs(white.T @ white).sum()
        size = q / 2 + abs(log_diagonal.sum()) + d
        errors[:, k] = 2 * (dq / 2 + d_log_det + 8 * unit * size) + unit * abs(size)
        log_terms[:, k] = -q / 2 - log_diagonal.sum() - d / 2 * np.log(2 * np.pi)
    with np.errstate(divide="ignore"):
        log_weights = np.log(np.asarray(weights, dtype=float))
    terms = log_terms + log_weights
    total = logsumexp(terms, axis=1)
    shares = np.exp(terms - total[:, None])
    own = np.where(shares > 0, errors + 8 * unit * abs(log_terms), 0.0)
    weight_error = 8 * unit * (shares * abs(np.where(shares > 0, log_weights, 0.0))).sum(axis=1)
    mixed = (shares * own).sum(axis=1) + weight_error + (8 + len(means)) * unit * (1 + abs(total))
    return Bounds(mixed, errors)


# Textbook NumPy


class Moments(NamedTuple):
    """Log-likelihood, and the moments of the responsibilities centred at the means."""

    loglik: float
    s0: Array
    s1: Array
    s2: Array


def log_terms(mixture: Mixture, points: Array) -> Array:
    """log w_k + log N_k(x_i), shape (N, K), one triangular solve per component."""
    d = mixture.means.shape[1]
    columns = []
    for mean, covariance in zip(mixture.means, mixture.covariances, strict=True):
        scale = np.sqrt(np.diagonal(covariance))
        lower = np.linalg.cholesky(covariance / np.outer(scale, scale))
        z = solve_triangular(lower, ((points - mean) / scale).T, lower=True, check_finite=False)
        log_det = np.log(np.diagonal(lower)).sum() + np.log(scale).sum()
        columns.append(-0.5 * np.square(z).sum(axis=0) - log_det - 0.5 * d * np.log(2 * np.pi))
    with np.errstate(divide="ignore"):
        return np.stack(columns, axis=1) + np.log(mixture.weights)


def numpy_moments(mixture: Mixture, points: Array, sample_weight: Array | None = None) -> Moments:
    """What one pass over the data gives, with the whole N x K array of responsibilities."""
    count = len(points)
    s = np.ones(count) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    terms = log_terms(mixture, points)
    total = logsumexp(terms, axis=1) if count else np.zeros(0)
    r = s[:, None] * np.exp(terms - total[:, None])
    residuals = [points - mean for mean in mixture.means]
    return Moments(
        float(s @ total),
        r.sum(axis=0),
        np.stack([r[:, k] @ y for k, y in enumerate(residuals)]),
        np.stack([(y * r[:, k, None]).T @ y for k, y in enumerate(residuals)]),
    )


def numpy_em_step(
    mixture: Mixture,
    points: Array,
    sample_weight: Array | None = None,
    penalty: float = 0.0,
    reference: Array | None = None,
) -> Mixture:
    """One EM step.

    With the penalty of Chen & Tan (2008) and c = penalty * sum(s), the maximum in Sigma_k is
    (sum_i s_i r_ik (x_i - mu_k) (x_i - mu_k)^T + 2 c S) / (sum_i s_i r_ik + 2 c).
    """
    count = len(points)
    s = np.ones(count) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    terms = log_terms(mixture, points)
    r = s[:, None] * np.exp(terms - logsumexp(terms, axis=1)[:, None])
    effective = r.sum(axis=0)
    means = np.stack([r[:, k] @ points / effective[k] for k in range(len(effective))])
    pull = 2 * penalty * s.sum()
    covariances = []
    for k, mean in enumerate(means):
        y = points - mean
        scatter = (y * r[:, k, None]).T @ y
        if penalty:
            scatter = scatter + pull * np.asarray(reference)
        covariances.append(scatter / (effective[k] + pull))
    return Mixture(effective / effective.sum(), means, np.stack(covariances))


def penalty_value(mixture: Mixture, penalty: float, reference: Array, total: float) -> float:
    """penalty * total * sum_k [tr(S Sigma_k^-1) + log det Sigma_k]."""
    return (
        penalty
        * total
        * sum(
            float(np.trace(np.linalg.solve(c, reference)) + np.linalg.slogdet(c)[1])
            for c in mixture.covariances
        )
    )


# Complex step


def gradient(function: Callable[[Array], complex], at: Array) -> Array:
    """Gradient of a real analytic function by the complex step, in the shape of `at`."""
    flat = np.asarray(at, dtype=complex).ravel()
    result = np.empty(flat.size)
    for j in range(flat.size):
        moved = flat.copy()
        moved[j] += 1j * _STEP
        result[j] = function(moved.reshape(np.shape(at))).imag / _STEP
    return result.reshape(np.shape(at))


def analytic_loglik(
    log_weights: Array,
    means: Array,
    factors: Array,
    points: Array,
    sample_weight: Array | None = None,
) -> Any:
    """sum_i s_i log p(x_i) for weights softmax(log_weights), with complex parameters."""
    log_weights = log_weights - _analytic_logsumexp(log_weights)
    s = np.ones(len(points)) if sample_weight is None else np.asarray(sample_weight)
    columns = []
    for log_weight, mean, lower in zip(log_weights, means, factors, strict=True):
        d = len(mean)
        y = (points - mean).T
        z = np.empty(y.shape, dtype=complex)
        for i in range(d):
            z[i] = (y[i] - lower[i, :i] @ z[:i]) / lower[i, i]
        log_det = np.log(np.diagonal(lower)).sum()
        columns.append(log_weight - log_det - (z * z).sum(axis=0) / 2 - d / 2 * np.log(2 * np.pi))
    return s @ _analytic_logsumexp(np.stack(columns))


def analytic_cholesky(matrix: Array) -> Array:
    """Lower factor with L L^T = matrix for a complex symmetric matrix near a real one."""
    lower = np.zeros(matrix.shape, dtype=complex)
    for i in range(len(matrix)):
        for j in range(i + 1):
            rest = matrix[i, j] - lower[i, :j] @ lower[j, :j]
            lower[i, j] = np.sqrt(rest) if i == j else rest / lower[j, j]
    return lower


def covariance_from_stdcorr(sigmas: Array, rhos: Array) -> Array:
    """Covariance of standard deviations (d,) and correlations (C,) of the pairs (0,1), (0,2)..."""
    d = len(sigmas)
    correlation = np.eye(d, dtype=np.result_type(sigmas, rhos, float))
    rows, columns = np.triu_indices(d, 1)
    correlation[rows, columns] = correlation[columns, rows] = rhos
    return correlation * np.outer(sigmas, sigmas)


def analytic_penalty(factors: Array, penalty: float, reference: Array, total: float) -> Any:
    """`penalty_value` from complex Cholesky factors."""
    value = 0.0
    for lower in factors:
        inverse = np.linalg.inv(lower)
        value += np.trace(inverse @ reference @ inverse.T) + 2 * np.log(np.diagonal(lower)).sum()
    return penalty * total * value


class Whitened(NamedTuple):
    """Coordinates around a mixture: v (K,), u (K, d), a (K, d, d) lower, all zero at the anchor."""

    log_weights: Array
    means: Array
    factors: Array

    def mixture(self, v: Array, u: Array, a: Array) -> tuple[Array, Array, Array]:
        """Log-weights (up to their sum), means and Cholesky factors at (v, u, a).

        logit_k = log w0_k + v_k / sqrt(w0_k); mu = mu0 + L0 u / sqrt(w0); L = L0 T with
        T_ij = a_ij / sqrt(w0) below the diagonal and T_ii = exp(a_ii / sqrt(2 w0)).
        """
        root = np.exp(self.log_weights / 2)
        means = [
            mean + lower @ u_k / g
            for mean, lower, u_k, g in zip(self.means, self.factors, u, root, strict=True)
        ]
        factors = []
        for lower, a_k, g in zip(self.factors, a, root, strict=True):
            t = np.tril(a_k, -1) / g + np.diag(np.exp(np.diagonal(a_k) / (g * np.sqrt(2))))
            factors.append(lower @ t)
        return self.log_weights + v / root, np.stack(means), np.stack(factors)


def _analytic_logsumexp(terms: Array) -> Any:
    top = terms.real.max(axis=0)
    return top + np.log(np.exp(terms - top).sum(axis=0))

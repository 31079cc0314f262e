"""Noisy and incomplete data in NumPy: the likelihood, the E step and the posteriors of x.

The model: y_i = R_i x_i + e_i with e_i ~ N(0, S_i) and x ~ sum_k w_k N(mu_k, Sigma_k), so that
y_i ~ sum_k w_k N(R_i mu_k, T_ik) with T_ik = R_i Sigma_k R_i^T + S_i. A missing value leaves out
its row of R_i and its row and column of S_i. With T_ik = L L^T, A = Sigma_k R_i^T L^-T and
z = L^-1 (y_i - R_i mu_k), the posterior of x_i under component k has

    mean b_ik = mu_k + A z,        covariance B_ik = Sigma_k - A A^T,

which are equations (8) to (13) of Bovy, Hogg & Roweis (2011), Annals of Applied Statistics 5, 1657,
without an inverse. By Fisher's identity the moments of these posteriors, centred at the means,

    S0_k = sum_i s_i r_ik,    S1_k = sum_i s_i r_ik (b_ik - mu_k),
    S2_k = sum_i s_i r_ik [(b_ik - mu_k) (b_ik - mu_k)^T + B_ik],

give the gradient and the EM step by the formulas of complete data, those of `numpy_reference`.

How it is made fast. Rows are grouped by which of their values are there. Where all the rows of a
group share T_k (no noise of their own, no projection), a group is one pass over complete data of
the marginal mixture. Otherwise blocks of points are laid out with the points last, and the K
Cholesky factors of each point are found by vectorised elimination, an entry of all matrices at a
time: at d = 3 some ten times faster than `numpy.linalg` on a stack of small matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import numpy_reference as complete
from benchmarks.numpy_reference import Array, Mixture, Moments

Rows = NDArray[np.intp]
Columns = NDArray[np.intp]

# Numbers in the working array of a block: 1 MB, so that it stays in the cache.
BLOCK_NUMBERS = 131_072


@dataclass(frozen=True)
class Observations:
    """N noisy or incomplete observations of M values each.

    Attributes
    ----------
    values : ndarray of shape (N, M)
        NaN where missing.
    sample_weight : ndarray of shape (N,), optional
    deviations : ndarray of shape (N, M), optional
        Standard deviations of the noise; infinite where a value is as good as missing.
    covariances : ndarray of shape (N, M, M), optional
        Covariances of the noise; infinite on the diagonal where a value is as good as missing.
    shared : ndarray of shape (M, M), optional
        One covariance for all points. At most one of the three is given.
    projection : ndarray of shape (N, M, V), optional
        R_i; the identity when left out.
    """

    values: Array
    sample_weight: Array | None = None
    deviations: Array | None = None
    covariances: Array | None = None
    shared: Array | None = None
    projection: Array | None = None

    @property
    def weight(self) -> Array:
        """Sample weights, shape (N,)."""
        return np.ones(len(self.values)) if self.sample_weight is None else self.sample_weight

    @property
    def own_noise(self) -> bool:
        """Whether points have a T_ik of their own."""
        own = (self.deviations, self.covariances, self.projection)
        return any(part is not None for part in own)

    def seen(self) -> NDArray[np.bool_]:
        """Whether each value is there, shape (N, M)."""
        seen = ~np.isnan(self.values)
        if self.deviations is not None:
            seen &= ~np.isinf(self.deviations)
        if self.covariances is not None:
            seen &= ~np.isinf(np.diagonal(self.covariances, axis1=1, axis2=2))
        if self.shared is not None:
            seen &= ~np.isinf(np.diagonal(self.shared))
        return seen

    def patterns(self) -> Iterator[tuple[Rows, Columns]]:
        """Yield the rows that have the same values, and which these are."""
        seen = self.seen()
        packed = np.packbits(seen, axis=1)
        order = np.lexsort(packed.T)
        ordered = packed[order]
        starts = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
        for rows in np.split(order, starts) if len(order) else ():
            yield rows, np.flatnonzero(seen[rows[0]])


# ---- one pattern at a time ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """Some points of one pattern under all components, the points last.

    ``terms`` (K, n) holds log w_k N(y_i), ``shifts`` (K, V, n) b_ik - mu_k, and ``gains`` the A of
    the module's docstring, (K, V, m, n), or (K, V, m, 1) where all points share theirs.
    """

    rows: Rows
    terms: Array
    shifts: Array
    gains: Array


def _blocks(mixture: Mixture, data: Observations) -> Iterator[_Block]:
    """Yield all observations, block by block."""
    for rows, columns in data.patterns():
        work = mixture.ngauss * (len(columns) + mixture.nvars) * max(len(columns), 1)
        size = max(BLOCK_NUMBERS // work, 16)
        for start in range(0, len(rows), size):
            yield _block(mixture, data, rows[start : start + size], columns)


def _block(mixture: Mixture, data: Observations, rows: Rows, columns: Columns) -> _Block:
    """Evaluate some rows that all have the values of these columns."""
    m, nvars = len(columns), mixture.nvars
    n_own = len(rows) if data.own_noise else 1
    # T_ik and below it Sigma_k R_i^T: elimination turns the one into L, the other into A.
    work = np.empty((mixture.ngauss, m + nvars, m, n_own))
    values = np.ascontiguousarray(data.values[np.ix_(rows, columns)].T, dtype=np.float64)
    if data.projection is None:
        covariances = mixture.covariances[:, :, columns]
        work[:, :m] = covariances[:, columns, :, None]
        work[:, m:] = covariances[:, :, :, None]
        residuals = values - mixture.means[:, columns, None]
    else:
        projection = data.projection[rows][:, columns].astype(np.float64).transpose(2, 1, 0).copy()
        flat = projection.reshape(nvars, -1)
        work[:, m:] = (mixture.covariances @ flat).reshape(work[:, m:].shape)
        for j in range(m):
            work[:, j] = (projection[:, j, None] * work[:, m:]).sum(axis=1)
        residuals = values - (mixture.means @ flat).reshape(mixture.ngauss, *values.shape)
    _add_noise(work[:, :m], data, rows, columns)
    log_pivots = _eliminate(work)
    whitened = _substitute(work, residuals)
    terms = -0.5 * (whitened * whitened).sum(axis=1) - log_pivots
    terms += (mixture.log_weights - 0.5 * m * np.log(2.0 * np.pi))[:, None]
    gains = work[:, m:]
    shifts = gains[..., 0] @ whitened if n_own == 1 else (gains * whitened[:, None]).sum(axis=2)
    return _Block(rows, terms, shifts, gains)


def _add_noise(into: Array, data: Observations, rows: Rows, columns: Columns) -> None:
    """Add S_i to the m x m matrices of all components, shape (K, m, m, n)."""
    if data.deviations is not None:
        variances = np.square(data.deviations[np.ix_(rows, columns)].T, dtype=np.float64)
        for j in range(len(columns)):
            into[:, j, j] += variances[j]
    elif data.covariances is not None:
        into += data.covariances[np.ix_(rows, columns, columns)].transpose(1, 2, 0)
    elif data.shared is not None:
        into += data.shared[np.ix_(columns, columns)][:, :, None]


def _eliminate(work: Array) -> Array:
    """Turn T into its Cholesky factor L, and C below it into C L^-T; return log det L, (K, n)."""
    m = work.shape[2]
    log_pivots = np.zeros((len(work), work.shape[3]))
    for j in range(m):
        pivot = np.sqrt(work[:, j, j])
        log_pivots += np.log(pivot)
        work[:, j:, j] /= pivot[:, None]
        for later in range(j + 1, m):
            work[:, later:, later] -= work[:, later:, j] * work[:, later, None, j]
    return log_pivots


def _substitute(work: Array, residuals: Array) -> Array:
    """Solve L z = residuals, shape (K, m, n)."""
    solution = residuals.copy()
    for j in range(work.shape[2]):
        for earlier in range(j):
            solution[:, j] -= work[:, j, earlier] * solution[:, earlier]
        solution[:, j] /= work[:, j, j]
    return solution


# ---- values at the points ----------------------------------------------------------------------


def log_terms(mixture: Mixture, data: Observations) -> Array:
    """log w_k N(y_i | R_i mu_k, T_ik), shape (N, K)."""
    result = np.empty((len(data.values), mixture.ngauss))
    for block in _blocks(mixture, data):
        result[block.rows] = block.terms.T
    return result


def component_logpdf(mixture: Mixture, data: Observations) -> Array:
    """Log density of each observation under each component, shape (N, K)."""
    logpdfs: Array = log_terms(mixture, data) - mixture.log_weights
    return logpdfs


def logpdf(mixture: Mixture, data: Observations) -> Array:
    """Log density of each observation, shape (N,); 0 where nothing was seen."""
    return _logsumexp(log_terms(mixture, data).T)


def responsibilities(mixture: Mixture, data: Observations) -> Array:
    """Probability that what was seen comes from component k, shape (N, K)."""
    terms = log_terms(mixture, data).T
    shares: Array = np.exp(terms - _logsumexp(terms)).T
    return shares


def log_likelihood(mixture: Mixture, data: Observations) -> float:
    """sum_i s_i log p(y_i)."""
    return float(data.weight @ logpdf(mixture, data))


def posterior(mixture: Mixture, data: Observations) -> tuple[Array, Array]:
    """Mean (N, V) and covariance (N, V, V) of x_i given y_i, under the whole mixture."""
    shape = (len(data.values), mixture.nvars)
    means, covariances = np.empty(shape), np.empty((*shape, mixture.nvars))
    for block in _blocks(mixture, data):
        shares = np.exp(block.terms - _logsumexp(block.terms))
        centres = block.shifts + mixture.means[:, :, None]
        mean = (shares[:, None] * centres).sum(axis=0)
        off = centres - mean
        # The spread of the components' means, and the mean of their covariances.
        spread = np.einsum("kn,kan,kbn->nab", shares, off, off, optimize=True)
        gains = np.broadcast_to(block.gains, (*block.gains.shape[:3], shares.shape[1]))
        inner = np.tensordot(shares.T, mixture.covariances, axes=1)
        explained = np.einsum("kn,kajn,kbjn->nab", shares, gains, gains, optimize=True)
        means[block.rows] = mean.T
        covariances[block.rows] = spread + inner - explained
    return means, (covariances + covariances.transpose(0, 2, 1)) / 2


def _logsumexp(terms: Array) -> Array:
    """Logarithm of the sum of exp(terms) over the components, the first axis."""
    largest: Array = terms.max(axis=0)
    total: Array = np.exp(terms - largest).sum(axis=0)
    return largest + np.log(total)


# ---- sums over the points ----------------------------------------------------------------------


def moments(
    mixture: Mixture,
    data: Observations,
    complete_moments: Callable[..., Moments] = complete.plain_moments,
) -> Moments:
    """Log-likelihood and moments of the posteriors (see the module's docstring).

    ``complete_moments`` makes the passes over groups without noise of their own: the accurate
    `plain_moments`, or the faster `blocked_moments`.
    """
    if data.own_noise:
        return _moments_by_blocks(mixture, data)
    return _moments_by_marginals(mixture, data, complete_moments)


def _moments_by_blocks(mixture: Mixture, data: Observations) -> Moments:
    """Moments where every point has factors of its own."""
    ngauss, nvars = mixture.means.shape
    loglik, s0 = 0.0, np.zeros(ngauss)
    s1, s2 = np.zeros((ngauss, nvars)), np.zeros((ngauss, nvars, nvars))
    for block in _blocks(mixture, data):
        weight = data.weight[block.rows]
        log_density = _logsumexp(block.terms)
        loglik += float(weight @ log_density)
        shares = weight * np.exp(block.terms - log_density)
        weighted = shares[:, None] * block.shifts
        s0 += shares.sum(axis=1)
        s1 += weighted.sum(axis=2)
        s2 += weighted @ block.shifts.transpose(0, 2, 1)
        flat = (ngauss, nvars, -1 if block.gains.shape[2] else 0)
        explained = (block.gains * shares[:, None, None]).reshape(flat)
        s2 -= explained @ block.gains.reshape(flat).transpose(0, 2, 1)
    s2 += s0[:, None, None] * mixture.covariances
    return Moments(loglik, s0, s1, (s2 + s2.transpose(0, 2, 1)) / 2)


def _moments_by_marginals(
    mixture: Mixture, data: Observations, complete_moments: Callable[..., Moments]
) -> Moments:
    """Moments where the points of a pattern share T_k: a pass over the marginal of each.

    With G = Sigma_k R^T T_k^-1 the posteriors' moments are G S1, G S2 G^T + S0 (Sigma_k - A A^T).
    """
    ngauss, nvars = mixture.means.shape
    loglik, s0 = 0.0, np.zeros(ngauss)
    s1, s2 = np.zeros((ngauss, nvars)), np.zeros((ngauss, nvars, nvars))
    for rows, columns in data.patterns():
        weight = None if data.sample_weight is None else data.sample_weight[rows]
        if not len(columns):
            share = mixture.weights * float(data.weight[rows].sum())
            s0 += share
            s2 += share[:, None, None] * mixture.covariances
            continue
        values = np.ascontiguousarray(data.values[np.ix_(rows, columns)], dtype=np.float64)
        joint = mixture.covariances[:, :, columns]
        marginal = joint[:, columns].copy()
        if data.shared is not None:
            marginal += data.shared[np.ix_(columns, columns)]
        factors = np.linalg.cholesky(marginal)
        seen = Mixture(mixture.log_weights, mixture.means[:, columns], factors)
        part = complete_moments(seen, values, weight)
        loglik += part.loglik
        s0 += part.s0
        if len(columns) == nvars and data.shared is None:
            s1 += part.s1
            s2 += part.s2
            continue
        whiteners = seen.whiteners()
        gains = joint @ whiteners.transpose(0, 2, 1)
        back = gains @ whiteners
        s1 += (back @ part.s1[:, :, None])[:, :, 0]
        s2 += back @ part.s2 @ back.transpose(0, 2, 1)
        left = mixture.covariances - gains @ gains.transpose(0, 2, 1)
        s2 += part.s0[:, None, None] * left
    return Moments(loglik, s0, s1, (s2 + s2.transpose(0, 2, 1)) / 2)


# ---- from the moments --------------------------------------------------------------------------


def covariance_gradient(mixture: Mixture, sums: Moments) -> tuple[Array, Array, Array]:
    """Gradient of the log-likelihood in log-weights (K,), means (K, d), covariances (K, d, d).

    All d^2 entries of a covariance count as independent; the log-weights are those of a softmax.
    """
    precisions = np.linalg.inv(mixture.covariances)
    means = (precisions @ sums.s1[:, :, None])[:, :, 0]
    excess = sums.s2 - sums.s0[:, None, None] * mixture.covariances
    log_weights = sums.s0 - mixture.weights * sums.s0.sum()
    return log_weights, means, 0.5 * precisions @ excess @ precisions


def em_step(
    mixture: Mixture,
    data: Observations,
    penalty: float = 0.0,
    reference: Array | None = None,
    complete_moments: Callable[..., Moments] = complete.plain_moments,
) -> tuple[float, Mixture]:
    """Log-likelihood, and the mixture after one step of extreme deconvolution.

    With the penalty of Chen & Tan (2008), c = penalty * sum(s) and the reference covariance S,
    Sigma_k = (S2_k - S1_k S1_k^T / S0_k + 2 c S) / (S0_k + 2 c).
    """
    sums = moments(mixture, data, complete_moments)
    if not penalty or reference is None:
        return sums.loglik, complete.em_update(mixture, sums)
    pull = 2.0 * penalty * float(data.weight.sum())
    shifts = sums.s1 / sums.s0[:, None]
    scatter = sums.s2 - sums.s0[:, None, None] * shifts[:, :, None] * shifts[:, None, :]
    covariances = (scatter + pull * reference) / (sums.s0 + pull)[:, None, None]
    weights = sums.s0 / sums.s0.sum()
    return sums.loglik, Mixture.from_covariances(weights, mixture.means + shifts, covariances)

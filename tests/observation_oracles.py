"""Noisy and incomplete observations for tests, and what a point-by-point computation says of them.

Three ways, which share no code with the core, with `benchmarks.observations_reference` or with each
other: loops over explicit small matrices in doubles (NumPy's inverse, SciPy's densities), the same
to 50 digits (mpmath), and an analytic log-likelihood for complex steps, in which a value that is
missing is one that the mixture says nothing about, seen with unit noise at 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import mpmath
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from benchmarks import numpy_reference
from benchmarks import observations_reference as reference
from mogfit import _core
from tests.oracles import DIGITS, Mixture, exact_cholesky
from tests.strategies import make_mixture, make_points

Array = NDArray[Any]

NOISES = ("none", "deviations", "covariances", "shared")
PROJECTIONS = ("none", "square", "fewer", "more")


@dataclass(frozen=True)
class Case:
    """A mixture, and N observations of M values each: y_i = R_i x_i + e_i, NaN where missing."""

    mixture: Mixture
    values: Array
    weight: Array | None = None
    deviations: Array | None = None
    covariances: Array | None = None
    shared: Array | None = None
    projection: Array | None = None

    @property
    def noise(self) -> dict[str, Array]:
        """The noise and the projection, as far as there are any."""
        names = ("deviations", "covariances", "shared", "projection")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def total(self) -> float:
        """Sum of the sample weights."""
        return float(len(self.values) if self.weight is None else self.weight.sum())

    def prepared(self) -> _core.PreparedMixture:
        """The core's own form of the mixture."""
        return _core.PreparedMixture(*self.mixture)

    def observations(self, **changes: Any) -> Any:
        """The core's own form of the observations, some of its arguments changed."""
        given = {"sample_weight": self.weight, "missing": True, **self.noise} | changes
        return _core.Observations(given.pop("X", self.values), **given)

    def referred(self) -> tuple[numpy_reference.Mixture, reference.Observations]:
        """Both in the form of the NumPy reference."""
        with np.errstate(divide="ignore"):
            mixture = numpy_reference.Mixture.from_covariances(*self.mixture)
        return mixture, reference.Observations(self.values, self.weight, **self.noise)

    def take(self, rows: Any) -> Case:
        """Some of the observations."""
        arrays = {
            name: array if name == "shared" else array[rows] for name, array in self.noise.items()
        }
        weight = None if self.weight is None else self.weight[rows]
        return replace(self, values=self.values[rows], weight=weight, **arrays)

    def scaled(self, scales: Array) -> Case:
        """The same in other units; the projection, if any, is from these to the old ones."""
        mixture = Mixture(
            self.mixture.weights,
            self.mixture.means * scales,
            self.mixture.covariances * np.outer(scales, scales),
        )
        if self.projection is not None:
            return replace(self, mixture=mixture, projection=self.projection / scales)
        square = np.outer(scales, scales)
        return replace(
            self,
            mixture=mixture,
            values=self.values * scales,
            deviations=None if self.deviations is None else self.deviations * scales,
            covariances=None if self.covariances is None else self.covariances * square,
            shared=None if self.shared is None else self.shared * square,
        )

    def dense(self) -> tuple[Array, Array]:
        """R (N, M, V) and S (N, M, M) of all points, whatever form they were given in."""
        (count, m), nvars = self.values.shape, self.mixture.means.shape[1]
        if self.deviations is not None:
            noise = np.zeros((count, m, m))
            noise[:, range(m), range(m)] = np.square(self.deviations)
        elif self.covariances is not None:
            noise = self.covariances
        else:
            one = np.zeros((m, m)) if self.shared is None else self.shared
            noise = np.broadcast_to(one, (count, m, m))
        identity = np.broadcast_to(np.eye(m, nvars), (count, m, nvars))
        return identity if self.projection is None else self.projection, noise


def make_case(
    nvars: int,
    ngauss: int,
    count: int = 60,
    *,
    noise: str = "none",
    missing: float = 0.0,
    projection: str = "none",
    weighted: bool = False,
    seed: int = 0,
    inflate: float = 1.0,
    elsewhere: bool = True,
) -> Case:
    """Observations of points that `make_mixture` drew, and a mixture, not theirs if `elsewhere`.

    Deviations of the noise are between 1/10 of those of the components and as large. `missing`
    is the probability of a value to be missing; a few rows may lose all of theirs.
    """
    rng = np.random.default_rng([seed, nvars, ngauss, count])
    mixture = make_mixture(nvars, ngauss, seed)
    points = make_points(
        make_mixture(nvars, ngauss, seed + elsewhere), count, seed, inflate=inflate
    )
    m = {"none": nvars, "square": nvars, "fewer": max(nvars - 1, 1), "more": nvars + 1}[projection]
    given: dict[str, Array] = {}
    matrices = np.broadcast_to(np.eye(nvars), (count, nvars, nvars))
    if projection != "none":
        # Singular values within a factor of 3, so that no rounding is magnified.
        u, _, vt = np.linalg.svd(rng.standard_normal((count, m, nvars)), full_matrices=False)
        matrices = (u * rng.uniform(0.5, 1.5, (count, 1, u.shape[2]))) @ vt
        given["projection"] = matrices
    values = np.einsum("imv,iv->im", matrices, points)
    spread = 10.0 ** rng.uniform(-1.0, 0.0, (count, m))
    if noise == "deviations":
        given["deviations"] = spread
        values = values + spread * rng.standard_normal((count, m))
    elif noise != "none":
        roots = rng.standard_normal((count, m, m)) / np.sqrt(m)
        covariances = spread[:, :, None] * (roots @ roots.transpose(0, 2, 1)) * spread[:, None]
        covariances += 0.01 * np.eye(m)
        covariances = (covariances + covariances.transpose(0, 2, 1)) / 2
        if noise == "shared":
            covariances = np.broadcast_to(make_mixture(m, 1, 7).covariances[0] / 4, (count, m, m))
        lower = np.linalg.cholesky(covariances)
        values = values + np.einsum("iab,ib->ia", lower, rng.standard_normal((count, m)))
        if noise == "shared":
            given["shared"] = make_mixture(m, 1, 7).covariances[0] / 4
        else:
            given["covariances"] = covariances
    values = np.where(rng.random(values.shape) < missing, np.nan, values)
    weight = rng.exponential(size=count) if weighted else None
    return Case(mixture, values, weight, **given)


@st.composite
def cases(draw: st.DrawFn, max_nvars: int = 6, max_ngauss: int = 5, max_rows: int = 40) -> Case:
    """Observations of every kind, with any pattern of missing values."""
    projection = draw(st.sampled_from(PROJECTIONS), label="projection")
    # More values than variables need noise, or they contradict each other.
    noise = draw(st.sampled_from(NOISES[projection == "more" :]), label="noise")
    case = make_case(
        draw(st.integers(1, max_nvars), label="nvars"),
        draw(st.integers(1, max_ngauss), label="ngauss"),
        draw(st.integers(0, max_rows), label="rows"),
        noise=noise,
        projection=projection,
        weighted=draw(st.booleans(), label="weighted"),
        seed=draw(st.integers(0, 2**20), label="seed"),
        inflate=draw(st.sampled_from([1.0, 1.0, 5.0]), label="inflate"),
    )
    count, m = case.values.shape
    patterns = draw(st.lists(st.integers(0, 2**m - 1), min_size=1, max_size=8), label="patterns")
    picked = np.random.default_rng(count).choice(patterns, size=count)
    values = np.where((picked[:, None] >> np.arange(m)) & 1, np.nan, case.values)
    return replace(case, values=values)


# Point by point


class Posteriors(NamedTuple):
    """log N(y_i | k) (N, K), b_ik (N, K, V) and B_ik (N, K, V, V)."""

    components: Array
    means: Array
    covariances: Array


class Moments(NamedTuple):
    """Log-likelihood, and the moments of the posteriors centred at the means."""

    loglik: float
    s0: Array
    s1: Array
    s2: Array


def loop_posteriors(case: Case) -> Posteriors:
    """Every point under every component, in doubles, by inverses."""
    _, means, covariances = case.mixture
    count, (ngauss, nvars) = len(case.values), means.shape
    components = np.zeros((count, ngauss))
    b, B = np.empty((count, ngauss, nvars)), np.empty((count, ngauss, nvars, nvars))
    matrices, noise = case.dense()
    for i, value in enumerate(case.values):
        seen = np.flatnonzero(np.isfinite(value) & np.isfinite(np.diagonal(noise[i])))
        R, S, y = matrices[i][seen], noise[i][np.ix_(seen, seen)], value[seen]
        for k in range(ngauss):
            T = R @ covariances[k] @ R.T + S
            gain = covariances[k] @ R.T @ np.linalg.inv(T)
            if len(seen):
                # scipy takes nothing for singular that our cases hold: none of them is.
                normal = multivariate_normal(R @ means[k], T, allow_singular=True)
                components[i, k] = normal.logpdf(y)
            b[i, k] = means[k] + gain @ (y - R @ means[k])
            B[i, k] = covariances[k] - gain @ R @ covariances[k]
    return Posteriors(components, b, B)


def exact_posteriors(case: Case) -> Posteriors:
    """The same to 50 digits, rounded to double."""
    _, means, covariances = case.mixture
    matrices, noise = case.dense()
    components, b, B = [], [], []
    with mpmath.workdps(DIGITS):
        for i, value in enumerate(case.values):
            seen = np.flatnonzero(np.isfinite(value) & np.isfinite(np.diagonal(noise[i])))
            if not len(seen):
                components.extend([0.0] * len(means))
                b.extend(means)
                B.extend(covariances)
                continue
            R, S = mpmath.matrix(matrices[i][seen]), mpmath.matrix(noise[i][np.ix_(seen, seen)])
            y = mpmath.matrix(value[seen])
            for mean, covariance in zip(means, covariances, strict=True):
                mu, Sigma = mpmath.matrix(mean), mpmath.matrix(covariance)
                T = R * Sigma * R.T + S
                lower = exact_cholesky(T.tolist())
                residual = y - R * mu
                solved = mpmath.lu_solve(T, residual)
                log_det = 2 * mpmath.fsum(mpmath.log(row[j]) for j, row in enumerate(lower))
                q = (residual.T * solved)[0]
                two_pi = len(seen) * mpmath.log(2 * mpmath.pi)
                components.append(float(-(q + log_det + two_pi) / 2))
                b.append([float(x) for x in mu + Sigma * R.T * solved])
                left = Sigma - Sigma * R.T * (T**-1) * R * Sigma
                B.append([[float(x) for x in row] for row in left.tolist()])
    shape = (len(case.values), *means.shape)
    return Posteriors(
        np.array(components).reshape(shape[:2]),
        np.array(b).reshape(shape),
        np.array(B).reshape(*shape, shape[2]),
    )


def responsibilities(case: Case, posteriors: Posteriors) -> tuple[Array, Array]:
    """Responsibilities (N, K) and log densities (N,)."""
    with np.errstate(divide="ignore"):
        terms = posteriors.components + np.log(case.mixture.weights)
    total = logsumexp(terms, axis=1) if len(terms) else np.zeros(0)
    return np.exp(terms - total[:, None]), total


def moments(case: Case, posteriors: Posteriors) -> Moments:
    """The sums of the E step, from their definition."""
    r, log_density = responsibilities(case, posteriors)
    s = np.ones(len(r)) if case.weight is None else case.weight
    sr = s[:, None] * r
    shifts = posteriors.means - case.mixture.means
    products = np.einsum("ika,ikb->ikab", shifts, shifts) + posteriors.covariances
    return Moments(
        float(s @ log_density),
        sr.sum(axis=0),
        np.einsum("ik,ika->ka", sr, shifts),
        np.einsum("ik,ikab->kab", sr, products),
    )


def posterior(case: Case, posteriors: Posteriors) -> tuple[Array, Array]:
    """Mean (N, V) and covariance (N, V, V) of x under the whole mixture."""
    r, _ = responsibilities(case, posteriors)
    mean = np.einsum("ik,ika->ia", r, posteriors.means)
    off = posteriors.means - mean[:, None]
    spread = np.einsum("ika,ikb->ikab", off, off) + posteriors.covariances
    return mean, np.einsum("ik,ikab->iab", r, spread)


# Complex step


def analytic_loglik(log_weights: Array, means: Array, factors: Array, case: Case) -> Any:
    """sum_i s_i log p(y_i) for weights softmax(log_weights), with complex parameters."""
    matrices, noise = case.dense()
    m = case.values.shape[1]
    seen = np.isfinite(case.values) & np.isfinite(np.diagonal(noise, axis1=1, axis2=2))
    both = seen[:, :, None] & seen[:, None, :]
    R = np.where(seen[:, :, None], matrices, 0.0)
    S = np.where(both, noise, np.eye(m))
    y = np.where(seen, case.values, 0.0)
    columns = []
    for log_weight, mean, lower in zip(log_weights, means, factors, strict=True):
        T = R @ (lower @ lower.T) @ R.transpose(0, 2, 1) + S
        residual = y - R @ mean
        L, z = np.zeros(T.shape, dtype=complex), np.zeros(y.shape, dtype=complex)
        column = log_weight - 0.5 * seen.sum(axis=1) * np.log(2 * np.pi)
        for i in range(m):
            for j in range(i + 1):
                rest = T[:, i, j] - (L[:, i, :j] * L[:, j, :j]).sum(axis=1)
                L[:, i, j] = np.sqrt(rest) if i == j else rest / L[:, j, j]
            z[:, i] = (residual[:, i] - (L[:, i, :i] * z[:, :i]).sum(axis=1)) / L[:, i, i]
            column = column - np.log(L[:, i, i]) - z[:, i] * z[:, i] / 2
        columns.append(column)
    s = np.ones(len(y)) if case.weight is None else case.weight
    normaliser = _analytic_logsumexp(np.asarray(log_weights))
    return s @ (_analytic_logsumexp(np.stack(columns)) - normaliser)


def _analytic_logsumexp(terms: Array) -> Any:
    top = terms.real.max(axis=0)
    return top + np.log(np.exp(terms - top).sum(axis=0))

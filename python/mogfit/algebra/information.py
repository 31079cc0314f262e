"""Entropy and Kullback-Leibler divergence of mixtures: estimates, and bounds in closed form."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.gaussian_pairs import (
    Components,
    components_of,
    expected_logs,
    gaussian_of,
    log_product_integrals,
    moments,
)
from mogfit.density.components import check_count
from mogfit.density.protocol import Mixture, mixture_of
from mogfit.errors import DegenerateError, InputError, shape_message
from mogfit.rng import draw_seed

__all__ = [
    "Bounds", "KLBounds", "MonteCarlo", "entropy", "entropy_bounds", "kl_bounds", "kl_divergence",
]  # fmt: skip

Floats = NDArray[np.float64]

# Points evaluated together: what is kept of each is its terms, one for each component.
_CHUNK = 1 << 15
# A component of less weight changes no digit, and may have too little mass to be drawn from.
_LIGHTEST = 1e-30
# Tilts of the lower bound of a divergence; each gives a bound, the best of them is taken.
_TILTS = (0.002, 0.01, 0.04, 0.1, 0.25, 0.5, 0.75)
_ROUNDS = 200
# Points that a regression takes its slopes from, and its rounds: each mends rounding of the last.
_FOR_SLOPES, _REFINEMENTS = 4096, 3


class MonteCarlo(NamedTuple):
    """An estimate from random draws.

    Attributes
    ----------
    value : float
        In nats.
    standard_error : float
        Its standard deviation, were the draws repeated.
    """

    value: float
    standard_error: float


class Bounds(NamedTuple):
    """Two numbers between which a third lies.

    Attributes
    ----------
    lower, upper : float
        In nats.
    """

    lower: float
    upper: float


class KLBounds(NamedTuple):
    """Bounds of a Kullback-Leibler divergence, and approximations that are none; all in nats.

    Attributes
    ----------
    lower, upper : float
        The best bounds: the divergence lies between them.
    variational_upper : float
        An upper bound: the variational one of Hershey & Olsen (2007).
    variational : float
        Their variational approximation; below or above the divergence.
    product : float
        The approximation by products of Gaussians; below or above the divergence.
    matched : float
        The approximation by matching components (Goldberger, Gordon & Greenspan 2003); an upper
        bound only where the matching is one to one.
    gaussian : float
        The divergence of two Gaussians with the mean and covariance of the mixtures; below or
        above the divergence. NaN where a domain is so far away, thousands of standard deviations,
        that rounding leaves no covariance.
    """

    lower: float
    upper: float
    variational_upper: float
    variational: float
    product: float
    matched: float
    gaussian: float


def entropy(mog: Mixture, size: int, rng: Any) -> MonteCarlo:
    """E[-log p(x)]; see `MixtureOfGaussians`."""
    count = check_count(size, "size", 1)
    f = components_of(mog)
    return _expectation(f, [f], [-1.0], count, draw_seed(rng))


def kl_divergence(mog: Mixture, other: Any, size: int, rng: Any) -> MonteCarlo:
    """E[log p(x) - log q(x)] for x ~ p; see `MixtureOfGaussians`."""
    count = check_count(size, "size", 1)
    f, g = _pair(mog, other)
    seed = draw_seed(rng)
    if not _contained(f, g):
        return MonteCarlo(float("inf"), 0.0)
    return _expectation(f, [f, g], [1.0, -1.0], count, seed)


def _pair(mog: Mixture, other: Any) -> tuple[Components, Components]:
    second = mixture_of(other, "other")
    if second.nvars != mog.nvars:
        raise InputError(
            shape_message(
                "other", second.mus.shape, f"{mog.nvars} variables", other="this mixture",
                other_shape=mog.mus.shape,
            )
        )  # fmt: skip
    return components_of(mog), components_of(second)


def _contained(f: Components, g: Components) -> bool:
    """Whether the domain of g holds that of f: outside of it log g is minus infinity."""
    if g.bounds is None:
        return True
    if f.bounds is None:
        return False
    return bool((g.bounds[0] <= f.bounds[0]).all() and (f.bounds[1] <= g.bounds[1]).all())


# -- estimates -----------------------------------------------------------------------------------


def _expectation(
    f: Components, densities: list[Components], factors: list[float], size: int, seed: int
) -> MonteCarlo:
    """E[sum_j factors_j log p_j(x)] for x ~ f.

    Every component of f is drawn from on its own, in proportion to its weight, and what is
    estimated there is compared with the log densities of all components, whose expectations are
    known: a regression on them takes their part of the variance away (control variates; Owen 2013,
    "Monte Carlo theory, methods and examples", section 8.9). Nothing is left of it where one
    component dominates, or for one component each.
    """
    known = np.concatenate([expected_logs(f, g) for g in densities], axis=1)
    value = variance = 0.0
    prepared = [
        _core.PreparedMixture.from_factors(g.log_weights, g.mus, g.factors, g.bounds)
        for g in (f, *densities)
    ]
    seeds = np.random.SeedSequence(seed).generate_state(len(f.weights), np.uint64)
    for a, weight in enumerate(f.weights):
        if weight < _LIGHTEST:
            continue
        # So many that the regression has points to spare.
        count = max(int(np.ceil(weight * size)), 4 * known.shape[1] + 16)
        alone = np.where(np.arange(len(f.weights)) == a, 0.0, -np.inf)
        points, _ = _core.sample(prepared[0].with_log_weights(alone), count, int(seeds[a]))
        terms = np.empty((count, known.shape[1]))
        wanted = np.zeros(count)
        for first in range(0, count, _CHUNK):
            rows, column = slice(first, first + _CHUNK), 0
            for g, of_g, factor in zip(densities, prepared[1:], factors, strict=True):
                block = _core.component_logpdf(of_g, points[rows])
                terms[rows, column : column + of_g.ngauss] = block
                column += of_g.ngauss
                wanted[rows] += factor * _log_sums(g, block)
        mean, error = _regressed(wanted, terms, known[a])
        value += weight * mean
        variance += (weight * error) ** 2
    return MonteCarlo(float(value), float(np.sqrt(variance)))


def _regressed(values: Floats, terms: Floats, known: Floats) -> tuple[float, float]:
    """Mean of the values, corrected by terms whose means are known; and its standard error."""
    centre, mean = terms.mean(axis=0), values.mean()
    offsets, rest = terms - centre, values - mean
    scale = np.sqrt(np.einsum("ni,ni->i", offsets, offsets) / len(offsets))
    scale[scale == 0] = 1.0
    offsets /= scale
    # Slopes from some of the points are as good; products of matrices are all this takes, for a
    # least-squares solver's many small steps each wait for threads that are busy elsewhere.
    some = slice(max(_FOR_SLOPES, 8 * len(known)))
    gram = offsets[some].T @ offsets[some]
    lengths, axes = np.linalg.eigh(gram)
    # What cannot be told apart is left out.
    apart = lengths > 1e-12 * lengths[-1]
    inverse = axes[:, apart] / lengths[apart] @ axes[:, apart].T
    slopes = np.zeros(len(known))
    for _ in range(_REFINEMENTS):
        change = inverse @ (offsets[some].T @ rest[some])
        slopes += change
        rest -= offsets @ change
    freedom = max(len(rest) - int(apart.sum()) - 1, 1)
    error = np.sqrt(rest @ rest / freedom / len(rest))
    return float(mean + (known - centre) / scale @ slopes), float(error)


# -- bounds --------------------------------------------------------------------------------------


def entropy_bounds(mog: Mixture) -> Bounds:
    """Bounds of the entropy in closed form; see `MixtureOfGaussians`."""
    f = components_of(mog)
    logs = expected_logs(f, f)
    own = -np.diag(logs)
    conditional = f.weights @ own
    affinities = log_product_integrals(f, f, 0.5, 0.5)
    np.fill_diagonal(affinities, 0.0)
    lower = max(
        float(conditional - f.weights @ _log_sums(f, affinities)),
        float(-f.weights @ _log_sums(f, log_product_integrals(f, f))),
    )
    upper = float(conditional - f.weights @ _log_sums(f, logs + own[:, None]))
    whole = _gaussian_like(f)
    if whole is not None:
        upper = min(upper, float(-expected_logs(whole, whole)[0, 0]))
    # For one component the two are one number, but for rounding.
    return Bounds(min(lower, upper), upper)


def _log_sums(g: Components, logs: Floats) -> Floats:
    """log sum_b w_b e^(logs_ab) of every row a."""
    terms = logs + g.log_weights
    top = terms.max(axis=1)
    return top + np.log(np.exp(terms - top[:, None]).sum(axis=1))


def _gaussian_like(f: Components) -> Components | None:
    """The Gaussian with the mean and covariance of the mixture inside its domain.

    None where the domain is so many standard deviations away that rounding leaves no covariance.
    """
    offsets, covariances = moments(f)
    means = f.mus + offsets
    mean = f.weights @ means
    apart = means - mean
    between = np.einsum("k,ki,kj->ij", f.weights, apart, apart)
    try:
        return gaussian_of(mean, np.einsum("k,kij->ij", f.weights, covariances) + between)
    except DegenerateError:
        return None


def kl_bounds(mog: Mixture, other: Any) -> KLBounds:
    """Bounds and approximations of the divergence in closed form; see `MixtureOfGaussians`."""
    f, g = _pair(mog, other)
    if not _contained(f, g):
        return KLBounds(*[float("inf")] * 7)
    inner, outer = expected_logs(f, f), expected_logs(f, g)
    own = -np.diag(inner)
    # -D(f_a || f_a') and -D(f_a || g_b).
    within, across = inner + own[:, None], outer + own[:, None]
    apart = f.weights @ (_log_sums(f, within) - _log_sums(g, across))
    squares = _log_sums(f, log_product_integrals(f, f))
    products = _log_sums(g, log_product_integrals(f, g))
    variational_upper = _variational_upper(f, g, across)
    durrieu = float(f.weights @ (squares - _log_sums(g, across) + own))
    upper = min(variational_upper, max(durrieu, 0.0))
    lower = f.weights @ (_log_sums(f, within) - own - _highest_cross_terms(f, g, own, products))
    return KLBounds(
        min(max(float(lower), 0.0), upper),
        upper,
        variational_upper,
        float(apart),
        float(f.weights @ (squares - products)),
        _matched(f, g, across),
        _divergence(_gaussian_like(f), _gaussian_like(g)),
    )


def _highest_cross_terms(f: Components, g: Components, own: Floats, products: Floats) -> Floats:
    r"""Upper bounds of E[log g(x)] for x ~ f_a, (A,).

    By Jensen's inequality it is at most log E[g(x)], of Durrieu, Thiran & Kelly (2012); and with
    0 < s < 1, as (sum_b u_b)^s <= sum_b u_b^s, at most

    .. math:: -H(f_a) + \frac{1}{s} \log \sum_b w_b^s \int f_a^{1-s} g_b^s,

    which for one component tends to E[log g(x)] as s to 0.
    """
    if len(g.weights) == 1:
        return expected_logs(f, g)[:, 0]
    best = products
    for s in _TILTS:
        logs = log_product_integrals(f, g, 1.0 - s, s) + s * g.log_weights
        best = np.minimum(best, np.logaddexp.reduce(logs, axis=1) / s - own)
    return best


def _variational_upper(f: Components, g: Components, across: Floats) -> float:
    """The smallest D(phi || psi) + sum_ab phi_ab D(f_a || g_b), by turns in phi and psi.

    phi splits the weights of f over the components of g, psi those of g over the components of f.
    Whatever they are it is a bound, and every turn lowers it.
    """
    of_f, of_g = f.log_weights[:, None], g.log_weights
    phi = of_f + of_g + np.zeros_like(across)
    bound = np.inf
    for _ in range(_ROUNDS):
        terms = of_g + _normalised(phi, 0) + across
        phi = of_f + _normalised(terms, 1)
        shares = np.exp(phi)
        before = bound
        # Where nothing is shared 0 log 0 is 0.
        bound = float(np.where(shares > 0, shares * (phi - terms), 0.0).sum())
        if not bound < before - 1e-12 * abs(bound):
            break
    return max(bound, 0.0)


def _normalised(logs: Floats, axis: int) -> Floats:
    """Logarithms less that of the sum of their exponentials along an axis."""
    # In this order logarithms of any size leave a sum of one to rounding.
    relative = logs - logs.max(axis=axis, keepdims=True)
    return relative - np.log(np.exp(relative).sum(axis=axis, keepdims=True))


def _matched(f: Components, g: Components, across: Floats) -> float:
    """Every component of f beside the one of g that costs least."""
    costs = -across - g.log_weights
    return float(f.weights @ (costs.min(axis=1) + f.log_weights))


def _divergence(f: Components | None, g: Components | None) -> float:
    """D(f_0 || g_0); NaN where one of them is not known."""
    if f is None or g is None:
        return float("nan")
    return float(expected_logs(f, f)[0, 0] - expected_logs(f, g)[0, 0])

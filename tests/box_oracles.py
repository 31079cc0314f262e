"""Probabilities of boxes under a Gaussian, to 20 digits and more, for the tests of the core.

P(lower <= X <= upper) with X ~ N(mean, covariance), in mpmath numbers from the exact values of the
doubles given. Several methods that share nothing with one another, each exact up to a quadrature
whose error is far below the digits asked for:

* `interval`: one dimension, the complementary error function on the side without cancellation;
* `probability`: integrals over one variable of the probability of the others given it;
* `one_factor`: covariance l l^T + diag(v), any l: one integral in any dimension, and so are the
  derivatives (Dunnett & Sobel 1955); every 2 x 2 covariance is of this form;
* `chain`: the correlation of i and j is the product of the links between (a Markov chain): a
  product of kernels at Gauss-Legendre nodes, in any dimension;
* `orthant`: the closed forms of orthants in two and three dimensions (Sheppard 1899);
* `edge_gradient`: derivatives as integrals over the sides of the box, one dimension less.

Integrals run over densities that are log-concave (a marginal of a log-concave function is:
Prekopa 1973), so the hump is found, bracketed and bisected until the digits hold, however narrow
or far away it is.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath
import numpy as np
from scipy.optimize import lsq_linear

DIGITS = 30
_GUARD = 20  # a narrow box and a difference of sides cost digits
_FAR = 1000.0  # further out, in standard deviations, no hump of these tests lies


class Box(NamedTuple):
    """Probability, its gradient in the mean (d,) and its Hessian in the mean (d, d).

    Sides diffuse: the derivative in the covariance is half the Hessian in the mean (Plackett
    1954), dZ = sum_ij H_ij / 2 dSigma_ij for symmetric dSigma.
    """

    z: Any
    gradient: list[Any]
    hessian: list[list[Any]]


def exact(values: Any) -> Any:
    """Nested lists of mpmath numbers with the very values of the doubles; mpmath passes as is."""
    if np.ndim(values):
        return [exact(value) for value in values]
    return values if isinstance(values, mpmath.mpf) else mpmath.mpf(float(values))


def precise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run with `digits` (a keyword) and some more; nested calls keep the digits in force."""

    @functools.wraps(function)
    def run(*arguments: Any, digits: int = DIGITS, **options: Any) -> Any:
        with mpmath.workdps(digits + _GUARD):
            return function(*arguments, digits=digits, **options)

    return run


# Quadrature


@functools.cache
def legendre(count: int, dps: int) -> list[tuple[Any, Any]]:
    """Nodes and weights of Gauss & Legendre on [-1, 1], by Newton's method."""
    rule = []
    with mpmath.workdps(dps + 10):
        for i in range(count):
            x = mpmath.cos(mpmath.pi * (i + 0.75) / (count + 0.5))
            for _ in range(100):
                before, here = mpmath.mpf(1), x
                for k in range(2, count + 1):
                    before, here = here, ((2 * k - 1) * x * here - (k - 1) * before) / k
                slope = count * (x * here - before) / (x * x - 1)
                step = here / slope
                x -= step
                if abs(step) < mpmath.mpf(10) ** (-dps - 5):
                    break
            rule.append((x, 2 / ((1 - x * x) * slope * slope)))
    return rule


def panel(function: Callable[[Any], Any], lower: Any, upper: Any, count: int) -> tuple[Any, Any]:
    """Integrals of a vector function over one panel, and of its absolute values."""
    half, middle = (upper - lower) / 2, (upper + lower) / 2
    rule = legendre(count, mpmath.mp.dps)
    values = [[half * w * y for y in function(middle + half * x)] for x, w in rule]
    columns = list(zip(*values, strict=True))
    return [mpmath.fsum(c) for c in columns], [mpmath.fsum(c, absolute=True) for c in columns]


def log_concave_integral(
    function: Callable[[Any], Sequence[Any]], lower: Any, upper: Any, digits: int
) -> list[Any]:
    """Integrate a vector function whose first entry is log-concave and bounds the others' reach.

    Panels are bisected until each entry's change is 10^-digits of the integral of its absolute
    value.
    """
    lo, hi = max(lower, mpmath.mpf(-_FAR)), min(upper, mpmath.mpf(_FAR))

    def height(x: Any) -> Any:
        return mpmath.log(function(x)[0])

    with mpmath.workdps(mpmath.mp.dps - digits + 15):
        golden = (mpmath.sqrt(5) - 1) / 2
        a, b = lo, hi
        x, y = b - golden * (b - a), a + golden * (b - a)
        fx, fy = height(x), height(y)
        while b - a > 1e-4 * (hi - lo) or abs(fx - fy) > 0.1:
            if fx < fy:
                a, x, fx = x, y, fy
                y = a + golden * (b - a)
                fy = height(y)
            else:
                b, y, fy = y, x, fx
                x = b - golden * (b - a)
                fx = height(x)
        mode, top = (x, fx) if fx > fy else (y, fy)
        fall = mpmath.log(10) * (digits + 8)
        ends = []
        for limit in (lo, hi):
            inside, outside = mode, limit
            if top - height(limit) > fall:
                while abs(outside - inside) > 0.02 * abs(outside - mode):
                    middle = (inside + outside) / 2
                    if top - height(middle) > fall:
                        outside = middle
                    else:
                        inside = middle
            elif abs(limit) == _FAR:
                raise ArithmeticError(f"the hump at {mode} reaches beyond {limit}")
            ends.append(outside)
    count = digits + 2
    cuts = [ends[0] + (mode - ends[0]) * k / 2 for k in range(3)]
    cuts += [mode + (ends[1] - mode) * k / 2 for k in range(1, 3)]
    work = [(p, q, *panel(function, p, q, count)) for p, q in itertools.pairwise(cuts) if p < q]
    entries = range(len(work[0][2]))
    scale = [mpmath.fsum(w[3][k] for w in work) for k in entries]
    done = []
    tolerance = mpmath.mpf(10) ** -digits
    for _ in range(40):
        if not work:
            return [mpmath.fsum(w[k] for w in done) for k in entries]
        later = []
        for p, q, whole, _ in work:
            middle = (p + q) / 2
            halves = [(s, t, *panel(function, s, t, count)) for s, t in ((p, middle), (middle, q))]
            both = [halves[0][2][k] + halves[1][2][k] for k in entries]
            scale = [max(scale[k], halves[0][3][k] + halves[1][3][k]) for k in entries]
            if all(abs(both[k] - whole[k]) <= tolerance * scale[k] for k in entries):
                done.append(both)
            else:
                later += halves
        work = later
    raise ArithmeticError("no convergence")


# One dimension


def density(x: Any) -> Any:
    """Standard normal density; 0 at infinity."""
    return mpmath.npdf(x) if mpmath.isfinite(x) else mpmath.mpf(0)


def interval(lower: Any, upper: Any) -> Any:
    """P(lower <= X <= upper) for a standard normal X, from the tail that does not cancel."""
    root = mpmath.sqrt(2)
    if lower >= 0:
        return (mpmath.erfc(lower / root) - mpmath.erfc(upper / root)) / 2
    if upper <= 0:
        return (mpmath.erfc(-upper / root) - mpmath.erfc(-lower / root)) / 2
    return 1 - (mpmath.erfc(-lower / root) + mpmath.erfc(upper / root)) / 2


def interval_slopes(lower: Any, upper: Any) -> tuple[Any, Any, Any]:
    """P(lower <= X + m <= upper) at m = 0, with its first and second derivatives in m."""
    at_lower, at_upper = density(lower), density(upper)
    first = at_lower - at_upper
    second = (lower * at_lower if at_lower else 0) - (upper * at_upper if at_upper else 0)
    return interval(lower, upper), first, second


# Two and three dimensions, one variable after the other


def standardised(mean: Any, covariance: Any, lower: Any, upper: Any) -> tuple[Any, Any, Any]:
    """Correlation matrix and standardised sides."""
    mean, covariance, lower, upper = map(exact, (mean, covariance, lower, upper))
    d = range(len(mean))
    s = [mpmath.sqrt(covariance[i][i]) for i in d]
    correlation = [[covariance[i][j] / (s[i] * s[j]) for j in d] for i in d]
    return (
        correlation,
        [(lower[i] - mean[i]) / s[i] for i in d],
        [(upper[i] - mean[i]) / s[i] for i in d],
    )


def given_first(covariance: Any) -> tuple[list[Any], list[list[Any]]]:
    """Slopes and covariance of the other variables given the first."""
    d = range(1, len(covariance))
    slope = [covariance[i][0] / covariance[0][0] for i in d]
    rest = [[covariance[i][j] - slope[i - 1] * covariance[0][j] for j in d] for i in d]
    return slope, rest


@precise
def probability(mean: Any, covariance: Any, lower: Any, upper: Any, digits: int = DIGITS) -> Any:
    """P(lower <= X <= upper) in d <= 3, by d - 1 nested integrals."""
    if not mean:
        return mpmath.mpf(1)
    correlation, a, b = standardised(mean, covariance, lower, upper)
    if len(a) == 1:
        return interval(a[0], b[0])
    slope, rest = given_first(correlation)
    if len(a) == 2:
        s = mpmath.sqrt(rest[0][0])

        def integrand(x: Any) -> list[Any]:
            move = slope[0] * x
            return [mpmath.npdf(x) * interval((a[1] - move) / s, (b[1] - move) / s)]
    else:

        def integrand(x: Any) -> list[Any]:
            others = probability([m * x for m in slope], rest, a[1:], b[1:], digits=digits + 2)
            return [mpmath.npdf(x) * others]

    return log_concave_integral(integrand, a[0], b[0], digits)[0]


@precise
def edge_gradient(mean: Any, covariance: Any, lower: Any, upper: Any, digits: int = DIGITS) -> Box:
    """Probability and derivatives from the sides of the box, d <= 3.

    Moving the mean moves mass through the sides: dZ/dm_i is the density of x_i at the lower side
    times the probability of the others given x_i there, less the same at the upper side. Once
    more of each such product gives the Hessian.
    """
    mean, covariance, lower, upper = map(exact, (mean, covariance, lower, upper))
    d = len(mean)
    gradient = [mpmath.mpf(0)] * d
    hessian = [[mpmath.mpf(0)] * d for _ in range(d)]
    for i in range(d):
        order = [i, *(j for j in range(d) if j != i)]
        slope, rest = given_first([[covariance[j][k] for k in order] for j in order])
        s = mpmath.sqrt(covariance[i][i])
        for side, sign in ((lower[i], 1), (upper[i], -1)):
            if not mpmath.isfinite(side):
                continue
            away = side - mean[i]
            height = sign * density(away / s) / s
            others = order[1:]
            below = edge_gradient(
                [mean[j] + m * away for j, m in zip(others, slope, strict=True)],
                rest,
                [lower[j] for j in others],
                [upper[j] for j in others],
                digits=digits,
            )
            gradient[i] += height * below.z
            hessian[i][i] += height * below.z * away / covariance[i][i]
            for j, m, g in zip(others, slope, below.gradient, strict=True):
                hessian[i][i] -= height * g * m
                hessian[i][j] += height * g
    z = probability(mean, covariance, lower, upper, digits=digits)
    return Box(z, gradient, hessian)


# One factor


@precise
def one_factor(
    mean: Any,
    loadings: Any,
    specific: Any,
    lower: Any,
    upper: Any,
    digits: int = DIGITS,
    slopes: bool = True,
) -> Box:
    """Probability and derivatives for the covariance l l^T + diag(v), in any dimension.

    X = mean + l f + sqrt(v) e with f and e independent standard normal: given f the variables are
    independent, Z = int phi(f) prod_i P_i(f) df, and derivatives in the mean act on the P_i.
    """
    mean, loadings, specific, lower, upper = map(exact, (mean, loadings, specific, lower, upper))
    d = range(len(mean))
    s = [mpmath.sqrt(v) for v in specific]
    a = [(lower[i] - mean[i]) / s[i] for i in d]
    b = [(upper[i] - mean[i]) / s[i] for i in d]
    load = [loadings[i] / s[i] for i in d]
    pairs = list(itertools.combinations(d, 2))

    def integrand(f: Any) -> list[Any]:
        if not slopes:
            factors = [interval(a[i] - load[i] * f, b[i] - load[i] * f) for i in d]
            return [mpmath.npdf(f) * mpmath.fprod(factors)]
        terms = [interval_slopes(a[i] - load[i] * f, b[i] - load[i] * f) for i in d]
        z = mpmath.npdf(f) * mpmath.fprod(t[0] for t in terms)
        if not z:
            return [z] * (1 + 2 * len(terms) + len(pairs))
        first = [t[1] / t[0] / s[i] for i, t in enumerate(terms)]
        second = [t[2] / t[0] / specific[i] for i, t in enumerate(terms)]
        mixed = [first[i] * first[j] for i, j in pairs]
        return [z, *(z * r for r in (*first, *second, *mixed))]

    infinity = mpmath.inf
    values = log_concave_integral(integrand, -infinity, infinity, digits)
    if not slopes:
        return Box(values[0], [], [])
    n = len(s)
    hessian = [[values[1 + n + i]] * n for i in d]
    for (i, j), value in zip(pairs, values[1 + 2 * n :], strict=True):
        hessian[i][j] = hessian[j][i] = value
    return Box(values[0], values[1 : 1 + n], hessian)


def one_factor_of_pair(covariance: Any) -> tuple[list[Any], list[Any]]:
    """Loadings and specific variances of a 2 x 2 covariance, at the precision in force."""
    (p, c), (_, r) = exact(covariance)
    rho = c / mpmath.sqrt(p * r)
    share = mpmath.sqrt(abs(rho))
    return (
        [share * mpmath.sqrt(p), mpmath.sign(rho) * share * mpmath.sqrt(r)],
        [p * (1 - abs(rho)), r * (1 - abs(rho))],
    )


# A Markov chain


@precise
def chain(links: Any, lower: Any, upper: Any, digits: int = DIGITS, panels: int = 8) -> Any:
    """P of a box for unit variances, means 0 and correlations prod(links between).

    Given x_i, x_(i+1) is normal with mean r_i x_i and variance 1 - r_i^2. Open sides end where
    the marginal has 10^-(digits + 10) left, so Z must not be small: none of its digits are lost
    down to Z = 10^-10. Converged when more `panels` change nothing.
    """
    links, lower, upper = map(exact, (links, lower, upper))
    reach = mpmath.sqrt(2 * (digits + 20) * mpmath.log(10))
    rule = legendre(digits, mpmath.mp.dps)
    grids = []
    for a, b in zip(lower, upper, strict=True):
        a, b = max(a, -reach), min(b, reach)
        half = (b - a) / (2 * panels)
        grids.append(
            [(a + half * (2 * p + 1 + x), half * w) for p in range(panels) for x, w in rule]
        )
    mass = [w * mpmath.npdf(x) for x, w in grids[0]]
    for r, here, there in zip(links, grids[:-1], grids[1:], strict=True):
        s = mpmath.sqrt(1 - r * r)
        scaled = [(r * x / s, m) for (x, _), m in zip(here, mass, strict=True)]
        cut = mpmath.mpf(10) ** (-digits - 20)
        scaled = [(x, m) for x, m in scaled if m > cut * max(mass)]
        mass = [
            w / s * mpmath.fsum(m * mpmath.exp(-((y / s - x) ** 2) / 2) for x, m in scaled)
            for y, w in there
        ]
        mass = [m / mpmath.sqrt(2 * mpmath.pi) for m in mass]
    return mpmath.fsum(mass)


def chain_covariance(links: Sequence[float]) -> Any:
    """Correlation matrix of `chain`; exact in doubles for links of a few bits."""
    d = len(links) + 1
    matrix = np.eye(d)
    for i, j in itertools.combinations(range(d), 2):
        matrix[i, j] = matrix[j, i] = np.prod(links[i:j])
    return matrix


# Closed forms


@precise
def orthant(covariance: Any, digits: int = DIGITS) -> Any:
    """P(all X_i >= 0) of zero means in two or three dimensions."""
    covariance = exact(covariance)
    d = len(covariance)
    angles = mpmath.fsum(
        mpmath.asin(covariance[i][j] / mpmath.sqrt(covariance[i][i] * covariance[j][j]))
        for i, j in itertools.combinations(range(d), 2)
    )
    return mpmath.mpf(2) ** -d + angles / ((2 if d == 2 else 4) * mpmath.pi)


@precise
def truncated_moments(
    mean: float, variance: float, lower: float, upper: float, digits: int = DIGITS
) -> tuple[Any, Any]:
    """E[x - mean | box] and E[(x - mean)^2 | box] - variance in one dimension."""
    mean, variance, lower, upper = map(exact, (mean, variance, lower, upper))
    s = mpmath.sqrt(variance)
    z, first, second = interval_slopes((lower - mean) / s, (upper - mean) / s)
    return s * first / z, variance * second / z


# Derivatives of log Z


class LogBox(NamedTuple):
    """log Z, d log Z / d mean (d,) and d log Z / d covariance (d, d)."""

    log_z: Any
    dmean: list[Any]
    dcovariance: list[list[Any]]


@precise
def log_derivatives(box: Box, digits: int = DIGITS) -> LogBox:
    """The derivatives of log Z from those of Z."""
    return LogBox(
        mpmath.log(box.z),
        [g / box.z for g in box.gradient],
        [[h / (2 * box.z) for h in row] for row in box.hessian],
    )


@precise
def differences(
    log_z: Callable[[list[Any], list[list[Any]]], Any],
    mean: Any,
    covariance: Any,
    digits: int = DIGITS,
    step: float = 1e-4,
    levels: int = 5,
) -> LogBox:
    """Derivatives by central differences of `log_z`, extrapolated (Richardson).

    Steps are in units of the standard deviations, halved at each of the `levels`; the error is
    about step^(2 levels), plus the error of log_z divided by the last step. `log_z` takes mpmath
    numbers.
    """
    mean, covariance = exact(mean), exact(covariance)
    d = range(len(mean))
    s = [mpmath.sqrt(covariance[i][i]) for i in d]

    def slope(value: Callable[[Any], Any]) -> Any:
        h = mpmath.mpf(step)
        row: list[Any] = []
        for _ in range(levels):
            new = [(value(h) - value(-h)) / (2 * h)]
            for k, old in enumerate(row):
                new.append(new[k] + (new[k] - old) / (4 ** (k + 1) - 1))
            row, h = new, h / 2
        return row[-1]

    def moved_mean(i: int, h: Any) -> Any:
        return [m + (h * s[i] if k == i else 0) for k, m in enumerate(mean)]

    def moved_covariance(i: int, j: int, h: Any) -> Any:
        return [
            [covariance[k][m] + (h * s[i] * s[j] if (k, m) in {(i, j), (j, i)} else 0) for m in d]
            for k in d
        ]

    def by_mean(i: int) -> Any:
        return slope(lambda h: log_z(moved_mean(i, h), covariance)) / s[i]

    def by_covariance(i: int, j: int) -> Any:
        both = slope(lambda h: log_z(mean, moved_covariance(i, j, h))) / (s[i] * s[j])
        return both if i == j else both / 2  # both entries of the pair moved

    return LogBox(
        log_z(mean, covariance),
        [by_mean(i) for i in d],
        [[by_covariance(i, j) for j in d] for i in d],
    )


def nearest(mean: Any, covariance: Any, lower: Any, upper: Any) -> float:
    """Squared Mahalanobis distance of the mean from the nearest point of the box, in doubles."""
    s = np.sqrt(np.diagonal(covariance))
    low = (np.asarray(lower) - mean) / s
    high = (np.asarray(upper) - mean) / s
    if ((low <= 0) & (high >= 0)).all():
        return 0.0
    white = np.linalg.inv(np.linalg.cholesky(covariance / np.outer(s, s)))
    result = lsq_linear(white, np.zeros(len(s)), (low, high), method="bvls", tol=1e-14)
    return float(2 * result.cost)

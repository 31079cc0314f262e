"""Mixtures mapped, multiplied, and with noise added."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.derived import DerivedDensity, Source, source_of
from mogfit.algebra.marginals import marginal_parts
from mogfit.algebra.parts import MixtureParts, bounds_of, check_names, open_or
from mogfit.density.components import real_array
from mogfit.density.conditioning import solve_lower
from mogfit.density.protocol import Mixture, mixture_of
from mogfit.errors import DomainError, InputError, place, shape_message, shorten
from mogfit.noise_covariances import correlations

__all__ = ["affine", "convolve", "product"]

Floats = NDArray[np.float64]

# Correlations of noise: how asymmetric they may be, how far below 0 an eigenvalue is rounding, and
# how far above 0 it still is.
_ASYMMETRY = 1e-10
_INDEFINITE = 1e-10
_SINGULAR = 1e-13


def affine(mog: Mixture, A: Any, b: Any = None, names: Any = None) -> MixtureParts | DerivedDensity:
    r"""The density of y = A x + b: means A mu_k + b, covariances A Sigma_k A^T.

    A truncated mixture gives one again where every bounded variable is, but for scale and origin,
    one of the new ones, or is integrated out and independent of the others. Otherwise the result
    is a `DerivedDensity`.

    Parameters
    ----------
    mog : Mixture
    A : array_like of shape (M, V), (V,) or ()
        A matrix of independent rows, or scales of the variables, or of all.
    b : array_like of shape (M,) or (), optional
    names : sequence of str, optional
        Names of the new variables; by default those of the variables that they are multiples of.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, or the rows of A are not independent.
    NotImplementedError
        If the density is the probability of a polytope that is no box.
    """
    matrix = _matrix(A, mog)
    shift = _shift(b, len(matrix))
    carried = check_names(names, len(matrix)) if names is not None else _carried(matrix, mog.names)
    used = np.flatnonzero(matrix.any(axis=0)).tolist()
    parts = marginal_parts(mog, used)
    box = None if parts is None else _mapped_box(parts.bounds, matrix[:, used], shift)
    if parts is None or box is None:
        what = "truncated mixture after an affine map"
        return DerivedDensity([source_of(mog, matrix)], shift, carried, what)
    matrix = matrix[:, used]
    Sigmas = matrix @ parts.Sigmas @ matrix.T
    return MixtureParts(
        parts.weights,
        parts.mus @ matrix.T + shift,
        0.5 * (Sigmas + Sigmas.transpose(0, 2, 1)),
        open_or(box),
        mog.truncation,
        carried,
    )


def _matrix(A: Any, mog: Mixture) -> Floats:
    """A as a matrix whose rows are independent."""
    array, nvars = real_array(A, "A"), mog.nvars
    if array.ndim < 2:
        if array.ndim and array.shape != (nvars,):
            raise InputError(
                shape_message("A", array.shape, f"a number, {nvars} scales or shape (M, {nvars})")
            )
        array = np.diag(np.broadcast_to(array, nvars))
    elif array.ndim > 2 or array.shape[1] != nvars or not len(array):
        raise InputError(shape_message("A", array.shape, f"a number, scales or (M, {nvars})"))
    # Units are not a matter of rank.
    scaled = array * mog.sigmas.max(axis=0)
    lengths = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    rank = int(np.linalg.matrix_rank(scaled / np.where(lengths > 0, lengths, 1.0)))
    if rank < len(array):
        raise InputError(
            f"A: rank {rank} of {len(array)} rows; allowed: independent rows, no scale of 0; "
            "leave out the variables that others determine"
        )
    return array


def _shift(b: Any, count: int) -> Floats:
    if b is None:
        return np.zeros(count)
    array = real_array(b, "b")
    if array.shape not in ((), (count,)):
        raise InputError(shape_message("b", array.shape, (count,), other="the rows of A"))
    return np.array(np.broadcast_to(array, count))


def _carried(matrix: Floats, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Names of variables that are multiples of the old ones; None where one is not."""
    if names is None or (np.count_nonzero(matrix, axis=1) != 1).any():
        return None
    return tuple(names[i] for i in np.abs(matrix).argmax(axis=1))


def _mapped_box(bounds: Floats | None, matrix: Floats, shift: Floats) -> Floats | None:
    """The domain of A x + b, where it is a box: every bounded variable has a row of its own."""
    box = np.tile([[-np.inf], [np.inf]], len(matrix))
    if bounds is None:
        return box
    own = np.count_nonzero(matrix, axis=1) == 1
    for i in np.flatnonzero(np.isfinite(bounds).any(axis=0)):
        rows = np.flatnonzero(own & (matrix[:, i] != 0))
        if not rows.size:
            return None
        sides = matrix[rows[0], i] * bounds[:, i] + shift[rows[0]]
        box[:, rows[0]] = sides.min(), sides.max()
    return box


def product(mog: Mixture, other: Any) -> tuple[MixtureParts, float]:
    r"""The normalised product of two densities, and the logarithm of its integral.

    N(x; m, S) N(x; n, T) = N(m; n, S + T) N(x; c, C), C^-1 = S^-1 + T^-1, for every pair; the
    domains intersect. With W = L^-1, S = L L^T, and the QR decomposition of the rows of W_S and
    W_T together, Q R, C = R^-1 R^-T and c - x = R^-1 Q^T (W_S (m - x), W_T (n - x)) for any x,
    which loses no digits however different the two are.

    Parameters
    ----------
    mog : Mixture
    other : Mixture, or a fit of one
        In the same variables, which are matched by name where both have names.

    Raises
    ------
    InputError
        If the variables differ.
    DtypeError
        If `other` is no mixture.
    DomainError
        If the domains have no volume in common, or the product is 0 even as a logarithm.
    """
    second = _source_alike(mog, mixture_of(other, "other"), "other")
    first = source_of(mog, np.eye(mog.nvars))
    bounds = np.array(
        [
            np.maximum(first.bounds[0], second.bounds[0]),
            np.minimum(first.bounds[1], second.bounds[1]),
        ]
    )
    apart = np.flatnonzero(~(bounds[0] < bounds[1]))
    if apart.size:
        at = int(apart[0])
        (a, b), (c, d) = second.bounds[:, at], first.bounds[:, at]
        where = place(column=at, name=mog.names[at] if mog.names else None)
        raise DomainError(
            f"other: its domain [{a:g}, {b:g}] does not overlap [{c:g}, {d:g}], at {where}; the "
            "product is 0"
        )
    i, j = (a.ravel() for a in np.indices((len(first.mus), len(second.mus))))
    one, two = first.Sigmas[i], second.Sigmas[j]
    steps = (second.mus[j] - first.mus[i])[:, :, None]
    nvars, pairs = mog.nvars, len(steps)
    both = _core.PreparedMixture(np.ones(pairs), first.mus[i], one + two).factors
    with np.errstate(over="ignore"):
        squares = (solve_lower(both, steps) ** 2).sum((1, 2))
    logs = -0.5 * squares - np.log(both.diagonal(0, 1, 2)).sum(1)
    logs -= 0.5 * nvars * math.log(2.0 * math.pi)
    logs += (first.log_weights - first.log_masses)[i] + (second.log_weights - second.log_masses)[j]
    every = np.broadcast_to(np.eye(nvars), (pairs, nvars, nvars))
    whitened = [
        solve_lower(_core.PreparedMixture(np.ones(pairs), first.mus[i], Sigmas).factors, every)
        for Sigmas in (one, two)
    ]
    Q, R = np.linalg.qr(np.concatenate(whitened, axis=1))
    # R^-1 by the same substitution, from R^T.
    root = solve_lower(R.transpose(0, 2, 1), every).transpose(0, 2, 1)
    mus = first.mus[i]
    # A second step, from where the first one ends, mends the rounding of a long first one.
    for _ in range(2):
        offsets = np.concatenate(
            [
                whitened[0] @ (first.mus[i] - mus)[:, :, None],
                whitened[1] @ (second.mus[j] - mus)[:, :, None],
            ],
            axis=1,
        )
        mus = mus + (root @ (Q.transpose(0, 2, 1) @ offsets))[:, :, 0]
    Sigmas = root @ root.transpose(0, 2, 1)
    Sigmas = 0.5 * (Sigmas + Sigmas.transpose(0, 2, 1))
    box = open_or(bounds)
    inside = logs
    if box is not None:
        inside = logs + _core.PreparedMixture(np.ones(pairs), mus, Sigmas, box).log_masses
    truncation = mog.truncation if mog.domain is not None else mixture_of(other).truncation
    total = float(np.logaddexp.reduce(inside))
    if not total > -np.inf:
        raise DomainError(
            "other: the product is 0 even as a logarithm, below -1.8e308; allowed: mixtures whose "
            "means are within 1e154 standard deviations of each other"
        )
    shares = inside if truncation == "components" else logs
    weights = np.exp(shares - shares.max())
    parts = MixtureParts(weights / weights.sum(), mus, Sigmas, box, truncation, mog.names)
    return parts, total


def _source_alike(mog: Mixture, other: Mixture, argument: str) -> Source:
    """Another mixture, its variables in the order of this one's."""
    nvars = mog.nvars
    if other.nvars != nvars:
        raise InputError(f"{argument}: {other.nvars} variables seen; allowed: {nvars}, as here")
    if mog.names is None or other.names is None or mog.names == other.names:
        return source_of(other, np.eye(nvars))
    if set(mog.names) != set(other.names):
        raise InputError(
            f"{argument}: variables {shorten(other.names)} seen; allowed: {shorten(mog.names)}, in "
            "any order"
        )
    order = np.array([other.names.index(name) for name in mog.names])
    source = source_of(other, np.eye(nvars))
    return source._replace(
        mus=source.mus.take(order, 1),
        Sigmas=source.Sigmas.take(order, 1).take(order, 2),
        bounds=source.bounds.take(order, 1),
    )


def convolve(mog: Mixture, noise: Any) -> MixtureParts | DerivedDensity:
    r"""The density of x + e, for e that is independent of x: covariances Sigma_k + S.

    A truncated mixture gives one again where its bounded variables have no noise. Otherwise
    component k contributes w_k N(y; mu_k, Sigma_k + S) P_k(x in the box | y) / Z_k, a
    `DerivedDensity` (Bovy, Hogg & Roweis 2011, eq. 7, before truncation).

    Parameters
    ----------
    mog : Mixture
    noise : float, or array_like of shape (V,) or (V, V), or a mixture
        Standard deviations of e, 0 or more, or its covariance, which may be singular; or what e
        follows, its weights divided by their sum.

    Raises
    ------
    InputError
        If shapes do not fit, a standard deviation is negative, or the covariance is not one.
    """
    what = "truncated mixture with noise"
    bounds = bounds_of(mog)
    every = np.eye(mog.nvars)
    if hasattr(noise, "mus") or hasattr(noise, "mog"):
        source = _source_alike(mog, mixture_of(noise), "noise")
        logs = source.log_weights - np.logaddexp.reduce(source.log_weights)
        source = source._replace(log_weights=logs)
        if bounds is None and not np.isfinite(source.bounds).any():
            i, j = (a.ravel() for a in np.indices((mog.ngauss, len(logs))))
            weights = mog.weights[i] * np.exp(logs)[j]
            mus, Sigmas = mog.mus[i] + source.mus[j], mog.Sigmas[i] + source.Sigmas[j]
            return MixtureParts(weights, mus, Sigmas, None, mog.truncation, mog.names)
        null = np.vstack([every, -every])
    else:
        S = _noise_covariance(noise, mog.nvars)
        if bounds is None or not S[np.isfinite(bounds).any(axis=0)].any():
            return MixtureParts(
                mog.weights, mog.mus, mog.Sigmas + S, bounds, mog.truncation, mog.names
            )
        root = _root(S)
        count = root.shape[1]
        source = Source(
            np.zeros(1),
            np.zeros((1, count)),
            np.eye(count)[None],
            np.tile([[-np.inf], [np.inf]], count),
            np.zeros(1),
            root,
        )
        null = np.vstack([-root, np.eye(count)])
    return DerivedDensity(
        [source_of(mog, every), source], np.zeros(mog.nvars), mog.names, what, null
    )


def _noise_covariance(noise: Any, nvars: int) -> Floats:
    """Covariance of noise, which may be singular."""
    array = real_array(noise, "noise")
    if array.ndim < 2 and array.shape in ((), (nvars,)):
        if (array < 0).any():
            raise InputError(
                f"noise: {array.min():g} seen; allowed: standard deviations, 0 or more, or a "
                f"covariance of shape ({nvars}, {nvars})"
            )
        return np.diag(np.broadcast_to(array**2, nvars))
    if array.shape != (nvars, nvars):
        allowed = f"a number, {nvars} standard deviations, a covariance ({nvars}, {nvars}) or a"
        raise InputError(shape_message("noise", array.shape, f"{allowed} mixture"))
    variances = np.diag(array)
    if (variances < 0).any():
        raise InputError(f"noise: variance {variances.min():g} seen; allowed: 0 or more")
    scaled = correlations(array)
    asymmetry = np.abs(scaled - scaled.T).max()
    if asymmetry > _ASYMMETRY or array[variances == 0].any() or array[:, variances == 0].any():
        raise InputError(
            "noise: no covariance, for it is not symmetric, or a variable of variance 0 has "
            "covariances; give a symmetric matrix, for example (S + S.T) / 2"
        )
    least = float(np.linalg.eigvalsh(scaled)[0])
    if least < -_INDEFINITE:
        raise InputError(
            f"noise: smallest correlation eigenvalue {least:.3g}; allowed: a covariance, 0 or more"
        )
    return 0.5 * (array + array.T)


def _root(S: Floats) -> Floats:
    """F of full column rank, S = F F^T, with rows of 0 where there is no noise."""
    noisy = np.flatnonzero(np.diag(S))
    values, vectors = np.linalg.eigh(correlations(S)[np.ix_(noisy, noisy)])
    kept = values > _SINGULAR
    root = np.zeros((len(S), int(kept.sum())))
    scale = np.sqrt(np.diag(S)[noisy])
    root[noisy] = scale[:, None] * vectors[:, kept] * np.sqrt(values[kept])
    return root

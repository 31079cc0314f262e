"""The flat parameter vectors of a mixture, and the maps between them.

With G components in V variables and C = V (V - 1) / 2 pairs (1,2), (1,3), ..., (2,3), ...:

``params``
    weights (G), means (G V, component by component), upper triangles of the covariances with the
    diagonal (G V (V + 1) / 2).
``stdcorr``
    weights (G), means (G V), standard deviations (G V), correlations (G C).
``minparams``
    ``stdcorr`` without the weight when G = 1, and 1 + correlation in place of the correlation.
``uparams``
    the unbound vector: ``log(t / (s - t))`` of each entry t of ``minparams`` with scale s > 0,
    the entry itself where the scale is 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.errors import InputError, choice_message, scalar_message, shape_message
from mogfit.fixed import Fixed

__all__ = [
    "STRUCTURES",
    "Stdcorr",
    "bound_to_unbound",
    "correlation_pairs",
    "covariances_from_stdcorr",
    "join_params",
    "join_stdcorr",
    "minparams_from_stdcorr",
    "number_of_parameters",
    "split_params",
    "split_stdcorr",
    "stdcorr_from_covariances",
    "stdcorr_from_minparams",
    "unbound_to_bound",
]

Floats = NDArray[np.float64]

# The families that covariances are taken from: scikit-learn's names, and the tied ones of two more.
STRUCTURES = ("full", "diag", "spherical", "tied", "tied_diag", "tied_spherical")


class Stdcorr(NamedTuple):
    """Weights (G,), means (G, V), standard deviations (G, V) and correlations (G, C)."""

    weights: Floats
    mus: Floats
    sigmas: Floats
    rhos: Floats


def correlation_pairs(nvars: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of each pair of variables, in the order of the flat vectors; read-only."""
    return _upper_triangle(nvars, 1)


@lru_cache(maxsize=64)
def _upper_triangle(nvars: int, diagonal: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    # Kept: making them takes longer than anything else that is done with small vectors.
    rows, columns = np.triu_indices(nvars, diagonal)
    rows.setflags(write=False)
    columns.setflags(write=False)
    return rows, columns


def number_of_parameters(
    ngauss: int, nvars: int, covariance: str = "full", fixed: Fixed | None = None
) -> int:
    """Free parameters of a mixture of G components in V variables.

    G - 1 weights, G V means, and of the covariances: full G V (V + 1) / 2, diag G V, spherical G,
    tied V (V + 1) / 2, tied_diag V, tied_spherical 1; less those that are held.

    Parameters
    ----------
    ngauss, nvars : int
        G and V.
    covariance : str, default "full"
        One of `STRUCTURES`.
    fixed : Fixed, optional
        What is held of which components.

    Raises
    ------
    InputError
        If `covariance` is not one of the structures.

    Examples
    --------
    >>> [number_of_parameters(3, 4, structure) for structure in STRUCTURES]
    [44, 26, 17, 24, 18, 15]
    """
    if covariance not in STRUCTURES:
        raise InputError(choice_message("covariance", covariance, STRUCTURES))
    shape = covariance.removeprefix("tied_")
    one = {"diag": nvars, "spherical": 1}.get(shape, nvars * (nvars + 1) // 2)
    held = Fixed.nothing(ngauss) if fixed is None else fixed
    covariances = ngauss - int(np.count_nonzero(held.covariances))
    if covariance.startswith("tied"):
        covariances = min(covariances, 1)
    # The weights that are free sum to what those held leave.
    weights = max(ngauss - 1 - int(np.count_nonzero(held.weights)), 0)
    means = ngauss - int(np.count_nonzero(held.means))
    return weights + means * nvars + covariances * one


def covariances_from_stdcorr(sigmas: ArrayLike, rhos: ArrayLike) -> Floats:
    """Covariance matrices (G, V, V) from standard deviations (G, V) and correlations (G, C)."""
    sigmas = np.asarray(sigmas, dtype=float)
    ngauss, nvars = sigmas.shape
    correlation = np.empty((ngauss, nvars, nvars))
    correlation[:] = np.eye(nvars)
    i, j = correlation_pairs(nvars)
    correlation[:, i, j] = correlation[:, j, i] = np.asarray(rhos, dtype=float)
    # The product of the sigmas first: both triangles are rounded alike.
    return correlation * (sigmas[:, :, None] * sigmas[:, None, :])


def stdcorr_from_covariances(Sigmas: ArrayLike) -> tuple[Floats, Floats]:
    """Standard deviations (G, V) and correlations (G, C) from covariance matrices (G, V, V)."""
    Sigmas = np.asarray(Sigmas, dtype=float)
    sigmas = np.sqrt(Sigmas.diagonal(0, 1, 2))
    ngauss, nvars = sigmas.shape
    i, j = correlation_pairs(nvars)
    # `take` is several times faster than an index of arrays: mixtures are built by the million.
    pairs = Sigmas.reshape(ngauss, nvars * nvars).take(i * nvars + j, 1)
    return sigmas, pairs / (sigmas.take(i, 1) * sigmas.take(j, 1))


def join_params(weights: Floats, mus: Floats, Sigmas: Floats) -> Floats:
    """The vector ``params``."""
    i, j = _upper_triangle(mus.shape[1], 0)
    return np.concatenate([weights, mus.ravel(), Sigmas[:, i, j].ravel()])


def join_stdcorr(stdcorr: Stdcorr) -> Floats:
    """The vector ``stdcorr``."""
    return np.concatenate([part.ravel() for part in stdcorr])


def _count_components(vector: Floats, nvars: int, name: str) -> int:
    if nvars < 1:
        raise InputError(scalar_message("nvars", nvars, f"1 or more, to read the vector {name!r}"))
    each = 1 + nvars + nvars * (nvars + 1) // 2
    if vector.ndim != 1 or vector.size == 0 or vector.size % each:
        raise InputError(
            shape_message(
                name,
                vector.shape,
                f"one vector of {each} values for each component in {nvars} variables",
            )
        )
    return vector.size // each


def split_params(params: ArrayLike, nvars: int) -> tuple[Floats, Floats, Floats]:
    """Weights, means and covariances from the vector ``params``.

    Raises
    ------
    InputError
        If the length does not belong to a mixture in `nvars` variables.
    """
    vector = np.asarray(params, dtype=float)
    ngauss = _count_components(vector, nvars, "params")
    weights, mus, triangles = np.split(vector, [ngauss, ngauss * (1 + nvars)])
    Sigmas = np.empty((ngauss, nvars, nvars))
    i, j = _upper_triangle(nvars, 0)
    Sigmas[:, i, j] = Sigmas[:, j, i] = triangles.reshape(ngauss, -1)
    return weights, mus.reshape(ngauss, nvars), Sigmas


def split_stdcorr(stdcorr: ArrayLike, nvars: int) -> Stdcorr:
    """Weights, means, standard deviations and correlations from the vector ``stdcorr``.

    Raises
    ------
    InputError
        If the length does not belong to a mixture in `nvars` variables.
    """
    vector = np.asarray(stdcorr, dtype=float)
    ngauss = _count_components(vector, nvars, "stdcorr")
    ends = np.cumsum([ngauss, ngauss * nvars, ngauss * nvars])
    weights, mus, sigmas, rhos = np.split(vector, ends)
    return Stdcorr(
        weights,
        mus.reshape(ngauss, nvars),
        sigmas.reshape(ngauss, nvars),
        rhos.reshape(ngauss, nvars * (nvars - 1) // 2),
    )


def minparams_from_stdcorr(stdcorr: Stdcorr) -> Floats:
    """The vector ``minparams``."""
    shifted = join_stdcorr(stdcorr._replace(rhos=1.0 + stdcorr.rhos))
    return shifted[1:] if len(stdcorr.weights) == 1 else shifted


def stdcorr_from_minparams(minparams: ArrayLike, ngauss: int, nvars: int) -> Floats:
    """The vector ``stdcorr`` from ``minparams`` (MultiMin's ``pmap``)."""
    vector = np.asarray(minparams, dtype=float)
    whole = np.concatenate([[1.0], vector]) if ngauss == 1 else vector.copy()
    pairs = ngauss * (nvars * (nvars - 1) // 2)
    whole[whole.size - pairs :] -= 1.0
    return whole


def bound_to_unbound(values: ArrayLike, scales: ArrayLike) -> Floats:
    """Map each value in (0, scale) to the real line; entries of scale 0 stay as they are."""
    t, s = np.broadcast_arrays(np.asarray(values, dtype=float), np.asarray(scales, dtype=float))
    mapped = np.array(t)
    scaled = s > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mapped[scaled] = np.log(t[scaled] / (s[scaled] - t[scaled]))
    return mapped


def unbound_to_bound(values: ArrayLike, scales: ArrayLike) -> Floats:
    """Inverse of `bound_to_unbound`."""
    u, s = np.broadcast_arrays(np.asarray(values, dtype=float), np.asarray(scales, dtype=float))
    mapped = np.array(u)
    scaled = s > 0
    with np.errstate(over="ignore"):
        mapped[scaled] = s[scaled] / (1.0 + np.exp(-u[scaled]))
    return mapped

"""hypothesis strategies: mixtures that are hard on arithmetic, and data in any layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.oracles import Mixture

Array = NDArray[Any]


def make_mixture(
    nvars: int,
    ngauss: int,
    seed: int = 0,
    *,
    log10_condition: float = 1.0,
    spread: float = 2.0,
    scales: Array | None = None,
    offset: float = 0.0,
) -> Mixture:
    """A random mixture.

    Parameters
    ----------
    nvars, ngauss, seed : int
    log10_condition : float
        Logarithm of the condition number of every covariance, before `scales`.
    spread : float
        Standard deviation of the means, in units of the largest one of the components.
    scales : ndarray of shape (nvars,), optional
        Every column is multiplied by its scale.
    offset : float
        Added to every mean, before the scaling.
    """
    rng = np.random.default_rng([seed, nvars, ngauss])
    eigenvalues = 10.0 ** -np.linspace(0.0, log10_condition if nvars > 1 else 0.0, nvars)
    rotations = np.stack(
        [np.linalg.qr(rng.standard_normal((nvars, nvars)))[0] for _ in range(ngauss)]
    )
    covariances = (rotations * eigenvalues) @ rotations.transpose(0, 2, 1)
    covariances *= rng.uniform(0.5, 2.0, (ngauss, 1, 1))
    means = spread * rng.standard_normal((ngauss, nvars)) + offset
    scales = np.ones(nvars) if scales is None else np.asarray(scales)
    covariances *= np.outer(scales, scales)
    weights = rng.dirichlet(np.full(ngauss, 3.0))
    return Mixture(
        weights / weights.sum(),
        means * scales,
        (covariances + covariances.transpose(0, 2, 1)) / 2,
    )


def make_points(mixture: Mixture, count: int, seed: int = 0, *, inflate: float = 1.0) -> Array:
    """Points of a mixture whose deviations from the means are `inflate` times too large."""
    rng = np.random.default_rng([seed, count])
    labels = rng.choice(len(mixture.weights), size=count, p=mixture.weights)
    z = inflate * rng.standard_normal((count, mixture.means.shape[1]))
    roots = []
    for covariance in mixture.covariances:
        scale = np.sqrt(np.diagonal(covariance))
        values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
        roots.append(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))
    points = np.empty_like(z)
    for k, root in enumerate(roots):
        points[labels == k] = mixture.means[k] + z[labels == k] @ root.T
    return points


@st.composite
def mixtures(
    draw: st.DrawFn,
    max_nvars: int = 20,
    max_ngauss: int = 12,
    max_log10_scale: int = 12,
    max_log10_condition: float = 8.0,
) -> Mixture:
    """Mixtures of any shape: badly scaled, ill conditioned, far from 0, tiny or zero weights."""
    nvars = draw(st.integers(1, max_nvars), label="nvars")
    ngauss = draw(st.integers(1, max_ngauss), label="ngauss")
    exponents = draw(
        st.lists(st.integers(-max_log10_scale, max_log10_scale), min_size=nvars, max_size=nvars)
        | st.just([0] * nvars),
        label="log10 of the scales",
    )
    mixture = make_mixture(
        nvars,
        ngauss,
        draw(st.integers(0, 2**32 - 1), label="seed"),
        log10_condition=draw(st.floats(0.0, max_log10_condition), label="log10 of the condition"),
        spread=draw(st.sampled_from([0.0, 0.1, 2.0, 50.0, 1e6]), label="spread of the means"),
        scales=10.0 ** np.array(exponents, dtype=float),
        offset=draw(st.sampled_from([0.0, 1.0, -1e6, 1e10]), label="offset"),
    )
    weights = mixture.weights.copy()
    for k in range(1, ngauss):
        weights[k] *= draw(st.sampled_from([1.0, 1.0, 1e-3, 1e-200, 0.0]))
    return mixture._replace(weights=weights / weights.sum())


def _strided(x: Array) -> Array:
    wide = np.full((2 * len(x) + 1, 3 * x.shape[1] + 2), np.nan, dtype=x.dtype)
    view = wide[1::2, 2::3]
    view[...] = x
    return view


def _reversed_rows(x: Array) -> Array:
    return np.ascontiguousarray(x[::-1])[::-1]


def _reversed_columns(x: Array) -> Array:
    return np.ascontiguousarray(x[:, ::-1])[:, ::-1]


def _reversed_both(x: Array) -> Array:
    return np.asfortranarray(x[::-1, ::-1])[::-1, ::-1]


def _read_only(x: Array) -> Array:
    copy = np.array(x)
    copy.flags.writeable = False
    return copy


def _columns_of_a_table(x: Array) -> Array:
    table = np.full((len(x), x.shape[1] + 3), np.nan, dtype=x.dtype)
    table[:, 1:-2] = x
    return table[:, 1:-2]


def _rows_of_a_fortran_table(x: Array) -> Array:
    table = np.full((len(x) + 5, x.shape[1]), np.nan, dtype=x.dtype, order="F")
    table[2:-3] = x
    return table[2:-3]


def _off_by_one_value(x: Array) -> Array:
    buffer = np.empty(x.size + 1, dtype=x.dtype)
    buffer[1:] = x.ravel()
    return buffer[1:].reshape(x.shape)


# Ways to lay out a 2-D array in memory; each returns an array equal to the one it is given.
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "reversed rows": _reversed_rows,
    "reversed columns": _reversed_columns,
    "reversed both": _reversed_both,
    "read-only": _read_only,
    "columns of a table": _columns_of_a_table,
    "rows of a Fortran table": _rows_of_a_fortran_table,
    "off by one value": _off_by_one_value,
}


@st.composite
def point_arrays(draw: st.DrawFn, nvars: int, max_rows: int = 600) -> Array:
    """Finite points (N, nvars) as float64 or float32, in any layout."""
    count = draw(st.integers(0, max_rows), label="rows")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="data seed"))
    scale = draw(st.sampled_from([1.0, 1e-3, 1e4]), label="data scale")
    dtype = draw(st.sampled_from([np.float64, np.float32]), label="dtype")
    layout = draw(st.sampled_from(sorted(LAYOUTS)), label="layout")
    return LAYOUTS[layout]((scale * rng.standard_normal((count, nvars))).astype(dtype))

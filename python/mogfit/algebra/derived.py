"""Densities that come of a truncated mixture and are none themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.moments import mixture_moments
from mogfit.algebra.parts import bounds_of, open_or
from mogfit.data import Points, as_points
from mogfit.density.components import check_count
from mogfit.density.domain import domain_pairs
from mogfit.density.linear_image import LinearImage
from mogfit.density.marginal import inside_log_weights
from mogfit.density.protocol import Mixture
from mogfit.rng import draw_seed

__all__ = ["DerivedDensity", "Source", "source_of"]

Floats = NDArray[np.float64]


class Source(NamedTuple):
    """Variables x that others, y = A x + ..., are made of: a mixture, each component truncated.

    Attributes
    ----------
    log_weights : ndarray of shape (G,)
        Shares of the components inside the box; their sum scales the density.
    mus, Sigmas : ndarray of shape (G, n) and (G, n, n)
        Before truncation.
    bounds : ndarray of shape (2, n)
        The box, infinite where it is open.
    log_masses : ndarray of shape (G,)
        What the box holds of each component.
    A : ndarray of shape (M, n)
    """

    log_weights: Floats
    mus: Floats
    Sigmas: Floats
    bounds: Floats
    log_masses: Floats
    A: Floats

    def prepared(self) -> _core.PreparedMixture:
        """The core's mixture of it, with weights that sum to 1."""
        logs = self.log_weights - np.logaddexp.reduce(self.log_weights)
        mixture = _core.PreparedMixture(np.ones(len(logs)), self.mus, self.Sigmas, self.bounds)
        return mixture.with_log_weights(logs)


def source_of(mog: Mixture, A: Floats) -> Source:
    """A mixture as it is now, to be mapped by A."""
    bounds = bounds_of(mog)
    if bounds is None:
        bounds = np.tile([[-np.inf], [np.inf]], mog.nvars)
    return Source(inside_log_weights(mog), mog.mus, mog.Sigmas, bounds, mog.log_masses, A)


class DerivedDensity:
    r"""The density of y = A x + b, x truncated to a box, where it is no truncated mixture.

    It has the density, the draws and the moments of a mixture, exact to rounding where at most
    four bounded variables are left free by y (beyond, to what `MixtureOfGaussians` reaches in as
    many). Component k contributes w_k N(y; A mu_k + b, A Sigma_k A^T) P_k(x in the box | y) / Z_k.

    Such an object is what `MixtureOfGaussians.marginal`, `affine` and `convolve` return where they
    say so.

    Parameters
    ----------
    sources : sequence of Source
        Independent variables x that are mapped and added up.
    b : ndarray of shape (M,)
    names : tuple of str or None
        Names of the M variables y.
    what : str
        What it is, in words.
    null : ndarray, optional
        A basis of the null space of the matrices A side by side, free of rounding errors.

    Attributes
    ----------
    ngauss, nvars : int
        Numbers of components and of variables.
    weights : ndarray of shape (G,)
        Shares of the components; of every pair, the second one running, where there are two
        sources.
    names : tuple of str or None
    domain : list or None
        For each variable (low, high), beyond which the density is 0, or None where there are no
        such limits. It may be 0 elsewhere, too.

    Raises
    ------
    NotImplementedError
        If the density is the probability of a polytope that is no box.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(
    ...     mus=[[0.0, 0.0]], Sigmas=[[[1.0, 0.5], [0.5, 1.0]]], domain=[None, (0, None)]
    ... )
    >>> height = mog.marginal(0)
    >>> height
    DerivedDensity: marginal of a truncated mixture, 1 component in 1 variable
    >>> height.pdf([-1.0, 0.0, 1.0]).round(6)
    array([0.1364  , 0.398942, 0.347542])
    >>> height.mean().round(6)
    array([0.398942])
    """

    def __init__(
        self,
        sources: Sequence[Source],
        b: Floats,
        names: tuple[str, ...] | None,
        what: str,
        null: Floats | None = None,
    ) -> None:
        self._arguments = (tuple(sources), b, names, what, null)
        self._sources, self._b, self._what = tuple(sources), b, what
        self.names = names
        joined = self._sources[0]
        for source in self._sources[1:]:
            joined = _joined(joined, source)
        factors = _core.PreparedMixture(np.ones(len(joined.mus)), joined.mus, joined.Sigmas).factors
        self._log_weights = joined.log_weights
        self._image = LinearImage(
            joined.mus, factors, joined.log_masses, joined.bounds, joined.A, b, null
        )
        self._prepared: list[_core.PreparedMixture] | None = None

    @property
    def ngauss(self) -> int:
        """Number of components."""
        return len(self._log_weights)

    @property
    def nvars(self) -> int:
        """Number of variables."""
        return len(self._b)

    @property
    def weights(self) -> Floats:
        """Shares of the components, of shape (G,)."""
        return np.exp(self._log_weights)

    @property
    def domain(self) -> list[tuple[float, float] | None] | None:
        """For each variable (low, high), beyond which the density is 0, or None."""
        bounds = self._image.bounds
        return domain_pairs(open_or(bounds))

    def pdf(self, X: Any) -> float | Floats:
        """Density at points, as `MixtureOfGaussians.pdf` takes and returns it.

        Parameters
        ----------
        X : array_like of shape (N, V), (V,) for one point, or a scalar or (N,) when V = 1

        Returns
        -------
        float, or ndarray of shape (N,)
        """
        logs = self.logpdf(X)
        return math.exp(logs) if isinstance(logs, float) else np.exp(logs)

    def logpdf(self, X: Any) -> float | Floats:
        """Natural logarithm of the density; takes what `pdf` does. -inf where the density is 0."""
        points = self._points(X)
        terms = self._component_logs(points.values) + self._log_weights
        with np.errstate(invalid="ignore"):  # NaN where a coordinate is
            logs = np.logaddexp.reduce(terms, axis=1)
        return float(logs[0]) if len(logs) == 1 else logs

    def component_logpdf(self, X: Any) -> Floats:
        """Log density of every component without its weight, (N, G), or (G,) for one point."""
        points = self._points(X)
        logs = self._component_logs(points.values)
        return logs[0] if points.single else logs

    def rvs(self, Nsam: int = 1, *, rng: Any = None) -> Floats:
        """Draw points; takes and returns what `MixtureOfGaussians.rvs` does.

        Parameters
        ----------
        Nsam : int, default 1
        rng : None, int, numpy.random.Generator or RandomState, optional

        Returns
        -------
        ndarray of shape (Nsam, V)
        """
        count = check_count(Nsam, "Nsam", 0)
        seeds = np.random.SeedSequence(draw_seed(rng)).generate_state(len(self._sources), np.uint64)
        if self._prepared is None:
            self._prepared = [source.prepared() for source in self._sources]
        points = np.tile(self._b, (count, 1))
        for source, prepared, seed in zip(self._sources, self._prepared, seeds, strict=True):
            points += _core.sample(prepared, count, int(seed))[0] @ source.A.T
        return points

    def mean(self) -> Floats:
        """Mean, of shape (V,)."""
        means = [source.A @ self._moments(source)[0] for source in self._sources]
        return self._b + np.sum(means, axis=0)

    def covariance(self) -> Floats:
        """Covariance matrix, of shape (V, V)."""
        parts = [source.A @ self._moments(source)[1] @ source.A.T for source in self._sources]
        total = np.sum(parts, axis=0)
        return 0.5 * (total + total.T)

    @staticmethod
    def _moments(source: Source) -> tuple[Floats, Floats]:
        bounds = open_or(source.bounds)
        return mixture_moments(np.exp(source.log_weights), source.mus, source.Sigmas, bounds)

    def _points(self, X: Any) -> Points:
        return as_points(
            X, nvars=self.nvars, names=self.names, name="X", single_row_ok=True, allow_empty=True,
            finite=False,
        )  # fmt: skip

    def _component_logs(self, values: NDArray[Any]) -> Floats:
        points = np.ascontiguousarray(values, dtype=np.float64)
        logs = np.full((len(points), self.ngauss), -np.inf)
        finite = np.isfinite(points).all(axis=1)
        logs[finite] = self._image.component_logpdf(points[finite])
        logs[np.isnan(points).any(axis=1)] = np.nan
        return logs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def __repr__(self) -> str:
        components = "component" if self.ngauss == 1 else "components"
        variables = "variable" if self.nvars == 1 else "variables"
        named = f" ({', '.join(self.names)})" if self.names else ""
        return (
            f"{type(self).__name__}: {self._what}, {self.ngauss} {components} in {self.nvars} "
            f"{variables}{named}"
        )


def _joined(first: Source, second: Source) -> Source:
    """Independent variables side by side: a component for each pair."""
    pairs, nvars = len(first.mus) * len(second.mus), first.mus.shape[1]
    i, j = (index.ravel() for index in np.indices((len(first.mus), len(second.mus))))
    Sigmas = np.zeros((pairs, nvars + second.mus.shape[1], nvars + second.mus.shape[1]))
    Sigmas[:, :nvars, :nvars] = first.Sigmas[i]
    Sigmas[:, nvars:, nvars:] = second.Sigmas[j]
    return Source(
        first.log_weights[i] + second.log_weights[j],
        np.hstack([first.mus[i], second.mus[j]]),
        Sigmas,
        np.hstack([first.bounds, second.bounds]),
        first.log_masses[i] + second.log_masses[j],
        np.hstack([first.A, second.A]),
    )

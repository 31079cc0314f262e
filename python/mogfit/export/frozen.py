"""`FrozenMixture`: a mixture that cannot change, with the methods of a distribution of SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.algebra.moments import mixture_moments
from mogfit.data import as_points
from mogfit.density.components import check_count
from mogfit.density.domain import domain_pairs, parse_domain
from mogfit.density.preparing import prepare
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, shape_message
from mogfit.rng import draw_seed

__all__ = ["FrozenMixture"]

Floats = NDArray[np.float64]


class FrozenMixture:
    """A mixture of Gaussians that stays as it is: equal ones are equal, and keys of dictionaries.

    Parameters
    ----------
    mog : Mixture
        What to freeze; later changes to it change nothing here.

    Attributes
    ----------
    ngauss, nvars : int
    weights, mus, Sigmas : ndarray of shape (G,), (G, V) and (G, V, V)
        Read-only.
    domain : list or None
        For each variable (low, high), or None where it is free.
    truncation : {"components", "mixture"}
        What a domain normalises.

    Notes
    -----
    Shapes are those of `scipy.stats.multivariate_normal`, without its removal of axes of length 1:
    points have shape (..., V), their densities (...). For one variable the last axis may be left
    out, and draws have none.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])
    >>> frozen = FrozenMixture(mog)
    >>> frozen.pdf([0.0, 1.3, 2.5]).round(4)
    array([0.1995, 0.1081, 0.4077])
    >>> hash(frozen) == hash(FrozenMixture(mog.copy()))
    True
    >>> float(frozen.mean()[0]), float(frozen.cov()[0, 0])
    (1.25, 2.1875)
    """

    __slots__ = ("_Sigmas", "_bounds", "_mus", "_prepared", "_truncation", "_weights")

    _weights: Floats
    _mus: Floats
    _Sigmas: Floats
    _bounds: Floats | None
    _truncation: str
    _prepared: _core.PreparedMixture

    def __init__(self, mog: Mixture) -> None:
        bounds = parse_domain(mog.domain, mog.nvars)
        self.__setstate__((mog.weights, mog.mus, mog.Sigmas, bounds, mog.truncation))

    @property
    def ngauss(self) -> int:
        """Number of components."""
        return len(self._weights)

    @property
    def nvars(self) -> int:
        """Number of variables."""
        return self._mus.shape[1]

    @property
    def weights(self) -> Floats:
        """Weights, of shape (G,)."""
        return self._weights

    @property
    def mus(self) -> Floats:
        """Means before truncation, of shape (G, V)."""
        return self._mus

    @property
    def Sigmas(self) -> Floats:
        """Covariance matrices before truncation, of shape (G, V, V)."""
        return self._Sigmas

    @property
    def domain(self) -> list[tuple[float, float] | None] | None:
        """The domain: for each variable (low, high), or None where it is free."""
        return domain_pairs(self._bounds)

    @property
    def truncation(self) -> str:
        """``"components"`` or ``"mixture"``: what is normalised inside the domain."""
        return self._truncation

    # -- a distribution --------------------------------------------------------------------------

    def pdf(self, x: Any) -> float | Floats:
        """Density at points.

        Parameters
        ----------
        x : array_like of shape (..., V), or a number or of shape (N,) when V = 1

        Returns
        -------
        float, or ndarray of shape (...)
            0 outside the domain, NaN where a coordinate is NaN.

        Raises
        ------
        InputError
            If the last axis has not the length V.
        DtypeError
            If `x` does not hold real numbers.
        """
        points, shape = self._points(x)
        return _shaped(_core.pdf(self._prepared, points), shape)

    def logpdf(self, x: Any) -> float | Floats:
        """Natural logarithm of the density at points; takes and raises what `pdf` does."""
        points, shape = self._points(x)
        return _shaped(_core.logpdf(self._prepared, points), shape)

    def rvs(self, size: int | tuple[int, ...] | None = 1, random_state: Any = None) -> Any:
        """Draw points.

        Parameters
        ----------
        size : int or tuple of int, default 1
            How many; 1 and None give one point without an axis for it.
        random_state : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed; None takes one draw from numpy's global state.

        Returns
        -------
        ndarray of shape (*size, V), or (*size) when V = 1
            A float for one value.

        Raises
        ------
        InputError
            If `size` holds anything but whole numbers, 0 or more.
        """
        axes = size if isinstance(size, tuple) else () if size is None else (size,)
        shape = tuple(check_count(length, "size", 0) for length in axes)
        count = math.prod(shape)
        points, _ = _core.sample(self._prepared, count, draw_seed(random_state, "random_state"))
        if not isinstance(size, tuple) and count == 1:
            shape = ()
        if self.nvars == 1:
            return _shaped(points[:, 0], shape)
        return points.reshape(*shape, self.nvars)

    def mean(self) -> Floats:
        """Mean of the mixture, inside its domain; of shape (V,).

        Exact to rounding up to four bounded variables, to about 1e-5 beyond.
        """
        return self._moments()[0]

    def cov(self) -> Floats:
        """Covariance matrix of the mixture, inside its domain; of shape (V, V).

        As exact as `mean`.
        """
        return self._moments()[1]

    def _points(self, x: Any) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Rows of points, and the shape of what there is one of for each."""
        try:
            array = x if isinstance(x, np.ndarray) else np.asarray(x)
        except ValueError as error:
            raise InputError("x: rows of different lengths seen; give V values a point") from error
        nvars, shape = self.nvars, array.shape
        if nvars == 1 and array.ndim < 2:
            shape = (*shape, 1)
        if shape[-1:] != (nvars,):
            raise InputError(shape_message("x", array.shape, f"shape (..., {nvars})"))
        rows = array.reshape(-1, nvars)
        points = as_points(rows, nvars=nvars, name="x", allow_empty=True, finite=False)
        return points.values, shape[:-1]

    def _moments(self) -> tuple[Floats, Floats]:
        shares = np.exp(self._prepared.log_weights)
        return mixture_moments(shares, self._mus, self._Sigmas, self._bounds)

    # -- a value ---------------------------------------------------------------------------------

    def _key(self) -> tuple[Any, ...]:
        arrays = (self._weights, self._mus, self._Sigmas)
        bounds = None if self._bounds is None else self._bounds.tobytes()
        return (self._mus.shape, *(array.tobytes() for array in arrays), bounds, self._truncation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenMixture) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name}: a FrozenMixture cannot change; change a mixture, freeze it")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name}: a FrozenMixture cannot change")

    def __getstate__(self) -> tuple[Any, ...]:
        return self._weights, self._mus, self._Sigmas, self._bounds, self._truncation

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        weights, mus, Sigmas = (_own(array) for array in state[:3])
        bounds = None if state[3] is None else _own(state[3])
        prepared = prepare(weights, mus, Sigmas, bounds, state[4])
        for name, value in (
            ("_weights", weights),
            ("_mus", mus),
            ("_Sigmas", Sigmas),
            ("_bounds", bounds),
            ("_truncation", state[4]),
            ("_prepared", prepared),
        ):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        domain = "" if self._bounds is None else f", domain={self.domain}"
        return f"FrozenMixture(ngauss={self.ngauss}, nvars={self.nvars}{domain})"


def _own(array: Floats) -> Floats:
    """A copy that nobody can write to."""
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


def _shaped(values: Floats, shape: tuple[int, ...]) -> float | Floats:
    return values.reshape(shape) if shape else float(values[0])

"""Where a fit starts and what bounds it: MultiMin's flat vectors, for both kinds of fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.base import MultiMinBase
from mogfit.density.components import check_sigmas_rhos, real_array
from mogfit.density.domain import domain_pairs
from mogfit.errors import DtypeError, InputError, scalar_message, shape_message
from mogfit.inference.bounded import Bounds
from mogfit.intervals import Intervals, parse_bounds
from mogfit.mixture import MixtureOfGaussians
from mogfit.parameters import (
    Stdcorr,
    bound_to_unbound,
    join_stdcorr,
    minparams_from_stdcorr,
    split_stdcorr,
    stdcorr_from_minparams,
    unbound_to_bound,
)

__all__ = ["FitParameters"]

Floats = NDArray[np.float64]


class FitParameters(MultiMinBase):
    """The mixture that a fit holds, its flat vectors, initial parameters and bounds.

    What `FitMoG` and `FitFunctionMoG` share. The vectors are views of `mog`: set one, and the
    mixture changes with them.

    Attributes
    ----------
    ngauss, nvars : int
        Numbers of components G and of variables V.
    mog : MixtureOfGaussians
        The mixture: at first the one the initial parameters describe.
    domain : list or None
        For each variable (low, high), or None where it is free.
    bounds : tuple or None
        What `set_bounds` has set.
    """

    # Scale of a weight in the unbound vector.
    _weight_scale = 1.0
    # Correlation that an object starts with, until it is told better.
    _default_rho = 0.5
    ngauss: int
    nvars: int
    names: tuple[str, ...] | None
    truncation: str
    bounds: tuple[tuple[float, float], ...] | None
    _bounds: Floats | None
    _initial_params_set_by_user = False
    # Both are made when they are first asked for: a fit needs neither.
    _mog: MixtureOfGaussians | None = None
    _sigma_scale: float | None = None

    @property
    def mog(self) -> MixtureOfGaussians:
        """The mixture; setting another one sets where the next fit starts."""
        if self._mog is None:
            self.set_params(rho=self._default_rho)
            assert self._mog is not None
        return self._mog

    @mog.setter
    def mog(self, mog: MixtureOfGaussians) -> None:
        self.set_initial_params(from_mog=mog)

    @property
    def _sigmax(self) -> float:
        """Scale of the standard deviations in the unbound vector: wide enough for all it holds."""
        if self._sigma_scale is None:
            self._sigma_scale = max(10.0, 10.0 * self._widest_spread())
        widest = 0.0 if self._mog is None else float(self._mog.sigmas.max())
        if widest >= self._sigma_scale:
            self._sigma_scale = 10.0 * widest
        return self._sigma_scale

    def _widest_spread(self) -> float:
        """Largest standard deviation that the data alone suggest."""
        return 0.0

    @property
    def domain(self) -> list[tuple[float, float] | None] | None:
        """The domain: for each variable (low, high), or None where it is free."""
        return domain_pairs(self._bounds)

    # -- initial parameters ----------------------------------------------------------------------

    def set_params(self, mu: float = 0.5, sigma: float = 1.0, rho: float = 0.5) -> None:
        """Set every mean, standard deviation and correlation to the same values.

        Several components are spread evenly over a bounded variable instead, at
        low + (high - low) k / (G + 1) for k = 1, ..., G, the missing side of a half-line being 1
        away. A fit does not start from these, but from a search: they are MultiMin's default
        vectors, which an unfitted object evaluates.

        Raises
        ------
        InputError
            If no mixture has these parameters.
        """
        for name, value in (("mu", mu), ("sigma", sigma), ("rho", rho)):
            if real_array(value, name).ndim:
                raise InputError(scalar_message(name, value, "one number"))
        means = np.full((self.ngauss, self.nvars), float(mu))
        if self._bounds is not None and self.ngauss > 1:
            low, high = self._bounds
            left = np.where(np.isfinite(low), low, high - 1.0)
            right = np.where(np.isfinite(high), high, low + 1.0)
            bounded = np.isfinite(left) & np.isfinite(right)
            left, width = left[bounded], (right - left)[bounded]
            part = np.arange(1, self.ngauss + 1)[:, None] / (self.ngauss + 1)
            means[:, bounded] = left + part * width
        self._set_stdcorr(
            Stdcorr(
                np.full(self.ngauss, 1.0 / self.ngauss),
                means,
                np.full(means.shape, float(sigma)),
                np.full((self.ngauss, self.Ncorr), float(rho)),
            )
        )
        self._initial_params_set_by_user = False

    def _set_stdcorr(self, stdcorr: Stdcorr) -> None:
        self._adopt(
            MixtureOfGaussians(
                stdcorr=join_stdcorr(stdcorr),
                nvars=self.nvars,
                domain=self.domain,
                truncation=self.truncation,
            )
        )

    def _adopt(self, mog: MixtureOfGaussians) -> None:
        mog.names = self.names
        self._mog = mog

    def set_initial_params(
        self,
        mus: ArrayLike | None = None,
        sigmas: ArrayLike | None = None,
        rhos: ArrayLike | None = None,
        from_mog: MixtureOfGaussians | None = None,
    ) -> None:
        """Set where the fit starts, in place of its own search.

        Parameters
        ----------
        mus, sigmas : array_like of shape (G, V), or one row for all components, optional
            Means and standard deviations.
        rhos : array_like of shape (G, V (V - 1) / 2), or one row for all, optional
            Correlations.
        from_mog : MixtureOfGaussians, optional
            A mixture whose weights, means, standard deviations and correlations to take; the other
            arguments take precedence.

        Raises
        ------
        InputError
            If a shape does not fit or no mixture has these parameters; nothing changes then.
        """
        mog = self.mog.copy()
        if from_mog is not None:
            if not isinstance(from_mog, MixtureOfGaussians):
                raise DtypeError(scalar_message("from_mog", from_mog, "a MixtureOfGaussians"))
            if (from_mog.ngauss, from_mog.nvars) != (self.ngauss, self.nvars):
                raise InputError(
                    shape_message(
                        "from_mog",
                        from_mog.mus.shape,
                        (self.ngauss, self.nvars),
                        other="ngauss and nvars",
                    )
                )
            mog = MixtureOfGaussians(
                weights=from_mog.weights,
                mus=from_mog.mus,
                Sigmas=from_mog.Sigmas,
                domain=self.domain,
                truncation=self.truncation,
            )
        mog.update_params(mus=mus, sigmas=sigmas, rhos=rhos)
        self._start_from(mog)

    def update_params(
        self,
        weights: ArrayLike | None = None,
        mus: ArrayLike | None = None,
        sigmas: ArrayLike | None = None,
        rhos: ArrayLike | None = None,
    ) -> None:
        """Change some parameters of the mixture; the next fit starts from the result.

        Takes and raises what `MixtureOfGaussians.update_params` does; a failure changes nothing.
        """
        mog = self.mog.copy()
        mog.update_params(weights=weights, mus=mus, sigmas=sigmas, rhos=rhos)
        self._start_from(mog)

    def _start_from(self, mog: MixtureOfGaussians) -> None:
        self._adopt(mog)
        self._initial_params_set_by_user = True

    # -- flat vectors ----------------------------------------------------------------------------

    @property
    def Ndim(self) -> int:
        """G V, the number of means."""
        return self.ngauss * self.nvars

    @property
    def Ncorr(self) -> int:
        """Number of pairs of variables."""
        return self.nvars * (self.nvars - 1) // 2

    @property
    def extrap(self) -> list[float]:
        """What `minparams` leaves out: the weight of a single component."""
        return [1.0] if self.ngauss == 1 else []

    @property
    def minparams(self) -> Floats:
        """Weights (if G > 1), means, standard deviations and 1 + correlations."""
        return minparams_from_stdcorr(self.mog._stdcorr)

    @minparams.setter
    def minparams(self, values: ArrayLike) -> None:
        vector = real_array(values, "minparams")
        if vector.shape != self.scales.shape:
            raise InputError(shape_message("minparams", vector.shape, self.scales.shape))
        parts = split_stdcorr(self.pmap(vector), self.nvars)
        check_sigmas_rhos(parts.sigmas, parts.rhos)
        self._set_stdcorr(parts)
        self._initial_params_set_by_user = True

    @property
    def scales(self) -> Floats:
        """Scale of each entry of `minparams`: of weights, means (0: none), sigmas and rhos (2)."""
        return self._scales_of(self.ngauss)

    def _scales_of(self, ngauss: int) -> Floats:
        """What `scales` is for so many components."""
        weights, means = 0 if ngauss == 1 else ngauss, ngauss * self.nvars
        return np.repeat(
            [self._weight_scale, 0.0, self._sigmax, 2.0],
            [weights, means, means, ngauss * self.Ncorr],
        )

    @property
    def uparams(self) -> Floats:
        """The unbound vector: logits of `minparams` over `scales`, means as they are."""
        return bound_to_unbound(self.minparams, self.scales)

    @uparams.setter
    def uparams(self, values: ArrayLike) -> None:
        vector = real_array(values, "uparams")
        if vector.shape != self.scales.shape:
            raise InputError(shape_message("uparams", vector.shape, self.scales.shape))
        self.minparams = unbound_to_bound(vector, self.scales)

    def pmap(self, minparams: ArrayLike) -> Floats:
        """The vector ``stdcorr`` that a vector `minparams` stands for."""
        return stdcorr_from_minparams(minparams, self.ngauss, self.nvars)

    # -- bounds ----------------------------------------------------------------------------------

    def set_bounds(
        self,
        boundw: tuple[float, float] | None = None,
        bounds: tuple[float, float] | None = None,
        boundr: tuple[float, float] | None = None,
        boundsm: Sequence[tuple[float, float]] | None = None,
    ) -> tuple[tuple[float, float], ...]:
        """Bound the parameters of the next fits.

        Parameters
        ----------
        boundw : (low, high), optional
            Of every weight, within [0, 1]; normalised weights obey it.
        bounds : (low, high), optional
            Of every standard deviation, in the data's units.
        boundr : (low, high), optional
            Of every correlation, within [-1, 1].
        boundsm : V pairs (low, high), optional
            Of the means of each variable; by default the domain, where there is one.

        Returns
        -------
        tuple of (float, float)
            Bounds in the unbound coordinates of `uparams`, as `fit_data` takes them: weights (if
            G > 1), means, standard deviations, correlations. Also kept in `bounds`, which the
            next fits obey.

        Raises
        ------
        InputError
            If an interval is empty or outside its range, or no weights can sum to 1.
        """
        if boundsm is None and self._bounds is not None:
            boundsm = [(float(low), float(high)) for low, high in self._bounds.T]
        intervals = Intervals.checked(self.nvars, boundw, bounds, boundr, boundsm)
        if np.isfinite(intervals.sigma[1]):
            self._sigma_scale = max(self._sigmax, intervals.sigma[1])
        pairs = intervals.unbound(self.ngauss, self.scales)
        self._parse_bounds(pairs)
        self.bounds = pairs
        return pairs

    def _parse_bounds(self, pairs: Sequence[Any], ngauss: int | None = None) -> Bounds:
        """Bounds on the parameters of so many components, by default those of the mixture."""
        count = self.ngauss if ngauss is None else ngauss
        return parse_bounds(pairs, self._scales_of(count), count, self.nvars)

    def _repr_html_(self) -> str:
        """What a notebook shows: how the fit went, and the components."""
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>\n{self.mog._repr_html_()}"

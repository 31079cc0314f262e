"""Weights, means and covariances of a mixture, its domain, and the flat vectors of them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.base import MultiMinBase
from mogfit.console import tell
from mogfit.density.components import (
    check_count,
    check_covariances,
    check_means,
    check_sigmas_rhos,
    check_weights,
    real_array,
)
from mogfit.density.domain import TRUNCATIONS, domain_pairs, parse_domain
from mogfit.density.preparing import prepare
from mogfit.density.text import composition_text, entry_names, mixture_text
from mogfit.errors import InputError, choice_message, scalar_message, shape_message
from mogfit.parameters import (
    Stdcorr,
    covariances_from_stdcorr,
    join_params,
    join_stdcorr,
    split_params,
    split_stdcorr,
    stdcorr_from_covariances,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MixtureParameters"]

Floats = NDArray[np.float64]


class MixtureParameters(MultiMinBase):
    """What a mixture is: `MixtureOfGaussians` without what it does; see there."""

    def __init__(
        self,
        ngauss: int = 0,
        nvars: int = 0,
        params: ArrayLike | None = None,
        stdcorr: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        mus: ArrayLike | None = None,
        Sigmas: ArrayLike | None = None,
        domain: Sequence[Any] | None = None,
        normalize_weights: bool = True,
        truncation: str = "components",
    ) -> None:
        self.normalize_weights = bool(normalize_weights)
        self.names: tuple[str, ...] | None = None
        if truncation not in TRUNCATIONS:
            raise InputError(choice_message("truncation", truncation, TRUNCATIONS))
        self._truncation = truncation
        self._bounds: Floats | None = None
        if check_count(ngauss, "ngauss", 0) > 0:
            nvars = check_count(nvars, "nvars", 1)
            identities = np.tile(np.eye(nvars), (ngauss, 1, 1))
            self._set(None, np.zeros((ngauss, nvars)), identities)
        elif params is not None:
            self.set_params(params, nvars)
        elif stdcorr is not None:
            self.set_stdcorr(stdcorr, nvars)
        elif mus is not None:
            means = check_means(mus)
            if Sigmas is None:
                Sigmas = np.tile(np.eye(means.shape[1]), (len(means), 1, 1))
            self._set(weights, means, Sigmas)
        else:
            raise InputError(
                "MixtureOfGaussians: nothing to build it from; give mus and Sigmas (and weights), "
                "or params or stdcorr with nvars, or ngauss with nvars"
            )
        self.set_domain(domain)

    @classmethod
    def from_prepared(
        cls,
        prepared: _core.PreparedMixture,
        names: tuple[str, ...] | None = None,
        truncation: str = "components",
    ) -> Self:
        """The mixture that the core holds."""
        log_weights = prepared.log_weights
        if truncation == "mixture":
            log_weights = log_weights - prepared.log_masses
        weights = np.exp(log_weights - log_weights.max())
        mog = cls.__new__(cls)
        mog.normalize_weights, mog.names = True, names
        mog._truncation, mog._bounds = truncation, prepared.domain
        mog._take(weights / weights.sum(), prepared.means, prepared.covariances)
        return mog

    # -- parameters ------------------------------------------------------------------------------

    def _set(self, weights: Any, mus: Any, Sigmas: Any) -> None:
        """Check everything, then change everything: a failure leaves the mixture as it was."""
        means = check_means(mus)
        new_weights = check_weights(weights, len(means), normalise=self.normalize_weights)
        covariances = check_covariances(Sigmas, *means.shape)
        bounds = self._bounds
        if bounds is not None and bounds.shape[1] != means.shape[1]:
            raise InputError(
                shape_message("mus", means.shape, f"{bounds.shape[1]} variables, as the domain has")
            )
        self._take(new_weights, means, covariances)

    def _take(self, weights: Floats, means: Floats, covariances: Floats) -> None:
        """Change everything to parameters that are those of a mixture."""
        self._prepared = prepare(weights, means, covariances, self._bounds, self._truncation)
        self._weights, self._mus, self._Sigmas = weights, means, covariances
        for array in (weights, means, covariances):
            array.setflags(write=False)
        # Computed when asked for: many mixtures are only evaluated.
        self._sigmas_rhos: tuple[Floats, Floats] | None = None

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

    @weights.setter
    def weights(self, values: ArrayLike) -> None:
        self._set(values, self._mus, self._Sigmas)

    @property
    def mus(self) -> Floats:
        """Means, of shape (G, V)."""
        return self._mus

    @mus.setter
    def mus(self, values: ArrayLike) -> None:
        self.update_params(mus=values)

    @property
    def Sigmas(self) -> Floats:
        """Covariance matrices, of shape (G, V, V)."""
        return self._Sigmas

    @Sigmas.setter
    def Sigmas(self, values: ArrayLike) -> None:
        self.set_sigmas(values)

    @property
    def sigmas(self) -> Floats:
        """Standard deviations, of shape (G, V)."""
        return self._stdcorr.sigmas

    @property
    def rhos(self) -> Floats:
        """Correlations, of shape (G, V (V - 1) / 2)."""
        return self._stdcorr.rhos

    @property
    def domain(self) -> list[tuple[float, float] | None] | None:
        """The domain: for each variable (low, high), or None where it is free."""
        return domain_pairs(self._bounds)

    @property
    def truncation(self) -> str:
        """``"components"`` or ``"mixture"``: what is normalised inside the domain."""
        return self._truncation

    @property
    def log_masses(self) -> Floats:
        """log Z_k, the log probability that component k falls into the domain, (G,)."""
        return self._prepared.log_masses

    @property
    def mass_errors(self) -> Floats:
        """Estimates of the relative errors of the Z_k, (G,)."""
        return self._prepared.mass_errors

    @property
    def _domain_bounds(self) -> list[tuple[float, float]]:
        """MultiMin's form of the domain: a pair for every variable, infinite where it is free."""
        free = [(-np.inf, np.inf)] * self.nvars
        return free if self._bounds is None else [(float(a), float(b)) for a, b in self._bounds.T]

    def set_domain(self, domain: Sequence[Any] | None) -> None:
        """Truncate the mixture to a box; None, or no finite side, lifts the truncation.

        Parameters
        ----------
        domain : sequence of V entries, or None
            For each variable None, or (low, high); a side may be infinite.

        Raises
        ------
        DomainError
            If there is not one entry for each variable, or a pair is not low < high; the mixture
            is then as it was.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
        >>> mog.set_domain([[0, None]])
        >>> mog.pdf([-1.0, 0.0]).round(6)
        array([0.      , 0.797885])
        """
        bounds = parse_domain(domain, self.nvars)
        if bounds is None and self._bounds is None:
            return
        self._prepared = prepare(self._weights, self._mus, self._Sigmas, bounds, self._truncation)
        self._bounds = bounds

    @property
    def params(self) -> Floats:
        """Weights, means and covariance triangles as one vector."""
        return join_params(self._weights, self._mus, self._Sigmas)

    @property
    def stdcorr(self) -> Floats:
        """Weights, means, standard deviations and correlations as one vector."""
        return join_stdcorr(self._stdcorr)

    @property
    def str_params(self) -> str:
        """Names of the entries of `params`."""
        return entry_names(self.ngauss, self.nvars)[0]

    @property
    def str_stdcorr(self) -> str:
        """Names of the entries of `stdcorr`."""
        return entry_names(self.ngauss, self.nvars)[1]

    @property
    def bnd_stdcorr(self) -> str:
        """Scales of the entries of `stdcorr` in an unbound vector; 0 for the means, unscaled."""
        largest = float(self.sigmas.max())
        widest = 10.0 if largest < 10.0 else 10.0 * largest
        pairs = self.ngauss * (self.nvars * (self.nvars - 1) // 2)
        means = self.ngauss * self.nvars
        counts = [self.ngauss, means, means, pairs]
        scales = np.repeat([1.0, 0.0, widest, 2.0], counts)
        return f"[{','.join(f'{scale:g}' for scale in scales)}]"

    @property
    def Npars(self) -> int:
        """Length of `params`."""
        return self.ngauss * (1 + self.nvars + self.nvars * (self.nvars + 1) // 2)

    @property
    def Ncor(self) -> int:
        """Length of `stdcorr`."""
        return self.Npars

    def set_params(self, params: ArrayLike, nvars: int) -> None:
        """Set everything from the vector `params` of a mixture in `nvars` variables.

        Raises
        ------
        InputError
            If the length does not fit, or the parameters are not those of a mixture; the mixture
            is then as it was.
        """
        self._set(*split_params(real_array(params, "params"), check_count(nvars, "nvars", 1)))

    def set_stdcorr(self, stdcorr: ArrayLike, nvars: int) -> None:
        """Set everything from the vector `stdcorr` of a mixture in `nvars` variables.

        Raises
        ------
        InputError
            If the length does not fit, or the parameters are not those of a mixture; the mixture
            is then as it was.
        """
        parts = split_stdcorr(real_array(stdcorr, "stdcorr"), check_count(nvars, "nvars", 1))
        check_sigmas_rhos(parts.sigmas, parts.rhos)
        self._set(parts.weights, parts.mus, covariances_from_stdcorr(parts.sigmas, parts.rhos))

    def set_sigmas(self, Sigmas: ArrayLike) -> None:
        """Set the covariance matrices, of shape (G, V, V); weights and means stay.

        Raises
        ------
        InputError
            If the shape does not fit or a matrix is not symmetric and positive definite.
        """
        self._set(self._weights, self._mus, Sigmas)

    def update_params(
        self,
        weights: ArrayLike | None = None,
        mus: ArrayLike | None = None,
        sigmas: ArrayLike | None = None,
        rhos: ArrayLike | None = None,
    ) -> None:
        """Set some of the parameters; the others stay.

        Parameters
        ----------
        weights : array_like of shape (G,), optional
        mus, sigmas : array_like of shape (G, V), or one row for all components, optional
            Means and standard deviations.
        rhos : array_like of shape (G, V (V - 1) / 2), or one row for all components, optional
            Correlations.

        Raises
        ------
        InputError
            If a shape does not fit, or the result is not a mixture; it is then as it was.
        """
        new_mus = self._rows(mus, "mus", self._mus)
        new_sigmas = self._rows(sigmas, "sigmas", self.sigmas)
        new_rhos = self._rows(rhos, "rhos", self.rhos)
        covariances = self._Sigmas
        if sigmas is not None or rhos is not None:
            check_sigmas_rhos(new_sigmas, new_rhos)
            covariances = covariances_from_stdcorr(new_sigmas, new_rhos)
        self._set(self._weights if weights is None else weights, new_mus, covariances)

    def drop(self, index: int) -> None:
        """Remove one component; the weights of the others are divided by their sum.

        Parameters
        ----------
        index : int
            Which component, from 0; negative numbers count from the end.

        Raises
        ------
        InputError
            If there is no such component, or no other one; the mixture is then as it was.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(weights=[0.2, 0.2, 0.6], mus=[0, 1, 2], Sigmas=[1, 1, 1])
        >>> mog.drop(0)
        >>> mog.weights
        array([0.25, 0.75])
        """
        whole = isinstance(index, (int, np.integer)) and not isinstance(index, bool)
        if not whole or not -self.ngauss <= index < self.ngauss:
            allowed = f"a whole number from 0 to {self.ngauss - 1}"
            raise InputError(scalar_message("index", index, allowed))
        if self.ngauss == 1:
            raise InputError("index: the only component cannot be dropped")
        dropped, before = int(index) % self.ngauss, repr(self)
        kept = np.delete(np.arange(self.ngauss), dropped)
        self._set(self._weights[kept], self._mus[kept], self._Sigmas[kept])
        tell(before, f"Dropped gaussian {dropped}", repr(self))

    @staticmethod
    def _rows(values: Any, name: str, current: Floats) -> Floats:
        """`values` in the shape of `current`, one row repeated for every component."""
        if values is None:
            return current
        array = real_array(values, name)
        if array.shape == current.shape:
            return array
        if array.ndim == 1 and array.size == current.shape[1]:
            return np.tile(array, (len(current), 1))
        if array.ndim <= 1 and array.size == current.size:
            return array.reshape(current.shape)
        raise InputError(
            shape_message(
                name,
                array.shape,
                f"shape {current.shape}, or one row of {current.shape[1]} for all components,",
            )
        )

    # -- copies and text -------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {
            "weights": self._weights,
            "mus": self._mus,
            "Sigmas": self._Sigmas,
            "names": self.names,
            "normalize_weights": self.normalize_weights,
            "domain": self.domain,
            "truncation": self._truncation,
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        """A mixture as it was when `__getstate__` wrote it down, bit for bit."""
        mog = cls.__new__(cls)
        mog.__setstate__(state)
        return mog

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.normalize_weights = state["normalize_weights"]
        self.names = state["names"]
        # Mixtures of version 0.1.0 before it knew domains have none.
        self._truncation = state.get("truncation", "components")
        self._bounds = parse_domain(state.get("domain"), np.shape(state["mus"])[1])
        # Weights are normalised already: dividing by their sum again could change a bit.
        normalise, self.normalize_weights = self.normalize_weights, False
        self._set(state["weights"], state["mus"], state["Sigmas"])
        self.normalize_weights = normalise

    @property
    def _stdcorr(self) -> Stdcorr:
        found = self._sigmas_rhos
        if found is None:
            found = stdcorr_from_covariances(self._Sigmas)
            for array in found:
                array.setflags(write=False)
            self._sigmas_rhos = found
        return Stdcorr(self._weights, self._mus, *found)

    def __str__(self) -> str:
        return composition_text(self._stdcorr, self._Sigmas)

    def __repr__(self) -> str:
        return mixture_text(self._stdcorr, self.names, self.domain, self._truncation)

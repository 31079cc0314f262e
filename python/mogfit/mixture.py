"""`MixtureOfGaussians`: a mixture of multivariate Gaussians that is given, evaluated and drawn."""

from __future__ import annotations

import copy as copy_module
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.data import Points, as_points
from mogfit.density.components import (
    check_covariances,
    check_means,
    check_sigmas_rhos,
    check_weights,
    real_array,
)
from mogfit.density.domain import domain_pairs, parse_domain
from mogfit.density.text import mixture_text
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
from mogfit.rng import draw_seed

__all__ = ["MixtureOfGaussians"]

Floats = NDArray[np.float64]

TRUNCATIONS = ("components", "mixture")


def check_count(value: Any, name: str, least: int) -> int:
    """A whole number of at least `least`; floats and booleans are not counts."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise InputError(scalar_message(name, value, f"a whole number >= {least}"))
    return int(value)


class MixtureOfGaussians:
    r"""A mixture of multivariate Gaussians, p(x) = sum_k w_k N(x; mu_k, Sigma_k).

    It is built in one of four ways, the first that applies:

    * `ngauss` (and `nvars`): that many components with zero means, equal weights and unit
      covariances, to be set later;
    * `params` and `nvars`: the flat vector weights, means, covariance triangles;
    * `stdcorr` and `nvars`: the flat vector weights, means, standard deviations, correlations;
    * `mus` with `Sigmas`, and `weights` (equal when left out).

    Parameters
    ----------
    ngauss : int, default 0
        Number of components G.
    nvars : int, default 0
        Number of variables V.
    params : array_like of length G (1 + V + V (V + 1) / 2), optional
        Weights, means, and the upper triangle of each covariance, row by row.
    stdcorr : array_like of the same length, optional
        Weights, means, standard deviations, and correlations (1,2), (1,3), ..., (2,3), ...
    weights : array_like of shape (G,), optional
        Non-negative, not all zero.
    mus : array_like of shape (G, V), or (G,) for one variable, optional
        Means.
    Sigmas : array_like of shape (G, V, V), or (G,) variances for one variable, optional
        Covariance matrices, symmetric and positive definite.
    domain : sequence of V entries, optional
        For each variable None, or (low, high); a side may be infinite. The mixture is then
        truncated to this closed box: its density is 0 outside.
    normalize_weights : bool, default True
        Divide the weights by their sum. Otherwise they are used as they are: densities scale with
        their sum, draws do not.
    truncation : {"components", "mixture"}, default "components"
        What a domain does, with Z_k = P(component k falls into it):

        * ``"components"``: p = sum_k w_k N_k / Z_k, each component is normalised on its own and
          w_k is the share of the points inside that come from it, as in MultiMin;
        * ``"mixture"``: p = sum_k w_k N_k / sum_k w_k Z_k, w_k is its share before truncation.

    Attributes
    ----------
    ngauss, nvars : int
        Numbers of components G and of variables V.
    weights, mus, Sigmas, sigmas, rhos : ndarray
        Weights (G,), means (G, V), covariances (G, V, V), standard deviations (G, V) and
        correlations (G, V (V - 1) / 2), read-only.
    params, stdcorr : ndarray
        The flat vectors.
    Npars, Ncor : int
        Lengths of `params` and of `stdcorr`, which are the same.
    domain : list or None
        The domain: for each variable (low, high), or None where it is free.
    log_masses, mass_errors : ndarray
        log Z_k of each component, (G,), 0 without a domain; and estimates of the relative errors
        of the Z_k: rounding up to four bounded variables, a lattice rule's beyond.
    names : tuple of str or None
        Names of the variables, where the data brought some.

    Raises
    ------
    InputError
        If shapes do not fit, a weight is negative, a value is not finite, or a covariance is not
        symmetric and positive definite.
    DomainError
        If the domain has not one entry for each variable, or a pair is not low < high.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])
    >>> round(mog.pdf(1.3), 12)
    0.108078826319
    """

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
    ) -> MixtureOfGaussians:
        """The mixture that the core holds."""
        log_weights = prepared.log_weights
        if truncation == "mixture":
            log_weights = log_weights - prepared.log_masses
        mog = cls(
            weights=np.exp(log_weights - log_weights.max()),
            mus=prepared.means,
            Sigmas=prepared.covariances,
            domain=domain_pairs(prepared.domain),
            truncation=truncation,
        )
        mog.names = names
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
        prepared = self._prepare(new_weights, means, covariances, bounds)
        sigmas, rhos = stdcorr_from_covariances(covariances)
        self._prepared = prepared
        self._weights, self._mus, self._Sigmas = new_weights, means, covariances
        self._sigmas, self._rhos = sigmas, rhos
        for array in (new_weights, means, covariances, sigmas, rhos):
            array.setflags(write=False)

    def _prepare(
        self, weights: Floats, means: Floats, covariances: Floats, bounds: Floats | None
    ) -> _core.PreparedMixture:
        """What the core evaluates: weights there are shares inside the domain."""
        prepared = _core.PreparedMixture(weights, means, covariances, bounds)
        if bounds is None or self._truncation == "components":
            return prepared
        logs = prepared.log_weights + prepared.log_masses
        relative = np.exp(logs - logs.max())
        shares = relative * (weights.sum() / relative.sum())
        with np.errstate(divide="ignore"):
            return prepared.with_log_weights(np.log(shares))

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
        """Means, of shape (G, V)."""
        return self._mus

    @property
    def Sigmas(self) -> Floats:
        """Covariance matrices, of shape (G, V, V)."""
        return self._Sigmas

    @property
    def sigmas(self) -> Floats:
        """Standard deviations, of shape (G, V)."""
        return self._sigmas

    @property
    def rhos(self) -> Floats:
        """Correlations, of shape (G, V (V - 1) / 2)."""
        return self._rhos

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
        self._prepared = self._prepare(self._weights, self._mus, self._Sigmas, bounds)
        self._bounds = bounds

    @property
    def params(self) -> Floats:
        """Weights, means and covariance triangles as one vector."""
        return join_params(self._weights, self._mus, self._Sigmas)

    @property
    def stdcorr(self) -> Floats:
        """Weights, means, standard deviations and correlations as one vector."""
        return join_stdcorr(Stdcorr(self._weights, self._mus, self._sigmas, self._rhos))

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
        new_sigmas = self._rows(sigmas, "sigmas", self._sigmas)
        new_rhos = self._rows(rhos, "rhos", self._rhos)
        covariances = self._Sigmas
        if sigmas is not None or rhos is not None:
            check_sigmas_rhos(new_sigmas, new_rhos)
            covariances = covariances_from_stdcorr(new_sigmas, new_rhos)
        self._set(self._weights if weights is None else weights, new_mus, covariances)

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

    # -- evaluation ------------------------------------------------------------------------------

    def _points(self, X: Any) -> Points:
        return as_points(
            X,
            nvars=self.nvars,
            names=self.names,
            name="X",
            single_row_ok=True,
            allow_empty=True,
            finite=False,
        )

    def pdf(self, X: Any, *, threads: int = 0) -> float | Floats:
        """Density at points.

        Parameters
        ----------
        X : array_like of shape (N, V), (V,) for one point, or a scalar or (N,) when V = 1
            Points, in the units of the means. Any layout; float64 and float32 are read as they
            lie; columns of a table are matched by name.
        threads : int, default 0
            Threads to use; 0 stands for the package's default.

        Returns
        -------
        float, or ndarray of shape (N,)
            A float for one point. 0 outside the domain, NaN where a coordinate is NaN. Values
            below about 1e-308 are 0: use `logpdf` there.

        Raises
        ------
        InputError
            If the number of coordinates is not `nvars`.
        """
        points = self._points(X)
        density = _core.pdf(self._prepared, points.values, threads)
        return float(density[0]) if len(density) == 1 else density

    def logpdf(self, X: Any, *, threads: int = 0) -> float | Floats:
        """Natural logarithm of the density at points, accurate arbitrarily far from the mixture.

        Takes, returns and raises what `pdf` does; -inf outside the domain and where a coordinate
        is infinite.

        Examples
        --------
        >>> import mogfit as mn
        >>> round(mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0]).logpdf(1e6), 3)
        -500000000000.919
        """
        points = self._points(X)
        density = _core.logpdf(self._prepared, points.values, threads)
        return float(density[0]) if len(density) == 1 else density

    def component_logpdf(self, X: Any, *, threads: int = 0) -> Floats:
        """Log density of every component, log N(x_i; mu_k, Sigma_k) - log Z_k, without the weights.

        Returns an array of shape (N, G), or (G,) for one point; takes and raises what `pdf` does.
        """
        points = self._points(X)
        densities = _core.component_logpdf(self._prepared, points.values, threads)
        return densities[0] if points.single else densities

    def responsibilities(self, X: Any, *, threads: int = 0) -> Floats:
        """Probability that each point came from each component, w_k N_k(x_i) / p(x_i).

        Returns an array of shape (N, G) whose rows sum to 1, or (G,) for one point; takes and
        raises what `pdf` does. NaN outside the domain and where a coordinate is not finite.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0])
        >>> mog.responsibilities(1.0)
        array([0.5, 0.5])
        """
        points = self._points(X)
        shares = _core.responsibilities(self._prepared, points.values, threads)
        return shares[0] if points.single else shares

    def rvs(self, Nsam: int = 1, *, rng: Any = None, threads: int = 0) -> Floats:
        """Draw points from the mixture.

        Parameters
        ----------
        Nsam : int, default 1
            Number of points.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed. None takes one draw from numpy's global state, so that
            ``np.random.seed`` makes a script repeatable. An int gives the same points at every
            call.
        threads : int, default 0
            Threads to use; the points do not depend on it.

        Returns
        -------
        ndarray of shape (Nsam, V)

        Raises
        ------
        InputError
            If `Nsam` is not a whole number, 0 or more.
        """
        count = check_count(Nsam, "Nsam", 0)
        points, _ = _core.sample(self._prepared, count, draw_seed(rng), threads)
        return points

    # -- copies and text -------------------------------------------------------------------------

    def copy(self) -> MixtureOfGaussians:
        """An independent copy."""
        return copy_module.deepcopy(self)

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

    def __repr__(self) -> str:
        return mixture_text(
            Stdcorr(self._weights, self._mus, self._sigmas, self._rhos),
            self.names,
            self.domain,
            self._truncation,
        )

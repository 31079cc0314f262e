"""The density of a mixture at points, and points drawn from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.console import timed
from mogfit.data import Points, as_points
from mogfit.density.components import check_count, real_array
from mogfit.errors import InputError, choice_message, shape_message
from mogfit.mixture_parameters import MixtureParameters
from mogfit.observations import (
    MISSING_OF_DENSITIES,
    Missing,
    Observations,
    as_observations,
    check_missing,
)
from mogfit.parameters import unbound_to_bound
from mogfit.projections import as_projection
from mogfit.rng import draw_seed

__all__ = ["MixtureDensity"]

Floats = NDArray[np.float64]


class MixtureDensity(MixtureParameters):
    """What a mixture is evaluated and drawn by: the core's side of `MixtureOfGaussians`."""

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

    def _observations(
        self, X: Any, errors: Any, projection: Any, missing: Missing, **options: Any
    ) -> Observations:
        """What a user says was seen of points of this mixture, checked."""
        return as_observations(
            X,
            nvars=self.nvars,
            names=self.names,
            name="X",
            missing=missing,
            errors=errors,
            projection=projection,
            **options,
        )

    def _evaluate(
        self,
        function: Callable[[Any, Any, int], NDArray[Any]],
        X: Any,
        errors: Any,
        projection: Any,
        missing: Missing,
        threads: int,
    ) -> tuple[NDArray[Any], bool]:
        """What a function of the core says of each point, and whether it is one point."""
        if errors is None and projection is None and missing == "nan":
            points = self._points(X)
            return function(self._prepared, points.values, threads), points.single
        check_missing(missing, MISSING_OF_DENSITIES)
        seen = self._observations(
            X, errors, projection, missing, single_row_ok=True, allow_empty=True
        )
        found = function(self._prepared, seen.core, threads)
        if missing == "nan" and seen.incomplete:
            # An infinite error says that a value is missing, a NaN does not.
            found[np.isnan(seen.given).any(axis=1)] = np.nan
        return found, seen.single

    def pdf(
        self,
        X: Any,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "nan",
        threads: int = 0,
    ) -> float | Floats:
        """Density at points, or of what was seen of them.

        Parameters
        ----------
        X : array_like of shape (N, V), (V,) for one point, or a scalar or (N,) when V = 1
            Points, in the units of the means. Any layout; float64 and float32 are read as they
            lie; columns of a table are matched by name.
        errors : array_like or table, optional
            Errors of measurement of the points, as `FitMoG` takes them: the density is that of
            points with such noise, sum_k w_k N(x_i; mu_k, Sigma_k + S_i).
        projection : array_like of shape (N, M, V) or (M, V), optional
            X are projections R_i x_i, with M values each.
        missing : {"nan", "marginal", "error"}, default "nan"
            What a NaN stands for: a density of NaN; a missing value, over which the density is
            integrated; or an error. A value whose error is infinite is missing with all of them.
        threads : int, default 0
            Threads to use; 0 stands for the package's default.

        Returns
        -------
        float, or ndarray of shape (N,)
            A float for one row, be it an array of shape (V,) or (1, V), as in MultiMin. 0 outside
            the domain. Values below about 1e-308 are 0: use `logpdf` there.

        Raises
        ------
        InputError
            If the number of coordinates is not `nvars`, or an error cannot be one.
        """
        density, _ = self._evaluate(_core.pdf, X, errors, projection, missing, threads)
        return float(density[0]) if len(density) == 1 else density

    def logpdf(
        self,
        X: Any,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "nan",
        threads: int = 0,
    ) -> float | Floats:
        """Natural logarithm of the density at points, accurate arbitrarily far from the mixture.

        Takes, returns and raises what `pdf` does, a float for one row; -inf outside the domain and
        where a coordinate is infinite.

        Examples
        --------
        >>> import mogfit as mn
        >>> round(mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0]).logpdf(1e6), 3)
        -500000000000.919
        """
        density, _ = self._evaluate(_core.logpdf, X, errors, projection, missing, threads)
        return float(density[0]) if len(density) == 1 else density

    def component_logpdf(
        self,
        X: Any,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "nan",
        threads: int = 0,
    ) -> Floats:
        """Log density of every component, log N(x_i; mu_k, Sigma_k) - log Z_k, without the weights.

        Returns an array of shape (N, G), or (G,) for one point without an axis of rows; takes and
        raises what `pdf` does.
        """
        densities, single = self._evaluate(
            _core.component_logpdf, X, errors, projection, missing, threads
        )
        return densities[0] if single else densities

    def responsibilities(
        self,
        X: Any,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "nan",
        threads: int = 0,
    ) -> Floats:
        """Probability that each point came from each component, w_k N_k(x_i) / p(x_i).

        Returns an array of shape (N, G) whose rows sum to 1, or (G,) for one point without an axis
        of rows; takes and raises what `pdf` does. NaN outside the domain and where a coordinate is
        not finite.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0])
        >>> mog.responsibilities(1.0)
        array([0.5, 0.5])
        """
        shares, single = self._evaluate(
            _core.responsibilities, X, errors, projection, missing, threads
        )
        return shares[0] if single else shares

    @timed
    def rvs(
        self,
        Nsam: int = 1,
        *,
        rng: Any = None,
        errors: Any = None,
        projection: Any = None,
        threads: int = 0,
    ) -> Floats:
        """Draw points from the mixture.

        Parameters
        ----------
        Nsam : int, default 1
            Number of points.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed. None takes one draw from numpy's global state, so that
            ``np.random.seed`` makes a script repeatable. An int gives the same points at every
            call.
        errors : array_like, optional
            Errors of measurement, as `FitMoG` takes them: noise is put on the points.
        projection : array_like of shape (Nsam, M, V) or (M, V), optional
            Draw projections R_i x_i instead.
        threads : int, default 0
            Threads to use; the points do not depend on it.

        Returns
        -------
        ndarray of shape (Nsam, V), or (Nsam, M) with a projection
            NaN where an error is infinite.

        Raises
        ------
        InputError
            If `Nsam` is not a whole number, 0 or more, or an error cannot be one.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0])
        >>> bool(mog.rvs(1000, rng=1, errors=3.0).std() > 3.0)
        True
        """
        count = check_count(Nsam, "Nsam", 0)
        seed = draw_seed(rng)
        points, _ = _core.sample(self._prepared, count, seed, threads)
        if errors is None and projection is None:
            return points
        from mogfit.noise_draws import observe_points

        columns = self.nvars
        if projection is not None:
            columns = as_projection(projection, self.nvars).shape[1]
        seen = as_observations(
            np.zeros((count, columns)),
            nvars=self.nvars,
            names=self.names,
            name="the draws",
            missing="marginal",
            errors=errors,
            projection=projection,
            allow_empty=True,
        )
        return observe_points(points, seen, np.random.default_rng(seed))

    def sample_mog_likelihood(
        self,
        uparams: ArrayLike,
        data: Any = None,
        pmap: Callable[[Floats], ArrayLike] | None = None,
        tset: str = "stdcorr",
        scales: ArrayLike = (),
        verbose: int = 0,
    ) -> float:
        """-log L of a sample, after this mixture has been set to the parameters given.

        Parameters
        ----------
        uparams : array_like
            Parameters without bounds.
        data : array_like of shape (N, V)
            The sample.
        pmap : callable, optional
            Maps the parameters, once bounded, to the vector that is set; by default they are it.
        tset : {"stdcorr", "params"}, default "stdcorr"
            Which vector that is.
        scales : array_like, optional
            Scale s of each parameter u, which is mapped to s / (1 + exp(-u)); 0 leaves it as it
            is. By default all do.
        verbose : int, default 0
            1 prints the parameters and the result, 2 the mixture too.

        Returns
        -------
        float
            -sum_i log p(x_i); infinite where a point has no density.

        Raises
        ------
        InputError
            If there are no data, a length does not fit, or no mixture has these parameters; the
            mixture is then as it was.
        """
        if data is None:
            raise InputError("data: No data provided; give the sample")
        if tset not in ("stdcorr", "params"):
            raise InputError(choice_message("tset", tset, ("stdcorr", "params")))
        points = as_points(data, nvars=self.nvars, names=self.names, name="data")
        unbound, scale = real_array(uparams, "uparams"), real_array(scales, "scales")
        if scale.size and scale.shape != unbound.shape:
            raise InputError(
                shape_message(
                    "scales", scale.shape, unbound.shape, other="uparams", other_shape=unbound.shape
                )
            )
        bounded = unbound_to_bound(unbound, scale) if scale.size else unbound
        vector = bounded if pmap is None else pmap(bounded)
        if tset == "stdcorr":
            self.set_stdcorr(vector, self.nvars)
        else:
            self.set_params(vector, self.nvars)
        neg_loglik = -_core.log_likelihood(self._prepared, points.values)
        if verbose:
            lines = [f"Parameters: {np.asarray(vector).tolist()}", f"-log_l = {neg_loglik}"]
            print("\n".join(lines + ([str(self)] if verbose > 1 else [])))  # noqa: T201
        return neg_loglik

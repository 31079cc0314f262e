"""`MixtureOfGaussians`: a mixture of multivariate Gaussians that is given, evaluated and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.console import timed
from mogfit.data import Points, as_points
from mogfit.density.components import check_count, real_array
from mogfit.errors import InputError, choice_message, shape_message
from mogfit.mixture_parameters import MixtureParameters
from mogfit.parameters import unbound_to_bound
from mogfit.rng import draw_seed

if TYPE_CHECKING:
    from mogfit.export.frozen import FrozenMixture

__all__ = ["MixtureOfGaussians"]

Floats = NDArray[np.float64]


class MixtureOfGaussians(MixtureParameters):
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

    @timed
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

    # -- tables and exports ----------------------------------------------------------------------

    def tabulate(
        self,
        sort_by: str = "weight",
        return_df: bool = True,
        type: str = "df",
        properties: Any = None,
        *,
        digits: int | str | None = None,
    ) -> Any:
        """Write the components as a table: weights, means, standard deviations, correlations.

        Parameters
        ----------
        sort_by : {"weight", "distance"}, default "weight"
            Heaviest first, or nearest to the origin first.
        return_df : bool, default True
            Whether to return the table; otherwise it is printed.
        type : {"df", "latex"}, default "df"
            A pandas data frame, or LaTeX (which is printed too).
        properties : sequence of str or dict, optional
            Names of the variables; by default those of the data, or 1, 2, ...
        digits : int or "full", optional
            Significant digits; by default all in a data frame and 4 in LaTeX.

        Returns
        -------
        pandas.DataFrame, str or None
            One row a component, numbered from 1 as the rows of `mus` from 0; columns w, mu_i,
            sigma_i and rho_ij, and var_1 for one variable.

        Raises
        ------
        InputError
            If an argument is not one of those allowed.
        ImportError
            If pandas is not installed and a data frame is asked for.
        """
        from mogfit.export.tables import tabulate

        return tabulate(
            self, sort_by=sort_by, return_df=return_df, type=type, properties=properties,
            digits=digits,
        )  # fmt: skip

    def get_function(
        self,
        print_code: bool = True,
        decimals: int | None = 6,
        type: str = "python",
        properties: Any = None,
        cmog: bool = False,
    ) -> tuple[str, Callable[[Any], Any] | None]:
        """Write the density as source code, and return it with a function made of it.

        Parameters
        ----------
        print_code : bool, default True
            Whether to print the code too.
        decimals : int or None, default 6
            Decimal places of the numbers, more where fewer would change the density; None writes
            every digit, as C always has.
        type : {"python", "latex", "c"}, default "python"
            Python that needs NumPy alone, LaTeX formulas, or C99 that needs <math.h> alone.
        properties : sequence of str or dict, optional
            Names of the variables, which the names in the code end with.
        cmog : bool, default False
            Write a call of `mogfit.cmog` in place of formulas.

        Returns
        -------
        code : str
        function : callable or None
            ``function(X)`` is the density at X, as `pdf` takes it; None for LaTeX and C.

        Raises
        ------
        InputError
            If an argument is not one of those allowed.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])
        >>> code, density = mog.get_function(print_code=False)
        >>> round(float(density(1.3)), 9)
        0.108078826
        """
        from mogfit.export.functions import get_function

        return get_function(
            self, print_code=print_code, decimals=decimals, type=type, properties=properties,
            cmog=cmog,
        )  # fmt: skip

    def freeze(self) -> FrozenMixture:
        """A light, immutable copy with the methods of a distribution of `scipy.stats`.

        Returns
        -------
        FrozenMixture
            With ``pdf(x)``, ``logpdf(x)``, ``rvs(size, random_state)``, ``mean()`` and ``cov()``.

        Examples
        --------
        >>> import mogfit as mn
        >>> frozen = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0]).freeze()
        >>> frozen.mean(), frozen.rvs(size=(2, 3), random_state=1).shape
        (array([1.]), (2, 3))
        """
        from mogfit.export.frozen import FrozenMixture

        return FrozenMixture(self)

    def _repr_html_(self) -> str:
        from mogfit.export.tables import html_table

        return html_table(self)

    # -- figures ---------------------------------------------------------------------------------

    def plot_pdf(
        self,
        properties: Any = None,
        ranges: Any = None,
        figsize: float = 3,
        grid_size: int = 200,
        cmap: str = "Spectral_r",
        colorbar: bool = False,
        marginals: bool = False,
    ) -> Any:
        """Draw the density: a curve for one variable, a panel for each pair of more.

        Parameters
        ----------
        properties : sequence of str or dict, optional
            Names of the variables, or ``{name: dict(label=, range=)}``.
        ranges : sequence of (low, high) or None, optional
            What to show of each variable.
        figsize : float, default 3
            Side of a panel in inches.
        grid_size : int, default 200
            Points along each side of a panel.
        cmap : str, default "Spectral_r"
            Colours.
        colorbar : bool, default False
            Whether to add a colour bar.
        marginals : bool, default False
            Show each variable alone, too, on the diagonal.

        Returns
        -------
        MultiPlot
        """
        from mogfit.plotting.mixture_plots import plot_pdf

        return plot_pdf(
            self, properties=properties, ranges=ranges, figsize=figsize, grid_size=grid_size,
            cmap=cmap, colorbar=colorbar, marginals=marginals,
        )  # fmt: skip

    def plot_sample(
        self,
        data: Any = None,
        N: int = 10000,
        properties: Any = None,
        ranges: Any = None,
        figsize: float = 2,
        sargs: dict[str, Any] | None = None,
        hargs: dict[str, Any] | None = None,
        marginals: bool = False,
    ) -> Any:
        """Draw a sample: one given, or drawn from the mixture.

        Parameters
        ----------
        data : array_like of shape (N, V), optional
            The sample; by default `N` points drawn from the mixture.
        N : int, default 10000
            How many.
        properties : sequence of str or dict, optional
            Names of the variables, or ``{name: dict(label=, range=)}``.
        ranges : sequence of (low, high) or None, optional
            What to show of each variable.
        figsize : float, default 2
            Side of a panel in inches.
        sargs : dict, optional
            Draws points; arguments of `MultiPlot.sample_scatter`. The default if `hargs` is left
            out too.
        hargs : dict, optional
            Draws a histogram; arguments of `MultiPlot.sample_hist`.
        marginals : bool, default False
            Show each variable alone, too, on the diagonal.

        Returns
        -------
        MultiPlot
            The sample is its attribute `data`; the mixture keeps none.
        """
        from mogfit.plotting.mixture_plots import plot_sample

        return plot_sample(
            self, data=data, N=N, properties=properties, ranges=ranges, figsize=figsize,
            sargs=sargs, hargs=hargs, marginals=marginals,
        )  # fmt: skip

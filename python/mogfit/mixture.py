"""`MixtureOfGaussians`: a mixture of multivariate Gaussians that is given, evaluated and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mogfit.mixture_measures import MixtureMeasures

if TYPE_CHECKING:
    from typing_extensions import Self

    from mogfit.export.frozen import FrozenMixture
    from mogfit.plotting.multiplot import MultiPlot

__all__ = ["MixtureOfGaussians"]


class MixtureOfGaussians(MixtureMeasures):
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

    # -- tables and exports ----------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Write the mixture as numbers, texts, lists and dictionaries, ready for JSON.

        Returns
        -------
        dict
            Every double is one whose decimal digits give it back exactly. `from_dict` reads it.
        """
        from mogfit.export.mixture_record import mixture_record

        return mixture_record(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """The mixture that `to_dict` has written, bit for bit.

        Raises
        ------
        InputError
            If an entry is missing, has another shape, or is not that of a mixture.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(weights=[0.3, 0.7], mus=[0.0, 2.5], Sigmas=[1.0, 0.25])
        >>> mn.MixtureOfGaussians.from_dict(mog.to_dict()).mus.tolist()
        [[0.0], [2.5]]
        """
        from mogfit.export.mixture_record import state_from_dict

        return cls._from_state(state_from_dict(record))

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
        projection: str = "slice",
    ) -> MultiPlot:
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
        projection : {"slice", "marginal"}, default "slice"
            Whether a panel shows the density with the other variables at the mean, or with them
            integrated out.

        Returns
        -------
        MultiPlot
        """
        from mogfit.plotting.mixture_plots import plot_pdf

        return plot_pdf(
            self, properties=properties, ranges=ranges, figsize=figsize, grid_size=grid_size,
            cmap=cmap, colorbar=colorbar, marginals=marginals, projection=projection,
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
    ) -> MultiPlot:
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

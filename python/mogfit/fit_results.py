"""What a fit to data says of itself: solution, quality, figures and files."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.density.components import check_count
from mogfit.density.domain import parse_domain
from mogfit.density.text import counted
from mogfit.errors import FileFormatError, InputError
from mogfit.fit_criteria import FitCriteria
from mogfit.inference.quality import QualityOfFit, compare_samples
from mogfit.inference.report import FitReport
from mogfit.mixture import MixtureOfGaussians
from mogfit.observations import Missing, Observations
from mogfit.parameters import bound_to_unbound

if TYPE_CHECKING:
    from mogfit.export.saved import SavedFit
    from mogfit.plotting.multiplot import MultiPlot

__all__ = ["FitResults"]

Floats = NDArray[np.float64]

# Drawn or shown, and neither copied nor saved.
_PASSING = ("mog_qsample", "fig", "fig_qq", "ax_qq")


class FitResults(FitCriteria):
    """A mixture together with how it was fitted and how well it fits."""

    report: FitReport | None
    keep_data: bool
    _optimum: Floats | None
    # MultiMin's own result, of a fit that was read from a file of it.
    _read_solution: dict[str, Any] | None = None
    # What stands in the prefix besides G and the hash; None before there is a prefix.
    _label: tuple[object, ...] | None = None

    def _forget_drawings(self) -> None:
        """Nothing is drawn yet: neither points for the quality of the fit nor figures."""
        self.mog_qsample: Floats | None = None
        self.fig: Any = None
        self.fig_qq: Any = None
        self.ax_qq: Any = None

    @property
    def solution(self) -> Any:
        """The last fit as a `scipy.optimize.OptimizeResult`, or None.

        ``fun`` is the total -log L in the data's units, ``x`` the vector `uparams` of the optimum.
        """
        report = self.report
        if report is None and self._read_solution is None:
            return None
        # Built when asked for: importing scipy.optimize takes longer than many a fit.
        from scipy.optimize import LbfgsInvHessProduct, OptimizeResult

        if report is None or self._optimum is None:
            read = OptimizeResult(self._read_solution)
            if isinstance(read.get("hess_inv"), dict):
                read.hess_inv = LbfgsInvHessProduct(**read.hess_inv)
            return read
        return OptimizeResult(
            x=bound_to_unbound(self._optimum, self.scales),
            fun=report.neg_loglik,
            nit=report.iterations,
            nfev=round(report.passes),
            status=0 if report.converged else 1,
            success=report.converged,
            message=report.reason,
        )

    @property
    def neval(self) -> int:
        """Passes over the data in the last fit, those over samples in proportion; 0 before it."""
        return 0 if self.report is None else round(self.report.passes)

    # -- files -----------------------------------------------------------------------------------

    @property
    def hash(self) -> str:
        """Five hexadecimal digits that tell fits apart: the same fit has the same ones."""
        from mogfit.export.fit_names import fit_hash

        return fit_hash(self)

    @property
    def prefix(self) -> str:
        """Prefix for names of files, such as "2mog_cc510"; empty before a fit."""
        from mogfit.export.fit_names import fit_prefix

        return "" if self._label is None else fit_prefix(self.ngauss, self.hash, *self._label)

    def save_fit(
        self,
        objfile: str | os.PathLike[str] | None = None,
        useprefix: bool = True,
        myprefix: object = None,
        *,
        data: bool = True,
    ) -> None:
        """Write the fit to a file that `FitMoG` reads, and that `pickle.load` opens.

        The file is written whole or not at all. `mogfit.save` writes a smaller one, in JSON.

        Parameters
        ----------
        objfile : str or os.PathLike, optional
            File to write; by default FitMoG.pkl in the folder for temporary files.
        useprefix : bool, default True
            Put `prefix` into its name: fit.pkl becomes fit-2mog_cc510.pkl.
        myprefix : object, optional
            A word to put into the prefix.
        data : bool, default True
            Keep the points too.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from mogfit.export.fit_names import fit_file_name
        from mogfit.export.pickles import write_fit_pickle

        self._label = () if myprefix is None else (myprefix,)
        write_fit_pickle(self, fit_file_name(objfile, self.prefix if useprefix else None), data)

    # -- quality and figures ---------------------------------------------------------------------

    def quality_of_fit(
        self,
        data: Any = None,
        n_sim: int | None = None,
        resample: bool = False,
        plot_qq: bool = False,
        figsize: float = 5,
        ax: Any = None,
        plot_line: bool = True,
        title: str = "Q-Q Plot",
        verbose: bool = False,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing | None = None,
        random_state: Any = None,
    ) -> QualityOfFit:
        """Compare the densities at the data with those at points drawn from the mixture.

        The statistic is S = -2 log p(x): of a single Gaussian the squared Mahalanobis distance,
        up to a constant. It needs no bins in any number of variables.

        Parameters
        ----------
        data : array_like of shape (N, V), optional
            Points; by default those of the fit.
        n_sim : int, optional
            How many points to draw; by default 10 N.
        resample : bool, default False
            Draw anew. Otherwise the points of the last call are used again, in `mog_qsample`, if
            they are as many and the mixture has not changed since.
        plot_qq : bool, default False
            Draw the quantiles of S at the data against those at the points drawn, in `fig_qq` and
            `ax_qq`.
        figsize : float, default 5
            Side of that figure in inches.
        ax : matplotlib.axes.Axes, optional
            Where to draw, in place of a figure of its own.
        plot_line : bool, default True
            Draw the identity too.
        title : str, default "Q-Q Plot"
            Title of the figure.
        verbose : bool, default False
            Print the two figures.
        errors, projection, missing
            As `log_l` takes them: the points drawn are seen in the same way.
        random_state : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed. None takes one draw from numpy's global state.

        Returns
        -------
        QualityOfFit
            Two numbers, by name and in order: ``ks_dist``, the two-sample Kolmogorov-Smirnov
            distance, 0 at best; ``r2_identity``, the coefficient of determination of the identity
            in the Q-Q plot, 1 at best (NaN where the mixture has no density at a point).

        Raises
        ------
        InputError
            If there are no data, they do not fit, or `n_sim` is not a whole number above 0.

        Examples
        --------
        >>> import mogfit as mn
        >>> truth = mn.MixtureOfGaussians(mus=[0.0, 5.0], Sigmas=[1.0, 0.25])
        >>> F = mn.FitMoG(truth.rvs(2000, rng=1), ngauss=2)
        >>> F.fit_data(random_state=1)
        >>> ks, r2 = F.quality_of_fit(random_state=1)
        >>> ks < 0.05 and r2 > 0.95
        True
        """
        seen = self._observed(data, errors, projection, missing=missing)
        points = seen.n_points
        count = 10 * points if n_sim is None else check_count(n_sim, "n_sim", 1)
        if points < 2:
            raise InputError(f"data: {points} points seen; allowed: 2 or more")
        sample = self.mog_qsample
        if resample or sample is None or len(sample) != count:
            sample = self.mog.rvs(count, rng=random_state)
        prepared = self.mog._prepared
        observed = -2.0 * _core.logpdf(prepared, seen.core)
        # Draws with the values missing and the noise of the data.
        drawn = sample if seen.plain else self._seen_again(sample, seen)
        quality, ordered, quantiles = compare_samples(
            observed, -2.0 * _core.logpdf(prepared, drawn)
        )
        self.mog_qsample = sample
        if plot_qq:
            from mogfit.plotting.fit_plots import qq_plot

            self.fig_qq, self.ax_qq = qq_plot(
                ordered,
                quantiles,
                quality["ks_dist"],
                quality["r2_identity"],
                figsize=figsize,
                ax=ax,
                plot_line=plot_line,
                title=title,
            )
        if verbose:
            print(  # noqa: T201  (what verbose= asks for)
                f"Quality of the fit, {points} points against {count} drawn:\n"
                f"  KS distance (0 is best)        : {quality['ks_dist']:.4f}\n"
                f"  R2 of the identity (1 is best) : {quality['r2_identity']:.4f}"
            )
        return quality

    @staticmethod
    def _seen_again(sample: Floats, seen: Observations) -> Any:
        from mogfit.noise_draws import observe_again

        # The sample is kept, and with it its noise.
        return observe_again(sample, seen, np.random.default_rng(len(sample))).core

    def plot_fit(
        self,
        N: int = 10000,
        figsize: float = 2,
        properties: Any = None,
        ranges: Any = None,
        hargs: dict[str, Any] | None = None,
        sargs: dict[str, Any] | None = None,
        pargs: Any = True,
        cargs: dict[str, Any] | None = None,
        marginals: bool = False,
    ) -> MultiPlot:
        """Draw the data and the mixture: a panel for one variable, or for each pair of variables.

        Parameters
        ----------
        N : int, default 10000
            Points to draw from the mixture for a histogram (`hargs`) of several variables.
        figsize : float, default 2
            Side of a panel in inches.
        properties : sequence of str or dict, optional
            Names of the variables, or ``{name: dict(label=, range=)}``; by default those of the
            data's columns.
        ranges : sequence of (low, high) or None, optional
            What to show of each variable.
        hargs : dict, optional
            Draws a histogram, of the data in one variable and of points drawn from the mixture in
            more; arguments of `MultiPlot.sample_hist`.
        sargs : dict, optional
            Draws the data as points; arguments of `MultiPlot.sample_scatter`.
        pargs : dict, bool or None, default True
            Density of the mixture; arguments of `MultiPlot.mog_pdf`, None for none.
        cargs : dict, optional
            Draws contours; arguments of `MultiPlot.mog_contour`.
        marginals : bool, default False
            Show each variable alone, too, on the diagonal.

        Returns
        -------
        MultiPlot
            Its figure is also in `fig`.

        Raises
        ------
        InputError
            If there are no data, or an argument does not fit.
        """
        from mogfit.plotting.fit_plots import plot_fit

        plot = plot_fit(
            self.mog,
            self._points_to_draw(),
            N=N,
            figsize=figsize,
            properties=properties,
            ranges=ranges,
            hargs=hargs,
            sargs=sargs,
            pargs=pargs,
            cargs=cargs,
            marginals=marginals,
        )
        self.fig = plot.fig
        return plot

    def _weighted_points_to_draw(self) -> tuple[NDArray[Any], Floats | None]:
        """The rows that are points and count, and their weights in the fit, where it had any."""
        points, weight = self._points_to_draw(), self._fit_weight
        if weight is None:
            return points, None
        values = self._observed(None).values
        weight = weight[~np.isnan(values).any(axis=1)]
        return points[weight > 0], weight[weight > 0]

    def _points_to_draw(self) -> NDArray[Any]:
        """The rows that are points: those without a missing value."""
        seen = self._observed(None)
        if seen.projection is not None:
            raise InputError(
                "data: projections of points cannot be drawn beside their mixture; "
                "mog.plot_pdf() draws that"
            )
        if not seen.incomplete:
            return seen.values
        complete = ~np.isnan(seen.values).any(axis=1)
        if not complete.any():
            raise InputError("data: no row is complete, so that there is no point to draw")
        return np.asarray(seen.values[complete])

    # -- copies and text -------------------------------------------------------------------------

    def __copy__(self) -> Any:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__ | dict.fromkeys(_PASSING), memo))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        self._sigma_scale = self._sigmax  # known from the data, which may go
        passing = _PASSING if self.keep_data else (*_PASSING, "data")
        # The values are in `data`: written once, they are the same array again for any pickler.
        kept = self.keep_data and self._own is not None
        if not self.keep_data:
            passing = (*passing, "_fit_weight")
        return (
            self.__dict__ | dict.fromkeys(passing) | {"_seen": self._belongings if kept else None}
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A file of `save_fit` that pickle.load opens.
        from mogfit.export.saved import is_state, saved_from_state

        if is_state(state):
            self._take_over(saved_from_state(state))
        else:
            self.__dict__.update(state)
            self._have(state["data"], state.get("_seen"))

    def _take_over(self, saved: SavedFit) -> None:
        """Be the fit that a file holds."""
        mixture = saved.mixture
        try:
            mog = MixtureOfGaussians._from_state(vars(mixture))
        except InputError as error:
            raise FileFormatError(f"{saved.source}: {error}") from error
        self.ngauss, self.nvars = mixture.mus.shape
        self.names = mixture.names
        self.outside, self.truncation = saved.outside, mixture.truncation
        self.missing, self.covariance = saved.missing, saved.covariance
        self._fit_weight = None
        self._have(saved.data, saved.belongings)
        self._bounds = parse_domain(mixture.domain, self.nvars)
        self._sigma_scale = saved.sigma_scale
        self.keep_data = False
        self.report, self._optimum, self.bounds = saved.report, saved.optimum, saved.bounds
        self._read_solution, self.minargs = saved.solution, saved.minargs
        self._forget_drawings()
        self._adopt(mog)
        self._initial_params_set_by_user = saved.set_by_user

    def __repr__(self) -> str:
        data = "no data" if self.data is None else counted(len(self.data), "point")
        auto = self.report is None and getattr(self, "_auto", False)
        components = "any number of components" if auto else counted(self.ngauss, "component")
        variables = counted(self.nvars, "variable")
        head = f"{type(self).__name__}: {components}, {variables}, {data}"
        if self.report is None:
            return f"{head}, {'fitted by MultiMin' if self._read_solution else 'not fitted yet'}"
        return f"{head}\n{self.report}"

    __str__ = __repr__

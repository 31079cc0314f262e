"""What a fit to a function says of itself: its data, solution, quality and figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.console import tell
from mogfit.density.components import check_count
from mogfit.errors import NotFittedError
from mogfit.fit_parameters import FitParameters
from mogfit.inference.function_fit.mesh import Mesh
from mogfit.inference.function_fit.report import FunctionFitReport, measure_quality
from mogfit.parameters import bound_to_unbound

__all__ = ["FunctionFitResults"]

Floats = NDArray[np.float64]


class FunctionFitResults(FitParameters):
    """A mixture together with the function that a multiple of it describes."""

    _weight_scale = 100.0
    truncation = "components"

    data: tuple[Any, ...]
    normalization: float | None
    report: FunctionFitReport | None
    minargs: dict[str, Any]
    fig: Any
    _mesh: Mesh
    _optimum: Floats | None
    _Fmax: float

    # -- the data --------------------------------------------------------------------------------

    @property
    def X(self) -> Floats:
        """Points of the mesh, (N, V)."""
        return self._mesh.points

    @property
    def F(self) -> Floats:
        """Values at the points, (N,)."""
        return self._mesh.values

    @property
    def weights(self) -> Floats | None:
        """Weights of the squared residuals, (N,), or None."""
        return self._mesh.weights

    @property
    def _X(self) -> Floats:
        return self.X

    @property
    def _F(self) -> Floats:
        return self.F

    @property
    def _Fnorm(self) -> Floats:
        return self.F / self._Fmax

    def _widest_spread(self) -> float:
        """A fifth of the widest side of the box: standard deviations reach twice that side."""
        return float(np.ptp(self._mesh.bounds, axis=0).max()) / 5.0

    @property
    def solution(self) -> Any:
        """The last fit as a `scipy.optimize.OptimizeResult`, or None before it."""
        report = self.report
        if report is None or self._optimum is None:
            return None
        # Built when asked for: importing scipy.optimize takes longer than many a fit.
        from scipy.optimize import OptimizeResult

        return OptimizeResult(
            x=bound_to_unbound(self._optimum, self.scales),
            fun=report.loss,
            nit=report.iterations,
            nfev=report.evaluations,
            status=0 if report.converged else 1,
            success=report.converged,
            message=report.reason,
        )

    @property
    def neval(self) -> int:
        """Evaluations of the model in the last fit; 0 before it."""
        return 0 if self.report is None else self.report.evaluations

    # -- quality and figures ---------------------------------------------------------------------

    def _scale(self) -> float:
        if self.normalization is None:
            raise NotFittedError("FitFunctionMoG: not fitted yet; call fit_data first")
        return self.normalization

    def quality_of_fit(self, verbose: bool | None = None) -> dict[str, Any]:
        """Measure how well the model follows the values.

        Parameters
        ----------
        verbose : bool, optional
            Print R2. By default where ``mogfit.verbose`` is set.

        Returns
        -------
        dict
            ``R2`` = 1 - SS_res / SS_tot (1 at best, 0 no better than the mean), ``RMSE``,
            ``SS_res``, the sum of the squared residuals, ``SS_tot``, that of the differences from
            the mean, and ``n_points``. With weights the sums and means are weighted ones, and
            values of weight 0 do not count.

        Raises
        ------
        NotFittedError
            Before a fit.
        """
        model = self._scale() * np.asarray(self.mog.pdf(self.X))
        quality = measure_quality(self.F, model, self.weights)
        lines = (
            "Quality of the fit:",
            f"  R2    = {quality['R2']:.6g}  (1 is perfect, 0 no better than the mean)",
        )
        if verbose:
            print("\n".join(lines))  # noqa: T201  (what verbose= asks for)
        elif verbose is None:
            tell(*lines)
        return quality

    def plot_fit(
        self,
        figsize: tuple[float, float] = (8, 5),
        xlabel: str | None = None,
        ylabel: str | None = None,
        n_curve: int = 300,
        sargs: Any = True,
        pargs: Any = True,
        hargs: dict[str, Any] | None = None,
        largs: dict[str, Any] | None = None,
        dargs: dict[str, Any] | None = None,
        *,
        residuals: bool = True,
        properties: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Draw the values, the model and their difference.

        Of one variable as curves; of two as maps of values, model and residuals; of more as such
        maps of sums over the other variables, for each pair of variables.

        Parameters
        ----------
        figsize : (width, height), default (8, 5)
            Inches.
        xlabel, ylabel : str, optional
            Labels: of the variable and of the values, or of the two variables of maps.
        n_curve : int, default 300
            Least number of points of the curves.
        sargs : dict, bool or None, default True
            Draws the values as markers; options of matplotlib's `plot`.
        pargs : dict, bool or None, default True
            Draws the model; options of matplotlib's `plot`, in maps of `pcolormesh`.
        hargs : dict, optional
            Draws the values as steps too; options of matplotlib's `step`.
        largs : dict, optional
            Options of the legend.
        dargs : dict, optional
            Draws each component, with its mean and standard deviation in the legend; options of
            matplotlib's `plot`. In maps, the ellipse of one standard deviation of each.
        residuals : bool, default True
            Draw residuals in a panel of their own.
        properties : sequence of str or dict, optional
            Names of the variables, or ``{name: dict(label=)}``, for the labels of maps.
        **kwargs
            Further options of the model's curve.

        Returns
        -------
        matplotlib.figure.Figure
            Also in `fig`.

        Raises
        ------
        NotFittedError
            Before a fit.
        InputError
            If an argument does not fit.
        """
        from mogfit.plotting.function_plots import FunctionValues, plot_curve, plot_maps

        scale = self._scale()
        check_count(n_curve, "n_curve", 2)
        values = self.F if self.weights is None else np.where(self.weights > 0, self.F, np.nan)
        grid = self._mesh.grid()
        shown = FunctionValues(self.X, values, *((None, None) if grid is None else grid))
        if self.nvars == 1:
            self.fig = plot_curve(
                shown,
                self.mog,
                scale,
                figsize=figsize,
                xlabel=xlabel,
                ylabel=ylabel,
                n_curve=n_curve,
                sargs=sargs,
                pargs=pargs,
                hargs=hargs,
                largs=largs,
                dargs=dargs,
                residuals=residuals,
                curve_options=kwargs,
            )
        else:
            self.fig = plot_maps(
                shown,
                self.mog,
                scale,
                figsize=figsize,
                labels=(xlabel, ylabel),
                properties=properties,
                pargs=pargs,
                largs=largs,
                dargs=dargs,
                residuals=residuals,
                map_options=kwargs,
            )
        return self.fig

    # -- copies and text -------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"fig": None}

    def __repr__(self) -> str:
        head = (
            f"{type(self).__name__}: {self.ngauss} components, {self.nvars} variables, "
            f"{len(self.F)} values"
        )
        if self.report is None:
            return f"{head}, not fitted yet"
        return f"{head}\n{self.report}"

    __str__ = __repr__

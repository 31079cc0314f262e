"""`FitMoG`: a mixture of Gaussians fitted to data by maximum likelihood."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.console import shows_reports, tell, timed
from mogfit.density.components import check_count
from mogfit.density.domain import TRUNCATIONS, parse_domain
from mogfit.errors import InputError, choice_message, scalar_message, warn_user
from mogfit.fit_stages import FitStages
from mogfit.fixed import parse_fixed
from mogfit.inference.checks import overall_moments
from mogfit.inference.progress import FitState, observing
from mogfit.inference.report import FitReport
from mogfit.inference.run import FitOptions, run_fit
from mogfit.inference.structure import check_structure, is_diagonal
from mogfit.mixture import MixtureOfGaussians
from mogfit.observations import MISSING, Missing, Observations, as_observations
from mogfit.prior import Prior, check_prior
from mogfit.rng import draw_seed

__all__ = ["FitMoG"]

Floats = NDArray[np.float64]


class FitMoG(FitStages):
    """Fit a mixture of Gaussians to data.

    Parameters
    ----------
    data : array_like of shape (N, V), or (N,) for one variable, optional
        Points: arrays of any layout and real type, data frames, memory maps. Read where they lie
        when they are float64 or float32; never modified.
    ngauss : int or "auto", default 1
        Number of components G. "auto" lets the first fit, and later ones that are given `n_starts`,
        compare 1 to 10 by BIC, as `mogfit.select` does, and keep the best; all are in `selection`.
    nvars : int, optional
        Number of variables V; taken from the data when left out, 2 without data.
    domain : sequence of V entries, optional
        For each variable None, or (low, high); a side may be infinite. The mixture that is fitted
        is truncated to this closed box; its means may lie outside where the data say so.
    objfile : str or os.PathLike, optional
        A file that `save_fit` of mogfit or of MultiMin has written, to be read in place of all
        the other arguments; a text as `data` is taken for it too. No code in it is run.
    outside : {"error", "drop"}, default "error"
        What to do about rows outside the domain. Those dropped here are gone from `data`; weights
        and errors given later may be of the rows in `data`, or of all that there were.
    truncation : {"components", "mixture"}, default "components"
        What the weights of `mog` mean; see `MixtureOfGaussians`. The fitted density is the same.
    missing : {"error", "marginal", "drop"}, default "error"
        What a missing value (NaN, masked, NA, null) means: an error; that its row counts with the
        values that it has, by the exact likelihood of those; or that its row is left out, as with
        `outside`.
    errors : array_like or table, optional
        Errors of measurement e_i ~ N(0, S_i): standard deviations of every value, (N, V), or of
        each variable, (V,); covariances of every point, (N, V, V), or one for all, (1, V, V). The
        mixture that is fitted is that of the points without their noise (extreme deconvolution:
        Bovy, Hogg & Roweis 2011). An infinite error makes its value a missing one, which "error"
        too lets count. A mapping gives standard deviations by the names of the columns.
    projection : array_like of shape (N, M, V) or (M, V), optional
        Matrices R_i: what is seen are the M values y_i = R_i x_i + e_i of each point.
    covariance : str, default "full"
        The family that covariances are taken from: ``"full"``; ``"diag"``, without correlations;
        ``"spherical"``, one variance for all variables, which should then have the same units; and
        ``"tied"``, ``"tied_diag"``, ``"tied_spherical"``, where all components share one.

    Attributes
    ----------
    data : ndarray or None
        The points, as they were given.
    mog : MixtureOfGaussians
        The mixture: at first the one the initial parameters describe, after `fit_data` the fitted
        one, components in decreasing order of weight.
    solution : scipy.optimize.OptimizeResult or None
        Result in scipy's form: ``fun`` is the total -log L, ``x`` the unbound vector.
    report : FitReport or None
        How the last fit went.
    minparams, scales, uparams : ndarray
        MultiMin's flat vectors of `mog`; see `mogfit.parameters`. Setting `minparams` or
        `uparams` sets where the next fit starts.
    bounds : tuple or None
        What `set_bounds` has set.
    minargs : dict
        Method, options and the like of the last fit.
    neval : int
        Passes over the data in the last fit.
    prefix, hash : str
        Five hexadecimal digits that tell fits apart, and with the number of components before
        them a prefix for names of files; empty before a fit.
    mog_qsample : ndarray or None
        Points that `quality_of_fit` has drawn.
    fig, fig_qq, ax_qq
        The last figures of `plot_fit` and `quality_of_fit`, or None.
    keep_data : bool
        Whether pickles hold the data too: False, until it is set. Copies always do.
    names : tuple of str or None
        Names of the variables, where the data brought some.
    selection : Selection or None
        What ``ngauss="auto"`` has compared.

    Raises
    ------
    InputError
        If the data are not finite points, or the numbers of variables do not agree.
    DomainError
        If the domain is none, or rows lie outside it and are not to be dropped.

    Warns
    -----
    DataWarning
        Saying how many rows were dropped.

    Examples
    --------
    >>> import numpy as np
    >>> import mogfit as mn
    >>> truth = mn.MixtureOfGaussians(mus=[0.0, 5.0], Sigmas=[1.0, 0.25])
    >>> F = mn.FitMoG(truth.rvs(2000, rng=1), ngauss=2)
    >>> F.fit_data(random_state=1)
    >>> F.report.converged
    True
    >>> bool(np.abs(np.sort(F.mog.mus.ravel()) - [0, 5]).max() < 0.1)
    True
    """

    def __init__(
        self,
        data: Any = None,
        ngauss: int | str = 1,
        nvars: int | None = None,
        domain: Sequence[Any] | None = None,
        objfile: str | os.PathLike[str] | None = None,
        *,
        outside: str = "error",
        truncation: str = "components",
        missing: Missing = "error",
        errors: Any = None,
        projection: Any = None,
        covariance: str = "full",
    ) -> None:
        if objfile is None and isinstance(data, (str, os.PathLike)):
            objfile = data
        if objfile is not None:
            self._load_fit(objfile)
            return
        for name, value, allowed in (
            ("outside", outside, ("error", "drop")),
            ("truncation", truncation, TRUNCATIONS),
            ("missing", missing, MISSING),
        ):
            if value not in allowed:
                raise InputError(choice_message(name, value, allowed))
        self.outside, self.truncation, self.missing = outside, truncation, missing
        self.covariance = check_structure(covariance)
        self._auto = isinstance(ngauss, str) and ngauss == "auto"
        self.ngauss = 1 if self._auto else check_count(ngauss, "ngauss", 1)
        self.names = None
        self.data = None
        seen = None
        if data is not None:
            seen = as_observations(
                data, nvars=nvars, missing=missing, errors=errors, projection=projection
            )
            self.names, nvars = seen.names, seen.nvars
        elif errors is not None or projection is not None:
            raise InputError("data: none given, but errors or a projection; give them together")
        self.nvars = 2 if nvars is None else check_count(nvars, "nvars", 1)
        self._bounds = parse_domain(domain, self.nvars)
        if seen is not None:
            self._keep(self._inside(seen))
        self.keep_data = False
        self.report = None
        self._optimum = None
        self.bounds = None
        self.minargs: dict[str, Any] = {}
        self._forget_drawings()
        if shows_reports():
            self._tell_sizes()

    def _load_fit(self, objfile: str | os.PathLike[str]) -> None:
        """Be the fit in a file that `save_fit` of mogfit or of MultiMin has written."""
        from mogfit.export.pickles import read_fit_pickle

        self._take_over(read_fit_pickle(objfile))
        if shows_reports():
            self._tell_sizes()

    def _tell_sizes(self) -> None:
        """Tell what MultiMin prints of a new object."""
        count = "0 (No data provided)" if self.data is None else str(len(self.data))
        tell(
            f"Loading a {type(self).__name__} object.",
            f"Number of gaussians: {'auto' if self._auto else self.ngauss}",
            f"Number of variables: {self.nvars}",
            f"Number of dimensions: {self.Ndim}",
            f"Number of samples: {count}",
            *([] if self.domain is None else [f"Domain: {self.domain}"]),
        )
        if self.data is not None:
            tell(f"Log-likelihood per point (-log L/N): {self.norm_log_l()}")

    @property
    def _default_rho(self) -> float:  # type: ignore[override]
        return 0.0 if is_diagonal(self.covariance) else 0.5

    def _widest_spread(self) -> float:
        if self.data is None:
            return 0.0
        _, covariance = overall_moments(self._observed(to_fit=True), structure=self.covariance)
        return float(np.sqrt(np.diag(covariance).max()))

    def _adopt(self, mog: MixtureOfGaussians) -> None:
        super()._adopt(mog)
        self.mog_qsample = None

    # -- the fit ---------------------------------------------------------------------------------

    @timed
    def fit_data(
        self,
        data: Any = None,
        verbose: int = 0,
        advance: int = 0,
        normalize: bool = False,
        progress: bool | str = False,
        *,
        method: str | None = None,
        tol: float | None = None,
        options: Mapping[str, Any] | None = None,
        bounds: Sequence[Any] | None = None,
        callback: Callable[[FitState], object] | None = None,
        sample_weight: ArrayLike | None = None,
        errors: Any = None,
        projection: Any = None,
        missing: Missing | None = None,
        n_starts: int | None = None,
        random_state: Any = None,
        penalty: float = 1e-9,
        threads: int | None = None,
        covariance: str | None = None,
        prior: Prior | bool | None = None,
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        r"""Fit the mixture by maximum likelihood, or to the mode of the posterior.

        The first fit searches for its own start unless `set_initial_params` gave one: greedy
        k-means++ and a few EM steps from several starts on a sample, the best going on to all the
        data. A further fit continues from the last optimum. It ends at an optimum: the largest
        entry of the gradient of the mean log-likelihood, in the complete-data Fisher metric, is at
        most 1e-6, and one EM step would gain less than 1e-3 nats. Shifting or scaling columns
        changes nothing but the units; spherical covariances alone depend on the ratio of the scales
        of the columns.

        Parameters
        ----------
        data : array_like, optional
            Points to fit, in place of those given to `FitMoG`.
        verbose : int, default 0
            1 prints the report at the end.
        advance : int, default 0
            Print the parameters every so many iterations.
        normalize : bool, default False
            Accepted for MultiMin's sake: data are always standardised inside.
        progress : bool or {"tqdm", "text"}, default False
            True or ``"tqdm"`` shows a bar, ``"text"`` prints lines.
        method : str, optional
            ``"L-BFGS"`` (default), ``"EM"``, or a method of `scipy.optimize.minimize`, which then
            runs in the same coordinates, with exact gradients if it uses any.
        tol : float, optional
            Largest entry of the gradient for L-BFGS; for EM the smallest gain in log L / N of a
            step; scipy's `tol` for its methods.
        options : mapping, optional
            ``maxiter`` and, for L-BFGS, ``maxcor``; scipy's own options for its methods.
        bounds : sequence of (low, high), optional
            Bounds in the coordinates of `uparams`, as `set_bounds` returns them; by default those
            it has set. A fit with bounds runs by L-BFGS-B, and is one of full covariances, with
            all parameters free and without a prior.
        callback : callable, optional
            Called with a `FitState` after each iteration of the last stretch; stops the fit by
            raising StopIteration or returning True.
        sample_weight : array_like of shape (N,), optional
            Weight of each point, 0 or more; a whole number counts as repetition.
        errors, projection : array_like, optional
            As `FitMoG` takes them, for the points given here; or in place of those of the fit,
            which stay where they are left out for the same points. Other points are exact without.
        missing : {"error", "marginal", "drop"}, optional
            What a NaN means from now on; by default what `FitMoG` was told.
        n_starts : int, optional
            Starts to try; by default 2 G, at most 8 (split-and-merge moves go on from the best).
            Given again in a later fit, it searches anew.
        random_state : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed of the search. None takes one draw from numpy's global state.
        penalty : float, default 1e-9
            Strength of the scale-free penalty against collapsing components (Chen & Tan 2008);
            0 switches it off. Reported likelihoods are without it.
        threads : int, optional
            Threads to use; the result does not depend on it.
        covariance : str, optional
            Structure of the covariances from now on; by default what `FitMoG` was told. A fit after
            one of another structure searches for its own start.
        prior : bool or Prior, optional
            Fit to the mode of the posterior under this prior; True for the default one, which
            takes what it needs from the data. A prior counts as points do, so that here sample
            weights are numbers of points.
        fixed : mapping, optional
            Parameters to hold at their starting values: ``"weights"``, ``"means"`` (or ``"mus"``)
            and ``"covariances"`` (or ``"Sigmas"``) to True for all components or to the numbers of
            some. Needs a start: that of `set_initial_params`, or an earlier fit. Components then
            keep their order, and with all parameters held the mixture is only evaluated.

        Raises
        ------
        InputError
            If an argument or the data cannot be used, or what is held contradicts itself.
        DegenerateError
            If a column is constant, columns are collinear, or there are too few distinct rows, for
            covariances of this structure.
        DomainError
            If rows lie outside the domain and are not to be dropped.

        Warns
        -----
        ConvergenceWarning
            If the fit ended away from an optimum; the best parameters are kept.
        DegeneracyWarning
            If the penalty holds up a component, one is narrower than the noise of its points can
            tell, or has run so far out of the domain that only its tail is identified.
        DataWarning
            If there are more parameters than points, starting components are identical or not of
            the structure, rows were dropped, or other data come without the errors or projection
            that those before had.

        Notes
        -----
        A fit that raises, or is interrupted, leaves the object as it was.

        Covariances that are smaller than full ones (Banfield & Raftery 1993; Celeux & Govaert 1995)
        need fewer points: with diagonal ones columns may be collinear, with spherical ones also
        constant.

        Examples
        --------
        >>> import numpy as np
        >>> import mogfit as mn
        >>> points = np.random.default_rng(1).normal(size=(500, 2)) * [1.0, 3.0]
        >>> F = mn.FitMoG(points, ngauss=2, covariance="diag")
        >>> F.set_initial_params(mus=[[-1.0, 0.0], [1.0, 0.0]])
        >>> F.fit_data(fixed={"means": True})
        >>> F.report.n_parameters, F.mog.mus[0].tolist(), bool(F.mog.rhos.any())
        (5, [-1.0, 0.0], False)
        """
        begun = time.perf_counter()
        seen = self._inside(
            self._observed(data, errors, projection, sample_weight, missing=missing, to_fit=True)
        )
        if not isinstance(verbose, (bool, int, np.integer)):
            raise InputError(scalar_message("verbose", verbose, "a whole number"))
        if not isinstance(normalize, (bool, np.bool_)):
            raise InputError(scalar_message("normalize", normalize, "True or False"))
        check_count(advance, "advance", 0)
        chosen = bounds if bounds is not None else self.bounds
        structure = self.covariance if covariance is None else check_structure(covariance)
        comparing = self._auto and (self.report is None or n_starts is not None)
        if comparing:
            self._require_any_number(chosen, fixed, callback, advance)
        held = parse_fixed(fixed, self.ngauss, structure)
        fit_options = FitOptions.checked(
            method=method,
            tolerance=tol,
            options=options,
            n_starts=n_starts,
            penalty=penalty,
            threads=threads,
            bounds=None if chosen is None else self._parse_bounds(chosen),
            covariance=structure,
            prior=check_prior(prior, self.ngauss, self.nvars),
            fixed=held,
        )
        if comparing:
            prepared, report = self._compare(seen, fit_options, random_state, progress)
        else:
            start = self._start(structure, n_starts, held)
            rng = np.random.default_rng(draw_seed(random_state, "random_state"))
            limit = fit_options.options.get("maxiter")
            with observing(progress, advance, callback, limit) as observer:
                prepared, report = run_fit(
                    seen,
                    self._bounds,
                    self.ngauss,
                    start,
                    fit_options,
                    rng,
                    seen.names or self.names,
                    observer,
                    begun,
                )
        self._commit(prepared, report, seen)
        self.missing = self.missing if missing is None else missing
        self.covariance = structure
        self.minargs = {"method": fit_options.method, "tol": tol, "options": fit_options.options}
        if verbose:
            print(report)  # noqa: T201 (what verbose= asks for)
        for text, category in self._doubts(seen, fit_options):
            warn_user(text, category)

    def _compare(
        self,
        seen: Observations,
        options: FitOptions,
        random_state: Any,
        progress: bool | str,
    ) -> tuple[_core.PreparedMixture, FitReport]:
        """The best fit of several numbers of components."""
        from mogfit.fit_selection import select_for
        from mogfit.selection.options import SelectionOptions

        models = SelectionOptions.checked(covariance=options.covariance)
        selection = select_for(self, seen, models, options, random_state, progress)
        self.ngauss, self.selection = selection.best_ngauss, selection
        return selection.best.mog._prepared, selection.best.report

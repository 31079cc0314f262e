"""`FitMoG`: a mixture of Gaussians fitted to data by maximum likelihood."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.data import as_points, as_sample_weight
from mogfit.density.components import real_array
from mogfit.density.domain import check_inside, domain_pairs, drop_outside, parse_domain
from mogfit.errors import (
    DataWarning,
    DtypeError,
    InputError,
    choice_message,
    scalar_message,
    shape_message,
    warn_user,
)
from mogfit.inference.bounded import Bounds
from mogfit.inference.checks import mean_and_covariance
from mogfit.inference.doubts import doubts
from mogfit.inference.progress import FitState, observing
from mogfit.inference.report import FitReport
from mogfit.inference.run import FitOptions, run_fit
from mogfit.intervals import Intervals, parse_bounds
from mogfit.mixture import TRUNCATIONS, MixtureOfGaussians, check_count
from mogfit.parameters import (
    Stdcorr,
    bound_to_unbound,
    minparams_from_stdcorr,
    stdcorr_from_minparams,
)
from mogfit.rng import draw_seed

__all__ = ["FitMoG"]

Floats = NDArray[np.float64]


class FitMoG:
    """Fit a mixture of Gaussians to data.

    Parameters
    ----------
    data : array_like of shape (N, V), or (N,) for one variable, optional
        Points: arrays of any layout and real type, data frames, memory maps. Read where they lie
        when they are float64 or float32; never modified.
    ngauss : int, default 1
        Number of components G.
    nvars : int, optional
        Number of variables V; taken from the data when left out, 2 without data.
    domain : sequence of V entries, optional
        For each variable None, or (low, high); a side may be infinite. The mixture that is fitted
        is truncated to this closed box; its means may lie outside where the data say so.
    outside : {"error", "drop"}, default "error"
        What to do about rows outside the domain. Those dropped here are gone from `data`, whose
        rows the weights of `fit_data` belong to.
    truncation : {"components", "mixture"}, default "components"
        What the weights of `mog` mean; see `MixtureOfGaussians`. The fitted density is the same.

    Attributes
    ----------
    data : ndarray or None
        The points.
    mog : MixtureOfGaussians
        The mixture: at first the one the initial parameters describe, after `fit_data` the fitted
        one, components in decreasing order of weight.
    solution : scipy.optimize.OptimizeResult or None
        Result in scipy's form: ``fun`` is the total -log L, ``x`` the unbound vector.
    report : FitReport or None
        How the last fit went.
    minparams, scales, uparams : ndarray
        MultiMin's flat vectors of `mog`; see `mogfit.parameters`.
    bounds : tuple or None
        What `set_bounds` has set.
    keep_data : bool
        Whether pickles hold the data too: False, until it is set. Copies always do.
    names : tuple of str or None
        Names of the variables, where the data brought some.

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
        ngauss: int = 1,
        nvars: int | None = None,
        domain: Sequence[Any] | None = None,
        *,
        outside: str = "error",
        truncation: str = "components",
    ) -> None:
        for name, value, allowed in (
            ("outside", outside, ("error", "drop")),
            ("truncation", truncation, TRUNCATIONS),
        ):
            if value not in allowed:
                raise InputError(choice_message(name, value, allowed))
        self.outside, self.truncation = outside, truncation
        self.ngauss = check_count(ngauss, "ngauss", 1)
        self.names: tuple[str, ...] | None = None
        self.data: NDArray[Any] | None = None
        if data is not None:
            points = as_points(data, nvars=nvars)
            self.data, self.names = points.values, points.names
            nvars = self.data.shape[1]
        self.nvars = 2 if nvars is None else check_count(nvars, "nvars", 1)
        self._bounds = parse_domain(domain, self.nvars)
        self.domain = domain_pairs(self._bounds)
        if self.data is not None:
            self.data, _ = self._inside(self.data, None, self.names)
        self.keep_data = False
        self.report: FitReport | None = None
        self.bounds: tuple[tuple[float, float], ...] | None = None
        self._sigmax = 10.0
        if self.data is not None:
            # Columns far wider than 10 need room for their sigmas in the unbound vector.
            _, covariance = mean_and_covariance(self.data)
            self._sigmax = max(10.0, 10.0 * float(np.sqrt(np.diag(covariance).max())))
        self.set_params()

    # -- initial parameters ----------------------------------------------------------------------

    def set_params(self, mu: float = 0.5, sigma: float = 1.0, rho: float = 0.5) -> None:
        """Set every mean, standard deviation and correlation to the same values.

        A fit does not start from these, but from a search: they are MultiMin's default vectors.

        Raises
        ------
        InputError
            If no mixture has these parameters.
        """
        shape = (self.ngauss, self.nvars)
        for name, value in (("mu", mu), ("sigma", sigma), ("rho", rho)):
            if real_array(value, name).ndim:
                raise InputError(scalar_message(name, value, "one number"))
        self._set_mixture(
            Stdcorr(
                np.full(self.ngauss, 1.0 / self.ngauss),
                np.full(shape, float(mu)),
                np.full(shape, float(sigma)),
                np.full((self.ngauss, self.Ncorr), float(rho)),
            )
        )
        self._initial_params_set_by_user = False

    def _set_mixture(self, stdcorr: Stdcorr) -> None:
        mog = MixtureOfGaussians(
            stdcorr=np.concatenate([part.ravel() for part in stdcorr]),
            nvars=self.nvars,
            domain=self.domain,
            truncation=self.truncation,
        )
        self._adopt(mog)

    def _adopt(self, mog: MixtureOfGaussians) -> None:
        mog.names = self.names
        self.mog = mog
        self._sigmax = max(self._sigmax, 10.0 * float(mog.sigmas.max()))

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
        mog = self.mog
        return minparams_from_stdcorr(Stdcorr(mog.weights, mog.mus, mog.sigmas, mog.rhos))

    @property
    def scales(self) -> Floats:
        """Scale of each entry of `minparams`: 1 for weights, 0 (none) for means, then sigma, 2."""
        weights = 0 if self.ngauss == 1 else self.ngauss
        return np.repeat(
            [1.0, 0.0, self._sigmax, 2.0],
            [weights, self.Ndim, self.Ndim, self.ngauss * self.Ncorr],
        )

    @property
    def uparams(self) -> Floats:
        """The unbound vector: logits of `minparams` over `scales`, means as they are."""
        return bound_to_unbound(self.minparams, self.scales)

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
            Of the means of each variable.

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
        intervals = Intervals.checked(self.nvars, boundw, bounds, boundr, boundsm)
        if np.isfinite(intervals.sigma[1]):
            self._sigmax = max(self._sigmax, intervals.sigma[1])
        pairs = intervals.unbound(self.ngauss, self.scales)
        self._parse_bounds(pairs)
        self.bounds = pairs
        return pairs

    def _parse_bounds(self, pairs: Sequence[Any]) -> Bounds:
        return parse_bounds(pairs, self.scales, self.ngauss, self.nvars)

    # -- likelihood ------------------------------------------------------------------------------

    def _inside(
        self,
        values: NDArray[Any],
        weight: Floats | None,
        names: tuple[str, ...] | None,
    ) -> tuple[NDArray[Any], Floats | None]:
        """Rows inside the domain and their weights; the others are refused, or dropped."""
        if self._bounds is None:
            return values, weight
        if self.outside == "error":
            check_inside(values, self._bounds, names)
            return values, weight
        kept, kept_weight = drop_outside(values, weight, self._bounds)
        if len(kept) < len(values):
            warn_user(
                f"{len(values) - len(kept)} of {len(values)} rows lie outside the domain and were "
                "dropped",
                DataWarning,
            )
        return kept, kept_weight

    def _values(self, data: Any) -> NDArray[Any]:
        if data is not None:
            return as_points(data, nvars=self.nvars, names=self.names).values
        if self.data is None:
            raise InputError(
                "data: No data provided; give them here or to FitMoG (pickles of a FitMoG keep "
                "them only where its keep_data is True)"
            )
        return self.data

    def log_l(self, data: Any = None) -> float:
        """-log L of the data (those given, or the fit's own) under the current mixture.

        Raises
        ------
        InputError
            If there are no data, or they are not finite points.
        """
        return -_core.log_likelihood(self.mog._prepared, self._values(data))

    def norm_log_l(self, data: Any = None) -> float:
        """-log L / N; takes and raises what `log_l` does."""
        values = self._values(data)
        return self.log_l(values) / len(values)

    # -- the fit ---------------------------------------------------------------------------------

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
        n_starts: int | None = None,
        random_state: Any = None,
        penalty: float = 1e-9,
        threads: int | None = None,
    ) -> None:
        r"""Fit the mixture by maximum likelihood.

        The first fit searches for its own start unless `set_initial_params` gave one: greedy
        k-means++ and a few EM steps from several starts on a sample, the best going on to all the
        data. A further fit continues from the last optimum. It ends at an optimum: the largest
        entry of the gradient of the mean log-likelihood, in the complete-data Fisher metric, is at
        most 1e-6, and one EM step would gain less than 1e-3 nats. Shifting or scaling columns
        changes nothing but the units.

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
            it has set. A fit with bounds runs by L-BFGS-B.
        callback : callable, optional
            Called with a `FitState` after each iteration of the last stretch; stops the fit by
            raising StopIteration or returning True.
        sample_weight : array_like of shape (N,), optional
            Weight of each point, 0 or more; a whole number counts as repetition.
        n_starts : int, optional
            Starts to try; by default 2 G, at most 8 (split-and-merge moves go on from the
            best). Given again in a later fit, it searches
            anew.
        random_state : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed of the search. None takes one draw from numpy's global state.
        penalty : float, default 1e-9
            Strength of the scale-free penalty against collapsing components (Chen & Tan 2008);
            0 switches it off. Reported likelihoods are without it.
        threads : int, optional
            Threads to use; the result does not depend on it.

        Raises
        ------
        InputError
            If an argument or the data cannot be used.
        DegenerateError
            If a column is constant, columns are collinear, or there are too few distinct rows.
        DomainError
            If rows lie outside the domain and are not to be dropped.

        Warns
        -----
        ConvergenceWarning
            If the fit ended away from an optimum; the best parameters are kept.
        DegeneracyWarning
            If the penalty holds up a component, or one has run so far out of the domain that only
            its tail is identified.
        DataWarning
            If there are more parameters than points, starting components are identical, or rows
            outside the domain were dropped.

        Notes
        -----
        A fit that raises, or is interrupted, leaves the object as it was.
        """
        begun = time.perf_counter()
        points = as_points(data, nvars=self.nvars, names=self.names) if data is not None else None
        values = self._values(None) if points is None else points.values
        weight = as_sample_weight(sample_weight, len(values))
        if points is not None:
            values, weight = self._inside(values, weight, points.names or self.names)
        chosen = bounds if bounds is not None else self.bounds
        fit_options = FitOptions.checked(
            method=method,
            tolerance=tol,
            options=options,
            n_starts=n_starts,
            penalty=penalty,
            threads=threads,
            bounds=None if chosen is None else self._parse_bounds(chosen),
        )
        if not isinstance(verbose, (bool, int, np.integer)):
            raise InputError(scalar_message("verbose", verbose, "a whole number"))
        if not isinstance(normalize, (bool, np.bool_)):
            raise InputError(scalar_message("normalize", normalize, "True or False"))
        check_count(advance, "advance", 0)
        continues = self._initial_params_set_by_user or self.report is not None
        start = self.mog._prepared if continues and n_starts is None else None
        rng = np.random.default_rng(draw_seed(random_state, "random_state"))
        with observing(progress, advance, callback) as observer:
            prepared, report = run_fit(
                values,
                weight,
                self._bounds,
                self.ngauss,
                start,
                fit_options,
                rng,
                self.names,
                observer,
                begun,
            )
        names = self.names if points is None else points.names
        self._commit(prepared, report, values, names)
        if verbose:
            print(report)  # noqa: T201 (what verbose= asks for)
        for text, category in doubts(report, self.mog, self._bounds):
            warn_user(text, category)

    def _commit(
        self,
        prepared: _core.PreparedMixture,
        report: FitReport,
        values: NDArray[Any],
        names: tuple[str, ...] | None,
    ) -> None:
        """Take over a finished fit."""
        mog = MixtureOfGaussians.from_prepared(prepared, names, self.truncation)
        self.names = names
        self._adopt(mog)
        self.data = values
        self.report = report

    @property
    def solution(self) -> Any:
        """The last fit as a `scipy.optimize.OptimizeResult`, or None.

        ``fun`` is the total -log L in the data's units, ``x`` the vector `uparams`.
        """
        report = self.report
        if report is None:
            return None
        # Built when asked for: importing scipy.optimize takes longer than many a fit.
        from scipy.optimize import OptimizeResult

        return OptimizeResult(
            x=self.uparams,
            fun=report.neg_loglik,
            nit=report.iterations,
            nfev=round(report.passes),
            status=0 if report.converged else 1,
            success=report.converged,
            message=report.reason,
        )

    def __copy__(self) -> FitMoG:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> FitMoG:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | ({} if self.keep_data else {"data": None})

    def __repr__(self) -> str:
        data = "no data" if self.data is None else f"{len(self.data)} points"
        head = f"FitMoG: {self.ngauss} components, {self.nvars} variables, {data}"
        if self.report is None:
            return f"{head}, not fitted yet"
        return f"{head}\n{self.report}"

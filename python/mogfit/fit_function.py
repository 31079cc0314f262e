"""`FitFunctionMoG`: a mixture of Gaussians fitted to the values of a function on a mesh."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.console import shows_reports, tell, timed
from mogfit.density.components import check_count
from mogfit.errors import InputError, scalar_message, warn_user
from mogfit.function_fit_results import FunctionFitResults
from mogfit.inference.function_fit.mesh import read_mesh
from mogfit.inference.function_fit.options import FunctionFitOptions
from mogfit.inference.function_fit.run import function_fit_doubts, run_function_fit
from mogfit.mixture import MixtureOfGaussians

__all__ = ["FitFunctionMoG"]

Floats = NDArray[np.float64]


class FitFunctionMoG(FunctionFitResults):
    r"""Fit a multiple of a mixture, c p(x), to the values of a function on a mesh.

    The sum of s_i (F_i - c p(x_i))^2 is minimised. The mixture is truncated to the box of the mesh;
    its weights are 0 or more, so that a sum of bumps is fitted, c carrying the scale.

    Parameters
    ----------
    data : (X, F)
        Coordinates of a mesh and the values of a function there. For one variable two sequences of
        the same length; for V variables X is a tuple of V arrays of the shape of F, as np.meshgrid
        gives them, or an array (N, V) of points beside N values. Values may be negative and noisy.
    ngauss : int, default 1
        Number of components G; some modes of `fit_data` find it themselves.
    weights : array_like of the shape of F, optional
        Weights s_i of the squared residuals, 0 or more; a value of weight 0 does not count and
        may be NaN.
    sigma : array_like of the shape of F, optional
        Standard deviations of the values, in place of weights: s_i = 1/sigma_i^2 up to a factor.

    Attributes
    ----------
    data : tuple
        (X, F) as they were given.
    X, F : ndarray of shape (N, V) and (N,)
        Points and values.
    weights : ndarray of shape (N,) or None
        Weights of the squared residuals, up to a factor where `sigma` was given.
    ngauss, nvars, Ndim, Ncorr : int
        Numbers of components, variables, means, and pairs of variables.
    domain : list
        The box of the mesh: for each variable (low, high).
    mog : MixtureOfGaussians
        The mixture: after a fit the fitted one, components in decreasing order of weight, weights
        summing to 1.
    normalization : float or None
        c, the integral of the model over the box: the model is ``normalization * mog.pdf(X)``. None
        before a fit; negative where most of F is.
    solution : scipy.optimize.OptimizeResult or None
        Result in scipy's form: ``fun`` is the sum of s_i ((F_i - c p(x_i)) / max |F|)^2, ``x`` the
        unbound vector.
    report : FunctionFitReport or None
        How the last fit went.
    minparams, scales, uparams, bounds
        As for `FitMoG`.
    minargs : dict
        Mode, method and the like of the last fit.
    neval : int
        Evaluations of the model in the last fit.
    fig : matplotlib.figure.Figure or None
        The last figure of `plot_fit`.

    Raises
    ------
    InputError
        If the data are no pair, shapes do not agree, a coordinate or a value that counts is not
        finite, or all values are 0.
    DegenerateError
        If a variable has one value only.

    Examples
    --------
    >>> import numpy as np
    >>> import mogfit as mn
    >>> x = np.linspace(0, 10, 200)
    >>> F = mn.FitFunctionMoG((x, 3 * np.exp(-((x - 2) ** 2)) + np.exp(-((x - 6) ** 2) / 8)), 2)
    >>> F.fit_data()
    >>> F.mog.mus.ravel().round(6)
    array([2., 6.])
    >>> quality = F.quality_of_fit()
    >>> bool(quality["R2"] > 1 - 1e-12)
    True
    """

    def __init__(
        self,
        data: Any,
        ngauss: int = 1,
        *,
        weights: ArrayLike | None = None,
        sigma: ArrayLike | None = None,
    ) -> None:
        self.ngauss = check_count(ngauss, "ngauss", 1)
        self._mesh = read_mesh(data, weights, sigma)
        self.data = tuple(data)
        self.nvars = self._mesh.nvars
        self.names = None
        self._bounds = self._mesh.bounds
        self.normalization = None
        self.report = None
        self.bounds = None
        self.minargs = {}
        self.fig = None
        self._optimum = None
        self._Fmax = float(np.nanmax(np.abs(self.F)))
        if shows_reports():
            tell(
                f"Loading a {type(self).__name__} object.",
                f"Number of gaussians: {self.ngauss}",
                f"Number of variables: {self.nvars}",
                f"Number of dimensions: {self.Ndim}",
                f"Number of grid points: {len(self.F)}",
                f"Domain: {[list(pair) for pair in self._bounds.T.tolist()]}",
            )

    # -- the fit ---------------------------------------------------------------------------------

    @timed
    def fit_data(
        self,
        verbose: int = 0,
        advance: int = 0,
        mode: str = "lsq",
        atol: float | None = None,
        rtol: float | None = None,
        maxgauss: int = 50,
        wtol: float = 1e-2,
        *,
        method: str | None = None,
        tol: float | None = None,
        options: Mapping[str, Any] | None = None,
        bounds: Sequence[Any] | None = None,
        threads: int | None = None,
        **args: Any,
    ) -> None:
        r"""Fit the mixture by least squares.

        Levenberg and Marquardt's method with exact derivatives; the heights of the components are
        solved for at every step (variable projection, Golub & Pereyra 1973), and where residuals
        remain large it goes over to Newton's. A fit ends at an optimum: no parameter changes the
        model along the residuals any more, their cosines all being at most 1e-8.

        Parameters
        ----------
        verbose : int, default 0
            1 prints the report at the end.
        advance : int, default 0
            Print the least loss so far at every so many steps, of the search and of the last
            descent.
        mode : str, default "lsq"
            How the components are found:

            * ``"lsq"``: by a search that begins at nothing and at the peaks of F, adding, splitting
              and moving components; nothing in it is random. From `set_initial_params`, or from
              the last optimum, where there is one of as many components.
            * ``"multimodal"``: one component at each peak of F of at least 5 % of its largest
              value. G is their number, the means stay there.
            * ``"noisy"``: for one variable. F is smoothed by a moving average; means start at the
              most prominent peaks (height 5 %, prominence 0.5 %), the search finds what is left
              of G.
            * ``"noisy_multimodal"``: for one variable, one component at each peak of the smoothed
              F (prominence 7 %), where its mean stays.
            * ``"adaptive"``: one component after the other until R2 reaches `atol`, or its mean
              gain over the last three is below `rtol`, or there are `maxgauss`; components of a
              weight below `wtol` go then. G is what is left.
        atol, rtol : float, optional
            Tolerances of the adaptive mode; 0.99 and 1e-3 when neither is given.
        maxgauss : int, default 50
            Most components of the modes that find their number.
        wtol : float, default 0.01
            Least weight that the adaptive mode keeps.
        method : str, optional
            ``"LM"`` (default), or a method of `scipy.optimize.minimize`, which then ends the fit
            instead, with the same heights, and exact gradients if it uses any.
        tol : float, optional
            Largest cosine, in place of 1e-8; scipy's `tol` for its methods.
        options : mapping, optional
            ``maxiter``; scipy's own options for its methods.
        bounds : sequence of (low, high), optional
            Bounds in the coordinates of `uparams`, as `set_bounds` returns them; by default those
            it has set. The fit then ends by L-BFGS-B. Without any, means may lie outside the mesh.
        threads : int, optional
            Threads to use; the result does not depend on it.
        **args
            Other keywords of scipy's are refused.

        Raises
        ------
        InputError
            If an argument cannot be used, or a mode does not suit the mesh.

        Warns
        -----
        ConvergenceWarning
            If the fit ended away from an optimum; the best parameters are kept.
        DegeneracyWarning
            If components end without weight, far outside the mesh, or narrower than its steps.
        DataWarning
            If there are more parameters than values.

        Notes
        -----
        A fit that raises, or is interrupted, leaves the object as it was.
        """
        begun = time.perf_counter()
        checked = FunctionFitOptions.checked(
            mode=mode,
            atol=atol,
            rtol=rtol,
            maxgauss=maxgauss,
            wtol=wtol,
            method=method,
            tolerance=tol,
            options=options,
            threads=threads,
            others=args,
        )
        if not isinstance(verbose, (bool, int, np.integer)):
            raise InputError(scalar_message("verbose", verbose, "a whole number"))
        chosen = bounds if bounds is not None else self.bounds
        if chosen is not None and mode == "adaptive":
            raise InputError(
                "bounds: the adaptive mode changes the number of components, which bounds are "
                "made for; use another mode, or set bounds to None"
            )
        continues = self._initial_params_set_by_user or self._is_at_optimum()
        with _Lines(check_count(advance, "advance", 0)) as lines:
            fit = run_function_fit(
                self._mesh,
                self.ngauss,
                self.mog._prepared if continues and self.mog.ngauss == self.ngauss else None,
                checked,
                lambda ngauss: None if chosen is None else self._parse_bounds(chosen, ngauss),
                lines.tell,
                begun,
            )
        mog = MixtureOfGaussians.from_prepared(fit.mixture)
        mog.normalize_weights = False
        self.ngauss = mog.ngauss
        self._adopt(mog)
        self.normalization, self.report, self._optimum = (
            fit.normalization,
            fit.report,
            self.minparams,
        )
        self._initial_params_set_by_user = False
        self.minargs = {
            "mode": mode,
            "method": fit.report.method,
            "tol": tol,
            "options": checked.options,
        }
        if verbose:
            print(fit.report)  # noqa: T201  (what verbose= asks for)
        for text, category in function_fit_doubts(fit.report):
            warn_user(text, category)

    def _is_at_optimum(self) -> bool:
        """Whether the mixture is still the one that the last fit ended at."""
        return self._optimum is not None and np.array_equal(self._optimum, self.minparams)


class _Lines:
    """Prints the least loss so far at every so many steps, and at the last one."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._step = 0
        self._least = float("inf")
        self._unsaid: str | None = None

    def __enter__(self) -> _Lines:
        if self._every:
            sys.stdout.write("Iterations:\n")
        return self

    def tell(self, loss: float) -> None:
        if not self._every:
            return
        # The search goes several ways, some of them worse.
        self._least = min(self._least, loss)
        line = f"  Iter {self._step}: loss = {self._least:g}\n"
        self._unsaid = line
        if self._step % self._every == 0:
            sys.stdout.write(line)
            self._unsaid = None
        self._step += 1

    def __exit__(self, *_: object) -> None:
        if self._unsaid is not None:
            sys.stdout.write(self._unsaid)

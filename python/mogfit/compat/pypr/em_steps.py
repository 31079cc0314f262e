"""PyPR's EM: narrow starts, a little added to every covariance, a new start when one collapses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.compat.pypr.lists import CENTER_LIST, Parts, parts, points, prepared, say
from mogfit.compat.pypr.starts import gmm_init
from mogfit.density.components import check_count, is_number
from mogfit.errors import DegenerateError, InputError, scalar_message
from mogfit.rng import draw_seed

__all__ = ["Cov_problem", "em", "em_gm", "gmm_em_continue"]

Floats = NDArray[np.float64]
Fit = tuple[list[Floats], list[Floats], Floats, float]
Reporter = Callable[[Parts, int], object]

_MAX_ITER = 50


class Cov_problem(DegenerateError):  # noqa: N801, N818  (PyPR's name)
    """A covariance became singular, in every start that was tried."""


def em_gm(
    X: Any,
    K: int,
    max_iter: int = _MAX_ITER,
    verbose: bool = False,
    iter_call: Callable[..., object] | None = None,
    delta_stop: float = 1e-6,
    init_kw: Mapping[str, Any] | None = None,
    max_tries: int = 10,
    diag_add: float = 1e-3,
    *,
    iter: int | None = None,
    rng: Any = None,
) -> Fit:
    """Fit a mixture of K Gaussians by expectation-maximisation from a random start.

    `FitMoG` finds better optima, and finds them sooner; this is for scripts that are written for
    PyPR.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    K : int
        Number of components.
    max_iter : int, default 50
        Most iterations.
    verbose : bool, default False
        Print the log-likelihood at each iteration.
    iter_call : callable, optional
        ``iter_call(centres, covariances, p_k, i)`` after iteration i = 0, 1, ...; a function of
        three arguments is called as ``iter_call(centres, covariances, i)``.
    delta_stop : float, default 1e-6
        Stop after 10 iterations in a row that change the log-likelihood, of all points together,
        by less than this.
    init_kw : mapping, optional
        Arguments of `gmm_init`.
    max_tries : int, default 10
        Starts to try, each after the one before has led to a singular covariance.
    diag_add : float, default 1e-3
        This times the variances of X is added to the diagonal of every covariance in each
        iteration, which keeps them from collapsing; 0 is plain maximum likelihood.
    iter : int, optional
        `max_iter`, by the name that PyPR's page gives it.
    rng : None, int, numpy.random.Generator or RandomState, optional
        Source of the seed; None takes one draw from numpy's global state.

    Returns
    -------
    centres : list of K arrays of shape (D,)
    covariances : list of K arrays of shape (D, D)
    p_k : ndarray of shape (K,)
        Weights, of sum 1.
    logL : float
        The log-likelihood of all points together, at the parameters that are returned.

    Raises
    ------
    Cov_problem
        If every start led to a singular covariance, or X has a constant column.
    InputError
        If a coordinate is not finite, there are fewer than K distinct points, or an argument is
        not one of those allowed.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(9, 1, (300, 1))]
    >>> centres, covariances, p_k, logL = em_gm(X, K=2, iter=400, rng=1)
    >>> np.sort(p_k).round(2)
    array([0.4, 0.6])
    """
    rows = points(X, finite=True)
    climb = _Climb(rows, _limit(max_iter, iter), verbose, iter_call, delta_stop, diag_add)
    tries = check_count(max_tries, "max_tries", 1)
    start = {"rng": np.random.default_rng(draw_seed(rng)), **(init_kw or {})}
    _require_spread(rows)
    reason = ""
    for attempt in range(tries):
        begin = parts(*gmm_init(rows, K, **start), CENTER_LIST)
        try:
            found, logL = climb.from_start(begin)
        except Cov_problem as problem:
            reason = str(problem)
            say(verbose, f"start {attempt} given up: {reason}")
        else:
            return *found.lists(), logL
    raise Cov_problem(
        f"K: {tries} starts with {K} components have all failed, the last one because of "
        f"{reason}; give fewer components, a larger diag_add, or "
        "init_kw={'cluster_init': 'kmeans'}"
    )


em = em_gm


def gmm_em_continue(
    X: Any,
    center_list: Any,
    cov_list: Any,
    p_k: Any,
    max_iter: int = _MAX_ITER,
    verbose: bool = False,
    iter_call: Callable[..., object] | None = None,
    delta_stop: float = 1e-6,
    diag_add: float = 1e-3,
    delta_stop_count_end: int = 10,
    *,
    iter: int | None = None,
) -> Fit:
    """Go on fitting a mixture by expectation-maximisation, from the one that is given.

    Parameters
    ----------
    X : array_like of shape (N, D), or (N,) when D = 1
        Points as rows.
    center_list, cov_list, p_k : list
        The mixture to start from: K centres (D,), covariances (D, D) and weights.
    max_iter, verbose, iter_call, delta_stop, diag_add, iter
        As in `em_gm`.
    delta_stop_count_end : int, default 10
        How many iterations in a row have to change the log-likelihood by less than `delta_stop`.

    Returns
    -------
    centres, covariances, p_k, logL
        As `em_gm` returns them.

    Raises
    ------
    Cov_problem
        If a covariance becomes singular, or a component loses all of its points.
    InputError
        If an argument is not one of those allowed.

    Examples
    --------
    >>> X = [[-1.0], [1.0], [9.0], [11.0]]
    >>> centres, covariances, p_k, logL = gmm_em_continue(
    ...     X, [[0.0], [10.0]], [[[1.0]], [[1.0]]], [0.5, 0.5], diag_add=0.0)
    >>> [centre.round(6).tolist() for centre in centres], p_k
    ([[0.0], [10.0]], array([0.5, 0.5]))
    """
    begin = parts(center_list, cov_list, p_k, CENTER_LIST)
    rows = points(X, begin.means.shape[1], finite=True)
    climb = _Climb(
        rows,
        _limit(max_iter, iter),
        verbose,
        iter_call,
        delta_stop,
        diag_add,
        check_count(delta_stop_count_end, "delta_stop_count_end", 1),
    )
    found, logL = climb.from_start(begin)
    return *found.lists(), logL


class _Climb:
    """EM on one data set, as it was asked for."""

    def __init__(
        self,
        rows: NDArray[Any],
        limit: int,
        verbose: bool,
        iter_call: Callable[..., object] | None,
        delta_stop: float,
        diag_add: float,
        calm_iterations: int = 10,
    ) -> None:
        self.rows, self.limit, self.verbose = rows, limit, verbose
        self.report = _reporter(iter_call)
        self.delta_stop = _at_least_zero(delta_stop, "delta_stop")
        variances = rows.var(axis=0, dtype=np.float64)
        self.ridge = np.diag(_at_least_zero(diag_add, "diag_add") * variances)
        self.calm_iterations = calm_iterations

    def from_start(self, found: Parts) -> tuple[Parts, float]:
        """The mixture that EM ends at, and its log-likelihood."""
        mixture = prepared(found)
        before, calm = -np.inf, 0
        for i in range(self.limit):
            moments = _core.data_pass(mixture, self.rows)
            found = _next(found, moments, self.ridge)
            mixture = _prepared(found)
            say(self.verbose, f"EM iteration {i}: log-likelihood {moments.loglik:.6f}")
            self.report(found, i)
            calm = calm + 1 if abs(moments.loglik - before) < self.delta_stop else 0
            if calm >= self.calm_iterations:
                break
            before = moments.loglik
        return found, _core.log_likelihood(mixture, self.rows)


def _next(found: Parts, moments: _core.Moments, ridge: Floats) -> Parts:
    """The M-step (Bishop 2006, equations 9.24 to 9.26), `ridge` added to every covariance."""
    shares = moments.s0
    lost = np.flatnonzero(~(shares > 0))
    if lost.size:
        raise Cov_problem(f"component {lost[0]}: it has lost all of its points")
    # About the old means, which the core has centred at: nothing cancels once they stand still.
    shifts = moments.s1 / shares[:, None]
    spreads = moments.s2 / shares[:, None, None] - shifts[:, :, None] * shifts[:, None, :]
    return Parts(shares / shares.sum(), found.means + shifts, spreads + ridge)


def _prepared(found: Parts) -> _core.PreparedMixture:
    try:
        return prepared(found)
    except (DegenerateError, InputError) as error:  # singular, or not finite
        raise Cov_problem(str(error)) from error


def _reporter(iter_call: Callable[..., object] | None) -> Reporter:
    """What tells `iter_call` of an iteration, with four arguments or with three."""
    if iter_call is None:
        return lambda found, i: None
    call = iter_call
    if _takes(call, 4):
        return lambda found, i: call(*found.lists(), i)
    if _takes(call, 3):
        return lambda found, i: call(*found.lists()[:2], i)
    raise InputError(
        "iter_call: a function that takes neither four arguments nor three seen; allowed: "
        "iter_call(centres, covariances, p_k, i) or iter_call(centres, covariances, i)"
    )


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # compiled, without a signature: called as 0.1.1 calls it
        return count == 4
    return True


def _limit(max_iter: int, iter: int | None) -> int:
    """The most iterations, under either name."""
    if iter is None:
        return check_count(max_iter, "max_iter", 0)
    if max_iter != _MAX_ITER:
        raise InputError(f"iter: {iter} seen beside max_iter={max_iter}; give one of the two")
    return check_count(iter, "iter", 0)


def _at_least_zero(value: float, name: str) -> float:
    if not (is_number(value) and 0 <= value < np.inf):
        raise InputError(scalar_message(name, value, "a finite number >= 0"))
    return float(value)


def _require_spread(rows: NDArray[Any]) -> None:
    constant = np.flatnonzero(rows.min(axis=0) == rows.max(axis=0))
    if constant.size:
        column = int(constant[0])
        raise Cov_problem(
            f"X: column {column} is constant ({rows[0, column]:g}), every covariance is singular; "
            "drop it"
        )

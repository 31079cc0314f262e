"""`select`: how many components, and of what shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from mogfit.errors import InputError, warn_user
from mogfit.fit import FitMoG
from mogfit.fit_selection import select_for
from mogfit.inference.run import FitOptions
from mogfit.observations import Missing
from mogfit.prior import Prior, check_prior
from mogfit.selection.options import SelectionOptions
from mogfit.selection.result import Selection

__all__ = ["select"]


def select(
    data: Any,
    ngauss: int | Iterable[int] = range(1, 11),
    *,
    criterion: str = "bic",
    covariance: str | Sequence[str] = "full",
    sample_weight: ArrayLike | None = None,
    errors: Any = None,
    projection: Any = None,
    missing: Missing = "error",
    domain: Sequence[Any] | None = None,
    outside: str = "error",
    truncation: str = "components",
    folds: int = 5,
    rounds: int = 2,
    n_starts: int | None = None,
    random_state: Any = None,
    penalty: float = 1e-9,
    method: str | None = None,
    prior: Prior | bool | None = None,
    threads: int | None = None,
    progress: bool | str = False,
) -> Selection:
    """Fit mixtures of several numbers of components, and choose among them.

    First each model is fitted by itself, all of them side by side. Then, in a few rounds, each
    starts from its neighbours too: from that of one component fewer with one split, and from that
    of one more with two merged; what is better is kept. A fit of which a component has collapsed on
    a few points, or may be a chance clump of some, gives way to one without: the likelihood of a
    mixture has no largest value, and the best fit is its highest sound maximum (McLachlan & Peel
    2000, sections 3.8 to 3.10).

    Parameters
    ----------
    data : array_like of shape (N, V), or (N,) for one variable
        Points, as `FitMoG` takes them.
    ngauss : int or iterable of int, default range(1, 11)
        Numbers of components to compare.
    criterion : {"bic", "aic", "icl", "cv"}, default "bic"
        What chooses: Schwarz's (Bayesian) or Akaike's information criterion, the integrated
        completed likelihood, which asks for components that are apart, or the log-likelihood of
        points held out. The first three are always computed.
    covariance : str or sequence of str, default "full"
        Structures of the covariances to compare; every one with every number of components.
    sample_weight, errors, projection, missing, domain, outside, truncation
        As for `FitMoG` and its `fit_data`. With weights s the number of points in the criteria is
        Kish's effective size (sum s)^2 / sum s^2, and log L is scaled to it: weights times 1000
        change nothing.
    folds : int, default 5
        Parts of the data, each held out once, for "cv".
    rounds : int, default 2
        Rounds of starts from neighbours; 0 leaves every fit by itself.
    n_starts : int, optional
        Starts that each search tries; by default 2 K, at most 8.
    random_state : None, int, numpy.random.Generator or RandomState, optional
        Source of the one seed that all searches follow from. None takes one draw from numpy's
        global state.
    penalty, method, prior
        As for `FitMoG.fit_data`.
    threads : int, optional
        Threads to use. The result depends neither on it nor on which fit ends first.
    progress : bool or {"tqdm", "text"}, default False
        Show a bar, or print a line for each fit.

    Returns
    -------
    Selection
        The best fit, all others, and a table of them.

    Raises
    ------
    InputError
        If an argument or the data cannot be used, or no model could be fitted.
    DegenerateError
        If a column is constant or columns are collinear.
    DomainError
        If rows lie outside the domain and are not to be dropped.

    Warns
    -----
    ConvergenceWarning, DegeneracyWarning, DataWarning
        What the best fit alone would warn of. Of the others the table tells, failures included.

    Notes
    -----
    Criteria are on the scale where smaller is better: -2 log L + 2 p (Akaike 1974), -2 log L + p
    log n (Schwarz 1978), BIC plus twice the entropy of the responsibilities (Biernacki, Celeux &
    Govaert 2000), -2 times the log-likelihood held out (Smyth 2000).

    Examples
    --------
    >>> import mogfit as mn
    >>> truth = mn.MixtureOfGaussians(mus=[0.0, 5.0], Sigmas=[1.0, 0.25])
    >>> selection = mn.select(truth.rvs(500, rng=1), range(1, 4), random_state=1)
    >>> selection.best_ngauss
    2
    >>> selection.best.report.converged
    True
    """
    options = SelectionOptions.checked(ngauss, covariance, criterion, folds, rounds)
    fit_options = FitOptions.checked(
        method=method,
        tolerance=None,
        options=None,
        n_starts=n_starts,
        penalty=penalty,
        threads=threads,
        bounds=None,
    )
    template = FitMoG(
        data,
        domain=domain,
        outside=outside,
        truncation=truncation,
        missing=missing,
        errors=errors,
        projection=projection,
    )
    if template.data is None:
        raise InputError("data: none given; give the points to fit")
    for candidate in options.candidates:
        fit_options = replace(
            fit_options, prior=check_prior(prior, candidate.ngauss, template.nvars)
        )
    seen = template._inside(template._observed(sample_weight=sample_weight, to_fit=True))
    selection = select_for(template, seen, options, fit_options, random_state, progress)
    for text, category in selection.table[selection._best].warnings:
        warn_user(text, category)
    return selection

"""What a fit shows while it runs: a bar, lines of text, or the user's callback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from mogfit import _core
from mogfit.errors import InputError, choice_message, missing_package_message, scalar_message
from mogfit.inference.likelihood import Observer
from mogfit.parameters import Stdcorr, minparams_from_stdcorr, stdcorr_from_covariances

__all__ = ["FitState", "observing"]


@dataclass(frozen=True)
class FitState:
    """What a callback sees after each iteration.

    Attributes
    ----------
    iteration : int
        From 1.
    neg_loglik_per_point : float
        The objective: -log L / N plus the penalty.
    gradient_norm : float
        Largest entry of the whitened gradient; NaN where the method does not know it.
    weights, mus, Sigmas : ndarray
        The mixture at this iteration.
    """

    iteration: int
    neg_loglik_per_point: float
    gradient_norm: float
    _mixture: _core.PreparedMixture

    @property
    def weights(self) -> Any:
        """Weights, (ngauss,)."""
        return self._mixture.weights

    @property
    def mus(self) -> Any:
        """Means, (ngauss, nvars)."""
        return self._mixture.means

    @property
    def Sigmas(self) -> Any:
        """Covariances, (ngauss, nvars, nvars)."""
        return self._mixture.covariances


@contextmanager
def observing(
    progress: bool | str,
    advance: int,
    callback: Callable[[FitState], object] | None,
    most_iterations: int | None = None,
) -> Iterator[Observer | None]:
    """An observer that shows progress and calls back, or None when there is nothing to do.

    The callback stops the fit by raising StopIteration or returning True. A bar ends at
    `most_iterations`, where the user has set a limit.
    """
    if progress not in (False, True, "tqdm", "text", None):
        raise InputError(choice_message("progress", progress, ("tqdm", "text")))
    if callback is not None and not callable(callback):
        raise InputError(scalar_message("callback", callback, "a function of one argument"))
    parts: list[Observer] = []
    bar = None
    if progress in (True, "tqdm"):
        bar = _open_bar(most_iterations)

        def advance_bar(
            iteration: int, objective: float, gradient: float, _: _core.PreparedMixture
        ) -> None:
            bar.set_postfix_str(f"-log L / N = {objective:.6f}", refresh=False)
            bar.update()

        parts.append(advance_bar)
    if advance or progress == "text":
        parts.append(_TextLines(max(1, advance)))
    if callback is not None:
        parts.append(_calling(callback))
    try:
        yield _together(parts) if parts else None
    finally:
        if bar is not None:
            bar.close()


def _open_bar(total: int | None) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            missing_package_message("tqdm", "for progress bars", "progress")
        ) from error
    return tqdm(desc="Minimizing", unit="it", total=total)


def _together(parts: list[Observer]) -> Observer:
    def observe(
        iteration: int, objective: float, gradient: float, mixture: _core.PreparedMixture
    ) -> bool:
        # Every part is told, also of the iteration at which one of them stops the fit.
        answers = [part(iteration, objective, gradient, mixture) for part in parts]
        return all(answer is not False for answer in answers)

    return observe


def _calling(callback: Callable[[FitState], object]) -> Observer:
    def observe(
        iteration: int, objective: float, gradient: float, mixture: _core.PreparedMixture
    ) -> bool:
        try:
            answer = callback(FitState(iteration, objective, gradient, mixture))
        except StopIteration:
            return False
        # A comparison of arrays answers with NumPy's own True.
        return not (isinstance(answer, (bool, np.bool_)) and answer)

    return observe


class _TextLines:
    """Every so many iterations, the parameters to two digits and -log L / N."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._begun = False

    def __call__(
        self, iteration: int, objective: float, gradient: float, mixture: _core.PreparedMixture
    ) -> None:
        if not self._begun:
            sys.stdout.write("Iterations:\n")
            self._begun = True
        if iteration % self._every and iteration != 1:
            return
        sigmas, rhos = stdcorr_from_covariances(mixture.covariances)
        vector = minparams_from_stdcorr(Stdcorr(mixture.weights, mixture.means, sigmas, rhos))
        shown = ", ".join(np.format_float_positional(v, 2, fractional=False) for v in vector)
        sys.stdout.write(f"Iter {iteration}:\n\tVars: [{shown}]\n\tLogL/N: {objective}\n")

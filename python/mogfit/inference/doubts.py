"""What a user must know of a fit that ended: warnings, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import ConvergenceWarning, DegeneracyWarning, MoGWarning
from mogfit.inference.likelihood import EMPTY
from mogfit.inference.report import FitReport
from mogfit.inference.resolution import Unresolved

__all__ = ["doubts"]

Floats = NDArray[np.float64]

# Standard deviations outside the domain from which on a Gaussian's tail looks like an exponential.
_FAR_OUTSIDE = 8.0


class _Mixture(Protocol):
    @property
    def weights(self) -> Floats: ...
    @property
    def mus(self) -> Floats: ...
    @property
    def sigmas(self) -> Floats: ...
    @property
    def names(self) -> Sequence[str] | None: ...


def doubts(
    report: FitReport,
    mog: _Mixture,
    bounds: Floats | None,
    unresolved: Sequence[Unresolved] = (),
) -> Iterator[tuple[str, type[MoGWarning]]]:
    """Texts and categories: not converged, held by the penalty or too narrow, run away, or empty.

    `bounds` are those of the domain, (2, V), or None.
    """
    if not report.converged:
        yield (
            f"the fit is not at an optimum after {report.iterations} iterations: "
            f"{report.reason}; call fit_data again to continue from here",
            ConvergenceWarning,
        )
    held = report.penalized_components
    if held:
        yield (
            f"component{'s' if len(held) > 1 else ''} {', '.join(map(str, held))} "
            f"{'are' if len(held) > 1 else 'is'} held up by "
            "the penalty: without it the covariance would be more than 1 % smaller in some "
            "direction, or collapse on a few points; use fewer components, another "
            "random_state, or a smaller penalty",
            DegeneracyWarning,
        )
    if unresolved:
        yield _too_narrow(unresolved), DegeneracyWarning
    if bounds is not None:
        for text in _run_away(mog, bounds):
            yield text, DegeneracyWarning
    empty = np.flatnonzero(mog.weights * report.n_points < EMPTY)
    if empty.size:
        yield (
            f"component{'s' if empty.size > 1 else ''} {', '.join(map(str, empty))} ended "
            "without points, at a weight of 0 or nearly; use fewer components, or another "
            "random_state",
            DegeneracyWarning,
        )


def _too_narrow(unresolved: Sequence[Unresolved]) -> str:
    """What to say of components whose width the noise hides."""
    one = len(unresolved) == 1
    numbers, widths, hidden = zip(*unresolved, strict=True)
    return (
        f"component{'' if one else 's'} {', '.join(map(str, numbers))} "
        f"{'is' if one else 'are'} as narrow in some direction as if "
        f"{'it' if one else 'they'} had no width there: standard deviation{'' if one else 's'} "
        f"{_listed(widths)}, where the noise of {'its' if one else 'their'} points hides "
        f"anything below {_listed(hidden)}; use fewer components, or do not trust "
        f"{'its' if one else 'their'} narrowness"
    )


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2g}" for value in values)


def _run_away(mog: _Mixture, bounds: Floats) -> Iterator[str]:
    """What to say of components so far outside the domain that their tails alone are seen."""
    distance = np.maximum(bounds[0] - mog.mus, mog.mus - bounds[1]) / mog.sigmas
    for k in np.flatnonzero((distance > _FAR_OUTSIDE).any(axis=1)):
        j = int(distance[k].argmax())
        label = f"{mog.names[j]!r}" if mog.names else f"variable {j}"
        yield (
            f"component {k} has its mean {distance[k, j]:.3g} standard deviations outside the "
            f"domain in {label}: only its tail is identified, the rate at which the density "
            "falls there, not its mean and standard deviation on their own; densities and "
            "draws inside the domain are sound"
        )

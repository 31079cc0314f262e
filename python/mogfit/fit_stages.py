"""The stages of a fit: where it starts, what is doubtful of it, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mogfit import _core
from mogfit.errors import InputError, MoGWarning
from mogfit.fit_results import FitResults
from mogfit.fixed import Fixed
from mogfit.inference.doubts import doubts
from mogfit.inference.model import Model
from mogfit.inference.report import FitReport
from mogfit.inference.resolution import unresolved_components
from mogfit.inference.run import FitOptions
from mogfit.mixture import MixtureOfGaussians
from mogfit.observations import Observations

if TYPE_CHECKING:
    from mogfit.selection.result import Selection

__all__ = ["FitStages"]


class FitStages(FitResults):
    """A fit, and the stages it goes through each time that it is fitted."""

    # As fits had it that were pickled before there was a choice.
    covariance: str = "full"
    selection: Selection | None = None
    # Whether the number of components is to be found.
    _auto: bool = False

    def _start(
        self, structure: str, n_starts: int | None, held: Fixed
    ) -> _core.PreparedMixture | None:
        """Where the fit starts, unless it searches."""
        fitted = self.report is not None or self._read_solution is not None
        known = self._initial_params_set_by_user or fitted
        if held.some:
            if n_starts is not None or not known:
                raise InputError(
                    "fixed: parameters are held where the fit starts, "
                    + (
                        f"but n_starts={n_starts} lets it search for starts; leave n_starts out"
                        if known
                        else "which nothing says; call set_initial_params first"
                    )
                )
            return self.mog._prepared
        if not known or n_starts is not None:
            return None
        at_optimum = self._optimum is not None and np.array_equal(self._optimum, self.minparams)
        if self.report is not None and at_optimum and self.report.covariance != structure:
            return None  # the optimum of one family is no good start in another
        return self.mog._prepared

    def _require_any_number(self, bounds: Any, fixed: Any, callback: Any, advance: int) -> None:
        """Refuse what belongs to one number of components where several are to be compared."""
        for name, given in (
            ("bounds", bounds is not None),
            ("fixed", fixed is not None),
            ("callback", callback is not None),
            ("advance", advance > 0),
            ("set_initial_params", self.report is None and self._initial_params_set_by_user),
        ):
            if given:
                raise InputError(
                    f"{name}: given, but ngauss='auto' compares fits of several numbers of "
                    f"components, which search for their own starts; leave {name} out, or give "
                    "ngauss a number"
                )

    def _doubts(
        self, seen: Observations, options: FitOptions
    ) -> list[tuple[str, type[MoGWarning]]]:
        """What a user must know of the fit to these data."""
        assert self.report is not None
        unresolved = unresolved_components(
            self.mog._prepared, seen, options.threads, Model(options.covariance, options.fixed)
        )
        return list(doubts(self.report, self.mog, self._bounds, unresolved))

    def _commit(
        self, prepared: _core.PreparedMixture, report: FitReport, seen: Observations
    ) -> None:
        """Take over a finished fit."""
        mog = MixtureOfGaussians.from_prepared(prepared, seen.names, self.truncation)
        self.names = seen.names
        self._keep(seen)
        self._fit_weight = seen.weight
        self._restore(mog, report)
        self._label = ()

    def _restore(self, mog: MixtureOfGaussians, report: FitReport) -> None:
        """Be the fit that ended at `mog`."""
        self._adopt(mog)
        self.report, self._optimum = report, self.minparams
        self._read_solution = None

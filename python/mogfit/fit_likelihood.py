"""The data of a fit with all that belongs to them, and their likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.data import as_points
from mogfit.errors import DataWarning, InputError, warn_user
from mogfit.fit_parameters import FitParameters
from mogfit.observations import (
    Missing,
    Observations,
    as_observations,
    check_missing,
    seen_as,
    weighted,
)
from mogfit.observed_domain import keep_inside, require_inside

__all__ = ["FitLikelihood"]

Floats = NDArray[np.float64]


class FitLikelihood(FitParameters):
    """A mixture together with the data it describes."""

    data: NDArray[Any] | None
    outside: str
    missing: Missing = "error"
    # The data as they were checked, unless a user has put others in their place.
    _seen: Observations | None = None

    def _keep(self, seen: Observations) -> None:
        """Have these data, with all that belongs to them but their weights."""
        self.data, self._seen = seen.given, replace(seen, weight=None)

    def _have(self, values: NDArray[Any] | None, belongings: Mapping[str, Floats] | None) -> None:
        """Have data that were checked before, with what belongs to them; None if they were not."""
        self.data, self._seen = values, None
        if values is not None and belongings is not None:
            self._keep(seen_as(values, self.nvars, self.names, belongings))

    @property
    def _own(self) -> Observations | None:
        """The data with all that belongs to them, unless a user has put others in their place."""
        seen = self._seen
        if seen is None or seen.given is not self.data:
            return None
        return seen if seen.names == self.names else replace(seen, names=self.names)

    @property
    def _belongings(self) -> dict[str, Floats]:
        """What belongs to the data: noise and projection."""
        own = self._own
        return {} if own is None else own.belongings

    def _observed(
        self,
        data: Any = None,
        errors: Any = None,
        projection: Any = None,
        sample_weight: Any = None,
        *,
        missing: Missing | None = None,
        to_fit: bool = False,
    ) -> Observations:
        """The data given, or the fit's own; those `to_fit` have a value in each column."""
        if missing is not None:
            check_missing(missing)
        own = self._own
        if data is None or (own is not None and self._has(own, data)):
            if self.data is None:
                raise InputError(
                    "data: No data provided; give them here or to FitMoG (pickles of a FitMoG "
                    "keep them only where its keep_data is True)"
                )
            data, forgotten = self.data, ""
        else:
            own, forgotten = None, self._forgotten(errors, projection)
        kept = None
        if own is not None:
            if errors is None and projection is None and missing in (None, self.missing):
                return own if sample_weight is None else weighted(own, sample_weight)
            # What is not given anew stays.
            errors = own.noise if errors is None else errors
            projection = own.projection if projection is None else projection
            kept = own.kept
        seen = as_observations(
            data,
            nvars=self.nvars,
            names=self.names,
            missing=self.missing if missing is None else missing,
            errors=errors,
            projection=projection,
            sample_weight=sample_weight,
            blank_columns_ok=not to_fit,
            kept=kept,
        )
        if forgotten:
            warn_user(forgotten, DataWarning)
        return seen

    def _has(self, own: Observations, data: Any) -> bool:
        """Whether these are the data that something belongs to, with or without rows left out."""
        if data is own.given:
            return True
        if not (own.noisy or own.projection is not None or own.kept is not None):
            return False
        columns = own.given.shape[1]
        try:
            names = None if own.projection is not None else self.names
            values = as_points(data, nvars=columns, names=names, finite=False).values
        except (InputError, TypeError):
            return False  # to be refused by what reads them
        if own.kept is not None and len(values) == len(own.kept):
            values = values[own.kept]
        return np.array_equal(values, own.given, equal_nan=True)

    def _forgotten(self, errors: Any, projection: Any) -> str:
        """What to say where other data are to be taken as they are, unlike the fit's own."""
        belongings = self._belongings
        projected = belongings.pop("projection", None) is not None and projection is None
        noisy = errors is None and any(noise.any() for noise in belongings.values())
        if not (projected or noisy):
            return ""
        owned, taken, remedy = [], [], []
        if noisy:
            owned.append("errors")
            taken.append("exact")
            remedy.append("errors= (0 if they are exact)")
        if projected:
            owned.append("projection")
            taken.append("points themselves")
            remedy.append(f"projection= (np.eye({self.nvars}) if they are points themselves)")
        return (
            f"data: not those of the fit, whose {' and '.join(owned)} they do not share; taken as "
            f"{' and '.join(taken)}; give {' and '.join(remedy)} with them"
        )

    def _inside(self, seen: Observations) -> Observations:
        """Rows inside the domain; the others are refused, or dropped."""
        if self._bounds is None:
            return seen
        if self.outside == "error":
            require_inside(seen, self._bounds, seen.names)
            return seen
        kept = keep_inside(seen, self._bounds)
        if kept.n_points < seen.n_points:
            warn_user(
                f"{seen.n_points - kept.n_points} of {seen.n_points} rows lie outside the domain "
                "and were dropped",
                DataWarning,
            )
        return kept

    def log_l(
        self,
        data: Any = None,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing | None = None,
    ) -> float:
        """-log L of the data (those given, or the fit's own) under the current mixture.

        Every point counts once: a fit does not keep its weights. The weighted -log L at the end of
        a fit is ``report.neg_loglik``, that of any weights -`log_likelihood` of `mog`.

        Parameters
        ----------
        data : array_like, optional
            Points; by default those of the fit.
        errors, projection : array_like, optional
            As `FitMoG` takes them, for the points given here; or in place of those of the fit.
            Other points are exact without.
        missing : {"error", "marginal", "drop"}, optional
            What a NaN means, as for `FitMoG`; by default what it was told.

        Raises
        ------
        InputError
            If there are no data, or they are no points.

        Warns
        -----
        DataWarning
            If the data of the fit have errors or a projection, and others come without.
        """
        return self._neg_loglik(self._observed(data, errors, projection, missing=missing))

    def _neg_loglik(self, seen: Observations) -> float:
        return -_core.log_likelihood(self.mog._prepared, seen.values if seen.plain else seen.core)

    def norm_log_l(
        self,
        data: Any = None,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing | None = None,
    ) -> float:
        """-log L / N; takes, raises and warns as `log_l` does."""
        seen = self._observed(data, errors, projection, missing=missing)
        return self._neg_loglik(seen) / seen.n_points

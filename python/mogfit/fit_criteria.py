"""Information criteria of a fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError, NotFittedError
from mogfit.fit_likelihood import FitLikelihood
from mogfit.inference.report import FitReport
from mogfit.observations import Observations, weighted
from mogfit.selection.criteria import aic, bic, check_size, icl, responsibility_entropy

__all__ = ["FitCriteria"]


class FitCriteria(FitLikelihood):
    """A fit together with what its likelihood is worth, given the number of its parameters."""

    report: FitReport | None
    # Weights of the last fit, of the rows in `data`; None where every point counted once.
    _fit_weight: NDArray[np.float64] | None = None

    def aic(self, *, n_points: float | None = None) -> float:
        """Akaike's information criterion of the fit, -2 log L + 2 p; smaller is better.

        Parameters
        ----------
        n_points : float, optional
            Number n of points to which log L is scaled where the fit had weights; by default
            Kish's effective size (sum s)^2 / sum s^2, so that weights times 1000 change nothing.
            Give the sum of the weights where they count repetitions.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError
            Before a fit.
        InputError
            If `n_points` is no number above 0, or needed: of a weighted fit from an old file.

        Examples
        --------
        >>> import mogfit as mn
        >>> F = mn.FitMoG([1.0, 2.0, 4.0, 7.0], ngauss=1)
        >>> F.fit_data()
        >>> F.aic() == 2 * F.log_l() + 2 * 2  # a mean and a variance
        True
        """
        loglik, _, _ = self._scaled_loglik(n_points)
        return aic(loglik, self._fitted_report.n_parameters)

    def bic(self, *, n_points: float | None = None) -> float:
        """Schwarz's (Bayesian) information criterion of the fit, -2 log L + p log n.

        Smaller is better. Takes, and raises, what `aic` does.

        Examples
        --------
        >>> import math
        >>> import mogfit as mn
        >>> F = mn.FitMoG([1.0, 2.0, 4.0, 7.0], ngauss=1)
        >>> F.fit_data()
        >>> math.isclose(F.bic(), 2 * F.log_l() + 2 * math.log(4))
        True
        """
        loglik, count, _ = self._scaled_loglik(n_points)
        return bic(loglik, self._fitted_report.n_parameters, count)

    def icl(self, *, n_points: float | None = None, sample_weight: Any = None) -> float:
        """Integrated completed likelihood of the fit: BIC plus twice the entropy.

        The entropy is that of the responsibilities, so that components that overlap cost: it counts
        clusters rather than components (Biernacki, Celeux & Govaert 2000). Smaller is better.

        Parameters
        ----------
        n_points : float, optional
            As for `aic`.
        sample_weight : array_like of shape (N,), optional
            Weights of the points of the fit; by default those that `fit_data` had, which pickles
            keep only together with the data.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError
            Before a fit.
        InputError
            As `aic`; or if there are no data, or not those of the fit.

        Examples
        --------
        >>> import mogfit as mn
        >>> F = mn.FitMoG([1.0, 2.0, 4.0, 7.0], ngauss=1)
        >>> F.fit_data()
        >>> F.icl() == F.bic()  # one component leaves no doubt
        True
        """
        report = self._fitted_report
        loglik, count, scale = self._scaled_loglik(n_points)
        value = bic(loglik, report.n_parameters, count)
        seen = self._fitted_observations(report, sample_weight)
        return icl(value, scale * responsibility_entropy(self.mog._prepared, seen))

    @property
    def _fitted_report(self) -> FitReport:
        if self.report is None:
            raise NotFittedError("there is no fit to judge yet; call fit_data first")
        return self.report

    def _scaled_loglik(self, n_points: float | None) -> tuple[float, float, float]:
        """log L scaled to the number of points, that number, and the scale."""
        report = self._fitted_report
        if n_points is not None:
            check_size(n_points)
        count = report.effective_points if n_points is None else n_points
        if math.isnan(count):
            if report.total_weight != report.n_points:
                raise InputError(
                    "n_points: needed, as this fit had weights and its file does not say how many "
                    "points they make; give the effective number, (sum s)^2 / sum s^2"
                )
            count = report.n_points
        scale = count / report.total_weight
        return -report.neg_loglik * scale, count, scale

    def _fitted_observations(self, report: FitReport, sample_weight: Any) -> Observations:
        """The data of the fit with its weights."""
        seen = self._observed(None)
        if seen.n_points != report.n_points:
            raise InputError(
                f"data: {seen.n_points} points seen where the fit had {report.n_points}; fit these "
                "data, or put those of the fit back"
            )
        weight = self._fit_weight if sample_weight is None else sample_weight
        if weight is not None:
            return weighted(seen, weight)
        if report.total_weight != report.n_points:
            raise InputError(
                "sample_weight: none given, but the fit had weights, and does not have them any "
                "more; give them again"
            )
        return seen

"""What a mixture says of points of which only a part was seen, and of where points came from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit import _core
from mogfit.errors import DomainError, InputError, bad_values_message, choice_message, place
from mogfit.mixture_density import MixtureDensity
from mogfit.noise_covariances import Tally
from mogfit.observations import Missing, Observations, check_missing
from mogfit.rng import draw_seed

__all__ = ["MixturePrediction", "Prediction"]

Floats = NDArray[np.float64]

# Responsibilities that are held together.
_SHARES_AT_ONCE = 2**20


class Prediction(NamedTuple):
    """What the values that were seen tell of the others.

    Attributes
    ----------
    mean : ndarray of shape (N, U), or (U,) for one point
        Conditional means of the unknown variables; the value itself where a row has it.
    covariance : ndarray of shape (N, U, U), or (U, U) for one point
        Conditional covariances, 0 for values that a row has.
    variables : tuple of str or of int
        The U variables that some row lacks: their names, or their numbers where there are none.
    """

    mean: Floats
    covariance: Floats
    variables: tuple[str | int, ...]

    @property
    def sigmas(self) -> Floats:
        """Standard deviations of `mean`: the roots of the diagonals, (N, U), or (U,).

        Examples
        --------
        >>> import numpy as np
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[0.0, 1.0]], Sigmas=[[[1.0, 0.8], [0.8, 1.0]]])
        >>> mog.predict([[0.5, np.nan]]).sigmas.round(12)
        array([[0.6]])
        """
        return np.sqrt(np.maximum(np.einsum("...ii->...i", self.covariance), 0.0))


class MixturePrediction(MixtureDensity):
    """Regression, imputation and classification by a mixture."""

    def _incomplete(self, X: Any, errors: Any, projection: Any) -> Observations:
        return self._observations(
            X, errors, projection, "marginal", single_row_ok=True, allow_empty=True
        )

    def predict(
        self, X: Any, *, errors: Any = None, projection: Any = None, threads: int = 0
    ) -> Prediction:
        r"""Conditional mean and covariance of the values that are missing: regression.

        With r_ik the probability of component k given what was seen of point i, and m_ik and
        C_k the mean and the covariance of the others given that in component k::

            mean_i = sum_k r_ik m_ik
            covariance_i = sum_k r_ik (C_k + (m_ik - mean_i) (m_ik - mean_i)^T)

        as in Gaussian mixture regression (Ghahramani & Jordan 1994).

        Parameters
        ----------
        X : array_like of shape (N, V), or (V,) for one point
            NaN, masked or NA in what is to be predicted.
        errors, projection : array_like, optional
            Of the values seen, as `FitMoG` takes them: what is predicted are then all variables
            without their noise.
        threads : int, default 0
            Threads to use; the result does not depend on it.

        Returns
        -------
        Prediction
            ``mean``, ``covariance`` and ``variables``, and ``sigmas``, the roots of the variances.
            NaN where what was seen has no density. Without the axis of rows only where `X` has
            none: a 1-D array.

        Raises
        ------
        InputError
            If the number of columns does not fit, or a value is infinite.

        Examples
        --------
        >>> import numpy as np
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[0.0, 1.0]], Sigmas=[[[1.0, 0.8], [0.8, 1.0]]])
        >>> mean, covariance, variables = mog.predict([[0.5, np.nan], [1.0, np.nan]])
        >>> mean.ravel(), covariance.ravel().round(12), variables
        (array([1.4, 1.8]), array([0.36, 0.36]), (1,))
        """
        seen = self._incomplete(X, errors, projection)
        if seen.noisy or seen.projection is not None:
            unknown = np.arange(self.nvars)
        else:
            unknown = np.flatnonzero(np.isnan(seen.values).any(axis=0))
        means, covariances = _core.posterior(
            self._prepared, seen.core, True, unknown.tolist(), threads
        )
        names = self.names
        variables = tuple(int(j) if names is None else names[j] for j in unknown)
        if seen.single:
            return Prediction(means[0], covariances[0], variables)
        return Prediction(means, covariances, variables)

    def impute(
        self,
        X: Any,
        method: str = "mean",
        *,
        errors: Any = None,
        projection: Any = None,
        rng: Any = None,
        threads: int = 0,
    ) -> Floats:
        """Fill in what is missing.

        Parameters
        ----------
        X : array_like of shape (N, V), or (V,) for one point
            NaN, masked or NA where a value is missing. Never modified.
        method : {"mean", "draw"}, default "mean"
            By the conditional mean, which is nearest to what is missing on average; or by one
            draw from what it may be, which keeps the distribution of the points.
        errors, projection : array_like, optional
            Of the values seen, as `FitMoG` takes them: the points are filled in without noise.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed of the draws. None takes one draw from numpy's global state.
        threads : int, default 0
            Threads to use; the result does not depend on it.

        Returns
        -------
        ndarray of shape (N, V), or (V,) for one point
            A copy, with the values that were there as they are.

        Raises
        ------
        InputError
            If the number of columns does not fit, a value is infinite, or `method` is neither.

        Examples
        --------
        >>> import numpy as np
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[0.0, 1.0]], Sigmas=[[[1.0, 0.8], [0.8, 1.0]]])
        >>> mog.impute([[0.5, np.nan], [np.nan, 1.0]])
        array([[0.5, 1.4],
               [0. , 1. ]])
        """
        if method not in ("mean", "draw"):
            raise InputError(choice_message("method", method, ("mean", "draw")))
        seen = self._incomplete(X, errors, projection)
        if method == "mean":
            filled, _ = _core.posterior(self._prepared, seen.core, False, threads=threads)
        else:
            filled = _core.posterior_draws(self._prepared, seen.core, draw_seed(rng), threads)
        return filled[0] if seen.single else filled

    def classify(
        self,
        X: Any,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "error",
        threads: int = 0,
    ) -> int | NDArray[np.int64]:
        """The component that each point most probably came from.

        Parameters
        ----------
        X, errors, projection, threads
            As `pdf` takes them.
        missing : {"error", "marginal", "drop"}, default "error"
            What a NaN means, as for `FitMoG`.

        Returns
        -------
        int, or ndarray of shape (N,)
            Numbers of components from 0, the first of those that are equally probable. An int only
            where `X` has no axis of rows: a 1-D array, or a scalar.

        Raises
        ------
        InputError
            If the number of columns does not fit, or a value is missing and that is an error.
        DomainError
            If a point has no density: outside the domain it belongs to no component.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 4.0], Sigmas=[1.0, 1.0])
        >>> mog.classify([-1.0, 1.9, 2.1])
        array([0, 0, 1])
        """
        check_missing(missing)
        seen = self._observations(
            X, errors, projection, missing, single_row_ok=True, allow_empty=True
        )
        labels = np.empty(seen.n_points, dtype=np.int64)
        undefined = Tally()
        size = max(1, _SHARES_AT_ONCE // self.ngauss)
        for start in range(0, len(labels), size):
            rows = slice(start, start + size)
            shares = _core.responsibilities(self._prepared, seen.take(rows).core, threads)
            undefined.add(np.isnan(shares[:, 0]), start)
            np.argmax(shares, axis=1, out=labels[rows])
        if undefined.count:
            raise DomainError(
                bad_values_message(
                    "X",
                    undefined.count,
                    len(labels),
                    "without density, so that no component is the most probable",
                    first=place(row=undefined.first[0]),
                    allowed="points inside the domain",
                    remedy="drop such rows",
                    noun="row",
                )
            )
        return int(labels[0]) if seen.single else labels

    def log_likelihood(
        self,
        X: Any,
        sample_weight: ArrayLike | None = None,
        *,
        errors: Any = None,
        projection: Any = None,
        missing: Missing = "error",
        threads: int = 0,
    ) -> float:
        """log L = sum_i s_i log p(x_i) of a sample.

        Parameters
        ----------
        X, errors, projection, threads
            As `pdf` takes them.
        sample_weight : array_like of shape (N,), optional
            Weights s_i of the points, 0 or more; a whole number counts as repetition.
        missing : {"error", "marginal", "drop"}, default "error"
            What a NaN means, as for `FitMoG`.

        Returns
        -------
        float
            -inf where a point has no density.

        Raises
        ------
        InputError
            If the sample, the weights or the errors cannot be used.

        Examples
        --------
        >>> import mogfit as mn
        >>> round(mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0]).log_likelihood([0.0, 1.0]), 6)
        -2.337877
        """
        check_missing(missing)
        seen = self._observations(
            X, errors, projection, missing, sample_weight=sample_weight, blank_columns_ok=True
        )
        return _core.log_likelihood(self._prepared, seen.core, threads=threads)

"""Conditional and marginal mixtures, and regression: what is missing, given what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.compat.pypr.lists import Lists, lists, mixture, parts, points
from mogfit.errors import InputError, bad_values_message, place

__all__ = ["Prediction", "cond_dist", "cond_moments", "marg_dist", "predict"]

Floats = NDArray[np.float64]


class Prediction(list[Floats]):
    """What `predict` returns: a list with a conditional covariance for each row.

    Attributes
    ----------
    filled : ndarray
        The rows, with conditional means in place of NaN.
    """

    filled: NDArray[Any]


def cond_dist(Y: Any, centroids: Any, ccov: Any, mc: Any) -> Lists | list[Lists]:
    """The mixture of the free coordinates, given the others: p(x_free | x_given).

    Parameters
    ----------
    Y : array_like of shape (D,) or (N, D)
        The values that are given, NaN where a coordinate is free.
    centroids, ccov, mc : list
        The mixture: K centres (D,), covariances (D, D) and weights.

    Returns
    -------
    tuple of (list of K arrays (M,), list of K arrays (M, M), ndarray of shape (K,))
        Centres and covariances of the M free coordinates in their order, and weights of sum 1.
        For N rows, a list of N such tuples.

    Raises
    ------
    InputError
        If no coordinate of a row is free, a value is infinite, or the mixture is none.

    Notes
    -----
    Bishop (2006), equations 2.96 and 2.97; weights through log-sum-exp, so that they are right
    however far the values lie from all centres.

    Examples
    --------
    >>> import numpy as np
    >>> centroids, ccov = [np.array([0, 0]), np.array([3, 3])], [np.array([[1, 0.4], [0.4, 1]])] * 2
    >>> centres, covariances, weights = cond_dist([np.nan, 1.0], centroids, ccov, [0.5, 0.5])
    >>> [centre.round(3).tolist() for centre in centres], weights.round(3)
    ([[0.4], [2.2]], array([0.818, 0.182]))
    """
    found = parts(centroids, ccov, mc)
    mog, nvars = mixture(found), found.means.shape[1]
    rows = _known_rows(Y, nvars, "Y")
    complete = np.flatnonzero(~np.isnan(rows).any(axis=1))
    if complete.size:
        raise InputError(
            bad_values_message(
                "Y",
                complete.size,
                len(rows),
                "complete",
                first=place(row=int(complete[0])),
                allowed="NaN in at least one coordinate",
                noun="row",
            )
        )
    found_lists = [lists(mog.conditional(row)) for row in rows]
    return found_lists[0] if np.ndim(Y) < 2 else found_lists


def marg_dist(X_idx: Any, centroids: Any, ccov: Any, mc: Any) -> Lists:
    """The mixture of some of the coordinates, the others integrated out.

    Parameters
    ----------
    X_idx : int, or sequence of M of them
        Which coordinates, from 0, in the order that is wanted.
    centroids, ccov, mc : list
        The mixture: K centres (D,), covariances (D, D) and weights.

    Returns
    -------
    tuple of (list of K arrays (M,), list of K arrays (M, M), ndarray of shape (K,))
        Centres and covariances of these coordinates, and the weights as they were given.

    Raises
    ------
    InputError
        If there is no such coordinate, one is named twice, or the mixture is none.

    Examples
    --------
    >>> import numpy as np
    >>> marg_dist(1, [np.array([0, 4])], [np.diag([0.4, 0.1])], [1.0])
    ([array([4.])], [array([[0.1]])], array([1.]))
    """
    found = parts(centroids, ccov, mc)
    index = X_idx if np.ndim(X_idx) == 0 else [int(i) for i in np.asarray(X_idx)]
    centres, covariances, _ = lists(mixture(found).marginal(index))
    return centres, covariances, np.array(found.weights)


def predict(X: Any, centroids: Any, ccov: Any, mc: Any, *, overwrite: bool = True) -> Prediction:
    """Regression: put conditional means, given the rest of the row, in place of NaN.

    Parameters
    ----------
    X : ndarray of shape (N, D), or (D,) for one row, of floats
        Rows, with NaN in what is to be predicted. **It is filled in place**, as PyPR does it and
        as scripts written for it expect, unless `overwrite` is False.
    centroids, ccov, mc : list
        The mixture: K centres (D,), covariances (D, D) and weights.
    overwrite : bool, default True
        Whether to fill `X` itself. If not it stays as it is, and may be a list or a table.

    Returns
    -------
    Prediction
        A list of N arrays (M_i, M_i), the covariances of what was missing in each row given the
        rest, (0, 0) where nothing was; its attribute ``filled`` is the array that was filled: `X`,
        or a copy of it.

    Raises
    ------
    InputError
        If a value is infinite, or `X` cannot be filled in place; it is then as it was.

    Notes
    -----
    Mean and covariance of the conditional mixture (Bishop 2006, equations 2.96 and 2.97; the
    law of total covariance): with h_k the weight of component k given the values that are there,
    m = sum_k h_k m_k and C = sum_k h_k (C_k + (m_k - m) (m_k - m)^T).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, np.nan], [np.nan, np.nan]])
    >>> variances = predict(X, [[0.0, 0.0]], [[[1.0, 0.4], [0.4, 1.0]]], [1.0])
    >>> X.round(3).tolist(), [variance.round(2).tolist() for variance in variances]
    ([[1.0, 0.4], [0.0, 0.0]], [[[0.84]], [[1.0, 0.4], [0.4, 1.0]]])
    """
    found = parts(centroids, ccov, mc)
    rows = _known_rows(X, found.means.shape[1], "X")
    if overwrite and not (
        isinstance(X, np.ndarray)
        and not isinstance(X, np.ma.MaskedArray)
        and X.dtype.kind == "f"
        and X.flags.writeable
    ):
        raise InputError(
            f"X: {type(X).__name__} seen, which cannot be filled in place; give a writeable array "
            "of floats, or overwrite=False"
        )
    moments = mixture(found).predict(rows)
    missing = np.isnan(rows)
    prediction = Prediction(moments.covariance)
    free = missing[:, list(moments.variables)]
    for i in np.flatnonzero(~free.all(axis=1)):
        prediction[i] = prediction[i][np.ix_(free[i], free[i])]
    prediction.filled = X if overwrite else rows.astype(np.float64).reshape(np.shape(X))
    where = missing.reshape(np.shape(X))
    prediction.filled[where] = moments.mean[free]
    return prediction


def cond_moments(X: Any, centroids: Any, ccov: Any, mc: Any) -> tuple[Floats, Floats]:
    """Conditional means and variances of the coordinates that are NaN; `X` stays as it is.

    Parameters
    ----------
    X : array_like of shape (N, D), or (D,) for one row
        Rows, with NaN in what is to be predicted.
    centroids, ccov, mc : list
        The mixture: K centres (D,), covariances (D, D) and weights.

    Returns
    -------
    mean, variance : ndarray of shape (N, M), or (M,) for one row
        Of the M coordinates that are NaN in some row; where a row has the value itself, that
        value and 0. `predict` has the covariances too.

    Raises
    ------
    InputError
        If a value is infinite, or the mixture is none.

    Examples
    --------
    >>> import numpy as np
    >>> cond_moments([[1.0, np.nan]], [[0.0, 0.0]], [[[1.0, 0.4], [0.4, 1.0]]], [1.0])
    (array([[0.4]]), array([[0.84]]))
    """
    found = parts(centroids, ccov, mc)
    rows = _known_rows(X, found.means.shape[1], "X")
    moments = mixture(found).predict(rows)
    mean, variance = moments.mean, np.einsum("nii->ni", moments.covariance)
    if np.ndim(X) < 2 and len(rows) == 1:
        return mean[0], variance[0]
    return mean, variance.copy()


def _known_rows(X: Any, nvars: int, name: str) -> NDArray[Any]:
    """Rows (N, D) that are finite or NaN."""
    rows = points(X, nvars)
    infinite = np.argwhere(np.isinf(rows))
    if infinite.size:
        row, column = (int(i) for i in infinite[0])
        raise InputError(
            bad_values_message(
                name,
                len(infinite),
                rows.size,
                "infinite",
                first=place(row=row, column=column),
                seen=rows[row, column],
                allowed="finite numbers, or NaN where a value is missing",
            )
        )
    return rows

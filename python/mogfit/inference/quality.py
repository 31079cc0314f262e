"""How well a fitted density describes its data: what is observed against what it would draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QualityOfFit", "compare_samples"]

Floats = NDArray[np.float64]


class QualityOfFit(dict[str, float]):
    """The two figures of a quality of fit, by name and in order.

    A dictionary with the keys ``ks_dist`` and ``r2_identity`` that unpacks into its values, as
    scripts written for MultiMin expect of both.

    Examples
    --------
    >>> quality = QualityOfFit(ks_dist=0.01, r2_identity=0.999)
    >>> ks, r2 = quality
    >>> ks == quality["ks_dist"]
    True
    """

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def __repr__(self) -> str:
        return f"QualityOfFit(ks_dist={self['ks_dist']:.6g}, r2_identity={self['r2_identity']:.6g})"


def compare_samples(observed: Floats, simulated: Floats) -> tuple[QualityOfFit, Floats, Floats]:
    r"""Compare a statistic of the data with that of points drawn from the model.

    Parameters
    ----------
    observed : ndarray of shape (N,)
        The statistic, such as -2 log p, of the data.
    simulated : ndarray of shape (M,)
        The same of points drawn from the model.

    Returns
    -------
    quality : QualityOfFit
        ``ks_dist``: the two-sample Kolmogorov-Smirnov distance, the largest difference between the
        two empirical distribution functions; 0 is best. ``r2_identity``: the coefficient of
        determination of the identity in the Q-Q plot, 1 - sum (o_i - q_i)^2 / sum (o_i - mean o)^2
        with o the sorted observations and q the quantiles of the simulated ones at as many evenly
        spaced probabilities from 0 to 1; 1 is best. NaN where a value is infinite.
    observed_sorted, quantiles : ndarray of shape (N,)
        o and q: the points of the Q-Q plot.
    """
    o, s = np.sort(observed), np.sort(simulated)
    # The distance is reached at one of the points; just after it both functions have jumped.
    distance = 0.0
    for at in (o, s):
        below_o = np.searchsorted(o, at, side="right") / len(o)
        below_s = np.searchsorted(s, at, side="right") / len(s)
        distance = max(distance, float(np.abs(below_o - below_s).max()))
    # What np.percentile does, on a sample that is sorted already.
    quantiles = np.interp(np.linspace(0.0, len(s) - 1.0, len(o)), np.arange(len(s)), s)
    r2 = float("nan")
    if np.isfinite(o[[0, -1]]).all() and np.isfinite(s[[0, -1]]).all() and o[0] < o[-1]:
        r2 = 1.0 - float(((o - quantiles) ** 2).sum() / ((o - o.mean()) ** 2).sum())
    return QualityOfFit(ks_dist=distance, r2_identity=r2), o, quantiles

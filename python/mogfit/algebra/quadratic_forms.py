"""The probability that a quadratic function of independent normal variables is positive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["probability_positive"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

# Slopes at which contours open towards the side where the integrand vanishes. Steep ones decay
# fast, flat ones never grow on the way: whichever has the smallest error of its own is taken.
_SLOPES = np.tan(np.radians([18.0, -18.0, 8.0, -8.0, 32.0, -32.0, 0.0]))
_STEP, _COUNT = 0.05, 900
_BISECTIONS = 90
_NOTHING = 1e-20
_GOOD = 1e-14
# Part of the way to a singularity beyond which the start of a contour does not go.
_NEAREST = 1.0 - 1e-9


def probability_positive(squares: Floats, slopes: Floats, constants: Floats) -> Floats:
    r"""P(sum_i squares_i y_i^2 + slopes_i y_i + constant > 0) for independent y_i ~ N(0, 1).

    Parameters
    ----------
    squares, slopes : ndarray of shape (N, V)
    constants : ndarray of shape (N,)

    Returns
    -------
    ndarray of shape (N,)
        To about 1e-14; one half where the function is 0 everywhere.

    Notes
    -----
    With K(s) the logarithm of the moment generating function the probability is
    :math:`\int e^{K(s)} / s \, ds / 2 \pi i` along a contour through a point between 0 and the
    first singularity to its right, and 1 less the same with the sign changed to its left (Rice
    1980, "Distribution of quadratic forms in normal random variables"). The contour goes through
    the saddle point on the side of the smaller probability, opens like a hyperbola, and is
    followed by the trapezoidal rule.
    """
    found = np.empty(len(constants))
    flat = ((squares == 0) & (slopes == 0)).all(axis=1)
    found[flat] = 0.5 * (1.0 + np.sign(constants[flat]))
    rest = np.flatnonzero(~flat)
    # Rows are followed together, but not so many that their contours fill the memory.
    for first in range(0, len(rest), 64):
        rows = rest[first : first + 64]
        found[rows] = _by_contour(squares[rows], slopes[rows], constants[rows])
    return found


def _by_contour(squares: Floats, slopes: Floats, constants: Floats) -> Floats:
    # The smaller of the two probabilities: that of the side away from the mean.
    flip = squares.sum(axis=1) + constants > 0
    sign = np.where(flip, -1.0, 1.0)
    a, b, c = squares * sign[:, None], slopes * sign[:, None], constants * sign
    with np.errstate(divide="ignore", invalid="ignore"):
        peaks = np.where(a < 0, -0.25 * b * b / a, np.where(b == 0, 0.0, np.inf))
        # The largest value, where there is one: below 0, nothing is positive.
        bounded = (a <= 0).all(axis=1) & (c + peaks.sum(axis=1) <= 0)
        limits = np.where(a > 0, 0.5 / a, np.inf).min(axis=1)
    tail = np.zeros(len(c))
    some = ~bounded
    tail[some] = _tail(a[some], b[some], c[some], limits[some])
    return np.where(flip, 1.0 - tail, tail)


def _tail(a: Floats, b: Floats, c: Floats, limits: Floats) -> Floats:
    """P(a y^2 + b y + c > 0), where the mean is not above 0."""
    start = _saddle(a, b, c, limits)
    shrunk = 1.0 - 2.0 * start[:, None] * a
    bend = (2.0 * (a / shrunk) ** 2 + b * b / shrunk**3).sum(axis=1) + 1.0 / start**2
    width = 1.0 / np.sqrt(bend)
    u = _STEP * np.arange(_COUNT)
    weights = np.where(u > 0, _STEP / np.pi, 0.5 * _STEP / np.pi)
    peak = _exponent(a, b, c, start[:, None].astype(complex))[:, 0].real
    best, error = np.zeros(len(c)), np.full(len(c), np.inf)
    for slope in _SLOPES:
        left = np.flatnonzero(error > _GOOD)
        if not left.size:
            break
        path = 1j * np.sinh(u) + slope * (np.cosh(u) - 1.0)
        speed = 1j * np.cosh(u) + slope * np.sinh(u)
        s = start[left, None] + width[left, None] * path
        with np.errstate(all="ignore"):
            terms = np.exp(_exponent(a[left], b[left], c[left], s) - peak[left, None])
            terms *= width[left, None] * speed / s
            sizes = np.abs(terms)
            # From where it has vanished the contour may go on in another direction.
            vanished = sizes <= _NOTHING * np.maximum.accumulate(sizes, axis=1)
            values = np.where(np.logical_or.accumulate(vanished, axis=1), 0.0, terms.imag)
            total = values @ weights
            # The error falls with the square of its root when the points are twice as many.
            doubt = (total - 2.0 * values[:, ::2] @ weights[::2]) ** 2 / np.abs(total)
            # What is left at the end, and cancellation.
            doubt += np.abs(values[:, -1]) + 1e-16 * np.abs(values).max(axis=1)
        doubt = np.where(np.isfinite(doubt), doubt / np.abs(total), np.inf)
        better = doubt < error[left]
        best[left[better]], error[left[better]] = total[better], doubt[better]
    return np.minimum(best * np.exp(peak), 1.0)


def _exponent(a: Floats, b: Floats, c: Floats, s: Complexes) -> Complexes:
    """K(s) at points (N, M)."""
    total = s * c[:, None]
    for i in range(a.shape[1]):
        shrunk = 1.0 - 2.0 * s * a[:, i, None]
        total = total + 0.5 * (s * b[:, i, None]) ** 2 / shrunk - 0.5 * np.log(shrunk)
    return total


def _saddle(a: Floats, b: Floats, c: Floats, limits: Floats) -> Floats:
    """Where K(s) - log s is smallest, between 0 and the first singularity."""
    low = np.full(len(c), -230.0)
    high = np.minimum(np.log(limits * _NEAREST), 230.0)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        s = np.exp(middle)[:, None]
        shrunk = 1.0 - 2.0 * s * a
        # d/ds, times s: free of overflow.
        slope = (s * a / shrunk + (s * b) ** 2 * (1.0 - s * a) / shrunk**2).sum(axis=1)
        rises = slope + s[:, 0] * c > 1.0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return np.exp(0.5 * (low + high))

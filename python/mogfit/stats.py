"""`Stats`: covariances from what describes them, and back, under MultiMin's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.base import MultiMinBase
from mogfit.density.components import real_array
from mogfit.errors import InputError, scalar_message, shape_message
from mogfit.parameters import (
    correlation_pairs,
    covariances_from_stdcorr,
    stdcorr_from_covariances,
)

__all__ = ["Stats"]

Floats = NDArray[np.float64]

_SUM_OF_PROBABILITIES = 1e-5


class Stats(MultiMinBase):
    """Functions on covariances and probabilities; call them on the class.

    Examples
    --------
    >>> import mogfit as mn
    >>> mn.Stats.calc_covariance_from_correlations([[1.0, 2.0]], [[0.5]])
    array([[[1., 1.],
            [1., 4.]]])
    """

    phi = (1.0 + math.sqrt(5.0)) / 2.0  # the golden ratio

    @staticmethod
    def gen_index(probs: ArrayLike) -> np.int64:
        """Draw the index of one of several outcomes, by numpy's global generator.

        Parameters
        ----------
        probs : array_like of shape (n,)
            Probability of each; they sum to 1 to within 1e-5.

        Returns
        -------
        numpy.int64

        Raises
        ------
        InputError
            If a probability is negative or they do not sum to 1.
        """
        chances = real_array(probs, "probs")
        total = float(chances.sum())
        if chances.ndim != 1 or (chances < 0).any() or abs(total - 1) > _SUM_OF_PROBABILITIES:
            raise InputError(
                f"probs: {chances.tolist()} seen, of sum {total:g}; allowed: one row of numbers "
                ">= 0 with sum 1"
            )
        at = np.random.rand() * total  # noqa: NPY002  (the state that np.random.seed sets)
        return np.int64(np.searchsorted(np.cumsum(chances), at, side="right"))

    @staticmethod
    def set_matrix_off_diagonal(M: NDArray[Any], off: ArrayLike) -> None:
        """Set the off-diagonal entries of a symmetric matrix, in place.

        Parameters
        ----------
        M : ndarray of shape (V, V)
            The matrix; its diagonal stays.
        off : array_like of shape (V (V - 1) / 2,)
            Entries (1,2), (1,3), ..., (2,3), ...

        Raises
        ------
        InputError
            If there are more or fewer entries.
        """
        rows, columns = correlation_pairs(_side(M))
        entries = real_array(off, "off")
        if entries.shape != rows.shape:
            raise InputError(
                shape_message("off", entries.shape, rows.shape, other="M", other_shape=M.shape)
            )
        M[rows, columns] = M[columns, rows] = entries

    @staticmethod
    def calc_covariance_from_correlations(sigmas: ArrayLike, rhos: ArrayLike) -> Floats:
        """Covariance matrices from standard deviations and correlations.

        Parameters
        ----------
        sigmas : array_like of shape (G, V)
        rhos : array_like of shape (G, V (V - 1) / 2)
            Correlations (1,2), (1,3), ..., (2,3), ...

        Returns
        -------
        ndarray of shape (G, V, V)
            Sigma_ij = rho_ij sigma_i sigma_j.

        Raises
        ------
        InputError
            If the shapes do not fit.
        """
        widths, correlations = real_array(sigmas, "sigmas"), real_array(rhos, "rhos")
        if widths.ndim != 2:
            raise InputError(shape_message("sigmas", widths.shape, "one row for each component,"))
        pairs = (len(widths), widths.shape[1] * (widths.shape[1] - 1) // 2)
        if correlations.size == 0 == pairs[1]:
            correlations = correlations.reshape(pairs)
        if correlations.shape != pairs:
            raise InputError(
                shape_message(
                    "rhos", correlations.shape, pairs, other="sigmas", other_shape=widths.shape
                )
            )
        return covariances_from_stdcorr(widths, correlations)

    @staticmethod
    def calc_correlations_from_covariances(Sigmas: ArrayLike) -> tuple[Floats, Floats]:
        """Standard deviations (G, V) and correlations (G, V (V - 1) / 2) of covariances (G, V, V).

        Raises
        ------
        InputError
            If the shape is not (G, V, V), or a variance is not above 0.
        """
        covariances = real_array(Sigmas, "Sigmas")
        if covariances.ndim != 3 or covariances.shape[1] != covariances.shape[2]:
            raise InputError(
                shape_message("Sigmas", covariances.shape, "one (V, V) matrix a component")
            )
        if (np.einsum("kii->ki", covariances) <= 0).any():
            raise InputError("Sigmas: a variance is not above 0")
        return stdcorr_from_covariances(covariances)

    @staticmethod
    def calc_covariance_from_rotation(
        sigmas: Sequence[Sequence[float]], angles: Sequence[Sequence[float]]
    ) -> Floats:
        r"""Covariance matrices of ellipsoids with given half axes, turned by given angles.

        Parameters
        ----------
        sigmas : array_like of shape (G, V), V from 1 to 3
            Standard deviations along the axes before they are turned.
        angles : array_like of shape (G, n)
            Radians. One variable: not used. Two: the first is the angle of the first axis,
            counter-clockwise. Three: Euler angles a0, a1, a2.

        Returns
        -------
        ndarray of shape (G, V, V)
            R diag(sigma^2) R^T with, for V = 3, R = r3(-a0) r1(-a1) r3(-a2) and r_i(t) the turn of
            the frame about axis i by t, as in NAIF's SPICE: r3(t) = [[c, s, 0], [-s, c, 0],
            [0, 0, 1]] with c = cos t, s = sin t.

        Raises
        ------
        InputError
            If there are more than three variables, or too few angles.

        Examples
        --------
        >>> import numpy as np
        >>> Stats.calc_covariance_from_rotation([[2.0, 0.0]], [[np.pi / 4]]).round(12)
        array([[[2., 2.],
                [2., 2.]]])
        """
        widths, turns = real_array(sigmas, "sigmas"), real_array(angles, "angles")
        if widths.ndim != 2 or not 1 <= widths.shape[1] <= 3:
            raise InputError(
                shape_message("sigmas", widths.shape, "one row of 1 to 3 values a component")
            )
        needed = (0, 1, 3)[widths.shape[1] - 1]
        if turns.ndim != 2 or len(turns) != len(widths) or turns.shape[1] < needed:
            raise InputError(
                shape_message(
                    "angles",
                    turns.shape,
                    f"{len(widths)} rows of {needed} angles",
                    other="sigmas",
                    other_shape=widths.shape,
                )
            )
        rotation = np.stack([_rotation(turn, widths.shape[1]) for turn in turns])
        return np.einsum("kij,kj,klj->kil", rotation, widths**2, rotation)

    @staticmethod
    def flatten_symmetric_matrix(M: ArrayLike) -> Floats:
        """Upper triangle of a square matrix with its diagonal, row by row."""
        matrix = real_array(M, "M")
        return matrix[np.triu_indices(_side(matrix))]

    @staticmethod
    def unflatten_symmetric_matrix(F: ArrayLike, M: NDArray[Any]) -> None:
        """Fill a symmetric matrix, in place, from what `flatten_symmetric_matrix` gives.

        Raises
        ------
        InputError
            If `F` has not V (V + 1) / 2 entries.
        """
        rows, columns = np.triu_indices(_side(M))
        entries = real_array(F, "F")
        if entries.shape != rows.shape:
            raise InputError(
                shape_message("F", entries.shape, rows.shape, other="M", other_shape=M.shape)
            )
        M[rows, columns] = M[columns, rows] = entries


def _side(M: Any) -> int:
    """Length of the side of a square matrix."""
    if not isinstance(M, np.ndarray):
        raise InputError(scalar_message("M", M, "a square array, which is changed in place"))
    if M.ndim != 2 or M.shape[0] != M.shape[1]:
        raise InputError(shape_message("M", M.shape, "a square matrix"))
    return len(M)


def _rotation(turn: Floats, nvars: int) -> Floats:
    if nvars == 1:
        return np.eye(1)
    c, s = np.cos(turn), np.sin(turn)
    if nvars == 2:
        return np.array([[c[0], -s[0]], [s[0], c[0]]])
    first = np.array([[c[0], -s[0], 0.0], [s[0], c[0], 0.0], [0.0, 0.0, 1.0]])
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, c[1], -s[1]], [0.0, s[1], c[1]]])
    last = np.array([[c[2], -s[2], 0.0], [s[2], c[2], 0.0], [0.0, 0.0, 1.0]])
    return first @ tilt @ last

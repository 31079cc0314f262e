"""`Stats`: covariances from what describes them, and back, under MultiMin's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.base import MultiMinBase
from mogfit.density.components import real_array
from mogfit.errors import (
    DtypeError,
    InputError,
    bad_values_message,
    scalar_message,
    shape_message,
    shorten,
)
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
            From 0 to n - 1; never an outcome of probability 0.

        Raises
        ------
        InputError
            If a probability is negative or they do not sum to 1.

        Examples
        --------
        >>> int(Stats.gen_index([0.0, 1.0, 0.0]))
        1
        """
        chances = real_array(probs, "probs")
        # The last partial sum, not the sum, which is rounded otherwise: the draw stays below it.
        sums = np.cumsum(chances)
        total = float(sums[-1]) if sums.size else 0.0
        if chances.ndim != 1 or (chances < 0).any() or abs(total - 1) > _SUM_OF_PROBABILITIES:
            raise InputError(
                f"probs: {shorten(chances.tolist())} seen, of sum {total:g}; allowed: one row of "
                "numbers >= 0 with sum 1"
            )
        at = np.random.rand() * total  # noqa: NPY002  (the state that np.random.seed sets)
        return np.int64(np.searchsorted(sums, at, side="right"))

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
            If `M` is not a square array, or there are more or fewer entries.
        DtypeError
            If `M` holds whole numbers and an entry is not one.

        Examples
        --------
        >>> import numpy as np
        >>> M = np.eye(2)
        >>> Stats.set_matrix_off_diagonal(M, [0.5])
        >>> M
        array([[1. , 0.5],
               [0.5, 1. ]])
        """
        _fill(M, correlation_pairs(_side(M)), off, "off")

    @staticmethod
    def calc_covariance_from_correlations(sigmas: ArrayLike, rhos: ArrayLike) -> Floats:
        """Covariance matrices from standard deviations and correlations.

        Parameters
        ----------
        sigmas : array_like of shape (G, V)
            Standard deviations.
        rhos : array_like of shape (G, V (V - 1) / 2)
            Correlations (1,2), (1,3), ..., (2,3), ...

        Returns
        -------
        ndarray of shape (G, V, V)
            Sigma_ij = rho_ij sigma_i sigma_j. Whether there is a distribution with these
            correlations is found out by what takes the matrices.

        Raises
        ------
        InputError
            If the shapes do not fit, or a value is not finite.

        Examples
        --------
        >>> Stats.calc_covariance_from_correlations([[1.0, 2.0]], [[0.5]])
        array([[[1., 1.],
                [1., 4.]]])
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
        """Standard deviations and correlations from covariance matrices.

        Parameters
        ----------
        Sigmas : array_like of shape (G, V, V)
            Covariances; the upper triangle is read.

        Returns
        -------
        sigmas : ndarray of shape (G, V)
        rhos : ndarray of shape (G, V (V - 1) / 2)
            Correlations (1,2), (1,3), ..., (2,3), ...

        Raises
        ------
        InputError
            If the shape is not (G, V, V), or a variance is not above 0.

        Examples
        --------
        >>> sigmas, rhos = Stats.calc_correlations_from_covariances([[[1.0, 1.0], [1.0, 4.0]]])
        >>> sigmas, rhos
        (array([[1., 2.]]), array([[0.5]]))
        """
        covariances = real_array(Sigmas, "Sigmas")
        if covariances.ndim != 3 or covariances.shape[1] != covariances.shape[2]:
            raise InputError(
                shape_message("Sigmas", covariances.shape, "one (V, V) matrix a component")
            )
        variances = np.einsum("kii->ki", covariances)
        bad = np.argwhere(variances <= 0)
        if bad.size:
            k, i = (int(v) for v in bad[0])
            raise InputError(
                bad_values_message(
                    "Sigmas",
                    len(bad),
                    variances.size,
                    "not positive",
                    first=f"component {k}, variable {i}",
                    seen=f"{variances[k, i]:g}",
                    allowed="variances > 0",
                    noun="variance",
                )
            )
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
    def flatten_symmetric_matrix(M: ArrayLike) -> NDArray[Any]:
        """Upper triangle of a square matrix with its diagonal, row by row.

        Parameters
        ----------
        M : array_like of shape (V, V)
            The matrix; what is below its diagonal is not read.

        Returns
        -------
        ndarray of shape (V (V + 1) / 2,)
            Entries (1,1), (1,2), ..., (2,2), ..., of the type of those of `M`.

        Raises
        ------
        InputError
            If `M` is not square, or a value is not finite.

        Examples
        --------
        >>> Stats.flatten_symmetric_matrix([[1, 2], [2, 3]])
        array([1, 2, 3])
        """
        real_array(M, "M")
        matrix = np.asarray(M)
        return matrix[np.triu_indices(_side(matrix))]

    @staticmethod
    def unflatten_symmetric_matrix(F: ArrayLike, M: NDArray[Any]) -> None:
        """Fill a symmetric matrix, in place, from what `flatten_symmetric_matrix` gives.

        Parameters
        ----------
        F : array_like of shape (V (V + 1) / 2,)
            Entries (1,1), (1,2), ..., (2,2), ...
        M : ndarray of shape (V, V)
            The matrix to fill.

        Raises
        ------
        InputError
            If `M` is not a square array, or there are more or fewer entries.
        DtypeError
            If `M` holds whole numbers and an entry is not one.

        Examples
        --------
        >>> import numpy as np
        >>> M = np.zeros((2, 2))
        >>> Stats.unflatten_symmetric_matrix([1, 2, 3], M)
        >>> M
        array([[1., 2.],
               [2., 3.]])
        """
        _fill(M, np.triu_indices(_side(M)), F, "F")


def _fill(M: NDArray[Any], at: tuple[NDArray[Any], ...], values: ArrayLike, name: str) -> None:
    """Write values at places of the upper triangle and at those across the diagonal."""
    entries = real_array(values, name)
    rows, columns = at
    if entries.shape != rows.shape:
        raise InputError(
            shape_message(name, entries.shape, rows.shape, other="M", other_shape=M.shape)
        )
    if M.dtype.kind in "iub" and (entries != np.rint(entries)).any():
        # numpy would cut the fractions off without a word.
        raise DtypeError(f"M: dtype {M.dtype} seen, and fractions in {name}; give a float array")
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

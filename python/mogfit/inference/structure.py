"""Families of covariances: which there are, and their nearest members."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import InputError, choice_message
from mogfit.parameters import STRUCTURES

__all__ = [
    "STRUCTURES",
    "check_structure",
    "constrain_covariances",
    "is_diagonal",
    "is_spherical",
    "is_tied",
]

Floats = NDArray[np.float64]


def check_structure(covariance: Any, name: str = "covariance") -> str:
    """The structure, if it is one.

    Raises
    ------
    InputError
        Naming those that there are.
    """
    if not isinstance(covariance, str) or covariance not in STRUCTURES:
        raise InputError(choice_message(name, covariance, STRUCTURES))
    return covariance


def is_tied(structure: str) -> bool:
    """Whether all components share one covariance."""
    return structure.startswith("tied")


def is_spherical(structure: str) -> bool:
    """Whether a covariance is a multiple of the identity."""
    return structure.endswith("spherical")


def is_diagonal(structure: str) -> bool:
    """Whether a covariance has no entries off its diagonal; spherical ones have none either."""
    return structure.endswith("diag") or is_spherical(structure)


def constrain_covariances(covariances: Floats, weights: Floats, structure: str) -> Floats:
    """The members of a family nearest to covariances (G, V, V), in likelihood.

    The diagonal; the mean variance; and for tied ones the mean over the components first, weighted
    with `weights` (G,). The covariances may be singular.
    """
    if is_tied(structure):
        mean = np.tensordot(weights / weights.sum(), covariances, 1)
        covariances = np.repeat(mean[None], len(covariances), axis=0)
    if not is_diagonal(structure):
        return covariances
    variances = covariances.diagonal(0, 1, 2)
    if is_spherical(structure):
        variances = np.broadcast_to(variances.mean(axis=1)[:, None], variances.shape)
    return np.asarray(variances[:, :, None] * np.eye(variances.shape[1]))

"""What a mixture is made of, as the functions of this room return it; names of variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.domain import parse_domain
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, scalar_message, shorten

__all__ = [
    "MixtureParts",
    "bounds_of",
    "check_names",
    "open_or",
    "variable_index",
    "variable_indices",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MixtureParts:
    """All that defines a mixture; nothing of it needs to be checked again.

    Attributes
    ----------
    weights, mus, Sigmas : ndarray of shape (G,), (G, V) and (G, V, V)
        As `MixtureOfGaussians` has them.
    bounds : ndarray of shape (2, V) or None
        Sides of the domain, infinite where it is open; None where all are.
    truncation : {"components", "mixture"}
        What the domain normalises.
    names : tuple of str or None
        Names of the variables.
    """

    weights: Floats
    mus: Floats
    Sigmas: Floats
    bounds: Floats | None = None
    truncation: str = "components"
    names: tuple[str, ...] | None = None


def bounds_of(mog: Mixture) -> Floats | None:
    """Sides of the domain of a mixture, (2, V); None where all are open."""
    domain = mog.domain
    return None if domain is None else parse_domain(domain, mog.nvars)


def open_or(bounds: Floats) -> Floats | None:
    """The sides of a box; None where all are open."""
    return bounds if np.isfinite(bounds).any() else None


def variable_index(
    variable: Any, nvars: int, names: Sequence[str] | None, argument: str = "variables"
) -> int:
    """The number of a variable that is given by its number or its name.

    Raises
    ------
    InputError
        If there is no such variable.
    """
    if type(variable) is int and 0 <= variable < nvars:
        return variable
    if isinstance(variable, str):
        if names is not None and variable in names:
            return list(names).index(variable)
        known = f"one of {', '.join(map(repr, names))}" if names else "numbers, for there are none"
        raise InputError(scalar_message(argument, variable, f"names of variables: {known}"))
    whole = isinstance(variable, (int, np.integer)) and not isinstance(variable, bool)
    if not whole or not -nvars <= variable < nvars:
        allowed = f"whole numbers from 0 to {nvars - 1}" + (", or names" if names else "")
        raise InputError(scalar_message(argument, variable, allowed))
    return int(variable) % nvars


def variable_indices(variables: Any, nvars: int, names: Sequence[str] | None) -> list[int]:
    """The numbers of some variables, in the order in which they are given.

    Parameters
    ----------
    variables : int, str, or sequence of them
        Numbers from 0, negative ones counted from the end, or names.
    nvars : int
    names : sequence of str or None

    Raises
    ------
    InputError
        If there is no such variable, one is given twice, or none is given.

    Examples
    --------
    >>> variable_indices(["z", 0], 3, ("x", "y", "z"))
    [2, 0]
    """
    single = isinstance(variables, (str, int, np.integer))
    try:
        given = [variables] if single else list(variables)
    except TypeError:
        given = [variables]
    found = [variable_index(variable, nvars, names) for variable in given]
    if not found or len(set(found)) < len(found):
        problem = "one of them twice" if found else "none"
        raise InputError(f"variables: {shorten(variables)} seen, {problem}; allowed: each once")
    return found


def check_names(names: Any, nvars: int) -> tuple[str, ...] | None:
    """Names of the variables of a result, as many as there are and no two alike.

    Raises
    ------
    InputError
        If they are not.
    """
    if names is None:
        return None
    given = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
    if len(given) != nvars or len(set(given)) < nvars:
        raise InputError(
            f"names: {shorten(names)} seen; allowed: {nvars} different names, one for each variable"
        )
    return given

"""Parameters that a fit holds where they are: what users ask for, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import (
    DtypeError,
    InputError,
    bad_values_message,
    choice_message,
    place,
    scalar_message,
    shorten,
)

__all__ = ["Fixed", "check_held_weights", "parse_fixed"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The names that users may use, and the field of each.
_FIELDS = {
    "weights": "weights",
    "means": "means",
    "mus": "means",
    "covariances": "covariances",
    "Sigmas": "covariances",
}

_ALLOWED = "True (all components), or numbers of components"

# Held weights that sum to more than this leave nothing for the others.
_WHOLE = 1.0 - 1e-12


class Fixed(NamedTuple):
    """Which weights, means and covariances are held, each (G,)."""

    weights: Mask
    means: Mask
    covariances: Mask

    @classmethod
    def nothing(cls, ngauss: int) -> Fixed:
        """All `ngauss` components are free."""
        return cls(*np.zeros((3, ngauss), dtype=bool))

    @property
    def some(self) -> bool:
        """Whether anything is held."""
        return any(bool(mask.any()) for mask in self)

    def of(self, components: NDArray[Any]) -> Fixed:
        """The same of some of the components."""
        return Fixed(*(mask[components] for mask in self))

    def numbers(self) -> dict[str, tuple[int, ...]]:
        """The components whose weights, means and covariances are held."""
        return {
            name: tuple(int(k) for k in np.flatnonzero(mask))
            for name, mask in self._asdict().items()
        }


def parse_fixed(fixed: Any, ngauss: int, covariance: str = "full") -> Fixed:
    """Check what a user wants held.

    Parameters
    ----------
    fixed : mapping or None
        "weights", "means" (or "mus") and "covariances" (or "Sigmas") to True for all components, to
        the number of one, to several numbers, or to one True or False for each.
    ngauss : int
        Number of components.
    covariance : str, default "full"
        Structure of the covariances; one that all components share is held for all of them or none.

    Raises
    ------
    InputError
        If a name or the number of a component is none.
    DtypeError
        If `fixed` is no mapping, or components are not given by whole numbers.

    Examples
    --------
    >>> parse_fixed({"means": [0, 2], "weights": True}, 3).numbers()
    {'weights': (0, 1, 2), 'means': (0, 2), 'covariances': ()}
    """
    masks = Fixed.nothing(ngauss)._asdict()
    if fixed is None:
        return Fixed(**masks)
    if not isinstance(fixed, Mapping):
        raise DtypeError(
            scalar_message("fixed", fixed, "a mapping such as {'means': True, 'weights': [0, 2]}")
        )
    given: dict[str, str] = {}
    for name, components in fixed.items():
        if not isinstance(name, str) or name not in _FIELDS:
            raise InputError(choice_message("fixed", name, _FIELDS))
        field = _FIELDS[name]
        if field in given:
            raise InputError(
                f"fixed: {given[field]!r} and {name!r} mean the same; give one of them"
            )
        given[field] = name
        masks[field] = _mask(components, name, ngauss)
    held = Fixed(**masks)
    some = held.covariances
    if covariance.startswith("tied") and some.any() and not some.all():
        raise InputError(
            f"fixed: the covariance of {int(some.sum())} of {ngauss} components is held, but "
            f"covariance={covariance!r} has one for all; hold it for all (True), or for none"
        )
    return held


def check_held_weights(weights: Floats, held: Mask) -> None:
    """Refuse held weights with which no mixture can be fitted.

    Raises
    ------
    InputError
        If one is 0, or they leave nothing for components whose weights are free.
    """
    empty = np.flatnonzero(held & ~(weights > 0.0))
    if empty.size:
        raise InputError(
            bad_values_message(
                "fixed: starting weights",
                len(empty),
                int(held.sum()),
                "held at 0",
                first=place(component=int(empty[0])),
                allowed="weights > 0",
                remedy="fit without these components, or leave their weights free",
                noun="held weight",
            )
        )
    total = float(weights[held].sum())
    if not held.all() and total > _WHOLE:
        free = int(np.count_nonzero(~held))
        raise InputError(
            f"fixed: the weights that are held sum to {total:g}, which leaves nothing for the "
            f"{free} component{'' if free == 1 else 's'} whose weight is free; hold weights that "
            "sum to less than 1"
        )


def _mask(components: Any, name: str, ngauss: int) -> Mask:
    label = f"fixed[{name!r}]"
    if isinstance(components, (bool, np.bool_)):
        return np.full(ngauss, bool(components))
    try:
        numbers = np.atleast_1d(np.asarray(components))
    except ValueError as error:  # a ragged list
        raise DtypeError(scalar_message(label, components, _ALLOWED)) from error
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iub"):
        raise DtypeError(scalar_message(label, components, _ALLOWED))
    if numbers.dtype == bool:
        if len(numbers) != ngauss:
            raise InputError(
                f"{label}: {len(numbers)} of True and False seen; allowed: one for each of "
                f"{ngauss} components"
            )
        return np.array(numbers)
    outside = np.flatnonzero((numbers < 0) | (numbers >= ngauss))
    if outside.size:
        first = int(outside[0])
        raise InputError(
            bad_values_message(
                label,
                len(outside),
                len(numbers),
                "no component",
                first=place(index=first),
                seen=shorten(int(numbers[first])),
                allowed=f"0 to {ngauss - 1}",
            )
        )
    mask = np.zeros(ngauss, dtype=bool)
    mask[numbers.astype(np.intp)] = True
    return mask

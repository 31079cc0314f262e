"""What is to be compared and how, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mogfit.density.components import check_count
from mogfit.errors import DtypeError, InputError, choice_message, scalar_message
from mogfit.inference.structure import check_structure
from mogfit.selection.result import CRITERIA
from mogfit.selection.search import Candidate

__all__ = ["SelectionOptions"]


@dataclass(frozen=True)
class SelectionOptions:
    """The models, the criterion that chooses, and how hard to look."""

    candidates: tuple[Candidate, ...]
    criterion: str = "bic"
    folds: int = 5
    rounds: int = 2

    @classmethod
    def checked(
        cls,
        ngauss: Any = range(1, 11),
        covariance: Any = "full",
        criterion: Any = "bic",
        folds: Any = 5,
        rounds: Any = 2,
    ) -> SelectionOptions:
        """Check what the user asked for.

        Raises
        ------
        InputError
            Naming the argument that cannot be used and what is allowed.
        DtypeError
            If `ngauss` or `covariance` is of a type that cannot say what to compare.
        """
        if criterion not in CRITERIA:
            raise InputError(choice_message("criterion", criterion, CRITERIA))
        counts = _numbers(ngauss)
        structures = _structures(covariance)
        candidates = tuple(Candidate(count, name) for name in structures for count in counts)
        return cls(
            candidates, criterion, check_count(folds, "folds", 2), check_count(rounds, "rounds", 0)
        )

    def require_folds(self, n_points: int) -> None:
        """Refuse more folds than points.

        Raises
        ------
        InputError
            If so.
        """
        if self.criterion == "cv" and self.folds > n_points:
            raise InputError(
                f"folds: {self.folds} seen; allowed: 2 to {n_points}, the number of points"
            )


def _numbers(ngauss: Any) -> list[int]:
    allowed = "whole numbers >= 1, such as range(1, 11)"
    if isinstance(ngauss, (str, bytes)):
        raise InputError(scalar_message("ngauss", ngauss, allowed))
    if not isinstance(ngauss, Iterable):
        return [check_count(ngauss, "ngauss", 1)]
    counts = sorted({check_count(count, "ngauss", 1) for count in ngauss})
    if not counts:
        raise InputError(scalar_message("ngauss", ngauss, allowed))
    return counts


def _structures(covariance: Any) -> list[str]:
    names = [covariance] if isinstance(covariance, str) else covariance
    if not isinstance(names, Iterable):
        raise DtypeError(
            scalar_message("covariance", covariance, "a structure, or a sequence of them")
        )
    names = list(names)
    if not names:
        raise InputError(scalar_message("covariance", covariance, "one structure or more"))
    return list(dict.fromkeys(check_structure(name) for name in names))

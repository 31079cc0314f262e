"""Whether observations tell of all that is to be fitted: each direction, and each covariance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DegeneracyWarning, DegenerateError, warn_user
from mogfit.noise import BLOCK
from mogfit.observations import Observations

__all__ = ["check_identified", "seen_equations"]

Floats = NDArray[np.float64]

# A direction that the rows see by less, beside the others, is seen by rounding alone.
_UNSEEN = 1e-13

# How many pairs a warning names.
_PAIRS_NAMED = 4


def check_identified(
    data: Observations, names: Sequence[str] | None, *, covariances: bool = True
) -> None:
    """Refuse projections that leave a direction unseen; warn of columns never seen together.

    The latter only where `covariances` of two columns are to be fitted.

    Raises
    ------
    DegenerateError
        If no row sees a variable, or a direction of several.

    Warns
    -----
    DegeneracyWarning
        If two columns never have a value in the same row.
    """
    if data.projection is not None:
        _require_all_directions(seen_equations(data), data.nvars, names)
    elif data.incomplete and covariances:
        _warn_of_pairs(np.argwhere(np.triu(~seen_together(data))), names)


def seen_equations(data: Observations) -> Floats:
    """The equations R_i x = y_i of all values seen, (at most V + 1, V + 1), [R, y] in each row.

    They are those of a QR decomposition: with the same sums of squares and products.
    """
    equations = np.zeros((0, data.nvars + 1))
    for block in _equations(data):
        stacked = np.concatenate([equations, block])
        equations = np.asarray(np.linalg.qr(stacked, mode="r"), dtype=np.float64)
    return equations


def _equations(data: Observations) -> Iterator[Floats]:
    matrices = data.projection
    assert matrices is not None
    n_values = data.values.shape[1]
    repeated = matrices.strides[0] == 0
    count, total = np.zeros(n_values), np.zeros(n_values)
    size = max(1, BLOCK // n_values)
    for start in range(0, data.n_points, size):
        values = np.asarray(data.values[start : start + size], dtype=np.float64)
        seen = ~np.isnan(values)
        if repeated:
            count += seen.sum(axis=0)
            total += np.where(seen, values, 0.0).sum(axis=0)
        else:
            yield np.column_stack([matrices[start : start + size][seen], values[seen]])
    if repeated:
        # Of equations with the same left side, the mean of the right ones.
        root = np.sqrt(count[count > 0])
        left = matrices[0][count > 0] * root[:, None]
        yield np.column_stack([left, total[count > 0] / root])


def _require_all_directions(equations: Floats, nvars: int, names: Sequence[str] | None) -> None:
    left = equations[:, :nvars]
    # Variables may be in any units.
    scale = np.abs(left).max(axis=0, initial=0.0)
    if not scale.all():
        columns = np.flatnonzero(scale == 0.0)
        one = len(columns) == 1
        raise DegenerateError(
            f"projection: no row sees {_listed(columns, names)}, so that nothing tells "
            f"{'its mean and covariances' if one else 'their means and covariances'}; leave "
            f"{'it' if one else 'them'} out of the projection, or bring rows that see "
            f"{'it' if one else 'them'}"
        )
    _, singular, directions = np.linalg.svd(left / scale)
    rank = int(np.count_nonzero(singular > _UNSEEN * singular[0]))
    if rank == nvars:
        return
    unseen = directions[rank:] / scale
    unseen /= np.abs(unseen).max(axis=1, keepdims=True)
    involved = np.flatnonzero((np.abs(directions[rank:]) > 1e-8).any(axis=0))
    of = f"of {_listed(involved, names)}"
    if len(unseen) == 1:
        # The sign is free: the first entry is positive.
        entries = unseen[0, involved] * np.sign(unseen[0, involved[0]])
        direction = f"the direction ({', '.join(f'{entry:.3g}' for entry in entries)}) {of}"
    else:
        direction = f"{len(unseen)} of the directions {of}"
    raise DegenerateError(
        f"projection: no row sees {direction}, so that nothing tells the mean and the covariance "
        "there; bring rows whose projections see it, or fit fewer variables: the combinations that "
        "are seen"
    )


def seen_together(data: Observations) -> NDArray[np.bool_]:
    """Whether two columns have values in the same row, (M, M)."""
    n_values = data.values.shape[1]
    together = np.zeros((n_values, n_values), dtype=bool)
    for start in range(0, data.n_points, BLOCK):
        seen = (~np.isnan(data.values[start : start + BLOCK])).astype(np.float32)
        together |= seen.T @ seen > 0
        if together.all():
            break
    return together


def _warn_of_pairs(pairs: NDArray[np.intp], names: Sequence[str] | None) -> None:
    if not len(pairs):
        return

    def name(column: int) -> str:
        return repr(names[column]) if names else str(column)

    named = [f"{name(i)} and {name(j)}" for i, j in pairs[:_PAIRS_NAMED]]
    if len(pairs) > _PAIRS_NAMED:
        named.append(f"{len(pairs) - _PAIRS_NAMED} more pairs")
    one = len(pairs) == 1
    warn_user(
        f"data: columns {', '.join(named)} are never seen together in a row: nothing tells "
        f"{'their covariance' if one else 'their covariances'} in a component, which "
        f"{'is' if one else 'are'} left where the fit began; bring rows that hold both, or fit "
        "them apart",
        DegeneracyWarning,
    )


def _listed(columns: Sequence[int] | NDArray[np.intp], names: Sequence[str] | None) -> str:
    named = ", ".join(repr(names[c]) if names else str(c) for c in columns)
    return f"variable{'' if len(columns) == 1 else 's'} {named}"

"""Arrays in ``.npy`` files, read where they lie on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.cli.columns import (
    MISSING_REMEDIES,
    Chosen,
    Table,
    name_columns,
    select_columns,
)
from mogfit.errors import FileFormatError, InputError, bad_values_message

__all__ = ["read_npy"]

_ROWS_AT_ONCE = 1 << 20


def read_npy(
    path: Path,
    columns: Sequence[str] | None,
    weights: str | None,
    errors: Sequence[str] | None,
    missing: str,
) -> Table:
    """Read columns of an array of rows, or of a structured one; see `read_table`."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FileFormatError(f"{path}: cannot be read as a .npy file: {error}") from error
    headings = None if array.dtype.names is None else list(array.dtype.names)
    if headings:
        count = len(headings)
    elif array.ndim in (1, 2):
        array = array.reshape(len(array), -1) if array.ndim == 1 else array
        count = array.shape[1]
    else:
        raise InputError(
            f"{path}: an array of shape {array.shape} seen; allowed: rows of points, (N, columns)"
        )
    if array.dtype.names is None and array.dtype.kind not in "fiub":
        raise InputError(f"{path}: an array of {array.dtype} seen; allowed: real numbers")
    chosen = select_columns(path, headings, count, columns, weights, errors)

    def column(k: int) -> NDArray[Any]:
        found = array[headings[k]].ravel() if headings else array[:, k]
        if found.dtype.kind not in "fiub":
            raise InputError(f"{path}: column {k} of {found.dtype} seen; allowed: real numbers")
        return found

    if headings:
        values = np.stack([column(k) for k in chosen.data], axis=1)
    else:
        values = array[:, _as_slice(chosen.data)]
    if len(values) == 0:
        raise InputError(f"{path}: has no rows of data")
    names, units = name_columns(headings, chosen.data)
    table = Table(values, names, units)
    if chosen.errors:
        table.errors = np.stack([column(k) for k in chosen.errors], axis=1).astype(np.float64)
    if chosen.weight is not None:
        table.weights = np.array(column(chosen.weight), dtype=np.float64)
    _check_finite(path, table, chosen, missing)
    return table


def _as_slice(chosen: list[int]) -> Any:
    """Evenly spaced columns as a slice, which is a view and not a copy."""
    steps = {b - a for a, b in pairwise(chosen)} or {1}
    step = steps.pop()
    return chosen if steps or step < 1 else slice(chosen[0], chosen[-1] + 1, step)


def _check_finite(path: Path, table: Table, chosen: Chosen, missing: str) -> None:
    """Refuse infinite values; refuse NaN, count them, or drop their rows."""
    parts: list[NDArray[Any]] = [table.values]
    if table.errors is not None:
        parts.append(table.errors)
    if table.weights is not None:
        parts.append(table.weights[:, None])
    counts = {"NaN": 0, "infinite": 0}
    first: dict[str, str] = {}
    kept = []
    for start in range(0, len(table.values), _ROWS_AT_ONCE):
        blocks = [part[start : start + _ROWS_AT_ONCE] for part in parts]
        if all(np.isfinite(block).all() for block in blocks):
            kept.append(np.ones(len(blocks[0]), dtype=bool))
            continue
        rows = np.concatenate(blocks, axis=1)
        unknown, infinite = np.isnan(rows), np.isinf(rows)
        values, errors, _ = chosen.split(unknown)
        # An infinite error says that its value was not measured.
        unmeasured = chosen.split(rows)[1] == np.inf
        chosen.split(infinite)[1][unmeasured] = False
        if missing == "marginal":
            table.n_missing += int(np.count_nonzero(values))
            if chosen.errors:
                errors &= ~values
            values[:] = False
        else:
            errors |= unmeasured
        for kind, bad in (("NaN", unknown), ("infinite", infinite)):
            if bad.any():
                row, column = (int(v) for v in np.argwhere(bad)[0])
                first.setdefault(kind, f"row {start + row}, column {chosen.all[column]}")
                counts[kind] += int(np.count_nonzero(bad))
        kept.append(~unknown.any(axis=1))
    total = len(table.values) * len(chosen.all)
    if counts["infinite"]:
        raise InputError(
            bad_values_message(
                str(path), counts["infinite"], total, "infinite", first=first["infinite"],
                allowed="finite numbers",
            )
        )  # fmt: skip
    if counts["NaN"] and missing != "drop":
        raise InputError(
            bad_values_message(
                str(path), counts["NaN"], total, "NaN", first=first["NaN"],
                remedy=MISSING_REMEDIES[missing],
            )
        )  # fmt: skip
    if counts["NaN"]:
        _keep_rows(path, table, np.concatenate(kept))


def _keep_rows(path: Path, table: Table, kept: NDArray[np.bool_]) -> None:
    table.n_dropped = len(kept) - int(np.count_nonzero(kept))
    if not kept.any():
        raise InputError(f"{path}: no rows are left; {table.n_dropped} had missing values")
    table.values = table.values[kept]
    if table.errors is not None:
        table.errors = table.errors[kept]
    if table.weights is not None:
        table.weights = table.weights[kept]

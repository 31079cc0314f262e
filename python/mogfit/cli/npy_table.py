"""Arrays in ``.npy`` files, read where they lie on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mogfit.cli.columns import Table, name_columns, select_columns
from mogfit.errors import FileFormatError, InputError, bad_values_message

__all__ = ["read_npy"]

_ROWS_AT_ONCE = 1 << 20


def read_npy(
    path: Path, columns: Sequence[str] | None, weights: str | None, drop_missing: bool
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
    chosen, weight = select_columns(path, headings, count, columns, weights)
    if headings:
        values = np.stack([array[headings[k]].ravel() for k in chosen], axis=1)
        weigh = None if weight is None else np.array(array[headings[weight]], dtype=np.float64)
    else:
        values = array[:, _as_slice(chosen)]
        weigh = None if weight is None else np.array(array[:, weight], dtype=np.float64)
    if len(values) == 0:
        raise InputError(f"{path}: has no rows of data")
    names, units = name_columns(headings, chosen)
    table = Table(values, names, units, weigh)
    _check_finite(path, table, chosen, weight, drop_missing)
    return table


def _as_slice(chosen: list[int]) -> Any:
    """Evenly spaced columns as a slice, which is a view and not a copy."""
    steps = {b - a for a, b in pairwise(chosen)} or {1}
    step = steps.pop()
    return chosen if steps or step < 1 else slice(chosen[0], chosen[-1] + 1, step)


def _check_finite(
    path: Path, table: Table, chosen: list[int], weight: int | None, drop_missing: bool
) -> None:
    """Refuse infinite values, and refuse or drop rows with NaN."""
    parts = [(table.values, chosen)]
    if table.weights is not None and weight is not None:
        parts.append((table.weights[:, None], [weight]))
    n_missing = n_infinite = 0
    first: dict[str, str] = {}
    missing_rows = []
    for values, numbers in parts:
        for start in range(0, len(values), _ROWS_AT_ONCE):
            block = values[start : start + _ROWS_AT_ONCE]
            if np.isfinite(block).all():
                continue
            for kind, bad in (("NaN", np.isnan(block)), ("infinite", np.isinf(block))):
                if bad.any():
                    row, column = (int(v) for v in np.argwhere(bad)[0])
                    first.setdefault(kind, f"row {start + row}, column {numbers[column]}")
            n_missing += int(np.isnan(block).sum())
            n_infinite += int(np.isinf(block).sum())
            missing_rows.append(start + np.flatnonzero(np.isnan(block).any(axis=1)))
    total = sum(values.size for values, _ in parts)
    if n_infinite:
        raise InputError(
            bad_values_message(
                str(path), n_infinite, total, "infinite", first=first["infinite"],
                allowed="finite numbers",
            )
        )  # fmt: skip
    if n_missing and not drop_missing:
        raise InputError(
            bad_values_message(
                str(path), n_missing, total, "NaN", first=first["NaN"],
                remedy="--drop-missing leaves such rows out",
            )
        )  # fmt: skip
    if n_missing:
        rows = np.unique(np.concatenate(missing_rows))
        table.n_dropped = len(rows)
        table.values = np.delete(table.values, rows, axis=0)
        if table.weights is not None:
            table.weights = np.delete(table.weights, rows)
        if len(table.values) == 0:
            raise InputError(f"{path}: no rows are left; {len(rows)} had missing values")

"""The components of a mixture as a table of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mogfit.density.protocol import Mixture
from mogfit.parameters import correlation_pairs

__all__ = ["component_text", "means_with_sigmas"]

# With more variables a table of correlations says nothing at a glance.
_MOST_VARIABLES_WITH_PAIRS = 4


def component_text(
    mog: Mixture,
    *,
    units: Sequence[str] | None = None,
    width: int = 80,
    plain: bool = False,
) -> str:
    """Write the components of a mixture as a table, the heaviest first.

    Numbers from 0, as the rows of ``mog.mus`` have them; means with standard deviations;
    correlations where there are at most four variables.
    Columns that do not fit next to each other go below.

    Parameters
    ----------
    mog : Mixture
        What to write.
    units : sequence of str, optional
        Units of the variables.
    width : int, default 80
        Most characters a line.
    plain : bool, default False
        Whether to keep to ASCII.

    Returns
    -------
    str
        Lines without an end of line after the last.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.3, 0.7], mus=[0.0, 2.5], Sigmas=[1.0, 0.25])
    >>> print(component_text(mog))
    k  weight             x0
    1  0.7000  2.500 ± 0.500
    0  0.3000  0.000 ± 1.000
    """
    between = " +- " if plain else " ± "
    names = mog.names or tuple(f"x{j}" for j in range(mog.nvars))
    order = np.argsort(-mog.weights, kind="stable")
    columns = [
        ["k", *(str(k) for k in order)],
        ["weight", *(f"{weight:.4f}" for weight in mog.weights[order])],
    ]
    for j, name in enumerate(names):
        unit = f" [{units[j]}]" if units is not None and units[j] else ""
        means, sigmas = mog.mus[order, j], mog.sigmas[order, j]
        cells = means_with_sigmas(means, sigmas, between)
        columns.append([_ascii(name + unit) if plain else name + unit, *cells])
    if 1 < mog.nvars <= _MOST_VARIABLES_WITH_PAIRS:
        first, second = correlation_pairs(mog.nvars)
        for pair, (i, j) in enumerate(zip(first, second, strict=True)):
            head = f"rho({names[i]},{names[j]})"
            cells = [f"{rho:.3f}" for rho in mog.rhos[order, pair]]
            columns.append([_ascii(head) if plain else head, *cells])
    return "\n\n".join("\n".join(block) for block in _blocks(columns, width))


def means_with_sigmas(
    means: NDArray[np.float64], sigmas: NDArray[np.float64], between: str = " ± "
) -> list[str]:
    """Means and standard deviations, with decimals that give most of the latter 3 digits."""
    typical = float(np.quantile(sigmas, 0.25))
    decimals = max(0, 2 - math.floor(math.log10(typical)))
    largest = max(float(np.abs(means).max()), float(sigmas.max()))
    if decimals <= 6 and largest < 1e6:
        form = f".{decimals}f"
    else:
        form = f".{min(15, max(3, math.floor(math.log10(largest / typical)) + 3))}e"
    left = [format(value, form) for value in means]
    right = [format(value, form) for value in sigmas]
    wide = max(map(len, right))
    return [f"{a}{between}{b:>{wide}}" for a, b in zip(left, right, strict=True)]


def _blocks(columns: list[list[str]], width: int) -> list[list[str]]:
    """Lines of the table, its columns put side by side until the width is used up."""
    key, rest = columns[0], columns[1:]
    blocks: list[list[list[str]]] = []
    used = width + 1
    for column in rest:
        wide = max(map(len, column)) + 2
        if used + wide > width:
            blocks.append([key])
            used = max(map(len, key))
        blocks[-1].append(column)
        used += wide
    lines = []
    for block in blocks:
        padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in block]
        lines.append(["  ".join(row) for row in zip(*padded, strict=True)])
    return lines


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")

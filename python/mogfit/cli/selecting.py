"""How many Gaussians: what `--ngauss auto` and `--select` do."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mogfit.cli.columns import Table
from mogfit.errors import warn_user
from mogfit.fit import FitMoG
from mogfit.inference.run import FitOptions

if TYPE_CHECKING:
    from mogfit.selection.result import Selection

__all__ = ["iteration_options", "numbers_to_compare", "select_number"]


def numbers_to_compare(arguments: argparse.Namespace) -> range | None:
    """Numbers of Gaussians to compare, where several are to be."""
    if arguments.ngauss == "auto":
        return range(1, 11)
    numbers: range | None = arguments.select
    return numbers


def iteration_options(arguments: argparse.Namespace) -> dict[str, int]:
    """Options of a fit: its most iterations."""
    return {} if arguments.max_iterations is None else {"maxiter": arguments.max_iterations}


def select_number(fit: FitMoG, table: Table, arguments: argparse.Namespace) -> Selection:
    """Compare several numbers of Gaussians; warnings are those of the best."""
    from mogfit.fit_selection import select_for
    from mogfit.selection.options import SelectionOptions

    bar = sys.stderr.isatty() and not arguments.quiet and find_spec("tqdm") is not None
    selection = select_for(
        fit,
        fit._observed(sample_weight=table.weights, to_fit=True),
        SelectionOptions.checked(
            numbers_to_compare(arguments), arguments.covariance, arguments.criterion or "bic"
        ),
        FitOptions.checked(
            method=arguments.method,
            tolerance=arguments.tol,
            options=iteration_options(arguments),
            n_starts=arguments.n_starts,
            penalty=arguments.penalty,
            threads=None,
            bounds=None,
        ),
        arguments.seed,
        "tqdm" if bar else False,
    )
    for text, category in selection.best_by(selection.criterion).warnings:
        warn_user(text, category)
    return selection

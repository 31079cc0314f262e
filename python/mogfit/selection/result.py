"""What a selection found: every fit, what each criterion says of it, and the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mogfit.density.text import counted
from mogfit.errors import (
    InputError,
    MoGWarning,
    choice_message,
    missing_package_message,
)
from mogfit.inference.report import StartRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CRITERIA", "Row", "Selection"]

CRITERIA = ("bic", "aic", "icl", "cv")

# Characters of a reason in the table that is printed.
_REASON = 90


@dataclass(frozen=True)
class Row:
    """What is known of one fit of a selection.

    Attributes
    ----------
    ngauss, covariance : int, str
        The model: components, and the structure of their covariances.
    status : {"converged", "not converged", "held by the penalty", "failed"}
        How it ended. A fit that is held by the penalty has a component that would collapse on a
        few points: its likelihood says little, and it is not chosen while there are others.
    reason : str
        Why, in words.
    n_parameters : int
        Free parameters.
    log_likelihood : float
        Log-likelihood of the data with their weights; NaN, as the criteria, where the fit failed.
    aic, bic, icl, cv : float
        Criteria, smaller is better; cv is -2 log L of points held out, NaN where it was not asked
        for.
    start : str
        Where the fit that was kept started: "search", "split of 2", "merge of 4".
    tried : tuple of str
        All of its starts.
    searched : tuple of StartRecord
        The starts that the search tried; empty where the fit started from a neighbour.
    warnings : tuple of (str, type)
        What the fit warned of.
    spurious : int
        Components that may be chance clumps of points: with hardly more points than parameters,
        or with less than 50 (V + 1) points and less than 1e-3 of the data's variance in some
        direction. Fits without such ones are preferred, unless each gains 3 log n nats.
    """

    ngauss: int
    covariance: str
    status: str
    reason: str
    n_parameters: int
    log_likelihood: float = math.nan
    aic: float = math.nan
    bic: float = math.nan
    icl: float = math.nan
    cv: float = math.nan
    start: str = ""
    tried: tuple[str, ...] = ()
    searched: tuple[StartRecord, ...] = ()
    warnings: tuple[tuple[str, type[MoGWarning]], ...] = ()
    spurious: int = 0


class Selection:
    """Fits of several models to the same data, compared; see `mogfit.select`.

    Attributes
    ----------
    criterion : {"bic", "aic", "icl", "cv"}
        What chose.
    best : FitMoG
        The best fit, as `fit_data` leaves one.
    best_ngauss : int
        Its number of components.
    best_covariance : str
        Its structure.
    table : tuple of Row
        Every model that was asked for, failures too.
    fits : dict
        The fit of each model that did not fail, by (covariance, ngauss).
    n_points : float
        The number of points in the criteria: Kish's effective size where they had weights.
    seconds : float
        What it took.
    """

    def __init__(
        self,
        criterion: str,
        table: Sequence[Row],
        fits: Mapping[tuple[str, int], Any],
        n_points: float,
        seconds: float,
    ) -> None:
        self.criterion = criterion
        self.table = tuple(table)
        self.fits = dict(fits)
        self.n_points = n_points
        self.seconds = seconds
        self._best = choose(self.table, criterion)

    @property
    def best(self) -> Any:
        """The best fit."""
        row = self.table[self._best]
        return self.fits[row.covariance, row.ngauss]

    @property
    def best_ngauss(self) -> int:
        """Number of components of the best fit."""
        return self.table[self._best].ngauss

    @property
    def best_covariance(self) -> str:
        """Structure of the covariances of the best fit."""
        return self.table[self._best].covariance

    @property
    def covariances(self) -> tuple[str, ...]:
        """The structures that were compared."""
        return tuple(dict.fromkeys(row.covariance for row in self.table))

    def best_by(self, criterion: str) -> Row:
        """What another criterion would have chosen.

        Raises
        ------
        InputError
            If there is no such criterion, or it was not asked for.
        """
        if criterion not in CRITERIA:
            raise InputError(choice_message("criterion", criterion, CRITERIA))
        return self.table[choose(self.table, criterion)]

    def to_frame(self) -> Any:
        """The table as a `pandas.DataFrame`, a row for each model.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(missing_package_message("pandas", "for to_frame()")) from error
        left_out = {"searched", "warnings", *(() if self._cross_validated else ("cv",))}
        names = [part.name for part in fields(Row) if part.name not in left_out]
        frame = pd.DataFrame(
            [[getattr(row, name) for name in names] for row in self.table], columns=names
        )
        frame["best"] = [place == self._best for place in range(len(frame))]
        return frame

    def plot(self, *, figsize: tuple[float, float] | None = None) -> Figure:
        """Draw the best fit, the criteria, and which component each point would come from.

        Three panels. Of one variable: a histogram with the density and the share of each
        component; AIC, BIC and the criterion that chose against the number of components, each
        above its lowest; and the probabilities of the components stacked along the variable. Of
        two: the points with an ellipse for each component, the criteria, and a map of the most
        probable component. Of more: the same of the two variables in which the components are
        farthest apart.

        Parameters
        ----------
        figsize : (float, float), optional
            Width and height in inches.

        Returns
        -------
        matplotlib.figure.Figure
            Without pyplot; save it with its ``savefig``.

        Raises
        ------
        InputError
            If there are no data to draw: pickles keep them only where `best.keep_data` is True.
        """
        from mogfit.plotting.selection_plots import selection_figure

        best = self.best
        points, weights = best._weighted_points_to_draw()
        all_weights = best._fit_weight
        counted = best.report.n_points if all_weights is None else (all_weights > 0).sum()
        return selection_figure(
            best.mog,
            points,
            weights,
            self.table,
            self.criterion,
            best.names,
            figsize,
            int(counted),
        )

    @property
    def _cross_validated(self) -> bool:
        return any(not math.isnan(row.cv) for row in self.table)

    # -- text ------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        several = len(self.covariances) > 1
        best = self.table[self._best]
        plural = "" if best.ngauss == 1 else "s"
        lines = [
            f"Selection by {self.criterion.upper()}: {counted(best.ngauss, 'component')}, "
            f"{best.covariance} covariance{plural}; {counted(len(self.table), 'model')} of "
            f"{self._points()}"
        ]
        names = ["aic", "bic", "icl", *(("cv",) if self._cross_validated else ())]
        head = ["K", *(("covariance",) if several else ()), "p", "log L", *map(str.upper, names)]
        cells = [[*head, "above best", "start", "status"]]
        lowest = getattr(best, self.criterion)
        for row in self.table:
            model = [str(row.ngauss), *((row.covariance,) if several else ())]
            values = [row.log_likelihood, *(getattr(row, name) for name in names)]
            above = getattr(row, self.criterion) - lowest
            cells.append(
                [*model, str(row.n_parameters), *map(_shown, (*values, above)), row.start, ""]
            )
        last = len(head)  # the start; words from there on are aligned to the left
        widths = [max(len(line[place]) for line in cells) for place in range(last + 2)]
        for place, line in enumerate(cells):
            mark = "->" if place == self._best + 1 else "  "
            words = [
                cell.ljust(width) if column > last else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=False))
            ]
            ending = "status" if place == 0 else _status(self.table[place - 1])
            lines.append("  ".join([mark, *words, ending]).rstrip())
        return "\n".join(lines)

    __str__ = __repr__

    def _points(self) -> str:
        if self.n_points == round(self.n_points):
            return f"{round(self.n_points):,} points"
        return f"{self.n_points:,.1f} effective points"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def choose(table: Sequence[Row], criterion: str) -> int:
    """Place of the row that a criterion likes best, the smaller model of equals.

    Rows that the penalty holds up are passed over where there are others.
    """
    known = [k for k, row in enumerate(table) if not math.isnan(getattr(row, criterion))]
    if not known:
        raise InputError(
            f"criterion: {criterion!r} is not known of any fit; select(criterion={criterion!r}) "
            "computes it"
        )
    sound = [k for k in known if table[k].status != "held by the penalty"]
    return min(
        sound or known, key=lambda k: (getattr(table[k], criterion), table[k].n_parameters, k)
    )


def _shown(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if abs(value) < 1e8 else f"{value:.4g}"


def _status(row: Row) -> str:
    if row.status == "converged":
        return row.status + (f", {row.spurious} may be spurious" if row.spurious else "")
    return f"{row.status}: {_shortened(row.reason, _REASON)}"


def _shortened(text: str, limit: int) -> str:
    """A text cut with "..." where it is too long."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."

"""The components of a mixture as a table: a data frame, LaTeX, or HTML for notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.components import check_count
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, choice_message, missing_package_message, scalar_message
from mogfit.export.component_text import means_with_sigmas
from mogfit.export.latex import latex_number
from mogfit.export.names import latex_name, property_names
from mogfit.parameters import correlation_pairs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["component_table", "html_table", "tabulate"]

Floats = NDArray[np.float64]

# What LaTeX shows unless more is asked for.
_LATEX_DIGITS = 4

# What a notebook shows at a glance.
_MOST_VARIABLES = 8


def component_table(mog: Mixture, sort_by: str = "weight", properties: Any = None) -> pd.DataFrame:
    """Tabulate the components of a mixture.

    Parameters
    ----------
    mog : Mixture
    sort_by : {"weight", "distance"}, default "weight"
        The heaviest first, or the one whose mean is nearest to the origin.
    properties : None, sequence of str, or mapping
        Names of the variables; by default those of the mixture, or 1, 2, ...

    Returns
    -------
    pandas.DataFrame
        A row for each component; its index, "component", counts the rows of ``mog.mus`` from 1.
        Columns: weight ``w``, means ``mu_*``, standard deviations ``sigma_*``, correlations
        ``rho_**``; for one variable, its variance ``var_*`` too.

    Raises
    ------
    InputError
        If `sort_by` is another word.
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.3, 0.7], mus=[0.0, 2.5], Sigmas=[1.0, 0.25])
    >>> table = component_table(mog)
    >>> table.index.tolist(), table["sigma_1"].tolist()
    ([2, 1], [0.5, 1.0])
    """
    order = _order(mog, sort_by)
    heads, values = _columns(mog, property_names(properties, mog.nvars, mog.names))
    return _frame(order, heads, values)


def tabulate(
    mog: Mixture,
    sort_by: str = "weight",
    return_df: bool = True,
    type: str = "df",
    properties: Any = None,
    digits: int | str | None = None,
) -> Any:
    r"""Tabulate the components of a mixture as MultiMin does.

    Parameters
    ----------
    mog : Mixture
    sort_by : {"weight", "distance"}, default "weight"
        The heaviest first, or the one whose mean is nearest to the origin.
    return_df : bool, default True
        Whether a data frame is returned, or printed.
    type : {"df", "latex"}, default "df"
        A data frame as `component_table` makes it, or LaTeX, which is printed and returned.
    properties : None, sequence of str, or mapping
        Names of the variables; by default those of the mixture, or 1, 2, ...
    digits : int or "full", optional
        Significant digits of all numbers; by default 4 in LaTeX and all of them in a data frame.

    Returns
    -------
    pandas.DataFrame, str or None
        None for a data frame that was printed.

    Raises
    ------
    InputError
        If an argument is not one of those allowed.
    ImportError
        If a data frame is asked for and pandas is not installed.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[2.0])
    >>> text = tabulate(mog, type="latex")
    \begin{table*}
    \begin{tabular}{lrrrr}
    \hline
    $k$ & $w$ & $\mu_{1}$ & $\sigma_{1}$ & $\sigma^2_{1}$ \\
    \hline
    1 & 1 & 0 & 1.414 & 2 \\
    \hline
    \end{tabular}
    \end{table*}
    """
    if type not in ("df", "latex"):
        raise InputError(choice_message("type", type, ("df", "latex")))
    figures = _figures(digits)
    order = _order(mog, sort_by)
    heads, values = _columns(mog, property_names(properties, mog.nvars, mog.names))
    if type == "latex":
        text = _latex(order, heads, values, _LATEX_DIGITS if digits is None else figures)
        print(text)  # noqa: T201  (as MultiMin does)
        return text
    if figures is not None:
        values = np.vectorize(lambda value: float(f"{value:.{figures}g}"))(values)
    table = _frame(order, heads, values)
    if return_df:
        return table
    every_digit = (lambda value: repr(float(value))) if digits == "full" else None
    print(table.to_string(float_format=every_digit))  # noqa: T201
    return None


def html_table(mog: Mixture, properties: Any = None, most: int = 10) -> str:
    """Show a mixture as HTML: sizes, domain, and its first components, as notebooks do.

    Parameters
    ----------
    mog : Mixture
    properties : None, sequence of str, or mapping
        Names of the variables; by default those of the mixture, or 1, 2, ...
    most : int, default 10
        How many components to show. They are numbered from 0, as the rows of ``mog.mus``.

    Returns
    -------
    str

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[4.0], domain=[(0, None)])
    >>> print(html_table(mog, properties=["q"]))
    <div>
    <p><b>MixtureOfGaussians</b>: 1 component in 1 variable, truncated to q in [0, ∞)</p>
    <table>
    <thead><tr><th>k</th><th>weight</th><th>q</th></tr></thead>
    <tbody>
    <tr><th>0</th><td>1.0000</td><td>0.00 ± 2.00</td></tr>
    </tbody>
    </table>
    </div>
    """
    names = [html.escape(name) for name in property_names(properties, mog.nvars, mog.names)]
    shown = min(mog.ngauss, check_count(most, "most", 1))
    width = min(mog.nvars, _MOST_VARIABLES)
    columns = [
        [str(k) for k in range(shown)],
        [f"{weight:.4f}" for weight in mog.weights[:shown]],
        *(means_with_sigmas(mog.mus[:shown, j], mog.sigmas[:shown, j]) for j in range(width)),
    ]
    heads = ["k", "weight", *names[:width]]
    if width < mog.nvars:
        heads.append(f"and {mog.nvars - width} more")
        columns.append([""] * shown)
    rows = [
        f"<tr><th>{key}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for key, *cells in zip(*columns, strict=True)
    ]
    if shown < mog.ngauss:
        rows.append(f'<tr><td colspan="{len(heads)}">and {mog.ngauss - shown} more</td></tr>')
    return "\n".join(
        [
            "<div>",
            f"<p><b>MixtureOfGaussians</b>: {_sizes(mog)}{_box(mog, names)}</p>",
            "<table>",
            f"<thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>",
            "<tbody>",
            *rows,
            "</tbody>",
            "</table>",
            "</div>",
        ]
    )


def _order(mog: Mixture, sort_by: str) -> NDArray[np.intp]:
    if sort_by == "weight":
        return np.argsort(-mog.weights, kind="stable")
    if sort_by == "distance":
        return np.argsort(np.linalg.norm(mog.mus, axis=1), kind="stable")
    raise InputError(choice_message("sort_by", sort_by, ("weight", "distance")))


def _columns(mog: Mixture, names: tuple[str, ...]) -> tuple[list[str], Floats]:
    """Heads and values of the columns."""
    heads = ["w", *(f"mu_{name}" for name in names), *(f"sigma_{name}" for name in names)]
    values = [mog.weights[:, None], mog.mus, mog.sigmas]
    if mog.nvars == 1:
        heads.append(f"var_{names[0]}")
        values.append(mog.Sigmas[:, :, 0])
    else:
        first, second = correlation_pairs(mog.nvars)
        heads += [f"rho_{names[i]}{names[j]}" for i, j in zip(first, second, strict=True)]
        values.append(mog.rhos)
    return heads, np.concatenate(values, axis=1)


def _frame(order: NDArray[np.intp], heads: list[str], values: Floats) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(missing_package_message("pandas", "for data frames")) from error
    index = pd.Index(order + 1, dtype="int64", name="component")
    return pd.DataFrame(values[order], index=index, columns=heads)


def _figures(digits: int | str | None) -> int | None:
    """Significant digits; None where no number is asked for."""
    if digits is None or (isinstance(digits, str) and digits == "full"):
        return None
    if isinstance(digits, str):
        allowed = "None, 'full', or a whole number >= 1"
        raise InputError(scalar_message("digits", digits, allowed))
    return check_count(digits, "digits", 1)


def _latex(order: NDArray[np.intp], names: list[str], values: Floats, figures: int | None) -> str:
    symbols = {"mu": r"\mu", "sigma": r"\sigma", "var": r"\sigma^2", "rho": r"\rho"}
    heads = ["$k$", "$w$"]
    for head in names[1:]:
        kind, _, name = head.partition("_")
        heads.append(f"${symbols[kind]}_{{{latex_name(name)}}}$")
    rows = [
        " & ".join([str(k + 1), *(_cell(value, figures) for value in values[k])]) + r" \\"
        for k in order
    ]
    return "\n".join(
        [
            r"\begin{table*}",
            rf"\begin{{tabular}}{{l{'r' * values.shape[1]}}}",
            r"\hline",
            " & ".join(heads) + r" \\",
            r"\hline",
            *rows,
            r"\hline",
            r"\end{tabular}",
            r"\end{table*}",
        ]
    )


def _cell(value: float, figures: int | None) -> str:
    text = repr(float(value)) if figures is None else f"{value:.{figures}g}"
    return f"${latex_number(value, text)}$" if "e" in text else text


def _sizes(mog: Mixture) -> str:
    components = "component" if mog.ngauss == 1 else "components"
    variables = "variable" if mog.nvars == 1 else "variables"
    return f"{mog.ngauss} {components} in {mog.nvars} {variables}"


def _box(mog: Mixture, names: list[str]) -> str:
    if mog.domain is None:
        return ""
    sides = [
        f"{name} in {'(' if pair[0] == -np.inf else '['}{_side(pair[0])}, {_side(pair[1])}"
        f"{')' if pair[1] == np.inf else ']'}"
        for name, pair in zip(names, mog.domain, strict=True)
        if pair is not None
    ]
    whole = "" if mog.truncation == "components" else ", normalised as a whole"
    return f", truncated to {', '.join(sides)}{whole}"


def _side(value: float) -> str:
    return f"{value:g}".replace("inf", "∞")

"""Names of the variables: as `properties=` gives them, and made fit for source code and LaTeX.

A name is what a user or a column of a table calls a variable: any text. What goes into source code
or LaTeX is made of it here, so that no name can break, or change, what is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from mogfit.properties import parse_properties

__all__ = ["identifiers", "latex_name", "property_names"]

# In mathematics, where a space and an underscore mean something else.
_LATEX = {
    "\\": r"\backslash ",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\wedge ",
    "~": r"\sim ",
}


def property_names(
    properties: Any, nvars: int, names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Names of the variables of a table or a source.

    Parameters
    ----------
    properties : None, sequence of str, or mapping
        As `mogfit.properties.parse_properties` takes them; labels and ranges do not matter here.
    nvars : int
    names : sequence of str, optional
        Names that the mixture has; by default 1, 2, ...

    Returns
    -------
    tuple of str
        As many as variables, no two of them equal.

    Raises
    ------
    InputError
        If a name comes twice.
    DtypeError
        If `properties` is of another kind.

    Examples
    --------
    >>> property_names(["q"], 2)
    ('q', '2')
    >>> property_names({"q": {"label": "$q$", "range": [0, 1]}, "e": None}, 2)
    ('q', 'e')
    """
    numbers = tuple(str(i) for i in range(1, nvars + 1))
    return tuple(parse_properties(properties, nvars, names=names or numbers))


def identifiers(names: Sequence[str], *, ascii_only: bool = False) -> tuple[str, ...]:
    """Endings of identifiers for variables of any names, no two of them equal.

    Parameters
    ----------
    names : sequence of str
    ascii_only : bool, default False
        Whether to leave out letters that Python allows and C does not.

    Returns
    -------
    tuple of str
        Letters, digits and underscores; ``"mu1_" + ending`` is an identifier of Python.

    Examples
    --------
    >>> identifiers(["class", "x y", "x_y", "a-b; import os"])
    ('class', 'x_y', 'x_y_2', 'a_b__import_os')
    """
    endings: list[str] = []
    for number, name in enumerate(names, start=1):
        # Python reads identifiers in this form: names that differ before it may not after it.
        letters = unicodedata.normalize("NFKC", name)
        plain = "".join(
            c if ("_" + c).isidentifier() and (c.isascii() or not ascii_only) else "_"
            for c in letters
        )
        ending = plain = plain if plain.strip("_") else str(number)
        again = 1
        while ending in endings:
            again += 1
            ending = f"{plain}_{again}"
        endings.append(ending)
    return tuple(endings)


def latex_name(name: str) -> str:
    r"""A name as LaTeX's mathematics shows it.

    Examples
    --------
    >>> print(latex_name("M_sun"), latex_name("50 %"))
    M\_sun 50\ \%
    """
    printed = "".join(c if c.isprintable() else " " for c in name)
    return "".join(_LATEX.get(c, r"\ " if c == " " else c) for c in printed)

"""`Util`: small functions that MultiMin's scripts use."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mogfit import formulas
from mogfit.base import MultiMinBase, first_paragraph
from mogfit.datasets import multimin_file
from mogfit.errors import DtypeError, scalar_message
from mogfit.properties import parse_properties
from mogfit.stats import Stats

__all__ = ["ROOTDIR", "MultiMinBase", "Stats", "Util"]

ROOTDIR = str(Path(__file__).parent)

# Seconds in each unit, the largest first.
_UNITS = (
    ("d", 86400.0),
    ("h", 3600.0),
    ("min", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("ns", 1e-9),
)


class Util(MultiMinBase):
    """Functions for scripts; call them on the class.

    Attributes
    ----------
    TIMESTART, TIME : float
        When mogfit.util was imported, and when `el_time` was last called: seconds since 1970.
    DTIME, DUTIME : float, list
        What `el_time` last returned.

    Examples
    --------
    >>> import mogfit as mn
    >>> mn.Util.mantisa_exp(1.495978707e11)
    (1.495978707, 11)
    """

    sin, cos, log, exp = np.sin, np.cos, np.log, np.exp

    TIMESTART: float = time.time()
    TIME: float = TIMESTART
    DTIME: float = -1
    DUTIME: list[Any] = []  # noqa: RUF012  (a record of the last call, replaced as a whole)

    f2u = staticmethod(formulas.f2u)
    u2f = staticmethod(formulas.u2f)
    t_if = staticmethod(formulas.t_if)
    logit_transform = staticmethod(formulas.logit_transform)
    nmd = staticmethod(formulas.nmd)
    tnmd = staticmethod(formulas.tnmd)
    true_anomaly_to_mean_anomaly = staticmethod(formulas.true_anomaly_to_mean_anomaly)
    mantisa_exp = staticmethod(formulas.mantisa_exp)

    @staticmethod
    def get_data(filename: str) -> str:
        """Path of a data file that comes with mogfit, or with an installed MultiMin.

        Parameters
        ----------
        filename : str
            ``"nea_data.json.gz"``: the 40,761 near-Earth asteroids of
            `mogfit.datasets.load_asteroids` in the layout of MultiMin's file of this name, a
            gzipped JSON list of one record for each, with the values of the columns ``a``, ``e``,
            ``i``, ``H`` and ``Perihelion_dist``. The other 32 columns of MultiMin's file (names,
            epochs, angles, flags, ...) are not part of our catalogue. The file is written into
            the user's cache (``$XDG_CACHE_HOME/mogfit``, by default ``~/.cache/mogfit``) when it
            is first asked for, or into a temporary folder where that is impossible.

            Another name: the file in the folder ``data`` of an installed MultiMin, which is not
            imported for it.

        Returns
        -------
        str

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        DtypeError
            If `filename` is not a string.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.read_json(Util.get_data("nea_data.json.gz"))  # doctest: +SKIP
        """
        if not isinstance(filename, str):
            raise DtypeError(scalar_message("filename", filename, "the name of a file"))
        return multimin_file(filename)

    @staticmethod
    def error_msg(error: BaseException, msg: str) -> None:
        """Add words to an exception, after those it has.

        Parameters
        ----------
        error : BaseException
            The exception; its ``args`` get one more.
        msg : str
            The words.

        Examples
        --------
        >>> error = ValueError("no such column")
        >>> Util.error_msg(error, "in data.csv")
        >>> error.args
        ('no such column', 'in data.csv')
        """
        error.args = (*error.args, msg)

    @staticmethod
    def _t_unit(t: float) -> tuple[float, str, float]:
        """Seconds in the largest unit of which there is one at least, the unit, and its length."""
        name, length = next((unit for unit in _UNITS if t >= unit[1]), _UNITS[-1])
        return t / length, name, length

    @staticmethod
    def el_time(verbose: int = 1, start: bool = False) -> tuple[float, list[Any]]:
        """Time since the last call.

        Parameters
        ----------
        verbose : int, default 1
            Whether to print it.
        start : bool, default False
            Time since the import instead.

        Returns
        -------
        seconds : float
        value_and_unit : list
            The same as a number and the unit it is in, from "ns" to "d".

        Examples
        --------
        >>> seconds, (value, unit) = Util.el_time(verbose=0)
        >>> seconds, (value, unit) = Util.el_time()  # doctest: +SKIP
        Elapsed time since last call: 12.3456 ms
        """
        now = time.time()
        seconds = now - (Util.TIMESTART if start else Util.TIME)
        value, unit, _ = Util._t_unit(seconds)
        if verbose:
            since = "script start" if start else "last call"
            print(f"Elapsed time since {since}: {value:.6g} {unit}")  # noqa: T201  (asked for)
        Util.TIME, Util.DTIME, Util.DUTIME = now, seconds, [value, unit]
        return seconds, [value, unit]

    @staticmethod
    def docstring_summary(doc: str | None) -> str:
        r"""First paragraph of a docstring, on one line.

        Parameters
        ----------
        doc : str or None
            The docstring.

        Returns
        -------
        str
            Empty where there is none.

        Examples
        --------
        >>> Util.docstring_summary("Do this\n   and that.\n\nAt length.")
        'Do this and that.'
        """
        return first_paragraph(doc)

    @staticmethod
    def props_to_properties(
        properties: Any, nvars: int, ranges: Sequence[Any] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Labels and ranges of variables, from the ``properties=`` that figures take.

        Parameters
        ----------
        properties : None, sequence of str, or dict
            Names; or ``{name: dict(label=, range=)}``. Variables without one are a, b, c, ...
        nvars : int
            Number of variables.
        ranges : sequence of (low, high) or None, optional
            Ranges of those that have none.

        Returns
        -------
        dict
            From each name to ``dict(label=, range=)``.

        Raises
        ------
        InputError
            If two variables have one name, or a range is not (low, high) with low < high.
        DtypeError
            If `properties` is of another kind.

        Examples
        --------
        >>> Util.props_to_properties(["q"], 1, ranges=[[0, 1.3]])
        {'q': {'label': 'q', 'range': [0.0, 1.3]}}
        """
        return parse_properties(properties, nvars, ranges)

    @staticmethod
    def timer(func: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function to print how long each call takes.

        Parameters
        ----------
        func : callable
            The function, whose name, signature and docstring the result keeps.

        Returns
        -------
        callable

        Examples
        --------
        >>> @Util.timer
        ... def work():
        ...     return 1
        >>> work()  # doctest: +ELLIPSIS
        work executed in ... seconds
        1
        """

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            result = func(*args, **kwargs)
            seconds = time.perf_counter() - begun
            print(f"{func.__qualname__} executed in {seconds} seconds")  # noqa: T201  (asked for)
            return result

        return wrapper

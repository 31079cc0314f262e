"""`Util`: small functions that MultiMin's scripts use."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.base import MultiMinBase
from mogfit.cmog import nmd_c, tnmd_c
from mogfit.datasets import multimin_file
from mogfit.density.box import box_probability
from mogfit.density.components import real_array
from mogfit.errors import InputError, scalar_message, shape_message
from mogfit.parameters import unbound_to_bound
from mogfit.properties import parse_properties
from mogfit.stats import Stats

__all__ = ["ROOTDIR", "MultiMinBase", "Stats", "Util"]

Floats = NDArray[np.float64]

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
    """

    sin, cos, log, exp = np.sin, np.cos, np.log, np.exp

    TIMESTART: float = time.time()
    TIME: float = TIMESTART
    DTIME: float = -1
    DUTIME: list[Any] = []  # noqa: RUF012  (a record of the last call, replaced as a whole)

    @staticmethod
    def get_data(filename: str) -> str:
        """Path of a data file that comes with mogfit, or with an installed MultiMin.

        Parameters
        ----------
        filename : str
            ``"nea_data.json.gz"``: the near-Earth asteroids of `mogfit.datasets.load_asteroids`,
            one record a row, in the layout of MultiMin's file of this name with the columns ``a``,
            ``e``, ``i``, ``H`` and ``Perihelion_dist``. It is written into the user's cache when
            first asked for. Other names are looked for in an installed MultiMin.

        Returns
        -------
        str

        Raises
        ------
        FileNotFoundError
            If there is no such file.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.read_json(Util.get_data("nea_data.json.gz"))  # doctest: +SKIP
        """
        return multimin_file(filename)

    # -- unbound coordinates ---------------------------------------------------------------------

    @staticmethod
    def f2u(x: Any, s: Any) -> Any:
        """Map (0, s) to the real line, log((x / s) / (1 - x / s)); infinite at the ends."""
        part = np.asarray(x, dtype=float) / s
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(part / (1.0 - part))[()]

    @staticmethod
    def u2f(t: Any, s: Any) -> Any:
        """Map the real line to (0, s), s / (1 + exp(-t)): the inverse of `f2u`."""
        with np.errstate(over="ignore"):
            return (np.asarray(s) / (1.0 + np.exp(-np.asarray(t, dtype=float))))[()]

    @staticmethod
    def t_if(p: Iterable[Any], s: Iterable[Any], f: Callable[[Any, Any], Any]) -> list[Any]:
        """Apply ``f(p_i, s_i)`` where the scale s_i is above 0; leave p_i elsewhere."""
        return [f(value, scale) if scale > 0 else value for value, scale in zip(p, s, strict=False)]

    @staticmethod
    def logit_transform(data: ArrayLike, scales: ArrayLike, inverse: bool = False) -> Floats:
        """Map columns with a scale above 0 from (0, scale) to the real line, or back.

        Parameters
        ----------
        data : array_like of shape (N, V) or (V,)
        scales : array_like of shape (V,)
            0 leaves a column as it is.
        inverse : bool, default False
            Map back.

        Returns
        -------
        ndarray of the shape of `data`

        Raises
        ------
        InputError
            If there is not one scale for each column.
        """
        values, scale = real_array(data, "data"), np.atleast_1d(real_array(scales, "scales"))
        if scale.shape != values.shape[-1:]:
            raise InputError(
                shape_message(
                    "scales", scale.shape, values.shape[-1:], other="data", other_shape=values.shape
                )
            )
        if inverse:
            return unbound_to_bound(values, scale)
        mapped = values.copy()
        columns = scale > 0
        mapped[..., columns] = Util.f2u(values[..., columns], scale[columns])
        return mapped

    # -- densities -------------------------------------------------------------------------------

    @staticmethod
    def nmd(X: Any, mu: ArrayLike, Sigma: ArrayLike) -> Any:
        """Density of a normal distribution. Mind the third argument: it has two meanings.

        Parameters
        ----------
        X : float, or array_like of shape (V,) or (N, V), or (N,) for one variable
            Where.
        mu : array_like of shape (V,), or a number
            Mean.
        Sigma : array_like of shape (V, V), or a number
            For a float `X` the standard deviation; for anything else, a whole number included, the
            covariance (the variance, for one variable). So does MultiMin: `pdf` and the functions
            of `get_function` have no such trap.

        Returns
        -------
        float or ndarray of shape (N,)
        """
        if isinstance(X, float):
            width = np.squeeze(real_array(Sigma, "Sigma"))
            return float(nmd_c(X, np.squeeze(mu), width**2)[0])
        density = nmd_c(X, mu, Sigma)
        return density[0] if len(density) == 1 else density

    @staticmethod
    def tnmd(
        X: Any,
        mu: ArrayLike,
        Sigma: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        Z: float | None = None,
    ) -> Any:
        """Density of a normal distribution cut to a box: 0 outside.

        Parameters
        ----------
        X : array_like of shape (V,) or (N, V), or a number or (N,) for one variable
            Where.
        mu, Sigma : array_like
            Mean (V,) and covariance (V, V); numbers, the second a variance, for one variable.
        a, b : array_like of shape (V,), or numbers
            Sides of the box, which may be infinite.
        Z : float, optional
            Probability of the box. By default it is computed, to rounding up to four bounded
            variables; for one variable it always is.

        Returns
        -------
        float or ndarray of shape (N,)
        """
        mean = np.atleast_1d(real_array(mu, "mu"))
        covariance = np.atleast_2d(real_array(Sigma, "Sigma"))
        low, high = (np.atleast_1d(np.asarray(side, dtype=float)) for side in (a, b))
        if Z is None or len(mean) == 1:
            Z = float(np.exp(box_probability(mean, covariance, low, high).log_probability))
        density = tnmd_c(X, mean, covariance, low, high, Z)
        return float(density[0]) if len(density) == 1 else density

    # -- orbits ----------------------------------------------------------------------------------

    @staticmethod
    def true_anomaly_to_mean_anomaly(e: Any, f: Any) -> Any:
        """Mean anomaly of an elliptic orbit, in radians from -pi to pi.

        Kepler's equation M = E - e sin E with tan(E / 2) = sqrt((1 - e) / (1 + e)) tan(f / 2)
        (Murray & Dermott 1999, section 2.4).

        Parameters
        ----------
        e : array_like
            Eccentricity, from 0 to below 1; NaN comes of others.
        f : array_like
            True anomaly in radians.
        """
        eccentricity, half = np.asarray(e, dtype=float), 0.5 * np.asarray(f, dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt((1.0 - eccentricity) / (1.0 + eccentricity))
            anomaly = 2.0 * np.arctan(root * np.tan(half))
        return (anomaly - eccentricity * np.sin(anomaly))[()]

    # -- scripts ---------------------------------------------------------------------------------

    @staticmethod
    def error_msg(error: BaseException, msg: str) -> None:
        """Add words to an exception, after those it has."""
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
            The same as a number and the unit it is in.
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
    def mantisa_exp(x: float) -> tuple[float, int]:
        """Mantissa and exponent of a number, x = mantissa 10**exponent; (0, 0) for 0.

        Raises
        ------
        InputError
            If the number is not finite.
        """
        if not np.isfinite(x):
            raise InputError(scalar_message("x", x, "a finite number"))
        if x == 0:
            return 0.0, 0
        # The decimal digits know the exponent; a logarithm rounds 1000 to just below 3.
        mantissa, exponent = f"{x:.16e}".split("e")
        return float(mantissa), int(exponent)

    @staticmethod
    def docstring_summary(doc: str | None) -> str:
        """First paragraph of a docstring, on one line."""
        return " ".join((doc or "").strip().partition("\n\n")[0].split())

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
        """
        return parse_properties(properties, nvars, ranges)

    @staticmethod
    def timer(func: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function print how long each call takes."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            result = func(*args, **kwargs)
            seconds = time.perf_counter() - begun
            print(f"{func.__qualname__} executed in {seconds} seconds")  # noqa: T201  (asked for)
            return result

        return wrapper

"""The density of a mixture as Python source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.protocol import Mixture
from mogfit.errors import InputError
from mogfit.export.names import identifiers, property_names
from mogfit.export.rounding import Numbers, written_numbers

__all__ = ["python_source"]

Floats = NDArray[np.float64]

# What a source that needs NumPy alone begins with; points outside a domain are at infinity.
_UNIVARIATE = '''\
def {signature}:
    """{summary}

    X is a number, or an array of shape (N,) or (N, 1).
    """
    X = np.asarray(X, dtype=float)
    if X.ndim > 2 or (X.ndim == 2 and X.shape[1] != 1):
        raise ValueError(f"X: shape {{X.shape}} seen; allowed: a number, (N,) or (N, 1)")
    X = X.ravel()
    with np.errstate(all="ignore"):
        q = ((X - mu) / sigma) ** 2
        {outside}log_n = -0.5 * q - np.log(sigma) - 0.5 * np.log(2 * np.pi)
        n = np.exp(log_n{scale})
    return float(n[0]) if len(n) == 1 else n
'''
_MULTIVARIATE = '''\
def {signature}:
    """{summary}

    X is one point of shape (V,), or an array of points of shape (N, V).
    """
    X = np.asarray(X, dtype=float)
    if X.ndim > 2 or (X.size and X.shape[-1:] != (len(mu),)):
        raise ValueError(f"X: shape {{X.shape}} seen; allowed: ({{len(mu)}},) or (N, {{len(mu)}})")
    X = X.reshape(-1, len(mu))
    scale = np.sqrt(np.diag(Sigma))
    L = np.linalg.cholesky(Sigma / scale / scale[:, None])
    with np.errstate(all="ignore"):
        Y = (X - mu) / scale
        q = (np.linalg.solve(L, Y.T) ** 2).sum(axis=0)
        q[np.isnan(q)] = np.inf
        {outside}q[np.isnan(Y).any(axis=1)] = np.nan
        log_n = -0.5 * q - np.log(np.diag(L) * scale * np.sqrt(2 * np.pi)).sum()
        n = np.exp(log_n{scale})
    return float(n[0]) if len(n) == 1 else n
'''


def python_source(
    mog: Mixture, decimals: int | None = 6, properties: Any = None, cmog: bool = False
) -> str:
    """Write the density of a mixture as a module of Python with one function, ``mog(X)``.

    The names are those of MultiMin's exports: ``mu1_x, sigma1_x, Sigma1, n1, w1, Z1, a, b``.

    Parameters
    ----------
    mog : Mixture
        What to write.
    decimals : int or None, default 6
        Decimal places of the numbers, more where fewer would change the density (see
        `mogfit.export.rounding`); None writes every digit. Bounds of a domain have all digits.
    properties : None, sequence of str, or mapping
        Names of the variables, for the endings of names in the source; by default those of the
        mixture, or 1, 2, ... What an identifier cannot hold becomes an underscore.
    cmog : bool, default False
        Whether to write one call of `mogfit.cmog` in place of formulas that need NumPy alone.

    Returns
    -------
    str
        Without an end of line after the last. ``mog`` takes points and returns densities in the
        shapes of `MixtureOfGaussians.pdf`; with `cmog`, in those of `mogfit.cmog`.

    Raises
    ------
    InputError
        If `decimals` is not a whole number, 0 or more; or with `cmog`, if a component has too
        little mass in the domain for a double.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[4.0])
    >>> source = python_source(mog)
    >>> print(source[source.index("def mog") :])
    def mog(X):
    <BLANKLINE>
        mu1_1 = 0.0
        sigma1_1 = 2.0
        n1 = nmd(X, mu1_1, sigma1_1)
    <BLANKLINE>
        w1 = 1.0
    <BLANKLINE>
        return (
            w1*n1
        )
    """
    numbers = written_numbers(mog, decimals)
    endings = identifiers(property_names(properties, mog.nvars, mog.names))
    if cmog:
        return "\n".join(_call(numbers))
    helper, function = _helper(numbers), _function(numbers, endings)
    return "\n".join(["import numpy as np", "", "", *helper, "", "", *function])


def _helper(numbers: Numbers) -> list[str]:
    univariate = numbers.mus.shape[1] == 1
    width = "sigma" if univariate else "Sigma"
    if numbers.bounds is None:
        words = {
            "signature": f"nmd(X, mu, {width})",
            "summary": "Normal density.",
            "outside": "",
            "scale": "",
        }
    else:
        outside = "(X < a) | (X > b)" if univariate else "((X < a) | (X > b)).any(axis=1)"
        words = {
            "signature": f"tnmd(X, mu, {width}, a, b, log_Z)",
            "summary": "Normal density over its mass Z in the box from a to b, 0 outside of it.",
            "outside": f"q[{outside}] = np.inf\n        ",
            "scale": " - log_Z",
        }
    return (_UNIVARIATE if univariate else _MULTIVARIATE).format(**words).splitlines()


def _function(numbers: Numbers, endings: tuple[str, ...]) -> list[str]:
    ngauss, nvars = numbers.mus.shape
    lines = ["def mog(X):", ""]
    end = ")"
    if numbers.bounds is not None:
        low, high = (_row(side) if nvars > 1 else _number(side[0]) for side in numbers.bounds)
        lines += [f"    a = {low}", f"    b = {high}", ""]
        if len(numbers.masses) < ngauss:
            line, end = _mass(numbers, 0, "")
            lines += [line, ""]
    for k in range(ngauss):
        number = k + 1
        if nvars == 1:
            mean, width = f"mu{number}_{endings[0]}", f"sigma{number}_{endings[0]}"
            lines += [f"    {mean} = {_number(numbers.mus[k, 0])}"]
            lines += [f"    {width} = {_number(numbers.sigmas[k, 0])}"]
        else:
            mean, width = f"mu{number}", f"Sigma{number}"
            parts = [f"{mean}_{ending}" for ending in endings]
            lines += [
                f"    {part} = {_number(value)}"
                for part, value in zip(parts, numbers.mus[k], strict=True)
            ]
            matrix = ", ".join(_row(row) for row in numbers.Sigmas[k])
            lines += [f"    {mean} = [{', '.join(parts)}]", f"    {width} = [{matrix}]"]
        if len(numbers.masses) == ngauss and numbers.bounds is not None:
            line, end = _mass(numbers, k, str(number))
            lines += [line]
        density = "nmd" if numbers.bounds is None else "tnmd"
        lines += [f"    n{number} = {density}(X, {mean}, {width}{end}", ""]
    lines += [f"    w{k + 1} = {_number(weight)}" for k, weight in enumerate(numbers.weights)]
    terms = [f"w{k}*n{k}" for k in range(1, ngauss + 1)]
    return [*lines, "", "    return (", "        " + "\n        + ".join(terms), "    )"]


def _mass(numbers: Numbers, index: int, name: str) -> tuple[str, str]:
    """The line that says what a mass is, and the end of the call that it goes into."""
    if numbers.masses[index] > 0:
        line = f"    Z{name} = {_number(numbers.masses[index])}"
        return line, f", a, b, log_Z=np.log(Z{name}))"
    line = f"    log_Z{name} = {_number(numbers.log_masses[index])}"
    return line, f", a, b, log_Z=log_Z{name})"


def _call(numbers: Numbers) -> list[str]:
    """The function as one call of `mogfit.cmog`."""
    ngauss = len(numbers.weights)
    matrices = [
        line
        for matrix in numbers.Sigmas
        for line in ["[", *(f"    {_row(row)}," for row in matrix), "],"]
    ]
    lines = [
        "import numpy as np",
        "from mogfit import cmog",
        "",
        "",
        "def mog(X):",
        f"    weights = np.array({_row(numbers.weights)})",
        "    mus = np.array([",
        *(f"        {_row(row)}," for row in numbers.mus),
        "    ])",
        "    Sigmas = np.array([",
        *(f"        {line}" for line in matrices),
        "    ])",
    ]
    if numbers.bounds is None:
        return [*lines, "    return cmog.mog_c(X, weights, mus, Sigmas)"]
    lost = np.flatnonzero(numbers.masses == 0)
    if lost.size:
        raise InputError(
            f"cmog: component {lost[0]} has the mass exp({numbers.log_masses[lost[0]]:.6g}) in the "
            "domain, too small for the double that cmog.tmog_c takes; use cmog=False"
        )
    low, high = numbers.bounds
    masses = np.broadcast_to(numbers.masses, ngauss)
    return [
        *lines,
        f"    a = np.array({_row(low)})",
        f"    b = np.array({_row(high)})",
        f"    Zs = np.array({_row(masses)})",
        "    return cmog.tmog_c(X, weights, mus, Sigmas, a, b, Zs)",
    ]


def _number(value: float) -> str:
    """The shortest text that Python reads as this double."""
    if np.isfinite(value):
        return repr(float(value))
    return "np.inf" if value > 0 else "-np.inf"


def _row(values: Floats) -> str:
    return f"[{', '.join(_number(value) for value in values)}]"

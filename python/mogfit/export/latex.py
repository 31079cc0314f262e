r"""The density of a mixture as LaTeX: the formula, its numbers, and what its symbols mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.protocol import Mixture
from mogfit.export.names import latex_name, property_names
from mogfit.export.rounding import Numbers, written_numbers

__all__ = ["latex_number", "latex_source"]

Floats = NDArray[np.float64]


def latex_source(mog: Mixture, decimals: int | None = 6, properties: Any = None) -> str:
    r"""Write the density of a mixture as LaTeX, ``$$...$$`` lines with words between them.

    Parameters
    ----------
    mog : Mixture
        What to write.
    decimals : int or None, default 6
        Decimal places of the numbers, more where fewer would change the density (see
        `mogfit.export.rounding`); None writes every digit.
    properties : None, sequence of str, or mapping
        Names of the variables; by default those of the mixture, or 1, 2, ...

    Returns
    -------
    str

    Raises
    ------
    InputError
        If `decimals` is not a whole number, 0 or more.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[4.0])
    >>> for block in latex_source(mog).split("\n\n")[:3]:
    ...     print(block)
    $$f(x) = w_1 \, \mathcal{N}(x; \mu_{1}, \sigma_{1})$$
    where
    $$w_1 = 1.0,\quad \mu_{1} = 0.0,\quad \sigma_{1} = 2.0$$
    """
    numbers = written_numbers(mog, decimals)
    names = tuple(map(latex_name, property_names(properties, mog.nvars, mog.names)))
    named = properties is not None or mog.names is not None
    blocks = [] if numbers.bounds is None else [_domain(numbers.bounds, names)]
    blocks += [_formula(numbers, names if named else None), "where"]
    if mog.nvars > 1:
        if named:
            blocks.append(rf"$$\mathbf{{x}} = ({', '.join(names)})^\top$$")
        if numbers.bounds is not None:
            low, high = (", ".join(map(latex_number, side)) for side in numbers.bounds)
            blocks.append(rf"$$\mathbf{{a}} = ({low})^\top,\quad \mathbf{{b}} = ({high})^\top$$")
    if numbers.bounds is not None and len(numbers.masses) < mog.ngauss:
        blocks.append(f"$${_mass(numbers, 0, 'Z')}$$")
    for k in range(mog.ngauss):
        blocks.append(_component(numbers, k, names[0] if named and mog.nvars == 1 else None))
    blocks += _meaning(numbers)
    return "\n\n".join(blocks)


def latex_number(value: float, text: str | None = None) -> str:
    r"""A number in LaTeX's mathematics; `text` is how it is written otherwise.

    Examples
    --------
    >>> print(latex_number(0.25), latex_number(-1e-08), latex_number(float("inf")))
    0.25 -1 \times 10^{-8} \infty
    """
    if np.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    digits, _, exponent = (repr(float(value)) if text is None else text).partition("e")
    return rf"{digits} \times 10^{{{int(exponent)}}}" if exponent else digits


def _domain(bounds: Floats, names: tuple[str, ...]) -> str:
    lines = ["The density is 0 outside a box. Its sides:", ""]
    for name, (low, high) in zip(names, bounds.T, strict=True):
        if np.isinf(low) and np.isinf(high):
            continue
        left = "(" if np.isinf(low) else "["
        right = ")" if np.isinf(high) else "]"
        sides = f"{latex_number(low)}, {latex_number(high)}"
        lines.append(f"- $x_{{{name}}}$ in ${left}{sides}{right}$")
    return "\n".join(lines)


def _whole(numbers: Numbers) -> bool:
    """Whether the mixture is normalised as a whole, not each component."""
    return len(numbers.masses) < len(numbers.weights)


def _formula(numbers: Numbers, names: tuple[str, ...] | None) -> str:
    ngauss, nvars = numbers.mus.shape
    truncated = numbers.bounds is not None and not _whole(numbers)
    letters = "TN" if truncated else "N"
    terms = []
    for k in range(1, ngauss + 1):
        if nvars == 1:
            index = f"{{{k}}}" if names is None else f"{{{k},{names[0]}}}"
            sides = ", a, b" if truncated else ""
            inside = rf"x; \mu_{index}, \sigma_{index}{sides}"
        else:
            sides = r", \mathbf{a}, \mathbf{b}" if truncated else ""
            inside = rf"\mathbf{{x}}; \boldsymbol{{\mu}}_{k}, \mathbf{{\Sigma}}_{k}{sides}"
        terms.append(rf"w_{k} \, \mathcal{{{letters}}}({inside})")
    total = " + ".join(terms)
    point = "x" if nvars == 1 else r"\mathbf{x}"
    if _whole(numbers):
        total = _cases(rf"\frac{{1}}{{Z}} \left[ {total} \right]", nvars)
    return f"$$f({point}) = {total}$$"


def _cases(density: str, nvars: int) -> str:
    """`density` inside the domain, 0 elsewhere."""
    inside = r"a \le x \le b" if nvars == 1 else r"a_i \le x_i \le b_i \;\forall i"
    return (
        rf"\left\{{ \begin{{array}}{{ll}} \displaystyle {density} & {inside} \\ "
        r"0 & \mathrm{elsewhere} \end{array} \right."
    )


def _component(numbers: Numbers, k: int, name: str | None) -> str:
    number = k + 1
    weight = f"w_{number} = {latex_number(numbers.weights[k])}"
    own_mass = numbers.bounds is not None and not _whole(numbers)
    mass = _mass(numbers, k, f"Z_{number}") if own_mass else ""
    if numbers.mus.shape[1] == 1:
        index = f"{{{number}}}" if name is None else f"{{{number},{name}}}"
        parts = [
            weight,
            rf"\mu_{index} = {latex_number(numbers.mus[k, 0])}",
            rf"\sigma_{index} = {latex_number(numbers.sigmas[k, 0])}",
        ]
        if numbers.bounds is not None:
            low, high = numbers.bounds[:, 0]
            parts += [f"a = {latex_number(low)}", f"b = {latex_number(high)}"]
        line = r",\quad ".join(parts + [mass] * own_mass)
        return f"$${line}$$"
    mean = _array(([value] for value in numbers.mus[k]), 1)
    matrix = _array(numbers.Sigmas[k], numbers.mus.shape[1])
    lines = [
        f"$${weight}$$",
        rf"$$\boldsymbol{{\mu}}_{number} = {mean}$$",
        rf"$$\mathbf{{\Sigma}}_{number} = {matrix}$$",
        f"$${mass}$$",
    ]
    return "\n".join(lines if own_mass else lines[:-1])


def _array(rows: Iterable[Iterable[float]], columns: int) -> str:
    text = r" \\ ".join(" & ".join(latex_number(value) for value in row) for row in rows)
    return rf"\left( \begin{{array}}{{{'c' * columns}}} {text} \end{{array}}\right)"


def _mass(numbers: Numbers, index: int, symbol: str) -> str:
    if numbers.masses[index] > 0:
        return f"{symbol} = {latex_number(numbers.masses[index])}"
    return rf"{symbol} = \exp({latex_number(numbers.log_masses[index])})"


_NORMAL = (
    r"\mathcal{N}(x; \mu, \sigma) = \frac{1}{\sigma\sqrt{2\pi}} "
    r"\exp\left(-\frac{(x-\mu)^2}{2\sigma^2}\right)"
)
_MULTIVARIATE_NORMAL = (
    r"\mathcal{N}(\mathbf{x}; \boldsymbol{\mu}, \mathbf{\Sigma}) = "
    r"\frac{1}{\sqrt{(2\pi)^{%d} \det \mathbf{\Sigma}}} "
    r"\exp\left[-\frac{1}{2}(\mathbf{x}-\boldsymbol{\mu})^{\top} "
    r"\mathbf{\Sigma}^{-1} (\mathbf{x}-\boldsymbol{\mu})\right]"
)


def _meaning(numbers: Numbers) -> list[str]:
    """What the normal density is, and what truncation makes of it."""
    nvars = numbers.mus.shape[1]
    normal = _NORMAL if nvars == 1 else _MULTIVARIATE_NORMAL % nvars
    blocks = ["The normal density is", f"$${normal}$$"]
    if numbers.bounds is None:
        return blocks
    if _whole(numbers):
        return [*blocks, "and $Z$ is the part of the mixture that falls into the box."]
    plain, sides = (
        (r"x; \mu, \sigma", "a, b")
        if nvars == 1
        else (
            r"\mathbf{x}; \boldsymbol{\mu}, \mathbf{\Sigma}",
            r"\mathbf{a}, \mathbf{b}",
        )
    )
    cases = _cases(rf"\frac{{1}}{{Z}} \, \mathcal{{N}}({plain})", nvars)
    return [
        *blocks,
        "and, where $Z$ is the part of it that falls into the box, the truncated density is",
        rf"$$\mathcal{{TN}}({plain}, {sides}) = {cases}$$",
    ]

"""The density of a mixture as a function in C."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, scalar_message
from mogfit.export.names import identifiers, property_names
from mogfit.export.rounding import log_scales

__all__ = ["c_source"]

Floats = NDArray[np.float64]

_SOURCE = """\
/* Density of a mixture of normal distributions at the point x: {variables}.
   {prefix}_logpdf is its natural logarithm, accurate however far out; {prefix}_pdf is the density.
   -INFINITY and 0 {where}; NaN where a coordinate is NaN.
   C99, with nothing but <math.h>. */

#include <math.h>

double {prefix}_logpdf(const double x[{nvars}]);
double {prefix}_pdf(const double x[{nvars}]);

double {prefix}_logpdf(const double x[{nvars}])
{{
    /* With Sigma = L L^T: the inverse of L by rows, and log(w / Z) - log(det(2 pi Sigma)) / 2. */
    static const double mean[{ngauss}][{nvars}] = {{
{means}
    }};
    static const double inverse[{ngauss}][{triangle}] = {{
{inverses}
    }};
    static const double scale[{ngauss}] = {{
{scales}
    }};
{bounds}    double term[{ngauss}], top = -INFINITY, sum = 0.0;
    int i, j, k;

    for (i = 0; i < {nvars}; i++)
        if (isnan(x[i]))
            return x[i];
    for (i = 0; i < {nvars}; i++)
        if (isinf(x[i]){outside})
            return -INFINITY;
    for (k = 0; k < {ngauss}; k++) {{
        const double *row = inverse[k];
        double q = 0.0;
        for (i = 0; i < {nvars}; i++) {{
            double z = 0.0;
            for (j = 0; j <= i; j++)
                z += *row++ * (x[j] - mean[k][j]);
            q += z * z;
        }}
        term[k] = isnan(q) ? -INFINITY : scale[k] - 0.5 * q;
        if (term[k] > top)
            top = term[k];
    }}
    if (top == -INFINITY)
        return top;
    for (k = 0; k < {ngauss}; k++)
        sum += exp(term[k] - top);
    return top + log(sum);
}}

double {prefix}_pdf(const double x[{nvars}])
{{
    return exp({prefix}_logpdf(x));
}}
"""


def c_source(mog: Mixture, prefix: str = "mog", properties: Any = None) -> str:
    """Write the density of a mixture as C99 that needs <math.h> alone.

    Parameters
    ----------
    mog : Mixture
        What to write; every number has all its digits.
    prefix : str, default "mog"
        What the names of the functions begin with: ``double mog_pdf(const double x[V])`` and
        ``double mog_logpdf(const double x[V])``.
    properties : None, sequence of str, or mapping
        Names of the variables, for a comment; by default those of the mixture, or 1, 2, ...

    Returns
    -------
    str
        Without an end of line after the last.

    Raises
    ------
    InputError
        If `prefix` is not letters, digits and underscores, a letter first.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[4.0])
    >>> print(c_source(mog, prefix="depth").splitlines()[7])
    double depth_logpdf(const double x[1]);
    """
    if not (isinstance(prefix, str) and re.fullmatch("[A-Za-z][A-Za-z0-9_]*", prefix)):
        allowed = "letters, digits and underscores, a letter first"
        raise InputError(scalar_message("prefix", prefix, allowed))
    nvars = mog.nvars
    names = identifiers(property_names(properties, nvars, mog.names), ascii_only=True)
    inverses, log_dets = zip(*map(_whitening, mog.Sigmas), strict=True)
    with np.errstate(divide="ignore"):
        scales = np.log(mog.weights) - log_scales(mog) - np.array(log_dets)
    bounds, outside = "", ""
    if mog.domain is not None:
        sides = np.array([pair or (-np.inf, np.inf) for pair in mog.domain]).T
        bounds = "".join(
            f"    static const double {name}[{nvars}] = {{{_list(side)}}};\n"
            for name, side in zip(("lower", "upper"), sides, strict=True)
        )
        outside = " || x[i] < lower[i] || x[i] > upper[i]"
    return _SOURCE.format(
        prefix=prefix,
        nvars=nvars,
        ngauss=mog.ngauss,
        triangle=nvars * (nvars + 1) // 2,
        variables=", ".join(names),
        where="at infinity" if mog.domain is None else "outside the domain and at infinity",
        means=_rows(mog.mus),
        inverses=_rows(np.array(inverses)),
        scales=f"        {_list(scales)}",
        bounds=bounds,
        outside=outside,
    ).rstrip()


def _whitening(covariance: Floats) -> tuple[Floats, float]:
    """Rows of L^-1 where Sigma = L L^T, one after another; and log(det(2 pi Sigma)) / 2."""
    nvars = len(covariance)
    # Variables in units of their own: else far apart scales spoil the factor.
    scale = np.sqrt(np.diag(covariance))
    factor = np.linalg.cholesky(covariance / scale / scale[:, None])
    inverse = np.zeros((nvars, nvars))
    for i in range(nvars):
        inverse[i, i] = 1.0
        inverse[i] = (inverse[i] - factor[i, :i] @ inverse[:i]) / factor[i, i]
    log_det = np.log(np.diag(factor)).sum() + np.log(scale).sum()
    return (inverse / scale)[np.tril_indices(nvars)], log_det + 0.5 * nvars * np.log(2 * np.pi)


def _rows(values: Floats) -> str:
    return ",\n".join(f"        {{{_list(row)}}}" for row in values)


def _list(values: Floats) -> str:
    return ", ".join(_number(float(value)) for value in values)


def _number(value: float) -> str:
    """The shortest literal of this double."""
    if np.isfinite(value):
        return repr(value)
    return "INFINITY" if value > 0 else "-INFINITY"

"""A mixture as text: in a few lines, and every number of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mogfit.parameters import Stdcorr, join_params, join_stdcorr

__all__ = ["composition_text", "counted", "entry_names", "mixture_text"]

_MOST_COMPONENTS = 10
_MOST_VARIABLES = 6


def counted(count: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def mixture_text(
    stdcorr: Stdcorr,
    names: Sequence[str] | None,
    domain: Sequence[tuple[float, float] | None] | None,
    truncation: str,
) -> str:
    """Sizes, domain, and the first components with their means and standard deviations."""
    ngauss, nvars = stdcorr.mus.shape
    sizes = f"{counted(ngauss, 'component')} in {counted(nvars, 'variable')}"
    named = f" ({', '.join(names)})" if names else ""
    lines = [f"MixtureOfGaussians: {sizes}{named}"]
    if domain is not None:
        labels = names or [f"x{i}" for i in range(nvars)]
        meaning = "" if truncation == "components" else ", normalised as a whole"
        lines.append(f"  truncated to {_box_text(labels, domain)}{meaning}")
    for k in range(min(ngauss, _MOST_COMPONENTS)):
        mean = _short_vector(stdcorr.mus[k])
        sigma = _short_vector(stdcorr.sigmas[k])
        lines.append(f"  {k:>2}  w={stdcorr.weights[k]:.4f}  mu={mean}  sigma={sigma}")
    if ngauss > _MOST_COMPONENTS:
        lines.append(f"  ... and {ngauss - _MOST_COMPONENTS} more")
    return "\n".join(lines)


def entry_names(ngauss: int, nvars: int) -> tuple[str, str]:
    """Names of the entries of the vectors ``params`` and ``stdcorr``, as texts in brackets."""
    components, variables = range(1, ngauss + 1), range(1, nvars + 1)
    pairs = [(i, j) for i in variables for j in variables if i <= j]
    first = [f"p{k}" for k in components]
    first += [f"\N{GREEK SMALL LETTER MU}{k}_{i}" for k in components for i in variables]
    upper = [f"\N{GREEK CAPITAL LETTER SIGMA}{k}_{i}{j}" for k in components for i, j in pairs]
    sigma = [f"\N{GREEK SMALL LETTER SIGMA}{k}_{i}" for k in components for i in variables]
    rho = [f"\N{GREEK SMALL LETTER RHO}{k}_{i}{j}" for k in components for i, j in pairs if i < j]
    return f"[{','.join(first + upper)}]", f"[{','.join(first + sigma + rho)}]"


def composition_text(stdcorr: Stdcorr, Sigmas: NDArray[np.float64]) -> str:
    """Every number of a mixture, as MultiMin prints a mixture."""
    weights, mus, sigmas, rhos = stdcorr
    ngauss, nvars = mus.shape
    params, by_sigma = join_params(weights, mus, Sigmas), join_stdcorr(stdcorr)
    params_names, stdcorr_names = entry_names(ngauss, nvars)
    return "\n".join(
        [
            f"Composition of ngauss = {ngauss} gaussian multivariates of nvars = {nvars} random "
            "variables:",
            f"    Weights: {weights.tolist()}",
            f"    Number of variables: {nvars}",
            f"    Averages (\N{GREEK SMALL LETTER MU}): {mus.tolist()}",
            f"    Standard deviations (\N{GREEK SMALL LETTER SIGMA}): {sigmas.tolist()}",
            f"    Correlation coefficients (\N{GREEK SMALL LETTER RHO}): {rhos.tolist()}",
            "",
            "    Covariant matrices (\N{GREEK CAPITAL LETTER SIGMA}): ",
            f"        {Sigmas.tolist()}",
            "    Flatten parameters: ",
            f"        With covariance matrix ({params.size}):",
            f"            {params_names}",
            f"            {params.tolist()}",
            f"        With std. and correlations ({by_sigma.size}):",
            f"            {stdcorr_names}",
            f"            {by_sigma.tolist()}",
        ]
    )


def _box_text(labels: Sequence[str], domain: Sequence[tuple[float, float] | None]) -> str:
    pairs = zip(labels, domain, strict=True)
    return ", ".join(f"{label} in [{p[0]:g}, {p[1]:g}]" for label, p in pairs if p is not None)


def _short_vector(values: NDArray[np.float64]) -> str:
    shown = ", ".join(f"{v:.4g}" for v in values[:_MOST_VARIABLES])
    return f"[{shown}{', ...' if len(values) > _MOST_VARIABLES else ''}]"

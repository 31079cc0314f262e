"""A mixture in a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mogfit.parameters import Stdcorr

__all__ = ["mixture_text"]

_MOST_COMPONENTS = 10
_MOST_VARIABLES = 6


def mixture_text(
    stdcorr: Stdcorr,
    names: Sequence[str] | None,
    domain: Sequence[tuple[float, float] | None] | None,
    truncation: str,
) -> str:
    """Sizes, domain, and the first components with their means and standard deviations."""
    ngauss, nvars = stdcorr.mus.shape
    plural = "component" if ngauss == 1 else "components"
    variables = "variable" if nvars == 1 else "variables"
    named = f" ({', '.join(names)})" if names else ""
    lines = [f"MixtureOfGaussians: {ngauss} {plural} in {nvars} {variables}{named}"]
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


def _box_text(labels: Sequence[str], domain: Sequence[tuple[float, float] | None]) -> str:
    pairs = zip(labels, domain, strict=True)
    return ", ".join(f"{label} in [{p[0]:g}, {p[1]:g}]" for label, p in pairs if p is not None)


def _short_vector(values: NDArray[np.float64]) -> str:
    shown = ", ".join(f"{v:.4g}" for v in values[:_MOST_VARIABLES])
    return f"[{shown}{', ...' if len(values) > _MOST_VARIABLES else ''}]"

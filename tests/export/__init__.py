"""Tests of what mixtures are written as: tables, formulas, source code, plain dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np

import mogfit as mn
from tests.strategies import make_mixture

SEMI_INFINITE = [(0.0, None), None, (None, 1.5), (-1.0, 1.0), (-0.5, None), None]


def mixture(nvars: int, ngauss: int, seed: int = 0, *, names: Any = None, **options: Any) -> Any:
    """A random mixture, with a domain if `truncation` or `domain` is given."""
    given = {
        key: options.pop(key)
        for key in ("domain", "truncation", "normalize_weights")
        if key in options
    }
    if "truncation" in given:
        given.setdefault("domain", SEMI_INFINITE[:nvars])
    weights, mus, Sigmas = make_mixture(nvars, ngauss, seed, **options)
    mog = mn.MixtureOfGaussians(weights=weights, mus=mus, Sigmas=Sigmas, **given)
    mog.names = names
    return mog


TUTORIAL = mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0.0, 2.5], Sigmas=[1.0, 0.25])
TRUNCATED = mn.MixtureOfGaussians(
    weights=[0.5, 0.5], mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[(0, 1)]
)
TRUNCATED_3D = mn.MixtureOfGaussians(
    weights=[0.5, 0.5],
    mus=[[0.0, 0.3, 0.0], [0.0, 0.7, 0.0]],
    Sigmas=[np.diag([0.36, 0.0225, 0.36])] * 2,
    domain=[None, (0, 1), None],
)

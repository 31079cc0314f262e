"""Mixtures for the tests of the algebra, and the integrals they are compared with."""

from __future__ import annotations

import numpy as np

import mogfit as mn
from tests import truncation


def mixture(ngauss=3, nvars=2, seed=0, *, spread=1.5, least=0.15, **options):
    rng = np.random.default_rng([seed, ngauss, nvars])
    factors = rng.normal(size=(ngauss, nvars, nvars)) * 0.6
    return mn.MixtureOfGaussians(
        weights=rng.random(ngauss) + 0.2,
        mus=rng.normal(size=(ngauss, nvars)) * spread,
        Sigmas=factors @ factors.transpose(0, 2, 1) + least * np.eye(nvars),
        **options,
    )


def integrated(function, mog, count=400, panels=4):
    """Integral over the domain of mog of a function of points (M, V), in one or two variables.

    Gauss-Legendre panels, as a box that holds all components is wide for narrow ones.
    """
    domain = mog.domain if mog.domain is not None else [None] * mog.nvars
    low, high = truncation.cut_box(mog.mus, mog.Sigmas, truncation.bounds_of(domain))
    edges = [np.linspace(a, b, panels + 1) for a, b in zip(low, high, strict=True)]
    total = 0.0
    for corner in np.ndindex(*[panels] * mog.nvars):
        a = np.array([e[i] for e, i in zip(edges, corner, strict=True)])
        b = np.array([e[i + 1] for e, i in zip(edges, corner, strict=True)])
        points, weights = truncation.grid(a, b, count // panels)
        total = total + np.tensordot(weights, function(points), axes=1)
    return total

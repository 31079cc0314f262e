"""Mixtures that the tests of figures draw."""

from __future__ import annotations

import numpy as np

import mogfit as mn


def random_mixture(ngauss, nvars, seed=0, domain=None):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(ngauss, nvars, nvars)) * 0.5
    return mn.MixtureOfGaussians(
        weights=rng.random(ngauss) + 0.2,
        mus=rng.normal(size=(ngauss, nvars)) * 2,
        Sigmas=factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(nvars),
        domain=domain,
    )


def one_variable():
    return mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])


def two_variables(**options):
    return mn.MixtureOfGaussians(
        weights=[0.6, 0.4],
        mus=[[0.0, 0.0], [2.0, 1.0]],
        Sigmas=[[[1.0, 0.5], [0.5, 1.0]], [[0.3, -0.1], [-0.1, 0.2]]],
        **options,
    )


def three_variables(**options):
    return mn.MixtureOfGaussians(
        weights=[0.5, 0.5],
        mus=[[1.0, 0.5, -0.5], [1.0, -0.5, 0.5]],
        Sigmas=[
            [[1.1, -0.3, 0.2], [-0.3, 2.3, -1.7], [0.2, -1.7, 4.3]],
            [[0.6, 0.1, 0.0], [0.1, 0.06, 0.0], [0.0, 0.0, 11.0]],
        ],
        **options,
    )

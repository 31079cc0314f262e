"""Mixtures that the tests of figures draw, and what is found in the panels."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.contour import QuadContourSet

import mogfit as mn

XYZ = ["x", "y", "z"]


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


def meshes(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadMesh)]


def contours(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadContourSet)]


def cells(mesh):
    """Middles of the cells of a mesh, and what they hold."""
    corners = mesh.get_coordinates()
    x = 0.5 * (corners[0, 1:, 0] + corners[0, :-1, 0])
    y = 0.5 * (corners[1:, 0, 1] + corners[:-1, 0, 1])
    return x, y, np.ma.filled(mesh.get_array(), np.nan).reshape(len(y), len(x))

"""Chebyshev interpolation: exact where it should be, honest where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit.density.interpolation import ChebyshevSurface

LOW, HIGH = np.array([-1.5, 2.0]), np.array([0.5, 7.0])


def fitted(function, low=LOW, high=HIGH, tolerance=1e-9, most=20_000):
    return ChebyshevSurface.fitted(function, low, high, tolerance, most)


def test_a_polynomial_is_found_exactly():
    rng = np.random.default_rng(0)
    coefficients = rng.normal(size=(5, 4))

    def polynomial(points):
        return np.polynomial.polynomial.polyval2d(*points.T, coefficients)

    points = LOW + (HIGH - LOW) * rng.random((200, 2))
    scale = np.abs(polynomial(points)).max()
    np.testing.assert_allclose(
        fitted(polynomial, tolerance=1e-8 * scale)(points), polynomial(points), atol=1e-12 * scale
    )


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("nvars", [1, 2])
def test_a_smooth_function_is_met_to_the_tolerance(nvars, tolerance):
    def smooth(points):
        return np.log1p(np.exp(3.0 * points.sum(axis=1))) + np.sin(2.0 * points[:, 0])

    low, high = LOW[:nvars], HIGH[:nvars]
    points = low + (high - low) * np.random.default_rng(1).random((500, nvars))
    surface = fitted(smooth, low, high, tolerance)
    assert np.abs(surface(points) - smooth(points)).max() < 5 * tolerance


def test_a_grid_and_its_points_agree():
    surface = fitted(lambda p: np.cos(p[:, 0]) * p[:, 1])
    x, y = np.linspace(LOW[0], HIGH[0], 5), np.linspace(LOW[1], HIGH[1], 7)
    grid = surface.on_grid([x, y])
    assert grid.shape == (7, 5)
    points = np.array([[a, b] for b in y for a in x])
    np.testing.assert_allclose(grid.ravel(), surface(points), rtol=1e-13)


def test_what_is_not_smooth_is_refused():
    assert fitted(lambda p: np.abs(p[:, 0] - 0.123) + p[:, 1], tolerance=1e-9) is None


def test_no_more_nodes_are_used_than_allowed():
    seen = []

    def wiggly(points):
        seen.append(len(points))
        return np.sin(40.0 * points[:, 0]) * np.sin(40.0 * points[:, 1])

    assert fitted(wiggly, most=2_000) is None
    assert max(seen) <= 2_000


def test_noise_between_the_nodes_is_noticed():
    # Smooth at the nodes of the first degree, and something else between them.
    def deceiving(points):
        t = (2 * points[:, 0] - LOW[0] - HIGH[0]) / (HIGH[0] - LOW[0])
        return np.sin(8 * np.arccos(np.clip(t, -1, 1)))

    surface = fitted(deceiving, LOW[:1], HIGH[:1], 1e-6)
    points = np.linspace(LOW[0], HIGH[0], 300)[:, None]
    assert surface is None or np.abs(surface(points) - deceiving(points)).max() < 1e-5

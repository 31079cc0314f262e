"""Log Z has no steps: where one way to compute it gives way to another, and along a descent."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core

# What a step may be: rounding, and the slope over the distance between the two points.
SEAM = 1e-13
NEAR = 1e-14


def log_z(rho, lower, upper):
    d = len(lower)
    covariance = np.full((d, d), rho) + (1 - rho) * np.eye(d)
    return _core.box_probability(np.zeros(d), covariance, lower, upper)[0]


@pytest.mark.parametrize("low", [-0.2, 0.4, 3.0, 8.0])
@pytest.mark.parametrize("rho", [0.1, 0.5, 0.9])
def test_no_step_where_the_inner_interval_becomes_narrow(rho, low):
    # The last variable is integrated in one of two ways, by its width given the others.
    seam = 0.5 * np.sqrt(1 - rho**2)
    below, above = (
        log_z(rho, [low, low], [low + 0.1, low + seam * (1 + side * NEAR)]) for side in (-1, 1)
    )
    assert abs(above - below) <= SEAM * (1 + abs(below))


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("low", [-0.5, 1.0, 6.0])
def test_no_step_where_an_axis_is_split(d, low):
    # Below a conditional standard deviation of 0.6 axes are cut where sides set in; equicorrelated.
    lower, upper = [low] * d, [low + 1.0] * (d - 1) + [np.inf]
    seam = np.sqrt(1 - 0.36)
    if d == 3:
        # 1 / (precision's diagonal) = (1 - rho)(1 + 2 rho) / (1 + rho) = 0.36
        seam = np.roots([2.0, -1.0 + 0.36, 0.36 - 1.0]).max()
    below, above = (log_z(seam * (1 + side * NEAR), lower, upper) for side in (-1, 1))
    assert abs(above - below) <= SEAM * (1 + abs(below))


@pytest.mark.parametrize("rho", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("low", [0.0, 2.0, 20.0])
def test_no_step_at_the_bounds_where_tails_begin(rho, low):
    points = np.array([-1e-13, 0.0, 1e-13]) + low
    values = [log_z(rho, [low, at], [np.inf, at + 3.0]) for at in points]
    assert np.ptp(values) <= 2e-13 * (1 + low) * (1 + abs(values[1])) / (1 - rho**2)


def mixture(d, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, 2 * d))
    covariance = root @ root.T / (2 * d)
    bounds = np.array([np.full(d, -1.0), np.full(d, 1.5)])
    return _core.PreparedMixture(np.ones(1), np.zeros((1, d)), covariance[None], bounds)


@pytest.mark.parametrize("d", [5, 6])
def test_a_descent_crosses_reordering_points_smoothly(d):
    """Along a line the order by marginal mass changes; the plan of the anchor does not."""
    anchor = mixture(d, seed=3)
    coordinates = _core.WhitenedCoordinates(anchor)
    direction = np.random.default_rng(5).normal(size=coordinates.size)
    direction *= 2.5 / np.linalg.norm(direction)
    steps = np.linspace(-1.0, 1.0, 251)
    along = [coordinates.mixture(t * direction) for t in steps]
    deviations = np.sqrt(np.array([np.diag(at.covariances[0]) for at in along]))
    means = np.array([at.means[0] for at in along])
    masses = [
        [
            _core.box_probability([m], [[s * s]], [-1.0], [1.5])[0]
            for m, s in zip(mm, ss, strict=True)
        ]
        for mm, ss in zip(means, deviations, strict=True)
    ]
    orders = {tuple(np.argsort(row)) for row in masses}
    assert len(orders) > 1, "the line crosses a reordering point"

    def roughness(values):
        return np.abs(np.diff(values, 4)).max()

    held = np.array([at.log_masses[0] for at in along])
    fresh = np.array(
        [
            _core.PreparedMixture(np.ones(1), at.means, at.covariances, anchor.domain).log_masses[0]
            for at in along[:50]
        ]
    )
    assert np.abs(held[:50] - fresh).max() < 1e-3, "both are log Z"
    assert roughness(held) < 1e-7
    assert roughness(fresh) > 1e-6, "without a held plan the same line has steps"

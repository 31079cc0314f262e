"""Modes of mixtures, against a search on a fine grid that shares no code with the climbs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, optimize

import mogfit as mn
from tests.algebra.mixtures import mixture


def random_mixture(seed, **options):
    """Up to eight components of all shapes, from far apart to on top of each other."""
    rng = np.random.default_rng(seed)
    ngauss = rng.integers(1, 9)
    factors = rng.normal(size=(ngauss, 2, 2))
    sizes = rng.uniform(0.05, 1.0, ngauss)[:, None, None]
    return mn.MixtureOfGaussians(
        weights=rng.dirichlet(np.full(ngauss, 2.0)),
        mus=rng.normal(size=(ngauss, 2)) * rng.choice([1.0, 2.0]),
        Sigmas=factors @ factors.transpose(0, 2, 1) * sizes + 0.02 * np.eye(2),
        **options,
    )


def negative_log(mog):
    """-log p but for a constant, and its gradient, from the textbook."""
    precisions = np.linalg.inv(mog.Sigmas)
    constants = np.log(mog.weights) - 0.5 * np.linalg.slogdet(mog.Sigmas)[1]
    if mog.domain is not None and mog.truncation == "components":
        constants = constants - mog.log_masses

    def function(x):
        offsets = x - mog.mus
        pulls = np.einsum("kij,kj->ki", precisions, offsets)
        logs = constants - 0.5 * np.einsum("ki,ki->k", pulls, offsets)
        top = logs.max()
        terms = np.exp(logs - top)
        return -top - np.log(terms.sum()), terms @ pulls / terms.sum()

    return function


def modes_on_a_grid(mog, count=300):
    """Maxima on a grid over all of the mixture, each followed to its top; and the grid's box."""
    bounds = np.array(mog._domain_bounds).T
    low = np.maximum((mog.mus - 4 * mog.sigmas).min(axis=0), bounds[0])
    high = np.minimum((mog.mus + 4 * mog.sigmas).max(axis=0), bounds[1])
    # A domain beside all components.
    low, high = np.minimum(low, bounds[1] - 0.1), np.maximum(high, bounds[0] + 0.1)
    axes = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    heights = mog.logpdf(grid.reshape(-1, 2), threads=1).reshape(count, count)
    peaks = np.argwhere(heights == ndimage.maximum_filter(heights, 3))
    function = negative_log(mog)
    tops = []
    for i, j in peaks:
        end = optimize.minimize(
            function, grid[i, j], jac=True, bounds=bounds.T, method="L-BFGS-B",
            options={"ftol": 0.0, "gtol": 1e-10, "maxiter": 1000, "maxls": 50},
        ).x  # fmt: skip
        # Along a ridge across the grid there are maxima of the grid alone, and slow descents.
        gradient = function(end)[1]
        moved = np.clip(end - gradient, *bounds) - end
        if np.abs(moved).max() < 1e-6:
            tops.append(end)
    return np.array(tops)


def is_highest_nearby(mog, point, radius=1e-4):
    """Whether no point of a small ring in the box is above it."""
    angles = np.linspace(0.0, 2.0 * np.pi, 64)
    ring = point + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ring = np.clip(ring, *np.array(mog._domain_bounds).T)
    return (mog.logpdf(ring) <= mog.logpdf(point) + 1e-12).all()


def agree(mog):
    found = mog.modes()
    expected = modes_on_a_grid(mog)
    apart = np.abs(expected[:, None] - found.points).max(axis=2)
    assert (apart.min(axis=1) < 1e-4).all(), "a mode is missing"
    # The grid may have missed some, but not these.
    for point in found.points[apart.min(axis=0) > 1e-4]:
        assert is_highest_nearby(mog, point)
    return found


def test_nothing_is_missed_on_200_random_mixtures():
    total = more = 0
    for seed in range(200):
        mog = random_mixture(seed)
        found = agree(mog)
        total += len(found.points)
        more += len(found.points) > mog.ngauss
    # Such mixtures are worth the search.
    assert total > 500
    assert more > 0


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_nothing_is_missed_in_domains(truncation):
    on_border = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 7])
        centre, width = rng.normal(size=2) * 2, rng.uniform(0.3, 4, 2)
        pairs = [(c - w, c + w) for c, w in zip(centre, width, strict=True)]
        domain = [pairs[0], [pairs[1], (centre[1], None), None][seed % 3]]
        mog = random_mixture(1000 + seed, domain=domain, truncation=truncation)
        found = agree(mog)
        bounds = np.array(mog._domain_bounds).T
        on_border += int(((found.points == bounds[0]) | (found.points == bounds[1])).any(1).sum())
        assert ((found.points >= bounds[0]) & (found.points <= bounds[1])).all()
    assert on_border > 20


def test_a_shallow_mode_beside_a_steep_slope_is_one():
    # On the border, with a dip of 5e-4 in log p between it and a slope up to a high one.
    rng = np.random.default_rng([25, 7])
    centre, width = rng.normal(size=2) * 2, rng.uniform(0.3, 4, 2)
    domain = [(centre[0] - width[0], centre[0] + width[0]), (centre[1], None)]
    found = agree(random_mixture(1025, domain=domain, truncation="mixture"))
    assert len(found.points) == 3


def test_modes_come_highest_first_with_their_densities():
    mog = mixture(5, 3, seed=2, spread=4.0)
    points, logs = mog.modes()
    np.testing.assert_array_equal(logs, np.atleast_1d(mog.logpdf(points)))
    assert (np.diff(logs) <= 0).all()
    assert points.shape == (len(logs), 3)


def test_modes_are_flat_and_curved_downwards():
    mog = mixture(6, 4, seed=3, spread=2.0)
    for point in mog.modes().points:
        step = 1e-4
        moves = step * np.eye(4)
        up, down, here = mog.logpdf(point + moves), mog.logpdf(point - moves), mog.logpdf(point)
        np.testing.assert_allclose((up - down) / (2 * step), 0.0, atol=1e-6)
        assert (up + down < 2 * here).all()


def test_two_components_with_three_modes():
    # Ray & Lindsay (2005): the third is where the two cross.
    mog = mn.MixtureOfGaussians(
        mus=[[1.0, 0.0], [0.0, 1.0]], Sigmas=[np.diag([1.0, 0.05]), np.diag([0.05, 1.0])]
    )
    points, _ = mog.modes()
    assert len(points) == 3
    # At the highest one both pull alike: (x - 1) / 1 + x / 0.05 = 0.
    np.testing.assert_allclose(points[0], 1 / 21, rtol=1e-9)
    np.testing.assert_allclose(points[1], points[2][::-1], rtol=1e-9)


@pytest.mark.parametrize(("radius", "count"), [(1.3, 1), (1.4, 4), (1.42, 3)])
def test_three_equal_components_with_a_fourth_mode_among_them(radius, count):
    # The centre is one up to radius sqrt(2), the others part a little before.
    angles = 2 * np.pi * np.arange(3) / 3
    means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mog = mn.MixtureOfGaussians(mus=means, Sigmas=[np.eye(2)] * 3)
    assert len(agree(mog).points) == count


@pytest.mark.parametrize(("apart", "count"), [(1.9, 1), (2.0, 1), (2.002, 2), (2.1, 2), (40.0, 2)])
def test_two_equal_components_part_at_two_standard_deviations(apart, count):
    mog = mn.MixtureOfGaussians(mus=[5.0, 5.0 + 3 * apart], Sigmas=[9.0, 9.0])
    points, _ = mog.modes()
    assert len(points) == count
    # x = a tanh(a x), with the components at -a and a.
    for x in (points[:, 0] - mog.mus.mean()) / 3:
        assert x == pytest.approx(apart / 2 * np.tanh(apart / 2 * x), abs=1e-3 / apart)


def test_modes_where_hardly_anything_is_a_mixture():
    one = mn.MixtureOfGaussians(mus=[[1.0, 2.0]], Sigmas=[np.eye(2)])
    np.testing.assert_array_equal(one.modes().points, [[1.0, 2.0]])
    same = mn.MixtureOfGaussians(mus=[[1.0, 2.0]] * 5, Sigmas=[np.eye(2)] * 5)
    np.testing.assert_allclose(same.modes().points, [[1.0, 2.0]], rtol=1e-15)
    weightless = mn.MixtureOfGaussians(weights=[1.0, 0.0], mus=[0.0, 9.0], Sigmas=[1.0, 1.0])
    np.testing.assert_array_equal(weightless.modes().points, [[0.0]])
    needle = mn.MixtureOfGaussians(
        mus=[[0.0, 0.0], [5.0, 5.0]], Sigmas=[1e-12 * np.eye(2), np.eye(2)]
    )
    np.testing.assert_allclose(needle.modes().points, [[0.0, 0.0], [5.0, 5.0]], atol=1e-15)


def test_units_do_not_matter():
    mog = mixture(5, 2, seed=4, spread=3.0)
    scale, shift = np.array([1e12, 1e-12]), np.array([3e12, -5e-12])
    moved = mn.MixtureOfGaussians(
        weights=mog.weights, mus=mog.mus * scale + shift,
        Sigmas=mog.Sigmas * np.outer(scale, scale),
    )  # fmt: skip
    expected = mog.modes().points
    np.testing.assert_allclose((moved.modes().points - shift) / scale, expected, atol=1e-8)


def test_modes_on_the_border_are_exactly_there():
    tail = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[np.eye(2)],
                                 domain=[(40.1, 50.0), (-1e-6, 1e-6)])  # fmt: skip
    np.testing.assert_array_equal(tail.modes().points, [[40.1, 0.0]])
    corner = mn.MixtureOfGaussians(mus=[[-3.0, 9.0]], Sigmas=[[[1.0, 0.9], [0.9, 1.0]]],
                                   domain=[(0.3, None), (None, 0.7)])  # fmt: skip
    np.testing.assert_array_equal(corner.modes().points, [[0.3, 0.7]])
    # Both ends of a valley.
    valley = mn.MixtureOfGaussians(mus=[-1.0, 11.0], Sigmas=[4.0, 4.0], domain=[(0.1, 9.9)])
    np.testing.assert_array_equal(np.sort(valley.modes().points, axis=0), [[0.1], [9.9]])


def test_modes_of_many_components_and_variables():
    assert len(agree(mixture(40, 2, seed=5, spread=6.0)).points) > 15
    # Far apart as they are in eight variables, all have one of their own.
    assert len(mixture(20, 8, seed=5, spread=6.0).modes().points) == 20

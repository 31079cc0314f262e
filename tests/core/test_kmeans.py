"""K-means and the moments of labels, against NumPy loops."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.errors import InputError
from tests.strategies import LAYOUTS


def make_blobs(count, nvars, ngauss, seed=0):
    rng = np.random.default_rng([seed, count, nvars, ngauss])
    centres = 4 * rng.standard_normal((ngauss, nvars))
    return centres[rng.integers(0, ngauss, count)] + rng.standard_normal((count, nvars))


def cluster(points, ngauss, seed=0, weight=None, **options):
    nvars = points.shape[1]
    options = {"location": np.zeros(nvars), "scale": np.ones(nvars), "threads": 1} | options
    return _core.kmeans_labels(points, weight, ngauss, seed=seed, **options)


def squared_distances(points, centres):
    return np.array([[((x - c) ** 2).sum() for c in centres] for x in points])


def lloyd(points, centres, weight=None, tolerance=0.0, max_iterations=300):
    """Lloyd's iterations as the textbook has them; no cluster may become empty."""
    weight = np.ones(len(points)) if weight is None else weight
    mean = np.average(points, axis=0, weights=weight)
    variance = np.average((points - mean) ** 2, axis=0, weights=weight).mean()
    labels = squared_distances(points, centres).argmin(axis=1)
    for _ in range(max_iterations):
        before = centres
        centres = np.array(
            [
                np.average(points[labels == k], axis=0, weights=weight[labels == k])
                for k in range(len(centres))
            ]
        )
        old, labels = labels, squared_distances(points, centres).argmin(axis=1)
        if (old == labels).all() or ((centres - before) ** 2).sum() <= tolerance * variance:
            break
    return labels, centres


@pytest.mark.parametrize("tolerance", [0.0, 0.02])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("count", "nvars", "ngauss"), [(9, 1, 2), (300, 2, 5), (129, 4, 3), (400, 5, 9), (257, 20, 4)]
)
def test_the_textbook_from_the_same_centres(count, nvars, ngauss, weighted, tolerance):
    points = make_blobs(count, nvars, ngauss)
    weight = np.random.default_rng(1).exponential(size=count) if weighted else None
    for seed in range(3):
        _, start = cluster(points, ngauss, seed, weight, max_iterations=0)
        labels, centres = cluster(points, ngauss, seed, weight, tolerance=tolerance)
        expected = lloyd(points, start, weight, tolerance)
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, expected[0])
        np.testing.assert_allclose(centres, expected[1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("ngauss", [1, 2, 7])
def test_the_centres_of_the_start_are_points(ngauss):
    points = make_blobs(500, 3, 7)
    weight = np.where(np.arange(500) % 4 == 0, 1.0, 0.0)
    for seed in range(5):
        labels, centres = cluster(points, ngauss, seed, weight, max_iterations=0)
        rows = squared_distances(centres, points).argmin(axis=1)
        np.testing.assert_allclose(points[rows], centres, rtol=1e-15)
        assert (weight[rows] > 0).all()
        assert len(set(rows)) == ngauss
        np.testing.assert_array_equal(labels, squared_distances(points, centres).argmin(axis=1))


def test_starts_are_drawn_by_squared_distance():
    # From two heaps and a point far off, the second centre is hardly ever in the first's heap.
    points = np.repeat([[0.0], [0.1], [10.0]], [500, 480, 20], axis=0)
    far = 0
    for seed in range(60):
        _, centres = cluster(points, 2, seed, max_iterations=0)
        far += abs(centres[0, 0] - centres[1, 0]) > 5
    assert far == 60
    first = [cluster(points, 1, seed, max_iterations=0)[1][0, 0] for seed in range(400)]
    # 500, 480 and 20 of 1000: five standard deviations of a binomial count.
    for value, share in ((0.0, 0.5), (0.1, 0.48), (10.0, 0.02)):
        spread = np.sqrt(400 * share * (1 - share))
        assert abs(first.count(value) - 400 * share) < 5 * spread


def test_separated_clusters_are_found():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 8, 2000)
    points = 100.0 * np.array([[i % 2, i // 2 % 2, i // 4] for i in range(8)])[true]
    points += rng.standard_normal(points.shape)
    labels, _ = cluster(points, 8)
    assert len({(a, b) for a, b in zip(true, labels, strict=True)}) == 8


@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (3, 20), (9, 4), (17, 3)])
def test_threads_and_layouts_change_no_bit(nvars, ngauss):
    points = make_blobs(30_000 // nvars, nvars, ngauss)
    weight = np.random.default_rng(0).exponential(size=len(points))
    expected = cluster(points, ngauss, 3, weight)
    for threads in (2, 3, 7):
        labels, centres = cluster(points, ngauss, 3, weight, threads=threads)
        np.testing.assert_array_equal(labels, expected[0])
        np.testing.assert_array_equal(centres, expected[1])
    single = points.astype(np.float32)
    expected = cluster(single.astype(float), ngauss, 3, weight)
    for layout in LAYOUTS.values():
        labels, centres = cluster(layout(single), ngauss, 3, weight)
        np.testing.assert_array_equal(labels, expected[0])
        np.testing.assert_array_equal(centres, expected[1])


def test_seeds_and_streams():
    points = make_blobs(300, 2, 9)
    one = cluster(points, 9, 1, max_iterations=0)[1]
    np.testing.assert_array_equal(one, cluster(points, 9, 1, max_iterations=0)[1])
    assert (one != cluster(points, 9, 2, max_iterations=0)[1]).any()
    assert (one != cluster(points, 9, 1, stream=1, max_iterations=0)[1]).any()


def test_integer_weights_are_copies():
    points = make_blobs(200, 3, 4)
    copies = np.random.default_rng(0).integers(0, 4, 200)
    labels, centres = cluster(points, 4, 5, copies.astype(float))
    repeated, same = cluster(np.repeat(points, copies, axis=0), 4, 5)
    np.testing.assert_allclose(same, centres, rtol=1e-12)
    np.testing.assert_array_equal(repeated, np.repeat(labels, copies))


def test_location_and_scale():
    location, scale = np.array([5.0, -2.0, 0.5]), np.array([2.0, 1024.0, 0.125])
    standard = make_blobs(500, 3, 4)
    points = location + scale * standard
    labels, centres = cluster(points, 4, location=location, scale=scale)
    expected = cluster((points - location) / scale, 4)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_allclose(centres, location + scale * expected[1], rtol=1e-14)
    # Far from the origin, and in other units: the same clusters, the tolerance being relative.
    shifted = np.round(standard * 2**20) / 2**20
    expected = cluster(shifted, 4, tolerance=0.01)[0]
    np.testing.assert_array_equal(cluster(shifted + 2.0**28, 4, tolerance=0.01)[0], expected)
    np.testing.assert_array_equal(cluster(shifted * 2.0**40, 4, tolerance=0.01)[0], expected)


def test_fewer_distinct_points_than_clusters():
    points = np.array([[0.0, 1.0], [0.0, 1.0], [3.0, 3.0], [5.0, -1.0]])
    for seed in range(10):
        for ngauss in (3, 4, 9):
            labels, centres = cluster(points, ngauss, seed)
            np.testing.assert_allclose(centres[labels], points, rtol=1e-15)
            assert len(set(labels)) == 3
            assert np.isfinite(centres).all()
    labels, centres = cluster(points[:1], 2)
    np.testing.assert_array_equal(centres[labels], points[:1])


def test_an_empty_cluster_moves_to_the_farthest_point():
    # Mass 1e-310 * 1e-16 is 0, so k-means++ takes the heavy point twice; the light one is seen only
    # by the cluster that this leaves empty.
    points = np.array([[0.0], [0.0], [1e-8]])
    weight = np.array([1.0, 1.0, 1e-310])
    _, start = cluster(points, 2, weight=weight, max_iterations=0)
    np.testing.assert_array_equal(start, 0.0)
    labels, centres = cluster(points, 2, weight=weight)
    assert labels[0] == labels[1] != labels[2]
    # Of sums that are subnormal five digits are left.
    np.testing.assert_allclose(np.sort(centres[:, 0]), [0.0, 1e-8], rtol=1e-4)


def test_points_without_weight_may_be_anything():
    points = make_blobs(300, 2, 3)
    weight = np.ones(300)
    weight[::5] = 0.0
    expected = cluster(points, 3, weight=weight)
    points[::5] = [np.nan, np.inf]
    labels, centres = cluster(points, 3, weight=weight)
    np.testing.assert_array_equal(centres, expected[1])
    np.testing.assert_array_equal(labels[weight > 0], expected[0][weight > 0])


def test_bad_input():
    points = make_blobs(20, 2, 2)
    with pytest.raises(InputError, match="ngauss: is 0"):
        cluster(points, 0)
    with pytest.raises(InputError, match="location"):
        cluster(points, 2, location=[0.0])
    with pytest.raises(InputError, match="scale"):
        cluster(points, 2, scale=[1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="sample_weight: all are 0"):
        cluster(points, 2, weight=np.zeros(20))
    with pytest.raises(InputError, match="0 rows"):
        cluster(points[:0], 2)
    with pytest.raises(InputError, match="sample_weight"):
        cluster(points, 2, weight=np.ones(19))
    with pytest.raises(InputError, match="labels: that of row 3 is 2"):
        _core.label_moments(points, [0, 1, 0, 2] * 5, None, 2)
    with pytest.raises(InputError, match="labels: that of row 0 is -1"):
        _core.label_moments(points, np.full(20, -1), None, 2)
    with pytest.raises(InputError, match="labels: has shape"):
        _core.label_moments(points, [0, 1], None, 2)


# Moments of labels


def expected_moments(points, labels, weight, ngauss):
    nvars = points.shape[1]
    s0, means = np.zeros(ngauss), np.zeros((ngauss, nvars))
    s2 = np.zeros((ngauss, nvars, nvars))
    for k in range(ngauss):
        own = (labels == k) & (weight > 0)
        s0[k] = weight[own].sum()
        if not s0[k]:
            continue
        means[k] = np.average(points[own], axis=0, weights=weight[own])
        for x, s in zip(points[own], weight[own], strict=True):
            s2[k] += s * np.outer(x - means[k], x - means[k])
    return s0, means, s2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 129, 1000])
@pytest.mark.parametrize("nvars", [1, 2, 3, 7, 16, 17, 40])
def test_moments_of_labels(nvars, count, weighted):
    points = make_blobs(count, nvars, 3)
    rng = np.random.default_rng(count)
    labels = rng.integers(0, 3, count)  # the fourth label has no points
    weight = rng.exponential(size=count) if weighted else np.ones(count)
    if weighted and count:
        weight[::6] = 0.0
        points[::6] = np.nan
    expected = expected_moments(points, labels, weight, 4)
    given = weight if weighted else None
    seen = _core.label_moments(points, labels, given, 4)
    for value, wanted in zip(seen, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(seen[2], seen[2].transpose(0, 2, 1))
    s0, means, s2 = _core.label_moments(points, labels, given, 4, diagonal=True)
    np.testing.assert_allclose(s0, expected[0], rtol=1e-12)
    np.testing.assert_allclose(means, expected[1], rtol=1e-11, atol=1e-11)
    diagonals = [np.diag(np.diag(m)) for m in expected[2]]
    np.testing.assert_allclose(s2, diagonals, rtol=1e-11, atol=1e-11)


def test_label_moments_lose_nothing_far_from_the_origin():
    points = np.round(make_blobs(3000, 3, 3) * 2**20) / 2**20
    labels = np.arange(3000) % 3
    near = _core.label_moments(points, labels, None, 3)
    far = _core.label_moments(points + 2.0**31, labels, None, 3)
    np.testing.assert_allclose(far[2], near[2], rtol=1e-13)
    np.testing.assert_allclose(far[1] - 2.0**31, near[1], rtol=0, atol=2.0**-21)


def test_threads_and_layouts_change_no_bit_of_label_moments():
    points = make_blobs(60_000, 3, 3).astype(np.float32)
    rng = np.random.default_rng(0)
    labels, weight = rng.integers(0, 3, 60_000), rng.exponential(size=60_000)
    expected = _core.label_moments(points.astype(float), labels, weight, 3, threads=1)
    for threads in (1, 2, 5):
        for layout in LAYOUTS.values():
            seen = _core.label_moments(layout(points), labels, weight, 3, threads=threads)
            for value, wanted in zip(seen, expected, strict=True):
                np.testing.assert_array_equal(value, wanted)

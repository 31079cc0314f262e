"""k-means beside plain loops and scipy's, and the information criterion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

import mogfit
from mogfit.compat import pypr
from mogfit.compat.pypr import kmeans as km
from tests.compat.reference_mixture import MIXTURE


@pytest.fixture(scope="module")
def X():
    return pypr.sample_gaussian_mixture(*MIXTURE, samples=300, rng=1)


def test_distances_and_the_nearest_centres(X):
    centres = [[0, 0], [3, 3], [0, 4]]
    np.testing.assert_allclose(km.find_distance(X, centres), cdist(X, centres), rtol=1e-13)
    labels = km.find_membership(X, centres)
    np.testing.assert_array_equal(labels, cdist(X, centres).argmin(axis=1))
    centres[1] = [np.nan, np.nan]  # nobody's nearest
    np.testing.assert_array_equal(
        km.find_membership(X, centres), 2 * cdist(X, centres[::2]).argmin(axis=1)
    )


def test_centres_and_the_spread_around_them(X):
    labels = np.arange(300) % 3 * (np.arange(300) % 3 != 1)  # 0, 2: cluster 1 is empty
    centres = km.find_centroids(X, 3, labels)
    for k in (0, 2):
        np.testing.assert_allclose(centres[k], X[labels == k].mean(axis=0), rtol=1e-13)
    assert np.isnan(centres[1]).all()
    expected = sum(np.linalg.norm(X[i] - centres[labels[i]]) for i in range(300))
    assert km.find_intra_cluster_variance(X, labels, centres) == pytest.approx(expected, rel=1e-13)


def test_centres_far_from_zero_keep_their_digits():
    x = np.array([1e15 + 1, 1e15 + 2, 1e15 + 3])
    assert km.find_centroids(np.repeat(x, 7), 1, np.zeros(21)).item() == 1e15 + 2


def test_clusters_are_lloyds(X):
    labels, centres = km.kmeans(X, 3, iter=200, rng=2)
    np.testing.assert_array_equal(labels, km.find_membership(X, centres))
    np.testing.assert_allclose(centres, km.find_centroids(X, 3, labels), rtol=1e-12)
    other, _ = kmeans2(X, centres, iter=3, minit="matrix")  # scipy's has nothing to improve
    np.testing.assert_allclose(centres, other, rtol=1e-12)


@pytest.mark.parametrize("cluster_init", ["sample", "box"])
def test_no_cluster_is_empty_in_the_end(rng, cluster_init):
    # A box of which most is empty: PyPR's centres there become NaN.
    X = np.r_[rng.normal(0, 0.01, (50, 2)), rng.normal(100, 0.01, (50, 2))]
    for seed in range(20):
        labels, centres = km.kmeans(X, 4, cluster_init=cluster_init, rng=seed)
        assert np.isfinite(centres).all()
        assert set(labels) == {0, 1, 2, 3}


def test_an_empty_cluster_starts_anew_from_the_farthest_point(rng):
    X, cases = np.outer(rng.uniform(size=20), [1.0, 1.0]), 0  # the box is mostly empty
    for seed in range(60):
        labels, start = km.kmeans(X, 2, iter=0, cluster_init="box", rng=seed)
        if len(set(labels)) == 1:
            cases += 1
            _, centres = km.kmeans(X, 2, iter=1, cluster_init="box", rng=seed)
            np.testing.assert_allclose(centres[labels[0]], X.mean(axis=0), rtol=1e-13)
            farthest = cdist(X, start).min(axis=1).argmax()
            np.testing.assert_array_equal(centres[1 - labels[0]], X[farthest])
    assert cases > 0


def test_iterations_are_limited_and_told(X, capsys):
    def after(iterations):
        return km.kmeans(X, 3, iter=iterations, rng=3)

    labels, centres = after(0)
    assert {tuple(c) for c in centres.tolist()} <= {tuple(x) for x in X.tolist()}
    for i in range(3):
        following, moved = after(i + 1)
        np.testing.assert_allclose(moved, km.find_centroids(X, 3, labels), rtol=1e-13)
        labels = following
    assert capsys.readouterr().out == ""
    km.kmeans(X, 3, iter=2, verbose=True, rng=3)
    assert len(capsys.readouterr().out.splitlines()) == 2
    km.kmeans(X, 3, iter=100, verbose=True, delta_stop=1e6, rng=3)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_one_variable_may_be_a_vector():
    labels, centres = km.kmeans([0.0, 1.0, 10.0, 11.0], 2, rng=1)
    assert sorted(centres[:, 0]) == [0.5, 10.5]
    assert km.find_distance([0.0, 1.0], [3.0, 4.0]).tolist() == [[3.0, 4.0], [2.0, 3.0]]
    assert labels[0] != labels[3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: km.kmeans([0.0, np.nan], 1), r"^X: 1 of 2 values is NaN"),
        (lambda: km.kmeans([0.0, 1.0], 3), r"^K: 3 clusters seen for 2 points"),
        (lambda: km.kmeans([0.0, 1.0], 2.0), r"^K: 2\.0 \(float\)"),
        (lambda: km.kmeans([0.0, 1.0], 2, iter=-1), r"^iter: -1"),
        (lambda: km.kmeans([0.0, 1.0], 2, cluster_init="kmeans"), r"^cluster_init: 'kmeans'"),
        (lambda: km.find_distance([[0.0]], [[1.0, 2.0]]), r"^X: shape \(1, 1\)"),
        (lambda: km.find_distance([[0.0]], np.zeros((1, 1, 1))), r"^c: shape \(1, 1, 1\)"),
        (lambda: km.find_centroids([0.0, 1.0], 2, [0, 2]), r"^m: 1 of 2 values is not .*1: 2"),
        (lambda: km.find_centroids([0.0, 1.0], 2, [0]), r"^m: shape \(1,\)"),
    ],
)
def test_arguments_out_of_range_are_refused(call, message):
    with pytest.raises(mogfit.InputError, match=message):
        call()


def test_the_criterion_is_larger_where_it_is_better():
    # -1/2 of what others call BIC: theirs is -2 log L + M log N.
    assert pypr.stattest.bic(-1000.0, 17, 500) == pytest.approx(
        -0.5 * (2000.0 + 17 * np.log(500)), rel=1e-15
    )
    # 3 components in 2 variables: 2 weights, 6 means, 9 covariances.
    assert pypr.bic_gmm(-1000.0, 500, 2, 3) == pypr.bic(-1000.0, 17, 500)
    with pytest.raises(mogfit.InputError, match=r"^K: 0"):
        pypr.bic_gmm(-1000.0, 500, 2, 0)

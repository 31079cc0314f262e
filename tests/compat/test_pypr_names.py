"""PyPR's names, where its users look for them, and the examples of its pages."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import mogfit
from mogfit.compat import pypr

GMM = [
    "Cov_problem",
    "cond_dist",
    "cond_moments",
    "em",
    "em_gm",
    "find_density_diff",
    "gauss_ellipse_2d",
    "gm_assign_to_cluster",
    "gm_log_likelihood",
    "gmm_em_continue",
    "gmm_init",
    "gmm_pdf",
    "logmulnormpdf",
    "marg_dist",
    "mulnormpdf",
    "predict",
    "sample_gaussian_mixture",
]
KMEANS = [
    "find_centroids",
    "find_distance",
    "find_intra_cluster_variance",
    "find_membership",
    "kmeans",
]
ROOMS = [
    "clusters",
    "conditionals",
    "densities",
    "em_steps",
    "figures",
    "shapes",
    "starts",
    "stattest",
    "clustering.rnd_gauss_clusters",
]


def test_names_are_where_pyprs_users_look_for_them():
    for name in GMM:
        function = getattr(importlib.import_module("mogfit.compat.pypr.clustering.gmm"), name)
        assert getattr(pypr.gmm, name) is function
        assert getattr(pypr, name) is function
        assert name in pypr.__all__
    for name in KMEANS:
        module = importlib.import_module("mogfit.compat.pypr.clustering.kmeans")
        assert getattr(pypr.kmeans, name) is getattr(module, name)
    assert pypr.em is pypr.em_gm
    assert pypr.bic_gmm is pypr.stattest.bic_gmm
    assert pypr.clustering.gmm_plot.plot_marg is pypr.gmm_plot.plot_marg
    assert all(getattr(pypr, name) is not None for name in pypr.__all__)


def test_stars_bring_what_the_pages_use():
    names: dict[str, object] = {}
    exec("from mogfit.compat.pypr.clustering.gmm import *", names)
    exec("from mogfit.compat.pypr.clustering.kmeans import *", names)
    assert {*GMM, *KMEANS} <= set(names)
    assert callable(names["kmeans"])


def test_the_import_is_silent_and_loads_nothing_that_is_slow():
    code = (
        "import sys; import mogfit.compat.pypr.clustering.gmm as gmm, mogfit.compat.pypr as pypr; "
        "pypr.gmm_plot.plot_marg; slow = ('scipy', 'matplotlib', 'pandas'); "
        "print([name for name in sys.modules if name.partition('.')[0] in slow])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize("room", ROOMS)
def test_the_examples_show_what_comes_out(room):
    mpl.use("Agg")
    try:
        found = doctest.testmod(importlib.import_module(f"mogfit.compat.pypr.{room}"))
    finally:
        plt.close("all")
    assert found.attempted > 0
    assert found.failed == 0


# -- the examples of PyPR's pages, in our words: only the imports differ --------------------------


def test_sampling_a_mixture_and_drawing_its_density():
    gmm = pypr.gmm
    mc = [0.4, 0.4, 0.2]
    centroids = [np.array([0, 0]), np.array([3, 3]), np.array([0, 4])]
    ccov = [np.array([[1, 0.4], [0.4, 1]]), np.diag((1, 2)), np.diag((0.4, 0.1))]
    X = gmm.sample_gaussian_mixture(centroids, ccov, mc, samples=1000)
    x1, x2 = np.meshgrid(np.linspace(-5, 7, 50), np.linspace(-5, 9, 60))
    Z = gmm.gmm_pdf(np.c_[x1.ravel(), x2.ravel()], centroids, ccov, mc).reshape(x1.shape)
    assert X.shape == (1000, 2)
    assert Z.sum() * (12 / 49) * (14 / 59) == pytest.approx(1.0, abs=0.01)


def test_the_em_example_with_its_plot_of_progress():
    mpl.use("Agg")
    gmm = pypr.clustering.gmm
    mc = [0.4, 0.4, 0.2]
    centroids = [np.array([0, 0]), np.array([3, 3]), np.array([0, 4])]
    ccov = [np.array([[1, 0.4], [0.4, 1]]), np.diag((1, 2)), np.diag((0.4, 0.1))]
    np.random.seed(1)  # noqa: NPY002
    X = gmm.sample_gaussian_mixture(centroids, ccov, mc, samples=1000)
    drawn = []

    def iter_plot(cent_lst, cov_lst, itr):
        if itr % 50 == 0:
            for i in range(len(cent_lst)):
                plt.plot(*gmm.gauss_ellipse_2d(cent_lst[i], cov_lst[i]))
            drawn.append(itr)

    try:
        cen_lst, cov_lst, p_k, logL = gmm.em_gm(X, K=3, iter=400, iter_call=iter_plot)
    finally:
        plt.close("all")
    assert drawn[0] == 0
    assert len(drawn) > 1
    order = np.argsort([centre[0] + 10 * (centre[1] > 3.5) for centre in cen_lst])
    np.testing.assert_allclose(np.array(cen_lst)[order], [[0, 0], [3, 3], [0, 4]], atol=0.25)
    np.testing.assert_allclose(np.array(p_k)[order], [0.4, 0.4, 0.2], atol=0.06)
    assert logL > gmm.gm_log_likelihood(X, centroids, ccov, mc)
    assert cov_lst[0].shape == (2, 2)


def test_choosing_the_number_of_components_by_bic():
    gmm = pypr.gmm
    X = gmm.sample_gaussian_mixture(
        [[0.0], [5.0], [10.0]], [1.0, 1.0, 1.0], [0.3, 0.3, 0.4], 600, rng=1
    )
    scores = []
    for K in range(1, 6):
        *_, logL = gmm.em_gm(X, K, max_iter=200, init_kw={"cluster_init": "kmeans"}, rng=K)
        scores.append(pypr.stattest.bic_gmm(logL, 600, 1, K))
    assert np.argmax(scores) + 1 == 3


def test_regression_on_a_noisy_sine_with_a_gap():
    gmm, rng = pypr.gmm, np.random.default_rng(1)
    x = np.r_[rng.uniform(0, 3.5, 300), rng.uniform(4.5, 7, 300)]
    X = np.c_[x, np.sin(x) + rng.normal(0, 0.1, 600)]
    fit = gmm.em_gm(X, 6, max_iter=200, init_kw={"cluster_init": "kmeans"}, rng=1)
    Y = np.c_[np.linspace(0.1, 6.9, 100), np.full(100, np.nan)]
    sd = np.sqrt(np.ravel(gmm.predict(Y, *fit[:3])))
    known = (Y[:, 0] < 3.3) | (Y[:, 0] > 4.7)
    assert np.abs(Y[:, 1] - np.sin(Y[:, 0]))[known].max() < 0.2
    assert np.median(sd[known]) == pytest.approx(0.12, abs=0.05)
    assert ((np.abs(Y[:, 1] - np.sin(Y[:, 0])) < 2 * sd)[known]).mean() > 0.9


def test_the_example_of_kmeans():
    from mogfit.compat.pypr.clustering.kmeans import kmeans
    from mogfit.compat.pypr.clustering.rnd_gauss_clusters import rnd_gauss_clusters

    centroids = [np.array([1, 1]), np.array([3, 3]), np.array([3, 0])]
    ccov = [np.eye(2), np.eye(2), np.array([[0.2, 0], [0, 0.2]])]
    X = rnd_gauss_clusters(centroids, ccov, 1000)
    m, cc = kmeans(X, 3)
    assert sum(len(X[m == k]) for k in range(3)) == 1000
    assert cc.shape == (3, 2)


def test_errors_are_those_that_users_of_either_library_catch():
    assert issubclass(pypr.Cov_problem, mogfit.DegenerateError)
    assert issubclass(pypr.Cov_problem, ValueError)

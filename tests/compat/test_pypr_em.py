"""EM: its steps beside a plain loop, its stop, its restarts, and what it calls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import mogfit
from mogfit.compat.pypr import gmm
from tests.compat.reference_mixture import MIXTURE


@pytest.fixture(scope="module")
def X():
    return gmm.sample_gaussian_mixture(*MIXTURE, samples=400, rng=1)


def plain_step(X, centres, covariances, weights, diag_add):
    """One EM step from the formulas, point by point."""
    joint = np.array(
        [
            [w * multivariate_normal.pdf(x, m, S) for w, m, S in zip(weights, centres, covariances)]  # noqa: B905
            for x in X
        ]
    )
    h = joint / joint.sum(axis=1, keepdims=True)
    n = h.sum(axis=0)
    ridge = diag_add * np.diag(X.var(axis=0))
    means = [sum(h[i, k] * X[i] for i in range(len(X))) / n[k] for k in range(len(n))]
    widths = [
        sum(h[i, k] * np.outer(X[i] - means[k], X[i] - means[k]) for i in range(len(X))) / n[k]
        + ridge
        for k in range(len(n))
    ]
    return means, widths, n / len(X)


@pytest.mark.parametrize("diag_add", [1e-3, 0.2, 0])  # PyPR crashes on 0
def test_iterations_are_those_of_the_formulas(X, diag_add):
    start = ([[0.0, 1.0], [2.0, 2.0]], [np.eye(2), 2 * np.eye(2)], [0.3, 0.7])
    expected = start
    for _ in range(3):
        expected = plain_step(X, *expected, diag_add)
    *found, logL = gmm.gmm_em_continue(X, *start, max_iter=3, diag_add=diag_add)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)
    # PyPR's is that of the parameters before the last step.
    assert logL == gmm.gm_log_likelihood(X, *found)


def test_the_fit_is_that_of_fitmog_when_nothing_is_added(X):
    *_, logL = gmm.em_gm(X, 3, max_iter=2000, diag_add=0, rng=1)
    fit = mogfit.FitMoG(X, 3)
    fit.fit_data()
    assert logL == pytest.approx(len(X) * -fit.solution.fun / len(X), abs=1e-3)


def test_what_is_returned_is_lists_of_arrays_that_may_be_written_to(X):
    centres, covariances, p_k, logL = gmm.em(X, 3, max_iter=5, rng=1)
    assert [type(centres), type(covariances), len(centres), len(covariances)] == [list, list, 3, 3]
    assert [centres[0].shape, covariances[0].shape, p_k.shape] == [(2,), (2, 2), (3,)]
    assert p_k.sum() == pytest.approx(1.0, abs=1e-15)
    assert isinstance(logL, float)
    centres[0][:], covariances[0][:], p_k[:] = 0.0, 1.0, 0.0


def test_the_call_of_the_page_runs(X, capsys):
    seen = []

    def iter_plot(cent_lst, cov_lst, itr):
        seen.append((len(cent_lst), cov_lst[0].shape, itr))

    gmm.em_gm(X, K=3, iter=400, verbose=True, iter_call=iter_plot, delta_stop=1e-5)
    assert seen == [(3, (2, 2), i) for i in range(len(seen))]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"EM iteration {i}" for i in range(len(seen))]


def test_calls_have_four_arguments_too_and_keep_what_they_are_given(X):
    kept = []
    result = gmm.em_gm(X, 2, 6, False, lambda *arguments: kept.append(arguments), rng=1)
    assert [len(arguments) for arguments in kept] == [4] * 6
    assert [arguments[3] for arguments in kept] == list(range(6))
    np.testing.assert_array_equal(kept[-1][0], result[0])
    np.testing.assert_array_equal(kept[-1][2], result[2])
    assert np.abs(kept[0][0][0] - kept[-1][0][0]).max() > 1e-6
    with pytest.raises(mogfit.InputError, match=r"^iter_call: .*neither four arguments nor three"):
        gmm.em_gm(X, 2, iter_call=lambda one: None)


def test_what_a_call_raises_comes_through(X):
    def stop(centres, covariances, p_k, i):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gmm.em_gm(X, 2, iter_call=stop)


def test_nothing_is_printed_unless_asked_for(X, capsys):
    gmm.em_gm(X, 2, max_iter=3, init_kw={"cluster_init": "kmeans"})
    assert capsys.readouterr() == ("", "")


def test_iter_and_max_iter_are_one_limit(X):
    one, other = gmm.em_gm(X, 2, max_iter=7, rng=1), gmm.em_gm(X, 2, iter=7, rng=1)
    assert one[3] == other[3]
    with pytest.raises(mogfit.InputError, match=r"^iter: 7 seen beside max_iter=8"):
        gmm.em_gm(X, 2, max_iter=8, iter=7)
    with pytest.raises(TypeError, match="maximum"):
        gmm.em_gm(X, 2, maximum=7)


def test_it_stops_after_so_many_small_changes_in_a_row(X):
    start = gmm.em_gm(X, 3, max_iter=300, rng=1)[:3]
    for count in (1, 4, 10):
        calls, history = [], []

        def call(centres, covs, p_k, i, calls=calls, history=history):
            calls.append(i)
            history.append(gmm.gm_log_likelihood(X, centres, covs, p_k))

        moved = [start[0][::-1], start[1], start[2]]
        gmm.gmm_em_continue(
            X, *moved, 1000, iter_call=call, delta_stop=1e-4, delta_stop_count_end=count
        )
        # The likelihood at the start of iteration i is the one after iteration i - 1.
        changes = np.abs(np.diff([gmm.gm_log_likelihood(X, *moved), *history[:-1]]))
        small = "".join("1" if change < 1e-4 else "0" for change in changes)
        assert small.endswith("1" * count)
        assert ("1" * count) not in small[:-1]
    unchanged = gmm.gmm_em_continue(X, *start, max_iter=0)
    np.testing.assert_array_equal(unchanged[0], start[0])


def test_what_is_added_keeps_components_from_collapsing(rng):
    X = np.r_[np.zeros((40, 2)), rng.normal(size=(40, 2))]
    _, covariances, _, _ = gmm.em_gm(X, 2, rng=1)
    floor = 1e-3 * X.var(axis=0)
    narrowest = np.min([np.diag(covariance) for covariance in covariances], axis=0)
    assert (narrowest >= floor * (1 - 1e-12)).all()
    assert (narrowest <= floor * 1.5).all()
    two_values = np.repeat([[0.0], [1.0]], 20, axis=0)
    with pytest.raises(gmm.Cov_problem, match=r"^K: 3 starts with 2 components have all failed"):
        gmm.em_gm(two_values, 2, max_tries=3, diag_add=0)


def test_it_starts_again_where_a_covariance_is_singular(monkeypatch, rng):
    from mogfit.compat.pypr import em_steps

    X = rng.normal(size=(50, 2))
    good, tries = em_steps.gmm_init, []

    def start(X, K, **keywords):
        tries.append(K)
        centres, covariances, p_k = good(X, K, **keywords)
        if len(tries) < 4:  # nobody is near: the component loses all of its points
            centres[0] = np.array([1e9, 1e9])
        return centres, covariances, p_k

    monkeypatch.setattr(em_steps, "gmm_init", start)
    gmm.em_gm(X, 2, max_tries=4, rng=1)
    assert len(tries) == 4
    tries.clear()
    with pytest.raises(gmm.Cov_problem, match="component 0: it has lost all of its points"):
        gmm.em_gm(X, 2, max_tries=3, rng=1)


def test_a_constant_column_is_named():
    X = np.c_[np.arange(9.0), np.full(9, 0.1)]
    with pytest.raises(gmm.Cov_problem, match=r"^X: column 1 is constant \(0\.1\)"):
        gmm.em_gm(X, 2)
    assert issubclass(gmm.Cov_problem, mogfit.DegenerateError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"K": 0}, "^K: 0"),
        ({"K": 500}, "^K: 500 clusters seen for 400 points"),
        ({"K": 2, "max_iter": -1}, "^max_iter: -1"),
        ({"K": 2, "max_tries": 0}, "^max_tries: 0"),
        ({"K": 2, "diag_add": -1.0}, r"^diag_add: -1\.0"),
        ({"K": 2, "delta_stop": np.nan}, "^delta_stop: nan"),
        ({"K": 2, "init_kw": {"cluster_init": "k-means"}}, "did you mean 'kmeans'"),
        ({"K": 2, "init_kw": {"cov_init": "full"}}, "^cov_init: 'full'"),
    ],
)
def test_arguments_out_of_range_are_refused(X, arguments, message):
    with pytest.raises(mogfit.InputError, match=message):
        gmm.em_gm(X, **arguments)


def test_data_that_are_not_finite_are_refused():
    with pytest.raises(mogfit.InputError, match=r"^X: 1 of 2 values is NaN"):
        gmm.em_gm([[0.0], [np.nan]], 1)


@pytest.mark.parametrize("cluster_init", ["sample", "box", "kmeans"])
def test_every_kind_of_start_leads_to_the_fit(X, cluster_init):
    best = gmm.gmm_em_continue(X, *MIXTURE, max_iter=500)[3]
    fits = [gmm.em_gm(X, 3, 500, init_kw={"cluster_init": cluster_init}, rng=s) for s in range(3)]
    assert max(fit[3] for fit in fits) == pytest.approx(best, abs=1e-3)
    again = gmm.em_gm(X, 3, 500, init_kw={"cluster_init": cluster_init}, rng=0)
    assert again[3] == fits[0][3]


def test_starts_are_what_they_are_said_to_be(X, capsys):
    centres, covariances, p_k = gmm.gmm_init(X, 4, rng=1)
    rows = {tuple(row) for row in X.tolist()}
    assert len({tuple(centre.tolist()) for centre in centres} & rows) == 4
    for covariance in covariances:
        np.testing.assert_allclose(covariance, np.diag(X.var(axis=0)) / 1e10, rtol=1e-14)
    np.testing.assert_allclose(p_k, 0.25)
    boxed, isotropic, _ = gmm.gmm_init(X, 50, cluster_init="box", cov_init="iso", rng=1)
    assert (boxed >= X.min(axis=0)).all()
    assert (boxed <= X.max(axis=0)).all()
    assert len({tuple(centre.tolist()) for centre in boxed} & rows) == 0
    np.testing.assert_allclose(isotropic[0], np.eye(2) / 1e10)
    gmm.gmm_init(X, 3, verbose=True, cluster_init="kmeans", max_init_iter=2)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_kmeans_starts_do_not_depend_on_units(X):
    # In these units the first column alone would decide, were the data not standardised.
    plain, _, _ = gmm.gmm_init(X, 3, cluster_init="kmeans", rng=1)
    scaled, _, _ = gmm.gmm_init(X * [1e6, 1.0], 3, cluster_init="kmeans", rng=1)
    np.testing.assert_allclose(np.array(scaled) / [1e6, 1.0], plain, rtol=1e-9)
    truth = np.array([[0, 0], [3, 3], [0, 4]])
    distances = np.linalg.norm(np.array(plain)[:, None] - truth, axis=2)
    assert sorted(distances.argmin(axis=1)) == [0, 1, 2]
    assert distances.min(axis=1).max() < 0.5
    properties = {"iter": 0}
    raw, _, _ = gmm.gmm_init(X, 3, False, "kmeans", properties, 1, rng=1)
    assert np.abs(np.array(raw) - plain).max() > 1e-3


def test_numpys_seed_makes_a_fit_repeat(X):
    fits = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002  (what PyPR's scripts do)
        fits.append(gmm.em_gm(X, 2, max_iter=20))
    np.testing.assert_array_equal(fits[0][0], fits[1][0])
    assert fits[0][3] == fits[1][3]


def test_points_that_repeat_are_no_start_twice():
    X = np.repeat([[0.0], [1.0], [5.0]], [300, 1, 1], axis=0)
    centres, _, _ = gmm.gmm_init(X, 3, rng=1)
    assert sorted(float(centre[0]) for centre in centres) == [0.0, 1.0, 5.0]
    with pytest.raises(mogfit.InputError, match=r"^K: 4 clusters seen for 3 distinct points"):
        gmm.gmm_init(X, 4)

"""AIC, BIC and ICL of a fit, against scikit-learn, loops, and weights that mean the same."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import mogfit as mn
from mogfit.errors import InputError, NotFittedError
from mogfit.selection.criteria import aic, bic, entropy_of_rows, icl
from tests.selection.samples import two_apart


@pytest.fixture(scope="module")
def fitted():
    F = mn.FitMoG(two_apart(), ngauss=3)
    F.fit_data(random_state=1)
    return F


@pytest.fixture(scope="module")
def weighted():
    weights = np.random.default_rng(5).gamma(2.0, size=300)
    F = mn.FitMoG(two_apart(), ngauss=2)
    F.fit_data(sample_weight=weights, random_state=1)
    return F, weights


def loglik_by_loops(mog, points, weights):
    total = 0.0
    for x, s in zip(points, weights, strict=True):
        density = 0.0
        for w, mu, Sigma in zip(mog.weights, mog.mus, mog.Sigmas, strict=True):
            density += w * stats.multivariate_normal.pdf(x, mu, Sigma)
        total += s * math.log(density)
    return total


def entropy_by_loops(mog, points, weights):
    total = 0.0
    for x, s in zip(points, weights, strict=True):
        parts = [
            w * stats.multivariate_normal.pdf(x, mu, Sigma)
            for w, mu, Sigma in zip(mog.weights, mog.mus, mog.Sigmas, strict=True)
        ]
        for part in parts:
            share = part / sum(parts)
            if share > 0:
                total -= s * share * math.log(share)
    return total


def test_formulas_by_hand():
    assert aic(-12.5, 7) == 39.0
    assert bic(-12.5, 7, math.exp(2.0)) == pytest.approx(39.0)
    assert icl(39.0, 0.25) == 39.5


def test_entropy_of_rows_knows_0_log_0():
    rows = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    expected = [0.0, math.log(2), -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))]
    np.testing.assert_allclose(entropy_of_rows(rows), expected, rtol=1e-15)


@pytest.mark.parametrize("ngauss", [1, 2])
@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_aic_and_bic_are_those_of_scikit_learn(ngauss, covariance):
    mixture = pytest.importorskip("sklearn.mixture")
    points = two_apart()
    F = mn.FitMoG(points, ngauss=ngauss, covariance=covariance)
    F.fit_data(random_state=1)
    theirs = mixture.GaussianMixture(ngauss, covariance_type=covariance)
    theirs.weights_, theirs.means_ = F.mog.weights, F.mog.mus
    Sigmas = F.mog.Sigmas
    theirs.covariances_ = {
        "full": Sigmas,
        "diag": Sigmas.diagonal(0, 1, 2),
        "spherical": Sigmas[:, 0, 0],
        "tied": Sigmas[0],
    }[covariance]
    precisions = np.linalg.inv(Sigmas)
    cholesky = np.linalg.cholesky(precisions)
    theirs.precisions_cholesky_ = {
        "full": cholesky,
        "diag": cholesky.diagonal(0, 1, 2),
        "spherical": cholesky[:, 0, 0],
        "tied": cholesky[0],
    }[covariance]
    if covariance in ("full", "tied"):
        # Theirs is upper triangular: P = C C^T of the inverse of the lower factor.
        upper = np.linalg.inv(np.linalg.cholesky(Sigmas)).transpose(0, 2, 1)
        theirs.precisions_cholesky_ = upper if covariance == "full" else upper[0]
    assert F.aic() == pytest.approx(theirs.aic(points), rel=1e-12)
    assert F.bic() == pytest.approx(theirs.bic(points), rel=1e-12)


def test_icl_adds_twice_the_entropy_by_loops(fitted):
    entropy = entropy_by_loops(fitted.mog, fitted.data, np.ones(300))
    assert entropy > 1.0
    assert fitted.icl() == pytest.approx(fitted.bic() + 2 * entropy, rel=1e-12)


def test_weights_count_as_kishs_effective_size(weighted):
    F, s = weighted
    n = s.sum() ** 2 / (s**2).sum()
    scale = n / s.sum()
    loglik = scale * loglik_by_loops(F.mog, F.data, s)
    entropy = scale * entropy_by_loops(F.mog, F.data, s)
    assert n < 220
    assert F.report.effective_points == pytest.approx(n, rel=1e-14)
    assert F.aic() == pytest.approx(-2 * loglik + 2 * 11, rel=1e-11)
    assert F.bic() == pytest.approx(-2 * loglik + 11 * math.log(n), rel=1e-11)
    assert F.icl() == pytest.approx(F.bic() + 2 * entropy, rel=1e-11)


@pytest.mark.parametrize("factor", [1e3, 1e-200, 1e200])
def test_the_unit_of_the_weights_changes_nothing(weighted, factor):
    F, s = weighted
    seen = F._observed(sample_weight=s * factor)
    assert seen.effective_points == pytest.approx(F.report.effective_points, rel=1e-13)
    if factor == 1e3:
        G = mn.FitMoG(F.data, ngauss=2)
        G.fit_data(sample_weight=s * factor, random_state=1)
        for name in ("aic", "bic", "icl"):
            # Both are at an optimum, to the gradient that ends a fit.
            assert getattr(G, name)() == pytest.approx(getattr(F, name)(), rel=1e-7)


def test_equal_weights_are_none():
    points = two_apart(60)
    F, G = mn.FitMoG(points, ngauss=1), mn.FitMoG(points, ngauss=1)
    F.fit_data()
    G.fit_data(sample_weight=np.full(60, 7.0))
    assert G.report.effective_points == 60
    assert G.bic() == pytest.approx(F.bic(), rel=1e-12)


def test_weights_that_repeat_points_do_so_with_their_sum_as_number(rng):
    points, counts = two_apart(60), rng.integers(0, 4, 60)
    F, G = mn.FitMoG(points, ngauss=1), mn.FitMoG(np.repeat(points, counts, axis=0), ngauss=1)
    F.fit_data(sample_weight=counts)
    G.fit_data()
    for name in ("aic", "bic", "icl"):
        ours = getattr(F, name)(n_points=counts.sum())
        assert ours == pytest.approx(getattr(G, name)(), rel=1e-12)


def test_missing_values_count_by_what_was_seen(rng):
    points = two_apart()
    points[rng.random(points.shape) < 0.1] = np.nan
    points = points[~np.isnan(points).all(axis=1)]
    F = mn.FitMoG(points, ngauss=2, missing="marginal")
    F.fit_data(random_state=1)
    entropy = 0.0
    for row in points:
        seen = ~np.isnan(row)
        parts = np.array(
            [
                w * stats.multivariate_normal.pdf(row[seen], mu[seen], Sigma[np.ix_(seen, seen)])
                for w, mu, Sigma in zip(F.mog.weights, F.mog.mus, F.mog.Sigmas, strict=True)
            ]
        )
        entropy += stats.entropy(parts)
    assert F.icl() == pytest.approx(F.bic() + 2 * entropy, rel=1e-11)


def test_before_a_fit_there_is_nothing_to_judge():
    F = mn.FitMoG(two_apart(), ngauss=2)
    for method in (F.aic, F.bic, F.icl):
        with pytest.raises(NotFittedError, match="call fit_data first"):
            method()


@pytest.mark.parametrize("n_points", [0, -3, math.nan, math.inf, "12", True])
@pytest.mark.parametrize("name", ["aic", "bic", "icl"])
def test_a_number_of_points_must_be_one(fitted, name, n_points):
    with pytest.raises(InputError, match="n_points"):
        getattr(fitted, name)(n_points=n_points)


def test_icl_refuses_other_data(fitted):
    F = copy.copy(fitted)
    F.data = F.data[:100]
    with pytest.raises(InputError, match="100 points seen where the fit had 300"):
        F.icl()


def test_a_copy_keeps_the_weights_and_a_pickle_keeps_them_with_the_data(weighted):
    F, s = weighted
    assert F.copy().icl() == F.icl()
    alone = pickle.loads(pickle.dumps(F))
    assert alone.bic() == F.bic()
    with pytest.raises(InputError, match="No data provided"):
        alone.icl()
    alone.data = F.data
    with pytest.raises(InputError, match="sample_weight: none given"):
        alone.icl()
    assert alone.icl(sample_weight=s) == pytest.approx(F.icl(), rel=1e-14)
    whole = F.copy()
    whole.keep_data = True
    assert pickle.loads(pickle.dumps(whole)).icl() == F.icl()


def test_files_keep_the_number_of_points(weighted, tmp_path):
    F, _ = weighted
    mn.save(F, tmp_path / "fit.json")
    assert mn.load(tmp_path / "fit.json").bic() == F.bic()
    F.save_fit(tmp_path / "fit.pkl", useprefix=False)
    assert mn.FitMoG(tmp_path / "fit.pkl").aic() == F.aic()


def test_a_fit_from_before_it_kept_its_number_of_points(weighted, fitted):
    old = copy.copy(fitted)
    old.report = replace(fitted.report, effective_points=math.nan)
    assert old.bic() == fitted.bic()
    F, _ = weighted
    old = copy.copy(F)
    old.report = replace(F.report, effective_points=math.nan)
    with pytest.raises(InputError, match="n_points: needed"):
        old.bic()
    assert old.bic(n_points=F.report.effective_points) == F.bic()

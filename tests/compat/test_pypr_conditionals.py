"""Conditional and marginal mixtures and regression, beside integrals and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal

import mogfit
from mogfit.compat.pypr import gmm
from tests.compat.reference_mixture import MC, MIXTURE, density, random_mixture

NAN = np.nan


def integral(function):
    value, _ = quad(function, -15, 20, epsabs=1e-13, epsrel=1e-12, limit=400, points=[0, 3, 4])
    return value


@pytest.mark.parametrize("y", [1.0, -1.0, 4.0])
def test_the_conditional_density_is_the_joint_over_the_marginal(y):
    lists = gmm.cond_dist(np.array([NAN, y]), *MIXTURE)
    assert [c.shape for c in lists[0]] == [(1,)] * 3
    assert [S.shape for S in lists[1]] == [(1, 1)] * 3
    below = integral(lambda x: density([x, y])[0])
    for x in (-2.0, 0.0, 1.5, 3.0):
        expected = density([x, y])[0] / below
        assert gmm.gmm_pdf([[x]], *lists)[0] == pytest.approx(expected, rel=1e-10)


def test_the_order_of_the_free_coordinates_is_kept(rng):
    mixture = random_mixture(rng, 3, 4)
    row = np.array([NAN, 0.3, NAN, -0.7])
    lists = gmm.cond_dist(row, *mixture)
    marginal = gmm.gmm_pdf([[0.3, -0.7]], *gmm.marg_dist([1, 3], *mixture))
    for x in rng.normal(size=(5, 2)):
        joint = density([x[0], 0.3, x[1], -0.7], *mixture)
        np.testing.assert_allclose(gmm.gmm_pdf([x], *lists), joint / marginal, rtol=1e-11)
    everything = gmm.cond_dist([NAN] * 4, *mixture)
    for one, other in zip(everything, mixture, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_weights_are_right_however_far_the_value_is():
    # Densities of 1e-10000 underflow in PyPR: 0 / 0. Equal widths: log odds are linear in y.
    lists = gmm.cond_dist([NAN, 200.0], [[0.0, 0.0], [1.0, 0.01]], [np.eye(2)] * 2, [0.5, 0.5])
    odds = np.exp(200.0 * 0.01 - 0.5 * 0.01**2)
    np.testing.assert_allclose(lists[2], [1 / (1 + odds), odds / (1 + odds)], rtol=1e-11)


def test_many_rows_give_many_conditionals():
    rows = np.array([[NAN, 1.0], [2.0, NAN]])
    several = gmm.cond_dist(rows, *MIXTURE)
    for lists, row in zip(several, rows, strict=True):
        for one, other in zip(lists, gmm.cond_dist(row, *MIXTURE), strict=True):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(mogfit.InputError, match=r"^Y: 1 of 2 rows is complete, first at row 1"):
        gmm.cond_dist([[NAN, 1.0], [2.0, 3.0]], *MIXTURE)
    with pytest.raises(mogfit.InputError, match=r"^Y: 1 of 2 values is infinite.*: inf"):
        gmm.cond_dist([NAN, np.inf], *MIXTURE)


def test_marginals_are_integrals_and_keep_the_weights():
    for i, index in ((0, 0), (1, [1]), (0, np.array([0]))):
        lists = gmm.marg_dist(index, *MIXTURE)
        assert [lists[0][0].shape, lists[1][0].shape] == [(1,), (1, 1)]
        np.testing.assert_array_equal(lists[2], MC)
        for x in (-1.0, 0.5, 3.0):
            expected = integral(lambda y, x=x, i=i: density([x, y] if i == 0 else [y, x])[0])
            assert gmm.gmm_pdf([[x]], *lists)[0] == pytest.approx(expected, rel=1e-10)
    swapped = gmm.marg_dist([1, 0], *MIXTURE)
    np.testing.assert_allclose(gmm.gmm_pdf([[4.0, 0.1]], *swapped), density([0.1, 4.0]))
    with pytest.raises(mogfit.InputError):
        gmm.marg_dist([2], *MIXTURE)


def by_brute_force(row, centroids, ccov, mc):
    """Conditional mean and covariance of one row, component by component."""
    free, known = np.isnan(row), ~np.isnan(row)
    shares, means, widths = [], [], []
    for w, m, S in zip(mc, centroids, ccov, strict=True):
        inner = np.linalg.inv(S[np.ix_(known, known)])
        cross = S[np.ix_(free, known)]
        shares.append(w * multivariate_normal.pdf(row[known], m[known], S[np.ix_(known, known)]))
        means.append(m[free] + cross @ inner @ (row[known] - m[known]))
        widths.append(S[np.ix_(free, free)] - cross @ inner @ cross.T)
    shares = np.array(shares) / sum(shares)
    mean = sum(h * m for h, m in zip(shares, means, strict=True))
    second = sum(h * (S + np.outer(m, m)) for h, m, S in zip(shares, means, widths, strict=True))
    return mean, second - np.outer(mean, mean)


@pytest.mark.parametrize("pattern", [[1], [0, 2], [0, 1, 3]])
def test_regression_with_one_target_and_with_several(rng, pattern):
    # PyPR takes a product of numbers for an outer one: wrong for two targets or more.
    mixture = random_mixture(rng, 3, 4)
    truth = gmm.sample_gaussian_mixture(*mixture, samples=6, rng=1)
    X = truth.copy()
    X[:, pattern] = NAN
    rows = X.copy()
    covariances = gmm.predict(X, *mixture)
    assert isinstance(covariances, list)
    assert len(covariances) == 6
    for row, filled, covariance in zip(rows, X, covariances, strict=True):
        mean, expected = by_brute_force(row, *mixture)
        np.testing.assert_allclose(filled[pattern], mean, rtol=1e-10)
        np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-11)
    known = [i for i in range(4) if i not in pattern]
    np.testing.assert_array_equal(X[:, known], truth[:, known])


def test_regression_on_one_gaussian_is_the_closed_form(rng):
    (mean,), (S,), _ = random_mixture(rng, 1, 3)
    X = rng.normal(size=(20, 3)) * [1, NAN, 1]
    slope = np.linalg.solve(S[np.ix_([0, 2], [0, 2])], S[[0, 2], 1])
    expected = mean[1] + (X[:, [0, 2]] - mean[[0, 2]]) @ slope
    covariances = gmm.predict(X, [mean], [S], [1.0])
    np.testing.assert_allclose(X[:, 1], expected, rtol=1e-12)
    np.testing.assert_allclose(np.ravel(covariances), S[1, 1] - S[[0, 2], 1] @ slope, rtol=1e-12)


def test_rows_may_miss_different_values_everything_or_nothing(rng):
    mixture = random_mixture(rng, 2, 3)
    X = np.array([[0.1, NAN, 0.2], [NAN, NAN, NAN], [1.0, 2.0, 3.0], [NAN, 0.5, NAN]])
    rows = X.copy()
    covariances = gmm.predict(X, *mixture)
    assert [covariance.shape for covariance in covariances] == [(1, 1), (3, 3), (0, 0), (2, 2)]
    for i in (0, 3):
        mean, expected = by_brute_force(rows[i], *mixture)
        np.testing.assert_allclose(X[i, np.isnan(rows[i])], mean, rtol=1e-11)
        np.testing.assert_allclose(covariances[i], expected, rtol=1e-10)
    centres, widths, weights = mixture
    overall = weights @ np.array(centres)
    np.testing.assert_allclose(X[1], overall, rtol=1e-12)
    offsets = np.array(centres) - overall
    spread = sum(w * (S + np.outer(o, o)) for w, S, o in zip(weights, widths, offsets, strict=True))
    np.testing.assert_allclose(covariances[1], spread, rtol=1e-12)
    np.testing.assert_array_equal(X[2], [1.0, 2.0, 3.0])


def test_regression_far_away_follows_the_nearest_component():
    X = np.array([[500.0, NAN], [-500.0, NAN]])
    variances = gmm.predict(X, [[0, 0], [1, 5]], [np.eye(2), np.diag([1, 4])], [0.5, 0.5])
    np.testing.assert_allclose(X[:, 1], [5.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(np.ravel(variances), [4.0, 1.0], rtol=1e-12)


def test_units_change_no_digit(rng):
    centres, widths, weights = random_mixture(rng, 2, 3)
    scale = np.array([1e-9, 1.0, 1e9])
    X = rng.normal(size=(5, 3)) * [1, NAN, 1]
    Y = X * scale
    gmm.predict(X, centres, widths, weights)
    gmm.predict(Y, centres * scale, [S * np.outer(scale, scale) for S in widths], weights)
    np.testing.assert_allclose(Y, X * scale, rtol=1e-12)


def test_the_array_that_is_given_is_filled_unless_it_must_not_be():
    mixture = [[0.0, 0.0]], [[[1.0, 0.4], [0.4, 1.0]]], [1.0]
    X = np.array([[1.0, NAN]])
    prediction = gmm.predict(X, *mixture, overwrite=False)
    assert np.isnan(X[0, 1])
    np.testing.assert_allclose(prediction.filled, [[1.0, 0.4]])
    np.testing.assert_allclose(gmm.predict([1.0, NAN], *mixture, overwrite=False).filled, [1, 0.4])
    prediction = gmm.predict(X, *mixture)
    assert prediction.filled is X
    np.testing.assert_allclose(X, [[1.0, 0.4]])
    row = np.array([1.0, NAN], dtype=np.float32)
    gmm.predict(row, *mixture)
    np.testing.assert_allclose(row, [1.0, 0.4], rtol=1e-7)
    strided = np.full((6, 4), NAN)
    strided[::2, ::2] = [[1.0, NAN]] * 3
    gmm.predict(strided[::2, ::2], *mixture)
    np.testing.assert_allclose(strided[::2, ::2], [[1.0, 0.4]] * 3)
    assert np.isnan(strided).sum() == 24 - 6


def test_what_cannot_be_filled_in_place_is_refused_and_left_alone():
    mixture = [[0.0, 0.0]], [np.eye(2)], [1.0]
    fixed = np.array([[1.0, NAN]])
    fixed.setflags(write=False)
    masked = np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    for X in ([[1.0, NAN]], fixed, masked):
        with pytest.raises(mogfit.InputError, match=r"^X: .*or overwrite=False"):
            gmm.predict(X, *mixture)
        np.testing.assert_allclose(gmm.predict(X, *mixture, overwrite=False).filled, [[1.0, 0.0]])
    infinite = np.array([[NAN, 1.0], [NAN, -np.inf]])
    with pytest.raises(mogfit.InputError, match=r"^X: 1 of 4 .* at row 1, column 1: -inf"):
        gmm.predict(infinite, *mixture)
    assert np.isnan(infinite[:, 0]).all()


def test_moments_have_any_number_of_rows_and_the_weights(rng):
    # PyPR's has 60 rows and equal weights built in.
    mixture = random_mixture(rng, 3, 3)
    for n in (1, 7, 61):
        X = rng.normal(size=(n, 3)) * [NAN, 1, NAN]
        mean, variance = gmm.cond_moments(X, *mixture)
        assert mean.shape == variance.shape == (n, 2)
        assert np.isnan(X[:, 0]).all()
        for i in range(n):
            expected, covariance = by_brute_force(X[i], *mixture)
            np.testing.assert_allclose(mean[i], expected, rtol=1e-10)
            np.testing.assert_allclose(variance[i], np.diag(covariance), rtol=1e-9)
    mean, variance = gmm.cond_moments([NAN, 0.5, NAN], *mixture)
    assert mean.shape == variance.shape == (2,)
    mean, variance = gmm.cond_moments([[1.0, NAN, 0.0], [NAN, 0.5, 0.0]], *mixture)
    assert [mean[0, 0], variance[0, 0], mean[1, 1], variance[1, 1]] == [1.0, 0.0, 0.5, 0.0]


def test_a_mixture_in_one_variable_has_its_own_mean():
    X = np.array([NAN, 1.0, NAN])
    gmm.predict(X, [0.0, 2.0], [1.0, 4.0], [0.25, 0.75])
    np.testing.assert_allclose(X, [1.5, 1.0, 1.5])

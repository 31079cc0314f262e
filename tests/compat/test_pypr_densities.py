"""Draws, densities, likelihood and labels, beside scipy's; each defect of PyPR's, mended."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm

import mogfit
from mogfit.compat.pypr import gmm
from tests.compat.reference_mixture import CCOV, CENTROIDS, MC, MIXTURE, density, random_mixture


@pytest.mark.parametrize("D", [1, 2, 3, 5])
def test_the_density_of_a_gaussian_in_even_and_odd_dimensions(rng, D):
    # PyPR's log density has N/2 as an integer: 0.919 off in one variable.
    (mean,), (covariance,), _ = random_mixture(rng, 1, D)
    X = rng.normal(size=(20, D))
    expected = np.atleast_1d(multivariate_normal.logpdf(X, mean, covariance))
    np.testing.assert_allclose(gmm.logmulnormpdf(X, mean, covariance), expected, rtol=1e-12)
    np.testing.assert_allclose(gmm.mulnormpdf(X, mean, covariance), np.exp(expected), rtol=1e-12)


def test_a_vector_is_one_point_or_many_points_of_one_variable():
    assert gmm.mulnormpdf([0.5, 1.0], [0.0, 0.0], np.eye(2)).shape == (1,)
    expected = norm.pdf([0.5, 1.0], 1.0, 2.0)
    for variance in (4.0, [[4.0]]):  # PyPR's log density fails on a variance
        np.testing.assert_allclose(gmm.mulnormpdf([0.5, 1.0], [1.0], variance), expected)
        np.testing.assert_allclose(gmm.logmulnormpdf([0.5, 1.0], [1.0], variance), np.log(expected))


def test_no_inverse_and_no_determinant_are_formed():
    # The determinant, 1e-400, is no double.
    D = 100
    x, covariance = np.full((1, D), 0.01), 1e-4 * np.eye(D)
    expected = norm.logpdf(0.01, 0.0, 0.01) * D
    np.testing.assert_allclose(gmm.logmulnormpdf(x, np.zeros(D), covariance), expected, rtol=1e-13)
    # Nearly singular: along (1, -1) the variance is 1e-12, and the inverse has lost its digits.
    r = 1.0 - 1e-12
    x = np.array([[1e-6, -1e-6]])
    expected = norm.logpdf(x[0, 0] * 2**0.5, 0, (1 - r) ** 0.5) + norm.logpdf(0, 0, (1 + r) ** 0.5)
    found = gmm.logmulnormpdf(x, [0.0, 0.0], [[1.0, r], [r, 1.0]])
    np.testing.assert_allclose(found, expected, rtol=1e-3)  # 1 - r has four digits


@pytest.mark.parametrize("function", [gmm.mulnormpdf, gmm.logmulnormpdf])
def test_a_gaussian_that_is_none_is_refused(function):
    for mean in (0.0, [[0.0, 0.0]], []):
        with pytest.raises(ValueError, match=r"^MU: shape"):
            function([[0.0, 0.0]], mean, np.eye(2))
    with pytest.raises(mogfit.InputError, match=r"^SIGMA: shape \(3, 3\) seen"):
        function([[0.0, 0.0]], [0.0, 0.0], np.eye(3))
    with pytest.raises(mogfit.InputError, match=r"^SIGMA: the matrix is not positive definite"):
        function([[0.0, 0.0]], [0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]])


def test_the_density_of_a_mixture_and_its_parts(rng):
    X = rng.normal(2, 3, (50, 2))
    np.testing.assert_allclose(gmm.gmm_pdf(X, *MIXTURE), density(X), rtol=1e-12)
    parts = gmm.gmm_pdf(X, *MIXTURE, individual=True)
    assert parts.shape == (50, 3)
    for k in range(3):
        expected = MC[k] * multivariate_normal.pdf(X, CENTROIDS[k], CCOV[k])
        np.testing.assert_allclose(parts[:, k], expected, rtol=1e-12)
    assert gmm.gmm_pdf(X[0], *MIXTURE).shape == (1,)
    assert gmm.gmm_pdf(X[0], *MIXTURE, individual=True).shape == (1, 3)
    assert gmm.gmm_pdf(np.empty((0, 2)), *MIXTURE).shape == (0,)


def test_weights_of_a_density_are_used_as_they_are():
    X, scaled = [[0.0, 1.0]], [0.8, 0.8, 0.4]
    np.testing.assert_allclose(gmm.gmm_pdf(X, CENTROIDS, CCOV, scaled), 2 * density(X), rtol=1e-13)
    one = gmm.gmm_pdf(X, CENTROIDS, CCOV, [0.0, 0.5, 0.0])
    np.testing.assert_allclose(one, 0.5 * gmm.mulnormpdf(X, CENTROIDS[1], CCOV[1]), rtol=1e-13)


def test_one_variable_may_be_written_with_numbers():
    X = np.linspace(-3, 3, 7)
    expected = 0.3 * norm.pdf(X, -1, 1) + 0.7 * norm.pdf(X, 2, 0.5)
    for centroids, ccov in (([-1.0, 2.0], [1.0, 0.25]), ([[-1.0], [2.0]], [[[1.0]], [[0.25]]])):
        for rows in (X, X[:, None]):
            found = gmm.gmm_pdf(rows, centroids, ccov, [0.3, 0.7])
            np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_the_log_likelihood_loses_nothing_far_away(rng):
    X = rng.normal(2, 3, (50, 2))
    expected = np.log(density(X)).sum()
    assert gmm.gm_log_likelihood(X, *MIXTURE) == pytest.approx(expected, rel=1e-13)
    # exp(-5e7) is 0: the sum of densities would say -inf.
    far = gmm.gm_log_likelihood([[0.0, 1e4]], CENTROIDS[:1], [np.eye(2)], [1.0])
    assert far == pytest.approx(-np.log(2 * np.pi) - 5e7, rel=1e-14)


def test_labels_are_those_of_the_largest_part(rng, capsys):
    X = rng.normal(2, 3, (200, 2))
    labels = gmm.gm_assign_to_cluster(X, *MIXTURE)
    assert labels.dtype.kind == "i"
    np.testing.assert_array_equal(labels, gmm.gmm_pdf(X, *MIXTURE, individual=True).argmax(axis=1))
    # Parts that are 0 in double precision still have a largest one.
    far = gmm.gm_assign_to_cluster([[-200.0], [300.0]], [[0.0], [1.0]], [1.0, 1.0], [0.5, 0.5])
    np.testing.assert_array_equal(far, [0, 1])
    # PyPR adds the labels of components that tie, here to 3, and prints.
    tied = gmm.gm_assign_to_cluster([[5.0]], [[0.0], [4.0], [6.0]], [1.0] * 3, [0.2, 0.4, 0.4])
    np.testing.assert_array_equal(tied, [1])
    assert capsys.readouterr().out == ""


def test_draws_follow_the_density_and_repeat():
    np.random.seed(1)  # noqa: NPY002  (what PyPR's scripts do)
    X = gmm.sample_gaussian_mixture(*MIXTURE, samples=4000)
    assert X.shape == (4000, 2)
    for i in range(2):
        means, sds = [c[i] for c in CENTROIDS], [S[i, i] ** 0.5 for S in CCOV]

        def cdf(x, means=means, sds=sds):
            return sum(w * norm.cdf(x, m, s) for w, m, s in zip(MC, means, sds, strict=True))

        assert kstest(X[:, i], cdf).pvalue > 1e-3
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(X, gmm.sample_gaussian_mixture(*MIXTURE, samples=4000))
    again = [gmm.sample_gaussian_mixture(*MIXTURE, samples=9, rng=5) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_draws_have_equal_weights_unless_told():
    X = gmm.sample_gaussian_mixture([[0.0], [100.0]], [1.0, 1.0], samples=4000, rng=1)
    assert abs((X > 50).mean() - 0.5) < 4 * 0.5 / 4000**0.5
    assert gmm.sample_gaussian_mixture([[0.0], [100.0]], [1.0, 1.0]).shape == (1, 1)


def test_weights_may_be_a_rounding_error_off_but_not_wrong():
    # PyPR refuses 1e-15, and leaves a row of zeros where a draw lies beyond the sum.
    tenths = [0.1] * 10
    assert sum(tenths) != 1.0
    centroids, ccov = [[100.0]] * 10, [1e-4] * 10
    X = gmm.sample_gaussian_mixture(centroids, ccov, np.array(tenths) * (1 - 1e-9), 5000, rng=1)
    assert X.min() > 99
    with pytest.raises(ValueError, match=r"^mc: 0\.9 .*; allowed: weights of sum 1"):
        gmm.sample_gaussian_mixture(centroids[:2], ccov[:2], [0.4, 0.5])


@pytest.mark.parametrize(
    ("centroids", "ccov", "mc", "message"),
    [
        ([], [], [], r"^centroids: shape \(0, 1\)"),
        ([[0, 0], [1]], [np.eye(2)] * 2, None, "^centroids: rows of different lengths"),
        ([[0, np.nan]], [np.eye(2)], None, "^centroids: 1 of 2 values is not finite"),
        ([[0, 0]], [np.eye(3)], None, r"^ccov: shape \(1, 3, 3\) seen"),
        ([[0, 0]], [np.ones((2, 2))], None, "^ccov: component 0 is singular: rank 1 of 2"),
        ([[0, 0]], [np.eye(2)], [0.5, 0.5], r"^mc: shape \(2,\) seen"),
        ([[0, 0]] * 2, [np.eye(2)] * 2, [1.5, -0.5], "^mc: 1 of 2 values is negative.*1: -0.5"),
        ([[0, 0]] * 2, [np.eye(2)] * 2, [0, 0], "^mc: 2 of 2 values are 0"),
    ],
)
def test_a_mixture_that_is_none_is_refused(centroids, ccov, mc, message):
    with pytest.raises(mogfit.InputError, match=message):
        gmm.gmm_pdf([[0.0, 0.0]], centroids, ccov, mc)


def test_messages_have_the_names_of_the_arguments():
    with pytest.raises(mogfit.InputError, match=r"^cov_list: "):
        gmm.gm_log_likelihood([[0.0, 0.0]], [[0, 0]], [np.eye(3)], [1.0])
    with pytest.raises(mogfit.InputError, match=r"^X: 1 of 2 values is NaN"):
        gmm.gm_assign_to_cluster([[0.0, np.nan]], [[0, 0]], [np.eye(2)], [1.0])

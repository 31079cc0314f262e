"""Differences of components beside integrals, ellipses beside their equation, and the picture."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

import mogfit
from mogfit.compat.pypr import gmm, gmm_plot
from tests.compat.reference_mixture import CCOV, CENTROIDS, MC, MIXTURE, random_mixture

ONE_D = [0.0, 1.0, 2.5], [1.0, 4.0, 0.25], [0.5, 0.3, 0.2]


def one_d_integral(function):
    """Of function(density i, density j) for every pair i <= j of the mixture in one variable."""
    means, variances, _ = ONE_D
    result = np.zeros((3, 3))
    for i in range(3):
        for j in range(i, 3):

            def integrand(x, i=i, j=j):
                return function(
                    i, j, norm.pdf(x, means[i], variances[i] ** 0.5),
                    norm.pdf(x, means[j], variances[j] ** 0.5),
                )  # fmt: skip

            result[i, j] = quad(integrand, -20, 20, epsabs=1e-13, limit=400)[0]
    return result


def test_hellinger_is_the_bhattacharyya_coefficient():
    expected = one_d_integral(lambda i, j, p, q: np.sqrt(p * q))
    found = gmm.find_density_diff(*ONE_D)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(np.diag(found), 1.0, rtol=1e-14)
    # Also where a component has no weight.
    without = gmm.find_density_diff(*ONE_D[:2], [0.0, 0.4, 0.6])
    np.testing.assert_allclose(without, found, rtol=1e-14)
    # In more variables: the closed form, with determinants (PyPR has norms in their place).
    found = gmm.find_density_diff(CENTROIDS, CCOV)
    mean, S = (CENTROIDS[0] - CENTROIDS[1]) / 2, (CCOV[0] + CCOV[1]) / 2
    roots = np.linalg.det(CCOV[0]) ** 0.25 * np.linalg.det(CCOV[1]) ** 0.25
    expected = roots / np.linalg.det(S) ** 0.5 * np.exp(-0.5 * mean @ np.linalg.solve(S, mean))
    assert found[0, 1] == pytest.approx(expected, rel=1e-12)
    assert (np.tril(found, -1) == 0).all()


def test_the_weighted_difference_is_that_of_weighted_densities():
    # PyPR's raises NameError.
    weights = ONE_D[2]
    expected = one_d_integral(
        lambda i, j, p, q: (np.sqrt(weights[i] * p) - np.sqrt(weights[j] * q)) ** 2
    )
    found = gmm.find_density_diff(*ONE_D, method="hellinger_weighted")
    np.testing.assert_allclose(found, expected, atol=1e-10)
    same = gmm.find_density_diff([0.0, 0.0], [1.0, 1.0], [0.5, 0.5], "hellinger_weighted")
    np.testing.assert_array_equal(same, np.zeros((2, 2)))
    equal = gmm.find_density_diff(*ONE_D[:2], method="hellinger_weighted")
    plain = gmm.find_density_diff(*ONE_D[:2])
    np.testing.assert_allclose(equal, np.triu(2 / 3 * (1 - plain)), atol=1e-15)


def test_kl_is_of_the_second_from_the_first():
    expected = one_d_integral(lambda i, j, p, q: q * (np.log(q) - np.log(p)) if q > 0 else 0.0)
    found = gmm.find_density_diff(*ONE_D, method="KL")
    np.testing.assert_allclose(found, expected, atol=1e-9)
    found = gmm.find_density_diff(CENTROIDS, CCOV, method="KL")
    offset, inverse = CENTROIDS[0] - CENTROIDS[2], np.linalg.inv(CCOV[0])
    log_ratio = np.log(np.linalg.det(CCOV[0]) / np.linalg.det(CCOV[2]))
    trace = np.trace(inverse @ CCOV[2] - np.eye(2))
    expected = 0.5 * (offset @ inverse @ offset + trace + log_ratio)
    assert found[0, 2] == pytest.approx(expected, rel=1e-12)


def test_a_function_may_compare(rng):
    centres, widths, weights = random_mixture(rng, 3, 2)

    def apart(center_i, cov_i, center_j, cov_j):
        return float(np.linalg.norm(center_i - center_j) + np.trace(cov_i @ cov_j))

    found = gmm.find_density_diff(centres, widths, weights, apart)
    assert found[0, 2] == apart(centres[0], widths[0], centres[2], widths[2])
    assert found[2, 0] == 0.0
    with pytest.raises(mogfit.InputError, match=r"^method: 'kl' seen.*did you mean 'KL'"):
        gmm.find_density_diff(centres, widths, method="kl")


@pytest.mark.parametrize("sdwidth", [1, 2.5])
def test_an_ellipse_is_closed_and_as_many_deviations_away(sdwidth):
    for centroid, ccov in zip(CENTROIDS, CCOV, strict=True):
        x, y = gmm.gauss_ellipse_2d(centroid, ccov, sdwidth, 37)
        assert x.shape == y.shape == (37,)
        offsets = np.c_[x, y] - centroid
        squared = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(ccov), offsets)
        np.testing.assert_allclose(squared, sdwidth**2, rtol=1e-12)
        np.testing.assert_allclose([x[0], y[0]], [x[-1], y[-1]], atol=1e-14)
        # All the way around: the area of the polygon is nearly that of the ellipse.
        area = 0.5 * abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
        assert area == pytest.approx(np.pi * sdwidth**2 * np.linalg.det(ccov) ** 0.5, rel=0.01)
    assert gmm.gauss_ellipse_2d([0, 0], np.eye(2))[0].shape == (100,)
    with pytest.raises(mogfit.InputError, match=r"^centroid: shape \(3,\)"):
        gmm.gauss_ellipse_2d([0, 0, 0], np.eye(3))


def test_the_picture_shows_every_marginal(rng):
    mpl.use("Agg")
    centres, widths, weights = random_mixture(rng, 2, 3)
    X = gmm.sample_gaussian_mixture(centres, widths, weights, samples=50, rng=1)
    figure = gmm_plot.plot_marg(X, centres, widths, weights, grid=15)
    try:
        assert len(figure.axes) == 6
        by_name = {(a.get_xlabel(), a.get_ylabel()): a for a in figure.axes}
        line = by_name["$x_{3}$", r"$\log p(x_{3})$"].lines[0]
        lists = gmm.marg_dist(2, centres, widths, weights)
        expected = np.log(gmm.gmm_pdf(line.get_xdata(), *lists))
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-9)
        pair = by_name["$x_{1}$", "$x_{3}$"]
        mesh = pair.collections[0]
        corner = np.asarray(mesh.get_coordinates())[0, 0]
        expected = sum(
            w * multivariate_normal.pdf(corner, m[[0, 2]], S[np.ix_([0, 2], [0, 2])])
            for w, m, S in zip(weights, centres, widths, strict=True)
        )
        assert np.asarray(mesh.get_array()).ravel()[0] == pytest.approx(np.log(expected))
        np.testing.assert_array_equal(pair.lines[0].get_xydata(), X[:, [0, 2]])
        assert len(pair.lines) == 1 + 2
        widest = centres[1][0] + widths[1][0, 0] ** 0.5
        assert pair.lines[2].get_xdata().max() == pytest.approx(widest, rel=1e-2)
        assert [text.get_text() for text in pair.texts] == ["1", "2"]
        figure.canvas.draw()
    finally:
        plt.close(figure)


def test_the_picture_needs_no_points():
    mpl.use("Agg")
    figure = gmm_plot.plot_marg(None, *MIXTURE, grid=10)
    one = gmm_plot.plot_marg(np.linspace(-9, 0, 4), [0.0, 1.0], [1.0, 1.0], MC[:2], grid=10)
    assert [len(figure.axes), len(one.axes)] == [3, 1]
    assert one.axes[0].lines[0].get_xdata()[0] == -9
    plt.close("all")

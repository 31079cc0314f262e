"""The densities under the names of C routines, against SciPy."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mogfit import MixtureOfGaussians, cmog

MEANS = np.array([[0.0, 1.0], [2.0, -1.0]])
SIGMAS = np.array([[[1.0, 0.3], [0.3, 2.0]], [[0.5, -0.1], [-0.1, 0.4]]])
POINTS = np.random.default_rng(1).normal(size=(20, 2))


def test_the_examples_of_the_documentation_run():
    assert doctest.testmod(cmog).failed == 0
    assert cmog.has_c_lib is True


def test_one_normal_and_a_mixture_with_weights_as_they_are():
    each = [multivariate_normal(m, S).pdf(POINTS) for m, S in zip(MEANS, SIGMAS, strict=True)]
    np.testing.assert_allclose(cmog.nmd_c(POINTS, MEANS[0], SIGMAS[0]), each[0], rtol=1e-13)
    weights = [0.5, 3.0]
    expected = 0.5 * each[0] + 3.0 * each[1]
    np.testing.assert_allclose(cmog.mog_c(POINTS, weights, MEANS, SIGMAS), expected, rtol=1e-13)


def test_a_box_cuts_and_its_probabilities_divide():
    each = [multivariate_normal(m, S).pdf(POINTS) for m, S in zip(MEANS, SIGMAS, strict=True)]
    a, b = [-0.5, -np.inf], [np.inf, 0.8]
    inside = (POINTS[:, 0] >= -0.5) & (POINTS[:, 1] <= 0.8)
    assert 0 < inside.sum() < len(POINTS)
    np.testing.assert_allclose(
        cmog.tnmd_c(POINTS, MEANS[0], SIGMAS[0], a, b, 0.25), inside * each[0] / 0.25, rtol=1e-13
    )
    np.testing.assert_allclose(
        cmog.tmog_c(POINTS, [0.4, 0.6], MEANS, SIGMAS, a, b, [0.2, 0.5]),
        inside * (2.0 * each[0] + 1.2 * each[1]),
        rtol=1e-13,
    )
    free = [-np.inf, -np.inf], [np.inf, np.inf]
    np.testing.assert_allclose(cmog.tnmd_c(POINTS, MEANS[0], SIGMAS[0], *free), each[0], rtol=1e-13)


def test_results_are_arrays_of_one_value_a_point():
    assert cmog.nmd_c(POINTS[0], MEANS[0], SIGMAS[0]).shape == (1,)
    assert cmog.nmd_c(np.empty((0, 2)), MEANS[0], SIGMAS[0]).shape == (0,)
    # In one variable a row of numbers is as many points, not one point in many dimensions.
    np.testing.assert_allclose(
        cmog.nmd_c([0.0, 1.0, 2.0], 1.0, 4.0), norm.pdf([0.0, 1.0, 2.0], 1.0, 2.0), rtol=1e-14
    )
    assert cmog.mog_c(0.5, [0.5, 0.5], [0.0, 1.0], [1.0, 1.0]).shape == (1,)


def test_a_truncated_mixture_agrees_with_its_class():
    mog = MixtureOfGaussians(
        weights=[0.3, 0.7], mus=MEANS, Sigmas=SIGMAS, domain=[[-1, 2], [None, 1]]
    )
    density = cmog.tmog_c(
        POINTS, mog.weights, MEANS, SIGMAS, [-1, -np.inf], [2, 1], np.exp(mog.log_masses)
    )
    np.testing.assert_allclose(density, mog.pdf(POINTS), rtol=1e-13)


def test_variances_of_independent_variables_need_no_matrix():
    expected = multivariate_normal([0, 1], np.diag([2.0, 3.0])).pdf(POINTS)
    np.testing.assert_allclose(cmog.nmd_c(POINTS, [0, 1], [2.0, 3.0]), expected, rtol=1e-13)
    expected = multivariate_normal([0, 1], 2.0 * np.eye(2)).pdf(POINTS)
    np.testing.assert_allclose(cmog.nmd_c(POINTS, [0, 1], 2.0), expected, rtol=1e-13)


def test_a_number_is_the_side_of_every_variable_and_sides_belong_to_the_box():
    corners = [[0, 0], [1, 1], [0, 1.0000001], [-0.0000001, 0.5], [0.5, 0.5]]
    inside = np.array([1, 1, 0, 0, 1])
    density = cmog.nmd_c(corners, [0, 0], np.eye(2)) * inside
    for a, b in ((0, 1), ([0, 0], [1, 1])):
        found = cmog.tnmd_c(corners, [0, 0], np.eye(2), a, b)
        np.testing.assert_array_equal(found, density)


def test_probabilities_of_a_box_may_be_tiny_and_weights_zero():
    # 1 / Z is not a float, the quotient is one.
    found = cmog.tnmd_c([0.0], 38.0, 1.0, 0.0, 1.0, Z=1e-310)
    assert found == pytest.approx(np.exp(norm.logpdf(38.0) - np.log(1e-310)), rel=1e-12)
    one = cmog.mog_c(POINTS, [0.0, 1.0], MEANS, SIGMAS)
    np.testing.assert_allclose(one, cmog.nmd_c(POINTS, MEANS[1], SIGMAS[1]), rtol=1e-14)


def test_what_is_not_a_number_stays_so_and_infinity_has_no_density():
    X = [[np.nan, 0.5], [0.5, np.nan], [np.inf, 0.5]]
    for found in (
        cmog.nmd_c(X, [0, 0], np.eye(2)),
        cmog.tnmd_c(X, [0, 0], np.eye(2), 0, 1),
    ):
        np.testing.assert_array_equal(found, [np.nan, np.nan, 0.0])


def test_a_box_of_something_else_is_refused():
    with pytest.raises(TypeError, match=r"^a: dtype object"):
        cmog.tnmd_c(POINTS, [0, 0], np.eye(2), [None, 0], [1, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cmog.nmd_c(POINTS, [0, 0], [[1, 2], [2, 1]]), "positive definite|eigenvalue"),
        (lambda: cmog.nmd_c(POINTS, [0, 0, 0], np.eye(3)), "^X: "),
        (lambda: cmog.nmd_c(POINTS, [[0, 0]], np.eye(2)), "^mu: shape"),
        (lambda: cmog.tnmd_c(POINTS, [0, 0], np.eye(2), [0], [1]), "^a: shape"),
        (lambda: cmog.tnmd_c(POINTS, [0, 0], np.eye(2), [0, 0], [1, 1], 0.0), "^Z: "),
        (
            lambda: cmog.tnmd_c(POINTS, [0, 0], np.eye(2), [0, 2], [1, 1]),
            r"^a: 2 seen where b is 1",
        ),
        (lambda: cmog.tnmd_c(POINTS, [0, 0], np.eye(2), 0, [1, 0]), r"^a: 0 seen where b is 0"),
        (lambda: cmog.tnmd_c(POINTS, [0, 0], np.eye(2), [0, np.nan], [1, 1]), "^a: nan seen"),
        (lambda: cmog.mog_c(POINTS, [1, -1], MEANS, SIGMAS), "^weights: "),
        (lambda: cmog.tmog_c(POINTS, [1, 1], MEANS, SIGMAS, [0, 0], [1, 1], [1]), r"^Zs: shape"),
        (lambda: cmog.tmog_c(POINTS, [1, 1], MEANS, SIGMAS, [0, 0], [1, 1], [1, 0]), "^Zs: 1 of 2"),
        (lambda: cmog.nmd_c(POINTS, [0, 0], np.eye(3)), r"^Sigma: shape \(3, 3\)"),
        (lambda: cmog.nmd_c(POINTS, [0, 0], [1, -1]), "^Sigma: 1 of 2 variances"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

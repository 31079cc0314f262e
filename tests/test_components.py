"""Weights, means and covariances that users supply: what is used and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import DtypeError, InputError, MixtureOfGaussians
from mogfit.density.components import (
    check_covariances,
    check_means,
    check_sigmas_rhos,
    check_weights,
    real_array,
)

EYES = np.tile(np.eye(2), (3, 1, 1))


def with_entry(array, index, value):
    changed = np.array(array, dtype=float)
    changed[index] = value
    return changed


def test_weights_are_divided_by_their_sum():
    np.testing.assert_array_equal(check_weights([1, 3], 2), [0.25, 0.75])
    np.testing.assert_array_equal(check_weights([1.0, 3.0], 2, normalise=False), [1.0, 3.0])
    np.testing.assert_array_equal(check_weights(None, 4), [0.25] * 4)
    np.testing.assert_array_equal(check_weights([0.0, 2.0], 2), [0.0, 1.0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, -0.25, 0.75], r"^weights: 1 of 3 values is negative, first at component 1: -0.25;"),
        ([0.5, np.nan, 0.5], r"^weights: 1 of 3 values is not finite, first at index 1: nan;"),
        ([np.inf, 0.5, 0.5], r"^weights: 1 of 3 values is not finite, first at index 0: inf;"),
        ([0, 0, 0], r"^weights: all 3 are 0; allowed: numbers >= 0, at least one of them above 0"),
        ([0.5, 0.5], r"^weights: shape \(2,\) seen, shape \(3,\) expected .* 3 components of mus"),
        ([[0.2, 0.3, 0.5]], r"^weights: shape \(1, 3\) seen"),
    ],
)
def test_weights_that_cannot_be(weights, message):
    with pytest.raises(InputError, match=message):
        check_weights(weights, 3)


def test_a_vector_of_means_is_one_variable():
    assert check_means([1, 2, 3]).shape == (3, 1)
    assert check_means([[1, 2, 3]]).shape == (1, 3)


@pytest.mark.parametrize("mus", [1.0, [], [[]], np.zeros((2, 2, 2))])
def test_means_of_another_shape_are_refused(mus):
    with pytest.raises(
        InputError, match=r"^mus: shape \(.*\) seen, shape \(components, variables\)"
    ):
        check_means(mus)


def test_variances_of_one_variable_may_be_a_vector_and_one_matrix_stands_alone():
    np.testing.assert_array_equal(check_covariances([4, 9], 2, 1), [[[4.0]], [[9.0]]])
    np.testing.assert_array_equal(check_covariances(np.eye(2), 1, 2), [np.eye(2)])


def test_asymmetry_of_rounding_is_averaged():
    scales = np.array([1e-6, 1e6])
    Sigma = np.array([[1.0, 0.5], [0.5, 1.0]]) * np.outer(scales, scales)
    Sigma[0, 1] += 0.9e-10  # 0.9e-10 of sqrt(S_00 S_11) = 1
    checked = check_covariances([Sigma], 1, 2)[0]
    assert checked[0, 1] == checked[1, 0] == 0.5 + 0.45e-10


@pytest.mark.parametrize(
    ("Sigmas", "message"),
    [
        (
            with_entry(EYES, (1, 0, 1), 2e-10),
            r"^Sigmas: component 1 is not symmetric: entry \(0, 1\) is 2e-10 and entry \(1, 0\)",
        ),
        (
            with_entry(EYES, (2, 1, 1), -3.0),
            r"^Sigmas: 1 of 6 variances is not positive, first at component 2, variable 1: -3;",
        ),
        (with_entry(EYES, (0, 0, 0), 0.0), r"component 0, variable 0: 0; allowed: variances > 0"),
        (
            with_entry(with_entry(EYES, (1, 0, 1), 1.8), (1, 1, 0), 1.8),
            r"^Sigmas: component 1 is not positive definite: smallest correlation eigenvalue -0.8;",
        ),
        (
            with_entry(EYES, 1, np.ones((2, 2))),
            r"^Sigmas: component 1 is singular: rank 1 of 2;",
        ),
        (with_entry(EYES, (0, 0, 1), np.nan), r"^Sigmas: 1 of 12 values is not finite"),
        (
            EYES[:2],
            r"^Sigmas: shape \(2, 2, 2\) seen, shape \(3, 2, 2\) expected .* mus of shape \(3, 2\)",
        ),
        (np.ones(3), r"^Sigmas: shape \(3,\) seen, shape \(3, 2, 2\) expected"),
    ],
)
def test_covariances_that_cannot_be(Sigmas, message):
    with pytest.raises(InputError, match=message):
        check_covariances(Sigmas, 3, 2)


def test_units_decide_nothing_about_a_covariance():
    scales = np.array([1e-12, 1e12])
    sound = np.array([[1.0, 0.99], [0.99, 1.0]]) * np.outer(scales, scales)
    check_covariances([sound], 1, 2)
    indefinite = np.array([[1.0, 1.01], [1.01, 1.0]]) * np.outer(scales, scales)
    with pytest.raises(InputError, match=r"smallest correlation eigenvalue -0.01"):
        check_covariances([indefinite], 1, 2)


@pytest.mark.parametrize(
    ("sigmas", "rhos", "message"),
    [
        (
            [[1, 0, 1]],
            [[0, 0, 0]],
            r"^sigmas: 1 of 3 values is not positive.*component 0, variable 1",
        ),
        ([[1, 1, -2]], [[0, 0, 0]], r"component 0, variable 2: -2; allowed: numbers > 0"),
        ([[1, 1, 1]], [[0, 1, 0]], r"^rhos: 1 of 3 .* first at component 0, variables 0 and 2: 1;"),
        ([[1, 1, 1]], [[-1.5, 0, 2]], r"^rhos: 2 of 3 values are outside \(-1, 1\).*0 and 1: -1.5"),
        (
            [[1, 1, 1]],
            [[0.9, 0.9, -0.9]],
            r"^rhos: component 0 is not positive definite: smallest correlation eigenvalue -0.8",
        ),
    ],
)
def test_standard_deviations_and_correlations_that_cannot_be(sigmas, rhos, message):
    with pytest.raises(InputError, match=message):
        check_sigmas_rhos(np.array(sigmas, float), np.array(rhos, float))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a"], "<U1"),
        ([1 + 2j], "complex128"),
        (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
        ([b"1"], r"\|S1"),
        ([None], "object"),
    ],
)
def test_what_is_not_a_real_number_is_refused_by_dtype(values, dtype):
    with pytest.raises(DtypeError, match=rf"^mus: dtype {dtype}.* seen; allowed: real numbers"):
        real_array(values, "mus")


def test_ragged_rows_are_refused():
    with pytest.raises(InputError, match=r"^mus: rows of different lengths"):
        real_array([[1, 2], [3]], "mus")


def test_what_the_user_gave_is_neither_kept_nor_changed():
    weights, mus, Sigmas = np.array([1.0, 3.0]), np.zeros((2, 2)), np.array(EYES[:2])
    copies = [a.copy() for a in (weights, mus, Sigmas)]
    mog = MixtureOfGaussians(weights=weights, mus=mus, Sigmas=Sigmas)
    for array, copy in zip((weights, mus, Sigmas), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
        array += 7.0
    np.testing.assert_array_equal(mog.weights, [0.25, 0.75])
    np.testing.assert_array_equal(mog.mus, np.zeros((2, 2)))
    np.testing.assert_array_equal(mog.Sigmas, EYES[:2])
    with pytest.raises(ValueError, match="read-only"):
        mog.weights[0] = 1.0

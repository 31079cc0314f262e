"""`Stats`: covariances from correlations and rotations against their definitions."""

from __future__ import annotations

import doctest
from math import sqrt

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mogfit import DtypeError, InputError, Stats, stats

RNG = np.random.default_rng(1)


def test_the_examples_of_the_documentation_run():
    assert doctest.testmod(stats).failed == 0


def test_the_golden_ratio_is_its_own_reciprocal_plus_one():
    assert Stats.phi == pytest.approx(1 + 1 / Stats.phi, rel=1e-15)
    assert Stats.phi == (1 + sqrt(5)) / 2


def test_covariances_from_correlations_and_back():
    sigmas = RNG.uniform(0.5, 3, (4, 3))
    rhos = RNG.uniform(-0.5, 0.5, (4, 3))
    Sigmas = Stats.calc_covariance_from_correlations(sigmas, rhos)
    for k in range(4):
        for place, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
            assert Sigmas[k, i, j] == Sigmas[k, j, i]
            assert Sigmas[k, i, j] == pytest.approx(rhos[k, place] * sigmas[k, i] * sigmas[k, j])
    back = Stats.calc_correlations_from_covariances(Sigmas)
    np.testing.assert_allclose(back[0], sigmas, rtol=1e-14)
    np.testing.assert_allclose(back[1], rhos, rtol=1e-13)
    np.testing.assert_array_equal(Stats.calc_covariance_from_correlations([[2.0]], [[]]), [[[4.0]]])


def test_an_ellipse_turned_by_a_right_angle_swaps_its_axes():
    np.testing.assert_allclose(
        Stats.calc_covariance_from_rotation([[1, 2]], [[np.pi / 2]]), [np.diag([4, 1])], atol=1e-15
    )
    # Counter-clockwise: the long first axis points up and to the right.
    assert Stats.calc_covariance_from_rotation([[2, 1]], [[np.pi / 4]])[0, 0, 1] > 0


def test_three_angles_are_those_of_euler_about_z_x_z():
    sigmas = RNG.uniform(0.5, 3, (5, 3))
    angles = RNG.uniform(-3, 3, (5, 3))
    found = Stats.calc_covariance_from_rotation(sigmas, angles)
    for k in range(5):
        turn = Rotation.from_euler("ZXZ", angles[k]).as_matrix()
        np.testing.assert_allclose(found[k], turn @ np.diag(sigmas[k] ** 2) @ turn.T, atol=1e-13)


def test_triangles_are_flattened_row_by_row_and_filled_again():
    M = np.array([[0.0, 1, 2], [1, 3, 4], [2, 4, 5]])
    np.testing.assert_array_equal(Stats.flatten_symmetric_matrix(M), np.arange(6))
    filled = np.zeros((3, 3))
    assert Stats.unflatten_symmetric_matrix(np.arange(6.0), filled) is None
    np.testing.assert_array_equal(filled, M)
    Stats.set_matrix_off_diagonal(filled, [7, 8, 9])
    np.testing.assert_array_equal(filled, [[0, 7, 8], [7, 3, 9], [8, 9, 5]])


def test_indices_are_drawn_as_often_as_their_probabilities_say():
    np.random.seed(1)  # noqa: NPY002
    drawn = np.array([Stats.gen_index([0.2, 0.0, 0.8]) for _ in range(4000)])
    counts = np.bincount(drawn, minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] - 800) < 5 * sqrt(4000 * 0.2 * 0.8)
    np.random.seed(1)  # noqa: NPY002
    assert [Stats.gen_index([0.2, 0.0, 0.8]) for _ in range(20)] == drawn[:20].tolist()


def test_a_draw_at_the_very_end_is_still_the_last_possible_outcome(monkeypatch):
    # The sum of these rounds otherwise than their partial sums.
    probs = [0.1] * 10 + [0.0]
    monkeypatch.setattr(np.random, "rand", lambda: np.nextafter(1.0, 0.0))
    assert Stats.gen_index(probs) == 9
    monkeypatch.setattr(np.random, "rand", lambda: 0.0)
    assert Stats.gen_index([0.0, 0.4, 0.6]) == 1


def test_whole_numbers_stay_whole_and_fractions_are_not_cut_off():
    M = np.zeros((2, 2), dtype=int)
    Stats.unflatten_symmetric_matrix([1, 2, 3], M)
    np.testing.assert_array_equal(M, [[1, 2], [2, 3]])
    assert Stats.flatten_symmetric_matrix(M).dtype == M.dtype
    for change in (
        lambda: Stats.set_matrix_off_diagonal(M, [0.5]),
        lambda: Stats.unflatten_symmetric_matrix([1, 0.5, 2], M),
    ):
        with pytest.raises(DtypeError, match=r"^M: dtype int\d+ seen, and fractions"):
            change()
    np.testing.assert_array_equal(M, [[1, 2], [2, 3]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Stats.gen_index([0.2, 0.7]), r"^probs: .* sum 0.9"),
        (lambda: Stats.gen_index([1.2, -0.2]), r"^probs: "),
        (lambda: Stats.gen_index([]), r"^probs: "),
        (lambda: Stats.gen_index([[0.5, 0.5]]), r"^probs: "),
        (lambda: Stats.set_matrix_off_diagonal(np.eye(3), [1, 2]), r"^off: shape \(2,\)"),
        (lambda: Stats.set_matrix_off_diagonal([[1, 2]], [1]), r"^M: "),
        (lambda: Stats.unflatten_symmetric_matrix([1, 2], np.eye(2)), r"^F: shape \(2,\)"),
        (lambda: Stats.flatten_symmetric_matrix(np.ones((2, 3))), r"^M: shape \(2, 3\)"),
        (lambda: Stats.calc_covariance_from_correlations([1, 2], [0.5]), r"^sigmas: shape"),
        (lambda: Stats.calc_covariance_from_correlations([[1, 2]], [[0.5, 1]]), r"^rhos: shape"),
        (lambda: Stats.calc_correlations_from_covariances(np.eye(2)), r"^Sigmas: shape"),
        (
            lambda: Stats.calc_correlations_from_covariances([-np.eye(2)]),
            r"^Sigmas: 2 of 2 variances are not positive",
        ),
        (lambda: Stats.calc_covariance_from_rotation([[1, 2, 3, 4]], [[1, 2, 3]]), r"^sigmas: "),
        (lambda: Stats.calc_covariance_from_rotation([[1, 2, 3]], [[1, 2]]), r"^angles: "),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()

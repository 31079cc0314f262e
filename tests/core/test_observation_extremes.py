"""Noise far smaller or larger than the components, points far away, projections of no density."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import norm

from mogfit import DegenerateError, _core

SIGMA = np.array([[1.0, 0.5], [0.5, 1.0]])
ONE = _core.PreparedMixture(np.ones(1), np.zeros((1, 2)), SIGMA[None])
BOUNDED = _core.PreparedMixture(
    np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1)), np.array([[0.0], [np.inf]])
)


def exact_covariance(noise):
    """Sigma - Sigma T^-1 Sigma in 60 digits."""
    with mp.workdps(60):
        sigma = mp.matrix(SIGMA.tolist())
        total = sigma + mp.matrix(noise.tolist())
        left = sigma - sigma * mp.inverse(total) * sigma
        return np.array([[float(left[i, j]) for j in range(2)] for i in range(2)])


def seen_in_every_way(points, deviation):
    """The same noise as deviations, covariances, shared, and behind the identity as projection."""
    count = len(points)
    noise = deviation**2 * np.eye(2)
    deviations = np.full((count, 2), deviation)
    return {
        "deviations": _core.Observations(points, deviations=deviations),
        "covariances": _core.Observations(points, covariances=np.tile(noise, (count, 1, 1))),
        "shared": _core.Observations(points, shared=noise),
        "projection": _core.Observations(
            points, deviations=deviations, projection=np.tile(np.eye(2), (count, 1, 1))
        ),
    }


@pytest.mark.parametrize("kind", ["deviations", "covariances", "shared", "projection"])
@pytest.mark.parametrize("deviation", [1e-12, 1e-8, 1e-4, 1.0, 1e4, 1e8])
@pytest.mark.parametrize("place", [0.3, 1e6, 1e12])
def test_covariances_keep_their_digits(kind, deviation, place):
    points = np.array([[place, 0.4]])
    _, covariances = _core.posterior(ONE, seen_in_every_way(points, deviation)[kind])
    expected = exact_covariance(deviation**2 * np.eye(2))
    # Off the diagonal there may be nothing but what is left of the diagonal.
    size = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    assert (abs(covariances[0] - expected) <= 1e-9 * size).all()
    np.testing.assert_array_equal(covariances[0], covariances[0].T)


@pytest.mark.parametrize("kind", ["deviations", "covariances", "shared"])
def test_without_noise_nothing_is_left_to_know(kind):
    points = np.array([[0.3, 0.4], [1e5, -2.0]])
    means, covariances = _core.posterior(ONE, seen_in_every_way(points, 0.0)[kind])
    np.testing.assert_array_equal(means, points)
    np.testing.assert_array_equal(covariances, 0.0)
    data = seen_in_every_way(points, 0.0)[kind]
    np.testing.assert_array_equal(_core.posterior_draws(ONE, data, 1), points)


@pytest.mark.parametrize("nvars", [3, 9])
def test_many_variables_keep_their_digits(nvars):
    # Beyond six variables another kernel takes over.
    sigma = np.full((nvars, nvars), 0.5) + 0.5 * np.eye(nvars)
    mixture = _core.PreparedMixture(np.ones(1), np.zeros((1, nvars)), sigma[None])
    for deviation in (1e-6, 1.0, 1e6):
        data = _core.Observations(
            np.full((1, nvars), 3.0), deviations=np.full((1, nvars), deviation)
        )
        _, covariances = _core.posterior(mixture, data)
        # Along (1, ..., 1) and across it the matrices commute.
        for value, axis in (
            (0.5 * (nvars + 1), np.ones(nvars) / np.sqrt(nvars)),
            (0.5, np.array([1.0, -1.0] + [0.0] * (nvars - 2)) / np.sqrt(2)),
        ):
            expected = 1.0 / (1.0 / value + 1.0 / deviation**2)
            assert axis @ covariances[0] @ axis == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-5, 1e-7, 1e-9, 1e-12])
@pytest.mark.parametrize("offset", [-3.0, -0.1, 0.0, 0.1, 3.0])
def test_a_noisy_point_beside_a_bound(noise, offset):
    y, total = offset * noise, 1.0 + noise**2
    inside = norm.logcdf(y / total / (noise / np.sqrt(total)))
    expected = np.log(2.0) + norm.logpdf(y, 0.0, np.sqrt(total)) + inside
    data = _core.Observations(np.array([[y]]), deviations=np.array([[noise]]))
    assert _core.logpdf(BOUNDED, data)[0] == pytest.approx(expected, abs=1e-12)


def test_without_noise_a_bound_is_a_bound():
    data = _core.Observations(
        np.array([[-1e-300], [0.0], [1.0]]), deviations=np.array([[0.0], [0.0], [0.0]])
    )
    np.testing.assert_allclose(
        _core.logpdf(BOUNDED, data),
        [-np.inf, np.log(2.0) + norm.logpdf(0.0), np.log(2.0) + norm.logpdf(1.0)],
        rtol=1e-14,
    )


@pytest.mark.parametrize(
    "projection",
    [
        [[1, 0], [0, 1], [0.3, 0.3]],
        [[1, 0], [0, 1], [1, 1]],
        [[0.1, 0.7], [0.3, 2.1]],
        [[1, 0], [1, 0]],
        [[0, 0]],
    ],
)
def test_values_that_follow_from_others_have_no_density_without_noise(projection):
    matrix = np.array([projection], dtype=float)
    values = np.ones((1, matrix.shape[1]))
    with pytest.raises(DegenerateError, match=r"projection: .* give their errors"):
        _core.logpdf(ONE, _core.Observations(values, projection=matrix))
    noisy = _core.Observations(
        values, projection=matrix, deviations=np.full((1, matrix.shape[1]), 0.1)
    )
    assert np.isfinite(_core.logpdf(ONE, noisy)).all()


def test_many_patterns_are_passed_in_batches():
    # More patterns than a batch takes: 2^10 of them, and some rows of which nothing is seen.
    rng = np.random.default_rng(1)
    nvars, count = 10, 4000
    mixture = _core.PreparedMixture(
        np.full(20, 0.05), rng.normal(size=(20, nvars)), np.tile(np.eye(nvars), (20, 1, 1))
    )
    values = rng.normal(size=(count, nvars))
    values[rng.random(values.shape) < 0.5] = np.nan
    values[:3] = np.nan
    whole = _core.Observations(values, missing=True)
    assert len(whole.patterns) > 900
    logs = np.concatenate(
        [
            _core.logpdf(mixture, _core.Observations(values[i : i + 1], missing=True))
            for i in range(50)
        ]
    )
    np.testing.assert_array_equal(_core.logpdf(mixture, whole)[:50], logs)
    moments = _core.data_pass(mixture, whole, threads=1)
    assert moments.loglik == pytest.approx(_core.logpdf(mixture, whole).sum(), rel=1e-13)
    assert moments.s0.sum() == pytest.approx(count, rel=1e-13)
    np.testing.assert_array_equal(_core.data_pass(mixture, whole, threads=3).s2, moments.s2)

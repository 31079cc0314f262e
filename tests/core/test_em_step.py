"""One EM step against the textbook, and what EM is known to do."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.errors import DegenerateError, InputError
from tests import oracles
from tests.core import EDGES, prepare
from tests.strategies import make_mixture, make_points

SHAPES = [(1, 1), (1, 3), (2, 5), (3, 20), (6, 10), (16, 4), (20, 3), (33, 2)]


def assert_same_mixture(prepared, expected, rtol=1e-11):
    size = np.sqrt(np.diagonal(expected.covariances, axis1=1, axis2=2))
    np.testing.assert_allclose(prepared.weights, expected.weights, rtol=rtol, atol=rtol)
    assert (abs(prepared.means - expected.means) <= rtol * (size + abs(expected.means))).all()
    allowed = rtol * size[:, :, None] * size[:, None, :]
    assert (abs(prepared.covariances - expected.covariances) <= allowed).all()


def as_mixture(prepared):
    return oracles.Mixture(prepared.weights, prepared.means, prepared.covariances)


@pytest.mark.parametrize("penalty", [0.0, 1e-3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_one_step_is_that_of_the_textbook(nvars, ngauss, weighted, penalty):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, 4000, inflate=1.5)
    weight = np.random.default_rng(ngauss).exponential(size=4000) if weighted else None
    reference = np.cov(points.T).reshape(nvars, nvars)
    loglik, after = _core.em_step(prepare(mixture), points, weight, penalty, reference)
    expected = oracles.numpy_em_step(mixture, points, weight, penalty, reference)
    assert_same_mixture(after, expected)
    before = oracles.numpy_moments(mixture, points, weight).loglik
    assert loglik == pytest.approx(before, rel=1e-13)


@pytest.mark.parametrize("count", [n for n in EDGES if n >= 15])
def test_every_number_of_points(count):
    mixture = make_mixture(2, 2)
    points = make_points(mixture, count)
    _, after = _core.em_step(prepare(mixture), points)
    assert_same_mixture(after, oracles.numpy_em_step(mixture, points))


@pytest.mark.parametrize("nvars", [1, 2, 3, 10, 20, 40])
def test_one_component_arrives_in_one_step(nvars):
    points = make_points(make_mixture(nvars, 3), 2000)
    start = _core.PreparedMixture([1.0], [np.full(nvars, 7.0)], [3.0 * np.eye(nvars)])
    _, after = _core.em_step(start, points)
    assert after.weights[0] == 1.0
    np.testing.assert_allclose(after.means[0], points.mean(axis=0), rtol=1e-12, atol=1e-13)
    covariance = np.cov(points.T, bias=True).reshape(nvars, nvars)
    np.testing.assert_allclose(after.covariances[0], covariance, rtol=1e-12, atol=1e-12)
    # The maximum: -N/2 (d log 2 pi + log det S + d).
    best = -1000 * (nvars * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + nvars)
    assert _core.log_likelihood(after, points) == pytest.approx(best, rel=1e-12)


def test_penalty_is_exact_for_one_component():
    # With S the covariance of the data, the penalised maximum is the maximum itself.
    points = make_points(make_mixture(3, 2), 1000)
    reference = np.cov(points.T, bias=True)
    start = _core.PreparedMixture([1.0], [np.zeros(3)], [np.eye(3)])
    _, after = _core.em_step(start, points, None, 0.7, reference)
    np.testing.assert_allclose(after.covariances[0], reference, rtol=1e-12, atol=1e-13)


def test_likelihood_never_falls():
    points = make_points(make_mixture(3, 4, seed=2), 1500)
    mixture = prepare(make_mixture(3, 4))
    values = []
    for _ in range(60):
        loglik, mixture = _core.em_step(mixture, points)
        values.append(loglik)
    assert (np.diff(values) >= -1e-11 * abs(values[-1])).all()
    assert values[-1] > values[0] + 1.0


def test_penalised_likelihood_never_falls():
    points = make_points(make_mixture(2, 4, seed=2), 300)
    reference = np.cov(points.T)
    mixture = prepare(make_mixture(2, 4))
    values = []
    for _ in range(60):
        penalty = _core.penalty_value(mixture, 0.01, reference, 300.0)
        loglik, mixture = _core.em_step(mixture, points, None, 0.01, reference)
        values.append(loglik - penalty)
    assert (np.diff(values) >= -1e-11 * abs(values[-1])).all()


def test_a_fixed_point_has_no_gradient():
    points = make_points(make_mixture(2, 2, spread=4.0), 500)
    mixture = prepare(make_mixture(2, 2, spread=4.0))
    mixture, _, _ = _core.em_run(mixture, points, steps=3000)
    _, gradient, _ = _core.WhitenedCoordinates(mixture).objective(
        np.zeros(11), points, None, 0.0, None
    )
    assert abs(gradient).max() < 1e-10
    _, after = _core.em_step(mixture, points)
    assert_same_mixture(after, as_mixture(mixture), rtol=1e-9)


def test_a_run_is_its_steps():
    points = make_points(make_mixture(2, 3, seed=2), 700)
    weight = np.linspace(0.1, 1.0, 700)
    reference = np.cov(points.T)
    start = prepare(make_mixture(2, 3))
    mixture = start
    for _ in range(5):
        before = mixture
        loglik, mixture = _core.em_step(mixture, points, weight, 1e-3, reference)
    run, value, steps = _core.em_run(start, points, weight, 1e-3, reference, steps=5)
    assert steps == 5
    assert_same_mixture(run, as_mixture(mixture), rtol=1e-13)
    penalty = _core.penalty_value(before, 1e-3, reference, float(weight.sum()))
    assert value == pytest.approx(loglik - penalty, rel=1e-13)


def test_a_run_ends_when_it_gains_little():
    points = make_points(make_mixture(2, 3, seed=2), 700)
    start = prepare(make_mixture(2, 3))
    _, _, steps = _core.em_run(start, points, steps=500, tolerance=1e-4)
    assert 2 < steps < 500


def test_a_step_commutes_with_affine_maps(rng):
    mixture = make_mixture(4, 3)
    points = make_points(make_mixture(4, 3, seed=8), 2000)
    matrix = rng.standard_normal((4, 4)) + 4 * np.eye(4)
    shift = rng.standard_normal(4)

    def mapped(m):
        return oracles.Mixture(
            m.weights, m.means @ matrix.T + shift, matrix @ m.covariances @ matrix.T
        )

    _, after = _core.em_step(prepare(mixture), points)
    images = mapped(mixture)
    images = images._replace(
        covariances=(images.covariances + images.covariances.transpose(0, 2, 1)) / 2
    )
    _, after_map = _core.em_step(prepare(images), points @ matrix.T + shift)
    assert_same_mixture(after_map, mapped(as_mixture(after)), rtol=1e-10)


def test_two_equal_halves_of_a_component_move_as_one():
    mixture = make_mixture(3, 2)
    points = make_points(make_mixture(3, 2, seed=8), 2000)
    halves = oracles.Mixture(
        *(np.concatenate([values, values[:1]]) for values in mixture)
    )._replace(
        weights=np.array([mixture.weights[0] / 2, mixture.weights[1], mixture.weights[0] / 2])
    )
    loglik, after = _core.em_step(prepare(mixture), points)
    loglik_of_halves, split = _core.em_step(prepare(halves), points)
    assert loglik_of_halves == pytest.approx(loglik, rel=1e-13)
    np.testing.assert_allclose(split.means[2], after.means[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(split.means[0], split.means[2])
    np.testing.assert_allclose(split.weights[0] + split.weights[2], after.weights[0], rtol=1e-12)


def test_repetition_is_weight(rng):
    mixture = make_mixture(3, 4)
    points = make_points(make_mixture(3, 4, seed=8), 1000)
    times = rng.integers(0, 4, 1000)
    _, weighted = _core.em_step(prepare(mixture), points, times.astype(float))
    _, repeated = _core.em_step(prepare(mixture), np.repeat(points, times, axis=0))
    assert_same_mixture(weighted, as_mixture(repeated), rtol=1e-12)


def test_the_scale_of_the_weights_does_not_matter():
    mixture = make_mixture(3, 4)
    points = make_points(make_mixture(3, 4, seed=8), 1000)
    weight = np.linspace(0.5, 1.5, 1000)
    reference = np.cov(points.T)
    results = [
        _core.em_step(prepare(mixture), points, weight * scale, 1e-3, reference)[1]
        for scale in (1.0, 1000.0, 1e-6)
    ]
    for other in results[1:]:
        assert_same_mixture(other, as_mixture(results[0]), rtol=1e-12)


def test_a_step_leaves_the_mixture_as_it_was():
    mixture = make_mixture(2, 3)
    prepared = prepare(mixture)
    before = [values.copy() for values in as_mixture(prepared)]
    _core.em_step(prepared, make_points(mixture, 100))
    for seen, expected in zip(as_mixture(prepared), before, strict=True):
        np.testing.assert_array_equal(seen, expected)


# Data on which a step has no answer


def test_identical_points_are_degenerate_and_the_penalty_makes_them_run():
    start = _core.PreparedMixture([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], [np.eye(2)] * 2)
    points = np.full((50, 2), 3.0)
    with pytest.raises(DegenerateError, match="component 0"):
        _core.em_step(start, points)
    _, after = _core.em_step(start, points, None, 1e-3, np.eye(2))
    np.testing.assert_allclose(after.means, 3.0)
    assert np.isfinite(after.factors).all()


def test_collinear_points_are_degenerate():
    start = _core.PreparedMixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    line = np.linspace(-1, 1, 50)
    with pytest.raises(DegenerateError, match="component 0"):
        _core.em_step(start, np.stack([line, 2 * line], axis=1))


def test_a_component_that_empties_is_not_lost():
    start = _core.PreparedMixture([0.5, 0.5], [[0.0], [1e6]], [[[1.0]], [[1.0]]])
    points = np.random.default_rng(0).standard_normal((200, 1))
    _, after = _core.em_step(start, points)
    assert after.ngauss == 2
    np.testing.assert_array_equal(after.weights, [1.0, 0.0])
    assert np.isfinite(after.means).all()
    assert np.isfinite(after.factors).all()
    assert np.isfinite(_core.logpdf(after, points)).all()


@pytest.mark.parametrize(
    ("points", "weight"), [(np.zeros((0, 2)), None), (np.ones((9, 2)), np.zeros(9))]
)
def test_nothing_to_learn_from_is_refused_in_the_words_of_the_data(points, weight):
    start = prepare(make_mixture(2, 2))
    with pytest.raises((InputError, DegenerateError), match=r"data|sample_weight"):
        _core.em_step(start, points, weight)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_do_not_make_a_mixture(bad):
    mixture = make_mixture(2, 2)
    points = make_points(mixture, 600)
    points[333, 1] = bad
    with pytest.raises((InputError, DegenerateError), match="data"):
        _core.em_step(prepare(mixture), points)


def test_a_penalty_needs_a_reference_of_the_right_shape():
    mixture = make_mixture(2, 2)
    points = make_points(mixture, 60)
    with pytest.raises(InputError, match="reference"):
        _core.em_step(prepare(mixture), points, None, 0.1)
    with pytest.raises(InputError, match=r"reference.*\(3, 3\).*\(2, 2\)"):
        _core.em_step(prepare(mixture), points, None, 0.1, np.eye(3))
    for penalty in (-0.1, np.nan, np.inf):
        with pytest.raises(InputError, match="penalty"):
            _core.em_step(prepare(mixture), points, None, penalty, np.eye(2))

"""Log densities and responsibilities against 50 digits, within what rounding allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from mogfit import _core
from tests import oracles
from tests.core import DIMENSIONS, EDGES, prepare
from tests.strategies import make_mixture, make_points, mixtures

SMALLEST_NORMAL = np.finfo(float).tiny


def assert_exact(mixture, points, *, factors=None):
    """Log densities, densities and responsibilities are those of 50 digits, up to rounding."""
    given = {"covariances": mixture.covariances} if factors is None else {"factors": factors}
    if factors is None:
        prepared = prepare(mixture)
    else:
        with np.errstate(divide="ignore"):
            log_weights = np.log(mixture.weights)
        prepared = _core.PreparedMixture.from_factors(log_weights, mixture.means, factors)
    exact = oracles.exact_density(mixture.weights, mixture.means, points, **given)
    bounds = oracles.log_density_bounds(mixture.weights, mixture.means, points, **given)

    logpdf = _core.logpdf(prepared, points)
    assert (abs(logpdf - exact.logpdf) <= bounds.logpdf).all()
    components = _core.component_logpdf(prepared, points)
    assert (abs(components - exact.components) <= bounds.components).all()
    # A relative error of exp is the absolute error of its argument.
    pdf = _core.pdf(prepared, points)
    slack = np.expm1(np.minimum(bounds.logpdf, 1.0)) + 1e-15
    assert (abs(pdf - np.exp(exact.logpdf)) <= slack * pdf + SMALLEST_NORMAL).all()
    shares = _core.responsibilities(prepared, points)
    live = mixture.weights > 0
    sizes = abs(exact.components[:, live]) + abs(np.log(mixture.weights[live]))
    slack = (bounds.components[:, live] + 8 * oracles.EPS * sizes).max(axis=1)
    slack = np.expm1(np.minimum(2 * slack, 30.0))[:, None] + 1e-14
    wrong = abs(shares - exact.responsibilities)
    assert (wrong <= slack * np.minimum(1.0, exact.responsibilities) + SMALLEST_NORMAL).all()


# Against 50 digits


@pytest.mark.parametrize("nvars", DIMENSIONS)
def test_log_density_in_every_dimension(nvars):
    mixture = make_mixture(nvars, 3)
    assert_exact(mixture, make_points(mixture, 6))


@pytest.mark.parametrize("ngauss", [1, 2, 5, 7, 8, 9, 16, 17, 40])
def test_log_density_with_few_and_many_components(ngauss):
    mixture = make_mixture(3, ngauss)
    assert_exact(mixture, make_points(mixture, 20))


@given(mixtures(), st.sampled_from([1.0, 5.0, 1e3]), st.integers(1, 4))
def test_log_density_of_hard_mixtures(mixture, inflate, count):
    assert_exact(mixture, make_points(mixture, count, inflate=inflate))


@pytest.mark.parametrize("nvars", [1, 2, 3, 8, 16, 20, 33])
@pytest.mark.parametrize("distance", [10.0, 40.0, 1e3, 1e6])
def test_far_tails_lose_nothing(nvars, distance):
    mixture = make_mixture(nvars, 4)
    points = make_points(mixture, 5, inflate=distance)
    assert_exact(mixture, points)
    values = _core.logpdf(prepare(mixture), points)
    exact = oracles.exact_density(*mixture[:2], points, covariances=mixture.covariances)
    # Condition 10: the bound is a few times d * 10 * eps, here as one plain figure.
    np.testing.assert_allclose(values, exact.logpdf, rtol=2e-14 * max(nvars, 5))


@pytest.mark.parametrize("distance", [1e10, 1e80, 1e150])
def test_finite_log_density_as_long_as_its_value_is_finite(distance):
    mixture = make_mixture(2, 3)
    points = np.array([[distance, 0.0], [0.0, -distance], [distance, distance]])
    exact = oracles.exact_density(*mixture[:2], points, covariances=mixture.covariances)
    values = _core.logpdf(prepare(mixture), points)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values, exact.logpdf, rtol=1e-13)


def test_log_density_beyond_the_range_of_doubles_is_minus_infinity():
    prepared = prepare(make_mixture(2, 3))
    points = np.array([[1e200, 0.0], [-1e308, 1e308]])
    assert (_core.logpdf(prepared, points) == -np.inf).all()
    assert (_core.pdf(prepared, points) == 0.0).all()


@pytest.mark.parametrize("log10_condition", [4.0, 8.0, 12.0])
@pytest.mark.parametrize("nvars", [2, 3, 6, 16, 20])
def test_ill_conditioned_covariances(nvars, log10_condition):
    mixture = make_mixture(nvars, 3, log10_condition=log10_condition)
    assert_exact(mixture, make_points(mixture, 5))
    assert_exact(mixture, make_points(mixture, 5, inflate=1e6))


@pytest.mark.parametrize("log10_condition", [4.0, 8.0, 12.0])
@pytest.mark.parametrize("nvars", [2, 3, 6, 16, 20])
def test_ill_conditioned_factors_keep_the_digits_that_factors_have(nvars, log10_condition):
    mixture = make_mixture(nvars, 3, log10_condition=log10_condition)
    factors = np.stack(
        [
            [[float(x) for x in row] for row in oracles.exact_cholesky(covariance)]
            for covariance in mixture.covariances
        ]
    )
    assert_exact(mixture, make_points(mixture, 5), factors=factors)


@pytest.mark.parametrize("nvars", [2, 3, 6, 16, 20])
def test_badly_scaled_columns_cost_nothing(nvars):
    # Scales that are powers of 2 change the log density by the sum of their logarithms alone.
    scales = 2.0 ** np.resize([-40.0, 40.0, 0.0, 17.0, -300.0], nvars)
    mixture = make_mixture(nvars, 4)
    scaled = mixture._replace(
        means=mixture.means * scales, covariances=mixture.covariances * np.outer(scales, scales)
    )
    points = make_points(mixture, 50)
    seen = _core.logpdf(prepare(scaled), points * scales)
    expected = _core.logpdf(prepare(mixture), points) - np.log(scales).sum()
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("offset", [1e6, 1e10, -1e14])
def test_no_cancellation_far_from_the_origin(offset):
    mixture = make_mixture(3, 4, offset=offset)
    assert_exact(mixture, make_points(mixture, 10))
    narrow = make_mixture(3, 4, offset=offset, spread=0.1, scales=np.array([1.0, 1e-5, 1e-9]))
    assert_exact(narrow, make_points(narrow, 10))


def test_identical_components_are_one():
    one = make_mixture(3, 1)
    many = oracles.Mixture(np.full(7, 1 / 7), *(np.repeat(values, 7, axis=0) for values in one[1:]))
    points = make_points(one, 100, inflate=10.0)
    seen = _core.logpdf(prepare(many), points)
    np.testing.assert_allclose(seen, _core.logpdf(prepare(one), points), rtol=1e-14)


def test_order_of_components_changes_only_rounding():
    mixture = make_mixture(4, 9)
    points = make_points(mixture, 300)
    order = np.random.default_rng(1).permutation(9)
    permuted = oracles.Mixture(*(values[order] for values in mixture))
    np.testing.assert_allclose(
        _core.logpdf(prepare(permuted), points), _core.logpdf(prepare(mixture), points), rtol=2e-14
    )
    np.testing.assert_array_equal(
        _core.component_logpdf(prepare(permuted), points),
        _core.component_logpdf(prepare(mixture), points)[:, order],
    )


# Against scipy, for every number of points


@pytest.mark.parametrize("count", EDGES)
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 1), (2, 5), (3, 2), (6, 5), (17, 2), (33, 1)])
def test_every_number_of_points(nvars, ngauss, count):
    mixture = make_mixture(nvars, ngauss)
    prepared = prepare(mixture)
    points = make_points(mixture, count)
    terms = np.stack(
        [
            multivariate_normal(mean, covariance).logpdf(points).reshape(count)
            for mean, covariance in zip(*mixture[1:], strict=True)
        ],
        axis=1,
    )
    components = _core.component_logpdf(prepared, points)
    assert components.shape == (count, ngauss)
    np.testing.assert_allclose(components, terms, rtol=1e-12, atol=1e-12)
    expected = logsumexp(terms + np.log(mixture.weights), axis=1) if count else np.zeros(0)
    values = _core.logpdf(prepared, points)
    assert values.shape == (count,)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12)
    pdf = _core.pdf(prepared, points)
    assert pdf.shape == (count,)
    np.testing.assert_allclose(pdf, np.exp(expected), rtol=1e-10)
    shares = _core.responsibilities(prepared, points)
    assert shares.shape == (count, ngauss)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        shares, np.exp(terms + np.log(mixture.weights) - expected[:, None]), rtol=1e-10, atol=1e-300
    )


@pytest.mark.parametrize("nvars", [1, 3, 8, 20, 40])
def test_a_point_has_the_same_bits_wherever_it_stands(nvars):
    mixture = make_mixture(nvars, 5)
    prepared = prepare(mixture)
    points = make_points(mixture, 700, inflate=3.0)
    whole = _core.logpdf(prepared, points)
    shares = _core.responsibilities(prepared, points)
    for start in (1, 3, 8, 15, 100, 255, 256, 300, 699):
        np.testing.assert_array_equal(_core.logpdf(prepared, points[start:]), whole[start:])
        np.testing.assert_array_equal(_core.logpdf(prepared, points[:start]), whole[:start])
        np.testing.assert_array_equal(
            _core.responsibilities(prepared, points[start:]), shares[start:]
        )


def test_standard_normal_at_the_origin():
    prepared = _core.PreparedMixture([1.0], [[0.0]], [[[1.0]]])
    value = _core.logpdf(prepared, np.zeros((1, 1)))[0]
    assert value == pytest.approx(-0.9189385332046727, rel=1e-15)
    assert _core.pdf(prepared, np.zeros((1, 1)))[0] == pytest.approx(0.3989422804014327, rel=1e-15)


# Weights of zero, values that are not finite


@pytest.mark.parametrize("weight", [0.0, 1e-320, 1e-300])
def test_weights_that_vanish(weight):
    mixture = make_mixture(3, 4)
    weights = mixture.weights.copy()
    weights[2] = weight
    mixture = mixture._replace(weights=weights / weights.sum())
    points = make_points(mixture, 12, inflate=4.0)
    points[0] = mixture.means[2]
    assert_exact(mixture, points)
    # Beside a point where only the vanishing component is near.
    mixture = mixture._replace(means=mixture.means + 200.0 * np.eye(4)[2][:, None])
    assert_exact(mixture, mixture.means + 0.1)


def test_a_component_of_weight_zero_has_responsibility_zero():
    mixture = make_mixture(2, 3)._replace(weights=np.array([0.5, 0.0, 0.5]))
    shares = _core.responsibilities(prepare(mixture), mixture.means)
    assert (shares[:, 1] == 0.0).all()
    assert np.isfinite(_core.component_logpdf(prepare(mixture), mixture.means)).all()


@pytest.mark.parametrize("nvars", [1, 2, 3, 8, 16, 17, 40])
def test_nan_gives_nan_and_infinity_gives_density_zero(nvars, rng):
    mixture = make_mixture(nvars, 3)
    prepared = prepare(mixture)
    points = make_points(mixture, 500)
    expected = _core.logpdf(prepared, points)
    components = _core.component_logpdf(prepared, points)
    rows = rng.permutation(500)[:60]
    columns = rng.integers(0, nvars, 60)
    points[rows, columns] = np.resize([np.nan, np.inf, -np.inf], 60)
    nan, infinite = rows[::3], np.setdiff1d(rows, rows[::3])
    # NaN prevails over an infinity in the same row.
    if nvars > 1:
        points[nan[0], (columns[0] + 1) % nvars] = np.inf
    values = _core.logpdf(prepared, points)
    pdf = _core.pdf(prepared, points)
    assert np.isnan(values[nan]).all()
    assert np.isnan(pdf[nan]).all()
    assert (values[infinite] == -np.inf).all()
    assert (pdf[infinite] == 0.0).all()
    good = np.setdiff1d(np.arange(500), rows)
    np.testing.assert_array_equal(values[good], expected[good])
    seen = _core.component_logpdf(prepared, points)
    assert np.isnan(seen[nan]).all()
    assert (seen[infinite] == -np.inf).all()
    np.testing.assert_array_equal(seen[good], components[good])


def test_count_nonfinite_counts_and_places():
    points = np.zeros((1000, 3))
    assert _core.count_nonfinite(points) == (0, 0, -1, -1)
    assert _core.count_nonfinite(points[:0]) == (0, 0, -1, -1)
    points[700, 1] = np.inf
    assert _core.count_nonfinite(points) == (0, 1, 700, 1)
    points[37, 2] = np.nan
    points[37, 1] = -np.inf
    points[999] = np.nan
    assert _core.count_nonfinite(points) == (4, 2, 37, 1)
    assert _core.count_nonfinite(points[::-1].astype(np.float32)) == (4, 2, 0, 0)
    assert _core.count_nonfinite(np.full((5, 2), np.finfo(float).max)) == (0, 0, -1, -1)


@pytest.mark.parametrize("count", [*EDGES[1:], 70000, 200001])
def test_count_nonfinite_finds_the_last_row(count):
    points = np.zeros((count, 2), order="F")
    points[-1, 1] = np.nan
    for threads in (1, 3):
        assert _core.count_nonfinite(points, threads=threads) == (1, 0, count - 1, 1)


# What is refused


@pytest.mark.parametrize("name", ["logpdf", "pdf", "component_logpdf", "responsibilities"])
def test_data_of_the_wrong_shape_quote_both_shapes(name):
    prepared = prepare(make_mixture(2, 3))
    function = getattr(_core, name)
    with pytest.raises(ValueError, match=r"\(4, 3\).*2"):
        function(prepared, np.zeros((4, 3)))
    for shape in [(4,), (4, 2, 1), ()]:
        with pytest.raises(ValueError, match="shape"):
            function(prepared, np.zeros(shape))


@pytest.mark.parametrize("dtype", ["i8", "f2", "g", "c16", "?", "O", "U3", ">f8", ">f4"])
def test_data_of_another_kind_are_refused(dtype):
    points = np.zeros((4, 2)).astype(dtype)
    with pytest.raises(TypeError, match="float64 or float32"):
        _core.logpdf(prepare(make_mixture(2, 3)), points)

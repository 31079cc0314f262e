"""Log-likelihood and moments against textbook NumPy, and what sample weights mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from mogfit import _core
from mogfit.errors import InputError
from tests import oracles
from tests.core import CHUNK_EDGES, DIMENSIONS, EDGES, prepare
from tests.strategies import make_mixture, make_points, mixtures

TINY = np.finfo(float).tiny  # what underflows counts as 0


def as_tuple(moments):
    return moments.loglik, moments.s0, moments.s1, moments.s2


def assert_same_bits(one, two):
    for seen, expected in zip(as_tuple(one), as_tuple(two), strict=True):
        np.testing.assert_array_equal(seen, expected)


def assert_moments(moments, mixture, points, weight=None, rtol=1e-12):
    """Moments are the textbook's, up to `rtol` of the sum of the sizes of their terms.

    For condition 10 and points within some 10 standard deviations, a responsibility is right to
    about eps * d * condition * distance^2 / 2, some 1e-13.
    """
    expected = oracles.numpy_moments(mixture, points, weight)
    s = np.ones(len(points)) if weight is None else weight
    size = [abs(points - mean).max(axis=0, initial=0.0) for mean in mixture.means]
    np.testing.assert_allclose(moments.loglik, expected.loglik, rtol=rtol, atol=rtol * s.sum())
    np.testing.assert_allclose(moments.s0, expected.s0, rtol=rtol, atol=rtol * s.sum())
    for k, y in enumerate(size):
        mass = rtol * (expected.s0[k] + 1e-3 * s.sum())
        assert (abs(moments.s1[k] - expected.s1[k]) <= mass * y).all()
        assert (abs(moments.s2[k] - expected.s2[k]) <= mass * np.outer(y, y)).all()
    np.testing.assert_array_equal(moments.s2, moments.s2.transpose(0, 2, 1))


@pytest.mark.parametrize("count", EDGES)
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 1), (2, 5), (3, 2), (6, 5), (17, 2), (33, 1)])
def test_every_number_of_points(nvars, ngauss, count):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, count)
    moments = _core.data_pass(prepare(mixture), points)
    assert isinstance(moments.loglik, float)
    assert moments.s0.shape == (ngauss,)
    assert moments.s1.shape == (ngauss, nvars)
    assert moments.s2.shape == (ngauss, nvars, nvars)
    assert_moments(moments, mixture, points)
    weight = np.random.default_rng(count).exponential(size=count)
    assert_moments(_core.data_pass(prepare(mixture), points, weight), mixture, points, weight)


@pytest.mark.parametrize("count", CHUNK_EDGES)
def test_numbers_of_points_around_whole_chunks(count):
    mixture = make_mixture(2, 3)
    points = make_points(mixture, count)
    assert_moments(_core.data_pass(prepare(mixture), points), mixture, points)


@pytest.mark.parametrize("nvars", DIMENSIONS)
@pytest.mark.parametrize("ngauss", [1, 2, 5, 40])
def test_every_dimension(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    points = make_points(mixture, 300)
    weight = np.random.default_rng(nvars).exponential(size=300)
    assert_moments(_core.data_pass(prepare(mixture), points, weight), mixture, points, weight)


def assert_moments_within_rounding(mixture, points, weight=None):
    """Moments differ from the textbook's by no more than the rounding of log densities explains.

    With errors e_k of log w_k + log N_k, r_k has the relative error e_k + sum_j r_j e_j; a sum of
    N terms in any order adds N eps of their sizes. Both sides may err.
    """
    moments = _core.data_pass(prepare(mixture), points, weight)
    expected = oracles.numpy_moments(mixture, points, weight)
    s = np.ones(len(points)) if weight is None else weight
    terms = oracles.log_terms(mixture, points)
    r = np.exp(terms - logsumexp(terms, axis=1)[:, None])
    errors = oracles.log_density_bounds(*mixture[:2], points, covariances=mixture.covariances)
    with np.errstate(divide="ignore"):
        sizes = abs(terms) + abs(np.log(mixture.weights))
    own = np.where(r > 0, errors.components + 4 * oracles.EPS * sizes, 0.0)
    relative = np.expm1(np.minimum(own + (r * own).sum(axis=1)[:, None], 30.0))
    wrong = 2 * s[:, None] * (r * (relative + (len(points) + 10) * oracles.EPS) + TINY)
    assert (abs(moments.s0 - expected.s0) <= wrong.sum(axis=0)).all()
    for k, mean in enumerate(mixture.means):
        y = abs(points - mean)
        assert (abs(moments.s1[k] - expected.s1[k]) <= wrong[:, k] @ y).all()
        assert (abs(moments.s2[k] - expected.s2[k]) <= (y * wrong[:, k, None]).T @ y).all()
    slack = s @ (errors.logpdf + len(points) * oracles.EPS * abs(logsumexp(terms, axis=1)))
    assert abs(moments.loglik - expected.loglik) <= 2 * slack


@given(mixtures(max_nvars=12), st.integers(1, 40), st.booleans())
def test_hard_mixtures(mixture, count, weighted):
    weight = np.random.default_rng(count).exponential(size=count) if weighted else None
    assert_moments_within_rounding(mixture, make_points(mixture, count), weight)


@pytest.mark.parametrize("nvars", [1, 3, 17])
def test_far_from_every_component(nvars):
    mixture = make_mixture(nvars, 4)
    points = make_points(mixture, 50, inflate=1e4)
    assert_moments_within_rounding(mixture, points)
    assert _core.data_pass(prepare(mixture), points).s0.sum() == pytest.approx(50, rel=1e-13)


def test_no_cancellation_when_data_are_far_from_the_origin():
    # Shifting by a power of 2 that the data can bear without rounding changes no bit.
    mixture = make_mixture(3, 4)
    means = np.round(mixture.means * 2**20) / 2**20
    points = np.round(make_points(mixture, 300) * 2**20) / 2**20
    near = _core.data_pass(prepare(mixture._replace(means=means)), points)
    far = _core.data_pass(prepare(mixture._replace(means=means + 2.0**30)), points + 2.0**30)
    assert_same_bits(near, far)


@pytest.mark.parametrize("nvars", [1, 2, 3, 8, 20, 40])
def test_one_component_gives_the_moments_of_the_data(nvars):
    points = np.random.default_rng(nvars).standard_normal((1234, nvars)) + 5.0
    mean = points.mean(axis=0)
    prepared = _core.PreparedMixture([1.0], [mean], [np.eye(nvars)])
    moments = _core.data_pass(prepared, points)
    assert moments.s0[0] == 1234
    np.testing.assert_allclose(moments.s1[0], 0.0, atol=1e-10)
    covariance = np.cov(points.T, bias=True).reshape(nvars, nvars)
    np.testing.assert_allclose(moments.s2[0] / 1234, covariance, rtol=1e-12, atol=1e-13)
    expected = -617 * (nvars * np.log(2 * np.pi) + np.trace(covariance))
    assert moments.loglik == pytest.approx(expected, rel=1e-13)


def test_loglik_is_the_sum_of_log_densities():
    mixture = make_mixture(3, 5)
    prepared = prepare(mixture)
    points = make_points(mixture, 3000)
    weight = np.random.default_rng(0).random(3000)
    values = _core.logpdf(prepared, points)
    assert _core.data_pass(prepared, points).loglik == pytest.approx(values.sum(), rel=1e-13)
    assert _core.log_likelihood(prepared, points) == pytest.approx(values.sum(), rel=1e-13)
    expected = pytest.approx(weight @ values, rel=1e-13)
    assert _core.data_pass(prepared, points, weight).loglik == expected
    assert _core.log_likelihood(prepared, points, weight) == expected


# Sample weights


@pytest.mark.parametrize("nvars", [1, 3, 10, 20, 33])
def test_rows_of_weight_zero_are_as_if_absent(nvars, rng):
    mixture = make_mixture(nvars, 4)
    prepared = prepare(mixture)
    points = make_points(mixture, 1500)
    weight = rng.exponential(size=1500) * (rng.random(1500) < 0.5)
    present = weight > 0
    for s, kept in [(weight, weight[present]), (present.astype(float), None)]:
        moments = _core.data_pass(prepared, points, s)
        expected = as_tuple(_core.data_pass(prepared, points[present], kept))
        for seen, value in zip(as_tuple(moments), expected, strict=True):
            size = abs(np.asarray(value)).max()
            np.testing.assert_allclose(seen, value, rtol=1e-12, atol=1e-12 * size)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_rows_of_weight_zero_may_hold_anything(bad):
    mixture = make_mixture(2, 3)
    points = make_points(mixture, 300)
    weight = np.ones(300)
    weight[[0, 17, 299]] = 0.0
    expected = _core.data_pass(prepare(mixture), points, weight)
    points[[0, 17, 299], [0, 1, 0]] = bad
    assert_same_bits(_core.data_pass(prepare(mixture), points, weight), expected)
    assert _core.log_likelihood(prepare(mixture), points, weight) == pytest.approx(
        expected.loglik, rel=1e-14
    )


@pytest.mark.parametrize("nvars", [1, 3, 10, 20, 33])
def test_whole_weights_are_repetitions(nvars, rng):
    mixture = make_mixture(nvars, 4)
    prepared = prepare(mixture)
    points = make_points(mixture, 700)
    times = rng.integers(0, 5, 700)
    weighted = as_tuple(_core.data_pass(prepared, points, times.astype(float)))
    repeated = as_tuple(_core.data_pass(prepared, np.repeat(points, times, axis=0)))
    for seen, value in zip(weighted, repeated, strict=True):
        size = abs(np.asarray(value)).max()
        np.testing.assert_allclose(seen, value, rtol=1e-12, atol=1e-12 * size)


@pytest.mark.parametrize("power", [-40, 1, 60])
def test_weights_times_a_power_of_two_scale_every_bit(power, rng):
    mixture = make_mixture(3, 4)
    prepared = prepare(mixture)
    points = make_points(mixture, 1000)
    weight = rng.exponential(size=1000)
    base = as_tuple(_core.data_pass(prepared, points, weight))
    scaled = as_tuple(_core.data_pass(prepared, points, weight * 2.0**power))
    for seen, value in zip(scaled, base, strict=True):
        np.testing.assert_array_equal(seen, np.ldexp(value, power))


def test_weights_of_one_are_no_weights():
    mixture = make_mixture(5, 3)
    points = make_points(mixture, 1000)
    assert_same_bits(
        _core.data_pass(prepare(mixture), points, np.ones(1000)),
        _core.data_pass(prepare(mixture), points),
    )


def test_weights_of_any_layout_and_dtype():
    mixture = make_mixture(2, 3)
    prepared = prepare(mixture)
    points = make_points(mixture, 600)
    weight = np.arange(600.0) % 7
    expected = _core.data_pass(prepared, points, weight)
    read_only = weight.copy()
    read_only.flags.writeable = False
    for given_weight in [
        np.repeat(weight, 3)[::3],
        weight[::-1].copy()[::-1],
        weight.astype(np.float32),
        weight.astype(int),
        weight.astype(">f8"),
        weight.tolist(),
        read_only,
    ]:
        assert_same_bits(_core.data_pass(prepared, points, given_weight), expected)
    flat = np.broadcast_to(np.float64(0.25), 600)
    assert_same_bits(
        _core.data_pass(prepared, points, flat),
        _core.data_pass(prepared, points, np.full(600, 0.25)),
    )


@pytest.mark.parametrize("function", [_core.data_pass, _core.log_likelihood, _core.em_step])
def test_weights_of_the_wrong_shape_quote_both_shapes(function):
    mixture = make_mixture(2, 3)
    points = make_points(mixture, 40)
    with pytest.raises(InputError, match=r"sample_weight.*\(39,?\).*\(40,?\)"):
        function(prepare(mixture), points, np.ones(39))
    with pytest.raises(InputError, match=r"sample_weight.*\(40, 1\).*\(40,?\)"):
        function(prepare(mixture), points, np.ones((40, 1)))


@pytest.mark.parametrize("bad", [-1.0, -np.inf, np.inf, np.nan])
@pytest.mark.parametrize("function", [_core.data_pass, _core.log_likelihood, _core.em_step])
def test_weights_that_are_not_weights_are_refused(function, bad):
    mixture = make_mixture(2, 3)
    points = make_points(mixture, 400)
    weight = np.ones(400)
    weight[[123, 300]] = bad
    with pytest.raises(InputError, match=r"sample_weight.*123"):
        function(prepare(mixture), points, weight)


# No points, no mass, values that are not finite


def test_no_points_have_no_moments():
    moments = _core.data_pass(prepare(make_mixture(3, 4)), np.zeros((0, 3)))
    assert moments.loglik == 0.0
    for values, shape in [(moments.s0, (4,)), (moments.s1, (4, 3)), (moments.s2, (4, 3, 3))]:
        np.testing.assert_array_equal(values, np.zeros(shape))


def test_no_mass_has_no_moments():
    mixture = make_mixture(3, 4)
    moments = _core.data_pass(prepare(mixture), make_points(mixture, 600), np.zeros(600))
    for values in as_tuple(moments):
        np.testing.assert_array_equal(values, np.zeros(np.shape(values)))


def test_a_component_of_weight_zero_takes_nothing():
    mixture = make_mixture(3, 4)
    weights = np.array([0.5, 0.25, 0.0, 0.25])
    moments = _core.data_pass(prepare(mixture._replace(weights=weights)), make_points(mixture, 500))
    assert moments.s0[2] == 0.0
    np.testing.assert_array_equal(moments.s1[2], 0.0)
    np.testing.assert_array_equal(moments.s2[2], 0.0)
    others = oracles.Mixture(*(np.delete(values, 2, axis=0) for values in mixture))._replace(
        weights=np.array([0.5, 0.25, 0.25])
    )
    expected = oracles.numpy_moments(others, make_points(mixture, 500))
    np.testing.assert_allclose(np.delete(moments.s0, 2), expected.s0, rtol=1e-12)
    assert moments.loglik == pytest.approx(expected.loglik, rel=1e-13)


@pytest.mark.parametrize(("bad", "loglik"), [(np.nan, np.nan), (np.inf, -np.inf)])
@pytest.mark.parametrize("nvars", [1, 3, 16, 20])
def test_values_that_are_not_finite_show_in_the_likelihood(nvars, bad, loglik):
    mixture = make_mixture(nvars, 2)
    points = make_points(mixture, 2000)
    points[1500, -1] = bad
    np.testing.assert_equal(_core.data_pass(prepare(mixture), points).loglik, loglik)
    np.testing.assert_equal(_core.log_likelihood(prepare(mixture), points), loglik)


def test_data_are_left_as_they_are():
    mixture = make_mixture(3, 4)
    points, weight = make_points(mixture, 3000), np.linspace(0, 1, 3000)
    before = points.tobytes(), weight.tobytes()
    _core.data_pass(prepare(mixture), points, weight)
    assert (points.tobytes(), weight.tobytes()) == before


def test_results_are_the_callers_own():
    mixture = make_mixture(2, 2)
    moments = _core.data_pass(prepare(mixture), make_points(mixture, 100))
    before = moments.s0.copy()
    moments.s0[...] = -1.0
    np.testing.assert_array_equal(moments.s0, before)


MEMORY = """
import resource, sys
import numpy as np
from mogfit import _core
rng = np.random.default_rng(0)
count, ngauss, nvars = 300_000, 200, 2
means = 3 * rng.standard_normal((ngauss, nvars))
mixture = _core.PreparedMixture(
    np.full(ngauss, 1 / ngauss), means, np.broadcast_to(np.eye(nvars), (ngauss, nvars, nvars))
)
points = rng.standard_normal((count, nvars)).astype(sys.argv[1])
points = np.asfortranarray(points) if sys.argv[2] == "F" else points
_core.data_pass(mixture, points[:10_000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
_core.data_pass(mixture, points, np.ones(count))
_core.em_step(mixture, points)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize(("dtype", "order"), [("f8", "C"), ("f4", "F")])
def test_a_pass_needs_little_memory(run_python, dtype, order):
    # N x K responsibilities would be 460 MB, a copy of the data in doubles 4.6 MB.
    grown = float(run_python(MEMORY, dtype, order).stdout)
    assert grown < 2 * 2.3 + 4.0


@settings(max_examples=20)
@given(mixtures(max_nvars=4, max_ngauss=4, max_log10_scale=2, max_log10_condition=2.0), st.data())
def test_the_pass_is_additive(mixture, data):
    points = make_points(mixture, 500)
    cut = data.draw(st.integers(0, 500))
    parts = [as_tuple(_core.data_pass(prepare(mixture), p)) for p in (points[:cut], points[cut:])]
    whole = as_tuple(_core.data_pass(prepare(mixture), points))
    for first, second, expected in zip(*parts, whole, strict=True):
        size = abs(np.asarray(first)) + abs(np.asarray(second))
        assert (abs(first + second - expected) <= 1e-12 * size.max()).all()

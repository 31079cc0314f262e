"""What a prepared mixture holds, and what it refuses and in which words."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given

from mogfit import _core
from mogfit.errors import DegenerateError, InputError
from tests import oracles
from tests.core import DIMENSIONS, prepare
from tests.strategies import make_mixture, mixtures

IDENTITY = np.eye(2)
MEANS = np.zeros((3, 2))
WEIGHTS = np.full(3, 1 / 3)


def three(covariance):
    """Three components, the last of which has this covariance."""
    return WEIGHTS, MEANS, [IDENTITY, 2 * IDENTITY, covariance]


def assert_relative(seen, weights):
    allowed = 2 * oracles.EPS * (1 + abs(np.log(weights)))
    assert (abs(seen / weights - 1) <= allowed).all()


# What it holds


@pytest.mark.parametrize("nvars", DIMENSIONS)
@pytest.mark.parametrize("ngauss", [1, 5])
def test_parameters_come_back(nvars, ngauss):
    mixture = make_mixture(nvars, ngauss)
    prepared = prepare(mixture)
    assert (prepared.ngauss, prepared.nvars) == (ngauss, nvars)
    # What is kept is log w, rounded: exp turns its eps |log w| into a relative error.
    assert_relative(prepared.weights, mixture.weights)
    np.testing.assert_array_equal(prepared.means, mixture.means)
    np.testing.assert_allclose(prepared.covariances, mixture.covariances, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(prepared.log_weights, np.log(mixture.weights), rtol=1e-14)


@given(mixtures(max_nvars=8, max_ngauss=3))
def test_factors_are_those_of_cholesky(mixture):
    prepared = prepare(mixture)
    np.testing.assert_array_equal(np.triu(prepared.factors, 1), 0.0)
    assert (np.diagonal(prepared.factors, axis1=1, axis2=2) > 0).all()
    # L L^T is the covariance up to (d + 4) u of sqrt(S_ii S_jj), whatever the condition.
    for lower, covariance in zip(prepared.factors, mixture.covariances, strict=True):
        with mpmath.workdps(oracles.DIGITS):
            exact = mpmath.matrix(lower.tolist()) * mpmath.matrix(lower.tolist()).T
            wrong = exact - mpmath.matrix(covariance.tolist())
        wrong = np.array(wrong.tolist(), dtype=float)
        scale = np.sqrt(np.diagonal(covariance))
        allowed = (len(lower) + 4) * oracles.EPS * np.outer(scale, scale)
        assert (abs(wrong) <= allowed).all()


@pytest.mark.parametrize("nvars", [1, 2, 7, 16, 33])
def test_a_mixture_of_factors_is_that_of_covariances(nvars):
    mixture = make_mixture(nvars, 3)
    factors = np.linalg.cholesky(mixture.covariances)
    log_weights = np.log(mixture.weights)
    prepared = _core.PreparedMixture.from_factors(log_weights, mixture.means, factors)
    np.testing.assert_array_equal(prepared.factors, factors)
    np.testing.assert_array_equal(prepared.log_weights, log_weights)
    np.testing.assert_array_equal(prepared.means, mixture.means)
    np.testing.assert_allclose(prepared.weights, mixture.weights, rtol=1e-15)
    np.testing.assert_allclose(prepared.covariances, mixture.covariances, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("smallest", [1e-12, 1e-100, 1e-300])
def test_variances_of_any_scale(smallest):
    covariance = np.diag([smallest, 1 / smallest])
    rho = 0.75 if smallest == 1e-12 else 0.0
    covariance[0, 1] = covariance[1, 0] = rho
    prepared = _core.PreparedMixture([1.0], [[0.0, 0.0]], [covariance])
    np.testing.assert_allclose(prepared.factors[0] @ prepared.factors[0].T, covariance, rtol=1e-14)
    point = np.sqrt([[smallest, 1 / smallest]])
    q = 2 / (1 + rho)
    expected = -np.log(2 * np.pi) - np.log(1 - rho**2) / 2 - q / 2
    assert _core.logpdf(prepared, point)[0] == pytest.approx(expected, rel=1e-14)


def test_parameters_of_any_layout_and_dtype():
    mixture = make_mixture(3, 2)
    expected = prepare(mixture)
    for convert in [
        lambda a: a.tolist(),
        np.asfortranarray,
        lambda a: a[..., ::-1].copy()[..., ::-1],
        lambda a: a.astype(">f8"),
        lambda a: np.repeat(a, 2, axis=0)[::2],
    ]:
        seen = _core.PreparedMixture(*map(convert, mixture))
        for name in ("weights", "means", "factors", "log_weights"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(expected, name))
    whole = _core.PreparedMixture([1], [[1, 2]], [[[4, 0], [0, 9]]])
    np.testing.assert_array_equal(whole.factors, [[[2.0, 0.0], [0.0, 3.0]]])


def test_a_prepared_mixture_cannot_be_changed():
    mixture = oracles.Mixture(*(values.copy() for values in make_mixture(3, 2)))
    prepared = prepare(mixture)
    names = ["weights", "means", "covariances", "factors", "log_weights"]
    before = {name: getattr(prepared, name).copy() for name in names}
    for values in mixture:
        values[...] = -7.0  # the caller's own arrays
    for name in names:
        with pytest.raises(AttributeError):
            setattr(prepared, name, before[name])
        values = getattr(prepared, name)
        if values.flags.writeable:
            values[...] = -7.0  # a copy
    for name in names:
        np.testing.assert_array_equal(getattr(prepared, name), before[name])


def test_weights_are_used_as_they_are():
    mixture = make_mixture(2, 3)
    points = mixture.means
    for total in (1e-200, 0.5, 2.0, 1e200):
        prepared = prepare(mixture._replace(weights=mixture.weights * total))
        assert_relative(prepared.weights, mixture.weights * total)
        expected = _core.logpdf(prepare(mixture), points) + np.log(total)
        np.testing.assert_allclose(_core.logpdf(prepared, points), expected, rtol=1e-13, atol=1e-13)


def test_log_weights_reach_beyond_the_range_of_weights():
    log_weights = np.array([-2000.0, -2001.0, -np.inf])
    prepared = _core.PreparedMixture.from_factors(log_weights, MEANS, [IDENTITY] * 3)
    np.testing.assert_array_equal(prepared.log_weights, log_weights)
    expected = -2000.0 + np.log1p(np.exp(-1.0)) - np.log(2 * np.pi)
    assert _core.logpdf(prepared, MEANS[:1])[0] == pytest.approx(expected, rel=1e-14)
    shares = _core.responsibilities(prepared, MEANS[:1])[0]
    np.testing.assert_allclose(shares, [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0.0], rtol=1e-13)


# Covariances that are none


@pytest.mark.parametrize(
    "covariance",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[1e-12, 1.0], [1.0, 1e12]],  # singular, at scales that hide it
        [[1e-12, -1.001], [-1.001, 1e12]],
        [[0.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, -1.0]],
        [[-1.0, 0.0], [0.0, -1.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ],
)
def test_covariances_that_are_not_positive_definite(covariance):
    with pytest.raises(DegenerateError, match=r"component 2\b"):
        _core.PreparedMixture(*three(covariance))


@pytest.mark.parametrize("nvars", [3, 8, 20, 40])
def test_covariances_of_too_low_a_rank(nvars, rng):
    # Whole numbers: the matrix is singular exactly, not only to rounding.
    low = rng.integers(-3, 4, (nvars, nvars - 1)).astype(float)
    with pytest.raises(DegenerateError, match=r"component 0\b"):
        _core.PreparedMixture([1.0], [np.zeros(nvars)], [low @ low.T])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("entry", [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_covariances_that_are_not_finite(bad, entry):
    covariance = np.eye(2)
    covariance[entry] = bad
    with pytest.raises(InputError, match=r"component 2\b"):
        _core.PreparedMixture(*three(covariance))
    covariance[entry[::-1]] = bad
    with pytest.raises(InputError, match=r"component 2\b"):
        _core.PreparedMixture(*three(covariance))


@pytest.mark.parametrize("size", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("asymmetry", [1e-8, 1e-3, 0.5])
def test_covariances_that_are_not_symmetric(size, asymmetry):
    covariance = size * np.array([[1.0, 0.3 + asymmetry], [0.3, 1.0]])
    for given_covariance in (covariance, covariance.T):
        with pytest.raises(InputError, match=r"component 2\b.*symmetric"):
            _core.PreparedMixture(*three(given_covariance))


def test_asymmetry_from_rounding_is_averaged_away():
    covariance = np.array([[1.0, 0.3 + 4e-11], [0.3, 1.0]])
    for given_covariance in (covariance, covariance.T):
        prepared = _core.PreparedMixture(*three(given_covariance))
        seen = prepared.covariances[2]
        assert seen[0, 1] == seen[1, 0] == pytest.approx(0.3 + 2e-11, abs=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_factors_that_are_none(bad):
    factors = np.stack([np.eye(2)] * 3)
    factors[2, 1, 1] = bad
    with pytest.raises((DegenerateError, InputError), match=r"component 2\b"):
        _core.PreparedMixture.from_factors(np.log(WEIGHTS), MEANS, factors)
    if not np.isfinite(bad):
        factors[2] = [[1.0, 0.0], [bad, 1.0]]
        with pytest.raises((DegenerateError, InputError), match=r"component 2\b"):
            _core.PreparedMixture.from_factors(np.log(WEIGHTS), MEANS, factors)


def test_factors_that_are_not_triangular():
    factors = np.stack([np.eye(2)] * 3)
    factors[2, 0, 1] = 0.5
    with pytest.raises(InputError, match=r"component 2\b"):
        _core.PreparedMixture.from_factors(np.log(WEIGHTS), MEANS, factors)


# Weights and means that are none


@pytest.mark.parametrize("bad", [-1.0, -1e-300, np.nan, np.inf, -np.inf])
def test_weights_that_are_none(bad):
    with pytest.raises(InputError, match=r"weights.*component 1\b"):
        _core.PreparedMixture([0.5, bad, 0.5], MEANS, [IDENTITY] * 3)


def test_weights_that_are_all_zero():
    with pytest.raises(InputError, match="weights"):
        _core.PreparedMixture(np.zeros(3), MEANS, [IDENTITY] * 3)
    with pytest.raises(InputError, match="weights"):
        _core.PreparedMixture.from_factors(np.full(3, -np.inf), MEANS, [IDENTITY] * 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_log_weights_that_are_none(bad):
    with pytest.raises(InputError, match=r"weights.*component 1\b"):
        _core.PreparedMixture.from_factors([0.0, bad, 0.0], MEANS, [IDENTITY] * 3)


def test_weights_of_zero_are_weights():
    prepared = _core.PreparedMixture([0.0, 1.0, 0.0], MEANS, [IDENTITY] * 3)
    np.testing.assert_array_equal(prepared.log_weights, [-np.inf, 0.0, -np.inf])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_means_that_are_not_finite(bad):
    means = MEANS.copy()
    means[1, 1] = bad
    for build in (
        lambda: _core.PreparedMixture(WEIGHTS, means, [IDENTITY] * 3),
        lambda: _core.PreparedMixture.from_factors(np.log(WEIGHTS), means, [IDENTITY] * 3),
    ):
        with pytest.raises(InputError, match=r"mus.*component 1\b"):
            build()


# Shapes


@pytest.mark.parametrize("build", [_core.PreparedMixture, _core.PreparedMixture.from_factors])
@pytest.mark.parametrize(
    ("weights", "means", "covariances", "message"),
    [
        ((2,), (3, 2), (3, 2, 2), r"weights.*\(2,\).*\(3,\)"),
        ((3, 1), (3, 2), (3, 2, 2), r"weights.*\(3, 1\).*\(3,\)"),
        ((3,), (3, 2), (2, 2, 2), r"\(2, 2, 2\).*\(3, 2, 2\)"),
        ((3,), (3, 2), (3, 3, 3), r"\(3, 3, 3\).*\(3, 2, 2\)"),
        ((3,), (3, 2), (3, 2), r"\(3, 2\).*\(3, 2, 2\)"),
        ((3,), (3, 2), (3, 2, 1), r"\(3, 2, 1\).*\(3, 2, 2\)"),
        ((3,), (3,), (3, 2, 2), r"mus.*\(3,\).*\(K, d\)"),
        ((3,), (1, 3, 2), (3, 2, 2), r"mus.*\(1, 3, 2\).*\(K, d\)"),
        ((0,), (0, 2), (0, 2, 2), r"mus.*\(0, 2\)"),
        ((3,), (3, 0), (3, 0, 0), r"mus.*\(3, 0\)"),
    ],
)
def test_shapes_that_disagree_are_both_quoted(build, weights, means, covariances, message):
    with pytest.raises(InputError, match=message):
        build(np.ones(weights), np.ones(means), np.ones(covariances))


def test_parameters_that_are_not_numbers():
    for bad in ("abc", [["a", "b"]], None, [1.0 + 2.0j, 0.0]):
        with pytest.raises((TypeError, InputError)):
            _core.PreparedMixture([1.0], bad, [IDENTITY])

"""The flat vectors, against loops that spell their layouts out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogfit import InputError
from mogfit.parameters import (
    Stdcorr,
    bound_to_unbound,
    correlation_pairs,
    covariances_from_stdcorr,
    join_params,
    join_stdcorr,
    minparams_from_stdcorr,
    number_of_parameters,
    split_params,
    split_stdcorr,
    stdcorr_from_covariances,
    stdcorr_from_minparams,
    unbound_to_bound,
)
from tests.strategies import make_mixture

SHAPES = [(1, 1), (1, 4), (3, 1), (2, 2), (3, 3), (2, 5)]


def parts_of(ngauss, nvars):
    weights, mus, Sigmas = make_mixture(nvars, ngauss, seed=4)
    return weights, mus, Sigmas, Stdcorr(weights, mus, *stdcorr_from_covariances(Sigmas))


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_params_are_weights_then_means_then_upper_triangles(ngauss, nvars):
    weights, mus, Sigmas, _ = parts_of(ngauss, nvars)
    expected = list(weights)
    expected += [mus[k, i] for k in range(ngauss) for i in range(nvars)]
    for Sigma in Sigmas:
        expected += [Sigma[i, j] for i in range(nvars) for j in range(i, nvars)]
    assert join_params(weights, mus, Sigmas).tolist() == expected


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_stdcorr_is_weights_then_means_then_sigmas_then_correlations(ngauss, nvars):
    weights, mus, Sigmas, parts = parts_of(ngauss, nvars)
    sigmas = [[np.sqrt(Sigmas[k, i, i]) for i in range(nvars)] for k in range(ngauss)]
    expected = list(weights) + [v for row in mus for v in row] + [v for row in sigmas for v in row]
    expected += [
        Sigmas[k, i, j] / (sigmas[k][i] * sigmas[k][j])
        for k in range(ngauss)
        for i in range(nvars)
        for j in range(i + 1, nvars)
    ]
    # A product and a quotient of doubles: two roundings.
    np.testing.assert_allclose(join_stdcorr(parts), expected, rtol=4.5e-16)


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_splitting_undoes_joining(ngauss, nvars):
    weights, mus, Sigmas, parts = parts_of(ngauss, nvars)
    for seen, expected in zip(
        split_params(join_params(weights, mus, Sigmas), nvars), (weights, mus, Sigmas), strict=True
    ):
        np.testing.assert_array_equal(seen, expected)
    for seen, expected in zip(split_stdcorr(join_stdcorr(parts), nvars), parts, strict=True):
        np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_covariances_survive_standard_deviations_and_correlations(ngauss, nvars):
    _, _, Sigmas, parts = parts_of(ngauss, nvars)
    again = covariances_from_stdcorr(parts.sigmas, parts.rhos)
    scale = np.sqrt(np.einsum("ki,kj->kij", *[np.einsum("kii->ki", Sigmas)] * 2))
    # Four roundings of a number of at most the size of the scale.
    assert np.abs((again - Sigmas) / scale).max() < 4 * np.finfo(float).eps


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_minparams_leave_out_a_lone_weight_and_shift_the_correlations(ngauss, nvars):
    *_, parts = parts_of(ngauss, nvars)
    vector = minparams_from_stdcorr(parts)
    whole = join_stdcorr(parts)
    pairs = parts.rhos.size
    assert vector.size == whole.size - (ngauss == 1)
    if pairs:
        np.testing.assert_array_equal(vector[-pairs:], 1.0 + parts.rhos.ravel())
    back = stdcorr_from_minparams(vector, ngauss, nvars)
    expected = whole.copy()
    if ngauss == 1:
        expected[0] = 1.0
    # Adding 1 and taking it away loses what lies below one unit of rounding.
    np.testing.assert_allclose(back, expected, rtol=0, atol=2.3e-16)


@pytest.mark.parametrize(("ngauss", "nvars"), SHAPES)
def test_free_parameters_are_counted(ngauss, nvars):
    assert number_of_parameters(ngauss, nvars) == sum(
        [ngauss - 1, ngauss * nvars, ngauss * sum(range(1, nvars + 1))]
    )


def test_pairs_come_in_reading_order():
    rows, columns = correlation_pairs(4)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 3),
    ]


@given(
    st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=6),
    st.sampled_from([1.0, 2.0, 10.0, 1e6, 1e-6]),
)
def test_unbound_vectors_are_logits_and_come_back(parts, scale):
    values = np.array(parts) * scale
    unbound = bound_to_unbound(values, scale)
    np.testing.assert_allclose(unbound, [np.log(p / (1 - p)) for p in parts], rtol=1e-9, atol=1e-12)
    # The logit amplifies a rounding of p by 1 / p (1 - p) <= 1e6, its inverse takes it back.
    np.testing.assert_allclose(unbound_to_bound(unbound, scale), values, rtol=1e-13)


def test_entries_of_scale_0_stay_as_they_are():
    values = [-3.0, 0.25, 1e300]
    np.testing.assert_array_equal(bound_to_unbound(values, 0.0), values)
    np.testing.assert_array_equal(unbound_to_bound(values, 0.0), values)


def test_the_ends_of_an_interval_are_infinite_and_come_back_exactly():
    unbound = bound_to_unbound([0.0, 2.0], 2.0)
    assert unbound.tolist() == [-np.inf, np.inf]
    assert unbound_to_bound(unbound, 2.0).tolist() == [0.0, 2.0]
    # Far out, the exponential overflows in silence.
    assert unbound_to_bound([-1e4, 1e4], 2.0).tolist() == [0.0, 2.0]


@pytest.mark.parametrize("split", [split_params, split_stdcorr])
@pytest.mark.parametrize("vector", [[], [1.0] * 5, [[1.0] * 6]])
def test_a_vector_of_another_length_is_refused(split, vector):
    with pytest.raises(InputError, match="seen, one vector of 6 values for each component in 2"):
        split(vector, 2)


def test_a_vector_needs_the_number_of_variables():
    with pytest.raises(InputError, match=r"nvars: 0 .*allowed: 1 or more"):
        split_params([1.0], 0)

"""What must not matter: units, order, repetition, scale of the weights, seeds' bystanders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogfit import FitMoG
from tests.fitting import POINTS, START, fit, mapped, parameters, permuted

# An optimum is reached to this gradient where results are compared to 1e-8: overlapping components
# have curvatures of some 1e-2, and the parameters the error of the gradient over that.
TIGHT = 1e-11


def standardised(mog, scales, shift):
    """Parameters of a mixture in the units of `POINTS`."""
    order = np.argsort(-mog.weights)
    return np.concatenate(
        [
            mog.weights[order],
            ((mog.mus[order] - shift) / scales).ravel(),
            (mog.sigmas[order] / scales).ravel(),
            mog.rhos[order].ravel(),
        ]
    )


@settings(max_examples=15)
@given(
    st.lists(st.integers(-12, 12), min_size=2, max_size=2),
    st.lists(st.sampled_from([0.0, 3.0, -100.0]), min_size=2, max_size=2),
    st.integers(0, 3),
)
def test_columns_may_be_scaled_and_shifted_from_default_starts(exponents, offsets, seed):
    scales = 10.0 ** np.array(exponents)
    shift = np.array(offsets) * scales
    plain = fit(random_state=seed, tol=TIGHT)
    other = fit(POINTS * scales + shift, random_state=seed, tol=TIGHT)
    np.testing.assert_allclose(
        standardised(other.mog, scales, shift), parameters(plain.mog), rtol=1e-8, atol=1e-8
    )
    expected = plain.report.neg_loglik_per_point + np.log(scales).sum()
    assert other.report.neg_loglik_per_point == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_scaling_by_powers_of_two_at_the_default_tolerance():
    scales = np.array([2.0**-30, 2.0**20])
    other = fit(POINTS * scales)
    np.testing.assert_allclose(
        standardised(other.mog, scales, 0.0), parameters(fit().mog), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS"])
def test_any_affine_map_from_mapped_starts(method):
    A, b = np.array([[2.0, 0.3], [-1.0, 1.5]]), np.array([3.0, -8.0])
    tol = {"L-BFGS": TIGHT, "EM": 1e-15, "BFGS": None}[method]
    plain = fit(start=START, tol=tol, method=method)
    other = fit(POINTS @ A.T + b, start=mapped(START, A, b), tol=tol, method=method)
    atol = 1e-8 if method == "L-BFGS" else 1e-4
    np.testing.assert_allclose(
        parameters(other.mog), parameters(mapped(plain.mog, A, b)), atol=atol
    )
    shifted = plain.report.neg_loglik_per_point + np.linalg.slogdet(A)[1]
    assert other.report.neg_loglik_per_point == pytest.approx(shifted, abs=1e-10)


def test_em_is_equivariant_step_by_step():
    A, b = np.array([[2.0, 0.3], [-1.0, 1.5]]), np.array([3.0, -8.0])
    steps, others = [], []
    fit(start=START, method="EM", tol=1e-6, callback=steps.append)
    fit(
        POINTS @ A.T + b,
        start=mapped(START, A, b),
        method="EM",
        tol=1e-6,
        callback=others.append,
    )
    assert len(steps) == len(others)
    for s, t in zip(steps, others, strict=True):
        np.testing.assert_allclose(t.mus, s.mus @ A.T + b, atol=1e-10)


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2], [2, 1, 0]])
@pytest.mark.parametrize(("method", "tol"), [("L-BFGS", TIGHT), ("EM", 1e-9)])
def test_the_order_of_starting_components_is_lost(order, method, tol):
    a = fit(start=START, method=method, tol=tol)
    b = fit(start=permuted(START, order), method=method, tol=tol)
    np.testing.assert_allclose(a.mog.params, b.mog.params, rtol=0, atol=1e-10)
    assert (np.diff(b.mog.weights) <= 0).all()


def test_the_order_of_rows_is_rounding():
    shuffled = POINTS[np.random.default_rng(0).permutation(len(POINTS))]
    a, b = fit(start=START, tol=TIGHT), fit(shuffled, start=START, tol=TIGHT)
    np.testing.assert_allclose(a.mog.params, b.mog.params, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS", "bounded"])
def test_weights_are_repetitions(method, rng):
    weight = rng.integers(0, 4, len(POINTS))
    results = []
    for data, sample_weight in ((POINTS, weight), (np.repeat(POINTS, weight, axis=0), None)):
        F = FitMoG(data, 3)
        F.set_initial_params(from_mog=START)
        if method == "bounded":
            F.set_bounds(boundw=(0.25, 0.5))
        F.fit_data(method=None if method == "bounded" else method, sample_weight=sample_weight)
        results.append(F)
    a, b = results
    np.testing.assert_allclose(a.mog.params, b.mog.params, rtol=0, atol=1e-10)
    assert a.report.neg_loglik == pytest.approx(b.report.neg_loglik, rel=1e-13)
    assert a.report.total_weight == b.report.total_weight == weight.sum()


def test_a_thousand_times_the_weights_is_the_same_estimate(rng):
    weight = rng.uniform(0.1, 2, len(POINTS))
    a = fit(start=START, sample_weight=weight, tol=TIGHT)
    b = fit(start=START, sample_weight=1000 * weight, tol=TIGHT)
    np.testing.assert_allclose(a.mog.params, b.mog.params, rtol=0, atol=1e-8)
    assert b.report.neg_loglik == pytest.approx(1000 * a.report.neg_loglik, rel=1e-12)
    assert b.report.neg_loglik_per_point == pytest.approx(a.report.neg_loglik_per_point, rel=1e-12)


@pytest.mark.parametrize("start", [None, START])
@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
def test_rows_of_weight_0_are_absent_to_the_last_bit(start, method, rng):
    weight = rng.integers(0, 3, len(POINTS)).astype(float)
    a = fit(start=start, method=method, sample_weight=weight)
    b = fit(POINTS[weight > 0], start=start, method=method, sample_weight=weight[weight > 0])
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.neg_loglik == b.report.neg_loglik


def test_weights_of_1_are_none_to_the_last_bit():
    assert fit(sample_weight=np.ones(3000)).mog.params.tobytes() == fit().mog.params.tobytes()


@pytest.mark.parametrize("threads", [2, 3, 7, 64])
def test_threads_change_no_bit_of_a_fit(threads):
    data = np.tile(POINTS, (20, 1)) + np.random.default_rng(1).normal(0, 0.01, (60_000, 2))
    a, b = fit(data, threads=1), fit(data, threads=threads)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.neg_loglik == b.report.neg_loglik


# Seeds


def test_the_same_seed_gives_the_same_bits():
    for seed in (0, np.int64(5), 2**40):
        a, b = fit(ngauss=5, random_state=seed), fit(ngauss=5, random_state=seed)
        assert a.mog.params.tobytes() == b.mog.params.tobytes()
    a, b = (fit(random_state=np.random.default_rng(4)) for _ in range(2))
    assert a.mog.params.tobytes() == b.mog.params.tobytes()


def test_numpys_global_state_is_left_alone_when_a_seed_is_given():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random(5)  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    fit(ngauss=5, random_state=1)
    np.testing.assert_array_equal(np.random.random(5), expected)  # noqa: NPY002


def test_numpys_seed_makes_a_script_repeatable():
    results = []
    for _ in range(2):
        np.random.seed(11)  # noqa: NPY002
        results.append([fit(ngauss=5, random_state=None).mog.params for _ in range(2)])
    np.testing.assert_array_equal(results[0], results[1])

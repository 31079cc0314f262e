"""`MixtureOfGaussians.conditional`, against closed forms, integrals and 50 digits."""

from __future__ import annotations

import pickle

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mogfit as mn
from tests.algebra.cases import (
    BOX,
    DOMAINS,
    TRUNCATIONS,
    integrated,
    mixture,
    named,
    points_of,
    rows,
)
from tests.strategies import make_mixture, make_points, mixtures
from tests.truncation import grid

# Closed forms and integrals


@pytest.mark.parametrize("fixed", [[0], [3], [1, 2], [3, 0], [0, 1, 3]])
@pytest.mark.parametrize("seed", range(3))
def test_one_gaussian_against_the_closed_form(fixed, seed):
    mog = mixture(1, 4, seed)
    values = np.array([0.3, -1.2, 2.0, 0.7])[: len(fixed)]
    found = mog.conditional(dict(zip(fixed, values.tolist(), strict=True)))
    # By blocks of the precision matrix: another formula than the one in use.
    free = [i for i in range(4) if i not in fixed]
    precision = np.linalg.inv(mog.Sigmas[0])
    Sigma = np.linalg.inv(precision[np.ix_(free, free)])
    mean = mog.mus[0, free] - Sigma @ precision[np.ix_(free, fixed)] @ (values - mog.mus[0, fixed])
    np.testing.assert_allclose(found.mus[0], mean, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.Sigmas[0], Sigma, rtol=1e-12, atol=1e-14)
    assert found.weights.tolist() == [1.0]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("fixed", [[0], [2, 1], [1]])
def test_a_conditional_is_the_joint_density_over_its_integral(fixed, domain, truncation):
    mog = mixture(domain=domain, truncation=truncation)
    free = [i for i in range(3) if i not in fixed]
    for at in points_of(mog, fixed, 3):
        found = mog.conditional(dict(zip(fixed, at.tolist(), strict=True)))
        points = points_of(mog, free)
        joint = mog.pdf(rows(fixed, at[None], free, points)[0])
        expected = joint / integrated(mog, fixed, at[None])
        np.testing.assert_allclose(found.pdf(points), expected, rtol=1e-10)
        assert found.weights.sum() == pytest.approx(1, abs=1e-15)
        assert found.truncation == truncation
        assert found.domain == (domain and found.domain)


def test_values_far_away_keep_the_right_weights():
    """Every density underflows there; against the formula in 60 digits."""
    mog = mixture(4, 3, seed=2)
    for value in (10.0, -60.0, 400.0, 5000.0):
        found = mog.conditional({1: value})
        with mpmath.workdps(60):
            logs = [
                mpmath.log(mpmath.mpf(float(w)))
                - mpmath.log(mpmath.mpf(float(S))) / 2
                - (value - mpmath.mpf(float(m))) ** 2 / mpmath.mpf(float(S)) / 2
                for w, m, S in zip(mog.weights, mog.mus[:, 1], mog.Sigmas[:, 1, 1], strict=True)
            ]
            total = mpmath.log(mpmath.fsum(mpmath.exp(log) for log in logs))
            expected = np.array([float(log - total) for log in logs])
        weights = found.weights
        # Logarithms of that size have this many digits after the point.
        rounding = 4 * np.finfo(float).eps * float(max(abs(log) for log in logs))
        seen = expected > -700
        np.testing.assert_allclose(weights[seen], np.exp(expected[seen]), rtol=rounding)
        assert np.isfinite(found.mus).all()


def test_a_tie_far_away_stays_a_tie():
    mog = mn.MixtureOfGaussians(
        weights=[0.25, 0.75], mus=[[0, -1], [0, 1]], Sigmas=[[[1, 0.5], [0.5, 1]]] * 2
    )
    np.testing.assert_allclose(mog.conditional({0: 1e6}).weights, [0.25, 0.75], rtol=1e-15)
    np.testing.assert_allclose(mog.conditional({0: -1e100}).weights, [0.25, 0.75], rtol=1e-15)


def test_a_density_that_is_0_even_as_a_logarithm_is_refused():
    with pytest.raises(mn.DomainError, match=r"given: .*1e\+200.* is 0 even as a logarithm"):
        mixture().conditional({0: 1e200})
    # The only component that has a density there has no weight.
    mog = mn.MixtureOfGaussians(
        weights=[1.0, 0.0], mus=[[0, 0], [1e200, 0]], Sigmas=[np.eye(2)] * 2
    )
    with pytest.raises(mn.DomainError, match="is 0 even as a logarithm"):
        mog.conditional({0: 1e200})


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_a_truncated_conditional_deep_in_a_tail(truncation):
    # Given x, the mass of y in the box is far below the smallest double: only logarithms know it.
    Sigma = [[1.0, 0.95], [0.95, 1.0]]
    mog = mn.MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[[0, 0], [1, 1]], Sigmas=[Sigma, Sigma],
        domain=[None, [0, 1]], truncation=truncation,
    )  # fmt: skip
    found = mog.conditional({0: -30.0})
    y = np.array([0.0, 0.3, 1.0])
    logs = mog.logpdf(np.column_stack([np.full(3, -30.0), y]))
    assert (logs < -4000).all()
    # Up to one constant, the conditional is the joint density.
    shift = found.logpdf(y) - logs
    np.testing.assert_allclose(shift, shift[0], atol=1e-10)
    # It falls off over a hundredth of the box.
    x, weight = grid([0.0], [0.1], 160)
    assert weight @ found.pdf(x) == pytest.approx(1, rel=1e-9)


def test_nearly_dependent_variables_keep_their_digits():
    rho = 1 - 1e-9
    mog = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[[[1.0, rho], [rho, 1.0]]])
    found = mog.conditional({0: 2.0})
    exact = (1 - rho) * (1 + rho)
    # As good as a correlation that is 1e-9 away from 1 says it.
    np.testing.assert_allclose(found.Sigmas[0, 0, 0], exact, rtol=1e-6)
    np.testing.assert_allclose(found.mus[0, 0], 2 * rho, rtol=1e-15)


def test_units_far_apart_cost_no_digits():
    case = make_mixture(3, 4)
    scales = np.array([1e-12, 1.0, 1e12])
    plain = mn.MixtureOfGaussians(weights=case.weights, mus=case.means, Sigmas=case.covariances)
    mog = mn.MixtureOfGaussians(
        weights=case.weights,
        mus=case.means * scales,
        Sigmas=case.covariances * np.outer(scales, scales),
    )
    for fixed in ([0, 2], [2], [0, 1]):
        free = [i for i in range(3) if i not in fixed]
        at = dict.fromkeys(fixed, 0.5)
        expected = plain.conditional(at)
        found = mog.conditional({i: 0.5 * scales[i] for i in fixed})
        np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-12)
        np.testing.assert_allclose(found.mus / scales[free], expected.mus, rtol=1e-11, atol=1e-13)
        ratio = found.Sigmas / np.outer(scales[free], scales[free])
        np.testing.assert_allclose(ratio, expected.Sigmas, rtol=1e-11, atol=1e-14)


# Laws


@given(mixtures(max_nvars=6, max_log10_condition=4), st.data())
def test_the_chain_rule(case, data):
    mog = mn.MixtureOfGaussians(weights=case.weights, mus=case.means, Sigmas=case.covariances)
    if mog.nvars < 2:
        return
    order = data.draw(st.permutations(range(mog.nvars)))
    count = data.draw(st.integers(1, mog.nvars - 1))
    fixed, free = sorted(order[:count]), sorted(order[count:])
    inflate = data.draw(st.sampled_from([1.0, 30.0]))
    point = make_points(case, 1, seed=count, inflate=inflate)[0]
    found = mog.conditional({i: float(point[i]) for i in fixed})
    if not found.weights[mog.responsibilities(point).argmax()] > 1e-300:
        return  # the component that the point came from has a weight that no double can hold
    log_joint = mog.logpdf(point)
    log_parts = mog.marginal(fixed).logpdf(point[fixed]) + found.logpdf(point[free])
    # The means of what is conditional are rounded, which is much where they are far from 0.
    rounding = 20 * np.finfo(float).eps * (np.abs(found.mus) / found.sigmas).max()
    tolerance = (1e-8 + rounding) * max(1.0, abs(log_joint))
    assert log_parts == pytest.approx(log_joint, abs=tolerance)
    assert (found.Sigmas == found.Sigmas.transpose(0, 2, 1)).all()


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
@given(seed=st.integers(0, 10**6))
def test_the_chain_rule_inside_a_domain(domain, truncation, seed):
    mog = mixture(2, 3, seed % 7, domain=domain, truncation=truncation)
    rng = np.random.default_rng(seed)
    point = mog.rvs(1, rng=rng)[0]
    order = rng.permutation(3)
    fixed, free = sorted(order[:1].tolist()), sorted(order[1:].tolist())
    log_parts = mog.marginal(fixed).logpdf(point[fixed])
    log_parts += mog.conditional({fixed[0]: point[fixed[0]]}).logpdf(point[free])
    assert log_parts == pytest.approx(mog.logpdf(point), abs=1e-9)


@given(seed=st.integers(0, 100), order=st.permutations(range(4)))
def test_the_order_of_the_variables_is_no_matter(seed, order):
    mog = mixture(3, 4, seed)
    given_here = {order[0]: 0.4, order[1]: -0.7}
    found = mog.conditional(given_here)
    turned = mog.marginal(order).conditional({0: 0.4, 1: -0.7})
    np.testing.assert_allclose(turned.weights, found.weights, rtol=1e-12)
    free = [i for i in range(4) if i not in given_here]
    back = found.marginal([free.index(i) for i in order[2:]])
    np.testing.assert_allclose(turned.mus, back.mus, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(turned.Sigmas, back.Sigmas, rtol=1e-11, atol=1e-14)


def test_conditioning_twice_is_conditioning_once():
    mog = mixture(3, 3, domain=BOX)
    once = mog.conditional({0: 0.3, 1: -0.2})
    twice = mog.conditional({0: 0.3}).conditional({0: -0.2})
    np.testing.assert_allclose(once.weights, twice.weights, rtol=1e-12)
    np.testing.assert_allclose(once.mus, twice.mus, rtol=1e-12)
    np.testing.assert_allclose(once.Sigmas, twice.Sigmas, rtol=1e-12)


# What may be given


def test_a_dictionary_and_a_row_say_the_same():
    mog = named(mixture(domain=BOX))
    expected = mog.conditional({2: 0.5, 0: 1.0})
    assert expected.names == ("y",)
    nan = np.nan
    table = pd.DataFrame({"z": [0.5], "y": [nan], "x": [1.0]})
    masked = np.ma.masked_array([1.0, 9.9, 0.5], mask=[False, True, False])
    for row in (
        {"z": 0.5, "x": 1}, {-1: np.float64(0.5), "x": np.int64(1)}, [1.0, nan, 0.5],
        np.array([1.0, nan, 0.5]), np.array([[1.0, nan, 0.5]]), table, masked,
    ):  # fmt: skip
        found = mog.conditional(row)
        assert found.params.tobytes() == expected.params.tobytes()
        assert found.names == ("y",)
    for series in (table.iloc[0], pd.Series({"z": 0.5, "x": 1.0}), pd.Series([1.0, nan, 0.5])):
        found = mog.conditional(series)
        assert found.params.tobytes() == expected.params.tobytes()
    single = mog.conditional(np.array([1.0, nan, 0.5], dtype=np.float32))
    np.testing.assert_allclose(single.params, expected.params)


def test_with_nothing_given_the_mixture_is_itself():
    for truncation in TRUNCATIONS:
        mog = named(mixture(domain=BOX, truncation=truncation))
        for nothing in ({}, [np.nan] * 3):
            found = mog.conditional(nothing)
            np.testing.assert_allclose(found.params, mog.params, rtol=1e-13, atol=1e-15)
            assert (found.domain, found.names) == (mog.domain, mog.names)
            points = points_of(mog, [0, 1, 2])
            np.testing.assert_allclose(found.pdf(points), mog.pdf(points), rtol=1e-12)


@pytest.mark.parametrize(
    ("given_here", "error", "message"),
    [
        ({"w": 1.0}, mn.InputError, "given: 'w'"),
        ({3: 1.0}, mn.InputError, r"given: 3 \(int\) seen"),
        ({0: 1.0, "x": 2.0}, mn.InputError, "variable 0 seen twice, as 'x' too"),
        ({0: np.nan}, mn.InputError, "given: nan seen for variable 0; .*leave free variables out"),
        ({0: np.inf}, mn.InputError, "given: inf seen for variable 0"),
        ([np.nan, -np.inf, 1.0], mn.InputError, "given: -inf seen for variable 1"),
        ({0: "1"}, mn.DtypeError, r"given: '1' \(str\) seen; allowed: a number"),
        ({0: None}, mn.DtypeError, "given: None seen"),
        ({0: True}, mn.DtypeError, "given: True"),
        ([1.0, 2.0], mn.InputError, "given: shape"),
        ([1.0, 2.0, 3.0], mn.InputError, "all 3 variables seen; leave at least one"),
        ({0: 1, 1: 2, 2: 3}, mn.InputError, "all 3 variables seen"),
        ([[1.0, np.nan, 3.0]] * 2, mn.InputError, r"given: shape \(2, 3\) seen, one row"),
        ("x", mn.DtypeError, "given"),
    ],
)
def test_what_cannot_be_given_is_refused(given_here, error, message):
    with pytest.raises(error, match=message):
        named(mixture()).conditional(given_here)


def test_a_value_outside_the_domain_is_refused():
    mog = named(mixture(domain=BOX))
    message = (
        r"given: -1.5 seen, outside the domain, at column 0 \('x'\); allowed: \[-1, 2\], for the "
        "density is 0 elsewhere"
    )
    with pytest.raises(mn.DomainError, match=message):
        mog.conditional({"y": 0.0, "x": -1.5})
    with pytest.raises(ValueError, match=r"allowed: \[0, inf\]"):
        mog.conditional([np.nan, np.nan, -1e-300])


def test_a_value_at_a_bound_is_inside():
    mog = mixture(domain=BOX)
    for at in ({0: -1.0}, {0: 2.0}, {2: 0.0}, {0: 2.0, 2: 0.0}):
        found = mog.conditional(at)
        fixed = list(at)
        free = [i for i in range(3) if i not in at]
        point = points_of(mog, [0, 1, 2], 1)[0]
        point[fixed] = list(at.values())
        expected = mog.pdf(point) / integrated(mog, fixed, point[None, fixed])[0]
        assert found.pdf(point[free]) == pytest.approx(expected, rel=1e-10)


def test_components_of_weight_0_stay_so():
    mog = mn.MixtureOfGaussians(
        weights=[1.0, 0.0], mus=[[0, 0], [9, 9]], Sigmas=[[[1, 0.5], [0.5, 1]]] * 2
    )
    assert mog.conditional({0: 9.0}).weights.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_conditional_is_pickled_to_the_bit(domain):
    mog = named(mixture(domain=domain))
    found = mog.conditional({"y": 0.2})
    twin = pickle.loads(pickle.dumps(found))
    points = points_of(mog, [0, 2])
    assert twin.pdf(points).tobytes() == found.pdf(points).tobytes()
    assert twin.names == ("x", "z")

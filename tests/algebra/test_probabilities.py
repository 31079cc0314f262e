"""Probabilities of boxes under mixtures, against quadrature and 50 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import stats

import mogfit as mn
from mogfit.errors import DomainError, DtypeError, InputError
from tests import box_oracles, truncation
from tests.algebra.mixtures import mixture

BOX = [[-1.0, 2.0], [0.0, None]]


def test_the_distribution_function_of_one_variable_is_that_of_scipy():
    mog = mixture(3, 1, seed=1)
    x = np.linspace(-6.0, 6.0, 101)
    expected = stats.norm.cdf(x[:, None], mog.mus[:, 0], mog.sigmas[:, 0]) @ mog.weights
    np.testing.assert_allclose(mog.cdf(x), expected, rtol=1e-13)


def test_the_distribution_function_is_accurate_in_the_tail():
    mog = mn.MixtureOfGaussians(
        weights=[0.3, 0.7], mus=[[0.0, 1.0], [2.0, -1.0]],
        Sigmas=[[[1.0, 0.5], [0.5, 2.0]], [[2.0, -0.9], [-0.9, 1.0]]],
    )  # fmt: skip
    for x in ([-12.0, -9.0], [-4.0, 1.0], [25.0, -14.0]):
        exact = mpmath.mpf(0)
        for w, mu, S in zip(mog.weights, mog.mus, mog.Sigmas, strict=True):
            low = [mpmath.mpf("-inf")] * 2
            terms = (box_oracles.exact(v) for v in (mu, S))
            exact += w * box_oracles.probability(*terms, low, box_oracles.exact(x), digits=25)
        assert mog.cdf(x) == pytest.approx(float(exact), rel=1e-10)


def test_points_with_infinite_coordinates_leave_variables_out():
    mog = mixture(3, 2, seed=3)
    x = np.array([[0.3, np.inf], [np.inf, 0.3], [np.inf, np.inf], [-np.inf, 0.0], [np.nan, 0.0]])
    first, second = (
        stats.norm.cdf(0.3, mog.mus[:, i], mog.sigmas[:, i]) @ mog.weights for i in (0, 1)
    )
    np.testing.assert_allclose(mog.cdf(x), [first, second, 1.0, 0.0, np.nan], rtol=1e-13)
    assert isinstance(mog.cdf([0.0, 0.0]), float)
    assert mog.cdf(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("truncation_kind", ["components", "mixture"])
def test_probabilities_in_a_domain_are_ratios_of_masses(truncation_kind):
    mog = mixture(3, 2, seed=4, domain=BOX, truncation=truncation_kind)
    whole = np.array([truncation.mass(m, S, truncation.bounds_of(BOX))
                      for m, S in zip(mog.mus, mog.Sigmas, strict=True)])  # fmt: skip
    shares = mog.weights / whole
    if truncation_kind == "mixture":
        shares = mog.weights / (mog.weights @ whole)
    for lower, upper, cut in (
        ([-3.0, 0.5], [1.0, 0.9], [[-1.0, 1.0], [0.5, 0.9]]),
        ([-np.inf, -np.inf], [0.2, 0.4], [[-1.0, 0.2], [0.0, 0.4]]),
        ([0.0, 0.1], [7.0, np.inf], [[0.0, 2.0], [0.1, None]]),
    ):
        parts = np.array([truncation.mass(m, S, truncation.bounds_of(cut))
                          for m, S in zip(mog.mus, mog.Sigmas, strict=True)])  # fmt: skip
        assert mog.box_probability(lower, upper) == pytest.approx(shares @ parts, rel=1e-11)
    assert mog.cdf([0.2, 0.4]) == mog.box_probability([-np.inf] * 2, [0.2, 0.4])
    assert mog.box_probability([-np.inf] * 2, [np.inf] * 2) == pytest.approx(1.0, rel=1e-15)
    assert mog.box_probability([-9.0, -9.0], [-1.0, 5.0]) == 0.0
    assert mog.cdf([2.0, np.inf]) == pytest.approx(1.0, rel=1e-15)


def test_a_domain_far_away_keeps_its_digits():
    mog = mn.MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1.0, 1.0], domain=[(40.0, None)])
    with mpmath.workdps(40):
        ratios = [mpmath.ncdf(m - mpmath.mpf("40.01")) / mpmath.ncdf(m - 40) for m in (0, 1)]
        expected = 1 - sum(ratios) / 2
    assert mog.cdf(40.01) == pytest.approx(float(expected), rel=1e-10)


def test_the_distribution_function_counts_draws():
    mog = mixture(4, 3, seed=6, domain=[[-1.0, 2.0], None, [0.0, None]])
    draws = mog.rvs(20_000, rng=1)
    for x in ([0.0, 1.0, 1.0], [1.0, 0.0, 2.0]):
        p = mog.cdf(x)
        share = (draws <= x).all(axis=1).mean()
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / len(draws))


def test_weights_that_are_not_normalised_scale_it():
    mog = mn.MixtureOfGaussians(
        weights=[1.0, 2.0], mus=[0.0, 1.0], Sigmas=[1.0, 1.0], normalize_weights=False
    )
    assert mog.cdf(np.inf) == pytest.approx(3.0, rel=1e-14)


def test_bad_boxes_are_refused():
    mog = mixture(2, 2)
    with pytest.raises(DomainError, match=r"lower: 1 and upper 0 seen for variable 1"):
        mog.box_probability([0.0, 1.0], [1.0, 0.0])
    with pytest.raises(DomainError, match="nan"):
        mog.box_probability([0.0, np.nan], [1.0, 0.0])
    with pytest.raises(InputError, match=r"upper: shape \(1,\) seen, shape \(2,\) expected"):
        mog.box_probability([0.0, 1.0], 2.0)
    with pytest.raises(DtypeError, match="lower"):
        mog.box_probability("low", [1.0, 0.0])
    with pytest.raises(InputError):
        mog.cdf([[1.0, 2.0, 3.0]])
    assert mog.box_probability([0.0, 1.0], [0.0, 2.0]) == 0.0

"""How numbers are rounded: as asked where that does no harm, and never to a ruin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import eigh

import mogfit as mn
from mogfit.errors import InputError
from mogfit.export.rounding import log_scales, written_numbers
from tests.export import TRUNCATED_3D, TUTORIAL, mixture


@st.composite
def hard_mixtures(draw):
    nvars, ngauss = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    exponents = draw(st.lists(st.integers(-8, 8), min_size=nvars, max_size=nvars))
    return mixture(
        nvars,
        ngauss,
        draw(st.integers(0, 999)),
        log10_condition=draw(st.floats(0, 6)),
        scales=10.0 ** np.array(exponents, dtype=float),
    )


@given(hard_mixtures(), st.integers(0, 9))
def test_the_density_changes_by_no_more_than_the_rule_says(mog, decimals):
    found = written_numbers(mog, decimals)
    # The eigenvalues here have rounding errors of their own, of the condition 1e6.
    allowed = 10.0 ** -max(decimals / 2, 0.5) + 1e-9
    for k in range(mog.ngauss):
        # In units of the column scales, which the generalised eigenvalues do not depend on.
        scale = np.sqrt(np.diag(mog.Sigmas[k]))
        before = mog.Sigmas[k] / np.outer(scale, scale)
        after = found.Sigmas[k] / np.outer(scale, scale)
        ratios = eigh(after, before, eigvals_only=True)
        assert abs(ratios - 1).max() <= allowed
        shift = (found.mus[k] - mog.mus[k]) / scale
        assert np.sqrt(shift @ np.linalg.solve(before, shift)) <= allowed
    np.testing.assert_allclose(found.sigmas, mog.sigmas, rtol=allowed)
    np.testing.assert_allclose(found.weights, mog.weights, rtol=allowed)


def test_numbers_of_the_order_of_1_have_the_places_asked_for():
    mog = mixture(3, 4, 5)
    found = written_numbers(mog, 6)
    for values, written in (
        (mog.weights, found.weights),
        (mog.mus, found.mus),
        (mog.Sigmas, found.Sigmas),
    ):
        np.testing.assert_array_equal(written, np.vectorize(lambda v: round(v, 6))(values))


def test_a_small_covariance_survives():
    mog = mn.MixtureOfGaussians(
        weights=[1 - 1e-9, 1e-9],
        mus=[[1.0, 3.3e-9], [1e5, 2.0]],
        Sigmas=[[[1e-8, 5e-14], [5e-14, 1e-18]], [[1e10, 0.0], [0.0, 1.234567891]]],
    )
    found = written_numbers(mog, 6)
    np.testing.assert_allclose(found.Sigmas[0], mog.Sigmas[0], rtol=1e-6)
    assert found.Sigmas[1, 1, 1] == 1.234568
    assert found.mus[0].tolist() == [1.0, 3.3e-9]
    assert found.weights[1] == pytest.approx(1e-9, rel=1e-6)


def test_large_numbers_among_small_ones_keep_their_places():
    mog = mn.MixtureOfGaussians(
        mus=[[12345.6789012, 3.123456789e-9]], Sigmas=[np.diag([1e-2, 1e-18])]
    )
    assert written_numbers(mog, 6).mus.tolist() == [[12345.678901, 3.12346e-09]]


def test_no_digits_are_lost_without_decimals():
    mog = mixture(3, 2, 1, truncation="components")
    found = written_numbers(mog, None)
    for name in ("weights", "mus", "Sigmas", "sigmas"):
        np.testing.assert_array_equal(getattr(found, name), getattr(mog, name))
    np.testing.assert_array_equal(found.masses, np.exp(mog.log_masses))
    np.testing.assert_array_equal(found.bounds, [[0, -np.inf, -np.inf], [np.inf, np.inf, 1.5]])


def test_bounds_are_never_rounded():
    third = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(-1 / 3, 1e-9)])
    np.testing.assert_array_equal(written_numbers(third, 2).bounds, [[-1 / 3], [1e-9]])


def test_a_mass_far_out_is_left_to_its_logarithm():
    mog = mn.MixtureOfGaussians(mus=[0.0, 60.0], Sigmas=[1.0, 1.0], domain=[(50, None)])
    found = written_numbers(mog, 6)
    assert found.masses[0] == 0.0
    assert found.masses[1] == 1.0
    np.testing.assert_array_equal(found.log_masses, mog.log_masses)
    # exp(-650) is a double still, but its inverse times a density may be none.
    near = mn.MixtureOfGaussians(mus=[0.0, 3.0], Sigmas=[1.0, 1.0], domain=[(36, None)])
    assert written_numbers(near, None).masses[0] == 0.0 < np.exp(near.log_masses[0])
    assert written_numbers(near, None).masses[1] == np.exp(near.log_masses[1])


def test_far_out_in_the_tail_parameters_get_more_digits():
    near, far = (
        mn.MixtureOfGaussians(mus=[1 / 3], Sigmas=[1 / 3], domain=[(low, None)]) for low in (0, 20)
    )
    assert written_numbers(near, 2).sigmas.tolist() == [[0.58]]
    assert written_numbers(near, 2).mus.tolist() == [[0.33]]
    assert written_numbers(far, 2).mus.tolist() == [[0.333]]
    assert abs(written_numbers(far, 2).sigmas[0, 0] - 3**-0.5) < 1e-4


def test_zeros_are_plain():
    mog = mn.MixtureOfGaussians(mus=[-1e-12], Sigmas=[1.0])
    assert np.copysign(1.0, written_numbers(mog, 6).mus[0, 0]) == 1.0


@pytest.mark.parametrize("decimals", [-1, 2.0, "6", True])
def test_decimals_are_a_whole_number(decimals):
    with pytest.raises(InputError, match="decimals"):
        written_numbers(TUTORIAL, decimals)


def test_a_mixture_normalised_as_a_whole_has_one_mass():
    whole = mixture(2, 3, 0, truncation="mixture")
    mass = whole.weights @ np.exp(whole.log_masses)
    np.testing.assert_allclose(np.exp(log_scales(whole)), [mass], rtol=1e-14)
    counts = mn.MixtureOfGaussians(
        weights=[2.0, 6.0], mus=[0.0, 1.0], Sigmas=[1.0, 1.0], domain=[(0, None)],
        normalize_weights=False, truncation="mixture",
    )  # fmt: skip
    mass = (2.0 * 0.5 + 6.0 * np.exp(counts.log_masses[1])) / 8.0
    np.testing.assert_allclose(np.exp(log_scales(counts)), [mass], rtol=1e-14)
    np.testing.assert_array_equal(log_scales(TRUNCATED_3D), TRUNCATED_3D.log_masses)

"""What panels show, as numbers: spans, levels, curves, and how long they take."""

from __future__ import annotations

import time
from copy import copy
from itertools import combinations

import numpy as np
import pytest

import mogfit as mn
from mogfit.density.marginal import marginal
from mogfit.plotting.surfaces import (
    Densities,
    contour_levels,
    curve,
    inside,
    same_mixture,
    shown_span,
    slice_centre,
)
from tests.plotting.examples import one_variable, random_mixture, three_variables, two_variables


def test_nearly_all_of_a_mixture_is_shown_and_little_else():
    mog = mn.MixtureOfGaussians(mus=[[0.0, 100.0]], Sigmas=[np.diag([1.0, 25.0])])
    (low, high), (lower, upper) = shown_span(mog)
    assert -4.5 < low < -3.2 < 3.2 < high < 4.5
    assert 77 < lower < 84 < 116 < upper < 123


def test_a_faint_far_component_does_not_stretch_what_is_shown():
    mog = mn.MixtureOfGaussians(weights=[1, 1e-6], mus=[0.0, 1e6], Sigmas=[1.0, 1.0])
    ((low, high),) = shown_span(mog)
    assert high - low < 9


def test_slices_run_through_the_weighted_mean_in_the_domain():
    mog = two_variables()
    np.testing.assert_allclose(slice_centre(mog), mog.weights @ mog.mus)
    mog.set_domain([[1.5, None], [None, 0.2]])
    assert slice_centre(mog).tolist() == [1.5, 0.2]


def test_levels_are_counted_or_given():
    density = marginal(two_variables(), [0, 1])
    values = np.array([[0.0, 0.1], [0.2, 0.4]])
    np.testing.assert_allclose(
        contour_levels(density, values, None, None), 0.4 * np.linspace(0.1, 0.95, 5)
    )
    np.testing.assert_allclose(contour_levels(density, values, 1, None), [0.04])
    np.testing.assert_allclose(contour_levels(density, values, [0.3, 0.1], None), [0.1, 0.3])


@pytest.mark.parametrize("domain", [None, [[0, None], None]])
def test_levels_of_given_mass_of_one_component(domain):
    mog = two_variables(domain=domain)
    density = marginal(mog, [0, 1])
    levels = contour_levels(density, np.zeros((2, 2)), None, (0.39, 0.86), component=1)
    # The second component lies inside the domain: its closed form is known.
    peak = 0.4 / (2 * np.pi * np.sqrt(np.linalg.det(mog.Sigmas[1])))
    np.testing.assert_allclose(levels, np.array([0.14, 0.61]) * peak, rtol=0.03)


def test_a_curve_falls_upright_at_the_borders_of_its_domain():
    mog = mn.MixtureOfGaussians(mus=[0.2], Sigmas=[1.0], domain=[[0, 1]])
    x, y = curve(marginal(mog, [0]), (-1.0, 3.0), 50)
    assert x[:3].tolist() == [-1.0, 0.0, 0.0]
    assert x[-3:].tolist() == [1.0, 1.0, 3.0]
    assert (y[[0, 1, -2, -1]] == 0).all()
    np.testing.assert_allclose(y[2:-2], mog.pdf(x[2:-2]))
    x, y = curve(marginal(mog, [0]), (2.0, 3.0), 50)
    assert (x.tolist(), y.tolist()) == ([2.0, 3.0], [0.0, 0.0])
    assert inside(marginal(mog, [0]), 0, (2.0, 3.0)) is None


def test_needles_are_not_overlooked():
    mog = mn.MixtureOfGaussians(weights=[0.9, 0.1], mus=[0.0, 1.0], Sigmas=[1.0, 1e-10])
    _, y = curve(marginal(mog, [0]), (-4.0, 4.0), 100)
    assert y.max() > 0.9 * max(mog.pdf(mog.mus))


def test_mixtures_are_told_apart():
    mog = one_variable()
    assert same_mixture(mog, copy(mog))
    for change in (
        {"mus": [0, 2.6]},
        {"weights": [0.4, 0.6]},
        {"sigmas": [1, 0.6]},
    ):
        other = copy(mog)
        other.update_params(**change)
        assert not same_mixture(mog, other)
    other = copy(mog)
    other.set_domain([[0, 9]])
    assert not same_mixture(mog, other)


def test_densities_are_prepared_once():
    mog = three_variables(domain=[[-1, 2], [0, None], None])
    densities = Densities([(-1, 2), (0, 5), (-9, 9)])
    for projection in ("slice", "marginal"):
        first = densities.pair(mog, 0, 2, projection)
        assert densities.pair(mog, 0, 2, projection) is first
        assert densities.pair(mog, 1, 2, projection) is not first
    assert densities.single(mog, 1) is densities.single(mog, 1)


@pytest.mark.parametrize("projection", ["slice", "marginal"])
def test_numbers_of_a_figure_of_five_variables_take_a_tenth_of_a_second(projection):
    mog = random_mixture(5, 5)
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        densities = Densities(shown_span(mog))
        for i, j in combinations(range(5), 2):
            density = densities.pair(mog, i, j, projection)
            x, y = (np.linspace(*densities.limits[k], 200) for k in (i, j))
            contour_levels(density, density.pdf_on_grid(x, y), None, (0.39, 0.86))
        spent.append(time.perf_counter() - begun)
    # 0.025 s where nothing else runs.
    assert min(spent) < 0.2

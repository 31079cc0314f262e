"""Marginals and slices of mixtures, against integrals and values of the whole density."""

from __future__ import annotations

import doctest
import time
from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats

import mogfit as mn
from mogfit.density import grids
from mogfit.density.marginal import conditional_slice, inside_log_weights, marginal
from mogfit.density.truncated_marginal import TruncatedMarginal

BOX = [[-1.0, 2.0], None, [0.0, None]]


def mixture(ngauss=3, nvars=3, seed=0, **options):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(ngauss, nvars, nvars)) * 0.6
    return mn.MixtureOfGaussians(
        weights=rng.random(ngauss) + 0.2,
        mus=rng.normal(size=(ngauss, nvars)) * 1.5,
        Sigmas=factors @ factors.transpose(0, 2, 1) + 0.2 * np.eye(nvars),
        **options,
    )


# Marginals


def test_a_marginal_is_an_integral():
    mog = mixture(nvars=2, seed=1)
    single = marginal(mog, [1])
    x = np.linspace(-40, 40, 20_001)
    for y in (-1.0, 0.3, 4.0):
        along = mog.pdf(np.column_stack([x, np.full_like(x, y)]))
        assert single.pdf(np.array([y]))[0] == pytest.approx(integrate.trapezoid(along, x), 1e-9)
    assert marginal(mog, [1, 0]).mus.tolist() == mog.mus[:, ::-1].tolist()


@pytest.mark.parametrize("truncation", ["components", "mixture"])
@pytest.mark.parametrize("kept", [[0, 1], [2, 0], [1], [2]])
def test_a_truncated_marginal_is_an_integral_inside_the_domain(truncation, kept):
    mog = mixture(domain=BOX, truncation=truncation)
    point = np.array([0.3, -0.4, 0.7])
    rest = [i for i in range(3) if i not in kept]
    low = np.array([-1.0, -30.0, 0.0])[rest]
    high = np.array([2.0, 30.0, 30.0])[rest]

    def along(*values):
        whole = point.copy()
        whole[rest] = values
        return mog.pdf(whole)

    expected, _ = integrate.nquad(
        along,
        list(zip(low, high, strict=True)),
        opts={"epsabs": 1e-10, "epsrel": 1e-8, "limit": 200, "points": mog.mus[0, rest[:1]]},
    )
    density = marginal(mog, kept)
    assert density.pdf(point[None, kept])[0] == pytest.approx(expected, rel=1e-6)
    assert isinstance(density, TruncatedMarginal) == any(i != 1 for i in rest)


def test_a_marginal_is_0_outside_the_domain():
    density = marginal(mixture(domain=BOX), [0, 1])
    points = np.array([[-1.01, 0.0], [2.01, 0.0], [-1.0, 0.0], [2.0, 50.0]])
    assert (density.pdf(points) > 0).tolist() == [False, False, True, False]
    assert density.bounds.tolist() == [[-1.0, -np.inf], [2.0, np.inf]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kept", [[0, 1], [3, 2], [1]])
def test_interpolation_is_as_good_as_it_says(seed, kept):
    box = [[-1.0, 1.5], [0.0, None], [-2.0, 2.0], [None, 1.0]]
    mog = mixture(4, 4, seed=seed, domain=box)
    within = np.array([[-1.0, 2.0]] * len(kept)).T
    exact, fast = marginal(mog, kept), marginal(mog, kept, within=within)
    points = (
        within[0]
        + (within[1] - within[0]) * np.random.default_rng(seed).random((300, 2))[:, : len(kept)]
    )
    inside = exact.pdf(points) > 0
    assert inside.sum() > 20
    wanted, found = exact.component_logpdf(points), fast.component_logpdf(points)
    np.testing.assert_allclose(found[inside], wanted[inside], atol=2e-5)
    np.testing.assert_allclose(fast.pdf(points), exact.pdf(points), rtol=2e-5)


def test_a_component_that_lies_outside_its_domain_is_interpolated_too():
    # Its mean is 12 standard deviations away: all of its mass sits in a corner.
    mog = mn.MixtureOfGaussians(
        mus=[[-3.0, -3.0, 0.0]], Sigmas=[0.0625 * np.eye(3) + 0.02], domain=[[0, 2]] * 3
    )
    assert mog.log_masses[0] < -50
    within = np.array([[0.0, 0.0], [2.0, 2.0]])
    exact, fast = marginal(mog, [0, 1]), marginal(mog, [0, 1], within=within)
    points = np.random.default_rng(0).random((200, 2)) * 0.3
    np.testing.assert_allclose(fast.pdf(points), exact.pdf(points), rtol=2e-5)
    edges = np.linspace(0, 0.5, 401)
    middles = 0.5 * (edges[1:] + edges[:-1])
    mass = fast.pdf_on_grid(middles, middles).sum() * (edges[1] - edges[0]) ** 2
    assert mass == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("domain", [None, [[-1, 2], [-3, 1], [0, None]], [None, [0, 2], None]])
@pytest.mark.parametrize("within", [None, np.array([[-2.0, -2.0], [3.0, 3.0]])])
def test_grids_hold_what_points_do(domain, within):
    mog = mixture(domain=domain)
    x, y = np.linspace(-1.5, 2.5, 6), np.linspace(-1.9, 2.9, 9)
    points = np.array([[a, b] for b in y for a in x])
    density = marginal(mog, [0, 2], within=within)
    assert density.pdf_on_grid(x, y).shape == (9, 6)
    np.testing.assert_allclose(density.pdf_on_grid(x, y).ravel(), density.pdf(points), rtol=1e-9)
    shares = density.component_pdf_on_grid(x, y)
    assert shares.shape == (3, 9, 6)
    np.testing.assert_allclose(
        shares.reshape(3, -1).T, np.exp(density.component_logpdf(points)), rtol=1e-9
    )
    np.testing.assert_allclose(
        np.tensordot(density.weights, shares, 1), density.pdf_on_grid(x, y), rtol=1e-9
    )
    wide = np.linspace(-8, 8, 5)  # beyond what was interpolated
    grid = np.array([[a, b] for b in wide for a in wide])
    exact = marginal(mog, [0, 2]).pdf(grid)
    # Eight standard deviations away a component counts as 0.
    np.testing.assert_allclose(
        density.pdf_on_grid(wide, wide).ravel(), exact, rtol=2e-5, atol=1e-14 * exact.max()
    )


@pytest.mark.parametrize("domain", [None, [[-1, 2], None, [0, None]], [None, [0, 2], None]])
def test_draws_follow_the_density(domain):
    mog = mixture(domain=domain)
    density = marginal(mog, [1])
    draws = density.draws(4000)
    assert (draws == density.draws(4000)).all()
    x = np.linspace(*np.clip(density.bounds[:, 0], -12, 12), 4001)
    cumulative = integrate.cumulative_trapezoid(density.pdf(x), x, initial=0.0)
    assert cumulative[-1] == pytest.approx(1.0, abs=1e-5)
    test = stats.kstest(draws[:, 0], lambda at: np.interp(at, x, cumulative))
    assert test.pvalue > 1e-3
    one = density.draws(4000, component=2)
    share = np.exp(density.component_logpdf(x)[:, 2])
    cumulative = integrate.cumulative_trapezoid(share, x, initial=0.0)
    assert stats.kstest(one[:, 0], lambda at: np.interp(at, x, cumulative)).pvalue > 1e-3


def test_shares_inside_do_not_depend_on_what_is_normalised():
    components = mixture(domain=BOX)
    np.testing.assert_allclose(np.exp(inside_log_weights(components)), components.weights)
    whole = mixture(domain=BOX, truncation="mixture")
    shares = whole.weights * np.exp(whole.log_masses)
    np.testing.assert_allclose(np.exp(inside_log_weights(whole)), shares / shares.sum())


def test_weights_that_do_not_sum_to_one_scale_the_density():
    mog = mn.MixtureOfGaussians(
        weights=[2.0, 3.0], mus=[[0, 0], [1, 1]], Sigmas=[np.eye(2)] * 2, normalize_weights=False
    )
    x = np.linspace(-10, 12, 2001)
    assert integrate.trapezoid(marginal(mog, [0]).pdf(x), x) == pytest.approx(5.0)


def test_five_truncated_variables_take_seconds():
    rng = np.random.default_rng(0)
    mog = mixture(5, 5, seed=3, domain=[[-1.5, 2.0]] * 5)
    within = np.array([[-1.5, -1.5], [2.0, 2.0]])
    x = np.linspace(-1.5, 2.0, 200)
    begun = time.perf_counter()
    grids_of_pairs = {
        pair: marginal(mog, pair, within=within).pdf_on_grid(x, x)
        for pair in combinations(range(5), 2)
    }
    assert time.perf_counter() - begun < 5.0
    for pair, grid in grids_of_pairs.items():
        at = rng.integers(0, 200, (20, 2))
        exact = marginal(mog, pair).pdf(x[at])
        np.testing.assert_allclose(grid[at[:, 1], at[:, 0]], exact, rtol=2e-5)


# Slices


@pytest.mark.parametrize("truncation", ["components", "mixture"])
@pytest.mark.parametrize("domain", [None, BOX, [[None, 3], [-2, None], [-5, 5]]])
@pytest.mark.parametrize("kept", [[0, 1], [2, 0], [1]])
def test_a_slice_has_the_values_of_the_density(kept, domain, truncation):
    mog = mixture(4, 3, domain=domain, truncation=truncation)
    centre = np.array([0.4, -0.3, 0.6])
    density = conditional_slice(mog, kept, centre)
    whole = np.tile(centre, (50, 1))
    whole[:, kept] = np.random.default_rng(0).normal(size=(50, len(kept))) * 2
    expected = mog.pdf(whole)
    np.testing.assert_allclose(density.pdf(whole[:, kept]), expected, rtol=1e-11, atol=1e-300)
    shares = density.weights * np.exp(density.component_logpdf(whole[:, kept]))
    np.testing.assert_allclose(shares.sum(axis=1), expected, rtol=1e-11, atol=1e-300)


def test_a_slice_of_nearly_dependent_variables_keeps_its_digits():
    rho = 1 - 1e-9
    Sigma = np.array([[1.0, rho, 0.3], [rho, 1.0, 0.3], [0.3, 0.3, 1.0]])
    mog = mn.MixtureOfGaussians(mus=[[0, 0, 0]], Sigmas=[Sigma])
    centre = np.array([0.5, 0.0, 0.0])
    x = 0.5 + np.linspace(-1e-4, 1e-4, 7)
    whole = np.column_stack([np.full(7, 0.5), x, np.full(7, 0.2)])
    density = conditional_slice(mog, [1, 2], centre)
    # As good as a correlation that is 1e-9 away from 1 allows.
    np.testing.assert_allclose(density.pdf(whole[:, 1:]), mog.pdf(whole), rtol=1e-6)


def test_a_slice_far_away_can_still_be_drawn_from():
    mog = mixture(3, 3)
    density = conditional_slice(mog, [0, 1], [0.0, 0.0, 300.0])
    assert (density.pdf(np.zeros((1, 2))) == 0).all()
    assert -np.inf < density.log_total < -1000
    assert np.isfinite(density.draws(100)).all()


def test_the_total_of_a_slice_is_its_integral():
    mog = mixture(3, 3, domain=BOX)
    density = conditional_slice(mog, [0, 1], [0.0, 0.0, 0.5])
    edges_x, edges_y = np.linspace(-1, 2, 401), np.linspace(-12, 12, 2401)
    x, y = 0.5 * (edges_x[1:] + edges_x[:-1]), 0.5 * (edges_y[1:] + edges_y[:-1])
    total = density.pdf_on_grid(x, y).sum() * np.diff(edges_x)[0] * np.diff(edges_y)[0]
    assert np.exp(density.log_total) == pytest.approx(total, rel=1e-4)


def test_doctests():
    assert doctest.testmod(grids).failed == 0

"""The oracles of box probabilities: against each other, closed forms and scipy."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests import box_oracles as oracles

INF = np.inf
BOXES = [
    ([0.1, -1.0], [2.0, 1.0]),
    ([-INF, 1.0], [0.5, INF]),
    ([39.0, -3.0], [INF, 0.0]),
    ([0.5, 0.3], [0.500001, 0.300001]),
    ([38.0, -40.0], [39.0, -39.0]),
]


def assert_agree(one, two, digits):
    with mpmath.workdps(60):
        for x, y in zip(one, two, strict=True):
            assert abs(x - y) <= mpmath.mpf(10) ** -digits * abs(y), (x, y)


def flat(box):
    return [box[0], *box[1], *(x for row in box[2] for x in row)]


@pytest.mark.parametrize("rho", [0.5, -0.9, 0.999])
@pytest.mark.parametrize(("lower", "upper"), BOXES)
def test_sides_and_one_factor_agree(rho, lower, upper):
    covariance = [[1.0, rho], [rho, 1.0]]
    with mpmath.workdps(50):
        loadings, specific = oracles.one_factor_of_pair(covariance)
    other = oracles.one_factor([0.0, 0.0], loadings, specific, lower, upper)
    assert_agree(flat(oracles.edge_gradient([0.0, 0.0], covariance, lower, upper)), flat(other), 20)


@pytest.mark.parametrize(("lower", "upper"), BOXES[:3])
def test_derivatives_are_those_of_differences(lower, upper):
    mean, covariance = [0.25, -0.5], [[2.0, -1.0], [-1.0, 1.5]]

    def log_z(mean, covariance):
        return mpmath.log(oracles.probability(mean, covariance, lower, upper, digits=26))

    seen = oracles.log_derivatives(oracles.edge_gradient(mean, covariance, lower, upper))
    # Three halvings of 1e-3: the rest is of the order of 1e-18 times the seventh derivative.
    expected = oracles.differences(log_z, mean, covariance, step=1e-3, levels=3)
    assert_agree(flat(seen), flat(expected), 12)


@pytest.mark.parametrize("rho", [-0.8, 0.3])
def test_bulk_is_that_of_scipy(rho):
    covariance = [[1.0, rho], [rho, 1.0]]
    z = oracles.probability([0.2, 0.1], covariance, [-1.0, -0.5], [0.7, 2.0], digits=20)
    law = multivariate_normal([0.2, 0.1], covariance)
    assert abs(float(z) - law.cdf([0.7, 2.0], lower_limit=[-1.0, -0.5])) <= 1e-14


def test_orthants_have_closed_forms():
    loadings = np.array([0.5, -0.75, 0.875])
    covariance = np.outer(loadings, loadings)
    np.fill_diagonal(covariance, 1.0)
    z = oracles.one_factor([0.0] * 3, loadings, 1 - loadings**2, [0.0] * 3, [INF] * 3, slopes=False)
    assert_agree([z.z], [oracles.orthant(covariance)], 29)
    pair = covariance[:2, :2]
    z = oracles.probability([0.0] * 2, pair, [0.0] * 2, [INF] * 2)
    assert_agree([z], [oracles.orthant(pair)], 29)
    z = oracles.one_factor([0.0] * 10, [1.0] * 10, [1.0] * 10, [0.0] * 10, [INF] * 10, slopes=False)
    assert_agree([z.z * 11], [mpmath.mpf(1)], 29)


def test_chain_and_nested_integrals_agree():
    links, lower, upper = [0.75, -0.625], [-0.5, -INF, 0.25], [1.0, 0.5, INF]
    covariance = oracles.chain_covariance(links)
    nested = oracles.probability([0.0] * 3, covariance, lower, upper, digits=10)
    chain = oracles.chain(links, lower, upper, digits=20, panels=5)
    assert_agree([chain], [nested], 9)
    assert_agree([chain], [oracles.chain(links, lower, upper, digits=22, panels=7)], 19)
    open_box = oracles.chain([0.5, 0.5], [0.0] * 3, [INF] * 3, digits=20, panels=5)
    assert_agree([open_box], [oracles.orthant(oracles.chain_covariance([0.5, 0.5]))], 19)


def test_independent_variables_multiply_and_reflections_agree():
    parts = [oracles.probability([0.0], [[1.0]], [a], [b]) for a, b in ((0.5, 1.0), (-INF, 2.0))]
    both = oracles.probability([0.0] * 2, np.eye(2), [0.5, -INF], [1.0, 2.0])
    with mpmath.workdps(60):
        assert_agree([both], [parts[0] * parts[1]], 29)
    one = oracles.probability([0.0] * 2, [[1.0, 0.5], [0.5, 1.0]], [0.5, -INF], [1.0, 2.0])
    two = oracles.probability([0.0] * 2, [[1.0, -0.5], [-0.5, 1.0]], [0.5, -2.0], [1.0, INF])
    assert_agree([one], [two], 29)


def test_nearest_point_of_a_box():
    covariance = np.array([[4.0, 0.0], [0.0, 1.0]])
    assert oracles.nearest([0.0, 0.0], covariance, [2.0, -1.0], [INF, 1.0]) == pytest.approx(1.0)
    assert oracles.nearest([0.0, 0.0], covariance, [-2.0, -1.0], [INF, 1.0]) == 0.0

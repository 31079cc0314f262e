"""The search of a fit to a function: it finds the optimum, not a neighbour of it."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit.inference.function_fit.mesh import Mesh
from mogfit.inference.function_fit.modes import find_components
from mogfit.inference.function_fit.options import FunctionFitOptions
from mogfit.inference.function_fit.problem import Limits, Problem, coarsened
from mogfit.inference.function_fit.scan import Scan
from mogfit.inference.function_fit.search import Search
from tests.functions import bumps_in_the_plane, three_bumps

OPTIONS = FunctionFitOptions("lsq", "LM", Limits(), None)


def problem_of(x, F, weights=None):
    points = np.asarray(x, float).reshape(len(F), -1)
    return Problem(points, F, weights, np.stack([points.min(axis=0), points.max(axis=0)]))


def blind(problem, x, F, ngauss):
    mesh = Mesh(np.asarray(x, float).reshape(len(F), -1), F, None, F.shape)
    found = find_components(
        problem, mesh, ngauss, None, OPTIONS, lambda point: None, lambda loss: None
    )
    return problem.descend(found.point.means, found.point.factors)


@pytest.mark.parametrize("seed", range(20))
def test_the_blind_search_finds_what_the_truth_leads_to(seed):
    case = three_bumps(seed)
    problem = problem_of(case.x, case.F)
    truth = problem.descend(
        ((case.mus - problem.lower) / problem.width)[:, None],
        (case.sigmas / problem.width)[:, None, None],
    )
    found = blind(problem, case.x, case.F, 3)
    assert found.ending == "converged"
    # of functions without noise both are rounding
    assert found.loss <= truth.loss * (1 + 1e-9) + 1e-26


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_plane_is_searched_as_well(seed):
    (X, Y), F, mus, Sigmas = bumps_in_the_plane(seed)
    points = np.column_stack([X.ravel(), Y.ravel()])
    problem = problem_of(points, F.ravel())
    truth = problem.descend(
        (mus - problem.lower) / problem.width, np.linalg.cholesky(Sigmas) / problem.width[:, None]
    )
    found = Search(problem, lambda loss: None).grow(None, 3)
    assert problem.descend(found.means, found.factors).loss <= truth.loss * (1 + 1e-9)


def test_moves_mend_a_start_with_a_component_in_the_wrong_place():
    x = np.linspace(0, 1, 400)
    mus = np.array([0.2, 0.5, 0.8])
    F = np.exp(-0.5 * ((x[:, None] - mus) / 0.03) ** 2) @ [3.0, 2.0, 1.0]
    problem = problem_of(x, F)
    # two components on the first bump, none on the last
    stuck = problem.descend(np.array([[0.19], [0.21], [0.5]]), np.full((3, 1, 1), 0.03))
    assert stuck.loss > 0.05
    assert Search(problem, lambda loss: None).improve(stuck).loss < 1e-26


def test_prices_are_what_the_loss_grows_by(rng):
    case = three_bumps(3)
    problem = problem_of(case.x, case.F)
    best = blind(problem, case.x, case.F, 3)
    for k in range(3):
        rest = [j for j in range(3) if j != k]
        without = problem.descend(best.means[rest], best.factors[rest], Limits(0))
        assert best.price[k] == pytest.approx(without.loss - best.loss, rel=1e-6)


def test_the_scan_finds_a_bump_at_its_place_and_of_its_size(rng):
    x = rng.permutation(np.linspace(0, 1, 800))
    for mean, sigma in ((0.3, 0.1), (0.71, 0.01), (0.5, 0.003)):
        F = np.exp(-0.5 * ((x - mean) / sigma) ** 2) + 0.02 * rng.standard_normal(800)
        problem = problem_of(x, F)
        first = Scan(problem).candidates(problem.residuals(None), 3)[0]
        assert abs(first.mean[0] - mean) < 1.5 * sigma
        assert 0.4 < first.sigmas[0] / sigma < 2.5


def test_the_scan_always_has_a_place(rng):
    x = np.linspace(0, 1, 100)
    problem = problem_of(x, np.where(np.arange(100) == 40, 1.0, -0.8))
    (only,) = Scan(problem).candidates(problem.residuals(None), 1)
    assert only.mean[0] == pytest.approx(x[40], abs=0.02)


def test_meshes_of_any_spacing_are_scanned(rng):
    x = np.geomspace(1e-5, 1, 300)
    F = np.exp(-0.5 * ((x - 1e-3) / 2e-4) ** 2) + np.exp(-0.5 * ((x - 0.6) / 0.1) ** 2)
    found = blind(problem_of(x, F), x, F, 2)
    assert found.loss < 1e-26


def test_units_change_nothing(rng):
    case = three_bumps(5)
    losses = []
    for scale, shift, height in ((1.0, 0.0, 1.0), (1e-6, 1e-2, 1e9), (1e12, -1e15, 1e-9)):
        x = case.x * scale + shift
        losses.append(blind(problem_of(x, case.F * height), x, case.F * height, 3).loss)
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-7)


def test_weights_are_repetitions(rng):
    case = three_bumps(7)
    times = rng.integers(1, 4, 512)
    weighted = problem_of(case.x, case.F, times.astype(float))
    repeated = problem_of(np.repeat(case.x, times), np.repeat(case.F, times))
    start = np.array([[0.3], [0.5], [0.7]]), np.full((3, 1, 1), 0.1)
    one, other = weighted.descend(*start), repeated.descend(*start)
    assert one.means == pytest.approx(other.means, rel=1e-8)
    assert one.loss == pytest.approx(other.loss, rel=1e-10)
    assert weighted.r_squared(one) == pytest.approx(repeated.r_squared(other), rel=1e-10)


def test_many_points_are_searched_as_means_over_cells(rng):
    x = np.linspace(0, 1, 100_000)
    # a line of 20 points, a tenth of it above the noise
    F = np.exp(-0.5 * ((x - 0.3) / 0.1) ** 2) + 0.2 * np.exp(-0.5 * ((x - 0.70003) / 1e-4) ** 2)
    F += 0.02 * rng.standard_normal(len(x))
    problem = problem_of(x, F, rng.uniform(0.5, 1, len(x)))
    coarse = coarsened(problem)
    assert len(coarse.points) == 10_000
    assert (coarse.roots**2 * coarse.values).sum() / (coarse.roots**2).sum() * coarse.scale == (
        pytest.approx((problem.roots**2 * problem.values).sum() / (problem.roots**2).sum())
    )
    found = blind(problem, x, F, 2)
    assert found.ending == "converged"
    order = np.argsort(found.means[:, 0])
    assert found.means[order, 0] == pytest.approx([0.3, 0.70003], abs=2e-4)
    assert found.factors[order, 0, 0] == pytest.approx([0.1, 1e-4], rel=0.1)
    assert problem.evaluations > 10


def test_cells_in_the_plane(rng):
    (X, Y), F, mus, _ = bumps_in_the_plane(2, side=220)
    problem = problem_of(np.column_stack([X.ravel(), Y.ravel()]), F.ravel())
    coarse = coarsened(problem)
    assert len(coarse.points) == 100**2
    assert coarse.roots.min() > 0
    found = blind(problem, np.column_stack([X.ravel(), Y.ravel()]), F.ravel(), 3)
    means = problem.lower + problem.width * found.means
    assert all(abs(means - mu).sum(axis=1).min() < 0.05 for mu in mus)


def test_few_points_are_searched_themselves():
    case = three_bumps(0)
    problem = problem_of(case.x, case.F)
    assert coarsened(problem) is problem


def test_a_value_among_negative_ones_is_found():
    x = np.linspace(0, 1, 100)
    problem = problem_of(x, np.where(np.arange(100) == 40, 0.3, -1.0))
    found = Search(problem, lambda loss: None).grow(None, 2)
    assert found.alive.any()
    assert found.loss < 1

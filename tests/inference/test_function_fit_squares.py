"""Least squares in MultiMin's coordinates, and by scipy's methods: exact gradients, same optima."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.errors import InputError
from mogfit.inference.function_fit.mesh import read_mesh
from mogfit.inference.function_fit.problem import Limits, Problem
from mogfit.inference.function_fit.run import model_values
from mogfit.inference.function_fit.scipy_descent import _Shapes, descend_by_scipy
from mogfit.inference.function_fit.squares import SquaresObjective
from mogfit.inference.scipy_methods import SCIPY_METHODS
from mogfit.parameters import covariances_from_stdcorr
from tests.functions import bumps_in_the_plane, three_bumps


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_in_weights_mus_sigmas_and_rhos(rng, weighted):
    (X, Y), F, _, _ = bumps_in_the_plane(3, side=12)
    weights = rng.uniform(0.1, 2, F.shape) if weighted else None
    mesh = read_mesh(((X, Y), F), weights)
    objective = SquaresObjective(mesh, mesh.values, mesh.bounds, 1)
    vector = np.array([0.3, 0.7, -3.0, 1.0, 2.0, 6.5, 1.0, 1.4, 2.0, 0.8, 0.3, -0.5])

    def at(v):
        # means may lie outside the box, as one of these does
        w = v[:2] / v[:2].sum()
        mus, sigmas, rhos = v[2:6].reshape(2, 2), v[6:10].reshape(2, 2), v[10:].reshape(2, 1)
        covariances = covariances_from_stdcorr(sigmas, rhos)
        return _core.PreparedMixture(w, mus, covariances, mesh.bounds)

    def value(v):
        mixture = at(v)
        p = _core.pdf(mixture, mesh.points)
        s = 1.0 if weights is None else mesh.weights
        c = (s * p) @ mesh.values / ((s * p) @ p)
        loss = (s * (mesh.values - c * p) ** 2).sum() / (s * mesh.values**2).sum()
        return 0.5 * np.log(loss + 1e-8)

    seen, gradient = objective.stdcorr_objective(at(vector))
    assert seen == pytest.approx(value(vector), rel=1e-12)
    assert objective.loglik(at(vector)) == pytest.approx(-value(vector), rel=1e-12)
    flat = np.concatenate([part.ravel() for part in gradient])
    for i in range(len(vector)):
        step = np.zeros(len(vector))
        step[i] = 1e-5
        expected = (value(vector + step) - value(vector - step)) / 2e-5
        assert flat[i] == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_the_normalisation_is_the_best_one(rng):
    case = three_bumps(1)
    mesh = read_mesh((case.x, case.F))
    mixture = _core.PreparedMixture([1.0], [[2.0]], [[[4.0]]], mesh.bounds)
    model, scale = model_values(mixture, mesh)
    density = _core.pdf(mixture, mesh.points)
    assert model == pytest.approx(scale * density)
    loss = ((case.F - model) ** 2).sum()
    for other in (0.999 * scale, 1.001 * scale):
        assert ((case.F - other * density) ** 2).sum() > loss


def problem_and_start(ngauss=3):
    (X, Y), F, mus, Sigmas = bumps_in_the_plane(0, ngauss)
    mesh = read_mesh(((X, Y), F))
    problem = Problem(mesh.points, mesh.values, None, mesh.bounds)
    means = (mus - problem.lower) / problem.width + 0.02
    factors = np.linalg.cholesky(Sigmas) / problem.width[:, None] * 1.1
    return problem, problem.descend(means, factors, Limits(0))


@pytest.mark.parametrize("fixed_means", [False, True])
def test_the_gradient_that_scipy_gets(rng, fixed_means):
    problem, start = problem_and_start()
    shapes = _Shapes(problem, start, fixed_means)
    assert shapes.size == 3 * (3 if fixed_means else 5)
    x = 0.1 * rng.standard_normal(shapes.size)
    _, gradient = shapes.value_and_gradient(x)
    for i in range(shapes.size):
        step = np.zeros(shapes.size)
        step[i] = 1e-6
        above, below = (shapes.value_and_gradient(x + side * step)[0] for side in (1, -1))
        assert gradient[i] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    "method", [m for m in SCIPY_METHODS if m not in ("COBYQA", "trust-constr")]
)
def test_the_methods_of_scipy_lead_to_the_same_optimum(method):
    case = three_bumps(3)
    mesh = read_mesh((case.x, case.F))
    problem = Problem(mesh.points, mesh.values, None, mesh.bounds)
    means = (case.mus - problem.lower)[:, None] / problem.width
    near = problem.descend(means, (case.sigmas / problem.width)[:, None, None], Limits(0))
    best = problem.descend(near.means, near.factors)
    options = {"maxiter": 4000} if method in ("Nelder-Mead", "COBYLA") else None
    losses = []
    ended, _, message = descend_by_scipy(
        problem, near, method, options=options, observer=lambda n, loss, *_: losses.append(loss)
    )
    assert ended.loss == pytest.approx(best.loss, rel=1e-3)
    assert ended.loss >= best.loss * (1 - 1e-12)
    assert message
    # COBYLA of older scipys tells nobody of its iterations
    assert losses or method == "COBYLA"


def test_unknown_options_of_a_method_are_refused():
    problem, start = problem_and_start()
    with pytest.raises(InputError, match="options"):
        descend_by_scipy(problem, start, "BFGS", options={"maxiters": 3})

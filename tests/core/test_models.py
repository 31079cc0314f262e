"""Families of covariances, priors, ridges and held parameters, against NumPy and scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from mogfit import _core
from mogfit.errors import InputError
from tests.core import prepare
from tests.model_oracles import STRUCTURES, in_family, log_prior, m_step, objective
from tests.oracles import Mixture
from tests.strategies import make_mixture, make_points
from tests.truncation import bounds_of, draw_inside, loglik, slopes

NVARS, NGAUSS = 3, 4
HELD = {
    "none": {},
    "weights": {"weights": np.array([True, False, False, True])},
    "all but one weight": {"weights": np.array([True, True, False, True])},
    "means": {"means": np.array([False, True, True, False])},
    "covariances": {"covariances": np.array([True, False, False, True])},
    "all of two": {name: np.array([True, True, False, False])
                   for name in ("weights", "means", "covariances")},
    "everything": {name: np.ones(NGAUSS, bool) for name in ("weights", "means", "covariances")},
}  # fmt: skip
PRIOR = {
    "concentration": np.array([1.0, 1.5, 3.0, 2.0]),
    "mean": np.array([0.3, -0.2, 1.0]),
    "mean_strength": 0.7,
    "dof": NVARS + 2.5,
    "scale": np.array([[1.0, 0.2, 0.0], [0.2, 0.8, -0.1], [0.0, -0.1, 1.5]]),
}

KINDS = [
    *(pytest.param(held, None, 0.0, id=held) for held in HELD),
    *(pytest.param(held, PRIOR, 0.0, id=f"{held}, prior") for held in ("none", "all of two")),
    *(pytest.param(held, None, 0.05, id=f"{held}, ridge") for held in ("none", "weights")),
]


def model_of(structure, *, held=None, prior=None, ridge=0.0):
    fixed = {f"fixed_{name}": flags for name, flags in (held or {}).items()}
    return _core.Model(
        structure, **fixed, prior=None if prior is None else _core.Prior(**prior), ridge=ridge
    )


def held_in(structure, name):
    """What is held, tied covariances all together."""
    held = dict(HELD[name])
    if structure.startswith("tied") and "covariances" in held:
        held["covariances"] = np.ones(NGAUSS, bool)
    return held


class Case:
    """A mixture of the family, points from it or from elsewhere, and their weights."""

    def __init__(self, structure, *, nvars=NVARS, ngauss=NGAUSS, count=80, elsewhere=True):
        self.mixture = in_family(make_mixture(nvars, ngauss, spread=3.0), structure)
        source = make_mixture(nvars, ngauss, seed=9) if elsewhere else self.mixture
        self.points = make_points(source, count)
        self.weight = np.random.default_rng(5).exponential(size=count)
        self.prepared = prepare(self.mixture)


def parts(mixture):
    return Mixture(mixture.weights, mixture.means, mixture.covariances)


def assert_same(seen, expected, rtol=1e-11):
    for one, other in zip(parts(seen), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize(("held", "prior", "ridge"), KINDS)
def test_an_em_step_is_that_of_loops(structure, prior, ridge, held):
    case, held = Case(structure), held_in(structure, held)
    _, after = _core.em_step(
        case.prepared, case.points, case.weight,
        model=model_of(structure, held=held, prior=prior, ridge=ridge),
    )  # fmt: skip
    assert_same(
        after, m_step(case.mixture, case.points, case.weight, structure, prior, ridge, held)
    )


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize(("held", "prior", "ridge"), KINDS)
def test_the_gradient_is_that_of_the_objective(structure, prior, ridge, held):
    case, held = Case(structure), held_in(structure, held)
    model = model_of(structure, held=held, prior=prior, ridge=ridge)
    coordinates = _core.WhitenedCoordinates(case.prepared, model)
    theta = 0.2 * np.random.default_rng(1).standard_normal(coordinates.size)

    def value(at):
        mixture = parts(coordinates.mixture(at))
        return objective(mixture, case.points, case.weight, structure, prior, ridge)

    seen, gradient, _ = coordinates.objective(
        theta, case.points, case.weight, 0.0, None, model=model
    )
    here = value(theta)
    if prior is None:
        np.testing.assert_allclose(seen, here, rtol=1e-12)
    else:  # up to a constant
        start, _, _ = coordinates.objective(
            0 * theta, case.points, case.weight, 0.0, None, model=model
        )
        np.testing.assert_allclose(seen - start, here - value(0 * theta), rtol=1e-9)
    assert gradient.shape == (coordinates.size,)
    # Along three directions, which no wrong entry leaves all as they are.
    directions = np.random.default_rng(2).standard_normal((3, theta.size))
    directions /= max(1.0, np.sqrt(theta.size))
    expected = slopes(lambda steps: value(theta + steps @ directions), np.zeros(3))
    np.testing.assert_allclose(directions @ gradient, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_sizes_of_the_coordinates(structure):
    case = Case(structure)
    covariances = {"full": 6 * NGAUSS, "diag": 3 * NGAUSS, "spherical": NGAUSS,
                   "tied": 6, "tied_diag": 3, "tied_spherical": 1}[structure]  # fmt: skip
    coordinates = _core.WhitenedCoordinates(case.prepared, model_of(structure))
    assert coordinates.size == NGAUSS - 1 + NGAUSS * NVARS + covariances
    held = model_of(structure, held=HELD["everything"])
    assert _core.WhitenedCoordinates(case.prepared, held).size == 0


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_hessian_of_one_gaussian_at_its_optimum_is_the_identity(structure):
    case = Case(structure, ngauss=1, count=200)
    model = model_of(structure)
    _, best = _core.em_step(case.prepared, case.points, case.weight, model=model)
    coordinates = _core.WhitenedCoordinates(best, model)

    def gradient(theta):
        return coordinates.objective(theta, case.points, case.weight, 0.0, None, model=model)[1]

    zero = np.zeros(coordinates.size)
    np.testing.assert_allclose(gradient(zero), 0.0, atol=1e-12)
    hessian = approx_fprime(zero, gradient, 1e-6).reshape(zero.size, zero.size)
    np.testing.assert_allclose(hessian, np.eye(zero.size), atol=1e-5)


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_descent_ends_where_em_stays_and_nothing_held_moves(structure, held):
    case, held = Case(structure, count=600, elsewhere=False), held_in(structure, held)
    for prior in (None, PRIOR):
        model = model_of(structure, held=held, prior=prior)
        descent = _core.descend(
            case.prepared, [(case.points, case.weight, 1e-8)], 0.0, None, model=model
        )
        found = descent.mixture
        assert descent.ending == "converged"
        assert abs(descent.em_gain) < 1e-6
        _, after = _core.em_step(found, case.points, case.weight, model=model)
        assert_same(after, parts(found), rtol=1e-5)
        for name, flags in held.items():
            before, now = getattr(case.mixture, name), getattr(found, name)
            np.testing.assert_allclose(now[flags], before[flags], rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(found.weights.sum(), 1.0, rtol=1e-13)
        if "covariances" not in held:
            assert_same(found, in_family(parts(found), structure))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_em_never_lowers_what_it_maximises(structure):
    case = Case(structure, count=300)
    model = model_of(structure, prior=PRIOR)
    after, reached, steps, path = _core.em_run(
        case.prepared, case.points, case.weight, steps=30, model=model, path=True
    )
    assert len(path) == steps == 30
    assert path[-1] == reached
    assert (np.diff(path) > -1e-10).all()
    loglik = _core.log_likelihood(case.prepared, case.points, case.weight)
    np.testing.assert_allclose(path[0], loglik + model.log_prior(case.prepared), rtol=1e-13)
    again, *_ = _core.em_run(after, case.points, case.weight, steps=1, model=model)
    last, _, taken = _core.em_run(
        case.prepared, case.points, case.weight, steps=100, model=model,
        tolerance=np.inf, previous=path[0],
    )  # fmt: skip
    assert taken == 1
    assert_same(last, parts(_core.em_step(case.prepared, case.points, case.weight, model=model)[1]))
    assert again.weights.shape == (NGAUSS,)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_log_prior_is_that_of_scipy_up_to_a_constant(structure):
    model = model_of(structure, prior=PRIOR)
    mixtures = [in_family(make_mixture(NVARS, NGAUSS, seed=s), structure) for s in range(4)]
    constants = [model.log_prior(prepare(m)) - log_prior(m, PRIOR, structure) for m in mixtures]
    np.testing.assert_allclose(constants, constants[0], rtol=1e-11)
    half = model.for_fraction(0.5).log_prior(prepare(mixtures[0]))
    np.testing.assert_allclose(half, 0.5 * model.log_prior(prepare(mixtures[0])), rtol=1e-14)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_samples_count_the_prior_in_proportion(structure):
    # A sample that repeats the data half as often leads to the same optimum.
    case = Case(structure, count=300, elsewhere=False)
    model = model_of(structure, prior=PRIOR)
    both = np.concatenate([case.points, case.points])
    whole = _core.descend(case.prepared, [(both, None, 1e-9)], 0.0, None, model=model)
    part = _core.descend(
        case.prepared, [(case.points, None, 1e-9), (both, None, 1e-9)], 0.0, None, model=model
    )
    alone = _core.descend(
        case.prepared, [(case.points, None, 1e-9)], 0.0, None, model=model.for_fraction(0.5)
    )
    assert_same(part.mixture, parts(whole.mixture), rtol=1e-6)
    assert_same(alone.mixture, parts(whole.mixture), rtol=1e-6)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_constrained_takes_the_member_of_the_family(structure):
    mixture = make_mixture(NVARS, NGAUSS)
    seen = _core.constrained(prepare(mixture), structure)
    assert_same(seen, in_family(mixture, structure), rtol=1e-14)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_prior_alone_places_a_component_that_no_point_belongs_to(structure):
    case = Case(structure)
    means = case.mixture.means.copy()
    means[0] += 1e6
    far = case.mixture._replace(means=means)
    _, after = _core.em_step(
        prepare(far), case.points, case.weight, model=model_of(structure, prior=PRIOR)
    )
    np.testing.assert_allclose(after.means[0], PRIOR["mean"], atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_gradient_inside_a_domain(structure):
    domain = [(-1.0, 1.5), (0.0, None)]
    mixture = in_family(make_mixture(2, 2, log10_condition=0.6, spread=0.5), structure)
    points = draw_inside(*make_mixture(2, 2, seed=9, spread=0.5), domain, 40, seed=3)
    weight = np.random.default_rng(4).exponential(size=40)
    bounds = bounds_of(domain)
    model = model_of(structure)
    coordinates = _core.WhitenedCoordinates(prepare(mixture).with_domain(bounds), model)
    theta = 0.1 * np.random.default_rng(1).standard_normal(coordinates.size)

    def value(at):
        m = coordinates.mixture(at)
        logs = np.log(m.weights)
        return -loglik(logs, m.means, m.covariances, bounds, points, weight) / weight.sum()

    _, gradient, _ = coordinates.objective(theta, points, weight, 0.0, None, model=model)
    np.testing.assert_allclose(gradient, slopes(value, theta), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_incomplete_rows_lead_to_an_optimum_of_the_family(structure):
    case = Case(structure, count=600, elsewhere=False)
    points = case.points.copy()
    points[np.random.default_rng(2).random(points.shape) < 0.2] = np.nan
    seen = _core.Observations(points, case.weight, missing=True)
    model = model_of(structure)
    descent = _core.descend(case.prepared, [(seen, None, 1e-7)], 0.0, None, model=model)
    assert descent.ending == "converged"
    _, after = _core.em_step(descent.mixture, seen, model=model)
    assert_same(after, parts(descent.mixture), rtol=1e-5)
    assert_same(descent.mixture, in_family(parts(descent.mixture), structure), rtol=1e-12)


def test_a_ridge_ends_with_the_covariances_of_its_m_step():
    case = Case("full", count=800, elsewhere=False)
    model = model_of("full", ridge=0.02)
    found = _core.descend(
        case.prepared, [(case.points, None, 1e-8)], 0.0, None, model=model
    ).mixture
    moments = _core.data_pass(found, case.points)
    counts = found.weights * len(case.points)
    expected = (moments.s2 + 0.02 * counts[:, None, None] * np.eye(NVARS)) / moments.s0[
        :, None, None
    ]
    np.testing.assert_allclose(found.covariances, expected, rtol=1e-5, atol=1e-7)


def test_what_a_model_refuses():
    case = Case("full")
    with pytest.raises(InputError, match=r"structure: is 'round'; allowed: 'full', 'diag'"):
        _core.Model("round")
    with pytest.raises(InputError, match=r"ridge: is -1\.0+, must be finite, 0 or more"):
        _core.Model(ridge=-1)
    with pytest.raises(InputError, match=r"ridge: is nan"):
        _core.Model(ridge=np.nan)
    with pytest.raises(InputError, match=r"concentration: must be finite and 1 or more"):
        _core.Prior(**PRIOR | {"concentration": np.array([0.5, 1, 1, 1])})
    with pytest.raises(InputError, match=r"scale: has shape \(2, 2\), expected \(3, 3\)"):
        _core.Prior(**PRIOR | {"scale": np.eye(2)})
    with pytest.raises(InputError, match=r"mean_strength: is -1\.0+, must be 0 or more"):
        _core.Prior(**PRIOR | {"mean_strength": -1.0})
    with pytest.raises(InputError, match=r"dof: is nan, must be finite"):
        _core.Prior(**PRIOR | {"dof": np.nan})
    with pytest.raises(InputError, match=r"fixed_means: has 2 values, expected one for each of 4"):
        _core.em_step(case.prepared, case.points, model=_core.Model(fixed_means=[True, False]))
    three = _core.Model(prior=_core.Prior(**PRIOR | {"concentration": np.ones(3)}))
    with pytest.raises(InputError, match=r"prior: of 3 components in 3 variables.*has 4 in 3"):
        _core.em_step(case.prepared, case.points, model=three)
    tied = _core.Model("tied", fixed_covariances=[True, False, False, False])
    with pytest.raises(InputError, match=r"tied covariances are one matrix; hold all of them"):
        _core.em_step(case.prepared, case.points, model=tied)
    for structure in STRUCTURES[1:]:
        with pytest.raises(InputError, match=r"start: the covariance of component \d is not of"):
            _core.WhitenedCoordinates(case.prepared, _core.Model(structure))

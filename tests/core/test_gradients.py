"""Gradients in three coordinate systems, against the complex step on analytic formulas."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.errors import DegenerateError, InputError
from tests import oracles
from tests.core import prepare
from tests.strategies import make_mixture, make_points

SHAPES = [(1, 1), (1, 4), (2, 1), (2, 5), (3, 2), (5, 3), (8, 2), (17, 1), (20, 2)]
# Condition 10 and d up to 20: responsibilities are right to about eps * d * 10 * q, and every
# entry is a sum over the points that may cancel: relative to its largest terms.
RTOL = 1e-11


class Case:
    """A mixture, points that do not come from it, sample weights and a penalty."""

    def __init__(self, nvars, ngauss, *, weighted=True, penalty=0.0, scales=None, count=60):
        self.mixture = make_mixture(nvars, ngauss, scales=scales)
        elsewhere = make_mixture(nvars, ngauss, seed=9, scales=scales)
        self.points = make_points(elsewhere, count)
        rng = np.random.default_rng([nvars, ngauss])
        self.weight = rng.exponential(size=count) if weighted else None
        self.total = float(count if self.weight is None else self.weight.sum())
        self.penalty = penalty
        self.reference = np.cov(self.points.T).reshape(nvars, nvars)
        self.prepared = prepare(self.mixture)
        self.moments = _core.data_pass(self.prepared, self.points, self.weight)
        self.log_weights = np.log(self.mixture.weights)
        self.factors = np.linalg.cholesky(self.mixture.covariances)

    def value(self, log_weights=None, means=None, factors=None):
        """Penalised log-likelihood, analytic in its arguments."""
        log_weights = self.log_weights if log_weights is None else log_weights
        means = self.mixture.means if means is None else means
        factors = self.factors if factors is None else factors
        value = oracles.analytic_loglik(log_weights, means, factors, self.points, self.weight)
        if self.penalty:
            value -= oracles.analytic_penalty(factors, self.penalty, self.reference, self.total)
        return value

    @property
    def penalty_arguments(self):
        return (self.penalty, self.reference, self.total) if self.penalty else ()


def assert_close(seen, expected, rtol=RTOL, size=None):
    assert seen.shape == expected.shape
    size = abs(expected).max(initial=1.0) if size is None else size
    np.testing.assert_allclose(seen, expected, rtol=rtol, atol=rtol * size)


CASES = [pytest.param(*shape, penalty, id=f"{shape}-{penalty}") for shape in SHAPES
         for penalty in (0.0, 0.01)]  # fmt: skip


@pytest.mark.parametrize(("nvars", "ngauss", "penalty"), CASES)
def test_gradient_in_log_weights_means_and_factors(nvars, ngauss, penalty):
    case = Case(nvars, ngauss, penalty=penalty)
    seen = _core.gradient_factors(case.prepared, case.moments, *case.penalty_arguments)
    d_log_weights = oracles.gradient(lambda p: case.value(log_weights=p), case.log_weights)
    d_means = oracles.gradient(lambda p: case.value(means=p), case.mixture.means)
    d_factors = oracles.gradient(lambda p: case.value(factors=np.tril(p)), case.factors)
    assert_close(seen[0], d_log_weights, size=case.total)
    assert_close(seen[1], d_means)
    assert_close(seen[2], d_factors)
    np.testing.assert_array_equal(np.triu(seen[2], 1), 0.0)


@pytest.mark.parametrize(("nvars", "ngauss", "penalty"), CASES)
def test_gradient_in_weights_means_sigmas_and_correlations(nvars, ngauss, penalty):
    case = Case(nvars, ngauss, penalty=penalty)
    sigmas = np.sqrt(np.diagonal(case.mixture.covariances, axis1=1, axis2=2))
    rows, columns = np.triu_indices(nvars, 1)
    rhos = case.mixture.covariances[:, rows, columns] / (sigmas[:, rows] * sigmas[:, columns])

    def factors(sigmas, rhos):
        return np.stack(
            [
                oracles.analytic_cholesky(oracles.covariance_from_stdcorr(s, r))
                for s, r in zip(sigmas, rhos, strict=True)
            ]
        )

    seen = _core.gradient_stdcorr(case.prepared, case.moments, *case.penalty_arguments)
    d_weights = oracles.gradient(lambda p: case.value(log_weights=np.log(p)), case.mixture.weights)
    d_means = oracles.gradient(lambda p: case.value(means=p), case.mixture.means)
    d_sigmas = oracles.gradient(lambda p: case.value(factors=factors(p, rhos)), sigmas)
    d_rhos = oracles.gradient(lambda p: case.value(factors=factors(sigmas, p)), rhos)
    assert_close(seen[0], d_weights, size=case.total / case.mixture.weights.min())
    assert_close(seen[1], d_means)
    assert_close(seen[2], d_sigmas)
    assert_close(seen[3], d_rhos)


def test_gradients_of_badly_scaled_columns_are_scaled():
    scales = 2.0 ** np.array([-30.0, 0.0, 35.0])
    case, scaled = Case(3, 4), Case(3, 4, scales=scales)
    plain = _core.gradient_factors(case.prepared, case.moments)
    seen = _core.gradient_factors(scaled.prepared, scaled.moments)
    assert_close(seen[0], plain[0])
    assert_close(seen[1] * scales, plain[1])
    assert_close(seen[2] * scales[:, None], plain[2])
    plain = _core.gradient_stdcorr(case.prepared, case.moments)
    seen = _core.gradient_stdcorr(scaled.prepared, scaled.moments)
    for index, scale in enumerate([1.0, scales, scales, 1.0]):
        assert_close(seen[index] * scale, plain[index])


def test_score_has_mean_zero_at_the_truth():
    # Fisher: the mean of the score over data from the mixture is 0, its size that of sqrt(N).
    mixture = make_mixture(3, 2)
    points = make_points(mixture, 200_000)
    prepared = prepare(mixture)
    gradients = _core.gradient_factors(prepared, _core.data_pass(prepared, points))
    far = _core.PreparedMixture(mixture.weights, mixture.means + 0.3, mixture.covariances)
    elsewhere = _core.gradient_factors(far, _core.data_pass(far, points))
    for at_truth, moved in zip(gradients[1:], elsewhere[1:], strict=True):
        assert abs(at_truth).max() < 0.05 * abs(moved).max()


def test_moments_of_another_mixture_are_refused():
    one, two = Case(2, 3), Case(3, 4)
    for function in (_core.gradient_factors, _core.gradient_stdcorr):
        for prepared, moments in [(one.prepared, two.moments), (two.prepared, one.moments)]:
            with pytest.raises(InputError, match="moments"):
                function(prepared, moments)


def test_penalty_value_is_the_formula():
    case = Case(4, 3)
    value = _core.penalty_value(case.prepared, 0.3, case.reference, 17.0)
    expected = oracles.penalty_value(case.mixture, 0.3, case.reference, 17.0)
    assert value == pytest.approx(expected, rel=1e-13)
    assert _core.penalty_value(case.prepared, 0.0, case.reference, 17.0) == 0.0


def test_a_penalty_needs_a_reference_of_the_right_shape():
    case = Case(2, 2)
    for function in (_core.gradient_factors, _core.gradient_stdcorr):
        with pytest.raises(InputError, match="reference"):
            function(case.prepared, case.moments, 0.1, None, 10.0)
        with pytest.raises(InputError, match=r"reference.*\(3, 3\).*\(2, 2\)"):
            function(case.prepared, case.moments, 0.1, np.eye(3), 10.0)


# Whitened coordinates: v (K - 1), then u (K, d), then the lower triangles of a (K, d, d) by rows


class WhitenedCase(Case):
    """A case, and the coordinates around its mixture."""

    def __init__(self, nvars, ngauss, **options):
        super().__init__(nvars, ngauss, **options)
        self.coordinates = _core.WhitenedCoordinates(self.prepared)
        self.basis = self.find_basis()
        self.oracle = oracles.Whitened(self.log_weights, self.mixture.means, self.factors)

    def find_basis(self):
        """What v (K,) the first K - 1 coordinates stand for, read off the weights they give."""
        ngauss = len(self.log_weights)
        root = np.exp(self.log_weights / 2)
        basis = np.empty((ngauss, ngauss - 1))
        for j in range(ngauss - 1):
            theta = np.zeros(self.coordinates.size)
            theta[j] = 1.0
            shift = self.coordinates.mixture(theta).log_weights - self.log_weights
            basis[:, j] = root * (shift - root**2 @ shift)  # sum_k sqrt(w0_k) v_k = 0
        return basis

    def split(self, theta):
        ngauss, nvars = self.mixture.means.shape
        v, u, lower = np.split(theta, [ngauss - 1, ngauss - 1 + ngauss * nvars])
        a = np.zeros((ngauss, nvars, nvars), dtype=theta.dtype)
        rows, columns = np.tril_indices(nvars)
        a[:, rows, columns] = lower.reshape(ngauss, -1)
        return self.basis @ v, u.reshape(ngauss, nvars), a

    def objective(self, theta):
        return -self.value(*self.oracle.mixture(*self.split(theta))) / self.total

    def evaluate(self, theta):
        reference = self.reference if self.penalty else None
        return self.coordinates.objective(theta, self.points, self.weight, self.penalty, reference)


def random_theta(case, size=0.2):
    return size * np.random.default_rng(3).standard_normal(case.coordinates.size)


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_whitened_weights_are_an_orthonormal_complement(nvars, ngauss):
    case = WhitenedCase(nvars, ngauss)
    size = ngauss - 1 + ngauss * nvars + ngauss * nvars * (nvars + 1) // 2
    assert case.coordinates.size == size
    np.testing.assert_allclose(case.basis.T @ case.basis, np.eye(ngauss - 1), atol=1e-13)
    np.testing.assert_allclose(np.sqrt(case.mixture.weights) @ case.basis, 0.0, atol=1e-14)


@pytest.mark.parametrize(("nvars", "ngauss"), SHAPES)
def test_whitened_coordinates_give_the_mixture_of_the_formulas(nvars, ngauss):
    case = WhitenedCase(nvars, ngauss)
    for theta in (np.zeros(case.coordinates.size), random_theta(case)):
        seen = case.coordinates.mixture(theta)
        log_weights, means, factors = case.oracle.mixture(*case.split(theta))
        weights = np.exp(log_weights)
        np.testing.assert_allclose(seen.weights, weights / weights.sum(), rtol=1e-13)
        np.testing.assert_allclose(seen.means, means, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(seen.factors, factors, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("nvars", "ngauss", "penalty"), CASES)
def test_whitened_objective_and_gradient(nvars, ngauss, penalty):
    case = WhitenedCase(nvars, ngauss, penalty=penalty)
    for theta in (np.zeros(case.coordinates.size), random_theta(case)):
        value, seen, loglik = case.evaluate(theta)
        expected = case.objective(theta)
        assert value == pytest.approx(expected.real, rel=1e-12)
        parameters = case.oracle.mixture(*case.split(theta))
        plain = oracles.analytic_loglik(*parameters, case.points, case.weight)
        assert loglik == pytest.approx(plain.real, rel=1e-12)
        assert_close(seen, oracles.gradient(case.objective, theta))


def test_whitened_gradient_of_unweighted_points():
    case = WhitenedCase(3, 2, weighted=False)
    theta = random_theta(case)
    value, seen, _ = case.evaluate(theta)
    assert value == pytest.approx(case.objective(theta).real, rel=1e-12)
    assert_close(seen, oracles.gradient(case.objective, theta))


@pytest.mark.parametrize("nvars", [1, 2, 5])
def test_whitened_hessian_of_one_component_is_the_identity(nvars):
    # At the maximum of the likelihood: the complete data are the data.
    points = make_points(make_mixture(nvars, 1), 500)
    mean, covariance = points.mean(axis=0), np.cov(points.T, bias=True).reshape(nvars, nvars)
    coordinates = _core.WhitenedCoordinates(_core.PreparedMixture([1.0], [mean], [covariance]))
    step = 1e-4
    hessian = np.empty((coordinates.size, coordinates.size))
    for j, move in enumerate(step * np.eye(coordinates.size)):
        up, down = (
            coordinates.objective(sign * move, points, None, 0.0, None)[1] for sign in (1, -1)
        )
        hessian[j] = (up - down) / (2 * step)
    # Central differences err by step^2 times third derivatives, which are of order 1.
    np.testing.assert_allclose(hessian, np.eye(coordinates.size), atol=1e-7)


def test_whitened_gradient_does_not_mind_units():
    scales = 2.0 ** np.array([-30.0, 0.0, 35.0])
    case, scaled = WhitenedCase(3, 4), WhitenedCase(3, 4, scales=scales)
    theta = random_theta(case)
    value, seen, _ = scaled.evaluate(theta)
    expected, gradient, _ = case.evaluate(theta)
    assert value == pytest.approx(expected + np.log(scales).sum(), rel=1e-12)
    assert_close(seen, gradient)


@pytest.mark.parametrize("size", [800.0, 1e4, 1e300, np.inf, np.nan])
def test_whitened_steps_that_overflow_are_refused(size):
    case = WhitenedCase(2, 2)
    theta = np.zeros(case.coordinates.size)
    theta[-1] = size
    with pytest.raises((DegenerateError, InputError)):
        case.evaluate(theta)
    theta[-1] = -size
    with pytest.raises((DegenerateError, InputError)):
        case.evaluate(theta)


def test_whitened_coordinates_of_the_wrong_number_are_refused():
    case = WhitenedCase(2, 2)
    size = case.coordinates.size
    with pytest.raises(InputError, match=rf"theta.*\({size + 1},\).*\({size},\)"):
        case.evaluate(np.zeros(size + 1))
    with pytest.raises(InputError, match="theta"):
        case.coordinates.mixture(np.zeros(size - 1))

"""`affine`, `product` and `convolve`, against changes of variables and integrals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import mogfit as mn
from mogfit.algebra.derived import DerivedDensity
from tests.algebra.cases import BOX, DOMAINS, TRUNCATIONS, mixture, named
from tests.strategies import mixtures
from tests.truncation import bounds_of, cut_box, grid

SHEAR = np.array([[2.0, 0.0, 0.0], [0.5, 1.0, -0.3], [0.0, 0.0, -0.5]])
TURN = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.2], [0.0, 0.1, 1.0]])


def agree(found, expected, tolerance=1e-11):
    """Two mixtures with the same components in the same order."""
    np.testing.assert_allclose(found.weights, expected.weights, rtol=tolerance)
    for values, wanted in ((found.mus, expected.mus), (found.Sigmas, expected.Sigmas)):
        np.testing.assert_allclose(values, wanted, rtol=tolerance, atol=tolerance)


# Affine maps


@given(mixtures(max_nvars=5, max_log10_scale=3, max_log10_condition=4), st.integers(0, 99))
def test_an_affine_map_changes_the_variables(case, seed):
    mog = mn.MixtureOfGaussians(weights=case.weights, mus=case.means, Sigmas=case.covariances)
    rng = np.random.default_rng(seed)
    # In units of the variables: rows of other scales than these mix only rounding errors.
    scale = mog.sigmas.max(axis=0)
    A = (rng.normal(size=(mog.nvars, mog.nvars)) + 3 * np.eye(mog.nvars)) / scale
    centre = mog.mus[0]
    found = mog.affine(A, b=-A @ centre)
    x = centre + scale * rng.normal(size=(5, mog.nvars))
    expected = mog.logpdf(x) - np.linalg.slogdet(A)[1]
    values = found.logpdf((x - centre) @ A.T)
    offset = np.abs(mog.mus / mog.sigmas).max() * np.finfo(float).eps
    size = np.abs(expected).max()
    np.testing.assert_allclose(values, expected, atol=(1e-8 + 1e3 * offset) * max(1.0, size))
    assert found.weights.tobytes() == mog.weights.tobytes()


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("A", [SHEAR, TURN, np.diag([2.0, -3.0, 0.1])])
def test_an_affine_map_of_a_truncated_mixture_changes_the_variables(A, domain, truncation):
    mog = named(mixture(domain=domain, truncation=truncation))
    b = np.array([1.0, -2.0, 0.5])
    found = mog.affine(A, b)
    x = np.vstack([mog.rvs(20, rng=1), mog.rvs(20, rng=1) + 0.7])
    expected = mog.pdf(x) / abs(np.linalg.det(A))
    np.testing.assert_allclose(found.pdf(x @ A.T + b), expected, rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(found.mean(), A @ mog.mean() + b, rtol=1e-12)
    np.testing.assert_allclose(found.covariance(), A @ mog.covariance() @ A.T, rtol=1e-12)
    kept = domain is None or all(
        pair is None or (np.count_nonzero(A, axis=1)[A[:, i] != 0] == 1).any()
        for i, pair in enumerate(domain)
    )
    assert isinstance(found, mn.MixtureOfGaussians if kept else DerivedDensity)
    draws = mog.rvs(300, rng=4) @ A.T + b
    assert (found.pdf(draws) > 0).all()
    assert (mog.pdf((found.rvs(300, rng=4) - b) @ np.linalg.inv(A).T) > 0).all()


def test_a_map_without_mixing_takes_domain_and_names_along():
    mog = named(mixture(domain=[[-1.0, 2.0], None, [0.0, None]]))
    found = mog.affine([10.0, 2.0, -3.0], b=[1.0, 0.0, 0.5])
    assert found.domain == [(-9.0, 21.0), None, (-np.inf, 0.5)]
    assert found.names == ("x", "y", "z")
    turned = mog.affine(np.eye(3)[[2, 0, 1]])
    assert turned.domain == [(0.0, np.inf), (-1.0, 2.0), None]
    assert turned.names == ("z", "x", "y")
    agree(turned, mog.marginal(["z", "x", "y"]), 1e-15)
    assert mog.affine(np.eye(3)[[2, 0, 1]], names=list("abc")).names == ("a", "b", "c")
    assert mog.affine(SHEAR).names is None
    assert mog.affine(SHEAR).domain == [(-2.0, 4.0), None, (-np.inf, 0.0)]
    assert mog.affine(SHEAR, names=["u", "v", "w"]).names == ("u", "v", "w")
    doubled = mog.affine(2.0, 1.0)
    agree(doubled, mog.affine(2 * np.eye(3), np.ones(3)), 1e-15)
    assert (doubled.domain[0], doubled.truncation) == ((-1.0, 5.0), "components")
    # The variable that is left out is free.
    kept = mog.affine([[0.0, 0.0, 2.0], [1.0, 0.0, 0.0]])
    assert (kept.domain, kept.names) == ([(0.0, np.inf), (-1.0, 2.0)], ("z", "x"))


@given(seed=st.integers(0, 200), boxed=st.booleans())
def test_an_affine_map_of_an_affine_map(seed, boxed):
    rng = np.random.default_rng(seed)
    mog = mixture(2, 3, seed, domain=[[-1, 2], None, [0, 3]] if boxed else None)
    first, second = (
        (np.eye(3)[rng.permutation(3)] * rng.uniform(-2, 2, 3))
        if boxed
        else rng.normal(size=(3, 3))
        for _ in range(2)
    )
    b, c = rng.normal(size=(2, 3))
    twice = mog.affine(first, b).affine(second, c)
    once = mog.affine(second @ first, second @ b + c)
    agree(twice, once, 1e-9)
    if boxed:
        bounds, expected = bounds_of(twice.domain), bounds_of(once.domain)
        np.testing.assert_allclose(bounds, expected, rtol=1e-12, atol=1e-12)
    back = mog.affine(first, b).affine(np.linalg.inv(first), -np.linalg.solve(first, b))
    size = np.linalg.cond(first) ** 2
    agree(back, mog, 1e-13 * size)


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", [None, [[0, 1], [-1, 2]], [None, [-1, 0.5]], [[0, None], None]])
def test_a_projection_is_an_integral_along_lines(domain, truncation):
    mog = mixture(3, 2, 4, domain=domain, truncation=truncation)
    found = mog.affine([[1.0, 2.0]], 0.5)
    bounds = bounds_of(domain or [None, None])
    low, high = cut_box(mog.mus, mog.Sigmas, bounds)
    for y in (0.7, 1.5, 3.0):
        # x = (y - 0.5 - 2 t, t), with t where both are in the box.
        ends = np.sort((y - 0.5 - np.array([low[0], high[0]])) / 2)
        ends = max(ends[0], low[1]), min(ends[1], high[1])
        if ends[0] >= ends[1]:
            assert found.pdf(y) == 0
            continue
        t, weights = grid([ends[0]], [ends[1]], 160)
        x = np.hstack([y - 0.5 - 2 * t, t])
        assert found.pdf(y) == pytest.approx(weights @ mog.pdf(x), rel=1e-10)
    assert isinstance(found, mn.MixtureOfGaussians if domain is None else DerivedDensity)
    assert found.nvars == 1


def test_the_sum_of_two_variables_in_a_square():
    # Components so wide that they are uniform: the sum has the triangle's density.
    mog = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[1e8 * np.eye(2)], domain=[[0, 1]] * 2)
    found = mog.affine([[1.0, 1.0]])
    y = np.array([-0.1, 0.0, 0.25, 1.0, 1.5, 2.0, 2.1])
    expected = np.clip(np.minimum(y, 2 - y), 0, None)
    np.testing.assert_allclose(found.pdf(y), expected, atol=1e-8)
    assert found.domain == [(0.0, 2.0)]


def test_a_truncated_marginal_and_a_projection_are_one_thing():
    mog = mixture(domain=[[-1, 2], [0, 1], None])
    x = mog.rvs(50, rng=0)
    one, other = mog.marginal([2, 0]), mog.affine(np.eye(3)[[2, 0]])
    np.testing.assert_allclose(other.pdf(x[:, [2, 0]]), one.pdf(x[:, [2, 0]]), rtol=1e-12)
    scaled = mog.affine(3 * np.eye(3)[[2, 0]], [1.0, 0.0])
    assert scaled.domain == [None, (-3.0, 6.0)]
    values = scaled.pdf(3 * x[:, [2, 0]] + [1.0, 0.0])
    np.testing.assert_allclose(values, one.pdf(x[:, [2, 0]]) / 9, rtol=1e-12)


@pytest.mark.parametrize("A", [[[1.0, 1.0, 1.0]], [[1.0, 1.0, 0.5]]])
def test_a_polytope_is_refused_with_the_reason(A):
    mog = mixture(domain=[[0, 1]] * 3)
    with pytest.raises(NotImplementedError, match=r"3 bounded variables remain free in 2 .*poly"):
        mog.affine(A)
    # With one of them free, two remain in two dimensions: a box.
    mog.set_domain([[0, 1], [0, 1], None])
    y = np.linspace(-6, 9, 3001)
    assert integrate.trapezoid(mog.affine(A).pdf(y), y) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"A": 0.0}, "A: rank 0 of 3 rows; allowed: independent rows, no scale of 0"),
        ({"A": [1.0, 0.0, 2.0]}, "A: rank 2 of 3"),
        ({"A": [[1, 2, 3], [2, 4, 6]]}, "A: rank 1 of 2"),
        ({"A": np.ones((4, 3)) + np.eye(4, 3)}, "A: rank 3 of 4"),
        ({"A": [1.0, 2.0]}, r"A: shape \(2,\) seen, a number, 3 scales or shape \(M, 3\)"),
        ({"A": np.eye(2)}, r"A: shape \(2, 2\)"),
        ({"A": np.zeros((0, 3))}, r"A: shape \(0, 3\)"),
        ({"A": np.nan}, r"A: nan .* a finite number"),
        ({"A": 1.0, "b": [1.0, 2.0]}, r"b: shape \(2,\) seen, shape \(3,\) expected"),
        ({"A": 1.0, "names": ["a", "b"]}, "names: .*allowed: 3 different names"),
        ({"A": 1.0, "names": ["a", "b", "a"]}, "names: .*allowed: 3 different names"),
    ],
)
def test_what_is_no_affine_map_is_refused(arguments, message):
    with pytest.raises(mn.InputError, match=message):
        mixture().affine(**arguments)


def test_units_are_no_matter_of_rank():
    mog = mixture().affine([1e-12, 1.0, 1e12])
    back = mog.affine(np.array([[1e12, 0, 0], [1e12, 1, 0], [0, 0, 1e-12]]))
    agree(back, mixture().affine([[1, 0, 0], [1, 1, 0], [0, 0, 1]]), 1e-12)


# Products


@pytest.mark.parametrize("truncations", [("components", "mixture"), ("mixture", "components")])
@pytest.mark.parametrize("first", [None, [[-1, 2], None]])
@pytest.mark.parametrize("second", [None, [[0, None], [-1.5, 1]]])
def test_a_product_is_proportional_to_both(first, second, truncations):
    p = mixture(2, 2, 1, domain=first, truncation=truncations[0])
    q = mixture(3, 2, 2, domain=second, truncation=truncations[1])
    found, log_norm = p.product(q, return_log_norm=True)
    assert found.ngauss == 6
    assert found.weights.sum() == pytest.approx(1, abs=1e-14)
    box = [bounds_of(mog.domain or [None, None]) for mog in (p, q)]
    bounds = np.array([np.maximum(box[0][0], box[1][0]), np.minimum(box[0][1], box[1][1])])
    points, weights = grid(*cut_box(p.mus, p.Sigmas, bounds), 160)
    total = weights @ (p.pdf(points) * q.pdf(points))
    assert log_norm == pytest.approx(np.log(total), abs=1e-10)
    some = np.vstack([points[::997], [[5.0, 0.0], [-1.2, 0.0], [-0.5, 0.0]]])
    expected = p.pdf(some) * q.pdf(some) / total
    np.testing.assert_allclose(found.pdf(some), expected, rtol=1e-10, atol=1e-300)
    if first or second:
        np.testing.assert_array_equal(bounds_of(found.domain), bounds)
        assert found.truncation == truncations[0 if first else 1]
    again, same = q.product(p, return_log_norm=True)
    assert same == pytest.approx(log_norm, abs=1e-12)
    np.testing.assert_allclose(again.pdf(some), found.pdf(some), rtol=1e-11, atol=1e-300)
    assert p.product(q).params.tobytes() == found.params.tobytes()


@given(seed=st.integers(0, 300), exponent=st.integers(-8, 8))
def test_products_commute_however_different_the_widths(seed, exponent):
    p = mixture(2, 3, seed)
    q = mixture(1, 3, seed + 1).affine(10.0**exponent)
    one, log_norm = p.product(q, return_log_norm=True)
    other, same = q.product(p, return_log_norm=True)
    assert same == pytest.approx(log_norm, rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(other.weights, one.weights, rtol=1e-7, atol=1e-300)
    scale = one.sigmas
    assert (np.abs(other.mus - one.mus) < 1e-10 * (scale + np.abs(one.mus))).all()
    spread = scale[:, :, None] * scale[:, None, :]
    assert (np.abs(other.Sigmas - one.Sigmas) < 1e-9 * spread).all()


def test_a_product_of_two_needles_that_cross_is_small_and_exact():
    # Each is 1e-7 wide in one direction; both are turned, so that no entry shows it.
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s], [s, c]])
    p = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[turn @ np.diag([1, 1e-10]) @ turn.T])
    q = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[turn @ np.diag([1e-10, 1]) @ turn.T])
    found = p.product(q)
    # Their factors know the narrow widths to about 1e-6.
    np.testing.assert_allclose(found.Sigmas[0], 1e-10 * np.eye(2), rtol=1e-5, atol=1e-15)


def test_a_product_of_densities_far_apart_keeps_its_logarithm():
    p = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    q = mn.MixtureOfGaussians(mus=[1e4, 2e4], Sigmas=[3.0, 3.0])
    found, log_norm = p.product(q, return_log_norm=True)
    assert log_norm == pytest.approx(np.log(0.5) + stats.norm.logpdf(1e4, scale=2.0), rel=1e-14)
    assert found.weights.tolist() == [1.0, 0.0]
    assert found.mus[0, 0] == pytest.approx(2500.0, rel=1e-14)
    with pytest.raises(mn.DomainError, match="the product is 0 even as a logarithm"):
        p.product(mn.MixtureOfGaussians(mus=[1e200], Sigmas=[1.0]))


def test_products_match_variables_by_name():
    p, q = named(mixture(2, 2, 1)), named(mixture(3, 2, 2, domain=[[0, 1], None]))
    expected = p.product(q)
    found = p.product(q.marginal(["y", "x"]))
    agree(found, expected, 1e-12)
    assert (found.names, found.domain) == (("x", "y"), [(0.0, 1.0), None])
    with pytest.raises(mn.InputError, match=r"other: variables \('u', 'x'\) seen; allowed"):
        p.product(named(mixture(2, 2, 1), "ux"))
    with pytest.raises(mn.InputError, match="other: 3 variables seen; allowed: 2, as here"):
        p.product(mixture())
    with pytest.raises(mn.DtypeError, match="mixture"):
        p.product([1.0])
    apart = named(mixture(3, 2, 2, domain=[None, [1, 2]]))
    p.set_domain([None, [2, 3]])
    message = r"other: its domain \[1, 2\] does not overlap \[2, 3\], at column 1 \('y'\)"
    with pytest.raises(mn.DomainError, match=message):
        p.product(apart)


# Noise


@given(seed=st.integers(0, 100))
def test_noise_adds_moments(seed):
    rng = np.random.default_rng(seed)
    mog, noise = mixture(3, 2, seed), mixture(2, 2, seed + 1)
    S = noise.Sigmas[0]
    for e, mean, covariance in (
        (S, 0.0, S),
        (2.0, 0.0, 4 * np.eye(2)),
        ([0.5, 0.0], 0.0, np.diag([0.25, 0.0])),
        (noise, noise.mean(), noise.covariance()),
    ):
        found = mog.convolve(e)
        np.testing.assert_allclose(found.mean(), mog.mean() + mean, rtol=1e-11)
        np.testing.assert_allclose(found.covariance(), mog.covariance() + covariance, rtol=1e-11)
    both = mog.convolve(noise)
    points = rng.normal(size=(4, 2))
    np.testing.assert_allclose(both.pdf(points), noise.convolve(mog).pdf(points), rtol=1e-12)


def convolved(mog, density, y, low, high, count=160):
    """The integral of p(x) q(y - x) over a box."""
    points, weights = grid(low, high, count)
    return weights @ (mog.pdf(points) * density(y - points))


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", [None, [[0, 1.5], None], [[-1, 1], [0, None]]])
@pytest.mark.parametrize("S", [np.diag([0.3, 0.2]), [[0.3, 0.2], [0.2, 0.4]], np.diag([0.01, 2.0])])
def test_noise_on_a_mixture_is_a_convolution(S, domain, truncation):
    mog = named(mixture(3, 2, 5, domain=domain, truncation=truncation))
    found = mog.convolve(S)
    bounds = bounds_of(domain or [None, None])
    noise = stats.multivariate_normal(np.zeros(2), S)
    low, high = cut_box(mog.mus, mog.Sigmas, bounds)
    for y in ([0.5, 0.5], [-0.3, 1.0], [1.9, -0.2]):
        reach = 9 * np.sqrt(np.diag(S))
        ends = np.maximum(low, y - reach), np.minimum(high, y + reach)
        expected = convolved(mog, noise.pdf, np.array(y), *ends) if (ends[0] < ends[1]).all() else 0
        assert found.pdf(y) == pytest.approx(expected, rel=1e-10)
    assert found.names == ("x", "y")
    assert isinstance(found, mn.MixtureOfGaussians if domain is None else DerivedDensity)
    np.testing.assert_allclose(found.mean(), mog.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.covariance(), mog.covariance() + S, rtol=1e-12)


def test_noise_on_free_variables_leaves_a_truncated_mixture():
    mog = named(mixture(domain=BOX, truncation="mixture"))
    found = mog.convolve([0.0, 0.7, 0.0])
    assert isinstance(found, mn.MixtureOfGaussians)
    assert (found.domain, found.truncation, found.names) == (mog.domain, "mixture", mog.names)
    y = np.array([0.5, -0.4, 0.8])
    t, weights = grid([-8.0], [8.0], 160)
    x = np.tile(y, (len(t), 1))
    x[:, 1] = t[:, 0]
    expected = weights @ (mog.pdf(x) * stats.norm.pdf(y[1] - t[:, 0], scale=0.7))
    assert found.pdf(y) == pytest.approx(expected, rel=1e-10)
    still = mog.convolve(0.0)
    assert still.params.tobytes() == mog.params.tobytes()


def test_noise_on_some_bounded_variables():
    mog = mixture(2, 3, 1, domain=[[-1, 2], [0, 1], None])
    found = mog.convolve([0.5, 0.0, 0.3])
    # The second variable is seen as it is: its domain stays.
    assert found.domain == [None, (0.0, 1.0), None]
    y = np.array([2.2, 0.3, 0.1])
    t, weights = grid([-1.0, -7.0], [2.0, 7.0], 160)
    x = np.column_stack([t[:, 0], np.full(len(t), 0.3), t[:, 1]])
    noise = stats.norm.pdf(y[0] - t[:, 0], scale=0.5) * stats.norm.pdf(y[2] - t[:, 1], scale=0.3)
    assert found.pdf(y) == pytest.approx(weights @ (mog.pdf(x) * noise), rel=1e-10)
    assert found.pdf([0.0, 1.01, 0.0]) == 0
    assert found.pdf([0.0, 1.0, 0.0]) > 0


def test_noise_that_is_one_number_for_all_variables():
    # e = (u, 2 u): a singular covariance, along one line.
    mog = mixture(2, 2, 3, domain=[[0, 1], [0, None]])
    found = mog.convolve([[0.09, 0.18], [0.18, 0.36]])
    for y in ([0.5, 0.5], [1.4, 2.0], [-0.2, 0.1]):
        u = np.array([max((y[0] - 1), -2.7), min(y[0], y[1] / 2, 2.7)])
        t, weights = grid([u[0]], [u[1]], 160)
        x = np.array(y) - np.hstack([t, 2 * t])
        expected = weights @ (mog.pdf(x) * stats.norm.pdf(t[:, 0], scale=0.3)) if u[0] < u[1] else 0
        assert found.pdf(y) == pytest.approx(expected, rel=1e-10)


def test_noise_of_vanishing_width_changes_nothing():
    mog = mixture(3, 2, 5, domain=[[0, 1.5], None])
    inside = mog.rvs(20, rng=0)
    inside = inside[(inside[:, 0] > 0.01) & (inside[:, 0] < 1.49)]
    for width in (1e-4, 1e-6, 1e-9):
        found = mog.convolve(width)
        np.testing.assert_allclose(found.pdf(inside), mog.pdf(inside), rtol=1e3 * width)
        assert found.pdf([1.5 + 20 * width, 0.0]) < 1e-60
        assert found.pdf([1.5, 0.0]) == pytest.approx(0.5 * mog.pdf([1.5, 0.0]), rel=1e3 * width)


@pytest.mark.parametrize("own", [None, [0.0, 1.0]])
def test_noise_with_a_domain_of_its_own(own):
    mog = mixture(2, 1, 1, domain=None if own is None else [own])
    noise = mixture(3, 1, 2, domain=[[-0.5, 0.7]], truncation="mixture")
    found = mog.convolve(noise)
    assert isinstance(found, DerivedDensity)
    assert found.domain == (None if own is None else [(-0.5, 1.7)])
    assert found.ngauss == 6
    for y in (-0.3, 0.4, 1.2, 1.69, 1.8):
        low, high = np.array(own or [-9.0, 9.0])
        low, high = max(low, y - 0.7), min(high, y + 0.5)
        expected = 0.0
        if low < high:
            expected = convolved(mog, lambda e: noise.pdf(e), y, [low], [high])
        assert found.pdf(y) == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(found.mean(), mog.mean() + noise.mean(), rtol=1e-12)
    draws = found.rvs(20_000, rng=0)
    spread = np.sqrt(found.covariance()[0, 0])
    assert draws.mean() == pytest.approx(found.mean()[0], abs=4 * spread / np.sqrt(20_000))
    assert draws.std() == pytest.approx(spread, rel=0.03)


def test_weights_of_noise_are_normalised_and_those_of_the_mixture_are_kept():
    noise = mn.MixtureOfGaussians(
        weights=[2.0, 2.0], mus=[0.0, 1.0], Sigmas=[1.0, 1.0], normalize_weights=False
    )
    mog = mn.MixtureOfGaussians(weights=[3.0], mus=[0.0], Sigmas=[1.0], normalize_weights=False)
    assert mog.convolve(noise).weights.tolist() == [1.5, 1.5]
    boxed = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[[0, None]])
    assert boxed.convolve(noise).weights.sum() == pytest.approx(1)
    assert mog.convolve(boxed).weights.sum() == pytest.approx(3)


def test_derived_noise_is_pickled():
    found = mixture(2, 2, 3, domain=[[0, 1], None]).convolve(0.5)
    twin = pickle.loads(pickle.dumps(found))
    assert twin.pdf([[0.0, 0.5]]) == found.pdf([[0.0, 0.5]])
    assert repr(twin) == repr(found)
    assert "truncated mixture with noise, 2 components in 2 variables" in repr(found)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (-1.0, "noise: -1 seen; allowed: standard deviations, 0 or more"),
        ([1.0, -2.0, 1.0], "noise: -2 seen"),
        ([1.0, 1.0], r"noise: shape \(2,\) seen, a number, 3 standard deviations"),
        (np.eye(2), r"noise: shape \(2, 2\)"),
        (np.nan, r"noise: nan .* a finite number"),
        (np.diag([1.0, -1.0, 1.0]), "noise: variance -1 seen"),
        ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "noise: no covariance, for it is not symmetric"),
        ([[1, 0.5, 0], [0.5, 0, 0], [0, 0, 1]], "a variable of variance 0 has covariances"),
        ([[1, 2.0, 0], [2.0, 1, 0], [0, 0, 1]], "noise: smallest correlation eigenvalue -1"),
    ],
)
def test_what_is_no_noise_is_refused(noise, message):
    with pytest.raises(mn.InputError, match=message):
        mixture().convolve(noise)

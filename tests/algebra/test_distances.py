"""Distances and overlaps of components, against textbook formulas and quadrature."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

import mogfit as mn
from mogfit.algebra.quadratic_forms import probability_positive
from mogfit.errors import InputError
from tests.algebra.mixtures import integrated, mixture

METHODS = ("bhattacharyya", "hellinger", "kl", "overlap")


def component_densities(mog, x):
    return np.exp(mog.component_logpdf(x))


@pytest.mark.parametrize("options", [{}, {"domain": [[-1.0, 2.0], [0.0, 4.0]]}])
def test_distances_are_integrals(options):
    mog = mixture(3, 2, seed=1, **options)
    count = range(mog.ngauss)

    def coefficient(x):
        roots = np.sqrt(component_densities(mog, x))
        return roots[:, :, None] * roots[:, None, :]

    def divergence(x):
        logs = mog.component_logpdf(x)
        return np.exp(logs)[:, :, None] * (logs[:, :, None] - logs[:, None, :])

    coefficients = integrated(coefficient, mog)
    found = mog.component_distances()
    np.testing.assert_allclose(found, -np.log(coefficients), atol=1e-9)
    np.testing.assert_array_equal(found, found.T)
    hellinger = mog.component_distances("hellinger")
    np.testing.assert_allclose(hellinger**2, 1.0 - coefficients, atol=1e-9)
    kl = mog.component_distances("kl")
    np.testing.assert_allclose(kl, integrated(divergence, mog), atol=1e-8)
    for array in (found, hellinger, kl):
        assert [array[k, k] for k in count] == [0.0] * mog.ngauss


@pytest.mark.parametrize("nvars", [1, 3, 7])
def test_distances_are_those_of_the_textbook(nvars):
    mog = mixture(4, nvars, seed=2)
    found, kl = mog.component_distances(), mog.component_distances("kl")
    for a in range(4):
        for b in range(4):
            S, T, apart = mog.Sigmas[a], mog.Sigmas[b], mog.mus[a] - mog.mus[b]
            mean = (S + T) / 2
            logs = [np.linalg.slogdet(m)[1] for m in (mean, S, T)]
            expected = apart @ np.linalg.inv(mean) @ apart / 8
            expected += 0.5 * (logs[0] - 0.5 * (logs[1] + logs[2]))
            assert found[a, b] == pytest.approx(expected, rel=1e-10, abs=1e-14)
            inverse = np.linalg.inv(T)
            expected = np.trace(inverse @ S) - nvars + apart @ inverse @ apart + logs[2] - logs[1]
            assert kl[a, b] == pytest.approx(0.5 * expected, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_matter(method):
    mog = mixture(3, 3, seed=3)
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 3)) * np.array([[1e9], [1.0], [1e-9]])
    moved = mn.MixtureOfGaussians(
        weights=mog.weights, mus=mog.mus @ A.T + [1e9, 2.0, 3e-9], Sigmas=A @ mog.Sigmas @ A.T
    )
    np.testing.assert_allclose(
        moved.component_distances(method), mog.component_distances(method), rtol=1e-7, atol=1e-12
    )


# Overlap


def test_the_overlap_is_the_sum_of_both_mistakes():
    mog = mixture(4, 1, seed=4)
    found = mog.component_distances("overlap")
    x = np.linspace(-30, 30, 2_000_001)
    weighted = component_densities(mog, x) * mog.weights
    for a, b in ((0, 1), (0, 2), (2, 3)):
        wins = weighted[:, b] > weighted[:, a]
        mistakes = weighted[wins, a].sum() / mog.weights[a]
        mistakes += weighted[~wins, b].sum() / mog.weights[b]
        # The border between them is found to one step.
        assert found[a, b] == pytest.approx(mistakes * 3e-5, abs=1e-4)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 1.0)


def test_with_equal_weights_the_overlap_is_the_overlapping_coefficient():
    mog = mixture(3, 2, seed=5, spread=0.7)
    mog.weights = [1.0, 1.0, 1.0]

    def smaller(x):
        densities = component_densities(mog, x)
        return np.minimum(densities[:, :, None], densities[:, None, :])

    # Quadrature is no better where the smaller one changes.
    expected = integrated(smaller, mog, count=1200, panels=12)
    np.testing.assert_allclose(mog.component_distances("overlap"), expected, atol=2e-5)


def test_the_overlap_of_equal_shapes_has_a_closed_form():
    S = np.array([[2.0, 0.7, 0.1], [0.7, 1.0, 0.0], [0.1, 0.0, 0.5]])
    mog = mn.MixtureOfGaussians(
        weights=[0.2, 0.8], mus=[[0.0, 0.0, 0.0], [1.0, -2.0, 1.0]], Sigmas=[S, S]
    )
    apart = mog.mus[1] - mog.mus[0]
    distance, shift = np.sqrt(apart @ np.linalg.solve(S, apart)), np.log(0.2 / 0.8)
    expected = ndtr(-distance / 2 - shift / distance) + ndtr(-distance / 2 + shift / distance)
    assert mog.component_distances("overlap")[0, 1] == pytest.approx(expected, rel=1e-13)


def test_the_overlap_counts_draws_taken_for_others():
    mog = mixture(3, 4, seed=6, spread=1.0)
    found = mog.component_distances("overlap")
    rng = np.random.default_rng(1)
    wrong = np.zeros((3, 3))
    for a in range(3):
        x = rng.multivariate_normal(mog.mus[a], mog.Sigmas[a], 40_000)
        logs = mog.component_logpdf(x) + np.log(mog.weights)
        wrong[a] = (logs > logs[:, a, None]).mean(axis=0)
    error = np.sqrt(2 * 0.25 / 40_000)
    assert (np.abs(found - (wrong + wrong.T)) < 4 * error)[~np.eye(3, dtype=bool)].all()


def test_overlaps_of_what_is_hardly_a_pair():
    same = mn.MixtureOfGaussians(weights=[0.3, 0.7], mus=[[1.0, 1.0]] * 2, Sigmas=[np.eye(2)] * 2)
    np.testing.assert_array_equal(same.component_distances("overlap"), np.ones((2, 2)))
    near = mn.MixtureOfGaussians(
        mus=[[1.0, 1.0], [1.0, 1.0 + 1e-6]], Sigmas=[np.eye(2), np.eye(2) * (1 + 1e-9)]
    )
    assert near.component_distances("overlap")[0, 1] == pytest.approx(1.0, abs=1e-6)
    none = mn.MixtureOfGaussians(
        weights=[1.0, 0.0, 0.0], mus=[[0.0], [0.0], [9.0]], Sigmas=[1.0, 2.0, 1.0]
    )
    overlaps = none.component_distances("overlap")
    assert overlaps[0].tolist() == [1.0, 1.0, 1.0]
    # Nothing prefers one of two that have no weight.
    assert overlaps[1, 2] < 0.01
    far = mn.MixtureOfGaussians(mus=[0.0, 60.0], Sigmas=[1.0, 1.0])
    assert far.component_distances("overlap")[0, 1] == pytest.approx(2 * ndtr(-30.0), rel=1e-12)


def test_what_cannot_be_asked_is_refused():
    mog = mixture(2, 2, domain=[[0, 1], None])
    with pytest.raises(NotImplementedError, match=r"set_domain\(None\)"):
        mog.component_distances("overlap")
    with pytest.raises(InputError, match=r"did you mean 'hellinger'"):
        mog.component_distances("helinger")


# Quadratic forms


@pytest.mark.parametrize("nvars", [1, 2, 3, 6])
def test_sums_of_squares_are_noncentral_chi_square(nvars):
    rng = np.random.default_rng(nvars)
    scale = rng.choice([-1.0, 1.0], 200) * 10.0 ** rng.uniform(-5, 0, 200)
    squares = np.repeat(scale[:, None], nvars, axis=1)
    slopes = scale[:, None] * rng.normal(size=(200, nvars)) * 4
    shift = (slopes**2).sum(axis=1) / (4 * scale**2)
    limit = stats.ncx2.ppf(rng.uniform(0.001, 0.999, 200), nvars, shift)
    constants = -scale * limit + scale * shift
    law = stats.ncx2(nvars, shift)
    expected = np.where(scale > 0, law.sf(limit), law.cdf(limit))
    # The limit itself is known to so many digits of its distance from where the density is.
    np.testing.assert_allclose(
        probability_positive(squares, slopes, constants), expected, atol=1e-11
    )


def test_forms_of_one_variable_follow_their_roots():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300)) * 10.0 ** rng.uniform(-6, 1, (2, 300))
    y = rng.normal(size=300)
    c = -(a * y**2 + b * y)
    other = -b / a - y
    low, high = np.minimum(y, other), np.maximum(y, other)
    between = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    expected = np.where(a > 0, ndtr(low) + ndtr(-high), between)
    found = probability_positive(a[:, None], b[:, None], c)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-11)


def test_indefinite_forms_and_tails():
    # y1^2 - y2^2 + c > 0: with u = (y1 + y2)(y1 - y2), a product of normals; by 30 digits.
    with mpmath.workdps(30):
        for c in (-0.3, -40.0, 2.0):
            tail = mpmath.quad(
                lambda y, c=c: mpmath.npdf(y) * mpmath.ncdf(-mpmath.sqrt(y * y - c)) * 4,
                [mpmath.sqrt(max(c, 0)), 1 + abs(c) ** 0.5, 4 + abs(c) ** 0.5, 20],
            )
            inside = 0 if c < 0 else 2 * mpmath.ncdf(mpmath.sqrt(c)) - 1
            found = probability_positive(
                np.array([[1.0, -1.0]]), np.zeros((1, 2)), np.array([float(c)])
            )
            assert found[0] == pytest.approx(float(tail + inside), rel=1e-11)


def test_forms_that_are_never_or_always_positive():
    squares, slopes = np.array([[-1.0, -2.0], [1.0, 2.0], [0, 0], [0, 0], [0, 0]]), np.zeros((5, 2))
    constants = np.array([-1.0, 1.0, 0.0, 1.0, -1.0])
    assert probability_positive(squares, slopes, constants).tolist() == [0.0, 1.0, 0.5, 1.0, 0.0]

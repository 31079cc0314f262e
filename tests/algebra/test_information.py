"""Entropies and divergences of mixtures, against closed forms and quadrature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

import mogfit as mn
from mogfit.errors import DtypeError, InputError
from tests.algebra.mixtures import integrated, mixture

WIDE = [[-2.0, 3.0], [-1.0, None]]
NARROW = [[-1.0, 2.0], [0.0, 4.0]]


def entropy_of(mog):
    def term(x):
        density = mog.pdf(x)
        return np.where(density > 0, -density * np.log(np.maximum(density, 1e-300)), 0.0)

    return integrated(term, mog)


def divergence_of(p, q):
    def term(x):
        return np.where(p.pdf(x) > 0, p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), 0.0)

    return integrated(term, p)


def gaussian_divergence(mu, S, nu, T):
    inverse = np.linalg.inv(T)
    difference = nu - mu
    return 0.5 * (
        np.trace(inverse @ S) - len(mu) + difference @ inverse @ difference
        + np.log(np.linalg.det(T) / np.linalg.det(S))
    )  # fmt: skip


# One component: closed forms


@pytest.mark.parametrize("nvars", [1, 2, 5])
def test_one_component_each_has_closed_forms(nvars):
    p, q = mixture(1, nvars, seed=1), mixture(1, nvars, seed=2)
    exact = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * p.Sigmas[0])[1]
    found = p.entropy(500, rng=0)
    assert found.value == pytest.approx(exact, rel=1e-11)
    assert found.standard_error < 1e-10
    np.testing.assert_allclose(p.entropy_bounds(), [exact, exact], rtol=1e-12)

    exact = gaussian_divergence(p.mus[0], p.Sigmas[0], q.mus[0], q.Sigmas[0])
    found = p.kl_divergence(q, 500, rng=0)
    assert found.value == pytest.approx(exact, rel=1e-10)
    bounds = p.kl_bounds(q)
    for name in ("lower", "upper", "variational_upper", "variational", "matched", "gaussian"):
        assert getattr(bounds, name) == pytest.approx(exact, rel=1e-11), name


def test_one_truncated_component_has_the_entropy_of_scipy():
    mog = mn.MixtureOfGaussians(mus=[1.0], Sigmas=[4.0], domain=[(0.0, 2.5)])
    exact = stats.truncnorm(-0.5, 0.75, loc=1.0, scale=2.0).entropy()
    np.testing.assert_allclose(mog.entropy_bounds(), [exact, exact], rtol=1e-10)
    assert mog.entropy(1000, rng=0).value == pytest.approx(exact, rel=1e-10)


def test_a_mixture_is_no_way_from_itself():
    p = mixture(3, 2, seed=2)
    assert p.kl_divergence(p, 1000, rng=0) == (0.0, 0.0)
    bounds = p.kl_bounds(p)
    assert bounds.lower == 0.0
    for value in bounds[1:4] + bounds[4:]:
        assert value >= -1e-14
    assert bounds.variational_upper == pytest.approx(0.0, abs=1e-9)
    assert bounds.variational == bounds.product == 0.0
    assert bounds.gaussian == pytest.approx(0.0, abs=1e-14)


# Estimates


@pytest.mark.parametrize(
    ("nvars", "options"),
    [
        (1, {}),
        (2, {}),
        (1, {"domain": [(-0.5, 1.0)]}),
        (2, {"domain": NARROW}),
        (2, {"domain": NARROW, "truncation": "mixture"}),
    ],
)
def test_estimates_are_integrals(nvars, options):
    p = mixture(3, nvars, seed=3, **options)
    domain = {} if not options else {"domain": [[-3.0, 3.0]] if nvars == 1 else WIDE}
    q = mixture(4, nvars, seed=4, **domain)
    if nvars == 2 and options:
        q.set_domain([[-2.0, 3.0], [-1.0, 4.5]])
    for found, exact in (
        (p.entropy(20_000, rng=1), entropy_of(p)),
        (p.kl_divergence(q, 20_000, rng=1), divergence_of(p, q)),
    ):
        assert found.standard_error < 0.01
        assert abs(found.value - exact) < 4 * found.standard_error


def test_standard_errors_are_those_of_repetitions():
    p, q = mixture(3, 2, seed=5, spread=1.0), mixture(2, 2, seed=6, spread=1.0)
    runs = [p.kl_divergence(q, 1000, rng=i) for i in range(100)]
    values = np.array([run.value for run in runs])
    errors = np.array([run.standard_error for run in runs])
    # 100 runs tell the spread to 7 %.
    assert values.std() == pytest.approx(errors.mean(), rel=0.28)


def test_control_variates_pay():
    mog = mixture(4, 3, seed=7, spread=3.0)
    plain = mog.logpdf(mog.rvs(10_000, rng=0)).std() / 100
    assert mog.entropy(10_000, rng=0).standard_error < 0.3 * plain


def test_seeds_are_those_of_draws():
    p, q = mixture(2, 2, seed=8), mixture(2, 2, seed=9)
    assert p.entropy(1000, rng=3) == p.entropy(1000, rng=3)
    assert p.entropy(1000, rng=3) != p.entropy(1000, rng=4)
    np.random.seed(5)  # noqa: NPY002
    first = p.kl_divergence(q, 1000)
    np.random.seed(5)  # noqa: NPY002
    assert p.kl_divergence(q, 1000) == first


def test_weights_count_by_their_shares():
    p, q = mixture(2, 2, seed=8), mixture(3, 2, seed=9)
    scaled = [
        mn.MixtureOfGaussians(
            weights=5 * m.weights, mus=m.mus, Sigmas=m.Sigmas, normalize_weights=False
        )
        for m in (p, q)
    ]
    np.testing.assert_allclose(scaled[0].entropy(100, rng=0), p.entropy(100, rng=0), rtol=1e-12)
    np.testing.assert_allclose(scaled[0].kl_bounds(scaled[1]), p.kl_bounds(q), rtol=1e-10)


def test_components_of_no_weight_do_not_count():
    p, q = mixture(2, 2, seed=8), mixture(2, 2, seed=9)
    padded = mn.MixtureOfGaussians(
        weights=[*p.weights, 0.0], mus=[*p.mus, [9.0, 9.0]], Sigmas=[*p.Sigmas, np.eye(2)]
    )
    assert padded.entropy_bounds() == p.entropy_bounds()
    assert q.kl_bounds(padded) == q.kl_bounds(p)


def test_a_divergence_is_infinite_where_the_other_is_nowhere():
    free, boxed = mixture(2, 2, seed=1), mixture(2, 2, seed=2, domain=NARROW)
    wide = mixture(2, 2, seed=3, domain=WIDE)
    for p, q in ((free, boxed), (wide, boxed)):
        assert p.kl_divergence(q) == (np.inf, 0.0)
        assert set(p.kl_bounds(q)) == {np.inf}
    assert np.isfinite(boxed.kl_divergence(free, 1000, rng=0).value)
    assert np.isfinite(boxed.kl_divergence(wide, 1000, rng=0).value)


def test_bad_arguments_are_refused():
    p = mixture(2, 2)
    with pytest.raises(InputError, match="size"):
        p.entropy(0)
    with pytest.raises(InputError, match=r"other: shape \(2, 3\) seen, 2 variables expected"):
        p.kl_divergence(mixture(2, 3))
    with pytest.raises(InputError, match="other"):
        p.kl_bounds(mixture(2, 1))
    with pytest.raises(DtypeError, match=r"other: .* seen; allowed: a mixture"):
        p.kl_bounds(np.eye(2))


# Bounds


def pairs_of_mixtures():
    for seed, nvars, spread in itertools.product(range(6), (1, 2), (0.3, 1.5, 5.0)):
        yield (
            mixture(1 + seed % 4, nvars, seed=seed, spread=spread),
            mixture(1 + (seed + nvars) % 4, nvars, seed=50 + seed, spread=spread),
        )


def test_bounds_hold_what_they_bound():
    for p, q in pairs_of_mixtures():
        exact, bounds = entropy_of(p), p.entropy_bounds()
        assert bounds.lower <= exact + 1e-9
        assert bounds.upper >= exact - 1e-9
        # Kolchinsky & Tracey: both are off by less than the entropy of the weights.
        assert bounds.upper - bounds.lower <= -(p.weights @ np.log(p.weights)) + 1e-9
        exact, found = divergence_of(p, q), p.kl_bounds(q)
        assert found.lower <= exact + 1e-8 * (1 + exact)
        assert found.upper >= exact - 1e-8 * (1 + exact)
        assert found.upper <= found.variational_upper


def test_bounds_hold_inside_domains():
    for seed in range(4):
        p = mixture(3, 2, seed=seed, domain=NARROW, truncation=("components", "mixture")[seed % 2])
        q = mixture(2, 2, seed=20 + seed, domain=[[-2.0, 3.0], [-1.0, 4.5]])
        bounds, exact = p.entropy_bounds(), entropy_of(p)
        assert bounds.lower <= exact <= bounds.upper
        found, exact = p.kl_bounds(q), divergence_of(p, q)
        assert found.lower <= exact <= found.upper
        assert found.upper < 1.5 * exact + 0.5


def test_bounds_are_the_published_formulas():
    p, q = mixture(3, 2, seed=30), mixture(4, 2, seed=31)
    f = list(zip(p.weights, p.mus, p.Sigmas, strict=True))
    g = list(zip(q.weights, q.mus, q.Sigmas, strict=True))

    def apart(first, second):
        return np.array([[gaussian_divergence(*a[1:], *b[1:]) for b in second] for a in first])

    def products(first, second):
        return np.array(
            [
                [stats.multivariate_normal.pdf(a[1], b[1], a[2] + b[2]) for b in second]
                for a in first
            ]
        )

    pi, omega = p.weights, q.weights
    entropies = np.array([stats.multivariate_normal(m, S).entropy() for _, m, S in f])
    within, across = np.exp(-apart(f, f)) @ pi, np.exp(-apart(f, g)) @ omega
    squares, both = products(f, f) @ pi, products(f, g) @ omega
    bounds = p.kl_bounds(q)
    assert bounds.variational == pytest.approx(pi @ np.log(within / across), rel=1e-11)
    assert bounds.product == pytest.approx(pi @ np.log(squares / both), rel=1e-11)
    costs = apart(f, g) + np.log(pi[:, None] / omega)
    assert bounds.matched == pytest.approx(pi @ costs.min(axis=1), rel=1e-11)
    durrieu = pi @ (np.log(squares / across) + entropies), pi @ (np.log(within / both) - entropies)
    upper = min(bounds.variational_upper, durrieu[0])
    assert bounds.upper == pytest.approx(upper, rel=1e-11)
    assert bounds.lower >= durrieu[1] - 1e-12
    # No split of the weights is better than the one found.
    rng = np.random.default_rng(0)
    for _ in range(200):
        phi = rng.dirichlet(np.ones(4), 3) * pi[:, None]
        psi = rng.dirichlet(np.ones(3), 4).T * omega
        value = (phi * (np.log(phi / psi) + apart(f, g))).sum()
        assert value >= bounds.variational_upper - 1e-9

    coefficients = np.array([[np.exp(-_bhattacharyya(*a[1:], *b[1:])) for b in f] for a in f])
    found = p.entropy_bounds()
    tracey = pi @ (entropies - np.log(coefficients @ pi))
    assert found.lower == pytest.approx(max(tracey, -(pi @ np.log(squares))), rel=1e-11)
    assert found.upper <= pi @ (entropies - np.log(within)) + 1e-12


def _bhattacharyya(mu, S, nu, T):
    between = (S + T) / 2
    ratio = np.linalg.det(between) / np.sqrt(np.linalg.det(S) * np.linalg.det(T))
    return (mu - nu) @ np.linalg.inv(between) @ (mu - nu) / 8 + 0.5 * np.log(ratio)


def test_the_approximation_by_gaussians_is_that_of_the_moments():
    p, q = mixture(3, 1, seed=32), mixture(2, 1, seed=33)
    moments = []
    for m in (p, q):
        mean = m.weights @ m.mus[:, 0]
        moments += [[mean], [[m.weights @ (m.sigmas[:, 0] ** 2 + (m.mus[:, 0] - mean) ** 2)]]]
    exact = gaussian_divergence(*[np.array(v) for v in moments])
    assert p.kl_bounds(q).gaussian == pytest.approx(exact, rel=1e-12)


def test_far_apart_mixtures_overflow_nothing():
    p = mn.MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1e-6, 1.0])
    q = mn.MixtureOfGaussians(mus=[1e6, 2e6], Sigmas=[1.0, 1.0])
    bounds = p.kl_bounds(q)
    found = p.kl_divergence(q, 1000, rng=0)
    assert bounds.lower <= found.value <= bounds.upper
    assert found.value == pytest.approx(logsumexp([0.5e12, 0.5e12 - 1e6, -1e9]), rel=1e-5)


def test_domains_very_far_away_leave_what_can_be_known():
    mog = mn.MixtureOfGaussians(
        mus=[[0.0, 0.0]], Sigmas=[[[1.0, 0.9], [0.9, 1.0]]], domain=[(1e5, None), (-1.0, None)]
    )
    bounds = mog.kl_bounds(mog)
    assert np.isnan(bounds.gaussian)
    assert bounds.upper == pytest.approx(0.0, abs=1e-5)
    # Almost an exponential distribution of rate 1e5, its mean is its entropy's scale; and normal.
    exact = 1 - np.log(1e5) + 0.5 * np.log(2 * np.pi * np.e * 0.19)
    assert mog.entropy_bounds().lower == pytest.approx(exact, abs=1e-4)


def test_components_next_to_outside_are_not_drawn_from():
    mog = mn.MixtureOfGaussians(
        mus=[0.0, -3e5], Sigmas=[1.0, 1.0], domain=[(0.0, 1.0)], truncation="mixture"
    )
    alone = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(0.0, 1.0)])
    assert mog.entropy(500, rng=0).value == pytest.approx(alone.entropy(500, rng=0).value, rel=1e-9)

"""Mixtures truncated to a box: densities, masses, what is a domain, and what keeps it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import multivariate_normal, norm, truncnorm

from mogfit import DomainError, InputError, MixtureOfGaussians
from tests.fitting import TRUTH
from tests.strategies import LAYOUTS, make_mixture
from tests.truncation import bounds_of, integral, mass, terms

INF = np.inf
BOX = [(-1.0, 1.5), (0.0, 2.5)]

# Domains of two, of three and of four variables, with sides of every kind. Gauss-Legendre rules of
# `count` nodes in each variable are exact there to some 1e-12.
CASES = [
    pytest.param(2, BOX, 90, id="2, closed"),
    pytest.param(2, [None, (0.5, None)], 120, id="2, half a plane"),
    pytest.param(2, [(None, 0.3), (1.0, None)], 120, id="2, a quadrant"),
    pytest.param(3, [(-1, 1), (0, 2), (-2, 0.5)], 50, id="3, closed"),
    pytest.param(3, [None, (0, 1), None], 70, id="3, a slab"),
    pytest.param(3, [(0.2, None), None, (-1, 1)], 70, id="3, mixed"),
]


def given(nvars, ngauss=3, seed=0):
    """Keywords of a random mixture of moderate correlations."""
    weights, mus, Sigmas = make_mixture(nvars, ngauss, seed, log10_condition=0.8, spread=0.7)
    return {"weights": weights, "mus": mus, "Sigmas": Sigmas}


def points_inside(domain, count, rng, width=2.0):
    low, high = bounds_of(domain)
    near = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - width, -width))
    far = np.where(np.isfinite(high), high, near + width)
    return rng.uniform(near, far, (count, len(low)))


def same(a, b):
    return a.params.tobytes() == b.params.tobytes()


# Densities


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 2.0), (0.0, INF), (-INF, 0.5), (4.0, 5.0), (-30.0, -29.5), (12.0, INF), (0.3, 0.30001)],
)
def test_one_variable_agrees_with_scipys_truncnorm(low, high):
    # Bounds in standard deviations of N(3, 0.25).
    mog = MixtureOfGaussians(mus=[3.0], Sigmas=[0.25], domain=[(3 + low / 2, 3 + high / 2)])
    law = truncnorm(low, high, loc=3.0, scale=0.5)
    x = 3 + np.linspace(max(low, -40), min(high, max(low, 0) + 4), 41)[1:-1] / 2
    # Both subtract logarithms of up to 450 standard deviations squared: eps of these, some times.
    np.testing.assert_allclose(mog.logpdf(x), law.logpdf(x), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(mog.pdf(x), law.pdf(x), rtol=1e-10, atol=1e-300)
    assert mog.log_masses[0] == pytest.approx(
        log_ndtr(-low) if high == INF else np.log(mass_1d(low, high)), rel=1e-10
    )


def mass_1d(low, high):
    """P(low < z < high) on the side of 0 where nothing cancels."""
    if low > 0:
        low, high = -high, -low
    return norm.cdf(high) - norm.cdf(low)


@pytest.mark.parametrize(("nvars", "domain", "count"), CASES)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_densities_integrate_to_1_over_the_domain(nvars, domain, count, truncation):
    mog = MixtureOfGaussians(**given(nvars), domain=domain, truncation=truncation)
    assert integral(mog.pdf, mog.mus, mog.Sigmas, domain, count) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("nvars", "domain", "count"), CASES)
def test_every_component_is_normalised_on_its_own(nvars, domain, count):
    mog = MixtureOfGaussians(**given(nvars), domain=domain)
    shares = integral(lambda x: np.exp(mog.component_logpdf(x)), mog.mus, mog.Sigmas, domain, count)
    np.testing.assert_allclose(shares, 1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("nvars", "domain"),
    [
        *(case.values[:2] for case in CASES),
        (1, [(0.0, 1.0)]),
        (4, [(-1, 1), (0, 2), (-2, 0.5), (None, 0.7)]),
        (6, [None, (0, 1), None, (None, 1), (-1, 1), None]),
    ],
)
def test_masses_are_those_of_a_product_rule(nvars, domain):
    mog = MixtureOfGaussians(**given(nvars), domain=domain)
    expected = [mass(m, S, bounds_of(domain)) for m, S in zip(mog.mus, mog.Sigmas, strict=True)]
    np.testing.assert_allclose(np.exp(mog.log_masses), expected, rtol=1e-10)
    assert (mog.mass_errors < 1e-8).all()
    np.testing.assert_array_equal(MixtureOfGaussians(**given(nvars)).log_masses, np.zeros(3))


@pytest.mark.parametrize(("nvars", "domain", "count"), CASES)
def test_the_two_meanings_of_truncation_are_their_formulas(nvars, domain, count, rng):
    parts, bounds = given(nvars), bounds_of(domain)
    x = points_inside(domain, 50, rng)
    masses = np.array(
        [mass(m, S, bounds) for m, S in zip(parts["mus"], parts["Sigmas"], strict=True)]
    )
    normalised = np.exp(terms(parts["mus"], parts["Sigmas"], bounds, x))
    each = MixtureOfGaussians(**parts, domain=domain)
    np.testing.assert_allclose(each.pdf(x), normalised @ parts["weights"], rtol=1e-10)
    whole = MixtureOfGaussians(**parts, domain=domain, truncation="mixture")
    expected = (normalised * masses) @ parts["weights"] / (parts["weights"] @ masses)
    np.testing.assert_allclose(whole.pdf(x), expected, rtol=1e-10)
    # Truncating as a whole divides the mixture's own density by one number.
    ratio = MixtureOfGaussians(**parts).pdf(x) / whole.pdf(x)
    np.testing.assert_allclose(ratio, parts["weights"] @ masses, rtol=1e-10)
    np.testing.assert_array_equal(whole.weights, parts["weights"])
    assert (each.truncation, whole.truncation) == ("components", "mixture")


def test_one_component_means_the_same_by_both(rng):
    parts = given(2, 1)
    x = points_inside(BOX, 100, rng)
    a, b = (
        MixtureOfGaussians(**parts, domain=BOX, truncation=truncation)
        for truncation in ("components", "mixture")
    )
    np.testing.assert_allclose(a.logpdf(x), b.logpdf(x), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_unnormalised_weights_scale_truncated_densities_by_their_sum(truncation, rng):
    parts = given(2)
    x = points_inside(BOX, 100, rng)
    usual = MixtureOfGaussians(**parts, domain=BOX, truncation=truncation)
    parts["weights"] = 3 * parts["weights"]
    loose = MixtureOfGaussians(**parts, domain=BOX, truncation=truncation, normalize_weights=False)
    np.testing.assert_allclose(loose.pdf(x), 3 * usual.pdf(x), rtol=1e-13)
    np.testing.assert_array_equal(loose.weights, parts["weights"])


def test_a_bounded_variable_and_free_ones_are_marginal_times_conditional(rng):
    mean, low, high = np.array([0.3, -0.5, 1.0]), -0.2, 0.9
    A = rng.normal(size=(3, 3))
    Sigma = A @ A.T + np.eye(3)
    mog = MixtureOfGaussians(mus=[mean], Sigmas=[Sigma], domain=[None, (low, high), None])
    x = points_inside([None, (low, high), None], 60, rng)
    free = [0, 2]
    slope = Sigma[free, 1] / Sigma[1, 1]
    conditional = Sigma[np.ix_(free, free)] - np.outer(slope, Sigma[1, free])
    s = np.sqrt(Sigma[1, 1])
    bounded = truncnorm((low - mean[1]) / s, (high - mean[1]) / s, loc=mean[1], scale=s)
    rest = x[:, free] - mean[free] - np.outer(x[:, 1] - mean[1], slope)
    expected = bounded.logpdf(x[:, 1]) + multivariate_normal.logpdf(rest, np.zeros(2), conditional)
    np.testing.assert_allclose(mog.logpdf(x), expected, rtol=1e-12, atol=1e-13)


def test_half_a_line_is_twice_the_density():
    x = np.linspace(0, 6, 50)
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(0, None)])
    np.testing.assert_allclose(mog.pdf(x), 2 * norm.pdf(x), rtol=1e-14)


@pytest.mark.parametrize("domain", [None, [None, None], [(-INF, INF), None], [(None, INF)] * 2])
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_domain_without_sides_changes_no_bit(domain, truncation, rng):
    x = rng.normal(size=(300, 2))
    mog = MixtureOfGaussians(
        weights=TRUTH.weights,
        mus=TRUTH.mus,
        Sigmas=TRUTH.Sigmas,
        domain=domain,
        truncation=truncation,
    )
    assert mog.domain is None
    assert mog.logpdf(x).tobytes() == TRUTH.logpdf(x).tobytes()
    assert mog.responsibilities(x).tobytes() == TRUTH.responsibilities(x).tobytes()
    assert mog.rvs(1000, rng=1).tobytes() == TRUTH.rvs(1000, rng=1).tobytes()


def test_forty_standard_deviations_away_densities_are_finite_and_right():
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(40, None)])
    x = 40 + np.array([0.0, 1e-3, 0.1, 1.0])
    expected = norm.logpdf(x) - log_ndtr(-40.0)
    # 800 nats each: their rounding.
    np.testing.assert_allclose(mog.logpdf(x), expected, rtol=0, atol=5e-13)
    assert mog.log_masses[0] == pytest.approx(log_ndtr(-40.0), rel=1e-15)


@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.9])
def test_a_corner_forty_standard_deviations_away_is_normalised(rho):
    Sigma = np.array([[1.0, rho], [rho, 1.0]])
    domain = [(40.0, None), (40.0, None)]
    mog = MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[Sigma], domain=domain)
    # Beyond the corner the density falls as exp(-g . t) and faster, g = Sigma^-1 (40, 40).
    fall = 40.0 / (1 + rho)
    reach = 45.0 / fall
    shifted = [(40.0, 40.0 + reach)] * 2
    total = integral(mog.pdf, np.array([[40.0, 40.0]]), np.eye(2)[None], shifted, 150)
    # log p is a difference of numbers of 1e3, good to 1e-12.
    assert total == pytest.approx(1.0, abs=1e-9)


def test_a_component_without_mass_in_the_box_still_has_a_density_there():
    mog = MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[0.0, 1000.0], Sigmas=[1.0, 1.0], domain=[(-1.0, 1.0)]
    )
    assert np.isfinite(mog.log_masses).all()
    x = np.linspace(-1, 1, 21)
    assert np.isfinite(mog.logpdf(x)).all()
    # The second one piles up on the bound, exponentially: 999 exp(-999 (1 - x)).
    expected = norm.logpdf(x - 1000) - log_ndtr(-999.0)
    np.testing.assert_allclose(mog.component_logpdf(x)[:, 1], expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_bounds_belong_to_the_domain_and_beyond_there_is_nothing(truncation):
    mog = MixtureOfGaussians(**given(2), domain=BOX, truncation=truncation)
    corners = np.array([[a, b] for a in BOX[0] for b in BOX[1]])
    assert (mog.pdf(corners) > 0).all()
    assert np.isfinite(mog.logpdf(corners)).all()
    away = np.nextafter(corners, [[-9, -9], [-9, 9], [9, -9], [9, 9]])
    for j in range(2):
        outside = corners.copy()
        outside[:, j] = away[:, j]
        np.testing.assert_array_equal(mog.pdf(outside), 0.0)
        np.testing.assert_array_equal(mog.logpdf(outside), -INF)
        assert np.isnan(mog.responsibilities(outside)).all()
        np.testing.assert_array_equal(mog.component_logpdf(outside), np.full((4, 3), -INF))


def test_one_point_outside_gives_one_number():
    mog = MixtureOfGaussians(**given(2), domain=BOX)
    assert type(mog.pdf([5.0, 1.0])) is float
    assert (mog.pdf([5.0, 1.0]), mog.logpdf([5.0, 1.0])) == (0.0, -INF)
    assert mog.responsibilities([5.0, 1.0]).shape == mog.component_logpdf([5.0, 1.0]).shape == (3,)


def test_nan_is_nan_and_infinity_has_no_density():
    mog = MixtureOfGaussians(**given(2), domain=[(0, 1), None])
    x = np.array([[np.nan, 0.0], [0.5, np.nan], [0.5, INF], [0.5, 0.0], [INF, 0.0], [9.0, np.nan]])
    for values in (mog.pdf(x), mog.logpdf(x)):
        np.testing.assert_array_equal(np.isnan(values), [True, True, False, False, False, True])
    np.testing.assert_array_equal(mog.pdf(x)[[2, 4]], 0.0)
    shares = mog.responsibilities(x)
    np.testing.assert_array_equal(
        np.isnan(shares).all(axis=1), [True, True, True, False, True, True]
    )


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_responsibilities_are_shares_of_the_density(truncation, rng):
    parts = given(2)
    mog = MixtureOfGaussians(**parts, domain=BOX, truncation=truncation)
    x = points_inside(BOX, 200, rng)
    shares = mog.responsibilities(x)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)
    weights = parts["weights"]
    if truncation == "mixture":
        # What truncates the mixture as a whole tells nothing about where a point came from.
        free = MixtureOfGaussians(**parts).responsibilities(x)
        np.testing.assert_allclose(shares, free, rtol=1e-10)
        weights = weights * np.exp(mog.log_masses)
        weights = weights / weights.sum()
    expected = weights * np.exp(mog.component_logpdf(x)) / mog.pdf(x)[:, None]
    np.testing.assert_allclose(shares, expected, rtol=1e-12)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_layout_and_no_float32_changes_a_bit(layout, dtype, rng):
    mog = MixtureOfGaussians(**given(2), domain=BOX)
    x = rng.normal(size=(700, 2)).astype(dtype)
    x[:4] = np.array([[a, b] for a in BOX[0] for b in BOX[1]])
    wide = x.astype(np.float64)
    for evaluate in (mog.pdf, mog.logpdf, mog.component_logpdf, mog.responsibilities):
        assert evaluate(LAYOUTS[layout](x)).tobytes() == evaluate(wide).tobytes()


def test_a_float32_is_inside_where_its_exact_value_is():
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(None, 0.1)])
    assert np.float64(np.float32(0.1)) > 0.1
    assert mog.pdf(np.array([0.1, 0.09], dtype=np.float32))[0] == 0.0


def test_threads_change_no_bit(rng):
    mog = MixtureOfGaussians(**given(3), domain=[(-1, 1), None, (0, None)])
    x = rng.normal(size=(5000, 3))
    for threads in (2, 3):
        assert mog.logpdf(x, threads=threads).tobytes() == mog.logpdf(x, threads=1).tobytes()


# What is a domain


@pytest.mark.parametrize(
    "domain",
    [
        [[0, 1], None],
        ((0.0, 1.0), (None, None)),
        [(0, 1), (-INF, INF)],
        np.array([[0.0, 1.0], [-INF, INF]]),
        [np.array([0, 1]), (-INF, None)],
    ],
)
def test_a_domain_is_written_in_many_ways(domain):
    mog = MixtureOfGaussians(ngauss=1, nvars=2, domain=domain)
    assert mog.domain == [(0.0, 1.0), None]
    assert all(type(side) is float for side in mog.domain[0])


def test_open_sides_are_infinite():
    mog = MixtureOfGaussians(ngauss=1, nvars=3, domain=[(0, None), (None, 2), (-INF, 3)])
    assert mog.domain == [(0.0, INF), (-INF, 2.0), (-INF, 3.0)]


NO_DOMAINS = [
    pytest.param([None, (1, 0)], r"\(1, 0\) seen at index 1; allowed: None, or", id="reversed"),
    pytest.param([(1, 1), None], "seen at index 0", id="equal"),
    pytest.param([(INF, INF), None], "seen at index 0", id="infinite and equal"),
    pytest.param([None, (0, np.nan)], "seen at index 1", id="NaN above"),
    pytest.param([(np.nan, 1), None], "seen at index 0", id="NaN below"),
    pytest.param([None, (0, 1, 2)], "seen at index 1", id="three sides"),
    pytest.param([None, (0,)], "seen at index 1", id="one side"),
    pytest.param([None, 3], "3 seen at index 1", id="a number"),
    pytest.param([None, "ab"], "'ab' seen at index 1", id="letters"),
    pytest.param([None, "01"], "'01' seen at index 1", id="a text of digits"),
    pytest.param([None, ("0", "1")], "seen at index 1", id="digits as texts"),
    pytest.param([None, (0, 10**400)], "seen at index 1", id="beyond the doubles"),
    pytest.param([None, (0, 1j)], "seen at index 1", id="complex"),
    pytest.param([None], "1 entries seen for 2 variables", id="too short"),
    pytest.param([None, None, (0, 1)], "3 entries seen for 2 variables", id="too long"),
    pytest.param([], "0 entries seen for 2 variables", id="empty"),
    pytest.param("ab", "'ab' .str. seen", id="text"),
    pytest.param(3, "3 .int. seen", id="a lone number"),
    pytest.param(np.array(3.0), "3", id="an array of one number"),
]


@pytest.mark.parametrize(("domain", "message"), NO_DOMAINS)
def test_what_is_no_domain_is_named_with_its_place_and_changes_nothing(domain, message):
    with pytest.raises(DomainError, match=f"^domain: .*{message}"):
        MixtureOfGaussians(ngauss=1, nvars=2, domain=domain)
    mog = MixtureOfGaussians(**given(2), domain=BOX)
    before = mog.pdf([[0.0, 1.0], [3.0, 3.0]]).tobytes()
    with pytest.raises(DomainError):
        mog.set_domain(domain)
    assert mog.domain == BOX
    assert mog.pdf([[0.0, 1.0], [3.0, 3.0]]).tobytes() == before


def test_an_error_about_a_domain_is_a_value_error():
    with pytest.raises(ValueError, match="domain"):
        MixtureOfGaussians(ngauss=1, nvars=1, domain=[(1, 0)])


@pytest.mark.parametrize("truncation", ["component", "", None, 1, ["mixture"]])
def test_truncation_has_two_values(truncation):
    with pytest.raises(InputError, match=r"truncation: .*components.*mixture"):
        MixtureOfGaussians(ngauss=1, nvars=1, truncation=truncation)


# What keeps it


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_domain_is_set_changed_and_lifted(truncation, rng):
    x = rng.normal(size=(200, 2))
    parts = given(2)
    plain = MixtureOfGaussians(**parts, truncation=truncation)
    mog = plain.copy()
    for domain in (BOX, [(0, None), None], BOX):
        mog.set_domain(domain)
        built = MixtureOfGaussians(**parts, domain=domain, truncation=truncation)
        assert mog.domain == built.domain
        assert mog.logpdf(x).tobytes() == built.logpdf(x).tobytes()
        assert same(mog, plain)
    mog.set_domain(mog.domain)
    assert mog.domain == BOX
    mog.set_domain(None)
    assert mog.domain is None
    assert mog.logpdf(x).tobytes() == plain.logpdf(x).tobytes()
    assert same(mog, plain)


def test_the_callers_list_is_read_once():
    domain = [[0.0, 1.0], None]
    mog = MixtureOfGaussians(ngauss=1, nvars=2, domain=domain)
    domain[0][1] = 5.0
    assert mog.domain == [(0.0, 1.0), None]
    mog.domain[0] = None
    assert mog.domain == [(0.0, 1.0), None]


@pytest.mark.parametrize(
    "change",
    [
        lambda mog, new: mog.set_params(new.params, 2),
        lambda mog, new: mog.set_stdcorr(new.stdcorr, 2),
        lambda mog, new: mog.update_params(new.weights, new.mus, new.sigmas, new.rhos),
    ],
    ids=["set_params", "set_stdcorr", "update_params"],
)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_new_parameters_keep_the_domain(change, truncation, rng):
    x = points_inside(BOX, 100, rng)
    mog = MixtureOfGaussians(**given(2), domain=BOX, truncation=truncation)
    new = MixtureOfGaussians(**given(2, seed=5), domain=BOX, truncation=truncation)
    change(mog, new)
    assert (mog.domain, mog.truncation) == (BOX, truncation)
    np.testing.assert_allclose(mog.logpdf(x), new.logpdf(x), rtol=1e-12, atol=1e-12)
    assert mog.pdf([5.0, 5.0]) == 0.0


def test_new_covariances_keep_the_domain():
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(0, 1)])
    mog.set_sigmas([[[4.0]]])
    assert mog.domain == [(0.0, 1.0)]
    assert mog.pdf(0.5) == pytest.approx(truncnorm.pdf(0.5, 0, 0.5, scale=2), rel=1e-13)


def test_parameters_of_another_width_are_refused_while_there_is_a_domain():
    mog = MixtureOfGaussians(**given(2), domain=BOX)
    before = mog.logpdf([0.0, 1.0])
    with pytest.raises(InputError, match="2 variables, as the domain has"):
        mog.set_params([1.0, 0.0, 1.0], 1)
    assert mog.domain == BOX
    assert mog.logpdf([0.0, 1.0]) == before
    mog.set_domain(None)
    mog.set_params([1.0, 0.0, 1.0], 1)
    assert mog.nvars == 1


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        MixtureOfGaussians.copy,
        *(
            lambda mog, protocol=protocol: pickle.loads(pickle.dumps(mog, protocol))
            for protocol in (2, 4, pickle.HIGHEST_PROTOCOL)
        ),
    ],
)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
@pytest.mark.parametrize("normalize_weights", [True, False])
def test_copies_keep_the_domain_and_every_bit(duplicate, truncation, normalize_weights, rng):
    parts = given(2) | {"weights": [0.1, 0.2, 0.5]}
    mog = MixtureOfGaussians(
        **parts, domain=BOX, truncation=truncation, normalize_weights=normalize_weights
    )
    twin = duplicate(mog)
    assert (twin.domain, twin.truncation) == (mog.domain, mog.truncation)
    assert same(twin, mog)
    x = rng.normal(size=(100, 2))
    assert twin.logpdf(x).tobytes() == mog.logpdf(x).tobytes()
    twin.set_domain(None)
    assert mog.domain == BOX
    assert mog.pdf([5.0, 5.0]) == 0.0


def test_mixtures_pickled_before_there_were_domains_have_none():
    state = TRUTH.__getstate__()
    for key in ("domain", "truncation"):
        del state[key]
    old = MixtureOfGaussians.__new__(MixtureOfGaussians)
    old.__setstate__(state)
    assert (old.domain, old.truncation) == (None, "components")
    assert same(old, TRUTH)


def test_repr_tells_of_the_domain():
    mog = MixtureOfGaussians(**given(3), domain=[None, (0, 1), (2.5, None)])
    assert "truncated to x1 in [0, 1], x2 in [2.5, inf]\n" in repr(mog)
    mog.names = ("q", "e", "i")
    assert "truncated to e in [0, 1], i in [2.5, inf]\n" in repr(mog)
    whole = MixtureOfGaussians(**given(2), domain=BOX, truncation="mixture")
    assert "normalised as a whole" in repr(whole)
    assert "truncated" not in repr(TRUTH)


# Draws


@pytest.mark.parametrize(("nvars", "domain", "count"), CASES)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_draws_lie_inside_and_have_the_moments_of_the_density(nvars, domain, count, truncation):
    mog = MixtureOfGaussians(**given(nvars), domain=domain, truncation=truncation)
    low, high = bounds_of(domain)
    n = 40_000
    x = mog.rvs(n, rng=1)
    assert ((x >= low) & (x <= high)).all()
    rows, columns = np.triu_indices(nvars)

    def powers(points):
        # Of first, second, third and fourth order: means, and what their errors come from.
        products = points[:, rows] * points[:, columns]
        return mog.pdf(points)[:, None] * np.hstack([points, products, points**2, products**2])

    expected = integral(powers, mog.mus, mog.Sigmas, domain, count)
    means, squares = np.split(expected, 2)
    seen = np.hstack([x, x[:, rows] * x[:, columns]]).mean(axis=0)
    error = np.sqrt((squares - means**2) / n)
    # A fixed seed: 9 comparisons at 4.5 sigma fail once in 16,000.
    assert (np.abs(seen - means) < 4.5 * error).all()


def test_draws_far_in_a_tail_have_its_distribution():
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(40, None)])
    x = mog.rvs(20_000, rng=1)[:, 0]
    assert x.min() >= 40
    law = truncnorm(40, INF)
    assert x.mean() - 40 == pytest.approx(law.mean() - 40, abs=5 * law.std() / np.sqrt(20_000))


def test_draws_of_components_follow_their_weights_and_of_a_mixture_their_masses():
    # Two narrow components, one inside and one half outside, and one that is nearly all outside.
    weights, mus, masses = [0.2, 0.5, 0.3], [0.5, 1.0, -0.02], [1.0, 0.5, norm.sf(2.0)]
    for truncation, shares in (
        ("components", np.array(weights)),
        ("mixture", np.array(weights) * masses),
    ):
        mog = MixtureOfGaussians(
            weights=weights, mus=mus, Sigmas=[1e-4] * 3, domain=[(0, 1)], truncation=truncation
        )
        n = 50_000
        x = mog.rvs(n, rng=2)[:, 0]
        assert x.min() >= 0
        assert x.max() <= 1
        counts = [(abs(x - centre) < 0.2).sum() for centre in (0.5, 1.0, 0.0)]
        p = shares / shares.sum()
        assert (np.abs(np.array(counts) - n * p) < 5 * np.sqrt(n * p * (1 - p))).all()


@pytest.mark.parametrize(("nvars", "domain", "count"), CASES)
def test_draws_do_not_depend_on_threads_and_the_first_are_the_first(nvars, domain, count):
    mog = MixtureOfGaussians(**given(nvars), domain=domain)
    x = mog.rvs(20_000, rng=3, threads=1)
    for threads in (2, 3):
        assert mog.rvs(20_000, rng=3, threads=threads).tobytes() == x.tobytes()
    for m in (0, 1, 511, 512, 513, 12_345):
        assert mog.rvs(m, rng=3).tobytes() == x[:m].tobytes()
    assert mog.copy().rvs(100, rng=3).tobytes() == x[:100].tobytes()
    assert (mog.rvs(100, rng=4) != x[:100]).all()


# More variables than quadrature takes


def test_a_box_of_six_variables_that_depend_a_little_on_each_other(rng):
    # Equal correlations of 0.1: given one common factor the variables are independent, so that Z is
    # one integral (Dunnett & Sobel 1955).
    rho, low, high = 0.1, -1.0, 1.5
    Sigma = rho + (1 - rho) * np.eye(6)
    mog = MixtureOfGaussians(mus=[np.full(6, 0.2)], Sigmas=[Sigma], domain=[(low, high)] * 6)
    factor = np.linspace(-10, 10, 4001)
    centre, deviation = 0.2 + np.sqrt(rho) * factor, np.sqrt(1 - rho)
    given_factor = norm.cdf((high - centre) / deviation) - norm.cdf((low - centre) / deviation)
    expected = np.sum(norm.pdf(factor) * given_factor**6) * (factor[1] - factor[0])
    seen = np.exp(mog.log_masses[0])
    assert 0 < mog.mass_errors[0] < 1e-3
    assert seen == pytest.approx(expected, rel=5 * mog.mass_errors[0])
    x = rng.uniform(low, high, (20, 6))
    plain = multivariate_normal.logpdf(x, np.full(6, 0.2), Sigma)
    np.testing.assert_allclose(mog.logpdf(x), plain - mog.log_masses[0], rtol=1e-13)
    assert mog.copy().log_masses.tobytes() == mog.log_masses.tobytes()
    points = mog.rvs(2000, rng=1)
    assert ((points >= low) & (points <= high)).all()

"""Fits inside a domain: optima with known answers, the truth found again, rows outside."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2, truncnorm

import mogfit
from mogfit import DataWarning, DegeneracyWarning, DomainError, FitMoG, InputError
from mogfit import MixtureOfGaussians as Mixture
from tests.fitting import POINTS, parameters, state
from tests.strategies import make_mixture
from tests.truncation import draw_inside, loglik

# -0.5 to 2 holds about half of the second and of the third component of `POINTS`.
DOMAIN = [(-0.5, 2.0), (0.0, None)]
INSIDE = POINTS[(POINTS[:, 0] >= -0.5) & (POINTS[:, 0] <= 2.0) & (POINTS[:, 1] >= 0.0)]
INSIDE.flags.writeable = False

TIGHT = 1e-10

# MultiMin's tutorial in one variable, its example of a slab, and a box that cuts all around.
TRUTHS = {
    "tutorial, 1-D": Mixture(
        weights=[0.5, 0.5], mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[(0, 1)]
    ),
    "slab, 3-D": Mixture(
        weights=[0.5, 0.5],
        mus=[[0, 0.3, 0], [0, 0.7, 0]],
        Sigmas=[np.diag([0.36, 0.0225, 0.36])] * 2,
        domain=[None, (0, 1), None],
    ),
    "box, 3-D": Mixture(
        weights=[0.6, 0.4],
        mus=[[0.0, 0.1, 1.5], [2.0, 1.8, 0.2]],
        Sigmas=[
            [[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.6]],
            [[0.3, -0.1, 0.1], [-0.1, 0.3, 0.0], [0.1, 0.0, 0.4]],
        ],
        domain=[(-0.5, 2.5), (0, 2), (0, 2)],
    ),
}


def fit(data=INSIDE, ngauss=2, domain=DOMAIN, start=None, **options):
    """A finished fit; keywords of `FitMoG` and of `fit_data` alike."""
    made = {key: options.pop(key) for key in ("outside", "truncation") if key in options}
    F = FitMoG(data, ngauss, domain=domain, **made)
    if start is not None:
        F.set_initial_params(from_mog=start)
    F.fit_data(**({"random_state": 1} | options))
    return F


def drawn(mog, count, seed):
    return draw_inside(mog.weights, mog.mus, mog.Sigmas, mog.domain, count, seed)


def below_the_fit(F, truth):
    """Nats by which the truth is less likely than the fit: half a chi-squared variable."""
    return -F.report.neg_loglik - np.atleast_1d(truth.logpdf(F.data)).sum()


def far_start(points):
    """Two wide components at the corners of the points."""
    low, high = np.quantile(points, [0.1, 0.9], axis=0)
    covariance = 4 * np.cov(points.T).reshape(2 * points.shape[1:])
    return Mixture(mus=[low, high], Sigmas=[covariance] * 2)


# Known answers


@pytest.mark.parametrize(
    ("mean", "sigma", "low", "high"),
    [(0.0, 1.0, -1.0, 2.0), (0.3, 0.5, 0.0, np.inf), (-1.0, 1.0, 0.0, 5.0), (5.0, 3.0, -np.inf, 6)],
)
@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
def test_one_component_is_the_optimum_of_truncnorms_likelihood(mean, sigma, low, high, method):
    law = truncnorm((low - mean) / sigma, (high - mean) / sigma, loc=mean, scale=sigma)
    points = law.rvs(4000, random_state=5)

    def value(p):
        s = np.exp(p[1])
        return -truncnorm.logpdf(points, (low - p[0]) / s, (high - p[0]) / s, p[0], s).mean()

    best = minimize(
        value, [mean, np.log(sigma)], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}
    )
    F = fit(points, 1, [(low, high)], method=method, **({"tol": TIGHT} if method != "EM" else {}))
    assert F.report.converged
    # Half the square of the gradient, which is 1e-6 where EM ends, over curvatures of some 1e-3
    # where the mean lies outside; and the gradient itself over them.
    error, atol = (1e-11, 1e-6) if method == "L-BFGS" else (5e-10, 1e-3)
    assert F.report.neg_loglik_per_point == pytest.approx(best.fun, abs=error)
    np.testing.assert_allclose(F.mog.mus[0, 0], best.x[0], atol=atol)
    np.testing.assert_allclose(F.mog.sigmas[0, 0], np.exp(best.x[1]), atol=atol)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_the_truth_is_found_again(name, truncation):
    truth = TRUTHS[name]
    F = fit(drawn(truth, 8000, 1), 2, truth.domain, truncation=truncation, random_state=0)
    assert F.report.converged
    gain = 2 * below_the_fit(F, truth)
    # Wilks: twice the gain is chi-squared; above 0, and below what happens once in 10,000.
    assert 0 < gain < chi2.isf(1e-4, F.report.n_parameters)
    if truncation == "components":
        order = np.argsort(F.mog.mus[:, 0 if name != "slab, 3-D" else 1])
        np.testing.assert_allclose(F.mog.weights[order], truth.weights, atol=0.08)
        np.testing.assert_allclose(F.mog.mus[order], truth.mus, atol=0.12)
        np.testing.assert_allclose(F.mog.sigmas[order], truth.sigmas, atol=0.1)


@pytest.mark.parametrize("seed", [*range(16, 24), *range(39, 49), 55, 59, 61, 62, 66, 67, 68])
def test_random_mixtures_cut_at_random_are_found_again(seed):
    rng = np.random.default_rng(seed)
    nvars, ngauss = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    sides = [None, (-1, 1), (0, None), (None, 0.5), (-0.5, 2)]
    domain = [sides[i] for i in rng.integers(0, 5, nvars)]
    weights, mus, Sigmas = make_mixture(nvars, ngauss, seed, spread=0.8)
    truth = Mixture(weights=weights, mus=mus, Sigmas=Sigmas, domain=domain)
    F = fit(draw_inside(weights, mus, Sigmas, domain, 3000, seed), ngauss, domain, random_state=0)
    assert F.report.converged
    assert 0 < 2 * below_the_fit(F, truth) < chi2.isf(1e-4, F.report.n_parameters)


def test_the_report_is_about_the_truncated_likelihood():
    F = fit()
    mog = F.mog
    bounds = np.array([[-0.5, 0.0], [2.0, np.inf]])
    expected = -loglik(np.log(mog.weights), mog.mus, mog.Sigmas, bounds, INSIDE)
    assert F.report.neg_loglik == pytest.approx(expected, rel=1e-11)
    assert F.log_l() == pytest.approx(expected, rel=1e-11)
    assert F.norm_log_l() == pytest.approx(expected / len(INSIDE), rel=1e-11)
    assert F.solution.fun == F.report.neg_loglik
    assert mog.domain == [(-0.5, 2.0), (0.0, np.inf)]


def test_both_meanings_of_truncation_are_one_density():
    a, b = fit(), fit(truncation="mixture")
    assert a.report.neg_loglik_per_point == b.report.neg_loglik_per_point
    np.testing.assert_allclose(b.mog.logpdf(INSIDE), a.mog.logpdf(INSIDE), rtol=1e-11, atol=1e-11)
    inside = b.mog.weights * np.exp(b.mog.log_masses)
    order = np.argsort(-inside)
    np.testing.assert_allclose((inside / inside.sum())[order], a.mog.weights, rtol=1e-10)
    assert (a.mog.truncation, b.mog.truncation) == ("components", "mixture")


@pytest.mark.parametrize("method", ["EM", "BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP"])
def test_every_method_ends_at_the_same_optimum(method):
    points = drawn(TRUTHS["tutorial, 1-D"], 2000, 3)
    start = TRUTHS["tutorial, 1-D"]
    best = fit(points, domain=[(0, 1)], start=start)
    F = fit(points, domain=[(0, 1)], start=start, method=method)
    assert F.report.neg_loglik_per_point == pytest.approx(
        best.report.neg_loglik_per_point, abs=1e-9
    )
    assert F.mog.domain == [(0.0, 1.0)]


def test_the_optimum_is_a_fixed_point_of_em():
    best = fit(tol=TIGHT)
    steps = []
    again = fit(start=best.mog, method="EM", options={"maxiter": 5}, callback=steps.append)
    assert again.report.converged
    for step in steps:
        np.testing.assert_allclose(step.mus, best.mog.mus, atol=1e-7)
        np.testing.assert_allclose(step.Sigmas, best.mog.Sigmas, atol=1e-7)
    ends = fit(method="EM", start=best.mog.copy())
    np.testing.assert_allclose(parameters(ends.mog), parameters(best.mog), atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*held up by the penalty:mogfit.DegeneracyWarning")
@pytest.mark.parametrize("penalty", [0, 1e-9, 1e-2])
@pytest.mark.parametrize("name", [*TRUTHS, "half outside"])
def test_no_step_of_em_lowers_the_penalised_likelihood(name, penalty):
    truth = TRUTHS.get(name)
    points = INSIDE if truth is None else drawn(truth, 1500, 4)
    values = []
    fit(
        points,
        2,
        DOMAIN if truth is None else truth.domain,
        start=far_start(points),
        method="EM",
        penalty=penalty,
        tol=1e-8,
        callback=lambda state: values.append(state.neg_loglik_per_point),
    )
    assert len(values) > 10
    # Rounding of a mean of terms of size 3.
    assert (np.diff(values) <= 1e-14).all()


@pytest.mark.parametrize("ngauss", [1, 5])
def test_asteroids_are_described_better_than_by_a_fit_that_is_cut(ngauss):
    points = mogfit.datasets.load_asteroids("q,e,i").data
    box = [(0, 1.3), (0, 1), (0, 180)]
    F = fit(points, ngauss, box)
    assert F.report.converged
    assert F.report.gradient_norm <= 1e-6
    free = fit(points, ngauss, None).mog
    cut = Mixture(
        weights=free.weights, mus=free.mus, Sigmas=free.Sigmas, domain=box, truncation="mixture"
    )
    assert F.report.neg_loglik_per_point <= -cut.logpdf(points).mean()


# Tails


def test_exponential_data_end_with_a_word_on_what_is_identified():
    points = np.random.default_rng(1).exponential(2.0, 5000)
    with pytest.warns(DegeneracyWarning, match=r"standard deviations outside.* tail") as told:
        F = fit(points, 1, [(0, None)])
    assert len(told) == 1
    assert "component 0" in str(told[0].message)
    assert "variable 0" in str(told[0].message)
    # A truncated Gaussian with its mean far below is exponential in the limit.
    exponential = 1 + np.log(points.mean())
    assert F.report.neg_loglik_per_point == pytest.approx(exponential, abs=2e-3)
    assert np.isfinite(F.mog.params).all()
    assert np.isfinite(F.mog.logpdf(points)).all()


def test_the_name_of_the_column_is_in_the_warning():
    table = pd.DataFrame({"z": np.random.default_rng(1).exponential(2.0, 3000)})
    with pytest.warns(DegeneracyWarning, match="outside the domain in 'z'"):
        fit(table, 1, [(0, None)])


def test_exponential_data_beside_a_gaussian_column(rng):
    points = np.column_stack([rng.normal(size=4000), rng.exponential(3.0, 4000)])
    with pytest.warns(DegeneracyWarning, match="standard deviations outside the domain"):
        F = fit(points, 1, [None, (0, None)])
    sigma = points[:, 0].std()
    expected = 1 + np.log(points[:, 1].mean()) + 0.5 + np.log(sigma * np.sqrt(2 * np.pi))
    assert F.report.neg_loglik_per_point == pytest.approx(expected, abs=3e-3)


def test_uniform_data_in_a_box_end(rng):
    F = fit(rng.uniform(size=(3000, 2)), 1, [(0, 1), (0, 1)])
    assert F.report.neg_loglik_per_point == pytest.approx(0.0, abs=2e-3)
    assert F.report.neg_loglik_per_point <= 0.0


# Rows outside


def with_rows_outside():
    data = np.insert(INSIDE[:400], [7, 100, 399], [[3.0, 1.0], [0.0, -1.0], [-9.0, -9.0]], axis=0)
    return data, np.setdiff1d(np.arange(403), [7, 101, 401])


def test_rows_outside_are_refused_with_their_number_and_the_first_one():
    data, _ = with_rows_outside()
    words = re.escape("3 of 403 rows are outside the domain, first at row 7, column 0: 3; ")
    with pytest.raises(DomainError, match=rf"^data: {words}.*\[-0\.5, 2\].*outside='drop'"):
        FitMoG(data, 2, domain=DOMAIN)
    table = pd.DataFrame(data[8:], columns=["a", "b"])
    with pytest.raises(DomainError, match=r"2 of 395 rows .* row 93, column 1 \('b'\): -1"):
        FitMoG(table, 2, domain=DOMAIN)
    with pytest.raises(DomainError, match=r"^data: 1 of 100 rows is outside"):
        FitMoG(data[:100], 2, domain=DOMAIN)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int, object])
def test_rows_outside_are_found_in_every_type(dtype):
    data = np.arange(40).reshape(20, 2).astype(dtype)
    with pytest.raises(DomainError, match=r"5 of 20 rows are outside .* row 15, column 0: 30"):
        FitMoG(data, 1, domain=[(0, 28), None])


def test_rows_on_a_bound_are_inside():
    data = np.concatenate([INSIDE[:300], [[-0.5, 1.0], [2.0, 0.0]]])
    assert fit(data).report.n_points == 302


def test_data_given_to_a_fit_are_checked_too_and_a_failure_leaves_it_as_it_was():
    data, _ = with_rows_outside()
    F = fit(INSIDE[:500])
    before, drawn_before = state(F), F.mog.domain
    with pytest.raises(DomainError, match=r"^data: 3 of 403 rows"):
        F.fit_data(data)
    assert state(F) == before
    assert F.mog.domain == drawn_before
    with pytest.raises(InputError, match="NaN"):
        F.fit_data(np.vstack([INSIDE[:9], [[np.nan, 1.0]]]))
    with pytest.raises(InputError, match="sample_weight"):
        F.fit_data(INSIDE, sample_weight=np.ones(3))
    with pytest.raises(InputError, match="method"):
        F.fit_data(method="none")
    assert state(F) == before


def test_a_fit_that_is_interrupted_leaves_it_as_it_was():
    F = fit(INSIDE[:500])
    before = state(F)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        F.fit_data(INSIDE, n_starts=1, random_state=3, callback=interrupt)
    assert state(F) == before


def test_rows_outside_are_dropped_on_request_and_told():
    data, kept = with_rows_outside()
    with pytest.warns(DataWarning, match=r"^3 of 403 rows lie outside the domain and were dropped"):
        F = FitMoG(data, 2, domain=DOMAIN, outside="drop")
    np.testing.assert_array_equal(F.data, data[kept])
    F.fit_data(random_state=1)
    assert F.report.n_points == 400
    assert F.mog.params.tobytes() == fit(data[kept]).mog.params.tobytes()


@pytest.mark.filterwarnings("error")
def test_nothing_is_told_where_nothing_is_dropped():
    fit(outside="drop")


def test_weights_follow_the_rows_that_stay():
    data, kept = with_rows_outside()
    weight = np.random.default_rng(0).exponential(size=403)
    F = FitMoG(INSIDE[:10], 1, domain=DOMAIN, outside="drop")
    with pytest.warns(DataWarning, match="3 of 403 rows"):
        F.fit_data(data, sample_weight=weight, random_state=1)
    plain = fit(data[kept], 1, sample_weight=weight[kept])
    assert F.mog.params.tobytes() == plain.mog.params.tobytes()
    assert F.report.total_weight == pytest.approx(weight[kept].sum(), rel=1e-13)
    assert F.data.shape == (400, 2)


def test_dropping_leaves_the_users_data_alone():
    data, _ = with_rows_outside()
    before = data.copy()
    with pytest.warns(DataWarning):
        fit(data, outside="drop")
    np.testing.assert_array_equal(data, before)


@pytest.mark.filterwarnings("ignore:3 of 3 rows:mogfit.DataWarning")
def test_a_domain_that_holds_no_row_is_refused():
    with pytest.raises(DomainError, match="3 of 3 rows are outside"):
        FitMoG(POINTS[:3], 1, domain=[(50, 60), None])
    with pytest.raises((DomainError, InputError), match=r"\b0 rows|no row|3 of 3 rows"):
        FitMoG(POINTS[:3], 1, domain=[(50, 60), None], outside="drop")


@pytest.mark.parametrize("outside", ["ignore", None, 0, True])
def test_what_is_done_outside_is_one_of_two(outside):
    with pytest.raises(InputError, match=r"outside: .*error.*drop"):
        FitMoG(INSIDE, 2, domain=DOMAIN, outside=outside)


def test_without_a_domain_nothing_is_outside():
    assert len(FitMoG(POINTS, 2, outside="drop").data) == len(POINTS)
    F = fit(POINTS, 3, [(-np.inf, np.inf), None])
    assert F.mog.domain is None
    assert F.mog.params.tobytes() == fit(POINTS, 3, None).mog.params.tobytes()


# What keeps the domain


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_start_from_any_mixture_keeps_the_domain_of_the_fit(truncation):
    for domain in (None, [(-9, 9), (-9, 9)], DOMAIN):
        given = Mixture(
            weights=[0.3, 0.7],
            mus=[[0.0, 1.0], [1.0, 2.0]],
            Sigmas=[np.eye(2)] * 2,
            domain=domain,
        )
        F = FitMoG(INSIDE, 2, domain=DOMAIN, truncation=truncation)
        F.set_initial_params(from_mog=given)
        assert F.mog.domain == [(-0.5, 2.0), (0.0, np.inf)]
        assert F.mog.truncation == truncation
        np.testing.assert_array_equal(F.mog.mus, given.mus)
        assert given.domain == (domain and Mixture(ngauss=1, nvars=2, domain=domain).domain)
        F.set_initial_params(mus=[0.5, 0.5])
        assert F.mog.domain == [(-0.5, 2.0), (0.0, np.inf)]
        F.set_params()
        assert F.mog.domain == [(-0.5, 2.0), (0.0, np.inf)]


def test_the_domain_of_a_fit_is_read_once():
    domain = [[-0.5, 2.0], [0.0, None]]
    F = FitMoG(INSIDE, 2, domain=domain)
    domain[0][1] = 50.0
    F.set_params()
    assert F.mog.domain == [(-0.5, 2.0), (0.0, np.inf)]


@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_a_further_fit_continues_from_the_last_optimum(truncation):
    F = fit(truncation=truncation)
    first = F.report
    F.fit_data()
    assert F.report.starts == ()
    assert F.report.passes < 10 < first.passes
    assert F.report.neg_loglik_per_point == pytest.approx(first.neg_loglik_per_point, abs=1e-11)
    F.fit_data(INSIDE[::2])
    assert F.report.converged
    assert F.mog.domain == [(-0.5, 2.0), (0.0, np.inf)]
    assert F.mog.truncation == truncation


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda F: pickle.loads(pickle.dumps(F))]
)
@pytest.mark.parametrize("truncation", ["components", "mixture"])
def test_copies_of_a_fit_keep_the_domain_and_go_on(duplicate, truncation):
    F = fit(truncation=truncation)
    G = duplicate(F)
    assert (G.mog.domain, G.mog.truncation) == (F.mog.domain, truncation)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    for H in (F, G):
        H.fit_data(INSIDE[:700])
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    with pytest.raises(DomainError):
        G.fit_data(POINTS)


# Bounds of the parameters


def test_bounds_of_parameters_hold_inside_a_domain():
    F = FitMoG(INSIDE, 2, domain=DOMAIN)
    F.set_bounds(boundw=(0.4, 0.6), bounds=(0.3, 0.8), boundsm=[(-0.5, 2.0), (0.0, 5.0)])
    F.fit_data(random_state=1)
    mog = F.mog
    assert F.report.converged
    assert F.report.method == "L-BFGS-B with bounds"
    assert mog.domain == [(-0.5, 2.0), (0.0, np.inf)]
    slack = 1e-13
    for values, low, high in ((mog.weights, 0.4, 0.6), (mog.sigmas, 0.3, 0.8)):
        assert (values >= low - slack).all()
        assert (values <= high + slack).all()
    assert (mog.mus >= np.array([-0.5, 0.0]) - slack).all()
    assert (mog.mus[:, 0] <= 2.0 + slack).all()
    assert F.report.neg_loglik_per_point > fit().report.neg_loglik_per_point
    expected = -np.mean(mog.logpdf(INSIDE))
    assert F.report.neg_loglik_per_point == pytest.approx(expected, rel=1e-12)


def test_bounds_that_do_not_bind_change_nothing():
    free = fit(tol=TIGHT)
    F = FitMoG(INSIDE, 2, domain=DOMAIN)
    F.set_initial_params(from_mog=free.mog)
    F.set_bounds(bounds=(1e-3, 1e3))
    F.fit_data()
    assert F.report.converged
    assert F.report.neg_loglik_per_point == pytest.approx(
        free.report.neg_loglik_per_point, abs=1e-9
    )

"""Fits inside domains: what must not matter, and data at, on and far from the bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogfit import (
    ConvergenceWarning,
    DegeneracyWarning,
    DomainError,
    FitMoG,
    MixtureOfGaussians,
    MoGWarning,
)
from tests.fitting import parameters
from tests.strategies import LAYOUTS
from tests.truncation import draw_inside

# Two components, both cut, that overlap a little; drawn by rejection with NumPy.
DOMAIN = [(-1.0, 2.0), (0.0, None)]
TRUTH = MixtureOfGaussians(
    weights=[0.6, 0.4],
    mus=[[0.0, 0.5], [1.5, 2.0]],
    Sigmas=[[[0.5, 0.2], [0.2, 0.6]], [[0.4, -0.1], [-0.1, 0.5]]],
    domain=DOMAIN,
)
POINTS = draw_inside(TRUTH.weights, TRUTH.mus, TRUTH.Sigmas, DOMAIN, 3000, seed=1)
POINTS.flags.writeable = False

TIGHT = 1e-11


def fit(data=POINTS, ngauss=2, domain=DOMAIN, start=None, **options):
    F = FitMoG(data, ngauss, domain=domain)
    if start is not None:
        F.set_initial_params(from_mog=start)
    F.fit_data(**({"random_state": 1} | options))
    return F


def scaled(domain, scales, shift=(0.0, 0.0)):
    return [
        pair and tuple(side if side is None else side * s + b for side in pair)
        for pair, s, b in zip(domain, scales, shift, strict=True)
    ]


def standardised(mog, scales, shift):
    """Parameters of a mixture in the units of `POINTS`."""
    order = np.argsort(-mog.weights)
    mus, sigmas = (mog.mus[order] - shift) / scales, mog.sigmas[order] / scales
    parts = (mog.weights[order], mus, sigmas, mog.rhos[order])
    return np.concatenate([part.ravel() for part in parts])


# What must not matter


@settings(max_examples=12)
@given(st.lists(st.integers(-6, 6), min_size=2, max_size=2), st.integers(0, 2))
def test_scaled_columns_with_their_domain_change_nothing_but_units(exponents, seed):
    scales = 10.0 ** np.array(exponents)
    plain = fit(random_state=seed, tol=TIGHT)
    other = fit(POINTS * scales, domain=scaled(DOMAIN, scales), random_state=seed, tol=TIGHT)
    assert other.report.converged
    np.testing.assert_allclose(
        standardised(other.mog, scales, 0.0), parameters(plain.mog), rtol=1e-7, atol=1e-7
    )
    expected = plain.report.neg_loglik_per_point + np.log(scales).sum()
    assert other.report.neg_loglik_per_point == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_scaling_by_powers_of_two_changes_no_bit_of_masses():
    scales = np.array([2.0**-20, 2.0**13])
    other = MixtureOfGaussians(
        weights=TRUTH.weights,
        mus=TRUTH.mus * scales,
        Sigmas=TRUTH.Sigmas * np.outer(scales, scales),
        domain=scaled(DOMAIN, scales),
    )
    np.testing.assert_array_equal(other.log_masses, TRUTH.log_masses)
    # Determinants in other units: the rounding of logarithms of size 10.
    np.testing.assert_allclose(
        other.responsibilities(POINTS * scales), TRUTH.responsibilities(POINTS), rtol=1e-13
    )


def test_shifted_columns_with_their_domain_change_nothing_but_units():
    shift = np.array([300.0, -100.0])
    plain = fit(tol=TIGHT)
    other = fit(POINTS + shift, domain=scaled(DOMAIN, [1, 1], shift), tol=TIGHT)
    # Doubles of some 100 keep 1e-14 of the points, and curvatures of 1e-2 the rest.
    np.testing.assert_allclose(
        standardised(other.mog, 1.0, shift), parameters(plain.mog), rtol=1e-7, atol=1e-7
    )


def test_mirrored_columns_with_their_domain_are_mirrored():
    plain = fit(start=TRUTH, tol=TIGHT)
    mirror = np.array([-1.0, 1.0])
    start = MixtureOfGaussians(
        weights=TRUTH.weights,
        mus=TRUTH.mus * mirror,
        Sigmas=TRUTH.Sigmas * np.outer(mirror, mirror),
    )
    other = fit(POINTS * mirror, domain=[(-2.0, 1.0), (0.0, None)], start=start, tol=TIGHT)
    np.testing.assert_allclose(other.mog.mus * mirror, plain.mog.mus, atol=1e-8)
    np.testing.assert_allclose(
        other.mog.Sigmas * np.outer(mirror, mirror), plain.mog.Sigmas, atol=1e-8
    )


def test_swapped_columns_with_their_domain_are_swapped():
    plain = fit(start=TRUTH, tol=TIGHT)
    start = MixtureOfGaussians(
        weights=TRUTH.weights, mus=TRUTH.mus[:, ::-1], Sigmas=TRUTH.Sigmas[:, ::-1, ::-1]
    )
    other = fit(POINTS[:, ::-1], domain=DOMAIN[::-1], start=start, tol=TIGHT)
    np.testing.assert_allclose(other.mog.mus[:, ::-1], plain.mog.mus, atol=1e-8)
    np.testing.assert_allclose(other.mog.Sigmas[:, ::-1, ::-1], plain.mog.Sigmas, atol=1e-8)


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS", "bounded"])
def test_weights_are_repetitions(method, rng):
    weight = rng.integers(0, 4, len(POINTS))
    results = []
    for data, sample_weight in ((POINTS, weight), (np.repeat(POINTS, weight, axis=0), None)):
        F = FitMoG(data, 2, domain=DOMAIN)
        F.set_initial_params(from_mog=TRUTH)
        if method == "bounded":
            F.set_bounds(boundw=(0.45, 0.55))
        F.fit_data(method=None if method == "bounded" else method, sample_weight=sample_weight)
        results.append(F)
    a, b = results
    np.testing.assert_allclose(a.mog.params, b.mog.params, rtol=0, atol=1e-9)
    assert a.report.neg_loglik == pytest.approx(b.report.neg_loglik, rel=1e-13)
    assert a.report.total_weight == b.report.total_weight == weight.sum()


def test_rows_of_weight_0_are_absent_to_the_last_bit(rng):
    weight = rng.integers(0, 3, len(POINTS)).astype(float)
    a = fit(sample_weight=weight)
    b = fit(POINTS[weight > 0], sample_weight=weight[weight > 0])
    assert a.mog.params.tobytes() == b.mog.params.tobytes()


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_layout_changes_a_bit(layout, dtype):
    narrow = POINTS.astype(dtype)
    expected = fit(narrow.astype(np.float64), start=TRUTH).mog.params.tobytes()
    assert fit(LAYOUTS[layout](narrow), start=TRUTH).mog.params.tobytes() == expected


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_a_fit(threads):
    data = np.tile(POINTS, (20, 1))
    a, b = fit(data, threads=1), fit(data, threads=threads)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.neg_loglik == b.report.neg_loglik


def test_a_domain_far_around_the_data_changes_next_to_nothing():
    free = fit(domain=None, tol=TIGHT)
    wide = fit(domain=[(-50, 50), (-50, 50)], start=free.mog, tol=TIGHT)
    np.testing.assert_allclose(wide.mog.params, free.mog.params, atol=1e-8)
    assert wide.report.neg_loglik == pytest.approx(free.report.neg_loglik, rel=1e-13)


# At the bounds


@pytest.mark.filterwarnings("ignore::mogfit.MoGWarning")
def test_a_tenth_of_the_points_on_a_bound_ends(rng):
    points = np.clip(rng.normal(1.3, 1.0, (2000, 1)), 0.0, None)
    F = fit(points, 1, [(0, None)])
    assert np.isfinite(F.report.neg_loglik)
    assert np.isfinite(F.mog.logpdf(points)).all()


def test_a_box_that_is_the_range_of_the_data():
    box = list(zip(POINTS.min(axis=0), POINTS.max(axis=0), strict=True))
    F = fit(domain=box)
    assert F.report.converged
    assert np.isfinite(F.mog.logpdf(POINTS)).all()
    assert F.mog.domain == [tuple(map(float, pair)) for pair in box]


@pytest.mark.parametrize("method", ["L-BFGS", "EM", "BFGS"])
def test_a_start_far_outside_comes_back(method):
    start = MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[[-6.0, -5.0], [7.0, 9.0]], Sigmas=[np.eye(2)] * 2
    )
    F = fit(start=start, method=method)
    assert F.report.converged
    best = fit(tol=TIGHT).report.neg_loglik_per_point
    # There is a worse optimum next to the best one; none is better.
    assert best - 1e-9 <= F.report.neg_loglik_per_point < best + 0.05


def test_a_start_a_hundred_sigma_outside_ends_without_a_number_that_is_none():
    start = MixtureOfGaussians(
        weights=[0.5, 0.5], mus=[[0.0, 0.5], [150.0, 90.0]], Sigmas=[np.eye(2)] * 2
    )
    with pytest.warns(MoGWarning):
        F = fit(start=start)
    assert np.isfinite(F.report.neg_loglik)
    assert np.isfinite(F.mog.params).all()


@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
@pytest.mark.parametrize("penalty", [0.0, 1e-9])
def test_a_component_that_collapses_on_a_bound_is_told(penalty, method, rng):
    points = np.concatenate([rng.uniform(0, 1, 500), np.zeros(50)])[:, None]
    start = MixtureOfGaussians(weights=[0.9, 0.1], mus=[0.5, 0.0], Sigmas=[0.1, 1e-4])
    options = {"maxiter": 2000}
    # The likelihood has no maximum: an ever steeper exponential holds the points at 0.
    with pytest.warns(MoGWarning) as told:
        F = fit(points, 2, [(0, 1)], start, penalty=penalty, method=method, options=options)
    assert any(issubclass(w.category, (ConvergenceWarning, DegeneracyWarning)) for w in told)
    assert np.isfinite(F.report.neg_loglik)
    assert np.isfinite(F.mog.logpdf(points)).all()
    assert not F.report.converged


@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
@pytest.mark.parametrize("ngauss", [3, 6])
@pytest.mark.filterwarnings("ignore::mogfit.MoGWarning")
def test_more_components_than_there_are_end(method, ngauss):
    F = fit(ngauss=ngauss, method=method)
    assert np.isfinite(F.report.neg_loglik)
    assert F.report.neg_loglik <= fit().report.neg_loglik + 1e-6 * len(POINTS)
    assert np.isfinite(F.mog.logpdf(POINTS)).all()


def test_more_dependent_bounds_than_the_limit_are_refused_with_it():
    correlated, box = (np.eye(60) + 0.1)[None], [(0, 1)] * 60
    with pytest.raises(DomainError, match=r"domain: 60 bounded variables .* the most is 50"):
        MixtureOfGaussians(mus=np.zeros((1, 60)), Sigmas=correlated, domain=box)
    # Independent ones multiply, however many.
    many = MixtureOfGaussians(mus=np.zeros((1, 500)), domain=[(0, 1)] * 500)
    assert many.log_masses[0] == pytest.approx(500 * np.log(0.34134474606854293), rel=1e-12)

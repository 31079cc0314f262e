"""The pass over noisy and incomplete data: values, and what must agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from mogfit import _core
from tests import observation_oracles as oracles
from tests.core.observed import KINDS, assert_close, assert_same_bits, evaluate, every_kind, refer
from tests.observation_oracles import cases, make_case
from tests.strategies import make_mixture

# Around the lengths of lanes and blocks.
COUNTS = [0, 1, 7, 127, 128, 129, 1000]


# Values


@every_kind
@pytest.mark.parametrize("count", COUNTS)
def test_every_number_of_points(kind, count):
    case = make_case(3, 4, count, **KINDS[kind])
    # Of a thousand random projections some have rows so nearly parallel that R Sigma R^T has a
    # condition of 1e5.
    assert_close(evaluate(case), refer(case), case, rtol=1e-10 if kind == "fewer" else 1e-12)


@every_kind
@pytest.mark.parametrize("nvars", range(1, 21))
def test_every_dimension(kind, nvars):
    case = make_case(nvars, 2, 35, **KINDS[kind])
    # Sums over up to 21 values of condition 100, where a projection of more values is noisy.
    assert_close(evaluate(case), refer(case), case, rtol=1e-12 if nvars <= 8 else 1e-11)


@every_kind
@pytest.mark.parametrize("ngauss", [1, 2, 5, 30])
@pytest.mark.parametrize("nvars", [1, 2, 6, 12])
def test_every_number_of_components(kind, nvars, ngauss):
    case = make_case(nvars, ngauss, 40, **KINDS[kind])
    assert_close(evaluate(case), refer(case), case, rtol=1e-12 if nvars <= 8 else 1e-11)


@given(cases())
def test_any_observations(case):
    # Points of up to five times the deviations: 25 times the exponents.
    assert_close(evaluate(case), refer(case), case, rtol=1e-11)


@every_kind
def test_values_are_right_to_50_digits(kind):
    case = make_case(3, 2, 10, **KINDS[kind])
    exact = oracles.exact_posteriors(case)
    shares, log_density = oracles.responsibilities(case, exact)
    seen = evaluate(case)
    np.testing.assert_allclose(seen["component_logpdf"], exact.components, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(seen["logpdf"], log_density, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(seen["responsibilities"], shares, rtol=1e-12, atol=1e-13)
    assert_close(seen, oracles.moments(case, exact)._asdict(), case)


@every_kind
def test_second_moments_are_symmetric_and_responsibilities_sum_to_one(kind):
    seen = evaluate(make_case(4, 3, 200, **KINDS[kind]))
    np.testing.assert_array_equal(seen["s2"], seen["s2"].transpose(0, 2, 1))
    np.testing.assert_allclose(seen["responsibilities"].sum(axis=1), 1.0, rtol=1e-14)


@every_kind
@pytest.mark.parametrize("nvars", [2, 9])
def test_far_from_every_component(kind, nvars):
    options = {"weighted": False} | KINDS[kind]
    case = make_case(nvars, 2, 5, **options, inflate=1e4)
    _, log_density = oracles.responsibilities(case, oracles.exact_posteriors(case))
    assert log_density.min() < -1e5
    seen = evaluate(case)
    # The exponent is a square of residuals: relative errors of eps * condition * d.
    np.testing.assert_allclose(seen["logpdf"], log_density, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(seen["responsibilities"].sum(axis=1), 1.0, rtol=1e-13)
    assert seen["s0"].sum() == pytest.approx(case.total, rel=1e-13)


@every_kind
@pytest.mark.parametrize("nvars", [3, 11])
def test_units_change_the_units_alone(kind, nvars):
    case = make_case(nvars, 3, 150, **KINDS[kind])
    scales = 2.0 ** np.linspace(-40, 40, nvars).round()
    base, seen = evaluate(case), evaluate(case.scaled(scales))
    shift = np.zeros_like(case.values)
    if case.projection is None:
        shift = np.where(np.isnan(case.values), 0.0, np.log(scales))
    shift = shift.sum(axis=1)
    back = {
        "logpdf": seen["logpdf"] + shift,
        "component_logpdf": seen["component_logpdf"] + shift[:, None],
        "responsibilities": seen["responsibilities"],
        "s0": seen["s0"],
        "s1": seen["s1"] / scales,
        "s2": seen["s2"] / np.outer(scales, scales),
    }
    # log det of such units is up to 80 log 2 = 55 per variable.
    assert_close(back, {name: base[name] for name in back}, case, rtol=1e-11)


def test_nothing_seen_is_the_prior():
    case = make_case(3, 4, 20, noise="deviations")
    for none in (
        replace(case, values=np.full((20, 3), np.nan)),
        replace(case, deviations=np.full((20, 3), np.inf)),
        replace(case, values=np.full((20, 3), np.nan), deviations=None),
    ):
        seen = evaluate(none)
        weights = case.mixture.weights
        np.testing.assert_allclose(seen["logpdf"], 0.0, atol=1e-14)
        np.testing.assert_allclose(seen["component_logpdf"], 0.0, atol=1e-14)
        np.testing.assert_allclose(seen["responsibilities"], [weights] * 20, rtol=1e-13)
        np.testing.assert_allclose(seen["s0"], 20 * weights, rtol=1e-13)
        np.testing.assert_allclose(seen["s1"], 0.0, atol=1e-13)
        expected = 20 * weights[:, None, None] * case.mixture.covariances
        np.testing.assert_allclose(seen["s2"], expected, rtol=1e-12, atol=1e-13)


@every_kind
def test_no_points(kind):
    seen = evaluate(make_case(3, 4, 0, **KINDS[kind]))
    assert seen["loglik"] == seen["log_likelihood"] == 0.0
    assert seen["logpdf"].shape == seen["pdf"].shape == (0,)
    assert seen["responsibilities"].shape == seen["component_logpdf"].shape == (0, 4)
    for name, shape in [("s0", (4,)), ("s1", (4, 3)), ("s2", (4, 3, 3))]:
        np.testing.assert_array_equal(seen[name], np.zeros(shape))


# What must agree


@pytest.mark.parametrize("nvars", [1, 3, 8, 12])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["plain", "deviations", "covariances", "shared", "projection"])
def test_without_noise_it_is_the_plain_pass(form, weighted, nvars):
    case = make_case(nvars, 4, 500, weighted=weighted)
    zero = {
        "plain": {},
        "deviations": {"deviations": np.zeros((500, nvars))},
        "covariances": {"covariances": np.zeros((500, nvars, nvars))},
        "shared": {"shared": np.zeros((nvars, nvars))},
        "projection": {"projection": np.tile(np.eye(nvars), (500, 1, 1))},
    }[form]
    prepared, X = case.prepared(), case.values
    moments = _core.data_pass(prepared, X, case.weight)
    plain = {
        name: getattr(_core, name)(prepared, X)
        for name in ("logpdf", "component_logpdf", "responsibilities")
    }
    plain |= {name: getattr(moments, name) for name in ("loglik", "s0", "s1", "s2")}
    for missing in (False, True):
        seen = evaluate(replace(case, **zero), missing=missing)
        assert_close(seen, plain, case, rtol=1e-10)


@pytest.mark.parametrize("nvars", [2, 3, 9])
def test_missing_values_are_the_marginal_of_each_pattern(nvars):
    case = make_case(nvars, 4, 400, missing=0.4)
    seen = evaluate(case)
    present = ~np.isnan(case.values)
    weights, means, covariances = case.mixture
    loglik = 0.0
    for pattern in np.unique(present, axis=0):
        rows = (present == pattern).all(axis=1)
        if pattern.any():
            marginal = _core.PreparedMixture(
                weights, means[:, pattern], covariances[:, pattern][:, :, pattern]
            )
            points = np.ascontiguousarray(case.values[rows][:, pattern])
            expected = _core.logpdf(marginal, points)
            shares = _core.responsibilities(marginal, points)
            np.testing.assert_allclose(seen["responsibilities"][rows], shares, atol=1e-12)
        else:
            expected = np.zeros(rows.sum())
        np.testing.assert_allclose(seen["logpdf"][rows], expected, rtol=1e-12, atol=1e-12)
        loglik += expected.sum()
    assert seen["loglik"] == pytest.approx(loglik, rel=1e-12)


@pytest.mark.parametrize("nvars", [3, 10])
@pytest.mark.parametrize("noise", ["deviations", "covariances"])
def test_an_infinite_error_is_a_missing_value(noise, nvars):
    case = make_case(nvars, 3, 200, noise=noise, missing=0.3, weighted=True)
    gone = np.isnan(case.values)
    infinity = gone if noise == "deviations" else gone[:, :, None] & np.eye(nvars, dtype=bool)
    errors = np.where(infinity, np.inf, getattr(case, noise))
    infinite = replace(case, values=np.where(gone, 1e3, case.values), **{noise: errors})
    assert_close(evaluate(infinite), evaluate(case), case)


def test_a_huge_error_is_nearly_a_missing_value():
    case = make_case(3, 3, 100, noise="deviations", missing=0.3)
    gone, huge = np.isnan(case.values), 1e12
    noisy = replace(
        case,
        values=np.where(gone, 1.0, case.values),
        deviations=np.where(gone, huge, case.deviations),
    )
    seen, expected = evaluate(noisy), evaluate(case)
    # What such a value adds to the log density: that of N(0, huge^2).
    alone = gone.sum(axis=1) * (-np.log(huge) - 0.5 * np.log(2 * np.pi))
    np.testing.assert_allclose(seen["logpdf"], expected["logpdf"] + alone, rtol=1e-12)
    part = {name: expected[name] for name in ("responsibilities", "s0", "s1", "s2")}
    # Log densities are of size 80 now: eps times that.
    assert_close(seen, part, case, rtol=1e-11)


@pytest.mark.parametrize("nvars", [1, 3, 8, 9, 15])
@pytest.mark.parametrize("projection", ["none", "fewer"])
def test_forms_of_the_same_noise_agree(projection, nvars):
    case = make_case(nvars, 3, 150, noise="deviations", missing=0.2, projection=projection)
    m = case.values.shape[1]
    full = np.square(case.deviations)[:, :, None] * np.eye(m)
    diagonal = replace(case, deviations=None, covariances=full)
    assert_close(evaluate(diagonal), evaluate(case), case, rtol=1e-11)
    one = case.deviations[0]
    copies = [
        replace(case, deviations=np.tile(one, (150, 1))),
        replace(case, deviations=None, covariances=np.tile(np.diag(one**2), (150, 1, 1))),
    ]
    shared = evaluate(replace(case, deviations=None, shared=np.diag(one**2)))
    for copy in copies:
        assert_close(shared, evaluate(copy), case, rtol=1e-11)


@pytest.mark.parametrize("nvars", [3, 10])
def test_a_shared_covariance_is_that_of_every_point(nvars):
    case = make_case(nvars, 3, 150, noise="shared", missing=0.2)
    tiled = np.tile(case.shared, (150, 1, 1))
    copies = replace(case, shared=None, covariances=tiled)
    assert_close(evaluate(copies), evaluate(case), case, rtol=1e-11)


@pytest.mark.parametrize("nvars", [3, 10])
def test_a_projection_that_drops_columns_is_missing_values(nvars):
    case = make_case(nvars, 3, 150, missing=0.4, noise="deviations")
    # Row by row: the values that are there come first, what is left has an infinite error.
    order = np.argsort(np.isnan(case.values), axis=1, kind="stable")
    R = np.eye(nvars)[order]
    moved = replace(
        case,
        values=np.take_along_axis(case.values, order, axis=1),
        deviations=np.take_along_axis(case.deviations, order, axis=1),
        projection=R,
    )
    assert_close(evaluate(moved), evaluate(case), case, rtol=1e-11)


@every_kind
def test_an_invertible_map_of_the_observations_shifts_the_density(kind):
    # A y has the density of y over |det A|; noise and projection are mapped too.
    case = make_case(3, 3, 120, **{**KINDS[kind], "missing": 0.0})
    m = case.values.shape[1]
    A = make_mixture(m, 1, 3).covariances[0] + np.triu(np.ones((m, m)), 1)
    R, S = case.dense()
    mapped = replace(
        case,
        values=case.values @ A.T,
        projection=A @ R,
        deviations=None,
        shared=None,
        covariances=(A @ S @ A.T + (A @ S @ A.T).transpose(0, 2, 1)) / 2,
    )
    base, seen = evaluate(case), evaluate(mapped)
    np.testing.assert_allclose(
        seen["logpdf"], base["logpdf"] - np.linalg.slogdet(A)[1], rtol=1e-10, atol=1e-10
    )
    part = {name: base[name] for name in ("responsibilities", "s0", "s1", "s2")}
    assert_close(seen, part, case, rtol=1e-10)


@every_kind
@pytest.mark.parametrize("nvars", [3, 10])
def test_the_order_of_the_rows_does_not_matter(kind, nvars):
    case = make_case(nvars, 3, 700, **KINDS[kind])
    order = np.random.default_rng(5).permutation(700)
    base, seen = evaluate(case), evaluate(case.take(order))
    for name in ("logpdf", "component_logpdf", "responsibilities"):
        np.testing.assert_allclose(seen[name], base[name][order], rtol=1e-13, atol=1e-14)
    assert_close(seen, {name: base[name] for name in ("loglik", "s0", "s1", "s2")}, case)


@every_kind
@pytest.mark.parametrize("nvars", [3, 10])
def test_whole_weights_are_repetitions(kind, nvars):
    case = make_case(nvars, 3, 300, **{**KINDS[kind], "weighted": False})
    times = np.random.default_rng(2).integers(0, 4, 300)
    weighted = evaluate(replace(case, weight=times.astype(float)))
    repeated = case.take(np.repeat(np.arange(300), times))
    names = ("loglik", "log_likelihood", "s0", "s1", "s2")
    assert_close(weighted, {name: evaluate(repeated)[name] for name in names}, repeated)


@every_kind
def test_rows_of_weight_zero_are_as_if_absent(kind):
    case = make_case(3, 3, 300, **{**KINDS[kind], "weighted": False})
    weight = np.random.default_rng(2).exponential(size=300)
    weight[::3] = 0.0
    case = replace(case, weight=weight)
    kept = case.take(weight > 0)
    names = ("loglik", "log_likelihood", "s0", "s1", "s2")
    assert_close(evaluate(case), {name: evaluate(kept)[name] for name in names}, kept)
    # Whatever they hold.
    wild = replace(case, values=np.where(weight[:, None] > 0, case.values, np.inf))
    assert_close(evaluate(wild), {name: evaluate(kept)[name] for name in names}, kept)


@every_kind
def test_weights_do_not_change_the_values_at_the_points(kind):
    case = make_case(3, 3, 100, **{**KINDS[kind], "weighted": True})
    seen, expected = evaluate(case), evaluate(replace(case, weight=None))
    names = ("logpdf", "pdf", "component_logpdf", "responsibilities")
    assert_same_bits(seen, {name: expected[name] for name in names})


def test_without_missing_a_nan_has_no_density_and_an_infinity_none_to_speak_of():
    case = make_case(3, 3, 200, noise="deviations")
    values = case.values.copy()
    values[17, 1], values[130, 2] = np.nan, np.inf
    for noise in ("deviations", "covariances", "shared"):
        own = make_case(3, 3, 200, noise=noise)
        data = own.observations(X=values, missing=False)
        logpdf = _core.logpdf(case.prepared(), data)
        assert np.isnan(logpdf[17])
        assert logpdf[130] == -np.inf
        assert np.isfinite(np.delete(logpdf, [17, 130])).all()
        assert _core.pdf(case.prepared(), data)[130] == 0.0
        assert np.isnan(_core.responsibilities(case.prepared(), data)[[17, 130]]).all()


@every_kind
def test_an_object_serves_many_mixtures_and_is_not_changed(kind):
    case = make_case(3, 3, 300, **KINDS[kind])
    data, before = case.observations(), case.values.tobytes()
    for seed in range(3):
        other = replace(case, mixture=make_mixture(3, 2 + seed, seed))
        moments = _core.data_pass(other.prepared(), data)
        expected = _core.data_pass(other.prepared(), other.observations())
        np.testing.assert_array_equal(moments.s2, expected.s2)
    assert case.values.tobytes() == before

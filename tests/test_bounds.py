"""Bounds that users set: honoured to the last bit, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import ConvergenceWarning, DtypeError, FitMoG, InputError
from tests.fitting import POINTS, fit, parameters

# Each cuts away the unbounded optimum.
CUTS = [
    {"boundw": (0.25, 0.45)},
    {"bounds": (0.5, 0.9)},
    {"boundr": (-0.3, 0.3)},
    {"boundr": (0.5, 0.9)},
    {"boundsm": [(-0.5, 0.5), (0.0, 3.0)]},
    {
        "boundw": (0.3, 0.4),
        "bounds": (0.6, 1.1),
        "boundr": (-0.5, 0.1),
        "boundsm": [(-0.5, 0.5), (0.0, 3.0)],
    },
]


def bounded(cut, ngauss=3, data=POINTS, **options):
    F = FitMoG(data, ngauss)
    F.set_bounds(**cut)
    F.fit_data(**({"random_state": 1} | options))
    return F


def assert_within(mog, boundw=(0, 1), bounds=(0, np.inf), boundr=(-1, 1), boundsm=None):
    # Logits there and back and the normalisation of the weights: a few roundings.
    slack = 1e-14
    for values, (low, high) in ((mog.weights, boundw), (mog.sigmas, bounds), (mog.rhos, boundr)):
        assert (values >= low * (1 - slack) - slack).all()
        assert (values <= high * (1 + slack) + slack).all()
    for column, (low, high) in enumerate(boundsm or []):
        assert (mog.mus[:, column] >= low - slack).all()
        assert (mog.mus[:, column] <= high + slack).all()


@pytest.mark.parametrize("cut", CUTS)
def test_bounds_are_honoured_and_the_fit_is_at_a_bounded_optimum(cut, rng):
    F = bounded(cut)
    assert F.report.converged
    assert F.report.method == "L-BFGS-B with bounds"
    assert_within(F.mog, **cut)
    free = fit().report.neg_loglik_per_point
    assert F.report.neg_loglik_per_point > free + 1e-4, "the bounds bind"
    # No parameter may be moved within its bounds to a higher likelihood.
    mog = F.mog
    for _ in range(200):
        size = 10.0 ** rng.uniform(-4, -1)
        trial = mog.copy()
        trial.update_params(
            weights=mog.weights * np.exp(size * rng.normal(size=3)),
            mus=mog.mus + size * rng.normal(size=(3, 2)),
            sigmas=mog.sigmas * np.exp(size * rng.normal(size=(3, 2))),
            rhos=np.clip(mog.rhos + size * rng.normal(size=(3, 1)), -0.99, 0.99),
        )
        F.mog = clipped(trial, **cut)
        # The optimum is reached to 1e-6 in the gradient: 1e-9 in the objective and more.
        assert F.norm_log_l() > F.report.neg_loglik_per_point - 1e-7


def clipped(mog, boundw=(0, 1), bounds=(0, np.inf), boundr=(-1, 1), boundsm=None):
    """The mixture moved into the bounds; weights stay when normalising breaks theirs."""
    mus = mog.mus.copy()
    for column, pair in enumerate(boundsm or []):
        mus[:, column] = np.clip(mus[:, column], *pair)
    inside = mog.copy()
    inside.update_params(
        mus=mus, sigmas=np.clip(mog.sigmas, *bounds), rhos=np.clip(mog.rhos, *boundr)
    )
    low, high = boundw
    if mog.weights.min() < low or mog.weights.max() > high:
        inside.update_params(weights=[max(low, 1 - 2 * high), *[min(high, (1 - low) / 2)] * 2])
    return inside


def test_bounds_that_do_not_bind_change_nothing():
    F = bounded({"boundw": (0.01, 0.99), "bounds": (0.01, 50.0), "boundr": (-0.999, 0.999)})
    assert F.report.neg_loglik_per_point == pytest.approx(
        fit().report.neg_loglik_per_point, abs=1e-9
    )
    # The same optimum, each reached to a gradient of 1e-6.
    np.testing.assert_allclose(parameters(F.mog), parameters(fit(tol=1e-10).mog), atol=1e-3)


def test_bounds_return_logits_in_the_order_of_uparams():
    F = FitMoG(POINTS, ngauss=2)
    pairs = F.set_bounds(
        boundw=(0.1, 0.6), bounds=(0.5, 2.0), boundr=(-0.5, 0.5), boundsm=[(-1, 1), (0, 3)]
    )
    assert len(pairs) == len(F.uparams) == 12
    assert pairs == F.bounds

    def logit(p):
        return np.log(p / (1 - p))

    sigmax = F.scales[6]
    expected = [(logit(0.1), logit(0.6))] * 2 + [(-1, 1), (0, 3)] * 2
    expected += [(logit(0.5 / sigmax), logit(2 / sigmax))] * 4 + [(logit(0.25), logit(0.75))] * 2
    np.testing.assert_allclose(pairs, expected, rtol=1e-12)
    lone = FitMoG(POINTS, ngauss=1)
    assert len(lone.set_bounds(boundr=(-0.5, 0.5))) == len(lone.uparams) == 5


def test_pairs_given_to_the_fit_bound_that_fit_alone():
    pairs = FitMoG(POINTS, ngauss=3).set_bounds(boundw=(0.3, 0.35))
    F = fit(bounds=pairs)
    assert_within(F.mog, boundw=(0.3, 0.35))
    assert F.bounds is None
    # None leaves a side open, as in scipy.
    open_sided = [(None, None)] * 9 + [(None, high) for _, high in pairs[9:]]
    assert len(open_sided) == 18
    assert fit(bounds=open_sided).report.converged


def test_a_single_component_is_bounded_too():
    F = bounded({"boundsm": [(1, 2), (1, 1.05)], "bounds": (0.2, 1.3)}, ngauss=1)
    assert F.report.converged
    np.testing.assert_array_equal(F.mog.weights, [1.0])
    # The data's mean lies below both intervals, its spread in the first column above.
    mean = POINTS.mean(axis=0)
    assert mean[0] < 1
    np.testing.assert_allclose(F.mog.mus[0, 0], 1.0, rtol=1e-14)
    np.testing.assert_allclose(F.mog.sigmas[0, 0], 1.3, rtol=1e-14)


def test_one_variable_is_bounded_too():
    data = POINTS[:, :1]
    spread = data.std()
    F = bounded({"bounds": (spread + 0.5, spread + 1.0)}, ngauss=1, data=data)
    # The likelihood falls with sigma above the spread: the bound is the optimum.
    np.testing.assert_allclose(F.mog.sigmas, [[spread + 0.5]], rtol=1e-14)
    np.testing.assert_allclose(F.mog.mus, [[data.mean()]], rtol=1e-6)


def test_correlations_that_leave_the_positive_definite_matrices_are_avoided(rng):
    R = np.array([[1, 0.95, 0.9], [0.95, 1, 0.97], [0.9, 0.97, 1]])
    data = rng.multivariate_normal(np.zeros(3), R, 1000)
    F = bounded({"boundr": (-0.99, 0.96)}, ngauss=1, data=data)
    assert F.report.converged
    assert_within(F.mog, boundr=(-0.99, 0.96))
    F = bounded({"boundr": (-0.99, 0.5)}, ngauss=1, data=data)
    np.testing.assert_allclose(F.mog.rhos, 0.5, rtol=1e-14)
    with pytest.raises(InputError, match="no correlations within boundr make a covariance matrix"):
        bounded({"boundr": (-0.99, -0.6)}, ngauss=1, data=data)


def test_a_further_bounded_fit_continues_within_the_bounds():
    F = bounded(CUTS[0])
    first = F.report.neg_loglik_per_point
    F.fit_data()
    assert F.report.neg_loglik_per_point <= first + 1e-7
    assert_within(F.mog, **CUTS[0])


def test_a_bounded_fit_that_stops_early_says_so():
    with pytest.warns(ConvergenceWarning, match="largest projected gradient entry"):
        F = bounded(CUTS[0], options={"maxiter": 2})
    assert not F.report.converged
    assert_within(F.mog, **CUTS[0])


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ({"boundw": (0.6, 0.9)}, r"weights of 3 .* sum to 1.8 at least and 2.7 at most"),
        ({"boundw": (0.1, 0.3)}, r"sum to 0.3 at least and 0.9 at most"),
        ({"boundw": (0.1, 1.3)}, r"^boundw: \(0.1, 1.3\) seen, must be low < high within \[0, 1\]"),
        ({"bounds": (0.1, -1)}, r"^bounds: \(0.1, -1\) seen"),
        ({"bounds": (-0.1, 1)}, r"^bounds: .* within \[0, inf\]"),
        ({"bounds": (1, 1)}, "low < high"),
        ({"boundr": (-2, 1)}, r"^boundr: \(-2, 1\) seen, .* within \[-1, 1\]"),
        ({"boundr": 3}, r"^boundr: 3 seen, a pair \(low, high\) expected"),
        ({"boundr": "ab"}, r"^boundr: 'ab' seen, a pair"),
        ({"boundsm": [(0, 1)]}, r"^boundsm: .* seen; allowed: 2 pairs \(low, high\), one for each"),
        ({"boundsm": 3}, r"^boundsm: 3 seen; allowed: 2 pairs"),
        ({"boundsm": [(0, 1), (np.nan, 2)]}, r"^boundsm: \(nan, 2\) seen"),
    ],
)
def test_bounds_that_cannot_be_change_nothing(cut, message):
    F = FitMoG(POINTS, ngauss=3)
    scales = F.scales
    with pytest.raises(InputError, match=message):
        F.set_bounds(**cut)
    assert F.bounds is None
    np.testing.assert_array_equal(F.scales, scales)


def test_pairs_of_another_kind_or_number_are_refused():
    with pytest.raises(InputError, match=r"^bounds: 1 pair seen, 18 expected: weights"):
        fit(bounds=[(0, 1)])
    with pytest.raises(DtypeError, match=r"^bounds: 3 .int. seen; allowed: 18 pairs"):
        fit(bounds=3)
    with pytest.raises(InputError, match="a lower bound of mus is above its upper bound"):
        fit(bounds=[(None, None)] * 3 + [(2, 1)] * 6 + [(None, None)] * 9)
    with pytest.raises(InputError, match="method: 'EM' does not take bounds"):
        fit(method="EM", bounds=[(None, None)] * 18)

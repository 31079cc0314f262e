"""Plain EM: its steps, its trajectory, its end."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import numpy_reference as reference
from mogfit import (
    DataWarning,
    DegeneracyWarning,
    FitMoG,
    InputError,
    MixtureOfGaussians,
    MoGWarning,
)
from tests.fitting import POINTS, START, fit


def test_the_trajectory_is_that_of_a_numpy_em():
    states = []
    F = FitMoG(POINTS, 3)
    F.set_initial_params(from_mog=START)
    F.fit_data(method="EM", penalty=0, tol=1e-7, callback=states.append)
    mixture = reference.Mixture.from_covariances(START.weights, START.mus, START.Sigmas)
    assert len(states) == F.report.iterations > 20
    for step, state in enumerate(states, 1):
        mixture = reference.em_update(mixture, reference.plain_moments(mixture, POINTS))
        assert state.iteration == step
        np.testing.assert_allclose(state.weights, mixture.weights, atol=1e-9)
        np.testing.assert_allclose(state.mus, mixture.means, atol=1e-9)
        np.testing.assert_allclose(state.Sigmas, mixture.covariances, atol=1e-9)
        expected = -reference.plain_logpdf(mixture, POINTS).mean()
        assert state.neg_loglik_per_point == pytest.approx(expected, abs=1e-9)
    order = np.argsort(-mixture.weights)
    np.testing.assert_allclose(F.mog.mus, mixture.means[order], atol=1e-9)


@pytest.mark.filterwarnings("ignore:.*held up by the penalty:mogfit.DegeneracyWarning")
@pytest.mark.parametrize("penalty", [0, 1e-9, 1e-2])
def test_every_step_raises_the_penalised_likelihood(penalty):
    values = []
    fit(
        start=START,
        method="EM",
        penalty=penalty,
        callback=lambda state: values.append(state.neg_loglik_per_point),
    )
    assert len(values) > 20
    # Rounding of a mean of 3000 terms of size 3.
    assert (np.diff(values) <= 1e-14).all()


def test_the_default_end_is_an_optimum_and_tol_an_earlier_one():
    full = fit(start=START, method="EM")
    assert full.report.converged
    assert full.report.gradient_norm <= 1e-6
    short = fit(start=START, method="EM", tol=1e-4)
    assert short.report.converged
    assert "less than 1e-04" in short.report.reason
    assert short.report.iterations < full.report.iterations / 2
    assert short.report.gradient_norm > 1e-6


def test_sample_weights_are_repetitions(rng):
    weight = rng.integers(0, 4, len(POINTS))
    a = fit(start=START, method="EM", sample_weight=weight)
    b = fit(np.repeat(POINTS, weight, axis=0), start=START, method="EM")
    np.testing.assert_allclose(a.mog.params, b.mog.params, atol=1e-10)


def test_a_component_without_points_is_refilled_and_told():
    points = np.concatenate([np.linspace(-1, 1, 50), np.linspace(99, 101, 50)])[:, None]
    lost = MixtureOfGaussians(
        weights=[0.5, 0.49, 0.01], mus=[0.0, 100.0, 50.0], Sigmas=[1.0, 1.0, 1.5]
    )
    with pytest.warns(MoGWarning) as told:
        F = fit(points, 3, start=lost, method="EM", penalty=0)
    messages = [(w.category, str(w.message)) for w in told]
    assert messages[0][0] is DataWarning
    assert messages[0][1].startswith("starting component 2 holds no points")
    # Two components are all that these points have: EM takes the third away again, and says so.
    assert messages[1][0] is DegeneracyWarning
    assert messages[1][1].startswith("component 2 ended without points")
    assert len(messages) == 2
    assert np.isfinite(F.report.neg_loglik)


def test_options_are_those_of_em():
    with pytest.raises(InputError, match="options: 'maxcor' seen; allowed: 'maxiter'"):
        fit(method="EM", options={"maxcor": 3})

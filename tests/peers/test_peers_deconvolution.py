"""Deconvolution beside astroML's XDGMM: equal likelihoods, and fits at least as good."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from benchmarks import observations_reference as reference
from mogfit import FitMoG, MixtureOfGaussians
from tests.observed_fits import fit, loglik, referred

with warnings.catch_warnings():
    # What it says of the libraries that it imports.
    warnings.simplefilter("ignore")
    pytest.importorskip("astroML", reason="astroML is not installed")
    from astroML.density_estimation import XDGMM

TRUTH = MixtureOfGaussians(
    weights=[0.4, 0.6],
    mus=[[0.0, 0.0], [2.0, 1.0]],
    Sigmas=[[[1.0, 0.6], [0.6, 0.8]], [[0.3, -0.1], [-0.1, 0.5]]],
)


def draw(count=300):
    rng = np.random.default_rng(2)
    labels = rng.choice(2, count, p=TRUTH.weights)
    lower = 0.3 * rng.standard_normal((count, 2, 2)) + 0.2 * np.eye(2)
    errors = lower @ lower.transpose(0, 2, 1)
    roots = np.linalg.cholesky(TRUTH.Sigmas)[labels] @ rng.standard_normal((count, 2, 1))
    noise = lower @ rng.standard_normal((count, 2, 1))
    return TRUTH.mus[labels] + (roots + noise)[:, :, 0], (errors + errors.transpose(0, 2, 1)) / 2


VALUES, ERRORS = draw()


def peer(seed, max_iter=60):
    model = XDGMM(2, max_iter=max_iter, tol=1e-6, random_state=seed)
    return model.fit(VALUES, ERRORS)


def as_mog(model):
    Sigmas = (model.V + model.V.transpose(0, 2, 1)) / 2
    return MixtureOfGaussians(weights=model.alpha, mus=model.mu, Sigmas=Sigmas)


def test_equal_parameters_have_an_equal_likelihood():
    model = peer(0, max_iter=3)
    expected = pytest.approx(float(model.logL(VALUES, ERRORS)), rel=1e-10)
    assert loglik(as_mog(model), VALUES, covariances=ERRORS) == expected
    assert as_mog(model).logpdf(VALUES, errors=ERRORS).sum() == expected


def test_steps_are_the_same_steps():
    before, after = peer(0, max_iter=1), peer(0, max_iter=2)
    data = reference.Observations(VALUES, covariances=ERRORS)
    _, expected = reference.em_step(referred(as_mog(before)), data)
    np.testing.assert_allclose(after.alpha, expected.weights, rtol=1e-9)
    np.testing.assert_allclose(after.mu, expected.means, rtol=1e-9)
    np.testing.assert_allclose(after.V, expected.covariances, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("method", ["L-BFGS", "EM"])
def test_a_fit_is_at_least_as_good_from_wherever_the_peer_began(method):
    best = max(float(peer(seed).logL(VALUES, ERRORS)) for seed in range(3))
    F = FitMoG(VALUES, 2, errors=ERRORS)
    F.fit_data(method=method, penalty=0, random_state=1)
    assert -F.report.neg_loglik >= best - 1e-6


def test_a_fit_goes_on_from_where_the_peer_ended():
    model = peer(1)
    F = fit(VALUES, 2, as_mog(model), errors=ERRORS)
    assert -F.report.neg_loglik >= float(model.logL(VALUES, ERRORS)) - 1e-9
    assert F.report.converged

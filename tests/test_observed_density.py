"""Densities of noisy and incomplete points at the face, and draws with the noise put back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm

from mogfit import MixtureOfGaussians
from tests.observation_oracles import loop_posteriors, make_case, responsibilities
from tests.observed_fits import knock_out
from tests.strategies import make_mixture, make_points

MIXTURE = make_mixture(2, 3)
MOG = MixtureOfGaussians(weights=MIXTURE.weights, mus=MIXTURE.means, Sigmas=MIXTURE.covariances)


@pytest.mark.parametrize("noise", ["deviations", "covariances", "shared"])
@pytest.mark.parametrize("projection", ["none", "fewer", "more"])
def test_log_density_of_noisy_points(noise, projection):
    case = make_case(3, 3, 60, noise=noise, projection=projection)
    weights, means, covariances = case.mixture
    mog = MixtureOfGaussians(weights=weights, mus=means, Sigmas=covariances)
    errors = getattr(case, noise)
    errors = errors[None] if noise == "shared" else errors
    options = {} if case.projection is None else {"projection": case.projection}
    _, expected = responsibilities(case, loop_posteriors(case))
    seen = mog.logpdf(case.values, errors=errors, **options)
    np.testing.assert_allclose(seen, expected, rtol=1e-10, atol=1e-10)
    seen = mog.pdf(case.values, errors=errors, **options)
    np.testing.assert_allclose(seen, np.exp(expected), rtol=1e-9)
    gone = knock_out(case.values, 0.3)
    case = case.__class__(**{**vars(case), "values": gone})
    _, expected = responsibilities(case, loop_posteriors(case))
    seen = mog.logpdf(gone, errors=errors, missing="marginal", **options)
    np.testing.assert_allclose(seen, expected, rtol=1e-10, atol=1e-10)


def test_a_missing_value_is_nan_unless_it_is_to_be_left_out():
    X = make_points(MIXTURE, 20)
    X[3, 1] = np.nan
    complete = np.arange(20) != 3
    expected = MOG.logpdf(X[complete])
    seen = MOG.logpdf(X)
    assert np.isnan(seen[3])
    np.testing.assert_array_equal(seen[complete], expected)
    assert np.isnan(MOG.logpdf(X, errors=0.3)[3])
    seen = MOG.logpdf(X, missing="marginal")
    np.testing.assert_allclose(seen[complete], expected, rtol=1e-12)
    weights, means, covariances = MIXTURE
    marginal = norm.pdf(X[3, 0], means[:, 0], np.sqrt(covariances[:, 0, 0])) @ weights
    assert seen[3] == pytest.approx(np.log(marginal), rel=1e-12)


def test_components_are_seen_through_noise_and_projections_too():
    rng = np.random.default_rng(2)
    X = make_points(MIXTURE, 30)[:, :1]
    projection, errors = rng.standard_normal((30, 1, 2)), rng.uniform(0.1, 1.0, (30, 1))
    weights, means, covariances = MIXTURE
    centre = projection[:, 0] @ means.T
    variance = np.einsum("na,kab,nb->nk", projection[:, 0], covariances, projection[:, 0])
    expected = norm.logpdf(X, centre, np.sqrt(variance + errors**2))
    seen = MOG.component_logpdf(X, errors=errors, projection=projection)
    np.testing.assert_allclose(seen, expected, rtol=1e-10)
    total = np.log(np.exp(seen) @ weights)
    np.testing.assert_allclose(MOG.logpdf(X, errors=errors, projection=projection), total)
    X = make_points(MIXTURE, 20)
    X[3, 1] = np.nan
    assert np.isnan(MOG.component_logpdf(X)[3]).all()
    seen = MOG.component_logpdf(X, missing="marginal")[3]
    np.testing.assert_allclose(
        seen, norm.logpdf(X[3, 0], means[:, 0], np.sqrt(covariances[:, 0, 0])), rtol=1e-12
    )


def test_no_errors_are_no_noise():
    X = make_points(MIXTURE, 50)
    np.testing.assert_allclose(MOG.logpdf(X, errors=0.0), MOG.logpdf(X), rtol=1e-12)


def test_draws_with_noise_have_the_density_of_noisy_points():
    errors = np.array([0.5, 2.0])
    drawn = MOG.rvs(5000, errors=errors, rng=3)
    weights, means, covariances = MIXTURE
    for j in range(2):
        deviation = np.sqrt(covariances[:, j, j] + errors[j] ** 2)
        u = norm.cdf((drawn[:, j, None] - means[:, j]) / deviation) @ weights
        assert kstest(u, "uniform").pvalue > 1e-4
    np.testing.assert_array_equal(MOG.rvs(5000, errors=errors, rng=3), drawn)


def test_noise_of_every_draw_is_its_own():
    rng = np.random.default_rng(1)
    roots = rng.standard_normal((5000, 2, 2))
    errors = roots @ roots.transpose(0, 2, 1)
    errors = (errors + errors.transpose(0, 2, 1)) / 2
    drawn = MOG.rvs(5000, errors=errors, rng=3)
    weights, means, covariances = MIXTURE
    for j in range(2):
        deviation = np.sqrt(covariances[:, j, j] + errors[:, j, j, None])
        u = norm.cdf((drawn[:, j, None] - means[:, j]) / deviation) @ weights
        assert kstest(u, "uniform").pvalue > 1e-4


def test_draws_seen_through_a_projection():
    rng = np.random.default_rng(1)
    projection = rng.standard_normal((5000, 1, 2))
    errors = rng.uniform(0.1, 1.0, (5000, 1))
    drawn = MOG.rvs(5000, errors=errors, projection=projection, rng=3)
    assert drawn.shape == (5000, 1)
    weights, means, covariances = MIXTURE
    centre = projection[:, 0] @ means.T
    variance = np.einsum("na,kab,nb->nk", projection[:, 0], covariances, projection[:, 0])
    u = norm.cdf((drawn - centre) / np.sqrt(variance + errors**2)) @ weights
    assert kstest(u, "uniform").pvalue > 1e-4

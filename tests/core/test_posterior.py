"""What a noisy and incomplete observation says of the point behind it, and draws of that point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import kstest, norm

from benchmarks import observations_reference as reference
from mogfit import InputError, _core
from tests import observation_oracles as oracles
from tests.core.observed import KINDS, every_kind
from tests.observation_oracles import cases, make_case

# Of draws: chance may fail one test of 10,000, with seeds that are fixed.
LEAST_P_VALUE = 1e-4


def posterior(case, **options):
    return _core.posterior(case.prepared(), case.observations(), **options)


def assert_posterior(case, means, covariances, expected, rtol=1e-12):
    """Means and covariances agree up to rtol of the sizes of the mixture's.

    They are averages of the components' under the responsibilities, that errors of these move.
    """
    expected_means, expected_covariances = expected
    assert means.shape == expected_means.shape
    assert covariances.shape == expected_covariances.shape
    variances = np.diagonal(case.mixture.covariances, axis1=1, axis2=2).max(axis=0)
    size = np.sqrt(variances) + np.ptp(case.mixture.means, axis=0)
    allowed = rtol * (size + abs(expected_means))
    assert (abs(means - expected_means) <= allowed).all()
    square = allowed[:, :, None] * allowed[:, None] / rtol
    assert (abs(covariances - expected_covariances) <= square).all()
    np.testing.assert_array_equal(covariances, covariances.transpose(0, 2, 1))


@every_kind
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (2, 30), (3, 1), (6, 4), (8, 2), (12, 3)])
def test_posteriors_are_those_of_the_reference(kind, nvars, ngauss):
    case = make_case(nvars, ngauss, 60, **KINDS[kind])
    means, covariances = posterior(case)
    assert_posterior(case, means, covariances, reference.posterior(*case.referred()), rtol=1e-11)


@given(cases())
def test_posteriors_of_any_observations(case):
    expected = oracles.posterior(case, oracles.loop_posteriors(case))
    # The loops invert matrices of condition 100.
    assert_posterior(case, *posterior(case), expected, rtol=1e-9)


@every_kind
def test_posteriors_are_right_to_50_digits(kind):
    case = make_case(3, 3, 10, **KINDS[kind])
    expected = oracles.posterior(case, oracles.exact_posteriors(case))
    assert_posterior(case, *posterior(case), expected)


@every_kind
@pytest.mark.parametrize("count", [0, 1, 7, 127, 128, 129, 1000])
def test_every_number_of_points(kind, count):
    case = make_case(2, 3, count, **KINDS[kind])
    means, covariances = posterior(case)
    assert_posterior(case, means, covariances, reference.posterior(*case.referred()))


@every_kind
def test_means_alone(kind):
    case = make_case(3, 3, 200, **KINDS[kind])
    means, covariances = posterior(case, covariance=False)
    assert covariances is None
    np.testing.assert_array_equal(means, posterior(case)[0])


@pytest.mark.parametrize("nvars", [1, 3, 10])
def test_one_gaussian_is_regression(nvars):
    # Zero noise and missing values: the textbook's conditional mean and covariance, row by row.
    case = make_case(nvars, 1, 100, missing=0.4)
    means, covariances = posterior(case)
    mu, Sigma = case.mixture.means[0], case.mixture.covariances[0]
    for i, value in enumerate(case.values):
        free = np.isnan(value)
        slopes = np.linalg.solve(Sigma[~free][:, ~free], Sigma[~free][:, free]).T
        expected = mu[free] + slopes @ (value - mu)[~free]
        np.testing.assert_allclose(means[i, free], expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(means[i, ~free], value[~free], rtol=1e-12, atol=1e-12)
        left = Sigma[free][:, free] - slopes @ Sigma[~free][:, free]
        np.testing.assert_allclose(covariances[i][free][:, free], left, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(covariances[i][~free], 0.0, atol=1e-13)


def test_one_noisy_gaussian_is_a_weighted_mean():
    # Two measurements of one number and what is known of it beforehand, precisions adding up.
    case = make_case(1, 1, 50, noise="deviations", projection="more")
    case = replace(case, projection=np.ones((50, 2, 1)))
    precision = 1 / case.mixture.covariances[0, 0, 0] + (case.deviations**-2.0).sum(axis=1)
    pull = case.mixture.means[0, 0] / case.mixture.covariances[0, 0, 0]
    expected = (pull + (case.values / case.deviations**2).sum(axis=1)) / precision
    means, covariances = posterior(case)
    np.testing.assert_allclose(means[:, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(covariances[:, 0, 0], 1 / precision, rtol=1e-12)


def test_complete_points_without_noise_are_themselves():
    case = make_case(4, 3, 300)
    means, covariances = posterior(case)
    np.testing.assert_allclose(means, case.values, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(covariances, 0.0, atol=1e-13)


def test_nothing_seen_leaves_the_mixture():
    case = make_case(3, 4, 5)
    means, covariances = posterior(replace(case, values=np.full((5, 3), np.nan)))
    weights, mus, Sigmas = case.mixture
    mean = weights @ mus
    off = mus - mean
    expected = np.einsum("k,kab->ab", weights, Sigmas + off[:, :, None] * off[:, None])
    np.testing.assert_allclose(means, [mean] * 5, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(covariances, [expected] * 5, rtol=1e-13, atol=1e-13)


@every_kind
def test_far_points_keep_the_right_component(kind):
    options = {"weighted": False} | KINDS[kind]
    case = make_case(3, 3, 8, **options, inflate=1e4)
    expected = oracles.posterior(case, oracles.exact_posteriors(case))
    assert_posterior(case, *posterior(case), expected, rtol=1e-11)


def test_covariances_are_covariances():
    for kind in KINDS.values():
        case = make_case(3, 3, 200, **kind)
        _, covariances = posterior(case)
        size = abs(case.mixture.covariances).max()
        assert np.linalg.eigvalsh(covariances).min() > -1e-13 * size


@every_kind
@pytest.mark.parametrize("nvars", [3, 11])
def test_any_number_of_threads_gives_the_same_bits(kind, nvars):
    case = make_case(nvars, 3, 3000 if nvars == 3 else 500, **KINDS[kind])
    prepared, data = case.prepared(), case.observations()
    expected = _core.posterior(prepared, data, threads=1)
    drawn = _core.posterior_draws(prepared, data, 7, threads=1)
    for threads in (2, 7):
        for seen, value in zip(
            _core.posterior(prepared, data, threads=threads), expected, strict=True
        ):
            assert seen.tobytes() == value.tobytes()
        assert (
            _core.posterior_draws(prepared, data, 7, threads=threads).tobytes() == drawn.tobytes()
        )


# Draws


def posterior_cdf(case, row, at):
    """Distribution functions of x_0, and of x_1 given x_0, at draws (n, 2) of one observation."""
    posteriors = oracles.loop_posteriors(case.take([row]))
    shares = oracles.responsibilities(case.take([row]), posteriors)[0][0]
    means, covariances = posteriors.means[0], posteriors.covariances[0]
    first = np.sqrt(covariances[:, 0, 0])
    z = (at[:, 0, None] - means[:, 0]) / first
    cdf_0 = norm.cdf(z) @ shares
    local = shares * norm.pdf(z) / first
    slope = covariances[:, 0, 1] / covariances[:, 0, 0]
    left = np.sqrt(covariances[:, 1, 1] - slope * covariances[:, 0, 1])
    centre = means[:, 1] + slope * (at[:, 0, None] - means[:, 0])
    conditional = norm.cdf((at[:, 1, None] - centre) / left)
    return cdf_0, (local * conditional).sum(axis=1) / local.sum(axis=1)


@pytest.mark.parametrize("noise", ["deviations", "covariances", "shared"])
def test_draws_have_the_distribution_of_the_posterior(noise):
    # Many copies of one observation between the components: Rosenblatt's transform is uniform.
    case = make_case(2, 3, 20, noise=noise)
    shares, _ = oracles.responsibilities(case, oracles.loop_posteriors(case))
    row = int(np.argmin(shares.max(axis=1)))
    copies = case.take(np.full(20_000, row))
    drawn = _core.posterior_draws(case.prepared(), copies.observations(), 3)
    assert drawn.shape == (20_000, 2)
    uniform = posterior_cdf(case, row, drawn)
    for u in uniform:
        assert kstest(u, "uniform").pvalue > LEAST_P_VALUE
    assert (
        kstest(uniform[0] + uniform[1] - np.floor(sum(uniform)), "uniform").pvalue > LEAST_P_VALUE
    )


@pytest.mark.parametrize("kind", ["deviations", "covariances", "fewer", "more", "all"])
@pytest.mark.parametrize("nvars", [2, 10])
def test_whitened_draws_of_one_component_are_standard_normal(kind, nvars):
    case = make_case(nvars, 1, 10_000, **{**KINDS[kind], "weighted": False})
    means, covariances = posterior(case)
    # Directions that were seen without noise have no variance, and others enough of it.
    values, vectors = np.linalg.eigh(covariances)
    free = values > 1e-6
    assert free.any(axis=1).all()
    drawn = _core.posterior_draws(case.prepared(), case.observations(), 9)
    z = np.einsum("nji,nj->ni", vectors, drawn - means)
    # Rounding of a variance of 0 is some 1e-15, of the deviation its root, more where it cancels.
    assert abs(z[~free]).max(initial=0.0) < 1e-4
    z = np.where(free, z / np.sqrt(np.where(free, values, 1.0)), np.nan)
    for column in z.T:
        seen = column[~np.isnan(column)]
        if len(seen) > 1000:
            assert abs(seen.mean()) < 5 / np.sqrt(len(seen))
            assert abs(seen.var() - 1) < 5 * np.sqrt(2 / len(seen))
            assert kstest(seen, "norm").pvalue > LEAST_P_VALUE
    cross = np.nanmean(z[:, :1] * z[:, 1:], axis=0) if free[:, 0].all() else np.zeros(1)
    assert abs(cross).max() < 5 / np.sqrt(len(z))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "complete"])
def test_draws_of_the_points_of_a_mixture_are_points_of_it(kind):
    # x drawn from the mixture, y from x, x' given y: then x' has the distribution of x.
    case = make_case(2, 3, 4000, **{**KINDS[kind], "weighted": False}, elsewhere=False)
    drawn = _core.posterior_draws(case.prepared(), case.observations(), 5)
    weights, means, covariances = case.mixture
    for j in range(2):
        z = (drawn[:, j, None] - means[:, j]) / np.sqrt(covariances[:, j, j])
        assert kstest(norm.cdf(z) @ weights, "uniform").pvalue > LEAST_P_VALUE


@every_kind
def test_draws_have_the_moments_of_the_posterior(kind):
    case = make_case(3, 2, 6, **{**KINDS[kind], "weighted": False})
    copies = 2000
    means, covariances = posterior(case)
    drawn = _core.posterior_draws(
        case.prepared(), case.take(np.repeat(np.arange(6), copies)).observations(), 1
    ).reshape(6, copies, 3)
    # Rounding may leave a variance of 0 below it.
    deviations = np.sqrt(np.maximum(np.diagonal(covariances, axis1=1, axis2=2), 0.0))
    assert (abs(drawn.mean(axis=1) - means) <= 4.5 * deviations / np.sqrt(copies) + 1e-12).all()
    size = deviations[:, :, None] * deviations[:, None]
    for i in range(6):
        spread = np.cov(drawn[i].T, bias=True)
        # Kurtosis of mixtures: within a few times that of one Gaussian.
        assert (abs(spread - covariances[i]) <= 10 * size[i] / np.sqrt(copies) + 1e-12).all()


def test_draws_leave_what_was_seen_without_noise():
    case = make_case(3, 3, 500, missing=0.4)
    drawn = _core.posterior_draws(case.prepared(), case.observations(), 2)
    seen = ~np.isnan(case.values)
    np.testing.assert_allclose(drawn[seen], case.values[seen], rtol=1e-12, atol=1e-12)
    assert np.isfinite(drawn).all()


def test_draws_repeat_and_differ():
    case = make_case(3, 3, 300, noise="deviations", missing=0.2)
    prepared, data = case.prepared(), case.observations()
    one = _core.posterior_draws(prepared, data, 11)
    np.testing.assert_array_equal(_core.posterior_draws(prepared, data, 11), one)
    other = _core.posterior_draws(prepared, data, 12)
    assert (other != one).mean() > 0.99
    # Rows of the same observation are not drawn alike.
    copies = case.take(np.zeros(50, dtype=int)).observations()
    drawn = _core.posterior_draws(prepared, copies, 11)
    assert len(np.unique(drawn[:, 0])) == 50


@pytest.mark.parametrize("variables", [[], [1], [0, 2], [0, 1, 2]])
def test_some_of_the_variables_are_those_of_all(variables):
    case = make_case(3, 3, 200, noise="deviations", missing=0.3)
    for data in (case.observations(), _core.Observations(case.values, missing=True)):
        means, covariances = _core.posterior(case.prepared(), data)
        some, spread = _core.posterior(case.prepared(), data, variables=variables)
        np.testing.assert_array_equal(some, means[:, variables])
        np.testing.assert_array_equal(spread, covariances[:, variables][:, :, variables])


@pytest.mark.parametrize("variables", [[1, 0], [0, 0], [-1], [3]])
def test_variables_that_are_none_are_refused(variables):
    case = make_case(3, 3, 5)
    with pytest.raises(InputError, match="variables: must be numbers of variables in increasing"):
        _core.posterior(case.prepared(), case.observations(), variables=variables)


def test_one_projection_for_all_is_a_copy_for_each():
    case = make_case(3, 2, 50)
    matrix = np.array([[1.0, 1.0, 0.0], [0.0, -1.0, 2.0]])
    values = case.values @ matrix.T
    one = _core.Observations(values, projection=np.broadcast_to(matrix, (50, 2, 3)))
    each = _core.Observations(values, projection=np.tile(matrix, (50, 1, 1)))
    for a, b in zip(
        _core.posterior(case.prepared(), one), _core.posterior(case.prepared(), each), strict=True
    ):
        np.testing.assert_array_equal(a, b)

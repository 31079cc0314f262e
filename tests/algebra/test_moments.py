"""`mean` and `covariance`, against integrals; and the examples of the documentation."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given

import mogfit as mn
from tests.algebra.cases import DOMAINS, TRUNCATIONS, mixture
from tests.strategies import mixtures
from tests.truncation import bounds_of, cut_box, grid


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_moments_are_integrals(domain, truncation):
    domain = domain and domain[:2]
    mog = mixture(3, 2, domain=domain, truncation=truncation)
    bounds = bounds_of(domain or [None] * 2)
    points, weights = grid(*cut_box(mog.mus, mog.Sigmas, bounds), 160)
    shares = weights * mog.pdf(points)
    mean = shares @ points
    covariance = (points - mean).T @ (shares[:, None] * (points - mean))
    np.testing.assert_allclose(mog.mean(), mean, rtol=1e-11)
    np.testing.assert_allclose(mog.covariance(), covariance, rtol=1e-10)
    assert (mog.covariance() == mog.covariance().T).all()
    frozen = mog.freeze()
    np.testing.assert_allclose(frozen.mean(), mog.mean(), rtol=1e-14)
    np.testing.assert_allclose(frozen.cov(), mog.covariance(), rtol=1e-14)


@given(mixtures(max_nvars=5))
def test_moments_of_a_free_mixture(case):
    mog = mn.MixtureOfGaussians(weights=case.weights, mus=case.means, Sigmas=case.covariances)
    weights, mus = mog.weights.astype(np.longdouble), mog.mus.astype(np.longdouble)
    mean = weights @ mus / weights.sum()
    apart = mus - mean
    covariance = np.einsum("k,kij->ij", weights, mog.Sigmas + apart[:, :, None] * apart[:, None])
    covariance = (covariance / weights.sum()).astype(float)
    scale = np.sqrt(np.diag(covariance))
    eps = np.finfo(float).eps
    np.testing.assert_allclose(mog.mean(), mean.astype(float), atol=20 * eps * np.abs(mus).max())
    slack = 50 * eps * np.outer(scale, scale) * (1 + np.abs(mean / scale).max().astype(float))
    assert (np.abs(mog.covariance() - covariance) <= slack).all()


def test_no_digits_are_lost_far_from_0():
    near, far = mixture(3, 2), mixture(3, 2).affine(1.0, 2.0**27)
    np.testing.assert_allclose(far.covariance(), near.covariance(), rtol=1e-7)
    np.testing.assert_allclose(far.mean() - 2.0**27, near.mean(), atol=1e-7)


def test_weights_count_by_their_shares():
    options = {"mus": [[0.0, 0.0], [2.0, 2.0]], "Sigmas": [np.eye(2)] * 2}
    mog = mn.MixtureOfGaussians(weights=[3.0, 1.0], normalize_weights=False, **options)
    np.testing.assert_allclose(mog.mean(), [0.5, 0.5])
    alone = mn.MixtureOfGaussians(weights=[0.0, 1.0], **options)
    np.testing.assert_allclose(alone.mean(), [2.0, 2.0])
    np.testing.assert_allclose(alone.covariance(), np.eye(2))


@pytest.mark.parametrize(
    ("module", "least"),
    [("mogfit.mixture_algebra", 30), ("mogfit.algebra.derived", 5), ("mogfit.algebra.parts", 1)],
)
def test_the_examples_of_the_documentation_run(module, least):
    found = doctest.testmod(importlib.import_module(module))
    assert found.failed == 0
    assert found.attempted >= least

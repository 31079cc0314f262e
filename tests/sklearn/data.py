"""Data and helpers that the tests of the estimators share."""

from __future__ import annotations

import numpy as np
import sklearn.mixture

from mogfit.sklearn import GaussianMixture

TYPES = ("full", "tied", "diag", "spherical")
PARAMETERS = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


def clouds(n: int = 600, d: int = 3, seed: int = 0) -> np.ndarray:
    """Three clouds that overlap a little, in units that differ."""
    rng = np.random.default_rng(seed)
    centres = 2.5 * rng.normal(size=(3, d))
    factors = np.eye(d) + 0.4 * rng.normal(size=(3, d, d))
    labels = rng.choice(3, size=n, p=(0.5, 0.3, 0.2))
    points = centres[labels] + np.einsum("nij,nj->ni", factors[labels], rng.normal(size=(n, d)))
    return 5.0 + points * np.linspace(1.0, 2.0, d)


def given_start(X: np.ndarray, kind: str, n_components: int = 3) -> dict[str, object]:
    """Arguments of a start that needs no drawing."""
    rng = np.random.default_rng(1)
    d = X.shape[1]
    precision = {
        "full": np.repeat(np.linalg.inv(np.cov(X.T))[np.newaxis], n_components, axis=0),
        "tied": np.linalg.inv(np.cov(X.T)),
        "diag": np.tile(1.0 / X.var(axis=0), (n_components, 1)),
        "spherical": np.full(n_components, 1.0 / X.var(axis=0).mean()),
    }[kind]
    return {
        "weights_init": rng.dirichlet(np.full(n_components, 5.0)),
        "means_init": X[rng.choice(len(X), n_components, replace=False), :d],
        "precisions_init": precision,
    }


def assert_same_fit(ours: object, theirs: object, rtol: float = 1e-8) -> None:
    """Every fitted parameter, and the lower bounds."""
    for name in PARAMETERS:
        seen, expected = getattr(ours, name), getattr(theirs, name)
        assert seen.shape == expected.shape, name
        scale = np.abs(expected).max()
        np.testing.assert_allclose(seen, expected, rtol=rtol, atol=rtol * scale, err_msg=name)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.converged_ == theirs.converged_
    np.testing.assert_allclose(ours.lower_bound_, theirs.lower_bound_, rtol=rtol)


def pair(n_components: int = 3, **arguments: object) -> tuple[object, object]:
    """Our estimator and theirs, with the same arguments."""
    return (
        GaussianMixture(n_components, **arguments),
        sklearn.mixture.GaussianMixture(n_components, **arguments),
    )


def some_points(rng: np.random.Generator, n_points: int = 120, nvars: int = 3) -> np.ndarray:
    """Draw three clouds of any shape, far apart."""
    mixing = rng.normal(size=(3, nvars, nvars))
    centres = 4.0 * rng.normal(size=(3, nvars))
    which = rng.integers(0, 3, n_points)
    return centres[which] + np.einsum(
        "nij,nj->ni", mixing[which], rng.normal(size=(n_points, nvars))
    )

"""What models add to the likelihood, and their M-steps, written without anything of mogfit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import dirichlet, invwishart, multivariate_normal

from tests.oracles import Mixture, log_terms

__all__ = ["STRUCTURES", "in_family", "log_prior", "m_step", "objective"]

Array = NDArray[Any]

STRUCTURES = ("full", "diag", "spherical", "tied", "tied_diag", "tied_spherical")


def shaped(covariance: Array, structure: str) -> Array:
    """The diagonal, the mean variance, or the matrix itself."""
    if structure.endswith("diag"):
        return np.diag(np.diag(covariance))
    if structure.endswith("spherical"):
        return np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    return covariance


def in_family(mixture: Mixture, structure: str) -> Mixture:
    """The same weights and means with covariances of a family."""
    weights, means, covariances = mixture
    if structure.startswith("tied"):
        covariances = np.array([np.tensordot(weights, covariances, 1)] * len(weights))
    return Mixture(weights, means, np.array([shaped(c, structure) for c in covariances]))


def log_prior(mixture: Mixture, prior: dict[str, Any], structure: str) -> float:
    """Log density of the prior by scipy's distributions, constants included."""
    total = dirichlet.logpdf(mixture.weights / mixture.weights.sum(), prior["concentration"])
    tied = structure.startswith("tied")
    for k, (mean, covariance) in enumerate(zip(mixture.means, mixture.covariances, strict=True)):
        if k == 0 or not tied:
            total += invwishart.logpdf(covariance, prior["dof"], prior["scale"])
        total += multivariate_normal.logpdf(
            mean, prior["mean"], covariance / prior["mean_strength"]
        )
    return float(total)


def objective(
    mixture: Mixture,
    points: Array,
    sample_weight: Array,
    structure: str,
    prior: dict[str, Any] | None,
    ridge: float,
) -> float:
    """-(log L + log prior - ridge penalty) / sum(s)."""
    terms = log_terms(mixture, points)
    value = sample_weight @ np.logaddexp.reduce(terms, axis=1)
    if prior is not None:
        value += log_prior(mixture, prior, structure)
    for weight, covariance in zip(mixture.weights, mixture.covariances, strict=True):
        value -= 0.5 * ridge * sample_weight.sum() * weight * np.trace(np.linalg.inv(covariance))
    return -float(value) / sample_weight.sum()


def m_step(
    mixture: Mixture,
    points: Array,
    sample_weight: Array,
    structure: str,
    prior: dict[str, Any] | None,
    ridge: float,
    held: dict[str, Array],
) -> Mixture:
    """One EM step by loops over components, the scatter taken about the new means."""
    terms = log_terms(mixture, points)
    shares = np.exp(terms - np.logaddexp.reduce(terms, axis=1)[:, None]) * sample_weight[:, None]
    ngauss, nvars = mixture.means.shape
    counts = shares.sum(axis=0)
    raw = counts + (np.asarray(prior["concentration"]) - 1 if prior else 0.0)
    weights = mixture.weights.copy()
    free = ~held.get("weights", np.zeros(ngauss, bool))
    weights[free] = (1 - weights[~free].sum()) * raw[free] / raw[free].sum()
    strength = prior["mean_strength"] if prior else 0.0
    centre = prior["mean"] if prior else np.zeros(nvars)
    means, scatters, numbers = mixture.means.copy(), [], []
    for k in range(ngauss):
        if not held.get("means", np.zeros(ngauss, bool))[k]:
            means[k] = (shares[:, k] @ points + strength * centre) / (counts[k] + strength)
        scatter = np.zeros((nvars, nvars))
        for share, point in zip(shares[:, k], points, strict=True):
            scatter += share * np.outer(point - means[k], point - means[k])
        number = counts[k]
        if prior:
            scatter += strength * np.outer(means[k] - centre, means[k] - centre)
            number += 1.0
            if not structure.startswith("tied"):
                scatter, number = scatter + prior["scale"], number + prior["dof"] + nvars + 1
        scatters.append(scatter)
        numbers.append(number)
    if structure.startswith("tied"):
        extra = (prior["scale"], prior["dof"] + nvars + 1) if prior else (0.0, 0.0)
        one = (np.sum(scatters, axis=0) + extra[0]) / (np.sum(numbers) + extra[1])
        covariances = np.array([shaped(one, structure)] * ngauss)
    else:
        covariances = np.array(
            [shaped(s / n, structure) for s, n in zip(scatters, numbers, strict=True)]
        )
    covariances = covariances + ridge * np.eye(nvars)
    still = held.get("covariances", np.zeros(ngauss, bool))
    covariances[still] = mixture.covariances[still]
    return Mixture(weights, means, covariances)

"""Maximum likelihood and posterior modes of small data by NumPy and scipy alone.

The mixture is a smooth image of numbers that are free; the objective is written out, its gradient
is by complex steps, and `scipy.optimize.minimize` goes down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

Array = NDArray[Any]

_FREE: tuple[int, ...] = ()


@dataclass
class Problem:
    """Data, what is known beforehand, and the family; `held` maps names to components."""

    points: Array
    structure: str = "full"
    weight: Array | None = None
    noise: Array | None = None  # (N, V, V)
    prior: dict[str, Any] | None = None
    held: dict[str, tuple[int, ...]] = field(default_factory=dict)
    box: Array | None = None  # (2, V), for covariances that are diagonal

    def log_posterior(self, weights: Array, mus: Array, Sigmas: Array) -> Any:
        """log L and the log prior, up to a constant; of complex parameters too."""
        s = np.ones(len(self.points)) if self.weight is None else self.weight
        terms = np.stack(
            [
                np.log(w) + self._logpdf(mu, Sigma)
                for w, mu, Sigma in zip(weights, mus, Sigmas, strict=True)
            ]
        )
        top = terms.real.max(axis=0)
        value = s @ (top + np.log(np.exp(terms - top).sum(axis=0)))
        return value + (0.0 if self.prior is None else self._log_prior(weights, mus, Sigmas))

    def _logpdf(self, mu: Array, Sigma: Array) -> Array:
        seen = ~np.isnan(self.points)
        y = np.where(seen, self.points, 0.0) - np.where(seen, mu, 0.0)
        both = seen[:, :, None] & seen[:, None, :]
        total = Sigma[None] + (0.0 if self.noise is None else self.noise)
        # A variable that was not seen is one of its own, of variance 1 and at its mean.
        total = np.where(both, total, np.eye(len(mu)))
        square = np.einsum("ni,ni->n", y, np.linalg.solve(total, y[:, :, None])[:, :, 0])
        value = -0.5 * (square + np.log(np.linalg.det(total)) + seen.sum(1) * np.log(2 * np.pi))
        if self.box is not None:
            sigma = np.sqrt(np.diag(Sigma))
            mass = _ndtr((self.box[1] - mu) / sigma) - _ndtr((self.box[0] - mu) / sigma)
            value = value - np.log(mass).sum()
        return value

    def _log_prior(self, weights: Array, mus: Array, Sigmas: Array) -> Any:
        prior = self.prior
        assert prior is not None
        d = mus.shape[1]
        value = ((prior["concentration"] - 1.0) * np.log(weights)).sum()
        tied = self.structure.startswith("tied")
        for k, (mu, Sigma) in enumerate(zip(mus, Sigmas, strict=True)):
            log_det = np.log(np.linalg.det(Sigma))
            y = mu - prior["mean"]
            value += -0.5 * log_det - 0.5 * prior["mean_strength"] * (y @ np.linalg.solve(Sigma, y))
            if k == 0 or not tied:
                value -= 0.5 * (prior["dof"] + d + 1) * log_det
                value -= 0.5 * np.trace(np.linalg.solve(Sigma, prior["scale"].astype(Sigma.dtype)))
        return value

    # -- free numbers ----------------------------------------------------------------------------

    def unpack(self, theta: Array, start: tuple[Array, Array, Array]) -> tuple[Array, ...]:
        """Weights, means and covariances of some free numbers; those held are of the start."""
        weights, mus, Sigmas = (np.array(part, dtype=theta.dtype) for part in start)
        ngauss, nvars = mus.shape
        numbers = iter(theta)

        def free(name: str) -> list[int]:
            return [k for k in range(ngauss) if k not in self.held.get(name, _FREE)]

        of = free("weights")
        if of:
            logits = np.array([0.0 * theta[0] if theta.size else 0.0, *_take(numbers, len(of) - 1)])
            mass = 1.0 - sum(weights[k] for k in range(ngauss) if k not in of)
            weights[of] = mass * np.exp(logits) / np.exp(logits).sum()
        for k in free("means"):
            mus[k] = _take(numbers, nvars)
        of = free("covariances")
        tied = self.structure.startswith("tied")
        for k in of[:1] if tied else of:
            one = self._covariance(numbers, nvars, theta.dtype)
            Sigmas[slice(None) if tied else k] = one
        assert next(numbers, None) is None
        return weights, mus, Sigmas

    def _covariance(self, numbers: Any, nvars: int, dtype: Any) -> Array:
        shape = self.structure.removeprefix("tied_")
        if shape == "spherical":
            return np.exp(_take(numbers, 1))[0] * np.eye(nvars)
        if shape == "diag":
            return np.diag(np.exp(_take(numbers, nvars)))
        factor = np.zeros((nvars, nvars), dtype=dtype)
        factor[np.tril_indices(nvars, -1)] = _take(numbers, nvars * (nvars - 1) // 2)
        factor += np.diag(np.exp(_take(numbers, nvars)))
        return factor @ factor.T

    def pack(self, start: tuple[Array, Array, Array]) -> Array:
        """Free numbers of a member of the family."""
        weights, mus, Sigmas = start
        ngauss, nvars = mus.shape
        parts: list[Array] = []

        def free(name: str) -> list[int]:
            return [k for k in range(ngauss) if k not in self.held.get(name, _FREE)]

        of = free("weights")
        if of:
            parts.append(np.log(weights[of][1:] / weights[of][0]))
        parts += [mus[k] for k in free("means")]
        of = free("covariances")
        for k in of[:1] if self.structure.startswith("tied") else of:
            shape = self.structure.removeprefix("tied_")
            if shape == "spherical":
                parts.append(np.log(Sigmas[k, :1, 0]))
            elif shape == "diag":
                parts.append(np.log(np.diag(Sigmas[k])))
            else:
                factor = np.linalg.cholesky(Sigmas[k])
                parts += [factor[np.tril_indices(nvars, -1)], np.log(np.diag(factor))]
        return np.concatenate([np.atleast_1d(part) for part in parts]) if parts else np.zeros(0)

    def maximum(self, start: tuple[Array, Array, Array]) -> tuple[float, tuple[Array, ...]]:
        """The maximum that a descent from a member of the family reaches, and where."""
        total = len(self.points) if self.weight is None else self.weight.sum()

        def objective(theta: Array) -> float:
            return -float(self.log_posterior(*self.unpack(theta, start)).real) / total

        def gradient(theta: Array) -> Array:
            step = 1e-30
            moved = theta + 1j * step * np.eye(len(theta))
            values = [self.log_posterior(*self.unpack(row, start)).imag / step for row in moved]
            return -np.array(values) / total

        theta = self.pack(start)
        for _ in range(3):  # BFGS goes on where rounding ended it
            theta = minimize(objective, theta, jac=gradient, options={"gtol": 1e-10}).x
        assert np.abs(gradient(theta)).max() < 1e-6
        return -total * objective(theta), self.unpack(theta, start)


def _take(numbers: Any, count: int) -> Array:
    return np.array([next(numbers) for _ in range(count)])


def _ndtr(z: Array) -> Array:
    # The first-order term is exact for complex steps.
    density = np.exp(-0.5 * z.real**2) / np.sqrt(2 * np.pi)
    return ndtr(z.real) + 1j * density * z.imag if np.iscomplexobj(z) else ndtr(z)


def ordered(parts: tuple[Array, ...]) -> tuple[Array, ...]:
    """Weights, means and covariances, in decreasing order of weight."""
    order = np.argsort(-np.asarray(parts[0]), kind="stable")
    return tuple(np.asarray(part)[order] for part in parts)

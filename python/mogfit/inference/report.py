"""What a fit did, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mogfit.density.text import counted

__all__ = ["FitReport", "StartRecord"]


@dataclass(frozen=True)
class StartRecord:
    """One start that was tried.

    Attributes
    ----------
    neg_loglik_per_point : float
        -log L / N it reached, on the sample it was last looked at; with a prior -(log L + log
        prior) / N.
    passes : float
        Passes over the data it cost; a pass over a sample counts in proportion.
    stage : str
        How far it got: ``"sample"``, ``"contest"`` (on the data, or a larger sample of many data),
        or ``"finished"``.
    chosen : bool
        Whether the fit continued from it to the end.
    """

    neg_loglik_per_point: float
    passes: float
    stage: str
    chosen: bool


@dataclass(frozen=True)
class FitReport:
    """How a fit went: whether it is at an optimum, why it ended, and what it cost.

    Attributes
    ----------
    converged : bool
        Whether the fit is at an optimum.
    reason : str
        Why it ended, in words.
    method : str
        ``"L-BFGS"``, ``"EM"``, or the scipy method.
    ngauss, nvars, n_points, n_parameters : int
        Sizes: components, variables, points, free parameters.
    total_weight : float
        Sum of the sample weights (N without weights).
    neg_loglik, neg_loglik_per_point : float
        -log L of the data, without the penalty, in the data's units; and divided by the total
        weight.
    gradient_norm : float
        Largest entry of the gradient of the mean log-likelihood in whitened coordinates: an
        optimum has less than 1e-6.
    em_gain : float
        What one more EM step would gain in log L, in nats: an optimum has less than 1e-3.
    passes : float
        Passes over the data, all starts included; a pass over a sample counts in proportion.
    iterations : int
        Iterations of the last stretch.
    starts : tuple of StartRecord
        The starts that were tried, best first.
    seconds_core, seconds_optimizer, seconds_python, seconds_total : float
        Wall time in the compiled core, in scipy, in Python, and altogether.
    threads : int
        Threads the passes could use.
    variant : str
        Variant of the core that ran.
    penalized_components : tuple of int
        Components that the penalty against collapse holds up noticeably.
    covariance : str
        Structure of the covariances.
    log_prior : float
        Log density of the prior, up to a constant; 0.0 without one. The likelihoods above are
        without it, gradient and gain of an EM step are those of the posterior.
    fixed_weights, fixed_means, fixed_covariances : tuple of int
        Components whose weights, means and covariances were held.
    effective_points : float
        Kish's effective size of the weights s, (sum s)^2 / sum s^2 (N without weights): the number
        of points in BIC. NaN in files of before it was kept.
    """

    converged: bool
    reason: str
    method: str
    ngauss: int
    nvars: int
    n_points: int
    n_parameters: int
    total_weight: float
    neg_loglik: float
    neg_loglik_per_point: float
    gradient_norm: float
    em_gain: float
    passes: float
    iterations: int
    starts: tuple[StartRecord, ...] = field(repr=False)
    seconds_core: float
    seconds_optimizer: float
    seconds_python: float
    seconds_total: float
    threads: int
    variant: str
    penalized_components: tuple[int, ...] = ()
    covariance: str = "full"
    log_prior: float = 0.0
    fixed_weights: tuple[int, ...] = ()
    fixed_means: tuple[int, ...] = ()
    fixed_covariances: tuple[int, ...] = ()
    effective_points: float = math.nan

    @property
    def points_per_second(self) -> float:
        """Points that went through a pass, per second of the whole fit."""
        return self.passes * self.n_points / self.seconds_total if self.seconds_total else 0.0

    def _held(self) -> list[str]:
        """Lines on the prior and on what was held."""
        lines = [f"log prior          {self.log_prior:.3f}"] if self.log_prior else []
        for name in ("weights", "means", "covariances"):
            numbers = getattr(self, f"fixed_{name}")
            if numbers:
                which = "all" if len(numbers) == self.ngauss else ", ".join(map(str, numbers))
                lines.append(f"{name + ' held':<19}{which}")
        return lines

    def __str__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        lines = [
            f"{self.method} {state}: {self.reason}",
            f"-log L / N         {self.neg_loglik_per_point:.6f}",
            f"-log L             {self.neg_loglik:.3f}",
            f"model              {counted(self.ngauss, 'component')}, "
            f"{counted(self.nvars, 'variable')}, "
            + ("" if self.covariance == "full" else f"{self.covariance} covariances, ")
            + counted(self.n_parameters, "parameter"),
            *self._held(),
            f"data               {counted(self.n_points, 'point')}"
            + ("" if self.total_weight == self.n_points else f", weight {self.total_weight:g}"),
            f"largest gradient   {self.gradient_norm:.1e}",
            f"one EM step gains  {self.em_gain:.1e} nats",
            f"passes             {self.passes:.1f}, {self.iterations} iterations at the end",
            f"starts             {len(self.starts)}",
            f"seconds            {self.seconds_total:.3f} (core {self.seconds_core:.3f}, "
            f"scipy {self.seconds_optimizer:.3f}, Python {self.seconds_python:.3f}), "
            f"{self.threads} thread{'s' if self.threads != 1 else ''}, {self.variant}",
        ]
        if self.penalized_components:
            held = ", ".join(str(k) for k in self.penalized_components)
            lines.append(f"held by penalty    components {held}")
        return "\n".join(lines)

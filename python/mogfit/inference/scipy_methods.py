"""Any gradient-based or derivative-free method of `scipy.optimize.minimize`, by name."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.errors import DegenerateError, InputError, choice_message
from mogfit.inference.descent import EM_GAIN, GRADIENT_TOLERANCE, ROUNDING_SLACK, Outcome
from mogfit.inference.likelihood import Likelihood, Observer

__all__ = [
    "SCIPY_METHODS",
    "WITH_GRADIENT",
    "canonical_method",
    "require_known_options",
    "run_scipy",
]

Floats = NDArray[np.float64]

WITH_GRADIENT = ("BFGS", "CG", "L-BFGS-B", "Newton-CG", "SLSQP", "TNC", "trust-constr")
_WITHOUT_GRADIENT = ("COBYLA", "COBYQA", "Nelder-Mead", "Powell")
SCIPY_METHODS = WITH_GRADIENT + _WITHOUT_GRADIENT

# A method that ends short of an optimum goes on from there, in coordinates anchored there.
_MAX_ROUNDS = 20

# How much shorter the first steps of a round are after one whose steps all overshot.
_SHORTER = 0.1

# A round that gains no more than rounding in the objective is the last.
_NO_GAIN = 1e-14


def canonical_method(method: str) -> str:
    """The method's name as scipy spells it.

    Raises
    ------
    InputError
        If it is not one that can run here, naming those that can.
    """
    for known in (*SCIPY_METHODS, "EM", "L-BFGS"):
        if isinstance(method, str) and method.lower() == known.lower():
            return known
    raise InputError(choice_message("method", method, ("L-BFGS", "EM", *SCIPY_METHODS)))


def run_scipy(
    likelihood: Likelihood,
    mixture: _core.PreparedMixture,
    method: str,
    *,
    tolerance: float | None = None,
    options: dict[str, Any] | None = None,
    observer: Observer | None = None,
) -> Outcome:
    """Minimise the objective in whitened coordinates with one of scipy's methods.

    Exact gradients go to the methods that use them. A trial point at which a covariance overflows
    or collapses has the value inf and no gradient.
    """
    from scipy.optimize import minimize

    gradient_known = method in WITH_GRADIENT
    given = dict(options or {})
    if given:
        require_known_options(method, given)
    if tolerance is None and method == "L-BFGS-B":
        given = {"ftol": 0.0, "gtol": GRADIENT_TOLERANCE, "maxiter": 2000, "maxcor": 20} | given
    elif tolerance is None and method == "Newton-CG":
        # Its default step of differences is too short for gradients of 1e-6.
        given = {"eps": 1e-5} | given
    elif tolerance is None and method == "SLSQP":
        given = {"ftol": 1e-15, "maxiter": 2000} | given
    elif tolerance is None and method in ("BFGS", "CG"):
        given = {"gtol": GRADIENT_TOLERANCE} | given
    iterations = 0
    optimizer_seconds = 0.0
    scale = 1.0
    for _ in range(_MAX_ROUNDS):
        coordinates = likelihood.coordinates(mixture)
        objective = _Objective(likelihood, coordinates, gradient_known, scale)
        core_before, begun = likelihood.seconds, time.perf_counter()
        try:
            result = minimize(
                objective,
                np.zeros(coordinates.size),
                method=method,
                jac=gradient_known or None,
                tol=tolerance,
                options=given,
                callback=None if observer is None else objective.reporter(observer, iterations),
            )
            count, message = int(result.get("nit", 0)), str(result.message)
            # Rounding ends a line search; a limit on iterations is not rounding.
            settled_by_itself = bool(result.success) or "precision" in message
        except StopIteration:
            # Not every method of every scipy catches what its callback raises.
            count = objective.reported
            message, settled_by_itself = "", False
        optimizer_seconds += time.perf_counter() - begun - (likelihood.seconds - core_before)
        iterations += count
        mixture = coordinates.mixture(objective.best)
        gradient_norm = likelihood.gradient_norm(mixture)
        settled = gradient_norm <= GRADIENT_TOLERANCE or objective.gained < _NO_GAIN
        if settled and objective.overshot and gradient_norm > GRADIENT_TOLERANCE:
            # Every step led out of the mixtures: again with shorter ones.
            scale *= _SHORTER
            continue
        scale = 1.0
        if objective.stopped or settled or not gradient_known or options:
            break
    loglik, following = likelihood.em_step(mixture)
    reached = likelihood.objective(following, likelihood.loglik(following))
    em_gain = likelihood.total * (likelihood.objective(mixture, loglik) - reached)
    slack = ROUNDING_SLACK if settled_by_itself else 1.0
    converged = gradient_norm <= slack * GRADIENT_TOLERANCE and em_gain < EM_GAIN
    if objective.stopped:
        message = "stopped by the callback"
    return Outcome(
        mixture,
        loglik,
        gradient_norm,
        em_gain,
        iterations,
        converged and not objective.stopped,
        f"{message.rstrip('.')}; largest gradient entry {gradient_norm:.1e}",
        optimizer_seconds,
    )


def require_known_options(method: str, options: dict[str, Any]) -> None:
    """Refuse options that scipy would only warn of: a misspelt one must not be lost."""
    from scipy.optimize import OptimizeWarning, minimize

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", "Unknown solver options", OptimizeWarning)
        try:
            minimize(_parabola, np.zeros(2), method=method, jac=True, options=options)
        except OptimizeWarning as warning:
            raise InputError(
                f"options: {warning}; allowed: those of scipy's method {method!r}"
            ) from warning


def _parabola(x: Floats) -> tuple[float, Floats]:
    return float(x @ x), 2.0 * x


class _Objective:
    """The objective as scipy calls it, of theta / scale; remembers the best theta."""

    def __init__(
        self,
        likelihood: Likelihood,
        coordinates: _core.WhitenedCoordinates,
        gradient_known: bool,
        scale: float,
    ) -> None:
        self._likelihood = likelihood
        self._coordinates = coordinates
        self._gradient_known = gradient_known
        self._scale = scale
        self.overshot = False
        self.best = np.zeros(coordinates.size)
        self._best_value = np.inf
        self._first_value = np.nan
        self.reported = 0
        self.stopped = False

    @property
    def gained(self) -> float:
        """How much lower the best value is than the first."""
        return float(self._first_value - self._best_value)

    def __call__(self, x: Floats) -> Any:
        theta = self._scale * x
        try:
            value, gradient, _ = self._likelihood.whitened_objective(self._coordinates, theta)
        except DegenerateError:
            self.overshot = True
            value, gradient = np.inf, np.full(theta.size, np.nan)
        if np.isnan(self._first_value):
            self._first_value = value
        if value < self._best_value:
            self._best_value, self.best = value, np.array(theta)
        return (value, self._scale * gradient) if self._gradient_known else value

    def reporter(self, observer: Observer, iterations_before: int) -> Any:
        """What scipy calls after each iteration."""

        def report(*_: Any) -> bool:
            self.reported += 1
            mixture = self._coordinates.mixture(self.best)
            iteration = iterations_before + self.reported
            if observer(iteration, self._best_value, np.nan, mixture) is False:
                self.stopped = True
                raise StopIteration
            return False

        return report

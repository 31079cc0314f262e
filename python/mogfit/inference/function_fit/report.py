"""What a fit to a function did, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FunctionFitReport", "measure_quality"]

Floats = NDArray[np.float64]


def measure_quality(values: Floats, model: Floats, weights: Floats | None) -> dict[str, Any]:
    """Sums of squares of a model, and what follows from them.

    Parameters
    ----------
    values, model : ndarray of shape (N,)
    weights : ndarray of shape (N,) or None
        Values of weight 0 do not count.

    Returns
    -------
    dict
        ``R2`` = 1 - SS_res / SS_tot, ``RMSE``, ``SS_res`` = sum of the squared residuals,
        ``SS_tot`` = that of the differences from the mean, ``n_points``. With weights all sums
        are weighted; the RMSE is a weighted mean. Of a constant function R2 is NaN.
    """
    counted = np.ones(len(values), dtype=bool) if weights is None else weights > 0
    s = np.ones(len(values)) if weights is None else weights[counted]
    # In units of the largest value, whose square may be no number.
    unit = float(np.abs(values[counted]).max()) or 1.0
    y, fitted = values[counted] / unit, model[counted] / unit
    residual = float(s @ (y - fitted) ** 2)
    total = float(s @ (y - s @ y / s.sum()) ** 2)
    return {
        "R2": 1.0 - residual / total if total > 0.0 else float("nan"),
        "RMSE": float(np.sqrt(residual / s.sum())) * unit,
        "SS_res": residual * unit * unit,
        "SS_tot": total * unit * unit,
        "n_points": len(y),
    }


@dataclass(frozen=True)
class FunctionFitReport:
    """How a fit to a function went: whether it is at an optimum, why it ended, and what it cost.

    Attributes
    ----------
    converged : bool
        Whether the fit is at an optimum.
    reason : str
        Why it ended, in words.
    mode : str
        How the components were found.
    method : str
        ``"LM"`` (Levenberg-Marquardt), or scipy's.
    ngauss, nvars, n_points, n_parameters : int
        Sizes: components, variables, values that count, free parameters.
    R2 : float
        1 - SS_res / SS_tot.
    loss : float
        Sum of the squared residuals over the square of the largest value: MultiMin's loss.
    gradient_norm : float
        Largest cosine between the residuals and the change that a parameter makes to the model:
        an optimum has less than 1e-8.
    evaluations : int
        Evaluations of the model and its derivatives, the whole search included.
    iterations : int
        Iterations of the last descent.
    starts : int
        Short descents of the search.
    seconds_core, seconds_total : float
        Wall time in the compiled core, and altogether.
    empty_components, outside_components, narrow_components : tuple of int
        Components without weight; those whose peak lies so far outside the mesh that their tails
        alone are seen; and those as narrow as the mesh can tell.
    """

    converged: bool
    reason: str
    mode: str
    method: str
    ngauss: int
    nvars: int
    n_points: int
    n_parameters: int
    R2: float
    loss: float
    gradient_norm: float
    evaluations: int
    iterations: int
    starts: int
    seconds_core: float
    seconds_total: float
    empty_components: tuple[int, ...] = field(default=())
    outside_components: tuple[int, ...] = field(default=())
    narrow_components: tuple[int, ...] = field(default=())

    def __str__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        lines = [
            f"{self.method} {state}: {self.reason}",
            f"R2                 {self.R2:.9g}",
            f"loss               {self.loss:.6g}",
            f"model              {self.ngauss} components, {self.nvars} variables, "
            f"{self.n_parameters} parameters (mode {self.mode!r})",
            f"data               {self.n_points} values",
            f"largest gradient   {self.gradient_norm:.1e}",
            f"evaluations        {self.evaluations}, {self.starts} starts, "
            f"{self.iterations} iterations at the end",
            f"seconds            {self.seconds_total:.3f} (core {self.seconds_core:.3f})",
        ]
        for name, held in (
            ("without weight", self.empty_components),
            ("outside the mesh", self.outside_components),
            ("below the mesh", self.narrow_components),
        ):
            if held:
                lines.append(f"{name:<19}components {', '.join(map(str, held))}")
        return "\n".join(lines)

"""How a function is to be fitted, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mogfit.density.components import check_count, is_number
from mogfit.errors import DtypeError, InputError, choice_message, scalar_message
from mogfit.inference.function_fit.problem import Limits
from mogfit.inference.scipy_methods import SCIPY_METHODS

__all__ = ["MODES", "FunctionFitOptions"]

MODES = ("lsq", "multimodal", "noisy", "noisy_multimodal", "adaptive")

_OWN_METHOD = "LM"

# When neither tolerance of the adaptive mode is given: whichever is met first ends it.
_ATOL, _RTOL = 0.99, 1e-3

# Keywords of scipy.optimize.minimize that have no place here, and why.
_REFUSED = {
    "jac": "derivatives are exact already",
    "hess": "derivatives are exact already",
    "hessp": "derivatives are exact already",
    "constraints": "use set_bounds or bounds=",
    "x0": "use set_initial_params",
    "args": "the loss has no further arguments",
    "callback": "use advance= to follow the fit",
}


@dataclass(frozen=True)
class FunctionFitOptions:
    """What `FitFunctionMoG.fit_data` was asked for."""

    mode: str
    method: str
    limits: Limits
    tolerance: float | None
    options: dict[str, Any] = field(default_factory=dict)
    atol: float | None = None
    rtol: float | None = None
    maxgauss: int = 50
    wtol: float = 1e-2
    threads: int = 0

    @property
    def fixed_means(self) -> bool:
        """Whether the means stay at the peaks."""
        return self.mode in ("multimodal", "noisy_multimodal")

    @property
    def by_scipy(self) -> bool:
        """Whether one of scipy's methods is to end the fit."""
        return self.method != _OWN_METHOD

    @classmethod
    def checked(
        cls,
        *,
        mode: str,
        atol: float | None,
        rtol: float | None,
        maxgauss: int,
        wtol: float,
        method: str | None,
        tolerance: float | None,
        options: Mapping[str, Any] | None,
        threads: int | None,
        others: Mapping[str, Any],
    ) -> FunctionFitOptions:
        """Check what the user asked for.

        Raises
        ------
        InputError
            Naming the argument that cannot be used and what is allowed.
        """
        for name in others:
            reason = _REFUSED.get(name, "of scipy.optimize.minimize: method, tol, options, bounds")
            raise InputError(f"fit_data: the keyword {name!r} is not taken; {reason}")
        if not isinstance(mode, str) or mode not in MODES:
            raise InputError(choice_message("mode", mode, MODES))
        for name, value, most in (("atol", atol, 1.0), ("rtol", rtol, np.inf)):
            if value is not None and not (is_number(value) and 0 <= value <= most):
                raise InputError(scalar_message(name, value, f"a number from 0 to {most:g}"))
        if not (is_number(wtol) and 0 <= wtol < 1):
            raise InputError(scalar_message("wtol", wtol, "a number from 0 to below 1"))
        if tolerance is not None and not (is_number(tolerance) and 0 < tolerance < np.inf):
            raise InputError(scalar_message("tol", tolerance, "a number > 0"))
        if options is not None and not isinstance(options, Mapping):
            raise DtypeError(scalar_message("options", options, "a mapping of names to values"))
        name = _known_method(method)
        given = dict(options or {})
        limits = Limits()
        if name == _OWN_METHOD:
            for key in given:
                if key != "maxiter":
                    raise InputError(
                        f"{choice_message('options', key, ('maxiter',))}; those of scipy's methods "
                        "need method= too"
                    )
            limits = Limits(
                check_count(given.get("maxiter", limits.iterations), "options['maxiter']", 1),
                limits.tolerance if tolerance is None else float(tolerance),
            )
        if atol is None and rtol is None:
            atol, rtol = _ATOL, _RTOL
        return cls(
            mode,
            name,
            limits,
            tolerance,
            given,
            atol,
            rtol,
            check_count(maxgauss, "maxgauss", 1),
            float(wtol),
            0 if threads is None else check_count(threads, "threads", 1),
        )


def _known_method(method: str | None) -> str:
    if method is None:
        return _OWN_METHOD
    for known in (_OWN_METHOD, *SCIPY_METHODS):
        if isinstance(method, str) and method.lower() == known.lower():
            return known
    raise InputError(choice_message("method", method, (_OWN_METHOD, *SCIPY_METHODS)))

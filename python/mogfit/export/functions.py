"""`get_function`: the density of a mixture as source, and as a function made of that source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, choice_message
from mogfit.export.c_source import c_source
from mogfit.export.latex import latex_source
from mogfit.export.python_source import python_source

__all__ = ["get_function"]


def get_function(
    mog: Mixture,
    print_code: bool = True,
    decimals: int | None = 6,
    type: str = "python",
    properties: Any = None,
    cmog: bool = False,
) -> tuple[str, Callable[[Any], Any] | None]:
    """Write the density of a mixture as source; return it, and a function made of it.

    Takes, returns and raises what `mogfit.MixtureOfGaussians.get_function` does.

    Examples
    --------
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(weights=[0.5, 0.5], mus=[0, 2.5], Sigmas=[1, 0.25])
    >>> code, density = get_function(mog, print_code=False)
    >>> round(density(1.3), 12)
    0.108078826319
    """
    if type not in ("python", "latex", "c"):
        raise InputError(choice_message("type", type, ("python", "latex", "c")))
    if cmog and type != "python":
        raise InputError(f"cmog: True seen with type={type!r}; allowed with type='python' alone")
    if type == "python":
        code = python_source(mog, decimals, properties, cmog)
    elif type == "latex":
        code = latex_source(mog, decimals, properties)
    else:
        code = c_source(mog, properties=properties)
    function = _function_of(code) if type == "python" else None
    if print_code:
        print(code)  # noqa: T201  (asked for)
    return code, function


def _function_of(code: str) -> Callable[[Any], Any]:
    """The function ``mog`` of a source that `python_source` has written."""
    names: dict[str, Any] = {"__name__": "mogfit_function"}
    # Nothing in the source comes from outside: numbers, and letters of names.
    exec(compile(code, "<mogfit.get_function>", "exec"), names)
    function: Callable[[Any], Any] = names["mog"]
    return function

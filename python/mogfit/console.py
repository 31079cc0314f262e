"""What mogfit says on the console when asked to: ``mogfit.verbose`` and ``MOGFIT_VERBOSE``.

A library prints nothing by itself. With ``mogfit.verbose = True`` the reports and timings that
MultiMin prints come back.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["set_in_environment", "shows_reports", "tell", "timed"]

Method = TypeVar("Method", bound=Callable[..., Any])


def set_in_environment(variable: str) -> bool:
    """Whether an environment variable says yes: 1, true, yes or on, in any case."""
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on")


def shows_reports() -> bool:
    """Whether reports are to be printed: the user's ``mogfit.verbose``, read at each call."""
    return bool(getattr(sys.modules.get("mogfit"), "verbose", False))


def tell(*lines: str) -> None:
    """Print lines if the user wants reports."""
    if shows_reports():
        print("\n".join(lines))  # noqa: T201  (asked for)


def timed(method: Method) -> Method:
    """Let a method tell how long each call took, if the user wants reports."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        result = method(self, *args, **kwargs)
        seconds = time.perf_counter() - begun
        tell(f"{type(self).__name__}.{method.__name__} executed in {seconds} seconds")
        return result

    return wrapper  # type: ignore[return-value]

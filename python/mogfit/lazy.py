"""Names of a module that are imported when they are first asked for (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    module: str, homes: Mapping[str, str | None]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a module with names that live elsewhere.

    Parameters
    ----------
    module : str
        Its ``__name__``.
    homes : mapping of str to str or None
        The module that each name lives in; None for a submodule of this one.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home = homes[name]
        return (
            import_module(f"{module}.{name}")
            if home is None
            else getattr(import_module(home), name)
        )

    def names() -> list[str]:
        return sorted({*vars(sys.modules[module]), *homes})

    return get, names

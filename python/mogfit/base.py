"""`MultiMinBase`: what the classes of mogfit share."""

from __future__ import annotations

import copy as copy_module
import inspect
from typing import Any

__all__ = ["MultiMinBase", "first_paragraph", "summary_of"]


def first_paragraph(text: str | None) -> str:
    """What stands before the first empty line of a text, on one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())


def summary_of(documented: Any) -> str:
    """First paragraph of the docstring of a function, method or class, on one line."""
    text = inspect.getdoc(documented)
    summary = first_paragraph(text)
    if text and summary.startswith(f"{getattr(documented, '__name__', '')}("):
        # Compiled functions, NumPy's for example, begin with how they are called.
        return first_paragraph(text.strip().partition("\n\n")[2])
    return summary


class MultiMinBase:
    """Base of the classes: a copy, a list of the methods, and plain texts.

    The name is MultiMin's, whose scripts ask for it.

    Examples
    --------
    >>> import mogfit as mn
    >>> mn.MultiMinBase().copy()
    MultiMinBase({})
    """

    @classmethod
    def describe(cls) -> None:
        """Print each public method of the class with the summary of its docstring."""
        lines = ["", "Available methods for this object/class", "=" * (30 + len(cls.__name__))]
        for name in sorted(dir(cls)):
            method = getattr(cls, name)
            if not name.startswith("_") and callable(method):
                lines += [f"  {name}()", f"    {summary_of(method)}", ""]
        print("\n".join(lines))  # noqa: T201  (printing is what it is for)

    def copy(self) -> Any:
        """Return an independent copy."""
        return copy_module.deepcopy(self)

    def __str__(self) -> str:
        return str({key: value for key, value in vars(self).items() if not key.startswith("_")})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"

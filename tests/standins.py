"""Objects that pickle as MultiMin's do, without MultiMin."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def multimin_like(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Make objects of classes that are named as MultiMin's, which pickles refer to by name."""
    with monkeypatch.context() as patch:
        modules: dict[str, types.ModuleType] = {}

        def make(module: str, name: str, **attributes: Any) -> Any:
            for part in (module.partition(".")[0], module):
                if part not in modules:
                    modules[part] = types.ModuleType(part)
                    patch.setitem(sys.modules, part, modules[part])
            kind = getattr(modules[module], name, None)
            if kind is None:
                kind = type(name, (), {"__module__": module})
                setattr(modules[module], name, kind)
            made = kind()
            vars(made).update(attributes)
            return made

        yield make

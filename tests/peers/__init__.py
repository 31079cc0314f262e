"""MultiMin 0.11.2 as a black box: the same calls, the same answers."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any

import pytest

os.environ["MULTIMIN_NO_WELCOME"] = "1"


def __getattr__(name: str) -> Any:
    """``from tests.peers import multimin`` skips the module that asks, where there is none."""
    if name == "multimin":
        return pytest.importorskip(
            "multimin", reason="MultiMin is not installed; pip install 'mogfit[peers]' brings it"
        )
    raise AttributeError(name)


def quietly(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)

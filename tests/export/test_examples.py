"""The examples in the docstrings of the exports."""

from __future__ import annotations

import doctest
import importlib

import pytest

ROOMS = ["c_source", "frozen", "functions", "latex", "mixture_record", "names"]
ROOMS += ["python_source", "tables"]


@pytest.mark.parametrize("room", ROOMS)
def test_the_examples_show_what_comes_out(room):
    found = doctest.testmod(importlib.import_module(f"mogfit.export.{room}"))
    assert found.attempted > 0
    assert found.failed == 0

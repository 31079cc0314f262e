"""The measures as methods: their examples run."""

from __future__ import annotations

import doctest

import pytest

from mogfit import mixture_information, mixture_measures


@pytest.mark.parametrize(
    ("module", "examples"), [(mixture_information, 14), (mixture_measures, 20)]
)
def test_doctests(module, examples):
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted > examples

"""The measures as methods: their examples run."""

from __future__ import annotations

import doctest

from mogfit import mixture_measures


def test_doctests():
    results = doctest.testmod(mixture_measures)
    assert results.failed == 0
    assert results.attempted > 30

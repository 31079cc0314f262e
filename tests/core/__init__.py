"""Tests of the compiled core, each against an oracle that shares nothing with it."""

from __future__ import annotations

from mogfit import _core
from tests.oracles import Mixture

__all__ = ["CHUNK_EDGES", "DIMENSIONS", "EDGES", "prepare"]

# Around every length of lane, block and chunk that an implementation is likely to have.
EDGES = [
    *(0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129),
    *(255, 256, 257, 511, 512, 513, 1000, 2047, 2048, 2049, 5000),
]
CHUNK_EDGES = [65535, 65536, 65537, 131073]

DIMENSIONS = [*range(1, 21), 32, 33, 64, 65]


def prepare(mixture: Mixture) -> _core.PreparedMixture:
    """The core's own form of a mixture."""
    return _core.PreparedMixture(*mixture)

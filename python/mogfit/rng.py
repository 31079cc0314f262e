"""Seeds for the core's counter-based generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from mogfit.errors import DtypeError, InputError, scalar_message

__all__ = ["draw_seed"]


def draw_seed(rng: Any = None, name: str = "rng") -> int:
    """A 64-bit seed from what users pass as a source of randomness.

    Parameters
    ----------
    rng : None, int, numpy.random.Generator or numpy.random.RandomState
        None takes one draw from numpy's global state, so that ``np.random.seed`` makes a script
        repeatable; otherwise the global state is not touched. An int is a seed: the same draws at
        every call. A generator is advanced by one draw.

    Raises
    ------
    InputError
        If an int is negative.
    DtypeError
        If `rng` is none of these.
    """
    if rng is None:
        # The legacy state on purpose: it is the one np.random.seed sets.
        return int(np.random.randint(0, 2**63 - 1, dtype=np.int64))  # noqa: NPY002
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**63 - 1, dtype=np.int64))
    if isinstance(rng, np.random.RandomState):
        return int(rng.randint(0, 2**63 - 1, dtype=np.int64))
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise InputError(scalar_message(name, rng, "a whole number >= 0"))
        return int(np.random.SeedSequence(int(rng)).generate_state(1, np.uint64)[0])
    raise DtypeError(
        scalar_message(name, rng, "None, a whole number >= 0, or a numpy.random.Generator")
    )

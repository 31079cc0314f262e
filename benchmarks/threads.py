"""Threads: how many there are, and how others are kept to their share."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any


def limited(threads: int) -> AbstractContextManager[Any]:
    """Keep BLAS and OpenMP of this process to a number of threads, for a while."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise SystemExit(
            "the benchmarks keep every library to the same number of threads with the package "
            "threadpoolctl, which is not installed; it comes with scikit-learn"
        ) from None
    limits: AbstractContextManager[Any] = threadpool_limits(limits=threads)
    return limits


def available() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""The machine and the versions that a set of results belongs to."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from benchmarks.measure import seconds_of
from benchmarks.peers import versions
from benchmarks.threads import available, limited


def description() -> dict[str, str]:
    """What the results depend on, by name."""
    lines = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "processor": f"{_processor()}, {available()} available",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    return {**lines, **versions()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip() + _vector_units(cpuinfo.read_text())
    return platform.processor() or "unknown"


def _vector_units(cpuinfo: str) -> str:
    flags = set(cpuinfo.split())
    if "avx512f" in flags:
        return " with AVX-512"
    return " with AVX2" if "avx2" in flags else ""


def dgemm_gflops() -> float:
    """Rate of a 1024 x 1024 matrix product in NumPy's BLAS on one thread, the best of five."""
    size = 1024
    left, right = np.random.default_rng(0).standard_normal((2, size, size))
    out = np.empty_like(left)
    with limited(1):
        fastest = min(seconds_of(lambda: np.matmul(left, right, out=out)) for _ in range(5))
    return 2.0 * size**3 / fastest / 1e9

"""What every test may use: one hypothesis profile, seeds that repeat, the compiled variants."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from mogfit import _core

# The same examples in every run; HYPOTHESIS_PROFILE=thorough searches for new ones.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).parent.parent


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator of the test's own: its seed is the test's name."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a piece of code in a fresh interpreter, with some of the environment changed.

    A value of None removes a variable. The code must succeed unless `check` is False.
    """

    def run(
        code: str,
        *arguments: object,
        check: bool = True,
        timeout: float = 60.0,
        **environment: object,
    ) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, **{k: str(v) for k, v in environment.items() if v is not None}}
        for name, value in environment.items():
            if value is None:
                given.pop(name, None)
        result = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=ROOT,
            env=given,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert not check or result.returncode == 0, result.stderr
        return result

    return run


@pytest.fixture(params=_core.available_variants())
def variant(request: pytest.FixtureRequest) -> str:
    """Every variant of the core that was built and that this machine runs."""
    return str(request.param)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; return the exit code, stdout and stderr."""
    from mogfit.cli import main

    def run_main(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_main

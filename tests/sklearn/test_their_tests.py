"""scikit-learn's own tests of its mixtures, with ours in their place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sklearn import their_tests


def test_their_own_tests_pass_on_ours():
    done = subprocess.run(
        [sys.executable, their_tests.__file__, "-rN"],
        cwd=Path(their_tests.__file__).parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    if done.returncode == their_tests.NOT_SHIPPED:
        pytest.skip("the installed scikit-learn came without its tests")
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 40, done.stdout

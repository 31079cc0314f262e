"""One thread for scikit-learn's matrix products: on small data several wait for one another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="package", autouse=True)
def _one_thread_for_blas() -> Iterator[None]:
    with threadpool_limits(1):
        yield

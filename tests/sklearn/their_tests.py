"""Run the installed scikit-learn's own tests of mixtures with mogfit's classes in place of its own.

``python tests/sklearn/their_tests.py [arguments of pytest]``; single precision is tested as well.
The exit code is pytest's, `NOT_SHIPPED` where the installed scikit-learn came without its tests.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

NOT_SHIPPED = 77

# Tests left out, and why: each looks at what only their class has inside.
PRIVATE = "calls scikit-learn's private functions, whichever class is in place"
EXCLUDED = {
    "test_gaussian_mixture_precisions_init": (
        "calls _set_parameters and _initialize with arrays of responsibilities; "
        "test_gaussian_mixture.py tests precisions_init through fit"
    ),
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": (
        "counts calls of their private _estimate_gaussian_parameters"
    ),
    "test_gaussian_mixture_array_api_compliance": (
        "arrays on other devices: the core computes on the CPU, in NumPy arrays"
    ),
}


def main(arguments: list[str]) -> int:
    """Run them; return pytest's exit code."""
    found = find_spec("sklearn.mixture.tests")
    if found is None or not found.submodule_search_locations:
        return NOT_SHIPPED
    folder = Path(next(iter(found.submodule_search_locations)))
    # Read by scikit-learn's conftest.py.
    os.environ["SKLEARN_RUN_FLOAT32_TESTS"] = "1"

    import pytest
    import sklearn.mixture

    import mogfit.sklearn

    modules = [folder / "test_mixture.py", folder / "test_gaussian_mixture.py"]
    for name in mogfit.sklearn.__all__:
        setattr(sklearn.mixture, name, getattr(mogfit.sklearn, name))
    if "BayesianGaussianMixture" in mogfit.sklearn.__all__:
        modules.append(folder / "test_bayesian_mixture.py")
    left_out = " or ".join(EXCLUDED)
    return int(
        pytest.main(
            [
                *map(str, modules),
                f"--rootdir={folder}",
                "--config-file=/dev/null",
                "-p no:cacheprovider",
                "--tb=short",
                "-q",
                f"-k not ({left_out})",
                *arguments,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

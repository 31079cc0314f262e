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

# Parts of the names of tests that are left out, and why.
_PRIVATE = "calls private functions of theirs, whichever class is in place"
_ARRAYS = "arrays of other libraries, on other devices: the core takes NumPy's"
EXCLUDED = {
    "test_suffstat_sk": _PRIVATE,
    "test_gaussian_suffstat_sk_spherical": _PRIVATE,
    "test_compute_log_det_cholesky": _PRIVATE,
    "test_gaussian_mixture_log_probabilities": _PRIVATE,
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": (
        "counts the calls of a private function of theirs"
    ),
    # precisions_init is tested through fit in test_gaussian_mixture.py.
    "test_gaussian_mixture_precisions_init[": (
        "calls the private _set_parameters and _initialize with arguments of theirs"
    ),
    "array_api": _ARRAYS,
    "test_log_dirichlet_norm": _PRIVATE,
    "test_log_wishart_norm": _PRIVATE,
    # What it shows is in test_bayesian_mixture.py, seen through max_iter=0.
    "test_compare_covar_type": (
        "calls the private _check_parameters and _initialize_parameters with arguments of theirs"
    ),
    # The rest of it is in test_bad_input.py.
    "test_check_weights": (
        "expects a message in which the largest and the smallest weight are exchanged"
    ),
}

# Before 1.7 some of the messages that they expect had other words.
OTHER_WORDS = ("test_gaussian_mixture_fit_convergence_warning", "test_regularisation")


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

    older = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7)
    excluded = (*EXCLUDED, *(OTHER_WORDS if older else ()))

    class LeaveOut:
        """A plugin that deselects what is excluded."""

        @staticmethod
        def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
            kept = [item for item in items if not any(part in item.name for part in excluded)]
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept

    options = [f"--rootdir={folder}", f"--config-file={os.devnull}", "-p no:cacheprovider"]
    return int(
        pytest.main([*map(str, modules), *options, "--tb=short", "-q", *arguments], [LeaveOut()])
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

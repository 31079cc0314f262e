"""The compiled core: the best variant for this CPU, chosen when it is first imported.

The same C++ sources are built once for each x86-64 level (v2, v3 with AVX2, v4 with AVX-512), or
once as ``portable`` on other architectures. The environment variable ``MOGFIT_ISA`` forces one.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from ._cpu import supported_levels

LEVELS = ("v4", "v3", "v2", "portable")

# What a C int holds.
MAX_THREADS = 2**31 - 1


def available_variants() -> tuple[str, ...]:
    """Variants that were built and that this CPU runs, best first."""
    runs = {*supported_levels(), "portable"}
    return tuple(
        level for level in LEVELS if level in runs and find_spec(f"{__name__}._{level}") is not None
    )


def _choose() -> tuple[str, ModuleType]:
    available = available_variants()
    if not available:
        raise ImportError(
            "mogfit: no variant of the compiled core runs on this CPU; it needs x86-64-v2 "
            "(SSE4.2) or a build from source on this machine"
        )
    wanted = os.environ.get("MOGFIT_ISA", "").strip().lower()
    if wanted and wanted not in available:
        raise ImportError(
            f"MOGFIT_ISA={wanted!r}: this machine can run {', '.join(available)}; "
            "set it to one of these, or unset it for the best"
        )
    variant = wanted or available[0]
    # Idle OpenMP threads spin by default: beside other programs, small passes then take twenty
    # times as long. Only OpenMP's first start reads this, and what users set stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return variant, import_module(f"{__name__}._{variant}")


def _check_omp_num_threads() -> None:
    """OpenMP ignores a bad OMP_NUM_THREADS in silence, or with a line on stderr: warn instead."""
    value = os.environ.get("OMP_NUM_THREADS")
    if value is None:
        return
    levels = [level.strip() for level in value.split(",")]
    if not all(level.isdigit() and 1 <= int(level) <= MAX_THREADS for level in levels):
        warnings.warn(
            f"OMP_NUM_THREADS={value!r} is not a positive whole number; "
            f"using {_module.get_num_threads()} threads",
            RuntimeWarning,
            stacklevel=2,
        )


variant, _module = _choose()
_check_omp_num_threads()

BumpFit = _module.BumpFit
Descent = _module.Descent
FunctionMesh = _module.FunctionMesh
Model = _module.Model
Moments = _module.Moments
Observations = _module.Observations
PreparedMixture = _module.PreparedMixture
Prior = _module.Prior
WhitenedCoordinates = _module.WhitenedCoordinates
box_probability = _module.box_probability
component_logpdf = _module.component_logpdf
constrained = _module.constrained
count_nonfinite = _module.count_nonfinite
data_pass = _module.data_pass
descend = _module.descend
em_run = _module.em_run
em_step = _module.em_step
get_num_threads = _module.get_num_threads
gradient_factors = _module.gradient_factors
gradient_stdcorr = _module.gradient_stdcorr
kmeans_labels = _module.kmeans_labels
kmeans_start = _module.kmeans_start
label_moments = _module.label_moments
log_likelihood = _module.log_likelihood
log_masses_of_means = _module.log_masses_of_means
logpdf = _module.logpdf
pdf = _module.pdf
penalty_value = _module.penalty_value
posterior = _module.posterior
posterior_draws = _module.posterior_draws
responsibilities = _module.responsibilities
sample = _module.sample
set_num_threads = _module.set_num_threads

build_info: dict[str, object] = {
    "compiler": _module.compiler,
    "eigen": _module.eigen_version,
    "openmp": _module.has_openmp,
    "lane_doubles": _module.lane_doubles,
}

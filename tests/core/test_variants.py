"""The compiled variants: chosen by MOGFIT_ISA, and the same to rounding."""

from __future__ import annotations

import functools
import platform
import sys

import numpy as np
import pytest

from mogfit import _core
from tests import oracles
from tests.core import DIMENSIONS
from tests.strategies import make_mixture, make_points

COUNT = 700
CASES = [(nvars, 3) for nvars in DIMENSIONS] + [(1, 1), (2, 40), (3, 20), (6, 10)]

# Evaluates every case in a file of inputs, and writes a file of results.
EVALUATE = """
import sys
import numpy as np
from mogfit import _core
given, results = dict(np.load(sys.argv[1])), {}
for case in sorted({name.split("/")[0] for name in given}):
    part = {n.split("/")[1]: v for n, v in given.items() if n.startswith(case + "/")}
    points, weight = part["points"], part["sample_weight"]
    mixture = _core.PreparedMixture(part["weights"], part["means"], part["covariances"])
    moments = _core.data_pass(mixture, points, weight)
    # The penalty keeps components up that hold fewer points than they have variables.
    loglik, after = _core.em_step(mixture, points, weight, 0.01, np.eye(points.shape[1]))
    coordinates = _core.WhitenedCoordinates(mixture)
    theta = 0.01 * np.cos(np.arange(coordinates.size))
    drawn, labels = _core.sample(mixture, 3000, 17)
    values = dict(
        factors=mixture.factors, logpdf=_core.logpdf(mixture, points),
        component_logpdf=_core.component_logpdf(mixture, points),
        pdf=_core.pdf(mixture, points), responsibilities=_core.responsibilities(mixture, points),
        single=_core.logpdf(mixture, points.astype(np.float32)),
        far=_core.logpdf(mixture, 1e6 * points),
        loglik=moments.loglik, s0=moments.s0, s1=moments.s1, s2=moments.s2,
        em_loglik=loglik, em_weights=after.weights, em_means=after.means, em_factors=after.factors,
        gradient=coordinates.objective(theta, points, weight, 0.0, None)[1],
        drawn=drawn, labels=labels,
    )
    for number, gradient in enumerate(_core.gradient_factors(mixture, moments)
                                      + _core.gradient_stdcorr(mixture, moments)):
        values[f"gradient{number}"] = gradient
    results |= {f"{case}/{name}": value for name, value in values.items()}
np.savez(sys.argv[2], variant=_core.variant, **results)
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    given = {}
    for nvars, ngauss in CASES:
        mixture = make_mixture(nvars, ngauss)
        case = f"d={nvars},K={ngauss}"
        given |= {f"{case}/{name}": value for name, value in mixture._asdict().items()}
        given[f"{case}/points"] = make_points(mixture, COUNT, inflate=1.5)
        given[f"{case}/sample_weight"] = np.random.default_rng(nvars).exponential(size=COUNT)
    path = tmp_path_factory.mktemp("variants") / "inputs.npz"
    np.savez(path, **given)
    return path


@pytest.fixture(scope="module")
def results_of(inputs, run_python, tmp_path_factory):
    """The results of a variant, computed when they are first asked for."""
    folder = tmp_path_factory.mktemp("results")

    @functools.cache
    def results(isa):
        path = folder / f"{isa}.npz"
        run_python(EVALUATE, inputs, path, MOGFIT_ISA=isa)
        return dict(np.load(path))

    return results


def test_the_variant_is_the_one_asked_for(variant, results_of):
    assert results_of(variant)["variant"] == variant


def test_every_variant_agrees_with_the_one_in_use(variant, results_of):
    expected_results = results_of(_core.variant)
    assert len(expected_results) > 20 * len(CASES)
    for name, expected in expected_results.items():
        if name == "variant":
            continue
        seen = results_of(variant)[name]
        if name.endswith("/labels"):
            np.testing.assert_array_equal(seen, expected, err_msg=name)
            continue
        # Condition 10: some eps * d * 10 for log densities and moments, relative to the largest.
        # The share of a component is as small as its exponent is large: exp keeps digits of it.
        size = abs(expected).max(initial=0.0)
        rtol, atol = (1e-11, 1e-300) if name.endswith(("/pdf", "/responsibilities")) else (
            1e-12, 1e-12 * size)  # fmt: skip
        np.testing.assert_allclose(seen, expected, rtol=rtol, atol=atol, err_msg=name)


def test_every_variant_agrees_with_the_textbook(variant, inputs, results_of):
    given, results = dict(np.load(inputs)), results_of(variant)
    for nvars, ngauss in CASES:
        case = f"d={nvars},K={ngauss}"
        mixture = oracles.Mixture(*(given[f"{case}/{n}"] for n in oracles.Mixture._fields))
        expected = oracles.numpy_moments(
            mixture, given[f"{case}/points"], given[f"{case}/sample_weight"]
        )
        for name, value in expected._asdict().items():
            seen = results[f"{case}/{name}"]
            size = 10 * abs(np.asarray(value)).max()
            np.testing.assert_allclose(
                seen, value, rtol=1e-12, atol=1e-12 * size, err_msg=f"{case} {name}"
            )


@pytest.mark.parametrize("asked", [str.upper, "  {} ".format])
def test_the_name_of_a_variant_is_read_with_tolerance(asked, variant, run_python):
    code = "from mogfit import _core; print(_core.variant)"
    assert run_python(code, MOGFIT_ISA=asked(variant)).stdout.strip() == variant


@pytest.mark.parametrize("asked", [None, ""])
def test_the_best_variant_is_the_default(asked, run_python):
    code = "from mogfit import _core; print(_core.variant)"
    assert run_python(code, MOGFIT_ISA=asked).stdout.strip() == _core.available_variants()[0]


@pytest.mark.parametrize("asked", ["nonsense", "v5", "avx2", "portable!"])
def test_an_unknown_variant_is_refused_in_clear_words(asked, run_python):
    result = run_python("import mogfit; mogfit.MixtureOfGaussians", check=False, MOGFIT_ISA=asked)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert "MOGFIT_ISA" in last
    assert repr(asked) in last
    for name in _core.available_variants():
        assert name in last


def test_a_variant_of_another_processor_is_refused(run_python):
    foreign = "portable" if "portable" not in _core.available_variants() else "v3"
    result = run_python("from mogfit import _core", check=False, MOGFIT_ISA=foreign)
    assert result.returncode == 1
    assert "MOGFIT_ISA" in result.stderr


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64") or sys.platform != "linux",
    reason="the flags of /proc/cpuinfo on x86-64",
)
def test_available_variants_are_those_that_the_processor_runs():
    with open("/proc/cpuinfo") as file:
        flags = set(next(line for line in file if line.startswith("flags")).split())
    v3 = {"avx2", "fma", "bmi2", "f16c", "movbe"} <= flags
    v4 = v3 and {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"} <= flags
    expected = [name for name, runs in (("v4", v4), ("v3", v3), ("v2", True)) if runs]
    assert list(_core.available_variants()) == expected


def test_the_configuration_names_the_variant(variant, run_python):
    code = "import mogfit; print(mogfit.get_config()['variant']); mogfit.show_config()"
    lines = run_python(code, MOGFIT_ISA=variant).stdout.splitlines()
    assert lines[0] == variant
    assert any("variant" in line and variant in line for line in lines[1:])

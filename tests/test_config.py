"""What an installation says of itself, and threads."""

from __future__ import annotations

import os
import platform

import numpy as np
import pytest

import mogfit
from mogfit import InputError, _core
from tests.fitting import POINTS, START


@pytest.fixture(autouse=True)
def _default_threads():
    yield
    mogfit.set_num_threads(None)


def test_the_configuration_names_what_a_report_of_a_problem_needs():
    config = mogfit.get_config()
    assert set(config) >= {
        "version",
        "variant",
        "available",
        "threads",
        "openmp",
        "compiler",
        "eigen",
        "numpy",
        "scipy",
        "python",
    }
    assert config["numpy"] == np.__version__
    assert config["python"] == platform.python_version()
    assert config["variant"] == config["available"][0] or os.environ.get("MOGFIT_ISA")
    assert config["version"] == mogfit.__version__


def test_show_config_prints_one_line_for_each_entry(capsys):
    assert mogfit.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(mogfit.get_config())
    assert len({line.index(line.split()[1]) for line in lines}) == 1, "one column"


def test_an_unknown_attribute_is_missing_as_in_any_module():
    with pytest.raises(AttributeError, match="'mogfit' has no attribute 'MixtureOfGaussian'"):
        _ = mogfit.MixtureOfGaussian


def test_the_number_of_threads_is_set_and_given_back():
    default = mogfit.get_num_threads()
    mogfit.set_num_threads(3)
    assert mogfit.get_num_threads() == 3
    mogfit.set_num_threads(None)
    assert mogfit.get_num_threads() == default


@pytest.mark.parametrize("n", [0, -1, 2.0, "2", True, [2]])
def test_what_is_no_number_of_threads_is_refused(n):
    before = mogfit.get_num_threads()
    with pytest.raises(InputError, match=r"^n: .*whole number"):
        mogfit.set_num_threads(n)
    assert mogfit.get_num_threads() == before


@pytest.mark.parametrize("threads", [1, 2, 3, 7, 64])
def test_threads_change_no_bit_of_a_density(threads):
    points = np.tile(POINTS, (30, 1))  # enough for many threads to share
    expected = START.logpdf(points, threads=1)
    assert START.logpdf(points, threads=threads).tobytes() == expected.tobytes()
    mogfit.set_num_threads(threads)
    assert START.logpdf(points).tobytes() == expected.tobytes()


def test_default_threads_stay_within_the_cpus_allowed(run_python):
    code = "import mogfit; print(mogfit.get_num_threads())"
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    seen = int(run_python(code, OMP_NUM_THREADS=None).stdout)
    assert 1 <= seen <= (allowed or 1)
    if hasattr(os, "sched_setaffinity"):
        pinned = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {code}"
        assert run_python(pinned, OMP_NUM_THREADS=None).stdout.split() == ["1"]


def test_omp_num_threads_is_honoured(run_python):
    code = "import mogfit; print(mogfit.get_num_threads())"
    assert run_python(code, OMP_NUM_THREADS="1").stdout.split() == ["1"]


@pytest.mark.parametrize("value", ["0", "abc", "-3", "1.5", ""])
def test_a_bad_omp_num_threads_warns_and_falls_back(run_python, value):
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    import mogfit; n = mogfit.get_num_threads()\n"
        "print(n); print(seen[0].message if seen else 'silent')\n"
        "print(mogfit.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0]).pdf(0.0))"
    )
    threads, message, density = run_python(code, OMP_NUM_THREADS=value).stdout.splitlines()
    assert int(threads) >= 1
    assert f"OMP_NUM_THREADS={value!r} is not a positive whole number" in message
    assert float(density) == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-15)


def test_a_variant_that_cannot_run_is_named_with_those_that_can(run_python):
    result = run_python("import mogfit; mogfit.get_config()", check=False, MOGFIT_ISA="v9")
    assert result.returncode != 0
    assert f"MOGFIT_ISA='v9': this machine can run {', '.join(_core.available_variants())}" in (
        result.stderr
    )


def test_every_variant_is_forced_by_name_and_fits_alike(run_python, variant):
    code = (
        "import mogfit, numpy as np\n"
        "x = np.sin(np.arange(900.0) ** 2).reshape(-1, 3)\n"
        "F = mogfit.FitMoG(x, 2); F.fit_data(random_state=1, tol=1e-9)\n"
        "print(mogfit.get_config()['variant'], repr(F.report.neg_loglik_per_point))"
    )
    name, value = run_python(code, MOGFIT_ISA=variant).stdout.split()
    assert name == variant
    _, best = run_python(code, MOGFIT_ISA=None).stdout.split()
    # Both end where the gradient is below 1e-9: their objectives agree to its square.
    assert float(value) == pytest.approx(float(best), abs=1e-12)

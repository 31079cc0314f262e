"""Observations that are refused, and what a pass over the others costs."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import _core
from mogfit.errors import InputError
from tests.observation_oracles import make_case
from tests.strategies import make_mixture


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("deviations", (40, 2)),
        ("deviations", (39, 3)),
        ("deviations", (3,)),
        ("covariances", (40, 3, 2)),
        ("covariances", (39, 3, 3)),
        ("covariances", (3, 3)),
        ("shared", (2, 2)),
        ("shared", (1, 3, 3)),
        ("projection", (40, 2, 3)),
        ("projection", (39, 3, 3)),
        ("projection", (3, 3)),
        ("sample_weight", (39,)),
        ("sample_weight", (40, 1)),
    ],
)
def test_wrong_shapes_are_refused(name, shape):
    with pytest.raises(InputError, match=rf"{name}.*\({shape[0]},"):
        _core.Observations(np.zeros((40, 3)), **{name: np.zeros(shape)})


def test_noise_is_given_in_one_form():
    X = np.zeros((40, 3))
    with pytest.raises(InputError, match=r"deviations.*shared|shared.*deviations"):
        _core.Observations(X, deviations=np.ones((40, 3)), shared=np.eye(3))


@pytest.mark.parametrize("function", ["data_pass", "logpdf", "em_step", "posterior"])
def test_mixtures_of_other_variables_are_refused(function):
    case = make_case(3, 2, 20, noise="deviations")
    other = _core.PreparedMixture(*make_mixture(2, 2))
    with pytest.raises(InputError, match=r"3.*2|2.*3"):
        getattr(_core, function)(other, case.observations())
    projected = make_case(3, 2, 20, projection="fewer").observations()
    with pytest.raises(InputError, match=r"3.*2|2.*3"):
        getattr(_core, function)(other, projected)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_not_weights_are_refused(bad):
    case = make_case(2, 2, 300, weighted=True)
    case.weight[[123, 200]] = bad
    with pytest.raises(InputError, match=r"sample_weight.*123"):
        _core.data_pass(case.prepared(), case.observations())


MEMORY = """
import resource
import numpy as np
from mogfit import _core
rng = np.random.default_rng(0)
count, ngauss, nvars = 200_000, 100, 3
mixture = _core.PreparedMixture(
    np.full(ngauss, 1 / ngauss), 3 * rng.standard_normal((ngauss, nvars)),
    np.broadcast_to(np.eye(nvars), (ngauss, nvars, nvars)),
)
X = rng.standard_normal((count, nvars))
X[rng.random(X.shape) < 0.1] = np.nan
deviations = rng.exponential(size=X.shape)
small = _core.Observations(X[:3000].copy(), missing=True, deviations=deviations[:3000].copy())
_core.data_pass(mixture, small)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
_core.data_pass(mixture, _core.Observations(X, missing=True, deviations=deviations))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_a_pass_needs_little_memory(run_python):
    # N x K doubles would be 160 MB, a copy of the data 5 MB; an index per row is 1.6 MB.
    assert float(run_python(MEMORY).stdout) < 12

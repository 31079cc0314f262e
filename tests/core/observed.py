"""Noisy and incomplete data of every kind, and all that the core and the reference say of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from benchmarks import observations_reference as reference
from mogfit import _core

# Every way in which data can be noisy and incomplete; all together last.
KINDS = {
    "complete": {},
    "missing": {"missing": 0.3},
    "deviations": {"noise": "deviations"},
    "covariances": {"noise": "covariances"},
    "shared": {"noise": "shared", "missing": 0.2},
    "fewer": {"projection": "fewer"},
    "more": {"projection": "more", "noise": "deviations"},
    "all": {"projection": "more", "noise": "covariances", "missing": 0.2, "weighted": True},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def evaluate(case, threads=1, **changes):
    """All that the core says of some observations."""
    prepared, data = case.prepared(), case.observations(**changes)
    moments = _core.data_pass(prepared, data, threads=threads)
    return {
        "logpdf": _core.logpdf(prepared, data, threads=threads),
        "pdf": _core.pdf(prepared, data, threads=threads),
        "component_logpdf": _core.component_logpdf(prepared, data, threads=threads),
        "responsibilities": _core.responsibilities(prepared, data, threads=threads),
        "log_likelihood": _core.log_likelihood(prepared, data, threads=threads),
        "loglik": moments.loglik,
        "s0": moments.s0,
        "s1": moments.s1,
        "s2": moments.s2,
    }


def refer(case):
    """The same from the NumPy reference."""
    mixture, data = case.referred()
    moments = reference.moments(mixture, data)
    terms = reference.log_terms(mixture, data)
    logpdf = logsumexp(terms, axis=1) if len(terms) else np.zeros(0)
    return {
        "logpdf": logpdf,
        "pdf": np.exp(logpdf),
        "component_logpdf": terms - mixture.log_weights,
        "responsibilities": np.exp(terms - logpdf[:, None]),
        "log_likelihood": moments.loglik,
        **vars(moments),
    }


def assert_close(seen, expected, case, rtol=1e-12):
    """Both agree up to rtol, of sums of the sum of the sizes of their terms.

    With conditions of 10, and points within some 10 standard deviations, a responsibility is right
    to about eps * d * condition * distance^2 / 2, some 1e-13.
    """
    for name, value in expected.items():
        value = np.asarray(value)
        assert np.shape(seen[name]) == value.shape, name
        if name in ("loglik", "log_likelihood"):
            allowed = rtol * (abs(value) + case.total)
        elif name in ("s0", "s1", "s2"):
            # What the responsibilities' errors do to points as far out as these are.
            variances = np.diagonal(case.mixture.covariances, axis1=1, axis2=2)
            total = max(case.total, np.finfo(float).tiny)
            variances = variances + np.diagonal(expected["s2"].sum(axis=0)) / total
            size = np.sqrt(4 * variances)
            allowed = rtol * (expected["s0"] + 1e-3 * case.total)
            if name != "s0":
                allowed = allowed[:, None] * size
            if name == "s2":
                allowed = allowed[:, :, None] * size[:, None]
        else:
            allowed = rtol * (1 + abs(value))
        assert (abs(seen[name] - value) <= allowed).all(), name


def assert_same_bits(seen, expected):
    for name, value in expected.items():
        assert np.asarray(seen[name]).tobytes() == np.asarray(value).tobytes(), name

"""Quality of a fit: its two figures against SciPy and the definition, and how they behave."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from mogfit.inference.quality import QualityOfFit, compare_samples

SAMPLES = arrays(
    float,
    st.integers(2, 40),
    # Few values, so that ties within and between the samples are common.
    elements=st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0, 1e6]),
)


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES)
def test_distance_and_quantiles_are_those_of_scipy_and_numpy(observed, simulated):
    quality, ordered, quantiles = compare_samples(observed, simulated)
    expected = ks_2samp(observed, simulated, method="asymp").statistic
    assert quality["ks_dist"] == pytest.approx(expected, abs=1e-15)
    at = np.linspace(0, 100, len(observed))
    np.testing.assert_array_equal(ordered, sorted(observed))
    # Where between two values a quantile lies is rounded: of values 1e6 apart that is 1e-8.
    np.testing.assert_allclose(quantiles, np.percentile(simulated, at), rtol=1e-12, atol=1e-7)
    if observed.min() < observed.max():
        residual = ((np.sort(observed) - np.percentile(simulated, at)) ** 2).sum()
        spread = len(observed) * observed.var()
        assert quality["r2_identity"] == pytest.approx(1 - residual / spread, rel=1e-9, abs=1e-7)


def test_a_sample_agrees_with_itself():
    x = np.random.default_rng(1).normal(size=100)
    quality, _, _ = compare_samples(x, x[::-1])
    assert quality == {"ks_dist": 0.0, "r2_identity": 1.0}


def test_infinite_values_leave_the_distance_and_no_r2():
    quality, _, _ = compare_samples(np.array([0.0, 1.0, np.inf]), np.array([0.0, 1.0, 2.0]))
    assert quality["ks_dist"] == pytest.approx(1 / 3)
    assert np.isnan(quality["r2_identity"])


def test_the_result_unpacks_into_values_and_is_a_mapping():
    quality = QualityOfFit(ks_dist=0.25, r2_identity=0.5)
    ks, r2 = quality
    assert (ks, r2) == (0.25, 0.5)
    assert list(quality.keys()) == ["ks_dist", "r2_identity"]
    assert dict(quality) == {"ks_dist": 0.25, "r2_identity": 0.5}
    assert json.loads(json.dumps(quality)) == dict(quality)
    assert pickle.loads(pickle.dumps(quality)) == quality
    assert "ks_dist" in quality
    assert repr(quality) == "QualityOfFit(ks_dist=0.25, r2_identity=0.5)"

"""Extreme deconvolution by astroML and pygmmis: one EM step is the one of the NumPy reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import observations_reference as reference
from benchmarks.cases import draw, make_mixture, pass_mixture
from benchmarks.measure import deviation
from benchmarks.observations_reference import Observations
from benchmarks.peers.base import EM_ITERATION, flat_mixture
from benchmarks.peers.toolbox_peers import Pygmmis, ToolboxPeer, Xdgmm
from benchmarks.toolbox import noisy_sample, with_gaps


def error_of_a_step(peer: ToolboxPeer, data: Observations) -> float:
    mixture = pass_mixture(data.values.shape[1], 4)
    step = peer.passes(mixture, data)[EM_ITERATION]
    assert step.flatten is not None
    expected = flat_mixture(reference.em_step(mixture, data)[1])
    return deviation(step.flatten(step.run()), expected)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("peer", [Pygmmis(), Xdgmm()], ids=lambda peer: peer.label)
def test_a_step_on_noisy_data_is_the_references(peer: ToolboxPeer, correlated: bool):
    pytest.importorskip(peer.distribution, reason=f"{peer.label} is not installed")
    # Both multiply by inverses: conditions of about 1e3 leave 1e-13, and four sums of 300 points.
    data = noisy_sample(300, 4, correlated=correlated)
    assert error_of_a_step(peer, data) < 1e-12
    assert data.deviations is None or error_of_a_step(peer, replace(data, deviations=None)) < 1e-12


def test_a_step_on_incomplete_data_is_the_references():
    pytest.importorskip("pygmmis", reason="pygmmis is not installed")
    # What is missing has a variance of 1e10 there.
    data = Observations(with_gaps(draw(make_mixture(3, 4), 300)))
    assert error_of_a_step(Pygmmis(), data) < 1e-8


def test_noise_that_is_left_out_is_noticed():
    pytest.importorskip("pygmmis", reason="pygmmis is not installed")
    data = noisy_sample(300, 4)
    mixture = pass_mixture(3, 4)
    step = Pygmmis().passes(mixture, replace(data, deviations=None))[EM_ITERATION]
    assert step.flatten is not None
    expected = flat_mixture(reference.em_step(mixture, data)[1])
    assert deviation(step.flatten(step.run()), expected) > 0.01
    assert np.isfinite(expected).all()

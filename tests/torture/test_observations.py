"""Fits of incomplete and noisy data: what they say of themselves, threads and faults."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mogfit import DataWarning, FitMoG, InputError
from tests.fitting import TRUTH, draw_points
from tests.torture.observed import KINDS, N, changed, every_kind, fit, rows_of, whole_state

# What a fit says of itself


@every_kind
def test_figures_and_quality_of_incomplete_and_noisy_data(kind):
    data, options = KINDS[kind]
    gone = np.isnan(data)
    # Points of the mixture, seen as these were.
    data = TRUTH.rvs(N, errors=options.get("errors"), rng=5)
    data[gone] = np.nan
    F = FitMoG(data, 3, **options)
    F.set_initial_params(from_mog=TRUTH)
    quality = F.quality_of_fit(random_state=1)
    # Of 400 points a Kolmogorov-Smirnov distance of more has a probability of 1e-4.
    assert quality["ks_dist"] < 2.2 / np.sqrt(N)
    assert quality["r2_identity"] > 0.9
    wrong = FitMoG(data + np.array([3.0, 0.0]), 3, **options)
    wrong.set_initial_params(from_mog=TRUTH)
    assert wrong.quality_of_fit(random_state=1)["ks_dist"] > 0.3
    plot = F.plot_fit(sargs={"s": 1}, hargs={})
    np.testing.assert_array_equal(plot.data, data[~gone.any(axis=1)])


def test_a_figure_needs_a_complete_row():
    data = np.array([[np.nan, 1.0], [2.0, np.nan], [1.0, np.nan]])
    with pytest.raises(InputError, match="no row is complete"):
        FitMoG(data, 1, missing="marginal").plot_fit()


# Faults


@every_kind
@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_no_bit(kind, threads):
    data, options = KINDS[kind]
    many = np.arange(12_000) % N
    data, options = data[many], rows_of(options, many)
    fits = [fit(data, **options, threads=count, tol=1e-2) for count in (1, threads)]
    assert fits[0].mog.params.tobytes() == fits[1].mog.params.tobytes()
    assert fits[0].report.neg_loglik == fits[1].report.neg_loglik
    given = {"errors": options.get("errors"), "missing": "marginal"}
    for method in (TRUTH.logpdf, TRUTH.classify):
        values = [method(data, threads=count, **given).tobytes() for count in (1, threads)]
        assert values[0] == values[1]


@every_kind
def test_a_fit_that_raises_leaves_the_object_as_it_was(kind, monkeypatch):
    from mogfit.inference.likelihood import Likelihood

    data, options = KINDS[kind]
    F = fit(data, **options)
    before = whole_state(F)
    other = draw_points(100, seed=4)
    for arguments in (
        {"data": changed(other, (0, 0), np.inf)},
        {"data": other, "errors": -1.0},
        {"data": other[:, :1]},
        {"data": other, "projection": np.ones((3, 2))},
        {"data": other, "method": "none"},
        {"data": np.tile([[1.0, 2.0]], (50, 1))},
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of data without their errors
            with pytest.raises((InputError, ValueError)):
                F.fit_data(**arguments)
        assert whole_state(F) == before

    def fail(*_, **__):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Likelihood, "descend", fail)
        with pytest.raises(MemoryError):
            F.fit_data(other, errors=0.1)
    assert whole_state(F) == before

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        F.fit_data(other, errors=0.1, callback=stop, n_starts=2)
    assert whole_state(F) == before


@every_kind
def test_nothing_that_was_given_is_changed(kind):
    data, options = KINDS[kind]
    held = [data, *(value for value in options.values() if isinstance(value, np.ndarray))]
    before = [array.tobytes() for array in held]
    F = fit(data, **options)
    F.quality_of_fit(random_state=1)
    TRUTH.impute(data, errors=options.get("errors"))
    assert [array.tobytes() for array in held] == before

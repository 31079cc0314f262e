"""Components that are narrower than noisy data can tell are named."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import DegeneracyWarning, FitMoG, MixtureOfGaussians
from mogfit.inference.resolution import unresolved_components
from mogfit.observations import as_observations


def prepared(width):
    mog = MixtureOfGaussians(
        weights=[0.5, 0.5],
        mus=[[0.0, 0.0], [10.0, 0.0]],
        Sigmas=[np.eye(2), np.diag([1.0, width**2])],
    )
    return mog, mog._prepared


@pytest.mark.parametrize("kind", ["deviations", "covariances", "shared"])
@pytest.mark.parametrize("units", [1e-8, 1.0, 1e8])
def test_what_noise_hides_follows_from_the_fisher_information(kind, units):
    mog, _ = prepared(0.01)
    count, noise = 4000, 0.5
    points = mog.rvs(count, rng=1, errors=noise)
    errors = {
        "deviations": np.full((count, 2), noise),
        "covariances": np.broadcast_to(noise**2 * np.eye(2), (count, 2, 2)),
        "shared": noise,
    }[kind]
    scaled = MixtureOfGaussians(
        weights=mog.weights, mus=mog.mus * units, Sigmas=mog.Sigmas * units**2
    )
    scale = units**2 if kind == "covariances" else units
    data = as_observations(points * units, errors=np.asarray(errors) * scale)
    (found,) = unresolved_components(scaled._prepared, data)
    assert found.component == 1
    assert found.seen == pytest.approx(0.01 * units, rel=1e-6)
    # The variance of a variance of n points of variance v is 2 v^2 / n; two standard errors of it.
    held = np.count_nonzero(points[:, 0] > 5.0)
    assert found.hidden**2 == pytest.approx(2 * np.sqrt(2 / held) * noise**2 * units**2, rel=0.01)


def test_wide_components_and_exact_points_are_not_named():
    mog, wide = prepared(0.5)
    points = mog.rvs(4000, rng=1, errors=0.5)
    assert unresolved_components(wide, as_observations(points, errors=0.5)) == []
    _, narrow = prepared(1e-3)
    assert unresolved_components(narrow, as_observations(points)) == []
    # Noise in one variable alone hides nothing of the other.
    assert unresolved_components(narrow, as_observations(points, errors=[0.5, 0.0])) == []


def test_weights_and_missing_values_count():
    mog, narrow = prepared(0.25)
    points = mog.rvs(4000, rng=1, errors=0.5)
    weight = np.full(4000, 1e-3)
    data = as_observations(points, errors=0.5)
    assert unresolved_components(narrow, data) == []
    few = as_observations(points, errors=0.5, sample_weight=weight)
    assert [found.component for found in unresolved_components(narrow, few)] == [1]
    points[8:, 1] = np.nan
    unseen = as_observations(points, errors=0.5, missing="marginal")
    assert [found.component for found in unresolved_components(narrow, unseen)] == [1]


def test_a_fit_names_them_with_both_widths():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(300, 1)) * 0.5
    F = FitMoG(points, 1, errors=0.5)
    with pytest.warns(
        DegeneracyWarning,
        match=r"component 0 is as narrow in some direction as if it had no width there: standard "
        r"deviation \S+, where the noise of its points hides anything below 0\.2",
    ):
        F.fit_data()


@pytest.mark.parametrize("scales", [(1.0, 1e6), (1e6, 1.0), (1e-9, 1e3)])
def test_units_do_not_matter_where_values_are_missing(scales):
    # Narrow along a direction in which both variables count.
    tilted = [[1.0, 0.9999], [0.9999, 1.0]]
    mog = MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[tilted])
    values = mog.rvs(3000, rng=1, errors=0.3)
    values[::4, 1] = np.nan
    values[1::4, 0] = np.nan
    errors = np.full(values.shape, 0.3)

    def found(scale):
        scaled = MixtureOfGaussians(
            mus=mog.mus * scale, Sigmas=[np.asarray(tilted) * np.outer(scale, scale)]
        )
        data = as_observations(values * scale, errors=errors * scale, missing="marginal")
        return unresolved_components(scaled._prepared, data)

    (plain,), (other,) = found(np.ones(2)), found(np.array(scales))
    # In units of the first of the variables that count as much.
    assert other.seen == pytest.approx(plain.seen * scales[0], rel=1e-6)
    assert other.hidden == pytest.approx(plain.hidden * scales[0], rel=1e-6)
    # Half of the points tell: those that have both.
    variance = 2 * np.sqrt(2 / 1500) * 0.3**2
    assert plain.hidden**2 == pytest.approx(variance, rel=1e-3)


def test_a_column_missing_in_a_pattern_is_looked_at_where_it_is_seen():
    mog, resolved = prepared(0.5)
    points = mog.rvs(20_000, rng=1, errors=0.5)
    points[::2, 1] = np.nan
    data = as_observations(points, errors=np.full(points.shape, 0.5), missing="marginal")
    assert unresolved_components(resolved, data) == []
    _, narrow = prepared(0.01)
    (found,) = unresolved_components(narrow, data)
    held = np.count_nonzero(points[1::2, 0] > 5.0)
    assert found.hidden**2 == pytest.approx(2 * np.sqrt(2 / held) * 0.5**2, rel=0.01)

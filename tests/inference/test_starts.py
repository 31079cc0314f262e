"""The search for a start: what it tries, what it reports, what repeats."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import DegeneracyWarning, FitMoG, MixtureOfGaussians, datasets
from mogfit.inference.starts import default_starts, sample_size
from tests.fitting import POINTS, fit


@pytest.fixture(scope="module")
def asteroids():
    return datasets.load_asteroids("q,e,i").data


def test_more_components_get_more_starts_up_to_eight():
    assert [default_starts(k) for k in (1, 2, 3, 4, 5, 50)] == [1, 4, 6, 8, 8, 8]


def test_samples_hold_ten_points_a_parameter():
    assert sample_size(1, 1) == 2000
    assert sample_size(5, 3) == 8000
    assert sample_size(100, 10) == 10 * (99 + 1000 + 5500)


@pytest.mark.parametrize("n_starts", [1, 2, 5])
def test_every_start_is_recorded(n_starts):
    F = fit(n_starts=n_starts)
    starts = F.report.starts
    assert len(starts) == n_starts
    assert [s.chosen for s in starts] == [True] + [False] * (n_starts - 1)
    assert starts[0].stage == "finished"
    rest = [s.neg_loglik_per_point for s in starts[1:]]
    assert rest == sorted(rest)
    assert all(s.passes > 0 for s in starts)
    assert sum(s.passes for s in starts) <= F.report.passes


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_search():
    a, b = fit(ngauss=6, random_state=3), fit(ngauss=6, random_state=3)
    assert a.mog.params.tobytes() == b.mog.params.tobytes()
    assert a.report.starts == b.report.starts
    c = fit(ngauss=6, random_state=4)
    assert c.report.starts != a.report.starts


def test_more_starts_find_a_better_optimum_of_the_asteroids(asteroids):
    one = [
        fit(asteroids, 5, n_starts=1, random_state=s).report.neg_loglik_per_point for s in range(4)
    ]
    eight = [fit(asteroids, 5, random_state=s).report.neg_loglik_per_point for s in range(4)]
    assert np.median(eight) <= 2.8079
    assert max(eight) <= 2.8164
    assert np.median(eight) < np.median(one)


def test_large_data_descend_mostly_on_samples():
    truth = MixtureOfGaussians(
        mus=[[0, 0, 0], [3, 1, 0], [0, 4, 2]], Sigmas=[np.eye(3), 0.5 * np.eye(3), 2 * np.eye(3)]
    )
    data = truth.rvs(300_000, rng=1)
    F = fit(data, 3)
    assert F.report.converged
    assert F.report.gradient_norm <= 1e-6
    # Most of its iterations were on samples: all of them on the data would be hundreds of passes.
    assert F.report.passes < 60
    assert F.log_l() < -truth.logpdf(data).sum()


def test_separated_clusters_are_found_at_once():
    corners = 100.0 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 2]])
    rng = np.random.default_rng(0)
    data = np.concatenate([corner + rng.normal(size=(200, 2)) for corner in corners])
    for seed in range(5):
        F = fit(data, 5, random_state=seed)
        distances = np.linalg.norm(F.mog.mus[:, None] - corners, axis=2)
        assert (distances.min(axis=0) < 1).all()


@pytest.mark.parametrize("far", [30.0, 1e3, 1e5])
def test_an_outlier_takes_one_component_and_spoils_no_other(far):
    F = FitMoG(np.concatenate([POINTS, [[far, -far]]]), 4)
    with pytest.warns(DegeneracyWarning, match="held up by the penalty"):
        F.fit_data(random_state=1)
    assert F.report.converged
    np.testing.assert_allclose(F.mog.mus[-1], [far, -far], rtol=1e-6)
    # Its one point costs log(3001) and what the penalty allows it; the others fit as before.
    rest = -F.mog.logpdf(POINTS).mean()
    assert rest == pytest.approx(fit().report.neg_loglik_per_point, abs=5e-3)

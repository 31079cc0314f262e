"""The flat vectors of a fit as views of its mixture, and starts that are set through them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mogfit import FitMoG, InputError, MixtureOfGaussians
from tests.fitting import POINTS, START


def test_vectors_can_be_set_and_give_back_what_was_set():
    F = FitMoG(POINTS, ngauss=3)
    F.mog = START
    twin = FitMoG(POINTS, ngauss=3)
    twin.minparams = F.minparams
    np.testing.assert_allclose(twin.mog.params, START.params, rtol=1e-14)
    third = FitMoG(POINTS, ngauss=3)
    third.uparams = F.uparams
    np.testing.assert_allclose(third.mog.params, START.params, rtol=1e-13)
    for fit in (F, twin, third):
        assert fit._initial_params_set_by_user


@pytest.mark.parametrize("vector", ["minparams", "uparams"])
def test_vectors_of_the_wrong_length_or_of_no_mixture_change_nothing(vector):
    F = FitMoG(POINTS, ngauss=2)
    before = F.minparams
    with pytest.raises(InputError, match=rf"^{vector}: shape \(3,\) seen"):
        setattr(F, vector, [1, 2, 3])
    bad = np.array(getattr(F, vector))
    bad[-1] = 500.0  # a correlation of 499, or of 1
    with pytest.raises(InputError, match=r"rhos|correlation"):
        setattr(F, vector, bad)
    np.testing.assert_array_equal(F.minparams, before)
    assert not F._initial_params_set_by_user


def test_updating_parameters_sets_the_next_start():
    F = FitMoG(POINTS, ngauss=3)
    F.update_params(weights=START.weights, mus=START.mus, sigmas=START.sigmas, rhos=START.rhos)
    np.testing.assert_allclose(F.mog.params, START.params, rtol=1e-13)
    F.fit_data()
    assert F.report.starts == ()
    with pytest.raises(InputError, match=r"^sigmas: "):
        F.update_params(sigmas=[[0.0, 1.0]] * 3)


def test_a_mixture_of_another_size_is_refused():
    F = FitMoG(POINTS, ngauss=2)
    with pytest.raises(InputError, match=r"^from_mog: "):
        F.mog = START


def test_default_means_are_spread_over_bounded_variables():
    F = FitMoG(ngauss=3, nvars=4, domain=[None, [-1, 3], [5, None], [-np.inf, -2]])
    means = F.mog.mus
    np.testing.assert_array_equal(means[:, 0], 0.5)
    np.testing.assert_allclose(means[:, 1], [0, 1, 2])
    np.testing.assert_allclose(means[:, 2], [5.25, 5.5, 5.75])
    np.testing.assert_allclose(means[:, 3], [-2.75, -2.5, -2.25])
    np.testing.assert_array_equal(FitMoG(nvars=1, domain=[[0, 10]]).mog.mus, [[0.5]])


def test_the_scale_of_sigmas_follows_the_data_and_what_is_set():
    assert FitMoG(POINTS)._sigmax == pytest.approx(max(10, 10 * POINTS.std(axis=0).max()))
    assert FitMoG(0.01 * POINTS)._sigmax == 10
    F = FitMoG(0.01 * POINTS, ngauss=2)
    F.set_initial_params(sigmas=[9.0, 1.0])
    assert F.scales[-3] == 10
    F.set_initial_params(sigmas=[70.0, 1.0])
    assert F._sigmax == 700
    assert np.isfinite(F.uparams).all()
    # What is known from the data goes along without them.
    wide = FitMoG(1e4 * POINTS, ngauss=2)
    assert pickle.loads(pickle.dumps(wide))._sigmax == wide._sigmax > 1e4


def test_the_solution_stays_when_the_start_is_changed():
    F = FitMoG(POINTS, ngauss=2)
    assert F.neval == 0
    F.fit_data(random_state=1)
    x = F.solution.x
    assert F.neval == F.solution.nfev > 0
    assert F.minargs == {"method": "L-BFGS", "tol": None, "options": {}}
    F.set_initial_params(mus=[0.0, 0.0])
    np.testing.assert_array_equal(F.solution.x, x)
    twin = F.copy()
    np.testing.assert_array_equal(twin.solution.x, x)


def test_points_drawn_for_the_quality_are_kept_until_the_mixture_changes():
    F = FitMoG(POINTS, ngauss=1)
    F.fit_data()
    first = F.quality_of_fit(random_state=1)
    drawn = F.mog_qsample
    assert drawn.shape == (10 * len(POINTS), 2)
    assert F.quality_of_fit() == first
    assert F.mog_qsample is drawn
    assert F.quality_of_fit(resample=True, random_state=1) == first
    assert F.quality_of_fit(n_sim=500, random_state=2) != first
    assert len(F.mog_qsample) == 500
    assert F.copy().mog_qsample is None
    F.set_initial_params(from_mog=MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[np.eye(2)]))
    assert F.mog_qsample is None


def test_the_quality_tells_a_good_fit_from_a_poor_one():
    good, poor = FitMoG(POINTS, ngauss=3), FitMoG(POINTS, ngauss=1)
    for F in (good, poor):
        F.fit_data(random_state=1)
    ks_good, r2_good = good.quality_of_fit(random_state=1)
    ks_poor, r2_poor = poor.quality_of_fit(random_state=1)
    assert ks_good < 0.02 < ks_poor
    assert 1 - r2_good < 0.5 * (1 - r2_poor)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sim": 0}, r"^n_sim: 0"),
        ({"n_sim": 2.5}, r"^n_sim: 2.5"),
        ({"data": [[1.0, 2.0]]}, r"^data: 1 points seen"),
        ({"data": [[1.0], [2.0]]}, r"^data: "),
    ],
)
def test_the_quality_refuses_what_does_not_fit(arguments, message):
    F = FitMoG(POINTS, ngauss=1)
    with pytest.raises(InputError, match=message):
        F.quality_of_fit(**arguments)
    assert F.mog_qsample is None
    with pytest.raises(InputError, match="No data"):
        FitMoG(nvars=2).quality_of_fit()


def test_notebooks_show_how_the_fit_went_and_its_components():
    F = FitMoG(POINTS, ngauss=2)
    assert F._repr_html_().startswith("<pre>FitMoG: 2 components")
    F.fit_data(random_state=1)
    shown = F._repr_html_()
    assert "converged: largest gradient entry" in shown
    assert "&lt;= 1e-06" in shown
    assert shown.endswith(F.mog._repr_html_())

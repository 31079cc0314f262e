"""``FitMoG(data, ngauss="auto")``."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import InputError
from tests.selection.samples import three_humps, two_apart


@pytest.fixture(scope="module")
def fitted():
    F = mn.FitMoG(two_apart(), ngauss="auto")
    F.fit_data(random_state=3)
    return F


def test_the_best_by_bic_is_kept(fitted):
    selection = mn.select(two_apart(), random_state=3)
    assert fitted.ngauss == fitted.mog.ngauss == selection.best_ngauss == 2
    assert repr(fitted.selection) == repr(selection)
    np.testing.assert_array_equal(fitted.mog.mus, selection.best.mog.mus)
    assert fitted.bic() == selection.best.bic()
    assert fitted.report.converged
    assert fitted.log_l() == pytest.approx(fitted.report.neg_loglik, rel=1e-12)


def test_before_the_fit_it_says_so():
    F = mn.FitMoG(two_apart(), ngauss="auto")
    assert repr(F) == "FitMoG: any number of components, 2 variables, 300 points, not fitted yet"
    assert F.selection is None


def test_a_further_fit_goes_on_and_new_starts_select_anew(fitted):
    F = copy.copy(fitted)
    F.fit_data(random_state=3)
    assert F.report.iterations <= 1
    assert F.selection is fitted.selection
    F.fit_data(three_humps(9)[:, None] * [1.0, -1.0] + two_apart(1000), n_starts=2, random_state=1)
    assert F.selection is not fitted.selection
    assert F.selection.best_ngauss == F.ngauss


def test_weights_and_structures_are_passed_on():
    weights = np.random.default_rng(1).gamma(2.0, size=300)
    F = mn.FitMoG(two_apart(), ngauss="auto", covariance="spherical")
    F.fit_data(sample_weight=weights, random_state=1)
    assert {row.covariance for row in F.selection.table} == {"spherical"}
    assert F.report.total_weight == pytest.approx(weights.sum())
    assert F.mog.Sigmas[0, 0, 1] == 0.0


def test_files_copies_and_pickles_hold_the_fit(fitted, tmp_path):
    mn.save(fitted, tmp_path / "fit.json")
    assert mn.load(tmp_path / "fit.json").ngauss == 2
    fitted.save_fit(tmp_path / "fit.pkl", useprefix=False)
    assert mn.FitMoG(tmp_path / "fit.pkl").ngauss == 2
    assert repr(pickle.loads(pickle.dumps(fitted)).selection) == repr(fitted.selection)
    assert repr(fitted.copy().selection) == repr(fitted.selection)


@pytest.mark.parametrize(
    ("name", "value"),
    [("fixed", {"means": [1]}), ("callback", print), ("advance", 3), ("bounds", "set")],
)
def test_what_belongs_to_one_number_of_components_is_refused(name, value):
    F = mn.FitMoG(two_apart(), ngauss="auto")
    if name == "bounds":
        value = F.set_bounds(bounds=(0.1, 10.0))
    with pytest.raises(InputError, match=f"^{name}: given, but ngauss='auto'"):
        F.fit_data(**{name: value})
    assert F.report is None


def test_starting_values_are_refused():
    F = mn.FitMoG(two_apart(), ngauss="auto")
    F.set_initial_params(mus=[[0.0, 0.0]])
    with pytest.raises(InputError, match="set_initial_params: given, but ngauss='auto'"):
        F.fit_data()


def test_other_words_are_no_numbers():
    with pytest.raises(InputError, match="ngauss: 'all'"):
        mn.FitMoG(two_apart(), ngauss="all")

"""Files that MultiMin's `save_fit` writes: what is read is what its own objects hold."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import mogfit
from mogfit.export.fit_names import fit_file_name, fit_prefix
from mogfit.export.pickles import read_fit_pickle, read_mixture_pickle
from tests.peers import multimin, quietly

# scipy's and MultiMin's own; it leaves the files open that it saves to.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(6)
LINE = np.concatenate([RNG.normal(0.3, 0.08, 40), RNG.normal(0.7, 0.05, 30)])[:, None].clip(0, 1)
SPACE = RNG.normal(size=(50, 3)) * [0.5, 1.0, 2.0] + [0.0, 1.0, 0.0]
BUNDLED = Path(multimin.__file__).parent / "data" / "fit-20mog-unbounded.pkl"


def powell_in_one_variable():
    F = quietly(multimin.FitMoG, LINE, ngauss=2)
    quietly(F.fit_data, options={"maxiter": 2})
    return F


def lbfgs_in_three_with_bounds():
    F = quietly(multimin.FitMoG, SPACE, ngauss=1)
    bounds = quietly(F.set_bounds, boundw=(0.1, 0.9), bounds=(0.1, 5))
    quietly(F.fit_data, method="L-BFGS-B", bounds=bounds, options={"maxiter": 3})
    return F


def on_an_interval():
    F = quietly(multimin.FitMoG, LINE, ngauss=2, domain=[[0, 1]])
    quietly(F.fit_data, options={"maxiter": 3})
    quietly(F.quality_of_fit, n_sim=20)
    return F


def on_a_half_plane_normalised():
    data = np.abs(SPACE[:, :2])
    F = quietly(multimin.FitMoG, data, ngauss=1, domain=[[0, np.inf], None])
    quietly(F.fit_data, normalize=True, options={"maxiter": 2})
    return F


def with_bounds_of_scipy():
    from scipy.optimize import Bounds

    F = quietly(multimin.FitMoG, LINE, ngauss=1)
    quietly(F.fit_data, method="Nelder-Mead", bounds=Bounds([-5] * 2, [5] * 2))
    return F


def before_the_fit():
    F = quietly(multimin.FitMoG, SPACE, ngauss=2)
    quietly(F.set_initial_params, mus=[0.0, 1.0, 0.5])
    return F


def without_data():
    return quietly(multimin.FitMoG, ngauss=2, nvars=3)


FITS = [
    powell_in_one_variable,
    lbfgs_in_three_with_bounds,
    on_an_interval,
    on_a_half_plane_normalised,
    with_bounds_of_scipy,
    before_the_fit,
    without_data,
]


@pytest.mark.parametrize("made", FITS)
def test_a_file_holds_what_the_object_does(made, tmp_path):
    theirs = made()
    path = tmp_path / "fit.pkl"
    quietly(theirs.save_fit, str(path), useprefix=False)
    saved = read_fit_pickle(path)
    for name in ("weights", "mus", "Sigmas"):
        np.testing.assert_array_equal(getattr(saved.mixture, name), getattr(theirs.mog, name))
    sides = [pair or (-np.inf, np.inf) for pair in saved.mixture.domain or [None] * theirs.nvars]
    np.testing.assert_array_equal(sides, theirs.mog._domain_bounds)
    np.testing.assert_array_equal(saved.data, theirs.data)
    assert saved.sigma_scale == theirs._sigmax
    assert saved.set_by_user == theirs._initial_params_set_by_user
    theirs_solution = getattr(theirs, "solution", None)
    assert (saved.solution is None) == (theirs_solution is None)
    if saved.solution:
        assert saved.solution["fun"] == theirs_solution.fun
        np.testing.assert_array_equal(saved.solution["x"], theirs_solution.x)
        assert set(saved.solution) == set(theirs_solution)
        assert saved.minargs["method"] == theirs.minargs["method"]
        ours = mogfit.MixtureOfGaussians(
            weights=saved.mixture.weights,
            mus=saved.mixture.mus,
            Sigmas=saved.mixture.Sigmas,
            domain=saved.mixture.domain,
        )
        expected = quietly(theirs.norm_log_l)
        assert -ours.logpdf(saved.data).mean() == pytest.approx(expected, rel=1e-10)


def test_the_bundled_fit_of_the_asteroids_is_read():
    saved = read_fit_pickle(BUNDLED)
    assert saved.mixture.mus.shape == (20, 3)
    assert saved.data.shape == (40761, 3)
    ours = mogfit.MixtureOfGaussians(
        weights=saved.mixture.weights, mus=saved.mixture.mus, Sigmas=saved.mixture.Sigmas
    )
    neg_loglik = -ours.logpdf(saved.data).mean()
    assert neg_loglik == pytest.approx(3.65711577, abs=5e-9)
    assert neg_loglik == pytest.approx(saved.solution["fun"] / 40761, rel=1e-12)


@pytest.mark.parametrize("normalize_weights", [True, False])
def test_a_mixture_alone_is_read(normalize_weights, tmp_path):
    theirs = multimin.MixtureOfGaussians(
        mus=[[0, 0], [1, 2]],
        weights=[1.0, 3.0],
        Sigmas=[np.eye(2), 2 * np.eye(2)],
        domain=[[0, np.inf], None],
        normalize_weights=normalize_weights,
    )
    quietly(theirs.plot_sample, N=20)
    quietly(str, theirs)
    path = tmp_path / "mog.pkl"
    path.write_bytes(pickle.dumps(theirs))
    seen = read_mixture_pickle(path)
    for name in ("weights", "mus", "Sigmas", "normalize_weights"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(theirs, name))
    assert seen.domain == [(0.0, np.inf), None]


@pytest.mark.parametrize(
    ("objfile", "myprefix"), [("a.pkl", None), ("b", "my"), ("c.d.pkl", 3), ("e.", "")]
)
def test_files_are_named_alike(objfile, myprefix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs = without_data()
    quietly(theirs.save_fit, objfile, myprefix=myprefix)
    (written,) = tmp_path.iterdir()
    prefix = fit_prefix(2, theirs.hash, myprefix)
    assert theirs.prefix == prefix
    assert written.name == fit_file_name(objfile, prefix).name

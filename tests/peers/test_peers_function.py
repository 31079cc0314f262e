"""`FitFunctionMoG` beside MultiMin's: the same attributes, fits that are never worse."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mogfit
from tests.functions import bumps_in_the_plane, three_bumps
from tests.peers import multimin, quietly

X = np.linspace(-3, 7, 60)
F = 2 * np.exp(-0.5 * (X / 0.7) ** 2) + np.exp(-0.5 * ((X - 3) / 1.1) ** 2)
A, B = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 2, 9))
G = np.exp(-20 * ((A - 0.5) ** 2 + (B - 1) ** 2 / 4))
CASES = {
    "curve": ((X, F), 2),
    "one": ((X, F), 1),
    "negative": ((X, -F), 2),
    "plane": (((A, B), G), 1),
}


def both(name):
    data, ngauss = CASES[name]
    return (
        quietly(multimin.FitFunctionMoG, data=data, ngauss=ngauss),
        mogfit.FitFunctionMoG(data=data, ngauss=ngauss),
    )


def fit_both(theirs, ours, **keywords):
    quietly(theirs.fit_data, **keywords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours.fit_data(**keywords)
    return (library.quality_of_fit(verbose=False)["R2"] for library in (theirs, ours))


@pytest.mark.parametrize("name", CASES)
def test_a_new_object_holds_the_same(name):
    theirs, ours = both(name)
    for attribute in ("ngauss", "nvars", "Ndim", "Ncorr", "extrap", "_weight_scale", "_sigmax"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    for attribute in ("X", "F", "_Fnorm", "_Fmax", "minparams", "scales", "uparams"):
        seen, expected = getattr(ours, attribute), np.asarray(getattr(theirs, attribute))
        assert np.shape(seen) == expected.shape, attribute
        assert seen == pytest.approx(expected, rel=1e-12), attribute
    assert [list(pair) for pair in ours.domain] == theirs.domain
    assert ours.normalization is theirs.normalization is None
    assert (ours.mog.ngauss, ours.mog.nvars) == (theirs.mog.ngauss, theirs.mog.nvars)


@pytest.mark.parametrize("name", CASES)
def test_a_fit_holds_the_same(name):
    theirs, ours = both(name)
    their_r2, our_r2 = fit_both(theirs, ours)
    assert our_r2 >= their_r2 - 1e-12
    # the same model where there is one optimum
    model = ours.normalization * np.asarray(ours.mog.pdf(ours.X))
    assert model == pytest.approx(theirs.normalization * theirs.mog.pdf(theirs.X), abs=1e-3)
    assert np.sign(ours.normalization) == np.sign(theirs.normalization)
    assert np.sort(ours.mog.mus, axis=0) == pytest.approx(np.sort(theirs.mog.mus, axis=0), abs=1e-3)
    assert ours.mog.normalize_weights is theirs.mog.normalize_weights is False
    assert ours.mog._domain_bounds == theirs.mog._domain_bounds
    # the same definition of the loss
    for fit in (theirs, ours):
        residuals = fit.F - fit.normalization * np.asarray(fit.mog.pdf(fit.X))
        loss = (residuals**2).sum() / fit._Fmax**2
        assert fit.solution.fun == pytest.approx(loss, rel=1e-6, abs=1e-20)
    for key in ("fun", "x", "success", "status", "message", "nfev", "nit"):
        assert hasattr(ours.solution, key)
        assert hasattr(theirs.solution, key)
    assert np.shape(ours.solution.x) == np.shape(theirs.solution.x)
    assert np.shape(ours.uparams) == np.shape(theirs.uparams)
    assert set(theirs.quality_of_fit(verbose=False)) <= set(ours.quality_of_fit())


@pytest.mark.parametrize("mode", ["multimodal", "noisy", "noisy_multimodal", "adaptive"])
def test_modes_find_as_many_components_and_fit_no_worse(mode):
    theirs, ours = both("curve")
    keywords = {"mode": mode} | ({"atol": 0.999} if mode == "adaptive" else {})
    their_r2, our_r2 = fit_both(theirs, ours, **keywords)
    assert ours.ngauss == theirs.ngauss
    assert our_r2 >= their_r2 - 1e-9
    if "multimodal" in mode:
        assert np.sort(ours.mog.mus, axis=0) == pytest.approx(
            np.sort(theirs.mog.mus, axis=0), abs=2e-9
        )


def test_blind_fits_of_three_bumps_are_no_worse():
    for seed in (0, 1):
        case = three_bumps(seed)
        theirs = quietly(multimin.FitFunctionMoG, data=(case.x, case.F), ngauss=3)
        ours = mogfit.FitFunctionMoG((case.x, case.F), 3)
        their_r2, our_r2 = fit_both(theirs, ours)
        assert our_r2 >= their_r2


def test_a_fit_in_the_plane_is_no_worse():
    (P, Q), H, _, _ = bumps_in_the_plane(0, 2, side=16)
    theirs = quietly(multimin.FitFunctionMoG, data=((P, Q), H), ngauss=2)
    ours = mogfit.FitFunctionMoG(((P, Q), H), 2)
    their_r2, our_r2 = fit_both(theirs, ours)
    assert our_r2 >= their_r2 - 1e-12


def test_the_same_data_are_refused():
    for data in (None, X, (X,), (X, F[:3]), ((A, B), G.T)):
        for library in (multimin, mogfit):
            with pytest.raises(ValueError, match=r"."):
                quietly(library.FitFunctionMoG, data=data, ngauss=1)


def test_figures_have_the_same_curves():
    pytest.importorskip("matplotlib", reason="figures need it").use("Agg")
    import matplotlib.pyplot as plt

    theirs, ours = both("curve")
    fit_both(theirs, ours)
    keywords = {"dargs": {}, "xlabel": "wavelength", "ylabel": "flux", "figsize": (6, 4)}
    figures = [quietly(fit.plot_fit, **keywords) for fit in (theirs, ours)]
    for figure in figures:
        axes = figure.axes[0]
        labels = axes.get_legend_handles_labels()[1]
        assert len(labels) == 4
        assert labels[0] == "data"
        assert labels[-1].startswith("fit")
        assert axes.get_ylabel() == "flux"
        assert figure.get_size_inches().tolist() == [6, 4]
        assert figure.axes[-1].get_xlabel() == "wavelength"
    for fit, figure in zip((theirs, ours), figures, strict=True):
        assert fit.fig is figure
    plt.close("all")

"""Figures of fits to functions: what is in them, and that nothing is cut off."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import DtypeError, InputError
from tests.functions import bumps_in_the_plane, three_bumps

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _no_figure_stays():
    yield
    plt.close("all")


def fitted(data, ngauss, **given):
    fit = mn.FitFunctionMoG(data, ngauss, **given)
    fit.fit_data()
    return fit


@pytest.fixture(scope="module")
def curve():
    case = three_bumps(1)
    # values below zero
    return fitted((case.x, case.F - 0.05), 3)


@pytest.fixture(scope="module")
def plane():
    (X, Y), F, _, _ = bumps_in_the_plane(0, side=20)
    return fitted(((X, 2 * Y), F), 3)


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_values_model_and_residuals(curve):
    figure = curve.plot_fit(xlabel="x", ylabel="f")
    assert curve.fig is figure
    above, below = figure.axes
    drawn = lines(above)
    assert (drawn["data"].get_ydata() == curve.F).all()
    x, y = drawn["fit"].get_data()
    assert len(x) >= 300
    assert (x[0], x[-1]) == (curve.X[0, 0], curve.X[-1, 0])
    assert y == pytest.approx(curve.normalization * curve.mog.pdf(x))
    residuals = curve.F - curve.normalization * curve.mog.pdf(curve.X)
    assert below.lines[1].get_ydata() == pytest.approx(residuals, abs=1e-12)
    # nothing is cut, below zero neither
    for axes, values in ((above, curve.F), (below, residuals)):
        low, high = axes.get_ylim()
        assert low < values.min()
        assert values.max() < high
    assert (above.get_ylabel(), below.get_xlabel()) == ("f", "x")
    assert below.get_ylabel() == "residuals"


def test_components_add_up_to_the_model(curve):
    figure = curve.plot_fit(dargs={"lw": 3}, n_curve=500)
    drawn = lines(figure.axes[0])
    parts = [line for label, line in drawn.items() if "sigma" in label]
    assert len(parts) == 3
    assert all(line.get_linewidth() == 3 for line in parts)
    total = sum(line.get_ydata() for line in parts)
    assert total == pytest.approx(drawn["fit"].get_ydata(), abs=1e-12)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert f"1: $\\mu$={curve.mog.mus[0, 0]:.3g}, $\\sigma$={curve.mog.sigmas[0, 0]:.3g}" in labels


def test_options_reach_their_artists(curve):
    figure = curve.plot_fit(
        sargs={"s": 16, "c": "k"},
        pargs={"ls": ":"},
        largs={"loc": "upper left"},
        color="m",
        residuals=False,
        figsize=(5, 3),
    )
    (axes,) = figure.axes
    drawn = lines(axes)
    assert drawn["data"].get_markersize() == 4
    assert drawn["data"].get_color() == "k"
    assert drawn["fit"].get_linestyle() == ":"
    assert drawn["fit"].get_color() == "m"
    assert axes.get_legend()._loc == 2
    assert figure.get_size_inches().tolist() == [5, 3]


def test_what_is_not_wanted_is_not_drawn(curve):
    figure = curve.plot_fit(sargs=None, hargs={}, residuals=False)
    drawn = lines(figure.axes[0])
    assert drawn["data"].get_drawstyle() == "steps-mid"
    assert "fit" not in lines(curve.plot_fit(pargs=None).axes[0])
    with pytest.raises(DtypeError, match="sargs: 3"):
        curve.plot_fit(sargs=3)
    with pytest.raises(InputError, match="n_curve"):
        curve.plot_fit(n_curve=1)


def test_narrow_components_are_drawn_smoothly():
    x = np.linspace(0, 100, 2001)
    fit = fitted((x, np.exp(-0.5 * ((x - 50.02) / 0.1) ** 2)), 1)
    y = lines(fit.plot_fit(n_curve=50).axes[0])["fit"].get_ydata()
    assert y.max() == pytest.approx(1, abs=0.03)


def test_values_that_do_not_count_are_left_out():
    case = three_bumps(0)
    holes = np.where(case.x > 5, np.nan, case.F)
    fit = fitted((case.x, holes), 3, weights=case.x <= 5)
    above, below = fit.plot_fit().axes
    assert np.isfinite(above.get_ylim()).all()
    assert np.isfinite(below.get_ylim()).all()


def test_maps_of_two_variables(plane):
    figure = plane.plot_fit(dargs={}, xlabel="time")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["data", "fit", "residuals"]
    data, fit, residuals = figure.axes[:3]
    shown = [np.asarray(axes.collections[0].get_array()) for axes in (data, fit, residuals)]
    assert shown[2] == pytest.approx(shown[0] - shown[1], abs=1e-12)
    # the second variable goes up, with the larger range
    assert data.get_ylim()[1] > 9 > data.get_xlim()[1]
    assert data.get_xlabel() == "time"
    assert data.get_ylabel() == "$b$"
    assert np.ravel(shown[0]) == pytest.approx(plane.F)
    assert [axes.collections[0].get_clim() for axes in (data, fit)] == [
        data.collections[0].get_clim()
    ] * 2
    low, high = residuals.collections[0].get_clim()
    assert low == -high
    assert len(data.lines) == 3  # ellipses
    agreement = figure.axes[3]
    assert (agreement.get_xlabel(), agreement.get_ylabel()) == ("data", "fit")


def test_two_maps_without_residuals(plane):
    figure = plane.plot_fit(residuals=False, properties=["u", "v"], cmap="magma")
    maps = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["data", "fit"]
    assert maps[0].get_xlabel() == "u"
    assert maps[0].collections[0].get_cmap().name == "magma"
    named = plane.plot_fit(properties={"u": {"label": "$u$ (m)"}}, residuals=False).axes[0]
    assert (named.get_xlabel(), named.get_ylabel()) == ("$u$ (m)", "$b$")


def test_maps_of_scattered_points(rng):
    points = rng.uniform(-3, 3, (300, 2))
    fit = fitted((points, np.exp(-0.5 * (points**2).sum(axis=1))), 1)
    data = fit.plot_fit().axes[0]
    assert np.asarray(data.collections[0].get_array()) == pytest.approx(fit.F)


def test_maps_of_three_variables_show_means_over_the_third(rng):
    axis = np.linspace(-2, 2, 9)
    P = np.meshgrid(axis, axis + 5, axis, indexing="ij")
    G = np.exp(-0.5 * (P[0] ** 2 + (P[1] - 5.5) ** 2 + P[2] ** 2))
    weights = np.ones(G.shape)
    weights[0, 0, :4] = 0
    G[0, 0, :4] = np.nan
    fit = fitted((tuple(P), G), 1, weights=weights)
    figure = fit.plot_fit()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[::3] == [f"data, mean over ${c}$" for c in "cba"]
    first = figure.axes[0].collections[0].get_array()
    assert np.asarray(first) == pytest.approx(np.nanmean(G, axis=2).T, rel=1e-12)
    third = next(axes for axes in figure.axes if axes.get_title().endswith("$a$"))
    assert (third.get_xlabel(), third.get_ylabel()) == ("$b$", "$c$")


def test_the_watermark_is_there_for_those_who_want_it(curve, plane, monkeypatch):
    for fit in (curve, plane):
        for wanted in (False, True):
            monkeypatch.setattr(mn, "show_watermark", wanted)
            texts = [text.get_text() for axes in fit.plot_fit().axes for text in axes.texts]
            assert any(text.startswith("mogfit") for text in texts) == wanted

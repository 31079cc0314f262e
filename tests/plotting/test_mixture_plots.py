"""Figures of mixtures and of fits: which things are drawn, of which data."""

from __future__ import annotations

import doctest
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.contour import QuadContourSet

import mogfit as mn
from mogfit.errors import InputError
from mogfit.plotting import MultiPlot, fit_plots, mixture_plots
from mogfit.plotting.fit_plots import plot_fit, qq_plot
from mogfit.plotting.mixture_plots import plot_pdf, plot_sample
from tests.plotting.examples import one_variable, three_variables, two_variables

MIXTURES = {1: one_variable, 2: two_variables, 3: three_variables}


def kinds(plot, kind):
    """How many artists of a kind each panel of a pair holds."""
    names = plot.properties
    panels = [plot.axp[a][b] for a, b in combinations(names, 2)] or [plot.axs[0, 0]]
    counts = {len([a for a in axes.collections if isinstance(a, kind)]) for axes in panels}
    assert len(counts) == 1
    return counts.pop()


# plot_pdf


@pytest.mark.parametrize("nvars", [1, 2, 3])
@pytest.mark.parametrize("marginals", [False, True])
def test_a_density_in_every_panel(nvars, marginals):
    plot = plot_pdf(MIXTURES[nvars](), grid_size=20, marginals=marginals)
    assert isinstance(plot, MultiPlot)
    assert plot.properties == ["a", "b", "c"][:nvars]
    assert plot.dproperties["a"]["label"] == "$a$"
    assert kinds(plot, QuadMesh) == (nvars > 1)
    if nvars == 1:
        assert len(plot.axs[0, 0].lines) == 1
    else:
        mesh = plot.axp["a"]["b"].collections[0]
        assert mesh.get_cmap().name == "Spectral_r"
        assert mesh.get_array().size == 400


def test_ranges_names_and_colours_are_honoured():
    plot = plot_pdf(
        three_variables(),
        properties=["u", "v"],
        ranges=[[0, 1], None, (2, 3)],
        figsize=2,
        cmap="viridis",
        colorbar=True,
        projection="marginal",
    )
    assert plot.properties == ["u", "v", "c"]
    assert plot.axp["u"]["c"].get_xlim() == (0, 1)
    assert plot.axp["u"]["c"].get_ylim() == (2, 3)
    assert plot.axs[0, 0].collections[0].get_cmap().name == "viridis"
    assert len(plot.axs[0, 1].child_axes) == 1
    assert plot.fig.get_size_inches().tolist() == [4, 4]


def test_names_of_a_table_are_the_names():
    mog = two_variables()
    mog.names = ("q", "e")
    assert plot_pdf(mog).axs[0, 0].get_xlabel() == "q"
    assert plot_pdf(mog, properties=["mass"]).properties == ["mass", "e"]


def test_a_failure_leaves_no_figure():
    for call in (
        lambda: plot_pdf(two_variables(), projection="up"),
        lambda: plot_sample(two_variables(), sargs={"no_such_option": 1}),
        lambda: plot_fit(two_variables(), np.zeros((5, 2)), cargs={"mass": 2}),
    ):
        with pytest.raises((InputError, AttributeError)):
            call()
    assert plt.get_fignums() == []


# plot_sample


@pytest.mark.parametrize("nvars", [1, 2, 3])
@pytest.mark.parametrize(
    ("options", "dots", "cells"),
    [
        ({}, True, False),
        ({"sargs": {"s": 3, "color": "r"}}, True, False),
        ({"hargs": {"bins": 10}}, False, True),
        ({"hargs": {"bins": 10}, "sargs": {}}, True, True),
    ],
)
def test_samples_are_dots_histograms_or_both(nvars, options, dots, cells):
    mog = MIXTURES[nvars]()
    plot = plot_sample(mog, N=300, **options)
    assert np.shape(plot.data) == (300, nvars)
    assert kinds(plot, PathCollection) == dots
    if nvars == 1:
        assert len(plot.axs[0, 0].patches) == cells
        assert len(plot.axs[0, 0].lines) == 1
    else:
        assert kinds(plot, QuadMesh) == cells
    assert not hasattr(mog, "data")


def test_a_sample_of_ones_own_is_drawn_and_seeds_repeat_the_others():
    data = two_variables().rvs(50, rng=1)
    plot = plot_sample(two_variables(), data=data)
    assert plot.data is data
    np.testing.assert_array_equal(plot.axs[0, 0].collections[0].get_offsets(), data)
    seen = []
    for _ in range(2):
        np.random.seed(7)  # noqa: NPY002
        seen.append(plot_sample(two_variables(), N=20).data)
    np.testing.assert_array_equal(*seen)


def test_columns_of_a_table_are_matched_by_name():
    mog = two_variables()
    mog.names = ("q", "e")
    table = pd.DataFrame({"e": [1.0, 2.0], "q": [10.0, 20.0]})
    dots = plot_sample(mog, data=table).axs[0, 0].collections[0]
    assert dots.get_offsets().tolist() == [[10.0, 1.0], [20.0, 2.0]]


# plot_fit


@pytest.mark.parametrize("nvars", [1, 2, 3])
@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        ({}, "p"),
        ({"pargs": None}, ""),
        ({"pargs": False}, ""),
        ({"sargs": {"s": 1}}, "sp"),
        ({"hargs": {"bins": 8}, "pargs": {"color": "g"}}, "hp"),
        ({"cargs": {}, "pargs": None}, "c"),
        ({"sargs": {}, "hargs": {}, "cargs": {"mass": 0.5}, "pargs": {"cmap": "jet"}}, "shcp"),
    ],
)
def test_a_fit_shows_what_is_asked_for(nvars, options, drawn):
    mog = MIXTURES[nvars]()
    data = mog.rvs(100, rng=1)
    plot = plot_fit(mog, data if nvars > 1 else data[:, 0], N=200, **options)
    assert kinds(plot, PathCollection) == ("s" in drawn)
    if nvars == 1:
        axes = plot.axs[0, 0]
        assert len(axes.patches) == ("h" in drawn)
        assert [line.get_color() for line in axes.lines] == (
            ["g" if "h" in drawn and "s" not in drawn else "k"] if "p" in drawn else []
        )
    else:
        assert kinds(plot, QuadMesh) == ("h" in drawn) + ("p" in drawn)
        assert kinds(plot, QuadContourSet) == ("c" in drawn)
    for k, name in enumerate(plot.properties[:-1] if nvars > 1 else plot.properties):
        low, high = plot.axs[-1, k].get_xlim()
        assert low < data[:, k].min()
        assert high > data[:, k].max()
        assert high - low == pytest.approx(1.08 * np.ptp(data[:, k]))
        assert plot.dproperties[name]["range"] == [low, high]


def test_dots_are_the_data_and_cells_are_draws():
    mog = two_variables()
    data = mog.rvs(60, rng=1)
    plot = plot_fit(
        mog, data, N=500, sargs={}, hargs={"bins": 5, "density": False}, pargs=None,
        ranges=[(-50, 50), (-50, 50)], marginals=True,
    )  # fmt: skip
    mesh, dots = plot.axs[1, 0].collections
    np.testing.assert_array_equal(dots.get_offsets(), data)
    assert np.nansum(np.ma.filled(mesh.get_array(), np.nan)) == 500
    assert plot.axs[1, 0].get_xlim() == (-50, 50)
    assert len(plot.axs[0, 0].patches) == 2


def test_a_truncated_fit_ends_at_its_domain():
    mog = mn.MixtureOfGaussians(mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[[0, 1]])
    plot = plot_fit(mog, mog.rvs(300, rng=1), properties=["x"], ranges=[[0, 1]], hargs={})
    x, y = plot.axs[0, 0].lines[0].get_data()
    assert (x[0], x[-1]) == (0, 1)
    np.testing.assert_allclose(y, mog.pdf(x))


# The Q-Q plot


def test_quantiles_against_quantiles():
    rng = np.random.default_rng(0)
    observed = rng.chisquare(2, 300)
    simulated = np.percentile(rng.chisquare(2, 3000), np.linspace(0, 100, 300))
    figure, axes = qq_plot(observed, simulated, 0.0123, 0.9876, figsize=4, title="Fit")
    assert figure.get_size_inches().tolist() == [4, 4]
    offsets = axes.collections[0].get_offsets()
    np.testing.assert_array_equal(offsets[:, 1], np.sort(observed))
    np.testing.assert_array_equal(offsets[:, 0], simulated)
    line = axes.lines[0]
    assert line.get_linestyle() == "--"
    assert to_rgba(line.get_color())[0] > 0.7
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert line.get_xdata()[1] == max(observed.max(), simulated.max())
    assert axes.get_title() == "Fit"
    assert "0.9876" in axes.get_legend().get_texts()[0].get_text()
    assert "0.0123" in axes.texts[0].get_text()
    figure.draw_without_rendering()


def test_axes_of_ones_own_and_no_line():
    figure, axes = plt.subplots()
    result = qq_plot([1.0, 2.0], [1.0, 2.0], 0.0, 1.0, ax=axes, plot_line=False, title=None)
    assert result == (figure, axes)
    assert not axes.lines
    assert axes.get_title() == ""
    with pytest.raises(InputError, match="simulated: 1 quantiles seen for 2"):
        qq_plot([1.0, 2.0], [1.0], 0.0, 1.0)


def test_doctests():
    for module in (fit_plots, mixture_plots):
        assert doctest.testmod(module).failed == 0

"""`MultiPlot`: what its panels hold, in numbers."""

from __future__ import annotations

import doctest
import pickle
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from scipy import integrate

from mogfit.errors import DtypeError, InputError
from mogfit.plotting import MultiPlot, multiplot
from tests.plotting.examples import XYZ, cells, one_variable, three_variables, two_variables

# The grid


@pytest.mark.parametrize("nvars", [1, 2, 3, 5])
@pytest.mark.parametrize("marginals", [False, True])
def test_there_is_a_panel_for_each_pair(nvars, marginals):
    names = [f"v{k}" for k in range(nvars)]
    plot = MultiPlot(names, figsize=2, marginals=marginals)
    side = 1 if nvars == 1 else nvars - (not marginals)
    assert plot.axs.shape == (side, side)
    assert (plot.N, plot.M, plot.single) == (nvars, side, side == 1)
    assert tuple(plot.fig.get_size_inches()) == ((3, 2) if nvars == 1 else (2 * side, 2 * side))
    assert plot.properties == names
    assert plt.fignum_exists(plot.fig.number)
    for row in range(side):
        for column in range(side):
            assert plot.axs[row, column].axison == (column <= row)
    for i, j in combinations(range(nvars), 2):
        axes = plot.axp[names[i]][names[j]]
        assert axes is plot.axp[names[j]][names[i]]
        assert axes is plot.axs[j - (not marginals), i]
        assert axes.get_xlabel() == (names[i] if j == nvars - 1 else "")
        assert axes.get_ylabel() == (names[j] if i == 0 else "")
    if marginals and nvars > 1:
        assert all(plot.axp[name][name] is plot.axs[k, k] for k, name in enumerate(names))
    if nvars == 1:
        assert plot.axp["v0"]["v0"] is plot.axs[0, 0]


@pytest.mark.parametrize("marginals", [False, True])
def test_a_variable_has_one_range_everywhere(marginals):
    plot = MultiPlot({"x": (0, 1), "y": (2, 5), "z": (-7, -6)}, marginals=marginals)
    for a, b in combinations(XYZ, 2):
        axes = plot.axp[a][b]
        assert axes.get_xlim() == tuple(plot.dproperties[a]["range"])
        assert axes.get_ylim() == tuple(plot.dproperties[b]["range"])
    if marginals:
        assert plot.axp["z"]["z"].get_xlim() == (-7, -6)


def test_ranges_follow_what_is_drawn_and_can_be_changed():
    plot = MultiPlot({"x": {"range": [0, 1]}, "y": None}, marginals=True)
    axes = plot.axp["x"]["y"]
    plot.sample_scatter([[0.0, 0.0], [5.0, 10.0]])
    assert axes.get_xlim() == (0, 1)
    assert axes.get_ylim() == pytest.approx((-0.4, 10.4))
    plot.sample_scatter([[0.0, -10.0], [5.0, 0.0]])
    assert axes.get_ylim() == pytest.approx((-10.4, 10.4))
    plot.dproperties["y"]["range"] = [-1, 1]
    plot.set_ranges()
    assert axes.get_ylim() == (-1, 1)
    assert plot.axp["y"]["y"].get_xlim() == (-1, 1)
    plot.reset_ranges()
    assert axes.get_xlim() == pytest.approx((-0.2, 5.2))
    assert axes.get_ylim() == pytest.approx((-10.4, 10.4))
    assert plot.dproperties["y"]["range"] == pytest.approx([-10.4, 10.4])


def test_words_and_ticks_can_be_changed():
    plot = MultiPlot(XYZ, fontsize=9, direction="in")
    assert plot.axs[1, 0].xaxis.label.get_fontsize() == 9
    assert plot.axs[1, 0].xaxis.get_tick_params()["labelsize"] == pytest.approx(7.2)
    plot.set_labels(fontsize=14, color="r")
    assert plot.axs[1, 1].xaxis.label.get_color() == "r"
    assert plot.axs[0, 0].yaxis.label.get_fontsize() == 14
    plot.set_tick_params(labelsize=5)
    assert plot.axs[1, 1].xaxis.get_tick_params()["labelsize"] == 5


# Samples


def test_histograms_hold_the_counts():
    data = two_variables().rvs(3000, rng=1)
    plot = MultiPlot(["x", "y"], marginals=True)
    (image,) = plot.sample_hist(data, bins=12, density=False)
    _, _, counts = cells(image)
    expected, _, _ = np.histogram2d(
        data[:, 1],
        data[:, 0],
        bins=12,
        range=[plot.axs[1, 0].get_ylim(), plot.axs[1, 0].get_xlim()],
    )
    np.testing.assert_array_equal(np.nan_to_num(counts), expected)
    assert np.isnan(counts[expected == 0]).all()
    for k in range(2):
        heights = plot.axs[k, k].patches[0].get_xy()
        assert abs(integrate.trapezoid(heights[:, 1], heights[:, 0])) == pytest.approx(1.0, 1e-9)


@pytest.mark.parametrize(("count", "bins"), [(50, 10), (600, 30), (4000, 50)])
def test_there_are_as_many_bins_as_points_fill(count, bins):
    plot = MultiPlot(["x", "y"])
    (image,) = plot.sample_hist(two_variables().rvs(count, rng=0))
    assert image.get_array().size == bins**2


def test_dots_are_the_data():
    data = three_variables().rvs(200, rng=1)
    plot = MultiPlot(XYZ, marginals=True)
    clouds = plot.sample_scatter(data, s=3, color="r", marker="o")
    assert len(clouds) == 3
    for (i, j), cloud in zip(combinations(range(3), 2), clouds, strict=True):
        np.testing.assert_array_equal(cloud.get_offsets(), data[:, [i, j]])
        assert cloud.axes is plot.axs[j, i]
        assert cloud.get_sizes().tolist() == [3]
        assert cloud.get_zorder() == 100
    outline = plot.axs[1, 1].patches[0]
    assert outline.get_edgecolor() == to_rgba("r")
    assert not outline.get_fill()


def test_a_sample_is_on_the_diagonal_once_unless_asked_for():
    data = two_variables().rvs(200, rng=1)
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.sample_hist(data)
    plot.sample_scatter(data)
    assert len(plot.axs[0, 0].patches) == 1
    plot.sample_scatter(data, margs={"color": "g", "bins": 5})
    assert len(plot.axs[0, 0].patches) == 2
    assert plot.axs[0, 0].patches[1].get_edgecolor() == to_rgba("g")
    assert plot.data is data


@pytest.mark.parametrize("as_table", [False, True])
def test_one_variable_has_bars_dots_and_a_curve(as_table):
    mog = one_variable()
    data = mog.rvs(2000, rng=1)[:, 0]
    plot = MultiPlot({"u": {"label": "$u$"}})
    axes = plot.axs[0, 0]
    assert plot.sample_hist(pd.DataFrame({"u": data}) if as_table else data, cmap="YlGn") == []
    plot.mog_pdf(mog, cmap="jet")
    (dots,) = plot.sample_scatter(data, s=2, color="r")
    assert isinstance(dots, PathCollection)
    np.testing.assert_array_equal(dots.get_offsets()[:, 0], data)
    heights = dots.get_offsets()[:, 1]
    assert heights.min() >= 0
    assert heights.max() <= 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$u$", "density")
    assert plot._ax_twin.get_ylabel() == "sample $u$"
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["sample histogram", "PDF", "sample"]
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(y, mog.pdf(x))
    bars = axes.patches[0].get_xy()
    assert abs(integrate.trapezoid(bars[:, 1], bars[:, 0])) == pytest.approx(1.0)
    assert axes.get_ylim() == pytest.approx((0, 1.08 * max(y.max(), bars[:, 1].max())))
    # Bars below dots below the curve.
    assert axes.patches[0].get_zorder() < dots.get_zorder() < axes.lines[0].get_zorder()


def test_heights_of_dots_leave_the_global_generator_alone():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    MultiPlot(["u"]).sample_scatter([0.0, 1.0])
    assert np.random.random() == expected  # noqa: NPY002


def test_labels_of_ones_own_or_none():
    plot = MultiPlot(["u"])
    plot.sample_hist([0.0, 1.0, 2.0], label="catalogue")
    plot.sample_scatter([0.0, 1.0], label="_nolegend_")
    words = [text.get_text() for text in plot.axs[0, 0].get_legend().get_texts()]
    assert words == ["catalogue"]


@pytest.mark.parametrize("data", [[[1.0, 2.0]], [[1.0, 2.0]] * 5, [[0.0, 1e300], [1.0, -1e300]]])
def test_points_that_coincide_or_are_far_apart_are_drawn(data):
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.sample_hist(data)
    plot.sample_scatter(data)
    plot.fig.draw_without_rendering()
    low, high = plot.axs[1, 0].get_xlim()
    assert low < high


def test_data_out_of_sight_are_drawn_as_nothing():
    plot = MultiPlot({"x": (0, 1), "y": (0, 1)}, marginals=True)
    plot.sample_hist([[5.0, 5.0], [6.0, 7.0]], colorbar=True)
    plot.fig.draw_without_rendering()


# What is refused


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MultiPlot([]), "properties: [] (list) seen"),
        (lambda: MultiPlot(None), "properties: None seen"),
        (lambda: MultiPlot(["x"], figsize=0), "figsize: 0 (int) seen"),
        (lambda: MultiPlot(["x"], fontsize="big"), "fontsize: 'big' (str) seen"),
        (lambda: MultiPlot({"x": (2, 1)}), "ranges: of 'x'"),
        (lambda: MultiPlot(XYZ).sample_hist(np.zeros((5, 2))), "2 columns were given for 3"),
        (lambda: MultiPlot(["x"]).sample_scatter([np.nan]), "NaN"),
        (lambda: MultiPlot(XYZ).mog_pdf(two_variables()), "mog: 2 variables seen; allowed: 3"),
        (lambda: MultiPlot(["x", "y"]).mog_pdf(two_variables(), grid_size=1), "grid_size: 1"),
        (lambda: MultiPlot(["x", "y"]).mog_pdf(two_variables(), projection="up"), "'slice'"),
        (lambda: MultiPlot(["x", "y"]).mog_contour(two_variables(), levels=0), "levels: 0"),
        (lambda: MultiPlot(["x", "y"]).mog_contour(two_variables(), mass=[1.0]), "mass: [1.0]"),
        (
            lambda: MultiPlot(["x", "y"]).mog_contour(two_variables(), mass=0.5, levels=3),
            "levels: given together with mass",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)


def test_other_objects_are_refused():
    with pytest.raises(DtypeError, match="mog: dict seen"):
        MultiPlot(["x"]).mog_pdf({})


def test_the_figure_can_be_pickled_and_the_methods_are_described(capsys):
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_pdf(two_variables(), colorbar=True)
    pickle.loads(pickle.dumps(plot.fig)).draw_without_rendering()
    MultiPlot.describe()
    assert "mog_contour()" in capsys.readouterr().out


def test_doctests():
    assert doctest.testmod(multiplot).failed == 0

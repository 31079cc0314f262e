"""`MultiPlot`: what its panels hold, in numbers."""

from __future__ import annotations

import doctest
import pickle
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.contour import QuadContourSet
from matplotlib.path import Path as Outline
from scipy import integrate

import mogfit as mn
from mogfit.errors import DtypeError, InputError
from mogfit.plotting import MultiPlot, multiplot
from tests.plotting.examples import one_variable, random_mixture, three_variables, two_variables

XYZ = ["x", "y", "z"]


def meshes(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadMesh)]


def contours(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadContourSet)]


def cells(mesh):
    """Middles of the cells of a mesh, and what they hold."""
    corners = mesh.get_coordinates()
    x = 0.5 * (corners[0, 1:, 0] + corners[0, :-1, 0])
    y = 0.5 * (corners[1:, 0, 1] + corners[:-1, 0, 1])
    return x, y, np.ma.filled(mesh.get_array(), np.nan).reshape(len(y), len(x))


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


# Densities


@pytest.mark.parametrize("domain", [None, [[-0.5, 2.0], [0.0, None], None]])
def test_panels_are_slices_through_the_mean(domain):
    mog = three_variables(domain=domain)
    plot = MultiPlot(XYZ)
    plot.mog_pdf(mog, grid_size=15)
    centre = mog.weights @ mog.mus
    for i, j in combinations(range(3), 2):
        (mesh,) = meshes(plot.axp[XYZ[i]][XYZ[j]])
        x, y, shown = cells(mesh)
        points = np.tile(centre, (15 * 15, 1))
        points[:, i], points[:, j] = np.tile(x, 15), np.repeat(y, 15)
        np.testing.assert_allclose(shown.ravel(), mog.pdf(points), rtol=1e-10)


def test_a_slice_runs_through_the_domain_even_where_the_means_lie_outside():
    mog = mn.MixtureOfGaussians(mus=[[-2.0, 0, 0]], Sigmas=[np.eye(3)], domain=[[0, None]] * 3)
    plot = MultiPlot(XYZ)
    plot.mog_pdf(mog, grid_size=15)
    _, _, shown = cells(meshes(plot.axp["y"]["z"])[0])
    assert shown.max() > 0


@pytest.mark.parametrize("domain", [None, [[-0.5, 2.0], [0.0, None], None]])
def test_panels_can_be_marginals(domain):
    mog = three_variables(domain=domain)
    plot = MultiPlot({"x": (-3, 5), "y": (-6, 7), "z": (-15, 15)})
    plot.mog_pdf(mog, grid_size=20, projection="marginal")
    x, y, shown = cells(meshes(plot.axp["x"]["z"])[0])
    along = np.linspace(0.0 if domain else -12, 12, 4001)
    for a, b in ((3, 9), (10, 10), (15, 12)):
        points = np.column_stack([np.full_like(along, x[a]), along, np.full_like(along, y[b])])
        expected = integrate.simpson(mog.pdf(points), x=along)
        assert shown[b, a] == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("nvars", [1, 2, 3])
def test_curves_of_single_variables_are_marginals_with_their_domain(nvars):
    domain = [[-0.5, 1.0], [0.0, None], None][:nvars]
    mog = random_mixture(2, nvars, seed=4, domain=domain)
    plot = MultiPlot(XYZ[:nvars], marginals=True)
    plot.mog_pdf(mog)
    for k, pair in enumerate(domain):
        x, y = plot.axs[k, k].lines[0].get_data()
        assert integrate.trapezoid(y, x) == pytest.approx(1.0, abs=5e-3)
        if pair is not None:
            inside = (x >= pair[0]) & (x <= (np.inf if pair[1] is None else pair[1]))
            assert (y[~inside] == 0).all()
            assert (x[np.flatnonzero(y)[0]], x.min() < pair[0]) == (pair[0], True)
        assert plot.axs[k, k].get_ylim() == pytest.approx((0, 1.08 * y.max()))


def test_shades_end_where_the_domain_does():
    mog = two_variables(domain=[[-1, 1], [0, None]])
    plot = MultiPlot(["x", "y"])
    plot.mog_pdf(mog)
    corners = meshes(plot.axs[0, 0])[0].get_coordinates().reshape(-1, 2)
    assert corners.min(axis=0).tolist() == pytest.approx([-1, 0])
    assert corners[:, 0].max() == pytest.approx(1)
    low, high = plot.axs[0, 0].get_xlim()
    assert low < -1 < 1 < high


def test_a_density_is_drawn_again_to_fill_what_is_shown():
    mog = two_variables()
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_pdf(mog, colorbar=True)
    plot.mog_contour(mog)
    plot.sample_scatter([[-30.0, 0.0], [30.0, 0.0]])
    axes = plot.axp["x"]["y"]
    (mesh,) = meshes(axes)
    corners = mesh.get_coordinates().reshape(-1, 2)
    assert (corners[:, 0].min(), corners[:, 0].max()) == pytest.approx(axes.get_xlim())
    assert len(contours(axes)) == 1
    assert plot.axs[0, 0].lines[0].get_xdata()[[0, -1]] == pytest.approx(axes.get_xlim())
    assert len(plot.axs[0, 0].lines) == 1


def test_what_is_drawn_again_is_the_mixture_as_it_was():
    mog = two_variables()
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_pdf(mog)
    before = two_variables()
    mog.update_params(mus=[[50, 50], [60, 60]])
    plot.sample_scatter([[-9.0, 0.0], [9.0, 0.0]])
    x, y, shown = cells(meshes(plot.axs[1, 0])[0])
    points = np.column_stack([np.tile(x, len(y)), np.repeat(y, len(x))])
    np.testing.assert_allclose(shown.ravel(), before.pdf(points), rtol=1e-12)
    plot.mog_pdf(mog)
    assert plot.axs[1, 0].get_xlim()[1] > 60
    assert len(plot.axs[0, 0].lines) == 2


def test_options_reach_the_shades_and_the_curves():
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_pdf(two_variables(), cmap="viridis", norm=LogNorm(1e-6, 1), color="g", lw=3,
                 margs={"linestyle": ":"})  # fmt: skip
    (mesh,) = meshes(plot.axs[1, 0])
    assert mesh.get_cmap().name == "viridis"
    assert isinstance(mesh.norm, LogNorm)
    line = plot.axs[0, 0].lines[0]
    assert (line.get_color(), line.get_linewidth(), line.get_linestyle()) == ("g", 3, ":")
    plot = MultiPlot(["x", "y"])
    plot.mog_pdf(two_variables())
    assert meshes(plot.axs[0, 0])[0].get_cmap().name == "Spectral_r"
    assert meshes(plot.axs[0, 0])[0].get_clim()[0] == 0
    assert meshes(plot.axs[0, 0])[0].get_zorder() == -100


def test_a_fit_is_taken_for_its_mixture():
    fit = mn.FitMoG(two_variables().rvs(200, rng=0), ngauss=1)
    plot = MultiPlot(["x", "y"])
    plot.mog_pdf(fit)
    assert len(meshes(plot.axs[0, 0])) == 1


# Contours


def test_levels_lie_between_a_tenth_and_nearly_all_of_the_highest_density():
    mog = two_variables()
    plot = MultiPlot(["x", "y"])
    plot.mog_contour(mog, levels=3)
    plot.mog_contour(mog)
    plot.mog_contour(mog, levels=[0.05, 0.01, 900.0])
    first, second, third = contours(plot.axs[0, 0])
    highest = max(mog.pdf(mog.mus))
    np.testing.assert_allclose(first.levels, np.array([0.1, 0.525, 0.95]) * highest, rtol=0.01)
    assert len(second.levels) == 5
    assert third.levels.tolist() == [0.01, 0.05]


@pytest.mark.parametrize("projection", ["slice", "marginal"])
@pytest.mark.parametrize("domain", [None, [[-0.5, 2.0], None, [-4, 4]]])
def test_contours_hold_the_probability_they_say(domain, projection):
    mog = three_variables(domain=domain)
    mass = (0.39, 0.86)
    plot = MultiPlot(XYZ)
    plot.mog_contour(mog, mass=mass, projection=projection)
    draws = mog.rvs(40_000, rng=99)
    for i, j in combinations(range(3), 2):
        levels = contours(plot.axp[XYZ[i]][XYZ[j]])[0].levels
        if projection == "marginal":
            from mogfit.density.marginal import marginal

            values = marginal(mog, [i, j]).pdf(draws[:, [i, j]])
        else:
            # The points of the slice: drawn near it would be few, so by a fine sum instead.
            rest = ({0, 1, 2} - {i, j}).pop()
            plot_limits = plot.axp[XYZ[i]][XYZ[j]]
            x = np.linspace(*plot_limits.get_xlim(), 700)
            y = np.linspace(*plot_limits.get_ylim(), 700)
            points = np.empty((700 * 700, 3))
            points[:, i], points[:, j] = np.tile(x, 700), np.repeat(y, 700)
            points[:, rest] = (mog.weights @ mog.mus)[rest]
            values = mog.pdf(points)
            shares = [values[values > level].sum() / values.sum() for level in levels]
            assert shares == pytest.approx(sorted(mass, reverse=True), abs=0.015)
            continue
        shares = [np.mean(values > level) for level in levels]
        assert shares == pytest.approx(sorted(mass, reverse=True), abs=0.012)


def test_contours_enclose_what_they_say():
    mog = random_mixture(4, 2, seed=3)
    plot = MultiPlot({"x": (-12, 12), "y": (-12, 12)})
    plot.mog_contour(mog, mass=[0.5, 0.9], grid_size=300)
    draws = mog.rvs(20_000, rng=5)
    shares = []
    for path in contours(plot.axs[0, 0])[0].get_paths():
        crossings = sum(
            Outline(part).contains_points(draws).astype(int) for part in path.to_polygons()
        )
        shares.append(np.mean(crossings % 2 == 1))
    assert shares == pytest.approx([0.9, 0.5], abs=0.015)


@pytest.mark.parametrize("domain", [None, [[-0.5, 2.5], [None, 1.2]]])
def test_components_are_drawn_alone_in_the_domain(domain):
    mog = two_variables(domain=domain)
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_contour(mog, decomp=True, levels=2)
    drawn = contours(plot.axs[1, 0])
    assert len(drawn) == 2
    colours = {tuple(artist.get_edgecolor()[0]) for artist in drawn}
    assert len(colours) == 2
    x = np.linspace(-6, 6, 601)
    points = np.column_stack([np.tile(x, 601), np.repeat(x, 601)])
    highest = (mog.weights * np.exp(mog.component_logpdf(points))).max(axis=0)
    for k, artist in enumerate(drawn):
        np.testing.assert_allclose(artist.levels, np.array([0.1, 0.95]) * highest[k], rtol=0.01)
        for path in artist.get_paths():
            if domain is not None and len(path.vertices):
                assert path.vertices[:, 0].min() >= -0.5
                assert path.vertices[:, 1].max() <= 1.2
    legend = plot.axs[0, 1].get_legend()
    words = [text.get_text() for text in legend.get_texts()]
    assert words[0].startswith("1: w = 0.6, $\\mu$ = (0, 0)")
    assert "$\\rho$ = \N{MINUS SIGN}0.408" in words[1]
    # On the diagonal: the whole, and the share of each, which add up.
    whole, *shares = plot.axs[0, 0].lines
    grid = np.linspace(-2, 3, 50)
    total = sum(np.interp(grid, *line.get_data()) for line in shares)
    np.testing.assert_allclose(total, np.interp(grid, *whole.get_data()), atol=2e-3)


def test_components_of_one_variable_are_curves():
    mog = one_variable()
    plot = MultiPlot(["u"])
    plot.mog_contour(mog, decomp=True)
    plot.mog_pdf(mog)
    first, second, whole = plot.axs[0, 0].lines
    grid = np.linspace(-2, 4, 50)
    both = np.interp(grid, *first.get_data()) + np.interp(grid, *second.get_data())
    np.testing.assert_allclose(both, np.interp(grid, *whole.get_data()), atol=1e-3)
    words = [text.get_text() for text in plot.axs[0, 0].get_legend().get_texts()]
    assert words == ["1: w = 0.5", "2: w = 0.5", "PDF"]


def test_options_of_contours_go_by_any_of_their_names():
    mog = two_variables()
    plot = MultiPlot(["x", "y"])
    plot.mog_contour(mog, levels=50, linewidth=0.1, alpha=0.3, legend=False, decomp=False)
    plot.mog_contour(mog, color="b", ls="--", lw=2, zorder=7)
    plot.mog_contour(mog, mass=[0.3, 0.6], colors=["r", "g"])
    plot.mog_contour(mog, decomp=True, colors="k", legend=False)
    first, second, third, *single = contours(plot.axs[0, 0])
    assert len(first.levels) == 50
    assert first.get_linewidth()[0] == 0.1
    assert first.get_alpha() == 0.3
    assert tuple(second.get_edgecolor()[0]) == to_rgba("b")
    assert second.get_zorder() == 7
    assert [tuple(c) for c in third.get_edgecolor()] == [to_rgba("r"), to_rgba("g")]
    assert {tuple(artist.get_edgecolor()[0]) for artist in single} == {to_rgba("k")}


def test_one_curve_for_one_mixture_on_the_diagonal():
    mog = two_variables()
    plot = MultiPlot(["x", "y"], marginals=True)
    plot.mog_pdf(mog)
    plot.mog_contour(mog)
    assert len(plot.axs[0, 0].lines) == 1
    plot.mog_contour(mog, margs={"color": "r"})
    assert len(plot.axs[0, 0].lines) == 2


def test_nothing_to_draw_is_no_error():
    # A range in which the density is 0, or which lies outside the domain.
    for mog, span in ((two_variables(), (90, 99)), (two_variables(domain=[[0, 1]] * 2), (2, 3))):
        plot = MultiPlot({"x": span, "y": span}, marginals=True)
        plot.mog_pdf(mog)
        plot.mog_contour(mog)
        plot.mog_contour(mog, decomp=True, mass=0.5)
        plot.fig.draw_without_rendering()
        assert not contours(plot.axs[1, 0])


# Colour bars


def test_a_bar_of_one_panel_has_its_units_and_of_several_their_shares():
    plot = MultiPlot(["x", "y"])
    plot.mog_pdf(two_variables(), colorbar=True)
    (bar,) = plot.axs[0, 0].child_axes
    assert bar.get_ylabel() == "density"
    assert bar.get_ylim() == pytest.approx(meshes(plot.axs[0, 0])[0].get_clim())
    plot = MultiPlot(XYZ)
    plot.mog_pdf(three_variables(), colorbar=True)
    plot.sample_hist(three_variables().rvs(500, rng=0), colorbar=True)
    first, second = plot.axs[0, 1].child_axes
    assert first.get_xlabel() == "density / highest in panel"
    assert second.get_xlabel() == "sample density / highest in panel"
    assert first.get_xlim() == (0, 1)
    plot = MultiPlot(XYZ)
    plot.mog_pdf(three_variables(), colorbar=True, vmax=0.05)
    (bar,) = plot.axs[0, 1].child_axes
    assert bar.get_xlabel() == "density"
    assert bar.get_xlim() == (0, 0.05)


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

"""Densities and contours in the panels of `MultiPlot`, in numbers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.path import Path as Outline
from scipy import integrate

import mogfit as mn
from mogfit.plotting import MultiPlot
from tests.plotting.examples import (
    XYZ,
    cells,
    contours,
    meshes,
    one_variable,
    random_mixture,
    three_variables,
    two_variables,
)

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

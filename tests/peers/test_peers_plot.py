"""`MultiPlot` beside MultiMin's: the same calls give figures of the same shape."""

from __future__ import annotations

import warnings
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import mogfit as mn
from mogfit.plotting import MultiPlot, multimin_watermark
from mogfit.plotting.mixture_plots import plot_pdf, plot_sample
from mogfit.properties import parse_properties
from tests.peers import multimin, quietly

mpl.use("Agg")

CASES = pytest.mark.parametrize(
    ("nvars", "marginals"), [(v, marginals) for v in (1, 2, 3) for marginals in (False, True)]
)


@pytest.fixture(autouse=True)
def _figures_are_closed():
    with warnings.catch_warnings():
        # What MultiMin warns of is not the matter here.
        warnings.simplefilter("ignore")
        yield
    plt.close("all")


def properties(nvars):
    return {name: {"label": f"${name}$", "range": None} for name in "xyz"[:nvars]}


def arguments(nvars):
    return {
        "weights": [0.3, 0.7],
        "mus": np.repeat([[0.0], [3.0]], nvars, axis=1),
        "Sigmas": np.array([np.eye(nvars)] * 2),
    }


def pair(nvars, marginals):
    both = [
        library(properties(nvars), figsize=3, marginals=marginals)
        for library in (MultiPlot, multimin.MultiPlot)
    ]
    data = np.random.default_rng(0).normal(size=(400, nvars))
    mixtures = [
        mn.MixtureOfGaussians(**arguments(nvars)),
        multimin.MixtureOfGaussians(**arguments(nvars)),
    ]
    return both, mixtures, data


@CASES
def test_the_attributes_agree(nvars, marginals):
    (ours, theirs), _, _ = pair(nvars, marginals)
    for name in ("dproperties", "properties", "data", "N", "M", "marginals", "fw", "fs", "single"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("constrained", "_univariate"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.axs.shape == np.shape(theirs.axs)
    np.testing.assert_array_equal(ours.fig.get_size_inches(), theirs.fig.get_size_inches())
    assert [axes.axison for axes in ours.axs.flat] == [axes.axison for axes in theirs.axs.flat]
    for a, panels in theirs.axp.items():
        # With marginals MultiMin has one order of names only, we have both.
        assert set(panels) <= set(ours.axp[a])
        for b, axes in panels.items():
            row, column = np.argwhere(theirs.axs == axes)[0]
            assert ours.axp[a][b] is ours.axs[row, column]
    for row in range(ours.M):
        for column in range(row + 1):
            mine, other = ours.axs[row, column], theirs.axs[row, column]
            assert mine.get_xlabel() == other.get_xlabel()
            assert mine.get_ylabel() == other.get_ylabel()
            assert mine.xaxis.label.get_fontsize() == other.xaxis.label.get_fontsize()
            if mine.get_xlabel() and nvars > 1:  # alone MultiMin leaves the numbers large
                sizes = [a.get_xticklabels()[0].get_fontsize() for a in (mine, other)]
                assert sizes[0] == pytest.approx(sizes[1])


@CASES
def test_the_methods_return_the_same_things(nvars, marginals):
    both, mixtures, data = pair(nvars, marginals)
    returned = []
    for plot, mog in zip(both, mixtures, strict=True):
        images = plot.sample_hist(data, bins=20)
        dots = plot.sample_scatter(data, s=1)
        assert plot.mog_pdf(mog, grid_size=20) is None
        assert plot.set_labels(fontsize=7) is None
        assert plot.set_tick_params(labelsize=6) is None
        assert plot.set_ranges() is None
        assert plot.reset_ranges() is None
        returned.append(
            [
                [type(image).__name__ for image in images],
                [type(cloud).__name__ for cloud in dots],
                [len(cloud.get_offsets()) for cloud in dots],
                [cloud.get_zorder() for cloud in dots] if nvars > 1 else [],
                [image.get_array().size for image in images],
                [image.get_zorder() for image in images],
                sorted(plot._twin_axes) if marginals and nvars > 1 else [],
                plot.data is data,
            ]
        )
    assert returned[0] == returned[1]
    # Both show all data now; ours with a margin.
    ours, theirs = both
    for a, b in combinations("xyz"[:nvars], 2):
        for limits in ("get_xlim", "get_ylim"):
            mine, other = (getattr(plot.axp[a][b], limits)() for plot in (ours, theirs))
            assert mine[0] <= other[0]
            assert mine[1] >= other[1]
            assert np.diff(mine)[0] < 1.1 * np.diff(other)[0]


def test_one_variable_has_the_same_words():
    both, mixtures, data = pair(1, False)
    seen = []
    for plot, mog in zip(both, mixtures, strict=True):
        plot.sample_hist(data)
        plot.mog_pdf(mog)
        plot.sample_scatter(data)
        texts = {text.get_text() for text in plot.axs[0, 0].get_legend().get_texts()}
        seen.append((texts, plot._ax_twin.get_ylabel(), plot.axs[0, 0].get_xlabel()))
    assert seen[0] == seen[1]


def test_panels_of_three_variables_are_the_same_slices():
    (ours, theirs), mixtures, _ = pair(3, False)
    for plot, mog in zip((ours, theirs), mixtures, strict=True):
        for entry in plot.dproperties.values():
            entry["range"] = [-3.0, 6.0]
        plot.set_ranges()
        plot.mog_pdf(mog, grid_size=10)
    for a, b in combinations("xyz", 2):
        values = []
        for plot, mog in zip((ours, theirs), mixtures, strict=True):
            mesh = plot.axp[a][b].collections[0]
            corners = mesh.get_coordinates()
            middles = 0.25 * (
                corners[1:, 1:] + corners[1:, :-1] + corners[:-1, 1:] + corners[:-1, :-1]
            )
            points = np.tile(mog.weights @ mog.mus, (middles[..., 0].size, 1))
            points[:, "xyz".index(a)] = middles[..., 0].ravel()
            points[:, "xyz".index(b)] = middles[..., 1].ravel()
            # The mixture of the other library, at the middles of each one's cells.
            values.append((np.ravel(mesh.get_array()), mixtures[plot is ours].pdf(points)))
        for shown, expected in values:
            np.testing.assert_allclose(shown, expected, rtol=1e-10)


@pytest.mark.parametrize(
    "given",
    [None, ["x"], ["x", "y", "z"], "xyz", {"u": {"label": "U", "range": [0, 1]}, "v": {}, "w": {}}],
)
@pytest.mark.parametrize("ranges", [None, [[0, 1], None, [2, 3]]])
def test_properties_mean_the_same(given, ranges):
    expected = multimin.Util.props_to_properties(given, 3, ranges)
    found = parse_properties(given, 3, ranges)
    assert list(found) == list(expected)
    for name, entry in expected.items():
        assert found[name]["label"] == entry["label"]
        # MultiMin does not look at `ranges` where properties are a dict.
        if not isinstance(given, dict):
            assert found[name]["range"] == entry["range"]


@pytest.mark.parametrize("nvars", [1, 3])
def test_figures_of_mixtures_have_the_same_shape(nvars):
    ours, theirs = (
        mn.MixtureOfGaussians(**arguments(nvars)),
        multimin.MixtureOfGaussians(**arguments(nvars)),
    )
    for mine, other in (
        (plot_pdf(ours, grid_size=10), theirs.plot_pdf(grid_size=10)),
        (plot_pdf(ours, ["u"], grid_size=10, marginals=True),
         theirs.plot_pdf(["u"], grid_size=10, marginals=True)),
        (plot_sample(ours, N=30, ranges=[[0, 1]] * nvars),
         quietly(theirs.plot_sample, N=30, ranges=[[0, 1]] * nvars)),
    ):  # fmt: skip
        assert type(mine).__name__ == type(other).__name__
        assert mine.properties == other.properties
        assert mine.dproperties == other.dproperties
        np.testing.assert_array_equal(mine.fig.get_size_inches(), other.fig.get_size_inches())
        assert mine.axs.shape == np.shape(other.axs)


def test_watermarks_look_alike():
    _, (left, right) = plt.subplots(1, 2)
    mine, other = multimin_watermark(left), multimin.multimin_watermark(right)
    for look in ("get_color", "get_rotation", "get_position", "get_fontsize", "get_zorder"):
        assert getattr(mine, look)() == pytest.approx(getattr(other, look)()), look

"""Words of a `MultiPlot`: they stay apart, inside the figure, and off the data."""

from __future__ import annotations

import sys
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

import mogfit as mn
from mogfit.errors import InputError
from mogfit.plotting import MultiPlot, multimin_watermark
from mogfit.plotting.labels import drawable
from tests.plotting.examples import one_variable, random_mixture, three_variables, two_variables

SCALES = {
    "plain": (1.0, 0.0),
    "tiny": (1e-7, 0.0),
    "huge": (1e12, 0.0),
    "julian days": (3.0, 2459000.25),
    "close to one": (1e-5, 1.0),
}


def ticks_outside(plot):
    """Texts of ticks that are not shown: matplotlib keeps them as invisible or empty ones."""
    hidden = set()
    for axes in plot.fig.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not (axes.axison and low <= tick.get_loc() <= high):
                    hidden |= {id(tick.label1), id(tick.label2)}
    return hidden


def check_words(plot):
    plot.fig.draw_without_rendering()
    hidden = ticks_outside(plot)
    texts = []
    for text in plot.fig.findobj(Text):
        if not text.get_text().strip() or not text.get_visible() or id(text) in hidden:
            continue
        if text.axes is not None and not text.axes.get_visible():
            continue
        box = text.get_window_extent()
        if box.width > 1 and box.height > 1:
            texts.append((text.get_text(), box))
    whole = plot.fig.bbox
    for place, (words, box) in enumerate(texts):
        assert box.x0 >= -0.5, words
        assert box.y0 >= -0.5, words
        assert box.x1 <= whole.x1 + 0.5, words
        assert box.y1 <= whole.y1 + 0.5, words
        for other_words, other in texts[:place]:
            apart = (
                box.x0 >= other.x1 - 0.5
                or other.x0 >= box.x1 - 0.5
                or box.y0 >= other.y1 - 0.5
                or other.y0 >= box.y1 - 0.5
            )
            assert apart, (words, other_words, box, other)
    for axes in plot.axs.flat:
        legend = axes.get_legend()
        for panel in plot.axs.flat:
            if legend is not None and panel.axison:
                inside = legend.get_window_extent().shrunk(0.99, 0.99)
                assert not inside.overlaps(panel.get_window_extent()), "a legend lies over data"
    return [words for words, _ in texts]


@pytest.mark.parametrize(
    ("nvars", "marginals", "scale"),
    [(*shape, scale) for scale in SCALES for shape in ((1, False), (2, False), (3, True))]
    + [(5, True, "plain"), (5, True, "julian days")],
)
def test_no_words_overlap_and_none_leave_the_figure(nvars, marginals, scale):
    factor, shift = SCALES[scale]
    mog = random_mixture(2, nvars)
    data = mog.rvs(300, rng=0) * factor + shift
    plot = MultiPlot(
        {f"quantity {k}": {"label": f"quantity {k} [km]"} for k in range(nvars)},
        figsize=2,
        marginals=marginals,
    )
    plot.sample_hist(data)
    plot.sample_scatter(data)
    words = check_words(plot)
    # Numbers stand at the ticks of every outer panel, in few digits.
    numbers = [word for word in words if word.lstrip("\N{MINUS SIGN}")[:1].isdigit()]
    assert len(numbers) >= 2
    assert max(map(len, numbers)) <= 6


def test_what_the_numbers_share_goes_into_the_label():
    plot = MultiPlot({"t": {"label": "t [s]", "range": (0, 3e7)}, "u": {"range": (-1, 1)}})
    plot.fig.draw_without_rendering()
    assert plot.axs[0, 0].get_xlabel() == "t [$10^{7}$ s]"
    plot.dproperties["t"]["range"] = [0, 5]
    plot.set_ranges()
    plot.fig.draw_without_rendering()
    assert plot.axs[0, 0].get_xlabel() == "t [s]"
    # Labels that users write are left alone.
    plot.axs[0, 0].set_xlabel("mine")
    plot.dproperties["t"]["range"] = [0, 3e7]
    plot.set_ranges()
    plot.fig.draw_without_rendering()
    assert plot.axs[0, 0].get_xlabel() == "mine"


def test_a_logarithmic_axis_keeps_its_own_ticks():
    plot = MultiPlot({"t": (1, 1e6), "u": (0, 1)})
    plot.axs[0, 0].set_xscale("log")
    plot.fig.draw_without_rendering()
    assert plot.axs[0, 0].get_xlabel() == "t"


@pytest.mark.parametrize("size", [1.5, 2, 3])
def test_long_dollared_and_broken_labels_are_drawn(size):
    labels = [
        "a very long name of a quantity that nobody can read [degrees]",
        "price in $ of {x",
        "two\nlines",
        "$\\log_{10} P$ of something that is long as well",
    ]
    plot = MultiPlot({str(k): {"label": label} for k, label in enumerate(labels)}, figsize=size)
    words = check_words(plot)
    assert any(word.endswith("\N{HORIZONTAL ELLIPSIS} [degrees]") for word in words)
    assert drawable("price in $ of {x") == "price in \\$ of {x"


def test_larger_letters_have_larger_margins():
    left = []
    for size in (8, 16):
        plot = MultiPlot({"x": (0, 1), "y": (0, 1)}, fontsize=size)
        plot.set_tick_params(labelsize=size)
        check_words(plot)
        left.append(plot.axs[0, 0].get_window_extent().x0)
    assert left[1] > 1.6 * left[0]


def test_titles_have_room():
    plot = MultiPlot(["x", "y", "z"], marginals=True, figsize=2)
    plot.fig.suptitle("Three variables")
    plot.axs[0, 0].set_title("alone")
    words = check_words(plot)
    assert {"Three variables", "alone"} <= set(words)


@pytest.mark.parametrize("figsize", [2, 3, 4])
def test_the_legend_of_one_variable_is_above_it(figsize):
    mog = one_variable()
    plot = MultiPlot(["u"], figsize=figsize)
    plot.sample_hist(mog.rvs(500, rng=0))
    plot.mog_pdf(mog)
    plot.mog_contour(mog, decomp=True)
    plot.sample_scatter(mog.rvs(500, rng=0))
    assert {"PDF", "sample", "1: w = 0.5", "sample u", "density"} <= set(check_words(plot))
    assert plot.axs[0, 0].get_position().height > 0.3


@pytest.mark.parametrize(
    ("nvars", "marginals", "ngauss"),
    [(2, False, 2), (2, False, 20), (2, True, 5), (3, False, 2), (3, False, 20), (5, True, 20)],
)
def test_legends_of_components_cover_no_data(nvars, marginals, ngauss):
    mog = random_mixture(ngauss, nvars)
    plot = MultiPlot([f"x{k}" for k in range(nvars)], figsize=2.5, marginals=marginals)
    plot.mog_pdf(mog, grid_size=20, colorbar=True)
    plot.mog_contour(mog, grid_size=20, decomp=True)
    words = check_words(plot)
    first = next(word for word in words if word.startswith("1: w = "))
    assert ("mu" in first) or ngauss > 2
    assert any(word.startswith(("20: w", "+ ")) for word in words) == (ngauss == 20)
    assert min(axes.get_position().height for axes in plot.axs.flat) > 0.1


def test_several_legends_become_one():
    plot = MultiPlot(["x", "y", "z"])
    plot.mog_contour(three_variables(), decomp=True)
    plot.mog_contour(three_variables(), mass=[0.39, 0.86])
    words = [text.get_text() for text in plot.axs[0, 1].get_legend().get_texts()]
    assert len(words) == 4
    assert words[2:] == ["39 %", "86 %"]
    check_words(plot)


def test_too_many_components_are_counted():
    plot = MultiPlot(["x", "y"], figsize=1.5)
    plot.mog_contour(random_mixture(40, 2), grid_size=20, decomp=True)
    words = [text.get_text() for text in plot.axs[0, 0].get_legend().get_texts()]
    assert words[-1] == f"+ {41 - len(words)}"
    check_words(plot)


def test_tight_layout_places_the_panels_at_once():
    plot = MultiPlot(["x", "y"])
    before = plot.axs[0, 0].get_position().bounds
    plot.tight_layout()
    placed = plot.axs[0, 0].get_position().bounds
    assert placed != before
    plot.fig.draw_without_rendering()
    assert plot.axs[0, 0].get_position().bounds == pytest.approx(placed, abs=1e-6)


def test_a_tight_layout_of_ones_own_is_no_matter():
    plot = MultiPlot(["x", "y", "z"], marginals=True)
    plot.mog_pdf(three_variables(), colorbar=True)
    plt.tight_layout()  # would warn of another engine, and warnings are errors
    check_words(plot)


def test_panels_fill_the_figure():
    plot = MultiPlot(["x", "y", "z", "w"], figsize=2)
    plot.fig.draw_without_rendering()
    shown = [axes.get_position() for axes in plot.axs.flat if axes.axison]
    assert min(box.x0 for box in shown) < 0.12
    assert max(box.x1 for box in shown) > 0.97
    assert max(box.y1 for box in shown) > 0.97
    assert np.ptp([box.width for box in shown]) < 1e-9


# The watermark


@pytest.fixture
def _watermark(monkeypatch):
    monkeypatch.setattr(mn, "show_watermark", True, raising=False)


def marks(plot):
    return [t for axes in plot.axs.flat for t in axes.texts if t.get_text().startswith("mogfit ")]


@pytest.mark.usefixtures("_watermark")
@pytest.mark.parametrize("nvars", [1, 2, 3])
def test_the_watermark_is_drawn_once_and_inside(nvars):
    mog = {1: one_variable, 2: two_variables, 3: three_variables}[nvars]()
    plot = MultiPlot(["x", "y", "z"][:nvars])
    assert not marks(plot)
    plot.mog_pdf(mog)
    plot.sample_scatter(mog.rvs(50, rng=0))
    (mark,) = marks(plot)
    assert mark.get_color() == "pink"
    assert mark.get_rotation() == 270
    check_words(plot)


def test_no_watermark_unless_asked_for(monkeypatch):
    for module in (mn, types.ModuleType("mogfit")):
        monkeypatch.setitem(sys.modules, "mogfit", module)
        plot = MultiPlot(["x", "y"])
        plot.mog_pdf(two_variables())
        assert not marks(plot)


def test_the_watermark_fits_its_axes():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4))
    small, large = multimin_watermark(left), multimin_watermark(right, frac=0.5, alpha=0.4)
    height = left.get_window_extent().height / figure.dpi
    assert small.get_fontsize() == pytest.approx(8 * 0.25 * height)
    assert large.get_fontsize() == pytest.approx(8 * 0.5 * height)
    assert large.get_alpha() == 0.4
    solid = plt.figure().add_subplot(projection="3d")
    assert multimin_watermark(solid) in solid.texts


def test_the_repr_names_the_variables():
    assert repr(MultiPlot(["q", "e"])) == "MultiPlot(['q', 'e'])"
    assert repr(MultiPlot(["q", "e"], marginals=True)) == "MultiPlot(['q', 'e'], marginals=True)"


@pytest.mark.parametrize("properties", [None, 3, [], {}])
def test_a_figure_needs_a_variable(properties):
    with pytest.raises(InputError, match=r"^properties: .* at least one name"):
        MultiPlot(properties)

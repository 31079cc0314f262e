"""Pictures of the figures, compared with stored ones.

Numbers are tested elsewhere; this guards how things lie over each other, their colours and
widths. No word is left in the pictures, and so no margin that follows one: fonts differ between
versions of matplotlib. What remains is equal to the bit with matplotlib 3.8 and 3.11. The
tolerance, an RMS of 1 of 255, is for the rounding of other processors at edges of lines; the
contours of one component missing in one of ten panels make 1.6, everything else far more.
To draw the baselines anew: ``pytest tests/plotting/test_multiplot_images.py
--mpl-generate-path=tests/plotting/baseline``, and look at them.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mogfit as mn
from mogfit.plotting import MultiPlot
from mogfit.plotting.fit_plots import plot_fit, qq_plot
from mogfit.plotting.mixture_plots import plot_pdf, plot_sample
from tests.plotting.examples import one_variable, random_mixture, three_variables, two_variables

compared = pytest.mark.mpl_image_compare(
    style="default", remove_text=True, tolerance=1, savefig_kwargs={"dpi": 50}
)


def blank(nvars):
    """Variables without labels."""
    return {f"v{k}": {"label": ""} for k in range(nvars)}


def wordless(plot):
    """The figure of a plot without the words that pytest-mpl leaves."""
    for axes in plot.fig.axes:
        axes.set(xlabel="", ylabel="")
        if axes.get_legend():
            axes.get_legend().remove()
    return plot.fig


@compared
def test_slices_with_marginals():
    return wordless(plot_pdf(three_variables(), properties=blank(3), marginals=True))


@compared
def test_data_over_density_with_contours():
    mog = three_variables()
    return wordless(
        plot_fit(
            mog, mog.rvs(800, rng=1), figsize=3, properties=blank(3), marginals=True,
            sargs={"s": 1, "color": "r"}, pargs={"cmap": "YlGn"}, cargs={},
        )
    )  # fmt: skip


@compared
def test_one_variable_with_everything():
    mog = one_variable()
    return wordless(
        plot_fit(
            mog, mog.rvs(1500, rng=1), figsize=3, properties=blank(1),
            hargs={"bins": 30}, sargs={"s": 2, "color": "r"}, pargs={"color": "k"},
        )
    )  # fmt: skip


@compared
def test_a_truncated_variable_falls_upright():
    mog = mn.MixtureOfGaussians(mus=[0.2, 0.8], Sigmas=[0.01, 0.03], domain=[[0, 1]])
    plot = MultiPlot(blank(1))
    plot.mog_pdf(mog)
    plot.mog_contour(mog, decomp=True)
    return wordless(plot)


@compared
def test_a_domain_cuts_shades_and_contours():
    mog = two_variables(domain=[[-0.5, None], [None, 1.3]])
    plot = MultiPlot(blank(2), marginals=True)
    plot.mog_pdf(mog)
    plot.mog_contour(mog, decomp=True, levels=4)
    return wordless(plot)


@compared
def test_truncated_marginals_with_contours_of_given_mass():
    mog = three_variables(domain=[None, [-1, 2], [0, None]])
    plot = MultiPlot(blank(3), marginals=True)
    plot.sample_hist(mog.rvs(3000, rng=2), cmap="Greys")
    plot.mog_contour(mog, mass=[0.39, 0.86], projection="marginal")
    return wordless(plot)


@compared
def test_histograms_and_dots():
    mog = two_variables()
    return wordless(
        plot_sample(
            mog, data=mog.rvs(1000, rng=1), properties=blank(2), marginals=True, figsize=3,
            hargs={"bins": 20, "cmap": "Blues"}, sargs={"s": 2, "color": "k"},
        )
    )  # fmt: skip


@compared
def test_colour_bars_are_beside_the_panels():
    plot = MultiPlot(blank(3))
    plot.mog_pdf(three_variables(), colorbar=True)
    for axes in plot.axs[0, 1].child_axes:
        axes.set(xlabel="", xticks=[])
    return wordless(plot)


@compared
def test_components_of_five_variables():
    plot = MultiPlot(blank(5), figsize=1.5, marginals=True)
    mog = random_mixture(5, 5, seed=5)
    plot.mog_pdf(mog, projection="marginal", cmap="Greys", grid_size=60)
    plot.mog_contour(mog, projection="marginal", decomp=True, mass=[0.39, 0.86], grid_size=80)
    return wordless(plot)


@compared
def test_quantiles():
    rng = np.random.default_rng(0)
    observed = rng.chisquare(3, 300)
    simulated = np.percentile(rng.chisquare(3, 3000), np.linspace(0, 100, 300))
    # In axes whose place does not follow words.
    figure = plt.figure(figsize=(4, 4))
    axes = figure.add_axes((0.05, 0.05, 0.9, 0.9))
    qq_plot(observed, simulated, 0.01, 0.99, ax=axes, title=None)
    axes.set(xlabel="", ylabel="")
    axes.get_legend().remove()
    axes.texts[0].set_visible(False)
    return figure

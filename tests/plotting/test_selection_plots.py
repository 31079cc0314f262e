"""The figure of a selection: what is in its panels, and how it looks."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import mogfit as mn
from mogfit.errors import InputError
from mogfit.plotting.painters import component_styles
from mogfit.plotting.selection_plots import selection_figure, widest_pair

compared = pytest.mark.mpl_image_compare(
    style="default", remove_text=True, tolerance=1, savefig_kwargs={"dpi": 50}
)


def humps(nvars):
    rng = np.random.default_rng(nvars)
    points = rng.normal(size=(400, nvars))
    points[:120, 0] += 5.0
    points[120:180, -1] -= 6.0
    return points


def row(ngauss, bic, aic, status="converged", covariance="full"):
    return SimpleNamespace(ngauss=ngauss, covariance=covariance, status=status, bic=bic, aic=aic)


ROWS = [
    row(1, 500.0, 490.0),
    row(2, 430.0, 400.0),
    row(3, 415.0, 380.0),
    row(4, 425.0, 379.0),
    row(5, 390.0, 300.0, "held by the penalty"),
    row(6, np.nan, np.nan, "failed"),
]


def mixture(nvars):
    mus = np.zeros((3, nvars))
    mus[1, 0], mus[2, -1] = 5.0, -6.0
    if nvars == 1:
        mus = np.array([[0.0], [5.0], [-6.0]])
    Sigmas = np.stack([np.eye(nvars) * scale for scale in (1.0, 0.8, 0.5)])
    return mn.MixtureOfGaussians(weights=[0.6, 0.25, 0.15], mus=mus, Sigmas=Sigmas)


def figure(nvars, rows=ROWS, criterion="bic", **options):
    mog = mixture(nvars)
    return selection_figure(mog, mog.rvs(400, rng=1), None, rows, criterion, **options)


def wordless(drawn):
    for axes in drawn.axes:
        axes.set(xlabel="", ylabel="", title="")
        for text in axes.texts:
            text.set_text("")
        if axes.get_legend():
            axes.get_legend().remove()
    return drawn


@compared
def test_one_variable_in_three_panels():
    return wordless(figure(1, figsize=(9, 3)))


@compared
def test_two_variables_in_three_panels():
    return wordless(figure(2, figsize=(9, 3)))


def test_the_panels_of_one_variable():
    left, middle, right = figure(1).axes
    assert [axes.get_xlabel() for axes in (left, middle, right)] == [
        "x", "number of components", "x",
    ]  # fmt: skip
    assert left.get_title() == "400 points, 3 components"
    # The bands fill the panel, in the colours of the components, from the lowest mean up.
    styles = component_styles(mixture(1).weights)
    bands = right.collections
    assert len(bands) == 3
    for band, k in zip(bands, (2, 0, 1), strict=True):
        assert band.get_label() == f"component {k}"
        shade = np.array(to_rgb(styles[k].colour))
        np.testing.assert_allclose(1 - band.get_facecolor()[0, :3], (1 - shade) * 0.75, atol=1e-12)
    assert [text.get_text() for text in right.texts] == ["2", "0", "1"]
    edges = bands[0].get_paths()[0].vertices
    x = edges[10, 0]
    logs = np.log(mixture(1).weights) + mixture(1).component_logpdf(np.array([[x]]))[0]
    expected = np.exp(logs[2]) / np.exp(logs).sum()
    heights = edges[np.isclose(edges[:, 0], x), 1]
    assert heights.max() == pytest.approx(expected, abs=1e-9)


def test_criteria_are_above_the_lowest_of_the_sound_fits():
    middle = figure(1).axes[1]
    bic, aic = (line for line in middle.lines if line.get_label() in ("BIC", "AIC"))
    np.testing.assert_allclose(bic.get_ydata()[:4], [85.0, 15.0, 0.0, 10.0])
    assert np.isnan(bic.get_ydata()[4:]).all()
    np.testing.assert_allclose(aic.get_ydata()[:4], [111.0, 21.0, 1.0, 0.0])
    rings = [ring.get_offsets()[0].tolist() for ring in middle.collections]
    assert rings == [[3.0, 0.0], [4.0, 0.0]]
    (crosses,) = (line for line in middle.lines if line.get_label() == "failed")
    assert crosses.get_xdata().tolist() == [6]
    legend = [text.get_text() for text in middle.get_legend().get_texts()]
    assert legend == ["BIC", "AIC", "failed", "held by the penalty"]


def test_several_structures_are_lines_of_one_criterion():
    rows = [
        row(k, 400.0 + 10 * k * place, 0.0, covariance=name)
        for place, name in enumerate(("full", "diag", "tied"))
        for k in (1, 2)
    ]
    middle = figure(2, rows).axes[1]
    legend = [text.get_text() for text in middle.get_legend().get_texts()]
    assert legend == ["full", "diag", "tied"]
    assert middle.get_ylabel() == "BIC above its lowest value"


def test_of_more_variables_the_widest_pair_is_shown():
    mog = mixture(4)
    assert widest_pair(mog) == (0, 3)
    drawn = figure(4, names=["a", "b", "c", "d"])
    assert [axes.get_xlabel() for axes in drawn.axes] == ["a", "number of components", "a"]
    assert drawn.axes[0].get_ylabel() == drawn.axes[2].get_ylabel() == "d"


def test_the_map_has_the_colour_of_the_most_probable_component():
    right = figure(2).axes[2]
    (image,) = right.images
    colours = np.asarray(image.get_array())
    low, high, bottom, top = image.get_extent()
    styles = component_styles(mixture(2).weights)
    for k, (x, y) in enumerate(mixture(2).mus):
        column = int((x - low) / (high - low) * colours.shape[1])
        line = int((y - bottom) / (top - bottom) * colours.shape[0])
        shade = np.array(to_rgb(styles[k].colour))
        np.testing.assert_allclose(1 - colours[line, column], (1 - shade) * 0.75, atol=0.02)


def test_the_numbers_of_the_map_keep_off_its_edges():
    mog = mn.MixtureOfGaussians(
        mus=[[0.0, 0.0], [4.0, 4.0]], Sigmas=[np.eye(2)] * 2, domain=[(0, None), (0, None)]
    )
    right = selection_figure(mog, mog.rvs(500, rng=1), None, ROWS, "bic").axes[2]
    (x, y) = next(text.get_position() for text in right.texts if text.get_text() == "0")
    for value, limits in ((x, right.get_xlim()), (y, right.get_ylim())):
        assert 0.03 < (value - limits[0]) / (limits[1] - limits[0]) < 0.5


@pytest.mark.parametrize("nvars", [1, 2, 3])
def test_a_selection_draws_itself(nvars):
    points = humps(nvars)
    selection = mn.select(points, [1, 3, 2], random_state=1, covariance="diag")
    assert len(selection.plot().axes) == 3
    assert selection.plot(figsize=(4, 2)).get_size_inches().tolist() == [4.0, 2.0]


def test_weights_and_missing_values_are_those_of_the_fit():
    points = humps(2)
    points[0, 0] = np.nan
    weights = np.r_[np.ones(200), np.zeros(200)]
    selection = mn.select(points, [1, 2], missing="marginal", sample_weight=weights, random_state=1)
    assert selection.plot().axes[0].get_title().startswith("199 of 200 points")


def test_one_component_many_components_and_many_points():
    rng = np.random.default_rng(0)
    one = mn.select(rng.normal(size=300), [1], random_state=0)
    assert len(one.plot().axes) == 3
    mog = mn.MixtureOfGaussians(mus=np.arange(20.0), Sigmas=np.full(20, 0.05))
    selection_figure(mog, mog.rvs(6000, rng=1), None, ROWS, "bic")
    pair = mn.MixtureOfGaussians(
        mus=rng.normal(size=(15, 2)) * 4, Sigmas=np.stack([np.eye(2)] * 15)
    )
    selection_figure(pair, pair.rvs(6000, rng=1), None, ROWS, "aic")


def test_without_data_there_is_nothing_to_draw():
    selection = pickle.loads(pickle.dumps(mn.select(humps(2), [1, 2], random_state=1)))
    with pytest.raises(InputError, match="No data provided"):
        selection.plot()

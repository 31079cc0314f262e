"""The corner figure: what it shows, that its words stay apart, and how it looks."""

from __future__ import annotations

import doctest
import io
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.collections import LineCollection
from matplotlib.contour import QuadContourSet
from matplotlib.path import Path as Outline
from scipy import integrate, stats

import mogfit as mn
from mogfit.algebra.regions import ellipse_points
from mogfit.density.marginal import marginal
from mogfit.errors import DtypeError, InputError
from mogfit.plotting import corner, corner_figure, painters, regions
from mogfit.plotting.ticks import AxisScale, PanelLocator

BASELINE = Path(__file__).parent / "baseline"


def random_mixture(ngauss, nvars, seed=0, scale=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(ngauss, nvars, nvars)) * 0.5
    Sigmas = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(nvars)
    scale = np.broadcast_to(scale, nvars)
    return mn.MixtureOfGaussians(
        weights=rng.random(ngauss) + 0.1,
        mus=rng.normal(size=(ngauss, nvars)) * 3 * scale + shift,
        Sigmas=Sigmas * np.outer(scale, scale),
    )


def panels(figure, nvars):
    """Axes of a figure by row and column, and the free corner."""
    axes = figure.axes
    places = [(row, column) for row in range(nvars) for column in range(row + 1)]
    assert len(axes) == len(places) + 1
    return dict(zip(places, axes, strict=False)), axes[-1]


def words(axes):
    return [text.get_text() for text in axes.texts]


def contours(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadContourSet)]


def curves(axes):
    return [artist for artist in axes.collections if isinstance(artist, LineCollection)]


# What is there


@pytest.mark.parametrize("nvars", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("ngauss", [1, 20])
def test_there_is_a_panel_for_each_variable_and_pair(nvars, ngauss):
    mog = random_mixture(ngauss, nvars)
    data = mog.rvs(500, rng=1)
    figure = corner_figure(mog, data)
    grid, side = panels(figure, nvars)
    for (row, column), axes in grid.items():
        low, high = axes.get_xlim()
        inside = (data[:, column] > low) & (data[:, column] < high)
        assert inside.mean() > 0.99
        assert axes.get_xlabel() == (f"x{column}" if row == nvars - 1 else "")
        if row != column:
            assert axes.get_ylim() == pytest.approx(grid[row, row].get_xlim())
            assert axes.get_ylabel() == (f"x{row}" if column == 0 else "")
            assert len(contours(axes)) == 1
            assert len(contours(axes)[0].levels) == 3
            assert len(curves(axes)) == (ngauss > 1)
    assert f"500 points, {ngauss} Gaussian{'s' if ngauss > 1 else ''}" in words(side)
    assert sum(text.endswith(" %") and "hold" not in text for text in words(side)) == (
        ngauss if ngauss > 1 else 0
    )


def test_the_likelihood_that_is_written_is_that_of_all_data():
    mog = random_mixture(3, 2)
    data = mog.rvs(150_000, rng=1)
    weights = np.random.default_rng(2).random(len(data))
    mean = -np.average(mog.logpdf(data), weights=weights)
    _, side = panels(corner_figure(mog, data, sample_weight=weights), 2)
    assert f"\N{MINUS SIGN}log L / N = {mean:.4f}" in words(side)


def test_names_and_units_come_with_the_data_or_are_given():
    asteroids = mn.datasets.load_asteroids("q,e,i")
    mog = random_mixture(1, 3)
    grid, _ = panels(corner_figure(mog, asteroids), 3)
    assert [grid[2, k].get_xlabel() for k in range(3)] == ["q [au]", "e", "i [deg]"]
    grid, _ = panels(corner_figure(mog, asteroids, names=["abc"] * 3, units=["", "m", ""]), 3)
    assert [grid[2, k].get_xlabel() for k in range(3)] == ["abc", "abc [m]", "abc"]


def test_a_fit_brings_its_data_along():
    data = random_mixture(2, 2).rvs(300, rng=0)
    fit = mn.FitMoG(data, ngauss=2)
    fit.fit_data(random_state=0)
    _, side = panels(corner_figure(fit), 2)
    assert "300 points, 2 Gaussians" in words(side)
    assert f"\N{MINUS SIGN}log L / N = {fit.report.neg_loglik_per_point:.4f}" in words(side)


def test_a_mixture_alone_is_drawn_without_data():
    mog = random_mixture(2, 2)
    grid, side = panels(corner_figure(mog), 2)
    assert "data" not in words(side)
    assert not grid[1, 0].images
    assert not any("log" in text for text in words(side))


def test_components_contours_and_ranges_can_be_chosen():
    mog = random_mixture(3, 2)
    figure = corner_figure(mog, components=False, mass=[], ranges=[(-1, 2), None], title="Here")
    grid, side = panels(figure, 2)
    assert grid[1, 0].get_xlim() == (-1, 2)
    assert not grid[1, 0].collections
    assert not curves(grid[0, 0])
    assert not any("%" in text for text in words(side))
    assert [text.get_text() for text in figure.texts] == ["Here"]


@pytest.mark.parametrize(("count", "as_image"), [(5000, False), (5001, True)])
def test_many_data_are_shaded_and_few_are_dots(count, as_image):
    mog = random_mixture(1, 2)
    grid, _ = panels(corner_figure(mog, mog.rvs(count, rng=0), mass=[]), 2)
    assert len(grid[1, 0].images) == as_image
    assert len(grid[1, 0].collections) == (not as_image)
    if not as_image:
        assert grid[1, 0].collections[0].get_rasterized()


def test_more_than_a_million_points_are_thinned_without_the_global_generator():
    mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    data = mog.rvs(1_200_000, rng=0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    figure = corner_figure(mog, data, random_state=5)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert "1\N{NARROW NO-BREAK SPACE}200\N{NARROW NO-BREAK SPACE}000 points, 1 Gaussian" in words(
        panels(figure, 1)[1]
    )


# Numbers


@pytest.mark.parametrize("mass", [(0.39, 0.86, 0.99), (0.5,)])
def test_contours_hold_the_probability_they_say(mass):
    mog = random_mixture(4, 3, seed=3)
    figure = corner_figure(mog, mass=mass, ranges=[(-20, 20)] * 3)
    grid, _ = panels(figure, 3)
    draws = mog.rvs(40_000, rng=99)
    for row, column in ((1, 0), (2, 0), (2, 1)):
        # Paths run from the outermost region to the innermost.
        shares = []
        for path in contours(grid[row, column])[0].get_paths():
            crossings = sum(
                Outline(part).contains_points(draws[:, [column, row]]).astype(int)
                for part in path.to_polygons()
            )
            shares.append(np.mean(crossings % 2 == 1))
        assert shares == pytest.approx(sorted(mass, reverse=True), abs=0.012)


def test_levels_of_a_single_gaussian_are_those_of_the_closed_form():
    Sigma = np.array([[2.0, 0.9], [0.9, 1.0]])
    mog = mn.MixtureOfGaussians(mus=[[1.0, -1.0]], Sigmas=[Sigma])
    mass = np.array([0.39, 0.86, 0.99])
    count = 200_000
    levels = regions.density_levels(marginal(mog, [0, 1]), mass, count=count)
    # Inside Mahalanobis distance r lies 1 - exp(-r^2 / 2), where the density is exp(-r^2 / 2).
    peak = 1 / (2 * np.pi * np.sqrt(np.linalg.det(Sigma)))
    # As draws decide, the share inside has the error of a proportion: four of them are allowed.
    error = np.sqrt(mass * (1 - mass) / count) * peak
    assert (abs(levels - (1 - mass) * peak) < 4 * error).all()


def test_ellipses_are_at_mahalanobis_distance_one():
    mog = random_mixture(1, 2, seed=4)
    offsets = ellipse_points(mog.mus[0], mog.Sigmas[0]) - mog.mus[0]
    distances = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(mog.Sigmas[0]), offsets)
    np.testing.assert_allclose(distances, 1.0, rtol=1e-12)


def test_curves_and_histogram_on_the_diagonal_are_densities():
    mog = random_mixture(3, 2, seed=2)
    data = mog.rvs(20_000, rng=1)
    ranges = [tuple(np.quantile(data[:, 0], (0.2, 0.7))), (-20.0, 20.0)]
    grid, _ = panels(corner_figure(mog, data, ranges=ranges), 2)
    for k, (low, high) in enumerate(ranges):
        axes = grid[k, k]
        inside = np.mean((data[:, k] >= low) & (data[:, k] <= high))
        heights, edges, _ = axes.patches[0].get_data()
        assert heights @ np.diff(edges) == pytest.approx(inside, rel=1e-9)
        curve = axes.lines[0].get_xydata()
        assert integrate.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(inside, abs=0.01)
        total = sum(
            np.interp(curve[:, 0], *segment.T) for segment in curves(axes)[0].get_segments()
        )
        np.testing.assert_allclose(total, curve[:, 1], rtol=1e-6, atol=1e-12)


def test_weights_count_as_repetition():
    mog = random_mixture(2, 2)
    data = mog.rvs(6000, rng=0)
    weights = np.random.default_rng(1).integers(0, 3, len(data))
    ranges = [(-8, 8)] * 2
    weighted, _ = panels(corner_figure(mog, data, sample_weight=weights, ranges=ranges), 2)
    repeated, _ = panels(corner_figure(mog, np.repeat(data, weights, axis=0), ranges=ranges), 2)
    heights, edges, _ = weighted[0, 0].patches[0].get_data()
    others, their_edges, _ = repeated[0, 0].patches[0].get_data()
    fine = stats.rv_histogram((heights, edges), density=True).cdf(their_edges)
    same = stats.rv_histogram((others, their_edges), density=True).cdf(their_edges)
    np.testing.assert_allclose(fine, same, atol=0.02)


def test_shaded_cells_hold_the_counts():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 9000))
    weights = rng.random(9000)
    figure = corner_figure(
        random_mixture(1, 2), np.column_stack([x, y]), sample_weight=weights,
        ranges=[(-1, 2), (-3, 1)], mass=[], components=False,
    )  # fmt: skip
    shades = panels(figure, 2)[0][1, 0].images[0].get_array()
    bins = len(shades)
    expected, _, _ = np.histogram2d(
        y, x, bins=bins, range=[(-3, 1), (-1, 2)], weights=weights / weights.mean()
    )
    np.testing.assert_allclose(shades.filled(0.0), np.log1p(expected), atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_quantiles_are_those_of_repeated_values(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=500), rng.integers(0, 4, 500).astype(float)
    at = [0.001, 0.2, 0.5, 0.999]
    expected = np.quantile(np.repeat(values, weights.astype(int)), at, method="inverted_cdf")
    np.testing.assert_array_equal(regions.weighted_quantiles(values, weights, at), expected)


def test_far_points_do_not_stretch_the_ranges():
    mog = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    data = np.append(mog.rvs(10_000, rng=0), 1e9)
    low, high = panels(corner_figure(mog, data), 1)[0][0, 0].get_xlim()
    assert -6 < low < -2.5 < 2.5 < high < 6


def test_a_needle_does_not_flatten_the_rest():
    mog = mn.MixtureOfGaussians(weights=[0.999, 0.001], mus=[0.0, 1.0], Sigmas=[1.0, 1e-12])
    axes = panels(corner_figure(mog, mog.rvs(2000, rng=0)), 1)[0][0, 0]
    assert axes.get_ylim()[1] < 2.5
    # The grid has points on the needle, so that it is not overlooked.
    assert axes.lines[0].get_ydata().max() > 100


# Words stay apart and inside

SCALES = {
    "plain": (1.0, 0.0),
    "tiny": (1e-7, 0.0),
    "huge": (1e12, 0.0),
    "negative": (40.0, -5000.0),
    "julian days": (3.0, 2459000.25),
    "close to one": (1e-5, 1.0),
}


def boxes(figure, texts):
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    return [text.get_window_extent(figure.canvas.get_renderer()) for text in shown]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("nvars", [1, 2, 3, 5, 8])
def test_no_words_overlap_and_none_leave_the_figure(nvars, scale):
    mog = random_mixture(20, nvars, 1, *SCALES[scale])
    names = [f"quantity {k}" for k in range(nvars)]
    figure = corner_figure(
        mog, mog.rvs(300, rng=0), names=names, units=["km"] * nvars, title="Title"
    )
    figure.draw_without_rendering()
    grid, side = panels(figure, nvars)
    every = [*boxes(figure, side.texts), *boxes(figure, figure.texts)]
    for (row, column), axes in grid.items():
        labels = []
        if row == nvars - 1:
            labels += [*axes.get_xticklabels(), axes.xaxis.label]
            assert any(text.get_text() for text in axes.get_xticklabels()), "no tick at all"
        if column == 0 and row != column:
            labels += [*axes.get_yticklabels(), axes.yaxis.label]
        every += boxes(figure, labels)
    whole = figure.bbox
    for place, box in enumerate(every):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= whole.x1
        assert box.y1 <= whole.y1
        for other in every[:place]:
            apart = (
                box.x0 >= other.x1 or other.x0 >= box.x1 or box.y0 >= other.y1 or other.y0 >= box.y1
            )
            assert apart, (box, other)


def test_the_free_corner_covers_no_panel():
    figure = corner_figure(random_mixture(20, 3), title="Title")
    grid, side = panels(figure, 3)
    for axes in grid.values():
        assert not side.get_position().shrunk(0.999, 0.999).overlaps(axes.get_position())


@pytest.mark.parametrize(
    ("low", "high", "label"),
    [
        (0.0, 1.0, "t [s]"),
        (-3e7, 2e7, "t [$10^{7}$ s]"),
        (1e-6, 3e-6, "t [$10^{-6}$ s]"),
        (2459000.0, 2459010.0, "t \N{MINUS SIGN} 2459000 [s]"),
        (-50010.0, -49990.0, "t + 50000 [s]"),
    ],
)
def test_what_the_numbers_share_goes_into_the_label(low, high, label):
    scale = AxisScale.of_range(low, high)
    assert scale.label("t", "s") == label
    ticks = PanelLocator(scale, 20.0, True).tick_values(low, high)
    texts = scale.texts(ticks)
    assert max(map(len, texts)) <= 5
    numbers = [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]
    np.testing.assert_allclose(
        np.array(numbers) * 10.0**scale.power + scale.offset,
        ticks,
        rtol=1e-12,
        atol=1e-9 * (high - low),
    )


@pytest.mark.parametrize("exponent", range(-12, 13, 3))
def test_ticks_are_few_round_and_told_apart(exponent):
    rng = np.random.default_rng(exponent + 20)
    for _ in range(50):
        low, high = np.sort(rng.normal(size=2)) * 10.0**exponent
        scale = AxisScale.of_range(low, high)
        ticks = PanelLocator(scale, 14.0, True).tick_values(low, high)
        assert 1 <= len(ticks) <= 6
        assert (ticks > low).all()
        assert (ticks < high).all()
        texts = scale.texts(ticks)
        assert all(a != b for a, b in pairwise(texts))


def test_dollars_and_long_or_foreign_names_are_drawn():
    mog = random_mixture(1, 3)
    names = ["price in $ of {x", "a name\nof two lines and " + "many words " * 9, "$\\log P$"]
    figure = corner_figure(mog, names=names)
    figure.savefig(io.BytesIO())
    labels = [axes.get_xlabel() for axes in figure.axes[3:6]]
    assert labels[2] == "$\\log P$"
    assert labels[1].endswith("\N{HORIZONTAL ELLIPSIS}")
    assert "\n" not in labels[1]


# What is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": np.zeros((3, 5))}, "5 columns were given for 2 variables"),
        ({"data": [[0.0, np.nan]]}, "NaN"),
        ({"names": ["a"]}, "names: shape (1,) seen, shape (2,)"),
        ({"names": "ab"}, "names: 'ab' seen"),
        ({"units": ["a", 1]}, "units:"),
        ({"ranges": [None]}, "ranges: 1 seen"),
        ({"ranges": [None, (1, 1)]}, "variable 1: (1, 1) seen"),
        ({"ranges": [None, (0, np.inf)]}, "variable 1"),
        ({"ranges": [None, "ab"]}, "variable 1: 'ab' seen"),
        ({"mass": (0.5, 1.0)}, "mass: (0.5, 1.0) seen"),
        ({"mass": 0.5}, "mass: 0.5 seen"),
        ({"max_points": -1}, "max_points: -1"),
        ({"max_points": 10.5}, "max_points: 10.5"),
        ({"data": [[0.0, 1.0]], "sample_weight": [1.0, 2.0]}, "sample_weight: shape (2,) seen"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(InputError) as caught:
        corner_figure(random_mixture(1, 2), **change)
    assert words in str(caught.value)


def test_incomplete_and_noisy_points_count_and_complete_ones_are_drawn(monkeypatch):
    mog = random_mixture(2, 2)
    data = mog.rvs(200, rng=1)
    data[::4, 0] = np.nan
    errors = np.full(data.shape, 0.5)
    expected = -mog.logpdf(data, missing="marginal", errors=errors).mean()
    note = f"\N{MINUS SIGN}log L / N = {expected:.4f}"
    drawn = []
    paint_dots = painters.paint_dots
    monkeypatch.setattr(
        painters, "paint_dots", lambda axes, x, *rest: drawn.append(x) or paint_dots(axes, x, *rest)
    )
    fit = mn.FitMoG(data, 2, missing="marginal", errors=errors)
    fit.set_initial_params(from_mog=mog)
    for figure in (
        corner_figure(mog, data, missing="marginal", errors=errors),
        corner_figure(fit),
    ):
        _, side = panels(figure, 2)
        assert note in words(side)
        assert "200 points, 2 Gaussians" in words(side)
        np.testing.assert_array_equal(drawn.pop(), data[~np.isnan(data[:, 0]), 0])
    _, side = panels(corner_figure(mog, data, missing="marginal"), 2)
    assert note not in words(side)
    projected = mn.FitMoG(data, 2, missing="marginal", projection=np.eye(2)[::-1])
    with pytest.raises(InputError, match="projections of points cannot be drawn"):
        corner_figure(projected)


def test_data_without_a_complete_row_leave_the_mixture_to_be_drawn():
    mog = random_mixture(2, 2)
    data = np.full((20, 2), np.nan)
    data[:10, 0] = data[10:, 1] = np.arange(10)
    _, side = panels(corner_figure(mog, data, missing="marginal"), 2)
    assert "20 points, 2 Gaussians" in words(side)


def test_other_objects_and_too_many_variables_are_refused():
    with pytest.raises(DtypeError, match="mog: dict"):
        corner_figure({})
    with pytest.raises(InputError, match="17 variables"):
        corner_figure(random_mixture(1, 17))


# How it behaves and looks


def test_no_pyplot_and_nothing_imported_before_the_first_figure():
    code = (
        "import io, sys, mogfit; assert 'matplotlib' not in sys.modules\n"
        "from mogfit.plotting import corner_figure; assert 'matplotlib' not in sys.modules\n"
        "mog = mogfit.MixtureOfGaussians(mus=[0.0, 1.0], Sigmas=[1.0, 1.0])\n"
        "corner_figure(mog, mog.rvs(10, rng=0)).savefig(io.BytesIO())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_data_and_mixture_are_left_alone():
    mog = random_mixture(2, 2)
    before = mog.stdcorr.tobytes()
    data = mog.rvs(100, rng=0)
    copy = data.copy()
    data.flags.writeable = False
    corner_figure(mog, data)
    assert (data == copy).all()
    assert mog.stdcorr.tobytes() == before


def test_a_million_points_in_eight_variables_take_seconds():
    mog = random_mixture(20, 8)
    data = mog.rvs(1_000_000, rng=0)
    begun = time.perf_counter()
    corner_figure(mog, data).savefig(io.BytesIO(), dpi=100)
    assert time.perf_counter() - begun < 20


def test_styles_tell_24_components_apart():
    styles = painters.component_styles(np.linspace(1, 2, 24))
    assert len({(style.colour, str(style.dashes)) for style in styles}) == 24
    assert styles[23].width > styles[0].width


def picture(figure):
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=60)
    content.seek(0)
    return image.imread(content)[..., :3], content.getvalue()


def asteroid_figure():
    # Fixed parameters: the picture must not change with the fit.
    mog = mn.MixtureOfGaussians(
        weights=[0.5, 0.3, 0.2],
        mus=[[0.98, 0.42, 6.0], [0.8, 0.5, 20.0], [1.1, 0.3, 15.0]],
        Sigmas=[
            [[0.03, -0.01, 0.0], [-0.01, 0.02, 0.0], [0.0, 0.0, 12.0]],
            [[0.06, -0.03, 0.5], [-0.03, 0.03, -0.2], [0.5, -0.2, 140.0]],
            [[0.01, 0.0, 0.0], [0.0, 0.02, 0.0], [0.0, 0.0, 60.0]],
        ],
    )
    return corner_figure(mog, mn.datasets.load_asteroids("q,e,i"))


def dots_figure():
    mog = random_mixture(8, 2, seed=5)
    return corner_figure(mog, mog.rvs(400, rng=3), names=["x", "y"], title="Dots")


@pytest.mark.parametrize("make", [asteroid_figure, dots_figure])
def test_the_figure_looks_as_it_did(make, tmp_path):
    # Words are left out: fonts differ between versions of matplotlib.
    figure = make()
    for text in figure.findobj(lambda artist: hasattr(artist, "set_text")):
        text.set_visible(False)
    seen, content = picture(figure)
    expected = image.imread(BASELINE / f"{make.__name__}.png")[..., :3]
    (tmp_path / "seen.png").write_bytes(content)
    assert seen.shape == expected.shape
    difference = np.sqrt(np.mean((seen - expected) ** 2))
    assert difference < 0.03, f"compare {tmp_path / 'seen.png'}"


def test_the_comparison_of_pictures_sees_a_missing_contour():
    expected = image.imread(BASELINE / "asteroid_figure.png")[..., :3]
    figure = asteroid_figure()
    for artist in figure.findobj(QuadContourSet):
        artist.set_visible(False)
    for text in figure.findobj(lambda artist: hasattr(artist, "set_text")):
        text.set_visible(False)
    assert np.sqrt(np.mean((picture(figure)[0] - expected) ** 2)) > 0.04


def test_doctests():
    for module in (corner, regions):
        assert doctest.testmod(module).failed == 0

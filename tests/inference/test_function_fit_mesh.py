"""What may be given as a mesh, what is refused, and the grids and peaks on it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks as scipy_find_peaks
from scipy.signal import peak_prominences, peak_widths

from mogfit.errors import DegenerateError, DtypeError, InputError
from mogfit.inference.function_fit import peaks
from mogfit.inference.function_fit.mesh import read_mesh
from mogfit.inference.function_fit.peaks import LOOSE, PLAIN, STRICT, find_peaks

X = np.linspace(0, 10, 101)
F = np.exp(-((X - 3) ** 2)) + 0.5 * np.exp(-((X - 7) ** 2))
A, B = np.meshgrid(np.linspace(0, 1, 6), np.linspace(0, 9, 4))
G = A + B


@pytest.mark.parametrize(
    "data",
    [
        (X, F),
        [list(X), list(F)],
        (X.astype(np.float32), F),
        ((X,), F),
        (X[:, None], F),
        (X[:, None], F[:, None]),
    ],
    ids=["arrays", "lists", "single", "a tuple of one", "a column", "columns"],
)
def test_one_variable_in_every_form(data):
    mesh = read_mesh(data)
    assert mesh.points.shape == (101, 1)
    assert mesh.points[:, 0] == pytest.approx(X, rel=1e-7)
    assert (mesh.values == F).all()


@pytest.mark.parametrize(
    "first",
    [(A, B), [A, B], np.array([A, B]), [A.tolist(), B.tolist()]],
    ids=["tuple", "list", "array", "lists"],
)
def test_two_variables_in_every_form(first):
    mesh = read_mesh((first, G))
    assert (mesh.points == np.column_stack([A.ravel(), B.ravel()])).all()
    assert (mesh.values == G.ravel()).all()
    assert mesh.bounds.tolist() == [[0, 0], [1, 9]]


def test_points_beside_values():
    points = np.column_stack([A.ravel(), B.ravel()])
    mesh = read_mesh((points, G.ravel()))
    assert (mesh.points == points).all()
    assert mesh.grid() is None


def test_data_frames():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"x": X, "F": F})
    assert (read_mesh((frame["x"], frame["F"])).values == F).all()


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_the_grid_of_a_mesh(indexing):
    axes = np.array([3.0, 1.0, 2.0]), np.linspace(0, 1, 4), np.array([5.0, 9.0])
    arrays = np.meshgrid(*axes, indexing=indexing)
    values = arrays[0] + 10 * arrays[1] + 100 * arrays[2]
    mesh = read_mesh((tuple(arrays), values))
    grid = mesh.grid()
    assert [axis.tolist() for axis in grid.axes] == [sorted(axis) for axis in axes]
    ordered = np.meshgrid(*(np.sort(axis) for axis in axes), indexing="ij")
    expected = ordered[0] + 10 * ordered[1] + 100 * ordered[2]
    assert (mesh.values[grid.order] == expected).all()


def test_a_bent_mesh_is_no_grid():
    assert read_mesh(((A + 0.1 * B, B), G)).grid() is None


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, InputError, r"data: NoneType seen; allowed: a pair \(X, F\)"),
        (X, InputError, "data: ndarray seen"),
        ((X,), InputError, "data: 1 entries seen"),
        ((X, F[:5]), InputError, r"X: shape \(101,\) seen, .*F of shape \(5,\)"),
        (((A, B), G.T), InputError, r"X\[0\]: shape \(4, 6\) seen, shape \(6, 4\) expected"),
        (((A[0], B[:, 0]), G), InputError, r"make a mesh of the axes with np\.meshgrid"),
        ((A, G), InputError, "a tuple of one such array for each variable"),
        ((X, F + 1j), DtypeError, "F: dtype complex128"),
        (("abc", F), DtypeError, "X: 'abc'"),
        ((X, np.where(X > 9, np.nan, F)), InputError, r"F: 10 of 101 values are not finite, first"),
        ((X, np.where(X > 9, np.inf, F)), InputError, r"at index 91: inf; .*weights=0"),
        (((A, B), np.where(A < 1, G, np.nan)), InputError, r"first at index \(0, 5\): nan"),
        ((np.where(X > 9, np.nan, X), F), InputError, "X: 10 of 101 values are not finite"),
        ((X, 0 * F), InputError, "F: all 101 values are 0"),
        ((0 * X + 4, F), DegenerateError, "variable 0 is 4 at every point"),
        (((A, 0 * B), G), DegenerateError, "variable 1 is 0 at every point"),
        ((3.0, 4.0), InputError, "at least one value"),
        (([], []), InputError, "at least one value"),
    ],
)
def test_what_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        read_mesh(data)


def test_weights_and_sigmas():
    sigma = 1.0 + X
    by_sigma = read_mesh((X, F), sigma=sigma).weights
    assert by_sigma == pytest.approx(1 / sigma**2 * sigma.min() ** 2, rel=1e-14)
    holes = np.where(X > 9, np.nan, F)
    for given in ({"weights": X <= 9}, {"sigma": np.where(X > 9, np.inf, 1.0)}):
        mesh = read_mesh((X, holes), **given)
        assert np.isnan(mesh.values).sum() == 10
        assert len(mesh.counted().values) == 91
        assert mesh.bounds.tolist() == [[0], [10]]  # the whole mesh's


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": X, "sigma": X}, "weights and sigma: both seen"),
        ({"weights": X[:4]}, r"weights: shape \(4,\) seen, shape \(101,\)"),
        ({"weights": -X}, "weights: 100 of 101 values are negative"),
        ({"weights": 0 * X}, "weights: all 101 weights are 0"),
        ({"sigma": X}, "sigma: 1 of 101 values is not positive, first at index 0: 0.0"),
        ({"sigma": np.full(101, np.inf)}, "sigma: all values are inf"),
    ],
)
def test_weights_that_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        read_mesh((X, F), **given)


# -- peaks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_peaks_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    # rounded, so that there are plateaus
    values = np.round(np.cumsum(rng.standard_normal(200)), seed % 3)
    values -= values.min() - 0.1
    expected, _ = scipy_find_peaks(values, height=0.05 * values.max())
    assert (peaks.local_maxima(values) == scipy_find_peaks(values)[0]).all()
    x = np.sort(rng.uniform(0, 1, 200))
    found = find_peaks(read_mesh((x, values)), PLAIN)
    prominences = peak_prominences(values, expected)
    order = np.argsort(-prominences[0], kind="stable")
    assert (found.means[:, 0] == x[expected[order]]).all()
    _, _, left, right = peak_widths(values, expected, 0.5, prominences)
    places = np.arange(200)
    width = np.interp(right, places, x) - np.interp(left, places, x)
    assert found.sigmas[:, 0] == pytest.approx(width[order] / 2.354820045, rel=1e-9)


def test_noisy_seedings_smooth_and_ask_for_prominence(rng):
    x = np.linspace(0, 10, 400)
    F = np.exp(-0.5 * ((x - 3) / 0.5) ** 2) + 0.5 * np.exp(-0.5 * ((x - 7) / 0.5) ** 2)
    noisy = F + 0.02 * rng.standard_normal(400)
    mesh = read_mesh((x, noisy))
    assert len(find_peaks(mesh, PLAIN).means) > 10
    strict = find_peaks(mesh, STRICT)
    assert np.sort(strict.means[:, 0]) == pytest.approx([3, 7], abs=0.15)
    # a moving average over 3 % of the points, at least 7 and odd
    smooth = uniform_filter1d(noisy, 13, mode="nearest")
    expected, _ = scipy_find_peaks(
        smooth, height=0.05 * smooth.max(), prominence=0.005 * smooth.max()
    )
    assert np.sort(find_peaks(mesh, LOOSE).means[:, 0]).tolist() == x[expected].tolist()


def test_a_slope_has_no_peak():
    for seeding in (PLAIN, LOOSE, STRICT):
        assert len(find_peaks(read_mesh((X, np.exp(-X))), seeding).means) == 0


def test_peaks_in_the_plane():
    axis = np.linspace(-5, 5, 41)
    for indexing in ("xy", "ij"):
        X, Y = np.meshgrid(axis, 2 * axis, indexing=indexing)
        F = np.exp(-0.5 * ((X + 2) ** 2 + (Y - 4) ** 2 / 4)) + 0.5 * np.exp(
            -0.5 * ((X - 2) ** 2 / 0.25 + (Y + 4) ** 2)
        )
        found = find_peaks(read_mesh(((X, Y), F)), PLAIN)
        assert found.means.tolist() == [[-2, 4], [2, -4]]
        assert found.sigmas == pytest.approx(np.array([[1, 2], [0.5, 1]]), abs=0.3)


def test_a_plateau_is_one_peak_and_a_constant_is_one_too():
    flat = np.where((abs(A - 0.4) < 0.25) & (abs(B - 4.5) < 2), 2.0, G * 0)
    assert len(find_peaks(read_mesh(((A, B), flat)), PLAIN).means) == 1


def test_meshes_without_neighbours_have_no_peaks_to_find():
    points = np.random.default_rng(0).uniform(0, 1, (50, 2))
    with pytest.raises(InputError, match="form no grid"):
        find_peaks(read_mesh((points, points.sum(axis=1))), PLAIN)
    with pytest.raises(InputError, match="noisy modes are for one variable, 2 seen"):
        find_peaks(read_mesh(((A, B), G)), STRICT)

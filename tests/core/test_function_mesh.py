"""Sums of bumps on a mesh: values, losses, heights, slopes and descents against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from mogfit import _core
from mogfit.errors import InputError

EDGES = (1, 2, 7, 8, 9, 127, 128, 129, 255, 257, 1000, 2049)
WIDEST = 10.0


def bumps(rng, ngauss, nvars):
    """Means and lower factors of bumps in the unit cube."""
    factors = 0.1 * np.tril(rng.normal(size=(ngauss, nvars, nvars)))
    diagonal = np.arange(nvars)
    factors[:, diagonal, diagonal] = rng.uniform(0.08, 0.3, (ngauss, nvars))
    return rng.uniform(0, 1, (ngauss, nvars)), factors


def columns(points, means, factors):
    """exp(-|L^-1 (x - mu)|^2 / 2) of each bump, (N, K), in whatever type is given."""
    parts = []
    for mean, factor in zip(means, factors, strict=True):
        u = (points - mean) @ np.linalg.inv(factor).T
        parts.append(np.exp(-0.5 * (u * u).sum(axis=1)))
    return np.stack(parts, axis=1)


def limits(nvars):
    return np.full(nvars, 1e-3), np.full(nvars, WIDEST)


def evaluate(mesh, means, factors):
    return mesh.fit(means, factors, *limits(means.shape[1]), max_iterations=0)


@pytest.mark.parametrize("nvars", [1, 2, 3, 5])
@pytest.mark.parametrize("count", EDGES)
def test_values_are_the_sum_of_the_bumps(rng, count, nvars):
    points = rng.uniform(0, 1, (count, nvars))
    means, factors = bumps(rng, 3, nvars)
    heights = rng.uniform(0.5, 2, 3)
    mesh = _core.FunctionMesh(points, np.ones(count))
    assert (mesh.size, mesh.nvars) == (count, nvars)
    seen = mesh.values(means, factors, np.log(heights))
    assert seen == pytest.approx(columns(points, means, factors) @ heights, rel=1e-13, abs=1e-20)


def test_values_far_from_every_mean_do_not_underflow(rng):
    points = rng.uniform(0, 1, (500, 1))
    mean, factor = np.array([[40.0]]), np.array([[[0.5]]])
    # log of the height at the mean: 1 at the far end of the mesh
    log_height = 0.5 * ((40.0 - points.max()) / 0.5) ** 2
    seen = _core.FunctionMesh(points, np.ones(500)).values(mean, factor, [log_height])
    expected = np.exp(log_height - 0.5 * ((points[:, 0] - 40.0) / 0.5) ** 2)
    assert seen == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 1), (1, 6), (2, 4), (3, 3), (4, 2)])
def test_heights_and_loss_are_those_of_nonnegative_least_squares(rng, nvars, ngauss, weighted):
    points = rng.uniform(0, 1, (400, nvars))
    values = rng.normal(0.3, 1.0, 400)
    roots = rng.uniform(0, 2, 400) if weighted else None
    means, factors = bumps(rng, ngauss, nvars)
    fit = evaluate(_core.FunctionMesh(points, values, roots), means, factors)
    by_root = 1.0 if roots is None else roots
    matrix = (columns(points, means, factors).T * by_root).T
    heights, residual = nnls(matrix, by_root * values)
    assert np.exp(fit.log_heights) == pytest.approx(heights, rel=1e-9, abs=1e-12)
    assert fit.loss == pytest.approx(residual**2, rel=1e-12)
    shift = np.where(heights > 0, heights / np.where(fit.heights > 0, fit.heights, 1), 1)
    active = heights > 0
    gram = (matrix * shift).T @ (matrix * shift)
    assert fit.gram[np.ix_(active, active)] == pytest.approx(
        gram[np.ix_(active, active)], rel=1e-10
    )


@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (2, 2), (3, 2)])
def test_slopes_are_the_derivatives_of_the_loss(rng, nvars, ngauss):
    points = rng.uniform(0, 1, (300, nvars))
    means, factors = bumps(rng, ngauss, nvars)
    values = columns(points, means, factors) @ rng.uniform(1, 2, ngauss) + rng.normal(0, 0.1, 300)
    mesh = _core.FunctionMesh(points, values)
    start = means + 0.02, factors * 1.1
    fit = evaluate(mesh, *start)
    assert (fit.heights > 0).all()
    heights = np.exp(fit.log_heights)
    rows, lower = np.tril_indices(nvars)

    def loss(k, p):
        """Of a complex step along parameter p of bump k; heights are at their best."""
        shift, stretch = np.zeros(nvars, complex), np.eye(nvars, dtype=complex)
        if p < nvars:
            shift[p] = 1e-30j
        else:
            i, j = rows[p - nvars], lower[p - nvars]
            stretch[i, j] = np.exp(1e-30j) if i == j else 1e-30j
        moved, changed = start[0].astype(complex), start[1].astype(complex)
        moved[k] += factors[k] * 1.1 @ shift
        changed[k] = changed[k] @ stretch
        residuals = values - columns(points, moved, changed) @ heights
        return (residuals**2).sum()

    expected = [[loss(k, p).imag / 1e-30 for p in range(nvars + len(rows))] for k in range(ngauss)]
    assert fit.slopes == pytest.approx(np.array(expected), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(rng, threads):
    points = rng.uniform(0, 1, (30_000, 2))
    means, factors = bumps(rng, 3, 2)
    values = columns(points, means, factors).sum(axis=1) + rng.normal(0, 0.1, len(points))
    mesh = _core.FunctionMesh(points, values / np.linalg.norm(values))

    def fitted(count):
        fit = mesh.fit(means + 0.01, factors, *limits(2), threads=count)
        values = mesh.values(fit.means, fit.factors, fit.log_heights, count)
        parts = (fit.means, fit.factors, fit.log_heights, [fit.loss], fit.slopes, fit.gram, values)
        return [np.asarray(part).tobytes() for part in parts]

    assert fitted(threads) == fitted(1)


def test_layouts_change_no_bit(rng):
    points = rng.uniform(0, 1, (700, 2)).astype(np.float32)
    values = np.exp(-8 * ((points - 0.5) ** 2).sum(axis=1))
    means, factors = bumps(rng, 2, 2)
    expected = evaluate(_core.FunctionMesh(points.astype(float), values), means, factors)
    for layout in (points, np.asfortranarray(points), np.repeat(points, 2, axis=0)[::2]):
        fit = evaluate(_core.FunctionMesh(layout, values), means, factors)
        assert (fit.loss, fit.slopes.tobytes()) == (expected.loss, expected.slopes.tobytes())


def test_every_variant_ends_at_the_same_optimum(rng, run_python, variant):
    code = """
import numpy as np
from mogfit import _core
x = np.linspace(0, 1, 500)[:, None]
F = np.exp(-0.5 * ((x[:, 0] - 0.4) / 0.1) ** 2) + 0.05 * np.sin(90 * x[:, 0])
fit = _core.FunctionMesh(x, F / np.linalg.norm(F)).fit([[0.3]], [[[0.2]]], [1e-3], [10.0])
print(_core.variant, fit.ending, repr(fit.means[0, 0]), repr(fit.factors[0, 0, 0]), repr(fit.loss))
"""
    name, ending, *seen = (
        run_python(code, MOGFIT_ISA=variant)
        .stdout.replace("np.float64(", "")
        .replace(")", "")
        .split()
    )
    assert (name, ending) == (variant, "converged")
    x = np.linspace(0, 1, 500)[:, None]
    values = np.exp(-0.5 * ((x[:, 0] - 0.4) / 0.1) ** 2) + 0.05 * np.sin(90 * x[:, 0])
    mesh = _core.FunctionMesh(x, values / np.linalg.norm(values))
    here = mesh.fit([[0.3]], [[[0.2]]], [1e-3], [10.0])
    mine = [here.means[0, 0], here.factors[0, 0, 0], here.loss]
    assert [float(value) for value in seen] == pytest.approx(mine, rel=1e-9)


def test_large_residuals_do_not_slow_the_descent(rng):
    # Gauss-Newton alone takes more than 300 iterations on the four bumps of a box.
    x = np.linspace(0, 1, 300)[:, None]
    values = (abs(x[:, 0] - 0.5) < 0.2) * 1.0
    mesh = _core.FunctionMesh(x, values / np.linalg.norm(values))
    means = np.array([[0.33], [0.44], [0.56], [0.67]])
    fit = mesh.fit(means, np.full((4, 1, 1), 0.04), *limits(1), max_iterations=60)
    assert fit.ending == "converged"
    assert fit.gradient_norm <= 1e-8


def test_nor_in_the_plane():
    # Gauss-Newton alone takes more than 140 iterations.
    axis = np.linspace(0, 1, 30)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    y = points - 0.5
    values = (np.einsum("ni,ij,nj->n", y, np.eye(2) + 0.5, y) < 0.1) * 1.0
    mesh = _core.FunctionMesh(points, values / np.linalg.norm(values))
    means, factors = np.array([[0.45, 0.35], [0.65, 0.65]]), np.tile(0.15 * np.eye(2), (2, 1, 1))
    fit = mesh.fit(means, factors, *limits(2), max_iterations=40)
    assert fit.ending == "converged"


def test_an_optimum_is_where_the_loss_has_no_slope(rng):
    x = np.linspace(0, 1, 400)[:, None]
    values = np.exp(-60 * (x[:, 0] - 0.3) ** 2) + 0.4 * np.exp(-90 * (x[:, 0] - 0.7) ** 2)
    values += rng.normal(0, 0.05, 400)
    mesh = _core.FunctionMesh(x, values / np.linalg.norm(values))
    fit = mesh.fit([[0.2], [0.8]], np.full((2, 1, 1), 0.1), *limits(1))
    assert fit.ending == "converged"
    for direction in rng.normal(size=(20, 4)):
        step = 1e-4 * direction
        moved = fit.means + fit.factors[:, :, 0] * step[:2, None]
        other = evaluate(mesh, moved, fit.factors * np.exp(step[2:])[:, None, None])
        assert other.loss > fit.loss
        # twice the step, four times the rise
        moved = fit.means + 2 * fit.factors[:, :, 0] * step[:2, None]
        twice = evaluate(mesh, moved, fit.factors * np.exp(2 * step[2:])[:, None, None])
        rise = (twice.loss - fit.loss) / (other.loss - fit.loss)
        assert rise == pytest.approx(4.0, abs=0.05)


def test_limits_of_widths_are_kept():
    x = np.linspace(0, 1, 200)[:, None]
    spike = (np.arange(200) == 77) * 1.0
    fit = _core.FunctionMesh(x, spike).fit([[0.4]], [[[0.05]]], [0.02], [0.5])
    assert fit.factors[0, 0, 0] == 0.02
    flat = np.full(200, 200**-0.5)
    fit = _core.FunctionMesh(x, flat).fit([[0.4]], [[[0.05]]], [0.02], [0.5])
    assert fit.factors[0, 0, 0] == 0.5
    assert fit.ending == "converged"


def test_fixed_means_stay_to_the_last_bit(rng):
    points = rng.uniform(0, 1, (500, 2))
    means, factors = bumps(rng, 3, 2)
    values = columns(points, means + 0.03, factors).sum(axis=1)
    mesh = _core.FunctionMesh(points, values / np.linalg.norm(values))
    fit = mesh.fit(means, factors * 1.3, *limits(2), fixed_means=True)
    assert fit.means.tobytes() == means.tobytes()
    assert fit.loss < evaluate(mesh, means, factors * 1.3).loss


def test_the_observer_sees_losses_fall_and_may_stop(rng):
    x = np.linspace(0, 1, 200)[:, None]
    values = np.exp(-40 * (x[:, 0] - 0.6) ** 2)
    mesh = _core.FunctionMesh(x, values / np.linalg.norm(values))
    losses = []
    arguments = ([[0.3]], [[[0.3]]], *limits(1))
    fit = mesh.fit(*arguments, observer=lambda n, loss, *rest: losses.append(loss))
    assert len(losses) == fit.iterations
    assert (np.diff(losses) < 0).all()
    stopped = mesh.fit(*arguments, observer=lambda n, *rest: n < 2)
    assert (stopped.ending, stopped.iterations) == ("stopped", 2)
    with pytest.raises(ZeroDivisionError):
        mesh.fit(*arguments, observer=lambda n, *rest: 1 / 0)


def test_what_is_no_mesh_or_no_bump_is_refused():
    x = np.linspace(0, 1, 10)[:, None]
    with pytest.raises(InputError, match=r"F: has shape \(9,\)"):
        _core.FunctionMesh(x, np.ones(9))
    with pytest.raises(InputError, match="F: the value at index 3 is not finite"):
        _core.FunctionMesh(x, np.where(np.arange(10) == 3, np.nan, 1.0))
    with pytest.raises(InputError, match="at least one point"):
        _core.FunctionMesh(np.empty((0, 1)), [])
    mesh = _core.FunctionMesh(x, np.ones(10))
    with pytest.raises(InputError, match=r"means: has shape \(1, 2\)"):
        mesh.fit([[0.1, 0.2]], [[[1.0]]], [0.1], [1.0])
    with pytest.raises(InputError, match="diagonal of component 0 is not positive"):
        mesh.fit([[0.1]], [[[-1.0]]], [0.1], [1.0])
    with pytest.raises(InputError, match="narrowest"):
        mesh.fit([[0.1]], [[[1.0]]], [2.0], [1.0])

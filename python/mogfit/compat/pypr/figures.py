"""A picture of a mixture: its marginal densities, a panel for every pair of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.compat.pypr.lists import Parts, parts, points, prepared
from mogfit.compat.pypr.shapes import gauss_ellipse_2d
from mogfit.density.components import check_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_marg"]

Floats = NDArray[np.float64]

# Standard deviations around each centre that a figure shows, and how deep its colours go below the
# highest log density.
_REACH = 3.0
_DEPTH = 12.0


def plot_marg(
    X: Any,
    centroids: Any,
    ccov: Any,
    mc: Any,
    *,
    sdwidth: float = 1,
    grid: int = 100,
) -> Figure:
    """Draw the logarithms of the marginal densities, with ellipses and points over them.

    Parameters
    ----------
    X : array_like of shape (N, D), or None
        Points to draw.
    centroids, ccov, mc : list
        The mixture: K centres (D,), covariances (D, D) and weights.
    sdwidth : float, default 1
        Mahalanobis distance of the ellipses from their centres.
    grid : int, default 100
        Points along each side of a panel.

    Returns
    -------
    matplotlib.figure.Figure
        D by D panels: the marginals of single variables on the diagonal, those of pairs below it,
        with the ellipses of the components labelled 1 to K. The limits hold the points and
        three standard deviations around each centre.

    Raises
    ------
    InputError
        If shapes do not fit, or the mixture is none.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_marg(None, [np.zeros(3)], [np.eye(3)], [1.0], grid=20)
    >>> len(figure.axes)
    6
    """
    import matplotlib.pyplot as plt

    found = parts(centroids, ccov, mc)
    nvars = found.means.shape[1]
    rows = points(np.empty((0, nvars)) if X is None else X, nvars)
    count = check_count(grid, "grid", 2)
    sides = [_side(found, rows, i, count) for i in range(nvars)]
    figure, panels = plt.subplots(
        nvars, nvars, figsize=(2.5 * nvars + 1, 2.5 * nvars + 1), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for i in range(nvars):
        for j in range(nvars):
            axes = panels[i, j]
            if j > i:
                axes.remove()
            elif j == i:
                axes.plot(sides[i], _log_marginal(found, [i], sides[i][:, None]))
                axes.set_ylabel(rf"$\log p(x_{{{i + 1}}})$")
            else:
                _draw_pair(axes, found, (j, i), sides[j], sides[i], rows, sdwidth)
                axes.set_ylabel(f"$x_{{{i + 1}}}$")
            if i == nvars - 1:
                axes.set_xlabel(f"$x_{{{j + 1}}}$")
    return figure


def _draw_pair(
    axes: Axes,
    found: Parts,
    pair: tuple[int, int],
    across: Floats,
    up: Floats,
    rows: NDArray[Any],
    sdwidth: float,
) -> None:
    mesh = np.stack(np.meshgrid(across, up), axis=-1)
    logs = _log_marginal(found, list(pair), mesh.reshape(-1, 2)).reshape(mesh.shape[:2])
    highest = float(logs.max())
    axes.pcolormesh(across, up, logs, vmin=highest - _DEPTH, vmax=highest, shading="gouraud")
    axes.plot(rows[:, pair[0]], rows[:, pair[1]], ".", color="white", markersize=1, alpha=0.6)
    for k, (mean, covariance) in enumerate(zip(found.means, found.covariances, strict=True)):
        centre = mean[list(pair)]
        x, y = gauss_ellipse_2d(centre, covariance[np.ix_(pair, pair)], sdwidth)
        axes.plot(x, y, color="black", linewidth=1)
        axes.annotate(str(k + 1), (centre[0], centre[1]), ha="center", va="center")


def _log_marginal(found: Parts, variables: list[int], at: Floats) -> Floats:
    marginal = Parts(
        found.weights,
        found.means[:, variables],
        found.covariances[:, variables][:, :, variables],
    )
    return _core.logpdf(prepared(marginal), at)


def _side(found: Parts, rows: NDArray[Any], i: int, count: int) -> Floats:
    """What a figure shows of variable i."""
    reach = _REACH * np.sqrt(found.covariances[:, i, i])
    ends = np.concatenate((found.means[:, i] - reach, found.means[:, i] + reach, rows[:, i]))
    return np.linspace(np.nanmin(ends), np.nanmax(ends), count)

"""Figures of a mixture by itself: its density, and a sample of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mogfit.data import as_points
from mogfit.density.protocol import Mixture
from mogfit.plotting.multiplot import MultiPlot, closed_on_error
from mogfit.properties import parse_properties

__all__ = ["plot_pdf", "plot_sample"]


def plot_pdf(
    mog: Mixture,
    properties: Any = None,
    ranges: Sequence[Any] | None = None,
    figsize: float = 3,
    grid_size: int = 200,
    cmap: Any = "Spectral_r",
    colorbar: bool = False,
    marginals: bool = False,
    projection: str = "slice",
) -> MultiPlot:
    """Draw the density of a mixture, in a panel for each pair of variables.

    Parameters
    ----------
    mog : Mixture
    properties : sequence of str, or dict, optional
        Names of the variables, as for `parse_properties`.
    ranges : sequence of (low, high) or None, optional
        What to show of each variable.
    figsize : float, default 3
        Size of a panel, in inches.
    grid_size : int, default 200
        Cells along each side of a panel, or points of a curve.
    cmap : str or Colormap, default "Spectral_r"
        Colours of densities.
    colorbar : bool, default False
        Whether to explain them.
    marginals : bool, default False
        Whether to show the density of each variable alone, on the diagonal.
    projection : {"slice", "marginal"}, default "slice"
        Whether a panel holds the other variables at the mean, or integrates them out.

    Returns
    -------
    MultiPlot

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import mogfit as mn
    >>> mog = mn.MixtureOfGaussians(mus=[[0, 0], [3, 1]], Sigmas=[[[1, 0], [0, 1]]] * 2)
    >>> plot_pdf(mog, properties=["x", "y"]).axs.shape
    (1, 1)
    """
    named = parse_properties(properties, mog.nvars, ranges, names=mog.names)
    options = {} if mog.nvars == 1 else {"cmap": cmap}
    with closed_on_error(MultiPlot(named, figsize=figsize, marginals=marginals)) as plot:
        plot.mog_pdf(mog, grid_size=grid_size, colorbar=colorbar, projection=projection, **options)
    return plot


def plot_sample(
    mog: Mixture,
    data: Any = None,
    N: int = 10000,
    properties: Any = None,
    ranges: Sequence[Any] | None = None,
    figsize: float = 2,
    sargs: Mapping[str, Any] | None = None,
    hargs: Mapping[str, Any] | None = None,
    marginals: bool = False,
) -> MultiPlot:
    """Draw a sample of a mixture: as dots, as histograms, or as both.

    Parameters
    ----------
    mog : Mixture
    data : array_like of shape (N, V), optional
        The sample; by default `N` points are drawn from the mixture.
    N : int, default 10000
        Number of points to draw.
    properties, ranges, figsize, marginals
        As for `plot_pdf`.
    sargs : dict, optional
        Draw dots, with these options of matplotlib's ``scatter``. They are drawn by default where
        there is no `hargs` either.
    hargs : dict, optional
        Draw histograms, with these options of matplotlib's ``hist2d``, or ``hist``.

    Returns
    -------
    MultiPlot
        Its attribute ``data`` is the sample. Of one variable the density is drawn, too.
    """
    named = parse_properties(properties, mog.nvars, ranges, names=mog.names)
    if data is None:
        data = mog.rvs(N)
    elif mog.names is not None:
        # The columns of a table in the order of the mixture's variables.
        data = as_points(data, nvars=mog.nvars, names=mog.names).values
    if hargs is None and sargs is None:
        sargs = {}
    with closed_on_error(MultiPlot(named, figsize=figsize, marginals=marginals)) as plot:
        if hargs is not None:
            plot.sample_hist(data, **hargs)
        if mog.nvars == 1:
            plot.mog_pdf(mog, grid_size=300)
        if sargs is not None:
            plot.sample_scatter(data, **sargs)
    return plot

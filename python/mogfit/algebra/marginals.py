"""Some variables of a mixture, whatever the others are."""

from __future__ import annotations

from typing import Any

import numpy as np

from mogfit import _core
from mogfit.algebra.derived import DerivedDensity, source_of
from mogfit.algebra.parts import MixtureParts, bounds_of, open_or, variable_indices
from mogfit.density.marginal import inside_log_weights, is_separable
from mogfit.density.protocol import Mixture

__all__ = ["marginal", "marginal_parts"]


def marginal(mog: Mixture, variables: Any) -> MixtureParts | DerivedDensity:
    r"""The density of some of the variables, the others integrated out.

    Of a Gaussian it is that of the means and covariances of these variables. Inside a domain it
    is so, too, where the variables integrated out are free, or independent of the others in every
    component. Otherwise component k contributes w_k N_k(x_S) P_k(x_R in the box | x_S) / Z_k,
    which is no truncated Gaussian: a `DerivedDensity`.

    Parameters
    ----------
    mog : Mixture
    variables : int, str, or sequence of them
        Those that stay, in this order, by number or name.

    Raises
    ------
    InputError
        If there is no such variable, one is given twice, or none is given.
    """
    kept = variable_indices(variables, mog.nvars, mog.names)
    parts = marginal_parts(mog, kept)
    if parts is not None:
        return parts
    every = np.eye(mog.nvars)
    rest = np.setdiff1d(np.arange(mog.nvars), kept)
    return DerivedDensity(
        [source_of(mog, every[kept])],
        np.zeros(len(kept)),
        None if mog.names is None else tuple(mog.names[i] for i in kept),
        "marginal of a truncated mixture",
        every[:, rest],
    )


def marginal_parts(mog: Mixture, kept: list[int]) -> MixtureParts | None:
    """The marginal as a mixture, truncated or not; None where it is none."""
    index = np.array(kept)
    mus, Sigmas = mog.mus.take(index, 1), mog.Sigmas.take(index, 1).take(index, 2)
    names = None if mog.names is None else tuple([mog.names[i] for i in kept])
    bounds = bounds_of(mog)
    if bounds is None:
        return MixtureParts(mog.weights, mus, Sigmas, None, mog.truncation, names)
    if not is_separable(mog, bounds, index):
        return None
    box = open_or(bounds[:, index])
    weights = mog.weights
    if mog.truncation == "mixture":
        # Shares before truncation to what is left of the box: those inside are the same.
        masses = _core.PreparedMixture(np.ones(mog.ngauss), mus, Sigmas, box).log_masses
        logs = inside_log_weights(mog) - masses
        relative = np.exp(logs - logs.max())
        weights = relative * (weights.sum() / relative.sum())
    return MixtureParts(weights, mus, Sigmas, box, mog.truncation, names)

"""How far apart, or how mixed up, the components of a mixture are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mogfit.algebra.gaussian_pairs import (
    Components,
    components_of,
    expected_logs,
    log_product_integrals,
)
from mogfit.algebra.quadratic_forms import probability_positive
from mogfit.density.protocol import Mixture
from mogfit.errors import InputError, choice_message

__all__ = ["component_distances"]

Floats = NDArray[np.float64]

_METHODS = ("bhattacharyya", "hellinger", "kl", "overlap")


def component_distances(mog: Mixture, method: str) -> Floats:
    """A number for every pair of components, (G, G); see `MixtureOfGaussians`.

    Raises
    ------
    InputError
        If the method is not one of those allowed.
    NotImplementedError
        For the overlap of truncated components.
    """
    if method not in _METHODS:
        raise InputError(choice_message("method", method, _METHODS))
    f = components_of(mog, weightless=True)
    if method == "overlap":
        if f.bounds is not None:
            raise NotImplementedError(
                "component_distances: the overlap of truncated components has no form that can be "
                "evaluated to rounding; set_domain(None) on a copy gives that of the whole "
                "components, and classify(rvs(N)) an estimate inside the domain"
            )
        return _overlaps(f)
    if method == "kl":
        logs = expected_logs(f, f)
        found = np.maximum(np.diag(logs)[:, None] - logs, 0.0)
    else:
        logs = -log_product_integrals(f, f, 0.5, 0.5)
        # What is the same both ways is so to the last bit.
        found = np.maximum(0.5 * (logs + logs.T), 0.0)
    np.fill_diagonal(found, 0.0)
    return np.sqrt(-np.expm1(-found)) if method == "hellinger" else found


def _overlaps(f: Components) -> Floats:
    """P_a(w_b f_b > w_a f_a) + P_b(w_a f_a > w_b f_b), 1 for a component and itself."""
    count = len(f.mus)
    wrong = np.zeros((count, count))
    for a in range(count):
        wrong[a] = _mistakes(f, a)
    overlaps = wrong + wrong.T
    np.fill_diagonal(overlaps, 1.0)
    return overlaps


def _mistakes(f: Components, a: int) -> Floats:
    r"""P(w_b f_b(x) > w_a f_a(x)) for x ~ f_a and every b.

    With x = mu_a + L_a z and the singular values of K = L_b^-1 L_a = U S V^T, log w_b f_b - log
    w_a f_a is a quadratic function of the independent variables V^T z.
    """
    between = np.linalg.solve(f.factors, np.broadcast_to(f.factors[a], f.factors.shape))
    shifts = np.linalg.solve(f.factors, (f.mus[a] - f.mus)[:, :, None])[:, :, 0]
    rotations, spreads, _ = np.linalg.svd(between)
    turned = np.einsum("bji,bj->bi", rotations, shifts)
    # The rounding of a K that is the identity is no difference of shapes.
    squares = 0.5 * (1.0 - spreads) * (1.0 + spreads)
    squares[np.abs(squares) < 1e-14] = 0.0
    constants = np.log(spreads).sum(axis=1) - 0.5 * (turned**2).sum(axis=1)
    logs = f.log_weights
    with np.errstate(invalid="ignore"):
        shares = logs - logs[a]
    # Neither of two components without weight is preferred.
    constants += np.where(logs == logs[a], 0.0, shares)
    constants[np.abs(constants) < 1e-14] = 0.0
    found = np.empty(len(logs))
    sure = ~np.isfinite(constants)
    found[sure] = constants[sure] > 0
    some = ~sure
    found[some] = probability_positive(squares[some], (-spreads * turned)[some], constants[some])
    return found

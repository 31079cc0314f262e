"""`Prior`: what is known of a mixture before the data, for maximum a posteriori fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.density.components import check_covariances, is_number, real_array
from mogfit.errors import (
    DtypeError,
    InputError,
    bad_values_message,
    place,
    scalar_message,
    shape_message,
)

__all__ = ["Prior", "PriorValues", "check_prior"]

Floats = NDArray[np.float64]

# The most points that a prior may be worth: with more, rounding hides what the data say.
_MOST = 1e12

# How far a prior may lie from the data, and how much wider be, in their standard deviations: the
# square of more is not told from it plus the variance of the data.
_FARTHEST = 1e8


class PriorValues(NamedTuple):
    """A prior with every value known.

    Concentrations (G,), mean (V,), strength of the mean, degrees of freedom, scale (V, V).
    """

    concentration: Floats
    mean: Floats
    mean_strength: float
    dof: float
    scale: Floats

    @property
    def exchangeable(self) -> bool:
        """Whether it means the same to all components."""
        return bool((self.concentration == self.concentration[0]).all())


@dataclass(frozen=True, eq=False)
class Prior:
    r"""The conjugate prior of a mixture of G Gaussians in V variables.

    Dirichlet on the weights, normal and inverse Wishart on each component:

    .. math::

        \log p = \sum_k (a_k - 1) \log w_k + \sum_k \log N(\mu_k; m, \Sigma_k / \kappa)
               + \sum_k \log IW(\Sigma_k; \nu, \Psi)

    up to a constant. A covariance that all components share has one inverse Wishart; covariances
    of a smaller family (diagonal, spherical) have the same density at the members of the family.
    A prior counts against the data as points do, whose number is the sum of the sample weights.

    Parameters
    ----------
    concentration : float or array_like of shape (G,), default 1.0
        The a_k of the Dirichlet distribution, from 1 to 1e12: as if a_k - 1 further points were
        known to come from component k. Below 1 the posterior has no mode, the weight of a component
        running to 0. Where they differ, a search gives its heaviest component to the largest, and
        components keep that order.
    mean : array_like of shape (V,), optional
        m, around which the means of the components lie; by default the mean of the data.
    mean_strength : float, default 0.01
        kappa, from 0 to 1e12: how many points the knowledge of the means is worth.
    dof : float, optional
        nu, the degrees of freedom, more than V - 1, at most 1e12: the larger, the nearer the
        covariances are to scale / (nu + V + 2). By default V + 2, the least whole number with which
        they have an expectation.
    scale : array_like of shape (V, V), optional
        Psi, positive definite; one number where V is 1. By default S / G^(2/V) with S the
        covariance of the data: the volume of the data shared among the components.

    Raises
    ------
    InputError
        If a value is out of its range.
    DtypeError
        If one is not a real number, or does not hold such.

    Notes
    -----
    The defaults are those of Fraley & Raftery (2007), Journal of Classification 24, 155.

    Examples
    --------
    A weak prior keeps components off single points:

    >>> import numpy as np
    >>> import mogfit as mn
    >>> points = np.random.default_rng(1).normal(size=(12, 1))
    >>> F = mn.FitMoG(points, ngauss=3)
    >>> F.fit_data(prior=mn.Prior(concentration=2.0), random_state=1)
    >>> F.report.converged, bool(F.mog.sigmas.min() > 0.05)
    (True, True)
    """

    concentration: Any = 1.0
    mean: ArrayLike | None = None
    mean_strength: float = 0.01
    dof: float | None = None
    scale: ArrayLike | None = None

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "concentration", _concentration(self.concentration))
        strength = self.mean_strength
        if not (is_number(strength) and 0 <= strength <= _MOST):
            raise InputError(
                scalar_message("mean_strength", strength, f"a number from 0 to {_MOST:g}")
            )
        keep(self, "mean_strength", float(strength))
        if self.dof is not None:
            if not (is_number(self.dof) and 0 < self.dof <= _MOST):
                raise InputError(
                    scalar_message("dof", self.dof, f"a number > V - 1, at most {_MOST:g}, or None")
                )
            keep(self, "dof", float(self.dof))
        if self.mean is not None:
            mean = np.atleast_1d(real_array(self.mean, "mean"))
            if mean.ndim != 1 or not mean.size:
                raise InputError(
                    shape_message("mean", np.shape(self.mean), "one value for each variable")
                )
            keep(self, "mean", _read_only(mean))
        if self.scale is not None:
            matrix = np.atleast_2d(real_array(self.scale, "scale"))
            if matrix.ndim != 2 or len(matrix) != matrix.shape[1]:
                raise InputError(
                    shape_message("scale", np.shape(self.scale), "a square matrix of the variables")
                )
            keep(
                self,
                "scale",
                _read_only(check_covariances(matrix, 1, len(matrix), name="scale")[0]),
            )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in vars(self).items())
        return f"Prior({values})"

    def checked_for(self, ngauss: int, nvars: int) -> Prior:
        """Return the prior, if it is one of so many components in so many variables.

        Raises
        ------
        InputError
            If shapes do not fit, or there are too few degrees of freedom.
        """
        concentration = np.asarray(self.concentration)
        if concentration.ndim and concentration.shape != (ngauss,):
            raise InputError(
                shape_message(
                    "prior: concentration", concentration.shape, f"one number or {ngauss}"
                )
            )
        for name, value, expected in (
            ("mean", self.mean, (nvars,)),
            ("scale", self.scale, (nvars, nvars)),
        ):
            if value is not None and np.shape(value) != expected:
                raise InputError(
                    shape_message(
                        f"prior: {name}", np.shape(value), expected, other=f"{nvars} variables"
                    )
                )
        if self.dof is not None and not self.dof > nvars - 1:
            raise InputError(
                scalar_message(
                    "prior: dof", self.dof, f"a number > {nvars - 1}, for {nvars} variables"
                )
            )
        return self

    def resolved(self, location: Floats, covariance: Floats, ngauss: int) -> PriorValues:
        """Fill in what was left out, from the data.

        Parameters
        ----------
        location, covariance : ndarray of shape (V,) and (V, V)
            Mean and covariance of the data.
        ngauss : int
            Number of components.

        Raises
        ------
        InputError
            If the prior is so far from the data, or so wide, that nothing of them counts.
        """
        nvars = len(location)
        scales = np.sqrt(np.diag(covariance))
        if self.mean is not None:
            away = np.abs(np.asarray(self.mean) - location) / scales
            _require_near("mean", "away from their mean", away)
        if self.scale is not None:
            _require_near("scale", "wide", np.sqrt(np.diag(np.asarray(self.scale))) / scales)
        return PriorValues(
            np.broadcast_to(np.asarray(self.concentration, dtype=float), (ngauss,)).copy(),
            np.array(location if self.mean is None else self.mean, dtype=float),
            self.mean_strength,
            nvars + 2.0 if self.dof is None else self.dof,
            np.array(
                covariance / ngauss ** (2.0 / nvars) if self.scale is None else self.scale,
                dtype=float,
            ),
        )


def check_prior(prior: Any, ngauss: int, nvars: int) -> Prior | None:
    """What a user gave as a prior: None or False for none, True for that of the data.

    Raises
    ------
    DtypeError
        If it is something else.
    InputError
        If it does not fit the mixture.
    """
    if prior is None:
        return None
    if isinstance(prior, (bool, np.bool_)):
        return Prior() if prior else None
    if not isinstance(prior, Prior):
        raise DtypeError(scalar_message("prior", prior, "None, True or a mogfit.Prior"))
    return prior.checked_for(ngauss, nvars)


def _concentration(values: Any) -> float | Floats:
    array = real_array(values, "concentration")
    if array.ndim > 1 or not array.size:
        raise InputError(
            shape_message("concentration", array.shape, "one number, or one for each component")
        )
    flat = np.atleast_1d(array)
    high = np.flatnonzero(flat > _MOST)
    if high.size:
        raise InputError(
            bad_values_message(
                "concentration",
                len(high),
                len(flat),
                f"above {_MOST:g}",
                first=place(component=int(high[0])),
                seen=f"{flat[high[0]]:g}",
                allowed=f"numbers from 1 to {_MOST:g}",
            )
        )
    low = np.flatnonzero(flat < 1.0)
    if low.size:
        raise InputError(
            bad_values_message(
                "concentration",
                len(low),
                len(flat),
                "below 1",
                first=place(component=int(low[0])),
                seen=f"{flat[low[0]]:g}",
                allowed="numbers >= 1",
                remedy="with less the posterior has no mode: a weight would run to 0",
            )
        )
    return _read_only(array) if array.ndim else float(array)


def _require_near(name: str, how: str, distances: Floats) -> None:
    """Refuse what is too many standard deviations of the data away or wide, (V,)."""
    worst = int(distances.argmax())
    if distances[worst] > _FARTHEST:
        raise InputError(
            f"prior: {name}: {distances[worst]:.1e} standard deviations of the data {how} in "
            f"variable {worst}; allowed: at most {_FARTHEST:.0e}; give it in the units of the data"
        )


def _read_only(array: Floats) -> Floats:
    array.flags.writeable = False
    return array


def _shown(value: Any) -> str:
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)

"""What a fit estimates: the family of covariances, what is held, and the prior."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mogfit import _core
from mogfit.fixed import Fixed
from mogfit.inference.structure import constrain_covariances, is_diagonal, is_spherical, is_tied
from mogfit.parameters import number_of_parameters
from mogfit.prior import PriorValues

__all__ = ["Model", "permuted"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Model:
    """A family of covariances, parameters that are held, and a prior.

    Attributes
    ----------
    structure : str
        One of `mogfit.inference.structure.STRUCTURES`.
    fixed : Fixed or None
        What is held; None holds nothing.
    prior : PriorValues or None
        The prior, with every value known.
    """

    structure: str = "full"
    fixed: Fixed | None = None
    prior: PriorValues | None = None
    _made: dict[float, _core.Model] = field(default_factory=dict, repr=False)

    @property
    def tied(self) -> bool:
        """Whether all components share one covariance."""
        return is_tied(self.structure)

    @property
    def diagonal(self) -> bool:
        """Whether covariances have no entries off the diagonal."""
        return is_diagonal(self.structure)

    @property
    def spherical(self) -> bool:
        """Whether covariances are multiples of the identity."""
        return is_spherical(self.structure)

    @property
    def holds(self) -> bool:
        """Whether anything is held."""
        return self.fixed is not None and self.fixed.some

    @property
    def exchangeable(self) -> bool:
        """Whether components may change places: nothing tells them apart."""
        return not self.holds and (self.prior is None or self.prior.exchangeable)

    @property
    def plain(self) -> bool:
        """Whether it is what fits were before: full covariances, all free, without a prior."""
        return self.structure == "full" and not self.holds and self.prior is None

    def held(self, ngauss: int) -> Fixed:
        """What is held of `ngauss` components."""
        return Fixed.nothing(ngauss) if self.fixed is None else self.fixed

    def n_parameters(self, ngauss: int, nvars: int) -> int:
        """Parameters that are free."""
        return number_of_parameters(ngauss, nvars, self.structure, self.fixed)

    def constrain(self, covariances: Floats, weights: Floats) -> Floats:
        """The members of the family nearest to covariances (G, V, V)."""
        return constrain_covariances(covariances, weights, self.structure)

    def constrain_one(self, covariance: Floats) -> Floats:
        """The member of the family nearest to one covariance (V, V)."""
        return self.constrain(covariance[None], np.ones(1))[0]

    def constrained(self, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
        """The member of the family nearest to a mixture: itself, if it is one."""
        if self.structure == "full":
            return mixture
        covariances = self.constrain(mixture.covariances, mixture.weights)
        return _core.PreparedMixture(mixture.weights, mixture.means, covariances, mixture.domain)

    def in_order(self, mixture: _core.PreparedMixture) -> _core.PreparedMixture:
        """The mixture with its heaviest components where the prior expects most points.

        Of all orders this has the largest sum of (a_k - 1) log w_k, and all else is the same in
        each. Of a mixture that no user has put in order.
        """
        if self.prior is None or self.prior.exchangeable:
            return mixture
        order = np.empty(mixture.ngauss, dtype=np.intp)
        expected = np.argsort(-self.prior.concentration, kind="stable")
        order[expected] = np.argsort(-mixture.weights, kind="stable")
        return permuted(mixture, order)

    def of(self, components: NDArray[np.bool_]) -> Model:
        """The same of some of the components."""
        fixed = None if self.fixed is None else self.fixed.of(components)
        prior = self.prior
        if prior is not None:
            prior = prior._replace(concentration=prior.concentration[components])
        return Model(self.structure, fixed, prior)

    def core(self, share: float = 1.0) -> _core.Model | None:
        """The model for the core; of a sample that holds this share of the data.

        None stands for a plain one.
        """
        if self.plain:
            return None
        if self.prior is None:
            share = 1.0
        if share not in self._made:
            self._made[share] = self._make(share)
        return self._made[share]

    def _make(self, share: float) -> _core.Model:
        weights, means, covariances = (None,) * 3 if self.fixed is None else self.fixed
        prior = None if self.prior is None else _core.Prior(*self.prior)
        made = _core.Model(
            self.structure,
            fixed_weights=weights,
            fixed_means=means,
            fixed_covariances=covariances,
            prior=prior,
        )
        return made if share == 1.0 else made.for_fraction(share)


def permuted(mixture: _core.PreparedMixture, order: NDArray[np.intp]) -> _core.PreparedMixture:
    """The same mixture with its components in another order."""
    return _core.PreparedMixture.from_factors(
        mixture.log_weights[order], mixture.means[order], mixture.factors[order], mixture.domain
    )

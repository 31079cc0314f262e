"""The algebra of mixtures: marginals, conditionals, moments, maps, products and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.density.protocol import Mixture
from mogfit.mixture_prediction import MixturePrediction

if TYPE_CHECKING:
    from typing_extensions import Self

    from mogfit.algebra.derived import DerivedDensity
    from mogfit.algebra.parts import MixtureParts

__all__ = ["MixtureAlgebra"]

Floats = NDArray[np.float64]


class MixtureAlgebra(MixturePrediction):
    """What other mixtures, and which numbers, follow from a mixture; see `MixtureOfGaussians`."""

    def marginal(self, variables: int | str | Sequence[int | str]) -> Self | DerivedDensity:
        r"""The density of some of the variables, the others integrated out.

        Parameters
        ----------
        variables : int, str, or sequence of them
            The variables that stay, in this order: numbers from 0 (negative ones count from the
            end), or names.

        Returns
        -------
        MixtureOfGaussians
            Of these variables, with their names and their part of the domain; the components are
            in the order of this mixture's, and so are the weights.
        DerivedDensity
            In its place where a domain bounds a variable that is integrated out and that, in some
            component, is correlated with one that stays: component k then is
            w_k N_k(x_S) P_k(x_R in the box | x_S) / Z_k, which is no truncated Gaussian. It has
            `pdf`, `logpdf`, `rvs`, `mean` and `covariance` too.

        Raises
        ------
        InputError
            If there is no such variable, one is given twice, or none is given.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(
        ...     weights=[0.3, 0.7],
        ...     mus=[[0.0, 1.0], [2.0, 3.0]],
        ...     Sigmas=[[[1.0, 0.5], [0.5, 4.0]]] * 2,
        ... )
        >>> mog.marginal(1)
        MixtureOfGaussians: 2 components in 1 variable
           0  w=0.3000  mu=[1]  sigma=[2]
           1  w=0.7000  mu=[3]  sigma=[2]
        >>> mog.set_domain([(0, None), None])
        >>> mog.marginal(0).domain
        [(0.0, inf)]
        >>> mog.marginal(1)
        DerivedDensity: marginal of a truncated mixture, 2 components in 1 variable
        """
        from mogfit.algebra import marginals

        return self._from_result(marginals.marginal(self, variables))

    def conditional(self, given: Mapping[int | str, float] | ArrayLike) -> Self:
        r"""The density of the free variables, given the values of the others.

        Parameters
        ----------
        given : mapping, or array_like of shape (V,)
            ``{name or number: value}``, or a Series of pandas like it; or a row of all variables,
            NaN where they are free.

        Returns
        -------
        MixtureOfGaussians
            Of the free variables, in their order, with their names and their part of the domain:
            exact for truncated mixtures, too. Component k is component k given the values; its
            weight is in proportion to its share of the density there, and the weights sum to 1.
            With no value given, the mixture itself with such weights.

        Raises
        ------
        InputError
            If there is no such variable, a value is not finite, or no variable is left free.
        DtypeError
            If a value is not a number.
        DomainError
            If a value lies outside the domain, where nothing is defined; or so far away, some
            1e154 standard deviations, that the density there is 0 even as a logarithm.

        Notes
        -----
        With S the free and R the given variables, p(x_S | x_R = c) is the sum of
        w_k N(c; mu_R, Sigma_RR) N(x_S; mu_S + B (c - mu_R), Sigma_SS - B Sigma_RS),
        B = Sigma_SR Sigma_RR^-1, over the sum of w_k N(c; mu_R, Sigma_RR), by the steps of a
        Cholesky factorisation that begins with R. The weights are found as logarithms: values
        however far away, where every density underflows, have the right ones (below about 1e-308
        a weight is 0).

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(
        ...     mus=[[0.0, 0.0], [2.0, 2.0]], Sigmas=[[[1.0, 0.8], [0.8, 1.0]]] * 2
        ... )
        >>> mog.conditional({0: 1.0})
        MixtureOfGaussians: 2 components in 1 variable
           0  w=0.5000  mu=[0.8]  sigma=[0.6]
           1  w=0.5000  mu=[1.2]  sigma=[0.6]
        >>> mog.conditional([float("nan"), 500.0]).weights.round(3)
        array([0., 1.])
        """
        from mogfit.algebra import conditionals

        return self._from_parts(conditionals.conditional(self, given))

    def mean(self) -> Floats:
        """Mean of the mixture, inside its domain.

        Returns
        -------
        ndarray of shape (V,)
            Exact to rounding up to four bounded variables, to about 1e-5 of a standard deviation
            beyond.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(weights=[0.25, 0.75], mus=[0.0, 4.0], Sigmas=[1.0, 1.0])
        >>> mog.mean(), mog.covariance()
        (array([3.]), array([[4.]]))
        """
        from mogfit.algebra import moments

        return moments.moments(self)[0]

    def covariance(self) -> Floats:
        """Covariance matrix of the mixture, inside its domain.

        Returns
        -------
        ndarray of shape (V, V)
            Symmetric; as exact as `mean`.

        Examples
        --------
        >>> import mogfit as mn
        >>> half = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(0, None)])
        >>> half.covariance().round(6)  # 1 - 2 / pi
        array([[0.36338]])
        """
        from mogfit.algebra import moments

        return moments.moments(self)[1]

    def affine(
        self,
        A: ArrayLike,
        b: ArrayLike | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self | DerivedDensity:
        r"""The density of y = A x + b.

        Parameters
        ----------
        A : array_like of shape (M, V), (V,) or ()
            A matrix whose M <= V rows are linearly independent; or the scale of each variable, or
            one of all, which is not 0.
        b : array_like of shape (M,) or (), optional
            Added to the new variables; 0 by default.
        names : sequence of str, optional
            Names of the new variables. By default those of the old ones, where each new variable
            is a multiple of one of them, and none otherwise.

        Returns
        -------
        MixtureOfGaussians
            With means A mu_k + b and covariances A Sigma_k A^T, and with a domain where every
            bounded variable is one of the new ones but for its scale and origin (any other may be
            mixed), or is left out of them all and independent of the others.
        DerivedDensity
            In its place for other truncated mixtures: under a rotation, the domain is no box.

        Raises
        ------
        InputError
            If a shape does not fit, a value is not finite, or the rows of A are not independent.
        NotImplementedError
            If a truncated mixture is projected so that several bounded variables that move
            together are integrated out: its density is the probability of a polytope.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(
        ...     mus=[[1.0, 2.0]], Sigmas=[[[1.0, 0.0], [0.0, 4.0]]], domain=[(0, None), None]
        ... )
        >>> mog.affine([-10.0, 1.0]).domain
        [(-inf, 0.0), None]
        >>> mog.affine([[1.0, 0.0], [1.0, 1.0]], b=[0.0, 5.0]).mus
        array([[1., 8.]])
        >>> mog.affine([[0.5, 0.5], [-0.5, 0.5]])
        DerivedDensity: truncated mixture after an affine map, 1 component in 2 variables
        """
        from mogfit.algebra import transforms

        return self._from_result(transforms.affine(self, A, b, names))

    @overload
    def product(self, other: Mixture, return_log_norm: Literal[False] = False) -> Self: ...
    @overload
    def product(self, other: Mixture, return_log_norm: Literal[True]) -> tuple[Self, float]: ...
    def product(self, other: Mixture, return_log_norm: bool = False) -> Self | tuple[Self, float]:
        r"""The density that is proportional to the product of this one and another.

        A posterior, for one, where this is the prior and `other` the likelihood.

        Parameters
        ----------
        other : MixtureOfGaussians, or a fit of one
            In the same variables; they are matched by name where both mixtures have names.
        return_log_norm : bool, default False
            Whether to return the logarithm of the integral of p(x) q(x), too.

        Returns
        -------
        mixture : MixtureOfGaussians
            Component ``k * other.ngauss + l`` is the product of component k and l; the weights sum
            to 1, and the domain is what both have in common. What it normalises is as here, or as
            in `other` where there is no domain here.
        log_norm : float
            If asked for.

        Raises
        ------
        InputError
            If the variables are not the same.
        DomainError
            If the domains have no volume in common.

        Examples
        --------
        >>> import mogfit as mn
        >>> prior = mn.MixtureOfGaussians(mus=[0.0, 10.0], Sigmas=[1.0, 1.0])
        >>> seen = mn.MixtureOfGaussians(mus=[1.0], Sigmas=[1.0])
        >>> posterior, log_evidence = prior.product(seen, return_log_norm=True)
        >>> posterior.mus.round(6).tolist(), posterior.weights.round(6).tolist()
        ([[0.5], [5.5]], [1.0, 0.0])
        >>> round(log_evidence, 6)
        -2.208659
        """
        from mogfit.algebra import transforms

        parts, log_norm = transforms.product(self, other)
        mixture = self._from_parts(parts)
        return (mixture, log_norm) if return_log_norm else mixture

    def convolve(self, noise: ArrayLike | Mixture) -> Self | DerivedDensity:
        r"""The density of x + e, where e is independent of x.

        Parameters
        ----------
        noise : float, array_like of shape (V,) or (V, V), or MixtureOfGaussians
            Standard deviation of e in all variables, or in each, 0 or more; or its covariance,
            which may be singular; or the mixture that e follows (its weights are divided by their
            sum).

        Returns
        -------
        MixtureOfGaussians
            With the covariances Sigma_k + S; for a mixture of noise, component
            ``k * noise.ngauss + l`` is the sum of component k and l.
        DerivedDensity
            In its place where a bounded variable has noise, or the noise has a domain: the sum is
            no truncated mixture.

        Raises
        ------
        InputError
            If a shape does not fit, a standard deviation is negative, or the covariance is not
            one.

        Examples
        --------
        >>> import mogfit as mn
        >>> mn.MixtureOfGaussians(mus=[0.0], Sigmas=[9.0]).convolve(4.0).sigmas
        array([[5.]])
        >>> half = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0], domain=[(0, None)])
        >>> seen = half.convolve(1.0)
        >>> seen
        DerivedDensity: truncated mixture with noise, 1 component in 1 variable
        >>> round(seen.pdf(-0.5), 6)
        0.191776
        """
        from mogfit.algebra import transforms

        return self._from_result(transforms.convolve(self, noise))

    def _from_result(self, result: MixtureParts | DerivedDensity) -> Self | DerivedDensity:
        from mogfit.algebra.parts import MixtureParts

        return self._from_parts(result) if isinstance(result, MixtureParts) else result

    def _from_parts(self, parts: MixtureParts) -> Self:
        """A mixture of what needs no checks."""
        mog = type(self).__new__(type(self))
        mog.normalize_weights, mog.names = self.normalize_weights, parts.names
        mog._truncation, mog._bounds = parts.truncation, parts.bounds
        mog._take(parts.weights, parts.mus, parts.Sigmas)
        return mog

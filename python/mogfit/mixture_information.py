"""Entropy and Kullback-Leibler divergence of mixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogfit.mixture_algebra import MixtureAlgebra

if TYPE_CHECKING:
    from mogfit.algebra.information import Bounds, KLBounds, MonteCarlo

__all__ = ["MixtureInformation"]


class MixtureInformation(MixtureAlgebra):
    """What `MixtureOfGaussians` tells, over the formulas of `mogfit.algebra.information`."""

    def entropy(self, size: int = 100_000, *, rng: Any = None) -> MonteCarlo:
        r"""Differential entropy :math:`-\int p \log p`, estimated from draws.

        Parameters
        ----------
        size : int, default 100000
            Number of draws, shared among the components by their weights; each component has at
            least a few.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed, as in `rvs`.

        Returns
        -------
        MonteCarlo
            ``value`` in nats and its ``standard_error``, which is that of rounding for one
            component.

        Raises
        ------
        InputError
            If `size` is not a whole number >= 1.

        Notes
        -----
        Draws from each component apart, and the log densities of the components, whose expectations
        are known, as control variates (Owen 2013, "Monte Carlo theory, methods and examples",
        chapter 8): where one component dominates, next to nothing is left to chance. Weights that
        are not normalised count by their shares. With more than four bounded variables the known
        expectations have errors of their own, those of `mass_errors`.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 50.0], Sigmas=[1.0, 1.0])
        >>> found = mog.entropy(1000, rng=1)  # 0.5 log(2 pi e) + log 2, as they do not overlap
        >>> round(found.value, 10), found.standard_error < 1e-10
        (2.1120857138, True)
        """
        from mogfit.algebra.information import entropy

        return entropy(self, size, rng)

    def entropy_bounds(self) -> Bounds:
        r"""Bounds of the differential entropy in closed form.

        Returns
        -------
        Bounds
            ``lower`` and ``upper``, in nats; the same number for one component.

        Notes
        -----
        With c_k the entropies of the components, the lower bound is the larger one of

        * :math:`\sum_a w_a [c_a - \log \sum_b w_b BC(f_a, f_b)]` (Kolchinsky & Tracey 2017,
          "Estimating mixture entropy with pairwise distances", with the Bhattacharyya distance);
        * :math:`-\sum_a w_a \log \sum_b w_b \int f_a f_b` (Huber, Bailey, Durrant-Whyte & Hanebeck
          2008, "On entropy approximation for Gaussian mixture random vectors", theorem 2);

        the upper one the smaller one of

        * :math:`\sum_a w_a [c_a - \log \sum_b w_b e^{-D(f_a \| f_b)}]` (Kolchinsky & Tracey, with
          the Kullback-Leibler divergence; it is never above theorem 3 of Huber et al.);
        * the entropy of the Gaussian of the same covariance.

        All hold for truncated mixtures, with the entropies, divergences and integrals inside the
        domain; with more than four bounded variables to the accuracy of `mass_errors`.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0])
        >>> bounds = mog.entropy_bounds()
        >>> round(bounds.lower, 6), round(bounds.upper, 6)
        (1.645398, 1.765512)
        """
        from mogfit.algebra.information import entropy_bounds

        return entropy_bounds(self)

    def kl_divergence(self, other: Any, size: int = 100_000, *, rng: Any = None) -> MonteCarlo:
        r"""Kullback-Leibler divergence :math:`\int p \log (p / q)` from this p to another q.

        Parameters
        ----------
        other : MixtureOfGaussians or a fit of one
            q, in the same variables.
        size : int, default 100000
            Number of draws, as in `entropy`.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed, as in `rvs`.

        Returns
        -------
        MonteCarlo
            ``value`` in nats and its ``standard_error``: infinity and 0 where the domain of q does
            not hold that of p, for q is then 0 where p is not.

        Raises
        ------
        InputError
            If the numbers of variables differ, or `size` is not a whole number >= 1.
        DtypeError
            If `other` is no mixture.

        Notes
        -----
        As for `entropy`, draws are made from each component apart, and the components of both
        mixtures are control variates.

        Examples
        --------
        >>> import mogfit as mn
        >>> p = mn.MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
        >>> q = mn.MixtureOfGaussians(mus=[1.0], Sigmas=[4.0])
        >>> round(p.kl_divergence(q, 1000, rng=1).value, 10)  # log 2 + (1 + 1) / 8 - 1 / 2
        0.4431471806
        """
        from mogfit.algebra.information import kl_divergence

        return kl_divergence(self, other, size, rng)

    def kl_bounds(self, other: Any) -> KLBounds:
        r"""Bounds and approximations of the Kullback-Leibler divergence in closed form.

        Parameters
        ----------
        other : MixtureOfGaussians or a fit of one
            q, in the same variables.

        Returns
        -------
        KLBounds
            ``lower`` and ``upper`` are bounds, and so is ``variational_upper``; ``variational``,
            ``product``, ``matched`` and ``gaussian`` are approximations, which the divergence may
            be below or above. All in nats; all infinite where the domain of q does not hold that
            of p.

        Raises
        ------
        InputError
            If the numbers of variables differ.
        DtypeError
            If `other` is no mixture.

        Notes
        -----
        From Hershey & Olsen (2007), "Approximating the Kullback Leibler divergence between Gaussian
        mixture models", with components f_a of p, g_b of q and weights pi_a and omega_b:

        * ``variational_upper``: the smallest
          :math:`D(\phi \| \psi) + \sum_{ab} \phi_{ab} D(f_a \| g_b)` with
          :math:`\sum_b \phi_{ab} = \pi_a` and :math:`\sum_a \psi_{ab} = \omega_b`;
        * ``variational``:
          :math:`\sum_a \pi_a \log [\sum_{a'} \pi_{a'} e^{-D(f_a \| f_{a'})} /
          \sum_b \omega_b e^{-D(f_a \| g_b)}]`;
        * ``product``: the same with :math:`\int f_a f_{a'}` and :math:`\int f_a g_b` for the
          exponentials; for one component each it is not the divergence;
        * ``matched``: :math:`\sum_a \pi_a \min_b [D(f_a \| g_b) + \log (\pi_a / \omega_b)]`, of
          Goldberger, Gordon & Greenspan (2003); an upper bound where no two a have the same b;
        * ``gaussian``: of the Gaussians with the means and covariances of p and q.

        ``upper`` is the smaller one of ``variational_upper`` and the bound of Durrieu, Thiran &
        Kelly (2012), "Lower and upper bounds for approximation of the Kullback-Leibler divergence
        between Gaussian mixture models". ``lower`` is the largest of 0 and
        :math:`\sum_a \pi_a [\log \sum_{a'} \pi_{a'} e^{-D(f_a \| f_{a'})} - H(f_a) - c_a]`, where
        c_a is at least the expectation of log q under f_a: :math:`\log \sum_b \omega_b \int f_a
        g_b`, which makes it the lower bound of Durrieu et al., or
        :math:`\frac{1}{s} \log \sum_b \omega_b^s \int f_a^{1-s} g_b^s - H(f_a)` for some s from 0
        to 1, whichever is smaller (both by Jensen's inequality). For one component each ``lower``
        and ``upper`` are the divergence.

        For truncated mixtures all integrals are taken inside the domains, and bounds stay bounds;
        with more than four bounded variables to the accuracy of `mass_errors`. ``gaussian`` then
        compares Gaussians of the same moments that are not truncated.

        Examples
        --------
        >>> import mogfit as mn
        >>> p = mn.MixtureOfGaussians(weights=[0.4, 0.6], mus=[0.0, 3.0], Sigmas=[1.0, 1.0])
        >>> q = mn.MixtureOfGaussians(weights=[0.6, 0.4], mus=[0.0, 4.0], Sigmas=[1.0, 2.0])
        >>> bounds = p.kl_bounds(q)
        >>> bounds.lower < p.kl_divergence(q, 10_000, rng=1).value < bounds.upper
        True
        >>> round(bounds.variational, 6)
        0.281689
        """
        from mogfit.algebra.information import kl_bounds

        return kl_bounds(self, other)

"""What is measured on a mixture: probabilities, distances, regions and modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mogfit.mixture_information import MixtureInformation

if TYPE_CHECKING:
    from mogfit.algebra.modes import Modes

__all__ = ["MixtureMeasures"]

Floats = NDArray[np.float64]


class MixtureMeasures(MixtureInformation):
    """The measures of `MixtureOfGaussians`, over the formulas of `mogfit.algebra`."""

    # -- probabilities ---------------------------------------------------------------------------

    def cdf(self, X: Any) -> float | Floats:
        """Distribution function: the probability that no variable is above a point's.

        Parameters
        ----------
        X : array_like of shape (N, V), (V,) for one point, or a scalar or (N,) when V = 1
            Points; coordinates may be infinite.

        Returns
        -------
        float, or ndarray of shape (N,)
            A float for one point; NaN where a coordinate is NaN. To the relative accuracy of
            `mogfit.box_probability`, in the tails too. Like densities it scales with the sum of
            weights that are not normalised.

        Raises
        ------
        InputError
            If the number of coordinates is not `nvars`.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[0, 0], [3, 3]], Sigmas=[[[1, 0.5], [0.5, 1]]] * 2)
        >>> mog.cdf([[0, 0], [3, 3]]).round(6)
        array([0.166708, 0.665358])
        >>> float(f"{mog.cdf([-30, -30]):.6g}")
        6.05836e-265
        """
        from mogfit.algebra.probabilities import cdf

        return cdf(self, X)

    def box_probability(self, lower: ArrayLike, upper: ArrayLike) -> float:
        """Probability of the box lower <= x <= upper.

        In a domain it is that of what the box and the domain have in common, in relation to the
        domain.

        Parameters
        ----------
        lower, upper : array_like of shape (V,)
            Bounds, -inf and inf where a side is open.

        Returns
        -------
        float
            To the relative accuracy of `mogfit.box_probability`, in the tails too.

        Raises
        ------
        InputError
            If there is not one bound for each variable.
        DomainError
            If a bound is NaN, or a lower one is above its upper one.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 4.0], Sigmas=[1.0, 1.0], domain=[(0, None)])
        >>> round(mog.box_probability(-1, 2), 6)
        0.488609
        """
        from mogfit.algebra.probabilities import box_probability

        return box_probability(self, lower, upper)

    # -- components ------------------------------------------------------------------------------

    def component_distances(self, method: str = "bhattacharyya") -> Floats:
        r"""How far apart, or how mixed up, the components are, two by two.

        Parameters
        ----------
        method : {"bhattacharyya", "hellinger", "kl", "overlap"}, default "bhattacharyya"
            With BC the Bhattacharyya coefficient :math:`\int \sqrt{f_a f_b}`:

            * ``"bhattacharyya"``: :math:`-\log BC`, 0 or more;
            * ``"hellinger"``: :math:`\sqrt{1 - BC}`, from 0 to 1;
            * ``"kl"``: the Kullback-Leibler divergence of the component of the row from that of
              the column, :math:`\int f_a \log (f_a / f_b)`; not symmetric;
            * ``"overlap"``: no distance but a likeness, the probability that a point of component
              a is more likely one of b, and the other way round, added up:
              :math:`P_a(w_b f_b > w_a f_a) + P_b(w_a f_a > w_b f_b)` (Maitra & Melnykov 2010,
              "Simulating data to study performance of finite mixture modeling and clustering
              algorithms", section 2). From 0 to 1; with equal weights it is the overlapping
              coefficient :math:`\int \min(f_a, f_b)`. 1 on the diagonal.

        Returns
        -------
        ndarray of shape (G, G)
            The first three are those of the components inside the domain, if there is one.

        Raises
        ------
        InputError
            If the method is not one of those allowed.
        NotImplementedError
            For the overlap of truncated components.

        Notes
        -----
        The overlap is exact to about 1e-14: log (w_b f_b / w_a f_a) is a quadratic form of normal
        variables, whose distribution is found from its moment generating function.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[0.0, 2.0], Sigmas=[1.0, 1.0])
        >>> mog.component_distances("kl")
        array([[0., 2.],
               [2., 0.]])
        >>> mog.component_distances("overlap").round(6)  # 2 Phi(-1)
        array([[1.      , 0.317311],
               [0.317311, 1.      ]])
        """
        from mogfit.algebra.distances import component_distances

        return component_distances(self, method)

    def ellipse(
        self,
        k: int,
        nsigma: float = 1.0,
        points: int = 100,
        *,
        variables: Sequence[int | str] = (0, 1),
    ) -> Floats:
        """The ellipse on which a component is as many standard deviations from its mean.

        Parameters
        ----------
        k : int
            The component, from 0.
        nsigma : float, default 1
            Mahalanobis distance, > 0; inside lies 1 - exp(-nsigma^2 / 2) of the component.
        points : int, default 100
            Number of points, 2 or more.
        variables : two int or str, default (0, 1)
            Numbers or names of two variables; the others are integrated out.

        Returns
        -------
        ndarray of shape (points, 2)
            In order around it; the last point is the first. That of the component before
            truncation, if there is a domain.

        Raises
        ------
        InputError
            If there is no such component or variable, or a number is out of range.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[1.0, 2.0]], Sigmas=[[[4.0, 0.0], [0.0, 1.0]]])
        >>> mog.ellipse(0, nsigma=2, points=5).round(6)
        array([[ 5.,  2.],
               [ 1.,  4.],
               [-3.,  2.],
               [ 1.,  0.],
               [ 5.,  2.]])
        """
        from mogfit.algebra.regions import component_ellipse

        return component_ellipse(self, k, nsigma, points, variables)

    # -- the whole density -----------------------------------------------------------------------

    def hdr_level(self, mass: ArrayLike, *, size: int = 100_000, rng: Any = None) -> float | Floats:
        """Density on the border of the region of highest density that holds a probability.

        Parameters
        ----------
        mass : float or array_like
            Probabilities, between 0 and 1.
        size : int, default 100000
            Number of draws: the region of the level holds `mass` to about
            sqrt(mass (1 - mass) / size). One component without a domain needs none.
        rng : None, int, numpy.random.Generator or RandomState, optional
            Source of the seed, as in `rvs`.

        Returns
        -------
        float, or ndarray of the shape of `mass`
            The region is where `pdf` is at least this. It is the quantile 1 - mass of the density
            of draws (Hyndman 1996, "Computing and graphing highest density regions", section 3.2).

        Raises
        ------
        InputError
            If a probability is not between 0 and 1, or `size` is not a whole number >= 1.

        Examples
        --------
        >>> import mogfit as mn
        >>> mog = mn.MixtureOfGaussians(mus=[[0.0, 0.0]], Sigmas=[[[1.0, 0.0], [0.0, 1.0]]])
        >>> round(mog.hdr_level(0.5), 9)  # half of the peak, 1 / (4 pi)
        0.079577472
        """
        from mogfit.algebra.regions import hdr_level

        return hdr_level(self, mass, size, rng)

    def modes(self) -> Modes:
        """Every mode: the points at which the density is highest nearby.

        Returns
        -------
        Modes
            ``points`` (M, V) and ``log_densities`` (M,), highest first. In a domain a mode is a
            point of the closed box whose density is not exceeded by points of the box around it:
            it may lie on the border, and does so exactly.

        Notes
        -----
        There can be more modes than components in two variables and more, and they need not lie
        near means (Ray & Lindsay 2005, "The topography of multivariate normal mixtures"). Climbs
        start at the means, along the ridges between components, where by their theorem all flat
        points are, and from saddles on to both sides; in a domain along its faces too. They go by
        the EM steps of Carreira-Perpinan (2000), "Mode-finding for mixtures of Gaussian
        distributions", and by Newton's near a top, many at once. Tops between which the density
        does not dip are one. It is a search, if a thorough one: with very many components a mode
        that four and more of them make together could be missed.

        Examples
        --------
        >>> import mogfit as mn
        >>> S = [[[1.0, 0.0], [0.0, 0.05]], [[0.05, 0.0], [0.0, 1.0]]]
        >>> mog = mn.MixtureOfGaussians(mus=[[1.0, 0.0], [0.0, 1.0]], Sigmas=S)
        >>> found = mog.modes()  # of two components
        >>> found.points.round(4) + 0.0
        array([[0.0476, 0.0476],
               [0.    , 0.9994],
               [0.9994, 0.    ]])
        """
        from mogfit.algebra.modes import modes

        return modes(self)

"""Estimators with scikit-learn's interface, on mogfit's core; scikit-learn must be installed.

`GaussianMixture` has every argument, attribute and method of scikit-learn's class, with the same
meaning; it also takes weights of the points and missing values, and can go on from EM to a true
optimum. `BayesianGaussianMixture` infers a posterior of the parameters, and empties components that
the data do not need.
"""

from __future__ import annotations

from importlib.util import find_spec

from mogfit.errors import missing_package_message

if find_spec("sklearn") is None:
    raise ImportError(missing_package_message("scikit-learn", "for mogfit.sklearn", "sklearn"))

from mogfit.sklearn.bayesian_mixture import BayesianGaussianMixture
from mogfit.sklearn.gaussian_mixture import GaussianMixture

__all__ = ["BayesianGaussianMixture", "GaussianMixture"]

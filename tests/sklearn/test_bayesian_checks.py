"""scikit-learn's own checks of what an estimator must do, for BayesianGaussianMixture."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mogfit.sklearn import BayesianGaussianMixture

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks(
    [
        BayesianGaussianMixture(),
        BayesianGaussianMixture(
            2,
            covariance_type="diag",
            weight_concentration_prior_type="dirichlet_distribution",
            random_state=0,
            missing="error",
        ),
    ]
)
def test_an_estimator_does_what_scikit_learn_asks(estimator, check):
    if estimator.n_components > 1 and "sample_weight_equivalence" in str(check):
        pytest.skip("points repeated make other draws of a start than points weighted")
    check(estimator)

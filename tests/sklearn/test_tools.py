"""With the rest of scikit-learn: pipelines, searches, copies, names, workers."""

from __future__ import annotations

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import mogfit
from mogfit.sklearn import GaussianMixture
from tests.sklearn.data import PARAMETERS, clouds


@pytest.mark.parametrize(
    "copied",
    [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copies_evaluate_to_the_same_bits(copied):
    X = clouds()
    mixture = GaussianMixture(3, random_state=0).fit(X)
    other = copied(mixture)
    np.testing.assert_array_equal(other.score_samples(X), mixture.score_samples(X))
    assert other.get_params() == mixture.get_params()


def test_a_clone_has_the_arguments_and_no_fit():
    mixture = GaussianMixture(3, solver="lbfgs", missing="error", tol=0.1).fit(clouds())
    fresh = clone(mixture)
    assert fresh.get_params() == mixture.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(fresh)


def test_attributes_that_users_set_are_what_evaluates():
    X = clouds()
    fitted = GaussianMixture(3, covariance_type="diag", random_state=0).fit(X)
    expected = fitted.score_samples(X)
    by_hand = GaussianMixture(3, covariance_type="diag")
    for name in PARAMETERS:
        setattr(by_hand, name, getattr(fitted, name).copy())
    np.testing.assert_allclose(by_hand.score_samples(X), expected, rtol=1e-12)
    by_hand.means_ += 1.0  # in place
    np.testing.assert_allclose(by_hand.score_samples(X + 1.0), expected, rtol=1e-9)


def test_a_search_over_a_pipeline_with_workers():
    X = clouds(300)
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(random_state=0, max_iter=300))
    grid = {
        "gaussianmixture__n_components": [1, 3],
        "gaussianmixture__covariance_type": ["full", "spherical"],
        "gaussianmixture__solver": ["em", "lbfgs"],
    }
    with joblib.parallel_backend("threading", n_jobs=2):
        search = GridSearchCV(pipeline, grid, cv=3).fit(X)
    assert search.best_params_["gaussianmixture__n_components"] == 3
    assert search.best_params_["gaussianmixture__covariance_type"] == "full"
    assert np.isfinite(search.score(X))


def test_workers_fit_what_one_thread_fits():
    X = clouds()
    here = GaussianMixture(3, random_state=0).fit(X).means_
    fits = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(lambda: GaussianMixture(3, random_state=0).fit(X).means_)() for _ in range(4)
    )
    for means in fits:
        np.testing.assert_array_equal(means, here)


def test_weights_reach_the_last_step_of_a_pipeline():
    X = clouds()
    weight = np.linspace(0.1, 1.0, len(X))
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0))
    pipeline.fit(X, gaussianmixture__sample_weight=weight)
    alone = GaussianMixture(3, random_state=0).fit(StandardScaler().fit_transform(X), None, weight)
    np.testing.assert_array_equal(pipeline[-1].means_, alone.means_)


def test_frames_keep_and_check_their_names():
    frame = pd.DataFrame(clouds(), columns=["x", "y", "z"])
    mixture = GaussianMixture(2, random_state=0).fit(frame)
    assert mixture.feature_names_in_.tolist() == ["x", "y", "z"]
    assert mixture.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names should match"):
        mixture.predict(frame[["z", "y", "x"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        mixture.predict(frame.to_numpy())


def test_frames_pass_through_steps_that_make_them():
    # Theirs has no transform, so no set_output of its own; it takes what others put out.
    frame = pd.DataFrame(clouds(), columns=["x", "y", "z"])
    assert not hasattr(GaussianMixture(), "set_output")
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(2, random_state=0))
    pipeline.set_output(transform="pandas").fit(frame)
    assert pipeline[-1].feature_names_in_.tolist() == ["x", "y", "z"]
    assert pipeline.predict_proba(frame).shape == (len(frame), 2)


def test_either_library_s_category_catches_the_warning():
    X = clouds()
    for category in (ConvergenceWarning, mogfit.ConvergenceWarning):
        with pytest.warns(category, match="did not converge") as caught:
            GaussianMixture(3, max_iter=1, random_state=0).fit(X)
        assert caught[0].filename == __file__


def test_scikit_learn_is_imported_with_its_face_only(run_python):
    code = "import sys, mogfit; assert 'sklearn' not in sys.modules; mogfit.sklearn.GaussianMixture"
    run_python(code)


def test_without_scikit_learn_the_extra_is_named(run_python):
    code = "import sys, mogfit; sys.modules['sklearn'] = None; import mogfit.sklearn"
    told = run_python(code, check=False).stderr
    assert "ImportError: the package scikit-learn is needed for mogfit.sklearn" in told
    assert "pip install 'mogfit[sklearn]'" in told

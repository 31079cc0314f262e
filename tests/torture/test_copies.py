"""Copies and pickles of mixtures and fits: the same bits, and no data unless asked for."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from mogfit import InputError, MixtureOfGaussians
from tests.fitting import POINTS, START, TRUTH, fit


def by_pickle(obj, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(obj, protocol))


def by_cloudpickle(obj):
    cloudpickle = pytest.importorskip("cloudpickle")
    return pickle.loads(cloudpickle.dumps(obj))


def by_joblib(obj):
    joblib = pytest.importorskip("joblib")
    import io

    stream = io.BytesIO()
    joblib.dump(obj, stream)
    stream.seek(0)
    return joblib.load(stream)


PICKLES = [by_pickle, lambda o: by_pickle(o, 2), by_cloudpickle, by_joblib]
COPIES = [copy.deepcopy, copy.copy, *PICKLES]


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("normalize_weights", [True, False])
def test_a_mixture_comes_back_with_the_same_bits(duplicate, normalize_weights):
    mog = MixtureOfGaussians(
        weights=[0.1, 0.2, 0.5],
        mus=TRUTH.mus,
        Sigmas=TRUTH.Sigmas,
        normalize_weights=normalize_weights,
    )
    mog.names = ("x", "y")
    twin = duplicate(mog)
    assert twin.params.tobytes() == mog.params.tobytes()
    assert twin.logpdf(POINTS).tobytes() == mog.logpdf(POINTS).tobytes()
    assert twin.rvs(10, rng=1).tobytes() == mog.rvs(10, rng=1).tobytes()
    assert twin.names == ("x", "y")
    assert twin.normalize_weights == normalize_weights
    twin.update_params(mus=[0.0, 0.0])
    assert not np.array_equal(twin.mus, mog.mus)


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_fit_comes_back_with_the_same_bits_and_goes_on(duplicate):
    F = fit(start=START)
    F.set_bounds(boundw=(0.05, 0.9))
    G = duplicate(F)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()
    assert G.report == F.report
    assert G.bounds == F.bounds
    assert G.solution.fun == F.solution.fun
    np.testing.assert_array_equal(G.uparams, F.uparams)
    assert G.log_l(POINTS) == F.log_l(POINTS)
    F.fit_data(POINTS)
    G.fit_data(POINTS)
    assert G.mog.params.tobytes() == F.mog.params.tobytes()


@pytest.mark.parametrize("duplicate", PICKLES)
def test_pickles_leave_the_data_behind_unless_asked(duplicate):
    F = fit(start=START)
    assert len(pickle.dumps(F)) < POINTS.nbytes / 4
    G = duplicate(F)
    assert G.data is None
    with pytest.raises(InputError, match=r"data: No data provided; .* keep_data"):
        G.fit_data()
    F.keep_data = True
    kept = duplicate(F)
    np.testing.assert_array_equal(kept.data, POINTS)
    assert kept.log_l() == F.log_l()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_keep_the_data_and_part_ways(duplicate):
    F = fit(start=START)
    before = F.mog.params.tobytes()
    G = duplicate(F)
    np.testing.assert_array_equal(G.data, POINTS)
    G.set_initial_params(mus=[0.0, 0.0])
    assert F.mog.params.tobytes() == before


def test_a_mixture_of_many_components_fits_a_worker_pool(run_python):
    """Objects go to worker processes and results come back, as joblib and multiprocessing do."""
    code = (
        "import multiprocessing as mp, numpy as np, mogfit as mn\n"
        "X = np.random.default_rng(0).normal(size=(500, 2))\n"
        "def one(F):\n"
        "    F.fit_data(X, random_state=1); return F\n"
        "if __name__ == '__main__':\n"
        "    with mp.get_context('fork').Pool(2) as pool:\n"
        "        fits = pool.map(one, [mn.FitMoG(X, k) for k in (1, 2, 3)])\n"
        "    here = [one(mn.FitMoG(X, k)).mog.params for k in (1, 2, 3)]\n"
        "    print(all(np.array_equal(f.mog.params, h) for f, h in zip(fits, here)))"
    )
    assert run_python(code).stdout.split() == ["True"]

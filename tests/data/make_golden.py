"""Write the golden files of the file formats that `test_files.py` and `test_pickles.py` must be
able to read for ever.

Run once for each format version; files of a version that has been released never change.
"""

from pathlib import Path

import numpy as np

from mogfit import FitMoG, MixtureOfGaussians, save
from mogfit.export.pickles import write_fit_pickle
from mogfit.export.saved import FORMAT_VERSION as PICKLE_VERSION
from mogfit.storage.files import FORMAT_VERSION

HERE = Path(__file__).parent


def golden_mixture() -> MixtureOfGaussians:
    """Build a mixture whose numbers have awkward digits."""
    mog = MixtureOfGaussians(
        weights=[1.0, 2.0],
        mus=[[0.1, -1e-300], [-0.0, 123456789.123456789]],
        Sigmas=[[[1 / 3, -1e-13], [-1e-13, 2.5e-24]], [[7e10, 0.3], [0.3, 0.1 + 0.2]]],
        normalize_weights=False,
    )
    mog.names = ("q [au]", "Größe 中")
    return mog


def golden_fit() -> FitMoG:
    """Fit a small sample, with bounds."""
    X = np.random.default_rng(1).normal(size=(60, 1)) * [1.0] + 3.0
    fit = FitMoG(X, ngauss=2)
    fit.set_bounds(bounds=(0.05, 8.0), boundsm=[(-10.0, 10.0)])
    fit.fit_data(random_state=0)
    return fit


if __name__ == "__main__":
    save(golden_mixture(), HERE / f"mixture_v{FORMAT_VERSION}.json")
    save(golden_fit(), HERE / f"fit_v{FORMAT_VERSION}.json")
    write_fit_pickle(golden_fit(), HERE / f"saved_fit_v{PICKLE_VERSION}.pkl")

"""Write the golden files of the file formats that `test_files.py` and `test_pickles.py` must be
able to read for ever.

Files that are there never change: it writes those that are missing, of a new version of a format
or of what has been added to one.
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


def golden_observed_fit() -> FitMoG:
    """Fit points with missing values and a covariance of the noise of each."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 2)) * [1.0, 3.0]
    X[::5, 1] = np.nan
    roots = 0.3 * rng.normal(size=(40, 2, 2))
    errors = roots @ roots.transpose(0, 2, 1)
    errors = (errors + errors.transpose(0, 2, 1)) / 2
    fit = FitMoG(X, ngauss=1, missing="marginal", errors=errors, outside="drop")
    fit.fit_data(random_state=0)
    return fit


if __name__ == "__main__":
    for name, version, write, make in (
        ("mixture_v{}.json", FORMAT_VERSION, save, golden_mixture),
        ("fit_v{}.json", FORMAT_VERSION, save, golden_fit),
        ("saved_fit_v{}.pkl", PICKLE_VERSION, write_fit_pickle, golden_fit),
        ("observed_fit_v{}.json", FORMAT_VERSION, save, golden_observed_fit),
        ("saved_observed_fit_v{}.pkl", PICKLE_VERSION, write_fit_pickle, golden_observed_fit),
    ):
        path = HERE / name.format(version)
        if not path.exists():
            write(make(), path)

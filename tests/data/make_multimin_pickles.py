"""Write small fits that releases of MultiMin have saved, which `test_pickles.py` reads.

Run once for each release, with it on the path. What a file holds goes into a JSON file beside it,
as the live object of that release shows it. The points are drawn here; MultiMin is only called.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

import multimin
import numpy as np

HERE = Path(__file__).parent


def points(nvars: int) -> np.ndarray:
    """Draw two heaps of points in the unit box."""
    rng = np.random.default_rng(5)
    heaps = [rng.normal(0.3, 0.08, (9, nvars)), rng.normal(0.7, 0.05, (6, nvars))]
    return np.concatenate(heaps).clip(0.01, 0.99)


def fitted(version: str) -> object:
    """Fit two components: on an interval by L-BFGS-B where there are domains, else by Powell."""
    if version.startswith("0.5."):
        fit, arguments = multimin.FitCMND(Ngauss=2, Nvars=2), [points(2)]
    elif not hasattr(multimin, "FitMoG"):
        fit, arguments = multimin.FitCMND(ngauss=2, nvars=1, domain=[[0, 1]]), [points(1)]
    else:
        fit, arguments = multimin.FitMoG(points(1), ngauss=2, domain=[[0, 1]]), []
    fit.fit_data(*arguments, options={"maxiter": 4})
    return fit


if __name__ == "__main__":
    version = sys.argv[1]
    with contextlib.redirect_stdout(io.StringIO()):
        fit = fitted(version)
        fit.save_fit(str(HERE / f"multimin_{version}.pkl"), useprefix=False)
    mixture = getattr(fit, "mog", None) or fit.cmnd
    seen = {
        "weights": mixture.weights.tolist(),
        "mus": mixture.mus.tolist(),
        "Sigmas": mixture.Sigmas.tolist(),
        "domain": getattr(fit, "domain", None),
        "minparams": [float(value) for value in fit.minparams],
        "neg_loglik": float(fit.solution.fun),
        "message": fit.solution.message,
        "x": fit.solution.x.tolist(),
        "method": fit.minargs["method"],
    }
    (HERE / f"multimin_{version}.json").write_text(json.dumps(seen, indent=1) + "\n")

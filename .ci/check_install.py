"""Check the installed mogfit: where it lies, what is inside, and that it fits.

Usage: check_install.py [--without-openmp] [WHEEL], from any directory but the checkout.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np

import mogfit

X86 = platform.machine().lower() in ("x86_64", "amd64")
VARIANTS = ("_v2", "_v3", "_v4") if X86 else ("_portable",)
# What a file of the package may be.
SUFFIXES = {".py", ".pyi", ".so", ".pyd", ".gz", ".md", ".typed", ""}


def check(holds: bool, problem: str) -> None:
    """Stop with the problem unless `holds`."""
    if not holds:
        sys.exit(f"check_install: {problem}")


def check_wheel(path: Path) -> None:
    """The wheel holds the package and its metadata, and no strays."""
    with zipfile.ZipFile(path) as wheel:
        files = [PurePosixPath(name) for name in wheel.namelist()]
    modules = [f.name.split(".")[0] for f in files if f.suffix in (".so", ".pyd")]
    check(
        sorted(modules) == sorted(("_cpu", *VARIANTS)), f"{path.name} holds the modules {modules}"
    )
    for file in files:
        top = file.parts[0]
        check(top == "mogfit" or top.endswith(".dist-info"), f"{path.name} holds {file}")
        check(
            top.endswith(".dist-info") or (file.suffix in SUFFIXES and "__pycache__" not in top),
            f"{path.name} holds {file}",
        )
    names = {str(file) for file in files}
    for needed in ("py.typed", "_core/__init__.pyi", "datasets_data/near_earth_asteroids.csv.gz"):
        check(f"mogfit/{needed}" in names, f"{path.name} lacks mogfit/{needed}")
    check(any(name.endswith("licenses/LICENSE") for name in names), f"{path.name} lacks LICENSE")


def check_config(openmp: bool) -> None:
    """Where the package comes from, and how its core was built."""
    home = Path(mogfit.__file__).resolve()
    check(Path(sys.prefix).resolve() in home.parents, f"mogfit is imported from {home}")
    mogfit.show_config()
    config = mogfit.get_config()
    check(config["openmp"] is openmp, f"openmp is {config['openmp']}, expected {openmp}")
    if not openmp:
        mogfit.set_num_threads(4)
        check(mogfit.get_num_threads() == 1, "a build without OpenMP speaks of several threads")


def check_fit() -> None:
    """A fit of two clouds finds them, and survives a file."""
    rng = np.random.default_rng(0)
    clouds = [rng.normal(-3.0, 1.0, (400, 2)), rng.normal(3.0, 0.5, (600, 2))]
    fit = mogfit.FitMoG(np.concatenate(clouds), ngauss=2)
    fit.fit_data(random_state=0)
    report = fit.report
    check(report is not None and report.converged, f"the fit did not converge: {report}")
    centres = np.sort(fit.mog.mus[:, 0])
    check(bool(np.allclose(centres, [-3.0, 3.0], atol=0.2)), f"the fit found {centres}")
    mogfit.save(fit.mog, "mixture.json")
    check("weights" in json.dumps(json.loads(Path("mixture.json").read_text())), "mixture.json")
    loaded = mogfit.load("mixture.json")
    check(bool(np.array_equal(loaded.mus, fit.mog.mus)), "the file does not give the mixture back")
    check(len(mogfit.datasets.load_asteroids().data) == 40761, "the asteroids are not complete")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", nargs="?", type=Path)
    parser.add_argument("--without-openmp", action="store_true")
    arguments = parser.parse_args()
    if arguments.wheel is not None:
        check_wheel(arguments.wheel)
    check_config(openmp=not arguments.without_openmp)
    check_fit()
    sys.stdout.write("the installed package is complete and fits\n")

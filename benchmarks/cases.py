"""The data and mixtures that the benchmarks run on, all drawn from fixed seeds.

The generated mixtures overlap, as real data do: component means are normal with a standard
deviation of 2 / sqrt(d) per variable, so two of them are typically 2.8 apart in any dimension;
covariances are Wishart with 2 d degrees of freedom (eigenvalues from about 0.1 to 3) and
log-normal scales; weights are Dirichlet with concentration 5. The data are drawn from the mixture
in random order. Passes run at a mixture whose means are moved off the truth by half a unit in a
random direction, where the gradient is far from zero.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from benchmarks.numpy_reference import Array, Mixture, plain_sample

Shape = tuple[int, int, int]

DATA = Path(__file__).parent / "data"
SHAPES: tuple[Shape, ...] = (
    (1_000_000, 1, 3),
    (1_000_000, 2, 5),
    (1_000_000, 3, 20),
    (200_000, 6, 10),
    (100_000, 16, 16),
    (20_000, 64, 8),
)
QUICK_SHAPES: tuple[Shape, ...] = (
    (20_000, 1, 3),
    (20_000, 2, 5),
    (20_000, 3, 20),
    (10_000, 6, 10),
    (4_000, 16, 16),
    (1_000, 64, 8),
)
MEMORY_SHAPE: Shape = (1_000_000, 3, 20)
TUTORIAL_OPTIMA = {"tutorial 1-D": 1.637365323, "tutorial 3-D": 4.913489302}


@dataclass(frozen=True)
class PassCase:
    """Data for one pass, and the mixture at which it runs.

    Attributes
    ----------
    shape : tuple of int
        Points, variables, components.
    points : ndarray of shape (N, d)
        C-contiguous float64.
    mixture : Mixture
        The mixture at which densities, gradients and EM steps are taken.
    """

    shape: Shape
    points: Array
    mixture: Mixture

    @property
    def name(self) -> str:
        """Shape in words, as the tables show it."""
        return shape_name(self.shape)


@dataclass(frozen=True)
class FitCase:
    """Data for a fit, with the number of components.

    Attributes
    ----------
    name : str
        As the tables show it.
    family : str
        ``"tutorial"``, ``"asteroids"`` or ``"large"``: who competes, and on how many threads.
    points : ndarray of shape (N, d)
        C-contiguous float64.
    ngauss : int
        Components to fit.
    """

    name: str
    family: str
    points: Array
    ngauss: int


def shape_name(shape: Shape) -> str:
    """Name a shape: ``N=1e6 d=3 K=20``."""
    n, nvars, ngauss = shape
    return f"N={n:.0e} d={nvars} K={ngauss}".replace("e+0", "e")


def make_mixture(nvars: int, ngauss: int, seed: int = 2) -> Mixture:
    """Draw an overlapping mixture, as the module describes."""
    rng = np.random.default_rng([seed, nvars, ngauss])
    roots = rng.standard_normal((ngauss, nvars, 2 * nvars)) / np.sqrt(2.0 * nvars)
    roots *= np.exp(0.3 * rng.standard_normal((ngauss, nvars, 1)))
    weights = rng.dirichlet(np.full(ngauss, 5.0))
    means = rng.standard_normal((ngauss, nvars)) * (2.0 / np.sqrt(nvars))
    return Mixture.from_covariances(weights, means, roots @ roots.transpose(0, 2, 1))


def draw(mixture: Mixture, n: int) -> Array:
    """Draw n points in random order, always the same."""
    points, _ = plain_sample(mixture, n, np.random.default_rng(3))
    return np.ascontiguousarray(points)


def pass_mixture(nvars: int, ngauss: int) -> Mixture:
    """Return the mixture at which passes run: the one behind the data, with its means moved."""
    truth = make_mixture(nvars, ngauss)
    moves = np.random.default_rng(4).standard_normal((ngauss, nvars))
    moves *= 0.5 / np.linalg.norm(moves, axis=1, keepdims=True)
    return Mixture(truth.log_weights, truth.means + moves, truth.factors)


@lru_cache(maxsize=1)
def pass_case(shape: Shape) -> PassCase:
    """Make the data and mixture of one shape; the last one is kept."""
    n, nvars, ngauss = shape
    points = draw(make_mixture(nvars, ngauss), n)
    return PassCase(shape, points, pass_mixture(nvars, ngauss))


def asteroids() -> Array:
    """Return (q, e, i) of the near-Earth asteroids that ship with mogfit, shape (40761, 3)."""
    path = files("mogfit") / "datasets_data" / "near_earth_asteroids.csv.gz"
    with path.open("rb") as packed, gzip.open(packed, "rt", newline="") as text:
        rows = [[float(row[name]) for name in ("q", "e", "i")] for row in csv.DictReader(text)]
    return np.array(rows)


def fit_cases(quick: bool) -> list[FitCase]:
    """Return the fits: tutorial, asteroids and the large one (N=1e6, d=3, K=10).

    The quick ones leave out the larger numbers of components and use fewer points.
    """
    every = 10 if quick else 1
    orbits = np.ascontiguousarray(asteroids()[::every])
    cases = [
        FitCase("tutorial 3-D", "tutorial", np.load(DATA / "tutorial_3d.npy"), 2),
        FitCase("tutorial 1-D", "tutorial", np.load(DATA / "tutorial_1d.npy"), 2),
    ]
    cases += [
        FitCase(f"asteroids K={ngauss}", "asteroids", orbits, ngauss)
        for ngauss in ((1, 5) if quick else (1, 5, 10, 20))
    ]
    shape = (20_000 if quick else 1_000_000, 3, 10)
    points = draw(make_mixture(3, 10), shape[0])
    cases.append(FitCase(shape_name(shape), "large", points, 10))
    return cases

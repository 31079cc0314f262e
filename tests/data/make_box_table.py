"""Write `box_probabilities.json`: reference log probabilities of boxes, mild and hard.

Run from the root of the checkout, `python -m tests.data.make_box_table`; some three minutes with
gmpy2 installed, more without. Seeds are fixed, so the table is the same at every run.

Every number of a case is a double, and the answers are those of exactly these doubles. A case has

* `kind`: how it was made;
* `mean`, `covariance`, `lower`, `upper`: null is an open side;
* `q`: squared Mahalanobis distance of the mean from the nearest point of the box, 6 digits;
* `log_z`: 30 digits (20 where the kind is "chain", 14 where it is "nested");
* `dmean`, `dcovariance` where there: derivatives of log Z, to 20 digits of the largest; the
  latter for symmetric changes, d log Z = sum_ij dcovariance_ij dSigma_ij.

Derivatives come from the sides of the box (`edge_gradient`; `differences` agrees, see
`test_box_oracles.py`) in one and two dimensions, from `one_factor` in more.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from tests import box_oracles as oracles

TABLE = Path(__file__).parent / "box_probabilities.json"
SIDES = ("lower", "upper", "both", "narrow", "free")
INF = float("inf")


def sides_at(kind: str, at: float, width: float) -> tuple[float, float]:
    """Sides of one variable, in standard deviations; `at` is the one nearer to the middle."""
    out = 1.0 if at >= 0 else -1.0
    if kind == "free":
        return -INF, INF
    if kind == "lower":
        return at, INF
    if kind == "upper":
        return -INF, at
    ends = (at, at + out * (1e-6 if kind == "narrow" else width))
    return min(ends), max(ends)


def case(
    kind: str, mean: Any, covariance: Any, lower: Any, upper: Any, box: Any, digits: int = 30
) -> dict[str, Any]:
    """One entry of the table; `box` is a probability or has derivatives too."""
    sides = [[None if np.isinf(x) else float(x) for x in side] for side in (lower, upper)]
    q = oracles.nearest(np.array(mean), np.array(covariance), np.array(lower), np.array(upper))
    entry = {
        "kind": kind,
        "mean": [float(x) for x in mean],
        "covariance": [[float(x) for x in row] for row in covariance],
        "lower": sides[0],
        "upper": sides[1],
        "q": float(f"{q:.6g}"),
    }
    with mpmath.workdps(50):
        if isinstance(box, oracles.Box):
            derived = oracles.log_derivatives(box)
            entry["log_z"] = text(derived.log_z, digits)
            entry["dmean"] = [text(x, 20) for x in derived.dmean]
            entry["dcovariance"] = [[text(x, 20) for x in row] for row in derived.dcovariance]
        else:
            entry["log_z"] = text(mpmath.log(box), digits)
    return entry


def text(x: Any, digits: int) -> str:
    """A decimal number."""
    return mpmath.nstr(x, digits, min_fixed=-3, max_fixed=6)


def one_dimension(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Awkward means and scales, bounds to 40 standard deviations on either side."""
    distances = [0.0, 0.3, 1.0, 2.5, 6.0, 8.3, 12.0, 20.0, 30.0, 38.5, 40.0]
    for kind, distance, sign in itertools.product(SIDES[:4], distances, (1, -1)):
        width = float(rng.choice([0.01, 0.5, 3.0, 30.0]))
        scale = 10 ** rng.uniform(-6, 6)
        mean = scale * rng.choice([0.0, rng.normal()])
        a, b = sides_at(kind, sign * distance, width)
        lower, upper, variance = mean + scale * a, mean + scale * b, scale**2
        box = oracles.edge_gradient([mean], [[variance]], [lower], [upper])
        yield case(f"d1 {kind}", [mean], [[variance]], [lower], [upper], box)
    for a, b in ((-0.5, 0.5), (-1.0, 3.0), (-40.0, 0.1), (-30.0, 30.0), (-1e-6, 1e-6)):
        box = oracles.edge_gradient([0.0], [[1.0]], [a], [b])
        yield case("d1 around", [0.0], [[1.0]], [a], [b], box)
    box = oracles.edge_gradient([2.0], [[3.0]], [-INF], [INF])
    yield case("d1 free", [2.0], [[3.0]], [-INF], [INF], box)


def two_dimensions(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Every pair of kinds of sides, every strength of correlation, from the bulk to 40 sigma."""
    strengths = [0.0, 0.1, 0.5, 0.9, 0.99, 0.999]
    pairs = [p for p in itertools.product(SIDES, SIDES) if p != ("free", "free")]
    for count, (strength, kinds) in enumerate(itertools.product(strengths, pairs)):
        rho = strength * rng.choice([-1.0, 1.0])
        reach = (0.5, 1.5, 4.0, 12.0, 40.0)[count % 5]
        at = rng.normal(size=2) * 0.5
        if rng.random() < 0.5:  # along the cloud, else anywhere
            at += reach * rng.choice([-1, 1]) * np.array([1.0, np.sign(rho) or 1.0])
        else:
            at += reach * rng.uniform(-1, 1, size=2)
        at = np.clip(at, -40, 40)
        scale = 10 ** rng.uniform(-3, 3, size=2) if count % 2 else np.ones(2)
        mean = scale * rng.normal(size=2) if count % 3 else np.zeros(2)
        width = rng.choice([0.1, 1.0, 4.0], size=2)
        ends = np.array([sides_at(k, x, w) for k, x, w in zip(kinds, at, width, strict=True)])
        lower, upper = (mean + scale * ends.T[i] for i in (0, 1))
        covariance = np.outer(scale, scale) * np.array([[1, rho], [rho, 1]])
        box = oracles.edge_gradient(mean, covariance, lower, upper)
        yield case(f"d2 {kinds[0]} {kinds[1]}", mean, covariance, lower, upper, box)


def bits(values: Any, count: int) -> Any:
    """Rounded to whole multiples of 2^-count, so that products of two are exact."""
    return np.round(np.asarray(values) * 2.0**count) / 2.0**count


def one_factor(
    rng: np.random.Generator, d: int, count: int, strengths: Any, reaches: Any
) -> Iterator[dict[str, Any]]:
    """Correlations l_i l_j with 2^-10 steps in l, variances 1: all exact."""
    for i in range(count):
        top = strengths[i % len(strengths)]
        reach = reaches[(i // len(strengths)) % len(reaches)]
        loadings = bits(np.sqrt(top) * rng.uniform(0.5, 1.0, size=d), 10)
        if top >= 0.99:  # all of them strong
            loadings = bits(np.full(d, np.sqrt(top)), 11)
        loadings *= rng.choice([-1.0, 1.0], size=d)
        specific = 1 - loadings**2
        kinds = rng.choice(SIDES, p=[0.3, 0.2, 0.35, 0.05, 0.1], size=d)
        along = rng.random() < 0.7
        direction = np.sign(loadings) if along else rng.uniform(-1, 1, size=d)
        at = bits(reach * rng.choice([-1, 1]) * direction + 0.7 * rng.normal(size=d), 8)
        width = bits(rng.uniform(0.3, 4.0, size=d), 8)
        ends = np.array([sides_at(k, x, w) for k, x, w in zip(kinds, at, width, strict=True)])
        covariance = np.outer(loadings, loadings)
        np.fill_diagonal(covariance, 1.0)
        mean = np.zeros(d) if i % 2 else bits(rng.normal(size=d), 6)
        lower, upper = mean + ends[:, 0], mean + ends[:, 1]
        slopes = d <= 6
        box = oracles.one_factor(mean, loadings, specific, lower, upper, slopes=slopes)
        box = box if slopes else box.z
        yield case(f"d{d} one factor {top}", mean, covariance, lower, upper, box)


def orthants() -> Iterator[dict[str, Any]]:
    """Closed forms: arcsines, and 1 / (d + 1) for correlations of 1/2."""
    for rho in (-0.999, -0.5, 0.0, 0.7, 0.999):
        covariance = [[1.0, rho], [rho, 1.0]]
        z = oracles.orthant(covariance)
        yield case("d2 orthant", [0.0] * 2, covariance, [0.0] * 2, [INF] * 2, z)
    for r12, r13, r23 in (
        (0.5, 0.25, -0.5),
        (-0.49, -0.49, -0.49),
        (-0.4999, -0.4999, -0.4999),
        (0.9, 0.6, 0.8),
        (0.999, 0.0, 0.0),
        (0.999, 0.998, 0.999),
        (-0.99, 0.98, -0.99),
        (0.7, -0.7, 0.01),
    ):
        covariance = [[1.0, r12, r13], [r12, 1.0, r23], [r13, r23, 1.0]]
        z = oracles.orthant(covariance)
        yield case("d3 orthant", [0.0] * 3, covariance, [0.0] * 3, [INF] * 3, z)
    for d in range(3, 11):
        covariance = np.full((d, d), 0.5) + np.eye(d) / 2
        with mpmath.workdps(50):
            z = 1 / mpmath.mpf(d + 1)
        yield case(f"d{d} orthant 1/2", [0.0] * d, covariance, [0.0] * d, [INF] * d, z)


def nested(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Three variables that no single factor explains."""
    matrices = [
        [[1.0, 0.25, -0.5], [0.25, 1.0, 0.625], [-0.5, 0.625, 1.0]],
        [[1.0, -0.4375, -0.4375], [-0.4375, 1.0, -0.4375], [-0.4375, -0.4375, 1.0]],
    ]
    for i, covariance in enumerate([*matrices, *matrices]):
        s = np.sqrt(np.diagonal(covariance))
        kinds = rng.choice(SIDES[:3], size=3, p=[0.3, 0.3, 0.4])
        at = bits(rng.normal(size=3) * (0.7 if i < 2 else 2.0), 6)
        ends = np.array([sides_at(k, x, 1.5) for k, x in zip(kinds, at, strict=True)])
        lower, upper = s * ends[:, 0], s * ends[:, 1]
        z = oracles.probability([0.0] * 3, covariance, lower, upper, digits=14)
        yield case("d3 nested", [0.0] * 3, covariance, lower, upper, z, digits=14)


def chains(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Markov chains: correlations fall with the distance of the indices."""
    for d, i in itertools.product(range(3, 11), range(4)):
        links = rng.choice([0.5, -0.5, 0.75, -0.75, 0.25, 0.625, -0.375], size=d - 1)
        kinds = rng.choice(SIDES[:3], size=d, p=[0.3, 0.3, 0.4])
        at = bits(rng.normal(size=d) * 0.6, 6)
        at = np.where(kinds == "lower", -abs(at), np.where(kinds == "upper", abs(at), at))
        ends = np.array([sides_at(k, x, 2.0 + i) for k, x in zip(kinds, at, strict=True)])
        lower, upper = ends.T
        z = oracles.chain(links, lower, upper, digits=22, panels=6)
        covariance = oracles.chain_covariance(links)
        yield case(f"d{d} chain", [0.0] * d, covariance, lower, upper, z, digits=20)


def table() -> list[dict[str, Any]]:
    """All cases."""
    weak = [0.3, 0.6, 0.9]
    strong = [0.3, 0.6, 0.9, 0.99, 0.999]
    return [
        *one_dimension(np.random.default_rng(1)),
        *two_dimensions(np.random.default_rng(2)),
        *one_factor(np.random.default_rng(3), 3, 40, strong, (0.5, 2.0, 6.0, 36.0)),
        *one_factor(np.random.default_rng(4), 4, 15, strong, (0.5, 3.0, 36.0)),
        *one_factor(np.random.default_rng(5), 5, 15, strong, (0.5, 3.0, 36.0)),
        *one_factor(np.random.default_rng(6), 6, 15, strong, (0.5, 3.0, 36.0)),
        *itertools.chain.from_iterable(
            one_factor(np.random.default_rng(d), d, 10, [*weak, 0.99, 0.999], (0.5, 3.0))
            for d in range(7, 11)
        ),
        *orthants(),
        *nested(np.random.default_rng(11)),
        *chains(np.random.default_rng(12)),
    ]


if __name__ == "__main__":
    lines = [json.dumps(entry, allow_nan=False, separators=(",", ":")) for entry in table()]
    TABLE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

"""The figure: how many times faster than each peer, by size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Results
from benchmarks.peers.base import EM_ITERATION, LOG_DENSITY
from benchmarks.report import unique
from benchmarks.targets import OURS

# Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = {
    "NumPy blocked": "#0072B2",
    "NumPy plain": "#56B4E9",
    "SciPy": "#999999",
    "MultiMin": "#CC79A7",
    "scikit-learn": "#E69F00",
    "oneDAL": "#D55E00",
}


def draw_speed(results: Results, path: Path, title: str) -> None:
    """Draw the ratios of one-thread times to mogfit's, for log density and EM iteration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.5), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), (LOG_DENSITY, EM_ITERATION), strict=True):
        _draw_quantity(axes, results, quantity)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _draw_quantity(axes: Any, results: Results, quantity: str) -> None:
    timings = [timing for timing in results.timings if timing.quantity == quantity]
    cases = unique(timing.case for timing in timings)
    peers = [name for name in COLOURS if any(timing.contestant == name for timing in timings)]
    height = 0.84 / max(len(peers), 1)
    for position, peer in enumerate(peers):
        ratios = [_ratio(results, case, quantity, peer) for case in cases]
        places = np.arange(len(cases)) + height * (position - 0.5 * (len(peers) - 1))
        axes.barh(places, ratios, height=0.9 * height, color=COLOURS[peer], label=peer)
        for place, ratio in zip(places, ratios, strict=True):
            if np.isfinite(ratio):
                axes.text(1.04 * ratio, place, f"{ratio:.3g}", va="center", fontsize=7)
    axes.set_yticks(np.arange(len(cases)), [case.replace(" d", "\nd") for case in cases])
    axes.invert_yaxis()
    axes.set_xscale("log")
    left, right = axes.get_xlim()
    axes.set_xlim(min(0.8, left), 1.6 * right)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(1.0, color="black", linewidth=1.0)
    axes.set_xlabel("time over mogfit's, one thread each")
    axes.set_title(quantity)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if peers:
        axes.legend(loc="lower right", fontsize=8)


def _ratio(results: Results, case: str, quantity: str, peer: str) -> float:
    ours, theirs = (results.seconds(case, quantity, name) for name in (OURS, peer))
    return float("nan") if ours is None or theirs is None else theirs / ours

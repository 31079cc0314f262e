"""The contestants: each library behind the same few questions, at its best honest setting.

All of them get C-contiguous float64 data and the same number of threads. A library that is not
installed takes no part, and the tables say so.
"""

from __future__ import annotations

from benchmarks.peers.base import Peer
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.peers.multimin_peer import MultiMin
from benchmarks.peers.numpy_peers import NumpyBlocked, NumpyNormals, NumpyPlain, Scipy
from benchmarks.peers.onedal_peer import OneDal
from benchmarks.peers.sklearn_peer import ScikitLearn
from benchmarks.peers.toolbox_peers import Pygmmis, Xdgmm

__all__ = ["Peer", "by_label", "fit_contestants", "installed", "pass_contestants", "versions"]

_KINDS: tuple[type[Peer], ...] = (
    Mogfit,
    NumpyPlain,
    Scipy,
    MultiMin,
    ScikitLearn,
    OneDal,
    Pygmmis,
    Xdgmm,
)


def versions() -> dict[str, str]:
    """Version of each library, or ``"not installed"``."""
    return {
        "NumPy" if kind is NumpyPlain else kind.name: kind.version() or "not installed"
        for kind in _KINDS
    }


def installed(peers: list[Peer]) -> list[Peer]:
    """Leave out what is not installed."""
    return [peer for peer in peers if peer.version() is not None]


def by_label(label: str) -> Peer:
    """Return the contestant in passes that has this label."""
    threads = int(label.split(", ")[1].split()[0]) if ", " in label else 1
    for peer in pass_contestants(threads):
        if peer.label == label:
            return peer
    raise ValueError(f"no installed contestant is called {label!r}")


def pass_contestants(threads: int) -> list[Peer]:
    """Who takes part in passes and draws: all on one thread, some on ``threads`` too."""
    peers: list[Peer] = [Mogfit(1)]
    if threads > 1:
        peers.append(Mogfit(threads))
    peers += [NumpyBlocked(), NumpyPlain(), Scipy(), MultiMin(), ScikitLearn(), OneDal(1)]
    if threads > 1:
        peers.append(OneDal(threads))
    peers.append(NumpyNormals())
    return installed(peers)


def fit_contestants(family: str, threads: int) -> list[Peer]:
    """Who takes part in the fits of a family of cases (see `benchmarks.cases.FitCase`).

    Tutorial and asteroids run on one thread; the large case on ``threads``. MultiMin fits the
    tutorial only: five components of the asteroids take it minutes, ten do not end.
    """
    peers: list[Peer]
    if family == "tutorial":
        peers = [Mogfit(1), MultiMin(), ScikitLearn(), ScikitLearn(n_init=10), OneDal(1)]
    elif family == "asteroids":
        peers = [
            Mogfit(1),
            ScikitLearn(standardise=True),
            ScikitLearn(n_init=10, standardise=True),
            OneDal(1),
        ]
        if threads > 1:
            peers.insert(1, Mogfit(threads))
    else:
        peers = [Mogfit(threads), ScikitLearn(threads), OneDal(threads)]
    return installed(peers)

"""Full fits, from nothing but the data to a mixture, with the likelihood that was reached."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from benchmarks.cases import TUTORIAL_OPTIMA, FitCase
from benchmarks.measure import Fit, Results
from benchmarks.numpy_reference import blocked_logpdf
from benchmarks.peers import Peer
from benchmarks.peers.base import Fitted
from benchmarks.peers.mogfit_peer import Mogfit
from benchmarks.threads import limited

OPTIMUM_WITHIN = 1e-7  # -log L / N of a tutorial fit by mogfit beyond the optimum

Log = Callable[[str], None]


def run_fits(
    cases: Iterable[FitCase],
    contestants: Callable[[str], list[Peer]],
    seeds: int,
    budget: float,
    log: Log,
) -> Results:
    """Fit every case with the seeds 0, 1, ... by every contestant in turns.

    A contestant that has used ``budget`` seconds on a case gets no further seeds, but mogfit, whose
    worst seed counts there, fits the asteroids with them all. The likelihood is evaluated by NumPy
    from the parameters, in the data's units.
    """
    results = Results()
    for case in cases:
        peers = contestants(case.family)
        fitted: dict[str, list[Fitted]] = {peer.label: [] for peer in peers}
        for seed in range(seeds):
            for peer in peers:
                spent = sum(fit.seconds for fit in fitted[peer.label])
                every_seed = case.family == "asteroids" and isinstance(peer, Mogfit)
                if spent > budget and not every_seed:
                    continue
                log(f"{case.name}: {peer.label}, seed {seed}")
                fit = _fit(peer, case, seed)
                if fit is not None:
                    fitted[peer.label].append(fit)
        for label, fits in fitted.items():
            if fits:
                results.fits.append(_record(case, label, fits))
        for peer in peers:
            peer.close()
    results.problems += _short_of_the_optimum(results.fits)
    return results


def _fit(peer: Peer, case: FitCase, seed: int) -> Fitted | None:
    # A library's OpenMP and BLAS threads are limited from outside; mogfit's are its argument.
    limit = contextlib.nullcontext() if isinstance(peer, Mogfit) else limited(peer.threads)
    with limit:
        return peer.fit(case.points, case.ngauss, seed)


def _record(case: FitCase, label: str, fits: list[Fitted]) -> Fit:
    values = tuple(-float(blocked_logpdf(fit.mixture, case.points).mean()) for fit in fits)
    return Fit(case.name, label, tuple(fit.seconds for fit in fits), values, fits[0].note)


def _short_of_the_optimum(fits: list[Fit]) -> list[str]:
    """Fits by mogfit of the tutorial's cases that miss the known optimum."""
    return [
        f"{fit.case}, {fit.contestant}: -log L / N {worst:.9f}, optimum {TUTORIAL_OPTIMA[fit.case]}"
        for fit in fits
        if fit.case in TUTORIAL_OPTIMA and fit.contestant.startswith(Mogfit.name)
        for worst in [max(fit.neg_logliks)]
        if abs(worst - TUTORIAL_OPTIMA[fit.case]) > OPTIMUM_WITHIN
    ]

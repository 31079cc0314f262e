"""The command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import cases, machine
from benchmarks.domains import run_domains
from benchmarks.dropin import run_dropin
from benchmarks.fits import run_fits
from benchmarks.measure import Results
from benchmarks.memory import run_memory
from benchmarks.overhead import run_overhead
from benchmarks.passes import run_draws, run_passes
from benchmarks.peers import fit_contestants, pass_contestants
from benchmarks.plot import draw_speed
from benchmarks.report import markdown
from benchmarks.selection import run_selection
from benchmarks.sklearn_interface import run_sklearn_interface
from benchmarks.threads import available
from benchmarks.toolbox import run_toolbox
from benchmarks.toolbox_memory import run_toolbox_memory

SECTIONS = (
    "passes",
    "fits",
    "domains",
    "dropin",
    "toolbox",
    "selection",
    "sklearn",
    "sampling",
    "memory",
    "overhead",
)
OUTPUT = Path(__file__).parent / "RESULTS.md"
PLOT_NAME = "speed.png"
CHOICES = 20  # samples among whose numbers of components are chosen

DESCRIPTION = """\
Time mogfit beside NumPy, SciPy, MultiMin, scikit-learn, oneDAL, pygmmis and astroML, all on the
same data, the same number of threads and in turns, and check that they agree.

The full run takes about an hour on two cores and writes benchmarks/RESULTS.md and
benchmarks/speed.png. Libraries that are not installed are shown as such; `pip install .[peers]`
brings them all. Leave the machine alone while it runs."""

EXAMPLES = """\
examples:
  python -m benchmarks                             everything, into benchmarks/RESULTS.md
  python -m benchmarks --quick                     small sizes, under two minutes, to the terminal
  python -m benchmarks --only passes,memory        two sections, to the terminal
  python -m benchmarks --only fits --output f.md   one section, into a file of your own
  python -m benchmarks --only toolbox --output benchmarks/TOOLBOX.md
                                                   noisy and incomplete data, and the algebra
  python -m benchmarks --only selection --output benchmarks/SELECTION.md
                                                   how many components, beside scikit-learn
  python -m benchmarks --only sklearn --output benchmarks/SKLEARN.md
                                                   scikit-learn's interface, beside its own

The exit status is 1 when any answer is off."""


@dataclass(frozen=True)
class Plan:
    """How much a run does.

    Attributes
    ----------
    shapes, memory_shapes : tuple of shapes
        Sizes of the passes, and of the peaks of memory.
    draws : int
        Points to draw.
    truncated_points : int
        Points of the passes of truncated mixtures.
    rounds, seeds : int
        Samples of each timing, and seeds of each fit.
    budget : float
        Seconds after which a contestant gets no further rounds or seeds in a case.
    """

    shapes: tuple[cases.Shape, ...]
    memory_shapes: tuple[cases.Shape, ...]
    draws: int
    truncated_points: int
    rounds: int
    seeds: int
    budget: float


FULL = Plan(cases.SHAPES, cases.SHAPES, 1_000_000, 100_000, rounds=7, seeds=10, budget=15.0)
QUICK = Plan(
    cases.QUICK_SHAPES, cases.QUICK_SHAPES[2:3], 20_000, 10_000, rounds=2, seeds=2, budget=1.0
)


def parser() -> argparse.ArgumentParser:
    """Make the argument parser."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--quick", action="store_true", help="small sizes and few rounds, for CI")
    result.add_argument(
        "--only",
        type=_sections,
        default=SECTIONS,
        metavar="SECTIONS",
        help=f"comma-separated sections to run, out of {','.join(SECTIONS)}",
    )
    result.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="Markdown file to write, with speed.png beside it where passes are timed (default: "
        "benchmarks/RESULTS.md for a full run; nothing with --quick or --only)",
    )
    result.add_argument(
        "--threads",
        type=int,
        default=available(),
        metavar="N",
        help="threads of the rows that run on several (default: all available, %(default)s)",
    )
    return result


def _sections(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown section {unknown[0]!r}; choose from {', '.join(SECTIONS)}"
        )
    return names


def run(plan: Plan, sections: Sequence[str], threads: int, log: Callable[[str], None]) -> Results:
    """Run the sections and gather what they measured."""
    peers = pass_contestants(threads)
    work: dict[str, Callable[[], Results]] = {
        "passes": lambda: run_passes(plan.shapes, peers, plan.rounds, plan.budget, log),
        "fits": lambda: run_fits(
            cases.fit_cases(quick=plan is QUICK),
            partial(fit_contestants, threads=threads),
            plan.seeds,
            plan.budget,
            log,
        ),
        "domains": lambda: run_domains(
            plan.rounds, plan.truncated_points, min(plan.seeds, 5), plan.draws, log
        ),
        "dropin": lambda: run_dropin(plan.rounds, log, quick=plan is QUICK),
        "toolbox": lambda: run_toolbox(
            plan.rounds, plan.seeds, plan.budget, log, quick=plan is QUICK
        ).add(run_toolbox_memory(log, quick=plan is QUICK)),
        "selection": lambda: run_selection(
            plan.seeds if plan is QUICK else CHOICES, log, quick=plan is QUICK
        ),
        "sklearn": lambda: run_sklearn_interface(plan.seeds, plan.budget, log, quick=plan is QUICK),
        "sampling": lambda: run_draws(
            plan.shapes, peers, plan.draws, plan.rounds, plan.budget, log
        ),
        "memory": lambda: run_memory(plan.memory_shapes, peers, log),
        "overhead": lambda: run_overhead(plan.rounds, log),
    }
    gathered = Results()
    try:
        for name in SECTIONS:
            if name in sections:
                gathered.add(work[name]())
    finally:
        for peer in peers:
            peer.close()
    return gathered


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 1 when an answer is off."""
    options = parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL
    start = time.perf_counter()

    def log(message: str) -> None:
        print(f"[{time.perf_counter() - start:6.1f} s] {message}", file=sys.stderr, flush=True)

    results = run(plan, options.only, options.threads, log)
    facts = machine.description()
    report = markdown(
        results,
        facts,
        options.threads,
        machine.dgemm_gflops(),
        quick=options.quick,
        partial=options.only != SECTIONS,
    )
    print(report)
    complete = not options.quick and options.only == SECTIONS
    output = options.output or (OUTPUT if complete else None)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(report, encoding="utf-8")
        log(f"wrote {output}")
        if "passes" in options.only:
            title = f"mogfit {facts['mogfit']} on {facts['processor']}"
            draw_speed(results, output.parent / PLOT_NAME, title)
            log(f"wrote {output.parent / PLOT_NAME}")
    for problem in results.problems:
        print(f"WRONG: {problem}", file=sys.stderr)
    return 1 if results.problems else 0

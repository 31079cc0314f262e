"""The tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.cases import SHAPES
from benchmarks.domains import BOX, TRUNCATED_DRAWS, TRUNCATED_PASS
from benchmarks.dropin import SAME_CALL
from benchmarks.measure import Results, Timing
from benchmarks.overhead import IMPORT, ONE_POINT
from benchmarks.peers.base import DRAWS, EM_ITERATION, PASSES
from benchmarks.selection import SELECTION
from benchmarks.targets import D64, MULTIMIN, OURS, targets
from benchmarks.toolbox import NOISY_EM, NOISY_GRADIENT, PREDICTION, SINGLE
from benchmarks.toolbox_memory import BEYOND

# Quantity, factor from seconds, and the unit that gives.
DOMAIN_TABLES = (
    (BOX, 1e6, "Microseconds"),
    (TRUNCATED_PASS, 1e3, "Milliseconds"),
    (TRUNCATED_DRAWS, 1e3, "Milliseconds"),
)
TOOLBOX_TABLES = (
    (NOISY_EM, 1e3, "Milliseconds"),
    (NOISY_GRADIENT, 1e3, "Milliseconds"),
    (PREDICTION, 1e3, "Milliseconds"),
    (SINGLE, 1e6, "Microseconds"),
)

INTRODUCTION = """\
Everything below was measured in one run on one machine, the contestants in turns, on C-contiguous
float64 data and on one thread unless the name says otherwise. Times are medians of the rounds.
Every answer was checked: passes against plain NumPy, draws against the moments of their mixture;
likelihoods of fits are evaluated by NumPy from the fitted parameters. The data are defined in
`benchmarks/cases.py` and `benchmarks/toolbox.py`, the NumPy references in
`benchmarks/numpy_reference.py` and `benchmarks/observations_reference.py`.
"""


def markdown(
    results: Results,
    machine: dict[str, str],
    threads: int,
    dgemm: float,
    *,
    quick: bool,
    partial: bool = False,
) -> str:
    """Write the whole report; a quick one has no table of targets, its sizes are not theirs.

    A partial one, of some sections, leaves out the targets of the others.
    """
    parts = ["# Benchmarks", INTRODUCTION, table(("", ""), machine.items())]
    if not quick:
        parts += ["## What was to be reached", _targets(results, threads, partial)]
    for quantity in PASSES:
        parts += _timing_section(results, quantity, per_point=True)
        if quantity == EM_ITERATION:
            parts += _dgemm_share(results, dgemm)
    parts += _timing_section(results, DRAWS, per_point=False)
    parts += _side_by_side(results, DOMAIN_TABLES) + _dropin_section(results)
    parts += _side_by_side(results, TOOLBOX_TABLES) + _beyond_section(results)
    parts += _selection_section(results)
    parts += _memory_section(results) + _fit_section(results) + _overhead_section(results)
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table with its columns aligned."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def unique(values: Iterable[str]) -> list[str]:
    """Drop repetitions, keep the order."""
    return list(dict.fromkeys(values))


def points_times_components(case: str) -> int:
    """N K of a case's name."""
    sizes = dict(part.split("=") for part in case.split())
    return round(float(sizes["N"]) * float(sizes["K"]))


def _targets(results: Results, threads: int, partial: bool) -> str:
    rows = []
    measured = targets(results, threads)
    if partial:
        measured = [target for target in measured if target.value is not None]
    for target in measured:
        sign = ">=" if target.more else "<="
        value = "" if target.value is None else target.form.format(target.value)
        aim = "" if target.aim is None else f"{sign} {target.form.format(target.aim)}"
        least = f"{sign} {target.form.format(target.at_least)}"
        rows.append((target.what, value, least, aim, target.verdict()))
    return table(("", "measured", "at least", "aim", ""), rows)


def _timing_section(results: Results, quantity: str, per_point: bool) -> list[str]:
    timings = [timing for timing in results.timings if timing.quantity == quantity]
    if not timings:
        return []
    cases = unique(timing.case for timing in timings)
    rows = []
    for contestant in unique(timing.contestant for timing in timings):
        cells = [_timing_cell(results, timings, case, contestant, per_point) for case in cases]
        rows.append((contestant, *cells))
    notes = unique(f"{t.contestant}: {t.note}." for t in timings if t.note)
    title = f"## {quantity[0].upper()}{quantity[1:]}"
    unit = "Nanoseconds per point and component" if per_point else "Milliseconds for N points"
    text = f"{unit}; in brackets, times mogfit's on one thread."
    return [title, text, table(("", *cases), rows), "\n".join(f"- {note}" for note in notes)]


def _timing_cell(
    results: Results, timings: list[Timing], case: str, contestant: str, per_point: bool
) -> str:
    found = [t for t in timings if (t.case, t.contestant) == (case, contestant)]
    if not found:
        return ""
    seconds, ours = found[0].seconds, results.seconds(case, found[0].quantity, OURS)
    value = 1e9 * seconds / points_times_components(case) if per_point else 1e3 * seconds
    ratio = "" if ours is None or contestant == OURS else f" ({_number(seconds / ours)}x)"
    return f"{_number(value)}{ratio}"


def _number(value: float) -> str:
    """Three significant digits, no exponent."""
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


def _dgemm_share(results: Results, dgemm: float) -> list[str]:
    lines = [f"NumPy's matrix product on one thread: {dgemm:.0f} GFLOP/s."]
    seconds = results.seconds(D64, EM_ITERATION, OURS)
    if seconds is not None:
        nvars = SHAPES[-1][1]
        operations = 2.0 * nvars * (nvars + 1) * points_times_components(D64)
        rate = operations / seconds / 1e9
        lines.append(
            f"At {D64} an EM iteration by mogfit does the d (d + 1) multiply-adds per point and "
            f"component of two triangles at {rate:.0f} GFLOP/s, {rate / dgemm:.0%} of that."
        )
    return [" ".join(lines)]


def _memory_section(results: Results) -> list[str]:
    records = [record for record in results.memory if record.quantity != BEYOND]
    if not records:
        return []
    cases = unique(record.case for record in records)
    rows = []
    for contestant in unique(record.contestant for record in records):
        quantity = next(r.quantity for r in records if r.contestant == contestant)
        peaks = [results.peak(case, contestant) for case in cases]
        rows.append(
            (contestant, quantity, *("" if peak is None else _number(peak) for peak in peaks))
        )
    text = "MB (1e6 bytes) by which one piece of work raises the peak, in a fresh process."
    return ["## Peak memory beyond the data", text, table(("", "work", *cases), rows)]


def _fit_section(results: Results) -> list[str]:
    if not results.fits:
        return []
    rows = []
    for fit in results.fits:
        ours = next(
            (f for f in results.fits if f.case == fit.case and f.contestant.startswith(OURS)), fit
        )
        ratio = fit.typical_seconds / ours.typical_seconds
        values = fit.neg_logliks
        rows.append(
            (
                fit.case,
                fit.contestant,
                f"{fit.typical_seconds:.4g}",
                "" if fit is ours else f"{_number(ratio)}x",
                f"{median(values):.6f}",
                f"{max(values):.6f}",
                f"{min(values):.6f}",
                str(len(values)),
                fit.note,
            )
        )
    header = ("case", "", "seconds", "times ours", "-log L / N, median", "worst", "best", "seeds")
    text = (
        "Wall time of a whole fit (median over the seeds), and the likelihood it reached. "
        "The last column is the first seed's."
    )
    return ["## Full fits", text, table((*header, "ended after"), rows)]


def _side_by_side(results: Results, tables: Iterable[tuple[str, float, str]]) -> list[str]:
    """Contestants by cases; the ratio is over the first contestant's time."""
    parts = []
    for quantity, scale, unit in tables:
        timings = [timing for timing in results.timings if timing.quantity == quantity]
        if not timings:
            continue
        first = {timing.case: timing.seconds for timing in reversed(timings)}
        cases = unique(timing.case for timing in timings)
        rows = []
        for contestant in unique(timing.contestant for timing in timings):
            cells = {
                t.case: f"{_number(scale * t.seconds)} ({_number(t.seconds / first[t.case])}x)"
                for t in timings
                if t.contestant == contestant
            }
            rows.append((contestant, *(cells.get(case, "") for case in cases)))
        notes = unique(f"- {t.contestant}: {t.note}." for t in timings if t.note)
        parts += [f"## {quantity[0].upper()}{quantity[1:]}", f"{unit}, one thread."]
        parts += [table(("", *cases), rows), "\n".join(notes)]
    return parts


def _beyond_section(results: Results) -> list[str]:
    """Peaks of memory of the toolbox, a row for each piece of work."""
    tables = []
    for quantity in (NOISY_EM, PREDICTION):
        records = [
            record
            for record in results.memory
            if record.quantity == BEYOND and record.case.startswith(quantity)
        ]
        if not records:
            continue
        contestants = unique(record.contestant for record in records)
        rows = []
        for case in unique(record.case for record in records):
            peaks = [results.peak(case, contestant) for contestant in contestants]
            rows.append((case, *("" if peak is None else _number(peak) for peak in peaks)))
        tables.append(table(("", *contestants), rows))
    if not tables:
        return []
    text = (
        "MB (1e6 bytes) by which the work, with its preparations, raises the peak in a fresh "
        "process, less the arrays that it gives back."
    )
    return [f"## {BEYOND[0].upper()}{BEYOND[1:]}", text, *tables]


def _selection_section(results: Results) -> list[str]:
    """Times of whole selections, and what came of them."""
    timings = [timing for timing in results.timings if timing.quantity == SELECTION]
    parts = []
    if timings:
        rows = [(t.case, t.contestant, f"{t.seconds:.3f}", t.note) for t in timings]
        text = "Median seconds of a whole selection, one thread unless the name says otherwise."
        parts += [f"## {SELECTION[0].upper()}{SELECTION[1:]}", text]
        parts += [table(("", "", "seconds", ""), rows)]
    for shown in results.tables:
        parts += [f"## {shown.title}", shown.text, table(shown.header, shown.rows)]
    return parts


def _dropin_section(results: Results) -> list[str]:
    """Times of whole calls by both libraries, the ratio, and how the answers compare."""
    rows = []
    for timing in results.timings:
        theirs = results.seconds(timing.case, SAME_CALL, MULTIMIN)
        if (timing.quantity, timing.contestant) == (SAME_CALL, OURS) and theirs is not None:
            ratio = f"{_number(theirs / timing.seconds)}x"
            seconds = (f"{1e3 * timing.seconds:.4g}", f"{1e3 * theirs:.4g}")
            rows.append((timing.case, *seconds, ratio, timing.note))
    if not rows:
        return []
    header = ("", OURS, MULTIMIN, "ratio", "answers")
    text = "Milliseconds of whole calls as a script makes them, on all threads."
    return ["## The same calls as MultiMin's", text, table(header, rows)]


def _overhead_section(results: Results) -> list[str]:
    calls = [timing for timing in results.timings if timing.quantity == ONE_POINT]
    imports = [timing for timing in results.timings if timing.quantity == IMPORT]
    parts = []
    if calls:
        rows = [(timing.contestant, f"{1e6 * timing.seconds:.2f}") for timing in calls]
        parts += [f"## Call overhead: {ONE_POINT}", table(("", "microseconds"), rows)]
    if imports:
        rows = [(timing.case, f"{timing.seconds:.3f}") for timing in imports]
        parts += ["## Import of mogfit", table(("", "seconds"), rows)]
    return parts

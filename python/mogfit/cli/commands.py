"""What `mogfit fit` and `mogfit demo` do."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mogfit.cli.columns import Table
from mogfit.cli.selecting import iteration_options, numbers_to_compare, select_number
from mogfit.cli.tables import read_table
from mogfit.cli.terminal import complain, following, is_plain, log, say, width
from mogfit.config import get_num_threads, set_num_threads
from mogfit.data import as_sample_weight
from mogfit.datasets import load_asteroids
from mogfit.density.domain import parse_domain
from mogfit.errors import InputError, choice_message
from mogfit.export.atomic import check_writable, write_atomically
from mogfit.export.component_text import component_text
from mogfit.fit import FitMoG
from mogfit.inference.report import FitReport
from mogfit.noise import Noise, as_noise
from mogfit.observations import as_observations
from mogfit.observed_domain import keep_inside, require_inside
from mogfit.storage.files import load, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mogfit.selection.result import Selection

__all__ = ["UsageError", "run_demo", "run_fit"]

_DOTS_PER_INCH = 200


class UsageError(Exception):
    """Options that cannot be used, or not together."""


@dataclass
class _Clock:
    """Seconds that each stage took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - begun


def run_fit(arguments: argparse.Namespace) -> bool:
    """Fit the columns of a file; return whether the fit converged.

    Raises
    ------
    UsageError
        If options contradict each other.
    MoGError
        If the data or a file cannot be used.
    OSError
        If a file cannot be read or written.
    """
    path = arguments.data
    with path.open("rb"):
        pass  # a file that is not there is told from one that makes no sense
    _check_outputs(arguments, path)
    if arguments.drop_missing:
        if arguments.missing not in (None, "drop"):
            raise UsageError(f"--drop-missing and --missing {arguments.missing}: give one of them")
        arguments.missing = "drop"
    arguments.missing = arguments.missing or "error"
    clock = _Clock()
    with clock.timing("reading"):
        table = read_table(
            path,
            arguments.columns,
            weights=arguments.weights,
            errors=arguments.errors,
            delimiter=arguments.delimiter,
            missing=arguments.missing,
        )
    if table.n_dropped:
        complain(f"warning: {table.n_dropped} rows with missing values were left out")
    if table.weights is not None:
        table.weights = as_sample_weight(table.weights, len(table.values), name="--weights")
    if table.errors is not None:
        noise = Noise(deviations=table.errors)
        as_noise(noise, table.values, names=table.names, argument="--errors", data="data")
    return _fit(table, arguments, clock, path.name)


def run_demo(arguments: argparse.Namespace) -> bool:
    """Fit the asteroids that come with mogfit; return and raise as `run_fit` does."""
    _check_outputs(arguments, None)
    clock = _Clock()
    with clock.timing("reading"):
        asteroids = load_asteroids("q,e,i")
    table = Table(asteroids.data, asteroids.names, asteroids.units)
    if not arguments.quiet:
        columns = ", ".join(
            f"{name} = {meaning}" + (f" [{unit}]" if unit else "")
            for name, meaning, unit in zip(
                asteroids.names, asteroids.meanings, asteroids.units, strict=True
            )
        )
        say(f"{asteroids.description}\n{columns}\n")
    return _fit(table, arguments, clock, "Near-Earth asteroids")


def _fit(table: Table, arguments: argparse.Namespace, clock: _Clock, title: str) -> bool:
    before = get_num_threads()
    try:
        _use_threads(arguments.threads)
        return _fit_and_write(table, arguments, clock, title)
    finally:
        set_num_threads(before)


def _fit_and_write(table: Table, arguments: argparse.Namespace, clock: _Clock, title: str) -> bool:
    fit = _make_fit(table, arguments)
    if arguments.start_from is not None:
        _start_from(arguments, fit)
    count = len(table.values)
    if not arguments.quiet and not sys.stderr.isatty():
        numbers = numbers_to_compare(arguments)
        what = f"{arguments.ngauss} Gaussian{'' if arguments.ngauss == 1 else 's'}"
        log(
            f"fitting {f'{numbers[0]} to {numbers[-1]} Gaussians' if numbers else what} to "
            f"{count:,} points of {', '.join(table.names)}"
            + (f", {table.n_missing:,} values missing" if table.n_missing else "")
            + (", with errors" if table.errors is not None else "")
            + f", threads: {get_num_threads()}"
        )
    selection = None
    with clock.timing("fitting"):
        try:
            if numbers_to_compare(arguments):
                selection = select_number(fit, table, arguments)
                fit = selection.best
            else:
                _fit_one(fit, table, arguments)
        except InputError as error:
            if str(error).startswith("options"):
                raise UsageError(f"--max-iterations: {error}") from error
            raise
    report = fit.report
    assert report is not None
    written = []
    if arguments.out is not None:
        save(fit, arguments.out)
        written.append(str(arguments.out))
    if not arguments.quiet:
        if selection is not None:
            say(f"{selection}\n")
        _print_report(fit, report, table)
    if not report.converged:
        resume = arguments.out or "a file written by --out"
        complain(
            f"warning: not converged: {report.reason}; raise --max-iterations, or go on with "
            f"--start-from {resume}"
        )
    if arguments.plot is not None:
        with clock.timing("drawing"):
            _write_figure(fit, table, arguments.plot, title, selection)
        written.append(str(arguments.plot))
    if written and not arguments.quiet:
        say(f"\nwrote {' and '.join(written)}")
    if arguments.profile:
        say("\n" + _profile(report, clock))
    return report.converged


def _fit_one(fit: FitMoG, table: Table, arguments: argparse.Namespace) -> None:
    with following(arguments.quiet) as callback:
        fit.fit_data(
            method=arguments.method,
            tol=arguments.tol,
            options=iteration_options(arguments),
            n_starts=arguments.n_starts,
            random_state=arguments.seed,
            penalty=arguments.penalty,
            sample_weight=table.weights,
            callback=callback,
        )


def _make_fit(table: Table, arguments: argparse.Namespace) -> FitMoG:
    """The fit to be made, of the rows inside the domain."""
    sides = dict(arguments.domain)
    for name in sides:
        if name not in table.names:
            raise UsageError(f"--domain: {choice_message('column', name, table.names)}")
        if sum(other == name for other, _ in arguments.domain) > 1:
            raise UsageError(
                f"--domain: column {name!r} is given more than once; give one interval"
            )
    if not sides and arguments.drop_outside:
        raise UsageError("--drop-outside: there is no domain; give --domain too")
    domain = [sides.get(name) for name in table.names] if sides else None
    seen = as_observations(
        table.values,
        names=table.names,
        missing=arguments.missing,
        errors=None if table.errors is None else Noise(deviations=table.errors),
        sample_weight=table.weights,
    )
    bounds = parse_domain(domain, len(table.names))
    if bounds is not None and arguments.drop_outside:
        kept = keep_inside(seen, bounds)
        if kept.n_points < seen.n_points:
            gone = seen.n_points - kept.n_points
            complain(f"warning: {gone} rows outside the domain were left out")
        seen = kept
    elif bounds is not None:
        require_inside(seen, bounds, table.names, to_drop="--drop-outside")
    table.values, table.weights, table.errors = seen.given, seen.weight, seen.deviations
    fit = FitMoG(
        table.values,
        ngauss=1 if numbers_to_compare(arguments) else arguments.ngauss,
        domain=domain,
        missing=arguments.missing,
        errors=None if table.errors is None else Noise(deviations=table.errors),
        covariance=arguments.covariance,
    )
    fit.names = table.names
    return fit


def _print_report(fit: FitMoG, report: FitReport, table: Table) -> None:
    plain = is_plain()
    between = "+-" if plain else "±"
    pieces = [
        str(report),
        "",
        f"components: mean {between} standard deviation"
        + (", correlations rho" if 1 < fit.nvars < 5 else ""),
        component_text(fit.mog, units=table.units, width=width(), plain=plain),
    ]
    say("\n".join(pieces))


def _profile(report: FitReport, clock: _Clock) -> str:
    """Where the time went: one line a stage, and the rate of the core."""
    lines = ["profile, seconds"]
    for stage, seconds in clock.seconds.items():
        lines.append(f"  {stage:<9} {seconds:9.3f}")
        if stage == "fitting":
            parts = {
                "core": report.seconds_core,
                "scipy": report.seconds_optimizer,
                "Python": report.seconds_python,
            }
            lines += [f"    {name:<7} {part:9.3f}" for name, part in parts.items()]
    total = sum(clock.seconds.values())
    lines.append(f"  {'total':<9} {total:9.3f}")
    points = report.passes * report.n_points
    rate = points / report.seconds_core if report.seconds_core else 0.0
    lines.append(
        f"{report.passes:.1f} passes over {report.n_points:,} points with {report.ngauss} "
        f"Gaussians: {report.points_per_second:,.0f} points per second of the fit, {rate:,.0f} "
        f"per second in the core ({report.variant}, threads: {report.threads})"
    )
    return "\n".join(lines)


# -- before the fit ------------------------------------------------------------------------------


def _check_outputs(arguments: argparse.Namespace, data: Path | None) -> None:
    """Find out before the work that its result could not be written."""
    real = {}
    for option in ("out", "plot"):
        path = getattr(arguments, option)
        if path is None:
            continue
        check_writable(path)
        real[option] = os.path.realpath(path)
        if data is not None and real[option] == os.path.realpath(data):
            raise UsageError(f"--{option}: {path} is the file with the data; give another name")
    if len(real) == 2 and real["out"] == real["plot"] and real["out"] != os.devnull:
        raise UsageError(f"--out and --plot: both are {arguments.out}; give different names")
    if arguments.plot is not None:
        _figure_format(arguments.plot)
    if arguments.criterion is not None and not numbers_to_compare(arguments):
        raise UsageError("--criterion: there is nothing to choose from; give --select too")
    if arguments.start_from is not None:
        if numbers_to_compare(arguments):
            several = "--select" if arguments.select else "--ngauss auto"
            raise UsageError(f"--start-from and {several}: give one of them")
        if arguments.n_starts is not None:
            raise UsageError("--start-from and --n-starts: give one of them")
        with arguments.start_from.open("rb"):
            pass


def _figure_format(path: Path) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    kind = path.suffix[1:].lower()
    if kind not in known:
        raise UsageError(f"--plot: {choice_message('kind of file', kind, known)}")
    return kind


def _use_threads(asked: int | None) -> None:
    """Honour --threads, else what a batch system grants."""
    if asked is not None:
        set_num_threads(asked)
        return
    granted = os.environ.get("SLURM_CPUS_PER_TASK")
    if granted is None:
        return
    if not re.fullmatch(r"\s*[1-9]\d{0,8}\s*", granted):
        complain(
            f"warning: SLURM_CPUS_PER_TASK is {granted!r}, not a whole number >= 1; using "
            f"{get_num_threads()} threads"
        )
        return
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    set_num_threads(min(int(granted), allowed or 1))


def _start_from(arguments: argparse.Namespace, fit: FitMoG) -> None:
    found = load(arguments.start_from)
    mog = found.mog if isinstance(found, FitMoG) else found
    if (mog.ngauss, mog.nvars) != (fit.ngauss, fit.nvars):
        raise UsageError(
            f"--start-from: {arguments.start_from} has {mog.ngauss} Gaussians in {mog.nvars} "
            f"variables; {fit.ngauss} in {fit.nvars} are asked for"
        )
    if mog.names is not None and mog.names != fit.names:
        raise UsageError(
            f"--start-from: {arguments.start_from} is about {', '.join(mog.names)}, the data about "
            f"{', '.join(fit.names or ())}"
        )
    if mog.domain is not None and fit.domain is None:
        raise UsageError(
            f"--start-from: {arguments.start_from} is truncated to a domain; give its --domain too"
        )
    fit.set_initial_params(from_mog=mog)


def _write_figure(
    fit: FitMoG, table: Table, path: Path, title: str, selection: Selection | None
) -> None:
    import io

    content = io.BytesIO()
    if selection is not None:
        figure = selection.plot()
        figure.suptitle(title)
    else:
        figure = _corner(fit, table, title)
    figure.savefig(content, format=_figure_format(path), dpi=_DOTS_PER_INCH)
    write_atomically(path, content.getvalue())


def _corner(fit: FitMoG, table: Table, title: str) -> Figure:
    from mogfit.plotting import corner_figure

    return corner_figure(
        fit.mog,
        table.values,
        names=table.names,
        units=table.units,
        sample_weight=table.weights,
        missing=fit.missing,
        errors=None if table.errors is None else Noise(deviations=table.errors),
        title=title,
        random_state=0,
    )

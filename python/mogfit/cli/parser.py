"""The arguments of the command line, and what they mean."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from mogfit.errors import InputError
from mogfit.observations import MISSING
from mogfit.parameters import STRUCTURES
from mogfit.selection.result import CRITERIA

__all__ = ["build_parser"]

_CODES = """\
exit codes:
  0    done; a fit has converged
  1    the fit has not converged; its files are written all the same
  2    an option that cannot be used
  3    data that cannot be used: missing, garbled or degenerate values, unknown columns
  4    a file that cannot be read or written
  130  interrupted by Ctrl-C; no file is left half written
"""

_MAIN = """\
examples:
  mogfit demo                           fit the orbits of 40,761 near-Earth asteroids
  mogfit fit data.csv -k 5              fit 5 Gaussians to all columns of a table
  mogfit fit data.csv --columns q,e,i --ngauss 10 --out fit.json --plot fit.png
  mogfit fit --help                     everything about fits

"""

_FIT = """\
examples:
  mogfit fit data.csv -k 5
      Fit 5 Gaussians to all columns, and print how it went and the components.

  mogfit fit orbits.csv.gz --columns q,e,i --ngauss 10 --out fit.json --plot fit.png
      Three columns of a compressed table; write the result and a figure.
      In Python: fit = mogfit.load("fit.json"); fit.mog.pdf([1.0, 0.4, 10.0])

  mogfit fit big.npy --columns 0,1,2 --ngauss 20 --threads 8 --quiet --out fit.json
      Columns of an array, by number from 0, read where they lie on the disk.

  mogfit fit data.csv --select 1:20 --criterion bic --plot choice.png
      Compare 1 to 20 Gaussians, print a table, keep the best; `--ngauss auto` compares 1 to 10.
      The figure shows the best fit, the criteria, and which Gaussian is likely where.

  mogfit fit survey.csv --columns x,y --weights completeness --ngauss 4 --missing drop
      Rows weighed by a column; rows with missing values left out.

  mogfit fit stars.csv --columns x,y --errors x_err,y_err --missing marginal -k 4
      Noise taken away: the mixture is that of the points without their errors. Rows with missing
      values count with the values that they have.

  mogfit fit orbits.csv --columns q,e,i -k 10 --domain q=0:1.3 --domain e=0:1 --domain i=0:180
      Gaussians truncated to what the columns can be: no density beyond.

  mogfit fit data.csv -k 5 --start-from fit.json --out better.json
      Go on from an earlier result, also of other data.

data:
  Text separated by commas, semicolons, tabs or spaces, plain or compressed by gzip, with
  a heading or without. A heading may carry units, "q [au]"; a line that begins with # is
  a comment, or the heading if the table has none. Or a .npy file of one array, with rows
  as points. Missing are values that are empty, NaN, NA, N/A, null, None or --.

threads:
  --threads, else SLURM_CPUS_PER_TASK (never more than the CPUs this process may use), else
  OMP_NUM_THREADS, else those CPUs. Results do not depend on it, to the last bit.

"""

_DEMO = """\
The data come with mogfit: perihelion distance q [au], eccentricity e and inclination i [deg] of
40,761 near-Earth asteroids, from the catalogue of the Minor Planet Center. Writes asteroids.json
and asteroids.png into the current folder.

"""


def build_parser(version: str) -> argparse.ArgumentParser:
    """Build the parser of all commands; the chosen one is in ``command``."""
    parser = argparse.ArgumentParser(
        prog="mogfit",
        description="Fit mixtures of multivariate Gaussians to tables of numbers.",
        epilog=_MAIN + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mogfit {version}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_fit(commands)
    _add_demo(commands)
    config = commands.add_parser(
        "show-config",
        help="print version, core variant, threads, compiler and libraries",
        description="Print what this installation is made of: for reports of problems.",
        allow_abbrev=False,
    )
    config.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def _add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fit = commands.add_parser(
        "fit",
        help="fit a mixture to the columns of a file",
        description="Fit a mixture of Gaussians to the columns of a file by maximum likelihood.",
        epilog=_FIT + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    fit.add_argument("data", type=Path, metavar="DATA", help="a text table, also .gz, or a .npy")
    table = fit.add_argument_group("the data")
    table.add_argument(
        "--columns",
        type=_columns,
        metavar="A,B,...",
        help="names of columns, or numbers from 0 (default: all)",
    )
    table.add_argument("--weights", metavar="COLUMN", help="column that weighs the rows, >= 0")
    table.add_argument(
        "--errors",
        type=_columns,
        metavar="A,B,...",
        help="columns of standard deviations of the values, one for each of the columns, in their "
        "order; 'inf' where a value was not measured (default: values are exact)",
    )
    table.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="CHAR",
        help="what separates values: a character, 'tab' or 'space' (default: found out)",
    )
    table.add_argument(
        "--missing",
        type=_missing,
        metavar="{error,marginal,drop}",
        help="what a value that is empty, NaN, NA or null means: an error that says where "
        "(default), that its row counts with the values that it has, or that the row is left out",
    )
    table.add_argument("--drop-missing", action="store_true", help="the same as --missing drop")
    table.add_argument(
        "--domain",
        type=_side,
        action="append",
        default=[],
        metavar="COLUMN=LOW:HIGH",
        help="truncate the mixture to an interval of a column; leave a side out where it is open "
        "(give once for each bounded column)",
    )
    table.add_argument(
        "--drop-outside",
        action="store_true",
        help="leave out rows outside the domain (default: an error that says where)",
    )
    _add_fit_options(fit, ngauss=None)
    _add_outputs(fit, out=None, plot=None)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo",
        help="fit the asteroids that come with mogfit",
        description="Fit a mixture of Gaussians to the orbits of near-Earth asteroids.",
        epilog=_DEMO + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    demo.set_defaults(domain=[], drop_outside=False, missing="error")
    _add_fit_options(demo, ngauss=10)
    _add_outputs(demo, out=Path("asteroids.json"), plot=Path("asteroids.png"))


def _add_fit_options(parser: argparse.ArgumentParser, ngauss: int | None) -> None:
    fit = parser.add_argument_group("the fit")
    number = fit.add_mutually_exclusive_group(required=ngauss is None)
    number.add_argument(
        "-k",
        "--ngauss",
        type=_count_or_auto,
        default=ngauss,
        metavar="K",
        help="number of Gaussians, or 'auto': the best of 1 to 10"
        + ("" if ngauss is None else f" (default: {ngauss})"),
    )
    number.add_argument(
        "--select",
        type=_numbers,
        metavar="LOW:HIGH",
        help="compare these numbers of Gaussians, print a table, and keep the best",
    )
    fit.add_argument(
        "--criterion",
        choices=CRITERIA,
        metavar="NAME",
        help="what chooses among numbers of Gaussians: bic (default), aic, icl, or cv, "
        "cross-validation",
    )
    fit.add_argument(
        "--covariance",
        choices=STRUCTURES,
        default="full",
        metavar="KIND",
        help="full (default), diag, spherical, tied, tied_diag or tied_spherical",
    )
    fit.add_argument(
        "--method",
        type=_method,
        default="L-BFGS",
        help="L-BFGS (default), EM, or a method of scipy.optimize.minimize",
    )
    fit.add_argument(
        "--tol",
        type=_positive,
        metavar="X",
        help="when to stop: largest gradient entry (default 1e-6); for EM gain in log L / N",
    )
    fit.add_argument("--max-iterations", type=_count, metavar="N", help="most iterations")
    fit.add_argument(
        "--n-starts", type=_count, metavar="N", help="starts to try (default: 2 K, at most 8)"
    )
    fit.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="S",
        help="of the search for a start (default: 0: the same command gives the same result)",
    )
    fit.add_argument(
        "--start-from", type=Path, metavar="FILE", help="go on from the mixture in a .json file"
    )
    fit.add_argument(
        "--penalty",
        type=_share,
        default=1e-9,
        metavar="X",
        help="against collapsing components (default: 1e-9; 0 switches it off)",
    )
    fit.add_argument("--threads", type=_count, metavar="N", help="threads to use (see below)")


def _add_outputs(parser: argparse.ArgumentParser, out: Path | None, plot: Path | None) -> None:
    output = parser.add_argument_group("what is written")

    def default(path: Path | None) -> str:
        return "" if path is None else f" (default: {path})"

    output.add_argument(
        "-o",
        "--out",
        type=Path,
        default=out,
        metavar="FILE",
        help=f"the result as JSON, for mogfit.load{default(out)}",
    )
    output.add_argument(
        "-p",
        "--plot",
        type=Path,
        default=plot,
        metavar="FILE",
        help=f"a figure: .png, .pdf, .svg, ...{default(plot)}",
    )
    output.add_argument(
        "--profile", action="store_true", help="say where the time went, and points per second"
    )
    output.add_argument(
        "-q", "--quiet", action="store_true", help="print nothing but warnings and errors"
    )
    output.add_argument(
        "--debug", action="store_true", help="show where in the code an error came from"
    )


def _columns(text: str) -> list[str]:
    # As in a table itself, a name with a comma goes between double quotes.
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not names or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} seen; allowed: names separated by commas")
    return names


def _missing(text: str) -> str:
    if text not in MISSING:
        raise argparse.ArgumentTypeError(f"{text!r} seen; allowed: {', '.join(MISSING)}")
    return text


def _side(text: str) -> tuple[str, tuple[float | None, float | None]]:
    name, equals, interval = text.rpartition("=")
    low, colon, high = interval.partition(":")
    sides = [None if not side.strip() else _real(side) for side in (low, high)]
    finite = [side for side in sides if side is not None]
    if (
        not (name.strip() and equals and colon and finite)
        or any(side != side for side in finite)
        or (len(finite) == 2 and not finite[0] < finite[1])
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} seen; allowed: COLUMN=LOW:HIGH with LOW < HIGH, one of them may be left out"
        )
    return name.strip(), (sides[0], sides[1])


def _delimiter(text: str) -> str:
    mark = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}.get(text, text)
    if len(mark) != 1 or mark in '"#\r\n0123456789.+-eE':
        raise argparse.ArgumentTypeError(f"{text!r} seen; allowed: one character, tab or space")
    return mark


def _count(text: str) -> int:
    return _whole(text, 1)


def _count_or_auto(text: str) -> int | str:
    return text if text == "auto" else _whole(text, 1, " or auto")


def _numbers(text: str) -> range:
    low, colon, high = text.partition(":")
    try:
        numbers = range(int(low), int(high) + 1)
    except ValueError:
        numbers = range(0)
    if not (colon and numbers and numbers[0] >= 1):
        raise argparse.ArgumentTypeError(
            f"{text!r} seen; allowed: LOW:HIGH, whole numbers with 1 <= LOW <= HIGH"
        )
    return numbers


def _seed(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int, other: str = "") -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value < 1 << 63:
        raise argparse.ArgumentTypeError(
            f"{text!r} seen; allowed: a whole number >= {least}{other}"
        )
    return value


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _positive(text: str) -> float:
    value = _real(text)
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} seen; allowed: a number > 0")
    return value


def _share(text: str) -> float:
    value = _real(text)
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} seen; allowed: a number from 0 to below 1")
    return value


def _method(text: str) -> str:
    from mogfit.inference.scipy_methods import canonical_method

    try:
        return canonical_method(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

"""`main`: from arguments to an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from mogfit.cli.commands import UsageError, run_demo, run_fit
from mogfit.cli.parser import build_parser
from mogfit.cli.terminal import complain, warnings_as_lines
from mogfit.config import package_version, show_config
from mogfit.errors import FileFormatError, MoGError, UnsafeFileError

__all__ = ["main"]

DONE, NOT_CONVERGED, USAGE, BAD_DATA, BAD_FILE, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the name of the program; those of this process by default.

    Returns
    -------
    int
        The exit code: 0 done, 1 the fit has not converged, 2 an option that cannot be used, 3 data
        that cannot be used, 4 a file that cannot be read or written, 130 interrupted.
    """
    parser = build_parser(package_version())
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has said what is wrong, or printed the help
        return int(stop.code or 0)
    try:
        return _run(arguments)
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (KeyboardInterrupt, UsageError, MoGError, OSError, MemoryError) as error:
        if arguments.debug:
            traceback.print_exc()
        code, words = _explain(error)
        complain(words)
        return code


def _run(arguments: argparse.Namespace) -> int:
    with warnings_as_lines():
        if arguments.command == "show-config":
            show_config()
            return DONE
        run = run_demo if arguments.command == "demo" else run_fit
        converged = run(arguments)
        sys.stdout.flush()
        return DONE if converged else NOT_CONVERGED


def _explain(error: BaseException) -> tuple[int, str]:
    """Exit code and words for what went wrong."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    if isinstance(error, UsageError):
        return USAGE, f"error: {error}"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return BAD_FILE, f"error: {place}{error.strerror}"
    if isinstance(error, (OSError, FileFormatError, UnsafeFileError)):
        return BAD_FILE, f"error: {error}"
    return BAD_DATA, f"error: {str(error) or 'out of memory'}"

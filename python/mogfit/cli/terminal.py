"""What the command line shows while it works: progress, warnings, and words that fit a terminal."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mogfit.errors import ConvergenceWarning, MoGWarning
from mogfit.inference.progress import FitState

__all__ = ["complain", "following", "is_plain", "log", "say", "warnings_as_lines", "width"]

# A line at most every second, and in a long fit whenever another tenth of its time has gone by.
_LEAST_SECONDS = 1.0
_SHARE = 0.1


def say(text: str) -> None:
    """Write lines to stdout; letters that it cannot show, as of a file's name, become "?"."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def log(text: str) -> None:
    """Write a line of progress to stderr, with the time of day."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Write an error or a warning to stderr, on one line."""
    sys.stderr.write(f"mogfit: {' '.join(text.split())}\n")
    sys.stderr.flush()


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    import shutil

    return max(40, shutil.get_terminal_size((100, 24)).columns)


def is_plain() -> bool:
    """Whether stdout cannot show more than ASCII."""
    try:
        "\N{PLUS-MINUS SIGN}".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show each warning as one line, without the code that gave it.

    That a fit has not converged is said by its report, with what the command line can do about it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", MoGWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)

        def show(message: Any, *_: Any, **__: Any) -> None:
            # What an argument is called in Python is an option here.
            complain(f"warning: {message}".replace("another random_state", "another --seed"))

        warnings.showwarning = show
        yield


@contextmanager
def following(quiet: bool) -> Iterator[Callable[[FitState], None] | None]:
    """A callback that shows how a fit goes: a bar on a terminal, otherwise now and then a line."""
    if quiet:
        yield None
        return
    bar = _open_bar() if sys.stderr.isatty() else None
    if bar is None:
        yield _Lines()
        return

    def advance(state: FitState) -> None:
        bar.set_postfix_str(_state(state), refresh=False)
        bar.update()

    try:
        yield advance
    finally:
        bar.close()


def _open_bar() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    # Fits of a moment need no bar that stays; the report follows.
    return tqdm(
        desc="fitting",
        unit="it",
        leave=False,
        file=sys.stderr,
        dynamic_ncols=True,
        bar_format="{desc}: {n_fmt} iterations, {elapsed}{postfix}",
    )


class _Lines:
    """A line of progress now and then."""

    def __init__(self) -> None:
        self._begun = self._last = time.monotonic()

    def __call__(self, state: FitState) -> None:
        now = time.monotonic()
        if now - self._last >= max(_LEAST_SECONDS, _SHARE * (now - self._begun)):
            self._last = now
            log(f"iteration {state.iteration}: {_state(state)}")


def _state(state: FitState) -> str:
    return f"-log L / N = {state.neg_loglik_per_point:.6f}, gradient {state.gradient_norm:.1e}"

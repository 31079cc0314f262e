"""What a selection shows while it runs: a bar or lines of text, one step for each fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mogfit.errors import InputError, choice_message, missing_package_message

__all__ = ["counting"]


@contextmanager
def counting(progress: bool | str) -> Iterator[Callable[[str], None] | None]:
    """A function to be told of each piece of work that is done; None where nothing is to be shown.

    Raises
    ------
    InputError
        If `progress` is not one of those allowed.
    ImportError
        If there is to be a bar and tqdm is not installed.
    """
    if progress not in (False, True, "tqdm", "text", None):
        raise InputError(choice_message("progress", progress, ("tqdm", "text")))
    if not progress:
        yield None
        return
    if progress == "text":
        done = 0

        def write(stage: str) -> None:
            nonlocal done
            done += 1
            sys.stdout.write(f"fit {done}: {stage}\n")

        yield write
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            missing_package_message("tqdm", "for progress bars", "progress")
        ) from error
    with tqdm(desc="selecting", unit="fit") as bar:

        def step(stage: str) -> None:
            bar.set_postfix_str(stage, refresh=False)
            bar.update()

        yield step

"""A process of its own for a contestant whose threads can only be limited from outside."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any


class WorkerError(RuntimeError):
    """The work failed in the other process; the message names the error there."""


def _serve(connection: Connection, cpus: int) -> None:
    """Run functions as they come, on the first ``cpus`` processors that this process may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cpus])
    while True:
        try:
            function, args = connection.recv()
        except EOFError:
            return
        try:
            connection.send((True, function(*args)))
        except Exception as error:  # noqa: BLE001 (any error is told to the other side)
            connection.send((False, f"{type(error).__name__}: {error}"))


class Worker:
    """Runs module-level functions in a fresh process pinned to a number of processors.

    Parameters
    ----------
    cpus : int
        Processors it may use.
    environment : mapping of str to str
        Variables that are set before anything is imported there.
    """

    def __init__(self, cpus: int, environment: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, cpus), daemon=True)
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            self._process.start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        theirs.close()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of some module there, and return what it returns."""
        self._connection.send((function, args))
        try:
            done, result = self._connection.recv()
        except EOFError:
            raise WorkerError(f"{function.__name__}: the process ended without an answer") from None
        if not done:
            raise WorkerError(f"{function.__name__}: {result}")
        return result

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()

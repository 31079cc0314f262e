"""Independent pieces of work side by side, in threads: the compiled core releases the GIL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from mogfit import _core

__all__ = ["Pool"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool:
    """Maps functions over work, a thread for each piece as long as there are threads.

    Attributes
    ----------
    threads : int
        Threads that may run at once.
    stopped : threading.Event
        Set when the user interrupts: what still runs should end soon.
    """

    def __init__(
        self, threads: int | None = None, report: Callable[[str], None] | None = None
    ) -> None:
        self.threads = threads or _core.get_num_threads()
        self.stopped = Event()
        self._report = report

    def map(
        self, work: Callable[[Item, int], Result], items: Sequence[Item], label: str
    ) -> list[Result]:
        """``work(item, threads)`` of each item, in the order of the items.

        Each is told how many threads it has: one, when there are as many items as threads. Items
        begin in the order they are given, so that long ones belong first.
        """
        workers = min(self.threads, len(items))
        each = self.threads // max(workers, 1)
        if workers <= 1:
            return self._gather((work(item, each) for item in items), label)
        with ThreadPoolExecutor(workers) as executor:
            try:
                futures = [executor.submit(work, item, each) for item in items]
                return self._gather((future.result() for future in futures), label)
            except BaseException:
                self.stopped.set()
                executor.shutdown(wait=False, cancel_futures=True)
                raise

    def _gather(self, results: Iterable[Result], label: str) -> list[Result]:
        gathered = []
        for result in results:
            gathered.append(result)
            if self._report is not None:
                self._report(label)
        return gathered

"""Tasks worked out by processes on this machine: as many as it has cores, each with one thread.

Each process makes its own worker, from what it is told once. A process that dies is replaced, and its tasks are done
again; a task gives the same result wherever and however often it is worked out. Results come in the order of the tasks.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from types import ModuleType
from typing import Any, Generic, TypeVar

from steptime.model.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables by which numerical libraries are told how many threads to start."""
AHEAD = 2
"""Tasks a process has before it, and behind it, waiting to be taken: memory stays bounded."""
LIVES = 5
"""Times that all processes may be started anew without a task done in between."""
GRACE = 5.0
"""Seconds in which a process that is told to end does."""
MOST_WORKERS = 1024

_worker: Callable[[Any], Any] | None = None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def must_be_workers(workers: int | None) -> None:
    """Raise UserError for a number of processes that cannot be."""
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise UserError(f"`workers` {workers}: from 1 to {MOST_WORKERS:,}")


class Processes(Generic[Task, Result]):
    """So many processes, started with the first task and ended with the block of ``with``; ``make`` gives a worker."""

    def __init__(self, workers: int, make: Callable[[], Callable[[Task], Result]]) -> None:
        self.workers, self.make = workers, make
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Processes[Task, Result]":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def results(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """The results of tasks, in their order."""
        left, waiting, lives = iter(tasks), list[Task](), LIVES
        while True:
            try:
                for result in self._life(left, waiting):
                    lives = LIVES
                    yield result
                return
            except BrokenProcessPool:
                self._end()
                lives -= 1
                if not lives:
                    raise UserError("processes keep dying: too little memory; try `workers` 1") from None

    def _life(self, left: Iterator[Task], waiting: list[Task]) -> Iterator[Result]:
        """Results until a process dies; ``waiting``: tasks that were taken and whose results were not given yet."""
        running, done = dict[Future[Result], int](), dict[int, Result]()
        first, last = 0, 0  # the task whose turn it is, and the next to hand out, counted from the start of this life
        while True:
            while last - first < AHEAD * self.workers:
                if last - first == len(waiting):
                    try:
                        waiting.append(next(left))
                    except StopIteration:
                        break
                running[self._submit(waiting[last - first])] = last
                last += 1
            if first == last:
                return
            while first not in done:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
            found = done.pop(first)
            del waiting[0]
            first += 1
            yield found

    def _submit(self, task: Task) -> "Future[Result]":
        with _one_thread_each(), _without_main():
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self.workers, get_context("spawn"), _begin, (self.make,))
            return self._pool.submit(_done, task)

    def _end(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(GRACE)


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    """What a process does first. An interruption is the parent's to answer; without a parent there is nothing to do."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _worker = make()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _done(task: Any) -> Any:
    assert _worker is not None
    return _worker(task)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside have one thread in each numerical library."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes started inside do not run the caller's script again: nothing that they are told is defined there, so
    that the script needs no ``if __name__ == "__main__"``."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before

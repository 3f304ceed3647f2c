"""Blocks worked out by processes on this machine: as many as it has cores, each with one thread.

Each process builds the formulas itself, from the same spec. A process that dies is replaced, and its blocks are done
again; a block gives the same result wherever and however often it is worked out.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread

from steptime.model.errors import UserError
from steptime.model.solver.sweep.block import Result, Worker
from steptime.model.solver.sweep.spec import Spec

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables by which numerical libraries are told how many threads to start."""
AHEAD = 2
"""Blocks a worker has before it, and behind it, waiting to be merged: memory stays bounded."""
LIVES = 5
"""Times that all processes may be started anew without a block done in between."""

_worker: Worker | None = None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(spec: Spec) -> None:
    """What a process does first. An interruption is the parent's to answer; without a parent there is nothing to do."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(spec)


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _block(number: int) -> Result:
    assert _worker is not None
    return _worker.block(number)


@contextmanager
def one_thread_each() -> Iterator[None]:
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


class Processes:
    """So many processes."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def results(self, spec: Spec, blocks: range) -> Iterator[Result]:
        lives, next_block = LIVES, blocks.start
        while next_block < blocks.stop:
            try:
                for result in self._life(spec, range(next_block, blocks.stop)):
                    yield result
                    lives, next_block = LIVES, result.number + 1
            except BrokenProcessPool:
                lives -= 1
                if not lives:
                    raise UserError("processes of the sweep keep dying: too little memory, or a script that starts it "
                                    "without if __name__ == '__main__'; try `workers` 1") from None  # fmt: skip

    def _life(self, spec: Spec, blocks: range) -> Iterator[Result]:
        """Results in order, until a process dies."""
        with one_thread_each():
            pool = ProcessPoolExecutor(self.workers, get_context("spawn"), _begin, (spec,))
            left, running, done = iter(blocks), dict[Future[Result], int](), dict[int, Result]()
            turn = blocks.start
            try:
                while turn < blocks.stop:
                    while len(running) + len(done) < AHEAD * self.workers and (number := next(left, None)) is not None:
                        running[pool.submit(_block, number)] = number
                    if turn not in done:
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            done[running.pop(future)] = future.result()
                        continue
                    yield done.pop(turn)
                    turn += 1
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list((pool._processes or {}).values()):
                    process.terminate()

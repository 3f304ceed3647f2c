"""Blocks worked out by the workers of a Dask cluster, one or some that follow one another a task.

Nothing but blocks goes through it: what a block is stands in the spec, results are merged in the order of the blocks,
and a task can be done again. Death of a worker, a slow one, and what is sent where are the engine's own affair; a
scheduler that was started anew is asked again for the blocks that are not merged yet.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.sweep.block import Result, Worker
from steptime.model.solver.sweep.identity import program
from steptime.model.solver.sweep.spec import Spec

AHEAD = 3
"""Tasks a worker that are handed out and not merged yet."""
TOGETHER = 16
"""Blocks of one task at most: the scheduler has some milliseconds with each."""
TURNS = 32
"""Tasks of a worker at least before several blocks are one: no worker waits long for the last."""
PATIENCE = 60.0
"""Seconds that a scheduler may be away, or without a worker."""
ANSWER = 10.0
"""Seconds in which a scheduler answers."""
RETRIES = 5


def installed() -> dict[str, str]:
    """What decides the results of a worker."""
    return {"program": program(), "numpy": np.__version__}


def _mine() -> dict[str, str]:
    return installed()


@lru_cache(maxsize=2)
def _worker(spec: "Sent") -> Worker:
    return Worker(spec.spec)


class Sent:
    """A spec on its way: equal where its key is, so that a worker builds the formulas of a sweep once."""

    def __init__(self, spec: Spec, key: str) -> None:
        self.spec, self.key = spec, key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sent) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


def together(blocks: int, workers: int, rows: bool) -> int:
    """Blocks of one task; one where rows are written down, which take memory.

    >>> together(90, 2, False), together(400, 2, False), together(100_000, 64, False), together(100_000, 64, True)
    (1, 6, 16, 1)
    """
    return 1 if rows else max(1, min(TOGETHER, blocks // (TURNS * max(1, workers))))


def blocks_of(spec: Sent, blocks: range) -> list[Result]:
    """Some blocks, on a worker."""
    return [_worker(spec).block(number) for number in blocks]


class Cluster:
    """The workers of the scheduler at an address."""

    def __init__(self, address: str) -> None:
        self.address, self.workers = address, 0

    def results(self, spec: Spec, blocks: range) -> Iterator[Result]:
        """Results in order; raises UserError where there is no scheduler or no worker, or another package on one."""
        next_block, since = blocks.start, time.monotonic()
        while next_block < blocks.stop:
            try:
                for result in self._life(spec, range(next_block, blocks.stop)):
                    yield result
                    next_block, since = result.number + 1, time.monotonic()
            except _lost() as error:
                if time.monotonic() - since > PATIENCE:
                    raise self._nobody(error) from None
                time.sleep(0.5)

    def meet(self) -> "Cluster":
        """Asks how many workers there are, and whether they agree; raises UserError where there is nobody."""
        try:
            client = self._client()
            try:
                self._must_agree(client)
            finally:
                _quietly(client.close)
        except _lost() as error:
            raise self._nobody(error) from None
        return self

    def _nobody(self, error: BaseException) -> UserError:
        return UserError(f"`scheduler` {self.address}: is not there ({type(error).__name__})")

    def _life(self, spec: Spec, blocks: range) -> Iterator[Result]:
        """Results in order, until the scheduler is lost."""
        client = self._client()
        try:
            self._must_agree(client)
            key = f"{time.time_ns()}-{id(spec)}"
            sent = client.scatter(Sent(spec, key), broadcast=True, hash=False)
            each = together(len(blocks), self.workers, spec.rows)
            left = iter([blocks[at : at + each] for at in range(0, len(blocks), each)])
            running = deque[Any]()
            done = 0
            while True:
                while len(running) < AHEAD * max(1, self.workers) and (some := next(left, None)) is not None:
                    running.append(client.submit(blocks_of, sent, some, key=f"blocks-{key}-{some.start}",
                                                 retries=RETRIES, pure=False))  # fmt: skip
                if not running:
                    return
                yield from self._gathered(client, running.popleft())
                if (done := done + 1) % 16 == 0:
                    self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        finally:
            _quietly(client.close)

    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise UserError("`scheduler` needs Dask: install steptime[sweep]") from None
        client = Client(self.address, timeout=ANSWER, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
        self.workers = len(client.scheduler_info(n_workers=-1)["workers"])
        return client

    def _gathered(self, client: Any, future: Any) -> list[Result]:
        """Results of a task; a scheduler that answers no more has been lost, and with it all that it knew."""
        while True:
            try:
                found: list[Result] = future.result(timeout=5.0)
                return found
            except TimeoutError:
                if client.status not in ("running", "connecting"):
                    raise ConnectionError from None
                if future.cancelled() or future.status == "lost":
                    raise ConnectionError from None

    def _must_agree(self, client: Any) -> None:
        """Every worker has the same program and library of numbers as this process."""
        mine = _mine()
        for address, theirs in client.run(installed).items():
            for name, value in mine.items():
                if theirs[name] != value:
                    raise UserError(f"`scheduler`: worker {address} has another {name} than this process: "
                                    f"{theirs[name][:12]}, not {value[:12]}")  # fmt: skip


def _lost() -> tuple[type[BaseException], ...]:
    """What a scheduler that is away raises."""
    from asyncio import CancelledError as Stopped
    from concurrent.futures import CancelledError

    found: tuple[type[BaseException], ...] = (OSError, TimeoutError, CancelledError, Stopped)
    try:
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError:
        return found
    return (*found, FutureCancelledError, CommClosedError, KilledWorker)


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except _lost():
        pass

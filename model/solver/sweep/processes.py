"""Blocks of a sweep worked out by processes on this machine."""

from collections.abc import Callable, Iterator
from functools import partial

from steptime.model.solver import processes
from steptime.model.solver.sweep.block import Result, Worker
from steptime.model.solver.sweep.spec import Spec


class Processes:
    """So many processes."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def results(self, spec: Spec, blocks: range) -> Iterator[Result]:
        with processes.Processes[int, Result](self.workers, partial(_worker, spec)) as started:
            yield from started.results(blocks)


def _worker(spec: Spec) -> Callable[[int], Result]:
    return Worker(spec).block

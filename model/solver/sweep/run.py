"""A sweep from its first block to its last: blocks handed out, results merged in the order of the blocks.

Who works out the blocks is an `Engine`: this process, processes on this machine, or a cluster. The result is the same.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.sweep.block import Result, Tally, Worker, states_of
from steptime.model.solver.sweep.blocks import Blocks
from steptime.model.solver.sweep.reductions import State
from steptime.model.solver.sweep.rows import Rows, joined, rows_of
from steptime.model.solver.sweep.spec import Spec

REMEMBERED = 100_000
"""Rows that are not worked out a third time."""
Progress = Callable[[int, int], None]
"""Called with points done and points in all."""


class Engine(Protocol):
    """Works out blocks."""

    def results(self, spec: Spec, blocks: range) -> Iterator[Result]:
        """The results of some blocks, in their order."""

    @property
    def workers(self) -> int: ...


class Here:
    """Works out blocks in this process, one after another."""

    workers = 1

    def results(self, spec: Spec, blocks: range) -> Iterator[Result]:
        worker = Worker(spec)
        for number in blocks:
            yield worker.block(number)


class Keeper(Protocol):
    """Keeps what a sweep has so far, so that it can go on after any interruption."""

    def begin(self) -> "Standing | None":
        """What was kept; None at the start."""

    def rows(self, block: int, rows: Rows) -> None:
        """Write down the rows of a block."""

    def keep(self, standing: "Standing") -> None:
        """Keep what stands, if it is time."""

    def end(self, standing: "Standing") -> None:
        """Everything is done."""


@dataclass
class Standing:
    """What stands after some blocks: the next one, the tally, and the states."""

    next: int
    tally: Tally
    states: list[State]


@dataclass(frozen=True)
class Swept:
    """A sweep that is done. ``seconds``, ``cpu_seconds`` of this process, ``workers``; ``rows`` of what is kept."""

    spec: Spec
    blocks: Blocks
    tally: Tally
    states: Sequence[State]
    seconds: float
    workers: int
    resumed: int = 0

    @cached_property
    def again(self) -> "Again":
        """Works single points out again."""
        return Again(self.spec)

    def rows(self, numbers: Sequence[int]) -> Rows:
        """The rows of some points by their numbers."""
        return joined([self.again.row(number) for number in numbers])


class Again:
    """Single points of a sweep as rows, worked out again by their numbers."""

    def __init__(self, spec: Spec) -> None:
        self.worker = Worker(replace(spec, rows=True, kept=()))
        self._found: dict[int, Rows] = {}

    def row(self, number: int) -> Rows:
        if number not in self._found:
            if len(self._found) > REMEMBERED:
                self._found.clear()
            family, box = self.worker.blocks.where(number)
            work = self.worker.work(family)
            self._found[number] = rows_of(work, next(work.points(box)))
        return self._found[number]


def sweep(
    spec: Spec,
    engine: Engine | None = None,
    keeper: Keeper | None = None,
    progress: Progress = lambda done, whole: None,
    stop: int | None = None,
) -> Swept:
    """Work out all blocks of a sweep, or those before ``stop``. Raises UserError where no point can be worked out."""
    began, blocks, chosen = time.perf_counter(), Blocks(spec), engine or Here()
    standing = (keeper.begin() if keeper else None) or Standing(0, Tally(), states_of(spec))
    first = standing.next
    for result in chosen.results(spec, range(first, blocks.number if stop is None else stop)):
        standing.tally.merge(result.tally)
        for state, arrays, other in zip(standing.states, result.arrays, states_of(spec), strict=True):
            other.load(arrays)
            state.merge(other)
        if keeper:
            keeper.rows(result.number, result.rows)
        standing.next = result.number + 1
        if keeper:
            keeper.keep(standing)
        progress(standing.tally.points, blocks.points)
    if standing.tally.points and standing.tally.points == sum(standing.tally.refused.values()):
        raise UserError(f"nothing of the sweep can be run: {next(iter(standing.tally.refused))}")
    if keeper:
        keeper.end(standing)
    return Swept(spec, blocks, standing.tally, standing.states, time.perf_counter() - began, chosen.workers, first)


@dataclass(frozen=True)
class Rate:
    """How fast one process is: points a second once formulas are there, seconds to build those of all families, and
    bytes of a row written down."""

    points: float
    building: float
    row: int


def rate(spec: Spec, seconds: float = 1.0) -> Rate:
    """The rate of this process in CPU time, from some blocks spread over the sweep, of families seen so far."""
    worker = Worker(spec)
    blocks = worker.blocks
    order = np.unique(np.linspace(0, blocks.number - 1, min(blocks.number, 16)).astype(int))
    order = np.random.default_rng(0).permutation(order)
    began, built, building, working = time.process_time(), set[int](), 0.0, 0.0
    points, rows, held = 0, 0, 0
    for number in order.tolist():
        start = time.process_time()
        for family, _ in blocks.pieces(number):
            worker.work(family)
            built.add(family.start)
        ready = time.process_time()
        result = worker.block(number)
        building, working = building + ready - start, working + time.process_time() - ready
        points += result.tally.points
        if result.rows:
            rows += len(next(iter(result.rows.values())))
            held += sum(_bytes(column) for column in result.rows.values())
        if time.process_time() - began > seconds:
            break
    whole = building / len(built) * len(blocks.families)
    return Rate(points / max(working, 1e-9), whole, held // rows if rows else 0)


def _bytes(column: Any) -> int:
    return int(column.nbytes) if column.dtype.kind in "fib" else int(np.char.str_len(column).sum())

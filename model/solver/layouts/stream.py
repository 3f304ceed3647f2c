"""All points of a search past what is kept of them: counted one by one, evaluated where they may matter.

Which limits a point breaks that are not on a time is known without its time; a layout none of whose batches is possible
is counted and left. What else is left out is what `screen` proves to have no chance.

Pieces are worked out one after another here, or by processes, and merged in their order. What one of these has seen so
far it leaves out only where all that is seen in the end would leave it out too: the answer is the same to the last bit,
whoever works out which piece.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from steptime.model.numeric import hold_memory
from steptime.model.solver.layouts.boxes import LEVELS, Boxes, Boxing, Left
from steptime.model.solver.layouts.evaluated import Held, Points
from steptime.model.solver.layouts.in_turn import InTurn
from steptime.model.solver.layouts.kept import Kept, Taken
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.screen import Screen
from steptime.model.solver.layouts.work import Piece, Work, work_of
from steptime.model.solver.processes import Processes, cores

Array = np.ndarray
MOST = 0.5
"""Share of layouts above which all are evaluated: what was worked out to count them is there."""
FEW = 2
"""Machines and formats up to which only those points are estimated that the bound admits: with more, what they have in
common is worked out once for all of their points."""
TIMED, COUNTED, SCREENED = 8_000_000, 30_000_000, 120_000_000
"""Points from which on processes are worth their start: where every point is timed, where memory decides first which
are, and where few are: some five seconds of one process each."""


@dataclass(frozen=True)
class Task:
    """A piece, by its number. ``left``: for each screen, once it has seen all, the layouts of it that it left; they go
    in boxes of the next ``level`` or, after the last, are kept."""

    number: int
    level: int = 0
    left: tuple[tuple[Left, ...], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a piece gives: how many points of it are done, what is kept of them, and the boxes of its layouts for each
    screen."""

    done: int
    kept: Sequence[Taken]
    boxes: Sequence[Boxes] = ()


class Engine(Protocol):
    """Works out pieces, and gives what they give in their order."""

    def results(self, tasks: Iterable[Task], /) -> Iterator[Seen]: ...


class Here:
    """This process."""

    def __init__(self, work: Work) -> None:
        self.part = Part(work)

    def results(self, tasks: Iterable[Task], /) -> Iterator[Seen]:
        return map(self.part, tasks)


def processes_for(work: Work, workers: int | None) -> int:
    """So many as are asked for, else one for each core where there is much to do."""
    many = TIMED if work.timed else SCREENED if work.screened else COUNTED
    return workers or (cores() if work.size > many else 1)


def engine_for(work: Work, workers: int | None) -> AbstractContextManager[Engine]:
    """What works out the pieces of a search."""
    number = processes_for(work, workers)
    return nullcontext(Here(work)) if number == 1 else Processes[Task, Seen](number, partial(_part, work.search))


def _part(search: Search) -> Callable[[Task], Seen]:
    return Part(work_of(search))


def streamed(work: Work, kept: Sequence[Kept], engine: Engine) -> Iterator[int]:
    """Evaluate all points in pieces, at the bound and, where that decides, in practice; how many are done. Points are
    counted by both where limits on time hold; without any, at the bound."""
    done, numbers, screens = 0, range(work.pieces), list[Screen]()
    levels = boxings(work)
    if levels:
        screens = [Screen(work, levels[0], one.in_practice, one.lone) for one in kept]
    for seen in engine.results(map(Task, numbers)):
        _merge(kept, screens, seen)
        done += seen.done
        yield done
    for level in range(1, len(levels) + 1):
        for screen in screens:
            screen.settle()
        left = [(number, tuple(tuple(screen.left(number)) for screen in screens)) for number in numbers]
        for screen in screens if level < len(levels) else ():
            screen.on(levels[level])
        for seen in engine.results(Task(number, level, own) for number, own in left if any(own)):
            _merge(kept, screens, seen)


def boxings(work: Work) -> list[Boxing]:
    """What puts layouts in boxes, of one level after another; none where every point is evaluated."""
    return [Boxing(work, level) for level in LEVELS] if work.screened else []


def _merge(kept: Sequence[Kept], screens: Sequence[Screen], seen: Seen) -> None:
    for whole, part in zip(kept, seen.kept, strict=True):
        whole.merge(part)
    for screen, boxes in zip(screens, seen.boxes, strict=False):
        screen.add(boxes)


class Part:
    """Works out pieces, one after another; leaves out what has no chance beside those that it has seen."""

    def __init__(self, work: Work) -> None:
        hold_memory()
        self.work, self.kept = work, work.nothing_kept()
        self.levels = boxings(work)

    def __call__(self, task: Task) -> Seen:
        piece, boxes, done = self.work.piece(task.number), tuple[Boxes, ...](), 0
        if task.level:
            boxes = tuple(self._again(task, piece, *pair) for pair in zip(self.kept, task.left, strict=True))
        else:
            done = piece.skipped + len(piece.rows) * len(piece.variants) * self.work.batches.size
            if len(piece.rows) and self.levels:
                boxes = self.levels[0].boxes(task.number, piece, self._last(piece))
            elif len(piece.rows):
                (self._timed if self.work.timed else self._possible)(piece)
        return Seen(done, [one.taken() for one in self.kept], boxes)

    def _again(self, task: Task, piece: Piece, kept: Kept, left: Sequence[Left]) -> Boxes:
        """What a screen left, in closer boxes; or, after the last level, kept."""
        found = [Boxes.none(LEVELS[min(task.level, len(LEVELS) - 1)])]
        for some in left:
            numbers = self.levels[task.level - 1].envelopes[some.envelope].numbers
            if task.level < len(LEVELS):
                found.append(self.levels[task.level].closer(task.number, piece, some, numbers, kept.in_practice))
            else:
                own = [pair for pair in piece.variants if pair[0] in numbers]
                self._keep(kept, replace(piece, variants=own, rows=some.rows))
        return Boxes.joined(found)

    def _timed(self, piece: Piece) -> None:
        """Every point with its time, since limits are on it."""
        there = self._in_practice(piece)
        for number, points in self.work.points(piece):
            for one in self.kept:
                known = there(number, points) if one.in_practice else points
                one.count(number, piece.rows, known)
                one.keep(number, piece.rows, known)

    def _possible(self, piece: Piece) -> None:
        """Every point of the layouts that may be possible on some variant."""
        some, held = np.zeros(len(piece.rows), bool), Held()
        for number, points in self.work.points(piece, held):
            self.kept[0].count(number, piece.rows, points)
            some |= _open(self.work, points)
            if len(piece.variants) == 1 and np.count_nonzero(some) > MOST * len(some):
                self._put(number, piece.rows, points)
                some[:] = False
        rows, known = piece.rows[some], {formats: needed[some] for formats, needed in held.items()}
        for number, points in self.work.points(replace(piece, rows=rows), known) if len(rows) else ():
            self._put(number, rows, points)

    def _last(self, piece: Piece) -> Array:
        """By machine and layout the place of the largest batch that any format admits, -1 where there is none; every
        point is counted."""
        last = np.full((len(self.work.search.hardware), len(piece.rows)), -1)
        for variant, points in self.work.points(piece):
            self.kept[0].count(variant, piece.rows, points)
            machine = self.work.machine[variant]
            last[machine] = np.maximum(last[machine], np.count_nonzero(points.fits, axis=1) - 1)
        return last

    def _keep(self, kept: Kept, piece: Piece) -> None:
        """What may matter of all points of a piece."""
        there = self._in_practice(piece)
        for number, points in self.work.points(piece):
            kept.keep(number, piece.rows, there(number, points) if kept.in_practice else points)

    def _put(self, number: int, rows: Array, points: Points) -> None:
        """What may matter of some layouts on a variant, at the bound; and in practice of those that their bound leaves
        a chance."""
        for one in self.kept:
            if not one.in_practice:
                one.keep(number, rows, points)
                continue
            for some in one.rounds(number, rows, points):
                whole = self.work.whole(np.full(len(some), number), rows[some], in_practice=True)
                one.keep(number, rows[some], whole.at(np.arange(len(some)), self.work.batches))

    def _in_practice(self, piece: Piece) -> Callable[[int, Points], Points]:
        """Gives the points of a piece in practice, on one variant after another."""
        estimates = self.work.estimates
        in_turn = InTurn(estimates) if estimates and not estimates.serves and len(piece.variants) > FEW else None

        def there(number: int, points: Points) -> Points:
            found = self.work.estimated(points, np.full(len(piece.rows), number), piece.rows)
            if in_turn and points.spread is None:
                return replace(found, times=in_turn.step_time(points, number, piece.rows))
            return found

        return there


def _open(work: Work, points: Points) -> Array:
    """Whether a layout may be possible at a batch that is tried or, where those between are, at any."""
    return np.asarray((points.fits if work.search.whole else points.possible).any(axis=1))

"""All points of a search past what is kept of them: counted one by one, evaluated where they may matter.

Which limits a point breaks that are not on a time is known without its time; a layout none of whose batches is possible
is counted and left. What else is left out is what `screen` proves to have no chance.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.solver.layouts.evaluated import Held, Points
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.screen import Screen, add

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Work

Array = np.ndarray
FEW_BATCHES = 12
"""Batches up to which every point is evaluated: bounds of a layout would take as long."""
MOST = 0.5
"""Share of layouts above which all are evaluated: what was worked out to count them is there."""


def streamed(work: "Work", kept: Sequence[Kept]) -> Iterator[int]:
    """Evaluate all points in pieces, at the bound and, where that decides, in practice; how many are done. Points are
    counted where limits on time hold; without any, at the bound."""
    if work.timed:
        return _timed(work, kept)
    return _screened(work, kept) if work.batches.size > FEW_BATCHES else _possible(work, kept)


def _timed(work: "Work", kept: Sequence[Kept]) -> Iterator[int]:
    """Every point with its time, since limits are on it."""
    done = 0
    for piece in work.pieces():
        done += piece.skipped
        for number, points in work.points(piece.formulas, piece.variants, piece.rows):
            kept[0].count(points)
            kept[0].keep(number, piece.rows, points)
            if work.in_practice:
                there = work.estimated(points, np.full(len(piece.rows), number), piece.rows)
                kept[1].count(there)
                kept[1].keep(number, piece.rows, there)
            done += points.batches.size
            yield done


def _possible(work: "Work", kept: Sequence[Kept]) -> Iterator[int]:
    """Every point of the layouts that may be possible on some variant."""
    done = 0
    for piece in work.pieces():
        done += piece.skipped
        some, held = np.zeros(len(piece.rows), bool), Held()
        for number, points in work.points(piece.formulas, piece.variants, piece.rows, held):
            kept[0].count(points)
            some |= _open(work, points)
            done += points.batches.size
            if len(piece.variants) == 1 and np.count_nonzero(some) > MOST * len(some):
                _put(work, kept, number, piece.rows, points)
                some[:] = False
            yield done
        if some.any():
            known = {formats: needed[some] for formats, needed in held.items()}
            for number, points in work.points(piece.formulas, piece.variants, piece.rows[some], known):
                _put(work, kept, number, piece.rows[some], points)


def _screened(work: "Work", kept: Sequence[Kept]) -> Iterator[int]:
    """Every point of the layouts that the screens let through, once they have seen all."""
    done, screens = 0, [Screen(work, one.in_practice, one.lone) for one in kept]
    for number, piece in enumerate(work.pieces()):
        done += piece.skipped
        last = np.full((len(work.search.hardware), len(piece.rows)), -1)
        for variant, points in work.points(piece.formulas, piece.variants, piece.rows):
            kept[0].count(points)
            machine = work.machine[variant]
            last[machine] = np.maximum(last[machine], np.count_nonzero(points.fits, axis=1) - 1)
            done += points.batches.size
            yield done
        add(screens, work, number, piece, last)
    for screen, one in zip(screens, kept, strict=True):
        screen.settle()
        for number, piece in enumerate(work.pieces()):
            for machine, rows in screen.left(number):
                own = [pair for pair in piece.variants if work.machine[pair[0]] == machine]
                for variant, points in work.points(piece.formulas, own, rows):
                    there = work.estimated(points, np.full(len(rows), variant), rows) if one.in_practice else points
                    one.keep(variant, rows, there)


def _open(work: "Work", points: Points) -> Array:
    """Whether a layout may be possible at a batch that is tried or, where those between are, at any."""
    return np.asarray((points.fits if work.search.whole else points.possible).any(axis=1))


def _put(work: "Work", kept: Sequence[Kept], number: int, rows: Array, points: Points) -> None:
    """What may matter of some layouts on a variant, at the bound; and in practice of those that their bound leaves a
    chance."""
    for one in kept:
        if not one.in_practice:
            one.keep(number, rows, points)
            continue
        for some in one.rounds(number, rows, points):
            whole = work.whole(np.full(len(some), number), rows[some], in_practice=True)
            one.keep(number, rows[some], whole.at(np.arange(len(some)), work.batches))

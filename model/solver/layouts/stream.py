"""All points of a search past what is kept of them: counted one by one, evaluated where they may matter.

Which limits a point breaks that are not on a time is known without its time; a layout none of whose batches is possible
is counted and left. What else is left out is what `screen` proves to have no chance.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.solver.layouts.evaluated import Held, Points
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.screen import Screen

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Numbered, Piece, Work

Array = np.ndarray
FEW_BATCHES = 12
"""Batches up to which every point is evaluated: bounds of a layout would take as long."""
MOST = 0.5
"""Share of layouts above which all are evaluated: what was worked out to count them is there."""


def streamed(work: "Work", kept: Sequence[Kept]) -> Iterator[int]:
    """Evaluate all points in pieces, at the bound and, where limits hold for it, in practice; how many are done."""
    if work.timed:
        return _timed(work, kept)
    return _screened(work, kept[0]) if work.batches.size > FEW_BATCHES else _possible(work, kept[0])


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


def _possible(work: "Work", kept: Kept) -> Iterator[int]:
    """Every point of the layouts that may be possible on some variant."""
    done = 0
    for piece in work.pieces():
        done += piece.skipped
        some, held = np.zeros(len(piece.rows), bool), Held()
        for number, points in work.points(piece.formulas, piece.variants, piece.rows, held):
            kept.count(points)
            some |= _open(work, points)
            done += points.batches.size
            if len(piece.variants) == 1 and np.count_nonzero(some) > MOST * len(some):
                kept.keep(number, piece.rows, points)
                some[:] = False
            yield done
        known = {formats: needed[some] for formats, needed in held.items()}
        _keep(work, kept, piece, piece.variants, piece.rows[some], known)


def _screened(work: "Work", kept: Kept) -> Iterator[int]:
    """Every point of the layouts that the screen lets through, once it has seen all."""
    done, screen = 0, Screen(work)
    for number, piece in enumerate(work.pieces()):
        done += piece.skipped
        last = np.full((len(work.search.hardware), len(piece.rows)), -1)
        for variant, points in work.points(piece.formulas, piece.variants, piece.rows):
            kept.count(points)
            machine = work.machine[variant]
            last[machine] = np.maximum(last[machine], np.count_nonzero(points.fits, axis=1) - 1)
            done += points.batches.size
            yield done
        screen.add(number, piece, last)
    screen.settle()
    for number, piece in enumerate(work.pieces()):
        for machine, rows in screen.left(number):
            own = [one for one in piece.variants if work.machine[one[0]] == machine]
            _keep(work, kept, piece, own, rows)


def _open(work: "Work", points: Points) -> Array:
    """Whether a layout may be possible at a batch that is tried or, where those between are, at any."""
    return np.asarray((points.fits if work.search.whole else points.possible).any(axis=1))


def _keep(
    work: "Work", kept: Kept, piece: "Piece", variants: "Numbered", rows: Array, held: Held | None = None
) -> None:
    if len(rows):
        for number, points in work.points(piece.formulas, variants, rows, held):
            kept.keep(number, rows, points)

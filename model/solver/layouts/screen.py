"""Layouts that have no chance, proved by their boxes (`boxes`).

A layout is left out only where an actual point of the search strictly beats its boxes in both rates and costs so much
less than its bound that the layout is no tie on its machine, nor among the cheapest of all. So no point of it lies on
the front, is best anywhere, ties, or is the next. Points are counted without times, whatever is left out.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.solver.layouts.boxes import Boxes, Boxing, Envelope, Left
from steptime.model.solver.layouts.front import Front, dominant
from steptime.model.solver.layouts.kept import FEW, ROUNDING, SPARE
from steptime.model.solver.layouts.points import EQUAL

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Work

Array = np.ndarray
PROMISING = 24
"""Layouts of each machine that are looked at first, by their bounds."""


class Screen:
    """Boxes of all layouts of a search, and what is known to be reached: the front, the least cost on each machine, and
    the few least of all; by the bound or by the estimate. ``lone``: only the best of all is asked for."""

    def __init__(self, work: "Work", boxing: Boxing, in_practice: bool = False, lone: bool = False) -> None:
        self.work, self.in_practice, self.lone = work, in_practice, lone
        self.front, self.least = Front(), np.full(len(work.search.hardware), np.inf)
        self.cheapest = np.full(2 * FEW, np.inf)
        self.on(boxing)

    def on(self, boxing: Boxing) -> None:
        """Begin with the boxes of a level; what is known to be reached stays."""
        self.envelopes: Sequence[Envelope] = boxing.envelopes
        self._boxes: list[Boxes] = [Boxes.none(boxing.level)]
        self._gathered, self._settled = 0, 0

    def add(self, boxes: Boxes) -> None:
        """Boxes of a piece."""
        boxes = boxes.at(self._chances(boxes))
        self._boxes.append(boxes)
        self._gathered += len(boxes)
        if self._gathered > self._settled + SPARE:
            self.settle()

    def settle(self) -> None:
        """Look at the most promising layouts, until enough are known to be possible, and drop those that have no chance
        beside them."""
        every = Boxes.joined(self._boxes)
        every = every.at(self._chances(every))
        while len(looked := self._promising(every)):
            self._look(every.at(looked))
            every.seen[looked] = True
            if np.isfinite(self.cheapest[-1]):
                break
        every = every.at(self._chances(every))
        self._boxes, self._gathered, self._settled = [every], len(every), len(every)

    def left(self, number: int) -> Iterator[Left]:
        """Layouts of a piece that may matter, by envelope."""
        (every,) = self._boxes
        own = every.piece == number
        for envelope in np.unique(every.envelope[own]):
            rows, first = np.unique(every.row[here := own & (every.envelope == envelope)], return_index=True)
            yield Left(int(envelope), rows, every.last[here][first])

    def _chances(self, some: Boxes) -> Array:
        """Places of those that may be a tie on their machine, among the cheapest, or on the front."""
        within = 1 + max(self.work.search.within, EQUAL)
        most = np.maximum(self.least * within, self.cheapest[-1])
        if self.lone:
            most = np.full_like(self.least, self.least.min() * within)
        good = ~(some.bound > most[some.machine] * (1 + ROUNDING))
        for place in range(0 if self.lone else some.speed.shape[1]):
            left = np.flatnonzero(~good)
            corner = some.speed[left, place] * (1 + ROUNDING), some.share[left, place] * (1 + ROUNDING)
            good[left] = ~self.front.beaten(*corner)
        return np.flatnonzero(good)

    def _promising(self, every: Boxes) -> Array:
        """Places, not seen yet, of those with the least bounds on each machine, and of those whose boxes no other box
        holds."""
        left = np.flatnonzero(~every.seen)
        found = [left[:0]]
        if not self.lone:
            found = [left[dominant(every.speed[left].ravel(), every.share[left].ravel()) // every.speed.shape[1]]]
        for machine in np.unique(every.machine[left]):
            own = left[every.machine[left] == machine]
            found.append(own[np.argsort(every.bound[own], kind="stable")[:PROMISING]])
        return np.unique(np.concatenate(found))

    def _look(self, some: Boxes) -> None:
        """Evaluate some layouts at all batches, in every format."""
        own = [self.envelopes[place].numbers for place in some.envelope]
        numbers = np.array([number for one in own for number in one], int)
        rows = np.repeat(some.row, [len(one) for one in own])
        kinds = 2 * self.work.group[numbers] + (self.work.columns["ffn_all"][rows] != 0)
        for kind in np.unique(kinds):
            here = np.flatnonzero(kinds == kind)
            whole = self.work.whole(numbers[here], rows[here], self.in_practice)
            points = whole.at(np.arange(len(here)), self.work.batches)
            fine = points.possible
            if not self.lone:
                place, batch = np.nonzero(fine)
                speed, share = points.per_sequence[place, batch], points.per_chip[place, batch]
                self.front.add(speed, share, np.zeros((len(place), 0)))
            costs = np.where(fine, points.cost, np.inf).min(axis=1)
            np.minimum.at(self.least, self.work.machine[numbers[here]], costs)
            self.cheapest = np.sort(np.concatenate([self.cheapest, costs]))[: 2 * FEW]

"""Layouts that have no chance, proved from the time of a few batches each: whole ranges of batches at once.

A layout has c cells: the ranks that hold whole sequences, times the chips among which the tokens of one are split. Let
T(b) be its step at a batch b, with whole sequences on the fullest rank, and M(b) that with loads at their mean.

1. T never falls as b grows. So from a batch a up, a sequence gets no more tokens per second than at a.
2. M(b)/b never rises: a term of M is a constant, or a rising concave function of b that is not below zero at zero; each
   over b falls, and so do sums, products with constants, the largest and the least of such.
3. T(b) >= M(b), with equality where c divides b: there nothing is rounded.

Let b <= r and f = c·ceil(r/c), the first batch from r on that fills every cell. Then by 3, 2, 3 and 1

    T(b)/b >= M(b)/b >= M(f)/f = T(f)/f >= T(r)/f,

so no batch up to r gives more than f/T(r) of what a step yields per second and sequence. Where the ranks never wait for
each other, b/(mean time) is a mean, weighted by ranks, of what the even batches below and above b give, neither above
f. With prefills of others the mean step carries every one: it takes no less than T.

Between two batches a < r that are tried, every whole batch thus lies in a box: no faster than a, no better used than
f/T(r). In the place of all formats of a machine stands one that has the fewest bytes of each kind and the highest peak:
every operation moves and computes no less in any of them, so it is faster than each.

An estimate has such boxes too. It is a sum of terms, or the bound where that is more; a term is the longer of two
times, or one for each collective, kernel or sequence of the fullest rank, and of each 1 to 3 hold. Tokens are copied
the way that is the faster at the bound; boxes take the one that is the faster in practice, which is no slower.

A layout is left out only where an actual point of the search strictly beats its boxes in both rates and costs so much
less than its bound that the layout is no tie on its machine, nor among the cheapest of all. So no point of it lies on
the front, is best anywhere, ties, or is the next. Points are counted without times, whatever is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.quantity import byte, lookup
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.front import Front, dominant
from steptime.model.solver.layouts.kept import FEW, SPARE
from steptime.model.solver.layouts.points import EQUAL

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Numbered, Piece, Work

Array = np.ndarray
RUNGS = 5
"""Batches of each layout that are timed to bound all."""
PROMISING = 64
"""Layouts of each machine that are looked at first, by their bounds."""
ROUNDING = 1e-9
"""What is worked out in another order may differ so much, relative, and more than that."""


@dataclass(frozen=True)
class Envelope:
    """Variants on one machine that differ in formats, and numbers with which a step is no slower than on any."""

    machine: int
    numbers: tuple[int, ...]
    values: Mapping[Symbol, float]


def envelopes(work: "Work", variants: "Numbered") -> list[Envelope]:
    """Variants that share their formulas, by machine."""
    found: dict[tuple[int, frozenset[Symbol]], list[int]] = {}
    for number, variant in variants:
        found.setdefault((int(work.machine[number]), frozenset(variant.values)), []).append(number)
    made: list[Envelope] = []
    for (machine, _), numbers in found.items():
        every = [work.variants[number].values for number in numbers]
        least = fastest(every)
        if least is None:
            made += [Envelope(machine, (number,), values) for number, values in zip(numbers, every, strict=True)]
        else:
            made.append(Envelope(machine, tuple(numbers), least))
    return made


def fastest(several: Sequence[Mapping[Symbol, float]]) -> dict[Symbol, float] | None:
    """The fewest bytes and the highest peak of several; None where they differ in anything else."""
    found = dict(several[0])
    for symbol in found:
        values = {one[symbol] for one in several}
        if len(values) > 1:
            if symbol != q.peak_flops and lookup(symbol.name).unit != byte:
                return None
            found[symbol] = max(values) if symbol == q.peak_flops else min(values)
    return found


@dataclass(frozen=True)
class Boxes:
    """Layouts on envelopes, a row each: which piece, envelope, machine and layout; the bound on their cost; the corners
    of their boxes, speed and share of a chip; and whether they were looked at."""

    piece: Array
    envelope: Array
    machine: Array
    row: Array
    bound: Array
    speed: Array
    share: Array
    seen: Array

    def __len__(self) -> int:
        return len(self.row)

    def at(self, places: Array) -> "Boxes":
        """Some of them."""
        return Boxes(**{name: column[places] for name, column in vars(self).items()})

    @staticmethod
    def joined(several: Sequence["Boxes"]) -> "Boxes":
        """All of several."""
        return Boxes(**{name: np.concatenate([getattr(one, name) for one in several]) for name in vars(several[0])})


class Screen:
    """Boxes of all layouts of a search, and what is known to be reached: the front, the least cost on each machine, and
    the few least of all; by the bound or by the estimate. ``lone``: only the best of all is asked for."""

    def __init__(self, work: "Work", in_practice: bool = False, lone: bool = False) -> None:
        self.work, self.in_practice, self.lone = work, in_practice, lone
        self.front, self.least = Front(), np.full(len(work.search.hardware), np.inf)
        self.cheapest = np.full(2 * FEW, np.inf)
        self.envelopes: list[Envelope] = []
        self._boxes: list[Boxes] = []
        self._gathered, self._settled = 0, 0

    def add(
        self, number: int, envelope: Envelope, rows: Array, points: Points, cells: Array, possible: Array
    ) -> None:  # fmt: skip
        """The boxes of layouts of a piece on an envelope, of which some are ``possible``, at batches of their own."""
        self.envelopes.append(envelope)
        times = points.step_time
        if self.in_practice and len(rows):
            assert self.work.estimates is not None
            times = self.work.estimates.least(envelope.numbers, rows, points)
        boxes = self._of(number, envelope.machine, rows, points, times, cells)
        boxes = boxes.at(np.flatnonzero(possible))
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

    def left(self, number: int) -> Iterator[tuple[int, Array]]:
        """Layouts of a piece that may matter, by machine."""
        (every,) = self._boxes
        own = every.piece == number
        for machine in np.unique(every.machine[own]):
            yield int(machine), np.unique(every.row[own & (every.machine == machine)])

    def _of(self, number: int, machine: int, rows: Array, points: Points, times: Array, cells: Array) -> Boxes:
        """The boxes of layouts on the last envelope, at batches of their own, no step faster than ``times``."""
        filled = cells * np.ceil(points.batches / cells)
        speeds = points.per_sequence * (points.step_time / times)
        shares = speeds * filled / self.work.columns["chips"][rows][:, None]
        bound = points.cost_of(times, filled).min(axis=1, initial=np.inf)
        bound[np.isnan(bound)] = 0.0  # over links without a figure some times are no number: such a layout stays
        size, envelope = len(rows), len(self.envelopes) - 1
        return Boxes(np.full(size, number), np.full(size, envelope), np.full(size, machine), rows, bound,
                     np.nan_to_num(speeds[:, :-1]), np.nan_to_num(shares[:, 1:]),
                     np.zeros(size, bool))  # fmt: skip

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
        return np.flatnonzero(good & np.isfinite(some.bound))

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


def add(screens: Sequence[Screen], work: "Work", number: int, piece: "Piece", last: Array) -> None:
    """The boxes of a piece, for several screens at once; ``last``: by machine and layout the place of the largest batch
    that any format admits, -1 where there is none."""
    columns, ladder = work.columns, work.batches[0]
    ranks = np.prod([columns[name][piece.rows] for name in ("replicas", "dp", "pp")], axis=0)
    high = np.minimum(last + work.search.whole, len(ladder) - 1)
    possible = (last >= 0) & (ladder[high] >= ranks)
    some = np.flatnonzero(possible.any(axis=0))
    rows, ranks, high, possible = piece.rows[some], ranks[some], high[:, some], possible[:, some]
    low = np.maximum(np.searchsorted(ladder, ranks, side="right") - 1, 0)
    scenarios: list[Scenario] = []
    for envelope in envelopes(work, piece.variants):
        top = np.maximum(high[envelope.machine], low)
        rungs = np.rint(low[:, None] + (top - low)[:, None] * np.linspace(0, 1, RUNGS)).astype(int)
        scenarios = piece.formulas.scenarios(envelope.values, columns, rows, ladder[rungs], scenarios)
        points = Points(piece.formulas, scenarios, columns, rows, ladder[rungs])
        for screen in screens:
            screen.add(number, envelope, rows, points, (ranks * columns["cp"][rows])[:, None],
                       possible[envelope.machine])  # fmt: skip

"""Boxes of layouts: bounds of whole ranges of batches at once, proved from the time of a few batches each.

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
the way that is the faster at the bound; boxes take the one that is the faster in practice, which is no slower. Waves
that leave processors idle lengthen a time that goes with b to the least of such a one and a constant, where that is
more, or do not depend on b: 1 to 3 hold of these too.

All layouts are put in few, wide boxes first; those that these leave a chance in more and narrower ones (`LEVELS`).
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

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Numbered, Piece, Work

Array = np.ndarray


@dataclass(frozen=True)
class Level:
    """How closely layouts are boxed: ``rungs`` batches of each are timed to bound all; whether formats of weights have
    boxes ``apart``."""

    rungs: int
    apart: bool


LEVELS = (Level(3, apart=False), Level(9, apart=True))
"""The first is of all layouts, the next of those that are left."""


@dataclass(frozen=True)
class Envelope:
    """Variants on one machine that differ in formats, and numbers with which a step is no slower than on any."""

    machine: int
    numbers: tuple[int, ...]
    values: Mapping[Symbol, float]


def envelopes(work: "Work", variants: "Numbered", apart: bool) -> list[Envelope]:
    """Variants that share their formulas, by machine and, ``apart``, by format of weights: what else differs, differs
    less. Each by itself where more than formats differs."""
    found: dict[tuple[int, frozenset[Symbol], str | None], list[int]] = {}
    for number, variant in variants:
        weights = variant.question.inputs.weights if apart else None
        found.setdefault((int(work.machine[number]), frozenset(variant.values), weights), []).append(number)
    made: list[Envelope] = []
    for (machine, _, _), numbers in found.items():
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
    """Layouts on envelopes, a row each: which piece, envelope, machine and layout; the place of the largest batch that
    may be possible; the bound on their cost; the corners of their boxes, speed and share of a chip; and whether they
    were looked at."""

    piece: Array
    envelope: Array
    machine: Array
    row: Array
    last: Array
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
    def none(level: Level = LEVELS[0]) -> "Boxes":
        """No box."""
        whole, real, corners = np.zeros(0, int), np.zeros(0), np.zeros((0, level.rungs - 1))
        return Boxes(whole, whole, whole, whole, whole, real, corners, corners, np.zeros(0, bool))

    @staticmethod
    def joined(several: Sequence["Boxes"]) -> "Boxes":
        """All of several."""
        return Boxes(**{name: np.concatenate([getattr(one, name) for one in several]) for name in vars(several[0])})


@dataclass(frozen=True)
class Left:
    """Layouts of a piece that boxes leave a chance: the envelope, by its place, the layouts, and places of the largest
    batches that may be possible."""

    envelope: int
    rows: Array
    last: Array


class Boxing:
    """Puts layouts in boxes of one level. ``envelopes``: all of a search; ``own``: the places of those of each group of
    variants that share their formulas, by its first variant's number."""

    def __init__(self, work: "Work", level: Level = LEVELS[0]) -> None:
        self.work, self.level, self.ladder = work, level, work.batches[0]
        self.envelopes: list[Envelope] = []
        self.own = dict[int, range]()
        for alike in work.alike:
            made = envelopes(work, alike, level.apart)
            self.own[alike[0][0]] = range(len(self.envelopes), len(self.envelopes) + len(made))
            self.envelopes += made

    def boxes(self, number: int, piece: "Piece", last: Array) -> tuple[Boxes, ...]:
        """The boxes of a piece at the bound and, where that decides, in practice; ``last``: by machine and layout the
        place of the largest batch that any format admits, -1 where there is none."""
        high = np.minimum(last + self.work.search.whole, len(self.ladder) - 1)
        possible = (last >= 0) & (self.ladder[high] >= self._ranks(piece.rows))
        some = np.flatnonzero(possible.any(axis=0))
        scenarios = list[Scenario]()
        found: list[tuple[Boxes, ...]] = [(Boxes.none(self.level),) * (1 + self.work.in_practice)]
        for place in self.own[piece.variants[0][0]] if len(some) else ():
            machine = self.envelopes[place].machine
            top = np.where(possible, high, 0)[machine, some]
            made, scenarios = self._at(number, piece, place, piece.rows[some], top, scenarios)
            fine = possible[machine, some]
            found.append(tuple(one.at(np.flatnonzero(fine & np.isfinite(one.bound))) for one in made))
        return tuple(map(Boxes.joined, zip(*found, strict=True)))

    def closer(self, number: int, piece: "Piece", left: Left, numbers: Sequence[int], in_practice: bool) -> Boxes:
        """The boxes of what others left, of envelopes in one that has the variants ``numbers``."""
        made, scenarios = [Boxes.none(self.level)], list[Scenario]()
        for place in self.own[piece.variants[0][0]]:
            if set(self.envelopes[place].numbers) <= set(numbers):
                both, scenarios = self._at(number, piece, place, left.rows, left.last, scenarios, in_practice)
                made.append(both[-1].at(np.flatnonzero(np.isfinite(both[-1].bound))))
        return Boxes.joined(made)

    def _ranks(self, rows: Array) -> Array:
        columns = self.work.columns
        return np.asarray(np.prod([columns[name][rows] for name in ("replicas", "dp", "pp")], axis=0))

    def _at(
        self, number: int, piece: "Piece", place: int, rows: Array, last: Array, scenarios: list[Scenario],
        in_practice: bool = True,
    ) -> tuple[list[Boxes], list[Scenario]]:  # fmt: skip
        """Boxes of layouts on an envelope up to batches of their own, at the bound and in practice; and the scenarios
        from which those of the next envelope follow, as these from ``scenarios``."""
        envelope, formulas = self.envelopes[place], self.work.formulas(piece)
        columns, ladder, ranks = self.work.columns, self.ladder, self._ranks(rows)
        low = np.maximum(np.searchsorted(ladder, ranks, side="right") - 1, 0)
        rungs = np.rint(low[:, None] + (np.maximum(last, low) - low)[:, None] * np.linspace(0, 1, self.level.rungs))
        batches = ladder[rungs.astype(int)]
        scenarios = formulas.scenarios(envelope.values, columns, rows, batches, scenarios)
        points = Points(formulas, scenarios, columns, rows, batches)
        cells = (ranks * columns["cp"][rows])[:, None]
        return [self._of(number, place, rows, last, points, times, cells)
                for times in self._times(envelope, rows, points, in_practice)], scenarios  # fmt: skip

    def _times(self, envelope: Envelope, rows: Array, points: Points, in_practice: bool) -> Iterator[Array]:
        """Seconds of some layouts on an envelope that no step is faster than, at the bound and in practice."""
        yield points.step_time
        if self.work.estimates is not None and in_practice:
            yield self.work.estimates.least(envelope.numbers, rows, points)

    def _of(
        self, number: int, place: int, rows: Array, last: Array, points: Points, times: Array, cells: Array
    ) -> Boxes:
        """The boxes of layouts on an envelope, at batches of their own, no step faster than ``times``."""
        filled = cells * np.ceil(points.batches / cells)
        speeds = points.per_sequence * (points.step_time / times)
        shares = speeds * filled / self.work.columns["chips"][rows][:, None]
        bound = points.cost_of(times, filled).min(axis=1, initial=np.inf)
        bound[np.isnan(bound)] = 0.0  # over links without a figure some times are no number: such a layout stays
        size, machine = len(rows), self.envelopes[place].machine
        return Boxes(np.full(size, number), np.full(size, place), np.full(size, machine), rows, last, bound,
                     np.nan_to_num(speeds[:, :-1]), np.nan_to_num(shares[:, 1:]),
                     np.zeros(size, bool))  # fmt: skip

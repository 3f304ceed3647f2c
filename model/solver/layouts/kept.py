"""What a search over layouts keeps of its points while they stream past: counts, the front, and every layout that may
yet turn out best.

Between two batches that are tried, b and b', a step takes at least as long as at b, since time never falls as the batch
grows; so a token of any batch below b' costs at least what it costs at b times b/b'. That bounds from below what a
layout can cost at any whole batch, and a layout is dropped only where this bound lies above what was found already.
No estimate lies below its bound: what a layout costs at the bound is also a bound on what it costs in practice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.front import Front
from steptime.model.solver.layouts.nearest import Near, nearer, nearest
from steptime.model.solver.layouts.points import EQUAL, Search

Array = np.ndarray
FEW = 64
"""Layouts that are kept for their cost alone, so that there is a next one where the best has no rival."""
SPARE = 2**18
"""Layouts that may gather before those that have no chance any more are dropped."""
ROUND, MOST_OF_ROUND = 2**8, 2**14
"""Layouts whose estimates are asked for at first, and at most, before those without a chance are dropped."""
ROUNDING = 1e-9
"""What is worked out in another order may differ so much, relative, and more than that."""


@dataclass(frozen=True)
class Rivals:
    """Layouts, each on one machine in one choice of formats, that may be best: a row each.

    ``variant``, ``row``: which. ``batch``, ``cost``: the cheapest tried batch, the smallest among equals; infinite cost
    where none is possible. ``last``: place of the largest tried batch up to which the layout fits. ``bound``: no whole
    batch costs less. ``speed``, ``share``: no best whole batch has more tokens per second of a sequence, of a chip.
    """

    variant: Array = field(default_factory=lambda: np.zeros(0, int))
    row: Array = field(default_factory=lambda: np.zeros(0, int))
    batch: Array = field(default_factory=lambda: np.zeros(0))
    cost: Array = field(default_factory=lambda: np.zeros(0))
    last: Array = field(default_factory=lambda: np.zeros(0, int))
    bound: Array = field(default_factory=lambda: np.zeros(0))
    speed: Array = field(default_factory=lambda: np.zeros(0))
    share: Array = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.row)

    def at(self, places: Array) -> "Rivals":
        """Some of them."""
        return Rivals(**{name: column[places] for name, column in vars(self).items()})

    @staticmethod
    def joined(several: Sequence["Rivals"]) -> "Rivals":
        """All of several."""
        names = vars(Rivals())
        return Rivals(**{name: np.concatenate([getattr(one, name) for one in several]) for name in names})


@dataclass(frozen=True)
class Taken:
    """What was kept of some points: counts, the nearest where none is possible, their front, the least costs on each
    machine, and rivals."""

    points: int
    feasible: int
    infeasible: Counter[str]
    near: Near | None
    front: Front
    least: Array
    rivals: Rivals


class Kept:
    """Counts, front and rivals of all points added so far. ``machine``: the number of each variant's machine;
    ``in_practice``: whether their times are estimates; ``lone``: only the best of all is asked for, with its ties."""

    def __init__(self, search: Search, machine: Array, in_practice: bool = False, lone: bool = False) -> None:
        self.search, self.machine, self.in_practice, self.lone = search, machine, in_practice, lone
        self.points, self.feasible, self.infeasible, self.front = 0, 0, Counter[str](), Front()
        self.near: Near | None = None
        self._met = False
        self.least, self.cheapest = np.full(int(machine.max()) + 1, np.inf), np.full(2 * FEW, np.inf)
        self._waiting, self._gathered, self._settled = [Rivals()], 0, 0
        ladder = np.array(search.batches, float)
        self.ladder, self.next = ladder, np.append(ladder[1:], ladder[-1]) if search.whole else ladder

    def count(self, variant: int, rows: Array, points: Points) -> None:
        """Count points, those that are possible, and those that break each limit; as long as none is possible, keep the
        one that comes nearest."""
        for name, where in {**points.below, **points.above}.items():
            self.infeasible[name] += int(np.count_nonzero(where))
        self.points += points.batches.size
        self.feasible += int(np.count_nonzero(points.possible))
        self._met = self._met or self.feasible > 0
        self.near = None if self._met else nearer([self.near, nearest(variant, rows, points)])

    def keep(self, variant: int, rows: Array, points: Points) -> None:
        """Keep what may matter of some layouts (rows) at all batches (columns)."""
        fine = points.possible
        if not self.lone:
            place, batch = np.nonzero(fine & ~self.front.beaten(points.per_sequence, points.per_chip))
            labels = np.stack([np.full(len(place), variant), rows[place], self.ladder[batch]], axis=1)
            self.front.add(points.per_sequence[place, batch], points.per_chip[place, batch], labels)
        found = self._rivals(variant, rows, points, np.where(fine, points.cost, np.inf))
        machine = self.machine[variant]
        self.least[machine] = min(self.least[machine], found.cost.min(initial=np.inf))
        found = found.at(self.chances(found, self._few(found)))
        self.cheapest = np.sort(np.concatenate([self.cheapest, found.cost]))[: 2 * FEW]
        self._gather(found)

    def _gather(self, found: Rivals) -> None:
        self._waiting.append(found)
        self._gathered += len(found)
        if self._gathered > self._settled + SPARE:
            self.rivals()

    def _hopes(self, variant: int, rows: Array, points: Points) -> tuple[Array, Array]:
        """Which of some layouts may matter in practice by their ``points`` at the bound, and what each costs at
        least."""
        fine, more = points.possible, 1 + ROUNDING
        some = self._rivals(variant, rows, points, np.where(fine, points.cost, np.inf))
        some = replace(some, bound=some.bound / more, speed=some.speed * more, share=some.share * more)
        good = self.chances(some, self.cheapest[-1])
        own = np.flatnonzero(~good & fine.any(axis=1))
        speed, share = points.per_sequence[own] * more, points.per_chip[own] * more
        good[own] = (fine[own] & ~self.front.beaten(speed, share)).any(axis=1)
        return good, some.bound

    def rounds(self, variant: int, rows: Array, points: Points) -> Iterator[Array]:
        """Places of some layouts, a few at a time, whose estimates may matter by their ``points`` at the bound: the
        cheapest at the bound first, so that few others are left a chance once these are kept."""
        good, bound = self._hopes(variant, rows, points)
        left, size = np.argsort(bound, kind="stable"), ROUND
        while len(left := left[good[left]]):
            yield left[:size]
            left, size = left[size:], min(4 * size, MOST_OF_ROUND)
            good, _ = self._hopes(variant, rows, points)

    def taken(self) -> "Taken":
        """What was added since it was last taken; the front and the least costs stay here too, to drop what has no
        chance beside them."""
        found = Taken(self.points, self.feasible, self.infeasible, self.near, replace(self.front), self.least.copy(),
                      Rivals.joined(self._waiting))  # fmt: skip
        self.points, self.feasible, self.infeasible, self.near = 0, 0, Counter(), None
        self._waiting, self._gathered, self._settled = [Rivals()], 0, 0
        return found

    def merge(self, taken: "Taken") -> None:
        """Add what was taken of points that come later."""
        self.points, self.feasible = self.points + taken.points, self.feasible + taken.feasible
        self.infeasible.update(taken.infeasible)
        self.near = nearer([self.near, taken.near])
        self.front.add(taken.front.first, taken.front.second, taken.front.labels)
        self.least = np.minimum(self.least, taken.least)
        self._gather(taken.rivals)

    def rivals(self) -> Rivals:
        """Those that still may be best, or on the front."""
        every = Rivals.joined(self._waiting)
        every = every.at(self.chances(every, self._few(every)))
        self._waiting, self._gathered, self._settled = [every], len(every), len(every)
        return every

    def chances(self, some: Rivals, enough: float) -> Array:
        """Which of some may be within one per cent of the best on their machine, on the front, or cost no more than
        ``enough``; where only the best of all is asked for, within one per cent of it."""
        most = self.most()[self.machine[some.variant]]
        good = some.bound <= (most if self.lone else np.maximum(most, enough))
        if self.search.whole and not self.lone:
            good |= ~self.front.beaten(some.speed, some.share)
        return np.asarray(good & np.isfinite(some.bound))

    def most(self) -> Array:
        """The cost up to which a layout is a tie, by machine."""
        least = np.full_like(self.least, self.least.min()) if self.lone else self.least
        return np.asarray(least * (1 + max(self.search.within, EQUAL)))

    def _few(self, some: Rivals) -> float:
        """The cost of the few-th best."""
        if len(some) <= FEW:
            return np.inf
        return float(np.partition(some.cost, FEW)[FEW] * (1 + EQUAL))

    def _rivals(self, variant: int, rows: Array, points: Points, cost: Array) -> Rivals:
        """Every layout of a block, with its cheapest tried batch and its bounds."""
        least = cost.min(axis=1)
        with np.errstate(invalid="ignore"):
            cheapest = np.argmax(cost <= least[:, None] * (1 + EQUAL), axis=1)
        number = np.full(len(rows), variant)
        batch = self.ladder[cheapest]
        if not self.search.whole:
            zero = np.zeros(len(rows))
            return Rivals(number, rows, batch, least, cheapest, least, zero, zero)
        fits = points.fits & ~points.below["missing_link"]
        reach = (self.ladder / self.next) ** (-points.formulas.exponent)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            bounds = np.where(fits, points.cost, np.inf) * reach
            bound = bounds.min(axis=1)
            # Dollars, joules and chip-seconds a token are one over tokens a second and chip, but for a factor.
            share = points.cost[:, 0] * points.per_chip[:, 0] / bound
            if points.formulas.exponent == 0:
                share = (np.where(fits, points.per_chip, 0.0) * (self.next / self.ladder)).max(axis=1)
        # What is best costs no more than the best tried batch: it lies where the bound admits as much.
        first = np.argmax(bounds <= least[:, None] * (1 + EQUAL), axis=1)
        speed = points.per_sequence[np.arange(len(rows)), first]
        last = np.count_nonzero(fits, axis=1) - 1
        return Rivals(number, rows, batch, least, last, bound, speed, share)


def counted(infeasible: Mapping[str, int]) -> str:
    """How many points break each limit."""
    return ", ".join(f"{name} by {count:,}" for name, count in infeasible.items() if count)

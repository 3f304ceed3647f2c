"""The best whole batch of layouts, each at its own degrees and on its own machine.

A token costs less as the batch grows, until a limit binds or a term that grows in proportion does: every term of a step
is a constant, a rising concave function of the batch, or one of the whole sequences of the fullest rank. So the best
whole batch is the largest that every limit admits, or, where that leaves a rank with less than its share, the largest
below it that fills every rank (a multiple of replicas·dp·pp, and of cp where the tokens of a step are split by it); and
of batches that cost the same, the smallest.

Where the groups of data-parallel ranks never wait for each other, some hold one sequence more than others. One over
their mean step time is a mean of the two kinds' own, weighted by their number, and as the batch grows weight moves to
the slower: the mean time never falls, and a token costs what lies between the even batches below and above it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model.layout.enumeration import Columns
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.formulas import Formulas
from steptime.model.solver.layouts.kept import Rivals
from steptime.model.solver.layouts.points import EQUAL
from steptime.model.solver.layouts.practice import Estimates, in_practice
from steptime.model.step.estimate import Estimate

Array = np.ndarray
Holds = Callable[[Array, Array], Array]
"""Whether something holds of some rows, each at numbers of its own."""
AT_ONCE = 2**13
"""Numbers that are tried in one piece: what evaluating costs does not depend on how many there are below that."""


@dataclass(frozen=True)
class Whole:
    """Layouts that share a ledger, each on a machine and in formats of its own, whose best whole batches are looked
    for. ``values``: numbers, or a row of numbers for each layout; ``numbers``: which variant each is on. ``practice``:
    seconds of a prompt alone there, where times are estimates."""

    formulas: Formulas
    values: Mapping[Symbol, Any]
    columns: Columns
    rows: Array
    first_token: Array | None = None
    numbers: Array = field(default_factory=lambda: np.zeros(0, int))
    estimates: Estimates | None = None
    in_practice: bool = False
    practice: Array | None = None

    def at(self, places: Array, batches: Array) -> Points:
        """Some of them at batches of their own."""
        first = None if self.first_token is None else self.first_token[places]
        own = {symbol: value[places] if np.ndim(value) else value for symbol, value in self.values.items()}
        points = self.formulas.at(own, self.columns, self.rows[places], batches, first)
        if not self.in_practice or self.estimates is None:
            return points
        practice = None if self.practice is None else self.practice[places]
        return in_practice(points, self.estimates, self.numbers[places], self.rows[places], practice)

    def each(self, points: Points) -> Sequence[Estimate | None]:
        """An estimate for each of all of them, at one batch each; None where there is none."""
        if self.estimates is None:
            return [None] * len(self.rows)
        return self.estimates.each(self.numbers, self.rows, points)

    def every(self, batches: Array) -> Points:
        """All of them, each at one batch."""
        return self.at(np.arange(len(self.rows)), batches[:, None])

    def ranks(self) -> Array:
        """Ranks of a layout that each hold whole sequences."""
        return np.asarray(np.prod([self.columns[name][self.rows] for name in ("replicas", "dp", "pp")], axis=0))

    def best(self, rivals: Rivals, ladder: Array) -> tuple[Array, Array]:
        """The best whole batch of each and its cost, infinite where no batch is possible."""
        everyone = np.arange(len(self.rows))
        low = ladder[rivals.last]
        high = np.where(rivals.last + 1 < len(ladder), ladder[np.minimum(rivals.last + 1, len(ladder) - 1)] - 1, low)
        most = largest(lambda places, batches: self.at(places, batches).fits, low, high)
        ranks = self.ranks()
        cells = ranks * self.columns["cp"][self.rows]
        full = [np.maximum(most // unit * unit, 1) for unit in (ranks, cells)]
        tried = np.stack([most, *full, rivals.batch, np.minimum(ranks, most)], axis=1)
        costs = _costs(self.at(everyone, tried))
        least = costs.min(axis=1)
        if self.formulas.exponent == 0:
            return self._smallest(tried, costs)
        with np.errstate(invalid="ignore"):
            equal = costs <= least[:, None] * (1 + EQUAL)
        batch = np.where(equal, tried, np.inf).min(axis=1)
        some = np.flatnonzero(np.isfinite(least))

        def as_cheap(places: Array, batches: Array) -> Array:
            found = _costs(self.at(some[places], batches))
            return np.asarray(found <= least[some[places], None] * (1 + EQUAL))

        below = np.zeros(len(some))
        for unit in (cells[some], ranks[some], np.ones(len(some))):
            batch[some], below = smallest(as_cheap, below, batch[some], unit)
        return batch, least

    def _smallest(self, tried: Array, costs: Array) -> tuple[Array, Array]:
        """The smallest possible batch, below the smallest possible one of those tried: a step is never faster at a
        larger one. A least rate that holds where every rank is full holds at every fuller such batch, and not at all
        between: so full ranks come first."""
        batch = np.where(np.isfinite(costs), tried, np.inf).min(axis=1)
        some = np.flatnonzero(np.isfinite(batch))

        def possible(places: Array, batches: Array) -> Array:
            return self.at(some[places], batches).possible

        ranks, below = self.ranks()[some], np.zeros(len(some))
        for unit in (ranks * self.columns["cp"][self.rows[some]], ranks, np.ones(len(some))):
            batch[some], below = smallest(possible, below, batch[some], unit)
        found = np.full(len(batch), np.inf)
        found[some] = _costs(self.at(some, batch[some][:, None]))[:, 0]
        return batch, found


def _costs(points: Points) -> Array:
    """Costs, infinite where a limit is broken."""
    return np.where(points.possible, points.cost, np.inf)


def largest(holds: Holds, low: Array, high: Array) -> Array:
    """For each row the largest whole number from ``low`` to ``high`` of which something holds; it holds of ``low``, and
    of no number above one of which it does not.

    >>> largest(lambda places, number: number <= 7, np.array([4.0, 1.0]), np.array([9.0, 5.0])).tolist()
    [7.0, 5.0]
    """
    low, high = low.copy(), high.copy()
    while len(still := np.flatnonzero(low < high)):
        numbers = low[still, None] + np.ceil((high - low)[still, None] * _parts(len(still)))
        passed = np.count_nonzero(holds(still, numbers), axis=1)
        ends = np.column_stack([low[still], numbers, high[still] + 1])
        place = np.arange(len(still))
        low[still], high[still] = ends[place, passed], ends[place, passed + 1] - 1
    return low


def smallest(holds: Holds, below: Array, high: Array, unit: Array) -> tuple[Array, Array]:
    """For each row the smallest multiple of ``unit`` above ``below`` of which something holds, where it holds of
    ``high`` and of every multiple above one of which it does; ``high`` where it does not hold of the last multiple
    before. And the multiple below it.

    >>> at_least_7 = lambda places, number: number >= 7
    >>> smallest(at_least_7, np.array([0.0]), np.array([13.0]), np.array([4.0]))
    (array([8.]), array([4.]))
    """
    high, top = high.copy(), high // unit
    top = np.where(top * unit == high, top - 1, top)  # the last multiple below
    bottom = below // unit + 1
    tried = np.flatnonzero(top >= bottom)
    holding = tried[holds(tried, (top * unit)[tried, None])[:, 0]] if len(tried) else tried
    low, last = bottom[holding], top[holding]
    while len(still := np.flatnonzero(low < last)):
        numbers = low[still, None] + np.floor((last - low)[still, None] * _parts(len(still)))
        failed = np.count_nonzero(~holds(holding[still], numbers * unit[holding[still], None]), axis=1)
        ends = np.column_stack([low[still] - 1, numbers, last[still]])
        place = np.arange(len(still))
        low[still], last[still] = ends[place, failed] + 1, ends[place, failed + 1]
    under = np.maximum(top * unit, below)
    high[holding] = last * unit[holding]
    under[holding] = np.maximum((last - 1) * unit[holding], below[holding])
    return high, under


def _parts(rows: int) -> Array:
    """Shares of an interval at which to look, the more the fewer rows there are."""
    several = min(63, max(1, AT_ONCE // rows))
    return np.arange(1, several + 1) / (several + 1)

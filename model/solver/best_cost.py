"""What a token costs on a machine at its best batch, as one quantity is varied: for many values at once.

Cost per token never rises with the batch, so that the best batch is the largest that fits: found by halving, and at an
answer solved for again, as the best batch alone is.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.hardware import QUANTITIES
from steptime.model.choices import Minimise, PhaseName
from steptime.model.errors import NotSolved
from steptime.model.phases.memory import usable
from steptime.model.quantity import lookup
from steptime.model.solver.batch import SCALES, solve_batch
from steptime.model.solver.limits import least_batch
from steptime.model.solver.practice import Practice, practice_of
from steptime.model.step.case import Case
from steptime.model.step.estimate import estimated_time

Numbers = NDArray[np.float64]
FAR, HALVINGS = 1e12, 60
"""Sequences that stand for any number of them, where memory does not limit them; halvings of their logarithm."""
ALIKE = 1e-6
"""By how much, relative to it, a cost may differ from that of the best batch as it is solved for alone."""
OF_MACHINE = frozenset({*(lookup(name).symbol for name in QUANTITIES), q.peak_flops})
"""What belongs to a machine: its peak, bandwidths, capacity, links with their latencies, price and power."""


@dataclass(frozen=True)
class Machine:
    """A machine at its layout: its case, what is varied of it, and the coefficients of its estimate, if it is of that
    one. ``held``: at the batch as stated, not at the best."""

    case: Case
    over: Symbol | None
    held: bool
    chosen: Coefficients | None

    @property
    def name(self) -> str:
        return self.case.hardware.name

    def there(self, at: Any) -> Case:
        """The case at other values of what is varied, whole sequences on every rank."""
        return self.case if self.over is None else self.case.changed({self.over: at})

    def batches(self, at: Numbers) -> Numbers:
        """The batch as stated, or the largest for which there is room, of any size; not a number where even the least
        has none."""
        mean = self.there(at).relaxed
        if self.held:
            return np.broadcast_to(mean.scenario.value(q.batch), at.shape)
        least, most = np.full(at.shape, least_batch(self.case)), np.full(at.shape, FAR)
        if q.memory_capacity not in mean.scenario.values:
            return most

        def fits(batch: Numbers) -> NDArray[np.bool_]:
            there = mean.scenario | {q.batch: batch}
            taken = [there.evaluate(footprint.total + q.workspace) for footprint in mean.footprints]
            return np.asarray(np.max(np.broadcast_arrays(*taken), axis=0) <= there.evaluate(usable))

        none = ~fits(least)
        for _ in range(HALVINGS):
            middle = np.sqrt(least * most)
            inside = fits(middle)
            least, most = np.where(inside, middle, least), np.where(inside, most, middle)
        return np.where(none, np.nan, least)

    @cached_property
    def practice(self) -> Practice | None:
        """The estimate as it is solved for; of training there is another way, which needs no one pass to be longest."""
        trains = self.case.phase.name == PhaseName.TRAIN
        found = None if self.chosen is None or trains else practice_of(self.case.relaxed, self.chosen)
        is_apart = self.over == q.peak_flops and found is not None and q.wide_peak in found.case.scenario.values
        return None if is_apart else found  # attention has the listed peak only where that of products is no less

    @property
    def one_by_one(self) -> bool:
        """Whether the estimate has no arrays of what is varied."""
        return self.chosen is not None and self.practice is None and self.over in OF_MACHINE

    def chip_seconds(self, at: Numbers) -> Numbers:
        """Chip-seconds per token at that batch."""
        batches = self.batches(at)
        there = self.there(at).relaxed.changed({q.batch: batches})
        factor, power, _ = SCALES[Minimise.CHIP_SECONDS]
        scale = there.scenario.evaluate(factor / there.phase.yields) * batches**power
        bound = there.scenario.evaluate(q.mean_step_time)
        longer = bound if self.chosen is None else np.maximum(bound, self._estimates(self.chosen, there, at, batches))
        return np.broadcast_to(scale * longer, at.shape)

    def _estimates(self, chosen: Coefficients, there: Case, at: Numbers, batches: Numbers) -> Any:
        """Seconds of a step in practice."""
        if self.practice is not None:
            varied = {} if self.over is None else {self.over: at}
            scenario = self.practice.case.scenario | {**varied, q.batch: batches}
            parts = [[scenario.evaluate(time) for time in terms.values()] for terms in self.practice.parts.values()]
            return sum(np.max(np.broadcast_arrays(*times), axis=0) for times in parts)
        if not self.one_by_one:
            return estimated_time(there, chosen, every=True)
        cases = [self.there(x).relaxed.changed({q.batch: batch}) for x, batch in zip(at, batches, strict=True)]
        return np.array([estimated_time(case, chosen, every=True) for case in cases])

    def costs(self, at: Numbers) -> Numbers:
        """Dollars per token."""
        price = self.there(at).scenario.value(q.chip_hour_price)
        return np.asarray(price / 3600 * self.chip_seconds(at))

    def side(self, at: float) -> "Side":
        """The best batch at one value, as it is solved for; raises NotSolved where it costs anything else than
        ``costs`` says."""
        there, here = self.there(at), np.array([at])
        seconds, batch = float(self.chip_seconds(here)[0]), float(self.batches(here)[0])
        price = there.number(q.chip_hour_price)
        if self.held:
            return Side(there, batch, None, 1 / seconds, price)
        found = solve_batch(there, Minimise.CHIP_SECONDS, in_practice=self.chosen is not None)
        solved = found.infimum if found.solution is None else found.solution.cost
        at_bound = self.chosen is not None and seconds == float(replace(self, chosen=None).chip_seconds(here)[0])
        if solved is None or (abs(solved / seconds - 1) > ALIKE and not at_bound):  # no estimate is below its bound
            raise NotSolved(f"the best batch on {self.name} takes {solved} chip-seconds per token, not {seconds}")
        best = None if found.solution is None else found.solution.value
        whole = float(found.integer["batch"]) if found.integer.get("feasible") else None
        return Side(there if best is None else there.changed({q.batch: whole or best}), best, whole, 1 / seconds, price)


@dataclass(frozen=True)
class Side:
    """One machine at a value: its best batch (None where none attains the least cost), the whole one beside it, at
    which ``case`` is, and tokens per second of one chip; ``price`` is dollars a chip-hour."""

    case: Case
    batch: float | None
    whole: float | None
    rate: float
    price: float | None

    @property
    def cost(self) -> float | None:
        """Dollars per million tokens."""
        return None if self.price is None else 1e6 * self.price / 3600 / self.rate

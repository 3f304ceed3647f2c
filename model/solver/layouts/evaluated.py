"""Figures of many layouts at many batches: step time, cost, rates, and the limits that each breaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, PhaseName
from steptime.model.layout.enumeration import Columns
from steptime.model.numeric import Spread
from steptime.model.phases.memory import available
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import ROUNDING
from steptime.model.solver.layouts.variants import NO_LINK

if TYPE_CHECKING:
    from steptime.model.solver.layouts.formulas import Formulas

Array = np.ndarray
Held = dict[frozenset[tuple[Symbol, float]], Array]
NEVER = 1e100
"""Seconds of a step over a link that has no figure."""


def _quietly(evaluated: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings of numbers that no float holds."""

    def call(points: "Points", *others: Array) -> Any:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return evaluated(points, *others)

    return call


@dataclass(frozen=True)
class Points:
    """Some layouts (rows) at some batches (columns); each figure is worked out where it is asked for.

    ``heads``: the rows of ``columns`` that the scenarios' short arrays stand for. ``first_token``: seconds of a prompt
    alone, a row each. Points of the same layouts and batches share emptier ranks, and by formats the bytes of a chip.
    """

    formulas: "Formulas"
    scenarios: Sequence[Scenario]
    columns: Columns
    heads: Array
    batches: Array
    first_token: Array | None = None
    shared: list[Scenario] = field(default_factory=list)
    rooms: Held = field(default_factory=dict, kw_only=True)

    @property
    def at_bound(self) -> "Points":
        """The same points at the bound."""
        return self

    @property
    def spread(self) -> Spread | None:
        return self.scenarios[0].spread

    def _long(self, value: Any) -> Array:
        """A figure for every point."""
        return np.broadcast_to(self.spread.long(value) if self.spread else value, self.batches.shape)

    @cached_property
    def _each_way(self) -> list[Any]:
        """The step time in each way to copy tokens to experts. What the ways share is evaluated once."""
        return self._each_bound(self.formulas.times)

    def _each_bound(self, bounds: Sequence[Expr], scenarios: Sequence[Scenario] | None = None) -> list[Any]:
        first, *others = self.scenarios if scenarios is None else scenarios
        slots = self.formulas.slots
        found = [np.asarray(first.evaluate(bounds[0]))]
        for scenario, mine, expr in zip(others, slots[1:], bounds[1:], strict=True):
            shared = {s: value for s, value in first.known.items() if mine.get(s) == slots[0][s]}
            found.append(scenario.knowing(shared).evaluate(expr))
        return list(self.spread.level(found)) if self.spread else found

    @cached_property
    @_quietly
    def step_time(self) -> Array:
        """The step time in the faster way to copy tokens to experts."""
        return self._long(np.minimum.reduce(self._each_way) if len(self._each_way) > 1 else self._each_way[0])

    @cached_property
    @_quietly
    def mean_step_time(self) -> Array:
        """The time in which as many tokens come out as there are sequences in flight, copied the way that is the
        faster: every prefill counted, and units that never meet each at its own pace (`phases.loads.mean_step`)."""
        every = {q.own_prefill: 0.0} if q.own_prefill in self.scenarios[0].values else {}
        fuller = self._chosen([one | every for one in self.scenarios]) if every else self.step_time
        if self.formulas.units is None:
            return fuller
        units = self._long(self.scenarios[0].evaluate(self.formulas.units))
        least = np.floor(self.batches / units)
        more = self.batches - units * least
        rows, columns = np.nonzero((more > 0) & (least > 0))
        if not len(rows):  # all alike, or some with one and the others idle
            return fuller
        batches = (units * least)[rows, columns][:, None]
        there = self._emptier(rows, {q.batch: batches} | every)
        part = replace(self, scenarios=there, batches=batches, heads=self.heads[rows])
        lighter = fuller.copy()
        lighter[rows, columns] = part._chosen(there, self.faster[rows, columns][:, None])[:, 0]
        return np.asarray(self.batches / (more * (least + 1) / fuller + (units - more) * least / lighter))

    def _emptier(self, rows: Array, values: Mapping[Symbol, Any]) -> list[Scenario]:
        """The scenarios of some rows, with other values. What another machine has worked out of the same rows stays."""
        if not self.shared:
            self.shared.extend(self._rows(one, rows, values) for one in self.scenarios)
        numbers, known = self.scenarios[0].values, self.shared[0].values
        differing = {s: v for s, v in numbers.items() if np.ndim(v) == 0 and s not in values and known[s] != v}
        self.shared[:] = [one | differing for one in self.shared]
        return list(self.shared)

    def _rows(self, scenario: Scenario, rows: Array, values: Mapping[Symbol, Any]) -> Scenario:
        """A scenario of some rows, with other values."""
        size = len(self.batches)
        own = {s: v[rows] if np.ndim(v) == 2 and len(v) == size > 1 else v for s, v in scenario.values.items()}
        return Scenario({**own, **values}, scenario.definitions)

    @cached_property
    def faster(self) -> Array:
        """Which way to copy tokens is the faster."""
        return np.asarray(np.argmin(np.broadcast_arrays(*map(self._long, self._each_way)), axis=0))

    def _chosen(self, scenarios: Sequence[Scenario], faster: Array | None = None) -> Array:
        """The step time in the way that is the faster here, in other scenarios of the same points."""
        ways = self._each_bound(self.formulas.times, scenarios)
        return np.asarray(np.choose(self.faster if faster is None else faster, [self._long(way) for way in ways]))

    @_quietly
    def tie_bounds(self) -> list[Array]:
        """What is minimised where operations, and where nothing, overlaps, copied the way that was the faster."""
        found = []
        for overlap in (Overlap.PER_OPERATION, Overlap.NONE):
            ways = self._each_bound(self.formulas.bounds(overlap))
            found.append(self.cost_of(np.choose(self.faster, [self._long(way) for way in ways]), self.batches))
        return found

    @_quietly
    def cost_of(self, times: Array, batches: Array) -> Array:
        """What is minimised where steps of these batches take these times."""
        scale = self._long(self.scenarios[0].evaluate(self.formulas.factor))
        return np.asarray(scale * times * batches**self.formulas.exponent)

    @cached_property
    @_quietly
    def cost(self) -> Array:
        """What is minimised."""
        times = self.step_time if self.formulas.exponent == 0 else self.mean_step_time
        return np.asarray(self.cost_of(times, self.batches))

    @cached_property
    @_quietly
    def _yields(self) -> Any:
        return self.scenarios[0].evaluate(self.formulas.phase.yields)

    @cached_property
    @_quietly
    def per_sequence(self) -> Array:
        """Tokens per second of a sequence."""
        return np.asarray(self._yields / self.step_time)

    @cached_property
    @_quietly
    def per_chip(self) -> Array:
        """Tokens per second of a chip."""
        return np.asarray(self.batches * self._yields / self.mean_step_time / self._long(self._number(q.chips)))

    def _number(self, symbol: Symbol) -> Any:
        return self.scenarios[0].value(symbol)

    @cached_property
    @_quietly
    def _held(self) -> Array:
        """Bytes that the fullest chip needs."""
        phase, first, room = self.formulas.phase, self.scenarios[0], self.formulas.room
        reached = frozenset[Symbol]().union(*map(first.reach, room.reads))
        same = frozenset((s, v) for s, v in first.values.items() if s in reached and np.ndim(v) == 0)
        if same not in self.rooms:
            derived = {*phase.definitions, *({q.bytes_per_weight} & first.definitions.keys() - first.values.keys())}
            sizes = {symbol: first.value(symbol) for symbol in derived & room.reads}
            self.rooms[same] = self._long(room.of(self.columns, self.heads, {**first.values, **sizes}, self.spread))
        return self.rooms[same]

    @property
    def joined(self) -> bool:
        """Whether every link has a figure, so that no layout needs one that is not there."""
        values = self.scenarios[0].values
        return all(np.all(values[link] > NO_LINK) for link in (q.scale_up_bandwidth, q.scale_out_bandwidth))

    @cached_property
    @_quietly
    def above(self) -> dict[str, Array]:
        """Limits that a point breaks, and every larger batch with it."""
        search, found = self.formulas.search, dict[str, Array]()
        if q.memory_capacity in self.scenarios[0].values:
            found["memory_capacity"] = self._held > self.scenarios[0].evaluate(available)
        if search.max_step_time is not None:
            found["max_step_time"] = self.step_time > search.max_step_time
        if self.first_token is not None and search.max_ttft is not None:
            found["max_ttft"] = np.broadcast_to(self.first_token > search.max_ttft, self.batches.shape)
        for limit in search.limits:
            most = limit.value * (1 + ROUNDING)
            if limit.quantity in (q.batch, q.micro_batch) and limit.upper:
                found[limit.quantity.name] = self._long(self._number(limit.quantity)) > most
            elif limit.quantity == q.memory_per_chip:
                found[limit.quantity.name] = self._held > most
            elif limit.quantity == q.step_time:
                found[limit.quantity.name] = self.step_time > most
            elif limit.quantity == q.tokens_per_second_per_sequence:
                found[limit.quantity.name] = self.per_sequence * (1 + ROUNDING) < limit.value
        return found

    @cached_property
    @_quietly
    def below(self) -> dict[str, Array]:
        """Limits that a point breaks, and every smaller batch with it; and layouts over links that are not there."""
        search, found = self.formulas.search, dict[str, Array]()
        if self.formulas.phase.name != PhaseName.TRAIN:  # there, only whole micro-batches are enumerated
            ranks = self._number(q.replicas) * self._number(q.data_parallel) * self._number(q.pipeline_parallel)
            found["minimum_batch"] = self.batches < ranks
        for limit in search.limits:
            name, least = limit.quantity.name, limit.value * (1 - ROUNDING)
            if limit.quantity in (q.batch, q.micro_batch) and not limit.upper:
                found[name] = found.get(name, False) | (self._long(self._number(limit.quantity)) < least)
            elif limit.quantity == q.tokens_per_second:
                found[name] = self.per_chip * self._long(self._number(q.chips)) < least
            elif limit.quantity == q.dollars_per_million_tokens:
                hours = self._number(q.chip_hour_price) / self._number(q.hour) * self._number(q.million)
                found[name] = hours / self.per_chip * (1 - ROUNDING) > limit.value
            elif limit.quantity == q.joules_per_token:
                found[name] = self._number(q.power) / self.per_chip * (1 - ROUNDING) > limit.value
        found["missing_link"] = np.zeros(self.batches.shape, bool) if self.joined else ~(self.step_time < NEVER)
        return found

    @cached_property
    def fits(self) -> Array:
        """Whether larger batches may be possible: no limit on what grows with the batch is broken."""
        return ~np.logical_or.reduce(list(self.above.values())) if self.above else np.ones(self.batches.shape, bool)

    @cached_property
    def possible(self) -> Array:
        """Whether no limit is broken."""
        return np.asarray(self.fits & ~np.logical_or.reduce(list(self.below.values())))

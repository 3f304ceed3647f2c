"""Formulas of a search over layouts: numbers for many layouts and batches at once, from one ledger.

The ledger's slots are evaluated with arrays in the place of degrees and batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Max, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Copies, Minimise, Overlap, PhaseName
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import SYMBOLS
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import ROUNDING, SCALES
from steptime.model.solver.layouts.points import Search
from steptime.model.step.case import step_bound

Array = np.ndarray
NEVER = 1e100
"""Seconds of a step over a link that has no figure."""


class Formulas:
    """Expressions with symbols for degrees and batch: the same for all machines and formats that share a plan.

    ``alone``: of one sequence on the whole machine, which replicas and stages do not divide.
    """

    def __init__(
        self, accounts: Accounts, phase: Phase, plan: Plan, search: Search, minimise: Minimise,
        given: Mapping[Symbol, Any], alone: bool = False,
    ) -> None:  # fmt: skip
        ways = [search.copies] if search.copies else list(Copies)[: 1 + bool(accounts.experts)]
        self.phase, self.search = phase, search
        self.room = accounts.rooms(plan, phase, given)
        self.ledgers = [accounts.ledger(replace(plan, copies=way), phase, given=given) for way in ways]
        cached = accounts.cache_definitions(phase, given)
        self.stated_per_token = {q.kv_written} if cached else set[Symbol]()  # its definition has the number
        self.slots = [{**ledger.slots, **cached} for ledger in self.ledgers]
        for slots in self.slots if alone else ():
            slots[q.micro_batch] = Max(1, slots[q.micro_batch])
        self.by_hand = bool(accounts.by_hand(given))
        self.times = self.bounds(search.inputs.overlap)
        factor, self.exponent, _ = SCALES[minimise]
        self.factor = factor if self.exponent == 0 else factor / phase.yields

    def bounds(self, overlap: Overlap) -> list[Expr]:
        """The step time in each way to copy tokens to experts."""
        if overlap != Overlap.PER_OPERATION:
            return [step_bound(self.phase, (), overlap)] * len(self.ledgers)
        lines = [self.phase.ledger if self.by_hand else ledger.operations for ledger in self.ledgers]
        return [step_bound(self.phase, operations, overlap) for operations in lines]

    def numbers(
        self, values: Mapping[Symbol, Any], columns: Columns, rows: Array, heads: Array, batches: Array
    ) -> dict[Symbol, Any]:
        """A number or an array for each symbol: a row for each layout, a column for each batch."""
        numbers: dict[Symbol, Any] = {s: v for s, v in values.items() if s not in self.stated_per_token}
        numbers |= {q.batch: batches, q.chips: columns["chips"][heads][:, None]}
        numbers |= {symbol: columns[name][heads][:, None] for name, symbol in SYMBOLS.items()}
        numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
        own = [s for s in (q.microbatch, q.interleave) if s.name in columns]
        return numbers | {symbol: columns[symbol.name][rows][:, None] for symbol in own}

    def at(
        self, values: Mapping[Symbol, Any], columns: Columns, rows: Array, batches: Array,
        first_token: Array | None = None,
    ) -> "Points":  # fmt: skip
        """Some layouts, a row each, at batches of their own."""
        numbers = self.numbers(values, columns, rows, rows, batches)
        scenarios = [Scenario(numbers, slots) for slots in self.slots]
        every = np.broadcast_to(batches, (len(rows), batches.shape[1]))
        return Points(self, scenarios, columns, rows, every, first_token)


def _quietly(evaluated: Callable[["Points"], Any]) -> Callable[["Points"], Any]:
    """Without warnings of numbers that no float holds."""

    def call(points: "Points") -> Any:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return evaluated(points)

    return call


@dataclass(frozen=True)
class Points:
    """Some layouts (rows) at some batches (columns); each figure is worked out where it is asked for.

    ``heads``: the rows of ``columns`` that the scenarios' short arrays stand for. ``first_token``: seconds of a prompt
    alone, a row each.
    """

    formulas: Formulas
    scenarios: Sequence[Scenario]
    columns: Columns
    heads: Array
    batches: Array
    first_token: Array | None = None

    @property
    def spread(self) -> Spread | None:
        return self.scenarios[0].spread

    def _long(self, value: Any) -> Array:
        """A figure for every point."""
        return np.broadcast_to(self.spread.long(value) if self.spread else value, self.batches.shape)

    @cached_property
    def _each_way(self) -> list[Any]:
        """The step time in each way to copy tokens to experts. What the ways share is evaluated once."""
        return self._times(self.formulas.times)

    def _times(self, bounds: Sequence[Expr]) -> list[Any]:
        first, slots = self.scenarios[0], self.formulas.slots
        found = [np.asarray(first.evaluate(bounds[0]))]
        for scenario, mine, expr in zip(self.scenarios[1:], slots[1:], bounds[1:], strict=True):
            shared = {s: value for s, value in first.known.items() if mine.get(s) == slots[0][s]}
            found.append(scenario.knowing(shared).evaluate(expr))
        return list(self.spread.level(found)) if self.spread else found

    @cached_property
    @_quietly
    def step_time(self) -> Array:
        """The step time in the faster way to copy tokens to experts."""
        return self._long(np.minimum.reduce(self._each_way) if len(self._each_way) > 1 else self._each_way[0])

    @_quietly
    def tie_bounds(self) -> list[Array]:
        """What is minimised where operations, and where nothing, overlaps, copied the way that was the faster."""
        found = []
        for overlap in (Overlap.PER_OPERATION, Overlap.NONE):
            ways = self._times(self.formulas.bounds(overlap))
            faster = np.argmin(np.broadcast_arrays(*map(self._long, self._each_way)), axis=0)
            found.append(self._cost(np.choose(faster, [self._long(way) for way in ways])))
        return found

    def _cost(self, times: Array) -> Array:
        scale = self._long(self.scenarios[0].evaluate(self.formulas.factor))
        return np.asarray(scale * times * self.batches**self.formulas.exponent)

    @cached_property
    @_quietly
    def cost(self) -> Array:
        """What is minimised."""
        return self._cost(self.step_time)

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
        return np.asarray(self.batches * self._yields / self.step_time / self._long(self._number(q.chips)))

    def _number(self, symbol: Symbol) -> Any:
        return self.scenarios[0].value(symbol)

    @cached_property
    @_quietly
    def _held(self) -> Array:
        """Bytes that the fullest chip needs."""
        phase, first = self.formulas.phase, self.scenarios[0]
        derived = {*phase.definitions, *({q.bytes_per_weight} & first.definitions.keys() - first.values.keys())}
        sizes = {symbol: first.value(symbol) for symbol in derived}
        return self._long(self.formulas.room.of(self.columns, self.heads, {**first.values, **sizes}, self.spread))

    @cached_property
    @_quietly
    def above(self) -> dict[str, Array]:
        """Limits that a point breaks, and every larger batch with it."""
        search, found = self.formulas.search, dict[str, Array]()
        if q.memory_capacity in self.scenarios[0].values:
            found["memory_capacity"] = self._held > self._number(q.memory_capacity)
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
        found["missing_link"] = ~(self.step_time < NEVER)
        return found

    @cached_property
    def fits(self) -> Array:
        """Whether larger batches may be possible: no limit on what grows with the batch is broken."""
        return ~np.logical_or.reduce(list(self.above.values())) if self.above else np.ones(self.batches.shape, bool)

    @cached_property
    def possible(self) -> Array:
        """Whether no limit is broken."""
        return np.asarray(self.fits & ~np.logical_or.reduce(list(self.below.values())))

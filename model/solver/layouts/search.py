"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

The ledger's slots are evaluated with arrays in the place of degrees and batch, in blocks, so that memory stays bounded
however many points there are.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import Copies, Minimise, Overlap, PhaseName, Split
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns, layouts
from steptime.model.layout.layout import SYMBOLS
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.phases.phase import Phase
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import SCALES
from steptime.model.solver.layouts.points import Answer, Kept, Search
from steptime.model.step.case import step_bound

from steptime.model.solver.layouts.variants import (  # isort: skip
    Variant, affordable, executions, must_have, nothing_to_try, variants_on,
)  # fmt: skip

Array = np.ndarray
BLOCK = 2**20
"""Points evaluated in one piece."""
NEVER = 1e100
"""Seconds of a step over a link that has no figure."""


def search_layouts(search: Search, progress: Callable[[float], None] = lambda share: None) -> Answer:
    """The best point under the limits; raises UserError where a figure is missing or no point satisfies all limits."""
    started, accounts = time.perf_counter(), accounts_of(search.model)
    if not accounts.is_architecture:
        raise UserError(f"a search needs an architecture: {accounts.name} is a list of quantities, split perfectly")
    held = {key: value for key, value in search.held.items() if key != "copies"}
    ways = [search.copies] if search.copies else list(Copies)[: 1 + bool(accounts.experts)]
    columns = layouts(accounts.model, search.chips, held)
    if search.inputs.phase == PhaseName.TRAIN:
        columns = executions(columns, search, accounts.layers)
    variants = [variant for machine in search.hardware for variant in variants_on(search, accounts, machine)]
    minimise = search.minimise or affordable(variants)
    must_have(variants, minimise)
    kept = Kept(search, minimise, columns, tuple(variant.question for variant in variants))
    done = 0
    for (plan, phase), group in groupby(enumerate(variants), key=lambda one: (one[1].plan, one[1].phase)):
        alike = list(group)
        for split in Split:
            formulas = _Formulas(accounts, phase, replace(plan, ffn=split), ways, search, minimise)
            rows = np.flatnonzero((columns["ffn_all"] == (split == Split.STAGE)) & alike[0][1].differs(columns))
            for block in np.array_split(rows, max(1, -(-len(rows) * len(search.batches) // BLOCK))):
                if len(block):
                    formulas.evaluate(alike, columns, block, kept)
            done += len(alike)
            progress(done / 2 / len(variants))
    if not kept.points:
        raise nothing_to_try(search)
    return kept.finished(time.perf_counter() - started)


class _Formulas:
    """Expressions with symbols for degrees and batch: the same for all machines and formats that share a plan."""

    def __init__(
        self, accounts: Accounts, phase: Phase, plan: Plan, ways: Sequence[Copies], search: Search, minimise: Minimise
    ) -> None:
        self.phase, self.search, overlap = phase, search, search.inputs.overlap
        self.room = accounts.rooms(plan, phase)
        ledgers = [accounts.ledger(replace(plan, copies=way), phase) for way in ways]
        self.slots = [ledger.slots for ledger in ledgers]
        lines = [ledger.operations if overlap == Overlap.PER_OPERATION else () for ledger in ledgers]
        self.times = [step_bound(phase, operations, overlap) for operations in lines]
        self.batches = np.array(search.batches, dtype=float)
        factor, self.exponent, _ = SCALES[minimise]
        self.factor = factor if self.exponent == 0 else factor / phase.yields

    def evaluate(self, variants: Sequence[tuple[int, Variant]], columns: Columns, rows: Array, kept: Kept) -> None:
        """All batches of some layouts on every machine and in every format: what is the same for them, once."""
        spread, heads = _spread(columns, rows)
        first = None
        for number, variant in variants:
            numbers = {**variant.values, q.batch: self.batches[None, :], q.chips: columns["chips"][heads][:, None]}
            numbers |= {symbol: columns[name][heads][:, None] for name, symbol in SYMBOLS.items()}
            numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
            numbers |= {s: columns[s.name][rows][:, None] for s in (q.microbatch, q.interleave) if s.name in columns}
            if first is None or numbers.keys() != first[0].values.keys():
                first = [Scenario(numbers, slots, spread) for slots in self.slots]
            else:
                differing = {s: numbers[s] for s in variant.values if numbers[s] != first[0].values[s]}
                first = [scenario | differing for scenario in first]
            self._points(number, first, columns, rows, heads, kept)

    def _points(
        self, number: int, scenarios: Sequence[Scenario], columns: Columns, rows: Array, heads: Array, kept: Kept
    ) -> None:
        """Step time, cost, rates, and the limits that each point breaks."""
        scenario, batches = scenarios[0], self.batches[None, :]
        spread, numbers = scenario.spread, scenario.values
        long, shape = spread.long if spread else _as_it_is, (len(rows), len(self.batches))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            step_time = np.broadcast_to(long(self._step_time(scenarios, spread)), shape)
            cost = np.broadcast_to(long(scenario.evaluate(self.factor)) * step_time * batches**self.exponent, shape)
            yields = scenario.evaluate(self.phase.yields)
            broken = {}
            if self.phase.name != PhaseName.TRAIN:  # there, only whole micro-batches are enumerated
                ranks = numbers[q.replicas] * numbers[q.data_parallel] * numbers[q.pipeline_parallel]
                broken["minimum_batch"] = batches < ranks
            if q.memory_capacity in numbers:
                sizes = {symbol: scenario.value(symbol) for symbol in self.phase.definitions}
                needed = self.room.of(columns, heads, {**numbers, **sizes}, spread)
                broken["memory_capacity"] = long(needed) > numbers[q.memory_capacity]
            if self.search.max_step_time is not None:
                broken["max_step_time"] = step_time > self.search.max_step_time
            broken["missing_link"] = ~(step_time < NEVER)
            per_chip = batches * yields / step_time / long(numbers[q.chips])
            kept.add(number, rows, step_time, cost, yields / step_time, per_chip,
                     {name: np.broadcast_to(bad, shape) for name, bad in broken.items()})  # fmt: skip

    def _step_time(self, scenarios: Sequence[Scenario], spread: Spread | None) -> Array:
        """The step time in the faster way to copy tokens to experts. What both ways share is evaluated once."""
        first, slots = scenarios[0], self.slots[0]
        least = np.asarray(first.evaluate(self.times[0]))
        for scenario, expr in zip(scenarios[1:], self.times[1:], strict=True):
            shared = {s: value for s, value in first.known.items() if scenario.definitions.get(s) == slots[s]}
            both = [least, scenario.knowing(shared).evaluate(expr)]
            least = np.minimum(*(spread.level(both) if spread else both))
        return least


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]


def _as_it_is(value: float | Array) -> float | Array:
    return value

"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

The ledger's slots are evaluated with arrays in the place of degrees and batch, in blocks, so that memory stays bounded
however many points there are.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.models import AbstractModel, load_model
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns, layouts
from steptime.model.layout.layout import SYMBOLS, parse_layout
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import ledger_of
from steptime.model.phases.phase import Phase
from steptime.model.phases.rooms import Rooms
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import SCALES
from steptime.model.solver.layouts.points import Answer, Kept, Search
from steptime.model.solver.layouts.variants import Variant, affordable, executions, must_have, variants_on
from steptime.model.step.case import overlap_bounds

Array = np.ndarray
BLOCK = 2**20
"""Points evaluated in one piece."""
NEVER = 1e100
"""Seconds of a step over a link that has no figure."""


def search_layouts(search: Search, progress: Callable[[float], None] = lambda share: None) -> Answer:
    """The best point under the limits; raises UserError where a figure is missing or no point satisfies all limits."""
    started = time.perf_counter()
    model = load_model(search.question.model)
    if isinstance(model, AbstractModel):
        raise UserError(f"solve layout needs an architecture: {model.name} is a list of quantities, split perfectly")
    fixed = dict(parse_layout(search.question.layout)) if search.question.layout else {}
    copies = (
        [str(fixed.pop("copies"))] if "copies" in fixed else ["per-domain", "per-expert"][: 1 + bool(model.experts)]
    )
    columns = layouts(model, search.chips, fixed)
    if search.question.phase == "train":
        columns = executions(columns, search, len(model.layers))
    variants = [variant for name in search.hardware for variant in variants_on(search, model, load_hardware(name))]
    minimise = search.minimise or affordable(variants)
    must_have(variants, minimise)
    kept = Kept(Answer(search, minimise, columns, tuple(variant.question for variant in variants)))
    formulas: dict[tuple[Plan, Phase], _Formulas] = {}
    for number, variant in enumerate(variants):
        for ffn_all in (0, 1):
            rows = np.flatnonzero((columns["ffn_all"] == ffn_all) & variant.differs(columns))
            plan = replace(variant.plan, ffn="all" if ffn_all else "tp")
            if (plan, variant.phase) not in formulas:
                formulas[plan, variant.phase] = _Formulas(model, variant.phase, plan, copies, search, minimise)
            for block in np.array_split(rows, max(1, -(-len(rows) * len(search.batches) // BLOCK))):
                if len(block):
                    formulas[plan, variant.phase].evaluate(variant, number, columns, block, kept)
            progress((number + (1 + ffn_all) / 2) / len(variants))
    return kept.finished(time.perf_counter() - started)


class _Formulas:
    """Expressions with symbols for degrees and batch: the same for all machines that share a plan."""

    def __init__(
        self, model: Transformer, phase: Phase, plan: Plan, copies: list[str], search: Search, minimise: str
    ) -> None:
        self.phase, self.search = phase, search
        self.room = Rooms(model, plan, phase)
        ledgers = [ledger_of(model, replace(plan, copies=way), phase) for way in copies]
        self.slots = [ledger.slots() for ledger in ledgers]
        operations = [ledger.operations() if search.question.overlap == "per-operation" else () for ledger in ledgers]
        self.times = [overlap_bounds(phase, lines)[search.question.overlap] for lines in operations]
        self.batches = np.array(search.batches, dtype=float)
        factor, self.exponent, _ = SCALES[minimise]
        self.factor = factor if self.exponent == 0 else factor / phase.yields

    def evaluate(self, variant: Variant, number: int, columns: Columns, rows: Array, kept: Kept) -> None:
        """All batches of some layouts: their step time, cost, rates, and the limits that each breaks."""
        spread, heads = _spread(columns, rows)
        batches, long = self.batches[None, :], spread.long if spread else _as_it_is
        shape = (len(rows), len(self.batches))
        numbers = {**variant.values, q.batch: batches, q.chips: columns["chips"][heads][:, None]}
        numbers |= {symbol: columns[name][heads][:, None] for name, symbol in SYMBOLS.items()}
        numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
        numbers |= {s: columns[s.name][rows][:, None] for s in (q.microbatch, q.interleave) if s.name in columns}
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            step_time, scenario = self._step_time(numbers, spread)
            step_time = np.broadcast_to(long(step_time), shape)
            cost = np.broadcast_to(long(scenario.evaluate(self.factor)) * step_time * batches**self.exponent, shape)
            yields = scenario.evaluate(self.phase.yields)
            broken = {}
            if self.phase.name != "train":  # there, only whole micro-batches are enumerated
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

    def _step_time(self, numbers: Mapping[Symbol, float | Array], spread: Spread | None) -> tuple[Array, Scenario]:
        """The step time in the faster way to copy tokens to experts. What both ways share is evaluated once."""
        first = Scenario(numbers, self.slots[0], spread)
        least = np.asarray(first.evaluate(self.times[0]))
        for slots, expr in zip(self.slots[1:], self.times[1:], strict=True):
            shared = [s for s in slots if slots[s] == self.slots[0].get(s) and s in first.known]
            second = Scenario({**numbers, **{symbol: first.known[symbol] for symbol in shared}}, slots, spread)
            both = [least, second.evaluate(expr)]
            least = np.minimum(*(spread.level(both) if spread else both))
        return least, first


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]


def _as_it_is(value: float | Array) -> float | Array:
    return value

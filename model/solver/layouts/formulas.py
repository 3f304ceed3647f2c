"""Formulas of a search over layouts: numbers for many layouts and batches at once, from one ledger.

The ledger's slots are evaluated with arrays in the place of degrees and batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Copies, Load, Minimise, Overlap, PhaseName
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import SCALES
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.points import Search
from steptime.model.step.bounds import stages_of, step_bound
from steptime.model.step.demands import demands_of

Array = np.ndarray


class Formulas:
    """Expressions with symbols for degrees and batch: the same for all machines and formats that share a plan."""

    def __init__(
        self, accounts: Accounts, phase: Phase, plan: Plan, search: Search, minimise: Minimise,
        given: Mapping[Symbol, Any],
    ) -> None:  # fmt: skip
        ways = [search.copies] if search.copies else list(Copies)[: 1 + bool(accounts.experts)]
        self.accounts, self.phase, self.search, self.plan = accounts, phase, search, plan
        self.room = accounts.rooms(plan, phase, given)
        self.ledgers = [accounts.ledger(replace(plan, copies=way), phase, given=given) for way in ways]
        cached = accounts.cache_definitions(phase, given)
        self.stated_per_token = {q.kv_written} if cached else set[Symbol]()  # its definition has the number
        self.slots = [{**ledger.slots, **cached} for ledger in self.ledgers]
        self.stages = stages_of(accounts, plan.load, q.pipeline_parallel)
        serves = phase.name != PhaseName.TRAIN and plan.load == Load.WHOLE
        meet = accounts.meets(Layout(ffn=plan.ffn))
        self.units = None if not serves else q.replicas if meet else q.replicas * q.data_parallel
        self.times = self.bounds(search.inputs.overlap)
        factor, self.exponent, _ = SCALES[minimise]
        self.factor = factor if self.exponent == 0 else factor / phase.yields

    def bounds(self, overlap: Overlap) -> list[Expr]:
        """The step time in each way to copy tokens to experts."""
        if overlap == Overlap.FULL:
            return [step_bound(self.phase, (), overlap)] * len(self.ledgers)
        return [step_bound(self.phase, ledger.operations, overlap, self.stages) for ledger in self.ledgers]

    @cached_property
    def demanded(self) -> list[dict[Symbol, Expr]]:
        """What an estimate needs of one chip, in each way to copy tokens to experts."""
        return [demands_of(self.accounts, self.phase, self.plan, ledger.operations) for ledger in self.ledgers]

    @cached_property
    def apart(self) -> frozenset[Symbol]:
        """What an estimate defines in one way to copy tokens otherwise than in the first."""
        first, *others = [{**slots, **asked} for slots, asked in zip(self.slots, self.demanded, strict=True)]
        return frozenset(s for one in others for s, expr in one.items() if first.get(s) != expr)

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

    def scenarios(
        self, values: Mapping[Symbol, Any], columns: Columns, rows: Array, batches: Array,
        others: Sequence[Scenario] = (),
    ) -> list[Scenario]:  # fmt: skip
        """Some layouts at batches of their own, in each way to copy tokens. ``others``: the same layouts with other
        values and batches; what does not follow from these stays."""
        numbers = self.numbers(values, columns, rows, rows, batches)
        if not others or numbers.keys() != others[0].values.keys():
            return [Scenario(numbers, slots) for slots in self.slots]
        changed = differing(values, numbers, others[0].values)
        return [one | {**changed, q.batch: batches} for one in others]

    def at(
        self, values: Mapping[Symbol, Any], columns: Columns, rows: Array, batches: Array,
        first_token: Array | None = None,
    ) -> Points:  # fmt: skip
        """Some layouts, a row each, at batches of their own."""
        scenarios = self.scenarios(values, columns, rows, batches)
        every = np.broadcast_to(batches, (len(rows), batches.shape[1]))
        return Points(self, scenarios, columns, rows, every, first_token)


def differing(
    values: Mapping[Symbol, Any], numbers: Mapping[Symbol, Any], before: Mapping[Symbol, Any]
) -> dict[Symbol, Any]:
    """The ``numbers`` of one variant, whose own are ``values``, that are others than on the variant ``before``; what
    the layouts say, in arrays, is the same on both."""
    own = {symbol: numbers[symbol] for symbol in values if symbol in numbers and np.ndim(numbers[symbol]) == 0}
    return {symbol: value for symbol, value in own.items() if value != before[symbol]}

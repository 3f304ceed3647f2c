"""A step on many layouts at once, before one is chosen: seconds at the bound, and by the estimate where there is one.

Every pass is one ledger with a column for each degree of parallelism, so that all layouts are evaluated together.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, PhaseName
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import along
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.scenario import Scenario
from steptime.model.step.bounds import stages_of, step_bound
from steptime.model.step.coefficients import coefficients_for, values_in_practice
from steptime.model.step.demands import demands_of, others_per_step, prompts_together, terms_of_phase
from steptime.model.step.prepared import Prepared
from steptime.model.terms import Operation

NO_LINK = {q.scale_up_bandwidth: 1e-300, q.scale_out_bandwidth: 1e-300, q.scale_up_domain: 1.0}
"""A link without a figure cannot carry anything: a layout that needs it is never the fastest."""


def degree_columns(columns: Columns) -> dict[Symbol, np.ndarray]:
    return {symbol: columns[key][:, None] for key, symbol in SYMBOLS.items()}


@dataclass(frozen=True)
class ManyLayouts:
    """One pass that waits for its layout."""

    asked: Prepared

    def bound(self, columns: Columns, overlap: Overlap) -> np.ndarray:
        """Seconds of the bound on each layout."""
        asked = self.asked
        stages = stages_of(asked.accounts, asked.plan.load, q.pipeline_parallel)
        operations: tuple[Operation, ...] = () if overlap == Overlap.FULL else self._operations
        return self.evaluated(columns, step_bound(asked.phase, operations, overlap, stages))

    @property
    def is_estimated(self) -> bool:
        return self._in_practice is not None and self.asked.accounts.transformer is not None

    def estimate(self, columns: Columns) -> np.ndarray:
        """Seconds that the terms of the estimate add up to on each layout."""
        return self._by_estimate(columns, sum(terms_of_phase(self.asked.inputs.phase).values()))

    def riding(self, columns: Columns, prompts: np.ndarray) -> np.ndarray:
        """Seconds that each of so many prompts side by side adds to a decode step in which they ride along."""
        number = prompts[:, None]
        return self._by_estimate(columns, along, {q.batch: number, e.riding: 1 / number})

    def _by_estimate(
        self, columns: Columns, expr: Expr, more: Mapping[Symbol, float | np.ndarray] | None = None
    ) -> np.ndarray:
        asked, values = self.asked, {**(self._in_practice or {}), **(more or {})}
        demands = demands_of(asked.accounts, asked.phase, asked.plan, self._operations)
        return self.evaluated(columns, expr, values, {s: one for s, one in demands.items() if s not in values})

    def evaluated(
        self, columns: Columns, expr: Expr, values: Mapping[Symbol, float | np.ndarray] | None = None,
        definitions: Mapping[Symbol, Expr] | None = None,
    ) -> np.ndarray:  # fmt: skip
        """An expression on each layout, with more numbers and definitions than the pass has."""
        numbers, known = self._numbers
        scenario = Scenario({**numbers, **(values or {}), **degree_columns(columns)}, {**known, **(definitions or {})})
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.broadcast_to(scenario.evaluate(expr), (len(columns["tp"]), 1))[:, 0]

    @cached_property
    def _in_practice(self) -> dict[Symbol, float] | None:
        asked = self.asked
        return values_in_practice(asked.inputs, asked.hardware, asked.precision["activations"], asked.values)

    @cached_property
    def _operations(self) -> tuple[Operation, ...]:
        asked = self.asked
        return asked.accounts.ledger(asked.plan, asked.phase, given=asked.values).operations

    @cached_property
    def _numbers(self) -> tuple[dict[Symbol, float], dict[Symbol, Expr]]:
        asked = self.asked
        numbers: dict[Symbol, float] = {**NO_LINK, **asked.values}
        definitions = {**asked.accounts.ledger(asked.plan, asked.phase, given=asked.values).slots}
        if cached := asked.accounts.cache_definitions(asked.phase, asked.values):
            numbers.pop(q.kv_written, None)  # given per token, as the definition has it
            definitions |= cached
        return numbers, definitions


@dataclass(frozen=True)
class ManySteps:
    """A step on many layouts: its own pass, and of in-flight batching the two passes whose estimates it adds up from,
    a decode step alone and one prompt alone."""

    step: ManyLayouts
    apart: tuple[ManyLayouts, ManyLayouts] | None = None

    @property
    def is_estimated(self) -> bool:
        return (self.apart or (self.step,))[0].is_estimated

    @property
    def most_stages(self) -> float:
        """The most stages of a pipeline that rows of the fit had: how far the estimate is off on more is not known."""
        asked = self.step.asked
        chosen = coefficients_for(asked.inputs) if self.is_estimated else None
        if chosen is None or asked.inputs.phase == PhaseName.TRAIN or not chosen.seen.stages:
            return math.inf
        return chosen.seen.stages[1]

    def in_practice(self, columns: Columns) -> np.ndarray:
        """Seconds of the estimate on each layout, the bound at least."""
        bound = self.step.bound(columns, self.step.asked.inputs.overlap)
        if self.apart is None:
            return np.asarray(np.maximum(bound, self.step.estimate(columns)))
        decode, prompt = self.apart
        asked = self.step.asked
        meets = asked.accounts.meets(Layout(ffn=asked.plan.ffn))
        others, prompts = (self.step.evaluated(columns, one) for one in (others_per_step, prompts_together(meets)))
        return np.asarray(np.maximum(bound, decode.estimate(columns) + others * prompt.riding(columns, prompts)))

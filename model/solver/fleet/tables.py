"""Seconds of a step on every layout of every machine, at many batches: what a fleet's groups are chosen from.

One evaluation of the ledger serves all machines that share its formulas, and all lengths that requests have.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Minimise, PhaseName, Scope, Split
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.memory import available
from steptime.model.solver.layouts.passes import Pass, key
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.practice import Estimates
from steptime.model.solver.layouts.variants import Variant, variants_on
from steptime.model.step.coefficients import coefficients_for
from steptime.model.step.inputs import Inputs

Array = np.ndarray
BATCHES = np.array(sorted({2**n for n in range(14)} | {3 * 2**n for n in range(12)}), float)
"""Sequences of a group at which a decode step is timed: powers of two, and one and a half times them, to 8,192."""
AT_ONCE = 2**21
"""Points that are worked out in one piece."""
NO_PART = (q.chip_hour_price, q.power)
"""Figures of a machine that no time follows from."""


@dataclass(frozen=True)
class Lengths:
    """What a pass works on: a decode step behind a context, or the prefill of a prompt of which so much is cached."""

    tokens: float
    cached: float = 0.0


@dataclass(frozen=True)
class Times:
    """Seconds at the bound and in practice, None where there is no estimate, and bytes over those available on the
    fullest chip: arrays over machines, lengths, layouts and batches."""

    bound: Array
    estimate: Array | None
    filled: Array

    def seconds(self, in_practice: bool) -> Array:
        """In practice where there is an estimate, else at the bound."""
        return self.estimate if in_practice and self.estimate is not None else self.bound


def times_of(
    accounts: Accounts, inputs: Inputs, machines: Sequence[Hardware], lengths: Sequence[Lengths], columns: Columns,
    phase: PhaseName, without: Collection[str] = (),
) -> Times:  # fmt: skip
    """A decode step at each batch, or the prefill of a prompt for each rank and stage, on every layout of ``columns``.
    ``without``: terms of the estimate that this part of a step has not.

    Raises UserError where a machine lacks a figure that the step needs.
    """
    decodes = phase == PhaseName.DECODE
    batches = BATCHES[None, :] if decodes else (columns["dp"] * columns["pp"])[:, None]
    asked = [_inputs(inputs, phase, one) for one in lengths]
    search = Search(accounts.model, tuple(machines), (1,), asked[0])
    variants = [_variant(replace(search, inputs=one), accounts, machine) for machine in machines for one in asked]
    step = Pass(search, accounts, columns, Minimise.CHIP_SECONDS, variants)
    chosen = coefficients_for(asked[0])
    estimates = None if chosen is None or accounts.transformer is None else Estimates(step, None, chosen)
    shape = (len(variants), len(columns["tp"]), batches.shape[1])
    bound, filled = np.empty(shape), np.empty(shape)
    estimate = np.empty(shape) if estimates is not None else None
    for numbers, rows in _pieces(variants, columns, batches.shape[1]):
        here = batches if decodes else batches[rows]
        points = step.at(numbers, rows, step.split(rows), here)
        bound[numbers, rows] = points.step_time
        filled[numbers, rows] = points._held / points.scenarios[0].evaluate(available)
        if estimates is not None and estimate is not None:
            estimate[numbers, rows] = points.step_time
            some = (filled[numbers, rows] <= 1).any(axis=1)  # no other layout is of use
            if some.any():
                terms, _ = estimates.terms(numbers[some], rows[some], here if decodes else here[some])
                seconds = sum(each for name, each in terms.items() if name not in without)
                estimate[numbers[some], rows[some]] = np.maximum(seconds, points.step_time[some])
    whole = (len(machines), len(lengths), *shape[1:])
    return Times(bound.reshape(whole), None if estimate is None else estimate.reshape(whole), filled.reshape(whole))


def _inputs(inputs: Inputs, phase: PhaseName, lengths: Lengths) -> Inputs:
    given: dict[Symbol, float | None]
    if phase == PhaseName.DECODE:
        given = {q.context: lengths.tokens}
    else:
        given = {q.prompt: lengths.tokens, q.batch: 1.0, **({q.cached: lengths.cached} if lengths.cached else {})}
    return inputs.with_given(given, phase=phase, scope=Scope.STEPS)


def _variant(search: Search, accounts: Accounts, machine: Hardware) -> Variant:
    """The first choice of formats, without what no time follows from."""
    found = variants_on(search, accounts, machine)[0]
    return replace(found, values={symbol: value for symbol, value in found.values.items() if symbol not in NO_PART})


def _pieces(variants: Sequence[Variant], columns: Columns, width: int) -> Any:
    """Variants that share their formulas, with layouts of one split, in pieces of bounded size."""
    groups: dict[object, list[int]] = {}
    for number, one in enumerate(variants):
        groups.setdefault((key(one), frozenset(one.values)), []).append(number)
    for split in Split:
        rows = np.flatnonzero(columns["ffn_all"] == (split == Split.STAGE))
        if not len(rows):
            continue
        for numbers in groups.values():
            every, places = np.repeat(numbers, len(rows)), np.tile(rows, len(numbers))
            pieces = max(1, -(-len(every) * width // AT_ONCE))
            yield from zip(np.array_split(every, pieces), np.array_split(places, pieces), strict=True)

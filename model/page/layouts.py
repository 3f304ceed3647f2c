"""The layouts that a page offers: on the scenario's number of chips and its halves and doubles, the fastest of each."""

from collections.abc import Iterator, Mapping

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import Copies, Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of, layouts
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.page.families import LINKS, plan_of, written_rooms
from steptime.model.page.outputs import Practice, practice_of
from steptime.model.phases.memory import filled, usable
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import NEVER
from steptime.model.solver.sweep.ways import way_of
from steptime.model.step.case import Case
from steptime.model.step.prepared import Prepared

MOST = 200
"""Layouts that a page offers."""
HALVED, DOUBLED = 2, 3
"""How often the number of chips is."""
MOST_ENUMERATED = 1024
"""Chips up to which other numbers than the scenario's are enumerated."""

Array = np.ndarray
Practices = Mapping[tuple[Split, Copies], Practice | None]
"""The estimate of each way; none where there is none."""


def offered(case: Case, asked: Prepared) -> list[Layout]:
    """The scenario's own layout, and of each number of chips those that take the least time at its batch, with room in
    memory before those without."""
    own = _plain(case.layout)
    numbers, practices = list(_chips(own.chips)), _practices(asked)
    found = {own: None}
    for chips in numbers:
        for layout in _fastest(asked, practices, chips)[: (MOST - 1) // len(numbers)]:
            found[layout] = None
    return sorted(found, key=lambda layout: (layout.chips, str(layout)))


def _plain(layout: Layout) -> Layout:
    """The degrees alone: how tokens are copied is chosen by the formulas."""
    return Layout(layout.tp, layout.cp, layout.dp, layout.ep, layout.pp, layout.replicas, layout.ffn)


def _practices(asked: Prepared) -> Practices:
    plans = {(split, kind): plan_of(asked, split, kind) for split in Split for kind in asked.ways_to_copy}
    return {key: practice_of(asked, way_of(asked, plan, one_unit=True), plan) for key, plan in plans.items()}


def _chips(chips: int) -> Iterator[int]:
    for times in range(-HALVED, DOUBLED + 1):
        if chips % 2 ** max(0, -times) == 0 and (times == 0 or chips * 2**times <= MOST_ENUMERATED):
            yield int(chips * 2**times)


def _fastest(asked: Prepared, practices: Practices, chips: int) -> list[Layout]:
    """Every layout on so many chips that has a number, the fastest first; none where there are too many to try."""
    try:
        every = layouts(asked.accounts.model, [chips])
    except UserError:
        return []
    found: list[tuple[bool, float, Layout]] = []
    for split in Split:
        rows = np.flatnonzero(every["ffn_all"] == (split == Split.STAGE))
        if len(rows):
            columns = {name: column[rows] for name, column in every.items()}
            held, times = _judged(asked, practices, split, columns)
            found += [(bool(full), float(time), layout_of(columns, row))
                      for row, (full, time) in enumerate(zip(held, times, strict=True)) if time < NEVER]  # fmt: skip
    return [layout for _, _, layout in sorted(found, key=lambda one: one[:2]) if _possible(asked, layout)]


def _possible(asked: Prepared, layout: Layout) -> bool:
    """Training needs whole micro-batches on every rank."""
    ranks = layout.dp * layout.replicas * asked.values.get(q.microbatch, 1.0)
    return q.microbatch not in asked.values or asked.values[q.batch] % ranks == 0


def _judged(asked: Prepared, practices: Practices, split: Split, columns: Columns) -> tuple[Array, Array]:
    """Whether each layout is without room, and its seconds in the faster way to copy tokens, in practice where there is
    an estimate."""
    rooms, tables = written_rooms(asked, split, columns)
    numbers: dict[Symbol, Array] = {symbol: columns[name] for name, symbol in SYMBOLS.items()}
    numbers |= {q.chips: columns["chips"], q.stage_chips: columns["tp"] * columns["cp"] * columns["dp"], **tables}
    size, full, times = len(columns["tp"]), None, []
    for kind in asked.ways_to_copy:
        way, practice = way_of(asked, plan_of(asked, split, kind), rooms, one_unit=True), practices[split, kind]
        values, definitions = {**LINKS, **way.values, **numbers}, way.definitions
        if practice is not None:
            values, definitions = {**values, **practice.values}, {**definitions, **practice.definitions}
        there = Scenario(values, definitions)
        with np.errstate(all="ignore"):
            terms = [] if practice is None else [there.evaluate(term) for term in practice.terms.values()]
            times.append(np.broadcast_to(np.maximum(there.evaluate(q.step_time), sum(terms)), size))
            if full is None and not there.missing(filled - usable):
                full = np.broadcast_to(there.evaluate(filled) > there.evaluate(usable), size)
    return np.zeros(size, bool) if full is None else full, np.minimum.reduce(times)

"""The formulas of a page: a program for each way in which they can be written, the same at all numbers and layouts.

Degrees of parallelism are symbols in them, so that a layout is a row of numbers. What decides which formulas there are
is how dense blocks are split, how tokens are copied to experts, and how sequences lie on ranks: whole ones, as a step
has them, or the mean, of which curves and their crossings are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.derivations.printed.program import Program, identifier, program
from steptime.model import symbols as q
from steptime.model.choices import Copies, Load, PhaseName, Split
from steptime.model.layout.choices import KIND_BYTES, Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.page.code import way_of_case
from steptime.model.page.outputs import practice_of, terms_alone, with_practice
from steptime.model.solver.layouts.variants import NO_LINK
from steptime.model.solver.sweep.families import columns_of
from steptime.model.solver.sweep.outputs import Way
from steptime.model.solver.sweep.ways import Written, limits_of, way_of, workspace_of
from steptime.model.step.case import Case
from steptime.model.step.prepared import Prepared
from steptime.model.terms import zero

LINKS = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
"""Numbers for links without a figure: what needs one never ends."""
DEGREES = (*SYMBOLS.values(), q.chips, q.stage_chips)

Array = np.ndarray
Key = tuple[Load, Split, Copies]


@dataclass(frozen=True)
class Families:
    """Programs by what decides them; numbers for what nothing on a page changes, by name; and a row for each layout."""

    programs: Mapping[Key, Program]
    values: Mapping[str, float]
    rows: tuple[Mapping[str, float], ...]

    @property
    def inputs(self) -> frozenset[str]:
        """What any of the programs reads."""
        return frozenset(symbol.name for one in self.programs.values() for symbol in one.inputs)


def families_of(case: Case, asked: Prepared, layouts: Sequence[Layout]) -> Families:
    """The programs of a page that offers these layouts."""
    found: dict[Key, Program] = {}
    values: dict[Symbol, Any] = {}
    if not asked.accounts.is_architecture:
        key = (Split.TENSOR, Copies.PER_DOMAIN)
        for load, one in ((Load.WHOLE, case), (Load.MEAN, case.relaxed)):
            found[load, *key], numbers = _written(asked, way_of_case(one), case.plan, load)
            values |= numbers
        return Families(found, _named(values), (_named({s: values[s] for s in DEGREES}),))
    rows = dict[Layout, Mapping[str, float]]()
    for split in Split:
        own = [layout for layout in layouts if layout.ffn == split]
        if not own:
            continue
        columns = columns_of(own)
        rooms, tables = written_rooms(asked, split, columns)
        rows |= dict(zip(own, _rows(columns, tables), strict=True))
        for kind in asked.ways_to_copy:
            for load, held in ((Load.WHOLE, rooms), (Load.MEAN, zero)):
                plan = replace(plan_of(asked, split, kind), load=load)
                found[load, split, kind], numbers = _written(asked, way_of(asked, plan, held), plan, load)
                values |= numbers
    return Families(found, _named(values), tuple(rows[layout] for layout in layouts))


def _written(asked: Prepared, way: Way, plan: Plan, load: Load) -> tuple[Program, Mapping[Symbol, Any]]:
    """The program of a way, and the numbers that it has; the workspace follows the capacity where it was not stated."""
    if q.workspace not in asked.inputs.given:
        trains = asked.inputs.phase == PhaseName.TRAIN
        workspace = {q.workspace: workspace_of(trains, asked.accounts.experts > 0)}
        values = {symbol: value for symbol, value in way.values.items() if symbol != q.workspace}
        way = replace(way, values=values, definitions={**way.definitions, **workspace})
    outputs: Mapping[str, Expr] = terms_alone(way)
    if load == Load.WHOLE:
        way, outputs = with_practice(way, practice_of(asked, way, plan))
        more = {
            f"limit_{name}": left - right for name, (left, right) in limits_of(_standing(asked, way), False).items()
        }
        more |= {symbol.name: symbol for symbol in lettered(way)}
        if asked.inputs.phase != PhaseName.TRAIN:
            more["rank_batch"] = q.rank_batch
        if q.context in asked.phase.definitions:
            more["context"] = q.context
        outputs = {**more, **outputs}
    return program(outputs, way.in_force), way.values


def _standing(asked: Prepared, way: Way) -> Written:
    """One way without axes: of what its limits are asked."""
    return Written((), (way,), asked, Layout(), frozenset())


def lettered(way: Way) -> list[Symbol]:
    """The quantities of the terms, which a page lists beside their formulas."""
    symbols = {symbol for expr in way.phase.resources.values() for symbol in expr.free_symbols}
    return sorted((symbol for symbol in symbols if symbol not in way.values), key=lambda symbol: symbol.name)


def plan_of(asked: Prepared, split: Split, kind: Copies) -> Plan:
    """What decides which formulas there are."""
    return replace(asked.plan, ffn=split, copies=kind)


def told_apart(asked: Prepared) -> Prepared:
    """The same with bytes for each kind of weights, unless all were set by hand: every format then has one formula."""
    if not asked.accounts.is_architecture or q.bytes_per_weight in asked.inputs.given:
        return asked
    return replace(asked, plan=replace(asked.plan, mixed=True), values=by_kind(asked.values))


def by_kind(values: Mapping[Symbol, float]) -> dict[Symbol, float]:
    """Numbers in which one for all weights stands for each kind.

    >>> by_kind({q.bytes_per_weight: 2.0})[q.router_weight_bytes]
    2.0
    """
    alike = {symbol: values[q.bytes_per_weight] for symbol in KIND_BYTES.values() if q.bytes_per_weight in values}
    return {**alike, **{symbol: value for symbol, value in values.items() if symbol != q.bytes_per_weight}}


def written_rooms(asked: Prepared, split: Split, columns: Columns) -> tuple[Expr, dict[Symbol, Array]]:
    """Memory of the fullest chip as an expression, and a row for each layout of what it has of its own."""
    plan = plan_of(asked, split, asked.ways_to_copy[0])
    return asked.accounts.rooms(plan, asked.phase, asked.inputs.given).written(columns)


def _rows(columns: Columns, tables: Mapping[Symbol, Array]) -> list[Mapping[str, float]]:
    """The numbers of each layout by name."""
    numbers = {symbol: columns[name] for name, symbol in SYMBOLS.items()}
    numbers |= {q.chips: columns["chips"], q.stage_chips: columns["tp"] * columns["cp"] * columns["dp"], **tables}
    return [_named({symbol: column[row] for symbol, column in numbers.items()}) for row in range(len(columns["tp"]))]


def _named(values: Mapping[Symbol, Any]) -> dict[str, float]:
    return {identifier(symbol.name): float(value) for symbol, value in values.items()}

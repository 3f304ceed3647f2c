"""The formulas of a family: its step in each way to copy tokens to experts, with numbers for what does not vary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Copies, Load, PhaseName
from steptime.model.errors import UserError
from steptime.model.estimate.clock import clock
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import layout_of
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import accounts_of
from steptime.model.phases.loads import mean_step
from steptime.model.phases.memory import Footprint, filled, usable
from steptime.model.scenario import Scenario, symbols_in
from steptime.model.solver.layouts.variants import NO_LINK
from steptime.model.solver.sweep.axes import Axis, Layouts
from steptime.model.solver.sweep.bought import bought
from steptime.model.solver.sweep.families import Family, columns_of, is_one_unit, is_one_way
from steptime.model.solver.sweep.outputs import Way
from steptime.model.solver.sweep.spec import ChipLayouts
from steptime.model.step.bounds import results, stages_of
from steptime.model.step.build import build_case, cases_at, prepare
from steptime.model.step.capped import counted_power, is_capped, must_leave_some, watts_of
from steptime.model.step.coefficients import coefficients_for
from steptime.model.step.defaults import MEASURED_ON, memory_limits
from steptime.model.step.inputs import Question
from steptime.model.step.prepared import Prepared
from steptime.model.terms import zero

LEAST = (q.cached, q.chunk, q.microbatch, q.interleave)
"""Quantities of which a question that stands for all points has the least positive value; of the others the largest."""
NEARLY = sympy.Float(1 + 1e-10, 17)
"""A ratio of whole numbers is known to rounding."""
FOLLOWS = (q.step_time, q.mean_step_time, q.dollars_per_million_tokens, q.joules_per_token, q.budget)
"""What follows from quantities that may vary."""
NOTHING = Footprint(zero, zero, zero)


@dataclass(frozen=True)
class Written:
    """A family's axes and ways; ``prepared``: what was read of the question that stands for all of its points."""

    axes: tuple[Axis, ...]
    ways: tuple[Way, ...]
    prepared: Prepared
    layout: Layout
    links: frozenset[Symbol]
    """Links without a figure: what needs one never ends."""
    plans: tuple[Plan, ...] = ()
    """Of the ways of an architecture."""


def standing(family: Family) -> Question:
    """A question with a value for every quantity that varies, so that each counts as stated."""
    given: dict[Symbol, float | None] = {}
    for axis in (one for one in family.axes if not isinstance(one, Layouts)):
        for symbol, values in axis.values(0, min(axis.length, 4096)).items():
            positive = values[values > 0]
            given[symbol] = float(positive.min() if symbol in LEAST else values.max()) if len(positive) else 0.0
    return family.scene.question.but(given)


def written(family: Family) -> Written:
    """The formulas of a family; raises UserError for what no point of it can be."""
    question = standing(family)
    if not accounts_of(question.model).is_architecture:
        asked = prepare(question)
        layout = family.layout or asked.inputs.layout or build_case(question).layout
        cases = cases_at(asked, layout)
        found = [Way(one.scenario.values, one.scenario.definitions, one.phase, one.operations, one.stages)
                 for one in cases]  # fmt: skip
        return _finished(family, family.axes, found, asked, layout)
    axes, columns = family.axes, family.columns
    asked = prepare(question)
    if columns is None:
        layout = asked.inputs.layout or build_case(question).layout
        if (why := asked.accounts.refusal(layout)) is not None:
            raise UserError(f"`layout`: {why}")
        columns, axes = columns_of([layout]), (Layouts(columns_of([layout])), *axes)
    first = layout_of(columns, 0)
    held = _held_copies(family, asked)
    one_way = bool(is_one_way(family.spec, family.scene, columns).all())
    kinds = [held] if held else list(Copies)[: 1 if one_way else 2]
    expr, tables = asked.accounts.rooms(
        replace(asked.plan, ffn=first.ffn), asked.phase, asked.inputs.given).written(columns)  # fmt: skip
    axes = (Layouts(columns, tables), *axes[1:])
    plans = [replace(asked.plan, ffn=first.ffn, copies=kind) for kind in kinds]
    one_unit = bool(is_one_unit(asked.accounts, columns).all())
    made = _finished(family, axes, [way_of(asked, plan, expr, one_unit) for plan in plans], asked, first)
    return replace(made, plans=tuple(plans))


def _held_copies(family: Family, asked: Prepared) -> Copies | None:
    stated = family.spec.layouts
    if isinstance(stated, ChipLayouts):
        return Copies(str(stated.held["copies"])) if "copies" in stated.held else None
    if stated is not None:
        return stated[0].copies
    return asked.inputs.layout.copies if asked.inputs.layout else None


def way_of(asked: Prepared, plan: Plan, held: Expr = zero, one_unit: bool = False) -> Way:
    """The step at degrees that are symbols, in one way to copy tokens."""
    accounts, phase, values = asked.accounts, asked.phase, dict(asked.values)
    ledger = accounts.ledger(plan, phase, given=values)
    operations = ledger.operations
    stages = stages_of(accounts, plan.load, q.pipeline_parallel)
    watts = counted_power(asked.inputs, asked.hardware)
    definitions = {**ledger.slots, **results(phase, operations, (NOTHING,), asked.inputs.overlap, stages, watts)}
    definitions[q.memory_per_chip] = held
    if cached := accounts.cache_definitions(phase, values):
        definitions |= cached
        values.pop(q.kv_written, None)  # given per token, as the definition has it
    if phase.name != PhaseName.TRAIN and plan.load == Load.WHOLE:
        meet = accounts.meets(Layout(ffn=plan.ffn))
        units: Expr = q.replicas if meet else q.replicas * q.data_parallel
        definitions |= mean_step(1 if one_unit else units, Scenario(values, definitions))
    return Way(values, definitions, phase, operations, stages)


def _finished(family: Family, axes: tuple[Axis, ...], ways: Sequence[Way], asked: Prepared, layout: Layout) -> Written:
    """What follows from a price list and from the capacity; numbers for links that are not there."""
    _must_leave_some(axes, asked)
    links = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
    found, lacking = list[Way](), frozenset[Symbol]()
    varies = {symbol for axis in axes for symbol in axis.symbols}
    for way in ways:
        values, definitions = dict(way.values), dict(way.definitions)
        if family.spec.prices is not None:
            more = bought(family.spec.prices, asked.precision["activations"], values)
            values = {symbol: value for symbol, value in {**values, **more.values}.items()
                      if symbol not in more.definitions}  # fmt: skip
            definitions |= more.definitions
        if q.workspace not in asked.inputs.given and (q.memory_capacity in varies or q.memory_capacity in definitions):
            values.pop(q.workspace, None)
            trains, experts = asked.inputs.phase == PhaseName.TRAIN, asked.accounts.experts > 0
            definitions[q.workspace] = workspace_of(trains, experts)
        values = {symbol: value for symbol, value in values.items() if symbol not in varies}
        _must_move(axes, values, definitions, _of_clock(asked))
        lacking = frozenset(s for s in links if s not in values and s not in definitions and s not in varies)
        found.append(replace(way, values={**{s: links[s] for s in lacking}, **values}, definitions=definitions))
    return Written(axes, tuple(found), asked, layout, lacking)


def _of_clock(asked: Prepared) -> frozenset[Symbol]:
    """What the estimate alone follows from: the watts of a clock under a cap."""
    has_clock = is_capped(asked.inputs, asked.hardware) and coefficients_for(asked.inputs) is not None
    return symbols_in(clock) if has_clock else frozenset()


def _must_leave_some(axes: Sequence[Axis], asked: Prepared) -> None:
    """Raises UserError where watts vary so that a chip may have none left for multiply-adds: the least with the most
    that it draws beside them."""
    if not is_capped(asked.inputs, asked.hardware):
        return
    ends = {symbol: (value, value) for symbol, value in watts_of(asked.inputs, asked.hardware).items()}
    for axis in (one for one in axes if not isinstance(one, Layouts)):
        for symbol, values in axis.values(0, axis.length).items() if ends.keys() & set(axis.symbols) else ():
            ends[symbol] = float(values.min()), float(values.max())
    must_leave_some(asked.hardware, ends[q.power_cap][0], ends[q.power][0], ends[q.resting_power][1])


def _must_move(
    axes: Sequence[Axis], values: Mapping[Symbol, object], definitions: Mapping[Symbol, Expr], also: frozenset[Symbol]
) -> None:
    """Raises UserError where a quantity varies that nothing follows from; something does from ``also``."""
    varies = [symbol for axis in axes if not isinstance(axis, Layouts) for symbol in axis.symbols]
    scenario = Scenario({**values, **dict.fromkeys(varies, 1.0)}, definitions)
    reached = also.union(*(scenario.reach(symbol) for symbol in (*FOLLOWS, *symbols_in(filled - usable))))
    if strays := [symbol.name for symbol in varies if symbol not in reached]:
        raise UserError(f"`{strays[0]}`: no formula of this step contains it")


def workspace_of(trains: bool, experts: bool) -> Expr:
    """The workspace that is taken where none is stated, at any capacity: `step.defaults.memory_limits`.

    >>> from steptime.model.solver.sweep.ways import workspace_of
    >>> float(workspace_of(False, True).subs(q.memory_capacity, 40 * 2.0**30)) / 2**30
    4.3
    """
    taken = memory_limits(trains, experts, None)[q.workspace]
    return sympy.Float(taken, 17) * sympy.Min(1, q.memory_capacity / sympy.Float(MEASURED_ON, 17), evaluate=False)


def limits_of(written: Written, fits: bool) -> Mapping[str, tuple[Expr, Expr]]:
    """Limits that every point has, each a left side that must not exceed the right."""
    way, found = written.ways[0], dict[str, tuple[Expr, Expr]]()
    known = way.values.keys() | way.definitions.keys() | {s for axis in written.axes for s in axis.symbols}
    if fits and q.memory_capacity in known:
        found["memory_capacity"] = (filled, usable)
    phase = written.prepared.inputs.phase
    if phase == PhaseName.PREFILL and q.cached in known:
        found["cached"] = (q.cached + 1, q.prompt)
    if phase == PhaseName.PREFILL and q.chunk in known:
        found["chunk"] = (q.chunk, q.prompt - q.cached if q.cached in known else q.prompt)
    if phase == PhaseName.TRAIN:
        micro_batches = q.batch / (q.data_parallel * q.replicas * q.microbatch)
        found["whole_micro_batches"] = (sympy.ceiling(micro_batches), micro_batches * NEARLY)
        chunk = written.prepared.accounts.layers / (q.interleave * q.pipeline_parallel)
        uneven = sympy.Max(0, sympy.ceiling(chunk) - chunk * NEARLY, 2 - q.pipeline_parallel, evaluate=False)
        found["whole_chunks"] = ((q.interleave - 1) * uneven, sympy.S.Zero)
    return found

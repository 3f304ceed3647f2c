"""In-flight batching as its two passes: a decode step alone and the prefill of one prompt, in quantities of the step.

Its estimate is that of the first, and of the second once for each prompt that rides along. A pass has quantities of its
own, as the tokens of a micro-batch; what it has in common with the step keeps its name. Unless it is stated how, each
pass copies tokens to experts in the way that is the faster for it, whatever the step itself does.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import DECODE, along
from steptime.model.extremes import put_in
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.scenario import symbols_in
from steptime.model.solver.sweep.outputs import Way
from steptime.model.solver.sweep.ways import way_of
from steptime.model.step.build import served_apart
from steptime.model.step.demands import demands_of, others_per_step, own_per_step, prompts_together
from steptime.model.step.inputs import Question
from steptime.model.step.prepared import Prepared

Definitions = Mapping[Symbol, Expr]


@dataclass(frozen=True)
class InFlight:
    """Terms of the estimate of a request's own step, by name; seconds by which the mean step is longer, in which no
    request's own prefill is left out; and definitions of what both are of."""

    terms: Mapping[str, Expr]
    own: Expr
    definitions: Definitions


def in_flight(asked: Prepared, way: Way, plan: Plan, known: Collection[Symbol]) -> InFlight:
    """The estimate of a step of in-flight batching, whose formulas are ``way``; what is ``known`` has numbers."""
    apart = served_apart(Question(asked.accounts.model, asked.hardware, asked.inputs), asked)
    decode, prompt = (replace(each, plan=plan) for each in apart)
    step = beside(way.in_force, list(_ways(decode, known)), {}, "of decode")
    prompts = prompts_together(asked.accounts.meets(Layout(ffn=plan.ffn)))
    changed = {q.batch: prompts, e.riding: 1 / prompts}
    prefill = beside(way.in_force, list(_ways(prompt, known)), changed, "of prefill")
    seconds = prefill.called(along)
    terms = {**{name: step.called(expr) for name, expr in DECODE.items()}, "prefills": others_per_step * seconds}
    return InFlight(terms, own_per_step * seconds, {**step.definitions, **prefill.definitions})


def _ways(asked: Prepared, known: Collection[Symbol]) -> Iterator[Definitions]:
    """A pass in each way to copy tokens to experts, with what it asks of a chip."""
    for copies in asked.ways_to_copy:
        plan = replace(asked.plan, copies=copies)
        way = way_of(asked, plan, one_unit=True)
        asks = demands_of(asked.accounts, way.phase, plan, way.operations)
        yield {**way.in_force, **{symbol: expr for symbol, expr in asks.items() if symbol not in known}}


@dataclass(frozen=True)
class Beside:
    """A pass beside a step: what each quantity of its own is there, and definitions of what has a name of its own."""

    names: Definitions
    definitions: Definitions

    def called(self, expr: Expr) -> Expr:
        """An expression of the pass in quantities of the step."""
        return put_in(expr, self.names)


def beside(step: Definitions, ways: Sequence[Definitions], changed: Definitions, mark: str) -> Beside:
    """A pass beside a step, in the faster of its ways: of two that take as long, and inside one domain, in the first.
    ``changed`` is what has another value in the pass; names of its own end in ``mark``.

    >>> step = {q.micro_batch: q.batch / q.replicas, q.chunks: q.prompt / q.chunk}
    >>> found = beside(step, [{**step, q.step_time: q.micro_batch * q.chunks}], {q.batch: sympy.S.One}, "alone")
    >>> found.definitions
    {micro_batch alone: 1/replicas, step_time alone: chunks*micro_batch alone}
    """
    names = _own(ways[0], step, changed, mark)
    definitions = _named(ways[0], names)
    for number, way in enumerate(ways[1:], start=2):
        theirs = _own(way, ways[0], {}, f"{mark} copied in way {number}")
        definitions |= _named(way, theirs, names)
        is_first = sympy.Or(q.stage_chips <= q.scale_up_domain, names[q.step_time] <= theirs[q.step_time])
        names |= {symbol: sympy.Piecewise((names.get(symbol, symbol), is_first), (other, True))
                  for symbol, other in theirs.items()}  # fmt: skip
    return Beside(names, definitions)


def _own(there: Definitions, here: Definitions, changed: Definitions, mark: str) -> dict[Symbol, Expr]:
    """What is changed there, and a name of its own for all that is defined otherwise there or follows from it."""
    found = dict(changed)
    order = TopologicalSorter({symbol: symbols_in(expr) & there.keys() for symbol, expr in there.items()})
    for symbol in order.static_order():
        if there[symbol] != here.get(symbol) or not symbols_in(there[symbol]).isdisjoint(found):
            found[symbol] = Symbol(f"{symbol.name} {mark}", positive=True)
    return found


def _named(way: Definitions, own: Definitions, others: Definitions | None = None) -> dict[Symbol, Expr]:
    """Definitions of what has a name of its own, with all other names put in."""
    names = {**(others or {}), **own}
    return {name: put_in(way[symbol], names) for symbol, name in own.items() if symbol in way and name.is_Symbol}

"""The estimate of in-flight batching over many points: a decode step alone, and prefills of others that ride along.

These are passes of their own, each copied the way that is the faster for it, as in `step.estimate.parts_of_serving`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import along, decode
from steptime.model.layout.layout import Layout
from steptime.model.solver.sweep.lowered import Scope as Lowered
from steptime.model.solver.sweep.lowered import chosen
from steptime.model.solver.sweep.practice import coefficients_must_be, put_in_practice
from steptime.model.solver.sweep.ways import Written, way_of
from steptime.model.step.build import prepare
from steptime.model.step.demands import demands_of, others_per_step, own_per_step, prompts_together
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.prepared import Prepared


def lowered_in_flight(scopes: Sequence[Lowered], made: Written) -> tuple[int, int]:
    """The places of the estimates of a request's own step, and of the mean step, in which no prefill is left out;
    raises Unbound where there is none."""
    asked, first = made.prepared, scopes[0]
    coefficients_must_be(asked, made.ways[0])
    context, prompt = asked.phase.number(q.context, asked.values), asked.values[q.prompt]
    pure, alone = asked.inputs.served_apart(context, prompt)
    to, others, more = first.to, first(others_per_step), first(own_per_step)
    prompts = first(prompts_together(asked.accounts.meets(Layout(ffn=made.plans[0].ffn))))
    follows = {} if q.context in asked.values else {q.context: first(q.context)}  # from lengths that may be axes
    step = _faster(scopes, made, pure, decode, follows)
    each = to.line(np.divide, to.leaf(1.0), prompts)
    prefill = _faster(scopes, made, alone, along, {q.batch: prompts, e.riding: each})
    own = to.folded(np.maximum, [to.line(np.add, step, to.line(np.multiply, others, prefill)), first(q.step_time)])
    return own, to.line(np.add, own, to.line(np.multiply, more, prefill))


def _faster(
    scopes: Sequence[Lowered], made: Written, inputs: Inputs, expr: Expr, known: Mapping[Symbol, int]
) -> int:  # fmt: skip
    """The place of something of another pass of the same chips, in the way that is the faster for it."""
    asked = made.prepared
    other = prepare(Question(asked.accounts.model, asked.hardware, replace(inputs, layout=None, chips=None)))
    passes = [_pass(scope, other, made, number, known) for number, scope in enumerate(scopes)]
    found = [there(expr) for there in passes]
    if len(set(found)) == 1:
        return found[0]
    times, to = [there(q.step_time) for there in passes], scopes[0].to
    return to.line(chosen, to.line(np.less, times[1], times[0]), *found)


def _pass(scope: Lowered, other: Prepared, made: Written, number: int, known: Mapping[Symbol, int]) -> Lowered:
    """Another pass in one way. What both have is the same number or axis; ``known`` are places of its own."""
    plan, to = replace(other.plan, ffn=made.plans[number].ffn, copies=made.plans[number].copies), scope.to
    way, inputs, hardware = way_of(other, plan), made.prepared.inputs, made.prepared.hardware
    asks = demands_of(other.accounts, way.phase, plan, way.operations)
    definitions = {**way.definitions, **asks}
    shared = {symbol: 0.0 for symbol in scope.values if symbol not in definitions}
    there = to.scope({**shared, **way.values}, definitions)
    mine = [symbol for symbol in way.values if symbol not in scope.values and symbol not in to.on]
    own = {symbol: other.values[symbol] for symbol in mine}
    there.known = {symbol: to.leaf(float(value)) for symbol, value in own.items()} | dict(known)
    coefficients = coefficients_must_be(made.prepared, way)
    put_in_practice(there, inputs, hardware, other.precision["activations"], coefficients)
    for symbol in to.on:  # what varies, and follows from other quantities here
        if symbol in definitions and symbol not in way.values and symbol not in known:
            there.known[symbol] = there(definitions[symbol])
    return there

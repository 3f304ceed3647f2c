"""Whether the numbers of an example are a case of its theorem: inside its region, of one piece, in the regime it names.

What a theorem leaves out, or takes at its peak, does not stand in its result; the example is then the simplified case,
in which it is so. What does stand there must be what the facts behind it make of the rest, and where it is assumed
that one term binds, the other must not take longer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sympy import Eq, Expr, Symbol

from steptime.derivations.basis import fixes
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.facts import Chosen, Given, Line, Side, Tends
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices import formulas
from steptime.derivations.prices.symbols import pass_compute_time, pass_time
from steptime.derivations.region import Broken, broken, conditions
from steptime.derivations.rules import Substitute, equation
from steptime.derivations.stated import equalities
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.phases.decode import blackboard
from steptime.model.quantity import domains
from steptime.model.scenario import evaluate

TOLERANCE = 0.02
"""By how much, relative to it, a number may differ from what facts make of it: lectures and catalogues round."""

_STEP = {q.compute_time: blackboard.compute.time, memory_time: blackboard.memory.time}
TERMS = {**_STEP, pass_compute_time: formulas.pass_compute_time.xreplace(_STEP)}
"""The terms of a step, and of a pass of several tokens, by the model."""

RIVALS = {q.step_time: (q.compute_time, memory_time), pass_time: (pass_compute_time, memory_time)}
"""Of these one binds."""


def astray(one: Derivation) -> list[Broken]:
    """What an example does not satisfy of its theorem, nothing where it is a case of it."""
    values = simplified(one)
    found = broken((*domains(one.result.free_symbols), *conditions(one)), values)
    return list(dict.fromkeys([*found, *_contradicted(one, values), *_not_binding(one, values)]))


def simplified(one: Derivation) -> Mapping[Symbol, float]:
    """The numbers of an example, with what the theorem concludes of its left side, and assumes of what else does not
    stand in its result; what one side of a comparison alone assumes is so where nothing else is assumed."""
    values = {symbol: float(value) for symbol, value in one.numbers.items()}
    alone = [a.assumption for a in one.final.assumptions if isinstance(a, Side)]
    sides = [given.relation for given in alone if isinstance(given, Given) and fixes(given) is not None]
    for symbol, value in {**{r.lhs: r.rhs for r in reversed(sides)}, **equalities(one)}.items():
        if symbol not in one.result.rhs.free_symbols and value.free_symbols <= set(values):
            values[symbol] = _number(value, values)
    if isinstance(one.result.lhs, Symbol):
        values[one.result.lhs] = _number(one.result.rhs, values)
    return values


def _contradicted(one: Derivation, values: Mapping[Symbol, float]) -> Iterator[Broken]:
    """Quantities of the result that a definition, or another theorem, makes something else of."""
    moving = {a.variable for a in one.final.assumptions if isinstance(a, Chosen | Tends)}
    for fact in behind(one):
        line = getattr(fact, "line", None)
        if isinstance(fact, Given) or not isinstance(line, Eq) or line.lhs not in one.result.rhs.free_symbols:
            continue
        if line.rhs.free_symbols <= set(values) - moving:
            yield from _unequal(line, values)


def _not_binding(one: Derivation, values: Mapping[Symbol, float]) -> Iterator[Broken]:
    """Terms that are assumed to set the pace and do not, or to meet and do not."""
    for assumption in one.final.assumptions:
        relation = assumption.relation if isinstance(assumption, Given) else None
        if not isinstance(relation, Eq) or relation.rhs not in TERMS:
            continue
        if relation.lhs in TERMS:
            yield from _unequal(equation(TERMS[relation.lhs], TERMS[relation.rhs]), values)
        for rival in RIVALS.get(relation.lhs, ()):
            if rival != relation.rhs:
                yield from broken([at_least(TERMS[relation.rhs], TERMS[rival])], values)


def _unequal(line: Eq, values: Mapping[Symbol, float]) -> Iterator[Broken]:
    left, right = (_number(side, values) for side in line.args)
    if abs(left - right) > TOLERANCE * max(abs(left), abs(right)):
        yield Broken(line, left, right)


def _number(expr: Expr, values: Mapping[Symbol, float]) -> float:
    """The number of an expression; not a number where a sum has no whole number of summands."""
    with np.errstate(all="ignore"):
        try:
            return float(evaluate(expr, values))
        except TypeError:
            return float("nan")


def behind(one: Derivation) -> tuple[Any, ...]:
    """All facts that a theorem rests on, also by way of others, and the definitions that it takes over; of a line on
    the way to another theorem, nothing that comes after it."""
    found: dict[Any, None] = {}
    left: list[Any] = _put_in(one, len(one.steps))
    while left:
        fact = left.pop()
        if fact in found:
            continue
        found[fact] = None
        if isinstance(fact, Derivation):
            left += _put_in(fact, len(fact.steps))
        elif isinstance(fact, Line):
            left += _put_in(fact.of, fact.number)
        else:
            left += [part for name in ("of", "one", "other") if (part := getattr(fact, name, None)) is not None]
    return (*found, *(fact for _, fact in one.final.definitions))


def _put_in(one: Any, steps: int) -> list[Any]:
    rules = [step.rule for step in one.steps[:steps]]
    return [one.start, *(fact for rule in rules if isinstance(rule, Substitute) for fact in rule.facts)]

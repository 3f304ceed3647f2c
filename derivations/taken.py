"""What a fact brings with it where it is put in: its conditions, its assumptions, its definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ne

from steptime.derivations.basis import Pinned, Standing, unique
from steptime.derivations.definitions import Meant, is_known, must_be_free, must_be_ordered, reached
from steptime.derivations.inequalities.certificate import implied
from steptime.derivations.inequalities.conditions import (
    Condition,
    RuleError,
    at_least,
    in_range,
    of_expression,
    of_line,
    telling,
)
from steptime.derivations.owned import is_formula
from steptime.derivations.rules import SolveFor

from steptime.derivations.facts import (  # isort: skip
    Area, Best, Chosen, Compared, Crossing, Defined, DyingArea, Expected, Given, Instance, Line, Modelled, PowerArea,
    Priced, Side, Solved, Tends, Wavefront, replaced, right_of,
)  # fmt: skip


def of_fact(fact: Any) -> Standing:
    """What a fact rests on, as one that starts from it or puts it in takes it over."""
    line = fact.line
    if hasattr(fact, "standing"):
        return _of_theorem(fact)
    if isinstance(fact, Best):
        return _of_theorem(fact.of)
    if isinstance(fact, Priced):
        must_be_free(fact.symbol, fact)
        proved = replace(_of_theorem(fact.of), seen=frozenset(line.free_symbols))
        return proved.joined(Standing(definitions=((fact.symbol, fact),)))
    if isinstance(fact, Line):
        return _of_line(fact)
    if isinstance(fact, Modelled):
        if not is_formula(fact.formula):
            raise RuleError(f"{fact.formula} is no formula of the model")
        if not is_known(fact):
            raise RuleError(f"{fact.symbol} is no name of {fact.formula}")
        return Standing(seen=frozenset(line.free_symbols))
    if isinstance(fact, Area | Defined | DyingArea | Expected | PowerArea | Wavefront):
        return _of_definition(fact)
    if isinstance(fact, Solved):
        inner = of_fact(fact.of)
        rule = SolveFor(fact.unknown)
        return replace(
            inner, conditions=telling([*inner.conditions, *rule.needs(fact.of.line), *of_line(line, "solved")])
        )
    if isinstance(fact, Instance):
        return _of_instance(fact)
    if isinstance(fact, Compared):
        must_be_free(fact.symbol, fact)
        return _sides(fact).joined(Standing(definitions=((fact.symbol, fact),)))
    if isinstance(fact, Crossing):
        return _of_crossing(fact)
    raise RuleError(f"{line} is neither a result, nor a definition, nor a declared assumption")


def _of_definition(fact: Area | Defined | DyingArea | Expected | PowerArea | Wavefront) -> Standing:
    """A definition: of a quantity that means nothing else, by what does not depend on it."""
    must_be_free(fact.symbol, fact)
    must_be_ordered(((fact.symbol, fact),))
    conditions: tuple[Condition, ...] = ()
    if isinstance(fact, Area | DyingArea | PowerArea | Wavefront) and (flaw := fact.flaw()) is not None:
        raise RuleError(flaw)
    if isinstance(fact, Area | DyingArea | PowerArea):
        conditions = tuple(one for one in fact.needs() if not one.follows(()))
    if isinstance(fact, Expected):
        within = (at_least(fact.index, fact.low), at_least(fact.high, fact.index))
        for relation in (at_least(fact.chance, 0), at_least(sympy.S.One, fact.chance)):
            if not implied(relation, within):
                condition = Condition(relation, f"{fact.chance} is a chance")
                if fact.index in relation.free_symbols:
                    raise RuleError(f"{fact.chance} is not shown to be a chance for every {fact.index}")
                conditions += (condition,)
    return Standing(telling(conditions), definitions=((fact.symbol, fact),), seen=frozenset(fact.line.free_symbols))


def _of_crossing(fact: Crossing) -> Standing:
    """Where two right sides are equal: assumed, and the definition of that point where it has a name."""
    both = _sides(fact)
    both = replace(both, assumptions=unique(both.assumptions, (fact,)))
    if fact.over is None or fact.at is None:
        return both
    must_be_free(fact.at, fact)
    sides = fact.one.line.rhs.free_symbols | fact.other.line.rhs.free_symbols
    if fact.at in sides or fact.over not in sides:
        raise RuleError(f"{fact.at} is no name of a {fact.over} at which the sides are equal")
    conditions = tuple(condition.put({fact.over: fact.at}) for condition in both.conditions)
    return replace(both, conditions=conditions).joined(Standing(definitions=((fact.at, fact),)))


def _of_line(fact: Line) -> Standing:
    """A line on the way: without the assumptions that only later steps draw on."""
    one: Any = fact.of
    if not 0 <= fact.number <= len(one.steps):
        raise RuleError(f"{one.name} has no line {fact.number}")
    for number in range(1, fact.number + 1):
        one.check_once(number)
    standing: Standing = one.standing[fact.number]
    rules = [step.rule for step in one.steps]
    later = {
        assumption
        for assumption in one.assumes
        if any(rule.draws_on(assumption) for rule in rules[fact.number :])
        and not any(rule.draws_on(assumption) for rule in rules[: fact.number])
    }
    return replace(standing, assumptions=tuple(a for a in standing.assumptions if a not in later))


def _sides(fact: Compared | Crossing) -> Standing:
    """Both sides of a comparison, each of which may assume what the other does not."""
    one, other = (needed(of_fact(side), right_of(side)) for side in (fact.one, fact.other))
    shared = [assumption for assumption in one.assumptions if assumption in other.assumptions]
    alone = [
        assumption if isinstance(assumption, Side) else Side(_name(side), assumption)
        for side, standing in ((fact.one, one), (fact.other, other))
        for assumption in standing.assumptions
        if assumption not in shared
    ]
    bare = replace(one, assumptions=())
    both = bare.joined(replace(other, assumptions=()))
    if isinstance(fact, Compared) and fact.over:
        divides = Condition(Ne(fact.other.line.rhs, 0, evaluate=False), "what is compared with is not nought")
        both = replace(both, conditions=telling((*both.conditions, divides)))
    return replace(both, assumptions=unique(shared, alone))


def needed(standing: Standing, side: Expr, also: Expr | None = None) -> Standing:
    """Without the definitions of what a side does not contain, nor anything in it is defined by; ``also`` stays."""
    uses = {symbol: meaning.line.free_symbols - {symbol} for symbol, meaning in standing.definitions}
    inside = reached(side.free_symbols, uses)
    definitions = tuple(pair for pair in standing.definitions if pair[0] in inside or pair[0] == also)
    return replace(standing, definitions=definitions, gone=frozenset())


def _name(fact: Any) -> str:
    """How a fact is called in a list of assumptions."""
    inner = fact
    while not hasattr(inner, "name") and hasattr(inner, "of"):
        inner = inner.of
    return str(getattr(inner, "name", fact.line.lhs))


def _of_theorem(fact: Any) -> Standing:
    """A theorem is taken over with its region, its assumptions and its definitions.

    Where it defines its left side, as the point at which two curves cross, its assumptions belong to that definition:
    they do not restrict who uses the number.
    """
    fact.verify()
    final: Standing = fact.final
    conditions = tuple(_of_region(fact))
    if any(symbol == fact.result.lhs and isinstance(means, Crossing) for symbol, means in final.definitions):
        means = Pinned(dict(final.definitions)[fact.result.lhs], final.assumptions)
        seen = frozenset(fact.result.free_symbols)
        return Standing(conditions, (), ((fact.result.lhs, means),), seen, final.approximate)
    return replace(final, conditions=conditions, seen=frozenset(fact.result.free_symbols))


def _of_region(fact: Any) -> Iterator[Condition]:
    """The region of a theorem, condition by condition; one that tells a case from others still does."""
    narrowing = [condition for condition in fact.final.conditions if condition.narrows]
    for relation in fact.region:
        rest = tuple(other for other in fact.region if other != relation)
        narrows = any(not condition.follows(rest) for condition in narrowing)
        yield Condition(relation, f"as in {fact.name}", narrows=narrows)


def _of_instance(fact: Instance) -> Standing:
    """A result for other quantities: what it defines gets the meaning that it has for those, or another name."""
    inner, put = of_fact(fact.of), dict(fact.put)
    line = fact.of.line
    bound = {index for part in line.atoms(sympy.Sum) for index in part.bound_symbols}
    if any(value.free_symbols & bound for value in put.values()) or set(put) & bound:
        raise RuleError(f"{fact.of.line} counts by a quantity that is put in")
    conditions: list[Condition] = [condition.put(put) for condition in inner.conditions]
    for symbol, value in put.items():
        conditions += [
            *of_expression(value, "put in"),
            *in_range(symbol, value, f"{value} put in", fact.line.free_symbols),
        ]
    moving = {a.variable for a in inner.assumptions if isinstance(a, Tends | Chosen)}
    if any(value.free_symbols & moving for symbol, value in put.items() if symbol not in moving):
        raise RuleError("what is put in contains a quantity that is chosen, or tends to a limit")
    definitions: list[tuple[Symbol, Any]] = []
    for symbol, meaning in inner.definitions:
        name = put.get(symbol, symbol)
        if not isinstance(name, Symbol):
            raise RuleError(f"{symbol} is defined: nothing else is put in for it")
        changed = meaning.line.free_symbols & set(put)
        if name != symbol:
            must_be_free(name, fact)
        definitions.append((name, Meant(replaced(meaning.line, put), str(meaning.why)) if changed else meaning))
    return replace(
        inner,
        conditions=telling(conditions),
        assumptions=tuple(_renamed(assumption, put) for assumption in inner.assumptions),
        definitions=tuple(definitions),
        seen=frozenset(fact.line.free_symbols),
    )


def _renamed(assumption: Any, put: Mapping[Symbol, Expr]) -> Any:
    """An assumption for the quantities of an instance."""
    if isinstance(assumption, Side):
        return replace(assumption, assumption=_renamed(assumption.assumption, put))
    if isinstance(assumption, Given):
        left, right = (side.xreplace(put) for side in assumption.relation.args)
        if isinstance(assumption.relation, Eq) and left in right.free_symbols:
            raise RuleError(f"{assumption}: {left} = {right} says nothing of one quantity by others")
        return replace(assumption, relation=type(assumption.relation)(left, right, evaluate=False))
    if isinstance(assumption, Tends | Chosen) and assumption.variable in put:
        name = put[assumption.variable]
        if not isinstance(name, Symbol):
            raise RuleError(f"{assumption}: nothing else is put in for {assumption.variable}")
        return replace(assumption, variable=name)
    return assumption

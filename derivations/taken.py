"""What a fact brings with it where it is put in: its conditions, its assumptions, its definitions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ne

from steptime.derivations.inequalities.conditions import (
    Condition,
    RuleError,
    at_least,
    in_range,
    of_expression,
    of_line,
    telling,
)
from steptime.derivations.owned import is_declared_here, is_formula
from steptime.derivations.rules import SolveFor

from steptime.derivations.facts import (  # isort: skip
    Best, Chosen, Compared, Crossing, Defined, Expected, Given, Instance, Line, Modelled, Side, Solved, Tends,
    Wavefront,
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """What a line rests on. ``seen`` are the quantities that have occurred so far; ``approximate`` whether something
    was left out on the way; ``cuts`` are the quantities of each case that was taken, and the optimum that it bounds."""

    conditions: tuple[Condition, ...] = ()
    assumptions: tuple[Any, ...] = ()
    definitions: tuple[tuple[Symbol, Any], ...] = ()
    seen: frozenset[Symbol] = frozenset()
    approximate: bool = False
    cuts: tuple[tuple[frozenset[Symbol], bool | None], ...] = ()

    def joined(self, other: Standing) -> Standing:
        """Both together; a quantity that they define differently is refused."""
        for symbol, means in other.definitions:
            if any(symbol == known and means != meant for known, meant in self.definitions):
                raise RuleError(f"{symbol} is defined in two ways")
        for one in self.assumptions:
            for two in other.assumptions:
                if fixes(one) is not None and fixes(one) == fixes(two) and one.line.rhs != two.line.rhs:
                    raise RuleError(f"{one.line} and {two.line} are both assumed")
        return Standing(
            unique(self.conditions, other.conditions),
            unique(self.assumptions, other.assumptions),
            unique(self.definitions, other.definitions),
            self.seen | other.seen,
            self.approximate or other.approximate,
            unique(self.cuts, other.cuts),
        )


@dataclass(frozen=True)
class Pinned:
    """A definition together with what was assumed on the way to its value: under other assumptions it is another."""

    fact: Any
    assumptions: tuple[Any, ...]

    @property
    def line(self) -> Eq:
        line: Eq = self.fact.line
        return line


def unique(*many: Iterable[Any]) -> tuple[Any, ...]:
    """Everything once, in order."""
    return tuple(dict.fromkeys(one for few in many for one in few))


def fixes(assumption: Any) -> Symbol | None:
    """The quantity that an assumption says what it is."""
    if isinstance(assumption, Given) and isinstance(assumption.relation, Eq):
        left = assumption.relation.lhs
        return left if isinstance(left, Symbol) else None
    return None


def is_known(fact: Defined | Modelled) -> bool:
    """Whether a derivation of the library uses a definition, or a formula of the model under that name; the chapter
    that holds it has been read by then."""
    modules = [name for name in sys.modules if name.startswith("steptime.derivations.")]
    return fact in _known(tuple(sorted(modules)))


@cache
def _known(modules: tuple[str, ...]) -> frozenset[Defined | Modelled]:
    chapters = (getattr(sys.modules[name], "DERIVATIONS", ()) for name in modules)
    facts = (fact for chapter in chapters for one in chapter for fact in one.facts)
    return frozenset(fact for fact in facts if isinstance(fact, Defined | Modelled))


def of_fact(fact: Any) -> Standing:
    """What a fact rests on, as one that starts from it or puts it in takes it over."""
    line = fact.line
    if hasattr(fact, "standing"):
        return _of_theorem(fact)
    if isinstance(fact, Best):
        return _of_theorem(fact.of)
    if isinstance(fact, Line):
        return _of_line(fact)
    if isinstance(fact, Modelled):
        if not is_formula(fact.formula):
            raise RuleError(f"{fact.formula} is no formula of the model")
        if not is_known(fact):
            raise RuleError(f"{fact.symbol} is no name of {fact.formula}")
        return Standing(seen=frozenset(line.free_symbols))
    if isinstance(fact, Defined):
        if is_declared_here(fact.symbol) and not is_known(fact):
            raise RuleError(f"{fact.symbol} has a meaning of its own: it is not defined anew")
        return Standing(definitions=((fact.symbol, fact),), seen=frozenset(line.free_symbols))
    if isinstance(fact, Expected):
        chances = (at_least(fact.chance, 0), at_least(sympy.S.One, fact.chance))
        conditions = tuple(Condition(relation, f"{fact.chance} is a chance") for relation in chances)
        seen = frozenset(line.free_symbols)
        return Standing(telling(conditions), definitions=((fact.symbol, fact),), seen=seen)
    if isinstance(fact, Wavefront):
        if (flaw := fact.flaw()) is not None:
            raise RuleError(flaw)
        return Standing(definitions=((fact.symbol, fact),), seen=frozenset(line.free_symbols))
    if isinstance(fact, Solved):
        inner = of_fact(fact.of)
        rule = SolveFor(fact.unknown)
        return replace(
            inner, conditions=telling([*inner.conditions, *rule.needs(fact.of.line), *of_line(line, "solved")])
        )
    if isinstance(fact, Instance):
        return _of_instance(fact)
    if isinstance(fact, Compared):
        both = _sides(fact)
        return replace(both, definitions=unique(both.definitions, ((fact.symbol, fact),)))
    if isinstance(fact, Crossing):
        both = _sides(fact)
        if fact.over is None or fact.at is None:
            return replace(both, assumptions=unique(both.assumptions, (fact,)))
        conditions = tuple(condition.put({fact.over: fact.at}) for condition in both.conditions)
        return replace(both, conditions=conditions, definitions=unique(both.definitions, ((fact.at, fact),)))
    raise RuleError(f"{line} is neither a result, nor a definition, nor a declared assumption")


def _of_line(fact: Line) -> Standing:
    """A line on the way: without the assumptions that only later steps draw on."""
    one: Any = fact.of
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
    one, other = of_fact(fact.one), of_fact(fact.other)
    shared = [assumption for assumption in one.assumptions if assumption in other.assumptions]
    alone = [
        Side(_name(side), assumption)
        for side, standing in ((fact.one, one), (fact.other, other))
        for assumption in standing.assumptions
        if assumption not in shared and not isinstance(assumption, Side)
    ]
    bare = replace(one, assumptions=())
    both = bare.joined(replace(other, assumptions=()))
    if isinstance(fact, Compared) and fact.over:
        divides = Condition(Ne(fact.other.line.rhs, 0, evaluate=False), "what is compared with is not nought")
        both = replace(both, conditions=telling((*both.conditions, divides)))
    return replace(both, assumptions=unique(shared, alone))


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
    conditions = tuple(Condition(relation, f"as in {fact.name}") for relation in fact.region)
    if any(symbol == fact.result.lhs and isinstance(means, Crossing) for symbol, means in final.definitions):
        means = Pinned(dict(final.definitions)[fact.result.lhs], final.assumptions)
        seen = frozenset(fact.result.free_symbols)
        return Standing(conditions, (), ((fact.result.lhs, means),), seen, final.approximate)
    return replace(final, conditions=conditions, seen=frozenset(fact.result.free_symbols))


def _of_instance(fact: Instance) -> Standing:
    inner, put = of_fact(fact.of), dict(fact.put)
    conditions: list[Condition] = [condition.put(put) for condition in inner.conditions]
    for symbol, value in put.items():
        conditions += [
            *of_expression(value, "put in"),
            *in_range(symbol, value, f"{value} put in", fact.line.free_symbols),
        ]
    definitions = tuple(pair for pair in inner.definitions if pair[0] not in put)
    return replace(
        inner,
        conditions=telling(conditions),
        assumptions=tuple(_renamed(assumption, put) for assumption in inner.assumptions),
        definitions=definitions,
        seen=frozenset(fact.line.free_symbols),
    )


def _renamed(assumption: Any, put: Mapping[Symbol, Expr]) -> Any:
    """An assumption for the quantities of an instance."""
    if isinstance(assumption, Side):
        return replace(assumption, assumption=_renamed(assumption.assumption, put))
    if isinstance(assumption, Given):
        left, right = (side.xreplace(put) for side in assumption.relation.args)
        return replace(assumption, relation=type(assumption.relation)(left, right, evaluate=False))
    if isinstance(assumption, Tends | Chosen) and assumption.variable in put:
        name = put[assumption.variable]
        if not isinstance(name, Symbol):
            raise RuleError(f"{assumption}: nothing else is put in for {assumption.variable}")
        return replace(assumption, variable=name)
    return assumption

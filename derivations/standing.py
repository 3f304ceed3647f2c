"""What each line of a chain rests on: conditions, assumptions, definitions; and whether a theorem states them as they are.

A condition is carried along from line to line: quantities that are replaced in the line are replaced in it. At the end
``holds`` must be equivalent to what was collected: each condition collected follows from it, each that it states
follows from those collected, and none may be left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ne, Relational

from steptime.derivations.certificate import implied
from steptime.derivations.conditions import Condition, RuleError, at_least, in_range, of_expression, of_line, telling

from steptime.derivations.facts import (  # isort: skip
    Best, Chosen, Compared, Crossing, Defined, Expected, Given, Instance, Line, Modelled, Side, Solved, Tends,
    Wavefront,
)  # fmt: skip
from steptime.derivations.owned import is_declared_here, is_formula
from steptime.derivations.rules import SolveFor, Substitute
from steptime.model.errors import NotVerified

if TYPE_CHECKING:
    from steptime.derivations.steps import Derivation

FIXING = (Given, Tends)
"""Assumptions that say what one quantity is: it cannot stand in the result as well."""


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


def standings(one: Derivation) -> tuple[Standing, ...]:
    """What each line of a derivation rests on, the start first."""
    try:
        found = [_start(one)]
    except RuleError as error:
        raise NotVerified(f"{one.name}, start: {error}") from None
    for number in range(1, len(one.steps) + 1):
        found.append(advance(one, found[-1], number))
    return tuple(found)


def before(one: Derivation, number: int) -> Standing:
    """What the line before line ``number`` rests on."""
    return one.standing[number - 1]


def advance(one: Derivation, standing: Standing, number: int) -> Standing:
    """What line ``number`` rests on, from what the line before does; raises NotVerified where its rule may not be used."""
    line, step = one.lines[number - 1], one.steps[number - 1]
    where = f"line {number}"
    try:
        if isinstance(step.rule, Substitute):
            for fact in step.rule.facts:
                standing = standing.joined(_put_in(fact, one, standing))
        if not step.rule.declared(one.assumes):
            raise RuleError(f"{step.rule.wants()} is not among the assumptions")
        for of, bounds in standing.cuts:
            if step.rule.least is not None and step.rule.chooses() & of and bounds is not step.rule.least:
                raise RuleError("the line is one case of several: what is best in it need not be best in all")
        carried = step.rule.carried(standing.conditions, line)
        needed = telling([*carried, *step.rule.needs(line), *of_line(step.gives, where)])
    except RuleError as error:
        raise NotVerified(f"{one.name}, line {number} ({step.why}): {error}") from None
    return replace(
        standing,
        conditions=needed,
        seen=standing.seen | step.gives.free_symbols,
        approximate=standing.approximate or step.rule.approximates,
        cuts=unique(standing.cuts, [cut for cut in (step.rule.cuts(line),) if cut[0]]),
    )


def is_known(fact: Defined | Modelled) -> bool:
    """Whether a derivation of the library uses a definition, or a formula of the model under that name; the chapter that
    holds it has been read by then."""
    modules = [name for name in sys.modules if name.startswith("steptime.derivations.")]
    return fact in _known(tuple(sorted(modules)))


@cache
def _known(modules: tuple[str, ...]) -> frozenset[Defined | Modelled]:
    chapters = (getattr(sys.modules[name], "DERIVATIONS", ()) for name in modules)
    facts = (fact for chapter in chapters for one in chapter for fact in one.facts)
    return frozenset(fact for fact in facts if isinstance(fact, Defined | Modelled))


def _start(one: Derivation) -> Standing:
    start = one.start
    if isinstance(start, Eq):
        if not isinstance(start.lhs, Symbol) or is_declared_here(start.lhs):
            raise RuleError("an equation written out is neither a result, nor a definition, nor the model's")
        start = Defined(start.lhs, start.rhs, "as defined")
    if isinstance(start, Given | Tends | Chosen):
        raise RuleError("an assumption alone is no start")
    standing = _of(start)
    line = one.lines[0]
    own = Standing(
        conditions=telling([*standing.conditions, *of_line(line, "start")]),
        assumptions=unique(one.assumes),
        seen=frozenset(line.free_symbols),
    )
    return replace(own.joined(standing), conditions=own.conditions)


def _of(fact: Any) -> Standing:
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
        inner = _of(fact.of)
        rule = SolveFor(fact.unknown)
        return replace(inner, conditions=telling([*inner.conditions, *rule.needs(fact.of.line), *of_line(line, "solved")]))
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
    one, other = _of(fact.one), _of(fact.other)
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
    inner, put = _of(fact.of), dict(fact.put)
    conditions: list[Condition] = [condition.put(put) for condition in inner.conditions]
    for symbol, value in put.items():
        conditions += [*of_expression(value, "put in"), *in_range(symbol, value, f"{value} put in", fact.line.free_symbols)]
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


def _put_in(fact: Any, one: Derivation, standing: Standing) -> Standing:
    """What is put in, checked: where it comes from, that it says what one quantity is, and that this is in its range."""
    if isinstance(fact, Eq):
        fact = next((known for known in one.assumes if isinstance(known, Given) and known.relation == fact), fact)
    if isinstance(fact, Given):
        if fact not in one.assumes:
            raise RuleError(f"{fact.line} is not among the assumptions")
        found = Standing(assumptions=(fact,))
    elif isinstance(fact, Eq) or not hasattr(fact, "line"):
        raise RuleError(f"{fact} is neither a result, nor a definition, nor a declared assumption")
    else:
        found = _of(fact)
    base = fact.of if isinstance(fact, Solved) else fact
    if isinstance(base, Defined) and (base.symbol, base) not in standing.definitions and base.symbol in standing.seen:
        raise RuleError(f"{base.symbol} is defined after it was used")
    line = fact.line
    conditions = telling([*found.conditions, *of_expression(line.rhs, "put in"), *_ranges(line, standing.seen)])
    return replace(found, conditions=conditions, seen=found.seen | line.free_symbols)


def _ranges(line: Eq, among: Iterable[Symbol]) -> Iterator[Condition]:
    if isinstance(line.lhs, Symbol):
        yield from in_range(line.lhs, line.rhs, "put in", among)


def collected(one: Derivation) -> tuple[Condition, ...]:
    """What a theorem needs, in terms of its result: what it gives for its left side is put in for that."""
    line, final = one.result, one.final
    own = {line.lhs: line.rhs} if isinstance(line.lhs, Symbol) and line.lhs not in line.rhs.free_symbols else {}
    return telling([condition.put(own) for condition in final.conditions], declared(one))


def declared(one: Derivation) -> tuple[Relational, ...]:
    """Inequalities among the assumptions, but those that only bound what is chosen."""
    free = {a.variable for a in one.final.assumptions if isinstance(a, Chosen)}
    relations = (a.relation for a in one.final.assumptions if isinstance(a, Given))
    return tuple(found for found in relations if not isinstance(found, Eq) and not found.free_symbols & free)


def check_region(one: Derivation) -> None:
    """That ``holds`` says what was collected, no less and no more, and that no assumption contradicts the result."""
    try:
        needed, stated, known = collected(one), one.region, declared(one)
    except RuleError as error:
        raise NotVerified(f"{one.name}: {error}") from None
    for condition in needed:
        if not condition.follows((*stated, *known)):
            raise NotVerified(f"{one.name}: {condition.relation} is needed ({condition.why}) and not stated")
    enough = tuple(condition.relation for condition in needed)
    for relation in stated:
        alone = any(implied(relation, (condition, *known)) for condition in enough)  # quick, and most often so
        if not alone and not implied(relation, (*enough, *known)):
            raise NotVerified(f"{one.name}: {relation} is stated, but nothing needs it")
        rest = tuple(other for other in stated if other != relation)
        if implied(relation, known) or rest and all(condition.follows((*rest, *known)) for condition in needed):
            raise NotVerified(f"{one.name}: {relation} is stated, and says nothing new")
    for assumption in one.assumes:
        used = isinstance(assumption, Given) and not isinstance(assumption.relation, Eq)
        if isinstance(assumption, Given | Tends | Chosen) and not used:
            if not any(step.rule.draws_on(assumption) for step in one.steps):
                raise NotVerified(f"{one.name}: it is assumed that {assumption}, but nothing draws on it")
    for assumption in one.final.assumptions:
        fixed = assumption.variable if isinstance(assumption, Tends) else fixes(assumption)
        if fixed is not None and fixed in one.result.rhs.free_symbols:
            raise NotVerified(f"{one.name}: {assumption}: yet {fixed} stands in the result")

"""Small changes to the lines and rules of a derivation, each of which its checks must catch."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache

import mpmath
import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.checks.check import satisfy
from steptime.derivations.checks.draws import DIGITS, draw
from steptime.derivations.checks.draws import number as value_of
from steptime.derivations.facts import Defined, Given, Modelled
from steptime.derivations.library import quantities
from steptime.derivations.rules import Rule, equation, side
from steptime.derivations.steps import Derivation, Step, same, same_equation
from steptime.model.errors import NotVerified

SWAPS = 2
"""Other quantities of the same unit that each occurrence of a quantity is swapped for."""

Part = Expr | Eq | int
Changed = tuple[str, Part]


@dataclass(frozen=True)
class Mutant:
    """One change of one step; ``unchanged`` says whether SymPy proves that it changes nothing."""

    what: str
    step: Step
    unchanged: Callable[[], bool]


def mutants(one: Derivation, number: int) -> Iterator[Mutant]:
    """Every change of line ``number`` and of the arguments of its rule."""
    step = one.steps[number - 1]
    near = frozenset(one.lines[number - 1].free_symbols | step.gives.free_symbols)
    for what, line in changed_equation(step.gives, near):
        yield Mutant(f"line: {what}", replace(step, gives=line), lambda line=line: same_equation(line, step.gives))
    for what, rule, unchanged in changed_rule(step.rule, near):
        yield Mutant(f"rule: {what}", replace(step, rule=rule), unchanged)


def changed_rule(rule: Rule, near: frozenset[Symbol]) -> Iterator[tuple[str, Rule, Callable[[], bool]]]:
    """Every change of one argument of a rule."""
    for field in fields(rule):
        argument = getattr(rule, field.name)
        parts = argument if isinstance(argument, tuple) else (argument,)
        for place, part in enumerate(parts):
            for what, other in changed_fact(part, near) if field.name == "facts" else changed(part, near):
                whole = (*parts[:place], other, *parts[place + 1 :]) if isinstance(argument, tuple) else other
                text = f"{field.name}: {what}"
                yield text, replace(rule, **{field.name: whole}), lambda part=part, other=other: alike(part, other)


def changed_fact(fact: object, near: frozenset[Symbol]) -> Iterator[tuple[str, object]]:
    """Every change of what is put in: an assumption or definition of the same kind, else the equation written out."""
    for what, line in changed_equation(fact if isinstance(fact, Eq) else fact.line, near):
        if isinstance(fact, Given):
            yield what, replace(fact, relation=line)
        elif isinstance(fact, Defined) and isinstance(line.lhs, Symbol):
            yield what, replace(fact, symbol=line.lhs, value=line.rhs)
        elif isinstance(fact, Modelled) and isinstance(line.lhs, Symbol):
            yield what, replace(fact, symbol=line.lhs, formula=line.rhs)
        else:
            yield what, line


def changed(part: Part, near: frozenset[Symbol]) -> Iterator[Changed]:
    """Every change of an argument: an equation, an expression or a whole number."""
    if isinstance(part, bool):
        yield f"{part} -> {not part}", not part
    elif isinstance(part, int):
        yield from ((f"{part} -> {other}", other) for other in (2 * part, -part))
    elif isinstance(part, Eq):
        yield from changed_equation(part, near)
    elif isinstance(part, Relational):
        for place, side_ in enumerate(part.args):
            for what, other in changed_expression(side_, near):
                sides = [other if place == which else kept for which, kept in enumerate(part.args)]
                yield what, type(part)(*sides, evaluate=False)
    else:
        yield "sign of the whole", -part
        yield from changed_expression(part, near)


def changed_equation(line: Eq, near: frozenset[Symbol]) -> Iterator[Changed]:
    for what, left in changed(line.lhs, near):
        yield f"left, {what}", equation(left, line.rhs)
    for what, right in changed(line.rhs, near):
        yield f"right, {what}", equation(line.lhs, right)


def changed_expression(expr: Expr, near: frozenset[Symbol]) -> Iterator[Changed]:
    """Each number doubled, each summand's sign flipped, each quantity swapped, one at a time."""
    if isinstance(expr, Symbol):
        yield from ((f"{expr} -> {other}", other) for other in swaps(expr, near))
    elif expr.is_number and not expr.args:
        yield f"{expr} doubled", 2 * expr
    for place, part in enumerate(expr.args):
        others = list(changed_expression(part, near))
        if isinstance(expr, sympy.Add):
            others.append((f"sign of {part}", -part))
        for what, other in others:
            yield what, expr.func(*expr.args[:place], other, *expr.args[place + 1 :])


@cache
def swaps(symbol: Symbol, near: frozenset[Symbol]) -> tuple[Symbol, ...]:
    """Quantities of the same unit: first one that the step names, where it does, then the next ones declared."""
    records = quantities()
    if symbol == side or symbol.name not in records:
        return ()
    names = list(records)
    after = names.index(symbol.name)
    order = [records[name] for name in names[after + 1 :] + names[:after]]
    fitting = [record.symbol for record in order if record.unit == records[symbol.name].unit]
    named = [other for other in fitting if other in near][:1]
    return tuple(named + [other for other in fitting if other not in named])[:SWAPS]


def alike(one: object, other: object) -> bool:
    """Whether a changed argument is shown to be the one that it was."""
    one, other = (getattr(part, "line", part) for part in (one, other))
    if isinstance(one, bool):
        return False
    if isinstance(one, Eq) and isinstance(other, Eq):
        return same_equation(one, other)
    return one == other or same(sympy.sympify(one), sympy.sympify(other))


def outcome(one: Derivation, number: int, mutant: Mutant) -> str:
    """What becomes of a mutant: ``caught`` by its own line or the next, ``refused`` by an error inside a rule or a
    check, ``equivalent`` where SymPy shows that it is no change, or else ``survived``."""
    steps = (*one.steps[: number - 1], mutant.step, *one.steps[number:])
    broken = replace(one, steps=steps, example=lambda: one.numbers)
    try:
        for place in (number, number + 1):
            if place <= len(steps):
                broken.check(place)
        if broken.failure is not None:
            return "caught"
    except NotVerified:
        return "caught"
    except ValueError:
        return "refused"
    return "equivalent" if mutant.unchanged() else "survived"


def together(one: Derivation, number: int) -> Iterator[Mutant]:
    """Every change of a rule's argument with the line that the changed rule computes: rule and line agree."""
    step, line = one.steps[number - 1], one.lines[number - 1]
    near = frozenset(line.free_symbols | step.gives.free_symbols)
    for what, rule, _ in changed_rule(step.rule, near):
        try:
            gives = rule.apply(line)
        except (ValueError, TypeError, NotImplementedError, AttributeError):
            continue  # such a rule computes nothing
        if isinstance(gives, Eq) and gives != step.gives:
            yield Mutant(f"both: {what}", Step(step.why, rule, gives), lambda: False)


def says_the_same(one: Derivation, other: Derivation) -> bool:
    """Whether the result of one holds wherever that of another does, at random numbers: it says the same, or less."""
    source = random.Random(5)
    symbols = one.result.free_symbols | other.result.free_symbols
    tried = 0
    with mpmath.workdps(DIGITS):
        for _ in range(12):
            there = satisfy(other.result, draw(symbols, other.region, source), ())
            if there is None:
                continue
            tried += 1
            left, right = value_of(one.result.lhs, there), value_of(one.result.rhs, there)
            if abs(left - right) > mpmath.mpf(10) ** -20 * max(abs(left), abs(right)):
                return False
    return tried > 0

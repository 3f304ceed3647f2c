"""Small changes to the lines and rules of a derivation, each of which its checks must catch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache

import sympy
from sympy import Eq, Expr, Symbol

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
            for what, other in changed(part, near):
                whole = (*parts[:place], other, *parts[place + 1 :]) if isinstance(argument, tuple) else other
                text = f"{field.name}: {what}"
                yield text, replace(rule, **{field.name: whole}), lambda part=part, other=other: alike(part, other)


def changed(part: Part, near: frozenset[Symbol]) -> Iterator[Changed]:
    """Every change of an argument: an equation, an expression or a whole number."""
    if isinstance(part, int):
        yield from ((f"{part} -> {other}", other) for other in (2 * part, -part))
    elif isinstance(part, Eq):
        yield from changed_equation(part, near)
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
    if symbol == side:
        return ()
    records = quantities()
    names = list(records)
    after = names.index(symbol.name)
    order = [records[name] for name in names[after + 1 :] + names[:after]]
    fitting = [record.symbol for record in order if record.unit == records[symbol.name].unit]
    named = [other for other in fitting if other in near][:1]
    return tuple(named + [other for other in fitting if other not in named])[:SWAPS]


def alike(one: Part, other: Part) -> bool:
    """Whether a changed argument is shown to be the one that it was."""
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
    except NotVerified:
        return "caught"
    except ValueError:
        return "refused"
    return "equivalent" if mutant.unchanged() else "survived"

"""The second check of every line, by arithmetic alone: does it hold at random positive rationals?

Nothing here looks at how a rule computes its line. Values are drawn for all symbols but one, the line before fixes that
one, and the new line must then be true; a limit is approached, a minimum is stepped away from.
"""

import random
from collections.abc import Callable
from functools import cache, reduce
from operator import mul
from typing import Any

import mpmath
import sympy
from sympy import Eq, Expr, Symbol

from steptime.derivations.rules import (  # isort: skip
    BothSides, Drop, Identity, Limit, Minimise, Rule, Series, SolveFor, Substitute, side,
)  # fmt: skip

Values = dict[Symbol, mpmath.mpf]
DRAWS = 4
TOLERANCE = mpmath.mpf(10) ** -25
DIGITS = 60


def check_numerically(before: Eq, rule: Rule, gives: Eq, holds: tuple[Expr, ...] = ()) -> str | None:
    """What fails at random numbers, or None where everything holds."""
    source = random.Random(20260429)
    with mpmath.workdps(DIGITS):
        for _ in range(DRAWS):
            found = _check_once(before, rule, gives, holds, source)
            if found is not None:
                return found
    return None


def _check_once(before: Eq, rule: Rule, gives: Eq, holds: tuple[Expr, ...], source: random.Random) -> str | None:
    symbols = before.free_symbols | gives.free_symbols | rule_symbols(rule)
    values = _draw(symbols, holds, source)
    if isinstance(rule, Limit):
        return _approached(before, rule, gives, values)
    if isinstance(rule, Minimise):
        return _least(before, rule, gives, values)
    if isinstance(rule, Drop):
        dropped = sum((number(term, values) for term in rule.terms), mpmath.mpf(0))
        return _equal(number(before.rhs, values), number(gives.rhs, values) + dropped, "what stays and what is dropped")
    if isinstance(rule, Series):
        return _of_order(before, rule, gives, values)
    there = _satisfy(before, values, rule.definitions if isinstance(rule, Substitute) else ())
    if there is None:
        return "the line before cannot be satisfied with numbers"
    return _equal(number(gives.lhs, there), number(gives.rhs, there), "the new line")


def rule_symbols(rule: Rule) -> set[Symbol]:
    """Quantities that occur in a rule's arguments."""
    if isinstance(rule, BothSides):
        return set(rule.operation.free_symbols) - {side}
    if isinstance(rule, Substitute):
        return set().union(*(definition.free_symbols for definition in rule.definitions))
    if isinstance(rule, Drop):
        return set().union(*(term.free_symbols for term in rule.terms))
    if isinstance(rule, SolveFor):
        return {rule.unknown}
    if isinstance(rule, Identity):
        return set()
    return {rule.over if isinstance(rule, Minimise) else rule.variable}


def _draw(symbols: set[Symbol], holds: tuple[Expr, ...], source: random.Random) -> Values:
    """Random positive rationals at which every inequality holds."""
    ordered = sorted(symbols | set().union(*(expr.free_symbols for expr in holds)), key=lambda symbol: symbol.name)
    for _ in range(2000):
        values = {symbol: mpmath.mpf(source.randint(1, 60)) / source.randint(1, 20) for symbol in ordered}
        if all(number(expr, values) > 0 for expr in holds):
            return values
    raise ValueError("no numbers satisfy the assumptions")


def number(expr: Expr, values: Values) -> mpmath.mpf:
    """An expression at given numbers, to many digits."""
    return mpmath.mpmathify(_walk(sympy.sympify(expr, strict=True), values))


def _walk(expr: Expr, values: Values) -> mpmath.mpf:
    """The number for an expression part by part: most are needed at a few points only, and compiling takes longer."""
    if isinstance(expr, Symbol):
        if expr not in values:
            raise ValueError(f"no number for {expr}")
        return values[expr]
    if not expr.args:
        return _constant(expr)
    if (rule := _rules.get(expr.func)) is not None:
        return rule(*[_walk(part, values) for part in expr.args])
    over = tuple(sorted(expr.free_symbols, key=lambda symbol: symbol.name))
    return _compiled(expr, over)(*[_walk(symbol, values) for symbol in over])


@cache
def _constant(expr: Expr) -> mpmath.mpf:
    """A number that stands in an expression."""
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(int(expr.p)) / int(expr.q) if expr.is_Rational else _compiled(expr, ())()


@cache
def _compiled(expr: Expr, over: tuple[Symbol, ...]) -> Callable[..., Any]:
    function: Callable[..., Any] = sympy.lambdify(over, expr, modules="mpmath")
    return function


_rules: dict[Any, Callable[..., Any]] = {
    sympy.Add: lambda *terms: sum(terms[1:], terms[0]),
    sympy.Mul: lambda *factors: reduce(mul, factors),
    sympy.Pow: pow,
    sympy.Max: max,
    sympy.Min: min,
    sympy.exp: mpmath.exp,
    sympy.log: mpmath.log,
    sympy.floor: mpmath.floor,
    sympy.ceiling: mpmath.ceil,
}


def _satisfy(line: Eq, values: Values, definitions: tuple[Eq, ...]) -> Values | None:
    """The numbers with one of them changed so that the line is true; what is defined follows from the others."""

    def at(symbol: Symbol, x: mpmath.mpf) -> Values:
        there = {**values, symbol: x}
        for definition in definitions:
            there[definition.lhs] = number(definition.rhs, there)
        return there

    defined = {definition.lhs for definition in definitions}
    given = set().union(*(definition.rhs.free_symbols for definition in definitions))
    if isinstance(line.lhs, Symbol) and line.lhs not in line.rhs.free_symbols | defined | given:
        there = at(line.lhs, mpmath.mpf(1))
        return {**there, line.lhs: number(line.rhs, there)}
    for symbol in sorted((line.free_symbols | given) - defined, key=lambda symbol: symbol.name):

        def gap(x: mpmath.mpf, symbol: Symbol = symbol) -> mpmath.mpf:
            there = at(symbol, x)
            return number(line.lhs, there) - number(line.rhs, there)

        try:
            start = (values[symbol], values[symbol] * 2)
            root = mpmath.findroot(gap, start, solver="secant", tol=mpmath.mpf(10) ** -100)
        except (ValueError, ZeroDivisionError):
            continue
        if isinstance(root, mpmath.mpf) and mpmath.isfinite(root) and root != 0:
            return at(symbol, root)
    return None


def _equal(one: mpmath.mpf, other: mpmath.mpf, what: str) -> str | None:
    scale = max(abs(one), abs(other), mpmath.mpf(10) ** -40)
    return (
        None
        if abs(one - other) <= TOLERANCE * scale
        else f"{what}: {mpmath.nstr(one, 8)} is not {mpmath.nstr(other, 8)}"
    )


def _approached(before: Eq, rule: Limit, gives: Eq, values: Values) -> str | None:
    """Far along, both sides are as near to their limits as they are far along."""
    far = mpmath.mpf(10) ** (20 if rule.to == sympy.oo else -20)
    for one, other in ((before.lhs, gives.lhs), (before.rhs, gives.rhs)):
        left, right = number(one, {**values, rule.variable: far}), number(other, values)
        if abs(left - right) > mpmath.mpf(10) ** -8 * max(abs(right), mpmath.mpf(10) ** -8):
            return (
                f"at {rule.variable} = {mpmath.nstr(far, 3)} it is {mpmath.nstr(left, 8)}, not {mpmath.nstr(right, 8)}"
            )
    return None


def _least(before: Eq, rule: Minimise, gives: Eq, values: Values) -> str | None:
    """A step to either side costs more, and about equally more."""
    best = number(gives.rhs, values)
    costs = [
        number(before.rhs, {**values, rule.over: best * factor})
        for factor in (1, 1 + mpmath.mpf("1e-8"), 1 - mpmath.mpf("1e-8"))
    ]
    if gives.lhs != rule.over or best <= 0 or min(costs[1:]) <= costs[0]:
        return f"{mpmath.nstr(best, 8)} is not where it is least over {rule.over}"
    return None


def _of_order(before: Eq, rule: Series, gives: Eq, values: Values) -> str | None:
    """Halving the small quantity divides what is left out by two to the next order at least."""
    tiny = mpmath.mpf(10) ** -8
    gaps = [
        abs(number(before.rhs, {**values, rule.variable: x}) - number(gives.rhs, {**values, rule.variable: x}))
        for x in (tiny, tiny / 2)
    ]
    if gaps[0] > TOLERANCE and gaps[0] / max(gaps[1], mpmath.mpf(10) ** -55) < 2 ** (rule.order + 1) * mpmath.mpf(
        "0.99"
    ):
        return f"what is left out is not of order {rule.order + 1} in {rule.variable}"
    return None

"""The second check of every line, by arithmetic alone: does it hold at random positive rationals?

Nothing here looks at how a rule computes its line. Values are drawn for all symbols but one, the line before fixes that
one, and the new line must then be true; a limit is approached, a minimum is stepped away from.
"""

import random
from collections.abc import Callable

import mpmath
import sympy
from sympy import Eq, Symbol
from sympy.core.relational import Le, Lt, Relational

from steptime.derivations.checks.draws import DIGITS, Values, are_true, draw, is_true, number

from steptime.derivations.rules import (  # isort: skip
    BothSides, Branch, Drop, Extreme, Identity, Limit, Minimise, Optimum, Rule, Series, SolveFor, Substitute, Total,
    Turning, side,
)  # fmt: skip

DRAWS = 4
REDRAWS = 8
STARTS = (1, mpmath.mpf(10) ** 4, mpmath.mpf(10) ** -4, mpmath.mpf(10) ** 9)
"""Where a root is looked for, times the number drawn."""

TOLERANCE = mpmath.mpf(10) ** -25


def check_numerically(before: Eq, rule: Rule, gives: Eq, holds: tuple[Relational, ...] = ()) -> str | None:
    """What fails at random numbers, or None where everything holds."""
    source = random.Random(20260429)
    with mpmath.workdps(DIGITS):
        for _ in range(DRAWS):
            found = _check_once(before, rule, gives, holds, source)
            if found is not None:
                return found
    return None


def _check_once(before: Eq, rule: Rule, gives: Eq, holds: tuple[Relational, ...], source: random.Random) -> str | None:
    symbols = before.free_symbols | gives.free_symbols | rule_symbols(rule)
    values = draw(symbols, holds, source, counted(before, gives))
    if isinstance(rule, Limit):
        return _approached(before, rule, gives, values)
    if isinstance(rule, Minimise):
        return _least(before, rule, gives, values)
    if isinstance(rule, Turning):
        return _turns(before, rule, gives, values)
    if isinstance(rule, Extreme):
        return _bounded(before, rule, gives, values, source)
    if isinstance(rule, Optimum):
        return _no_better(before, rule, gives, values, source)
    if isinstance(rule, Drop):
        dropped = sum((number(term, values) for term in rule.terms), mpmath.mpf(0))
        return _equal(number(before.rhs, values), number(gives.rhs, values) + dropped, "what stays and what is dropped")
    if isinstance(rule, Series):
        return _of_order(before, rule, gives, values)
    for _ in range(REDRAWS):
        there = satisfy(before, values, rule.definitions if isinstance(rule, Substitute) else (), holds)
        if there is not None:
            break
        values = draw(symbols, holds, source, counted(before, gives))
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
    if isinstance(rule, Total):
        return set(rule.of.free_symbols | rule.closed.free_symbols)
    if isinstance(rule, Turning):
        return set().union(*(part.free_symbols for part in (rule.over, rule.one, rule.other, rule.times)))
    if isinstance(rule, Branch):
        return set(rule.of.free_symbols)
    if isinstance(rule, Extreme):
        return set(rule.bound.free_symbols)
    if isinstance(rule, Optimum):
        parts = (*rule.within, rule.value, *rule.prices, *rule.weights, *rule.at)
        return set().union(*(part.free_symbols for part in parts))
    if isinstance(rule, Limit | Series):
        return {rule.variable}
    return set(rule.chooses())


def counted(*lines: Eq) -> frozenset[Symbol]:
    """Quantities that count the summands of a sum."""
    sums = [part for line in lines for part in line.atoms(sympy.Sum)]
    return frozenset(symbol for one in sums for bound in one.limits[0][1:] for symbol in bound.free_symbols)


def satisfy(line: Eq, values: Values, definitions: tuple[Eq, ...], holds: tuple[Relational, ...] = ()) -> Values | None:
    """The numbers with one of them changed so that the line is true, and every inequality still; what is defined
    follows from the others."""

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

        for start in (values[symbol] * scale for scale in STARTS):
            root = _root(gap, start)
            if root is None:
                continue
            there = at(symbol, root)
            left, right = number(line.lhs, there), number(line.rhs, there)
            close = abs(left - right) <= mpmath.mpf(10) ** -40 * max(abs(left), abs(right))
            if close and all(is_true(relation, there) for relation in holds if relation.free_symbols <= set(there)):
                return there
    return None


def _root(gap: Callable[[mpmath.mpf], mpmath.mpf], start: mpmath.mpf) -> mpmath.mpf | None:
    """A positive root near a number, None where none is found."""
    try:
        root = mpmath.findroot(gap, (start, 2 * start), solver="secant", tol=mpmath.mpf(10) ** -100)
    except (ValueError, ZeroDivisionError):
        return None
    return root if isinstance(root, mpmath.mpf) and mpmath.isfinite(root) and root > 0 else None


def _equal(one: mpmath.mpf, other: mpmath.mpf, what: str) -> str | None:
    scale = max(abs(one), abs(other), mpmath.mpf(10) ** -20)
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


def _turns(before: Eq, rule: Turning, gives: Eq, values: Values) -> str | None:
    """The slope, by small steps to either side, is what is positive times the difference of the new line's sides; and
    further on that difference is larger, or for a greatest smaller. Where it vanishes nothing a step away is better."""

    def gap(x: mpmath.mpf) -> mpmath.mpf:
        there = {**values, rule.over: x}
        return number(gives.lhs, there) - number(gives.rhs, there)

    def value(x: mpmath.mpf) -> mpmath.mpf:
        return number(before.rhs, {**values, rule.over: x})

    at, tiny = values[rule.over], mpmath.mpf(10) ** -20
    slope, times = (value(at * (1 + tiny)) - value(at * (1 - tiny))) / (2 * tiny * at), number(rule.times, values)
    scale = max(abs(slope), abs(times * gap(at)), tiny)
    if times <= 0 or abs(slope - times * gap(at)) > mpmath.mpf(10) ** -12 * scale:
        return f"the slope is {mpmath.nstr(slope, 8)}, not {mpmath.nstr(times, 8)} times {mpmath.nstr(gap(at), 8)}"
    turned = 1 if rule.least else -1
    if turned * (gap(at * (1 + tiny)) - gap(at)) <= 0:
        return f"the difference does not {'rise' if rule.least else 'fall'} with {rule.over}"
    best = next((root for start in STARTS if (root := _root(gap, at * start)) is not None), None)
    if best is None:
        return None  # these numbers have none
    beside = min(turned * value(best * (1 + way * mpmath.mpf("0.001"))) for way in (1, -1))
    return None if turned * value(best) < beside else f"{mpmath.nstr(best, 8)} is not where {rule.over} is best"


def _bounded(before: Eq, rule: Extreme, gives: Eq, values: Values, source: random.Random) -> str | None:
    """Anywhere within the bound it costs no less, or gains no more."""
    end = number(rule.bound.rhs, values)
    inside = end * mpmath.mpf(source.randint(11, 30)) / 10 + mpmath.mpf(1) / 7
    if isinstance(rule.bound, Le | Lt):
        inside = end * mpmath.mpf(source.randint(1, 9)) / 10
    there, best = number(before.rhs, {**values, rule.over: inside}), number(gives.rhs, values)
    if gives.lhs != before.lhs or (there < best if rule.least else there > best):
        return f"at {rule.over} = {mpmath.nstr(inside, 8)} it is {mpmath.nstr(there, 8)}, beyond {mpmath.nstr(best, 8)}"
    return None


def _no_better(before: Eq, rule: Optimum, gives: Eq, values: Values, source: random.Random) -> str | None:
    """At the optimum it is what is said, and at no other way to spend the budget less."""
    best = {point.lhs: number(point.rhs, values) for point in rule.at}
    value = number(gives.rhs, values)
    if gives.lhs != before.lhs or abs(number(before.rhs, {**values, **best}) - value) > TOLERANCE * value:
        return "the value at the optimum is another one"
    for _ in range(8):
        tried = {symbol: x * mpmath.mpf(source.randint(2, 20)) / 10 for symbol, x in best.items()}
        for _ in range(400):
            if are_true(rule.within, {**values, **tried}):
                if number(before.rhs, {**values, **tried}) < value * (1 - TOLERANCE):
                    return f"at {tried} it is less"
                break
            tried = {symbol: x * mpmath.mpf(source.randint(85, 105)) / 100 for symbol, x in tried.items()}
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

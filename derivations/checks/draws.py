"""Numbers for expressions to many digits, and random numbers within the ranges of quantities."""

import random
from collections.abc import Callable, Iterable, Mapping
from functools import cache, reduce
from operator import mul
from typing import Any

import mpmath
import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational

from steptime.derivations.inequalities.refuted import is_so
from steptime.model.quantity import declared_as, domains

Values = dict[Symbol, mpmath.mpf]
DIGITS = 60


def draw(
    symbols: set[Symbol],
    holds: tuple[Relational, ...],
    source: random.Random,
    whole: frozenset[Symbol] = frozenset(),
) -> Values:
    """Random positive rationals within the ranges of the quantities, at which every inequality holds; ``whole`` ones
    for what counts summands."""
    ordered = sorted(symbols | set().union(*(expr.free_symbols for expr in holds)), key=lambda symbol: symbol.name)
    within = tuple(part for part in domains(ordered) if len(part.free_symbols) > 1)
    for turn in range(8000):
        wide = turn // 2000  # what is far smaller than the rest asks for numbers of different magnitudes
        drawn = {symbol: _drawn(symbol, source, symbol in whole, 3 * wide) for symbol in ordered}
        rough = {symbol: above / below for symbol, (above, below) in drawn.items()}
        if _seen_false((*within, *holds), rough):
            continue
        values = {symbol: mpmath.mpf(above) / below for symbol, (above, below) in drawn.items()}
        if all(is_true(relation, values) for relation in (*holds, *within)):
            return values
    raise ValueError("no numbers satisfy the assumptions")


def _drawn(symbol: Symbol, source: random.Random, whole: bool, magnitudes: int) -> tuple[int, int]:
    """One number in the range of a quantity, of so many magnitudes up or down, as a numerator and a denominator."""
    record = declared_as(symbol)
    low, high = record.sane if record is not None else (0.0, 1e30)
    if whole:
        return (1 if high == 1 else source.randint(2, 9)), 1
    if high == 1:
        return source.randint(1, 59), 60
    power = source.randint(0 if low == 1 else -magnitudes, magnitudes) if magnitudes else 0
    above, below = source.randint(1, 60) * 10 ** max(power, 0), source.randint(1, 20) * 10 ** max(-power, 0)
    return (above + below if low == 1 else above), below


def are_true(relations: Iterable[Relational], values: Values) -> bool:
    """Whether inequalities hold at given numbers, all of them."""
    many = tuple(relations)
    rough = {symbol: float(value) for symbol, value in values.items()}
    return not _seen_false(many, rough) and all(is_true(relation, values) for relation in many)


def _seen_false(relations: Iterable[Relational], rough: Mapping[Symbol, float]) -> bool:
    """Whether floats tell that one of several inequalities does not hold: ten times as fast as many digits."""
    return any(is_so(relation, rough) is False for relation in relations)


def is_true(relation: Relational, values: Values) -> bool:
    """Whether an inequality holds at given numbers; where a part has no real value, it does not."""
    try:
        gap = number(_gap(relation), values)
    except (ZeroDivisionError, ValueError, OverflowError):
        return False
    if not isinstance(gap, mpmath.mpf) or mpmath.isnan(gap):
        return False
    kinds = {Gt: gap > 0, Ge: gap >= 0, Lt: gap < 0, Le: gap <= 0, Ne: gap != 0}
    return any(bool(found) for kind, found in kinds.items() if isinstance(relation, kind))


@cache
def _gap(relation: Relational) -> Expr:
    """By how much the left side is larger."""
    return relation.lhs - relation.rhs


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
    if isinstance(expr, sympy.Sum):
        return _sum(expr, values)
    if (rule := _rules.get(expr.func)) is not None:
        return rule(*[_walk(part, values) for part in expr.args])
    over = tuple(sorted(expr.free_symbols, key=lambda symbol: symbol.name))
    return _compiled(expr, over)(*[_walk(symbol, values) for symbol in over])


def _sum(expr: sympy.Sum, values: Values) -> mpmath.mpf:
    """A sum, summand by summand."""
    index, low, high = expr.limits[0]
    first, last = _walk(low, values), _walk(high, values)
    if mpmath.nint(first) != first or mpmath.nint(last) != last or last - first > 1000:
        raise ValueError(f"{expr} has no whole number of summands")
    turns = range(int(first), int(last) + 1)
    return sum((_walk(expr.function, {**values, index: mpmath.mpf(turn)}) for turn in turns), mpmath.mpf(0))


@cache
def _constant(expr: Expr) -> mpmath.mpf:
    """A number that stands in an expression."""
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(int(expr.p)) / int(expr.q) if expr.is_Rational else _compiled(expr, ())()


@cache
def _compiled(expr: Expr, over: tuple[Symbol, ...]) -> Callable[..., Any]:
    function: Callable[..., Any] = sympy.lambdify(over, expr, modules="mpmath")
    return function


def _lambert(value: mpmath.mpf, which: Any = 0) -> mpmath.mpf:
    """The branch of Lambert's function, where it is real."""
    found = mpmath.lambertw(value, int(which))
    if mpmath.im(found) != 0:
        raise ValueError(f"the branch {which} of Lambert's function is not real at {value}")
    return mpmath.re(found)


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
    sympy.binomial: mpmath.binomial,
    sympy.LambertW: _lambert,
    sympy.gamma: mpmath.gamma,
}

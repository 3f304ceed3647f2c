"""Whether an inequality is refuted by numbers, which spares the long search for a proof of it."""

import math
import random
from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational

from steptime.model.quantity import declared_as, domains
from steptime.model.scenario import evaluate

POINTS = 400
"""Points that are drawn; those count at which everything known is so."""

ROUNDING = 1e-7
"""By how much, relative to it, a difference must miss to be no rounding."""

Point = dict[Symbol, float]


@cache
def refuted(goal: Relational, facts: tuple[Relational, ...]) -> bool:
    """Whether an inequality is not so at some numbers at which others are, and in the ranges of the quantities."""
    symbols = frozenset(goal.free_symbols.union(*(fact.free_symbols for fact in facts)))
    return any(is_so(goal, point) is False for point in points(symbols, facts))


@cache
def both_signs(expr: Expr, facts: tuple[Relational, ...]) -> bool:
    """Whether an expression is positive at some numbers at which others are so, and negative at other ones."""
    symbols = frozenset(expr.free_symbols.union(*(fact.free_symbols for fact in facts)))
    found = {is_so(Gt(expr, 0, evaluate=False), point) for point in points(symbols, facts)}
    return {True, False} <= found


@cache
def points(symbols: frozenset[Symbol], facts: tuple[Relational, ...]) -> list[Point]:
    """Numbers in the ranges of the quantities at which facts are so, of like and of unlike magnitudes."""
    source = random.Random(20260429)
    ordered = sorted(symbols, key=lambda symbol: symbol.name)
    known = (*(part for part in domains(symbols) if len(part.free_symbols) > 1), *facts)
    found = []
    for turn in range(POINTS):
        point = {symbol: _drawn(symbol, source, (0.5, 2.0, 5.0)[turn % 3]) for symbol in ordered}
        if all(is_so(relation, point) for relation in known):
            found.append(point)
        if len(found) == 24:
            break
    return found


def _drawn(symbol: Symbol, source: random.Random, magnitudes: float) -> float:
    record = declared_as(symbol)
    low, high = record.sane if record is not None else (0.0, 1e30)
    if high == 1:
        return source.random() ** source.choice((1, 1, 4))
    drawn = 10 ** source.uniform(-magnitudes, magnitudes)
    return 1 + drawn if low == 1 and (record is None or not record.relaxed) else drawn


def is_so(relation: Relational, point: Mapping[Symbol, float]) -> bool | None:
    """Whether a relation is so at a point; None where rounding, or a part without a value, leaves it open."""
    with np.errstate(all="ignore"):
        return _is_so(relation, point)


def _is_so(relation: Relational, point: Mapping[Symbol, float]) -> bool | None:
    left, right = (_value(side, point) for side in relation.args)
    if left is None or right is None:
        return None
    gap = left - right
    if abs(gap) <= ROUNDING * max(abs(left), abs(right)):
        return None
    if isinstance(relation, Ne):
        return True
    if isinstance(relation, (Ge | Gt) if gap > 0 else (Le | Lt)):
        return True
    return None if _is_rounding(gap, relation, point) else False


def _is_rounding(gap: float, relation: Relational, point: Mapping[Symbol, float]) -> bool:
    """Whether two sides differ by no more than what rounding makes of their summands, which may be far larger."""
    parts = [_value(term, point) for side in relation.args for term in sympy.Add.make_args(side)]
    return abs(gap) <= ROUNDING * sum(abs(part) for part in parts if part is not None)


def value_at(expr: Expr, point: Mapping[Symbol, float]) -> float | None:
    """The number of an expression at a point, None where it has none."""
    with np.errstate(all="ignore"):
        return _value(expr, point)


def _value(expr: Expr, point: Mapping[Symbol, float]) -> float | None:
    try:
        value = float(evaluate(expr, point))
    except (KeyError, TypeError, ValueError, ArithmeticError, NotImplementedError):
        return None
    return value if math.isfinite(value) else None

"""Whether a polynomial is positive, as a combination of others that are (Positivstellensatz).

f = sum of products of non-negative numbers, monomials and known positive polynomials, plus a rest without a negative
coefficient: found by a linear program in floats, and checked in rational numbers, so that it is exact.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import sympy
from sympy import Expr, Poly, Rational, Symbol

Known = tuple[Expr, bool]
"""An expression that is not negative, and whether it is positive."""

Powers = tuple[int, ...]
Facts = list[tuple[Poly, bool]]
MOST_COLUMNS = 600


def poly_of(expr: Expr) -> Poly:
    """A polynomial of its own quantities, in order of name."""
    return Poly(expr, *sorted(expr.free_symbols, key=str))


def factors_of(expr: Expr) -> tuple[Expr, list[tuple[Expr, int]]]:
    """The numerical factor of a polynomial, and its irreducible ones with their powers."""
    try:
        number, factors = sympy.factor_list(expr)
    except sympy.PolificationFailed:  # a number, however it is written
        return sympy.expand(expr), []
    return number, factors


def never_zero(gens: tuple[Any, ...], powers: Powers, nullable: set[Symbol]) -> bool:
    """Whether a monomial contains no quantity that may be zero."""
    return not any(power and gen in nullable for gen, power in zip(gens, powers, strict=True))


def combined(poly: Poly, known: Facts, nullable: set[Symbol]) -> bool | None:
    """Whether a polynomial is positive (True), or not negative (False), by a combination of facts; else None."""
    facts = [(fact, strict) for fact, strict in known if not fact.is_ground]
    weak = None
    for goal, chosen in _ways(poly, facts, nullable):
        found = _linear(goal, chosen, nullable) if chosen else None
        if found:
            return True
        weak = found if weak is None else weak
    return weak


def _ways(poly: Poly, facts: Facts, nullable: set[Symbol]) -> Iterator[tuple[Poly, Facts]]:
    """What to show, by which facts: itself, itself times what is positive, itself by products of facts."""
    yield poly, facts
    for gen in sorted({gen for fact, _ in facts for gen in fact.gens} - nullable, key=str):
        yield poly_of(sympy.expand(poly.as_expr() * gen)), facts
    products = (
        (one * other, first and second)
        for (one, first), (other, second) in combinations_with_replacement(facts, 2)
        if one.total_degree() + other.total_degree() <= poly.total_degree() + 2
    )
    yield poly, [*products, *facts]


def _linear(poly: Poly, facts: Facts, nullable: set[Symbol]) -> bool | None:
    gens = tuple(sorted(set(poly.gens).union(*(fact.gens for fact, _ in facts)), key=str))
    goal = dict(Poly(poly.as_expr(), *gens).terms())
    columns: list[tuple[dict[Powers, Rational], bool]] = []
    for fact, strict in facts:
        terms = dict(Poly(fact.as_expr(), *gens).terms())
        for shift in _shifts(goal, terms):
            moved = {tuple(p + s for p, s in zip(powers, shift, strict=True)): c for powers, c in terms.items()}
            columns.append((moved, strict and never_zero(gens, shift, nullable)))
    if not columns or len(columns) > MOST_COLUMNS:
        return None
    return _program(goal, columns, lambda powers: never_zero(gens, powers, nullable))


def _shifts(goal: dict[Powers, Rational], terms: dict[Powers, Rational]) -> set[Powers]:
    """Monomials by which a fact's terms become terms of the goal."""
    found = {
        tuple(g - t for g, t in zip(wanted, has, strict=True)) for wanted in goal for has in terms
    }
    return {shift for shift in found if min(shift, default=0) >= 0} | {tuple(0 for _ in next(iter(goal)))}


def _program(
    goal: dict[Powers, Rational], columns: list[tuple[dict[Powers, Rational], bool]], sure: Callable[[Powers], bool]
) -> bool | None:
    """Multipliers of the facts that leave no negative coefficient, found in floats and checked in rationals."""
    lowered = {powers for moved, _ in columns for powers, number in moved.items() if number < 0}
    if any(number < 0 and powers not in lowered for powers, number in goal.items()):
        return None  # no fact has a summand that could offset it
    import numpy as np
    from scipy.optimize import linprog

    monomials = sorted(set(goal).union(*(moved for moved, _ in columns)))
    place = {powers: row for row, powers in enumerate(monomials)}
    matrix, left = np.zeros((len(monomials), len(columns))), np.zeros(len(monomials))
    for powers, number in goal.items():
        left[place[powers]] = float(number)
    for column, (moved, _) in enumerate(columns):
        for powers, number in moved.items():
            matrix[place[powers], column] = float(number)
    certain = np.array([1.0 if sure(powers) else 0.0 for powers in monomials])
    gain = np.array([1.0 if strict else 0.0 for _, strict in columns]) - certain @ matrix
    solved = linprog(-gain, A_ub=matrix, b_ub=left, bounds=(0, 1e4), method="highs")
    if not solved.success:
        return None
    weights = [Fraction(float(x)).limit_denominator(720) for x in solved.x]
    rest = {powers: Fraction(int(c.p), int(c.q)) for powers, c in ((m, goal.get(m, Rational(0))) for m in monomials)}
    for weight, (moved, _) in zip(weights, columns, strict=True):
        for powers, number in moved.items():
            rest[powers] -= weight * Fraction(int(number.p), int(number.q))
    if any(number < 0 for number in rest.values()) or any(weight < 0 for weight in weights):
        return None
    used = any(weight > 0 and strict for weight, (_, strict) in zip(weights, columns, strict=True))
    return used or any(number > 0 and sure(powers) for powers, number in rest.items())

"""Whether a polynomial is positive, as a combination of others that are (Positivstellensatz).

f = sum of products of non-negative numbers, monomials and known positive polynomials, plus a rest without a negative
coefficient: found by a linear program in floats, and checked in rational numbers, so that it is exact.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import sympy
from sympy import Expr, Poly, Symbol

Known = tuple[Expr, bool]
"""An expression that is not negative, and whether it is positive."""

Monomial = tuple[tuple[Symbol, int], ...]
Terms = dict[Monomial, Fraction]
Told = tuple[Terms, bool]
Facts = list[tuple[Poly, bool]]
MOST_COLUMNS = 600
LARGEST_WEIGHTS = (1e4, 8)
"""Bounds on the multipliers of facts: large ones show whether there are any, small ones come out exact."""


def poly_of(expr: Expr) -> Poly:
    """A polynomial of its own quantities, in order of name."""
    return Poly(expr, *sorted(expr.free_symbols, key=str))


@cache
def fraction_of(expr: Expr) -> tuple[Expr, Expr]:
    """An expression as one fraction."""
    numerator, denominator = sympy.fraction(sympy.together(expr))
    return numerator, denominator


@cache
def factors_of(expr: Expr) -> tuple[Expr, list[tuple[Expr, int]]]:
    """The numerical factor of a polynomial, and its irreducible ones with their powers."""
    try:
        number, factors = sympy.factor_list(expr)
    except sympy.PolificationFailed:  # a number, however it is written
        return sympy.expand(expr), []
    return number, factors


@cache
def terms_of(poly: Poly) -> Terms:
    """The coefficients of a polynomial by its monomials, each a tuple of quantities with their powers."""
    found: Terms = {}
    for powers, number in poly.terms():
        monomial = in_order((gen, power) for gen, power in zip(poly.gens, powers, strict=True))
        found[monomial] = Fraction(int(number.p), int(number.q))
    return found


def combined(poly: Poly, known: Facts, nullable: set[Symbol]) -> bool | None:
    """Whether a polynomial is positive (True), or not negative (False), by a combination of facts; else None."""
    facts = [(terms_of(fact), strict) for fact, strict in known if not fact.is_ground]
    goal = terms_of(poly)
    weak = None
    for wanted, chosen, rounds in _ways(goal, facts, nullable):
        found = _linear(wanted, chosen, nullable, rounds) if chosen else None
        if found:
            return True
        weak = found if weak is None else weak
    return weak


def _ways(goal: Terms, facts: list[Told], nullable: set[Symbol]) -> Iterator[tuple[Terms, list[Told], int]]:
    """What to show, by which facts, times which monomials: itself, itself times what is positive, itself by products of
    facts, itself by facts whose summands offset one another."""
    yield goal, facts, 1
    gens = {gen for fact, _ in facts for monomial in fact for gen, _ in monomial} - nullable
    for gen in sorted(gens, key=str):
        yield times_monomial(goal, ((gen, 1),)), facts, 1
    most = degree(goal) + 2
    products = (
        (product(one, other), first and second)
        for (one, first), (other, second) in combinations_with_replacement(facts, 2)
        if degree(one) + degree(other) <= most
    )
    yield goal, [*products, *facts], 1
    yield goal, facts, 2


def degree(terms: Terms) -> int:
    """The largest sum of powers of a monomial."""
    return max(sum(power for _, power in monomial) for monomial in terms)


def times_monomial(terms: Terms, factor: Monomial) -> Terms:
    """A polynomial times a monomial."""
    return {multiplied(monomial, factor): number for monomial, number in terms.items()}


def product(one: Terms, other: Terms) -> Terms:
    """A polynomial times another."""
    found: Terms = {}
    for monomial, number in one.items():
        for factor, times in other.items():
            both = multiplied(monomial, factor)
            found[both] = found.get(both, Fraction(0)) + number * times
    return {monomial: number for monomial, number in found.items() if number}


def multiplied(one: Monomial, other: Monomial) -> Monomial:
    """A monomial times another."""
    powers = dict(one)
    for gen, power in other:
        powers[gen] = powers.get(gen, 0) + power
    return in_order(powers.items())


def divided(one: Monomial, other: Monomial) -> Monomial | None:
    """A monomial over another, None where that is none."""
    powers = dict(one)
    for gen, power in other:
        powers[gen] = powers.get(gen, 0) - power
        if powers[gen] < 0:
            return None
    return in_order(powers.items())


def in_order(powers: Iterable[tuple[Symbol, int]]) -> Monomial:
    """A monomial, its quantities in order of name."""
    return tuple(sorted((part for part in powers if part[1]), key=lambda part: part[0].name))


def _linear(goal: Terms, facts: list[Told], nullable: set[Symbol], rounds: int) -> bool | None:
    columns: list[Told] = []
    wanted = set(goal)
    for _ in range(rounds):
        columns = []
        for fact, strict in facts:
            shifts = {shift for monomial in wanted for has in fact if (shift := divided(monomial, has)) is not None}
            for shift in sorted(shifts | {()}, key=str):
                columns.append((times_monomial(fact, shift), strict and sure(shift, nullable)))
        wanted = wanted.union(*(fact for fact, _ in columns))
    lowered = {monomial for fact, _ in columns for monomial, number in fact.items() if number < 0}
    if not columns or len(columns) > MOST_COLUMNS:
        return None
    if any(number < 0 and monomial not in lowered for monomial, number in goal.items()):
        return None  # no fact has a summand that could offset it
    return _program(goal, columns, nullable)


def sure(monomial: Monomial, nullable: set[Symbol]) -> bool:
    """Whether a monomial contains no quantity that may be zero."""
    return not any(gen in nullable for gen, _ in monomial)


def _program(goal: Terms, columns: list[Told], nullable: set[Symbol]) -> bool | None:
    """Multipliers of the facts that leave no negative coefficient, found in floats and checked in rationals."""
    import numpy as np
    from scipy.optimize import linprog

    monomials = list(dict.fromkeys([*goal, *(monomial for fact, _ in columns for monomial in fact)]))
    place = {monomial: row for row, monomial in enumerate(monomials)}
    matrix, left = np.zeros((len(monomials), len(columns))), np.zeros(len(monomials))
    for monomial, number in goal.items():
        left[place[monomial]] = float(number)
    for column, (fact, _) in enumerate(columns):
        for monomial, number in fact.items():
            matrix[place[monomial], column] = float(number)
    certain = np.array([1.0 if sure(monomial, nullable) else 0.0 for monomial in monomials])
    gain = np.array([1.0 if strict else 0.0 for _, strict in columns]) - certain @ matrix
    weak = None
    for most in LARGEST_WEIGHTS:
        solved = linprog(-gain, A_ub=matrix, b_ub=left, bounds=(0, most), method="highs")
        if not solved.success:
            break
        found = _checked(goal, columns, solved.x, nullable)
        if found:
            return True
        weak = found if weak is None else weak
    return weak


def _checked(goal: Terms, columns: list[Told], multipliers: Any, nullable: set[Symbol]) -> bool | None:
    """Whether multipliers, as fractions, leave no negative coefficient, and a positive one or a strict fact."""
    weights = [Fraction(float(x)).limit_denominator(720) for x in multipliers]
    rest = dict(goal)
    for weight, (fact, _) in zip(weights, columns, strict=True):
        if weight:
            for monomial, number in fact.items():
                rest[monomial] = rest.get(monomial, Fraction(0)) - weight * number
    if any(number < 0 for number in rest.values()) or any(weight < 0 for weight in weights):
        return None
    used = any(weight > 0 and strict for weight, (_, strict) in zip(weights, columns, strict=True))
    return used or any(number > 0 and sure(monomial, nullable) for monomial, number in rest.items())

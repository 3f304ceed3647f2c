"""Whether a polynomial is positive, as a combination of others that are (Positivstellensatz).

f = sum of products of non-negative numbers, monomials and known positive polynomials, plus a rest without a negative
coefficient: found by a linear program in floats, and checked in rational numbers, so that it is exact.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

from sympy import Poly, Symbol

from steptime.derivations.inequalities.polynomials import (
    Facts,
    Terms,
    Told,
    degree,
    divided,
    product,
    sure,
    terms_of,
    times_monomial,
)  # fmt: skip

MOST_COLUMNS = 600
LARGEST_WEIGHTS = (1e4, 8)
"""Bounds on the multipliers of facts: large ones show whether there are any, small ones come out exact."""


def combined(poly: Poly, known: Facts, nullable: set[Symbol]) -> bool | None:
    """Whether a polynomial is positive (True), or not negative (False), by a combination of facts; else None."""
    gens, near, left = set(poly.gens), [], dict.fromkeys(fact for fact in known if not fact[0].is_ground)
    while touching := [fact for fact in left if gens & set(fact[0].gens)]:
        near += touching
        for fact in touching:
            gens |= set(fact[0].gens)
            del left[fact]
    return _combined(poly, tuple(near), frozenset(nullable & gens))


@cache
def _combined(poly: Poly, known: tuple[tuple[Poly, bool], ...], nullable: frozenset[Symbol]) -> bool | None:
    """The same by the facts that have a quantity in common with it, or with one that has: remembered."""
    facts = [(terms_of(fact), strict) for fact, strict in known]
    weak = None
    for goal, chosen, rounds in _ways(terms_of(poly), facts, nullable):
        found = _linear(goal, chosen, nullable, rounds) if chosen else None
        if found:
            return True
        weak = found if weak is None else weak
    return weak


def _ways(goal: Terms, facts: list[Told], nullable: AbstractSet[Symbol]) -> Iterator[tuple[Terms, list[Told], int]]:
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


def _linear(goal: Terms, facts: list[Told], nullable: AbstractSet[Symbol], rounds: int) -> bool | None:
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
    one = _by_one(goal, columns, nullable)
    return True if one else _program(goal, columns, nullable)


def _by_one(goal: Terms, columns: list[Told], nullable: AbstractSet[Symbol]) -> bool:
    """Whether one fact alone is enough, and shows that the goal is positive: most often it is."""
    for fact, strict in columns:
        least, most = Fraction(0), None
        for monomial in {*goal, *fact}:
            number, takes = goal.get(monomial, Fraction(0)), fact.get(monomial, Fraction(0))
            if takes < 0:
                least = max(least, number / takes)
            elif takes > 0:
                most = number / takes if most is None else min(most, number / takes)
            elif number < 0:
                break
        else:
            if least > 0 and (most is None or least <= most):
                rest = {m: goal.get(m, Fraction(0)) - least * fact.get(m, Fraction(0)) for m in {*goal, *fact}}
                if strict or any(number > 0 and sure(monomial, nullable) for monomial, number in rest.items()):
                    return True
    return False


def _program(goal: Terms, columns: list[Told], nullable: AbstractSet[Symbol]) -> bool | None:
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


def _checked(goal: Terms, columns: list[Told], multipliers: Any, nullable: AbstractSet[Symbol]) -> bool | None:
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

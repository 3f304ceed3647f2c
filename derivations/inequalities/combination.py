"""Whether a polynomial is positive, as a combination of others that are (Positivstellensatz).

f = sum of products of non-negative numbers, monomials and known positive polynomials, plus a rest without a negative
coefficient: found by a linear program in whole numbers, and checked by what its multipliers leave, so that it is exact.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement

from sympy import Poly, Symbol

from steptime.derivations.inequalities.monomials import Monomials, Terms, Told, product, times_monomial
from steptime.derivations.inequalities.polynomials import Facts
from steptime.derivations.inequalities.program import weights

MOST_COLUMNS = 600


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
    room = Monomials.of((poly, *(fact for fact, _ in known)))
    facts = [(room.terms(fact), strict) for fact, strict in known]
    vanishing = room.containing(nullable)
    weak = None
    for goal, chosen, rounds in _ways(room, room.terms(poly), facts, vanishing):
        found = _linear(room, goal, chosen, vanishing, rounds) if chosen else None
        if found:
            return True
        weak = found if weak is None else weak
    return weak


def _ways(room: Monomials, goal: Terms, facts: list[Told], vanishing: int) -> Iterator[tuple[Terms, list[Told], int]]:
    """What to show, by which facts, times which monomials: itself, itself times what is positive, itself by products of
    facts, itself by facts whose summands offset one another."""
    yield goal, facts, 1
    for single in room.singles:
        field = single * room.field
        if not field & vanishing and any(monomial & field for fact, _ in facts for monomial in fact):
            yield times_monomial(goal, single), facts, 1
    degrees = [room.degree(fact) for fact, _ in facts]
    most = room.degree(goal) + 2
    products = (
        (product(facts[one][0], facts[other][0]), facts[one][1] and facts[other][1])
        for one, other in combinations_with_replacement(range(len(facts)), 2)
        if degrees[one] + degrees[other] <= most
    )
    yield goal, [*products, *facts], 1
    yield goal, facts, 2


def _linear(room: Monomials, goal: Terms, facts: list[Told], vanishing: int, rounds: int) -> bool | None:
    columns: list[Told] = []
    wanted, above = set(goal), room.above
    for _ in range(rounds):
        columns = []
        for fact, strict in facts:
            shifts = {
                monomial - has for monomial in wanted for has in fact if (monomial | above) - has & above == above
            }
            columns += [(times_monomial(fact, by), strict and not by & vanishing) for by in sorted(shifts | {0})]
            if len(columns) > MOST_COLUMNS:
                return None
        wanted = wanted.union(*(fact for fact, _ in columns))
    useful = _useful(goal, columns)
    return None if useful is None else _program(goal, useful, vanishing)


def _useful(goal: Terms, columns: list[Told]) -> list[Told] | None:
    """The columns that may have a multiplier above nought: where the goal has nothing to spare, what one of them adds
    another must take away again. None where nothing can offset a negative summand of the goal."""
    lowering = Counter(monomial for fact, _ in columns for monomial, number in fact.items() if number < 0)
    raising = defaultdict[int, list[int]](list)
    for column, (fact, _) in enumerate(columns):
        for monomial, number in fact.items():
            if number > 0 >= goal.get(monomial, 0):
                raising[monomial].append(column)
    if any(number < 0 and not lowering[monomial] for monomial, number in goal.items()):
        return None
    left = set(range(len(columns)))
    stuck = [monomial for monomial in raising if not lowering[monomial]]
    while stuck:
        for column in left.intersection(raising[stuck.pop()]):
            left.remove(column)
            for monomial, number in columns[column][0].items():
                lowering[monomial] -= number < 0
                if number < 0 and not lowering[monomial]:
                    if goal.get(monomial, 0) < 0:
                        return None
                    stuck.append(monomial)
    return [columns[column] for column in sorted(left)]


def _program(goal: Terms, columns: Sequence[Told], vanishing: int) -> bool | None:
    """Multipliers of the facts that leave no negative coefficient, and if possible a positive one or a strict fact."""
    rows: dict[int, dict[int, int]] = {monomial: {} for monomial in goal}
    gain: dict[int, int] = {}
    for column, (fact, strict) in enumerate(columns):
        gain[column] = int(strict) - sum(number for monomial, number in fact.items() if not monomial & vanishing)
        for monomial, number in fact.items():
            rows.setdefault(monomial, {})[column] = number
    least = sum(number for monomial, number in goal.items() if not monomial & vanishing)
    bounds = [
        (row, goal.get(monomial, 0))
        for monomial, row in rows.items()
        if goal.get(monomial, 0) < 0 or any(number > 0 for number in row.values())
    ]
    found = weights(bounds, gain, least)
    return None if found is None else _checked(goal, columns, found, vanishing)


def _checked(goal: Terms, columns: Sequence[Told], multipliers: Sequence[Fraction], vanishing: int) -> bool | None:
    """Whether multipliers leave no negative coefficient, and a positive one or a strict fact."""
    rest: dict[int, Fraction | int] = dict(goal)
    for weight, (fact, _) in zip(multipliers, columns, strict=True):
        if weight:
            for monomial, number in fact.items():
                rest[monomial] = rest.get(monomial, 0) - weight * number
    if any(number < 0 for number in rest.values()) or any(weight < 0 for weight in multipliers):
        return None
    used = any(weight > 0 and strict for weight, (_, strict) in zip(multipliers, columns, strict=True))
    return used or any(number > 0 and not monomial & vanishing for monomial, number in rest.items())

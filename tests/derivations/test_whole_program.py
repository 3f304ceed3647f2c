"""The linear program in whole numbers, and monomials as whole numbers, each beside an older way to the same answer."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import linprog
from sympy import Poly, Rational
from sympy.abc import x, y, z

from steptime.derivations.inequalities.combination import combined
from steptime.derivations.inequalities.monomials import Monomials, product, times_monomial
from steptime.derivations.inequalities.program import weights

small = some.integers(-3, 3)


@some.composite
def programs(draw):
    columns, rows = draw(some.integers(1, 4)), draw(some.integers(1, 6))
    matrix = [[draw(small) for _ in range(columns)] for _ in range(rows)]
    return matrix, [draw(small) for _ in range(rows)], [draw(small) for _ in range(columns)], draw(some.integers(-4, 0))


def asked(matrix, sides, gain, least):
    rows = [({c: n for c, n in enumerate(row) if n}, side) for row, side in zip(matrix, sides, strict=True)]
    return weights(rows, dict(enumerate(gain)), least)


@settings(max_examples=400, deadline=None)
@given(programs())
def test_finds_weights_where_there_are_any_and_a_gain_where_there_is_one(program) -> None:
    """Beside HiGHS, which looks in floats for the largest gain within far bounds."""
    matrix, sides, gain, least = program
    found = asked(*program)
    best = linprog(-np.array(gain), A_ub=np.array(matrix), b_ub=np.array(sides), bounds=(0, 1e6), method="highs")
    assert (found is not None) == best.success
    if found is None:
        return
    assert len(found) == len(gain) and all(weight >= 0 for weight in found)
    for row, side in zip(matrix, sides, strict=True):
        assert sum(number * weight for number, weight in zip(row, found, strict=True)) <= side
    gained = least + sum(number * weight for number, weight in zip(gain, found, strict=True))
    assert (gained > 0) == (least - best.fun > 1e-9)


@pytest.mark.parametrize(
    ("rows", "gain", "least", "expected"),
    [
        ([({0: 1}, 3), ({0: -2}, -1)], {0: 1}, 0, [Fraction(1, 2)]),  # x <= 3, 2 x >= 1: any x gains
        ([({0: 2}, 1), ({0: -1}, -1)], {0: 1}, 0, None),  # 2 x <= 1, x >= 1
        ([({0: 3, 1: -1}, 0), ({1: 7}, 1), ({0: -21}, -1)], {0: 0, 1: 0}, 0, [Fraction(1, 21), Fraction(1, 7)]),
        ([({0: -1}, 0)], {0: 1}, -5, [Fraction(6)]),  # without end: as far along as gains
        ([({0: 1, 1: -1}, 0), ({0: -1, 1: 1}, 0)], {0: 1}, 0, [Fraction(1), Fraction(1)]),  # x = y, without end
        ([], {0: -1}, 0, [Fraction(0)]),
        ([({0: 1}, 0), ({1: 1}, 0)], {0: 1, 1: 1}, 0, [Fraction(0), Fraction(0)]),  # both are held at nought
    ],
)
def test_by_hand(rows, gain, least, expected) -> None:
    assert weights(rows, gain, least) == expected


def test_a_corner_where_many_rows_meet_does_not_go_round() -> None:
    """Beale's example, on which the simplex method goes round in a circle unless it breaks ties by order."""
    rows = [({0: 25, 1: -6000, 2: -4, 3: 900}, 0), ({0: 50, 1: -9000, 2: -2, 3: 300}, 0), ({2: 1}, 1)]
    found = weights(rows, {0: 75, 1: -15000, 2: 2, 3: -600}, -5)
    assert found == [Fraction(1, 25), 0, 1, 0]  # the most is 5


@pytest.mark.parametrize(
    ("goal", "facts", "expected"),
    [
        (x - y, [(x - y, True)], True),
        (x - y, [(x - y, False)], False),
        (x - y, [(x - y, False), (2 * x - 2 * y, True)], True),  # of two that will do the one that says more
        (x - y, [], None),
        (x - y, [(y - x, True)], None),
        (3 * x - 2 * y, [(x - y, False)], True),  # x is left over
        (x * z - y * z, [(x - y, True)], False),  # z may be nought
        (x * y - y**2, [(x - y, True)], True),
        (x - y + z, [(x - y, False)], False),
        (x - y, [(x - y - z, False)], False),  # what is left over may be nought
        (7 * x - 3 * y, [(2 * x - y, False), (5 * x - y, True)], True),  # by 2 and 1: x is left over, or by the fact
        (x**2 - y, [(x - 1, False), (x - y, True)], True),  # x times the first, and the second
        (x**2 - y**2, [(x - y, False)], False),
        (x**2 - y, [(x - y, False)], None),
    ],
)
def test_combinations_by_hand(goal, facts, expected) -> None:
    known = [(Poly(fact, *sorted(fact.free_symbols, key=str)), strict) for fact, strict in facts]
    assert combined(Poly(goal, *sorted(goal.free_symbols, key=str)), known, {z}) is expected


summands = some.dictionaries(some.tuples(*[some.integers(0, 3)] * 3), some.integers(1, 9) | some.integers(-9, -1),
                             min_size=1, max_size=5)  # fmt: skip
polynomials = summands.map(lambda found: Poly({powers: Rational(n, 6) for powers, n in found.items()}, x, y, z))


@settings(max_examples=100, deadline=None)
@given(polynomials, polynomials)
def test_monomials_multiply_divide_and_tell_what_they_contain(one, other) -> None:
    room = Monomials.of((one, other))
    first, second = room.terms(one), room.terms(other)
    assert read(room, product(first, second)) == primitive(one * other)
    assert read(room, times_monomial(first, room.singles[1])) == primitive(one * Poly(y, x, y, z))
    assert room.degree(first) == one.total_degree()
    for powers, monomial in zip(one.monoms(), first, strict=True):
        assert bool(monomial & room.containing({x, z})) == bool(powers[0] or powers[2])
        for divides, below in zip(other.monoms(), second, strict=True):
            goes = all(a >= b for a, b in zip(powers, divides, strict=True))
            assert ((monomial | room.above) - below & room.above == room.above) == goes


def read(room, terms):
    """A polynomial back from its whole numbers, up to a positive factor."""
    found = {
        tuple(monomial // single & room.field for single in room.singles): number for monomial, number in terms.items()
    }
    return primitive(Poly(found, *room.gens))


def primitive(poly):
    return poly.primitive()[1].set_domain("QQ")

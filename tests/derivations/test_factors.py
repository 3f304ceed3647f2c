"""Factors that are seen from the shape of a polynomial, beside SymPy's search for them."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as some
from sympy import Rational
from sympy.abc import x, y, z

from steptime.derivations.inequalities.factors import _by_shape, factors_of

SEEN = {
    "linear, one summand with it": 3 * x * y**2 - y - z**3 + 5,
    "linear, one summand without it": x * y + x * z**2 - 4,
    "not by one that divides both": x * y * z + z,
    "by halves": x / 2 - Rational(3, 4) * y**2,
    "minus before": -x - y,
    "a monomial alone": -6 * x**2 * y / 5,
    "what is expanded to one": x * (y + 1) - x * y,
    "a difference of squares": 4 * x**2 * y**4 - 9 * z**6,
    "minus that": 1 - x**2,
    "a sum of squares": x**2 + y**2,
    "a sum of cubes": x**3 + 8 * y**6 * z**3,
    "a difference of fourth powers": 16 * x**4 * y**8 - z**4,
    "powers without a common one": x**3 - y**2,
    "no perfect square": 2 * x**2 - y**2,
    "no names in order of the alphabet": sympy.Symbol("x2") - sympy.Symbol("x10") ** 2,
}
SEARCHED = {
    "two summands with, two without": (x + y) * (z + 1) + 3 * x * z,
    "a product of these": sympy.expand((x + y) * (z + 2)),
    "quadratic": x**2 + x * y + y**2 + x + 1,
    "what is no polynomial of quantities": 2**x + 1,
}


@pytest.mark.parametrize("name", SEEN)
def test_seen(name: str) -> None:
    found = _by_shape(SEEN[name])
    assert found is not None and alike(found, sympy.factor_list(SEEN[name]))


@pytest.mark.parametrize("name", SEARCHED)
def test_searched(name: str) -> None:
    assert _by_shape(SEARCHED[name]) is None and alike(factors_of(SEARCHED[name]), sympy.factor_list(SEARCHED[name]))


powers = some.integers(0, 3)
monomials = some.tuples(some.integers(1, 4) | some.integers(-4, -1), powers, powers, powers).map(
    lambda one: Rational(one[0], 2) * x ** one[1] * y ** one[2] * z ** one[3]
)
sums = some.lists(monomials, min_size=1, max_size=4).map(lambda parts: sympy.Add(*parts))


@settings(max_examples=300, deadline=None)
@given(sums, some.just(sympy.S.One) | sums)
def test_they_are_those_that_a_search_finds(one, other) -> None:
    """Of sums, and of expanded products of two, which must not be taken for irreducible."""
    expr = sympy.expand(one * other)
    if expr.free_symbols:
        assert alike(factors_of(expr), sympy.factor_list(expr))


def alike(one, other) -> bool:
    return one[0] == other[0] and dict(one[1]) == dict(other[1]) and len(one[1]) == len(other[1])

"""The irreducible factors of a polynomial, those that are seen by its shape first: most are.

A polynomial that no quantity divides is irreducible if one quantity occurs in it to the first power at most, and either
the summands with it or those without are a single one: a factor without that quantity would divide both, so that it
would be a product of quantities, of which there are none left. One of two summands, c m^g + d n^g, has the factors of
c u^g + d v^g, with u and v put in, where g is the largest number that divides all powers.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from math import gcd

import sympy
from sympy import Expr, Poly, Symbol

Factors = tuple[Expr, list[tuple[Expr, int]]]
"""A number, and irreducible polynomials with their powers."""

_U, _V = sympy.symbols("u v", positive=True)


@cache
def factors_of(expr: Expr) -> Factors:
    """The numerical factor of a polynomial, and its irreducible ones with their powers.

    A product's are those of its parts, each remembered: parts come back in many products.

    >>> from sympy.abc import x, y
    >>> factors_of(2 * x * (x**2 - y**2) * (x + y))
    (2, [(x, 1), (x - y, 1), (x + y, 2)])
    """
    if isinstance(expr, Symbol):
        return sympy.S.One, [(expr, 1)]
    if isinstance(expr, sympy.Mul):
        return _together(factors_of(part) for part in expr.args)
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer and expr.exp > 0:
        number, factors = factors_of(expr.base)
        return number**expr.exp, [(factor, power * int(expr.exp)) for factor, power in factors]
    if not expr.free_symbols:
        return sympy.expand(expr), []
    return _by_shape(expr) or _searched(expr)


def _searched(expr: Expr) -> Factors:
    try:
        number, factors = sympy.factor_list(expr)
    except sympy.PolificationFailed:  # a number, however it is written
        return sympy.expand(expr), []
    return number, factors


def _by_shape(expr: Expr) -> Factors | None:
    """The factors where they are seen from the summands; else None."""
    try:
        poly = Poly(expr)
    except sympy.GeneratorsNeeded:
        return None
    if not all(isinstance(gen, Symbol) for gen in poly.gens) or not (poly.domain.is_ZZ or poly.domain.is_QQ):
        return None
    divides, rest = poly.terms_gcd()
    number, rest = rest.primitive()
    found = _of_whole(rest)
    if found is None:
        return None
    number *= found[0]
    factors = [(gen, power) for gen, power in zip(poly.gens, divides, strict=True) if power]
    for factor, power in found[1]:
        sign = sympy.sign(factor.LC())
        number *= sign**power
        factors.append((sign * factor.as_expr(), power))
    return number, factors


def _of_whole(poly: Poly) -> tuple[Expr, list[tuple[Poly, int]]] | None:
    """The factors of a polynomial that neither a quantity nor a whole number divides; None where its shape does not
    tell."""
    powers = poly.monoms()
    if len(powers) == 1:
        return poly.LC(), []
    for of_one in zip(*powers, strict=True):
        if max(of_one) == 1 and sum(of_one) in (1, len(powers) - 1):
            return sympy.S.One, [(poly, 1)]
    if len(powers) > 2:
        return None
    common = gcd(*powers[0], *powers[1])
    if common == 1:
        return sympy.S.One, [(poly, 1)]
    first, second = ([power // common for power in one] for one in powers)
    number, factors = Poly({(common, 0): poly.coeffs()[0], (0, common): poly.coeffs()[1]}, _U, _V).factor_list()
    return number, [(_put(factor, poly.gens, first, second), power) for factor, power in factors]


def _put(pair: Poly, gens: Sequence[Symbol], first: Sequence[int], second: Sequence[int]) -> Poly:
    """A polynomial of two quantities, with two products of powers put in for them."""
    terms = {
        tuple(u * one + v * other for one, other in zip(first, second, strict=True)): number
        for (u, v), number in pair.terms()
    }
    return Poly(terms, *gens)


def _together(parts: Iterable[Factors]) -> Factors:
    """The factors of a product from those of its parts; of two that differ by their sign alone one is taken."""
    whole, powers = sympy.S.One, dict[Expr, int]()
    for number, factors in parts:
        whole *= number
        for factor, power in factors:
            if -factor in powers:
                whole *= (-1) ** power
                powers[-factor] += power
            else:
                powers[factor] = powers.get(factor, 0) + power
    return whole, sorted(powers.items(), key=lambda item: (item[1], str(item[0])))

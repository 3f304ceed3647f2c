"""Polynomials of quantities none of which is negative: their coefficients, factors, and plain signs."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from fractions import Fraction
from functools import cache

import sympy
from sympy import Expr, Poly, Symbol

Known = tuple[Expr, bool]
"""An expression that is not negative, and whether it is positive."""

Monomial = tuple[tuple[Symbol, int], ...]
Terms = dict[Monomial, Fraction]
Facts = list[tuple[Poly, bool]]


@cache
def poly_of(expr: Expr) -> Poly:
    """A polynomial of its own quantities, in order of name."""
    return Poly(expr, *sorted(expr.free_symbols, key=str))


@cache
def fraction_of(expr: Expr) -> tuple[Expr, Expr]:
    """An expression as one fraction."""
    numerator, denominator = sympy.fraction(sympy.together(expr))
    return numerator, denominator


@cache
def terms_of(poly: Poly) -> Terms:
    """The coefficients of a polynomial by its monomials, each a tuple of quantities with their powers."""
    found: Terms = {}
    for powers, number in poly.terms():
        monomial = in_order((gen, power) for gen, power in zip(poly.gens, powers, strict=True))
        found[monomial] = Fraction(int(number.p), int(number.q))
    return found


def by_coefficients(poly: Poly, nullable: AbstractSet[Symbol]) -> str | None:
    """The sign of a polynomial of which no coefficient is negative, or none positive; it may be zero only where each
    summand contains a quantity that may be."""
    terms = terms_of(poly)
    strict = any(sure(monomial, nullable) for monomial in terms)
    if all(number >= 0 for number in terms.values()):
        return "+" if strict else "0+"
    if all(number <= 0 for number in terms.values()):
        return "-" if strict else "0-"
    return None


def signs_at(poly: Poly, points: Iterable[Mapping[Symbol, float]]) -> set[str]:
    """The signs that a polynomial has at some points; one at which rounding hides it tells none."""
    found: set[str] = set()
    for point in points:
        parts = []
        for monomial, number in terms_of(poly).items():
            value = float(number)
            for gen, power in monomial:
                value *= point.get(gen, float("nan")) ** power
            parts.append(value)
        total = sum(parts)
        if abs(total) > 1e-9 * sum(abs(part) for part in parts):
            found.add("+" if total > 0 else "-")
    return found


def sure(monomial: Monomial, nullable: AbstractSet[Symbol]) -> bool:
    """Whether a monomial contains no quantity that may be zero."""
    return not any(gen in nullable for gen, _ in monomial)


def in_order(powers: Iterable[tuple[Symbol, int]]) -> Monomial:
    """A monomial, its quantities in order of name."""
    return tuple(sorted((part for part in powers if part[1]), key=lambda part: part[0].name))

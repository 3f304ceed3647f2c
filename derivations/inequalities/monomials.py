"""Polynomials as whole numbers by their monomials, each monomial one whole number itself.

A monomial keeps the power of each quantity in a few bits of its own, with one bit more above them. Then the product of
two is their sum, and whether one divides another shows in those bits above: none is borrowed from.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from math import lcm

from sympy import Poly, Symbol

Terms = dict[int, int]
"""The coefficients of a polynomial, times what makes them whole, by its monomials."""

Told = tuple[Terms, bool]
"""A polynomial that is not negative, and whether it is positive."""

ROOM = 8
"""How many times the largest power of one polynomial may come to stand in products of several."""


@dataclass(frozen=True)
class Monomials:
    """Where the power of each quantity lies."""

    gens: tuple[Symbol, ...]
    bits: int

    @classmethod
    def of(cls, polys: Iterable[Poly]) -> "Monomials":
        """For the quantities of some polynomials, with room for products of a few of them."""
        many = tuple(polys)
        gens = set[Symbol]().union(*(poly.gens for poly in many))
        most = max((power for poly in many for power in poly.degree_list()), default=0)
        return cls(tuple(sorted(gens, key=str)), (ROOM * most).bit_length() + 1)

    @cached_property
    def singles(self) -> tuple[int, ...]:
        """Each quantity as a monomial."""
        return tuple(1 << place * self.bits for place in range(len(self.gens)))

    @cached_property
    def field(self) -> int:
        """All bits of a quantity, times the quantity as a monomial."""
        return (1 << self.bits) - 1

    @cached_property
    def above(self) -> int:
        """The bits above the powers: all of them stay when what divides a monomial is taken from it and them."""
        return sum(single << self.bits - 1 for single in self.singles)

    def containing(self, some: AbstractSet[Symbol]) -> int:
        """The bits by which a monomial shows that it contains some of these quantities."""
        return sum(single * self.field for gen, single in zip(self.gens, self.singles, strict=True) if gen in some)

    def terms(self, poly: Poly) -> Terms:
        """A polynomial, times what makes its coefficients whole."""
        singles = [self.singles[self.gens.index(gen)] for gen in poly.gens]
        rational = [
            (sum(power * single for power, single in zip(powers, singles, strict=True)), number)
            for powers, number in poly.terms()
        ]
        whole = lcm(*(int(number.q) for _, number in rational))
        return {monomial: int(number.p) * (whole // int(number.q)) for monomial, number in rational}

    def degree(self, terms: Terms) -> int:
        """The largest sum of powers of a monomial."""
        places = range(0, len(self.gens) * self.bits, self.bits)
        return max(sum(monomial >> place & self.field for place in places) for monomial in terms)


def times_monomial(terms: Terms, factor: int) -> Terms:
    """A polynomial times a monomial."""
    return {monomial + factor: number for monomial, number in terms.items()}


def product(one: Terms, other: Terms) -> Terms:
    """A polynomial times another."""
    found: Terms = {}
    for monomial, number in one.items():
        for factor, times in other.items():
            found[monomial + factor] = found.get(monomial + factor, 0) + number * times
    return {monomial: number for monomial, number in found.items() if number}

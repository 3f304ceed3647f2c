"""The closed list of rules by which one line of a derivation follows from the line before.

A rule is data: its arguments are expressions, so that a test can change each of them and see the change caught. Applied
to a line it computes the next; `Step.gives` states that line independently, and the two must agree.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ne, Relational

from steptime.derivations.approached import Drop, Limit, Series
from steptime.derivations.conditions import Condition, RuleError, of_expression, related
from steptime.derivations.optima import Extreme, Minimise, Optimum
from steptime.derivations.rule import Rule, equation, must_be_quantity
from steptime.derivations.sums import Branch, Total

__all__ = [
    "BothSides", "Branch", "Drop", "Extreme", "Identity", "Limit", "Minimise", "Optimum", "Rule", "RuleError", "Series",
    "SolveFor", "Substitute", "Total", "both_sides", "branch", "drop", "equation", "extreme", "identity", "limit",
    "minimise", "optimum", "series", "side", "solve_for", "substitute", "total",
]  # fmt: skip

side = Symbol("side", positive=True)
"""Stands for either side of a line in `BothSides`."""


@dataclass(frozen=True)
class BothSides(Rule):
    """The same operation on both sides: ``both_sides(side * F)`` multiplies by F."""

    operation: Expr

    def apply(self, line: Eq) -> Eq:
        if side not in self.operation.free_symbols:
            raise RuleError(f"the operation {self.operation} forgets the line")
        return equation(self.operation.xreplace({side: line.lhs}), self.operation.xreplace({side: line.rhs}))

    def needs(self, line: Eq) -> Iterator[Condition]:
        for condition in of_expression(self.operation, "on both sides"):
            yield condition.put({side: line.rhs})  # the sides are equal: one is enough


@dataclass(frozen=True)
class Identity(Rule):
    """The same line written differently: each side stays equal to what it was."""

    def apply(self, line: Eq) -> Eq:
        return line


@dataclass(frozen=True)
class Substitute(Rule):
    """Put in facts, each an equation whose left side is a single quantity (`facts`)."""

    facts: tuple[Any, ...]

    @property
    def definitions(self) -> tuple[Eq, ...]:
        """The equations that are put in."""
        return tuple(fact if isinstance(fact, Eq) else fact.line for fact in self.facts)

    def replacements(self) -> dict[Symbol, Expr]:
        """What is put in for what."""
        return {definition.lhs: definition.rhs for definition in self.definitions}

    def apply(self, line: Eq) -> Eq:
        for fact in self.facts:
            if not isinstance(getattr(fact, "line", fact), Eq):
                raise RuleError(f"{fact} is no equation")
        replacements = self.replacements()
        if len(replacements) < len(self.facts):
            raise RuleError("a quantity is defined twice")
        for symbol in replacements:
            must_be_quantity(symbol)
            if symbol not in line.free_symbols:
                raise RuleError(f"{symbol} does not occur in the line")
        return equation(line.lhs.xreplace(replacements), line.rhs.xreplace(replacements))

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put(self.replacements())

    def draws_on(self, assumption: Any) -> bool:
        return assumption in self.facts or getattr(assumption, "relation", None) in self.facts


@dataclass(frozen=True)
class SolveFor(Rule):
    """The line solved for one quantity that occurs in it linearly, or as one power: the positive root."""

    unknown: Symbol

    def apply(self, line: Eq) -> Eq:
        constant, coefficient, power = self._parts(line)
        return equation(self.unknown, (-constant / coefficient) ** (1 / power))

    def _parts(self, line: Eq) -> tuple[Expr, Expr, Expr]:
        """The line as constant + coefficient * unknown^power = 0."""
        must_be_quantity(self.unknown)
        numerator, _ = sympy.fraction(sympy.together(line.lhs - line.rhs))
        numerator = sympy.expand(numerator)
        powers = {term.as_coeff_exponent(self.unknown)[1] for term in sympy.Add.make_args(numerator)} - {sympy.S.Zero}
        if len(powers) != 1:
            raise RuleError(f"the line is not linear in {self.unknown}, nor in one power of it")
        (power,) = powers
        constant, coefficient = numerator.coeff(self.unknown, 0), numerator.coeff(self.unknown**power)
        if constant == 0 or coefficient.has(self.unknown):
            raise RuleError(f"the line has no positive root in {self.unknown}")
        return constant, coefficient, power

    def needs(self, line: Eq) -> Iterator[Condition]:
        _, coefficient, _ = self._parts(line)
        yield Condition(related(Ne, coefficient, 0), f"{coefficient} multiplies {self.unknown}")


def both_sides(operation: Expr) -> BothSides:
    return BothSides(sympy.sympify(operation, strict=True))


def identity() -> Identity:
    return Identity()


def substitute(*facts: Any) -> Substitute:
    return Substitute(tuple(facts))


def solve_for(unknown: Symbol) -> SolveFor:
    return SolveFor(unknown)


def limit(variable: Symbol, to: Expr) -> Limit:
    return Limit(variable, sympy.sympify(to, strict=True))


def minimise(over: Symbol) -> Minimise:
    return Minimise(over)


def extreme(bound: Relational, least: bool = True) -> Extreme:
    return Extreme(bound, least)


def optimum(
    within: Relational | tuple[Relational, ...],
    at: Iterable[Eq],
    value: Expr,
    weights: Iterable[Expr],
    price: Expr | tuple[Expr, ...],
) -> Optimum:
    limits = within if isinstance(within, tuple) else (within,)
    prices = price if isinstance(price, tuple) else (price,)
    return Optimum(limits, tuple(at), value, tuple(weights), prices)


def total(of: sympy.Sum, closed: Expr) -> Total:
    return Total(of, closed)


def branch(of: Expr, takes: Expr) -> Branch:
    return Branch(of, takes)


def drop(*terms: Expr, error: Expr | float) -> Drop:
    return Drop(tuple(terms), exact(error))


def series(variable: Symbol, order: int, error: Expr | float) -> Series:
    return Series(variable, order, exact(error))


def exact(number: Expr | float) -> Expr:
    """A number as a fraction, as it is written."""
    return sympy.Rational(str(number)) if isinstance(number, float) else sympy.sympify(number, strict=True)
